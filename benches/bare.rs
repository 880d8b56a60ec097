//! The floor: the same work on OpenSSL itself (the same static copy that the module carries), keys made once and
//! contexts kept, so that nothing is measured but the work.

use openssl::cipher::Cipher;
use openssl::cipher_ctx::CipherCtx;
use openssl::ec::{EcGroup, EcKey};
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

/// Random bytes.
pub fn random(length: usize) -> Result<Run, String> {
    let mut out = vec![0; length];
    Ok(Box::new(move || openssl::rand::rand_bytes(&mut out).map_err(text)))
}
