//! The rows of block ciphers, and the generation of their keys.

use super::{
    AES, ARIA, Algorithm, BLOWFISH, Block, CAMELLIA, CAST128, DES, DES3, Feedback, IDEA, Kind, Mode, RC2, Rc2, SEED,
    Stealing,
};
use crate::mechanism::key::Key;
use crate::mechanism::secret::of_its_type;
use crate::mechanism::wrapping::Wrapping;
use crate::mechanism::wrapping::encrypted::{WHOLE, zero_padded};
use crate::mechanism::{Group, Row, Shape};
use cryptoki_sys as ck;
use std::sync::Arc;

/// A mechanism with an engine of either direction: `|key, direction| engine`.
macro_rules! cipher {
    ($group:ident $algorithm:ident $mechanism:ident $shape:expr, $wrapping:expr, $engine:expr) => {
        row!($mechanism {
            sizes: $algorithm.sizes,
            key_types: $algorithm.types,
            parameter: $shape,
            group: Group::$group,
            encrypt: Some(|key| Ok(Box::new($engine(key, sealhsm_crypto::cipher::Direction::Encrypt)?))),
            decrypt: Some(|key| Ok(Box::new($engine(key, sealhsm_crypto::cipher::Direction::Decrypt)?))),
            wrapping: Some($wrapping),
        })
    };
}

/// A mode that OpenSSL has.
macro_rules! block {
    ($group:ident $algorithm:ident $mechanism:ident $mode:ident) => {
        cipher!(
            $group $algorithm $mechanism shape(&$algorithm, Mode::$mode),
            wrapping::<{ $algorithm.block }>(Mode::$mode),
            |key: &Arc<Key>, direction| Block::new(&$algorithm, key, Mode::$mode, direction)
        )
    };
}

/// Feedback of a number of bytes.
macro_rules! feedback {
    ($group:ident $algorithm:ident $mechanism:ident $kind:ident $segment:literal) => {
        cipher!(
            $group $algorithm $mechanism Shape::Iv($algorithm.block),
            WHOLE,
            |key: &Arc<Key>, direction| Feedback::new(&$algorithm, key, Kind::$kind, $segment, direction)
        )
    };
}

macro_rules! rc2 {
    ($mechanism:ident $mode:ident $shape:ident) => {
        cipher!(
            Legacy RC2 $mechanism Shape::$shape,
            wrapping::<{ RC2.block }>(Mode::$mode),
            |key: &Arc<Key>, direction| Rc2::new(key, Mode::$mode, direction)
        )
    };
}

macro_rules! key_gen {
    ($group:ident $algorithm:ident $mechanism:ident) => {
        row!($mechanism {
            sizes: $algorithm.sizes,
            key_types: $algorithm.types,
            group: Group::$group,
            generate: Some(of_its_type),
        })
    };
}

const fn shape(algorithm: &Algorithm, mode: Mode) -> Shape {
    match mode {
        Mode::Ecb => Shape::None,
        Mode::Ctr => Shape::AesCtr,
        _ => Shape::Iv(algorithm.block),
    }
}

const fn wrapping<const BLOCK: usize>(mode: Mode) -> Wrapping {
    match mode {
        Mode::Ecb | Mode::Cbc => zero_padded::<BLOCK>(),
        _ => WHOLE,
    }
}

pub(in crate::mechanism) static ROWS: &[Row] = &[
    block!(Modern AES CKM_AES_ECB Ecb),
    block!(Modern AES CKM_AES_CBC Cbc),
    block!(Modern AES CKM_AES_CBC_PAD CbcPad),
    block!(Modern AES CKM_AES_CTR Ctr),
    block!(Modern AES CKM_AES_OFB Ofb),
    block!(Modern AES CKM_AES_CFB1 Cfb1),
    block!(Modern AES CKM_AES_CFB8 Cfb8),
    block!(Modern AES CKM_AES_CFB128 Cfb),
    feedback!(Modern AES CKM_AES_CFB64 Cfb 8),
    cipher!(Modern AES CKM_AES_CTS Shape::Iv(AES.block), WHOLE, |key: &Arc<Key>, way| Stealing::new(&AES, key, way)),
    key_gen!(Modern CAMELLIA CKM_CAMELLIA_KEY_GEN),
    block!(Modern CAMELLIA CKM_CAMELLIA_ECB Ecb),
    block!(Modern CAMELLIA CKM_CAMELLIA_CBC Cbc),
    block!(Modern CAMELLIA CKM_CAMELLIA_CBC_PAD CbcPad),
    // CK_CAMELLIA_CTR_PARAMS is CK_AES_CTR_PARAMS under another name.
    block!(Modern CAMELLIA CKM_CAMELLIA_CTR Ctr),
    key_gen!(Modern ARIA CKM_ARIA_KEY_GEN),
    block!(Modern ARIA CKM_ARIA_ECB Ecb),
    block!(Modern ARIA CKM_ARIA_CBC Cbc),
    block!(Modern ARIA CKM_ARIA_CBC_PAD CbcPad),
    key_gen!(Legacy SEED CKM_SEED_KEY_GEN),
    block!(Legacy SEED CKM_SEED_ECB Ecb),
    block!(Legacy SEED CKM_SEED_CBC Cbc),
    block!(Legacy SEED CKM_SEED_CBC_PAD CbcPad),
    key_gen!(Legacy DES CKM_DES_KEY_GEN),
    block!(Legacy DES CKM_DES_ECB Ecb),
    block!(Legacy DES CKM_DES_CBC Cbc),
    block!(Legacy DES CKM_DES_CBC_PAD CbcPad),
    block!(Legacy DES CKM_DES_OFB64 Ofb),
    feedback!(Legacy DES CKM_DES_OFB8 Ofb 1),
    block!(Legacy DES CKM_DES_CFB64 Cfb),
    block!(Legacy DES CKM_DES_CFB8 Cfb8),
    row!(CKM_DES2_KEY_GEN {
        sizes: (16, 16),
        key_types: &[ck::CKK_DES2],
        group: Group::Legacy,
        generate: Some(of_its_type),
    }),
    row!(CKM_DES3_KEY_GEN {
        sizes: (24, 24),
        key_types: &[ck::CKK_DES3],
        group: Group::Legacy,
        generate: Some(of_its_type),
    }),
    block!(Legacy DES3 CKM_DES3_ECB Ecb),
    block!(Legacy DES3 CKM_DES3_CBC Cbc),
    block!(Legacy DES3 CKM_DES3_CBC_PAD CbcPad),
    key_gen!(Legacy CAST128 CKM_CAST128_KEY_GEN),
    block!(Legacy CAST128 CKM_CAST128_ECB Ecb),
    block!(Legacy CAST128 CKM_CAST128_CBC Cbc),
    block!(Legacy CAST128 CKM_CAST128_CBC_PAD CbcPad),
    key_gen!(Legacy IDEA CKM_IDEA_KEY_GEN),
    block!(Legacy IDEA CKM_IDEA_ECB Ecb),
    block!(Legacy IDEA CKM_IDEA_CBC Cbc),
    block!(Legacy IDEA CKM_IDEA_CBC_PAD CbcPad),
    key_gen!(Legacy BLOWFISH CKM_BLOWFISH_KEY_GEN),
    block!(Legacy BLOWFISH CKM_BLOWFISH_CBC Cbc),
    block!(Legacy BLOWFISH CKM_BLOWFISH_CBC_PAD CbcPad),
    key_gen!(Legacy RC2 CKM_RC2_KEY_GEN),
    // CK_RC2_PARAMS is a CK_ULONG.
    rc2!(CKM_RC2_ECB Ecb Ulong),
    rc2!(CKM_RC2_CBC Cbc Rc2Cbc),
    rc2!(CKM_RC2_CBC_PAD CbcPad Rc2Cbc),
];
