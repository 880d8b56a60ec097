//! OpenSSL's heap: the C library's, cleared when freed; large blocks (Argon2's memory) get pages of their own that
//! stay out of core dumps. Not wiped on fork: OpenSSL's generators would fail in the child for ever.
#![allow(unsafe_code)]

use crate::fork;
use std::os::raw::{c_char, c_int, c_void};
use zeroize::Zeroize;

/// From here on a block gets its own mapping, with a header page before it that says how long it is.
const LARGE: usize = 1 << 20;
const PAGE: usize = 4096;

/// The header of a large block sits `PAGE` bytes before it; a block of the C library is never page aligned
/// (its own header comes first), so alignment tells the two apart.
fn is_large(block: *mut c_void) -> bool {
    (block as usize) % PAGE == 0
}

/// malloc(3).
///
/// # Safety
/// As malloc(3); `file` is null or a C string.
pub(crate) unsafe extern "C" fn malloc(size: usize, file: *const c_char, _line: c_int) -> *mut c_void {
    if size >= LARGE {
        return map(size);
    }
    // SAFETY: plain malloc.
    let mut block = unsafe { libc::malloc(size) };
    while !block.is_null() && is_large(block) {
        // Would be mistaken for a large one: take another, keep this one out of circulation.
        // SAFETY: plain malloc.
        block = unsafe { libc::malloc(size) };
    }
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
    // SAFETY: the block is live and `length` bytes long.
    unsafe { std::slice::from_raw_parts_mut(block.cast::<u8>(), length(block)) }.zeroize();
    if is_large(block) {
        // SAFETY: the mapping began one page before and has the header's length.
        unsafe { libc::munmap(block.byte_sub(PAGE), length(block) + PAGE) };
    } else {
        // SAFETY: it came from libc's malloc.
        unsafe { libc::free(block) };
    }
}

fn length(block: *mut c_void) -> usize {
    if is_large(block) {
        // SAFETY: a large block has its header one page before it.
        unsafe { block.byte_sub(PAGE).cast::<usize>().read() }
    } else {
        // SAFETY: it came from libc's malloc.
        unsafe { libc::malloc_usable_size(block) }
    }
}

fn map(size: usize) -> *mut c_void {
    let Some(whole) = size.checked_next_multiple_of(PAGE).and_then(|s| s.checked_add(PAGE)) else {
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
    // SAFETY: the first page is the header's.
    unsafe { start.cast::<usize>().write(whole - PAGE) };
    // SAFETY: within the mapping.
    unsafe { start.byte_add(PAGE) }
}
