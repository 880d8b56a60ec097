//! What each mechanism computes: against vectors, the `openssl` command and the other calls of the module.

use crate::kem::{agreement, of_length, open, value, ways};
use kit::{Judge, Mechanism, Template, ck, code, curve, hex, isolated};

#[test]
fn both_ends_come_to_the_same_key() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (number, (mechanism, (public, private), length, natural)) in ways(&session).iter().enumerate() {
            let template = if natural.is_some() { open() } else { of_length(24) };
            let (ciphertext, one) = session.encapsulate(mechanism, *public, &template).unwrap();
            assert_eq!(ciphertext.len(), *length, "number {number}");
            let other = session.decapsulate(mechanism, *private, &template, &ciphertext).unwrap();
            assert_eq!(value(&session, one), value(&session, other), "number {number}");
            assert_eq!(value(&session, one).len(), natural.unwrap_or(24));
            let (another, key) = session.encapsulate(mechanism, *public, &template).unwrap();
            assert_ne!(another, ciphertext);
            assert_ne!(value(&session, key), value(&session, one));
            // As a key that does something.
            let aes = of_length(32).key_type(ck::CKK_AES);
            let (ciphertext, one) = session.encapsulate(mechanism, *public, &aes).unwrap();
            let other = session.decapsulate(mechanism, *private, &aes, &ciphertext).unwrap();
            let way = Mechanism::gcm(&[1; 12], b"", 128);
            let sealed = session.encrypt_with(&way, one, b"between the two").unwrap();
            assert_eq!(session.decrypt_with(&way, other, &sealed).unwrap(), b"between the two");
        }
    });
}

#[test]
fn ml_kem_opens_what_another_implementation_sealed() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let known: serde_json::Value = serde_json::from_str(include_str!("../pq/known/ml_kem.json")).unwrap();
        let keys = known.as_array().unwrap();
        assert_eq!(keys.len(), 3);
        for key in keys {
            let bytes = |name: &str| hex(key[name].as_str().unwrap());
            let private = Template::new().class(ck::CKO_PRIVATE_KEY).key_type(ck::CKK_ML_KEM);
            let private = private.ulong(ck::CKA_PARAMETER_SET, key["set"].as_u64().unwrap());
            let private = session.create(&private.bytes(ck::CKA_SEED, bytes("seed"))).unwrap();
            let mechanism = Mechanism::plain(ck::CKM_ML_KEM);
            let open = |ciphertext: &[u8]| {
                value(&session, session.decapsulate(&mechanism, private, &open(), ciphertext).unwrap())
            };
            let mut ciphertext = bytes("ciphertext");
            assert_eq!(open(&ciphertext), bytes("shared"));
            // FIPS 203, implicit rejection: another secret, the same each time.
            ciphertext[0] ^= 1;
            assert_eq!(open(&ciphertext), bytes("rejected"));
        }
    });
}

#[test]
fn an_agreed_key_is_what_c_derivekey_makes_of_the_ciphertext() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (generator, params) in [
            (ck::CKM_EC_KEY_PAIR_GEN, curve::P256),
            (ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve::X25519),
            (ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve::X448),
        ] {
            let (public, private) = session.curve_pair(generator, params);
            for (kdf, shared) in [(ck::CKD_NULL, &b""[..]), (ck::CKD_SHA256_KDF, b"shared")] {
                let mechanism = agreement(ck::CKM_ECDH1_DERIVE, kdf, shared);
                let (ciphertext, key) = session.encapsulate(&mechanism, public, &of_length(20)).unwrap();
                let with = Mechanism::ecdh1(ck::CKM_ECDH1_DERIVE, kdf, shared, &ciphertext);
                let template = of_length(20).key_type(ck::CKK_GENERIC_SECRET).class(ck::CKO_SECRET_KEY);
                let derived = session.derive(&with, private, &template.extractable(true)).unwrap();
                assert_eq!(value(&session, derived), value(&session, key));
                // A point in an OCTET STRING is one as well.
                let wrapped = [&[4, ciphertext.len() as u8], &ciphertext[..]].concat();
                let other = session.decapsulate(&mechanism, private, &of_length(20), &wrapped).unwrap();
                assert_eq!(value(&session, other), value(&session, key));
            }
        }
    });
}

#[test]
fn a_key_of_des_has_its_parity_at_both_ends() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P256);
        let mechanism = agreement(ck::CKM_ECDH1_DERIVE, ck::CKD_SHA256_KDF, b"");
        for key_type in [ck::CKK_DES, ck::CKK_DES2, ck::CKK_DES3] {
            let template = open().key_type(key_type);
            let (ciphertext, one) = session.encapsulate(&mechanism, public, &template).unwrap();
            let other = session.decapsulate(&mechanism, private, &template, &ciphertext).unwrap();
            for key in [one, other] {
                let value = value(&session, key);
                assert!(value.iter().all(|byte| byte.count_ones() % 2 == 1), "{value:?}");
            }
            assert_eq!(value(&session, one), value(&session, other));
        }
    });
}

#[test]
fn openssl_seals_with_rsa_what_is_opened_here() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let openssl = Judge::new();
        let (public, private) = session.rsa_pair(2048);
        let info = session.public_key_info(public);
        let secret = [0x5a; 24];
        let pkcs1 = openssl.encrypts_to(&info, &["-pkeyopt", "rsa_padding_mode:pkcs1"], &secret);
        let key = session.decapsulate(&Mechanism::plain(ck::CKM_RSA_PKCS), private, &open(), &pkcs1).unwrap();
        assert_eq!(value(&session, key), secret);
        let options = ["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256"];
        let oaep = openssl.encrypts_to(&info, &options, &secret);
        let mechanism = Mechanism::oaep(ck::CKM_SHA256, ck::CKG_MGF1_SHA256, b"");
        let key = session.decapsulate(&mechanism, private, &of_length(24), &oaep).unwrap();
        assert_eq!(value(&session, key), secret);
    });
}

#[test]
fn without_padding_the_key_is_the_end_of_a_number_that_openssl_finds_as_well() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(2048);
        let plain = Mechanism::plain(ck::CKM_RSA_X_509);
        let (ciphertext, whole) = session.encapsulate(&plain, public, &open()).unwrap();
        let number = session.decrypt_with(&plain, private, &ciphertext).unwrap();
        assert_eq!(value(&session, whole), number);
        let part = session.decapsulate(&plain, private, &of_length(24), &ciphertext).unwrap();
        assert_eq!(value(&session, part), number[256 - 24..]);
        // A number of the command's, sealed by the command.
        let mut number = vec![0x37; 256];
        number[0] = 1;
        let options = ["-pkeyopt", "rsa_padding_mode:none"];
        let ciphertext = Judge::new().encrypts_to(&session.public_key_info(public), &options, &number);
        let key = session.decapsulate(&plain, private, &open(), &ciphertext).unwrap();
        assert_eq!(value(&session, key), number);
        let refused = session.decapsulate(&plain, private, &open(), &[0xff; 256]);
        assert_eq!(code(refused), ck::CKR_WRAPPED_KEY_INVALID);
    });
}

#[test]
fn ciphertexts_of_another_length_are_refused() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (mechanism, (_, private), length, _) in ways(&session) {
            for wrong in [1, length - 1, length + 1] {
                let refused = session.decapsulate(&mechanism, private, &of_length(32), &vec![4; wrong]);
                assert_eq!(code(refused), ck::CKR_WRAPPED_KEY_LEN_RANGE, "{length} {wrong}");
            }
        }
    });
}

#[test]
fn a_ciphertext_that_is_none_gives_one_code_or_a_key_that_nobody_knows() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        // Of the same length as others with RSA, and with a check.
        const OAEP: usize = 12;
        for (number, (mechanism, (public, private), length, natural)) in ways(&session).into_iter().enumerate() {
            let template = of_length(natural.unwrap_or(32) as ck::CK_ULONG);
            let (mut ciphertext, key) = session.encapsulate(&mechanism, public, &template).unwrap();
            ciphertext[length - 1] ^= 1;
            let other = session.decapsulate(&mechanism, private, &template, &ciphertext);
            match other {
                // ML-KEM, PKCS #1 v1.5, and curves where every string is a point.
                Ok(other) => {
                    assert!(matches!(length, 768 | 1088 | 1568 | 256 | 32 | 56) && number != OAEP);
                    assert_ne!(value(&session, other), value(&session, key));
                }
                Err(error) => assert_eq!(error, ck::CKR_WRAPPED_KEY_INVALID),
            }
        }
        // Points of small order.
        let (_, private) = session.curve_pair(ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve::X25519);
        let plain = agreement(ck::CKM_ECDH1_DERIVE, ck::CKD_NULL, b"");
        let refused = session.decapsulate(&plain, private, &open(), &[0; 32]);
        assert_eq!(code(refused), ck::CKR_WRAPPED_KEY_INVALID);
        // OAEP around a secret of another length than was asked for.
        let (public, private) = session.rsa_pair(1024);
        let (ciphertext, _) = session.encapsulate(&crate::kem::oaep(), public, &of_length(16)).unwrap();
        let refused = session.decapsulate(&crate::kem::oaep(), private, &of_length(24), &ciphertext);
        assert_eq!(code(refused), ck::CKR_WRAPPED_KEY_INVALID);
    });
}

#[test]
fn lengths_that_a_mechanism_does_not_have_are_refused() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (mechanism, (public, private), length, natural) in ways(&session) {
            let encapsulate = |template: &Template| code(session.encapsulate(&mechanism, public, template));
            match natural {
                None => {
                    assert_eq!(encapsulate(&open()), ck::CKR_TEMPLATE_INCOMPLETE);
                    assert_eq!(encapsulate(&of_length(length as u64)), ck::CKR_KEY_SIZE_RANGE);
                }
                Some(_) if length >= 768 => {
                    for wrong in [16, 31, 33] {
                        assert_eq!(encapsulate(&of_length(wrong)), ck::CKR_KEY_SIZE_RANGE);
                        let refused = session.decapsulate(&mechanism, private, &of_length(wrong), &vec![1; length]);
                        assert_eq!(code(refused), ck::CKR_KEY_SIZE_RANGE);
                    }
                }
                Some(natural) if length != 97 && natural != 20 => {
                    assert_eq!(encapsulate(&of_length(natural as u64 + 1)), ck::CKR_KEY_SIZE_RANGE);
                }
                _ => {}
            }
            for wrong in [0, 17, u64::MAX] {
                let aes = of_length(wrong).key_type(ck::CKK_AES);
                assert_eq!(encapsulate(&aes), ck::CKR_KEY_SIZE_RANGE, "{length} {wrong}");
            }
        }
    });
}

#[test]
fn the_parameter_says_nothing_of_the_other_side() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P256);
        let of = ck::CKM_ECDH1_DERIVE;
        for bad in [
            Mechanism::ecdh1(of, ck::CKD_NULL, b"", &[4; 65]),
            agreement(of, ck::CKD_NULL, b"shared"),
            agreement(of, 9999, b""),
            agreement(of, ck::CKD_NULL, b"").resized(32),
            Mechanism::plain(of),
        ] {
            assert_eq!(code(session.encapsulate(&bad, public, &open())), ck::CKR_MECHANISM_PARAM_INVALID);
            let refused = session.decapsulate(&bad, private, &open(), &[4; 65]);
            assert_eq!(code(refused), ck::CKR_MECHANISM_PARAM_INVALID);
        }
        let (public, private) = session.pq_pair(ck::CKM_ML_KEM_KEY_PAIR_GEN, 1);
        let bad = Mechanism::bytes(ck::CKM_ML_KEM, [1; 8]);
        assert_eq!(code(session.encapsulate(&bad, public, &open())), ck::CKR_MECHANISM_PARAM_INVALID);
        let refused = session.decapsulate(&bad, private, &open(), &[4; 768]);
        assert_eq!(code(refused), ck::CKR_MECHANISM_PARAM_INVALID);
    });
}
