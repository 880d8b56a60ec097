//! The usable form of a key object: made from its attributes on first use, kept for the login. And what the token
//! checks and computes when a key comes to be, one file per family of keys.

mod crc64;
pub mod curve;
pub mod dl;
mod legacy;
mod otp;
pub mod pkcs8;
pub mod pq;
mod pss;
pub mod public;
pub mod rsa;
mod secret;

pub use legacy::is_legacy;
pub(crate) use secret::{
    adjust as adjust_secret, is_len as is_secret_len, is_value as is_secret_value, only_len as only_secret_len,
};

use super::derive::{Prf, Under};
use super::engine::{Cipher, Recoverer, Signer, Verifier};
use crate::attribute::{Attributes, Type, Value, confine};
use crate::token::lock;
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::cipher::Direction;
use sealhsm_crypto::curve::{Curve, Shape};
use sealhsm_crypto::digest;
use sealhsm_crypto::dl::Group;
use sealhsm_crypto::operation::Purpose;
use sealhsm_crypto::pkey;
use sealhsm_crypto::pq::Set;
use sealhsm_secret::Secret;
use std::sync::Mutex;

/// A key ready for use.
pub struct Key {
    /// CK_KEY_TYPE.
    pub key_type: u64,
    /// Shorter than keys should be today, see [`is_legacy`].
    pub legacy: bool,
    /// Its value is kept from its users: it is sensitive, or not extractable.
    pub guarded: bool,
    /// A part of its value is that of a guarded key, another is known or chosen.
    pub composed: bool,
    /// What OpenSSL works with.
    pub material: Material,
    /// Keyed engines at rest, by mechanism and direction; see [`Spare`].
    spare: Mutex<Vec<(u64, Spare)>>,
    /// The handle of its object; 0 for a key that has none.
    pub object: u64,
}

/// The key itself.
pub enum Material {
    /// CKO_SECRET_KEY: the value.
    Secret(Secret),
    /// CKO_OTP_KEY.
    Otp {
        /// The value.
        value: Secret,
        /// CKA_OTP_LENGTH, in the format of the passwords.
        len: u64,
        /// CKA_OTP_USER_FRIENDLY_MODE.
        friendly: bool,
    },
    /// Half of an RSA pair.
    Rsa {
        /// For OpenSSL.
        key: pkey::Key,
        /// Bits of the modulus.
        bits: u64,
    },
    /// Half of a pair on a curve of any shape.
    Curve {
        /// For OpenSSL.
        key: pkey::Key,
        /// Which curve.
        curve: &'static Curve,
    },
    /// Half of an ML-KEM, ML-DSA or SLH-DSA pair.
    Pq {
        /// For OpenSSL.
        key: pkey::Key,
        /// Which parameter set.
        set: &'static Set,
    },
    /// Half of a Diffie-Hellman pair.
    Dh {
        /// Its domain parameters.
        group: Group,
        /// The private or the public number.
        value: Secret,
    },
    /// Half of a DSA pair.
    Dsa {
        /// For OpenSSL.
        key: pkey::Key,
        /// Bytes of the order.
        order_len: usize,
    },
}

/// An engine at rest. It owns what it needs of the key, and never the key, which would then never end.
pub enum Spare {
    /// Encrypting or decrypting.
    Cipher(Direction, Box<dyn Cipher>),
    /// Signing.
    Sign(Box<dyn Signer>),
    /// Verifying.
    Verify(Box<dyn Verifier>),
    /// Recovering what was signed.
    Recover(Box<dyn Recoverer>),
    /// A pseudorandom function, and what it was keyed with; the mechanism is the one that parameters name it by.
    Prf(Box<Prf>, Under),
    /// A digest that has begun anew, for derivation.
    Hash(Box<digest::Context>),
}

/// Engines a key keeps; more threads than this make new ones.
const MAX_SPARES: usize = 16;

/// How keys of some types are opened and completed.
struct Family {
    key_types: &'static [u64],
    open: fn(&Attributes) -> Result<Material>,
    complete: fn(&mut Attributes) -> Result<()>,
}

/// Key types that are not here are those of secret keys.
const PAIRS: &[Family] = &[
    Family { key_types: &[ck::CKK_RSA], open: rsa::open, complete: rsa::complete },
    Family {
        key_types: &[ck::CKK_EC, ck::CKK_EC_EDWARDS, ck::CKK_EC_MONTGOMERY],
        open: curve::open,
        complete: curve::complete,
    },
    Family { key_types: &[ck::CKK_ML_KEM, ck::CKK_ML_DSA, ck::CKK_SLH_DSA], open: pq::open, complete: pq::complete },
    Family { key_types: &[ck::CKK_DH, ck::CKK_X9_42_DH, ck::CKK_DSA], open: dl::open, complete: dl::complete },
];
const SECRETS: Family = Family { key_types: &[], open: secret::open, complete: secret::complete };
const OTPS: Family = Family { key_types: &[], open: otp::open, complete: otp::complete };

/// Key types of public and private keys.
fn pair_types() -> impl Iterator<Item = u64> {
    PAIRS.iter().flat_map(|family| family.key_types.iter().copied())
}

fn family(key: &Attributes) -> Result<(u64, &'static Family)> {
    let key_type = key.ulong(ck::CKA_KEY_TYPE).ok_or(Error::TemplateIncomplete)?;
    match key.ulong(ck::CKA_CLASS) {
        Some(ck::CKO_SECRET_KEY) => return Ok((key_type, &SECRETS)),
        Some(ck::CKO_OTP_KEY) => return Ok((key_type, &OTPS)),
        _ => {}
    }
    let family = PAIRS.iter().find(|family| family.key_types.contains(&key_type));
    Ok((key_type, family.ok_or(Error::AttributeValueInvalid)?))
}

impl Key {
    /// From a complete, checked object (CKO_PUBLIC_KEY, CKO_PRIVATE_KEY, CKO_SECRET_KEY or CKO_OTP_KEY) and its handle.
    pub fn of(object: u64, attributes: &Attributes) -> Result<Key> {
        Ok(Key { object, ..Self::open(attributes)? })
    }

    /// The same for a key that has no object.
    pub fn open(attributes: &Attributes) -> Result<Key> {
        let (key_type, family) = family(attributes)?;
        let guarded = attributes.is(ck::CKA_SENSITIVE) || !attributes.is(ck::CKA_EXTRACTABLE);
        let (legacy, material) = (is_legacy(attributes), (family.open)(attributes)?);
        let composed = confine::is_composed(attributes);
        Ok(Key { key_type, legacy, guarded, composed, material, spare: Mutex::default(), object: 0 })
    }

    /// An engine at rest that was keyed for this mechanism, and is one of those that are asked for.
    pub fn spare(&self, mechanism: u64, fits: impl Fn(&Spare) -> bool) -> Option<Spare> {
        let mut spares = lock(&self.spare);
        let at = spares.iter().rposition(|(of, spare)| *of == mechanism && fits(spare))?;
        Some(spares.swap_remove(at).1)
    }

    /// Keeps an engine that ended well for whoever asks next.
    pub fn keep(&self, mechanism: u64, spare: Spare) {
        let mut spares = lock(&self.spare);
        if spares.len() < MAX_SPARES {
            spares.push((mechanism, spare));
        }
    }

    /// Works with a cipher at rest, or with one that `make` makes; if all goes well, it is at rest from then on.
    pub(super) fn with_cipher<T>(
        &self,
        mechanism: u64,
        direction: Direction,
        make: impl FnOnce() -> Result<Box<dyn Cipher>>,
        work: impl FnOnce(&mut dyn Cipher) -> Result<T>,
    ) -> Result<T> {
        let mut cipher = match self.spare(mechanism, |spare| matches!(spare, Spare::Cipher(of, _) if *of == direction))
        {
            Some(Spare::Cipher(_, cipher)) => cipher,
            _ => make()?,
        };
        let done = work(&mut *cipher)?;
        self.keep(mechanism, Spare::Cipher(direction, cipher));
        Ok(done)
    }

    /// The value of a secret key.
    pub(super) fn secret(&self) -> Result<&Secret> {
        match &self.material {
            Material::Secret(value) => Ok(value),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }

    /// The value of a key of one-time passwords, their length, and whether they are for people to read.
    pub(super) fn otp(&self) -> Result<(&Secret, u64, bool)> {
        match &self.material {
            Material::Otp { value, len, friendly } => Ok((value, *len, *friendly)),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }

    /// An RSA key and its bits.
    pub(super) fn rsa(&self) -> Result<(&pkey::Key, u64)> {
        match &self.material {
            Material::Rsa { key, bits } => Ok((key, *bits)),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }

    /// The same for one purpose. `KeySizeRange`: nothing new is made with a key that is too small to be made itself.
    pub(super) fn rsa_for(&self, purpose: Purpose) -> Result<(&pkey::Key, u64)> {
        let (key, bits) = self.rsa()?;
        let new = matches!(purpose, Purpose::Sign | Purpose::Encrypt);
        if new && bits < rsa::MIN_GENERATED { Err(Error::KeySizeRange) } else { Ok((key, bits)) }
    }

    /// A key on a curve of this shape.
    pub(super) fn curve(&self, shape: Shape) -> Result<(&pkey::Key, &'static Curve)> {
        match &self.material {
            Material::Curve { key, curve } if curve.shape == shape => Ok((key, curve)),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }

    /// A Diffie-Hellman key: the group, and the private or the public number.
    pub(super) fn dh(&self) -> Result<(&Group, &Secret)> {
        match &self.material {
            Material::Dh { group, value } => Ok((group, value)),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }

    /// A DSA key and the bytes of its order.
    pub(super) fn dsa(&self) -> Result<(&pkey::Key, usize)> {
        match &self.material {
            Material::Dsa { key, order_len } => Ok((key, *order_len)),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }

    /// A key of ML-KEM, ML-DSA or SLH-DSA.
    pub(super) fn pq(&self) -> Result<(&pkey::Key, &'static Set)> {
        match &self.material {
            Material::Pq { key, set } => Ok((key, set)),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }
}

/// Checks the values of a key that an application gives (C_CreateObject, C_UnwrapKey) against each other and adds
/// what the token computes: RSA CRT parts, CKA_MODULUS_BITS, CKA_VALUE_LEN, CKA_PUBLIC_KEY_INFO (SPKI DER),
/// CKA_CHECK_VALUE, CKA_PUBLIC_CRC64_VALUE, a normalised CKA_EC_PARAMS (OID DER) and CKA_EC_POINT (DER OCTET STRING).
/// Called for every key, generated ones too, before it is stored; what this token generated (CKA_LOCAL) it does not
/// check again.
pub fn complete(key: &mut Attributes) -> Result<()> {
    (family(key)?.1.complete)(key)?;
    if key.ulong(ck::CKA_CLASS) == Some(ck::CKO_SECRET_KEY) { Ok(()) } else { crc64::complete(key) }
}

fn is_private(key: &Attributes) -> bool {
    key.ulong(ck::CKA_CLASS) == Some(ck::CKO_PRIVATE_KEY)
}

/// Bytes that must be there and not empty.
fn required(key: &Attributes, of: Type) -> Result<&[u8]> {
    given(key, of).ok_or(Error::TemplateIncomplete)
}

/// Bytes that may be there; empty ones count as none.
fn given(key: &Attributes, of: Type) -> Option<&[u8]> {
    key.bytes(of).filter(|bytes| !bytes.is_empty())
}

/// Sets what the token computes; a template may have said the same, or nothing.
pub(crate) fn computed(key: &mut Attributes, of: Type, value: Value) -> Result<()> {
    match key.value(of) {
        Some(told) if !(told.bytes().is_some_and(<[u8]>::is_empty) || told.same(&value)) => {
            Err(Error::AttributeValueInvalid)
        }
        _ => {
            key.set(of, value);
            Ok(())
        }
    }
}
