//! What a part of a frame says, opened: which objects changed, and what searches need to know of them.
//!
//! CBOR (RFC 8949), definite lengths, nothing after it: an array of records. A record is
//! `[uuid: bstr 16, version: uint, tag: bstr 16, record: bstr]` for a new or changed object (the tag is that of its
//! envelope), or `[uuid: bstr 16, version: uint]` for a destroyed one (the version it had).

use super::{Fault, Tag};
use minicbor::{Decoder, Encoder, decode, encode};
use sealhsm_secret::Secret;
use uuid::Uuid;

/// One object's change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// New, or changed.
    Put {
        /// Which.
        uuid: Uuid,
        /// The version it has now.
        version: u64,
        /// The tag of its envelope.
        tag: Tag,
        /// Opaque; `core` wrote it.
        record: &'a [u8],
    },
    /// Destroyed.
    Tombstone {
        /// Which.
        uuid: Uuid,
        /// The version it had.
        version: u64,
    },
}

/// All records of one part.
pub fn write(records: &[Record<'_>]) -> Result<Secret, Fault> {
    let size: usize =
        records.iter().map(|r| 64 + if let Record::Put { record, .. } = r { record.len() } else { 0 }).sum();
    // Reserved in full: a buffer that grows would leave copies behind.
    let mut e = Encoder::new(Vec::with_capacity(size + 16));
    encode_all(&mut e, records).map_err(|_| Fault::Damaged("its records cannot be encoded"))?;
    Ok(Secret::from(e.into_writer()))
}

fn encode_all(e: &mut Encoder<Vec<u8>>, records: &[Record<'_>]) -> Result<(), encode::Error<std::convert::Infallible>> {
    e.array(records.len() as u64)?;
    for record in records {
        match record {
            Record::Put { uuid, version, tag, record } => {
                e.array(4)?.bytes(uuid.as_bytes())?.u64(*version)?.bytes(tag)?.bytes(record)?
            }
            Record::Tombstone { uuid, version } => e.array(2)?.bytes(uuid.as_bytes())?.u64(*version)?,
        };
    }
    Ok(())
}

/// Reads what [`write`] wrote.
pub fn read(bytes: &[u8]) -> Result<Vec<Record<'_>>, Fault> {
    let mut d = Decoder::new(bytes);
    match decode_all(&mut d) {
        Ok(records) if d.position() == bytes.len() => Ok(records),
        _ => Err(Fault::Damaged("its records make no sense")),
    }
}

fn decode_all<'a>(d: &mut Decoder<'a>) -> Result<Vec<Record<'a>>, decode::Error> {
    let count = length(d)?;
    // A record has 20 bytes at least: a count alone reserves no memory.
    let mut records = Vec::with_capacity(usize::try_from(count).unwrap_or(usize::MAX).min(d.input().len() / 20));
    for _ in 0..count {
        records.push(match length(d)? {
            4 => Record::Put { uuid: uuid(d)?, version: d.u64()?, tag: sixteen(d)?, record: d.bytes()? },
            2 => Record::Tombstone { uuid: uuid(d)?, version: d.u64()? },
            _ => return Err(decode::Error::message("no record")),
        });
    }
    Ok(records)
}

fn length(d: &mut Decoder<'_>) -> Result<u64, decode::Error> {
    d.array()?.ok_or_else(|| decode::Error::message("indefinite length"))
}

fn sixteen(d: &mut Decoder<'_>) -> Result<[u8; 16], decode::Error> {
    d.bytes()?.try_into().map_err(|_| decode::Error::message("not 16 bytes"))
}

fn uuid(d: &mut Decoder<'_>) -> Result<Uuid, decode::Error> {
    sixteen(d).map(Uuid::from_bytes)
}

#[cfg(test)]
mod tests {
    use super::super::tests::flips;
    use super::*;

    const SOME: [Record<'static>; 3] = [
        Record::Put { uuid: Uuid::from_u128(1), version: 1, tag: [9; 16], record: b"label" },
        Record::Tombstone { uuid: Uuid::from_u128(2), version: u64::MAX },
        Record::Put { uuid: Uuid::from_u128(3), version: 500, tag: [0; 16], record: &[] },
    ];

    #[test]
    fn records_are_read_back() {
        for n in 0..=SOME.len() {
            assert_eq!(read(write(&SOME[..n]).unwrap().as_ref()).unwrap(), SOME[..n]);
        }
    }

    #[test]
    fn no_truncation_is_taken_for_a_whole_and_no_flipped_bit_makes_it_panic() {
        let bytes = write(&SOME).unwrap();
        for length in 0..bytes.len() {
            assert!(read(&bytes.as_ref()[..length]).is_err(), "{length} bytes");
        }
        assert!(read(&[bytes.as_ref(), &[0]].concat()).is_err());
        for (_, bad) in flips(bytes.as_ref()) {
            let _ = read(&bad);
        }
    }

    #[test]
    fn indefinite_lengths_and_absurd_counts_are_refused() {
        for bad in [
            &[0x9f, 0xff][..],
            &[0x81, 0x9f, 0xff],
            &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x80, 0x80],
        ] {
            assert!(read(bad).is_err(), "{bad:02x?}");
        }
        assert_eq!(read(&[0x80]).unwrap(), []);
    }
}
