//! Makes a golden token, once per format version: `cargo run --release -p sealhsm-tests --example golden`, after `cargo
//! build --release`, writes `tests/golden/v1`: tokens, the state of their TPM, and the recovery key. What is there is
//! never overwritten: a format that is released stays as it is.

// What is made is not looked at here.
#[allow(dead_code)]
mod known;

use kit::{Mechanism, Module, Swtpm, Template, ck, program};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Set for the second start of this program, in which the module finds its configuration.
const INSIDE: &str = "GOLDEN_WORK";

fn main() {
    match std::env::var_os(INSIDE) {
        Some(work) => fill(Path::new(&work)),
        None => make(&Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/v1")),
    }
}

fn make(to: &Path) {
    assert!(!to.exists(), "{} is there already, and golden", to.display());
    let work = tempfile::Builder::new().prefix("gold-").tempdir().expect("a temporary directory");
    let at = |name: &str| work.path().join(name);
    let tpm = Swtpm::start(&at("tpm"));
    let (tokens, tcti, agent) = (at("tokens"), Swtpm::tcti(&at("tpm")), program("sealhsm-tpm"));
    let text = format!("tokendir = {tokens:?}\ntpm = {tcti:?}\nagent = {agent:?}\n");
    fs::write(at("sealhsm.toml"), text).expect("a configuration");
    for (name, pin) in [("so-pin", known::SO_PIN), ("user-pin", known::USER_PIN)] {
        fs::write(at(name), pin).expect("a PIN file");
    }
    let sealhsm = |arguments: &[&str]| {
        let mut command = Command::new(program("sealhsm"));
        command.args(arguments).current_dir(work.path()).env("SEALHSM_CONF", at("sealhsm.toml"));
        assert!(command.status().expect("sealhsm").success(), "sealhsm {arguments:?}");
    };
    sealhsm(&["recovery", "keygen", "recovery.pem"]);
    let pins = ["--so-pin-file", "so-pin", "--pin-file", "user-pin"];
    sealhsm(&[&["token", "init", "--label", "first epoch", "--recovery-key", "recovery.pem"], &pins[..]].concat());
    let inside = std::env::current_exe().expect("this program");
    let mut inside = Command::new(inside);
    inside.env(INSIDE, work.path()).env("SEALHSM_CONF", at("sealhsm.toml")).env("SEALHSM_LOG", "warn");
    assert!(inside.status().expect("the second start").success());
    // A power failure would be counted as a wrong PIN.
    tpm.tool("tpm2_shutdown", &["-c"]);
    tpm.kill();
    fs::create_dir_all(to.join("tpm")).expect("the destination");
    copy(&at("tpm/tpm2-00.permall"), &to.join("tpm/tpm2-00.permall"));
    copy(&at("recovery.pem"), &to.join("recovery.pem"));
    copy(&at("signature"), &to.join("signature"));
    for token in fs::read_dir(&tokens).expect("tokens") {
        let token = token.expect("a token").path();
        let home = to.join("tokens").join(token.file_name().expect("a name"));
        fs::create_dir_all(&home).expect("its directory");
        for file in fs::read_dir(&token).expect("its files") {
            let file = file.expect("a file").path();
            copy(&file, &home.join(file.file_name().expect("a name")));
        }
    }
}

/// With the modes of a checkout.
fn copy(from: &PathBuf, to: &PathBuf) {
    let copied = fs::read(from).and_then(|bytes| fs::write(to, bytes));
    copied.unwrap_or_else(|e| panic!("{} to {}: {e}", from.display(), to.display()));
}

/// With the module: an epoch that ends, then the one that stays.
fn fill(work: &Path) {
    let module = Module::ours();
    module.initialize().expect("C_Initialize");
    let slot = module.slot_of("first epoch").expect("the token");
    let session = module.open_rw(slot).expect("a session");
    session.login(ck::CKU_USER, known::USER_PIN).expect("C_Login");
    session.create(&Template::data(known::GONE[1], true, b"")).expect("an object");
    session.close().expect("C_CloseSession");

    module.init_token(slot, known::SO_PIN, known::LABEL).expect("C_InitToken");
    let session = module.open_rw(slot).expect("a session");
    session.login(ck::CKU_SO, known::SO_PIN).expect("C_Login");
    session.init_pin(known::USER_PIN).expect("C_InitPIN");
    session.logout().expect("C_Logout");
    session.login(ck::CKU_USER, known::USER_PIN).expect("C_Login");
    for (label, private, value) in known::TEXTS {
        let first = if label == "renamed data" { known::FIRST_NAME } else { label };
        let object = session.create(&Template::data(first, private, value.as_bytes())).expect(label);
        if first != label {
            session.set(object, &Template::new().label(label)).expect("C_SetAttributeValue");
        }
    }
    let destroyed = session.create(&Template::data(known::GONE[0], false, b"")).expect("an object");
    session.destroy(destroyed).expect("C_DestroyObject");
    for key in known::keys() {
        session.create(&key).unwrap_or_else(|e| panic!("{key:?}: {e}"));
    }
    let (_, private) = session.p256("generated").expect("a key pair");
    fs::write(work.join("signature"), session.ecdsa(private, known::DATA).expect("a signature")).expect("a file");
    let length = Template::new().ulong(ck::CKA_VALUE_LEN, 32).token(true).private(true);
    let length = length.label("generated aes").sensitive(true).extractable(false);
    session.generate_key(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &length).expect("a key");
    module.finalize().expect("C_Finalize");
}
