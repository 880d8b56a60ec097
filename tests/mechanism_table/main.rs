//! The tables of mechanisms in `docs/mechanisms.md` and in the README say what the module lists, beside what other
//! modules have. With `SEALHSM_WRITE=1` in the environment the test writes them instead of complaining.

mod table;

use kit::{Env, Module, ck, isolated, mechanism_named};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use table::{Mechanism, Peers};

/// Where the table in the README stands.
const BEGIN: &str = "<!-- mechanisms -->\n";
const END: &str = "<!-- end of mechanisms -->\n";

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// What others have, by number.
fn peers() -> BTreeMap<ck::CK_MECHANISM_TYPE, Peers> {
    let lines = include_str!("peers.txt").lines().filter(|line| !line.starts_with('#'));
    let peers = lines.map(|line| {
        let (name, letters) = line.split_once(' ').expect("a name and letters");
        let number = mechanism_named(name).unwrap_or_else(|| panic!("peers.txt: {name} is not of the standard"));
        (number, Peers::of(letters))
    });
    peers.collect()
}

/// Everything that somebody has, in the order of the standard's numbers.
fn mechanisms(env: &Env) -> Vec<Mechanism> {
    let mut all: BTreeMap<_, _> = peers().into_iter().map(|(of, peers)| (of, Mechanism::of(of, peers))).collect();
    let module = Module::ours();
    env.configure("mechanisms = \"-legacy\"");
    module.initialize().unwrap();
    let modern: BTreeSet<_> = module.mechanisms(0).unwrap().into_iter().collect();
    module.finalize().unwrap();
    env.configure("");
    module.initialize().unwrap();
    for of in module.mechanisms(0).unwrap() {
        let info = module.mechanism_info(0, of).unwrap();
        let mechanism = all.entry(of).or_insert_with(|| Mechanism::of(of, Peers::default()));
        mechanism.is_ours(info, !modern.contains(&of));
    }
    all.into_values().collect()
}

/// Compares a document with what it should be, or writes it.
fn settle(name: &str, expected: &str) {
    if std::env::var_os("SEALHSM_WRITE").is_some() {
        std::fs::write(path(name), expected).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    let found = std::fs::read_to_string(path(name)).unwrap_or_default();
    let differs = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    assert!(
        found == expected,
        "{name} is not what the module lists: {differs:?}\nTo write it anew:\n\
         SEALHSM_WRITE=1 cargo test --release -p sealhsm-tests --test mechanism_table"
    );
}

#[test]
fn the_table_of_all_mechanisms_is_what_the_module_lists() {
    isolated(|env| settle("docs/mechanisms.md", &table::whole(&mechanisms(env))));
}

#[test]
fn the_counts_in_the_readme_are_what_the_module_lists() {
    isolated(|env| {
        let readme = std::fs::read_to_string(path("README.md")).unwrap();
        let (before, rest) = readme.split_once(BEGIN).expect("the marker in front of the table");
        let (_, after) = rest.split_once(END).expect("the marker behind the table");
        let table = table::counts(&mechanisms(env));
        settle("README.md", &[before, BEGIN, &table, END, after].concat());
    });
}
