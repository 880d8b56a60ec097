//! C_FindObjectsInit, C_FindObjects and C_FindObjectsFinal (PKCS#11 3.2 section 5.7.7).

use kit::{Known, Object, Session, Template, USER_PIN, ck, code, data, isolated};

fn sorted(mut objects: Vec<Object>) -> Vec<Object> {
    objects.sort_unstable();
    objects
}

/// Token objects of several kinds: two data objects, a key pair and a secret key.
fn several(session: &Session<'_>) -> [Object; 5] {
    let known = Known::p256();
    [
        session.create(&data("one").token(true).bytes(ck::CKA_APPLICATION, "app")).unwrap(),
        session.create(&data("two").token(true).private(false).bytes(ck::CKA_VALUE, "text")).unwrap(),
        session.create(&known.public.label("pair").id([1, 2]).token(true)).unwrap(),
        session.create(&known.private.label("pair").id([1, 2]).token(true)).unwrap(),
        session.create(&secret([5; 16]).label("one").id([3]).token(true)).unwrap(),
    ]
}

fn secret(value: [u8; 16]) -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES).bytes(ck::CKA_VALUE, value)
}

#[test]
fn a_search_finds_what_has_every_attribute_that_it_names() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let [one, two, public, private, key] = several(&session);
        let all = vec![one, two, public, private, key];
        let known = Known::p256().public;
        let point = known.said(ck::CKA_EC_POINT).unwrap();
        let wanted: Vec<(Template, Vec<Object>)> = vec![
            (Template::new(), all.clone()),
            (Template::new().token(true), all.clone()),
            (Template::new().token(false), vec![]),
            (Template::new().class(ck::CKO_DATA), vec![one, two]),
            (Template::new().label("one"), vec![one, key]),
            (Template::new().label("on"), vec![]),
            (Template::new().label("one\0"), vec![]),
            (Template::new().label(""), vec![]),
            (Template::new().label("one").class(ck::CKO_SECRET_KEY), vec![key]),
            (Template::new().id([1, 2]), vec![public, private]),
            (Template::new().id([1, 2]).class(ck::CKO_PRIVATE_KEY), vec![private]),
            (Template::new().id([1]), vec![]),
            (Template::new().key_type(ck::CKK_EC), vec![public, private]),
            (Template::new().private(true), vec![one, private, key]),
            (Template::new().private(false), vec![two, public]),
            (Template::new().bytes(ck::CKA_APPLICATION, "app"), vec![one]),
            (Template::new().flag(ck::CKA_SIGN, true), vec![private, key]),
            (Template::new().flag(ck::CKA_VERIFY, true), vec![public, key]),
            (Template::new().flag(ck::CKA_MODIFIABLE, true), all.clone()),
            (Template::new().bytes(ck::CKA_EC_PARAMS, known.said(ck::CKA_EC_PARAMS).unwrap()), vec![public, private]),
            (Template::new().bytes(ck::CKA_EC_POINT, point), vec![public, private]),
            // The raw point of version 3.2.
            (Template::new().bytes(ck::CKA_EC_POINT, &point[2..]), vec![public, private]),
            (Template::new().bytes(ck::CKA_EC_POINT, &point[3..]), vec![]),
            (Template::new().bytes(ck::CKA_UNIQUE_ID, session.bytes(key, ck::CKA_UNIQUE_ID).unwrap()), vec![key]),
            (Template::new().class(ck::CKO_CERTIFICATE), vec![]),
        ];
        for (template, objects) in &wanted {
            assert_eq!(sorted(session.find(template).unwrap()), sorted(objects.clone()), "{template:?}");
        }
        // Nothing else is a point in an OCTET STRING.
        let value = Template::new().bytes(ck::CKA_VALUE, [4, 2, 7, 8]);
        let octets = session.create(&data("octets").and(&value)).unwrap();
        assert_eq!(session.find(&value).unwrap(), [octets]);
        assert_eq!(session.find(&Template::new().bytes(ck::CKA_VALUE, [7, 8])).unwrap(), []);
        session.destroy(octets).unwrap();
        // An empty label is one, and no label is none.
        let empty = session.create(&data("").token(true)).unwrap();
        assert_eq!(session.find(&Template::new().label("")).unwrap(), [empty]);
        session.destroy(empty).unwrap();
        // The same after the objects were read from the token by another application.
        env.elsewhere(|other| {
            let session = other.open_ro(other.slot_of("test").unwrap()).unwrap();
            session.login(ck::CKU_USER, USER_PIN).unwrap();
            for (template, objects) in &wanted {
                assert_eq!(session.find(template).unwrap().len(), objects.len(), "{template:?}");
            }
        });
    });
}

#[test]
fn a_value_that_can_be_read_can_be_searched_for_and_no_other() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let [_, two, _, _, key] = several(&session);
        let value = |bytes: &[u8]| session.find(&Template::new().bytes(ck::CKA_VALUE, bytes)).unwrap();
        assert_eq!(value(b"text"), [two]);
        assert_eq!(value(&[5; 16]), []);
        let key_of = |sensitive, extractable| {
            let template = secret([6; 16]).sensitive(sensitive).extractable(extractable);
            session.create(&template).unwrap()
        };
        let readable = key_of(false, true);
        key_of(true, true);
        key_of(false, false);
        assert_eq!(session.bytes(readable, ck::CKA_VALUE).unwrap(), [6; 16]);
        assert_eq!(value(&[6; 16]), [readable]);
        session.set(readable, &Template::new().sensitive(true)).unwrap();
        assert_eq!(value(&[6; 16]), []);
        let scalar = Known::p256().private.said(ck::CKA_VALUE).unwrap().to_vec();
        assert_eq!(value(&scalar), []);
        let together = Template::new().label("one").class(ck::CKO_SECRET_KEY).bytes(ck::CKA_VALUE, [5; 16]);
        assert_eq!(session.find(&together).unwrap(), []);
        assert_eq!(session.find(&together.without(ck::CKA_VALUE)).unwrap(), [key]);
    });
}

#[test]
fn an_attribute_that_nothing_has_matches_nothing() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        several(&session);
        for unknown in [ck::CKA_VENDOR_DEFINED | 77, 0x5fff_ffff, ck::CKA_HW_FEATURE_TYPE] {
            assert_eq!(session.find(&Template::new().ulong(unknown, 1)).unwrap(), []);
            assert_eq!(session.find(&Template::new().label("one").ulong(unknown, 1)).unwrap(), []);
        }
    });
}

#[test]
fn of_objects_with_one_name_each_is_found_until_it_goes_or_gets_another() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for token in [false, true] {
            let same = || data("same").token(token).bytes(ck::CKA_VALUE, "text");
            let [first, second, third] = [(); 3].map(|()| session.create(&same()).unwrap());
            let found = || sorted(session.find(&Template::new().label("same")).unwrap());
            assert_eq!(found(), [first, second, third]);
            session.destroy(second).unwrap();
            assert_eq!(found(), [first, third]);
            session.set(first, &Template::new().label("other")).unwrap();
            assert_eq!(found(), [third]);
            session.destroy(third).unwrap();
            assert_eq!(found(), []);
        }
    });
}

#[test]
fn handles_come_in_portions_and_an_ended_search_is_over() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let made: Vec<_> = (0..10).map(|n: u8| session.create(&data(&format!("{n}"))).unwrap()).collect();
        session.find_init(&Template::new()).unwrap();
        assert_eq!(session.find_some(0).unwrap(), []);
        let mut found = session.find_some(3).unwrap();
        assert_eq!(found.len(), 3);
        found.extend(session.find_some(6).unwrap());
        found.extend(session.find_some(6).unwrap());
        assert_eq!(session.find_some(6).unwrap(), []);
        assert_eq!(found, made);
        session.find_final().unwrap();
        assert_eq!(code(session.find_some(1)), ck::CKR_OPERATION_NOT_INITIALIZED);
        assert_eq!(code(session.find_final()), ck::CKR_OPERATION_NOT_INITIALIZED);
    });
}

#[test]
fn one_search_at_a_time_and_a_failed_one_leaves_nothing() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let other = module.open_ro(0).unwrap();
        several(&session);
        session.find_init(&Template::new()).unwrap();
        assert_eq!(code(session.find_init(&Template::new())), ck::CKR_OPERATION_ACTIVE);
        assert_eq!(other.find(&Template::new()).unwrap().len(), 5);
        session.find_final().unwrap();
        let wrong = Template::new().bytes(ck::CKA_CLASS, [1, 2]);
        assert_eq!(code(session.find_init(&wrong)), ck::CKR_ATTRIBUTE_VALUE_INVALID);
        assert_eq!(code(session.find_some(1)), ck::CKR_OPERATION_NOT_INITIALIZED);
        assert_eq!(session.find(&Template::new()).unwrap().len(), 5);
    });
}

#[test]
fn objects_destroyed_while_a_search_runs_do_not_disturb_it() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let all = several(&session);
        session.find_init(&Template::new()).unwrap();
        assert_eq!(session.find_some(1).unwrap().len(), 1);
        session.create(&data("late")).unwrap();
        for object in all {
            session.destroy(object).unwrap();
        }
        while !session.find_some(2).unwrap().is_empty() {}
        session.find_final().unwrap();
        assert_eq!(session.find(&Template::new()).unwrap().len(), 1);
    });
}

#[test]
fn a_search_sees_what_another_process_did() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let [one, ..] = several(&session);
        assert_eq!(session.find(&Template::new().label("fresh")).unwrap(), []);
        env.elsewhere(|other| {
            let session = other.session("test");
            session.login(ck::CKU_USER, USER_PIN).unwrap();
            session.create(&data("fresh").token(true)).unwrap();
            let one = session.find(&data("one")).unwrap()[0];
            session.set(one, &Template::new().label("fresh")).unwrap();
        });
        let fresh = session.find(&Template::new().label("fresh")).unwrap();
        assert_eq!(fresh.len(), 2);
        assert!(fresh.contains(&one));
        assert_eq!(session.find(&data("one")).unwrap(), []);
    });
}

#[test]
fn what_another_process_destroyed_is_gone_when_the_index_was_compacted_since() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let all = several(&session);
        assert_eq!(session.find(&Template::new()).unwrap().len(), all.len());
        env.elsewhere(|other| {
            let session = other.session("test");
            session.login(ck::CKU_USER, USER_PIN).unwrap();
            for object in session.find(&Template::new()).unwrap() {
                session.destroy(object).unwrap();
            }
            // More than an index may have of what is void.
            for _ in 0..501 {
                session.destroy(session.create(&data("gone").token(true)).unwrap()).unwrap();
            }
        });
        assert_eq!(session.find(&Template::new()).unwrap(), []);
        for object in all {
            assert_eq!(code(session.destroy(object)), ck::CKR_OBJECT_HANDLE_INVALID);
        }
    });
}

#[test]
fn a_thousand_objects_are_made_and_every_one_is_found() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for number in 0..1000 {
            let private = number % 2 == 0;
            let label = format!("object {number}");
            session.create(&data(&label).token(true).private(private).bytes(ck::CKA_VALUE, label)).unwrap();
        }
        let all = |session: &Session<'_>, expected: usize| {
            let found = session.find(&Template::new().class(ck::CKO_DATA)).unwrap();
            assert_eq!(found.len(), expected);
            assert_eq!(sorted(found.clone()).windows(2).filter(|pair| pair[0] == pair[1]).count(), 0);
            for object in found {
                let label = session.bytes(object, ck::CKA_LABEL).unwrap();
                assert_eq!(session.bytes(object, ck::CKA_VALUE).unwrap(), label);
            }
        };
        all(&session, 1000);
        module.finalize().unwrap();
        module.initialize().unwrap();
        let session = module.open_ro(module.slots().unwrap()[0]).unwrap();
        all(&session, 500);
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        all(&session, 1000);
        for number in 0..1000 {
            assert_eq!(session.find(&data(&format!("object {number}"))).unwrap().len(), 1);
        }
    });
}
