//! HMAC (RFC 2104) with a kept, keyed context (EVP_MAC_CTX).
#![allow(unsafe_code)]

use crate::digest::Algorithm;
use crate::params::Params;
use crate::{Error, Result, init};
use openssl::error::ErrorStack;
use openssl_sys as ffi;
use std::ptr;

/// A keyed HMAC.
pub struct Hmac {
    context: *mut ffi::EVP_MAC_CTX,
    len: usize,
}

// SAFETY: the context has no tie to a thread; it is used through `&mut` only.
unsafe impl Send for Hmac {}

impl Hmac {
    /// Begun and ready for data.
    pub fn new(algorithm: &Algorithm, key: &[u8]) -> Result<Self> {
        init()?;
        // SAFETY: a terminated name; null is the default library context and no properties.
        let mac = unsafe { ffi::EVP_MAC_fetch(ptr::null_mut(), c"HMAC".as_ptr(), ptr::null()) };
        if mac.is_null() {
            return Err(ErrorStack::get().into());
        }
        // SAFETY: fetched above; the context takes a reference of its own.
        let context = unsafe { ffi::EVP_MAC_CTX_new(mac) };
        // SAFETY: fetched above, not used again.
        unsafe { ffi::EVP_MAC_free(mac) };
        if context.is_null() {
            return Err(ErrorStack::get().into());
        }
        let new = Self { context, len: algorithm.len };
        let mut params = Params::new().text(c"digest", algorithm.name());
        // SAFETY: a live context, a key of the given length, a terminated list that lives in `params`.
        check(unsafe { ffi::EVP_MAC_init(new.context, key.as_ptr(), key.len(), params.as_mut_ptr()) == 1 })?;
        Ok(new)
    }

    /// Begins again under the same key.
    pub fn restart(&mut self) -> Result<()> {
        // SAFETY: a live context; a null key keeps the present one.
        check(unsafe { ffi::EVP_MAC_init(self.context, ptr::null(), 0, ptr::null()) == 1 })
    }

    /// Takes data.
    pub fn update(&mut self, data: &[u8]) -> Result<()> {
        // SAFETY: a live context and `data.len()` bytes.
        check(unsafe { ffi::EVP_MAC_update(self.context, data.as_ptr(), data.len()) == 1 })
    }

    /// Writes the MAC, as long as the digest, to the start of `out`.
    pub fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        if out.len() < self.len {
            return Err(Error::from("an output buffer that is too short"));
        }
        let mut length = 0;
        // SAFETY: a live context; no more than `out.len()` bytes are written.
        check(unsafe { ffi::EVP_MAC_final(self.context, out.as_mut_ptr(), &mut length, out.len()) == 1 })
    }
}

impl Drop for Hmac {
    fn drop(&mut self) {
        // SAFETY: ours alone.
        unsafe { ffi::EVP_MAC_CTX_free(self.context) }
    }
}

/// Whether two MACs are the same, in a time that depends on their lengths only.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && openssl::memcmp::eq(a, b)
}

fn check(ok: bool) -> Result<()> {
    // Taking the stack empties the thread's queue, so that nothing is left for a later call to find.
    if ok { Ok(()) } else { Err(ErrorStack::get().into()) }
}
