//! p11-kit: registration by a module file, the proxy through which other programs find every module, and a module in a
//! process of its own.

use crate::docs::follow;
use crate::site::{TOKEN, openssl, pair, token};
use kit::{Client, Env, USER_PIN, isolated, program};
use std::path::{Path, PathBuf};

/// The module file that is installed.
const MODULE_FILE: &str = include_str!("../../conf/sealhsm.module");

/// A library of p11-kit's, from the directories of the machine's architecture.
fn library(name: &str) -> String {
    let directories = std::fs::read_dir("/usr/lib").expect("/usr/lib");
    let found = directories.filter_map(|entry| Some(entry.ok()?.path().join(name))).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("no {name} (Debian: p11-kit-modules)")).display().to_string()
}

/// Becomes an ordinary user (p11-kit reads no configuration of root's) with a token, and with this in the place of the
/// module's name in a module file of the user's.
fn register(env: &Env, line: impl Fn(&Path) -> String) -> PathBuf {
    let module = env.file("libsealhsm.so");
    std::fs::copy(program("libsealhsm.so"), &module).expect("a copy that the ordinary user can read");
    let loaded = env.become_ordinary();
    loaded.initialize().expect("C_Initialize");
    env.token(&loaded, TOKEN);
    loaded.finalize().expect("C_Finalize");
    env.write("document", "signed through p11-kit\n");
    std::fs::create_dir_all(env.file(".config/pkcs11/modules")).expect("a directory for the configuration");
    // So that no other module of the machine is asked.
    env.write(".config/pkcs11/pkcs11.conf", "user-config: only\n");
    let named = MODULE_FILE.replace("module: libsealhsm.so", &line(&module));
    assert_ne!(named, MODULE_FILE);
    env.write(".config/pkcs11/modules/sealhsm.module", named);
    module
}

/// pkcs11-tool through a library of p11-kit's.
fn through(env: &Env, name: &str, words: &str) -> Client {
    env.client("pkcs11-tool").args(["--module", &library(name), "--token-label", TOKEN]).words(words)
}

/// Makes a pair, signs with it, and has plain openssl verify.
fn makes_and_uses_a_key(env: &Env, library: &str) {
    let user = |words: &str| through(env, library, "--login --pin").arg(USER_PIN).words(words).succeeds();
    user("--keypairgen --key-type EC:prime256v1 --id 01 --label made");
    // p11-kit carries no mechanism to another process that it does not know, as ECDSA with SHA-256.
    openssl(env, "dgst -sha256 -binary -out digest document").succeeds();
    user("--sign -m ECDSA --signature-format openssl --id 01 -i digest -o signature");
    through(env, library, "--read-object --type pubkey --id 01 -o public.der").succeeds();
    let verify = openssl(env, "dgst -sha256 -keyform DER -verify public.der -signature signature document");
    verify.succeeds().must_say("Verified OK");
}

#[test]
fn a_registered_module_is_listed_and_used_through_the_proxy() {
    isolated(|env| {
        let module = register(env, |module| format!("module: {}", module.display()));
        let listed = env.client("p11-kit").arg("list-modules").succeeds();
        listed.must_say(&module.display().to_string()).must_say("Tokens sealed to a TPM").must_say(TOKEN);
        makes_and_uses_a_key(env, "p11-kit-proxy.so");
        follow(env, "p11-kit").must_say("Tokens sealed to a TPM").must_say(&format!("token={TOKEN}"));
        // Programs that use p11-kit find the token without being told of any module.
        let urls = env.client("p11tool").arg("--list-token-urls").succeeds();
        urls.must_say("manufacturer=SealHSM").must_say(&format!("token={TOKEN}"));
        let keys = env.client("p11tool").env("GNUTLS_PIN", USER_PIN).words("--batch --login --list-privkeys");
        keys.arg(format!("pkcs11:token={TOKEN}")).succeeds().must_say("Label: made");
    });
}

#[test]
fn a_module_that_p11_kit_runs_in_another_process_is_used() {
    isolated(|env| {
        register(env, |module| format!("remote: |p11-kit remote {}", module.display()));
        env.client("p11-kit").arg("list-modules").succeeds().must_say(TOKEN);
        makes_and_uses_a_key(env, "p11-kit-proxy.so");
    });
}

#[test]
fn a_server_gives_every_connection_a_process_and_all_of_them_sign() {
    isolated(|env| {
        token(env);
        pair(env, "rsa:2048", "02", "served");
        let socket = env.file("served");
        let server = env.client("p11-kit").words("server --foreground --provider");
        let server = server.arg(crate::site::module()).args(["--name", &socket.display().to_string()]);
        let _server = server.arg(format!("pkcs11:token={TOKEN}")).start(env, "server.log").makes(&socket);
        let address = format!("unix:path={}", socket.display());
        let client = |words: &str| {
            let client = through(env, "pkcs11/p11-kit-client.so", "--login --pin").arg(USER_PIN).words(words);
            client.env("P11_KIT_SERVER_ADDRESS", &address)
        };
        client("--list-objects").succeeds().must_say("served");
        let started: Vec<_> = (0..6)
            .map(|number| {
                let words = format!("--sign -m SHA256-RSA-PKCS --id 02 -i document -o signature-{number}");
                client(&words).start(env, &format!("client-{number}.log"))
            })
            .collect();
        started.into_iter().for_each(kit::Running::succeeds);
        crate::site::export_rsa(env, "02", "public.pem");
        for number in 0..6 {
            let verify = openssl(env, "dgst -sha256 -verify public.pem -signature");
            verify.args([&format!("signature-{number}"), "document"]).succeeds().must_say("Verified OK");
        }
        client("--keypairgen --key-type EC:prime256v1 --id 03 --label made").succeeds();
        crate::site::user(env, "--list-objects").succeeds().must_say("made");
    });
}
