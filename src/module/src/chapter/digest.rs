//! Chapter "message digesting" (PKCS#11 3.2 section 5.12).

use crate::decode;
use crate::encode::Output;
use crate::entry::entries;
use cryptoki_sys as ck;

entries! {
    fn C_DigestInit(app, session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM) {
        app.digest_init(session, decode::mechanism_or_cancel(mechanism)?.as_ref())
    }

    fn C_Digest(
        app,
        session: ck::CK_SESSION_HANDLE,
        data: *mut ck::CK_BYTE,
        length: ck::CK_ULONG,
        digest: *mut ck::CK_BYTE,
        digest_length: *mut ck::CK_ULONG
    ) {
        let given = Output::of(digest, digest_length).and_then(|out| Ok((data.input(length)?, out)));
        let (data, digest) = decode::or_end(app, session, ck::CKF_DIGEST, given)?;
        digest.fill_from(data, |data, out| app.digest(session, data, out))
    }

    fn C_DigestUpdate(app, session: ck::CK_SESSION_HANDLE, part: *mut ck::CK_BYTE, length: ck::CK_ULONG) {
        let part = decode::or_end(app, session, ck::CKF_DIGEST, part.bytes(length))?;
        app.digest_update(session, part)
    }

    fn C_DigestKey(app, session: ck::CK_SESSION_HANDLE, key: ck::CK_OBJECT_HANDLE) {
        app.digest_key(session, key)
    }

    fn C_DigestFinal(
        app,
        session: ck::CK_SESSION_HANDLE,
        digest: *mut ck::CK_BYTE,
        digest_length: *mut ck::CK_ULONG
    ) {
        let digest = decode::or_end(app, session, ck::CKF_DIGEST, Output::of(digest, digest_length))?;
        digest.fill(|out| app.digest_final(session, out))
    }
}
