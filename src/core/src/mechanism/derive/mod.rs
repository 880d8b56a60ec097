//! Keys from keys: what a mechanism needs to derive one, one file per way. Here are bytes only; what the derived key
//! inherits from its bases is decided in `application::derive`.

pub(super) mod agreement;
pub(super) mod encrypted;
pub(super) mod hash;
pub(super) mod hkdf;
pub(super) mod parts;
pub(super) mod public;

use super::Parameter;
use super::key::Key;
use super::secret::MAX_SECRET;
pub use super::wrapping::Wanted;
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_secret::Secret;

/// How a mechanism derives.
#[derive(Clone, Copy)]
pub struct Derivation {
    /// CKO_ of the base key.
    pub base: u64,
    /// CKO_ of what it makes.
    pub makes: u64,
    /// False where the derived key shows its base: it then inherits CKA_SENSITIVE and the lack of CKA_EXTRACTABLE.
    pub one_way: bool,
    /// The handle of a second base, where the parameter has one.
    pub further: fn(&Parameter<'_>) -> Option<u64>,
    /// The derived value.
    pub derive: fn(&Bases<'_>, &Parameter<'_>, &Wanted) -> Result<Secret>,
}

impl Derivation {
    /// One way, from one secret key to another.
    const ONE_WAY: Derivation = Derivation {
        base: ck::CKO_SECRET_KEY,
        makes: ck::CKO_SECRET_KEY,
        one_way: true,
        further: |_| None,
        derive: |_, _, _| Err(Error::MechanismInvalid),
    };
}

/// What is derived from.
pub struct Bases<'a> {
    /// hBaseKey.
    pub key: &'a Key,
    /// The key in the parameter.
    pub further: Option<&'a Key>,
    /// Whether the value of one of them is kept from its users: sensitive, or not extractable.
    pub guarded: bool,
    /// Whether every part of the base is unknown to its users: the token generated it.
    pub random: bool,
}

impl Wanted {
    /// How many bytes to derive: what the template says, else this many. `KeySizeRange` if that is too long or not of
    /// the key's type, `TemplateIncomplete` if only the template could have made it right.
    pub(super) fn len_or(&self, natural: Option<usize>) -> Result<usize> {
        let fits = |len: &usize| match self.class {
            ck::CKO_SECRET_KEY => super::key::is_secret_len(self.key_type, *len),
            _ => (1..=MAX_SECRET).contains(&(*len as u64)),
        };
        match self.len {
            Some(len) => Some(len).filter(fits).ok_or(Error::KeySizeRange),
            None => natural.filter(fits).ok_or(Error::TemplateIncomplete),
        }
    }

    /// The same from no more than `most` bytes.
    pub(super) fn len_within(&self, most: usize) -> Result<usize> {
        Some(self.len_or(Some(most))?).filter(|len| *len <= most).ok_or(Error::KeySizeRange)
    }
}

/// Key types of secret keys, all of which have a value to derive from.
const SECRETS: &[u64] = &[
    ck::CKK_GENERIC_SECRET,
    ck::CKK_HKDF,
    ck::CKK_AES,
    ck::CKK_AES_XTS,
    ck::CKK_DES,
    ck::CKK_DES2,
    ck::CKK_DES3,
    ck::CKK_CAMELLIA,
    ck::CKK_ARIA,
    ck::CKK_SEED,
    ck::CKK_CHACHA20,
    ck::CKK_POLY1305,
    ck::CKK_RC2,
    ck::CKK_RC4,
    ck::CKK_CAST128,
    ck::CKK_IDEA,
    ck::CKK_BLOWFISH,
    ck::CKK_MD5_HMAC,
    ck::CKK_SHA_1_HMAC,
    ck::CKK_RIPEMD160_HMAC,
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
    ck::CKK_BLAKE2B_160_HMAC,
    ck::CKK_BLAKE2B_256_HMAC,
    ck::CKK_BLAKE2B_384_HMAC,
    ck::CKK_BLAKE2B_512_HMAC,
];
