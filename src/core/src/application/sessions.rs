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
        let session = {
            let mut counts = token.sessions();
            if !read_write && token.who() == Some(Who::So) {
                return Err(Error::SessionReadWriteSoExists);
            }
            *(if read_write { &mut counts.read_write } else { &mut counts.read_only }) += 1;
            Arc::new(Session::new(self.number, new_handle(), slot, token.clone(), read_write))
        };
        let handle = session.handle;
        write(&self.sessions).insert(handle, session);
        Ok(handle)
    }

    /// C_CloseSession; the last one of a token logs out.
    pub fn close_session(&self, session: SessionHandle) -> Result<()> {
        let session = write(&self.sessions).remove(&session).ok_or(Error::SessionHandleInvalid)?;
        session.close();
        session.end();
        let last = {
            let mut counts = session.token.sessions();
            *(if session.read_write { &mut counts.read_write } else { &mut counts.read_only }) -= 1;
            counts.read_write + counts.read_only == 0
        };
        if last {
            self.log_out(&session.token);
            self.states.forget(&session.token);
        }
        Ok(())
    }

    /// C_CloseAllSessions.
    pub fn close_all_sessions(&self, slot: SlotId) -> Result<()> {
        self.token_in(slot)?;
        let handles: Vec<_> = read(&self.sessions).values().filter(|s| s.slot == slot).map(|s| s.handle).collect();
        for handle in handles {
            match self.close_session(handle) {
                // Another thread was faster.
                Ok(()) | Err(Error::SessionHandleInvalid) => {}
                Err(error) => return Err(error),
            }
        }
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
            ck::CKU_USER => self.log_in(&session, Who::User, pin),
            ck::CKU_SO => {
                if token.sessions().read_only > 0 {
                    return Err(match token.who() {
                        Some(Who::User) => Error::UserAnotherAlreadyLoggedIn,
                        _ => Error::SessionReadOnlyExists,
                    });
                }
                self.log_in(&session, Who::So, pin)
            }
            ck::CKU_CONTEXT_SPECIFIC => self.reauthenticate(&session, pin),
            _ => Err(Error::UserTypeInvalid),
        }
    }

    /// A login through a session that another thread closed meanwhile is none: with the last session the login ended.
    fn log_in(&self, session: &Session, who: Who, pin: &Secret) -> Result<()> {
        session.token.log_in(who, pin)?;
        if session.closed() {
            self.log_out(&session.token);
            return Err(Error::SessionHandleInvalid);
        }
        Ok(())
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
            session.settle_if_idle();
        }
        self.states.settle(token);
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
