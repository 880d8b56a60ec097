//! EdDSA against the vectors of RFC 8032, and keys of Edwards and Montgomery curves.

use super::*;
use sealhsm_crypto::der;

const ED25519: &[u8] = &[6, 3, 0x2b, 0x65, 0x70];
const ED448: &[u8] = &[6, 3, 0x2b, 0x65, 0x71];

/// Curve, parameter; secret key, public key, message and signature.
type Vector = (&'static [u8], Parameter<'static>, [Vec<u8>; 4]);

/// Of section 7.
fn vectors() -> Vec<Vector> {
    let vector = |curve, parameter, texts: [&str; 4]| (curve, parameter, texts.map(hex));
    vec![
        vector(
            ED25519,
            Parameter::None,
            [
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b \
                 d25bf5f0595bbe24655141438e7a100b",
            ],
        ),
        vector(
            ED25519,
            Parameter::Eddsa { prehash: false, context: b"" },
            [
                "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
                "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659 \
                 4a7c15e9716ed28dc027beceea1ec40a",
            ],
        ),
        vector(
            ED25519,
            Parameter::Eddsa { prehash: false, context: b"foo" },
            [
                "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
                "dfc9425e4f968f7f0c29f0259cf5f9aed6851c2bb4ad8bfb860cfee0ab248292",
                "f726936d19c800494e3fdaff20b276a8",
                "55a4cc2f70a54e04288c5f4cd1e45a7bb520b36292911876cada7323198dd87a8b36950b95130022907a7fb7c4e9b2d5 \
                 f6cca685a587b4b21f4b888e4e7edb0d",
            ],
        ),
        vector(
            ED25519,
            Parameter::Eddsa { prehash: true, context: b"" },
            [
                "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
                "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
                "616263",
                "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aa \
                 a10b8c61e636062aaad11c2a26083406",
            ],
        ),
        vector(
            ED448,
            Parameter::None,
            [
                "6c82a562cb808d10d632be89c8513ebf6c929f34ddfa8c9f63c9960ef6e348a3528c8a3fcc2f044e39a3fc5b94492f8f \
                 032e7549a20098f95b",
                "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6c \
                 d1fa1abeafe8256180",
                "",
                "533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f2fd7a22ddd47d78 \
                 28c59bd0a21bfd3980ff0d2028d4b18a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4db \
                 b61149f05a7363268c71d95808ff2e652600",
            ],
        ),
    ]
}

#[test]
fn the_vectors_of_rfc_8032_come_out() {
    for (curve, parameter, [secret, public, message, signature]) in vectors() {
        let given: &[(Type, &[u8])] = &[(ck::CKA_EC_PARAMS, curve), (ck::CKA_VALUE, &secret)];
        let key = completed(ck::CKO_PRIVATE_KEY, ck::CKK_EC_EDWARDS, given).unwrap();
        assert_eq!(key.bytes(ck::CKA_EC_POINT), Some(&der::element(der::OCTET_STRING, &[&public])[..]));
        let mut signer = signer(ck::CKM_EDDSA, &Arc::new(Key::open(&key).unwrap()));
        let given: &[(Type, &[u8])] = &[(ck::CKA_EC_PARAMS, curve), (ck::CKA_EC_POINT, &public)];
        let mut verifier = verifier(ck::CKM_EDDSA, &import(ck::CKO_PUBLIC_KEY, ck::CKK_EC_EDWARDS, given).unwrap());
        for _ in 0..2 {
            assert_eq!(sign(signer.as_mut(), &parameter, &message).unwrap(), signature);
            for split in 0..=message.len() {
                let (a, b) = message.split_at(split);
                assert_eq!(sign_parts(signer.as_mut(), &parameter, &[a, b]).unwrap(), signature);
            }
            verify(verifier.as_mut(), &parameter, &message, &signature).unwrap();
            verifier.start(&parameter).unwrap();
            verifier.update(&message).unwrap();
            verifier.finish(&signature).unwrap();
            assert_eq!(verify(verifier.as_mut(), &parameter, b"other", &signature), Err(Error::SignatureInvalid));
            let other = Parameter::Eddsa { prehash: false, context: b"other" };
            assert_eq!(verify(verifier.as_mut(), &other, &message, &signature), Err(Error::SignatureInvalid));
            let short = &signature[1..];
            assert_eq!(verify(verifier.as_mut(), &parameter, &message, short), Err(Error::SignatureLenRange));
        }
    }
}

#[test]
fn a_context_is_at_most_255_bytes_long() {
    let (_, private) =
        open(&generate(ck::CKM_EDDSA, ck::CKK_EC_EDWARDS, ck::CKA_EC_PARAMS, Value::Bytes(ED448.to_vec())).unwrap());
    let mut engine = signer(ck::CKM_EDDSA, &private);
    for prehash in [false, true] {
        assert!(sign(engine.as_mut(), &Parameter::Eddsa { prehash, context: &[1; 255] }, MESSAGE).is_ok());
        let long = Parameter::Eddsa { prehash, context: &[1; 256] };
        assert_eq!(engine.start(&long), Err(Error::MechanismParamInvalid));
    }
}

#[test]
fn what_was_collected_for_a_message_that_never_ended_is_forgotten() {
    let (public, private) = open(
        &generate(ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, ck::CKK_EC_EDWARDS, ck::CKA_EC_PARAMS, Value::Bytes(ED25519.into()))
            .unwrap(),
    );
    let mut engine = signer(ck::CKM_EDDSA, &private);
    engine.start(&Parameter::None).unwrap();
    engine.update(b"never ended").unwrap();
    let signature = sign_parts(engine.as_mut(), &Parameter::None, &[MESSAGE]).unwrap();
    verify(verifier(ck::CKM_EDDSA, &public).as_mut(), &Parameter::None, MESSAGE, &signature).unwrap();
}

#[test]
fn pairs_are_generated_on_the_curves_of_their_shape_by_oid_or_name() {
    for (mechanism, key_type, oid, name, len) in [
        (ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, ck::CKK_EC_EDWARDS, 0x70, &b"\x13\x0cedwards25519"[..], 32),
        (ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, ck::CKK_EC_EDWARDS, 0x71, b"\x13\x0aedwards448", 57),
        (ck::CKM_EDDSA, ck::CKK_EC_EDWARDS, 0x70, b"\x13\x0cedwards25519", 32),
        (ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, ck::CKK_EC_MONTGOMERY, 0x6e, b"\x13\x0acurve25519", 32),
        // As pkcs11-tool writes it.
        (ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, ck::CKK_EC_MONTGOMERY, 0x6e, b"\x13\x0bcurve25519", 32),
        (ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, ck::CKK_EC_MONTGOMERY, 0x6f, b"\x13\x08curve448", 56),
    ] {
        let oid = [6, 3, 0x2b, 0x65, oid];
        for params in [&oid[..], name] {
            let (public, private) =
                generate(mechanism, key_type, ck::CKA_EC_PARAMS, Value::Bytes(params.to_vec())).unwrap();
            assert_eq!(public.bytes(ck::CKA_EC_PARAMS), Some(&oid[..]));
            assert_eq!(private.bytes(ck::CKA_EC_PARAMS), Some(&oid[..]));
            let point = public.bytes(ck::CKA_EC_POINT).unwrap();
            assert_eq!(der::whole(der::OCTET_STRING, point).unwrap().len(), len);
            assert_eq!(private.bytes(ck::CKA_VALUE).unwrap().len(), len);
            // An import of the same computes the same.
            let value = private.bytes(ck::CKA_VALUE).unwrap();
            let given: &[(Type, &[u8])] = &[(ck::CKA_EC_PARAMS, params), (ck::CKA_VALUE, value)];
            let again = completed(ck::CKO_PRIVATE_KEY, key_type, given).unwrap();
            for of in [ck::CKA_EC_POINT, ck::CKA_PUBLIC_KEY_INFO] {
                assert_eq!(again.bytes(of), public.bytes(of));
            }
            open(&(public, private));
        }
        let p256 = Value::Bytes(vec![6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]);
        assert_eq!(generate(mechanism, key_type, ck::CKA_EC_PARAMS, p256).map(drop), Err(Error::CurveNotSupported));
    }
    let short: &[(Type, &[u8])] = &[(ck::CKA_EC_PARAMS, ED25519), (ck::CKA_VALUE, &[1; 31])];
    let refused = completed(ck::CKO_PRIVATE_KEY, ck::CKK_EC_EDWARDS, short);
    assert_eq!(refused.unwrap_err(), Error::AttributeValueInvalid);
}
