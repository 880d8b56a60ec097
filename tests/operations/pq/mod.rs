//! ML-DSA, SLH-DSA and the keys of ML-KEM (PKCS#11 3.2 sections 6.67 to 6.69) against independent implementations of
//! FIPS 203, 204 and 205: `known/` is what those computed, and `make.py` how.

mod keys;
mod parameters;
mod signatures;

use kit::{Judge, Object, Session, Template, ck, hex};
use serde_json::Value;

/// What the other implementations computed, set by set.
fn known(file: &str) -> Vec<Value> {
    let text = match file {
        "ml_kem" => include_str!("known/ml_kem.json"),
        "ml_dsa" => include_str!("known/ml_dsa.json"),
        _ => include_str!("known/slh_dsa.json"),
    };
    serde_json::from_str(text).expect("a list")
}

fn number(of: &Value, name: &str) -> ck::CK_ULONG {
    of[name].as_u64().expect("a number") as ck::CK_ULONG
}

fn bytes(of: &Value, name: &str) -> Vec<u8> {
    hex(of[name].as_str().expect("hexadecimal digits"))
}

/// The digest of the `openssl` command.
fn sha256(data: &[u8]) -> Vec<u8> {
    Judge::new().digests("-sha256", data)
}

/// Class, type and parameter set of a key to be created; what is private can be read.
fn half(class: ck::CK_OBJECT_CLASS, key_type: ck::CK_KEY_TYPE, set: ck::CK_ULONG) -> Template {
    let key = Template::new().class(class).key_type(key_type).ulong(ck::CKA_PARAMETER_SET, set);
    if class == ck::CKO_PRIVATE_KEY { key.sensitive(false).extractable(true) } else { key }
}

/// Both halves of the key that a SubjectPublicKeyInfo ends with the public part of.
fn pair(session: &Session<'_>, key_type: ck::CK_KEY_TYPE, set: ck::CK_ULONG, private: &Template) -> (Object, Object) {
    let private = session.create(&half(ck::CKO_PRIVATE_KEY, key_type, set).and(private)).unwrap();
    let info = session.public_key_info(private);
    let public = public_part(&info);
    let public = half(ck::CKO_PUBLIC_KEY, key_type, set).bytes(ck::CKA_VALUE, public);
    (session.create(&public).unwrap(), private)
}

/// What stands in the BIT STRING of a SubjectPublicKeyInfo without parameters.
fn public_part(info: &[u8]) -> &[u8] {
    // SEQUENCE { SEQUENCE { OID of 11 bytes }, BIT STRING }
    let header = |at: &[u8]| if at[1] < 0x80 { 2 } else { 2 + usize::from(at[1] & 0x7f) };
    let algorithm = &info[header(info)..];
    assert_eq!(algorithm[..4], [0x30, 11, 6, 9]);
    let bits = &algorithm[13..];
    assert_eq!((bits[0], bits[header(bits)]), (3, 0));
    &bits[header(bits) + 1..]
}
