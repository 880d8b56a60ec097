//! What an attacker gains from two threads: a key that outlives the session that it belongs to; and from what was begun
//! before a key went or changed.

use kit::{Mechanism, Object, Session, Template, ck, code, isolated};
use std::path::Path;

const HMAC: ck::CK_MECHANISM_TYPE = ck::CKM_SHA256_HMAC;

fn hmac() -> Mechanism {
    Mechanism::plain(HMAC)
}

fn secret(session: &Session<'_>) -> Object {
    session.create(&Template::secret_key(ck::CKK_GENERIC_SECRET, &[7; 32]).flag(ck::CKA_SIGN, true)).unwrap()
}

/// Nanoseconds that a thread has been running.
fn running(thread: &Path) -> u64 {
    let times = std::fs::read_to_string(Path::new("/proc").join(thread).join("schedstat")).unwrap();
    times.split(' ').next().unwrap().parse().unwrap()
}

/// What comes of a pair whose session is closed while it is looked for, which takes a tenth of a second at least.
fn made_while_closed(session: &Session<'_>) -> kit::Result<(Object, Object)> {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::scope(|threads| {
        let made = threads.spawn(|| {
            let me = std::fs::read_link("/proc/thread-self").unwrap();
            tell.send((running(&me), me)).unwrap();
            let public = Template::new().ulong(ck::CKA_MODULUS_BITS, 4096);
            let generator = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
            session.generate_key_pair(&generator, &public, &Template::new().private(true))
        });
        let (before, thread) = told.recv().unwrap();
        kit::eventually("it looks for primes", || running(&thread) > before + 5_000_000);
        session.close().unwrap();
        made.join().unwrap()
    })
}

#[test]
fn a_key_of_a_session_that_is_closed_while_it_is_made_does_not_come() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let slot = session.info().unwrap().slotID;
        // On a busy machine it may be there before.
        let refused = (0..10).map(|_| code(made_while_closed(&module.open_rw(slot).unwrap()))).find(|code| {
            assert_eq!(session.find(&Template::new()).unwrap(), []);
            *code != ck::CKR_OK
        });
        assert_eq!(refused, Some(kit::Rv(ck::CKR_SESSION_CLOSED)));
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
