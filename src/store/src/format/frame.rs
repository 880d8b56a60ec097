//! One transaction in an index. Frames follow the index's header without gaps, each with the next sequence number.
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 4 | bytes of the public part, p; 0 if there is none |
//! | 4 | 4 | bytes of the private part, q; 0 if there is none |
//! | 8 | 8 | sequence number |
//! | 16 | 8 | epoch |
//! | 24 | 32 | HMAC-SHA-256 of `SEALHSMF` ‖ token UUID ‖ bytes 0 to 23 ‖ both chain tags, under the header key |
//! | 56 | p | public part |
//! | 56 + p | q | private part |
//! | 56 + p + q | 1 | end mark 0xff: a tail of zeros is never the end of a whole frame |
//!
//! A part: 32 random bytes, the records (see [`super::record`]) in AES-256-GCM with nonce 0, the tag (16). Its key:
//! HKDF-SHA-256(ring key, salt = the random bytes, info = `SEALHSMF` ‖ ring), 32 bytes, ring being 1 for public and
//! 2 for private. Associated data: bytes 0 to 55 ‖ token UUID ‖ ring ‖ chain tag of this ring ‖ the random bytes.
//! The chain tag of a ring is the tag of its last part in this file, 16 zero bytes before the first. Tags are in the
//! clear, so a reader without the private key carries that chain along.

use super::bytes::Bytes;
use super::index::{self, Owner};
use super::{Fault, SEALED, Tag};
use crate::{Ring, RingKey};
use sealhsm_secret::Secret;

const LABEL: &[u8; 8] = b"SEALHSMF";
const FIELDS: usize = 24;
const END: u8 = 0xff;

/// Disks write this much at once; power loss can leave the rest of a tail zero.
const SECTOR: u64 = 512;

/// Bytes of the header.
pub const HEADER: usize = FIELDS + 32;

/// The tag of each ring's last part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    public: Tag,
    private: Tag,
}

/// Where the next frame goes, whether it is read or written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Its sequence number.
    pub sequence: u64,
    /// The tags of the parts before it.
    pub chain: Chain,
}

/// What comes next in an index.
pub enum Next<'a> {
    /// Nothing.
    End,
    /// The rest of a write that did not end, or has not ended yet. It does not count.
    Torn,
    /// A frame.
    Frame(Frame<'a>),
}

/// A frame whose header is authentic; its parts are still sealed.
pub struct Frame<'a> {
    header: &'a [u8],
    public: &'a [u8],
    private: &'a [u8],
}

/// The records of one ring and the key to seal them with.
pub type Part<'a> = Option<(&'a RingKey, &'a Secret)>;

/// The bytes of one frame.
pub fn write(owner: &Owner, place: &Place, public: Part<'_>, private: Part<'_>) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    for part in [public, private] {
        let length = part.map_or(0, |(_, records)| records.len() + SEALED);
        let length = u32::try_from(length).map_err(|_| Fault::Damaged("a transaction of 4 GiB or more"))?;
        out.extend_from_slice(&length.to_le_bytes());
    }
    out.extend_from_slice(&place.sequence.to_le_bytes());
    out.extend_from_slice(&owner.epoch.to_le_bytes());
    let mac = mac(owner, place, &out);
    out.extend_from_slice(&mac);
    for (ring, part) in [(Ring::Public, public), (Ring::Private, private)] {
        if let Some((key, records)) = part {
            let associated = associated(owner, place, ring, &out[..HEADER]);
            let sealed = super::seal(key, &info(ring), &associated, records.as_ref())?;
            out.extend_from_slice(&sealed);
        }
    }
    out.push(END);
    Ok(out)
}

/// Reads what comes next: `rest` is the file from byte `at` to its end.
pub fn read<'a>(owner: &Owner, place: &Place, rest: &'a [u8], at: u64) -> Result<Next<'a>, Fault> {
    if rest.is_empty() {
        return Ok(Next::End);
    }
    let Some((header, body)) = rest.split_at_checked(HEADER) else { return Ok(Next::Torn) };
    if header.iter().all(|b| *b == 0) {
        return Ok(Next::Torn);
    }
    let Some((public, private)) = lengths(owner, place, header) else {
        return torn_or(at, rest, rest.len(), "a frame's header is not authentic, or not the next one");
    };
    let Some(end) = public.checked_add(private) else {
        return Err(Fault::Damaged("a frame too long for this machine"));
    };
    match body.get(end) {
        None => Ok(Next::Torn),
        Some(&END) => {
            let (public, private) = body[..end].split_at(public);
            if [public, private].iter().any(|part| !part.is_empty() && part.len() < SEALED) {
                return Err(Fault::Damaged("a part of a frame is too short"));
            }
            Ok(Next::Frame(Frame { header, public, private }))
        }
        Some(_) => torn_or(at, rest, HEADER + end + 1, "a frame has no end"),
    }
}

/// Torn if everything from a 512-byte boundary within the first `length` bytes of `rest` to the end is zero.
fn torn_or<'a>(at: u64, rest: &[u8], length: usize, why: &'static str) -> Result<Next<'a>, Fault> {
    let nonzero = rest.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
    let boundary = (at + nonzero as u64).next_multiple_of(SECTOR) - at;
    if boundary < length as u64 { Ok(Next::Torn) } else { Err(Fault::Damaged(why)) }
}

/// The lengths of both parts, if the header is authentic and the one that must come next.
fn lengths(owner: &Owner, place: &Place, header: &[u8]) -> Option<(usize, usize)> {
    let mut fields = Bytes(header);
    let (public, private) = (fields.u32()?, fields.u32()?);
    let next = (fields.u64()?, fields.u64()?) == (place.sequence, owner.epoch);
    let authentic = index::same(&mac(owner, place, &header[..FIELDS]), &fields.array()?);
    (next && authentic).then_some((public as usize, private as usize))
}

impl Frame<'_> {
    /// All its bytes.
    pub fn length(&self) -> usize {
        self.header.len() + self.public.len() + self.private.len() + 1
    }

    /// The place after this frame.
    pub fn next(&self, place: &Place) -> Place {
        let link = |part, before| super::tag(part).unwrap_or(before);
        Place {
            sequence: place.sequence.saturating_add(1),
            chain: Chain {
                public: link(self.public, place.chain.public),
                private: link(self.private, place.chain.private),
            },
        }
    }

    /// Opens one part: its records, or nothing if the frame has no such part.
    pub fn open(&self, owner: &Owner, place: &Place, ring: Ring, key: &RingKey) -> Result<Option<Secret>, Fault> {
        let part = match ring {
            Ring::Public => self.public,
            Ring::Private => self.private,
        };
        if part.is_empty() {
            return Ok(None);
        }
        super::open(key, &info(ring), &associated(owner, place, ring, self.header), part).map(Some)
    }
}

fn mac(owner: &Owner, place: &Place, fields: &[u8]) -> [u8; 32] {
    owner.key.mac(&[LABEL, owner.token.as_bytes(), fields, &place.chain.public, &place.chain.private])
}

fn number(ring: Ring) -> u8 {
    match ring {
        Ring::Public => 1,
        Ring::Private => 2,
    }
}

fn info(ring: Ring) -> [u8; 9] {
    let mut info = [number(ring); 9];
    info[..8].copy_from_slice(LABEL);
    info
}

fn associated(owner: &Owner, place: &Place, ring: Ring, header: &[u8]) -> Vec<u8> {
    let before = match ring {
        Ring::Public => &place.chain.public,
        Ring::Private => &place.chain.private,
    };
    [header, owner.token.as_bytes(), &[number(ring)], before].concat()
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
