//! p11tool, certtool, gnutls-serv and gnutls-cli (GnuTLS).

use crate::site::{DOCUMENT, TOKEN, certificate, module, openssl, pair, token};
use kit::{Client, Env, SO_PIN, USER_PIN, isolated, serve};

/// Kinds of key as p11tool makes them, and a label for each.
const KINDS: &[(&str, &str)] = &[("RSA --bits 2048", "rsa"), ("ECDSA --curve secp256r1", "ec"), ("Ed25519", "edwards")];

fn url(of: &str) -> String {
    format!("pkcs11:token={TOKEN}{of}")
}

/// A program of GnuTLS with the module, and the PINs where it looks for them.
fn gnutls(env: &Env, program: &str) -> Client {
    let client = env.client(program).env("GNUTLS_PIN", USER_PIN).env("GNUTLS_SO_PIN", SO_PIN);
    client.args(["--provider", &module()])
}

fn p11tool(env: &Env, words: &str) -> Client {
    gnutls(env, "p11tool").words("--batch").words(words)
}

/// p11tool, logged in, about what the rest of an URL names.
fn about(env: &Env, of: &str, words: &str) -> Client {
    p11tool(env, "--login").words(words).arg(url(of))
}

/// Makes a key pair; its public key is in `LABEL.pub`.
fn generate(env: &Env, kind: &str, label: &str) {
    let words = format!("--generate-privkey {kind} --label {label} --id 0a --outfile {label}.pub");
    about(env, "", &words).succeeds();
}

/// A certificate that the key signs for itself, in `LABEL.pem`.
fn self_signed(env: &Env, label: &str) {
    let template = "cn = \"localhost\"\ndns_name = \"localhost\"\nexpiration_days = 30\nsigning_key\nencryption_key\n";
    env.write("template", template);
    let sign = gnutls(env, "certtool").words("--generate-self-signed --template template --load-privkey");
    sign.arg(url(&format!(";object={label};type=private"))).args(["--outfile", &format!("{label}.pem")]).succeeds();
}

#[test]
fn p11tool_makes_a_token_and_sets_its_pins() {
    isolated(|env| {
        token(env);
        let first = p11tool(env, "--list-token-urls").succeeds().text();
        p11tool(env, "--initialize --label anew").arg(first.trim()).succeeds();
        let anew = "pkcs11:token=anew";
        p11tool(env, "--initialize-pin").arg(anew).succeeds();
        p11tool(env, "--list-tokens").succeeds().must_say("anew").must_say("SealHSM").must_not_say(TOKEN);
        let generate = || p11tool(env, "--login --generate-privkey ECDSA --label made --outfile made.pub").arg(anew);
        generate().succeeds();
        generate().env("GNUTLS_PIN", "not-the-pin").fails();
        let listed = p11tool(env, "--login --list-privkeys").arg(anew).succeeds().text();
        assert_eq!(listed.matches("Label: made").count(), 1, "{listed}");
    });
}

#[test]
fn keys_of_every_kind_are_made_listed_exported_and_deleted() {
    isolated(|env| {
        token(env);
        for (kind, label) in KINDS {
            generate(env, kind, label);
            let shown = openssl(env, "pkey -pubin -noout -text -in").arg(format!("{label}.pub")).succeeds();
            shown.must_say("ublic");
            for (of, words) in [("private", "--export-pubkey"), ("public", "--export")] {
                let of = format!(";object={label};type={of}");
                about(env, &of, words).words("--outfile exported").succeeds();
                let exported = env.read("exported");
                assert_eq!(exported.trim_ascii(), env.read(&format!("{label}.pub")).trim_ascii(), "{words} {label}");
            }
        }
        let listed = about(env, "", "--list-privkeys").succeeds();
        for (_, label) in KINDS {
            listed.must_say(&format!("Label: {label}"));
        }
        listed.must_say("CKA_NEVER_EXTRACTABLE").must_say("CKA_SENSITIVE");
        p11tool(env, "--list-all").arg(url("")).succeeds().must_not_say("type=private");
        about(env, ";object=rsa", "--delete").succeeds().must_say("2 objects deleted");
        about(env, "", "--list-all").succeeds().must_not_say("Label: rsa").must_say("Label: ec");
    });
}

#[test]
fn keys_and_certificates_are_written_and_sign() {
    isolated(|env| {
        token(env);
        for (label, algorithm) in
            [("rsa", "RSA"), ("ec", "EC -pkeyopt ec_paramgen_curve:P-384"), ("edwards", "ED25519")]
        {
            certificate(env, label, algorithm);
            let write = |what: &str| about(env, "", "--write").words(what).args(["--label", label, "--id", "0b"]);
            write(&format!("--load-privkey {label}.key.pem")).succeeds();
            write(&format!("--load-certificate {label}.pem")).succeeds();
            p11tool(env, "--export --outfile exported").arg(url(&format!(";object={label};type=cert"))).succeeds();
            openssl(env, "x509 -outform DER -in exported -out exported.der").succeeds();
            assert_eq!(env.read("exported.der"), env.read(&format!("{label}.der")), "{label}");
            self_signed(env, label);
            let verify = openssl(env, "verify -CAfile").args([&format!("{label}.pem"), &format!("{label}.pem")]);
            verify.succeeds().must_say("OK");
        }
        p11tool(env, "--list-all-certs").arg(url("")).succeeds().must_say("Label: edwards");
        about(env, ";object=rsa;type=private", "--set-id 0c").succeeds();
        about(env, ";id=%0c;type=private", "--set-label renamed").succeeds();
        about(env, ";object=renamed", "--delete").succeeds().must_say("1 objects deleted");
    });
}

#[test]
fn secret_keys_are_written() {
    isolated(|env| {
        token(env);
        about(env, "", "--write --secret-key 000102030405060708090a0b0c0d0e0f --label secret").succeeds();
        about(env, "", "--list-all").succeeds().must_say("Secret key").must_say("Label: secret");
    });
}

#[test]
fn a_key_signs_a_certificate_and_the_test_of_signing_passes() {
    isolated(|env| {
        token(env);
        for (kind, label) in KINDS {
            generate(env, kind, label);
            self_signed(env, label);
            let file = format!("{label}.pem");
            openssl(env, "verify -CAfile").args([&file, &file]).succeeds().must_say("OK");
            let of_certificate = openssl(env, "x509 -noout -pubkey -in").arg(&file).succeeds();
            assert_eq!(of_certificate.out, env.read(&format!("{label}.pub")));
        }
        for label in ["rsa", "ec"] {
            let tested = about(env, &format!(";object={label};type=private"), "--test-sign").succeeds();
            tested.must_say("Verifying against public key in the token... ok");
        }
    });
}

#[test]
fn a_server_with_its_key_in_the_token_speaks_tls() {
    isolated(|env| {
        token(env);
        for (kind, label) in KINDS {
            generate(env, kind, label);
            self_signed(env, label);
            for version in ["1.2", "1.3"] {
                let file = format!("{label}.pem");
                let key = url(&format!(";object={label};type=private"));
                let (_server, port) = serve(env, "server", |port| {
                    let server = gnutls(env, "gnutls-serv").args(["--port", &port.to_string()]).words("--echo");
                    let server = server.args(["--x509keyfile", &key, "--x509certfile", &file]);
                    server.args(["--priority", &format!("NORMAL:-VERS-ALL:+VERS-TLS{version}")])
                });
                let client = env.client("gnutls-cli").args(["--port", &port.to_string(), "--x509cafile", &file]);
                let said = client.words("--verify-hostname localhost 127.0.0.1").input(DOCUMENT).succeeds();
                said.must_say(&format!("(TLS{version}-")).must_say("Handshake was completed").must_say(DOCUMENT.trim());
            }
        }
    });
}

#[test]
fn keys_made_by_another_client_are_used() {
    isolated(|env| {
        token(env);
        pair(env, "rsa:2048", "0a", "foreign");
        self_signed(env, "foreign");
        openssl(env, "verify -CAfile foreign.pem foreign.pem").succeeds().must_say("OK");
    });
}
