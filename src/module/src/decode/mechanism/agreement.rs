//! The parameters of key agreement in prime fields.

use super::Given;
use cryptoki_sys as ck;
use sealhsm_core::mechanism::Parameter;
use sealhsm_core::{Error, Result};

impl<'c> Given<'c> {
    /// Raw bytes of any length but none.
    pub(super) fn some_bytes(self) -> Result<Parameter<'c>> {
        match self.length {
            0 => Err(Error::MechanismParamInvalid),
            length => self.raw(length),
        }
    }

    pub(super) fn x9_42_dh1(self) -> Result<Parameter<'c>> {
        let given: ck::CK_X9_42_DH1_DERIVE_PARAMS = self.structure()?;
        Ok(Parameter::X942Dh1 {
            kdf: given.kdf,
            other: self.string(given.pOtherInfo, given.ulOtherInfoLen)?,
            public: self.string(given.pPublicData, given.ulPublicDataLen)?,
        })
    }
}
