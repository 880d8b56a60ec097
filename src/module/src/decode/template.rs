//! CK_ATTRIBUTE arrays: templates going in. Counts and lengths are checked before anything is read.

use crate::pointer::{Entry, Pointer};
use cryptoki_sys::CK_ATTRIBUTE;
use sealhsm_core::attribute::kind::{Kind, kind};
use sealhsm_core::attribute::{Raw, Template};
use sealhsm_core::{Error, Result};

/// More than any object has; a count beyond is a caller's uninitialised variable.
const MOST: u64 = 4096;

/// A template with the values that its pointers point to.
pub fn template(array: Pointer<'_, CK_ATTRIBUTE>, count: u64) -> Result<Template<'_>> {
    all(array, count, |entry| Ok((entry.of, raw(entry)?))).map(Template)
}

/// The entries of an array as they stand.
pub fn entries(array: Pointer<'_, CK_ATTRIBUTE>, count: u64) -> Result<Vec<Entry<'_>>> {
    all(array, count, Ok)
}

/// Something of each entry of an array.
fn all<'c, T>(array: Pointer<'c, CK_ATTRIBUTE>, count: u64, read: impl Fn(Entry<'c>) -> Result<T>) -> Result<Vec<T>> {
    if count > MOST {
        return Err(Error::ArgumentsBad);
    }
    // As long as it will be: growing costs more than filling.
    let mut all = Vec::with_capacity(count as usize);
    for index in 0..count as usize {
        all.push(read(array.entry(index)?)?);
    }
    Ok(all)
}

fn raw(entry: Entry<'_>) -> Result<Raw<'_>> {
    if kind(entry.of) != Some(Kind::Template) || entry.length == 0 {
        return flat(entry);
    }
    let size = size_of::<CK_ATTRIBUTE>() as u64;
    if entry.length % size != 0 {
        return Err(Error::AttributeValueInvalid);
    }
    // One level deep: a template in a template stays bytes, which the core refuses.
    let inner = all(entry.value.cast(), entry.length / size, |entry| Ok((entry.of, flat(entry)?)))?;
    Ok(Raw::Nested(Template(inner)))
}

fn flat(entry: Entry<'_>) -> Result<Raw<'_>> {
    entry.value.as_bytes().bytes(entry.length).map(Raw::Bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pointer::Call;
    use cryptoki_sys as ck;
    use std::ffi::c_void;

    fn attribute<T>(of: u64, value: &[T], length: u64) -> CK_ATTRIBUTE {
        let at = if value.is_empty() { std::ptr::null_mut() } else { value.as_ptr() as *mut c_void };
        CK_ATTRIBUTE { type_: of, pValue: at, ulValueLen: length }
    }

    fn decode(array: &[CK_ATTRIBUTE], count: u64, then: impl FnOnce(Result<Template<'_>>)) {
        let call = Call(());
        let at = if array.is_empty() { std::ptr::null_mut() } else { array.as_ptr().cast_mut() };
        // SAFETY: NULL, or an array that outlives the pointer and is only read.
        #[allow(unsafe_code)]
        let pointer = unsafe { Pointer::new(at, &call) };
        then(template(pointer, count));
    }

    #[test]
    fn counts_and_lengths_that_cannot_be_are_refused_before_anything_is_read() {
        let one = [attribute(ck::CKA_LABEL, b"x", 1)];
        for count in [MOST + 1, 1 << 32, u64::MAX] {
            decode(&one, count, |got| assert_eq!(got.unwrap_err(), Error::ArgumentsBad));
        }
        decode(&[], 1, |got| assert_eq!(got.unwrap_err(), Error::ArgumentsBad));
        decode(&[], 0, |got| assert!(got.unwrap().0.is_empty()));
        for bad in [
            attribute::<u8>(ck::CKA_CLASS, &[], 8),
            attribute(ck::CKA_LABEL, b"x", ck::CK_UNAVAILABLE_INFORMATION),
            attribute(ck::CKA_LABEL, b"x", 1 << 63),
        ] {
            decode(&[bad], 1, |got| assert_eq!(got.unwrap_err(), Error::ArgumentsBad));
        }
    }

    #[test]
    fn a_template_in_a_template_is_walked_one_level_deep() {
        let size = size_of::<CK_ATTRIBUTE>() as u64;
        let innermost = [attribute(ck::CKA_LABEL, b"x", 1)];
        let inner = [attribute(ck::CKA_TOKEN, &[1u8], 1), attribute(ck::CKA_WRAP_TEMPLATE, &innermost, size)];
        let outer = [attribute(ck::CKA_UNWRAP_TEMPLATE, &inner, 2 * size)];
        decode(&outer, 1, |got| {
            let got = got.unwrap();
            let (ck::CKA_UNWRAP_TEMPLATE, Raw::Nested(inner)) = &got.0[0] else { panic!("{got:?}") };
            assert!(matches!(inner.0[0], (ck::CKA_TOKEN, Raw::Bytes([1]))));
            assert!(matches!(inner.0[1], (ck::CKA_WRAP_TEMPLATE, Raw::Bytes(bytes)) if bytes.len() as u64 == size));
        });
        let torn = [attribute(ck::CKA_UNWRAP_TEMPLATE, &inner, 2 * size - 1)];
        decode(&torn, 1, |got| assert_eq!(got.unwrap_err(), Error::AttributeValueInvalid));
        let empty = [attribute::<u8>(ck::CKA_UNWRAP_TEMPLATE, &[], 0)];
        decode(&empty, 1, |got| assert!(matches!(got.unwrap().0[0].1, Raw::Bytes([]))));
    }
}
