//! C_WrapKey, C_UnwrapKey and their authenticated forms (PKCS#11 3.2 sections 5.18.3 to 5.18.7): which key may go
//! under which, and what an unwrapped key becomes. The bytes are the business of `mechanism::wrapping`.

use super::{Application, ObjectHandle, SessionHandle, Sink};
use crate::attribute::build::{self, Birth};
use crate::attribute::{Attributes, Template, Type, Value, confine, template};
use crate::mechanism::aead;
use crate::mechanism::key::{self, Key, pkcs8};
use crate::mechanism::message::Given;
use crate::mechanism::wrapping::{Holds, Wanted, Wrapping};
use crate::mechanism::{Mechanism, Parameter, Row};
use crate::object::Permit;
use crate::session::Session;
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_secret::Secret;
use std::sync::Arc;

impl Application {
    /// C_WrapKey.
    pub fn wrap_key(
        &self,
        session: SessionHandle,
        mechanism: &Mechanism<'_>,
        wrapping_key: ObjectHandle,
        key: ObjectHandle,
        out: Sink<'_>,
    ) -> Result<usize> {
        let session = self.session(session)?;
        let row = self.row(mechanism.mechanism)?;
        let wrapping = row.wrapping.as_ref().ok_or(Error::MechanismInvalid)?;
        let parameter = &mechanism.parameter;
        self.to_wrap(&session, row, parameter, (wrapping_key, key), |usable, plain| {
            (wrapping.wrap)(row, usable, parameter, plain, out).map_err(of_wrapping)
        })
    }

    /// C_WrapKeyAuthenticated: makes nonce and tag in `given`.
    #[allow(clippy::too_many_arguments)]
    pub fn wrap_key_authenticated(
        &self,
        session: SessionHandle,
        mechanism: u64,
        given: Option<&mut Given>,
        wrapping_key: ObjectHandle,
        key: ObjectHandle,
        aad: &[u8],
        out: Sink<'_>,
    ) -> Result<usize> {
        let session = self.session(session)?;
        let row = self.row(mechanism)?;
        let algorithm = row.message.ok_or(Error::MechanismInvalid)?;
        let layout = layout(given.as_deref());
        self.to_wrap(&session, row, &layout, (wrapping_key, key), |usable, plain| {
            let given = given.ok_or(Error::MechanismParamInvalid)?;
            given.layout.check(algorithm)?;
            let Some(out) = out else { return Ok(plain.len()) };
            let out = out.get_mut(..plain.len()).ok_or(Error::BufferTooSmall(plain.len()))?;
            given.make_nonce()?;
            given.tag = aead::seal_key(algorithm, usable, &given.message(aad), plain, out).map_err(of_wrapping)?;
            Ok(plain.len())
        })
    }

    /// Does a wrapping after all that there is to check: `wrap` gets the wrapping key, and what is to be wrapped.
    fn to_wrap<T>(
        &self,
        session: &Session,
        row: &Row,
        parameter: &Parameter<'_>,
        (wrapping_key, key): (ObjectHandle, ObjectHandle),
        wrap: impl FnOnce(&Arc<Key>, &[u8]) -> Result<T>,
    ) -> Result<T> {
        let wrapping = row.wrapping.as_ref().ok_or(Error::MechanismInvalid)?;
        let [outer, inner] = session.token.objects([wrapping_key, key]);
        let (outer, outer_store) = self.up_to_date(session, wrapping_key, outer, Error::WrappingKeyHandleInvalid)?;
        let (inner, inner_store) = self.up_to_date(session, key, inner, Error::KeyHandleInvalid)?;
        let (usable, permit) = outer.key(outer_store.as_ref()).map_err(of_wrapping_key)?;
        let inner = inner.attributes(inner_store.as_ref())?;
        let class = inner.ulong(ck::CKA_CLASS);
        if !matches!(class, Some(ck::CKO_SECRET_KEY | ck::CKO_PRIVATE_KEY | ck::CKO_PUBLIC_KEY)) {
            return Err(Error::KeyHandleInvalid);
        }
        may(row, usable, permit, Use::Wrap)?;
        self.sized(usable).map_err(|_| Error::WrappingKeySizeRange)?;
        let parameter = self.admitted(parameter)?;
        if self.shared.config.strict && !(wrapping.sealed)(parameter) {
            log::warn!("CKM_{}: {SEALED_USE}", row.name);
            return Err(Error::MechanismInvalid);
        }
        match class {
            Some(ck::CKO_SECRET_KEY) => {}
            Some(ck::CKO_PRIVATE_KEY) if wrapping.holds == Holds::Keys => {}
            _ => return Err(Error::KeyNotWrappable),
        }
        let object = &outer;
        let outer = outer.attributes(outer_store.as_ref())?;
        wrappable(inner, outer, wrapping, parameter, || session.token.vouches_for(object, outer))?;
        if permit.wrap_template {
            fits_template(inner, outer)?;
        }
        // The value of a secret key, PKCS #8 of a private one.
        match class {
            Some(ck::CKO_SECRET_KEY) => wrap(usable, inner.bytes(ck::CKA_VALUE).ok_or(Error::General)?),
            _ => wrap(usable, pkcs8::encode(inner)?.as_ref()),
        }
    }

    /// C_UnwrapKey.
    pub fn unwrap_key(
        &self,
        session: SessionHandle,
        mechanism: &Mechanism<'_>,
        unwrapping_key: ObjectHandle,
        wrapped: &[u8],
        template: &Template<'_>,
    ) -> Result<ObjectHandle> {
        let session = self.session(session)?;
        let row = self.row(mechanism.mechanism)?;
        let wrapping = row.wrapping.as_ref().ok_or(Error::MechanismInvalid)?;
        let parameter = &mechanism.parameter;
        let (usable, mut key) = self.to_unwrap(&session, row, parameter, unwrapping_key, template)?;
        let wanted = wanted(&key)?;
        let plain = (wrapping.unwrap)(row, &usable, parameter, wrapped, &wanted).map_err(of_unwrapping)?;
        fill_in(&mut key, plain, &wanted)?;
        self.keep_one(&session, key)
    }

    /// C_UnwrapKeyAuthenticated: the tag is in `given`.
    #[allow(clippy::too_many_arguments)]
    pub fn unwrap_key_authenticated(
        &self,
        session: SessionHandle,
        mechanism: u64,
        given: Option<&Given>,
        unwrapping_key: ObjectHandle,
        wrapped: &[u8],
        template: &Template<'_>,
        aad: &[u8],
    ) -> Result<ObjectHandle> {
        let session = self.session(session)?;
        let row = self.row(mechanism)?;
        let algorithm = row.message.ok_or(Error::MechanismInvalid)?;
        let (usable, mut key) = self.to_unwrap(&session, row, &layout(given), unwrapping_key, template)?;
        let given = given.ok_or(Error::MechanismParamInvalid)?;
        given.layout.check(algorithm)?;
        let wanted = wanted(&key)?;
        let plain =
            aead::open_key(algorithm, &usable, &given.message(aad), wrapped, &given.tag).map_err(of_unwrapping)?;
        fill_in(&mut key, plain, &wanted)?;
        self.keep_one(&session, key)
    }

    /// What an unwrapping needs, after all that there is to check: the unwrapping key, and the new key without its value.
    fn to_unwrap(
        &self,
        session: &Session,
        row: &Row,
        parameter: &Parameter<'_>,
        unwrapping_key: ObjectHandle,
        template: &Template<'_>,
    ) -> Result<(Arc<Key>, Attributes)> {
        let wrapping = row.wrapping.as_ref().ok_or(Error::MechanismInvalid)?;
        let (outer, store) = self.key(session, unwrapping_key).map_err(of_unwrapping_key)?;
        let (usable, permit) = outer.key(store.as_ref()).map_err(of_unwrapping_key)?;
        may(row, usable, permit, Use::Unwrap)?;
        self.sized(usable).map_err(|_| Error::UnwrappingKeySizeRange)?;
        let outer = outer.attributes(store.as_ref())?;
        let parameter = self.admitted(parameter)?;
        if (confine::is_confined(outer) || self.shared.config.strict) && !(wrapping.sealed)(parameter) {
            log::warn!("CKM_{}: {SEALED_USE}", row.name);
            return Err(Error::MechanismInvalid);
        }
        let key = self.unwrapped(session, outer, template)?;
        if permit.reauthenticate {
            // There is no operation to log in for.
            return Err(Error::UserNotLoggedIn);
        }
        Ok((usable.clone(), key))
    }

    /// The template of a key to be unwrapped, checked and filled in; nothing has been decrypted yet.
    fn unwrapped(&self, session: &Session, outer: &Attributes, given: &Template<'_>) -> Result<Attributes> {
        let mut key = template::parse(given)?;
        if let Some(Value::Template(enforced)) = outer.value(ck::CKA_UNWRAP_TEMPLATE) {
            build::enforce(&mut key, enforced)?;
        }
        let mut rules = Attributes::new();
        if confine::is_confined(outer) || self.shared.config.strict {
            // What it unwraps may have been sensitive when it was wrapped.
            rules.set_bool(ck::CKA_SENSITIVE, true);
            confine::keeps_its_secret(&key)?;
        }
        if confine::hides_by(outer, ck::CKA_UNWRAP_TEMPLATE) {
            confine::keeps_its_secret(&key)?;
        }
        if outer.is(ck::CKA_TRUSTED) {
            // Likewise.
            rules.set_bool(ck::CKA_WRAP_WITH_TRUSTED, true);
        }
        build::enforce(&mut key, &rules)?;
        let schema = build::schema_of(&key)?;
        if !matches!(schema.class, ck::CKO_SECRET_KEY | ck::CKO_PRIVATE_KEY) {
            return Err(Error::TemplateInconsistent);
        }
        self.fill(session, &mut key, schema, Birth::Unwrap)?;
        self.may_write(session, &key)?;
        Ok(key)
    }
}

/// What the log says when a key is refused as a wrapping key; SECURITY.md explains it.
const HOW_TO: &str = "a sensitive key is wrapped only under a key that can decrypt nothing: generate one on this token \
     with CKA_WRAP true, CKA_DECRYPT and CKA_EXTRACTABLE false (for a pair also CKA_SIGN, CKA_SIGN_RECOVER, CKA_DERIVE \
     and CKA_DECAPSULATE false in the private half), or have the SO mark such a key CKA_TRUSTED";
const SEALED_ONLY: &str = "a sensitive key is wrapped only by AES_KEY_WRAP, AES_KEY_WRAP_PAD or AES_KEY_WRAP_KWP, \
     without a parameter, or by RSA_AES_KEY_WRAP or one of ECDH_AES_KEY_WRAP, ECDH_COF_AES_KEY_WRAP and \
     ECDH_X_AES_KEY_WRAP";
const SEALED_USE: &str = "a key that wraps sensitive keys unwraps only by AES_KEY_WRAP, AES_KEY_WRAP_PAD or \
     AES_KEY_WRAP_KWP, without a parameter, or by RSA_AES_KEY_WRAP, ECDH_AES_KEY_WRAP, ECDH_COF_AES_KEY_WRAP or \
     ECDH_X_AES_KEY_WRAP; with `strict = true` every key wraps and unwraps so";
const COMPOSED: &str = "a sensitive key that was composed of another (CKM_CONCATENATE_*, CKM_XOR_BASE_AND_DATA, \
     CKM_EXTRACT_KEY_FROM_KEY) is not wrapped: unwrapped as another type, several that are related would give it away";
const NO_TEMPLATE: &str = "a sensitive key whose CKA_DERIVE_TEMPLATE, CKA_UNWRAP_TEMPLATE or CKA_DECAPSULATE_TEMPLATE \
     hides what it makes is not wrapped: unwrapped without the template, it would make the same and show it";
const UNVOUCHED: &str = "what a public object says of itself counts only where a PIN vouches for it: log in, here and when \
     a key for wrapping sensitive keys is made or marked CKA_TRUSTED; this one was made without, or somebody changed it";
const NOT_BACK: &str = "a key with CKA_WRAP_WITH_TRUSTED is wrapped under a trusted secret key, or under a trusted public \
     key whose private half is elsewhere";

/// What a key asks of those that it makes.
const TEMPLATES: [Type; 3] = [ck::CKA_DERIVE_TEMPLATE, ck::CKA_UNWRAP_TEMPLATE, ck::CKA_DECAPSULATE_TEMPLATE];

/// Which end of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Wrap,
    Unwrap,
}

/// The parameter of an authenticated wrapping, as far as the rules look at it.
fn layout(given: Option<&Given>) -> Parameter<'static> {
    given.map_or(Parameter::Malformed, |given| Parameter::MessageLayout(given.layout))
}

fn of_wrapping(error: Error) -> Error {
    match error {
        Error::DataLenRange => Error::KeySizeRange,
        Error::KeySizeRange => Error::WrappingKeySizeRange,
        error => error,
    }
}

fn of_unwrapping(error: Error) -> Error {
    match error {
        Error::EncryptedDataLenRange => Error::WrappedKeyLenRange,
        Error::EncryptedDataInvalid => Error::WrappedKeyInvalid,
        Error::KeySizeRange => Error::UnwrappingKeySizeRange,
        error => error,
    }
}

fn of_wrapping_key(error: Error) -> Error {
    if error == Error::KeyHandleInvalid { Error::WrappingKeyHandleInvalid } else { error }
}

/// The code of C_UnwrapKey and C_DecapsulateKey.
pub(super) fn of_unwrapping_key(error: Error) -> Error {
    if error == Error::KeyHandleInvalid { Error::UnwrappingKeyHandleInvalid } else { error }
}

/// Class and type, then usage flag, then CKA_ALLOWED_MECHANISMS.
fn may(row: &Row, key: &Arc<Key>, permit: &Permit, used: Use) -> Result<()> {
    let (half, usage, inconsistent) = match used {
        Use::Wrap => (ck::CKO_PUBLIC_KEY, ck::CKA_WRAP, Error::WrappingKeyTypeInconsistent),
        Use::Unwrap => (ck::CKO_PRIVATE_KEY, ck::CKA_UNWRAP, Error::UnwrappingKeyTypeInconsistent),
    };
    if !(permit.class == ck::CKO_SECRET_KEY || permit.class == half) || !row.key_types.contains(&key.key_type) {
        return Err(inconsistent);
    }
    if !permit.usage(usage) {
        return Err(Error::KeyFunctionNotPermitted);
    }
    if permit.mechanism(row.mechanism) { Ok(()) } else { Err(Error::MechanismInvalid) }
}

/// Whether `inner` may be wrapped under `outer` in this way. `vouched`: what `outer` says of itself is so.
fn wrappable(
    inner: &Attributes,
    outer: &Attributes,
    wrapping: &Wrapping,
    parameter: &Parameter<'_>,
    vouched: impl Fn() -> Result<bool>,
) -> Result<()> {
    if !inner.is(ck::CKA_EXTRACTABLE) {
        return Err(Error::KeyUnextractable);
    }
    if inner.is(ck::CKA_WRAP_WITH_TRUSTED) {
        if !outer.is(ck::CKA_TRUSTED) {
            return Err(Error::KeyNotWrappable);
        }
        if !vouched()? {
            log::warn!("{UNVOUCHED}");
            return Err(Error::KeyNotWrappable);
        }
        if outer.ulong(ck::CKA_CLASS) == Some(ck::CKO_PUBLIC_KEY) && outer.is(ck::CKA_LOCAL) {
            // The private half does not know that it is trusted, and would make a key without CKA_WRAP_WITH_TRUSTED.
            log::warn!("{NOT_BACK}");
            return Err(Error::KeyNotWrappable);
        }
    }
    if inner.is(ck::CKA_ALWAYS_AUTHENTICATE) {
        // The wrapped key does not say so: what is made of it would ask for no PIN.
        return Err(Error::UserNotLoggedIn);
    }
    if inner.is(ck::CKA_SENSITIVE) {
        // Nor does it bring its templates along.
        let hides = TEMPLATES.into_iter().any(|of| confine::hides_by(inner, of));
        for (allowed, advice) in [
            (!hides, NO_TEMPLATE),
            (confine::wraps_sensitive(outer), HOW_TO),
            (vouched()?, UNVOUCHED),
            ((wrapping.sealed)(parameter), SEALED_ONLY),
            (!confine::is_composed(inner), COMPOSED),
        ] {
            if !allowed {
                log::warn!("{advice}");
                return Err(Error::KeyNotWrappable);
            }
        }
    }
    Ok(())
}

/// CKA_WRAP_TEMPLATE.
fn fits_template(inner: &Attributes, outer: &Attributes) -> Result<()> {
    let Some(Value::Template(asked)) = outer.value(ck::CKA_WRAP_TEMPLATE) else { return Ok(()) };
    let has = |(of, value): (Type, &Value)| inner.value(of).is_some_and(|present| present.same(value));
    if asked.iter().all(has) { Ok(()) } else { Err(Error::KeyHandleInvalid) }
}

/// What the template of a new key says of its value.
pub(super) fn wanted(key: &Attributes) -> Result<Wanted> {
    let number = |of| key.ulong(of).ok_or(Error::TemplateIncomplete);
    let len = key.ulong(ck::CKA_VALUE_LEN).map(usize::try_from).transpose();
    Ok(Wanted {
        class: number(ck::CKA_CLASS)?,
        key_type: number(ck::CKA_KEY_TYPE)?,
        len: len.map_err(|_| Error::WrappedKeyInvalid)?,
    })
}

/// Makes the key of what was unwrapped. One answer, whatever is wrong with it.
pub(super) fn fill_in(key: &mut Attributes, plain: Secret, wanted: &Wanted) -> Result<()> {
    if wanted.class == ck::CKO_SECRET_KEY {
        key.set_secret(ck::CKA_VALUE, plain);
    } else {
        key.absorb(pkcs8::decode(plain.as_ref(), wanted.key_type).ok_or(Error::WrappedKeyInvalid)?);
    }
    key::complete(key).map_err(|error| match error {
        Error::General | Error::HostMemory => error,
        _ => Error::WrappedKeyInvalid,
    })
}
