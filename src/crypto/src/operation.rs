//! What is done with an asymmetric key: a context that is set up once and used for many operations (EVP_PKEY_CTX).
#![allow(unsafe_code)]

use crate::digest::Algorithm;
use crate::params::Params;
use crate::pkey::Key;
use crate::{Error, Result};
use foreign_types::ForeignTypeRef;
use openssl::error::ErrorStack;
use openssl::pkey::Private;
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;
use openssl::sign::RsaPssSaltlen;
use openssl_sys as ffi;
use std::ffi::CStr;
use std::ptr;

/// What a context is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Signing with a private key.
    Sign,
    /// Verifying with a public key.
    Verify,
    /// Encrypting with a public key.
    Encrypt,
    /// Decrypting with a private key.
    Decrypt,
    /// Getting out of a signature what was signed, with a public key.
    Recover,
}

/// A key set up for one purpose.
pub struct Operation {
    context: PkeyCtx<Private>,
    purpose: Purpose,
}

impl Operation {
    /// Without padding or digest chosen: enough for ECDSA.
    pub fn new(key: &Key, purpose: Purpose) -> Result<Self> {
        let mut new = Self { context: PkeyCtx::new(key.pkey())?, purpose };
        new.begin()?;
        Ok(new)
    }

    /// For an algorithm that signs whole messages, by its name in OpenSSL (Ed25519ctx and so on).
    pub fn of_messages(key: &Key, purpose: Purpose, algorithm: &CStr, context: &[u8]) -> Result<Self> {
        let mut params = Params::new();
        if !context.is_empty() {
            params = params.bytes(c"context-string", context);
        }
        Self::with_params(key, purpose, algorithm, params)
    }

    /// The same with parameters in OpenSSL's names.
    pub(crate) fn with_params(key: &Key, purpose: Purpose, algorithm: &CStr, mut params: Params) -> Result<Self> {
        let new = Self { context: PkeyCtx::new(key.pkey())?, purpose };
        // SAFETY: a terminated name; null is the default library context and no properties.
        let fetched = unsafe { EVP_SIGNATURE_fetch(ptr::null_mut(), algorithm.as_ptr(), ptr::null()) };
        if fetched.is_null() {
            return Err(ErrorStack::get().into());
        }
        let list = params.as_mut_ptr();
        let raw = new.context.as_ptr();
        // SAFETY: live context and algorithm; the list is terminated and lives in `params`.
        let ok = unsafe {
            match purpose {
                Purpose::Sign => ffi::EVP_PKEY_sign_message_init(raw, fetched, list),
                _ => ffi::EVP_PKEY_verify_message_init(raw, fetched, list),
            }
        };
        // SAFETY: fetched above; the context holds a reference of its own.
        unsafe { EVP_SIGNATURE_free(fetched) };
        if ok == 1 { Ok(new) } else { Err(ErrorStack::get().into()) }
    }

    /// Forgets padding and digests.
    fn begin(&mut self) -> Result<()> {
        match self.purpose {
            Purpose::Sign => self.context.sign_init()?,
            Purpose::Verify => self.context.verify_init()?,
            Purpose::Encrypt => self.context.encrypt_init()?,
            Purpose::Decrypt => self.context.decrypt_init()?,
            Purpose::Recover => self.context.verify_recover_init()?,
        }
        Ok(())
    }

    /// RSA PKCS #1 v1.5 (RFC 8017 sections 7.2 and 8.2). With a digest the data to sign is a digest and gets its
    /// DigestInfo, without one it is taken as it is. Decryption never fails because of the padding: what does not
    /// fit gives a message that depends on key and ciphertext only (implicit rejection).
    pub fn pkcs1(&mut self, digest: Option<&Algorithm>) -> Result<()> {
        self.begin()?;
        self.context.set_rsa_padding(Padding::PKCS1)?;
        if let Some(digest) = digest {
            self.context.set_signature_md(digest.md()?)?;
        }
        Ok(())
    }

    /// RSA without padding: data, signature and ciphertext are as long as the modulus, and less than it.
    pub fn raw(&mut self) -> Result<()> {
        self.begin()?;
        Ok(self.context.set_rsa_padding(Padding::NONE)?)
    }

    /// RSASSA-PSS (RFC 8017 section 8.1) over a digest.
    pub fn pss(&mut self, digest: &Algorithm, mgf: &Algorithm, salt_len: u32) -> Result<()> {
        self.begin()?;
        let salt_len = i32::try_from(salt_len).map_err(|_| Error::from("a salt that is too long"))?;
        self.context.set_rsa_padding(Padding::PKCS1_PSS)?;
        self.context.set_signature_md(digest.md()?)?;
        self.context.set_rsa_mgf1_md(mgf.md()?)?;
        Ok(self.context.set_rsa_pss_saltlen(RsaPssSaltlen::custom(salt_len))?)
    }

    /// RSAES-OAEP (RFC 8017 section 7.1).
    pub fn oaep(&mut self, digest: &Algorithm, mgf: &Algorithm, label: &[u8]) -> Result<()> {
        self.begin()?;
        self.context.set_rsa_padding(Padding::PKCS1_OAEP)?;
        self.context.set_rsa_oaep_md(digest.md()?)?;
        self.context.set_rsa_mgf1_md(mgf.md()?)?;
        if !label.is_empty() {
            self.context.set_rsa_oaep_label(label)?;
        }
        Ok(())
    }

    /// Signs data or digest, as it was set up; says how long the signature is.
    pub fn sign(&mut self, data: &[u8], signature: &mut [u8]) -> Result<usize> {
        Ok(self.context.sign(data, Some(signature))?)
    }

    /// Whether the signature is right; whatever else is wrong with it makes no difference.
    pub fn verify(&mut self, data: &[u8], signature: &[u8]) -> bool {
        self.context.verify(data, signature).unwrap_or(false)
    }

    /// What was signed, in the first bytes of `out`, which has room for the modulus; `None` when the signature is not
    /// right.
    pub fn recover(&mut self, signature: &[u8], out: &mut [u8]) -> Option<usize> {
        self.context.verify_recover(signature, Some(out)).ok()
    }

    /// Encrypts; `out` has room for the modulus.
    pub fn encrypt(&mut self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        Ok(self.context.encrypt(data, Some(out))?)
    }

    /// Decrypts; `out` has room for the modulus.
    pub fn decrypt(&mut self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        Ok(self.context.decrypt(data, Some(out))?)
    }
}

unsafe extern "C" {
    fn EVP_SIGNATURE_fetch(
        library: *mut ffi::OSSL_LIB_CTX,
        algorithm: *const std::ffi::c_char,
        properties: *const std::ffi::c_char,
    ) -> *mut ffi::EVP_SIGNATURE;
    fn EVP_SIGNATURE_free(signature: *mut ffi::EVP_SIGNATURE);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cipher::{Context, Direction};
    use crate::{curve, rsa};

    fn p256() -> &'static curve::Curve {
        curve::all().iter().find(|curve| curve.names.contains(&"P-256")).unwrap()
    }

    #[test]
    fn a_public_key_does_not_sign() {
        let (_, public) = p256().generate().unwrap();
        let key = p256().public_key(&public).unwrap();
        let signed =
            Operation::new(&key, Purpose::Sign).and_then(|mut operation| operation.sign(&[1; 32], &mut [0; 80]));
        assert!(signed.is_err());
    }

    #[test]
    fn no_failure_stays_behind_in_the_threads_error_queue() {
        let (private, public) = p256().generate().unwrap();
        let key = p256().public_key(&public).unwrap();
        assert!(!Operation::new(&key, Purpose::Verify).unwrap().verify(&[1; 32], b"no signature"));
        assert!(p256().public(&[4; 65]).unwrap().is_none());
        assert!(p256().public_key(&[4; 65]).is_err());
        let key = p256().private_key(private.as_ref()).unwrap();
        assert!(Operation::new(&key, Purpose::Sign).unwrap().pkcs1(None).is_err());
        assert!(rsa::complete(&rsa::Given { modulus: &[35], private_exponent: &[7], ..Default::default() }).is_err());

        let pair = rsa::generate(1024, &[1, 0, 1]).unwrap();
        let public = rsa::public_key(&pair.modulus, &pair.public_exponent).unwrap();
        let mut operation = Operation::new(&public, Purpose::Encrypt).unwrap();
        operation.oaep(&crate::digest::SHA1, &crate::digest::SHA1, b"").unwrap();
        assert!(operation.encrypt(&[1; 100], &mut [0; 128]).is_err());

        let mut cipher = Context::new(c"AES-128-GCM", &[1; 16], Direction::Decrypt, false).unwrap();
        cipher.restart(&[0; 12]).unwrap();
        cipher.expect_tag(&[0; 16]).unwrap();
        assert!(cipher.finish(&mut []).is_err());
        assert!(ErrorStack::get().errors().is_empty());
    }
}
