//! What goes wrong outside the program, and what the caller and the administrator are told: each test checks the code
//! and the log line, that nothing hangs, and that all is well once the cause is gone.

mod configuration;
mod directory;
mod disk;
mod moved;
mod second;
mod tamper;
mod tpm;

use kit::{Env, Module, Session, ck};
use std::path::{Path, PathBuf};

/// A session on the token of `Env::token`, in a new application.
fn anew<'m>(module: &'m Module, label: &str) -> Session<'m> {
    // The first time there is nothing to end.
    let _ = module.finalize();
    module.initialize().unwrap();
    module.open_rw(module.slot_of(label).expect("the token")).unwrap()
}

/// The files in a directory whose names end so, sorted.
fn files(directory: &Path, end: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = all.filter(|path| path.to_str().is_some_and(|path| path.ends_with(end))).collect();
    found.sort();
    found
}

/// The only one.
fn file(directory: &Path, end: &str) -> PathBuf {
    let mut found = files(directory, end);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// The object files of the only token.
fn objects(env: &Env) -> Vec<PathBuf> {
    files(&env.home(), ".object").into_iter().filter(|path| name(path) != "token.object").collect()
}

/// The last part of a path.
fn name(of: &Path) -> &str {
    of.file_name().and_then(|name| name.to_str()).unwrap()
}

/// The value of a data object.
fn value(session: &Session<'_>, label: &str) -> kit::Result<Vec<u8>> {
    let found = session.labelled(label)?;
    assert_eq!(found.len(), 1, "{label}");
    session.bytes(found[0], ck::CKA_VALUE)
}
