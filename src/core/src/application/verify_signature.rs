//! Verifying a signature that is given before the data (PKCS#11 3.2 section 5.16).

use super::{Application, ObjectHandle, SessionHandle};
use crate::mechanism::Mechanism;
use crate::session::operation::{After, Engine, Kind};
use crate::{Error, Result};

impl Application {
    /// C_VerifySignatureInit. `SignatureLenRange`, and nothing active, for a signature that no data could fit.
    pub fn verify_signature_init(
        &self,
        session: SessionHandle,
        mechanism: Option<&Mechanism<'_>>,
        key: ObjectHandle,
        signature: &[u8],
    ) -> Result<()> {
        self.begin_with(session, Kind::VerifySignature, mechanism, key, |engine| match engine {
            Engine::Verify(verifier) if verifier.fits(signature.len()) => {
                Ok(Engine::VerifySignature(verifier, signature.to_vec()))
            }
            Engine::Verify(_) => Err(Error::SignatureLenRange),
            _ => Err(Error::General),
        })
    }

    /// C_VerifySignature.
    pub fn verify_signature(&self, session: SessionHandle, data: &[u8]) -> Result<()> {
        self.session(session)?.operations().run(Kind::VerifySignature, |operation| {
            if operation.begun {
                return Err(Error::OperationActive);
            }
            let Engine::VerifySignature(verifier, signature) = &mut operation.engine else {
                return Err(Error::General);
            };
            verifier.once(data, signature)?;
            Ok(((), After::Over))
        })
    }

    /// C_VerifySignatureUpdate.
    pub fn verify_signature_update(&self, session: SessionHandle, part: &[u8]) -> Result<()> {
        self.session(session)?.operations().run(Kind::VerifySignature, |operation| {
            let Engine::VerifySignature(verifier, _) = &mut operation.engine else { return Err(Error::General) };
            if !verifier.multi_part() {
                return Err(Error::FunctionNotSupported);
            }
            verifier.update(part)?;
            operation.begun = true;
            Ok(((), After::On))
        })
    }

    /// C_VerifySignatureFinal.
    pub fn verify_signature_final(&self, session: SessionHandle) -> Result<()> {
        self.session(session)?.operations().run(Kind::VerifySignature, |operation| {
            let Engine::VerifySignature(verifier, signature) = &mut operation.engine else {
                return Err(Error::General);
            };
            if !verifier.multi_part() {
                return Err(Error::FunctionNotSupported);
            }
            verifier.finish(signature)?;
            Ok(((), After::Over))
        })
    }
}
