//! The file store as its callers see it, and its directory as crashes, other processes and attackers leave it.

mod crash;
mod faults;
mod share;
mod tamper;
mod transactions;

use super::FileStore;
use crate::directory::Directory;
use crate::directory::tests::Scratch;
use crate::format::tests::key;
use crate::{Change, Error, ObjectStore, Ring, Rings};
use sealhsm_secret::Secret;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use uuid::Uuid;

pub const EPOCH: u64 = 3;

/// A token's directory; its `token.object` is just the epoch's number.
pub struct Token {
    scratch: Scratch,
    pub uuid: Uuid,
}

impl Token {
    pub fn new() -> Self {
        Self::of(Uuid::from_u128(0x1234))
    }

    pub fn of(uuid: Uuid) -> Self {
        let scratch = Scratch::new();
        super::create_index(&Directory::open(scratch.path(), 0o077).unwrap(), uuid, EPOCH, &key(1)).unwrap();
        std::fs::write(scratch.path().join("token.object"), EPOCH.to_string()).unwrap();
        Self { scratch, uuid }
    }

    /// A copy of the directory as it is now.
    pub fn copy(&self) -> Self {
        let copy = Self { scratch: Scratch::new(), uuid: self.uuid };
        copy_files(self.path(), copy.path());
        copy
    }

    pub fn path(&self) -> &Path {
        self.scratch.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn object(&self, uuid: u128) -> PathBuf {
        self.file(&super::load::object_name(Uuid::from_u128(uuid)))
    }

    pub fn new_object(&self, uuid: u128) -> PathBuf {
        self.file(&super::load::new_name(Uuid::from_u128(uuid)))
    }

    pub fn index(&self) -> PathBuf {
        self.file(&super::index_name(EPOCH))
    }

    /// With both rings.
    pub fn open(&self) -> FileStore {
        self.try_open(true).unwrap()
    }

    /// Without a login.
    pub fn open_public(&self) -> FileStore {
        self.try_open(false).unwrap()
    }

    pub fn try_open(&self, private: bool) -> Result<FileStore, Error> {
        let rings = Rings { public: key(1), private: private.then(|| key(2)) };
        let present = |d: &Directory| {
            let text = d.read("token.object", 20)?.ok_or_else(|| Error::Gone("token.object".into()))?;
            Ok(String::from_utf8(text).unwrap().parse().unwrap())
        };
        let directory = Directory::open(self.path(), 0o077)?;
        let mut store = FileStore::open(directory, self.uuid, EPOCH, rings, Box::new(present))?;
        store.looks = 1;
        Ok(store)
    }

    /// Every file and its bytes.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = std::fs::read_dir(self.path()).unwrap().map(|e| e.unwrap());
        entries.map(|e| (e.file_name().into_string().unwrap(), std::fs::read(e.path()).unwrap())).collect()
    }
}

pub fn copy_files(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Ring, version, record, attributes.
pub type State = BTreeMap<u128, (Ring, u64, Vec<u8>, Vec<u8>)>;

/// Everything that a new store of this token sees: every listed object must open.
pub fn state(token: &Token) -> Result<State, Error> {
    let store = token.try_open(true)?;
    let news = store.refresh()?;
    assert!(news.restart && news.gone.is_empty());
    let opened = news.put.into_iter().map(|e| {
        let attributes = store.load(e.ring, e.uuid, e.version)?;
        Ok((e.uuid.as_u128(), (e.ring, e.version, e.record, attributes.as_ref().to_vec())))
    });
    opened.collect()
}

/// Creates or changes an object; record and attributes tell UUID and version.
pub fn put(store: &FileStore, ring: Ring, objects: &[(u128, u64)]) -> Result<(), Error> {
    let texts: Vec<_> = objects.iter().map(|(u, v)| text(*u, *v + 1)).collect();
    let bodies: Vec<_> = texts.iter().map(|(_, body)| Secret::copy_of(body)).collect();
    let changes = objects.iter().zip(&texts).zip(&bodies).map(|(((uuid, expected), (record, _)), body)| Change::Put {
        uuid: Uuid::from_u128(*uuid),
        ring,
        expected: *expected,
        record,
        body,
    });
    store.commit(&changes.collect::<Vec<_>>())
}

pub fn destroy(store: &FileStore, ring: Ring, uuid: u128, expected: u64) -> Result<(), Error> {
    store.commit(&[Change::Destroy { uuid: Uuid::from_u128(uuid), ring, expected }])
}

fn text(uuid: u128, version: u64) -> (Vec<u8>, Vec<u8>) {
    (format!("label {uuid} v{version}").into_bytes(), format!("attributes {uuid} v{version}").into_bytes())
}

/// What [`put`] makes, as [`state`] shows it.
pub fn shown(objects: &[(Ring, u128, u64)]) -> State {
    let one = |(ring, uuid, version): &(Ring, u128, u64)| {
        let (record, body) = text(*uuid, *version);
        (*uuid, (*ring, *version, record, body))
    };
    objects.iter().map(one).collect()
}
