//! Dual-function calls (PKCS#11 3.2 section 5.17): one part through a cipher and through a digest, a signature or a
//! verification at once. A call without output feeds neither; an error ends both.

use super::crypt::Step;
use super::{Application, SessionHandle, Sink};
use crate::session::operation::{Engine, Kind, Operation};
use crate::{Error, Result};

impl Application {
    /// C_DigestEncryptUpdate.
    pub fn digest_encrypt_update(&self, session: SessionHandle, part: &[u8], out: Sink<'_>) -> Result<usize> {
        self.dual(session, (Kind::Encrypt, Kind::Digest), part, out)
    }

    /// C_DecryptDigestUpdate.
    pub fn decrypt_digest_update(&self, session: SessionHandle, part: &[u8], out: Sink<'_>) -> Result<usize> {
        self.dual(session, (Kind::Decrypt, Kind::Digest), part, out)
    }

    /// C_SignEncryptUpdate.
    pub fn sign_encrypt_update(&self, session: SessionHandle, part: &[u8], out: Sink<'_>) -> Result<usize> {
        self.dual(session, (Kind::Encrypt, Kind::Sign), part, out)
    }

    /// C_DecryptVerifyUpdate.
    pub fn decrypt_verify_update(&self, session: SessionHandle, part: &[u8], out: Sink<'_>) -> Result<usize> {
        self.dual(session, (Kind::Decrypt, Kind::Verify), part, out)
    }

    fn dual(&self, session: SessionHandle, kinds: (Kind, Kind), part: &[u8], out: Sink<'_>) -> Result<usize> {
        self.session(session)?.operations().run_both(kinds, |cipher, other| {
            if !multi_part(&other.engine) {
                return Err(Error::FunctionNotSupported);
            }
            let Some(out) = out else { return Ok(Step::Update(part).of(cipher, None)?.0) };
            other.authorized()?;
            let (written, _) = Step::Update(part).of(cipher, Some(&mut *out))?;
            feed(other, if kinds.0 == Kind::Encrypt { part } else { &out[..written] })?;
            Ok(written)
        })
    }
}

fn multi_part(engine: &Engine) -> bool {
    match engine {
        Engine::Sign(e) => e.multi_part(),
        Engine::Verify(e) => e.multi_part(),
        _ => true,
    }
}

/// The plaintext goes to the half that is no cipher.
fn feed(operation: &mut Operation, plain: &[u8]) -> Result<()> {
    operation.begun = true;
    match &mut operation.engine {
        Engine::Digest(e) => e.update(plain),
        Engine::Sign(e) => e.update(plain),
        Engine::Verify(e) => e.update(plain),
        _ => Err(Error::General),
    }
}
