//! Encryption, decryption, digests, signatures. Calls with an output ask for its length first; the `_into` forms take
//! a buffer as it is and say what came back in the length.
#![allow(unsafe_code)]

use crate::mechanism::Mechanism;
use crate::module::two_calls;
use crate::object::Object;
use crate::rv::{Result, Rv};
use crate::session::{Session, bytes};
use cryptoki_sys as ck;
use std::ops::Range;
use std::ptr::null_mut;

macro_rules! init {
    ($($name:ident, $cancel:ident => $function:ident)*) => { $(
        #[doc = concat!("`", stringify!($function), "`")]
        pub fn $name(&self, mechanism: &Mechanism, key: Object) -> Result<()> {
            let mut mechanism = mechanism.to_raw();
            // SAFETY: a mechanism that lives for the call.
            Rv::check(unsafe { self.raw().$function(self.handle, &raw mut mechanism, key.0) })
        }

        #[doc = concat!("`", stringify!($function), "` with NULL for a mechanism")]
        pub fn $cancel(&self) -> Result<()> {
            // SAFETY: NULL is allowed.
            Rv::check(unsafe { self.raw().$function(self.handle, null_mut(), 0) })
        }
    )* };
}

/// Input and output.
macro_rules! through {
    ($($name:ident, $into:ident, $len:ident, $within:ident => $function:ident)*) => { $(
        #[doc = concat!("`", stringify!($function), "`")]
        pub fn $name(&self, input: &[u8]) -> Result<Vec<u8>> {
            let (at, length) = bytes(input);
            // SAFETY: an input with its length; NULL or as much room as the length says.
            two_calls(0, |to, room| unsafe { self.raw().$function(self.handle, at, length, to, room) })
        }

        #[doc = concat!("`", stringify!($function), "` into this buffer: what it returned, and the length it left")]
        pub fn $into(&self, input: &[u8], output: &mut [u8]) -> (Result<()>, usize) {
            let (at, length) = bytes(input);
            let mut room = output.len() as ck::CK_ULONG;
            // SAFETY: an input with its length; as much room as the length says.
            let rv = unsafe { self.raw().$function(self.handle, at, length, output.as_mut_ptr(), &raw mut room) };
            (Rv::check(rv), room as usize)
        }

        #[doc = concat!("`", stringify!($function), "` without a buffer: the length that will do")]
        pub fn $len(&self, input: &[u8]) -> Result<usize> {
            let (at, length) = bytes(input);
            let mut room = 0;
            // SAFETY: an input with its length; NULL asks for the length.
            Rv::check(unsafe { self.raw().$function(self.handle, at, length, null_mut(), &raw mut room) })?;
            Ok(room as usize)
        }

        #[doc = concat!("`", stringify!($function), "` with input and output in the same memory")]
        pub fn $within(&self, memory: &mut [u8], input: Range<usize>, output: Range<usize>) -> (Result<()>, usize) {
            assert!(input.end <= memory.len() && output.end <= memory.len(), "beyond the memory");
            let (start, length) = (memory.as_mut_ptr(), input.len() as ck::CK_ULONG);
            let mut room = output.len() as ck::CK_ULONG;
            // SAFETY: both ranges lie in memory that nothing else refers to.
            let rv = unsafe {
                let (from, to) = (start.add(input.start), start.add(output.start));
                self.raw().$function(self.handle, from, length, to, &raw mut room)
            };
            (Rv::check(rv), room as usize)
        }
    )* };
}

/// Output only.
macro_rules! last {
    ($($name:ident, $into:ident => $function:ident)*) => { $(
        #[doc = concat!("`", stringify!($function), "`")]
        pub fn $name(&self) -> Result<Vec<u8>> {
            // SAFETY: NULL or as much room as the length says.
            two_calls(0, |to, room| unsafe { self.raw().$function(self.handle, to, room) })
        }

        #[doc = concat!("`", stringify!($function), "` into this buffer: what it returned, and the length it left")]
        pub fn $into(&self, output: &mut [u8]) -> (Result<()>, usize) {
            let mut room = output.len() as ck::CK_ULONG;
            // SAFETY: as much room as the length says.
            let rv = unsafe { self.raw().$function(self.handle, output.as_mut_ptr(), &raw mut room) };
            (Rv::check(rv), room as usize)
        }
    )* };
}

/// Input only.
macro_rules! take {
    ($($name:ident => $function:ident)*) => { $(
        #[doc = concat!("`", stringify!($function), "`")]
        pub fn $name(&self, input: &[u8]) -> Result<()> {
            let (at, length) = bytes(input);
            // SAFETY: an input with its length.
            Rv::check(unsafe { self.raw().$function(self.handle, at, length) })
        }
    )* };
}

impl Session<'_> {
    init! {
        encrypt_init, encrypt_cancel => C_EncryptInit
        decrypt_init, decrypt_cancel => C_DecryptInit
        sign_init, sign_cancel => C_SignInit
        verify_init, verify_cancel => C_VerifyInit
        sign_recover_init, sign_recover_cancel => C_SignRecoverInit
        verify_recover_init, verify_recover_cancel => C_VerifyRecoverInit
    }

    through! {
        encrypt, encrypt_into, encrypt_len, encrypt_within => C_Encrypt
        encrypt_update, encrypt_update_into, encrypt_update_len, encrypt_update_within => C_EncryptUpdate
        decrypt, decrypt_into, decrypt_len, decrypt_within => C_Decrypt
        decrypt_update, decrypt_update_into, decrypt_update_len, decrypt_update_within => C_DecryptUpdate
        digest, digest_into, digest_len, digest_within => C_Digest
        sign, sign_into, sign_len, sign_within => C_Sign
        digest_encrypt, digest_encrypt_into, digest_encrypt_len, digest_encrypt_within => C_DigestEncryptUpdate
        decrypt_digest, decrypt_digest_into, decrypt_digest_len, decrypt_digest_within => C_DecryptDigestUpdate
        sign_encrypt, sign_encrypt_into, sign_encrypt_len, sign_encrypt_within => C_SignEncryptUpdate
        decrypt_verify, decrypt_verify_into, decrypt_verify_len, decrypt_verify_within => C_DecryptVerifyUpdate
        sign_recover, sign_recover_into, sign_recover_len, sign_recover_within => C_SignRecover
        verify_recover, verify_recover_into, verify_recover_len, verify_recover_within => C_VerifyRecover
    }

    last! {
        encrypt_final, encrypt_final_into => C_EncryptFinal
        decrypt_final, decrypt_final_into => C_DecryptFinal
        digest_final, digest_final_into => C_DigestFinal
        sign_final, sign_final_into => C_SignFinal
    }

    take! {
        digest_update => C_DigestUpdate
        sign_update => C_SignUpdate
        verify_update => C_VerifyUpdate
        verify_final => C_VerifyFinal
        verify_signature => C_VerifySignature
        verify_signature_update => C_VerifySignatureUpdate
    }

    /// C_DigestInit.
    pub fn digest_init(&self, mechanism: &Mechanism) -> Result<()> {
        let mut mechanism = mechanism.to_raw();
        // SAFETY: a mechanism that lives for the call.
        Rv::check(unsafe { self.raw().C_DigestInit(self.handle, &raw mut mechanism) })
    }

    /// C_DigestInit with NULL for a mechanism.
    pub fn digest_cancel(&self) -> Result<()> {
        // SAFETY: NULL is allowed.
        Rv::check(unsafe { self.raw().C_DigestInit(self.handle, null_mut()) })
    }

    /// C_DigestKey.
    pub fn digest_key(&self, key: Object) -> Result<()> {
        // SAFETY: takes no pointer.
        Rv::check(unsafe { self.raw().C_DigestKey(self.handle, key.0) })
    }

    /// C_Verify.
    pub fn verify(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        let ((data, length), (signature, signature_length)) = (bytes(data), bytes(signature));
        // SAFETY: two inputs with their lengths.
        Rv::check(unsafe { self.raw().C_Verify(self.handle, data, length, signature, signature_length) })
    }

    /// C_VerifySignatureInit.
    pub fn verify_signature_init(&self, mechanism: &Mechanism, key: Object, signature: &[u8]) -> Result<()> {
        let mut mechanism = mechanism.to_raw();
        let (at, length) = bytes(signature);
        // SAFETY: a mechanism that lives for the call, and a signature with its length.
        Rv::check(unsafe { self.raw().C_VerifySignatureInit(self.handle, &raw mut mechanism, key.0, at, length) })
    }

    /// C_VerifySignatureInit with NULL for a mechanism.
    pub fn verify_signature_cancel(&self) -> Result<()> {
        // SAFETY: NULL is allowed.
        Rv::check(unsafe { self.raw().C_VerifySignatureInit(self.handle, null_mut(), 0, null_mut(), 0) })
    }

    /// C_VerifySignatureFinal.
    pub fn verify_signature_final(&self) -> Result<()> {
        // SAFETY: takes no pointer.
        Rv::check(unsafe { self.raw().C_VerifySignatureFinal(self.handle) })
    }

    /// Init and single-part call.
    pub fn encrypt_with(&self, mechanism: &Mechanism, key: Object, data: &[u8]) -> Result<Vec<u8>> {
        self.encrypt_init(mechanism, key)?;
        self.encrypt(data)
    }

    /// Init and single-part call.
    pub fn decrypt_with(&self, mechanism: &Mechanism, key: Object, data: &[u8]) -> Result<Vec<u8>> {
        self.decrypt_init(mechanism, key)?;
        self.decrypt(data)
    }

    /// Init and single-part call.
    pub fn sign_with(&self, mechanism: &Mechanism, key: Object, data: &[u8]) -> Result<Vec<u8>> {
        self.sign_init(mechanism, key)?;
        self.sign(data)
    }

    /// Init and single-part call.
    pub fn verify_with(&self, mechanism: &Mechanism, key: Object, data: &[u8], signature: &[u8]) -> Result<()> {
        self.verify_init(mechanism, key)?;
        self.verify(data, signature)
    }

    /// Init and single-part call.
    pub fn digest_with(&self, mechanism: &Mechanism, data: &[u8]) -> Result<Vec<u8>> {
        self.digest_init(mechanism)?;
        self.digest(data)
    }
}
