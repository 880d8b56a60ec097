//! How attributes become an object, and how an object's attributes change: the rows of `rules` applied.

use super::rules::{self, Change, Fallback, Need, Schema};
use super::{Attributes, Type, Value};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_secret::Secret;

/// The way an object comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Birth {
    /// C_CreateObject.
    Create,
    /// C_GenerateKey, C_GenerateKeyPair.
    Generate,
    /// C_UnwrapKey, C_DeriveKey, C_EncapsulateKey, C_DecapsulateKey.
    Unwrap,
}

/// Finds the schema that a template for C_CreateObject names.
pub fn schema_of(template: &Attributes) -> Result<&'static Schema> {
    let class = template.ulong(ck::CKA_CLASS).ok_or(Error::TemplateIncomplete)?;
    let subtype = match rules::subtype_attribute(class) {
        Some(of) => Some(template.ulong(of).ok_or(Error::TemplateIncomplete)?),
        None => None,
    };
    rules::find(class, subtype).ok_or(Error::AttributeValueInvalid)
}

/// The schema of an object that a mechanism makes: `class` and one of `types`; a template may repeat both.
pub fn schema_for(template: &mut Attributes, class: u64, types: &[u64]) -> Result<&'static Schema> {
    match template.ulong(ck::CKA_CLASS) {
        Some(given) if given != class => return Err(Error::TemplateInconsistent),
        _ => template.set_ulong(ck::CKA_CLASS, class),
    }
    let subtype = match template.ulong(ck::CKA_KEY_TYPE) {
        Some(given) if !types.contains(&given) => return Err(Error::TemplateInconsistent),
        Some(given) => given,
        None => *types.first().ok_or(Error::TemplateIncomplete)?,
    };
    template.set_ulong(ck::CKA_KEY_TYPE, subtype);
    rules::find(class, Some(subtype)).ok_or(Error::TemplateInconsistent)
}

/// Checks a template against the rows and fills in what it leaves out. `so`: the SO is logged in.
pub fn fill(template: &mut Attributes, schema: &Schema, birth: Birth, so: bool) -> Result<()> {
    let need = |rule: &rules::Rule| match birth {
        Birth::Create => rule.create,
        Birth::Generate => rule.generate,
        Birth::Unwrap => rule.unwrap,
    };
    for (of, _) in template.iter() {
        let rule = schema.rule(of).ok_or(Error::TemplateInconsistent)?;
        if need(rule) == Need::Refused {
            return Err(Error::AttributeReadOnly);
        }
    }
    for rule in schema.rules() {
        settle(template, rule.attribute, rule.guarded);
        if template.has(rule.attribute) {
            continue;
        }
        if need(rule) == Need::Required {
            return Err(Error::TemplateIncomplete);
        }
        if let Some(value) = fallback(rule.fallback, schema, birth) {
            template.set(rule.attribute, value);
        }
    }
    if template.is(ck::CKA_TRUSTED) && !so {
        return Err(Error::AttributeReadOnly);
    }
    if template.is(ck::CKA_ALWAYS_AUTHENTICATE) && !template.is(ck::CKA_PRIVATE) {
        return Err(Error::TemplateInconsistent);
    }
    if schema.class == ck::CKO_CERTIFICATE && template.bytes(ck::CKA_VALUE).is_none_or(<[u8]>::is_empty) {
        // Without the certificate itself, where it is and what it must hash to (section 4.6.3).
        for of in [ck::CKA_URL, ck::CKA_HASH_OF_SUBJECT_PUBLIC_KEY, ck::CKA_HASH_OF_ISSUER_PUBLIC_KEY] {
            if template.bytes(of).is_none_or(<[u8]>::is_empty) {
                return Err(Error::TemplateIncomplete);
            }
        }
    }
    Ok(())
}

/// A guarded attribute is a secret, any other is not: parsing could not know which.
fn settle(template: &mut Attributes, of: Type, guarded: bool) {
    match template.value(of) {
        Some(Value::Secret(s)) if !guarded => {
            let bytes = s.as_ref().to_vec();
            template.set_bytes(of, bytes);
        }
        Some(Value::Bytes(b)) if guarded => {
            let secret = Secret::copy_of(b);
            template.set_secret(of, secret);
        }
        _ => {}
    }
}

fn fallback(of: Fallback, schema: &Schema, birth: Birth) -> Option<Value> {
    Some(match of {
        Fallback::Absent => return None,
        Fallback::False => Value::Bool(false),
        Fallback::True => Value::Bool(true),
        Fallback::Empty => Value::Bytes(Vec::new()),
        Fallback::Number(n) => Value::Ulong(n),
        Fallback::TrueFor(types) => Value::Bool(schema.subtype.is_some_and(|t| types.contains(&t))),
        Fallback::TrueUnwrapped => Value::Bool(birth == Birth::Unwrap),
    })
}

/// Sets what only the token sets on a key that it generated.
pub fn mark_generated(key: &mut Attributes, mechanism: u64) {
    key.set_bool(ck::CKA_LOCAL, true);
    key.set_ulong(ck::CKA_KEY_GEN_MECHANISM, mechanism);
    if key.has(ck::CKA_SENSITIVE) {
        let (sensitive, extractable) = (key.is(ck::CKA_SENSITIVE), key.is(ck::CKA_EXTRACTABLE));
        key.set_bool(ck::CKA_ALWAYS_SENSITIVE, sensitive);
        key.set_bool(ck::CKA_NEVER_EXTRACTABLE, !extractable);
    }
}

/// Which function changes attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alter {
    /// C_SetAttributeValue.
    Set,
    /// C_CopyObject.
    Copy,
}

/// Applies a template to an existing object's attributes: all of it or, on an error, none.
/// C_CopyObject answers `TemplateInconsistent` where C_SetAttributeValue answers `AttributeReadOnly`.
pub fn alter(present: &Attributes, template: Attributes, schema: &Schema, how: Alter, so: bool) -> Result<Attributes> {
    let mut changed = present.duplicate();
    for (of, new) in template.iter() {
        let rule = schema.rule(of).ok_or(Error::AttributeTypeInvalid)?;
        let same = present.value(of).is_some_and(|old| old.same(new));
        let allowed = match rule.change {
            Change::Any => true,
            Change::ToEmpty => new.bytes().is_some_and(<[u8]>::is_empty),
            Change::So => so,
            Change::Up => !present.is(of),
            Change::Down => present.is(of),
            // A copy may repeat what it inherits.
            Change::OnCopy => how == Alter::Copy,
            Change::OnCopyUp => how == Alter::Copy && (same || !present.is(of)),
            Change::Never => how == Alter::Copy && same,
        };
        let repeats = how == Alter::Copy && same;
        if !(allowed || repeats) {
            return Err(match (how, rule.change) {
                (Alter::Copy, Change::Up | Change::Down | Change::OnCopyUp) => Error::TemplateInconsistent,
                _ => Error::AttributeReadOnly,
            });
        }
    }
    changed.absorb(template);
    for rule in schema.rules() {
        settle(&mut changed, rule.attribute, rule.guarded);
    }
    if changed.is(ck::CKA_ALWAYS_AUTHENTICATE) && !changed.is(ck::CKA_PRIVATE) {
        return Err(Error::TemplateInconsistent);
    }
    Ok(changed)
}

/// Whether an attribute of this object may be read at all.
pub fn readable(object: &Attributes, schema: &Schema, of: Type) -> bool {
    !schema.rule(of).is_some_and(|rule| rule.guarded)
        || (!object.is(ck::CKA_SENSITIVE) && object.is(ck::CKA_EXTRACTABLE))
}
