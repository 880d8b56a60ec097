//! The counter of a one-time password's key: it is one further, and that is stored, before a password leaves.

use super::Application;
use crate::attribute::{Attributes, Counter, codec};
use crate::mechanism::engine;
use crate::object::{Home, record};
use crate::session::Session;
use crate::session::operation::{Engine, Kind};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_store::Change;
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
    pub(super) fn count(&self, session: &Session, wanted: &engine::Counter) -> Result<u64> {
        let token = &session.token;
        for _ in 0..TRIES {
            let now = token.object(wanted.object).ok_or(Error::KeyHandleInvalid)?;
            let Home::Token { ring, version } = now.home else {
                // While the view is held, no changed object takes the place of this one.
                return token.with_view(|view| {
                    let counter = view.get(wanted.object).and_then(|now| now.counter());
                    counter.ok_or(Error::KeyHandleInvalid)?.take(wanted.asked)
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
fn one_further(key: &Attributes, wanted: &engine::Counter) -> Result<(u64, Attributes)> {
    let counter = key.bytes(ck::CKA_OTP_COUNTER).and_then(Counter::of).ok_or(Error::General)?;
    let used = counter.take(wanted.asked)?;
    let mut changed = key.duplicate();
    changed.set_bytes(ck::CKA_OTP_COUNTER, counter.bytes());
    Ok((used, changed))
}
