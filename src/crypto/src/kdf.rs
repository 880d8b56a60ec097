//! Key derivation for our own use: HKDF (RFC 5869), HMAC (RFC 2104), Argon2id (RFC 9106).

use crate::{Result, init};
use openssl::kdf::{self, HkdfMode};
use openssl::md::Md;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use sealhsm_secret::Secret;

/// HKDF-SHA-256, extract and expand, `length` ≤ 8160 bytes.
pub fn hkdf_sha256(key: &[u8], salt: &[u8], info: &[u8], length: usize) -> Result<Secret> {
    init()?;
    let mut out = Secret::zeroed(length);
    kdf::hkdf(Md::sha256(), key, Some(salt), Some(info), HkdfMode::ExtractAndExpand, None, out.as_mut())?;
    Ok(out)
}

/// HMAC-SHA-256 of the concatenation of `parts`.
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Result<[u8; 32]> {
    init()?;
    let key = PKey::hmac(key)?;
    let mut signer = Signer::new(openssl::hash::MessageDigest::sha256(), &key)?;
    for part in parts {
        signer.update(part)?;
    }
    let mut out = [0; 32];
    signer.sign(&mut out)?;
    Ok(out)
}

/// Argon2id with one lane: `memory_kib` KiB, `passes` passes, `length` bytes.
pub fn argon2id(pin: &[u8], salt: &[u8], memory_kib: u32, passes: u32, length: usize) -> Result<Secret> {
    init()?;
    let mut out = Secret::zeroed(length);
    kdf::argon2id(None, pin, salt, None, None, passes, 1, memory_kib, out.as_mut())?;
    Ok(out)
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
    fn hmac_agrees_with_rfc_4231_case_2() {
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
