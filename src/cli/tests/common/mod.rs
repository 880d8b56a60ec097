//! A place of its own for one test: configuration, token directory, PIN files, software TPMs that end with it.
#![allow(dead_code)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The command under test.
pub const SEALHSM: &str = env!("CARGO_BIN_EXE_sealhsm");

/// See the module's description.
pub struct Site {
    directory: tempfile::TempDir,
    tpm: Option<PathBuf>,
    started: Vec<PathBuf>,
}

/// What a command did.
#[derive(Debug)]
pub struct Done {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Done {
    /// Of a command that ended by itself.
    pub fn of(output: Output) -> Done {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Done { code: output.status.code().expect("an exit code"), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Its standard output, if it succeeded.
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// Its standard output as JSON.
    pub fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.ok()).expect("JSON")
    }

    /// Its standard error, if it failed with this code.
    pub fn failed(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        self.err
    }
}

impl Site {
    /// Without a TPM.
    pub fn new() -> Site {
        let agent = beside("sealhsm-tpm");
        assert!(agent.exists(), "{} is missing; run `cargo build --release` first", agent.display());
        let directory = tempfile::Builder::new().prefix("sealhsm-cli.").tempdir().expect("a temporary directory");
        let site = Site { directory, tpm: None, started: Vec::new() };
        let tokens = site.path("tokens");
        site.file("sealhsm.toml", &format!("tokendir = {tokens:?}\n"));
        for (name, pin) in [("pin", "1234\n"), ("so", "12345678\n"), ("other", "567890\n"), ("short", "123\n")] {
            site.file(name, pin);
        }
        site
    }

    /// With a software TPM of its own.
    pub fn with_tpm() -> Site {
        let mut site = Site::new();
        site.start_tpm("tpm");
        site
    }

    /// Starts a software TPM, which commands use from now on.
    pub fn start_tpm(&mut self, name: &str) {
        let home = self.path(name);
        self.started.push(home.clone());
        self.run(&["swtpm", "start", "--dir", utf8(&home)]).ok();
        self.tpm = Some(home);
    }

    /// A path in the place.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The same as text.
    pub fn text(&self, name: &str) -> String {
        utf8(&self.path(name)).into()
    }

    /// Writes a file that nobody else can read.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("its mode");
        self.text(name)
    }

    /// A program with nothing of the tester's in its environment.
    pub fn program(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.directory.path()).env("SEALHSM_CONF", self.path("sealhsm.toml"));
        let nowhere = self.path("nowhere");
        let tpm = self.tpm.as_ref().unwrap_or(&nowhere);
        command.env("SEALHSM_TPM", format!("swtpm:path={}/sock", tpm.display()));
        command.stdin(Stdio::null());
        command
    }

    /// Runs `sealhsm`; a word that starts with `@` is the path of that name in this place.
    pub fn run(&self, words: &[&str]) -> Done {
        let words = words.iter().map(|word| word.strip_prefix('@').map_or(word.to_string(), |name| self.text(name)));
        // A session of its own has no terminal to ask on.
        Done::of(self.program("setsid").arg("--wait").arg(SEALHSM).args(words).output().expect("setsid"))
    }

    /// Makes a token with both PINs; gives its JSON.
    pub fn token(&self, label: &str) -> serde_json::Value {
        self.run(&["token", "init", "--json", "--label", label, "--so-pin-file", "@so", "--pin-file", "@pin"]).json()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for home in &self.started {
            let _ = self.program(SEALHSM).args(["swtpm", "stop", "--dir"]).arg(home).output();
        }
    }
}

/// A file that the same build made.
pub fn beside(name: &str) -> PathBuf {
    Path::new(SEALHSM).with_file_name(name)
}

fn utf8(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
