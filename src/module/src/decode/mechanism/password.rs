//! The structures of keys made of passwords.

use super::Given;
use super::back::Back;
use cryptoki_sys as ck;
use sealhsm_core::mechanism::Parameter;
use sealhsm_core::{Error, Result};

/// A longer password is none: the field is then the pointer of the old structure.
const LONGEST: u64 = 1 << 16;
/// Where memory of a process begins and ends on 64-bit Linux.
const MEMORY: std::ops::Range<u64> = 0x40_0000..1 << 47;

impl<'c> Given<'c> {
    pub(super) fn pbkd2(self) -> Result<Parameter<'c>> {
        let given: ck::CK_PKCS5_PBKD2_PARAMS2 = self.structure()?;
        let prf_data = self.string(given.pPrfData, given.ulPrfDataLen)?;
        if given.saltSource != ck::CKZ_SALT_SPECIFIED || !prf_data.is_empty() {
            return Err(Error::MechanismParamInvalid);
        }
        Ok(Parameter::Pbkd2 {
            salt: self.string(given.pSaltSourceData, given.ulSaltSourceDataLen)?,
            iterations: given.iterations,
            prf: given.prf,
            password: self.string(given.pPassword, self.password_length(given.ulPasswordLen)?)?,
        })
    }

    pub(super) fn pbe(self, iv: bool) -> Result<Parameter<'c>> {
        let given: ck::CK_PBE_PARAMS = self.structure()?;
        if iv {
            self.at(given.pInitVector).required()?;
        }
        Ok(Parameter::Pbe {
            password: self.string(given.pPassword, given.ulPasswordLen)?,
            salt: self.string(given.pSalt, given.ulSaltLen)?,
            iterations: given.ulIteration,
        })
    }

    pub(super) fn pbe_places(self, back: &mut Back<'c>) -> Result<()> {
        let given: ck::CK_PBE_PARAMS = self.structure()?;
        back.strings.push(self.at(given.pInitVector));
        Ok(())
    }

    /// CK_PKCS5_PBKD2_PARAMS of PKCS#11 2.40 has the same size, and the address of the length in the place of the
    /// length. No password is as long as an address is large.
    fn password_length(self, field: u64) -> Result<u64> {
        if field <= LONGEST {
            return Ok(field);
        }
        if !MEMORY.contains(&field) || field % align_of::<ck::CK_ULONG>() as u64 != 0 {
            return Err(Error::MechanismParamInvalid);
        }
        let length = self.at(field as *mut ck::CK_ULONG).read()?;
        if length <= LONGEST { Ok(length) } else { Err(Error::MechanismParamInvalid) }
    }
}
