//! C_DeriveKey (PKCS#11 3.2 section 5.18.5): what a derived key inherits. The bytes are the business of
//! `mechanism::derive`.

use super::{Application, ObjectHandle, SessionHandle};
use crate::attribute::build::{self, Birth};
use crate::attribute::{Attributes, Template, Value, confine, template};
use crate::mechanism::derive::{Bases, Derivation, Wanted, is_hidden_len};
use crate::mechanism::{Mechanism, key};
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
        let mut more = Vec::with_capacity(found.len());
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
            more.push(attributes);
        }
        let guarded = |base: &Attributes| base.is(ck::CKA_SENSITIVE) || !base.is(ck::CKA_EXTRACTABLE);
        let further_guarded = more.iter().any(|base| guarded(base));
        let any_guarded = further_guarded || guarded(base);
        let heirs = Heirs {
            one_way,
            guarded: any_guarded,
            composes: any_guarded && (derivation.composes)(parameter),
            own_lens: derivation.several.is_some_and(|several| several.own_lens),
            bases: Parents { first: base, further: &more },
        };
        let asks = |base: &Attributes| guarded(base) && derive_template(base).is_some_and(confine::hides);
        if heirs.composes && (asks(base) || more.iter().any(|base| asks(base))) {
            log::warn!("{KEEPS_ITS_TEMPLATE}");
            return Err(Error::KeyFunctionNotPermitted.into());
        }
        let given = Bases {
            key: usable,
            further: &further,
            guarded: any_guarded,
            further_guarded,
            random: base.is(ck::CKA_LOCAL),
            pre_master: base.is(ck::CKA_LOCAL)
                && base.ulong(ck::CKA_KEY_GEN_MECHANISM) == Some(ck::CKM_TLS_PRE_MASTER_KEY_GEN),
        };
        // There is no operation to log in for.
        let authorized = || if permit.reauthenticate { Err(Error::UserNotLoggedIn) } else { Ok(()) };
        let at = |key| move |error| Refusal { error, key: Some(key) };
        let first = template::parse(template).map_err(at(0))?;
        let Some(several) = &derivation.several else {
            let (mut made, wanted) = self.derived(&session, derivation, &heirs, first, false).map_err(at(0))?;
            authorized()?;
            let value = (derivation.derive)(&given, parameter, &wanted)?;
            heirs.fill_in(&mut made, value)?;
            return Ok(Made { handles: vec![self.keep_one(&session, made)?], shown: Vec::new() });
        };
        let (mut made, mut wanted) = (Vec::new(), Vec::new());
        for (key, template) in (several.keys)(parameter, first).into_iter().enumerate() {
            let derived = |template| self.derived(&session, derivation, &heirs, template, several.inherits);
            let (key, says) = template.and_then(derived).map_err(at(key))?;
            made.push(key);
            wanted.push(says);
        }
        authorized()?;
        let derived = (several.derive)(&given, parameter, &wanted)?;
        if derived.values.len() != made.len() {
            return Err(Error::General.into());
        }
        for (made, value) in made.iter_mut().zip(derived.values) {
            heirs.fill_in(made, value)?;
        }
        Ok(Made { handles: self.keep(&session, made)?, shown: derived.shown })
    }

    /// The template of a key to be derived, checked and filled in, and what it says of the value. `inherits`: what it is
    /// silent about is as the base has it.
    fn derived(
        &self,
        session: &Session,
        derivation: &Derivation,
        heirs: &Heirs<'_>,
        mut made: Attributes,
        inherits: bool,
    ) -> Result<(Attributes, Wanted)> {
        for enforced in heirs.bases.iter().filter_map(derive_template) {
            build::enforce(&mut made, enforced)?;
        }
        build::require(&mut made, ck::CKA_CLASS, &Value::Ulong(derivation.makes))?;
        heirs.inherit(&mut made)?;
        for of in [ck::CKA_SENSITIVE, ck::CKA_EXTRACTABLE] {
            if inherits && !made.has(of) {
                made.set_bool(of, heirs.bases.first.is(of));
            }
        }
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

/// What the log says when a key is refused as a base; SECURITY.md explains it.
const KEEPS_ITS_TEMPLATE: &str = "a guarded key whose CKA_DERIVE_TEMPLATE hides what is derived of it is not a base of \
     CKM_CONCATENATE_*, CKM_XOR_BASE_AND_DATA or CKM_EXTRACT_KEY_FROM_KEY: what it would become has no such template";

/// The attributes of the bases.
#[derive(Clone, Copy)]
struct Parents<'a> {
    first: &'a Attributes,
    further: &'a [&'a Attributes],
}

impl<'a> Parents<'a> {
    fn iter(self) -> impl Iterator<Item = &'a Attributes> {
        std::iter::once(self.first).chain(self.further.iter().copied())
    }
}

/// CKA_DERIVE_TEMPLATE.
fn derive_template(base: &Attributes) -> Option<&Attributes> {
    match base.value(ck::CKA_DERIVE_TEMPLATE) {
        Some(Value::Template(enforced)) => Some(enforced),
        _ => None,
    }
}

/// What the derived keys have of their bases.
struct Heirs<'a> {
    /// Nothing that shows them.
    one_way: bool,
    /// One of the bases is kept from its users.
    guarded: bool,
    /// And its bytes as they are.
    composes: bool,
    /// See `Several`.
    own_lens: bool,
    bases: Parents<'a>,
}

impl Heirs<'_> {
    /// Whether what is true of all bases is so of what they make.
    fn all(&self, of: u64) -> bool {
        self.bases.iter().all(|base| base.is(of))
    }

    /// Whether a CKA_DERIVE_TEMPLATE keeps what is derived from its users.
    fn hides(&self) -> bool {
        self.bases.iter().filter_map(derive_template).any(confine::hides)
    }

    /// What a template has to take over from bases that the key shows.
    fn inherit(&self, template: &mut Attributes) -> Result<()> {
        if self.hides() {
            confine::keeps_its_secret(template)?;
        }
        if self.one_way {
            return Ok(());
        }
        let any = |of| self.bases.iter().any(|base| base.is(of));
        for (of, value, inherited) in [
            (ck::CKA_SENSITIVE, true, any(ck::CKA_SENSITIVE)),
            (ck::CKA_EXTRACTABLE, false, !self.all(ck::CKA_EXTRACTABLE)),
            (ck::CKA_WRAP_WITH_TRUSTED, true, any(ck::CKA_WRAP_WITH_TRUSTED)),
        ] {
            if inherited {
                build::require(template, of, &Value::Bool(value))?;
            }
        }
        if self.guarded {
            confine::keeps_its_secret(template)?;
        }
        if self.composes {
            confine::stands_related_keys(template)?;
        }
        Ok(())
    }

    /// Makes the object of its value.
    fn fill_in(&self, made: &mut Attributes, mut value: Secret) -> Result<()> {
        // Whoever gets the beginning of a key as a key of its own finds it by trial, and the next byte after it.
        let whole = self.guarded && !self.one_way && !self.composes;
        if !self.own_lens && !is_hidden_len(value.len()) && (whole || self.hides()) {
            return Err(Error::KeySizeRange);
        }
        if made.ulong(ck::CKA_CLASS) == Some(ck::CKO_DATA) {
            // Data is there to be read.
            made.set_bytes(ck::CKA_VALUE, value.as_ref());
        } else {
            let (sensitive, extractable) = (made.is(ck::CKA_SENSITIVE), made.is(ck::CKA_EXTRACTABLE));
            made.set_bool(ck::CKA_ALWAYS_SENSITIVE, sensitive && self.all(ck::CKA_ALWAYS_SENSITIVE));
            made.set_bool(ck::CKA_NEVER_EXTRACTABLE, !extractable && self.all(ck::CKA_NEVER_EXTRACTABLE));
            key::adjust_secret(made.ulong(ck::CKA_KEY_TYPE).unwrap_or(ck::CK_UNAVAILABLE_INFORMATION), value.as_mut());
            made.set_secret(ck::CKA_VALUE, value);
            key::complete(made)?;
        }
        if self.composes {
            confine::composed(made);
        }
        Ok(())
    }
}
