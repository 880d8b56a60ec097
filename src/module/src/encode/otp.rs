//! CK_OTP_SIGNATURE_INFO: a structure, its parameters and what they point to, in one block of the caller's.

use super::Output;
use crate::pointer::Input;
use cryptoki_sys as ck;
use sealhsm_core::application::Sink;
use sealhsm_core::{Error, Result};
use sealhsm_secret::Secret;

/// Bytes of the counter that stands before the password in what the core gives.
const COUNTER: usize = 8;
/// Where the parameters begin, and the bytes that they point to.
const PARAMS: usize = size_of::<ck::CK_OTP_SIGNATURE_INFO>();
const VALUES: usize = PARAMS + 2 * size_of::<ck::CK_OTP_PARAM>();

impl<'c> Output<'c> {
    /// Lets `write` make a counter and a password, and fills the block with both.
    pub fn fill_otp(self, input: Input<'c>, write: impl Fn(&[u8], Sink<'_>) -> Result<usize>) -> Result<()> {
        let at = self.buffer.address();
        self.fill_from(input, |input, out| {
            let plain = write(input, None)?;
            let needed = VALUES + plain;
            let Some(out) = out else { return Ok(needed) };
            let out = out.get_mut(..needed).ok_or(Error::BufferTooSmall(needed))?;
            let mut made = Secret::zeroed(plain);
            let len = write(input, Some(made.as_mut()))?;
            let (head, values) = out.split_at_mut(VALUES);
            values[..len].copy_from_slice(&made.as_ref()[..len]);
            let words = [
                (at + PARAMS) as u64,
                2,
                ck::CK_OTP_VALUE,
                (at + VALUES + COUNTER) as u64,
                (len - COUNTER) as u64,
                ck::CK_OTP_COUNTER,
                (at + VALUES) as u64,
                COUNTER as u64,
            ];
            for (to, word) in head.chunks_exact_mut(size_of::<u64>()).zip(words) {
                to.copy_from_slice(&word.to_ne_bytes());
            }
            Ok(needed)
        })
    }
}
