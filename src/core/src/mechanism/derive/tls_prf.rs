//! The pseudorandom functions of TLS 1.2 (RFC 5246 section 5) and of TLS 1.0 and 1.1 (RFC 2246 section 5), the MAC of
//! the Finished message made with them, and the secret that an RSA key exchange begins with.

use super::WHOLE;
use super::tls::Tls;
use crate::attribute::{Attributes, build};
use crate::mechanism::engine::{Signer, Verifier};
use crate::mechanism::hash::{self, Hash};
use crate::mechanism::key::Key;
use crate::mechanism::scheme::{Collected, Scheme};
use crate::mechanism::{Group, Parameter, Row, Shape, failed, secret};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::digest::MAX_LEN;
use sealhsm_crypto::mac::{self, Hmac};
use sealhsm_secret::{Secret, Wipe};

/// The labels of the protocol (RFC 5705 section 4, RFC 7627).
pub const RESERVED: [&[u8]; 5] =
    [b"client finished", b"server finished", b"master secret", b"extended master secret", b"key expansion"];
/// The most bytes that somebody gets at once.
pub const MOST: usize = 1 << 16;

macro_rules! mac {
    ($mechanism:ident) => {
        row!($mechanism {
            sizes: (1, secret::MAX_SECRET),
            key_types: &[ck::CKK_GENERIC_SECRET],
            parameter: Shape::TlsMac,
            sign: Some(|key| Ok(Box::new(Finished::new(key)?) as Box<dyn Signer>)),
            verify: Some(|key| Ok(Box::new(Finished::new(key)?) as Box<dyn Verifier>)),
        })
    };
}

pub(in crate::mechanism) static ROWS: &[Row] = &[
    mac!(CKM_TLS_MAC),
    mac!(CKM_TLS12_MAC),
    row!(CKM_TLS_PRE_MASTER_KEY_GEN {
        sizes: (48, 48),
        key_types: &[ck::CKK_GENERIC_SECRET],
        parameter: Shape::Iv(2),
        group: Group::Legacy,
        generate: Some(pre_master),
    }),
];

/// One of the functions.
#[derive(Clone, Copy)]
pub enum Prf {
    /// TLS 1.2: on this hash.
    Twelve(&'static Hash),
    /// TLS 1.0 and 1.1: on MD5 and SHA-1.
    Old,
}

impl Prf {
    /// The function of this CKM_, a hash or CKM_TLS_PRF.
    pub fn of_any(mechanism: u64) -> Result<Prf> {
        if mechanism == ck::CKM_TLS_PRF {
            return Ok(Prf::Old);
        }
        hash::any(mechanism).map(Prf::Twelve).ok_or(Error::MechanismParamInvalid)
    }

    /// The same for a mechanism of TLS 1.2 (modern) or of TLS 1.0 and 1.1 (legacy) alone.
    pub fn of(mechanism: u64, group: Group) -> Result<Prf> {
        match (Self::of_any(mechanism)?, group) {
            (prf @ Prf::Twelve(_), Group::Modern) | (prf @ Prf::Old, Group::Legacy) => Ok(prf),
            _ => Err(Error::MechanismParamInvalid),
        }
    }

    /// Whether this key may be the secret. The old function works on its halves apart: each must be long enough alone,
    /// and neither known but for a few bytes. `KeySizeRange`, `KeyFunctionNotPermitted`.
    pub fn takes(self, key: &Key) -> Result<()> {
        match self {
            Prf::Old if key.guarded && key.composed => Err(Error::KeyFunctionNotPermitted),
            Prf::Old if key.guarded && key.secret()?.len() < 2 * WHOLE => Err(Error::KeySizeRange),
            _ => Ok(()),
        }
    }

    /// `len` bytes for a label and a seed, given in pieces.
    pub fn expand(self, secret: &[u8], pieces: &[&[u8]], len: usize) -> Result<Secret> {
        let mut out = Secret::zeroed(len);
        match self {
            Prf::Twelve(hash) => add(hash, secret, pieces, out.as_mut())?,
            Prf::Old => {
                // Two halves, which share the byte in the middle of an odd length.
                let half = secret.len().div_ceil(2);
                add(&hash::MD5, &secret[..half], pieces, out.as_mut())?;
                add(&hash::SHA1, &secret[secret.len() - half..], pieces, out.as_mut())?;
            }
        }
        Ok(out)
    }
}

/// P_hash, added to what `out` holds by exclusive or.
fn add(hash: &Hash, secret: &[u8], pieces: &[&[u8]], out: &mut [u8]) -> Result<()> {
    // OpenSSL takes an empty key for none; zeros at the end are the same key.
    let mut hmac = Hmac::new(hash.algorithm, if secret.is_empty() { &[0] } else { secret }).map_err(failed)?;
    let mut run = |before: &[u8], pieces: &[&[u8]], to: &mut [u8; MAX_LEN]| {
        hmac.restart().and_then(|()| hmac.update(before)).map_err(failed)?;
        for piece in pieces {
            hmac.update(piece).map_err(failed)?;
        }
        hmac.finish(to).map_err(failed)
    };
    let (mut a, mut block) = ([0; MAX_LEN], [0; MAX_LEN]);
    run(&[], pieces, &mut a)?;
    for part in out.chunks_mut(hash.len()) {
        run(&a[..hash.len()], pieces, &mut block)?;
        part.iter_mut().zip(&block).for_each(|(to, from)| *to ^= from);
        run(&a[..hash.len()], &[], &mut block)?;
        a = block;
    }
    a.wipe();
    block.wipe();
    Ok(())
}

fn pre_master(parameter: &Parameter<'_>, template: &Attributes) -> Result<Attributes> {
    let version = parameter.bytes(2)?;
    let mut said = template.duplicate();
    let mut implied = Attributes::new();
    implied.set_ulong(ck::CKA_VALUE_LEN, 48);
    build::enforce(&mut said, &implied)?;
    let mut value = Secret::zeroed(48);
    value.as_mut()[..2].copy_from_slice(version);
    sealhsm_crypto::random::private(&mut value.as_mut()[2..]).map_err(failed)?;
    implied.set_secret(ck::CKA_VALUE, value);
    Ok(implied)
}

/// CKM_TLS_MAC: the first bytes of the function for one of two labels and the data.
struct Finished {
    secret: Secret,
    /// Whether the old function takes it.
    old: Result<()>,
    prf: Prf,
    label: &'static [u8],
    len: usize,
}

/// RFC 5246 section 7.4.9.
const SHORTEST_MAC: u64 = 12;
const LONGEST_MAC: u64 = 256;

impl Finished {
    fn new(key: &Key) -> Result<Collected<Finished>> {
        let (secret, old) = (key.secret()?.duplicate(), Prf::Old.takes(key));
        Ok(Collected::new(Finished { secret, old, prf: Prf::Old, label: RESERVED[0], len: 0 }))
    }

    fn mac(&self, data: &[u8]) -> Result<Secret> {
        self.prf.expand(self.secret.as_ref(), &[self.label, data], self.len)
    }
}

impl Scheme for Finished {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        let Parameter::Tls(Tls::Mac { prf, len, side }) = *parameter else { return Err(Error::MechanismParamInvalid) };
        self.prf = Prf::of_any(prf)?;
        if let Prf::Old = self.prf {
            self.old?;
        }
        let most = if matches!(self.prf, Prf::Old) { SHORTEST_MAC } else { LONGEST_MAC };
        if !(SHORTEST_MAC..=most).contains(&len) {
            return Err(Error::MechanismParamInvalid);
        }
        self.len = len as usize;
        self.label = match side {
            1 => b"server finished",
            2 => b"client finished",
            _ => return Err(Error::MechanismParamInvalid),
        };
        Ok(())
    }
    fn signature_len(&self) -> usize {
        self.len
    }
    fn sign(&mut self, data: &[u8], signature: &mut [u8]) -> Result<usize> {
        signature[..self.len].copy_from_slice(self.mac(data)?.as_ref());
        Ok(self.len)
    }
    fn verify(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        if signature.len() != self.len {
            return Err(Error::SignatureLenRange);
        }
        if mac::same(self.mac(data)?.as_ref(), signature) { Ok(()) } else { Err(Error::SignatureInvalid) }
    }
}
