//! Ways for a host to end: without C_Finalize, with it in an exit handler, twice, with threads still at work.
#![allow(unsafe_code)]

use crate::hosts::{growth, login, prepared, works};
use kit::{Env, Forked, Module, ck, isolated};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

static MODULE: OnceLock<Module> = OnceLock::new();

/// Runs a host in a child that has to end with exit(7), exit handlers and all.
fn exits(env: &Env, host: impl FnOnce(&'static Module)) {
    let module = MODULE.get_or_init(Module::ours);
    module.initialize().unwrap();
    prepared(env, module);
    module.finalize().unwrap();
    let child = Forked::start(|| {
        module.initialize().unwrap();
        host(module);
        // SAFETY: ends this child as a C program ends.
        unsafe { libc::exit(7) }
    });
    let status = child.wait();
    assert_eq!(status.code(), Some(7), "{status}");
    kit::eventually("its agent ends", || env.tpm().agents().is_empty());
}

fn at_exit(handler: extern "C" fn()) {
    // SAFETY: a function that is never unloaded.
    assert_eq!(unsafe { libc::atexit(handler) }, 0);
}

#[test]
fn a_host_may_exit_without_c_finalize() {
    isolated(|env| exits(env, |module| works(&login(module))));
}

#[test]
fn a_host_may_exit_in_the_middle_of_everything() {
    isolated(|env| {
        exits(env, |module| {
            let session = login(module);
            let key = session.one(ck::CKO_PRIVATE_KEY, "signer");
            session.find_init(&kit::Template::new()).unwrap();
            session.sign_init(&kit::Mechanism::plain(ck::CKM_ECDSA_SHA256), key).unwrap();
            session.sign_update(b"half").unwrap();
            for _ in 0..4 {
                std::thread::spawn(move || {
                    loop {
                        let session = module.open_rw(session.info().unwrap().slotID).unwrap();
                        let _ = session.ecdsa(key, b"data");
                        session.close().unwrap();
                    }
                });
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        });
    });
}

/// What C_Finalize says the first time, and after that. A panic here ends the child otherwise than by exit.
extern "C" fn finalize() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let expected = match CALLS.fetch_add(1, Ordering::Relaxed) {
        0 => ck::CKR_OK,
        _ => ck::CKR_CRYPTOKI_NOT_INITIALIZED,
    };
    assert_eq!(kit::code(MODULE.get().expect("loaded").finalize()), expected);
}

#[test]
fn c_finalize_in_an_exit_handler_works_and_so_does_a_second_one() {
    isolated(|env| {
        exits(env, |module| {
            at_exit(finalize);
            at_exit(finalize);
            works(&login(module));
        });
    });
}

extern "C" fn sign_and_finalize() {
    let module = MODULE.get().expect("loaded");
    works(&module.open_rw(module.slot_of("test").expect("the token")).expect("a session"));
    finalize();
}

#[test]
fn an_exit_handler_may_still_sign() {
    isolated(|env| {
        exits(env, |module| {
            at_exit(sign_and_finalize);
            login(module);
        });
    });
}

extern "C" fn start_over() {
    let module = MODULE.get().expect("loaded");
    finalize();
    module.initialize().expect("C_Initialize");
    works(&login(module));
}

#[test]
fn an_exit_handler_may_start_over_and_leave_it_so() {
    isolated(|env| {
        exits(env, |module| {
            at_exit(start_over);
            works(&login(module));
        });
    });
}

#[test]
fn a_host_may_initialise_and_finalise_many_times() {
    isolated(|env| {
        let module = env.module();
        prepared(env, &module);
        let mut first = 0;
        for round in 0..30 {
            module.finalize().unwrap();
            module.initialize().unwrap();
            works(&login(&module));
            if round == 9 {
                first = growth::resident();
            }
        }
        let grown = growth::resident().saturating_sub(first);
        assert!(grown < 4 << 20, "{grown} bytes more after 20 rounds");
    });
}
