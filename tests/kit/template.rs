//! Templates: `Template::new().class(CKO_DATA).label("x").token(true)`.

use cryptoki_sys as ck;
use std::ffi::c_void;

/// Attributes and their values, owned.
#[derive(Clone, Debug, Default)]
pub struct Template(Vec<(ck::CK_ATTRIBUTE_TYPE, Value)>);

#[derive(Clone, Debug)]
enum Value {
    Bytes(Vec<u8>),
    Nested(Template),
}

macro_rules! flags {
    ($($name:ident = $attribute:ident)*) => { $(
        #[doc = concat!("`", stringify!($attribute), "`")]
        pub fn $name(self, value: bool) -> Self {
            self.flag(ck::$attribute, value)
        }
    )* };
}

impl Template {
    /// Empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// A byte string.
    pub fn bytes(mut self, of: ck::CK_ATTRIBUTE_TYPE, value: impl AsRef<[u8]>) -> Self {
        self.0.push((of, Value::Bytes(value.as_ref().to_vec())));
        self
    }

    /// A number.
    pub fn ulong(self, of: ck::CK_ATTRIBUTE_TYPE, value: ck::CK_ULONG) -> Self {
        self.bytes(of, value.to_ne_bytes())
    }

    /// A boolean.
    pub fn flag(self, of: ck::CK_ATTRIBUTE_TYPE, value: bool) -> Self {
        self.bytes(of, [u8::from(value)])
    }

    /// A list of numbers.
    pub fn ulongs(self, of: ck::CK_ATTRIBUTE_TYPE, values: &[ck::CK_ULONG]) -> Self {
        self.bytes(of, values.iter().flat_map(|value| value.to_ne_bytes()).collect::<Vec<u8>>())
    }

    /// CKA_WRAP_TEMPLATE and its kin.
    pub fn nested(mut self, of: ck::CK_ATTRIBUTE_TYPE, template: Template) -> Self {
        self.0.push((of, Value::Nested(template)));
        self
    }

    /// `CKA_CLASS`
    pub fn class(self, class: ck::CK_OBJECT_CLASS) -> Self {
        self.ulong(ck::CKA_CLASS, class)
    }

    /// `CKA_KEY_TYPE`
    pub fn key_type(self, key_type: ck::CK_KEY_TYPE) -> Self {
        self.ulong(ck::CKA_KEY_TYPE, key_type)
    }

    /// `CKA_LABEL`
    pub fn label(self, label: &str) -> Self {
        self.bytes(ck::CKA_LABEL, label)
    }

    /// `CKA_ID`
    pub fn id(self, id: impl AsRef<[u8]>) -> Self {
        self.bytes(ck::CKA_ID, id)
    }

    flags! {
        token = CKA_TOKEN
        private = CKA_PRIVATE
        sensitive = CKA_SENSITIVE
        extractable = CKA_EXTRACTABLE
        modifiable = CKA_MODIFIABLE
    }

    /// Without an attribute.
    pub fn without(mut self, of: ck::CK_ATTRIBUTE_TYPE) -> Self {
        self.0.retain(|(kept, _)| *kept != of);
        self
    }

    /// Whether it names an attribute.
    pub fn has(&self, of: ck::CK_ATTRIBUTE_TYPE) -> bool {
        self.0.iter().any(|(said, _)| *said == of)
    }

    /// What it says of an attribute that is not a template.
    pub fn said(&self, of: ck::CK_ATTRIBUTE_TYPE) -> Option<&[u8]> {
        self.0.iter().find_map(|(said, value)| match value {
            Value::Bytes(bytes) if *said == of => Some(bytes.as_slice()),
            _ => None,
        })
    }

    /// All of both.
    pub fn and(mut self, more: &Template) -> Self {
        self.0.extend(more.0.iter().cloned());
        self
    }

    pub(crate) fn to_raw(&self) -> RawTemplate {
        let mut raw = RawTemplate { attributes: Vec::with_capacity(self.0.len()), nested: Vec::new() };
        for (of, value) in &self.0 {
            let (at, length) = match value {
                Value::Bytes(bytes) => (bytes.as_ptr() as *mut c_void, bytes.len()),
                Value::Nested(template) => {
                    let inner = template.to_raw();
                    let (at, count) = (inner.attributes.as_ptr() as *mut c_void, inner.attributes.len());
                    raw.nested.push(inner);
                    (at, count * size_of::<ck::CK_ATTRIBUTE>())
                }
            };
            raw.attributes.push(ck::CK_ATTRIBUTE { type_: *of, pValue: at, ulValueLen: length as ck::CK_ULONG });
        }
        raw
    }
}

/// The C form; points into the [`Template`] and into itself.
pub(crate) struct RawTemplate {
    attributes: Vec<ck::CK_ATTRIBUTE>,
    nested: Vec<RawTemplate>,
}

impl RawTemplate {
    pub(crate) fn pointer(&mut self) -> ck::CK_ATTRIBUTE_PTR {
        self.attributes.as_mut_ptr()
    }

    pub(crate) fn count(&self) -> ck::CK_ULONG {
        self.attributes.len() as ck::CK_ULONG
    }
}
