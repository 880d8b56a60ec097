//! Object and key management.
#![allow(unsafe_code)]

use crate::mechanism::Mechanism;
use crate::module::{filled, two_calls};
use crate::rv::{Result, Rv};
use crate::session::{Session, bytes};
use crate::template::Template;
use cryptoki_sys as ck;
use std::ptr::null_mut;

/// An object handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Object(pub ck::CK_OBJECT_HANDLE);

impl Session<'_> {
    /// C_CreateObject.
    pub fn create(&self, template: &Template) -> Result<Object> {
        let mut raw = template.to_raw();
        let (at, count) = (raw.pointer(), raw.count());
        // SAFETY: a template that lives for the call, and a place for the result.
        filled(|to| unsafe { self.raw().C_CreateObject(self.handle, at, count, to) }).map(Object)
    }

    /// C_CopyObject.
    pub fn copy(&self, object: Object, template: &Template) -> Result<Object> {
        let mut raw = template.to_raw();
        let (at, count) = (raw.pointer(), raw.count());
        // SAFETY: a template that lives for the call, and a place for the result.
        filled(|to| unsafe { self.raw().C_CopyObject(self.handle, object.0, at, count, to) }).map(Object)
    }

    /// C_DestroyObject.
    pub fn destroy(&self, object: Object) -> Result<()> {
        // SAFETY: takes no pointer.
        Rv::check(unsafe { self.raw().C_DestroyObject(self.handle, object.0) })
    }

    /// C_GetObjectSize.
    pub fn size(&self, object: Object) -> Result<ck::CK_ULONG> {
        // SAFETY: a place for the result.
        filled(|to| unsafe { self.raw().C_GetObjectSize(self.handle, object.0, to) })
    }

    /// One attribute: its length, then its bytes.
    pub fn bytes(&self, object: Object, of: ck::CK_ATTRIBUTE_TYPE) -> Result<Vec<u8>> {
        let mut entry = ck::CK_ATTRIBUTE { type_: of, pValue: null_mut(), ulValueLen: 0 };
        self.attributes_into(object, std::slice::from_mut(&mut entry))?;
        let mut value = vec![0u8; entry.ulValueLen as usize];
        entry.pValue = value.as_mut_ptr().cast();
        self.attributes_into(object, std::slice::from_mut(&mut entry))?;
        value.truncate(entry.ulValueLen as usize);
        Ok(value)
    }

    /// One attribute that is a number.
    pub fn ulong(&self, object: Object, of: ck::CK_ATTRIBUTE_TYPE) -> Result<ck::CK_ULONG> {
        let bytes = self.bytes(object, of)?;
        Ok(ck::CK_ULONG::from_ne_bytes(bytes.as_slice().try_into().expect("a CK_ULONG")))
    }

    /// One attribute that is a boolean.
    pub fn flag(&self, object: Object, of: ck::CK_ATTRIBUTE_TYPE) -> Result<bool> {
        let bytes = self.bytes(object, of)?;
        assert!(bytes == [0] || bytes == [1], "not a CK_BBOOL: {bytes:?}");
        Ok(bytes == [1])
    }

    /// Several attributes at once, each into a buffer of `room` bytes. What C_GetAttributeValue returned, and one
    /// value per type: `None` where ulValueLen came back as CK_UNAVAILABLE_INFORMATION.
    pub fn attributes(
        &self,
        object: Object,
        types: &[ck::CK_ATTRIBUTE_TYPE],
        room: usize,
    ) -> (Result<()>, Vec<Option<Vec<u8>>>) {
        let mut buffers = vec![vec![0u8; room]; types.len()];
        let mut entries: Vec<_> = types
            .iter()
            .zip(&mut buffers)
            .map(|(of, buffer)| ck::CK_ATTRIBUTE {
                type_: *of,
                pValue: buffer.as_mut_ptr().cast(),
                ulValueLen: room as ck::CK_ULONG,
            })
            .collect();
        let result = self.attributes_into(object, &mut entries);
        let values = entries.iter().zip(buffers).map(|(entry, mut buffer)| {
            (entry.ulValueLen != ck::CK_UNAVAILABLE_INFORMATION).then(|| {
                buffer.truncate(entry.ulValueLen as usize);
                buffer
            })
        });
        (result, values.collect())
    }

    fn attributes_into(&self, object: Object, entries: &mut [ck::CK_ATTRIBUTE]) -> Result<()> {
        let count = entries.len() as ck::CK_ULONG;
        // SAFETY: every entry has NULL or a buffer of the length that it says.
        Rv::check(unsafe { self.raw().C_GetAttributeValue(self.handle, object.0, entries.as_mut_ptr(), count) })
    }

    /// C_SetAttributeValue.
    pub fn set(&self, object: Object, template: &Template) -> Result<()> {
        let mut raw = template.to_raw();
        let (at, count) = (raw.pointer(), raw.count());
        // SAFETY: a template that lives for the call.
        Rv::check(unsafe { self.raw().C_SetAttributeValue(self.handle, object.0, at, count) })
    }

    /// C_FindObjectsInit.
    pub fn find_init(&self, template: &Template) -> Result<()> {
        let mut raw = template.to_raw();
        let (at, count) = (raw.pointer(), raw.count());
        // SAFETY: a template that lives for the call.
        Rv::check(unsafe { self.raw().C_FindObjectsInit(self.handle, at, count) })
    }

    /// C_FindObjects.
    pub fn find_some(&self, most: usize) -> Result<Vec<Object>> {
        let (mut handles, mut count) = (vec![0; most], 0);
        // SAFETY: room for as many handles as it says.
        Rv::check(unsafe {
            self.raw().C_FindObjects(self.handle, handles.as_mut_ptr(), most as ck::CK_ULONG, &raw mut count)
        })?;
        handles.truncate(count as usize);
        Ok(handles.into_iter().map(Object).collect())
    }

    /// C_FindObjectsFinal.
    pub fn find_final(&self) -> Result<()> {
        // SAFETY: takes no pointer.
        Rv::check(unsafe { self.raw().C_FindObjectsFinal(self.handle) })
    }

    /// A whole search.
    pub fn find(&self, template: &Template) -> Result<Vec<Object>> {
        self.find_init(template)?;
        let mut found = Vec::new();
        loop {
            let some = self.find_some(100)?;
            if some.is_empty() {
                break;
            }
            found.extend(some);
        }
        self.find_final()?;
        Ok(found)
    }

    /// C_GenerateKey.
    pub fn generate_key(&self, mechanism: &Mechanism, template: &Template) -> Result<Object> {
        let (mut mechanism, mut raw) = (mechanism.to_raw(), template.to_raw());
        let (at, count) = (raw.pointer(), raw.count());
        // SAFETY: mechanism and template live for the call; a place for the result.
        filled(|to| unsafe { self.raw().C_GenerateKey(self.handle, &raw mut mechanism, at, count, to) }).map(Object)
    }

    /// C_GenerateKeyPair: public, private.
    pub fn generate_key_pair(
        &self,
        mechanism: &Mechanism,
        public: &Template,
        private: &Template,
    ) -> Result<(Object, Object)> {
        let mut mechanism = mechanism.to_raw();
        let (mut public, mut private) = (public.to_raw(), private.to_raw());
        let (mut public_key, mut private_key) = (0, 0);
        // SAFETY: mechanism and templates live for the call; places for both results.
        Rv::check(unsafe {
            self.raw().C_GenerateKeyPair(
                self.handle,
                &raw mut mechanism,
                public.pointer(),
                public.count(),
                private.pointer(),
                private.count(),
                &raw mut public_key,
                &raw mut private_key,
            )
        })?;
        Ok((Object(public_key), Object(private_key)))
    }

    /// C_WrapKey.
    pub fn wrap(&self, mechanism: &Mechanism, wrapping_key: Object, key: Object) -> Result<Vec<u8>> {
        let mut mechanism = mechanism.to_raw();
        let at = &raw mut mechanism;
        // SAFETY: a mechanism that lives for the call; NULL or as much room as the length says.
        two_calls(0, |to, room| unsafe { self.raw().C_WrapKey(self.handle, at, wrapping_key.0, key.0, to, room) })
    }

    /// C_WrapKey into this buffer: what it returned, and the length it left.
    pub fn wrap_into(
        &self,
        mechanism: &Mechanism,
        wrapping_key: Object,
        key: Object,
        output: &mut [u8],
    ) -> (Result<()>, usize) {
        let mut mechanism = mechanism.to_raw();
        let mut room = output.len() as ck::CK_ULONG;
        let (at, to) = (&raw mut mechanism, output.as_mut_ptr());
        // SAFETY: a mechanism that lives for the call; as much room as the length says.
        let rv = unsafe { self.raw().C_WrapKey(self.handle, at, wrapping_key.0, key.0, to, &raw mut room) };
        (Rv::check(rv), room as usize)
    }

    /// C_WrapKey whose output goes where its IV stands, of so many bytes; the wrapped key.
    pub fn wrap_over_its_iv(
        &self,
        of: ck::CK_MECHANISM_TYPE,
        (wrapping_key, key): (Object, Object),
        iv_len: usize,
        mut memory: Vec<u8>,
    ) -> Result<Vec<u8>> {
        let (mut room, to) = (memory.len() as ck::CK_ULONG, memory.as_mut_ptr());
        let parameter_len = iv_len as ck::CK_ULONG;
        let mut raw = ck::CK_MECHANISM { mechanism: of, pParameter: to.cast(), ulParameterLen: parameter_len };
        let at = &raw mut raw;
        // SAFETY: a mechanism whose parameter lives for the call; as much room as the length says.
        Rv::check(unsafe { self.raw().C_WrapKey(self.handle, at, wrapping_key.0, key.0, to, &raw mut room) })?;
        memory.truncate(room as usize);
        Ok(memory)
    }

    /// C_UnwrapKey.
    pub fn unwrap(
        &self,
        mechanism: &Mechanism,
        unwrapping_key: Object,
        wrapped: &[u8],
        template: &Template,
    ) -> Result<Object> {
        let (mut mechanism, mut raw) = (mechanism.to_raw(), template.to_raw());
        let (at, count) = (raw.pointer(), raw.count());
        let (wrapped, length) = bytes(wrapped);
        // SAFETY: mechanism, input and template live for the call; a place for the result.
        filled(|to| unsafe {
            let key = unwrapping_key.0;
            self.raw().C_UnwrapKey(self.handle, &raw mut mechanism, key, wrapped, length, at, count, to)
        })
        .map(Object)
    }
}
