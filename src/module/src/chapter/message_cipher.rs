//! Chapters "message-based encryption" and "message-based decryption" (PKCS#11 3.2 sections 5.9 and 5.11).

use crate::decode::{self, Message};
use crate::encode::Output;
use crate::entry::entries;
use crate::pointer::Pointer;
use cryptoki_sys as ck;
use sealhsm_core::application::Way;
use sealhsm_core::{Application, Error, Result};
use std::ffi::c_void;

/// The parameter of a message and what else `take` finds in the arguments. The process must be there; an argument that
/// cannot be taken ends the message.
fn given<'c, T>(
    app: &Application,
    session: ck::CK_SESSION_HANDLE,
    way: Way,
    (parameter, length): (Pointer<'c, c_void>, u64),
    take: impl FnOnce() -> Result<T>,
) -> Result<(Message<'c>, T)> {
    let shape = app.message_shape(session, way)?;
    let taken = take().and_then(|taken| Ok((Message::of(shape, parameter, length)?, taken)));
    if taken.is_err() {
        app.message_abandon(session, way)?;
    }
    taken
}

macro_rules! messages {
    ($way:expr, $init:ident, $once:ident, $begin:ident, $next:ident, $last:ident) => {
        entries! {
            fn $init(app, session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, key: ck::CK_OBJECT_HANDLE) {
                app.message_init(session, $way, decode::message_or_cancel(mechanism)?.as_ref(), key)
            }

            fn $once(
                app,
                session: ck::CK_SESSION_HANDLE,
                parameter: *mut c_void,
                parameter_length: ck::CK_ULONG,
                aad: *mut ck::CK_BYTE,
                aad_length: ck::CK_ULONG,
                data: *mut ck::CK_BYTE,
                length: ck::CK_ULONG,
                out: *mut ck::CK_BYTE,
                out_length: *mut ck::CK_ULONG
            ) {
                // The output may lie where the associated data is.
                let take = || Ok((Output::of(out, out_length)?, aad.bytes(aad_length)?.to_vec(), data.input(length)?));
                let (mut message, (to, aad, data)) = given(app, session, $way, (parameter, parameter_length), take)?;
                to.fill_from(data, |data, to| app.message(session, $way, &mut message.given, &aad, data, to))?;
                if out.is_null() || $way == Way::Decrypt {
                    return Ok(());
                }
                message.return_nonce()?;
                message.return_tag()
            }

            fn $begin(
                app,
                session: ck::CK_SESSION_HANDLE,
                parameter: *mut c_void,
                parameter_length: ck::CK_ULONG,
                aad: *mut ck::CK_BYTE,
                aad_length: ck::CK_ULONG
            ) {
                let take = || aad.bytes(aad_length);
                let (mut message, aad) = given(app, session, $way, (parameter, parameter_length), take)?;
                app.message_begin(session, $way, &mut message.given, aad)?;
                if $way == Way::Encrypt { message.return_nonce() } else { Ok(()) }
            }

            fn $next(
                app,
                session: ck::CK_SESSION_HANDLE,
                parameter: *mut c_void,
                parameter_length: ck::CK_ULONG,
                part: *mut ck::CK_BYTE,
                length: ck::CK_ULONG,
                out: *mut ck::CK_BYTE,
                out_length: *mut ck::CK_ULONG,
                flags: ck::CK_FLAGS
            ) {
                let take = || {
                    if flags & !ck::CKF_END_OF_MESSAGE != 0 {
                        return Err(Error::ArgumentsBad);
                    }
                    Ok((Output::of(out, out_length)?, part.input(length)?))
                };
                let end = flags & ck::CKF_END_OF_MESSAGE != 0;
                let (mut message, (to, part)) = given(app, session, $way, (parameter, parameter_length), take)?;
                to.fill_from(part, |part, to| app.message_next(session, $way, &mut message.given, end, part, to))?;
                if end && !out.is_null() && $way == Way::Encrypt { message.return_tag() } else { Ok(()) }
            }

            fn $last(app, session: ck::CK_SESSION_HANDLE) {
                app.message_final(session, $way)
            }
        }
    };
}

messages! {
    Way::Encrypt, C_MessageEncryptInit, C_EncryptMessage, C_EncryptMessageBegin, C_EncryptMessageNext,
    C_MessageEncryptFinal
}

messages! {
    Way::Decrypt, C_MessageDecryptInit, C_DecryptMessage, C_DecryptMessageBegin, C_DecryptMessageNext,
    C_MessageDecryptFinal
}
