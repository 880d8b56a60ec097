//! Chapters "signing and MACing" and "verifying" (PKCS#11 3.2 sections 5.13 and 5.15): what every mechanism does alike,
//! and each against the vectors of its standard and the `openssl` command.

mod ecdsa;
mod eddsa;
mod hotp;
mod mac;
mod operations;
mod recover;
mod rsa;

use kit::{Chance, Mechanism, Object, Result, Session};

/// Init, an Update for each part, Final.
fn sign_in_parts(session: &Session<'_>, mechanism: &Mechanism, key: Object, parts: &[&[u8]]) -> Result<Vec<u8>> {
    session.sign_init(mechanism, key)?;
    parts.iter().try_for_each(|part| session.sign_update(part))?;
    session.sign_final()
}

/// Init, an Update for each part, Final.
fn verify_in_parts(
    session: &Session<'_>,
    mechanism: &Mechanism,
    key: Object,
    parts: &[&[u8]],
    signature: &[u8],
) -> Result<()> {
    session.verify_init(mechanism, key)?;
    parts.iter().try_for_each(|part| session.verify_update(part))?;
    session.verify_final(signature)
}

/// Signatures in one part and in several are right in one part and in several, and no other is right.
#[track_caller]
fn round(session: &Session<'_>, mechanism: &Mechanism, (verify, sign): (Object, Object), data: &[u8]) -> Vec<u8> {
    let mut chance = Chance::seeded(data.len() as u64);
    let signature = session.sign_with(mechanism, sign, data).unwrap();
    let longest = (data.len() / 3).max(1);
    let other = sign_in_parts(session, mechanism, sign, &chance.parts(data, longest)).unwrap();
    for signature in [&signature, &other] {
        session.verify_with(mechanism, verify, data, signature).unwrap();
        verify_in_parts(session, mechanism, verify, &chance.parts(data, longest), signature).unwrap();
    }
    refuses(session, mechanism, verify, data, &signature);
    signature
}

/// Neither other data nor a changed signature is taken.
#[track_caller]
fn refuses(session: &Session<'_>, mechanism: &Mechanism, verify: Object, data: &[u8], signature: &[u8]) {
    let invalid = kit::ck::CKR_SIGNATURE_INVALID;
    let mut chance = Chance::seeded(77);
    for _ in 0..4 {
        let mut wrong = signature.to_vec();
        wrong[chance.up_to(signature.len() - 1)] ^= 1 << chance.up_to(7);
        assert_eq!(session.verify_with(mechanism, verify, data, &wrong).unwrap_err(), invalid);
    }
    if !data.is_empty() {
        let mut other = data.to_vec();
        other[chance.up_to(data.len() - 1)] ^= 1;
        assert_eq!(session.verify_with(mechanism, verify, &other, signature).unwrap_err(), invalid);
    }
    assert_eq!(session.verify_with(mechanism, verify, data, &vec![0; signature.len()]).unwrap_err(), invalid);
}
