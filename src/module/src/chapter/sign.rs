//! Chapter "signing and MACing" (PKCS#11 3.2 section 5.13).

use crate::decode;
use crate::encode::Output;
use crate::entry::entries;
use cryptoki_sys as ck;

entries! {
    fn C_SignInit(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        key: ck::CK_OBJECT_HANDLE
    ) {
        app.sign_init(session, decode::mechanism_or_cancel(mechanism)?.as_ref(), key)
    }

    fn C_Sign(
        app,
        session: ck::CK_SESSION_HANDLE,
        data: *mut ck::CK_BYTE,
        length: ck::CK_ULONG,
        signature: *mut ck::CK_BYTE,
        signature_length: *mut ck::CK_ULONG
    ) {
        let given = Output::of(signature, signature_length).and_then(|out| Ok((data.input(length)?, out)));
        let (data, signature) = decode::or_end(app, session, ck::CKF_SIGN, given)?;
        if app.gives_otp(session) {
            return signature.fill_otp(data, |data, out| app.sign(session, data, out));
        }
        signature.fill_from(data, |data, out| app.sign(session, data, out))
    }

    fn C_SignUpdate(app, session: ck::CK_SESSION_HANDLE, part: *mut ck::CK_BYTE, length: ck::CK_ULONG) {
        let part = decode::or_end(app, session, ck::CKF_SIGN, part.bytes(length))?;
        app.sign_update(session, part)
    }

    fn C_SignFinal(
        app,
        session: ck::CK_SESSION_HANDLE,
        signature: *mut ck::CK_BYTE,
        signature_length: *mut ck::CK_ULONG
    ) {
        let signature = decode::or_end(app, session, ck::CKF_SIGN, Output::of(signature, signature_length))?;
        signature.fill(|out| app.sign_final(session, out))
    }
}
