//! Block ciphers: one table of the keys they take, their names in OpenSSL and how long their blocks are. The engines
//! of their modes, their rows, MACs, derivations and check values all read it.

mod feedback;
mod mode;
mod rc2;
mod rows;
mod stealing;
pub(super) mod xts;

pub(super) use feedback::{Feedback, Kind};
pub(super) use mode::{Block, Mode};
pub(super) use rc2::{Rc2, context as rc2_context, least as rc2_least};
pub(super) use rows::ROWS;
pub(super) use stealing::Stealing;

use super::failed;
use super::key::Key;
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::cipher::{Context, Direction};
use std::ffi::CString;

/// Bytes of the longest block.
pub(super) const MAX_BLOCK: usize = 16;

/// A block cipher.
pub(super) struct Algorithm {
    /// Bytes of a block, a power of two.
    pub block: usize,
    /// ulMinKeySize, ulMaxKeySize, in the unit that the standard chose for the cipher.
    pub sizes: (u64, u64),
    /// CKK_ of its keys.
    pub types: &'static [u64],
    keys: &'static [Keys],
}

/// Keys of one type and range of lengths.
struct Keys {
    /// CKK_.
    key_type: u64,
    /// Bytes.
    least: usize,
    /// Bytes.
    most: usize,
    /// OpenSSL's name of the cipher with such keys, without a mode.
    name: &'static str,
}

const fn keys(key_type: u64, least: usize, most: usize, name: &'static str) -> Keys {
    Keys { key_type, least, most, name }
}

/// FIPS 197.
pub(super) const AES: Algorithm = Algorithm {
    block: 16,
    sizes: (16, 32),
    types: &[ck::CKK_AES],
    keys: &[
        keys(ck::CKK_AES, 16, 16, "AES-128"),
        keys(ck::CKK_AES, 24, 24, "AES-192"),
        keys(ck::CKK_AES, 32, 32, "AES-256"),
    ],
};
/// RFC 3713.
pub(super) const CAMELLIA: Algorithm = Algorithm {
    block: 16,
    sizes: (16, 32),
    types: &[ck::CKK_CAMELLIA],
    keys: &[
        keys(ck::CKK_CAMELLIA, 16, 16, "CAMELLIA-128"),
        keys(ck::CKK_CAMELLIA, 24, 24, "CAMELLIA-192"),
        keys(ck::CKK_CAMELLIA, 32, 32, "CAMELLIA-256"),
    ],
};
/// RFC 5794.
pub(super) const ARIA: Algorithm = Algorithm {
    block: 16,
    sizes: (16, 32),
    types: &[ck::CKK_ARIA],
    keys: &[
        keys(ck::CKK_ARIA, 16, 16, "ARIA-128"),
        keys(ck::CKK_ARIA, 24, 24, "ARIA-192"),
        keys(ck::CKK_ARIA, 32, 32, "ARIA-256"),
    ],
};
/// RFC 4269.
pub(super) const SEED: Algorithm =
    Algorithm { block: 16, sizes: (16, 16), types: &[ck::CKK_SEED], keys: &[keys(ck::CKK_SEED, 16, 16, "SEED")] };
/// FIPS 46-3.
pub(super) const DES: Algorithm =
    Algorithm { block: 8, sizes: (8, 8), types: &[ck::CKK_DES], keys: &[keys(ck::CKK_DES, 8, 8, "DES")] };
/// NIST SP 800-67, with two keys or three.
pub(super) const DES3: Algorithm = Algorithm {
    block: 8,
    sizes: (16, 24),
    types: &[ck::CKK_DES3, ck::CKK_DES2],
    keys: &[keys(ck::CKK_DES2, 16, 16, "DES-EDE"), keys(ck::CKK_DES3, 24, 24, "DES-EDE3")],
};
/// RFC 2144, also called CAST5.
pub(super) const CAST128: Algorithm =
    Algorithm { block: 8, sizes: (1, 16), types: &[ck::CKK_CAST128], keys: &[keys(ck::CKK_CAST128, 1, 16, "CAST5")] };
/// The International Data Encryption Algorithm.
pub(super) const IDEA: Algorithm =
    Algorithm { block: 8, sizes: (16, 16), types: &[ck::CKK_IDEA], keys: &[keys(ck::CKK_IDEA, 16, 16, "IDEA")] };
/// Schneier 1993.
pub(super) const BLOWFISH: Algorithm =
    Algorithm { block: 8, sizes: (4, 56), types: &[ck::CKK_BLOWFISH], keys: &[keys(ck::CKK_BLOWFISH, 4, 56, "BF")] };
/// RFC 2268. Sizes are effective bits.
pub(super) const RC2: Algorithm =
    Algorithm { block: 8, sizes: (1, 1024), types: &[ck::CKK_RC2], keys: &[keys(ck::CKK_RC2, 1, 128, "RC2")] };

static ALL: &[&Algorithm] = &[&AES, &CAMELLIA, &ARIA, &SEED, &DES, &DES3, &CAST128, &IDEA, &BLOWFISH, &RC2];

/// The key types of block ciphers, and the least and most bytes that such keys have.
pub(super) fn key_lengths() -> impl Iterator<Item = (u64, (usize, usize))> {
    ALL.iter().flat_map(|algorithm| algorithm.keys).map(|keys| (keys.key_type, (keys.least, keys.most)))
}

/// CKA_CHECK_VALUE: the first bytes of a block of zeros encrypted with the key. `None` for other types of keys.
pub(super) fn check_value(key_type: u64, value: &[u8]) -> Result<Option<[u8; 3]>> {
    let Some(algorithm) = ALL.iter().find(|algorithm| algorithm.types.contains(&key_type)) else { return Ok(None) };
    let mut context = algorithm.context(key_type, value, Mode::Ecb, Direction::Encrypt)?;
    let mut out = [0; MAX_BLOCK];
    let zeros = &[0; MAX_BLOCK][..algorithm.block];
    context.restart(&[]).and_then(|()| context.update(zeros, &mut out)).map_err(failed)?;
    Ok(Some([out[0], out[1], out[2]]))
}

impl Algorithm {
    /// OpenSSL's name of the cipher for this key in this mode.
    pub fn name(&self, key_type: u64, len: usize, mode: Mode) -> Result<CString> {
        let fits = |keys: &&Keys| keys.key_type == key_type && (keys.least..=keys.most).contains(&len);
        let keys = self.keys.iter().find(fits).ok_or(Error::KeySizeRange)?;
        CString::new(format!("{}-{}", keys.name, mode.name())).map_err(|_| Error::General)
    }

    /// Keyed. RC2 with all bits of the key.
    pub fn context(&self, key_type: u64, key: &[u8], mode: Mode, direction: Direction) -> Result<Context> {
        let name = self.name(key_type, key.len(), mode)?;
        let bits = (key_type == ck::CKK_RC2).then_some(8 * key.len() as u32);
        Context::with_effective_bits(&name, key, bits, direction, mode == Mode::CbcPad).map_err(failed)
    }

    /// The same with a key object.
    pub fn keyed(&self, key: &Key, mode: Mode, direction: Direction) -> Result<Context> {
        self.context(key.key_type, key.secret()?.as_ref(), mode, direction)
    }
}
