//! The openssl command with the token behind it: through libp11's engine, or, where a release has the engine no more,
//! through pkcs11-provider.

use crate::docs::follow;
use crate::site::{DOCUMENT, TOKEN, certificate, export_rsa, module, openssl, pair, token, user};
use kit::{Client, Env, USER_PIN, isolated, serve};
use std::path::Path;

/// What stands between openssl and the module.
#[derive(Clone, Copy, PartialEq)]
enum Bridge {
    Engine,
    Provider,
}

impl Bridge {
    /// The one that is installed.
    fn find(env: &Env) -> Bridge {
        // `ENGINESDIR: "/usr/lib/..."`
        let has = |option: &str| {
            let said = openssl(env, "version").arg(option).succeeds().text();
            said.split('"').nth(1).is_some_and(|directory| Path::new(directory).join("pkcs11.so").exists())
        };
        match (has("-e"), has("-m")) {
            (true, _) => Bridge::Engine,
            (false, true) => Bridge::Provider,
            (false, false) => panic!("Debian: install libengine-pkcs11-openssl or pkcs11-provider"),
        }
    }

    /// The option that says that a key is the engine's; a provider's needs none.
    fn form(self, option: &str) -> &'static str {
        match (self, option) {
            (Bridge::Provider, _) => "",
            (Bridge::Engine, "-CAkeyform") => "-CAkeyform engine",
            (Bridge::Engine, _) => "-keyform engine",
        }
    }

    /// An openssl.cnf that loads it with our module. `init` is when the engine initialises the module: with 1 while
    /// the configuration is read.
    fn configuration(self, init: u8) -> String {
        let module = module();
        let sections = match self {
            Bridge::Engine => format!(
                "engines = engines\n[engines]\npkcs11 = pkcs11\n[pkcs11]\nengine_id = pkcs11\n\
                 MODULE_PATH = {module}\nPIN = {USER_PIN}\ninit = {init}\n"
            ),
            Bridge::Provider => format!(
                "providers = providers\n[providers]\ndefault = default\npkcs11 = pkcs11\n[default]\nactivate = 1\n\
                 [pkcs11]\npkcs11-module-path = {module}\npkcs11-module-token-pin = {USER_PIN}\nactivate = 1\n"
            ),
        };
        let request = "[req]\ndistinguished_name = dn\nx509_extensions = extensions\n[dn]\n[extensions]\n\
                       basicConstraints = critical, CA:TRUE\n";
        format!("openssl_conf = start\n[start]\n{sections}{request}")
    }
}

/// A token with an RSA and a P-256 pair; their public keys by plain means in `rsa.pub` and `ec.pub`.
struct Site<'e> {
    env: &'e Env,
    bridge: Bridge,
}

const LABELS: [&str; 2] = ["rsa", "ec"];

impl<'e> Site<'e> {
    fn new(env: &'e Env) -> Self {
        token(env);
        pair(env, "rsa:2048", "01", "rsa");
        pair(env, "EC:prime256v1", "02", "ec");
        export_rsa(env, "01", "rsa.pub");
        // pkcs11-tool reads a P-256 key in the same form.
        export_rsa(env, "02", "ec.pub");
        let bridge = Bridge::find(env);
        env.write("openssl.cnf", bridge.configuration(0));
        Site { env, bridge }
    }

    /// openssl with the bridge.
    fn through(&self, command: &str) -> Client {
        let client = openssl(self.env, command).env("OPENSSL_CONF", "openssl.cnf");
        match self.bridge {
            Bridge::Engine => client.words("-engine pkcs11"),
            Bridge::Provider => client,
        }
    }

    /// The same with the private key as the value of `option`.
    fn with(&self, command: &str, option: &str, label: &str) -> Client {
        let client = self.through(command).words(self.bridge.form("-keyform"));
        client.args([option, &private(label)])
    }

    /// A self-signed certificate, `LABEL.pem`.
    fn certificate(&self, label: &str) {
        let request = self.with("req -new -x509 -days 30 -subj /CN=localhost", "-key", label);
        request.args(["-out", &format!("{label}.pem")]).succeeds();
    }
}

/// Plain openssl verifies a signature of the document.
fn verify(env: &Env, label: &str, signature: &str) {
    let verify = openssl(env, "dgst -sha256 -verify").arg(format!("{label}.pub")).args(["-signature", signature]);
    verify.arg("document").succeeds().must_say("Verified OK");
}

fn private(label: &str) -> String {
    format!("pkcs11:token={TOKEN};object={label};type=private")
}

#[test]
fn a_certificate_is_signed_by_its_key_in_the_token() {
    isolated(|env| {
        let site = Site::new(env);
        for label in LABELS {
            site.certificate(label);
            let file = format!("{label}.pem");
            openssl(env, "verify -CAfile").args([&file, &file]).succeeds().must_say("OK");
            let of_certificate = openssl(env, "x509 -noout -pubkey -in").arg(&file).succeeds();
            assert_eq!(of_certificate.out, env.read(&format!("{label}.pub")));
        }
    });
}

#[test]
fn documents_are_signed_and_verified() {
    isolated(|env| {
        let site = Site::new(env);
        for label in LABELS {
            for digest in ["-sha256", "-sha384"] {
                let sign = site.with("dgst", "-sign", label).arg(digest);
                sign.words("-out signature document").succeeds();
                let plain = openssl(env, "dgst -signature signature -verify").arg(format!("{label}.pub"));
                plain.args([digest, "document"]).succeeds().must_say("Verified OK");
                let public = private(label).replace("type=private", "type=public");
                let verify = site.through("dgst -signature signature").arg(digest);
                let verify = verify.words(site.bridge.form("-keyform"));
                verify.args(["-verify", &public, "document"]).succeeds().must_say("Verified OK");
            }
        }
        let pss = "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32";
        site.with("dgst", "-sign", "rsa").words(pss).words("-out signature document").succeeds();
        let plain = openssl(env, "dgst -verify rsa.pub -signature signature").words(pss);
        plain.arg("document").succeeds().must_say("Verified OK");
    });
}

#[test]
fn a_pin_in_the_url_opens_the_token_and_a_wrong_one_does_not() {
    isolated(|env| {
        let site = Site::new(env);
        let configuration = site.bridge.configuration(0);
        let without = configuration.lines().filter(|line| !line.contains(USER_PIN)).map(|line| format!("{line}\n"));
        env.write("openssl.cnf", without.collect::<String>());
        let sign = |pin: &str| {
            let client = site.through("dgst -sha256 -out signature");
            let client = client.words(site.bridge.form("-keyform"));
            client.args(["-sign", &format!("{};pin-value={pin}", private("rsa")), "document"])
        };
        sign("not-the-pin").fails();
        sign(USER_PIN).succeeds();
    });
}

#[test]
fn pkeyutl_signs_and_decrypts() {
    isolated(|env| {
        let site = Site::new(env);
        openssl(env, "dgst -sha256 -binary -out digest document").succeeds();
        for label in LABELS {
            let sign = site.with("pkeyutl -sign -in digest -out signature -pkeyopt digest:sha256", "-inkey", label);
            sign.succeeds();
            let verify = openssl(env, "pkeyutl -verify -in digest -sigfile signature -pkeyopt digest:sha256 -pubin");
            verify.args(["-inkey", &format!("{label}.pub")]).succeeds().must_say("Signature Verified Successfully");
        }
        for padding in ["-pkeyopt rsa_padding_mode:pkcs1", "-pkeyopt rsa_padding_mode:oaep"] {
            let encrypt = openssl(env, "pkeyutl -encrypt -pubin -inkey rsa.pub -in document -out encrypted");
            encrypt.words(padding).succeeds();
            site.with("pkeyutl -decrypt -in encrypted -out decrypted", "-inkey", "rsa").words(padding).succeeds();
            assert_eq!(env.read("decrypted"), DOCUMENT.as_bytes(), "{padding}");
        }
    });
}

#[test]
fn cms_signatures_and_envelopes() {
    isolated(|env| {
        let site = Site::new(env);
        for label in LABELS {
            site.certificate(label);
            let file = format!("{label}.pem");
            let sign = site.with("cms -sign -nodetach -binary -in document -outform PEM -out cms", "-inkey", label);
            sign.args(["-signer", &file]).succeeds();
            let verify = openssl(env, "cms -verify -binary -inform PEM -in cms -out read -CAfile").arg(&file);
            // The certificate is a CA's, which is no purpose of S/MIME's.
            verify.words("-purpose any").succeeds();
            assert_eq!(env.read("read"), DOCUMENT.as_bytes());
        }
        openssl(env, "cms -encrypt -aes256 -binary -in document -outform PEM -out cms rsa.pem").succeeds();
        let decrypt = site.with("cms -decrypt -binary -inform PEM -in cms -out read -recip rsa.pem", "-inkey", "rsa");
        decrypt.succeeds();
        assert_eq!(env.read("read"), DOCUMENT.as_bytes());
    });
}

#[test]
fn a_server_with_its_key_in_the_token_speaks_tls() {
    isolated(|env| {
        let site = Site::new(env);
        for label in LABELS {
            site.certificate(label);
            let file = format!("{label}.pem");
            for version in ["-tls1_2", "-tls1_3"] {
                let (_server, port) = serve(env, "server", |port| {
                    let server = site.with("s_server -www", "-key", label).args(["-cert", &file, version]);
                    server.args(["-accept", &format!("127.0.0.1:{port}")])
                });
                let client = openssl(env, "s_client -verify_return_error -connect").arg(format!("127.0.0.1:{port}"));
                // -www answers once it has read a request.
                let said = client.args(["-CAfile", &file]).input("GET / HTTP/1.0\r\n\r\n").words("-ign_eof").succeeds();
                said.must_say("Verification: OK").must_say(&version[1..].replace("tls1_", "TLSv1."));
            }
        }
    });
}

#[test]
fn many_at_once_sign_with_one_token() {
    isolated(|env| {
        let site = Site::new(env);
        for turn in 0..3 {
            let started: Vec<_> = (0..8)
                .map(|number| {
                    let (label, signature) = (LABELS[number % 2], format!("signature-{number}"));
                    let sign = site.with("dgst -sha256", "-sign", label).args(["-out", &signature, "document"]);
                    (sign.start(env, &format!("output-{turn}-{number}")), label, signature)
                })
                .collect();
            for (running, label, signature) in started {
                running.succeeds();
                verify(env, label, &signature);
            }
        }
    });
}

#[test]
fn an_openssl_cnf_that_loads_the_module_at_once_troubles_nobody() {
    isolated(|env| {
        let site = Site::new(env);
        env.write("openssl.cnf", site.bridge.configuration(1));
        // Openssl reads the configuration, the bridge loads the module, and all in commands that need no token at all.
        let plain = |words: &str| openssl(env, words).env("OPENSSL_CONF", "openssl.cnf").succeeds();
        plain("dgst -sha256 document").must_say("(document)=");
        plain("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other.pem");
        plain("dgst -sha256 -sign other.pem -out signature document");
        site.with("dgst -sha256 -out signature", "-sign", "rsa").arg("document").succeeds();
        verify(env, "rsa", "signature");
        // And in every other program that uses libcrypto, whose own module then meets the same configuration.
        user(env, "--sign -m SHA256-RSA-PKCS --id 01 -i document -o signature")
            .env("OPENSSL_CONF", "openssl.cnf")
            .succeeds();
        verify(env, "rsa", "signature");
    });
}

#[test]
fn a_certificate_authority_in_the_token_signs_a_request() {
    isolated(|env| {
        let site = Site::new(env);
        site.certificate("ec");
        certificate(env, "server", "RSA");
        openssl(env, "req -new -key server.key.pem -subj /CN=server -out request").succeeds();
        let sign = site.through("x509 -req -in request -CA ec.pem -CAcreateserial -days 9 -out issued.pem");
        let sign = sign.words(site.bridge.form("-CAkeyform"));
        sign.args(["-CAkey", &private("ec")]).succeeds();
        openssl(env, "verify -CAfile ec.pem issued.pem").succeeds().must_say("issued.pem: OK");
    });
}

#[test]
fn the_document_for_users_of_openssl_is_followed() {
    isolated(|env| {
        token(env);
        pair(env, "EC:prime256v1", "01", "openssl");
        export_rsa(env, "01", "openssl.pub");
        let (heading, certificate) = match Bridge::find(env) {
            Bridge::Engine => ("OpenSSL through libp11's engine", "engine.pem"),
            Bridge::Provider => ("OpenSSL through pkcs11-provider", "provider.pem"),
        };
        follow(env, heading).must_say(&format!("{certificate}: OK"));
        verify(env, "openssl", "signature");
    });
}
