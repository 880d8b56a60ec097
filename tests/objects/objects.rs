//! Chapter "object management" (PKCS#11 3.2 section 5.7): objects made, copied, destroyed, kept, and who may do it.
//! Attributes are in attributes.rs, searches in search.rs.

use kit::{Object, SO_PIN, Session, Template, USER_PIN, ck, code, isolated};

fn data(label: &str) -> Template {
    Template::new().class(ck::CKO_DATA).label(label).bytes(ck::CKA_VALUE, b"value")
}

fn aes(value: &[u8]) -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES).bytes(ck::CKA_VALUE, value)
}

fn found(session: &Session<'_>, label: &str) -> Vec<Object> {
    session.find(&Template::new().label(label)).unwrap()
}

#[test]
fn token_objects_survive_c_finalize_with_every_attribute() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for private in [false, true] {
            let full = data(if private { "hidden" } else { "open" })
                .token(true)
                .private(private)
                .bytes(ck::CKA_APPLICATION, "app")
                .bytes(ck::CKA_OBJECT_ID, [6, 3, 42, 3, 4]);
            session.create(&full).unwrap();
        }
        session.create(&data("passing")).unwrap();
        module.finalize().unwrap();
        module.initialize().unwrap();
        let session = module.open_rw(module.slots().unwrap()[0]).unwrap();
        assert_eq!(found(&session, "hidden"), []);
        for label in ["open", "hidden"] {
            let object = found(&session, label)[0];
            assert!(session.flag(object, ck::CKA_TOKEN).unwrap());
            assert_eq!(session.flag(object, ck::CKA_PRIVATE).unwrap(), label == "hidden");
            assert_eq!(session.bytes(object, ck::CKA_VALUE).unwrap(), b"value");
            assert_eq!(session.bytes(object, ck::CKA_APPLICATION).unwrap(), b"app");
            assert_eq!(session.bytes(object, ck::CKA_OBJECT_ID).unwrap(), [6, 3, 42, 3, 4]);
            if label == "open" {
                session.login(ck::CKU_USER, USER_PIN).unwrap();
            }
        }
        assert_eq!(session.find(&Template::new()).unwrap().len(), 2);
    });
}

#[test]
fn public_objects_are_for_everyone_and_private_ones_for_the_user_alone() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let open = session.create(&data("open").token(true).private(false)).unwrap();
        let hidden = session.create(&data("hidden").token(true).private(true)).unwrap();
        session.logout().unwrap();
        let as_others = |session: &Session<'_>| {
            assert_eq!(session.find(&Template::new()).unwrap(), [open]);
            assert_eq!(session.bytes(open, ck::CKA_VALUE).unwrap(), b"value");
            assert_eq!(code(session.bytes(hidden, ck::CKA_VALUE)), ck::CKR_OBJECT_HANDLE_INVALID);
            assert_eq!(code(session.destroy(hidden)), ck::CKR_OBJECT_HANDLE_INVALID);
            assert_eq!(code(session.copy(hidden, &Template::new())), ck::CKR_OBJECT_HANDLE_INVALID);
            assert_eq!(code(session.create(&data("x").private(true))), ck::CKR_USER_NOT_LOGGED_IN);
            assert_eq!(code(session.create(&data("x").private(true).token(true))), ck::CKR_USER_NOT_LOGGED_IN);
            let more = session.copy(open, &Template::new().label("more")).unwrap();
            let hide = Template::new().private(true);
            assert_eq!(code(session.copy(open, &hide)), ck::CKR_USER_NOT_LOGGED_IN);
            session.set(more, &Template::new().label("changed")).unwrap();
            session.destroy(more).unwrap();
        };
        as_others(&session);
        session.login(ck::CKU_SO, SO_PIN).unwrap();
        as_others(&session);
        session.logout().unwrap();
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        assert_eq!(session.find(&Template::new()).unwrap().len(), 2);
    });
}

#[test]
fn a_read_only_session_writes_no_token_object() {
    isolated(|env| {
        let module = env.module();
        let writer = env.user(&module);
        let reader = module.open_ro(0).unwrap();
        let stored = writer.create(&data("stored").token(true)).unwrap();
        assert_eq!(code(reader.create(&data("x").token(true))), ck::CKR_SESSION_READ_ONLY);
        assert_eq!(code(reader.destroy(stored)), ck::CKR_SESSION_READ_ONLY);
        assert_eq!(code(reader.set(stored, &Template::new().label("x"))), ck::CKR_SESSION_READ_ONLY);
        assert_eq!(code(reader.copy(stored, &Template::new())), ck::CKR_SESSION_READ_ONLY);
        let passing = reader.copy(stored, &Template::new().token(false)).unwrap();
        reader.set(passing, &Template::new().label("mine")).unwrap();
        assert_eq!(code(reader.copy(passing, &Template::new().token(true))), ck::CKR_SESSION_READ_ONLY);
        reader.destroy(passing).unwrap();
        assert_eq!(reader.bytes(stored, ck::CKA_LABEL).unwrap(), b"stored");
    });
}

#[test]
fn a_copy_is_an_object_of_its_own() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let original = session.create(&data("one").token(true)).unwrap();
        let copy = session.copy(original, &Template::new().label("two").token(false)).unwrap();
        assert_ne!(copy, original);
        assert_eq!(session.bytes(copy, ck::CKA_VALUE).unwrap(), b"value");
        assert!(!session.flag(copy, ck::CKA_TOKEN).unwrap());
        let unique = [original, copy].map(|object| session.bytes(object, ck::CKA_UNIQUE_ID).unwrap());
        assert_ne!(unique[0], unique[1]);
        assert_eq!(session.size(original).unwrap(), session.size(copy).unwrap());
        // As with all that it inherits, a template may repeat it.
        for (object, own) in [original, copy].into_iter().zip(&unique) {
            let repeated = session.copy(object, &Template::new().bytes(ck::CKA_UNIQUE_ID, own)).unwrap();
            assert_ne!(&session.bytes(repeated, ck::CKA_UNIQUE_ID).unwrap(), own);
            session.destroy(repeated).unwrap();
        }
        session.set(copy, &Template::new().label("three")).unwrap();
        assert_eq!(session.bytes(original, ck::CKA_LABEL).unwrap(), b"one");
        session.destroy(original).unwrap();
        assert_eq!(session.bytes(copy, ck::CKA_LABEL).unwrap(), b"three");
        let kept = session.copy(copy, &Template::new().token(true)).unwrap();
        assert!(session.flag(kept, ck::CKA_TOKEN).unwrap());
    });
}

#[test]
fn a_copy_can_be_hidden_and_tightened_but_not_the_other_way() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.create(&aes(&[1; 16]).extractable(true).private(false)).unwrap();
        let tight = Template::new().sensitive(true).extractable(false).private(true);
        let tightened = session.copy(key, &tight).unwrap();
        assert_eq!(code(session.bytes(tightened, ck::CKA_VALUE)), ck::CKR_ATTRIBUTE_SENSITIVE);
        for loose in [
            Template::new().sensitive(false),
            Template::new().extractable(true),
            Template::new().private(false),
            Template::new().private(false).label("several"),
        ] {
            assert_eq!(code(session.copy(tightened, &loose)), ck::CKR_TEMPLATE_INCONSISTENT, "{loose:?}");
        }
        // Repeating what is there is fine.
        session.copy(tightened, &tight).unwrap();
        for fixed in [
            Template::new().bytes(ck::CKA_VALUE, [2; 16]),
            Template::new().ulong(ck::CKA_VALUE_LEN, 32),
            Template::new().class(ck::CKO_DATA),
            Template::new().key_type(ck::CKK_GENERIC_SECRET),
            Template::new().flag(ck::CKA_LOCAL, true),
        ] {
            assert_eq!(code(session.copy(key, &fixed)), ck::CKR_ATTRIBUTE_READ_ONLY, "{fixed:?}");
        }
        // What cannot be read is not repeated either: that would tell whether it was guessed right.
        let repeated = Template::new().bytes(ck::CKA_VALUE, [1; 16]);
        session.destroy(session.copy(key, &repeated).unwrap()).unwrap();
        assert_eq!(code(session.copy(tightened, &repeated)), ck::CKR_ATTRIBUTE_READ_ONLY);
        assert_eq!(session.find(&aes(&[]).without(ck::CKA_VALUE)).unwrap().len(), 3);
    });
}

#[test]
fn what_may_not_be_modified_copied_or_destroyed_is_not() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for token in [false, true] {
            let fixed = session.create(&data("fixed").token(token).modifiable(false)).unwrap();
            assert_eq!(code(session.set(fixed, &Template::new().label("x"))), ck::CKR_ACTION_PROHIBITED);
            let thawed = session.copy(fixed, &Template::new().modifiable(true)).unwrap();
            session.set(thawed, &Template::new().label("x")).unwrap();
            let single = session.create(&data("single").token(token).flag(ck::CKA_COPYABLE, false)).unwrap();
            assert_eq!(code(session.copy(single, &Template::new())), ck::CKR_ACTION_PROHIBITED);
            let copyable = Template::new().flag(ck::CKA_COPYABLE, true);
            assert_eq!(code(session.set(single, &copyable)), ck::CKR_ATTRIBUTE_READ_ONLY);
            let lasting = session.create(&data("lasting").token(token).flag(ck::CKA_DESTROYABLE, false)).unwrap();
            assert_eq!(code(session.destroy(lasting)), ck::CKR_ACTION_PROHIBITED);
            assert_eq!(session.bytes(lasting, ck::CKA_LABEL).unwrap(), b"lasting");
        }
    });
}

#[test]
fn a_destroyed_object_is_gone_and_its_handle_dead() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for token in [false, true] {
            let object = session.create(&data("x").token(token)).unwrap();
            session.destroy(object).unwrap();
            for found in [
                code(session.destroy(object)),
                code(session.size(object)),
                code(session.bytes(object, ck::CKA_LABEL)),
                code(session.set(object, &Template::new().label("y"))),
                code(session.copy(object, &Template::new())),
            ] {
                assert_eq!(found, ck::CKR_OBJECT_HANDLE_INVALID);
            }
            assert_eq!(session.find(&data("x")).unwrap(), []);
        }
        for never in [Object(0), Object(u64::MAX)] {
            assert_eq!(code(session.destroy(never)), ck::CKR_OBJECT_HANDLE_INVALID);
        }
    });
}

#[test]
fn an_object_destroyed_or_changed_in_one_process_is_so_in_another() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let goes = session.create(&data("goes").token(true).private(true)).unwrap();
        let changes = session.create(&data("changes").token(true).private(false)).unwrap();
        env.elsewhere(|other| {
            let session = other.session("test");
            session.login(ck::CKU_USER, USER_PIN).unwrap();
            session.destroy(found(&session, "goes")[0]).unwrap();
            let changed = found(&session, "changes")[0];
            session.set(changed, &Template::new().label("changed")).unwrap();
            session.create(&data("made").token(true)).unwrap();
        });
        assert_eq!(found(&session, "goes"), []);
        assert_eq!(code(session.destroy(goes)), ck::CKR_OBJECT_HANDLE_INVALID);
        // The same object, so the same handle.
        assert_eq!(found(&session, "changed"), [changes]);
        assert_eq!(session.bytes(changes, ck::CKA_LABEL).unwrap(), b"changed");
        let made = found(&session, "made")[0];
        assert_eq!(session.bytes(made, ck::CKA_VALUE).unwrap(), b"value");
        session.set(made, &Template::new().label("mine")).unwrap();
        session.destroy(changes).unwrap();
    });
}

#[test]
fn processes_that_write_at_once_lose_nothing() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let shared = session.create(&data("shared").token(true)).unwrap();
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                kit::Forked::start(|| {
                    let module = env.module();
                    let session = module.session("test");
                    session.login(ck::CKU_USER, USER_PIN).unwrap();
                    let shared = found(&session, "shared")[0];
                    for object in 0..20 {
                        let label = format!("{writer}-{object}");
                        session.create(&data(&label).token(true)).unwrap();
                        session.set(shared, &Template::new().bytes(ck::CKA_APPLICATION, label)).unwrap();
                    }
                    module.finalize().unwrap();
                })
            })
            .collect();
        for writer in writers {
            assert!(writer.wait().success());
        }
        assert_eq!(session.find(&Template::new().class(ck::CKO_DATA)).unwrap().len(), 61);
        for (writer, object) in (0..3).flat_map(|writer| (0..20).map(move |object| (writer, object))) {
            assert_eq!(found(&session, &format!("{writer}-{object}")).len(), 1);
        }
        assert!(session.bytes(shared, ck::CKA_APPLICATION).unwrap().ends_with(b"-19"));
    });
}

#[test]
fn the_size_of_an_object_is_a_number_that_grows_with_it() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for token in [false, true] {
            let small = session.create(&data("x").token(token)).unwrap();
            let large = session.create(&data("x").token(token).bytes(ck::CKA_APPLICATION, "a".repeat(10_000))).unwrap();
            let (small, large) = (session.size(small).unwrap(), session.size(large).unwrap());
            assert!(small > 5 && small < 2000 && large > small + 9_000 && large < 20_000, "{small} {large}");
        }
    });
}

#[test]
fn large_values_are_kept_whole() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let value: Vec<u8> = (0..1_000_000u32).map(|n| ((n * 7) >> 3) as u8).collect();
        for private in [false, true] {
            let large = data("large").without(ck::CKA_VALUE).bytes(ck::CKA_VALUE, &value).token(true).private(private);
            session.create(&large).unwrap();
        }
        env.elsewhere(|other| {
            let session = other.session("test");
            session.login(ck::CKU_USER, USER_PIN).unwrap();
            for object in found(&session, "large") {
                assert!(session.bytes(object, ck::CKA_VALUE).unwrap() == value);
            }
        });
    });
}

#[test]
#[allow(unsafe_code)]
fn null_arguments_are_refused() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let object = session.create(&data("x")).unwrap();
        let (raw, session, object, null) = (module.raw(), session.handle, object.0, std::ptr::null_mut());
        let mut handle = 0;
        // SAFETY: NULL is what is tested.
        let codes = unsafe {
            [
                raw.C_CreateObject(session, null, 1, &raw mut handle),
                raw.C_CreateObject(session, null, 0, std::ptr::null_mut()),
                raw.C_CopyObject(session, object, null, 1, &raw mut handle),
                raw.C_CopyObject(session, object, null, 0, std::ptr::null_mut()),
                raw.C_GetObjectSize(session, object, std::ptr::null_mut()),
                raw.C_GetAttributeValue(session, object, null, 1),
                raw.C_SetAttributeValue(session, object, null, 1),
                raw.C_FindObjectsInit(session, null, 1),
                raw.C_CreateObject(session, null, u64::MAX, &raw mut handle),
            ]
        };
        assert_eq!(codes, [ck::CKR_ARGUMENTS_BAD; 9]);
        // SAFETY: likewise; no attributes at all are a template.
        assert_eq!(unsafe { raw.C_CreateObject(session, null, 0, &raw mut handle) }, ck::CKR_TEMPLATE_INCOMPLETE);
        // SAFETY: likewise.
        let begun = unsafe { raw.C_FindObjectsInit(session, null, 0) };
        // SAFETY: likewise.
        let found = unsafe { raw.C_FindObjects(session, std::ptr::null_mut(), 1, &raw mut handle) };
        assert_eq!([begun, found], [ck::CKR_OK, ck::CKR_ARGUMENTS_BAD]);
    });
}
