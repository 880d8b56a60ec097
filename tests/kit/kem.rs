//! C_EncapsulateKey and C_DecapsulateKey.
#![allow(unsafe_code)]

use crate::mechanism::Mechanism;
use crate::module::filled;
use crate::object::Object;
use crate::rv::{Result, Rv};
use crate::session::{Session, bytes};
use crate::template::Template;
use cryptoki_sys as ck;
use std::ptr::null_mut;

impl Session<'_> {
    /// C_EncapsulateKey: the length, then ciphertext and key.
    pub fn encapsulate(&self, mechanism: &Mechanism, key: Object, template: &Template) -> Result<(Vec<u8>, Object)> {
        let mut ciphertext = vec![0; self.encapsulate_len(mechanism, key, template)?];
        let (made, length) = self.encapsulate_into(mechanism, key, template, &mut ciphertext);
        let made = made?;
        ciphertext.truncate(length);
        Ok((ciphertext, made))
    }

    /// The same without a buffer, and without a place for a handle: the length that will do.
    pub fn encapsulate_len(&self, mechanism: &Mechanism, key: Object, template: &Template) -> Result<usize> {
        let (mut mechanism, mut raw) = (mechanism.to_raw(), template.to_raw());
        let (at, count, mut length) = (raw.pointer(), raw.count(), 0);
        // SAFETY: mechanism and template live for the call; NULL asks for the length.
        Rv::check(unsafe {
            let (null, to) = (null_mut(), &raw mut length);
            self.raw().C_EncapsulateKey(self.handle, &raw mut mechanism, key.0, at, count, null, to, null_mut())
        })?;
        Ok(length as usize)
    }

    /// The same into this buffer: the key, and the length it left.
    pub fn encapsulate_into(
        &self,
        mechanism: &Mechanism,
        key: Object,
        template: &Template,
        ciphertext: &mut [u8],
    ) -> (Result<Object>, usize) {
        let (mut mechanism, mut raw) = (mechanism.to_raw(), template.to_raw());
        let (at, count) = (raw.pointer(), raw.count());
        let (to, mut length) = (ciphertext.as_mut_ptr(), ciphertext.len() as ck::CK_ULONG);
        // SAFETY: mechanism and template live for the call; as much room as the length says; a place for the handle.
        let made = filled(|handle| unsafe {
            self.raw().C_EncapsulateKey(self.handle, &raw mut mechanism, key.0, at, count, to, &raw mut length, handle)
        });
        (made.map(Object), length as usize)
    }

    /// C_DecapsulateKey.
    pub fn decapsulate(
        &self,
        mechanism: &Mechanism,
        key: Object,
        template: &Template,
        ciphertext: &[u8],
    ) -> Result<Object> {
        let (mut mechanism, mut raw) = (mechanism.to_raw(), template.to_raw());
        let (at, count) = (raw.pointer(), raw.count());
        let (from, length) = bytes(ciphertext);
        // SAFETY: mechanism, template and input live for the call; a place for the handle.
        filled(|to| unsafe {
            self.raw().C_DecapsulateKey(self.handle, &raw mut mechanism, key.0, at, count, from, length, to)
        })
        .map(Object)
    }
}
