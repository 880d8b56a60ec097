//! Compaction: a new index with one big frame of the living, whose chain starts anew at the next sequence number.

use super::view::View;
use super::{FileStore, read};
use crate::format::frame::Place;
use crate::format::index;
use crate::format::record::Record;
use crate::{Error, Ring};

impl FileStore {
    /// Called under the lock, with both rings open. A view of its own reads the records again: none are kept.
    pub(super) fn compact(&self) -> Result<(), Error> {
        let mut view = View::default();
        self.look(&mut view)?;
        let entries = view.news().put;
        let (mut public, mut private) = (Vec::new(), Vec::new());
        for entry in &entries {
            let Some(listed) = view.listed(entry.uuid) else { continue };
            let row = Record::Put { uuid: entry.uuid, version: entry.version, tag: listed.tag, record: &entry.record };
            match entry.ring {
                Ring::Public => public.push(row),
                Ring::Private => private.push(row),
            }
        }
        let Some(next) = view.sequence() else { return Ok(()) };
        let keys = read(&self.keys);
        if keys.private.is_none() {
            // A logout just now: what this view read of private objects is not all of them.
            return Ok(());
        }
        let mut bytes = index::header(&keys.owner, next);
        if !entries.is_empty() {
            let place = Place { sequence: next, ..Place::default() };
            bytes.extend_from_slice(&self.frame(&keys, &place, &public, &private)?);
        }
        drop(keys);
        self.directory.replace(&self.index, &bytes)?;
        log::info!("{}: compacted to {} objects", self.directory.named(&self.index), entries.len());
        Ok(())
    }
}
