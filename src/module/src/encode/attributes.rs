//! The answers of C_GetAttributeValue: every entry that can be filled is, whatever the others say.

use crate::pointer::{Entry, Pointer};
use cryptoki_sys::{CK_ATTRIBUTE, CK_FALSE, CK_TRUE, CK_UNAVAILABLE_INFORMATION};
use sealhsm_core::attribute::{Answer, Attributes, Value};
use sealhsm_core::{Error, Result};

/// Writes one answer per entry of `array`, whose entries are `asked`. The error is that of the first entry that has one.
pub fn attributes(array: Pointer<'_, CK_ATTRIBUTE>, asked: &[Entry<'_>], answers: &[Answer]) -> Result<()> {
    let mut result = Ok(());
    for (index, (entry, answer)) in asked.iter().zip(answers).enumerate() {
        let (length, said) = match answer {
            Answer::Value(value) => put(entry, value),
            Answer::Sensitive => (CK_UNAVAILABLE_INFORMATION, Err(Error::AttributeSensitive)),
            Answer::Absent => (CK_UNAVAILABLE_INFORMATION, Err(Error::AttributeTypeInvalid)),
        };
        array.answer(index, entry.of, length)?;
        result = result.and(said);
    }
    result
}

/// Stores one value and gives its ulValueLen.
fn put(entry: &Entry<'_>, value: &Value) -> (u64, Result<()>) {
    match value {
        Value::Bool(b) => bytes(entry, &[if *b { CK_TRUE } else { CK_FALSE }]),
        Value::Ulong(number) => bytes(entry, &number.to_ne_bytes()),
        Value::Bytes(value) => bytes(entry, value),
        Value::Secret(value) => bytes(entry, value.as_ref()),
        Value::Ulongs(list) => bytes(entry, &list.iter().flat_map(|n| n.to_ne_bytes()).collect::<Vec<u8>>()),
        Value::Template(template) => nested(entry, template),
    }
}

fn bytes(entry: &Entry<'_>, value: &[u8]) -> (u64, Result<()>) {
    let length = value.len() as u64;
    if entry.value.is_null() {
        (length, Ok(()))
    } else if entry.length < length {
        too_small(value.len())
    } else {
        (length, entry.value.as_bytes().write_bytes(value))
    }
}

/// CKA_WRAP_TEMPLATE and its kin: an array of CK_ATTRIBUTE of the caller, whose own pointers may be NULL again.
fn nested(entry: &Entry<'_>, template: &Attributes) -> (u64, Result<()>) {
    let length = template.len() * size_of::<CK_ATTRIBUTE>();
    let array = entry.value.cast::<CK_ATTRIBUTE>();
    if !array.is_null() && entry.length < length as u64 {
        return too_small(length);
    }
    let mut result = Ok(());
    if !array.is_null() {
        for (index, (of, value)) in template.iter().enumerate() {
            let filled = array.entry(index).and_then(|inner| {
                let (length, said) = match value {
                    Value::Template(_) => (CK_UNAVAILABLE_INFORMATION, Err(Error::AttributeTypeInvalid)),
                    value => put(&inner, value),
                };
                array.answer(index, of, length)?;
                said
            });
            result = result.and(filled);
        }
    }
    (length as u64, result)
}

fn too_small(needed: usize) -> (u64, Result<()>) {
    (CK_UNAVAILABLE_INFORMATION, Err(Error::BufferTooSmall(needed)))
}
