//! One transaction: envelopes, then one frame, which is the only commit; then what can be done later too.
//! n + 2 fsyncs for n new or changed objects, one for a destruction.

use super::load::{LIMIT, new_name, object_name};
use super::view::{Listed, Tail};
use super::{FileStore, lock, read};
use crate::directory::{LOCK, Lock, NotAppended};
use crate::format::record::{self, Record};
use crate::format::{SEALED, envelope, frame};
use crate::{Change, Error, Ring};
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;
use uuid::Uuid;

/// A sealed envelope and the name under which it is written before the frame.
struct Envelope {
    name: String,
    bytes: Vec<u8>,
}

/// Everything of a transaction that is written, sealed before the first write.
struct Sealed {
    envelopes: Vec<Envelope>,
    frame: Vec<u8>,
}

/// What the lock found.
struct Found {
    /// The index, open for writing.
    index: OwnedFd,
    tail: Tail,
    /// Bytes of the index; those after the tail's end are torn.
    size: u64,
    /// What is to be replaced, as it is now.
    updated: Vec<(Uuid, Listed)>,
}

impl FileStore {
    pub(super) fn commit_changes(&self, changes: &[Change<'_>]) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        let _turn = lock(&self.turn);
        let lock = self.directory.lock()?;
        if (self.present)(&self.directory)? != self.epoch {
            return Err(Error::EpochChanged);
        }
        let found = self.look_to_write(changes)?;
        self.settle(&found.updated)?;
        let sealed = self.seal(changes, &found.tail)?;
        let done = self.write_envelopes(&sealed.envelopes).and_then(|()| self.cut_torn(&found, &lock));
        let done = done
            .map_err(|error| NotAppended { error, undone: true })
            .and_then(|()| self.directory.append(&self.index, &found.index, found.tail.end, &sealed.frame));
        if let Err(NotAppended { error, undone }) = done {
            // A frame that may be there after all must find its envelopes.
            if undone {
                sealed.envelopes.iter().for_each(|e| drop(self.directory.remove(&e.name)));
            }
            return Err(error);
        }
        // From here on the transaction is true. What fails now, a later writer does.
        self.finish(changes);
        self.keep_house();
        Ok(())
    }

    /// The index as the lock found it; the transaction fits it.
    fn look_to_write(&self, changes: &[Change<'_>]) -> Result<Found, Error> {
        for change in changes {
            let (Change::Put { ring, .. } | Change::Destroy { ring, .. }) = *change;
            read(&self.keys).check(ring)?;
        }
        let mut view = lock(&self.view);
        self.look(&mut view)?;
        view.check(changes)?;
        let Some((index, stat)) = self.directory.open_to_write(&self.index)? else { return Err(self.no_index()) };
        let tail = view.tail(&stat).ok_or_else(|| {
            let name = self.directory.named(&self.index);
            Error::Tampered(format!("{name}: replaced by someone without the lock; find out who writes here"))
        })?;
        let updated = changes.iter().filter_map(|change| match *change {
            Change::Put { uuid, .. } => Some((uuid, view.listed(uuid)?)),
            Change::Destroy { .. } => None,
        });
        Ok(Found { index, tail, size: u64::try_from(stat.st_size).unwrap_or(0), updated: updated.collect() })
    }

    /// Before a new version takes the name `….object.new`, a listed one that a crash left there gets its own.
    fn settle(&self, updated: &[(Uuid, Listed)]) -> Result<(), Error> {
        for (uuid, listed) in updated {
            if self.directory.look(&new_name(*uuid))?.is_some() && self.finish_rename(*uuid, listed)? {
                self.directory.sync()?;
            }
        }
        Ok(())
    }

    /// Renames an update that is committed; says whether there was one.
    pub(super) fn finish_rename(&self, uuid: Uuid, listed: &Listed) -> Result<bool, Error> {
        let waits = self.is_listed(&new_name(uuid), uuid, listed)?;
        if waits {
            self.directory.rename(&new_name(uuid), &object_name(uuid))?;
        }
        Ok(waits)
    }

    /// The last thing before the frame: the lock must still be ours, and what a writer left half done goes.
    fn cut_torn(&self, found: &Found, lock: &Lock) -> Result<(), Error> {
        let named = |name: &str| self.directory.named(name);
        if !lock.is_held() {
            let why = "the program closed the lock's descriptor, which is not its own; try again";
            return Err(Error::Io(named(LOCK), std::io::Error::other(why)));
        }
        if found.size > found.tail.end {
            log::warn!("{}: the last write did not end; cut back", named(&self.index));
            self.directory.cut(&self.index, &found.index, found.tail.end)?;
        }
        Ok(())
    }

    fn seal(&self, changes: &[Change<'_>], tail: &Tail) -> Result<Sealed, Error> {
        let keys = read(&self.keys);
        let mut envelopes = Vec::new();
        let (mut public, mut private) = (Vec::new(), Vec::new());
        for change in changes {
            let (ring, row) = match *change {
                Change::Destroy { uuid, ring, expected } => (ring, Record::Tombstone { uuid, version: expected }),
                Change::Put { uuid, ring, expected, record, body } => {
                    let name = if expected == 0 { object_name(uuid) } else { new_name(uuid) };
                    let named = self.directory.named(&name);
                    if body.len() > LIMIT - envelope::OVERHEAD || record.len() > LIMIT - SEALED {
                        let why = "an object of more than 16 MiB; make it smaller";
                        return Err(Error::Io(named, std::io::Error::new(std::io::ErrorKind::InvalidInput, why)));
                    }
                    let version = expected + 1;
                    let sealed = envelope::seal(keys.of(ring)?, &self.header(uuid, version), body);
                    let bytes = sealed.map_err(|f| f.at(&named))?;
                    let tag = envelope::tag(&bytes).map_err(|f| f.at(&named))?;
                    envelopes.push(Envelope { name, bytes });
                    (ring, Record::Put { uuid, version, tag, record })
                }
            };
            match ring {
                Ring::Public => public.push(row),
                Ring::Private => private.push(row),
            }
        }
        let frame = self.frame(&keys, &tail.place, &public, &private)?;
        Ok(Sealed { envelopes, frame })
    }

    /// The frame of these records; a ring without any has no part in it.
    pub(super) fn frame(
        &self,
        keys: &super::Keys,
        place: &frame::Place,
        public: &[Record<'_>],
        private: &[Record<'_>],
    ) -> Result<Vec<u8>, Error> {
        let fault = |f: crate::format::Fault| f.at(&self.directory.named(&self.index));
        let records = |rows: &[Record<'_>]| (!rows.is_empty()).then(|| record::write(rows)).transpose().map_err(fault);
        let (public, private) = (records(public)?, records(private)?);
        let public = public.as_ref().map(|rows| (&keys.public, rows));
        let private = match &private {
            Some(rows) => Some((keys.of(Ring::Private)?, rows)),
            None => None,
        };
        frame::write(&keys.owner, place, public, private).map_err(fault)
    }

    fn write_envelopes(&self, envelopes: &[Envelope]) -> Result<(), Error> {
        if envelopes.is_empty() {
            return Ok(());
        }
        envelopes.iter().try_for_each(|e| self.directory.create(&e.name, &e.bytes))?;
        self.directory.sync()
    }

    /// The renames and removals after the frame; not synced.
    fn finish(&self, changes: &[Change<'_>]) {
        for change in changes {
            let done = match *change {
                Change::Put { expected: 0, .. } => Ok(()),
                Change::Put { uuid, .. } => self.directory.rename(&new_name(uuid), &object_name(uuid)),
                Change::Destroy { uuid, .. } => {
                    self.directory.remove(&object_name(uuid)).and_then(|()| self.directory.remove(&new_name(uuid)))
                }
            };
            if let Err(error) = done {
                log::warn!("{error}; a later writer finishes it");
            }
        }
    }

    /// Leftovers and compaction, both only with both rings open: nobody else knows what is left over.
    fn keep_house(&self) {
        if read(&self.keys).private.is_none() {
            return;
        }
        let crowded = lock(&self.view).is_crowded(self.many);
        let first = !self.tidied.load(Ordering::Relaxed);
        let done = if crowded {
            self.tidy().and_then(|()| self.compact())
        } else if first {
            self.tidy()
        } else {
            return;
        };
        match done {
            Ok(()) => self.tidied.store(true, Ordering::Relaxed),
            Err(error) => log::warn!("{error}; leftovers stay for now"),
        }
    }
}
