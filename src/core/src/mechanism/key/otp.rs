//! Keys of one-time passwords: a secret value, and how the passwords look.

use super::{Material, required, secret};
use crate::attribute::Attributes;
use crate::mechanism::hotp::{COUNTER, DIGITS};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_secret::Secret;

pub(super) fn open(key: &Attributes) -> Result<Material> {
    Ok(Material::Otp {
        value: Secret::copy_of(required(key, ck::CKA_VALUE)?),
        len: key.ulong(ck::CKA_OTP_LENGTH).ok_or(Error::TemplateIncomplete)?,
        friendly: key.is(ck::CKA_OTP_USER_FRIENDLY_MODE),
    })
}

pub(super) fn complete(key: &mut Attributes) -> Result<()> {
    // What the mechanism has no use for may be offered to it but not be asked of the caller.
    let unused = [ck::CKA_OTP_CHALLENGE_REQUIREMENT, ck::CKA_OTP_TIME_REQUIREMENT, ck::CKA_OTP_PIN_REQUIREMENT];
    let below = |of, most| key.ulong(of).is_some_and(|value| value <= most);
    let right = unused.iter().all(|of| below(*of, ck::CK_OTP_PARAM_OPTIONAL))
        && below(ck::CKA_OTP_COUNTER_REQUIREMENT, ck::CK_OTP_PARAM_MANDATORY)
        && key.ulong(ck::CKA_OTP_FORMAT) == Some(ck::CK_OTP_FORMAT_DECIMAL)
        && key.ulong(ck::CKA_OTP_LENGTH).is_some_and(|len| DIGITS.contains(&len));
    if !right {
        return Err(Error::AttributeValueInvalid);
    }
    match key.bytes(ck::CKA_OTP_COUNTER).map_or(0, <[u8]>::len) {
        0 => key.set_bytes(ck::CKA_OTP_COUNTER, [0; COUNTER]),
        COUNTER => {}
        _ => return Err(Error::AttributeValueInvalid),
    }
    secret::complete(key)
}
