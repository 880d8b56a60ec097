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
    /// The number of the application that opened it.
    pub application: u64,
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
    closed: AtomicBool,
    /// A key at rest here may be gone; a call was using the session when that was to be looked at.
    unsettled: AtomicBool,
    operations: Mutex<Operations>,
}

impl Session {
    /// A session with nothing running.
    pub fn new(application: u64, handle: u64, slot: u64, token: Arc<Token>, read_write: bool) -> Self {
        let operations = Mutex::new(Operations::new(token.removals.clone()));
        let no = || AtomicBool::new(false);
        let (made_objects, closed, unsettled) = (no(), no(), no());
        Session { application, handle, slot, token, read_write, made_objects, closed, unsettled, operations }
    }

    /// Its handle is dead from here on.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Whether its handle is dead.
    pub fn closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
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

    /// Drops what rests in it with a key that is gone. If a call is at it just now, that does so at its end.
    pub fn settle(&self) {
        self.unsettled.store(true, Ordering::SeqCst);
        if let Ok(mut operations) = self.operations.try_lock() {
            self.unsettled.store(false, Ordering::SeqCst);
            operations.settle();
        }
    }

    /// The end of a call: does what another thread could not do meanwhile. False if nothing more is to be kept of it.
    pub fn rest(&self) -> bool {
        if self.closed() {
            self.end();
            return false;
        }
        if self.unsettled.load(Ordering::SeqCst) {
            self.settle();
        }
        true
    }

    /// Ends everything that runs in it and the objects it made.
    pub fn end(&self) {
        self.operations().clear();
        if self.made_objects.load(Ordering::SeqCst) {
            self.token.change_view(|view| view.end_session(self.handle));
        }
    }
}
