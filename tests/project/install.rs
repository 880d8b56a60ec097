//! The README's installation, done into a root of its own.

use crate::{read, root, run};
use std::path::Path;
use std::process::Command;

/// The fenced block that follows `<!-- install -->` in the README.
fn install_lines() -> String {
    let readme = read("README.md");
    let (_, rest) = readme.split_once("<!-- install -->").expect("the README marks the block");
    let mut parts = rest.splitn(3, "```");
    let block = parts.nth(1).expect("a fenced block follows");
    block.split_once('\n').expect("the fence names its language").1.to_owned()
}

fn installed(destination: &Path) {
    let release = root().join("target/release");
    assert!(release.join("libsealhsm.so").exists(), "first: cargo build --release");
    run(Command::new("bash").args(["-euc", &install_lines()]).env("DESTDIR", destination));
}

#[test]
fn the_readme_installs_into_a_root_of_its_own() {
    let destination = tempfile::tempdir().expect("a temporary directory");
    installed(destination.path());
    let triple = run(Command::new("gcc").arg("-dumpmachine"));
    let module = format!("usr/lib/{}/pkcs11/libsealhsm.so", triple.trim());
    let files = [
        module.as_str(),
        "usr/bin/sealhsm",
        "usr/libexec/sealhsm/sealhsm-tpm",
        "usr/share/p11-kit/modules/sealhsm.module",
        "etc/sealhsm/sealhsm.toml",
        "usr/lib/systemd/system/sealhsm-tpm.socket",
        "usr/lib/systemd/system/sealhsm-tpm.service",
        "usr/lib/sysusers.d/sealhsm.conf",
    ];
    for file in files {
        assert!(destination.path().join(file).is_file(), "{file} is not installed");
    }
}

#[test]
fn the_installed_programs_say_their_version() {
    let destination = tempfile::tempdir().expect("a temporary directory");
    installed(destination.path());
    for (program, name) in [("usr/bin/sealhsm", "sealhsm"), ("usr/libexec/sealhsm/sealhsm-tpm", "sealhsm-tpm")] {
        let said = run(Command::new(destination.path().join(program)).arg("--version"));
        assert_eq!(said.trim(), format!("{name} {}", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn the_module_file_names_the_installed_module() {
    let file = read("conf/sealhsm.module");
    assert!(file.lines().any(|line| line.split_whitespace().collect::<String>() == "module:libsealhsm.so"), "{file}");
}
