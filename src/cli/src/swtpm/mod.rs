//! `sealhsm swtpm`: a software TPM for development, in a directory of its own. It is never started or used unasked.

mod control;
mod home;

use crate::args::{Swtpm, SwtpmStatus};
use crate::context::Context;
use crate::failure::Failure;
use crate::output;
use home::{Home, missing};
use rustix::process::{Pid, Signal, kill_process};
use sealhsm_door::{self as door, Door};
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Tries before lockout, seconds until one is forgiven, seconds of lockout after a wrong lockout authorization.
/// A software TPM is often killed, and each time counts as a wrong try.
const TRIES: (u32, u32, u32) = (32, 600, 600);
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// Does what was asked.
pub fn run(command: Swtpm) -> Result<ExitCode, Failure> {
    match command {
        Swtpm::Start(place) => start(&Home::new(place.directory.as_deref())?)?,
        Swtpm::Stop(place) => stop(&Home::new(place.directory.as_deref())?)?,
        Swtpm::Status(args) => return status(&args),
    }
    Ok(ExitCode::SUCCESS)
}

fn start(home: &Home) -> Result<(), Failure> {
    home.prepare()?;
    let lock = home.lock()?;
    if !control::answers(&home.control()) {
        launch(home)?;
        if !wait_until(|| control::answers(&home.control())) {
            return Err(format!("swtpm does not answer; see {}", home.log().display()).into());
        }
        set_up(&door_to(home)?).map_err(|e| {
            Failure::from(e).during(&format!("swtpm runs in {}, but it was not set up", home.path().display()))
        })?;
    }
    drop(lock);
    // The one line that `eval "$(sealhsm swtpm start)"` needs; the setting is for programs started from that shell.
    output::print(&format!("export SEALHSM_TPM={}\n", output::shell_word(&home.tcti())))
}

/// Once for all: a lockout authorization that was set since, or is refused for now, is then not asked for.
fn set_up(door: &Door) -> Result<(), door::Error> {
    let (tries, interval, recovery) = TRIES;
    let status = door.status()?;
    match (status.max_tries, status.lockout_interval) == (tries, interval) {
        true => Ok(()),
        false => door.set_tries(tries, interval, recovery),
    }
}

fn launch(home: &Home) -> Result<(), Failure> {
    // Left by one that was killed; whoever answers there would have answered above.
    for stale in [home.socket(), home.control(), home.pid_file()] {
        match std::fs::remove_file(&stale) {
            Err(error) if !missing(&error) => return Err(Failure::io(&stale, &error)),
            _ => {}
        }
    }
    let option = |head: &str, path: &Path, tail: &str| format!("{head}{}{tail}", path.display());
    let output = Command::new("swtpm")
        .args(["socket", "--tpm2", "--daemon", "--flags", "not-need-init,startup-clear"])
        .arg("--tpmstate")
        .arg(option("dir=", home.path(), ",mode=0600"))
        .arg("--server")
        .arg(option("type=unixio,path=", &home.socket(), ",mode=0600"))
        .arg("--ctrl")
        .arg(option("type=unixio,path=", &home.control(), ",mode=0600"))
        .arg("--pid")
        .arg(option("file=", &home.pid_file(), ""))
        .arg("--log")
        .arg(option("file=", &home.log(), ",truncate"))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Failure::from("swtpm is not installed; apt install swtpm"),
            _ => format!("swtpm: {error}").into(),
        })?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("swtpm did not start: {}; see {}", output::plain(said.trim()), home.log().display()).into())
        }
    }
}

fn stop(home: &Home) -> Result<(), Failure> {
    let not_running = || output::print("No software TPM runs here.\n");
    if !home.path().exists() {
        return not_running();
    }
    let _lock = home.lock()?;
    let process = home.process();
    if !control::answers(&home.control()) && process.is_none() {
        return not_running();
    }
    // Without it the next start counts as a wrong PIN.
    if let Err(error) = door_to(home)?.shutdown() {
        log::warn!("the TPM was not shut down in order, which counts as a wrong PIN: {}", Failure::from(error));
    }
    let asked = control::shutdown(&home.control());
    let gone = || !control::answers(&home.control()) && home.process().is_none();
    if asked.is_ok() && wait_until(gone) {
        return output::print("The software TPM is stopped; its state is kept.\n");
    }
    terminate(home)?;
    match wait_until(gone) {
        true => output::print("The software TPM did not answer and was ended; its state is kept.\n"),
        false => Err(format!("the software TPM does not end; see {}", home.log().display()).into()),
    }
}

/// By a signal, when the control channel is of no use.
fn terminate(home: &Home) -> Result<(), Failure> {
    let Some(pid) = home.process().and_then(Pid::from_raw) else {
        return Err(format!(
            "somebody answers at {}, and {} does not name a swtpm; end it by hand",
            home.control().display(),
            home.pid_file().display()
        )
        .into());
    };
    kill_process(pid, Signal::TERM).map_err(|e| format!("process {}: {e}", pid.as_raw_nonzero()).into())
}

/// Field names are those of the JSON.
#[derive(Serialize)]
struct View {
    running: bool,
    tcti: String,
    directory: PathBuf,
    process: Option<i32>,
}

fn status(args: &SwtpmStatus) -> Result<ExitCode, Failure> {
    let home = Home::new(args.directory.directory.as_deref())?;
    let view = View {
        running: control::answers(&home.control()),
        tcti: home.tcti(),
        directory: home.path().to_owned(),
        process: home.process(),
    };
    match args.format.json {
        true => output::json(&view)?,
        false => {
            let mut lines = vec![
                ("Running", output::yes(view.running)),
                ("TCTI", view.tcti),
                ("Directory", view.directory.display().to_string()),
            ];
            lines.extend(view.process.map(|pid| ("Process", pid.to_string())));
            output::print(&output::fields(0, &lines))?;
        }
    }
    Ok(if view.running { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A door to this TPM, whatever the configuration says.
fn door_to(home: &Home) -> Result<Door, Failure> {
    let context = Context::load()?;
    Ok(Door::new(door::Settings { tpm: Some(home.tcti()), ..context.config.door_settings() }))
}

fn wait_until(so: impl Fn() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    while !so() {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(PAUSE);
    }
    true
}
