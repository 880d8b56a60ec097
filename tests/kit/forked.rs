//! Child processes of a test, made by fork: they have the module as their parent had it.
#![allow(unsafe_code)]

use std::io::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitStatus;

/// A forked child that has not been waited for.
#[must_use]
pub struct Forked(i32);

impl Forked {
    /// Runs `body` in a child, which then ends with 0, or with 1 after a panic, without exit handlers.
    pub fn start(body: impl FnOnce()) -> Forked {
        // SAFETY: the child calls `body` and leaves by _exit; glibc's allocator works in it.
        match unsafe { libc::fork() } {
            0 => {
                let code = if catch_unwind(AssertUnwindSafe(body)).is_ok() { 0 } else { 1 };
                // SAFETY: ends this process without running anything of the parent's.
                unsafe { libc::_exit(code) }
            }
            -1 => panic!("fork: {}", Error::last_os_error()),
            child => Forked(child),
        }
    }

    /// Its process.
    pub fn pid(&self) -> i32 {
        self.0
    }

    /// kill -9, and waits for its end.
    pub fn kill(self) {
        // SAFETY: our own child, which has not been waited for.
        unsafe { libc::kill(self.0, libc::SIGKILL) };
        self.wait();
    }

    /// Waits for its end.
    pub fn wait(self) -> ExitStatus {
        let mut status = 0;
        // SAFETY: our own child, and a place for its status.
        let waited = unsafe { libc::waitpid(self.0, &raw mut status, 0) };
        assert_eq!(waited, self.0, "waitpid: {}", Error::last_os_error());
        std::os::unix::process::ExitStatusExt::from_raw(status)
    }
}

/// Forks; runs `body` in the child, and returns whether it ended without a panic.
pub fn fork(body: impl FnOnce()) -> bool {
    Forked::start(body).wait().success()
}
