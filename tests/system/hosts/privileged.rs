//! A host with more rights than its caller (set-user-ID): what the caller says in the environment does not count.

use kit::{Env, Isolated, Module, program, user};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output};

/// Set in the process that is to be looked at: this test's own program, copied.
const COPY: &str = "PRIVILEGED_COPY";

#[test]
fn a_set_user_id_host_reads_no_environment_variable() {
    // The configuration that the caller names is missing, which is an error for everyone who may name one.
    let caller =
        Isolated::default().variable("SEALHSM_CONF", "{dir}/named/absent.toml").variable("SEALHSM_LOG", "trace");
    caller.run(|env| {
        if std::env::var_os(COPY).is_some() {
            return host();
        }
        let copy = copies(env);
        let ordinary = run(env, &copy);
        assert!(said(&ordinary, "CKR_GENERAL_ERROR"), "{ordinary:?}");
        assert!(said(&ordinary, "absent.toml"), "the caller's configuration is not read: {ordinary:?}");
        if !user::is_root() {
            return env.report("half asked: only root can make a program that has more rights than its caller\n");
        }
        user::mode(&copy, 0o4755);
        let privileged = run(env, &copy);
        assert!(said(&privileged, "AT_SECURE true"), "{privileged:?}");
        assert!(said(&privileged, "CKR_OK"), "{privileged:?}");
        assert!(!said(&privileged, "sealhsm: "), "SEALHSM_LOG counts: {privileged:?}");
    });
}

/// In the copy: says what C_Initialize returns.
fn host() {
    let module = Module::ours();
    let outcome = module.initialize().map_or_else(|rv| rv.to_string(), |()| "CKR_OK".into());
    eprintln!("AT_SECURE {}: {outcome}", user::is_secure());
    if outcome == "CKR_OK" {
        // The system's tokens, if it has any: not the caller's.
        assert!(module.slots().is_ok());
        assert_eq!(module.finalize(), Ok(()));
    }
}

/// Program, module and agent where any user can run them; as the build has them.
fn copies(env: &Env) -> PathBuf {
    let deps = env.file("release/deps");
    std::fs::create_dir_all(&deps).unwrap();
    for name in ["libsealhsm.so", "sealhsm-tpm"] {
        std::fs::copy(program(name), env.file("release").join(name)).unwrap();
    }
    let copy = deps.join("host");
    std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    for path in [env.file(""), env.file("release"), deps, copy.clone()] {
        user::mode(&path, 0o755);
    }
    copy
}

/// Runs the copy as a user with no rights, if this one has some.
fn run(env: &Env, copy: &PathBuf) -> Output {
    let mut command = Command::new(copy);
    let name = "a_set_user_id_host_reads_no_environment_variable";
    command.args([name, "--nocapture", "--test-threads=1"]).env(COPY, "1").current_dir(env.file(""));
    if user::is_root() {
        command.uid(user::NOBODY).gid(user::NOBODY);
    }
    command.output().unwrap()
}

fn said(output: &Output, text: &str) -> bool {
    String::from_utf8_lossy(&output.stderr).contains(text)
}
