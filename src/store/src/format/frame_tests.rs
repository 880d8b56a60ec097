//! Frames: what is read back, what is torn, what is tampering.

use super::super::tests::{flips, key};
use super::*;
use uuid::Uuid;

const START: Place = Place { sequence: 4, chain: Chain { public: [0; 16], private: [0; 16] } };

fn owner() -> Owner {
    Owner::new(Uuid::from_u128(5), 3, &key(1)).unwrap()
}

fn both(place: &Place, public: &[u8], private: &[u8]) -> Vec<u8> {
    let (public, private) = (Secret::copy_of(public), Secret::copy_of(private));
    write(&owner(), place, Some((&key(1), &public)), Some((&key(2), &private))).unwrap()
}

/// Reads frames from the start and opens both rings: their records, and whether the tail is torn.
fn replay(bytes: &[u8], at: u64) -> Result<(Vec<Vec<u8>>, bool), Fault> {
    let (owner, mut place, mut rest, mut found) = (owner(), START, bytes, Vec::new());
    loop {
        match read(&owner, &place, rest, at + (bytes.len() - rest.len()) as u64)? {
            Next::End => return Ok((found, false)),
            Next::Torn => return Ok((found, true)),
            Next::Frame(frame) => {
                for (ring, key) in [(Ring::Public, key(1)), (Ring::Private, key(2))] {
                    found.extend(frame.open(&owner, &place, ring, &key)?.map(|s| s.as_ref().to_vec()));
                }
                place = frame.next(&place);
                rest = &rest[frame.length()..];
            }
        }
    }
}

fn after(bytes: &[u8], place: &Place) -> Place {
    match read(&owner(), place, bytes, 0).unwrap() {
        Next::Frame(frame) => frame.next(place),
        _ => panic!("no frame"),
    }
}

#[test]
fn frames_are_read_back_with_either_part_missing() {
    let first = both(&START, b"public", b"private");
    let second_place = after(&first, &START);
    let records = Secret::copy_of(b"only public");
    let second = write(&owner(), &second_place, Some((&key(1), &records)), None).unwrap();
    let third_place = after(&second, &second_place);
    assert_eq!(third_place.chain.private, second_place.chain.private, "the private chain goes on past the frame");
    let records = Secret::copy_of(b"only private");
    let third = write(&owner(), &third_place, None, Some((&key(2), &records))).unwrap();
    let all = [first, second, third].concat();
    let expected: [&[u8]; 4] = [b"public", b"private", b"only public", b"only private"];
    assert_eq!(replay(&all, 0).unwrap(), (expected.map(<[u8]>::to_vec).to_vec(), false));
    assert!(!all.windows(4).any(|w| w == b"only" || w == b"publ" || w == b"priv"));
}

#[test]
fn every_truncation_of_the_last_frame_is_torn_and_leaves_those_before() {
    let first = both(&START, b"one", b"two");
    let all = [first.clone(), both(&after(&first, &START), &[7; 700], b"four")].concat();
    for length in first.len() + 1..all.len() {
        let (found, torn) = replay(&all[..length], 76).unwrap();
        assert_eq!((found.len(), torn), (2, true), "{length} bytes");
    }
    assert_eq!(replay(&all[..first.len()], 76).unwrap().0.len(), 2);
}

#[test]
fn zeros_from_a_sector_boundary_on_are_torn_and_from_elsewhere_tampering() {
    let all = both(&START, &[7; 1500], b"private");
    for at in [0u64, 76, 500] {
        for from in 0..all.len() {
            let mut bad = all.clone();
            bad[from..].fill(0);
            let nonzero = bad.iter().rposition(|b| *b != 0).map_or(0, |n| n + 1) as u64 + at;
            let torn = from == 0
                || bad[..HEADER].iter().all(|b| *b == 0)
                || nonzero.next_multiple_of(512) < at + all.len() as u64;
            match replay(&bad, at) {
                Ok((found, true)) => assert!(torn && found.is_empty(), "at {at} from {from}"),
                Err(Fault::Damaged(_)) => assert!(!torn, "at {at} from {from}"),
                _ => panic!("at {at} from {from} was taken for a frame"),
            }
        }
    }
}

#[test]
fn a_torn_frame_may_be_followed_by_any_number_of_zeros() {
    let mut bytes = both(&START, &[7; 1500], b"private");
    bytes[1024..].fill(0);
    bytes.resize(9000, 0);
    assert!(replay(&bytes, 0).unwrap().1);
    assert!(replay(&[0; 4096], 100).unwrap().1);
    assert!(replay(&[0; 3], 100).unwrap().1);
}

#[test]
fn every_flipped_bit_of_any_frame_is_noticed() {
    let first = both(&START, b"one", b"two");
    let all = [first.clone(), both(&after(&first, &START), b"three", b"four")].concat();
    for (bit, bad) in flips(&all) {
        assert!(matches!(replay(&bad, 76), Err(Fault::Damaged(_))), "bit {bit}");
    }
}

#[test]
fn a_reader_of_the_public_ring_notices_a_private_tag_that_changed_in_an_earlier_frame() {
    let first = both(&START, b"one", b"two");
    let second = both(&after(&first, &START), b"three", b"four");
    let mut bad = [first.clone(), second].concat();
    let last_of_tag = first.len() - 2;
    bad[last_of_tag] ^= 1;
    let Next::Frame(frame) = read(&owner(), &START, &bad, 0).unwrap() else { panic!("no frame") };
    let place = frame.next(&START);
    assert!(frame.open(&owner(), &START, Ring::Public, &key(1)).unwrap().is_some());
    assert!(read(&owner(), &place, &bad[frame.length()..], 0).is_err());
}

#[test]
fn frames_cannot_be_left_out_repeated_exchanged_or_brought_from_elsewhere() {
    let first = both(&START, b"one", b"two");
    let place = after(&first, &START);
    let second = both(&place, b"three", b"four");
    let other = both(&place, b"another", b"branch");
    let third = both(&after(&second, &place), b"five", b"six");
    for bad in [
        [&first[..], &third].concat(),
        [&first[..], &first].concat(),
        [&first[..], &other, &third].concat(),
        [&second[..], &first].concat(),
    ] {
        assert!(replay(&bad, 0).is_err());
    }
    let elsewhere = Owner::new(Uuid::from_u128(6), 3, &key(1)).unwrap();
    assert!(read(&elsewhere, &START, &first, 0).is_err());
    let later = Owner::new(Uuid::from_u128(5), 4, &key(1)).unwrap();
    assert!(read(&later, &START, &first, 0).is_err());
}
