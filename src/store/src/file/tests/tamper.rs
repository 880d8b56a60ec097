//! What an attacker with the directory, or a bad disk, can do: be noticed. Only whole frames can be taken back.

use super::*;
use Ring::{Private, Public};

fn filled() -> Token {
    let token = Token::new();
    let store = token.open();
    put(&store, Private, &[(1, 0), (2, 0)]).unwrap();
    put(&store, Public, &[(3, 0)]).unwrap();
    token
}

fn load(token: &Token, ring: Ring, uuid: u128, version: u64) -> Result<Secret, Error> {
    token.open().load(ring, Uuid::from_u128(uuid), version)
}

fn tampered<T>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::Tampered(_)))
}

/// A token and the same after one more transaction.
fn one_frame_more() -> (Token, Vec<u8>, Vec<u8>) {
    let token = filled();
    let before = token.copy();
    put(&token.open(), Private, &[(1, 1), (5, 0)]).unwrap();
    let index = |of: &Token| std::fs::read(of.index()).unwrap();
    let (old, new) = (index(&before), index(&token));
    assert!(new.starts_with(&old));
    (before, old, new)
}

#[test]
fn an_index_cut_anywhere_in_its_last_frame_shows_the_state_before_and_can_be_written() {
    let (token, old, new) = one_frame_more();
    let before = state(&token).unwrap();
    for length in old.len()..new.len() {
        std::fs::write(token.index(), &new[..length]).unwrap();
        assert_eq!(state(&token).unwrap(), before, "{length} bytes");
    }
    put(&token.open(), Private, &[(1, 1)]).unwrap();
    assert_eq!(state(&token).unwrap()[&1].1, 2);
}

#[test]
fn a_tail_of_zeros_from_a_sector_on_is_cut_by_the_next_writer() {
    let (token, old, new) = one_frame_more();
    let before = state(&token).unwrap();
    let boundary = old.len().next_multiple_of(512);
    assert!(boundary < new.len(), "the frame spans a sector boundary");
    for extra in [0, 1, 4096] {
        let mut torn = new.clone();
        torn[boundary..].fill(0);
        torn.resize(new.len() + extra, 0);
        std::fs::write(token.index(), &torn).unwrap();
        assert_eq!(state(&token).unwrap(), before);
        assert!(token.open_public().refresh().is_ok());
    }
    put(&token.open_public(), Public, &[(3, 1)]).unwrap();
    assert_eq!(state(&token).unwrap()[&3].1, 2);
}

#[test]
fn any_byte_of_the_index_changed_is_tampering_for_readers_and_writers() {
    let (token, _, new) = one_frame_more();
    for at in 0..new.len() {
        let mut bad = new.clone();
        bad[at] ^= 0x10;
        std::fs::write(token.index(), &bad).unwrap();
        match state(&token) {
            Err(Error::Tampered(_)) => {}
            Err(Error::UnknownVersion(_)) => assert!((8..12).contains(&at)),
            other => panic!("byte {at}: {other:?}"),
        }
    }
    assert!(tampered(put(&token.open(), Private, &[(9, 0)])));
}

#[test]
fn an_open_store_notices_a_change_to_what_it_reads_next() {
    let (token, old, mut new) = one_frame_more();
    std::fs::write(token.index(), &old).unwrap();
    let store = token.open();
    store.refresh().unwrap();
    new[old.len() + 80] ^= 1;
    std::fs::write(token.index(), &new).unwrap();
    assert!(tampered(store.refresh()));
}

#[test]
fn any_byte_of_an_object_changed_is_tampering() {
    let token = filled();
    let whole = std::fs::read(token.object(1)).unwrap();
    for at in 0..whole.len() {
        let mut bad = whole.clone();
        bad[at] ^= 1;
        std::fs::write(token.object(1), &bad).unwrap();
        match load(&token, Private, 1, 1) {
            Err(Error::Tampered(_)) => {}
            Err(Error::UnknownVersion(_)) => assert!((8..12).contains(&at)),
            other => panic!("byte {at}: {other:?}"),
        }
    }
    for length in 0..whole.len() {
        std::fs::write(token.object(1), &whole[..length]).unwrap();
        assert!(tampered(load(&token, Private, 1, 1)), "{length} bytes");
    }
    std::fs::remove_file(token.object(1)).unwrap();
    assert!(tampered(load(&token, Private, 1, 1)), "missing");
    std::fs::write(token.object(1), whole).unwrap();
    load(&token, Private, 1, 1).unwrap();
}

#[test]
fn objects_cannot_be_exchanged_or_renamed() {
    let token = filled();
    std::fs::rename(token.object(1), token.file("x")).unwrap();
    std::fs::copy(token.object(2), token.object(1)).unwrap();
    assert!(tampered(load(&token, Private, 1, 1)));
    std::fs::copy(token.object(3), token.object(1)).unwrap();
    assert!(tampered(load(&token, Private, 1, 1)), "from the other ring");
    std::fs::rename(token.file("x"), token.new_object(1)).unwrap();
    load(&token, Private, 1, 1).unwrap();
    std::fs::copy(token.object(2), token.object(8)).unwrap();
    assert!(matches!(load(&token, Private, 8, 1), Err(Error::Conflict(_))), "unlisted");
}

#[test]
fn an_object_of_another_token_does_not_count_even_under_the_same_keys() {
    let (token, other) = (filled(), Token::of(Uuid::from_u128(99)));
    put(&other.open(), Private, &[(1, 0)]).unwrap();
    std::fs::copy(other.object(1), token.object(1)).unwrap();
    assert!(tampered(load(&token, Private, 1, 1)));
    std::fs::copy(other.index(), token.index()).unwrap();
    assert!(tampered(token.try_open(true)));
}

#[test]
fn an_older_version_put_back_is_noticed_and_a_destroyed_object_stays_destroyed() {
    let token = filled();
    let old = token.copy();
    put(&token.open(), Private, &[(1, 1)]).unwrap();
    destroy(&token.open(), Private, 2, 1).unwrap();
    std::fs::copy(old.object(1), token.object(1)).unwrap();
    assert!(tampered(load(&token, Private, 1, 2)));
    std::fs::copy(old.object(2), token.object(2)).unwrap();
    assert!(matches!(load(&token, Private, 2, 1), Err(Error::Conflict(_))));
    let store = token.open();
    let listed: Vec<u128> = store.refresh().unwrap().put.iter().map(|e| e.uuid.as_u128()).collect();
    assert_eq!(listed, [3, 1]);
}

#[test]
fn an_envelope_of_the_same_version_from_another_branch_of_history_is_noticed() {
    let token = filled();
    let branch = token.copy();
    put(&token.open(), Private, &[(1, 1)]).unwrap();
    put(&branch.open(), Private, &[(1, 1)]).unwrap();
    std::fs::copy(branch.object(1), token.object(1)).unwrap();
    assert!(tampered(load(&token, Private, 1, 2)));
}

#[test]
fn frames_of_another_branch_do_not_go_on_where_this_one_ends() {
    let (token, old, new) = one_frame_more();
    let branch = filled();
    put(&branch.open(), Private, &[(1, 1), (5, 0)]).unwrap();
    put(&branch.open(), Private, &[(6, 0)]).unwrap();
    let theirs = std::fs::read(branch.index()).unwrap();
    for spliced in [[&old[..], &theirs[old.len()..]].concat(), [&new[..], &theirs[new.len()..]].concat()] {
        std::fs::write(token.index(), spliced).unwrap();
        assert!(tampered(state(&token)));
    }
}

#[test]
fn an_unknown_format_version_is_refused_and_nothing_is_changed() {
    let token = filled();
    for file in [token.object(1), token.index()] {
        let whole = std::fs::read(&file).unwrap();
        let mut newer = whole.clone();
        newer[8] = 2;
        std::fs::write(&file, newer).unwrap();
        let before = token.files();
        assert!(matches!(state(&token), Err(Error::UnknownVersion(text)) if text.contains("format version 2")));
        assert_eq!(token.files(), before);
        std::fs::write(&file, whole).unwrap();
    }
    state(&token).unwrap();
}

#[test]
fn links_pipes_and_files_that_others_may_write_are_refused() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let token = filled();
    let object = token.object(1);
    let whole = std::fs::read(&object).unwrap();
    let elsewhere = Scratch::new();
    let target = elsewhere.path().join("real");
    let again = |how: &dyn Fn()| {
        std::fs::remove_file(&object).unwrap();
        let _ = std::fs::remove_file(&target);
        std::fs::write(&target, &whole).unwrap();
        how();
        tampered(load(&token, Private, 1, 1))
    };
    assert!(again(&|| symlink(&target, &object).unwrap()));
    assert!(again(&|| std::fs::hard_link(&target, &object).unwrap()));
    assert!(again(&|| assert!(std::process::Command::new("mkfifo").arg(&object).status().unwrap().success())));
    let mode = |mode| std::fs::set_permissions(&object, PermissionsExt::from_mode(mode)).unwrap();
    assert!(again(&|| (std::fs::write(&object, &whole).unwrap(), mode(0o620)).1));
    mode(0o640);
    load(&token, Private, 1, 1).unwrap();
}
