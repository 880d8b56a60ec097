//! Signatures that carry what they sign, in the chapters "signing and MACing" and "verifying" (PKCS#11 3.2 sections
//! 5.13.5, 5.13.6, 5.15.5 and 5.15.6).

use super::{Application, ObjectHandle, SessionHandle, Sink};
use crate::mechanism::Mechanism;
use crate::session::operation::{After, Engine, Kind};
use crate::{Error, Result};
use sealhsm_secret::Secret;

impl Application {
    /// C_SignRecoverInit.
    pub fn sign_recover_init(
        &self,
        session: SessionHandle,
        mechanism: Option<&Mechanism<'_>>,
        key: ObjectHandle,
    ) -> Result<()> {
        self.begin(session, Kind::SignRecover, mechanism, key)
    }

    /// C_SignRecover.
    pub fn sign_recover(&self, session: SessionHandle, data: &[u8], out: Sink<'_>) -> Result<usize> {
        self.end_sign(session, Kind::SignRecover, Some(data), out)
    }

    /// C_VerifyRecoverInit.
    pub fn verify_recover_init(
        &self,
        session: SessionHandle,
        mechanism: Option<&Mechanism<'_>>,
        key: ObjectHandle,
    ) -> Result<()> {
        self.begin(session, Kind::VerifyRecover, mechanism, key)
    }

    /// C_VerifyRecover. That a signature is not right is said before that a buffer is too short.
    pub fn verify_recover(&self, session: SessionHandle, signature: &[u8], out: Sink<'_>) -> Result<usize> {
        self.session(session)?.operations().run(Kind::VerifyRecover, |operation| {
            let Engine::Recover(engine) = &mut operation.engine else { return Err(Error::General) };
            let most = engine.data_len();
            let Some(out) = out else { return Ok((most, After::On)) };
            let mut data = Secret::zeroed(most);
            let length = engine.recover(signature, data.as_mut())?;
            let out = out.get_mut(..length).ok_or(Error::BufferTooSmall(length))?;
            out.copy_from_slice(&data.as_ref()[..length]);
            Ok((length, After::Over))
        })
    }
}
