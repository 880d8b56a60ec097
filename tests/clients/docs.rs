//! The document for users of clients, `docs/clients.md`: what it shows is run, section by section, as it stands there.

use crate::site::{module, token, write_pins};
use kit::{Client, Env, Said, USER_PIN, isolated, program};

const DOCUMENT: &str = include_str!("../../docs/clients.md");

/// Where the document says that the module is.
const INSTALLED: &str = "/usr/lib/x86_64-linux-gnu/pkcs11/libsealhsm.so";

/// A part of the document: its heading, and what follows up to the next.
fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    DOCUMENT.split("\n## ").map(|section| section.split_once('\n').expect("a heading"))
}

/// The blocks of this language in the section of this heading, with our module in the place of the installed one.
pub fn blocks(heading: &str, language: &str) -> Vec<String> {
    let (_, text) = sections().find(|(found, _)| *found == heading).unwrap_or_else(|| panic!("no section {heading}"));
    let begin = format!("```{language}\n");
    let rest = text.split(begin.as_str()).skip(1);
    let blocks = rest.map(|rest| rest.split_once("```").expect("a block ends").0);
    blocks.map(|block| block.replace(INSTALLED, &module())).collect()
}

/// Types what a section shows into a shell, after these lines of a test's own.
pub fn follow_after(env: &Env, before: &str, heading: &str) -> Said {
    env.write("passphrase", "open sesame");
    write_pins(env);
    let script = format!("{before}\n{}", blocks(heading, "sh").concat());
    bash(env, &script).succeeds()
}

/// The same with nothing before it.
pub fn follow(env: &Env, heading: &str) -> Said {
    follow_after(env, "", heading)
}

fn bash(env: &Env, script: &str) -> Client {
    let here = program("sealhsm").parent().expect("a directory").display().to_string();
    let path = format!("{here}:{}", std::env::var("PATH").unwrap_or_default());
    env.client("bash").env("PATH", path).args(["-euo", "pipefail", "-c", script])
}

/// The sections with something in them that a test can run, and in which test it does.
const FOLLOWED: &[(&str, &str)] = &[
    ("# Clients", "docs"),
    ("Keys and certificates from files", "docs"),
    ("pkcs11-tool", "docs"),
    ("GnuTLS", "docs"),
    ("OpenSSL through libp11's engine", "openssl"),
    ("OpenSSL through pkcs11-provider", "openssl"),
    ("OpenSSH", "openssh"),
    ("Java", "java"),
    ("NSS", "nss"),
    ("p11-kit", "p11_kit"),
    ("Python", "python"),
    ("Rust", "cryptoki"),
];

#[test]
fn every_section_is_followed_by_a_test() {
    let followed: Vec<&str> = FOLLOWED.iter().map(|(heading, _)| *heading).collect();
    assert_eq!(sections().map(|(heading, _)| heading).collect::<Vec<_>>(), followed);
    for (heading, file) in FOLLOWED {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(file).with_extension("rs");
        let source = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let (quoted, calls) = (format!("\"{heading}\""), source.matches("fn ").count());
        assert!(source.contains(&quoted) && calls > 0, "{} does not follow {heading}", path.display());
    }
}

#[test]
fn a_token_is_made_as_the_document_begins() {
    isolated(|env| {
        env.tpm();
        follow(env, "# Clients").must_say("Token test is made.");
    });
}

#[test]
fn files_are_imported_and_exported() {
    isolated(|env| {
        token(env);
        follow(env, "Keys and certificates from files").must_say("AES 256");
        openssl_reads(env, "web.pub.der");
    });
}

fn openssl_reads(env: &Env, public: &str) {
    crate::site::openssl(env, "pkey -pubin -inform DER -noout -in").arg(public).succeeds();
}

#[test]
fn pkcs11_tool_makes_a_key_and_signs() {
    isolated(|env| {
        token(env);
        follow(env, "pkcs11-tool").must_say("Verified OK").must_not_say(USER_PIN);
    });
}

#[test]
fn gnutls_makes_a_key_and_a_certificate() {
    isolated(|env| {
        token(env);
        follow(env, "GnuTLS").must_say("tls.pem: OK");
    });
}
