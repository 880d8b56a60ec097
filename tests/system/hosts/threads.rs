//! Threads of a host: many at once, on sessions of their own and on one, unloading under them, cancelled.
#![allow(unsafe_code)]

use crate::hosts::{login, prepared, works};
use kit::{Isolated, Mechanism, Module, Session, Template, ck, isolated};
use std::ffi::c_void;
use std::sync::mpsc;

/// As the kernel counts them.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn eight_threads_do_everything_at_once_on_sessions_of_their_own() {
    isolated(|env| {
        let module = env.module();
        let slot = prepared(env, &module).info().unwrap().slotID;
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let module = &module;
                scope.spawn(move || {
                    for round in 0..60 {
                        let session = module.open_rw(slot).unwrap();
                        works(&session);
                        let label = format!("{thread}/{round}");
                        let made = session.create(&Template::data(&label, round % 2 == 0, label.as_bytes())).unwrap();
                        assert_eq!(session.labelled(&label).unwrap(), [made]);
                        assert_eq!(session.bytes(made, ck::CKA_VALUE).unwrap(), label.as_bytes());
                        session.set(made, &Template::new().label("other")).unwrap();
                        session.destroy(made).unwrap();
                        assert_eq!(session.digest_with(&Mechanism::plain(ck::CKM_SHA256), b"data").unwrap().len(), 32);
                        session.close().unwrap();
                    }
                });
            }
        });
        assert_eq!(login_again(&module).find(&Template::new()).unwrap().len(), 2);
    });
}

fn login_again(module: &Module) -> kit::Session<'_> {
    module.finalize().unwrap();
    module.initialize().unwrap();
    login(module)
}

#[test]
fn eight_threads_on_one_session_get_results_or_errors_and_never_each_others_results() {
    isolated(|env| {
        let module = env.module();
        let session = prepared(env, &module);
        let expected = session.digest_with(&Mechanism::plain(ck::CKM_SHA256), b"data").unwrap();
        let allowed =
            |refused: kit::Rv| refused == ck::CKR_OPERATION_ACTIVE || refused == ck::CKR_OPERATION_NOT_INITIALIZED;
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        match session.digest_with(&Mechanism::plain(ck::CKM_SHA256), b"data") {
                            Ok(digest) => assert_eq!(digest, expected),
                            Err(refused) => assert!(allowed(refused), "{refused}"),
                        }
                    }
                });
            }
        });
        // What a thread left begun is ended.
        let _ = session.digest(b"");
        assert_eq!(session.digest_with(&Mechanism::plain(ck::CKM_SHA256), b"data").unwrap(), expected);
    });
}

#[test]
fn logins_and_logouts_race_with_signatures_and_nothing_but_the_right_errors_comes_of_it() {
    isolated(|env| {
        let module = env.module();
        let session = prepared(env, &module);
        let slot = session.info().unwrap().slotID;
        let key = session.one(ck::CKO_PRIVATE_KEY, "signer");
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let session = module.open_rw(slot).unwrap();
                    let mut key = key;
                    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                        match session.ecdsa(key, b"data") {
                            Ok(signature) => assert_eq!(signature.len(), 64),
                            Err(refused) => {
                                let known = [
                                    ck::CKR_KEY_HANDLE_INVALID,
                                    ck::CKR_OBJECT_HANDLE_INVALID,
                                    ck::CKR_USER_NOT_LOGGED_IN,
                                    ck::CKR_OPERATION_NOT_INITIALIZED,
                                ];
                                assert!(known.iter().any(|rv| refused == *rv), "{refused}");
                                // A logout may end a search too (section 5.6.9); then the next round looks again.
                                let found = session.find(&Template::new().class(ck::CKO_PRIVATE_KEY));
                                key = found.ok().and_then(|found| found.first().copied()).unwrap_or(key);
                                let _ = session.find_final();
                            }
                        }
                    }
                });
            }
            for _ in 0..15 {
                session.logout().unwrap();
                session.login(ck::CKU_USER, kit::USER_PIN).unwrap();
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        works(&session);
    });
}

#[test]
fn a_long_key_generation_blocks_nobody_else() {
    isolated(|env| {
        let module = env.module();
        let session = prepared(env, &module);
        let slot = session.info().unwrap().slotID;
        std::thread::scope(|scope| {
            let generating = scope.spawn(|| {
                let session = module.open_rw(slot).unwrap();
                let public = Template::new().ulong(ck::CKA_MODULUS_BITS, 4096);
                let private = Template::new().private(true);
                let rsa = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
                for _ in 0..3 {
                    session.generate_key_pair(&rsa, &public, &private).unwrap();
                }
            });
            let mut signed = 0;
            while !generating.is_finished() {
                works(&session);
                signed += 1;
            }
            assert!(signed > 20, "{signed} signatures during three RSA-4096 generations");
        });
    });
}

#[test]
fn no_thread_is_left_behind() {
    isolated(|env| {
        let before = threads();
        let module = env.module();
        works(&prepared(env, &module));
        assert_eq!(threads(), before, "none is made at all");
        module.finalize().unwrap();
        assert_eq!(threads(), before);
    });
}

#[test]
fn a_thread_may_end_after_the_module_was_unloaded() {
    isolated(|env| {
        prepared(env, &env.module());
        for _ in 0..10 {
            let module = Module::ours();
            let _ = module.finalize();
            module.initialize().unwrap();
            login(&module);
            // A thread that has used it, and lives on after dlclose.
            let (done, go) = (mpsc::channel::<Module>(), mpsc::channel::<()>());
            let thread = std::thread::spawn(move || {
                works(&module.session("test"));
                module.finalize().unwrap();
                done.0.send(module).unwrap();
                go.1.recv().unwrap();
            });
            drop(done.1.recv().unwrap());
            go.0.send(()).unwrap();
            thread.join().unwrap();
        }
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let code = maps.lines().filter(|line| line.contains("libsealhsm.so") && line.contains("r-xp")).count();
        assert_eq!(code, 1, "loaded once, and never unmapped under a thread");
    });
}

unsafe extern "C-unwind" {
    fn pthread_testcancel();
}
unsafe extern "C" {
    fn pthread_create(
        thread: *mut libc::pthread_t,
        attributes: *const c_void,
        start: extern "C-unwind" fn(*mut c_void) -> *mut c_void,
        argument: *mut c_void,
    ) -> libc::c_int;
}

/// Writes to the token until it is cancelled. Nothing here minds being left in the middle.
extern "C-unwind" fn writes(session: *mut c_void) -> *mut c_void {
    // SAFETY: the session of the test, which joins this thread.
    let session = unsafe { &*session.cast::<Session<'_>>() };
    let raw = session.module.raw();
    let (mut class, mut yes) = (ck::CKO_DATA, ck::CK_TRUE);
    let attribute = |type_, value: *mut c_void, length: usize| ck::CK_ATTRIBUTE {
        type_,
        pValue: value,
        ulValueLen: length as ck::CK_ULONG,
    };
    let mut template = [
        attribute(ck::CKA_CLASS, (&raw mut class).cast(), size_of_val(&class)),
        attribute(ck::CKA_TOKEN, (&raw mut yes).cast(), 1),
    ];
    loop {
        let mut object = 0;
        // SAFETY: a template of two attributes, and a place for the handle; then a point at which to be cancelled.
        unsafe {
            let made = raw.C_CreateObject(session.handle, template.as_mut_ptr(), 2, &raw mut object);
            if made != ck::CKR_OK || raw.C_DestroyObject(session.handle, object) != ck::CKR_OK {
                return std::ptr::null_mut();
            }
            pthread_testcancel();
        }
    }
}

#[test]
fn a_host_may_cancel_a_thread_that_is_in_the_middle_of_a_call() {
    isolated(|env| {
        let module = env.module();
        let session = prepared(env, &module);
        for round in 0..20 {
            let (mut thread, mut end) = (0, std::ptr::null_mut());
            let argument = (&raw const session).cast_mut().cast();
            // SAFETY: a thread that uses the session until it is joined.
            unsafe {
                assert_eq!(pthread_create(&raw mut thread, std::ptr::null(), writes, argument), 0);
                std::thread::sleep(std::time::Duration::from_millis(5 + round));
                assert_eq!(libc::pthread_cancel(thread), 0);
                assert_eq!(libc::pthread_join(thread, &raw mut end), 0);
            }
            // PTHREAD_CANCELED.
            assert_eq!(end.addr() as isize, -1);
        }
        works(&session);
        let made = session.create(&Template::data("after", true, b"")).unwrap();
        session.destroy(made).unwrap();
    });
}

unsafe extern "C" {
    fn pthread_setcancelstate(state: libc::c_int, before: *mut libc::c_int) -> libc::c_int;
}
const PTHREAD_CANCEL_DISABLE: libc::c_int = 1;

/// Runs `start` in a thread that is not Rust's, to be cancelled as a C host would; what it gives.
fn in_c_thread(start: extern "C-unwind" fn(*mut c_void) -> *mut c_void, session: &Session<'_>) -> usize {
    let (mut thread, mut end) = (0, std::ptr::null_mut());
    // SAFETY: a thread that uses the session until it is joined.
    unsafe {
        let argument = (&raw const *session).cast_mut().cast();
        assert_eq!(pthread_create(&raw mut thread, std::ptr::null(), start, argument), 0);
        assert_eq!(libc::pthread_join(thread, &raw mut end), 0);
    }
    end.addr()
}

/// Forks after it was told to end, at its next chance; gives the status of the child.
extern "C-unwind" fn forks(_: *mut c_void) -> *mut c_void {
    let mut status = -1;
    // SAFETY: the child only ends; the parent is not cancelled any more.
    unsafe {
        libc::pthread_cancel(libc::pthread_self());
        let child = libc::fork();
        if child == 0 {
            libc::_exit(7);
        }
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, std::ptr::null_mut());
        libc::waitpid(child, &raw mut status, 0);
    }
    std::ptr::without_provenance_mut(status as usize)
}

#[test]
fn a_thread_that_is_to_be_cancelled_may_fork() {
    isolated(|env| {
        let module = env.module();
        let session = prepared(env, &module);
        assert_eq!(libc::WEXITSTATUS(in_c_thread(forks, &session) as libc::c_int), 7);
        works(&session);
    });
}

/// Digests after it was told to end, at its next chance; gives what C_Digest said.
extern "C-unwind" fn digests(session: *mut c_void) -> *mut c_void {
    // SAFETY: the session of the test, which joins this thread.
    let session = unsafe { &*session.cast::<Session<'_>>() };
    let mut mechanism =
        ck::CK_MECHANISM { mechanism: ck::CKM_SHA256, pParameter: std::ptr::null_mut(), ulParameterLen: 0 };
    let (mut data, mut digest, mut length) = ([1], [0; 32], 32);
    let raw = session.module.raw();
    // SAFETY: a mechanism, and room for the digest of one of its bytes.
    let said = unsafe {
        libc::pthread_cancel(libc::pthread_self());
        let begun = raw.C_DigestInit(session.handle, &raw mut mechanism);
        begun | raw.C_Digest(session.handle, data.as_mut_ptr(), 1, digest.as_mut_ptr(), &raw mut length)
    };
    // SAFETY: this thread is not cancelled any more.
    unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, std::ptr::null_mut()) };
    std::ptr::without_provenance_mut(said as usize)
}

#[test]
fn a_thread_is_not_cancelled_by_a_line_of_the_log() {
    Isolated::default().variable("SEALHSM_LOG", "trace").run(|env| {
        let module = env.module();
        let session = prepared(env, &module);
        assert_eq!(in_c_thread(digests, &session), ck::CKR_OK as usize);
        works(&session);
    });
}
