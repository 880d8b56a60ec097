//! Keys that come from outside (C_CreateObject, PKCS#11 3.2 section 4 and 6): what is checked, what is computed, and
//! that they work.

mod curves;
mod rsa;
mod secret;

use kit::{Object, Session, ck};

/// What no imported key claims.
#[track_caller]
fn is_from_outside(session: &Session<'_>, key: Object) {
    assert!(!session.flag(key, ck::CKA_LOCAL).unwrap());
    assert_eq!(session.ulong(key, ck::CKA_KEY_GEN_MECHANISM).unwrap(), ck::CK_UNAVAILABLE_INFORMATION);
}

/// The same of a private or secret key.
#[track_caller]
fn never_was_hidden(session: &Session<'_>, key: Object) {
    is_from_outside(session, key);
    assert!(!session.flag(key, ck::CKA_ALWAYS_SENSITIVE).unwrap());
    assert!(!session.flag(key, ck::CKA_NEVER_EXTRACTABLE).unwrap());
}
