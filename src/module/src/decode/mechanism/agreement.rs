//! The parameters of key agreement, of wrapping with it, and of domain parameters.

use super::Given;
use super::back::Back;
use cryptoki_sys as ck;
use sealhsm_core::mechanism::Parameter;
use sealhsm_core::{Error, Result};

impl<'c> Given<'c> {
    /// Raw bytes of any length, or no parameter.
    pub(super) fn bytes_or_none(self) -> Result<Parameter<'c>> {
        match (self.length, self.at.is_null()) {
            (0, true) => Ok(Parameter::None),
            (0, false) => Err(Error::MechanismParamInvalid),
            (length, _) => self.raw(length),
        }
    }

    pub(super) fn ecdh_aes_key_wrap(self) -> Result<Parameter<'c>> {
        let given: ck::CK_ECDH_AES_KEY_WRAP_PARAMS = self.structure()?;
        Ok(Parameter::EcdhAesKeyWrap {
            aes_bits: given.ulAESKeyBits,
            kdf: given.kdf,
            shared: self.string(given.pSharedData, given.ulSharedDataLen)?,
        })
    }

    pub(super) fn dsa_parameters(self) -> Result<Parameter<'c>> {
        let given: ck::CK_DSA_PARAMETER_GEN_PARAM = self.structure()?;
        let room = match (given.pSeed.is_null(), given.ulSeedLen) {
            (true, 0) => None,
            (true, _) => return Err(Error::MechanismParamInvalid),
            (false, room) => Some(room),
        };
        Ok(Parameter::DsaParameters { hash: given.hash, room })
    }

    pub(super) fn dsa_parameters_places(self, back: &mut Back<'c>) -> Result<()> {
        let given: ck::CK_DSA_PARAMETER_GEN_PARAM = self.structure()?;
        if !given.pSeed.is_null() {
            back.strings.push(self.at(given.pSeed));
            back.seed = Some(self.at.cast());
        }
        Ok(())
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
