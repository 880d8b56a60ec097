//! From the structures of C to the types of the core.

mod mechanism;
mod template;

pub use mechanism::{
    Message, Wrapping, authenticated, back, mechanism, mechanism_or_cancel, message_or_cancel, wrapping,
};
pub use template::{entries, template};

use crate::pointer::Pointer;
use sealhsm_core::{Application, Error, Result};
use sealhsm_secret::Secret;

/// A PIN. NULL would mean a PIN pad, which no token here has.
pub fn pin(pin: Pointer<'_, u8>, length: u64) -> Result<Secret> {
    pin.required()?.bytes(length).map(Secret::copy_of)
}

/// What a running operation was to be fed with: an argument that cannot be taken ends it, as every error does.
/// `operation`: its flag in C_SessionCancel.
pub fn or_end<T>(app: &Application, session: u64, operation: u64, decoded: Result<T>) -> Result<T> {
    if decoded.is_err() {
        // An unknown session has no operation to end.
        let _ = app.session_cancel(session, operation);
    }
    decoded
}

/// `ArgumentsBad` unless `pReserved` is NULL, as the standard wants it.
pub fn reserved<T>(pointer: Pointer<'_, T>) -> Result<()> {
    if pointer.is_null() { Ok(()) } else { Err(Error::ArgumentsBad) }
}
