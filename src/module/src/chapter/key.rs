//! Chapter "key management" (PKCS#11 3.2 section 5.18).

use crate::decode;
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
        let mechanism = decode::mechanism(mechanism)?;
        to.write(app.generate_key(session, &mechanism, &decode::template(template, count)?)?)
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
}
