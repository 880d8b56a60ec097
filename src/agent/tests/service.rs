//! The agent on a socket, as systemd starts it.
#![allow(unsafe_code, clippy::unwrap_used)]

mod common;

use common::{AGENT, Proxy, Swtpm, in_child, secret};
use sealhsm_door::{Door, Error, Lock, Parent, Settings};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A listening socket with a service behind it, ended when dropped.
struct Service {
    tpm: Swtpm,
    directory: tempfile::TempDir,
    listener: UnixListener,
    child: Child,
}

impl Service {
    fn start() -> Service {
        let tpm = Swtpm::start();
        let directory = tempfile::Builder::new().prefix("shsm").tempdir_in("/tmp").unwrap();
        std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let listener = UnixListener::bind(directory.path().join("tpm.sock")).unwrap();
        std::fs::set_permissions(directory.path().join("tpm.sock"), PermissionsExt::from_mode(0o666)).unwrap();
        let child = run(&listener, &tpm.tcti(), 4000);
        Service { tpm, directory, listener, child }
    }
    fn socket(&self) -> PathBuf {
        self.directory.path().join("tpm.sock")
    }
    /// A door that can only use the socket.
    fn door(&self) -> Door {
        Door::new(Settings { socket: Some(self.socket()), ..Settings::default() })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What systemd does: the socket is descriptor 3, and the variables name this process.
fn run(listener: &UnixListener, tcti: &str, deadline: u32) -> Child {
    let socket = listener.as_raw_fd();
    let script = format!("LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" --deadline {deadline} 3<&{socket}");
    let mut command = Command::new("sh");
    command.args(["-c", &script, AGENT]).env("SEALHSM_TPM", tcti).stderr(Stdio::null());
    // SAFETY: fcntl(2) only.
    unsafe {
        command.pre_exec(move || match libc::fcntl(socket, libc::F_SETFD, 0) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        });
    }
    command.spawn().unwrap()
}

/// Runs as another user.
fn as_user(uid: u32, work: impl FnOnce()) {
    let code = in_child(|| {
        // SAFETY: gives up root in this process.
        unsafe {
            assert_eq!(libc::setgroups(0, std::ptr::null()), 0);
            assert_eq!(libc::setresgid(uid, uid, uid), 0);
            assert_eq!(libc::setresuid(uid, uid, uid), 0);
        }
        work();
        0
    });
    assert_eq!(code, 0);
}

fn is_root() -> bool {
    sealhsm_door::effective_uid() == 0
}

#[test]
fn a_door_without_a_named_tpm_uses_the_socket() {
    let service = Service::start();
    let door = service.door();
    assert_eq!(door.status().unwrap().tcti, service.tpm.tcti());
    let parent = door.parent().unwrap();
    let blob = door.seal(&parent, Lock::Pin(&secret(7)), &secret(0x5e)).unwrap();
    assert!(door.unseal(&parent, Lock::Pin(&secret(7)), &blob).unwrap().ct_eq(&[0x5e; 32]));
    // Each connection has a process of its own.
    assert!(service.door().unseal(&parent, Lock::Pin(&secret(7)), &blob).is_ok());
}

#[test]
fn a_named_tpm_is_never_looked_for_behind_the_socket() {
    let service = Service::start();
    let other = Swtpm::start();
    let door = Door::new(Settings { socket: Some(service.socket()), ..common::settings(&other.tcti()) });
    assert_eq!(door.status().unwrap().tcti, other.tcti());
}

#[test]
fn a_service_that_was_restarted_is_used_again() {
    let mut service = Service::start();
    let door = service.door();
    door.status().unwrap();
    service.child.kill().unwrap();
    service.child.wait().unwrap();
    service.child = run(&service.listener, &service.tpm.tcti(), 4000);
    door.status().unwrap();
}

#[test]
fn a_service_survives_its_tpm_and_its_clients() {
    let mut service = Service::start();
    let door = service.door();
    let parent = door.parent().unwrap();
    service.tpm.door().shutdown().unwrap();
    service.tpm.kill();
    assert!(matches!(door.status(), Err(Error::NoTpm(_))));
    service.tpm.restart();
    assert_eq!(door.parent().unwrap(), parent);
    for nonsense in [&b"\xff\xff\xff\xff"[..], b"\x02\0\0\0\x63\x63", b"\x02\0"] {
        use std::io::Write;
        UnixStream::connect(service.socket()).unwrap().write_all(nonsense).unwrap();
    }
    assert_eq!(service.door().parent().unwrap(), parent);
}

#[test]
fn without_socket_and_agent_the_error_names_both() {
    let settings = Settings {
        socket: Some("/nonexistent/tpm.sock".into()),
        agents: vec!["/nonexistent/sealhsm-tpm".into()],
        ..Settings::default()
    };
    match Door::new(settings).status() {
        Err(Error::NoAgent(text)) => {
            assert!(text.contains("/nonexistent/tpm.sock") && text.contains("/nonexistent/sealhsm-tpm"), "{text}");
        }
        outcome => panic!("{outcome:?}"),
    }
}

#[test]
fn only_root_may_persist_reset_or_shut_down_through_the_socket() {
    let service = Service::start();
    let may = |door: &Door| {
        let nothing = sealhsm_secret::Secret::zeroed(0);
        [door.provision().map(drop), door.set_tries(32, 600, 86400), door.reset_lockout(&nothing), door.shutdown()]
    };
    if is_root() {
        as_user(65534, || {
            assert!(may(&service.door()).iter().all(|outcome| matches!(outcome, Err(Error::Refused(_)))));
            assert!(service.door().parent().is_ok());
        });
        assert!(may(&service.door()).iter().all(Result::is_ok));
    } else {
        assert!(may(&service.door()).iter().all(|outcome| matches!(outcome, Err(Error::Refused(_)))));
    }
}

#[test]
fn a_user_with_too_many_wrong_pins_waits_and_nobody_else_does() {
    let service = Service::start();
    let door = service.tpm.door();
    door.set_tries(32, 600, 86400).unwrap();
    let parent = door.parent().unwrap();
    let blob = door.seal(&parent, Lock::Pin(&secret(7)), &secret(0x5e)).unwrap();
    let machine = door.seal(&parent, Lock::Machine, &secret(1)).unwrap();
    let exhaust = || {
        let refused = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| match service.door().unseal(&parent, Lock::Pin(&secret(8)), &blob) {
                    Err(Error::WrongAuth) => {}
                    Err(Error::Refused(text)) => {
                        assert!(text.contains("too many wrong PINs"), "{text}");
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                    outcome => panic!("{outcome:?}"),
                });
            }
        });
        assert_eq!(refused.load(Ordering::Relaxed), 3);
        assert!(matches!(service.door().unseal(&parent, Lock::Pin(&secret(7)), &blob), Err(Error::Refused(_))));
        assert!(service.door().unseal(&parent, Lock::Machine, &machine).is_ok());
    };
    if is_root() {
        as_user(65534, exhaust);
        assert!(service.door().unseal(&parent, Lock::Pin(&secret(7)), &blob).is_ok());
    } else {
        exhaust();
    }
    assert_eq!(door.status().unwrap().lockout_counter, 5);
}

#[test]
fn a_wrong_pin_that_takes_too_long_is_counted_and_a_tpm_that_hangs_costs_no_try() {
    let mut service = Service::start();
    let (door, proxy) = (service.tpm.door(), Proxy::before(&service.tpm));
    door.set_tries(32, 600, 86400).unwrap();
    let parent = door.parent().unwrap();
    let blob = door.seal(&parent, Lock::Pin(&secret(7)), &secret(0x5e)).unwrap();
    service.child.kill().unwrap();
    service.child.wait().unwrap();
    service.child = run(&service.listener, &proxy.tcti(), 1000);
    let times_out = |pin| {
        let outcome = service.door().unseal(&parent, Lock::Pin(&secret(pin)), &blob);
        // The proxy is at it still.
        std::thread::sleep(common::HELD / 4);
        match outcome {
            Err(Error::Timeout) => true,
            Err(Error::Refused(_)) => false,
            outcome => panic!("{outcome:?}"),
        }
    };
    // TPM2_Load.
    proxy.hold(0x157);
    assert!((0..6).all(|_| times_out(7)));
    proxy.hold(0);
    assert!(service.door().unseal(&parent, Lock::Pin(&secret(7)), &blob).is_ok());
    assert_eq!(door.status().unwrap().lockout_counter, 0);
    // TPM2_Unseal: the TPM has counted when it answers.
    proxy.hold(0x15e);
    assert_eq!((0..7).filter(|_| times_out(8)).count(), 5);
    assert_eq!(door.status().unwrap().lockout_counter, 5);
}

#[test]
fn nobody_spends_the_tpms_tries_on_a_key_of_somebody_elses() {
    let service = Service::start();
    let (tpm, door) = (&service.tpm, service.door());
    tpm.door().set_tries(32, 600, 86400).unwrap();
    let parent = door.parent().unwrap();
    let blob = door.seal(&parent, Lock::Machine, &secret(1)).unwrap();
    // A key with a password that counts wrong ones.
    let attributes = "restricted|decrypt|fixedtpm|fixedparent|sensitivedataorigin|userwithauth";
    tpm.tool("tpm2_createprimary", &["-C", "o", "-G", "ecc", "-a", attributes, "-p", "secret", "-c", "key"]);
    for handle in [0x8100_0002, 0x8100_0001] {
        tpm.tool("tpm2_evictcontrol", &["-C", "o", "-c", "key", &format!("{handle:#x}")]);
        tpm.tool("tpm2_flushcontext", &["-t"]);
        tpm.tool("tpm2_readpublic", &["-c", &format!("{handle:#x}"), "-n", "name"]);
        let name = std::fs::read(tpm.directory.path().join("name")).unwrap();
        let theirs = Parent { handle, template: "ecc-p256".into(), name };
        assert!(matches!(door.unseal(&theirs, Lock::Machine, &blob), Err(Error::Refused(_))));
        assert!(matches!(door.seal(&theirs, Lock::Machine, &secret(1)), Err(Error::Refused(_))));
    }
    assert_eq!(door.status().unwrap().lockout_counter, 0);
}

#[test]
fn started_by_hand_the_agent_says_what_it_is_for() {
    let run = |arguments: &[&str]| Command::new(AGENT).args(arguments).env_remove("LISTEN_FDS").output().unwrap();
    let bare = run(&[]);
    assert!(!bare.status.success());
    assert!(String::from_utf8(bare.stderr).unwrap().contains("sealhsm-tpm.socket"));
    assert_eq!(run(&["--nonsense"]).status.code(), Some(2));
    assert_eq!(run(&["--deadline", "0"]).status.code(), Some(2));
    assert!(String::from_utf8(run(&["--help"]).stdout).unwrap().contains("--spawned"));
    assert!(String::from_utf8(run(&["--version"]).stdout).unwrap().starts_with("sealhsm-tpm "));
}
