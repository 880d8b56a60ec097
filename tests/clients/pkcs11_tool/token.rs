//! Tokens and their PINs, and what is listed without one.

use crate::site::{TOKEN, module, pair, token, tool, user};
use kit::{Client, Env, SO_PIN, SOFTHSM, USER_PIN, isolated};

fn init_token(env: &Env, so_pin: &str, label: &str) -> Client {
    let make = env.client("pkcs11-tool").args(["--module", &module()]).words("--init-token --slot-index 0");
    make.args(["--so-pin", so_pin, "--label", label])
}

fn as_so(env: &Env, so_pin: &str, words: &str) -> Client {
    tool(env, "--login --login-type so --so-pin").arg(so_pin).words(words)
}

fn login(env: &Env, pin: &str) -> Client {
    tool(env, "--list-objects --login --pin").arg(pin)
}

#[test]
fn a_token_is_made_and_gets_its_pins() {
    isolated(|env| {
        env.tpm();
        init_token(env, SO_PIN, TOKEN).succeeds().must_say("Token successfully initialized");
        let listed = tool(env, "--list-token-slots").succeeds();
        listed.must_say("SealHSM").must_say(TOKEN).must_say("token initialized").must_not_say("PIN initialized");
        as_so(env, SO_PIN, "--init-pin --new-pin").arg("1234").succeeds().must_say("User PIN successfully initialized");
        tool(env, "--list-token-slots").succeeds().must_say("PIN initialized");
        login(env, "1234").succeeds();
        login(env, "4321").fails().must_say("CKR_PIN_INCORRECT");
    });
}

#[test]
fn user_and_so_change_their_pins() {
    isolated(|env| {
        token(env);
        user(env, "--change-pin --new-pin another-pin").succeeds().must_say("PIN successfully changed");
        login(env, USER_PIN).fails().must_say("CKR_PIN_INCORRECT");
        login(env, "another-pin").succeeds();
        as_so(env, SO_PIN, "--change-pin --new-pin another-so-pin").succeeds().must_say("PIN successfully changed");
        as_so(env, SO_PIN, "--init-pin --new-pin third-pin").fails().must_say("CKR_PIN_INCORRECT");
        as_so(env, "another-so-pin", "--init-pin --new-pin third-pin").succeeds();
        login(env, "third-pin").succeeds();
    });
}

#[test]
fn unlock_pin_is_answered_as_softhsm_does() {
    isolated(|env| {
        token(env);
        let softhsm = softhsm(env);
        // It means C_SetPIN without a login, or a context-specific login without an operation.
        for words in ["", "--login --login-type context-specific"] {
            let unlock =
                |tool: Client| tool.words(words).words("--unlock-pin --new-pin 56789 --puk").arg(SO_PIN).fails();
            let (ours, theirs) = (unlock(tool(env, "")), unlock(softhsm.tool(env)));
            assert_eq!(ours.err, theirs.err, "{ours}");
        }
        login(env, USER_PIN).succeeds();
    });
}

#[test]
fn a_token_made_anew_needs_its_so_pin_and_has_no_objects() {
    isolated(|env| {
        token(env);
        pair(env, "EC:prime256v1", "01", "before");
        let slot = |env: &Env| {
            let text = tool(env, "--list-slots").succeeds().text();
            text.lines().find(|line| line.starts_with("Slot 0")).map(str::to_owned)
        };
        let before = slot(env);
        init_token(env, "not-the-so-pin", "after").fails().must_say("CKR_PIN_INCORRECT");
        tool(env, "--list-objects").succeeds().must_say("before");
        init_token(env, SO_PIN, TOKEN).succeeds();
        assert_eq!(slot(env), before, "its slot follows from its serial number");
        tool(env, "--list-objects").succeeds().must_not_say("before");
        login(env, USER_PIN).fails().must_say("CKR_USER_PIN_NOT_INITIALIZED");
    });
}

#[test]
fn a_second_token_stands_in_a_slot_of_its_own() {
    isolated(|env| {
        token(env);
        let second = env.client("pkcs11-tool").args(["--module", &module(), "--init-token", "--slot", "1"]);
        second.args(["--so-pin", SO_PIN, "--label", "second"]).succeeds();
        let slots = tool(env, "--list-slots").succeeds();
        slots.must_say("Slot 2 (0x2)").must_say("second").must_say(TOKEN).must_say("uninitialized");
    });
}

#[test]
fn a_machine_without_tokens_has_one_free_slot_and_needs_no_tpm() {
    isolated(|env| {
        let bare = |words: &str| env.client("pkcs11-tool").args(["--module", &module()]).words(words).succeeds();
        bare("--show-info").must_say("SealHSM");
        bare("--list-slots").must_say("Slot 0 (0x0)").must_say("uninitialized");
        assert!(!bare("--list-mechanisms --slot 0").text().is_empty());
    });
}

#[test]
fn the_mechanisms_are_listed_with_their_sizes_and_uses() {
    isolated(|env| {
        token(env);
        let listed = tool(env, "--list-mechanisms").succeeds();
        let lines = listed.text();
        let line = |name: &str| {
            let found = lines.lines().find(|line| line.trim().split([',', ' ']).next() == Some(name));
            found.unwrap_or_else(|| panic!("no {name}: {listed}")).to_owned()
        };
        for (name, says) in [
            ("RSA-PKCS-KEY-PAIR-GEN", "generate_key_pair"),
            ("RSA-PKCS", "encrypt, decrypt, sign, sign_recover, verify, verify_recover"),
            ("SHA256-RSA-PKCS-PSS", "sign, verify"),
            ("RSA-PKCS-OAEP", "encrypt, decrypt"),
            ("ECDSA-KEY-PAIR-GEN", "EC F_P"),
            ("ECDSA-SHA384", "sign, verify"),
            ("EDDSA", "sign, verify"),
            ("AES-KEY-GEN", "generate"),
            ("AES-GCM", "encrypt, decrypt"),
            ("SHA256-HMAC", "sign, verify"),
            ("SHA512", "digest"),
        ] {
            assert!(line(name).contains(says), "{}: {listed}", line(name));
        }
        assert!(line("AES-KEY-GEN").contains("keySize={16,32}"), "{listed}");
    });
}

#[test]
fn random_bytes_come_without_a_login() {
    isolated(|env| {
        token(env);
        for name in ["one", "other"] {
            tool(env, "--generate-random 64 --output-file").arg(name).succeeds();
            assert_eq!(env.read(name).len(), 64);
        }
        assert_ne!(env.read("one"), env.read("other"));
    });
}

/// A token with the same PINs in SoftHSM, in the same directory.
pub struct SoftHsm {
    configuration: String,
}

pub fn softhsm(env: &Env) -> SoftHsm {
    let tokens = env.file("softhsm");
    std::fs::create_dir(&tokens).expect("a directory for its tokens");
    let text = format!("directories.tokendir = {}\n", tokens.display());
    let softhsm = SoftHsm { configuration: env.write("softhsm2.conf", text).display().to_string() };
    let init = env.client("softhsm2-util").env("SOFTHSM2_CONF", &softhsm.configuration);
    init.words("--init-token --free").args(["--label", TOKEN, "--so-pin", SO_PIN, "--pin", USER_PIN]).succeeds();
    softhsm
}

impl SoftHsm {
    /// pkcs11-tool on it.
    pub fn tool(&self, env: &Env) -> Client {
        let tool = env.client("pkcs11-tool").env("SOFTHSM2_CONF", &self.configuration);
        tool.args(["--module", SOFTHSM, "--token-label", TOKEN])
    }
}
