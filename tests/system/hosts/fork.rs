//! Forks: the child starts anew, and the parent notices nothing, whatever becomes of the child.
#![allow(unsafe_code)]

use crate::hosts::{login, prepared, works};
use kit::{Forked, Module, Template, ck, eventually, fork, isolated};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[test]
fn a_child_of_a_logged_in_process_starts_anew_and_its_parent_notices_nothing() {
    isolated(|env| {
        let module = env.module();
        let session = prepared(env, &module);
        let key = session.one(ck::CKO_PRIVATE_KEY, "signer");
        session.sign_init(&kit::Mechanism::plain(ck::CKM_ECDSA_SHA256), key).unwrap();
        session.sign_update(b"da").unwrap();
        let agents = env.tpm().agents();
        assert!(fork(|| {
            assert_eq!(session.info().unwrap_err(), ck::CKR_CRYPTOKI_NOT_INITIALIZED);
            assert_eq!(session.sign_update(b"x").unwrap_err(), ck::CKR_CRYPTOKI_NOT_INITIALIZED);
            assert_eq!(module.slots().unwrap_err(), ck::CKR_CRYPTOKI_NOT_INITIALIZED);
            assert_eq!(module.finalize().unwrap_err(), ck::CKR_CRYPTOKI_NOT_INITIALIZED);
            module.initialize().unwrap();
            assert_eq!(session.info().unwrap_err(), ck::CKR_SESSION_HANDLE_INVALID, "a session of the parent");
            let mine = module.session("test");
            assert_eq!(mine.info().unwrap().state, ck::CKS_RW_PUBLIC_SESSION, "the parent's login");
            let mine = login(&module);
            works(&mine);
            mine.create(&Template::data("by the child", true, b"")).unwrap();
            module.finalize().unwrap();
        }));
        session.sign_update(b"ta").unwrap();
        let signature = session.sign_final().unwrap();
        session.ecdsa_verify(session.one(ck::CKO_PUBLIC_KEY, "signer"), b"data", &signature).unwrap();
        assert_eq!(session.info().unwrap().state, ck::CKS_RW_USER_FUNCTIONS);
        assert_eq!(session.labelled("by the child").unwrap().len(), 1);
        eventually("the child's agent ends", || env.tpm().agents() == agents);
    });
}

#[test]
fn many_children_log_in_at_the_same_time() {
    isolated(|env| {
        let module = env.module();
        let session = prepared(env, &module);
        let agents = env.tpm().agents();
        let work = || {
            module.initialize().unwrap();
            let mine = login(&module);
            (0..20).for_each(|_| works(&mine));
            mine.random(16).unwrap();
        };
        let all: Vec<Forked> = (0..16).map(|_| Forked::start(work)).collect();
        (0..50).for_each(|_| works(&session));
        assert!(all.into_iter().all(|child| child.wait().success()));
        works(&session);
        eventually("the children's agents end", || env.tpm().agents() == agents);
        assert_eq!(env.tpm().loaded(), (0, 0));
    });
}

#[test]
fn a_fork_while_other_threads_sign_log_in_and_write_blocks_nobody() {
    isolated(|env| {
        let module = env.module();
        let session = prepared(env, &module);
        let stop = AtomicBool::new(false);
        let until_stopped = |work: &dyn Fn()| {
            while !stop.load(Ordering::Relaxed) {
                work();
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mine = module.open_rw(session.info().unwrap().slotID).unwrap();
                until_stopped(&|| works(&mine));
            });
            scope.spawn(|| {
                let mine = module.open_rw(session.info().unwrap().slotID).unwrap();
                until_stopped(&|| {
                    let made = mine.create(&Template::data("made", true, b"value")).unwrap();
                    mine.destroy(made).unwrap();
                });
            });
            scope.spawn(|| until_stopped(&|| assert!(session.set_pin("wrong", "other").is_err())));
            scope.spawn(|| until_stopped(&|| assert!(module.info().is_ok() && module.slots().is_ok())));
            env.tpm().never_lock();
            for round in 0..60 {
                let child = Forked::start(|| {
                    assert_eq!(module.info().unwrap_err(), ck::CKR_CRYPTOKI_NOT_INITIALIZED);
                    assert_eq!(module.slots().unwrap_err(), ck::CKR_CRYPTOKI_NOT_INITIALIZED);
                    module.initialize().unwrap();
                    if round % 3 == 0 {
                        works(&login(&module));
                    }
                    module.finalize().unwrap();
                });
                assert!(child.wait().success(), "round {round}");
            }
            stop.store(true, Ordering::Relaxed);
        });
    });
}

#[test]
fn a_child_that_never_calls_us_keeps_no_lock_and_no_agent_of_a_parent_that_is_killed() {
    isolated(|env| {
        let module = env.module();
        let session = prepared(env, &module);
        let slot = session.info().unwrap().slotID;
        module.finalize().unwrap();
        for round in 0..12 {
            let orphan = env.file(&format!("orphan-{round}"));
            let parent = Forked::start(|| {
                module.initialize().unwrap();
                let mine = login(&module);
                std::thread::scope(|scope| {
                    scope.spawn(|| {
                        let mine = module.open_rw(mine.info().unwrap().slotID).unwrap();
                        loop {
                            mine.create(&Template::data("made", false, b"value")).unwrap();
                        }
                    });
                    std::thread::sleep(Duration::from_millis(3 + round));
                    let child = Forked::start(sleep_for_ever);
                    std::fs::write(&orphan, child.pid().to_string()).unwrap();
                    sleep_for_ever();
                });
            });
            eventually("it has forked", || std::fs::read(&orphan).is_ok_and(|pid| !pid.is_empty()));
            parent.kill();
            let _orphan = Orphan(std::fs::read_to_string(&orphan).unwrap().parse().unwrap());
            module.initialize().unwrap();
            let start = Instant::now();
            module
                .open_rw(module.slot_of("test").unwrap_or(slot))
                .unwrap()
                .create(&Template::data("next", false, b""))
                .unwrap();
            assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
            module.finalize().unwrap();
            eventually("both agents end", || env.tpm().agents().is_empty());
        }
    });
}

/// Nobody waits for it; it ends with the test, whatever becomes of that.
struct Orphan(i32);

impl Drop for Orphan {
    fn drop(&mut self) {
        kit::user::kill(self.0, libc::SIGKILL);
    }
}

fn sleep_for_ever() {
    loop {
        std::thread::sleep(Duration::from_secs(1000));
    }
}

#[test]
fn a_daemon_that_initialises_forks_and_lets_its_parent_exit_works_in_the_child() {
    isolated(|env| {
        let module = env.module();
        prepared(env, &module);
        module.finalize().unwrap();
        let done = env.file("done");
        assert!(fork(|| {
            module.initialize().unwrap();
            works(&login(&module));
            // The parent ends with its session open, without C_Finalize.
            let _daemon = Forked::start(|| {
                module.initialize().unwrap();
                works(&login(&module));
                std::fs::write(&done, "done").unwrap();
            });
        }));
        eventually("the daemon has signed", || done.exists());
        eventually("all agents end", || env.tpm().agents().is_empty());
    });
}

static MODULE: OnceLock<Module> = OnceLock::new();

/// What a fork handler of the host's does in the child.
extern "C" fn start_over() {
    let module = MODULE.get().expect("loaded");
    module.initialize().expect("C_Initialize");
    std::thread::scope(|scope| scope.spawn(|| works(&login(module))).join().expect("it works"));
}

#[test]
fn a_fork_handler_of_the_host_may_initialise_us_in_the_child_before_ours_has_run() {
    isolated(|env| {
        env.tpm();
        // Handlers of the child run in the order in which they came to be: the host's first.
        // SAFETY: a function that is never unloaded.
        assert_eq!(unsafe { libc::pthread_atfork(None, None, Some(start_over)) }, 0);
        let module = MODULE.get_or_init(Module::ours);
        module.initialize().unwrap();
        let session = prepared(env, module);
        for _ in 0..3 {
            assert!(fork(|| {
                let mine = module.session("test");
                works(&mine);
                mine.create(&Template::data("by the child", false, b"")).unwrap();
                mine.logout().unwrap();
                module.finalize().unwrap();
            }));
            works(&session);
        }
    });
}
