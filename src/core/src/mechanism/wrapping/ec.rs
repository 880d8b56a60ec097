//! Keys under keys on curves (PKCS#11 3.2 sections 6.3.20 to 6.3.22): a pair is made for this one key, what it agrees
//! upon with the wrapping key becomes an AES key, and the wrapped key is the new public key ‖ RFC 5649 under that.

use super::aes::KWP;
use super::{Holds, Sink, Wanted, Wrapping, put};
use crate::mechanism::derive::agreement::{After, half};
use crate::mechanism::key::{Key, curve};
use crate::mechanism::{Parameter, Row, Shape, ec, edwards, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::curve::{Curve, Shape as Kind};
use sealhsm_secret::Secret;
use std::sync::Arc;

const WRAPPING: Wrapping = Wrapping { holds: Holds::Keys, sealed: |_| true, wrap, unwrap };

pub(in crate::mechanism) static ROWS: &[Row] = &[
    row!(CKM_ECDH_AES_KEY_WRAP {
        sizes: ec::SIZES,
        key_types: &[ck::CKK_EC],
        parameter: Shape::EcdhAesKeyWrap,
        extra_flags: ec::FLAGS,
        wrapping: Some(WRAPPING),
    }),
    // The curves here have a cofactor of 1: there is no difference.
    row!(CKM_ECDH_COF_AES_KEY_WRAP {
        sizes: ec::SIZES,
        key_types: &[ck::CKK_EC],
        parameter: Shape::EcdhAesKeyWrap,
        extra_flags: ec::FLAGS,
        wrapping: Some(WRAPPING),
    }),
    row!(CKM_ECDH_X_AES_KEY_WRAP {
        sizes: edwards::SIZES,
        key_types: &[ck::CKK_EC_MONTGOMERY],
        parameter: Shape::EcdhAesKeyWrap,
        extra_flags: edwards::FLAGS,
        wrapping: Some(WRAPPING),
    }),
];

/// What becomes of the agreement, and the AES key that is wanted.
fn parts<'a>(parameter: &Parameter<'a>) -> Result<(After<'a>, Wanted)> {
    let Parameter::EcdhAesKeyWrap { aes_bits, kdf, shared } = *parameter else {
        return Err(Error::MechanismParamInvalid);
    };
    let len = match aes_bits {
        128 | 192 | 256 => Some(aes_bits as usize / 8),
        _ => return Err(Error::MechanismParamInvalid),
    };
    let after = After::of(&Parameter::Ecdh1 { kdf, shared, public: &[] })?;
    Ok((after, Wanted { class: ck::CKO_SECRET_KEY, key_type: ck::CKK_AES, len }))
}

fn wrap(_: &Row, key: &Arc<Key>, parameter: &Parameter<'_>, plain: &[u8], out: Sink<'_>) -> Result<usize> {
    let (after, wanted) = parts(parameter)?;
    let (peer, curve) = half(key)?;
    let (private, mut wrapped) = curve.generate_key().map_err(failed)?;
    let aes = after.agree(&private, curve, peer, &wanted)?;
    wrapped.extend(KWP.wrap_with(aes.as_ref(), None, plain)?);
    put(&wrapped, out)
}

/// Bytes of the public key at the beginning.
fn point_len(curve: &Curve) -> usize {
    if curve.shape == Kind::Weierstrass { 1 + 2 * curve.len } else { curve.len }
}

fn unwrap(_: &Row, key: &Arc<Key>, parameter: &Parameter<'_>, wrapped: &[u8], _: &Wanted) -> Result<Secret> {
    let (after, wanted) = parts(parameter)?;
    let (key, curve) = half(key)?;
    let (point, inner) = wrapped.split_at_checked(point_len(curve)).ok_or(Error::EncryptedDataLenRange)?;
    let wrong = |error| if error == Error::PublicKeyInvalid { Error::EncryptedDataInvalid } else { error };
    let peer = curve::peer(curve, point).map_err(wrong)?;
    let aes = after.agree(key, curve, &peer, &wanted).map_err(wrong)?;
    KWP.unwrap_with(aes.as_ref(), None, inner)
}
