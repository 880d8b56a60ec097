//! Session management and PINs.
#![allow(unsafe_code)]

use crate::module::{Module, filled, two_calls};
use crate::object::Object;
use crate::rv::{Result, Rv};
use cryptoki_sys as ck;

/// A session handle and its module. Not closed when dropped: many tests want to see what happens to it.
#[derive(Clone, Copy)]
pub struct Session<'m> {
    /// Where it was opened.
    pub module: &'m Module,
    /// CK_SESSION_HANDLE; may be set to any number.
    pub handle: ck::CK_SESSION_HANDLE,
}

impl Session<'_> {
    pub(crate) fn raw(&self) -> &ck::Pkcs11 {
        self.module.raw()
    }

    /// C_CloseSession.
    pub fn close(self) -> Result<()> {
        // SAFETY: takes no pointer.
        Rv::check(unsafe { self.raw().C_CloseSession(self.handle) })
    }

    /// C_GetSessionInfo.
    pub fn info(&self) -> Result<ck::CK_SESSION_INFO> {
        // SAFETY: a place for the result.
        filled(|to| unsafe { self.raw().C_GetSessionInfo(self.handle, to) })
    }

    /// C_SessionCancel.
    pub fn cancel(&self, flags: ck::CK_FLAGS) -> Result<()> {
        // SAFETY: takes no pointer.
        Rv::check(unsafe { self.raw().C_SessionCancel(self.handle, flags) })
    }

    /// C_GetOperationState; asks for the length first.
    pub fn operation_state(&self) -> Result<Vec<u8>> {
        // SAFETY: NULL or as much room as the length says.
        two_calls(0, |to, room| unsafe { self.raw().C_GetOperationState(self.handle, to, room) })
    }

    /// C_SetOperationState with the keys of encryption and of authentication, if they are named.
    pub fn set_operation_state(&self, state: &[u8], encryption: Object, authentication: Object) -> Result<()> {
        let (at, length) = bytes(state);
        let (one, two) = (encryption.0, authentication.0);
        // SAFETY: a state with its length.
        Rv::check(unsafe { self.raw().C_SetOperationState(self.handle, at, length, one, two) })
    }

    /// C_Login.
    pub fn login(&self, user: ck::CK_USER_TYPE, pin: impl AsRef<[u8]>) -> Result<()> {
        let (at, length) = bytes(pin.as_ref());
        // SAFETY: a PIN with its length, which is not written to.
        Rv::check(unsafe { self.raw().C_Login(self.handle, user, at, length) })
    }

    /// C_LoginUser.
    pub fn login_user(&self, user: ck::CK_USER_TYPE, pin: &str, name: &str) -> Result<()> {
        let ((at, length), (name, name_length)) = (bytes(pin.as_bytes()), bytes(name.as_bytes()));
        // SAFETY: a PIN and a name with their lengths, which are not written to.
        Rv::check(unsafe { self.raw().C_LoginUser(self.handle, user, at, length, name, name_length) })
    }

    /// C_Logout.
    pub fn logout(&self) -> Result<()> {
        // SAFETY: takes no pointer.
        Rv::check(unsafe { self.raw().C_Logout(self.handle) })
    }

    /// C_InitPIN.
    pub fn init_pin(&self, pin: impl AsRef<[u8]>) -> Result<()> {
        let (at, length) = bytes(pin.as_ref());
        // SAFETY: a PIN with its length, which is not written to.
        Rv::check(unsafe { self.raw().C_InitPIN(self.handle, at, length) })
    }

    /// C_SetPIN.
    pub fn set_pin(&self, old: impl AsRef<[u8]>, new: impl AsRef<[u8]>) -> Result<()> {
        let ((old, old_length), (new, new_length)) = (bytes(old.as_ref()), bytes(new.as_ref()));
        // SAFETY: two PINs with their lengths, which are not written to.
        Rv::check(unsafe { self.raw().C_SetPIN(self.handle, old, old_length, new, new_length) })
    }

    /// C_SeedRandom.
    pub fn seed_random(&self, seed: &[u8]) -> Result<()> {
        let (at, length) = bytes(seed);
        // SAFETY: bytes with their length, which are not written to.
        Rv::check(unsafe { self.raw().C_SeedRandom(self.handle, at, length) })
    }

    /// C_GenerateRandom.
    pub fn random(&self, length: usize) -> Result<Vec<u8>> {
        let mut random = vec![0; length];
        // SAFETY: a buffer of the length given.
        Rv::check(unsafe { self.raw().C_GenerateRandom(self.handle, random.as_mut_ptr(), length as ck::CK_ULONG) })?;
        Ok(random)
    }
}

/// The state that C_GetSessionInfo tells.
#[track_caller]
pub fn state(session: &Session<'_>) -> ck::CK_STATE {
    session.info().expect("C_GetSessionInfo").state
}

/// An input as C has it.
pub(crate) fn bytes(of: &[u8]) -> (*mut u8, ck::CK_ULONG) {
    (of.as_ptr().cast_mut(), of.len() as ck::CK_ULONG)
}
