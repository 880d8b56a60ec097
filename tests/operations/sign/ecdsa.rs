//! ECDSA (FIPS 186-5 section 6), raw and with a hash, on the curves of NIST and others.

use crate::sign::round;
use kit::{Judge, Mechanism, Object, Session, Template, ck, curve, hex, isolated, judge};

/// A mechanism with a hash, the hash's name in openssl.
const HASHED: [(ck::CK_MECHANISM_TYPE, &str); 9] = [
    (ck::CKM_ECDSA_SHA1, "sha1"),
    (ck::CKM_ECDSA_SHA224, "sha224"),
    (ck::CKM_ECDSA_SHA256, "sha256"),
    (ck::CKM_ECDSA_SHA384, "sha384"),
    (ck::CKM_ECDSA_SHA512, "sha512"),
    (ck::CKM_ECDSA_SHA3_224, "sha3-224"),
    (ck::CKM_ECDSA_SHA3_256, "sha3-256"),
    (ck::CKM_ECDSA_SHA3_384, "sha3-384"),
    (ck::CKM_ECDSA_SHA3_512, "sha3-512"),
];

/// A curve: CKA_EC_PARAMS, its name in openssl, bytes of a coordinate.
const CURVES: [(&[u8], &str, usize); 3] =
    [(curve::P256, "P-256", 32), (curve::P384, "P-384", 48), (curve::P521, "P-521", 66)];

fn raw() -> Mechanism {
    Mechanism::plain(ck::CKM_ECDSA)
}

fn pair(session: &Session<'_>, params: &[u8]) -> (Object, Object) {
    session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, params)
}

/// The public half of a key that openssl has: its point stands at the end.
fn imported(session: &Session<'_>, params: &[u8], public_key_info: &[u8], length: usize) -> Object {
    let point = &public_key_info[public_key_info.len() - 2 * length - 1..];
    let template = Template::new().class(ck::CKO_PUBLIC_KEY).key_type(ck::CKK_EC);
    let key = session.create(&template.bytes(ck::CKA_EC_PARAMS, params).bytes(ck::CKA_EC_POINT, point)).unwrap();
    assert_eq!(session.public_key_info(key), public_key_info);
    key
}

#[test]
fn openssl_and_we_take_each_other_s_signatures_on_every_curve() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (openssl, data) = (Judge::new(), b"what is signed");
        for (params, name, length) in CURVES {
            let (public, private) = pair(&session, params);
            let ours = session.public_key_info(public);
            let group = format!("ec_paramgen_curve:{name}");
            let foreign = openssl.key(&["-algorithm", "EC", "-pkeyopt", &group]);
            let theirs = imported(&session, params, &foreign.public_key_info, length);
            for (mechanism, hash) in HASHED {
                let (mechanism, options) = (Mechanism::plain(mechanism), ["-rawin", "-digest", hash]);
                let signature = session.sign_with(&mechanism, private, data).unwrap();
                assert_eq!(signature.len(), 2 * length);
                assert!(openssl.verifies(&ours, &options, data, &judge::to_der(&signature)), "{name} {hash}");
                let signature = judge::from_der(&openssl.signs(&foreign, &options, data), length);
                session.verify_with(&mechanism, theirs, data, &signature).unwrap();
                // Over a ready digest; one longer than the order is cut.
                let digest = openssl.digests(&format!("-{hash}"), data);
                session.verify_with(&raw(), theirs, &digest, &signature).unwrap();
                let signature = session.sign_with(&raw(), private, &digest).unwrap();
                session.verify_with(&mechanism, public, data, &signature).unwrap();
            }
        }
    });
}

#[test]
fn other_curves_sign_too() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (openssl, data) = (Judge::new(), b"what is signed");
        for oid in [
            "06052b81040021",
            "06052b8104000a",
            "06082a8648ce3d030101",
            "06052b81040009",
            "06052b81040008",
            "06052b8104001e",
            "06052b8104001f",
            "06052b81040020",
            "06082a8648ce3d030102",
            "06082a8648ce3d030103",
            "06082a8648ce3d030104",
            "06082a8648ce3d030105",
            "06082a8648ce3d030106",
            "06092b2403030208010101",
            "06092b2403030208010102",
            "06092b2403030208010103",
            "06092b2403030208010104",
            "06092b2403030208010105",
            "06092b2403030208010106",
            "06092b2403030208010107",
            "06092b2403030208010108",
            "06092b2403030208010109",
            "06092b240303020801010a",
            "06092b240303020801010b",
            "06092b240303020801010c",
            "06092b240303020801010d",
            "06092b240303020801010e",
        ] {
            let (public, private) = pair(&session, &hex(oid));
            let signature = round(&session, &Mechanism::plain(ck::CKM_ECDSA_SHA256), (public, private), data);
            let info = session.public_key_info(public);
            assert!(
                openssl.verifies(&info, &["-rawin", "-digest", "sha256"], data, &judge::to_der(&signature)),
                "{oid}"
            );
        }
    });
}

#[test]
fn data_comes_in_parts_where_it_is_hashed() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (params, _, _) in CURVES {
            let keys = pair(&session, params);
            for data in [&b""[..], b"short", &[0x5a; 10_000]] {
                round(&session, &Mechanism::plain(ck::CKM_ECDSA_SHA256), keys, data);
                round(&session, &Mechanism::plain(ck::CKM_ECDSA_SHA512), keys, data);
            }
        }
    });
}

/// The P-256 key of RFC 6979, appendix A.2.5.
fn known(session: &Session<'_>) -> (Object, Object) {
    let point = hex("0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6
                     7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
    let value = hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
    let key = |class| Template::new().class(class).key_type(ck::CKK_EC).bytes(ck::CKA_EC_PARAMS, curve::P256);
    let public = session.create(&key(ck::CKO_PUBLIC_KEY).bytes(ck::CKA_EC_POINT, &point)).unwrap();
    let private = session.create(&key(ck::CKO_PRIVATE_KEY).bytes(ck::CKA_VALUE, value)).unwrap();
    assert_eq!(session.public_key_info(private), session.public_key_info(public));
    (public, private)
}

#[test]
fn the_vector_of_rfc_6979_is_right() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let keys = known(&session);
        let signature = hex("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716
                             f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
        let sha256 = Mechanism::plain(ck::CKM_ECDSA_SHA256);
        session.verify_with(&sha256, keys.0, b"sample", &signature).unwrap();
        round(&session, &sha256, keys, b"sample");
    });
}

#[test]
fn a_signature_with_the_zeros_cut_that_its_numbers_share_is_taken() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, _) = known(&session);
        // By that key with the nonce 40393: both numbers begin with two zeros.
        let digest = [vec![0; 30], hex("15fd")].concat();
        let r = hex("00003f5f178aa0706c4231eb6e5495aa1642c5b8a994127c89465f22994a42f9");
        let s = hex("000053fa0a6c3de5150504894166b2db6dc32cc5e5c98b612ae194130111771c");
        for cut in 0..=2 {
            let signature = [&r[cut..], &s[cut..]].concat();
            session.verify_with(&raw(), public, &digest, &signature).unwrap();
        }
        for wrong in [[&r[3..], &s[3..]].concat(), [&s[2..], &r[2..]].concat()] {
            let refused = session.verify_with(&raw(), public, &digest, &wrong).unwrap_err();
            assert_eq!(refused, ck::CKR_SIGNATURE_INVALID);
        }
    });
}

#[test]
fn a_short_signature_is_judged_by_its_value_and_an_odd_or_long_one_by_its_length() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, _) = pair(&session, curve::P256);
        for length in 1..=31 {
            let wrong = session.verify_with(&raw(), public, &[1; 32], &vec![1; 2 * length]).unwrap_err();
            assert_eq!(wrong, ck::CKR_SIGNATURE_INVALID, "{length}");
        }
        for length in [0, 1, 3, 63, 65, 66, 128, 1000] {
            let wrong = session.verify_with(&raw(), public, &[1; 32], &vec![1; length]).unwrap_err();
            assert_eq!(wrong, ck::CKR_SIGNATURE_LEN_RANGE, "{length}");
        }
    });
}

#[test]
fn our_signatures_have_full_length_whatever_their_numbers() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = pair(&session, curve::P256);
        let mut short = 0;
        // One number in 256 begins with a zero.
        for n in 0..1500u64 {
            let digest = [&[0; 24][..], &n.to_be_bytes()].concat();
            let signature = session.sign_with(&raw(), private, &digest).unwrap();
            assert_eq!(signature.len(), 64);
            if signature[0] == 0 || signature[32] == 0 {
                session.verify_with(&raw(), public, &digest, &signature).unwrap();
                short += 1;
            }
        }
        assert!(short > 0, "none of 1500 signatures begins with a zero");
    });
}

#[test]
fn numbers_out_of_range_are_invalid_signatures() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (params, _, length) in CURVES {
            let (public, private) = pair(&session, params);
            let good = session.sign_with(&raw(), private, &[7; 32]).unwrap();
            let (r, s) = good.split_at(length);
            let (zero, most) = (vec![0; length], vec![0xff; length]);
            for wrong in [[&zero[..], s], [r, &zero], [&most, s], [r, &most], [&zero, &zero], [s, r]] {
                let refused = session.verify_with(&raw(), public, &[7; 32], &wrong.concat()).unwrap_err();
                assert_eq!(refused, ck::CKR_SIGNATURE_INVALID);
            }
        }
    });
}
