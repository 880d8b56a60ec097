//! Functions without an implementation: the session is checked, then CKR_FUNCTION_NOT_SUPPORTED. One that becomes real
//! leaves this list for the file of its chapter.

use cryptoki_sys::*;
use sealhsm_core::Error;

macro_rules! unsupported {
    ($($name:ident($($type:ty),*);)*) => {
        $(
            #[allow(unsafe_code, non_snake_case, clippy::too_many_arguments)]
            #[unsafe(no_mangle)]
            pub extern "C" fn $name(session: CK_SESSION_HANDLE $(, _: $type)*) -> CK_RV {
                crate::entry::initialized(stringify!($name), |app| {
                    app.check_session(session)?;
                    Err(Error::FunctionNotSupported)
                })
            }
        )*
    };
}

unsupported! {
    // Saved operations.
    C_GetOperationState(*mut CK_BYTE, *mut CK_ULONG);
    C_SetOperationState(*mut CK_BYTE, CK_ULONG, CK_OBJECT_HANDLE, CK_OBJECT_HANDLE);

    // Keys from keys.

    // For ever: no session here can be asynchronous.
    C_AsyncComplete(*mut CK_UTF8CHAR, *mut CK_ASYNC_DATA);
    C_AsyncGetID(*mut CK_UTF8CHAR, *mut CK_ULONG);
    C_AsyncJoin(*mut CK_UTF8CHAR, CK_ULONG, *mut CK_BYTE, CK_ULONG);
}
