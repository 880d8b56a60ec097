//! Keys that are guarded because the key they come from says so, found all the same: a byte after the other by trial,
//! or by another function that gives the same bytes.

use kit::{Mechanism, Object, Result, Session, Template, ck, code, curve, hex, isolated};

fn generic() -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_GENERIC_SECRET)
}

/// What all that is derived must be.
fn hidden() -> Template {
    Template::new().sensitive(true).extractable(false)
}

fn base(session: &Session<'_>, more: &Template) -> Object {
    let key = Template::secret_key(ck::CKK_GENERIC_SECRET, &[0x5e; 48]).flag(ck::CKA_DERIVE, true);
    session.create(&key.sensitive(true).extractable(false).and(more)).unwrap()
}

const MESSAGE: &[u8] = b"any";

fn hmac(session: &Session<'_>, key: Object) -> Result<Vec<u8>> {
    session.sign_with(&Mechanism::plain(ck::CKM_SHA256_HMAC), key, MESSAGE)
}

/// Finds a key of which `derive` gives the first bytes (or, `from_the_end`, the last ones), as keys that only sign.
fn by_trial(
    session: &Session<'_>,
    length: usize,
    from_the_end: bool,
    derive: impl Fn(&Template) -> Result<Object>,
) -> Result<Vec<u8>> {
    let mut found: Vec<u8> = Vec::new();
    while found.len() < length {
        let part = derive(&generic().ulong(ck::CKA_VALUE_LEN, found.len() as ck::CK_ULONG + 1))?;
        found = longer(session, &found, from_the_end, &hmac(session, part)?, |guess| session.secret(guess));
    }
    Ok(found)
}

/// What was found and one byte more, with which `key` makes the key that is wanted.
fn longer(
    session: &Session<'_>,
    found: &[u8],
    from_the_end: bool,
    wanted: &[u8],
    key: impl Fn(&[u8]) -> Object,
) -> Vec<u8> {
    let next = (0..=255u8).find_map(|byte| {
        let guess = if from_the_end { [&[byte], found].concat() } else { [found, &[byte]].concat() };
        let key = key(&guess);
        let fits = hmac(session, key).unwrap() == wanted;
        session.destroy(key).unwrap();
        fits.then_some(guess)
    });
    next.expect("a byte that fits")
}

#[test]
fn what_a_derive_template_hides_is_not_found_byte_by_byte() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let with = |hidden: &Template| base(&session, &Template::new().nested(ck::CKA_DERIVE_TEMPLATE, hidden.clone()));
        let (public, _) = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P256);
        let point = session.bytes(public, ck::CKA_EC_POINT).unwrap();
        let agreement = Template::new().bytes(ck::CKA_EC_PARAMS, curve::P256);
        let private = |hidden: &Template| {
            let private = Template::new().flag(ck::CKA_DERIVE, true).nested(ck::CKA_DERIVE_TEMPLATE, hidden.clone());
            session.generate_key_pair(&Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN), &agreement, &private).unwrap().1
        };
        let hkdf = Mechanism::hkdf(ck::CKM_HKDF_DERIVE, (true, true), ck::CKM_SHA256, (b"salt", 0), b"info");
        let ecdh = |kdf| Mechanism::ecdh1(ck::CKM_ECDH1_DERIVE, kdf, b"", &point);
        let fields = [kit::Field::CountingIteration(false, 32), kit::Field::Bytes(b"label".to_vec())];
        let counter = Mechanism::sp800_108(ck::CKM_SP800_108_COUNTER_KDF, ck::CKM_SHA256_HMAC, &fields, &[], &[]);
        // One of them is enough to be hidden.
        for hidden in [hidden(), Template::new().sensitive(true), Template::new().extractable(false)] {
            for (mechanism, key, from_the_end) in [
                (&hkdf, with(&hidden), false),
                (&counter, with(&hidden), false),
                (&Mechanism::plain(ck::CKM_SHA256_KEY_DERIVATION), with(&hidden), false),
                (&Mechanism::plain(ck::CKM_SHAKE_128_KEY_DERIVATION), with(&hidden), false),
                (&ecdh(ck::CKD_NULL), private(&hidden), true),
                (&ecdh(ck::CKD_SHA256_KDF), private(&hidden), false),
            ] {
                let victim = session.derive(mechanism, key, &generic().ulong(ck::CKA_VALUE_LEN, 32)).unwrap();
                assert_eq!(code(session.bytes(victim, ck::CKA_VALUE)), ck::CKR_ATTRIBUTE_SENSITIVE);
                let found = by_trial(&session, 32, from_the_end, |template| session.derive(mechanism, key, template));
                if let Ok(found) = found {
                    let again = session.secret(&found);
                    assert_eq!(hmac(&session, again), hmac(&session, victim));
                    panic!("the key: {found:02x?}");
                }
                assert_eq!(code(found), ck::CKR_KEY_SIZE_RANGE);
                session.derive(mechanism, key, &generic().ulong(ck::CKA_VALUE_LEN, 16)).unwrap();
            }
        }
        // What is not hidden may be short.
        let key = base(&session, &Template::new());
        session.derive(&hkdf, key, &generic().ulong(ck::CKA_VALUE_LEN, 1)).unwrap();
    });
}

#[test]
fn nor_what_a_decapsulate_template_hides() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let hides = Template::new().nested(ck::CKA_DECAPSULATE_TEMPLATE, hidden()).flag(ck::CKA_DECAPSULATE, true);
        let p256 = Template::new().bytes(ck::CKA_EC_PARAMS, curve::P256);
        let generator = Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN);
        let mechanism = Mechanism::ecdh1(ck::CKM_ECDH1_DERIVE, ck::CKD_NULL, b"", b"");
        let (public, private) = session.generate_key_pair(&generator, &p256, &hides).unwrap();
        let whole = generic().ulong(ck::CKA_VALUE_LEN, 32);
        let (sealed, _) = session.encapsulate(&mechanism, public, &whole).unwrap();
        let victim = session.decapsulate(&mechanism, private, &whole, &sealed).unwrap();
        assert_eq!(code(session.bytes(victim, ck::CKA_VALUE)), ck::CKR_ATTRIBUTE_SENSITIVE);
        let part = |template: &Template| session.decapsulate(&mechanism, private, template, &sealed);
        let found = by_trial(&session, 32, true, part);
        if let Ok(found) = found {
            panic!("the key: {found:02x?}");
        }
        assert_eq!(code(found), ck::CKR_KEY_SIZE_RANGE);
        part(&generic().ulong(ck::CKA_VALUE_LEN, 16)).unwrap();
    });
}

/// Whether the number behind a ciphertext is shorter than the modulus by a byte: behind the ciphertext times 256^e, which
/// everybody can compute, there are then the same bytes one place further to the front. A thousand such answers about
/// multiples of the number are the number (Manger, CRYPTO 2001).
fn is_short(session: &Session<'_>, private: Object, sealed: &[u8], shifted: &[u8]) -> Result<bool> {
    let plain = Mechanism::plain(ck::CKM_RSA_X_509);
    let number = |sealed: &[u8]| session.decapsulate(&plain, private, &generic().flag(ck::CKA_DERIVE, true), sealed);
    let joined = |of, key| session.derive(&Mechanism::with_data(of, &[0]), key, &generic());
    let longer = joined(ck::CKM_CONCATENATE_BASE_AND_DATA, number(sealed)?)?;
    let same = joined(ck::CKM_CONCATENATE_DATA_AND_BASE, number(shifted)?)?;
    Ok(hmac(session, longer)? == hmac(session, same)?)
}

#[test]
fn nor_by_multiplying_what_was_encapsulated() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let rsa = Template::new().ulong(ck::CKA_MODULUS_BITS, 1024);
        let private = |hides: &Template| hides.clone().flag(ck::CKA_DECAPSULATE, true).flag(ck::CKA_DECRYPT, false);
        let pair = |hides: &Template| {
            let generator = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
            session.generate_key_pair(&generator, &rsa, &private(hides)).unwrap()
        };
        let asked = |(public, private): (Object, Object), first: u8| {
            let sealed = |zeros: &[u8], behind: &[u8]| {
                let number = [zeros, &[first], &[0x5e; 125], behind].concat();
                session.encrypt_with(&Mechanism::plain(ck::CKM_RSA_X_509), public, &number).unwrap()
            };
            is_short(&session, private, &sealed(&[0; 2], &[]), &sealed(&[0], &[0]))
        };
        assert!(asked(pair(&Template::new()), 1).unwrap());
        let hides = Template::new().nested(ck::CKA_DECAPSULATE_TEMPLATE, hidden());
        let (public, private) = pair(&hides);
        let told = asked((public, private), 1);
        assert_eq!(code(told), ck::CKR_MECHANISM_INVALID, "{told:?}");
        env.log().must_say(&["RSA_X_509", "related"]);
        // What is padded is not related.
        let oaep = Mechanism::oaep(ck::CKM_SHA256, ck::CKG_MGF1_SHA256, b"");
        let whole = generic().ulong(ck::CKA_VALUE_LEN, 32);
        let (sealed, _) = session.encapsulate(&oaep, public, &whole).unwrap();
        session.decapsulate(&oaep, private, &whole, &sealed).unwrap();
    });
}

#[test]
fn an_exporters_key_is_not_found_byte_by_byte_nor_given_as_data() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = base(&session, &Template::new().flag(ck::CKA_SIGN, false));
        let (client, server) = ([1; 32], [2; 32]);
        let exporter = |prf| Mechanism::tls_kdf(ck::CKM_TLS12_KDF, prf, b"EXPORTER-x", (&client, &server), None);
        let whole = generic().ulong(ck::CKA_VALUE_LEN, 32);
        let mechanism = exporter(ck::CKM_SHA256);
        let victim = session.derive(&mechanism, key, &whole).unwrap();
        assert_eq!(code(session.bytes(victim, ck::CKA_VALUE)), ck::CKR_ATTRIBUTE_SENSITIVE);
        let found = by_trial(&session, 32, false, |template| session.derive(&mechanism, key, template));
        if let Ok(found) = &found {
            panic!("the key: {found:02x?}");
        }
        assert_eq!(code(found), ck::CKR_KEY_SIZE_RANGE);
        // The function of TLS 1.0 and 1.1, as a key and as bytes.
        let victim = session.derive(&exporter(ck::CKM_TLS_PRF), key, &whole).unwrap();
        let bytes = Mechanism::tls_prf(b"EXPORTER-x", &[client, server].concat(), 32);
        let told = session.derive_through(&bytes, key, &Template::new());
        if told.is_ok() {
            let again = session.secret(bytes.string(0));
            assert_eq!(hmac(&session, again), hmac(&session, victim));
            panic!("the key: {:02x?}", bytes.string(0));
        }
        assert_eq!(code(told), ck::CKR_MECHANISM_PARAM_INVALID);
    });
}

#[test]
fn no_other_key_tells_its_first_bytes_as_a_version() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let template = generic().ulong(ck::CKA_VALUE_LEN, 48).flag(ck::CKA_DERIVE, true).sensitive(true);
        let key = session.generate_key(&Mechanism::plain(ck::CKM_GENERIC_SECRET_KEY_GEN), &template).unwrap();
        let of = ck::CKM_TLS12_MASTER_KEY_DERIVE;
        let mechanism = Mechanism::tls_master(of, Some(ck::CKM_SHA256), (&[1; 32], &[2; 32]), true);
        let usable = Template::new().flag(ck::CKA_DERIVE, true);
        assert_eq!(code(session.derive(&mechanism, key, &usable)), ck::CKR_MECHANISM_PARAM_INVALID);
        assert_eq!(mechanism.string(0), [0xee, 0xee]);
    });
}

#[test]
fn a_digest_of_a_key_is_no_way_around_what_its_attributes_say() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let digest = |key, of| {
            session.digest_init(&Mechanism::plain(of)).unwrap();
            let taken = session.digest_key(key);
            session.cancel(ck::CKF_DIGEST).unwrap();
            code(taken)
        };
        // Its digest is a key that CKM_SHA256_KEY_DERIVATION makes of it.
        let hides = base(&session, &Template::new().nested(ck::CKA_DERIVE_TEMPLATE, hidden()));
        let derived = session.derive(&Mechanism::plain(ck::CKM_SHA256_KEY_DERIVATION), hides, &generic()).unwrap();
        session.digest_init(&Mechanism::plain(ck::CKM_SHA256)).unwrap();
        let taken = session.digest_key(hides);
        if taken.is_ok() {
            let told = session.digest_final().unwrap();
            let again = session.secret(&told);
            assert_eq!(hmac(&session, again), hmac(&session, derived));
            panic!("the key: {told:02x?}");
        }
        assert_eq!(code(taken), ck::CKR_KEY_INDIGESTIBLE);
        session.cancel(ck::CKF_DIGEST).unwrap();
        // A key that names its mechanisms is digested by those.
        let named = |list: &[ck::CK_MECHANISM_TYPE]| {
            let key = Template::secret_key(ck::CKK_GENERIC_SECRET, &hex("5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"));
            session.create(&key.ulongs(ck::CKA_ALLOWED_MECHANISMS, list)).unwrap()
        };
        let (hmac, both) = (named(&[ck::CKM_SHA256_HMAC]), named(&[ck::CKM_SHA256_HMAC, ck::CKM_SHA256]));
        assert_eq!(digest(hmac, ck::CKM_SHA256), ck::CKR_KEY_INDIGESTIBLE);
        assert_eq!(digest(both, ck::CKM_SHA256), ck::CKR_OK);
        assert_eq!(digest(both, ck::CKM_MD5), ck::CKR_KEY_INDIGESTIBLE);
    });
}

/// What a key has behind (or, `from_the_end`, before) its first 16 bytes, of which the attacker has a key of its own: he
/// puts his guess for the next byte to them.
fn by_lengthening(
    session: &Session<'_>,
    length: usize,
    from_the_end: bool,
    derive: impl Fn(&Template) -> Result<Object>,
) -> Result<Vec<u8>> {
    let of_len = |length: usize| generic().ulong(ck::CKA_VALUE_LEN, length as ck::CK_ULONG);
    let first = derive(&of_len(16).flag(ck::CKA_DERIVE, true))?;
    let joins = if from_the_end { ck::CKM_CONCATENATE_DATA_AND_BASE } else { ck::CKM_CONCATENATE_BASE_AND_DATA };
    let mut found: Vec<u8> = Vec::new();
    while found.len() + 16 < length {
        let wanted = hmac(session, derive(&of_len(found.len() + 17))?)?;
        found = longer(session, &found, from_the_end, &wanted, |guess| {
            session.derive(&Mechanism::with_data(joins, guess), first, &generic()).unwrap()
        });
    }
    Ok(found)
}

#[test]
fn nor_is_what_comes_behind_its_first_bytes() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let hides = Template::new().nested(ck::CKA_DERIVE_TEMPLATE, hidden());
        let aes = Template::secret_key(ck::CKK_AES, &[0x5e; 16]).flag(ck::CKA_DERIVE, true);
        let aes = session.create(&aes.sensitive(true).extractable(false).and(&hides)).unwrap();
        // A block that is the whole key of somebody else.
        let ecb = |data: &[u8]| Mechanism::with_data(ck::CKM_AES_ECB_ENCRYPT_DATA, data);
        let victim = session.derive(&ecb(&[2; 16]), aes, &generic().ulong(ck::CKA_VALUE_LEN, 16)).unwrap();
        assert_eq!(code(session.bytes(victim, ck::CKA_VALUE)), ck::CKR_ATTRIBUTE_SENSITIVE);
        let both = ecb(&[[1; 16], [2; 16]].concat());
        let found = by_lengthening(&session, 32, false, |template| session.derive(&both, aes, template));
        if let Ok(found) = &found {
            let again = session.secret(found);
            assert_eq!(hmac(&session, again), hmac(&session, victim));
            panic!("the key: {found:02x?}");
        }
        assert_eq!(code(found), ck::CKR_KEY_SIZE_RANGE);
        // The rest of one.
        let hkdf = Mechanism::hkdf(ck::CKM_HKDF_DERIVE, (true, true), ck::CKM_SHA256, (b"salt", 0), b"info");
        let exporter = Mechanism::tls_kdf(ck::CKM_TLS12_KDF, ck::CKM_SHA256, b"EXPORTER-x", (&[1; 32], &[2; 32]), None);
        for (mechanism, key) in [(&hkdf, base(&session, &hides)), (&exporter, base(&session, &Template::new()))] {
            let found = by_lengthening(&session, 32, false, |template| session.derive(mechanism, key, template));
            assert_eq!(code(found), ck::CKR_KEY_SIZE_RANGE);
            for length in [16, 24, 32, 48] {
                session.derive(mechanism, key, &generic().ulong(ck::CKA_VALUE_LEN, length)).unwrap();
            }
        }
        let hides = Template::new().nested(ck::CKA_DECAPSULATE_TEMPLATE, hidden()).flag(ck::CKA_DECAPSULATE, true);
        let p256 = Template::new().bytes(ck::CKA_EC_PARAMS, curve::P256);
        let generator = Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN);
        let (public, private) = session.generate_key_pair(&generator, &p256, &hides).unwrap();
        let ecdh = Mechanism::ecdh1(ck::CKM_ECDH1_DERIVE, ck::CKD_NULL, b"", b"");
        let (sealed, _) = session.encapsulate(&ecdh, public, &generic().ulong(ck::CKA_VALUE_LEN, 32)).unwrap();
        let part = |template: &Template| session.decapsulate(&ecdh, private, template, &sealed);
        assert_eq!(code(by_lengthening(&session, 32, true, part)), ck::CKR_KEY_SIZE_RANGE);
    });
}

#[test]
fn what_a_template_hides_becomes_no_key_whose_use_tells_it() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let poly1305 = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_POLY1305);
        // The tag of an empty message is the second half of the key, and one more message tells the first.
        let told = |key: Result<Object>| session.sign_with(&Mechanism::plain(ck::CKM_POLY1305), key?, b"");
        let refused = |key, of: &str| match told(key) {
            Ok(half) => panic!("{of}: half of the key: {half:02x?}"),
            Err(error) => assert_eq!(error, ck::CKR_TEMPLATE_INCONSISTENT, "{of}"),
        };
        let key = base(&session, &Template::new().nested(ck::CKA_DERIVE_TEMPLATE, hidden()));
        let hash = Mechanism::plain(ck::CKM_SHA256_KEY_DERIVATION);
        refused(session.derive(&hash, key, &poly1305), "derived");
        let hides = Template::new().nested(ck::CKA_DECAPSULATE_TEMPLATE, hidden()).flag(ck::CKA_DECAPSULATE, true);
        let p256 = Template::new().bytes(ck::CKA_EC_PARAMS, curve::P256);
        let generator = Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN);
        let (public, private) = session.generate_key_pair(&generator, &p256, &hides).unwrap();
        let ecdh = Mechanism::ecdh1(ck::CKM_ECDH1_DERIVE, ck::CKD_NULL, b"", b"");
        let (sealed, _) = session.encapsulate(&ecdh, public, &generic().ulong(ck::CKA_VALUE_LEN, 32)).unwrap();
        refused(session.decapsulate(&ecdh, private, &poly1305, &sealed), "decapsulated");
        let kek = Template::secret_key(ck::CKK_AES, &[0x5e; 32]).sensitive(true).extractable(false);
        let kek = session.create(&kek.nested(ck::CKA_UNWRAP_TEMPLATE, hidden())).unwrap();
        let kwp = Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP);
        let other = Template::secret_key(ck::CKK_AES, &[7; 32]).sensitive(false).extractable(true);
        let wrapped = session.wrap(&kwp, kek, session.create(&other).unwrap()).unwrap();
        refused(session.unwrap(&kwp, kek, &wrapped, &poly1305), "unwrapped");
        // What nothing hides may be one.
        session.derive(&hash, base(&session, &Template::new()), &poly1305).unwrap();
    });
}

#[test]
fn a_derive_template_is_not_lost_by_making_another_key_of_its_own() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = base(&session, &Template::new().nested(ck::CKA_DERIVE_TEMPLATE, hidden()));
        let hash = Mechanism::plain(ck::CKM_SHA256_KEY_DERIVATION);
        let victim = session.derive(&hash, key, &generic()).unwrap();
        let empty =
            session.create(&Template::secret_key(ck::CKK_GENERIC_SECRET, &[0]).flag(ck::CKA_DERIVE, true)).unwrap();
        let whole = generic().ulong(ck::CKA_VALUE_LEN, 48).flag(ck::CKA_DERIVE, true);
        let joined = Mechanism::number(ck::CKM_CONCATENATE_BASE_AND_KEY, key.0);
        for (mechanism, base, template) in [
            (Mechanism::with_data(ck::CKM_XOR_BASE_AND_DATA, &[0; 48]), key, &whole),
            (Mechanism::number(ck::CKM_EXTRACT_KEY_FROM_KEY, 0), key, &whole),
            (Mechanism::ike1_extended(ck::CKM_SHA512_HMAC, 0, b""), key, &whole),
            (joined, empty, &generic().flag(ck::CKA_DERIVE, true)),
        ] {
            let same = session.derive(&mechanism, base, template);
            if let Ok(same) = same {
                let open = generic().sensitive(false).extractable(true);
                let told = session.bytes(session.derive(&hash, same, &open).unwrap(), ck::CKA_VALUE).unwrap();
                let again = session.secret(&told);
                assert_eq!(hmac(&session, again), hmac(&session, victim));
                panic!("the key: {told:02x?}");
            }
            assert_eq!(code(same), ck::CKR_KEY_FUNCTION_NOT_PERMITTED);
        }
    });
}
