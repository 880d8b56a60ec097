//! Whose turn it is: a lock that is waited for until a deadline only, and that a forked child never inherits as taken
//! (std's mutex has neither). It does not know what it guards.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

/// The word holds the process ID of the holder, or 0. A word with another process's ID was taken by a thread that did
/// not come along through a fork.
#[derive(Default)]
pub struct Turn {
    holder: AtomicU32,
}

/// Ends the turn when dropped.
pub struct Held<'a>(&'a Turn);

impl Turn {
    /// Waits until it is our turn, or gives up at `until`.
    pub fn take(&self, until: Instant) -> Option<Held<'_>> {
        let us = std::process::id();
        let mut seen = 0;
        loop {
            match self.holder.compare_exchange(seen, us, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Some(Held(self)),
                Err(other) if other != us => seen = other,
                Err(_) => {
                    seen = 0;
                    self.wait(us, until)?;
                }
            }
        }
    }

    /// Sleeps while the word is `value`; `None` past the deadline.
    fn wait(&self, value: u32, until: Instant) -> Option<()> {
        let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        let left = libc::timespec {
            tv_sec: libc::time_t::try_from(left.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: libc::c_long::from(left.subsec_nanos() as i32),
        };
        let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
        // SAFETY: futex(2) on a live, aligned word of ours with a valid relative time. Any return is followed by a look.
        unsafe { libc::syscall(libc::SYS_futex, self.holder.as_ptr(), operation, value, &raw const left) };
        Some(())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let word = &self.0.holder;
        word.store(0, Ordering::Release);
        let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
        // SAFETY: futex(2) on a live, aligned word of ours; wakes one waiter, if any.
        unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, 1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn in_ms(ms: u64) -> Instant {
        Instant::now() + Duration::from_millis(ms)
    }

    #[test]
    fn a_turn_is_waited_for_until_the_deadline_and_no_longer() {
        let turn = Turn::default();
        let held = turn.take(in_ms(0));
        assert!(held.is_some());
        let start = Instant::now();
        assert!(turn.take(in_ms(50)).is_none());
        assert!((50..1000).contains(&start.elapsed().as_millis()));
        drop(held);
        assert!(turn.take(in_ms(0)).is_some());
    }

    #[test]
    fn threads_take_turns() {
        let (turn, inside) = (Turn::default(), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let _held = turn.take(in_ms(60_000)).unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::Relaxed);
                    }
                });
            }
        });
    }

    #[test]
    fn a_turn_that_another_process_took_is_free_here() {
        let turn = Turn { holder: AtomicU32::new(std::process::id() + 1) };
        assert!(turn.take(in_ms(0)).is_some());
    }
}
