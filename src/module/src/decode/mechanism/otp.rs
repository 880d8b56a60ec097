//! CK_OTP_PARAMS.

use super::Given;
use cryptoki_sys as ck;
use sealhsm_core::mechanism::Parameter;
use sealhsm_core::mechanism::hotp::Otp;
use sealhsm_core::{Error, Result};

impl<'c> Given<'c> {
    /// Each kind of parameter at most once. What HOTP has no use for (PIN, challenge, time) is ignored, as its keys say.
    pub(super) fn otp(self) -> Result<Parameter<'c>> {
        let given: ck::CK_OTP_PARAMS = self.structure()?;
        let mut otp = Otp::default();
        let mut seen = Vec::new();
        for parameter in self.array((given.pParams, given.ulCount))? {
            if seen.contains(&parameter.type_) {
                return Err(Error::MechanismParamInvalid);
            }
            seen.push(parameter.type_);
            let value = Given { at: self.at(parameter.pValue), length: parameter.ulValueLen };
            match parameter.type_ {
                ck::CK_OTP_COUNTER => {
                    let bytes = value.at.as_bytes().bytes(value.length)?;
                    let counter = bytes.try_into().map_err(|_| Error::MechanismParamInvalid)?;
                    otp.counter = Some(u64::from_be_bytes(counter));
                }
                ck::CK_OTP_FLAGS => otp.flags = value.structure()?,
                ck::CK_OTP_OUTPUT_LENGTH => otp.len = Some(value.structure()?),
                ck::CK_OTP_OUTPUT_FORMAT => otp.format = Some(value.structure()?),
                ck::CK_OTP_PIN | ck::CK_OTP_CHALLENGE | ck::CK_OTP_TIME => {}
                _ => return Err(Error::MechanismParamInvalid),
            }
        }
        Ok(Parameter::Otp(otp))
    }
}
