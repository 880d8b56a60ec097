//! What is called. A script calls the same whatever it is told.

pub mod attributes;
pub mod objects;
pub mod operations;
pub mod sessions;
pub mod tokens;

use crate::Transcript;
use kit::{SO_PIN, Session, USER_PIN, ck};

/// A token in the first slot with both PINs set; not part of what is compared.
fn token(module: &kit::Module) -> ck::CK_SLOT_ID {
    let slot = module.slots().unwrap()[0];
    module.init_token(slot, SO_PIN, "test").unwrap();
    let session = module.open_rw(slot).unwrap();
    session.login(ck::CKU_SO, SO_PIN).unwrap();
    session.init_pin(USER_PIN).unwrap();
    session.close().unwrap();
    slot
}

/// A session of the user on it.
fn user<'m>(transcript: &Transcript<'m>) -> Session<'m> {
    let session = transcript.module.open_rw(token(transcript.module)).unwrap();
    session.login(ck::CKU_USER, USER_PIN).unwrap();
    session
}
