//! Tokens on disk: directories, envelopes, the index of frames, transactions.
//! It knows rings and records as bytes; what a record or an object means is `core`'s business.

pub mod directory;
mod error;
pub mod file;
mod format;

use sealhsm_secret::Secret;
use uuid::Uuid;

/// Which of the two sets of objects, and so which key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ring {
    /// CKA_PRIVATE false: readable without a PIN on this machine.
    Public,
    /// CKA_PRIVATE true: only after a user login.
    Private,
}

/// The key of one ring: 32 bytes.
pub struct RingKey(pub Secret);

/// The ring keys at hand: private only after a login.
pub struct Rings {
    /// Always there.
    pub public: RingKey,
    /// Only with the token key.
    pub private: Option<RingKey>,
}

/// One object as the index knows it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The object's name, for ever.
    pub uuid: Uuid,
    /// Its ring.
    pub ring: Ring,
    /// Counts every change from 1.
    pub version: u64,
    /// What searches need, as `core` wrote it (CBOR).
    pub record: Vec<u8>,
}

/// What a look at the index found since the last look.
#[derive(Debug, Default)]
pub struct News {
    /// New or changed objects.
    pub put: Vec<Entry>,
    /// Objects destroyed.
    pub gone: Vec<Uuid>,
    /// Everything known before is void (compaction, first look, or the private ring just opened): start from `put` alone.
    pub restart: bool,
}

/// One change of a transaction. All changes of a transaction become true together or not at all.
#[derive(Debug)]
pub enum Change<'a> {
    /// Creates (expected 0) or replaces (expected = present version) an object.
    Put {
        /// Which.
        uuid: Uuid,
        /// Where; an object never moves between rings.
        ring: Ring,
        /// The version it must have now, 0 for none; it becomes `expected + 1`.
        expected: u64,
        /// For the index.
        record: &'a [u8],
        /// All attributes, for the envelope (CBOR).
        body: &'a Secret,
    },
    /// Destroys an object.
    Destroy {
        /// Which.
        uuid: Uuid,
        /// Its ring.
        ring: Ring,
        /// The version it must have now.
        expected: u64,
    },
}

/// Why the store did not do it. Every variant's text names the file and what to do.
#[derive(Debug)]
pub enum Error {
    /// An I/O error (open, read, write, fsync, rename).
    Io(String, std::io::Error),
    /// No space, quota or inodes left.
    Full(String),
    /// The directory or file system does not let us write.
    ReadOnly(String),
    /// A check failed: tampering, a foreign file, or damage.
    Tampered(String),
    /// A version that this program does not know.
    UnknownVersion(String),
    /// The object has another version now, or is gone.
    Conflict(Uuid),
    /// The token has another epoch now: it was re-initialised or rekeyed.
    EpochChanged,
    /// The ring is closed: no private ring key here.
    RingClosed,
    /// The token directory is gone.
    Gone(String),
}

/// A token's objects, with the keys at hand. All methods take `&self` and may be called from any thread.
pub trait ObjectStore: Send + Sync {
    /// Looks at the index (one `stat` when nothing changed) and returns what is new since the last call on this value.
    fn refresh(&self) -> Result<News, Error>;
    /// Reads and opens the envelope of exactly this version: all attributes as `core` wrote them.
    fn load(&self, ring: Ring, uuid: Uuid, version: u64) -> Result<Secret, Error>;
    /// One transaction, durable when it returns. The caller calls [`ObjectStore::refresh`] to see its own changes.
    fn commit(&self, changes: &[Change<'_>]) -> Result<(), Error>;
    /// Whether writes can succeed at all (permissions, read-only file system).
    fn writable(&self) -> bool;
    /// Gives the private ring key after a login; the next refresh restarts.
    fn open_private(&self, key: RingKey);
    /// Wipes the private ring key; the next refresh restarts with public entries only.
    fn close_private(&self);
}
