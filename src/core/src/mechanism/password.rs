//! Keys made of passwords: PBKDF2 (RFC 8018; PKCS#11 3.2 section 6.37), and for old data PBKDF1 and the derivation of
//! PKCS #12 (section 6.38). The password is read where the caller keeps it and not copied here.

use super::derive::{SECRETS, Wanted};
use super::hash::{self, Hash};
use super::secret::MAX_SECRET;
use super::{Group, Parameter, Row, Shape, failed, key};
use crate::attribute::Attributes;
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::digest::{Context, MAX_LEN};
use sealhsm_crypto::kdf;
use sealhsm_secret::{Secret, Wipe};

/// Bytes of an IV.
const IV: usize = 8;

/// PKCS #12: the mechanism, its key type, bytes of a key, what the key is for, and the IV if it has one.
macro_rules! pkcs12 {
    ($mechanism:ident $key_type:ident $len:literal $id:ident $shape:ident $shown:expr) => {
        row!($mechanism {
            sizes: ($len, $len),
            key_types: &[ck::$key_type],
            parameter: Shape::$shape,
            group: Group::Legacy,
            generate: Some(|parameter, template| pkcs12(parameter, template, $id, $len)),
            known: true,
            shown: $shown,
        })
    };
}

pub(super) static ROWS: &[Row] = &[
    row!(CKM_PKCS5_PBKD2 {
        sizes: (1, MAX_SECRET),
        key_types: SECRETS,
        parameter: Shape::Pbkd2,
        generate: Some(pbkd2),
        known: true,
    }),
    pkcs12!(CKM_PBE_SHA1_DES3_EDE_CBC CKK_DES3 24 CIPHER Pbe pkcs12_iv),
    pkcs12!(CKM_PBE_SHA1_DES2_EDE_CBC CKK_DES2 16 CIPHER Pbe pkcs12_iv),
    pkcs12!(CKM_PBE_SHA1_RC2_128_CBC CKK_RC2 16 CIPHER Pbe pkcs12_iv),
    pkcs12!(CKM_PBE_SHA1_RC2_40_CBC CKK_RC2 5 CIPHER Pbe pkcs12_iv),
    pkcs12!(CKM_PBE_SHA1_RC4_128 CKK_RC4 16 CIPHER PbeWithoutIv |_| Ok(Vec::new())),
    pkcs12!(CKM_PBE_SHA1_RC4_40 CKK_RC4 5 CIPHER PbeWithoutIv |_| Ok(Vec::new())),
    pkcs12!(CKM_PBA_SHA1_WITH_SHA1_HMAC CKK_GENERIC_SECRET 20 MAC PbeWithoutIv |_| Ok(Vec::new())),
    row!(CKM_PBE_MD5_DES_CBC {
        sizes: (8, 8),
        key_types: &[ck::CKK_DES],
        parameter: Shape::Pbe,
        group: Group::Legacy,
        generate: Some(|parameter, template| made(template, half_of_md5(parameter, 0)?)),
        known: true,
        shown: |parameter| Ok(vec![half_of_md5(parameter, IV)?]),
    }),
];

/// CKP_ to hash.
static PRFS: &[(u64, &Hash)] = &[
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
    made(template, value)
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

/// A key of these bytes, which a template that names their number has to name right.
fn made(template: &Attributes, mut value: Secret) -> Result<Attributes> {
    if template.ulong(ck::CKA_VALUE_LEN).is_some_and(|len| len != value.len() as u64) {
        return Err(Error::TemplateInconsistent);
    }
    key::adjust_secret(wanted(template)?.key_type, value.as_mut());
    let mut made = Attributes::new();
    made.set_secret(ck::CKA_VALUE, value);
    Ok(made)
}

/// What the bytes are for (RFC 7292 appendix B.3).
const CIPHER: u8 = 1;
const INITIAL: u8 = 2;
const MAC: u8 = 3;

fn pkcs12(parameter: &Parameter<'_>, template: &Attributes, id: u8, len: usize) -> Result<Attributes> {
    made(template, pkcs12_bytes(parameter, id, len)?)
}

fn pkcs12_iv(parameter: &Parameter<'_>) -> Result<Vec<Secret>> {
    Ok(vec![pkcs12_bytes(parameter, INITIAL, IV)?])
}

fn pkcs12_bytes(parameter: &Parameter<'_>, id: u8, len: usize) -> Result<Secret> {
    let Parameter::Pbe { password, salt, iterations } = *parameter else { return Err(Error::MechanismParamInvalid) };
    let mut out = Secret::zeroed(len);
    let hash = hash::SHA1.algorithm;
    kdf::pkcs12(hash, id, password, salt, counted(iterations)?, out.as_mut()).map_err(failed)?;
    Ok(out)
}

/// PBKDF1 (RFC 8018 section 5.1) with MD5: key and IV are the halves of one digest.
fn half_of_md5(parameter: &Parameter<'_>, from: usize) -> Result<Secret> {
    let Parameter::Pbe { password, salt, iterations } = *parameter else { return Err(Error::MechanismParamInvalid) };
    let mut context = Context::new(hash::MD5.algorithm).map_err(failed)?;
    let mut digest = [0; MAX_LEN];
    context.update(password).and_then(|()| context.update(salt)).map_err(failed)?;
    let mut len = context.finish(&mut digest).map_err(failed)?;
    for _ in 1..counted(iterations)? {
        context.restart().and_then(|()| context.update(&digest[..len])).map_err(failed)?;
        len = context.finish(&mut digest).map_err(failed)?;
    }
    let half = Secret::copy_of(&digest[from..from + IV]);
    digest.wipe();
    Ok(half)
}
