//! Who a test runs as: root may test what needs other users, and gives root up to test what does not bind root.
#![allow(unsafe_code)]

use std::io::Error;
use std::os::unix::fs::lchown;
use std::path::Path;

/// A user that owns nothing.
pub const NOBODY: u32 = 65534;

/// Whether this process is root.
pub fn is_root() -> bool {
    // SAFETY: cannot fail and touches no memory.
    unsafe { libc::geteuid() == 0 }
}

/// Gives everything under `directory` to [`NOBODY`] and becomes that user.
pub(crate) fn become_nobody(directory: &Path) {
    give(directory, NOBODY);
    // SAFETY: plain calls; glibc changes the user of every thread.
    let done = unsafe {
        libc::setgroups(0, std::ptr::null()) == 0
            && libc::setresgid(NOBODY, NOBODY, NOBODY) == 0
            && libc::setresuid(NOBODY, NOBODY, NOBODY) == 0
    };
    assert!(done, "giving up root: {}", Error::last_os_error());
}

/// chown -R, as root.
pub fn give(path: &Path, user: u32) {
    lchown(path, Some(user), Some(user)).expect("chown");
    if path.is_dir() && !path.is_symlink() {
        for entry in std::fs::read_dir(path).expect("a directory") {
            give(&entry.expect("an entry").path(), user);
        }
    }
}

/// Sends a signal to a process that the test caused to be.
pub fn kill(process: i32, signal: i32) {
    // SAFETY: plain call.
    let sent = unsafe { libc::kill(process, signal) };
    assert_eq!(sent, 0, "signal {signal} to {process}: {}", Error::last_os_error());
}

/// chmod.
pub fn mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("chmod");
}

/// Makes a named pipe.
pub fn fifo(path: &Path) {
    let name = std::ffi::CString::new(path.to_str().expect("UTF-8")).expect("no NUL");
    // SAFETY: a C string that lives for the call.
    let made = unsafe { libc::mkfifo(name.as_ptr(), 0o600) };
    assert_eq!(made, 0, "mkfifo: {}", Error::last_os_error());
}

/// Whose a file is.
pub fn owner(path: &Path) -> u32 {
    use std::os::unix::fs::MetadataExt;
    path.symlink_metadata().expect("stat").uid()
}

/// AT_SECURE: whether this process has more rights than its caller.
pub fn is_secure() -> bool {
    // SAFETY: reads the auxiliary vector.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}
