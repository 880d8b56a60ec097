//! The writers' lock of a token: flock(2) on `token.lock`. The descriptors live in a table of the process so that a
//! forked child can close them: otherwise the child would keep the lock of a parent that was killed.

use super::{Directory, Kept};
use crate::Error;
use rustix::fs::{FlockOperation, Mode, flock};
use rustix::io::Errno;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// The lock file's name. It is empty and never deleted while its token is there.
pub const LOCK: &str = "token.lock";

/// A writer holds the lock for a few milliseconds; one that was stopped would hold it for ever.
const PATIENCE: Duration = Duration::from_secs(10);

type Table = Mutex<Vec<(u64, Kept)>>;

/// The table in use is one of these: a child that was forked while a thread of its parent had it locked, for a moment,
/// goes on with the next one.
static TABLES: [Table; 64] = [const { Mutex::new(Vec::new()) }; 64];
static IN_USE: AtomicUsize = AtomicUsize::new(0);

fn table() -> &'static Table {
    &TABLES[IN_USE.load(Ordering::Relaxed) % TABLES.len()]
}

fn held() -> MutexGuard<'static, Vec<(u64, Kept)>> {
    table().lock().unwrap_or_else(PoisonError::into_inner)
}

/// A fork does not wait longer for the table: in a signal handler that interrupted its holder it would wait for ever.
const FORK_PATIENCE: Duration = Duration::from_secs(1);

/// Keeps the table still while the process forks, for `pthread_atfork`: whatever lock the parent has or is about to
/// have is in it. The table is never held for longer than some system calls that do not wait.
pub struct Forking(Option<MutexGuard<'static, Vec<(u64, Kept)>>>);

impl Forking {
    /// Before the fork; in the parent it is dropped after it.
    pub fn prepare() -> Self {
        let until = Instant::now() + FORK_PATIENCE;
        loop {
            match table().try_lock() {
                Ok(held) => return Forking(Some(held)),
                Err(TryLockError::Poisoned(held)) => return Forking(Some(held.into_inner())),
                Err(TryLockError::WouldBlock) if Instant::now() > until => return Forking(None),
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_micros(20)),
            }
        }
    }

    /// In the child: closes every lock descriptor inherited from the parent, whose locks stay.
    pub fn in_child(self) {
        if let Some(mut held) = self.0 {
            held.clear();
        }
    }
}

/// The same for a child that [`Forking`] did not prepare, as after a bare clone(2). It never waits.
pub fn abandon() {
    match table().try_lock() {
        Ok(mut held) => held.clear(),
        Err(TryLockError::Poisoned(held)) => held.into_inner().clear(),
        Err(TryLockError::WouldBlock) => drop(IN_USE.fetch_add(1, Ordering::Relaxed)),
    }
}

/// Holds the lock until it is dropped.
pub struct Lock(u64);

impl Lock {
    /// Whether it still locks anyone out: the host may have closed its descriptor.
    pub fn is_held(&self) -> bool {
        held().iter().any(|(id, kept)| *id == self.0 && kept.is_ours())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut held = held();
        if let Some(at) = held.iter().position(|(id, _)| *id == self.0) {
            let (_, kept) = held.swap_remove(at);
            if kept.is_ours() {
                // Said aloud, because a child forked meanwhile may still have the descriptor.
                let _ = flock(&kept, FlockOperation::Unlock);
            }
        }
    }
}

impl Directory {
    /// Waits for the writers' lock, at most ten seconds.
    pub fn lock(&self) -> Result<Lock, Error> {
        let until = Instant::now() + PATIENCE;
        loop {
            let lock = self.open_lock()?;
            self.wait(&lock, until)?;
            // A lock on a file that has lost its name would lock nobody out.
            let named = self.look(LOCK)?;
            if named.is_some_and(|stat| held().iter().any(|(id, kept)| *id == lock.0 && kept.is(&stat))) {
                return Ok(lock);
            }
            if self.is_gone() {
                return Err(Error::Gone(self.path().display().to_string()));
            }
        }
    }

    /// Opens the lock file, and makes it when missing: 0600, so that who may only read cannot keep writers waiting.
    fn open_lock(&self) -> Result<Lock, Error> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // Under the table's lock, so that no fork finds a descriptor that is not in it.
        let mut held = held();
        let fd = match self.open_to_write(LOCK)? {
            Some((fd, _)) => fd,
            None => match self.make(&*self.at()?, LOCK, Mode::RUSR | Mode::WUSR) {
                Ok(fd) => fd,
                // Another process was faster, or what is there now is not a file: the checks of opening say.
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => match self.open_to_write(LOCK)? {
                    Some((fd, _)) => fd,
                    None => return Err(self.not_written(LOCK, e)),
                },
                Err(e) => return Err(self.not_written(LOCK, e)),
            },
        };
        let kept = Kept::new(fd).map_err(|e| Error::Io(self.named(LOCK), e))?;
        let lock = Lock(NEXT.fetch_add(1, Ordering::Relaxed));
        held.push((lock.0, kept));
        Ok(lock)
    }

    fn wait(&self, lock: &Lock, until: Instant) -> Result<(), Error> {
        let mut pause = Duration::from_micros(50);
        loop {
            let tried = match held().iter().find(|(id, _)| *id == lock.0) {
                Some((_, kept)) if kept.is_ours() => flock(kept, FlockOperation::NonBlockingLockExclusive),
                _ => Err(Errno::BADF),
            };
            match tried {
                Ok(()) => return Ok(()),
                Err(Errno::WOULDBLOCK | Errno::INTR) if Instant::now() < until => {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(2));
                }
                Err(Errno::WOULDBLOCK) => {
                    let why = "another process has held the lock for ten seconds; find it with `fuser`";
                    let error = std::io::Error::new(std::io::ErrorKind::TimedOut, why);
                    return Err(Error::Io(self.named(LOCK), error));
                }
                Err(e) => return Err(Error::Io(self.named(LOCK), e.into())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_fork_by_the_thread_that_has_the_table_does_not_wait_for_ever() {
        let (done, ended) = mpsc::channel();
        std::thread::spawn(move || {
            // As in a signal handler that interrupts it here.
            let held = held();
            let forking = Forking::prepare();
            let still = forking.0.is_some();
            drop((forking, held));
            done.send(still).unwrap();
        });
        assert_eq!(ended.recv_timeout(10 * FORK_PATIENCE), Ok(false));
        assert!(Forking::prepare().0.is_some());
    }
}
