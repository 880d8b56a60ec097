//! Message digests: the table of algorithms, and a context that is begun again instead of made again.

use crate::{Result, init};
use openssl::md::{Md, MdRef};
use openssl::md_ctx::MdCtx;
use std::ffi::CStr;
use std::sync::OnceLock;

/// The longest digest in bytes.
pub const MAX_LEN: usize = 64;

/// A digest algorithm; fetched from the provider once per process.
pub struct Algorithm {
    name: &'static CStr,
    /// Length of the digest in bytes.
    pub len: usize,
    /// Its output has any length; `len` is what is taken.
    extendable: bool,
    fetched: OnceLock<Md>,
}

impl Algorithm {
    const fn new(name: &'static CStr, len: usize) -> Self {
        Self { name, len, extendable: false, fetched: OnceLock::new() }
    }

    const fn extendable(name: &'static CStr, len: usize) -> Self {
        Self { name, len, extendable: true, fetched: OnceLock::new() }
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

/// A digest at work.
pub struct Context {
    context: MdCtx,
    algorithm: &'static Algorithm,
}

impl Context {
    /// A begun digest.
    pub fn new(algorithm: &'static Algorithm) -> Result<Self> {
        let md = algorithm.md()?;
        let mut context = MdCtx::new()?;
        context.digest_init(md)?;
        Ok(Self { context, algorithm })
    }

    /// Forgets all input.
    pub fn restart(&mut self) -> Result<()> {
        Ok(self.context.digest_init(self.algorithm.md()?)?)
    }

    /// Takes input.
    pub fn update(&mut self, data: &[u8]) -> Result<()> {
        Ok(self.context.digest_update(data)?)
    }

    /// Writes the digest and says how long it is; then only [`Context::restart`] makes sense.
    pub fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        if self.algorithm.extendable {
            let out = out.get_mut(..self.algorithm.len).ok_or(crate::Error::from("no room for a digest"))?;
            self.context.digest_final_xof(out)?;
            return Ok(out.len());
        }
        Ok(self.context.digest_final(out)?)
    }

    /// Which one this is.
    pub fn algorithm(&self) -> &'static Algorithm {
        self.algorithm
    }
}

/// The digest of `data`, in the first `algorithm.len` bytes.
pub fn once(algorithm: &'static Algorithm, data: &[u8]) -> Result<[u8; MAX_LEN]> {
    let mut out = [0; MAX_LEN];
    let mut context = Context::new(algorithm)?;
    context.update(data)?;
    context.finish(&mut out)?;
    Ok(out)
}
