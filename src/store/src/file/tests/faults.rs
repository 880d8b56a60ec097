//! A write, sync or rename that fails: the caller learns it, and the token is as it was.

use super::*;
use crate::directory::{Step, watch};
use Ring::{Private, Public};
use rustix::io::Errno;

/// Lets the `n`th step of this kind fail.
fn failing<T>(kind: Step, n: usize, errno: Errno, work: impl FnOnce() -> T) -> T {
    let mut seen = 0;
    let watcher = move |step, _: &str| {
        if step == kind {
            seen += 1;
            if seen == n {
                return Err(errno.into());
            }
        }
        Ok(())
    };
    watch(watcher, work)
}

fn filled() -> Token {
    let token = Token::new();
    put(&token.open(), Private, &[(1, 0)]).unwrap();
    token
}

#[test]
fn every_failure_before_the_commit_is_an_error_and_leaves_the_old_state() {
    let token = filled();
    let (old, files) = (state(&token).unwrap(), token.files());
    let points = [(Step::Create, 1), (Step::Create, 2), (Step::Write, 1), (Step::Write, 2), (Step::Write, 3)]
        .into_iter()
        .chain([(Step::Sync, 1), (Step::Sync, 2), (Step::Sync, 3), (Step::SyncDirectory, 1)]);
    for (step, n) in points {
        for errno in [Errno::IO, Errno::NOSPC, Errno::DQUOT, Errno::ROFS] {
            let store = token.open();
            let failed = failing(step, n, errno, || put(&store, Private, &[(5, 0), (6, 0)])).unwrap_err();
            let fits = match errno {
                Errno::IO => matches!(failed, Error::Io(..)),
                Errno::ROFS => matches!(failed, Error::ReadOnly(_)),
                _ => matches!(failed, Error::Full(_)),
            };
            assert!(fits, "{step:?} {n}: {failed:?}");
            assert_eq!(state(&token).unwrap(), old, "{step:?} {n}");
            assert_eq!(token.files(), files, "{step:?} {n}");
            store.refresh().unwrap();
        }
    }
    put(&token.open(), Private, &[(5, 0), (6, 0)]).unwrap();
    assert_eq!(state(&token).unwrap().len(), 3);
}

#[test]
fn what_fails_after_the_commit_is_done_by_a_later_writer() {
    let token = filled();
    // A store looks for leftovers at its first transaction only.
    let store = token.open();
    put(&store, Public, &[(3, 0)]).unwrap();
    failing(Step::Rename, 1, Errno::IO, || put(&store, Private, &[(1, 1)])).unwrap();
    assert!(token.new_object(1).exists());
    assert_eq!(state(&token).unwrap(), shown(&[(Private, 1, 2), (Public, 3, 1)]));
    put(&token.open(), Public, &[(2, 0)]).unwrap();
    assert!(!token.new_object(1).exists());
    let store = token.open();
    put(&store, Public, &[(2, 1)]).unwrap();
    failing(Step::Remove, 1, Errno::IO, || destroy(&store, Private, 1, 2)).unwrap();
    assert!(token.object(1).exists());
    put(&token.open(), Public, &[(2, 2)]).unwrap();
    assert!(!token.object(1).exists());
    assert_eq!(state(&token).unwrap(), shown(&[(Public, 2, 3), (Public, 3, 1)]));
}

#[test]
fn a_compaction_that_fails_does_not_fail_the_transaction() {
    let token = filled();
    let mut store = token.open();
    for version in 1..5 {
        put(&store, Private, &[(1, version)]).unwrap();
    }
    store.many = 1;
    // The first three syncs are the transaction's.
    failing(Step::Create, 2, Errno::NOSPC, || put(&store, Private, &[(1, 5)])).unwrap();
    assert_eq!(state(&token).unwrap(), shown(&[(Private, 1, 6)]));
    assert!(!token.files().into_keys().any(|n| n.starts_with(".tmp-")));
}
