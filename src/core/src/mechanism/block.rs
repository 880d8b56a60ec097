//! The engine of block ciphers in ECB, CBC, CBC with PKCS#7 padding and CTR mode.

use super::engine::Cipher;
use super::key::Key;
use super::{Parameter, failed};
use crate::{Error, Result};
use sealhsm_crypto::cipher::{Context, Direction};
use std::ffi::CStr;
use zeroize::Zeroize;

/// The mode, which decides the parameter and what lengths are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// No parameter, whole blocks.
    Ecb,
    /// An IV, whole blocks.
    Cbc,
    /// An IV, any length of plaintext.
    CbcPad,
    /// A counter block of 16 bytes, any length that does not use up the counter.
    Ctr,
}

/// A keyed cipher in one mode and direction.
pub struct Block {
    context: Context,
    mode: Mode,
    direction: Direction,
    block: usize,
    /// Bytes taken.
    taken: u64,
    /// Bytes that may be taken in all.
    limit: u64,
}

impl Block {
    /// `name` in OpenSSL's words, `block` in bytes.
    pub fn new(name: &CStr, key: &Key, mode: Mode, direction: Direction, block: usize) -> Result<Self> {
        let padded = mode == Mode::CbcPad;
        let context = Context::new(name, key.secret()?.as_ref(), direction, padded).map_err(failed)?;
        Ok(Self { context, mode, direction, block, taken: 0, limit: u64::MAX })
    }

    fn length_error(&self) -> Error {
        match self.direction {
            Direction::Encrypt => Error::DataLenRange,
            Direction::Decrypt => Error::EncryptedDataLenRange,
        }
    }

    fn count(&mut self, input: usize) -> Result<()> {
        self.taken =
            self.taken.checked_add(input as u64).filter(|taken| *taken <= self.limit).ok_or(self.length_error())?;
        Ok(())
    }

    /// Whether a message may end here.
    fn complete(&self) -> bool {
        let whole = self.taken % self.block as u64 == 0;
        match (self.mode, self.direction) {
            (Mode::Ecb | Mode::Cbc, _) => whole,
            // There is always a block of padding.
            (Mode::CbcPad, Direction::Decrypt) => whole && self.taken > 0,
            (Mode::CbcPad, Direction::Encrypt) | (Mode::Ctr, _) => true,
        }
    }
}

impl Cipher for Block {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.taken = 0;
        self.limit = u64::MAX;
        let counter;
        let iv = match (self.mode, parameter) {
            (Mode::Ecb, Parameter::None) => &[][..],
            (Mode::Cbc | Mode::CbcPad, parameter) => parameter.bytes(self.block)?,
            (Mode::Ctr, Parameter::AesCtr { bits, block }) => {
                self.limit = counter_room(*bits, block)?;
                counter = *block;
                &counter
            }
            _ => return Err(Error::MechanismParamInvalid),
        };
        self.context.restart(iv).map_err(failed)
    }

    fn output_len(&self, input: usize, last: bool) -> usize {
        match (self.mode, self.direction) {
            (Mode::CbcPad, Direction::Encrypt) if last => self.context.ready(input).saturating_add(self.block),
            (Mode::CbcPad, Direction::Decrypt) if last => self.context.held().saturating_add(input),
            _ => self.context.ready(input),
        }
    }

    fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        self.count(input.len())?;
        self.context.update(input, output).map_err(failed)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        if !self.complete() {
            return Err(self.length_error());
        }
        match self.mode {
            Mode::CbcPad if self.direction == Direction::Decrypt => {
                // Only the padding can be wrong by now.
                self.context.finish(output).map_err(|_| Error::EncryptedDataInvalid)
            }
            _ => self.context.finish(output).map_err(failed),
        }
    }

    fn once(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        self.count(input.len())?;
        if !self.complete() {
            return Err(self.length_error());
        }
        let written = self.context.update(input, output).map_err(failed)?;
        let rest = self.finish(&mut output[written..]);
        if rest.is_err() {
            output[..written].zeroize();
        }
        Ok(written + rest?)
    }
}

/// How many bytes a counter in the low `bits` of the block can number: it never wraps to where it was.
fn counter_room(bits: u64, block: &[u8; 16]) -> Result<u64> {
    if !(1..=128).contains(&bits) {
        return Err(Error::MechanismParamInvalid);
    }
    let highest = u128::MAX >> (128 - bits);
    let left = highest - (u128::from_be_bytes(*block) & highest);
    let bytes = left.saturating_add(1).saturating_mul(16);
    Ok(u64::try_from(bytes).unwrap_or(u64::MAX))
}
