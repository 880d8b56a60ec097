//! C_DeriveKey (PKCS#11 3.2 section 5.18.5): what a derived key inherits. The bytes are the business of
//! `mechanism::derive`.

use super::{Application, ObjectHandle, SessionHandle};
use crate::attribute::build::{self, Birth};
use crate::attribute::{Attributes, Template, Value, confine, template};
use crate::mechanism::derive::{Bases, Derivation, Derived, WHOLE, Wanted};
use crate::mechanism::{Mechanism, Parameter, key};
use crate::object::Permit;
use crate::session::Session;
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_secret::Secret;

/// What C_DeriveKey gives.
pub struct Made {
    /// The keys in their order.
    pub handles: Vec<ObjectHandle>,
    /// Bytes for the output fields of the parameter, in their order.
    pub shown: Vec<Secret>,
}

/// Why no key was derived.
#[derive(Debug)]
pub struct Refusal {
    /// The cause.
    pub error: Error,
    /// The key whose template it was.
    pub key: Option<usize>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal { error, key: None }
    }
}

impl Application {
    /// C_DeriveKey.
    pub fn derive_key(
        &self,
        session: SessionHandle,
        mechanism: &Mechanism<'_>,
        base_key: ObjectHandle,
        template: &Template<'_>,
    ) -> std::result::Result<Made, Refusal> {
        let session = self.session(session)?;
        let row = self.row(mechanism.mechanism)?;
        if let Some(public_half) = row.public_half {
            let handle = self.derive_public(&session, (row, public_half), mechanism, base_key, template)?;
            return Ok(Made { handles: vec![handle], shown: Vec::new() });
        }
        let derivation = row.derivation.as_ref().ok_or(Error::MechanismInvalid)?;
        let (object, store) = self.key(&session, base_key)?;
        let (usable, permit) = object.key(store.as_ref())?;
        if permit.class != derivation.base || !row.key_types.contains(&usable.key_type) {
            return Err(Error::KeyTypeInconsistent.into());
        }
        let base = object.attributes(store.as_ref())?;
        let parameter = &mechanism.parameter;
        let one_way = derivation.one_way && !(derivation.shows)(parameter);
        let may = |permit: &Permit, attributes: &Attributes| {
            permit.usage(ck::CKA_DERIVE) && (one_way || !confine::is_confined(attributes))
        };
        if !may(permit, base) {
            return Err(Error::KeyFunctionNotPermitted.into());
        }
        if !permit.mechanism(row.mechanism) {
            return Err(Error::MechanismInvalid.into());
        }
        self.sized(usable)?;
        let parameter = self.admitted(parameter)?;
        // A handle in the parameter is checked as the base is.
        let handles = (derivation.further)(parameter);
        let found = handles.into_iter().map(|handle| self.key(&session, handle)).collect::<Result<Vec<_>>>()?;
        let mut bases = vec![base];
        let mut further = Vec::with_capacity(found.len());
        for (object, store) in &found {
            let ((key, permit), attributes) = (object.key(store.as_ref())?, object.attributes(store.as_ref())?);
            if permit.class != ck::CKO_SECRET_KEY {
                return Err(Error::KeyTypeInconsistent.into());
            }
            if !may(permit, attributes) {
                return Err(Error::KeyFunctionNotPermitted.into());
            }
            if !permit.mechanism(row.mechanism) {
                return Err(Error::MechanismInvalid.into());
            }
            further.push(key.as_ref());
            bases.push(attributes);
        }
        let guarded = |base: &&Attributes| base.is(ck::CKA_SENSITIVE) || !base.is(ck::CKA_EXTRACTABLE);
        let any_guarded = bases.iter().any(guarded);
        let composes = any_guarded && (derivation.composes)(parameter);
        let (mut made, wanted) = self.all_derived(&session, derivation, parameter, one_way, &bases, template)?;
        if permit.reauthenticate {
            // There is no operation to log in for.
            return Err(Error::UserNotLoggedIn.into());
        }
        let given = Bases {
            key: usable,
            further: &further,
            guarded: any_guarded,
            further_guarded: bases[1..].iter().any(guarded),
            random: base.is(ck::CKA_LOCAL),
            pre_master: base.is(ck::CKA_LOCAL)
                && base.ulong(ck::CKA_KEY_GEN_MECHANISM) == Some(ck::CKM_TLS_PRE_MASTER_KEY_GEN),
        };
        let derived = match (&derivation.several, wanted.as_slice()) {
            (Some(several), wanted) => (several.derive)(&given, parameter, wanted)?,
            (None, [wanted]) => {
                Derived { values: vec![(derivation.derive)(&given, parameter, wanted)?], shown: Vec::new() }
            }
            _ => return Err(Error::General.into()),
        };
        if derived.values.len() != made.len() {
            return Err(Error::General.into());
        }
        // Whoever gets the beginning of a key as a key of its own finds it by trial, and the next byte after it.
        let whole = any_guarded && !one_way && !composes || bases.iter().any(|base| hides(base));
        for (made, value) in made.iter_mut().zip(derived.values) {
            if whole && value.len() < WHOLE {
                return Err(Error::KeySizeRange.into());
            }
            fill_in(made, value, &bases)?;
            if composes {
                confine::composed(made);
            }
        }
        Ok(Made { handles: self.keep(&session, made)?, shown: derived.shown })
    }

    /// The templates of all keys to be derived, and what they say of the values.
    fn all_derived(
        &self,
        session: &Session,
        derivation: &Derivation,
        parameter: &Parameter<'_>,
        one_way: bool,
        bases: &[&Attributes],
        given: &Template<'_>,
    ) -> std::result::Result<(Vec<Attributes>, Vec<Wanted>), Refusal> {
        let at = |key| move |error| Refusal { error, key: Some(key) };
        let first = template::parse(given).map_err(at(0))?;
        let templates = match &derivation.several {
            Some(several) => (several.keys)(parameter, first),
            None => vec![Ok(first)],
        };
        let inherits = derivation.several.is_some_and(|several| several.inherits);
        let mut all = (Vec::new(), Vec::new());
        for (key, template) in templates.into_iter().enumerate() {
            let mut template = template.map_err(at(key))?;
            let mut rules = Attributes::new();
            rules.set_ulong(ck::CKA_CLASS, derivation.makes);
            if !one_way {
                inherited(&mut rules, bases);
            }
            for enforced in bases.iter().filter_map(|base| match base.value(ck::CKA_DERIVE_TEMPLATE) {
                Some(Value::Template(enforced)) => Some(enforced),
                _ => None,
            }) {
                build::enforce(&mut template, enforced).map_err(at(key))?;
            }
            build::enforce(&mut template, &rules).map_err(at(key))?;
            if !one_way && bases.iter().any(|base| base.is(ck::CKA_SENSITIVE) || !base.is(ck::CKA_EXTRACTABLE)) {
                confine::keeps_its_secret(&template).map_err(at(key))?;
                if (derivation.composes)(parameter) {
                    confine::stands_related_keys(&template).map_err(at(key))?;
                }
            }
            for of in [ck::CKA_SENSITIVE, ck::CKA_EXTRACTABLE] {
                if inherits && !template.has(of) {
                    template.set_bool(of, bases[0].is(of));
                }
            }
            let (made, wanted) = self.derived(session, derivation, template).map_err(at(key))?;
            all.0.push(made);
            all.1.push(wanted);
        }
        Ok(all)
    }

    /// The template of a key to be derived, checked and filled in, and what it says of the value.
    fn derived(
        &self,
        session: &Session,
        derivation: &Derivation,
        mut made: Attributes,
    ) -> Result<(Attributes, Wanted)> {
        let len = made.ulong(ck::CKA_VALUE_LEN);
        if derivation.makes == ck::CKO_DATA {
            // It says how much to derive; the data itself has no such attribute.
            made.remove(ck::CKA_VALUE_LEN);
        } else if !made.has(ck::CKA_KEY_TYPE) {
            made.set_ulong(ck::CKA_KEY_TYPE, ck::CKK_GENERIC_SECRET);
        }
        let schema = build::schema_of(&made)?;
        self.fill(session, &mut made, schema, Birth::Derive)?;
        self.may_write(session, &made)?;
        let wanted = Wanted {
            class: derivation.makes,
            key_type: made.ulong(ck::CKA_KEY_TYPE).unwrap_or(ck::CK_UNAVAILABLE_INFORMATION),
            len: len.map(usize::try_from).transpose().map_err(|_| Error::KeySizeRange)?,
        };
        Ok((made, wanted))
    }
}

/// Whether what is derived from a key must be guarded.
fn hides(base: &Attributes) -> bool {
    matches!(base.value(ck::CKA_DERIVE_TEMPLATE), Some(Value::Template(enforced)) if confine::hides(enforced))
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
fn fill_in(made: &mut Attributes, mut value: Secret, bases: &[&Attributes]) -> Result<()> {
    if made.ulong(ck::CKA_CLASS) == Some(ck::CKO_DATA) {
        // Data is there to be read.
        made.set_bytes(ck::CKA_VALUE, value.as_ref());
        return Ok(());
    }
    let all = |of| bases.iter().all(|base| base.is(of));
    let (sensitive, extractable) = (made.is(ck::CKA_SENSITIVE), made.is(ck::CKA_EXTRACTABLE));
    made.set_bool(ck::CKA_ALWAYS_SENSITIVE, sensitive && all(ck::CKA_ALWAYS_SENSITIVE));
    made.set_bool(ck::CKA_NEVER_EXTRACTABLE, !extractable && all(ck::CKA_NEVER_EXTRACTABLE));
    key::adjust_secret(made.ulong(ck::CKA_KEY_TYPE).unwrap_or(ck::CK_UNAVAILABLE_INFORMATION), value.as_mut());
    made.set_secret(ck::CKA_VALUE, value);
    key::complete(made)
}
