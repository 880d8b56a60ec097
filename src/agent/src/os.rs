//! What the agent does to itself before it sees a secret.
#![allow(unsafe_code)]

/// Not dumpable, no core, memory locked as far as the limit allows, freed memory overwritten, libtss2 silent.
/// Must run before any other thread exists.
pub fn harden() {
    // SAFETY: plain system calls on our own process; each may fail without harm to the others.
    unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &none);
        // With an ordinary limit (8 MiB) this fails, and the secrets' own pages are locked instead.
        libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE);
        // Freed blocks are overwritten, which leaves no copy of an unsealed secret in libtss2's buffers.
        libc::mallopt(libc::M_PERTURB, 0xa5);
    }
    // SAFETY: no other thread exists yet. libtss2 reads it at its first message and would write to stderr.
    unsafe { std::env::set_var("TSS2_LOG", "all+NONE") };
}

/// Ends this process when a request takes longer than this many seconds: libtss2 has no time-out of its own.
pub fn deadline(seconds: u32) {
    // SAFETY: SIGALRM has its default action in this process (see `main`): it ends it.
    unsafe { libc::alarm(seconds) };
}

/// The parent may have ignored or blocked what must end or wake us.
pub fn default_signals() {
    // SAFETY: setting default actions and an empty mask in our own process.
    unsafe {
        for signal in [libc::SIGALRM, libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGCHLD] {
            libc::signal(signal, libc::SIG_DFL);
        }
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
    }
}

/// Takes an exclusive flock(2), held until the descriptor closes.
pub fn lock(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::fd::AsRawFd;
    // SAFETY: a live descriptor.
    match unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// The user at the other end of a Unix socket.
pub fn peer_uid(stream: &std::os::unix::net::UnixStream) -> std::io::Result<u32> {
    use std::os::fd::AsRawFd;
    let mut peer = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: a live descriptor, a place of the length given.
    let rc = unsafe {
        libc::getsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, (&raw mut peer).cast(), &mut length)
    };
    if rc == 0 { Ok(peer.uid) } else { Err(std::io::Error::last_os_error()) }
}

/// A descriptor that we were started with, as a socket; it does not survive an exec.
pub fn inherited(fd: i32) -> std::os::fd::OwnedFd {
    use std::os::fd::FromRawFd;
    // SAFETY: the contract of whoever starts the agent: this descriptor is a socket that is ours alone.
    unsafe {
        libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
        std::os::fd::OwnedFd::from_raw_fd(fd)
    }
}

/// fork(2) in this single-threaded process; true in the child.
pub fn fork() -> std::io::Result<bool> {
    // SAFETY: no other thread exists, so the child may do anything.
    match unsafe { libc::fork() } {
        -1 => Err(std::io::Error::last_os_error()),
        0 => Ok(true),
        _ => Ok(false),
    }
}

/// Reaps children that have ended, without waiting.
pub fn reap() {
    // SAFETY: waits for our own children only.
    while unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } > 0 {}
}

/// Memory that forked children share, zeroed.
pub fn shared<T: SharedZero>() -> std::io::Result<&'static T> {
    // SAFETY: a fresh mapping, never unmapped.
    let start = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            size_of::<T>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if start == libc::MAP_FAILED {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: page aligned, long enough, and all zeros is a value of T by the trait's promise.
    Ok(unsafe { &*start.cast::<T>() })
}

/// Types made of atomics only, for which all zeros is a value.
///
/// # Safety
/// Both must be true.
pub unsafe trait SharedZero: Sync {}

// SAFETY: atomics only; zeros are "no failure yet".
unsafe impl SharedZero for crate::service::Failures {}
