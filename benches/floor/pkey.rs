//! The floor of what is done with key pairs, and of making them.

use super::{Parameter, Run, done};
use libc::{c_char, c_int, c_void};
use openssl_sys as ffi;
use std::ffi::{CStr, CString};
use std::ptr;

unsafe extern "C" {
    fn EVP_PKEY_CTX_new_from_name(
        library: *mut c_void,
        name: *const c_char,
        properties: *const c_char,
    ) -> *mut ffi::EVP_PKEY_CTX;
    fn EVP_PKEY_CTX_ctrl_str(ctx: *mut ffi::EVP_PKEY_CTX, name: *const c_char, value: *const c_char) -> c_int;
    fn EVP_PKEY_encapsulate_init(ctx: *mut ffi::EVP_PKEY_CTX, parameters: *const Parameter) -> c_int;
    fn EVP_PKEY_encapsulate(
        ctx: *mut ffi::EVP_PKEY_CTX,
        wrapped: *mut u8,
        wrapped_length: *mut usize,
        secret: *mut u8,
        secret_length: *mut usize,
    ) -> c_int;
    fn EVP_PKEY_decapsulate_init(ctx: *mut ffi::EVP_PKEY_CTX, parameters: *const Parameter) -> c_int;
    fn EVP_PKEY_decapsulate(
        ctx: *mut ffi::EVP_PKEY_CTX,
        secret: *mut u8,
        secret_length: *mut usize,
        wrapped: *const u8,
        wrapped_length: usize,
    ) -> c_int;
    fn EVP_PKEY_generate(ctx: *mut ffi::EVP_PKEY_CTX, key: *mut *mut ffi::EVP_PKEY) -> c_int;
}

/// What `openssl genpkey` and `openssl pkeyutl` take as -pkeyopt.
pub type Options = &'static [(&'static str, &'static str)];

/// A new pair each time.
pub fn generation(name: &CStr, options: Options) -> Result<Run, String> {
    again(maker(name, options)?)
}

/// New domain parameters each time.
pub fn parameters(name: &CStr, options: Options) -> Result<Run, String> {
    again(parameter_maker(name, options)?)
}

fn again(maker: *mut ffi::EVP_PKEY_CTX) -> Result<Run, String> {
    Ok(Box::new(move || {
        let made = make(maker)?;
        // SAFETY: nobody else has it.
        unsafe { ffi::EVP_PKEY_free(made) };
        Ok(())
    }))
}

/// Which half of a key encapsulation.
#[derive(Clone, Copy)]
pub enum Kem {
    /// EVP_PKEY_encapsulate.
    Encapsulate,
    /// EVP_PKEY_decapsulate.
    Decapsulate,
}

/// A key encapsulation under a key of this algorithm; under an RSA key, RSASVE.
pub fn kem(name: &CStr, making: Options, how: Kem) -> Result<Run, String> {
    let key = make(maker(name, making)?)?;
    // SAFETY: contexts are checked and never freed.
    let [to, from] = unsafe { [(); 2].map(|()| ffi::EVP_PKEY_CTX_new(key, ptr::null_mut())) };
    // SAFETY: live contexts, no parameters.
    done(unsafe {
        EVP_PKEY_encapsulate_init(to, ptr::null()) == 1 && EVP_PKEY_decapsulate_init(from, ptr::null()) == 1
    })?;
    let (mut wrapped, mut secret) = (vec![0u8; 2048], [0u8; 512]);
    let (mut n, mut m) = (wrapped.len(), secret.len());
    // SAFETY: outputs of the lengths given.
    done(unsafe { EVP_PKEY_encapsulate(to, wrapped.as_mut_ptr(), &mut n, secret.as_mut_ptr(), &mut m) == 1 })?;
    wrapped.truncate(n);
    Ok(Box::new(move || {
        let (mut n, mut m) = (wrapped.len(), secret.len());
        // SAFETY: as above.
        done(unsafe {
            match how {
                Kem::Encapsulate => {
                    EVP_PKEY_encapsulate(to, wrapped.as_mut_ptr(), &mut n, secret.as_mut_ptr(), &mut m) == 1
                }
                Kem::Decapsulate => EVP_PKEY_decapsulate(from, secret.as_mut_ptr(), &mut m, wrapped.as_ptr(), n) == 1,
            }
        })
    }))
}

/// What is done with a private key, or for RSA with either.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A signature of the data as it is: EVP_PKEY_sign.
    Sign,
    /// A signature of a message, hashed by the digest of this name or by the algorithm itself: EVP_DigestSign.
    SignMessage(Option<&'static CStr>),
    /// Encryption with the public half.
    Encrypt,
    /// Decryption of what the public half encrypted.
    Decrypt,
    /// Agreement with another key of the kind.
    Derive,
}

/// What makes keys of OpenSSL's algorithm `name` with `options`. Where they are of the domain parameters, all keys have
/// the same.
fn maker(name: &CStr, options: Options) -> Result<*mut ffi::EVP_PKEY_CTX, String> {
    let in_domain = [c"DSA", c"DHX"].contains(&name);
    let parameters = if in_domain { make(parameter_maker(name, options)?)? } else { ptr::null_mut() };
    // SAFETY: a C string, or a live key; the context is checked and never freed.
    unsafe {
        let context = match in_domain {
            true => ffi::EVP_PKEY_CTX_new(parameters, ptr::null_mut()),
            false => EVP_PKEY_CTX_new_from_name(ptr::null_mut(), name.as_ptr(), ptr::null()),
        };
        done(!context.is_null() && ffi::EVP_PKEY_keygen_init(context) == 1)?;
        set(context, if in_domain { &[] } else { options })?;
        Ok(context)
    }
}

/// What makes domain parameters.
fn parameter_maker(name: &CStr, options: Options) -> Result<*mut ffi::EVP_PKEY_CTX, String> {
    // SAFETY: as for keys.
    unsafe {
        let context = EVP_PKEY_CTX_new_from_name(ptr::null_mut(), name.as_ptr(), ptr::null());
        done(!context.is_null() && ffi::EVP_PKEY_paramgen_init(context) == 1)?;
        set(context, options)?;
        Ok(context)
    }
}

/// A new key, or new parameters.
fn make(maker: *mut ffi::EVP_PKEY_CTX) -> Result<*mut ffi::EVP_PKEY, String> {
    let mut made = ptr::null_mut();
    // SAFETY: a context of ours, and a place for what is made.
    done(unsafe { EVP_PKEY_generate(maker, &mut made) } == 1)?;
    Ok(made)
}

/// # Safety
/// A live context.
unsafe fn set(context: *mut ffi::EVP_PKEY_CTX, options: Options) -> Result<(), String> {
    for (of, value) in options {
        let (of, value) =
            (CString::new(*of).map_err(|e| e.to_string())?, CString::new(*value).map_err(|e| e.to_string())?);
        // SAFETY: the caller's promise; C strings.
        done(unsafe { EVP_PKEY_CTX_ctrl_str(context, of.as_ptr(), value.as_ptr()) } > 0)?;
    }
    Ok(())
}

/// Verifying what `how` signed.
pub fn verification(name: &CStr, making: Options, how: Use, options: Options, data: Vec<u8>) -> Result<Run, String> {
    let key = make(maker(name, making)?)?;
    let (mut signature, mut n) = (vec![0u8; 65536], 65536);
    if let Use::SignMessage(digest) = how {
        let digest = fetched(digest);
        // SAFETY: no conditions; contexts are checked by their first use and never freed.
        let [to, from] = unsafe { [(); 2].map(|()| ffi::EVP_MD_CTX_new()) };
        let mut inner = ptr::null_mut();
        // SAFETY: contexts, key and digest live for ever; the output is larger than any signature.
        unsafe {
            done(ffi::EVP_DigestSignInit(to, &mut inner, digest, ptr::null_mut(), key) == 1)?;
            set(inner, options)?;
            done(ffi::EVP_DigestSign(to, signature.as_mut_ptr(), &mut n, data.as_ptr(), data.len()) == 1)?;
        }
        return Ok(Box::new(move || {
            let mut inner = ptr::null_mut();
            // SAFETY: as above.
            unsafe {
                done(ffi::EVP_DigestVerifyInit(from, &mut inner, digest, ptr::null_mut(), key) == 1)?;
                set(inner, options)?;
                done(ffi::EVP_DigestVerify(from, signature.as_ptr(), n, data.as_ptr(), data.len()) == 1)
            }
        }));
    }
    // SAFETY: as above.
    let from = unsafe {
        let [to, from] = [(); 2].map(|()| ffi::EVP_PKEY_CTX_new(key, ptr::null_mut()));
        done(ffi::EVP_PKEY_sign_init(to) == 1 && ffi::EVP_PKEY_verify_init(from) == 1)?;
        set(to, options)?;
        set(from, options)?;
        done(ffi::EVP_PKEY_sign(to, signature.as_mut_ptr(), &mut n, data.as_ptr(), data.len()) == 1)?;
        from
    };
    Ok(Box::new(move || {
        // SAFETY: as above.
        done(unsafe { ffi::EVP_PKEY_verify(from, signature.as_ptr(), n, data.as_ptr(), data.len()) } == 1)
    }))
}

/// A digest, or none where the algorithm has its own.
fn fetched(name: Option<&CStr>) -> *mut ffi::EVP_MD {
    match name {
        // SAFETY: a C string; null library and properties are the defaults; never freed.
        Some(name) => unsafe { ffi::EVP_MD_fetch(ptr::null_mut(), name.as_ptr(), ptr::null()) },
        None => ptr::null_mut(),
    }
}

/// One operation with a key pair on `data`; `options` configure the operation (`rsa_padding_mode` and so on).
pub fn pkey(name: &CStr, making: Options, how: Use, options: Options, data: Vec<u8>) -> Result<Run, String> {
    let maker = maker(name, making)?;
    let key = make(maker)?;
    let mut out = vec![0u8; 65536];
    if let Use::SignMessage(digest) = how {
        // SAFETY: as above.
        let (context, digest) = (unsafe { ffi::EVP_MD_CTX_new() }, fetched(digest));
        return Ok(Box::new(move || {
            let (mut n, mut inner) = (out.len(), ptr::null_mut());
            // SAFETY: context, key and digest live for ever; the output is larger than any signature.
            unsafe {
                done(ffi::EVP_DigestSignInit(context, &mut inner, digest, ptr::null_mut(), key) == 1)?;
                set(inner, options)?;
                done(ffi::EVP_DigestSign(context, out.as_mut_ptr(), &mut n, data.as_ptr(), data.len()) == 1)
            }
        }));
    }
    // SAFETY: as above.
    let context = unsafe {
        let context = ffi::EVP_PKEY_CTX_new(key, ptr::null_mut());
        let begun = match how {
            Use::Encrypt => ffi::EVP_PKEY_encrypt_init(context),
            Use::Decrypt => ffi::EVP_PKEY_decrypt_init(context),
            Use::Derive => ffi::EVP_PKEY_derive_init(context),
            _ => ffi::EVP_PKEY_sign_init(context),
        };
        done(begun == 1)?;
        set(context, options)?;
        context
    };
    let peer = if how == Use::Derive { make(maker)? } else { ptr::null_mut() };
    let mut input = data;
    if how == Use::Decrypt {
        let mut n = out.len();
        // SAFETY: as above.
        unsafe {
            let public = ffi::EVP_PKEY_CTX_new(key, ptr::null_mut());
            done(ffi::EVP_PKEY_encrypt_init(public) == 1)?;
            set(public, options)?;
            done(ffi::EVP_PKEY_encrypt(public, out.as_mut_ptr(), &mut n, input.as_ptr(), input.len()) == 1)?;
        }
        input = out[..n].to_vec();
    }
    Ok(Box::new(move || {
        let mut n = out.len();
        // SAFETY: the context lives for ever; the output is larger than any result.
        done(
            unsafe {
                match how {
                    Use::Encrypt => {
                        ffi::EVP_PKEY_encrypt(context, out.as_mut_ptr(), &mut n, input.as_ptr(), input.len())
                    }
                    Use::Decrypt => {
                        ffi::EVP_PKEY_decrypt(context, out.as_mut_ptr(), &mut n, input.as_ptr(), input.len())
                    }
                    Use::Derive => c_int::from(
                        ffi::EVP_PKEY_derive_set_peer(context, peer) == 1
                            && ffi::EVP_PKEY_derive(context, out.as_mut_ptr(), &mut n) == 1,
                    ),
                    _ => ffi::EVP_PKEY_sign(context, out.as_mut_ptr(), &mut n, input.as_ptr(), input.len()),
                }
            } == 1,
        )
    }))
}
