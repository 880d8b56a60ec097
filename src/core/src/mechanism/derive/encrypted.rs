//! Derivation by encrypting data with the base key (PKCS#11 3.2 section 6.28): the derived key is the beginning of the
//! ciphertext.

use super::{Bases, Derivation, Wanted};
use crate::mechanism::aes::{BLOCK, CBC, ECB, SIZES, TYPES, name};
use crate::mechanism::{Parameter, Row, Shape, failed};
use crate::{Error, Result};
use sealhsm_crypto::cipher::{Context, Direction};
use sealhsm_secret::Secret;
use std::ffi::CStr;

pub(in crate::mechanism) static ROWS: &[Row] = &[
    row!(CKM_AES_ECB_ENCRYPT_DATA {
        sizes: SIZES,
        key_types: TYPES,
        parameter: Shape::StringData,
        derivation: Some(Derivation { derive: ecb, ..Derivation::ONE_WAY }),
    }),
    row!(CKM_AES_CBC_ENCRYPT_DATA {
        sizes: SIZES,
        key_types: TYPES,
        parameter: Shape::CbcData,
        derivation: Some(Derivation { derive: cbc, ..Derivation::ONE_WAY }),
    }),
];

fn ecb(bases: &Bases<'_>, parameter: &Parameter<'_>, wanted: &Wanted) -> Result<Secret> {
    let Parameter::Bytes(data) = parameter else { return Err(Error::MechanismParamInvalid) };
    encrypt(name(bases.key, ECB)?, bases, &[], data, wanted)
}

fn cbc(bases: &Bases<'_>, parameter: &Parameter<'_>, wanted: &Wanted) -> Result<Secret> {
    let Parameter::CbcData { iv, data } = parameter else { return Err(Error::MechanismParamInvalid) };
    encrypt(name(bases.key, CBC)?, bases, iv, data, wanted)
}

fn encrypt(cipher: &CStr, bases: &Bases<'_>, iv: &[u8], data: &[u8], wanted: &Wanted) -> Result<Secret> {
    if data.is_empty() || data.len() % BLOCK != 0 {
        return Err(Error::MechanismParamInvalid);
    }
    let len = wanted.len_within(data.len())?;
    let mut out = Secret::zeroed(data.len());
    let mut context = Context::new(cipher, bases.key.secret()?.as_ref(), Direction::Encrypt, false).map_err(failed)?;
    context.restart(iv).and_then(|()| context.update(data, out.as_mut())).map_err(failed)?;
    out.truncate(len);
    Ok(out)
}
