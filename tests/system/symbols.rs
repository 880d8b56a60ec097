//! What the built files export and need: nothing that could meet the host's own libraries.

use kit::{ck, program};
use std::process::Command;

/// The output of a program of binutils.
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
