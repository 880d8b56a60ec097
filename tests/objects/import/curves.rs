//! Keys on elliptic curves: points in every form that clients send, and none that is not on its curve.

use crate::import::{is_from_outside, never_was_hidden};
use kit::{Mechanism, Object, Result, Session, Template, ck, curve, hex, isolated};

/// The P-256 key of RFC 6979, appendix A.2.5.
const SECRET: &str = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
const X: &str = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6";
const Y: &str = "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
/// The order of P-256.
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

fn template(class: ck::CK_OBJECT_CLASS, key_type: ck::CK_KEY_TYPE, params: &[u8]) -> Template {
    Template::new().class(class).key_type(key_type).bytes(ck::CKA_EC_PARAMS, params)
}

fn public(session: &Session<'_>, point: &[u8]) -> Result<Object> {
    session.create(&template(ck::CKO_PUBLIC_KEY, ck::CKK_EC, curve::P256).bytes(ck::CKA_EC_POINT, point))
}

fn private(session: &Session<'_>, value: &[u8], point: Option<&[u8]>) -> Result<Object> {
    let key = template(ck::CKO_PRIVATE_KEY, ck::CKK_EC, curve::P256).sensitive(false).extractable(true);
    let key = key.bytes(ck::CKA_VALUE, value);
    session.create(&point.into_iter().fold(key, |key, point| key.bytes(ck::CKA_EC_POINT, point)))
}

/// An OCTET STRING around it.
fn wrapped(point: &[u8]) -> Vec<u8> {
    [&[4, point.len() as u8], point].concat()
}

fn uncompressed() -> Vec<u8> {
    hex(&format!("04{X}{Y}"))
}

#[test]
fn a_point_may_be_raw_or_wrapped_whole_or_compressed_and_is_kept_in_one_form() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        // The last bit of Y is 1.
        let (whole, compressed) = (uncompressed(), hex(&format!("03{X}")));
        for point in [&whole, &wrapped(&whole), &compressed, &wrapped(&compressed)] {
            let key = public(&session, point).unwrap();
            is_from_outside(&session, key);
            assert_eq!(session.bytes(key, ck::CKA_EC_POINT).unwrap(), wrapped(&whole));
            assert!(session.public_key_info(key).ends_with(&whole));
            let secret = private(&session, &hex(SECRET), Some(point)).unwrap();
            assert_eq!(session.public_key_info(secret), session.public_key_info(key));
        }
        let secret = private(&session, &hex(SECRET), None).unwrap();
        never_was_hidden(&session, secret);
        assert_eq!(session.bytes(secret, ck::CKA_EC_POINT).unwrap(), wrapped(&whole));
        let sha256 = Mechanism::plain(ck::CKM_ECDSA_SHA256);
        let signature = session.sign_with(&sha256, secret, b"data").unwrap();
        session.verify_with(&sha256, public(&session, &whole).unwrap(), b"data", &signature).unwrap();
    });
}

#[test]
fn what_is_not_a_point_of_the_curve_is_no_public_key() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let whole = uncompressed();
        let mut off = whole.clone();
        off[64] ^= 1;
        // x = 1 has no y on P-256; the coordinates of a point may not be as large as the field.
        let no_y = [vec![2], vec![0; 31], vec![1]].concat();
        let large = [vec![4], vec![0xff; 64]].concat();
        let hybrid = [&[7], &whole[1..]].concat();
        let generator_of_p384 = vec![4; 97];
        for point in [
            &off,
            &wrapped(&off),
            &hybrid,
            &wrapped(&hybrid),
            &large,
            &no_y,
            &vec![0],
            &wrapped(&[0]),
            &vec![4; 1],
            &whole[..64].to_vec(),
            &[&whole[..], &[0]].concat(),
            &wrapped(&whole[..64]),
            &[wrapped(&whole), vec![0]].concat(),
            &[vec![5], wrapped(&whole)[1..].to_vec()].concat(),
            &[vec![4, 0x81, 65], whole[..64].to_vec()].concat(),
            &vec![4, 0x84, 0xff, 0xff, 0xff, 0xff],
            &generator_of_p384,
            &vec![0; 65],
        ] {
            assert_eq!(public(&session, point).unwrap_err(), ck::CKR_PUBLIC_KEY_INVALID, "{point:02x?}");
        }
        for (params, code) in [
            ("06052b81040010", ck::CKR_CURVE_NOT_SUPPORTED),
            ("06032b6570", ck::CKR_CURVE_NOT_SUPPORTED),
            ("0500", ck::CKR_DOMAIN_PARAMS_INVALID),
            ("ffff", ck::CKR_DOMAIN_PARAMS_INVALID),
        ] {
            let key = template(ck::CKO_PUBLIC_KEY, ck::CKK_EC, &hex(params)).bytes(ck::CKA_EC_POINT, &whole);
            assert_eq!(session.create(&key).unwrap_err(), code, "{params}");
        }
    });
}

#[test]
fn a_private_value_lies_between_1_and_the_order() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let order = hex(ORDER);
        let mut last = order.clone();
        last[31] -= 1;
        let one = [vec![0; 31], vec![1]].concat();
        // Short or with more zeros in front, it is kept as long as the field.
        for (value, kept) in
            [(&[1][..], &one), (&[0, 0, 1], &one), (&[&[0; 40][..], &[1]].concat(), &one), (&last, &last)]
        {
            let key = private(&session, value, None).unwrap();
            assert_eq!(&session.bytes(key, ck::CKA_VALUE).unwrap(), kept);
        }
        let mut more = order.clone();
        more[31] += 1;
        for value in [&[0][..], &[0; 32], &order, &more, &[0xff; 32], &[1; 33]] {
            let refused = private(&session, value, None).unwrap_err();
            assert_eq!(refused, ck::CKR_ATTRIBUTE_VALUE_INVALID, "{value:02x?}");
        }
        assert_eq!(private(&session, &[], None).unwrap_err(), ck::CKR_TEMPLATE_INCOMPLETE);
        // The point of another key.
        let refused = private(&session, &one, Some(&uncompressed())).unwrap_err();
        assert_eq!(refused, ck::CKR_ATTRIBUTE_VALUE_INVALID);
        let refused = private(&session, &one, Some(&[4; 65])).unwrap_err();
        assert_eq!(refused, ck::CKR_PUBLIC_KEY_INVALID);
    });
}

/// Key type, CKA_EC_PARAMS, the curve's name, private and public key: RFC 8032 sections 7.1 (test 1) and 7.4 (blank),
/// RFC 7748 section 6.
const STRINGS: [(ck::CK_KEY_TYPE, &[u8], &str, &str, &str); 4] = [
    (
        ck::CKK_EC_EDWARDS,
        curve::ED25519,
        "edwards25519",
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    ),
    (
        ck::CKK_EC_EDWARDS,
        curve::ED448,
        "edwards448",
        "6c82a562cb808d10d632be89c8513ebf6c929f34ddfa8c9f63c9960ef6e348a3528c8a3fcc2f044e39a3fc5b94492f8f032e7549a20098f95b",
        "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6cd1fa1abeafe8256180",
    ),
    (
        ck::CKK_EC_MONTGOMERY,
        curve::X25519,
        "curve25519",
        "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
        "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
    ),
    (
        ck::CKK_EC_MONTGOMERY,
        curve::X448,
        "curve448",
        "9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28dd9c9baf574a9419744897391006382a6f127ab1d9ac2d8c0a598726b",
        "9b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c22c5d9bbc836647241d953d40c5b12da88120d53177f80e532c41fa0",
    ),
];

#[test]
fn edwards_and_montgomery_keys_come_by_oid_or_name_with_points_raw_or_wrapped() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (key_type, oid, name, value, point) in STRINGS {
            let (value, point) = (hex(value), hex(point));
            let printable = [&[0x13, name.len() as u8], name.as_bytes()].concat();
            for params in [oid, &printable] {
                for form in [point.clone(), wrapped(&point)] {
                    let key = template(ck::CKO_PUBLIC_KEY, key_type, params).bytes(ck::CKA_EC_POINT, form);
                    let key = session.create(&key).unwrap();
                    is_from_outside(&session, key);
                    assert_eq!(session.bytes(key, ck::CKA_EC_POINT).unwrap(), wrapped(&point), "{name}");
                    assert_eq!(session.bytes(key, ck::CKA_EC_PARAMS).unwrap(), oid, "{name}");
                    let secret = template(ck::CKO_PRIVATE_KEY, key_type, params).bytes(ck::CKA_VALUE, &value);
                    let secret = session.create(&secret.sensitive(false).extractable(true)).unwrap();
                    never_was_hidden(&session, secret);
                    assert_eq!(session.bytes(secret, ck::CKA_VALUE).unwrap(), value, "{name}");
                    assert_eq!(session.bytes(secret, ck::CKA_EC_POINT).unwrap(), wrapped(&point), "{name}");
                    assert_eq!(session.public_key_info(secret), session.public_key_info(key), "{name}");
                }
            }
        }
    });
}

#[test]
fn strings_of_another_length_are_no_keys() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (key_type, oid, name, value, point) in STRINGS {
            let (value, point) = (hex(value), hex(point));
            let longer = |of: &[u8]| [of, &[0]].concat();
            for wrong in [longer(&point), point[1..].to_vec(), wrapped(&longer(&point)), wrapped(&point[1..]), vec![0]]
            {
                let key = template(ck::CKO_PUBLIC_KEY, key_type, oid).bytes(ck::CKA_EC_POINT, wrong);
                assert_eq!(session.create(&key).unwrap_err(), ck::CKR_PUBLIC_KEY_INVALID, "{name}");
            }
            for wrong in [longer(&value), value[1..].to_vec(), vec![1]] {
                let key = template(ck::CKO_PRIVATE_KEY, key_type, oid).bytes(ck::CKA_VALUE, wrong);
                assert_eq!(session.create(&key).unwrap_err(), ck::CKR_ATTRIBUTE_VALUE_INVALID, "{name}");
            }
            let other = template(ck::CKO_PRIVATE_KEY, key_type, oid).bytes(ck::CKA_VALUE, &value);
            let other = other.bytes(ck::CKA_EC_POINT, vec![9; point.len()]);
            assert_eq!(session.create(&other).unwrap_err(), ck::CKR_ATTRIBUTE_VALUE_INVALID, "{name}");
            // A curve of another shape.
            let another = if key_type == ck::CKK_EC_EDWARDS { curve::X25519 } else { curve::ED25519 };
            let key = template(ck::CKO_PUBLIC_KEY, key_type, another).bytes(ck::CKA_EC_POINT, &point);
            assert_eq!(session.create(&key).unwrap_err(), ck::CKR_CURVE_NOT_SUPPORTED, "{name}");
        }
    });
}
