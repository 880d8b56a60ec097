//! Counter with CBC-MAC (NIST SP 800-38C): a message at a time and all of it at once, as the mode wants it. The lengths
//! of nonce and tag are part of how OpenSSL keys a context, which is keyed anew when they change.
#![allow(unsafe_code)]

use crate::cipher::Direction;
use crate::{Error, Result, init};
use openssl::error::ErrorStack;
use openssl_sys as ffi;
use sealhsm_secret::Wipe;
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
    /// As long as the cipher wants it, and the same in every message of a context.
    pub key: &'a [u8],
    /// 7 to 13 bytes.
    pub nonce: &'a [u8],
    /// Associated data.
    pub aad: &'a [u8],
}

/// One cipher under one key in one direction, for message after message.
pub struct Context {
    context: *mut ffi::EVP_CIPHER_CTX,
    key_len: usize,
    /// Of nonce and tag, for which it is keyed.
    lengths: Option<(usize, usize)>,
}

// SAFETY: the context has no tie to a thread; it is used through `&mut` only.
unsafe impl Send for Context {}

impl Context {
    /// `cipher` is OpenSSL's name of it in this mode. The key comes with the first message.
    pub fn new(cipher: &CStr, direction: Direction) -> Result<Self> {
        init()?;
        // SAFETY: terminated name; null is the default library context and no properties.
        let cipher = unsafe { ffi::EVP_CIPHER_fetch(ptr::null_mut(), cipher.as_ptr(), ptr::null()) };
        if cipher.is_null() {
            return Err(ErrorStack::get().into());
        }
        // SAFETY: a live cipher.
        let key_len = usize::try_from(unsafe { ffi::EVP_CIPHER_get_key_length(cipher) }).unwrap_or(0);
        // SAFETY: no conditions; may return null, which is checked.
        let new = Self { context: unsafe { ffi::EVP_CIPHER_CTX_new() }, key_len, lengths: None };
        let (encrypt, none) = (c_int::from(direction == Direction::Encrypt), ptr::null_mut());
        let begun = !new.context.is_null()
            // SAFETY: live context and cipher; neither key nor IV yet.
            && unsafe { ffi::EVP_CipherInit_ex(new.context, cipher, none, ptr::null(), ptr::null(), encrypt) == 1 };
        // SAFETY: fetched above; the context holds a reference of its own.
        unsafe { ffi::EVP_CIPHER_free(cipher) };
        check(begun).map(|()| new)
    }

    /// Encrypts; `out` has room for the plaintext, `tag` the tag's length.
    pub fn seal(&mut self, message: &Message<'_>, plain: &[u8], out: &mut [u8], tag: &mut [u8]) -> Result<()> {
        self.begin(message, tag.len(), None)?;
        if !self.run(message.aad, plain, out)? {
            return Err(ErrorStack::get().into());
        }
        self.control(CTRL_GET_TAG, tag.len(), tag.as_mut_ptr().cast())
    }

    /// Decrypts; false, and nothing of the plaintext in `out`, if the tag is wrong.
    pub fn open(&mut self, message: &Message<'_>, sealed: &[u8], tag: &[u8], out: &mut [u8]) -> Result<bool> {
        self.begin(message, tag.len(), Some(tag))?;
        let right = self.run(message.aad, sealed, out)?;
        if !right {
            // Empties the thread's queue.
            drop(ErrorStack::get());
            out[..sealed.len()].wipe();
        }
        Ok(right)
    }

    fn begin(&mut self, message: &Message<'_>, tag_len: usize, expected: Option<&[u8]>) -> Result<()> {
        if !(7..=13).contains(&message.nonce.len()) {
            return Err(Error::from("a nonce of the wrong length"));
        }
        if message.key.len() != self.key_len {
            return Err(Error::from("a key of the wrong length"));
        }
        let lengths = Some((message.nonce.len(), tag_len));
        let mut key = ptr::null();
        if self.lengths != lengths {
            self.control(CTRL_SET_IV_LEN, message.nonce.len(), ptr::null_mut())?;
            self.control(CTRL_SET_TAG, tag_len, ptr::null_mut())?;
            key = message.key.as_ptr();
        }
        if let Some(tag) = expected {
            // OpenSSL copies the tag; the pointer is not written through.
            self.control(CTRL_SET_TAG, tag_len, tag.as_ptr().cast_mut().cast())?;
        }
        self.lengths = None;
        let none = ptr::null_mut();
        // SAFETY: a live context; the key is null or has the cipher's length, the nonce the one that it was told.
        check(unsafe {
            ffi::EVP_CipherInit_ex(self.context, ptr::null(), none, key, message.nonce.as_ptr(), -1) == 1
        })?;
        self.lengths = lengths;
        Ok(())
    }

    /// The whole message; false if OpenSSL did not take it, which for decryption means a wrong tag.
    fn run(&mut self, aad: &[u8], input: &[u8], output: &mut [u8]) -> Result<bool> {
        if input.len() > MAX || aad.len() > MAX || output.len() < input.len() {
            return Err(Error::from("a message that is too long, or an output buffer that is too short"));
        }
        let mut length: c_int = 0;
        let (total, nothing) = (input.len() as c_int, ptr::null_mut());
        // SAFETY: a live context; without input and output this says how long the message is.
        check(unsafe { ffi::EVP_CipherUpdate(self.context, nothing, &mut length, ptr::null(), total) == 1 })?;
        if !aad.is_empty() {
            let aad_length = aad.len() as c_int;
            // SAFETY: a live context; without output these bytes are associated data.
            check(unsafe { ffi::EVP_CipherUpdate(self.context, nothing, &mut length, aad.as_ptr(), aad_length) == 1 })?;
        }
        // SAFETY: a live context; as many bytes are written as read, and `output` has room for them.
        Ok(unsafe { ffi::EVP_CipherUpdate(self.context, output.as_mut_ptr(), &mut length, input.as_ptr(), total) == 1 })
    }

    fn control(&mut self, what: c_int, length: usize, data: *mut c_void) -> Result<()> {
        let length = c_int::try_from(length).map_err(|_| Error::from("a tag that is too long"))?;
        // SAFETY: a live context; `data` is null or holds `length` bytes (callers above).
        check(unsafe { ffi::EVP_CIPHER_CTX_ctrl(self.context, what, length, data) == 1 })
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: ours alone; null is allowed.
        unsafe { ffi::EVP_CIPHER_CTX_free(self.context) }
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
        let mut sealing = Context::new(c"AES-128-CCM", Direction::Encrypt).unwrap();
        let mut opening = Context::new(c"AES-128-CCM", Direction::Decrypt).unwrap();
        // Lengths that change and lengths that stay, each after a message that was refused.
        for (len, nonce_len, tag_len) in
            [(0usize, 12, 12), (1, 12, 12), (16, 13, 12), (33, 13, 4), (33, 7, 16), (5, 7, 16)]
        {
            let message = Message { key: &[1; 16], nonce: &[2; 13][..nonce_len], aad: &[3; 20][..len.min(20)] };
            let (plain, mut sealed, mut tag) = (vec![7u8; len], vec![0; len], [0; 16]);
            let tag = &mut tag[..tag_len];
            sealing.seal(&message, &plain, &mut sealed, tag).unwrap();
            let mut opened = vec![0; len];
            assert!(opening.open(&message, &sealed, tag, &mut opened).unwrap());
            assert_eq!(opened, plain);
            tag[tag_len - 1] ^= 1;
            assert!(!opening.open(&message, &sealed, tag, &mut opened).unwrap());
            assert!(opened.iter().all(|byte| *byte == 0));
            assert!(ErrorStack::get().errors().is_empty());
        }
        let wrong = Message { key: &[1; 15], nonce: &[2; 12], aad: &[] };
        assert!(sealing.seal(&wrong, &[], &mut [], &mut [0; 16]).is_err());
        assert!(sealing.seal(&Message { key: &[1; 16], nonce: &[2; 6], ..wrong }, &[], &mut [], &mut [0; 16]).is_err());
    }
}
