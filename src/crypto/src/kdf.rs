//! Key derivation for our own use: HKDF (RFC 5869), HMAC (RFC 2104), Argon2id (RFC 9106).
//! HMAC is built on OpenSSL's plain SHA-256: opening a token derives a key per frame, and EVP's fetches would cost
//! ten times what the hashing does.
#![allow(unsafe_code)]

use crate::digest::Algorithm;
use crate::{Error, Result, init};
use foreign_types::ForeignTypeRef;
use openssl::error::ErrorStack;
use openssl::kdf;
use openssl::sha::Sha256;
use sealhsm_secret::{Secret, Wipe};
use std::ffi::c_int;

unsafe extern "C" {
    fn PKCS12_key_gen_uni(
        pass: *mut u8,
        passlen: c_int,
        salt: *mut u8,
        saltlen: c_int,
        id: c_int,
        iter: c_int,
        n: c_int,
        out: *mut u8,
        md_type: *const openssl_sys::EVP_MD,
    ) -> c_int;
}

/// The longest output of HKDF-SHA-256 (RFC 5869, section 2.3).
const HKDF_LIMIT: usize = 255 * 32;

/// HKDF-SHA-256, extract and expand, `length` ≤ 8160 bytes.
pub fn hkdf_sha256(key: &[u8], salt: &[u8], info: &[u8], length: usize) -> Result<Secret> {
    if length > HKDF_LIMIT {
        return Err(Error::from("HKDF-SHA-256 gives at most 8160 bytes"));
    }
    let mut extracted = HmacKey::new(salt)?.mac(&[key]);
    let expand = HmacKey::new(&extracted)?;
    extracted.wipe();
    let mut out = Secret::zeroed(length);
    let mut block = [0; 32];
    for (n, part) in (1..=u8::MAX).zip(out.as_mut().chunks_mut(32)) {
        let before = if n == 1 { &[][..] } else { &block[..] };
        block = expand.mac(&[before, info, &[n]]);
        part.copy_from_slice(&block[..part.len()]);
    }
    block.wipe();
    Ok(out)
}

/// HMAC-SHA-256 of the concatenation of `parts`.
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Result<[u8; 32]> {
    Ok(HmacKey::new(key)?.mac(parts))
}

/// A key of HMAC-SHA-256, made ready once for many messages.
pub struct HmacKey {
    inner: State,
    outer: State,
}

impl HmacKey {
    /// Hashes the two pads of a key of any length.
    pub fn new(key: &[u8]) -> Result<Self> {
        init()?;
        let mut block = [0; 64];
        if key.len() > block.len() {
            let mut hashed = State::new();
            hashed.0.update(key);
            block[..32].copy_from_slice(&hashed.finish());
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let padded = |pad: u8| {
            let mut text = block.map(|b| b ^ pad);
            let mut state = State::new();
            state.0.update(&text);
            text.wipe();
            state
        };
        let ready = HmacKey { inner: padded(0x36), outer: padded(0x5c) };
        block.wipe();
        Ok(ready)
    }

    /// HMAC-SHA-256 of the concatenation of `parts`.
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut inner = State(self.inner.0.clone());
        for part in parts {
            inner.0.update(part);
        }
        let mut outer = State(self.outer.0.clone());
        outer.0.update(&inner.finish());
        outer.finish()
    }
}

/// SHA-256 in mid-message, wiped when dropped: after a key's pad it is as good as the key.
struct State(Sha256);

impl State {
    fn new() -> Self {
        State(Sha256::new())
    }

    fn finish(self) -> [u8; 32] {
        self.0.clone().finish()
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let start = (&raw mut self.0).cast::<u8>();
        // SAFETY: a live value that consists of integers only and is not used again.
        unsafe { std::slice::from_raw_parts_mut(start, size_of::<Sha256>()) }.wipe();
    }
}

/// Argon2id with one lane: `memory_kib` KiB, `passes` passes, `length` bytes.
pub fn argon2id(pin: &[u8], salt: &[u8], memory_kib: u32, passes: u32, length: usize) -> Result<Secret> {
    init()?;
    let mut out = Secret::zeroed(length);
    kdf::argon2id(None, pin, salt, None, None, passes, 1, memory_kib, out.as_mut())?;
    Ok(out)
}

/// PBKDF2 (RFC 8018 section 5.2) with HMAC of this hash; fills `out`.
pub fn pbkdf2(hash: &Algorithm, password: &[u8], salt: &[u8], iterations: u32, out: &mut [u8]) -> Result<()> {
    let length = |bytes: &[u8]| c_int::try_from(bytes.len()).map_err(|_| Error::from("an input that is too long"));
    let (password_len, salt_len, out_len) = (length(password)?, length(salt)?, length(out)?);
    let iterations = c_int::try_from(iterations).map_err(|_| Error::from("too many iterations"))?;
    let md = hash.md()?;
    // SAFETY: three buffers with their lengths, and a live digest; only `out` is written.
    let ok = unsafe {
        openssl_sys::PKCS5_PBKDF2_HMAC(
            password.as_ptr().cast(),
            password_len,
            salt.as_ptr(),
            salt_len,
            iterations,
            md.as_ptr(),
            out_len,
            out.as_mut_ptr(),
        )
    };
    if ok == 1 { Ok(()) } else { Err(ErrorStack::get().into()) }
}

/// The derivation of PKCS #12 (RFC 7292 appendix B.2) with this hash, the password as it is; fills `out`. `id`: 1 for a
/// key, 2 for an IV, 3 for a key of a MAC.
pub fn pkcs12(hash: &Algorithm, id: u8, password: &[u8], salt: &[u8], iterations: u32, out: &mut [u8]) -> Result<()> {
    let length = |bytes: &[u8]| c_int::try_from(bytes.len()).map_err(|_| Error::from("an input that is too long"));
    let (password_len, salt_len, out_len) = (length(password)?, length(salt)?, length(out)?);
    let iterations = c_int::try_from(iterations).map_err(|_| Error::from("too many iterations"))?;
    let md = hash.md()?;
    // SAFETY: three buffers with their lengths, and a live digest; only `out` is written.
    let ok = unsafe {
        PKCS12_key_gen_uni(
            password.as_ptr().cast_mut(),
            password_len,
            salt.as_ptr().cast_mut(),
            salt_len,
            c_int::from(id),
            iterations,
            out_len,
            out.as_mut_ptr(),
            md.as_ptr(),
        )
    };
    if ok == 1 { Ok(()) } else { Err(ErrorStack::get().into()) }
}

/// SHA-256.
pub fn sha256(data: &[u8]) -> Result<[u8; 32]> {
    init()?;
    let mut out = [0; 32];
    out.copy_from_slice(&openssl::hash::hash(openssl::hash::MessageDigest::sha256(), data)?);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(s: &str) -> Vec<u8> {
        (0..s.len()).step_by(2).map(|i| u8::from_str_radix(&s[i..i + 2], 16).unwrap()).collect()
    }

    #[test]
    fn hkdf_agrees_with_rfc_5869_case_1() {
        let out = hkdf_sha256(&[0x0b; 22], &hex("000102030405060708090a0b0c"), &hex("f0f1f2f3f4f5f6f7f8f9"), 42);
        assert_eq!(
            out.unwrap().as_ref(),
            hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
        );
    }

    #[test]
    fn hkdf_agrees_with_rfc_5869_case_2_which_takes_several_blocks() {
        let range = |from: u8, to: u8| (from..=to).collect::<Vec<u8>>();
        let out = hkdf_sha256(&range(0, 0x4f), &range(0x60, 0xaf), &range(0xb0, 0xff), 82);
        assert_eq!(
            out.unwrap().as_ref(),
            hex("b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09\
                 da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87")
        );
        assert!(hkdf_sha256(b"key", b"", b"", 8161).is_err());
    }

    #[test]
    fn hmac_agrees_with_rfc_4231_cases_2_and_6() {
        let long = hmac_sha256(&[0xaa; 131], &[b"Test Using Larger Than Block-Size Key - Hash Key First"]).unwrap();
        assert_eq!(long[..], hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"));
        let mac = hmac_sha256(b"Jefe", &[b"what do ya want ", b"for nothing?"]).unwrap();
        assert_eq!(mac[..], hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
    }

    #[test]
    fn argon2id_depends_on_every_input() {
        let base = argon2id(b"1234", &[1; 16], 64, 2, 64).unwrap();
        assert_eq!(base.len(), 64);
        for other in [
            argon2id(b"1235", &[1; 16], 64, 2, 64),
            argon2id(b"1234", &[2; 16], 64, 2, 64),
            argon2id(b"1234", &[1; 16], 72, 2, 64),
            argon2id(b"1234", &[1; 16], 64, 3, 64),
        ] {
            assert!(!base.ct_eq(other.unwrap().as_ref()));
        }
    }
}
