//! What an attacker gains from two threads: a key that outlives the login or the session that it belongs to, an
//! attribute that goes back to what it was. And what was begun before a key went or changed.

use kit::{Mechanism, Object, Session, Template, USER_PIN, ck, code, isolated};
use std::time::Duration;

const HMAC: ck::CK_MECHANISM_TYPE = ck::CKM_SHA256_HMAC;

fn hmac() -> Mechanism {
    Mechanism::plain(HMAC)
}

fn secret(session: &Session<'_>) -> Object {
    session.create(&Template::secret_key(ck::CKK_GENERIC_SECRET, &[7; 32]).flag(ck::CKA_SIGN, true)).unwrap()
}

/// A pair that takes long to make, while something else happens.
fn meanwhile(of: Session<'_>, then: impl FnOnce()) -> kit::Result<(Object, Object)> {
    std::thread::scope(|threads| {
        let made = threads.spawn(move || {
            let generator = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
            let public = Template::new().ulong(ck::CKA_MODULUS_BITS, 4096);
            of.generate_key_pair(&generator, &public, &Template::new().private(true))
        });
        std::thread::sleep(Duration::from_millis(30));
        then();
        made.join().unwrap()
    })
}

#[test]
fn a_private_key_that_comes_after_the_logout_does_not_come() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let made = meanwhile(session, || session.logout().unwrap());
        if let Ok((_, private)) = made {
            let signed = session.sign_with(&Mechanism::plain(ck::CKM_SHA256_RSA_PKCS), private, b"data");
            panic!("signed without a login: {:02x?}", signed.unwrap());
        }
        assert_eq!(code(made), ck::CKR_USER_NOT_LOGGED_IN);
        assert!(session.find(&Template::new()).unwrap().is_empty());
        session.login(ck::CKU_SO, kit::SO_PIN).unwrap();
        assert!(session.find(&Template::new()).unwrap().is_empty());
    });
}

#[test]
fn a_key_of_a_session_that_was_closed_does_not_come() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let other = module.open_rw(session.info().unwrap().slotID).unwrap();
        let made = meanwhile(other, || other.close().unwrap());
        assert_eq!(session.find(&Template::new()).unwrap(), []);
        assert_eq!(code(made), ck::CKR_SESSION_CLOSED);
    });
}

#[test]
fn a_login_through_a_session_that_was_closed_opens_nothing() {
    isolated(|env| {
        let module = env.module();
        let slot = env.token(&module, "test");
        for wait in [1, 5, 10, 20, 40] {
            let session = module.open_rw(slot).unwrap();
            let done = std::thread::scope(|threads| {
                let done = threads.spawn(|| session.login(ck::CKU_USER, USER_PIN));
                std::thread::sleep(Duration::from_millis(wait));
                session.close().unwrap();
                done.join().unwrap()
            });
            // The last session is closed: nobody is logged in, whichever was faster.
            let next = module.open_rw(slot).unwrap();
            assert_eq!(next.info().unwrap().state, ck::CKS_RW_PUBLIC_SESSION, "{wait} {done:?}");
            next.close().unwrap();
        }
    });
}

#[test]
fn two_changes_of_one_object_are_both_made() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let other = module.open_rw(session.info().unwrap().slotID).unwrap();
        let template = Template::secret_key(ck::CKK_AES, &[0x5e; 16]).sensitive(false).extractable(true);
        let key = session.create(&template).unwrap();
        for _ in 0..100 {
            let key = session.copy(key, &Template::new()).unwrap();
            std::thread::scope(|threads| {
                threads.spawn(|| {
                    for label in ["a", "b"].repeat(50) {
                        other.set(key, &Template::new().label(label)).unwrap();
                    }
                });
                std::thread::sleep(Duration::from_micros(200));
                session.set(key, &Template::new().sensitive(true)).unwrap();
                session.set(key, &Template::new().extractable(false)).unwrap();
            });
            if let Ok(value) = session.bytes(key, ck::CKA_VALUE) {
                panic!("sensitive no longer: {value:02x?}");
            }
            assert!(session.flag(key, ck::CKA_SENSITIVE).unwrap() && !session.flag(key, ck::CKA_EXTRACTABLE).unwrap());
            session.destroy(key).unwrap();
        }
    });
}

#[test]
fn a_saved_state_ends_with_the_key_or_what_it_may() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let none = Object(0);
        let other = module.open_rw(session.info().unwrap().slotID).unwrap();
        for on_token in [false, true] {
            let key = session.copy(secret(&session), &Template::new().token(on_token)).unwrap();
            session.sign_init(&hmac(), key).unwrap();
            let state = session.operation_state().unwrap();
            session.cancel(ck::CKF_SIGN).unwrap();
            let forged = || -> kit::Result<Vec<u8>> {
                session.set_operation_state(&state, none, none)?;
                session.sign(b"any")
            };
            forged().unwrap();
            other.set(key, &Template::new().label("other")).unwrap();
            forged().unwrap();
            other.set(key, &Template::new().flag(ck::CKA_SIGN, false)).unwrap();
            assert_eq!(code(forged()), ck::CKR_SAVED_STATE_INVALID, "without the usage");
            other.set(key, &Template::new().flag(ck::CKA_SIGN, true)).unwrap();
            forged().unwrap();
            other.destroy(key).unwrap();
            assert_eq!(code(forged()), ck::CKR_SAVED_STATE_INVALID, "without the key");
        }
    });
}

#[test]
fn a_message_process_ends_with_the_key_or_what_it_may() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let other = module.open_rw(session.info().unwrap().slotID).unwrap();
        let ended = ck::CKR_OPERATION_NOT_INITIALIZED;
        for on_token in [false, true] {
            let key = session.copy(secret(&session), &Template::new().token(on_token)).unwrap();
            session.message_sign_init(&hmac(), key).unwrap();
            session.sign_message(b"one").unwrap();
            other.set(key, &Template::new().label("other")).unwrap();
            session.sign_message(b"two").unwrap();
            other.set(key, &Template::new().flag(ck::CKA_SIGN, false)).unwrap();
            assert_eq!(code(session.sign_message(b"three")), ended, "without the usage");
            other.set(key, &Template::new().flag(ck::CKA_SIGN, true)).unwrap();
            assert_eq!(code(session.sign_message(b"four")), ended);
            session.message_sign_init(&hmac(), key).unwrap();
            other.destroy(key).unwrap();
            assert_eq!(code(session.sign_message_begin(None)), ended, "without the key");
            let aes = session.create(&Template::secret_key(ck::CKK_AES, &[1; 16]).token(on_token)).unwrap();
            session.message_decrypt_init(&Mechanism::plain(ck::CKM_AES_GCM), aes).unwrap();
            other.destroy(aes).unwrap();
            let mut message = kit::Message::gcm(&[1; 12], 128);
            assert_eq!(code(session.decrypt_message(&mut message, b"", b"sealed")), ended, "without the key");
        }
    });
}
