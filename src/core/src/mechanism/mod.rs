//! The mechanism registry. A mechanism is one row: its name, sizes, parameter, and the functions that
//! make its engines. Lists, flags, checks and CKO_MECHANISM objects are read off the rows; nothing else
//! in the program switches on a mechanism's number.

#[macro_use]
mod row;
pub mod aead;
mod aes;
mod block;
mod chacha;
mod collect;
pub mod derive;
mod digest;
mod ec;
mod edwards;
pub mod engine;
mod hash;
pub mod hotp;
pub mod kem;
pub mod key;
mod mac;
pub mod message;
pub mod parameter;
mod password;
mod pq;
mod raw_rsa;
mod rsa;
mod scheme;
mod secret;
#[cfg(test)]
mod tests;
pub mod wrapping;

pub use parameter::{Mechanism, Parameter, Salt, Shape};
pub use row::{Group, PublicHalf, Row, lookup, named, rows};

/// Bytes of a digest, by the CKM_ of the hash function.
pub(crate) fn hash_len(mechanism: u64) -> Option<usize> {
    hash::any(mechanism).map(hash::Hash::len)
}

/// OpenSSL failed where no input of the caller can be the reason.
pub(crate) fn failed(error: sealhsm_crypto::Error) -> crate::Error {
    log::error!("OpenSSL: {error}; this is a bug or a lack of memory, please report it");
    crate::Error::General
}
