//! C_DeriveKey (PKCS#11 3.2 section 5.18.5): what a derived key inherits. The bytes are the business of
//! `mechanism::derive`.

use super::{Application, ObjectHandle, SessionHandle};
use crate::attribute::build::{self, Birth};
use crate::attribute::{Attributes, Template, Value, confine, template};
use crate::mechanism::derive::{Bases, Derivation, Wanted};
use crate::mechanism::{Mechanism, key};
use crate::session::Session;
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_seal::Who;
use sealhsm_secret::Secret;

impl Application {
    /// C_DeriveKey.
    pub fn derive_key(
        &self,
        session: SessionHandle,
        mechanism: &Mechanism<'_>,
        base_key: ObjectHandle,
        template: &Template<'_>,
    ) -> Result<ObjectHandle> {
        let session = self.session(session)?;
        let row = self.row(mechanism.mechanism)?;
        if let Some(public_half) = row.public_half {
            return self.derive_public(&session, (row, public_half), mechanism, base_key, template);
        }
        let derivation = row.derivation.as_ref().ok_or(Error::MechanismInvalid)?;
        let (object, store) = self.key(&session, base_key)?;
        let (usable, permit) = object.key(store.as_ref())?;
        if permit.class != derivation.base || !row.key_types.contains(&usable.key_type) {
            return Err(Error::KeyTypeInconsistent);
        }
        let base = object.attributes(store.as_ref())?;
        if !permit.usage(ck::CKA_DERIVE) || !derivation.one_way && confine::is_confined(base) {
            return Err(Error::KeyFunctionNotPermitted);
        }
        if !permit.mechanism(row.mechanism) {
            return Err(Error::MechanismInvalid);
        }
        let parameter = mechanism.parameter.well_formed()?;
        // A handle in the parameter is checked as the base is, except that the mechanism is not its own.
        let further = (derivation.further)(parameter).map(|handle| self.key(&session, handle)).transpose()?;
        let further = match &further {
            Some((object, store)) => Some((object.key(store.as_ref())?, object.attributes(store.as_ref())?)),
            None => None,
        };
        if let Some(((_, permit), attributes)) = &further {
            if permit.class != ck::CKO_SECRET_KEY {
                return Err(Error::KeyTypeInconsistent);
            }
            if !permit.usage(ck::CKA_DERIVE) || !derivation.one_way && confine::is_confined(attributes) {
                return Err(Error::KeyFunctionNotPermitted);
            }
        }
        let mut bases = vec![base];
        bases.extend(further.as_ref().map(|(_, attributes)| *attributes));
        let (mut made, wanted) = self.derived(&session, derivation, &bases, template)?;
        if permit.reauthenticate {
            // There is no operation to log in for.
            return Err(Error::UserNotLoggedIn);
        }
        let value = (derivation.derive)(
            &Bases {
                key: usable,
                further: further.as_ref().map(|((key, _), _)| key.as_ref()),
                guarded: bases.iter().any(|base| base.is(ck::CKA_SENSITIVE) || !base.is(ck::CKA_EXTRACTABLE)),
                random: base.is(ck::CKA_LOCAL),
            },
            parameter,
            &wanted,
        )?;
        fill_in(&mut made, value, &bases)?;
        Ok(self.keep(&session, vec![made])?[0])
    }

    /// The template of a key to be derived, checked and filled in, and what it says of the value.
    fn derived(
        &self,
        session: &Session,
        derivation: &Derivation,
        bases: &[&Attributes],
        given: &Template<'_>,
    ) -> Result<(Attributes, Wanted)> {
        let mut made = template::parse(given)?;
        for base in bases {
            if let Some(Value::Template(enforced)) = base.value(ck::CKA_DERIVE_TEMPLATE) {
                build::enforce(&mut made, enforced)?;
            }
        }
        let mut default = Attributes::new();
        default.set_ulong(ck::CKA_CLASS, derivation.makes);
        if !derivation.one_way {
            inherited(&mut default, bases);
        }
        build::enforce(&mut made, &default)?;
        let len = made.ulong(ck::CKA_VALUE_LEN);
        if derivation.makes == ck::CKO_DATA {
            // It says how much to derive; the data itself has no such attribute.
            made.remove(ck::CKA_VALUE_LEN);
        } else if !made.has(ck::CKA_KEY_TYPE) {
            made.set_ulong(ck::CKA_KEY_TYPE, ck::CKK_GENERIC_SECRET);
        }
        let schema = build::schema_of(&made)?;
        build::fill(&mut made, schema, Birth::Derive, session.token.who() == Some(Who::So))?;
        self.may_write(session, &made)?;
        let wanted = Wanted {
            class: derivation.makes,
            key_type: made.ulong(ck::CKA_KEY_TYPE).unwrap_or(ck::CK_UNAVAILABLE_INFORMATION),
            len: len.map(usize::try_from).transpose().map_err(|_| Error::KeySizeRange)?,
        };
        Ok((made, wanted))
    }
}

/// What a key has to take over from bases that it shows.
fn inherited(rules: &mut Attributes, bases: &[&Attributes]) {
    for of in [ck::CKA_SENSITIVE, ck::CKA_WRAP_WITH_TRUSTED] {
        if bases.iter().any(|base| base.is(of)) {
            rules.set_bool(of, true);
        }
    }
    if bases.iter().any(|base| !base.is(ck::CKA_EXTRACTABLE)) {
        rules.set_bool(ck::CKA_EXTRACTABLE, false);
    }
}

/// Makes the object of its value.
fn fill_in(made: &mut Attributes, value: Secret, bases: &[&Attributes]) -> Result<()> {
    if made.ulong(ck::CKA_CLASS) == Some(ck::CKO_DATA) {
        // Data is there to be read.
        made.set_bytes(ck::CKA_VALUE, value.as_ref());
        return Ok(());
    }
    let all = |of| bases.iter().all(|base| base.is(of));
    let (sensitive, extractable) = (made.is(ck::CKA_SENSITIVE), made.is(ck::CKA_EXTRACTABLE));
    made.set_bool(ck::CKA_ALWAYS_SENSITIVE, sensitive && all(ck::CKA_ALWAYS_SENSITIVE));
    made.set_bool(ck::CKA_NEVER_EXTRACTABLE, !extractable && all(ck::CKA_NEVER_EXTRACTABLE));
    made.set_secret(ck::CKA_VALUE, value);
    key::complete(made)
}
