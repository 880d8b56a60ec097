//! Galois/Counter Mode (NIST SP 800-38D). Encryption writes as it goes, the tag at the end; decryption writes
//! nothing before the tag was found right, so a message in parts is collected as ciphertext.

use super::engine::Cipher;
use super::key::Key;
use super::{Parameter, failed};
use crate::{Error, Result};
use sealhsm_crypto::cipher::{Context, Direction};
use std::ffi::CStr;
use zeroize::Zeroize;

/// The longest plaintext: 2^39 - 256 bits.
const MAX_PLAIN: u64 = (1 << 36) - 32;
/// The longest ciphertext that is collected.
const MAX_COLLECTED: usize = 1 << 30;
/// OpenSSL's limit for IVs.
const MAX_IV: usize = 128;

/// Sets IV and associated data; says how many bytes the tag has.
pub(super) fn begin(context: &mut Context, parameter: &Parameter<'_>) -> Result<usize> {
    let Parameter::Gcm { iv, aad, tag_bits } = parameter else { return Err(Error::MechanismParamInvalid) };
    let tag = match tag_bits {
        32 | 64 | 96 | 104 | 112 | 120 | 128 => *tag_bits as usize / 8,
        _ => return Err(Error::MechanismParamInvalid),
    };
    if !(1..=MAX_IV).contains(&iv.len()) {
        return Err(Error::MechanismParamInvalid);
    }
    context.restart(iv).map_err(failed)?;
    if !aad.is_empty() {
        context.associate(aad).map_err(failed)?;
    }
    Ok(tag)
}

/// Encrypting.
pub struct Seal {
    context: Context,
    tag: usize,
    taken: u64,
}

impl Seal {
    /// `name` in OpenSSL's words.
    pub fn new(name: &CStr, key: &Key) -> Result<Self> {
        let context = Context::new(name, key.secret()?.as_ref(), Direction::Encrypt, false).map_err(failed)?;
        Ok(Self { context, tag: 0, taken: 0 })
    }
}

impl Cipher for Seal {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.taken = 0;
        self.tag = begin(&mut self.context, parameter)?;
        Ok(())
    }

    fn output_len(&self, input: usize, last: bool) -> usize {
        if last { input.saturating_add(self.tag) } else { input }
    }

    fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        self.taken = self.taken.saturating_add(input.len() as u64);
        if self.taken > MAX_PLAIN {
            return Err(Error::DataLenRange);
        }
        self.context.update(input, output).map_err(failed)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        self.context.finish(&mut []).map_err(failed)?;
        self.context.tag(&mut output[..self.tag]).map_err(failed)?;
        Ok(self.tag)
    }
}

/// Decrypting.
pub struct Open {
    context: Context,
    tag: usize,
    /// Ciphertext and tag so far.
    sealed: Vec<u8>,
}

impl Open {
    /// `name` in OpenSSL's words.
    pub fn new(name: &CStr, key: &Key) -> Result<Self> {
        let context = Context::new(name, key.secret()?.as_ref(), Direction::Decrypt, false).map_err(failed)?;
        Ok(Self { context, tag: 0, sealed: Vec::new() })
    }
}

impl Cipher for Open {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.sealed = Vec::new();
        self.tag = begin(&mut self.context, parameter)?;
        Ok(())
    }

    fn output_len(&self, input: usize, last: bool) -> usize {
        if last { self.sealed.len().saturating_add(input).saturating_sub(self.tag) } else { 0 }
    }

    fn update(&mut self, input: &[u8], _: &mut [u8]) -> Result<usize> {
        if input.len() > MAX_COLLECTED - self.sealed.len() {
            return Err(Error::TokenResourceExceeded);
        }
        self.sealed.try_reserve(input.len()).map_err(|_| Error::HostMemory)?;
        self.sealed.extend_from_slice(input);
        Ok(0)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        let sealed = std::mem::take(&mut self.sealed);
        self.once(&sealed, output)
    }

    fn once(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        let len = input.len().checked_sub(self.tag).ok_or(Error::EncryptedDataLenRange)?;
        if len as u64 > MAX_PLAIN {
            return Err(Error::EncryptedDataLenRange);
        }
        let (body, tag) = input.split_at(len);
        let plain = &mut output[..len];
        let opened = self
            .context
            .expect_tag(tag)
            .and_then(|()| self.context.update(body, plain))
            .and_then(|_| self.context.finish(&mut []));
        if opened.is_err() {
            plain.zeroize();
            return Err(Error::EncryptedDataInvalid);
        }
        Ok(len)
    }
}
