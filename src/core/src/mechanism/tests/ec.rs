//! ECDSA and the keys of its curves.

use super::*;
use sealhsm_crypto::curve::{self, Curve, Shape};
use sealhsm_crypto::der;

fn weierstrass() -> impl Iterator<Item = &'static Curve> {
    curve::all().iter().filter(|curve| curve.shape == Shape::Weierstrass)
}

fn named(name: &str) -> &'static Curve {
    weierstrass().find(|curve| curve.names.contains(&name)).unwrap()
}

fn pair(curve: &Curve) -> (Attributes, Attributes) {
    generate(ck::CKM_EC_KEY_PAIR_GEN, ck::CKK_EC, ck::CKA_EC_PARAMS, Value::Bytes(curve.oid.to_vec())).unwrap()
}

const P256_POINT: &str = "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6 \
    7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299";

/// RFC 6979 appendix A.2.5, then signatures by OpenSSL: curve, mechanism, point, data, signature.
const SIGNATURES: &[(&str, u64, &str, &[u8], &str)] = &[
    (
        "P-256",
        ck::CKM_ECDSA_SHA256,
        P256_POINT,
        b"sample",
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716 \
         F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
    ),
    // A digest longer than the order.
    (
        "P-256",
        ck::CKM_ECDSA_SHA512,
        P256_POINT,
        b"sample",
        "8496A60B5E9B47C825488827E0495B0E3FA109EC4568FD3F8D1097678EB97F00 \
         2362AB1ADBE2B8ADF9CB9EDAB740EA6049C028114F2460F96554F61FAE3302FE",
    ),
    (
        "P-384",
        ck::CKM_ECDSA_SHA384,
        "9eda335c6600e45ada95140d22a499ca6a72f96e609bf61f2e567e0cfbc38e2dcbb897fd3838f77ba52fbf53557fb08a \
         eaf1ac612f849825611e515bc070dec3dabd69c0f3164de6bec15b6fa41f5df1cc5f4910888e14f459d7af84d72f9bf7",
        MESSAGE,
        "d95f0a58b67d36f79667ae8e5a0da6805307fa45e0048684a58a0db00493026a643ba5ff061c396c2d2bf5054b78015e \
         ab5460c73524a81e6dec3b731e6c5e0c893c23e9814a89a21ce308838f1ab0adde0c8775ee910f53c7e48f0197d48119",
    ),
    (
        "P-521",
        ck::CKM_ECDSA_SHA256,
        "01b7a8e17e888833891faae5d784feeceb3be370f59e287857fb69afff7cb90e30103644e336f865c2c8e91a008f9901 \
         d3961aff449f7b37e37fee4ba21af86a611e004ae7b2cb3a51c06379f8dba7ea771f6dfd38bcc4f5e0963caccf68a6ba \
         3ecac4fab21b44c259637db7c9c4b7ec0c5e11b1bbfeaecc1dce0066211351cb4aff0434",
        MESSAGE,
        "00d1397218d22f201cc38474e0fac449a809e41746f26f9ae7c9ce3c3c0cd3055e84fd7a85e04e4ebd039f67fcbd6b3f \
         cd2a707becc2b58cc9750d864fd2679662710083b63f98bcbfbec4a6cf5593cc39862afd6d08e973110b25ee7a616f63 \
         272f93581ce909947e9f263dde083f00b913535990306db1bd3964d6cafc67129a2ecd56",
    ),
];

#[test]
fn signatures_of_rfc_6979_and_of_openssl_verify() {
    for (curve, mechanism, point, data, signature) in SIGNATURES {
        let point = [&[4], &hex(point)[..]].concat();
        let given: &[(Type, &[u8])] = &[(ck::CKA_EC_PARAMS, named(curve).oid), (ck::CKA_EC_POINT, &point)];
        let mut engine = verifier(*mechanism, &import(ck::CKO_PUBLIC_KEY, ck::CKK_EC, given).unwrap());
        let mut signature = hex(signature);
        for _ in 0..2 {
            verify(engine.as_mut(), &Parameter::None, data, &signature).unwrap();
            assert_eq!(verify(engine.as_mut(), &Parameter::None, b"other", &signature), Err(Error::SignatureInvalid));
        }
        signature[40] ^= 1;
        assert_eq!(verify(engine.as_mut(), &Parameter::None, data, &signature), Err(Error::SignatureInvalid));
    }
}

#[test]
fn every_curve_and_hash_verifies_what_it_signed() {
    for curve in weierstrass() {
        let (public, private) = open(&pair(curve));
        for row in crate::mechanism::rows().iter().filter(|row| row.name.starts_with("ECDSA")) {
            let mut signer = row.sign.unwrap()(&private).unwrap();
            let mut verifier = row.verify.unwrap()(&public).unwrap();
            let signature = sign(signer.as_mut(), &Parameter::None, MESSAGE).unwrap();
            assert_eq!(signature.len(), 2 * curve.scalar_len);
            verify(verifier.as_mut(), &Parameter::None, MESSAGE, &signature).unwrap();
            if signer.multi_part() {
                let (a, b) = MESSAGE.split_at(7);
                let signature = sign_parts(signer.as_mut(), &Parameter::None, &[a, &[], b]).unwrap();
                verify(verifier.as_mut(), &Parameter::None, MESSAGE, &signature).unwrap();
            }
        }
    }
}

#[test]
fn a_signature_without_its_leading_zeros_is_verified() {
    let (public, private) = open(&pair(named("P-521")));
    let mut signer = signer(ck::CKM_ECDSA, &private);
    let mut verifier = verifier(ck::CKM_ECDSA, &public);
    // Both numbers begin with a zero byte in about one of four signatures.
    let short = (0..1000u32).find_map(|n| {
        let data = n.to_be_bytes();
        let whole = sign(signer.as_mut(), &Parameter::None, &data).unwrap();
        (whole[0] == 0 && whole[66] == 0).then(|| (data, [&whole[1..66], &whole[67..]].concat()))
    });
    let (data, short) = short.unwrap();
    verify(verifier.as_mut(), &Parameter::None, &data, &short).unwrap();
    for len in [0, 1, 131, 133, 134] {
        let refused = verify(verifier.as_mut(), &Parameter::None, &data, &vec![1; len]);
        assert_eq!(refused, Err(Error::SignatureLenRange), "{len}");
    }
    for byte in [0, 0xff] {
        let refused = verify(verifier.as_mut(), &Parameter::None, &data, &[byte; 132]);
        assert_eq!(refused, Err(Error::SignatureInvalid));
    }
}

#[test]
fn keys_come_in_every_form_that_clients_send_and_are_kept_in_one() {
    for curve in weierstrass() {
        let (public, private) = pair(curve);
        let point = public.bytes(ck::CKA_EC_POINT).unwrap();
        let raw = der::whole(der::OCTET_STRING, point).unwrap();
        let mut compressed = raw[..1 + curve.len].to_vec();
        compressed[0] = 2 | (raw[raw.len() - 1] & 1);
        let compressed_der = der::element(der::OCTET_STRING, &[&compressed]);
        let name = |name: &&str| der::element(der::PRINTABLE_STRING, &[name.as_bytes()]);
        for params in curve.names.iter().map(name).chain([curve.oid.to_vec()]) {
            for form in [point, raw, &compressed, &compressed_der] {
                let given: &[(Type, &[u8])] = &[(ck::CKA_EC_PARAMS, &params), (ck::CKA_EC_POINT, form)];
                let key = completed(ck::CKO_PUBLIC_KEY, ck::CKK_EC, given).unwrap();
                assert_eq!(key.bytes(ck::CKA_EC_PARAMS), Some(curve.oid));
                assert_eq!(key.bytes(ck::CKA_EC_POINT), Some(point));
                assert_eq!(key.bytes(ck::CKA_PUBLIC_KEY_INFO), public.bytes(ck::CKA_PUBLIC_KEY_INFO));
            }
        }
        let value = private.bytes(ck::CKA_VALUE).unwrap();
        for form in [value.to_vec(), [&[0; 5], value].concat(), der::strip(value).to_vec()] {
            let given: &[(Type, &[u8])] = &[(ck::CKA_EC_PARAMS, curve.oid), (ck::CKA_VALUE, &form)];
            let key = completed(ck::CKO_PRIVATE_KEY, ck::CKK_EC, given).unwrap();
            assert_eq!(key.bytes(ck::CKA_VALUE), private.bytes(ck::CKA_VALUE));
            assert_eq!(key.bytes(ck::CKA_EC_POINT), Some(point));
            assert_eq!(key.bytes(ck::CKA_PUBLIC_KEY_INFO), public.bytes(ck::CKA_PUBLIC_KEY_INFO));
        }
    }
}

#[test]
fn keys_that_cannot_be_are_refused_each_with_its_code() {
    let p256 = named("P-256");
    let (public, other) = (pair(p256).0, pair(p256).1);
    let good = public.bytes(ck::CKA_EC_POINT).unwrap();
    let given = |class: u64, params: &[u8], of: Type, value: &[u8]| {
        completed(class, ck::CKK_EC, &[(ck::CKA_EC_PARAMS, params), (of, value)]).unwrap_err()
    };
    for (params, error) in [
        (&[5, 0][..], Error::DomainParamsInvalid),
        (b"junk", Error::DomainParamsInvalid),
        (b"\x13\x05P-25", Error::DomainParamsInvalid),
        (b"\x13\x05P-999", Error::CurveNotSupported),
        (&[6, 3, 0x2b, 0x65, 0x70], Error::CurveNotSupported),
        (&[6, 1, 1], Error::CurveNotSupported),
        (&[0x30, 0], Error::DomainParamsInvalid),
        (&[], Error::TemplateIncomplete),
    ] {
        assert_eq!(given(ck::CKO_PUBLIC_KEY, params, ck::CKA_EC_POINT, good), error);
        assert_eq!(given(ck::CKO_PRIVATE_KEY, params, ck::CKA_VALUE, &[1]), error);
    }
    let mut off = good.to_vec();
    off[66] ^= 1;
    for point in [&off[..], &good[..66], &[4, 1, 0], &[0]] {
        assert_eq!(given(ck::CKO_PUBLIC_KEY, p256.oid, ck::CKA_EC_POINT, point), Error::PublicKeyInvalid);
    }
    for value in [&[0][..], &[0xff; 32], &[1; 33]] {
        assert_eq!(given(ck::CKO_PRIVATE_KEY, p256.oid, ck::CKA_VALUE, value), Error::AttributeValueInvalid);
    }
    let mixed: &[(Type, &[u8])] = &[
        (ck::CKA_EC_PARAMS, p256.oid),
        (ck::CKA_VALUE, other.bytes(ck::CKA_VALUE).unwrap()),
        (ck::CKA_EC_POINT, good),
    ];
    assert_eq!(completed(ck::CKO_PRIVATE_KEY, ck::CKK_EC, mixed).unwrap_err(), Error::AttributeValueInvalid);
}

#[test]
fn a_pair_is_generated_only_on_a_curve_that_fits_the_mechanism() {
    let with = |params: &[u8]| {
        generate(ck::CKM_EC_KEY_PAIR_GEN, ck::CKK_EC, ck::CKA_EC_PARAMS, Value::Bytes(params.to_vec())).map(drop)
    };
    assert_eq!(with(b"\x13\x09secp256r1"), Ok(()));
    assert_eq!(with(&[6, 3, 0x2b, 0x65, 0x70]), Err(Error::CurveNotSupported));
    assert_eq!(with(b"\x13\x0cedwards25519"), Err(Error::CurveNotSupported));
    assert_eq!(with(&[5, 0]), Err(Error::DomainParamsInvalid));
    assert_eq!(with(&[]), Err(Error::TemplateIncomplete));
    let mut halves = (Attributes::new(), Attributes::new());
    halves.0.set_bytes(ck::CKA_EC_PARAMS, *b"\x13\x05P-256");
    halves.1.set_bytes(ck::CKA_EC_PARAMS, *b"\x13\x05P-384");
    let made = generate_with(ck::CKM_EC_KEY_PAIR_GEN, ck::CKK_EC, halves.0, halves.1);
    assert_eq!(made.map(drop), Err(Error::TemplateInconsistent));
}
