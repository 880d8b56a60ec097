//! Signature schemes, and the three ways in which data reaches one: given whole and as it is, hashed on the way, or
//! collected until the end. A scheme is set up for signing or for verifying; it does not know how its data came.

use super::collect::{self, Collector};
use super::engine::{Signer, Verifier};
use super::hash::Hash;
use super::{Parameter, failed};
use crate::{Error, Result};
use sealhsm_crypto::digest::{Algorithm, Context, MAX_LEN};

/// What turns data or a digest into a signature.
pub trait Scheme: Send {
    /// Checks the parameter and sets it up.
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()>;
    /// What is hashed before the data, where data is hashed on the way; known once it is set up.
    fn preamble(&self) -> &[u8] {
        &[]
    }
    /// Bytes of a signature.
    fn signature_len(&self) -> usize;
    /// Whether a signature of this many bytes can be right.
    fn fits(&self, signature_len: usize) -> bool {
        signature_len == self.signature_len()
    }
    /// Signs; says how long the signature is.
    fn sign(&mut self, data: &[u8], signature: &mut [u8]) -> Result<usize>;
    /// `SignatureLenRange` or `SignatureInvalid` if it is not right.
    fn verify(&mut self, data: &[u8], signature: &[u8]) -> Result<()>;
}

/// Data given whole: single-part only.
pub struct Direct<S>(pub S);

impl<S: Scheme> Signer for Direct<S> {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.0.start(parameter)
    }
    fn again(&mut self) -> Result<()> {
        Ok(())
    }
    fn signature_len(&self) -> usize {
        self.0.signature_len()
    }
    fn update(&mut self, _: &[u8]) -> Result<()> {
        Err(Error::FunctionNotSupported)
    }
    fn finish(&mut self, _: &mut [u8]) -> Result<usize> {
        Err(Error::FunctionNotSupported)
    }
    fn once(&mut self, data: &[u8], output: &mut [u8]) -> Result<usize> {
        self.0.sign(data, output)
    }
    fn multi_part(&self) -> bool {
        false
    }
}

impl<S: Scheme> Verifier for Direct<S> {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.0.start(parameter)
    }
    fn again(&mut self) -> Result<()> {
        Ok(())
    }
    fn fits(&self, signature_len: usize) -> bool {
        self.0.fits(signature_len)
    }
    fn update(&mut self, _: &[u8]) -> Result<()> {
        Err(Error::FunctionNotSupported)
    }
    fn finish(&mut self, _: &[u8]) -> Result<()> {
        Err(Error::FunctionNotSupported)
    }
    fn once(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        self.0.verify(data, signature)
    }
    fn multi_part(&self) -> bool {
        false
    }
}

/// Data hashed on the way.
pub struct Hashed<S> {
    digest: Context,
    scheme: S,
}

impl<S: Scheme> Hashed<S> {
    /// The scheme gets digests of this hash.
    pub fn new(hash: &'static Hash, scheme: S) -> Result<Self> {
        Self::over(hash.algorithm, scheme)
    }

    /// The scheme gets digests by this algorithm.
    pub fn over(algorithm: &'static Algorithm, scheme: S) -> Result<Self> {
        Ok(Self { digest: Context::new(algorithm).map_err(failed)?, scheme })
    }

    fn begin(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.scheme.start(parameter)?;
        self.restart()
    }

    fn restart(&mut self) -> Result<()> {
        self.digest.restart().map_err(failed)?;
        self.digest.update(self.scheme.preamble()).map_err(failed)
    }

    fn digest(&mut self, out: &mut [u8; MAX_LEN]) -> Result<usize> {
        self.digest.finish(out).map_err(failed)
    }
}

impl<S: Scheme> Signer for Hashed<S> {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.begin(parameter)
    }
    fn again(&mut self) -> Result<()> {
        self.restart()
    }
    fn signature_len(&self) -> usize {
        self.scheme.signature_len()
    }
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.digest.update(data).map_err(failed)
    }
    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        let mut digest = [0; MAX_LEN];
        let len = self.digest(&mut digest)?;
        self.scheme.sign(&digest[..len], output)
    }
}

impl<S: Scheme> Verifier for Hashed<S> {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.begin(parameter)
    }
    fn again(&mut self) -> Result<()> {
        self.restart()
    }
    fn fits(&self, signature_len: usize) -> bool {
        self.scheme.fits(signature_len)
    }
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.digest.update(data).map_err(failed)
    }
    fn finish(&mut self, signature: &[u8]) -> Result<()> {
        let mut digest = [0; MAX_LEN];
        let len = self.digest(&mut digest)?;
        self.scheme.verify(&digest[..len], signature)
    }
}

/// Data collected until the end, for schemes that need all of it twice.
pub struct Collected<S> {
    data: Collector,
    scheme: S,
}

impl<S: Scheme> Collected<S> {
    /// Nothing collected yet.
    pub fn new(scheme: S) -> Self {
        Self { data: Collector::new(collect::MAX), scheme }
    }

    fn begin(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.data.clear();
        self.scheme.start(parameter)
    }
}

impl<S: Scheme> Signer for Collected<S> {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.begin(parameter)
    }
    fn again(&mut self) -> Result<()> {
        self.data.clear();
        Ok(())
    }
    fn signature_len(&self) -> usize {
        self.scheme.signature_len()
    }
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.data.take(data)
    }
    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        let whole = self.data.whole();
        self.scheme.sign(whole.as_ref(), output)
    }
    fn once(&mut self, data: &[u8], output: &mut [u8]) -> Result<usize> {
        self.scheme.sign(data, output)
    }
}

impl<S: Scheme> Verifier for Collected<S> {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.begin(parameter)
    }
    fn again(&mut self) -> Result<()> {
        self.data.clear();
        Ok(())
    }
    fn fits(&self, signature_len: usize) -> bool {
        self.scheme.fits(signature_len)
    }
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.data.take(data)
    }
    fn finish(&mut self, signature: &[u8]) -> Result<()> {
        let whole = self.data.whole();
        self.scheme.verify(whole.as_ref(), signature)
    }
    fn once(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        self.scheme.verify(data, signature)
    }
}
