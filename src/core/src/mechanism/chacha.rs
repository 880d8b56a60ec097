//! Stream ciphers: ChaCha20 (RFC 8439; with nonces of 192 bits XChaCha20) and RC4.

use super::engine::Cipher;
use super::key::Key;
use super::secret::of_its_type;
use super::{Group, Parameter, Row, Shape, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::cipher::{Context, Direction};
use sealhsm_crypto::hchacha;
use sealhsm_secret::Secret;
use std::sync::Arc;

const CHACHA20: &[u64] = &[ck::CKK_CHACHA20];
const RC4: &[u64] = &[ck::CKK_RC4];
/// In bits, as the standard says for this one.
const RC4_SIZES: (u64, u64) = (8, 2048);

pub(super) static ROWS: &[Row] = &[
    row!(CKM_CHACHA20_KEY_GEN { sizes: (32, 32), key_types: CHACHA20, generate: Some(of_its_type) }),
    row!(CKM_CHACHA20 {
        sizes: (32, 32),
        key_types: CHACHA20,
        parameter: Shape::ChaCha20,
        encrypt: Some(|key| Ok(Box::new(ChaCha20::new(key, Direction::Encrypt)?))),
        decrypt: Some(|key| Ok(Box::new(ChaCha20::new(key, Direction::Decrypt)?))),
    }),
    row!(CKM_RC4_KEY_GEN { sizes: RC4_SIZES, key_types: RC4, group: Group::Legacy, generate: Some(of_its_type) }),
    row!(CKM_RC4 {
        sizes: RC4_SIZES,
        key_types: RC4,
        group: Group::Legacy,
        encrypt: Some(|key| Ok(Box::new(Rc4::new(key, Direction::Encrypt)?))),
        decrypt: Some(|key| Ok(Box::new(Rc4::new(key, Direction::Decrypt)?))),
    }),
];

/// Bytes of a block of the key stream.
const BLOCK: u64 = 64;
/// Bytes of counter and nonce together.
const IV: usize = 16;

struct ChaCha20 {
    key: Secret,
    context: Context,
    /// The context has the key itself, not one that was made for a long nonce.
    own_key: bool,
    direction: Direction,
    /// Bytes until the counter is used up.
    left: u64,
}

impl ChaCha20 {
    fn new(key: &Arc<Key>, direction: Direction) -> Result<Self> {
        let key = key.secret()?.duplicate();
        let context = Context::new(c"ChaCha20", key.as_ref(), direction, false).map_err(failed)?;
        Ok(Self { key, context, own_key: true, direction, left: 0 })
    }

    /// The part of the nonce that the cipher itself takes; the context gets the key for the rest.
    fn rekeyed<'a>(&mut self, nonce: &'a [u8]) -> Result<&'a [u8]> {
        let Some((long, short)) = nonce.split_first_chunk().filter(|_| nonce.len() == 24) else {
            if !self.own_key {
                self.context.rekey(self.key.as_ref()).map_err(failed)?;
                self.own_key = true;
            }
            return Ok(nonce);
        };
        let key = self.key.as_ref().try_into().map_err(|_| Error::KeySizeRange)?;
        self.own_key = false;
        self.context.rekey(hchacha::derive(key, long).as_ref()).map_err(failed)?;
        Ok(short)
    }
}

impl Cipher for ChaCha20 {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        let Parameter::ChaCha20 { counter, nonce } = *parameter else { return Err(Error::MechanismParamInvalid) };
        let mut first = [0; 8];
        first.get_mut(..counter.len()).ok_or(Error::MechanismParamInvalid)?.copy_from_slice(counter);
        let first = u64::from_le_bytes(first);
        let last = match (counter.len(), nonce.len()) {
            (4, 12) => u64::from(u32::MAX),
            (8, 8 | 24) => u64::MAX,
            _ => return Err(Error::MechanismParamInvalid),
        };
        self.left = (last - first).saturating_add(1).saturating_mul(BLOCK);
        let nonce = self.rekeyed(nonce)?;
        let mut iv = [0; IV];
        iv[..counter.len()].copy_from_slice(counter);
        iv[counter.len()..].copy_from_slice(nonce);
        self.context.restart(&iv).map_err(failed)
    }

    fn output_len(&self, input: usize, _: bool) -> usize {
        input
    }

    fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        // A counter that wrapped would repeat the key stream.
        self.left = self.left.checked_sub(input.len() as u64).ok_or(match self.direction {
            Direction::Encrypt => Error::DataLenRange,
            Direction::Decrypt => Error::EncryptedDataLenRange,
        })?;
        self.context.update(input, output).map_err(failed)
    }

    fn finish(&mut self, _: &mut [u8]) -> Result<usize> {
        Ok(0)
    }
}

/// It has no IV: every operation begins with the key.
struct Rc4 {
    key: Secret,
    context: Context,
}

impl Rc4 {
    fn new(key: &Arc<Key>, direction: Direction) -> Result<Self> {
        let key = key.secret()?.duplicate();
        let context = Context::new(c"RC4", key.as_ref(), direction, false).map_err(failed)?;
        Ok(Self { key, context })
    }
}

impl Cipher for Rc4 {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        parameter.none()?;
        self.context.rekey(self.key.as_ref()).and_then(|()| self.context.restart(&[])).map_err(failed)
    }

    fn output_len(&self, input: usize, _: bool) -> usize {
        input
    }

    fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        self.context.update(input, output).map_err(failed)
    }

    fn finish(&mut self, _: &mut [u8]) -> Result<usize> {
        Ok(0)
    }
}
