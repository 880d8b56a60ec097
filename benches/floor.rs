//! The floor of every mechanism, by OpenSSL's names: the same work through EVP of the same static copy, keyed once,
//! contexts kept.

use crate::bare::Run;
use libc::{c_char, c_int, c_void};
use openssl_sys as ffi;
use std::ffi::{CStr, CString};
use std::ptr;

unsafe extern "C" {
    fn EVP_CipherFinal_ex(ctx: *mut ffi::EVP_CIPHER_CTX, out: *mut u8, length: *mut c_int) -> c_int;
    fn EVP_MAC_fetch(library: *mut c_void, name: *const c_char, properties: *const c_char) -> *mut c_void;
    fn EVP_MAC_CTX_new(mac: *mut c_void) -> *mut c_void;
    fn EVP_MAC_init(context: *mut c_void, key: *const u8, length: usize, parameters: *const Parameter) -> c_int;
    fn EVP_MAC_update(context: *mut c_void, data: *const u8, length: usize) -> c_int;
    fn EVP_MAC_final(context: *mut c_void, out: *mut u8, length: *mut usize, size: usize) -> c_int;
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
    fn EVP_KDF_fetch(library: *mut c_void, name: *const c_char, properties: *const c_char) -> *mut c_void;
    fn EVP_KDF_CTX_new(kdf: *mut c_void) -> *mut c_void;
    fn EVP_KDF_derive(context: *mut c_void, out: *mut u8, length: usize, parameters: *const Parameter) -> c_int;
    fn OSSL_PARAM_construct_octet_string(key: *const c_char, data: *mut c_void, size: usize) -> Parameter;
    fn EVP_PKEY_generate(ctx: *mut ffi::EVP_PKEY_CTX, key: *mut *mut ffi::EVP_PKEY) -> c_int;
    fn OSSL_PROVIDER_load(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn OSSL_PARAM_construct_utf8_string(key: *const c_char, text: *mut c_char, size: usize) -> Parameter;
    fn OSSL_PARAM_construct_end() -> Parameter;
}

// openssl/evp.h.
const CTRL_SET_IV_LEN: c_int = 0x9;
const CTRL_GET_TAG: c_int = 0x10;
const CTRL_SET_TAG: c_int = 0x11;
const FLAG_WRAP_ALLOW: c_int = 0x1;

/// OSSL_PARAM.
#[repr(C)]
struct Parameter {
    key: *const c_char,
    kind: libc::c_uint,
    data: *mut c_void,
    size: usize,
    returned: usize,
}

fn done(ok: bool) -> Result<(), String> {
    if ok { Ok(()) } else { Err(openssl::error::ErrorStack::get().to_string()) }
}

/// Both providers, once; the legacy ciphers and digests are in the second.
fn providers() {
    static LOADED: std::sync::Once = std::sync::Once::new();
    LOADED.call_once(|| {
        for name in [c"default", c"legacy"] {
            // SAFETY: C strings; the providers stay loaded for the life of the process.
            unsafe { OSSL_PROVIDER_load(ptr::null_mut(), name.as_ptr()) };
        }
    });
}

/// How a cipher is to be handled besides key and IV.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Blocks or stream, no padding.
    Plain,
    /// PKCS#7 padding.
    Padded,
    /// A tag of 16 bytes.
    Aead,
    /// CCM: a tag of 16 bytes, and lengths come first.
    Ccm,
    /// Key wrap.
    Wrap,
    /// An AEAD whose input is associated data only.
    Associated,
    /// A mode that OpenSSL lacks, out of its single blocks: it feeds back as many bytes as this.
    Feedback(usize),
    /// A stream without an IV: only the key begins it anew.
    Keyed,
}

impl Kind {
    fn has_tag(self) -> bool {
        matches!(self, Kind::Aead | Kind::Ccm | Kind::Associated)
    }
}

/// Encryption of `length` bytes by the cipher of this name, with a new IV of `iv` bytes each time.
pub fn cipher(name: &CStr, kind: Kind, key: usize, iv: usize, length: usize) -> Result<Run, String> {
    if let Kind::Feedback(segment) = kind {
        return feedback(name, key, segment, length);
    }
    providers();
    let key = crate::every::key(key);
    // SAFETY: names are C strings; null library and properties are the defaults; context and cipher are checked and
    // never freed; key and IV have the lengths of the cipher.
    let context = unsafe {
        let cipher = ffi::EVP_CIPHER_fetch(ptr::null_mut(), name.as_ptr(), ptr::null());
        let context = ffi::EVP_CIPHER_CTX_new();
        done(!cipher.is_null() && !context.is_null())?;
        if kind == Kind::Wrap {
            ffi::EVP_CIPHER_CTX_set_flags(context, FLAG_WRAP_ALLOW);
        }
        done(ffi::EVP_CipherInit_ex(context, cipher, ptr::null_mut(), ptr::null(), ptr::null(), 1) == 1)?;
        if kind.has_tag() {
            done(ffi::EVP_CIPHER_CTX_ctrl(context, CTRL_SET_IV_LEN, iv as c_int, ptr::null_mut()) == 1)?;
        }
        if kind == Kind::Ccm {
            done(ffi::EVP_CIPHER_CTX_ctrl(context, CTRL_SET_TAG, 16, ptr::null_mut()) == 1)?;
        }
        done(ffi::EVP_CIPHER_CTX_set_key_length(context, key.len() as c_int) == 1 || kind != Kind::Plain)?;
        done(ffi::EVP_CipherInit_ex(context, ptr::null(), ptr::null_mut(), key.as_ptr(), ptr::null(), 1) == 1)?;
        ffi::EVP_CIPHER_CTX_set_padding(context, c_int::from(kind == Kind::Padded));
        context
    };
    let (data, mut out, mut ivs, mut tag) = (vec![7; length], vec![0; length + 64], vec![0; iv], [0u8; 16]);
    Ok(Box::new(move || {
        if let Some(first) = ivs.first_mut() {
            *first = u8::wrapping_add(*first, 1);
        }
        let iv = if ivs.is_empty() { ptr::null() } else { ivs.as_ptr() };
        let (mut n, mut m) = (0, 0);
        let into = if kind == Kind::Associated { ptr::null_mut() } else { out.as_mut_ptr() };
        let key = if kind == Kind::Keyed { key.as_ptr() } else { ptr::null() };
        // SAFETY: the context lives for ever; the output has room for a block and a tag more than the input.
        let ok = unsafe {
            ffi::EVP_CipherInit_ex(context, ptr::null(), ptr::null_mut(), key, iv, -1) == 1
                && (kind != Kind::Ccm
                    || ffi::EVP_CipherUpdate(context, ptr::null_mut(), &mut n, ptr::null(), data.len() as c_int) == 1)
                && ffi::EVP_CipherUpdate(context, into, &mut n, data.as_ptr(), data.len() as c_int) == 1
                && EVP_CipherFinal_ex(context, out.as_mut_ptr().add(n as usize), &mut m) == 1
                && (!kind.has_tag()
                    || ffi::EVP_CIPHER_CTX_ctrl(context, CTRL_GET_TAG, 16, tag.as_mut_ptr().cast()) == 1)
        };
        done(ok)
    }))
}

/// Cipher feedback of `segment` bytes by a cipher in ECB mode.
fn feedback(name: &CStr, key: usize, segment: usize, length: usize) -> Result<Run, String> {
    providers();
    let key = crate::every::key(key);
    // SAFETY: as for ciphers.
    let (context, block) = unsafe {
        let cipher = ffi::EVP_CIPHER_fetch(ptr::null_mut(), name.as_ptr(), ptr::null());
        let context = ffi::EVP_CIPHER_CTX_new();
        done(!cipher.is_null() && !context.is_null())?;
        done(ffi::EVP_CipherInit_ex(context, cipher, ptr::null_mut(), key.as_ptr(), ptr::null(), 1) == 1)?;
        ffi::EVP_CIPHER_CTX_set_padding(context, 0);
        (context, ffi::EVP_CIPHER_get_block_size(cipher) as usize)
    };
    let (data, mut out) = (vec![7u8; length], vec![0u8; length]);
    Ok(Box::new(move || {
        let (mut register, mut stream, mut n) = ([9u8; 16], [0u8; 32], 0);
        for (input, output) in data.chunks(segment).zip(out.chunks_mut(segment)) {
            // SAFETY: the context lives for ever; the output has room for a block.
            done(unsafe {
                ffi::EVP_CipherUpdate(context, stream.as_mut_ptr(), &mut n, register.as_ptr(), block as c_int) == 1
            })?;
            output.iter_mut().zip(input).zip(&stream).for_each(|((o, i), s)| *o = i ^ s);
            register.copy_within(segment..block, 0);
            register[block - segment..block].copy_from_slice(output);
        }
        Ok(())
    }))
}

/// A digest of `length` bytes.
pub fn digest(name: &CStr, length: usize) -> Result<Run, String> {
    providers();
    // SAFETY: as for ciphers.
    let (digest, context) =
        unsafe { (ffi::EVP_MD_fetch(ptr::null_mut(), name.as_ptr(), ptr::null()), ffi::EVP_MD_CTX_new()) };
    done(!digest.is_null() && !context.is_null())?;
    let (data, mut out) = (vec![7; length], [0; 64]);
    Ok(Box::new(move || {
        let mut n = 0;
        // SAFETY: digest and context live for ever; the output holds the longest digest.
        let ok = unsafe {
            ffi::EVP_DigestInit_ex(context, digest, ptr::null_mut()) == 1
                && ffi::EVP_DigestUpdate(context, data.as_ptr().cast(), data.len()) == 1
                && ffi::EVP_DigestFinal_ex(context, out.as_mut_ptr(), &mut n) == 1
        };
        done(ok)
    }))
}

/// A MAC of `length` bytes; `option` is its digest or cipher. GMAC and Poly1305 get key or IV anew each time.
pub fn mac(name: &CStr, option: Option<(&CStr, &CStr)>, key: usize, length: usize) -> Result<Run, String> {
    providers();
    let key = crate::every::key(key);
    // SAFETY: as for ciphers; parameters are copied by EVP_MAC_init.
    let context = unsafe {
        let context = EVP_MAC_CTX_new(EVP_MAC_fetch(ptr::null_mut(), name.as_ptr(), ptr::null()));
        let end = OSSL_PARAM_construct_end();
        let parameters = match option {
            Some((of, value)) => [OSSL_PARAM_construct_utf8_string(of.as_ptr(), value.as_ptr().cast_mut(), 0), end],
            None => [OSSL_PARAM_construct_end(), end],
        };
        done(EVP_MAC_init(context, key.as_ptr(), key.len(), parameters.as_ptr()) == 1)?;
        context
    };
    let again = name == c"POLY1305";
    let (data, mut out) = (vec![7; length], [0u8; 64]);
    Ok(Box::new(move || {
        let mut n = 0;
        let (key, key_len) = if again { (key.as_ptr(), key.len()) } else { (ptr::null(), 0) };
        // SAFETY: the context lives for ever; a null key means the one it has; the output holds the longest MAC.
        let ok = unsafe {
            EVP_MAC_init(context, key, key_len, ptr::null()) == 1
                && EVP_MAC_update(context, data.as_ptr(), data.len()) == 1
                && EVP_MAC_final(context, out.as_mut_ptr(), &mut n, out.len()) == 1
        };
        done(ok)
    }))
}

/// The pseudorandom function of TLS 1.2 (RFC 5246 section 5): 12 bytes of a secret and a seed.
pub fn prf(secret: usize, seed: usize) -> Result<Run, String> {
    providers();
    let (secret, seed, mut out) = (crate::every::key(secret), vec![7u8; seed], [0u8; 12]);
    // SAFETY: C strings; the context is checked and never freed.
    let context = unsafe { EVP_KDF_CTX_new(EVP_KDF_fetch(ptr::null_mut(), c"TLS1-PRF".as_ptr(), ptr::null())) };
    done(!context.is_null())?;
    Ok(Box::new(move || {
        // SAFETY: the context lives for ever, the parameters as long as the call.
        let ok = unsafe {
            let parameters = [
                OSSL_PARAM_construct_utf8_string(c"digest".as_ptr(), c"SHA2-256".as_ptr().cast_mut(), 0),
                OSSL_PARAM_construct_octet_string(c"secret".as_ptr(), secret.as_ptr().cast_mut().cast(), secret.len()),
                OSSL_PARAM_construct_octet_string(c"seed".as_ptr(), seed.as_ptr().cast_mut().cast(), seed.len()),
                OSSL_PARAM_construct_end(),
            ];
            EVP_KDF_derive(context, out.as_mut_ptr(), out.len(), parameters.as_ptr()) == 1
        };
        done(ok)
    }))
}

/// A new pair each time.
pub fn generation(name: &'static CStr, options: &'static [(&'static str, &'static str)]) -> Result<Run, String> {
    providers();
    Ok(Box::new(move || {
        let key = generate(name, options)?;
        // SAFETY: nobody else has it.
        unsafe { ffi::EVP_PKEY_free(key) };
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

/// A key encapsulation under a key of this algorithm.
pub fn kem(name: &CStr, how: Kem) -> Result<Run, String> {
    providers();
    let key = generate(name, &[])?;
    // SAFETY: contexts are checked and never freed.
    let [to, from] = unsafe { [(); 2].map(|()| ffi::EVP_PKEY_CTX_new(key, ptr::null_mut())) };
    // SAFETY: live contexts, no parameters.
    done(unsafe {
        EVP_PKEY_encapsulate_init(to, ptr::null()) == 1 && EVP_PKEY_decapsulate_init(from, ptr::null()) == 1
    })?;
    let (mut wrapped, mut secret) = (vec![0u8; 2048], [0u8; 32]);
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
    /// Decryption of what the public half encrypted.
    Decrypt,
    /// Agreement with another key of the kind.
    Derive,
}

/// A new key of OpenSSL's algorithm `name` with `options` (as `openssl genpkey -pkeyopt`).
fn generate(name: &CStr, options: &[(&str, &str)]) -> Result<*mut ffi::EVP_PKEY, String> {
    let mut key = ptr::null_mut();
    // SAFETY: contexts that are checked and freed, C strings, and places for what is made.
    unsafe {
        let mut context = EVP_PKEY_CTX_new_from_name(ptr::null_mut(), name.as_ptr(), ptr::null());
        if name == c"DSA" {
            let mut parameters = ptr::null_mut();
            done(!context.is_null() && ffi::EVP_PKEY_paramgen_init(context) == 1)?;
            set(context, options)?;
            done(EVP_PKEY_generate(context, &mut parameters) == 1)?;
            ffi::EVP_PKEY_CTX_free(context);
            context = ffi::EVP_PKEY_CTX_new(parameters, ptr::null_mut());
        }
        done(!context.is_null() && ffi::EVP_PKEY_keygen_init(context) == 1)?;
        if name != c"DSA" {
            set(context, options)?;
        }
        let made = EVP_PKEY_generate(context, &mut key) == 1;
        ffi::EVP_PKEY_CTX_free(context);
        done(made)?;
    }
    Ok(key)
}

/// # Safety
/// A live context.
unsafe fn set(context: *mut ffi::EVP_PKEY_CTX, options: &[(&str, &str)]) -> Result<(), String> {
    for (of, value) in options {
        let (of, value) =
            (CString::new(*of).map_err(|e| e.to_string())?, CString::new(*value).map_err(|e| e.to_string())?);
        // SAFETY: the caller's promise; C strings.
        done(unsafe { EVP_PKEY_CTX_ctrl_str(context, of.as_ptr(), value.as_ptr()) } > 0)?;
    }
    Ok(())
}

/// One private-key operation on `data`; `options` configure the operation (`rsa_padding_mode` and so on).
pub fn pkey(
    name: &CStr,
    making: &[(&str, &str)],
    how: Use,
    options: &'static [(&'static str, &'static str)],
    data: Vec<u8>,
) -> Result<Run, String> {
    providers();
    let key = generate(name, making)?;
    let mut out = vec![0u8; 65536];
    if let Use::SignMessage(digest) = how {
        // SAFETY: as above.
        let context = unsafe { ffi::EVP_MD_CTX_new() };
        let digest = match digest {
            // SAFETY: as above.
            Some(name) => unsafe { ffi::EVP_MD_fetch(ptr::null_mut(), name.as_ptr(), ptr::null()) },
            None => ptr::null_mut(),
        };
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
            Use::Decrypt => ffi::EVP_PKEY_decrypt_init(context),
            Use::Derive => ffi::EVP_PKEY_derive_init(context),
            _ => ffi::EVP_PKEY_sign_init(context),
        };
        done(begun == 1)?;
        set(context, options)?;
        context
    };
    let peer = if how == Use::Derive { generate(name, making)? } else { ptr::null_mut() };
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
