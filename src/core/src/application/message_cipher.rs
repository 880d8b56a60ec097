//! Chapters "message-based encryption" and "message-based decryption" (PKCS#11 3.2 sections 5.9 and 5.11). A process
//! begins with a key and takes message after message, each with a parameter of its own.

use super::{Application, ObjectHandle, SessionHandle, Sink};
use crate::mechanism::aead::Aead;
use crate::mechanism::message::{Given, Nonces, Shape};
use crate::mechanism::{Mechanism, Parameter};
use crate::session::operation::{Engine, Kind, Operation};
use crate::{Error, Result};

/// Which way messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// C_EncryptMessage and its kin.
    Encrypt,
    /// C_DecryptMessage and its kin.
    Decrypt,
}

impl Way {
    fn kind(self) -> Kind {
        match self {
            Way::Encrypt => Kind::MessageEncrypt,
            Way::Decrypt => Kind::MessageDecrypt,
        }
    }
}

impl Application {
    /// C_MessageEncryptInit, C_MessageDecryptInit.
    pub fn message_init(
        &self,
        session: SessionHandle,
        way: Way,
        mechanism: Option<&Mechanism<'_>>,
        key: ObjectHandle,
    ) -> Result<()> {
        self.begin_with(session, way.kind(), mechanism, key, |engine| {
            if let Some(Mechanism { parameter: Parameter::MessageLayout(layout), .. }) = mechanism {
                let Engine::Message(aead, _) = &engine else { return Err(Error::General) };
                layout.check(aead.algorithm())?;
            }
            Ok(engine)
        })
    }

    /// The structure that the messages of the active process have for a parameter.
    pub fn message_shape(&self, session: SessionHandle, way: Way) -> Result<Shape> {
        let session = self.session(session)?;
        let mut operations = session.operations();
        match &operations.get(way.kind())?.engine {
            Engine::Message(aead, _) => Ok(aead.algorithm().message),
            _ => Err(Error::General),
        }
    }

    /// C_EncryptMessage, C_DecryptMessage: makes nonce and tag in `given`, or compares the tag.
    pub fn message(
        &self,
        session: SessionHandle,
        way: Way,
        given: &mut Given,
        aad: &[u8],
        data: &[u8],
        out: Sink<'_>,
    ) -> Result<usize> {
        self.in_process(session, way.kind(), |operation| {
            if operation.begun {
                return Err(Error::OperationActive);
            }
            let (aead, nonces) = parts(operation)?;
            given.layout.check(aead.algorithm())?;
            // A whole message is as long as its text, whichever way it goes.
            let Some(out) = fitting(out, data.len())? else { return Ok(data.len()) };
            begin(aead, nonces, way, given, aad)?;
            last(aead, way, given, data, out)
        })
    }

    /// C_EncryptMessageBegin, C_DecryptMessageBegin: makes the nonce in `given`.
    pub fn message_begin(&self, session: SessionHandle, way: Way, given: &mut Given, aad: &[u8]) -> Result<()> {
        self.in_process(session, way.kind(), |operation| {
            if operation.begun {
                return Err(Error::OperationActive);
            }
            let (aead, nonces) = parts(operation)?;
            begin(aead, nonces, way, given, aad)?;
            operation.begun = true;
            Ok(())
        })
    }

    /// C_EncryptMessageNext, C_DecryptMessageNext: `end` with the last part, which makes the tag in `given` or compares it.
    pub fn message_next(
        &self,
        session: SessionHandle,
        way: Way,
        given: &mut Given,
        end: bool,
        part: &[u8],
        out: Sink<'_>,
    ) -> Result<usize> {
        self.in_process(session, way.kind(), |operation| {
            if !operation.begun {
                return Err(Error::OperationNotInitialized);
            }
            let (aead, _) = parts(operation)?;
            given.layout.check(aead.algorithm())?;
            let most = if end { aead.finish_len(part.len()) } else { aead.update_len(part.len()) };
            let Some(out) = fitting(out, most)? else { return Ok(most) };
            if !end {
                return aead.update(part, out);
            }
            let written = last(aead, way, given, part, out)?;
            operation.begun = false;
            Ok(written)
        })
    }

    /// C_MessageEncryptFinal, C_MessageDecryptFinal. A message that was begun is forgotten.
    pub fn message_final(&self, session: SessionHandle, way: Way) -> Result<()> {
        self.end_process(session, way.kind())
    }

    /// Ends the active message after arguments that could not be taken; an error if there is no process.
    pub fn message_abandon(&self, session: SessionHandle, way: Way) -> Result<()> {
        self.abandon(session, way.kind())
    }

    pub(super) fn end_process(&self, session: SessionHandle, kind: Kind) -> Result<()> {
        let session = self.session(session)?;
        let mut operations = session.operations();
        operations.get(kind)?;
        operations.cancel(kind);
        Ok(())
    }

    pub(super) fn abandon(&self, session: SessionHandle, kind: Kind) -> Result<()> {
        self.session(session)?.operations().get(kind)?.abandon_message();
        Ok(())
    }
}

fn parts(operation: &mut Operation) -> Result<(&mut Aead, &mut Nonces)> {
    match &mut operation.engine {
        Engine::Message(aead, nonces) => Ok((aead, nonces)),
        _ => Err(Error::General),
    }
}

/// The buffer if it is long enough; none for a length query.
fn fitting(out: Sink<'_>, needed: usize) -> Result<Sink<'_>> {
    match out {
        Some(out) if out.len() < needed => Err(Error::BufferTooSmall(needed)),
        out => Ok(out),
    }
}

fn begin(aead: &mut Aead, nonces: &mut Nonces, way: Way, given: &mut Given, aad: &[u8]) -> Result<()> {
    given.layout.check(aead.algorithm())?;
    if way == Way::Encrypt {
        nonces.make(given)?;
    }
    aead.begin(&given.message(aad))
}

fn last(aead: &mut Aead, way: Way, given: &mut Given, part: &[u8], out: &mut [u8]) -> Result<usize> {
    // The same parameter in every call of a message.
    if given.tag.len() != aead.tag_len() {
        return Err(Error::MechanismParamInvalid);
    }
    match way {
        Way::Encrypt => aead.seal(part, out, &mut given.tag),
        Way::Decrypt => aead.open(part, &given.tag, out),
    }
}
