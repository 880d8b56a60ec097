//! Message digests: the table of algorithms, and a context that is begun again instead of made again.
#![allow(unsafe_code)]

use crate::params::Params;
use crate::{Error, Result, init};
use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::error::ErrorStack;
use openssl::md::{Md, MdRef};
use openssl::md_ctx::MdCtx;
use openssl_sys as ffi;
use sealhsm_secret::Secret;
use std::ffi::{CStr, c_int};
use std::ptr;
use std::sync::OnceLock;

unsafe extern "C" {
    fn EVP_DigestInit_ex2(ctx: *mut ffi::EVP_MD_CTX, md: *const ffi::EVP_MD, params: *const ffi::OSSL_PARAM) -> c_int;
}

/// The longest digest in bytes.
pub const MAX_LEN: usize = 64;

/// A digest algorithm; fetched from the provider once per process.
pub struct Algorithm {
    name: &'static CStr,
    /// Length of the digest in bytes.
    pub len: usize,
    form: Form,
    fetched: OnceLock<Md>,
}

/// Where the length of a digest comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The algorithm.
    Fixed,
    /// There are several lengths, and the algorithm is told which when it begins.
    Sized,
    /// It has any length; the algorithm's is what is taken.
    Extendable,
}

impl Algorithm {
    const fn new(name: &'static CStr, len: usize) -> Self {
        Self { name, len, form: Form::Fixed, fetched: OnceLock::new() }
    }

    const fn of_size(name: &'static CStr, len: usize) -> Self {
        Self { name, len, form: Form::Sized, fetched: OnceLock::new() }
    }

    const fn extendable(name: &'static CStr, len: usize) -> Self {
        Self { name, len, form: Form::Extendable, fetched: OnceLock::new() }
    }

    /// Whether OpenSSL's name is not enough to say which algorithm this is.
    pub(crate) fn is_sized(&self) -> bool {
        self.form == Form::Sized
    }

    /// OpenSSL's name of it.
    pub(crate) fn name(&self) -> &'static CStr {
        self.name
    }

    pub(crate) fn md(&self) -> Result<&MdRef> {
        if let Some(md) = self.fetched.get() {
            return Ok(md);
        }
        init()?;
        let name = self.name.to_str().map_err(|_| crate::Error::from("a name that is not UTF-8"))?;
        let md = Md::fetch(None, name, None)?;
        Ok(self.fetched.get_or_init(|| md))
    }
}

/// MD5 (RFC 1321), for old data only.
pub static MD5: Algorithm = Algorithm::new(c"MD5", 16);
/// SHA-1 (FIPS 180-4).
pub static SHA1: Algorithm = Algorithm::new(c"SHA1", 20);
/// SHA-224.
pub static SHA224: Algorithm = Algorithm::new(c"SHA2-224", 28);
/// SHA-256.
pub static SHA256: Algorithm = Algorithm::new(c"SHA2-256", 32);
/// SHA-384.
pub static SHA384: Algorithm = Algorithm::new(c"SHA2-384", 48);
/// SHA-512.
pub static SHA512: Algorithm = Algorithm::new(c"SHA2-512", 64);
/// SHA-512/224.
pub static SHA512_224: Algorithm = Algorithm::new(c"SHA2-512/224", 28);
/// SHA-512/256.
pub static SHA512_256: Algorithm = Algorithm::new(c"SHA2-512/256", 32);
/// SHA3-224 (FIPS 202).
pub static SHA3_224: Algorithm = Algorithm::new(c"SHA3-224", 28);
/// SHA3-256.
pub static SHA3_256: Algorithm = Algorithm::new(c"SHA3-256", 32);
/// SHA3-384.
pub static SHA3_384: Algorithm = Algorithm::new(c"SHA3-384", 48);
/// SHA3-512.
pub static SHA3_512: Algorithm = Algorithm::new(c"SHA3-512", 64);
/// SHAKE128 with twice its security strength for an output (FIPS 202; FIPS 204 section 5.4.1).
pub static SHAKE128: Algorithm = Algorithm::extendable(c"SHAKE-128", 32);
/// SHAKE256 likewise.
pub static SHAKE256: Algorithm = Algorithm::extendable(c"SHAKE-256", 64);
/// RIPEMD-160 (ISO/IEC 10118-3), for old data only.
pub static RIPEMD160: Algorithm = Algorithm::new(c"RIPEMD-160", 20);
/// BLAKE2b (RFC 7693) without a key, of 20 bytes.
pub static BLAKE2B_160: Algorithm = Algorithm::of_size(BLAKE2B, 20);
/// BLAKE2b of 32 bytes.
pub static BLAKE2B_256: Algorithm = Algorithm::of_size(BLAKE2B, 32);
/// BLAKE2b of 48 bytes.
pub static BLAKE2B_384: Algorithm = Algorithm::of_size(BLAKE2B, 48);
/// BLAKE2b of 64 bytes.
pub static BLAKE2B_512: Algorithm = Algorithm::of_size(BLAKE2B, 64);
const BLAKE2B: &CStr = c"BLAKE2B-512";

/// Bytes of a block of BLAKE2b.
pub(crate) const BLAKE2B_BLOCK: usize = 128;

/// A digest at work.
pub struct Context {
    context: MdCtx,
    algorithm: &'static Algorithm,
    /// OpenSSL has been told the algorithm and, where there are several, the length.
    begun: bool,
}

impl Context {
    /// A begun digest.
    pub fn new(algorithm: &'static Algorithm) -> Result<Self> {
        init()?;
        let mut new = Self { context: MdCtx::new()?, algorithm, begun: false };
        new.restart()?;
        Ok(new)
    }

    /// Forgets all input.
    pub fn restart(&mut self) -> Result<()> {
        let md = self.algorithm.md()?;
        let length = (self.algorithm.len as u32).to_be_bytes();
        let mut params =
            (self.algorithm.form == Form::Sized && !self.begun).then(|| Params::new().number(c"size", &length));
        let params = params.as_mut().map_or(ptr::null(), |params| params.as_mut_ptr().cast_const());
        // SAFETY: live context and algorithm; null, or a terminated list that lives in `params`.
        check(unsafe { EVP_DigestInit_ex2(self.context.as_ptr(), md.as_ptr(), params) == 1 })?;
        self.begun = true;
        Ok(())
    }

    /// Another one with the same input so far.
    pub fn duplicate(&self) -> Result<Self> {
        let mut new = Self { context: MdCtx::new()?, algorithm: self.algorithm, begun: self.begun };
        new.become_like(self)?;
        Ok(new)
    }

    /// Takes over all input of another one of the same algorithm.
    pub(crate) fn become_like(&mut self, other: &Self) -> Result<()> {
        // SAFETY: live contexts; the copied one is only read.
        check(unsafe { ffi::EVP_MD_CTX_copy_ex(self.context.as_ptr(), other.context.as_ptr()) == 1 })
    }

    /// Takes input.
    pub fn update(&mut self, data: &[u8]) -> Result<()> {
        Ok(self.context.digest_update(data)?)
    }

    /// Writes the digest and says how long it is; then only [`Context::restart`] makes sense.
    pub fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        let len = self.algorithm.len;
        let out = out.get_mut(..len).ok_or_else(|| Error::from("no room for a digest"))?;
        let mut written = 0;
        // SAFETY: a live context, begun by `restart`; a digest is as long as its algorithm says, and `out` as the digest.
        // Unlike EVP_DigestFinal this one leaves the context in place, to be begun again.
        check(unsafe {
            match self.algorithm.form {
                Form::Extendable => ffi::EVP_DigestFinalXOF(self.context.as_ptr(), out.as_mut_ptr(), len) == 1,
                _ => ffi::EVP_DigestFinal_ex(self.context.as_ptr(), out.as_mut_ptr(), &mut written) == 1,
            }
        })?;
        Ok(len)
    }

    /// Which one this is.
    pub fn algorithm(&self) -> &'static Algorithm {
        self.algorithm
    }
}

fn check(ok: bool) -> Result<()> {
    if ok { Ok(()) } else { Err(ErrorStack::get().into()) }
}

/// The digest of `data`, in the first `algorithm.len` bytes.
pub fn once(algorithm: &'static Algorithm, data: &[u8]) -> Result<[u8; MAX_LEN]> {
    let mut out = [0; MAX_LEN];
    let mut context = Context::new(algorithm)?;
    context.update(data)?;
    context.finish(&mut out)?;
    Ok(out)
}

/// The first `len` bytes of output of an extendable function for `data`.
pub fn extended(algorithm: &'static Algorithm, data: &[u8], len: usize) -> Result<Secret> {
    if algorithm.form != Form::Extendable {
        return Err(Error::from("a digest of one length"));
    }
    let mut context = Context::new(algorithm)?;
    context.update(data)?;
    let mut out = Secret::zeroed(len);
    context.context.digest_final_xof(out.as_mut())?;
    Ok(out)
}
