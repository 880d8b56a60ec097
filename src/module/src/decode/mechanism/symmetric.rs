//! The structures of ciphers and MACs.

use super::Given;
use cryptoki_sys as ck;
use sealhsm_core::mechanism::Parameter;
use sealhsm_core::{Error, Result};

impl<'c> Given<'c> {
    pub(super) fn rc2_cbc(self) -> Result<Parameter<'c>> {
        let given: ck::CK_RC2_CBC_PARAMS = self.structure()?;
        Ok(Parameter::Rc2Cbc { bits: given.ulEffectiveBits, iv: given.iv })
    }

    pub(super) fn rc2_mac_general(self) -> Result<Parameter<'c>> {
        let given: ck::CK_RC2_MAC_GENERAL_PARAMS = self.structure()?;
        Ok(Parameter::Rc2MacGeneral { bits: given.ulEffectiveBits, len: given.ulMacLength })
    }

    pub(super) fn des_cbc_data(self) -> Result<Parameter<'c>> {
        let given: ck::CK_DES_CBC_ENCRYPT_DATA_PARAMS = self.structure()?;
        Ok(Parameter::DesCbcData { iv: given.iv, data: self.string(given.pData, given.length)? })
    }

    pub(super) fn chacha20(self) -> Result<Parameter<'c>> {
        let given: ck::CK_CHACHA20_PARAMS = self.structure()?;
        // The lengths are known before a pointer is followed: no other ones exist.
        let bytes = |bits: u64, known: &[u64]| match known.contains(&bits) {
            true => Ok(bits / 8),
            false => Err(Error::MechanismParamInvalid),
        };
        Ok(Parameter::ChaCha20 {
            counter: self.string(given.pBlockCounter, bytes(given.blockCounterBits, &[32, 64])?)?,
            nonce: self.string(given.pNonce, bytes(given.ulNonceBits, &[64, 96, 192])?)?,
        })
    }
}
