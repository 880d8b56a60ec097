//! Keys under RSA keys: PKCS #1 v1.5, OAEP (RFC 8017 section 7), and OAEP around an AES key around the key
//! (PKCS#11 3.2 section 6.1.20).

use super::aes::KWP;
use super::encrypted::{decrypt, encrypt};
use super::{Holds, Sink, Wanted, Wrapping, put};
use crate::mechanism::key::{self, Key, rsa};
use crate::mechanism::{Parameter, Row, failed, row};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::kdf;
use sealhsm_secret::Secret;
use std::sync::Arc;

/// CKM_RSA_PKCS. Not `sealed`: whatever is unwrapped becomes a key.
pub const PKCS1: Wrapping = Wrapping { holds: Holds::Secrets, sealed: |_| false, wrap: encrypt, unwrap: unwrap_pkcs1 };

/// CKM_RSA_PKCS_OAEP. Not `sealed`: it opens the first part of what CKM_RSA_AES_KEY_WRAP made, which gives the key that
/// decrypts the rest.
pub const OAEP: Wrapping = Wrapping {
    holds: Holds::Secrets,
    sealed: |_| false,
    wrap: encrypt,
    unwrap: |row, key, parameter, wrapped, _| decrypt(row, key, parameter, wrapped),
};

/// CKM_RSA_AES_KEY_WRAP.
pub const WITH_AES: Wrapping =
    Wrapping { holds: Holds::Keys, sealed: |_| true, wrap: wrap_with_aes, unwrap: unwrap_with_aes };

/// CKM_RSA_X_509.
pub const RAW: Wrapping = Wrapping { holds: Holds::Secrets, sealed: |_| false, wrap: wrap_raw, unwrap: unwrap_raw };

/// A key is too long as well when it is no number below the modulus.
fn wrap_raw(row: &Row, key: &Arc<Key>, parameter: &Parameter<'_>, plain: &[u8], out: Sink<'_>) -> Result<usize> {
    encrypt(row, key, parameter, plain, out).map_err(|error| match error {
        Error::DataInvalid => Error::DataLenRange,
        error => error,
    })
}

/// Without CKA_VALUE_LEN all of it is the key. With it, nothing but zeros may be cut off: a shortened key could be found
/// by trial, and the next part after it.
fn unwrap_raw(row: &Row, key: &Arc<Key>, parameter: &Parameter<'_>, wrapped: &[u8], wanted: &Wanted) -> Result<Secret> {
    let plain = decrypt(row, key, parameter, wrapped)?;
    let Some(len) = wanted.len else { return Ok(plain) };
    let (zeros, value) = match plain.len().checked_sub(len) {
        Some(at) => plain.as_ref().split_at(at),
        None => return Err(Error::EncryptedDataInvalid),
    };
    let zero = zeros.iter().fold(0, |all, byte| all | byte) == 0;
    if zero { Ok(Secret::copy_of(value)) } else { Err(Error::EncryptedDataInvalid) }
}

/// The length of a key that nobody can be expected to have wrapped, where its type has more than one.
const MADE_UP: usize = 32;

/// The most that HKDF gives; no RSA key wraps as much.
const MOST: usize = 255 * 32;

/// What does not decrypt to a key of a length that fits gives another key and no error: nobody learns from this call
/// whether the padding was right (Bleichenbacher 1998). OpenSSL does the same with the padding itself: it decrypts to
/// bytes that follow from private key and ciphertext. So does the other key, from these bytes: the same wrapped key always
/// gives the same key, or two calls would tell one that is wrong.
fn unwrap_pkcs1(
    row: &Row,
    key: &Arc<Key>,
    parameter: &Parameter<'_>,
    wrapped: &[u8],
    wanted: &Wanted,
) -> Result<Secret> {
    let len = wanted.len.or(key::only_secret_len(wanted.key_type)).unwrap_or(MADE_UP);
    if !(1..=MOST).contains(&len) {
        return Err(Error::EncryptedDataInvalid);
    }
    let plain = decrypt(row, key, parameter, wrapped)?;
    // It may be empty, which is no key to HMAC.
    let mut input = Secret::zeroed(1 + plain.len());
    input.as_mut()[1..].copy_from_slice(plain.as_ref());
    let mut instead = kdf::hkdf_sha256(input.as_ref(), b"", b"SealHSM PKCS #1 unwrapping", len).map_err(failed)?;
    key::adjust_secret(wanted.key_type, instead.as_mut());
    let fits = wanted.len.is_none_or(|len| len == plain.len()) && key::is_secret_value(wanted.key_type, plain.as_ref());
    Ok(if fits { plain } else { instead })
}

/// The OAEP inside, its row, and how many bytes the AES key has.
fn parts<'a>(parameter: &Parameter<'a>) -> Result<(Parameter<'a>, &'static Row, usize)> {
    let Parameter::RsaAesKeyWrap { aes_bits, hash, mgf, source, label } = *parameter else {
        return Err(Error::MechanismParamInvalid);
    };
    let len = match aes_bits {
        128 | 192 | 256 => aes_bits as usize / 8,
        _ => return Err(Error::MechanismParamInvalid),
    };
    let row = row::lookup(ck::CKM_RSA_PKCS_OAEP).ok_or(Error::General)?;
    Ok((Parameter::Oaep { hash, mgf, source, label }, row, len))
}

fn wrap_with_aes(_: &Row, key: &Arc<Key>, parameter: &Parameter<'_>, plain: &[u8], out: Sink<'_>) -> Result<usize> {
    let (oaep, row, len) = parts(parameter)?;
    let mut aes = Secret::zeroed(len);
    sealhsm_crypto::random::private(aes.as_mut()).map_err(failed)?;
    let mut wrapped = vec![0; rsa::bytes(key.rsa()?.1)];
    encrypt(row, key, &oaep, aes.as_ref(), Some(&mut wrapped))?;
    wrapped.extend(KWP.wrap_with(aes.as_ref(), None, plain)?);
    put(&wrapped, out)
}

fn unwrap_with_aes(_: &Row, key: &Arc<Key>, parameter: &Parameter<'_>, wrapped: &[u8], _: &Wanted) -> Result<Secret> {
    let (oaep, row, len) = parts(parameter)?;
    let (outer, inner) = wrapped.split_at_checked(rsa::bytes(key.rsa()?.1)).ok_or(Error::EncryptedDataLenRange)?;
    let mut instead = Secret::zeroed(len);
    sealhsm_crypto::random::private(instead.as_mut()).map_err(failed)?;
    // A wrong outer part is noticed where a wrong inner one is: in the check of the inner one.
    let aes = match decrypt(row, key, &oaep, outer) {
        Ok(aes) if aes.len() == len => aes,
        Ok(_) | Err(Error::EncryptedDataInvalid) => instead,
        Err(error) => return Err(error),
    };
    KWP.unwrap_with(aes.as_ref(), None, inner)
}
