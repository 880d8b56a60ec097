//! The same operation again, with the same key in the same session, takes a shorter way than the first: it must see all
//! that changed meanwhile.

use kit::{Mechanism, Object, Session, Template, USER_PIN, ck, code, eventually, fork, isolated};

fn hmac() -> Mechanism {
    Mechanism::plain(ck::CKM_SHA256_HMAC)
}

fn key(session: &Session<'_>, on_token: bool) -> Object {
    let template = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_GENERIC_SECRET);
    let template = template.bytes(ck::CKA_VALUE, [7; 32]).flag(ck::CKA_TOKEN, on_token).flag(ck::CKA_SIGN, true);
    session.create(&template).unwrap()
}

/// Twice, so that whatever is kept for the next time is kept.
fn use_it(session: &Session<'_>, key: Object) -> Vec<u8> {
    let first = session.sign_with(&hmac(), key, b"data").unwrap();
    assert_eq!(session.sign_with(&hmac(), key, b"data").unwrap(), first);
    first
}

#[test]
fn a_key_that_may_no_longer_sign_does_not() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let other = module.open_rw(session.info().unwrap().slotID).unwrap();
        for on_token in [false, true] {
            let key = key(&session, on_token);
            use_it(&session, key);
            other.set(key, &Template::new().flag(ck::CKA_SIGN, false)).unwrap();
            assert_eq!(code(session.sign_init(&hmac(), key)), ck::CKR_KEY_FUNCTION_NOT_PERMITTED);
            other.set(key, &Template::new().flag(ck::CKA_SIGN, true)).unwrap();
            use_it(&session, key);
        }
    });
}

#[test]
fn a_key_that_is_gone_is_gone() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let slot = session.info().unwrap().slotID;
        let other = module.open_rw(slot).unwrap();
        for on_token in [false, true] {
            let key = key(&session, on_token);
            use_it(&session, key);
            other.destroy(key).unwrap();
            assert_eq!(code(session.sign_init(&hmac(), key)), ck::CKR_KEY_HANDLE_INVALID);
        }
        let key = key(&session, true);
        let signature = use_it(&session, key);
        session.logout().unwrap();
        assert_eq!(code(session.sign_init(&hmac(), key)), ck::CKR_KEY_HANDLE_INVALID);
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        let found = session.find(&Template::new().class(ck::CKO_SECRET_KEY)).unwrap();
        assert_eq!(use_it(&session, found[0]), signature);
        env.elsewhere(|module| {
            let session = module.session("test");
            session.login(ck::CKU_USER, USER_PIN).unwrap();
            let found = session.find(&Template::new().class(ck::CKO_SECRET_KEY)).unwrap();
            session.destroy(found[0]).unwrap();
        });
        eventually("the key of another process is gone", || {
            let refused = code(session.sign_init(&hmac(), found[0])) == ck::CKR_KEY_HANDLE_INVALID;
            session.sign_cancel().unwrap();
            refused
        });
    });
}

#[test]
fn each_time_has_its_own_parameter_and_begins_anew() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let aes = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES).bytes(ck::CKA_VALUE, [1; 16]);
        let key = session.create(&aes).unwrap();
        let cbc = |iv: u8| Mechanism::bytes(ck::CKM_AES_CBC_PAD, [iv; 16]);
        let with_one = session.encrypt_with(&cbc(1), key, b"text").unwrap();
        let with_two = session.encrypt_with(&cbc(2), key, b"text").unwrap();
        assert_ne!(with_one, with_two);
        assert_eq!(session.decrypt_with(&cbc(2), key, &with_two).unwrap(), b"text");
        assert_eq!(
            code(session.encrypt_init(&Mechanism::bytes(ck::CKM_AES_CBC_PAD, [1; 15]), key)),
            ck::CKR_MECHANISM_PARAM_INVALID
        );
        assert_eq!(session.encrypt_with(&cbc(1), key, b"text").unwrap(), with_one);
        // Data of an operation that did not end leave nothing behind.
        let digest = Mechanism::plain(ck::CKM_SHA256);
        let whole = session.digest_with(&digest, b"abc").unwrap();
        session.digest_init(&digest).unwrap();
        session.digest_update(b"xyz").unwrap();
        session.digest_cancel().unwrap();
        assert_eq!(session.digest_with(&digest, b"abc").unwrap(), whole);
        session.digest_init(&digest).unwrap();
        session.digest_update(b"a").unwrap();
        session.digest_update(b"bc").unwrap();
        assert_eq!(session.digest_final().unwrap(), whole);
        assert_eq!(session.digest_with(&digest, b"abc").unwrap(), whole);
    });
}

#[test]
fn a_thread_that_used_a_session_sees_it_closed_by_another() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let slot = session.info().unwrap().slotID;
        let other = module.open_rw(slot).unwrap();
        other.random(8).unwrap();
        std::thread::scope(|threads| {
            threads.spawn(|| other.close().unwrap()).join().unwrap();
        });
        assert_eq!(code(other.random(8)), ck::CKR_SESSION_HANDLE_INVALID);
        module.finalize().unwrap();
        module.initialize().unwrap();
        assert_eq!(code(session.random(8)), ck::CKR_SESSION_HANDLE_INVALID);
    });
}

#[test]
fn a_child_has_none_of_its_parents_sessions() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = key(&session, true);
        use_it(&session, key);
        assert!(fork(|| {
            module.initialize().unwrap();
            assert_eq!(code(session.random(8)), ck::CKR_SESSION_HANDLE_INVALID);
            assert_eq!(code(session.sign_init(&hmac(), key)), ck::CKR_SESSION_HANDLE_INVALID);
        }));
        use_it(&session, key);
    });
}

#[test]
fn a_token_that_is_gone_has_no_keys() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = key(&session, true);
        use_it(&session, key);
        std::fs::remove_dir_all(env.home()).unwrap();
        eventually("the key of a token that was deleted is gone", || {
            let refused = session.sign_init(&hmac(), key).is_err();
            session.sign_cancel().unwrap();
            refused
        });
        assert_eq!(code(session.sign_init(&hmac(), key)), ck::CKR_KEY_HANDLE_INVALID);
    });
}
