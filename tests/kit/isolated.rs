//! A process of its own for every test: a module is initialised once per process and reads its environment there.
#![allow(unsafe_code)]

use crate::env::Env;
use std::any::type_name;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Set in the process of a test: its directory.
const INSIDE: &str = "KIT_DIRECTORY";
/// No test takes this long; one that hangs must not hang the whole run.
const LONGEST: Duration = Duration::from_secs(180);

/// Runs the body of a test in a process of its own, with an environment made for it. To be called by the `#[test]`
/// function itself, whose name is found by way of the closure's.
pub fn isolated<F: FnOnce(&Env)>(body: F) {
    Isolated::default().run(body);
}

/// The same with more environment variables, or more time.
#[derive(Default)]
pub struct Isolated {
    variables: Vec<(OsString, OsString)>,
    longest: Option<Duration>,
}

impl Isolated {
    /// Sets a variable in the test's process before it starts. `{dir}` in the value is the test's directory.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Gives it this long, for a test that is known to take its time.
    pub fn longest(mut self, time: Duration) -> Self {
        self.longest = Some(time);
        self
    }

    /// See [`isolated`].
    pub fn run<F: FnOnce(&Env)>(self, body: F) {
        if let Some(directory) = std::env::var_os(INSIDE) {
            return body(&Env::inside(directory.into()));
        }
        let name = type_name::<F>().trim_end_matches("::{{closure}}");
        let name = name.split_once("::").map_or(name, |(_, inside)| inside);
        let directory = tempfile::Builder::new().prefix("seal-").tempdir().expect("a temporary directory");
        let env = Env::new(directory.path());
        let output = |name: &str| File::create(directory.path().join(name)).expect("a file for output");
        let mut command = Command::new(std::env::current_exe().expect("the path of this test"));
        command
            .args([name, "--exact", "--nocapture", "--test-threads=1"])
            .env(INSIDE, directory.path())
            .stdin(Stdio::null())
            .stdout(output("stdout"))
            .stderr(output("stderr"))
            // So that what it forked can be killed with it.
            .process_group(0);
        for name in ["SEALHSM_TPM", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "RUST_LOG", "OPENSSL_CONF"] {
            command.env_remove(name);
        }
        command.envs(env.variables());
        for (name, value) in self.variables {
            let value = value.to_string_lossy().replace("{dir}", &directory.path().display().to_string());
            command.env(name, value);
        }
        let status = wait(&mut command, self.longest.unwrap_or(LONGEST));
        let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap_or_default();
        let (stdout, stderr) = (read("stdout"), read("stderr"));
        assert!(status.success(), "{name}: {status}\n{stdout}\n{}", tail(&stderr));
        assert!(stdout.contains("1 passed"), "{name} is not the name of a test in this file:\n{stdout}");
        // Not print!, which the test harness keeps to itself when all is well.
        let _ = std::io::stdout().write_all(read("report").as_bytes());
    }
}

fn wait(command: &mut Command, longest: Duration) -> ExitStatus {
    let mut child = command.spawn().expect("the test's own process");
    let late = Instant::now() + longest;
    loop {
        if let Some(status) = child.try_wait().expect("its end") {
            return status;
        }
        if Instant::now() > late {
            // SAFETY: the process group was made for this child, which has not been waited for.
            unsafe { libc::kill(-(child.id() as i32), libc::SIGKILL) };
            child.wait().expect("its end");
            return ExitStatus::from_raw(libc::SIGALRM);
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// The log of a test can be long; its end tells why it failed.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(80)..].join("\n")
}
