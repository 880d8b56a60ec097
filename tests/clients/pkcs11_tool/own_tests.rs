//! The tests that pkcs11-tool brings along, and what it complains about, beside SoftHSM.

use super::token::softhsm;
use crate::site::{DOCUMENT, certificate, module, pair, token, tool, user};
use kit::{Client, Said, USER_PIN, isolated};

/// What its users do most.
const USUAL: &[&str] = &[
    "--list-objects",
    "--keypairgen --key-type rsa:2048 --id 01 --label rsa",
    "--keypairgen --key-type EC:prime256v1 --id 02 --label ec",
    "--keypairgen --key-type EC:secp384r1 --id 03 --label ec384",
    "--keypairgen --key-type EC:edwards25519 --id 04 --label edwards",
    "--keygen --key-type AES:32 --id 05 --label aes",
    "--keygen --key-type GENERIC:32 --id 06 --label generic",
    "--write-object outside.key.der --type privkey --id 07",
    "--write-object outside.der --type cert --id 07",
    "--write-object document --type data --label data",
    "--sign -m RSA-PKCS --id 01 -i digest -o signature",
    "--verify -m RSA-PKCS --id 01 -i digest --signature-file signature",
    "--sign -m ECDSA --id 02 -i digest -o signature",
    "--encrypt -m AES-CBC-PAD --iv 00112233445566778899aabbccddeeff --id 05 -i document -o encrypted",
    "--decrypt -m AES-CBC-PAD --iv 00112233445566778899aabbccddeeff --id 05 -i encrypted -o decrypted",
    "--read-object --type pubkey --id 01 -o read",
    "--read-object --type pubkey --id 03 -o read",
    "--read-object --type secrkey --id 05 -o read",
    "--read-object --type cert --id 99 -o read",
    "--set-id 08 --type cert --id 07",
    "--list-objects",
    "--delete-object --type cert --id 08",
    "--sign -m SHA256-RSA-PKCS --id 99 -i document -o signature",
    "--list-mechanisms",
];

#[test]
fn its_test_of_everything_finds_no_error() {
    isolated(|env| {
        token(env);
        pair(env, "rsa:2048", "01", "rsa");
        pair(env, "EC:prime256v1", "02", "ec");
        let tested = user(env, "--test").succeeds();
        tested.must_say("No errors").must_say("RSA-PKCS: OK").must_not_say("error:").must_not_say("ERR");
    });
}

#[test]
fn its_test_of_elliptic_curves_passes() {
    isolated(|env| {
        token(env);
        for curve in ["EC:prime256v1", "EC:secp384r1"] {
            let test = user(env, "--session-rw --test-ec --id 01 --label tested --key-type").arg(curve).succeeds();
            test.must_say("==> OK");
        }
        user(env, "--list-objects").succeeds().must_not_say("tested");
    });
}

#[test]
fn its_test_of_forks_passes() {
    isolated(|env| {
        token(env);
        user(env, "--test-fork").succeeds().must_not_say("error");
    });
}

#[test]
fn its_test_of_threads_passes() {
    isolated(|env| {
        token(env);
        let locking = ["--test-threads", "ILGISLT0"];
        let tested = env.client("pkcs11-tool").args(["--module", &module()]).args(locking.repeat(4)).succeeds();
        tested.must_say("all threads have ended").must_not_say("rv:CKR_GENERAL_ERROR").must_not_say("error:");
        assert_eq!(
            tested.text().matches("token model").count() + tested.err.matches("token model").count(),
            4,
            "{tested}"
        );
    });
}

/// What a program complains about.
fn complaints(said: &Said) -> Vec<String> {
    let complains = |line: &&str| line.starts_with("error") || line.starts_with("warning");
    said.err.lines().filter(complains).map(str::to_owned).collect()
}

#[test]
fn it_complains_about_nothing_that_it_would_not_complain_about_with_softhsm() {
    isolated(|env| {
        token(env);
        let softhsm = softhsm(env);
        certificate(env, "outside", "RSA");
        env.write("digest", &DOCUMENT[..32]);
        let all = |tool: &dyn Fn() -> Client| -> Vec<Said> {
            USUAL.iter().map(|words| tool().words("--login --pin").arg(USER_PIN).words(words).run()).collect()
        };
        let (ours, theirs) = (all(&|| tool(env, "")), all(&|| softhsm.tool(env)));
        for (ours, theirs) in ours.iter().zip(&theirs) {
            let allowed = complaints(theirs);
            let new: Vec<_> = complaints(ours).into_iter().filter(|line| !allowed.contains(line)).collect();
            assert!(new.is_empty(), "{ours}\n\n{theirs}");
            assert!(ours.code() == Some(0) || ours.code() == theirs.code(), "{ours}\n\n{theirs}");
        }
    });
}
