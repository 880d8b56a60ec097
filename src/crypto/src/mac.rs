//! MACs with a kept, keyed context: HMAC (RFC 2104) and Poly1305 (RFC 8439).
#![allow(unsafe_code)]

use crate::digest::{self, Algorithm, MAX_LEN};
use crate::params::Params;
use crate::{Error, Result, init};
use openssl::error::ErrorStack;
use openssl_sys as ffi;
use sealhsm_secret::{Secret, Wipe};
use std::ffi::CStr;
use std::ptr;

/// A MAC of OpenSSL's (EVP_MAC_CTX).
struct Context {
    context: *mut ffi::EVP_MAC_CTX,
    len: usize,
}

// SAFETY: the context has no tie to a thread; it is used through `&mut` only.
unsafe impl Send for Context {}

impl Context {
    /// Not keyed yet. `len`: bytes of the MAC.
    fn new(name: &CStr, len: usize) -> Result<Self> {
        init()?;
        // SAFETY: a terminated name; null is the default library context and no properties.
        let mac = unsafe { ffi::EVP_MAC_fetch(ptr::null_mut(), name.as_ptr(), ptr::null()) };
        if mac.is_null() {
            return Err(ErrorStack::get().into());
        }
        // SAFETY: fetched above; the context takes a reference of its own.
        let context = unsafe { ffi::EVP_MAC_CTX_new(mac) };
        // SAFETY: fetched above, not used again.
        unsafe { ffi::EVP_MAC_free(mac) };
        if context.is_null() { Err(ErrorStack::get().into()) } else { Ok(Self { context, len }) }
    }

    fn key(&mut self, key: &[u8], params: Option<Params>) -> Result<()> {
        let mut params = params;
        let params = params.as_mut().map_or(ptr::null(), |params| params.as_mut_ptr().cast_const());
        // SAFETY: a live context, a key of the given length; null, or a terminated list that lives in `params`.
        check(unsafe { ffi::EVP_MAC_init(self.context, key.as_ptr(), key.len(), params) == 1 })
    }

    fn restart(&mut self) -> Result<()> {
        // SAFETY: a live context; a null key keeps the present one.
        check(unsafe { ffi::EVP_MAC_init(self.context, ptr::null(), 0, ptr::null()) == 1 })
    }

    fn update(&mut self, data: &[u8]) -> Result<()> {
        // SAFETY: a live context and `data.len()` bytes.
        check(unsafe { ffi::EVP_MAC_update(self.context, data.as_ptr(), data.len()) == 1 })
    }

    fn duplicate(&self) -> Result<Self> {
        // SAFETY: a live context, which is only read.
        let context = unsafe { ffi::EVP_MAC_CTX_dup(self.context) };
        if context.is_null() { Err(ErrorStack::get().into()) } else { Ok(Self { context, len: self.len }) }
    }

    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        if out.len() < self.len {
            return Err(Error::from("an output buffer that is too short"));
        }
        let mut length = 0;
        // SAFETY: a live context; no more than `out.len()` bytes are written.
        check(unsafe { ffi::EVP_MAC_final(self.context, out.as_mut_ptr(), &mut length, out.len()) == 1 })
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: ours alone.
        unsafe { ffi::EVP_MAC_CTX_free(self.context) }
    }
}

/// A keyed HMAC.
pub struct Hmac(Way);

enum Way {
    OpenSsl(Context),
    Own(Box<Nested>),
}

impl Hmac {
    /// Begun and ready for data.
    pub fn new(algorithm: &'static Algorithm, key: &[u8]) -> Result<Self> {
        if algorithm.is_sized() {
            return Ok(Self(Way::Own(Box::new(Nested::new(algorithm, key)?))));
        }
        let mut context = Context::new(c"HMAC", algorithm.len)?;
        context.key(key, Some(Params::new().text(c"digest", algorithm.name())))?;
        Ok(Self(Way::OpenSsl(context)))
    }

    /// Begins again under the same key.
    pub fn restart(&mut self) -> Result<()> {
        match &mut self.0 {
            Way::OpenSsl(context) => context.restart(),
            Way::Own(nested) => nested.work.become_like(&nested.inner),
        }
    }

    /// Takes data.
    pub fn update(&mut self, data: &[u8]) -> Result<()> {
        match &mut self.0 {
            Way::OpenSsl(context) => context.update(data),
            Way::Own(nested) => nested.work.update(data),
        }
    }

    /// Another one with the same key and data so far.
    pub fn duplicate(&self) -> Result<Self> {
        Ok(Self(match &self.0 {
            Way::OpenSsl(context) => Way::OpenSsl(context.duplicate()?),
            Way::Own(nested) => Way::Own(Box::new(Nested {
                inner: nested.inner.duplicate()?,
                outer: nested.outer.duplicate()?,
                work: nested.work.duplicate()?,
            })),
        }))
    }

    /// Writes the MAC, as long as the digest, to the start of `out`.
    pub fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        match &mut self.0 {
            Way::OpenSsl(context) => context.finish(out),
            Way::Own(nested) => nested.finish(out),
        }
    }
}

/// HMAC over BLAKE2b of one of its lengths, which OpenSSL's has no name for: the digest after the key's inner and
/// outer block, to begin from.
struct Nested {
    inner: digest::Context,
    outer: digest::Context,
    work: digest::Context,
}

impl Nested {
    fn new(algorithm: &'static Algorithm, key: &[u8]) -> Result<Self> {
        let mut block = Secret::zeroed(digest::BLAKE2B_BLOCK);
        if key.len() > block.len() {
            let mut short = digest::once(algorithm, key)?;
            block.as_mut()[..algorithm.len].copy_from_slice(&short[..algorithm.len]);
            short.wipe();
        } else {
            block.as_mut()[..key.len()].copy_from_slice(key);
        }
        let after = |pad: u8| {
            let mut padded = block.duplicate();
            padded.as_mut().iter_mut().for_each(|byte| *byte ^= pad);
            let mut context = digest::Context::new(algorithm)?;
            context.update(padded.as_ref())?;
            Ok::<_, Error>(context)
        };
        let (inner, outer, mut work) = (after(0x36)?, after(0x5c)?, digest::Context::new(algorithm)?);
        work.become_like(&inner)?;
        Ok(Self { inner, outer, work })
    }

    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        let mut digest = [0; MAX_LEN];
        let len = self.work.finish(&mut digest)?;
        self.work.become_like(&self.outer)?;
        self.work.update(&digest[..len])?;
        digest.wipe();
        self.work.finish(out).map(drop)
    }
}

/// Poly1305. Its key is for one message only, so that there is no beginning again without it.
pub struct Poly1305 {
    context: Context,
    key: Secret,
}

impl Poly1305 {
    /// Bytes of the MAC.
    pub const LEN: usize = 16;

    /// With a key of 32 bytes; then [`Poly1305::restart`].
    pub fn new(key: &Secret) -> Result<Self> {
        Ok(Self { context: Context::new(c"POLY1305", Self::LEN)?, key: key.duplicate() })
    }

    /// Begins a message.
    pub fn restart(&mut self) -> Result<()> {
        self.context.key(self.key.as_ref(), None)
    }

    /// Takes data.
    pub fn update(&mut self, data: &[u8]) -> Result<()> {
        self.context.update(data)
    }

    /// Writes the MAC to the start of `out`.
    pub fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        self.context.finish(out)
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
