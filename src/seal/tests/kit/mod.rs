//! A software TPM of its own for each test, the agent in front of it, and a token directory.
#![allow(dead_code)] // each test file uses its own part

use sealhsm_door::{self as door, Door};
use sealhsm_seal::{self as seal, Argon2, NewToken, Settings, TokenKey, Who};
use sealhsm_secret::Secret;
use sealhsm_store::{Change, Ring, Rings};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use uuid::Uuid;

pub const SO: &str = "so-pin";
pub const USER: &str = "user-pin";

pub fn pin(text: &str) -> Secret {
    Secret::copy_of(text.as_bytes())
}

/// A running swtpm; ended when dropped.
pub struct Tpm {
    child: Child,
    dir: TempDir,
}

impl Tpm {
    pub fn start() -> Tpm {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        let child = Command::new("swtpm")
            .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
            .args(["--tpmstate", &format!("dir={}", dir.path().display())])
            .args(["--server", &format!("type=unixio,path={},mode=0600", at("sock"))])
            .args(["--ctrl", &format!("type=unixio,path={},mode=0600", at("sock.ctrl"))])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("swtpm is installed");
        let until = Instant::now() + Duration::from_secs(10);
        while !dir.path().join("sock").exists() {
            assert!(Instant::now() < until, "swtpm does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        Tpm { child, dir }
    }

    pub fn door(&self) -> Door {
        Door::new(door::Settings {
            tpm: Some(format!("swtpm:path={}", self.dir.path().join("sock").display())),
            agents: vec![agent()],
            socket: None,
            deadline: Some(Duration::from_secs(20)),
        })
    }
}

impl Drop for Tpm {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `target/release/sealhsm-tpm`, beside the tests.
fn agent() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let agent = here.ancestors().nth(2).unwrap().join("sealhsm-tpm");
    assert!(agent.exists(), "{} is missing: build the workspace first", agent.display());
    agent
}

/// A TPM, a door to it and an empty token directory.
pub struct Machine {
    pub door: Door,
    pub settings: Settings,
    _tpm: Tpm,
    _dir: TempDir,
}

impl Machine {
    pub fn new() -> Machine {
        let dir = tempfile::tempdir().unwrap();
        let tokendir = dir.path().join("tokens");
        let argon2 = Argon2 { memory_kib: 8192, passes: 1 };
        let tpm = Tpm::start();
        let door = tpm.door();
        door.set_tries(32, 1000, 1000).unwrap();
        Machine { door, settings: Settings { tokendir, umask: 0o077, argon2 }, _tpm: tpm, _dir: dir }
    }

    /// A token with an SO PIN, a user PIN and nothing else.
    pub fn token(&self) -> Uuid {
        let token = self.create(None);
        self.set_pin(token, Who::So, SO, Who::User, USER).unwrap();
        token
    }

    pub fn create(&self, recovery: Option<[u8; 32]>) -> Uuid {
        let new = NewToken { label: "a token", so_pin: &pin(SO), recovery, taken_slots: &[] };
        seal::create(&self.settings, &self.door, &new).unwrap()
    }

    pub fn open(&self, token: Uuid, who: Who, with: &str) -> Result<TokenKey, seal::Error> {
        seal::open(&self.settings, &self.door, token, who, &pin(with))
    }

    /// `who`, with his PIN, sets the PIN of `whose`.
    pub fn set_pin(&self, token: Uuid, who: Who, with: &str, whose: Who, new: &str) -> Result<(), seal::Error> {
        let key = self.open(token, who, with)?;
        seal::set_pin(&self.settings, &self.door, token, &key, whose, &pin(new))
    }

    pub fn reinitialize(&self, token: Uuid) -> Result<(), seal::Error> {
        seal::reinitialize(&self.settings, &self.door, token, &pin(SO), "again", None)
    }

    pub fn file(&self, token: Uuid) -> PathBuf {
        self.settings.tokendir.join(token.to_string()).join("token.object")
    }

    pub fn read(&self, token: Uuid) -> String {
        fs::read_to_string(self.file(token)).unwrap()
    }

    pub fn write(&self, token: Uuid, text: &str) {
        fs::write(self.file(token), text).unwrap();
    }

    /// Puts one object into each ring.
    pub fn put_objects(&self, token: Uuid) -> [Uuid; 2] {
        let rings = self.open(token, Who::So, SO).unwrap().rings();
        let store = seal::objects(&self.settings, token, rings).unwrap();
        store.refresh().unwrap();
        let (public, private) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let body = Secret::copy_of(b"body");
        let put = |uuid, ring| Change::Put { uuid, ring, expected: 0, record: b"record", body: &body };
        store.commit(&[put(public, Ring::Public), put(private, Ring::Private)]).unwrap();
        [public, private]
    }

    /// The objects there are, by their names.
    pub fn objects(&self, token: Uuid, rings: Rings) -> Vec<Uuid> {
        let store = seal::objects(&self.settings, token, rings).unwrap();
        let entries = store.refresh().unwrap().put;
        for entry in &entries {
            assert_eq!(store.load(entry.ring, entry.uuid, entry.version).unwrap().as_ref(), b"body");
        }
        let mut found: Vec<_> = entries.into_iter().map(|entry| entry.uuid).collect();
        found.sort();
        found
    }
}

/// Copies a token's directory to another machine.
pub fn copy(from: &Machine, token: Uuid, to: &Machine) {
    let (from, to) = (from.settings.tokendir.join(token.to_string()), to.settings.tokendir.join(token.to_string()));
    let status = Command::new("cp").arg("-a").args([Path::new("-T"), &from, &to]).status().unwrap();
    assert!(status.success());
}

/// The lines of a table of `token.object`, its head included.
pub fn table<'a>(text: &'a str, head: &str) -> &'a str {
    let start = text.find(&format!("[{head}]\n")).unwrap();
    let length = text[start + 1..].find("\n[").unwrap();
    &text[start..start + 1 + length]
}
