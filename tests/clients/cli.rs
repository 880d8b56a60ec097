//! The administrator's command beside its clients: transcripts of what it says, and that its tokens are to an
//! administrator what SoftHSM's are.

use crate::pkcs11_tool::softhsm;
use crate::site::{PIN_FILES, pair, sealhsm, token, tool, user};
use kit::{Env, SO_PIN, Said, USER_PIN, isolated, program};

/// Compares with what is expected, in which `*` stands for anything in a line.
#[track_caller]
fn says(said: &Said, expected: &str) {
    let text = said.text();
    // Said once, by root's first token on a TPM.
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("The TPM keeps its parent key")).collect();
    let expected: Vec<&str> = expected.lines().map(str::trim_end).collect();
    let same = lines.len() == expected.len() && lines.iter().zip(&expected).all(|(line, like)| matches(line, like));
    assert!(same, "expected:\n{}\n{said}", expected.join("\n"));
}

fn matches(line: &str, like: &str) -> bool {
    let Some((before, after)) = like.split_once('*') else { return line.trim_end() == like };
    let Some(rest) = line.strip_prefix(before) else { return false };
    (0..=rest.len()).any(|at| rest.is_char_boundary(at) && matches(&rest[at..], after))
}

/// The directory of the only token, as a name.
fn uuid(env: &Env) -> String {
    env.home().file_name().expect("a name").to_string_lossy().into_owned()
}

/// How many files of the token are objects.
fn object_files(env: &Env) -> usize {
    let files = std::fs::read_dir(env.home()).expect("the token's directory");
    let names = files.map(|file| file.expect("an entry").file_name().to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(".object") && name != "token.object").count()
}

#[test]
fn a_token_from_its_making_to_its_deletion() {
    isolated(|env| {
        env.tpm();
        says(
            &sealhsm(env, "token init --label web").words(PIN_FILES).succeeds(),
            "Token web is made.\n\
             \x20 Slot:      *\n\
             \x20 Serial:    *\n\
             \x20 Directory: */tokens/*-*-*-*-*\n\
             \x20 User PIN:  set\n\
             \x20 Sealed to: storage key ecc-p256, *\n\
             \x20 TPM:       a software TPM, which protects nothing from whoever can read its files\n\
             \x20 Recovery:  none\n\
             No recovery key: *\n\
             of its directory is a backup for this TPM only. `sealhsm recovery keygen` makes such a key, and\n\
             `sealhsm token add-recovery-key` lets it open this token.",
        );
        says(
            &sealhsm(env, "token list").succeeds(),
            "SLOT*SERIAL            USER PIN  RECOVERY  TPM       LABEL\n*  *  yes       no        software  web",
        );
        let web = || env.client("pkcs11-tool").args(["--module", &crate::site::module(), "--token-label", "web"]);
        let make = web().words("--keypairgen --key-type EC:prime256v1 --id 01 --label tls --login --pin");
        make.arg(USER_PIN).succeeds();
        says(
            &sealhsm(env, "object list --token web --pin-file pin").succeeds(),
            "TYPE     KEY       ID  USES*TRAITS             UNIQUE ID*LABEL\n\
             pubkey   EC P-256  01  verify,wrap,derive,encapsulate*-*-*-*-*  tls\n\
             privkey  EC P-256  01  sign,unwrap,derive,decapsulate  private,sensitive  *-*-*-*-*  tls",
        );
        says(
            &sealhsm(env, "object list --token web").succeeds(),
            "TYPE    KEY       ID  USES*TRAITS  UNIQUE ID*LABEL\n\
             pubkey  EC P-256  01  verify,wrap,derive,encapsulate*-*-*-*-*  tls",
        );
        env.write("new", "another-pin");
        let change = sealhsm(env, "token set-pin --token web --pin-file pin --new-pin-file new");
        says(&change.succeeds(), "The user PIN of token web is changed.");
        let delete = sealhsm(env, "object delete --token web --pin-file new --label tls --type privkey");
        says(&delete.succeeds(), "1 object is destroyed.");
        web().words("--login --pin another-pin --list-objects").succeeds().must_not_say("Private Key Object");
        says(&sealhsm(env, "token delete --token web --force").succeeds(), "Token web (serial *) is deleted.");
        says(&sealhsm(env, "token list").succeeds(), "");
        assert_eq!(std::fs::read_dir(env.tokens()).expect("the token directory").count(), 0);
    });
}

#[test]
fn slots_have_the_fields_that_softhsm_shows() {
    isolated(|env| {
        token(env);
        softhsm(env);
        let fields = |said: &Said| -> Vec<String> {
            let text =
                said.text().replace("Manufacturer ID:", "Manufacturer:").replace("User PIN init.:", "User PIN set:");
            let named = text.lines().filter_map(|line| line.trim().split_once(':'));
            named
                .filter(|(name, _)| *name != "Slot info" && *name != "Token info")
                .map(|(name, _)| name.into())
                .collect()
        };
        let ours = sealhsm(env, "slots").succeeds();
        let theirs = env.client("softhsm2-util").env("SOFTHSM2_CONF", "softhsm2.conf").arg("--show-slots").succeeds();
        let (ours, theirs) = (fields(&ours), fields(&theirs));
        let theirs: Vec<String> = theirs.into_iter().filter(|name| name != "Available slots").collect();
        assert_eq!(ours, theirs);
    });
}

#[test]
fn a_token_is_a_directory_as_softhsm_makes_it() {
    isolated(|env| {
        token(env);
        assert!(env.home().join("token.object").is_file());
        assert_eq!(object_files(env), 0);
        pair(env, "EC:prime256v1", "01", "one");
        assert_eq!(object_files(env), 2, "one file per object");
        user(env, "--delete-object --type privkey --id 01").succeeds();
        assert_eq!(object_files(env), 1);
    });
}

#[test]
fn serial_number_and_slot_follow_from_the_uuid() {
    isolated(|env| {
        token(env);
        let uuid = uuid(env).replace('-', "");
        let serial = &uuid[16..];
        let slot = u32::from_str_radix(&serial[8..], 16).expect("hexadecimal digits") & 0x7fff_ffff;
        let shown = tool(env, "--list-token-slots").succeeds();
        shown.must_say(&format!("(0x{slot:x})")).must_say(&format!("serial num         : {serial}"));
        sealhsm(env, "slots").succeeds().must_say(&format!("Slot {slot}\n")).must_say(serial);
    });
}

#[test]
fn what_one_program_makes_the_other_finds_and_deletes() {
    isolated(|env| {
        token(env);
        for (id, label) in [("01", "first"), ("02", "second")] {
            pair(env, "EC:prime256v1", id, label);
        }
        sealhsm(env, "object delete --id 01 --all --pin-file pin").succeeds().must_say("2 objects are destroyed.");
        user(env, "--list-objects").succeeds().must_not_say("first").must_say("second");
        user(env, "--delete-object --type privkey --id 02").succeeds();
        let left = sealhsm(env, "object list --pin-file pin").succeeds();
        left.must_say("pubkey").must_not_say("privkey");
    });
}

#[test]
fn status_says_that_all_is_well_and_what_is_worth_knowing() {
    isolated(|env| {
        token(env);
        let said = sealhsm(env, "status").succeeds();
        said.must_say("Token test").must_say("Worth knowing:").must_say("no recovery key").must_not_say("Wrong:\n");
        said.must_say(&program("sealhsm-tpm").display().to_string());
        for secret in [SO_PIN, USER_PIN] {
            said.must_not_say(secret);
        }
    });
}
