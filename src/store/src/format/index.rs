//! The start of an index, `<epoch>.index`; frames follow it (see [`super::frame`]).
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 8 | magic `SEALHSMI` |
//! | 8 | 4 | format version, 1 |
//! | 12 | 16 | token UUID |
//! | 28 | 8 | epoch |
//! | 36 | 8 | sequence number of the first frame: 1, or after a compaction the next one |
//! | 44 | 32 | HMAC-SHA-256 of bytes 0 to 43 under the header key |
//!
//! Header key: HKDF-SHA-256(public ring key, no salt, info = `SEALHSM index header` ‖ token UUID ‖ epoch), 32 bytes.
//! It comes from the *public* ring key because sessions without a PIN read and append too.

use super::bytes::Bytes;
use super::{Fault, VERSION};
use crate::RingKey;
use sealhsm_crypto::kdf::{HmacKey, hkdf_sha256};
use uuid::Uuid;

const MAGIC: &[u8; 8] = b"SEALHSMI";
const FIELDS: usize = 44;

/// Bytes of the header.
pub const HEADER: usize = FIELDS + 32;

/// Whose index, and under which key its headers are.
pub struct Owner {
    /// The token.
    pub token: Uuid,
    /// Its epoch.
    pub epoch: u64,
    pub(super) key: HmacKey,
}

impl Owner {
    /// Derives the header key.
    pub fn new(token: Uuid, epoch: u64, public: &RingKey) -> Result<Self, Fault> {
        let info = [b"SEALHSM index header", &token.as_bytes()[..], &epoch.to_le_bytes()].concat();
        let key = HmacKey::new(hkdf_sha256(public.0.as_ref(), &[], &info, 32)?.as_ref())?;
        Ok(Owner { token, epoch, key })
    }
}

/// The header of an index whose first frame has this sequence number.
pub fn header(owner: &Owner, first: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(owner.token.as_bytes());
    out.extend_from_slice(&owner.epoch.to_le_bytes());
    out.extend_from_slice(&first.to_le_bytes());
    let mac = owner.key.mac(&[&out]);
    out.extend_from_slice(&mac);
    out
}

/// Reads and checks the header at the start of `bytes`: the sequence number of the first frame.
pub fn read(owner: &Owner, bytes: &[u8]) -> Result<u64, Fault> {
    let mut rest = Bytes(bytes);
    rest.version(MAGIC, "not an index of SealHSM")?;
    let mut fields = || Some((rest.uuid()?, rest.u64()?, rest.u64()?, rest.array::<32>()?));
    let (token, epoch, first, mac) = fields().ok_or(Fault::Damaged("too short"))?;
    if (token, epoch) != (owner.token, owner.epoch) {
        return Err(Fault::Damaged("it belongs to another token or epoch"));
    }
    if !same(&owner.key.mac(&[&bytes[..FIELDS]]), &mac) {
        return Err(Fault::Damaged("its header was not written with this token's public ring key"));
    }
    Ok(first)
}

/// Compares MACs in constant time.
pub(super) fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.iter().zip(b).fold(0, |acc, (a, b)| acc | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::super::tests::{flips, key};
    use super::*;

    fn owner() -> Owner {
        Owner::new(Uuid::from_u128(5), 3, &key(1)).unwrap()
    }

    #[test]
    fn a_header_is_read_back_and_every_flipped_bit_is_noticed() {
        let bytes = header(&owner(), 258);
        assert_eq!(bytes.len(), HEADER);
        assert_eq!(read(&owner(), &bytes).unwrap(), 258);
        for (bit, bad) in flips(&bytes) {
            match read(&owner(), &bad) {
                Err(Fault::UnknownVersion(_)) => assert!((64..96).contains(&bit)),
                Err(Fault::Damaged(_)) => assert!(!(64..96).contains(&bit)),
                other => panic!("bit {bit}: {other:?}"),
            }
        }
        for length in 0..HEADER {
            assert!(read(&owner(), &bytes[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn another_key_token_or_epoch_does_not_read_it() {
        let bytes = header(&owner(), 1);
        for (token, epoch, byte) in [(5, 3, 2), (6, 3, 1), (5, 4, 1)] {
            assert!(read(&Owner::new(Uuid::from_u128(token), epoch, &key(byte)).unwrap(), &bytes).is_err());
        }
    }
}
