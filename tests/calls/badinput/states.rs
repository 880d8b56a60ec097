//! Calls at the wrong time: no operation, another one's key gone, the session closed in between.

use crate::badinput::calls::going_on;
use kit::{Mechanism, Result, Template, ck, curve, isolated};

const DATA: [u8; 32] = *b"thirty-two bytes, good for a MAC";

/// The calls of a signature.
const SIGNING: [&str; 3] = ["C_Sign", "C_SignUpdate", "C_SignFinal"];

#[test]
fn without_an_operation_there_is_nothing_to_go_on_with() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (call, answer) in going_on(&session, &[]) {
            assert_eq!(answer, ck::CKR_OPERATION_NOT_INITIALIZED, "{call}");
        }
        // One that is active helps no other.
        session.sign_init(&Mechanism::plain(ck::CKM_SHA256_HMAC), session.secret(&DATA)).unwrap();
        for (call, answer) in going_on(&session, &SIGNING) {
            assert_eq!(answer, ck::CKR_OPERATION_NOT_INITIALIZED, "{call}");
        }
        assert_eq!(session.sign(&DATA).unwrap().len(), 32);
    });
}

#[test]
fn a_closed_session_does_nothing_more() {
    isolated(|env| {
        let module = env.module();
        let first = env.user(&module);
        let session = module.open_rw(first.info().unwrap().slotID).unwrap();
        session.sign_init(&Mechanism::plain(ck::CKM_SHA256_HMAC), first.secret(&DATA)).unwrap();
        session.close().unwrap();
        for (call, answer) in going_on(&session, &[]) {
            assert_eq!(answer, ck::CKR_SESSION_HANDLE_INVALID, "{call}");
        }
        first.random(8).unwrap();
    });
}

#[test]
fn a_key_destroyed_in_mid_operation_does_no_harm() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (_, private) = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P256);
        let sha256 = Mechanism::plain(ck::CKM_ECDSA_SHA256);
        session.sign_init(&sha256, private).unwrap();
        session.sign_update(&DATA).unwrap();
        session.destroy(private).unwrap();
        // It may end or go on, as the standard leaves open; the next one cannot begin.
        if let Err(ended) = session.sign_final() {
            assert_eq!(ended, ck::CKR_OPERATION_NOT_INITIALIZED);
        }
        assert_eq!(session.sign_init(&sha256, private).unwrap_err(), ck::CKR_KEY_HANDLE_INVALID);
    });
}

#[test]
fn objects_that_are_no_keys_have_no_use_as_keys() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let data = Template::new().class(ck::CKO_DATA).bytes(ck::CKA_VALUE, DATA);
        let data = session.create(&data).unwrap();
        let refused = [ck::CKR_KEY_HANDLE_INVALID, ck::CKR_KEY_TYPE_INCONSISTENT];
        for outcome in [
            session.encrypt_init(&Mechanism::plain(ck::CKM_AES_ECB), data),
            session.decrypt_init(&Mechanism::plain(ck::CKM_AES_ECB), data),
            session.sign_init(&Mechanism::plain(ck::CKM_SHA256_HMAC), data),
            session.verify_init(&Mechanism::plain(ck::CKM_ECDSA), data),
        ] {
            let code = outcome.unwrap_err();
            assert!(refused.iter().any(|refused| code == *refused), "{code}");
        }
        session.digest_init(&Mechanism::plain(ck::CKM_SHA256)).unwrap();
        let code = session.digest_key(data).unwrap_err();
        assert!(code == ck::CKR_KEY_HANDLE_INVALID || code == ck::CKR_KEY_INDIGESTIBLE, "{code}");
    });
}

#[test]
fn mechanisms_are_refused_by_functions_that_they_are_not_for() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let slot = session.info().unwrap().slotID;
        let (key, none) = (session.secret(&DATA), Template::new());
        for of in module.mechanisms(slot).unwrap() {
            let flags = module.mechanism_info(slot, of).unwrap().flags;
            let mechanism = Mechanism::plain(of);
            let calls: [(ck::CK_FLAGS, &dyn Fn() -> Result<()>); 8] = [
                (ck::CKF_ENCRYPT, &|| session.encrypt_init(&mechanism, key)),
                (ck::CKF_DECRYPT, &|| session.decrypt_init(&mechanism, key)),
                (ck::CKF_SIGN, &|| session.sign_init(&mechanism, key)),
                (ck::CKF_VERIFY, &|| session.verify_init(&mechanism, key)),
                (ck::CKF_VERIFY, &|| session.verify_signature_init(&mechanism, key, &DATA)),
                (ck::CKF_DIGEST, &|| session.digest_init(&mechanism)),
                (ck::CKF_GENERATE, &|| session.generate_key(&mechanism, &none).map(drop)),
                (ck::CKF_GENERATE_KEY_PAIR, &|| session.generate_key_pair(&mechanism, &none, &none).map(drop)),
            ];
            for (flag, call) in calls {
                let outcome = call();
                let refused = outcome.is_err_and(|code| code == ck::CKR_MECHANISM_INVALID);
                assert_eq!(refused, flags & flag == 0, "{of:#x} and {flag:#x}: {outcome:?}");
                session.cancel(u64::MAX).unwrap();
            }
        }
    });
}
