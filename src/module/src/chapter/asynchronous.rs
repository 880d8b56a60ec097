//! Chapter "asynchronous functions" (PKCS#11 3.2 section 5.22): no session here can be asynchronous, so that there is
//! nothing to complete or to join. The session is checked, then CKR_FUNCTION_NOT_SUPPORTED.

use cryptoki_sys::*;
use sealhsm_core::Error;

macro_rules! asynchronous {
    ($($name:ident($($type:ty),*);)*) => {
        $(
            #[allow(unsafe_code, non_snake_case)]
            #[unsafe(no_mangle)]
            pub extern "C" fn $name(session: CK_SESSION_HANDLE $(, _: $type)*) -> CK_RV {
                crate::entry::initialized(stringify!($name), true, |app| {
                    app.check_session(session)?;
                    Err(Error::FunctionNotSupported)
                })
            }
        )*
    };
}

asynchronous! {
    C_AsyncComplete(*mut CK_UTF8CHAR, *mut CK_ASYNC_DATA);
    C_AsyncGetID(*mut CK_UTF8CHAR, *mut CK_ULONG);
    C_AsyncJoin(*mut CK_UTF8CHAR, CK_ULONG, *mut CK_BYTE, CK_ULONG);
}
