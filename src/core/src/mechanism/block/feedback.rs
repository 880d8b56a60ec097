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

    /// Whole segments of `N` bytes, as many as there are; says how many bytes that were. The same as by parts, with the
    /// register as a number: moving its bytes takes as long as the cipher.
    fn whole<const N: usize>(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        let mut register = u128::from_le_bytes(self.register);
        let end = 8 * (self.block - N);
        for (from, to) in input.chunks_exact(N).zip(output.chunks_exact_mut(N)) {
            self.register = register.to_le_bytes();
            let (block, stream) = (&self.register[..self.block], &mut self.stream[..self.block]);
            self.cipher.update(block, stream).map_err(failed)?;
            let (mut text, mut stream) = ([0; MAX_BLOCK], [0; MAX_BLOCK]);
            text[..N].copy_from_slice(from);
            stream[..N].copy_from_slice(&self.stream[..N]);
            let (text, stream) = (u128::from_le_bytes(text), u128::from_le_bytes(stream));
            to.copy_from_slice(&(text ^ stream).to_le_bytes()[..N]);
            let fed = match (self.kind, self.direction) {
                (Kind::Ofb, _) => stream,
                (Kind::Cfb, Direction::Encrypt) => text ^ stream,
                (Kind::Cfb, Direction::Decrypt) => text,
            };
            register = register >> (8 * N) | fed << end;
        }
        self.register = register.to_le_bytes();
        Ok(input.len() / N * N)
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
                at += match self.segment {
                    8 => self.whole::<8>(&input[at..], &mut output[at..])?,
                    1 => self.whole::<1>(&input[at..], &mut output[at..])?,
                    _ => 0,
                };
                if at == input.len() {
                    break;
                }
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
