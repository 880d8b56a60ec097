//! Recovery key files, ours and OpenSSL's.

use sealhsm_seal::{self as seal, Error};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

fn openssl(args: &[&str], file: &Path) {
    let done = Command::new("openssl").args(args).arg("-out").arg(file).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn what_we_write_we_read_and_openssl_too() {
    let dir = tempfile::tempdir().unwrap();
    let (private, public) = (dir.path().join("key"), dir.path().join("key.pub"));
    let point = seal::write_recovery_pair(&private, &public).unwrap();
    assert_eq!(seal::read_recovery_public(&public).unwrap(), point);
    assert_eq!(seal::read_recovery_public(&private).unwrap(), point);
    assert_eq!(seal::read_recovery_private(&private).unwrap().len(), 32);
    assert_eq!(fs::metadata(&private).unwrap().mode() & 0o777, 0o600);
    let theirs = dir.path().join("theirs.pub");
    openssl(&["pkey", "-in", private.to_str().unwrap(), "-pubout"], &theirs);
    assert_eq!(fs::read(&theirs).unwrap(), fs::read(&public).unwrap());
}

#[test]
fn openssl_s_keys_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let private = dir.path().join("key");
    openssl(&["genpkey", "-algorithm", "X25519"], &private);
    let der = dir.path().join("key.der");
    openssl(&["pkey", "-in", private.to_str().unwrap(), "-outform", "DER"], &der);
    let one = seal::read_recovery_private(&private).unwrap();
    assert!(one.ct_eq(seal::read_recovery_private(&der).unwrap().as_ref()));
}

#[test]
fn no_existing_file_is_overwritten_and_no_half_pair_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let (private, public) = (dir.path().join("key"), dir.path().join("key.pub"));
    fs::write(&public, "precious").unwrap();
    assert!(matches!(seal::write_recovery_pair(&private, &public), Err(Error::Store(_))));
    assert!(!private.exists());
    fs::write(&private, "precious").unwrap();
    assert!(matches!(seal::write_recovery_pair(&private, &public), Err(Error::Store(_))));
    assert_eq!(fs::read_to_string(&private).unwrap(), "precious");
}

#[test]
fn other_files_are_refused_with_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    assert!(matches!(seal::read_recovery_public(&file), Err(Error::Store(_))));
    let refused = |file: &Path| {
        for error in [
            seal::read_recovery_public(file).map(drop).unwrap_err(),
            seal::read_recovery_private(file).map(drop).unwrap_err(),
        ] {
            let Error::Invalid(text) = error else { panic!("{error:?}") };
            assert!(text.contains(&*file.to_string_lossy()));
        }
    };
    fs::write(&file, "nonsense").unwrap();
    refused(&file);
    fs::write(&file, vec![b'x'; 1 << 20]).unwrap();
    refused(&file);
    openssl(&["genpkey", "-algorithm", "ED25519"], &file);
    refused(&file);
}
