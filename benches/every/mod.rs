//! Every mechanism beside its floor: a row for each function that it has, and for one of two that reverse each other.
//! What has no row is named at the end, so that nothing is forgotten.

mod ciphers;
mod derivation;
mod digests;
mod encapsulation;
mod generation;
mod macs;
pub mod pairs;
mod parameters;
mod privates;
mod work;
mod wrapping;

use crate::cases::Case;
use crate::client::{self, Session};
use cryptoki_sys::*;

/// Short and long input, in bytes.
const SHORT: usize = 64;
const LONG: usize = 1 << 20;
/// Bytes of a key that is wrapped or encapsulated.
const VALUE: usize = 32;
/// Bytes of the second key of a derivation.
pub const FURTHER: usize = 48;

const YES: [u8; 1] = [CK_TRUE];
const NO: [u8; 1] = [CK_FALSE];

/// A key of this many bytes: no two halves alike, and odd parity in every byte, as DES wants it.
pub fn key(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n as u8 * 2) | u8::from((n as u8 * 2).count_ones() % 2 == 0)).collect()
}

/// What is asked for: functions that a mechanism can have, and their names. The others undo these, or compare with what
/// they make.
const ASKED: &[(CK_FLAGS, &str)] = &[
    (CKF_ENCRYPT, "encrypt"),
    (CKF_MESSAGE_ENCRYPT, "encrypt messages"),
    (CKF_DIGEST, "digest"),
    (CKF_SIGN, "sign"),
    (CKF_GENERATE, "generate"),
    (CKF_GENERATE_KEY_PAIR, "generate pairs"),
    (CKF_WRAP, "wrap"),
    (CKF_UNWRAP, "unwrap"),
    (CKF_DERIVE, "derive"),
    (CKF_ENCAPSULATE, "encapsulate"),
    (CKF_DECAPSULATE, "decapsulate"),
];

/// Numbers of the mechanisms that have a row, and for which functions.
fn measured() -> Vec<(CK_MECHANISM_TYPE, CK_FLAGS)> {
    const WRAPS: CK_FLAGS = CKF_WRAP | CKF_UNWRAP;
    let mut all = vec![(CKM_PUB_KEY_FROM_PRIV_KEY, CKF_DERIVE)];
    all.extend(ciphers::CIPHERS.iter().map(|row| (row.mechanism, CKF_ENCRYPT)));
    all.extend(ciphers::MESSAGES.iter().map(|row| (row.0, CKF_MESSAGE_ENCRYPT)));
    all.extend(digests::DIGESTS.iter().map(|row| (row.1, CKF_DIGEST)));
    all.extend(macs::MACS.iter().map(|row| (row.mechanism, CKF_SIGN)));
    all.extend(privates::PRIVATES.iter().map(|row| (row.mechanism, row.measures())));
    all.extend(generation::GENERATIONS.iter().map(|row| (row.mechanism, CKF_GENERATE)));
    all.extend(generation::PAIRS.iter().map(|row| (row.1.mechanism, CKF_GENERATE_KEY_PAIR)));
    all.extend(wrapping::wrapping_ciphers().map(|row| (row.mechanism, WRAPS)));
    all.extend(wrapping::WRAPPINGS.iter().map(|row| (row.mechanism, WRAPS)));
    all.extend(derivation::DERIVATIONS.iter().map(|row| (row.mechanism, CKF_DERIVE)));
    all.extend(derivation::AGREEMENTS.iter().map(|row| (row.1, CKF_DERIVE)));
    all.extend(encapsulation::ENCAPSULATIONS.iter().map(|row| (row.mechanism, CKF_ENCAPSULATE | CKF_DECAPSULATE)));
    all
}

/// What a module lists and what has no row.
pub fn forgotten(session: &Session) -> client::Outcome<Vec<String>> {
    let measured = measured();
    let has = |mechanism, flag| measured.iter().any(|(of, flags)| *of == mechanism && flags & flag != 0);
    let mut found = Vec::new();
    for (mechanism, flags) in session.mechanisms()? {
        let missing = ASKED.iter().filter(|(flag, _)| flags & flag != 0 && !has(mechanism, *flag));
        found.extend(missing.map(|(_, name)| format!("{mechanism:#x}, {name}")));
        if ASKED.iter().all(|(flag, _)| flags & flag == 0) {
            found.push(format!("{mechanism:#x}, whatever it does"));
        }
    }
    Ok(found)
}

/// Every row at every length.
pub fn cases() -> Vec<Case> {
    ciphers::cases()
        .chain(digests::cases())
        .chain(macs::cases())
        .chain(privates::cases())
        .chain(generation::cases())
        .chain(derivation::cases())
        .chain(wrapping::cases())
        .chain(encapsulation::cases())
        .collect()
}

fn named(name: &str, length: usize) -> String {
    let length = if length == LONG { "1 MiB".to_string() } else { format!("{length} B") };
    format!("{}, {length}", named_bare(name))
}

fn named_bare(name: &str) -> &str {
    name.trim_start_matches("CKM_")
}

/// A number as a value of an attribute, kept for the life of the process.
fn ulong(number: CK_ULONG) -> &'static [u8] {
    Vec::from(number.to_ne_bytes()).leak()
}

fn secret(session: &Session, of: (CK_KEY_TYPE, usize), usage: CK_ATTRIBUTE_TYPE) -> client::Outcome<CK_OBJECT_HANDLE> {
    imported(session, of, &[(usage, &YES)])
}

/// A secret key to derive from or to wrap, which may be read.
fn readable(session: &Session, of: (CK_KEY_TYPE, usize)) -> client::Outcome<CK_OBJECT_HANDLE> {
    imported(session, of, &[(CKA_DERIVE, &YES), (CKA_SENSITIVE, &NO), (CKA_EXTRACTABLE, &YES)])
}

fn imported(
    session: &Session,
    (key_type, length): (CK_KEY_TYPE, usize),
    more: &[client::Attribute<'_>],
) -> client::Outcome<CK_OBJECT_HANDLE> {
    let (class, key_type, value) = (CKO_SECRET_KEY.to_ne_bytes(), key_type.to_ne_bytes(), key(length));
    let said: [client::Attribute<'_>; 4] =
        [(CKA_CLASS, &class), (CKA_KEY_TYPE, &key_type), (CKA_TOKEN, &NO), (CKA_VALUE, &value)];
    session.create(&[&said, more].concat())
}
