//! Keys and signatures of ML-KEM, ML-DSA and SLH-DSA.

use crate::keys::readable;
use crate::mechanism::Mechanism;
use crate::object::Object;
use crate::session::Session;
use crate::template::Template;
use cryptoki_sys as ck;

impl Mechanism {
    /// With CK_SIGN_ADDITIONAL_CONTEXT.
    pub fn sign_context(of: ck::CK_MECHANISM_TYPE, hedge: ck::CK_HEDGE_TYPE, context: &[u8]) -> Self {
        let mut context = context.to_vec();
        let value = ck::CK_SIGN_ADDITIONAL_CONTEXT {
            hedgeVariant: hedge,
            pContext: context.as_mut_ptr(),
            ulContextLen: context.len() as ck::CK_ULONG,
        };
        Self::structure(of, value, vec![context])
    }

    /// With CK_HASH_SIGN_ADDITIONAL_CONTEXT.
    pub fn hash_sign_context(
        of: ck::CK_MECHANISM_TYPE,
        hedge: ck::CK_HEDGE_TYPE,
        context: &[u8],
        hash: ck::CK_MECHANISM_TYPE,
    ) -> Self {
        let mut context = context.to_vec();
        let value = ck::CK_HASH_SIGN_ADDITIONAL_CONTEXT {
            hedgeVariant: hedge,
            pContext: context.as_mut_ptr(),
            ulContextLen: context.len() as ck::CK_ULONG,
            hash,
        };
        Self::structure(of, value, vec![context])
    }
}

impl Session<'_> {
    /// Generates a pair of a parameter set: public, private. The private half can be read.
    #[track_caller]
    pub fn pq_pair(&self, mechanism: ck::CK_MECHANISM_TYPE, set: ck::CK_ULONG) -> (Object, Object) {
        let public = Template::new().ulong(ck::CKA_PARAMETER_SET, set);
        self.generate_key_pair(&Mechanism::plain(mechanism), &public, &readable()).expect("a pair")
    }
}
