//! XTS-AES (IEEE 1619, NIST SP 800-38E). A message is one data unit, whose end steals from the block before: parts are
//! collected.

use crate::mechanism::collect::Collector;
use crate::mechanism::engine::Cipher;
use crate::mechanism::key::Key;
use crate::mechanism::wrapping::encrypted::WHOLE;
use crate::mechanism::{Parameter, Row, Shape, failed, secret};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::cipher::{Context, Direction};
use sealhsm_secret::Wipe;
use std::sync::Arc;

const TYPES: &[u64] = &[ck::CKK_AES_XTS];
/// Bytes of both halves of a key.
const SIZES: (u64, u64) = (32, 64);
/// Bytes of a block, and of the tweak.
const BLOCK: usize = 16;
/// The longest data unit: 2^20 blocks (NIST SP 800-38E).
const MOST: usize = 1 << 24;

pub(in crate::mechanism) static ROWS: &[Row] = &[
    row!(CKM_AES_XTS_KEY_GEN { sizes: SIZES, key_types: TYPES, generate: Some(secret::of_its_type) }),
    row!(CKM_AES_XTS {
        sizes: SIZES,
        key_types: TYPES,
        parameter: Shape::Iv(BLOCK),
        encrypt: Some(|key| Ok(Box::new(Xts::new(key, Direction::Encrypt)?))),
        decrypt: Some(|key| Ok(Box::new(Xts::new(key, Direction::Decrypt)?))),
        wrapping: Some(WHOLE),
    }),
];

/// Whether the halves of a key differ (FIPS 140 implementation guidance A.9): otherwise the tweak hides nothing.
pub(in crate::mechanism) fn halves_differ(key: &[u8]) -> bool {
    let (data, tweak) = key.split_at(key.len() / 2);
    !sealhsm_crypto::mac::same(data, tweak)
}

/// A keyed cipher.
struct Xts {
    context: Context,
    direction: Direction,
    tweak: [u8; BLOCK],
    parts: Collector,
}

impl Xts {
    fn new(key: &Arc<Key>, direction: Direction) -> Result<Self> {
        let value = key.secret()?;
        let name = match value.len() {
            32 => c"AES-128-XTS",
            64 => c"AES-256-XTS",
            _ => return Err(Error::KeySizeRange),
        };
        let context = Context::new(name, value.as_ref(), direction, false).map_err(failed)?;
        Ok(Self { context, direction, tweak: [0; BLOCK], parts: Collector::new(MOST) })
    }

    fn length_error(&self) -> Error {
        match self.direction {
            Direction::Encrypt => Error::DataLenRange,
            Direction::Decrypt => Error::EncryptedDataLenRange,
        }
    }
}

impl Cipher for Xts {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.tweak.copy_from_slice(parameter.bytes(BLOCK)?);
        self.parts.clear();
        Ok(())
    }

    fn output_len(&self, input: usize, last: bool) -> usize {
        if last { self.parts.len().saturating_add(input) } else { 0 }
    }

    fn update(&mut self, input: &[u8], _: &mut [u8]) -> Result<usize> {
        self.parts.take(input).map(|()| 0).map_err(|_| self.length_error())
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        let whole = self.parts.whole();
        self.once(whole.as_ref(), output)
    }

    fn once(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        if !(BLOCK..=MOST).contains(&input.len()) {
            return Err(self.length_error());
        }
        let done = self.context.restart(&self.tweak).and_then(|()| self.context.update(input, output));
        if done.is_err() {
            output.wipe();
        }
        done.map_err(failed)
    }
}
