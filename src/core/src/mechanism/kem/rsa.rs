//! Encapsulation with RSA keys: a random key, encrypted with the paddings of RFC 8017, or without one as a number that is
//! random itself (RSASVE, NIST SP 800-56B section 7.2.1).

use super::{Kem, Wanted};
use crate::mechanism::key::{self, Key, rsa};
use crate::mechanism::wrapping::encrypted::encrypt;
use crate::mechanism::{Parameter, Row, failed, wrapping};
use crate::{Error, Result};
use sealhsm_crypto::kem::{self, Scheme};
use sealhsm_crypto::operation::Purpose;
use sealhsm_secret::Secret;
use std::sync::Arc;

/// CKM_RSA_PKCS. What does not decrypt gives a random key and no error, as it does in unwrapping.
pub const PKCS1: Kem = Kem { ciphertext_len, encapsulate, decapsulate: wrapping::rsa::PKCS1.unwrap, hides: true };

/// CKM_RSA_PKCS_OAEP.
pub const OAEP: Kem = Kem { ciphertext_len, encapsulate, decapsulate: decapsulate_oaep, hides: true };

/// CKM_RSA_X_509. Whoever multiplies the ciphertext multiplies the number.
pub const RSASVE: Kem =
    Kem { ciphertext_len, encapsulate: encapsulate_number, decapsulate: decapsulate_number, hides: false };

fn ciphertext_len(key: &Key) -> Result<usize> {
    Ok(rsa::bytes(key.rsa()?.1))
}

fn encapsulate(row: &Row, key: &Arc<Key>, parameter: &Parameter<'_>, wanted: &Wanted) -> Result<(Secret, Vec<u8>)> {
    let mut secret = Secret::zeroed(wanted.len_or(None)?);
    sealhsm_crypto::random::private(secret.as_mut()).map_err(failed)?;
    let mut ciphertext = vec![0; ciphertext_len(key)?];
    encrypt(row, key, parameter, secret.as_ref(), Some(&mut ciphertext)).map_err(|error| match error {
        Error::DataLenRange => Error::KeySizeRange,
        error => error,
    })?;
    Ok((secret, ciphertext))
}

fn decapsulate_oaep(
    row: &Row,
    key: &Arc<Key>,
    parameter: &Parameter<'_>,
    ciphertext: &[u8],
    wanted: &Wanted,
) -> Result<Secret> {
    let secret = (wrapping::rsa::OAEP.unwrap)(row, key, parameter, ciphertext, wanted)?;
    let fits = wanted.len.is_none_or(|len| len == secret.len()) && key::is_secret_len(wanted.key_type, secret.len());
    if fits { Ok(secret) } else { Err(Error::EncryptedDataInvalid) }
}

/// What is too much is cut off at the front.
fn cut(number: &Secret, len: usize) -> Secret {
    Secret::copy_of(&number.as_ref()[number.len() - len..])
}

fn encapsulate_number(
    _: &Row,
    key: &Arc<Key>,
    parameter: &Parameter<'_>,
    wanted: &Wanted,
) -> Result<(Secret, Vec<u8>)> {
    parameter.none()?;
    let most = ciphertext_len(key)?;
    let len = wanted.len_within(most)?;
    let key = key.rsa_for(Purpose::Encrypt)?.0;
    let (number, ciphertext) = kem::encapsulate(key, Scheme::Rsasve, most, most).map_err(failed)?;
    Ok((cut(&number, len), ciphertext))
}

fn decapsulate_number(
    _: &Row,
    key: &Arc<Key>,
    parameter: &Parameter<'_>,
    ciphertext: &[u8],
    wanted: &Wanted,
) -> Result<Secret> {
    parameter.none()?;
    let most = ciphertext_len(key)?;
    let len = wanted.len_within(most)?;
    if ciphertext.len() != most {
        return Err(Error::EncryptedDataLenRange);
    }
    let number = kem::decapsulate(key.rsa()?.0, Scheme::Rsasve, most, ciphertext).map_err(failed)?;
    Ok(cut(&number.ok_or(Error::EncryptedDataInvalid)?, len))
}
