//! Knowing in one load whether this process is a forked child that has not been seen yet: the mark lies in a page
//! that the kernel hands to a child filled with zeros (MADV_WIPEONFORK, madvise(2)). And closing, as a fork ends, what
//! the child must not keep of its parent's, whether or not it ever calls us.
#![allow(unsafe_code)]

use crate::cancel::Uncancelled;
use crate::process;
use sealhsm_core::Forking;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

/// Zeros in every new process and after every fork.
pub struct Mark {
    /// Which C_Initialize or C_Finalize came last; 0: nothing has happened in this process.
    pub generation: AtomicU64,
    /// Somebody in this process is about to set `generation` for the first time.
    pub claimed: AtomicBool,
}

/// For a kernel that has no such pages: wiped by the fork handler, which bare clone(2) does not call.
static IN_DATA: Mark = Mark { generation: AtomicU64::new(0), claimed: AtomicBool::new(false) };
static MARK: AtomicPtr<Mark> = AtomicPtr::new(std::ptr::null_mut());

/// The mark of this process.
pub fn mark() -> &'static Mark {
    let mark = MARK.load(Ordering::Acquire);
    // SAFETY: once set it points to `IN_DATA` or to a page that is never unmapped; all its fields are atomic, and zeros
    // are a value of each.
    match unsafe { mark.as_ref() } {
        Some(mark) => mark,
        None => place(),
    }
}

/// Makes the mark at first use. Takes no lock: a fork in the middle would leave it locked in the child.
#[cold]
fn place() -> &'static Mark {
    let ours = wiped_page().unwrap_or(&raw const IN_DATA as *mut Mark);
    let first = MARK.compare_exchange(std::ptr::null_mut(), ours, Ordering::AcqRel, Ordering::Acquire);
    if first.is_ok() {
        // SAFETY: three functions that are never unloaded (-z nodelete).
        unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    }
    // Two threads at once: the page of the slower one stays mapped, unused.
    let mark = first.map_or_else(|theirs| theirs, |_| ours);
    // SAFETY: as in `mark`; it is not NULL.
    unsafe { &*mark }
}

fn wiped_page() -> Option<*mut Mark> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new anonymous mapping at an address of the kernel's choice touches nothing that exists.
    let page = unsafe { libc::mmap(std::ptr::null_mut(), PAGE, protection, flags, -1, 0) };
    if page == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: the page was mapped just now and belongs to nobody else.
    if unsafe { libc::madvise(page, PAGE, libc::MADV_WIPEONFORK) } != 0 {
        // SAFETY: likewise.
        unsafe { libc::munmap(page, PAGE) };
        return None;
    }
    Some(page.cast())
}

/// The kernel rounds it up to a page of its own size.
const PAGE: usize = 4096;

thread_local! {
    /// Of a thread that is forking.
    static FORKING: Cell<Option<Forking>> = const { Cell::new(None) };
}

// No thread is cancelled in these handlers, which wait for locks and close descriptors: fork(2) is no place for it.

extern "C" fn before() {
    let _uncancelled = Uncancelled::begin();
    // A thread so near its end that it has no memory of its own any more forks without.
    let _ = FORKING.try_with(|place| place.set(Some(Forking::prepare())));
}

extern "C" fn in_parent() {
    let _ = FORKING.try_with(Cell::take);
}

/// In the child, by whoever comes first: our handler, or a handler of the host's that calls us.
pub fn arrived() {
    if let Ok(Some(forking)) = FORKING.try_with(Cell::take) {
        forking.in_child();
    }
}

extern "C" fn in_child() {
    let _uncancelled = Uncancelled::begin();
    arrived();
    let begun = !std::ptr::eq(mark(), &raw const IN_DATA) && mark().generation.load(Ordering::Relaxed) != 0;
    if begun {
        // A handler of the host's has called us: what there is now is the child's own.
        return;
    }
    process::forked();
    IN_DATA.claimed.store(false, Ordering::Relaxed);
    IN_DATA.generation.store(0, Ordering::Release);
}
