//! Chapters "encryption" and "decryption", and how every operation begins (PKCS#11 3.2 sections 5.8 to 5.10).

use super::{Application, ObjectHandle, SessionHandle, Sink};
use crate::mechanism::aead::{Aead, Direction};
use crate::mechanism::engine::Cipher;
use crate::mechanism::key::{Key, Spare};
use crate::mechanism::{Mechanism, Row};
use crate::object::{Home, Permit};
use crate::session::Session;
use crate::session::operation::{After, Engine, Kind, Operation, Operations, Reauthentication, Taken};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_secret::Secret;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Application {
    /// C_EncryptInit. Every Init: `None` is a NULL mechanism and cancels.
    pub fn encrypt_init(&self, s: SessionHandle, mechanism: Option<&Mechanism<'_>>, key: ObjectHandle) -> Result<()> {
        self.begin(s, Kind::Encrypt, mechanism, key)
    }
    /// C_Encrypt.
    pub fn encrypt(&self, session: SessionHandle, data: &[u8], out: Sink<'_>) -> Result<usize> {
        self.crypt(session, Kind::Encrypt, Step::Once(data), out)
    }
    /// C_EncryptUpdate.
    pub fn encrypt_update(&self, session: SessionHandle, part: &[u8], out: Sink<'_>) -> Result<usize> {
        self.crypt(session, Kind::Encrypt, Step::Update(part), out)
    }
    /// C_EncryptFinal.
    pub fn encrypt_final(&self, session: SessionHandle, out: Sink<'_>) -> Result<usize> {
        self.crypt(session, Kind::Encrypt, Step::Final, out)
    }
    /// C_DecryptInit.
    pub fn decrypt_init(&self, s: SessionHandle, mechanism: Option<&Mechanism<'_>>, key: ObjectHandle) -> Result<()> {
        self.begin(s, Kind::Decrypt, mechanism, key)
    }
    /// C_Decrypt.
    pub fn decrypt(&self, session: SessionHandle, data: &[u8], out: Sink<'_>) -> Result<usize> {
        self.crypt(session, Kind::Decrypt, Step::Once(data), out)
    }
    /// C_DecryptUpdate.
    pub fn decrypt_update(&self, session: SessionHandle, part: &[u8], out: Sink<'_>) -> Result<usize> {
        self.crypt(session, Kind::Decrypt, Step::Update(part), out)
    }
    /// C_DecryptFinal.
    pub fn decrypt_final(&self, session: SessionHandle, out: Sink<'_>) -> Result<usize> {
        self.crypt(session, Kind::Decrypt, Step::Final, out)
    }

    fn crypt(&self, session: SessionHandle, kind: Kind, step: Step<'_>, out: Sink<'_>) -> Result<usize> {
        self.session(session)?.operations().run(kind, |operation| step.of(operation, out))
    }

    /// How every operation with a key begins: checks in the order of the standard, then an engine at rest or a new one.
    pub(super) fn begin(
        &self,
        session: SessionHandle,
        kind: Kind,
        mechanism: Option<&Mechanism<'_>>,
        key: ObjectHandle,
    ) -> Result<()> {
        self.begin_with(session, kind, mechanism, key, Ok)
    }

    /// The same, with something done to the started engine; an error of that leaves nothing active either.
    pub(super) fn begin_with(
        &self,
        session: SessionHandle,
        kind: Kind,
        mechanism: Option<&Mechanism<'_>>,
        key: ObjectHandle,
        prepare: impl FnOnce(Engine) -> Result<Engine>,
    ) -> Result<()> {
        let session = self.session(session)?;
        let mut operations = session.operations();
        let Some(mechanism) = mechanism else {
            operations.cancel(kind);
            return Ok(());
        };
        operations.free_for(kind)?;
        if let Some(operation) = operations.at_rest(kind, mechanism.mechanism, key) {
            // Only what began without anything to prepare comes to rest.
            if operation.taken.stored {
                session.token.glance()?;
            }
            if operations.current(&operation) {
                return self.begin_again(&mut operations, operation, mechanism);
            }
            operation.retire();
        }
        let row = self.row(mechanism.mechanism)?;
        if !has(row, kind) {
            return Err(Error::MechanismInvalid);
        }
        let removals = session.token.removals.load(Ordering::Acquire);
        let found = self.key(&session, key)?;
        let (key, permit) = found.0.key(found.1.as_ref())?;
        may(row, kind, key, permit)?;
        self.sized(key)?;
        self.admitted(&mechanism.parameter)?;
        let mut engine = engine(row, kind, key)?;
        self.start_engine(&mut engine, mechanism)?;
        operations.begin(Box::new(Operation {
            kind,
            row,
            engine: prepare(engine)?,
            key: Some(key.clone()),
            taken: Taken { handle: found.0.handle, stored: matches!(found.0.home, Home::Token { .. }), removals },
            private: found.0.private,
            reauthentication: match permit.reauthenticate && permit.class == ck::CKO_PRIVATE_KEY {
                true => Reauthentication::Awaited,
                false => Reauthentication::NotAsked,
            },
            begun: false,
        }));
        Ok(())
    }

    /// The operation at rest once more: its mechanism, key and permission were found good, and nothing changed since.
    pub(super) fn begin_again(
        &self,
        operations: &mut Operations,
        mut operation: Box<Operation>,
        mechanism: &Mechanism<'_>,
    ) -> Result<()> {
        self.admitted(&mechanism.parameter)?;
        self.start_engine(&mut operation.engine, mechanism)?;
        operations.begin(operation);
        Ok(())
    }

    /// Whether an operation could begin now as it did: its key is there and may still do this.
    pub(super) fn still_may(&self, session: &Session, operation: &Operation) -> Result<()> {
        if operation.key.is_none() {
            return Ok(());
        }
        let (object, store) = self.key(session, operation.taken.handle)?;
        let (key, permit) = object.key(store.as_ref())?;
        may(operation.row, operation.kind, key, permit)
    }

    /// One call of a message process. No message begins with a key that went or lost this usage since the process began.
    pub(super) fn in_process<T>(
        &self,
        session: SessionHandle,
        kind: Kind,
        call: impl FnOnce(&mut Operation) -> Result<T>,
    ) -> Result<T> {
        let session = self.session(session)?;
        let mut operations = session.operations();
        let operation = operations.get(kind)?;
        if !operation.begun {
            if operation.taken.stored {
                session.token.glance()?;
            }
            let removals = session.token.removals.load(Ordering::Acquire);
            if operation.taken.removals != removals {
                match self.still_may(&session, operation) {
                    Ok(()) => operation.taken.removals = removals,
                    Err(Error::DeviceError) => return Err(Error::DeviceError),
                    Err(_) => {
                        operations.cancel(kind);
                        return Err(Error::OperationNotInitialized);
                    }
                }
            }
        }
        operations.run_message(kind, call)
    }

    fn start_engine(&self, engine: &mut Engine, mechanism: &Mechanism<'_>) -> Result<()> {
        match engine {
            Engine::Cipher(e) => e.start(&mechanism.parameter),
            Engine::Sign(e) => {
                e.start(&mechanism.parameter)?;
                if e.counter().is_some() {
                    self.counts.store(true, Ordering::Relaxed);
                }
                Ok(())
            }
            Engine::Verify(e) | Engine::VerifySignature(e, _) => e.start(&mechanism.parameter),
            Engine::Recover(e) => e.start(&mechanism.parameter),
            Engine::Digest(e) => e.start(&mechanism.parameter),
            Engine::Message(..) => Ok(()),
        }
    }

    /// The object of a key handle, up to date.
    pub(super) fn key(&self, session: &Session, handle: ObjectHandle) -> Result<Found> {
        self.found(session, handle, Error::KeyHandleInvalid)
    }
}

/// An object whose attributes are read, and the store of a token object.
pub(super) type Found = (Arc<crate::object::Object>, Option<Arc<dyn sealhsm_store::ObjectStore>>);

fn has(row: &Row, kind: Kind) -> bool {
    match kind {
        Kind::Encrypt => row.encrypt.is_some(),
        Kind::Decrypt => row.decrypt.is_some(),
        Kind::Sign => row.sign.is_some(),
        Kind::MessageSign => row.sign.is_some() && !row.one_message,
        Kind::Verify | Kind::VerifySignature => row.verify.is_some(),
        Kind::MessageVerify => row.verify.is_some() && !row.one_message,
        Kind::MessageEncrypt | Kind::MessageDecrypt => row.message.is_some(),
        Kind::SignRecover | Kind::VerifyRecover => row.recover.is_some(),
        Kind::Digest => row.digest.is_some(),
    }
}

/// Class and type, then usage flag, then CKA_ALLOWED_MECHANISMS.
fn may(row: &Row, kind: Kind, key: &Key, permit: &Permit) -> Result<()> {
    // Keys of one-time passwords have types of their own.
    let whole = matches!(permit.class, ck::CKO_SECRET_KEY | ck::CKO_OTP_KEY);
    if !(whole || permit.class == kind.half()) || !row.key_types.contains(&key.key_type) {
        return Err(Error::KeyTypeInconsistent);
    }
    if kind.usage().is_some_and(|usage| !permit.usage(usage)) {
        return Err(Error::KeyFunctionNotPermitted);
    }
    if !permit.mechanism(row.mechanism) {
        return Err(Error::MechanismInvalid);
    }
    Ok(())
}

/// An engine that this key keeps for this mechanism, or a new one.
fn engine(row: &'static Row, kind: Kind, key: &Arc<Key>) -> Result<Engine> {
    let rest = key.spare(row.mechanism, |spare| {
        matches!(
            (kind, spare),
            (Kind::Encrypt, Spare::Cipher(Direction::Encrypt, _))
                | (Kind::Decrypt, Spare::Cipher(Direction::Decrypt, _))
                | (Kind::Sign | Kind::MessageSign | Kind::SignRecover, Spare::Sign(_))
                | (Kind::Verify | Kind::VerifySignature | Kind::MessageVerify, Spare::Verify(_))
                | (Kind::VerifyRecover, Spare::Recover(_))
        )
    });
    Ok(match (rest, kind) {
        (Some(Spare::Cipher(_, e)), _) => Engine::Cipher(e),
        (Some(Spare::Sign(e)), _) => Engine::Sign(e),
        (Some(Spare::Verify(e)), _) => Engine::Verify(e),
        (Some(Spare::Recover(e)), _) => Engine::Recover(e),
        (Some(Spare::Prf(..) | Spare::Hash(_)), _) => return Err(Error::General),
        (None, Kind::Encrypt) => Engine::Cipher(row.encrypt.ok_or(Error::MechanismInvalid)?(key)?),
        (None, Kind::Decrypt) => Engine::Cipher(row.decrypt.ok_or(Error::MechanismInvalid)?(key)?),
        (None, Kind::Sign | Kind::MessageSign | Kind::SignRecover) => {
            Engine::Sign(row.sign.ok_or(Error::MechanismInvalid)?(key)?)
        }
        (None, Kind::Verify | Kind::VerifySignature | Kind::MessageVerify) => {
            Engine::Verify(row.verify.ok_or(Error::MechanismInvalid)?(key)?)
        }
        (None, Kind::MessageEncrypt) => message(row, key, Direction::Encrypt)?,
        (None, Kind::MessageDecrypt) => message(row, key, Direction::Decrypt)?,
        (None, Kind::VerifyRecover) => Engine::Recover(row.recover.ok_or(Error::MechanismInvalid)?(key)?),
        (None, Kind::Digest) => Engine::Digest(row.digest.ok_or(Error::MechanismInvalid)?()?),
    })
}

fn message(row: &Row, key: &Arc<Key>, direction: Direction) -> Result<Engine> {
    let aead = Aead::new(row.message.ok_or(Error::MechanismInvalid)?, key, direction)?;
    Ok(Engine::Message(Box::new(aead), Box::default()))
}

/// One call of a cipher operation.
#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    Once(&'a [u8]),
    Update(&'a [u8]),
    Final,
}

impl Step<'_> {
    fn most(self, engine: &dyn Cipher) -> usize {
        match self {
            Step::Once(data) => engine.output_len(data.len(), true),
            Step::Update(part) => engine.output_len(part.len(), false),
            Step::Final => engine.output_len(0, true),
        }
    }

    /// What certainly does not fit into less; between that and the most, only the work itself tells.
    fn least(self, engine: &dyn Cipher) -> usize {
        match self {
            Step::Once(data) => engine.least_len(data.len()),
            Step::Update(_) => self.most(engine),
            Step::Final => engine.least_len(0),
        }
    }

    /// Takes this step of an operation. A length query, or a buffer that is too short, changes nothing.
    pub(super) fn of(self, operation: &mut Operation, out: Sink<'_>) -> Result<(usize, After)> {
        let after = if matches!(self, Step::Update(_)) { After::On } else { After::Over };
        let single = matches!(self, Step::Once(_));
        if single && operation.begun {
            return Err(Error::OperationActive);
        }
        let Engine::Cipher(engine) = &mut operation.engine else { return Err(Error::General) };
        if !single && !engine.multi_part() {
            return Err(Error::FunctionNotSupported);
        }
        let most = self.most(engine.as_ref());
        let Some(out) = out else { return Ok((most, After::On)) };
        operation.authorized()?;
        let Engine::Cipher(engine) = &mut operation.engine else { return Err(Error::General) };
        let written = if out.len() >= most {
            self.take(engine.as_mut(), out)?
        } else if out.len() < self.least(engine.as_ref()) {
            return Err(Error::BufferTooSmall(most));
        } else {
            self.try_to_fit(engine, most, out)?
        };
        operation.begun |= !single;
        Ok((written, after))
    }

    /// The bound may overstate (padding): does it aside, and with another engine if this one could not do it again.
    fn try_to_fit(self, engine: &mut Box<dyn Cipher>, most: usize, out: &mut [u8]) -> Result<usize> {
        let mut aside = Secret::zeroed(most);
        let mut other = if engine.multi_part() { Some(engine.duplicate()?) } else { None };
        let written = self.take(other.as_mut().unwrap_or(engine).as_mut(), aside.as_mut())?;
        let to = out.get_mut(..written).ok_or(Error::BufferTooSmall(most))?;
        to.copy_from_slice(&aside.as_ref()[..written]);
        if let Some(other) = other {
            *engine = other;
        }
        Ok(written)
    }

    fn take(self, engine: &mut dyn Cipher, out: &mut [u8]) -> Result<usize> {
        match self {
            Step::Once(data) => engine.once(data, out),
            Step::Update(part) => engine.update(part, out),
            Step::Final => engine.finish(out),
        }
    }
}
