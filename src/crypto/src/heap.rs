//! OpenSSL's heap: the C library's, cleared when freed; large blocks (Argon2's memory) get pages of their own that
//! stay out of core dumps. Not wiped on fork: OpenSSL's generators would fail in the child for ever.
#![allow(unsafe_code)]

use crate::fork;
use std::os::raw::{c_char, c_int, c_void};

/// From here on a block gets its own mapping.
const LARGE: usize = 1 << 20;
const PAGE: usize = 4096;
/// Before every block: how long it is. Neither its address nor malloc_usable_size(3) could tell: a host may bring an
/// allocator of its own (jemalloc, tcmalloc). As long as what malloc(3) aligns to.
const HEADER: usize = 16;

/// malloc(3).
///
/// # Safety
/// As malloc(3); `file` is null or a C string.
pub(crate) unsafe extern "C" fn malloc(size: usize, file: *const c_char, _line: c_int) -> *mut c_void {
    if size >= LARGE {
        return map(size);
    }
    // SAFETY: plain malloc, of less than `LARGE` and a header.
    let start = unsafe { libc::malloc(size + HEADER) };
    let block = after_header(start, size);
    fork::made(block, size, file);
    block
}

/// realloc(3), never in place: the old block is cleared.
///
/// # Safety
/// `block` is null or came from [`malloc`] or [`realloc`] and was not freed.
pub(crate) unsafe extern "C" fn realloc(
    block: *mut c_void,
    size: usize,
    file: *const c_char,
    line: c_int,
) -> *mut c_void {
    if block.is_null() {
        // SAFETY: as malloc.
        return unsafe { malloc(size, file, line) };
    }
    if size == 0 {
        // SAFETY: the caller's block is live.
        unsafe { free(block, file, line) };
        return std::ptr::null_mut();
    }
    // SAFETY: as malloc.
    let new = unsafe { malloc(size, file, line) };
    if !new.is_null() {
        // SAFETY: both blocks are live and at least this long; they do not overlap.
        unsafe { std::ptr::copy_nonoverlapping(block.cast::<u8>(), new.cast::<u8>(), size.min(length(block))) };
        // SAFETY: the caller's block is live and not used again.
        unsafe { free(block, file, line) };
    }
    new
}

/// free(3), cleared first.
///
/// # Safety
/// `block` is null or came from [`malloc`] or [`realloc`] and was not freed.
pub(crate) unsafe extern "C" fn free(block: *mut c_void, _file: *const c_char, _line: c_int) {
    if block.is_null() {
        return;
    }
    fork::freed(block);
    // Not byte by byte: of an ML-DSA signature, with its large blocks, that was a tenth.
    // SAFETY: the block is live and `length` bytes long.
    unsafe { libc::explicit_bzero(block, length(block)) };
    let start = block.wrapping_byte_sub(HEADER);
    if length(block) >= LARGE {
        // SAFETY: a mapping of `map`'s with this length.
        unsafe { libc::munmap(start, mapped(length(block)).unwrap_or(0)) };
    } else {
        // SAFETY: it came from libc's malloc.
        unsafe { libc::free(start) };
    }
}

/// What was asked for.
fn length(block: *mut c_void) -> usize {
    // SAFETY: every block has a header before it.
    unsafe { block.byte_sub(HEADER).cast::<usize>().read() }
}

/// Writes the header of a block of `size` bytes; null stays null.
fn after_header(start: *mut c_void, size: usize) -> *mut c_void {
    if start.is_null() {
        return start;
    }
    // SAFETY: `start` is aligned for it and has room for a header and `size` bytes.
    unsafe {
        start.cast::<usize>().write(size);
        start.byte_add(HEADER)
    }
}

/// The length of the mapping of a large block.
fn mapped(size: usize) -> Option<usize> {
    size.checked_add(HEADER)?.checked_next_multiple_of(PAGE)
}

fn map(size: usize) -> *mut c_void {
    let Some(whole) = mapped(size) else {
        return std::ptr::null_mut();
    };
    // SAFETY: a fresh private mapping.
    let start = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            whole,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if start == libc::MAP_FAILED {
        return std::ptr::null_mut();
    }
    // SAFETY: the mapping is ours and `whole` long. Advice may fail without harm.
    unsafe { libc::madvise(start, whole, libc::MADV_DONTDUMP) };
    after_header(start, size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::null;

    fn filled(block: *mut c_void, size: usize) -> &'static mut [u8] {
        assert!(!block.is_null());
        assert_eq!(block as usize % HEADER, 0, "alignment");
        // SAFETY: `size` bytes were asked for, and are not used after they are freed.
        let bytes = unsafe { std::slice::from_raw_parts_mut(block.cast::<u8>(), size) };
        bytes.iter_mut().enumerate().for_each(|(n, byte)| *byte = n as u8);
        bytes
    }

    #[test]
    fn blocks_of_every_length_keep_what_is_written_as_they_grow_and_shrink() {
        let sizes = [1, 16, 48, 2048, 4000, 4096, 8000, 8192, 16384, LARGE - 1, LARGE, LARGE + PAGE, 3 * LARGE];
        for (old, new) in sizes.iter().flat_map(|&old| sizes.iter().map(move |&new| (old, new))) {
            // SAFETY: a live block, freed once.
            unsafe {
                let block = malloc(old, null(), 0);
                filled(block, old);
                assert_eq!(length(block), old);
                let block = realloc(block, new, null(), 0);
                let kept = std::slice::from_raw_parts(block.cast::<u8>(), old.min(new));
                assert!(kept.iter().enumerate().all(|(n, byte)| *byte == n as u8), "{old} to {new}");
                filled(block, new);
                free(block, null(), 0);
            }
        }
    }

    #[test]
    fn lengths_that_no_memory_has_are_refused() {
        for size in [usize::MAX, usize::MAX - HEADER, usize::MAX - PAGE, 1 << 62] {
            // SAFETY: nothing comes of it.
            assert!(unsafe { malloc(size, null(), 0) }.is_null());
        }
    }
}
