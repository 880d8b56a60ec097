//! What several clients need: a token, keys in it, a document, and plain openssl to judge with.

use kit::{Client, Env, SO_PIN, Said, USER_PIN, program};

/// The label of the token that [`token`] makes.
pub const TOKEN: &str = "test";
/// What is signed and encrypted.
pub const DOCUMENT: &str = "All that is in this document is that it is one.\n";

/// The path of the module under test.
pub fn module() -> String {
    program("libsealhsm.so").display().to_string()
}

/// Makes a token with both PINs by the administrator's command, and writes the file `document`.
pub fn token(env: &Env) {
    env.tpm();
    env.write("document", DOCUMENT);
    sealhsm(env, "token init --label").arg(TOKEN).words(PIN_FILES).succeeds();
}

/// Where [`sealhsm`] finds PINs.
pub const PIN_FILES: &str = "--so-pin-file so-pin --pin-file pin";

/// `sealhsm`, with the PINs in files beside it.
pub fn sealhsm(env: &Env, words: &str) -> Client {
    write_pins(env);
    env.client(&program("sealhsm").display().to_string()).words(words)
}

/// The files of [`PIN_FILES`].
pub fn write_pins(env: &Env) {
    for (name, pin) in [("so-pin", SO_PIN), ("pin", USER_PIN)] {
        env.write(name, pin);
    }
}

/// `pkcs11-tool` on the token.
pub fn tool(env: &Env, words: &str) -> Client {
    env.client("pkcs11-tool").args(["--module", &module(), "--token-label", TOKEN]).words(words)
}

/// The same, logged in.
pub fn user(env: &Env, words: &str) -> Client {
    tool(env, "--login --pin").arg(USER_PIN).words(words)
}

/// Makes a key pair; `of` is what pkcs11-tool calls its type.
pub fn pair(env: &Env, of: &str, id: &str, label: &str) -> Said {
    user(env, "--keypairgen --key-type").words(of).words("--id").arg(id).words("--label").arg(label).succeeds()
}

/// Writes the public key of an RSA pair to a PEM file.
pub fn export_rsa(env: &Env, id: &str, to: &str) {
    tool(env, "--read-object --type pubkey --id").arg(id).words("--output-file public.der").succeeds();
    openssl(env, "pkey -pubin -inform DER -in public.der -out").arg(to).succeeds();
}

/// Plain openssl.
pub fn openssl(env: &Env, words: &str) -> Client {
    env.client("openssl").words(words)
}

/// Makes a self-signed certificate in plain openssl: `NAME.key.pem` and `NAME.pem`, and both as `.der`.
pub fn certificate(env: &Env, name: &str, algorithm: &str) {
    let [key, cert] = [format!("{name}.key"), name.to_owned()];
    openssl(env, "genpkey -algorithm").words(algorithm).args(["-out", &format!("{key}.pem")]).succeeds();
    openssl(env, "req -new -x509 -days 30 -subj")
        .args([&format!("/CN={name}"), "-key", &format!("{key}.pem")])
        .args(["-out", &format!("{cert}.pem")])
        .succeeds();
    for (command, file) in [("pkey", &key), ("x509", &cert)] {
        let [from, to] = [format!("{file}.pem"), format!("{file}.der")];
        openssl(env, command).args(["-in", &from, "-outform", "DER", "-out", &to]).succeeds();
    }
    let [from, to] = [format!("{key}.pem"), format!("{name}.pub.der")];
    openssl(env, "pkey -pubout -outform DER").args(["-in", &from, "-out", &to]).succeeds();
}
