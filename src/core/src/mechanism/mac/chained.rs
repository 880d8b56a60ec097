//! MACs that are the last block of a CBC chain (FIPS 113) and differ in what happens to the last block of the message:
//! filled up with zeros, or masked with a key of its own as in CMAC (NIST SP 800-38B) and XCBC (RFC 3566).

use crate::Result;
use crate::mechanism::block::{AES, Algorithm, MAX_BLOCK, Mode};
use crate::mechanism::failed;
use cryptoki_sys as ck;
use sealhsm_crypto::cipher::{Context, Direction};
use sealhsm_secret::{Secret, Wipe};

/// A block, or the beginning of it.
type Block = [u8; MAX_BLOCK];

/// Bytes that go through the cipher at a time; a multiple of every block.
const PIECE: usize = 1024;

/// A keyed chain.
pub struct Chained {
    cbc: Context,
    block: usize,
    finale: Finale,
    /// The last block so far: it waits, for it may be the end.
    held: Block,
    len: usize,
    /// Where the chain goes; nobody reads it.
    scratch: Box<[u8; PIECE]>,
}

/// What happens to the last block.
#[derive(Clone, Copy, Default)]
struct Finale {
    /// Added to a whole one.
    whole: Block,
    /// Added to one that was filled up.
    filled: Block,
    /// The first byte that fills up; zeros follow.
    first: u8,
}

impl Chained {
    /// CBC-MAC over a cipher in CBC mode that was keyed for encryption; `block` in bytes.
    pub fn over(cbc: Context, block: usize) -> Self {
        let scratch = Box::new([0; PIECE]);
        Self { cbc, block, finale: Finale::default(), held: [0; MAX_BLOCK], len: 0, scratch }
    }

    /// CBC-MAC: a last block that is not whole, and an empty message, are filled up with zeros.
    pub fn cbc_mac(algorithm: &Algorithm, key_type: u64, key: &[u8]) -> Result<Self> {
        let cbc = algorithm.context(key_type, key, Mode::Cbc, Direction::Encrypt)?;
        Ok(Self::over(cbc, algorithm.block))
    }

    /// CMAC (NIST SP 800-38B section 6).
    pub fn cmac(algorithm: &Algorithm, key_type: u64, key: &[u8]) -> Result<Self> {
        let mut new = Self::cbc_mac(algorithm, key_type, key)?;
        let zero = [0; MAX_BLOCK];
        let mut mask = encrypted(algorithm, key_type, key, &zero)?;
        doubled(&mut mask[..algorithm.block]);
        new.finale = Finale { whole: mask, filled: mask, first: 0x80 };
        doubled(&mut new.finale.filled[..algorithm.block]);
        mask.wipe();
        Ok(new)
    }

    /// AES-XCBC-MAC (RFC 3566 section 4.1), with a key of 16 bytes.
    pub fn xcbc(key: &[u8]) -> Result<Self> {
        let part = |number: u8| encrypted(&AES, ck::CKK_AES, key, &[number; MAX_BLOCK]);
        let mut chain = part(1)?;
        let chain_key = Secret::copy_of(&chain);
        chain.wipe();
        let mut new = Self::cbc_mac(&AES, ck::CKK_AES, chain_key.as_ref())?;
        new.finale = Finale { whole: part(2)?, filled: part(3)?, first: 0x80 };
        Ok(new)
    }

    /// Bytes of the whole MAC.
    pub fn mac_len(&self) -> usize {
        self.block
    }

    /// Begins a message under the same key.
    pub fn restart(&mut self) -> Result<()> {
        self.len = 0;
        self.cbc.restart(&[0; MAX_BLOCK][..self.block]).map_err(failed)
    }

    /// The same, and leaves nothing of the message before.
    pub fn forget(&mut self) -> Result<()> {
        self.held.wipe();
        self.scratch.wipe();
        self.restart()
    }

    /// Another one in the middle of the same message.
    pub fn duplicate(&self) -> Result<Self> {
        let cbc = self.cbc.duplicate().map_err(failed)?;
        Ok(Self {
            cbc,
            block: self.block,
            finale: self.finale,
            held: self.held,
            len: self.len,
            scratch: self.scratch.clone(),
        })
    }

    /// Takes data.
    pub fn update(&mut self, data: &[u8]) -> Result<()> {
        let through = (self.len + data.len()).saturating_sub(1) & !(self.block - 1);
        if through == 0 {
            self.hold(data);
            return Ok(());
        }
        let (fill, rest) = data.split_at(self.block - self.len);
        self.hold(fill);
        self.cbc.update(&self.held[..self.block], &mut self.scratch[..]).map_err(failed)?;
        let (now, later) = rest.split_at(through - self.block);
        for piece in now.chunks(PIECE) {
            self.cbc.update(piece, &mut self.scratch[..]).map_err(failed)?;
        }
        self.len = 0;
        self.hold(later);
        Ok(())
    }

    fn hold(&mut self, data: &[u8]) {
        self.held[self.len..self.len + data.len()].copy_from_slice(data);
        self.len += data.len();
    }

    /// Ends the message; the whole MAC at the start of `mac`.
    pub fn finish(&mut self, mac: &mut [u8]) -> Result<()> {
        let mut last = self.held;
        let last = &mut last[..self.block];
        let mask = if self.len == self.block {
            &self.finale.whole
        } else {
            last[self.len..].fill(0);
            last[self.len] = self.finale.first;
            &self.finale.filled
        };
        last.iter_mut().zip(mask).for_each(|(to, from)| *to ^= from);
        let done = self.cbc.update(last, mac).map_err(failed);
        last.wipe();
        done.map(drop)
    }
}

impl Drop for Chained {
    fn drop(&mut self) {
        self.held.wipe();
        self.scratch.wipe();
        self.finale.whole.wipe();
        self.finale.filled.wipe();
    }
}

/// One block through the bare cipher.
fn encrypted(algorithm: &Algorithm, key_type: u64, key: &[u8], block: &Block) -> Result<Block> {
    let mut ecb = algorithm.context(key_type, key, Mode::Ecb, Direction::Encrypt)?;
    let mut out = [0; MAX_BLOCK];
    ecb.restart(&[]).and_then(|()| ecb.update(&block[..algorithm.block], &mut out)).map_err(failed)?;
    Ok(out)
}

/// Twice the value in the field of the cipher's block (NIST SP 800-38B section 5.3), in a time that does not tell it.
fn doubled(value: &mut [u8]) {
    let reduction = if value.len() == 8 { 0x1b } else { 0x87 };
    let carry = value.iter_mut().rev().fold(0, |carry, byte| {
        let high = *byte >> 7;
        *byte = *byte << 1 | carry;
        high
    });
    if let Some(last) = value.last_mut() {
        *last ^= reduction * carry;
    }
}
