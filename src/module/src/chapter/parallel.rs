//! Chapter "parallel function management" (PKCS#11 3.2 section 5.20): relics of version 2.0.

use crate::entry::entries;
use cryptoki_sys as ck;
use sealhsm_core::Error;

entries! {
    fn C_GetFunctionStatus(app, session: ck::CK_SESSION_HANDLE) {
        app.check_session(session)?;
        Err(Error::FunctionNotParallel)
    }

    fn C_CancelFunction(app, session: ck::CK_SESSION_HANDLE) {
        app.check_session(session)?;
        Err(Error::FunctionNotParallel)
    }
}
