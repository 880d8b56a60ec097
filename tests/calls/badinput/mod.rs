//! What no caller should send: NULL everywhere, impossible lengths, wrong handles, wrong states, mechanisms with
//! parameters of noise. A return value of the standard at once; never a crash, a hang or a panic.

mod calls;
mod fuzz;
mod outputs;
mod parameters;
mod states;

use kit::{Rv, ck};

/// Whether a module in good health may say so: a panic (GENERAL_ERROR), a lack of memory, a fault of the device are
/// none of these.
fn in_good_health(rv: ck::CK_RV) -> bool {
    let sick = [
        ck::CKR_GENERAL_ERROR,
        ck::CKR_FUNCTION_FAILED,
        ck::CKR_HOST_MEMORY,
        ck::CKR_DEVICE_ERROR,
        ck::CKR_DEVICE_MEMORY,
        ck::CKR_TOKEN_RESOURCE_EXCEEDED,
    ];
    // Every name of the standard begins like that, and numbers do not.
    let named = !format!("{:?}", Rv(rv)).starts_with("CKR_0x");
    named && !sick.contains(&rv)
}
