//! Encapsulation by Diffie-Hellman (PKCS#11 3.2 sections 6.4.6 and 6.4.11): a pair is made for this one key, and its
//! public value, padded to the prime, is the ciphertext.

use super::{Kem, Wanted};
use crate::mechanism::derive::dh::After;
use crate::mechanism::key::{Key, dl};
use crate::mechanism::{Parameter, Row, failed};
use crate::{Error, Result};
use sealhsm_secret::Secret;
use std::sync::Arc;

/// CKM_DH_PKCS_DERIVE, CKM_X9_42_DH_DERIVE.
pub const AGREEMENT: Kem =
    Kem { ciphertext_len: |key| Ok(key.dh()?.0.prime_len()), encapsulate, decapsulate, hides: true };

/// The parameter says nothing of the other side: that is the key or the ciphertext.
fn after<'a>(parameter: &Parameter<'a>) -> Result<After<'a>> {
    match parameter {
        Parameter::None => Ok(After::Cut),
        Parameter::X942Dh1 { public: [], .. } => After::of(parameter),
        _ => Err(Error::MechanismParamInvalid),
    }
}

fn encapsulate(_: &Row, key: &Arc<Key>, parameter: &Parameter<'_>, wanted: &Wanted) -> Result<(Secret, Vec<u8>)> {
    let after = after(parameter)?;
    let (group, peer) = key.dh()?;
    let private = group.generate(None).map_err(failed)?;
    let public = group.public_of(private.as_ref()).map_err(failed)?;
    let ciphertext = [vec![0; group.prime_len() - public.len()], public].concat();
    Ok((after.agree(group, private.as_ref(), peer.as_ref(), wanted)?, ciphertext))
}

fn decapsulate(
    _: &Row,
    key: &Arc<Key>,
    parameter: &Parameter<'_>,
    ciphertext: &[u8],
    wanted: &Wanted,
) -> Result<Secret> {
    let after = after(parameter)?;
    let (group, private) = key.dh()?;
    if ciphertext.len() != group.prime_len() {
        return Err(Error::EncryptedDataLenRange);
    }
    let wrong = |error| if error == Error::PublicKeyInvalid { Error::EncryptedDataInvalid } else { error };
    let peer = dl::peer(group, ciphertext).map_err(wrong)?;
    after.agree(group, private.as_ref(), &peer, wanted).map_err(wrong)
}
