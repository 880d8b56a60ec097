//! The module is the same however it is built. Features unify over everything that is built together, so a dependency
//! of the command could end up in every host that loads the module.

use kit::program;
use std::process::Command;

#[test]
fn the_module_of_a_root_build_is_as_large_as_one_built_alone() {
    let module = program("libsealhsm.so");
    let size = || std::fs::metadata(&module).unwrap().len();
    let in_root = size();
    // Put back afterwards: other tests load the module of the root build.
    let kept = module.with_extension("so.root");
    let _ = std::fs::remove_file(&kept);
    std::fs::copy(&module, &kept).unwrap();
    let built = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args(["build", "--release", "--offline", "--locked", "-p", "sealhsm-module", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .output()
        .unwrap();
    let alone = size();
    std::fs::rename(&kept, &module).unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    assert!(in_root.abs_diff(alone) * 50 < alone, "{in_root} bytes in a root build, {alone} alone");
}
