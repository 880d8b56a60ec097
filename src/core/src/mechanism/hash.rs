//! The one table of hash functions: PKCS#11's numbers for them beside the algorithm. Digests, HMAC, RSA, PSS, OAEP
//! and ECDSA all refer to these rows.

use super::Parameter;
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::digest::{self, Algorithm};

/// A hash function.
pub struct Hash {
    /// CKM_ of the digest, which also names it in parameters.
    pub mechanism: u64,
    /// CKG_ of the mask generation function with it; PSS and OAEP may mix hashes.
    pub mgf: Option<u64>,
    /// What computes it.
    pub algorithm: &'static Algorithm,
}

impl Hash {
    /// Bytes of a digest.
    pub const fn len(&self) -> usize {
        self.algorithm.len
    }
}

macro_rules! hashes {
    ($($name:ident: $mechanism:ident, $mgf:expr;)*) => {
        $(
            #[doc = stringify!($mechanism)]
            pub static $name: Hash =
                Hash { mechanism: ck::$mechanism, mgf: $mgf, algorithm: &digest::$name };
        )*
        static ALL: &[&Hash] = &[$(&$name),*];
    };
}

hashes! {
    MD5: CKM_MD5, None;
    SHA1: CKM_SHA_1, Some(ck::CKG_MGF1_SHA1);
    SHA224: CKM_SHA224, Some(ck::CKG_MGF1_SHA224);
    SHA256: CKM_SHA256, Some(ck::CKG_MGF1_SHA256);
    SHA384: CKM_SHA384, Some(ck::CKG_MGF1_SHA384);
    SHA512: CKM_SHA512, Some(ck::CKG_MGF1_SHA512);
    SHA512_224: CKM_SHA512_224, None;
    SHA512_256: CKM_SHA512_256, None;
    SHA3_224: CKM_SHA3_224, Some(ck::CKG_MGF1_SHA3_224);
    SHA3_256: CKM_SHA3_256, Some(ck::CKG_MGF1_SHA3_256);
    SHA3_384: CKM_SHA3_384, Some(ck::CKG_MGF1_SHA3_384);
    SHA3_512: CKM_SHA3_512, Some(ck::CKG_MGF1_SHA3_512);
    RIPEMD160: CKM_RIPEMD160, None;
    BLAKE2B_160: CKM_BLAKE2B_160, None;
    BLAKE2B_256: CKM_BLAKE2B_256, None;
    BLAKE2B_384: CKM_BLAKE2B_384, None;
    BLAKE2B_512: CKM_BLAKE2B_512, None;
}

/// SHA-512/t, where the parameter (CK_MAC_GENERAL_PARAMS) is t in bits. OpenSSL knows the start of these two.
pub fn sha512_t(parameter: &Parameter<'_>) -> Result<&'static Hash> {
    match parameter {
        Parameter::Ulong(224) => Ok(&SHA512_224),
        Parameter::Ulong(256) => Ok(&SHA512_256),
        _ => Err(Error::MechanismParamInvalid),
    }
}

/// Hashes without a CKG_ of their own that PSS and OAEP still take, beside the mask generation function of another.
const NAMED: &[u64] = &[ck::CKM_SHA512_224, ck::CKM_SHA512_256];

/// The hash that a PSS or OAEP parameter names.
pub fn named(mechanism: u64) -> Option<&'static Hash> {
    any(mechanism).filter(|hash| hash.mgf.is_some() || NAMED.contains(&mechanism))
}

/// The hash of this CKM_.
pub fn any(mechanism: u64) -> Option<&'static Hash> {
    ALL.iter().copied().find(|hash| hash.mechanism == mechanism)
}

/// The hash of a mask generation function.
pub fn of_mgf(mgf: u64) -> Option<&'static Hash> {
    ALL.iter().copied().find(|hash| hash.mgf == Some(mgf))
}
