//! A configuration that cannot be: CKR_GENERAL_ERROR, and a line that names the file, the line or the key, and why.

use kit::{Env, Isolated, Module, ck, isolated};

fn refused(env: &Env, module: &Module, words: &[&str]) {
    assert_eq!(module.initialize().unwrap_err(), ck::CKR_GENERAL_ERROR, "{words:?}");
    env.log().must_say(&[&["ERROR", "configuration"], words].concat());
    assert_eq!(module.slots().unwrap_err(), ck::CKR_CRYPTOKI_NOT_INITIALIZED);
}

#[test]
fn what_is_wrong_with_a_configuration_is_said_with_its_file_and_its_line_or_key() {
    isolated(|env| {
        let module = Module::ours();
        for (text, words) in [
            ("tokendir = \"/a\"\n\ntokendir \"/b\"\n", ["line 3", "tokendir \"/b\""]),
            ("tokendir = \"/a\"\nslots = 4\n", ["line 2", "slots"]),
            ("[log]\nlevel = \"error\"\ncolour = true\n", ["line 3", "colour"]),
            ("backend = \"oracle\"\n", ["line 1", "oracle"]),
            ("tokendir = 7\n", ["line 1", "tokendir"]),
            ("tokendir = \"tokens\"\n", ["tokens", "absolute"]),
            ("agent = \"bin/sealhsm-tpm\"\n", ["bin/sealhsm-tpm", "absolute"]),
            ("umask = \"0000\"\n", ["umask", "0077"]),
            ("[log]\nlevel = \"loud\"\n", ["log.level", "debug"]),
            ("mechanisms = \"CKM_NO_SUCH\"\n", ["mechanisms", "CKM_NO_SUCH"]),
            ("[pin]\nmin_length = 9\nmax_length = 8\n", ["pin.min_length", "max"]),
            ("[pin]\nargon2_memory_kib = 1\n", ["pin", "8192"]),
        ] {
            env.configure_exactly(text);
            refused(env, &module, &[words[0], words[1], "sealhsm.toml"]);
        }
        // And as soon as it is right, without starting the host again.
        env.configure("");
        module.initialize().unwrap();
    });
}

#[test]
fn a_configuration_file_that_is_none_is_refused_and_not_waited_for() {
    isolated(|env| {
        let (module, path) = (Module::ours(), env.file("sealhsm.toml"));
        std::fs::write(&path, b"label = \"\xff\"\n").unwrap();
        refused(env, &module, &["sealhsm.toml", "UTF-8"]);
        std::fs::remove_file(&path).unwrap();
        refused(env, &module, &["sealhsm.toml", "No such file"]);
        std::fs::create_dir(&path).unwrap();
        refused(env, &module, &["sealhsm.toml", "not a regular file"]);
        std::fs::remove_dir(&path).unwrap();
        kit::user::fifo(&path);
        refused(env, &module, &["sealhsm.toml", "not a regular file"]);
        std::fs::remove_file(&path).unwrap();
        env.configure("");
        module.initialize().unwrap();
    });
}

#[test]
fn a_configuration_that_may_not_be_read_is_an_error_and_not_the_defaults() {
    isolated(|env| {
        let module = env.become_ordinary();
        let path = env.file("sealhsm.toml");
        kit::user::mode(&path, 0o000);
        refused(env, &module, &["sealhsm.toml", "Permission denied"]);
        kit::user::mode(&path, 0o600);
        module.initialize().unwrap();
    });
}

#[test]
fn without_a_named_configuration_the_users_own_is_read() {
    let home = Isolated::default().variable("SEALHSM_CONF", "").variable("XDG_CONFIG_HOME", "{dir}/config");
    home.run(|env| {
        std::fs::create_dir_all(env.file("config/sealhsm")).unwrap();
        std::fs::write(env.file("config/sealhsm/sealhsm.toml"), "nonsense = 1\n").unwrap();
        refused(env, &Module::ours(), &["config/sealhsm/sealhsm.toml", "line 1", "nonsense"]);
    });
}

#[test]
fn sealhsm_tpm_says_which_tpm_whatever_the_configuration_says() {
    Isolated::default().variable("SEALHSM_TPM", "swtpm:path={dir}/tpm/sock").run(|env| {
        env.configure_for("swtpm:path=/nonexistent/sock", "");
        let module = env.module();
        env.user(&module);
    });
}
