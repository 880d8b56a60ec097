//! Encapsulation by key agreement (PKCS#11 3.2 sections 6.3.16 and 6.3.17): a pair is made for this one key, and its
//! public half is the ciphertext.

use super::{Kem, Wanted};
use crate::mechanism::derive::agreement::{After, half};
use crate::mechanism::key::{Key, curve};
use crate::mechanism::{Parameter, Row, failed};
use crate::{Error, Result};
use sealhsm_crypto::curve::Shape;
use sealhsm_secret::Secret;
use std::sync::Arc;

/// CKM_ECDH1_DERIVE, CKM_ECDH1_COFACTOR_DERIVE.
pub const AGREEMENT: Kem = Kem { ciphertext_len, encapsulate, decapsulate, hides: true };

fn ciphertext_len(key: &Key) -> Result<usize> {
    let curve = half(key)?.1;
    Ok(if curve.shape == Shape::Weierstrass { 1 + 2 * curve.len } else { curve.len })
}

/// The parameter says nothing of the other side: that is the key or the ciphertext.
fn after<'a>(parameter: &Parameter<'a>) -> Result<After<'a>> {
    match parameter {
        Parameter::Ecdh1 { public: [], .. } => After::of(parameter),
        _ => Err(Error::MechanismParamInvalid),
    }
}

fn encapsulate(_: &Row, key: &Arc<Key>, parameter: &Parameter<'_>, wanted: &Wanted) -> Result<(Secret, Vec<u8>)> {
    let after = after(parameter)?;
    let (peer, curve) = half(key)?;
    let (private, public) = curve.generate_key().map_err(failed)?;
    Ok((after.agree(&private, curve, peer, wanted)?, public))
}

fn decapsulate(
    _: &Row,
    key: &Arc<Key>,
    parameter: &Parameter<'_>,
    ciphertext: &[u8],
    wanted: &Wanted,
) -> Result<Secret> {
    let after = after(parameter)?;
    let (key, curve) = half(key)?;
    if !curve::is_point_len(curve, ciphertext) {
        return Err(Error::EncryptedDataLenRange);
    }
    let wrong = |error| if error == Error::PublicKeyInvalid { Error::EncryptedDataInvalid } else { error };
    let peer = curve::peer(curve, ciphertext).map_err(wrong)?;
    after.agree(key, curve, &peer, wanted).map_err(wrong)
}
