//! RSA keys whose algorithm says that they are for RSASSA-PSS alone (RFC 4055 section 1.2), as private and as public
//! keys. PKCS#11 has no type for them: here they are RSA keys that allow the mechanisms of PSS only. The hash
//! that the algorithm names is kept; that of the mask and the least length of the salt have no place in PKCS#11.

use super::{Attributes, pkcs8};
use crate::attribute::Value;
use cryptoki_sys as ck;
use sealhsm_crypto::der;

const RSASSA_PSS: &[u8] = &[der::OID, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
/// `[0]` of RSASSA-PSS-params: the hash. Without it, it is SHA-1.
const HASH: u8 = 0xa0;

/// The hash in DER, tag included, and the mechanism that makes it itself.
const HASHES: [(&[u8], u64); 9] = [
    (&[der::OID, 5, 0x2b, 0x0e, 3, 2, 0x1a], ck::CKM_SHA1_RSA_PKCS_PSS),
    (&[der::OID, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 4], ck::CKM_SHA224_RSA_PKCS_PSS),
    (&[der::OID, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1], ck::CKM_SHA256_RSA_PKCS_PSS),
    (&[der::OID, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2], ck::CKM_SHA384_RSA_PKCS_PSS),
    (&[der::OID, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3], ck::CKM_SHA512_RSA_PKCS_PSS),
    (&[der::OID, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 7], ck::CKM_SHA3_224_RSA_PKCS_PSS),
    (&[der::OID, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 8], ck::CKM_SHA3_256_RSA_PKCS_PSS),
    (&[der::OID, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 9], ck::CKM_SHA3_384_RSA_PKCS_PSS),
    (&[der::OID, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 10], ck::CKM_SHA3_512_RSA_PKCS_PSS),
];

/// The key in a PrivateKeyInfo; `None`: it is no such key.
pub(super) fn of_pkcs8(algorithm: &[u8], inner: &[u8]) -> Option<Attributes> {
    limited(pkcs8::decode_rsa(inner)?, algorithm)
}

/// The key in a SubjectPublicKeyInfo, of its algorithm and its bits.
pub(super) fn of_public_key_info(algorithm: &[u8], bits: &[u8]) -> Option<Attributes> {
    limited(super::public::rsa_numbers(bits)?, algorithm)
}

fn limited(mut key: Attributes, algorithm: &[u8]) -> Option<Attributes> {
    key.set(ck::CKA_ALLOWED_MECHANISMS, Value::Ulongs(mechanisms(algorithm.strip_prefix(RSASSA_PSS)?)?));
    Some(key)
}

/// What RSASSA-PSS-params allow; where there are none, every hash.
fn mechanisms(parameters: &[u8]) -> Option<Vec<u64>> {
    let mut allowed = vec![ck::CKM_RSA_PKCS_PSS];
    if parameters.is_empty() {
        allowed.extend(HASHES.map(|(_, mechanism)| mechanism));
        return Some(allowed);
    }
    let parameters = der::whole(der::SEQUENCE, parameters)?;
    allowed.push(match der::read(HASH, parameters) {
        None => ck::CKM_SHA1_RSA_PKCS_PSS,
        Some((hash, _)) => {
            let hash = der::whole(der::SEQUENCE, hash)?;
            let is = |(oid, _): &&(&[u8], u64)| hash.strip_prefix(*oid).is_some_and(|rest| matches!(rest, [] | [5, 0]));
            HASHES.iter().find(is)?.1
        }
    });
    Some(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_that_is_named_is_the_one_that_is_allowed() {
        let whole = |parameters: &[u8]| mechanisms(&der::element(der::SEQUENCE, &[parameters]));
        let named = |oid: &[u8], more: &[u8]| der::element(HASH, &[&der::element(der::SEQUENCE, &[oid, more])]);
        assert_eq!(mechanisms(&[]).unwrap().len(), 10);
        assert_eq!(whole(&[]).unwrap(), [ck::CKM_RSA_PKCS_PSS, ck::CKM_SHA1_RSA_PKCS_PSS]);
        for (oid, mechanism) in HASHES {
            for more in [&[][..], &[der::NULL, 0]] {
                assert_eq!(whole(&named(oid, more)).unwrap(), [ck::CKM_RSA_PKCS_PSS, mechanism]);
            }
            assert_eq!(whole(&named(oid, &[1])), None);
        }
        assert_eq!(whole(&named(&[der::OID, 1, 1], &[])), None);
        assert_eq!(mechanisms(&[der::NULL, 0]), None);
    }
}
