//! The floor of every mechanism, by OpenSSL's names: the same work through EVP of the same static copy, contexts kept.
//! They are keyed once beside operations that begin again under the same key, and with each call beside single calls that
//! name their key: those that wrap, unwrap and derive. Here is what all have in common, digests and MACs.

mod bytes;
mod cipher;
mod pkey;

pub use bytes::{Bytes, Fill, Piece, Step, Value};
pub use cipher::{Direction, Keying, Kind, cipher};
pub use pkey::{Kem, Options, Use, generation, kem, parameters, pkey, verification};

use libc::{c_char, c_int, c_void};
use openssl_sys as ffi;
use std::ffi::CStr;
use std::ptr;

unsafe extern "C" {
    fn EVP_MAC_fetch(library: *mut c_void, name: *const c_char, properties: *const c_char) -> *mut c_void;
    fn EVP_MAC_CTX_new(mac: *mut c_void) -> *mut c_void;
    fn EVP_MAC_init(context: *mut c_void, key: *const u8, length: usize, parameters: *const Parameter) -> c_int;
    fn EVP_MAC_update(context: *mut c_void, data: *const u8, length: usize) -> c_int;
    fn EVP_MAC_final(context: *mut c_void, out: *mut u8, length: *mut usize, size: usize) -> c_int;
    fn OSSL_PROVIDER_load(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn OSSL_PARAM_construct_utf8_string(key: *const c_char, text: *mut c_char, size: usize) -> Parameter;
    fn OSSL_PARAM_construct_end() -> Parameter;
}

/// OSSL_PARAM.
#[derive(Clone, Copy)]
#[repr(C)]
struct Parameter {
    key: *const c_char,
    kind: libc::c_uint,
    data: *mut c_void,
    size: usize,
    returned: usize,
}

/// One operation, ready to be repeated.
pub type Run = Box<dyn FnMut() -> Result<(), String>>;

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

/// Pieces of work, one after the other.
pub fn together(mut runs: Vec<Run>) -> Run {
    Box::new(move || runs.iter_mut().try_for_each(|run| run()))
}

/// A digest and a context for it.
#[derive(Clone, Copy)]
struct Digester {
    digest: *const ffi::EVP_MD,
    context: *mut ffi::EVP_MD_CTX,
}

impl Digester {
    fn new(name: &CStr) -> Result<Digester, String> {
        providers();
        // SAFETY: a C string; null library and properties are the defaults; both are checked and never freed.
        let (digest, context) =
            unsafe { (ffi::EVP_MD_fetch(ptr::null_mut(), name.as_ptr(), ptr::null()), ffi::EVP_MD_CTX_new()) };
        done(!digest.is_null() && !context.is_null())?;
        Ok(Digester { digest, context })
    }

    /// Begins anew and takes the data.
    fn take(self, data: &[u8]) -> Result<(), String> {
        // SAFETY: digest and context live for ever.
        done(unsafe {
            ffi::EVP_DigestInit_ex(self.context, self.digest, ptr::null_mut()) == 1
                && ffi::EVP_DigestUpdate(self.context, data.as_ptr().cast(), data.len()) == 1
        })
    }

    /// The digest of what it took.
    fn finish(self, out: &mut [u8; 64]) -> Result<(), String> {
        let mut n = 0;
        // SAFETY: as above; the output holds the longest digest.
        done(unsafe { ffi::EVP_DigestFinal_ex(self.context, out.as_mut_ptr(), &mut n) == 1 })
    }
}

/// A digest of `length` bytes.
pub fn digest(name: &CStr, length: usize) -> Result<Run, String> {
    let (digester, data, mut out) = (Digester::new(name)?, vec![7; length], [0; 64]);
    Ok(Box::new(move || {
        digester.take(&data)?;
        digester.finish(&mut out)
    }))
}

/// A keyed context of a MAC.
fn keyed(name: &CStr, option: Option<(&CStr, &CStr)>, key: &[u8]) -> Result<*mut c_void, String> {
    providers();
    // SAFETY: as for digests; parameters are copied by EVP_MAC_init.
    unsafe {
        let context = EVP_MAC_CTX_new(EVP_MAC_fetch(ptr::null_mut(), name.as_ptr(), ptr::null()));
        let end = OSSL_PARAM_construct_end();
        let parameters = match option {
            Some((of, value)) => [OSSL_PARAM_construct_utf8_string(of.as_ptr(), value.as_ptr().cast_mut(), 0), end],
            None => [end, end],
        };
        done(EVP_MAC_init(context, key.as_ptr(), key.len(), parameters.as_ptr()) == 1)?;
        Ok(context)
    }
}

/// The MAC of pieces under the key that the context has, or under another.
fn mac_of(
    context: *mut c_void,
    key: Option<&[u8]>,
    pieces: impl IntoIterator<Item = impl AsRef<[u8]>>,
    out: &mut [u8; 64],
) -> Result<(), String> {
    let (key, length) = key.map_or((ptr::null(), 0), |key| (key.as_ptr(), key.len()));
    let mut n = 0;
    // SAFETY: the context lives for ever; a null key means the one it has.
    done(unsafe { EVP_MAC_init(context, key, length, ptr::null()) == 1 })?;
    for piece in pieces {
        let piece = piece.as_ref();
        // SAFETY: as above.
        done(unsafe { EVP_MAC_update(context, piece.as_ptr(), piece.len()) == 1 })?;
    }
    // SAFETY: as above; the output holds the longest MAC.
    done(unsafe { EVP_MAC_final(context, out.as_mut_ptr(), &mut n, out.len()) == 1 })
}

/// A MAC of `length` bytes; `option` is its digest or cipher. Poly1305 gets the key anew each time.
pub fn mac(name: &CStr, option: Option<(&CStr, &CStr)>, key: usize, length: usize) -> Result<Run, String> {
    let key = crate::every::key(key);
    let context = keyed(name, option, &key)?;
    let again = name == c"POLY1305";
    let (data, mut out) = (vec![7u8; length], [0u8; 64]);
    Ok(Box::new(move || mac_of(context, again.then_some(key.as_slice()), [&data], &mut out)))
}
