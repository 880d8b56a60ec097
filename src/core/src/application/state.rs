//! C_GetOperationState and C_SetOperationState (PKCS#11 3.2 sections 5.6.5 and 5.6.6). OpenSSL writes no context down, so
//! what the client gets is a name that nobody guesses; what it names are duplicates of the operations, kept here. They
//! serve in this process only, in a session of the same token and in the same state, and the oldest make room for new
//! ones.

use super::{Application, ObjectHandle, SessionHandle, Sink};
use crate::mechanism::key::{Key, Material};
use crate::session::Session;
use crate::session::operation::{Kind, Operation};
use crate::token::{Token, lock};
use crate::{Error, Result};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// How many are kept.
const MOST: usize = 256;
/// What every name begins with: the version of what it is.
const MAGIC: [u8; 8] = *b"SEALHSM1";
/// Bytes of a name.
const LEN: usize = MAGIC.len() + 32;

/// Operations in the middle of their work.
struct State {
    name: [u8; LEN],
    token: Arc<Token>,
    /// CKS_ of the session.
    session: u64,
    operations: Vec<Operation>,
}

/// All that are kept, oldest first.
#[derive(Default)]
pub(super) struct States(Mutex<VecDeque<State>>);

impl States {
    fn keep(&self, state: State) {
        let mut states = lock(&self.0);
        if states.len() >= MOST {
            states.pop_front();
        }
        states.push_back(state);
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        lock(&self.0).len()
    }

    /// Forgets what belongs to a login that is over.
    pub(super) fn log_out(&self, token: &Arc<Token>) {
        let over = |state: &State| Arc::ptr_eq(&state.token, token) && state.operations.iter().any(|op| op.private);
        lock(&self.0).retain(|state| !over(state));
    }

    /// Forgets all of a token.
    pub(super) fn forget(&self, token: &Arc<Token>) {
        lock(&self.0).retain(|state| !Arc::ptr_eq(&state.token, token));
    }

    /// Forgets everything, unless another thread is at it just now.
    pub(super) fn clear_if_idle(&self) {
        if let Ok(mut states) = self.0.try_lock() {
            states.clear();
        }
    }
}

impl Application {
    /// C_GetOperationState.
    pub fn operation_state(&self, session: SessionHandle, out: Sink<'_>) -> Result<usize> {
        let session = self.session(session)?;
        // Locked until the state is kept: a logout comes before it, or finds it.
        let active = session.operations();
        let operations = active.save()?;
        let Some(out) = out else { return Ok(LEN) };
        let out = out.get_mut(..LEN).ok_or(Error::BufferTooSmall(LEN))?;
        let mut name = [0; LEN];
        name[..MAGIC.len()].copy_from_slice(&MAGIC);
        sealhsm_crypto::random::private(&mut name[MAGIC.len()..]).map_err(crate::mechanism::failed)?;
        out.copy_from_slice(&name);
        self.states.keep(State { name, token: session.token.clone(), session: session.state(), operations });
        Ok(LEN)
    }

    /// C_SetOperationState. The keys are those of the operations; whoever names one has to name the right one.
    pub fn set_operation_state(
        &self,
        session: SessionHandle,
        state: &[u8],
        encryption_key: ObjectHandle,
        authentication_key: ObjectHandle,
    ) -> Result<()> {
        let session = self.session(session)?;
        // Locked from the look to the end: a logout comes before it, or ends what it puts back.
        let mut active = session.operations();
        let saved = self.saved(&session, state)?;
        let of = |kinds: &[Kind]| saved.iter().find(|operation| kinds.contains(&operation.kind));
        self.same_key(&session, encryption_key, of(&[Kind::Encrypt, Kind::Decrypt]))?;
        self.same_key(&session, authentication_key, of(&[Kind::Sign, Kind::Verify, Kind::VerifySignature]))?;
        active.restore(saved);
        Ok(())
    }

    /// Duplicates of what a name stands for in this session.
    fn saved(&self, session: &Session, name: &[u8]) -> Result<Vec<Operation>> {
        let states = lock(&self.states.0);
        let known = |state: &&State| {
            state.name == name && Arc::ptr_eq(&state.token, &session.token) && state.session == session.state()
        };
        let state = states.iter().find(known).ok_or(Error::SavedStateInvalid)?;
        state.operations.iter().map(Operation::duplicate).collect()
    }

    fn same_key(&self, session: &Session, handle: ObjectHandle, operation: Option<&Operation>) -> Result<()> {
        if handle == 0 {
            return Ok(());
        }
        let used = operation.and_then(|operation| operation.key.as_ref()).ok_or(Error::KeyNotNeeded)?;
        let (object, store) = self.key(session, handle)?;
        let (named, _) = object.key(store.as_ref())?;
        if is_same(named, used) { Ok(()) } else { Err(Error::KeyChanged) }
    }
}

/// The same key, or a copy of it.
fn is_same(a: &Arc<Key>, b: &Arc<Key>) -> bool {
    match (&a.material, &b.material) {
        (Material::Secret(one), Material::Secret(other)) => a.key_type == b.key_type && one.ct_eq(other.as_ref()),
        _ => Arc::ptr_eq(a, b),
    }
}
