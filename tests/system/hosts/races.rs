//! One thread ends what another is in the middle of: a session, a login, an object. Whoever comes second finds it
//! ended, and nothing outlives its end.

use kit::{Chance, Mechanism, Module, SO_PIN, Template, USER_PIN, ck, code, data, isolated, state};
use std::sync::Barrier;
use std::time::Duration;

/// Runs both at the same time.
fn together(one: impl FnOnce() + Send, other: impl FnOnce()) {
    let barrier = Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            barrier.wait();
            one();
        });
        barrier.wait();
        other();
    });
}

fn pause(chance: &mut Chance, most: usize) {
    std::thread::sleep(Duration::from_micros(chance.up_to(most) as u64));
}

#[test]
fn a_login_that_is_late_for_its_session_lets_nobody_in() {
    isolated(|env| {
        let module = env.module();
        let slot = env.token(&module, "test");
        for ms in [1, 5, 10, 20, 30] {
            let session = module.open_rw(slot).unwrap();
            together(
                || {
                    // It may be in time, or not.
                    let _ = session.login(ck::CKU_USER, USER_PIN);
                },
                || {
                    std::thread::sleep(Duration::from_millis(ms));
                    session.close().unwrap();
                },
            );
            let next = module.open_rw(slot).unwrap();
            assert_eq!(state(&next), ck::CKS_RW_PUBLIC_SESSION, "without a PIN, {ms} ms");
            next.close().unwrap();
        }
    });
}

#[test]
fn a_read_only_session_that_comes_while_the_so_logs_in_excludes_him_or_is_excluded() {
    isolated(|env| {
        let module = env.module();
        let slot = env.token(&module, "test");
        let writer = module.open_rw(slot).unwrap();
        for ms in [1, 5, 10, 20, 30, 300] {
            let mut login = Ok(());
            let mut opened = None;
            together(
                || login = writer.login(ck::CKU_SO, SO_PIN),
                || {
                    std::thread::sleep(Duration::from_millis(ms));
                    opened = Some(module.open_ro(slot));
                },
            );
            match opened.unwrap() {
                Ok(reader) => {
                    assert_eq!(code(login), ck::CKR_SESSION_READ_ONLY_EXISTS);
                    assert_eq!(state(&reader), ck::CKS_RO_PUBLIC_SESSION);
                    reader.close().unwrap();
                }
                Err(refused) => {
                    assert_eq!(refused, ck::CKR_SESSION_READ_WRITE_SO_EXISTS);
                    login.unwrap();
                    writer.logout().unwrap();
                }
            }
        }
    });
}

#[test]
fn who_is_told_that_he_is_logged_in_stays_so_when_the_last_other_session_closes() {
    isolated(|env| {
        let module = env.module();
        let mut session = env.user(&module);
        let slot = session.info().unwrap().slotID;
        for _ in 0..60 {
            let next = std::sync::Mutex::new(None);
            together(
                || {
                    let opened = module.open_rw(slot).unwrap();
                    let told = opened.login(ck::CKU_USER, USER_PIN);
                    assert!(told.is_ok() || code(told) == ck::CKR_USER_ALREADY_LOGGED_IN);
                    *next.lock().unwrap() = Some(opened);
                },
                || session.close().unwrap(),
            );
            session = next.into_inner().unwrap().unwrap();
            assert_eq!(state(&session), ck::CKS_RW_USER_FUNCTIONS);
        }
    });
}

#[test]
fn a_private_key_that_is_made_while_the_user_logs_out_is_nobodys() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let other = module.open_rw(session.info().unwrap().slotID).unwrap();
        let rsa = || Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
        let public = Template::new().ulong(ck::CKA_MODULUS_BITS, 3072).private(false);
        for token in [false, true] {
            let private = Template::new().private(true).token(token);
            let mut made = Ok(());
            together(
                || made = other.generate_key_pair(&rsa(), &public, &private).map(drop),
                || {
                    std::thread::sleep(Duration::from_millis(5));
                    session.logout().unwrap();
                },
            );
            assert_eq!(code(made), ck::CKR_USER_NOT_LOGGED_IN);
            assert_eq!(session.find(&Template::new()).unwrap(), [], "both halves or none");
            session.login(ck::CKU_USER, USER_PIN).unwrap();
            assert_eq!(session.find(&Template::new()).unwrap(), [], "both halves or none");
        }
    });
}

#[test]
fn what_a_session_makes_while_it_is_closed_ends_with_it() {
    isolated(|env| {
        let module = env.module();
        let stays = env.user(&module);
        let slot = stays.info().unwrap().slotID;
        let mut chance = Chance::seeded(1);
        for round in 0..400 {
            let session = module.open_rw(slot).unwrap();
            together(
                || while session.create(&data("made")).is_ok() {},
                || {
                    pause(&mut chance, 200);
                    session.close().unwrap();
                },
            );
            assert_eq!(stays.find(&data("made")).unwrap(), [], "round {round}");
        }
    });
}

#[test]
fn a_session_object_that_is_destroyed_while_it_is_changed_stays_destroyed() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let other = module.open_rw(session.info().unwrap().slotID).unwrap();
        let mut chance = Chance::seeded(2);
        for round in 0..400 {
            let object = session.create(&data("one")).unwrap();
            together(
                || while other.set(object, &Template::new().label("two")).is_ok() {},
                || {
                    pause(&mut chance, 100);
                    session.destroy(object).unwrap();
                    assert_eq!(code(session.bytes(object, ck::CKA_LABEL)), ck::CKR_OBJECT_HANDLE_INVALID, "{round}");
                },
            );
            assert_eq!(session.find(&Template::new()).unwrap(), [], "round {round}");
        }
    });
}

#[test]
fn a_key_that_became_sensitive_stays_so_while_another_thread_changes_it() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let other = module.open_rw(session.info().unwrap().slotID).unwrap();
        let key = Template::secret_key(ck::CKK_AES, &[1; 16]).sensitive(false).extractable(true);
        for round in 0..400 {
            let key = session.create(&key).unwrap();
            together(
                || (0..8).for_each(|n| other.set(key, &Template::new().label(&n.to_string())).unwrap()),
                || {
                    session.set(key, &Template::new().sensitive(true)).unwrap();
                    session.set(key, &Template::new().extractable(false)).unwrap();
                },
            );
            assert_eq!(code(session.bytes(key, ck::CKA_VALUE)), ck::CKR_ATTRIBUTE_SENSITIVE, "round {round}");
            assert!(!session.flag(key, ck::CKA_EXTRACTABLE).unwrap(), "round {round}");
            assert_eq!(session.bytes(key, ck::CKA_LABEL).unwrap(), b"7");
            session.destroy(key).unwrap();
        }
    });
}

/// Refusals that a call of another thread explains.
const EXPLAINED: [ck::CK_RV; 8] = [
    ck::CKR_SESSION_HANDLE_INVALID,
    ck::CKR_SESSION_CLOSED,
    ck::CKR_OBJECT_HANDLE_INVALID,
    ck::CKR_KEY_HANDLE_INVALID,
    ck::CKR_USER_NOT_LOGGED_IN,
    ck::CKR_OPERATION_NOT_INITIALIZED,
    ck::CKR_SAVED_STATE_INVALID,
    // Of no call here but a search that a logout ended, whose Final then was not called.
    ck::CKR_OPERATION_ACTIVE,
];

/// Forty calls of one thread in one session, at random, on whatever keys there are.
fn anything(module: &Module, slot: ck::CK_SLOT_ID, expected: &[u8], chance: &mut Chance) -> kit::Result<()> {
    let session = module.open_rw(slot)?;
    let mac = Mechanism::plain(ck::CKM_SHA256_HMAC);
    for _ in 0..40 {
        let found = session.find(&Template::new().class(ck::CKO_SECRET_KEY));
        let _ = session.find_final();
        let found = found.unwrap_or_default();
        let (private, key) = (chance.up_to(1) == 1, found.get(chance.up_to(found.len())).copied());
        let done = match (chance.up_to(9), key) {
            (0..=2, _) | (_, None) => session.create(&hmac_key().private(private)).map(drop),
            (3, Some(key)) => session.destroy(key),
            (4, Some(key)) => session.set(key, &Template::new().label("other")),
            (5, Some(key)) => session.copy(key, &Template::new().private(true)).map(drop),
            (6, Some(key)) => session.sign_init(&mac, key).and_then(|()| {
                session.sign_update(b"da")?;
                let saved = session.operation_state()?;
                session.set_operation_state(&saved, kit::Object(0), kit::Object(0))?;
                session.sign_update(b"ta")?;
                session.sign_final().map(|mac| assert_eq!(mac, expected))
            }),
            (_, Some(key)) => session.sign_with(&mac, key, b"data").map(|mac| assert_eq!(mac, expected)),
        };
        if let Err(refused) = done {
            assert!(EXPLAINED.iter().any(|rv| refused == *rv), "{refused}");
        }
    }
    session.close()
}

fn hmac_key() -> Template {
    Template::secret_key(ck::CKK_GENERIC_SECRET, &[5; 32]).flag(ck::CKA_SIGN, true)
}

#[test]
fn threads_that_do_anything_while_others_log_in_and_out_and_close_leave_nothing_behind() {
    isolated(|env| {
        let module = env.module();
        let first = env.user(&module);
        let slot = first.info().unwrap().slotID;
        let key = first.create(&hmac_key()).unwrap();
        let expected = first.sign_with(&Mechanism::plain(ck::CKM_SHA256_HMAC), key, b"data").unwrap();
        first.close().unwrap();
        for round in 0..12 {
            std::thread::scope(|scope| {
                for thread in 0..3 {
                    let (module, expected) = (&module, &expected);
                    scope.spawn(move || {
                        let mut chance = Chance::seeded(round * 3 + thread);
                        for _ in 0..25 {
                            if let Err(refused) = anything(module, slot, expected, &mut chance) {
                                assert!(refused == ck::CKR_SESSION_HANDLE_INVALID, "{refused}");
                            }
                        }
                    });
                }
                let mut chance = Chance::seeded(round);
                for _ in 0..3 {
                    let session = module.open_rw(slot).unwrap();
                    session.login(ck::CKU_USER, USER_PIN).unwrap();
                    pause(&mut chance, 20_000);
                    match chance.up_to(1) {
                        0 => session.logout().unwrap(),
                        _ => module.close_all(slot).unwrap(),
                    }
                    let _ = session.close();
                }
            });
            let session = module.open_rw(slot).unwrap();
            assert_eq!(state(&session), ck::CKS_RW_PUBLIC_SESSION, "round {round}");
            assert_eq!(session.find(&Template::new()).unwrap(), [], "round {round}");
            session.close().unwrap();
        }
    });
}
