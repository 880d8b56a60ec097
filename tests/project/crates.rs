//! Rules about crates, read from `cargo metadata`: arrows point down, licences, one version of each.

use crate::run;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Which of our crates each may name. An arrow that is not here does not exist.
const RINGS: &[(&str, &[&str])] = &[
    ("sealhsm-secret", &[]),
    ("sealhsm-wire", &["sealhsm-secret"]),
    ("sealhsm-crypto", &["sealhsm-secret"]),
    ("sealhsm-door", &["sealhsm-secret", "sealhsm-wire"]),
    ("sealhsm-store", &["sealhsm-secret", "sealhsm-crypto"]),
    ("sealhsm-seal", &["sealhsm-secret", "sealhsm-crypto", "sealhsm-door", "sealhsm-store", "sealhsm-wire"]),
    ("sealhsm-core", &["sealhsm-secret", "sealhsm-crypto", "sealhsm-door", "sealhsm-seal", "sealhsm-store"]),
    ("sealhsm-agent", &["sealhsm-secret", "sealhsm-wire"]),
    ("sealhsm-module", &["sealhsm-secret", "sealhsm-door", "sealhsm-core"]),
    (
        "sealhsm-cli",
        &["sealhsm-secret", "sealhsm-crypto", "sealhsm-core", "sealhsm-door", "sealhsm-seal", "sealhsm-store"],
    ),
];

/// Crates from elsewhere that only one of ours may name: (prefix of their names, ours).
const SOLE_USERS: &[(&str, &str)] =
    &[("tss-esapi", "sealhsm-agent"), ("openssl", "sealhsm-crypto"), ("clap", "sealhsm-cli")];

/// Licences that ask of a binary no more than to keep their text.
const LICENCES: &[&str] = &[
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BlueOak-1.0.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that come in more than one version, and why that is not ours to change.
const DOUBLES: &[(&str, &str)] =
    &[("syn", "serde and clap derive with 3, openssl-macros still with 2; it runs at build time and is in no binary")];

/// Crates that are not shipped.
const NOT_SHIPPED: &[&str] = &["sealhsm-tests", "sealhsm-benches"];

fn metadata() -> Value {
    let version = run(Command::new("rustc").arg("-vV"));
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", host]);
    serde_json::from_str(&run(&mut cargo)).expect("cargo metadata is JSON")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// (crate of ours, crate that it names) for normal and build dependencies.
fn arrows(metadata: &Value) -> BTreeSet<(String, String)> {
    let members: BTreeSet<&str> = list(&metadata["workspace_members"]).iter().filter_map(Value::as_str).collect();
    let mut arrows = BTreeSet::new();
    for package in list(&metadata["packages"]).iter().filter(|p| members.contains(text(p, "id"))) {
        for dependency in list(&package["dependencies"]).iter().filter(|d| d["kind"] != "dev") {
            arrows.insert((text(package, "name").to_owned(), text(dependency, "name").to_owned()));
        }
    }
    arrows
}

/// Every package that a shipped crate needs to be built: all but development dependencies, transitively.
fn shipped(metadata: &Value) -> Vec<&Value> {
    let packages: BTreeMap<&str, &Value> = list(&metadata["packages"]).iter().map(|p| (text(p, "id"), p)).collect();
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"]["nodes"]).iter().map(|n| (text(n, "id"), n)).collect();
    let mut open: Vec<&str> = list(&metadata["workspace_members"])
        .iter()
        .filter_map(Value::as_str)
        .filter(|id| !NOT_SHIPPED.contains(&text(packages[id], "name")))
        .collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        for dependency in list(&nodes[id]["deps"]) {
            if list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"] != "dev") {
                open.push(text(dependency, "pkg"));
            }
        }
    }
    seen.into_iter().map(|id| packages[id]).collect()
}

/// Whether an SPDX expression (without parentheses, or in cargo's older form with `/`) leaves us an allowed choice.
fn allowed(expression: &str) -> bool {
    let flat = expression.replace(['(', ')'], "").replace('/', " OR ");
    flat.split(" OR ").any(|choice| choice.split(" AND ").all(|part| LICENCES.contains(&part.trim())))
}

#[test]
fn each_crate_names_only_crates_below_it() {
    let mut seen = 0;
    for (from, to) in arrows(&metadata()) {
        if NOT_SHIPPED.contains(&from.as_str()) || !to.starts_with("sealhsm-") {
            continue;
        }
        let row = RINGS.iter().find(|(name, _)| *name == from);
        let (_, below) = row.unwrap_or_else(|| panic!("{from} is not in the table of rings"));
        assert!(below.contains(&to.as_str()), "{from} may not name {to}");
        seen += 1;
    }
    assert!(seen > 10, "cargo metadata shows only {seen} arrows");
}

#[test]
fn the_table_of_rings_has_no_circle() {
    for (place, (name, below)) in RINGS.iter().enumerate() {
        for lower in *below {
            assert!(RINGS[..place].iter().any(|(earlier, _)| earlier == lower), "{name} stands before {lower}");
        }
    }
}

#[test]
fn only_the_agent_names_the_tss_and_only_crypto_names_openssl() {
    for (from, to) in arrows(&metadata()).iter().filter(|(from, _)| !NOT_SHIPPED.contains(&from.as_str())) {
        for (prefix, user) in SOLE_USERS {
            assert!(!to.starts_with(prefix) || from == user, "{from} names {to}; only {user} may");
        }
    }
}

#[test]
fn every_crate_that_we_ship_has_a_licence_that_we_allow() {
    let metadata = metadata();
    for package in shipped(&metadata) {
        let licence = text(package, "license");
        assert!(allowed(licence), "{} {}: {licence}", text(package, "name"), text(package, "version"));
    }
}

#[test]
fn no_crate_comes_twice_without_a_reason() {
    let metadata = metadata();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in shipped(&metadata) {
        versions.entry(text(package, "name")).or_default().insert(text(package, "version"));
    }
    for (name, several) in versions.iter().filter(|(_, several)| several.len() > 1) {
        assert!(DOUBLES.iter().any(|(known, _)| known == name), "{name} comes in {several:?}: give a reason or unify");
    }
    for (name, reason) in DOUBLES {
        let several = versions.get(name).is_some_and(|several| several.len() > 1);
        assert!(several, "{name} comes once now; the reason ({reason}) can go");
    }
}

#[test]
fn a_licence_is_allowed_if_one_choice_is() {
    assert!(allowed("MIT OR Apache-2.0"));
    assert!(allowed("Unlicense/MIT"));
    assert!(allowed("GPL-3.0-only OR MIT"));
    assert!(allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(!allowed("MIT AND GPL-3.0-only"));
    assert!(!allowed("GPL-3.0-only"));
}
