//! C_EncapsulateKey and C_DecapsulateKey (PKCS#11 3.2 sections 5.18.8 and 5.18.9): which keys may, and what the key that
//! both ends come to becomes. The bytes are the business of `mechanism::kem`.

use super::wrap::{fill_in, of_unwrapping_key, wanted};
use super::{Application, ObjectHandle, SessionHandle, Sink};
use crate::attribute::build::{self, Birth};
use crate::attribute::{Attributes, Template, Type, Value, confine, template};
use crate::mechanism::derive::is_hidden_len;
use crate::mechanism::key::{self, Key};
use crate::mechanism::{Mechanism, Row};
use crate::object::Permit;
use crate::session::Session;
use crate::{Error, Result};
use cryptoki_sys as ck;

impl Application {
    /// C_EncapsulateKey: the length of the ciphertext, and the new key unless only the length was asked for.
    pub fn encapsulate_key(
        &self,
        session: SessionHandle,
        mechanism: &Mechanism<'_>,
        public_key: ObjectHandle,
        template: &Template<'_>,
        out: Sink<'_>,
    ) -> Result<(usize, Option<ObjectHandle>)> {
        let session = self.session(session)?;
        let row = self.row(mechanism.mechanism)?;
        let kem = row.kem.as_ref().ok_or(Error::MechanismInvalid)?;
        let (object, store) = self.key(&session, public_key)?;
        let (usable, permit) = object.key(store.as_ref())?;
        if !is(row, usable, permit, ck::CKO_PUBLIC_KEY) {
            return Err(Error::KeyTypeInconsistent);
        }
        may(row, permit, ck::CKA_ENCAPSULATE)?;
        self.sized(usable)?;
        let parameter = self.admitted(&mechanism.parameter)?;
        let recipient = object.attributes(store.as_ref())?;
        let mut key = self.shared_key(&session, recipient, ck::CKA_ENCAPSULATE_TEMPLATE, template)?;
        let wanted = wanted(&key)?;
        let length = (kem.ciphertext_len)(usable)?;
        let Some(out) = out else { return Ok((length, None)) };
        let out = out.get_mut(..length).ok_or(Error::BufferTooSmall(length))?;
        let (mut value, ciphertext) = (kem.encapsulate)(row, usable, parameter, &wanted)?;
        key::adjust_secret(wanted.key_type, value.as_mut());
        key.set_secret(ck::CKA_VALUE, value);
        key::complete(&mut key)?;
        let handle = self.keep_one(&session, key)?;
        out.copy_from_slice(&ciphertext);
        Ok((length, Some(handle)))
    }

    /// C_DecapsulateKey.
    pub fn decapsulate_key(
        &self,
        session: SessionHandle,
        mechanism: &Mechanism<'_>,
        private_key: ObjectHandle,
        template: &Template<'_>,
        ciphertext: &[u8],
    ) -> Result<ObjectHandle> {
        let session = self.session(session)?;
        let row = self.row(mechanism.mechanism)?;
        let kem = row.kem.as_ref().ok_or(Error::MechanismInvalid)?;
        let (object, store) = self.key(&session, private_key).map_err(of_unwrapping_key)?;
        let (usable, permit) = object.key(store.as_ref()).map_err(of_unwrapping_key)?;
        if !is(row, usable, permit, ck::CKO_PRIVATE_KEY) {
            return Err(Error::UnwrappingKeyTypeInconsistent);
        }
        may(row, permit, ck::CKA_DECAPSULATE)?;
        self.sized(usable).map_err(|_| Error::UnwrappingKeySizeRange)?;
        let parameter = self.admitted(&mechanism.parameter)?;
        let own = object.attributes(store.as_ref())?;
        let hides = confine::hides_by(own, ck::CKA_DECAPSULATE_TEMPLATE);
        if hides && !kem.hides {
            log::warn!("CKM_{}: {SHIFTS}", row.name);
            return Err(Error::MechanismInvalid);
        }
        let mut key = self.shared_key(&session, own, ck::CKA_DECAPSULATE_TEMPLATE, template)?;
        if permit.reauthenticate {
            // There is no operation to log in for.
            return Err(Error::UserNotLoggedIn);
        }
        let wanted = wanted(&key)?;
        let mut value =
            (kem.decapsulate)(row, usable, parameter, ciphertext, &wanted).map_err(|error| match error {
                Error::EncryptedDataLenRange => Error::WrappedKeyLenRange,
                Error::EncryptedDataInvalid => Error::WrappedKeyInvalid,
                error => error,
            })?;
        if hides && !is_hidden_len(value.len()) {
            // As in C_DeriveKey: it would be found by trial, and the next part after it.
            return Err(Error::KeySizeRange);
        }
        key::adjust_secret(wanted.key_type, value.as_mut());
        fill_in(&mut key, value, &wanted)?;
        self.keep_one(&session, key)
    }

    /// The template of the new key with what one end adds to it, checked and filled in.
    fn shared_key(&self, session: &Session, end: &Attributes, adds: Type, given: &Template<'_>) -> Result<Attributes> {
        let mut key = template::parse(given)?;
        if let Some(Value::Template(enforced)) = end.value(adds) {
            build::enforce(&mut key, enforced).map_err(|error| match adds {
                ck::CKA_ENCAPSULATE_TEMPLATE => Error::KeyHandleInvalid,
                _ => error,
            })?;
        }
        if confine::hides_by(end, adds) {
            confine::keeps_its_secret(&key)?;
        }
        for (of, default) in [(ck::CKA_CLASS, ck::CKO_SECRET_KEY), (ck::CKA_KEY_TYPE, ck::CKK_GENERIC_SECRET)] {
            if !key.has(of) {
                key.set_ulong(of, default);
            }
        }
        if key.ulong(ck::CKA_CLASS) != Some(ck::CKO_SECRET_KEY) {
            return Err(Error::TemplateInconsistent);
        }
        let schema = build::schema_of(&key)?;
        self.fill(session, &mut key, schema, Birth::Unwrap)?;
        self.may_write(session, &key)?;
        Ok(key)
    }
}

/// What the log says of a way that is no [`Kem::hides`](crate::mechanism::kem::Kem); SECURITY.md explains it.
const SHIFTS: &str = "a key whose CKA_DECAPSULATE_TEMPLATE hides what it makes does not decapsulate so: several \
     ciphertexts that are related would give it away; use CKM_RSA_PKCS_OAEP";

fn is(row: &Row, key: &Key, permit: &Permit, class: u64) -> bool {
    permit.class == class && row.key_types.contains(&key.key_type)
}

/// Usage flag, then CKA_ALLOWED_MECHANISMS.
fn may(row: &Row, permit: &Permit, usage: Type) -> Result<()> {
    if !permit.usage(usage) {
        return Err(Error::KeyFunctionNotPermitted);
    }
    if permit.mechanism(row.mechanism) { Ok(()) } else { Err(Error::MechanismInvalid) }
}
