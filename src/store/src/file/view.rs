//! What the index says, as far as it was read: it is followed frame by frame, without any lock on the file.
//! Records are handed on as news and not kept.

use super::keys::Keys;
use crate::directory::{Directory, Kept};
use crate::format::frame::{self, Next, Place};
use crate::format::record::{self, Record};
use crate::format::{Fault, Tag, index};
use crate::{Change, Entry, Error, News, Ring};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// More than any token needs; an absurd file must not eat the host's memory.
const LIMIT: u64 = 1 << 30;

/// A living object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    pub ring: Ring,
    pub version: u64,
    /// Of its envelope.
    pub tag: Tag,
}

/// Where the index ends, for who writes the next frame.
#[derive(Clone, Copy)]
pub struct Tail {
    /// Bytes of the file that count.
    pub end: u64,
    /// The next frame's.
    pub place: Place,
}

#[derive(Default)]
pub struct View {
    /// The index as it was opened, and how far it was read. It is kept open so that its inode cannot be used again.
    file: Option<(Kept, Tail)>,
    known: HashMap<Uuid, Listed>,
    dead: HashSet<Uuid>,
    /// Records read, living or not, and the frames they came in.
    records: usize,
    frames: usize,
    /// In the order of the index; several for one object are possible.
    changes: Vec<(Uuid, Option<Entry>)>,
    restarted: bool,
}

impl View {
    /// Forgets everything; the next look starts from the beginning.
    pub fn restart(&mut self) {
        *self = View { restarted: true, ..View::default() };
    }

    pub fn listed(&self, uuid: Uuid) -> Option<Listed> {
        self.known.get(&uuid).copied()
    }

    /// Whether a new index with one frame would be worth its writing: more than this many records mean nothing any
    /// more and those are more than the living, or more than this many frames are to be opened and those are more
    /// than a quarter of the living (so that the work per transaction stays constant while a token grows).
    pub fn is_crowded(&self, many: usize) -> bool {
        let living = self.known.len();
        self.records.saturating_sub(living) > many.max(living) || self.frames > many.max(living / 4)
    }

    /// Whether this object was destroyed, as far as the index remembers.
    pub fn is_dead(&self, uuid: Uuid) -> bool {
        self.dead.contains(&uuid)
    }

    /// Where the next frame goes, and whether `file` is the index that was read.
    pub fn tail(&self, stat: &rustix::fs::Stat) -> Option<Tail> {
        self.file.as_ref().filter(|(kept, _)| kept.is(stat)).map(|(_, tail)| *tail)
    }

    /// The next frame's sequence number, once the index was read.
    pub fn sequence(&self) -> Option<u64> {
        self.file.as_ref().map(|(_, tail)| tail.place.sequence)
    }

    /// Reads on from where the last look ended; false if there is no index. A torn tail is not there yet.
    /// After an error everything is read anew.
    pub fn follow(&mut self, directory: &Directory, name: &str, keys: &Keys) -> Result<bool, Error> {
        let followed = self.try_follow(directory, name, keys);
        if followed.is_err() {
            self.restart();
        }
        followed
    }

    fn try_follow(&mut self, directory: &Directory, name: &str, keys: &Keys) -> Result<bool, Error> {
        let Some(stat) = directory.look(name)? else { return Ok(false) };
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        match &self.file {
            Some((kept, tail)) if kept.is(&stat) && tail.end <= size && kept.is_ours() => {
                if tail.end == size {
                    return Ok(true);
                }
            }
            _ => {
                if !self.reopen(directory, name)? {
                    return Ok(false);
                }
            }
        }
        self.read_on(keys).map_err(|e| e.at(&directory.named(name))).map(|()| true)
    }

    fn reopen(&mut self, directory: &Directory, name: &str) -> Result<bool, Error> {
        self.restart();
        let Some((fd, _)) = directory.open_to_read(name)? else { return Ok(false) };
        let kept = Kept::new(fd).map_err(|e| Error::Io(directory.named(name), e))?;
        self.file = Some((kept, Tail { end: 0, place: Place::default() }));
        Ok(true)
    }

    fn read_on(&mut self, keys: &Keys) -> Result<(), Trouble> {
        let Some((kept, mut tail)) = self.file.take() else { return Ok(()) };
        let bytes = read_from(&kept, tail.end)?;
        let mut rest = &bytes[..];
        if tail.end == 0 {
            tail.place.sequence = index::read(&keys.owner, rest)?;
            tail.end = index::HEADER as u64;
            rest = &rest[index::HEADER..];
        }
        while let Next::Frame(frame) = frame::read(&keys.owner, &tail.place, rest, tail.end)? {
            for (ring, key) in keys.open() {
                if let Some(records) = frame.open(&keys.owner, &tail.place, ring, key)? {
                    self.apply(ring, &record::read(records.as_ref())?)?;
                }
            }
            self.frames += 1;
            tail.place = frame.next(&tail.place);
            tail.end += frame.length() as u64;
            rest = &rest[frame.length()..];
        }
        self.file = Some((kept, tail));
        Ok(())
    }

    fn apply(&mut self, ring: Ring, records: &[Record<'_>]) -> Result<(), Fault> {
        self.records += records.len();
        if self.known.is_empty() {
            self.known.reserve(records.len());
        }
        records.iter().try_for_each(|record| match *record {
            Record::Put { uuid, version, tag, record } => {
                let before = self.known.insert(uuid, Listed { ring, version, tag });
                if before.is_some_and(|b| b.ring != ring || b.version >= version) || self.is_dead(uuid) {
                    return Err(Fault::Damaged("its records contradict each other"));
                }
                let entry = Entry { uuid, ring, version, record: record.to_vec() };
                self.changes.push((uuid, Some(entry)));
                Ok(())
            }
            Record::Tombstone { uuid, version } => {
                let before = self.known.remove(&uuid);
                if !before.is_some_and(|b| b.ring == ring && b.version == version) {
                    return Err(Fault::Damaged("its records contradict each other"));
                }
                self.dead.insert(uuid);
                self.changes.push((uuid, None));
                Ok(())
            }
        })
    }

    /// What happened since it was last asked for: of each object the last.
    pub fn news(&mut self) -> News {
        let restart = std::mem::take(&mut self.restarted);
        let mut news = News { restart, ..News::default() };
        let mut seen = HashSet::with_capacity(self.changes.len());
        for (uuid, change) in std::mem::take(&mut self.changes).into_iter().rev() {
            if seen.insert(uuid) {
                match change {
                    Some(entry) => news.put.push(entry),
                    None if restart => {}
                    None => news.gone.push(uuid),
                }
            }
        }
        news.put.reverse();
        news.gone.reverse();
        news
    }

    /// Refuses a transaction that does not fit what is there.
    pub fn check(&self, changes: &[Change<'_>]) -> Result<(), Error> {
        let mut seen = HashSet::new();
        for change in changes {
            let (uuid, ring, expected, put) = match *change {
                Change::Put { uuid, ring, expected, .. } => (uuid, ring, expected, true),
                Change::Destroy { uuid, ring, expected } => (uuid, ring, expected, false),
            };
            let fits = match self.listed(uuid) {
                Some(listed) => listed.ring == ring && listed.version == expected && expected < u64::MAX,
                None => put && expected == 0 && !self.is_dead(uuid),
            };
            if !fits || !seen.insert(uuid) {
                return Err(Error::Conflict(uuid));
            }
        }
        Ok(())
    }
}

/// What reading meets, before the file's name is known.
enum Trouble {
    Fault(Fault),
    Io(rustix::io::Errno),
    TooLong,
}

impl Trouble {
    fn at(self, file: &str) -> Error {
        match self {
            Trouble::Fault(fault) => fault.at(file),
            Trouble::Io(errno) => Error::Io(file.into(), errno.into()),
            Trouble::TooLong => Error::Tampered(format!("{file}: longer than 1 GiB; restore it from a backup")),
        }
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Trouble::Fault(fault)
    }
}

/// Everything from `at` to the present end.
fn read_from(file: &Kept, at: u64) -> Result<Vec<u8>, Trouble> {
    let stat = rustix::fs::fstat(file).map_err(Trouble::Io)?;
    let length = u64::try_from(stat.st_size).unwrap_or(0).saturating_sub(at);
    if length > LIMIT {
        return Err(Trouble::TooLong);
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| Trouble::TooLong)?];
    let mut filled = 0;
    while filled < bytes.len() {
        match rustix::io::pread(file, &mut bytes[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(Trouble::Io(e)),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
