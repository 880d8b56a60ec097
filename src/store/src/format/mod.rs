//! The bytes on disk, format version 1: envelopes, the index and its frames, records. Integers are little-endian.
//! Everything here is pure (`&[u8]` to a value and back) and total: any input gives a value or a [`Fault`]. It never
//! opens a file and does not know what a record means.

mod bytes;
pub mod envelope;
pub mod frame;
pub mod index;
pub mod record;

use crate::Error;

/// The one format version of envelopes and indexes that this program reads and writes.
pub const VERSION: u32 = 1;

/// The tag that ends what AES-256-GCM sealed.
pub type Tag = [u8; 16];

/// The random bytes from which, with a ring key, the key of one envelope or one part of a frame comes.
const RANDOM: usize = 32;

/// What every sealed thing has besides its content: random bytes before it, the tag after it.
pub const SEALED: usize = RANDOM + sealhsm_crypto::aead::TAG;

/// Why bytes are not what they should be. Says no file name: the caller knows it.
#[derive(Debug)]
pub enum Fault {
    /// Not ours, damaged or tampered with; the text says what does not fit.
    Damaged(&'static str),
    /// A format version that this program does not know.
    UnknownVersion(u32),
    /// OpenSSL failed; not because of the bytes.
    Crypto(sealhsm_crypto::Error),
}

impl From<sealhsm_crypto::Error> for Fault {
    fn from(error: sealhsm_crypto::Error) -> Self {
        Fault::Crypto(error)
    }
}

impl Fault {
    /// The error for the log: which file, why, what to do.
    pub fn at(self, file: &str) -> Error {
        match self {
            Fault::Damaged(why) => Error::Tampered(format!(
                "{file}: {why}; damaged, from elsewhere or tampered with: restore it from a backup"
            )),
            Fault::UnknownVersion(version) => Error::UnknownVersion(format!(
                "{file}: format version {version}, this program knows {VERSION}: a newer one wrote it, update"
            )),
            Fault::Crypto(error) => Error::Io(file.into(), std::io::Error::other(error)),
        }
    }
}

/// Seals `plain` under a key that no other message has: HKDF-SHA-256 of the ring key, with 32 fresh random bytes as
/// the salt. `associated` gets the random bytes too. The result is random bytes, ciphertext, tag.
fn seal(key: &crate::RingKey, info: &[u8], associated: &[u8], plain: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut out = vec![0; RANDOM];
    sealhsm_crypto::random::public(&mut out)?;
    let once = sealhsm_crypto::kdf::hkdf_sha256(key.0.as_ref(), &out, info, 32)?;
    let sealed = sealhsm_crypto::aead::seal(&once, &[associated, &out].concat(), plain)?;
    out.extend_from_slice(&sealed);
    Ok(out)
}

/// Opens what [`seal`] made.
fn open(key: &crate::RingKey, info: &[u8], associated: &[u8], sealed: &[u8]) -> Result<sealhsm_secret::Secret, Fault> {
    let Some((random, sealed)) = sealed.split_at_checked(RANDOM) else { return Err(Fault::Damaged("too short")) };
    let once = sealhsm_crypto::kdf::hkdf_sha256(key.0.as_ref(), random, info, 32)?;
    let opened = sealhsm_crypto::aead::open(&once, &[associated, random].concat(), sealed)?;
    opened.ok_or(Fault::Damaged("its seal does not open with this token's key"))
}

/// The tag of something sealed.
fn tag(sealed: &[u8]) -> Option<Tag> {
    sealed.last_chunk().copied()
}

#[cfg(test)]
pub(crate) mod tests {
    use crate::RingKey;
    use sealhsm_secret::Secret;

    pub fn key(byte: u8) -> RingKey {
        RingKey(Secret::copy_of(&[byte; 32]))
    }

    /// Every copy of `bytes` with one bit flipped, and the number of that bit.
    pub fn flips(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
        (0..bytes.len() * 8).map(|bit| {
            let mut bad = bytes.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            (bit, bad)
        })
    }
}
