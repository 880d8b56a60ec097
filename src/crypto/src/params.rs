//! OSSL_PARAM lists: how numbers, bytes and names go into OpenSSL's providers. Values are copied and wiped.
#![allow(unsafe_code)]

use openssl_sys::OSSL_PARAM;
use sealhsm_secret::Secret;
use std::ffi::{CStr, c_uint};

// openssl/core.h
const UNSIGNED_INTEGER: c_uint = 2;
const UTF8_STRING: c_uint = 4;
const OCTET_STRING: c_uint = 5;
/// OSSL_PARAM_UNMODIFIED.
const UNMODIFIED: usize = usize::MAX;

/// A list under construction.
#[derive(Default)]
pub(crate) struct Params {
    list: Vec<OSSL_PARAM>,
    /// What `list` points to: the heap blocks do not move when this vector grows.
    data: Vec<Secret>,
}

impl Params {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A natural number, given big-endian.
    pub(crate) fn number(mut self, key: &'static CStr, big_endian: &[u8]) -> Self {
        let mut native = Secret::zeroed(big_endian.len().max(1));
        for (to, from) in native.as_mut().iter_mut().zip(big_endian.iter().rev()) {
            *to = *from;
        }
        if cfg!(target_endian = "big") {
            native.as_mut().reverse();
        }
        self.push(key, UNSIGNED_INTEGER, native);
        self
    }

    /// A byte string.
    pub(crate) fn bytes(mut self, key: &'static CStr, bytes: &[u8]) -> Self {
        self.push(key, OCTET_STRING, Secret::copy_of(bytes));
        self
    }

    /// A name.
    pub(crate) fn text(mut self, key: &'static CStr, text: &CStr) -> Self {
        let mut with_end = Secret::copy_of(text.to_bytes_with_nul());
        let data = with_end.as_mut().as_mut_ptr().cast();
        let data_size = text.to_bytes().len();
        self.list.push(OSSL_PARAM {
            key: key.as_ptr(),
            data_type: UTF8_STRING,
            data,
            data_size,
            return_size: UNMODIFIED,
        });
        self.data.push(with_end);
        self
    }

    fn push(&mut self, key: &'static CStr, data_type: c_uint, mut value: Secret) {
        let (data, data_size) = (value.as_mut().as_mut_ptr().cast(), value.len());
        self.list.push(OSSL_PARAM { key: key.as_ptr(), data_type, data, data_size, return_size: UNMODIFIED });
        self.data.push(value);
    }

    /// The terminated list; valid while `self` lives and is not added to.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut OSSL_PARAM {
        // SAFETY: a pure constructor of the terminating entry.
        self.list.push(unsafe { openssl_sys::OSSL_PARAM_construct_end() });
        self.list.as_mut_ptr()
    }
}
