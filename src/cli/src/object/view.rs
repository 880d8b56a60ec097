//! An object as the administrator sees it.

use super::kinds::{CLASSES, KEY_TYPES, TRAITS, USES, curve, parameter_set, word};
use crate::failure::Failure;
use crate::output::{self, plain};
use cryptoki_sys as ck;
use sealhsm_core::Application;
use sealhsm_core::attribute::{Answer, Attributes, Type, Value};
use serde::Serialize;

/// See the module's description. Field names are those of the JSON.
#[derive(Debug, Serialize)]
pub struct View {
    /// CKA_CLASS.
    #[serde(rename = "type")]
    pub class: String,
    /// Algorithm and size; null for what is no key.
    pub key: Option<String>,
    /// CKA_LABEL.
    pub label: String,
    /// CKA_ID in hexadecimal digits.
    pub id: String,
    /// CKA_UNIQUE_ID.
    pub unique_id: String,
    /// What a key may be used for.
    pub uses: Vec<&'static str>,
    /// What else is true of it.
    pub traits: Vec<&'static str>,
    /// In this process only.
    #[serde(skip)]
    pub handle: u64,
}

/// What is read of every object besides uses and traits.
const READ: &[Type] = &[
    ck::CKA_CLASS,
    ck::CKA_KEY_TYPE,
    ck::CKA_LABEL,
    ck::CKA_ID,
    ck::CKA_UNIQUE_ID,
    ck::CKA_MODULUS,
    ck::CKA_PRIME,
    ck::CKA_EC_PARAMS,
    ck::CKA_VALUE_LEN,
    ck::CKA_PARAMETER_SET,
];

impl View {
    /// Asks the library for what there is to see.
    pub fn read(application: &Application, session: u64, handle: u64) -> Result<View, Failure> {
        let types: Vec<Type> = READ.iter().copied().chain(USES.iter().chain(TRAITS).map(|(of, _)| *of)).collect();
        let mut object = Attributes::new();
        for (of, answer) in types.iter().zip(application.attributes(session, handle, &types)?) {
            if let Answer::Value(value) = answer {
                object.set(*of, value);
            }
        }
        let words = |table: &[(Type, &'static str)]| {
            table.iter().filter(|(of, _)| object.is(*of)).map(|(_, word)| *word).collect()
        };
        Ok(View {
            class: word(object.ulong(ck::CKA_CLASS).unwrap_or_default(), CLASSES),
            key: key(&object),
            label: text(&object, ck::CKA_LABEL),
            id: output::hex(object.bytes(ck::CKA_ID).unwrap_or_default()),
            unique_id: text(&object, ck::CKA_UNIQUE_ID),
            uses: words(USES),
            traits: words(TRAITS),
            handle,
        })
    }
}

fn text(object: &Attributes, of: Type) -> String {
    String::from_utf8_lossy(object.bytes(of).unwrap_or_default()).into_owned()
}

/// `RSA 2048`, `EC P-256`, `AES 256`, `ML-DSA 65`.
fn key(object: &Attributes) -> Option<String> {
    let key_type = object.ulong(ck::CKA_KEY_TYPE)?;
    let name = word(key_type, KEY_TYPES);
    let size = match object.value(ck::CKA_MODULUS).or(object.value(ck::CKA_PRIME)) {
        Some(Value::Bytes(number)) => Some(bits(number).to_string()),
        _ => object.ulong(ck::CKA_VALUE_LEN).map(|bytes| bytes.saturating_mul(8).to_string()),
    };
    let curve = object.bytes(ck::CKA_EC_PARAMS).and_then(curve).map(str::to_owned);
    let set = object.ulong(ck::CKA_PARAMETER_SET).and_then(|number| parameter_set(key_type, number));
    Some(match size.or(curve).or(set.map(str::to_owned)) {
        Some(detail) => format!("{name} {detail}"),
        None => name,
    })
}

/// Bits of a big-endian number.
fn bits(number: &[u8]) -> u64 {
    let mut digits = number.iter().skip_while(|byte| **byte == 0);
    let Some(first) = digits.next() else { return 0 };
    u64::from(8 - first.leading_zeros()) + 8 * digits.count() as u64
}

/// One row an object.
pub fn table(views: &[View]) -> String {
    let row = |view: &View| {
        vec![
            view.class.clone(),
            view.key.clone().unwrap_or_default(),
            view.id.clone(),
            view.uses.join(","),
            view.traits.join(","),
            view.unique_id.clone(),
            plain(&view.label),
        ]
    };
    let head = ["TYPE", "KEY", "ID", "USES", "TRAITS", "UNIQUE ID", "LABEL"];
    output::table(&head, views.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_with_its_size_or_curve() {
        let mut object = Attributes::new();
        assert_eq!(key(&object), None);
        object.set_ulong(ck::CKA_KEY_TYPE, ck::CKK_AES);
        object.set_ulong(ck::CKA_VALUE_LEN, 32);
        assert_eq!(key(&object).unwrap(), "AES 256");
        let mut object = Attributes::new();
        object.set_ulong(ck::CKA_KEY_TYPE, ck::CKK_EC);
        object.set_bytes(ck::CKA_EC_PARAMS, [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]);
        assert_eq!(key(&object).unwrap(), "EC P-256");
        object.set_ulong(ck::CKA_KEY_TYPE, 0x8000_0001);
        assert_eq!(key(&object).unwrap(), "0x80000001 P-256");
        let mut object = Attributes::new();
        object.set_ulong(ck::CKA_KEY_TYPE, ck::CKK_SLH_DSA);
        object.set_ulong(ck::CKA_PARAMETER_SET, ck::CKP_SLH_DSA_SHAKE_256F);
        assert_eq!(key(&object).unwrap(), "SLH-DSA SHAKE-256f");
    }

    #[test]
    fn a_key_in_a_prime_field_is_named_with_the_bits_of_its_prime() {
        let mut object = Attributes::new();
        object.set_ulong(ck::CKA_KEY_TYPE, ck::CKK_X9_42_DH);
        object.set_bytes(ck::CKA_PRIME, [0x80; 128]);
        assert_eq!(key(&object).unwrap(), "DH X9.42 1024");
    }

    #[test]
    fn the_bits_of_a_modulus_do_not_count_leading_zeros() {
        assert_eq!(bits(&[0, 0x80, 0]), 16);
        assert_eq!(bits(&[1, 0]), 9);
        assert_eq!(bits(&[]), 0);
    }
}
