//! Chapters "message-based signing and MACing" and "message-based verifying" (PKCS#11 3.2 sections 5.14 and 5.15): any
//! signing mechanism, one signature per message. The parameter of the mechanism is that of every message.

use super::{Application, ObjectHandle, SessionHandle, Sink};
use crate::mechanism::Mechanism;
use crate::mechanism::engine::{Signer, Verifier};
use crate::session::operation::{Engine, Kind, Operation};
use crate::{Error, Result};

impl Application {
    /// C_MessageSignInit.
    pub fn message_sign_init(
        &self,
        session: SessionHandle,
        mechanism: Option<&Mechanism<'_>>,
        key: ObjectHandle,
    ) -> Result<()> {
        self.begin(session, Kind::MessageSign, mechanism, key)
    }

    /// C_SignMessage.
    pub fn sign_message(&self, session: SessionHandle, data: &[u8], out: Sink<'_>) -> Result<usize> {
        self.in_process(session, Kind::MessageSign, |operation| {
            let length = idle(operation).and_then(signer)?.signature_len();
            let Some(out) = out else { return Ok(length) };
            if out.len() < length {
                return Err(Error::BufferTooSmall(length));
            }
            operation.authorized()?;
            let signer = signer(operation)?;
            signer.again()?;
            let written = signer.once(data, out)?;
            operation.message_over();
            Ok(written)
        })
    }

    /// C_SignMessageBegin.
    pub fn sign_message_begin(&self, session: SessionHandle) -> Result<()> {
        self.in_process(session, Kind::MessageSign, |operation| {
            if !idle(operation).and_then(signer)?.multi_part() {
                return Err(Error::FunctionNotSupported);
            }
            operation.authorized()?;
            signer(operation)?.again()?;
            operation.begun = true;
            Ok(())
        })
    }

    /// C_SignMessageNext with more parts to come.
    pub fn sign_message_next(&self, session: SessionHandle, part: &[u8]) -> Result<()> {
        self.in_process(session, Kind::MessageSign, |operation| inside(operation).and_then(signer)?.update(part))
    }

    /// C_SignMessageNext with the last part.
    pub fn sign_message_last(&self, session: SessionHandle, part: &[u8], out: Sink<'_>) -> Result<usize> {
        self.in_process(session, Kind::MessageSign, |operation| {
            let signer = inside(operation).and_then(signer)?;
            let length = signer.signature_len();
            let Some(out) = out else { return Ok(length) };
            if out.len() < length {
                return Err(Error::BufferTooSmall(length));
            }
            signer.update(part)?;
            let written = signer.finish(out)?;
            operation.message_over();
            Ok(written)
        })
    }

    /// C_MessageSignFinal.
    pub fn message_sign_final(&self, session: SessionHandle) -> Result<()> {
        self.end_process(session, Kind::MessageSign)
    }

    /// C_MessageVerifyInit.
    pub fn message_verify_init(
        &self,
        session: SessionHandle,
        mechanism: Option<&Mechanism<'_>>,
        key: ObjectHandle,
    ) -> Result<()> {
        self.begin(session, Kind::MessageVerify, mechanism, key)
    }

    /// C_VerifyMessage.
    pub fn verify_message(&self, session: SessionHandle, data: &[u8], signature: &[u8]) -> Result<()> {
        self.in_process(session, Kind::MessageVerify, |operation| {
            let verifier = idle(operation).and_then(verifier)?;
            verifier.again()?;
            verifier.once(data, signature)
        })
    }

    /// C_VerifyMessageBegin.
    pub fn verify_message_begin(&self, session: SessionHandle) -> Result<()> {
        self.in_process(session, Kind::MessageVerify, |operation| {
            let verifier = idle(operation).and_then(verifier)?;
            if !verifier.multi_part() {
                return Err(Error::FunctionNotSupported);
            }
            verifier.again()?;
            operation.begun = true;
            Ok(())
        })
    }

    /// C_VerifyMessageNext with more parts to come.
    pub fn verify_message_next(&self, session: SessionHandle, part: &[u8]) -> Result<()> {
        self.in_process(session, Kind::MessageVerify, |operation| inside(operation).and_then(verifier)?.update(part))
    }

    /// C_VerifyMessageNext with the last part.
    pub fn verify_message_last(&self, session: SessionHandle, part: &[u8], signature: &[u8]) -> Result<()> {
        self.in_process(session, Kind::MessageVerify, |operation| {
            let verifier = inside(operation).and_then(verifier)?;
            verifier.update(part)?;
            verifier.finish(signature)?;
            operation.message_over();
            Ok(())
        })
    }

    /// C_MessageVerifyFinal.
    pub fn message_verify_final(&self, session: SessionHandle) -> Result<()> {
        self.end_process(session, Kind::MessageVerify)
    }

    /// Ends the message of a process that signs after arguments that could not be taken; an error if there is no process.
    pub fn message_sign_abandon(&self, session: SessionHandle) -> Result<()> {
        self.abandon(session, Kind::MessageSign)
    }

    /// The same for verifying.
    pub fn message_verify_abandon(&self, session: SessionHandle) -> Result<()> {
        self.abandon(session, Kind::MessageVerify)
    }
}

/// A process between two messages.
fn idle(operation: &mut Operation) -> Result<&mut Operation> {
    if operation.begun { Err(Error::OperationActive) } else { Ok(operation) }
}

/// A process inside a message.
fn inside(operation: &mut Operation) -> Result<&mut Operation> {
    if operation.begun { Ok(operation) } else { Err(Error::OperationNotInitialized) }
}

fn signer(operation: &mut Operation) -> Result<&mut dyn Signer> {
    match &mut operation.engine {
        Engine::Sign(e) => Ok(e.as_mut()),
        _ => Err(Error::General),
    }
}

fn verifier(operation: &mut Operation) -> Result<&mut dyn Verifier> {
    match &mut operation.engine {
        Engine::Verify(e) => Ok(e.as_mut()),
        _ => Err(Error::General),
    }
}
