//! Derivation by hashing the base key (PKCS#11 3.2 section 6.23 and its siblings).

use super::{Bases, Derivation, SECRETS, Wanted};
use crate::mechanism::hash::{self, Hash};
use crate::mechanism::key::Spare;
use crate::mechanism::secret::MAX_SECRET;
use crate::mechanism::{Group, Parameter, Row, Shape, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::digest::{self, Algorithm};
use sealhsm_secret::Secret;
use std::ptr;

macro_rules! rows {
    ($($group:ident $mechanism:ident $hash:ident;)*) => {
        pub(in crate::mechanism) static ROWS: &[Row] = &[$(
            row!($mechanism {
                sizes: (1, MAX_SECRET),
                key_types: SECRETS,
                group: Group::$group,
                derivation: Some(Derivation {
                    derive: |bases, parameter, wanted| derive(ck::$mechanism, &hash::$hash, bases, parameter, wanted),
                    ..Derivation::ONE_WAY
                }),
            })
        ),*];
    };
}

rows! {
    Legacy CKM_MD5_KEY_DERIVATION MD5;
    Modern CKM_SHA1_KEY_DERIVATION SHA1;
    Modern CKM_SHA224_KEY_DERIVATION SHA224;
    Modern CKM_SHA256_KEY_DERIVATION SHA256;
    Modern CKM_SHA384_KEY_DERIVATION SHA384;
    Modern CKM_SHA512_KEY_DERIVATION SHA512;
    Modern CKM_SHA512_224_KEY_DERIVATION SHA512_224;
    Modern CKM_SHA512_256_KEY_DERIVATION SHA512_256;
    Modern CKM_SHA3_224_KEY_DERIVATION SHA3_224;
    Modern CKM_SHA3_256_KEY_DERIVATION SHA3_256;
    Modern CKM_SHA3_384_KEY_DERIVATION SHA3_384;
    Modern CKM_SHA3_512_KEY_DERIVATION SHA3_512;
    Modern CKM_BLAKE2B_160_KEY_DERIVE BLAKE2B_160;
    Modern CKM_BLAKE2B_256_KEY_DERIVE BLAKE2B_256;
    Modern CKM_BLAKE2B_384_KEY_DERIVE BLAKE2B_384;
    Modern CKM_BLAKE2B_512_KEY_DERIVE BLAKE2B_512;
}

macro_rules! others {
    ($($mechanism:ident $shape:ident $derive:expr;)*) => {
        pub(in crate::mechanism) static OTHERS: &[Row] = &[$(
            row!($mechanism {
                sizes: (1, MAX_SECRET),
                key_types: SECRETS,
                parameter: Shape::$shape,
                derivation: Some(Derivation { derive: $derive, ..Derivation::ONE_WAY }),
            })
        ),*];
    };
}

others! {
    CKM_SHAKE_128_KEY_DERIVATION None |bases, parameter, wanted| extend(&digest::SHAKE128, bases, parameter, wanted);
    CKM_SHAKE_256_KEY_DERIVATION None |bases, parameter, wanted| extend(&digest::SHAKE256, bases, parameter, wanted);
    CKM_SHA512_T_KEY_DERIVATION Ulong |bases, parameter, wanted| {
        let hash = hash::sha512_t(parameter)?;
        derive(ck::CKM_SHA512_T_KEY_DERIVATION, hash, bases, &Parameter::None, wanted)
    };
}

/// Any length, but the template has to say which (PKCS#11 3.2 section 6.24).
fn extend(
    function: &'static Algorithm,
    bases: &Bases<'_>,
    parameter: &Parameter<'_>,
    wanted: &Wanted,
) -> Result<Secret> {
    parameter.none()?;
    let len = wanted.len_or(None)?;
    digest::extended(function, bases.key.secret()?.as_ref(), len).map_err(failed)
}

fn derive(
    mechanism: u64,
    hash: &Hash,
    bases: &Bases<'_>,
    parameter: &Parameter<'_>,
    wanted: &Wanted,
) -> Result<Secret> {
    parameter.none()?;
    let len = wanted.len_or(Some(hash.len()))?;
    if len > hash.len() {
        return Err(Error::KeySizeRange);
    }
    let fits = |spare: &Spare| matches!(spare, Spare::Hash(context) if ptr::eq(context.algorithm(), hash.algorithm));
    let mut context = match bases.key.spare(mechanism, fits) {
        Some(Spare::Hash(context)) => context,
        _ => Box::new(digest::Context::new(hash.algorithm).map_err(failed)?),
    };
    let mut out = Secret::zeroed(hash.len());
    context.update(bases.key.secret()?.as_ref()).map_err(failed)?;
    context.finish(out.as_mut()).map_err(failed)?;
    // Nothing of the derived key stays with its base.
    context.restart().map_err(failed)?;
    bases.key.keep(mechanism, Spare::Hash(context));
    out.truncate(len);
    Ok(out)
}
