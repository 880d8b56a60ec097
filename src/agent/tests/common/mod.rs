//! What the tests of the agent share: a software TPM of their own, a proxy that records what crosses its socket, doors.
#![allow(unsafe_code, dead_code, clippy::unwrap_used)]

use sealhsm_door::{Door, Settings};
use sealhsm_secret::Secret;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The agent that cargo built.
pub const AGENT: &str = env!("CARGO_BIN_EXE_sealhsm-tpm");

/// A software TPM in a directory of its own, ended when dropped.
pub struct Swtpm {
    pub directory: tempfile::TempDir,
    child: Child,
}

impl Swtpm {
    pub fn start() -> Swtpm {
        let directory = tempfile::Builder::new().prefix("shsm").tempdir_in("/tmp").unwrap();
        let child = run(directory.path());
        Swtpm { directory, child }
    }
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("sock")
    }
    pub fn tcti(&self) -> String {
        format!("swtpm:path={}", self.socket().display())
    }
    pub fn signal(&self, signal: i32) {
        kill(self.child.id(), signal);
    }
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
    /// The same TPM, switched on again.
    pub fn restart(&mut self) {
        self.child = run(self.directory.path());
    }
    pub fn door(&self) -> Door {
        door(&self.tcti())
    }
    /// A door with a deadline in milliseconds.
    pub fn door_within(&self, deadline: u64) -> Door {
        Door::new(Settings { deadline: Some(Duration::from_millis(deadline)), ..settings(&self.tcti()) })
    }
    /// Runs a program of tpm2-tools on this TPM.
    pub fn tool(&self, name: &str, arguments: &[&str]) {
        let done = Command::new(name)
            .args(arguments)
            .args(["-T", &self.tcti()])
            .current_dir(self.directory.path())
            .stdout(Stdio::null())
            .status();
        assert!(done.unwrap().success(), "{name} {arguments:?}");
    }
    /// How many handles of a kind are listed, as tpm2-tools see it.
    pub fn handles(&self, kind: &str) -> usize {
        let kind = format!("handles-{kind}");
        let list = Command::new("tpm2_getcap").args([&kind, "-T", &self.tcti()]).output().unwrap();
        String::from_utf8(list.stdout).unwrap().matches("0x").count()
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(directory: &Path) -> Child {
    let socket = directory.join("sock");
    let _ = std::fs::remove_file(&socket);
    let unix = |name: &str| format!("type=unixio,path={},mode=0600", directory.join(name).display());
    let child = Command::new("swtpm")
        .args(["socket", "--tpm2", "--tpmstate", &format!("dir={}", directory.display())])
        .args(["--server", &unix("sock"), "--ctrl", &unix("sock.ctrl")])
        .args(["--flags", "not-need-init,startup-clear"])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while !socket.exists() {
        assert!(start.elapsed() < Duration::from_secs(10), "swtpm does not start");
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

pub fn settings(tcti: &str) -> Settings {
    Settings { tpm: Some(tcti.into()), agents: vec![AGENT.into()], ..Settings::default() }
}

pub fn door(tcti: &str) -> Door {
    Door::new(settings(tcti))
}

pub fn secret(fill: u8) -> Secret {
    Secret::copy_of(&[fill; 32])
}

pub fn kill(process: u32, signal: i32) {
    // SAFETY: a process that the test started.
    assert_eq!(unsafe { libc::kill(process as i32, signal) }, 0);
}

/// The agents of one TPM, found by their arguments.
pub fn agents(tcti: &str) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_agent = |process: &u32| {
        let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        line.starts_with(b"sealhsm-tpm\0") && line.split(|byte| *byte == 0).any(|word| word == tcti.as_bytes())
    };
    all.filter(is_agent).collect()
}

/// Waits for something that is about to happen.
pub fn eventually(what: &str, happens: impl Fn() -> bool) {
    let start = Instant::now();
    while !happens() {
        assert!(start.elapsed() < Duration::from_secs(10), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs in a forked child and gives its exit code; 101 for a panic.
pub fn in_child(work: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the child runs Rust code of one thread and leaves without unwinding into the test harness.
    match unsafe { libc::fork() } {
        0 => {
            let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or(101);
            // SAFETY: ends the child.
            unsafe { libc::_exit(code) }
        }
        child => {
            let mut status = 0;
            // SAFETY: our own child.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { -libc::WTERMSIG(status) }
        }
    }
}

/// See [`Proxy::hold`].
pub const HELD: Duration = Duration::from_millis(1200);

/// Stands in front of a TPM and records every command and response. libtss2 makes one connection per command.
pub struct Proxy {
    directory: tempfile::TempDir,
    record: Arc<Record>,
}

#[derive(Default)]
struct Record {
    seen: Mutex<Vec<Vec<u8>>>,
    loses_flushes: AtomicBool,
    held: AtomicU32,
}

impl Proxy {
    pub fn before(tpm: &Swtpm) -> Proxy {
        let directory = tempfile::Builder::new().prefix("shsm").tempdir_in("/tmp").unwrap();
        let record = Arc::new(Record::default());
        for (name, recorded) in [("sock", true), ("sock.ctrl", false)] {
            let listener = UnixListener::bind(directory.path().join(name)).unwrap();
            let (to, record) = (tpm.directory.path().join(name), record.clone());
            std::thread::spawn(move || {
                for client in listener.incoming() {
                    let (to, record) = (to.clone(), record.clone());
                    std::thread::spawn(move || relay(client.unwrap(), &to, recorded.then_some(&record)));
                }
            });
        }
        Proxy { directory, record }
    }
    /// From now on TPM2_FlushContext succeeds and never reaches the TPM, as if its sender had died before it.
    pub fn lose_flushes(&self) {
        self.record.loses_flushes.store(true, Ordering::SeqCst);
    }
    /// From now on the TPM seems to take [`HELD`] for a command (TPM_CC); 0: for none.
    pub fn hold(&self, code: u32) {
        self.record.held.store(code, Ordering::SeqCst);
    }
    pub fn tcti(&self) -> String {
        format!("swtpm:path={}", self.directory.path().join("sock").display())
    }
    /// The TPM commands sent since the last call (TPM_CC), and all bytes in both directions.
    pub fn take(&self) -> (Vec<u32>, Vec<u8>) {
        let messages = std::mem::take(&mut *self.record.seen.lock().unwrap());
        let codes = messages.iter().step_by(2).map(|m| u32::from_be_bytes(m[6..10].try_into().unwrap())).collect();
        (codes, messages.concat())
    }
}

/// Command and response alternate; each is recorded whole, by the length in its header.
fn relay(mut client: UnixStream, to: &Path, record: Option<&Arc<Record>>) {
    let mut server = UnixStream::connect(to).unwrap();
    let Some(record) = record else {
        let (mut client2, mut server2) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut server2, &mut client2));
        let _ = std::io::copy(&mut client, &mut server);
        let _ = server.shutdown(Shutdown::Both);
        return;
    };
    while let Some(command) = message(&mut client) {
        let response = if record.loses_flushes.load(Ordering::SeqCst) && command[6..10] == [0, 0, 1, 0x65] {
            vec![0x80, 1, 0, 0, 0, 10, 0, 0, 0, 0]
        } else {
            server.write_all(&command).unwrap();
            let Some(response) = message(&mut server) else { return };
            response
        };
        if record.held.load(Ordering::SeqCst).to_be_bytes() == command[6..10] {
            std::thread::sleep(HELD);
        }
        record.seen.lock().unwrap().extend([command, response.clone()]);
        if client.write_all(&response).is_err() {
            return;
        }
    }
}

fn message(from: &mut UnixStream) -> Option<Vec<u8>> {
    let mut head = [0; 10];
    from.read_exact(&mut head).ok()?;
    let mut message = head.to_vec();
    let length = u32::from_be_bytes(head[2..6].try_into().ok()?) as usize;
    message.resize(length, 0);
    from.read_exact(&mut message[10..]).ok()?;
    Some(message)
}
