//! A descriptor that is kept for long. Hosts close descriptors they do not know, and the number may then be a file of
//! theirs: so ours is compared by device and inode before each use, and is closed only if it still is ours.

use rustix::fs::Stat;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};

/// An open file and what it must be.
#[derive(Debug)]
pub struct Kept {
    fd: Option<OwnedFd>,
    device: u64,
    inode: u64,
}

impl Kept {
    /// Remembers what `fd` is now.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        let stat = rustix::fs::fstat(&fd)?;
        Ok(Self { fd: Some(fd), device: stat.st_dev, inode: stat.st_ino })
    }

    /// Whether the descriptor still is what it was.
    pub fn is_ours(&self) -> bool {
        rustix::fs::fstat(self).is_ok_and(|stat| self.is(&stat))
    }

    /// Whether this is the file that `stat` describes.
    pub fn is(&self, stat: &Stat) -> bool {
        (self.device, self.inode) == (stat.st_dev, stat.st_ino)
    }

    /// A host closes the descriptor and opens `its` file, which gets the same number: that number.
    #[cfg(test)]
    pub fn is_taken_by(&mut self, its: &std::fs::File) -> i32 {
        let fd = self.fd.as_mut().unwrap();
        rustix::io::dup2(its, fd).unwrap();
        std::os::fd::AsRawFd::as_raw_fd(fd)
    }

    /// Whether both are the same file.
    pub fn same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

impl AsFd for Kept {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.fd {
            Some(fd) => fd.as_fd(),
            // Only while it is being dropped.
            None => rustix::fs::CWD,
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if !self.is_ours() {
            // The host closed it; whatever has its number now is the host's.
            let _ = self.fd.take().map(IntoRawFd::into_raw_fd);
        }
    }
}
