//! Attributes (PKCS#11 3.2 section 4): defaults, what a template must, may and must not say, what may change, what is
//! read. The values of keys are in keys.rs, certificates in certificates.rs.

use kit::{Known, Object, SO_PIN, Session, Template, ck, code, isolated};

/// Booleans of every storage object, as they are by default.
const STORAGE: [(ck::CK_ATTRIBUTE_TYPE, bool); 4] =
    [(ck::CKA_TOKEN, false), (ck::CKA_MODIFIABLE, true), (ck::CKA_COPYABLE, true), (ck::CKA_DESTROYABLE, true)];

fn data() -> Template {
    Template::new().class(ck::CKO_DATA)
}

fn aes() -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES).bytes(ck::CKA_VALUE, [1; 16])
}

fn generic() -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_GENERIC_SECRET).bytes(ck::CKA_VALUE, "a secret")
}

/// The files of objects in the token's directory.
fn files(env: &kit::Env) -> usize {
    let names = std::fs::read_dir(env.home()).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().contains("-") && name.to_string_lossy().ends_with(".object")).count()
}

fn check(session: &Session<'_>, object: Object, flags: &[(ck::CK_ATTRIBUTE_TYPE, bool)]) {
    for (of, value) in flags {
        assert_eq!(session.flag(object, *of), Ok(*value), "{of:#x}");
    }
}

#[test]
fn a_template_that_is_silent_gets_the_defaults() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let private = |is| (ck::CKA_PRIVATE, is);
        let public_key = [
            (ck::CKA_ENCRYPT, false),
            (ck::CKA_VERIFY, true),
            (ck::CKA_VERIFY_RECOVER, false),
            (ck::CKA_WRAP, true),
            (ck::CKA_DERIVE, false),
            (ck::CKA_TRUSTED, false),
            (ck::CKA_LOCAL, false),
        ];
        let private_key = [
            (ck::CKA_SENSITIVE, true),
            (ck::CKA_EXTRACTABLE, false),
            (ck::CKA_ALWAYS_SENSITIVE, false),
            (ck::CKA_NEVER_EXTRACTABLE, false),
            (ck::CKA_DECRYPT, false),
            (ck::CKA_SIGN, true),
            (ck::CKA_SIGN_RECOVER, false),
            (ck::CKA_UNWRAP, true),
            (ck::CKA_DERIVE, true),
            (ck::CKA_WRAP_WITH_TRUSTED, false),
            (ck::CKA_ALWAYS_AUTHENTICATE, false),
            (ck::CKA_LOCAL, false),
        ];
        let secret_key = [
            (ck::CKA_SENSITIVE, false),
            (ck::CKA_EXTRACTABLE, false),
            (ck::CKA_ALWAYS_SENSITIVE, false),
            (ck::CKA_NEVER_EXTRACTABLE, false),
            (ck::CKA_ENCRYPT, true),
            (ck::CKA_DECRYPT, true),
            (ck::CKA_SIGN, true),
            (ck::CKA_VERIFY, true),
            (ck::CKA_WRAP, true),
            (ck::CKA_UNWRAP, true),
            (ck::CKA_DERIVE, false),
            (ck::CKA_TRUSTED, false),
            (ck::CKA_WRAP_WITH_TRUSTED, false),
            (ck::CKA_LOCAL, false),
        ];
        let p256 = Known::p256();
        for (template, is_private, flags) in [
            (data(), true, &[][..]),
            (p256.public, false, &public_key),
            (p256.private, true, &private_key),
            (aes(), true, &secret_key),
        ] {
            let object = session.create(&template).unwrap();
            check(&session, object, &STORAGE);
            check(&session, object, &[private(is_private)]);
            check(&session, object, flags);
            assert_eq!(session.bytes(object, ck::CKA_LABEL).unwrap(), b"");
            if !flags.is_empty() {
                for empty in [ck::CKA_ID, ck::CKA_START_DATE, ck::CKA_END_DATE] {
                    assert_eq!(session.bytes(object, empty).unwrap(), b"");
                }
                let mechanism = session.ulong(object, ck::CKA_KEY_GEN_MECHANISM).unwrap();
                assert_eq!(mechanism, ck::CK_UNAVAILABLE_INFORMATION);
                // Some clients read an empty list as "nothing is allowed".
                assert_eq!(code(session.bytes(object, ck::CKA_ALLOWED_MECHANISMS)), ck::CKR_ATTRIBUTE_TYPE_INVALID);
            }
        }
    });
}

#[test]
fn rsa_keys_can_by_default_do_all_that_rsa_can() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let rsa = Known::rsa();
        let (public, private) = (session.create(&rsa.public).unwrap(), session.create(&rsa.private).unwrap());
        for of in [ck::CKA_ENCRYPT, ck::CKA_VERIFY, ck::CKA_VERIFY_RECOVER, ck::CKA_WRAP] {
            check(&session, public, &[(of, true)]);
        }
        for of in [ck::CKA_DECRYPT, ck::CKA_SIGN, ck::CKA_SIGN_RECOVER, ck::CKA_UNWRAP] {
            check(&session, private, &[(of, true)]);
        }
        check(&session, private, &[(ck::CKA_DERIVE, false)]);
    });
}

#[test]
fn every_required_attribute_is_asked_for() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (rsa, p256) = (Known::rsa(), Known::p256());
        let required: [(Template, &[ck::CK_ATTRIBUTE_TYPE]); 6] = [
            (data(), &[ck::CKA_CLASS]),
            (aes(), &[ck::CKA_CLASS, ck::CKA_KEY_TYPE, ck::CKA_VALUE]),
            (rsa.public, &[ck::CKA_KEY_TYPE, ck::CKA_MODULUS, ck::CKA_PUBLIC_EXPONENT]),
            (rsa.private, &[ck::CKA_KEY_TYPE, ck::CKA_MODULUS, ck::CKA_PRIVATE_EXPONENT]),
            (p256.public, &[ck::CKA_KEY_TYPE, ck::CKA_EC_PARAMS, ck::CKA_EC_POINT]),
            (p256.private, &[ck::CKA_KEY_TYPE, ck::CKA_EC_PARAMS, ck::CKA_VALUE]),
        ];
        for (template, required) in required {
            for of in required {
                let lacking = template.clone().without(*of).token(true);
                assert_eq!(code(session.create(&lacking)), ck::CKR_TEMPLATE_INCOMPLETE, "{of:#x}");
            }
            session.create(&template).unwrap();
        }
        assert_eq!(session.find(&Template::new().token(true)).unwrap(), []);
        assert_eq!(files(env), 0);
    });
}

#[test]
fn a_template_that_is_wrong_is_refused_with_its_own_code_and_leaves_nothing() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (key, secret) = (Known::p256().private, aes());
        let wrong = [
            // Unknown, or not of this object.
            (data().ulong(ck::CKA_VENDOR_DEFINED | 5, 1), ck::CKR_ATTRIBUTE_TYPE_INVALID),
            (data().ulong(0x5fff_ffff, 1), ck::CKR_ATTRIBUTE_TYPE_INVALID),
            (data().key_type(ck::CKK_AES), ck::CKR_TEMPLATE_INCONSISTENT),
            (data().sensitive(true), ck::CKR_TEMPLATE_INCONSISTENT),
            (key.clone().flag(ck::CKA_ENCRYPT, true), ck::CKR_TEMPLATE_INCONSISTENT),
            (secret.clone().bytes(ck::CKA_MODULUS, [1; 128]), ck::CKR_TEMPLATE_INCONSISTENT),
            // Shapes and values.
            (data().bytes(ck::CKA_TOKEN, []), ck::CKR_ATTRIBUTE_VALUE_INVALID),
            (data().bytes(ck::CKA_TOKEN, [0, 0]), ck::CKR_ATTRIBUTE_VALUE_INVALID),
            (data().bytes(ck::CKA_TOKEN, [2]), ck::CKR_ATTRIBUTE_VALUE_INVALID),
            (Template::new().bytes(ck::CKA_CLASS, [0; 4]), ck::CKR_ATTRIBUTE_VALUE_INVALID),
            (secret.clone().bytes(ck::CKA_START_DATE, "2026-1-1"), ck::CKR_ATTRIBUTE_VALUE_INVALID),
            (secret.clone().bytes(ck::CKA_START_DATE, "2026010"), ck::CKR_ATTRIBUTE_VALUE_INVALID),
            (secret.clone().bytes(ck::CKA_ALLOWED_MECHANISMS, [0; 9]), ck::CKR_ATTRIBUTE_VALUE_INVALID),
            (Template::new().class(ck::CKO_MECHANISM), ck::CKR_ATTRIBUTE_VALUE_INVALID),
            (Template::new().class(0x1234), ck::CKR_ATTRIBUTE_VALUE_INVALID),
            (aes().without(ck::CKA_KEY_TYPE).key_type(0x1234), ck::CKR_ATTRIBUTE_VALUE_INVALID),
            // The token's own.
            (data().bytes(ck::CKA_UNIQUE_ID, "mine"), ck::CKR_ATTRIBUTE_READ_ONLY),
            (secret.clone().flag(ck::CKA_LOCAL, true), ck::CKR_ATTRIBUTE_READ_ONLY),
            (secret.clone().flag(ck::CKA_ALWAYS_SENSITIVE, true), ck::CKR_ATTRIBUTE_READ_ONLY),
            (secret.clone().flag(ck::CKA_NEVER_EXTRACTABLE, false), ck::CKR_ATTRIBUTE_READ_ONLY),
            (secret.clone().ulong(ck::CKA_KEY_GEN_MECHANISM, ck::CKM_AES_KEY_GEN), ck::CKR_ATTRIBUTE_READ_ONLY),
            (secret.clone().flag(ck::CKA_TRUSTED, true), ck::CKR_ATTRIBUTE_READ_ONLY),
            // Contradictions.
            (data().label("one").label("two"), ck::CKR_TEMPLATE_INCONSISTENT),
            (key.flag(ck::CKA_ALWAYS_AUTHENTICATE, true).private(false), ck::CKR_TEMPLATE_INCONSISTENT),
        ];
        for (template, expected) in wrong {
            for token in [false, true] {
                // A token attribute of the template's own stays alone.
                let template = if template.said(ck::CKA_TOKEN).is_some() {
                    template.clone()
                } else {
                    template.clone().token(token)
                };
                assert_eq!(code(session.create(&template)), expected, "{template:?}");
            }
        }
        assert_eq!(session.find(&Template::new()).unwrap(), []);
        assert_eq!(files(env), 0);
        session.create(&data().label("twice").label("twice")).unwrap();
    });
}

#[test]
fn only_the_so_makes_something_trusted() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let trusted = Template::new().flag(ck::CKA_TRUSTED, true);
        let public = Known::p256().public.token(true);
        let key = session.create(&public).unwrap();
        assert_eq!(code(session.set(key, &trusted)), ck::CKR_ATTRIBUTE_READ_ONLY);
        session.logout().unwrap();
        session.login(ck::CKU_SO, SO_PIN).unwrap();
        session.set(key, &trusted).unwrap();
        let made = session.create(&public.and(&trusted)).unwrap();
        for object in [key, made] {
            check(&session, object, &[(ck::CKA_TRUSTED, true)]);
        }
        session.logout().unwrap();
        // A copy that the user makes is the user's.
        let copy = session.copy(key, &Template::new()).unwrap();
        check(&session, copy, &[(ck::CKA_TRUSTED, false)]);
    });
}

#[test]
fn what_protects_a_key_only_ever_gets_tighter() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for token in [false, true] {
            let key = session.create(&aes().extractable(true).token(token)).unwrap();
            assert_eq!(session.bytes(key, ck::CKA_VALUE).unwrap(), [1; 16]);
            let wraps = |with| Template::new().flag(ck::CKA_WRAP_WITH_TRUSTED, with);
            session.set(key, &Template::new().sensitive(true)).unwrap();
            session.set(key, &Template::new().extractable(false)).unwrap();
            session.set(key, &wraps(true)).unwrap();
            for back in [Template::new().sensitive(false), Template::new().extractable(true), wraps(false)] {
                assert_eq!(code(session.set(key, &back)), ck::CKR_ATTRIBUTE_READ_ONLY, "{back:?}");
            }
            // As in SoftHSM: not even to what they are.
            for again in [Template::new().sensitive(true), Template::new().extractable(false), wraps(true)] {
                assert_eq!(code(session.set(key, &again)), ck::CKR_ATTRIBUTE_READ_ONLY, "{again:?}");
            }
            assert_eq!(code(session.bytes(key, ck::CKA_VALUE)), ck::CKR_ATTRIBUTE_SENSITIVE);
            check(&session, key, &[(ck::CKA_ALWAYS_SENSITIVE, false), (ck::CKA_NEVER_EXTRACTABLE, false)]);
        }
    });
}

#[test]
fn what_may_change_changes_and_what_may_not_does_not() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for token in [false, true] {
            let key = session.create(&generic().token(token)).unwrap();
            let changes = Template::new()
                .label("ein Schlüssel")
                .id([7; 40])
                .bytes(ck::CKA_START_DATE, "20260101")
                .bytes(ck::CKA_END_DATE, "")
                .flag(ck::CKA_SIGN, false)
                .flag(ck::CKA_DERIVE, true);
            session.set(key, &changes).unwrap();
            for of in [ck::CKA_LABEL, ck::CKA_ID, ck::CKA_START_DATE, ck::CKA_END_DATE, ck::CKA_SIGN, ck::CKA_DERIVE] {
                assert_eq!(session.bytes(key, of).unwrap(), changes.said(of).unwrap(), "{of:#x}");
            }
            for fixed in [
                Template::new().class(ck::CKO_SECRET_KEY),
                Template::new().key_type(ck::CKK_GENERIC_SECRET),
                Template::new().token(!token),
                Template::new().private(false),
                Template::new().modifiable(false),
                Template::new().flag(ck::CKA_DESTROYABLE, false),
                Template::new().flag(ck::CKA_LOCAL, false),
                Template::new().bytes(ck::CKA_VALUE, "another"),
                Template::new().ulong(ck::CKA_VALUE_LEN, 8),
                Template::new().ulongs(ck::CKA_ALLOWED_MECHANISMS, &[ck::CKM_SHA256_HMAC]),
                Template::new().nested(ck::CKA_WRAP_TEMPLATE, Template::new()),
                Template::new().bytes(ck::CKA_UNIQUE_ID, "mine"),
                Template::new().flag(ck::CKA_TRUSTED, true),
            ] {
                assert_eq!(code(session.set(key, &fixed)), ck::CKR_ATTRIBUTE_READ_ONLY, "{fixed:?}");
            }
            for (strange, expected) in [
                (Template::new().bytes(ck::CKA_MODULUS, [1]), ck::CKR_ATTRIBUTE_TYPE_INVALID),
                (Template::new().ulong(ck::CKA_VENDOR_DEFINED | 5, 1), ck::CKR_ATTRIBUTE_TYPE_INVALID),
                (Template::new().bytes(ck::CKA_SIGN, [7]), ck::CKR_ATTRIBUTE_VALUE_INVALID),
            ] {
                assert_eq!(code(session.set(key, &strange)), expected, "{strange:?}");
            }
        }
    });
}

#[test]
fn of_several_changes_with_a_wrong_one_none_is_made() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for token in [false, true] {
            let key = session.create(&aes().label("before").token(token)).unwrap();
            let version =
                |session: &Session<'_>| session.attributes(key, &[ck::CKA_LABEL, ck::CKA_ID, ck::CKA_SIGN], 64);
            let before = version(&session);
            for wrong in [
                Template::new().label("after").id([1]).flag(ck::CKA_LOCAL, true),
                Template::new().flag(ck::CKA_LOCAL, true).label("after").id([1]),
                Template::new().label("after").flag(ck::CKA_SIGN, false).bytes(ck::CKA_DERIVE, [9]),
                Template::new().label("after").ulong(ck::CKA_VENDOR_DEFINED, 1),
                Template::new().label("after").label("twice"),
            ] {
                session.set(key, &wrong).unwrap_err();
                assert_eq!(version(&session), before, "{wrong:?}");
            }
            session.set(key, &Template::new()).unwrap();
            assert_eq!(version(&session), before);
        }
    });
}

#[test]
fn reading_fills_every_entry_that_it_can() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.create(&aes().label("name").sensitive(true)).unwrap();
        let asked = [ck::CKA_LABEL, ck::CKA_VALUE, ck::CKA_MODULUS, 0x5fff_ffff, ck::CKA_VALUE_LEN, ck::CKA_LABEL];
        let (result, values) = session.attributes(key, &asked, 16);
        assert_eq!(code(result), ck::CKR_ATTRIBUTE_SENSITIVE);
        let length = 16u64.to_ne_bytes().to_vec();
        let name = || Some(b"name".to_vec());
        assert_eq!(values, [name(), None, None, None, Some(length), name()]);
        let (result, values) = session.attributes(key, &[ck::CKA_MODULUS, ck::CKA_LABEL], 16);
        assert_eq!((code(result), values), (kit::Rv(ck::CKR_ATTRIBUTE_TYPE_INVALID), vec![None, name()]));
        let (result, values) = session.attributes(key, &[ck::CKA_VALUE_LEN, ck::CKA_LABEL, ck::CKA_SIGN], 4);
        assert_eq!((code(result), values), (kit::Rv(ck::CKR_BUFFER_TOO_SMALL), vec![None, name(), Some(vec![1])]));
        let (result, values) = session.attributes(key, &[], 4);
        assert_eq!((code(result), values), (kit::Rv(ck::CKR_OK), vec![]));
    });
}

/// Reads a template of an object into these entries, or only asks how long it is. The code, and the length it left.
#[allow(unsafe_code)]
fn read_nested(
    session: &Session<'_>,
    key: Object,
    of: ck::CK_ATTRIBUTE_TYPE,
    entries: &mut [ck::CK_ATTRIBUTE],
) -> (ck::CK_RV, usize) {
    let at = if entries.is_empty() { std::ptr::null_mut() } else { entries.as_mut_ptr().cast() };
    let length = size_of_val(entries) as ck::CK_ULONG;
    let mut outer = ck::CK_ATTRIBUTE { type_: of, pValue: at, ulValueLen: length };
    // SAFETY: one entry; its value is NULL or has the room that it says, and so have the entries within.
    let rv = unsafe { session.module.raw().C_GetAttributeValue(session.handle, key.0, &raw mut outer, 1) };
    (rv, outer.ulValueLen as usize)
}

#[test]
fn a_template_within_an_object_is_read_level_by_level() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let p256 = Known::p256();
        for (kind, of) in [
            (aes(), ck::CKA_WRAP_TEMPLATE),
            (aes(), ck::CKA_UNWRAP_TEMPLATE),
            (aes(), ck::CKA_DERIVE_TEMPLATE),
            (p256.public.clone(), ck::CKA_WRAP_TEMPLATE),
            (p256.public, ck::CKA_ENCAPSULATE_TEMPLATE),
            (p256.private.clone(), ck::CKA_UNWRAP_TEMPLATE),
            (p256.private.clone(), ck::CKA_DERIVE_TEMPLATE),
            (p256.private, ck::CKA_DECAPSULATE_TEMPLATE),
        ] {
            read_back(&session, &kind, of);
        }
    });
}

/// Makes an object with this template and reads it in steps.
fn read_back(session: &Session<'_>, kind: &Template, of: ck::CK_ATTRIBUTE_TYPE) {
    let inner = Template::new().class(ck::CKO_SECRET_KEY).label("inner");
    let key = session.create(&kind.clone().nested(of, inner.clone())).unwrap();
    let mut entries = [ck::CK_ATTRIBUTE { type_: 0, pValue: std::ptr::null_mut(), ulValueLen: 0 }; 2];
    let length = size_of_val(&entries);
    assert_eq!(read_nested(session, key, of, &mut []), (ck::CKR_OK, length));
    assert_eq!(read_nested(session, key, of, &mut entries[..1]).0, ck::CKR_BUFFER_TOO_SMALL);
    assert_eq!(read_nested(session, key, of, &mut entries), (ck::CKR_OK, length));
    entries.sort_unstable_by_key(|entry| entry.type_);
    assert_eq!(entries.map(|entry| (entry.type_, entry.ulValueLen)), [(ck::CKA_CLASS, 8), (ck::CKA_LABEL, 5)]);
    let mut buffers = [[0u8; 16]; 2];
    for (entry, buffer) in entries.iter_mut().zip(&mut buffers) {
        (entry.pValue, entry.ulValueLen) = (buffer.as_mut_ptr().cast(), 16);
    }
    assert_eq!(read_nested(session, key, of, &mut entries), (ck::CKR_OK, length));
    let label = entries.iter().position(|entry| entry.type_ == ck::CKA_LABEL).unwrap();
    assert_eq!((&buffers[label][..6], entries[label].ulValueLen), (&b"inner\0"[..], 5));
    let found = |template: Template| session.find(&Template::new().nested(of, template)).unwrap();
    assert_eq!(found(inner.clone()), [key]);
    assert_eq!(found(Template::new().label("inner")), []);
    assert_eq!(found(inner.clone().label("inner").id([1])), []);
    let twice = kind.clone().nested(of, Template::new().nested(ck::CKA_WRAP_TEMPLATE, Template::new()));
    assert_eq!(code(session.create(&twice)), ck::CKR_TEMPLATE_INCONSISTENT);
    // Fixed at the birth.
    assert_eq!(code(session.set(key, &Template::new().nested(of, inner))), ck::CKR_ATTRIBUTE_READ_ONLY);
    session.destroy(key).unwrap();
}

#[test]
fn what_is_not_modifiable_copyable_or_destroyable_is_not_for_anybody() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let p256 = Known::p256();
        for kind in [data(), aes(), p256.public, p256.private] {
            for token in [false, true] {
                let with = |of| session.create(&kind.clone().token(token).private(false).flag(of, false)).unwrap();
                let fixed = with(ck::CKA_MODIFIABLE);
                let kept = with(ck::CKA_DESTROYABLE);
                let single = with(ck::CKA_COPYABLE);
                let name = Template::new().label("new");
                let refused = || {
                    [
                        code(session.set(fixed, &name)),
                        code(session.set(fixed, &Template::new())),
                        code(session.set(fixed, &Template::new().flag(ck::CKA_COPYABLE, false))),
                        code(session.destroy(kept)),
                        code(session.copy(single, &name)),
                        code(session.copy(single, &Template::new().flag(ck::CKA_COPYABLE, true))),
                    ]
                };
                assert_eq!(refused(), [kit::Rv(ck::CKR_ACTION_PROHIBITED); 6]);
                session.logout().unwrap();
                session.login(ck::CKU_SO, SO_PIN).unwrap();
                assert_eq!(refused(), [kit::Rv(ck::CKR_ACTION_PROHIBITED); 6]);
                session.logout().unwrap();
                session.login(ck::CKU_USER, kit::USER_PIN).unwrap();
                // Each forbids one thing only; a copy may be another way, but none can be copied again.
                session.set(kept, &name).unwrap();
                session.destroy(single).unwrap();
                let copy = session.copy(fixed, &Template::new().modifiable(true)).unwrap();
                session.set(copy, &Template::new().flag(ck::CKA_COPYABLE, false)).unwrap();
                let again = session.set(copy, &Template::new().flag(ck::CKA_COPYABLE, true));
                assert_eq!(code(again), ck::CKR_ATTRIBUTE_READ_ONLY);
                session.destroy(copy).unwrap();
                session.destroy(fixed).unwrap();
                let copy = session.copy(kept, &Template::new().flag(ck::CKA_DESTROYABLE, true)).unwrap();
                session.destroy(copy).unwrap();
            }
        }
    });
}

#[test]
fn the_dates_of_a_key_are_what_it_was_told() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let dates =
            |template: Template| template.bytes(ck::CKA_START_DATE, "20260101").bytes(ck::CKA_END_DATE, "20271231");
        let key = session.create(&dates(aes())).unwrap();
        let generated = dates(Template::new().ulong(ck::CKA_VALUE_LEN, 32));
        let generated = session.generate_key(&kit::Mechanism::plain(ck::CKM_AES_KEY_GEN), &generated).unwrap();
        for key in [key, generated, session.copy(key, &Template::new()).unwrap()] {
            assert_eq!(session.bytes(key, ck::CKA_START_DATE).unwrap(), b"20260101");
            assert_eq!(session.bytes(key, ck::CKA_END_DATE).unwrap(), b"20271231");
        }
        assert_eq!(session.find(&dates(Template::new())).unwrap().len(), 3);
    });
}

#[test]
fn a_unique_id_is_given_once_and_for_ever() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let ids = |session: &Session<'_>| {
            let found = session.find(&Template::new()).unwrap();
            let mut ids: Vec<_> = found.iter().map(|o| session.bytes(*o, ck::CKA_UNIQUE_ID).unwrap()).collect();
            ids.sort_unstable();
            ids
        };
        for _ in 0..10 {
            session.create(&data().token(true).private(false)).unwrap();
        }
        let before = ids(&session);
        assert_eq!(before.windows(2).filter(|pair| pair[0] == pair[1]).count(), 0);
        env.elsewhere(|other| {
            let session = other.open_ro(other.slot_of("test").unwrap()).unwrap();
            assert_eq!(ids(&session), before);
        });
    });
}

/// CRC-64 of ECMA-182, by long division of one bit after the other.
fn crc64(data: &[u8]) -> [u8; 8] {
    let bits = data.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
    let divide = |crc: u64, bit: bool| {
        let carry = (crc >> 63 == 1) != bit;
        if carry { crc << 1 ^ 0x42f0_e1eb_a9ea_3693 } else { crc << 1 }
    };
    bits.fold(0, divide).to_be_bytes()
}

#[test]
fn both_halves_of_a_pair_tell_the_checksum_of_what_is_public_in_it() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let rsa = session.rsa_pair(2048);
        let modulus = session.bytes(rsa.0, ck::CKA_MODULUS).unwrap();
        let ml_dsa = session.pq_pair(ck::CKM_ML_DSA_KEY_PAIR_GEN, ck::CKP_ML_DSA_44);
        let value = session.bytes(ml_dsa.0, ck::CKA_VALUE).unwrap();
        for (pair, public) in [(rsa, modulus), (ml_dsa, value)] {
            for half in [pair.0, pair.1] {
                assert_eq!(session.bytes(half, ck::CKA_PUBLIC_CRC64_VALUE), Ok(crc64(&public).to_vec()));
            }
        }
        // On curves the standard defines none.
        let p256 = session.create(&Known::p256().public).unwrap();
        assert_eq!(code(session.bytes(p256, ck::CKA_PUBLIC_CRC64_VALUE)), ck::CKR_ATTRIBUTE_TYPE_INVALID);
        for (known, crc) in [(Known::rsa(), [1; 8]), (Known::p256(), [0; 8])] {
            let wrong = known.public.bytes(ck::CKA_PUBLIC_CRC64_VALUE, crc);
            assert_eq!(code(session.create(&wrong)), ck::CKR_ATTRIBUTE_VALUE_INVALID);
        }
    });
}
