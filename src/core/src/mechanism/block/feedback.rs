//! Cipher and output feedback of part of a block (NIST SP 800-38A sections 6.3 and 6.4; FIPS 81 for OFB) where OpenSSL
//! has no such mode: over the bare cipher, a segment at a time.

use super::{Algorithm, MAX_BLOCK, Mode};
use crate::Result;
use crate::mechanism::engine::Cipher;
use crate::mechanism::key::Key;
use crate::mechanism::{Parameter, failed};
use sealhsm_crypto::cipher::{Context, Direction};
use sealhsm_secret::Wipe;

/// What is fed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Ciphertext.
    Cfb,
    /// The key stream.
    Ofb,
}

/// A keyed cipher.
pub struct Feedback {
    cipher: Context,
    kind: Kind,
    direction: Direction,
    block: usize,
    /// Bytes fed back at a time.
    segment: usize,
    register: [u8; MAX_BLOCK],
    stream: [u8; MAX_BLOCK],
    /// Bytes of the present segment that were used.
    used: usize,
}

impl Feedback {
    /// `segment` in bytes, fewer than a block has.
    pub fn new(algorithm: &Algorithm, key: &Key, kind: Kind, segment: usize, direction: Direction) -> Result<Self> {
        Ok(Self {
            cipher: algorithm.keyed(key, Mode::Ecb, Direction::Encrypt)?,
            kind,
            direction,
            block: algorithm.block,
            segment,
            register: [0; MAX_BLOCK],
            stream: [0; MAX_BLOCK],
            used: 0,
        })
    }

    /// Makes the key stream of the next segment, and room in the register for what is fed back of it.
    fn next(&mut self) -> Result<()> {
        let (register, stream) = (&self.register[..self.block], &mut self.stream[..self.block]);
        self.cipher.update(register, stream).map_err(failed)?;
        self.register.copy_within(self.segment..self.block, 0);
        Ok(())
    }

    /// Part of a segment, or all of it.
    fn part(&mut self, input: &[u8], output: &mut [u8]) {
        let (from, to) = (self.used, self.used + input.len());
        let stream = &self.stream[from..to];
        for ((output, input), stream) in output.iter_mut().zip(input).zip(stream) {
            *output = input ^ stream;
        }
        let fed = match (self.kind, self.direction) {
            (Kind::Ofb, _) => stream,
            (Kind::Cfb, Direction::Encrypt) => output,
            (Kind::Cfb, Direction::Decrypt) => input,
        };
        let end = self.block - self.segment;
        self.register[end + from..end + to].copy_from_slice(fed);
        self.used = if to == self.segment { 0 } else { to };
    }
}

impl Cipher for Feedback {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.register[..self.block].copy_from_slice(parameter.bytes(self.block)?);
        self.used = 0;
        self.cipher.restart(&[]).map_err(failed)
    }

    fn output_len(&self, input: usize, _: bool) -> usize {
        input
    }

    fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        let mut at = 0;
        while at < input.len() {
            if self.used == 0 {
                self.next()?;
            }
            let end = input.len().min(at + self.segment - self.used);
            self.part(&input[at..end], &mut output[at..end]);
            at = end;
        }
        Ok(input.len())
    }

    fn finish(&mut self, _: &mut [u8]) -> Result<usize> {
        Ok(0)
    }
}

impl Drop for Feedback {
    fn drop(&mut self) {
        self.register.wipe();
        self.stream.wipe();
    }
}
