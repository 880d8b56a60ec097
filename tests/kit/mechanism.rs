//! Mechanisms and their parameters: `Mechanism::gcm(iv, aad, 128)`.
#![allow(unsafe_code)]

use cryptoki_sys as ck;
use std::ffi::c_void;

/// A mechanism that owns its parameter and what that points to.
pub struct Mechanism {
    of: ck::CK_MECHANISM_TYPE,
    parameter: Vec<u8>,
    length: ck::CK_ULONG,
    /// Byte strings that the parameter points to.
    _strings: Vec<Vec<u8>>,
}

impl Mechanism {
    /// Without a parameter.
    pub fn plain(of: ck::CK_MECHANISM_TYPE) -> Self {
        Self::bytes(of, [])
    }

    /// With a byte string (an IV) for a parameter.
    pub fn bytes(of: ck::CK_MECHANISM_TYPE, parameter: impl AsRef<[u8]>) -> Self {
        let parameter = parameter.as_ref().to_vec();
        Mechanism { of, length: parameter.len() as ck::CK_ULONG, parameter, _strings: Vec::new() }
    }

    /// With a structure of C.
    pub fn structure<T: Copy>(of: ck::CK_MECHANISM_TYPE, value: T, strings: Vec<Vec<u8>>) -> Self {
        let mut parameter = vec![0u8; size_of::<T>()];
        // SAFETY: as many bytes as a T has, in memory of its own; T is Copy.
        unsafe { std::ptr::copy_nonoverlapping((&raw const value).cast(), parameter.as_mut_ptr(), size_of::<T>()) };
        Mechanism { of, length: parameter.len() as ck::CK_ULONG, parameter, _strings: strings }
    }

    /// CKM_AES_GCM.
    pub fn gcm(iv: &[u8], aad: &[u8], tag_bits: ck::CK_ULONG) -> Self {
        let (mut iv, mut aad) = (iv.to_vec(), aad.to_vec());
        let value = ck::CK_GCM_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: iv.len() as ck::CK_ULONG,
            ulIvBits: iv.len() as ck::CK_ULONG * 8,
            pAAD: aad.as_mut_ptr(),
            ulAADLen: aad.len() as ck::CK_ULONG,
            ulTagBits: tag_bits,
        };
        Self::structure(ck::CKM_AES_GCM, value, vec![iv, aad])
    }

    /// CKM_AES_CTR.
    pub fn ctr(bits: ck::CK_ULONG, block: [u8; 16]) -> Self {
        Self::structure(ck::CKM_AES_CTR, ck::CK_AES_CTR_PARAMS { ulCounterBits: bits, cb: block }, Vec::new())
    }

    /// CKM_RSA_PKCS_OAEP.
    pub fn oaep(hash: ck::CK_MECHANISM_TYPE, mgf: ck::CK_RSA_PKCS_MGF_TYPE, label: &[u8]) -> Self {
        let mut label = label.to_vec();
        let value = ck::CK_RSA_PKCS_OAEP_PARAMS {
            hashAlg: hash,
            mgf,
            source: if label.is_empty() { 0 } else { ck::CKZ_DATA_SPECIFIED },
            pSourceData: if label.is_empty() { std::ptr::null_mut() } else { label.as_mut_ptr().cast() },
            ulSourceDataLen: label.len() as ck::CK_ULONG,
        };
        Self::structure(ck::CKM_RSA_PKCS_OAEP, value, vec![label])
    }

    /// A PSS mechanism.
    pub fn pss(
        of: ck::CK_MECHANISM_TYPE,
        hash: ck::CK_MECHANISM_TYPE,
        mgf: ck::CK_RSA_PKCS_MGF_TYPE,
        salt: ck::CK_ULONG,
    ) -> Self {
        Self::structure(of, ck::CK_RSA_PKCS_PSS_PARAMS { hashAlg: hash, mgf, sLen: salt }, Vec::new())
    }

    /// CKM_EDDSA with CK_EDDSA_PARAMS.
    pub fn eddsa(prehash: bool, context: &[u8]) -> Self {
        let mut context = context.to_vec();
        let value = ck::CK_EDDSA_PARAMS {
            phFlag: ck::CK_BBOOL::from(prehash),
            ulContextDataLen: context.len() as ck::CK_ULONG,
            pContextData: context.as_mut_ptr(),
        };
        Self::structure(ck::CKM_EDDSA, value, vec![context])
    }

    /// The same with another ulParameterLen than is true.
    pub fn claiming(mut self, length: ck::CK_ULONG) -> Self {
        self.length = length;
        self
    }

    /// The same cut or extended to `length` bytes.
    pub fn resized(mut self, length: usize) -> Self {
        self.parameter.resize(length, 0);
        self.claiming(length as ck::CK_ULONG)
    }

    pub(crate) fn to_raw(&self) -> ck::CK_MECHANISM {
        let empty = self.parameter.is_empty();
        let at = if empty { std::ptr::null_mut() } else { self.parameter.as_ptr() as *mut c_void };
        ck::CK_MECHANISM { mechanism: self.of, pParameter: at, ulParameterLen: self.length }
    }
}
