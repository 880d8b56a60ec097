//! The one wrapper around all entry points: initialised or not, log, panic guard, error to CK_RV.

use crate::cancel::Uncancelled;
use cryptoki_sys as ck;
use sealhsm_core::{Application, Error, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the body of an entry point that works without C_Initialize.
pub fn always(name: &'static str, blocks: bool, body: impl FnOnce() -> Result<()>) -> ck::CK_RV {
    let _uncancelled = blocks.then(Uncancelled::begin);
    // A panic leaves the core's locks poisoned at worst, which it looks through; nothing of the body is used again.
    let result = catch_unwind(AssertUnwindSafe(body)).unwrap_or(Err(Error::General));
    log::trace!("{name}: {result:?}");
    match result {
        Ok(()) => ck::CKR_OK,
        Err(error) => error.code(),
    }
}

/// Runs the body of an entry point that needs C_Initialize first.
pub fn initialized(name: &'static str, blocks: bool, body: impl FnOnce(&Application) -> Result<()>) -> ck::CK_RV {
    always(name, blocks, || crate::process::with(body))
}

/// Whether a function may ask the disk or the TPM. These only calculate, often for less time than asking would take.
pub const fn blocks(name: &str) -> bool {
    const CALCULATE: [&str; 16] = [
        "C_DigestInit",
        "C_Digest",
        "C_DigestUpdate",
        "C_DigestFinal",
        "C_Encrypt",
        "C_EncryptUpdate",
        "C_EncryptFinal",
        "C_Decrypt",
        "C_DecryptUpdate",
        "C_DecryptFinal",
        "C_SignUpdate",
        "C_SignFinal",
        "C_Verify",
        "C_VerifyUpdate",
        "C_VerifyFinal",
        "C_GenerateRandom",
    ];
    let mut at = 0;
    while at < CALCULATE.len() {
        if same(name.as_bytes(), CALCULATE[at].as_bytes()) {
            return false;
        }
        at += 1;
    }
    true
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// Entry points. `fn C_Name(app, argument: type, …) { body }` gets the application; `fn C_Name(; argument: type, …)`
/// works before C_Initialize. In the body every pointer is a [`crate::pointer::Pointer`], and the result is
/// `Result<()>`. The types are checked where the function tables are filled.
macro_rules! entries {
    ($($(#[$doc:meta])* fn $name:ident($($app:ident)?$(, $arg:ident: $type:ty)* $(; $($free:ident: $free_type:ty),*)?) $body:block)*) => {
        $(
            entries!(@one $(#[$doc])* $name [$($app)?] [$($arg: $type,)* $($($free: $free_type,)*)?] $body);
        )*
    };
    (@one $(#[$doc:meta])* $name:ident [$app:ident] [$($arg:ident: $type:ty,)*] $body:block) => {
        entries!(@function $(#[$doc])* $name [$($arg: $type,)*]
            $crate::entry::initialized(stringify!($name), BLOCKS, |$app: &sealhsm_core::Application| -> sealhsm_core::Result<()> { $body }));
    };
    (@one $(#[$doc:meta])* $name:ident [] [$($arg:ident: $type:ty,)*] $body:block) => {
        entries!(@function $(#[$doc])* $name [$($arg: $type,)*]
            $crate::entry::always(stringify!($name), BLOCKS, || -> sealhsm_core::Result<()> { $body }));
    };
    (@function $(#[$doc:meta])* $name:ident [$($arg:ident: $type:ty,)*] $run:expr) => {
        $(#[$doc])*
        #[allow(unsafe_code, non_snake_case)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($arg: $type),*) -> cryptoki_sys::CK_RV {
            const BLOCKS: bool = $crate::entry::blocks(stringify!($name));
            let call = $crate::pointer::Call(());
            let _ = &call;
            $(
                // SAFETY: whoever calls a function of PKCS#11 promises what the standard says about its pointers.
                let $arg = unsafe { $crate::pointer::Argument::check($arg, &call) };
            )*
            $run
        }
    };
}
pub(crate) use entries;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_general_error_and_nothing_more() {
        assert_eq!(always("C_Test", true, || panic!("of a test")), ck::CKR_GENERAL_ERROR);
        assert_eq!(always("C_Test", true, || Ok(())), ck::CKR_OK);
    }

    #[test]
    fn without_c_initialize_no_body_runs() {
        assert_eq!(initialized("C_Test", true, |_| panic!("it ran")), ck::CKR_CRYPTOKI_NOT_INITIALIZED);
    }
}
