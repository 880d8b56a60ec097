//! Data collected until the end, for what needs all of it at once.

use crate::{Error, Result};
use sealhsm_secret::Secret;

/// No more than this is collected where a mechanism has no limit of its own.
pub const MAX: usize = 1 << 30;

/// What came so far, on memory that is wiped.
pub struct Collector {
    /// Longer than what it holds; a new one takes its place when it is full, so that nothing is left behind unwiped.
    data: Secret,
    len: usize,
    /// No more bytes than this are collected.
    most: usize,
}

impl Collector {
    /// Nothing collected yet.
    pub fn new(most: usize) -> Self {
        Self { data: Secret::zeroed(0), len: 0, most }
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Takes more; `TokenResourceExceeded` beyond the limit.
    pub fn take(&mut self, data: &[u8]) -> Result<()> {
        let len = self.len.saturating_add(data.len());
        if len > self.most {
            return Err(Error::TokenResourceExceeded);
        }
        if len > self.data.len() {
            let mut larger = Secret::zeroed(len.max(2 * self.data.len()).min(self.most));
            larger.as_mut()[..self.len].copy_from_slice(&self.data.as_ref()[..self.len]);
            self.data = larger;
        }
        self.data.as_mut()[self.len..len].copy_from_slice(data);
        self.len = len;
        Ok(())
    }

    /// Forgets what was collected; costs nothing when there is nothing.
    pub fn clear(&mut self) {
        if !self.data.is_empty() {
            self.whole();
        }
    }

    /// What was collected; nothing is after.
    pub fn whole(&mut self) -> Secret {
        let mut whole = std::mem::replace(&mut self.data, Secret::zeroed(0));
        whole.truncate(std::mem::take(&mut self.len));
        whole
    }
}
