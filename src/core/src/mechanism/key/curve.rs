//! Keys on elliptic curves of every shape: CKA_EC_PARAMS, CKA_EC_POINT and CKA_VALUE in the forms in which clients
//! send them, and in the one form in which they are kept.

use super::{Material, computed, given, is_private, required};
use crate::attribute::{Attributes, Value};
use crate::mechanism::{Parameter, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::curve::{self, Curve, Shape};
use sealhsm_crypto::{der, pkey};
use sealhsm_secret::Secret;

/// The shape of the curves of a key type.
const SHAPES: &[(u64, Shape)] = &[
    (ck::CKK_EC, Shape::Weierstrass),
    (ck::CKK_EC_EDWARDS, Shape::Edwards),
    (ck::CKK_EC_MONTGOMERY, Shape::Montgomery),
];

/// What pkcs11-tool (OpenSC) sends for `EC:curve25519`: the name, counted one byte too long.
const CURVE25519_OF_OPENSC: &[u8] = b"\x13\x0bcurve25519";

/// The curve that CKA_EC_PARAMS names by OID or by name, or writes out. `CurveNotSupported`: another curve, or one of
/// another shape; `DomainParamsInvalid`: not parameters at all.
fn named(params: &[u8], shape: Shape) -> Result<&'static Curve> {
    let found = if der::whole(der::OID, params).is_some() {
        curve::all().iter().find(|curve| curve.oid == params)
    } else if let Some(name) = der::whole(der::PRINTABLE_STRING, params) {
        let is = |known: &&str| known.as_bytes().eq_ignore_ascii_case(name);
        curve::all().iter().find(|curve| curve.names.iter().any(is))
    } else if params == CURVE25519_OF_OPENSC {
        curve::all().iter().find(|curve| curve.names.contains(&"curve25519"))
    } else if der::whole(der::SEQUENCE, params).is_some() {
        curve::explicit(params).map_err(failed)?.ok_or(Error::DomainParamsInvalid)?
    } else {
        return Err(Error::DomainParamsInvalid);
    };
    found.filter(|curve| curve.shape == shape).ok_or(Error::CurveNotSupported)
}

pub(super) fn of_key(key: &Attributes) -> Result<&'static Curve> {
    let key_type = key.ulong(ck::CKA_KEY_TYPE);
    let shape = SHAPES.iter().find(|(of, _)| Some(*of) == key_type).ok_or(Error::General)?.1;
    named(required(key, ck::CKA_EC_PARAMS)?, shape)
}

/// Whether bytes are as long as a public key, raw or in an OCTET STRING.
pub fn is_point_len(curve: &Curve, bytes: &[u8]) -> bool {
    let inner = der::whole(der::OCTET_STRING, bytes);
    curve.is_public_len(bytes.len()) || inner.is_some_and(|inner| curve.is_public_len(inner.len()))
}

/// The public key in CKA_EC_POINT: raw or in an OCTET STRING, told apart by the exact length.
pub fn point(curve: &Curve, bytes: &[u8]) -> Result<Vec<u8>> {
    let raw = if curve.is_public_len(bytes.len()) { Some(bytes) } else { der::whole(der::OCTET_STRING, bytes) };
    let point = raw.map(|raw| curve.public(raw)).transpose().map_err(failed)?.flatten();
    point.ok_or(Error::PublicKeyInvalid)
}

/// The same, usable for an agreement.
pub fn peer(curve: &Curve, bytes: &[u8]) -> Result<pkey::Key> {
    curve.public_key(&point(curve, bytes)?).map_err(failed)
}

pub(super) fn open(key: &Attributes) -> Result<Material> {
    let curve = of_key(key)?;
    let opened = if is_private(key) {
        curve.private_key(required(key, ck::CKA_VALUE)?)
    } else {
        let encoded = required(key, ck::CKA_EC_POINT)?;
        curve.public_key(der::whole(der::OCTET_STRING, encoded).ok_or(Error::PublicKeyInvalid)?)
    };
    Ok(Material::Curve { key: opened.map_err(failed)?, curve })
}

pub(super) fn complete(key: &mut Attributes) -> Result<()> {
    let curve = of_key(key)?;
    key.set_bytes(ck::CKA_EC_PARAMS, curve.oid);
    let public = match given(key, ck::CKA_EC_POINT) {
        // Our own generation wrote it.
        Some(encoded) if key.is(ck::CKA_LOCAL) => {
            der::whole(der::OCTET_STRING, encoded).ok_or(Error::General)?.to_vec()
        }
        told => {
            let told = told.map(|told| point(curve, told)).transpose()?;
            if is_private(key) {
                let private = curve.private(required(key, ck::CKA_VALUE)?).map_err(failed)?;
                let private = private.ok_or(Error::AttributeValueInvalid)?;
                let public = curve.public_of(&private).map_err(failed)?;
                if told.is_some_and(|told| told != public) {
                    return Err(Error::AttributeValueInvalid);
                }
                key.set_secret(ck::CKA_VALUE, private);
                public
            } else {
                told.ok_or(Error::TemplateIncomplete)?
            }
        }
    };
    key.set_bytes(ck::CKA_EC_POINT, der::element(der::OCTET_STRING, &[&public]));
    computed(key, ck::CKA_PUBLIC_KEY_INFO, Value::Bytes(curve.public_key_info(&public)))
}

/// Makes a private key and its public key.
pub type Make = fn(&Curve) -> sealhsm_crypto::Result<(Secret, Vec<u8>)>;

/// The generation mechanisms: CKA_EC_PARAMS stands in the public template, and may be repeated in the private one.
pub fn generate(
    shape: Shape,
    make: Make,
    parameter: &Parameter<'_>,
    public: &Attributes,
    private: &Attributes,
) -> Result<(Attributes, Attributes)> {
    parameter.none()?;
    let curve = named(required(public, ck::CKA_EC_PARAMS)?, shape)?;
    if let Some(repeated) = given(private, ck::CKA_EC_PARAMS) {
        if named(repeated, shape)? != curve {
            return Err(Error::TemplateInconsistent);
        }
    }
    let (value, point) = make(curve).map_err(failed)?;
    let mut halves = (Attributes::new(), Attributes::new());
    for half in [&mut halves.0, &mut halves.1] {
        half.set_bytes(ck::CKA_EC_PARAMS, curve.oid);
        half.set_bytes(ck::CKA_EC_POINT, der::element(der::OCTET_STRING, &[&point]));
    }
    halves.1.set_secret(ck::CKA_VALUE, value);
    Ok(halves)
}
