//! What a derivation or generation writes back through its parameter: handles of keys, and bytes. The places are
//! found before the call, and filled after it.
#![allow(unsafe_code)]

use super::Given;
use crate::pointer::Pointer;
use cryptoki_sys as ck;
use sealhsm_core::application::{Made, Refusal};
use sealhsm_core::mechanism::{Shape, lookup};
use sealhsm_core::{Error, Result};
use std::ffi::c_void;

/// The output places of one call.
pub struct Back<'c> {
    /// One per key, in the order of the keys.
    handles: Vec<Pointer<'c, ck::CK_OBJECT_HANDLE>>,
    /// One per string, in the order of the strings.
    strings: Vec<Pointer<'c, u8>>,
}

/// The places of C_DeriveKey; `handle` is phKey, which some mechanisms leave alone. A structure that is malformed has
/// no places: the core refuses it.
pub fn derived<'c>(
    mechanism: Pointer<'c, ck::CK_MECHANISM>,
    handle: Pointer<'c, ck::CK_OBJECT_HANDLE>,
) -> Result<Back<'c>> {
    let given = mechanism.read()?;
    // SAFETY: the parameter is covered by the promise for the mechanism.
    let at: Pointer<'c, c_void> = unsafe { mechanism.inner(given.pParameter) };
    let parameter = Given { at, length: given.ulParameterLen };
    let shape = lookup(given.mechanism).map_or(Shape::None, |row| row.parameter);
    let mut back = Back { handles: vec![handle.required()?], strings: Vec::new() };
    match shape {
        Shape::Sp800108 => back.handles.extend(parameter.sp800_108_handles(false).unwrap_or_default()),
        Shape::Sp800108Feedback => back.handles.extend(parameter.sp800_108_handles(true).unwrap_or_default()),
        _ => {}
    }
    Ok(back)
}

impl Back<'_> {
    /// Fills the places. On a refusal for the sake of one template its handle becomes CK_INVALID_HANDLE.
    pub fn fill(self, made: std::result::Result<Made, Refusal>) -> Result<()> {
        let made = match made {
            Ok(made) => made,
            Err(refusal) => {
                if let Some(handle) = refusal.key.and_then(|key| self.handles.get(key)) {
                    handle.write(ck::CK_INVALID_HANDLE)?;
                }
                return Err(refusal.error);
            }
        };
        if made.handles.len() != self.handles.len() || made.shown.len() != self.strings.len() {
            return Err(Error::General);
        }
        for (place, handle) in self.handles.iter().zip(made.handles) {
            place.write(handle)?;
        }
        for (place, shown) in self.strings.iter().zip(made.shown) {
            place.write_bytes(shown.as_ref())?;
        }
        Ok(())
    }
}
