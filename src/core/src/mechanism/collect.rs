//! Data that come in parts and are needed whole.

use sealhsm_secret::Secret;

/// What was collected. Nothing of it is left behind unwiped.
pub struct Collection {
    /// Longer than what it holds; a new one takes its place when it is full.
    data: Secret,
    len: usize,
    /// No more bytes than this are collected.
    most: usize,
}

impl Collection {
    /// Nothing yet.
    pub fn new(most: usize) -> Self {
        Self { data: Secret::zeroed(0), len: 0, most }
    }

    /// Bytes collected.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Takes data; false if that were too many.
    #[must_use]
    pub fn take(&mut self, data: &[u8]) -> bool {
        let len = self.len.saturating_add(data.len());
        if len > self.most {
            return false;
        }
        if len > self.data.len() {
            let mut larger = Secret::zeroed(len.max(2 * self.data.len()).min(self.most));
            larger.as_mut()[..self.len].copy_from_slice(&self.data.as_ref()[..self.len]);
            self.data = larger;
        }
        self.data.as_mut()[self.len..len].copy_from_slice(data);
        self.len = len;
        true
    }

    /// What was collected; nothing is after.
    pub fn whole(&mut self) -> Secret {
        let mut whole = std::mem::replace(&mut self.data, Secret::zeroed(0));
        whole.truncate(std::mem::take(&mut self.len));
        whole
    }
}
