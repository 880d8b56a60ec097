//! Reads fields of fixed size from the front of a slice; never past its end.

use uuid::Uuid;

/// What is left to read.
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn uuid(&mut self) -> Option<Uuid> {
        self.array().map(Uuid::from_bytes)
    }

    /// Reads eight bytes of magic and the version that follows it.
    pub fn version(&mut self, magic: &[u8; 8], no_magic: &'static str) -> Result<(), super::Fault> {
        if self.array() != Some(*magic) {
            return Err(super::Fault::Damaged(no_magic));
        }
        match self.u32() {
            Some(super::VERSION) => Ok(()),
            Some(other) => Err(super::Fault::UnknownVersion(other)),
            None => Err(super::Fault::Damaged("too short")),
        }
    }
}
