//! DSA (FIPS 186-4), for keys that come from elsewhere: rows (PKCS#11 3.2 section 6.2).

use super::engine::{Signer, Verifier};
use super::hash::{self, Hash};
use super::key::{Key, dl};
use super::scheme::{Direct, Hashed};
use super::two_numbers::TwoNumbers;
use super::{Group, Parameter, Row, Shape};
use crate::attribute::Attributes;
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::operation::Purpose;
use std::sync::Arc;

const TYPES: &[u64] = &[ck::CKK_DSA];
/// Bits of the prime.
const SIZES: (u64, u64) = dl::DSA.bits;

macro_rules! dsa {
    ($mechanism:ident $hash:ident) => {
        row!($mechanism {
            sizes: SIZES,
            key_types: TYPES,
            group: Group::Legacy,
            sign: Some(|key| sign(key, &hash::$hash)),
            verify: Some(|key| verify(key, &hash::$hash)),
        })
    };
}

pub(super) static ROWS: &[Row] = &[
    row!(CKM_DSA_KEY_PAIR_GEN {
        sizes: SIZES,
        key_types: TYPES,
        group: Group::Legacy,
        generate_pair: Some(|parameter, public, private| dl::generate(&dl::DSA, parameter, public, private)),
    }),
    row!(CKM_DSA_PARAMETER_GEN {
        sizes: SIZES,
        key_types: TYPES,
        group: Group::Legacy,
        makes: ck::CKO_DOMAIN_PARAMETERS,
        generate: Some(|parameter, wanted| {
            parameter.none()?;
            Ok(dl::parameters_with_order(wanted, None)?.0)
        }),
    }),
    row!(CKM_DSA_PROBABILISTIC_PARAMETER_GEN {
        sizes: SIZES,
        key_types: TYPES,
        parameter: Shape::DsaParameters,
        group: Group::Legacy,
        makes: ck::CKO_DOMAIN_PARAMETERS,
        generate: Some(probabilistic),
    }),
    row!(CKM_DSA {
        sizes: SIZES,
        key_types: TYPES,
        group: Group::Legacy,
        sign: Some(|key| Ok(Box::new(Direct(scheme(key, Purpose::Sign)?)))),
        verify: Some(|key| Ok(Box::new(Direct(scheme(key, Purpose::Verify)?)))),
        one_part: true,
    }),
    dsa!(CKM_DSA_SHA1 SHA1),
    dsa!(CKM_DSA_SHA224 SHA224),
    dsa!(CKM_DSA_SHA256 SHA256),
    dsa!(CKM_DSA_SHA384 SHA384),
    dsa!(CKM_DSA_SHA512 SHA512),
    dsa!(CKM_DSA_SHA3_224 SHA3_224),
    dsa!(CKM_DSA_SHA3_256 SHA3_256),
    dsa!(CKM_DSA_SHA3_384 SHA3_384),
    dsa!(CKM_DSA_SHA3_512 SHA3_512),
];

/// The hashes of FIPS 186-4 section A.1.1.
const SEEDED: [u64; 5] = [ck::CKM_SHA_1, ck::CKM_SHA224, ck::CKM_SHA256, ck::CKM_SHA384, ck::CKM_SHA512];

/// The seed goes to the caller as CKA_SEED, which domain parameters do not have.
fn probabilistic(parameter: &Parameter<'_>, wanted: &Attributes) -> Result<Attributes> {
    let Parameter::DsaParameters { hash, room } = *parameter else { return Err(Error::MechanismParamInvalid) };
    let hash = hash::any(hash).filter(|hash| SEEDED.contains(&hash.mechanism)).ok_or(Error::MechanismParamInvalid)?;
    if room.is_some_and(|room| room < hash.len() as u64) {
        return Err(Error::MechanismParamInvalid);
    }
    let (mut made, seed) = dl::parameters_with_order(wanted, Some(hash.algorithm))?;
    if room.is_some() {
        made.set_bytes(ck::CKA_SEED, seed);
    }
    Ok(made)
}

fn sign(key: &Arc<Key>, hash: &'static Hash) -> Result<Box<dyn Signer>> {
    Ok(Box::new(Hashed::new(hash, scheme(key, Purpose::Sign)?)?))
}

fn verify(key: &Arc<Key>, hash: &'static Hash) -> Result<Box<dyn Verifier>> {
    Ok(Box::new(Hashed::new(hash, scheme(key, Purpose::Verify)?)?))
}

/// A digest that is longer than the order is cut by OpenSSL as the standard says.
fn scheme(key: &Key, purpose: Purpose) -> Result<TwoNumbers> {
    let (key, order_len) = key.dsa()?;
    TwoNumbers::new(key, purpose, order_len)
}
