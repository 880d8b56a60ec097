//! python-pkcs11 and PyKCS11, from PyPI: installed once, into the build's directory.

use crate::docs::blocks;
use crate::site::{module, openssl, token};
use kit::{Client, Env, USER_PIN, isolated, program};
use std::path::Path;

const REQUIREMENTS: &str = include_str!("python/requirements.txt");

/// Makes a Python with both packages unless it is there. One at a time: tests run beside each other.
const INSTALL: &str = "\
cmp -s requirements.txt \"$0/installed\" && exit
/usr/bin/python3 -m venv \"$0\"
\"$0/bin/python\" -m pip install --quiet --only-binary :all: -r requirements.txt
cp requirements.txt \"$0/installed\"";

/// A Python that has both packages, in the build's directory.
fn python(env: &Env) -> String {
    let release = program("sealhsm");
    let home = release.parent().and_then(Path::parent).expect("target").join("python-clients").display().to_string();
    env.write("requirements.txt", REQUIREMENTS);
    env.client("flock").args([&format!("{home}.lock"), "sh", "-ec", INSTALL, &home]).succeeds();
    format!("{home}/bin/python")
}

/// One of our programs, with the module and the PIN.
fn run(env: &Env, name: &str) -> Client {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/python").join(name);
    let client = env.client(&python(env));
    client.args([&source.display().to_string(), &module(), USER_PIN])
}

#[test]
fn python_pkcs11_uses_all_of_a_token_and_openssl_verifies() {
    isolated(|env| {
        token(env);
        run(env, "python_pkcs11.py").succeeds().must_say("passed");
        for name in ["rsa", "ec"] {
            let [public, signature] = [format!("{name}.pub"), format!("{name}.sig")];
            let verify = openssl(env, "dgst -sha256 -keyform DER -verify").arg(public);
            verify.args(["-signature", &signature, "document"]).succeeds().must_say("Verified OK");
        }
    });
}

#[test]
fn pykcs11_uses_all_of_a_token() {
    isolated(|env| {
        token(env);
        run(env, "pykcs11.py").succeeds().must_say("passed");
    });
}

#[test]
fn the_programs_in_the_document_run() {
    isolated(|env| {
        token(env);
        let python = python(env);
        let said: Vec<_> = blocks("Python", "python")
            .iter()
            .map(|program| env.client(&python).args(["-c", program]).succeeds().text())
            .collect();
        assert_eq!(said, ["['python', 'python']\n", "256 bytes\n"]);
    });
}
