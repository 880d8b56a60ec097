//! The door to the TPM: the client side of the agent `sealhsm-tpm`. It connects to the systemd
//! socket or spawns an agent on first need, keeps deadlines, and starts a dead agent again.
//! It never names libtss2 and never interprets what is sealed.

mod channel;
mod process;
mod reach;
mod spawn;
mod turn;

pub use process::{effective_uid, privileged};
pub use sealhsm_wire::{Parent, SealedBlob, Status};

use channel::{Channel, Lost};
use sealhsm_secret::Secret;
use sealhsm_wire::{Failure, FailureKind, Request, Response, decode_response, encode_request};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use turn::Turn;

/// The longest a request may take when [`Settings::deadline`] does not say.
const DEADLINE: Duration = Duration::from_secs(5);

/// How to reach an agent and which TPM it is to use.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// TCTI string (`device:/dev/tpmrm0`, `swtpm:path=…`, `swtpm:host=…,port=…`, `tabrmd`); set: always spawn.
    pub tpm: Option<String>,
    /// The agent's program file, looked for in this order; the first that exists and passes the ownership check runs.
    pub agents: Vec<PathBuf>,
    /// The systemd socket tried first when `tpm` is not set (`/run/sealhsm/tpm.sock`).
    pub socket: Option<PathBuf>,
    /// The longest a request may take, 5 s by default.
    pub deadline: Option<Duration>,
}

/// What opens a sealed object.
#[derive(Debug)]
pub enum Lock<'a> {
    /// PolicyAuthValue with these 32 bytes; wrong tries count toward the dictionary-attack lockout.
    Pin(&'a Secret),
    /// PolicyCommandCode(Unseal), noDA: whoever can use this TPM.
    Machine,
}

/// Why the TPM did not do it.
#[derive(Debug)]
pub enum Error {
    /// No agent could be reached or started; the text says what was tried.
    NoAgent(String),
    /// The agent runs and has no TPM; the text names the TCTI and the cause.
    NoTpm(String),
    /// No answer within the deadline.
    Timeout,
    /// The parent is another key than the pinned one: another TPM, or a cleared one.
    WrongParent {
        /// Name of the key found, if any.
        found: Option<Vec<u8>>,
    },
    /// The blob was not made under this parent or is damaged (TPM_RC_INTEGRITY).
    NotOurs,
    /// Wrong authorization value (TPM_RC_AUTH_FAIL, TPM_RC_BAD_AUTH).
    WrongAuth,
    /// The TPM is in dictionary-attack lockout (TPM_RC_LOCKOUT).
    Lockout,
    /// The peer may not ask this, or asks too often.
    Refused(String),
    /// Any other TPM response code.
    Tpm(u32, String),
    /// The agent answered something that does not parse.
    Protocol(String),
}

/// The door. Cheap to make, connects on first need; every method may block up to the deadline.
///
/// One request is under way at a time; the threads of a process take turns, and waiting counts against the deadline.
/// Past the deadline the connection is kept only to hear the late answer or the agent's end: until then no second
/// agent is started, and calls fail after a short wait. So a TPM that is back is used again at the next call.
///
/// A request is sent a second time only when the first cannot have been acted upon (the agent was dead before it had
/// read all of it), or may be acted upon twice: everything but unsealing with a PIN, which could count one wrong PIN
/// twice.
///
/// In a forked child the door starts afresh: its first call closes the inherited copy of the connection.
pub struct Door {
    settings: Settings,
    turn: Turn,
    channel: Channel,
    /// How often [`Door::close`] was called: a request under way then does not start another agent.
    closings: AtomicU32,
    /// The last request ended at its deadline: the next one waits half as long.
    impatient: AtomicBool,
}

impl Door {
    /// A door that has not been opened yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            turn: Turn::default(),
            channel: Channel::default(),
            closings: AtomicU32::new(0),
            impatient: AtomicBool::new(false),
        }
    }

    /// Asks the TPM how it is.
    pub fn status(&self) -> Result<Status, Error> {
        match self.ask(&Request::Status)? {
            Response::Status(status) => Ok(*status),
            other => Err(unexpected(&other)),
        }
    }

    /// The parent a new token is to be sealed under: 0x81000001 if usable, else the transient ECC template.
    pub fn parent(&self) -> Result<Parent, Error> {
        self.ask_for_parent(&Request::Parent)
    }

    /// Persists the ECC template at 0x81000001 if nothing is there; idempotent. Root only where systemd runs the agent.
    pub fn provision(&self) -> Result<Parent, Error> {
        self.ask_for_parent(&Request::Provision)
    }

    /// Seals `payload` (at most 128 bytes) under `parent`; refuses a parent with another Name before anything is sent.
    pub fn seal(&self, parent: &Parent, lock: Lock<'_>, payload: &Secret) -> Result<SealedBlob, Error> {
        let request = Request::Seal { parent: parent.clone(), auth: auth(lock)?, payload: payload.duplicate() };
        match self.ask(&request)? {
            Response::Sealed(blob) => Ok(blob),
            other => Err(unexpected(&other)),
        }
    }

    /// Opens a sealed object.
    pub fn unseal(&self, parent: &Parent, lock: Lock<'_>, blob: &SealedBlob) -> Result<Secret, Error> {
        let request = Request::Unseal { parent: parent.clone(), auth: auth(lock)?, blob: blob.clone() };
        match self.ask(&request)? {
            Response::Unsealed(secret) => Ok(secret),
            other => Err(unexpected(&other)),
        }
    }

    /// TPM2_Shutdown(CLEAR), before a software TPM is stopped; refused for any other.
    pub fn shutdown(&self) -> Result<(), Error> {
        self.ask_to(&Request::Shutdown)
    }

    /// Sets the dictionary-attack parameters of a software TPM: wrong tries before lockout, seconds after which one is
    /// forgiven, seconds of lockout after a wrong lockout authorization. Refused for any other TPM.
    pub fn set_tries(&self, tries: u32, interval: u32, recovery: u32) -> Result<(), Error> {
        self.ask_to(&Request::SetTries { tries, interval, recovery })
    }

    /// Ends a dictionary-attack lockout. `auth`: the lockout authorization, which may be empty; a wrong one locks the
    /// TPM's lockout hierarchy for its recovery time. Root only where systemd runs the agent.
    pub fn reset_lockout(&self, auth: &Secret) -> Result<(), Error> {
        self.ask_to(&Request::ResetLockout { auth: auth.duplicate() })
    }

    /// Whether an agent is connected, so that asking for the status costs no spawn.
    pub fn is_open(&self) -> bool {
        self.channel.is_kept() && !self.channel.owes_an_answer()
    }

    /// Closes the connection (a spawned agent ends with it). Does not wait: a request under way in another thread ends
    /// with an error.
    pub fn close(&self) {
        self.closings.fetch_add(1, Ordering::SeqCst);
        self.channel.hang_up();
        if let Some(_held) = self.turn.take(Instant::now()) {
            self.channel.close();
        }
    }

    /// In a forked child: closes the inherited descriptors if they are still ours, touching nothing of the parent's.
    /// Takes no lock, allocates nothing.
    pub fn abandon_in_child(&self) {
        self.channel.abandon();
    }

    fn ask_for_parent(&self, request: &Request) -> Result<Parent, Error> {
        match self.ask(request)? {
            Response::Parent(parent) => Ok(parent),
            other => Err(unexpected(&other)),
        }
    }

    fn ask_to(&self, request: &Request) -> Result<(), Error> {
        match self.ask(request)? {
            Response::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// One request and its answer, within the deadline.
    fn ask(&self, request: &Request) -> Result<Response, Error> {
        let deadline = self.settings.deadline.unwrap_or(DEADLINE);
        let patience = if self.impatient.load(Ordering::Relaxed) { deadline / 2 } else { deadline };
        let until = Instant::now() + patience;
        let closings = self.closings.load(Ordering::SeqCst);
        let Some(_held) = self.turn.take(until) else { return Err(Error::Timeout) };
        let outcome = self.exchange(request, until, closings);
        let over = matches!(outcome, Err(Error::Timeout));
        self.impatient.store(over, Ordering::Relaxed);
        // An agent that has answered one of these is about to end; one that has not answered in time may be back.
        let ending = matches!(outcome, Err(Error::NoTpm(_) | Error::Protocol(_) | Error::Timeout));
        if (ending && !self.channel.owes_an_answer()) || self.closings.load(Ordering::SeqCst) != closings {
            self.channel.close();
        }
        outcome
    }

    /// Sends, and sends once more where that is safe (see [`Door`]).
    fn exchange(&self, request: &Request, until: Instant, closings: u32) -> Result<Response, Error> {
        let message = encode_request(request);
        let counts = matches!(request, Request::Unseal { auth, .. } if !auth.is_empty());
        let deadline = self.settings.deadline.unwrap_or(DEADLINE);
        let mut again = true;
        loop {
            self.channel.settle(until.min(Instant::now() + deadline / 20), deadline * 2).map_err(|_| Error::Timeout)?;
            if !self.channel.is_kept() {
                self.channel.keep(reach::agent(&self.settings, until)?);
            }
            let lost = match self.channel.exchange(message.as_ref(), until) {
                Ok(answer) => return understand(&answer),
                Err(lost) => lost,
            };
            let closed = self.closings.load(Ordering::SeqCst) != closings;
            let safe = match lost {
                Lost::Late => return Err(Error::Timeout),
                Lost::Unread => true,
                Lost::Unanswered => !counts,
                Lost::Nonsense => return Err(Error::Protocol("a message of an impossible length".into())),
            };
            if !again || !safe || closed {
                let text = "the agent ended before it answered; `sealhsm-tpm --version` shows whether it starts";
                return Err(Error::NoAgent(text.into()));
            }
            again = false;
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.channel.close();
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The authorization value as it crosses the wire, where an empty one means the machine lock.
fn auth(lock: Lock<'_>) -> Result<Secret, Error> {
    match lock {
        Lock::Machine => Ok(Secret::zeroed(0)),
        Lock::Pin(value) if value.len() == 32 => Ok(value.duplicate()),
        Lock::Pin(_) => Err(Error::Protocol("an authorization value has 32 bytes".into())),
    }
}

fn understand(answer: &Secret) -> Result<Response, Error> {
    let unknown = || Error::Protocol("an answer that this version does not know; update the older side".into());
    match decode_response(answer.as_ref()).ok_or_else(unknown)? {
        Response::Failed(failure) => Err(error(failure)),
        response => Ok(response),
    }
}

fn error(failure: Failure) -> Error {
    match failure.kind {
        FailureKind::NoTpm => Error::NoTpm(failure.text),
        FailureKind::WrongParent => Error::WrongParent { found: Some(failure.found).filter(|n| !n.is_empty()) },
        FailureKind::NotOurs => Error::NotOurs,
        FailureKind::WrongAuth => Error::WrongAuth,
        FailureKind::Lockout => Error::Lockout,
        FailureKind::Refused => Error::Refused(failure.text),
        FailureKind::Tpm => Error::Tpm(failure.code, failure.text),
        FailureKind::Protocol => Error::Protocol(failure.text),
        FailureKind::Timeout => Error::Timeout,
    }
}

/// An answer of another kind than asked for. Not printed: it may carry a secret.
fn unexpected(_: &Response) -> Error {
    Error::Protocol("an answer to another question".into())
}
