//! What wraps keys: every cipher that may, and key pairs. What unwraps makes an object and destroys it again.

use super::ciphers::{self, CIPHERS, Cipher};
use super::derivation::{SHOWN, secret_template};
use super::pairs::{self, Pair};
use super::parameters::Parameter;
use super::work::{self, NONE, OAEP, PKCS1, RAW, Work};
use super::{VALUE, key, named_bare, readable, secret};
use crate::cases::{Case, Limit};
use crate::client::{Outcome, Session};
use crate::floor::Run;
use crate::floor::{self, Bytes, Direction, Keying, Use};
use cryptoki_sys::*;

/// A wrapping under a public key.
pub struct Wrapping {
    name: &'static str,
    pub mechanism: CK_MECHANISM_TYPE,
    pair: &'static Pair,
    parameter: Parameter,
    wrap: &'static [Work],
    unwrap: &'static [Work],
}

macro_rules! wrappings {
    ($($label:literal $name:ident $pair:ident $parameter:ident $to:expr, $from:expr;)*) => {
        &[$(Wrapping {
            name: concat!(stringify!($name), $label),
            mechanism: $name,
            pair: pairs::$pair,
            parameter: Parameter::$parameter,
            wrap: $to,
            unwrap: $from,
        }),*]
    };
}

/// A use of a pair on this many bytes.
macro_rules! with {
    ($pair:ident $how:ident $options:ident $length:expr) => {
        Work::Use(pairs::$pair, Use::$how, $options, $length)
    };
}

const TO: Work = Work::KeyWrap(Direction::Encrypt);
const FROM: Work = Work::KeyWrap(Direction::Decrypt);

pub const WRAPPINGS: &[Wrapping] = wrappings! {
    "" CKM_RSA_PKCS RSA None &[with!(RSA Encrypt PKCS1 VALUE)], &[with!(RSA Decrypt PKCS1 VALUE)];
    "" CKM_RSA_X_509 RSA None &[with!(RSA Encrypt RAW 256)], &[with!(RSA Decrypt RAW 256)];
    "" CKM_RSA_PKCS_OAEP RSA Oaep &[with!(RSA Encrypt OAEP VALUE)], &[with!(RSA Decrypt OAEP VALUE)];
    "" CKM_RSA_AES_KEY_WRAP RSA RsaAes
        &[Work::Random, with!(RSA Encrypt OAEP VALUE), TO], &[with!(RSA Decrypt OAEP VALUE), FROM];
    " P-256" CKM_ECDH_AES_KEY_WRAP P256 EcdhAes
        &[Work::Pair(pairs::P256), with!(P256 Derive NONE 0), TO], &[with!(P256 Derive NONE 0), FROM];
    " P-256" CKM_ECDH_COF_AES_KEY_WRAP P256 EcdhAes
        &[Work::Pair(pairs::P256), with!(P256 Derive NONE 0), TO], &[with!(P256 Derive NONE 0), FROM];
    " X25519" CKM_ECDH_X_AES_KEY_WRAP X25519 EcdhAes
        &[Work::Pair(pairs::X25519), with!(X25519 Derive NONE 0), TO], &[with!(X25519 Derive NONE 0), FROM];
};

/// The ciphers that wrap: all but bare streams.
pub fn wrapping_ciphers() -> impl Iterator<Item = &'static Cipher> {
    CIPHERS.iter().filter(|row| !matches!(row.mechanism, CKM_RC4 | CKM_CHACHA20))
}

const BOTH: [(&str, Direction); 2] = [("wrap", Direction::Encrypt), ("unwrap", Direction::Decrypt)];

/// Both directions of every row.
pub fn cases() -> impl Iterator<Item = Case> {
    let ciphers = wrapping_ciphers().flat_map(|row| {
        BOTH.map(|(word, direction)| {
            let floor = move || {
                let bytes = floor::cipher((row.floor, row.kind), Keying::Each, direction, row.key.1, row.iv, VALUE)?;
                Ok(match direction {
                    Direction::Encrypt => bytes,
                    Direction::Decrypt => floor::together(vec![bytes, Bytes::Known.objects(0, vec![VALUE])?]),
                })
            };
            let name = format!("{} {word}", named_bare(row.name));
            Case::new(name, floor, move |s| under_cipher(s, row, direction)).within(Limit::Short)
        })
    });
    let pairs = WRAPPINGS.iter().flat_map(|row| {
        BOTH.map(|(word, direction)| {
            let floor = move || match direction {
                Direction::Encrypt => work::all(row.wrap),
                Direction::Decrypt => work::key(row.unwrap),
            };
            let name = format!("{} {word}", named_bare(row.name));
            Case::new(name, floor, move |s| under_pair(s, row, direction)).within(Limit::Short)
        })
    });
    ciphers.chain(pairs)
}

fn under_cipher(session: Session, row: &'static Cipher, direction: Direction) -> Result<Run, String> {
    let under = secret(&session, row.key, CKA_WRAP)?;
    let mut iv = vec![0; row.iv];
    // Whoever unwraps has to have the IV with which it was wrapped.
    let fresh = direction == Direction::Encrypt;
    wrapping(session, (under, under), direction, move |call| {
        if let Some(first) = iv.first_mut().filter(|_| fresh) {
            *first = u8::wrapping_add(*first, 1);
        }
        ciphers::with(row.mechanism, row.parameter, &mut iv, VALUE, call)
    })
}

fn under_pair(session: Session, row: &'static Wrapping, direction: Direction) -> Result<Run, String> {
    let under = row.pair.make(&session)?;
    let mut mechanism = row.parameter.given(row.mechanism, &session)?.mechanism;
    wrapping(session, under, direction, move |call| call(&mut mechanism))
}

/// Calls with a mechanism.
type Call<'a> = &'a mut dyn FnMut(&mut CK_MECHANISM) -> Outcome<CK_ULONG>;

/// Wraps a key under the first of two, or unwraps it under the second.
fn wrapping(
    session: Session,
    (to, from): (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE),
    direction: Direction,
    mut with: impl FnMut(Call<'_>) -> Outcome<CK_ULONG> + 'static,
) -> Result<Run, String> {
    let inner = readable(&session, (CKK_GENERIC_SECRET, VALUE))?;
    let mut out = vec![0; 1024];
    let n = with(&mut |mechanism| session.wrap(mechanism, to, inner, &mut out).map(|n| n as CK_ULONG))?;
    let mut wrapped = out[..n as usize].to_vec();
    let template = secret_template(VALUE as CK_ULONG);
    if direction == Direction::Encrypt {
        return Ok(Box::new(move || {
            with(&mut |mechanism| session.wrap(mechanism, to, inner, &mut out).map(|n| n as CK_ULONG)).map(drop)
        }));
    }
    let shown = [template.as_slice(), SHOWN].concat();
    let made = with(&mut |mechanism| session.unwrap(mechanism, from, &mut wrapped, &shown))?;
    if session.bytes(made, CKA_VALUE)? != key(VALUE) {
        return Err("another key than was wrapped".into());
    }
    session.destroy(made)?;
    Ok(Box::new(move || {
        let made = with(&mut |mechanism| session.unwrap(mechanism, from, &mut wrapped, &template))?;
        session.destroy(made)
    }))
}
