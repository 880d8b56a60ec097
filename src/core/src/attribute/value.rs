//! Attribute values in Rust's types, and the set of them that makes an object.
//! The bytes of the C API are the module's business, those on disk `codec`'s.

use cryptoki_sys as ck;
use sealhsm_secret::Secret;

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
    Template(Attributes),
}

impl Value {
    /// An explicit copy; a secret in it is copied too.
    pub fn duplicate(&self) -> Value {
        match self {
            Value::Bool(b) => Value::Bool(*b),
            Value::Ulong(u) => Value::Ulong(*u),
            Value::Bytes(b) => Value::Bytes(b.clone()),
            Value::Secret(s) => Value::Secret(s.duplicate()),
            Value::Ulongs(l) => Value::Ulongs(l.clone()),
            Value::Template(t) => Value::Template(t.duplicate()),
        }
    }

    /// Equality of contents; secrets in constant time.
    pub fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Ulong(a), Value::Ulong(b)) => a == b,
            (Value::Ulongs(a), Value::Ulongs(b)) => a == b,
            (Value::Template(a), Value::Template(b)) => a.same(b),
            _ => match (self.bytes(), other.bytes()) {
                (Some(a), Some(b)) => a.len() == b.len() && a.iter().zip(b).fold(0, |acc, (x, y)| acc | (x ^ y)) == 0,
                _ => false,
            },
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

/// A set of attributes: an object, or a checked template. In the order of their types, in one block of memory: objects
/// have some forty, most of them a word long.
#[derive(Debug, Default)]
pub struct Attributes(Vec<(Type, Value)>);

/// More attributes than most keys have.
const ROOM: usize = 56;

impl Attributes {
    /// No attributes.
    pub fn new() -> Self {
        Self::default()
    }
    /// The value of an attribute, if present.
    pub fn value(&self, of: Type) -> Option<&Value> {
        self.place(of).ok().map(|at| &self.0[at].1)
    }
    /// Where it is, or where it would be.
    fn place(&self, of: Type) -> Result<usize, usize> {
        self.0.binary_search_by_key(&of, |(present, _)| *present)
    }
    /// Whether it is present.
    pub fn has(&self, of: Type) -> bool {
        self.place(of).is_ok()
    }
    /// Sets or replaces.
    pub fn set(&mut self, of: Type, value: Value) {
        match self.place(of) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (of, value)),
        }
    }
    /// Takes what is missing from `others`, which come in the order of their types.
    pub fn complete(&mut self, others: impl Iterator<Item = (Type, Value)>) {
        let mut given = std::mem::take(&mut self.0).into_iter();
        let mut all = Vec::with_capacity(ROOM);
        for other in others {
            let before = given.as_slice().iter().take_while(|(of, _)| *of < other.0).count();
            all.extend(given.by_ref().take(before));
            match given.as_slice().first() {
                Some((of, _)) if *of == other.0 => all.extend(given.next()),
                _ => all.push(other),
            }
        }
        all.extend(given);
        self.0 = all;
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
        self.place(of).ok().map(|at| self.0.remove(at).1)
    }
    /// The boolean, false when absent.
    pub fn is(&self, of: Type) -> bool {
        matches!(self.value(of), Some(Value::Bool(true)))
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
    /// The values, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Type, &mut Value)> {
        self.0.iter_mut().map(|(t, v)| (*t, v))
    }
    /// All of them in the order of their types.
    pub fn iter(&self) -> impl Iterator<Item = (Type, &Value)> {
        self.0.iter().map(|(t, v)| (*t, v))
    }
    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// An explicit copy, secrets too.
    pub fn duplicate(&self) -> Self {
        Self(self.0.iter().map(|(t, v)| (*t, v.duplicate())).collect())
    }
    /// Equality of contents.
    pub fn same(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|((t, a), (u, b))| t == u && a.same(b))
    }
    /// Takes everything from `other`, which wins.
    pub fn absorb(&mut self, other: Attributes) {
        for (of, value) in other.0 {
            self.set(of, value);
        }
    }
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
