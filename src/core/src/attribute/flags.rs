//! The attributes that are CK_BBOOL, of which a key has some twenty, as bits.

use super::kind::{Kind, kind};
use super::{Type, confine};

/// Larger than the type of every CK_BBOOL of the standard.
const END: usize = 0x640;
/// What [`BITS`] says of another type.
const NONE: u8 = u8::MAX;

/// The bit of each type, in the order of the types.
static BITS: [u8; END] = TABLE.0;
/// The type of each bit; the last are those that only the token sees.
static TYPES: [Type; 32] = TABLE.1;

const TABLE: ([u8; END], [Type; 32]) = {
    let (mut bits, mut types, mut count, mut of) = ([NONE; END], [0; 32], 0, 0);
    while of < END {
        if matches!(kind(of as Type), Some(Kind::Bool)) {
            bits[of] = count;
            types[count as usize] = of as Type;
            count += 1;
        }
        of += 1;
    }
    let mut at = 0;
    while at < confine::HIDDEN.len() {
        types[count as usize + at] = confine::HIDDEN[at];
        at += 1;
    }
    (bits, types)
};
/// The bit of the first type that only the token sees.
const HIDDEN: u8 = {
    let (mut count, mut of) = (0, 0);
    while of < END {
        count += (TABLE.0[of] != NONE) as u8;
        of += 1;
    }
    count
};

/// Some of these attributes, each true or false.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    present: u32,
    true_ones: u32,
}

/// The bit of a type; `None` for one that is no CK_BBOOL.
const fn bit(of: Type) -> Option<u32> {
    if of < END as Type {
        let bit = BITS[of as usize];
        return if bit == NONE { None } else { Some(1 << bit) };
    }
    let mut at = 0;
    while at < confine::HIDDEN.len() {
        if confine::HIDDEN[at] == of {
            return Some(1 << (HIDDEN as usize + at));
        }
        at += 1;
    }
    None
}

/// Whether a type is a CK_BBOOL.
pub fn is(of: Type) -> bool {
    bit(of).is_some()
}

impl Flags {
    /// None of them.
    pub const NONE: Flags = Flags { present: 0, true_ones: 0 };

    /// The value of one of them.
    pub fn get(self, of: Type) -> Option<bool> {
        let bit = bit(of)?;
        (self.present & bit != 0).then_some(self.true_ones & bit != 0)
    }

    /// Sets or replaces one; false if it is no CK_BBOOL.
    pub const fn set(&mut self, of: Type, value: bool) -> bool {
        let Some(bit) = bit(of) else { return false };
        self.present |= bit;
        self.true_ones = if value { self.true_ones | bit } else { self.true_ones & !bit };
        true
    }

    /// Takes one away and says what it was.
    pub fn remove(&mut self, of: Type) -> Option<bool> {
        let (was, bit) = (self.get(of)?, bit(of)?);
        self.present &= !bit;
        self.true_ones &= !bit;
        Some(was)
    }

    /// These, and of the others what these lack.
    pub fn or(self, others: Flags) -> Flags {
        Flags { present: self.present | others.present, true_ones: self.true_ones | others.true_ones & !self.present }
    }

    /// All of them in the order of their types.
    pub fn iter(self) -> impl Iterator<Item = (Type, bool)> {
        let mut left = self.present;
        std::iter::from_fn(move || {
            let bit = left.trailing_zeros();
            let of = TYPES.get(bit as usize)?;
            left &= left - 1;
            Some((*of, self.true_ones >> bit & 1 == 1))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cryptoki_sys as ck;

    #[test]
    fn every_boolean_has_a_bit_of_its_own_and_nothing_else_has_one() {
        let mut all = Flags::NONE;
        for of in (0..0x2000).filter(|of| kind(*of) == Some(Kind::Bool)).chain(confine::HIDDEN) {
            assert_eq!(all.get(of), None, "{of:#x}");
            assert!(all.set(of, of % 3 == 0), "{of:#x}");
            assert_eq!(all.get(of), Some(of % 3 == 0));
        }
        let types: Vec<Type> = all.iter().map(|(of, _)| of).collect();
        assert!(types.is_sorted());
        assert_eq!(types.len(), usize::from(HIDDEN) + confine::HIDDEN.len());
        assert!(all.iter().all(|(of, value)| value == (of % 3 == 0)));
        for of in [ck::CKA_CLASS, ck::CKA_LABEL, 0x63f, 0x640, ck::CKA_VENDOR_DEFINED] {
            assert!(!all.set(of, true), "{of:#x}");
        }
    }

    #[test]
    fn what_is_said_wins_and_what_is_taken_away_is_gone() {
        let (mut said, mut others) = (Flags::NONE, Flags::NONE);
        said.set(ck::CKA_TOKEN, false);
        others.set(ck::CKA_TOKEN, true);
        others.set(ck::CKA_SIGN, true);
        let both = said.or(others);
        assert_eq!((both.get(ck::CKA_TOKEN), both.get(ck::CKA_SIGN)), (Some(false), Some(true)));
        assert_eq!(others.remove(ck::CKA_SIGN), Some(true));
        assert_eq!(said.or(others).get(ck::CKA_SIGN), None);
        assert_eq!(others.remove(ck::CKA_TOKEN), Some(true));
        assert_eq!(others, Flags::NONE);
    }
}
