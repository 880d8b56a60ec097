//! Pieces of work in OpenSSL, of which the floors of what is done with key pairs are put together.

use super::VALUE;
use super::pairs::Pair;
use crate::floor::Run;
use crate::floor::{self, Bytes, Direction, Kem, Keying, Kind, Options, Use};

pub const PKCS1: Options = &[("rsa_padding_mode", "pkcs1")];
pub const RAW: Options = &[("rsa_padding_mode", "none")];
pub const OAEP: Options = &[("rsa_padding_mode", "oaep"), ("rsa_oaep_md", "SHA256"), ("rsa_mgf1_md", "SHA256")];
pub const NONE: Options = &[];

/// One piece.
#[derive(Clone, Copy)]
pub enum Work {
    /// A new secret value.
    Random,
    /// A new pair.
    Pair(&'static Pair),
    /// A use of a pair, with options, on so many bytes.
    Use(&'static Pair, Use, Options, usize),
    /// Half of an encapsulation.
    Kem(&'static Pair, Kem),
    /// A key object of such a value, see [`Bytes::objects`].
    Object,
    /// RFC 5649 on a secret value under a new key of AES-256.
    KeyWrap(Direction),
}

impl Work {
    fn run(self) -> Result<Run, String> {
        match self {
            Work::Random => Bytes::Random.run(0, VALUE),
            Work::Object => Bytes::Known.objects(0, vec![VALUE]),
            Work::Pair(pair) => floor::generation(pair.floor, pair.options),
            Work::Use(pair, how, options, length) => {
                floor::pkey(pair.floor, pair.options, how, options, message(length))
            }
            Work::Kem(pair, how) => floor::kem(pair.floor, pair.options, how),
            Work::KeyWrap(direction) => {
                floor::cipher((c"AES-256-WRAP-PAD", Kind::Wrap), Keying::Each, direction, 32, 0, VALUE)
            }
        }
    }
}

/// All of it, one after the other.
pub fn all(works: &[Work]) -> Result<Run, String> {
    Ok(floor::together(works.iter().map(|work| work.run()).collect::<Result<_, _>>()?))
}

/// The same, and an object of the key that comes of it.
pub fn key(works: &[Work]) -> Result<Run, String> {
    all(&[works, &[Work::Object]].concat())
}

/// Data that begins with a zero, so that as a number it is smaller than a modulus.
pub fn message(length: usize) -> Vec<u8> {
    let mut data = vec![7; length];
    if let Some(first) = data.first_mut() {
        *first = 0;
    }
    data
}
