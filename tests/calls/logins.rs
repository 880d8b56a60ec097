//! C_Login, C_LoginUser and C_Logout (PKCS#11 3.2 sections 5.6.8 to 5.6.10): who may be in with whom, for whom it
//! counts, and what ends with it. PINs are in pins.rs.

use kit::{Known, Mechanism, SO_PIN, Template, USER_PIN, ck, code, data, isolated, state};

#[test]
fn the_state_of_every_session_follows_from_its_kind_and_the_one_login() {
    isolated(|env| {
        let module = env.module();
        let slot = env.token(&module, "test");
        let (reader, writer) = (module.open_ro(slot).unwrap(), module.open_rw(slot).unwrap());
        let states = || (state(&reader), state(&writer));
        assert_eq!(states(), (ck::CKS_RO_PUBLIC_SESSION, ck::CKS_RW_PUBLIC_SESSION));
        reader.login(ck::CKU_USER, USER_PIN).unwrap();
        assert_eq!(states(), (ck::CKS_RO_USER_FUNCTIONS, ck::CKS_RW_USER_FUNCTIONS));
        assert_eq!(state(&module.open_ro(slot).unwrap()), ck::CKS_RO_USER_FUNCTIONS);
        writer.logout().unwrap();
        assert_eq!(states(), (ck::CKS_RO_PUBLIC_SESSION, ck::CKS_RW_PUBLIC_SESSION));
        module.close_all(slot).unwrap();
        let writers = [module.open_rw(slot).unwrap(), module.open_rw(slot).unwrap()];
        writers[0].login(ck::CKU_SO, SO_PIN).unwrap();
        assert_eq!(writers.map(|session| state(&session)), [ck::CKS_RW_SO_FUNCTIONS; 2]);
    });
}

#[test]
fn one_login_at_a_time() {
    isolated(|env| {
        let module = env.module();
        let slot = env.token(&module, "test");
        let (session, other) = (module.open_rw(slot).unwrap(), module.open_rw(slot).unwrap());
        assert_eq!(code(session.logout()), ck::CKR_USER_NOT_LOGGED_IN);
        for wrong in [3, 99, ck::CK_UNAVAILABLE_INFORMATION] {
            assert_eq!(code(session.login(wrong, USER_PIN)), ck::CKR_USER_TYPE_INVALID);
        }
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        for session in [session, other] {
            assert_eq!(code(session.login(ck::CKU_USER, USER_PIN)), ck::CKR_USER_ALREADY_LOGGED_IN);
            assert_eq!(code(session.login(ck::CKU_USER, "wrong")), ck::CKR_USER_ALREADY_LOGGED_IN);
            assert_eq!(code(session.login(ck::CKU_SO, SO_PIN)), ck::CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
        }
        other.logout().unwrap();
        assert_eq!(code(session.logout()), ck::CKR_USER_NOT_LOGGED_IN);
        session.login(ck::CKU_SO, SO_PIN).unwrap();
        assert_eq!(code(other.login(ck::CKU_SO, SO_PIN)), ck::CKR_USER_ALREADY_LOGGED_IN);
        assert_eq!(code(other.login(ck::CKU_USER, USER_PIN)), ck::CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
    });
}

#[test]
fn the_so_and_read_only_sessions_exclude_each_other() {
    isolated(|env| {
        let module = env.module();
        let slot = env.token(&module, "test");
        let writer = module.open_rw(slot).unwrap();
        let reader = module.open_ro(slot).unwrap();
        for session in [reader, writer] {
            assert_eq!(code(session.login(ck::CKU_SO, SO_PIN)), ck::CKR_SESSION_READ_ONLY_EXISTS);
        }
        reader.close().unwrap();
        writer.login(ck::CKU_SO, SO_PIN).unwrap();
        assert_eq!(code(module.open_ro(slot)), ck::CKR_SESSION_READ_WRITE_SO_EXISTS);
        module.open_rw(slot).unwrap();
        writer.logout().unwrap();
        module.open_ro(slot).unwrap();
    });
}

#[test]
fn a_login_is_of_this_application_and_this_token() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let other = module.open_rw(env.token(&module, "other")).unwrap();
        assert_eq!(state(&other), ck::CKS_RW_PUBLIC_SESSION);
        env.elsewhere(|module| {
            let session = module.session("test");
            assert_eq!(state(&session), ck::CKS_RW_PUBLIC_SESSION);
            session.login(ck::CKU_USER, USER_PIN).unwrap();
            session.logout().unwrap();
        });
        assert_eq!(state(&session), ck::CKS_RW_USER_FUNCTIONS);
        other.login(ck::CKU_SO, SO_PIN).unwrap();
        session.logout().unwrap();
        assert_eq!(state(&other), ck::CKS_RW_SO_FUNCTIONS);
    });
}

#[test]
fn the_last_session_that_closes_logs_out() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let other = module.open_ro(0).unwrap();
        session.close().unwrap();
        assert_eq!(state(&other), ck::CKS_RO_USER_FUNCTIONS);
        other.close().unwrap();
        let session = module.open_rw(0).unwrap();
        assert_eq!(state(&session), ck::CKS_RW_PUBLIC_SESSION);
        session.login(ck::CKU_USER, USER_PIN).unwrap();
    });
}

#[test]
fn c_login_user_with_an_empty_name_is_c_login() {
    isolated(|env| {
        let module = env.module();
        let session = module.open_rw(env.token(&module, "test")).unwrap();
        assert_eq!(code(session.login_user(ck::CKU_USER, USER_PIN, "root")), ck::CKR_ARGUMENTS_BAD);
        assert_eq!(code(session.login_user(ck::CKU_USER, "wrong", "")), ck::CKR_PIN_INCORRECT);
        session.login_user(ck::CKU_USER, USER_PIN, "").unwrap();
        assert_eq!(state(&session), ck::CKS_RW_USER_FUNCTIONS);
        assert_eq!(code(session.login_user(ck::CKU_SO, SO_PIN, "")), ck::CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
        session.logout().unwrap();
        session.login_user(ck::CKU_SO, SO_PIN, "").unwrap();
    });
}

#[test]
fn logging_out_ends_private_session_objects_and_hides_private_token_objects() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let other = module.open_rw(0).unwrap();
        let open = other.create(&data("open").private(false)).unwrap();
        let hidden = other.create(&data("hidden").private(true)).unwrap();
        let stored = session.create(&data("stored").private(true).token(true)).unwrap();
        session.find_init(&Template::new()).unwrap();
        session.logout().unwrap();
        assert_eq!(code(session.find_some(9)), ck::CKR_OPERATION_NOT_INITIALIZED);
        assert_eq!(session.find(&Template::new()).unwrap(), [open]);
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        let found = session.find(&data("stored")).unwrap();
        assert_eq!(found.len(), 1);
        // The handles of before are dead for ever.
        for gone in [hidden, stored] {
            assert_eq!(code(session.bytes(gone, ck::CKA_LABEL)), ck::CKR_OBJECT_HANDLE_INVALID);
        }
        assert_eq!(session.find(&Template::new()).unwrap().len(), 2);
    });
}

#[test]
fn logging_out_ends_operations_on_private_keys_in_every_session_and_no_others() {
    isolated(|env| {
        let module = env.module();
        let user = env.user(&module);
        let others = [module.open_rw(0).unwrap(), module.open_ro(0).unwrap(), module.open_ro(0).unwrap()];
        let known = Known::p256();
        let private = user.create(&known.private).unwrap();
        let public = user.create(&known.public).unwrap();
        let secret = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES).bytes(ck::CKA_VALUE, [3; 16]);
        let hidden = user.create(&secret.clone().private(true)).unwrap();
        let open = user.create(&secret.private(false)).unwrap();
        let (ecdsa, ecb) = (Mechanism::plain(ck::CKM_ECDSA), Mechanism::plain(ck::CKM_AES_ECB));
        let signature = user.sign_with(&ecdsa, private, &[1; 32]).unwrap();
        user.sign_init(&ecdsa, private).unwrap();
        others[0].sign_init(&Mechanism::plain(ck::CKM_ECDSA_SHA256), private).unwrap();
        others[0].sign_update(b"part").unwrap();
        others[1].encrypt_init(&ecb, hidden).unwrap();
        others[2].encrypt_init(&ecb, open).unwrap();
        others[2].digest_init(&Mechanism::plain(ck::CKM_SHA256)).unwrap();
        let reader = module.open_ro(0).unwrap();
        reader.verify_init(&ecdsa, public).unwrap();
        user.logout().unwrap();
        assert_eq!(code(user.sign(&[1; 32])), ck::CKR_OPERATION_NOT_INITIALIZED);
        assert_eq!(code(others[0].sign_final()), ck::CKR_OPERATION_NOT_INITIALIZED);
        assert_eq!(code(others[1].encrypt(&[0; 16])), ck::CKR_OPERATION_NOT_INITIALIZED);
        assert_eq!(others[2].encrypt(&[0; 16]).unwrap().len(), 16);
        assert_eq!(others[2].digest(b"").unwrap().len(), 32);
        reader.verify(&[1; 32], &signature).unwrap();
        assert_eq!(code(user.sign_init(&ecdsa, private)), ck::CKR_KEY_HANDLE_INVALID);
    });
}
