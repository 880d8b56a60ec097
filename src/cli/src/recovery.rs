//! `sealhsm recovery`: the offline key that opens a token when its TPM is gone.

use crate::args::Recovery;
use crate::failure::Failure;
use crate::output;
use sealhsm_seal as seal;
use sealhsm_store as store;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// Does what was asked.
pub fn run(command: Recovery) -> Result<(), Failure> {
    let Recovery::Keygen { file } = command;
    keygen(&file)
}

fn keygen(file: &Path) -> Result<(), Failure> {
    sealhsm_crypto::init().map_err(|e| format!("the private OpenSSL does not start: {e}"))?;
    let mut beside = OsString::from(file);
    beside.push(".pub");
    let beside = PathBuf::from(beside);
    seal::write_recovery_pair(file, &beside).map_err(|error| match error {
        seal::Error::Store(store::Error::Io(path, cause)) if cause.kind() == io::ErrorKind::AlreadyExists => {
            format!("{path}: exists already; a key is never overwritten, choose another name").into()
        }
        other => Failure::from(other),
    })?;
    output::print(&format!(
        "{}: private key; keep it offline, away from this machine and from backups of the tokens.\n\
         {}: public key, for `sealhsm token init --recovery-key`.\n",
        file.display(),
        beside.display()
    ))
}
