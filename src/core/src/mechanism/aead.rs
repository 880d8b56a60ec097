//! Authenticated encryption with associated data: GCM (NIST SP 800-38D), CCM (SP 800-38C) and ChaCha20-Poly1305
//! (RFC 8439). Here is one message under one key, with the tag apart from the text; [`Sealing`] and [`Opening`] put the
//! tag behind the text, as C_Encrypt and C_Decrypt want it. Decryption writes nothing before the tag was found right.

use super::aes::{self, Names};
use super::collect::{self, Collector};
use super::engine::Cipher;
use super::key::Key;
use super::message;
use super::wrapping::encrypted::{decrypt, encrypt};
use super::wrapping::{Holds, Wanted, Wrapping};
use super::{Parameter, Row, Shape, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::ccm;
use sealhsm_crypto::cipher::Context;
pub use sealhsm_crypto::cipher::Direction;
use sealhsm_secret::{Secret, Wipe};
use std::ffi::CStr;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// What differs between them.
pub struct Algorithm {
    /// In OpenSSL's words.
    cipher: fn(&Key) -> Result<&'static CStr>,
    /// Bytes of a nonce.
    nonce: RangeInclusive<usize>,
    /// Bits of a tag.
    tags: &'static [u64],
    way: Way,
    /// The C structure of a message's parameter.
    pub message: message::Shape,
}

/// How text goes through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// In parts, up to so many bytes.
    Stream(u64),
    /// Whole, and its length is known before: CCM.
    Whole,
}

const CCM_NAMES: Names = [c"AES-128-CCM", c"AES-192-CCM", c"AES-256-CCM"];

/// OpenSSL takes IVs up to 128 bytes; at most 2^39 - 256 bits of plaintext.
pub static GCM: Algorithm = Algorithm {
    cipher: |key| aes::name(key, aes::GCM),
    nonce: 1..=128,
    tags: &[32, 64, 96, 104, 112, 120, 128],
    way: Way::Stream((1 << 36) - 32),
    message: message::Shape::Gcm,
};
/// The longer the nonce, the shorter the longest message.
pub static CCM: Algorithm = Algorithm {
    cipher: |key| aes::name(key, CCM_NAMES),
    nonce: 7..=13,
    tags: &[32, 48, 64, 80, 96, 112, 128],
    way: Way::Whole,
    message: message::Shape::Ccm,
};
/// At most 2^32 - 1 blocks of 64 bytes, one of which is for Poly1305.
pub static CHACHA20_POLY1305: Algorithm = Algorithm {
    cipher: |_| Ok(c"ChaCha20-Poly1305"),
    nonce: 12..=12,
    tags: &[128],
    way: Way::Stream(((1 << 32) - 1) * 64),
    message: message::Shape::ChaCha20Poly1305,
};

macro_rules! rows {
    ($($mechanism:ident $algorithm:ident $shape:ident $sizes:expr, $types:expr;)*) => {
        pub(super) static ROWS: &[Row] = &[$(
            row!($mechanism {
                sizes: $sizes,
                key_types: $types,
                parameter: Shape::$shape,
                encrypt: Some(|key| Ok(Box::new(Sealing::new(&$algorithm, key)?))),
                decrypt: Some(|key| Ok(Box::new(Opening::new(&$algorithm, key)?))),
                message: Some(&$algorithm),
                wrapping: Some(Wrapping {
                    holds: Holds::Keys,
                    sealed: |_| false,
                    wrap: |row, key, parameter, plain, out| encrypt(row, key, &of_any_len(parameter)?, plain, out),
                    unwrap: |row, key, parameter, wrapped, _: &Wanted| {
                        decrypt(row, key, &of_any_len(parameter)?, wrapped)
                    },
                }),
            }),
        )*];
    };
}

rows! {
    CKM_AES_GCM GCM Gcm aes::SIZES, aes::TYPES;
    CKM_AES_CCM CCM Ccm aes::SIZES, aes::TYPES;
    CKM_CHACHA20_POLY1305 CHACHA20_POLY1305 ChaCha20Poly1305 (32, 32), &[ck::CKK_CHACHA20];
}

/// What a message is sealed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Nonce or IV.
    pub nonce: &'a [u8],
    /// Associated data.
    pub aad: &'a [u8],
    /// Length of the tag in bits.
    pub tag_bits: u64,
    /// Bytes of plaintext, where that was said before.
    pub len: Option<u64>,
}

impl<'a> Message<'a> {
    /// From the parameter of a mechanism.
    pub fn of(parameter: &Parameter<'a>) -> Result<Self> {
        match *parameter {
            Parameter::Gcm { iv, aad, tag_bits } => Ok(Message { nonce: iv, aad, tag_bits, len: None }),
            Parameter::Aead(message) => Ok(message),
            _ => Err(Error::MechanismParamInvalid),
        }
    }
}

impl Algorithm {
    /// Bytes of the tag; `MechanismParamInvalid` if a nonce, a tag or a message of these lengths cannot be.
    pub fn check(&self, nonce: usize, tag_bits: u64, len: Option<u64>) -> Result<usize> {
        let fits = self.nonce.contains(&nonce) && self.tags.contains(&tag_bits);
        if fits && len.is_none_or(|len| len <= self.longest(nonce)) {
            return Ok(tag_bits as usize / 8);
        }
        Err(Error::MechanismParamInvalid)
    }

    /// Bytes of the longest plaintext under a nonce of this many bytes.
    fn longest(&self, nonce: usize) -> u64 {
        match self.way {
            Way::Stream(longest) => longest,
            // What the nonce leaves of a block, less the flags, numbers the bytes.
            Way::Whole => u64::MAX >> (64 - 8 * 15_usize.saturating_sub(nonce).min(8)),
        }
    }
}

/// Sets the IV of GCM for data that are authenticated only; says how many bytes the tag has.
pub(super) fn begin_gcm(context: &mut Context, parameter: &Parameter<'_>) -> Result<usize> {
    let message = Message::of(parameter)?;
    let tag = GCM.check(message.nonce.len(), message.tag_bits, None)?;
    context.restart(message.nonce).map_err(failed)?;
    Ok(tag)
}

/// How text goes through OpenSSL, which is keyed once.
enum Text {
    /// As it comes.
    Stream(Context),
    /// All of it at once, under this key.
    Whole(ccm::Context, Secret),
}

/// One message at a time under one key, in one direction.
pub struct Aead {
    algorithm: &'static Algorithm,
    direction: Direction,
    text: Text,
    nonce: Vec<u8>,
    aad: Vec<u8>,
    /// Bytes of the tag.
    tag: usize,
    declared: Option<u64>,
    longest: u64,
    /// Bytes of text that came.
    taken: u64,
    /// Text that waits for the end.
    waiting: Collector,
}

impl Aead {
    /// With no message begun.
    pub fn new(algorithm: &'static Algorithm, key: &Arc<Key>, direction: Direction) -> Result<Self> {
        let (cipher, key) = ((algorithm.cipher)(key)?, key.secret()?);
        let text = match algorithm.way {
            Way::Stream(_) => Context::new(cipher, key.as_ref(), direction, false).map(Text::Stream),
            Way::Whole => ccm::Context::new(cipher, direction).map(|context| Text::Whole(context, key.duplicate())),
        };
        let text = text.map_err(failed)?;
        Ok(Self {
            algorithm,
            direction,
            text,
            nonce: Vec::new(),
            aad: Vec::new(),
            tag: 0,
            declared: None,
            longest: 0,
            taken: 0,
            waiting: Collector::new(collect::MAX),
        })
    }

    /// Begins a message, whatever became of the one before.
    pub fn begin(&mut self, message: &Message<'_>) -> Result<()> {
        self.forget();
        self.tag = self.algorithm.check(message.nonce.len(), message.tag_bits, message.len)?;
        self.declared = message.len;
        self.longest = self.algorithm.longest(message.nonce.len());
        match &mut self.text {
            Text::Stream(context) => {
                context.restart(message.nonce).map_err(failed)?;
                if !message.aad.is_empty() {
                    context.associate(message.aad).map_err(failed)?;
                }
            }
            Text::Whole(..) if message.aad.len() > collect::MAX => return Err(Error::TokenResourceExceeded),
            Text::Whole(..) => {
                for (kept, given) in [(&mut self.nonce, message.nonce), (&mut self.aad, message.aad)] {
                    kept.clear();
                    kept.extend_from_slice(given);
                }
            }
        }
        Ok(())
    }

    /// Wipes what waits of a message that does not go on.
    pub fn forget(&mut self) {
        self.taken = 0;
        self.waiting.clear();
    }

    /// Which one.
    pub fn algorithm(&self) -> &'static Algorithm {
        self.algorithm
    }

    /// Bytes of the tag.
    pub fn tag_len(&self) -> usize {
        self.tag
    }

    /// What `update` with this much input writes.
    pub fn update_len(&self, input: usize) -> usize {
        if self.passes() { input } else { 0 }
    }

    /// What the end writes without the tag, when this much input comes with it.
    pub fn finish_len(&self, input: usize) -> usize {
        if self.passes() { input } else { self.waiting.len().saturating_add(input) }
    }

    /// Whether text goes out as it comes in.
    fn passes(&self) -> bool {
        matches!(self.text, Text::Stream(_)) && self.direction == Direction::Encrypt
    }

    fn count(&mut self, input: usize) -> Result<()> {
        self.taken = self.taken.saturating_add(input as u64);
        if self.taken > self.declared.unwrap_or(u64::MAX).min(self.longest) {
            return Err(self.length_error());
        }
        Ok(())
    }

    fn complete(&self) -> Result<()> {
        if self.declared.is_none_or(|declared| declared == self.taken) { Ok(()) } else { Err(self.length_error()) }
    }

    fn length_error(&self) -> Error {
        match self.direction {
            Direction::Encrypt => Error::DataLenRange,
            Direction::Decrypt => Error::EncryptedDataLenRange,
        }
    }

    /// Takes text; `output` has room for [`Aead::update_len`].
    pub fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        self.count(input.len())?;
        match &mut self.text {
            Text::Stream(context) if self.direction == Direction::Encrypt => {
                context.update(input, output).map_err(failed)
            }
            _ => self.waiting.take(input).map(|()| 0),
        }
    }

    /// Ends an encryption with the last text; `output` has room for [`Aead::finish_len`], `tag` has the tag's length.
    pub fn seal(&mut self, input: &[u8], output: &mut [u8], tag: &mut [u8]) -> Result<usize> {
        if self.passes() {
            let n = self.update(input, output)?;
            if let Text::Stream(context) = &mut self.text {
                context.finish(&mut []).and_then(|_| context.tag(tag)).map_err(failed)?;
            }
            return Ok(n);
        }
        if self.waiting.len() > 0 {
            self.update(input, output)?;
            let whole = self.waiting.whole();
            self.complete()?;
            return self.seal_whole(whole.as_ref(), output, tag);
        }
        self.count(input.len())?;
        self.complete()?;
        self.seal_whole(input, output, tag)
    }

    fn seal_whole(&mut self, plain: &[u8], output: &mut [u8], tag: &mut [u8]) -> Result<usize> {
        if plain.len() > collect::MAX {
            return Err(Error::TokenResourceExceeded);
        }
        let Text::Whole(context, key) = &mut self.text else { return Err(Error::General) };
        let message = ccm::Message { key: key.as_ref(), nonce: &self.nonce, aad: &self.aad };
        context.seal(&message, plain, output, tag).map_err(failed)?;
        Ok(plain.len())
    }

    /// Ends a decryption with the last text; `output` has room for [`Aead::finish_len`]. `AeadDecryptFailed` if the tag
    /// does not fit; then nothing of the plaintext is in `output`.
    pub fn open(&mut self, input: &[u8], tag: &[u8], output: &mut [u8]) -> Result<usize> {
        if self.waiting.len() > 0 {
            self.update(input, output)?;
            let whole = self.waiting.whole();
            self.complete()?;
            return self.open_whole(whole.as_ref(), tag, output);
        }
        self.count(input.len())?;
        self.complete()?;
        self.open_whole(input, tag, output)
    }

    fn open_whole(&mut self, sealed: &[u8], tag: &[u8], output: &mut [u8]) -> Result<usize> {
        let plain = output.get_mut(..sealed.len()).ok_or(Error::General)?;
        let right = match &mut self.text {
            Text::Stream(context) => {
                let opened = context.expect_tag(tag).and_then(|()| context.update(sealed, plain));
                opened.and_then(|_| context.finish(&mut [])).is_ok()
            }
            Text::Whole(..) if sealed.len() > collect::MAX => return Err(Error::TokenResourceExceeded),
            Text::Whole(context, key) => {
                let message = ccm::Message { key: key.as_ref(), nonce: &self.nonce, aad: &self.aad };
                context.open(&message, sealed, tag, plain).map_err(failed)?
            }
        };
        if right {
            return Ok(sealed.len());
        }
        plain.wipe();
        Err(Error::AeadDecryptFailed)
    }
}

/// The same without a word about the length of the plaintext, which for a key is nobody's to say.
fn of_any_len<'a>(parameter: &Parameter<'a>) -> Result<Parameter<'a>> {
    Ok(Parameter::Aead(Message { len: None, ..Message::of(parameter)? }))
}

/// Encrypts a key and says the tag.
pub fn seal_key(
    of: &'static Algorithm,
    key: &Arc<Key>,
    message: &Message<'_>,
    plain: &[u8],
    wrapped: &mut [u8],
) -> Result<Vec<u8>> {
    let mut aead = Aead::new(of, key, Direction::Encrypt)?;
    aead.begin(&Message { len: None, ..*message })?;
    let mut tag = vec![0; aead.tag_len()];
    aead.seal(plain, wrapped, &mut tag)?;
    Ok(tag)
}

/// Decrypts a key; `EncryptedDataInvalid` if it is not what the tag says.
pub fn open_key(
    of: &'static Algorithm,
    key: &Arc<Key>,
    message: &Message<'_>,
    wrapped: &[u8],
    tag: &[u8],
) -> Result<Secret> {
    let mut aead = Aead::new(of, key, Direction::Decrypt)?;
    aead.begin(&Message { len: None, ..*message })?;
    let mut plain = Secret::zeroed(wrapped.len());
    aead.open(wrapped, tag, plain.as_mut()).map_err(invalid)?;
    Ok(plain)
}

/// Outside of messages there is one code for data that does not decrypt.
fn invalid(error: Error) -> Error {
    if error == Error::AeadDecryptFailed { Error::EncryptedDataInvalid } else { error }
}

/// C_Encrypt: the tag comes behind the text.
pub struct Sealing(Aead);

impl Sealing {
    /// Keyed.
    pub fn new(algorithm: &'static Algorithm, key: &Arc<Key>) -> Result<Self> {
        Aead::new(algorithm, key, Direction::Encrypt).map(Self)
    }
}

impl Cipher for Sealing {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.0.begin(&Message::of(parameter)?)
    }

    fn output_len(&self, input: usize, last: bool) -> usize {
        if last { self.0.finish_len(input).saturating_add(self.0.tag_len()) } else { self.0.update_len(input) }
    }

    fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        self.0.update(input, output)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        self.once(&[], output)
    }

    fn once(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        let text = self.0.finish_len(input.len());
        let (text, tag) = output.split_at_mut(text);
        let tag = &mut tag[..self.0.tag_len()];
        Ok(self.0.seal(input, text, tag)? + tag.len())
    }
}

/// C_Decrypt: where the text ends and the tag begins is known at the end.
pub struct Opening {
    aead: Aead,
    /// Text and tag so far: ciphertext, no secret.
    sealed: Vec<u8>,
}

impl Opening {
    /// Keyed.
    pub fn new(algorithm: &'static Algorithm, key: &Arc<Key>) -> Result<Self> {
        Ok(Self { aead: Aead::new(algorithm, key, Direction::Decrypt)?, sealed: Vec::new() })
    }
}

impl Cipher for Opening {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.sealed = Vec::new();
        self.aead.begin(&Message::of(parameter)?)
    }

    fn output_len(&self, input: usize, last: bool) -> usize {
        if last { self.sealed.len().saturating_add(input).saturating_sub(self.aead.tag_len()) } else { 0 }
    }

    fn update(&mut self, input: &[u8], _: &mut [u8]) -> Result<usize> {
        if input.len() > collect::MAX - self.sealed.len() {
            return Err(Error::TokenResourceExceeded);
        }
        self.sealed.try_reserve(input.len()).map_err(|_| Error::HostMemory)?;
        self.sealed.extend_from_slice(input);
        Ok(0)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        let sealed = std::mem::take(&mut self.sealed);
        self.once(&sealed, output)
    }

    fn once(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        let len = input.len().checked_sub(self.aead.tag_len()).ok_or(Error::EncryptedDataLenRange)?;
        let (text, tag) = input.split_at(len);
        self.aead.open(text, tag, output).map_err(invalid)
    }
}
