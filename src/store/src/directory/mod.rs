//! The files of a token, safely: everything through the directory's descriptor, regular files only, owner, mode and
//! link count checked. `token.object` and the store use the same primitives. It does not know what files contain.
//!
//! Changing something in a token's directory is for the holder of its [`Lock`], except in a new `.tmp-` directory.

mod kept;
mod lock;
mod step;
mod tree;
mod write;

pub use kept::Kept;
pub use lock::{Forking, LOCK, Lock, abandon};
#[cfg(test)]
pub(crate) use step::{Step, watch};
pub use tree::TEMPORARY;
pub(crate) use write::NotAppended;

use crate::Error;
use rustix::fs::{Access, AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::path::Arg;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// An open directory. Every path in it is one name; nothing in it is ever followed.
pub struct Directory {
    path: PathBuf,
    umask: u32,
    owner: Owner,
    kept: RwLock<Arc<Kept>>,
}

/// Who owns a directory and so must own what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Owner {
    uid: u32,
    gid: u32,
}

impl Directory {
    /// Opens the directory of all tokens. Its path may go through symbolic links: the administrator chose it.
    /// `umask` takes permission bits away from what is made in it: at most, files are 0640 and directories 0750.
    pub fn open(path: &Path, umask: u32) -> Result<Self, Error> {
        let opened = open_at(CWD, path, FLAGS_DIRECTORY - OFlags::NOFOLLOW, Mode::empty());
        // What is there is the administrator's, who may have named another place than was meant.
        if let Err(Errno::NOTDIR) = opened {
            return Err(Error::Tampered(format!("{}: not a directory; check `tokendir`", path.display())));
        }
        Self::opened(path.into(), umask, opened)
    }

    /// Opens a directory in this one.
    pub fn sub(&self, name: &str) -> Result<Self, Error> {
        let at = self.at()?;
        Self::opened(self.path.join(name), self.umask, open_at(&*at, name, FLAGS_DIRECTORY, Mode::empty()))
    }

    fn opened(path: PathBuf, umask: u32, opened: Result<OwnedFd, Errno>) -> Result<Self, Error> {
        let named = path.display().to_string();
        let fd = opened.map_err(|e| match e {
            Errno::NOENT => Error::Gone(named.clone()),
            Errno::LOOP | Errno::NOTDIR => Error::Tampered(format!("{named}: not a directory; remove it")),
            other => Error::Io(named.clone(), other.into()),
        })?;
        let stat = rustix::fs::fstat(&fd).map_err(|e| Error::Io(named.clone(), e.into()))?;
        let owner = Owner { uid: stat.st_uid, gid: stat.st_gid };
        let me = rustix::process::geteuid().as_raw();
        check_directory(owner.uid, me, stat.st_mode).map_err(|why| Error::Tampered(format!("{named}: {why}")))?;
        let kept = RwLock::new(Arc::new(Kept::new(fd).map_err(|e| Error::Io(named, e))?));
        Ok(Self { path, umask, owner, kept })
    }

    /// Its path, for messages only.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it, for messages only.
    pub fn named(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }

    /// The descriptor. If the host closed it behind our back the directory is opened again, if it is still the same.
    fn at(&self) -> Result<Arc<Kept>, Error> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner).clone();
        if kept.is_ours() {
            return Ok(kept);
        }
        let again = Self::opened(
            self.path.clone(),
            self.umask,
            open_at(CWD, &self.path, FLAGS_DIRECTORY - OFlags::NOFOLLOW, Mode::empty()),
        )?;
        let again = again.kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !again.same_file(&kept) {
            return Err(Error::Gone(self.path.display().to_string()));
        }
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = again.clone();
        Ok(again)
    }

    /// Whether the directory was deleted while it was open, or its name is another directory's now.
    pub fn is_gone(&self) -> bool {
        match (self.at(), rustix::fs::stat(&self.path)) {
            (Ok(at), Ok(stat)) => !at.is(&stat),
            (_, Err(Errno::NOENT)) | (Err(Error::Gone(_)), _) => true,
            _ => false,
        }
    }

    /// Whether files can be made in it: permissions and mount.
    pub fn writable(&self) -> bool {
        let Ok(at) = self.at() else { return false };
        let may = rustix::fs::accessat(&*at, ".", Access::WRITE_OK, AtFlags::EACCESS);
        !matches!(may, Err(Errno::ACCESS | Errno::ROFS | Errno::PERM))
    }

    /// Device, inode and size of a file by its name; `None` if there is none.
    pub fn look(&self, name: &str) -> Result<Option<Stat>, Error> {
        let at = self.at()?;
        match rustix::fs::statat(&*at, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(Error::Io(self.named(name), e.into())),
        }
    }

    /// Opens a file to read; `None` if there is none. It is checked as the module says.
    pub fn open_to_read(&self, name: &str) -> Result<Option<(OwnedFd, Stat)>, Error> {
        self.open_checked(name, OFlags::RDONLY)
    }

    /// Reads a whole file; `None` if there is none. More than `limit` bytes are refused.
    pub fn read(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, Error> {
        let Some((fd, stat)) = self.open_to_read(name)? else { return Ok(None) };
        let mut bytes = Vec::with_capacity(usize::try_from(stat.st_size).unwrap_or(0).min(limit));
        File::from(fd).take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|e| Error::Io(self.named(name), e))?;
        if bytes.len() > limit {
            return Err(Error::Tampered(format!("{}: longer than {limit} bytes; restore it", self.named(name))));
        }
        Ok(Some(bytes))
    }

    fn open_checked(&self, name: &str, how: OFlags) -> Result<Option<(OwnedFd, Stat)>, Error> {
        let at = self.at()?;
        // NONBLOCK: a FIFO put there would hang the open.
        let fd = match open_at(&*at, name, how | FLAGS_FILE, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => {
                return Err(Error::Tampered(format!("{}: a symbolic link; remove it", self.named(name))));
            }
            // A socket; a directory that is opened to write. Everything else that is no file can be opened.
            Err(Errno::NXIO | Errno::ISDIR) => {
                return Err(Error::Tampered(format!("{}: not a regular file; remove it", self.named(name))));
            }
            Err(e) if how.contains(OFlags::RDWR) => return Err(self.not_written(name, e.into())),
            Err(e) => return Err(Error::Io(self.named(name), e.into())),
        };
        let stat = rustix::fs::fstat(&fd).map_err(|e| Error::Io(self.named(name), e.into()))?;
        if stat.st_nlink == 0 {
            return Ok(None);
        }
        check_file(self.owner.uid, &stat).map_err(|why| Error::Tampered(format!("{}: {why}", self.named(name))))?;
        Ok(Some((fd, stat)))
    }
}

const FLAGS_DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const FLAGS_FILE: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// Everything in this room is opened here, and never as 0 to 2: where the host closed its standard streams, its lines
/// and those of our log would get into a token's file, and its next files would not get the numbers that it counts on.
fn open_at(at: impl AsFd, name: impl Arg, how: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    let fd = rustix::fs::openat(at, name, how, mode)?;
    if fd.as_raw_fd() > 2 { Ok(fd) } else { rustix::io::fcntl_dupfd_cloexec(&fd, 3) }
}

/// A directory must belong to root or to the effective user (root may work for anyone), and nobody else may write it.
fn check_directory(owner: u32, me: u32, mode: u32) -> Result<(), String> {
    if owner != 0 && me != 0 && owner != me {
        return Err(format!("belongs to user {owner}, not to root or to user {me}, who runs this; chown it"));
    }
    check_mode(mode)
}

/// A file must be a regular one, belong to its directory's owner, have one name, and nobody else may write it.
fn check_file(owner: u32, stat: &Stat) -> Result<(), String> {
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err("not a regular file; remove it".into());
    }
    if stat.st_uid != owner {
        return Err(format!("belongs to user {}, its directory to user {owner}; chown it", stat.st_uid));
    }
    if stat.st_nlink > 1 {
        return Err(format!("has {} names (hard links); remove the others", stat.st_nlink));
    }
    check_mode(stat.st_mode)
}

fn check_mode(mode: u32) -> Result<(), String> {
    match mode & 0o022 {
        0 => Ok(()),
        _ => Err(format!("mode {:04o}: its group or others may write it; chmod go-w it", mode & 0o7777)),
    }
}

#[cfg(test)]
pub(crate) mod tests;
