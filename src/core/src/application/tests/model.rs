//! What must hold whatever is called: the sticky attributes, and that nothing shows the value of a key that was guarded.
//! The model knows every such value in pieces of 8 bytes and looks for them in everything that leaves the token.

use super::{Bench, attributes};
use crate::attribute::{Answer, Attributes, Type, Value};
use cryptoki_sys as ck;
use sealhsm_seal::Who;
use std::collections::HashSet;

/// Parts of keys that must not be read.
const PARTS: [Type; 7] = [
    ck::CKA_VALUE,
    ck::CKA_PRIVATE_EXPONENT,
    ck::CKA_PRIME_1,
    ck::CKA_PRIME_2,
    ck::CKA_EXPONENT_1,
    ck::CKA_EXPONENT_2,
    ck::CKA_COEFFICIENT,
];
/// With `strict`, a key has usages of one of these only.
const PURPOSES: [&[Type]; 4] = [
    &[ck::CKA_ENCRYPT, ck::CKA_DECRYPT],
    &[ck::CKA_SIGN, ck::CKA_VERIFY, ck::CKA_SIGN_RECOVER, ck::CKA_VERIFY_RECOVER],
    &[ck::CKA_WRAP, ck::CKA_UNWRAP],
    &[ck::CKA_DERIVE, ck::CKA_ENCAPSULATE, ck::CKA_DECAPSULATE],
];
/// A guarded key is never cut shorter than this.
const SHORTEST: usize = 16;

/// The attributes that the rules are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags {
    pub sensitive: bool,
    pub extractable: bool,
    pub always_sensitive: bool,
    pub never_extractable: bool,
    pub wrap_with_trusted: bool,
    pub trusted: bool,
    pub private: bool,
    pub modifiable: bool,
    pub copyable: bool,
    pub destroyable: bool,
}

impl Flags {
    fn of(object: &Attributes) -> Flags {
        Flags {
            sensitive: object.is(ck::CKA_SENSITIVE),
            extractable: object.is(ck::CKA_EXTRACTABLE),
            always_sensitive: object.is(ck::CKA_ALWAYS_SENSITIVE),
            never_extractable: object.is(ck::CKA_NEVER_EXTRACTABLE),
            wrap_with_trusted: object.is(ck::CKA_WRAP_WITH_TRUSTED),
            trusted: object.is(ck::CKA_TRUSTED),
            private: object.is(ck::CKA_PRIVATE),
            modifiable: object.is(ck::CKA_MODIFIABLE),
            copyable: object.is(ck::CKA_COPYABLE),
            destroyable: object.is(ck::CKA_DESTROYABLE),
        }
    }

    fn guarded(self) -> bool {
        self.sensitive || !self.extractable
    }

    /// What may not get looser: panics if `after` is looser than `self`.
    fn must_not_loosen(self, after: Flags) {
        assert!(!self.sensitive || after.sensitive, "SENSITIVE is gone");
        assert!(self.extractable || !after.extractable, "EXTRACTABLE came back");
        assert!(!self.wrap_with_trusted || after.wrap_with_trusted, "WRAP_WITH_TRUSTED is gone");
        assert!(!self.private || after.private, "PRIVATE is gone");
        assert!(self.always_sensitive || !after.always_sensitive, "ALWAYS_SENSITIVE was gained");
        assert!(self.never_extractable || !after.never_extractable, "NEVER_EXTRACTABLE was gained");
        assert!(self.copyable || !after.copyable, "COPYABLE came back");
    }
}

/// An object that is there.
#[derive(Clone, Debug)]
pub struct Tracked {
    pub handle: u64,
    pub flags: Flags,
    pub usages: Vec<Type>,
    pub value: Vec<u8>,
    /// Its value may be in another object or outside, unguarded, by what was called before.
    pub spread: bool,
}

/// A wrapped key.
#[derive(Clone, Debug)]
pub struct Blob {
    pub bytes: Vec<u8>,
    pub way: usize,
    /// The key that is in it.
    pub flags: Flags,
    pub value: Vec<u8>,
}

/// Where a new key comes from.
pub enum Origin<'a> {
    Created,
    Generated,
    Copied(&'a Tracked),
    Unwrapped(Option<&'a Blob>),
    /// Derived in a way that shows these bases.
    Shows(&'a [Tracked]),
    /// Derived in one that does not.
    OneWay(&'a [Tracked]),
}

/// One sequence of calls on one application.
pub struct Model<'b> {
    pub bench: &'b Bench,
    pub who: Option<Who>,
    pub objects: Vec<Tracked>,
    pub blobs: Vec<Blob>,
    strict: bool,
    pieces: HashSet<u64>,
}

/// The usages that are true.
fn usages(key: &Attributes) -> Vec<Type> {
    PURPOSES.into_iter().flatten().copied().filter(|of| key.is(*of)).collect()
}

fn pieces(value: &[u8]) -> impl Iterator<Item = u64> + '_ {
    value.windows(8).map(|window| u64::from_le_bytes(window.try_into().unwrap()))
}

impl<'b> Model<'b> {
    pub fn new(bench: &'b Bench) -> Self {
        let strict = bench.app.shared.config.strict;
        Model { bench, who: None, objects: Vec::new(), blobs: Vec::new(), strict, pieces: HashSet::new() }
    }

    /// An object that is not of this sequence.
    pub fn tracking(&self, handle: u64, object: &crate::object::Object) -> Tracked {
        let key = attributes(object);
        Tracked { handle, flags: Flags::of(key), usages: usages(key), value: Vec::new(), spread: true }
    }

    /// Something that left the token.
    pub fn sees(&self, output: &[u8]) {
        assert!(!self.knows(output), "a guarded value in the output {output:02x?}");
    }

    /// Whether there is a guarded value in it.
    pub fn knows(&self, bytes: &[u8]) -> bool {
        !self.pieces.is_empty() && pieces(bytes).any(|piece| self.pieces.contains(&piece))
    }

    fn guard(&mut self, value: &[u8]) {
        self.pieces.extend(pieces(value));
    }

    /// Nobody gets the parts of this key.
    pub fn guard_parts(&mut self, key: &Attributes) {
        for of in PARTS {
            if let Some(Value::Secret(part)) = key.value(of) {
                self.guard(part.as_ref());
            }
        }
    }

    fn one_purpose(&self, key: &Attributes) {
        if self.strict {
            let purposes = PURPOSES.iter().filter(|usages| usages.iter().any(|of| key.is(*of))).count();
            assert!(purposes <= 1, "{purposes} purposes");
            assert!(
                !key.is(ck::CKA_WRAP) || key.is(ck::CKA_LOCAL) || key.is(ck::CKA_TRUSTED),
                "a foreign wrapping key"
            );
        }
    }

    pub fn tracked(&self, handle: u64) -> Option<&Tracked> {
        self.objects.iter().find(|object| object.handle == handle)
    }

    /// Its value may be elsewhere from now on.
    pub fn spread(&mut self, handle: u64) {
        if let Some(object) = self.objects.iter_mut().find(|object| object.handle == handle) {
            object.spread = true;
        }
    }

    /// A new key: its attributes follow from where it comes from, and it does not show what it must not.
    pub fn born(&mut self, handle: u64, origin: &Origin<'_>) {
        let object = self.bench.object(handle).expect("a new object");
        let key = attributes(&object);
        let flags = Flags::of(key);
        let value = key.bytes(ck::CKA_VALUE).unwrap_or_default().to_vec();
        if self.who != Some(Who::So) {
            assert!(!flags.trusted, "TRUSTED without the SO");
        }
        if self.who != Some(Who::User) {
            assert!(!flags.private, "a private object without the user");
        }
        let all = |bases: &[Tracked], of: fn(&Flags) -> bool| bases.iter().all(|base| of(&base.flags));
        let (always, never) = match origin {
            Origin::Created | Origin::Unwrapped(_) => (false, false),
            Origin::Generated => (flags.sensitive, !flags.extractable),
            Origin::Copied(base) => (base.flags.always_sensitive, base.flags.never_extractable),
            Origin::Shows(bases) | Origin::OneWay(bases) => (
                flags.sensitive && all(bases, |flags| flags.always_sensitive),
                !flags.extractable && all(bases, |flags| flags.never_extractable),
            ),
        };
        assert_eq!((flags.always_sensitive, flags.never_extractable), (always, never), "ALWAYS_ and NEVER_");
        match origin {
            Origin::Copied(base) => base.flags.must_not_loosen(flags),
            Origin::Unwrapped(Some(blob)) if blob.value == value => {
                assert!(!blob.flags.sensitive || flags.sensitive, "SENSITIVE lost by wrapping");
                assert!(!blob.flags.wrap_with_trusted || flags.wrap_with_trusted, "WRAP_WITH_TRUSTED lost by wrapping");
            }
            Origin::Shows(bases) => {
                for base in *bases {
                    assert!(!base.flags.sensitive || flags.sensitive, "SENSITIVE lost by derivation");
                    assert!(base.flags.extractable || !flags.extractable, "EXTRACTABLE gained by derivation");
                    assert!(!base.flags.wrap_with_trusted || flags.wrap_with_trusted, "WRAP_WITH_TRUSTED lost");
                    if self.knows(&base.value) {
                        assert!(value.len() >= SHORTEST.min(base.value.len()), "a guarded key cut to {}", value.len());
                        assert!(flags.guarded(), "a guarded key derived without its guard");
                    }
                }
            }
            _ => {}
        }
        let shows_guarded = matches!(origin, Origin::Shows(bases) if bases.iter().any(|base| self.knows(&base.value)));
        let fresh = matches!(origin, Origin::Created | Origin::Generated);
        if flags.guarded() && (fresh || shows_guarded && bases_len(origin) == value.len()) {
            self.guard_parts(key);
        }
        self.one_purpose(key);
        self.objects.push(Tracked { handle, flags, usages: usages(key), value, spread: !fresh });
        self.read(handle);
    }

    /// C_GetAttributeValue of everything that could be secret.
    pub fn read(&self, handle: u64) {
        let Ok(answers) = self.bench.app.attributes(self.bench.session, handle, &PARTS) else { return };
        let Some(known) = self.tracked(handle) else { return };
        for answer in answers {
            if let Answer::Value(value) = answer {
                assert!(!known.flags.guarded(), "a guarded value was read");
                self.sees(value.bytes().expect("bytes"));
            }
        }
    }

    /// After C_SetAttributeValue: only what may change has changed.
    pub fn changed(&mut self, handle: u64) {
        let object = self.bench.object(handle).expect("the object");
        let now = attributes(&object);
        let after = Flags::of(now);
        let Some(at) = self.objects.iter().position(|known| known.handle == handle) else { return };
        let known = &mut self.objects[at];
        known.flags.must_not_loosen(after);
        let never = |flags: Flags| (flags.private, flags.modifiable, flags.destroyable);
        assert_eq!(never(known.flags), never(after), "what only a copy may change");
        assert_eq!(known.flags.always_sensitive, after.always_sensitive);
        assert_eq!(known.flags.never_extractable, after.never_extractable);
        if self.who != Some(Who::So) {
            assert!(known.flags.trusted || !after.trusted, "TRUSTED without the SO");
        }
        let spent = self.strict && PURPOSES.into_iter().flatten().any(|of| now.is(*of) && !known.usages.contains(of));
        assert!(!spent, "strict, and a usage came back");
        let newly = after.guarded() && !known.flags.guarded() && !known.spread;
        known.flags = after;
        let known = &mut self.objects[at];
        known.usages = usages(now);
        if newly {
            // From now on nobody gets it.
            let value = known.value.clone();
            self.guard(&value);
        }
        self.read(handle);
    }

    /// Objects that are gone from the token are gone from here.
    pub fn forget_the_gone(&mut self) {
        let bench = self.bench;
        self.objects.retain(|known| bench.object(known.handle).is_some());
    }
}

fn bases_len(origin: &Origin<'_>) -> usize {
    match origin {
        Origin::Shows([base]) => base.value.len(),
        _ => 0,
    }
}
