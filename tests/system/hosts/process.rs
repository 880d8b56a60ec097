//! The process around us: children it reaps, descriptors it closes, signals, standard streams, libraries of its own.
#![allow(unsafe_code)]

use crate::hosts::{login, prepared, works};
use kit::{Forked, Isolated, Module, Template, USER_PIN, ck, isolated};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU32, Ordering};

static CHILD_SIGNALS: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: libc::c_int) {
    CHILD_SIGNALS.fetch_add(1, Ordering::SeqCst);
}

/// waitpid(-1), of every kind of child.
fn reap(flags: i32) -> Result<i32, std::io::Error> {
    // SAFETY: waits for children of this process; no place for a status.
    match unsafe { libc::waitpid(-1, std::ptr::null_mut(), flags | libc::__WALL) } {
        -1 => Err(std::io::Error::last_os_error()),
        child => Ok(child),
    }
}

#[test]
fn a_host_gets_no_signal_and_no_child_of_ours() {
    isolated(|env| {
        env.tpm();
        // In a child that has no swtpm of its own.
        assert!(kit::fork(|| {
            let handler: extern "C" fn(libc::c_int) = count;
            // SAFETY: a handler that only counts.
            unsafe { libc::signal(libc::SIGCHLD, handler as *const () as libc::sighandler_t) };
            let module = env.module();
            let session = prepared(env, &module);
            for _ in 0..3 {
                works(&session);
                assert_eq!(reap(libc::WNOHANG).unwrap_err().raw_os_error(), Some(libc::ECHILD));
                kit::user::kill(env.tpm().agents()[0], libc::SIGKILL);
                session.logout().unwrap();
                session.login(ck::CKU_USER, USER_PIN).unwrap();
            }
            module.finalize().unwrap();
            kit::eventually("the agent ends", || env.tpm().agents().is_empty());
            assert_eq!(reap(libc::WNOHANG).unwrap_err().raw_os_error(), Some(libc::ECHILD));
            assert_eq!(CHILD_SIGNALS.load(Ordering::SeqCst), 0);
        }));
    });
}

#[test]
fn a_host_that_reaps_whatever_child_there_is_disturbs_nothing() {
    isolated(|env| {
        env.tpm();
        assert!(kit::fork(|| {
            std::thread::spawn(|| {
                loop {
                    let _ = reap(0);
                }
            });
            let module = env.module();
            prepared(env, &module);
            for _ in 0..10 {
                module.finalize().unwrap();
                module.initialize().unwrap();
                works(&login(&module));
            }
        }));
    });
}

/// Closes everything from 3 on, as daemons do, and opens files under the numbers that became free.
fn close_everything() -> Vec<File> {
    // SAFETY: what this closes is not used afterwards, which is what is tested.
    unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
    (0..30).map(|_| File::open("/dev/zero").unwrap()).collect()
}

#[test]
fn a_host_may_close_every_descriptor_and_use_the_numbers_again() {
    isolated(|env| {
        env.tpm();
        assert!(kit::fork(|| {
            let module = env.module();
            let session = prepared(env, &module);
            let files = close_everything();
            works(&session);
            session.create(&Template::data("after", true, b"value")).unwrap();
            assert_eq!(session.labelled("after").unwrap().len(), 1);
            session.set_pin(USER_PIN, "another-pin").unwrap();
            session.logout().unwrap();
            session.login(ck::CKU_USER, "another-pin").unwrap();
            works(&session);
            module.finalize().unwrap();
            let zero = std::fs::metadata("/dev/zero").unwrap().rdev();
            for file in &files {
                assert!(file.metadata().is_ok_and(|about| about.rdev() == zero), "a file of the host was closed");
            }
        }));
    });
}

#[test]
fn a_host_may_ignore_and_block_every_signal() {
    isolated(|env| {
        env.tpm();
        assert!(kit::fork(|| {
            // SAFETY: plain calls on signals of this process.
            unsafe {
                for signal in 1..32 {
                    libc::signal(signal, libc::SIG_IGN);
                }
                let mut all = std::mem::zeroed();
                libc::sigfillset(&raw mut all);
                libc::sigprocmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut());
            }
            let module = env.module();
            let session = prepared(env, &module);
            works(&session);
            // An agent that is killed is a broken pipe.
            kit::user::kill(env.tpm().agents()[0], libc::SIGKILL);
            session.logout().unwrap();
            session.login(ck::CKU_USER, USER_PIN).unwrap();
            works(&session);
            // SAFETY: reads the mask.
            let blocked = unsafe {
                let mut mask: libc::sigset_t = std::mem::zeroed();
                libc::sigprocmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut mask);
                (1..32)
                    .filter(|s| ![libc::SIGKILL, libc::SIGSTOP].contains(s))
                    .all(|s| libc::sigismember(&raw const mask, s) == 1)
            };
            assert!(blocked, "the host's mask was changed");
        }));
    });
}

#[test]
fn a_broken_pipe_kills_no_host_that_leaves_sigpipe_as_it_is() {
    isolated(|env| {
        env.tpm();
        assert!(kit::fork(|| {
            // SAFETY: Rust ignores it; most hosts do not.
            unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
            let module = env.module();
            let session = prepared(env, &module);
            for _ in 0..5 {
                kit::user::kill(env.tpm().agents()[0], libc::SIGKILL);
                kit::eventually("it is gone", || env.tpm().agents().is_empty());
                session.logout().unwrap();
                session.login(ck::CKU_USER, USER_PIN).unwrap();
            }
        }));
    });
}

#[test]
fn a_host_that_adopts_orphans_is_told_to_use_the_socket() {
    isolated(|env| {
        let module = env.module();
        prepared(env, &module);
        module.finalize().unwrap();
        // SAFETY: makes this process a subreaper, as an init is.
        unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) };
        module.initialize().unwrap();
        let session = module.session("test");
        assert_eq!(session.login(ck::CKU_USER, USER_PIN).unwrap_err(), ck::CKR_DEVICE_ERROR);
        env.log().must_say(&["ERROR", "subreaper", "sealhsm-tpm.socket"]);
        // SAFETY: and no more.
        unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) };
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        works(&session);
    });
}

#[test]
fn nothing_is_written_to_the_hosts_streams_unasked() {
    let quiet = Isolated::default().variable("SEALHSM_LOG", "").variable("RUST_LOG", "trace");
    quiet.variable("TSS2_LOG", "all+trace").run(|env| {
        env.tpm().never_lock();
        let before = ["stdout", "stderr"].map(|name| std::fs::read(env.file(name)).unwrap());
        let module = env.module();
        let session = prepared(env, &module);
        works(&session);
        session.logout().unwrap();
        assert_eq!(session.login(ck::CKU_USER, "wrong").unwrap_err(), ck::CKR_PIN_INCORRECT);
        env.tpm().kill();
        assert_eq!(session.login(ck::CKU_USER, USER_PIN).unwrap_err(), ck::CKR_DEVICE_ERROR);
        env.tpm().restart();
        module.finalize().unwrap();
        env.configure("nonsense = 1");
        assert_eq!(module.initialize().unwrap_err(), ck::CKR_GENERAL_ERROR);
        let after = ["stdout", "stderr"].map(|name| std::fs::read(env.file(name)).unwrap());
        assert_eq!(after, before);
    });
}

#[test]
fn a_host_without_standard_streams_has_nothing_written_into_its_files() {
    isolated(|env| {
        env.tpm();
        assert!(kit::fork(|| {
            // SAFETY: closes the standard streams of this process, which uses them no more.
            unsafe { libc::close_range(0, 2, 0) };
            let module = env.module();
            let session = prepared(env, &module);
            // The numbers 0 to 2 are now whatever the host opens next.
            let mut first = File::options().create(true).append(true).open(env.file("host")).unwrap();
            works(&session);
            session.logout().unwrap();
            session.login(ck::CKU_USER, USER_PIN).unwrap();
            first.write_all(b"host").unwrap();
            session.create(&Template::data("made", true, b"")).unwrap();
            works(&session);
            std::process::exit(0);
        }));
        let written = std::fs::read_to_string(env.file("host")).unwrap();
        // What was asked for on standard error is written there, and nothing else of ours.
        assert!(written.split_inclusive('\n').all(|line| line.starts_with("sealhsm: ") || line == "host"), "{written}");
    });
}

#[test]
fn the_hosts_openssl_configuration_does_not_reach_us() {
    let host = Isolated::default().variable("OPENSSL_CONF", "{dir}/openssl.cnf").variable("OPENSSL_MODULES", "{dir}");
    host.run(|env| {
        let nonsense = "openssl_conf = init\n[init]\nproviders = all\nalg_section = x\n[all]\nmine = m\n\
                        [m]\nmodule = /nonexistent/provider.so\nactivate = 1\n[x]\nfips_mode = yes\n[[broken\n";
        std::fs::write(env.file("openssl.cnf"), nonsense).unwrap();
        let module = env.module();
        let session = prepared(env, &module);
        works(&session);
        session.digest_with(&kit::Mechanism::plain(ck::CKM_SHA256), b"data").unwrap();
    });
}

#[test]
fn descriptors_are_closed_at_an_exec_and_none_is_left_after_c_finalize() {
    isolated(|env| {
        let number = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().to_str()?.parse().ok();
        let open = || std::fs::read_dir("/proc/self/fd").unwrap().filter_map(number).collect::<BTreeSet<i32>>();
        let module = Module::ours();
        env.tpm();
        let before = open();
        for _ in 0..3 {
            module.initialize().unwrap();
            match module.slot_of("test") {
                None => works(&prepared(env, &module)),
                Some(_) => works(&login(&module)),
            }
            for fd in open().difference(&before) {
                // SAFETY: asks for flags.
                let flags = unsafe { libc::fcntl(*fd, libc::F_GETFD) };
                assert!(flags == -1 || flags & libc::FD_CLOEXEC != 0, "descriptor {fd}");
            }
            module.finalize().unwrap();
            assert_eq!(open(), before);
        }
    });
}

#[test]
fn a_host_with_no_descriptor_left_gets_an_error_and_goes_on() {
    isolated(|env| {
        let module = env.module();
        let session = prepared(env, &module);
        session.logout().unwrap();
        module.finalize().unwrap();
        module.initialize().unwrap();
        let session = module.session("test");
        let mut all: Vec<OwnedFd> = Vec::new();
        // SAFETY: a duplicate of a live descriptor, ours alone.
        while let fd @ 0.. = unsafe { libc::dup(0) } {
            // SAFETY: made just now.
            all.push(unsafe { OwnedFd::from_raw_fd(fd) });
        }
        assert!(session.login(ck::CKU_USER, USER_PIN).is_err());
        drop(all);
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        works(&session);
    });
}

#[test]
fn a_process_that_is_killed_leaves_no_agent() {
    isolated(|env| {
        let module = env.module();
        prepared(env, &module);
        module.finalize().unwrap();
        let ready = env.file("ready");
        let host = Forked::start(|| {
            module.initialize().unwrap();
            login(&module);
            std::fs::write(&ready, "").unwrap();
            loop {
                std::thread::sleep(std::time::Duration::from_secs(1000));
            }
        });
        kit::eventually("it has logged in", || ready.exists());
        assert_eq!(env.tpm().agents().len(), 1);
        host.kill();
        kit::eventually("its agent ends", || env.tpm().agents().is_empty());
        assert_eq!(env.tpm().loaded(), (0, 0));
    });
}
