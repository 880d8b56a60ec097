//! Format version 1, as it was written on the day it was fixed, opens for ever.
//!
//! `golden/v1` is a token's index and objects. Token UUID 11111111-…, epoch 3, public ring key 32 × 0x01, private
//! 32 × 0x02. Transactions: private 1 and 2 (a pair), public 3; public 3 changed by a session without a PIN; private 2
//! destroyed. The record of an object is "record N", its attributes "attributes N", N being its version.

use sealhsm_secret::Secret;
use sealhsm_store::directory::Directory;
use sealhsm_store::{Change, Error, ObjectStore, Ring, RingKey, Rings, file};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

const TOKEN: Uuid = Uuid::from_u128(0x1111_1111_1111_1111_1111_1111_1111_1111);
const EPOCH: u64 = 3;

fn key(byte: u8) -> RingKey {
    RingKey(Secret::copy_of(&[byte; 32]))
}

fn open(path: &Path, private: Option<RingKey>) -> Result<Arc<dyn ObjectStore>, Error> {
    let rings = Rings { public: key(1), private };
    file::open(Directory::open(path, 0o077)?, TOKEN, EPOCH, rings, Box::new(|_| Ok(EPOCH)))
}

fn put(store: &dyn ObjectStore, objects: &[(Ring, u128, u64)]) {
    let text = |what: &str, old: u64| format!("{what} {}", old + 1).into_bytes();
    let texts: Vec<_> =
        objects.iter().map(|(.., old)| (text("record", *old), Secret::from(text("attributes", *old)))).collect();
    let changes = objects.iter().zip(&texts).map(|((ring, uuid, expected), (record, body))| Change::Put {
        uuid: Uuid::from_u128(*uuid),
        ring: *ring,
        expected: *expected,
        record,
        body,
    });
    store.commit(&changes.collect::<Vec<_>>()).unwrap();
}

/// Makes the golden token anew; the committed one was made by this.
fn write(path: &Path) {
    let directory = Directory::open(path, 0o077).unwrap();
    file::create_index(&directory, TOKEN, EPOCH, &key(1)).unwrap();
    let store = open(path, Some(key(2))).unwrap();
    put(&*store, &[(Ring::Private, 1, 0), (Ring::Private, 2, 0), (Ring::Public, 3, 0)]);
    put(&*open(path, None).unwrap(), &[(Ring::Public, 3, 1)]);
    store.commit(&[Change::Destroy { uuid: Uuid::from_u128(2), ring: Ring::Private, expected: 1 }]).unwrap();
}

fn check(path: &Path) {
    let store = open(path, Some(key(2))).unwrap();
    let news = store.refresh().unwrap();
    let seen: Vec<_> = news.put.iter().map(|e| (e.uuid.as_u128(), e.ring, e.version, &e.record[..])).collect();
    assert_eq!(seen, [(1, Ring::Private, 1, &b"record 1"[..]), (3, Ring::Public, 2, b"record 2")]);
    for entry in &news.put {
        let attributes = store.load(entry.ring, entry.uuid, entry.version).unwrap();
        assert_eq!(attributes.as_ref(), format!("attributes {}", entry.version).as_bytes());
    }
    put(&*store, &[(Ring::Private, 1, 1)]);
    assert_eq!(store.refresh().unwrap().put[0].version, 2);
}

fn scratch(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("sealhsm-{name}-{}", std::process::id()));
    std::fs::create_dir(&path).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
    path
}

#[test]
fn the_golden_token_of_format_version_1_opens_and_can_be_written() {
    let path = scratch("golden");
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")).unwrap() {
        let entry = entry.unwrap();
        let copy = path.join(entry.file_name());
        std::fs::write(&copy, std::fs::read(entry.path()).unwrap()).unwrap();
        // Whatever the checkout's umask was.
        std::fs::set_permissions(&copy, PermissionsExt::from_mode(0o600)).unwrap();
    }
    check(&path);
    std::fs::remove_dir_all(&path).unwrap();
}

#[test]
fn a_token_written_today_is_like_the_golden_one() {
    let path = scratch("written");
    write(&path);
    let sizes = |of: &Path| {
        let entries = std::fs::read_dir(of).unwrap().map(|e| e.unwrap()).filter(|e| e.file_name() != "token.lock");
        entries.map(|e| (e.file_name(), e.metadata().unwrap().len())).collect::<std::collections::BTreeMap<_, _>>()
    };
    assert_eq!(sizes(&path), sizes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")));
    check(&path);
    std::fs::remove_dir_all(&path).unwrap();
}
