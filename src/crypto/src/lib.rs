//! The private OpenSSL: the only crate that names it. Keys, ciphers, digests, derivation, random.
//! It knows nothing of PKCS#11 or of files.

pub mod aead;
mod error;
mod heap;
mod init;
pub mod kdf;
pub mod random;
pub mod x25519;

pub use error::{Error, Result};
pub use init::init;
