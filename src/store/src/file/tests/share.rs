//! Several writers and readers of one directory, and a host that closes what it does not know.

use super::*;
use Ring::{Private, Public};
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn writers_take_turns_and_readers_never_see_half_a_transaction() {
    const EACH: u128 = 40;
    let token = Token::new();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut store = token.open();
            store.looks = super::super::LOOKS;
            let mut seen = std::collections::BTreeSet::new();
            while !done.load(Ordering::Acquire) {
                let news = store.refresh().unwrap();
                if news.restart {
                    seen.clear();
                }
                for entry in news.put {
                    seen.insert(entry.uuid.as_u128());
                    match store.load(entry.ring, entry.uuid, entry.version) {
                        Ok(_) | Err(Error::Conflict(_)) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
                assert!(seen.iter().all(|u| seen.contains(&(u ^ 1))), "half a pair");
            }
        });
        let writers: Vec<_> = (1..=4u128)
            .map(|writer| {
                let token = &token;
                scope.spawn(move || {
                    let mut store = token.open();
                    store.many = 30;
                    store.looks = super::super::LOOKS;
                    for n in 0..EACH {
                        let base = writer * 1000 + n * 2;
                        put(&store, Private, &[(base, 0), (base + 1, 0)]).unwrap();
                        put(&store, Private, &[(base, 1)]).unwrap();
                    }
                })
            })
            .collect();
        writers.into_iter().for_each(|w| w.join().unwrap());
        done.store(true, Ordering::Release);
        reader.join().unwrap();
    });
    let seen = state(&token).unwrap();
    assert_eq!(seen.len(), 4 * 2 * EACH as usize);
    assert!(seen.iter().all(|(uuid, (_, version, ..))| *version == if uuid % 2 == 0 { 2 } else { 1 }));
}

#[test]
fn of_two_writers_that_change_the_same_version_one_is_told() {
    let token = Token::new();
    put(&token.open(), Public, &[(1, 0)]).unwrap();
    let (one, two) = (token.open_public(), token.open_public());
    one.refresh().unwrap();
    two.refresh().unwrap();
    put(&one, Public, &[(1, 1)]).unwrap();
    assert!(matches!(put(&two, Public, &[(1, 1)]), Err(Error::Conflict(_))));
    assert_eq!(two.refresh().unwrap().put[0].version, 2);
    put(&two, Public, &[(1, 2)]).unwrap();
}

#[test]
fn an_index_that_was_cut_back_after_it_was_read_is_read_anew() {
    let token = Token::new();
    let store = token.open();
    put(&store, Public, &[(1, 0)]).unwrap();
    let shorter = std::fs::read(token.index()).unwrap();
    put(&store, Public, &[(2, 0)]).unwrap();
    store.refresh().unwrap();
    std::fs::OpenOptions::new().write(true).open(token.index()).unwrap().set_len(shorter.len() as u64).unwrap();
    let news = store.refresh().unwrap();
    assert!(news.restart);
    assert_eq!(news.put.len(), 1);
}
