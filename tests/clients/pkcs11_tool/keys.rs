//! Encryption, message authentication and digests; the other side of each is openssl, which has the same key.

use crate::site::{DOCUMENT, export_rsa, openssl, pair, sealhsm, token, tool, user};
use kit::{Env, Said, isolated};

const KEY: [u8; 32] = *b"thirty-two bytes make one key...";
const IV: &str = "00112233445566778899aabbccddeeff";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Imports the first `length` bytes of [`KEY`] as an AES key under the ID 01; returns them in hexadecimal digits.
fn import(env: &Env, length: usize) -> String {
    env.write("key", &KEY[..length]);
    let import = user(env, "--write-object key --type secrkey --id 01 --usage-decrypt --key-type");
    import.arg(format!("AES:{length}")).succeeds();
    hex(&KEY[..length])
}

#[test]
fn what_openssl_encrypts_to_an_rsa_key_is_decrypted_by_the_token() {
    isolated(|env| {
        token(env);
        pair(env, "rsa:2048", "01", "encryption");
        export_rsa(env, "01", "public.pem");
        let encrypt = |options: &str| {
            openssl(env, "pkeyutl -encrypt -pubin -inkey public.pem -in document -out encrypted")
                .words(options)
                .succeeds();
        };
        let decrypt = |mechanism: &str| {
            user(env, "--decrypt --id 01 -i encrypted -o decrypted -m").words(mechanism).succeeds();
            assert_eq!(env.read("decrypted"), DOCUMENT.as_bytes(), "{mechanism}");
        };
        encrypt("-pkeyopt rsa_padding_mode:pkcs1");
        decrypt("RSA-PKCS");
        for hash in ["SHA-1", "SHA256", "SHA384", "SHA512"] {
            let lower = hash.replace('-', "").to_lowercase();
            encrypt(&format!(
                "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:{lower} -pkeyopt rsa_mgf1_md:{lower}"
            ));
            decrypt(&format!("RSA-PKCS-OAEP --hash-algorithm {hash}"));
        }
    });
}

#[test]
fn aes_does_what_openssl_does_both_ways() {
    isolated(|env| {
        token(env);
        env.write("blocks", [7; 64]);
        for length in [16, 24, 32] {
            let key = import(env, length);
            for (mode, cipher, file) in [
                ("AES-CBC", "cbc -nopad", "blocks"),
                ("AES-CBC-PAD", "cbc", "document"),
                ("AES-ECB", "ecb -nopad", "blocks"),
            ] {
                let iv = if mode == "AES-ECB" { "" } else { IV };
                let option = |name: &str| if iv.is_empty() { String::new() } else { format!("{name} {iv}") };
                let token = |words: &str| user(env, words).words("--id 01 -m").arg(mode).words(&option("--iv"));
                let plain = |words: &str| {
                    let cipher = format!("enc -aes-{}-{cipher} -K {key} {}", length * 8, option("-iv"));
                    openssl(env, &cipher).words(words).succeeds()
                };
                token(&format!("--encrypt -o encrypted -i {file}")).succeeds();
                assert_eq!(plain("-d -in encrypted").out, env.read(file), "{mode}, {length} bytes");
                plain(&format!("-e -out encrypted -in {file}"));
                token("--decrypt -i encrypted -o decrypted").succeeds();
                assert_eq!(env.read("decrypted"), env.read(file), "{mode}, {length} bytes");
            }
            user(env, "--delete-object --type secrkey --id 01").succeeds();
        }
    });
}

#[test]
fn keys_that_the_token_makes_do_their_work_and_never_show_their_value() {
    isolated(|env| {
        token(env);
        for (id, kind) in [("01", "AES:16"), ("02", "AES:32"), ("03", "GENERIC:64")] {
            let made =
                user(env, "--keygen --usage-sign --usage-decrypt --key-type").args([kind, "--id", id]).succeeds();
            made.must_say("never extractable").must_say("local").must_not_say("VALUE:");
            user(env, "--read-object --type secrkey -o value --id").arg(id).fails();
        }
        let aes = |words: &str| user(env, words).words("--id 02 -m AES-CBC-PAD --iv").arg(IV).succeeds();
        aes("--encrypt -i document -o encrypted");
        assert_ne!(env.read("encrypted")[..16], DOCUMENT.as_bytes()[..16]);
        aes("--decrypt -i encrypted -o decrypted");
        assert_eq!(env.read("decrypted"), DOCUMENT.as_bytes());
        user(env, "--sign --id 03 -m SHA512-HMAC -i document -o mac").succeeds();
        let verify = user(env, "--verify --id 03 -m SHA512-HMAC -i document --signature-file mac");
        verify.succeeds().must_say("Signature is valid");
    });
}

#[test]
fn a_pair_on_curve25519_is_made_as_pkcs11_tool_asks_for_it() {
    isolated(|env| {
        token(env);
        pair(env, "EC:curve25519", "01", "agreement");
        sealhsm(env, "object export --type pubkey --id 01 --out public.pem").succeeds();
        openssl(env, "pkey -pubin -in public.pem -noout -text").succeeds().must_say("X25519");
    });
}

#[test]
fn hmac_is_what_openssl_computes() {
    isolated(|env| {
        token(env);
        // pkcs11-tool imports no generic secrets, but reads one that may be read.
        user(env, "--keygen --key-type GENERIC:32 --id 01 --usage-sign --extractable").succeeds();
        user(env, "--read-object --type secrkey --id 01 -o key").succeeds();
        let key = hex(&env.read("key"));
        for hash in ["SHA224", "SHA256", "SHA384", "SHA512"] {
            user(env, "--sign --id 01 -i document -o mac -m").arg(format!("{hash}-HMAC")).succeeds();
            let ours = hex(&env.read("mac"));
            let theirs = openssl(env, "dgst -mac HMAC -macopt").arg(format!("hexkey:{key}"));
            same(&ours, &theirs.arg(format!("-{}", hash.to_lowercase())).arg("document").succeeds());
        }
    });
}

#[test]
fn digests_need_no_login_and_are_what_openssl_computes() {
    isolated(|env| {
        token(env);
        for hash in ["MD5", "SHA-1", "SHA224", "SHA256", "SHA384", "SHA512"] {
            tool(env, "--hash -i document -o digest -m").arg(hash).succeeds();
            let theirs = openssl(env, "dgst").arg(format!("-{}", hash.replace('-', "").to_lowercase()));
            same(&hex(&env.read("digest")), &theirs.arg("document").succeeds());
        }
    });
}

/// openssl prints `NAME(document)= digits`.
fn same(digits: &str, theirs: &Said) {
    assert_eq!(theirs.text().trim().rsplit(' ').next(), Some(digits), "{theirs}");
}
