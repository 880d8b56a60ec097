//! ML-DSA (FIPS 204) and SLH-DSA (FIPS 205), with and without a hash before them, and the keys of ML-KEM (FIPS 203):
//! rows and the one scheme of all signatures. Keys are in `key::pq`.

use super::engine::{Signer, Verifier};
use super::kem::lattice::LATTICE;
use super::key::{Key, pq};
use super::scheme::{Collected, Direct, Hashed, Scheme};
use super::{Parameter, Row, Shape, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::digest::{self, Algorithm};
use sealhsm_crypto::operation::{Operation, Purpose};
use sealhsm_crypto::pkey;
use sealhsm_crypto::pq::{Form, MAX_CONTEXT, Message, Set, digest_of_public};
use std::sync::Arc;

const ML_KEM: &[u64] = &[ck::CKK_ML_KEM];
const ML_DSA: &[u64] = &[ck::CKK_ML_DSA];
const SLH_DSA: &[u64] = &[ck::CKK_SLH_DSA];
/// Bytes of public keys.
const ML_KEM_SIZES: (u64, u64) = (800, 1568);
const ML_DSA_SIZES: (u64, u64) = (1312, 2592);
const SLH_DSA_SIZES: (u64, u64) = (32, 64);

/// A hash before the signature (FIPS 204 section 5.4, FIPS 205 section 10.2).
struct Prehash {
    /// CKM_ in CK_HASH_SIGN_ADDITIONAL_CONTEXT. PKCS#11 has no digests by SHAKE: its derivations stand for it.
    mechanism: u64,
    algorithm: &'static Algorithm,
    /// The last arc of its identifier under 2.16.840.1.101.3.4.2.
    arc: u8,
}

macro_rules! prehashes {
    ($($name:ident: $mechanism:ident $arc:literal;)*) => {
        $(static $name: Prehash =
            Prehash { mechanism: ck::$mechanism, algorithm: &digest::$name, arc: $arc };)*
        static PREHASHES: &[&Prehash] = &[$(&$name),*];
    };
}

prehashes! {
    SHA224: CKM_SHA224 4;
    SHA256: CKM_SHA256 1;
    SHA384: CKM_SHA384 2;
    SHA512: CKM_SHA512 3;
    SHA3_224: CKM_SHA3_224 7;
    SHA3_256: CKM_SHA3_256 8;
    SHA3_384: CKM_SHA3_384 9;
    SHA3_512: CKM_SHA3_512 10;
    SHAKE128: CKM_SHAKE_128_KEY_DERIVATION 11;
    SHAKE256: CKM_SHAKE_256_KEY_DERIVATION 12;
}

impl Prehash {
    /// The object identifier in DER, tag included.
    fn oid(&self) -> [u8; 11] {
        [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, self.arc]
    }
}

macro_rules! generator {
    ($mechanism:ident $types:ident $sizes:ident) => {
        row!($mechanism {
            sizes: $sizes,
            key_types: $types,
            generate_pair: Some(|parameter, public, private| pq::generate($types[0], parameter, public, private)),
        })
    };
}

macro_rules! hashed {
    ($mechanism:ident $types:ident $sizes:ident $hash:ident) => {
        row!($mechanism {
            sizes: $sizes,
            key_types: $types,
            parameter: Shape::SignContextOrNone,
            sign: Some(|key| hashed_sign(key, &$hash)),
            verify: Some(|key| hashed_verify(key, &$hash)),
        })
    };
}

macro_rules! given_hash {
    ($mechanism:ident $types:ident $sizes:ident) => {
        row!($mechanism {
            sizes: $sizes,
            key_types: $types,
            parameter: Shape::HashSignContext,
            sign: Some(|key| Ok(Box::new(Direct(Signature::new(key, Purpose::Sign, How::Digest)?)))),
            verify: Some(|key| Ok(Box::new(Direct(Signature::new(key, Purpose::Verify, How::Digest)?)))),
            one_part: true,
        })
    };
}

pub(super) static ROWS: &[Row] = &[
    generator!(CKM_ML_KEM_KEY_PAIR_GEN ML_KEM ML_KEM_SIZES),
    generator!(CKM_ML_DSA_KEY_PAIR_GEN ML_DSA ML_DSA_SIZES),
    generator!(CKM_SLH_DSA_KEY_PAIR_GEN SLH_DSA SLH_DSA_SIZES),
    row!(CKM_ML_KEM { sizes: ML_KEM_SIZES, key_types: ML_KEM, kem: Some(LATTICE) }),
    row!(CKM_ML_DSA {
        sizes: ML_DSA_SIZES,
        key_types: ML_DSA,
        parameter: Shape::SignContextOrNone,
        sign: Some(|key| Ok(Box::new(Hashed::over(MU, Signature::new(key, Purpose::Sign, How::Mu)?)?))),
        verify: Some(|key| Ok(Box::new(Hashed::over(MU, Signature::new(key, Purpose::Verify, How::Mu)?)?))),
    }),
    // It needs the message twice.
    row!(CKM_SLH_DSA {
        sizes: SLH_DSA_SIZES,
        key_types: SLH_DSA,
        parameter: Shape::SignContextOrNone,
        sign: Some(|key| Ok(Box::new(Collected::new(Signature::new(key, Purpose::Sign, How::Message)?)))),
        verify: Some(|key| Ok(Box::new(Collected::new(Signature::new(key, Purpose::Verify, How::Message)?)))),
    }),
    given_hash!(CKM_HASH_ML_DSA ML_DSA ML_DSA_SIZES),
    hashed!(CKM_HASH_ML_DSA_SHA224 ML_DSA ML_DSA_SIZES SHA224),
    hashed!(CKM_HASH_ML_DSA_SHA256 ML_DSA ML_DSA_SIZES SHA256),
    hashed!(CKM_HASH_ML_DSA_SHA384 ML_DSA ML_DSA_SIZES SHA384),
    hashed!(CKM_HASH_ML_DSA_SHA512 ML_DSA ML_DSA_SIZES SHA512),
    hashed!(CKM_HASH_ML_DSA_SHA3_224 ML_DSA ML_DSA_SIZES SHA3_224),
    hashed!(CKM_HASH_ML_DSA_SHA3_256 ML_DSA ML_DSA_SIZES SHA3_256),
    hashed!(CKM_HASH_ML_DSA_SHA3_384 ML_DSA ML_DSA_SIZES SHA3_384),
    hashed!(CKM_HASH_ML_DSA_SHA3_512 ML_DSA ML_DSA_SIZES SHA3_512),
    hashed!(CKM_HASH_ML_DSA_SHAKE128 ML_DSA ML_DSA_SIZES SHAKE128),
    hashed!(CKM_HASH_ML_DSA_SHAKE256 ML_DSA ML_DSA_SIZES SHAKE256),
    given_hash!(CKM_HASH_SLH_DSA SLH_DSA SLH_DSA_SIZES),
    hashed!(CKM_HASH_SLH_DSA_SHA224 SLH_DSA SLH_DSA_SIZES SHA224),
    hashed!(CKM_HASH_SLH_DSA_SHA256 SLH_DSA SLH_DSA_SIZES SHA256),
    hashed!(CKM_HASH_SLH_DSA_SHA384 SLH_DSA SLH_DSA_SIZES SHA384),
    hashed!(CKM_HASH_SLH_DSA_SHA512 SLH_DSA SLH_DSA_SIZES SHA512),
    hashed!(CKM_HASH_SLH_DSA_SHA3_224 SLH_DSA SLH_DSA_SIZES SHA3_224),
    hashed!(CKM_HASH_SLH_DSA_SHA3_256 SLH_DSA SLH_DSA_SIZES SHA3_256),
    hashed!(CKM_HASH_SLH_DSA_SHA3_384 SLH_DSA SLH_DSA_SIZES SHA3_384),
    hashed!(CKM_HASH_SLH_DSA_SHA3_512 SLH_DSA SLH_DSA_SIZES SHA3_512),
    hashed!(CKM_HASH_SLH_DSA_SHAKE128 SLH_DSA SLH_DSA_SIZES SHAKE128),
    hashed!(CKM_HASH_SLH_DSA_SHAKE256 SLH_DSA SLH_DSA_SIZES SHAKE256),
];

fn hashed_sign(key: &Arc<Key>, hash: &'static Prehash) -> Result<Box<dyn Signer>> {
    Ok(Box::new(Hashed::over(hash.algorithm, Signature::new(key, Purpose::Sign, How::Hashed(hash))?)?))
}

fn hashed_verify(key: &Arc<Key>, hash: &'static Prehash) -> Result<Box<dyn Verifier>> {
    Ok(Box::new(Hashed::over(hash.algorithm, Signature::new(key, Purpose::Verify, How::Hashed(hash))?)?))
}

/// mu, the message representative of ML-DSA (FIPS 204 algorithm 7), is 64 bytes of SHAKE256.
static MU: &Algorithm = &digest::SHAKE256;

/// What the scheme is given.
#[derive(Clone, Copy)]
enum How {
    /// The message.
    Message,
    /// mu: the message was hashed behind the preamble.
    Mu,
    /// A digest by this hash.
    Hashed(&'static Prehash),
    /// A digest by the hash that the parameter names.
    Digest,
}

/// One side of ML-DSA or SLH-DSA.
struct Signature {
    /// Not the whole key: that keeps this engine when it is at rest.
    key: pkey::Key,
    set: &'static Set,
    purpose: Purpose,
    how: How,
    /// tr ‖ what stands before the message in M'.
    preamble: Vec<u8>,
    present: Option<Present>,
}

/// What is set up.
struct Present {
    deterministic: bool,
    context: Vec<u8>,
    hash: Option<&'static Prehash>,
    operation: Operation,
}

impl Signature {
    fn new(key: &Arc<Key>, purpose: Purpose, how: How) -> Result<Self> {
        let (key, set) = key.pq()?;
        Ok(Self { key: key.share(), set, purpose, how, preamble: Vec::new(), present: None })
    }

    /// Hedging, context and hash of a parameter. Where neither way is required, signatures are hedged.
    fn read<'a>(&self, parameter: &Parameter<'a>) -> Result<(bool, &'a [u8], Option<&'static Prehash>)> {
        let (hedge, context, named) = match (self.how, parameter) {
            (How::Digest, Parameter::SignContext { hedge, context, hash: Some(hash) }) => {
                (*hedge, *context, Some(*hash))
            }
            (How::Digest, _) => return Err(Error::MechanismParamInvalid),
            (_, Parameter::None) => (ck::CKH_HEDGE_PREFERRED, &[][..], None),
            (_, Parameter::SignContext { hedge, context, hash: None }) => (*hedge, *context, None),
            _ => return Err(Error::MechanismParamInvalid),
        };
        let deterministic = match hedge {
            ck::CKH_HEDGE_PREFERRED | ck::CKH_HEDGE_REQUIRED => false,
            ck::CKH_DETERMINISTIC_REQUIRED => true,
            _ => return Err(Error::MechanismParamInvalid),
        };
        if context.len() > MAX_CONTEXT {
            return Err(Error::MechanismParamInvalid);
        }
        let hash = match (self.how, named) {
            (How::Hashed(hash), _) => Some(hash),
            (_, Some(named)) => {
                let known = PREHASHES.iter().copied().find(|hash| hash.mechanism == named);
                Some(known.ok_or(Error::MechanismParamInvalid)?)
            }
            _ => None,
        };
        Ok((deterministic, context, hash))
    }

    /// What OpenSSL is given: the data, or M' with the digest that the data is.
    fn input<'a>(&self, data: &'a [u8], whole: &'a mut Vec<u8>) -> Result<&'a [u8]> {
        let present = self.present.as_ref().ok_or(Error::General)?;
        let Some(hash) = present.hash else { return Ok(data) };
        if data.len() != hash.algorithm.len {
            return Err(Error::DataLenRange);
        }
        whole.extend_from_slice(&[1, present.context.len() as u8]);
        whole.extend_from_slice(&present.context);
        whole.extend_from_slice(&hash.oid());
        whole.extend_from_slice(data);
        Ok(whole)
    }

    fn operation(&mut self) -> Result<&mut Operation> {
        self.present.as_mut().map(|present| &mut present.operation).ok_or(Error::General)
    }
}

impl Scheme for Signature {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        let (deterministic, context, hash) = self.read(parameter)?;
        let same = |present: &Present| {
            present.deterministic == deterministic
                && present.context == context
                && present.hash.map(|hash| hash.arc) == hash.map(|hash| hash.arc)
        };
        if self.present.as_ref().is_some_and(same) {
            return Ok(());
        }
        let message = match self.how {
            How::Message => Message::Pure { context },
            How::Mu => Message::Representative,
            How::Hashed(_) | How::Digest => Message::Encoded,
        };
        let operation = self.set.operation(&self.key, self.purpose, &Form { message, deterministic });
        let operation = operation.map_err(failed)?;
        if let How::Mu = self.how {
            let public = self.set.public_of(&self.key).map_err(failed)?;
            let tr = digest_of_public(&public).map_err(failed)?;
            self.preamble = [&tr[..], &[0, context.len() as u8], context].concat();
        }
        self.present = Some(Present { deterministic, context: context.to_vec(), hash, operation });
        Ok(())
    }

    fn preamble(&self) -> &[u8] {
        &self.preamble
    }

    fn signature_len(&self) -> usize {
        self.set.output
    }

    fn sign(&mut self, data: &[u8], signature: &mut [u8]) -> Result<usize> {
        let mut whole = Vec::new();
        let input = self.input(data, &mut whole)?;
        self.operation()?.sign(input, signature).map_err(failed)
    }

    fn verify(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        let mut whole = Vec::new();
        let input = self.input(data, &mut whole)?;
        if signature.len() != self.set.output {
            return Err(Error::SignatureLenRange);
        }
        if self.operation()?.verify(input, signature) { Ok(()) } else { Err(Error::SignatureInvalid) }
    }
}
