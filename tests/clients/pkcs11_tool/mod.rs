//! pkcs11-tool (OpenSC).

mod keys;
mod objects;
mod own_tests;
mod signatures;
mod token;

pub use token::softhsm;
