//! An object as the application sees it: a handle, its attributes once they are needed, its key once it is used.

pub mod built_in;
pub mod certificate;
pub mod record;
pub mod view;

use crate::attribute::{Attributes, Counter, Type, Value, codec};
use crate::mechanism::key::Key;
use crate::{Error, Result};
use cryptoki_sys as ck;
use record::Known;
use sealhsm_store::{ObjectStore, Ring};
use std::sync::{Arc, OnceLock};
use uuid::Uuid;

/// Where an object lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// On the token, in this ring, in this version.
    Token {
        /// Public or private.
        ring: Ring,
        /// Counts changes.
        version: u64,
    },
    /// In the memory of this application, until this session ends.
    Session {
        /// The session that made it.
        session: u64,
    },
}

/// One object. Immutable but for the counter of a session key: a change makes a new one under the same handle.
pub struct Object {
    /// CK_OBJECT_HANDLE, never used again in this process.
    pub handle: u64,
    /// CKA_UNIQUE_ID.
    pub uuid: Uuid,
    /// See [`Home`].
    pub home: Home,
    /// CKA_PRIVATE.
    pub private: bool,
    /// Whether it may have a label or an ID.
    pub named: bool,
    /// What the index says of it; a session object has none.
    record: Box<[u8]>,
    attributes: Kept,
    key: OnceLock<(Arc<Key>, Permit)>,
}

/// Where the attributes of an object are.
enum Kept {
    /// Here, from the beginning.
    Here(Attributes),
    /// On disk until they are needed.
    Stored(OnceLock<Attributes>),
}

impl Object {
    /// An object that the index names; its attributes stay on disk until they are needed.
    pub fn listed(handle: u64, entry: sealhsm_store::Entry) -> Self {
        Object {
            handle,
            uuid: entry.uuid,
            home: Home::Token { ring: entry.ring, version: entry.version },
            private: entry.ring == Ring::Private,
            named: true,
            record: entry.record.into_boxed_slice(),
            attributes: Kept::Stored(OnceLock::new()),
            key: OnceLock::new(),
        }
    }

    /// A session object.
    pub fn in_session(handle: u64, uuid: Uuid, session: u64, mut attributes: Attributes) -> Self {
        attributes.set(ck::CKA_UNIQUE_ID, Value::Uuid(uuid));
        if let Some(counter) = attributes.bytes(ck::CKA_OTP_COUNTER).and_then(Counter::of) {
            attributes.set(ck::CKA_OTP_COUNTER, Value::Counter(Box::new(counter)));
        }
        let has = |of| attributes.bytes(of).is_some_and(|name| !name.is_empty());
        Object {
            handle,
            uuid,
            home: Home::Session { session },
            private: attributes.is(ck::CKA_PRIVATE),
            named: has(ck::CKA_LABEL) || has(ck::CKA_ID),
            record: Box::default(),
            attributes: Kept::Here(attributes),
            key: OnceLock::new(),
        }
    }

    /// What the index says of an attribute; of a session object, nothing.
    pub fn known(&self, of: Type) -> Known {
        match self.home {
            Home::Token { .. } => record::look(&self.record, of),
            Home::Session { .. } => Known::Unknown,
        }
    }

    /// CKA_LABEL or CKA_ID.
    pub fn name(&self, of: Type) -> Option<&[u8]> {
        match self.home {
            Home::Token { .. } => record::bytes(&self.record, of),
            Home::Session { .. } => self.present()?.bytes(of),
        }
    }

    /// The counter of a session key for one-time passwords.
    pub fn counter(&self) -> Option<&Counter> {
        match self.present()?.value(ck::CKA_OTP_COUNTER) {
            Some(Value::Counter(counter)) => Some(counter),
            _ => None,
        }
    }

    /// Gives the attributes to an object just stored, so that they are not read back from disk.
    pub fn remember(&self, attributes: Attributes) {
        if let Kept::Stored(place) = &self.attributes {
            // Someone who read them from disk meanwhile read the same.
            let _ = place.set(attributes);
        }
    }

    /// The attributes, unless they are still on disk.
    fn present(&self) -> Option<&Attributes> {
        match &self.attributes {
            Kept::Here(attributes) => Some(attributes),
            Kept::Stored(place) => place.get(),
        }
    }

    /// All attributes, from the envelope on first need.
    pub fn attributes(&self, store: Option<&Arc<dyn ObjectStore>>) -> Result<&Attributes> {
        let place = match &self.attributes {
            Kept::Here(attributes) => return Ok(attributes),
            Kept::Stored(place) => place,
        };
        if let Some(present) = place.get() {
            return Ok(present);
        }
        let (Home::Token { ring, version }, Some(store)) = (self.home, store) else {
            return Err(Error::ObjectHandleInvalid);
        };
        let body = store.load(ring, self.uuid, version).map_err(crate::token::store_error)?;
        let attributes = codec::decode(body.as_ref()).inspect_err(|_| {
            log::error!("object {}: its envelope opens but does not decode; it was made by a newer version", self.uuid);
        })?;
        Ok(place.get_or_init(|| attributes))
    }

    /// Whether anybody besides this object has its usable key: an operation, at work or at rest.
    pub fn key_is_shared(&self) -> bool {
        self.key.get().is_some_and(|(key, _)| Arc::strong_count(key) > 1)
    }

    /// The usable key, made on first use, and what it may do. `KeyHandleInvalid` when the object is no key.
    pub fn key(&self, store: Option<&Arc<dyn ObjectStore>>) -> Result<&(Arc<Key>, Permit)> {
        if let Some(ready) = self.key.get() {
            return Ok(ready);
        }
        let attributes = self.attributes(store)?;
        let permit = Permit::of(attributes).ok_or(Error::KeyHandleInvalid)?;
        let key = Arc::new(Key::of(self.handle, attributes)?);
        Ok(self.key.get_or_init(|| (key, permit)))
    }
}

/// What a key may be used for, read off its attributes once.
#[derive(Debug)]
pub struct Permit {
    /// CKO_.
    pub class: u64,
    /// CKA_ALWAYS_AUTHENTICATE.
    pub reauthenticate: bool,
    /// Whether it has a CKA_WRAP_TEMPLATE.
    pub wrap_template: bool,
    usages: u32,
    mechanisms: Option<Box<[u64]>>,
}

/// The usage attributes, in the order of their bits.
const USAGES: [u64; 11] = [
    ck::CKA_ENCRYPT,
    ck::CKA_DECRYPT,
    ck::CKA_SIGN,
    ck::CKA_SIGN_RECOVER,
    ck::CKA_VERIFY,
    ck::CKA_VERIFY_RECOVER,
    ck::CKA_WRAP,
    ck::CKA_UNWRAP,
    ck::CKA_DERIVE,
    ck::CKA_ENCAPSULATE,
    ck::CKA_DECAPSULATE,
];

impl Permit {
    fn of(key: &Attributes) -> Option<Permit> {
        let class = key.ulong(ck::CKA_CLASS)?;
        if !matches!(class, ck::CKO_PUBLIC_KEY | ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY | ck::CKO_OTP_KEY) {
            return None;
        }
        Some(Permit {
            class,
            reauthenticate: key.is(ck::CKA_ALWAYS_AUTHENTICATE),
            wrap_template: key.has(ck::CKA_WRAP_TEMPLATE),
            usages: USAGES.iter().enumerate().filter(|(_, of)| key.is(**of)).fold(0, |bits, (i, _)| bits | 1 << i),
            mechanisms: match key.value(ck::CKA_ALLOWED_MECHANISMS) {
                Some(Value::Ulongs(list)) if !list.is_empty() => Some(list.clone().into_boxed_slice()),
                _ => None,
            },
        })
    }

    /// Whether a usage attribute is true.
    pub fn usage(&self, of: u64) -> bool {
        USAGES.iter().position(|u| *u == of).is_some_and(|bit| self.usages >> bit & 1 == 1)
    }

    /// CKA_ALLOWED_MECHANISMS; absent or empty allows all.
    pub fn mechanism(&self, mechanism: u64) -> bool {
        self.mechanisms.as_ref().is_none_or(|list| list.contains(&mechanism))
    }
}
