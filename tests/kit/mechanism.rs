//! Mechanisms and their parameters: `Mechanism::gcm(iv, aad, 128)`.
#![allow(unsafe_code)]

use crate::derivation::memory;
use crate::template::{RawTemplate, Template};
use cryptoki_sys as ck;
use std::ffi::c_void;

/// A mechanism that owns its parameter and what that points to.
pub struct Mechanism {
    of: ck::CK_MECHANISM_TYPE,
    parameter: Vec<u8>,
    length: ck::CK_ULONG,
    /// Byte strings that the parameter points to; some are outputs.
    strings: Vec<Vec<u8>>,
    /// Templates that the parameter points to, and their C form.
    _templates: (Vec<Template>, Vec<RawTemplate>),
}

impl Mechanism {
    /// Without a parameter.
    pub fn plain(of: ck::CK_MECHANISM_TYPE) -> Self {
        Self::bytes(of, [])
    }

    /// With a byte string (an IV) for a parameter.
    pub fn bytes(of: ck::CK_MECHANISM_TYPE, parameter: impl AsRef<[u8]>) -> Self {
        let parameter = parameter.as_ref().to_vec();
        let templates = (Vec::new(), Vec::new());
        let length = parameter.len() as ck::CK_ULONG;
        Mechanism { of, length, parameter, strings: Vec::new(), _templates: templates }
    }

    /// With a structure of C.
    pub fn structure<T: Copy>(of: ck::CK_MECHANISM_TYPE, value: T, strings: Vec<Vec<u8>>) -> Self {
        Self::bytes(of, memory(&value)).keeping(strings, Vec::new(), Vec::new())
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

    /// CKM_RSA_AES_KEY_WRAP with SHA-256 inside.
    pub fn rsa_aes_key_wrap(aes_bits: ck::CK_ULONG) -> Self {
        let oaep = Self::oaep(ck::CKM_SHA256, ck::CKG_MGF1_SHA256, b"").parameter;
        let value =
            ck::CK_RSA_AES_KEY_WRAP_PARAMS { ulAESKeyBits: aes_bits, pOAEPParams: oaep.as_ptr().cast_mut().cast() };
        Self::structure(ck::CKM_RSA_AES_KEY_WRAP, value, vec![oaep])
    }

    /// CKM_ECDH1_DERIVE, CKM_ECDH1_COFACTOR_DERIVE.
    pub fn ecdh1(of: ck::CK_MECHANISM_TYPE, kdf: ck::CK_EC_KDF_TYPE, shared: &[u8], public: &[u8]) -> Self {
        let (mut shared, mut public) = (shared.to_vec(), public.to_vec());
        let value = ck::CK_ECDH1_DERIVE_PARAMS {
            kdf,
            ulSharedDataLen: shared.len() as ck::CK_ULONG,
            pSharedData: if shared.is_empty() { std::ptr::null_mut() } else { shared.as_mut_ptr() },
            ulPublicDataLen: public.len() as ck::CK_ULONG,
            pPublicData: public.as_mut_ptr(),
        };
        Self::structure(of, value, vec![shared, public])
    }

    /// With CK_KEY_DERIVATION_STRING_DATA.
    pub fn with_data(of: ck::CK_MECHANISM_TYPE, data: &[u8]) -> Self {
        let mut data = data.to_vec();
        let value = ck::CK_KEY_DERIVATION_STRING_DATA { pData: data.as_mut_ptr(), ulLen: data.len() as ck::CK_ULONG };
        Self::structure(of, value, vec![data])
    }

    /// CKM_AES_CBC_ENCRYPT_DATA.
    pub fn cbc_data(iv: [u8; 16], data: &[u8]) -> Self {
        let mut data = data.to_vec();
        let value =
            ck::CK_AES_CBC_ENCRYPT_DATA_PARAMS { iv, pData: data.as_mut_ptr(), length: data.len() as ck::CK_ULONG };
        Self::structure(ck::CKM_AES_CBC_ENCRYPT_DATA, value, vec![data])
    }

    /// CKM_CHACHA20.
    pub fn chacha20(counter: &[u8], nonce: &[u8]) -> Self {
        let (mut counter, mut nonce) = (counter.to_vec(), nonce.to_vec());
        let value = ck::CK_CHACHA20_PARAMS {
            pBlockCounter: counter.as_mut_ptr(),
            blockCounterBits: counter.len() as ck::CK_ULONG * 8,
            pNonce: nonce.as_mut_ptr(),
            ulNonceBits: nonce.len() as ck::CK_ULONG * 8,
        };
        Self::structure(ck::CKM_CHACHA20, value, vec![counter, nonce])
    }

    /// CKM_RC2_CBC, CKM_RC2_CBC_PAD.
    pub fn rc2_cbc(of: ck::CK_MECHANISM_TYPE, bits: ck::CK_ULONG, iv: [u8; 8]) -> Self {
        Self::structure(of, ck::CK_RC2_CBC_PARAMS { ulEffectiveBits: bits, iv }, Vec::new())
    }

    /// CKM_RC2_MAC_GENERAL.
    pub fn rc2_mac_general(bits: ck::CK_ULONG, length: ck::CK_ULONG) -> Self {
        let value = ck::CK_RC2_MAC_GENERAL_PARAMS { ulEffectiveBits: bits, ulMacLength: length };
        Self::structure(ck::CKM_RC2_MAC_GENERAL, value, Vec::new())
    }

    /// A derivation by CBC under a cipher with blocks of 8 bytes.
    pub fn des_cbc_data(of: ck::CK_MECHANISM_TYPE, iv: [u8; 8], data: &[u8]) -> Self {
        let mut data = data.to_vec();
        let value =
            ck::CK_DES_CBC_ENCRYPT_DATA_PARAMS { iv, pData: data.as_mut_ptr(), length: data.len() as ck::CK_ULONG };
        Self::structure(of, value, vec![data])
    }

    /// The same with another mechanism that takes this structure.
    pub fn of(mut self, of: ck::CK_MECHANISM_TYPE) -> Self {
        self.of = of;
        self
    }

    /// With a number (a length, a handle, a position).
    pub fn number(of: ck::CK_MECHANISM_TYPE, number: ck::CK_ULONG) -> Self {
        Self::bytes(of, number.to_ne_bytes())
    }

    /// CKM_HKDF_DERIVE, CKM_HKDF_DATA: `salt` is data, or a key where `salt_key` is none but 0.
    pub fn hkdf(
        of: ck::CK_MECHANISM_TYPE,
        (extract, expand): (bool, bool),
        hash: ck::CK_MECHANISM_TYPE,
        (salt, salt_key): (&[u8], ck::CK_OBJECT_HANDLE),
        info: &[u8],
    ) -> Self {
        let (mut salt, mut info) = (salt.to_vec(), info.to_vec());
        let value = ck::CK_HKDF_PARAMS {
            bExtract: ck::CK_BBOOL::from(extract),
            bExpand: ck::CK_BBOOL::from(expand),
            prfHashMechanism: hash,
            ulSaltType: match (salt.is_empty(), salt_key) {
                (true, 0) => ck::CKF_HKDF_SALT_NULL,
                (false, 0) => ck::CKF_HKDF_SALT_DATA,
                _ => ck::CKF_HKDF_SALT_KEY,
            },
            pSalt: salt.as_mut_ptr(),
            ulSaltLen: salt.len() as ck::CK_ULONG,
            hSaltKey: salt_key,
            pInfo: info.as_mut_ptr(),
            ulInfoLen: info.len() as ck::CK_ULONG,
        };
        Self::structure(of, value, vec![salt, info])
    }

    /// CKM_AES_CCM with CK_CCM_PARAMS for so many bytes of plaintext.
    pub fn ccm(len: usize, nonce: &[u8], aad: &[u8], mac_len: ck::CK_ULONG) -> Self {
        let (mut nonce, mut aad) = (nonce.to_vec(), aad.to_vec());
        let value = ck::CK_CCM_PARAMS {
            ulDataLen: len as ck::CK_ULONG,
            pNonce: nonce.as_mut_ptr(),
            ulNonceLen: nonce.len() as ck::CK_ULONG,
            pAAD: aad.as_mut_ptr(),
            ulAADLen: aad.len() as ck::CK_ULONG,
            ulMACLen: mac_len,
        };
        Self::structure(ck::CKM_AES_CCM, value, vec![nonce, aad])
    }

    /// CKM_CHACHA20_POLY1305, with the length of the nonce as it is to be told.
    pub fn chacha20_poly1305(nonce: &[u8], told: ck::CK_ULONG, aad: &[u8]) -> Self {
        let (mut nonce, mut aad) = (nonce.to_vec(), aad.to_vec());
        let value = ck::CK_SALSA20_CHACHA20_POLY1305_PARAMS {
            pNonce: nonce.as_mut_ptr(),
            ulNonceLen: told,
            pAAD: aad.as_mut_ptr(),
            ulAADLen: aad.len() as ck::CK_ULONG,
        };
        Self::structure(ck::CKM_CHACHA20_POLY1305, value, vec![nonce, aad])
    }

    /// CKM_AES_GCM with CK_GCM_WRAP_PARAMS; the first string is the IV.
    pub fn gcm_wrap(iv: &[u8], generator: ck::CK_GENERATOR_FUNCTION, fixed_bits: ck::CK_ULONG, aad: &[u8]) -> Self {
        let (mut iv, mut aad) = (iv.to_vec(), aad.to_vec());
        let value = ck::CK_GCM_WRAP_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: iv.len() as ck::CK_ULONG,
            ulIvFixedBits: fixed_bits,
            ivGenerator: generator,
            pAAD: aad.as_mut_ptr(),
            ulAADLen: aad.len() as ck::CK_ULONG,
            ulTagBits: 128,
        };
        Self::structure(ck::CKM_AES_GCM, value, vec![iv, aad])
    }

    /// CKM_AES_CCM with CK_CCM_WRAP_PARAMS; the first string is the nonce.
    pub fn ccm_wrap(nonce: &[u8], generator: ck::CK_GENERATOR_FUNCTION, fixed_bits: ck::CK_ULONG, aad: &[u8]) -> Self {
        let (mut nonce, mut aad) = (nonce.to_vec(), aad.to_vec());
        let value = ck::CK_CCM_WRAP_PARAMS {
            ulDataLen: 0,
            pNonce: nonce.as_mut_ptr(),
            ulNonceLen: nonce.len() as ck::CK_ULONG,
            ulNonceFixedBits: fixed_bits,
            nonceGenerator: generator,
            pAAD: aad.as_mut_ptr(),
            ulAADLen: aad.len() as ck::CK_ULONG,
            ulMACLen: 12,
        };
        Self::structure(ck::CKM_AES_CCM, value, vec![nonce, aad])
    }

    /// Keeps what the parameter points to.
    pub(crate) fn keeping(mut self, strings: Vec<Vec<u8>>, templates: Vec<Template>, raw: Vec<RawTemplate>) -> Self {
        self.strings = strings;
        self._templates = (templates, raw);
        self
    }

    /// One of the strings that the parameter points to, as the module left it.
    pub fn string(&self, index: usize) -> &[u8] {
        &self.strings[index]
    }

    /// The same with other bytes at a place of the structure.
    pub(crate) fn with_bytes(mut self, offset: usize, bytes: &[u8]) -> Self {
        self.parameter[offset..offset + bytes.len()].copy_from_slice(bytes);
        self
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
