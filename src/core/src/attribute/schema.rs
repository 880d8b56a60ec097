//! The rows of one kind of object, put in order for all who look something up in them.

use super::flags::Flags;
use super::kind::kind;
use super::rules::{Fallback, Need, Rule};
use super::{Type, Value};
use cryptoki_sys as ck;

/// One kind of object: its class, its type within the class, and the rows that apply, in the order of the attributes.
#[derive(Debug)]
pub struct Schema {
    /// CKO_.
    pub class: u64,
    /// CKK_ or CKC_; `None` for classes without types.
    pub subtype: Option<u64>,
    /// The booleans that are something when nobody says them. See also [`Fallback::TrueUnwrapped`].
    pub flags: Flags,
    /// For C_CreateObject, for generation, and for unwrapping, derivation and KEM: the rows that a template must have,
    /// as the bits of their places.
    pub required: [u64; 3],
    attributes: [Type; MOST],
    rules: [&'static Rule; MOST],
    defaults: [Option<&'static Value>; MOST],
    count: usize,
    /// The place of an attribute by its [`slot`].
    places: [u8; SLOTS],
}

/// More rows than a kind of object has.
const MOST: usize = 64;

impl Schema {
    /// Sorts the rows once for all, when this is compiled.
    pub const fn new(class: u64, subtype: Option<u64>, sections: &[&'static [Rule]]) -> Schema {
        let mut schema = Schema {
            class,
            subtype,
            flags: Flags::NONE,
            required: [0; 3],
            attributes: [0; MOST],
            rules: [&sections[0][0]; MOST],
            defaults: [None; MOST],
            count: 0,
            places: [u8::MAX; SLOTS],
        };
        let mut section = 0;
        while section < sections.len() {
            let mut row = 0;
            while row < sections[section].len() {
                let rule = &sections[section][row];
                let mut at = schema.count;
                while at > 0 && schema.attributes[at - 1] > rule.attribute {
                    schema.attributes[at] = schema.attributes[at - 1];
                    schema.rules[at] = schema.rules[at - 1];
                    at -= 1;
                }
                schema.attributes[at] = rule.attribute;
                schema.rules[at] = rule;
                schema.count += 1;
                row += 1;
            }
            section += 1;
        }
        let (mut at, numbers) = (0, numbers());
        while at < schema.count {
            let rule = schema.rules[at];
            schema.places[numbers[(rule.attribute & !ck::CKF_ARRAY_ATTRIBUTE) as usize] as usize] = at as u8;
            let flag = match rule.fallback {
                Fallback::Absent => None,
                Fallback::Empty | Fallback::Number(_) => {
                    schema.defaults[at] = Some(&rule.usual);
                    None
                }
                Fallback::True => Some(true),
                Fallback::False | Fallback::TrueUnwrapped => Some(false),
                Fallback::TrueFor(types) => Some(contains(types, subtype)),
            };
            if let Some(flag) = flag {
                assert!(schema.flags.set(rule.attribute, flag), "a fallback for booleans only");
            }
            let needs = [rule.create, rule.generate, rule.unwrap];
            let mut need = 0;
            while need < needs.len() {
                schema.required[need] |= (matches!(needs[need], Need::Required) as u64) << at;
                need += 1;
            }
            at += 1;
        }
        schema
    }

    /// The place of the row of an attribute, if objects of this kind have it.
    pub fn place(&self, of: Type) -> Option<usize> {
        let place = usize::from(self.places[slot(of)]);
        (place < self.count && self.attributes[place] == of).then_some(place)
    }

    /// The row of an attribute, if objects of this kind have it.
    pub fn rule(&self, of: Type) -> Option<&'static Rule> {
        self.place(of).map(|at| self.rules[at])
    }

    /// What an attribute that is no boolean is when nobody says it.
    pub fn default(&self, of: Type) -> Option<&'static Value> {
        self.place(of).and_then(|at| self.defaults[at])
    }

    /// Every such attribute in order.
    pub fn defaults(&self) -> impl Iterator<Item = (Type, &Value)> {
        let all = self.attributes[..self.count].iter().zip(&self.defaults);
        all.filter_map(|(of, value)| Some((*of, (*value)?)))
    }

    /// Every row, in order.
    pub fn rules(&self) -> &[&'static Rule] {
        &self.rules[..self.count]
    }
}

/// More than the types of attributes that are kept here.
const SLOTS: usize = 160;
/// Larger than all of them without [`ck::CKF_ARRAY_ATTRIBUTE`].
const END: usize = 0x640;

/// A small number for every type of attribute; what is not kept here shares one with others.
fn slot(of: Type) -> usize {
    let of = (of & !ck::CKF_ARRAY_ATTRIBUTE) as usize;
    usize::from(*NUMBERS.get(of).unwrap_or(&0))
}

static NUMBERS: [u8; END] = numbers();

const fn numbers() -> [u8; END] {
    let (mut all, mut of, mut next) = ([0; END], 0, 1);
    while of < END {
        if kind(of as Type).is_some() || kind(of as Type | ck::CKF_ARRAY_ATTRIBUTE).is_some() {
            assert!(next < SLOTS);
            all[of] = next as u8;
            next += 1;
        }
        of += 1;
    }
    all
}

const fn contains(types: &[u64], wanted: Option<u64>) -> bool {
    let mut at = 0;
    while at < types.len() {
        if matches!(wanted, Some(wanted) if wanted == types[at]) {
            return true;
        }
        at += 1;
    }
    false
}
