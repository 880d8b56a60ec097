//! What the trait promises to one caller.

use super::*;
use crate::directory::{Step, watch};
use Ring::{Private, Public};
use std::cell::Cell;
use std::rc::Rc;

fn fsyncs(work: impl FnOnce()) -> usize {
    let count = Rc::new(Cell::new(0));
    let counted = count.clone();
    let watcher = move |step, _: &str| {
        counted.set(counted.get() + usize::from(matches!(step, Step::Sync | Step::SyncDirectory)));
        Ok(())
    };
    watch(watcher, work);
    count.get()
}

#[test]
fn objects_are_created_changed_and_destroyed_and_another_store_sees_it() {
    let token = Token::new();
    let store = token.open();
    assert!(store.refresh().unwrap().restart);
    put(&store, Private, &[(1, 0), (2, 0)]).unwrap();
    put(&store, Public, &[(3, 0)]).unwrap();
    put(&store, Private, &[(1, 1)]).unwrap();
    destroy(&store, Public, 3, 1).unwrap();
    put(&store, Public, &[(4, 0)]).unwrap();
    assert_eq!(state(&token).unwrap(), shown(&[(Private, 1, 2), (Private, 2, 1), (Public, 4, 1)]));
    let news = store.refresh().unwrap();
    assert!(!news.restart);
    assert_eq!(news.put.iter().map(|e| e.uuid.as_u128()).collect::<Vec<_>>(), [2, 1, 4]);
    assert_eq!(news.gone, [Uuid::from_u128(3)]);
    let again = store.refresh().unwrap();
    assert!(!again.restart && again.put.is_empty() && again.gone.is_empty());
}

#[test]
fn n_objects_take_n_plus_two_fsyncs_and_a_destruction_one() {
    let token = Token::new();
    let store = token.open();
    put(&store, Private, &[(9, 0)]).unwrap();
    for n in 1..4usize {
        let objects: Vec<(u128, u64)> = (0..n).map(|i| ((n * 100 + i) as u128, 0)).collect();
        assert_eq!(fsyncs(|| put(&store, Private, &objects).unwrap()), n + 2);
    }
    assert_eq!(fsyncs(|| put(&store, Private, &[(9, 1)]).unwrap()), 3);
    assert_eq!(fsyncs(|| destroy(&store, Private, 9, 2).unwrap()), 1);
    assert_eq!(fsyncs(|| drop(store.refresh().unwrap())), 0);
    assert_eq!(fsyncs(|| store.commit(&[]).unwrap()), 0);
}

#[test]
fn nothing_is_readable_in_the_files() {
    let token = Token::new();
    let store = token.open();
    put(&store, Private, &[(1, 0)]).unwrap();
    put(&store, Public, &[(2, 0)]).unwrap();
    for (name, bytes) in token.files() {
        for word in ["label", "attributes"] {
            assert!(!bytes.windows(word.len()).any(|w| w == word.as_bytes()), "{word} in {name}");
        }
    }
}

#[test]
fn a_version_that_is_not_the_present_one_is_a_conflict_and_changes_nothing() {
    let token = Token::new();
    let store = token.open();
    put(&store, Public, &[(1, 0), (2, 0)]).unwrap();
    destroy(&store, Public, 2, 1).unwrap();
    let before = token.files();
    let conflicts = [
        put(&store, Public, &[(5, 0), (1, 0)]),
        put(&store, Public, &[(1, 2)]),
        put(&store, Private, &[(1, 1)]),
        put(&store, Public, &[(7, 1)]),
        put(&store, Public, &[(2, 0)]),
        put(&store, Public, &[(8, 0), (8, 0)]),
        destroy(&store, Public, 1, 2),
        destroy(&store, Private, 1, 1),
        destroy(&store, Public, 2, 1),
    ];
    for (n, conflict) in conflicts.into_iter().enumerate() {
        assert!(matches!(conflict, Err(Error::Conflict(_))), "{n}: {conflict:?}");
    }
    assert_eq!(token.files(), before);
}

#[test]
fn a_load_is_of_exactly_the_version_that_was_asked_for() {
    let token = Token::new();
    let store = token.open();
    put(&store, Private, &[(1, 0)]).unwrap();
    put(&store, Private, &[(1, 1)]).unwrap();
    let load = |ring, uuid, version| store.load(ring, Uuid::from_u128(uuid), version);
    assert_eq!(load(Private, 1, 2).unwrap().as_ref(), b"attributes 1 v2");
    for (ring, uuid, version) in [(Private, 1, 1), (Private, 1, 3), (Public, 1, 2), (Private, 9, 1)] {
        assert!(matches!(load(ring, uuid, version), Err(Error::Conflict(_))));
    }
}

#[test]
fn without_a_login_private_objects_are_neither_seen_nor_touched_but_public_ones_are() {
    let token = Token::new();
    put(&token.open(), Private, &[(1, 0)]).unwrap();
    let store = token.open_public();
    put(&store, Public, &[(2, 0)]).unwrap();
    let news = store.refresh().unwrap();
    assert_eq!(news.put.len(), 1);
    assert!(matches!(store.load(Private, Uuid::from_u128(1), 1), Err(Error::RingClosed)));
    assert!(matches!(put(&store, Private, &[(3, 0)]), Err(Error::RingClosed)));
    assert!(matches!(destroy(&store, Private, 1, 1), Err(Error::RingClosed)));
    // The private chain goes on past the frame that has no private part.
    put(&token.open(), Private, &[(1, 1)]).unwrap();
    put(&store, Public, &[(2, 1)]).unwrap();
    assert_eq!(state(&token).unwrap(), shown(&[(Private, 1, 2), (Public, 2, 2)]));
}

#[test]
fn a_login_and_a_logout_restart_the_news() {
    let token = Token::new();
    let store = token.open();
    put(&store, Private, &[(1, 0)]).unwrap();
    put(&store, Public, &[(2, 0)]).unwrap();
    for _ in 0..2 {
        let news = store.refresh().unwrap();
        assert_eq!((news.restart, news.put.len(), news.gone.len()), (true, 2, 0));
        store.close_private();
        let news = store.refresh().unwrap();
        assert_eq!((news.restart, news.put.len(), news.gone.len()), (true, 1, 0));
        assert!(matches!(store.load(Private, Uuid::from_u128(1), 1), Err(Error::RingClosed)));
        store.open_private(key(2));
    }
    assert_eq!(store.load(Private, Uuid::from_u128(1), 1).unwrap().as_ref(), b"attributes 1 v1");
}

#[test]
fn an_index_that_is_mostly_dead_is_compacted_and_everyone_reads_on() {
    let token = Token::new();
    let (mut store, other) = (token.open(), token.open_public());
    store.many = 20;
    put(&store, Private, &[(1, 0), (2, 0)]).unwrap();
    put(&store, Public, &[(3, 0)]).unwrap();
    other.refresh().unwrap();
    let mut longest = 0;
    for version in 1..60 {
        put(&store, Private, &[(1, version)]).unwrap();
        longest = longest.max(std::fs::metadata(token.index()).unwrap().len());
        store.refresh().unwrap();
    }
    assert!(std::fs::metadata(token.index()).unwrap().len() < longest);
    assert!(longest < 8000, "{longest} bytes");
    assert!(other.refresh().unwrap().restart);
    put(&other, Public, &[(3, 1)]).unwrap();
    assert_eq!(state(&token).unwrap(), shown(&[(Private, 1, 60), (Private, 2, 1), (Public, 3, 2)]));
}

#[test]
fn a_token_that_only_grows_is_compacted_too_so_that_it_opens_fast() {
    let token = Token::new();
    let mut store = token.open();
    store.many = 10;
    let mut restarts = 0;
    for uuid in 0..60 {
        put(&store, Private, &[(uuid, 0)]).unwrap();
        restarts += usize::from(store.refresh().unwrap().restart);
    }
    assert!((4..8).contains(&restarts), "{restarts}: less often the more objects there are");
    assert_eq!(state(&token).unwrap().len(), 60);
}

#[test]
fn a_compaction_that_leaves_nothing_keeps_the_sequence() {
    let token = Token::new();
    let mut store = token.open();
    store.many = 2;
    for uuid in 1..6 {
        put(&store, Public, &[(uuid, 0)]).unwrap();
        destroy(&store, Public, uuid, 1).unwrap();
    }
    assert_eq!(state(&token).unwrap(), State::new());
    put(&store, Public, &[(9, 0)]).unwrap();
    assert_eq!(state(&token).unwrap(), shown(&[(Public, 9, 1)]));
    let names: Vec<String> = token.files().into_keys().filter(|n| n.ends_with(".object")).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn a_writer_refuses_when_the_epoch_changed_and_a_reader_when_its_index_is_gone() {
    let token = Token::new();
    let store = token.open();
    put(&store, Public, &[(1, 0)]).unwrap();
    std::fs::write(token.file("token.object"), "4").unwrap();
    assert!(matches!(put(&store, Public, &[(2, 0)]), Err(Error::EpochChanged)));
    store.refresh().unwrap();
    std::fs::remove_file(token.index()).unwrap();
    assert!(matches!(store.refresh(), Err(Error::EpochChanged)));
    std::fs::write(token.file("token.object"), "3").unwrap();
    assert!(matches!(store.refresh(), Err(Error::Tampered(_))), "an index that is missing is not an empty one");
    std::fs::remove_dir_all(token.path()).unwrap();
    assert!(matches!(store.refresh(), Err(Error::Gone(_))));
    assert!(matches!(put(&store, Public, &[(2, 0)]), Err(Error::Gone(_))));
}

#[test]
fn a_public_ring_key_of_another_epoch_does_not_open_the_store() {
    let token = Token::new();
    let rings = Rings { public: key(7), private: None };
    let directory = Directory::open(token.path(), 0o077).unwrap();
    assert!(matches!(
        super::super::open(directory, token.uuid, EPOCH, rings, Box::new(|_| Ok(EPOCH))),
        Err(Error::Tampered(_))
    ));
}

#[test]
fn an_object_too_large_is_refused_before_anything_is_written() {
    let token = Token::new();
    let store = token.open();
    let before = token.files();
    let body = Secret::zeroed(17 << 20);
    let change = Change::Put { uuid: Uuid::from_u128(1), ring: Public, expected: 0, record: b"", body: &body };
    assert!(matches!(store.commit(&[change]), Err(Error::Io(..))));
    assert_eq!(token.files().len(), before.len() + 1, "only the lock file is new");
}
