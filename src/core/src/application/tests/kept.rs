//! What a session keeps of an operation for the next one ends with the key.

use super::{Bench, Said, attributes};
use crate::Error;
use crate::attribute::Attributes;
use crate::mechanism::aead::Message;
use crate::mechanism::derive::tls::Tls;
use crate::mechanism::hotp::Otp;
use crate::mechanism::key::Key;
use crate::mechanism::{Mechanism, Parameter};
use crate::session::operation::{Kind, Search};
use cryptoki_sys as ck;
use sealhsm_seal::Who;
use std::sync::{Arc, Barrier, Weak};

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
fn a_destroyed_key_is_wiped_in_saved_states() {
    let bench = Bench::new("");
    let (key, _, held) = used(&bench, false);
    let hmac = Mechanism { mechanism: ck::CKM_SHA256_HMAC, parameter: Parameter::None };
    bench.app.sign_init(bench.session, Some(&hmac), key).unwrap();
    bench.app.operation_state(bench.session, Some(&mut [0; 40])).unwrap();
    bench.app.sign_final(bench.session, Some(&mut [0; 32])).unwrap();
    assert_eq!(bench.app.states.held(), 1);
    bench.app.destroy_object(bench.session, key).unwrap();
    assert_eq!((bench.app.states.held(), held.strong_count()), (0, 0));
}

#[test]
fn a_key_that_is_destroyed_during_an_operation_is_wiped_when_that_ends_well() {
    let bench = Bench::new("");
    let (key, _, held) = used(&bench, false);
    let hmac = Mechanism { mechanism: ck::CKM_SHA256_HMAC, parameter: Parameter::None };
    bench.app.sign_init(bench.session, Some(&hmac), key).unwrap();
    bench.app.destroy_object(bench.session, key).unwrap();
    assert_eq!(held.strong_count(), 1);
    bench.app.sign(bench.session, b"data", Some(&mut [0; 32])).unwrap();
    assert_eq!(held.strong_count(), 0);
}

#[test]
fn a_digest_that_took_in_a_key_does_not_rest() {
    let bench = Bench::new("");
    let (key, ..) = used(&bench, false);
    let sha256 = Mechanism { mechanism: ck::CKM_SHA256, parameter: Parameter::None };
    for taken in [0, key] {
        bench.app.digest_init(bench.session, Some(&sha256)).unwrap();
        if taken != 0 {
            bench.app.digest_key(bench.session, taken).unwrap();
        }
        bench.app.digest_final(bench.session, Some(&mut [0; 32])).unwrap();
        let session = bench.app.session(bench.session).unwrap();
        let rests = session.operations().at_rest(Kind::Digest, ck::CKM_SHA256, taken).is_some();
        assert_eq!(rests, taken == 0);
    }
}

#[test]
fn a_key_keeps_no_engine_that_keeps_the_key() {
    let bench = Bench::new("");
    let aead = || Parameter::Aead(Message { nonce: &[1; 12], aad: &[], tag_bits: 128, len: Some(4) });
    let gcm = Parameter::Gcm { iv: &[1; 12], aad: &[], tag_bits: 128 };
    let finished = Parameter::Tls(Tls::Mac { prf: ck::CKM_SHA256, len: 12, side: 1 });
    let cipher = |mechanism, parameter, of| (Mechanism { mechanism, parameter }, of, ck::CKA_ENCRYPT);
    let mac = |mechanism, parameter, of| (Mechanism { mechanism, parameter }, of, ck::CKA_SIGN);
    for (mechanism, key_type, usage) in [
        cipher(ck::CKM_AES_GCM, gcm, ck::CKK_AES),
        cipher(ck::CKM_AES_CCM, aead(), ck::CKK_AES),
        cipher(ck::CKM_CHACHA20_POLY1305, aead(), ck::CKK_CHACHA20),
        cipher(ck::CKM_AES_CBC_PAD, Parameter::Bytes(&[1; 16]), ck::CKK_AES),
        cipher(ck::CKM_AES_CTS, Parameter::Bytes(&[1; 16]), ck::CKK_AES),
        cipher(ck::CKM_AES_XTS, Parameter::Bytes(&[1; 16]), ck::CKK_AES_XTS),
        mac(ck::CKM_TLS_MAC, finished, ck::CKK_GENERIC_SECRET),
        mac(ck::CKM_HOTP, Parameter::Otp(Otp::default()), ck::CKK_HOTP),
        mac(ck::CKM_AES_CMAC, Parameter::None, ck::CKK_AES),
        mac(ck::CKM_SHA256_HMAC, Parameter::None, ck::CKK_GENERIC_SECRET),
    ] {
        let class = if key_type == ck::CKK_HOTP { ck::CKO_OTP_KEY } else { ck::CKO_SECRET_KEY };
        let value: Vec<u8> = (0..32).collect();
        let said = Said::key(class, key_type).bytes(ck::CKA_VALUE, &value).flag(usage, true);
        let said = said.flag(ck::CKA_PRIVATE, false);
        let key = bench.app.create_object(bench.session, &said.template()).unwrap();
        let held = Arc::downgrade(&bench.object(key).unwrap().key(None).unwrap().0);
        let mut out = [0; 64];
        if usage == ck::CKA_SIGN {
            let data = if class == ck::CKO_OTP_KEY { &b""[..] } else { b"data" };
            bench.app.sign_init(bench.session, Some(&mechanism), key).unwrap();
            bench.app.sign(bench.session, data, Some(&mut out)).unwrap();
        } else {
            let text = if key_type == ck::CKK_AES_XTS { &[0; 16][..] } else { b"text" };
            let text = if mechanism.mechanism == ck::CKM_AES_CTS { &[0; 16] } else { text };
            bench.app.encrypt_init(bench.session, Some(&mechanism), key).unwrap();
            bench.app.encrypt(bench.session, text, Some(&mut out)).unwrap();
        }
        // Another operation sends the engine back to its key.
        let digest = Mechanism { mechanism: ck::CKM_SHA256, parameter: Parameter::None };
        bench.app.digest_init(bench.session, Some(&digest)).unwrap();
        bench.app.digest(bench.session, b"data", Some(&mut out)).unwrap();
        bench.app.destroy_object(bench.session, key).unwrap();
        assert_eq!(held.strong_count(), 0, "{:#x}", mechanism.mechanism);
    }
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

#[test]
fn no_object_comes_to_be_in_a_session_that_was_closed() {
    let bench = Bench::new("");
    let said = Said::key(ck::CKO_SECRET_KEY, ck::CKK_GENERIC_SECRET).bytes(ck::CKA_VALUE, &[7; 32]);
    let key = bench.app.create_object(bench.session, &said.flag(ck::CKA_PRIVATE, false).template()).unwrap();
    let session = bench.app.open_session(7, ck::CKF_SERIAL_SESSION).unwrap();
    let call = bench.app.session(session).unwrap();
    bench.app.close_session(session).unwrap();
    let object = || attributes(&bench.object(key).unwrap()).duplicate();
    assert_eq!(bench.app.keep_one(&call, object()), Err(Error::SessionClosed));
    assert_eq!(bench.app.keep(&call, vec![object(), object()]), Err(Error::SessionClosed));
    assert_eq!(bench.token.with_view(|view| view.candidates(&Attributes::new()).len()), 1);
}

#[test]
fn a_key_that_is_destroyed_while_a_session_is_in_use_is_wiped_when_the_call_ends() {
    let bench = Bench::new("");
    let (key, sessions, held) = used(&bench, false);
    let call = bench.app.session(sessions[0]).unwrap();
    let at_work = call.operations();
    bench.app.destroy_object(bench.session, key).unwrap();
    drop(at_work);
    drop(call);
    assert_eq!(held.strong_count(), 0);
}

#[test]
fn a_session_that_is_closed_in_the_middle_of_a_call_keeps_nothing_of_it() {
    let bench = Bench::new("");
    let session = bench.app.open_session(7, ck::CKF_SERIAL_SESSION).unwrap();
    let call = bench.app.session(session).unwrap();
    let kept = call.clone();
    bench.app.close_session(session).unwrap();
    call.operations().search = Some(Search { found: vec![1] });
    drop(call);
    assert!(kept.operations().search.is_none());
}

#[test]
fn a_state_that_is_put_back_while_the_user_logs_out_ends_with_the_login() {
    let bench = Bench::new("");
    let said = Said::key(ck::CKO_SECRET_KEY, ck::CKK_GENERIC_SECRET).bytes(ck::CKA_VALUE, &[7; 32]);
    let said = said.flag(ck::CKA_SIGN, true).flag(ck::CKA_PRIVATE, true);
    let mechanism = Mechanism { mechanism: ck::CKM_SHA256_HMAC, parameter: Parameter::None };
    for round in 0..3000 {
        bench.become_user(Some(Who::User));
        let key = bench.app.create_object(bench.session, &said.template()).unwrap();
        bench.app.sign_init(bench.session, Some(&mechanism), key).unwrap();
        bench.app.sign_update(bench.session, b"part").unwrap();
        let mut state = [0; 40];
        bench.app.operation_state(bench.session, Some(&mut state)).unwrap();
        let ready = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                ready.wait();
                for _ in 0..8 {
                    let _ = bench.app.set_operation_state(bench.session, &state, 0, 0);
                    let _ = bench.app.operation_state(bench.session, Some(&mut [0; 40]));
                }
            });
            ready.wait();
            (0..round % 64).for_each(|_| std::hint::spin_loop());
            bench.become_user(None);
        });
        let signed = bench.app.sign_final(bench.session, Some(&mut [0; 32]));
        assert_eq!(signed, Err(Error::OperationNotInitialized), "round {round}");
        let held = bench.app.states.held();
        assert_eq!(held, 0, "round {round}");
    }
}
