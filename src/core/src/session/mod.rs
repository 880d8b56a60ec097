//! A session: whose token, read-only or not, and the operations that run in it.

pub mod operation;

use crate::token::{Token, lock};
use cryptoki_sys as ck;
use operation::Operations;
use sealhsm_seal::Who;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// One CK_SESSION_HANDLE.
pub struct Session {
    /// Never used again in this process.
    pub handle: u64,
    /// The slot it was opened on.
    pub slot: u64,
    /// The token in that slot.
    pub token: Arc<Token>,
    /// CKF_RW_SESSION.
    pub read_write: bool,
    /// Whether it ever made a session object, which then ends with it.
    pub made_objects: AtomicBool,
    operations: Mutex<Operations>,
}

impl Session {
    /// A session with nothing running.
    pub fn new(handle: u64, slot: u64, token: Arc<Token>, read_write: bool) -> Self {
        Session { handle, slot, token, read_write, made_objects: AtomicBool::new(false), operations: Mutex::default() }
    }

    /// Its operations, locked: two threads in one session take turns.
    pub fn operations(&self) -> MutexGuard<'_, Operations> {
        lock(&self.operations)
    }

    /// CKS_, which follows from the token's login (section 5.6.4).
    pub fn state(&self) -> u64 {
        match (self.token.who(), self.read_write) {
            (None, false) => ck::CKS_RO_PUBLIC_SESSION,
            (None, true) => ck::CKS_RW_PUBLIC_SESSION,
            (Some(Who::User), false) => ck::CKS_RO_USER_FUNCTIONS,
            (Some(Who::User), true) => ck::CKS_RW_USER_FUNCTIONS,
            (Some(Who::So), _) => ck::CKS_RW_SO_FUNCTIONS,
        }
    }

    /// Ends everything that runs in it, unless a call is at it just now. For the end of the whole application.
    pub fn end_if_idle(&self) {
        if let Ok(mut operations) = self.operations.try_lock() {
            operations.clear();
        }
    }

    /// Ends everything that runs in it and the objects it made.
    pub fn end(&self) {
        self.operations().clear();
        if self.made_objects.load(Ordering::Relaxed) {
            let home = crate::object::Home::Session { session: self.handle };
            self.token.change_view(|view| view.remove_all(|o| o.home == home));
        }
    }
}
