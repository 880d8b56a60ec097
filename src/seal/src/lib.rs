//! From a PIN to ring keys: `token.object`, keyslots, epochs, recovery.
//! It knows files, the door and keys; it has never heard of PKCS#11.

mod change;
mod create;
mod files;
mod format;
mod keys;
mod keyslot;
mod list;
mod open;
mod recovery;

pub use change::{add_recovery, delete, recover, reinitialize, set_pin};
pub use create::create;
pub use keys::TokenKey;
pub use list::list;
pub use open::{objects, open, open_machine};
pub use recovery::{read_recovery_private, read_recovery_public, recovery_pair, write_recovery_pair};

use sealhsm_door::Parent;
use sealhsm_secret::Secret;
use std::path::PathBuf;
use uuid::Uuid;

/// Who opens a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// The normal user.
    User,
    /// The Security Officer.
    So,
}

/// Argon2id cost (RFC 9106). Bounds are compiled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2 {
    /// KiB, 16384 by default.
    pub memory_kib: u32,
    /// Passes, 2 by default.
    pub passes: u32,
}

impl Argon2 {
    /// About 40 ms a guess.
    pub const DEFAULT: Argon2 = Argon2 { memory_kib: 16 * 1024, passes: 2 };

    /// Refuses costs outside the compiled-in bounds: 8192 to 1048576 KiB, 1 to 16 passes.
    pub fn check(self) -> Result<(), String> {
        if !(8 * 1024..=1024 * 1024).contains(&self.memory_kib) || !(1..=16).contains(&self.passes) {
            return Err(format!(
                "Argon2id with {} KiB and {} passes: 8192 to 1048576 KiB and 1 to 16 passes are allowed",
                self.memory_kib, self.passes
            ));
        }
        Ok(())
    }
}

/// What the configuration says about stores and tokens.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The token directory.
    pub tokendir: PathBuf,
    /// Permission bits taken away from new files and directories; 0o077 by default.
    pub umask: u32,
    /// Cost of new keyslots.
    pub argon2: Argon2,
}

/// A token as anyone who can read its directory sees it: no PIN, no TPM, nothing verified yet.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The directory's name.
    pub uuid: Uuid,
    /// UTF-8, at most 32 bytes, not padded.
    pub label: String,
    /// 16 hex digits.
    pub serial: String,
    /// A user keyslot exists.
    pub user_pin_set: bool,
    /// Made on a software TPM.
    pub simulated: bool,
    /// The pinned parent.
    pub parent: Parent,
    /// The present epoch.
    pub epoch: u64,
    /// A recovery keyslot exists.
    pub recovery: bool,
}

/// A directory under the token directory that is not (any more) a token, and why; for logs and `status`.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// Its path.
    pub path: PathBuf,
    /// File, cause, next step.
    pub reason: String,
}

/// What a new token is to be.
pub struct NewToken<'a> {
    /// UTF-8, at most 32 bytes.
    pub label: &'a str,
    /// Checked for length by the caller (core).
    pub so_pin: &'a Secret,
    /// X25519 public key, 32 bytes.
    pub recovery: Option<[u8; 32]>,
    /// Not one of these slot IDs (low 31 bits of the serial): draw another UUID.
    pub taken_slots: &'a [u64],
}

/// Why a token could not be made, opened or changed.
#[derive(Debug)]
pub enum Error {
    /// Wrong PIN.
    WrongPin,
    /// The TPM is in lockout.
    Locked,
    /// The keyslot does not exist (no user PIN set yet, no recovery key).
    NoKeyslot,
    /// The TPM cannot or will not; the token is pinned to another one, none answers, and so on.
    Tpm(sealhsm_door::Error),
    /// Files.
    Store(sealhsm_store::Error),
    /// A parameter is out of bounds; the text says which.
    Invalid(String),
    /// OpenSSL failed; never because of what a user typed.
    Crypto(String),
}

impl From<sealhsm_crypto::Error> for Error {
    fn from(error: sealhsm_crypto::Error) -> Self {
        Error::Crypto(error.to_string())
    }
}

impl From<sealhsm_store::Error> for Error {
    fn from(error: sealhsm_store::Error) -> Self {
        Error::Store(error)
    }
}

impl From<sealhsm_door::Error> for Error {
    fn from(error: sealhsm_door::Error) -> Self {
        match error {
            sealhsm_door::Error::WrongAuth => Error::WrongPin,
            sealhsm_door::Error::Lockout => Error::Locked,
            other => Error::Tpm(other),
        }
    }
}
