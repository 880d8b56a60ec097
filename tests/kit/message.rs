//! Message-based encryption and signatures, and authenticated wrapping: what has a parameter in every call.
#![allow(unsafe_code)]

use crate::derivation::memory;
use crate::mechanism::Mechanism;
use crate::module::{filled, two_calls};
use crate::object::Object;
use crate::rv::{Result, Rv};
use crate::session::{Session, bytes};
use crate::template::Template;
use cryptoki_sys as ck;
use std::ffi::c_void;
use std::ptr::null_mut;

/// The parameter of a message: the module writes nonce and tag into it.
#[derive(Clone, Debug)]
pub struct Message {
    /// pIv, pNonce.
    pub nonce: Vec<u8>,
    /// ulIvFixedBits, ulNonceFixedBits.
    pub fixed_bits: ck::CK_ULONG,
    /// ivGenerator, nonceGenerator.
    pub generator: ck::CK_GENERATOR_FUNCTION,
    /// pTag, pMAC.
    pub tag: Vec<u8>,
    /// ulTagBits, or ulMACLen times eight.
    pub tag_bits: ck::CK_ULONG,
    form: Form,
    /// Bytes that the length given differs from the structure's.
    pub off: i64,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Gcm,
    Ccm(ck::CK_ULONG),
    ChaCha20Poly1305,
}

impl Message {
    fn new(form: Form, nonce: &[u8], tag_bits: ck::CK_ULONG) -> Message {
        Message {
            nonce: nonce.to_vec(),
            fixed_bits: 0,
            generator: ck::CKG_NO_GENERATE,
            tag: vec![0; tag_bits as usize / 8],
            tag_bits,
            form,
            off: 0,
        }
    }

    /// CK_GCM_MESSAGE_PARAMS with a nonce of the client's.
    pub fn gcm(nonce: &[u8], tag_bits: ck::CK_ULONG) -> Message {
        Self::new(Form::Gcm, nonce, tag_bits)
    }

    /// CK_CCM_MESSAGE_PARAMS for so many bytes of plaintext.
    pub fn ccm(len: usize, nonce: &[u8], tag_bits: ck::CK_ULONG) -> Message {
        Self::new(Form::Ccm(len as ck::CK_ULONG), nonce, tag_bits)
    }

    /// CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS.
    pub fn chacha20_poly1305(nonce: &[u8]) -> Message {
        Self::new(Form::ChaCha20Poly1305, nonce, 128)
    }

    /// The same with a nonce that the module makes.
    pub fn generated(mut self, generator: ck::CK_GENERATOR_FUNCTION, fixed_bits: ck::CK_ULONG) -> Message {
        (self.generator, self.fixed_bits) = (generator, fixed_bits);
        self
    }

    /// The structure as C has it.
    fn structure(&mut self) -> Vec<u8> {
        let (nonce, nonce_len) = (self.nonce.as_mut_ptr(), self.nonce.len() as ck::CK_ULONG);
        let tag = if self.tag.is_empty() { null_mut() } else { self.tag.as_mut_ptr() };
        match self.form {
            Form::Gcm => memory(&ck::CK_GCM_MESSAGE_PARAMS {
                pIv: nonce,
                ulIvLen: nonce_len,
                ulIvFixedBits: self.fixed_bits,
                ivGenerator: self.generator,
                pTag: tag,
                ulTagBits: self.tag_bits,
            }),
            Form::Ccm(len) => memory(&ck::CK_CCM_MESSAGE_PARAMS {
                ulDataLen: len,
                pNonce: nonce,
                ulNonceLen: nonce_len,
                ulNonceFixedBits: self.fixed_bits,
                nonceGenerator: self.generator,
                pMAC: tag,
                ulMACLen: self.tag_bits / 8,
            }),
            Form::ChaCha20Poly1305 => {
                memory(&ck::CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS { pNonce: nonce, ulNonceLen: nonce_len, pTag: tag })
            }
        }
    }

    /// A call with the parameter and its length.
    fn with<T>(&mut self, call: impl FnOnce(*mut c_void, ck::CK_ULONG) -> T) -> T {
        let mut structure = self.structure();
        let length = (structure.len() as i64 + self.off) as ck::CK_ULONG;
        call(structure.as_mut_ptr().cast(), length)
    }
}

macro_rules! init {
    ($($name:ident, $cancel:ident, $last:ident => $function:ident $final:ident)*) => { $(
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

        #[doc = concat!("`", stringify!($final), "`")]
        pub fn $last(&self) -> Result<()> {
            // SAFETY: takes no pointer.
            Rv::check(unsafe { self.raw().$final(self.handle) })
        }
    )* };
}

macro_rules! cipher {
    ($($once:ident $into:ident $len:ident => $function:ident, $begin:ident => $begin_function:ident,
       $next:ident $next_into:ident => $next_function:ident;)*) => { $(
        #[doc = concat!("`", stringify!($function), "`")]
        pub fn $once(&self, message: &mut Message, aad: &[u8], data: &[u8]) -> Result<Vec<u8>> {
            let mut out = vec![0; data.len()];
            let (outcome, length) = self.$into(message, aad, data, &mut out);
            out.truncate(length);
            outcome.map(|()| out)
        }

        #[doc = concat!("`", stringify!($function), "` into this buffer: what it returned, and the length it left")]
        pub fn $into(&self, message: &mut Message, aad: &[u8], data: &[u8], out: &mut [u8]) -> (Result<()>, usize) {
            let ((aad, aad_length), (data, length)) = (bytes(aad), bytes(data));
            let mut room = out.len() as ck::CK_ULONG;
            // SAFETY: a parameter, two inputs and an output with their lengths.
            let rv = message.with(|at, size| unsafe {
                let to = out.as_mut_ptr();
                self.raw().$function(self.handle, at, size, aad, aad_length, data, length, to, &raw mut room)
            });
            (Rv::check(rv), room as usize)
        }

        #[doc = concat!("`", stringify!($function), "` without a buffer: the length that will do")]
        pub fn $len(&self, message: &mut Message, aad: &[u8], data: &[u8]) -> Result<usize> {
            let ((aad, aad_length), (data, length)) = (bytes(aad), bytes(data));
            let mut room = 0;
            // SAFETY: a parameter and two inputs with their lengths; NULL asks for the length.
            let rv = message.with(|at, size| unsafe {
                self.raw().$function(self.handle, at, size, aad, aad_length, data, length, null_mut(), &raw mut room)
            });
            Rv::check(rv).map(|()| room as usize)
        }

        #[doc = concat!("`", stringify!($begin_function), "`")]
        pub fn $begin(&self, message: &mut Message, aad: &[u8]) -> Result<()> {
            let (aad, aad_length) = bytes(aad);
            // SAFETY: a parameter and an input with their lengths.
            Rv::check(message.with(|at, size| unsafe {
                self.raw().$begin_function(self.handle, at, size, aad, aad_length)
            }))
        }

        #[doc = concat!("`", stringify!($next_function), "`; asks for the length first")]
        pub fn $next(&self, message: &mut Message, part: &[u8], flags: ck::CK_FLAGS) -> Result<Vec<u8>> {
            let (part, length) = bytes(part);
            message.with(|at, size| {
                // SAFETY: a parameter and an input with their lengths; NULL or as much room as the length says.
                two_calls(0, |to, room| unsafe {
                    self.raw().$next_function(self.handle, at, size, part, length, to, room, flags)
                })
            })
        }

        #[doc = concat!("`", stringify!($next_function), "` into this buffer")]
        ///
        /// What it returned, and the length it left.
        pub fn $next_into(
            &self,
            message: &mut Message,
            part: &[u8],
            out: &mut [u8],
            flags: ck::CK_FLAGS,
        ) -> (Result<()>, usize) {
            let (part, length) = bytes(part);
            let mut room = out.len() as ck::CK_ULONG;
            // SAFETY: a parameter, an input and an output with their lengths.
            let rv = message.with(|at, size| unsafe {
                let to = out.as_mut_ptr();
                self.raw().$next_function(self.handle, at, size, part, length, to, &raw mut room, flags)
            });
            (Rv::check(rv), room as usize)
        }
    )* };
}

impl Mechanism {
    /// With the parameter of a message, which must live as long as the mechanism is used.
    pub fn of_message(of: ck::CK_MECHANISM_TYPE, message: &mut Message) -> Mechanism {
        let structure = message.structure();
        let length = (structure.len() as i64 + message.off) as ck::CK_ULONG;
        Mechanism::bytes(of, structure).claiming(length)
    }
}

impl Session<'_> {
    init! {
        message_encrypt_init, message_encrypt_cancel, message_encrypt_final
            => C_MessageEncryptInit C_MessageEncryptFinal
        message_decrypt_init, message_decrypt_cancel, message_decrypt_final
            => C_MessageDecryptInit C_MessageDecryptFinal
        message_sign_init, message_sign_cancel, message_sign_final => C_MessageSignInit C_MessageSignFinal
        message_verify_init, message_verify_cancel, message_verify_final => C_MessageVerifyInit C_MessageVerifyFinal
    }

    cipher! {
        encrypt_message encrypt_message_into encrypt_message_len => C_EncryptMessage,
            encrypt_message_begin => C_EncryptMessageBegin,
            encrypt_message_next encrypt_message_next_into => C_EncryptMessageNext;
        decrypt_message decrypt_message_into decrypt_message_len => C_DecryptMessage,
            decrypt_message_begin => C_DecryptMessageBegin,
            decrypt_message_next decrypt_message_next_into => C_DecryptMessageNext;
    }

    /// C_SignMessage.
    pub fn sign_message(&self, data: &[u8]) -> Result<Vec<u8>> {
        let (at, length) = bytes(data);
        // SAFETY: an input with its length; NULL or as much room as the length says.
        two_calls(0, |to, room| unsafe { self.raw().C_SignMessage(self.handle, null_mut(), 0, at, length, to, room) })
    }

    /// C_SignMessageBegin with a parameter of this length, or none.
    pub fn sign_message_begin(&self, parameter: Option<&mut [u8]>) -> Result<()> {
        let (at, length) = parameter.map_or((null_mut(), 0), |given| bytes(given));
        // SAFETY: NULL or a parameter with its length.
        Rv::check(unsafe { self.raw().C_SignMessageBegin(self.handle, at.cast(), length) })
    }

    /// C_SignMessageNext with more to come.
    pub fn sign_message_next(&self, part: &[u8]) -> Result<()> {
        let (at, length) = bytes(part);
        let no = null_mut();
        // SAFETY: an input with its length; NULL for a length says that there is more to come.
        Rv::check(unsafe { self.raw().C_SignMessageNext(self.handle, null_mut(), 0, at, length, no, null_mut()) })
    }

    /// C_SignMessageNext with the last part.
    pub fn sign_message_last(&self, part: &[u8]) -> Result<Vec<u8>> {
        let (at, length) = bytes(part);
        // SAFETY: an input with its length; NULL or as much room as the length says.
        two_calls(0, |to, room| unsafe {
            self.raw().C_SignMessageNext(self.handle, null_mut(), 0, at, length, to, room)
        })
    }

    /// The same into this buffer: what it returned, and the length it left.
    pub fn sign_message_last_into(&self, part: &[u8], signature: &mut [u8]) -> (Result<()>, usize) {
        let (at, length) = bytes(part);
        let (to, mut room) = (signature.as_mut_ptr(), signature.len() as ck::CK_ULONG);
        // SAFETY: an input with its length, and as much room as the length says.
        let rv = unsafe { self.raw().C_SignMessageNext(self.handle, null_mut(), 0, at, length, to, &raw mut room) };
        (Rv::check(rv), room as usize)
    }

    /// C_VerifyMessage.
    pub fn verify_message(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        let ((at, length), (signature, signature_length)) = (bytes(data), bytes(signature));
        let no = null_mut();
        // SAFETY: two inputs with their lengths.
        Rv::check(unsafe { self.raw().C_VerifyMessage(self.handle, no, 0, at, length, signature, signature_length) })
    }

    /// C_VerifyMessageBegin.
    pub fn verify_message_begin(&self) -> Result<()> {
        // SAFETY: NULL, as it is to be.
        Rv::check(unsafe { self.raw().C_VerifyMessageBegin(self.handle, null_mut(), 0) })
    }

    /// C_VerifyMessageNext: the last part if there is a signature.
    pub fn verify_message_next(&self, part: &[u8], signature: Option<&[u8]>) -> Result<()> {
        let (at, length) = bytes(part);
        let (signature, signature_length) = signature.map_or((null_mut(), 0), bytes);
        let no = null_mut();
        // SAFETY: an input with its length; NULL or a signature with its length.
        Rv::check(unsafe {
            self.raw().C_VerifyMessageNext(self.handle, no, 0, at, length, signature, signature_length)
        })
    }

    /// C_WrapKeyAuthenticated; asks for the length first.
    pub fn wrap_key_authenticated(
        &self,
        (of, message): (ck::CK_MECHANISM_TYPE, &mut Message),
        wrapping_key: Object,
        key: Object,
        aad: &[u8],
    ) -> Result<Vec<u8>> {
        self.wrap_authenticated(&Mechanism::of_message(of, message), wrapping_key, key, aad)
    }

    /// The same with a mechanism as it is.
    pub fn wrap_authenticated(
        &self,
        mechanism: &Mechanism,
        wrapping_key: Object,
        key: Object,
        aad: &[u8],
    ) -> Result<Vec<u8>> {
        let (aad, aad_length) = bytes(aad);
        let (by, of) = (wrapping_key.0, key.0);
        // SAFETY: a mechanism and an input that live for the call; NULL or as much room as the length says.
        two_calls(0, |to, room| unsafe {
            let mut raw = mechanism.to_raw();
            self.raw().C_WrapKeyAuthenticated(self.handle, &raw mut raw, by, of, aad, aad_length, to, room)
        })
    }

    /// C_UnwrapKeyAuthenticated.
    pub fn unwrap_key_authenticated(
        &self,
        (of, message): (ck::CK_MECHANISM_TYPE, &mut Message),
        unwrapping_key: Object,
        wrapped: &[u8],
        template: &Template,
        aad: &[u8],
    ) -> Result<Object> {
        self.unwrap_authenticated(&Mechanism::of_message(of, message), unwrapping_key, wrapped, template, aad)
    }

    /// The same with a mechanism as it is.
    pub fn unwrap_authenticated(
        &self,
        mechanism: &Mechanism,
        unwrapping_key: Object,
        wrapped: &[u8],
        template: &Template,
        aad: &[u8],
    ) -> Result<Object> {
        let mut mechanism = mechanism.to_raw();
        let ((wrapped, length), (aad, aad_length)) = (bytes(wrapped), bytes(aad));
        let mut template = template.to_raw();
        let (at, count) = (template.pointer(), template.count());
        // SAFETY: inputs with their lengths, and a place for the result.
        filled(|to| unsafe {
            let by = unwrapping_key.0;
            let raw = self.raw();
            raw.C_UnwrapKeyAuthenticated(
                self.handle,
                &raw mut mechanism,
                by,
                wrapped,
                length,
                at,
                count,
                aad,
                aad_length,
                to,
            )
        })
        .map(Object)
    }
}
