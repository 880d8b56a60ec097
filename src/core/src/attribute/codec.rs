//! Attributes as CBOR (RFC 8949), definite lengths only: a map from type to value. Boolean, unsigned integer,
//! byte string as themselves; a guarded byte string under tag 1, a list of numbers as an array, a template as a map.
//! Pure: bytes in, attributes out, bounded depth, nothing may follow.

use super::{Attributes, Value};
use crate::Error;
use minicbor::data::{Tag, Type as Cbor};
use minicbor::encode::write::{Cursor, Write};
use minicbor::{Decoder, Encoder};
use sealhsm_secret::Secret;

const GUARDED: Tag = Tag::new(1);
/// A template holds no template.
const DEPTH: u8 = 1;

type Encoded<W> = Result<(), minicbor::encode::Error<<W as Write>::Error>>;

/// All attributes, for the envelope.
pub fn encode(attributes: &Attributes) -> Result<Secret, Error> {
    // Measured first, so that the bytes are written once into memory that is wiped, never moved.
    let mut length = Counter(0);
    put(&mut Encoder::new(&mut length), attributes).map_err(|_| Error::General)?;
    let mut secret = Secret::zeroed(length.0);
    put(&mut Encoder::new(Cursor::new(secret.as_mut())), attributes).map_err(|_| Error::General)?;
    Ok(secret)
}

/// The same without a secret among them, for index records and tests.
pub fn encode_plain(attributes: &Attributes) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    put(&mut Encoder::new(&mut out), attributes).map_err(|_| Error::General)?;
    Ok(out)
}

/// The reverse; any surprise is an error.
pub fn decode(bytes: &[u8]) -> Result<Attributes, Error> {
    let mut decoder = Decoder::new(bytes);
    let attributes = take(&mut decoder, DEPTH).ok_or(Error::DeviceError)?;
    if decoder.position() == bytes.len() { Ok(attributes) } else { Err(Error::DeviceError) }
}

/// Reads one attribute without decoding the others.
pub fn find(bytes: &[u8], wanted: u64) -> Option<Value> {
    one(&mut at(bytes, wanted)?, DEPTH)
}

/// Reads the byte string of one attribute in place.
pub fn find_bytes(bytes: &[u8], wanted: u64) -> Option<&[u8]> {
    at(bytes, wanted)?.bytes().ok()
}

/// At the value of an attribute.
fn at(bytes: &[u8], wanted: u64) -> Option<Decoder<'_>> {
    let mut decoder = Decoder::new(bytes);
    for _ in 0..decoder.map().ok()?? {
        let of = decoder.u64().ok()?;
        if of == wanted {
            return Some(decoder);
        }
        if of > wanted {
            return None;
        }
        decoder.skip().ok()?;
    }
    None
}

fn put<W: Write>(out: &mut Encoder<W>, attributes: &Attributes) -> Encoded<W> {
    out.map(attributes.len() as u64)?;
    for (of, value) in attributes.iter() {
        out.u64(of)?;
        match value {
            Value::Bool(b) => out.bool(*b).map(drop)?,
            Value::Ulong(u) => out.u64(*u).map(drop)?,
            Value::Bytes(_) | Value::Counter(_) | Value::Uuid(_) => {
                out.bytes(&value.octets().unwrap_or_default()).map(drop)?;
            }
            Value::Secret(s) => out.tag(GUARDED)?.bytes(s.as_ref()).map(drop)?,
            Value::Ulongs(list) => {
                out.array(list.len() as u64)?;
                for u in list {
                    out.u64(*u)?;
                }
            }
            Value::Template(t) => put(out, t)?,
        }
    }
    Ok(())
}

fn take(from: &mut Decoder<'_>, depth: u8) -> Option<Attributes> {
    let mut attributes = Attributes::new();
    let mut last = None;
    for _ in 0..from.map().ok()?? {
        let of = from.u64().ok()?;
        if last >= Some(of) {
            return None;
        }
        last = Some(of);
        attributes.set(of, one(from, depth)?);
    }
    Some(attributes)
}

fn one(from: &mut Decoder<'_>, depth: u8) -> Option<Value> {
    Some(match from.datatype().ok()? {
        Cbor::Bool => Value::Bool(from.bool().ok()?),
        Cbor::U8 | Cbor::U16 | Cbor::U32 | Cbor::U64 => Value::Ulong(from.u64().ok()?),
        Cbor::Bytes => Value::Bytes(from.bytes().ok()?.to_vec()),
        Cbor::Tag if from.tag().ok()? == GUARDED => Value::Secret(Secret::copy_of(from.bytes().ok()?)),
        Cbor::Array => {
            let mut list = Vec::new();
            for _ in 0..from.array().ok()?? {
                list.push(from.u64().ok()?);
            }
            Value::Ulongs(list)
        }
        Cbor::Map if depth > 0 => Value::Template(Box::new(take(from, depth - 1)?)),
        _ => return None,
    })
}

struct Counter(usize);

impl Write for &mut Counter {
    type Error = std::convert::Infallible;
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        self.0 += bytes.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Attributes {
        let mut inner = Attributes::new();
        inner.set_bool(3, true);
        let mut all = Attributes::new();
        all.set_bool(1, false);
        all.set_ulong(2, u64::MAX);
        all.set_bytes(3, vec![7; 300]);
        all.set_secret(4, Secret::copy_of(b"key"));
        all.set(5, Value::Ulongs(vec![1, 2, 3]));
        all.set(6, Value::Template(Box::new(inner)));
        all
    }

    #[test]
    fn what_was_written_is_read_again() {
        let bytes = encode(&sample()).unwrap();
        let back = decode(bytes.as_ref()).unwrap();
        assert!(back.same(&sample()));
        assert!(matches!(back.value(4), Some(Value::Secret(_))));
        assert_eq!(encode_plain(&sample()).unwrap(), bytes.as_ref());
    }

    #[test]
    fn every_truncation_and_every_extension_is_refused() {
        let bytes = encode(&sample()).unwrap();
        for n in 0..bytes.len() {
            assert!(decode(&bytes.as_ref()[..n]).is_err(), "{n} bytes");
        }
        let mut longer = bytes.as_ref().to_vec();
        longer.push(0);
        assert!(decode(&longer).is_err());
    }

    #[test]
    fn a_template_in_a_template_and_types_out_of_order_are_refused() {
        assert!(decode(&[0xa1, 1, 0xa1, 1, 0xa0]).is_err());
        assert!(decode(&[0xa2, 2, 0xf4, 1, 0xf4]).is_err());
        assert!(decode(&[0xa2, 1, 0xf4, 1, 0xf4]).is_err());
    }
}
