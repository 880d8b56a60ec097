//! Operations: what they give, and what is said when they cannot.

use crate::Transcript;
use kit::{Known, Mechanism, Object, Session, Template, ck, pattern};

fn plain(of: ck::CK_MECHANISM_TYPE) -> Mechanism {
    Mechanism::plain(of)
}

fn cbc(of: ck::CK_MECHANISM_TYPE) -> Mechanism {
    Mechanism::bytes(of, [9; 16])
}

pub fn run(t: &mut Transcript<'_>) {
    let session = super::user(t);
    digests(t, session);
    ciphers(t, session);
    macs(t, session);
    signatures(t, session);
    generation(t, session);
    t.call("random", session.random(16));
    t.call("seed", session.seed_random(b"seed"));
}

fn digests(t: &mut Transcript<'_>, session: Session<'_>) {
    for of in [ck::CKM_MD5, ck::CKM_SHA_1, ck::CKM_SHA224, ck::CKM_SHA256, ck::CKM_SHA384, ck::CKM_SHA512] {
        t.value(format!("digest {of:#x}"), session.digest_with(&plain(of), b"abc"));
    }
    t.alone("digest by a cipher", |session| session.digest_init(&plain(ck::CKM_AES_ECB)));
    t.alone("digest without init", |session| session.digest(b"x"));
    t.call("digest: init", session.digest_init(&plain(ck::CKM_SHA256)));
    t.call("digest: second init", session.digest_init(&plain(ck::CKM_SHA256)));
    t.value("digest: too small", Ok(session.digest_into(b"x", &mut [0; 31])));
    t.call("digest: update", session.digest_update(b"x"));
    t.call("digest: single after update", session.digest(b"x"));
    t.call("digest: final", session.digest_final());
}

fn ciphers(t: &mut Transcript<'_>, session: Session<'_>) {
    let aes = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES).bytes(ck::CKA_VALUE, [3; 32]);
    let key = t.object("AES key", session.create(&aes));
    let weak = t.object("AES key that does not encrypt", session.create(&aes.flag(ck::CKA_ENCRYPT, false)));
    for (name, mechanism, data) in [
        ("ECB", plain(ck::CKM_AES_ECB), &[1; 32][..]),
        ("CBC", cbc(ck::CKM_AES_CBC), &[1; 32]),
        ("CBC_PAD", cbc(ck::CKM_AES_CBC_PAD), &[1; 33]),
        ("CTR", Mechanism::ctr(128, [2; 16]), &[1; 33]),
        ("GCM", Mechanism::gcm(&[4; 12], b"aad", 128), &[1; 33]),
        ("GCM, short tag", Mechanism::gcm(&[4; 12], b"", 96), &[1; 33]),
        ("ECB of 17 bytes", plain(ck::CKM_AES_ECB), &[1; 17]),
        ("CBC of 17 bytes", cbc(ck::CKM_AES_CBC), &[1; 17]),
        ("CBC of nothing", cbc(ck::CKM_AES_CBC), &[]),
        ("CBC_PAD of nothing", cbc(ck::CKM_AES_CBC_PAD), &[]),
    ] {
        let encrypted = session.encrypt_with(&mechanism, key, data);
        t.value(format!("encrypt {name}"), encrypted.clone());
        t.value(format!("decrypt {name}"), encrypted.and_then(|secret| session.decrypt_with(&mechanism, key, &secret)));
    }
    // Its OpenSSL has no single DES.
    for (key_type, length) in [(ck::CKK_DES2, 16), (ck::CKK_DES3, 24)] {
        let template = Template::secret_key(key_type, &pattern::key(key_type, length)).flag(ck::CKA_ENCRYPT, true);
        let des = t.object(format!("DES key of {length}"), session.create(&template.flag(ck::CKA_DECRYPT, true)));
        let iv = |of| Mechanism::bytes(of, [2; 8]);
        for (name, mechanism, data) in [
            ("ECB", plain(ck::CKM_DES3_ECB), &[1; 24][..]),
            ("CBC", iv(ck::CKM_DES3_CBC), &[1; 24]),
            ("CBC_PAD", iv(ck::CKM_DES3_CBC_PAD), &[1; 21]),
        ] {
            let encrypted = session.encrypt_with(&mechanism, des, data);
            t.value(format!("encrypt DES {length} {name}"), encrypted.clone());
            let decrypted = encrypted.and_then(|secret| session.decrypt_with(&mechanism, des, &secret));
            t.value(format!("decrypt DES {length} {name}"), decrypted);
        }
    }
    t.alone("decrypt 17 bytes by CBC_PAD", |session| session.decrypt_with(&cbc(ck::CKM_AES_CBC_PAD), key, &[1; 17]));
    t.alone("decrypt bad padding", |session| session.decrypt_with(&cbc(ck::CKM_AES_CBC_PAD), key, &[1; 32]));
    t.alone("decrypt bad tag", |session| session.decrypt_with(&Mechanism::gcm(&[4; 12], b"", 128), key, &[1; 40]));
    t.alone("CBC without IV", |session| session.encrypt_init(&plain(ck::CKM_AES_CBC), key));
    t.alone("CBC with a short IV", |session| session.encrypt_init(&Mechanism::bytes(ck::CKM_AES_CBC, [1; 8]), key));
    t.alone("GCM with half a parameter", |session| {
        session.encrypt_init(&Mechanism::gcm(&[4; 12], b"", 128).resized(20), key)
    });
    t.alone("CTR of 0 bits", |session| session.encrypt_init(&Mechanism::ctr(0, [0; 16]), key));
    t.alone("encrypt by a digest", |session| session.encrypt_init(&plain(ck::CKM_SHA256), key));
    t.alone("encrypt with no key", |session| session.encrypt_init(&plain(ck::CKM_AES_ECB), Object(0)));
    t.alone("encrypt where the key may not", |session| session.encrypt_init(&plain(ck::CKM_AES_ECB), weak));
    t.alone("encrypt without init", |session| session.encrypt(b"x"));
    t.call("parts: init", session.encrypt_init(&cbc(ck::CKM_AES_CBC), key));
    t.call("parts: second init", session.encrypt_init(&cbc(ck::CKM_AES_CBC), key));
    t.value("parts: update", session.encrypt_update(&[1; 16]).map(|part| part.len()));
    t.value("parts: final", session.encrypt_final());
}

fn macs(t: &mut Transcript<'_>, session: Session<'_>) {
    let generic = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_GENERIC_SECRET);
    let key = t.object("MAC key", session.create(&generic.clone().bytes(ck::CKA_VALUE, [5; 64])));
    let short = t.object("short MAC key", session.create(&generic.bytes(ck::CKA_VALUE, [5; 8])));
    for of in [ck::CKM_SHA_1_HMAC, ck::CKM_SHA256_HMAC, ck::CKM_SHA384_HMAC, ck::CKM_SHA512_HMAC] {
        t.value(format!("MAC {of:#x}"), session.sign_with(&plain(of), key, b"abc"));
    }
    for (key_type, length, of) in [
        (ck::CKK_AES, 16, ck::CKM_AES_CMAC),
        (ck::CKK_AES, 32, ck::CKM_AES_CMAC),
        (ck::CKK_DES3, 24, ck::CKM_DES3_CMAC),
    ] {
        let template = Template::secret_key(key_type, &pattern::key(key_type, length)).flag(ck::CKA_SIGN, true);
        let key = t.object(format!("CMAC key of {length}"), session.create(&template));
        for data in [&b""[..], &[1; 16], &[2; 33]] {
            let name = format!("CMAC {of:#x} of {} under {length}", data.len());
            t.value(name, session.sign_with(&plain(of), key, data));
        }
    }
    let hmac = plain(ck::CKM_SHA256_HMAC);
    t.alone("MAC with a short key", |session| session.sign_init(&hmac, short));
    t.alone("verify a short MAC", |session| session.verify_with(&hmac, key, b"abc", &[1; 31]));
    t.alone("verify a wrong MAC", |session| session.verify_with(&hmac, key, b"abc", &[1; 32]));
}

fn signatures(t: &mut Transcript<'_>, session: Session<'_>) {
    let (rsa, p256, ed25519) = (Known::rsa(), Known::p256(), Known::ed25519());
    let mut half = |name: &str, template: &Template| t.object(name, session.create(template));
    let rsa = (half("RSA public", &rsa.public), half("RSA private", &rsa.private));
    let p256 = (half("EC public", &p256.public), half("EC private", &p256.private));
    let ed25519 = (half("Ed25519 public", &ed25519.public), half("Ed25519 private", &ed25519.private));
    let pss = Mechanism::pss(ck::CKM_SHA256_RSA_PKCS_PSS, ck::CKM_SHA256, ck::CKG_MGF1_SHA256, 32);
    for (name, mechanism, (public, private), data) in [
        ("RSA_PKCS", plain(ck::CKM_RSA_PKCS), rsa, &[7; 32][..]),
        ("RSA_X_509", plain(ck::CKM_RSA_X_509), rsa, &[7; 256]),
        ("SHA256_RSA_PKCS", plain(ck::CKM_SHA256_RSA_PKCS), rsa, b"abc"),
        ("SHA256_RSA_PKCS_PSS", pss, rsa, b"abc"),
        ("ECDSA", plain(ck::CKM_ECDSA), p256, &[7; 32]),
        ("EDDSA", plain(ck::CKM_EDDSA), ed25519, b"abc"),
    ] {
        let signature = session.sign_with(&mechanism, private, data);
        t.value(format!("sign {name}"), signature.as_ref().map(Vec::len).map_err(|error| *error));
        let signature = signature.unwrap_or_default();
        t.call(format!("verify {name}"), session.verify_with(&mechanism, public, data, &signature));
        let mut wrong = signature.clone();
        if let Some(last) = wrong.last_mut() {
            *last ^= 1;
        }
        t.call(format!("verify wrong {name}"), session.verify_with(&mechanism, public, data, &wrong));
        let short = signature.get(1..).unwrap_or_default();
        t.call(format!("verify short {name}"), session.verify_with(&mechanism, public, data, short));
    }
    for (name, data) in [("nothing", &[][..]), ("245 bytes", &[7; 245]), ("246 bytes", &[7; 246])] {
        t.alone(format!("sign {name}"), |session| session.sign_with(&plain(ck::CKM_RSA_PKCS), rsa.1, data));
    }
    t.alone("sign with the public half", |session| session.sign_init(&plain(ck::CKM_RSA_PKCS), rsa.0));
    t.alone("sign with another type", |session| session.sign_init(&plain(ck::CKM_ECDSA), rsa.1));
    t.alone("sign with no key", |session| session.sign_init(&plain(ck::CKM_ECDSA), Object(0)));
    t.alone("sign by a generator", |session| session.sign_init(&plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN), rsa.1));
    t.alone("sign without init", |session| session.sign(b"x"));
    t.call("sign: init", session.sign_init(&plain(ck::CKM_RSA_PKCS), rsa.1));
    t.value("sign: too small", Ok(session.sign_into(&[7; 32], &mut [0; 255])));
    t.value("sign: enough", Ok(session.sign_into(&[7; 32], &mut [0; 256])));
    t.call("sign: over", session.sign(&[7; 32]));
    let encrypted = session.encrypt_with(&plain(ck::CKM_RSA_PKCS), rsa.0, b"secret").unwrap_or_default();
    t.value("decrypt RSA_PKCS", session.decrypt_with(&plain(ck::CKM_RSA_PKCS), rsa.1, &encrypted));
    let encrypted = session.encrypt_with(&oaep(ck::CKM_SHA_1), rsa.0, b"secret").unwrap_or_default();
    t.value("decrypt RSA_PKCS_OAEP", session.decrypt_with(&oaep(ck::CKM_SHA_1), rsa.1, &encrypted));
    let encrypted = session.encrypt_with(&plain(ck::CKM_RSA_X_509), rsa.0, &[7; 256]).unwrap_or_default();
    t.value("decrypt RSA_X_509", session.decrypt_with(&plain(ck::CKM_RSA_X_509), rsa.1, &encrypted));
    t.alone("encrypt too much", |session| session.encrypt_with(&plain(ck::CKM_RSA_PKCS), rsa.0, &[1; 246]));
    t.alone("OAEP by no hash", |session| session.encrypt_init(&oaep(ck::CKM_SHA256_HMAC), rsa.0));
}

/// As pkcs11-tool sends it: a source is named, though there is none.
fn oaep(hash: ck::CK_MECHANISM_TYPE) -> Mechanism {
    let value = ck::CK_RSA_PKCS_OAEP_PARAMS {
        hashAlg: hash,
        mgf: ck::CKG_MGF1_SHA1,
        source: ck::CKZ_DATA_SPECIFIED,
        pSourceData: std::ptr::null_mut(),
        ulSourceDataLen: 0,
    };
    Mechanism::structure(ck::CKM_RSA_PKCS_OAEP, value, Vec::new())
}

fn generation(t: &mut Transcript<'_>, session: Session<'_>) {
    let length = |length| Template::new().ulong(ck::CKA_VALUE_LEN, length);
    let aes = plain(ck::CKM_AES_KEY_GEN);
    t.call("generate AES", session.generate_key(&aes, &length(32)));
    t.call("generate AES without length", session.generate_key(&aes, &Template::new()));
    t.call("generate AES of 20 bytes", session.generate_key(&aes, &length(20)));
    t.call("generate AES with a value", session.generate_key(&aes, &length(16).bytes(ck::CKA_VALUE, [1; 16])));
    t.call("generate AES as data", session.generate_key(&aes, &length(16).class(ck::CKO_DATA)));
    t.call("generate by a digest", session.generate_key(&plain(ck::CKM_SHA256), &length(16)));
    t.call("generate a pair by AES", session.generate_key_pair(&aes, &length(16), &Template::new()));
    let rsa = plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
    let bits = |bits| Template::new().ulong(ck::CKA_MODULUS_BITS, bits);
    t.call("generate RSA", session.generate_key_pair(&rsa, &bits(1024), &Template::new()));
    t.call("generate RSA without bits", session.generate_key_pair(&rsa, &Template::new(), &Template::new()));
    t.call("generate RSA of 100 bits", session.generate_key_pair(&rsa, &bits(100), &Template::new()));
    let ec = plain(ck::CKM_EC_KEY_PAIR_GEN);
    let curve = |params: &[u8]| Template::new().bytes(ck::CKA_EC_PARAMS, params);
    t.call("generate EC without curve", session.generate_key_pair(&ec, &Template::new(), &Template::new()));
    t.call("generate EC on no curve", session.generate_key_pair(&ec, &curve(b"nonsense"), &Template::new()));
    let edwards = plain(ck::CKM_EC_EDWARDS_KEY_PAIR_GEN);
    let oid = curve(&[0x06, 0x03, 0x2b, 0x65, 0x70]);
    t.call("generate Ed25519", session.generate_key_pair(&edwards, &oid, &Template::new()));
    let printable = curve(b"\x13\x0cedwards25519");
    t.call("generate Ed25519 by name", session.generate_key_pair(&edwards, &printable, &Template::new()));
}
