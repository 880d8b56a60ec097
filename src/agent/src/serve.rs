//! One connection: requests in, answers out, until the peer is gone.

use crate::os;
use crate::tpm::Tpm;
use sealhsm_secret::Secret;
use sealhsm_wire::{Failure, FailureKind, Request, Response, VERSION, decode_request, encode_response, frame_len};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

/// What the peer may do.
pub struct Peer {
    /// Persist, reset: root, or whoever spawned the agent.
    pub privileged: bool,
    /// Runs an unsealing with a PIN, or refuses it after too many wrong ones.
    pub try_pin: Box<TryPin>,
}

/// See [`Peer::try_pin`].
pub type TryPin = dyn Fn(&dyn Fn() -> Result<Secret, Failure>) -> Result<Secret, Failure>;

/// Serves until the end of the stream, or until the TPM cannot be reached, which ends the agent: it is started again.
/// A request that takes longer than `deadline` milliseconds ends the process; the client gives up a little later.
pub fn connection(mut stream: UnixStream, tpm: &Tpm, peer: &Peer, deadline: u32) -> io::Result<()> {
    let late = failed(FailureKind::Timeout, &format!("{} did not answer within {deadline} ms", tpm.tcti()));
    os::prepare_deadline(&stream, encode_response(&late).as_ref());
    loop {
        let mut head = [0; 4];
        match stream.read_exact(&mut head) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(e) => return Err(e),
        }
        let Some(length) = frame_len(head) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a message of an impossible length"));
        };
        let mut message = Secret::zeroed(length);
        stream.read_exact(message.as_mut())?;
        os::deadline(deadline);
        let response = match decode_request(message.as_ref()) {
            Some(request) => answer(request, tpm, peer),
            None => failed(FailureKind::Protocol, "a request that this agent does not know; update the older side"),
        };
        os::deadline(0);
        os::clear_stack();
        drop(message);
        stream.write_all(encode_response(&response).as_ref())?;
        if matches!(&response, Response::Failed(failure) if failure.kind == FailureKind::NoTpm) {
            return Ok(());
        }
    }
}

fn answer(request: Request, tpm: &Tpm, peer: &Peer) -> Response {
    let privileged = |work: &dyn Fn() -> Result<Response, Failure>| {
        if peer.privileged { work() } else { Err(failure(FailureKind::Refused, "only root may do this")) }
    };
    let outcome = match request {
        Request::Hello => Ok(Response::Hello(u32::from(VERSION))),
        Request::Status => tpm.status().map(|status| Response::Status(Box::new(status))),
        Request::Parent => tpm.parent().map(Response::Parent),
        Request::Provision => privileged(&|| tpm.provision().map(Response::Parent)),
        Request::Seal { parent, auth, payload } => match payload.len() {
            1..=128 => tpm.seal(&parent, &auth, &payload).map(Response::Sealed),
            _ => Err(failure(FailureKind::Protocol, "a payload has 1 to 128 bytes")),
        },
        Request::Unseal { parent, auth, blob } => {
            let attempt = || tpm.unseal(&parent, &auth, &blob);
            if auth.is_empty() { attempt() } else { (peer.try_pin)(&attempt) }.map(Response::Unsealed)
        }
        Request::Shutdown if tpm.is_swtpm() => privileged(&|| tpm.shutdown().map(|()| Response::Done)),
        Request::SetTries { tries, interval, recovery } if tpm.is_swtpm() => {
            privileged(&|| tpm.set_tries(tries, interval, recovery).map(|()| Response::Done))
        }
        Request::Shutdown | Request::SetTries { .. } => Err(failure(FailureKind::Refused, "only for a software TPM")),
        Request::ResetLockout { auth } => privileged(&|| tpm.reset_lockout(&auth).map(|()| Response::Done)),
    };
    outcome.unwrap_or_else(Response::Failed)
}

fn failure(kind: FailureKind, text: &str) -> Failure {
    Failure { kind, code: 0, text: text.into(), found: Vec::new() }
}

fn failed(kind: FailureKind, text: &str) -> Response {
    Response::Failed(failure(kind, text))
}
