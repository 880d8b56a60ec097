//! Numbers that look random and are the same in every run (xorshift64*), for tests that try many cases.

/// A sequence of them.
pub struct Chance(u64);

impl Chance {
    /// The sequence of this seed.
    pub fn seeded(seed: u64) -> Chance {
        Chance(seed | 1)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// One of 0 to `most`.
    pub fn up_to(&mut self, most: usize) -> usize {
        (self.number() >> 11) as usize % (most + 1)
    }

    /// So many bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| (self.number() >> 32) as u8).collect()
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.up_to(these.len() - 1)]
    }

    /// Cuts data into parts of 0 to `longest` bytes.
    pub fn parts<'d>(&mut self, mut data: &'d [u8], longest: usize) -> Vec<&'d [u8]> {
        let mut parts = Vec::new();
        while !data.is_empty() {
            let (part, rest) = data.split_at(self.up_to(longest.min(data.len())));
            parts.push(part);
            data = rest;
        }
        parts
    }
}
