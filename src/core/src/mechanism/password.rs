//! Keys made of passwords: PBKDF2 (RFC 8018; PKCS#11 3.2 section 6.37). The password is read where the caller keeps it
//! and not copied here.

use super::derive::{SECRETS, Wanted};
use super::hash::{self, Hash};
use super::secret::MAX_SECRET;
use super::{Parameter, Row, Shape, failed, key};
use crate::attribute::Attributes;
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::kdf;
use sealhsm_secret::Secret;

pub(super) static ROWS: &[Row] = &[row!(CKM_PKCS5_PBKD2 {
    sizes: (1, MAX_SECRET),
    key_types: SECRETS,
    parameter: Shape::Pbkd2,
    generate: Some(pbkd2),
    known: true,
})];

/// CKP_ to hash.
const PRFS: &[(u64, &Hash)] = &[
    (ck::CKP_PKCS5_PBKD2_HMAC_SHA1, &hash::SHA1),
    (ck::CKP_PKCS5_PBKD2_HMAC_SHA224, &hash::SHA224),
    (ck::CKP_PKCS5_PBKD2_HMAC_SHA256, &hash::SHA256),
    (ck::CKP_PKCS5_PBKD2_HMAC_SHA384, &hash::SHA384),
    (ck::CKP_PKCS5_PBKD2_HMAC_SHA512, &hash::SHA512),
    (ck::CKP_PKCS5_PBKD2_HMAC_SHA512_224, &hash::SHA512_224),
    (ck::CKP_PKCS5_PBKD2_HMAC_SHA512_256, &hash::SHA512_256),
];

/// CKM_ of the hash of a CKP_.
pub(super) fn hash_of(prf: u64) -> Option<u64> {
    PRFS.iter().find(|row| row.0 == prf).map(|(_, hash)| hash.mechanism)
}

/// OpenSSL counts in a C int.
const MOST_ITERATIONS: u32 = i32::MAX as u32;

fn pbkd2(parameter: &Parameter<'_>, template: &Attributes) -> Result<Attributes> {
    let Parameter::Pbkd2 { salt, iterations, prf, password } = *parameter else {
        return Err(Error::MechanismParamInvalid);
    };
    let (_, hash) = PRFS.iter().find(|row| row.0 == prf).ok_or(Error::MechanismParamInvalid)?;
    let iterations = counted(iterations)?;
    let wanted = wanted(template)?;
    let mut value = Secret::zeroed(wanted.len_or(None)?);
    kdf::pbkdf2(hash.algorithm, password, salt, iterations, value.as_mut()).map_err(failed)?;
    key::adjust_secret(wanted.key_type, value.as_mut());
    Ok(made(value))
}

fn counted(iterations: u64) -> Result<u32> {
    let iterations = u32::try_from(iterations).ok().filter(|iterations| (1..=MOST_ITERATIONS).contains(iterations));
    iterations.ok_or(Error::MechanismParamInvalid)
}

fn wanted(template: &Attributes) -> Result<Wanted> {
    let len = template.ulong(ck::CKA_VALUE_LEN).map(usize::try_from).transpose();
    Ok(Wanted {
        class: ck::CKO_SECRET_KEY,
        key_type: template.ulong(ck::CKA_KEY_TYPE).ok_or(Error::TemplateIncomplete)?,
        len: len.map_err(|_| Error::KeySizeRange)?,
    })
}

fn made(value: Secret) -> Attributes {
    let mut made = Attributes::new();
    made.set_ulong(ck::CKA_VALUE_LEN, value.len() as u64);
    made.set_secret(ck::CKA_VALUE, value);
    made
}
