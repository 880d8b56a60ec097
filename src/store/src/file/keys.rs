//! The ring keys at hand, ready for the index and the envelopes of one epoch.

use crate::format::Fault;
use crate::format::index::Owner;
use crate::{Error, Ring, RingKey, Rings};
use uuid::Uuid;

pub struct Keys {
    pub owner: Owner,
    pub public: RingKey,
    pub private: Option<RingKey>,
}

impl Keys {
    pub fn new(token: Uuid, epoch: u64, rings: Rings) -> Result<Self, Fault> {
        let owner = Owner::new(token, epoch, &rings.public)?;
        Ok(Self { owner, public: rings.public, private: rings.private })
    }

    /// The key of a ring, if it is open.
    pub fn of(&self, ring: Ring) -> Result<&RingKey, Error> {
        match ring {
            Ring::Public => Ok(&self.public),
            Ring::Private => self.private.as_ref().ok_or(Error::RingClosed),
        }
    }

    /// Refuses a ring that is closed.
    pub fn check(&self, ring: Ring) -> Result<(), Error> {
        self.of(ring).map(|_| ())
    }

    /// The keys at hand with their rings.
    pub fn open(&self) -> impl Iterator<Item = (Ring, &RingKey)> {
        let private = self.private.as_ref().map(|key| (Ring::Private, key));
        std::iter::once((Ring::Public, &self.public)).chain(private)
    }
}
