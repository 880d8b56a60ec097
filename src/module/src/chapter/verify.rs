//! Chapter "verifying signatures and MACs" (PKCS#11 3.2 sections 5.15 and 5.16).

use crate::decode;
use crate::entry::entries;
use cryptoki_sys as ck;

entries! {
    fn C_VerifyInit(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        key: ck::CK_OBJECT_HANDLE
    ) {
        app.verify_init(session, decode::mechanism_or_cancel(mechanism)?.as_ref(), key)
    }

    fn C_Verify(
        app,
        session: ck::CK_SESSION_HANDLE,
        data: *mut ck::CK_BYTE,
        length: ck::CK_ULONG,
        signature: *mut ck::CK_BYTE,
        signature_length: ck::CK_ULONG
    ) {
        let given = data.bytes(length).and_then(|data| Ok((data, signature.bytes(signature_length)?)));
        let (data, signature) = decode::or_end(app, session, ck::CKF_VERIFY, given)?;
        app.verify(session, data, signature)
    }

    fn C_VerifyUpdate(app, session: ck::CK_SESSION_HANDLE, part: *mut ck::CK_BYTE, length: ck::CK_ULONG) {
        let part = decode::or_end(app, session, ck::CKF_VERIFY, part.bytes(length))?;
        app.verify_update(session, part)
    }

    fn C_VerifyFinal(
        app,
        session: ck::CK_SESSION_HANDLE,
        signature: *mut ck::CK_BYTE,
        signature_length: ck::CK_ULONG
    ) {
        let signature = decode::or_end(app, session, ck::CKF_VERIFY, signature.bytes(signature_length))?;
        app.verify_final(session, signature)
    }

    fn C_VerifySignatureInit(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        key: ck::CK_OBJECT_HANDLE,
        signature: *mut ck::CK_BYTE,
        signature_length: ck::CK_ULONG
    ) {
        let mechanism = decode::mechanism_or_cancel(mechanism)?;
        let signature = if mechanism.is_some() { signature.bytes(signature_length)? } else { &[] };
        app.verify_signature_init(session, mechanism.as_ref(), key, signature)
    }

    fn C_VerifySignature(app, session: ck::CK_SESSION_HANDLE, data: *mut ck::CK_BYTE, length: ck::CK_ULONG) {
        let data = decode::or_end(app, session, ck::CKF_VERIFY, data.bytes(length))?;
        app.verify_signature(session, data)
    }

    fn C_VerifySignatureUpdate(app, session: ck::CK_SESSION_HANDLE, part: *mut ck::CK_BYTE, length: ck::CK_ULONG) {
        let part = decode::or_end(app, session, ck::CKF_VERIFY, part.bytes(length))?;
        app.verify_signature_update(session, part)
    }

    fn C_VerifySignatureFinal(app, session: ck::CK_SESSION_HANDLE) {
        app.verify_signature_final(session)
    }
}
