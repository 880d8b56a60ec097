//! Keys under keys: what a mechanism needs to wrap and unwrap them, one file per way. Here are bytes only; which key
//! may be wrapped under which, and what an unwrapped one becomes, is decided in `application::wrap`.

pub(super) mod aes;
pub(super) mod ec;
pub(super) mod encrypted;
pub(super) mod rsa;

use super::engine::Sink;
use super::key::Key;
use super::{Parameter, Row};
use crate::{Error, Result};
use sealhsm_secret::Secret;
use std::sync::Arc;

/// Plaintext to wrapped key, and how many bytes it has. `DataLenRange`: too long, or no length that this way can hold.
pub type Wrap = fn(&Row, &Arc<Key>, &Parameter<'_>, &[u8], Sink<'_>) -> Result<usize>;
/// The reverse. `EncryptedDataLenRange` by the length alone, `EncryptedDataInvalid` for all that is wrong inside.
pub type Unwrap = fn(&Row, &Arc<Key>, &Parameter<'_>, &[u8], &Wanted) -> Result<Secret>;

/// Gives out a wrapped key that was made elsewhere.
fn put(wrapped: &[u8], out: Sink<'_>) -> Result<usize> {
    if let Some(out) = out {
        out.get_mut(..wrapped.len()).ok_or(Error::BufferTooSmall(wrapped.len()))?.copy_from_slice(wrapped);
    }
    Ok(wrapped.len())
}

/// How a mechanism wraps.
#[derive(Clone, Copy)]
pub struct Wrapping {
    /// What it can hold.
    pub holds: Holds,
    /// Whether unwrapping something that was not wrapped fails, and tells nothing about the unwrapping key's
    /// plaintexts: no padding to probe, no part of a wrapped key that opens by itself. Only such a way may hold a
    /// sensitive key.
    pub sealed: fn(&Parameter<'_>) -> bool,
    /// C_WrapKey.
    pub wrap: Wrap,
    /// C_UnwrapKey.
    pub unwrap: Unwrap,
}

/// The keys that can be wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Secret keys, as their value.
    Secrets,
    /// Secret keys, and private keys as PKCS #8.
    Keys,
}

/// What is known of a key before its value is.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// CKO_.
    pub class: u64,
    /// CKK_.
    pub key_type: u64,
    /// CKA_VALUE_LEN in bytes, where the template says it.
    pub len: Option<usize>,
}
