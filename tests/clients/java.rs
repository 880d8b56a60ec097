//! Java: SunPKCS11 in a program of ours (`java/Token.java`), keytool and jarsigner.

use crate::docs::{blocks, follow};
use crate::site::{PIN_FILES, TOKEN, module, openssl, sealhsm, token};
use kit::{Client, Env, USER_PIN, isolated};
use std::path::Path;

/// The program's configuration: as the document says.
fn configure(env: &Env) {
    token(env);
    let secret = "attributes(*, CKO_SECRET_KEY, *) = {\nCKA_SENSITIVE = false\nCKA_EXTRACTABLE = true\n}\n";
    env.write("pkcs11.cfg", format!("name = SealHSM\nlibrary = {}\nslotListIndex = 0\n{secret}", module()));
    env.write("second", format!("name = Second\nlibrary = {}\nslotListIndex = 1\n", module()));
}

/// Compiles the program.
fn compile(env: &Env) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/java/Token.java");
    java(env, "javac -d .").arg(source.display().to_string()).succeeds();
}

/// A program of the JDK, told to start fast.
fn java(env: &Env, words: &str) -> Client {
    let (program, words) = words.split_once(' ').expect("a program and its words");
    env.client(program).env("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1").words(words)
}

/// Runs checks of the program.
fn checks(env: &Env, names: &str) {
    let said = java(env, "java -cp . Token pkcs11.cfg").arg(USER_PIN).words(names).succeeds();
    for name in names.split(' ') {
        said.must_say(&format!("passed: {name}"));
    }
}

/// `NAME.key.der` and `NAME.chain.pem` (the certificate and its issuer's) for the program to import.
fn chain(env: &Env, name: &str, algorithm: &str) {
    let [key, chain] = [format!("{name}.key.pem"), format!("{name}.chain.pem")];
    openssl(env, "genpkey -algorithm").words(algorithm).args(["-out", &key]).succeeds();
    let convert = openssl(env, "pkcs8 -topk8 -nocrypt -outform DER").args(["-in", &key]);
    convert.args(["-out", &format!("{name}.key.der")]).succeeds();
    openssl(env, "req -new -out request -subj").args([&format!("/CN={name}"), "-key", &key]).succeeds();
    openssl(env, "x509 -req -in request -CA authority.pem -CAkey authority.key.pem -days 9 -out leaf.pem").succeeds();
    env.write(&chain, [env.read("leaf.pem"), env.read("authority.pem")].concat());
}

#[test]
fn signatures_of_every_kind_are_verified_by_java_and_openssl() {
    isolated(|env| {
        configure(env);
        compile(env);
        checks(env, "signatures");
        for (name, more) in [
            ("rsa", ""),
            ("pss", "-sigopt rsa_padding_mode:pss"),
            ("secp256r1", ""),
            ("secp384r1", ""),
            ("secp521r1", ""),
        ] {
            let (public, signature) = (format!("{name}.pub"), format!("{name}.sig"));
            let verify = openssl(env, "dgst -sha256 -keyform DER -verify").arg(public).words(more);
            verify.args(["-signature", &signature, "document"]).succeeds().must_say("Verified OK");
        }
    });
}

#[test]
fn ciphers_agreement_macs_and_digests_are_those_of_java_itself() {
    isolated(|env| {
        configure(env);
        compile(env);
        checks(env, "rsa-ciphers secret-ciphers agreement macs digests generation");
    });
}

#[test]
fn a_key_store_is_filled_in_one_process_and_used_in_another() {
    isolated(|env| {
        configure(env);
        compile(env);
        crate::site::certificate(env, "authority", "RSA");
        chain(env, "import-rsa", "RSA");
        chain(env, "import-ec", "EC -pkeyopt ec_paramgen_curve:P-256");
        chain(env, "passing", "EC -pkeyopt ec_paramgen_curve:P-384");
        checks(env, "key-store");
        checks(env, "kept");
        openssl(env, "dgst -sha256 -keyform DER -verify import-ec.pub -signature import-ec.sig document").succeeds();
    });
}

#[test]
fn many_threads_share_a_token() {
    isolated(|env| {
        configure(env);
        compile(env);
        checks(env, "threads");
    });
}

#[test]
fn keytool_jarsigner_and_the_program_in_the_document_work() {
    isolated(|env| {
        token(env);
        let said = follow(env, "Java");
        said.must_say("code, PrivateKeyEntry").must_say("brought, PrivateKeyEntry").must_say("jar verified");
        let [program] = blocks("Java", "java").try_into().expect("one program");
        env.write("Sign.java", program);
        java(env, "java Sign.java").arg(USER_PIN).succeeds().must_say("256 bytes");
    });
}

#[test]
fn a_program_whose_token_is_deleted_is_told_so_and_goes_on_with_a_new_one() {
    isolated(|env| {
        configure(env);
        compile(env);
        let mut program = java(env, "java -cp . Token pkcs11.cfg").arg(USER_PIN).words("removal").start(env, "java");
        program.must_say("ready");
        sealhsm(env, "token delete --force --token").arg(TOKEN).succeeds();
        env.write("removed", []);
        program.must_say("gone");
        sealhsm(env, "token init --label").arg(TOKEN).words(PIN_FILES).succeeds();
        std::fs::rename(env.file("second"), env.file("again.cfg")).unwrap();
        program.must_say("passed: removal");
        program.succeeds();
    });
}
