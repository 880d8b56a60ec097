//! Public keys as SubjectPublicKeyInfo (RFC 5280 section 4.1): RSA (RFC 8017 appendix A.1.1), curves (RFC 5480,
//! RFC 8410), ML-KEM, ML-DSA and SLH-DSA (RFC 9935, RFC 9881, RFC 9909), discrete logarithms (RFC 3279 section 2.3).
//! From DER to attributes; the other way is CKA_PUBLIC_KEY_INFO, which `complete` computes.

use super::pkcs8::{EC_PUBLIC_KEY, NOTHING, RSA_ENCRYPTION, known, number};
use super::{Attributes, Result, complete, dl, pq, pss};
use cryptoki_sys as ck;
use sealhsm_crypto::curve::Shape;
use sealhsm_crypto::{der, import};

/// The attributes of the key, CKA_CLASS and CKA_KEY_TYPE among them; `None`: it is none that a token has. A key for
/// RSASSA-PSS alone comes with its CKA_ALLOWED_MECHANISMS.
pub fn decode(info: &[u8]) -> Option<Attributes> {
    let (algorithm, _) = der::read(der::SEQUENCE, der::whole(der::SEQUENCE, info)?)?;
    let bits = import::public_key_bits(info)?;
    let readers: [(u64, Reader); 11] = [
        (ck::CKK_RSA, rsa),
        (ck::CKK_RSA, pss::of_public_key_info),
        (ck::CKK_EC, ec),
        (ck::CKK_EC_EDWARDS, |algorithm, bits| raw(algorithm, bits, Shape::Edwards)),
        (ck::CKK_EC_MONTGOMERY, |algorithm, bits| raw(algorithm, bits, Shape::Montgomery)),
        (ck::CKK_ML_KEM, |algorithm, bits| pq::of_public(ck::CKK_ML_KEM, algorithm, bits)),
        (ck::CKK_ML_DSA, |algorithm, bits| pq::of_public(ck::CKK_ML_DSA, algorithm, bits)),
        (ck::CKK_SLH_DSA, |algorithm, bits| pq::of_public(ck::CKK_SLH_DSA, algorithm, bits)),
        (ck::CKK_DH, |algorithm, bits| dl::of_public_key_info(ck::CKK_DH, algorithm, bits)),
        (ck::CKK_X9_42_DH, |algorithm, bits| dl::of_public_key_info(ck::CKK_X9_42_DH, algorithm, bits)),
        (ck::CKK_DSA, |algorithm, bits| dl::of_public_key_info(ck::CKK_DSA, algorithm, bits)),
    ];
    let (key_type, mut key) = readers.iter().find_map(|(of, read)| Some((*of, read(algorithm, bits)?)))?;
    key.set_ulong(ck::CKA_CLASS, ck::CKO_PUBLIC_KEY);
    key.set_ulong(ck::CKA_KEY_TYPE, key_type);
    Some(key)
}

/// The SubjectPublicKeyInfo of a private key's attributes, which are checked for it.
pub fn of_private(private: &Attributes) -> Result<Vec<u8>> {
    let mut whole = private.duplicate();
    complete(&mut whole)?;
    Ok(whole.bytes(ck::CKA_PUBLIC_KEY_INFO).unwrap_or_default().to_vec())
}

/// From the contents of the algorithm's sequence and those of the bit string.
type Reader = fn(&[u8], &[u8]) -> Option<Attributes>;

fn rsa(algorithm: &[u8], bits: &[u8]) -> Option<Attributes> {
    let parameters = algorithm.strip_prefix(RSA_ENCRYPTION)?;
    (parameters.is_empty() || parameters == NOTHING).then(|| rsa_numbers(bits))?
}

pub(super) fn rsa_numbers(bits: &[u8]) -> Option<Attributes> {
    let (modulus, rest) = number(der::whole(der::SEQUENCE, bits)?)?;
    let (exponent, rest) = number(rest)?;
    let mut key = Attributes::new();
    key.set_bytes(ck::CKA_MODULUS, modulus);
    key.set_bytes(ck::CKA_PUBLIC_EXPONENT, exponent);
    rest.is_empty().then_some(key)
}

fn ec(algorithm: &[u8], bits: &[u8]) -> Option<Attributes> {
    raw(algorithm.strip_prefix(EC_PUBLIC_KEY)?, bits, Shape::Weierstrass)
}

fn raw(parameters: &[u8], bits: &[u8], shape: Shape) -> Option<Attributes> {
    let mut key = Attributes::new();
    key.set_bytes(ck::CKA_EC_PARAMS, known(parameters, shape)?.oid);
    key.set_bytes(ck::CKA_EC_POINT, der::element(der::OCTET_STRING, &[bits]));
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_token_computes_of_a_key_is_read_as_that_key() {
        let point = [4u8; 65];
        let curve = known(&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], Shape::Weierstrass).unwrap();
        let info = curve.public_key_info(&point);
        let key = decode(&info).unwrap();
        assert_eq!(key.ulong(ck::CKA_KEY_TYPE), Some(ck::CKK_EC));
        assert_eq!(key.bytes(ck::CKA_EC_PARAMS), Some(curve.oid));
        assert_eq!(key.bytes(ck::CKA_EC_POINT), Some(&der::element(der::OCTET_STRING, &[&point])[..]));
        for cut in 0..info.len() {
            assert!(decode(&info[..cut]).is_none());
        }
    }

    #[test]
    fn a_negative_modulus_and_an_unknown_curve_are_no_keys() {
        let numbers = |modulus: &[u8]| {
            let modulus = der::element(der::INTEGER, &[modulus]);
            der::public_key_info(&[RSA_ENCRYPTION, NOTHING], &der::element(der::SEQUENCE, &[&modulus, &[2, 1, 3]]))
        };
        assert_eq!(decode(&numbers(&[0, 0x81])).unwrap().bytes(ck::CKA_MODULUS), Some(&[0x81][..]));
        assert!(decode(&numbers(&[0x81])).is_none());
        assert!(decode(&der::public_key_info(&[EC_PUBLIC_KEY, &[6, 1, 1]], &[4; 65])).is_none());
    }
}
