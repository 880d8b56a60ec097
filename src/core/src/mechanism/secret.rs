//! Generation of secret keys of a free length; what secret keys have in common is in `key`.

use super::{Parameter, Row, failed, key};
use crate::attribute::Attributes;
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_secret::Secret;

/// The longest generic secret in bytes.
pub(super) const MAX_SECRET: u64 = 1 << 20;

pub(super) static ROWS: &[Row] = &[row!(CKM_GENERIC_SECRET_KEY_GEN {
    sizes: (1, MAX_SECRET),
    key_types: GENERIC,
    generate: Some(|parameter, template| generate(parameter, template, None)),
})];

/// The first is what a template without CKA_KEY_TYPE gets.
const GENERIC: &[u64] = &[
    ck::CKK_GENERIC_SECRET,
    ck::CKK_MD5_HMAC,
    ck::CKK_SHA_1_HMAC,
    ck::CKK_SHA224_HMAC,
    ck::CKK_SHA256_HMAC,
    ck::CKK_SHA384_HMAC,
    ck::CKK_SHA512_HMAC,
    ck::CKK_SHA512_224_HMAC,
    ck::CKK_SHA512_256_HMAC,
    ck::CKK_SHA3_224_HMAC,
    ck::CKK_SHA3_256_HMAC,
    ck::CKK_SHA3_384_HMAC,
    ck::CKK_SHA3_512_HMAC,
    ck::CKK_RIPEMD160_HMAC,
    ck::CKK_SHA512_T_HMAC,
    ck::CKK_BLAKE2B_160_HMAC,
    ck::CKK_BLAKE2B_256_HMAC,
    ck::CKK_BLAKE2B_384_HMAC,
    ck::CKK_BLAKE2B_512_HMAC,
];

/// A key as long as CKA_VALUE_LEN says, or as the mechanism's own length.
pub(super) fn generate(parameter: &Parameter<'_>, template: &Attributes, own: Option<usize>) -> Result<Attributes> {
    parameter.none()?;
    let len = template.ulong(ck::CKA_VALUE_LEN).or(own.map(|len| len as u64)).ok_or(Error::TemplateIncomplete)?;
    if !(1..=MAX_SECRET).contains(&len) {
        return Err(Error::KeySizeRange);
    }
    random(ck::CKK_GENERIC_SECRET, len as usize)
}

/// A key of a type that says itself how long it may be: as long as CKA_VALUE_LEN says, or as the type's only length.
pub(super) fn of_its_type(parameter: &Parameter<'_>, template: &Attributes) -> Result<Attributes> {
    parameter.none()?;
    let key_type = template.ulong(ck::CKA_KEY_TYPE).ok_or(Error::TemplateIncomplete)?;
    let only = key::only_secret_len(key_type).map(|len| len as u64);
    let len = template.ulong(ck::CKA_VALUE_LEN).or(only).ok_or(Error::TemplateIncomplete)?;
    let len = usize::try_from(len).ok().filter(|len| key::is_secret_len(key_type, *len)).ok_or(Error::KeySizeRange)?;
    random(key_type, len)
}

/// The value of a new key of this type and so many random bytes.
fn random(key_type: u64, len: usize) -> Result<Attributes> {
    let mut value = Secret::zeroed(len);
    sealhsm_crypto::random::private(value.as_mut()).map_err(failed)?;
    key::adjust_secret(key_type, value.as_mut());
    let mut made = Attributes::new();
    made.set_secret(ck::CKA_VALUE, value);
    Ok(made)
}
