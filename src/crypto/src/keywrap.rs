//! AES key wrapping: RFC 3394 (NIST SP 800-38F KW) and, padded, RFC 5649 (KWP). One shot: keys are short.
#![allow(unsafe_code)]

use crate::{Error, Result, init};
use openssl::cipher::Cipher;
use openssl::cipher_ctx::{CipherCtx, CipherCtxFlags};
use sealhsm_secret::Secret;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Whole multiples of 8 bytes, at least 16; the initial value has 8 bytes.
    Whole,
    /// Any length from 1 byte; the initial value has 4 bytes.
    Padded,
}

impl Form {
    fn algorithm(self, key: &[u8]) -> Result<&'static str> {
        Ok(match (self, key.len()) {
            (Form::Whole, 16) => "AES-128-WRAP",
            (Form::Whole, 24) => "AES-192-WRAP",
            (Form::Whole, 32) => "AES-256-WRAP",
            (Form::Padded, 16) => "AES-128-WRAP-PAD",
            (Form::Padded, 24) => "AES-192-WRAP-PAD",
            (Form::Padded, 32) => "AES-256-WRAP-PAD",
            _ => return Err(Error::from("an AES key has 16, 24 or 32 bytes")),
        })
    }

    /// Bytes of an initial value.
    pub fn iv_len(self) -> usize {
        match self {
            Form::Whole => 8,
            Form::Padded => 4,
        }
    }
}

/// Bytes of a block of the algorithm.
const SEMIBLOCK: usize = 8;

/// Wraps. No initial value: the standard's.
pub fn wrap(form: Form, key: &[u8], iv: Option<&[u8]>, plain: &[u8]) -> Result<Vec<u8>> {
    init()?;
    let cipher = Cipher::fetch(None, form.algorithm(key)?, None)?;
    let mut context = context(form, iv)?;
    context.encrypt_init(Some(&cipher), Some(key), iv)?;
    let mut wrapped = vec![0; plain.len().next_multiple_of(SEMIBLOCK) + SEMIBLOCK];
    // SAFETY: one update writes the plaintext, rounded up, and one semiblock more.
    let len = unsafe { context.cipher_update_unchecked(plain, Some(&mut wrapped)) }?;
    wrapped.truncate(len);
    Ok(wrapped)
}

/// Unwraps; `None` when the check inside does not hold, whatever is wrong.
pub fn unwrap(form: Form, key: &[u8], iv: Option<&[u8]>, wrapped: &[u8]) -> Result<Option<Secret>> {
    init()?;
    let cipher = Cipher::fetch(None, form.algorithm(key)?, None)?;
    let mut context = context(form, iv)?;
    context.decrypt_init(Some(&cipher), Some(key), iv)?;
    // One semiblock more than the plaintext: the padded form uses it on its way.
    let mut plain = Secret::zeroed(wrapped.len());
    // SAFETY: one update writes no more than the wrapped key has bytes.
    match unsafe { context.cipher_update_unchecked(wrapped, Some(plain.as_mut())) } {
        Ok(len) if len > 0 => {
            plain.truncate(len);
            Ok(Some(plain))
        }
        _ => Ok(None),
    }
}

fn context(form: Form, iv: Option<&[u8]>) -> Result<CipherCtx> {
    if iv.is_some_and(|iv| iv.len() != form.iv_len()) {
        return Err(Error::from("an initial value of the wrong length"));
    }
    let mut context = CipherCtx::new()?;
    context.set_flags(CipherCtxFlags::FLAG_WRAP_ALLOW);
    Ok(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(s: &str) -> Vec<u8> {
        (0..s.len()).step_by(2).map(|i| u8::from_str_radix(&s[i..i + 2], 16).unwrap()).collect()
    }

    #[test]
    fn whole_keys_agree_with_rfc_3394() {
        // Sections 4.1, 4.3 and 4.6.
        for (key, plain, wrapped) in [
            (
                "000102030405060708090A0B0C0D0E0F",
                "00112233445566778899AABBCCDDEEFF",
                "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5",
            ),
            (
                "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
                "00112233445566778899AABBCCDDEEFF",
                "64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7",
            ),
            (
                "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
                "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F",
                "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21",
            ),
        ] {
            let (key, plain, wrapped) = (hex(key), hex(plain), hex(wrapped));
            assert_eq!(wrap(Form::Whole, &key, None, &plain).unwrap(), wrapped);
            assert_eq!(unwrap(Form::Whole, &key, None, &wrapped).unwrap().unwrap().as_ref(), plain);
            assert!(unwrap(Form::Whole, &key, Some(&[0; 8]), &wrapped).unwrap().is_none());
        }
    }

    #[test]
    fn padded_keys_agree_with_rfc_5649() {
        let key = hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8");
        for (plain, wrapped) in [
            (
                "c37b7e6492584340bed12207808941155068f738",
                "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
            ),
            ("466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"),
        ] {
            let (plain, wrapped) = (hex(plain), hex(wrapped));
            assert_eq!(wrap(Form::Padded, &key, None, &plain).unwrap(), wrapped);
            assert_eq!(unwrap(Form::Padded, &key, None, &wrapped).unwrap().unwrap().as_ref(), plain);
        }
    }

    #[test]
    fn every_flipped_bit_and_every_other_length_is_noticed() {
        for (form, plain) in [(Form::Whole, &[7; 24][..]), (Form::Padded, &[7; 21])] {
            let wrapped = wrap(form, &[1; 16], None, plain).unwrap();
            for bit in 0..wrapped.len() * 8 {
                let mut bad = wrapped.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                assert!(unwrap(form, &[1; 16], None, &bad).unwrap().is_none(), "{form:?}, bit {bit}");
            }
            for len in 0..wrapped.len() {
                assert!(unwrap(form, &[1; 16], None, &wrapped[..len]).unwrap().is_none(), "{form:?}, {len} bytes");
            }
        }
    }
}
