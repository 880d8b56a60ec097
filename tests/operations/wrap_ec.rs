//! Keys under keys on curves (PKCS#11 3.2 sections 6.3.20 to 6.3.22): the new public key, then what RFC 5649 makes of
//! the key under what the two agree upon.

use kit::{Mechanism, Object, Session, Template, ck, code, curve, isolated};

/// A mechanism, what makes pairs for it, a curve, and the bytes of a public key.
const WAYS: [(ck::CK_MECHANISM_TYPE, ck::CK_MECHANISM_TYPE, &[u8], usize); 4] = [
    (ck::CKM_ECDH_AES_KEY_WRAP, ck::CKM_EC_KEY_PAIR_GEN, curve::P256, 65),
    (ck::CKM_ECDH_COF_AES_KEY_WRAP, ck::CKM_EC_KEY_PAIR_GEN, curve::P521, 133),
    (ck::CKM_ECDH_X_AES_KEY_WRAP, ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve::X25519, 32),
    (ck::CKM_ECDH_X_AES_KEY_WRAP, ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve::X448, 56),
];

fn secret() -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_GENERIC_SECRET).sensitive(false)
}

fn value(session: &Session<'_>, key: Object) -> Vec<u8> {
    session.bytes(key, ck::CKA_VALUE).unwrap()
}

/// The AES key that a private key and a public one agree upon.
fn agreed(session: &Session<'_>, private: Object, public: &[u8], bits: ck::CK_ULONG) -> Object {
    let mechanism = Mechanism::ecdh1(ck::CKM_ECDH1_DERIVE, ck::CKD_SHA256_KDF, b"shared", public);
    let aes = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES).ulong(ck::CKA_VALUE_LEN, bits / 8);
    session.derive(&mechanism, private, &aes).unwrap()
}

#[test]
fn what_is_wrapped_is_a_point_and_a_key_under_the_agreement() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let kwp = Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP);
        let open =
            session.create(&Template::secret_key(ck::CKK_GENERIC_SECRET, &[0x5e; 21]).extractable(true)).unwrap();
        for (of, generator, params, length) in WAYS {
            let (public, private) = session.curve_pair(generator, params);
            for bits in [128, 192, 256] {
                let mechanism = Mechanism::ecdh_aes_key_wrap(of, bits, ck::CKD_SHA256_KDF, b"shared");
                let wrapped = session.wrap(&mechanism, public, open).unwrap();
                assert_eq!(wrapped.len(), length + 32);
                assert_ne!(wrapped, session.wrap(&mechanism, public, open).unwrap());
                let unwrapped = session.unwrap(&mechanism, private, &wrapped, &secret()).unwrap();
                assert_eq!(value(&session, unwrapped), [0x5e; 21]);
                // Step by step, and the same from the other end.
                let aes = agreed(&session, private, &wrapped[..length], bits);
                let inner = session.unwrap(&kwp, aes, &wrapped[length..], &secret()).unwrap();
                assert_eq!(value(&session, inner), [0x5e; 21]);
                let (their_public, their_private) = session.curve_pair(generator, params);
                let point = |key| {
                    let encoded = session.bytes(key, ck::CKA_EC_POINT).unwrap();
                    encoded[encoded.len() - length..].to_vec()
                };
                let aes = agreed(&session, their_private, &point(public), bits);
                let theirs = [point(their_public), session.wrap(&kwp, aes, open).unwrap()].concat();
                let unwrapped = session.unwrap(&mechanism, private, &theirs, &secret()).unwrap();
                assert_eq!(value(&session, unwrapped), [0x5e; 21]);
            }
            // A private key.
            let mechanism = Mechanism::ecdh_aes_key_wrap(of, 256, ck::CKD_SHA512_KDF, b"");
            let inner = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P384).1;
            let wrapped = session.wrap(&mechanism, public, inner).unwrap();
            let template = Template::new().class(ck::CKO_PRIVATE_KEY).key_type(ck::CKK_EC).sensitive(false);
            let unwrapped = session.unwrap(&mechanism, private, &wrapped, &template).unwrap();
            assert_eq!(value(&session, unwrapped), value(&session, inner));
        }
    });
}

#[test]
fn what_was_not_wrapped_so_is_no_key_and_says_nothing_more() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let open = session.create(&Template::secret_key(ck::CKK_GENERIC_SECRET, &[7; 16]).extractable(true)).unwrap();
        for (of, generator, params, length) in WAYS {
            let (public, private) = session.curve_pair(generator, params);
            let way = |bits, kdf, shared: &[u8]| Mechanism::ecdh_aes_key_wrap(of, bits, kdf, shared);
            let mechanism = way(256, ck::CKD_SHA256_KDF, b"shared");
            let wrapped = session.wrap(&mechanism, public, open).unwrap();
            let unwrap =
                |mechanism: &Mechanism, wrapped: &[u8]| code(session.unwrap(mechanism, private, wrapped, &secret()));
            for at in [1, length - 1, length, wrapped.len() - 1] {
                let mut wrong = wrapped.clone();
                wrong[at] ^= 1;
                assert_eq!(unwrap(&mechanism, &wrong), ck::CKR_WRAPPED_KEY_INVALID, "{at}");
            }
            assert_eq!(
                unwrap(&mechanism, &[&[0; 133][..length], &wrapped[length..]].concat()),
                ck::CKR_WRAPPED_KEY_INVALID
            );
            for short in [0, length - 1, length, length + 8, wrapped.len() - 1] {
                assert_eq!(unwrap(&mechanism, &wrapped[..short]), ck::CKR_WRAPPED_KEY_LEN_RANGE, "{short}");
            }
            for other in [way(128, ck::CKD_SHA256_KDF, b"shared"), way(256, ck::CKD_SHA256_KDF, b"Shared")] {
                assert_eq!(unwrap(&other, &wrapped), ck::CKR_WRAPPED_KEY_INVALID);
            }
            for malformed in [
                way(512, ck::CKD_SHA256_KDF, b""),
                way(0, ck::CKD_SHA256_KDF, b""),
                way(256, ck::CKD_NULL, b"shared"),
                way(256, 99, b""),
                Mechanism::plain(of),
                way(256, ck::CKD_SHA256_KDF, b"").resized(31),
            ] {
                assert_eq!(code(session.wrap(&malformed, public, open)), ck::CKR_MECHANISM_PARAM_INVALID);
                assert_eq!(unwrap(&malformed, &wrapped), ck::CKR_MECHANISM_PARAM_INVALID);
            }
            assert_eq!(code(session.wrap(&mechanism, private, open)), ck::CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
            let aes = session.aes(&[1; 16]);
            assert_eq!(code(session.wrap(&mechanism, aes, open)), ck::CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
        }
    });
}

#[test]
fn a_pair_made_for_it_takes_a_sensitive_key_and_no_other_pair_does() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let sensitive = Template::secret_key(ck::CKK_AES, &[7; 16]).sensitive(true).extractable(true);
        let sensitive = session.create(&sensitive).unwrap();
        let mechanism = Mechanism::ecdh_aes_key_wrap(ck::CKM_ECDH_AES_KEY_WRAP, 256, ck::CKD_SHA256_KDF, b"");
        let public = Template::new().bytes(ck::CKA_EC_PARAMS, curve::P256);
        let generator = Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN);
        let usages = [ck::CKA_DERIVE, ck::CKA_SIGN, ck::CKA_DECAPSULATE];
        let only = usages.iter().fold(Template::new(), |template, of| template.flag(*of, false));
        let (public_half, private) = session.generate_key_pair(&generator, &public, &only).unwrap();
        let wrapped = session.wrap(&mechanism, public_half, sensitive).unwrap();
        let template = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES);
        let unwrapped = session.unwrap(&mechanism, private, &wrapped, &template).unwrap();
        assert!(session.flag(unwrapped, ck::CKA_SENSITIVE).unwrap());
        // One that derives would show what the key is wrapped under.
        let deriving = only.without(ck::CKA_DERIVE);
        let (public_half, _) = session.generate_key_pair(&generator, &public, &deriving).unwrap();
        assert_eq!(code(session.wrap(&mechanism, public_half, sensitive)), ck::CKR_KEY_NOT_WRAPPABLE);
    });
}
