//! Rules about files: sizes, heads, scripts.

use crate::{read, run, sources};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

/// A file of logic is no longer than this; a table may be.
const LONGEST: usize = 600;

/// Files that are mostly one table, and which.
const TABLES: &[(&str, &str)] = &[];

/// Scripts that people or machines start, and the file that they share.
const SCRIPTS: &[&str] = &["swtpm-ci/demo", "swtpm-ci/test", "swtpm-ci/sanitize", ".ci/run"];

/// Where unsafe code is allowed, and for what.
const EDGES: &[(&str, &str)] = &[
    ("src/secret", "memory that is locked and wiped"),
    ("src/crypto", "OpenSSL"),
    ("src/door", "starting a process that the host does not notice"),
    ("src/agent", "the TSS"),
    ("src/module", "C"),
    ("tests", "C, from the other side"),
    ("benches", "C, from the other side"),
];

fn rust_files() -> Vec<PathBuf> {
    sources().into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs")).collect()
}

#[test]
fn no_file_of_logic_is_too_long_to_read() {
    for path in rust_files() {
        let lines = read(&path).lines().count();
        let table = TABLES.iter().any(|(name, _)| path.ends_with(name));
        assert!(table || lines <= LONGEST, "{} has {lines} lines, {LONGEST} are allowed", path.display());
    }
}

#[test]
fn every_file_says_at_its_head_what_it_is() {
    for path in rust_files() {
        assert!(read(&path).starts_with("//!"), "{} does not begin with //!", path.display());
    }
}

#[test]
fn unsafe_code_stands_only_at_the_edges() {
    for path in rust_files() {
        let allowed = read(&path).contains("allow(unsafe_code)");
        let edge = EDGES.iter().any(|(edge, _)| path.starts_with(edge));
        assert!(!allowed || edge, "{} allows unsafe code", path.display());
    }
}

#[test]
fn the_scripts_can_be_started_and_bash_understands_them() {
    for script in SCRIPTS {
        let mode = std::fs::metadata(crate::root().join(script)).expect(script).permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{script} is not executable");
        run(Command::new("bash").args(["-n", script]));
    }
}

#[test]
fn shellcheck_finds_nothing_in_the_scripts() {
    run(Command::new("shellcheck").arg("-x").args(SCRIPTS));
}

#[test]
fn continuous_integration_runs_the_two_commands() {
    let workflow = read(".github/workflows/test.yml");
    for command in ["run: swtpm-ci/test", "run: swtpm-ci/demo"] {
        assert!(workflow.contains(command), "no {command} in the workflow");
    }
    assert!(read(".ci/run").contains("exec swtpm-ci/test"));
}

#[test]
fn the_scripts_for_developers_are_named_where_developers_look() {
    let contributing = read("CONTRIBUTING.md");
    for script in ["swtpm-ci/test", "swtpm-ci/sanitize"] {
        assert!(contributing.contains(script), "no {script} in CONTRIBUTING.md");
    }
}
