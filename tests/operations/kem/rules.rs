//! Which keys may, what the new key is, and what makes none.

use crate::kem::{of_length, open, value, ways};
use kit::{Mechanism, Object, Session, Template, USER_PIN, ck, code, isolated};

const KEM: ck::CK_MECHANISM_TYPE = ck::CKM_ML_KEM;

/// A pair of ML-KEM-512 with more in its templates.
fn pair(session: &Session<'_>, public: &Template, private: &Template) -> (Object, Object) {
    let public = public.clone().ulong(ck::CKA_PARAMETER_SET, ck::CKP_ML_KEM_512);
    session.generate_key_pair(&Mechanism::plain(ck::CKM_ML_KEM_KEY_PAIR_GEN), &public, private).unwrap()
}

fn both(session: &Session<'_>, (public, private): (Object, Object), template: &Template) -> [Object; 2] {
    let plain = Mechanism::plain(KEM);
    let (ciphertext, one) = session.encapsulate(&plain, public, template).unwrap();
    [one, session.decapsulate(&plain, private, template, &ciphertext).unwrap()]
}

#[test]
fn a_new_key_has_the_attributes_that_the_standard_gives_it() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let pair = pair(&session, &Template::new(), &Template::new());
        for key in both(&session, pair, &Template::new()) {
            assert_eq!(session.ulong(key, ck::CKA_CLASS).unwrap(), ck::CKO_SECRET_KEY);
            assert_eq!(session.ulong(key, ck::CKA_KEY_TYPE).unwrap(), ck::CKK_GENERIC_SECRET);
            assert_eq!(session.ulong(key, ck::CKA_VALUE_LEN).unwrap(), 32);
            for (of, expected) in [
                (ck::CKA_EXTRACTABLE, true),
                (ck::CKA_SENSITIVE, false),
                (ck::CKA_ALWAYS_SENSITIVE, false),
                (ck::CKA_NEVER_EXTRACTABLE, false),
                (ck::CKA_LOCAL, false),
                (ck::CKA_PRIVATE, true),
                (ck::CKA_TOKEN, false),
            ] {
                assert_eq!(session.flag(key, of).unwrap(), expected, "{of:#x}");
            }
            let generator = session.ulong(key, ck::CKA_KEY_GEN_MECHANISM).unwrap();
            assert_eq!(generator, ck::CK_UNAVAILABLE_INFORMATION);
        }
        let wanted = Template::new().key_type(ck::CKK_AES).sensitive(true).extractable(false).token(true).label("kept");
        for key in both(&session, pair, &wanted) {
            assert!(session.flag(key, ck::CKA_TOKEN).unwrap() && session.flag(key, ck::CKA_SENSITIVE).unwrap());
            assert!(!session.flag(key, ck::CKA_EXTRACTABLE).unwrap());
            assert!(!session.flag(key, ck::CKA_ALWAYS_SENSITIVE).unwrap());
            assert_eq!(session.bytes(key, ck::CKA_VALUE).unwrap_err(), ck::CKR_ATTRIBUTE_SENSITIVE);
        }
        assert_eq!(session.find(&Template::new().label("kept")).unwrap().len(), 2);
    });
}

#[test]
fn neither_a_length_query_nor_a_short_buffer_makes_a_key() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (mechanism, (public, _), length, _) in ways(&session) {
            let template = of_length(32).label("new");
            let count = || session.find(&Template::new().label("new")).unwrap().len();
            let before = count();
            assert_eq!(session.encapsulate_len(&mechanism, public, &template).unwrap(), length);
            for room in [0, 1, length - 1] {
                let (made, told) = session.encapsulate_into(&mechanism, public, &template, &mut vec![0; room]);
                assert_eq!((code(made), told), (kit::Rv(ck::CKR_BUFFER_TOO_SMALL), length));
            }
            assert_eq!(count(), before);
            let (made, told) = session.encapsulate_into(&mechanism, public, &template, &mut vec![0; length + 9]);
            made.unwrap();
            assert_eq!((told, count()), (length, before + 1));
        }
    });
}

#[test]
fn templates_of_the_key_are_added_and_not_contradicted() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let adds = Template::new().sensitive(true).label("made so");
        let public = Template::new().nested(ck::CKA_ENCAPSULATE_TEMPLATE, adds.clone());
        let private = Template::new().nested(ck::CKA_DECAPSULATE_TEMPLATE, adds);
        let (public, private) = pair(&session, &public, &private);
        for template in [Template::new(), Template::new().sensitive(true)] {
            for key in both(&session, (public, private), &template) {
                assert!(session.flag(key, ck::CKA_SENSITIVE).unwrap());
                assert_eq!(session.bytes(key, ck::CKA_LABEL).unwrap(), b"made so");
            }
        }
        let plain = Mechanism::plain(KEM);
        let refused = session.encapsulate(&plain, public, &Template::new().sensitive(false));
        assert_eq!(code(refused), ck::CKR_KEY_HANDLE_INVALID);
        let refused = session.decapsulate(&plain, private, &Template::new().sensitive(false), &[1; 768]);
        assert_eq!(code(refused), ck::CKR_TEMPLATE_INCONSISTENT);
    });
}

#[test]
fn a_key_must_be_of_the_kind_and_for_the_use() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let plain = Mechanism::plain(KEM);
        let encapsulate = |key| code(session.encapsulate(&plain, key, &open()));
        let decapsulate = |key| code(session.decapsulate(&plain, key, &open(), &[1; 768]));
        let (public, private) = pair(&session, &Template::new(), &Template::new());
        let (ml, aes) = (session.pq_pair(ck::CKM_ML_DSA_KEY_PAIR_GEN, 1), session.aes(&[1; 16]));
        for key in [private, ml.0, ml.1, aes] {
            assert_eq!(encapsulate(key), ck::CKR_KEY_TYPE_INCONSISTENT);
        }
        for key in [public, ml.0, ml.1, aes] {
            assert_eq!(decapsulate(key), ck::CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
        }
        assert_eq!(encapsulate(Object(0)), ck::CKR_KEY_HANDLE_INVALID);
        assert_eq!(decapsulate(Object(0)), ck::CKR_UNWRAPPING_KEY_HANDLE_INVALID);
        for (of, key) in [(ck::CKA_ENCAPSULATE, public), (ck::CKA_DECAPSULATE, private)] {
            session.set(key, &Template::new().flag(of, false)).unwrap();
        }
        assert_eq!(encapsulate(public), ck::CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_eq!(decapsulate(private), ck::CKR_KEY_FUNCTION_NOT_PERMITTED);
        let other = Template::new().ulongs(ck::CKA_ALLOWED_MECHANISMS, &[ck::CKM_AES_ECB]);
        let (public, private) = pair(&session, &other, &other);
        assert_eq!(encapsulate(public), ck::CKR_MECHANISM_INVALID);
        assert_eq!(decapsulate(private), ck::CKR_MECHANISM_INVALID);
        let wrong = Mechanism::plain(ck::CKM_SHA256);
        assert_eq!(code(session.encapsulate(&wrong, public, &open())), ck::CKR_MECHANISM_INVALID);
        assert_eq!(code(session.decapsulate(&wrong, private, &open(), &[1; 768])), ck::CKR_MECHANISM_INVALID);
    });
}

#[test]
fn templates_that_no_shared_key_can_have_are_refused() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = pair(&session, &Template::new(), &Template::new());
        let plain = Mechanism::plain(KEM);
        for (template, expected) in [
            (Template::new().class(ck::CKO_PRIVATE_KEY).key_type(ck::CKK_RSA), ck::CKR_TEMPLATE_INCONSISTENT),
            (Template::new().class(ck::CKO_DATA), ck::CKR_TEMPLATE_INCONSISTENT),
            (Template::new().key_type(ck::CKK_RSA), ck::CKR_ATTRIBUTE_VALUE_INVALID),
            (Template::new().bytes(ck::CKA_VALUE, [1; 32]), ck::CKR_ATTRIBUTE_READ_ONLY),
            (Template::new().flag(ck::CKA_LOCAL, true), ck::CKR_ATTRIBUTE_READ_ONLY),
            (Template::new().bytes(ck::CKA_MODULUS, [1]), ck::CKR_TEMPLATE_INCONSISTENT),
        ] {
            assert_eq!(code(session.encapsulate(&plain, public, &template)), expected);
            assert_eq!(code(session.decapsulate(&plain, private, &template, &[1; 768])), expected);
        }
    });
}

#[test]
fn sessions_and_logins_limit_what_is_made() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let reader = module.open_ro(session.info().unwrap().slotID).unwrap();
        let (public, private) = pair(&session, &Template::new(), &Template::new());
        let plain = Mechanism::plain(KEM);
        let token = open().token(true);
        assert_eq!(code(reader.encapsulate(&plain, public, &token)), ck::CKR_SESSION_READ_ONLY);
        assert_eq!(code(reader.decapsulate(&plain, private, &token, &[1; 768])), ck::CKR_SESSION_READ_ONLY);
        reader.encapsulate(&plain, public, &open()).unwrap();
        session.logout().unwrap();
        assert_eq!(code(session.encapsulate(&plain, public, &open())), ck::CKR_USER_NOT_LOGGED_IN);
        session.encapsulate(&plain, public, &open().private(false)).unwrap();
        let gone = session.decapsulate(&plain, private, &open().private(false), &[1; 768]);
        assert_eq!(code(gone), ck::CKR_UNWRAPPING_KEY_HANDLE_INVALID);
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        let careful = Template::new().flag(ck::CKA_ALWAYS_AUTHENTICATE, true);
        let (public, private) = pair(&session, &Template::new(), &careful);
        let (ciphertext, _) = session.encapsulate(&plain, public, &open()).unwrap();
        let refused = session.decapsulate(&plain, private, &open(), &ciphertext);
        assert_eq!(code(refused), ck::CKR_USER_NOT_LOGGED_IN);
    });
}

#[test]
fn a_key_of_the_right_check_value_only_is_made() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = pair(&session, &Template::new(), &Template::new());
        let plain = Mechanism::plain(KEM);
        let (ciphertext, key) = session.encapsulate(&plain, public, &open()).unwrap();
        let check = session.bytes(key, ck::CKA_CHECK_VALUE).unwrap();
        let told = open().bytes(ck::CKA_CHECK_VALUE, &check);
        let same = session.decapsulate(&plain, private, &told, &ciphertext).unwrap();
        assert_eq!(value(&session, same), value(&session, key));
        let told = open().bytes(ck::CKA_CHECK_VALUE, [check[0] ^ 1, check[1], check[2]]);
        let refused = session.decapsulate(&plain, private, &told, &ciphertext);
        assert_eq!(code(refused), ck::CKR_WRAPPED_KEY_INVALID);
    });
}

#[test]
fn with_strict_a_new_key_has_one_purpose() {
    isolated(|env| {
        env.configure("strict = true");
        let module = env.module();
        let session = env.user(&module);
        let pair = pair(&session, &Template::new(), &Template::new());
        for key in both(&session, pair, &Template::new().key_type(ck::CKK_AES)) {
            assert!(session.flag(key, ck::CKA_ENCRYPT).unwrap());
            assert!(!session.flag(key, ck::CKA_WRAP).unwrap() && !session.flag(key, ck::CKA_SIGN).unwrap());
        }
        let two = Template::new().key_type(ck::CKK_AES).flag(ck::CKA_ENCRYPT, true).flag(ck::CKA_SIGN, true);
        let refused = session.encapsulate(&Mechanism::plain(KEM), pair.0, &two);
        assert_eq!(code(refused), ck::CKR_TEMPLATE_INCONSISTENT);
    });
}

#[test]
fn a_place_for_the_handle_is_there_unless_only_the_length_is_asked_for() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = pair(&session, &Template::new(), &Template::new());
        assert_eq!(without_places(&session, public, private), [ck::CKR_ARGUMENTS_BAD; 4]);
    });
}

/// Calls that lack a place for the handle, the length, the ciphertext.
#[allow(unsafe_code)]
fn without_places(session: &Session<'_>, public: Object, private: Object) -> [ck::CK_RV; 4] {
    use std::ptr::null_mut;
    let raw = session.module.raw();
    let mut mechanism = ck::CK_MECHANISM { mechanism: KEM, pParameter: null_mut(), ulParameterLen: 0 };
    let (at, mut room, mut length, mut key) = (&raw mut mechanism, [0u8; 768], 768, 0);
    let (to, told, handle, session) = (room.as_mut_ptr(), &raw mut length, &raw mut key, session.handle);
    // SAFETY: places for what the lengths say, or NULL.
    unsafe {
        [
            raw.C_EncapsulateKey(session, at, public.0, null_mut(), 0, to, told, null_mut()),
            raw.C_EncapsulateKey(session, at, public.0, null_mut(), 0, to, null_mut(), handle),
            raw.C_DecapsulateKey(session, at, private.0, null_mut(), 0, null_mut(), 768, handle),
            raw.C_DecapsulateKey(session, at, private.0, null_mut(), 0, to, 768, null_mut()),
        ]
    }
}
