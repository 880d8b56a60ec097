//! C_DeriveKey (PKCS#11 3.2 section 5.18.5): vectors, what is inherited, what would show a key piece by piece, codes.

mod ike;
mod kdfs;
mod password;
mod sp800_108;
mod tls;

use kit::{Mechanism, Object, Session, Template, ck, code, curve, hex, isolated};

/// The template of a readable secret of this length.
fn secret(length: ck::CK_ULONG) -> Template {
    open().ulong(ck::CKA_VALUE_LEN, length)
}

fn open() -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_GENERIC_SECRET).sensitive(false).extractable(true)
}

/// A base that hides nothing.
fn base(session: &Session<'_>, key_type: ck::CK_KEY_TYPE, value: &[u8]) -> Object {
    let template = Template::secret_key(key_type, value).extractable(true).flag(ck::CKA_DERIVE, true);
    session.create(&template).unwrap()
}

fn value(session: &Session<'_>, key: Object) -> Vec<u8> {
    session.bytes(key, ck::CKA_VALUE).unwrap()
}

fn agreement(kdf: ck::CK_EC_KDF_TYPE, shared: &[u8], public: &[u8]) -> Mechanism {
    Mechanism::ecdh1(ck::CKM_ECDH1_DERIVE, kdf, shared, public)
}

#[test]
fn both_sides_of_an_agreement_come_to_the_same_key() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (generator, params, length) in [
            (ck::CKM_EC_KEY_PAIR_GEN, curve::P256, 32),
            (ck::CKM_EC_KEY_PAIR_GEN, curve::P384, 48),
            (ck::CKM_EC_KEY_PAIR_GEN, curve::P521, 66),
            (ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve::X25519, 32),
            (ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve::X448, 56),
        ] {
            // Made without a word about CKA_DERIVE, as clients do.
            let (a, b) = (session.curve_pair(generator, params), session.curve_pair(generator, params));
            let point = |key| session.bytes(key, ck::CKA_EC_POINT).unwrap();
            let (a_point, b_point) = (point(a.0), point(b.0));
            // As DER and raw.
            let header = if length == 66 { 3 } else { 2 };
            for kdf in [ck::CKD_NULL, ck::CKD_SHA256_KDF, ck::CKD_SHA512_KDF, ck::CKD_SHA256_KDF_SP800] {
                let shared: &[u8] = if kdf == ck::CKD_NULL { b"" } else { b"shared" };
                let one = session.derive(&agreement(kdf, shared, &b_point), a.1, &secret(24)).unwrap();
                let other = session.derive(&agreement(kdf, shared, &a_point[header..]), b.1, &secret(24)).unwrap();
                assert_eq!(value(&session, one), value(&session, other));
            }
            let whole = session.derive(&agreement(ck::CKD_NULL, b"", &b_point), a.1, &open()).unwrap();
            let whole = value(&session, whole);
            assert_eq!(whole.len() as ck::CK_ULONG, length);
            // What is too much is cut off at the front.
            let part = session.derive(&agreement(ck::CKD_NULL, b"", &b_point), a.1, &secret(16)).unwrap();
            assert_eq!(value(&session, part), whole[whole.len() - 16..]);
            let long = session.derive(&agreement(ck::CKD_NULL, b"", &b_point), a.1, &secret(length + 1));
            assert_eq!(code(long), ck::CKR_KEY_SIZE_RANGE);
            if generator == ck::CKM_EC_KEY_PAIR_GEN {
                let cofactor = Mechanism::ecdh1(ck::CKM_ECDH1_COFACTOR_DERIVE, ck::CKD_NULL, b"", &b_point);
                assert_eq!(value(&session, session.derive(&cofactor, a.1, &open()).unwrap()), whole);
            }
            // ANSI X9.63: hash of secret, counter, shared data.
            let hashed = session.derive(&agreement(ck::CKD_SHA256_KDF, b"shared", &b_point), a.1, &secret(40)).unwrap();
            let block = |counter: u8| {
                let text = [&whole[..], &[0, 0, 0, counter], b"shared"].concat();
                session.digest_with(&Mechanism::plain(ck::CKM_SHA256), &text).unwrap()
            };
            assert_eq!(value(&session, hashed), [&block(1)[..], &block(2)[..8]].concat());
        }
    });
}

#[test]
fn a_point_that_is_none_gives_no_key() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let p256 = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P256);
        let x25519 = session.curve_pair(ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve::X25519);
        let good = session.bytes(p256.0, ck::CKA_EC_POINT).unwrap();
        let mut off = good.clone();
        *off.last_mut().unwrap() ^= 1;
        let mut order_eight = hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800");
        for wrong in [&off[..], &good[..good.len() - 1], &[0], &[], &[4; 65]] {
            let derived = session.derive(&agreement(ck::CKD_NULL, b"", wrong), p256.1, &open());
            assert_eq!(code(derived), ck::CKR_PUBLIC_KEY_INVALID, "{wrong:?}");
        }
        for _ in 0..2 {
            for wrong in [&[0; 32][..], &order_eight, &[1; 31]] {
                let derived = session.derive(&agreement(ck::CKD_NULL, b"", wrong), x25519.1, &open());
                assert_eq!(code(derived), ck::CKR_PUBLIC_KEY_INVALID, "{wrong:?}");
            }
            order_eight[31] |= 0x80;
        }
        for wrong in [agreement(ck::CKD_NULL, b"x", &good), agreement(99, b"", &good)] {
            assert_eq!(code(session.derive(&wrong, p256.1, &open())), ck::CKR_MECHANISM_PARAM_INVALID);
        }
    });
}

#[test]
fn hkdf_agrees_with_rfc_5869() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let whole = (true, true);
        // Appendix A.1 and A.3.
        let ikm = base(&session, ck::CKK_HKDF, &[0x0b; 22]);
        let (salt, info) = (hex("000102030405060708090a0b0c"), hex("f0f1f2f3f4f5f6f7f8f9"));
        let okm = hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
        let hkdf = |of, what, salt: (&[u8], _), info: &[u8]| Mechanism::hkdf(of, what, ck::CKM_SHA256, salt, info);
        let derive = |mechanism: &Mechanism, from, template: &Template| {
            value(&session, session.derive(mechanism, from, template).unwrap())
        };
        let one = hkdf(ck::CKM_HKDF_DERIVE, whole, (&salt, 0), &info);
        assert_eq!(derive(&one, ikm, &secret(42)), okm);
        let bare = hkdf(ck::CKM_HKDF_DERIVE, whole, (b"", 0), b"");
        let expected = hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
        assert_eq!(derive(&bare, ikm, &secret(42)), expected);
        // In two steps, and with a key for a salt.
        let salt_key = base(&session, ck::CKK_GENERIC_SECRET, &salt);
        let extract = hkdf(ck::CKM_HKDF_DERIVE, (true, false), (b"", salt_key.0), b"");
        let template = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_HKDF).flag(ck::CKA_DERIVE, true);
        let prk = session.derive(&extract, ikm, &template.sensitive(false).extractable(true)).unwrap();
        assert_eq!(value(&session, prk), hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"));
        let expand = hkdf(ck::CKM_HKDF_DERIVE, (false, true), (b"", 0), &info);
        assert_eq!(derive(&expand, prk, &secret(42)), okm);
        // As data.
        let data = hkdf(ck::CKM_HKDF_DATA, whole, (&salt, 0), &info);
        let object = session.derive(&data, ikm, &Template::new().ulong(ck::CKA_VALUE_LEN, 42)).unwrap();
        assert_eq!(session.ulong(object, ck::CKA_CLASS).unwrap(), ck::CKO_DATA);
        assert_eq!(value(&session, object), okm);
        for (wrong, length, expected) in [
            (hkdf(ck::CKM_HKDF_DERIVE, (false, false), (b"", 0), b""), 42, ck::CKR_MECHANISM_PARAM_INVALID),
            (
                Mechanism::hkdf(ck::CKM_HKDF_DERIVE, whole, ck::CKM_AES_ECB, (b"", 0), b""),
                42,
                ck::CKR_MECHANISM_PARAM_INVALID,
            ),
            (hkdf(ck::CKM_HKDF_DERIVE, whole, (b"", 9999), b""), 42, ck::CKR_KEY_HANDLE_INVALID),
            (hkdf(ck::CKM_HKDF_DERIVE, whole, (b"", 0), b""), 255 * 32 + 1, ck::CKR_KEY_SIZE_RANGE),
            (hkdf(ck::CKM_HKDF_DERIVE, (true, false), (b"", 0), b""), 33, ck::CKR_KEY_SIZE_RANGE),
        ] {
            assert_eq!(code(session.derive(&wrong, ikm, &secret(length))), expected);
        }
        let generator = Mechanism::plain(ck::CKM_HKDF_KEY_GEN);
        session.generate_key(&generator, &Template::new().ulong(ck::CKA_VALUE_LEN, 32)).unwrap();
    });
}

#[test]
fn encrypted_data_and_hashes_become_keys() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = base(&session, ck::CKK_AES, &[7; 16]);
        let data = [[1; 16], [2; 16]].concat();
        let ecb = Mechanism::with_data(ck::CKM_AES_ECB_ENCRYPT_DATA, &data);
        let expected = session.encrypt_with(&Mechanism::plain(ck::CKM_AES_ECB), key, &data).unwrap();
        assert_eq!(value(&session, session.derive(&ecb, key, &open()).unwrap()), expected);
        assert_eq!(value(&session, session.derive(&ecb, key, &secret(20)).unwrap()), expected[..20]);
        let cbc = Mechanism::cbc_data([3; 16], &data);
        let expected = session.encrypt_with(&Mechanism::bytes(ck::CKM_AES_CBC, [3; 16]), key, &data).unwrap();
        assert_eq!(value(&session, session.derive(&cbc, key, &open()).unwrap()), expected);
        let torn = Mechanism::with_data(ck::CKM_AES_ECB_ENCRYPT_DATA, &data[1..]);
        assert_eq!(code(session.derive(&torn, key, &open())), ck::CKR_MECHANISM_PARAM_INVALID);
        for (derivation, digest, length) in [
            (ck::CKM_SHA1_KEY_DERIVATION, ck::CKM_SHA_1, 20),
            (ck::CKM_SHA224_KEY_DERIVATION, ck::CKM_SHA224, 28),
            (ck::CKM_SHA256_KEY_DERIVATION, ck::CKM_SHA256, 32),
            (ck::CKM_SHA384_KEY_DERIVATION, ck::CKM_SHA384, 48),
            (ck::CKM_SHA512_KEY_DERIVATION, ck::CKM_SHA512, 64),
            (ck::CKM_SHA512_256_KEY_DERIVATION, ck::CKM_SHA512_256, 32),
            (ck::CKM_SHA3_256_KEY_DERIVATION, ck::CKM_SHA3_256, 32),
        ] {
            let derivation = Mechanism::plain(derivation);
            let expected = session.digest_with(&Mechanism::plain(digest), &[7; 16]).unwrap();
            assert_eq!(value(&session, session.derive(&derivation, key, &open()).unwrap()), expected);
            assert_eq!(value(&session, session.derive(&derivation, key, &secret(16)).unwrap()), expected[..16]);
            assert_eq!(code(session.derive(&derivation, key, &secret(length + 1))), ck::CKR_KEY_SIZE_RANGE);
        }
    });
}

#[test]
fn keys_are_put_together_mixed_and_cut_out() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (a, b) = (base(&session, ck::CKK_GENERIC_SECRET, b"\x81base"), base(&session, ck::CKK_AES, &[7; 16]));
        let derive = |mechanism: &Mechanism, template: &Template| {
            value(&session, session.derive(mechanism, a, template).unwrap())
        };
        let with = Mechanism::with_data;
        let both = Mechanism::number(ck::CKM_CONCATENATE_BASE_AND_KEY, b.0);
        assert_eq!(derive(&both, &open()), [b"\x81base".as_slice(), &[7; 16]].concat());
        assert_eq!(derive(&with(ck::CKM_CONCATENATE_BASE_AND_DATA, b"-x"), &open()), b"\x81base-x");
        assert_eq!(derive(&with(ck::CKM_CONCATENATE_DATA_AND_BASE, b"x-"), &secret(4)), b"x-\x81b");
        assert_eq!(derive(&with(ck::CKM_XOR_BASE_AND_DATA, &[1, 2, 3]), &open()), [0x80, b'b' ^ 2, b'a' ^ 3]);
        let cut = |bit| Mechanism::number(ck::CKM_EXTRACT_KEY_FROM_KEY, bit);
        assert_eq!(derive(&cut(8), &secret(4)), b"base");
        assert_eq!(derive(&cut(32), &secret(2)), b"e\x81");
        assert_eq!(derive(&cut(1), &secret(1)), [0x02]);
        for (mechanism, template, expected) in [
            (cut(40), secret(1), ck::CKR_MECHANISM_PARAM_INVALID),
            (cut(0), secret(6), ck::CKR_KEY_SIZE_RANGE),
            (cut(0), open(), ck::CKR_TEMPLATE_INCOMPLETE),
            (with(ck::CKM_XOR_BASE_AND_DATA, &[1]), secret(2), ck::CKR_KEY_SIZE_RANGE),
            (with(ck::CKM_CONCATENATE_BASE_AND_DATA, b""), secret(16), ck::CKR_KEY_SIZE_RANGE),
            (Mechanism::number(ck::CKM_CONCATENATE_BASE_AND_KEY, 9999), open(), ck::CKR_KEY_HANDLE_INVALID),
        ] {
            assert_eq!(code(session.derive(&mechanism, a, &template)), expected);
        }
    });
}

#[test]
fn a_guarded_key_shows_itself_neither_whole_nor_in_parts() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let template = Template::secret_key(ck::CKK_GENERIC_SECRET, &[0x5e; 32]).flag(ck::CKA_DERIVE, true);
        let sensitive = session.create(&template.clone().sensitive(true).extractable(true)).unwrap();
        let kept = session.create(&template.extractable(false)).unwrap();
        let plain = base(&session, ck::CKK_GENERIC_SECRET, &[1; 16]);
        let with = Mechanism::with_data;
        let whole = [
            with(ck::CKM_CONCATENATE_BASE_AND_DATA, b"x"),
            with(ck::CKM_CONCATENATE_DATA_AND_BASE, b"x"),
            with(ck::CKM_XOR_BASE_AND_DATA, &[0; 32]),
            Mechanism::number(ck::CKM_CONCATENATE_BASE_AND_KEY, plain.0),
        ];
        let bare = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_GENERIC_SECRET);
        for mechanism in &whole {
            assert_eq!(
                code(session.derive(mechanism, sensitive, &bare.clone().sensitive(false))),
                ck::CKR_TEMPLATE_INCONSISTENT
            );
            assert_eq!(
                code(session.derive(mechanism, kept, &bare.clone().extractable(true))),
                ck::CKR_TEMPLATE_INCONSISTENT
            );
            for guarded in [sensitive, kept] {
                let derived = session.derive(mechanism, guarded, &bare).unwrap();
                assert_eq!(code(session.bytes(derived, ck::CKA_VALUE)), ck::CKR_ATTRIBUTE_SENSITIVE);
                assert_eq!(session.flag(derived, ck::CKA_SENSITIVE).unwrap(), guarded == sensitive);
                for of in [ck::CKA_LOCAL, ck::CKA_ALWAYS_SENSITIVE, ck::CKA_NEVER_EXTRACTABLE] {
                    assert!(!session.flag(derived, of).unwrap());
                }
                // One unknown byte is found by trial, and the next one after it.
                for length in [1, 16, 31] {
                    let short = bare.clone().ulong(ck::CKA_VALUE_LEN, length);
                    assert_eq!(code(session.derive(mechanism, guarded, &short)), ck::CKR_KEY_SIZE_RANGE);
                }
            }
        }
        // A short key that is all of it is a key as before.
        let short = Template::secret_key(ck::CKK_GENERIC_SECRET, &[0x5e; 8]).flag(ck::CKA_DERIVE, true);
        let short = session.create(&short.sensitive(true)).unwrap();
        let same = session.derive(&with(ck::CKM_XOR_BASE_AND_DATA, &[0; 8]), short, &bare).unwrap();
        assert_eq!(session.ulong(same, ck::CKA_VALUE_LEN).unwrap(), 8);
        // The second key of two is guarded as the first is.
        let joined = Mechanism::number(ck::CKM_CONCATENATE_BASE_AND_KEY, sensitive.0);
        assert_eq!(code(session.derive(&joined, plain, &open())), ck::CKR_TEMPLATE_INCONSISTENT);
        let cut = Mechanism::number(ck::CKM_EXTRACT_KEY_FROM_KEY, 128);
        for length in [1, 15, 16, 31] {
            let piece = bare.clone().ulong(ck::CKA_VALUE_LEN, length);
            assert_eq!(code(session.derive(&cut, sensitive, &piece)), ck::CKR_KEY_SIZE_RANGE);
        }
        // Of a key that nobody chose, pieces of which no two differ by something that could be found.
        let generator = Mechanism::plain(ck::CKM_GENERIC_SECRET_KEY_GEN);
        let random = Template::new().ulong(ck::CKA_VALUE_LEN, 32).flag(ck::CKA_DERIVE, true).sensitive(true);
        let random = session.generate_key(&generator, &random).unwrap();
        let piece = |length| session.derive(&cut, random, &bare.clone().ulong(ck::CKA_VALUE_LEN, length));
        for length in [1, 15, 17, 31] {
            assert_eq!(code(piece(length)), ck::CKR_KEY_SIZE_RANGE);
        }
        let derived = piece(16).unwrap();
        for of in [ck::CKA_ALWAYS_SENSITIVE, ck::CKA_NEVER_EXTRACTABLE] {
            assert!(session.flag(derived, of).unwrap());
        }
    });
}

#[test]
fn calls_that_cannot_be_have_the_codes_of_the_standard() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = base(&session, ck::CKK_AES, &[7; 16]);
        let plain = Template::secret_key(ck::CKK_AES, &[7; 16]);
        let unusable = session.create(&plain.clone()).unwrap();
        let only = plain.flag(ck::CKA_DERIVE, true).ulongs(ck::CKA_ALLOWED_MECHANISMS, &[ck::CKM_AES_ECB]);
        let other = session.create(&only).unwrap();
        let ec = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P256);
        let hash = Mechanism::plain(ck::CKM_SHA256_KEY_DERIVATION);
        let point = session.bytes(ec.0, ck::CKA_EC_POINT).unwrap();
        let ecdh = agreement(ck::CKD_NULL, b"", &point);
        let aes = open().ulong(ck::CKA_VALUE_LEN, 17);
        let public = Template::new().class(ck::CKO_PUBLIC_KEY);
        for (mechanism, base, template, expected) in [
            (&Mechanism::plain(ck::CKM_SHA256), key, open(), ck::CKR_MECHANISM_INVALID),
            (&hash, Object(9999), open(), ck::CKR_KEY_HANDLE_INVALID),
            (&hash, ec.1, open(), ck::CKR_KEY_TYPE_INCONSISTENT),
            (&ecdh, key, open(), ck::CKR_KEY_TYPE_INCONSISTENT),
            (&ecdh, ec.0, open(), ck::CKR_KEY_TYPE_INCONSISTENT),
            (&hash, unusable, open(), ck::CKR_KEY_FUNCTION_NOT_PERMITTED),
            (&hash, other, open(), ck::CKR_MECHANISM_INVALID),
            (&Mechanism::bytes(ck::CKM_SHA256_KEY_DERIVATION, [1]), key, open(), ck::CKR_MECHANISM_PARAM_INVALID),
            (&hash, key, public, ck::CKR_TEMPLATE_INCONSISTENT),
            (&hash, key, open().bytes(ck::CKA_VALUE, [1; 16]), ck::CKR_ATTRIBUTE_READ_ONLY),
            (&hash, key, aes_of(17), ck::CKR_KEY_SIZE_RANGE),
        ] {
            assert_eq!(code(session.derive(mechanism, base, &template)), expected);
        }
        // What the base is asked is asked of a key in the parameter, too.
        let both = |further: Object| Mechanism::number(ck::CKM_CONCATENATE_BASE_AND_KEY, further.0);
        for (further, expected) in [
            (Object(9999), ck::CKR_KEY_HANDLE_INVALID),
            (ec.1, ck::CKR_KEY_TYPE_INCONSISTENT),
            (unusable, ck::CKR_KEY_FUNCTION_NOT_PERMITTED),
            (other, ck::CKR_MECHANISM_INVALID),
        ] {
            assert_eq!(code(session.derive(&both(further), key, &Template::new())), expected);
        }
        // Nothing said: a generic secret, as long as the hash, which nobody gets to read.
        let made = session.derive(&hash, key, &Template::new()).unwrap();
        assert_eq!(session.ulong(made, ck::CKA_KEY_TYPE).unwrap(), ck::CKK_GENERIC_SECRET);
        assert_eq!(session.ulong(made, ck::CKA_VALUE_LEN).unwrap(), 32);
        assert!(!session.flag(made, ck::CKA_EXTRACTABLE).unwrap());
        session.derive(&hash, key, &aes).unwrap();
        session.derive(&hash, key, &aes_of(32)).unwrap();
    });
}

fn aes_of(length: ck::CK_ULONG) -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES).ulong(ck::CKA_VALUE_LEN, length)
}

#[test]
fn where_a_derived_key_may_be_kept_depends_on_session_and_login() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let reading = module.open_ro(session.info().unwrap().slotID).unwrap();
        let template = Template::secret_key(ck::CKK_GENERIC_SECRET, &[7; 16]).flag(ck::CKA_DERIVE, true);
        let key = session.create(&template.private(false)).unwrap();
        let hash = Mechanism::plain(ck::CKM_SHA256_KEY_DERIVATION);
        let kept = |token, private| Template::new().token(token).private(private);
        assert_eq!(code(reading.derive(&hash, key, &kept(true, true))), ck::CKR_SESSION_READ_ONLY);
        reading.derive(&hash, key, &kept(false, true)).unwrap();
        session.derive(&hash, key, &kept(true, true)).unwrap();
        session.logout().unwrap();
        for token in [false, true] {
            assert_eq!(code(session.derive(&hash, key, &kept(token, true))), ck::CKR_USER_NOT_LOGGED_IN);
        }
        assert_eq!(code(reading.derive(&hash, key, &kept(true, false))), ck::CKR_SESSION_READ_ONLY);
        session.derive(&hash, key, &kept(true, false)).unwrap();
    });
}

#[test]
fn a_base_key_may_say_what_its_children_are() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let children = Template::new().sensitive(true).label("child");
        let key = Template::secret_key(ck::CKK_AES, &[7; 16]).flag(ck::CKA_DERIVE, true);
        let key = session.create(&key.nested(ck::CKA_DERIVE_TEMPLATE, children)).unwrap();
        let hash = Mechanism::plain(ck::CKM_SHA256_KEY_DERIVATION);
        let child = session.derive(&hash, key, &Template::new()).unwrap();
        assert_eq!(session.bytes(child, ck::CKA_LABEL).unwrap(), b"child");
        assert!(session.flag(child, ck::CKA_SENSITIVE).unwrap());
        assert_eq!(code(session.derive(&hash, key, &open())), ck::CKR_TEMPLATE_INCONSISTENT);
    });
}

#[test]
fn a_key_of_two_bases_is_what_both_of_them_were_and_ask_for() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let generated = |more: &Template| {
            let template = Template::new().ulong(ck::CKA_VALUE_LEN, 16).flag(ck::CKA_DERIVE, true).and(more);
            session.generate_key(&Mechanism::plain(ck::CKM_GENERIC_SECRET_KEY_GEN), &template).unwrap()
        };
        let hidden = Template::new().sensitive(true).extractable(false);
        let (always, other) = (generated(&hidden), generated(&hidden));
        let imported = Template::secret_key(ck::CKK_GENERIC_SECRET, &[7; 16]).flag(ck::CKA_DERIVE, true);
        let late = session.create(&imported.and(&hidden)).unwrap();
        let concatenated = |one, two: Object, template: &Template| {
            session.derive(&Mechanism::number(ck::CKM_CONCATENATE_BASE_AND_KEY, two.0), one, template)
        };
        for (one, two, expected) in [(always, other, true), (always, late, false), (late, always, false)] {
            let key = concatenated(one, two, &Template::new()).unwrap();
            for (of, is) in [
                (ck::CKA_SENSITIVE, true),
                (ck::CKA_EXTRACTABLE, false),
                (ck::CKA_ALWAYS_SENSITIVE, expected),
                (ck::CKA_NEVER_EXTRACTABLE, expected),
            ] {
                assert_eq!(session.flag(key, of).unwrap(), is, "{of:#x}");
            }
        }
        let asks = generated(&Template::new().nested(ck::CKA_DERIVE_TEMPLATE, Template::new().label("asked")));
        let plain = generated(&Template::new());
        for (one, two) in [(asks, plain), (plain, asks)] {
            let key = concatenated(one, two, &Template::new()).unwrap();
            assert_eq!(session.bytes(key, ck::CKA_LABEL).unwrap(), b"asked");
            let contradicts = concatenated(one, two, &Template::new().label("mine"));
            assert_eq!(code(contradicts), ck::CKR_TEMPLATE_INCONSISTENT);
        }
        let guard = generated(&Template::new().flag(ck::CKA_WRAP_WITH_TRUSTED, true));
        for (one, two) in [(guard, plain), (plain, guard)] {
            let key = concatenated(one, two, &Template::new()).unwrap();
            assert!(session.flag(key, ck::CKA_WRAP_WITH_TRUSTED).unwrap());
        }
    });
}
