//! ECDSA (FIPS 186-5 section 6) and keys for it: rows and the scheme. Curves are rows of their own in
//! `sealhsm_crypto::curve`.

use super::engine::{Signer, Verifier};
use super::hash::{self, Hash};
use super::key::{Key, curve};
use super::scheme::{Direct, Hashed};
use super::two_numbers::TwoNumbers;
use super::{Group, Row};
use crate::Result;
use cryptoki_sys as ck;
use sealhsm_crypto::curve::{Curve, PRIME_BITS, Shape as Kind};
use sealhsm_crypto::operation::Purpose;
use std::sync::Arc;

const TYPES: &[u64] = &[ck::CKK_EC];
/// Bits of the curves.
pub(super) const SIZES: (u64, u64) = PRIME_BITS;
/// Prime fields, named curves by OID or name, points in both forms.
pub(super) const FLAGS: u64 =
    ck::CKF_EC_F_P | ck::CKF_EC_OID | ck::CKF_EC_CURVENAME | ck::CKF_EC_UNCOMPRESS | ck::CKF_EC_COMPRESS;

macro_rules! ecdsa {
    ($group:ident $mechanism:ident $hash:ident) => {
        row!($mechanism {
            sizes: SIZES,
            key_types: TYPES,
            group: Group::$group,
            extra_flags: FLAGS,
            sign: Some(|key| sign(key, &hash::$hash)),
            verify: Some(|key| verify(key, &hash::$hash)),
        })
    };
}

pub(super) static ROWS: &[Row] = &[
    row!(CKM_EC_KEY_PAIR_GEN {
        sizes: SIZES,
        key_types: TYPES,
        extra_flags: FLAGS,
        generate_pair: Some(|parameter, public, private| curve::generate(
            Kind::Weierstrass,
            Curve::generate,
            parameter,
            public,
            private
        )),
    }),
    row!(CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS {
        sizes: SIZES,
        key_types: TYPES,
        extra_flags: FLAGS,
        generate_pair: Some(|parameter, public, private| curve::generate(
            Kind::Weierstrass,
            Curve::generate_with_extra_bits,
            parameter,
            public,
            private
        )),
    }),
    row!(CKM_ECDSA {
        sizes: SIZES,
        key_types: TYPES,
        extra_flags: FLAGS,
        sign: Some(|key| Ok(Box::new(Direct(scheme(key, Purpose::Sign)?)))),
        verify: Some(|key| Ok(Box::new(Direct(scheme(key, Purpose::Verify)?)))),
        one_part: true,
    }),
    ecdsa!(Legacy CKM_ECDSA_SHA1 SHA1),
    ecdsa!(Modern CKM_ECDSA_SHA224 SHA224),
    ecdsa!(Modern CKM_ECDSA_SHA256 SHA256),
    ecdsa!(Modern CKM_ECDSA_SHA384 SHA384),
    ecdsa!(Modern CKM_ECDSA_SHA512 SHA512),
    ecdsa!(Modern CKM_ECDSA_SHA3_224 SHA3_224),
    ecdsa!(Modern CKM_ECDSA_SHA3_256 SHA3_256),
    ecdsa!(Modern CKM_ECDSA_SHA3_384 SHA3_384),
    ecdsa!(Modern CKM_ECDSA_SHA3_512 SHA3_512),
];

fn sign(key: &Arc<Key>, hash: &'static Hash) -> Result<Box<dyn Signer>> {
    Ok(Box::new(Hashed::new(hash, scheme(key, Purpose::Sign)?)?))
}

fn verify(key: &Arc<Key>, hash: &'static Hash) -> Result<Box<dyn Verifier>> {
    Ok(Box::new(Hashed::new(hash, scheme(key, Purpose::Verify)?)?))
}

/// A digest that is longer than the order is cut by OpenSSL as the standard says.
fn scheme(key: &Key, purpose: Purpose) -> Result<TwoNumbers> {
    let (key, curve) = key.curve(Kind::Weierstrass)?;
    TwoNumbers::new(key, purpose, curve.scalar_len)
}
