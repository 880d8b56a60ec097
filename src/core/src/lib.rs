//! PKCS#11 in safe Rust: slots, tokens, sessions, objects, attribute rules, operations, mechanisms.
//! It has never heard of pointers or of C; files, keyslots and the TPM are the rings below.

pub mod application;
pub mod attribute;
pub mod config;
mod error;
mod fork;
pub mod mechanism;
mod numbered;
mod object;
mod session;
mod shared;
mod token;

pub use application::Application;
pub use error::{Error, Result};
pub use fork::Forking;
