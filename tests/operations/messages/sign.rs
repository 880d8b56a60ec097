//! C_SignMessage, C_VerifyMessage, and their forms in parts: any mechanism that signs.

use kit::{Chance, Mechanism, Object, Session, Template, ck, curve, isolated};

const DATA: [u8; 32] = *b"thirty-two bytes that are signed";
const NONE: ck::CK_RV = ck::CKR_OPERATION_NOT_INITIALIZED;
const ACTIVE: ck::CK_RV = ck::CKR_OPERATION_ACTIVE;

/// A mechanism, its keys (verifying, signing), and whether it takes data in parts.
struct Signing(Mechanism, (Object, Object), bool);

fn all(session: &Session<'_>) -> Vec<Signing> {
    let rsa = session.rsa_pair(1024);
    let p256 = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P256);
    let ed25519 = session.curve_pair(ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, curve::ED25519);
    let secret = session.secret(&DATA);
    let pss = |of| Mechanism::pss(of, ck::CKM_SHA256, ck::CKG_MGF1_SHA256, 20);
    vec![
        Signing(Mechanism::plain(ck::CKM_RSA_PKCS), rsa, false),
        Signing(pss(ck::CKM_RSA_PKCS_PSS), rsa, false),
        Signing(pss(ck::CKM_SHA256_RSA_PKCS_PSS), rsa, true),
        Signing(Mechanism::plain(ck::CKM_ECDSA), p256, false),
        Signing(Mechanism::plain(ck::CKM_ECDSA_SHA256), p256, true),
        Signing(Mechanism::eddsa(false, b"context"), ed25519, true),
        Signing(Mechanism::plain(ck::CKM_SHA256_HMAC), (secret, secret), true),
        Signing(Mechanism::number(ck::CKM_SHA256_HMAC_GENERAL, 10), (secret, secret), true),
    ]
}

#[test]
fn one_process_signs_and_verifies_many_messages_with_the_parameter_of_its_init() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for Signing(mechanism, (verify, sign), parts) in all(&session) {
            let messages: Vec<[u8; 32]> = (0..4).map(|number| [number; 32]).collect();
            session.message_sign_init(&mechanism, sign).unwrap();
            let mut signed: Vec<_> =
                messages.iter().map(|message| (*message, session.sign_message(message).unwrap())).collect();
            for message in messages.iter().filter(|_| parts) {
                session.sign_message_begin(None).unwrap();
                let parts = Chance::seeded(4).parts(message, 9);
                let (last, first) = parts.split_last().unwrap();
                first.iter().for_each(|part| session.sign_message_next(part).unwrap());
                signed.push((*message, session.sign_message_last(last).unwrap()));
            }
            session.message_sign_final().unwrap();
            assert_eq!(session.sign_message(&DATA).unwrap_err(), NONE);
            for (message, signature) in &signed {
                session.verify_with(&mechanism, verify, message, signature).unwrap();
            }
            session.message_verify_init(&mechanism, verify).unwrap();
            for (message, signature) in &signed {
                session.verify_message(message, signature).unwrap();
                assert_eq!(session.verify_message(&[9; 32], signature).unwrap_err(), ck::CKR_SIGNATURE_INVALID);
                assert_eq!(session.verify_message(message, &signature[1..]).unwrap_err(), ck::CKR_SIGNATURE_LEN_RANGE);
                if parts {
                    session.verify_message_begin().unwrap();
                    session.verify_message_next(&message[..9], None).unwrap();
                    session.verify_message_next(&message[9..], Some(signature)).unwrap();
                    session.verify_message_begin().unwrap();
                    let wrong = session.verify_message_next(&message[9..], Some(signature)).unwrap_err();
                    assert_eq!(wrong, ck::CKR_SIGNATURE_INVALID);
                    // It ended the message.
                    assert_eq!(session.verify_message_next(&DATA, None).unwrap_err(), NONE);
                }
            }
            session.message_verify_final().unwrap();
            assert_eq!(session.message_verify_final().unwrap_err(), NONE);
        }
    });
}

#[test]
fn inside_a_message_there_is_no_other_and_without_one_nothing_goes_on() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for Signing(mechanism, (verify, sign), parts) in all(&session) {
            session.message_sign_init(&mechanism, sign).unwrap();
            assert_eq!(session.message_sign_init(&mechanism, sign).unwrap_err(), ACTIVE);
            assert_eq!(session.message_verify_init(&mechanism, verify).unwrap_err(), ACTIVE);
            assert_eq!(session.sign_message_next(&DATA).unwrap_err(), NONE);
            assert_eq!(session.sign(&DATA).unwrap_err(), NONE);
            let invalid = ck::CKR_MECHANISM_PARAM_INVALID;
            assert_eq!(session.sign_message_begin(Some(&mut [0; 8])).unwrap_err(), invalid);
            if !parts {
                let unsupported = ck::CKR_FUNCTION_NOT_SUPPORTED;
                assert_eq!(session.sign_message_begin(None).unwrap_err(), unsupported);
                session.message_sign_final().unwrap();
                session.message_verify_init(&mechanism, verify).unwrap();
                assert_eq!(session.verify_message_begin().unwrap_err(), unsupported);
                assert_eq!(session.verify_message_next(&DATA, None).unwrap_err(), NONE);
            } else {
                session.sign_message_begin(None).unwrap();
                session.sign_message_next(&DATA[..5]).unwrap();
                assert_eq!(session.sign_message(&DATA).unwrap_err(), ACTIVE);
                assert_eq!(session.sign_message_begin(None).unwrap_err(), ACTIVE);
                // A buffer that is too short ends nothing, and what came with it was not signed.
                let mut short = [0; 9];
                let (refused, needed) = session.sign_message_last_into(&DATA[5..], &mut short);
                assert_eq!((refused.unwrap_err().0, short), (ck::CKR_BUFFER_TOO_SMALL, [0; 9]));
                let signature = session.sign_message_last(&DATA[5..]).unwrap();
                assert_eq!(signature.len(), needed);
                session.message_sign_final().unwrap();
                session.message_verify_init(&mechanism, verify).unwrap();
                session.verify_message(&DATA, &signature).unwrap();
                session.verify_message_begin().unwrap();
                assert_eq!(session.verify_message(&DATA, &signature).unwrap_err(), ACTIVE);
                assert_eq!(session.verify_message_begin().unwrap_err(), ACTIVE);
                session.verify_message_next(&DATA, Some(&signature)).unwrap();
            }
            session.cancel(ck::CKF_MESSAGE_SIGN | ck::CKF_MESSAGE_VERIFY).unwrap();
            assert_eq!(session.sign_message(&DATA).unwrap_err(), NONE);
            assert_eq!(session.verify_message(&DATA, &DATA).unwrap_err(), NONE);
        }
    });
}

#[test]
fn every_message_of_a_key_that_always_authenticates_asks_for_the_pin() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let public = Template::new().bytes(ck::CKA_EC_PARAMS, curve::P256);
        let private = Template::new().private(true).flag(ck::CKA_ALWAYS_AUTHENTICATE, true);
        let ecdsa = Mechanism::plain(ck::CKM_ECDSA_SHA256);
        let generate = Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN);
        let (_, key) = session.generate_key_pair(&generate, &public, &private).unwrap();
        session.message_sign_init(&ecdsa, key).unwrap();
        for _ in 0..2 {
            assert_eq!(session.sign_message(&DATA).unwrap_err(), ck::CKR_USER_NOT_LOGGED_IN);
            assert_eq!(session.sign_message_begin(None).unwrap_err(), ck::CKR_USER_NOT_LOGGED_IN);
            session.login(ck::CKU_CONTEXT_SPECIFIC, kit::USER_PIN).unwrap();
            session.sign_message(&DATA).unwrap();
            // A message in parts is one message, and the login before it is used up with it.
            session.login(ck::CKU_CONTEXT_SPECIFIC, kit::USER_PIN).unwrap();
            session.sign_message_begin(None).unwrap();
            session.sign_message_next(&DATA).unwrap();
            session.sign_message_last(&DATA).unwrap();
        }
    });
}

#[test]
fn only_a_key_that_may_sign_does() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let hmac = Mechanism::plain(ck::CKM_SHA256_HMAC);
        let template = || Template::secret_key(ck::CKK_GENERIC_SECRET, &DATA);
        let mute = session.create(&template().flag(ck::CKA_SIGN, false)).unwrap();
        assert_eq!(session.message_sign_init(&hmac, mute).unwrap_err(), ck::CKR_KEY_FUNCTION_NOT_PERMITTED);
        let deaf = session.create(&template().flag(ck::CKA_VERIFY, false)).unwrap();
        assert_eq!(session.message_verify_init(&hmac, deaf).unwrap_err(), ck::CKR_KEY_FUNCTION_NOT_PERMITTED);
        let digest = Mechanism::plain(ck::CKM_SHA256);
        assert_eq!(session.message_sign_init(&digest, mute).unwrap_err(), ck::CKR_MECHANISM_INVALID);
    });
}
