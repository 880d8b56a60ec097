//! One software TPM on a Unix socket, killed when dropped.
#![allow(unsafe_code)]

use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// A running swtpm. Its state outlives it, so that it can be killed and started again.
pub struct Swtpm {
    directory: PathBuf,
    child: Mutex<Option<Child>>,
}

impl Swtpm {
    /// Starts one whose state and sockets lie in `directory`, which is made.
    pub fn start(directory: &Path) -> Swtpm {
        std::fs::create_dir_all(directory).expect("a directory for swtpm");
        let swtpm = Swtpm { directory: directory.to_path_buf(), child: Mutex::default() };
        swtpm.restart();
        swtpm
    }

    /// What the configuration calls it.
    pub fn tcti(directory: &Path) -> String {
        format!("swtpm:path={}/sock", directory.display())
    }

    /// The socket that takes TPM commands.
    pub fn socket(&self) -> PathBuf {
        self.directory.join("sock")
    }

    /// Its process.
    pub fn pid(&self) -> i32 {
        self.child().as_ref().map(|child| child.id() as i32).expect("swtpm runs")
    }

    /// Stops it in its tracks (SIGSTOP): a TPM that hangs.
    pub fn freeze(&self) {
        self.signal(libc::SIGSTOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(libc::SIGCONT);
    }

    /// Kills it as a power failure would.
    pub fn kill(&self) {
        if let Some(mut child) = self.child().take() {
            child.kill().expect("swtpm to be killed");
            child.wait().expect("swtpm to end");
        }
    }

    /// Starts it on the state that it had, killing it first if it still runs.
    pub fn restart(&self) {
        self.kill();
        let path = |name: &str| self.directory.join(name).display().to_string();
        for socket in ["sock", "sock.ctrl"] {
            let _ = std::fs::remove_file(path(socket));
        }
        let mut command = Command::new("swtpm");
        command
            .args(["socket", "--tpm2", "--tpmstate", &format!("dir={}", self.directory.display())])
            .args(["--server", &format!("type=unixio,path={},mode=0600", path("sock"))])
            .args(["--ctrl", &format!("type=unixio,path={},mode=0600", path("sock.ctrl"))])
            .args(["--flags", "not-need-init,startup-clear"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // SAFETY: prctl is async-signal-safe; a test that crashes leaves no swtpm behind.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
        *self.child() = Some(command.spawn().expect("swtpm (Debian: swtpm) to start"));
        let late = Instant::now() + Duration::from_secs(10);
        while UnixStream::connect(self.socket()).is_err() {
            assert!(Instant::now() < late, "swtpm does not listen on {}", self.socket().display());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Runs a program of tpm2-tools on it and returns what it printed.
    pub fn tool(&self, name: &str, arguments: &[&str]) -> String {
        let run = Command::new(name)
            .args(arguments)
            .args(["-T", &Swtpm::tcti(&self.directory)])
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|e| panic!("{name} (Debian: tpm2-tools): {e}"));
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{name} {arguments:?}: {said}");
        String::from_utf8_lossy(&run.stdout).into_owned()
    }

    /// How many objects and sessions are loaded, as tpm2-tools see it.
    pub fn loaded(&self) -> (usize, usize) {
        let count = |kind: &str| self.tool("tpm2_getcap", &[kind]).matches("0x").count();
        (count("handles-transient"), count("handles-loaded-session"))
    }

    /// Wrong PINs do not lock it: for tests that try many.
    pub fn never_lock(&self) {
        let forgiving = ["-s", "--max-tries=1000000", "--recovery-time=1", "--lockout-recovery-time=1"];
        self.tool("tpm2_dictionarylockout", &forgiving);
    }

    /// So many wrong PINs lock it, and time alone does not forgive one while a test runs.
    pub fn lock_after(&self, tries: u32) {
        let tries = format!("--max-tries={tries}");
        let strict = ["-s", tries.as_str(), "--recovery-time=1000", "--lockout-recovery-time=1000"];
        self.tool("tpm2_dictionarylockout", &strict);
    }

    /// Forgets all wrong PINs, as its owner can.
    pub fn unlock(&self) {
        self.tool("tpm2_dictionarylockout", &["-c"]);
    }

    /// The agents that use it, found by their arguments.
    pub fn agents(&self) -> Vec<i32> {
        agents(&Swtpm::tcti(&self.directory))
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().expect("swtpm")
    }

    fn signal(&self, signal: i32) {
        // SAFETY: a process that this value started and has not waited for.
        let sent = unsafe { libc::kill(self.pid(), signal) };
        assert_eq!(sent, 0, "signal {signal} to swtpm");
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The processes of all agents that were started for this TCTI.
pub fn agents(tcti: &str) -> Vec<i32> {
    let all = std::fs::read_dir("/proc").expect("/proc");
    let ids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_agent = |process: &i32| {
        let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        line.starts_with(b"sealhsm-tpm\0") && line.split(|byte| *byte == 0).any(|word| word == tcti.as_bytes())
    };
    ids.filter(is_agent).collect()
}
