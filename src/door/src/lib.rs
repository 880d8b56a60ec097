//! The door to the TPM: the client side of the agent `sealhsm-tpm`. It connects to the systemd
//! socket or spawns an agent on first need, keeps deadlines, and starts a dead agent again.
//! It never names libtss2 and never interprets what is sealed.

use sealhsm_secret::Secret;
pub use sealhsm_wire::{Parent, SealedBlob, Status};
use std::path::PathBuf;
use std::time::Duration;

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
pub struct Door {
    settings: Settings,
}

impl Door {
    /// A door that has not been opened yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }
    /// Asks the TPM how it is.
    pub fn status(&self) -> Result<Status, Error> {
        let _ = &self.settings;
        unimplemented!()
    }
    /// The parent a new token is to be sealed under: 0x81000001 if usable, else the transient ECC template.
    pub fn parent(&self) -> Result<Parent, Error> {
        unimplemented!()
    }
    /// Persists the ECC template at 0x81000001 if nothing is there; idempotent.
    pub fn provision(&self) -> Result<Parent, Error> {
        unimplemented!()
    }
    /// Seals `payload` (at most 128 bytes) under `parent`; refuses a parent with another Name before anything is sent.
    pub fn seal(&self, _parent: &Parent, _lock: Lock<'_>, _payload: &Secret) -> Result<SealedBlob, Error> {
        unimplemented!()
    }
    /// Opens a sealed object.
    pub fn unseal(&self, _parent: &Parent, _lock: Lock<'_>, _blob: &SealedBlob) -> Result<Secret, Error> {
        unimplemented!()
    }
    /// Whether an agent is connected, so that asking for the status costs no spawn.
    pub fn is_open(&self) -> bool {
        unimplemented!()
    }
    /// Closes the connection (a spawned agent ends with it).
    pub fn close(&self) {
        unimplemented!()
    }
    /// In a forked child: closes the inherited descriptors if they are still ours, touching nothing of the parent's.
    pub fn abandon_in_child(&self) {
        unimplemented!()
    }
}

/// Whether this process runs with more rights than its caller (AT_SECURE): no environment variable counts then.
pub fn privileged() -> bool {
    unimplemented!()
}

/// geteuid(2).
pub fn effective_uid() -> u32 {
    unimplemented!()
}
