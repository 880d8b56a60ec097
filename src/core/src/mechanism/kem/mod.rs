//! Keys that come about together with a ciphertext for their recipient: what a mechanism needs to encapsulate, one file
//! per way. Here are bytes only; what a key made so becomes is decided in `application::kem`.

pub(super) mod agreement;
pub(super) mod dh;
pub(super) mod lattice;
pub(super) mod rsa;

use super::key::Key;
pub use super::wrapping::Wanted;
use super::{Parameter, Row};
use crate::Result;
use sealhsm_secret::Secret;
use std::sync::Arc;

/// A public key to the value of a new key and its ciphertext. `KeySizeRange`: the template asks for a length that this
/// way does not have.
pub type Encapsulate = fn(&Row, &Arc<Key>, &Parameter<'_>, &Wanted) -> Result<(Secret, Vec<u8>)>;
/// A private key and a ciphertext to the value. `EncryptedDataLenRange` by the length alone, `EncryptedDataInvalid` for
/// all that is wrong inside.
pub type Decapsulate = fn(&Row, &Arc<Key>, &Parameter<'_>, &[u8], &Wanted) -> Result<Secret>;

/// How a mechanism encapsulates.
#[derive(Clone, Copy)]
pub struct Kem {
    /// Bytes of a ciphertext for this public key.
    pub ciphertext_len: fn(&Key) -> Result<usize>,
    /// C_EncapsulateKey.
    pub encapsulate: Encapsulate,
    /// C_DecapsulateKey.
    pub decapsulate: Decapsulate,
    /// Whether the keys of altered ciphertexts are not related to each other in a way that the caller knows.
    pub hides: bool,
}
