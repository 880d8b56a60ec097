//! Hosts that run for months: whatever they do, again and again, the process does not grow.

use kit::{Mechanism, Session, Template, USER_PIN, ck, code, isolated};

/// Bytes of memory in use.
pub(super) fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

/// More than one huge page of the kernel's, which may come at any time; less than what is lost once each time.
const LOST: u64 = 3 << 20;

/// Does something `times` times, after a tenth of that; the growth meanwhile must be less than a few bytes each time.
fn steady(name: &str, times: u64, each: impl Fn()) {
    (0..times / 10).for_each(|_| each());
    let before = resident();
    (0..times).for_each(|_| each());
    let grown = resident().saturating_sub(before);
    assert!(grown < LOST, "{name}: {grown} bytes in {times} times");
}

#[test]
fn nothing_that_is_done_again_and_again_makes_the_process_grow() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let slot = session.info().unwrap().slotID;
        let gcm = || Mechanism::gcm(&[1; 12], b"", 128);
        let (sha256, hmac) = (Mechanism::plain(ck::CKM_SHA256), Mechanism::plain(ck::CKM_SHA256_HMAC));
        let cbc = Mechanism::bytes(ck::CKM_AES_CBC_PAD, [1; 16]);
        let digests = |session: &Session<'_>| assert_eq!(session.digest_with(&sha256, b"data").unwrap().len(), 32);
        let aes = session.aes(&[1; 32]);
        let secret = session.secret(&[2; 32]);
        steady("sessions", 20_000, || module.open_rw(slot).unwrap().close().unwrap());
        steady("sessions in use", 10_000, || {
            let session = module.open_rw(slot).unwrap();
            session.encrypt_with(&gcm(), aes, b"text").unwrap();
            session.sign_init(&hmac, secret).unwrap();
            session.sign_update(b"part").unwrap();
            session.find_init(&Template::new()).unwrap();
            session.create(&Template::new().class(ck::CKO_DATA).label("of the session")).unwrap();
            session.close().unwrap();
        });
        for (name, mechanism) in [("GCM", gcm()), ("CBC", cbc)] {
            steady(name, 10_000, || {
                let key = session.aes(&[1; 16]);
                let sealed = session.encrypt_with(&mechanism, key, b"text").unwrap();
                digests(&session);
                assert_eq!(session.decrypt_with(&mechanism, key, &sealed).unwrap(), b"text");
                digests(&session);
                session.destroy(key).unwrap();
            });
        }
        steady("pairs", 3000, || {
            let public = Template::new().bytes(ck::CKA_EC_PARAMS, kit::P256);
            let pair = Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN);
            let (public, private) = session.generate_key_pair(&pair, &public, &Template::new()).unwrap();
            let signature = session.ecdsa(private, b"data").unwrap();
            session.ecdsa_verify(public, b"data", &signature).unwrap();
            session.destroy(public).unwrap();
            session.destroy(private).unwrap();
        });
        steady("states", 10_000, || {
            session.sign_init(&hmac, secret).unwrap();
            session.sign_update(b"da").unwrap();
            let state = session.operation_state().unwrap();
            session.set_operation_state(&state, kit::Object(0), kit::Object(0)).unwrap();
            session.sign_final().unwrap();
        });
        steady("refusals", 20_000, || {
            assert_eq!(code(session.decrypt_with(&gcm(), aes, &[0; 40])), ck::CKR_ENCRYPTED_DATA_INVALID);
            assert_eq!(code(session.sign_init(&gcm(), aes)), ck::CKR_MECHANISM_INVALID);
            assert_eq!(code(session.find_final()), ck::CKR_OPERATION_NOT_INITIALIZED);
        });
        steady("threads", 3000, || {
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let mine = module.open_rw(slot).unwrap();
                    mine.sign_with(&Mechanism::plain(ck::CKM_SHA256_HMAC), secret, b"data").unwrap();
                    mine.random(16).unwrap();
                    mine.close().unwrap();
                });
            });
        });
        steady("changes", 1500, || {
            let made = session.create(&Template::data("made", true, b"value")).unwrap();
            session.set(made, &Template::new().label("other")).unwrap();
            session.destroy(made).unwrap();
        });
        steady("logins", 60, || {
            session.logout().unwrap();
            session.login(ck::CKU_USER, USER_PIN).unwrap();
        });
    });
}
