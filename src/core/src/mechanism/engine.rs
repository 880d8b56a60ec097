//! What a running operation is made of. An engine is made once per key ("keyed"), then started with a
//! parameter and used; a key keeps engines that ended well and hands them out again, so that the next
//! operation only sets a new IV. Outputs go straight into the caller's buffer.

use super::Parameter;
use crate::{Error, Result};

/// Where output goes: `None` asks for the length only and changes no state; a buffer that is too short gives
/// `BufferTooSmall(needed)` and changes no state either.
pub type Sink<'a> = Option<&'a mut [u8]>;

/// Encryption or decryption.
pub trait Cipher: Send {
    /// Begins an operation; also after an earlier one ended in any way.
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()>;
    /// Exactly what `update` of `input` more bytes writes, or with `last` an upper bound of what `input` more bytes and
    /// `finish` can write together.
    fn output_len(&self, input: usize, last: bool) -> usize;
    /// The least that `input` more bytes and `finish` can write together. Where it is less than that bound, only the
    /// work itself tells; so `once` can be called again, or the engine has a `duplicate`.
    fn least_len(&self, input: usize) -> usize {
        self.output_len(input, true)
    }
    /// Takes input, writes what is ready; `output` holds at least `output_len(input, false)` bytes.
    fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize>;
    /// Writes the rest (padding, tag); `output` holds at least `output_len(0, true)` bytes.
    fn finish(&mut self, output: &mut [u8]) -> Result<usize>;
    /// All of it in one call; `output` holds at least `output_len(input.len(), true)` bytes.
    /// On an error nothing of the plaintext stays in `output`.
    fn once(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        let n = self.update(input, output)?;
        Ok(n + self.finish(&mut output[n..])?)
    }
    /// Leaves nothing of a text that was a key, and is wiped before this engine is. `output`: what came out of it was a
    /// key too. Then `start`.
    fn forget(&mut self, _output: bool) -> Result<()> {
        Ok(())
    }
    /// Whether several `update`s are possible (RSA: no).
    fn multi_part(&self) -> bool {
        true
    }
    /// Another one in the middle of the same work, for C_GetOperationState.
    fn duplicate(&self) -> Result<Box<dyn Cipher>> {
        Err(Error::StateUnsaveable)
    }
}

/// Signing, and MACs.
pub trait Signer: Send {
    /// Begins an operation.
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()>;
    /// Begins another operation with the parameter of the last `start`, for message after message.
    fn again(&mut self) -> Result<()> {
        Err(Error::FunctionNotSupported)
    }
    /// The exact length of the signature in bytes (an upper bound where it varies).
    fn signature_len(&self) -> usize;
    /// Takes data.
    fn update(&mut self, data: &[u8]) -> Result<()>;
    /// Writes the signature; `output` holds at least `signature_len()` bytes.
    fn finish(&mut self, output: &mut [u8]) -> Result<usize>;
    /// Data and signature in one call.
    fn once(&mut self, data: &[u8], output: &mut [u8]) -> Result<usize> {
        self.update(data)?;
        self.finish(output)
    }
    /// Whether several `update`s are possible (CKM_RSA_PKCS: no).
    fn multi_part(&self) -> bool {
        true
    }
    /// Another one in the middle of the same work, for C_GetOperationState.
    fn duplicate(&self) -> Result<Box<dyn Signer>> {
        Err(Error::StateUnsaveable)
    }
    /// The counter that has to be taken out of use, and stored, before `once` may be called.
    fn counter(&self) -> Option<Counter> {
        None
    }
    /// It was, and this is the one to use.
    fn counted(&mut self, _: u64) {}
}

/// A counter that belongs to a key.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    /// The handle of the key.
    pub object: u64,
    /// The one that the caller asks for.
    pub asked: Option<u64>,
}

/// Verifying.
pub trait Verifier: Send {
    /// Begins an operation.
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()>;
    /// Begins another operation with the parameter of the last `start`, for message after message.
    fn again(&mut self) -> Result<()> {
        Err(Error::FunctionNotSupported)
    }
    /// Takes data.
    fn update(&mut self, data: &[u8]) -> Result<()>;
    /// Whether a signature of this many bytes can be right; `finish` says `SignatureLenRange` if not.
    fn fits(&self, _signature_len: usize) -> bool {
        true
    }
    /// `SignatureInvalid`, or `SignatureLenRange` when the length alone says so.
    fn finish(&mut self, signature: &[u8]) -> Result<()>;
    /// Data and signature in one call.
    fn once(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        self.update(data)?;
        self.finish(signature)
    }
    /// Whether several `update`s are possible.
    fn multi_part(&self) -> bool {
        true
    }
    /// Another one in the middle of the same work, for C_GetOperationState.
    fn duplicate(&self) -> Result<Box<dyn Verifier>> {
        Err(Error::StateUnsaveable)
    }
}

/// Getting out of a signature what was signed; single-part only.
pub trait Recoverer: Send {
    /// Begins an operation.
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()>;
    /// An upper bound of what was signed, in bytes.
    fn data_len(&self) -> usize;
    /// Writes what was signed; `output` holds at least `data_len()` bytes. `SignatureLenRange` or `SignatureInvalid` if
    /// the signature is not right.
    fn recover(&mut self, signature: &[u8], output: &mut [u8]) -> Result<usize>;
}

/// Digesting.
pub trait Digester: Send {
    /// Begins an operation.
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()>;
    /// Length of the digest in bytes.
    fn digest_len(&self) -> usize;
    /// Takes data.
    fn update(&mut self, data: &[u8]) -> Result<()>;
    /// Writes the digest; `output` holds at least `digest_len()` bytes.
    fn finish(&mut self, output: &mut [u8]) -> Result<usize>;
    /// Another one in the middle of the same work, for C_GetOperationState.
    fn duplicate(&self) -> Result<Box<dyn Digester>> {
        Err(Error::StateUnsaveable)
    }
}
