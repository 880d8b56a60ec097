//! The structures of IKE.

use super::{Given, flag};
use cryptoki_sys as ck;
use sealhsm_core::Result;
use sealhsm_core::mechanism::Parameter;
use sealhsm_core::mechanism::derive::ike::Ike;

/// A handle that counts only if its flag is set.
fn handle(there: ck::CK_BBOOL, handle: ck::CK_OBJECT_HANDLE) -> Result<Option<u64>> {
    Ok(flag(there)?.then_some(handle))
}

impl<'c> Given<'c> {
    pub(super) fn ike2_prf_plus(self) -> Result<Parameter<'c>> {
        let given: ck::CK_IKE2_PRF_PLUS_DERIVE_PARAMS = self.structure()?;
        Ok(Parameter::Ike(Ike::PrfPlus {
            prf: given.prfMechanism,
            seed_key: handle(given.bHasSeedKey, given.hSeedKey)?,
            seed: self.string(given.pSeedData, given.ulSeedDataLen)?,
        }))
    }

    pub(super) fn ike_prf(self) -> Result<Parameter<'c>> {
        let given: ck::CK_IKE_PRF_DERIVE_PARAMS = self.structure()?;
        Ok(Parameter::Ike(Ike::Prf {
            prf: given.prfMechanism,
            data_as_key: flag(given.bDataAsKey)?,
            new_key: handle(given.bRekey, given.hNewKey)?,
            ni: self.string(given.pNi, given.ulNiLen)?,
            nr: self.string(given.pNr, given.ulNrLen)?,
        }))
    }

    pub(super) fn ike1_prf(self) -> Result<Parameter<'c>> {
        let given: ck::CK_IKE1_PRF_DERIVE_PARAMS = self.structure()?;
        Ok(Parameter::Ike(Ike::One {
            prf: given.prfMechanism,
            previous: handle(given.bHasPrevKey, given.hPrevKey)?,
            gxy: given.hKeygxy,
            cky_i: self.string(given.pCKYi, given.ulCKYiLen)?,
            cky_r: self.string(given.pCKYr, given.ulCKYrLen)?,
            number: given.keyNumber,
        }))
    }

    pub(super) fn ike1_extended(self) -> Result<Parameter<'c>> {
        let given: ck::CK_IKE1_EXTENDED_DERIVE_PARAMS = self.structure()?;
        Ok(Parameter::Ike(Ike::Extended {
            prf: given.prfMechanism,
            gxy: handle(given.bHasKeygxy, given.hKeygxy)?,
            extra: self.string(given.pExtraData, given.ulExtraDataLen)?,
        }))
    }
}
