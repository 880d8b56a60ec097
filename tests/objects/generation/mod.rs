//! C_GenerateKey and C_GenerateKeyPair (PKCS#11 3.2 section 5.18): what a new key is, and what cannot be made.

mod curves;
mod rsa;
mod rules;
mod secret;

use kit::{Object, Session, Template, ck};

/// CKA_LOCAL and its kin, of a key made here.
#[track_caller]
fn is_made_here(session: &Session<'_>, key: Object, mechanism: ck::CK_MECHANISM_TYPE) {
    assert!(session.flag(key, ck::CKA_LOCAL).unwrap());
    assert_eq!(session.ulong(key, ck::CKA_KEY_GEN_MECHANISM).unwrap(), mechanism);
}

/// CKA_ALWAYS_SENSITIVE and CKA_NEVER_EXTRACTABLE follow from how it was made.
#[track_caller]
fn remembers(session: &Session<'_>, key: Object, sensitive: bool, extractable: bool) {
    assert_eq!(session.flag(key, ck::CKA_SENSITIVE).unwrap(), sensitive);
    assert_eq!(session.flag(key, ck::CKA_EXTRACTABLE).unwrap(), extractable);
    assert_eq!(session.flag(key, ck::CKA_ALWAYS_SENSITIVE).unwrap(), sensitive);
    assert_eq!(session.flag(key, ck::CKA_NEVER_EXTRACTABLE).unwrap(), !extractable);
}

fn value_len(length: ck::CK_ULONG) -> Template {
    Template::new().ulong(ck::CKA_VALUE_LEN, length)
}

fn readable() -> Template {
    Template::new().sensitive(false).extractable(true)
}
