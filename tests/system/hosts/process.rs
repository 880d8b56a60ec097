//! The process around us: children it reaps, descriptors it closes, signals, standard streams, libraries of its own.
#![allow(unsafe_code)]

use crate::hosts::{login, prepared, works};
use kit::{Forked, Isolated, Module, Template, USER_PIN, ck, isolated};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
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

/// Closes the standard streams of this process from this one on: the numbers are now whatever is opened next.
fn close_streams(first: u32) {
    // SAFETY: this process uses them no more.
    unsafe { libc::close_range(first, 2, 0) };
}

#[test]
fn a_host_without_standard_streams_has_nothing_written_into_its_files() {
    Isolated::default().variable("SEALHSM_LOG", "").variable("TSS2_LOG", "all+trace").run(|env| {
        env.tpm().never_lock();
        // A panic's message would be in them too.
        let files = [0, 1, 2].map(|number| env.file(&format!("host-{number}")));
        assert!(kit::fork(|| {
            close_streams(0);
            let module = env.module();
            let session = prepared(env, &module);
            let mut own = files.each_ref().map(|path| File::create(path).unwrap());
            assert_eq!(
                own.each_ref().map(AsRawFd::as_raw_fd),
                [0, 1, 2],
                "the host gets the numbers that it counts on"
            );
            own.iter_mut().for_each(|file| file.write_all(b"ho").unwrap());
            works(&session);
            session.logout().unwrap();
            assert_eq!(session.login(ck::CKU_USER, "wrong").unwrap_err(), ck::CKR_PIN_INCORRECT);
            env.configure_for("swtpm:path=/nonexistent", "");
            module.finalize().unwrap();
            module.initialize().unwrap();
            let session = module.open_rw(module.slot_of("test").unwrap()).unwrap();
            assert_eq!(session.login(ck::CKU_USER, USER_PIN).unwrap_err(), ck::CKR_DEVICE_ERROR);
            module.finalize().unwrap();
            env.configure("nonsense = 1");
            assert_eq!(module.initialize().unwrap_err(), ck::CKR_GENERAL_ERROR);
            own.iter_mut().for_each(|file| file.write_all(b"st").unwrap());
            std::process::exit(0);
        }));
        assert_eq!(files.map(|path| std::fs::read_to_string(path).unwrap()), ["host"; 3]);
    });
}

#[test]
fn no_line_of_a_log_that_has_no_stream_gets_into_a_tokens_file() {
    Isolated::default().variable("SEALHSM_LOG", "trace").run(|env| {
        env.tpm().never_lock();
        let module = env.module();
        prepared(env, &module);
        module.finalize().unwrap();
        let home = || std::fs::read_dir(env.home()).unwrap().map(|entry| entry.unwrap().path());
        let index = home().find(|path| path.extension().is_some_and(|end| end == "index")).unwrap();
        // With each of them closed, what is opened third, second or first would be written to; early, directories too.
        let hosts = [(0, true), (0, false), (1, false), (2, false)];
        for (first, early) in hosts {
            // What this child says in a panic is lost.
            let went_well = kit::fork(|| {
                if early {
                    close_streams(first);
                }
                module.initialize().unwrap();
                let session = login(&module);
                if !early {
                    close_streams(first);
                }
                for number in 0..300 {
                    if number % 100 == 0 {
                        // The beginning of a write that did not end, which a warning names while files are open.
                        File::options().append(true).open(&index).unwrap().write_all(&[9; 5]).unwrap();
                    }
                    let label = format!("{first} {early} {number}");
                    let made = session.create(&Template::data(&label, true, label.as_bytes())).unwrap();
                    if number > 0 {
                        session.destroy(made).unwrap();
                    }
                }
                session.logout().unwrap();
                assert_eq!(session.login(ck::CKU_USER, "wrong").unwrap_err(), ck::CKR_PIN_INCORRECT);
                session.login(ck::CKU_USER, USER_PIN).unwrap();
                session.set_pin(USER_PIN, USER_PIN).unwrap();
                module.finalize().unwrap();
            });
            assert!(went_well, "from {first} on, {early}");
            for path in home() {
                let (bytes, ours) = (std::fs::read(&path).unwrap(), b"sealhsm: ");
                let written = bytes.windows(ours.len()).any(|window| window == ours);
                assert!(!written, "{}, from {first} on, {early}", path.display());
            }
        }
        module.initialize().unwrap();
        let session = login(&module);
        works(&session);
        for (first, early) in hosts {
            let label = format!("{first} {early} 0");
            let found = session.labelled(&label).unwrap();
            assert_eq!(session.bytes(found[0], ck::CKA_VALUE).unwrap(), label.as_bytes());
        }
        session.create(&Template::data("after", true, b"")).unwrap();
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
