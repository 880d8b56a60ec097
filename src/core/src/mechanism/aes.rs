//! AES (FIPS 197): rows and key generation. Block modes and CTR run in `block`; `aead` has those that authenticate.

use super::block::{Block, Mode};
use super::key::Key;
use super::wrapping::encrypted::{WHOLE, zero_padded};
use super::{Parameter, Row, Shape, secret};
use crate::attribute::Attributes;
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::cipher::Direction;
use std::ffi::CStr;
use std::sync::Arc;

/// Bytes of a block.
pub(super) const BLOCK: usize = 16;
pub(super) const TYPES: &[u64] = &[ck::CKK_AES];
/// Shortest and longest key in bytes.
pub(super) const SIZES: (u64, u64) = (16, 32);

/// A mode's names in OpenSSL, for keys of 16, 24 and 32 bytes.
pub(super) type Names = [&'static CStr; 3];
pub(super) const ECB: Names = [c"AES-128-ECB", c"AES-192-ECB", c"AES-256-ECB"];
pub(super) const CBC: Names = [c"AES-128-CBC", c"AES-192-CBC", c"AES-256-CBC"];
const CTR: Names = [c"AES-128-CTR", c"AES-192-CTR", c"AES-256-CTR"];

macro_rules! block {
    ($mechanism:ident, $shape:expr, $names:expr, $mode:expr, $wrapping:expr) => {
        row!($mechanism {
            sizes: SIZES,
            key_types: TYPES,
            parameter: $shape,
            encrypt: Some(|key| Ok(Box::new(block(key, $names, $mode, Direction::Encrypt)?))),
            decrypt: Some(|key| Ok(Box::new(block(key, $names, $mode, Direction::Decrypt)?))),
            wrapping: $wrapping,
        })
    };
}

pub(super) static ROWS: &[Row] = &[
    row!(CKM_AES_KEY_GEN { sizes: SIZES, key_types: TYPES, generate: Some(generate) }),
    block!(CKM_AES_ECB, Shape::None, ECB, Mode::Ecb, Some(zero_padded::<BLOCK>())),
    block!(CKM_AES_CBC, Shape::Iv(BLOCK), CBC, Mode::Cbc, Some(zero_padded::<BLOCK>())),
    block!(CKM_AES_CBC_PAD, Shape::Iv(BLOCK), CBC, Mode::CbcPad, Some(WHOLE)),
    block!(CKM_AES_CTR, Shape::AesCtr, CTR, Mode::Ctr, Some(WHOLE)),
];

fn block(key: &Arc<Key>, names: Names, mode: Mode, direction: Direction) -> Result<Block> {
    Block::new(name(key, names)?, key, mode, direction, BLOCK)
}

/// The cipher for a key of this length.
pub(super) fn name(key: &Key, names: Names) -> Result<&'static CStr> {
    match key.secret()?.len() {
        16 => Ok(names[0]),
        24 => Ok(names[1]),
        32 => Ok(names[2]),
        _ => Err(Error::KeySizeRange),
    }
}

/// Whether an AES key can have this many bytes.
pub(super) fn is_key_len(len: usize) -> bool {
    matches!(len, 16 | 24 | 32)
}

/// CKA_CHECK_VALUE: the first bytes of a block of zeros encrypted with the key.
pub(super) fn check_value(value: &[u8]) -> Result<[u8; 3]> {
    use sealhsm_crypto::cipher::Context;
    let name = match value.len() {
        16 => ECB[0],
        24 => ECB[1],
        _ => ECB[2],
    };
    let mut out = [0; BLOCK];
    let mut context = Context::new(name, value, Direction::Encrypt, false).map_err(super::failed)?;
    context.restart(&[]).and_then(|()| context.update(&[0; BLOCK], &mut out)).map_err(super::failed)?;
    Ok([out[0], out[1], out[2]])
}

fn generate(parameter: &Parameter<'_>, template: &Attributes) -> Result<Attributes> {
    parameter.none()?;
    let len = template.ulong(ck::CKA_VALUE_LEN).ok_or(Error::TemplateIncomplete)?;
    match usize::try_from(len) {
        Ok(len) if is_key_len(len) => secret::random(len),
        _ => Err(Error::KeySizeRange),
    }
}
