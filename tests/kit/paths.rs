//! Where the programs under test are.

use std::path::{Path, PathBuf};

/// SoftHSM's module on Debian, for differential tests.
pub const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// A file that `cargo build --release` makes: `libsealhsm.so`, `sealhsm`, `sealhsm-tpm`.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    // target/release/deps/TEST
    let release = test.parent().and_then(Path::parent).expect("a test in target/release/deps");
    let path = release.join(name);
    assert!(path.exists(), "{} is missing: run `cargo build --release` first", path.display());
    path
}
