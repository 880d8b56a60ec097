//! Mechanisms with the parameters of the vectors.

use kit::{Mechanism, ck};
use std::ptr::null_mut;

fn length(of: &[u8]) -> ck::CK_ULONG {
    of.len() as ck::CK_ULONG
}

/// CKM_AES_CCM for so many bytes of plaintext.
pub fn ccm(data: usize, nonce: &[u8], aad: &[u8], mac: usize) -> Mechanism {
    let (mut nonce, mut aad) = (nonce.to_vec(), aad.to_vec());
    let value = ck::CK_CCM_PARAMS {
        ulDataLen: data as ck::CK_ULONG,
        pNonce: nonce.as_mut_ptr(),
        ulNonceLen: length(&nonce),
        pAAD: aad.as_mut_ptr(),
        ulAADLen: length(&aad),
        ulMACLen: mac as ck::CK_ULONG,
    };
    Mechanism::structure(ck::CKM_AES_CCM, value, vec![nonce, aad])
}

/// CKM_CHACHA20_POLY1305.
pub fn chacha20_poly1305(nonce: &[u8], aad: &[u8]) -> Mechanism {
    let (mut nonce, mut aad) = (nonce.to_vec(), aad.to_vec());
    let value = ck::CK_SALSA20_CHACHA20_POLY1305_PARAMS {
        pNonce: nonce.as_mut_ptr(),
        ulNonceLen: length(&nonce),
        pAAD: aad.as_mut_ptr(),
        ulAADLen: length(&aad),
    };
    Mechanism::structure(ck::CKM_CHACHA20_POLY1305, value, vec![nonce, aad])
}

/// CKM_AES_GMAC with a tag of 16 bytes.
pub fn gmac(iv: &[u8]) -> Mechanism {
    let mut iv = iv.to_vec();
    let value = ck::CK_GCM_PARAMS {
        pIv: iv.as_mut_ptr(),
        ulIvLen: length(&iv),
        ulIvBits: length(&iv) * 8,
        pAAD: null_mut(),
        ulAADLen: 0,
        ulTagBits: 128,
    };
    Mechanism::structure(ck::CKM_AES_GMAC, value, vec![iv])
}

/// CKM_PKCS5_PBKD2.
pub fn pbkd2(prf: ck::CK_ULONG, password: &[u8], salt: &[u8], iterations: usize) -> Mechanism {
    let (mut password, mut salt) = (password.to_vec(), salt.to_vec());
    let value = ck::CK_PKCS5_PBKD2_PARAMS2 {
        saltSource: ck::CKZ_SALT_SPECIFIED,
        pSaltSourceData: salt.as_mut_ptr().cast(),
        ulSaltSourceDataLen: length(&salt),
        iterations: iterations as ck::CK_ULONG,
        prf,
        pPrfData: null_mut(),
        ulPrfDataLen: 0,
        pPassword: password.as_mut_ptr(),
        ulPasswordLen: length(&password),
    };
    Mechanism::structure(ck::CKM_PKCS5_PBKD2, value, vec![password, salt])
}

/// CKM_ML_DSA, the same signature every time.
pub fn ml_dsa(context: &[u8]) -> Mechanism {
    let mut context = context.to_vec();
    let value = ck::CK_SIGN_ADDITIONAL_CONTEXT {
        hedgeVariant: ck::CKH_DETERMINISTIC_REQUIRED,
        pContext: context.as_mut_ptr(),
        ulContextLen: length(&context),
    };
    Mechanism::structure(ck::CKM_ML_DSA, value, vec![context])
}
