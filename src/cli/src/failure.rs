//! Why a command failed, in words for the administrator: the cause, then the next step. Never a secret.

use sealhsm_core as core;
use sealhsm_door as door;
use sealhsm_seal as seal;
use sealhsm_store as store;
use std::fmt;
use std::io;
use std::path::Path;

/// One sentence: "cause; next step". And the exit code.
#[derive(Debug)]
pub struct Failure {
    text: String,
    code: u8,
}

/// It did not work.
const FAILED: u8 = 1;
/// It was asked for in the wrong way; clap exits with the same code.
const USAGE: u8 = 2;

impl Failure {
    /// Wrong usage that only the command itself can see.
    pub fn usage(text: &str) -> Self {
        Failure { text: text.into(), code: USAGE }
    }

    /// A failed file operation.
    pub fn io(path: &Path, error: &io::Error) -> Self {
        format!("{}: {error}", path.display()).into()
    }

    /// Says first what was being done.
    pub fn during(self, what: &str) -> Self {
        Failure { text: format!("{what}: {}", self.text), ..self }
    }

    /// What the process exits with.
    pub fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Failure { text, code: FAILED }
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        text.to_string().into()
    }
}

impl From<door::Error> for Failure {
    fn from(error: door::Error) -> Self {
        Failure::from(&error)
    }
}

impl From<&door::Error> for Failure {
    fn from(error: &door::Error) -> Self {
        use door::Error::*;
        Failure::from(match error {
            NoAgent(text) => format!(
                "no TPM agent: {text}; install sealhsm-tpm beside this command or in /usr/libexec/sealhsm, \
                 or name it as `agent` in the configuration"
            ),
            NoTpm(text) => format!(
                "no TPM: {text}; check `tpm` in the configuration or SEALHSM_TPM; \
                 `sealhsm swtpm start` starts a software TPM for development"
            ),
            Timeout => "the TPM did not answer in time; `sealhsm status` shows which one is asked".into(),
            WrongParent { found: Some(_) } => "sealed to another TPM, or this TPM was cleared; \
                 `sealhsm token recover` opens a token with its recovery key"
                .into(),
            WrongParent { found: None } => "sealed to a key that is not in this TPM: another TPM, a cleared one, or a \
                 key that is no longer kept; `sealhsm status` tells which, and what to do"
                .into(),
            NotOurs => "a keyslot was not sealed by this TPM, or is damaged; restore token.object from a backup, \
                 or open the token with its recovery key (`sealhsm token recover`)"
                .into(),
            WrongAuth => "wrong authorization; each wrong one counts toward the TPM's lockout".into(),
            Lockout => LOCKED.into(),
            Refused(text) => format!("the TPM agent refused: {text}"),
            Tpm(code, text) => format!("TPM error {code:#x}: {text}"),
            Protocol(text) => {
                format!("the TPM agent answered nonsense: {text}; its version must not be older than this command's")
            }
        })
    }
}

const LOCKED: &str = "the TPM refuses every PIN for now (dictionary-attack lockout); wait (`sealhsm status` tells how \
     long), or end it with the lockout authorization (`sealhsm tpm reset-lockout`)";

impl From<seal::Error> for Failure {
    fn from(error: seal::Error) -> Self {
        use seal::Error::*;
        match error {
            WrongPin => {
                "wrong PIN; each wrong one counts toward the TPM's lockout (`sealhsm status` shows how many are left)"
                    .into()
            }
            Locked => LOCKED.into(),
            NoKeyslot => "the token has no such keyslot: no user PIN was set yet (`sealhsm token init-pin` sets one), \
                 or it was made without a recovery key"
                .into(),
            Tpm(error) => error.into(),
            Store(error) => error.into(),
            Invalid(text) => text.into(),
            Crypto(text) => format!("OpenSSL: {text}").into(),
        }
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        use store::Error::*;
        Failure::from(match error {
            Io(file, cause) => format!("{file}: {cause}"),
            Full(file) => format!("{file}: no space left; nothing was changed, free some space and try again"),
            ReadOnly(file) => format!("{file}: cannot be written; check owner, mode and mount, or run as its owner"),
            Tampered(text) | UnknownVersion(text) => text,
            Conflict(uuid) => format!("object {uuid} was changed by another process just now; try again"),
            EpochChanged => "the token was re-initialised by another process just now; try again".into(),
            RingClosed => "a private object needs the user PIN".into(),
            Gone(file) => format!("{file}: gone; the token was deleted"),
        })
    }
}

impl From<core::Error> for Failure {
    /// The core logs causes where they happen; here is what its code means for whoever typed the command.
    fn from(error: core::Error) -> Self {
        use core::Error::*;
        let next = match error {
            PinIncorrect => "wrong PIN; `sealhsm status` shows how many tries are left",
            PinLocked => LOCKED,
            UserPinNotInitialized => "the token has no user PIN yet; `sealhsm token init-pin` sets one",
            UserNotLoggedIn => "this needs the user PIN; give --login, --pin-file or --pin-fd",
            ActionProhibited => "the object says that it may not be destroyed (CKA_DESTROYABLE is false)",
            ObjectHandleInvalid => "the object was destroyed by another process just now",
            TokenWriteProtected => "the token's directory cannot be written; check owner, mode and mount",
            DeviceMemory => "no space left; nothing was changed",
            DeviceError | General => "the line above says why; `sealhsm status` checks everything",
            _ => return Failure::from(format!("PKCS#11 error {error:?} ({:#x})", error.code())),
        };
        next.into()
    }
}
