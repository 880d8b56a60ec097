//! The engine of block ciphers in the modes of NIST SP 800-38A that OpenSSL has.

use super::Algorithm;
use crate::mechanism::engine::Cipher;
use crate::mechanism::key::Key;
use crate::mechanism::{Parameter, failed};
use crate::{Error, Result};
use sealhsm_crypto::cipher::{Context, Direction};
use sealhsm_secret::Wipe;

/// The mode, which decides the parameter and what lengths are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// No parameter, whole blocks.
    Ecb,
    /// An IV, whole blocks.
    Cbc,
    /// An IV, any length of plaintext, PKCS#7 padding.
    CbcPad,
    /// A counter block of 16 bytes, any length that does not use up the counter.
    Ctr,
    /// An IV, any length.
    Ofb,
    /// An IV, any length; feeds back whole blocks.
    Cfb,
    /// The same, feeding back bits. Data are whole bytes here too.
    Cfb1,
    /// The same, feeding back bytes.
    Cfb8,
}

impl Mode {
    /// OpenSSL's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Ecb => "ECB",
            Mode::Cbc | Mode::CbcPad => "CBC",
            Mode::Ctr => "CTR",
            Mode::Ofb => "OFB",
            Mode::Cfb => "CFB",
            Mode::Cfb1 => "CFB1",
            Mode::Cfb8 => "CFB8",
        }
    }
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
    /// With a key of this cipher.
    pub fn new(algorithm: &Algorithm, key: &Key, mode: Mode, direction: Direction) -> Result<Self> {
        Ok(Self::over(algorithm.keyed(key, mode, direction)?, mode, direction, algorithm.block))
    }

    /// A context that was keyed for this mode and direction; `block` in bytes.
    pub fn over(context: Context, mode: Mode, direction: Direction, block: usize) -> Self {
        Self { context, mode, direction, block, taken: 0, limit: u64::MAX }
    }

    /// Another one in the middle of the same work.
    pub fn copy(&self) -> Result<Self> {
        let context = self.context.duplicate().map_err(failed)?;
        Ok(Block { context, taken: self.taken, limit: self.limit, ..*self })
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
        let whole = self.taken & (self.block as u64 - 1) == 0;
        match (self.mode, self.direction) {
            (Mode::Ecb | Mode::Cbc, _) => whole,
            // There is always a block of padding.
            (Mode::CbcPad, Direction::Decrypt) => whole && self.taken > 0,
            _ => true,
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
            (Mode::Ctr, Parameter::AesCtr { bits, block }) => {
                self.limit = counter_room(*bits, block)?;
                counter = *block;
                &counter
            }
            (Mode::Ecb | Mode::Ctr, _) => return Err(Error::MechanismParamInvalid),
            (_, parameter) => parameter.bytes(self.block)?,
        };
        self.context.restart(iv).map_err(failed)
    }

    fn forget(&mut self, output: bool) -> Result<()> {
        // What the next block is chained to: ciphertext, or the key stream, which tells the text of its ciphertext.
        let told = match self.mode {
            Mode::Ecb => false,
            Mode::Ctr | Mode::Ofb => true,
            _ => output && self.direction == Direction::Encrypt,
        };
        if told { self.context.forget() } else { self.context.forget_text() }.map_err(failed)
    }

    fn duplicate(&self) -> Result<Box<dyn Cipher>> {
        Ok(Box::new(self.copy()?))
    }

    fn output_len(&self, input: usize, last: bool) -> usize {
        match (self.mode, self.direction) {
            (Mode::CbcPad, Direction::Encrypt) if last => self.context.ready(input).saturating_add(self.block),
            (Mode::CbcPad, Direction::Decrypt) if last => self.context.held().saturating_add(input),
            _ => self.context.ready(input),
        }
    }

    fn least_len(&self, input: usize) -> usize {
        let most = self.output_len(input, true);
        let padded = self.mode == Mode::CbcPad && self.direction == Direction::Decrypt;
        if padded { most.saturating_sub(self.block) } else { most }
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
            output[..written].wipe();
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
