//! ML-KEM (FIPS 203; PKCS#11 3.2 section 6.68). A ciphertext that nobody made gives a key that nobody knows.

use super::{Kem, Wanted};
use crate::mechanism::key::Key;
use crate::mechanism::{Parameter, Row, failed};
use crate::{Error, Result};
use sealhsm_crypto::kem::{self, Scheme};
use sealhsm_crypto::pq::SHARED_SECRET;
use sealhsm_secret::Secret;
use std::sync::Arc;

/// CKM_ML_KEM.
pub const LATTICE: Kem = Kem { ciphertext_len: |key| Ok(key.pq()?.1.output), encapsulate, decapsulate, hides: true };

/// The shared secret is the value of the key, whole.
fn check(parameter: &Parameter<'_>, wanted: &Wanted) -> Result<()> {
    parameter.none()?;
    if wanted.len_or(Some(SHARED_SECRET))? == SHARED_SECRET { Ok(()) } else { Err(Error::KeySizeRange) }
}

fn encapsulate(_: &Row, key: &Arc<Key>, parameter: &Parameter<'_>, wanted: &Wanted) -> Result<(Secret, Vec<u8>)> {
    check(parameter, wanted)?;
    let (key, set) = key.pq()?;
    kem::encapsulate(key, Scheme::OfKey, SHARED_SECRET, set.output).map_err(failed)
}

fn decapsulate(
    _: &Row,
    key: &Arc<Key>,
    parameter: &Parameter<'_>,
    ciphertext: &[u8],
    wanted: &Wanted,
) -> Result<Secret> {
    check(parameter, wanted)?;
    let (key, set) = key.pq()?;
    if ciphertext.len() != set.output {
        return Err(Error::EncryptedDataLenRange);
    }
    let secret = kem::decapsulate(key, Scheme::OfKey, SHARED_SECRET, ciphertext).map_err(failed)?;
    secret.ok_or(Error::EncryptedDataInvalid)
}
