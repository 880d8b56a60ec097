//! Disks that are full and directories that may only be read.
#![allow(unsafe_code)]

use crate::faults::{anew, file, value};
use kit::{Env, Module, Session, Template, USER_PIN, ck, isolated, user};
use std::fs;
use std::path::Path;

#[test]
fn a_directory_that_may_only_be_read_serves_readers_and_tells_writers() {
    isolated(|env| {
        let module = env.become_ordinary();
        module.initialize().unwrap();
        let session = env.user(&module);
        session.create(&Template::data("there", true, b"value")).unwrap();
        session.p256("signer").unwrap();
        let home = env.home();
        for path in crate::faults::files(&home, "") {
            user::mode(&path, 0o400);
        }
        user::mode(&home, 0o500);
        user::mode(&env.tokens(), 0o500);
        let session = anew(&module, "test");
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        let found = session.labelled("there").unwrap();
        assert_eq!(session.bytes(found[0], ck::CKA_VALUE).unwrap(), b"value");
        let private = session.one(ck::CKO_PRIVATE_KEY, "signer");
        let signature = session.ecdsa(private, b"data").unwrap();
        session.ecdsa_verify(session.one(ck::CKO_PUBLIC_KEY, "signer"), b"data", &signature).unwrap();
        let slot = session.info().unwrap().slotID;
        assert_ne!(module.token_info(slot).unwrap().flags & ck::CKF_WRITE_PROTECTED, 0);
        for outcome in [
            session.create(&Template::data("new", true, b"")).map(drop),
            session.set(found[0], &Template::new().label("changed")),
            session.destroy(found[0]),
            session.p256("new").map(drop),
            session.set_pin(USER_PIN, "another-pin"),
        ] {
            assert_eq!(outcome.unwrap_err(), ck::CKR_TOKEN_WRITE_PROTECTED);
        }
        env.log().must_say(&["WARN", home.to_str().unwrap(), "cannot be written", "mount"]);
        // Session objects are nobody's files.
        session.create(&Template::new().class(ck::CKO_DATA).token(false).label("mine")).unwrap();
        user::mode(&env.tokens(), 0o700);
        user::mode(&home, 0o700);
        for path in crate::faults::files(&home, "") {
            user::mode(&path, 0o600);
        }
        session.set_pin(USER_PIN, "another-pin").unwrap();
        session.create(&Template::data("new", true, b"")).unwrap();
    });
}

/// Creates objects until the disk is full; what was acknowledged is there, in this application and in a new one, and
/// what was not is not. `relieve` makes room.
fn fill(env: &Env, module: &Module, session: &Session<'_>, relieve: impl FnOnce(&Session<'_>)) {
    let mut acknowledged = 0;
    let refused = loop {
        match session.create(&Template::data(&format!("number {acknowledged}"), true, &[7; 2000])) {
            Ok(_) => acknowledged += 1,
            Err(refused) => break refused,
        }
        assert!(acknowledged < 2000, "the disk does not fill");
    };
    assert_eq!(refused, ck::CKR_DEVICE_MEMORY);
    assert!(acknowledged > 3, "{acknowledged}");
    env.log().must_say(&["ERROR", env.tokens().to_str().unwrap(), "no space left"]);
    let complete = |session: &Session<'_>| {
        assert_eq!(session.find(&Template::new()).unwrap().len(), acknowledged);
        for number in 0..acknowledged {
            assert_eq!(value(session, &format!("number {number}")).unwrap(), [7; 2000]);
        }
    };
    complete(session);
    for _ in 0..3 {
        let again = session.create(&Template::data("again", true, &[7; 20_000])).unwrap_err();
        assert_eq!(again, ck::CKR_DEVICE_MEMORY);
    }
    let session = anew(module, "test");
    session.login(ck::CKU_USER, USER_PIN).unwrap();
    complete(&session);
    relieve(&session);
    let now = session.find(&Template::new()).unwrap().len();
    session.create(&Template::data("after", true, b"value")).unwrap();
    let session = anew(module, "test");
    session.login(ck::CKU_USER, USER_PIN).unwrap();
    assert_eq!(value(&session, "after").unwrap(), b"value");
    assert_eq!(session.find(&Template::new()).unwrap().len(), now + 1);
}

/// RLIMIT_FSIZE: no file may become longer than this.
fn limit(bytes: Option<u64>) {
    let bytes = bytes.unwrap_or(libc::RLIM_INFINITY);
    // SAFETY: plain calls; the limit is this process's own, and so is what it does with the signal.
    let set = unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        let limits = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
        libc::setrlimit(libc::RLIMIT_FSIZE, &limits)
    };
    assert_eq!(set, 0, "setrlimit: {}", std::io::Error::last_os_error());
}

#[test]
fn an_index_that_cannot_grow_loses_nothing_that_was_acknowledged() {
    isolated(|env| {
        env.configure("[log]\nlevel = \"warn\"");
        let module = env.module();
        let session = env.user(&module);
        let index = fs::metadata(file(&env.home(), ".index")).unwrap().len();
        // The log of this test is a file too.
        let log = fs::metadata(env.file("stderr")).unwrap().len();
        limit(Some((index + 5000).max(log + 5000)));
        fill(env, &module, &session, |_| limit(None));
    });
}

#[test]
fn an_object_that_does_not_fit_on_the_disk_leaves_the_token_as_it_was() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        session.create(&Template::data("there", true, b"value")).unwrap();
        let before = crate::faults::files(&env.home(), "");
        limit(Some(64 << 10));
        let large = Template::data("large", true, &vec![7; 100 << 10]);
        assert_eq!(session.create(&large).unwrap_err(), ck::CKR_DEVICE_MEMORY);
        let there = session.labelled("there").unwrap()[0];
        let grown = Template::new().bytes(ck::CKA_VALUE, vec![7; 100 << 10]);
        assert_eq!(session.set(there, &grown).unwrap_err(), ck::CKR_DEVICE_MEMORY);
        assert_eq!(crate::faults::files(&env.home(), ""), before, "something half is left");
        assert_eq!(value(&session, "there").unwrap(), b"value");
        limit(None);
        session.create(&large).unwrap();
        session.set(there, &grown).unwrap();
        let session = anew(&module, "test");
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        assert_eq!(value(&session, "large").unwrap().len(), 100 << 10);
        assert_eq!(value(&session, "there").unwrap().len(), 100 << 10);
    });
}

/// A file system of 256 KiB that only this process sees; false where a process may not have one (no root, a container).
fn small_disk(at: &Path) -> bool {
    fs::create_dir_all(at).unwrap();
    let path = std::ffi::CString::new(at.to_str().unwrap()).unwrap();
    // SAFETY: C strings that live for the calls; the mounts are seen by this process and its children only.
    unsafe {
        libc::unshare(libc::CLONE_NEWNS) == 0
            && libc::mount(
                c"none".as_ptr(),
                c"/".as_ptr(),
                std::ptr::null(),
                libc::MS_REC | libc::MS_PRIVATE,
                std::ptr::null(),
            ) == 0
            && libc::mount(
                c"none".as_ptr(),
                path.as_ptr(),
                c"tmpfs".as_ptr(),
                0,
                c"size=256k,mode=0700".as_ptr().cast(),
            ) == 0
    }
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged_and_room_can_be_made() {
    isolated(|env| {
        if !small_disk(&env.tokens()) {
            return env.report("not asked: no disk can be mounted here\n");
        }
        let module = env.module();
        let session = env.user(&module);
        fill(env, &module, &session, |session| {
            let found = session.labelled("number 0").unwrap();
            session.destroy(found[0]).expect("room is made by destroying");
        });
    });
}
