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
    let attributes = entries(array, count)?.into_iter().map(|entry| Ok((entry.of, raw(entry)?)));
    attributes.collect::<Result<_>>().map(Template)
}

/// The entries of an array as they stand.
pub fn entries(array: Pointer<'_, CK_ATTRIBUTE>, count: u64) -> Result<Vec<Entry<'_>>> {
    if count > MOST {
        return Err(Error::ArgumentsBad);
    }
    (0..count as usize).map(|index| array.entry(index)).collect()
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
    let inner = entries(entry.value.cast(), entry.length / size)?;
    let inner = inner.into_iter().map(|entry| Ok((entry.of, flat(entry)?)));
    inner.collect::<Result<_>>().map(|inner| Raw::Nested(Template(inner)))
}

fn flat(entry: Entry<'_>) -> Result<Raw<'_>> {
    entry.value.as_bytes().bytes(entry.length).map(Raw::Bytes)
}
