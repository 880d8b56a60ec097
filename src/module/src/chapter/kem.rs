//! Key encapsulation in the chapter "key management" (PKCS#11 3.2 sections 5.18.8 and 5.18.9).

use crate::decode;
use crate::encode::Output;
use crate::entry::entries;
use cryptoki_sys as ck;

entries! {
    fn C_EncapsulateKey(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        public_key: ck::CK_OBJECT_HANDLE,
        template: *mut ck::CK_ATTRIBUTE,
        count: ck::CK_ULONG,
        ciphertext: *mut ck::CK_BYTE,
        length: *mut ck::CK_ULONG,
        key: *mut ck::CK_OBJECT_HANDLE
    ) {
        let out = Output::of(ciphertext, length)?;
        // Who asks for the length gets no key.
        let to = if ciphertext.is_null() { key } else { key.required()? };
        let mechanism = decode::mechanism(mechanism)?;
        let template = decode::template(template, count)?;
        let mut made = None;
        out.fill_aside(|out| {
            let (length, handle) = app.encapsulate_key(session, &mechanism, public_key, &template, out)?;
            made = handle;
            Ok(length)
        })?;
        made.map_or(Ok(()), |handle| to.write(handle))
    }

    fn C_DecapsulateKey(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        private_key: ck::CK_OBJECT_HANDLE,
        template: *mut ck::CK_ATTRIBUTE,
        count: ck::CK_ULONG,
        ciphertext: *mut ck::CK_BYTE,
        length: ck::CK_ULONG,
        key: *mut ck::CK_OBJECT_HANDLE
    ) {
        let to = key.required()?;
        let mechanism = decode::mechanism(mechanism)?;
        let (ciphertext, template) = (ciphertext.required()?.bytes(length)?, decode::template(template, count)?);
        to.write(app.decapsulate_key(session, &mechanism, private_key, &template, ciphertext)?)
    }
}
