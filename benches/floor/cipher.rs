//! The floor of ciphers: encryption, decryption, and key wrap.

use super::{Run, done, providers};
use libc::c_int;
use openssl_sys as ffi;
use std::ffi::CStr;
use std::ptr;

unsafe extern "C" {
    fn EVP_CipherFinal_ex(ctx: *mut ffi::EVP_CIPHER_CTX, out: *mut u8, length: *mut c_int) -> c_int;
}

// openssl/evp.h.
const CTRL_SET_IV_LEN: c_int = 0x9;
const CTRL_GET_TAG: c_int = 0x10;
const CTRL_SET_TAG: c_int = 0x11;
const FLAG_WRAP_ALLOW: c_int = 0x1;
const TAG: usize = 16;

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

/// When a context gets its key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Keying {
    /// Once, as an operation that begins again under the same key has it.
    Once,
    /// With each message, as a single call that names its key.
    Each,
}

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Encryption, with a new IV each time.
    Encrypt,
    /// Decryption of what was encrypted once.
    Decrypt,
}

/// `length` bytes, encrypted or decrypted by the cipher of this name.
pub fn cipher(
    (name, kind): (&CStr, Kind),
    keying: Keying,
    direction: Direction,
    key: usize,
    iv: usize,
    length: usize,
) -> Result<Run, String> {
    if let Kind::Feedback(segment) = kind {
        // Backwards it is the same work.
        return feedback(name, keying, key, segment, length);
    }
    let key = crate::every::key(key);
    let keyed = |direction, iv| Keyed::new((name, kind), keying, direction, &key, iv);
    let to = keyed(Direction::Encrypt, iv)?;
    let (data, mut out, mut iv, mut tag) = (vec![7; length], vec![0; length + 64], vec![0; iv], [0; TAG]);
    if direction == Direction::Encrypt {
        return Ok(Box::new(move || {
            if let Some(first) = iv.first_mut() {
                *first = u8::wrapping_add(*first, 1);
            }
            to.pass(&key, &iv, &mut tag, &data, &mut out).map(drop)
        }));
    }
    let n = to.pass(&key, &iv, &mut tag, &data, &mut out)?;
    let (sealed, mut out) = (out[..n].to_vec(), data);
    // Wrapping and padding write more than the data before they know.
    out.resize(n + 64, 0);
    let from = keyed(Direction::Decrypt, iv.len())?;
    Ok(Box::new(move || from.pass(&key, &iv, &mut tag, &sealed, &mut out).map(drop)))
}

/// A context with its key.
#[derive(Clone, Copy)]
pub(super) struct Keyed {
    context: *mut ffi::EVP_CIPHER_CTX,
    kind: Kind,
    keying: Keying,
    direction: Direction,
}

impl Keyed {
    pub(super) fn new(
        (name, kind): (&CStr, Kind),
        keying: Keying,
        direction: Direction,
        key: &[u8],
        iv: usize,
    ) -> Result<Keyed, String> {
        providers();
        let encrypts = c_int::from(direction == Direction::Encrypt);
        // SAFETY: names are C strings; null library and properties are the defaults; context and cipher are checked and
        // never freed; key and IV have the lengths of the cipher.
        unsafe {
            let cipher = ffi::EVP_CIPHER_fetch(ptr::null_mut(), name.as_ptr(), ptr::null());
            let context = ffi::EVP_CIPHER_CTX_new();
            done(!cipher.is_null() && !context.is_null())?;
            if kind == Kind::Wrap {
                ffi::EVP_CIPHER_CTX_set_flags(context, FLAG_WRAP_ALLOW);
            }
            let init = |cipher, key| {
                done(ffi::EVP_CipherInit_ex(context, cipher, ptr::null_mut(), key, ptr::null(), encrypts) == 1)
            };
            init(cipher, ptr::null())?;
            if kind.has_tag() {
                done(ffi::EVP_CIPHER_CTX_ctrl(context, CTRL_SET_IV_LEN, iv as c_int, ptr::null_mut()) == 1)?;
            }
            if kind == Kind::Ccm {
                done(ffi::EVP_CIPHER_CTX_ctrl(context, CTRL_SET_TAG, TAG as c_int, ptr::null_mut()) == 1)?;
            }
            done(ffi::EVP_CIPHER_CTX_set_key_length(context, key.len() as c_int) == 1 || kind != Kind::Plain)?;
            init(ptr::null(), key.as_ptr())?;
            ffi::EVP_CIPHER_CTX_set_padding(context, c_int::from(kind == Kind::Padded));
            Ok(Keyed { context, kind, keying, direction })
        }
    }

    /// One message: how long it became. The output has 64 bytes more than the input.
    pub(super) fn pass(
        self,
        key: &[u8],
        iv: &[u8],
        tag: &mut [u8; TAG],
        data: &[u8],
        out: &mut [u8],
    ) -> Result<usize, String> {
        let Keyed { context, kind, keying, direction } = self;
        let iv = if iv.is_empty() { ptr::null() } else { iv.as_ptr() };
        let key = if keying == Keying::Each || kind == Kind::Keyed { key.as_ptr() } else { ptr::null() };
        let into = if kind == Kind::Associated { ptr::null_mut() } else { out.as_mut_ptr() };
        let (mut n, mut m, length) = (0, 0, data.len() as c_int);
        let opens = direction == Direction::Decrypt;
        // SAFETY: the context lives for ever; the output has room for a block and a tag more than the input.
        let ok = unsafe {
            let mut tagged = |how| ffi::EVP_CIPHER_CTX_ctrl(context, how, TAG as c_int, tag.as_mut_ptr().cast()) == 1;
            ffi::EVP_CipherInit_ex(context, ptr::null(), ptr::null_mut(), key, iv, -1) == 1
                && (!(kind.has_tag() && opens) || tagged(CTRL_SET_TAG))
                && (kind != Kind::Ccm
                    || ffi::EVP_CipherUpdate(context, ptr::null_mut(), &mut n, ptr::null(), length) == 1)
                && ffi::EVP_CipherUpdate(context, into, &mut n, data.as_ptr(), length) == 1
                // CCM has checked its tag by now.
                && (kind == Kind::Ccm && opens
                    || EVP_CipherFinal_ex(context, out.as_mut_ptr().add(n as usize), &mut m) == 1)
                && (!kind.has_tag() || opens || tagged(CTRL_GET_TAG))
        };
        done(ok)?;
        Ok((n + m) as usize)
    }
}

/// Cipher feedback of `segment` bytes by a cipher in ECB mode.
fn feedback(name: &CStr, keying: Keying, key: usize, segment: usize, length: usize) -> Result<Run, String> {
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
        if keying == Keying::Each {
            // SAFETY: the context lives for ever and has a cipher of this key's length.
            done(unsafe {
                ffi::EVP_CipherInit_ex(context, ptr::null(), ptr::null_mut(), key.as_ptr(), ptr::null(), -1) == 1
            })?;
        }
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
