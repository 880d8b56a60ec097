//! Chapter "session management" (PKCS#11 3.2 section 5.6): opening, closing, what ends with a session. Logins are in
//! logins.rs.

use kit::{Mechanism, Module, Object, Session, Template, USER_PIN, ck, code, data, isolated, state};
use std::collections::HashSet;
use std::ptr::null_mut;

const SERIAL: ck::CK_FLAGS = ck::CKF_SERIAL_SESSION;
const RW: ck::CK_FLAGS = ck::CKF_SERIAL_SESSION | ck::CKF_RW_SESSION;

fn count(session: &Session<'_>) -> usize {
    session.find(&Template::new()).unwrap().len()
}

#[test]
fn a_session_is_serial_and_on_an_initialised_token() {
    isolated(|env| {
        let module = env.module();
        let slot = env.token(&module, "test");
        let free = module.slots().unwrap()[1];
        let open = |slot, flags| code(module.open(slot, flags));
        assert_eq!(open(slot, 0), ck::CKR_SESSION_PARALLEL_NOT_SUPPORTED);
        assert_eq!(open(slot, ck::CKF_RW_SESSION), ck::CKR_SESSION_PARALLEL_NOT_SUPPORTED);
        assert_eq!(open(slot, SERIAL | ck::CKF_ASYNC_SESSION), ck::CKR_SESSION_ASYNC_NOT_SUPPORTED);
        assert_eq!(open(slot, SERIAL | 1 << 20), ck::CKR_ARGUMENTS_BAD);
        assert_eq!(open(free, RW), ck::CKR_TOKEN_NOT_INITIALIZED);
        assert_eq!(open(99, RW), ck::CKR_SLOT_ID_INVALID);
        assert_eq!(null_arguments(&module, slot), [ck::CKR_ARGUMENTS_BAD; 2]);
        for flags in [SERIAL, RW] {
            let info = module.open(slot, flags).unwrap().info().unwrap();
            assert_eq!((info.slotID, info.flags, info.ulDeviceError), (slot, flags, 0));
        }
    });
}

#[allow(unsafe_code)]
fn null_arguments(module: &Module, slot: ck::CK_SLOT_ID) -> [ck::CK_RV; 2] {
    let session = module.open_ro(slot).unwrap();
    // SAFETY: NULL is what is tested.
    unsafe {
        [
            module.raw().C_OpenSession(slot, SERIAL, null_mut(), None, null_mut()),
            module.raw().C_GetSessionInfo(session.handle, null_mut()),
        ]
    }
}

#[test]
fn closing_all_sessions_is_for_one_token_and_logs_out() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let reader = module.open_ro(0).unwrap();
        let other = module.open_rw(env.token(&module, "other")).unwrap();
        other.login(ck::CKU_USER, USER_PIN).unwrap();
        module.close_all(0).unwrap();
        for closed in [session, reader] {
            assert_eq!(code(closed.info()), ck::CKR_SESSION_HANDLE_INVALID);
        }
        assert_eq!(state(&other), ck::CKS_RW_USER_FUNCTIONS);
        assert_eq!(state(&module.open_rw(0).unwrap()), ck::CKS_RW_PUBLIC_SESSION);
        module.close_all(0).unwrap();
        module.close_all(0).unwrap();
        module.close_all(module.slots().unwrap()[2]).unwrap();
        assert_eq!(module.token_info(0).unwrap().ulSessionCount, 0);
    });
}

#[test]
fn handles_of_sessions_and_objects_are_never_used_again() {
    isolated(|env| {
        let module = env.module();
        env.token(&module, "test");
        let mut seen = HashSet::new();
        for _ in 0..3 {
            let slot = module.slots().unwrap()[0];
            for _ in 0..50 {
                let session = module.open_rw(slot).unwrap();
                assert!(seen.insert(session.handle));
                let object = session.create(&data("x").private(false)).unwrap();
                assert!(seen.insert(object.0));
                session.destroy(object).unwrap();
                assert_eq!(code(session.destroy(object)), ck::CKR_OBJECT_HANDLE_INVALID);
                session.close().unwrap();
            }
            module.finalize().unwrap();
            module.initialize().unwrap();
        }
        assert!(!seen.contains(&0));
    });
}

#[test]
fn session_objects_are_seen_by_every_session_of_the_application_and_end_with_their_own() {
    isolated(|env| {
        let module = env.module();
        let owner = env.user(&module);
        let other = module.open_ro(0).unwrap();
        let open = owner.create(&data("open").private(false)).unwrap();
        let hidden = owner.create(&data("hidden").private(true)).unwrap();
        let kept = other.create(&data("kept").private(false)).unwrap();
        assert_eq!(count(&other), 3);
        assert_eq!(other.bytes(hidden, ck::CKA_LABEL).unwrap(), b"hidden");
        env.elsewhere(|module| {
            let session = module.session("test");
            session.login(ck::CKU_USER, USER_PIN).unwrap();
            assert_eq!(count(&session), 0);
        });
        owner.close().unwrap();
        assert_eq!(other.find(&Template::new()).unwrap(), [kept]);
        for gone in [open, hidden] {
            assert_eq!(code(other.bytes(gone, ck::CKA_LABEL)), ck::CKR_OBJECT_HANDLE_INVALID);
        }
        other.close().unwrap();
        assert_eq!(count(&module.open_ro(0).unwrap()), 0);
    });
}

#[test]
fn closing_a_session_and_c_finalize_end_what_runs_in_it() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let other = module.open_rw(0).unwrap();
        other.digest_init(&Mechanism::plain(ck::CKM_SHA256)).unwrap();
        other.close().unwrap();
        assert_eq!(code(other.digest(b"x")), ck::CKR_SESSION_HANDLE_INVALID);
        session.digest_init(&Mechanism::plain(ck::CKM_SHA256)).unwrap();
        module.finalize().unwrap();
        assert_eq!(code(session.digest(b"x")), ck::CKR_CRYPTOKI_NOT_INITIALIZED);
        module.initialize().unwrap();
        assert_eq!(code(session.digest(b"x")), ck::CKR_SESSION_HANDLE_INVALID);
        let again = module.open_rw(module.slots().unwrap()[0]).unwrap();
        assert_eq!(state(&again), ck::CKS_RW_PUBLIC_SESSION);
    });
}

/// An operation: its flag, what begins it, and its Init without a mechanism.
struct Operation<'o>(ck::CK_FLAGS, Call<'o>, Call<'o>);
type Call<'o> = Box<dyn Fn() -> kit::Result<()> + 'o>;

/// Every operation that a mechanism begins.
fn operations<'o>(session: &'o Session<'o>) -> Vec<Operation<'o>> {
    let (aes, secret) = (session.aes(&[3; 16]), session.secret(&[9; 32]));
    let (public, private) = session.rsa_pair(1024);
    type Init<'o> = fn(&Session<'o>, &Mechanism, Object) -> kit::Result<()>;
    let with = |flag, init: Init<'o>, of, key, cancel: fn(&Session<'o>) -> kit::Result<()>| {
        let mechanism = Mechanism::plain(of);
        Operation(flag, Box::new(move || init(session, &mechanism, key)), Box::new(move || cancel(session)))
    };
    let (ecb, gcm, hmac, pkcs) = (ck::CKM_AES_ECB, ck::CKM_AES_GCM, ck::CKM_SHA256_HMAC, ck::CKM_RSA_PKCS);
    vec![
        with(ck::CKF_ENCRYPT, |s, m, key| s.encrypt_init(m, key), ecb, aes, Session::encrypt_cancel),
        with(ck::CKF_DECRYPT, |s, m, key| s.decrypt_init(m, key), ecb, aes, Session::decrypt_cancel),
        with(ck::CKF_DIGEST, |s, m, _| s.digest_init(m), ck::CKM_SHA256, aes, Session::digest_cancel),
        with(ck::CKF_SIGN, |s, m, key| s.sign_init(m, key), hmac, secret, Session::sign_cancel),
        with(ck::CKF_VERIFY, |s, m, key| s.verify_init(m, key), hmac, secret, Session::verify_cancel),
        with(
            ck::CKF_VERIFY,
            |s, m, key| s.verify_signature_init(m, key, &[0; 32]),
            hmac,
            secret,
            Session::verify_signature_cancel,
        ),
        with(
            ck::CKF_SIGN_RECOVER,
            |s, m, key| s.sign_recover_init(m, key),
            pkcs,
            private,
            Session::sign_recover_cancel,
        ),
        with(
            ck::CKF_VERIFY_RECOVER,
            |s, m, key| s.verify_recover_init(m, key),
            pkcs,
            public,
            Session::verify_recover_cancel,
        ),
        with(
            ck::CKF_MESSAGE_ENCRYPT,
            |s, m, key| s.message_encrypt_init(m, key),
            gcm,
            aes,
            Session::message_encrypt_cancel,
        ),
        with(
            ck::CKF_MESSAGE_DECRYPT,
            |s, m, key| s.message_decrypt_init(m, key),
            gcm,
            aes,
            Session::message_decrypt_cancel,
        ),
        with(ck::CKF_MESSAGE_SIGN, |s, m, key| s.message_sign_init(m, key), hmac, secret, Session::message_sign_cancel),
        with(
            ck::CKF_MESSAGE_VERIFY,
            |s, m, key| s.message_verify_init(m, key),
            hmac,
            secret,
            Session::message_verify_cancel,
        ),
    ]
}

#[test]
fn c_session_cancel_ends_the_operations_that_its_flags_name() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let mut all: Vec<_> = operations(&session).into_iter().map(|Operation(flag, begin, _)| (flag, begin)).collect();
        all.push((ck::CKF_FIND_OBJECTS, Box::new(|| session.find_init(&Template::new()))));
        for (flag, begin) in all {
            session.cancel(flag).unwrap();
            begin().unwrap();
            session.cancel(0).unwrap();
            session.cancel(!flag).unwrap();
            assert_eq!(code(begin()), ck::CKR_OPERATION_ACTIVE, "{flag:#x}");
            session.cancel(flag).unwrap();
            begin().unwrap();
            session.cancel(flag | 1 << 30).unwrap();
        }
        // One half of a pair leaves the other.
        let key = session.aes(&[3; 16]);
        session.encrypt_init(&Mechanism::plain(ck::CKM_AES_ECB), key).unwrap();
        session.digest_init(&Mechanism::plain(ck::CKM_SHA256)).unwrap();
        session.cancel(ck::CKF_ENCRYPT).unwrap();
        assert_eq!(code(session.encrypt(&[0; 16])), ck::CKR_OPERATION_NOT_INITIALIZED);
        assert_eq!(session.digest(b"x").unwrap().len(), 32);
    });
}

#[test]
fn an_init_call_without_a_mechanism_ends_its_operation_alone_and_is_fine_without_one() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let all = operations(&session);
        for (number, Operation(flag, begin, cancel)) in all.iter().enumerate() {
            cancel().unwrap();
            begin().unwrap();
            for (_, Operation(_, _, other)) in all.iter().enumerate().filter(|(other, _)| *other != number) {
                other().unwrap();
            }
            assert_eq!(code(begin()), ck::CKR_OPERATION_ACTIVE, "{flag:#x}");
            cancel().unwrap();
            begin().unwrap();
            cancel().unwrap();
        }
    });
}

#[test]
fn sessions_are_counted() {
    isolated(|env| {
        let module = env.module();
        let slot = env.token(&module, "test");
        let counts = || module.token_info(slot).map(|info| (info.ulSessionCount, info.ulRwSessionCount)).unwrap();
        let sessions: Vec<_> = (0..300).map(|_| module.open_ro(slot).unwrap()).collect();
        let writer = module.open_rw(slot).unwrap();
        assert_eq!(counts(), (301, 1));
        writer.close().unwrap();
        sessions[7].close().unwrap();
        assert_eq!(counts(), (299, 0));
        module.close_all(slot).unwrap();
        assert_eq!(counts(), (0, 0));
    });
}
