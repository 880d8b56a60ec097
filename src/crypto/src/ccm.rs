//! Counter with CBC-MAC (NIST SP 800-38C): a message at a time and all of it at once, as the mode wants it. The lengths
//! of nonce and tag are part of how OpenSSL keys a context, so there is a new one for each message.
#![allow(unsafe_code)]

use crate::cipher::Direction;
use crate::{Error, Result, init};
use openssl::error::ErrorStack;
use openssl_sys as ffi;
use std::ffi::{CStr, c_int, c_void};
use std::ptr;

// openssl/evp.h
const CTRL_SET_IV_LEN: c_int = 0x9;
const CTRL_GET_TAG: c_int = 0x10;
const CTRL_SET_TAG: c_int = 0x11;
/// OpenSSL counts input in a C int and wants it in one piece.
const MAX: usize = 1 << 30;

/// What a message is sealed with.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// OpenSSL's name of the cipher in this mode.
    pub cipher: &'a CStr,
    /// As long as the cipher wants it.
    pub key: &'a [u8],
    /// 7 to 13 bytes.
    pub nonce: &'a [u8],
    /// Associated data.
    pub aad: &'a [u8],
}

/// Encrypts; `out` has room for the plaintext, `tag` the tag's length.
pub fn seal(message: &Message<'_>, plain: &[u8], out: &mut [u8], tag: &mut [u8]) -> Result<()> {
    let mut work = Work::begin(message, Direction::Encrypt, tag.len(), ptr::null_mut())?;
    if !work.run(message.aad, plain, out)? {
        return Err(ErrorStack::get().into());
    }
    work.control(CTRL_GET_TAG, tag.len(), tag.as_mut_ptr().cast())
}

/// Decrypts; false, and nothing of the plaintext in `out`, if the tag is wrong.
pub fn open(message: &Message<'_>, sealed: &[u8], tag: &[u8], out: &mut [u8]) -> Result<bool> {
    // OpenSSL copies the tag; the pointer is not written through.
    let expected = tag.as_ptr().cast_mut().cast();
    let mut work = Work::begin(message, Direction::Decrypt, tag.len(), expected)?;
    let right = work.run(message.aad, sealed, out)?;
    if !right {
        // Empties the thread's queue.
        drop(ErrorStack::get());
        zeroize::Zeroize::zeroize(&mut out[..sealed.len()]);
    }
    Ok(right)
}

/// A context for one message.
struct Work(*mut ffi::EVP_CIPHER_CTX);

impl Work {
    fn begin(message: &Message<'_>, direction: Direction, tag_len: usize, tag: *mut c_void) -> Result<Self> {
        init()?;
        if !(7..=13).contains(&message.nonce.len()) {
            return Err(Error::from("a nonce of the wrong length"));
        }
        // SAFETY: terminated name; null is the default library context and no properties.
        let cipher = unsafe { ffi::EVP_CIPHER_fetch(ptr::null_mut(), message.cipher.as_ptr(), ptr::null()) };
        if cipher.is_null() {
            return Err(ErrorStack::get().into());
        }
        // SAFETY: no conditions; may return null, which is checked.
        let mut work = Work(unsafe { ffi::EVP_CIPHER_CTX_new() });
        // SAFETY: a live cipher.
        let fits = usize::try_from(unsafe { ffi::EVP_CIPHER_get_key_length(cipher) }) == Ok(message.key.len());
        let encrypt = c_int::from(direction == Direction::Encrypt);
        let none = ptr::null_mut();
        let begun = !work.0.is_null()
            && fits
            // SAFETY: live context and cipher; neither key nor IV yet.
            && unsafe { ffi::EVP_CipherInit_ex(work.0, cipher, none, ptr::null(), ptr::null(), encrypt) == 1 };
        // SAFETY: fetched above; the context holds a reference of its own.
        unsafe { ffi::EVP_CIPHER_free(cipher) };
        check(begun)?;
        work.control(CTRL_SET_IV_LEN, message.nonce.len(), ptr::null_mut())?;
        work.control(CTRL_SET_TAG, tag_len, tag)?;
        let (key, nonce) = (message.key.as_ptr(), message.nonce.as_ptr());
        // SAFETY: a live context; key and nonce have the lengths that it was told.
        check(unsafe { ffi::EVP_CipherInit_ex(work.0, ptr::null(), none, key, nonce, -1) == 1 })?;
        Ok(work)
    }

    /// The whole message; false if OpenSSL did not take it, which for decryption means a wrong tag.
    fn run(&mut self, aad: &[u8], input: &[u8], output: &mut [u8]) -> Result<bool> {
        if input.len() > MAX || aad.len() > MAX || output.len() < input.len() {
            return Err(Error::from("a message that is too long, or an output buffer that is too short"));
        }
        let mut length: c_int = 0;
        let (total, nothing) = (input.len() as c_int, ptr::null_mut());
        // SAFETY: a live context; without input and output this says how long the message is.
        check(unsafe { ffi::EVP_CipherUpdate(self.0, nothing, &mut length, ptr::null(), total) == 1 })?;
        if !aad.is_empty() {
            let aad_length = aad.len() as c_int;
            // SAFETY: a live context; without output these bytes are associated data.
            check(unsafe { ffi::EVP_CipherUpdate(self.0, nothing, &mut length, aad.as_ptr(), aad_length) == 1 })?;
        }
        // SAFETY: a live context; as many bytes are written as read, and `output` has room for them.
        Ok(unsafe { ffi::EVP_CipherUpdate(self.0, output.as_mut_ptr(), &mut length, input.as_ptr(), total) == 1 })
    }

    fn control(&mut self, what: c_int, length: usize, data: *mut c_void) -> Result<()> {
        let length = c_int::try_from(length).map_err(|_| Error::from("a tag that is too long"))?;
        // SAFETY: a live context; `data` is null or holds `length` bytes (callers above).
        check(unsafe { ffi::EVP_CIPHER_CTX_ctrl(self.0, what, length, data) == 1 })
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // SAFETY: ours alone; null is allowed.
        unsafe { ffi::EVP_CIPHER_CTX_free(self.0) }
    }
}

fn check(ok: bool) -> Result<()> {
    // Taking the stack empties the thread's queue, so that nothing is left for a later call to find.
    if ok { Ok(()) } else { Err(ErrorStack::get().into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_and_nothing_else() {
        for len in [0usize, 1, 16, 33] {
            let message =
                Message { cipher: c"AES-128-CCM", key: &[1; 16], nonce: &[2; 12], aad: &[3; 20][..len.min(20)] };
            let (plain, mut sealed, mut tag) = (vec![7u8; len], vec![0; len], [0; 12]);
            seal(&message, &plain, &mut sealed, &mut tag).unwrap();
            let mut opened = vec![0; len];
            assert!(open(&message, &sealed, &tag, &mut opened).unwrap());
            assert_eq!(opened, plain);
            tag[11] ^= 1;
            assert!(!open(&message, &sealed, &tag, &mut opened).unwrap());
            assert!(opened.iter().all(|byte| *byte == 0));
            assert!(ErrorStack::get().errors().is_empty());
        }
        let wrong = Message { cipher: c"AES-128-CCM", key: &[1; 15], nonce: &[2; 12], aad: &[] };
        assert!(seal(&wrong, &[], &mut [], &mut [0; 16]).is_err());
        assert!(seal(&Message { key: &[1; 16], nonce: &[2; 6], ..wrong }, &[], &mut [], &mut [0; 16]).is_err());
    }
}
