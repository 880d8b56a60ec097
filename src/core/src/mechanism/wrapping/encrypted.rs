//! A wrapped key that is nothing but its encryption: the row's own cipher does it. Block modes without padding of their
//! own fill up with zeros (PKCS#11 3.2 sections 6.10.5 and 6.10.6).

use super::{Holds, Wanted, Wrapping};
use crate::mechanism::key::{self, Key, Spare};
use crate::mechanism::{Parameter, Row};
use crate::{Error, Result};
use sealhsm_secret::Secret;
use std::sync::Arc;

/// For ciphers that take any length.
pub const WHOLE: Wrapping = Wrapping { holds: Holds::Keys, sealed: |_| false, wrap: encrypt, unwrap };

/// For modes that take whole blocks of so many bytes.
pub const fn zero_padded<const BLOCK: usize>() -> Wrapping {
    Wrapping { holds: Holds::Secrets, sealed: |_| false, wrap: wrap_padded::<BLOCK>, unwrap: unwrap_padded::<BLOCK> }
}

/// One message through the row's cipher.
pub(in crate::mechanism) fn encrypt(
    row: &Row,
    key: &Arc<Key>,
    parameter: &Parameter<'_>,
    plain: &[u8],
) -> Result<Vec<u8>> {
    let mut engine = match key.spare(row.mechanism, |spare| matches!(spare, Spare::Encrypt(_))) {
        Some(Spare::Encrypt(engine)) => engine,
        _ => row.encrypt.ok_or(Error::MechanismInvalid)?(key)?,
    };
    engine.start(parameter)?;
    let mut wrapped = vec![0; engine.output_len(plain.len(), true)];
    let len = engine.once(plain, &mut wrapped)?;
    engine.forget(false)?;
    key.keep(row.mechanism, Spare::Encrypt(engine));
    wrapped.truncate(len);
    Ok(wrapped)
}

/// The reverse.
pub(in crate::mechanism) fn decrypt(
    row: &Row,
    key: &Arc<Key>,
    parameter: &Parameter<'_>,
    wrapped: &[u8],
) -> Result<Secret> {
    let mut engine = match key.spare(row.mechanism, |spare| matches!(spare, Spare::Decrypt(_))) {
        Some(Spare::Decrypt(engine)) => engine,
        _ => row.decrypt.ok_or(Error::MechanismInvalid)?(key)?,
    };
    engine.start(parameter)?;
    let mut plain = Secret::zeroed(engine.output_len(wrapped.len(), true));
    let len = engine.once(wrapped, plain.as_mut())?;
    engine.forget(true)?;
    key.keep(row.mechanism, Spare::Decrypt(engine));
    plain.truncate(len);
    Ok(plain)
}

fn unwrap(row: &Row, key: &Arc<Key>, parameter: &Parameter<'_>, wrapped: &[u8], _: &Wanted) -> Result<Secret> {
    decrypt(row, key, parameter, wrapped)
}

fn wrap_padded<const BLOCK: usize>(
    row: &Row,
    key: &Arc<Key>,
    parameter: &Parameter<'_>,
    plain: &[u8],
) -> Result<Vec<u8>> {
    if plain.len() % BLOCK == 0 {
        return encrypt(row, key, parameter, plain);
    }
    let mut padded = Secret::zeroed(plain.len().next_multiple_of(BLOCK));
    padded.as_mut()[..plain.len()].copy_from_slice(plain);
    encrypt(row, key, parameter, padded.as_ref())
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
