//! OpenSSL's global locks across a fork. A thread of the parent that has one of them at that moment does not exist in
//! the child, where the lock would stay locked for ever: so they are recorded when OpenSSL starts, no writer is let in
//! the middle of something while the process forks, and the child begins with all of them free.
//! Locks of keys and contexts are not recorded: the child forgets what they belong to.
#![allow(unsafe_code)]

use libc::pthread_rwlock_t as Lock;
use std::ffi::CStr;
use std::os::raw::{c_char, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::time::{Duration, Instant};

/// More than OpenSSL makes as it starts (fewer than a hundred).
const MOST: usize = 512;
/// A writer has such a lock for some microseconds; a fork does not wait longer than this for all of them.
const PATIENCE: Duration = Duration::from_millis(20);

static LOCKS: [AtomicPtr<Lock>; MOST] = [const { AtomicPtr::new(null_mut()) }; MOST];
static RECORDING: AtomicBool = AtomicBool::new(false);

/// Runs the start of OpenSSL, in the one thread that uses it yet, and records the locks made and not freed by it.
pub(crate) fn recording<T>(start: impl FnOnce() -> T) -> T {
    RECORDING.store(true, Ordering::Relaxed);
    let started = start();
    RECORDING.store(false, Ordering::Relaxed);
    started
}

/// Told of every new block: `file` is the source file that asked for it, and tells which blocks are locks.
pub(crate) fn made(block: *mut c_void, size: usize, file: *const c_char) {
    if size != size_of::<Lock>() || !RECORDING.load(Ordering::Relaxed) || block.is_null() || file.is_null() {
        return;
    }
    // SAFETY: OpenSSL passes __FILE__.
    if unsafe { CStr::from_ptr(file) }.to_bytes().ends_with(b"threads_pthread.c") {
        let free = LOCKS.iter().find(|place| place.load(Ordering::Relaxed).is_null());
        if let Some(place) = free {
            place.store(block.cast(), Ordering::Release);
        }
    }
}

/// Told of every block that is about to be freed.
pub(crate) fn freed(block: *mut c_void) {
    if RECORDING.load(Ordering::Relaxed) {
        let its = LOCKS.iter().find(|place| place.load(Ordering::Relaxed) == block.cast());
        if let Some(place) = its {
            place.store(null_mut(), Ordering::Release);
        }
    }
}

fn locks() -> impl Iterator<Item = *mut Lock> {
    LOCKS.iter().map(|place| place.load(Ordering::Acquire)).filter(|lock| !lock.is_null())
}

/// From before a fork to after it, in the forking thread. Dropped in the parent.
pub struct Forking {
    /// That many locks are ours for reading.
    taken: usize,
}

impl Forking {
    /// Takes every lock for reading: readers do not mind each other, and no writer is in the middle of something then.
    /// Where that takes too long (a fork in a signal handler that interrupted a writer) none is taken.
    pub fn prepare() -> Self {
        let late = Instant::now() + PATIENCE;
        loop {
            // SAFETY: locks that OpenSSL made as it started, and never frees.
            let taken = locks().take_while(|lock| unsafe { libc::pthread_rwlock_tryrdlock(*lock) } == 0).count();
            let forking = Forking { taken };
            if taken == locks().count() {
                return forking;
            }
            // Whoever has the next one may be waiting for one of ours.
            drop(forking);
            if Instant::now() > late {
                return Forking { taken: 0 };
            }
            std::thread::sleep(Duration::from_micros(20));
        }
    }

    /// In the child: frees every lock, whoever had it in the parent.
    pub fn in_child(mut self) {
        self.taken = 0;
        for lock in locks() {
            // SAFETY: as above; this process has one thread, and it is not in OpenSSL.
            unsafe { libc::pthread_rwlock_init(lock, std::ptr::null()) };
        }
    }
}

impl Drop for Forking {
    fn drop(&mut self) {
        for lock in locks().take(self.taken) {
            // SAFETY: as above; it is ours for reading.
            unsafe { libc::pthread_rwlock_unlock(lock) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openssl_starts_with_locks_that_are_recorded_and_free() {
        crate::init().unwrap();
        let count = locks().count();
        assert!((10..MOST).contains(&count), "{count} locks");
        let forking = Forking::prepare();
        assert_eq!(forking.taken, count);
        drop(forking);
        for lock in locks() {
            // SAFETY: a live lock; free, as nothing else uses OpenSSL for long.
            assert_eq!(unsafe { libc::pthread_rwlock_wrlock(lock) }, 0);
            // SAFETY: ours.
            unsafe { libc::pthread_rwlock_unlock(lock) };
        }
    }

    #[test]
    fn a_child_has_every_lock_whoever_had_it_in_its_parent() {
        crate::init().unwrap();
        let last = locks().last().unwrap() as usize;
        let (has, may_end) = (std::sync::mpsc::channel(), std::sync::mpsc::channel::<()>());
        let reader = std::thread::spawn(move || {
            // SAFETY: a live lock.
            unsafe { libc::pthread_rwlock_rdlock(last as *mut Lock) };
            has.0.send(()).unwrap();
            may_end.1.recv().unwrap();
            // SAFETY: ours for reading.
            unsafe { libc::pthread_rwlock_unlock(last as *mut Lock) };
        });
        has.1.recv().unwrap();
        let forking = Forking::prepare();
        // SAFETY: the child makes system calls only, and ends.
        let child = unsafe { libc::fork() };
        if child == 0 {
            forking.in_child();
            // SAFETY: live locks of this process; ends it.
            unsafe {
                let all = locks().all(|lock| libc::pthread_rwlock_trywrlock(lock) == 0);
                libc::_exit(i32::from(!all));
            }
        }
        drop(forking);
        may_end.0.send(()).unwrap();
        reader.join().unwrap();
        let mut status = -1;
        // SAFETY: our own child.
        unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!(status, 0);
    }
}
