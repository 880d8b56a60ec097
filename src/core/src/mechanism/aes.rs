//! AES (FIPS 197): key generation. Its modes are among `block`'s rows and `aead`'s.

use super::key::Key;
use super::{Row, secret};
use crate::{Error, Result};
use cryptoki_sys as ck;
use std::ffi::CStr;

pub(super) const TYPES: &[u64] = &[ck::CKK_AES];
/// Shortest and longest key in bytes.
pub(super) const SIZES: (u64, u64) = (16, 32);

/// A mode's names in OpenSSL, for keys of 16, 24 and 32 bytes.
pub(super) type Names = [&'static CStr; 3];
pub(super) const GCM: Names = [c"AES-128-GCM", c"AES-192-GCM", c"AES-256-GCM"];

pub(super) static ROWS: &[Row] =
    &[row!(CKM_AES_KEY_GEN { sizes: SIZES, key_types: TYPES, generate: Some(secret::of_its_type) })];

/// The cipher for a key of this length.
pub(super) fn name(key: &Key, names: Names) -> Result<&'static CStr> {
    match key.secret()?.len() {
        16 => Ok(names[0]),
        24 => Ok(names[1]),
        32 => Ok(names[2]),
        _ => Err(Error::KeySizeRange),
    }
}
