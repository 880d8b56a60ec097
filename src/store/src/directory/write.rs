//! Changing files: a new one, a whole one replaced, one added to; each durable when it returns, unless it says not.

use super::step::{Step, before};
use super::{Directory, FLAGS_FILE, Kept, TEMPORARY, open_at};
use crate::Error;
use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use uuid::Uuid;

/// Why nothing was added to a file.
pub(crate) struct NotAppended {
    pub error: Error,
    /// The file is as it was before, durably. If not, what was to be added may be there in part or whole.
    pub undone: bool,
}

impl Directory {
    /// Makes a file with these contents, in the place of any file of that name, and syncs it; its name is durable
    /// after [`Directory::sync`].
    pub fn create(&self, name: &str, contents: &[u8]) -> Result<(), Error> {
        let at = self.at()?;
        remove(&at, name)
            .and_then(|()| self.make(&at, name, Mode::from_raw_mode(0o640 & !self.umask)))
            .and_then(|fd| {
                before(Step::Write, name)?;
                let mut file = File::from(fd);
                file.write_all(contents)?;
                before(Step::Sync, name)?;
                file.sync_all()
            })
            .map_err(|e| self.not_written(name, e))
    }

    /// Replaces a whole file, or makes it: afterwards it has these contents, after a crash those or the old ones.
    pub fn replace(&self, name: &str, contents: &[u8]) -> Result<(), Error> {
        let temporary = format!("{TEMPORARY}{}", random_uuid()?);
        let done = self.create(&temporary, contents).and_then(|()| self.rename(&temporary, name));
        if done.is_err() {
            let _ = self.remove(&temporary);
        }
        done.and_then(|()| self.sync())
    }

    /// Adds `bytes` at `end`, the present length, with one write, and syncs. When that fails the file is cut back.
    pub(crate) fn append(&self, name: &str, file: &OwnedFd, end: u64, bytes: &[u8]) -> Result<(), NotAppended> {
        let written = before(Step::Write, name).and_then(|()| write_at(file, end, bytes));
        let done = written.and_then(|()| {
            before(Step::Sync, name)?;
            Ok(rustix::fs::fsync(file)?)
        });
        done.map_err(|e| {
            let back = rustix::fs::ftruncate(file, end).and_then(|()| rustix::fs::fsync(file));
            if let Err(again) = back {
                log::warn!("{}: cannot be cut back after a failed write: {again}", self.named(name));
            }
            NotAppended { error: self.not_written(name, e), undone: back.is_ok() }
        })
    }

    /// Cuts a file to `end` bytes. Not durable by itself.
    pub(crate) fn cut(&self, name: &str, file: &OwnedFd, end: u64) -> Result<(), Error> {
        before(Step::Truncate, name)
            .and_then(|()| Ok(rustix::fs::ftruncate(file, end)?))
            .map_err(|e| self.not_written(name, e))
    }

    /// Opens a file to change it; `None` if there is none.
    pub(crate) fn open_to_write(&self, name: &str) -> Result<Option<(OwnedFd, rustix::fs::Stat)>, Error> {
        self.open_checked(name, OFlags::RDWR)
    }

    /// Gives a file another name, over any file that has it. Durable after [`Directory::sync`].
    pub fn rename(&self, from: &str, to: &str) -> Result<(), Error> {
        let at = self.at()?;
        before(Step::Rename, from)
            .and_then(|()| Ok(rustix::fs::renameat(&*at, from, &*at, to)?))
            .map_err(|e| self.not_written(to, e))
    }

    /// Removes a file, if there is one. Durable after [`Directory::sync`].
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        let at = self.at()?;
        remove(&at, name).map_err(|e| self.not_written(name, e))
    }

    /// Makes the names in it durable.
    pub fn sync(&self) -> Result<(), Error> {
        let at = self.at()?;
        before(Step::SyncDirectory, ".")
            .and_then(|()| Ok(rustix::fs::fsync(&*at)?))
            .map_err(|e| self.not_written("", e))
    }

    /// A new empty file with the directory's owner and exactly this mode, whatever the process's umask says.
    pub(super) fn make(&self, at: &Kept, name: &str, mode: Mode) -> io::Result<OwnedFd> {
        before(Step::Create, name)?;
        let private = Mode::RUSR | Mode::WUSR;
        let how = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | FLAGS_FILE;
        let fd = open_at(at, name, how, private)?;
        self.give_to_owner(&fd)?;
        if mode != private {
            rustix::fs::fchmod(&fd, mode)?;
        }
        Ok(fd)
    }

    /// What root makes belongs to the directory's owner: else `sudo pkcs11-tool` would lock a daemon out.
    pub(super) fn give_to_owner(&self, file: impl AsFd) -> io::Result<()> {
        if rustix::process::geteuid().is_root() {
            let (uid, gid) = (Uid::from_raw(self.owner.uid), Gid::from_raw(self.owner.gid));
            rustix::fs::fchown(file, Some(uid), Some(gid))?;
        }
        Ok(())
    }

    /// Why something was not written.
    pub(super) fn not_written(&self, name: &str, error: io::Error) -> Error {
        let named = if name.is_empty() { self.path.display().to_string() } else { self.named(name) };
        match Errno::from_io_error(&error) {
            Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => Error::Full(named),
            Some(Errno::ROFS | Errno::ACCESS | Errno::PERM) => Error::ReadOnly(named),
            Some(Errno::NOENT) if self.is_gone() => Error::Gone(self.path.display().to_string()),
            _ => Error::Io(named, error),
        }
    }
}

fn remove(at: &Kept, name: &str) -> io::Result<()> {
    before(Step::Remove, name)?;
    match rustix::fs::unlinkat(at, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

fn write_at(file: &OwnedFd, mut at: u64, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::pwrite(file, bytes, at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => {
                bytes = &bytes[n..];
                at += n as u64;
            }
            Err(Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

/// A version 4 UUID.
pub(super) fn random_uuid() -> Result<Uuid, Error> {
    let mut random = [0; 16];
    sealhsm_crypto::random::public(&mut random).map_err(|e| Error::Io("random numbers".into(), io::Error::other(e)))?;
    Ok(uuid::Builder::from_random_bytes(random).into_uuid())
}
