//! The kept connection: one message out, one message in, before an instant. Before each use the descriptor is compared
//! with what was opened, because hosts close descriptors they do not know and use the number again.
//! It does not know what the messages say, nor where the connection came from.
#![allow(unsafe_code)]

use crate::process;
use sealhsm_secret::Secret;
use sealhsm_wire::frame_len;
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How an exchange was lost.
#[derive(Debug, PartialEq, Eq)]
pub enum Lost {
    /// The peer was dead before it had read all of the message: nobody has acted upon it.
    Unread,
    /// The message was read, and the connection ended without an answer.
    Unanswered,
    /// No answer in time; the connection is kept and owes one.
    Late,
    /// What came is no message.
    Nonsense,
}

/// A connection, or none. Atomics only, so that a forked child can put it away without a lock.
#[derive(Default)]
pub struct Channel {
    /// The descriptor + 1; 0: none.
    slot: AtomicI32,
    device: AtomicU64,
    inode: AtomicU64,
    /// The process that opened it.
    owner: AtomicU32,
    /// A request was sent and its answer has not come.
    owes: AtomicBool,
    /// When it was sent, in milliseconds of [`now`].
    sent: AtomicU64,
}

impl Channel {
    /// Keeps a connection, in place of any other: one that a fork brought along is closed, one that the host closed is
    /// forgotten.
    pub fn keep(&self, socket: OwnedFd) {
        self.close();
        let Some((device, inode)) = identity(socket.as_raw_fd()) else { return };
        self.device.store(device, Ordering::Relaxed);
        self.inode.store(inode, Ordering::Relaxed);
        self.owner.store(std::process::id(), Ordering::Relaxed);
        self.owes.store(false, Ordering::Relaxed);
        self.slot.store(socket.into_raw_fd() + 1, Ordering::Release);
    }

    /// Whether there is a connection of this process.
    pub fn is_kept(&self) -> bool {
        self.look().is_some()
    }

    /// Whether an answer to an earlier request has yet to come.
    pub fn owes_an_answer(&self) -> bool {
        self.owes.load(Ordering::Relaxed)
    }

    /// Ends the connection for every process that has a copy of the descriptor, without closing it here.
    pub fn hang_up(&self) {
        if let Some(fd) = self.look() {
            // SAFETY: a descriptor that was just compared with what we opened.
            unsafe { libc::shutdown(fd, libc::SHUT_RDWR) };
        }
    }

    /// Hangs up and closes.
    pub fn close(&self) {
        self.hang_up();
        self.abandon();
    }

    /// Closes the descriptor if it is still the one we opened, and forgets it. The connection of another process that
    /// has a copy lives on.
    pub fn abandon(&self) {
        let fd = self.slot.swap(0, Ordering::AcqRel) - 1;
        if fd >= 0 && self.is_the_one(fd) {
            // SAFETY: ours, as just compared; nothing else closes it, as the slot is empty now.
            unsafe { libc::close(fd) };
        }
    }

    /// Hears the answer that an earlier request is owed, and drops it. `Err`: it has not come by `until`; after `patience`
    /// since the request the connection is given up instead (its agent has ended by itself long ago, and a forked child
    /// of the host holds a copy of its end).
    pub fn settle(&self, until: Instant, patience: Duration) -> Result<(), Lost> {
        let Some(fd) = self.look().filter(|_| self.owes_an_answer()) else { return Ok(()) };
        match receive(fd, until) {
            Ok(_late) => self.owes.store(false, Ordering::Relaxed),
            Err(Lost::Late) if self.age() < patience => return Err(Lost::Late),
            Err(_) => self.close(),
        }
        Ok(())
    }

    /// Sends a message and receives the answer (without its length). On any loss but [`Lost::Late`] it is closed.
    pub fn exchange(&self, message: &[u8], until: Instant) -> Result<Secret, Lost> {
        let outcome = self.attempt(message, until);
        match outcome {
            Ok(_) => self.owes.store(false, Ordering::Relaxed),
            Err(Lost::Late) => {}
            Err(_) => self.close(),
        }
        outcome
    }

    fn attempt(&self, message: &[u8], until: Instant) -> Result<Secret, Lost> {
        let fd = self.look().ok_or(Lost::Unread)?;
        if let Err(error) = send(fd, message, until) {
            // Half a message cannot be taken back.
            self.close();
            return Err(if error.kind() == ErrorKind::TimedOut { Lost::Late } else { Lost::Unread });
        }
        self.sent.store(now(), Ordering::Relaxed);
        self.owes.store(true, Ordering::Relaxed);
        receive(fd, until)
    }

    /// The descriptor, if this process opened it and it is still what it was.
    fn look(&self) -> Option<RawFd> {
        let fd = self.slot.load(Ordering::Acquire) - 1;
        let ours = fd >= 0 && self.owner.load(Ordering::Relaxed) == std::process::id() && self.is_the_one(fd);
        ours.then_some(fd)
    }

    fn is_the_one(&self, fd: RawFd) -> bool {
        identity(fd) == Some((self.device.load(Ordering::Relaxed), self.inode.load(Ordering::Relaxed)))
    }

    fn age(&self) -> Duration {
        Duration::from_millis(now().saturating_sub(self.sent.load(Ordering::Relaxed)))
    }
}

/// Milliseconds of CLOCK_MONOTONIC.
fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to a live place.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    (time.tv_sec as u64) * 1000 + (time.tv_nsec as u64) / 1_000_000
}

/// Device and inode of a descriptor.
fn identity(fd: RawFd) -> Option<(u64, u64)> {
    let mut about = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: fstat fills the structure when it returns 0; a bad descriptor is an error, not undefined.
    unsafe { (libc::fstat(fd, about.as_mut_ptr()) == 0).then(|| about.assume_init()) }
        .map(|about| (about.st_dev, about.st_ino))
}

fn send(fd: RawFd, mut message: &[u8], until: Instant) -> io::Result<()> {
    while !message.is_empty() {
        let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
        // SAFETY: a live buffer of that length.
        let sent = unsafe { libc::send(fd, message.as_ptr().cast(), message.len(), flags) };
        match usize::try_from(sent) {
            Ok(sent) => message = message.get(sent..).unwrap_or_default(),
            Err(_) => again(fd, libc::POLLOUT, until)?,
        }
    }
    Ok(())
}

/// A whole message without its length.
fn receive(fd: RawFd, until: Instant) -> Result<Secret, Lost> {
    let mut head = [0; 4];
    fill(fd, &mut head, until)?;
    let mut message = Secret::zeroed(frame_len(head).ok_or(Lost::Nonsense)?);
    // A message that stops in the middle is worth nothing later.
    fill(fd, message.as_mut(), until).map_err(|_| Lost::Unanswered)?;
    Ok(message)
}

fn fill(fd: RawFd, mut buffer: &mut [u8], until: Instant) -> Result<(), Lost> {
    let whole = buffer.len();
    while !buffer.is_empty() {
        // SAFETY: a live buffer of that length.
        let got = unsafe { libc::recv(fd, buffer.as_mut_ptr().cast(), buffer.len(), libc::MSG_DONTWAIT) };
        match usize::try_from(got) {
            Ok(0) => return Err(Lost::Unanswered),
            Ok(got) => buffer = buffer.get_mut(got..).unwrap_or_default(),
            Err(_) => again(fd, libc::POLLIN, until).map_err(|error| match error.kind() {
                ErrorKind::TimedOut if buffer.len() == whole => Lost::Late,
                // unix(7): the peer closed with something unread, which can only be the end of our message.
                ErrorKind::ConnectionReset => Lost::Unread,
                _ => Lost::Unanswered,
            })?,
        }
    }
    Ok(())
}

/// After a call that set errno: waits if it only would have blocked, else gives the error.
fn again(fd: RawFd, events: i16, until: Instant) -> io::Result<()> {
    let error = io::Error::last_os_error();
    match error.kind() {
        ErrorKind::Interrupted => Ok(()),
        ErrorKind::WouldBlock => process::wait(fd, events, until),
        _ => Err(error),
    }
}
