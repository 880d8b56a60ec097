//! AES-256-GCM for our own files (NIST SP 800-38D). Every key is used for exactly one message (it comes out of HKDF
//! over 32 fresh random bytes), so the nonce is constant: 96 zero bits.

use crate::{Error, Result, init};
use openssl::symm::{Cipher, Crypter, Mode};
use sealhsm_secret::Secret;

/// Bytes of the tag, which ends a sealed message.
pub const TAG: usize = 16;
const NONCE: [u8; 12] = [0; 12];

/// Seals `plain` under a single-use 32-byte key; the result is `plain.len() + TAG` bytes.
pub fn seal(key: &Secret, associated: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    let mut crypter = crypter(key, Mode::Encrypt)?;
    crypter.aad_update(associated)?;
    let mut out = vec![0; plain.len() + TAG];
    let n = crypter.update(plain, &mut out)?;
    crypter.finalize(&mut out[n..])?;
    crypter.get_tag(&mut out[plain.len()..])?;
    Ok(out)
}

/// Opens what [`seal`] made; `None` when key, associated data or message do not fit.
pub fn open(key: &Secret, associated: &[u8], sealed: &[u8]) -> Result<Option<Secret>> {
    let Some((body, tag)) = sealed.len().checked_sub(TAG).map(|at| sealed.split_at(at)) else { return Ok(None) };
    let mut crypter = crypter(key, Mode::Decrypt)?;
    crypter.aad_update(associated)?;
    crypter.set_tag(tag)?;
    // One byte more than needed: OpenSSL's wrapper asks for room even for an empty end.
    let mut plain = Secret::zeroed(body.len() + 1);
    let n = crypter.update(body, plain.as_mut())?;
    if crypter.finalize(&mut plain.as_mut()[n..]).is_err() {
        return Ok(None);
    }
    plain.truncate(body.len());
    Ok(Some(plain))
}

fn crypter(key: &Secret, mode: Mode) -> Result<Crypter> {
    init()?;
    if key.len() != 32 {
        return Err(Error::from("an AES-256 key has 32 bytes"));
    }
    Ok(Crypter::new(Cipher::aes_256_gcm(), mode, key.as_ref(), Some(&NONCE))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_and_every_flipped_bit_is_noticed() {
        let key = Secret::copy_of(&[9; 32]);
        let sealed = seal(&key, b"header", b"body").unwrap();
        assert_eq!(open(&key, b"header", &sealed).unwrap().unwrap().as_ref(), b"body");
        for bit in 0..sealed.len() * 8 {
            let mut bad = sealed.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&key, b"header", &bad).unwrap().is_none(), "bit {bit}");
        }
        assert!(open(&key, b"heAder", &sealed).unwrap().is_none());
        assert!(open(&Secret::copy_of(&[8; 32]), b"header", &sealed).unwrap().is_none());
        assert!(open(&key, b"header", &sealed[..15]).unwrap().is_none());
        assert!(open(&key, b"header", &[]).unwrap().is_none());
    }

    #[test]
    fn an_empty_message_is_sealed_too() {
        let key = Secret::copy_of(&[1; 32]);
        let sealed = seal(&key, b"", b"").unwrap();
        assert_eq!(sealed.len(), TAG);
        assert!(open(&key, b"", &sealed).unwrap().unwrap().is_empty());
    }
}
