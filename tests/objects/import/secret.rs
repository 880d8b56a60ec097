//! Secret keys.

use crate::import::never_was_hidden;
use kit::{Mechanism, Template, ck, hex, isolated};

/// AES-128 key of FIPS 197 appendix B, and the first bytes of what it makes of zeros.
const KEY: &str = "2b7e151628aed2a6abf7158809cf4f3c";
const CHECK: &str = "7df76b";

fn aes() -> Template {
    Template::secret_key(ck::CKK_AES, &hex(KEY))
}

#[test]
fn length_and_check_value_are_computed_and_may_be_told_if_they_are_right() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let told = aes().ulong(ck::CKA_VALUE_LEN, 16).bytes(ck::CKA_CHECK_VALUE, hex(CHECK));
        for template in [aes(), told] {
            let key = session.create(&template).unwrap();
            never_was_hidden(&session, key);
            assert_eq!(session.ulong(key, ck::CKA_VALUE_LEN).unwrap(), 16);
            assert_eq!(session.bytes(key, ck::CKA_CHECK_VALUE).unwrap(), hex(CHECK));
        }
        // An empty one asks that there be none.
        let none = session.create(&aes().bytes(ck::CKA_CHECK_VALUE, [])).unwrap();
        assert_eq!(session.bytes(none, ck::CKA_CHECK_VALUE).unwrap(), []);
        // SHA-1 of "abc"
        let key = session.create(&Template::secret_key(ck::CKK_GENERIC_SECRET, b"abc")).unwrap();
        assert_eq!(session.bytes(key, ck::CKA_CHECK_VALUE).unwrap(), hex("a9993e"));
    });
}

#[test]
fn what_contradicts_the_value_or_is_no_key_is_refused_with_its_code() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let class = || Template::new().class(ck::CKO_SECRET_KEY);
        let of = |length| Template::secret_key(ck::CKK_AES, &vec![1; length]);
        for (code, cases) in [
            (
                ck::CKR_ATTRIBUTE_VALUE_INVALID,
                vec![
                    of(0),
                    of(1),
                    of(15),
                    of(17),
                    of(33),
                    of(64),
                    aes().ulong(ck::CKA_VALUE_LEN, 15),
                    aes().ulong(ck::CKA_VALUE_LEN, u64::MAX),
                    aes().bytes(ck::CKA_VALUE_LEN, [16]),
                    aes().bytes(ck::CKA_CHECK_VALUE, [1, 2, 3]),
                    aes().bytes(ck::CKA_CHECK_VALUE, hex("7df7")),
                    aes().bytes(ck::CKA_SENSITIVE, []),
                    aes().bytes(ck::CKA_ENCRYPT, [2]),
                    Template::secret_key(ck::CKK_GENERIC_SECRET, &[]),
                    Template::secret_key(ck::CKK_GENERIC_SECRET, &vec![1; (1 << 20) + 1]),
                    class().key_type(0xdead).bytes(ck::CKA_VALUE, [1; 16]),
                ],
            ),
            (
                ck::CKR_TEMPLATE_INCOMPLETE,
                vec![
                    class(),
                    class().key_type(ck::CKK_AES),
                    class().bytes(ck::CKA_VALUE, [1; 16]),
                    Template::new().key_type(ck::CKK_AES).bytes(ck::CKA_VALUE, [1; 16]),
                    Template::new(),
                ],
            ),
            (
                ck::CKR_TEMPLATE_INCONSISTENT,
                vec![
                    aes().bytes(ck::CKA_MODULUS, [1]),
                    aes().bytes(ck::CKA_EC_POINT, [1]),
                    aes().flag(ck::CKA_ALWAYS_AUTHENTICATE, true),
                    aes().bytes(ck::CKA_VALUE, [2; 16]),
                ],
            ),
            (
                ck::CKR_ATTRIBUTE_READ_ONLY,
                vec![
                    aes().flag(ck::CKA_LOCAL, true),
                    aes().flag(ck::CKA_LOCAL, false),
                    aes().flag(ck::CKA_ALWAYS_SENSITIVE, true),
                    aes().flag(ck::CKA_NEVER_EXTRACTABLE, true),
                    aes().ulong(ck::CKA_KEY_GEN_MECHANISM, ck::CKM_AES_KEY_GEN),
                    aes().flag(ck::CKA_TRUSTED, true),
                ],
            ),
            (ck::CKR_ATTRIBUTE_TYPE_INVALID, vec![aes().bytes(0x7fff_1234, [1])]),
        ] {
            for (number, template) in cases.iter().enumerate() {
                assert_eq!(session.create(template).unwrap_err(), code, "number {number}");
            }
        }
        assert_eq!(session.find(&Template::new()).unwrap(), []);
    });
}

#[test]
fn a_value_is_readable_only_when_it_may_be() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (sensitive, extractable) in [(false, true), (true, true), (false, false), (true, false)] {
            let key = session.create(&aes().sensitive(sensitive).extractable(extractable)).unwrap();
            never_was_hidden(&session, key);
            match session.bytes(key, ck::CKA_VALUE) {
                Ok(value) => assert!(value == hex(KEY) && !sensitive && extractable),
                Err(hidden) => assert!(hidden == ck::CKR_ATTRIBUTE_SENSITIVE && (sensitive || !extractable)),
            }
            let zeros = session.encrypt_with(&Mechanism::plain(ck::CKM_AES_ECB), key, &[0; 16]).unwrap();
            assert_eq!(zeros[..3], hex(CHECK));
        }
    });
}

#[test]
fn a_long_secret_is_kept_whole_on_the_token() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let value: Vec<u8> = (0..1u32 << 20).map(|n| (n % 251) as u8).collect();
        let template = Template::secret_key(ck::CKK_GENERIC_SECRET, &value).token(true);
        let key = session.create(&template.sensitive(false).extractable(true)).unwrap();
        assert!(session.bytes(key, ck::CKA_VALUE).unwrap() == value);
        assert_eq!(session.ulong(key, ck::CKA_VALUE_LEN).unwrap(), 1 << 20);
    });
}
