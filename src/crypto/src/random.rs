//! OpenSSL's random generators, seeded by the system.
#![allow(unsafe_code)]

use crate::{Result, init};
use openssl::rand;

/// Fills `out` with bytes that may become known: IVs, UUIDs, C_GenerateRandom.
pub fn public(out: &mut [u8]) -> Result<()> {
    init()?;
    Ok(rand::rand_bytes(out)?)
}

/// Fills `out` with bytes that must stay secret: keys.
pub fn private(out: &mut [u8]) -> Result<()> {
    init()?;
    Ok(rand::rand_priv_bytes(out)?)
}

/// Mixes `seed` into the generators; it is not counted as entropy.
pub fn mix(seed: &[u8]) {
    if init().is_err() {
        return;
    }
    for part in seed.chunks(1 << 20) {
        // SAFETY: a live buffer of that length, which fits a c_int; 0.0: no entropy is credited.
        unsafe { openssl_sys::RAND_add(part.as_ptr().cast(), part.len() as libc::c_int, 0.0) };
    }
}
