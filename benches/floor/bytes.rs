//! The floor of what makes keys out of keys and out of nothing: work whose result is bytes.

use super::cipher::{Direction, Keyed, Keying, Kind};
use super::{
    Digester, OSSL_PARAM_construct_end, OSSL_PARAM_construct_utf8_string, Parameter, Run, done, keyed, mac_of,
};
use libc::{c_char, c_int, c_void};
use openssl_sys as ffi;
use std::ffi::CStr;
use std::ptr;

unsafe extern "C" {
    fn EVP_KDF_fetch(library: *mut c_void, name: *const c_char, properties: *const c_char) -> *mut c_void;
    fn EVP_KDF_CTX_new(kdf: *mut c_void) -> *mut c_void;
    fn EVP_KDF_CTX_set_params(context: *mut c_void, parameters: *const Parameter) -> c_int;
    fn EVP_KDF_derive(context: *mut c_void, out: *mut u8, length: usize, parameters: *const Parameter) -> c_int;
    fn EVP_DigestFinalXOF(context: *mut ffi::EVP_MD_CTX, out: *mut u8, length: usize) -> c_int;
    fn OSSL_PARAM_construct_octet_string(key: *const c_char, data: *mut c_void, size: usize) -> Parameter;
    fn OSSL_PARAM_construct_int(key: *const c_char, number: *mut c_int) -> Parameter;
    fn EVP_SKEY_import_raw_key(
        library: *mut c_void,
        kind: *const c_char,
        key: *mut u8,
        length: usize,
        properties: *const c_char,
    ) -> *mut c_void;
    fn EVP_SKEY_free(key: *mut c_void);
}

/// OpenSSL's own key object of these bytes (EVP_SKEY, since 3.5), made and destroyed again.
fn object(bytes: &mut [u8]) -> Result<(), String> {
    let (kind, key) = (c"GENERIC-SECRET".as_ptr(), bytes.as_mut_ptr());
    // SAFETY: a C string, bytes with their length, which are copied; null library and properties are the defaults.
    let made = unsafe { EVP_SKEY_import_raw_key(ptr::null_mut(), kind, key, bytes.len(), ptr::null()) };
    // SAFETY: made above, or null.
    unsafe { EVP_SKEY_free(made) };
    done(!made.is_null())
}

/// Where bytes come from. What has a key is given it with each call, and all else that stays the same once.
#[derive(Clone, Copy)]
pub enum Bytes {
    /// They are there already.
    Known,
    /// The generator for what is kept secret.
    Random,
    /// The generator for what may be known.
    Public,
    /// The digest of the key.
    Digest(&'static CStr),
    /// The same by a function without a length of its own.
    Extended(&'static CStr),
    /// A derivation that OpenSSL has, and its parameters.
    Kdf(&'static CStr, &'static [(&'static CStr, Value)]),
    /// One that it lacks, out of HMAC with SHA-256.
    Hmac(&'static [Step]),
    /// The encryption of as many bytes of 7 with an IV of as many zeros.
    Encryption(&'static CStr, usize),
}

/// A parameter of a derivation.
#[derive(Clone, Copy)]
pub enum Value {
    /// The key.
    Key,
    /// A name.
    Text(&'static CStr),
    /// Bytes.
    Bytes(&'static [u8]),
    /// A number.
    Number(c_int),
}

/// One HMAC: what goes in, and whether what comes out is part of the result.
pub type Step = (&'static [Piece], bool);

/// What goes into an HMAC.
#[derive(Clone, Copy)]
pub enum Piece {
    /// Bytes.
    Bytes(&'static [u8]),
    /// The second key.
    Further,
    /// What came out of the step of this number.
    Out(usize),
}

/// Fills what it is given, again and again.
pub type Fill = Box<dyn FnMut(&mut [u8]) -> Result<(), String>>;

impl Bytes {
    /// `length` bytes of a key of `key` bytes.
    pub fn run(self, key: usize, length: usize) -> Result<Run, String> {
        let (mut fill, mut out) = (self.fill(key)?, vec![0; length]);
        Ok(Box::new(move || fill(&mut out)))
    }

    /// The same, and a key object of OpenSSL for every part of these lengths, made and destroyed again.
    pub fn objects(self, key: usize, lengths: Vec<usize>) -> Result<Run, String> {
        let (mut fill, mut out) = (self.fill(key)?, vec![0; lengths.iter().sum()]);
        Ok(Box::new(move || {
            fill(&mut out)?;
            let mut rest = out.as_mut_slice();
            for length in &lengths {
                let (key, behind) = rest.split_at_mut(*length);
                object(key)?;
                rest = behind;
            }
            Ok(())
        }))
    }

    /// The same to look at.
    pub fn fill(self, key: usize) -> Result<Fill, String> {
        let key = crate::every::key(key);
        Ok(match self {
            Bytes::Known => Box::new(|_| Ok(())),
            Bytes::Public => Box::new(|out| openssl::rand::rand_bytes(out).map_err(|e| e.to_string())),
            Bytes::Random => Box::new(|out| openssl::rand::rand_priv_bytes(out).map_err(|e| e.to_string())),
            Bytes::Digest(name) => {
                let (digester, mut whole) = (Digester::new(name)?, [0; 64]);
                Box::new(move |out| {
                    digester.take(&key)?;
                    digester.finish(&mut whole)?;
                    out.copy_from_slice(&whole[..out.len()]);
                    Ok(())
                })
            }
            Bytes::Extended(name) => {
                let digester = Digester::new(name)?;
                Box::new(move |out| {
                    digester.take(&key)?;
                    // SAFETY: the context lives for ever; an output with its length.
                    done(unsafe { EVP_DigestFinalXOF(digester.context, out.as_mut_ptr(), out.len()) == 1 })
                })
            }
            Bytes::Kdf(name, values) => kdf(name, values, &key)?,
            Bytes::Hmac(steps) => chain(steps, &key)?,
            Bytes::Encryption(name, iv) => {
                let to = Keyed::new((name, Kind::Plain), Keying::Each, Direction::Encrypt, &key, iv)?;
                let (iv, mut whole, mut tag) = (vec![0; iv], [0; 256], [0; 16]);
                Box::new(move |out| {
                    to.pass(&key, &iv, &mut tag, &[7; 128][..out.len()], &mut whole)?;
                    out.copy_from_slice(&whole[..out.len()]);
                    Ok(())
                })
            }
        })
    }
}

fn kdf(name: &CStr, values: &[(&CStr, Value)], key: &[u8]) -> Result<Fill, String> {
    super::providers();
    let mut numbers: Vec<c_int> = values.iter().map(|(_, v)| if let Value::Number(n) = v { *n } else { 0 }).collect();
    let key = key.to_vec();
    // SAFETY: C strings; the context is checked and never freed; it copies the parameters.
    let (context, keyed) = unsafe {
        let context = EVP_KDF_CTX_new(EVP_KDF_fetch(ptr::null_mut(), name.as_ptr(), ptr::null()));
        done(!context.is_null())?;
        let octets = |of: &CStr, bytes: &[u8]| {
            OSSL_PARAM_construct_octet_string(of.as_ptr(), bytes.as_ptr().cast_mut().cast(), bytes.len())
        };
        let one = |((of, value), number): (&(&CStr, Value), &mut c_int)| match *value {
            Value::Key => octets(of, &key),
            Value::Bytes(bytes) => octets(of, bytes),
            Value::Text(text) => OSSL_PARAM_construct_utf8_string(of.as_ptr(), text.as_ptr().cast_mut(), 0),
            Value::Number(_) => OSSL_PARAM_construct_int(of.as_ptr(), number),
        };
        let mut parameters: Vec<Parameter> = values.iter().zip(&mut numbers).map(one).collect();
        parameters.push(OSSL_PARAM_construct_end());
        done(EVP_KDF_CTX_set_params(context, parameters.as_ptr()) == 1)?;
        let keyed: Vec<Parameter> = values
            .iter()
            .zip(&parameters)
            .filter(|((_, value), _)| matches!(value, Value::Key))
            .map(|(_, parameter)| *parameter)
            .chain([OSSL_PARAM_construct_end()])
            .collect();
        (context, keyed)
    };
    Ok(Box::new(move |out| {
        let _ = &key;
        // SAFETY: the context lives for ever, and the key as long as this; an output with its length.
        done(unsafe { EVP_KDF_derive(context, out.as_mut_ptr(), out.len(), keyed.as_ptr()) == 1 })
    }))
}

/// Bytes of an HMAC with SHA-256.
const BLOCK: usize = 32;

fn chain(steps: &'static [Step], key: &[u8]) -> Result<Fill, String> {
    let context = keyed(c"HMAC", Some((c"digest", c"SHA2-256")), key)?;
    let key = key.to_vec();
    let (further, mut outs) = (crate::every::key(crate::every::FURTHER), vec![[0; 64]; steps.len()]);
    Ok(Box::new(move |out| {
        let mut parts = out.chunks_mut(BLOCK);
        for (at, (pieces, shown)) in steps.iter().enumerate() {
            let (before, rest) = outs.split_at_mut(at);
            // The key comes with the first step.
            let key = (at == 0).then_some(key.as_slice());
            let bytes = pieces.iter().map(|piece| match *piece {
                Piece::Bytes(bytes) => bytes,
                Piece::Further => further.as_slice(),
                Piece::Out(step) => &before[step][..BLOCK],
            });
            mac_of(context, key, bytes, &mut rest[0])?;
            if *shown {
                let part = parts.next().ok_or("more steps than bytes")?;
                part.copy_from_slice(&rest[0][..part.len()]);
            }
        }
        Ok(())
    }))
}
