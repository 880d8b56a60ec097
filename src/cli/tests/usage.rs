//! Exit codes, and what is refused before anything is touched.

mod common;

use common::Site;

#[test]
fn wrong_usage_exits_with_2_and_says_how_it_is_meant() {
    let site = Site::new();
    for words in [
        &[][..],
        &["tokens"],
        &["token", "init"],
        &["token", "init", "--label", "a label of more than thirty-two bytes"],
        &["token", "init", "--label", ""],
        &["token", "delete", "--force"],
        &["token", "delete", "--uuid", "no-uuid"],
        &["token", "set-pin", "--token", "a", "--serial", "b"],
        &["object", "list", "--id", "xyz"],
        &["object", "list", "--type", "thing"],
        &["object", "delete", "--all"],
        &["completions", "tcsh"],
    ] {
        let err = site.run(words).failed(2);
        assert!(!err.is_empty(), "{words:?}");
    }
}

#[test]
fn a_pin_is_never_taken_from_the_command_line() {
    let site = Site::new();
    for option in ["--pin", "--so-pin", "--user-pin", "--new-pin"] {
        let err = site.run(&["token", "init", "--label", "t", option, "1234"]).failed(2);
        assert!(!err.contains("1234"), "{err}");
    }
    site.run(&["token", "init", "--label", "t", "--pin-file", "@pin", "--pin-fd", "3"]).failed(2);
}

#[test]
fn without_a_terminal_a_missing_pin_is_an_error_that_names_the_options() {
    let site = Site::new();
    let err = site.run(&["token", "init", "--label", "t"]).failed(1);
    assert!(err.contains("--so-pin-file") && err.contains("CREDENTIALS_DIRECTORY"), "{err}");
}

#[test]
fn help_and_version_exit_with_0() {
    let site = Site::new();
    assert!(site.run(&["--help"]).ok().contains("never from the command line"));
    assert_eq!(site.run(&["--version"]).ok(), concat!("sealhsm ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let site = Site::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(site.run(&["completions", shell]).ok().contains("set-pin"), "{shell}");
    }
    std::fs::create_dir(site.path("man")).unwrap();
    site.run(&["man", "@man"]).ok();
    for page in ["sealhsm.1", "sealhsm-token-init.1", "sealhsm-swtpm-start.1"] {
        assert!(site.path("man").join(page).exists(), "{page}");
    }
}

#[test]
fn a_wrong_configuration_is_named_with_its_line() {
    let site = Site::new();
    site.file("sealhsm.toml", "# first line\ntokendri = \"/x\"\n");
    for words in [&["token", "list"][..], &["slots"], &["status"], &["object", "list"]] {
        let err = site.run(words).failed(1);
        assert!(err.contains("sealhsm.toml") && err.contains("line 2"), "{err}");
    }
}

#[test]
fn a_recovery_key_is_two_pem_files_and_is_never_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::new();
    site.run(&["recovery", "keygen", "@key"]).ok();
    let private = std::fs::read_to_string(site.path("key")).unwrap();
    assert!(private.starts_with("-----BEGIN PRIVATE KEY-----"));
    assert!(std::fs::read_to_string(site.path("key.pub")).unwrap().starts_with("-----BEGIN PUBLIC KEY-----"));
    assert_eq!(std::fs::metadata(site.path("key")).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(site.run(&["recovery", "keygen", "@key"]).failed(1).contains("never overwritten"));
    assert_eq!(std::fs::read_to_string(site.path("key")).unwrap(), private);
}
