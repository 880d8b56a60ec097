//! Every mechanism that encrypts, digests or signs, beside its floor: one row each, and what makes, derives and
//! encapsulates keys. A mechanism without a row is named at the end, so that none is forgotten.

mod ciphers;
mod digests;
mod keys;
mod macs;
mod privates;

use crate::cases::Case;
use crate::client::{self, Session};
use ciphers::CIPHERS;
use cryptoki_sys::*;
use digests::DIGESTS;
use macs::MACS;
use privates::PRIVATES;

/// Short and long input, in bytes.
const SHORT: usize = 64;
const LONG: usize = 1 << 20;

const YES: [u8; 1] = [CK_TRUE];
const NO: [u8; 1] = [CK_FALSE];

/// A key of this many bytes: no two halves alike, and odd parity in every byte, as DES wants it.
pub fn key(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n as u8 * 2) | u8::from((n as u8 * 2).count_ones() % 2 == 0)).collect()
}

/// Numbers of the mechanisms that have a row.
fn measured() -> Vec<CK_MECHANISM_TYPE> {
    let ciphers = CIPHERS.iter().map(|row| row.mechanism);
    let digests = DIGESTS.iter().map(|row| row.1);
    let macs = MACS.iter().map(|row| row.mechanism);
    ciphers.chain(digests).chain(macs).chain(PRIVATES.iter().map(|row| row.mechanism)).collect()
}

/// Mechanisms that a module lists as encrypting, digesting or signing and that have no row.
pub fn forgotten(session: &Session) -> client::Outcome<Vec<CK_MECHANISM_TYPE>> {
    let measured = measured();
    let listed = session.mechanisms(CKF_ENCRYPT | CKF_DIGEST | CKF_SIGN)?;
    Ok(listed.into_iter().filter(|m| !measured.contains(m)).collect())
}

/// Every row at every length.
pub fn cases() -> Vec<Case> {
    ciphers::cases()
        .chain(digests::cases())
        .chain(macs::cases())
        .chain(privates::cases())
        .chain(keys::cases())
        .collect()
}

fn named(name: &str, length: usize) -> String {
    let length = if length == LONG { "1 MiB".to_string() } else { format!("{length} B") };
    format!("{}, {length}", name.trim_start_matches("CKM_"))
}

fn secret(
    session: &Session,
    (key_type, length): (CK_KEY_TYPE, usize),
    usage: CK_ATTRIBUTE_TYPE,
) -> client::Outcome<CK_OBJECT_HANDLE> {
    let (class, key_type) = (CKO_SECRET_KEY.to_ne_bytes(), key_type.to_ne_bytes());
    session.create(&[
        (CKA_CLASS, &class),
        (CKA_KEY_TYPE, &key_type),
        (CKA_TOKEN, &NO),
        (usage, &YES),
        (CKA_VALUE, &key(length)),
    ])
}
