//! One-time passwords: CK_OTP_PARAMS in, CK_OTP_SIGNATURE_INFO out.

use crate::derivation::{at, memory};
use crate::mechanism::Mechanism;
use cryptoki_sys as ck;
use std::ffi::c_void;

impl Mechanism {
    /// CKM_HOTP with these parameters.
    pub fn hotp(parameters: &[(ck::CK_OTP_PARAM_TYPE, Vec<u8>)]) -> Self {
        let mut values: Vec<Vec<u8>> = parameters.iter().map(|(_, value)| value.clone()).collect();
        let params = parameters.iter().zip(&mut values).flat_map(|((of, _), value)| {
            let length = value.len() as ck::CK_ULONG;
            memory(&ck::CK_OTP_PARAM { type_: *of, pValue: at::<c_void>(value), ulValueLen: length })
        });
        let mut params: Vec<u8> = params.collect();
        let value = ck::CK_OTP_PARAMS { pParams: at(&mut params), ulCount: parameters.len() as ck::CK_ULONG };
        values.push(params);
        Self::structure(ck::CKM_HOTP, value, values)
    }
}

/// The parameters in a CK_OTP_SIGNATURE_INFO, all of which has to lie in the block that it was written to.
#[track_caller]
pub fn otp_info(block: &[u8]) -> Vec<(ck::CK_OTP_PARAM_TYPE, Vec<u8>)> {
    let word = |at: usize| u64::from_ne_bytes(block[at..at + 8].try_into().expect("a word"));
    let place = |at: usize| usize::try_from(word(at)).expect("an address") - block.as_ptr().addr();
    let (params, count) = (place(0), word(8) as usize);
    let read = |index: usize| {
        let at = params + index * size_of::<ck::CK_OTP_PARAM>();
        let (value, length) = (place(at + 8), word(at + 16) as usize);
        (word(at), block[value..value + length].to_vec())
    };
    (0..count).map(read).collect()
}
