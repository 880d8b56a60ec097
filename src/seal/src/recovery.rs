//! Recovery key files: X25519 pairs in the PEM that `openssl genpkey -algorithm X25519` writes (RFC 8410).
//! It has never heard of tokens.

use crate::Error;
use sealhsm_crypto::x25519;
use sealhsm_secret::Secret;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// No key file is longer, in bytes.
const MAX_FILE: usize = 16 * 1024;

/// A new X25519 pair for recovery: (private, public), 32 bytes each.
pub fn recovery_pair() -> Result<(Secret, [u8; 32]), Error> {
    Ok(x25519::generate()?)
}

/// Reads a recovery key file: PEM or DER, SubjectPublicKeyInfo; a private key file will do too, with a warning.
pub fn read_recovery_public(file: &Path) -> Result<[u8; 32], Error> {
    let (bytes, _) = read(file)?;
    if x25519::read_private(bytes.as_ref()).is_ok() {
        log::warn!(
            "{}: a private recovery key, which opens tokens without PIN and TPM; keep it offline, its public half is \
             all that is needed here",
            file.display()
        );
    }
    x25519::read_public(bytes.as_ref()).map_err(|_| not_a_key(file, "public"))
}

/// Reads a recovery key file: PEM or DER, PKCS#8, not encrypted. Logs a warning if others may read it too.
pub fn read_recovery_private(file: &Path) -> Result<Secret, Error> {
    let (bytes, mode) = read(file)?;
    if mode & 0o077 != 0 {
        log::warn!(
            "{}: others than its owner may read this recovery key, which opens tokens without PIN and TPM; \
             `chmod 600` it and keep it offline",
            file.display()
        );
    }
    x25519::read_private(bytes.as_ref()).map_err(|_| not_a_key(file, "private (unencrypted PKCS#8)"))
}

/// Makes a pair and writes two new files: `private` with mode 0600, `public` with 0644. Neither may exist.
pub fn write_recovery_pair(private: &Path, public: &Path) -> Result<[u8; 32], Error> {
    let (secret, point) = x25519::generate()?;
    let secret = x25519::private_pem(&secret)?;
    write_new(private, 0o600, secret.as_ref())?;
    if let Err(error) = write_new(public, 0o644, &x25519::public_pem(&point)?) {
        // A private key whose public half nobody has would only be mistaken for a useful one.
        let _ = fs::remove_file(private);
        return Err(error);
    }
    Ok(point)
}

/// The contents and the mode (0 for a pipe).
fn read(path: &Path) -> Result<(Secret, u32), Error> {
    let failed = |cause| Error::Store(sealhsm_store::Error::Io(path.display().to_string(), cause));
    let mut file = File::open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    let mut bytes = Secret::zeroed(MAX_FILE + 1);
    let mut length = 0;
    loop {
        match file.read(&mut bytes.as_mut()[length..]) {
            Ok(0) => break,
            Ok(n) => length += n,
            Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
            Err(cause) => return Err(failed(cause)),
        }
    }
    if length > MAX_FILE {
        return Err(Error::Invalid(format!("{}: longer than {MAX_FILE} bytes, no recovery key", path.display())));
    }
    bytes.truncate(length);
    Ok((bytes, if meta.is_file() { meta.mode() } else { 0 }))
}

fn write_new(path: &Path, mode: u32, contents: &[u8]) -> Result<(), Error> {
    let failed = |cause| Error::Store(sealhsm_store::Error::Io(path.display().to_string(), cause));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(failed)?;
    let written = file.write_all(contents).and_then(|()| file.sync_all());
    written.map_err(|cause| {
        let _ = fs::remove_file(path);
        failed(cause)
    })
}

fn not_a_key(file: &Path, which: &str) -> Error {
    Error::Invalid(format!(
        "{}: not an X25519 {which} key; `sealhsm recovery keygen` or `openssl genpkey -algorithm X25519` makes one",
        file.display()
    ))
}
