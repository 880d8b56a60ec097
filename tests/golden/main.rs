//! A token of format version 1, made once by `golden/make.rs` with the TPM whose state lies beside it: what was put
//! into it then is found by every later version. The files are copied; they never change.

mod known;

use kit::{Env, Mechanism, Module, Session, Template, ck, isolated, program, user};
use known::{DATA, GONE, LABEL, SO_PIN, TEXTS, USER_PIN, hex};
use std::fs;
use std::path::Path;
use std::process::Command;

fn golden() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/v1")
}

/// Copies files for their owner alone: a checkout has other modes.
fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        user::mode(to, 0o700);
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            copy(&path, &to.join(path.file_name().unwrap()));
        }
    } else {
        fs::write(to, fs::read(from).unwrap()).unwrap();
        user::mode(to, 0o600);
    }
}

/// The token, and its TPM as it was left.
fn opened(env: &Env) -> Module {
    copy(&golden().join("tokens"), &env.tokens());
    copy(&golden().join("tpm"), &env.file("tpm"));
    env.tpm();
    env.module()
}

fn session(module: &Module) -> Session<'_> {
    module.open_rw(module.slot_of(LABEL).expect("the golden token")).unwrap()
}

fn plain(of: ck::CK_MECHANISM_TYPE) -> Mechanism {
    Mechanism::plain(of)
}

/// Everything that the user sees, does what it did when it was made.
fn is_all_there(session: &Session<'_>) {
    texts(session, true);
    let certificate = session.one(ck::CKO_CERTIFICATE, "certificate");
    assert_eq!(session.bytes(certificate, ck::CKA_VALUE).unwrap(), known::certificate());
    let secret = |label: &str| session.one(ck::CKO_SECRET_KEY, label);
    let [input, output] = known::AES.map(hex);
    assert_eq!(session.encrypt_with(&plain(ck::CKM_AES_ECB), secret("aes"), &input).unwrap(), output);
    let (message, code) = known::HMAC;
    assert_eq!(session.sign_with(&plain(ck::CKM_SHA256_HMAC), secret("hmac"), message).unwrap(), hex(code));

    let signer = |label: &str| session.one(ck::CKO_PRIVATE_KEY, label);
    let public = |label: &str| session.one(ck::CKO_PUBLIC_KEY, label);
    let [message, signature] = known::EDDSA.map(hex);
    assert_eq!(session.sign_with(&plain(ck::CKM_EDDSA), signer("ed25519"), &message).unwrap(), signature);
    session.verify_with(&plain(ck::CKM_EDDSA), public("ed25519"), &message, &signature).unwrap();
    let rsa = plain(ck::CKM_SHA256_RSA_PKCS);
    assert_eq!(session.sign_with(&rsa, signer("rsa"), DATA).unwrap(), known::rsa_signature());
    session.verify_with(&rsa, public("rsa"), DATA, &known::rsa_signature()).unwrap();
    let (message, signature) = known::ECDSA;
    let made_then = fs::read(golden().join("signature")).unwrap();
    for (label, message, signature) in [("p-256", message, hex(signature)), ("generated", DATA, made_then)] {
        session.ecdsa_verify(public(label), message, &signature).unwrap();
        let now = session.ecdsa(signer(label), message).unwrap();
        session.ecdsa_verify(public(label), message, &now).unwrap();
    }
    let generated = secret("generated aes");
    let gcm = Mechanism::gcm(&[7; 12], b"", 128);
    let sealed = session.encrypt_with(&gcm, generated, DATA).unwrap();
    assert_eq!(session.decrypt_with(&gcm, generated, &sealed).unwrap(), DATA);

    // Nothing became weaker on the way.
    for key in [signer("rsa"), signer("p-256"), signer("generated"), secret("aes"), generated] {
        assert!(session.flag(key, ck::CKA_SENSITIVE).unwrap() && session.flag(key, ck::CKA_PRIVATE).unwrap());
        assert!(!session.flag(key, ck::CKA_EXTRACTABLE).unwrap());
    }
    assert!(
        session.flag(generated, ck::CKA_LOCAL).unwrap() && session.flag(signer("generated"), ck::CKA_LOCAL).unwrap()
    );
    assert!(!session.flag(signer("rsa"), ck::CKA_LOCAL).unwrap());
    assert_eq!(session.bytes(secret("aes"), ck::CKA_VALUE).unwrap_err(), ck::CKR_ATTRIBUTE_SENSITIVE);
    assert_eq!(session.bytes(signer("rsa"), ck::CKA_ID).unwrap(), b"rsa");
}

fn texts(session: &Session<'_>, logged_in: bool) {
    for (label, private, value) in TEXTS {
        if private && !logged_in {
            assert_eq!(session.labelled(label).unwrap(), []);
            continue;
        }
        assert_eq!(session.bytes(session.one(ck::CKO_DATA, label), ck::CKA_VALUE).unwrap(), value.as_bytes());
    }
    for label in GONE {
        assert_eq!(session.labelled(label).unwrap(), [], "{label}");
    }
}

#[test]
fn the_user_of_a_golden_token_finds_everything_and_can_use_it() {
    isolated(|env| {
        let module = opened(env);
        let session = session(&module);
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        is_all_there(&session);
        assert_eq!(session.find(&Template::new()).unwrap().len(), TEXTS.len() + known::keys().len() + 3);
        assert_eq!(env.log().0.iter().filter(|line| line.contains("ERROR") || line.contains("WARN")).count(), 0);
    });
}

#[test]
fn without_a_pin_a_golden_token_shows_what_is_public() {
    isolated(|env| {
        let module = opened(env);
        let info = module.token_info(module.slot_of(LABEL).unwrap()).unwrap();
        assert_eq!(kit::text(&info.model), "SealHSM (swtpm)");
        assert_ne!(info.flags & ck::CKF_USER_PIN_INITIALIZED, 0);
        let session = session(&module);
        texts(&session, false);
        let (message, signature) = known::ECDSA;
        session.ecdsa_verify(session.one(ck::CKO_PUBLIC_KEY, "p-256"), message, &hex(signature)).unwrap();
        assert_eq!(session.find(&Template::new().class(ck::CKO_PRIVATE_KEY)).unwrap(), []);
    });
}

#[test]
fn a_golden_token_can_be_changed_and_opened_again() {
    isolated(|env| {
        let module = opened(env);
        let first = session(&module);
        first.login(ck::CKU_USER, USER_PIN).unwrap();
        first.set_pin(USER_PIN, "a-new-user-pin").unwrap();
        first.set(first.one(ck::CKO_DATA, "private data"), &Template::new().label("renamed now")).unwrap();
        first.destroy(first.one(ck::CKO_DATA, "empty data")).unwrap();
        first.create(&Template::data("new", true, b"value")).unwrap();
        first.p256("new pair").unwrap();
        module.finalize().unwrap();
        module.initialize().unwrap();
        let second = session(&module);
        second.login(ck::CKU_USER, "a-new-user-pin").unwrap();
        assert_eq!(second.bytes(second.one(ck::CKO_DATA, "new"), ck::CKA_VALUE).unwrap(), b"value");
        assert_eq!(second.labelled("empty data").unwrap(), []);
        second.set(second.one(ck::CKO_DATA, "renamed now"), &Template::new().label("private data")).unwrap();
        second.create(&Template::data("empty data", false, b"")).unwrap();
        is_all_there(&second);
        second.logout().unwrap();
        second.login(ck::CKU_SO, SO_PIN).unwrap();
        second.init_pin(USER_PIN).unwrap();
        second.logout().unwrap();
        second.login(ck::CKU_USER, USER_PIN).unwrap();
    });
}

#[test]
fn the_recovery_key_of_a_golden_token_opens_it_on_another_tpm() {
    isolated(|env| {
        copy(&golden().join("tokens"), &env.tokens());
        copy(&golden().join("recovery.pem"), &env.file("recovery.pem"));
        // This one is empty.
        env.tpm();
        for (name, pin) in [("so-pin", "the-next-so-pin"), ("user-pin", "the-next-user-pin")] {
            fs::write(env.file(name), pin).unwrap();
        }
        let module = env.module();
        assert_eq!(session(&module).login(ck::CKU_USER, USER_PIN).unwrap_err(), ck::CKR_DEVICE_ERROR);
        let mut recover = Command::new(program("sealhsm"));
        recover.args(["token", "recover", "--token", LABEL, "--recovery-key", "recovery.pem"]);
        recover.args(["--so-pin-file", "so-pin", "--pin-file", "user-pin"]).current_dir(env.file(""));
        let done = recover.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        module.finalize().unwrap();
        module.initialize().unwrap();
        let session = session(&module);
        session.login(ck::CKU_USER, "the-next-user-pin").unwrap();
        is_all_there(&session);
    });
}
