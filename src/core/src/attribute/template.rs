//! From a caller's template to checked attributes: shapes here, rules of the object in `build`.

use super::kind::{Kind, kind};
use super::{Attributes, Raw, Template, Type, Value};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_secret::Secret;

/// Types that may carry key material; parsed into a wiped value before the class is even known.
const MAYBE_SECRET: &[Type] = &[
    ck::CKA_VALUE,
    ck::CKA_PRIVATE_EXPONENT,
    ck::CKA_PRIME_1,
    ck::CKA_PRIME_2,
    ck::CKA_EXPONENT_1,
    ck::CKA_EXPONENT_2,
    ck::CKA_COEFFICIENT,
    ck::CKA_SEED,
];

/// Checks types and shapes. `AttributeTypeInvalid`: a type nobody here has; `AttributeValueInvalid`: a wrong
/// length or value; `TemplateInconsistent`: the same attribute twice with two values, or a nested template
/// where none may be.
pub fn parse(template: &Template<'_>) -> Result<Attributes> {
    parse_nested(template, true)
}

fn parse_nested(template: &Template<'_>, outer: bool) -> Result<Attributes> {
    let mut attributes = if outer { Attributes::with_room(template.0.len()) } else { Attributes::new() };
    for (of, raw) in &template.0 {
        let value = value(*of, raw, outer)?;
        if let Some(first) = attributes.value(*of) {
            if !first.same(&value) {
                return Err(Error::TemplateInconsistent);
            }
        }
        attributes.set(*of, value);
    }
    Ok(attributes)
}

fn value(of: Type, raw: &Raw<'_>, outer: bool) -> Result<Value> {
    let kind = kind(of).ok_or(Error::AttributeTypeInvalid)?;
    let bytes = match (raw, kind) {
        (Raw::Nested(inner), Kind::Template) if outer => {
            return Ok(Value::Template(Box::new(parse_nested(inner, false)?)));
        }
        (Raw::Bytes([]), Kind::Template) if outer => return Ok(Value::Template(Box::default())),
        (_, Kind::Template) | (Raw::Nested(_), _) => return Err(Error::TemplateInconsistent),
        (Raw::Bytes(bytes), _) => *bytes,
    };
    match kind {
        Kind::Bool => match bytes {
            [0] => Ok(Value::Bool(false)),
            [1] => Ok(Value::Bool(true)),
            _ => Err(Error::AttributeValueInvalid),
        },
        Kind::Ulong => Ok(Value::Ulong(ulong(bytes)?)),
        Kind::Ulongs => {
            // A short last chunk is refused by `ulong`.
            Ok(Value::Ulongs(bytes.chunks(size_of::<ck::CK_ULONG>()).map(ulong).collect::<Result<_>>()?))
        }
        Kind::Date => {
            if !(bytes.is_empty() || bytes.len() == 8 && bytes.iter().all(u8::is_ascii_digit)) {
                return Err(Error::AttributeValueInvalid);
            }
            Ok(Value::Bytes(bytes.to_vec()))
        }
        Kind::Bytes | Kind::Text if MAYBE_SECRET.contains(&of) => Ok(Value::Secret(Secret::copy_of(bytes))),
        Kind::Bytes | Kind::Text | Kind::Template => Ok(Value::Bytes(bytes.to_vec())),
    }
}

/// A CK_ULONG.
pub(super) fn ulong(bytes: &[u8]) -> Result<u64> {
    let native: [u8; size_of::<ck::CK_ULONG>()] = bytes.try_into().map_err(|_| Error::AttributeValueInvalid)?;
    Ok(ck::CK_ULONG::from_ne_bytes(native))
}
