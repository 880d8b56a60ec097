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
        Value::Bytes(_) | Value::Secret(_) | Value::Counter(_) | Value::Uuid(_) => {
            bytes(entry, &value.octets().unwrap_or_default())
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode;
    use crate::pointer::Call;
    use cryptoki_sys as ck;
    use std::ffi::c_void;

    fn entry<T>(of: u64, buffer: &mut [T]) -> CK_ATTRIBUTE {
        let at = if buffer.is_empty() { std::ptr::null_mut() } else { buffer.as_mut_ptr().cast::<c_void>() };
        CK_ATTRIBUTE { type_: of, pValue: at, ulValueLen: size_of_val(buffer) as u64 }
    }

    fn answer(array: &mut [CK_ATTRIBUTE], answers: &[Answer]) -> Result<()> {
        let call = Call(());
        // SAFETY: an array that outlives the pointer.
        #[allow(unsafe_code)]
        let pointer = unsafe { Pointer::new(array.as_mut_ptr(), &call) };
        let asked = decode::entries(pointer, array.len() as u64).unwrap();
        attributes(pointer, &asked, answers)
    }

    #[test]
    fn every_entry_is_filled_that_can_be() {
        let (mut label, mut short, mut class) = ([0u8; 8], [0u8; 1], [0u64; 1]);
        let mut array = [
            entry(ck::CKA_VALUE, &mut [0u8; 4]),
            entry(ck::CKA_LABEL, &mut label),
            entry(ck::CKA_ID, &mut short),
            entry(ck::CKA_MODULUS, &mut [0u8; 4]),
            entry::<u8>(ck::CKA_SUBJECT, &mut []),
            entry(ck::CKA_CLASS, &mut class),
        ];
        let answers = [
            Answer::Sensitive,
            Answer::Value(Value::Bytes(b"abc".to_vec())),
            Answer::Value(Value::Bytes(b"xy".to_vec())),
            Answer::Absent,
            Answer::Value(Value::Bytes(b"long".to_vec())),
            Answer::Value(Value::Ulong(3)),
        ];
        assert_eq!(answer(&mut array, &answers), Err(Error::AttributeSensitive));
        let lengths = array.map(|entry| entry.ulValueLen);
        let none = CK_UNAVAILABLE_INFORMATION;
        assert_eq!(lengths, [none, 3, none, none, 4, 8]);
        assert_eq!((&label[..3], short, class), (&b"abc"[..], [0], [3]));
    }

    #[test]
    fn a_template_is_read_in_three_steps() {
        let template = || {
            let mut template = Attributes::new();
            template.set_bool(ck::CKA_TOKEN, true);
            template.set_bytes(ck::CKA_LABEL, b"ab");
            [Answer::Value(Value::Template(Box::new(template)))]
        };
        let size = size_of::<CK_ATTRIBUTE>() as u64;
        let mut array = [entry::<u8>(ck::CKA_WRAP_TEMPLATE, &mut [])];
        assert_eq!(answer(&mut array, &template()), Ok(()));
        assert_eq!(array[0].ulValueLen, 2 * size);

        let mut inner = [entry::<u8>(0, &mut []), entry::<u8>(0, &mut [])];
        array[0] = entry(ck::CKA_WRAP_TEMPLATE, &mut inner);
        assert_eq!(answer(&mut array, &template()), Ok(()));
        assert_eq!(inner.map(|e| (e.type_, e.ulValueLen)), [(ck::CKA_TOKEN, 1), (ck::CKA_LABEL, 2)]);

        let (mut token, mut label) = ([0u8; 1], [0u8; 2]);
        inner = [entry(0, &mut token), entry(0, &mut label)];
        array[0] = entry(ck::CKA_WRAP_TEMPLATE, &mut inner);
        assert_eq!(answer(&mut array, &template()), Ok(()));
        assert_eq!((token, &label), ([1], b"ab"));

        array[0] = entry(ck::CKA_WRAP_TEMPLATE, &mut inner[..1]);
        assert_eq!(answer(&mut array, &template()), Err(Error::BufferTooSmall(2 * size as usize)));
        assert_eq!(array[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    }
}
