//! Memory for secrets: pages of their own that are locked as far as RLIMIT_MEMLOCK allows, left out of core dumps, and
//! zeros in a forked child (mlock(2), madvise(2)). Blocks are handed out in powers of two and cleared when they come
//! back. What a block costs is kept elsewhere, so that these pages hold nothing but secrets.
#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Memory that can be overwritten with zeros, whether or not it is read again (explicit_bzero(3)).
pub trait Wipe {
    /// Zeros.
    fn wipe(&mut self);
}

impl Wipe for [u8] {
    fn wipe(&mut self) {
        // SAFETY: our own bytes, of which zeros are values.
        unsafe { libc::explicit_bzero(self.as_mut_ptr().cast(), self.len()) }
    }
}

impl Wipe for [u32] {
    fn wipe(&mut self) {
        // SAFETY: our own integers, of which zeros are values.
        unsafe { libc::explicit_bzero(self.as_mut_ptr().cast(), size_of_val(self)) }
    }
}

/// Bytes of the smallest block.
const SMALLEST: usize = 32;
/// Sizes of blocks: 32 bytes to 4 KiB. Longer ones are mappings of their own.
const CLASSES: usize = 8;
/// Bytes mapped at once for small blocks.
const SLAB: usize = 64 * 1024;
/// The kernel rounds it up to a page of its own size.
const PAGE: usize = 4096;

/// Zeroed bytes that are nobody else's.
pub struct Block {
    start: NonNull<u8>,
    length: usize,
    /// Where it goes back to; none: it has no memory, or a mapping of its own.
    pool: Option<&'static Pool>,
}

// SAFETY: a block is its owner's alone, whatever thread that is in.
unsafe impl Send for Block {}
// SAFETY: shared references to it only read.
unsafe impl Sync for Block {}

/// Free blocks of each size. A forked child gets a pool of its own: a thread of its parent may have locked this one.
struct Pool {
    owner: u32,
    free: Mutex<[Vec<usize>; CLASSES]>,
}

static POOL: AtomicPtr<Pool> = AtomicPtr::new(std::ptr::null_mut());

impl Block {
    /// `length` zeros. Ends the process, as every allocation does, when there is no memory left.
    pub fn zeroed(length: usize) -> Block {
        if length == 0 {
            return Block { start: NonNull::dangling(), length, pool: None };
        }
        let Some(class) = class(length) else {
            return Block { start: map(length), length, pool: None };
        };
        let pool = pool();
        let mut free = pool.free();
        let start = match free[class].pop() {
            Some(address) => address,
            None => {
                let slab = map(SLAB).as_ptr().expose_provenance();
                free[class].extend((1..SLAB / size(class)).map(|n| slab + n * size(class)));
                slab
            }
        };
        // SAFETY: an address within a slab, which is never NULL.
        let start = unsafe { NonNull::new_unchecked(std::ptr::with_exposed_provenance_mut(start)) };
        Block { start, length, pool: Some(pool) }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `length` bytes of initialised memory that live as long as the block.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }

    /// The bytes, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and nobody else has them.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.bytes_mut().wipe();
        match (self.pool, class(self.length)) {
            // What a parent handed out stays where it is: in this process it is zeros.
            (Some(pool), Some(class)) if pool.owner == process() => {
                pool.free()[class].push(self.start.as_ptr().expose_provenance());
            }
            (None, None) => {
                // SAFETY: it was mapped with this length by `zeroed`, and nobody has it any more.
                unsafe { libc::munmap(self.start.as_ptr().cast(), whole(self.length)) };
            }
            _ => {}
        }
    }
}

impl Pool {
    fn free(&self) -> MutexGuard<'_, [Vec<usize>; CLASSES]> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pool of this process.
fn pool() -> &'static Pool {
    let us = process();
    loop {
        let present = POOL.load(Ordering::Acquire);
        // SAFETY: NULL, or a pool, which is never freed.
        if let Some(pool) = unsafe { present.as_ref() }.filter(|pool| pool.owner == us) {
            return pool;
        }
        let new = Box::into_raw(Box::new(Pool { owner: us, free: Mutex::default() }));
        if POOL.compare_exchange(present, new, Ordering::AcqRel, Ordering::Acquire).is_err() {
            // SAFETY: made just now and seen by nobody.
            drop(unsafe { Box::from_raw(new) });
        }
    }
}

/// The process ID, which a forked child learns anew: the copy lies in memory that is zeros there.
fn process() -> u32 {
    static COPY: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());
    let mut copy = COPY.load(Ordering::Acquire);
    if copy.is_null() {
        copy = map(size_of::<AtomicU32>()).as_ptr().cast();
        // Two threads at once: the page of one stays mapped, unused.
        COPY.store(copy, Ordering::Release);
    }
    // SAFETY: a page that is never unmapped; zeros are a value of an atomic.
    let copy = unsafe { &*copy };
    match copy.load(Ordering::Relaxed) {
        0 => {
            copy.store(std::process::id(), Ordering::Relaxed);
            std::process::id()
        }
        known => known,
    }
}

fn class(length: usize) -> Option<usize> {
    (0..CLASSES).find(|class| length <= size(*class))
}

fn size(class: usize) -> usize {
    SMALLEST << class
}

fn whole(length: usize) -> usize {
    length.next_multiple_of(PAGE)
}

/// Fresh pages. What the kernel does not grant (a limit, an old version) they do without.
fn map(length: usize) -> NonNull<u8> {
    let out_of_memory = || -> ! { std::alloc::handle_alloc_error(std::alloc::Layout::new::<[u8; PAGE]>()) };
    let Some(length) = length.checked_next_multiple_of(PAGE) else { out_of_memory() };
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new anonymous mapping touches nothing that exists.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), length, protection, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        out_of_memory();
    }
    // SAFETY: pages mapped just now; each call changes only how the kernel treats them, or nothing.
    unsafe {
        libc::madvise(start, length, libc::MADV_DONTDUMP);
        libc::madvise(start, length, libc::MADV_WIPEONFORK);
        libc::mlock(start, length);
    }
    match NonNull::new(start.cast()) {
        Some(start) => start,
        None => out_of_memory(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_every_length_are_zeros_and_do_not_overlap() {
        for round in 0..3u8 {
            let mut blocks: Vec<Block> = [0, 1, 31, 32, 33, 4095, 4096, 4097, 100_000].map(Block::zeroed).into();
            for (n, block) in blocks.iter_mut().enumerate() {
                assert!(block.bytes().iter().all(|b| *b == 0), "round {round}");
                block.bytes_mut().fill(n as u8 + 1);
            }
            for (n, block) in blocks.iter().enumerate() {
                assert!(block.bytes().iter().all(|b| *b == n as u8 + 1), "round {round}");
            }
        }
    }

    #[test]
    fn threads_get_blocks_of_their_own() {
        std::thread::scope(|scope| {
            for n in 1..=8u8 {
                scope.spawn(move || {
                    for length in (1..500).cycle().take(5000) {
                        let mut block = Block::zeroed(length);
                        assert!(block.bytes().iter().all(|b| *b == 0));
                        block.bytes_mut().fill(n);
                        std::thread::yield_now();
                        assert!(block.bytes().iter().all(|b| *b == n));
                    }
                });
            }
        });
    }

    /// The flags of the mapping that holds an address (proc(5), VmFlags).
    fn flags(address: usize) -> String {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut inside = false;
        for line in maps.lines() {
            if let Some((range, _)) = line.split_once(' ').filter(|(range, _)| range.contains('-')) {
                let (from, to) = range.split_once('-').unwrap();
                let number = |text| usize::from_str_radix(text, 16);
                if let (Ok(from), Ok(to)) = (number(from), number(to)) {
                    inside = (from..to).contains(&address);
                }
            }
            if let Some(flags) = line.strip_prefix("VmFlags:").filter(|_| inside) {
                return flags.to_string();
            }
        }
        panic!("no such mapping");
    }

    #[test]
    fn their_pages_stay_out_of_core_dumps_and_out_of_children() {
        for length in [16, 10_000] {
            let block = Block::zeroed(length);
            let flags = flags(block.bytes().as_ptr().addr());
            assert!(flags.contains(" dd") && flags.contains(" wf"), "{flags}");
        }
    }

    #[test]
    fn a_forked_child_finds_zeros_and_gets_blocks_all_the_same() {
        let mut block = Block::zeroed(20);
        block.bytes_mut().fill(7);
        // SAFETY: the child only reads memory, takes and drops a block, and leaves by _exit.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let wiped = block.bytes().iter().all(|b| *b == 0);
            let mut own = Block::zeroed(20);
            own.bytes_mut().fill(9);
            let apart = block.bytes().iter().all(|b| *b == 0);
            drop(own);
            drop(block);
            // SAFETY: ends the child.
            unsafe { libc::_exit(i32::from(!(wiped && apart))) };
        }
        let mut status = 0;
        // SAFETY: our own child, a place for its status.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0);
        assert!(block.bytes().iter().all(|b| *b == 7));
    }
}
