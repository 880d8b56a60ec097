//! What a derivation or generation writes back through its parameter: handles of keys, and bytes. The places are
//! found before the call, and filled after it.
#![allow(unsafe_code)]

use super::Given;
use super::tls::KeyMatShape;
use crate::pointer::Pointer;
use cryptoki_sys as ck;
use sealhsm_core::application::{Made, Refusal};
use sealhsm_core::mechanism::{Shape, lookup};
use sealhsm_core::{Error, Result};
use std::ffi::c_void;

/// The output places of one call.
pub struct Back<'c> {
    /// phKey, unless the mechanism leaves it alone.
    pub(super) handle: Option<Pointer<'c, ck::CK_OBJECT_HANDLE>>,
    /// One per further key, in the order of the keys.
    pub(super) handles: Vec<Pointer<'c, ck::CK_OBJECT_HANDLE>>,
    /// For keys that are not made.
    pub(super) invalid: Vec<Pointer<'c, ck::CK_OBJECT_HANDLE>>,
    /// One per string, in the order of the strings.
    pub(super) strings: Vec<Pointer<'c, u8>>,
    /// Where the length of the last string goes too.
    pub(super) seed: Option<Pointer<'c, ck::CK_DSA_PARAMETER_GEN_PARAM>>,
}

/// The places of C_DeriveKey and C_GenerateKey; `handle` is phKey, which some mechanisms leave alone. The core refuses
/// a structure that is malformed, whose places are not used.
pub fn places<'c>(
    mechanism: Pointer<'c, ck::CK_MECHANISM>,
    handle: Pointer<'c, ck::CK_OBJECT_HANDLE>,
) -> Result<Back<'c>> {
    let given = mechanism.read()?;
    // SAFETY: the parameter is covered by the promise for the mechanism.
    let at: Pointer<'c, c_void> = unsafe { mechanism.inner(given.pParameter) };
    let parameter = Given { at, length: given.ulParameterLen };
    let shape = lookup(given.mechanism).map_or(Shape::None, |row| row.parameter);
    let (handles, invalid, strings) = (Vec::new(), Vec::new(), Vec::new());
    let mut back = Back { handle: Some(handle), handles, invalid, strings, seed: None };
    // What is malformed is refused by the core, whose places then are not used.
    let _ = match shape {
        Shape::Sp800108 => parameter.sp800_108_places(false, &mut back),
        Shape::Sp800108Feedback => parameter.sp800_108_places(true, &mut back),
        Shape::Tls12Master => parameter.tls12_master_places(&mut back),
        Shape::Tls12ExtendedMaster => parameter.tls12_extended_master_places(&mut back),
        Shape::Ssl3Master => parameter.ssl3_master_places(&mut back),
        Shape::Tls12KeyMat => parameter.tls_key_places(KeyMatShape::Tls12, &mut back),
        Shape::Tls12KeyMatSafe => parameter.tls_key_places(KeyMatShape::Safe, &mut back),
        Shape::Ssl3KeyMat => parameter.tls_key_places(KeyMatShape::Ssl3, &mut back),
        Shape::TlsPrf => parameter.tls_prf_places(&mut back),
        Shape::Pbe => parameter.pbe_places(&mut back),
        Shape::DsaParameters => parameter.dsa_parameters_places(&mut back),
        _ => Ok(()),
    };
    if back.keys().any(|place| place.is_null()) {
        return Err(Error::ArgumentsBad);
    }
    Ok(back)
}

impl<'c> Back<'c> {
    /// One place per key, in the order of the keys.
    fn keys(&self) -> impl Iterator<Item = &Pointer<'c, ck::CK_OBJECT_HANDLE>> {
        self.handle.iter().chain(&self.handles)
    }

    /// Fills the places. On a refusal for the sake of the template of a further key, its handle becomes
    /// CK_INVALID_HANDLE (section 6.42.7).
    pub fn fill(self, made: std::result::Result<Made, Refusal>) -> Result<()> {
        let made = match made {
            Ok(made) => made,
            Err(refusal) => {
                if let Some(handle) = refusal.key.filter(|key| *key > 0).and_then(|key| self.keys().nth(key)) {
                    handle.write(ck::CK_INVALID_HANDLE)?;
                }
                return Err(refusal.error);
            }
        };
        if made.handles.len() != self.keys().count() || made.shown.len() != self.strings.len() {
            return Err(Error::General);
        }
        for (place, handle) in self.keys().zip(made.handles) {
            place.write(handle)?;
        }
        for place in self.invalid {
            place.write(ck::CK_INVALID_HANDLE)?;
        }
        for (place, shown) in self.strings.iter().zip(&made.shown) {
            place.write_bytes(shown.as_ref())?;
            if let Some(at) = self.seed {
                let mut given = at.read()?;
                given.ulSeedLen = shown.as_ref().len() as u64;
                at.write(given)?;
            }
        }
        Ok(())
    }
}
