//! Keys from keys: what a mechanism needs to derive one, one file per way. Here are bytes only; what the derived key
//! inherits from its bases is decided in `application::derive`.

pub(super) mod agreement;
pub(super) mod dh;
pub(super) mod encrypted;
pub(super) mod hash;
pub(super) mod hkdf;
pub mod ike;
pub(super) mod parts;
mod prf;
pub(super) mod public;
pub mod sp800_108;
pub mod tls;
pub(super) mod tls_prf;

use super::Parameter;
use super::key::Key;
use super::secret::MAX_SECRET;
pub use super::wrapping::Wanted;
use crate::attribute::Attributes;
use crate::{Error, Result};
use cryptoki_sys as ck;
pub use prf::{Prf, Under};
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
    /// The same for some parameters only: the derived key would show one of the further bases.
    pub shows: fn(&Parameter<'_>) -> bool,
    /// Whether the derived key has bytes of its bases as they are: the caller then composes it of what he knows and what
    /// he does not, and can make several that are related.
    pub composes: fn(&Parameter<'_>) -> bool,
    /// The handles of further bases in the parameter, in its order.
    pub further: fn(&Parameter<'_>) -> Vec<u64>,
    /// The derived value.
    pub derive: fn(&Bases<'_>, &Parameter<'_>, &Wanted) -> Result<Secret>,
    /// In the place of `derive`: what makes any number of keys, or something besides keys.
    pub several: Option<Several>,
}

/// How a mechanism derives any number of keys at once. All of them come to be, or none.
#[derive(Clone, Copy)]
pub struct Several {
    /// From the template of the call to the templates of all keys, in their order. An error stands in the place of
    /// the key whose template is at fault.
    pub keys: fn(&Parameter<'_>, Attributes) -> Vec<Result<Attributes>>,
    /// The value of each key, and what the caller gets to see.
    pub derive: fn(&Bases<'_>, &Parameter<'_>, &[Wanted]) -> Result<Derived>,
    /// Whether CKA_SENSITIVE and CKA_EXTRACTABLE are those of the base where a template is silent.
    pub inherits: bool,
    /// Whether it has lengths of its own, between which no few bytes can be found by trial.
    pub own_lens: bool,
}

/// What a derivation gives.
pub struct Derived {
    /// As many as there are keys, in their order.
    pub values: Vec<Secret>,
    /// Bytes for the output fields of the parameter, in their order.
    pub shown: Vec<Secret>,
}

impl Derivation {
    /// One way, from one secret key to another.
    const ONE_WAY: Derivation = Derivation {
        base: ck::CKO_SECRET_KEY,
        makes: ck::CKO_SECRET_KEY,
        one_way: true,
        shows: |_| false,
        composes: |_| false,
        further: |_| Vec::new(),
        derive: |_, _, _| Err(Error::MechanismInvalid),
        several: None,
    };
}

/// What is derived from.
pub struct Bases<'a> {
    /// hBaseKey.
    pub key: &'a Key,
    /// The keys in the parameter.
    pub further: &'a [&'a Key],
    /// Whether the value of one of them is kept from its users: sensitive, or not extractable.
    pub guarded: bool,
    /// The same of the keys in the parameter alone.
    pub further_guarded: bool,
    /// Whether every part of the base is unknown to its users: the token generated it.
    pub random: bool,
    /// Whether CKM_TLS_PRE_MASTER_KEY_GEN made the base, which begins with a version.
    pub pre_master: bool,
}

/// Keys that show a guarded base are whole blocks of a cipher: of two that differ in a few bytes only, those bytes could
/// be found by trial.
fn whole_blocks(block: usize, lens: &[usize]) -> Result<()> {
    if block == WHOLE && lens.iter().all(|len| len % WHOLE == 0) { Ok(()) } else { Err(Error::KeySizeRange) }
}

/// Bytes that nobody finds by trial.
pub const WHOLE: usize = 16;
/// The same where each trial is a call.
const STEP: usize = 8;

/// Whether a hidden key of this length is not found where the caller says the length: not the beginning alone, nor what
/// the next longer one has besides.
pub fn is_hidden_len(len: usize) -> bool {
    len >= WHOLE && len % STEP == 0
}

impl Wanted {
    /// How many bytes to derive: what the template says, else the key type's only length, else this many. `KeySizeRange`
    /// if that is too long or not of the key's type, `TemplateIncomplete` if only the template could have made it right.
    pub(super) fn len_or(&self, natural: Option<usize>) -> Result<usize> {
        let natural = super::key::only_secret_len(self.key_type).or(natural);
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
pub(super) const SECRETS: &[u64] = &[
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
    ck::CKK_SHA512_T_HMAC,
];
