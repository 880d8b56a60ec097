//! Whether what a token keeps opens, as far as that can be told without a PIN: its index and every public object.

use crate::context::Context;
use crate::failure::Failure;
use sealhsm_seal::{self as seal, Listed};
use sealhsm_store::{Error, Ring, Rings};

/// What does not open, and why.
pub fn of(context: &Context, token: &Listed) -> Vec<Failure> {
    look(context, token).unwrap_or_else(|failure| vec![failure])
}

fn look(context: &Context, token: &Listed) -> Result<Vec<Failure>, Failure> {
    let public = seal::open_machine(&context.seal, &context.door, token.uuid)?;
    let store = seal::objects(&context.seal, token.uuid, Rings { public, private: None })?;
    let mut damaged = Vec::new();
    for entry in store.refresh()?.put.iter().filter(|entry| entry.ring == Ring::Public) {
        match store.load(entry.ring, entry.uuid, entry.version) {
            // Changed, or the token made anew or deleted, since the index was read.
            Ok(_) | Err(Error::Conflict(_) | Error::EpochChanged | Error::Gone(_)) => {}
            Err(error) => damaged.push(error.into()),
        }
    }
    Ok(damaged)
}
