//! Sizes of keys that are there for old data only: `mechanisms = "-legacy"` denies their generation and use.

use super::curve;
use crate::attribute::Attributes;
use cryptoki_sys as ck;
use sealhsm_crypto::rsa;

/// The size of a key, or of one to be generated, in bits; `None` where the attributes do not say.
type Size = fn(&Attributes) -> Option<u64>;

/// Key types, the least size in bits that is not legacy (NIST SP 800-131A), and where the size is found.
const LEAST: &[(&[u64], u64, Size)] = &[
    (&[ck::CKK_RSA], 2048, modulus),
    (&[ck::CKK_DH, ck::CKK_X9_42_DH], 2048, prime),
    (&[ck::CKK_EC], 224, |key| curve::of_key(key).ok().map(|curve| curve.bits)),
];

/// Whether a key or domain parameters, or what a template for generation describes, is shorter than it should be.
pub fn is_legacy(key: &Attributes) -> bool {
    let key_type = key.ulong(ck::CKA_KEY_TYPE).unwrap_or(ck::CK_UNAVAILABLE_INFORMATION);
    let secret = key.ulong(ck::CKA_CLASS) == Some(ck::CKO_SECRET_KEY);
    let row = LEAST.iter().find(|(types, ..)| !secret && types.contains(&key_type));
    row.is_some_and(|(_, least, size)| size(key).is_some_and(|bits| bits < *least))
}

fn modulus(key: &Attributes) -> Option<u64> {
    key.bytes(ck::CKA_MODULUS).map(rsa::bits).or(key.ulong(ck::CKA_MODULUS_BITS))
}

fn prime(key: &Attributes) -> Option<u64> {
    key.bytes(ck::CKA_PRIME).map(rsa::bits).or(key.ulong(ck::CKA_PRIME_BITS))
}
