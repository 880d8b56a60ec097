//! The counter of a one-time password's key: it is one further, and that is stored, before a password leaves.

use super::Application;
use crate::attribute::{Attributes, codec};
use crate::mechanism::engine::Counter;
use crate::object::{Home, Object, record};
use crate::session::Session;
use crate::session::operation::{Engine, Kind};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_store::Change;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How often it is tried when other processes use the same key.
const TRIES: u32 = 16;

impl Application {
    /// Whether C_Sign gives a one-time password in this session: a counter of 8 bytes, then the password.
    pub fn gives_otp(&self, session: u64) -> bool {
        if !self.counts.load(Ordering::Relaxed) {
            return false;
        }
        let Ok(session) = self.session(session) else { return false };
        let mut operations = session.operations();
        match operations.get(Kind::Sign) {
            Ok(operation) => matches!(&operation.engine, Engine::Sign(engine) if engine.counter().is_some()),
            Err(_) => false,
        }
    }

    /// Takes the counter of a key, or a later one that the caller asks for, out of use and says which.
    /// `MechanismParamInvalid` for one that was used before.
    pub(super) fn count(&self, session: &Session, wanted: &Counter) -> Result<u64> {
        let token = &session.token;
        for _ in 0..TRIES {
            let now = token.object(wanted.object).ok_or(Error::KeyHandleInvalid)?;
            let Home::Token { ring, version } = now.home else {
                return token.change_view(|view| {
                    let now = view.get(wanted.object).cloned().ok_or(Error::KeyHandleInvalid)?;
                    let Home::Session { session: owner } = now.home else { return Err(Error::KeyHandleInvalid) };
                    let (used, changed) = one_further(now.attributes(None)?, wanted)?;
                    view.insert(Arc::new(Object::in_session(now.handle, now.uuid, owner, changed)));
                    Ok(used)
                });
            };
            let (used, changed) = one_further(now.attributes(token.present_store().as_ref())?, wanted)?;
            let (record, body) = (record::encode(&changed)?, codec::encode(&changed)?);
            let put = Change::Put { uuid: now.uuid, ring, expected: version, record: &record, body: &body };
            if token.try_commit(&[put])? {
                return Ok(used);
            }
        }
        Err(Error::ExceededMaxIterations)
    }
}

/// The counter to use, and the key with the one after it.
fn one_further(key: &Attributes, wanted: &Counter) -> Result<(u64, Attributes)> {
    let counter = key.bytes(ck::CKA_OTP_COUNTER).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes);
    let counter = counter.ok_or(Error::General)?;
    let used = wanted.asked.unwrap_or(counter);
    if used < counter {
        return Err(Error::MechanismParamInvalid);
    }
    // The last of all counters is never used: nothing could come after it.
    let next = used.checked_add(1).ok_or(Error::FunctionFailed)?;
    let mut changed = key.duplicate();
    changed.set_bytes(ck::CKA_OTP_COUNTER, next.to_be_bytes());
    Ok((used, changed))
}
