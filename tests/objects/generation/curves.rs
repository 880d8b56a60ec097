//! Pairs on elliptic curves of every shape.

use crate::generation::{is_made_here, remembers};
use kit::{Judge, Mechanism, Template, ck, curve, hex, isolated, judge};

/// Curves of every shape: mechanism, key type, CKA_EC_PARAMS, the name that may stand for it, bytes of the public key.
const CURVES: [(ck::CK_MECHANISM_TYPE, ck::CK_KEY_TYPE, &[u8], &str, usize); 7] = [
    (ck::CKM_EC_KEY_PAIR_GEN, ck::CKK_EC, curve::P256, "secp256r1", 65),
    (ck::CKM_EC_KEY_PAIR_GEN, ck::CKK_EC, curve::P384, "secp384r1", 97),
    (ck::CKM_EC_KEY_PAIR_GEN, ck::CKK_EC, curve::P521, "secp521r1", 133),
    (ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, ck::CKK_EC_EDWARDS, curve::ED25519, "edwards25519", 32),
    (ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, ck::CKK_EC_EDWARDS, curve::ED448, "edwards448", 57),
    (ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, ck::CKK_EC_MONTGOMERY, curve::X25519, "curve25519", 32),
    (ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, ck::CKK_EC_MONTGOMERY, curve::X448, "curve448", 56),
];

#[test]
fn pairs_are_made_on_every_curve_by_its_oid_or_its_name() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (of, key_type, oid, name, length) in CURVES {
            let printable = [&[0x13, name.len() as u8], name.as_bytes()].concat();
            for params in [oid, &printable] {
                let (public, private) = session.curve_pair(of, params);
                for key in [public, private] {
                    is_made_here(&session, key, of);
                    assert_eq!(session.ulong(key, ck::CKA_KEY_TYPE).unwrap(), key_type, "{name}");
                    assert_eq!(session.bytes(key, ck::CKA_EC_PARAMS).unwrap(), oid, "{name}");
                }
                let point = session.bytes(public, ck::CKA_EC_POINT).unwrap();
                let header = if length < 128 { vec![4, length as u8] } else { vec![4, 0x81, length as u8] };
                assert_eq!((point.len(), &point[..header.len()]), (header.len() + length, &header[..]), "{name}");
                let info = session.public_key_info(public);
                assert!(info.ends_with(&point[header.len()..]), "{name}");
                assert_eq!(session.public_key_info(private), info, "{name}");
                remembers(&session, private, false, true);
                let usual = session.generate_key_pair(
                    &Mechanism::plain(of),
                    &Template::new().bytes(ck::CKA_EC_PARAMS, params),
                    &Template::new().bytes(ck::CKA_EC_PARAMS, oid),
                );
                let (_, private) = usual.unwrap();
                remembers(&session, private, true, false);
                assert_eq!(session.bytes(private, ck::CKA_VALUE).unwrap_err(), ck::CKR_ATTRIBUTE_SENSITIVE);
            }
        }
    });
}

#[test]
fn gnutls_may_generate_with_the_mechanism_of_the_signature() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let eddsa = Mechanism::plain(ck::CKM_EDDSA);
        for params in [curve::ED25519, curve::ED448] {
            let (public, private) = session.curve_pair(ck::CKM_EDDSA, params);
            let signature = session.sign_with(&eddsa, private, b"data").unwrap();
            session.verify_with(&eddsa, public, b"data", &signature).unwrap();
            assert!(session.flag(private, ck::CKA_LOCAL).unwrap());
        }
    });
}

#[test]
fn a_curve_that_is_not_here_and_what_is_no_curve_have_their_codes() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (unknown, no_curve) = (ck::CKR_CURVE_NOT_SUPPORTED, ck::CKR_DOMAIN_PARAMS_INVALID);
        let cases = [
            // sect283k1, sm2, secp128r1, P-256 with one arc more, Ed25519, a name that nobody knows
            (ck::CKM_EC_KEY_PAIR_GEN, "06052b81040010", unknown),
            (ck::CKM_EC_KEY_PAIR_GEN, "06082a811ccf5501822d", unknown),
            (ck::CKM_EC_KEY_PAIR_GEN, "06052b8104001c", unknown),
            (ck::CKM_EC_KEY_PAIR_GEN, "06092a8648ce3d0301070a", unknown),
            (ck::CKM_EC_KEY_PAIR_GEN, "06032b6570", unknown),
            (ck::CKM_EC_KEY_PAIR_GEN, "1304776f6f6f", unknown),
            (ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, "06082a8648ce3d030107", unknown),
            (ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, "06032b656e", unknown),
            (ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, "06032b6570", unknown),
            // implicitlyCA, explicit parameters with nothing in them, an OID cut short, one with more behind it, noise
            (ck::CKM_EC_KEY_PAIR_GEN, "0500", no_curve),
            (ck::CKM_EC_KEY_PAIR_GEN, "3003020101", no_curve),
            (ck::CKM_EC_KEY_PAIR_GEN, "06082a8648ce3d0301", no_curve),
            (ck::CKM_EC_KEY_PAIR_GEN, "06082a8648ce3d03010700", no_curve),
            (ck::CKM_EC_KEY_PAIR_GEN, "06", no_curve),
            (ck::CKM_EC_KEY_PAIR_GEN, "0684ffffffff", no_curve),
            (ck::CKM_EC_KEY_PAIR_GEN, "ffffffffffffffff", no_curve),
            (ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, "00", no_curve),
            (ck::CKM_EC_KEY_PAIR_GEN, "", ck::CKR_TEMPLATE_INCOMPLETE),
        ];
        let before = session.find(&Template::new()).unwrap();
        for (of, params, code) in cases {
            let public = Template::new().bytes(ck::CKA_EC_PARAMS, hex(params));
            let refused = session.generate_key_pair(&Mechanism::plain(of), &public, &Template::new()).unwrap_err();
            assert_eq!(refused, code, "{params}");
        }
        let of = Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN);
        let silent = session.generate_key_pair(&of, &Template::new(), &Template::new()).unwrap_err();
        assert_eq!(silent, ck::CKR_TEMPLATE_INCOMPLETE);
        let public = Template::new().bytes(ck::CKA_EC_PARAMS, curve::P256);
        let private = Template::new().bytes(ck::CKA_EC_PARAMS, curve::P384);
        let torn = session.generate_key_pair(&of, &public, &private).unwrap_err();
        assert_eq!(torn, ck::CKR_TEMPLATE_INCONSISTENT);
        assert_eq!(session.find(&Template::new()).unwrap(), before);
    });
}

#[test]
fn a_curve_that_is_written_out_is_kept_by_its_name_if_it_is_known() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let openssl = Judge::new();
        let written = |name| openssl.parameters(&["ecparam", "-name", name, "-param_enc", "explicit"]);
        for (name, oid) in [("prime256v1", curve::P256), ("secp521r1", curve::P521)] {
            let (public, private) = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, &written(name));
            for half in [public, private] {
                assert_eq!(session.bytes(half, ck::CKA_EC_PARAMS).unwrap(), oid);
            }
        }
        let p256 = written("prime256v1");
        let mut other = p256.clone();
        // The last bit but one of the order, which stands at the end before the cofactor.
        let at = other.len() - 4;
        other[at] ^= 2;
        // A field of characteristic two, and a small one.
        for unknown in [&other, &written("sect283k1"), &written("secp128r1")] {
            let public = Template::new().bytes(ck::CKA_EC_PARAMS, unknown);
            let of = Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN);
            let refused = session.generate_key_pair(&of, &public, &Template::new()).unwrap_err();
            assert_eq!(refused, ck::CKR_CURVE_NOT_SUPPORTED);
        }
    });
}

#[test]
fn a_key_of_extra_bits_is_a_key_like_any_other() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (openssl, ecdsa) = (Judge::new(), Mechanism::plain(ck::CKM_ECDSA_SHA256));
        for params in [curve::P256, curve::P521] {
            let (public, private) = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS, params);
            assert_eq!(
                session.ulong(private, ck::CKA_KEY_GEN_MECHANISM).unwrap(),
                ck::CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS
            );
            let signature = judge::to_der(&session.sign_with(&ecdsa, private, b"data").unwrap());
            let info = session.public_key_info(public);
            assert!(openssl.verifies(&info, &["-rawin", "-digest", "sha256"], b"data", &signature));
        }
        let ed25519 = Template::new().bytes(ck::CKA_EC_PARAMS, curve::ED25519);
        let of = Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS);
        let refused = session.generate_key_pair(&of, &ed25519, &Template::new()).unwrap_err();
        assert_eq!(refused, ck::CKR_CURVE_NOT_SUPPORTED);
    });
}
