//! What the built files export and need: nothing that could meet the host's own libraries.

use kit::{ck, program};
use std::collections::BTreeMap;
use std::process::Command;

/// The output of a program of binutils or of cargo.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn path(name: &str) -> String {
    program(name).display().to_string()
}

/// The libraries that a file needs, of its dynamic section.
fn needed(name: &str) -> Vec<String> {
    let dynamic = run("readelf", &["-d", "-W", &path(name)]);
    let mut libraries: Vec<String> = dynamic
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| Some(line.split_once('[')?.1.trim_end_matches(']').to_string()))
        .collect();
    libraries.sort();
    libraries
}

#[test]
fn the_module_exports_the_104_functions_and_nothing_else() {
    let symbols = run("nm", &["-D", "--defined-only", &path("libsealhsm.so")]);
    let names: Vec<&str> = symbols.lines().filter_map(|line| line.split_whitespace().last()).collect();
    let others: Vec<_> = names.iter().filter(|name| !name.starts_with("C_")).collect();
    assert!(others.is_empty(), "{others:?}");
    let functions = size_of::<ck::CK_FUNCTION_LIST_3_2>() / size_of::<usize>() - 1;
    assert_eq!((names.len(), functions), (104, 104));
}

#[test]
fn the_module_needs_libc_libgcc_and_the_loader() {
    for library in needed("libsealhsm.so") {
        let expected = ["libc.so.6", "libgcc_s.so.1"].contains(&library.as_str()) || library.starts_with("ld-linux");
        assert!(expected, "{library}");
    }
}

#[test]
fn only_the_agent_needs_libtss2() {
    let tss = |name: &str| needed(name).into_iter().filter(|library| library.contains("tss2")).count();
    assert!(tss("sealhsm-tpm") > 0);
    assert_eq!((tss("libsealhsm.so"), tss("sealhsm")), (0, 0));
}

#[test]
fn the_module_stays_loaded_and_read_only_where_it_can() {
    let module = path("libsealhsm.so");
    let dynamic = run("readelf", &["-d", "-W", &module]);
    assert!(dynamic.lines().any(|line| line.contains("(FLAGS_1)") && line.contains("NODELETE")), "{dynamic}");
    assert!(dynamic.contains("BIND_NOW"), "{dynamic}");
    assert!(!dynamic.contains("TEXTREL"), "{dynamic}");
    let segments = run("readelf", &["-l", "-W", &module]);
    assert!(segments.contains("GNU_RELRO"), "{segments}");
    let stack = segments.lines().find(|line| line.contains("GNU_STACK")).unwrap();
    assert!(!stack.contains("RWE"), "{stack}");
}

/// Features unify over what is built together: the same features in every crate that goes into it mean the same code.
#[test]
fn the_module_is_the_same_however_it_is_built() {
    let alone = features(&["-p", "sealhsm-module"]);
    let in_root = features(&[]);
    for (package, of) in &alone {
        assert_eq!(in_root.get(package), Some(of), "features of {package}: root build against -p sealhsm-module");
    }
    assert!(alone.len() > 10);
}

/// Package and version to the features that a build of this selection turns on.
fn features(selection: &[&str]) -> BTreeMap<String, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let mut arguments = vec!["tree", "--offline", "--locked", "--manifest-path", manifest];
    arguments.extend(["-e", "normal,no-proc-macro", "--prefix", "none", "-f", "{p}|{f}"]);
    arguments.extend(selection);
    let tree = run(&cargo, &arguments);
    let lines = tree.lines().filter_map(|line| line.trim_end_matches(" (*)").split_once('|'));
    lines.map(|(package, of)| (package.to_string(), of.trim_end_matches(" (*)").to_string())).collect()
}
