//! What the index says of an object: the attributes that searches name, never a guarded one, in the encoding of
//! `attribute::codec`. Records stay encoded in memory; a search reads them in place.

use crate::Error;
use crate::attribute::{Attributes, Type, Value, codec};
use cryptoki_sys as ck;

/// The attributes a record holds when the object has them. A search that names any other opens the envelope.
const RECORDED: &[Type] = &[
    ck::CKA_CLASS,
    ck::CKA_PRIVATE,
    ck::CKA_LABEL,
    ck::CKA_APPLICATION,
    ck::CKA_OBJECT_ID,
    ck::CKA_CERTIFICATE_TYPE,
    ck::CKA_ISSUER,
    ck::CKA_SERIAL_NUMBER,
    ck::CKA_TRUSTED,
    ck::CKA_CERTIFICATE_CATEGORY,
    ck::CKA_KEY_TYPE,
    ck::CKA_SUBJECT,
    ck::CKA_ID,
    ck::CKA_SENSITIVE,
    ck::CKA_ENCRYPT,
    ck::CKA_DECRYPT,
    ck::CKA_WRAP,
    ck::CKA_UNWRAP,
    ck::CKA_SIGN,
    ck::CKA_VERIFY,
    ck::CKA_DERIVE,
    ck::CKA_EXTRACTABLE,
    ck::CKA_LOCAL,
    ck::CKA_MODULUS_BITS,
    ck::CKA_EC_PARAMS,
];

/// The record of an object.
pub fn encode(object: &Attributes) -> Result<Vec<u8>, Error> {
    let mut record = Attributes::new();
    for of in RECORDED {
        match object.value(*of) {
            // Guarded values never reach the index, whatever their type.
            Some(Value::Secret(_)) | None => {}
            Some(value) => record.set(*of, value.duplicate()),
        }
    }
    codec::encode_plain(&record)
}

/// What a record knows of an attribute.
pub enum Known {
    /// The object has it, with this value.
    Value(Value),
    /// The object has no such attribute.
    Absent,
    /// Records do not hold this attribute: ask the object.
    Unknown,
}

/// The byte string that a record has of an attribute.
pub fn bytes(record: &[u8], of: Type) -> Option<&[u8]> {
    codec::find_bytes(record, of)
}

/// Reads one attribute from a record.
pub fn look(record: &[u8], of: Type) -> Known {
    if !RECORDED.contains(&of) {
        return Known::Unknown;
    }
    match codec::find(record, of) {
        Some(value) => Known::Value(value),
        None => Known::Absent,
    }
}
