//! The private OpenSSL: the only crate that names it. Keys, ciphers, digests, derivation, random.
//! It knows nothing of PKCS#11 or of files.

pub mod aead;
pub mod agree;
pub mod ccm;
pub mod cipher;
pub mod curve;
pub mod der;
pub mod digest;
pub mod dl;
pub mod ecdsa;
mod error;
pub mod fork;
pub mod hchacha;
mod heap;
pub mod import;
mod init;
pub mod kdf;
pub mod kem;
pub mod keywrap;
pub mod mac;
pub mod operation;
mod params;
pub mod pkey;
pub mod pq;
pub mod random;
pub mod rsa;
mod scalar;
pub mod x25519;

pub use error::{Error, Result};
pub use init::init;
