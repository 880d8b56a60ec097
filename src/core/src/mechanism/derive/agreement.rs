//! Key agreement on curves (PKCS#11 3.2 sections 6.3.16 and 6.3.17): the shared secret itself, or what ANSI X9.63 or
//! the one-step derivation of NIST SP 800-56C makes of it.

use super::{Bases, Derivation, Wanted};
use crate::mechanism::ec;
use crate::mechanism::hash::{self, Hash};
use crate::mechanism::kem::agreement::AGREEMENT;
use crate::mechanism::key::{Key, curve};
use crate::mechanism::{Parameter, Row, Shape, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::agree::agree;
use sealhsm_crypto::curve::{Curve, Shape as Kind};
use sealhsm_crypto::digest::{Context, MAX_LEN};
use sealhsm_crypto::pkey;
use sealhsm_secret::{Secret, Wipe};

const DERIVATION: Derivation = Derivation { base: ck::CKO_PRIVATE_KEY, derive, ..Derivation::ONE_WAY };

pub(in crate::mechanism) static ROWS: &[Row] = &[
    row!(CKM_ECDH1_DERIVE {
        sizes: ec::SIZES,
        key_types: &[ck::CKK_EC, ck::CKK_EC_MONTGOMERY],
        parameter: Shape::Ecdh1,
        extra_flags: ec::FLAGS,
        derivation: Some(DERIVATION),
        kem: Some(AGREEMENT),
    }),
    // The curves here have a cofactor of 1: there is no difference.
    row!(CKM_ECDH1_COFACTOR_DERIVE {
        sizes: ec::SIZES,
        key_types: &[ck::CKK_EC],
        parameter: Shape::Ecdh1,
        extra_flags: ec::FLAGS,
        derivation: Some(DERIVATION),
        kem: Some(AGREEMENT),
    }),
];

/// Where the counter stands in what is hashed.
#[derive(Clone, Copy)]
pub(super) enum Order<'a> {
    /// ANSI X9.63 and X9.42: secret, what is shared before the counter, counter, shared data.
    CounterAfter {
        /// Nothing, save in X9.42.
        before: &'a [u8],
    },
    /// SP 800-56C: counter, secret, shared data.
    CounterFirst,
}

/// As X9.63 has it.
const AFTER: Order<'static> = Order::CounterAfter { before: &[] };

/// CKD_, hash and order.
type Kdf = (u64, &'static Hash, Order<'static>);
static KDFS: &[Kdf] = &[
    (ck::CKD_SHA1_KDF, &hash::SHA1, AFTER),
    (ck::CKD_SHA224_KDF, &hash::SHA224, AFTER),
    (ck::CKD_SHA256_KDF, &hash::SHA256, AFTER),
    (ck::CKD_SHA384_KDF, &hash::SHA384, AFTER),
    (ck::CKD_SHA512_KDF, &hash::SHA512, AFTER),
    (ck::CKD_SHA3_224_KDF, &hash::SHA3_224, AFTER),
    (ck::CKD_SHA3_256_KDF, &hash::SHA3_256, AFTER),
    (ck::CKD_SHA3_384_KDF, &hash::SHA3_384, AFTER),
    (ck::CKD_SHA3_512_KDF, &hash::SHA3_512, AFTER),
    (ck::CKD_BLAKE2B_160_KDF, &hash::BLAKE2B_160, AFTER),
    (ck::CKD_BLAKE2B_256_KDF, &hash::BLAKE2B_256, AFTER),
    (ck::CKD_BLAKE2B_384_KDF, &hash::BLAKE2B_384, AFTER),
    (ck::CKD_BLAKE2B_512_KDF, &hash::BLAKE2B_512, AFTER),
    (ck::CKD_SHA1_KDF_SP800, &hash::SHA1, Order::CounterFirst),
    (ck::CKD_SHA224_KDF_SP800, &hash::SHA224, Order::CounterFirst),
    (ck::CKD_SHA256_KDF_SP800, &hash::SHA256, Order::CounterFirst),
    (ck::CKD_SHA384_KDF_SP800, &hash::SHA384, Order::CounterFirst),
    (ck::CKD_SHA512_KDF_SP800, &hash::SHA512, Order::CounterFirst),
    (ck::CKD_SHA3_224_KDF_SP800, &hash::SHA3_224, Order::CounterFirst),
    (ck::CKD_SHA3_256_KDF_SP800, &hash::SHA3_256, Order::CounterFirst),
    (ck::CKD_SHA3_384_KDF_SP800, &hash::SHA3_384, Order::CounterFirst),
    (ck::CKD_SHA3_512_KDF_SP800, &hash::SHA3_512, Order::CounterFirst),
];

/// CKM_ of the hash of a CKD_.
pub fn hash_of(kdf: u64) -> Option<u64> {
    KDFS.iter().find(|row| row.0 == kdf).map(|(_, hash, _)| hash.mechanism)
}

fn derive(bases: &Bases<'_>, parameter: &Parameter<'_>, wanted: &Wanted) -> Result<Secret> {
    let Parameter::Ecdh1 { public, .. } = *parameter else { return Err(Error::MechanismParamInvalid) };
    let after = After::of(parameter)?;
    let (key, curve) = half(bases.key)?;
    after.agree(key, curve, &curve::peer(curve, public)?, wanted)
}

/// A key on a curve for agreement.
pub(in crate::mechanism) fn half(key: &Key) -> Result<(&pkey::Key, &'static Curve)> {
    key.curve(Kind::Weierstrass).or_else(|_| key.curve(Kind::Montgomery))
}

/// What becomes of the shared secret.
pub(in crate::mechanism) struct After<'a> {
    kdf: Option<&'static Kdf>,
    shared: &'a [u8],
}

impl<'a> After<'a> {
    /// As CK_ECDH1_DERIVE_PARAMS says it, whatever stands there of the other side.
    pub(in crate::mechanism) fn of(parameter: &Parameter<'a>) -> Result<Self> {
        let Parameter::Ecdh1 { kdf, shared, .. } = *parameter else { return Err(Error::MechanismParamInvalid) };
        let kdf = match kdf {
            ck::CKD_NULL if shared.is_empty() => None,
            kdf => Some(KDFS.iter().find(|row| row.0 == kdf).ok_or(Error::MechanismParamInvalid)?),
        };
        Ok(Self { kdf, shared })
    }

    /// What our private key and this public key of the other side come to.
    pub(in crate::mechanism) fn agree(
        &self,
        key: &pkey::Key,
        curve: &'static Curve,
        peer: &pkey::Key,
        wanted: &Wanted,
    ) -> Result<Secret> {
        let agreed = || agree(key, curve, peer).map_err(failed)?.ok_or(Error::PublicKeyInvalid);
        match self.kdf {
            None => {
                let len = wanted.len_within(curve.len)?;
                // What is too much is cut off at the front.
                Ok(Secret::copy_of(&agreed()?.as_ref()[curve.len - len..]))
            }
            Some((_, hash, order)) => {
                let len = wanted.len_or(Some(hash.len()))?;
                expand(hash, *order, agreed()?.as_ref(), self.shared, len)
            }
        }
    }
}

/// Hashes secret, counter and shared data until there are `len` bytes.
pub(super) fn expand(hash: &Hash, order: Order<'_>, secret: &[u8], shared: &[u8], len: usize) -> Result<Secret> {
    let mut digest = Context::new(hash.algorithm).map_err(failed)?;
    let mut out = Secret::zeroed(len);
    let mut block = [0; MAX_LEN];
    for (counter, part) in (1u32..).zip(out.as_mut().chunks_mut(hash.len())) {
        let counter = counter.to_be_bytes();
        let pieces = match order {
            Order::CounterAfter { before } => [secret, before, &counter, shared],
            Order::CounterFirst => [&counter, secret, shared, &[]],
        };
        digest.restart().map_err(failed)?;
        for piece in pieces {
            digest.update(piece).map_err(failed)?;
        }
        digest.finish(&mut block).map_err(failed)?;
        part.copy_from_slice(&block[..part.len()]);
    }
    block.wipe();
    Ok(out)
}
