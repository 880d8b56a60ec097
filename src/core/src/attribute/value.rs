//! Attribute values in Rust's types, and the set of them that makes an object.
//! The bytes of the C API are the module's business, those on disk `codec`'s.

use super::Counter;
use super::flags::{self, Flags};
use super::rules::Schema;
use cryptoki_sys as ck;
use sealhsm_secret::Secret;
use std::borrow::Cow;
use std::sync::OnceLock;
use uuid::Uuid;

/// CK_ATTRIBUTE_TYPE.
pub type Type = ck::CK_ATTRIBUTE_TYPE;

/// The value of one attribute.
#[derive(Debug)]
pub enum Value {
    /// CK_BBOOL.
    Bool(bool),
    /// CK_ULONG and everything of its shape (class, key type, lengths).
    Ulong(u64),
    /// Byte strings, big integers, RFC 2279 strings, dates (0 or 8 bytes).
    Bytes(Vec<u8>),
    /// The parts of a key that CKA_SENSITIVE and CKA_EXTRACTABLE guard.
    Secret(Secret),
    /// CKA_ALLOWED_MECHANISMS.
    Ulongs(Vec<u64>),
    /// CKA_WRAP_TEMPLATE and its kin.
    Template(Box<Attributes>),
    /// CKA_OTP_COUNTER of a session key.
    Counter(Box<Counter>),
    /// CKA_UNIQUE_ID of a session object, which is seldom read: written out only then.
    Uuid(Uuid),
}

static TRUE: Value = Value::Bool(true);
static FALSE: Value = Value::Bool(false);

impl Value {
    /// CK_TRUE or CK_FALSE.
    pub fn of_flag(flag: bool) -> &'static Value {
        if flag { &TRUE } else { &FALSE }
    }

    /// An explicit copy; a secret in it is copied too, a counter or UUID as the bytes that it is now.
    pub fn duplicate(&self) -> Value {
        match self {
            Value::Bool(b) => Value::Bool(*b),
            Value::Ulong(u) => Value::Ulong(*u),
            Value::Bytes(b) => Value::Bytes(b.clone()),
            Value::Secret(s) => Value::Secret(s.duplicate()),
            Value::Ulongs(l) => Value::Ulongs(l.clone()),
            Value::Template(t) => Value::Template(Box::new(t.duplicate())),
            Value::Counter(_) | Value::Uuid(_) => Value::Bytes(self.octets().unwrap_or_default().into_owned()),
        }
    }

    /// Equality of contents; secrets in constant time.
    pub fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Ulong(a), Value::Ulong(b)) => a == b,
            (Value::Ulongs(a), Value::Ulongs(b)) => a == b,
            (Value::Template(a), Value::Template(b)) => a.same(b),
            _ => match (self.octets(), other.octets()) {
                (Some(a), Some(b)) => a.len() == b.len() && a.iter().zip(&*b).fold(0, |acc, (x, y)| acc | (x ^ y)) == 0,
                _ => false,
            },
        }
    }

    /// The byte string of every kind that is one.
    pub fn octets(&self) -> Option<Cow<'_, [u8]>> {
        match self {
            Value::Counter(c) => Some(c.bytes().to_vec().into()),
            Value::Uuid(u) => Some(u.to_string().into_bytes().into()),
            _ => self.bytes().map(Cow::Borrowed),
        }
    }

    /// The byte string of `Bytes` or `Secret`.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Bytes(b) => Some(b),
            Value::Secret(s) => Some(s.as_ref()),
            _ => None,
        }
    }
}

/// A set of attributes: an object, or a checked template. What was said or computed is kept, booleans as bits and the
/// others in the order of the types, in one block of memory; most of what an object has is what its schema says, and is
/// not kept.
#[derive(Debug, Default)]
pub struct Attributes {
    flags: Flags,
    said: Vec<(Type, Value)>,
    rest: Option<&'static Schema>,
    check: Option<Later>,
}

/// A value that is computed when somebody asks for it.
#[derive(Debug)]
struct Later {
    compute: Compute,
    value: OnceLock<Option<Box<Value>>>,
}

/// Computes an attribute from the others.
pub type Compute = fn(&Attributes) -> Option<Value>;

/// Room for what is computed of a key.
const ROOM: usize = 8;

impl Attributes {
    /// No attributes.
    pub fn new() -> Self {
        Self::default()
    }
    /// None, with room for those of a key and `more`.
    pub fn with_room(more: usize) -> Self {
        Attributes { said: Vec::with_capacity(ROOM + more), ..Self::default() }
    }
    /// The value of an attribute, if present.
    pub fn value(&self, of: Type) -> Option<&Value> {
        if flags::is(of) {
            if let Some(flag) = self.flags().get(of) {
                return Some(Value::of_flag(flag));
            }
        }
        match self.place(of) {
            Ok(at) => Some(&self.said[at].1),
            Err(_) if of == ck::CKA_CHECK_VALUE => self.check_value(),
            Err(_) => self.rest.and_then(|schema| schema.default(of)),
        }
    }
    /// The booleans, said or not.
    fn flags(&self) -> Flags {
        self.rest.map_or(self.flags, |schema| self.flags.or(schema.flags))
    }
    fn check_value(&self) -> Option<&Value> {
        let Later { compute, value } = self.check.as_ref()?;
        value.get_or_init(|| compute(self).map(Box::new)).as_deref()
    }
    /// Where it is, or where it would be.
    fn place(&self, of: Type) -> Result<usize, usize> {
        self.said.binary_search_by_key(&of, |(present, _)| *present)
    }
    /// Whether it is present.
    pub fn has(&self, of: Type) -> bool {
        self.value(of).is_some()
    }
    /// Sets or replaces.
    pub fn set(&mut self, of: Type, value: Value) {
        if let Value::Bool(value) = value {
            if self.flags.set(of, value) {
                return;
            }
        }
        match self.place(of) {
            Ok(at) => self.said[at].1 = value,
            Err(at) => self.said.insert(at, (of, value)),
        }
    }
    /// From here on, what nobody says is what the schema says.
    pub fn complete(&mut self, schema: &'static Schema) {
        self.rest = Some(schema);
    }
    /// CKA_CHECK_VALUE is what this computes, when it is first asked for: few ask, and it takes longer than all else
    /// that is computed for a secret key. Said is said: then it is not asked for.
    pub fn check_later(&mut self, compute: Compute) {
        self.check = Some(Later { compute, value: OnceLock::new() });
    }
    /// Sets a boolean.
    pub fn set_bool(&mut self, of: Type, value: bool) {
        self.set(of, Value::Bool(value));
    }
    /// Sets a number.
    pub fn set_ulong(&mut self, of: Type, value: u64) {
        self.set(of, Value::Ulong(value));
    }
    /// Sets a byte string.
    pub fn set_bytes(&mut self, of: Type, value: impl Into<Vec<u8>>) {
        self.set(of, Value::Bytes(value.into()));
    }
    /// Sets a sensitive byte string.
    pub fn set_secret(&mut self, of: Type, value: Secret) {
        self.set(of, Value::Secret(value));
    }
    /// Takes an attribute away.
    pub fn remove(&mut self, of: Type) -> Option<Value> {
        let unsaid = |schema: &Schema| schema.flags.get(of).is_some() || schema.default(of).is_some();
        if self.rest.is_some_and(unsaid) || of == ck::CKA_CHECK_VALUE && self.check.is_some() {
            let mut whole = Attributes::new();
            self.iter().for_each(|(of, value)| whole.set(of, value.duplicate()));
            *self = whole;
        }
        if let Some(was) = self.flags.remove(of) {
            return Some(Value::Bool(was));
        }
        self.place(of).ok().map(|at| self.said.remove(at).1)
    }
    /// The boolean, false when absent.
    pub fn is(&self, of: Type) -> bool {
        self.flags().get(of) == Some(true)
    }
    /// The number, if present and a number.
    pub fn ulong(&self, of: Type) -> Option<u64> {
        match self.value(of) {
            Some(Value::Ulong(u)) => Some(*u),
            _ => None,
        }
    }
    /// The bytes, if present and bytes (sensitive or not).
    pub fn bytes(&self, of: Type) -> Option<&[u8]> {
        self.value(of).and_then(Value::bytes)
    }
    /// What was said or computed, in the order of the types.
    pub fn said(&self) -> impl Iterator<Item = (Type, &Value)> {
        merged(all_flags(self.flags), self.said.iter().map(|(t, v)| (*t, v)))
    }
    /// Those of it that are no booleans, to be changed.
    pub fn said_mut(&mut self) -> impl Iterator<Item = (Type, &mut Value)> {
        self.said.iter_mut().map(|(t, v)| (*t, v))
    }
    /// All of them in the order of their types.
    pub fn iter(&self) -> impl Iterator<Item = (Type, &Value)> {
        let check = self.value(ck::CKA_CHECK_VALUE).map(|value| (ck::CKA_CHECK_VALUE, value));
        let rest = merged(check.into_iter(), self.rest.into_iter().flat_map(Schema::defaults));
        merged(all_flags(self.flags()), merged(self.said.iter().map(|(t, v)| (*t, v)), rest))
    }
    /// How many.
    pub fn len(&self) -> usize {
        self.iter().count()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
    /// An explicit copy, secrets too.
    pub fn duplicate(&self) -> Self {
        let check = self.check.as_ref().map(|later| Later { compute: later.compute, value: OnceLock::new() });
        let said = self.said.iter().map(|(t, v)| (*t, v.duplicate())).collect();
        Self { flags: self.flags, said, rest: self.rest, check }
    }
    /// Equality of contents.
    pub fn same(&self, other: &Self) -> bool {
        let (mut ours, mut theirs) = (self.iter(), other.iter());
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some((t, a)), Some((u, b))) if t == u && a.same(b) => {}
                _ => return false,
            }
        }
    }
    /// Takes everything that `other` says, which wins.
    pub fn absorb(&mut self, other: Attributes) {
        self.flags = other.flags.or(self.flags);
        for (of, value) in other.said {
            self.set(of, value);
        }
    }
}

/// Booleans as attributes.
fn all_flags<'a>(flags: Flags) -> impl Iterator<Item = (Type, &'a Value)> {
    flags.iter().map(|(of, value)| (of, Value::of_flag(value)))
}

/// Two lists in the order of the types as one; the first wins.
fn merged<'a>(
    first: impl Iterator<Item = (Type, &'a Value)>,
    second: impl Iterator<Item = (Type, &'a Value)>,
) -> impl Iterator<Item = (Type, &'a Value)> {
    let (mut first, mut second) = (first.peekable(), second.peekable());
    std::iter::from_fn(move || {
        let next = first.peek().map(|(of, _)| *of);
        match second.next_if(|(of, _)| next.is_none_or(|next| *of <= next)) {
            Some((of, value)) if Some(of) != next => Some((of, value)),
            _ => first.next(),
        }
    })
}

/// A template as the caller gave it: types and raw bytes, nothing checked yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Template<'a>(pub Vec<(Type, Raw<'a>)>);

/// One value of a caller's template.
#[derive(Debug, PartialEq, Eq)]
pub enum Raw<'a> {
    /// The bytes at `pValue`.
    Bytes(&'a [u8]),
    /// The nested CK_ATTRIBUTE array of CKA_WRAP_TEMPLATE and its kin, already walked.
    Nested(Template<'a>),
}

/// One answer of C_GetAttributeValue.
#[derive(Debug)]
pub enum Answer {
    /// It may be read.
    Value(Value),
    /// It exists and may not be read: CKR_ATTRIBUTE_SENSITIVE.
    Sensitive,
    /// The object has no such attribute: CKR_ATTRIBUTE_TYPE_INVALID.
    Absent,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::rules;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn aes() -> Attributes {
        let mut key = Attributes::new();
        key.set_ulong(ck::CKA_CLASS, ck::CKO_SECRET_KEY);
        key.set_bool(ck::CKA_SIGN, false);
        key.set_bytes(ck::CKA_ID, [1]);
        key.complete(rules::find(ck::CKO_SECRET_KEY, Some(ck::CKK_AES)).unwrap());
        key
    }

    #[test]
    fn what_nobody_says_is_what_the_schema_says() {
        let key = aes();
        assert!(key.is(ck::CKA_ENCRYPT) && !key.is(ck::CKA_SIGN) && key.has(ck::CKA_SIGN) && !key.is(ck::CKA_TOKEN));
        assert_eq!((key.bytes(ck::CKA_ID), key.bytes(ck::CKA_LABEL)), (Some(&[1][..]), Some(&b""[..])));
        assert_eq!(key.ulong(ck::CKA_KEY_GEN_MECHANISM), Some(ck::CK_UNAVAILABLE_INFORMATION));
        assert!(!key.has(ck::CKA_VALUE) && !key.has(ck::CKA_MODULUS));
        // Every one once, in order, as it is when asked for.
        let types: Vec<Type> = key.iter().map(|(of, _)| of).collect();
        assert!(types.is_sorted_by(|a, b| a < b));
        assert!(key.iter().all(|(of, value)| key.value(of).is_some_and(|same| same.same(value))));
        let schema = rules::find(ck::CKO_SECRET_KEY, Some(ck::CKK_AES)).unwrap();
        let there = |rule: &&&rules::Rule| rule.fallback != rules::Fallback::Absent;
        // CKA_CLASS is said and has no fallback.
        assert_eq!(key.len(), 1 + schema.rules().iter().filter(there).count());
        assert_eq!(key.said().map(|(of, _)| of).collect::<Vec<_>>(), [ck::CKA_CLASS, ck::CKA_ID, ck::CKA_SIGN]);
    }

    #[test]
    fn what_is_taken_away_is_gone_whoever_said_it() {
        for of in [ck::CKA_CLASS, ck::CKA_ID, ck::CKA_SIGN, ck::CKA_LABEL, ck::CKA_ENCRYPT] {
            let (mut key, before) = (aes(), aes());
            assert!(key.remove(of).is_some_and(|was| was.same(before.value(of).unwrap())), "{of:#x}");
            assert!(!key.has(of) && key.remove(of).is_none());
            assert!(
                before
                    .iter()
                    .filter(|(other, _)| *other != of)
                    .all(|(other, value)| { key.value(other).is_some_and(|same| same.same(value)) })
            );
            assert_eq!(key.len() + 1, before.len());
        }
    }

    #[test]
    fn two_are_the_same_whatever_was_said_in_words() {
        let (key, mut spoken) = (aes(), Attributes::new());
        key.iter().for_each(|(of, value)| spoken.set(of, value.duplicate()));
        assert!(key.same(&spoken) && spoken.same(&key) && key.duplicate().same(&key));
        spoken.set_bool(ck::CKA_TOKEN, true);
        assert!(!key.same(&spoken));
        let mut changed = key.duplicate();
        changed.absorb(spoken);
        assert!(changed.is(ck::CKA_TOKEN) && !key.is(ck::CKA_TOKEN));
    }

    static ASKED: AtomicU32 = AtomicU32::new(0);

    #[test]
    fn a_check_value_is_computed_once_when_it_is_asked_for_and_not_where_one_is_said() {
        let compute: Compute = |key| {
            ASKED.fetch_add(1, Ordering::SeqCst);
            Some(Value::Bytes(key.bytes(ck::CKA_ID)?.to_vec()))
        };
        let mut key = aes();
        key.check_later(compute);
        assert!(!key.is(ck::CKA_SIGN) && key.bytes(ck::CKA_LABEL) == Some(b"") && key.duplicate().is(ck::CKA_ENCRYPT));
        assert_eq!(ASKED.load(Ordering::SeqCst), 0);
        assert_eq!((key.bytes(ck::CKA_CHECK_VALUE), key.bytes(ck::CKA_CHECK_VALUE)), (Some(&[1][..]), Some(&[1][..])));
        assert!(key.iter().any(|(of, _)| of == ck::CKA_CHECK_VALUE));
        assert_eq!(ASKED.load(Ordering::SeqCst), 1);
        let mut without = key.duplicate();
        assert!(without.remove(ck::CKA_CHECK_VALUE).is_some() && !without.has(ck::CKA_CHECK_VALUE));
        assert_eq!(ASKED.swap(1, Ordering::SeqCst), 2);
        key.set_bytes(ck::CKA_CHECK_VALUE, []);
        let copy = key.duplicate();
        assert_eq!((key.bytes(ck::CKA_CHECK_VALUE), copy.bytes(ck::CKA_CHECK_VALUE)), (Some(&b""[..]), Some(&b""[..])));
        assert_eq!(copy.iter().filter(|(of, _)| *of == ck::CKA_CHECK_VALUE).count(), 1);
        assert_eq!(ASKED.load(Ordering::SeqCst), 1);
    }
}
