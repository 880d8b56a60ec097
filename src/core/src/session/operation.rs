//! A running operation owns its engine and its key: ending it is a drop. Which operations may run side by side,
//! and what ends one (section 5.2 and the return codes of each call), stands here and nowhere else.

use crate::mechanism::Row;
use crate::mechanism::aead::Aead;
use crate::mechanism::engine::{Cipher, Digester, Recoverer, Signer, Verifier};
use crate::mechanism::key::{Key, Spare};
use crate::mechanism::message::Nonces;
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::cipher::Direction;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// C_Encrypt.
    Encrypt,
    /// C_Decrypt.
    Decrypt,
    /// C_Digest.
    Digest,
    /// C_Sign.
    Sign,
    /// C_Verify.
    Verify,
    /// C_VerifySignature: the signature comes first.
    VerifySignature,
    /// C_EncryptMessage: from C_MessageEncryptInit to C_MessageEncryptFinal. The same for the three others.
    MessageEncrypt,
    /// C_DecryptMessage.
    MessageDecrypt,
    /// C_SignMessage.
    MessageSign,
    /// C_VerifyMessage.
    MessageVerify,
    /// C_SignRecover.
    SignRecover,
    /// C_VerifyRecover.
    VerifyRecover,
}

impl Kind {
    /// All of them.
    pub const ALL: &[Kind] = &[
        Kind::Encrypt,
        Kind::Decrypt,
        Kind::Digest,
        Kind::Sign,
        Kind::Verify,
        Kind::VerifySignature,
        Kind::MessageEncrypt,
        Kind::MessageDecrypt,
        Kind::MessageSign,
        Kind::MessageVerify,
        Kind::SignRecover,
        Kind::VerifyRecover,
    ];

    /// The flag of C_SessionCancel and CK_MECHANISM_INFO.
    pub fn flag(self) -> u64 {
        match self {
            Kind::Encrypt => ck::CKF_ENCRYPT,
            Kind::Decrypt => ck::CKF_DECRYPT,
            Kind::Digest => ck::CKF_DIGEST,
            Kind::Sign => ck::CKF_SIGN,
            Kind::Verify | Kind::VerifySignature => ck::CKF_VERIFY,
            Kind::MessageEncrypt => ck::CKF_MESSAGE_ENCRYPT,
            Kind::MessageDecrypt => ck::CKF_MESSAGE_DECRYPT,
            Kind::MessageSign => ck::CKF_MESSAGE_SIGN,
            Kind::MessageVerify => ck::CKF_MESSAGE_VERIFY,
            Kind::SignRecover => ck::CKF_SIGN_RECOVER,
            Kind::VerifyRecover => ck::CKF_VERIFY_RECOVER,
        }
    }

    /// The attribute that must be true on the key.
    pub fn usage(self) -> Option<u64> {
        match self {
            Kind::Encrypt | Kind::MessageEncrypt => Some(ck::CKA_ENCRYPT),
            Kind::Decrypt | Kind::MessageDecrypt => Some(ck::CKA_DECRYPT),
            Kind::Digest => None,
            Kind::Sign | Kind::MessageSign => Some(ck::CKA_SIGN),
            Kind::Verify | Kind::VerifySignature | Kind::MessageVerify => Some(ck::CKA_VERIFY),
            Kind::SignRecover => Some(ck::CKA_SIGN_RECOVER),
            Kind::VerifyRecover => Some(ck::CKA_VERIFY_RECOVER),
        }
    }

    /// The class of asymmetric key it takes.
    pub fn half(self) -> u64 {
        match self {
            Kind::Encrypt
            | Kind::Verify
            | Kind::VerifySignature
            | Kind::MessageEncrypt
            | Kind::MessageVerify
            | Kind::VerifyRecover => ck::CKO_PUBLIC_KEY,
            _ => ck::CKO_PRIVATE_KEY,
        }
    }

    /// Whether both may be active at once, for the dual-function calls (section 5.16).
    fn beside(self, other: Kind) -> bool {
        use Kind::{Decrypt, Digest, Encrypt, Sign, Verify};
        matches!(
            (self, other),
            (Digest, Encrypt | Decrypt)
                | (Encrypt | Decrypt, Digest)
                | (Sign, Encrypt)
                | (Encrypt, Sign)
                | (Decrypt, Verify)
                | (Verify, Decrypt)
        )
    }
}

/// The engine at work.
pub enum Engine {
    /// C_Encrypt or C_Decrypt.
    Cipher(Box<dyn Cipher>),
    /// C_Digest.
    Digest(Box<dyn Digester>),
    /// C_Sign, C_SignRecover.
    Sign(Box<dyn Signer>),
    /// C_Verify.
    Verify(Box<dyn Verifier>),
    /// C_VerifySignature, and the signature.
    VerifySignature(Box<dyn Verifier>, Vec<u8>),
    /// C_EncryptMessage or C_DecryptMessage, and the nonces that the token makes.
    Message(Box<Aead>, Box<Nonces>),
    /// C_VerifyRecover.
    Recover(Box<dyn Recoverer>),
}

/// CKA_ALWAYS_AUTHENTICATE: the state belongs to the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reauthentication {
    /// The key does not ask for it.
    NotAsked,
    /// C_Login(CKU_CONTEXT_SPECIFIC) must come first.
    Awaited,
    /// It came.
    Given,
}

/// Which key an operation took and when, so that the next one knows whether a new look would find the same.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taken {
    /// Its handle; 0 for a digest, unless that took in a key.
    pub handle: u64,
    /// A token object: other processes may change it.
    pub stored: bool,
    /// How many objects the token had lost before the look.
    pub removals: u64,
}

/// One active operation.
pub struct Operation {
    /// See [`Kind`].
    pub kind: Kind,
    /// Its mechanism.
    pub row: &'static Row,
    /// See [`Engine`].
    pub engine: Engine,
    /// Its key, if it has one.
    pub key: Option<Arc<Key>>,
    /// See [`Taken`].
    pub taken: Taken,
    /// It ends when the user logs out.
    pub private: bool,
    /// See [`Reauthentication`].
    pub reauthentication: Reauthentication,
    /// An Update was called: the single-part call is no longer possible. Of a message process: a message was begun and
    /// is not over.
    pub begun: bool,
}

impl Operation {
    /// `UserNotLoggedIn` until a context-specific login, where the key asks for one.
    pub fn authorized(&self) -> Result<()> {
        match self.reauthentication {
            Reauthentication::Awaited => Err(Error::UserNotLoggedIn),
            _ => Ok(()),
        }
    }

    /// Another one in the middle of the same work; `StateUnsaveable` where its engine cannot.
    pub fn duplicate(&self) -> Result<Operation> {
        let engine = match &self.engine {
            Engine::Cipher(e) => Engine::Cipher(e.duplicate()?),
            Engine::Digest(e) => Engine::Digest(e.duplicate()?),
            Engine::Sign(e) if self.kind == Kind::Sign => Engine::Sign(e.duplicate()?),
            Engine::Verify(e) if self.kind == Kind::Verify => Engine::Verify(e.duplicate()?),
            Engine::VerifySignature(e, signature) => Engine::VerifySignature(e.duplicate()?, signature.clone()),
            _ => return Err(Error::StateUnsaveable),
        };
        Ok(Operation { engine, key: self.key.clone(), ..*self })
    }

    /// Forgets a message that was begun.
    pub fn abandon_message(&mut self) {
        self.begun = false;
        if let Engine::Message(aead, _) = &mut self.engine {
            aead.forget();
        }
    }

    /// One message of a process is over; the next one asks for its own context-specific login.
    pub fn message_over(&mut self) {
        self.begun = false;
        if self.reauthentication == Reauthentication::Given {
            self.reauthentication = Reauthentication::Awaited;
        }
    }

    /// Whether it may rest in its session: what begins again is as new.
    fn may_rest(&self) -> bool {
        let plain = !matches!(self.engine, Engine::VerifySignature(..) | Engine::Message(..));
        // A digest that took in a key leaves nothing behind.
        let clean = self.key.is_some() || self.taken.handle == 0;
        plain && clean && self.reauthentication == Reauthentication::NotAsked
    }

    /// Gives its engine back to its key.
    pub fn retire(self) {
        let Some(key) = self.key else { return };
        let spare = match (self.kind, self.engine) {
            (Kind::Encrypt, Engine::Cipher(e)) => Spare::Cipher(Direction::Encrypt, e),
            (Kind::Decrypt, Engine::Cipher(e)) => Spare::Cipher(Direction::Decrypt, e),
            (_, Engine::Sign(e)) => Spare::Sign(e),
            (_, Engine::Verify(e) | Engine::VerifySignature(e, _)) => Spare::Verify(e),
            (_, Engine::Recover(e)) => Spare::Recover(e),
            _ => return,
        };
        key.keep(self.row.mechanism, spare);
    }
}

/// What becomes of an operation after a call that went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It goes on: an Update, or a length query.
    On,
    /// It is over.
    Over,
}

/// Whether an operation outlives this error of one of its calls.
fn goes_on(error: Error) -> bool {
    matches!(error, Error::BufferTooSmall(_) | Error::OperationActive)
}

/// A search at work.
pub struct Search {
    /// Handles not yet given out, last first.
    pub found: Vec<u64>,
}

/// Everything that runs in a session.
pub struct Operations {
    active: [Option<Box<Operation>>; 2],
    /// The last one that ended well. The same again, which is what servers do, needs neither looks nor locks.
    resting: Option<Box<Operation>>,
    /// How many objects the token has lost: keys among them, or their permissions.
    removals: Arc<AtomicU64>,
    /// C_FindObjectsInit to C_FindObjectsFinal.
    pub search: Option<Search>,
}

impl Operations {
    /// Nothing running. `removals`: the token's count of objects that went or changed.
    pub fn new(removals: Arc<AtomicU64>) -> Self {
        Operations { active: Default::default(), resting: None, removals, search: None }
    }

    /// The operation at rest, to begin again with its engine started anew, if it has this kind, mechanism and key.
    pub fn at_rest(&mut self, kind: Kind, mechanism: u64, key: u64) -> Option<Box<Operation>> {
        self.resting.take_if(|op| op.kind == kind && op.row.mechanism == mechanism && op.taken.handle == key)
    }

    /// Whether its key is still what it was.
    pub fn current(&self, operation: &Operation) -> bool {
        operation.key.is_none() || operation.taken.removals == self.removals.load(Ordering::Acquire)
    }

    /// Drops what rests with a key that is not current.
    pub fn settle(&mut self) {
        self.resting = self.resting.take().filter(|operation| self.current(operation));
    }

    fn rest(&mut self, mut operation: Box<Operation>) {
        if !operation.may_rest() || !self.current(&operation) {
            return operation.retire();
        }
        operation.begun = false;
        if let Some(before) = self.resting.replace(operation) {
            before.retire();
        }
    }

    /// `OperationActive` unless an operation of this kind may begin now.
    pub fn free_for(&self, kind: Kind) -> Result<()> {
        let clash = self.active.iter().flatten().any(|op| !op.kind.beside(kind));
        if clash || self.active.iter().all(Option::is_some) { Err(Error::OperationActive) } else { Ok(()) }
    }

    /// Begins one; the caller has asked `free_for`.
    pub fn begin(&mut self, operation: Box<Operation>) {
        if let Some(place) = self.active.iter_mut().find(|place| place.is_none()) {
            *place = Some(operation);
        }
    }

    /// The active operation of a kind.
    pub fn get(&mut self, kind: Kind) -> Result<&mut Operation> {
        let mut active = self.active.iter_mut().flatten();
        active.find(|op| op.kind == kind).map(Box::as_mut).ok_or(Error::OperationNotInitialized)
    }

    /// Drops the operation of a kind, if there is one.
    pub fn cancel(&mut self, kind: Kind) {
        for place in &mut self.active {
            if place.as_ref().is_some_and(|op| op.kind == kind) {
                *place = None;
            }
        }
    }

    /// Duplicates of what is active; `OperationNotInitialized` if nothing is, `StateUnsaveable` for what cannot be saved.
    pub fn save(&self) -> Result<Vec<Operation>> {
        let saved: Vec<_> = self.active.iter().flatten().map(|op| op.duplicate()).collect::<Result<_>>()?;
        match (saved.is_empty(), &self.search) {
            (false, _) => Ok(saved),
            (true, Some(_)) => Err(Error::StateUnsaveable),
            (true, None) => Err(Error::OperationNotInitialized),
        }
    }

    /// Puts these in the place of what is active.
    pub fn restore(&mut self, saved: Vec<Operation>) {
        self.active = Default::default();
        saved.into_iter().for_each(|operation| self.begin(Box::new(operation)));
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.active = Default::default();
        self.resting = None;
        self.search = None;
    }

    /// Drops what uses a key of a user who is gone, and searches, which may hold handles of private objects.
    pub fn log_out(&mut self) {
        for place in &mut self.active {
            if place.as_ref().is_some_and(|op| op.private) {
                *place = None;
            }
        }
        self.resting = None;
        self.search = None;
    }

    /// A context-specific login came: every operation that awaits one has it now. `OperationNotInitialized` if none does.
    pub fn reauthenticated(&mut self) -> Result<()> {
        let mut any = false;
        for op in self.active.iter_mut().flatten() {
            if op.reauthentication == Reauthentication::Awaited {
                op.reauthentication = Reauthentication::Given;
                any = true;
            }
        }
        if any { Ok(()) } else { Err(Error::OperationNotInitialized) }
    }

    /// Whether an operation awaits a context-specific login.
    pub fn awaits_login(&self) -> bool {
        self.active.iter().flatten().any(|op| op.reauthentication == Reauthentication::Awaited)
    }

    /// Runs one call of an operation. It ends on every result but a length query, `BufferTooSmall`, an Update that
    /// went well, and `OperationActive`.
    pub fn run<T>(&mut self, kind: Kind, call: impl FnOnce(&mut Operation) -> Result<(T, After)>) -> Result<T> {
        let place = self
            .active
            .iter_mut()
            .find(|place| place.as_ref().is_some_and(|op| op.kind == kind))
            .ok_or(Error::OperationNotInitialized)?;
        let Some(operation) = place else { return Err(Error::OperationNotInitialized) };
        match call(operation) {
            Ok((value, After::On)) => Ok(value),
            Ok((value, After::Over)) => {
                if let Some(operation) = place.take() {
                    self.rest(operation);
                }
                Ok(value)
            }
            Err(error) if goes_on(error) => Err(error),
            Err(error) => {
                *place = None;
                Err(error)
            }
        }
    }

    /// Runs one call of a message process, which goes on whatever comes of it: an error ends the message only.
    pub fn run_message<T>(&mut self, kind: Kind, call: impl FnOnce(&mut Operation) -> Result<T>) -> Result<T> {
        let operation = self.get(kind)?;
        let done = call(operation);
        if done.as_ref().is_err_and(|error| !goes_on(*error)) {
            operation.abandon_message();
        }
        done
    }

    /// Runs one call of two operations at once; `OperationNotInitialized` unless both are active, and they end together
    /// by the rule of [`Operations::run`].
    pub fn run_both<T>(
        &mut self,
        kinds: (Kind, Kind),
        call: impl FnOnce(&mut Operation, &mut Operation) -> Result<T>,
    ) -> Result<T> {
        let [Some(a), Some(b)] = &mut self.active else { return Err(Error::OperationNotInitialized) };
        let done = match (a.kind, b.kind) {
            active if active == kinds => call(a, b),
            active if active == (kinds.1, kinds.0) => call(b, a),
            _ => return Err(Error::OperationNotInitialized),
        };
        if done.as_ref().is_err_and(|error| !goes_on(*error)) {
            self.cancel(kinds.0);
            self.cancel(kinds.1);
        }
        done
    }
}
