//! Bytes changed on disk: whatever is changed, nothing crashes, nothing hangs, nothing wrong is taken for right, and the
//! log names the file. And formats of a later version, which are refused and left as they are.

use crate::faults::{anew, file, files, name, objects};
use kit::{Isolated, Module, Session, Template, USER_PIN, ck, isolated};
use std::fs;
use std::time::Duration;

/// A logged in session of a new application.
fn login(module: &Module) -> kit::Result<Session<'_>> {
    let session = anew(module, "test");
    session.login(ck::CKU_USER, USER_PIN)?;
    Ok(session)
}

#[test]
fn a_format_version_of_the_future_is_refused_named_and_left_as_it_is() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        session.create(&Template::data("there", true, b"value")).unwrap();
        let token = env.home().join("token.object");
        let text = fs::read_to_string(&token).unwrap();
        fs::write(&token, text.replace("\nversion = 1\n", "\nversion = 2\n")).unwrap();
        let future = fs::read(&token).unwrap();
        module.finalize().unwrap();
        module.initialize().unwrap();
        assert_eq!(module.slot_of("test"), None);
        env.log().must_say(&["WARN", token.to_str().unwrap(), "version 2", "update"]);
        assert_eq!(fs::read(&token).unwrap(), future);
        fs::write(&token, text).unwrap();

        let index = file(&env.home(), ".index");
        let object = objects(env).remove(0);
        for path in [index, object] {
            let present = fs::read(&path).unwrap();
            let mut future = present.clone();
            // After the magic, little-endian.
            assert_eq!(future[8..12], [1, 0, 0, 0]);
            future[8] = 2;
            fs::write(&path, &future).unwrap();
            let refused = login(&module).and_then(|session| {
                let found = session.labelled("there")?;
                session.set(found[0], &Template::new().label("changed"))
            });
            assert_eq!(refused.unwrap_err(), ck::CKR_DEVICE_ERROR);
            env.log().must_say(&["ERROR", path.to_str().unwrap(), "version 2", "update"]);
            assert_eq!(fs::read(&path).unwrap(), future);
            fs::write(&path, present).unwrap();
        }
        assert_eq!(crate::faults::value(&login(&module).unwrap(), "there").unwrap(), b"value");
    });
}

#[test]
fn no_changed_byte_of_token_object_opens_a_token() {
    Isolated::default().longest(Duration::from_secs(400)).run(|env| {
        let module = env.module();
        env.user(&module);
        env.tpm().never_lock();
        let path = env.home().join("token.object");
        let bytes = fs::read(&path).unwrap();
        for at in (0..bytes.len()).step_by(29) {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 7);
            fs::write(&path, &changed).unwrap();
            let _ = module.finalize();
            module.initialize().unwrap();
            let opened = module.slots().unwrap().into_iter().any(|slot| {
                let session = module.open_rw(slot);
                session.is_ok_and(|session| session.login(ck::CKU_USER, USER_PIN).is_ok())
            });
            assert!(!opened, "byte {at} is {:?}", char::from(changed[at]));
        }
        env.log().must_say(&["token.object"]);
        fs::write(&path, &bytes).unwrap();
        login(&module).unwrap();
        assert_eq!(env.tpm().loaded(), (0, 0));
    });
}

#[test]
fn no_changed_byte_of_an_index_is_read_over() {
    Isolated::default().longest(Duration::from_secs(400)).run(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (label, private) in [("a", false), ("b", true), ("c", false), ("d", true)] {
            session.create(&Template::data(label, private, b"value")).unwrap();
        }
        session.destroy(session.labelled("a").unwrap()[0]).unwrap();
        session.set(session.labelled("b").unwrap()[0], &Template::new().label("e")).unwrap();
        let path = file(&env.home(), ".index");
        let bytes = fs::read(&path).unwrap();
        for at in (0..bytes.len()).step_by(11) {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            fs::write(&path, &changed).unwrap();
            let found = login(&module).and_then(|session| session.find(&Template::new()));
            assert_eq!(found.unwrap_err(), ck::CKR_DEVICE_ERROR, "byte {at} of {}", bytes.len());
            assert_eq!(fs::read(&path).unwrap(), changed);
        }
        env.log().must_say(&["ERROR", name(&path), "restore it from a backup"]);
        fs::write(&path, &bytes).unwrap();
        assert_eq!(login(&module).unwrap().find(&Template::new()).unwrap().len(), 3);
    });
}

#[test]
fn no_changed_byte_of_an_object_is_read_over() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        // Each is changed in another place.
        for number in 0..150 {
            session.create(&Template::open_secret("secret", &[number; 32])).unwrap();
        }
        let all = objects(env);
        assert_eq!(all.len(), 150);
        for (number, path) in all.iter().enumerate() {
            let mut bytes = fs::read(path).unwrap();
            let at = number * (bytes.len() - 1) / (all.len() - 1);
            bytes[at] ^= 1 << (number % 8);
            fs::write(path, bytes).unwrap();
        }
        let session = login(&module).unwrap();
        let found = session.labelled("secret").unwrap();
        assert_eq!(found.len(), all.len());
        let hmac = kit::Mechanism::plain(ck::CKM_SHA256_HMAC);
        for object in found {
            assert_eq!(session.bytes(object, ck::CKA_VALUE).unwrap_err(), ck::CKR_DEVICE_ERROR);
            assert_eq!(session.sign_with(&hmac, object, b"data").unwrap_err(), ck::CKR_DEVICE_ERROR);
        }
        for path in all {
            env.log().must_say(&["ERROR", name(&path)]);
        }
    });
}

#[test]
fn no_length_of_a_file_but_its_own_is_accepted() {
    Isolated::default().longest(Duration::from_secs(400)).run(|env| {
        let module = env.module();
        let session = env.user(&module);
        session.create(&Template::data("first", true, b"value")).unwrap();
        let object = objects(env).remove(0);
        let complete = fs::read(file(&env.home(), ".index")).unwrap().len();
        session.create(&Template::data("last", true, b"value")).unwrap();
        for path in [env.home().join("token.object"), file(&env.home(), ".index"), object] {
            let bytes = fs::read(&path).unwrap();
            let lengths = (0..bytes.len()).step_by(bytes.len() / 12).chain([bytes.len() - 1]);
            let mut others: Vec<Vec<u8>> = lengths.map(|length| bytes[..length].to_vec()).collect();
            others.extend([1, 64].map(|more| [&bytes[..], &vec![b'x'; more]].concat()));
            for other in others {
                fs::write(&path, &other).unwrap();
                let _ = module.finalize();
                module.initialize().unwrap();
                let seen = module.slot_of("test").and_then(|slot| {
                    let session = module.open_rw(slot).unwrap();
                    session.login(ck::CKU_USER, USER_PIN).ok()?;
                    session.bytes(session.labelled("first").ok()?.pop()?, ck::CKA_VALUE).ok()
                });
                // A write that did not end does not count; what came before it does. One byte may be such a write.
                let cut = (complete..bytes.len()).contains(&other.len()) || other.len() == bytes.len() + 1;
                let torn = name(&path).ends_with(".index") && cut;
                assert_eq!(seen.is_some(), torn, "{} bytes of {}: {}", other.len(), bytes.len(), name(&path));
            }
            fs::write(&path, &bytes).unwrap();
        }
        assert_eq!(login(&module).unwrap().find(&Template::new()).unwrap().len(), 2);
    });
}

#[test]
fn attributes_cannot_be_found_in_the_files_to_be_changed() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let secret: Vec<u8> = (100..132).collect();
        session.create(&Template::open_secret("a label of a private key", &secret)).unwrap();
        session.create(&Template::data("a label of public data", false, b"public contents")).unwrap();
        for path in files(&env.home(), "") {
            let bytes = fs::read(&path).unwrap();
            for plain in [&secret[..], b"a label of", b"public contents", USER_PIN.as_bytes(), kit::SO_PIN.as_bytes()] {
                assert!(!bytes.windows(plain.len()).any(|part| part == plain), "{}", path.display());
            }
        }
    });
}
