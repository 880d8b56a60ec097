//! Chapter "key management" (PKCS#11 3.2 section 5.18).

use crate::decode;
use crate::encode::Output;
use crate::entry::entries;
use cryptoki_sys as ck;

entries! {
    fn C_GenerateKey(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        template: *mut ck::CK_ATTRIBUTE,
        count: ck::CK_ULONG,
        key: *mut ck::CK_OBJECT_HANDLE
    ) {
        let to = key.required()?;
        let given = decode::mechanism(mechanism)?;
        let (handle, seed) = app.generate_key_and_seed(session, &given, &decode::template(template, count)?)?;
        to.write(handle)?;
        seed.map_or(Ok(()), |seed| decode::back::seed(mechanism, &seed))
    }

    fn C_GenerateKeyPair(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        public_template: *mut ck::CK_ATTRIBUTE,
        public_count: ck::CK_ULONG,
        private_template: *mut ck::CK_ATTRIBUTE,
        private_count: ck::CK_ULONG,
        public_key: *mut ck::CK_OBJECT_HANDLE,
        private_key: *mut ck::CK_OBJECT_HANDLE
    ) {
        let (to_public, to_private) = (public_key.required()?, private_key.required()?);
        let mechanism = decode::mechanism(mechanism)?;
        let public = decode::template(public_template, public_count)?;
        let private = decode::template(private_template, private_count)?;
        let (public, private) = app.generate_key_pair(session, &mechanism, &public, &private)?;
        to_public.write(public)?;
        to_private.write(private)
    }

    fn C_WrapKey(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        wrapping_key: ck::CK_OBJECT_HANDLE,
        key: ck::CK_OBJECT_HANDLE,
        wrapped: *mut ck::CK_BYTE,
        length: *mut ck::CK_ULONG
    ) {
        let out = Output::of(wrapped, length)?;
        let mechanism = decode::mechanism(mechanism)?;
        out.fill(|out| app.wrap_key(session, &mechanism, wrapping_key, key, out))
    }

    fn C_UnwrapKey(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        unwrapping_key: ck::CK_OBJECT_HANDLE,
        wrapped: *mut ck::CK_BYTE,
        length: ck::CK_ULONG,
        template: *mut ck::CK_ATTRIBUTE,
        count: ck::CK_ULONG,
        key: *mut ck::CK_OBJECT_HANDLE
    ) {
        let to = key.required()?;
        let mechanism = decode::mechanism(mechanism)?;
        let (wrapped, template) = (wrapped.required()?.bytes(length)?, decode::template(template, count)?);
        to.write(app.unwrap_key(session, &mechanism, unwrapping_key, wrapped, &template)?)
    }

    fn C_DeriveKey(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        base_key: ck::CK_OBJECT_HANDLE,
        template: *mut ck::CK_ATTRIBUTE,
        count: ck::CK_ULONG,
        key: *mut ck::CK_OBJECT_HANDLE
    ) {
        let back = decode::back::derived(mechanism, key)?;
        let mechanism = decode::mechanism(mechanism)?;
        back.fill(app.derive_key(session, &mechanism, base_key, &decode::template(template, count)?))
    }
}
