//! Only there so that `openssl-src` is a build dependency: see Cargo.toml.
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
