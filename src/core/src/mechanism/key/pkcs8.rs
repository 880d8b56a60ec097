//! Private keys as PrivateKeyInfo (PKCS #8, RFC 5958): RSA (RFC 8017 appendix A.1.2), curves (RFC 5915, RFC 8410),
//! ML-DSA, SLH-DSA and ML-KEM (RFC 9881, RFC 9909, RFC 9935), discrete logarithms (as their public keys, RFC 3279).
//! From attributes to DER and back; whether the numbers belong together is checked by `complete` afterwards.

use super::{Attributes, Error, Result, pss, required};
use crate::attribute::Type;
use cryptoki_sys as ck;
use sealhsm_crypto::curve::{self, Curve, Shape};
use sealhsm_crypto::der;
use sealhsm_secret::Secret;

pub(super) const RSA_ENCRYPTION: &[u8] = &[der::OID, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
pub(super) const EC_PUBLIC_KEY: &[u8] = &[der::OID, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
/// The NULL of an AlgorithmIdentifier without parameters.
pub(super) const NOTHING: &[u8] = &[der::NULL, 0];
/// Context-specific, constructed: `[0]` and `[1]`.
const PARAMETERS: u8 = 0xa0;
const PUBLIC_KEY: u8 = 0xa1;
/// What may follow in a PrivateKeyInfo: attributes `[0]`, and in version 2 a public key `[1]`, which is not looked at.
const ATTRIBUTES: u8 = 0xa0;
const PUBLIC_KEY_BITS: u8 = 0x81;

/// The numbers of an RSAPrivateKey after its version, in their order.
const RSA_NUMBERS: [Type; 8] = [
    ck::CKA_MODULUS,
    ck::CKA_PUBLIC_EXPONENT,
    ck::CKA_PRIVATE_EXPONENT,
    ck::CKA_PRIME_1,
    ck::CKA_PRIME_2,
    ck::CKA_EXPONENT_1,
    ck::CKA_EXPONENT_2,
    ck::CKA_COEFFICIENT,
];

/// The key of complete attributes.
pub fn encode(key: &Attributes) -> Result<Secret> {
    let (algorithm, inner) = match key.ulong(ck::CKA_KEY_TYPE) {
        Some(ck::CKK_RSA) => (der::element(der::SEQUENCE, &[RSA_ENCRYPTION, NOTHING]), rsa(key)?),
        Some(ck::CKK_EC) => {
            (der::element(der::SEQUENCE, &[EC_PUBLIC_KEY, required(key, ck::CKA_EC_PARAMS)?]), ec(key)?)
        }
        Some(ck::CKK_EC_EDWARDS | ck::CKK_EC_MONTGOMERY) => (
            der::element(der::SEQUENCE, &[required(key, ck::CKA_EC_PARAMS)?]),
            der::secret(der::OCTET_STRING, &[required(key, ck::CKA_VALUE)?]),
        ),
        Some(ck::CKK_ML_KEM | ck::CKK_ML_DSA | ck::CKK_SLH_DSA) => super::pq::to_pkcs8(key)?,
        Some(ck::CKK_DH | ck::CKK_X9_42_DH | ck::CKK_DSA) => super::dl::to_pkcs8(key)?,
        _ => return Err(Error::KeyNotWrappable),
    };
    let inner = der::secret(der::OCTET_STRING, &[inner.as_ref()]);
    Ok(der::secret(der::SEQUENCE, &[&der::integer(&[]), &algorithm, inner.as_ref()]))
}

fn rsa(key: &Attributes) -> Result<Secret> {
    let mut numbers = vec![Secret::from(der::integer(&[]))];
    for of in RSA_NUMBERS {
        numbers.push(Secret::from(der::integer(required(key, of)?)));
    }
    let numbers: Vec<&[u8]> = numbers.iter().map(AsRef::as_ref).collect();
    Ok(der::secret(der::SEQUENCE, &numbers))
}

fn ec(key: &Attributes) -> Result<Secret> {
    let value = der::secret(der::OCTET_STRING, &[required(key, ck::CKA_VALUE)?]);
    let point = der::whole(der::OCTET_STRING, required(key, ck::CKA_EC_POINT)?).ok_or(Error::General)?;
    let public = der::element(PUBLIC_KEY, &[&der::element(der::BIT_STRING, &[&[0], point])]);
    Ok(der::secret(der::SEQUENCE, &[&der::integer(&[1]), value.as_ref(), &public]))
}

/// The attributes that the bytes of a key of this type give; `None`: they are no such key.
pub fn decode(bytes: &[u8], key_type: u64) -> Option<Attributes> {
    let (algorithm, inner) = parts(bytes)?;
    match key_type {
        ck::CKK_RSA => {
            let parameters = algorithm.strip_prefix(RSA_ENCRYPTION)?;
            (parameters.is_empty() || parameters == NOTHING).then(|| decode_rsa(inner))?
        }
        ck::CKK_EC => decode_ec(algorithm.strip_prefix(EC_PUBLIC_KEY)?, inner),
        ck::CKK_EC_EDWARDS => decode_raw(algorithm, inner, Shape::Edwards),
        ck::CKK_EC_MONTGOMERY => decode_raw(algorithm, inner, Shape::Montgomery),
        ck::CKK_ML_KEM | ck::CKK_ML_DSA | ck::CKK_SLH_DSA => super::pq::of_pkcs8(key_type, algorithm, inner),
        ck::CKK_DH | ck::CKK_X9_42_DH | ck::CKK_DSA => super::dl::of_pkcs8(key_type, algorithm, inner),
        _ => None,
    }
}

/// The contents of the algorithm's sequence and those of the key's octet string.
fn parts(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let all = der::whole(der::SEQUENCE, bytes)?;
    let (version, rest) = der::read(der::INTEGER, all)?;
    let (algorithm, rest) = der::read(der::SEQUENCE, rest)?;
    let (inner, rest) = der::read(der::OCTET_STRING, rest)?;
    let rest = skip(PUBLIC_KEY_BITS, skip(ATTRIBUTES, rest));
    (matches!(version, [0 | 1]) && rest.is_empty()).then_some((algorithm, inner))
}

/// The same where the bytes themselves say of which type the key is; CKA_CLASS and CKA_KEY_TYPE are among the
/// attributes. A key for RSASSA-PSS alone comes with its CKA_ALLOWED_MECHANISMS.
pub fn decode_any(bytes: &[u8]) -> Option<Attributes> {
    let of_type = super::pair_types().find_map(|of| Some((of, decode(bytes, of)?)));
    let pss = || parts(bytes).and_then(|(algorithm, inner)| Some((ck::CKK_RSA, pss::of_pkcs8(algorithm, inner)?)));
    let (key_type, mut key) = of_type.or_else(pss)?;
    key.set_ulong(ck::CKA_CLASS, ck::CKO_PRIVATE_KEY);
    key.set_ulong(ck::CKA_KEY_TYPE, key_type);
    Some(key)
}

/// Without an element of this tag at its beginning, if there is one.
fn skip(tag: u8, bytes: &[u8]) -> &[u8] {
    der::read(tag, bytes).map_or(bytes, |(_, rest)| rest)
}

/// A natural number.
pub(super) fn number(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (number, rest) = der::read(der::INTEGER, bytes)?;
    let minimal = match number {
        [] => false,
        [0, next, ..] => next & 0x80 != 0,
        [first, ..] => first & 0x80 == 0,
    };
    minimal.then_some((der::strip(number), rest))
}

pub(super) fn decode_rsa(inner: &[u8]) -> Option<Attributes> {
    let all = der::whole(der::SEQUENCE, inner)?;
    let (version, mut rest) = der::read(der::INTEGER, all)?;
    let mut key = Attributes::new();
    for of in RSA_NUMBERS {
        let (found, after) = number(rest)?;
        match of {
            ck::CKA_MODULUS | ck::CKA_PUBLIC_EXPONENT => key.set_bytes(of, found),
            _ => key.set_secret(of, Secret::copy_of(found)),
        }
        rest = after;
    }
    (version == [0] && rest.is_empty()).then_some(key)
}

/// The curve of these parameters: an OID, or all the numbers of a curve that has one.
pub(super) fn known(parameters: &[u8], shape: Shape) -> Option<&'static Curve> {
    let written_out = || curve::explicit(parameters).ok()??.filter(|curve| curve.shape == shape);
    curve::all().iter().find(|curve| curve.shape == shape && curve.oid == parameters).or_else(written_out)
}

fn decode_ec(parameters: &[u8], inner: &[u8]) -> Option<Attributes> {
    let curve = known(parameters, Shape::Weierstrass)?;
    let all = der::whole(der::SEQUENCE, inner)?;
    let (version, rest) = der::read(der::INTEGER, all)?;
    let (value, rest) = der::read(der::OCTET_STRING, rest)?;
    let rest = match der::read(PARAMETERS, rest) {
        Some((repeated, after)) if repeated == parameters => after,
        Some(_) => return None,
        None => rest,
    };
    let mut key = Attributes::new();
    if let Some((public, after)) = der::read(PUBLIC_KEY, rest) {
        let [0, point @ ..] = der::whole(der::BIT_STRING, public)? else { return None };
        key.set_bytes(ck::CKA_EC_POINT, der::element(der::OCTET_STRING, &[point]));
        if !after.is_empty() {
            return None;
        }
    } else if !rest.is_empty() {
        return None;
    }
    key.set_bytes(ck::CKA_EC_PARAMS, curve.oid);
    key.set_secret(ck::CKA_VALUE, Secret::copy_of(value));
    (version == [1] && value.len() == curve.scalar_len).then_some(key)
}

fn decode_raw(algorithm: &[u8], inner: &[u8], shape: Shape) -> Option<Attributes> {
    let curve = known(algorithm, shape)?;
    let value = der::whole(der::OCTET_STRING, inner).filter(|value| value.len() == curve.scalar_len)?;
    let mut key = Attributes::new();
    key.set_bytes(ck::CKA_EC_PARAMS, curve.oid);
    key.set_secret(ck::CKA_VALUE, Secret::copy_of(value));
    Some(key)
}
