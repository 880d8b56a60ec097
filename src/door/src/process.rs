//! What this process is: its rights, whether it adopts orphans.
#![allow(unsafe_code)]

/// Whether this process runs with more rights than its caller (AT_SECURE): no environment variable counts then.
pub fn privileged() -> bool {
    // SAFETY: reads the auxiliary vector.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// geteuid(2).
pub fn effective_uid() -> u32 {
    // SAFETY: cannot fail and touches no memory.
    unsafe { libc::geteuid() }
}

/// Why orphans become this process's children, if they do: then a spawned agent would show up in its waitpid(-1).
pub fn adopts_orphans() -> Option<&'static str> {
    if std::process::id() == 1 {
        return Some("this process is PID 1");
    }
    let mut subreaper: libc::c_int = 0;
    // SAFETY: PR_GET_CHILD_SUBREAPER writes one int to a live place.
    let rc = unsafe { libc::prctl(libc::PR_GET_CHILD_SUBREAPER, &raw mut subreaper, 0, 0, 0) };
    (rc == 0 && subreaper != 0).then_some("this process is a child subreaper")
}

/// Waits until something can be done with a descriptor; `TimedOut` past the deadline. Signals are waited through.
pub fn wait(fd: std::os::fd::RawFd, events: i16, until: std::time::Instant) -> std::io::Result<()> {
    loop {
        let left = until.saturating_duration_since(std::time::Instant::now());
        if left.is_zero() {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        // Rounded up, so that the last millisecond is not spent spinning.
        let left = libc::c_int::try_from(left.as_millis() + 1).unwrap_or(libc::c_int::MAX);
        let mut poll = libc::pollfd { fd, events, revents: 0 };
        // SAFETY: one live entry.
        match unsafe { libc::poll(&mut poll, 1, left) } {
            0 => {}
            1.. => return Ok(()),
            _ => {
                let error = std::io::Error::last_os_error();
                if error.kind() != std::io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
}
