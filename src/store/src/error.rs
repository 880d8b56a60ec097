//! The texts of [`Error`].

use crate::Error;
use std::fmt;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io(what, cause) => write!(f, "{what}: {cause}"),
            Error::Full(file) => write!(f, "{file}: no space left; free some and try again"),
            Error::ReadOnly(file) => write!(f, "{file}: cannot be written; check owner, mode and mount"),
            Error::Tampered(text) | Error::UnknownVersion(text) => f.write_str(text),
            Error::Conflict(uuid) => write!(f, "object {uuid}: changed or destroyed meanwhile; look again"),
            Error::EpochChanged => f.write_str("the token was re-initialised or rekeyed; log in again"),
            Error::RingClosed => f.write_str("private objects are closed; log in"),
            Error::Gone(path) => write!(f, "{path}: gone; the token was deleted"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io(_, cause) => Some(cause),
            _ => None,
        }
    }
}
