//! The counter of a one-time password's key (RFC 4226): whoever takes a value takes it out of use.

use crate::{Error, Result};
use std::sync::atomic::{AtomicU64, Ordering};

/// CKA_OTP_COUNTER of a session key, which goes forward in place. In a template, a copy or a file it is its 8 bytes.
#[derive(Debug)]
pub struct Counter(AtomicU64);

impl Counter {
    /// From its big-endian bytes; `None` unless there are 8.
    pub fn of(bytes: &[u8]) -> Option<Counter> {
        bytes.try_into().ok().map(|bytes| Counter(AtomicU64::new(u64::from_be_bytes(bytes))))
    }

    /// The next one to be used, big-endian.
    pub fn bytes(&self) -> [u8; 8] {
        self.0.load(Ordering::SeqCst).to_be_bytes()
    }

    /// Takes the next one, or a later one that is asked for. `MechanismParamInvalid` for one that is out of use.
    pub fn take(&self, asked: Option<u64>) -> Result<u64> {
        let mut next = self.0.load(Ordering::SeqCst);
        loop {
            let used = asked.unwrap_or(next);
            if used < next {
                return Err(Error::MechanismParamInvalid);
            }
            // The last of all counters is never used: nothing could come after it.
            let after = used.checked_add(1).ok_or(Error::FunctionFailed)?;
            match self.0.compare_exchange(next, after, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return Ok(used),
                Err(present) => next = present,
            }
        }
    }

    /// Goes on where another one stands.
    pub fn follow(&self, other: &Counter) {
        self.0.store(other.0.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_goes_forward_and_never_to_its_end() {
        let counter = Counter::of(&7u64.to_be_bytes()).unwrap();
        assert_eq!((counter.take(None), counter.take(Some(20)), counter.take(None)), (Ok(7), Ok(20), Ok(21)));
        assert_eq!(counter.take(Some(21)), Err(Error::MechanismParamInvalid));
        assert_eq!(counter.take(Some(u64::MAX)), Err(Error::FunctionFailed));
        assert_eq!(counter.bytes(), 22u64.to_be_bytes());
        assert!(Counter::of(&[0; 7]).is_none());
    }

    #[test]
    fn no_two_threads_take_the_same() {
        let counter = Counter::of(&[0; 8]).unwrap();
        let mut taken: Vec<u64> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..1000).map(|_| counter.take(None)).collect::<Result<Vec<_>>>()))
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap().unwrap()).collect()
        });
        taken.sort_unstable();
        assert_eq!(taken, (0..4000).collect::<Vec<_>>());
    }
}
