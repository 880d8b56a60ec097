//! Secret keys: a value, its length, and a check value that tells keys apart without telling them.

use super::{Material, computed, required};
use crate::attribute::{Attributes, Value, rules};
use crate::mechanism::block::{self, xts};
use crate::mechanism::failed;
use crate::mechanism::secret::MAX_SECRET;
use crate::numbered::ByNumber;
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::digest;
use sealhsm_secret::Secret;
use std::sync::LazyLock;

/// Key types that are not of a block cipher and yet not of any length: least and most bytes.
const LENGTHS: &[(u64, (usize, usize))] = &[
    (ck::CKK_AES_XTS, (32, 32)),
    (ck::CKK_AES_XTS, (64, 64)),
    (ck::CKK_CHACHA20, (32, 32)),
    (ck::CKK_POLY1305, (32, 32)),
    (ck::CKK_RC4, (1, 256)),
];

/// Key types whose bytes have odd parity (FIPS 46-3). Their length goes without saying, so they have no CKA_VALUE_LEN.
const PARITY: &[u64] = &[ck::CKK_DES, ck::CKK_DES2, ck::CKK_DES3];

pub(super) fn open(key: &Attributes) -> Result<Material> {
    Ok(Material::Secret(Secret::copy_of(required(key, ck::CKA_VALUE)?)))
}

/// All of them and those of block ciphers, by key type: every new key is looked up.
static BY_TYPE: LazyLock<ByNumber<Vec<(usize, usize)>>> = LazyLock::new(|| {
    let mut by_type = ByNumber::<Vec<_>>::default();
    for (key_type, lengths) in block::key_lengths().chain(LENGTHS.iter().copied()) {
        by_type.entry(key_type).or_default().push(lengths);
    }
    by_type
});

/// Least and most bytes; `None` for types that may have any length.
fn lengths(key_type: u64) -> Option<&'static [(usize, usize)]> {
    BY_TYPE.get(&key_type).map(Vec::as_slice)
}

/// Whether a secret key of this type can have this many bytes.
pub fn is_len(key_type: u64, len: usize) -> bool {
    match lengths(key_type) {
        Some(lengths) => lengths.iter().any(|(least, most)| (*least..=*most).contains(&len)),
        None => (1..=MAX_SECRET).contains(&(len as u64)),
    }
}

/// How many bytes every key of this type has, if all have the same number.
pub fn only_len(key_type: u64) -> Option<usize> {
    match lengths(key_type)? {
        [(least, most)] if least == most => Some(*least),
        _ => None,
    }
}

/// Whether these bytes can be a key of this type.
pub fn is_value(key_type: u64, value: &[u8]) -> bool {
    is_len(key_type, value.len())
        && (!PARITY.contains(&key_type) || value.iter().all(|byte| byte.count_ones() % 2 == 1))
        && (key_type != ck::CKK_AES_XTS || xts::halves_differ(value))
}

/// Makes a key of this type of bytes that were not chosen to be one: odd parity for DES.
pub fn adjust(key_type: u64, value: &mut [u8]) {
    if PARITY.contains(&key_type) {
        for byte in value {
            *byte ^= u8::from(byte.count_ones() % 2 == 0);
        }
    }
}

pub(super) fn complete(key: &mut Attributes) -> Result<()> {
    let value = key.bytes(ck::CKA_VALUE).ok_or(Error::TemplateIncomplete)?;
    let len = value.len();
    let key_type = key.ulong(ck::CKA_KEY_TYPE).ok_or(Error::TemplateIncomplete)?;
    if !is_value(key_type, value) {
        return Err(Error::AttributeValueInvalid);
    }
    let schema = rules::find(ck::CKO_SECRET_KEY, Some(key_type));
    if schema.is_none_or(|schema| schema.rule(ck::CKA_VALUE_LEN).is_some()) {
        computed(key, ck::CKA_VALUE_LEN, Value::Ulong(len as u64))?;
    }
    match key.bytes(ck::CKA_CHECK_VALUE) {
        // An empty one asks that there be none (section 4.10.2).
        Some([]) => Ok(()),
        Some(_) => computed(key, ck::CKA_CHECK_VALUE, check_value(key).ok_or(Error::General)?),
        None => {
            key.check_later(check_value);
            Ok(())
        }
    }
}

/// CKA_CHECK_VALUE.
fn check_value(key: &Attributes) -> Option<Value> {
    let value = key.bytes(ck::CKA_VALUE)?;
    let check = match block::check_value(key.ulong(ck::CKA_KEY_TYPE)?, value) {
        Ok(None) => digest::once(&digest::SHA1, value).map_err(failed).map(|hash| [hash[0], hash[1], hash[2]]),
        Ok(Some(check)) => Ok(check),
        Err(error) => Err(error),
    };
    check
        .inspect_err(|_| log::error!("a check value cannot be computed: OpenSSL fails, is memory short?"))
        .ok()
        .map(|check| Value::Bytes(check.to_vec()))
}
