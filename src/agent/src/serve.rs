//! One connection: requests in, answers out, until the peer is gone.

use crate::os;
use crate::tpm::Tpm;
use sealhsm_secret::Secret;
use sealhsm_wire::{Failure, FailureKind, Request, Response, VERSION, decode_request, encode_response, frame_len};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

/// Seconds that one request may take before the agent ends itself; the client gives up a little later.
const DEADLINE: u32 = 4;

/// What the peer may do.
pub struct Peer {
    /// Persist, reset: root, or whoever spawned the agent.
    pub privileged: bool,
    /// Asked before each unsealing with a PIN; false: too many wrong ones.
    pub may_try: Box<dyn Fn() -> bool>,
    /// Told of each wrong PIN.
    pub wrong: Box<dyn Fn()>,
}

/// Serves until the end of the stream or an error of the transport, which ends the agent: it is started again.
pub fn connection(mut stream: UnixStream, tpm: &Tpm, peer: &Peer) -> io::Result<()> {
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
        os::deadline(DEADLINE);
        let response = match decode_request(message.as_ref()) {
            Some(request) => answer(request, tpm, peer),
            None => failed(FailureKind::Protocol, "a request that this agent does not know; update the older side"),
        };
        os::deadline(0);
        drop(message);
        stream.write_all(encode_response(&response).as_ref())?;
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
            if auth.is_empty() || (peer.may_try)() {
                tpm.unseal(&parent, &auth, &blob).map(Response::Unsealed)
            } else {
                Err(failure(FailureKind::Refused, "too many wrong PINs from this user; wait a minute"))
            }
        }
        Request::Shutdown if tpm.is_swtpm() => privileged(&|| tpm.shutdown().map(|()| Response::Done)),
        Request::SetTries { tries, interval, recovery } if tpm.is_swtpm() => {
            privileged(&|| tpm.set_tries(tries, interval, recovery).map(|()| Response::Done))
        }
        Request::Shutdown | Request::SetTries { .. } => Err(failure(FailureKind::Refused, "only for a software TPM")),
        Request::ResetLockout { auth } => privileged(&|| tpm.reset_lockout(&auth).map(|()| Response::Done)),
    };
    outcome.unwrap_or_else(|failure| {
        if failure.kind == FailureKind::WrongAuth {
            (peer.wrong)();
        }
        Response::Failed(failure)
    })
}

fn failure(kind: FailureKind, text: &str) -> Failure {
    Failure { kind, code: 0, text: text.into() }
}

fn failed(kind: FailureKind, text: &str) -> Response {
    Response::Failed(failure(kind, text))
}
