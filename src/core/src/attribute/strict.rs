//! `strict = true`: a key has one purpose, from its birth to its end (the conflicting and sticky attributes of Bortolozzo,
//! Centenaro, Focardi and Steel, CCS 2010; Cachin and Chandran, CSF 2009). A key that encrypts or decrypts neither wraps
//! nor signs nor derives, so that no function undoes another. Whether the configuration asks for it, callers know.

use super::build::Alter;
use super::rules::Schema;
use super::{Attributes, Type};
use crate::{Error, Result};
use cryptoki_sys as ck;

/// What a key is for.
struct Purpose {
    name: &'static str,
    usages: &'static [Type],
}

const DATA: Purpose = Purpose { name: "encryption", usages: &[ck::CKA_ENCRYPT, ck::CKA_DECRYPT] };
const SIGNATURES: Purpose = Purpose {
    name: "signatures",
    usages: &[ck::CKA_SIGN, ck::CKA_VERIFY, ck::CKA_SIGN_RECOVER, ck::CKA_VERIFY_RECOVER],
};
const KEYS: Purpose = Purpose { name: "wrapping", usages: &[ck::CKA_WRAP, ck::CKA_UNWRAP] };
const AGREEMENT: Purpose =
    Purpose { name: "derivation", usages: &[ck::CKA_DERIVE, ck::CKA_ENCAPSULATE, ck::CKA_DECAPSULATE] };

/// The purposes, in the order in which a template that names none gets one.
const OF_SECRETS: [&Purpose; 4] = [&DATA, &SIGNATURES, &KEYS, &AGREEMENT];
const OF_PAIRS: [&Purpose; 4] = [&SIGNATURES, &AGREEMENT, &DATA, &KEYS];

const ADVICE: &str = "strict: give it one purpose: encryption (CKA_ENCRYPT, CKA_DECRYPT), signatures (CKA_SIGN, CKA_VERIFY), \
     wrapping (CKA_WRAP, CKA_UNWRAP) or derivation (CKA_DERIVE, CKA_ENCAPSULATE, CKA_DECAPSULATE)";

fn refused(cause: &str, advice: &str) -> Error {
    log::warn!("{cause}; {advice}");
    Error::TemplateInconsistent
}

/// Leaves those usages false that a template is silent about and that do not belong to its purpose: the one that it
/// names, or that the template of the pair's other half names, else the first that its key type has.
pub fn settle(template: &mut Attributes, other: Option<&Attributes>, schema: &Schema) {
    let order = if schema.class == ck::CKO_SECRET_KEY { OF_SECRETS } else { OF_PAIRS };
    let default = |of: &Type| schema.flags.get(*of) == Some(true);
    let named = |purpose: &&&Purpose| {
        let names = |template: &Attributes| purpose.usages.iter().any(|of| template.is(*of));
        names(template) || other.is_some_and(names)
    };
    let usual = |purpose: &&&Purpose| purpose.usages.iter().any(|of| !template.has(*of) && default(of));
    let chosen = order.iter().find(named).or_else(|| order.iter().find(usual)).map(|purpose| purpose.name);
    for purpose in order {
        for of in purpose.usages {
            if chosen != Some(purpose.name) && schema.rule(*of).is_some() && !template.has(*of) {
                template.set_bool(*of, false);
            }
        }
    }
}

/// Refuses a new object that is against the rules, however it came to be.
pub fn check(object: &Attributes) -> Result<()> {
    let class = object.ulong(ck::CKA_CLASS);
    if !matches!(class, Some(ck::CKO_PUBLIC_KEY | ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY | ck::CKO_OTP_KEY)) {
        return Ok(());
    }
    purposes(&[object])?;
    if class == Some(ck::CKO_PUBLIC_KEY) || object.is(ck::CKA_TRUSTED) {
        return Ok(());
    }
    if !object.is(ck::CKA_PRIVATE) {
        return Err(refused(
            "strict: a private or secret key would be readable without a PIN",
            "leave out CKA_PRIVATE false, or let the SO make it with CKA_TRUSTED",
        ));
    }
    if object.is(ck::CKA_WRAP) && !object.is(ck::CKA_LOCAL) {
        return Err(refused(
            "strict: a wrapping key whose value may be known elsewhere",
            "generate it on this token, or let the SO make it with CKA_TRUSTED",
        ));
    }
    Ok(())
}

/// Refuses objects that have more than one purpose together: one key, or the halves of a pair.
pub fn purposes(objects: &[&Attributes]) -> Result<()> {
    let has = |purpose: &&&Purpose| purpose.usages.iter().any(|of| objects.iter().any(|object| object.is(*of)));
    let names: Vec<&str> = OF_PAIRS.iter().filter(has).map(|purpose| purpose.name).collect();
    if names.len() <= 1 {
        return Ok(());
    }
    Err(refused(&format!("strict: a key for {}", names.join(" and ")), ADVICE))
}

/// Refuses a change that gives a key a usage that it did not have: what it did before may undo what it would do then.
pub fn alter(present: &Attributes, changed: &Attributes, how: Alter) -> Result<()> {
    let gained = |of: &&Type| changed.is(**of) && !present.is(**of);
    match OF_PAIRS.iter().flat_map(|purpose| purpose.usages).find(gained) {
        None => Ok(()),
        Some(of) => {
            let function = if how == Alter::Set { "C_SetAttributeValue" } else { "C_CopyObject" };
            let name = super::kind::name(*of);
            Err(refused(
                &format!("strict: {function} would give a key {name}"),
                "usages are only taken away once a key exists; make another key for it",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{build, rules};

    type Said = [(Type, bool)];

    fn settled(class: u64, key_type: u64, said: &Said, other: &Said) -> Attributes {
        let of = |said: &Said| {
            let mut template = Attributes::new();
            said.iter().for_each(|(of, value)| template.set_bool(*of, *value));
            template
        };
        let (mut template, other) = (of(said), of(other));
        let schema = rules::find(class, Some(key_type)).unwrap();
        settle(&mut template, Some(&other), schema);
        template.set_ulong(ck::CKA_CLASS, class);
        template.set_ulong(ck::CKA_KEY_TYPE, key_type);
        build::fill(&mut template, schema, build::Birth::Derive, false).unwrap();
        template
    }

    fn usages(key: &Attributes) -> Vec<Type> {
        let all = OF_PAIRS.iter().flat_map(|purpose| purpose.usages);
        let mut usages: Vec<Type> = all.copied().filter(|of| key.is(*of)).collect();
        usages.sort_unstable();
        usages
    }

    #[test]
    fn a_silent_template_gets_one_purpose_and_one_that_speaks_gets_its_own() {
        use ck::{CKA_DECRYPT, CKA_DERIVE, CKA_ENCRYPT, CKA_SIGN, CKA_UNWRAP, CKA_VERIFY, CKA_WRAP};
        let (secret, public, private) = (ck::CKO_SECRET_KEY, ck::CKO_PUBLIC_KEY, ck::CKO_PRIVATE_KEY);
        let (aes, rsa) = (ck::CKK_AES, ck::CKK_RSA);
        let cases: &[(u64, u64, &Said, &Said, &[Type])] = &[
            (secret, aes, &[], &[], &[CKA_ENCRYPT, CKA_DECRYPT]),
            (secret, aes, &[(CKA_ENCRYPT, false)], &[], &[CKA_DECRYPT]),
            (secret, aes, &[(CKA_ENCRYPT, false), (CKA_DECRYPT, false)], &[], &[CKA_SIGN, CKA_VERIFY]),
            (secret, aes, &[(CKA_WRAP, true)], &[], &[CKA_WRAP, CKA_UNWRAP]),
            (secret, aes, &[(CKA_UNWRAP, true), (CKA_WRAP, false)], &[], &[CKA_UNWRAP]),
            (secret, aes, &[(CKA_DERIVE, true)], &[], &[CKA_DERIVE]),
            (secret, ck::CKK_GENERIC_SECRET, &[], &[], &[CKA_SIGN, CKA_VERIFY]),
            (public, rsa, &[], &[], &[CKA_VERIFY, ck::CKA_VERIFY_RECOVER]),
            (public, rsa, &[], &[(CKA_DECRYPT, true)], &[CKA_ENCRYPT]),
            (private, rsa, &[], &[(CKA_ENCRYPT, true)], &[CKA_DECRYPT]),
            (private, rsa, &[], &[(CKA_WRAP, true)], &[CKA_UNWRAP]),
            (private, ck::CKK_EC, &[], &[], &[CKA_SIGN]),
            (private, ck::CKK_EC_MONTGOMERY, &[], &[], &[CKA_DERIVE, ck::CKA_DECAPSULATE]),
        ];
        for (class, key_type, said, other, expected) in cases {
            let key = settled(*class, *key_type, said, other);
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            assert_eq!(usages(&key), expected, "{class} {key_type} {said:x?} {other:x?}");
            purposes(&[&key]).unwrap();
        }
    }

    #[test]
    fn any_two_purposes_conflict_and_no_usage_comes_back() {
        for (at, one) in OF_PAIRS.iter().enumerate() {
            for other in &OF_PAIRS[at + 1..] {
                for (a, b) in one.usages.iter().flat_map(|a| other.usages.iter().map(move |b| (*a, *b))) {
                    let (mut key, mut with) = (Attributes::new(), Attributes::new());
                    key.set_bool(a, true);
                    with.set_bool(b, true);
                    assert_eq!(purposes(&[&key, &with]).unwrap_err(), Error::TemplateInconsistent);
                    assert_eq!(alter(&key, &with, Alter::Set).unwrap_err(), Error::TemplateInconsistent);
                    with.set_bool(b, false);
                    purposes(&[&key, &with]).unwrap();
                    alter(&key, &with, Alter::Copy).unwrap();
                }
            }
        }
    }
}
