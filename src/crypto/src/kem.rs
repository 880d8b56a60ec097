//! Key encapsulation by OpenSSL: ML-KEM (FIPS 203) and RSASVE (NIST SP 800-56B section 7.2.1).
#![allow(unsafe_code)]

use crate::params::Params;
use crate::pkey::Key;
use crate::{Error, Result};
use foreign_types::ForeignTypeRef;
use openssl::error::ErrorStack;
use openssl::pkey::Private;
use openssl::pkey_ctx::PkeyCtx;
use openssl_sys as ffi;
use sealhsm_secret::Secret;

/// Which algorithm, where the key alone does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// That of the key: ML-KEM.
    OfKey,
    /// A random number below the modulus, encrypted without padding.
    Rsasve,
}

impl Scheme {
    fn params(self) -> Params {
        match self {
            Scheme::OfKey => Params::new(),
            Scheme::Rsasve => Params::new().text(c"operation", c"RSASVE"),
        }
    }
}

/// A new secret of so many bytes and its ciphertext of so many bytes, under a public key.
pub fn encapsulate(key: &Key, scheme: Scheme, secret_len: usize, ciphertext_len: usize) -> Result<(Secret, Vec<u8>)> {
    let context: PkeyCtx<Private> = PkeyCtx::new(key.pkey())?;
    let mut params = scheme.params();
    let (mut secret, mut ciphertext) = (Secret::zeroed(secret_len), vec![0; ciphertext_len]);
    let (mut written, mut of_ciphertext) = (secret_len, ciphertext_len);
    let (list, raw) = (params.as_mut_ptr(), context.as_ptr());
    // SAFETY: a live context; the list is terminated and lives in `params`; as much room as the lengths say.
    let done = unsafe {
        ffi::EVP_PKEY_encapsulate_init(raw, list) == 1
            && ffi::EVP_PKEY_encapsulate(
                raw,
                ciphertext.as_mut_ptr(),
                &mut of_ciphertext,
                secret.as_mut().as_mut_ptr(),
                &mut written,
            ) == 1
    };
    if !done {
        return Err(ErrorStack::get().into());
    }
    if (written, of_ciphertext) != (secret_len, ciphertext_len) {
        return Err(Error::from("an encapsulated secret of another length"));
    }
    Ok((secret, ciphertext))
}

/// The secret of so many bytes in a ciphertext, under a private key; `None` when the ciphertext cannot be one.
pub fn decapsulate(key: &Key, scheme: Scheme, secret_len: usize, ciphertext: &[u8]) -> Result<Option<Secret>> {
    let context: PkeyCtx<Private> = PkeyCtx::new(key.pkey())?;
    let mut params = scheme.params();
    let (mut secret, mut written) = (Secret::zeroed(secret_len), secret_len);
    let (list, raw) = (params.as_mut_ptr(), context.as_ptr());
    // SAFETY: a live context; the list is terminated and lives in `params`.
    if unsafe { ffi::EVP_PKEY_decapsulate_init(raw, list) } != 1 {
        return Err(ErrorStack::get().into());
    }
    let at = secret.as_mut().as_mut_ptr();
    // SAFETY: a live context that was begun; as much room as is said, and an input with its length.
    let done = unsafe { ffi::EVP_PKEY_decapsulate(raw, at, &mut written, ciphertext.as_ptr(), ciphertext.len()) } == 1;
    if !done {
        // What is wrong with it is not said.
        drop(ErrorStack::get());
        return Ok(None);
    }
    if written != secret_len {
        return Err(Error::from("an encapsulated secret of another length"));
    }
    Ok(Some(secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pq::{ML_KEM, SHARED_SECRET};
    use crate::rsa;

    #[test]
    fn both_sides_come_to_the_same_secret() {
        for set in &ML_KEM {
            let made = set.generate().unwrap();
            let public = set.public_key(&made.public).unwrap();
            let (secret, ciphertext) = encapsulate(&public, Scheme::OfKey, SHARED_SECRET, set.output).unwrap();
            let private = set.private_key(Some(made.private.as_ref()), None, true).unwrap().unwrap();
            let same = decapsulate(&private, Scheme::OfKey, SHARED_SECRET, &ciphertext).unwrap().unwrap();
            assert!(secret.ct_eq(same.as_ref()));
            assert!(decapsulate(&private, Scheme::OfKey, SHARED_SECRET, &ciphertext[1..]).unwrap().is_none());
        }
        assert!(ErrorStack::get().errors().is_empty());
    }

    #[test]
    fn a_number_below_the_modulus_is_sent_by_rsa() {
        let pair = rsa::generate(1024, &[1, 0, 1]).unwrap();
        let public = rsa::public_key(&pair.modulus, &pair.public_exponent).unwrap();
        let (secret, ciphertext) = encapsulate(&public, Scheme::Rsasve, 128, 128).unwrap();
        let given = rsa::Given {
            modulus: &pair.modulus,
            public_exponent: Some(&pair.public_exponent),
            private_exponent: pair.private_exponent.as_ref(),
            prime_1: Some(pair.prime_1.as_ref()),
            prime_2: Some(pair.prime_2.as_ref()),
            exponent_1: Some(pair.exponent_1.as_ref()),
            exponent_2: Some(pair.exponent_2.as_ref()),
            coefficient: Some(pair.coefficient.as_ref()),
        };
        let private = rsa::private_key(&given).unwrap();
        let same = decapsulate(&private, Scheme::Rsasve, 128, &ciphertext).unwrap().unwrap();
        assert!(secret.ct_eq(same.as_ref()));
        assert!(decapsulate(&private, Scheme::Rsasve, 128, &[0xff; 128]).unwrap().is_none());
    }
}
