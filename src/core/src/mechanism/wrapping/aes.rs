//! AES key wrapping (RFC 3394, RFC 5649): rows, the wrapping itself, and single-part encryption with it.

use super::{Holds, Wanted, Wrapping, put};
use crate::mechanism::aes::{SIZES, TYPES};
use crate::mechanism::engine::Cipher;
use crate::mechanism::key::Key;
use crate::mechanism::{Parameter, Row, Shape, failed};
use crate::{Error, Result};
use sealhsm_crypto::cipher::Direction;
use sealhsm_crypto::keywrap::{self, Form};
use sealhsm_secret::Secret;

macro_rules! rows {
    ($($mechanism:ident $scheme:ident;)*) => {
        pub(in crate::mechanism) static ROWS: &[Row] = &[$(
            row!($mechanism {
                sizes: SIZES,
                key_types: TYPES,
                parameter: Shape::IvOrNone($scheme.iv_len()),
                encrypt: Some(|key| Ok(Box::new(Whole::new(key, $scheme, Direction::Encrypt)?))),
                decrypt: Some(|key| Ok(Box::new(Whole::new(key, $scheme, Direction::Decrypt)?))),
                wrapping: Some(Wrapping {
                    holds: Holds::Keys,
                    sealed: |parameter| $scheme.sealed(parameter),
                    wrap: |_, key, parameter, plain, out| put(&$scheme.wrap(key, parameter, plain)?, out),
                    unwrap: |_, key, parameter, wrapped, _: &Wanted| $scheme.unwrap(key, parameter, wrapped),
                }),
            })
        ),*];
    };
}

rows! {
    CKM_AES_KEY_WRAP KW;
    // As SoftHSM does it.
    CKM_AES_KEY_WRAP_PAD KWP;
    CKM_AES_KEY_WRAP_KWP KWP;
    CKM_AES_KEY_WRAP_PKCS7 KW_PKCS7;
}

/// Bytes of a block of the algorithm.
const SEMIBLOCK: usize = 8;

/// One of the three ways.
#[derive(Clone, Copy)]
pub(super) struct Scheme {
    form: Form,
    /// PKCS #7 padding to whole semiblocks, at least one.
    pkcs7: bool,
}

const KW: Scheme = Scheme { form: Form::Whole, pkcs7: false };
/// RFC 5649.
pub(super) const KWP: Scheme = Scheme { form: Form::Padded, pkcs7: false };
const KW_PKCS7: Scheme = Scheme { form: Form::Whole, pkcs7: true };

impl Scheme {
    const fn iv_len(self) -> usize {
        match self.form {
            Form::Whole => 8,
            Form::Padded => 4,
        }
    }

    /// With an initial value of the caller's, or with the padding inside the check, a key wrapped in one way could be
    /// unwrapped in another, shortened.
    fn sealed(self, parameter: &Parameter<'_>) -> bool {
        *parameter == Parameter::None && !self.pkcs7
    }

    /// Wraps under an AES key.
    fn wrap(self, key: &Key, parameter: &Parameter<'_>, plain: &[u8]) -> Result<Vec<u8>> {
        self.wrap_with(key.secret()?.as_ref(), self.iv(parameter)?, plain)
    }

    /// Unwraps under an AES key.
    fn unwrap(self, key: &Key, parameter: &Parameter<'_>, wrapped: &[u8]) -> Result<Secret> {
        self.unwrap_with(key.secret()?.as_ref(), self.iv(parameter)?, wrapped)
    }

    fn iv<'a>(self, parameter: &Parameter<'a>) -> Result<Option<&'a [u8]>> {
        match parameter {
            Parameter::None => Ok(None),
            parameter => parameter.bytes(self.iv_len()).map(Some),
        }
    }

    /// The same under the bytes of an AES key.
    pub(super) fn wrap_with(self, key: &[u8], iv: Option<&[u8]>, plain: &[u8]) -> Result<Vec<u8>> {
        let padded;
        let plain = if self.pkcs7 {
            padded = pad(plain);
            padded.as_ref()
        } else {
            plain
        };
        let fits = match self.form {
            Form::Whole => plain.len() >= 2 * SEMIBLOCK && plain.len() % SEMIBLOCK == 0,
            Form::Padded => !plain.is_empty(),
        };
        if !fits {
            return Err(Error::DataLenRange);
        }
        keywrap::wrap(self.form, key, iv, plain).map_err(failed)
    }

    /// The same under the bytes of an AES key.
    pub(super) fn unwrap_with(self, key: &[u8], iv: Option<&[u8]>, wrapped: &[u8]) -> Result<Secret> {
        let least = match self.form {
            Form::Whole => 3 * SEMIBLOCK,
            Form::Padded => 2 * SEMIBLOCK,
        };
        if wrapped.len() < least || wrapped.len() % SEMIBLOCK != 0 {
            return Err(Error::EncryptedDataLenRange);
        }
        let plain = keywrap::unwrap(self.form, key, iv, wrapped).map_err(failed)?;
        let plain = plain.ok_or(Error::EncryptedDataInvalid)?;
        if self.pkcs7 { unpad(plain) } else { Ok(plain) }
    }
}

fn pad(plain: &[u8]) -> Secret {
    let padding = SEMIBLOCK - plain.len() % SEMIBLOCK;
    let mut padded = Secret::zeroed(plain.len() + padding);
    padded.as_mut()[..plain.len()].copy_from_slice(plain);
    padded.as_mut()[plain.len()..].fill(padding as u8);
    padded
}

/// What it looks at is authentic by now.
fn unpad(mut padded: Secret) -> Result<Secret> {
    let padding = padded.as_ref().last().map_or(0, |last| usize::from(*last));
    let len = padded.len().checked_sub(padding).filter(|_| (1..=SEMIBLOCK).contains(&padding));
    let len = len.ok_or(Error::EncryptedDataInvalid)?;
    if padded.as_ref()[len..].iter().any(|byte| usize::from(*byte) != padding) {
        return Err(Error::EncryptedDataInvalid);
    }
    padded.truncate(len);
    Ok(padded)
}

/// C_Encrypt and C_Decrypt with a wrapping mechanism; single-part only.
struct Whole {
    key: Secret,
    scheme: Scheme,
    direction: Direction,
    iv: Option<Vec<u8>>,
}

impl Whole {
    fn new(key: &Key, scheme: Scheme, direction: Direction) -> Result<Self> {
        Ok(Self { key: key.secret()?.duplicate(), scheme, direction, iv: None })
    }
}

impl Cipher for Whole {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.iv = self.scheme.iv(parameter)?.map(<[u8]>::to_vec);
        Ok(())
    }

    fn output_len(&self, input: usize, _: bool) -> usize {
        match self.direction {
            Direction::Encrypt => input.saturating_add(3 * SEMIBLOCK),
            Direction::Decrypt => input,
        }
    }

    fn least_len(&self, input: usize) -> usize {
        match self.direction {
            Direction::Encrypt => input.saturating_add(SEMIBLOCK),
            Direction::Decrypt => input.saturating_sub(2 * SEMIBLOCK),
        }
    }

    fn update(&mut self, _: &[u8], _: &mut [u8]) -> Result<usize> {
        Err(Error::FunctionNotSupported)
    }

    fn finish(&mut self, _: &mut [u8]) -> Result<usize> {
        Err(Error::FunctionNotSupported)
    }

    fn once(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        let (key, iv) = (self.key.as_ref(), self.iv.as_deref());
        let done = match self.direction {
            Direction::Encrypt => Secret::from(self.scheme.wrap_with(key, iv, input)?),
            Direction::Decrypt => self.scheme.unwrap_with(key, iv, input)?,
        };
        output[..done.len()].copy_from_slice(done.as_ref());
        Ok(done.len())
    }

    fn multi_part(&self) -> bool {
        false
    }
}
