//! Symmetric ciphers: a context that is keyed once and then only gets a new IV per message (EVP_CIPHER_CTX).
//! It knows how many bytes each call writes, so that no call can write past its output.
#![allow(unsafe_code)]

use crate::params::Params;
use crate::{Error, Result, init};
use openssl::error::ErrorStack;
use openssl_sys as ffi;
use sealhsm_secret::Wipe;
use std::ffi::{CStr, c_int, c_ulong, c_void};
use std::ptr;

unsafe extern "C" {
    fn EVP_CipherFinal_ex(ctx: *mut ffi::EVP_CIPHER_CTX, out: *mut u8, length: *mut c_int) -> c_int;
    fn EVP_CIPHER_get_flags(cipher: *const ffi::EVP_CIPHER) -> c_ulong;
    fn EVP_CIPHER_CTX_set_key_length(ctx: *mut ffi::EVP_CIPHER_CTX, length: c_int) -> c_int;
    fn EVP_CIPHER_CTX_set_params(ctx: *mut ffi::EVP_CIPHER_CTX, params: *const ffi::OSSL_PARAM) -> c_int;
}

// openssl/evp.h; the same numbers for every AEAD.
const FLAG_AEAD: c_ulong = 0x20_0000;
const CTRL_SET_IV_LEN: c_int = 0x9;
const CTRL_GET_TAG: c_int = 0x10;
const CTRL_SET_TAG: c_int = 0x11;
/// EVP_MAX_BLOCK_LENGTH.
const MAX_BLOCK: usize = 32;
/// OpenSSL counts input in a C int: longer input goes in pieces of this length, a multiple of every block.
const PIECE: usize = 1 << 30;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Plaintext in.
    Encrypt,
    /// Ciphertext in.
    Decrypt,
}

/// A keyed cipher.
pub struct Context {
    context: *mut ffi::EVP_CIPHER_CTX,
    direction: Direction,
    /// Bytes of a block, a power of two; 1 for stream modes.
    block: usize,
    /// PKCS#7 padding.
    padded: bool,
    /// An AEAD: IVs may have other lengths than this one.
    aead: bool,
    iv_len: usize,
    key_len: usize,
    /// Input taken and not yet written.
    held: usize,
    /// Between [`Context::restart`] and [`Context::finish`] or an error: only then is `held` what OpenSSL holds.
    open: bool,
    /// OpenSSL may still hold text of a message that ended, as what padding was added to or cut off from.
    remnant: bool,
    /// A message ended well and left nothing that the next one would begin with: no IV and no padding.
    fresh: bool,
}

// SAFETY: the context has no tie to a thread; it is used through `&mut` only.
unsafe impl Send for Context {}

impl Context {
    /// `cipher` in OpenSSL's names; `key` must have its length. `padded` asks for PKCS#7 in a block mode.
    pub fn new(cipher: &CStr, key: &[u8], direction: Direction, padded: bool) -> Result<Self> {
        Self::with_effective_bits(cipher, key, None, direction, padded)
    }

    /// The same for RC2, whose keys have an effective length in bits apart from their own (RFC 2268).
    pub fn with_effective_bits(
        cipher: &CStr,
        key: &[u8],
        bits: Option<u32>,
        direction: Direction,
        padded: bool,
    ) -> Result<Self> {
        init()?;
        // SAFETY: terminated name; null is the default library context and no properties.
        let fetched = unsafe { ffi::EVP_CIPHER_fetch(ptr::null_mut(), cipher.as_ptr(), ptr::null()) };
        if fetched.is_null() {
            return Err(ErrorStack::get().into());
        }
        // SAFETY: no conditions; may return null, which is checked.
        let context = unsafe { ffi::EVP_CIPHER_CTX_new() };
        let mut new = Self {
            context,
            direction,
            block: 1,
            padded,
            aead: false,
            iv_len: 0,
            key_len: 0,
            held: 0,
            open: false,
            remnant: false,
            fresh: false,
        };
        let keyed = new.key(fetched, key, bits);
        // SAFETY: fetched above; the context holds a reference of its own.
        unsafe { ffi::EVP_CIPHER_free(fetched) };
        keyed.map(|()| new)
    }

    fn key(&mut self, cipher: *mut ffi::EVP_CIPHER, key: &[u8], bits: Option<u32>) -> Result<()> {
        if self.context.is_null() {
            return Err(ErrorStack::get().into());
        }
        // SAFETY: a live cipher.
        let (key_len, block, iv_len, flags) = unsafe {
            (
                ffi::EVP_CIPHER_get_key_length(cipher),
                ffi::EVP_CIPHER_get_block_size(cipher),
                ffi::EVP_CIPHER_get_iv_length(cipher),
                EVP_CIPHER_get_flags(cipher),
            )
        };
        let length = c_int::try_from(key.len()).map_err(|_| Error::from("a key that is too long"))?;
        if length == 0 {
            return Err(Error::from("an empty key"));
        }
        self.block = usize::try_from(block).unwrap_or(0);
        if !self.block.is_power_of_two() || self.block > MAX_BLOCK {
            return Err(Error::from("a cipher of strange blocks"));
        }
        self.iv_len = usize::try_from(iv_len).unwrap_or(0);
        self.key_len = key.len();
        self.aead = flags & FLAG_AEAD != 0;
        let encrypt = c_int::from(self.direction == Direction::Encrypt);
        let none = ptr::null_mut();
        // SAFETY: live context and cipher; neither key nor IV yet.
        check(unsafe { ffi::EVP_CipherInit_ex(self.context, cipher, none, ptr::null(), ptr::null(), encrypt) == 1 })?;
        if length != key_len {
            // A cipher of one key length refuses.
            // SAFETY: a live context with a cipher.
            check(unsafe { EVP_CIPHER_CTX_set_key_length(self.context, length) == 1 })?;
        }
        if let Some(bits) = bits {
            self.set(Params::new().number(c"keybits", &bits.to_be_bytes()))?;
        }
        // SAFETY: a live context that expects a key of this length; no IV yet, -1 keeps the direction.
        check(unsafe { ffi::EVP_CipherInit_ex(self.context, ptr::null(), none, key.as_ptr(), ptr::null(), -1) == 1 })?;
        if self.block > 1 && !self.padded {
            // EVP_CIPHER_CTX_set_padding would have every restart do it again, which takes longer than a short message.
            self.set(Params::new().number(c"padding", &[0]))?;
        }
        Ok(())
    }

    fn set(&mut self, mut params: Params) -> Result<()> {
        // SAFETY: a live context with a cipher; a terminated list that lives in `params`.
        check(unsafe { EVP_CIPHER_CTX_set_params(self.context, params.as_mut_ptr()) == 1 })
    }

    /// Puts another key of the same length in the place of the present one; then [`Context::restart`].
    pub fn rekey(&mut self, key: &[u8]) -> Result<()> {
        self.open = false;
        if key.len() != self.key_len {
            return Err(Error::from("a key of the wrong length for this cipher"));
        }
        // SAFETY: a live context that expects a key of this length; no IV, -1 keeps the direction.
        check(unsafe {
            ffi::EVP_CipherInit_ex(self.context, ptr::null(), ptr::null_mut(), key.as_ptr(), ptr::null(), -1) == 1
        })
    }

    /// Begins a message under the same key, whatever became of the one before.
    pub fn restart(&mut self, iv: &[u8]) -> Result<()> {
        self.open = false;
        if iv.len() != self.iv_len {
            if !self.aead {
                return Err(Error::from("an IV of the wrong length for this cipher"));
            }
            let length = c_int::try_from(iv.len()).map_err(|_| Error::from("an IV that is too long"))?;
            self.control(CTRL_SET_IV_LEN, length, ptr::null_mut())?;
            self.iv_len = iv.len();
        }
        self.held = 0;
        if std::mem::take(&mut self.fresh) {
            self.open = true;
            return Ok(());
        }
        let iv = if iv.is_empty() { ptr::null() } else { iv.as_ptr() };
        // SAFETY: a live, keyed context; the IV is null or has the length that the context expects; -1 keeps the
        // direction.
        let ok = unsafe { ffi::EVP_CipherInit_ex(self.context, ptr::null(), ptr::null_mut(), ptr::null(), iv, -1) };
        self.open = ok == 1;
        check(self.open)
    }

    /// Leaves nothing of a message that ended: of its text see [`Context::forget_text`], and OpenSSL keeps what the next
    /// block is chained to, the last of the ciphertext or of the key stream. Not for an AEAD.
    pub fn forget(&mut self) -> Result<()> {
        if self.iv_len > 0 {
            let zeros = [0; MAX_BLOCK];
            self.restart(zeros.get(..self.iv_len).ok_or_else(|| Error::from("an IV that is too long"))?)?;
        }
        self.forget_text()
    }

    /// Leaves nothing of the text of a message that ended.
    pub fn forget_text(&mut self) -> Result<()> {
        if std::mem::take(&mut self.remnant) {
            // They are held back and overwrite what was. A block to encrypt would not be; its last byte was padding.
            let held = self.block - usize::from(self.direction == Direction::Encrypt);
            (self.held, self.open) = (0, true);
            self.update(&[0; MAX_BLOCK][..held], &mut [])?;
        }
        self.open = false;
        Ok(())
    }

    /// Another one in the middle of the same message.
    pub fn duplicate(&self) -> Result<Self> {
        // SAFETY: no conditions; may return null, which is checked.
        let context = unsafe { ffi::EVP_CIPHER_CTX_new() };
        let new = Self { context, ..*self };
        // SAFETY: both contexts are live, and the copied one is only read.
        check(!new.context.is_null() && unsafe { ffi::EVP_CIPHER_CTX_copy(new.context, self.context) == 1 })?;
        Ok(new)
    }

    /// Associated data of an AEAD, before any input.
    pub fn associate(&mut self, data: &[u8]) -> Result<()> {
        for piece in data.chunks(PIECE) {
            // SAFETY: a null output means associated data; nothing is written.
            unsafe { self.step(piece, ptr::null_mut()) }?;
        }
        Ok(())
    }

    /// Exactly how many bytes [`Context::update`] with this much input writes.
    pub fn ready(&self, input: usize) -> usize {
        let all = self.held.saturating_add(input);
        // A division would cost short messages a tenth of their time.
        let whole = |length: usize| length & !(self.block - 1);
        match self.direction {
            // The last block is held back: it may be the padding.
            Direction::Decrypt if self.padded => whole(all.saturating_sub(1)),
            _ => whole(all),
        }
    }

    /// Input taken and not yet written.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Takes input, writes what is ready and says how much that was.
    pub fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        if !self.open {
            return Err(Error::from("a message that was not begun"));
        }
        let most = self.ready(input.len());
        if output.len() < most {
            return Err(Error::from("an output buffer that is too short"));
        }
        let mut written = 0;
        for piece in input.chunks(PIECE) {
            let all = self.held + piece.len();
            let ready = self.ready(piece.len());
            // SAFETY: this step writes `ready` bytes, and what all steps write together was checked to fit.
            let step = unsafe { self.step(piece, output[written..].as_mut_ptr()) }?;
            debug_assert_eq!(step, ready);
            self.held = all - ready;
            written += ready;
        }
        Ok(written)
    }

    /// Ends the message. A padded block is written; wrong padding or a wrong tag is an error.
    pub fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        let mut last = [0; MAX_BLOCK];
        let mut length: c_int = 0;
        // SAFETY: at most one block is written, and `last` holds the longest.
        let ok = unsafe { EVP_CipherFinal_ex(self.context, last.as_mut_ptr(), &mut length) == 1 };
        // Padding is written over all of a block that held nothing else.
        self.remnant |= self.padded && self.held > 0;
        self.open = false;
        self.held = 0;
        check(ok)?;
        self.fresh = self.block > 1 && self.iv_len == 0 && !self.padded;
        let length = usize::try_from(length).unwrap_or(0);
        let fits = output.get_mut(..length).map(|to| to.copy_from_slice(&last[..length]));
        if length > 0 {
            last.wipe();
        }
        fits.map(|()| length).ok_or_else(|| Error::from("an output buffer that is too short"))
    }

    /// The tag of the message just encrypted and finished.
    pub fn tag(&mut self, tag: &mut [u8]) -> Result<()> {
        let length = tag_len(tag)?;
        self.control(CTRL_GET_TAG, length, tag.as_mut_ptr().cast())
    }

    /// The tag that [`Context::finish`] is to find.
    pub fn expect_tag(&mut self, tag: &[u8]) -> Result<()> {
        let length = tag_len(tag)?;
        // OpenSSL copies it; the pointer is not written through.
        self.control(CTRL_SET_TAG, length, tag.as_ptr().cast_mut().cast())
    }

    fn control(&mut self, what: c_int, length: c_int, data: *mut c_void) -> Result<()> {
        // SAFETY: a live context; `data` is null or holds `length` bytes (callers above).
        check(unsafe { ffi::EVP_CIPHER_CTX_ctrl(self.context, what, length, data) == 1 })
    }

    /// # Safety
    /// `output` is null, or has room for what OpenSSL writes: the whole blocks of what is held and `input`.
    unsafe fn step(&mut self, input: &[u8], output: *mut u8) -> Result<usize> {
        let mut length: c_int = 0;
        let taken = input.len() as c_int;
        // SAFETY: a live context, `input` at most PIECE long, the output as the caller promises.
        let ok = unsafe { ffi::EVP_CipherUpdate(self.context, output, &mut length, input.as_ptr(), taken) == 1 };
        self.open &= ok;
        check(ok)?;
        Ok(usize::try_from(length).unwrap_or(0))
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: ours alone; null is allowed.
        unsafe { ffi::EVP_CIPHER_CTX_free(self.context) }
    }
}

fn tag_len(tag: &[u8]) -> Result<c_int> {
    if tag.len() > 16 { Err(Error::from("a tag that is too long")) } else { Ok(tag.len() as c_int) }
}

fn check(ok: bool) -> Result<()> {
    // Taking the stack empties the thread's queue, so that nothing is left for a later call to find.
    if ok { Ok(()) } else { Err(ErrorStack::get().into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cbc(direction: Direction) -> Context {
        Context::new(c"AES-128-CBC", &[1; 16], direction, true).unwrap()
    }

    #[test]
    fn a_context_says_exactly_what_it_writes_and_refuses_less_room() {
        let (mut there, mut back) = (cbc(Direction::Encrypt), cbc(Direction::Decrypt));
        there.restart(&[2; 16]).unwrap();
        back.restart(&[2; 16]).unwrap();
        for step in [0, 1, 15, 16, 17, 31, 33, 5] {
            let input = vec![3; step];
            let ready = there.ready(step);
            assert_eq!(ready == 0, there.update(&input, &mut vec![0; ready.saturating_sub(1)]).is_ok());
            if ready > 0 {
                let mut sealed = vec![0; ready];
                assert_eq!(there.update(&input, &mut sealed).unwrap(), ready);
                let opened = back.ready(ready);
                assert_eq!(back.update(&sealed, &mut vec![0; opened]).unwrap(), opened);
            }
        }
    }

    #[test]
    fn a_message_without_an_iv_begins_anew_however_the_one_before_ended() {
        let mut context = Context::new(c"AES-128-ECB", &[1; 16], Direction::Encrypt, false).unwrap();
        let mut sealed = || {
            let mut out = [0; 16];
            context.restart(&[]).unwrap();
            context.update(&[3; 16], &mut out).unwrap();
            (out, context.finish(&mut []).unwrap())
        };
        let first = sealed();
        assert_eq!(sealed(), first);
        context.restart(&[]).unwrap();
        context.update(&[4; 5], &mut []).unwrap();
        // Left in the middle, and ended in the middle of a block.
        for ends in [false, true] {
            if ends {
                context.restart(&[]).unwrap();
                context.update(&[4; 5], &mut []).unwrap();
                assert!(context.finish(&mut [0; 16]).is_err());
            }
            let mut out = [0; 16];
            context.restart(&[]).unwrap();
            assert_eq!(context.update(&[3; 16], &mut out).unwrap(), 16);
            assert_eq!((out, context.finish(&mut []).unwrap()), first);
        }
    }

    #[test]
    fn only_a_message_that_was_begun_goes_on() {
        let mut context = cbc(Direction::Encrypt);
        assert!(context.update(&[1; 16], &mut [0; 16]).is_err());
        context.restart(&[0; 16]).unwrap();
        context.update(&[1; 5], &mut []).unwrap();
        context.finish(&mut [0; 16]).unwrap();
        assert!(context.update(&[1; 16], &mut [0; 16]).is_err());
        assert!(context.restart(&[0; 15]).is_err());
        assert!(context.update(&[1; 16], &mut [0; 16]).is_err());
        assert!(Context::new(c"AES-128-CBC", &[1; 15], Direction::Encrypt, true).is_err());
        assert!(Context::new(c"NO-SUCH", &[1; 16], Direction::Encrypt, true).is_err());
    }
}
