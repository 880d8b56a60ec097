//! A wrapped key that is nothing but its encryption: the row's own cipher does it. Block modes without padding of their
//! own fill up with zeros (PKCS#11 3.2 sections 6.10.5 and 6.10.6).

use super::{Holds, Sink, Wanted, Wrapping, put};
use crate::mechanism::key::{self, Key};
use crate::mechanism::{Parameter, Row};
use crate::{Error, Result};
use sealhsm_crypto::cipher::Direction;
use sealhsm_secret::Secret;
use std::sync::Arc;

/// For ciphers that take any length.
pub const WHOLE: Wrapping = Wrapping { holds: Holds::Keys, sealed: |_| false, wrap: encrypt, unwrap };

/// For modes that take whole blocks of so many bytes.
pub const fn zero_padded<const BLOCK: usize>() -> Wrapping {
    Wrapping { holds: Holds::Secrets, sealed: |_| false, wrap: wrap_padded::<BLOCK>, unwrap: unwrap_padded::<BLOCK> }
}

/// One message through the row's cipher, straight to where it goes if there is room for the most that it can be.
pub(in crate::mechanism) fn encrypt(
    row: &Row,
    key: &Arc<Key>,
    parameter: &Parameter<'_>,
    plain: &[u8],
    out: Sink<'_>,
) -> Result<usize> {
    let make = || row.encrypt.ok_or(Error::MechanismInvalid)?(key);
    key.with_cipher(row.mechanism, Direction::Encrypt, make, |cipher| {
        cipher.start(parameter)?;
        let most = cipher.output_len(plain.len(), true);
        let len = match out {
            Some(out) if out.len() >= most => cipher.once(plain, &mut out[..most])?,
            out => {
                let mut wrapped = vec![0; most];
                let len = cipher.once(plain, &mut wrapped)?;
                put(&wrapped[..len], out)?
            }
        };
        cipher.forget(false)?;
        Ok(len)
    })
}

/// The reverse.
pub(in crate::mechanism) fn decrypt(
    row: &Row,
    key: &Arc<Key>,
    parameter: &Parameter<'_>,
    wrapped: &[u8],
) -> Result<Secret> {
    let make = || row.decrypt.ok_or(Error::MechanismInvalid)?(key);
    key.with_cipher(row.mechanism, Direction::Decrypt, make, |cipher| {
        cipher.start(parameter)?;
        let mut plain = Secret::zeroed(cipher.output_len(wrapped.len(), true));
        let len = cipher.once(wrapped, plain.as_mut())?;
        cipher.forget(true)?;
        plain.truncate(len);
        Ok(plain)
    })
}

fn unwrap(row: &Row, key: &Arc<Key>, parameter: &Parameter<'_>, wrapped: &[u8], _: &Wanted) -> Result<Secret> {
    decrypt(row, key, parameter, wrapped)
}

fn wrap_padded<const BLOCK: usize>(
    row: &Row,
    key: &Arc<Key>,
    parameter: &Parameter<'_>,
    plain: &[u8],
    out: Sink<'_>,
) -> Result<usize> {
    if plain.len() % BLOCK == 0 {
        return encrypt(row, key, parameter, plain, out);
    }
    let mut padded = Secret::zeroed(plain.len().next_multiple_of(BLOCK));
    padded.as_mut()[..plain.len()].copy_from_slice(plain);
    encrypt(row, key, parameter, padded.as_ref(), out)
}

/// Without CKA_VALUE_LEN all of it is the key, except where keys of this type have one length.
fn unwrap_padded<const BLOCK: usize>(
    row: &Row,
    key: &Arc<Key>,
    parameter: &Parameter<'_>,
    wrapped: &[u8],
    wanted: &Wanted,
) -> Result<Secret> {
    let mut plain = decrypt(row, key, parameter, wrapped)?;
    if let Some(len) = wanted.len.or(key::only_secret_len(wanted.key_type)) {
        // Nothing but the padding may be cut off: a shortened key could be found by trial, and the next part after it.
        if len.checked_next_multiple_of(BLOCK) != Some(plain.len()) {
            return Err(Error::EncryptedDataInvalid);
        }
        if plain.as_ref()[len..].iter().fold(0, |all, byte| all | byte) != 0 {
            return Err(Error::EncryptedDataInvalid);
        }
        plain.truncate(len);
    }
    Ok(plain)
}
