//! From the results of the core to the structures of C. The two-call length convention stands here, and only here.
#![allow(unsafe_code)]

mod attributes;
mod otp;

pub use attributes::attributes;

use crate::pointer::{Input, Plain, Pointer, in_memory};
use cryptoki_sys::CK_VERSION;
use sealhsm_core::application::Sink;
use sealhsm_core::{Error, Result};
use sealhsm_secret::Secret;

/// An output buffer and its length: NULL asks for the length, a short one gets BUFFER_TOO_SMALL and the length
/// (PKCS#11 3.2 section 5.2). `*length` is written in both cases and on success.
pub struct Output<'c> {
    buffer: Pointer<'c, u8>,
    length: Pointer<'c, u64>,
    room: u64,
}

impl<'c> Output<'c> {
    /// `ArgumentsBad` without a place for the length, or with more room than any memory has.
    pub fn of(buffer: Pointer<'c, u8>, length: Pointer<'c, u64>) -> Result<Self> {
        let room = length.read()?;
        if !buffer.is_null() {
            in_memory(room)?;
        }
        Ok(Output { buffer, length, room })
    }

    /// Lets `write` fill it. What else `write` uses does not lie in this memory.
    pub fn fill(self, write: impl FnOnce(Sink<'_>) -> Result<usize>) -> Result<()> {
        self.fill_from(Input::EMPTY, |_, out| write(out))
    }

    /// Lets `write` fill it from an input of the same call, which may lie in the same memory.
    pub fn fill_from(self, input: Input<'c>, write: impl FnOnce(&[u8], Sink<'_>) -> Result<usize>) -> Result<()> {
        let written = if self.buffer.is_null() {
            write(input.bytes()?, None)
        } else if self.overlaps(input.address(), input.length) {
            let aside = Secret::copy_of(input.bytes()?);
            // SAFETY: nothing refers to the input in this memory any more, only to its copy.
            write(aside.as_ref(), Some(unsafe { self.buffer.bytes_mut(self.room) }?))
        } else {
            // SAFETY: the only reference into the caller's memory that `write` has lies elsewhere.
            write(input.bytes()?, Some(unsafe { self.buffer.bytes_mut(self.room) }?))
        };
        self.end(written)
    }

    /// Whether any of `length` bytes from this address on lies where it goes.
    pub fn overlaps(&self, address: usize, length: u64) -> bool {
        let (from, to) = (address as u64, self.buffer.address() as u64);
        from < to.saturating_add(self.room) && to < from.saturating_add(length)
    }

    /// Lets `write` fill it from a parameter or a template, any part of which may lie in the same memory.
    pub fn fill_aside(self, write: impl FnOnce(Sink<'_>) -> Result<usize>) -> Result<()> {
        if self.buffer.is_null() {
            let length = write(None);
            return self.end(length);
        }
        let mut aside = vec![0; self.room.min(MOST_ASIDE) as usize];
        let written = write(Some(&mut aside));
        if let Ok(length) = written {
            self.buffer.write_bytes(&aside[..length])?;
        }
        self.end(written)
    }

    fn end(self, written: Result<usize>) -> Result<()> {
        match written {
            Ok(length) => self.length.write(length as u64),
            Err(error) => {
                if let Error::BufferTooSmall(needed) = error {
                    self.length.write(needed as u64)?;
                }
                Err(error)
            }
        }
    }
}

/// More than any wrapped key has: secret keys have up to 1 MiB.
const MOST_ASIDE: u64 = 2 << 20;

/// A buffer of the length given, to be filled whole (C_GenerateRandom).
pub fn fill(buffer: Pointer<'_, u8>, length: u64, write: impl FnOnce(&mut [u8]) -> Result<()>) -> Result<()> {
    // SAFETY: such a call has no input in memory.
    write(unsafe { buffer.bytes_mut(length) }?)
}

/// The same convention for an array of IDs and its count.
pub fn list<T: Plain>(array: Pointer<'_, T>, count: Pointer<'_, u64>, items: &[T]) -> Result<()> {
    let room = count.read()?;
    count.write(items.len() as u64)?;
    if array.is_null() {
        return Ok(());
    }
    if room < items.len() as u64 {
        return Err(Error::BufferTooSmall(items.len()));
    }
    for (index, item) in items.iter().enumerate() {
        array.write_at(index, *item)?;
    }
    Ok(())
}

/// This module's version, for libraryVersion and its kin.
pub const VERSION: CK_VERSION =
    CK_VERSION { major: number(env!("CARGO_PKG_VERSION_MAJOR")), minor: number(env!("CARGO_PKG_VERSION_MINOR")) };

/// Decimal digits; more than a byte holds does not compile.
const fn number(digits: &str) -> u8 {
    let (mut number, mut at) = (0, 0);
    while at < digits.len() {
        number = number * 10 + (digits.as_bytes()[at] - b'0');
        at += 1;
    }
    number
}

/// Text as CK_INFO and its kin have it: blank-padded, no NUL; cut between characters if it must be.
pub fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [b' '; N];
    let end = (0..=N.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    field[..end].copy_from_slice(&text.as_bytes()[..end]);
    field
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pointer::Call;

    fn pointer<'c, T>(of: &'c mut [T], call: &'c Call) -> Pointer<'c, T> {
        // SAFETY: a slice that outlives the pointer.
        unsafe { Pointer::new(of.as_mut_ptr(), call) }
    }

    #[test]
    fn null_asks_for_the_length_and_a_short_buffer_is_told_it() {
        let call = Call(());
        let mut length = [7u64];
        // SAFETY: NULL.
        let null = unsafe { Pointer::new(std::ptr::null_mut(), &call) };
        let asked = Output::of(null, pointer(&mut length, &call)).unwrap().fill(|out| {
            assert!(out.is_none());
            Ok(20)
        });
        assert_eq!((asked, length[0]), (Ok(()), 20));

        let mut buffer = [0u8; 7];
        length[0] = 7;
        let short = Output::of(pointer(&mut buffer, &call), pointer(&mut length, &call)).unwrap().fill(|out| {
            assert_eq!(out.unwrap().len(), 7);
            Err(Error::BufferTooSmall(20))
        });
        assert_eq!((short, length[0]), (Err(Error::BufferTooSmall(20)), 20));
    }

    #[test]
    fn more_room_than_any_memory_has_is_refused_before_anything_is_done() {
        let call = Call(());
        let mut buffer = [0u8; 4];
        for room in [1 << 63, u64::MAX] {
            let mut length = [room];
            let refused = Output::of(pointer(&mut buffer, &call), pointer(&mut length, &call));
            assert_eq!(refused.err(), Some(Error::ArgumentsBad));
            // SAFETY: NULL.
            let null = unsafe { Pointer::new(std::ptr::null_mut(), &call) };
            assert!(Output::of(null, pointer(&mut length, &call)).is_ok(), "a length query looks at no room");
        }
    }

    #[test]
    fn input_and_output_may_lie_in_the_same_memory() {
        for shift in [0usize, 1, 3] {
            let call = Call(());
            let mut memory = *b"abcdefgh";
            let mut length = [4u64];
            let start = (&raw mut memory).cast::<u8>();
            // SAFETY: 4 bytes of input and 4 of output, all in `memory`, which is not used otherwise meanwhile.
            let (input, output) =
                unsafe { (Pointer::new(start, &call).input(4).unwrap(), Pointer::new(start.add(shift), &call)) };
            Output::of(output, pointer(&mut length, &call))
                .unwrap()
                .fill_from(input, |from, to| {
                    let to = to.unwrap();
                    to.fill(0);
                    to.copy_from_slice(from);
                    Ok(4)
                })
                .unwrap();
            assert_eq!(&memory[shift..shift + 4], b"abcd");
        }
    }

    #[test]
    fn what_is_written_aside_comes_to_the_caller_when_it_is_whole() {
        let call = Call(());
        let mut memory = *b"abcdefgh";
        let start = (&raw mut memory).cast::<u8>();
        // SAFETY: 6 bytes of a parameter and 4 of output, all in `memory`, which is not used otherwise meanwhile.
        let (parameter, output) = unsafe { (Pointer::new(start, &call), Pointer::new(start.add(2), &call)) };
        for (room, expected) in [(4, Ok(())), (u64::MAX >> 1, Ok(())), (3, Err(Error::BufferTooSmall(4)))] {
            let mut length = [room];
            let filled = Output::of(output, pointer(&mut length, &call)).unwrap().fill_aside(|to| {
                let parameter = parameter.bytes(6)?;
                let to = to.unwrap().get_mut(..4).ok_or(Error::BufferTooSmall(4))?;
                to.fill(b'x');
                to.copy_from_slice(&parameter[..4]);
                Ok(4)
            });
            assert_eq!((filled, length[0]), (expected, 4));
        }
        // Twice, and not a third time.
        assert_eq!(parameter.bytes(8), Ok(&b"abababgh"[..]));
        let mut length = [0];
        // SAFETY: NULL.
        let null = unsafe { Pointer::new(std::ptr::null_mut(), &call) };
        let asked = Output::of(null, pointer(&mut length, &call)).unwrap().fill_aside(|to| {
            assert!(to.is_none());
            Ok(20)
        });
        assert_eq!((asked, length[0]), (Ok(()), 20));
    }

    #[test]
    fn text_is_padded_with_blanks_and_cut_between_characters() {
        assert_eq!(&padded::<6>("ab"), b"ab    ");
        assert_eq!(&padded::<3>("abcd"), b"abc");
        assert_eq!(&padded::<3>("abé"), b"ab ");
        assert_eq!(&padded::<2>(""), b"  ");
    }
}
