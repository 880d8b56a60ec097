//! Functions without an implementation: the session is checked, then CKR_FUNCTION_NOT_SUPPORTED. One that becomes real
//! leaves this list for the file of its chapter.

use cryptoki_sys::*;
use sealhsm_core::Error;
use std::ffi::c_void;

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
    C_WrapKeyAuthenticated(
        *mut CK_MECHANISM, CK_OBJECT_HANDLE, CK_OBJECT_HANDLE, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG
    );
    C_UnwrapKeyAuthenticated(
        *mut CK_MECHANISM, CK_OBJECT_HANDLE, *mut CK_BYTE, CK_ULONG, *mut CK_ATTRIBUTE, CK_ULONG, *mut CK_BYTE,
        CK_ULONG, *mut CK_OBJECT_HANDLE
    );

    // Message-based operations.
    C_MessageEncryptInit(*mut CK_MECHANISM, CK_OBJECT_HANDLE);
    C_EncryptMessage(
        *mut c_void, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG
    );
    C_EncryptMessageBegin(*mut c_void, CK_ULONG, *mut CK_BYTE, CK_ULONG);
    C_EncryptMessageNext(*mut c_void, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG, CK_FLAGS);
    C_MessageEncryptFinal();
    C_MessageDecryptInit(*mut CK_MECHANISM, CK_OBJECT_HANDLE);
    C_DecryptMessage(
        *mut c_void, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG
    );
    C_DecryptMessageBegin(*mut c_void, CK_ULONG, *mut CK_BYTE, CK_ULONG);
    C_DecryptMessageNext(*mut c_void, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG, CK_FLAGS);
    C_MessageDecryptFinal();
    C_MessageSignInit(*mut CK_MECHANISM, CK_OBJECT_HANDLE);
    C_SignMessage(*mut c_void, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG);
    C_SignMessageBegin(*mut c_void, CK_ULONG);
    C_SignMessageNext(*mut c_void, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG);
    C_MessageSignFinal();
    C_MessageVerifyInit(*mut CK_MECHANISM, CK_OBJECT_HANDLE);
    C_VerifyMessage(*mut c_void, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, CK_ULONG);
    C_VerifyMessageBegin(*mut c_void, CK_ULONG);
    C_VerifyMessageNext(*mut c_void, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, CK_ULONG);
    C_MessageVerifyFinal();

    // For ever: no session here can be asynchronous.
    C_AsyncComplete(*mut CK_UTF8CHAR, *mut CK_ASYNC_DATA);
    C_AsyncGetID(*mut CK_UTF8CHAR, *mut CK_ULONG);
    C_AsyncJoin(*mut CK_UTF8CHAR, CK_ULONG, *mut CK_BYTE, CK_ULONG);
}
