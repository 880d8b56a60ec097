//! What the agent does to itself before it sees a secret.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering};

/// Bytes of heap that are there, and locked, from the start.
const HEAP: libc::c_int = 1 << 20;
/// Bytes of stack that are cleared after a request; libtss2 keeps structures of a few KiB in some ten nested calls.
const STACK: usize = 128 * 1024;

/// Not dumpable, no core, memory locked as far as the limit allows, freed memory overwritten, libtss2 silent.
/// Must run before any other thread exists.
pub fn harden() {
    // SAFETY: plain system calls on our own process; each may fail without harm to the others.
    unsafe {
        // Executed through a descriptor, we would be called by its number.
        libc::prctl(libc::PR_SET_NAME, c"sealhsm-tpm".as_ptr(), 0, 0, 0);
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &none);
        // Freed blocks are overwritten, which leaves no copy of an unsealed secret in libtss2's buffers.
        libc::mallopt(libc::M_PERTURB, 0xa5);
        // One heap that never shrinks, and no block elsewhere: then locking it locks every secret.
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
        libc::mallopt(libc::M_TOP_PAD, HEAP);
    }
    // SAFETY: no other thread exists yet. libtss2 reads it at its first message and would write to stderr.
    unsafe { std::env::set_var("TSS2_LOG", "all+NONE") };
    lock_memory();
}

/// Locks all memory, or, where the limit (8 MiB as a rule) is too low for that, heap and stack. A fork loses it.
pub fn lock_memory() {
    // SAFETY: plain system calls on our own process.
    unsafe {
        if libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE) == 0 {
            return;
        }
    }
    drop(std::hint::black_box(Vec::<u8>::with_capacity(HEAP as usize / 2)));
    for line in std::fs::read_to_string("/proc/self/maps").unwrap_or_default().lines() {
        let range = line.split(' ').next().and_then(|range| range.split_once('-'));
        if let (Some((start, end)), true) = (range, line.ends_with("[heap]") || line.ends_with("[stack]")) {
            let number = |hex| usize::from_str_radix(hex, 16).unwrap_or(0);
            // SAFETY: locking changes no content, and a range that is not mapped is an error.
            unsafe { libc::mlock(number(start) as *const _, number(end).saturating_sub(number(start))) };
        }
    }
}

/// Why this process may not read and write what is at a path; `None`: it may.
pub fn forbidden(path: &str) -> Option<std::io::Error> {
    let path = std::ffi::CString::new(path).ok()?;
    // SAFETY: a C string that outlives the call.
    let may = unsafe { libc::access(path.as_ptr(), libc::R_OK | libc::W_OK) } == 0;
    (!may).then(std::io::Error::last_os_error)
}

/// Overwrites what calls from the same function left on the stack: libtss2 keeps secrets in local variables.
#[inline(never)]
pub fn clear_stack() {
    let mut room = [std::mem::MaybeUninit::<u64>::uninit(); STACK / size_of::<u64>()];
    for word in &mut room {
        // SAFETY: a live place; volatile, so that it is not left out for never being read.
        unsafe { std::ptr::write_volatile(word.as_mut_ptr(), 0) };
    }
}

/// What is sent at the deadline, and where to.
static LAST_WORDS: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
static LENGTH: AtomicUsize = AtomicUsize::new(0);
static PEER: AtomicI32 = AtomicI32::new(-1);

/// At the deadline this process sends `message` to its peer and ends, whatever it waits for: libtss2 has no time-out of
/// its own.
pub fn prepare_deadline(peer: &UnixStream, message: &[u8]) {
    let message: &'static mut [u8] = message.to_vec().leak();
    LENGTH.store(message.len(), Ordering::Relaxed);
    LAST_WORDS.store(message.as_mut_ptr(), Ordering::Relaxed);
    PEER.store(peer.as_raw_fd(), Ordering::Release);
    let handler: extern "C" fn(libc::c_int) = too_late;
    // SAFETY: a handler that makes two system calls, neither of which returns to what was interrupted.
    unsafe { libc::signal(libc::SIGALRM, handler as *const () as libc::sighandler_t) };
}

extern "C" fn too_late(_: libc::c_int) {
    let peer = PEER.load(Ordering::Acquire);
    // SAFETY: async-signal-safe calls; the message is never freed.
    unsafe {
        let message = LAST_WORDS.load(Ordering::Relaxed).cast::<libc::c_void>();
        libc::send(peer, message, LENGTH.load(Ordering::Relaxed), libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL);
        libc::_exit(3);
    }
}

/// Starts the deadline of a request, in milliseconds; 0 stops it.
pub fn deadline(milliseconds: u32) {
    let time = libc::timeval {
        tv_sec: libc::time_t::from(milliseconds / 1000),
        tv_usec: libc::suseconds_t::from(milliseconds % 1000 * 1000),
    };
    let timer = libc::itimerval { it_interval: libc::timeval { tv_sec: 0, tv_usec: 0 }, it_value: time };
    // SAFETY: a live, valid value.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut()) };
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
    // SAFETY: a live descriptor.
    match unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// The user at the other end of a Unix socket.
pub fn peer_uid(stream: &UnixStream) -> std::io::Result<u32> {
    let mut peer = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: a live descriptor, a place of the length given.
    let rc = unsafe {
        libc::getsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, (&raw mut peer).cast(), &mut length)
    };
    if rc == 0 { Ok(peer.uid) } else { Err(std::io::Error::last_os_error()) }
}

/// A descriptor that we were started with, as a socket; it does not survive an exec.
pub fn inherited(fd: i32) -> OwnedFd {
    // SAFETY: the contract of whoever starts the agent: this descriptor is a socket that is ours alone.
    unsafe {
        libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
        OwnedFd::from_raw_fd(fd)
    }
}

/// fork(2) in this single-threaded process: `None` in the child, its process ID in the parent.
pub fn fork() -> std::io::Result<Option<i32>> {
    // SAFETY: no other thread exists, so the child may do anything.
    match unsafe { libc::fork() } {
        -1 => Err(std::io::Error::last_os_error()),
        0 => Ok(None),
        child => Ok(Some(child)),
    }
}

/// Reaps a child that has ended, without waiting.
pub fn reap() -> Option<i32> {
    // SAFETY: waits for our own children only.
    Some(unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) }).filter(|child| *child > 0)
}

/// A nameless file whose bytes are locked, not written.
pub fn lock_file() -> std::io::Result<std::fs::File> {
    // SAFETY: a constant name; the descriptor is checked.
    match unsafe { libc::memfd_create(c"tries".as_ptr(), libc::MFD_CLOEXEC) } {
        -1 => Err(std::io::Error::last_os_error()),
        // SAFETY: fresh and ours alone.
        fd => Ok(std::fs::File::from(unsafe { OwnedFd::from_raw_fd(fd) })),
    }
}

/// Locks one byte of a [`lock_file`] against other processes, waiting, or unlocks it. The lock ends with its process.
pub fn lock_byte(file: &std::fs::File, byte: usize, locked: bool) -> std::io::Result<()> {
    let mut range = libc::flock { l_type: 0, l_whence: libc::SEEK_SET as i16, l_start: 0, l_len: 1, l_pid: 0 };
    range.l_type = if locked { libc::F_WRLCK } else { libc::F_UNLCK } as i16;
    range.l_start = libc::off_t::try_from(byte).unwrap_or(libc::off_t::MAX);
    // SAFETY: a live descriptor and range.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLKW, &range) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
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
