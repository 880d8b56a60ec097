//! Chapters "message-based signing and MACing" and "message-based verifying" (PKCS#11 3.2 sections 5.14 and 5.15).

use crate::decode;
use crate::encode::Output;
use crate::entry::entries;
use crate::pointer::Pointer;
use cryptoki_sys as ck;
use sealhsm_core::{Application, Error, Result};
use std::ffi::c_void;

/// No mechanism here has a parameter for each message: NULL and 0.
fn none(parameter: Pointer<'_, c_void>, length: ck::CK_ULONG) -> Result<()> {
    if parameter.is_null() && length == 0 { Ok(()) } else { Err(Error::MechanismParamInvalid) }
}

/// What a message was to be fed with: an argument that cannot be taken ends the message. Whether there is a process
/// comes before what is wrong with a parameter, and after what is wrong with other arguments.
fn or_abandon<T>(
    app: &Application,
    session: ck::CK_SESSION_HANDLE,
    abandon: fn(&Application, ck::CK_SESSION_HANDLE) -> Result<()>,
    decoded: Result<T>,
) -> Result<T> {
    app.check_session(session)?;
    let Err(error) = decoded else { return decoded };
    match (error, abandon(app, session)) {
        (Error::MechanismParamInvalid, Err(none)) => Err(none),
        _ => Err(error),
    }
}

entries! {
    fn C_MessageSignInit(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        key: ck::CK_OBJECT_HANDLE
    ) {
        app.message_sign_init(session, decode::mechanism_or_cancel(mechanism)?.as_ref(), key)
    }

    fn C_SignMessage(
        app,
        session: ck::CK_SESSION_HANDLE,
        parameter: *mut c_void,
        parameter_length: ck::CK_ULONG,
        data: *mut ck::CK_BYTE,
        length: ck::CK_ULONG,
        signature: *mut ck::CK_BYTE,
        signature_length: *mut ck::CK_ULONG
    ) {
        let given = none(parameter, parameter_length)
            .and_then(|()| Ok((Output::of(signature, signature_length)?, data.input(length)?)));
        let (signature, data) = or_abandon(app, session, Application::message_sign_abandon, given)?;
        signature.fill_from(data, |data, out| app.sign_message(session, data, out))
    }

    fn C_SignMessageBegin(
        app,
        session: ck::CK_SESSION_HANDLE,
        parameter: *mut c_void,
        parameter_length: ck::CK_ULONG
    ) {
        let given = none(parameter, parameter_length);
        or_abandon(app, session, Application::message_sign_abandon, given)?;
        app.sign_message_begin(session)
    }

    /// Without a place for the length there are more parts to come.
    fn C_SignMessageNext(
        app,
        session: ck::CK_SESSION_HANDLE,
        parameter: *mut c_void,
        parameter_length: ck::CK_ULONG,
        part: *mut ck::CK_BYTE,
        length: ck::CK_ULONG,
        signature: *mut ck::CK_BYTE,
        signature_length: *mut ck::CK_ULONG
    ) {
        let given = none(parameter, parameter_length).and_then(|()| {
            let last = !signature_length.is_null();
            let out = last.then(|| Output::of(signature, signature_length)).transpose()?;
            Ok((out, part.input(length)?))
        });
        match or_abandon(app, session, Application::message_sign_abandon, given)? {
            (Some(out), part) => out.fill_from(part, |part, out| app.sign_message_last(session, part, out)),
            (None, part) => app.sign_message_next(session, part.bytes()?),
        }
    }

    fn C_MessageSignFinal(app, session: ck::CK_SESSION_HANDLE) {
        app.message_sign_final(session)
    }

    fn C_MessageVerifyInit(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        key: ck::CK_OBJECT_HANDLE
    ) {
        app.message_verify_init(session, decode::mechanism_or_cancel(mechanism)?.as_ref(), key)
    }

    fn C_VerifyMessage(
        app,
        session: ck::CK_SESSION_HANDLE,
        parameter: *mut c_void,
        parameter_length: ck::CK_ULONG,
        data: *mut ck::CK_BYTE,
        length: ck::CK_ULONG,
        signature: *mut ck::CK_BYTE,
        signature_length: ck::CK_ULONG
    ) {
        let given = none(parameter, parameter_length)
            .and_then(|()| Ok((data.bytes(length)?, signature.bytes(signature_length)?)));
        let (data, signature) = or_abandon(app, session, Application::message_verify_abandon, given)?;
        app.verify_message(session, data, signature)
    }

    fn C_VerifyMessageBegin(
        app,
        session: ck::CK_SESSION_HANDLE,
        parameter: *mut c_void,
        parameter_length: ck::CK_ULONG
    ) {
        let given = none(parameter, parameter_length);
        or_abandon(app, session, Application::message_verify_abandon, given)?;
        app.verify_message_begin(session)
    }

    /// Without a signature there are more parts to come.
    fn C_VerifyMessageNext(
        app,
        session: ck::CK_SESSION_HANDLE,
        parameter: *mut c_void,
        parameter_length: ck::CK_ULONG,
        part: *mut ck::CK_BYTE,
        length: ck::CK_ULONG,
        signature: *mut ck::CK_BYTE,
        signature_length: ck::CK_ULONG
    ) {
        let given = none(parameter, parameter_length)
            .and_then(|()| Ok((part.bytes(length)?, signature.bytes(signature_length)?)));
        let (part, value) = or_abandon(app, session, Application::message_verify_abandon, given)?;
        if signature.is_null() {
            app.verify_message_next(session, part)
        } else {
            app.verify_message_last(session, part, value)
        }
    }

    fn C_MessageVerifyFinal(app, session: ck::CK_SESSION_HANDLE) {
        app.message_verify_final(session)
    }
}
