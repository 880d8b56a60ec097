//! Chapter "session management" (PKCS#11 3.2 section 5.6).

use super::{Application, SessionHandle, SessionInfo, SlotId};
use crate::object::view::new_handle;
use crate::session::Session;
use crate::session::operation::Kind;
use crate::token::{Token, read, write};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_seal::Who;
use sealhsm_secret::Secret;
use std::sync::Arc;

impl Application {
    /// C_OpenSession.
    pub fn open_session(&self, slot: SlotId, flags: u64) -> Result<SessionHandle> {
        if flags & !(ck::CKF_SERIAL_SESSION | ck::CKF_RW_SESSION | ck::CKF_ASYNC_SESSION) != 0 {
            return Err(Error::ArgumentsBad);
        }
        let token = self.token_in(slot)?;
        if flags & ck::CKF_SERIAL_SESSION == 0 {
            return Err(Error::SessionParallelNotSupported);
        }
        if flags & ck::CKF_ASYNC_SESSION != 0 {
            return Err(Error::SessionAsyncNotSupported);
        }
        let token = token.ok_or(Error::TokenNotInitialized)?;
        let read_write = flags & ck::CKF_RW_SESSION != 0;
        let mut counts = token.sessions();
        if !read_write && token.who() == Some(Who::So) {
            return Err(Error::SessionReadWriteSoExists);
        }
        *counts.of(read_write) += 1;
        let session = Arc::new(Session::new(self.number, new_handle(), slot, token.clone(), read_write));
        let handle = session.handle;
        write(&self.sessions).insert(handle, session);
        Ok(handle)
    }

    /// C_CloseSession; the last one of a token logs out.
    pub fn close_session(&self, session: SessionHandle) -> Result<()> {
        let session = write(&self.sessions).remove(&session).ok_or(Error::SessionHandleInvalid)?;
        session.close();
        session.end();
        let token = &session.token;
        // Kept while it logs out: who opens a session from here on finds nobody logged in.
        let mut counts = token.sessions();
        *counts.of(session.read_write) -= 1;
        if counts.read_write + counts.read_only == 0 {
            token.log_out();
            self.states.forget(token);
        }
        Ok(())
    }

    /// C_CloseAllSessions, which logs out even if another thread opens a session meanwhile.
    pub fn close_all_sessions(&self, slot: SlotId) -> Result<()> {
        let Some(token) = self.token_in(slot)? else { return Ok(()) };
        let mut closed = Vec::new();
        {
            let mut counts = token.sessions();
            write(&self.sessions).retain(|_, session| {
                let goes = Arc::ptr_eq(&session.token, &token);
                if goes {
                    session.close();
                    *counts.of(session.read_write) -= 1;
                    closed.push(session.clone());
                }
                !goes
            });
            token.log_out();
            self.states.forget(&token);
        }
        // Waits for what other threads are doing in them.
        closed.iter().for_each(|session| session.end());
        Ok(())
    }

    /// C_GetSessionInfo.
    pub fn session_info(&self, session: SessionHandle) -> Result<SessionInfo> {
        let session = self.session(session)?;
        let read_write = if session.read_write { ck::CKF_RW_SESSION } else { 0 };
        Ok(SessionInfo { slot: session.slot, state: session.state(), flags: ck::CKF_SERIAL_SESSION | read_write })
    }

    /// C_Login and C_LoginUser (with an empty name). `pin` NULL is `ArgumentsBad` before this.
    pub fn login(&self, session: SessionHandle, user_type: u64, pin: &Secret) -> Result<()> {
        let session = self.session(session)?;
        let token = &session.token;
        match user_type {
            ck::CKU_USER => token.log_in(Who::User, pin, || !session.closed()),
            ck::CKU_SO => {
                if token.sessions().read_only > 0 {
                    return Err(match token.who() {
                        Some(Who::User) => Error::UserAnotherAlreadyLoggedIn,
                        _ => Error::SessionReadOnlyExists,
                    });
                }
                token.log_in(Who::So, pin, || !session.closed())
            }
            ck::CKU_CONTEXT_SPECIFIC => self.reauthenticate(&session, pin),
            _ => Err(Error::UserTypeInvalid),
        }
    }

    fn reauthenticate(&self, session: &Session, pin: &Secret) -> Result<()> {
        if !session.operations().awaits_login() {
            return Err(Error::OperationNotInitialized);
        }
        match session.token.reauthenticate(pin) {
            Ok(()) => session.operations().reauthenticated(),
            Err(Error::PinLocked) => {
                self.log_out(&session.token);
                Err(Error::PinLocked)
            }
            Err(error) => Err(error),
        }
    }

    /// C_Logout.
    pub fn logout(&self, session: SessionHandle) -> Result<()> {
        let session = self.session(session)?;
        if self.log_out(&session.token) { Ok(()) } else { Err(Error::UserNotLoggedIn) }
    }

    /// Ends the login of a token in all its sessions: operations on private keys and searches end with it.
    pub(super) fn log_out(&self, token: &Arc<Token>) -> bool {
        let was_in = token.log_out();
        let sessions: Vec<_> =
            read(&self.sessions).values().filter(|s| Arc::ptr_eq(&s.token, token)).cloned().collect();
        for session in sessions {
            session.operations().log_out();
        }
        self.states.log_out(token);
        was_in
    }

    /// Ends what rests in idle sessions with a key that is gone or has changed since: C_DestroyObject wipes the key.
    pub(super) fn settle(&self, token: &Arc<Token>) {
        if token.settled() {
            return;
        }
        for session in read(&self.sessions).values().filter(|s| Arc::ptr_eq(&s.token, token)) {
            session.settle();
        }
    }

    /// C_SessionCancel: CKF_ bits of the operations to end; others are ignored.
    pub fn session_cancel(&self, session: SessionHandle, flags: u64) -> Result<()> {
        let session = self.session(session)?;
        let mut operations = session.operations();
        for kind in Kind::ALL {
            if flags & kind.flag() != 0 {
                operations.cancel(*kind);
            }
        }
        if flags & ck::CKF_FIND_OBJECTS != 0 {
            operations.search = None;
        }
        Ok(())
    }
}
