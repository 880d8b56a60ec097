//! EdDSA (RFC 8032) with its keys, and keys of Montgomery curves (RFC 7748): rows and the scheme.

use super::key::{Key, curve};
use super::scheme::{Collected, Scheme};
use super::{Parameter, Row, Shape, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::curve::{Curve, Shape as Kind};
use sealhsm_crypto::operation::{Operation, Purpose};
use sealhsm_crypto::pkey;
use std::ffi::CStr;
use std::sync::Arc;

/// Bits of the curves.
pub(super) const SIZES: (u64, u64) = (255, 448);
/// Points on them have one form.
pub(super) const FLAGS: u64 = ck::CKF_EC_F_P | ck::CKF_EC_OID | ck::CKF_EC_CURVENAME;
const EDWARDS: &[u64] = &[ck::CKK_EC_EDWARDS];
const MONTGOMERY: &[u64] = &[ck::CKK_EC_MONTGOMERY];

pub(super) static ROWS: &[Row] = &[
    row!(CKM_EC_EDWARDS_KEY_PAIR_GEN {
        sizes: SIZES,
        key_types: EDWARDS,
        extra_flags: FLAGS,
        generate_pair: Some(|parameter, public, private| curve::generate(
            Kind::Edwards,
            Curve::generate,
            parameter,
            public,
            private
        )),
    }),
    row!(CKM_EC_MONTGOMERY_KEY_PAIR_GEN {
        sizes: SIZES,
        key_types: MONTGOMERY,
        extra_flags: FLAGS,
        generate_pair: Some(|parameter, public, private| curve::generate(
            Kind::Montgomery,
            Curve::generate,
            parameter,
            public,
            private
        )),
    }),
    row!(CKM_EDDSA {
        sizes: SIZES,
        key_types: EDWARDS,
        parameter: Shape::EddsaOrNone,
        extra_flags: FLAGS,
        sign: Some(|key| Ok(Box::new(Collected::new(Eddsa::new(key, Purpose::Sign)?)))),
        verify: Some(|key| Ok(Box::new(Collected::new(Eddsa::new(key, Purpose::Verify)?)))),
        // GnuTLS 3.7 generates with the signature mechanism.
        generate_pair: Some(|parameter, public, private| curve::generate(
            Kind::Edwards,
            Curve::generate,
            parameter,
            public,
            private
        )),
    }),
];

/// EdDSA in the variant that the parameter asks for.
struct Eddsa {
    /// Not the whole key: that keeps this engine when it is at rest.
    key: pkey::Key,
    curve: &'static Curve,
    purpose: Purpose,
    /// What is set up: prehash, context, and the operation.
    present: Option<(bool, Vec<u8>, Operation)>,
}

impl Eddsa {
    fn new(key: &Arc<Key>, purpose: Purpose) -> Result<Self> {
        let (key, curve) = key.curve(Kind::Edwards)?;
        Ok(Self { key: key.share(), curve, purpose, present: None })
    }

    fn operation(&mut self) -> Result<&mut Operation> {
        self.present.as_mut().map(|(_, _, operation)| operation).ok_or(Error::General)
    }
}

/// OpenSSL's name of a variant. Ed25519ctx is for contexts that are not empty (RFC 8032 section 8.3).
fn variant(bits: u64, prehash: bool, context: &[u8]) -> &'static CStr {
    match (bits, prehash, context.is_empty()) {
        (255, false, true) => c"ED25519",
        (255, false, false) => c"ED25519ctx",
        (255, true, _) => c"ED25519ph",
        (_, false, _) => c"ED448",
        (_, true, _) => c"ED448ph",
    }
}

impl Scheme for Eddsa {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        let (prehash, context) = match *parameter {
            Parameter::None => (false, &[][..]),
            Parameter::Eddsa { prehash, context } if context.len() <= 255 => (prehash, context),
            _ => return Err(Error::MechanismParamInvalid),
        };
        if self.present.as_ref().is_some_and(|(p, c, _)| *p == prehash && c == context) {
            return Ok(());
        }
        let name = variant(self.curve.bits, prehash, context);
        let operation = Operation::of_messages(&self.key, self.purpose, name, context).map_err(failed)?;
        self.present = Some((prehash, context.to_vec(), operation));
        Ok(())
    }

    fn signature_len(&self) -> usize {
        2 * self.curve.len
    }

    fn sign(&mut self, data: &[u8], signature: &mut [u8]) -> Result<usize> {
        self.operation()?.sign(data, signature).map_err(failed)
    }

    fn verify(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        if signature.len() != self.signature_len() {
            return Err(Error::SignatureLenRange);
        }
        if self.operation()?.verify(data, signature) { Ok(()) } else { Err(Error::SignatureInvalid) }
    }
}
