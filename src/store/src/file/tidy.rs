//! Leftovers of crashed writers: updates without their rename, destroyed objects' files, files of earlier epochs.
//! It removes only what the index or an epoch proves dead. A file that no frame lists and no tombstone names stays:
//! when a directory is copied by a tool, objects may arrive before their index.

use super::load::{LIMIT, new_name, object_name};
use super::{FileStore, lock};
use crate::Error;
use crate::directory::TEMPORARY;
use crate::format::envelope;
use uuid::Uuid;

/// What a name in a token's directory says.
enum Name {
    Object(Uuid),
    New(Uuid),
    Index(u64),
    Temporary,
    Other,
}

fn parse(name: &str) -> Name {
    if name.starts_with(TEMPORARY) {
        return Name::Temporary;
    }
    let Some((stem, ending)) = name.split_once('.') else { return Name::Other };
    match (ending, Uuid::try_parse(stem), stem.parse()) {
        ("object", Ok(uuid), _) if object_name(uuid) == name => Name::Object(uuid),
        ("object.new", Ok(uuid), _) if new_name(uuid) == name => Name::New(uuid),
        ("index", _, Ok(epoch)) if super::index_name(epoch) == name => Name::Index(epoch),
        _ => Name::Other,
    }
}

impl FileStore {
    /// Called under the lock, with both rings open. What cannot be read or removed stays.
    pub(super) fn tidy(&self) -> Result<(), Error> {
        // Our own transaction is not in the view yet.
        self.look(&mut lock(&self.view))?;
        for name in self.directory.list()? {
            if let Err(error) = self.tidy_one(&name) {
                log::info!("{error}; left as it is");
            }
        }
        Ok(())
    }

    fn tidy_one(&self, name: &str) -> Result<(), Error> {
        let useless = match parse(name) {
            Name::Object(uuid) => self.is_dead(name, uuid)?,
            Name::New(uuid) => !self.finish_left(uuid)? && self.is_dead(name, uuid)?,
            Name::Index(epoch) => epoch < self.epoch,
            Name::Temporary => true,
            Name::Other => false,
        };
        if useless { self.directory.remove(name) } else { Ok(()) }
    }

    /// Finishes the rename of an update whose writer did not come to it.
    fn finish_left(&self, uuid: Uuid) -> Result<bool, Error> {
        let listed = lock(&self.view).listed(uuid);
        listed.map_or(Ok(false), |listed| self.finish_rename(uuid, &listed))
    }

    /// Whether a file of an object can never count again: destroyed, superseded, or of an earlier epoch of this token.
    fn is_dead(&self, name: &str, uuid: Uuid) -> Result<bool, Error> {
        let (listed, dead) = {
            let view = lock(&self.view);
            (view.listed(uuid), view.is_dead(uuid))
        };
        if dead || (listed.is_some() && name == object_name(uuid)) {
            return Ok(dead);
        }
        let Some(bytes) = self.directory.read(name, LIMIT)? else { return Ok(false) };
        let Ok(header) = envelope::header(&bytes) else { return Ok(false) };
        let superseded = listed.is_some_and(|l| header.version <= l.version);
        Ok((header.token, header.object) == (self.token, uuid) && (header.epoch < self.epoch || superseded))
    }
}
