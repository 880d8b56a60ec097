//! Starts a program that the host never notices: a grandchild in a session of its own, with a socket as standard input,
//! nothing else of the host's, and no SIGCHLD, no child in waitpid(-1), no thread, no copy of the host's memory.
//!
//! The calling thread clones an intermediate with CLONE_VM|CLONE_VFORK and exit signal 0 and reaps it with __WCLONE; the
//! intermediate clones the program's process likewise and ends. (An exec resets the exit signal of a direct child to
//! SIGCHLD, hence two steps.) Both run on stacks of their own in the host's memory while the calling thread waits: they
//! make system calls and write to [`Plan`], nothing else.
#![allow(unsafe_code)]

use crate::reach::above_standard;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

/// Bytes of each of the two stacks.
const STACK: usize = 64 * 1024;
/// The whole environment: libtss2 prints nothing.
const ENVIRONMENT: [&CStr; 1] = [c"TSS2_LOG=all+NONE"];
/// Where descriptors are closed one by one (a kernel before 5.9), not beyond this one.
const MANY: RawFd = 1 << 20;

/// What the two processes need, made before and outliving them.
struct Plan {
    program: RawFd,
    socket: RawFd,
    argv: *const *const c_char,
    envp: *const *const c_char,
    /// The top of the second stack.
    stack: *mut c_void,
    /// Descriptors from 4 up to here are closed where close_range(2) is missing.
    limit: RawFd,
    /// errno of the step that failed, or 0.
    errno: AtomicI32,
}

/// Starts `program` (a descriptor of its file) and returns our end of its standard input.
pub fn agent(program: &OwnedFd, arguments: &[CString]) -> io::Result<OwnedFd> {
    let (ours, theirs) = pair()?;
    let program = above_standard(program.try_clone()?)?;
    let argv = pointers(arguments.iter().map(|a| a.as_c_str()));
    let envp = pointers(ENVIRONMENT.into_iter());
    let stacks = Stacks::new()?;
    let plan = Plan {
        program: program.as_raw_fd(),
        socket: theirs.as_raw_fd(),
        argv: argv.as_ptr(),
        envp: envp.as_ptr(),
        stack: stacks.second(),
        limit: descriptor_limit(),
        errno: AtomicI32::new(0),
    };
    with_signals_blocked(|| {
        let flags = libc::CLONE_VM | libc::CLONE_VFORK;
        // SAFETY: the function is async-signal-safe and never unwinds, the stack is 64 KiB of memory that is ours alone,
        // and CLONE_VFORK keeps this frame, and so the plan, alive until the intermediate has ended.
        let child = unsafe { libc::clone(intermediate, stacks.first(), flags, (&raw const plan).cast_mut().cast()) };
        if child == -1 {
            return Err(io::Error::last_os_error());
        }
        reap(child);
        Ok(())
    })?;
    match plan.errno.load(Ordering::Acquire) {
        0 => Ok(ours),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

extern "C" fn intermediate(plan: *mut c_void) -> c_int {
    // SAFETY: the plan that `agent` passed; it waits for us.
    let plan = unsafe { &*plan.cast::<Plan>() };
    // SAFETY: as in `agent`, with the second stack; CLONE_VFORK makes us wait until the program runs or did not start.
    unsafe {
        libc::setsid();
        let flags = libc::CLONE_VM | libc::CLONE_VFORK;
        if libc::clone(become_program, plan.stack, flags, ptr::from_ref(plan).cast_mut().cast()) == -1 {
            plan.failed();
        }
    }
    0
}

extern "C" fn become_program(plan: *mut c_void) -> c_int {
    // SAFETY: the plan that `agent` passed; it waits for us.
    let plan = unsafe { &*plan.cast::<Plan>() };
    // SAFETY: system calls on our own copy of the descriptor table, with constant or prepared arguments. Through
    // syscall(2) where the C library has a cancellation point, which would act on the host's thread.
    unsafe {
        let null = libc::syscall(libc::SYS_openat, libc::AT_FDCWD, c"/dev/null".as_ptr(), libc::O_RDWR) as c_int;
        let placed = null >= 0
            && libc::dup2(null, 1) == 1
            && libc::dup2(null, 2) == 2
            && libc::dup2(plan.socket, 0) == 0
            && (plan.program == 3 || libc::dup3(plan.program, 3, libc::O_CLOEXEC) == 3);
        if placed && libc::chdir(c"/".as_ptr()) == 0 {
            libc::umask(0o077);
            close_from_4(plan.limit);
            libc::syscall(libc::SYS_execveat, 3, c"".as_ptr(), plan.argv, plan.envp, libc::AT_EMPTY_PATH);
        }
    }
    plan.failed();
    127
}

/// # Safety
/// Only in a process whose descriptor table is its own.
unsafe fn close_from_4(limit: RawFd) {
    // SAFETY: by our contract nobody else uses these descriptors.
    unsafe {
        if libc::syscall(libc::SYS_close_range, 4, c_int::MAX, 0) != 0 {
            for fd in 4..limit {
                libc::syscall(libc::SYS_close, fd);
            }
        }
    }
}

impl Plan {
    fn failed(&self) {
        // SAFETY: the thread's errno, which the last failed call set.
        self.errno.store(unsafe { *libc::__errno_location() }, Ordering::Release);
    }
}

/// Waits for the intermediate, which has ended or is about to.
fn reap(child: libc::pid_t) {
    // SAFETY: our own child, which only __WCLONE finds. ECHILD: the host waited for all kinds of children; just as well.
    while unsafe { libc::waitpid(child, ptr::null_mut(), libc::__WCLONE) } == -1
        && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
    {}
}

/// No handler of the host's may run in the new processes, which share its memory.
fn with_signals_blocked<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: masks of this thread, in live places; restored below.
    unsafe {
        let (mut all, mut before) = (std::mem::zeroed(), std::mem::zeroed());
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        let outcome = work();
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, ptr::null_mut());
        outcome
    }
}

fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds = [0; 2];
    // SAFETY: a place for two descriptors.
    if unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0, fds.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: fresh and ours alone.
    let [ours, theirs] = fds.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    Ok((above_standard(ours)?, above_standard(theirs)?))
}

/// A null-terminated vector for exec.
fn pointers<'a>(strings: impl Iterator<Item = &'a CStr>) -> Vec<*const c_char> {
    strings.map(CStr::as_ptr).chain([ptr::null()]).collect()
}

fn descriptor_limit() -> RawFd {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: writes to a live place.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    RawFd::try_from(limit.rlim_max).unwrap_or(MANY).min(MANY)
}

/// Two stacks, unmapped when dropped.
struct Stacks(*mut c_void);

impl Stacks {
    fn new() -> io::Result<Self> {
        let (rights, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a fresh mapping.
        let start = unsafe { libc::mmap(ptr::null_mut(), 2 * STACK, rights, kind | libc::MAP_STACK, -1, 0) };
        if start == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(Self(start)) }
    }
    /// The top of the upper one; stacks grow downwards.
    fn first(&self) -> *mut c_void {
        self.0.wrapping_byte_add(2 * STACK)
    }
    /// The top of the lower one.
    fn second(&self) -> *mut c_void {
        self.0.wrapping_byte_add(STACK)
    }
}

impl Drop for Stacks {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`; the processes that used it have ended or run another program.
        unsafe { libc::munmap(self.0, 2 * STACK) };
    }
}
