//! Secret keys: a value, its length, and a check value that tells keys apart without telling them.

use super::{Material, computed, required};
use crate::attribute::{Attributes, Value};
use crate::mechanism::secret::MAX_SECRET;
use crate::mechanism::{aes, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::digest;
use sealhsm_secret::Secret;

pub(super) fn open(key: &Attributes) -> Result<Material> {
    Ok(Material::Secret(Secret::copy_of(required(key, ck::CKA_VALUE)?)))
}

/// Whether a secret key of this type can have this many bytes.
pub fn is_len(key_type: u64, len: usize) -> bool {
    match key_type {
        ck::CKK_AES => aes::is_key_len(len),
        ck::CKK_CHACHA20 => len == 32,
        _ => (1..=MAX_SECRET).contains(&(len as u64)),
    }
}

pub(super) fn complete(key: &mut Attributes) -> Result<()> {
    let value = key.bytes(ck::CKA_VALUE).ok_or(Error::TemplateIncomplete)?;
    let len = value.len();
    let key_type = key.ulong(ck::CKA_KEY_TYPE).ok_or(Error::TemplateIncomplete)?;
    if !is_len(key_type, len) {
        return Err(Error::AttributeValueInvalid);
    }
    let check = match key_type {
        ck::CKK_AES => aes::check_value(value)?,
        _ => {
            let hash = digest::once(&digest::SHA1, value).map_err(failed)?;
            [hash[0], hash[1], hash[2]]
        }
    };
    computed(key, ck::CKA_VALUE_LEN, Value::Ulong(len as u64))?;
    // An empty one asks that there be none (section 4.10.2).
    if key.bytes(ck::CKA_CHECK_VALUE).is_some_and(<[u8]>::is_empty) {
        return Ok(());
    }
    computed(key, ck::CKA_CHECK_VALUE, Value::Bytes(check.to_vec()))
}
