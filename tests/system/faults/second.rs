//! A second instance: another process on the same token, one that hangs in the middle of a change, one that deletes or
//! re-initialises the token under us.
#![allow(unsafe_code)]

use crate::faults::{anew, value};
use kit::{Forked, SO_PIN, Template, USER_PIN, ck, fork, isolated};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

#[test]
fn two_processes_change_one_token_and_see_each_other() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        assert!(fork(|| {
            let module = env.module();
            let session = module.open_rw(module.slot_of("test").unwrap()).unwrap();
            session.login(ck::CKU_USER, USER_PIN).unwrap();
            session.create(&Template::data("theirs", true, b"value")).unwrap();
        }));
        assert_eq!(value(&session, "theirs").unwrap(), b"value");
        let theirs = session.labelled("theirs").unwrap()[0];
        assert!(fork(|| {
            let module = env.module();
            let session = module.open_rw(module.slot_of("test").unwrap()).unwrap();
            session.login(ck::CKU_USER, USER_PIN).unwrap();
            session.destroy(session.labelled("theirs").unwrap()[0]).unwrap();
        }));
        assert_eq!(session.labelled("theirs").unwrap(), []);
        assert_eq!(session.bytes(theirs, ck::CKA_VALUE).unwrap_err(), ck::CKR_OBJECT_HANDLE_INVALID);
    });
}

#[test]
fn ten_processes_write_at_the_same_time_and_nothing_is_lost() {
    isolated(|env| {
        let module = env.module();
        env.user(&module);
        module.finalize().unwrap();
        let write = |process: usize| {
            let module = env.module();
            let session = module.open_rw(module.slot_of("test").unwrap()).unwrap();
            for number in 0..20 {
                let label = format!("{process}/{number}");
                let object = session.create(&Template::data(&label, false, label.as_bytes())).unwrap();
                if number % 4 == 3 {
                    session.destroy(object).unwrap();
                }
            }
        };
        let all: Vec<Forked> = (0..10).map(|process| Forked::start(|| write(process))).collect();
        assert!(all.into_iter().all(|process| process.wait().success()));
        let session = anew(&module, "test");
        assert_eq!(session.find(&Template::new()).unwrap().len(), 150);
        for (process, number) in [(0, 0), (4, 10), (9, 18)] {
            let label = format!("{process}/{number}");
            assert_eq!(value(&session, &label).unwrap(), label.as_bytes());
        }
    });
}

#[test]
fn a_writer_that_hangs_is_named_after_ten_seconds_and_stops_no_reader() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        session.create(&Template::data("there", true, b"value")).unwrap();
        let path = env.home().join("token.lock");
        let lock = File::open(&path).unwrap();
        // SAFETY: a live descriptor.
        assert_eq!(unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX) }, 0);
        std::thread::scope(|scope| {
            let writing = scope.spawn(|| {
                let start = Instant::now();
                (session.create(&Template::data("new", true, b"")).map(drop), start.elapsed())
            });
            let reader = anew_session(&module);
            for _ in 0..20 {
                assert_eq!(value(&reader, "there").unwrap(), b"value");
                std::thread::sleep(Duration::from_millis(100));
            }
            assert!(!writing.is_finished());
            let (outcome, took) = writing.join().unwrap();
            assert_eq!(outcome.unwrap_err(), ck::CKR_DEVICE_ERROR);
            assert!((8..15).contains(&took.as_secs()), "{took:?}");
        });
        env.log().must_say(&["ERROR", path.to_str().unwrap(), "another process", "fuser"]);
        drop(lock);
        session.create(&Template::data("new", true, b"")).unwrap();
    });
}

fn anew_session(module: &kit::Module) -> kit::Session<'_> {
    module.open_rw(module.slot_of("test").unwrap()).unwrap()
}

#[test]
fn a_token_made_anew_by_another_process_ends_the_login_with_a_log_line() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        session.create(&Template::data("erased", true, b"value")).unwrap();
        assert!(fork(|| {
            let module = env.module();
            module.init_token(module.slot_of("test").unwrap(), SO_PIN, "test").unwrap();
        }));
        let refused = session.create(&Template::data("new", true, b"")).unwrap_err();
        assert_eq!(refused, ck::CKR_DEVICE_ERROR);
        env.log().must_say(&["WARN", "re-initialised", "logged out"]);
        let refused = session.create(&Template::data("new", true, b"")).unwrap_err();
        assert_eq!(refused, ck::CKR_USER_NOT_LOGGED_IN);
        assert_eq!(session.find(&Template::new()).unwrap(), []);
        assert_eq!(session.login(ck::CKU_USER, USER_PIN).unwrap_err(), ck::CKR_USER_PIN_NOT_INITIALIZED);
        session.login(ck::CKU_SO, SO_PIN).unwrap();
        session.init_pin("a-new-user-pin").unwrap();
    });
}

#[test]
fn a_token_deleted_by_another_process_is_an_error_and_its_slot_goes_with_the_last_session() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        session.create(&Template::data("gone", true, b"value")).unwrap();
        std::fs::remove_dir_all(env.home()).unwrap();
        assert_eq!(session.find(&Template::new()).unwrap_err(), ck::CKR_DEVICE_ERROR);
        env.log().must_say(&["gone", "deleted"]);
        assert_eq!(module.slots().unwrap().len(), 2);
        session.close().unwrap();
        assert_eq!(module.slots().unwrap().len(), 1);
        env.token(&module, "next");
    });
}
