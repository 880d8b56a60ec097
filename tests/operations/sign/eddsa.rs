//! EdDSA against RFC 8032 section 7: Ed25519, Ed25519ctx, Ed25519ph, Ed448, Ed448ph.

use crate::sign::round;
use kit::{Judge, Mechanism, Object, Session, Template, ck, curve, hex, isolated};

/// Private key, public key, message, signature.
type Vector = [&'static str; 4];

/// Section 7.1, tests 1 to 3.
const ED25519: [Vector; 3] = [
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
];
/// Section 7.2, context "foo".
const ED25519CTX: Vector = [
    "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
    "dfc9425e4f968f7f0c29f0259cf5f9aed6851c2bb4ad8bfb860cfee0ab248292",
    "f726936d19c800494e3fdaff20b276a8",
    "55a4cc2f70a54e04288c5f4cd1e45a7bb520b36292911876cada7323198dd87a8b36950b95130022907a7fb7c4e9b2d5f6cca685a587b4b21f4b888e4e7edb0d",
];
/// Section 7.3: "abc".
const ED25519PH: Vector = [
    "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
    "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
    "616263",
    "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
];
/// Section 7.4: empty, and one byte without a context.
const ED448: [Vector; 2] = [
    [
        "6c82a562cb808d10d632be89c8513ebf6c929f34ddfa8c9f63c9960ef6e348a3528c8a3fcc2f044e39a3fc5b94492f8f032e7549a20098f95b",
        "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6cd1fa1abeafe8256180",
        "",
        "533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f2fd7a22ddd47d7828c59bd0a21bfd3980
         ff0d2028d4b18a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4dbb61149f05a7363268c71d95808ff2e652600",
    ],
    [
        "c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00acda2c463afbea67c5e8d2877c5e3bc397a659949ef8021e954e0a12274e",
        "43ba28f430cdff456ae531545f7ecd0ac834a55d9358c0372bfa0c6c6798c0866aea01eb00742802b8438ea4cb82169c235160627b4c3a9480",
        "03",
        "26b8f91727bd62897af15e41eb43c377efb9c610d48f2335cb0bd0087810f4352541b143c4b981b7e18f62de8ccdf633fc1bf037ab7cd77980
         5e0dbcc0aae1cbcee1afb2e027df36bc04dcecbf154336c19f0af7e0a6472905e799f1953d2a0ff3348ab21aa4adafd1d234441cf807c03a00",
    ],
];
/// Section 7.4, the second vector of that key: the same byte with the context "foo".
const ED448_FOO: &str = "d4f8f6131770dd46f40867d6fd5d5055de43541f8c5e35abbcd001b32a89f7d2151f7647f11d8ca2ae279fb842d607217fce6e042f6815ea00
     0c85741de5c8da1144a6a1aba7f96de42505d7a7298524fda538fccbbb754f578c1cad10d54d0d5428407e85dcbc98a49155c13764e66c3c00";

/// Imports both halves.
fn import(session: &Session<'_>, params: &[u8], [private, public, ..]: Vector) -> (Object, Object) {
    let key = |class| Template::new().class(class).key_type(ck::CKK_EC_EDWARDS).bytes(ck::CKA_EC_PARAMS, params);
    let public = session.create(&key(ck::CKO_PUBLIC_KEY).bytes(ck::CKA_EC_POINT, hex(public))).unwrap();
    let private = session.create(&key(ck::CKO_PRIVATE_KEY).bytes(ck::CKA_VALUE, hex(private))).unwrap();
    assert_eq!(session.public_key_info(private), session.public_key_info(public));
    (public, private)
}

#[track_caller]
fn check(session: &Session<'_>, params: &[u8], mechanism: &Mechanism, vector: Vector) {
    let (pair, message, signature) = (import(session, params, vector), hex(vector[2]), hex(vector[3]));
    assert_eq!(round(session, mechanism, pair, &message), signature);
}

#[test]
fn the_vectors_of_rfc_8032_come_out() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let plain = Mechanism::plain(ck::CKM_EDDSA);
        for vector in ED25519 {
            check(&session, curve::ED25519, &plain, vector);
            check(&session, curve::ED25519, &Mechanism::eddsa(false, b""), vector);
        }
        check(&session, curve::ED25519, &Mechanism::eddsa(false, b"foo"), ED25519CTX);
        check(&session, curve::ED25519, &Mechanism::eddsa(true, b""), ED25519PH);
        for vector in ED448 {
            check(&session, curve::ED448, &plain, vector);
            check(&session, curve::ED448, &Mechanism::eddsa(false, b""), vector);
        }
        let [private, public, message, _] = ED448[1];
        check(&session, curve::ED448, &Mechanism::eddsa(false, b"foo"), [private, public, message, ED448_FOO]);
    });
}

#[test]
fn prehash_and_context_are_part_of_what_is_signed() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for params in [curve::ED25519, curve::ED448] {
            let pair = session.curve_pair(ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, params);
            let variants: Vec<_> =
                [(false, &b""[..]), (true, b""), (false, b"foo"), (true, b"foo"), (false, &[7; 255])]
                    .map(|(prehash, context)| Mechanism::eddsa(prehash, context))
                    .into();
            for (number, mechanism) in variants.iter().enumerate() {
                let signature = round(&session, mechanism, pair, b"data");
                for (other, mechanism) in variants.iter().enumerate() {
                    let verified = session.verify_with(mechanism, pair.0, b"data", &signature);
                    assert_eq!(verified.is_ok(), number == other, "{number} {other}");
                }
            }
        }
    });
}

#[test]
fn openssl_and_we_take_each_other_s_signatures() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let openssl = Judge::new();
        let plain = Mechanism::plain(ck::CKM_EDDSA);
        for (params, name, length) in [(curve::ED25519, "ED25519", 32), (curve::ED448, "ED448", 57)] {
            let (public, private) = session.curve_pair(ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, params);
            let foreign = openssl.key(&["-algorithm", name]);
            let info = &foreign.public_key_info;
            let theirs = Template::new().class(ck::CKO_PUBLIC_KEY).key_type(ck::CKK_EC_EDWARDS);
            let theirs = theirs.bytes(ck::CKA_EC_PARAMS, params).bytes(ck::CKA_EC_POINT, &info[info.len() - length..]);
            let theirs = session.create(&theirs).unwrap();
            assert_eq!(&session.public_key_info(theirs), info);
            for data in [&b"x"[..], &[0x5a; 5000]] {
                let signature = round(&session, &plain, (public, private), data);
                assert_eq!(signature.len(), 2 * length);
                assert!(openssl.verifies(&session.public_key_info(public), &["-rawin"], data, &signature), "{name}");
                let signature = openssl.signs(&foreign, &["-rawin"], data);
                session.verify_with(&plain, theirs, data, &signature).unwrap();
            }
        }
    });
}

#[test]
fn parameters_of_eddsa_are_checked() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.curve_pair(ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, curve::ED25519);
        // phFlag with its padding, ulContextDataLen, pContextData
        let raw = |fields: [u64; 3]| Mechanism::structure(ck::CKM_EDDSA, fields, vec![]);
        let bad = [
            Mechanism::eddsa(false, &[0; 256]),
            Mechanism::eddsa(false, b"").resized(16),
            Mechanism::eddsa(false, b"").resized(25),
            Mechanism::eddsa(false, b"").claiming(u64::MAX),
            Mechanism::plain(ck::CKM_EDDSA).claiming(24),
            raw([2, 0, 0]),
            raw([0, 5, 0]),
            raw([0, u64::MAX, 0]),
        ];
        for (number, mechanism) in bad.iter().enumerate() {
            let refused = session.sign_init(mechanism, private).unwrap_err();
            assert_eq!(refused, ck::CKR_MECHANISM_PARAM_INVALID, "number {number}");
            let refused = session.verify_init(mechanism, public).unwrap_err();
            assert_eq!(refused, ck::CKR_MECHANISM_PARAM_INVALID, "number {number}");
        }
        let plain = Mechanism::plain(ck::CKM_EDDSA);
        for length in [0, 63, 65, 114] {
            let refused = session.verify_with(&plain, public, b"data", &vec![0; length]).unwrap_err();
            assert_eq!(refused, ck::CKR_SIGNATURE_LEN_RANGE);
        }
    });
}
