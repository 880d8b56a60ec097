//! An asymmetric key as OpenSSL works with it (EVP_PKEY). Made from its numbers with EVP_PKEY_fromdata, never
//! through a decoder, which is 20 to 80 times slower.
#![allow(unsafe_code)]

use crate::params::Params;
use crate::{Error, Result, init};
use foreign_types::ForeignType;
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, PKeyRef, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl_sys as ffi;
use sealhsm_secret::Secret;
use std::ffi::{CStr, c_int};
use std::ptr;

/// What a key is made of. The numbers are OpenSSL's selections (openssl/evp.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    /// Parameters alone.
    Parameters = 0x84,
    /// Parameters and public key.
    Public = 0x86,
    /// All there is.
    Private = 0x87,
}

/// A key; a public one is no more than that, whatever the type parameter inside says: OpenSSL refuses to sign with it.
pub struct Key(PKey<Private>);

impl Key {
    /// From parameters in OpenSSL's names; `algorithm` as EVP_PKEY_CTX_new_from_name(3) takes it.
    pub(crate) fn from_params(algorithm: &CStr, half: Half, mut params: Params) -> Result<Self> {
        init()?;
        let list = params.as_mut_ptr();
        // SAFETY: a terminated name; null is the default library context and no properties.
        let context = unsafe { ffi::EVP_PKEY_CTX_new_from_name(ptr::null_mut(), algorithm.as_ptr(), ptr::null()) };
        if context.is_null() {
            return Err(ErrorStack::get().into());
        }
        let mut key = ptr::null_mut();
        // SAFETY: the context is live; `list` is terminated and lives in `params` until the end of this function.
        let made = unsafe {
            ffi::EVP_PKEY_fromdata_init(context) == 1
                && ffi::EVP_PKEY_fromdata(context, &mut key, half as c_int, list) == 1
        };
        // SAFETY: made above and not used again.
        unsafe { ffi::EVP_PKEY_CTX_free(context) };
        if !made || key.is_null() {
            return Err(ErrorStack::get().into());
        }
        // SAFETY: a fresh key whose one reference passes to us.
        Ok(Self(unsafe { PKey::from_ptr(key) }))
    }

    pub(crate) fn from_openssl(key: PKey<Private>) -> Self {
        Self(key)
    }

    /// Another handle of the same key.
    pub fn share(&self) -> Self {
        Self(self.0.clone())
    }

    pub(crate) fn pkey(&self) -> &PKeyRef<Private> {
        &self.0
    }

    /// A new key of an algorithm that needs no parameters.
    pub(crate) fn generate(algorithm: &CStr) -> Result<Self> {
        Self::generated(algorithm, None)
    }

    /// New domain parameters, of the kind and size that `params` say.
    pub(crate) fn generate_parameters(algorithm: &CStr, params: Params) -> Result<Self> {
        Self::generated(algorithm, Some(params))
    }

    fn generated(algorithm: &CStr, parameters: Option<Params>) -> Result<Self> {
        init()?;
        // SAFETY: a terminated name; null is the default library context and no properties.
        let context = unsafe { ffi::EVP_PKEY_CTX_new_from_name(ptr::null_mut(), algorithm.as_ptr(), ptr::null()) };
        if context.is_null() {
            return Err(ErrorStack::get().into());
        }
        let mut key = ptr::null_mut();
        // SAFETY: the context is live; the list is terminated and lives in `params`; a null target makes OpenSSL
        // allocate the key.
        let made = unsafe {
            let ready = match parameters {
                None => ffi::EVP_PKEY_keygen_init(context) == 1,
                Some(mut params) => {
                    ffi::EVP_PKEY_paramgen_init(context) == 1
                        && ffi::EVP_PKEY_CTX_set_params(context, params.as_mut_ptr()) == 1
                }
            };
            ready && ffi::EVP_PKEY_generate(context, &mut key) == 1
        };
        // SAFETY: made above and not used again.
        unsafe { ffi::EVP_PKEY_CTX_free(context) };
        if !made || key.is_null() {
            return Err(ErrorStack::get().into());
        }
        // SAFETY: a fresh key whose one reference passes to us.
        Ok(Self(unsafe { PKey::from_ptr(key) }))
    }

    /// Whether private and public half belong together; as costly as a generation.
    pub(crate) fn is_pair(&self) -> Result<bool> {
        let context = PkeyCtx::new(&self.0)?;
        // SAFETY: a live context with a key.
        let pair = unsafe { EVP_PKEY_pairwise_check(context.as_ptr()) } == 1;
        // What is found wrong is said in the result, not in the queue.
        drop(ErrorStack::get());
        Ok(pair)
    }

    /// A byte string of the key, of at most `most` bytes.
    pub(crate) fn octets(&self, name: &CStr, most: usize) -> Result<Secret> {
        let (mut octets, mut len) = (Secret::zeroed(most), 0);
        let at = octets.as_mut().as_mut_ptr();
        // SAFETY: a live key, a terminated name, and as much room as is said.
        if unsafe { ffi::EVP_PKEY_get_octet_string_param(self.0.as_ptr(), name.as_ptr(), at, most, &mut len) } != 1 {
            return Err(Error::from(ErrorStack::get()));
        }
        octets.truncate(len);
        Ok(octets)
    }

    /// A number of the key, big-endian without leading zeros.
    pub(crate) fn number(&self, name: &CStr) -> Result<Secret> {
        let mut number = ptr::null_mut();
        // SAFETY: a live key and a terminated name; a null target makes OpenSSL allocate the number.
        if unsafe { ffi::EVP_PKEY_get_bn_param(self.0.as_ptr(), name.as_ptr(), &mut number) } != 1 {
            return Err(Error::from(ErrorStack::get()));
        }
        // SAFETY: a fresh number that passes to us; our heap clears it when it is freed.
        let number = unsafe { BigNum::from_ptr(number) };
        Ok(Secret::from(number.to_vec()))
    }
}

unsafe extern "C" {
    fn EVP_PKEY_pairwise_check(context: *mut ffi::EVP_PKEY_CTX) -> c_int;
}
