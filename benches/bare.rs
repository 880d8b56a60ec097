//! The floor: the same work on OpenSSL itself (the same static copy that the module carries), keys made once and
//! contexts kept, so that nothing is measured but the work.

use openssl::cipher::Cipher;
use openssl::cipher_ctx::CipherCtx;
use openssl::ec::{EcGroup, EcKey};
use openssl::md::Md;
use openssl::md_ctx::MdCtx;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::{Padding, Rsa};

/// One operation, ready to be repeated.
pub type Run = Box<dyn FnMut() -> Result<(), String>>;

fn text(error: openssl::error::ErrorStack) -> String {
    error.to_string()
}

/// RSA PKCS#1 v1.5 over a ready DigestInfo.
pub fn rsa_pkcs(bits: u32, data: Vec<u8>) -> Result<Run, String> {
    let key = PKey::from_rsa(Rsa::generate(bits).map_err(text)?).map_err(text)?;
    let mut context = PkeyCtx::new(&key).map_err(text)?;
    context.sign_init().map_err(text)?;
    context.set_rsa_padding(Padding::PKCS1).map_err(text)?;
    let mut out = vec![0; 1024];
    Ok(Box::new(move || context.sign(&data, Some(&mut out)).map(drop).map_err(text)))
}

/// ECDSA over a ready digest.
pub fn ecdsa(curve: Nid, data: Vec<u8>) -> Result<Run, String> {
    let group = EcGroup::from_curve_name(curve).map_err(text)?;
    let key = PKey::from_ec_key(EcKey::generate(&group).map_err(text)?).map_err(text)?;
    let mut context = PkeyCtx::new(&key).map_err(text)?;
    context.sign_init().map_err(text)?;
    let mut out = vec![0; 256];
    Ok(Box::new(move || context.sign(&data, Some(&mut out)).map(drop).map_err(text)))
}

/// Ed25519.
pub fn ed25519(data: Vec<u8>) -> Result<Run, String> {
    let key: PKey<Private> = PKey::generate_ed25519().map_err(text)?;
    let mut context = MdCtx::new().map_err(text)?;
    let mut out = vec![0; 64];
    Ok(Box::new(move || {
        context.digest_sign_init(None, &key).map_err(text)?;
        context.digest_sign(&data, Some(&mut out)).map(drop).map_err(text)
    }))
}

/// AES-256-GCM with a new IV each time and a 16-byte tag.
pub fn aes_gcm(data: Vec<u8>) -> Result<Run, String> {
    let mut context = CipherCtx::new().map_err(text)?;
    context.encrypt_init(Some(Cipher::aes_256_gcm()), Some(&[1; 32]), Some(&[0; 12])).map_err(text)?;
    let mut out = vec![0; data.len() + 16];
    let mut count = 0u64;
    Ok(Box::new(move || {
        let mut iv = [0; 12];
        count += 1;
        iv[..8].copy_from_slice(&count.to_le_bytes());
        context.encrypt_init(None, None, Some(&iv)).map_err(text)?;
        let n = context.cipher_update(&data, Some(&mut out)).map_err(text)?;
        context.cipher_final(&mut out[n..]).map_err(text)?;
        context.tag(&mut out[data.len()..]).map_err(text)
    }))
}

/// AES-256-CBC with a new IV each time.
pub fn aes_cbc(data: Vec<u8>) -> Result<Run, String> {
    let mut context = CipherCtx::new().map_err(text)?;
    context.encrypt_init(Some(Cipher::aes_256_cbc()), Some(&[1; 32]), Some(&[0; 16])).map_err(text)?;
    context.set_padding(false);
    let mut out = vec![0; data.len() + 16];
    Ok(Box::new(move || {
        context.encrypt_init(None, None, Some(&[7; 16])).map_err(text)?;
        let n = context.cipher_update(&data, Some(&mut out)).map_err(text)?;
        context.cipher_final(&mut out[n..]).map(drop).map_err(text)
    }))
}

/// SHA-256.
pub fn sha256(data: Vec<u8>) -> Result<Run, String> {
    let mut context = MdCtx::new().map_err(text)?;
    let mut out = [0; 32];
    Ok(Box::new(move || {
        context.digest_init(Md::sha256()).map_err(text)?;
        context.digest_update(&data).map_err(text)?;
        context.digest_final(&mut out).map(drop).map_err(text)
    }))
}

/// Random bytes.
pub fn random(length: usize) -> Result<Run, String> {
    let mut out = vec![0; length];
    Ok(Box::new(move || openssl::rand::rand_bytes(&mut out).map_err(text)))
}

unsafe extern "C" {
    fn EVP_MAC_fetch(
        library: *mut libc::c_void,
        name: *const libc::c_char,
        properties: *const libc::c_char,
    ) -> *mut libc::c_void;
    fn EVP_MAC_CTX_new(mac: *mut libc::c_void) -> *mut libc::c_void;
    fn EVP_MAC_init(
        context: *mut libc::c_void,
        key: *const u8,
        length: usize,
        parameters: *const libc::c_void,
    ) -> libc::c_int;
    fn EVP_MAC_update(context: *mut libc::c_void, data: *const u8, length: usize) -> libc::c_int;
    fn EVP_MAC_final(context: *mut libc::c_void, out: *mut u8, length: *mut usize, size: usize) -> libc::c_int;
    fn OSSL_PARAM_construct_utf8_string(key: *const libc::c_char, text: *mut libc::c_char, size: usize) -> Parameter;
    fn OSSL_PARAM_construct_end() -> Parameter;
}

/// OSSL_PARAM.
#[repr(C)]
struct Parameter {
    key: *const libc::c_char,
    kind: libc::c_uint,
    data: *mut libc::c_void,
    size: usize,
    returned: usize,
}

/// HMAC-SHA-256, re-started with the key it has.
pub fn hmac_sha256(data: Vec<u8>) -> Result<Run, String> {
    // SAFETY: C strings that live for ever; a null library and null properties mean the defaults; the digest's name is
    // copied by EVP_MAC_init.
    let context = unsafe {
        let mac = EVP_MAC_fetch(std::ptr::null_mut(), c"HMAC".as_ptr(), std::ptr::null());
        let context = EVP_MAC_CTX_new(mac);
        let parameters = [
            OSSL_PARAM_construct_utf8_string(c"digest".as_ptr(), c"SHA256".as_ptr().cast_mut(), 0),
            OSSL_PARAM_construct_end(),
        ];
        if EVP_MAC_init(context, [1u8; 32].as_ptr(), 32, parameters.as_ptr().cast()) != 1 {
            return Err("EVP_MAC_init".into());
        }
        context
    };
    Ok(Box::new(move || {
        let (mut out, mut length) = ([0u8; 32], 0);
        // SAFETY: the context is never freed; a null key means the one it has; the buffers are live and this long.
        let ok = unsafe {
            EVP_MAC_init(context, std::ptr::null(), 0, std::ptr::null()) == 1
                && EVP_MAC_update(context, data.as_ptr(), data.len()) == 1
                && EVP_MAC_final(context, out.as_mut_ptr(), &mut length, out.len()) == 1
        };
        if ok { Ok(()) } else { Err("EVP_MAC".into()) }
    }))
}
