//! What a trust object must say together (PKCS#11 3.2 section 4.7): how far, and of which certificate.

use super::{Attributes, Type};
use crate::mechanism::hash_len;
use crate::{Error, Result};
use cryptoki_sys as ck;

const USES: [Type; 7] = [
    ck::CKA_TRUST_SERVER_AUTH,
    ck::CKA_TRUST_CLIENT_AUTH,
    ck::CKA_TRUST_CODE_SIGNING,
    ck::CKA_TRUST_EMAIL_PROTECTION,
    ck::CKA_TRUST_IPSEC_IKE,
    ck::CKA_TRUST_TIME_STAMPING,
    ck::CKA_TRUST_OCSP_SIGNING,
];

/// Checks a trust object; anything else passes. `TemplateIncomplete`: trust without the certificate's hash;
/// `AttributeValueInvalid`: trust that is none, or a hash that is not as long as its algorithm's.
pub fn check(object: &Attributes) -> Result<()> {
    if object.ulong(ck::CKA_CLASS) != Some(ck::CKO_TRUST) {
        return Ok(());
    }
    let given = |of: &Type| object.ulong(*of).unwrap_or(u64::from(ck::CKT_TRUST_UNKNOWN));
    if USES.iter().any(|of| given(of) > u64::from(ck::CKT_TRUST_MUST_VERIFY_TRUST)) {
        return Err(Error::AttributeValueInvalid);
    }
    let trusted = |of: &Type| [ck::CKT_TRUSTED, ck::CKT_TRUST_ANCHOR].map(u64::from).contains(&given(of));
    match object.bytes(ck::CKA_HASH_OF_CERTIFICATE) {
        None | Some([]) if USES.iter().any(trusted) => Err(Error::TemplateIncomplete),
        None | Some([]) => Ok(()),
        Some(hash) => match object.ulong(ck::CKA_NAME_HASH_ALGORITHM).and_then(hash_len) {
            Some(length) if length == hash.len() => Ok(()),
            _ => Err(Error::AttributeValueInvalid),
        },
    }
}
