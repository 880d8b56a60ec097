//! From a PIN to ring keys: `token.object`, keyslots, epochs, recovery.
//! It knows files, the door and keys; it has never heard of PKCS#11.

use sealhsm_door::{Door, Parent};
use sealhsm_secret::Secret;
use sealhsm_store::{ObjectStore, RingKey, Rings};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// Who opens a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// The normal user.
    User,
    /// The Security Officer.
    So,
}

/// The key of one epoch of a token; opens everything.
pub struct TokenKey(#[allow(dead_code)] Secret);

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

/// Every token below the token directory, by UUID; needs no TPM and no PIN. A missing directory is no tokens.
pub fn list(_settings: &Settings) -> Result<(Vec<Listed>, Vec<Unreadable>), Error> {
    unimplemented!()
}
/// Makes a token in a `.tmp-` directory and renames it; makes the token directory (0700) when missing.
pub fn create(_settings: &Settings, _door: &Door, _new: &NewToken<'_>) -> Result<Uuid, Error> {
    unimplemented!()
}
/// C_InitToken on a token: checks the SO PIN, starts a new epoch with no objects and no user PIN, keeps UUID and SO PIN.
pub fn reinitialize(_s: &Settings, _door: &Door, _token: Uuid, _so_pin: &Secret, _label: &str) -> Result<(), Error> {
    unimplemented!()
}
/// Opens the token key with a PIN: reads `token.object` afresh, at most 8 TPM commands, checks the MAC of the file.
pub fn open(_s: &Settings, _door: &Door, _token: Uuid, _who: Who, _pin: &Secret) -> Result<TokenKey, Error> {
    unimplemented!()
}
/// Opens the public ring through the machine keyslot, without a PIN.
pub fn open_machine(_s: &Settings, _door: &Door, _token: Uuid) -> Result<RingKey, Error> {
    unimplemented!()
}
/// Seals the user's or the SO's keyslot anew under `pin`; no object is touched.
pub fn set_pin(
    _s: &Settings,
    _door: &Door,
    _token: Uuid,
    _key: &TokenKey,
    _who: Who,
    _pin: &Secret,
) -> Result<(), Error> {
    unimplemented!()
}
/// Opens the token with the offline X25519 private key (32 bytes) and seals it to this TPM with new PINs; objects untouched.
pub fn recover(
    _s: &Settings,
    _door: &Door,
    _token: Uuid,
    _private: &Secret,
    _so_pin: &Secret,
    _user_pin: Option<&Secret>,
) -> Result<(), Error> {
    unimplemented!()
}
/// Removes the directory. Asks for no PIN: whoever may delete files may do this.
pub fn delete(_s: &Settings, _token: Uuid) -> Result<(), Error> {
    unimplemented!()
}
/// The object store of a token with these rings; fails when a ring key does not fit the present epoch.
pub fn objects(_s: &Settings, _token: Uuid, _rings: Rings) -> Result<Arc<dyn ObjectStore>, Error> {
    unimplemented!()
}
/// A new X25519 pair for recovery: (private, public).
pub fn recovery_pair() -> Result<(Secret, [u8; 32]), Error> {
    unimplemented!()
}
/// Reads a recovery key file: our own PEM, which is PKCS#8 / SubjectPublicKeyInfo as `openssl genpkey -algorithm X25519` writes it.
pub fn read_recovery_public(_file: &Path) -> Result<[u8; 32], Error> {
    unimplemented!()
}
/// See [`read_recovery_public`].
pub fn read_recovery_private(_file: &Path) -> Result<Secret, Error> {
    unimplemented!()
}

impl TokenKey {
    /// Both ring keys.
    pub fn rings(&self) -> Rings {
        unimplemented!()
    }
    /// A MAC (32 bytes) under a key of this epoch, for what must be vouched for by the token key, such as CKA_TRUSTED.
    pub fn tag(&self, _what: &[u8]) -> [u8; 32] {
        unimplemented!()
    }
}
