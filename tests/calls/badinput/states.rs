//! Calls at the wrong time: no operation, another one's key gone, the session closed in between.

use kit::{Mechanism, Message, Object, Result, Session, Template, ck, curve, isolated};

const DATA: [u8; 32] = *b"thirty-two bytes, good for a MAC";

fn message() -> Message {
    Message::gcm(&[1; 12], 128)
}

/// The calls of a signature.
const SIGNING: [&str; 3] = ["C_Sign", "C_SignUpdate", "C_SignFinal"];

/// Every call that needs an operation.
fn all(session: &Session<'_>) -> Vec<(&'static str, Result<()>)> {
    vec![
        ("C_Encrypt", session.encrypt(&DATA).map(drop)),
        ("C_EncryptUpdate", session.encrypt_update(&DATA).map(drop)),
        ("C_EncryptFinal", session.encrypt_final().map(drop)),
        ("C_Decrypt", session.decrypt(&DATA).map(drop)),
        ("C_DecryptUpdate", session.decrypt_update(&DATA).map(drop)),
        ("C_DecryptFinal", session.decrypt_final().map(drop)),
        ("C_Digest", session.digest(&DATA).map(drop)),
        ("C_DigestUpdate", session.digest_update(&DATA)),
        ("C_DigestKey", session.digest_key(Object(1))),
        ("C_DigestFinal", session.digest_final().map(drop)),
        ("C_Sign", session.sign(&DATA).map(drop)),
        ("C_SignUpdate", session.sign_update(&DATA)),
        ("C_SignFinal", session.sign_final().map(drop)),
        ("C_Verify", session.verify(&DATA, &DATA)),
        ("C_VerifyUpdate", session.verify_update(&DATA)),
        ("C_VerifyFinal", session.verify_final(&DATA)),
        ("C_VerifySignature", session.verify_signature(&DATA)),
        ("C_VerifySignatureUpdate", session.verify_signature_update(&DATA)),
        ("C_VerifySignatureFinal", session.verify_signature_final()),
        ("C_DigestEncryptUpdate", session.digest_encrypt(&DATA).map(drop)),
        ("C_DecryptDigestUpdate", session.decrypt_digest(&DATA).map(drop)),
        ("C_SignEncryptUpdate", session.sign_encrypt(&DATA).map(drop)),
        ("C_DecryptVerifyUpdate", session.decrypt_verify(&DATA).map(drop)),
        ("C_EncryptMessage", session.encrypt_message(&mut message(), b"", &DATA).map(drop)),
        ("C_EncryptMessageBegin", session.encrypt_message_begin(&mut message(), b"")),
        ("C_EncryptMessageNext", session.encrypt_message_next(&mut message(), &DATA, 0).map(drop)),
        ("C_MessageEncryptFinal", session.message_encrypt_final()),
        ("C_DecryptMessage", session.decrypt_message(&mut message(), b"", &DATA).map(drop)),
        ("C_DecryptMessageBegin", session.decrypt_message_begin(&mut message(), b"")),
        ("C_DecryptMessageNext", session.decrypt_message_next(&mut message(), &DATA, 0).map(drop)),
        ("C_MessageDecryptFinal", session.message_decrypt_final()),
        ("C_SignMessage", session.sign_message(&DATA).map(drop)),
        ("C_SignMessageBegin", session.sign_message_begin(None)),
        ("C_SignMessageNext", session.sign_message_next(&DATA)),
        ("C_MessageSignFinal", session.message_sign_final()),
        ("C_VerifyMessage", session.verify_message(&DATA, &DATA)),
        ("C_VerifyMessageBegin", session.verify_message_begin()),
        ("C_VerifyMessageNext", session.verify_message_next(&DATA, None)),
        ("C_MessageVerifyFinal", session.message_verify_final()),
        ("C_FindObjects", session.find_some(1).map(drop)),
        ("C_FindObjectsFinal", session.find_final()),
    ]
}

#[test]
fn without_an_operation_there_is_nothing_to_go_on_with() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (name, outcome) in all(&session) {
            assert_eq!(outcome.unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED, "{name}");
        }
        // One that is active helps no other.
        session.sign_init(&Mechanism::plain(ck::CKM_SHA256_HMAC), session.secret(&DATA)).unwrap();
        for (name, outcome) in all(&session).into_iter().filter(|(name, _)| !SIGNING.contains(name)) {
            assert_eq!(outcome.unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED, "{name}");
        }
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
        for (name, outcome) in all(&session) {
            assert_eq!(outcome.unwrap_err(), ck::CKR_SESSION_HANDLE_INVALID, "{name}");
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
