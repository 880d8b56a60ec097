//! What a caller at random says in a template: one of a few intentions, with some of it changed by chance.

use super::Said;
use crate::attribute::Type;
use cryptoki_sys as ck;

/// Numbers that look random and are the same in every run (xorshift64*).
pub struct Chance(u64);

impl Chance {
    pub fn seeded(seed: u64) -> Chance {
        // So that neighbouring seeds have nothing in common.
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..4 {
            chance.number();
        }
        chance
    }

    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// One of 0 to `count` - 1.
    pub fn below(&mut self, count: usize) -> usize {
        (self.number() >> 11) as usize % count
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn of<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.below(these.len())]
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| (self.number() >> 32) as u8).collect()
    }
}

/// What secret keys may be told at their birth, and most of it later.
const FLAGS: [Type; 14] = [
    ck::CKA_SENSITIVE,
    ck::CKA_EXTRACTABLE,
    ck::CKA_WRAP,
    ck::CKA_UNWRAP,
    ck::CKA_DECRYPT,
    ck::CKA_ENCRYPT,
    ck::CKA_DERIVE,
    ck::CKA_SIGN,
    ck::CKA_WRAP_WITH_TRUSTED,
    ck::CKA_PRIVATE,
    ck::CKA_MODIFIABLE,
    ck::CKA_COPYABLE,
    ck::CKA_DESTROYABLE,
    ck::CKA_TRUSTED,
];
/// What only the token says.
const OWN: [Type; 3] = [ck::CKA_ALWAYS_SENSITIVE, ck::CKA_NEVER_EXTRACTABLE, ck::CKA_LOCAL];

type Intention = &'static [(Type, bool)];
const NOTHING: Intention = &[];
const GUARDED: Intention = &[(ck::CKA_SENSITIVE, true), (ck::CKA_EXTRACTABLE, true)];
const GUARDED_BASE: Intention = &[(ck::CKA_SENSITIVE, true), (ck::CKA_EXTRACTABLE, true), (ck::CKA_DERIVE, true)];
const WRAPPING: Intention =
    &[(ck::CKA_WRAP, true), (ck::CKA_UNWRAP, true), (ck::CKA_DECRYPT, false), (ck::CKA_EXTRACTABLE, false)];
const WRAPPING_PUBLIC: Intention = &[
    (ck::CKA_WRAP, true),
    (ck::CKA_UNWRAP, true),
    (ck::CKA_DECRYPT, false),
    (ck::CKA_EXTRACTABLE, false),
    (ck::CKA_PRIVATE, false),
];
const WRAPPING_BASE: Intention =
    &[(ck::CKA_WRAP, true), (ck::CKA_DERIVE, true), (ck::CKA_DECRYPT, false), (ck::CKA_EXTRACTABLE, false)];
const OPEN: Intention = &[(ck::CKA_EXTRACTABLE, true), (ck::CKA_DERIVE, true), (ck::CKA_SENSITIVE, false)];
const KEPT: Intention = &[(ck::CKA_SENSITIVE, false), (ck::CKA_EXTRACTABLE, false), (ck::CKA_DERIVE, true)];
const ASKING: Intention = &[(ck::CKA_SENSITIVE, true), (ck::CKA_EXTRACTABLE, true), (ck::CKA_WRAP_WITH_TRUSTED, true)];

/// A template of a new key.
pub fn birth(chance: &mut Chance, mut said: Said) -> Said {
    const INTENTIONS: [Intention; 9] =
        [NOTHING, GUARDED, GUARDED_BASE, WRAPPING, WRAPPING_PUBLIC, WRAPPING_BASE, OPEN, KEPT, ASKING];
    for (of, value) in chance.of(&INTENTIONS) {
        said = said.flag(*of, *value);
    }
    if chance.one_in(3) { change(chance, said) } else { said }
}

/// One to three attributes more or other.
pub fn change(chance: &mut Chance, mut said: Said) -> Said {
    for _ in 0..=chance.below(3) {
        let of = if chance.one_in(20) { chance.of(&OWN) } else { chance.of(&FLAGS) };
        said.0.retain(|(told, _)| *told != of);
        said = said.flag(of, chance.one_in(2));
    }
    said
}
