//! Signatures with keys made in the token, verified by openssl and by pkcs11-tool without a login.

use crate::site::{export_rsa, openssl, pair, token, tool, user};
use kit::{Env, isolated};

/// Curves as pkcs11-tool calls them, and what stands before the point in a SubjectPublicKeyInfo, and in CKA_EC_POINT.
const CURVES: &[(&str, &str, &str)] = &[
    ("EC:prime256v1", "3059301306072a8648ce3d020106082a8648ce3d030107034200", "0441"),
    ("EC:secp384r1", "3076301006072a8648ce3d020106052b81040022036200", "0461"),
    ("EC:secp521r1", "30819b301006072a8648ce3d020106052b8104002303818600", "048185"),
];
const ED25519: (&str, &str, &str) = ("EC:edwards25519", "302a300506032b6570032100", "0420");

/// Makes a pair on a curve and writes its public key to `public.pem`: from what pkcs11-tool shows of it, since its
/// --read-object does not know every curve.
fn pair_on((curve, head, tag): (&str, &str, &str), env: &Env) {
    let made = pair(env, curve, "01", "signing");
    let shown = made.text();
    let point = shown.lines().find_map(|line| line.trim().strip_prefix("EC_POINT:"));
    let point = point.and_then(|point| point.trim().strip_prefix(tag)).unwrap_or_else(|| panic!("no point: {made}"));
    let der: Vec<u8> = format!("{head}{point}").as_bytes().chunks(2).map(hex).collect();
    env.write("public.der", der);
    openssl(env, "pkey -pubin -inform DER -in public.der -out public.pem").succeeds();
}

fn hex(digits: &[u8]) -> u8 {
    u8::from_str_radix(&String::from_utf8_lossy(digits), 16).expect("hexadecimal digits")
}

/// Signs `file` with the key 01 into `signature`; pkcs11-tool verifies it with the public key, and no other.
fn sign(env: &Env, mechanism: &str, file: &str) {
    let signature = "--signature-file signature";
    user(env, "--sign --id 01 --output-file signature -m").words(mechanism).args(["-i", file]).succeeds();
    let verify = || tool(env, "--verify --id 01 -m").words(mechanism);
    verify().args(["-i", file]).words(signature).succeeds().must_say("Signature is valid");
    env.write("altered", altered(env.read(file)));
    let altered = verify().words("-i altered").words(signature).run();
    assert!(!altered.says("Signature is valid"), "{altered}");
}

fn altered(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[3] ^= 1;
    bytes
}

#[test]
fn rsa_signatures_of_every_kind() {
    isolated(|env| {
        token(env);
        pair(env, "rsa:2048", "01", "signing");
        export_rsa(env, "01", "public.pem");
        let pss = "-sigopt rsa_padding_mode:pss";
        for (mechanism, digest, options) in [
            ("SHA1-RSA-PKCS", "-sha1", ""),
            ("SHA224-RSA-PKCS", "-sha224", ""),
            ("SHA256-RSA-PKCS", "-sha256", ""),
            ("SHA384-RSA-PKCS", "-sha384", ""),
            ("SHA512-RSA-PKCS", "-sha512", ""),
            ("SHA256-RSA-PKCS-PSS", "-sha256", pss),
            ("SHA384-RSA-PKCS-PSS", "-sha384", pss),
            ("SHA512-RSA-PKCS-PSS", "-sha512", pss),
        ] {
            sign(env, mechanism, "document");
            let verified = openssl(env, "dgst").words(digest).words(options);
            verified.words("-verify public.pem -signature signature document").succeeds().must_say("Verified OK");
        }
    });
}

#[test]
fn rsa_signatures_of_what_the_caller_has_prepared() {
    isolated(|env| {
        token(env);
        pair(env, "rsa:3072", "01", "signing");
        export_rsa(env, "01", "public.pem");
        openssl(env, "dgst -sha256 -binary -out digest document").succeeds();
        let verify = |options: &str| {
            let verify = openssl(env, "pkeyutl -verify -pubin -inkey public.pem -in digest -sigfile signature");
            verify.words(options).succeeds().must_say("Signature Verified Successfully");
        };
        sign(env, "RSA-PKCS", "digest");
        verify("-pkeyopt rsa_padding_mode:pkcs1");
        sign(env, "RSA-PKCS-PSS --hash-algorithm SHA256", "digest");
        verify("-pkeyopt rsa_padding_mode:pss -pkeyopt digest:sha256 -pkeyopt rsa_pss_saltlen:32");
    });
}

#[test]
fn ecdsa_signatures_on_every_curve() {
    isolated(|env| {
        token(env);
        openssl(env, "dgst -sha256 -binary -out digest document").succeeds();
        for curve in CURVES {
            pair_on(*curve, env);
            for digest in ["sha256", "sha384", "sha512"] {
                let mechanism = format!("ECDSA-{} --signature-format openssl", digest.to_uppercase());
                sign(env, &mechanism, "document");
                let verify = openssl(env, "dgst").arg(format!("-{digest}"));
                verify.words("-verify public.pem -signature signature document").succeeds().must_say("Verified OK");
            }
            sign(env, "ECDSA --signature-format openssl", "digest");
            let verify = openssl(env, "pkeyutl -verify -pubin -inkey public.pem -in digest -sigfile signature");
            verify.succeeds().must_say("Signature Verified Successfully");
            for half in ["privkey", "pubkey"] {
                user(env, "--delete-object --id 01 --type").arg(half).succeeds();
            }
        }
    });
}

#[test]
fn ed25519_signatures() {
    isolated(|env| {
        token(env);
        pair_on(ED25519, env);
        sign(env, "EDDSA", "document");
        assert_eq!(env.read("signature").len(), 64);
        let verify = openssl(env, "pkeyutl -verify -rawin -pubin -inkey public.pem -in document -sigfile signature");
        verify.succeeds().must_say("Signature Verified Successfully");
    });
}
