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

    // Recovering signatures.
    C_SignRecoverInit(*mut CK_MECHANISM, CK_OBJECT_HANDLE);
    C_SignRecover(*mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG);
    C_VerifyRecoverInit(*mut CK_MECHANISM, CK_OBJECT_HANDLE);
    C_VerifyRecover(*mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG);

    // Keys from keys.
    C_EncapsulateKey(
        *mut CK_MECHANISM, CK_OBJECT_HANDLE, *mut CK_ATTRIBUTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG,
        *mut CK_OBJECT_HANDLE
    );
    C_DecapsulateKey(
        *mut CK_MECHANISM, CK_OBJECT_HANDLE, *mut CK_ATTRIBUTE, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_OBJECT_HANDLE
    );

    // For ever: no session here can be asynchronous.
    C_AsyncComplete(*mut CK_UTF8CHAR, *mut CK_ASYNC_DATA);
    C_AsyncGetID(*mut CK_UTF8CHAR, *mut CK_ULONG);
    C_AsyncJoin(*mut CK_UTF8CHAR, CK_ULONG, *mut CK_BYTE, CK_ULONG);
}
