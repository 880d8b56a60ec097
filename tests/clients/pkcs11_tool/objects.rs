//! Objects from outside: written, read back, renamed, deleted, and used.

use crate::site::{DOCUMENT, certificate, openssl, pair, token, tool, user};
use kit::isolated;

#[test]
fn an_imported_key_signs_for_the_certificate_that_it_came_with() {
    isolated(|env| {
        token(env);
        for (id, name, algorithm, mechanism) in [
            ("01", "rsa", "RSA -pkeyopt rsa_keygen_bits:2048", "SHA256-RSA-PKCS"),
            ("02", "ec", "EC -pkeyopt ec_paramgen_curve:P-256", "ECDSA-SHA256 --signature-format openssl"),
        ] {
            certificate(env, name, algorithm);
            for (kind, file) in [("privkey", "key.der"), ("pubkey", "pub.der"), ("cert", "der")] {
                let file = format!("{name}.{file}");
                user(env, "--write-object").args([&file, "--type", kind, "--id", id, "--label", name]).succeeds();
            }
            for (kind, file) in [("pubkey", "pub.der"), ("cert", "der")] {
                tool(env, "--read-object -o read").args(["--type", kind, "--id", id]).succeeds();
                assert_eq!(env.read("read"), env.read(&format!("{name}.{file}")), "{kind} {name}");
            }
            user(env, "--sign -i document -o signature --id").arg(id).words("-m").words(mechanism).succeeds();
            openssl(env, "x509 -noout -pubkey -out public.pem -in").arg(format!("{name}.pem")).succeeds();
            let verify = openssl(env, "dgst -sha256 -verify public.pem -signature signature document");
            verify.succeeds().must_say("Verified OK");
        }
    });
}

#[test]
fn private_keys_are_seen_after_a_login_only_and_never_read() {
    isolated(|env| {
        token(env);
        certificate(env, "outside", "RSA");
        user(env, "--write-object outside.key.der --type privkey --id 01 --label outside").succeeds();
        tool(env, "--list-objects").succeeds().must_not_say("outside");
        let seen = user(env, "--list-objects --type privkey").succeeds();
        seen.must_say("outside").must_say("sensitive").must_not_say("local").must_not_say("never extractable");
        user(env, "--read-object --type privkey --id 01 -o read").run();
        assert!(!env.file("read").exists() || env.read("read").is_empty());
    });
}

#[test]
fn data_comes_back_as_it_was_written() {
    isolated(|env| {
        token(env);
        let write = |label: &str| user(env, "--write-object document --type data --label").arg(label);
        write("open").words("--application-label letters --application-id 1.2.3").succeeds();
        write("closed").words("--private").succeeds();
        tool(env, "--read-object --type data --label open -o read").succeeds();
        assert_eq!(env.read("read"), DOCUMENT.as_bytes());
        let found = tool(env, "--list-objects --type data").succeeds();
        found.must_say("'open'").must_say("'letters'").must_say("1.2.3").must_not_say("closed");
        tool(env, "--read-object --type data --label closed -o closed").run().must_not_say(DOCUMENT);
        assert!(!env.file("closed").exists() || env.read("closed").is_empty());
        user(env, "--read-object --type data --label closed -o closed").succeeds();
        assert_eq!(env.read("closed"), DOCUMENT.as_bytes());
    });
}

#[test]
fn secret_keys_are_read_only_if_they_were_made_extractable() {
    isolated(|env| {
        token(env);
        env.write("key", [9; 16]);
        let write = |id: &str| user(env, "--write-object key --type secrkey --key-type AES:16 --id").arg(id);
        write("01").succeeds();
        write("02").words("--extractable").succeeds();
        user(env, "--read-object --type secrkey --id 01 -o read").fails();
        user(env, "--read-object --type secrkey --id 02 -o read").succeeds();
        assert_eq!(env.read("read"), [9; 16]);
    });
}

#[test]
fn an_object_takes_another_id_and_is_then_found_by_it_alone() {
    isolated(|env| {
        token(env);
        pair(env, "EC:prime256v1", "01", "renamed");
        for half in ["privkey", "pubkey"] {
            user(env, "--set-id 7f01 --id 01 --type").arg(half).succeeds();
        }
        let listed = user(env, "--list-objects").succeeds().text();
        assert_eq!(listed.matches("ID:         7f01").count(), 2, "{listed}");
        user(env, "--sign --id 7f01 -m ECDSA-SHA256 -i document -o signature").succeeds();
        user(env, "--sign --id 01 -m ECDSA-SHA256 -i document -o signature").fails();
    });
}

#[test]
fn a_deleted_object_is_gone_and_the_others_stay() {
    isolated(|env| {
        token(env);
        pair(env, "EC:prime256v1", "01", "first");
        pair(env, "EC:prime256v1", "02", "second");
        tool(env, "--delete-object --type privkey --id 01").args(["--pin", "not-the-pin"]).fails();
        user(env, "--delete-object --type privkey --id 01").succeeds();
        user(env, "--delete-object --type privkey --id 01").fails().must_say("object not found");
        let left = user(env, "--list-objects").succeeds().text();
        assert_eq!(left.matches("Private Key Object").count(), 1, "{left}");
        assert_eq!(left.matches("Public Key Object").count(), 2, "{left}");
        user(env, "--sign --id 02 -m ECDSA-SHA256 -i document -o signature").succeeds();
    });
}

#[test]
fn objects_have_the_names_by_which_the_command_lists_and_deletes_them() {
    isolated(|env| {
        token(env);
        let made = pair(env, "EC:prime256v1", "01", "named").text();
        let unique = made.lines().find_map(|line| line.trim().strip_prefix("Unique ID:")).map(str::trim);
        let listed = crate::site::sealhsm(env, "object list --pin-file pin --json").succeeds().text();
        assert!(listed.contains(unique.expect("pkcs11-tool shows CKA_UNIQUE_ID")), "{listed}");
    });
}
