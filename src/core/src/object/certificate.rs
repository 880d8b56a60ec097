//! What the token computes of an X.509 certificate that an application gives: its public key and its check value.
//! A value that is no certificate is kept as it is, as other tokens do; nothing is computed of it.

use crate::Result;
use crate::attribute::{Attributes, Value};
use crate::mechanism::{failed, key};
use cryptoki_sys as ck;
use sealhsm_crypto::{der, digest};

/// Adds CKA_PUBLIC_KEY_INFO and CKA_CHECK_VALUE (PKCS#11 3.2 section 4.6.2), or checks the ones of the template.
pub fn complete(certificate: &mut Attributes) -> Result<()> {
    let Some(value) = certificate.bytes(ck::CKA_VALUE).filter(|value| !value.is_empty()) else { return Ok(()) };
    let x_509 = certificate.ulong(ck::CKA_CERTIFICATE_TYPE) == Some(ck::CKC_X_509);
    let info = if x_509 { public_key_info(value).map(<[u8]>::to_vec) } else { None };
    let hash = digest::once(&digest::SHA1, value).map_err(failed)?;
    if let Some(info) = info {
        key::computed(certificate, ck::CKA_PUBLIC_KEY_INFO, Value::Bytes(info))?;
    }
    // An empty one asks that there be none.
    if certificate.bytes(ck::CKA_CHECK_VALUE).is_some_and(<[u8]>::is_empty) {
        return Ok(());
    }
    key::computed(certificate, ck::CKA_CHECK_VALUE, Value::Bytes(hash[..3].to_vec()))
}

/// The SubjectPublicKeyInfo in a Certificate (RFC 5280 section 4.1).
fn public_key_info(certificate: &[u8]) -> Option<&[u8]> {
    let (to_be_signed, _) = der::read(der::SEQUENCE, der::whole(der::SEQUENCE, certificate)?)?;
    let after_version = der::read(EXPLICIT_0, to_be_signed).map_or(to_be_signed, |(_, rest)| rest);
    let (_, mut rest) = der::read(der::INTEGER, after_version)?;
    // Signature algorithm, issuer, validity, subject.
    for _ in 0..4 {
        rest = der::read(der::SEQUENCE, rest)?.1;
    }
    let (_, after) = der::read(der::SEQUENCE, rest)?;
    rest.get(..rest.len() - after.len())
}

/// `[0] EXPLICIT`, around the version.
const EXPLICIT_0: u8 = 0xa0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn certificate(version: &[u8]) -> Vec<u8> {
        let empty = der::element(der::SEQUENCE, &[]);
        let info = der::public_key_info(&[b"algorithm"], b"key");
        let serial = der::integer(&[7]);
        let parts: [&[u8]; 7] = [version, &serial, &empty, &empty, &empty, &empty, &info];
        let to_be_signed = der::element(der::SEQUENCE, &parts);
        der::element(der::SEQUENCE, &[&to_be_signed, &empty, &der::element(der::BIT_STRING, &[&[0]])])
    }

    #[test]
    fn the_public_key_is_found_in_versions_1_and_3_and_nowhere_else() {
        let info = der::public_key_info(&[b"algorithm"], b"key");
        let version_3 = der::element(EXPLICIT_0, &[&der::integer(&[2])]);
        for version in [&[][..], &version_3] {
            let whole = certificate(version);
            assert_eq!(public_key_info(&whole), Some(&info[..]));
            for cut in 0..whole.len() {
                assert_eq!(public_key_info(&whole[..cut]), None);
            }
        }
    }

    #[test]
    fn what_is_no_certificate_is_kept_without_a_public_key() {
        let mut given = Attributes::new();
        given.set_bytes(ck::CKA_VALUE, b"no DER".to_vec());
        complete(&mut given).unwrap();
        assert!(!given.has(ck::CKA_PUBLIC_KEY_INFO));
        given.set_bytes(ck::CKA_CHECK_VALUE, b"abc".to_vec());
        assert_eq!(complete(&mut given).unwrap_err(), Error::AttributeValueInvalid);
    }
}
