//! The one typed helper that every pointer of a caller goes through. Making a [`Pointer`] is the unsafe step, taken
//! once in the wrapper of the entry points; what can be done with it afterwards checks NULL and lengths first.
#![allow(unsafe_code)]

use cryptoki_sys as ck;
use sealhsm_core::{Error, Result};
use std::ffi::{CStr, c_void};
use std::marker::PhantomData;

/// One call of a C function: what its pointers point to is there as long as this value.
pub struct Call(pub(crate) ());

/// A pointer that the caller gave, for the duration of the call; may be NULL, may be unaligned.
pub struct Pointer<'c, T> {
    raw: *mut T,
    call: PhantomData<&'c Call>,
}

impl<T> Clone for Pointer<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Pointer<'_, T> {}

/// C data: any bytes are a value of it.
///
/// # Safety
/// The type has no invalid bit patterns and no destructor.
pub unsafe trait Plain: Copy {}

macro_rules! plain {
    ($($type:ty)*) => { $(
        // SAFETY: a C structure of integers, raw pointers and nullable function pointers, or an integer.
        unsafe impl Plain for $type {}
    )* };
}

plain! { u8 u64 ck::CK_VERSION ck::CK_INTERFACE ck::CK_C_INITIALIZE_ARGS ck::CK_ATTRIBUTE ck::CK_MECHANISM ck::CK_AES_CTR_PARAMS
ck::CK_GCM_PARAMS ck::CK_RSA_PKCS_OAEP_PARAMS ck::CK_RSA_PKCS_PSS_PARAMS ck::CK_EDDSA_PARAMS
ck::CK_RSA_AES_KEY_WRAP_PARAMS ck::CK_ECDH1_DERIVE_PARAMS ck::CK_KEY_DERIVATION_STRING_DATA
ck::CK_AES_CBC_ENCRYPT_DATA_PARAMS ck::CK_HKDF_PARAMS
ck::CK_RC2_CBC_PARAMS ck::CK_RC2_MAC_GENERAL_PARAMS ck::CK_DES_CBC_ENCRYPT_DATA_PARAMS ck::CK_CHACHA20_PARAMS
ck::CK_SIGN_ADDITIONAL_CONTEXT
ck::CK_HASH_SIGN_ADDITIONAL_CONTEXT
}
plain! { ck::CK_CCM_PARAMS ck::CK_GCM_WRAP_PARAMS ck::CK_CCM_WRAP_PARAMS ck::CK_SALSA20_CHACHA20_POLY1305_PARAMS
ck::CK_GCM_MESSAGE_PARAMS ck::CK_CCM_MESSAGE_PARAMS ck::CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS }
plain! { ck::CK_X9_42_DH1_DERIVE_PARAMS ck::CK_ECDH_AES_KEY_WRAP_PARAMS ck::CK_DSA_PARAMETER_GEN_PARAM }
plain! { ck::CK_SP800_108_KDF_PARAMS ck::CK_SP800_108_FEEDBACK_KDF_PARAMS ck::CK_PRF_DATA_PARAM
ck::CK_SP800_108_COUNTER_FORMAT ck::CK_SP800_108_DKM_LENGTH_FORMAT ck::CK_DERIVED_KEY ck::CK_PKCS5_PBKD2_PARAMS2 }
plain! { ck::CK_TLS12_MASTER_KEY_DERIVE_PARAMS ck::CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS ck::CK_TLS12_KEY_MAT_PARAMS
ck::CK_SSL3_KEY_MAT_PARAMS ck::CK_SSL3_KEY_MAT_OUT ck::CK_SSL3_MASTER_KEY_DERIVE_PARAMS ck::CK_TLS_KDF_PARAMS
ck::CK_TLS_MAC_PARAMS ck::CK_TLS_PRF_PARAMS }
plain! { ck::CK_IKE2_PRF_PLUS_DERIVE_PARAMS ck::CK_IKE_PRF_DERIVE_PARAMS ck::CK_IKE1_PRF_DERIVE_PARAMS
ck::CK_IKE1_EXTENDED_DERIVE_PARAMS ck::CK_PBE_PARAMS ck::CK_OTP_PARAMS ck::CK_OTP_PARAM }

impl<'c, T> Pointer<'c, T> {
    /// # Safety
    /// If not NULL, `raw` points to what the standard says the function takes there: readable, and writable where it is
    /// an output, for as many elements as the length beside it says, until the call ends.
    pub unsafe fn new(raw: *mut T, _call: &'c Call) -> Self {
        Pointer { raw, call: PhantomData }
    }

    /// A pointer found in a structure behind this one.
    ///
    /// # Safety
    /// As for [`Pointer::new`].
    pub unsafe fn inner<U>(self, raw: *mut U) -> Pointer<'c, U> {
        Pointer { raw, call: PhantomData }
    }

    /// Whether it is NULL.
    pub fn is_null(self) -> bool {
        self.raw.is_null()
    }

    /// The pointer itself, to find a field of what it points to.
    pub fn raw(self) -> *mut T {
        self.raw
    }

    /// The address, to compare.
    pub fn address(self) -> usize {
        self.raw.addr()
    }

    /// `ArgumentsBad` for NULL.
    pub fn required(self) -> Result<Self> {
        if self.is_null() { Err(Error::ArgumentsBad) } else { Ok(self) }
    }

    /// The element `index` places further.
    fn place(self, index: usize) -> *mut T {
        self.raw.wrapping_add(index)
    }
}

impl<T: Plain> Pointer<'_, T> {
    /// What it points to; `ArgumentsBad` for NULL.
    pub fn read(self) -> Result<T> {
        self.required()?.read_at(0)
    }

    /// One element of an array whose length the caller of this function has checked.
    pub fn read_at(self, index: usize) -> Result<T> {
        let place = self.required()?.place(index);
        // SAFETY: not NULL, so by the promise of `new` it points to a value, perhaps unaligned; T is plain data.
        Ok(unsafe { place.read_unaligned() })
    }
}

impl<T> Pointer<'_, T> {
    /// Stores a result; `ArgumentsBad` for NULL.
    pub fn write(self, value: T) -> Result<()> {
        self.write_at(0, value)
    }

    /// Stores one element of an array whose length the caller of this function has checked.
    pub fn write_at(self, index: usize, value: T) -> Result<()> {
        let place = self.required()?.place(index);
        // SAFETY: not NULL, and by the promise of `new` an output of at least `index` + 1 elements.
        unsafe { place.write_unaligned(value) };
        Ok(())
    }
}

/// An input that was checked, and nothing refers to yet.
#[derive(Clone, Copy)]
pub struct Input<'c> {
    at: Pointer<'c, u8>,
    /// How many.
    pub length: u64,
}

impl<'c> Input<'c> {
    /// Nothing.
    pub const EMPTY: Self = Self { at: Pointer { raw: std::ptr::null_mut(), call: PhantomData }, length: 0 };

    /// The bytes; see [`Pointer::bytes`].
    pub fn bytes(self) -> Result<&'c [u8]> {
        self.at.bytes(self.length)
    }

    /// Where they begin.
    pub fn address(self) -> usize {
        self.at.address()
    }
}

/// One CK_ATTRIBUTE of a caller's array.
#[derive(Clone, Copy)]
pub struct Entry<'c> {
    /// type.
    pub of: ck::CK_ATTRIBUTE_TYPE,
    /// pValue.
    pub value: Pointer<'c, c_void>,
    /// ulValueLen.
    pub length: u64,
}

impl<'c> Pointer<'c, ck::CK_ATTRIBUTE> {
    /// One entry of an array whose length the caller of this function has checked.
    pub fn entry(self, index: usize) -> Result<Entry<'c>> {
        let raw = self.read_at(index)?;
        // SAFETY: what an attribute points to is covered by the promise for the array that it stands in.
        let value = unsafe { self.inner(raw.pValue) };
        Ok(Entry { of: raw.type_, value, length: raw.ulValueLen })
    }

    /// Writes type and ulValueLen of an entry and leaves pValue.
    pub fn answer(self, index: usize, of: ck::CK_ATTRIBUTE_TYPE, length: u64) -> Result<()> {
        let kept = self.read_at(index)?;
        self.write_at(index, ck::CK_ATTRIBUTE { type_: of, ulValueLen: length, ..kept })
    }
}

impl<'c> Pointer<'c, c_void> {
    /// The same place as bytes.
    pub fn as_bytes(self) -> Pointer<'c, u8> {
        Pointer { raw: self.raw.cast(), call: PhantomData }
    }

    /// The same place as another type.
    pub fn cast<T: Plain>(self) -> Pointer<'c, T> {
        Pointer { raw: self.raw.cast(), call: PhantomData }
    }
}

impl<'c> Pointer<'c, u8> {
    /// An input of `length` bytes. NULL with 0 is the empty string; NULL with a length, and lengths that no object in
    /// memory can have (CK_UNAVAILABLE_INFORMATION among them), are `ArgumentsBad`.
    ///
    /// The bytes are shared with the caller: no output may be written while they are in use. See [`Pointer::input`].
    pub fn bytes(self, length: u64) -> Result<&'c [u8]> {
        let length = in_memory(length)?;
        if length == 0 {
            return Ok(&[]);
        }
        let from = self.required()?.raw;
        // SAFETY: not NULL, at most isize::MAX bytes; the promise of `new` makes them readable until the call ends.
        Ok(unsafe { std::slice::from_raw_parts(from, length) })
    }

    /// The same for a call with an output, which may lie in the same memory: `encode::Output` looks at it.
    pub fn input(self, length: u64) -> Result<Input<'c>> {
        self.bytes(length).map(|_| Input { at: self, length })
    }

    /// Stores bytes; the caller of this function has checked that there is room. NULL is `ArgumentsBad`.
    pub fn write_bytes(self, bytes: &[u8]) -> Result<()> {
        let to = self.required()?.raw;
        // SAFETY: not NULL, and by the promise of `new` an output of that length; `bytes` is memory of this module.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
        Ok(())
    }

    /// A C string; `ArgumentsBad` for NULL.
    pub fn text(self) -> Result<&'c CStr> {
        let from = self.required()?.raw;
        // SAFETY: not NULL, and by the promise of `new` a string that ends with a NUL and stays until the call ends.
        Ok(unsafe { CStr::from_ptr(from.cast()) })
    }

    /// An output of `length` bytes; NULL and impossible lengths as for [`Pointer::bytes`].
    ///
    /// # Safety
    /// No other reference to these bytes is in use while the result is.
    pub unsafe fn bytes_mut(self, length: u64) -> Result<&'c mut [u8]> {
        let length = in_memory(length)?;
        if length == 0 {
            return Ok(&mut []);
        }
        let to = self.required()?.raw;
        // SAFETY: not NULL, at most isize::MAX bytes, writable by the promise of `new`, not aliased by that of the caller.
        Ok(unsafe { std::slice::from_raw_parts_mut(to, length) })
    }
}

/// `ArgumentsBad` for a length that no object in memory can have.
pub fn in_memory(length: u64) -> Result<usize> {
    usize::try_from(length).ok().filter(|length| *length <= isize::MAX as usize).ok_or(Error::ArgumentsBad)
}

/// How the wrapper of the entry points hands an argument to its body.
pub trait Argument<'c> {
    /// What the body gets.
    type Checked;
    /// # Safety
    /// As for [`Pointer::new`].
    unsafe fn check(self, call: &'c Call) -> Self::Checked;
}

impl<'c, T: 'c> Argument<'c> for *mut T {
    type Checked = Pointer<'c, T>;
    unsafe fn check(self, call: &'c Call) -> Pointer<'c, T> {
        // SAFETY: the caller's promise is the same.
        unsafe { Pointer::new(self, call) }
    }
}

macro_rules! as_it_is {
    ($($type:ty)*) => { $(
        impl Argument<'_> for $type {
            type Checked = $type;
            unsafe fn check(self, _: &Call) -> $type {
                self
            }
        }
    )* };
}

as_it_is! { u8 u64 ck::CK_NOTIFY }
