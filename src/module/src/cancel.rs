//! Puts a cancellation of the host's thread (pthread_cancel(3)) off to the end of a call. It would unwind from within a
//! system call, which Rust ends with an abort of the whole process.
#![allow(unsafe_code)]

use std::ffi::c_int;

const PTHREAD_CANCEL_DISABLE: c_int = 1;

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
}

/// From its making to its end the thread is not cancelled.
pub struct Uncancelled {
    before: c_int,
}

impl Uncancelled {
    /// From here on.
    pub fn begin() -> Self {
        let mut before = 0;
        // SAFETY: cannot fail with this state, and writes to a live place.
        unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &raw mut before) };
        Self { before }
    }
}

impl Drop for Uncancelled {
    fn drop(&mut self) {
        if self.before != PTHREAD_CANCEL_DISABLE {
            // SAFETY: the state that was before. What was put off happens at the host's next cancellation point.
            unsafe { pthread_setcancelstate(self.before, std::ptr::null_mut()) };
        }
    }
}
