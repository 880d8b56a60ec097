//! Who may make keys and where they live; and that a long generation holds up nobody.

use crate::generation::{remembers, value_len};
use kit::{Mechanism, Module, Object, Session, Template, USER_PIN, ck, curve, isolated};
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn who_may_make_which_key_depends_on_session_and_login() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let reader = module.open_ro(session.info().unwrap().slotID).unwrap();
        let of = Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN);
        let public = Template::new().bytes(ck::CKA_EC_PARAMS, curve::P256);
        let make = |session: &Session<'_>, public_token: bool, private_token: bool, private: bool| {
            let private = Template::new().token(private_token).private(private);
            session.generate_key_pair(&of, &public.clone().token(public_token), &private)
        };
        // A half on the token and a half in the session: both are what was asked for.
        for (public_token, private_token) in [(false, false), (true, false), (false, true), (true, true)] {
            let (public, private) = make(&session, public_token, private_token, true).unwrap();
            assert_eq!(session.flag(public, ck::CKA_TOKEN).unwrap(), public_token);
            assert_eq!(session.flag(private, ck::CKA_TOKEN).unwrap(), private_token);
        }
        let count = || session.find(&Template::new()).unwrap().len();
        let before = count();
        for (public_token, private_token) in [(true, false), (false, true), (true, true)] {
            let refused = make(&reader, public_token, private_token, true).unwrap_err();
            assert_eq!(refused, ck::CKR_SESSION_READ_ONLY);
        }
        assert_eq!(count(), before, "one half was made");
        make(&reader, false, false, true).unwrap();
        session.logout().unwrap();
        assert_eq!(make(&session, false, false, true).unwrap_err(), ck::CKR_USER_NOT_LOGGED_IN);
        assert_eq!(make(&session, true, true, true).unwrap_err(), ck::CKR_USER_NOT_LOGGED_IN);
        make(&session, false, false, false).unwrap();
        let aes = session.generate_key(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &value_len(16));
        assert_eq!(aes.unwrap_err(), ck::CKR_USER_NOT_LOGGED_IN);
    });
}

#[test]
fn keys_on_the_token_outlive_the_application() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (sha256, eddsa) = (Mechanism::plain(ck::CKM_ECDSA_SHA256), Mechanism::plain(ck::CKM_EDDSA));
        let rsa = Mechanism::plain(ck::CKM_SHA256_RSA_PKCS);
        let on = |label: &str| Template::new().token(true).label(label);
        let params = |params: &[u8], label| on(label).bytes(ck::CKA_EC_PARAMS, params);
        for (of, public, label) in [
            (ck::CKM_RSA_PKCS_KEY_PAIR_GEN, on("rsa").ulong(ck::CKA_MODULUS_BITS, 1024), "rsa"),
            (ck::CKM_EC_KEY_PAIR_GEN, params(curve::P256, "ec"), "ec"),
            (ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, params(curve::ED25519, "ed"), "ed"),
        ] {
            session.generate_key_pair(&Mechanism::plain(of), &public, &on(label)).unwrap();
        }
        session.generate_key(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &value_len(32).and(&on("aes"))).unwrap();
        let one = |session: &Session<'_>, class, label| {
            let found = session.find(&Template::new().class(class).label(label)).unwrap();
            assert_eq!(found.len(), 1, "{label}");
            found[0]
        };
        let sealed = {
            let key = one(&session, ck::CKO_SECRET_KEY, "aes");
            session.encrypt_with(&Mechanism::gcm(&[1; 12], b"", 128), key, b"kept").unwrap()
        };
        module.finalize().unwrap();
        let module = env.module();
        let session = module.open_ro(module.slot_of("test").unwrap()).unwrap();
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        for (label, mechanism) in [("rsa", &rsa), ("ec", &sha256), ("ed", &eddsa)] {
            let private = one(&session, ck::CKO_PRIVATE_KEY, label);
            let signature = session.sign_with(mechanism, private, b"data").unwrap();
            let public = one(&session, ck::CKO_PUBLIC_KEY, label);
            session.verify_with(mechanism, public, b"data", &signature).unwrap();
            remembers(&session, private, true, false);
        }
        let key = one(&session, ck::CKO_SECRET_KEY, "aes");
        assert_eq!(session.decrypt_with(&Mechanism::gcm(&[1; 12], b"", 128), key, &sealed).unwrap(), b"kept");
    });
}

/// How many of 100 signatures another thread finishes while an RSA pair is being made.
fn signed_meanwhile(module: &Module, session: &Session<'_>, key: Object) -> usize {
    let (begun, over) = (AtomicBool::new(false), AtomicBool::new(false));
    let slot = session.info().unwrap().slotID;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let slow = module.open_rw(slot).unwrap();
            begun.store(true, Ordering::SeqCst);
            slow.rsa_pair(4096);
            over.store(true, Ordering::SeqCst);
        });
        while !begun.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        let sign = |_: &i32| {
            session.sign_with(&Mechanism::plain(ck::CKM_ECDSA_SHA256), key, b"data").unwrap();
            !over.load(Ordering::SeqCst)
        };
        (0..100).filter(sign).count()
    })
}

#[test]
fn a_long_generation_holds_up_nobody_else() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (_, private) = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P256);
        // Primes can be found at once: then there was nothing to wait for, and the next one may take longer.
        let best = (0..10).map(|_| signed_meanwhile(&module, &session, private)).find(|count| *count >= 50);
        assert!(best.is_some(), "every signature waited until the pair was made");
    });
}
