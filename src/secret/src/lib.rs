//! The one type that holds a secret: a PIN, a token key, a ring key, a raw key value.
//! Locked, kept out of core dumps and of forked children, wiped on drop, compared in constant time, never printed,
//! never cloned by accident. It knows nothing of what the bytes mean.

mod memory;

use memory::Block;
pub use memory::Wipe;

/// Secret bytes of any length.
pub struct Secret {
    memory: Block,
    length: usize,
}

impl Secret {
    /// `length` zero bytes, to be filled through [`Secret::as_mut`].
    pub fn zeroed(length: usize) -> Self {
        Self { memory: Block::zeroed(length), length }
    }

    /// A copy of `bytes`; wiping the source is the caller's business.
    pub fn copy_of(bytes: &[u8]) -> Self {
        let mut secret = Self::zeroed(bytes.len());
        secret.as_mut().copy_from_slice(bytes);
        secret
    }

    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Wipes the bytes after `length` and forgets them.
    pub fn truncate(&mut self, length: usize) {
        if length < self.length {
            self.as_mut()[length..].wipe();
            self.length = length;
        }
    }

    /// An explicit copy, for the few places that must have two.
    pub fn duplicate(&self) -> Self {
        Self::copy_of(self.as_ref())
    }

    /// Compares the contents in constant time; lengths are not secret.
    pub fn ct_eq(&self, other: &[u8]) -> bool {
        let mine = self.as_ref();
        mine.len() == other.len() && mine.iter().zip(other).fold(0u8, |acc, (a, b)| acc | (a ^ b)) == 0
    }
}

impl From<Vec<u8>> for Secret {
    /// Moves the bytes to where secrets belong and wipes where they were.
    fn from(mut bytes: Vec<u8>) -> Self {
        let secret = Self::copy_of(&bytes);
        bytes.wipe();
        secret
    }
}

impl AsRef<[u8]> for Secret {
    fn as_ref(&self) -> &[u8] {
        &self.memory.bytes()[..self.length]
    }
}

impl AsMut<[u8]> for Secret {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.memory.bytes_mut()[..self.length]
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}
