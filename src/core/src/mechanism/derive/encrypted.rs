//! Derivation by encrypting data with the base key (PKCS#11 3.2 section 6.28 and its siblings): the derived key is the
//! beginning of the ciphertext.

use super::{Bases, Derivation, Wanted};
use crate::mechanism::block::{AES, ARIA, Algorithm, CAMELLIA, DES, DES3, Mode, SEED};
use crate::mechanism::{Group, Parameter, Row, Shape, failed};
use crate::{Error, Result};
use sealhsm_crypto::cipher::Direction;
use sealhsm_secret::Secret;

macro_rules! rows {
    ($($group:ident $algorithm:ident $ecb:ident $cbc:ident $shape:ident;)*) => {
        pub(in crate::mechanism) static ROWS: &[Row] = &[$(
            row!($ecb {
                sizes: $algorithm.sizes,
                key_types: $algorithm.types,
                parameter: Shape::StringData,
                group: Group::$group,
                derivation: Some(Derivation {
                    derive: |bases, parameter, wanted| ecb(&$algorithm, bases, parameter, wanted),
                    ..Derivation::ONE_WAY
                }),
            }),
            row!($cbc {
                sizes: $algorithm.sizes,
                key_types: $algorithm.types,
                parameter: Shape::$shape,
                group: Group::$group,
                derivation: Some(Derivation {
                    derive: |bases, parameter, wanted| cbc(&$algorithm, bases, parameter, wanted),
                    ..Derivation::ONE_WAY
                }),
            }),
        )*];
    };
}

// The structures for blocks of 16 bytes are one under several names.
rows! {
    Modern AES CKM_AES_ECB_ENCRYPT_DATA CKM_AES_CBC_ENCRYPT_DATA CbcData;
    Modern CAMELLIA CKM_CAMELLIA_ECB_ENCRYPT_DATA CKM_CAMELLIA_CBC_ENCRYPT_DATA CbcData;
    Modern ARIA CKM_ARIA_ECB_ENCRYPT_DATA CKM_ARIA_CBC_ENCRYPT_DATA CbcData;
    Legacy SEED CKM_SEED_ECB_ENCRYPT_DATA CKM_SEED_CBC_ENCRYPT_DATA CbcData;
    Legacy DES CKM_DES_ECB_ENCRYPT_DATA CKM_DES_CBC_ENCRYPT_DATA DesCbcData;
    Legacy DES3 CKM_DES3_ECB_ENCRYPT_DATA CKM_DES3_CBC_ENCRYPT_DATA DesCbcData;
}

fn ecb(algorithm: &Algorithm, bases: &Bases<'_>, parameter: &Parameter<'_>, wanted: &Wanted) -> Result<Secret> {
    let Parameter::Bytes(data) = parameter else { return Err(Error::MechanismParamInvalid) };
    encrypt(algorithm, Mode::Ecb, bases, &[], data, wanted)
}

fn cbc(algorithm: &Algorithm, bases: &Bases<'_>, parameter: &Parameter<'_>, wanted: &Wanted) -> Result<Secret> {
    let (iv, data) = match parameter {
        Parameter::CbcData { iv, data } => (&iv[..], data),
        Parameter::DesCbcData { iv, data } => (&iv[..], data),
        _ => return Err(Error::MechanismParamInvalid),
    };
    encrypt(algorithm, Mode::Cbc, bases, iv, data, wanted)
}

fn encrypt(
    algorithm: &Algorithm,
    mode: Mode,
    bases: &Bases<'_>,
    iv: &[u8],
    data: &[u8],
    wanted: &Wanted,
) -> Result<Secret> {
    if data.is_empty() || data.len() % algorithm.block != 0 {
        return Err(Error::MechanismParamInvalid);
    }
    let len = wanted.len_within(data.len())?;
    let mut out = Secret::zeroed(data.len());
    let mut context = algorithm.keyed(bases.key, mode, Direction::Encrypt)?;
    context.restart(iv).and_then(|()| context.update(data, out.as_mut())).map_err(failed)?;
    out.truncate(len);
    Ok(out)
}
