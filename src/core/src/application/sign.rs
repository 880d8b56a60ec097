//! Chapters "message digesting", "signing and MACing" and "verifying" (PKCS#11 3.2 sections 5.12 to 5.15).

use super::{Application, ObjectHandle, SessionHandle, Sink};
use crate::attribute::Value;
use crate::mechanism::Mechanism;
use crate::session::operation::{After, Engine, Kind, Operation, Reauthentication, Taken};
use crate::{Error, Result};
use cryptoki_sys as ck;

/// Bytes of a guarded key that may be digested. A shorter one could be found by trial; the digest of one that is longer
/// than a block of the hash is the same key to HMAC (FIPS 198-1 section 4). No block here is shorter than this.
const DIGESTIBLE: std::ops::RangeInclusive<usize> = 16..=64;

/// Data of a single-part call; `None` in a Final call.
pub(super) type Data<'a> = Option<&'a [u8]>;

impl Application {
    /// C_DigestInit.
    pub fn digest_init(&self, session: SessionHandle, mechanism: Option<&Mechanism<'_>>) -> Result<()> {
        let session = self.session(session)?;
        let mut operations = session.operations();
        let Some(mechanism) = mechanism else {
            operations.cancel(Kind::Digest);
            return Ok(());
        };
        operations.free_for(Kind::Digest)?;
        if let Some(operation) = operations.at_rest(Kind::Digest, mechanism.mechanism, 0) {
            return self.begin_again(&mut operations, operation, mechanism);
        }
        let row = self.row(mechanism.mechanism)?;
        let mut engine = row.digest.ok_or(Error::MechanismInvalid)?()?;
        engine.start(mechanism.parameter.well_formed()?)?;
        operations.begin(Box::new(Operation {
            kind: Kind::Digest,
            row,
            engine: Engine::Digest(engine),
            key: None,
            taken: Taken::default(),
            private: false,
            reauthentication: Reauthentication::NotAsked,
            begun: false,
        }));
        Ok(())
    }

    /// C_Digest.
    pub fn digest(&self, session: SessionHandle, data: &[u8], out: Sink<'_>) -> Result<usize> {
        self.end_digest(session, Some(data), out)
    }

    /// C_DigestUpdate.
    pub fn digest_update(&self, session: SessionHandle, part: &[u8]) -> Result<()> {
        self.session(session)?.operations().run(Kind::Digest, |operation| {
            let Engine::Digest(engine) = &mut operation.engine else { return Err(Error::General) };
            engine.update(part)?;
            operation.begun = true;
            Ok(((), After::On))
        })
    }

    /// C_DigestKey: the value of a secret key, as data of the digest.
    pub fn digest_key(&self, session: SessionHandle, key: ObjectHandle) -> Result<()> {
        let session = self.session(session)?;
        let mut operations = session.operations();
        operations.get(Kind::Digest)?;
        let found = self.key(&session, key);
        operations.run(Kind::Digest, |operation| {
            let (object, store) = found?;
            let attributes = object.attributes(store.as_ref())?;
            let value = match (attributes.ulong(ck::CKA_CLASS), attributes.value(ck::CKA_VALUE)) {
                (Some(ck::CKO_SECRET_KEY), Some(Value::Secret(value))) => value,
                _ => return Err(Error::KeyIndigestible),
            };
            let guarded = attributes.is(ck::CKA_SENSITIVE) || !attributes.is(ck::CKA_EXTRACTABLE);
            if guarded && !DIGESTIBLE.contains(&value.len()) {
                return Err(Error::KeySizeRange);
            }
            if !object.key(store.as_ref())?.1.mechanism(operation.row.mechanism) {
                return Err(Error::KeyIndigestible);
            }
            if guarded && attributes.has(ck::CKA_DERIVE_TEMPLATE) {
                // The digest is a key that C_DeriveKey makes of it, which that template is for.
                return Err(Error::KeyIndigestible);
            }
            let Engine::Digest(engine) = &mut operation.engine else { return Err(Error::General) };
            engine.update(value.as_ref())?;
            operation.begun = true;
            operation.private |= object.private;
            operation.taken.handle = key;
            Ok(((), After::On))
        })
    }

    /// C_DigestFinal.
    pub fn digest_final(&self, session: SessionHandle, out: Sink<'_>) -> Result<usize> {
        self.end_digest(session, None, out)
    }

    fn end_digest(&self, session: SessionHandle, data: Data<'_>, out: Sink<'_>) -> Result<usize> {
        self.session(session)?.operations().run(Kind::Digest, |operation| {
            if data.is_some() && operation.begun {
                return Err(Error::OperationActive);
            }
            let Engine::Digest(engine) = &mut operation.engine else { return Err(Error::General) };
            let length = engine.digest_len();
            let Some(out) = out else { return Ok((length, After::On)) };
            if out.len() < length {
                return Err(Error::BufferTooSmall(length));
            }
            if let Some(data) = data {
                engine.update(data)?;
            }
            Ok((engine.finish(out)?, After::Over))
        })
    }

    /// C_SignInit.
    pub fn sign_init(&self, s: SessionHandle, mechanism: Option<&Mechanism<'_>>, key: ObjectHandle) -> Result<()> {
        self.begin(s, Kind::Sign, mechanism, key)
    }

    /// C_Sign.
    pub fn sign(&self, session: SessionHandle, data: &[u8], out: Sink<'_>) -> Result<usize> {
        self.end_sign(session, Kind::Sign, Some(data), out)
    }

    /// C_SignUpdate.
    pub fn sign_update(&self, session: SessionHandle, part: &[u8]) -> Result<()> {
        self.session(session)?.operations().run(Kind::Sign, |operation| {
            operation.authorized()?;
            let Engine::Sign(engine) = &mut operation.engine else { return Err(Error::General) };
            if !engine.multi_part() {
                return Err(Error::FunctionNotSupported);
            }
            engine.update(part)?;
            operation.begun = true;
            Ok(((), After::On))
        })
    }

    /// C_SignFinal.
    pub fn sign_final(&self, session: SessionHandle, out: Sink<'_>) -> Result<usize> {
        self.end_sign(session, Kind::Sign, None, out)
    }

    pub(super) fn end_sign(&self, session: SessionHandle, kind: Kind, data: Data<'_>, out: Sink<'_>) -> Result<usize> {
        let session = self.session(session)?;
        session.operations().run(kind, |operation| {
            if data.is_some() && operation.begun {
                return Err(Error::OperationActive);
            }
            let Engine::Sign(engine) = &mut operation.engine else { return Err(Error::General) };
            if data.is_none() && !engine.multi_part() {
                return Err(Error::FunctionNotSupported);
            }
            let length = engine.signature_len();
            let Some(out) = out else { return Ok((length, After::On)) };
            if out.len() < length {
                return Err(Error::BufferTooSmall(length));
            }
            if operation.reauthentication == Reauthentication::Awaited {
                return Err(Error::UserNotLoggedIn);
            }
            if let Some(counter) = engine.counter() {
                if kind != Kind::Sign {
                    // Its form is that of C_Sign's output alone.
                    return Err(Error::FunctionNotSupported);
                }
                if data.is_some_and(|data| !data.is_empty()) {
                    return Err(Error::DataLenRange);
                }
                engine.counted(self.count(&session, &counter)?);
            }
            let written = match data {
                Some(data) => engine.once(data, out)?,
                None => engine.finish(out)?,
            };
            Ok((written, After::Over))
        })
    }

    /// C_VerifyInit.
    pub fn verify_init(&self, s: SessionHandle, mechanism: Option<&Mechanism<'_>>, key: ObjectHandle) -> Result<()> {
        self.begin(s, Kind::Verify, mechanism, key)
    }

    /// C_Verify.
    pub fn verify(&self, session: SessionHandle, data: &[u8], signature: &[u8]) -> Result<()> {
        self.end_verify(session, Some(data), signature)
    }

    /// C_VerifyUpdate.
    pub fn verify_update(&self, session: SessionHandle, part: &[u8]) -> Result<()> {
        self.session(session)?.operations().run(Kind::Verify, |operation| {
            let Engine::Verify(engine) = &mut operation.engine else { return Err(Error::General) };
            if !engine.multi_part() {
                return Err(Error::FunctionNotSupported);
            }
            engine.update(part)?;
            operation.begun = true;
            Ok(((), After::On))
        })
    }

    /// C_VerifyFinal.
    pub fn verify_final(&self, session: SessionHandle, signature: &[u8]) -> Result<()> {
        self.end_verify(session, None, signature)
    }

    fn end_verify(&self, session: SessionHandle, data: Data<'_>, signature: &[u8]) -> Result<()> {
        self.session(session)?.operations().run(Kind::Verify, |operation| {
            if data.is_some() && operation.begun {
                return Err(Error::OperationActive);
            }
            let Engine::Verify(engine) = &mut operation.engine else { return Err(Error::General) };
            if data.is_none() && !engine.multi_part() {
                return Err(Error::FunctionNotSupported);
            }
            match data {
                Some(data) => engine.once(data, signature)?,
                None => engine.finish(signature)?,
            }
            Ok(((), After::Over))
        })
    }
}
