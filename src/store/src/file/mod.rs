//! The default store: a directory with a file per object and one index, each transaction a frame in it.
//! It does not know what a record or an attribute is, nor how `token.object` says its epoch: `seal` tells it.

mod commit;
mod compact;
mod keys;
mod load;
mod tidy;
mod view;

use crate::directory::Directory;
use crate::format::index;
use crate::{Change, Error, News, ObjectStore, Ring, RingKey, Rings};
use keys::Keys;
use sealhsm_secret::Secret;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use uuid::Uuid;
use view::View;

/// Reads the present epoch from the `token.object` of a token's directory. A writer asks under the lock.
pub type PresentEpoch = dyn Fn(&Directory) -> Result<u64, Error> + Send + Sync;

/// The name of the index of an epoch.
pub fn index_name(epoch: u64) -> String {
    format!("{epoch}.index")
}

/// Makes the empty index of an epoch, durably. It must be there before `token.object` names the epoch: a missing
/// index is an error, so that losing it is not taken for an empty token.
pub fn create_index(directory: &Directory, token: Uuid, epoch: u64, public: &RingKey) -> Result<(), Error> {
    let name = index_name(epoch);
    let owner = index::Owner::new(token, epoch, public).map_err(|f| f.at(&directory.named(&name)))?;
    directory.replace(&name, &index::header(&owner, 1))
}

/// Opens the store of a token's directory in this epoch. Fails if the public ring key does not fit the index.
pub fn open(
    directory: Directory,
    token: Uuid,
    epoch: u64,
    rings: Rings,
    present: Box<PresentEpoch>,
) -> Result<Arc<dyn ObjectStore>, Error> {
    Ok(Arc::new(FileStore::open(directory, token, epoch, rings, present)?))
}

/// Void records, or frames, from which on the next writer that holds both rings may compact the index.
const MANY: usize = 1000;

/// A frame that cannot be read by someone without the lock may just be in the writing: look again this often…
const LOOKS: u32 = 4;
/// …after this pause, and longer each time.
const PAUSE: Duration = Duration::from_millis(2);

struct FileStore {
    directory: Directory,
    token: Uuid,
    epoch: u64,
    index: String,
    present: Box<PresentEpoch>,
    many: usize,
    looks: u32,
    /// One writer at a time in this process, in turn; `token.lock` keeps other processes out.
    turn: Mutex<()>,
    /// Whether this store has looked for leftovers once.
    tidied: AtomicBool,
    /// Taken before `keys` by who takes both.
    view: Mutex<View>,
    keys: RwLock<Keys>,
}

impl FileStore {
    fn open(
        directory: Directory,
        token: Uuid,
        epoch: u64,
        rings: Rings,
        present: Box<PresentEpoch>,
    ) -> Result<Self, Error> {
        let index = index_name(epoch);
        let keys = Keys::new(token, epoch, rings).map_err(|f| f.at(&directory.named(&index)))?;
        let store = Self {
            directory,
            token,
            epoch,
            index,
            present,
            many: MANY,
            looks: LOOKS,
            turn: Mutex::new(()),
            tidied: AtomicBool::new(false),
            view: Mutex::new(View::default()),
            keys: RwLock::new(keys),
        };
        store.check_header()?;
        Ok(store)
    }

    fn check_header(&self) -> Result<(), Error> {
        let Some((fd, _)) = self.directory.open_to_read(&self.index)? else { return Err(self.no_index()) };
        let mut start = [0; index::HEADER];
        let named = || self.directory.named(&self.index);
        let length = rustix::io::pread(&fd, &mut start[..], 0).map_err(|e| Error::Io(named(), e.into()))?;
        index::read(&read(&self.keys).owner, &start[..length]).map_err(|f| f.at(&named()))?;
        Ok(())
    }

    /// Brings the view up to date without a lock on the files.
    fn look(&self, view: &mut View) -> Result<(), Error> {
        let mut looks = 0;
        loop {
            let looked = view.follow(&self.directory, &self.index, &read(&self.keys));
            looks += 1;
            match looked {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(self.no_index()),
                Err(Error::Tampered(_)) if looks < self.looks => std::thread::sleep(PAUSE * looks),
                Err(error) => return Err(error),
            }
        }
    }

    /// Why there is no index.
    fn no_index(&self) -> Error {
        if self.directory.is_gone() {
            return Error::Gone(self.directory.path().display().to_string());
        }
        match (self.present)(&self.directory) {
            Ok(present) if present == self.epoch => {
                Error::Tampered(format!("{}: missing; restore it from a backup", self.directory.named(&self.index)))
            }
            Ok(_) => Error::EpochChanged,
            Err(error) => error,
        }
    }
}

impl ObjectStore for FileStore {
    fn refresh(&self) -> Result<News, Error> {
        let mut view = lock(&self.view);
        self.look(&mut view)?;
        Ok(view.news())
    }

    fn load(&self, ring: Ring, uuid: Uuid, version: u64) -> Result<Secret, Error> {
        self.load_envelope(ring, uuid, version)
    }

    fn commit(&self, changes: &[Change<'_>]) -> Result<(), Error> {
        self.commit_changes(changes)
    }

    fn writable(&self) -> bool {
        self.directory.writable()
    }

    fn open_private(&self, key: RingKey) {
        let mut view = lock(&self.view);
        self.keys.write().unwrap_or_else(PoisonError::into_inner).private = Some(key);
        view.restart();
    }

    fn close_private(&self) {
        let mut view = lock(&self.view);
        self.keys.write().unwrap_or_else(PoisonError::into_inner).private = None;
        view.restart();
    }
}

/// What a panic interrupted is brought up to date by the next look: a poisoned lock means nothing here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(of: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    of.read().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
