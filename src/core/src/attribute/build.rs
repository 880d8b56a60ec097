//! How attributes become an object, and how an object's attributes change: the rows of `rules` applied.

use super::rules::{self, Change, Fallback, Need, Schema};
use super::{Attributes, Raw, Template, Type, Value, confine, template, trust};
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
    /// C_UnwrapKey, C_EncapsulateKey, C_DecapsulateKey.
    Unwrap,
    /// C_DeriveKey.
    Derive,
}

/// Parses a template for C_CreateObject. A class that nobody here keeps is `AttributeValueInvalid` whatever attributes
/// of its own follow: clients that store objects of such classes where they can (NSS its trust) go on without.
pub fn parse_new(given: &Template<'_>) -> Result<Attributes> {
    template::parse(given).map_err(|error| {
        let class = given.0.iter().find_map(|(of, raw)| match raw {
            Raw::Bytes(bytes) if *of == ck::CKA_CLASS => template::ulong(bytes).ok(),
            _ => None,
        });
        let strange = class.is_some_and(|class| rules::all().iter().all(|schema| schema.class != class));
        if error == Error::AttributeTypeInvalid && strange { Error::AttributeValueInvalid } else { error }
    })
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

/// Checks a template against the rows and fills in what it leaves out. `so`: the SO is logged in, who alone sets
/// CKA_TRUSTED.
pub fn fill(template: &mut Attributes, schema: &'static Schema, birth: Birth, so: bool) -> Result<()> {
    let column = match birth {
        Birth::Create => 0,
        Birth::Generate => 1,
        Birth::Unwrap | Birth::Derive => 2,
    };
    let mut said = 0;
    for (of, _) in template.said() {
        let place = schema.place(of).ok_or(Error::TemplateInconsistent)?;
        let rule = schema.rules()[place];
        if [rule.create, rule.generate, rule.unwrap][column] == Need::Refused {
            return Err(Error::AttributeReadOnly);
        }
        said |= 1 << place;
    }
    if schema.required[column] & !said != 0 {
        return Err(Error::TemplateIncomplete);
    }
    for (of, value) in template.said_mut() {
        settle(value, schema.rule(of).is_some_and(|rule| rule.guarded));
    }
    if birth == Birth::Unwrap {
        for rule in schema.rules().iter().filter(|rule| rule.fallback == Fallback::TrueUnwrapped) {
            if !template.has(rule.attribute) {
                template.set_bool(rule.attribute, true);
            }
        }
    }
    template.complete(schema);
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
    trust::check(template)
}

/// A guarded attribute is a secret, any other is not: parsing could not know which.
fn settle(value: &mut Value, guarded: bool) {
    match value {
        Value::Secret(s) if !guarded => *value = Value::Bytes(s.as_ref().to_vec()),
        Value::Bytes(b) if guarded => *value = Value::Secret(Secret::from(std::mem::take(b))),
        _ => {}
    }
}

/// What CKA_UNWRAP_TEMPLATE, CKA_DERIVE_TEMPLATE or a rule of the token adds to a template, which may repeat it but not
/// contradict it: `TemplateInconsistent`.
pub fn enforce(template: &mut Attributes, enforced: &Attributes) -> Result<()> {
    enforced.iter().try_for_each(|(of, value)| require(template, of, value))
}

/// The same of one attribute.
pub fn require(template: &mut Attributes, of: Type, value: &Value) -> Result<()> {
    match template.value(of) {
        Some(given) if !given.same(value) => return Err(Error::TemplateInconsistent),
        Some(_) => {}
        None => template.set(of, value.duplicate()),
    }
    Ok(())
}

/// Sets what only the token sets on a key that it generated.
pub fn mark_generated(key: &mut Attributes, mechanism: u64) {
    key.set_bool(ck::CKA_LOCAL, true);
    // Domain parameters do not have it.
    if key.has(ck::CKA_KEY_GEN_MECHANISM) {
        key.set_ulong(ck::CKA_KEY_GEN_MECHANISM, mechanism);
    }
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
    if how == Alter::Set && schema.class == ck::CKO_CERTIFICATE && present.is(ck::CKA_TRUSTED) {
        // What the SO vouched for is not altered afterwards (section 4.6.2).
        return Err(Error::AttributeReadOnly);
    }
    let mut changed = present.duplicate();
    for (of, new) in template.iter() {
        let rule = schema.rule(of).ok_or(Error::AttributeTypeInvalid)?;
        // What cannot be read is not compared either: whoever guesses it would be told.
        let same = readable(present, schema, of) && present.value(of).is_some_and(|old| old.same(new));
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
    confine::check(present, &template, how)?;
    changed.absorb(template);
    if changed.is(ck::CKA_TRUSTED) && !present.is(ck::CKA_TRUSTED) {
        confine::trusted(&mut changed);
    }
    for (of, value) in changed.said_mut() {
        if let Some(rule) = schema.rule(of) {
            settle(value, rule.guarded);
        }
    }
    if changed.is(ck::CKA_ALWAYS_AUTHENTICATE) && !changed.is(ck::CKA_PRIVATE) {
        return Err(Error::TemplateInconsistent);
    }
    trust::check(&changed)?;
    Ok(changed)
}

/// Whether an attribute of this object may be read at all.
pub fn readable(object: &Attributes, schema: &Schema, of: Type) -> bool {
    is_open(object) || !schema.rule(of).is_some_and(|rule| rule.guarded)
}

/// Whether the parts of this key may be read that CKA_SENSITIVE and CKA_EXTRACTABLE guard.
pub fn is_open(object: &Attributes) -> bool {
    !object.is(ck::CKA_SENSITIVE) && object.is(ck::CKA_EXTRACTABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aes(extra: &[(Type, &[u8])]) -> Result<Attributes> {
        let class = ck::CKO_SECRET_KEY.to_ne_bytes();
        let kind = ck::CKK_AES.to_ne_bytes();
        let mut rows = vec![(ck::CKA_CLASS, Raw::Bytes(&class)), (ck::CKA_KEY_TYPE, Raw::Bytes(&kind))];
        rows.extend(extra.iter().map(|(of, bytes)| (*of, Raw::Bytes(bytes))));
        let mut key = template::parse(&Template(rows))?;
        let schema = schema_of(&key)?;
        fill(&mut key, schema, Birth::Create, false)?;
        Ok(key)
    }

    #[test]
    fn a_created_key_has_the_defaults_of_the_standard() {
        let key = aes(&[(ck::CKA_VALUE, &[1; 16])]).unwrap();
        for (of, expected) in [
            (ck::CKA_TOKEN, false),
            (ck::CKA_PRIVATE, true),
            (ck::CKA_MODIFIABLE, true),
            (ck::CKA_COPYABLE, true),
            (ck::CKA_DESTROYABLE, true),
            (ck::CKA_SENSITIVE, false),
            (ck::CKA_EXTRACTABLE, false),
            (ck::CKA_ENCRYPT, true),
            (ck::CKA_WRAP, true),
            (ck::CKA_SIGN, true),
            (ck::CKA_DERIVE, false),
            (ck::CKA_LOCAL, false),
            (ck::CKA_ALWAYS_SENSITIVE, false),
            (ck::CKA_NEVER_EXTRACTABLE, false),
            (ck::CKA_TRUSTED, false),
        ] {
            assert_eq!(key.is(of), expected, "{}", crate::attribute::kind::name(of));
            assert!(key.has(of));
        }
        assert!(matches!(key.value(ck::CKA_VALUE), Some(Value::Secret(_))));
        assert!(!key.has(ck::CKA_ALLOWED_MECHANISMS));
    }

    #[test]
    fn templates_that_lack_contradict_or_overreach_are_refused_each_with_its_code() {
        let value: (Type, &[u8]) = (ck::CKA_VALUE, &[1; 16]);
        assert_eq!(aes(&[]).unwrap_err(), Error::TemplateIncomplete);
        assert_eq!(aes(&[value, (ck::CKA_LOCAL, &[1])]).unwrap_err(), Error::AttributeReadOnly);
        assert_eq!(aes(&[value, (ck::CKA_ALWAYS_SENSITIVE, &[1])]).unwrap_err(), Error::AttributeReadOnly);
        assert_eq!(aes(&[value, (ck::CKA_TRUSTED, &[1])]).unwrap_err(), Error::AttributeReadOnly);
        assert_eq!(aes(&[value, (ck::CKA_MODULUS, &[1])]).unwrap_err(), Error::TemplateInconsistent);
        assert_eq!(aes(&[value, (0x7fff_0000, &[1])]).unwrap_err(), Error::AttributeTypeInvalid);
        assert_eq!(aes(&[value, (ck::CKA_ENCRYPT, &[2])]).unwrap_err(), Error::AttributeValueInvalid);
        assert_eq!(aes(&[value, (ck::CKA_ENCRYPT, &[])]).unwrap_err(), Error::AttributeValueInvalid);
        assert_eq!(
            aes(&[value, (ck::CKA_ENCRYPT, &[1]), (ck::CKA_ENCRYPT, &[0])]).unwrap_err(),
            Error::TemplateInconsistent
        );
        assert!(aes(&[value, (ck::CKA_ENCRYPT, &[1]), (ck::CKA_ENCRYPT, &[1])]).is_ok());
        assert_eq!(aes(&[value, (ck::CKA_START_DATE, b"2026112x")]).unwrap_err(), Error::AttributeValueInvalid);
        assert_eq!(aes(&[value, (ck::CKA_ALLOWED_MECHANISMS, &[0; 9])]).unwrap_err(), Error::AttributeValueInvalid);
    }

    fn set(key: &Attributes, how: Alter, of: Type, value: bool) -> Result<Attributes> {
        let mut change = Attributes::new();
        change.set_bool(of, value);
        alter(key, change, schema_of(key)?, how, false)
    }

    #[test]
    fn sticky_attributes_move_one_way_only_in_set_and_copy() {
        let mut key = aes(&[(ck::CKA_VALUE, &[1; 16]), (ck::CKA_EXTRACTABLE, &[1])]).unwrap();
        for how in [Alter::Set, Alter::Copy] {
            assert!(set(&key, how, ck::CKA_SENSITIVE, true).unwrap().is(ck::CKA_SENSITIVE));
            assert!(!set(&key, how, ck::CKA_EXTRACTABLE, false).unwrap().is(ck::CKA_EXTRACTABLE));
        }
        key = set(&key, Alter::Set, ck::CKA_SENSITIVE, true).unwrap();
        key = set(&key, Alter::Set, ck::CKA_EXTRACTABLE, false).unwrap();
        key = set(&key, Alter::Set, ck::CKA_WRAP_WITH_TRUSTED, true).unwrap();
        for (of, loose) in [(ck::CKA_SENSITIVE, false), (ck::CKA_EXTRACTABLE, true), (ck::CKA_WRAP_WITH_TRUSTED, false)]
        {
            assert_eq!(set(&key, Alter::Set, of, loose).unwrap_err(), Error::AttributeReadOnly);
            assert_eq!(set(&key, Alter::Copy, of, loose).unwrap_err(), Error::TemplateInconsistent);
            // As SoftHSM: a sticky attribute is not even set to what it is.
            assert_eq!(set(&key, Alter::Set, of, !loose).unwrap_err(), Error::AttributeReadOnly);
            assert!(set(&key, Alter::Copy, of, !loose).is_ok());
        }
        assert_eq!(set(&key, Alter::Set, ck::CKA_PRIVATE, false).unwrap_err(), Error::AttributeReadOnly);
        assert_eq!(set(&key, Alter::Copy, ck::CKA_PRIVATE, false).unwrap_err(), Error::TemplateInconsistent);
        assert_eq!(set(&key, Alter::Set, ck::CKA_TOKEN, true).unwrap_err(), Error::AttributeReadOnly);
        assert!(set(&key, Alter::Copy, ck::CKA_TOKEN, true).unwrap().is(ck::CKA_TOKEN));
        assert_eq!(set(&key, Alter::Set, ck::CKA_TRUSTED, true).unwrap_err(), Error::AttributeReadOnly);
    }

    #[test]
    fn one_wrong_attribute_leaves_all_as_they_were() {
        let key = aes(&[(ck::CKA_VALUE, &[1; 16])]).unwrap();
        let mut change = Attributes::new();
        change.set_bytes(ck::CKA_LABEL, b"new".to_vec());
        change.set_bool(ck::CKA_LOCAL, true);
        assert!(alter(&key, change, schema_of(&key).unwrap(), Alter::Set, false).is_err());
        assert_eq!(key.bytes(ck::CKA_LABEL), Some(&b""[..]));
    }

    #[test]
    fn a_guarded_value_is_readable_only_when_extractable_and_not_sensitive() {
        for (sensitive, extractable, readable_now) in [(0, 1, true), (1, 1, false), (0, 0, false), (1, 0, false)] {
            let key = aes(&[
                (ck::CKA_VALUE, &[1; 16]),
                (ck::CKA_SENSITIVE, &[sensitive]),
                (ck::CKA_EXTRACTABLE, &[extractable]),
            ])
            .unwrap();
            assert_eq!(readable(&key, schema_of(&key).unwrap(), ck::CKA_VALUE), readable_now);
            assert!(readable(&key, schema_of(&key).unwrap(), ck::CKA_LABEL));
        }
    }

    #[test]
    fn every_schema_names_each_attribute_once_and_only_known_ones() {
        for schema in rules::all() {
            let mut seen = std::collections::HashSet::new();
            for rule in schema.rules() {
                assert!(seen.insert(rule.attribute), "{}", crate::attribute::kind::name(rule.attribute));
                assert!(crate::attribute::kind::kind(rule.attribute).is_some());
            }
        }
    }
}
