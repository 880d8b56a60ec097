//! What is kept still while the process forks, so that the child does not inherit it half done: the table of the writers'
//! locks, and OpenSSL's global locks.

use sealhsm_crypto::fork as openssl;
use sealhsm_store::directory;

/// From before a fork to after it, in the forking thread; waits for some microseconds at most. Dropped in the parent.
pub struct Forking {
    openssl: openssl::Forking,
    locks: directory::Forking,
}

impl Forking {
    /// Before the fork.
    pub fn prepare() -> Self {
        Forking { openssl: openssl::Forking::prepare(), locks: directory::Forking::prepare() }
    }

    /// In the child: closes the descriptors of locks that are the parent's, and frees what its threads had.
    pub fn in_child(self) {
        self.locks.in_child();
        self.openssl.in_child();
    }
}
