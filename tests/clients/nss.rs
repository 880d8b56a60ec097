//! modutil, certutil, cmsutil and pk12util (NSS).

use crate::docs::follow;
use crate::site::{DOCUMENT, certificate, module, openssl, sealhsm, token, user};
use kit::{Client, Env, isolated, serve};

/// A database of NSS's that knows the module.
fn database(env: &Env) {
    token(env);
    std::fs::create_dir(env.file("nss")).expect("a directory");
    nss(env, "certutil -N --empty-password").succeeds();
    env.client("modutil").words("-dbdir sql:nss -force -add sealhsm -libfile").arg(module()).succeeds();
    env.write("noise", [7; 64]);
}

/// A program of NSS's on that database.
fn nss(env: &Env, words: &str) -> Client {
    let (name, words) = words.split_once(' ').expect("a program and its words");
    env.client(name).words("-d sql:nss").words(words)
}

fn certutil(env: &Env, words: &str) -> Client {
    nss(env, "certutil -h test -f pin").words(words)
}

#[test]
fn nss_makes_keys_certificates_and_messages() {
    isolated(|env| {
        token(env);
        let said = follow(env, "NSS");
        said.must_say("added to database").must_say("test:mail").must_say("CTu,Cu,Cu");
        assert_eq!(env.read("decrypted"), DOCUMENT.as_bytes());
    });
}

#[test]
fn modutil_shows_the_module_and_its_token_and_takes_it_away() {
    isolated(|env| {
        database(env);
        let modutil = |words: &str| env.client("modutil").words("-dbdir sql:nss -force").words(words);
        modutil("-list sealhsm").succeeds().must_say("Manufacturer: SealHSM").must_say("Token Name: test");
        modutil("-delete sealhsm").succeeds();
        modutil("-list").succeeds().must_not_say("sealhsm");
    });
}

#[test]
fn certificates_of_every_kind_sign_and_are_verified_by_nss_and_openssl() {
    isolated(|env| {
        database(env);
        for (name, kind) in [("p256", "-k ec -q nistp256"), ("p384", "-k ec -q nistp384"), ("rsa", "-k rsa -g 3072")] {
            let make =
                certutil(env, "-S -x -t CT,C,C -z noise -m 3 --keyUsage digitalSignature,keyEncipherment,certSigning");
            let make = make.words(kind);
            make.args(["-n", name, "-s", &format!("CN={name}")]).succeeds();
            let nickname = format!("test:{name}");
            let sign = nss(env, "cmsutil -S -f pin -G -i document -o cms");
            sign.args(["-N", &nickname]).succeeds();
            let pem = certutil(env, "-L -a").args(["-n", &nickname]).succeeds();
            env.write("signer.pem", pem.text());
            openssl(env, "cms -verify -binary -inform DER -in cms -CAfile signer.pem -purpose any -out read")
                .succeeds();
            assert_eq!(env.read("read"), DOCUMENT.as_bytes(), "{name}");
            nss(env, "cmsutil -D -f pin -i cms -o read-by-nss").run();
            assert_eq!(env.read("read-by-nss"), DOCUMENT.as_bytes(), "{name}");
        }
    });
}

#[test]
fn a_pkcs_12_file_is_imported_and_its_key_signs() {
    isolated(|env| {
        database(env);
        for (name, algorithm) in [("rsa", "RSA"), ("ec", "EC -pkeyopt ec_paramgen_curve:P-256")] {
            certificate(env, name, algorithm);
            let file = format!("{name}.p12");
            let export = openssl(env, "pkcs12 -export -passout pass:sesame").args(["-name", name, "-out", &file]);
            export.args(["-inkey", &format!("{name}.key.pem"), "-in", &format!("{name}.pem")]).succeeds();
            let import = nss(env, "pk12util -h test -k pin -W sesame").args(["-i", &file]);
            import.succeeds().must_say("IMPORT SUCCESSFUL");
            certutil(env, "-M -t CT,C,C -n").arg(format!("test:{name}")).succeeds();
            let sign = nss(env, "cmsutil -S -f pin -i document -o cms").args(["-N", &format!("test:{name}")]);
            sign.succeeds();
            let verify = openssl(env, "cms -verify -binary -inform DER -in cms -purpose any -out read -CAfile");
            verify.arg(format!("{name}.pem")).succeeds();
            assert_eq!(env.read("read"), DOCUMENT.as_bytes(), "{name}");
        }
        let keys = certutil(env, "-K").succeeds().text();
        assert_eq!((keys.matches(" rsa ").count(), keys.matches(" ec ").count()), (1, 1), "{keys}");
    });
}

#[test]
fn what_nss_makes_other_programs_find_and_what_nss_deletes_is_gone() {
    isolated(|env| {
        database(env);
        certutil(env, "-S -x -t ,, -z noise -m 3 -k rsa -g 2048 -n made -s CN=made").succeeds();
        user(env, "--list-objects --type cert").succeeds().must_say("made");
        let exported = sealhsm(env, "object export --type cert --label made").succeeds();
        env.write("made.pem", exported.text());
        openssl(env, "verify -CAfile made.pem made.pem").succeeds().must_say("OK");
        // A certificate that another program imported meets its key.
        certificate(env, "other", "RSA");
        sealhsm(env, "object import other.key.pem --label other --pin-file pin").succeeds();
        sealhsm(env, "object import other.pem --label other --pin-file pin").succeeds();
        let listed = certutil(env, "-L").succeeds().text();
        let flags = listed.lines().find_map(|line| line.strip_prefix("test:other")).map(str::trim);
        assert_eq!(flags, Some("u,u,u"), "a certificate of the user's, whose key is there: {listed}");
        certutil(env, "-D -n test:made").succeeds();
        user(env, "--list-objects --type cert").succeeds().must_not_say("made");
    });
}

#[test]
fn servers_and_clients_of_nss_and_openssl_speak_tls_with_keys_in_the_token() {
    isolated(|env| {
        database(env);
        // Two certificates of one name, told apart by their serial numbers.
        for (name, kind, option) in [("rsa", "-m 3 -k rsa -g 2048", "-n"), ("ec", "-m 4 -k ec -q nistp256", "-e")] {
            let make = certutil(env, "-S -x -t CT,C,C -z noise").words(kind);
            make.args(["-n", name, "-s", "CN=localhost"]).succeeds();
            let nickname = format!("test:{name}");
            let pem = certutil(env, "-L -a").args(["-n", &nickname]).succeeds();
            env.write("server.pem", pem.text());
            for version in ["tls1.2", "tls1.3"] {
                let (_server, port) = serve(env, "selfserv", |port| {
                    let server = nss(env, "selfserv -f pin").args(["-p", &port.to_string(), option, &nickname]);
                    server.args(["-V", &format!("{version}:{version}")])
                });
                let client = openssl(env, "s_client -CAfile server.pem -verify_return_error -connect");
                let said = client.arg(format!("localhost:{port}")).input("GET / HTTP/1.0\r\n\r\n").run();
                let name = version.replace("tls", "TLSv");
                said.must_say("Verify return code: 0 (ok)").must_say(&name);
            }
            // The key of a client, for a server that asks for one.
            certificate(env, "judge", "RSA");
            let (_server, port) = serve(env, "s_server", |port| {
                let server = openssl(env, "s_server -cert judge.pem -key judge.key.pem -Verify 1 -www");
                server.args(["-CAfile", "server.pem", "-verify_return_error", "-accept", &port.to_string()])
            });
            let client = nss(env, "tstclnt -o -f -h localhost -W pin").args(["-n", &nickname]);
            let client = client.args(["-p", &port.to_string()]).input("GET / HTTP/1.0\r\n\r\n");
            client.run().must_say("Client certificate").must_say("Subject: CN");
        }
    });
}
