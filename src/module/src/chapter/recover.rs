//! Signatures that carry what they sign (PKCS#11 3.2 sections 5.13.5, 5.13.6, 5.15.5 and 5.15.6).

use crate::decode;
use crate::encode::Output;
use crate::entry::entries;
use cryptoki_sys as ck;

entries! {
    fn C_SignRecoverInit(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        key: ck::CK_OBJECT_HANDLE
    ) {
        app.sign_recover_init(session, decode::mechanism_or_cancel(mechanism)?.as_ref(), key)
    }

    fn C_SignRecover(
        app,
        session: ck::CK_SESSION_HANDLE,
        data: *mut ck::CK_BYTE,
        length: ck::CK_ULONG,
        signature: *mut ck::CK_BYTE,
        signature_length: *mut ck::CK_ULONG
    ) {
        let given = Output::of(signature, signature_length).and_then(|out| Ok((data.input(length)?, out)));
        let (data, signature) = decode::or_end(app, session, ck::CKF_SIGN_RECOVER, given)?;
        signature.fill_from(data, |data, out| app.sign_recover(session, data, out))
    }

    fn C_VerifyRecoverInit(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        key: ck::CK_OBJECT_HANDLE
    ) {
        app.verify_recover_init(session, decode::mechanism_or_cancel(mechanism)?.as_ref(), key)
    }

    fn C_VerifyRecover(
        app,
        session: ck::CK_SESSION_HANDLE,
        signature: *mut ck::CK_BYTE,
        signature_length: ck::CK_ULONG,
        data: *mut ck::CK_BYTE,
        length: *mut ck::CK_ULONG
    ) {
        let given = Output::of(data, length).and_then(|out| Ok((signature.input(signature_length)?, out)));
        let (signature, data) = decode::or_end(app, session, ck::CKF_VERIFY_RECOVER, given)?;
        data.fill_from(signature, |signature, out| app.verify_recover(session, signature, out))
    }
}
