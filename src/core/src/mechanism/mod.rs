//! The mechanism registry. A mechanism is one row: its name, sizes, parameter, and the functions that
//! make its engines. Lists, flags, checks and CKO_MECHANISM objects are read off the rows; nothing else
//! in the program switches on a mechanism's number.

#[macro_use]
mod row;
mod aes;
mod block;
mod chacha;
pub mod derive;
mod dh;
mod digest;
mod dsa;
mod ec;
mod edwards;
pub mod engine;
mod gcm;
mod hash;
pub mod key;
mod mac;
pub mod parameter;
mod password;
mod pq;
mod rsa;
mod scheme;
mod secret;
#[cfg(test)]
mod tests;
mod two_numbers;
pub mod wrapping;

pub use parameter::{Mechanism, Parameter, Salt, Shape};
pub use row::{Group, Row, lookup, rows};

/// OpenSSL failed where no input of the caller can be the reason.
pub(crate) fn failed(error: sealhsm_crypto::Error) -> crate::Error {
    log::error!("OpenSSL: {error}; this is a bug or a lack of memory, please report it");
    crate::Error::General
}
