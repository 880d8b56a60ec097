//! Signatures of two numbers r and s, over a digest: ECDSA and DSA (FIPS 186-4). Here they are r ‖ s, each as long as
//! the order.

use super::scheme::Scheme;
use super::{Parameter, failed};
use crate::{Error, Result};
use sealhsm_crypto::ecdsa;
use sealhsm_crypto::operation::{Operation, Purpose};
use sealhsm_crypto::pkey;

/// The scheme of a key of either kind.
pub struct TwoNumbers {
    operation: Operation,
    /// Bytes of r ‖ s.
    len: usize,
}

impl TwoNumbers {
    /// `order_len`: bytes of the order.
    pub fn new(key: &pkey::Key, purpose: Purpose, order_len: usize) -> Result<Self> {
        Ok(Self { operation: Operation::new(key, purpose).map_err(failed)?, len: 2 * order_len })
    }
}

impl Scheme for TwoNumbers {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        parameter.none()
    }

    fn signature_len(&self) -> usize {
        self.len
    }

    /// Some clients cut the leading zeros that both numbers share.
    fn fits(&self, signature_len: usize) -> bool {
        (1..=self.len).contains(&signature_len) && signature_len % 2 == 0
    }

    fn sign(&mut self, data: &[u8], signature: &mut [u8]) -> Result<usize> {
        let mut der = [0; ecdsa::MAX_DER];
        let written = self.operation.sign(data, &mut der).map_err(failed)?;
        ecdsa::to_fixed(&der[..written], &mut signature[..self.len]).ok_or(Error::General)?;
        Ok(self.len)
    }

    fn verify(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        if !self.fits(signature.len()) {
            return Err(Error::SignatureLenRange);
        }
        let valid = self.operation.verify(data, &ecdsa::to_der(signature));
        if valid { Ok(()) } else { Err(Error::SignatureInvalid) }
    }
}
