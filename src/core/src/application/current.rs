//! The session of a call. Each thread keeps the one it used last, so that a program which works in one session pays for
//! no shared lock or reference count: a handle is never used again, and a closed session says so itself.

use super::{Application, SessionHandle};
use crate::session::Session;
use crate::token::read;
use crate::{Error, Result};
use std::cell::Cell;
use std::ops::Deref;
use std::sync::Arc;

thread_local! {
    static LAST: Cell<Option<Arc<Session>>> = const { Cell::new(None) };
}

/// A session for the time of one call.
pub(super) struct Current(Option<Arc<Session>>);

impl Deref for Current {
    type Target = Arc<Session>;

    fn deref(&self) -> &Arc<Session> {
        match &self.0 {
            Some(session) => session,
            // Only `drop` takes it.
            None => unreachable!("a call without its session"),
        }
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        let session = self.0.take().filter(|session| session.rest());
        // Not kept if the thread is ending.
        let _ = LAST.try_with(|last| last.set(session));
    }
}

impl Application {
    /// The session of a handle; `SessionHandleInvalid` if it is closed or never was.
    pub(super) fn session(&self, handle: SessionHandle) -> Result<Current> {
        // In exit handlers a thread's own memory may be gone already.
        let last = LAST.try_with(Cell::take).unwrap_or(None);
        // A forked child begins with its parent's: that is the session of another application.
        let fits = |s: &Arc<Session>| s.handle == handle && s.application == self.number && !s.closed();
        match last.filter(fits) {
            None => {
                read(&self.sessions).get(&handle).cloned().ok_or(Error::SessionHandleInvalid).map(Some).map(Current)
            }
            last => Ok(Current(last)),
        }
    }
}
