//! `sealhsm token` on a software TPM.

mod common;

use common::{SEALHSM, Site};
use std::io::Write;
use std::process::Stdio;

#[test]
fn a_new_token_says_where_it_is_what_seals_it_and_what_a_missing_recovery_key_means() {
    let site = Site::with_tpm();
    let out = site.run(&["token", "init", "--label", "first", "--so-pin-file", "@so", "--pin-file", "@pin"]).ok();
    for part in ["Token first is made", "Slot:", "Serial:", "software TPM", "storage key ecc-p256", "No recovery key"] {
        assert!(out.contains(part), "{part} in {out}");
    }
    assert!(out.contains(&site.text("tokens")), "{out}");
}

#[test]
fn a_token_is_listed_as_text_and_as_json_without_its_tpm() {
    let mut site = Site::with_tpm();
    let made = site.token("Schlüssel");
    site.run(&["swtpm", "stop", "--dir", "@tpm"]).ok();
    let listed = site.run(&["token", "list", "--json"]).json();
    assert_eq!(listed[0], made);
    assert_eq!(listed[0]["label"], "Schlüssel");
    assert_eq!(listed[0]["user_pin"], true);
    assert_eq!(listed[0]["software_tpm"], true);
    let text = site.run(&["token", "list"]).ok();
    assert!(text.contains("Schlüssel") && text.contains(made["serial"].as_str().unwrap()), "{text}");
    site.start_tpm("tpm");
}

#[test]
fn slots_show_every_token_and_a_free_slot_last() {
    let site = Site::with_tpm();
    let made = site.token("one");
    let slots = site.run(&["slots", "--json"]).json();
    let slots = slots.as_array().unwrap();
    assert_eq!(slots.len(), 2);
    assert_eq!(slots[0]["slot"], made["slot"]);
    assert_eq!(slots[0]["token"]["model"], "SealHSM (swtpm)");
    assert_eq!(slots[0]["token"]["user_pin_initialized"], true);
    assert_eq!((&slots[1]["slot"], &slots[1]["token"]["initialized"]), (&1.into(), &false.into()));
    assert!(site.run(&["slots"]).ok().contains("Serial number"));
}

#[test]
fn a_changed_pin_counts_and_the_old_one_no_more() {
    let site = Site::with_tpm();
    site.token("t");
    let change = ["token", "set-pin", "--pin-file", "@pin", "--new-pin-file", "@other"];
    site.run(&change).ok();
    let err = site.run(&change).failed(1);
    assert!(err.starts_with("sealhsm: wrong PIN; "), "{err}");
    site.run(&["object", "list", "--pin-file", "@other"]).ok();
}

#[test]
fn the_so_changes_his_pin_and_gives_the_user_a_new_one() {
    let site = Site::with_tpm();
    site.token("t");
    site.run(&["token", "set-pin", "--so", "--pin-file", "@so", "--new-pin-file", "@other"]).ok();
    let with_old = site.run(&["token", "init-pin", "--so-pin-file", "@so", "--pin-file", "@other"]);
    assert!(with_old.failed(1).contains("wrong PIN"));
    site.run(&["token", "init-pin", "--so-pin-file", "@other", "--pin-file", "@so"]).ok();
    site.run(&["object", "list", "--pin-file", "@so"]).ok();
}

#[test]
fn a_pin_of_a_length_that_is_not_allowed_is_refused_before_anything_is_made() {
    let site = Site::with_tpm();
    let done = site.run(&["token", "init", "--label", "t", "--so-pin-file", "@short", "--no-user-pin"]);
    assert!(done.failed(1).contains("4 to 255"));
    assert_eq!(site.run(&["token", "list"]).ok(), "");
}

#[test]
fn a_pin_file_that_others_can_read_is_used_with_a_warning() {
    let site = Site::with_tpm();
    std::fs::set_permissions(site.path("so"), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let done = site.run(&["token", "init", "--label", "t", "--so-pin-file", "@so", "--no-user-pin"]);
    assert!(done.err.contains("others can read this PIN (mode 0644)"), "{done:?}");
    assert!(done.ok().contains("no user PIN yet"));
}

#[test]
fn two_pins_come_through_one_descriptor_line_by_line() {
    let site = Site::with_tpm();
    let mut child = site
        .program(SEALHSM)
        .args(["token", "init", "--label", "piped", "--so-pin-fd", "0", "--pin-fd", "0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"12345678\n1234\n").unwrap();
    assert!(child.wait().unwrap().success());
    site.run(&["object", "list", "--pin-file", "@pin"]).ok();
}

#[test]
fn pins_come_from_the_credentials_that_systemd_gives() {
    let site = Site::with_tpm();
    std::fs::create_dir(site.path("credentials")).unwrap();
    site.file("credentials/sealhsm-so-pin", "12345678");
    site.file("credentials/sealhsm-pin", "1234");
    let mut init = site.program(SEALHSM);
    init.env("CREDENTIALS_DIRECTORY", site.path("credentials")).args(["token", "init", "--label", "t"]);
    common::Done::of(init.output().unwrap()).ok();
    site.run(&["object", "list", "--pin-file", "@pin"]).ok();
}

#[test]
fn a_token_made_anew_needs_its_so_pin_and_keeps_its_slot() {
    let site = Site::with_tpm();
    let made = site.token("before");
    let serial = made["serial"].as_str().unwrap();
    let again =
        |so| site.run(&["token", "init", "--label", "after", "--serial", serial, "--so-pin-file", so, "--no-user-pin"]);
    assert!(again("@other").failed(1).contains("wrong PIN"));
    again("@so").ok();
    let listed = site.run(&["token", "list", "--json"]).json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!((&listed[0]["label"], &listed[0]["slot"]), (&"after".into(), &made["slot"]));
    assert_eq!(listed[0]["user_pin"], false);
}

#[test]
fn a_token_made_anew_takes_another_recovery_key_and_both_pins() {
    let site = Site::with_tpm();
    for key in ["@former", "@key"] {
        site.run(&["recovery", "keygen", key]).ok();
    }
    let pins = ["--so-pin-file", "@so", "--pin-file", "@pin"];
    site.run(&[&["token", "init", "--label", "t", "--recovery-key", "@former.pub"], &pins[..]].concat()).ok();
    let err = site.run(&["token", "add-recovery-key", "@key.pub", "--so-pin-file", "@so"]).failed(1);
    assert!(err.contains("another recovery key already") && err.contains("token init"), "{err}");
    let again = ["token", "init", "--label", "t", "--token", "t", "--recovery-key", "@key.pub"];
    site.run(&[&again, &pins[..]].concat()).ok();
    site.run(&["object", "list", "--pin-file", "@pin"]).ok();
    let recover = |key| site.run(&[&["token", "recover", "--recovery-key", key], &pins[..]].concat());
    assert!(recover("@former").failed(1).contains("does not belong"));
    recover("@key").ok();
}

#[test]
fn a_label_that_two_tokens_have_is_not_enough() {
    let site = Site::with_tpm();
    let serials = [site.token("same"), site.token("same")].map(|t| t["serial"].as_str().unwrap().to_string());
    let err = site.run(&["token", "delete", "--force", "--token", "same"]).failed(1);
    assert!(serials.iter().all(|serial| err.contains(serial)), "{err}");
    site.run(&["token", "delete", "--force", "--serial", &serials[0]]).ok();
    let left = site.run(&["token", "list", "--json"]).json();
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(left[0]["serial"], serials[1].as_str());
}

#[test]
fn a_token_is_not_deleted_when_nobody_can_confirm() {
    let site = Site::with_tpm();
    site.token("t");
    assert!(site.run(&["token", "delete", "--token", "t"]).failed(1).contains("--force"));
    assert!(site.run(&["token", "list"]).ok().contains(" t\n"));
}

#[test]
fn a_token_opens_on_a_second_tpm_only_with_its_recovery_key() {
    let mut site = Site::with_tpm();
    site.run(&["recovery", "keygen", "@key"]).ok();
    let init =
        ["token", "init", "--label", "t", "--recovery-key", "@key.pub", "--so-pin-file", "@so", "--pin-file", "@pin"];
    let out = site.run(&init).ok();
    assert!(out.contains("a recovery key opens it") && !out.contains("No recovery key"), "{out}");

    site.start_tpm("second");
    let err = site.run(&["object", "list", "--pin-file", "@pin"]).failed(1);
    assert!(err.contains("another TPM"), "{err}");
    let status = site.run(&["status"]);
    assert!(status.code == 1 && status.out.contains("sealhsm token recover"), "{status:?}");

    let recover = ["token", "recover", "--recovery-key", "@key", "--so-pin-file", "@so", "--pin-file", "@other"];
    site.run(&recover).ok();
    site.run(&["object", "list", "--pin-file", "@other"]).ok();
    assert_eq!(site.run(&["status"]).code, 0);
}

#[test]
fn a_recovery_key_can_be_given_to_a_token_later() {
    let mut site = Site::with_tpm();
    site.token("t");
    site.run(&["recovery", "keygen", "@key"]).ok();
    let add = |key, so| site.run(&["token", "add-recovery-key", key, "--so-pin-file", so]);
    assert!(add("@key.pub", "@other").failed(1).contains("wrong PIN"));
    let private = add("@key", "@so");
    assert!(private.code == 0 && private.err.contains("keep it offline"), "{private:?}");
    let public = add("@key.pub", "@so");
    assert!(public.code == 0 && public.err.is_empty(), "{public:?}");
    assert_eq!(site.run(&["token", "list", "--json"]).json()[0]["recovery_key"], true);
    site.start_tpm("second");
    site.run(&["token", "recover", "--recovery-key", "@key", "--so-pin-file", "@so", "--pin-file", "@pin"]).ok();
    site.run(&["object", "list", "--pin-file", "@pin"]).ok();
}

#[test]
fn without_a_recovery_key_there_is_no_recovery() {
    let site = Site::with_tpm();
    site.token("t");
    site.run(&["recovery", "keygen", "@key"]).ok();
    site.run(&["token", "recover", "--recovery-key", "@key", "--so-pin-file", "@so", "--no-user-pin"]).failed(1);
}

#[test]
fn spaces_at_the_end_of_a_label_are_no_part_of_it() {
    let site = Site::with_tpm();
    assert_eq!(site.token("padded  ")["label"], "padded");
    for name in ["padded", "padded ", &format!("{:32}", "padded")] {
        site.run(&["object", "list", "--token", name]).ok();
    }
    site.run(&["object", "list", "--token", " padded"]).failed(1);
}
