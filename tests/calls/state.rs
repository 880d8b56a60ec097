//! C_GetOperationState and C_SetOperationState (PKCS#11 3.2 sections 5.6.5 and 5.6.6).

use kit::{Mechanism, Message, Module, Object, Session, Template, ck, curve, isolated};

const KEY: [u8; 32] = *b"a key of exactly thirty-two byte";
const DATA: [u8; 100] = [0x5c; 100];
const NONE: ck::CK_RV = ck::CKR_OPERATION_NOT_INITIALIZED;
const NO_KEY: Object = Object(0);

fn sha256() -> Mechanism {
    Mechanism::plain(ck::CKM_SHA256)
}

fn cbc() -> Mechanism {
    Mechanism::bytes(ck::CKM_AES_CBC_PAD, [7; 16])
}

/// Puts back without naming keys.
fn restore(session: &Session<'_>, state: &[u8]) -> kit::Result<()> {
    session.set_operation_state(state, NO_KEY, NO_KEY)
}

#[test]
fn a_digest_goes_on_where_it_was_in_any_session_and_more_than_once() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let other = module.open_rw(session.info().unwrap().slotID).unwrap();
        for of in [ck::CKM_MD5, ck::CKM_SHA_1, ck::CKM_SHA256, ck::CKM_SHA512_256, ck::CKM_SHA3_384] {
            let mechanism = Mechanism::plain(of);
            let whole = session.digest_with(&mechanism, &DATA).unwrap();
            session.digest_init(&mechanism).unwrap();
            session.digest_update(&DATA[..33]).unwrap();
            let state = session.operation_state().unwrap();
            // Saving changes nothing.
            session.digest_update(&DATA[33..]).unwrap();
            assert_eq!(session.digest_final().unwrap(), whole);
            // It needs no key, whichever goes.
            let key = Template::secret_key(ck::CKK_GENERIC_SECRET, &KEY).token(true);
            session.destroy(session.create(&key).unwrap()).unwrap();
            for session in [&other, &session, &other] {
                restore(session, &state).unwrap();
                // It takes data in parts already.
                assert_eq!(session.digest(&DATA).unwrap_err(), ck::CKR_OPERATION_ACTIVE);
                session.digest_update(&DATA[33..]).unwrap();
                assert_eq!(session.digest_final().unwrap(), whole);
            }
        }
    });
}

#[test]
fn macs_and_ciphers_go_on_with_their_keys() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (secret, aes) = (session.secret(&KEY), session.aes(&KEY));
        for (mechanism, key) in
            [(Mechanism::plain(ck::CKM_SHA256_HMAC), secret), (Mechanism::plain(ck::CKM_AES_CMAC), aes)]
        {
            let mac = session.sign_with(&mechanism, key, &DATA).unwrap();
            session.sign_init(&mechanism, key).unwrap();
            session.sign_update(&DATA[..41]).unwrap();
            let state = session.operation_state().unwrap();
            session.sign_final().unwrap();
            for named in [NO_KEY, key] {
                session.set_operation_state(&state, NO_KEY, named).unwrap();
                session.sign_update(&DATA[41..]).unwrap();
                assert_eq!(session.sign_final().unwrap(), mac);
            }
            session.verify_init(&mechanism, key).unwrap();
            session.verify_update(&DATA[..41]).unwrap();
            let state = session.operation_state().unwrap();
            for named in [NO_KEY, key] {
                session.set_operation_state(&state, NO_KEY, named).unwrap();
                session.verify_update(&DATA[41..]).unwrap();
                session.verify_final(&mac).unwrap();
            }
            session.verify_signature_init(&mechanism, key, &mac).unwrap();
            session.verify_signature_update(&DATA[..41]).unwrap();
            let state = session.operation_state().unwrap();
            for named in [NO_KEY, key] {
                session.set_operation_state(&state, NO_KEY, named).unwrap();
                session.verify_signature_update(&DATA[41..]).unwrap();
                session.verify_signature_final().unwrap();
            }
        }
        let rc2 = session.create(&Template::secret_key(ck::CKK_RC2, &KEY)).unwrap();
        let with_rc2 = Mechanism::rc2_cbc(ck::CKM_RC2_CBC_PAD, 256, [1; 8]);
        for (mechanism, key) in [(cbc(), aes), (Mechanism::ctr(64, [1; 16]), aes), (with_rc2, rc2)] {
            let sealed = session.encrypt_with(&mechanism, key, &DATA).unwrap();
            session.encrypt_init(&mechanism, key).unwrap();
            let mut written = session.encrypt_update(&DATA[..41]).unwrap();
            let state = session.operation_state().unwrap();
            session.encrypt_cancel().unwrap();
            session.set_operation_state(&state, key, NO_KEY).unwrap();
            written.extend(session.encrypt_update(&DATA[41..]).unwrap());
            written.extend(session.encrypt_final().unwrap());
            assert_eq!(written, sealed);
            session.decrypt_init(&mechanism, key).unwrap();
            let mut plain = session.decrypt_update(&sealed[..50]).unwrap();
            let state = session.operation_state().unwrap();
            session.set_operation_state(&state, key, NO_KEY).unwrap();
            plain.extend(session.decrypt_update(&sealed[50..]).unwrap());
            plain.extend(session.decrypt_final().unwrap());
            assert_eq!(plain, DATA);
            assert_eq!(session.decrypt_with(&mechanism, key, &sealed).unwrap(), DATA);
        }
    });
}

#[test]
fn both_halves_of_a_dual_operation_are_saved_and_what_was_active_makes_room() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let aes = session.aes(&KEY);
        session.encrypt_init(&cbc(), aes).unwrap();
        session.digest_init(&sha256()).unwrap();
        let mut written = session.digest_encrypt(&DATA[..20]).unwrap();
        let state = session.operation_state().unwrap();
        session.cancel(u64::MAX).unwrap();
        session.sign_init(&Mechanism::plain(ck::CKM_SHA256_HMAC), session.secret(&KEY)).unwrap();
        restore(&session, &state).unwrap();
        assert_eq!(session.sign_final().unwrap_err(), NONE);
        written.extend(session.digest_encrypt(&DATA[20..]).unwrap());
        written.extend(session.encrypt_final().unwrap());
        assert_eq!(written, session.encrypt_with(&cbc(), aes, &DATA).unwrap());
        assert_eq!(session.digest_final().unwrap(), session.digest_with(&sha256(), &DATA).unwrap());
    });
}

#[test]
fn without_an_operation_there_is_no_state_and_some_have_none() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        assert_eq!(session.operation_state().unwrap_err(), NONE);
        let unsaveable = ck::CKR_STATE_UNSAVEABLE;
        session.find_init(&Template::new()).unwrap();
        assert_eq!(session.operation_state().unwrap_err(), unsaveable);
        session.find_final().unwrap();
        let (_, private) = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P256);
        session.sign_init(&Mechanism::plain(ck::CKM_ECDSA_SHA256), private).unwrap();
        assert_eq!(session.operation_state().unwrap_err(), unsaveable);
        session.sign(&DATA).unwrap();
        session.message_encrypt_init(&Mechanism::plain(ck::CKM_AES_GCM), session.aes(&KEY)).unwrap();
        assert_eq!(session.operation_state().unwrap_err(), unsaveable);
        session.encrypt_message(&mut Message::gcm(&[1; 12], 128), b"", &DATA).unwrap();
        session.message_encrypt_final().unwrap();
        let (hmac, secret) = (Mechanism::plain(ck::CKM_SHA256_HMAC), session.secret(&KEY));
        session.message_sign_init(&hmac, secret).unwrap();
        assert_eq!(session.operation_state().unwrap_err(), unsaveable);
        session.message_sign_final().unwrap();
        session.message_verify_init(&hmac, secret).unwrap();
        assert_eq!(session.operation_state().unwrap_err(), unsaveable);
        session.message_verify_final().unwrap();
        // One half that cannot be saved is enough.
        session.encrypt_init(&cbc(), session.aes(&KEY)).unwrap();
        session.sign_init(&Mechanism::plain(ck::CKM_ECDSA_SHA256), private).unwrap();
        assert_eq!(session.operation_state().unwrap_err(), unsaveable);
    });
}

#[test]
fn a_state_that_is_not_ours_is_refused_and_changes_nothing() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let slot = session.info().unwrap().slotID;
        session.digest_init(&sha256()).unwrap();
        session.digest_update(&DATA).unwrap();
        let state = session.operation_state().unwrap();
        let invalid = ck::CKR_SAVED_STATE_INVALID;
        let mut flipped = state.clone();
        flipped[20] ^= 1;
        let short = &state[..state.len() - 1];
        for wrong in [&[][..], &[1], &state[1..], &state[..8], short, &[&state[..], &[0]].concat(), &flipped, &[0; 40]]
        {
            assert_eq!(restore(&session, wrong).unwrap_err(), invalid);
        }
        // Another state of the session.
        assert_eq!(restore(&module.open_ro(slot).unwrap(), &state).unwrap_err(), invalid);
        assert_eq!(session.digest_final().unwrap(), session.digest_with(&sha256(), &DATA).unwrap());
        session.logout().unwrap();
        assert_eq!(restore(&session, &state).unwrap_err(), invalid);
        session.login(ck::CKU_USER, kit::USER_PIN).unwrap();
        restore(&session, &state).unwrap();
        // After the last session.
        module.close_all(slot).unwrap();
        let session = module.open_rw(slot).unwrap();
        session.login(ck::CKU_USER, kit::USER_PIN).unwrap();
        assert_eq!(restore(&session, &state).unwrap_err(), invalid);
        // Another process, or the same after C_Finalize; with the same token, user and keys.
        let in_a_new_application = |module: &Module| {
            let session = module.open_rw(module.slot_of("test").unwrap()).unwrap();
            session.login(ck::CKU_USER, kit::USER_PIN).unwrap();
            assert_eq!(restore(&session, &state).unwrap_err(), invalid);
        };
        env.elsewhere(in_a_new_application);
        module.finalize().unwrap();
        module.initialize().unwrap();
        in_a_new_application(&module);
    });
}

#[test]
fn a_state_is_of_its_token_and_outlives_what_becomes_of_another() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let other = module.open_rw(env.token(&module, "other")).unwrap();
        other.login(ck::CKU_USER, kit::USER_PIN).unwrap();
        session.digest_init(&sha256()).unwrap();
        session.digest_update(&DATA).unwrap();
        let digest = session.operation_state().unwrap();
        let sha = session.digest_final().unwrap();
        let private = session.create(&Template::secret_key(ck::CKK_GENERIC_SECRET, &KEY).private(true)).unwrap();
        let hmac = Mechanism::plain(ck::CKM_SHA256_HMAC);
        session.sign_init(&hmac, private).unwrap();
        session.sign_update(&DATA).unwrap();
        let signature = session.operation_state().unwrap();
        let mac = session.sign_final().unwrap();
        for state in [&digest, &signature] {
            assert_eq!(restore(&other, state).unwrap_err(), ck::CKR_SAVED_STATE_INVALID);
        }
        let come_back = || {
            restore(&session, &digest).unwrap();
            assert_eq!(session.digest_final().unwrap(), sha);
            restore(&session, &signature).unwrap();
            assert_eq!(session.sign_final().unwrap(), mac);
        };
        let key = Template::secret_key(ck::CKK_GENERIC_SECRET, &KEY).token(true);
        other.destroy(other.create(&key).unwrap()).unwrap();
        come_back();
        other.logout().unwrap();
        come_back();
        other.close().unwrap();
        come_back();
    });
}

#[test]
fn a_state_with_a_private_key_ends_with_the_login() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let private = Template::secret_key(ck::CKK_GENERIC_SECRET, &KEY).private(true).token(true);
        let key = session.create(&private).unwrap();
        session.sign_init(&Mechanism::plain(ck::CKM_SHA256_HMAC), key).unwrap();
        let state = session.operation_state().unwrap();
        restore(&session, &state).unwrap();
        session.logout().unwrap();
        session.login(ck::CKU_USER, kit::USER_PIN).unwrap();
        assert_eq!(restore(&session, &state).unwrap_err(), ck::CKR_SAVED_STATE_INVALID);
    });
}

#[test]
fn whoever_names_a_key_names_the_right_one() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (aes, other, secret) = (session.aes(&KEY), session.aes(&[9; 32]), session.secret(&KEY));
        session.digest_init(&sha256()).unwrap();
        let state = session.operation_state().unwrap();
        let not_needed = ck::CKR_KEY_NOT_NEEDED;
        assert_eq!(session.set_operation_state(&state, aes, NO_KEY).unwrap_err(), not_needed);
        assert_eq!(session.set_operation_state(&state, NO_KEY, secret).unwrap_err(), not_needed);
        session.digest_final().unwrap();
        session.encrypt_init(&cbc(), aes).unwrap();
        let state = session.operation_state().unwrap();
        assert_eq!(session.set_operation_state(&state, other, NO_KEY).unwrap_err(), ck::CKR_KEY_CHANGED);
        assert_eq!(session.set_operation_state(&state, secret, NO_KEY).unwrap_err(), ck::CKR_KEY_CHANGED);
        assert_eq!(session.set_operation_state(&state, aes, secret).unwrap_err(), not_needed);
        let nobody = Object(u64::MAX);
        assert_eq!(session.set_operation_state(&state, nobody, NO_KEY).unwrap_err(), ck::CKR_KEY_HANDLE_INVALID);
        session.set_operation_state(&state, session.aes(&KEY), NO_KEY).unwrap();
    });
}

#[test]
fn the_oldest_states_make_room_for_new_ones() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        session.digest_init(&sha256()).unwrap();
        let oldest = session.operation_state().unwrap();
        let newer = session.operation_state().unwrap();
        for _ in 0..255 {
            session.operation_state().unwrap();
        }
        assert_eq!(restore(&session, &oldest).unwrap_err(), ck::CKR_SAVED_STATE_INVALID);
        restore(&session, &newer).unwrap();
    });
}
