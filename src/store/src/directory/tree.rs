//! Directories in a directory: listing, a new token's `.tmp-` directory, a token removed.

use super::step::{Step, before};
use super::write::random_uuid;
use super::{Directory, LOCK, TEMPORARY as PREFIX};
use crate::Error;
use rustix::fs::{AtFlags, Dir, FileType, Mode, RenameFlags, Stat};
use rustix::io::Errno;
use std::os::fd::AsFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// How the names of what is not there yet, or not any more, begin.
pub const TEMPORARY: &str = ".tmp-";

/// The files of a token: exact names, and endings.
const NAMES: [&str; 2] = ["token.object", LOCK];
const ENDINGS: [&str; 4] = [".object", ".object.new", ".index", ".keys"];

fn is_known(name: &str) -> bool {
    NAMES.contains(&name) || name.starts_with(PREFIX) || ENDINGS.iter().any(|e| name.ends_with(e))
}

impl Directory {
    /// Opens the directory of all tokens, and makes it (0700, parents too) when it is missing.
    pub fn open_or_make(path: &Path, umask: u32) -> Result<Self, Error> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        match Self::open(path, umask) {
            Err(Error::Gone(named)) => Err(Error::Io(named, made.err().unwrap_or(std::io::ErrorKind::NotFound.into()))),
            other => other,
        }
    }

    /// Every name in it but `.` and `..`, in no order. Names that are not UTF-8 are not ours and left out.
    pub fn list(&self) -> Result<Vec<String>, Error> {
        let at = self.at()?;
        let failed = |e: Errno| Error::Io(self.path.display().to_string(), e.into());
        let mut names = Vec::new();
        for entry in Dir::read_from(&*at).map_err(failed)? {
            match entry.map_err(failed)?.file_name().to_str() {
                Ok("." | "..") | Err(_) => {}
                Ok(name) => names.push(name.to_owned()),
            }
        }
        Ok(names)
    }

    /// Makes a directory with a `.tmp-` name in this one, for a new token: fill it, then [`Directory::publish`] it.
    pub fn make_temporary(&self) -> Result<(String, Directory), Error> {
        let name = format!("{TEMPORARY}{}", random_uuid()?);
        let at = self.at()?;
        rustix::fs::mkdirat(&*at, &name, Mode::RWXU).map_err(|e| self.not_written(&name, e.into()))?;
        let made = self.sub(&name)?;
        let fd = made.at()?;
        let mode = Mode::from_raw_mode(0o750 & !self.umask);
        self.give_to_owner(fd.as_fd())
            .and_then(|()| Ok(rustix::fs::fchmod(&*fd, mode)?))
            .map_err(|e| self.not_written(&name, e))?;
        // Opened again: the owner is another one now when root made it.
        Ok((name.clone(), self.sub(&name)?))
    }

    /// Gives a directory its final name, which must be free, durably with everything in it that was synced.
    pub fn publish(&self, temporary: &str, name: &str) -> Result<(), Error> {
        self.sub(temporary)?.sync()?;
        let at = self.at()?;
        before(Step::Rename, temporary)
            .and_then(|()| Ok(rename_to_free(&at, temporary, name)?))
            .map_err(|e| self.not_written(name, e))?;
        self.sync()
    }

    /// Removes a token's directory with its files. Anything else in it is a reason to remove nothing.
    /// It first takes a `.tmp-` name, so that a crash leaves no half of a token.
    pub fn remove_token(&self, name: &str) -> Result<(), Error> {
        let token = self.sub(name)?;
        let names = token.list()?;
        for name in &names {
            // A directory would stop the removal half way.
            let directory = |stat: Stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            if !is_known(name) || token.look(name)?.is_some_and(directory) {
                let why = "not a token's file; move it away, then delete the token again";
                return Err(Error::Tampered(format!("{}: {why}", token.named(name))));
            }
        }
        let temporary = format!("{TEMPORARY}{}", random_uuid()?);
        self.rename(name, &temporary)?;
        self.sync()?;
        names.iter().try_for_each(|n| token.remove(n))?;
        let at = self.at()?;
        rustix::fs::unlinkat(&*at, &temporary, AtFlags::REMOVEDIR)
            .map_err(|e| self.not_written(&temporary, e.into()))?;
        self.sync()
    }
}

/// Renames without replacing; where the file system cannot do that, an empty directory of that name is replaced.
fn rename_to_free(at: &super::Kept, from: &str, to: &str) -> Result<(), Errno> {
    match rustix::fs::renameat_with(at, from, at, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => rustix::fs::renameat(at, from, at, to),
        other => other,
    }
}
