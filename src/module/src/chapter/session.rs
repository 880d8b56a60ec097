//! Chapter "session management" (PKCS#11 3.2 section 5.6).

use crate::decode;
use crate::encode::Output;
use crate::entry::entries;
use cryptoki_sys as ck;
use sealhsm_core::Error;
use std::ffi::c_void;

entries! {
    fn C_OpenSession(
        app,
        slot: ck::CK_SLOT_ID,
        flags: ck::CK_FLAGS,
        _application: *mut c_void,
        _notify: ck::CK_NOTIFY,
        session: *mut ck::CK_SESSION_HANDLE
    ) {
        let to = session.required()?;
        to.write(app.open_session(slot, flags)?)
    }

    fn C_CloseSession(app, session: ck::CK_SESSION_HANDLE) {
        app.close_session(session)
    }

    fn C_CloseAllSessions(app, slot: ck::CK_SLOT_ID) {
        app.close_all_sessions(slot)
    }

    fn C_GetSessionInfo(app, session: ck::CK_SESSION_HANDLE, info: *mut ck::CK_SESSION_INFO) {
        let to = info.required()?;
        let info = app.session_info(session)?;
        to.write(ck::CK_SESSION_INFO { slotID: info.slot, state: info.state, flags: info.flags, ulDeviceError: 0 })
    }

    fn C_GetOperationState(
        app,
        session: ck::CK_SESSION_HANDLE,
        state: *mut ck::CK_BYTE,
        length: *mut ck::CK_ULONG
    ) {
        Output::of(state, length)?.fill(|out| app.operation_state(session, out))
    }

    fn C_SetOperationState(
        app,
        session: ck::CK_SESSION_HANDLE,
        state: *mut ck::CK_BYTE,
        length: ck::CK_ULONG,
        encryption_key: ck::CK_OBJECT_HANDLE,
        authentication_key: ck::CK_OBJECT_HANDLE
    ) {
        let state = state.required()?.bytes(length)?;
        app.set_operation_state(session, state, encryption_key, authentication_key)
    }

    fn C_SessionCancel(app, session: ck::CK_SESSION_HANDLE, flags: ck::CK_FLAGS) {
        app.session_cancel(session, flags)
    }

    fn C_Login(
        app,
        session: ck::CK_SESSION_HANDLE,
        user: ck::CK_USER_TYPE,
        pin: *mut ck::CK_UTF8CHAR,
        length: ck::CK_ULONG
    ) {
        app.login(session, user, &decode::pin(pin, length)?)
    }

    fn C_LoginUser(
        app,
        session: ck::CK_SESSION_HANDLE,
        user: ck::CK_USER_TYPE,
        pin: *mut ck::CK_UTF8CHAR,
        length: ck::CK_ULONG,
        name: *mut ck::CK_UTF8CHAR,
        name_length: ck::CK_ULONG
    ) {
        // Users have no names here.
        if !name.bytes(name_length)?.is_empty() {
            return Err(Error::ArgumentsBad);
        }
        app.login(session, user, &decode::pin(pin, length)?)
    }

    fn C_Logout(app, session: ck::CK_SESSION_HANDLE) {
        app.logout(session)
    }

    fn C_GetSessionValidationFlags(
        app,
        session: ck::CK_SESSION_HANDLE,
        of: ck::CK_SESSION_VALIDATION_FLAGS_TYPE,
        flags: *mut ck::CK_FLAGS
    ) {
        let to = flags.required()?;
        app.check_session(session)?;
        // No validation object, so no validated operation.
        if of == ck::CKS_LAST_VALIDATION_OK { to.write(0) } else { Err(Error::ArgumentsBad) }
    }
}
