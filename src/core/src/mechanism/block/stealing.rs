//! CBC with ciphertext stealing, CS1 of the addendum to NIST SP 800-38A: as long as the plaintext, with the shortened
//! block next to last. Whole blocks come out as in CBC.

use super::{Algorithm, MAX_BLOCK, Mode};
use crate::mechanism::engine::Cipher;
use crate::mechanism::key::Key;
use crate::mechanism::{Parameter, failed};
use crate::{Error, Result};
use sealhsm_crypto::cipher::{Context, Direction};
use sealhsm_secret::Wipe;

const BLOCK: usize = MAX_BLOCK;

/// A keyed cipher with blocks of 16 bytes.
pub struct Stealing {
    cbc: Context,
    direction: Direction,
    /// The end of the input so far: the last whole block and what comes after it, or two whole blocks.
    held: [u8; 2 * BLOCK],
    len: usize,
    /// The ciphertext before `held`: the IV, or the last block that went through.
    before: [u8; BLOCK],
}

impl Stealing {
    /// With a key of this cipher.
    pub fn new(algorithm: &Algorithm, key: &Key, direction: Direction) -> Result<Self> {
        let cbc = algorithm.keyed(key, Mode::Cbc, direction)?;
        Ok(Self { cbc, direction, held: [0; 2 * BLOCK], len: 0, before: [0; BLOCK] })
    }

    /// Bytes that go through when so many are there: more than one block, and at most two, stay.
    fn ready(all: usize) -> usize {
        all.saturating_sub(BLOCK + 1) / BLOCK * BLOCK
    }

    /// Whole blocks through the cipher.
    fn pass(&mut self, input: &[u8], output: &mut [u8]) -> Result<()> {
        if let (Direction::Decrypt, Some(last)) = (self.direction, input.last_chunk()) {
            self.before = *last;
        }
        self.cbc.update(input, output).map_err(failed).map(drop)
    }

    /// The last whole block and the shorter one after it.
    fn encrypt_end(&mut self, output: &mut [u8]) -> Result<()> {
        let short = self.len - BLOCK;
        let mut blocks = [0; 2 * BLOCK];
        self.held[self.len..].fill(0);
        self.cbc.update(&self.held, &mut blocks).map_err(failed)?;
        output[..short].copy_from_slice(&blocks[..short]);
        output[short..self.len].copy_from_slice(&blocks[BLOCK..]);
        Ok(())
    }

    fn decrypt_end(&mut self, output: &mut [u8]) -> Result<()> {
        let short = self.len - BLOCK;
        let (mut stolen, mut plain) = ([0; BLOCK], [0; BLOCK]);
        // With zeros for the block before: the bare decryption of the last block.
        self.cbc.restart(&[0; BLOCK]).map_err(failed)?;
        self.cbc.update(&self.held[short..self.len], &mut stolen).map_err(failed)?;
        let mut whole = stolen;
        whole[..short].copy_from_slice(&self.held[..short]);
        self.cbc.restart(&self.before).map_err(failed)?;
        self.cbc.update(&whole, &mut plain).map_err(failed)?;
        output[..BLOCK].copy_from_slice(&plain);
        for (at, to) in output[BLOCK..self.len].iter_mut().enumerate() {
            *to = stolen[at] ^ self.held[at];
        }
        stolen.wipe();
        plain.wipe();
        Ok(())
    }
}

impl Cipher for Stealing {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        let iv = parameter.bytes(BLOCK)?;
        self.before.copy_from_slice(iv);
        self.len = 0;
        self.cbc.restart(iv).map_err(failed)
    }

    fn output_len(&self, input: usize, last: bool) -> usize {
        let all = self.len.saturating_add(input);
        if last { all } else { Self::ready(all) }
    }

    fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        let all = self.len + input.len();
        let ready = Self::ready(all);
        let (mut input, mut written) = (input, 0);
        if ready > 0 && self.len > 0 {
            // What is held goes first, its last block filled up from the input.
            let whole = self.len.next_multiple_of(BLOCK);
            let (fill, rest) = input.split_at(whole - self.len);
            self.held[self.len..whole].copy_from_slice(fill);
            input = rest;
            written = whole.min(ready);
            let mut held = self.held;
            self.pass(&held[..written], &mut output[..written])?;
            held.wipe();
            self.held.copy_within(written.., 0);
            self.len = whole - written;
        }
        let (now, later) = input.split_at(ready - written);
        if !now.is_empty() {
            self.pass(now, &mut output[written..ready])?;
        }
        self.held[self.len..self.len + later.len()].copy_from_slice(later);
        self.len += later.len();
        Ok(ready)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        let len = self.len;
        if len < BLOCK {
            return Err(match self.direction {
                Direction::Encrypt => Error::DataLenRange,
                Direction::Decrypt => Error::EncryptedDataLenRange,
            });
        }
        let mut held = self.held;
        match (len % BLOCK, self.direction) {
            (0, _) => self.pass(&held[..len], &mut output[..len])?,
            (_, Direction::Encrypt) => self.encrypt_end(output)?,
            (_, Direction::Decrypt) => self.decrypt_end(output)?,
        }
        held.wipe();
        self.len = 0;
        Ok(len)
    }

    fn forget(&mut self, _: bool) -> Result<()> {
        self.held.wipe();
        self.cbc.forget().map_err(failed)
    }
}

impl Drop for Stealing {
    fn drop(&mut self) {
        self.held.wipe();
    }
}
