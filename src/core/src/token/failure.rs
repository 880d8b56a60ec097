//! What failed below, as PKCS#11 says it. Here the log learns the cause and the next step.

use crate::Error;
use sealhsm_door as door;
use sealhsm_seal as seal;
use sealhsm_store as store;
use uuid::Uuid;

/// Store errors. Their texts name the file.
pub fn store_error(error: store::Error) -> Error {
    match error {
        store::Error::Io(file, cause) => {
            log::error!("{file}: {cause}");
            Error::DeviceError
        }
        store::Error::Full(file) => {
            log::error!("{file}: no space left; nothing was changed, free some space and try again");
            Error::DeviceMemory
        }
        store::Error::ReadOnly(file) => {
            log::warn!("{file}: cannot be written by this process; check owner, mode and mount");
            Error::TokenWriteProtected
        }
        store::Error::Tampered(text) | store::Error::UnknownVersion(text) => {
            log::error!("{text}");
            Error::DeviceError
        }
        store::Error::Gone(file) => {
            log::error!("{file}: gone; the token was deleted");
            Error::DeviceError
        }
        store::Error::Conflict(_) => Error::ObjectHandleInvalid,
        store::Error::EpochChanged => Error::DeviceError,
        store::Error::RingClosed => Error::UserNotLoggedIn,
    }
}

/// Keyslot errors.
pub fn seal_error(token: Uuid, error: seal::Error) -> Error {
    match error {
        seal::Error::WrongPin => {
            log::warn!("token {token}: wrong PIN");
            Error::PinIncorrect
        }
        seal::Error::Locked => {
            log::warn!(
                "token {token}: the TPM refuses every PIN for now (dictionary-attack lockout); \
                 wait, or reset it with the lockout authorization (`sealhsm status` tells how long)"
            );
            Error::PinLocked
        }
        seal::Error::NoKeyslot => Error::UserPinNotInitialized,
        seal::Error::Tpm(error) => tpm_error(token, error),
        seal::Error::Store(error) => store_error(error),
        seal::Error::Invalid(text) => {
            log::error!("token {token}: {text}");
            Error::DeviceError
        }
        seal::Error::Crypto(text) => {
            log::error!("token {token}: OpenSSL: {text}");
            Error::General
        }
    }
}

fn tpm_error(token: Uuid, error: door::Error) -> Error {
    let cause = match error {
        door::Error::WrongAuth => return seal_error(token, seal::Error::WrongPin),
        door::Error::Lockout => return seal_error(token, seal::Error::Locked),
        door::Error::NoAgent(text) => format!("no TPM agent: {text}"),
        door::Error::NoTpm(text) => format!("no TPM: {text}; `sealhsm status` shows what is used"),
        door::Error::Timeout => "the TPM did not answer in time; it is tried again at the next call".into(),
        door::Error::WrongParent { .. } => {
            "sealed to another TPM, or this TPM was cleared; `sealhsm token recover` opens it with the recovery key"
                .into()
        }
        door::Error::NotOurs => {
            "a keyslot was not sealed by this TPM or is damaged; `sealhsm token recover` opens it with the recovery key"
                .into()
        }
        door::Error::Refused(text) => format!("the TPM agent refused: {text}"),
        door::Error::Tpm(code, text) => format!("TPM error {code:#x}: {text}"),
        door::Error::Protocol(text) => format!("the TPM agent answered nonsense: {text}; check its version"),
    };
    log::error!("token {token}: {cause}");
    Error::DeviceError
}
