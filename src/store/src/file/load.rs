//! Reading one object: the version that the index lists, from whichever of its two files has it. No lock is taken.

use super::view::Listed;
use super::{FileStore, lock, read};
use crate::format::Fault;
use crate::format::envelope::{self, Header};
use crate::{Error, Ring};
use sealhsm_secret::Secret;
use uuid::Uuid;

/// The file of an object.
pub fn object_name(uuid: Uuid) -> String {
    format!("{uuid}.object")
}

/// Its next version, before the frame and until the rename.
pub fn new_name(uuid: Uuid) -> String {
    format!("{uuid}.object.new")
}

/// More than any object needs: 16 MiB.
pub const LIMIT: usize = 16 << 20;

/// A writer may rename between our two looks at an object's files.
const TRIES: usize = 4;

impl FileStore {
    pub(super) fn load_envelope(&self, ring: Ring, uuid: Uuid, version: u64) -> Result<Secret, Error> {
        read(&self.keys).check(ring)?;
        let mut wrong = None;
        for attempt in 0..TRIES {
            let listed = self.listed_as(ring, uuid, version, attempt > 0)?;
            for name in [object_name(uuid), new_name(uuid)] {
                match self.open_listed(&name, uuid, &listed)? {
                    Ok(attributes) => return Ok(attributes),
                    Err(fault) => wrong = wrong.or(fault.map(|f| f.at(&self.directory.named(&name)))),
                }
            }
        }
        let name = self.directory.named(&object_name(uuid));
        Err(wrong.unwrap_or_else(|| {
            Error::Tampered(format!(
                "{name}: version {version}, which the index lists, is missing; restore it from a backup"
            ))
        }))
    }

    /// How the index lists exactly this version, after a fresh look if asked or needed.
    fn listed_as(&self, ring: Ring, uuid: Uuid, version: u64, fresh: bool) -> Result<Listed, Error> {
        let mut view = lock(&self.view);
        let fits = |listed: &Listed| listed.ring == ring && listed.version == version;
        if let (false, Some(listed)) = (fresh, view.listed(uuid).filter(fits)) {
            return Ok(listed);
        }
        self.look(&mut view)?;
        view.listed(uuid).filter(fits).ok_or(Error::Conflict(uuid))
    }

    /// Opens a file if it is the envelope that the index lists; the inner error is why not, if not only another version.
    fn open_listed(&self, name: &str, uuid: Uuid, listed: &Listed) -> Result<Result<Secret, Option<Fault>>, Error> {
        let Some(bytes) = self.directory.read(name, LIMIT)? else { return Ok(Err(None)) };
        let expected = self.header(uuid, listed.version);
        let opened = match (envelope::header(&bytes), envelope::tag(&bytes)) {
            (Ok(header), Ok(tag)) if header == expected && tag == listed.tag => {
                envelope::open(read(&self.keys).of(listed.ring)?, &expected, &bytes).map_err(Some)
            }
            (Ok(Header { version, .. }), Ok(_)) if version != listed.version => Err(None),
            (Ok(_), Ok(_)) => Err(Some(Fault::Damaged("not the envelope that the index lists"))),
            (Err(fault), _) | (_, Err(fault)) => Err(Some(fault)),
        };
        Ok(opened)
    }

    /// The header of an object's envelope in this store.
    pub(super) fn header(&self, uuid: Uuid, version: u64) -> Header {
        Header { epoch: self.epoch, token: self.token, object: uuid, version }
    }

    /// Whether a file is exactly the envelope that the index lists.
    pub(super) fn is_listed(&self, name: &str, uuid: Uuid, listed: &Listed) -> Result<bool, Error> {
        let Some(bytes) = self.directory.read(name, LIMIT)? else { return Ok(false) };
        let same = envelope::header(&bytes).is_ok_and(|h| h == self.header(uuid, listed.version));
        Ok(same && envelope::tag(&bytes).is_ok_and(|tag| tag == listed.tag))
    }
}
