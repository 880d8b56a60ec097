//! RSA without padding (PKCS#11 3.2 section 6.1.9): the row, and what it does. Data is a number below the modulus; what is
//! shorter than that has zeros in front.

use super::engine::{Cipher, Recoverer};
use super::key::{Key, rsa};
use super::scheme::{Direct, Scheme};
use super::{Parameter, Row, failed, kem, rsa as padded, wrapping};
use crate::{Error, Result};
use sealhsm_crypto::operation::{Operation, Purpose};
use sealhsm_secret::{Secret, Wipe};
use std::sync::Arc;

pub(super) static ROWS: &[Row] = &[row!(CKM_RSA_X_509 {
    sizes: padded::SIZES,
    key_types: padded::TYPES,
    sign: Some(|key| Ok(Box::new(Direct(Raw::new(key, Purpose::Sign)?)))),
    verify: Some(|key| Ok(Box::new(Direct(Raw::new(key, Purpose::Verify)?)))),
    one_part: true,
    recover: Some(|key| Ok(Box::new(Raw::new(key, Purpose::Recover)?))),
    encrypt: Some(|key| Ok(Box::new(Raw::new(key, Purpose::Encrypt)?))),
    decrypt: Some(|key| Ok(Box::new(Raw::new(key, Purpose::Decrypt)?))),
    wrapping: Some(wrapping::rsa::RAW),
    kem: Some(kem::rsa::RSASVE),
})];

/// One direction of it.
struct Raw {
    operation: Operation,
    purpose: Purpose,
    /// Bytes of the modulus.
    len: usize,
}

impl Raw {
    fn new(key: &Arc<Key>, purpose: Purpose) -> Result<Self> {
        let (key, bits) = key.rsa_for(purpose)?;
        let mut operation = Operation::new(key, purpose).map_err(failed)?;
        operation.raw().map_err(failed)?;
        Ok(Self { operation, purpose, len: rsa::bytes(bits) })
    }

    /// With zeros in front.
    fn whole(&self, data: &[u8]) -> Result<Secret> {
        if !(1..=self.len).contains(&data.len()) {
            return Err(Error::DataLenRange);
        }
        let mut whole = Secret::zeroed(self.len);
        whole.as_mut()[self.len - data.len()..].copy_from_slice(data);
        Ok(whole)
    }
}

/// All that can be wrong with data of the right length: it is not below the modulus.
fn too_large(_: sealhsm_crypto::Error) -> Error {
    Error::DataInvalid
}

impl Scheme for Raw {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        parameter.none()
    }
    fn signature_len(&self) -> usize {
        self.len
    }
    fn sign(&mut self, data: &[u8], signature: &mut [u8]) -> Result<usize> {
        let whole = self.whole(data)?;
        self.operation.sign(whole.as_ref(), signature).map_err(too_large)
    }
    fn verify(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        let whole = self.whole(data)?;
        padded::verdict(&mut self.operation, whole.as_ref(), signature, self.len)
    }
}

impl Recoverer for Raw {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        parameter.none()
    }
    fn data_len(&self) -> usize {
        self.len
    }
    fn recover(&mut self, signature: &[u8], output: &mut [u8]) -> Result<usize> {
        padded::recovered(&mut self.operation, signature, output, self.len)
    }
}

impl Cipher for Raw {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        parameter.none()
    }

    fn output_len(&self, _: usize, _: bool) -> usize {
        self.len
    }

    fn update(&mut self, _: &[u8], _: &mut [u8]) -> Result<usize> {
        Err(Error::FunctionNotSupported)
    }

    fn finish(&mut self, _: &mut [u8]) -> Result<usize> {
        Err(Error::FunctionNotSupported)
    }

    fn once(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        if self.purpose == Purpose::Encrypt {
            let whole = self.whole(input)?;
            return self.operation.encrypt(whole.as_ref(), output).map_err(too_large);
        }
        if input.len() != self.len {
            return Err(Error::EncryptedDataLenRange);
        }
        self.operation.decrypt(input, output).map_err(|_| {
            output[..self.len].wipe();
            Error::EncryptedDataInvalid
        })
    }

    fn multi_part(&self) -> bool {
        false
    }
}
