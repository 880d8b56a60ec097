//! The parameters of ML-DSA and SLH-DSA.

use super::Given;
use cryptoki_sys as ck;
use sealhsm_core::Result;
use sealhsm_core::mechanism::Parameter;

impl<'c> Given<'c> {
    pub(super) fn sign_context(self) -> Result<Parameter<'c>> {
        let given: ck::CK_SIGN_ADDITIONAL_CONTEXT = self.structure()?;
        let context = self.string(given.pContext, given.ulContextLen)?;
        Ok(Parameter::SignContext { hedge: given.hedgeVariant, context, hash: None })
    }

    pub(super) fn hash_sign_context(self) -> Result<Parameter<'c>> {
        let given: ck::CK_HASH_SIGN_ADDITIONAL_CONTEXT = self.structure()?;
        let context = self.string(given.pContext, given.ulContextLen)?;
        Ok(Parameter::SignContext { hedge: given.hedgeVariant, context, hash: Some(given.hash) })
    }
}
