//! Keys that are to withstand quantum computers, as rows: ML-KEM (FIPS 203), ML-DSA (FIPS 204), SLH-DSA (FIPS 205).
//! A key is a byte string; a new parameter set is one row.

use crate::Result;
use crate::der;
use crate::digest::{self, SHAKE256};
use crate::operation::{Operation, Purpose};
use crate::params::Params;
use crate::pkey::{Half, Key};
use sealhsm_secret::Secret;
use std::ffi::CStr;

/// What a parameter set belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Key encapsulation.
    MlKem,
    /// Signatures on lattices.
    MlDsa,
    /// Signatures made of hashes only.
    SlhDsa,
}

/// A parameter set. Lengths are in bytes.
#[derive(PartialEq, Eq)]
pub struct Set {
    /// See [`Family`].
    pub family: Family,
    /// OpenSSL's name.
    name: &'static CStr,
    /// The last arcs under 2.16.840.1.101.3.4.
    arcs: [u8; 2],
    /// A public key.
    pub public: usize,
    /// A private key.
    pub private: usize,
    /// What a private key can be made from; SLH-DSA has no such thing.
    pub seed: Option<usize>,
    /// A signature, or a ciphertext.
    pub output: usize,
}

impl std::fmt::Debug for Set {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.name)
    }
}

const fn ml_kem(name: &'static CStr, arc: u8, public: usize, private: usize, output: usize) -> Set {
    Set { family: Family::MlKem, name, arcs: [4, arc], public, private, seed: Some(64), output }
}

const fn ml_dsa(name: &'static CStr, arc: u8, public: usize, private: usize, output: usize) -> Set {
    Set { family: Family::MlDsa, name, arcs: [3, arc], public, private, seed: Some(32), output }
}

const fn slh_dsa(name: &'static CStr, arc: u8, n: usize, output: usize) -> Set {
    Set { family: Family::SlhDsa, name, arcs: [3, arc], public: 2 * n, private: 4 * n, seed: None, output }
}

/// FIPS 203 section 8; in the order of CKP_ML_KEM_.
pub static ML_KEM: [Set; 3] = [
    ml_kem(c"ML-KEM-512", 1, 800, 1632, 768),
    ml_kem(c"ML-KEM-768", 2, 1184, 2400, 1088),
    ml_kem(c"ML-KEM-1024", 3, 1568, 3168, 1568),
];

/// FIPS 204 section 4; in the order of CKP_ML_DSA_.
pub static ML_DSA: [Set; 3] = [
    ml_dsa(c"ML-DSA-44", 17, 1312, 2560, 2420),
    ml_dsa(c"ML-DSA-65", 18, 1952, 4032, 3309),
    ml_dsa(c"ML-DSA-87", 19, 2592, 4896, 4627),
];

/// FIPS 205 section 11; in the order of CKP_SLH_DSA_.
pub static SLH_DSA: [Set; 12] = [
    slh_dsa(c"SLH-DSA-SHA2-128s", 20, 16, 7856),
    slh_dsa(c"SLH-DSA-SHAKE-128s", 26, 16, 7856),
    slh_dsa(c"SLH-DSA-SHA2-128f", 21, 16, 17088),
    slh_dsa(c"SLH-DSA-SHAKE-128f", 27, 16, 17088),
    slh_dsa(c"SLH-DSA-SHA2-192s", 22, 24, 16224),
    slh_dsa(c"SLH-DSA-SHAKE-192s", 28, 24, 16224),
    slh_dsa(c"SLH-DSA-SHA2-192f", 23, 24, 35664),
    slh_dsa(c"SLH-DSA-SHAKE-192f", 29, 24, 35664),
    slh_dsa(c"SLH-DSA-SHA2-256s", 24, 32, 29792),
    slh_dsa(c"SLH-DSA-SHAKE-256s", 30, 32, 29792),
    slh_dsa(c"SLH-DSA-SHA2-256f", 25, 32, 49856),
    slh_dsa(c"SLH-DSA-SHAKE-256f", 31, 32, 49856),
];

/// Bytes of what ML-KEM agrees on.
pub const SHARED_SECRET: usize = 32;
/// The longest context of a signature.
pub const MAX_CONTEXT: usize = 255;

// openssl/core_names.h
const PUBLIC: &CStr = c"pub";
const PRIVATE: &CStr = c"priv";
const SEED: &CStr = c"seed";

/// A new key.
pub struct Made {
    /// The public key.
    pub public: Vec<u8>,
    /// The private key.
    pub private: Secret,
    /// What it was made from, where there is such a thing.
    pub seed: Option<Secret>,
}

impl Set {
    /// A new key.
    pub fn generate(&self) -> Result<Made> {
        // OpenSSL keeps the seed. Making the key from a seed of ours would have it try the pair as well.
        let key = Key::generate(self.name)?;
        let seed = self.seed.map(|len| key.octets(SEED, len)).transpose()?;
        Ok(Made { public: self.public_of(&key)?, private: self.private_of(&key)?, seed })
    }

    /// A usable private key from its value, its seed, or both; `None` when they are of another length, do not belong
    /// together or are no key. `told`: given by someone who may be wrong, so that the halves of an SLH-DSA key are
    /// compared, which takes as long as making one.
    pub fn private_key(&self, value: Option<&[u8]>, seed: Option<&[u8]>, told: bool) -> Result<Option<Key>> {
        let fits = value.is_none_or(|value| value.len() == self.private)
            && seed.is_none_or(|seed| Some(seed.len()) == self.seed)
            && (value.is_some() || seed.is_some());
        if !fits {
            return Ok(None);
        }
        let mut params = Params::new();
        if let Some(value) = value {
            params = params.bytes(PRIVATE, value);
        }
        if let Some(seed) = seed {
            params = params.bytes(SEED, seed);
        }
        let Ok(key) = self.key(Half::Private, params) else { return Ok(None) };
        let unchecked = told && self.family == Family::SlhDsa;
        Ok(if unchecked && !key.is_pair()? { None } else { Some(key) })
    }

    /// A usable public key; `None` when the bytes are none.
    pub fn public_key(&self, public: &[u8]) -> Option<Key> {
        if public.len() != self.public {
            return None;
        }
        self.key(Half::Public, Params::new().bytes(PUBLIC, public)).ok()
    }

    fn key(&self, half: Half, params: Params) -> Result<Key> {
        Key::from_params(self.name, half, params)
    }

    /// The public key of either half.
    pub fn public_of(&self, key: &Key) -> Result<Vec<u8>> {
        Ok(key.octets(PUBLIC, self.public)?.as_ref().to_vec())
    }

    /// The private key.
    pub fn private_of(&self, key: &Key) -> Result<Secret> {
        key.octets(PRIVATE, self.private)
    }

    /// The object identifier in DER, tag included.
    pub fn oid(&self) -> [u8; 11] {
        let [parent, last] = self.arcs;
        [der::OID, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, parent, last]
    }

    /// The SubjectPublicKeyInfo (RFC 9881, RFC 9909, RFC 9935).
    pub fn public_key_info(&self, public: &[u8]) -> Vec<u8> {
        der::public_key_info(&[&self.oid()], public)
    }

    /// Signing or verifying messages in this form.
    pub fn operation(&self, key: &Key, purpose: Purpose, form: &Form<'_>) -> Result<Operation> {
        let mut params = match form.message {
            Message::Pure { context: [] } => Params::new(),
            Message::Pure { context } => Params::new().bytes(c"context-string", context),
            Message::Encoded => Params::new().number(c"message-encoding", &[0]),
            Message::Representative => Params::new().number(c"mu", &[1]),
        };
        if form.deterministic {
            params = params.number(c"deterministic", &[1]);
        }
        Operation::with_params(key, purpose, self.name, params)
    }
}

/// How messages are given, and how random a signature is.
pub struct Form<'a> {
    /// See [`Message`].
    pub message: Message<'a>,
    /// The same signature each time.
    pub deterministic: bool,
}

/// What is given to be signed.
#[derive(Clone, Copy)]
pub enum Message<'a> {
    /// The message M, to be put behind this context.
    Pure {
        /// At most [`MAX_CONTEXT`] bytes.
        context: &'a [u8],
    },
    /// M', with all that stands before the message.
    Encoded,
    /// ML-DSA only: mu, a digest of public key and M'.
    Representative,
}

/// tr: what stands before M' when ML-DSA hashes it to mu (FIPS 204 algorithm 7).
pub fn digest_of_public(public: &[u8]) -> Result<[u8; digest::MAX_LEN]> {
    digest::once(&SHAKE256, public)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::pkey::PKey;

    fn all() -> impl Iterator<Item = &'static Set> {
        ML_KEM.iter().chain(&ML_DSA).chain(&SLH_DSA)
    }

    #[test]
    fn every_row_agrees_with_openssl() {
        for set in all().filter(|set| !set.name.to_bytes().ends_with(b"s")) {
            let made = set.generate().unwrap();
            assert_eq!((made.public.len(), made.private.len()), (set.public, set.private), "{set:?}");
            let info = set.public_key_info(&made.public);
            let openssl = PKey::public_key_from_der(&info).unwrap();
            assert_eq!(openssl.public_key_to_der().unwrap(), info, "{set:?}");
            let key = set.public_key(&made.public).unwrap();
            assert!(key.pkey().public_eq(&openssl), "{set:?}");
            if set.family == Family::MlKem {
                continue;
            }
            let pure = Form { message: Message::Pure { context: b"" }, deterministic: false };
            let private = set.private_key(Some(made.private.as_ref()), None, true).unwrap().unwrap();
            let mut signature = vec![0; set.output];
            let written = set.operation(&private, Purpose::Sign, &pure).unwrap().sign(b"m", &mut signature).unwrap();
            assert_eq!(written, set.output, "{set:?}");
            assert!(set.operation(&key, Purpose::Verify, &pure).unwrap().verify(b"m", &signature));
        }
    }

    #[test]
    fn every_name_is_one_of_openssl() {
        for set in all() {
            assert!(set.public_key(&vec![0; set.public]).is_some() || set.family == Family::MlKem, "{set:?}");
        }
    }

    #[test]
    fn seed_value_and_public_key_belong_together() {
        for set in all().filter(|set| set.seed.is_some()) {
            let (one, other) = (set.generate().unwrap(), set.generate().unwrap());
            let seed = one.seed.as_ref().unwrap().as_ref();
            let key = set.private_key(None, Some(seed), true).unwrap().unwrap();
            assert!(set.private_of(&key).unwrap().ct_eq(one.private.as_ref()));
            assert_eq!(set.public_of(&key).unwrap(), one.public);
            assert!(set.private_key(Some(one.private.as_ref()), Some(seed), true).unwrap().is_some());
            assert!(set.private_key(Some(other.private.as_ref()), Some(seed), true).unwrap().is_none());
            assert!(set.private_key(None, Some(&seed[1..]), true).unwrap().is_none());
            assert!(set.private_key(None, None, true).unwrap().is_none());
        }
        let fast = &SLH_DSA[2];
        let mut made = fast.generate().unwrap();
        assert!(fast.private_key(Some(made.private.as_ref()), None, true).unwrap().is_some());
        made.private.as_mut()[0] ^= 1;
        assert!(fast.private_key(Some(made.private.as_ref()), None, true).unwrap().is_none());
        assert!(openssl::error::ErrorStack::get().errors().is_empty());
    }
}
