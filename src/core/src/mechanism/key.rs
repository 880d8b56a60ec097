//! The usable form of a key object: made from its attributes on first use, kept for the login.

use super::engine::{Cipher, Signer, Verifier};
use crate::Result;
use crate::attribute::Attributes;
use sealhsm_secret::Secret;
use std::sync::Mutex;

/// A key ready for use.
pub struct Key {
    /// CK_KEY_TYPE.
    pub key_type: u64,
    /// What OpenSSL works with.
    pub material: Material,
    /// Keyed engines at rest, by mechanism and direction; see [`Spare`].
    pub spare: Mutex<Vec<(u64, Spare)>>,
}

/// The key itself.
pub enum Material {
    /// CKO_SECRET_KEY: the value.
    Secret(Secret),
}

/// An engine at rest.
pub enum Spare {
    /// Encrypting.
    Encrypt(Box<dyn Cipher>),
    /// Decrypting.
    Decrypt(Box<dyn Cipher>),
    /// Signing.
    Sign(Box<dyn Signer>),
    /// Verifying.
    Verify(Box<dyn Verifier>),
}

impl Key {
    /// From a complete, checked object (CKO_PUBLIC_KEY, CKO_PRIVATE_KEY or CKO_SECRET_KEY).
    pub fn open(_attributes: &Attributes) -> Result<Key> {
        unimplemented!()
    }
}

/// Checks the values of a key that an application gives (C_CreateObject, C_UnwrapKey) against each other and adds
/// what the token computes: RSA CRT parts, CKA_MODULUS_BITS, CKA_VALUE_LEN, CKA_PUBLIC_KEY_INFO (SPKI DER),
/// CKA_CHECK_VALUE, a normalised CKA_EC_PARAMS (OID DER) and CKA_EC_POINT (DER OCTET STRING). Called for every key,
/// generated ones too, before it is stored.
pub fn complete(_key: &mut Attributes) -> Result<()> {
    unimplemented!()
}
