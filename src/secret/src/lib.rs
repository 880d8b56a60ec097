//! The one type that holds a secret: a PIN, a token key, a ring key, a raw key value.
//! Wiped on drop, compared in constant time, never printed, never cloned by accident.
//! It knows nothing of what the bytes mean.

use zeroize::Zeroize;

/// Secret bytes of any length.
pub struct Secret(Vec<u8>);

impl Secret {
    /// `len` zero bytes, to be filled through [`Secret::as_mut`].
    pub fn zeroed(len: usize) -> Self {
        Self(vec![0; len])
    }

    /// A copy of `bytes`; wiping the source is the caller's business.
    pub fn copy_of(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Wipes the bytes after `len` and forgets them.
    pub fn truncate(&mut self, len: usize) {
        if len < self.0.len() {
            self.0[len..].zeroize();
            self.0.truncate(len);
        }
    }

    /// An explicit copy, for the few places that must have two.
    pub fn duplicate(&self) -> Self {
        Self::copy_of(&self.0)
    }

    /// Compares the contents in constant time; lengths are not secret.
    pub fn ct_eq(&self, other: &[u8]) -> bool {
        self.0.len() == other.len() && self.0.iter().zip(other).fold(0u8, |acc, (a, b)| acc | (a ^ b)) == 0
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl AsRef<[u8]> for Secret {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl AsMut<[u8]> for Secret {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}
