//! What hosts do to a module that lives in them, and what they may notice of it: forks, threads, signals, descriptors,
//! unloading, exits, more rights than their caller has.

mod allocator;
mod exit;
mod fork;
mod growth;
mod privileged;
mod process;
mod races;
mod threads;

use kit::{Env, Module, Session, USER_PIN, ck};

/// A token with a key pair; a session with the user logged in.
fn prepared<'m>(env: &Env, module: &'m Module) -> Session<'m> {
    let session = env.user(module);
    session.p256("signer").unwrap();
    session
}

/// A new session on that token, logged in, in a process or an application that has none yet.
fn login(module: &Module) -> Session<'_> {
    let session = module.session("test");
    session.login(ck::CKU_USER, USER_PIN).unwrap();
    session
}

/// Signs and verifies with the token's key.
fn works(session: &Session<'_>) {
    let signature = session.ecdsa(session.one(ck::CKO_PRIVATE_KEY, "signer"), b"data").unwrap();
    session.ecdsa_verify(session.one(ck::CKO_PUBLIC_KEY, "signer"), b"data", &signature).unwrap();
}
