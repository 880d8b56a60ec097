//! Files put where they do not belong: objects moved, swapped, put back; an older version; parts of another token.

use crate::faults::{anew, file, files, name, value};
use kit::{Env, Session, Template, USER_PIN, ck, isolated};
use std::fs;
use std::path::{Path, PathBuf};

/// A public object and its file.
fn object(env: &Env, session: &Session<'_>, label: &str) -> PathBuf {
    let home = home_of(env, session);
    let before = files(&home, ".object");
    session.create(&Template::data(label, false, label.as_bytes())).unwrap();
    files(&home, ".object").into_iter().find(|path| !before.contains(path)).unwrap()
}

/// The directory of the session's token.
fn home_of(env: &Env, session: &Session<'_>) -> PathBuf {
    let serial = kit::text(&session.module.token_info(session.info().unwrap().slotID).unwrap().serialNumber);
    let homes = fs::read_dir(env.tokens()).unwrap().map(|entry| entry.unwrap().path());
    homes.into_iter().find(|path| name(path).replace('-', "").ends_with(&serial)).unwrap()
}

fn swap(a: &Path, b: &Path) {
    let aside = a.with_extension("aside");
    fs::rename(a, &aside).unwrap();
    fs::rename(b, a).unwrap();
    fs::rename(&aside, b).unwrap();
}

#[test]
fn two_objects_of_one_token_cannot_be_swapped_or_doubled() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let [a, b, other] = ["a", "b", "other"].map(|label| object(env, &session, label));
        swap(&a, &b);
        let session = anew(&module, "test");
        for (label, path) in [("a", &a), ("b", &b)] {
            assert_eq!(value(&session, label).unwrap_err(), ck::CKR_DEVICE_ERROR);
            env.log().must_say(&["ERROR", name(path), "restore it from a backup"]);
        }
        assert_eq!(value(&session, "other").unwrap(), b"other");
        swap(&a, &b);
        let double = other.with_file_name("6f1c2d1e-0000-4000-8000-000000000003.object");
        fs::copy(&other, &double).unwrap();
        let session = anew(&module, "test");
        assert_eq!(session.find(&Template::new()).unwrap().len(), 3);
        for label in ["a", "b", "other"] {
            assert_eq!(value(&session, label).unwrap(), label.as_bytes());
        }
    });
}

#[test]
fn an_object_of_another_token_with_the_same_pins_is_not_accepted_under_any_name() {
    isolated(|env| {
        let module = env.module();
        let first = module.open_rw(env.token(&module, "first")).unwrap();
        let second = module.open_rw(env.token(&module, "second")).unwrap();
        let (a, b) = (object(env, &first, "a"), object(env, &second, "b"));
        // Under its own name nothing lists it; under another's, the seal is not this token's.
        let home = b.parent().unwrap();
        fs::copy(&a, home.join(name(&a))).unwrap();
        fs::copy(&a, &b).unwrap();
        let session = anew(&module, "second");
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        assert_eq!(session.labelled("a").unwrap(), []);
        assert_eq!(value(&session, "b").unwrap_err(), ck::CKR_DEVICE_ERROR);
        env.log().must_say(&["ERROR", name(&b)]);
        session.create(&Template::data("c", true, b"c")).unwrap();
        assert_eq!(value(&session, "c").unwrap(), b"c");
        assert_eq!(value(&anew(&module, "first"), "a").unwrap(), b"a");
    });
}

#[test]
fn the_index_and_the_token_object_of_another_token_are_refused() {
    isolated(|env| {
        let module = env.module();
        let first = module.open_rw(env.token(&module, "first")).unwrap();
        let second = module.open_rw(env.token(&module, "second")).unwrap();
        let (a, b) = (object(env, &first, "a"), object(env, &second, "b"));
        let (ours, theirs) = (a.parent().unwrap(), b.parent().unwrap());
        let (index, other) = (file(ours, ".index"), file(theirs, ".index"));
        let kept = fs::read(&index).unwrap();
        fs::copy(&other, &index).unwrap();
        let session = anew(&module, "first");
        assert_eq!(session.labelled("a").unwrap_err(), ck::CKR_DEVICE_ERROR);
        env.log().must_say(&["ERROR", index.to_str().unwrap(), "belongs to another token"]);
        fs::write(&index, kept).unwrap();
        let token = ours.join("token.object");
        let kept = fs::read(&token).unwrap();
        fs::copy(theirs.join("token.object"), &token).unwrap();
        module.finalize().unwrap();
        module.initialize().unwrap();
        assert_eq!(module.slot_of("first"), None);
        env.log().must_say(&["WARN", token.to_str().unwrap()]);
        fs::write(&token, kept).unwrap();
        for label in ["first", "second"] {
            anew(&module, label).login(ck::CKU_USER, USER_PIN).unwrap();
        }
    });
}

#[test]
fn a_destroyed_object_does_not_come_back_with_its_file() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let path = object(env, &session, "destroyed");
        object(env, &session, "other");
        let kept = fs::read(&path).unwrap();
        let found = session.labelled("destroyed").unwrap();
        session.destroy(found[0]).unwrap();
        assert!(!path.exists());
        fs::write(&path, &kept).unwrap();
        assert_eq!(session.labelled("destroyed").unwrap(), []);
        let session = anew(&module, "test");
        assert_eq!(session.find(&Template::new()).unwrap().len(), 1);
        assert_eq!(session.bytes(found[0], ck::CKA_VALUE).unwrap_err(), ck::CKR_OBJECT_HANDLE_INVALID);
        // Nor does it disturb those who write.
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        session.create(&Template::data("new", true, b"")).unwrap();
        assert_eq!(session.labelled("destroyed").unwrap(), []);
    });
}

#[test]
fn an_older_version_of_an_object_is_not_taken_for_the_present_one() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let path = object(env, &session, "old");
        let old = fs::read(&path).unwrap();
        session.set(session.labelled("old").unwrap()[0], &Template::new().label("new")).unwrap();
        let new = fs::read(&path).unwrap();
        assert_ne!(old, new);
        for at in [path.clone(), path.with_extension("object.new")] {
            fs::write(&path, &new).unwrap();
            fs::write(&at, &old).unwrap();
            let session = anew(&module, "test");
            assert_eq!(session.labelled("old").unwrap(), []);
            if at == path {
                assert_eq!(value(&session, "new").unwrap_err(), ck::CKR_DEVICE_ERROR);
                env.log().must_say(&["ERROR", name(&path), "restore it from a backup"]);
            } else {
                assert_eq!(value(&session, "new").unwrap(), b"old");
            }
        }
    });
}

#[test]
fn a_missing_object_or_index_is_an_error_and_not_an_empty_token() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let path = object(env, &session, "there");
        for missing in [path.clone(), file(path.parent().unwrap(), ".index")] {
            let kept = fs::read(&missing).unwrap();
            fs::remove_file(&missing).unwrap();
            let (before, session) = (env.log(), anew(&module, "test"));
            assert_eq!(value(&session, "there").unwrap_err(), ck::CKR_DEVICE_ERROR);
            env.since(&before).must_say(&["ERROR", name(&missing), "missing; restore it from a backup"]);
            fs::write(&missing, kept).unwrap();
            kit::user::mode(&missing, 0o600);
        }
        assert_eq!(value(&anew(&module, "test"), "there").unwrap(), b"there");
    });
}

#[test]
fn an_old_token_object_of_an_epoch_that_ended_revives_nothing() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        object(env, &session, "erased");
        let token = env.home().join("token.object");
        let old = fs::read(&token).unwrap();
        session.close().unwrap();
        module.init_token(module.slot_of("test").unwrap(), kit::SO_PIN, "test").unwrap();
        fs::write(&token, old).unwrap();
        let session = anew(&module, "test");
        // The old PIN may open the old keyslot; its objects are gone all the same.
        assert_eq!(session.login(ck::CKU_USER, USER_PIN).unwrap_err(), ck::CKR_DEVICE_ERROR);
        assert_eq!(session.labelled("erased").unwrap_err(), ck::CKR_DEVICE_ERROR);
        env.log().must_say(&["ERROR", "1.index", "missing"]);
    });
}
