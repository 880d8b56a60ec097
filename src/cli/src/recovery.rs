//! `sealhsm recovery`: the offline key that opens a token when its TPM is gone.

use crate::args::Recovery;
use crate::failure::Failure;
use crate::output;
use sealhsm_crypto::x25519;
use sealhsm_seal as seal;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Does what was asked.
pub fn run(command: Recovery) -> Result<(), Failure> {
    let Recovery::Keygen { file } = command;
    keygen(&file)
}

fn keygen(file: &Path) -> Result<(), Failure> {
    sealhsm_crypto::init().map_err(|e| format!("the private OpenSSL does not start: {e}"))?;
    let openssl = |e| Failure::from(format!("OpenSSL: {e}"));
    let (private, public) = seal::recovery_pair()?;
    let mut beside = OsString::from(file);
    beside.push(".pub");
    let beside = PathBuf::from(beside);
    // The public half first: a private key without it is of no use, and the other way round does no harm.
    write_new(&beside, 0o644, &x25519::public_pem(&public).map_err(openssl)?)?;
    let private = x25519::private_pem(&private).map_err(openssl)?;
    if let Err(failure) = write_new(file, 0o600, private.as_ref()) {
        let _ = std::fs::remove_file(&beside);
        return Err(failure);
    }
    output::print(&format!(
        "{}: private key; keep it offline, away from this machine and from backups of the tokens.\n\
         {}: public key, for `sealhsm token init --recovery-key`.\n",
        file.display(),
        beside.display()
    ))
}

fn write_new(path: &Path, mode: u32, text: &[u8]) -> Result<(), Failure> {
    let write = || -> io::Result<()> {
        let mut file = File::options().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(text)?;
        file.sync_all()
    };
    write().map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("{}: exists already; a key is never overwritten, choose another name", path.display()).into()
        }
        _ => Failure::io(path, &error),
    })
}
