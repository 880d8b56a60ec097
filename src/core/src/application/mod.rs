//! One application between C_Initialize and C_Finalize: what the entry points call.

mod built_in;
mod crypt;
mod current;
mod derive;
mod dual;
mod kem;
mod keys;
mod message_cipher;
mod message_sign;
mod objects;
mod otp;
mod public;
mod recover;
mod sessions;
mod sign;
mod slots;
mod state;
#[cfg(test)]
mod tests;
mod tokens;
mod verify_signature;
mod wrap;

pub use crate::mechanism::engine::Sink;
pub use derive::{Made, Refusal};
pub use message_cipher::Way;

use crate::config::Config;
use crate::mechanism::key::Key;
use crate::mechanism::{self, Parameter, Row};
use crate::numbered::ByNumber;
use crate::session::Session;
use crate::shared::Shared;
use crate::token::{Token, lock, read, write};
use crate::{Error, Result};
use sealhsm_door::Door;
use slots::Slot;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, RwLock};

/// CK_SLOT_ID.
pub type SlotId = u64;
/// CK_SESSION_HANDLE.
pub type SessionHandle = u64;
/// CK_OBJECT_HANDLE.
pub type ObjectHandle = u64;

/// CK_SLOT_INFO.
#[derive(Debug)]
pub struct SlotInfo {
    /// Not padded.
    pub description: String,
    /// Not padded.
    pub manufacturer: String,
    /// CKF_TOKEN_PRESENT and so on.
    pub flags: u64,
}

/// CK_TOKEN_INFO; texts are not padded, counts may be CK_UNAVAILABLE_INFORMATION.
#[derive(Debug)]
pub struct TokenInfo {
    /// At most 32 bytes.
    pub label: String,
    /// At most 32 bytes.
    pub manufacturer: String,
    /// At most 16 bytes.
    pub model: String,
    /// 16 hex digits, or empty.
    pub serial: String,
    /// CKF_.
    pub flags: u64,
    /// ulMaxSessionCount.
    pub max_sessions: u64,
    /// ulSessionCount.
    pub sessions: u64,
    /// ulMaxRwSessionCount.
    pub max_rw_sessions: u64,
    /// ulRwSessionCount.
    pub rw_sessions: u64,
    /// ulMaxPinLen in bytes.
    pub max_pin: u64,
    /// ulMinPinLen in bytes.
    pub min_pin: u64,
}

/// CK_MECHANISM_INFO.
#[derive(Debug)]
pub struct MechanismInfo {
    /// ulMinKeySize.
    pub min: u64,
    /// ulMaxKeySize.
    pub max: u64,
    /// CKF_.
    pub flags: u64,
}

/// CK_SESSION_INFO.
#[derive(Debug)]
pub struct SessionInfo {
    /// slotID.
    pub slot: SlotId,
    /// CKS_.
    pub state: u64,
    /// CKF_RW_SESSION, CKF_SERIAL_SESSION.
    pub flags: u64,
}

/// The library between C_Initialize and C_Finalize. Every method may be called from any thread.
pub struct Application {
    /// No other application of this process, or of the one that it was forked from, has it.
    number: u64,
    /// The first half of the UUIDs of its session objects.
    passing: u64,
    shared: Arc<Shared>,
    slots: RwLock<Vec<Slot>>,
    sessions: RwLock<ByNumber<Arc<Session>>>,
    states: state::States,
    /// Held while C_InitToken makes a token.
    making: Mutex<()>,
    stopped: AtomicBool,
    /// Whether any operation for one-time passwords was begun: until then C_Sign need not ask for one.
    counts: AtomicBool,
    /// Slots where a token of another process came to be that C_WaitForSlotEvent has not told of.
    arrived: Mutex<VecDeque<SlotId>>,
    /// Wakes C_WaitForSlotEvent.
    event: Condvar,
}

impl Application {
    /// C_Initialize: reads the token directory, opens nothing, asks no TPM.
    pub fn start(config: Config) -> Result<Application> {
        sealhsm_crypto::init().map_err(|e| {
            log::error!("the private OpenSSL does not start: {e}");
            Error::General
        })?;
        let mut passing = [0; 8];
        sealhsm_crypto::random::public(&mut passing).map_err(|_| Error::General)?;
        let shared = Arc::new(Shared { seal: config.seal_settings(), door: Door::new(config.door_settings()), config });
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let application = Application {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            passing: u64::from_ne_bytes(passing),
            shared,
            slots: RwLock::default(),
            sessions: RwLock::default(),
            states: state::States::default(),
            making: Mutex::default(),
            stopped: AtomicBool::new(false),
            counts: AtomicBool::new(false),
            arrived: Mutex::default(),
            event: Condvar::new(),
        };
        application.rearrange().map_err(|_| Error::General)?;
        // What was there from the start is no event.
        lock(&application.arrived).clear();
        Ok(application)
    }

    /// C_Finalize: ends every operation and login, closes files and the agent; quick, never waits for the TPM.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        let waiting = lock(&self.arrived);
        self.event.notify_all();
        drop(waiting);
        // What a call in another thread is using right now ends with that call.
        for session in std::mem::take(&mut *write(&self.sessions)).values() {
            session.close();
            session.end_if_idle();
        }
        self.states.clear_if_idle();
        for slot in std::mem::take(&mut *write(&self.slots)) {
            if let Some(token) = slot.token {
                token.forget();
            }
        }
        self.shared.door.close();
    }

    /// In a forked child, at once: closes inherited agent and lock descriptors, so that the agent sees the parent's end
    /// and the lock ends with its owner. Waits for nothing that another thread of the parent may have held.
    pub fn abandon_in_child(&self) {
        self.shared.door.abandon_in_child();
        sealhsm_store::directory::abandon();
    }

    /// In a forked child, at its first call: wipes the keys that it inherited, as far as no thread of the parent was
    /// using them at the moment of the fork. The parent has its own copy of everything.
    pub fn wipe_in_child(&self) {
        self.states.clear_if_idle();
        if let Ok(mut sessions) = self.sessions.try_write() {
            sessions.drain().for_each(|(_, session)| session.end_if_idle());
        }
        if let Ok(mut slots) = self.slots.try_write() {
            slots.drain(..).filter_map(|slot| slot.token).for_each(|token| token.wipe_if_idle());
        }
    }

    fn token_in(&self, slot: SlotId) -> Result<Option<Arc<Token>>> {
        let slots = read(&self.slots);
        Ok(slots.iter().find(|s| s.id == slot).ok_or(Error::SlotIdInvalid)?.token.clone())
    }

    /// The row of a mechanism that the configuration allows.
    fn row(&self, mechanism: u64) -> Result<&'static Row> {
        mechanism::lookup(mechanism).filter(|row| self.shared.config.allows(row)).ok_or(Error::MechanismInvalid)
    }

    /// The parameter, if it is well formed and names nothing that the configuration denies.
    fn admitted<'p, 'a>(&self, parameter: &'p Parameter<'a>) -> Result<&'p Parameter<'a>> {
        if let Parameter::None | Parameter::Bytes(_) = parameter {
            return Ok(parameter);
        }
        let denied = |named| mechanism::lookup(named).is_some_and(|row| self.shared.config.denies(row));
        match parameter.named().into_iter().flatten().any(denied) {
            true => Err(Error::MechanismParamInvalid),
            false => parameter.well_formed(),
        }
    }

    /// Whether the configuration lets this key be used, as far as its size goes.
    fn sized(&self, key: &Key) -> Result<()> {
        if key.legacy && self.shared.config.denies_legacy() { Err(Error::KeySizeRange) } else { Ok(()) }
    }

    /// For calls that only check the session (the parallel relics, C_Async*).
    pub fn check_session(&self, session: SessionHandle) -> Result<()> {
        self.session(session).map(drop)
    }
}
