//! What a session keeps of an operation for the next one ends with the key.

use super::{Bench, Said};
use crate::mechanism::key::Key;
use crate::mechanism::{Mechanism, Parameter};
use cryptoki_sys as ck;
use sealhsm_seal::Who;
use std::sync::{Arc, Weak};

/// A key that two sessions used, these sessions, and a look at whether anything still holds the key.
fn used(bench: &Bench, private: bool) -> (u64, [u64; 2], Weak<Key>) {
    let said = Said::key(ck::CKO_SECRET_KEY, ck::CKK_GENERIC_SECRET).bytes(ck::CKA_VALUE, &[7; 32]);
    let said = said.flag(ck::CKA_SIGN, true).flag(ck::CKA_PRIVATE, private);
    let key = bench.app.create_object(bench.session, &said.template()).unwrap();
    let flags = ck::CKF_SERIAL_SESSION | ck::CKF_RW_SESSION;
    let sessions = [0, 1].map(|_| bench.app.open_session(7, flags).unwrap());
    let mechanism = Mechanism { mechanism: ck::CKM_SHA256_HMAC, parameter: Parameter::None };
    for session in sessions {
        for _ in 0..2 {
            bench.app.sign_init(session, Some(&mechanism), key).unwrap();
            bench.app.sign(session, b"data", Some(&mut [0; 32])).unwrap();
        }
    }
    let object = bench.object(key).unwrap();
    let held = Arc::downgrade(&object.key(None).unwrap().0);
    assert!(held.strong_count() > 2);
    (key, sessions, held)
}

#[test]
fn a_destroyed_key_is_wiped_in_every_session() {
    let bench = Bench::new("");
    let (key, _, held) = used(&bench, false);
    bench.app.destroy_object(bench.session, key).unwrap();
    assert_eq!(held.strong_count(), 0);
}

#[test]
fn a_logout_wipes_private_keys_in_every_session() {
    let bench = Bench::new("");
    bench.become_user(Some(Who::User));
    let (.., held) = used(&bench, true);
    bench.become_user(None);
    assert_eq!(held.strong_count(), 0);
}

#[test]
fn a_closed_session_keeps_nothing() {
    let bench = Bench::new("");
    let (key, sessions, held) = used(&bench, false);
    for session in sessions {
        bench.app.close_session(session).unwrap();
    }
    // The object's own.
    assert_eq!(held.strong_count(), 1);
    bench.app.destroy_object(bench.session, key).unwrap();
    assert_eq!(held.strong_count(), 0);
}
