//! How `libsealhsm.so` is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Never unloaded: a thread that used the module and ends after dlclose would run destructors that are gone.
    // Relocated before the first call, read-only after.
    for flag in ["-z,nodelete", "-z,relro", "-z,now"] {
        println!("cargo::rustc-cdylib-link-arg=-Wl,{flag}");
    }
}
