//! Directories and files that are not as they must be: unreadable, another user's, writable by others, or put there by
//! someone else in place of ours.

use crate::faults::{anew, file, name, objects, value};
use kit::user::{self, NOBODY};
use kit::{Env, Module, Template, USER_PIN, ck, isolated};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

/// A token with one public object. Nobody is logged in afterwards.
fn prepared(env: &Env, module: &Module) {
    module.initialize().unwrap();
    let session = env.user(module);
    session.create(&Template::data("there", false, b"value")).unwrap();
    module.finalize().unwrap();
}

#[test]
fn a_token_directory_that_is_a_file_is_an_error_of_c_initialize() {
    isolated(|env| {
        fs::write(env.tokens(), "not a directory").unwrap();
        let module = Module::ours();
        assert_eq!(module.initialize().unwrap_err(), ck::CKR_GENERAL_ERROR);
        env.log().must_say(&["ERROR", env.tokens().to_str().unwrap(), "not a directory"]);
        fs::remove_file(env.tokens()).unwrap();
        module.initialize().unwrap();
        assert_eq!(module.slots().unwrap().len(), 1, "a missing one is no tokens");
    });
}

#[test]
fn a_token_directory_that_may_not_be_read_is_an_error_and_not_an_empty_one() {
    isolated(|env| {
        let module = env.become_ordinary();
        prepared(env, &module);
        user::mode(&env.tokens(), 0o000);
        assert_eq!(module.initialize().unwrap_err(), ck::CKR_GENERAL_ERROR);
        env.log().must_say(&["ERROR", env.tokens().to_str().unwrap(), "Permission denied"]);
        user::mode(&env.tokens(), 0o700);
        assert_eq!(value(&anew(&module, "test"), "there").unwrap(), b"value");
    });
}

#[test]
fn a_token_that_may_not_be_read_is_named_and_its_neighbour_works() {
    isolated(|env| {
        let module = env.become_ordinary();
        prepared(env, &module);
        let home = env.home();
        module.initialize().unwrap();
        env.token(&module, "neighbour");
        for (path, mode) in [(home.clone(), 0o700), (home.join("token.object"), 0o600)] {
            user::mode(&path, 0o000);
            let before = env.log();
            anew(&module, "neighbour").login(ck::CKU_USER, USER_PIN).unwrap();
            assert_eq!(module.slot_of("test"), None);
            env.since(&before).must_say(&["WARN", path.to_str().unwrap(), "Permission denied", "run as its owner"]);
            user::mode(&path, mode);
        }
        assert_eq!(value(&anew(&module, "test"), "there").unwrap(), b"value");
    });
}

#[test]
fn a_directory_that_others_may_write_or_that_is_another_users_is_not_used() {
    isolated(|env| {
        let module = env.become_ordinary();
        prepared(env, &module);
        let home = env.home();
        for mode in [0o770, 0o707] {
            user::mode(&home, mode);
            let before = env.log();
            module.initialize().unwrap();
            assert_eq!(module.slot_of("test"), None, "{mode:o}");
            env.since(&before).must_say(&["WARN", home.to_str().unwrap(), "chmod go-w"]);
            module.finalize().unwrap();
            user::mode(&home, 0o700);
        }
        user::mode(&env.tokens(), 0o777);
        assert_eq!(module.initialize().unwrap_err(), ck::CKR_GENERAL_ERROR);
        env.log().must_say(&["ERROR", env.tokens().to_str().unwrap(), "chmod go-w"]);
        user::mode(&env.tokens(), 0o700);
        assert_eq!(value(&anew(&module, "test"), "there").unwrap(), b"value");
    });
}

#[test]
fn root_works_in_a_directory_of_any_user_and_leaves_files_of_that_user() {
    isolated(|env| {
        let module = Module::ours();
        prepared(env, &module);
        if !user::is_root() {
            return env.report("not asked: only to root are the directories of other users open\n");
        }
        user::give(&env.tokens(), NOBODY);
        let session = anew(&module, "test");
        session.create(&Template::data("by root", false, b"value")).unwrap();
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        session.set_pin(USER_PIN, "another-pin").unwrap();
        for path in crate::faults::files(&env.home(), "") {
            assert_eq!(user::owner(&path), NOBODY, "{}", path.display());
        }
        // A file of a third user among them is not the owner's doing.
        let object = &objects(env)[0];
        std::os::unix::fs::chown(object, Some(12345), None).unwrap();
        let session = anew(&module, "test");
        let found = ["there", "by root"].map(|label| kit::code(value(&session, label)));
        let refused = kit::Rv(ck::CKR_DEVICE_ERROR);
        assert!(found.contains(&refused) && found.contains(&kit::Rv(ck::CKR_OK)), "{found:?}");
        env.log().must_say(&["ERROR", name(object), "belongs to user 12345", "chown"]);
    });
}

/// What somebody else may put in the place of a file; `ours` holds what was there.
type Plant = fn(at: &Path, ours: &Path);

const PLANTS: [(&str, Plant); 6] = [
    ("a symbolic link", |at, ours| symlink(ours, at).unwrap()),
    ("hard links", |at, ours| fs::hard_link(ours, at).unwrap()),
    ("not a regular file", |at, _| user::fifo(at)),
    ("not a regular file", |at, _| drop(std::os::unix::net::UnixListener::bind(at).unwrap())),
    ("remove it", |at, _| fs::create_dir(at).unwrap()),
    ("chmod go-w", |at, ours| {
        fs::copy(ours, at).unwrap();
        user::mode(at, 0o666);
    }),
];

/// Puts each plant in the place of a file and looks what becomes of it.
fn plant_each(env: &Env, module: &Module, target: &Path, look: impl Fn(&Module)) {
    let aside = env.file("aside");
    for (words, plant) in PLANTS {
        let _ = module.finalize();
        fs::rename(target, &aside).unwrap();
        let (before, said) = (fs::read(&aside).unwrap(), env.log());
        plant(target, &aside);
        module.initialize().unwrap();
        let start = Instant::now();
        look(module);
        assert!(start.elapsed() < Duration::from_secs(4), "{words}: {:?}", start.elapsed());
        env.since(&said).must_say(&[name(target), words]);
        assert_eq!(fs::read(&aside).unwrap(), before, "{words}: written through");
        match target.is_dir() && !target.is_symlink() {
            true => fs::remove_dir(target).unwrap(),
            false => fs::remove_file(target).unwrap(),
        }
        fs::rename(&aside, target).unwrap();
        assert_eq!(value(&anew(module, "test"), "there").unwrap(), b"value", "{words}: afterwards");
    }
}

#[test]
fn a_token_object_that_somebody_planted_is_no_token() {
    isolated(|env| {
        let module = Module::ours();
        prepared(env, &module);
        plant_each(env, &module, &env.home().join("token.object"), |module| {
            assert_eq!(module.slot_of("test"), None);
        });
    });
}

#[test]
fn an_index_that_somebody_planted_is_a_device_error() {
    isolated(|env| {
        let module = Module::ours();
        prepared(env, &module);
        plant_each(env, &module, &file(&env.home(), ".index"), |module| {
            let session = module.session("test");
            assert_eq!(session.labelled("there").unwrap_err(), ck::CKR_DEVICE_ERROR);
            let new = session.create(&Template::data("new", false, b"")).unwrap_err();
            assert_eq!(new, ck::CKR_DEVICE_ERROR);
        });
    });
}

#[test]
fn an_object_that_somebody_planted_is_a_device_error_and_the_others_are_not() {
    isolated(|env| {
        let module = Module::ours();
        prepared(env, &module);
        let object = objects(env).remove(0);
        let session = anew(&module, "test");
        session.create(&Template::data("other", false, b"value")).unwrap();
        plant_each(env, &module, &object, |module| {
            let session = module.session("test");
            assert_eq!(value(&session, "there").unwrap_err(), ck::CKR_DEVICE_ERROR);
            assert_eq!(value(&session, "other").unwrap(), b"value");
        });
    });
}

#[test]
fn a_lock_that_somebody_planted_stops_writers_and_no_readers() {
    isolated(|env| {
        let module = Module::ours();
        prepared(env, &module);
        plant_each(env, &module, &env.home().join("token.lock"), |module| {
            let session = module.session("test");
            assert_eq!(session.create(&Template::data("new", false, b"")).unwrap_err(), ck::CKR_DEVICE_ERROR);
            assert_eq!(value(&session, "there").unwrap(), b"value");
        });
        assert_eq!(anew(&module, "test").labelled("new").unwrap(), []);
    });
}

#[test]
fn files_that_are_not_ours_are_neither_read_nor_removed() {
    isolated(|env| {
        let module = Module::ours();
        prepared(env, &module);
        let home = env.home();
        let foreign = [
            (home.join("README"), "a note"),
            (home.join("6f1c2d1e-0000-4000-8000-000000000001.object.bak"), "a backup"),
            (env.tokens().join("README"), "a note"),
        ];
        for (path, text) in &foreign {
            fs::write(path, text).unwrap();
        }
        // An object that no index lists does not count, whatever it is.
        fs::write(home.join("6f1c2d1e-0000-4000-8000-000000000002.object"), "SEALHSMO and more").unwrap();
        fs::create_dir(env.tokens().join("backup")).unwrap();
        let session = anew(&module, "test");
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        session.create(&Template::data("new", true, b"value")).unwrap();
        assert_eq!(session.find(&Template::new()).unwrap().len(), 2);
        assert_eq!(module.slots().unwrap().len(), 2);
        env.log().must_say(&["WARN", env.tokens().join("backup").to_str().unwrap(), "not the UUID of a token"]);
        for (path, text) in &foreign {
            assert_eq!(fs::read_to_string(path).unwrap(), *text);
        }
    });
}
