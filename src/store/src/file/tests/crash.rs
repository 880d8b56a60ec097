//! A crash at every step: whoever opens the token then sees all of a transaction or nothing, and can go on.

use super::*;
use crate::directory::{Step, watch};
use Ring::{Private, Public};
use std::cell::RefCell;
use std::rc::Rc;

/// The directory as it would be found after a crash, and what happened.
type Found = (String, Token);

/// Runs `work` and keeps the directory as every step would leave it: by a kill, and by a power loss that drops what
/// was not synced.
fn crashes(token: &Token, work: impl FnOnce()) -> Vec<Found> {
    let found = Rc::new(RefCell::new(Vec::<Found>::new()));
    let (kept, path, uuid) = (found.clone(), token.path().to_owned(), token.uuid);
    let start = token.files();
    let watcher = move |step, name: &str| {
        let now = || {
            let copy = Token { scratch: Scratch::new(), uuid };
            copy_files(&path, copy.path());
            copy
        };
        let mut kept = kept.borrow_mut();
        kept.push((format!("killed before {step:?} {name}"), now()));
        match step {
            Step::Sync => {
                let whole = std::fs::read(path.join(name)).unwrap();
                let old = start.get(name).map_or(0, |old| old.len().min(whole.len()));
                for length in [old, old + (whole.len() - old) / 2] {
                    let lost = now();
                    std::fs::write(lost.file(name), &whole[..length]).unwrap();
                    kept.push((format!("{name} has only {length} bytes"), lost));
                }
            }
            Step::SyncDirectory => {
                let lost = now();
                for new in lost.files().into_keys().filter(|n| !start.contains_key(n)) {
                    std::fs::remove_file(lost.file(&new)).unwrap();
                }
                if lost.index().exists() && start["3.index"] == std::fs::read(lost.index()).unwrap() {
                    kept.push(("new names are lost".into(), lost));
                }
            }
            _ => {}
        }
        Ok(())
    };
    watch(watcher, work);
    let mut found = found.take();
    found.push(("after the end".into(), token.copy()));
    found
}

/// Checks all crashes of `work`, which leads from one state to the next: old until some step, new from there on.
fn check(token: &Token, work: impl FnOnce()) {
    let old = state(token).unwrap();
    let crashes = crashes(token, work);
    let new = state(token).unwrap();
    let mut committed = false;
    assert!(crashes.len() > 3);
    for (what, crashed) in crashes {
        let seen = state(&crashed).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert!(seen == old || seen == new, "{what}: {seen:?}");
        if what.starts_with("killed") {
            assert!(!committed || seen == new, "{what}: what was committed is undone");
            committed |= seen == new && old != new;
        }
        go_on(&crashed, seen, &what);
    }
}

/// The next writer changes every object, destroys it and adds another.
fn go_on(token: &Token, mut seen: State, what: &str) {
    let store = token.open();
    for (uuid, (ring, version, ..)) in seen.clone() {
        put(&store, ring, &[(uuid, version)]).unwrap_or_else(|e| panic!("{what}: {e}"));
        seen.extend(shown(&[(ring, uuid, version + 1)]));
        assert_eq!(state(token).unwrap(), seen, "{what}");
    }
    put(&store, Public, &[(77, 0)]).unwrap();
    seen.extend(shown(&[(Public, 77, 1)]));
    assert_eq!(state(token).unwrap(), seen, "{what}");
    for (uuid, (ring, version, ..)) in seen {
        destroy(&store, ring, uuid, version).unwrap_or_else(|e| panic!("{what}: {e}"));
    }
    assert_eq!(state(token).unwrap(), State::new(), "{what}");
    assert!(!token.files().into_keys().any(|n| n.ends_with(".new") || n.starts_with(".tmp-")), "{what}");
}

fn filled() -> Token {
    let token = Token::new();
    let store = token.open();
    put(&store, Private, &[(1, 0)]).unwrap();
    put(&store, Public, &[(2, 0)]).unwrap();
    token
}

#[test]
fn a_pair_is_there_as_a_whole_or_not_at_all() {
    let token = filled();
    check(&token, || put(&token.open(), Private, &[(5, 0), (6, 0)]).unwrap());
}

#[test]
fn an_update_is_there_or_the_old_version_is() {
    let token = filled();
    check(&token, || put(&token.open(), Private, &[(1, 1)]).unwrap());
    check(&token, || put(&token.open(), Public, &[(2, 1)]).unwrap());
}

#[test]
fn a_destroyed_object_is_whole_or_gone() {
    let token = filled();
    check(&token, || destroy(&token.open(), Private, 1, 1).unwrap());
}

#[test]
fn a_compaction_changes_nothing_whenever_it_ends() {
    let token = filled();
    let mut store = token.open();
    for version in 1..4 {
        put(&store, Private, &[(1, version)]).unwrap();
    }
    check(&token, || {
        let _lock = store.directory.lock().unwrap();
        store.compact().unwrap();
    });
    for version in 4..8 {
        put(&store, Private, &[(1, version)]).unwrap();
    }
    store.many = 3;
    check(&token, || put(&store, Private, &[(1, 8)]).unwrap());
    assert!(store.refresh().unwrap().restart, "it was compacted");
}

#[test]
fn a_new_version_never_overwrites_a_committed_one_whose_rename_is_missing() {
    let token = filled();
    let old = std::fs::read(token.object(1)).unwrap();
    put(&token.open(), Private, &[(1, 1)]).unwrap();
    // As if the writer had died between frame and rename.
    std::fs::rename(token.object(1), token.new_object(1)).unwrap();
    std::fs::write(token.object(1), old).unwrap();
    assert_eq!(state(&token).unwrap()[&1].1, 2);
    check(&token, || put(&token.open(), Private, &[(1, 2)]).unwrap());
}

#[test]
fn leftovers_of_dead_objects_go_and_files_that_nothing_proves_dead_stay() {
    let token = filled();
    let dead = token.copy();
    destroy(&token.open(), Public, 2, 1).unwrap();
    std::fs::copy(dead.object(2), token.object(2)).unwrap();
    std::fs::copy(dead.object(2), token.object(3)).unwrap();
    std::fs::write(token.file("2.index"), "earlier").unwrap();
    std::fs::write(token.file("4.index"), "later").unwrap();
    std::fs::write(token.file(".tmp-1"), "half").unwrap();
    std::fs::write(token.file("notes"), "an administrator's").unwrap();
    let store = token.open();
    put(&store, Private, &[(5, 0)]).unwrap();
    let there = |name: &str| token.file(name).exists();
    assert!(!token.object(2).exists() && !there("2.index") && !there(".tmp-1"));
    assert!(token.object(3).exists() && there("4.index") && there("notes") && token.object(1).exists());
}

#[test]
fn who_has_no_private_key_removes_no_private_file() {
    let token = filled();
    put(&token.open_public(), Public, &[(3, 0)]).unwrap();
    let store = token.open();
    store.close_private();
    put(&store, Public, &[(4, 0)]).unwrap();
    assert_eq!(state(&token).unwrap().len(), 4);
}
