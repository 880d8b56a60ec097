//! What the module, the command and the agent say to each other: types and their encoding, no I/O.
//!
//! A message is a 4-byte little-endian length (of what follows, at most [`MAX_MESSAGE`]), one byte of protocol
//! version, one byte of kind, and the fields of that kind in order. A field is a number (4 bytes, little-endian)
//! or a byte string (4-byte length, bytes); nothing may follow the last field.
//!
//! | kind | request | fields |
//! |---|---|---|
//! | 1 | Hello | – |
//! | 2 | Status | – |
//! | 3 | Parent | – |
//! | 4 | Provision | – |
//! | 5 | Seal | parent, auth (empty: machine lock), payload |
//! | 6 | Unseal | parent, auth (empty: machine lock), public, private |
//! | 7 | Shutdown | – |
//! | 8 | SetTries | tries, seconds per forgiven try, seconds after a wrong lockout authorization |
//! | 9 | ResetLockout | lockout authorization |
//!
//! | kind | response | fields |
//! |---|---|---|
//! | 0 | Done | – |
//! | 1 | Failed | failure kind, TPM response code, text, Name found (another parent than the pinned one), or empty |
//! | 2 | Hello | newest version spoken |
//! | 3 | Status | as [`Status`] |
//! | 4 | Parent | parent |
//! | 5 | Sealed | public, private |
//! | 6 | Unsealed | secret |
//!
//! A parent is three fields: handle, template, Name. An agent speaks every version since 1 and answers in the
//! version of the request, so that a long-running host can meet a newer agent after an upgrade.

mod codec;

pub use codec::{decode_request, decode_response, encode_request, encode_response, frame_len};

use sealhsm_secret::Secret;

/// The newest version that this code speaks.
pub const VERSION: u8 = 1;
/// No message is longer.
pub const MAX_MESSAGE: usize = 16 * 1024;

/// A TPM storage key as a token pins it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parent {
    /// Persistent handle, or 0 when the key is made as a transient primary each time.
    pub handle: u32,
    /// `ecc-p256` or `rsa-2048`.
    pub template: String,
    /// TPM Name (TPM 2.0 Part 1, 16): 2-byte algorithm and digest.
    pub name: Vec<u8>,
}

/// A sealed keyed-hash object: the marshalled TPM2B_PUBLIC and TPM2B_PRIVATE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedBlob {
    /// Marshalled TPM2B_PUBLIC.
    pub public: Vec<u8>,
    /// Marshalled TPM2B_PRIVATE (encrypted by the TPM).
    pub private: Vec<u8>,
}

/// The TPM as it is now; nothing here is cached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// TCTI string in use.
    pub tcti: String,
    /// Manufacturer and vendor string, e.g. `IBM SW TPM`.
    pub manufacturer: String,
    /// A software TPM (swtpm, simulator).
    pub simulated: bool,
    /// Wrong tries counted so far, over the whole TPM.
    pub lockout_counter: u32,
    /// Tries before lockout.
    pub max_tries: u32,
    /// Seconds after which one try is forgiven.
    pub lockout_interval: u32,
    /// The TPM refuses every dictionary-attack protected object for now.
    pub in_lockout: bool,
    /// Whether the owner hierarchy has an authorization value.
    pub owner_auth_set: bool,
    /// Whether the lockout authorization is set; if it is not, anyone who reaches the TPM may reset the counter.
    pub lockout_auth_set: bool,
    /// The usable storage key at 0x81000001.
    pub parent: Option<Parent>,
    /// Why the key at 0x81000001 is not used, if there is one and it is not.
    pub parent_refused: Option<String>,
    /// Transient objects loaded now (0 when idle).
    pub loaded_objects: u32,
    /// Sessions loaded now.
    pub loaded_sessions: u32,
}

/// A question to the agent. An empty `auth` means the machine lock.
#[derive(Debug)]
pub enum Request {
    /// Which versions do you speak?
    Hello,
    /// How is the TPM?
    Status,
    /// Which parent is a new token to be sealed under?
    Parent,
    /// Persist a parent at 0x81000001 if nothing is there.
    Provision,
    /// Seal at most 128 bytes.
    Seal {
        /// The pinned parent.
        parent: Parent,
        /// Authorization value, 32 bytes, or empty.
        auth: Secret,
        /// What to seal.
        payload: Secret,
    },
    /// Open a sealed object.
    Unseal {
        /// The pinned parent.
        parent: Parent,
        /// Authorization value, 32 bytes, or empty.
        auth: Secret,
        /// What [`Request::Seal`] gave.
        blob: SealedBlob,
    },
    /// TPM2_Shutdown(CLEAR), before a software TPM is stopped.
    Shutdown,
    /// TPM2_DictionaryAttackParameters, on software TPMs.
    SetTries {
        /// Wrong tries before lockout.
        tries: u32,
        /// Seconds after which one try is forgiven.
        interval: u32,
        /// Seconds of lockout after a wrong lockout authorization.
        recovery: u32,
    },
    /// TPM2_DictionaryAttackLockReset.
    ResetLockout {
        /// The lockout authorization, possibly empty.
        auth: Secret,
    },
}

/// The agent's answer.
#[derive(Debug)]
pub enum Response {
    /// Done, nothing to say.
    Done,
    /// Not done.
    Failed(Failure),
    /// The newest version the agent speaks.
    Hello(u32),
    /// See [`Status`].
    Status(Box<Status>),
    /// See [`Parent`].
    Parent(Parent),
    /// See [`SealedBlob`].
    Sealed(SealedBlob),
    /// The secret.
    Unsealed(Secret),
}

/// Why the agent did not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// The TPM response code, or 0.
    pub code: u32,
    /// Cause and next step, for the log.
    pub text: String,
    /// With [`FailureKind::WrongParent`] the Name of the key that is there; else empty.
    pub found: Vec<u8>,
}

/// Kinds of failure that a client tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum FailureKind {
    /// No TPM behind the TCTI.
    NoTpm = 1,
    /// The parent has another Name.
    WrongParent = 2,
    /// The blob is not of this parent or is damaged.
    NotOurs = 3,
    /// Wrong authorization value.
    WrongAuth = 4,
    /// Dictionary-attack lockout.
    Lockout = 5,
    /// Not for this peer, or too often.
    Refused = 6,
    /// Another TPM response code.
    Tpm = 7,
    /// The request does not parse or names a later version.
    Protocol = 8,
    /// The TPM did not answer in the agent's time; the agent ends with this message.
    Timeout = 9,
}
