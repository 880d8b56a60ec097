//! One object on disk: `<object-uuid>.object`. It does not know what the attributes mean, nor in which ring they are.
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 8 | magic `SEALHSMO` |
//! | 8 | 4 | format version, 1 |
//! | 12 | 8 | epoch |
//! | 20 | 16 | token UUID |
//! | 36 | 16 | object UUID |
//! | 52 | 8 | object version |
//! | 60 | 32 | random |
//! | 92 | n | all attributes (CBOR), AES-256-GCM, nonce 0 |
//! | 92 + n | 16 | tag |
//!
//! Associated data: bytes 0 to 91. Key: HKDF-SHA-256(ring key, salt = the random bytes, info = bytes 0 to 59), 32 bytes.

use super::bytes::Bytes;
use super::{Fault, SEALED, Tag, VERSION};
use crate::RingKey;
use sealhsm_secret::Secret;
use uuid::Uuid;

const MAGIC: &[u8; 8] = b"SEALHSMO";

/// Bytes of the header before the random bytes.
pub const HEADER: usize = 60;

/// Bytes of an envelope besides the attributes.
pub const OVERHEAD: usize = HEADER + SEALED;

/// Which object at which time; in the clear, vouched for by the seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The epoch of the token whose ring key sealed it.
    pub epoch: u64,
    /// The token.
    pub token: Uuid,
    /// The object.
    pub object: Uuid,
    /// Its version, from 1.
    pub version: u64,
}

impl Header {
    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(self.token.as_bytes());
        out.extend_from_slice(self.object.as_bytes());
        out.extend_from_slice(&self.version.to_le_bytes());
        out
    }
}

/// Seals all attributes of one version of an object.
pub fn seal(key: &RingKey, header: &Header, attributes: &Secret) -> Result<Vec<u8>, Fault> {
    let mut out = header.bytes();
    let sealed = super::seal(key, &out, &out, attributes.as_ref())?;
    out.extend_from_slice(&sealed);
    Ok(out)
}

/// Reads the header, which nothing vouches for yet.
pub fn header(bytes: &[u8]) -> Result<Header, Fault> {
    let mut rest = Bytes(bytes);
    rest.version(MAGIC, "not an object of SealHSM")?;
    let mut fields =
        || Some(Header { epoch: rest.u64()?, token: rest.uuid()?, object: rest.uuid()?, version: rest.u64()? });
    fields().ok_or(Fault::Damaged("too short"))
}

/// The tag of a whole envelope; the index names it, so that no other envelope of the same version fits.
pub fn tag(bytes: &[u8]) -> Result<Tag, Fault> {
    if bytes.len() < OVERHEAD {
        return Err(Fault::Damaged("too short"));
    }
    super::tag(bytes).ok_or(Fault::Damaged("too short"))
}

/// Opens an envelope that must have exactly this header: all attributes.
pub fn open(key: &RingKey, expected: &Header, bytes: &[u8]) -> Result<Secret, Fault> {
    if header(bytes)? != *expected {
        return Err(Fault::Damaged("it belongs to another object, version or token"));
    }
    let (header, sealed) = bytes.split_at(HEADER);
    super::open(key, header, header, sealed)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{flips, key};
    use super::*;

    const HERE: Header =
        Header { epoch: 7, token: Uuid::from_u128(1), object: Uuid::from_u128(2), version: 0x0102_0304_0506_0708 };

    fn sealed() -> Vec<u8> {
        seal(&key(1), &HERE, &Secret::copy_of(b"all attributes")).unwrap()
    }

    #[test]
    fn an_envelope_opens_to_what_was_sealed() {
        let bytes = sealed();
        assert_eq!(bytes.len(), OVERHEAD + 14);
        assert_eq!(bytes[52..60], [8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(header(&bytes).unwrap(), HERE);
        assert_eq!(open(&key(1), &HERE, &bytes).unwrap().as_ref(), b"all attributes");
        assert!(!bytes.windows(4).any(|w| w == b"attr"));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        for (bit, bad) in flips(&sealed()) {
            match open(&key(1), &HERE, &bad) {
                Err(Fault::UnknownVersion(_)) => assert!((64..96).contains(&bit)),
                Err(Fault::Damaged(_)) => assert!(!(64..96).contains(&bit)),
                other => panic!("bit {bit}: {other:?}"),
            }
        }
    }

    #[test]
    fn every_truncation_and_addition_is_noticed() {
        let mut bytes = sealed();
        for length in 0..bytes.len() {
            assert!(open(&key(1), &HERE, &bytes[..length]).is_err(), "{length} bytes");
        }
        bytes.push(0);
        assert!(open(&key(1), &HERE, &bytes).is_err());
    }

    #[test]
    fn another_key_object_version_token_or_epoch_does_not_open_it() {
        let bytes = sealed();
        assert!(open(&key(2), &HERE, &bytes).is_err());
        for other in [
            Header { epoch: 8, ..HERE },
            Header { token: Uuid::nil(), ..HERE },
            Header { object: Uuid::nil(), ..HERE },
            Header { version: 1, ..HERE },
        ] {
            assert!(open(&key(1), &other, &bytes).is_err());
            let mut moved = bytes.clone();
            moved[..HEADER].copy_from_slice(&other.bytes());
            assert!(open(&key(1), &other, &moved).is_err(), "a header written over");
        }
    }
}
