//! Secret keys: AES, generic, and those of HMAC.

use crate::generation::{is_made_here, readable, remembers, value_len};
use kit::{Judge, Mechanism, Template, ck, isolated};

#[test]
fn every_secret_key_has_the_length_asked_for_and_says_how_it_was_made() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let hmacs = [
            (ck::CKM_SHA_1_KEY_GEN, ck::CKK_SHA_1_HMAC),
            (ck::CKM_SHA224_KEY_GEN, ck::CKK_SHA224_HMAC),
            (ck::CKM_SHA256_KEY_GEN, ck::CKK_SHA256_HMAC),
            (ck::CKM_SHA384_KEY_GEN, ck::CKK_SHA384_HMAC),
            (ck::CKM_SHA512_KEY_GEN, ck::CKK_SHA512_HMAC),
            (ck::CKM_SHA512_224_KEY_GEN, ck::CKK_SHA512_224_HMAC),
            (ck::CKM_SHA512_256_KEY_GEN, ck::CKK_SHA512_256_HMAC),
            (ck::CKM_SHA3_224_KEY_GEN, ck::CKK_SHA3_224_HMAC),
            (ck::CKM_SHA3_256_KEY_GEN, ck::CKK_SHA3_256_HMAC),
            (ck::CKM_SHA3_384_KEY_GEN, ck::CKK_SHA3_384_HMAC),
            (ck::CKM_SHA3_512_KEY_GEN, ck::CKK_SHA3_512_HMAC),
        ];
        let aes = [16, 24, 32].map(|length| (ck::CKM_AES_KEY_GEN, ck::CKK_AES, length));
        let generic =
            [1, 20, 64, 1 << 20].map(|length| (ck::CKM_GENERIC_SECRET_KEY_GEN, ck::CKK_GENERIC_SECRET, length));
        let hmacs = hmacs.map(|(mechanism, key_type)| (mechanism, key_type, 40));
        let judge = Judge::new();
        for (of, key_type, length) in [&aes[..], &generic, &hmacs].concat() {
            let mechanism = Mechanism::plain(of);
            let key = session.generate_key(&mechanism, &value_len(length).and(&readable())).unwrap();
            is_made_here(&session, key, of);
            remembers(&session, key, false, true);
            assert_eq!(session.ulong(key, ck::CKA_CLASS).unwrap(), ck::CKO_SECRET_KEY);
            assert_eq!(session.ulong(key, ck::CKA_KEY_TYPE).unwrap(), key_type);
            assert_eq!(session.ulong(key, ck::CKA_VALUE_LEN).unwrap(), length);
            let value = session.bytes(key, ck::CKA_VALUE).unwrap();
            assert_eq!(value.len() as u64, length);
            let check = if key_type == ck::CKK_AES {
                session.encrypt_with(&Mechanism::plain(ck::CKM_AES_ECB), key, &[0; 16]).unwrap()
            } else {
                judge.digests("-sha1", &value)
            };
            assert_eq!(session.bytes(key, ck::CKA_CHECK_VALUE).unwrap(), check[..3]);
            let other = session.generate_key(&mechanism, &value_len(length).and(&readable())).unwrap();
            assert!(session.bytes(other, ck::CKA_VALUE).unwrap() != value || length == 1);
            let hidden = session.generate_key(&mechanism, &value_len(length).sensitive(true)).unwrap();
            remembers(&session, hidden, true, false);
            assert_eq!(session.bytes(hidden, ck::CKA_VALUE).unwrap_err(), ck::CKR_ATTRIBUTE_SENSITIVE);
        }
    });
}

#[test]
fn a_secret_key_that_cannot_be_is_refused_with_its_code() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let before = session.find(&Template::new()).unwrap();
        let aes = |template: Template| (ck::CKM_AES_KEY_GEN, template);
        let generic = |template: Template| (ck::CKM_GENERIC_SECRET_KEY_GEN, template);
        let long = (1 << 20) + 1;
        for (code, cases) in [
            (
                ck::CKR_KEY_SIZE_RANGE,
                vec![
                    aes(value_len(0)),
                    aes(value_len(15)),
                    aes(value_len(17)),
                    aes(value_len(64)),
                    aes(value_len(u64::MAX)),
                    generic(value_len(0)),
                    generic(value_len(long)),
                    generic(value_len(u64::MAX)),
                ],
            ),
            (ck::CKR_TEMPLATE_INCOMPLETE, vec![aes(Template::new()), generic(Template::new())]),
            (
                ck::CKR_TEMPLATE_INCONSISTENT,
                vec![
                    aes(value_len(16).class(ck::CKO_PRIVATE_KEY)),
                    aes(value_len(16).key_type(ck::CKK_GENERIC_SECRET)),
                    aes(value_len(16).and(&value_len(32))),
                    aes(value_len(16).bytes(ck::CKA_MODULUS, [1])),
                ],
            ),
            (
                ck::CKR_ATTRIBUTE_READ_ONLY,
                vec![
                    aes(value_len(16).bytes(ck::CKA_VALUE, [0; 16])),
                    aes(value_len(16).flag(ck::CKA_LOCAL, true)),
                    aes(value_len(16).flag(ck::CKA_TRUSTED, true)),
                ],
            ),
            (
                ck::CKR_ATTRIBUTE_VALUE_INVALID,
                vec![
                    aes(Template::new().bytes(ck::CKA_VALUE_LEN, [16; 4])),
                    aes(value_len(16).bytes(ck::CKA_TOKEN, [2])),
                ],
            ),
            (ck::CKR_ATTRIBUTE_TYPE_INVALID, vec![aes(value_len(16).bytes(0x7fff_1234, [1]))]),
            (
                ck::CKR_MECHANISM_INVALID,
                vec![
                    (ck::CKM_EC_KEY_PAIR_GEN, value_len(16)),
                    (ck::CKM_AES_ECB, value_len(16)),
                    (0xdead_beef, value_len(16)),
                ],
            ),
        ] {
            for (number, (of, template)) in cases.iter().enumerate() {
                let refused = session.generate_key(&Mechanism::plain(*of), template).unwrap_err();
                assert_eq!(refused, code, "number {number}");
            }
        }
        let parameter = Mechanism::bytes(ck::CKM_AES_KEY_GEN, [0; 16]);
        assert_eq!(session.generate_key(&parameter, &value_len(16)).unwrap_err(), ck::CKR_MECHANISM_PARAM_INVALID);
        assert_eq!(session.find(&Template::new()).unwrap(), before, "something was made all the same");
    });
}
