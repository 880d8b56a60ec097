//! sealhsm-tpm: the one program that talks to a TPM. It is spawned with a socket as standard input and ends with it,
//! or started by systemd on `/run/sealhsm/tpm.sock`. It reads no configuration file.

mod esys;
mod object;
mod os;
mod serve;
mod service;
mod tpm;
mod tpm2;

use serve::Peer;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;
use tpm::Tpm;

const HELP: &str = "\
sealhsm-tpm: the TPM agent of SealHSM

It is started by the PKCS#11 module, by `sealhsm`, or by systemd; there is no need to run it by hand.

  --spawned      serve the socket that is standard input
  --tcti TCTI    which TPM: device:/dev/tpmrm0 (default), swtpm:path=..., swtpm:host=...,port=..., tabrmd
                 (as a service also SEALHSM_TPM)
  --deadline MS  how long one request may take (default 4000); then the agent ends
  --version
";

/// A client gives up after 5 s.
const DEADLINE: u32 = 4000;

fn main() -> ExitCode {
    os::default_signals();
    os::harden();
    let mut arguments = std::env::args().skip(1);
    let (mut spawned, mut tcti, mut deadline) = (false, None, DEADLINE);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--spawned" => spawned = true,
            "--tcti" => match arguments.next() {
                Some(value) => tcti = Some(value),
                None => return usage("--tcti needs a value"),
            },
            "--deadline" => match arguments.next().and_then(|value| value.parse().ok()).filter(|ms| *ms > 0) {
                Some(value) => deadline = value,
                None => return usage("--deadline needs a number of milliseconds"),
            },
            "--version" => {
                print(&format!("sealhsm-tpm {}\n", env!("CARGO_PKG_VERSION")));
                return ExitCode::SUCCESS;
            }
            "--help" | "-h" => {
                print(HELP);
                return ExitCode::SUCCESS;
            }
            other => return usage(&format!("unknown argument {other}")),
        }
    }
    let outcome = if spawned { serve_parent(tcti, deadline) } else { serve_socket(tcti, deadline) };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            log::error!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn serve_parent(tcti: Option<String>, deadline: u32) -> Result<(), String> {
    let stream = UnixStream::from(os::inherited(0));
    // Whoever spawned us could open the TPM as well: what it may do is for the TPM's permissions to say.
    let peer = Peer { privileged: true, try_pin: Box::new(|attempt| attempt()) };
    serve::connection(stream, &Tpm::new(tcti), &peer, deadline).map_err(|e| format!("connection: {e}"))
}

fn serve_socket(tcti: Option<String>, deadline: u32) -> Result<(), String> {
    env_logger::Builder::new().filter_level(log::LevelFilter::Info).format_timestamp(None).init();
    // sd_listen_fds(3).
    let ours = std::env::var("LISTEN_PID").is_ok_and(|pid| pid == std::process::id().to_string());
    if !ours || std::env::var("LISTEN_FDS").as_deref() != Ok("1") {
        return Err("not started by systemd with one socket; see sealhsm-tpm.socket, or use --spawned".into());
    }
    let listener = UnixListener::from(os::inherited(3));
    let tpm = Tpm::new(tcti.or_else(|| std::env::var("SEALHSM_TPM").ok().filter(|t| !t.is_empty())));
    service::run(&listener, &tpm, deadline).map_err(|e| format!("socket: {e}"))
}

fn usage(text: &str) -> ExitCode {
    use std::io::Write;
    let _ = write!(std::io::stderr(), "sealhsm-tpm: {text}\n\n{HELP}");
    ExitCode::from(2)
}

fn print(text: &str) {
    use std::io::Write;
    let _ = std::io::stdout().write_all(text.as_bytes());
}
