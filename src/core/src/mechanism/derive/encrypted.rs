//! Derivation by encrypting data with the base key (PKCS#11 3.2 section 6.28 and its siblings): the derived key is the
//! beginning of the ciphertext.

use super::{Bases, Derivation, Wanted};
use crate::mechanism::block::{AES, ARIA, Algorithm, Block, CAMELLIA, DES, DES3, Mode, SEED};
use crate::mechanism::engine::Cipher;
use crate::mechanism::{Group, Parameter, Row, Shape};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::cipher::Direction;
use sealhsm_secret::Secret;

macro_rules! rows {
    ($($group:ident $algorithm:ident $ecb:ident $cbc:ident $shape:ident;)*) => {
        pub(in crate::mechanism) static ROWS: &[Row] = &[$(
            row!($ecb {
                sizes: $algorithm.sizes,
                key_types: $algorithm.types,
                parameter: Shape::StringData,
                group: Group::$group,
                derivation: Some(Derivation {
                    derive: |bases, parameter, wanted| derive(ck::$ecb, &$algorithm, Mode::Ecb, bases, parameter, wanted),
                    ..Derivation::ONE_WAY
                }),
            }),
            row!($cbc {
                sizes: $algorithm.sizes,
                key_types: $algorithm.types,
                parameter: Shape::$shape,
                group: Group::$group,
                derivation: Some(Derivation {
                    derive: |bases, parameter, wanted| derive(ck::$cbc, &$algorithm, Mode::Cbc, bases, parameter, wanted),
                    ..Derivation::ONE_WAY
                }),
            }),
        )*];
    };
}

// The structures for blocks of 16 bytes are one under several names.
rows! {
    Modern AES CKM_AES_ECB_ENCRYPT_DATA CKM_AES_CBC_ENCRYPT_DATA CbcData;
    Modern CAMELLIA CKM_CAMELLIA_ECB_ENCRYPT_DATA CKM_CAMELLIA_CBC_ENCRYPT_DATA CbcData;
    Modern ARIA CKM_ARIA_ECB_ENCRYPT_DATA CKM_ARIA_CBC_ENCRYPT_DATA CbcData;
    Legacy SEED CKM_SEED_ECB_ENCRYPT_DATA CKM_SEED_CBC_ENCRYPT_DATA CbcData;
    Legacy DES CKM_DES_ECB_ENCRYPT_DATA CKM_DES_CBC_ENCRYPT_DATA DesCbcData;
    Legacy DES3 CKM_DES3_ECB_ENCRYPT_DATA CKM_DES3_CBC_ENCRYPT_DATA DesCbcData;
}

fn derive(
    mechanism: u64,
    algorithm: &Algorithm,
    mode: Mode,
    bases: &Bases<'_>,
    parameter: &Parameter<'_>,
    wanted: &Wanted,
) -> Result<Secret> {
    let (iv, data) = match (mode, parameter) {
        (Mode::Ecb, Parameter::Bytes(data)) => (Parameter::None, data),
        (Mode::Cbc, Parameter::CbcData { iv, data }) => (Parameter::Bytes(&iv[..]), data),
        (Mode::Cbc, Parameter::DesCbcData { iv, data }) => (Parameter::Bytes(&iv[..]), data),
        _ => return Err(Error::MechanismParamInvalid),
    };
    if data.is_empty() || data.len() % algorithm.block != 0 {
        return Err(Error::MechanismParamInvalid);
    }
    let len = wanted.len_within(data.len())?;
    let mut out = Secret::zeroed(data.len());
    let make = || Ok(Box::new(Block::new(algorithm, bases.key, mode, Direction::Encrypt)?) as Box<dyn Cipher>);
    bases.key.with_cipher(mechanism, Direction::Encrypt, make, |cipher| {
        cipher.start(&iv)?;
        cipher.once(data, out.as_mut())?;
        cipher.forget(true)
    })?;
    out.truncate(len);
    Ok(out)
}
