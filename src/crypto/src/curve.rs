//! Elliptic curves as rows, and the keys on them: short Weierstrass (FIPS 186-5, RFC 5639), Edwards (RFC 8032) and
//! Montgomery (RFC 7748). A new curve is one row.

mod explicit;

pub use explicit::explicit;

use crate::der;
use crate::params::Params;
use crate::pkey::{Half, Key};
use crate::{Error, Result, init};
use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::ec::{EcGroup, EcKey, EcPoint, PointConversionForm};
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey};
use sealhsm_secret::Secret;
use std::ffi::CString;
use std::sync::OnceLock;

/// The equation, which decides what keys look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// ECDSA and ECDH; points are pairs of coordinates.
    Weierstrass,
    /// EdDSA; keys are byte strings.
    Edwards,
    /// X25519 and X448; keys are byte strings.
    Montgomery,
}

/// One curve.
pub struct Curve {
    /// See [`Shape`].
    pub shape: Shape,
    /// The object identifier in DER, tag included.
    pub oid: &'static [u8],
    /// Names that may stand in place of the OID, in any case; the first one is the best known.
    pub names: &'static [&'static str],
    /// Size of the field in bits, as mechanisms state it.
    pub bits: u64,
    /// Bytes of a coordinate.
    pub len: usize,
    /// Bytes of a private key and of each number of a signature: those of the order, which on a few old curves is one
    /// bit longer than the field.
    pub scalar_len: usize,
    nid: Nid,
    group: OnceLock<EcGroup>,
}

impl PartialEq for Curve {
    fn eq(&self, other: &Self) -> bool {
        self.oid == other.oid
    }
}

impl std::fmt::Debug for Curve {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.names[0])
    }
}

type Oid = &'static [u8];
type Names = &'static [&'static str];

const fn curve(shape: Shape, oid: Oid, names: Names, bits: u64, len: usize, nid: Nid) -> Curve {
    Curve { shape, oid, names, bits, len, scalar_len: len, nid, group: OnceLock::new() }
}

/// A field of this many bits and an order of as many, or of `more` than that.
const fn prime(oid: Oid, names: Names, bits: u64, more: u64, nid: Nid) -> Curve {
    let mut new = curve(Weierstrass, oid, names, bits, bits.div_ceil(8) as usize, nid);
    new.scalar_len = (bits + more).div_ceil(8) as usize;
    new
}

use Shape::{Edwards, Montgomery, Weierstrass};

/// Bits of the smallest and of the largest curve of [`Weierstrass`].
pub const PRIME_BITS: (u64, u64) = (160, 521);

/// Every curve.
static CURVES: [Curve; 34] = [
    prime(&[6, 5, 0x2b, 0x81, 4, 0, 0x21], &["secp224r1", "P-224"], 224, 0, Nid::SECP224R1),
    prime(
        &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
        &["secp256r1", "prime256v1", "P-256"],
        256,
        0,
        Nid::X9_62_PRIME256V1,
    ),
    prime(&[6, 5, 0x2b, 0x81, 4, 0, 0x22], &["secp384r1", "P-384"], 384, 0, Nid::SECP384R1),
    prime(&[6, 5, 0x2b, 0x81, 4, 0, 0x23], &["secp521r1", "P-521"], 521, 0, Nid::SECP521R1),
    prime(&[6, 5, 0x2b, 0x81, 4, 0, 0x0a], &["secp256k1"], 256, 0, Nid::SECP256K1),
    // RFC 5639; the crate has no names for the first two (openssl/obj_mac.h).
    prime(&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 1], &["brainpoolP160r1"], 160, 0, Nid::from_raw(921)),
    prime(&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 2], &["brainpoolP160t1"], 160, 0, Nid::from_raw(922)),
    prime(&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 3], &["brainpoolP192r1"], 192, 0, Nid::BRAINPOOL_P192R1),
    prime(&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 4], &["brainpoolP192t1"], 192, 0, Nid::BRAINPOOL_P192T1),
    prime(&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 5], &["brainpoolP224r1"], 224, 0, Nid::BRAINPOOL_P224R1),
    prime(&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 6], &["brainpoolP224t1"], 224, 0, Nid::BRAINPOOL_P224T1),
    prime(&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 7], &["brainpoolP256r1"], 256, 0, Nid::BRAINPOOL_P256R1),
    prime(&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 8], &["brainpoolP256t1"], 256, 0, Nid::BRAINPOOL_P256T1),
    prime(&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 9], &["brainpoolP320r1"], 320, 0, Nid::BRAINPOOL_P320R1),
    prime(&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 0x0a], &["brainpoolP320t1"], 320, 0, Nid::BRAINPOOL_P320T1),
    prime(&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 0x0b], &["brainpoolP384r1"], 384, 0, Nid::BRAINPOOL_P384R1),
    prime(&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 0x0c], &["brainpoolP384t1"], 384, 0, Nid::BRAINPOOL_P384T1),
    prime(&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 0x0d], &["brainpoolP512r1"], 512, 0, Nid::BRAINPOOL_P512R1),
    prime(&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 0x0e], &["brainpoolP512t1"], 512, 0, Nid::BRAINPOOL_P512T1),
    // For keys that come from elsewhere.
    prime(
        &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1],
        &["secp192r1", "prime192v1", "P-192"],
        192,
        0,
        Nid::X9_62_PRIME192V1,
    ),
    prime(&[6, 5, 0x2b, 0x81, 4, 0, 9], &["secp160k1"], 160, 1, Nid::SECP160K1),
    prime(&[6, 5, 0x2b, 0x81, 4, 0, 8], &["secp160r1"], 160, 1, Nid::SECP160R1),
    prime(&[6, 5, 0x2b, 0x81, 4, 0, 0x1e], &["secp160r2"], 160, 1, Nid::SECP160R2),
    prime(&[6, 5, 0x2b, 0x81, 4, 0, 0x1f], &["secp192k1"], 192, 0, Nid::SECP192K1),
    prime(&[6, 5, 0x2b, 0x81, 4, 0, 0x20], &["secp224k1"], 224, 1, Nid::SECP224K1),
    prime(&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 2], &["prime192v2"], 192, 0, Nid::X9_62_PRIME192V2),
    prime(&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 3], &["prime192v3"], 192, 0, Nid::X9_62_PRIME192V3),
    prime(&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 4], &["prime239v1"], 239, 0, Nid::X9_62_PRIME239V1),
    prime(&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 5], &["prime239v2"], 239, 0, Nid::X9_62_PRIME239V2),
    prime(&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 6], &["prime239v3"], 239, 0, Nid::X9_62_PRIME239V3),
    curve(
        Edwards,
        &[6, 3, 0x2b, 0x65, 0x70],
        &["edwards25519", "Ed25519"],
        255,
        32,
        Nid::from_raw(openssl_sys::NID_ED25519),
    ),
    curve(Edwards, &[6, 3, 0x2b, 0x65, 0x71], &["edwards448", "Ed448"], 448, 57, Nid::from_raw(openssl_sys::NID_ED448)),
    curve(
        Montgomery,
        &[6, 3, 0x2b, 0x65, 0x6e],
        &["curve25519", "X25519"],
        255,
        32,
        Nid::from_raw(openssl_sys::NID_X25519),
    ),
    curve(Montgomery, &[6, 3, 0x2b, 0x65, 0x6f], &["curve448", "X448"], 448, 56, Nid::from_raw(openssl_sys::NID_X448)),
];

/// Every curve.
pub fn all() -> &'static [Curve] {
    &CURVES
}

/// id-ecPublicKey (RFC 5480 section 2.1.1).
const EC_PUBLIC_KEY: &[u8] = &[der::OID, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];

impl Curve {
    fn group(&self) -> Result<&EcGroup> {
        if let Some(group) = self.group.get() {
            return Ok(group);
        }
        init()?;
        let group = EcGroup::from_curve_name(self.nid)?;
        Ok(self.group.get_or_init(|| group))
    }

    /// A new private key and its public key, as [`Curve::public_of`] writes it.
    pub fn generate(&self) -> Result<(Secret, Vec<u8>)> {
        init()?;
        if self.shape != Weierstrass {
            let seed = self.seed()?;
            let public = self.raw(seed.as_ref())?.raw_public_key()?;
            return Ok((seed, public));
        }
        let group = self.group()?;
        let key = EcKey::generate(group)?;
        Ok((self.padded(key.private_key())?, self.uncompressed(key.public_key())?))
    }

    /// The same with a private key that is usable at once.
    pub fn generate_key(&self) -> Result<(Key, Vec<u8>)> {
        if self.shape != Weierstrass {
            let key = self.raw(self.seed()?.as_ref())?;
            let public = key.raw_public_key()?;
            return Ok((Key::from_openssl(key), public));
        }
        let (private, public) = self.generate()?;
        Ok((self.private_key(private.as_ref())?, public))
    }

    fn seed(&self) -> Result<Secret> {
        let mut seed = Secret::zeroed(self.scalar_len);
        crate::random::private(seed.as_mut())?;
        Ok(seed)
    }

    /// The first again, from 64 more random bits than the order n has, modulo n - 1, plus 1 (FIPS 186-5 section A.2.1).
    pub fn generate_with_extra_bits(&self) -> Result<(Secret, Vec<u8>)> {
        let mut order = BigNum::new()?;
        self.group()?.order(&mut order, &mut *BigNumContext::new()?)?;
        let private = self.padded(&*crate::scalar::below(&order)?)?;
        let public = self.public_of(&private)?;
        Ok((private, public))
    }

    /// The private key in the form in which it is kept, padded to `scalar_len`; `None` when it is none of this curve.
    pub fn private(&self, value: &[u8]) -> Result<Option<Secret>> {
        init()?;
        if self.shape != Weierstrass {
            return Ok((value.len() == self.scalar_len).then(|| Secret::copy_of(value)));
        }
        let number = BigNum::from_slice(value)?;
        let group = self.group()?;
        let mut order = BigNum::new()?;
        order.set_const_time();
        group.order(&mut order, &mut *BigNumContext::new()?)?;
        if number.num_bits() == 0 || number >= order {
            return Ok(None);
        }
        Ok(Some(self.padded(&number)?))
    }

    /// The public key of a private key: an uncompressed point, or the byte string of an Edwards or Montgomery curve.
    pub fn public_of(&self, private: &Secret) -> Result<Vec<u8>> {
        if self.shape != Weierstrass {
            return Ok(self.raw(private.as_ref())?.raw_public_key()?);
        }
        let group = self.group()?;
        let mut number = BigNum::new_secure()?;
        number.copy_from_slice(private.as_ref())?;
        number.set_const_time();
        let mut point = EcPoint::new(group)?;
        point.mul_generator2(group, &number, &mut *BigNumContext::new_secure()?)?;
        self.uncompressed(&point)
    }

    /// A public key in the form in which [`Curve::public_of`] writes it; `None` when it is not on the curve.
    /// Points may be compressed; neither hybrid nor infinite.
    pub fn public(&self, bytes: &[u8]) -> Result<Option<Vec<u8>>> {
        if self.shape != Weierstrass {
            return Ok((bytes.len() == self.len).then(|| bytes.to_vec()));
        }
        let length = match bytes.first() {
            Some(2 | 3) => 1 + self.len,
            Some(4) => 1 + 2 * self.len,
            _ => 0,
        };
        if bytes.len() != length {
            return Ok(None);
        }
        // OpenSSL checks that a decoded point is on its curve.
        match EcPoint::from_bytes(self.group()?, bytes, &mut *BigNumContext::new()?) {
            // To write it anew takes an inversion.
            Ok(_) if bytes.len() == 1 + 2 * self.len => Ok(Some(bytes.to_vec())),
            Ok(point) => Ok(Some(self.uncompressed(&point)?)),
            Err(_) => Ok(None),
        }
    }

    /// Whether an encoded public key can be this long.
    pub fn is_public_len(&self, len: usize) -> bool {
        match self.shape {
            Weierstrass => len == 1 + 2 * self.len || len == 1 + self.len,
            _ => len == self.len,
        }
    }

    /// A usable private key.
    pub fn private_key(&self, value: &[u8]) -> Result<Key> {
        if self.shape != Weierstrass {
            return Ok(Key::from_openssl(self.raw(value)?));
        }
        Key::from_params(c"EC", Half::Private, self.named()?.number(c"priv", value))
    }

    /// A usable public key of the bytes of one, in the form of [`Curve::public_of`]; an error if they are no point of the
    /// curve.
    pub fn public_key(&self, public: &[u8]) -> Result<Key> {
        if self.shape != Weierstrass {
            let params = Params::new().bytes(c"pub", public);
            return Key::from_params(&self.name()?, Half::Public, params);
        }
        Key::from_params(c"EC", Half::Public, self.named()?.bytes(c"pub", public))
    }

    /// The SubjectPublicKeyInfo (RFC 5480 section 2, RFC 8410 section 4).
    pub fn public_key_info(&self, public: &[u8]) -> Vec<u8> {
        match self.shape {
            Weierstrass => der::public_key_info(&[EC_PUBLIC_KEY, self.oid], public),
            _ => der::public_key_info(&[self.oid], public),
        }
    }

    /// OpenSSL's name: of the group, or of the algorithm where it has only this one curve.
    fn name(&self) -> Result<CString> {
        CString::new(self.nid.short_name()?).map_err(|_| Error::from("a curve without a name"))
    }

    fn named(&self) -> Result<Params> {
        Ok(Params::new().text(c"group", &self.name()?))
    }

    fn raw(&self, value: &[u8]) -> Result<PKey<openssl::pkey::Private>> {
        init()?;
        Ok(PKey::private_key_from_raw_bytes(value, Id::from_raw(self.nid.as_raw()))?)
    }

    fn padded(&self, number: &BigNumRef) -> Result<Secret> {
        let len = i32::try_from(self.scalar_len).map_err(|_| Error::from("a curve that is too large"))?;
        Ok(Secret::from(number.to_vec_padded(len)?))
    }

    fn uncompressed(&self, point: &openssl::ec::EcPointRef) -> Result<Vec<u8>> {
        let form = PointConversionForm::UNCOMPRESSED;
        Ok(point.to_bytes(self.group()?, form, &mut *BigNumContext::new()?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der;

    #[test]
    fn every_row_agrees_with_openssl() {
        for curve in all() {
            let (private, public) = curve.generate().unwrap();
            assert_eq!(curve.public_of(&private).unwrap(), public, "{curve:?}");
            assert!(curve.is_public_len(public.len()));
            let info = curve.public_key_info(&public);
            let openssl = PKey::public_key_from_der(&info).unwrap();
            assert_eq!(openssl.public_key_to_der().unwrap(), info, "{curve:?}");
            assert_eq!(Nid::from_raw(openssl.id().as_raw()) == curve.nid, curve.shape != Weierstrass);
            if curve.shape == Weierstrass {
                let group = curve.group().unwrap();
                assert_eq!(u64::from(group.degree()), curve.bits);
                assert_eq!(group.degree().div_ceil(8) as usize, curve.len);
                assert_eq!(group.order_bits().div_ceil(8) as usize, curve.scalar_len);
                // Agreement relies on it.
                let mut cofactor = BigNum::new().unwrap();
                group.cofactor(&mut cofactor, &mut BigNumContext::new().unwrap()).unwrap();
                assert_eq!(cofactor, BigNum::from_u32(1).unwrap());
                let (private, public) = curve.generate_with_extra_bits().unwrap();
                assert_eq!(private.len(), curve.scalar_len);
                assert_eq!(curve.public(&public).unwrap(), Some(public));
            }
            assert!(curve.public_key(&public).unwrap().pkey().public_eq(&openssl));
            curve.private_key(private.as_ref()).unwrap();
            assert!(der::whole(der::OID, curve.oid).is_some());
        }
    }

    #[test]
    fn the_sizes_told_are_those_of_the_table() {
        let bits = || all().iter().filter(|curve| curve.shape == Weierstrass).map(|curve| curve.bits);
        assert_eq!((bits().min().unwrap(), bits().max().unwrap()), PRIME_BITS);
    }

    #[test]
    fn points_come_in_both_forms_and_only_from_the_curve() {
        for curve in all().iter().filter(|curve| curve.shape == Weierstrass) {
            let (_, public) = curve.generate().unwrap();
            let mut compressed = public[..1 + curve.len].to_vec();
            compressed[0] = 2 | (public.last().unwrap() & 1);
            assert_eq!(curve.public(&public).unwrap().as_ref(), Some(&public));
            assert_eq!(curve.public(&compressed).unwrap().as_ref(), Some(&public));
            let mut hybrid = public.clone();
            hybrid[0] = 6 | (public.last().unwrap() & 1);
            let mut off = public.clone();
            *off.last_mut().unwrap() ^= 1;
            for wrong in [&hybrid[..], &off, &[0], &[], &public[1..]] {
                assert_eq!(curve.public(wrong).unwrap(), None);
            }
            // Agreement relies on it.
            assert!(curve.public_key(&off).is_err());
        }
    }

    #[test]
    fn private_keys_are_padded_and_lie_below_the_order() {
        let p256 = all().iter().find(|curve| curve.nid == Nid::X9_62_PRIME256V1).unwrap();
        assert_eq!(p256.private(&[0, 0, 5]).unwrap().unwrap().as_ref()[31], 5);
        assert_eq!(p256.private(&[5]).unwrap().unwrap().len(), 32);
        for wrong in [&[][..], &[0; 40], &[0xff; 32], &[1; 33]] {
            assert!(p256.private(wrong).unwrap().is_none());
        }
    }
}
