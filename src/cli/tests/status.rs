//! `sealhsm status`, with and without a TPM.

mod common;

use common::Site;

fn text(findings: &serde_json::Value) -> String {
    findings.as_array().unwrap().iter().map(|f| f["what"].as_str().unwrap().to_owned() + "\n").collect()
}

#[test]
fn with_a_tpm_and_a_token_nothing_is_wrong() {
    let site = Site::with_tpm();
    site.token("t");
    let status = site.run(&["status", "--json"]).json();
    assert_eq!(status["problems"], serde_json::json!([]));
    assert_eq!(status["tpm"]["software"], true);
    assert_eq!(status["tpm"]["max_tries"], 32);
    assert_eq!(status["tpm"]["locked"], false);
    assert_eq!(status["tokens"][0]["label"], "t");
    assert_eq!(status["tokens"][0]["parent"]["name"], status["tpm"]["parent"]["name"]);
    assert!(text(&status["notes"]).contains("software TPM"), "{status}");
    assert!(site.run(&["status"]).ok().contains("Nothing is wrong that shows without a PIN."));
}

#[test]
fn without_a_tpm_it_says_so_and_still_shows_the_tokens() {
    let site = Site::with_tpm();
    site.token("t");
    site.run(&["swtpm", "stop", "--dir", "@tpm"]).ok();
    let done = site.run(&["status"]);
    assert_eq!(done.code, 1, "{done:?}");
    for part in ["does not answer", "Token t", "no TPM: ", "-> check `tpm`", &site.text("tokens")] {
        assert!(done.out.contains(part), "{part} in {}", done.out);
    }
}

#[test]
fn a_tpm_that_is_not_there_or_may_not_be_used_is_told_from_one_that_is_silent() {
    let site = Site::new();
    let with = |tpm: &str| site.program(common::SEALHSM).arg("status").env("SEALHSM_TPM", tpm).output();
    let says = |tpm: &str| common::Done::of(with(tpm).expect("sealhsm")).out;
    let missing = format!("swtpm:path={}", site.text("missing"));
    assert!(says(&missing).contains("missing: No such file or directory"), "{}", says(&missing));
    let device = format!("device:{}", site.text("device"));
    assert!(says(&device).contains("device: No such file or directory"), "{}", says(&device));
    let stale = site.file("stale", "");
    let silent = says(&format!("swtpm:path={stale}"));
    assert!(silent.contains("stale does not answer"), "{silent}");
}

#[test]
fn a_token_directory_that_cannot_be_read_is_named_with_the_reason() {
    let site = Site::with_tpm();
    let tokens = site.file("tokens", "this is no directory");
    let done = site.run(&["status"]);
    assert!(done.code == 1 && done.out.contains(&format!("{tokens}: not a directory; check `tokendir`")), "{done:?}");
    assert!(!done.out.contains("the line above"), "{done:?}");
    let err = site.run(&["token", "list"]).failed(1);
    assert!(err.contains("not a directory") && !err.contains("remove it"), "{err}");
}

#[test]
fn a_directory_that_is_no_token_is_named() {
    let site = Site::with_tpm();
    let uuid = site.token("t")["uuid"].as_str().unwrap().to_owned();
    std::fs::write(site.path("tokens").join(&uuid).join("token.object"), "nonsense").unwrap();
    let done = site.run(&["status"]);
    assert!(done.code == 1 && done.out.contains(&uuid), "{done:?}");
    assert_eq!(site.run(&["token", "list"]).ok(), "");
    site.run(&["token", "delete", "--uuid", &uuid]).failed(1);
    site.run(&["token", "delete", "--uuid", &uuid, "--force"]).ok();
    site.run(&["status"]).ok();
}

#[test]
fn nothing_that_a_file_or_its_name_says_is_obeyed_by_a_terminal() {
    let site = Site::with_tpm();
    let uuid = site.token("t")["uuid"].as_str().unwrap().to_owned();
    let tokens = site.path("tokens");
    std::fs::write(tokens.join(&uuid).join("token.object"), "version = 1\n\"\\u001b[2J\\nfake\" = 1\n").unwrap();
    std::fs::create_dir(tokens.join("\u{1b}[2J\nfake")).unwrap();
    let with_pin = ["object", "list", "--uuid", &uuid];
    for command in [&["status"][..], &["token", "list"], &with_pin, &["token", "delete", "--uuid", &uuid]] {
        let done = site.run(command);
        assert!(!(done.out.clone() + &done.err).contains(['\u{1b}', '\r']), "{done:?}");
        assert!(!(done.out.clone() + &done.err).lines().any(|line| line.starts_with("fake")), "{done:?}");
    }
}

#[test]
fn a_public_object_or_an_index_that_does_not_open_is_named() {
    let site = Site::with_tpm();
    let uuid = site.token("t")["uuid"].as_str().unwrap().to_owned();
    let key = ["genpkey", "-algorithm", "ED25519", "-out"];
    common::Done::of(site.program("openssl").args(key).arg(site.path("key.pem")).output().expect("openssl")).ok();
    site.run(&["object", "import", "@key.pem", "--pin-file", "@pin"]).ok();
    site.run(&["status"]).ok();
    let public = site.run(&["object", "list", "--json"]).json()[0]["unique_id"].as_str().unwrap().to_owned();
    for name in [format!("{public}.object"), "1.index".into()] {
        let file = site.path("tokens").join(&uuid).join(&name);
        let whole = std::fs::read(&file).unwrap();
        let mut damaged = whole.clone();
        damaged[100] ^= 1;
        std::fs::write(&file, damaged).unwrap();
        let done = site.run(&["status"]);
        assert!(done.code == 1 && done.out.contains(&name) && done.out.contains("-> damaged"), "{done:?}");
        std::fs::write(&file, whole).unwrap();
        site.run(&["status"]).ok();
    }
}

#[test]
fn wrong_pins_are_counted_and_a_lockout_is_a_problem_until_it_is_reset() {
    let site = Site::with_tpm();
    site.token("t");
    let wrong = || site.run(&["object", "list", "--pin-file", "@other"]);
    wrong().failed(1);
    assert_eq!(site.run(&["status", "--json"]).json()["tpm"]["wrong_tries"], 1);
    let locked = (1..40).map(|_| wrong().failed(1)).any(|err| err.contains("lockout); wait"));
    assert!(locked);
    let done = site.run(&["status"]);
    assert!(done.code == 1 && done.out.contains("dictionary-attack lockout"), "{done:?}");
    site.run(&["tpm", "reset-lockout"]).ok();
    site.run(&["status"]).ok();
    site.run(&["object", "list", "--pin-file", "@pin"]).ok();
}

#[test]
fn a_wrong_lockout_authorization_locks_that_alone_and_it_is_said() {
    let site = Site::with_tpm();
    site.token("t");
    let wrong = || site.run(&["tpm", "reset-lockout", "--auth-file", "@other"]).failed(1);
    let err = wrong();
    assert!(err.contains("wrong authorization") && err.contains("TPM2_PT_LOCKOUT_RECOVERY"), "{err}");
    let err = site.run(&["tpm", "reset-lockout"]).failed(1);
    assert!(err.contains("takes no lockout authorization for now") && !err.contains("PIN"), "{err}");
    site.run(&["object", "list", "--pin-file", "@pin"]).ok();
}

#[test]
fn the_parent_is_kept_once_and_for_all() {
    let site = Site::with_tpm();
    let first = site.run(&["tpm", "provision"]).ok();
    assert!(first.contains("0x81000001"), "{first}");
    assert_eq!(site.run(&["tpm", "provision"]).ok(), first);
    let status = site.run(&["status", "--json"]).json();
    assert_eq!(status["tpm"]["parent"]["handle"], "0x81000001");
}
