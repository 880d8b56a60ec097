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
        let wanted = hmac(session, part)?;
        let next = (0..=255u8).find_map(|byte| {
            let guess = if from_the_end { [&[byte], &found[..]].concat() } else { [&found[..], &[byte]].concat() };
            let key = session.secret(&guess);
            let fits = hmac(session, key).unwrap() == wanted;
            session.destroy(key).unwrap();
            fits.then_some(guess)
        });
        found = next.expect("a byte that fits");
    }
    Ok(found)
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
        let rsa = Template::new().ulong(ck::CKA_MODULUS_BITS, 1024);
        for (generator, public, mechanism, length) in [
            (ck::CKM_EC_KEY_PAIR_GEN, p256, Mechanism::ecdh1(ck::CKM_ECDH1_DERIVE, ck::CKD_NULL, b"", b""), 32),
            (ck::CKM_RSA_PKCS_KEY_PAIR_GEN, rsa, Mechanism::plain(ck::CKM_RSA_X_509), 128),
        ] {
            let (public, private) = session.generate_key_pair(&Mechanism::plain(generator), &public, &hides).unwrap();
            let whole = generic().ulong(ck::CKA_VALUE_LEN, length as ck::CK_ULONG);
            let (sealed, _) = session.encapsulate(&mechanism, public, &whole).unwrap();
            let victim = session.decapsulate(&mechanism, private, &whole, &sealed).unwrap();
            assert_eq!(code(session.bytes(victim, ck::CKA_VALUE)), ck::CKR_ATTRIBUTE_SENSITIVE);
            let part = |template: &Template| session.decapsulate(&mechanism, private, template, &sealed);
            let found = by_trial(&session, length, true, part);
            if let Ok(found) = found {
                panic!("the key: {found:02x?}");
            }
            assert_eq!(code(found), ck::CKR_KEY_SIZE_RANGE);
            part(&generic().ulong(ck::CKA_VALUE_LEN, 16)).unwrap();
        }
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
