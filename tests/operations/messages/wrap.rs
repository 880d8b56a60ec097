//! C_WrapKeyAuthenticated and C_UnwrapKeyAuthenticated, and the wrapping parameters that ask for a nonce.

use kit::{Mechanism, Message, Object, Session, Template, ck, isolated};

const VALUE: [u8; 24] = *b"a key of exactly 24 byte";
const AAD: &[u8] = b"associated";

fn template() -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_GENERIC_SECRET)
}

fn open() -> Template {
    template().sensitive(false).extractable(true)
}

fn inner(session: &Session<'_>) -> Object {
    session.create(&open().bytes(ck::CKA_VALUE, VALUE)).unwrap()
}

/// Mechanisms with a wrapping key of theirs and a parameter.
fn all(session: &Session<'_>) -> [(ck::CK_MECHANISM_TYPE, Object, Message); 3] {
    let aes = session.aes(&[1; 16]);
    let chacha = session.create(&Template::secret_key(ck::CKK_CHACHA20, &[2; 32])).unwrap();
    [
        (ck::CKM_AES_GCM, aes, Message::gcm(&[3; 12], 128)),
        (ck::CKM_AES_CCM, aes, Message::ccm(VALUE.len(), &[3; 12], 96)),
        (ck::CKM_CHACHA20_POLY1305, chacha, Message::chacha20_poly1305(&[3; 12])),
    ]
}

#[test]
fn a_key_travels_with_nonce_and_tag_in_the_parameter() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (of, by, mut message) in all(&session) {
            let wrapped = session.wrap_key_authenticated((of, &mut message), by, inner(&session), AAD).unwrap();
            assert_eq!(wrapped.len(), VALUE.len());
            // It is a message like any other.
            session.message_decrypt_init(&Mechanism::plain(of), by).unwrap();
            assert_eq!(session.decrypt_message(&mut message, AAD, &wrapped).unwrap(), VALUE);
            session.message_decrypt_final().unwrap();
            let again = session.unwrap_key_authenticated((of, &mut message), by, &wrapped, &open(), AAD).unwrap();
            assert_eq!(session.bytes(again, ck::CKA_VALUE).unwrap(), VALUE);
            let refuse = |message: &mut Message, wrapped: &[u8], aad: &[u8]| {
                let outcome = session.unwrap_key_authenticated((of, message), by, wrapped, &open(), aad);
                assert_eq!(outcome.unwrap_err(), ck::CKR_WRAPPED_KEY_INVALID);
            };
            refuse(&mut message, &wrapped, b"other");
            refuse(&mut message, &wrapped[1..], AAD);
            let mut wrong = message.clone();
            wrong.tag[3] ^= 1;
            refuse(&mut wrong, &wrapped, AAD);
            let mut wrong = message.clone();
            wrong.nonce[3] ^= 1;
            refuse(&mut wrong, &wrapped, AAD);
        }
    });
}

#[test]
fn the_token_makes_the_nonce_where_it_is_asked_to() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (of, by, message) in &all(&session)[..2] {
            for generator in [ck::CKG_GENERATE, ck::CKG_GENERATE_RANDOM] {
                let mut message = message.clone().generated(generator, 0);
                let wrapped = session.wrap_key_authenticated((*of, &mut message), *by, inner(&session), AAD).unwrap();
                assert_ne!(message.nonce, [3; 12]);
                session.unwrap_key_authenticated((*of, &mut message), *by, &wrapped, &open(), AAD).unwrap();
            }
            // Nobody counts from call to call.
            for generator in [ck::CKG_GENERATE_COUNTER, ck::CKG_GENERATE_COUNTER_XOR, 9] {
                let mut message = message.clone().generated(generator, 32);
                let refused = session.wrap_key_authenticated((*of, &mut message), *by, inner(&session), AAD);
                assert!(refused.is_err_and(|code| code == ck::CKR_MECHANISM_PARAM_INVALID));
            }
        }
    });
}

#[test]
fn c_wrap_key_takes_the_parameters_that_ask_for_a_nonce() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let by = session.aes(&[1; 16]);
        type Make = fn(&[u8], ck::CK_GENERATOR_FUNCTION, ck::CK_ULONG, &[u8]) -> Mechanism;
        for (make, tag) in [(Mechanism::gcm_wrap as Make, 16), (Mechanism::ccm_wrap, 12)] {
            for generator in [ck::CKG_NO_GENERATE, ck::CKG_GENERATE, ck::CKG_GENERATE_RANDOM] {
                let mechanism = make(&[3; 12], generator, 0, AAD);
                let wrapped = session.wrap(&mechanism, by, inner(&session)).unwrap();
                assert_eq!(wrapped.len(), VALUE.len() + tag);
                assert_eq!(mechanism.string(0) == [3; 12], generator == ck::CKG_NO_GENERATE);
                let again = session.unwrap(&mechanism, by, &wrapped, &open()).unwrap();
                assert_eq!(session.bytes(again, ck::CKA_VALUE).unwrap(), VALUE);
                let other = make(mechanism.string(0), generator, 0, b"other");
                let refused = session.unwrap(&other, by, &wrapped, &open()).unwrap_err();
                assert_eq!(refused, ck::CKR_WRAPPED_KEY_INVALID);
            }
            let counted = make(&[3; 12], ck::CKG_GENERATE_COUNTER, 32, AAD);
            let refused = session.wrap(&counted, by, inner(&session)).unwrap_err();
            assert_eq!(refused, ck::CKR_MECHANISM_PARAM_INVALID);
        }
        // The plain parameters do as well, whatever they say of the length.
        let ccm = Mechanism::ccm(0, &[3; 12], AAD, 16);
        let wrapped = session.wrap(&ccm, by, inner(&session)).unwrap();
        session.unwrap(&ccm, by, &wrapped, &open()).unwrap();
    });
}

#[test]
fn the_rules_of_wrapping_hold_here_too() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (of, by, message) in all(&session) {
            let wrap = |by, key| {
                let outcome = session.wrap_key_authenticated((of, &mut message.clone()), by, key, AAD);
                outcome.map(drop).unwrap_err().0
            };
            let valued = |template: Template| session.create(&template.bytes(ck::CKA_VALUE, VALUE)).unwrap();
            let sealed = valued(template().sensitive(false).extractable(false));
            assert_eq!(wrap(by, sealed), ck::CKR_KEY_UNEXTRACTABLE);
            let sensitive = valued(template().sensitive(true).extractable(true));
            assert_eq!(wrap(by, sensitive), ck::CKR_KEY_NOT_WRAPPABLE);
            let picky = valued(open().flag(ck::CKA_WRAP_WITH_TRUSTED, true));
            assert_eq!(wrap(by, picky), ck::CKR_KEY_NOT_WRAPPABLE);
            assert_eq!(wrap(Object(u64::MAX), inner(&session)), ck::CKR_WRAPPING_KEY_HANDLE_INVALID);
            assert_eq!(wrap(by, Object(u64::MAX)), ck::CKR_KEY_HANDLE_INVALID);
            assert_eq!(wrap(inner(&session), inner(&session)), ck::CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
        }
        let idle = Template::secret_key(ck::CKK_AES, &[1; 16]).flag(ck::CKA_WRAP, false).flag(ck::CKA_UNWRAP, false);
        let idle = session.create(&idle).unwrap();
        let mut message = Message::gcm(&[3; 12], 128);
        let refused = session.wrap_key_authenticated((ck::CKM_AES_GCM, &mut message), idle, inner(&session), AAD);
        assert_eq!(refused.unwrap_err(), ck::CKR_KEY_FUNCTION_NOT_PERMITTED);
        let refused = session.unwrap_key_authenticated((ck::CKM_AES_GCM, &mut message), idle, &VALUE, &open(), AAD);
        assert_eq!(refused.unwrap_err(), ck::CKR_KEY_FUNCTION_NOT_PERMITTED);
        let refused = session.wrap_key_authenticated((ck::CKM_AES_KEY_WRAP, &mut message), idle, inner(&session), AAD);
        assert_eq!(refused.unwrap_err(), ck::CKR_MECHANISM_INVALID);
        message.off = 8;
        let by = session.aes(&[1; 16]);
        let refused = session.wrap_key_authenticated((ck::CKM_AES_GCM, &mut message), by, inner(&session), AAD);
        assert_eq!(refused.unwrap_err(), ck::CKR_MECHANISM_PARAM_INVALID);
    });
}
