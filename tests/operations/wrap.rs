//! C_WrapKey and C_UnwrapKey (PKCS#11 3.2 sections 5.18.3 and 5.18.4): ways there and back, return codes.
//! What must not be wrapped is in `attacks.rs`, vectors are in `vectors/keywrap.txt`.

use kit::{Mechanism, Object, Session, Template, ck, code, curve, isolated, openssl};

/// A secret key that may be read and wrapped.
fn open_secret(session: &Session<'_>, key_type: ck::CK_KEY_TYPE, value: &[u8]) -> Object {
    session.create(&Template::secret_key(key_type, value).extractable(true)).unwrap()
}

/// The template of a secret key to be unwrapped, readable.
fn secret(key_type: ck::CK_KEY_TYPE) -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(key_type).sensitive(false)
}

/// The template of a private key to be unwrapped, readable.
fn private(key_type: ck::CK_KEY_TYPE) -> Template {
    Template::new().class(ck::CKO_PRIVATE_KEY).key_type(key_type).sensitive(false)
}

/// Mechanisms that wrap under an AES key, of every kind.
fn under_aes() -> Vec<Mechanism> {
    vec![
        Mechanism::plain(ck::CKM_AES_KEY_WRAP),
        Mechanism::bytes(ck::CKM_AES_KEY_WRAP, [7; 8]),
        Mechanism::plain(ck::CKM_AES_KEY_WRAP_PAD),
        Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP),
        Mechanism::bytes(ck::CKM_AES_KEY_WRAP_KWP, [7; 4]),
        Mechanism::plain(ck::CKM_AES_KEY_WRAP_PKCS7),
        Mechanism::plain(ck::CKM_AES_ECB),
        Mechanism::bytes(ck::CKM_AES_CBC, [1; 16]),
        Mechanism::bytes(ck::CKM_AES_CBC_PAD, [1; 16]),
        Mechanism::ctr(64, [1; 16]),
        Mechanism::gcm(&[1; 12], b"header", 128),
    ]
}

/// The same under an RSA key.
fn under_rsa() -> Vec<Mechanism> {
    vec![
        Mechanism::plain(ck::CKM_RSA_PKCS),
        Mechanism::oaep(ck::CKM_SHA256, ck::CKG_MGF1_SHA256, b"label"),
        Mechanism::rsa_aes_key_wrap(128),
        Mechanism::rsa_aes_key_wrap(256),
    ]
}

#[test]
fn secret_keys_come_back_by_each_kind_of_mechanism_as_they_were() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(2048);
        let aes = session.aes(&[9; 32]);
        let ways = under_aes().into_iter().map(|mechanism| (mechanism, aes, aes));
        for (mechanism, there, back) in ways.chain(under_rsa().into_iter().map(|way| (way, public, private))) {
            for (key_type, length) in [(ck::CKK_AES, 16), (ck::CKK_AES, 32), (ck::CKK_SHA256_HMAC, 64)] {
                let value = session.random(length).unwrap();
                let key = open_secret(&session, key_type, &value);
                let wrapped = session.wrap(&mechanism, there, key).unwrap();
                assert!(!wrapped.windows(8).any(|part| part == &value[..8]));
                let new = session.unwrap(&mechanism, back, &wrapped, &secret(key_type)).unwrap();
                assert_eq!(session.bytes(new, ck::CKA_VALUE).unwrap(), value);
                // Not made here, not always what it is now; and not more guarded than the template says.
                for (of, expected) in [
                    (ck::CKA_LOCAL, false),
                    (ck::CKA_ALWAYS_SENSITIVE, false),
                    (ck::CKA_NEVER_EXTRACTABLE, false),
                    (ck::CKA_EXTRACTABLE, true),
                ] {
                    assert_eq!(session.flag(new, of).unwrap(), expected, "{of:#x}");
                }
            }
        }
    });
}

#[test]
fn the_longest_secret_key_is_wrapped_into_more_room_than_it_needs() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let aes = session.aes(&[9; 32]);
        let key = open_secret(&session, ck::CKK_GENERIC_SECRET, &vec![7; 1 << 20]);
        let mechanism = Mechanism::plain(ck::CKM_AES_KEY_WRAP);
        let mut room = vec![0; 3 << 20];
        let (wrapped, length) = session.wrap_into(&mechanism, aes, key, &mut room);
        assert_eq!((wrapped, length), (Ok(()), (1 << 20) + 8));
        let template = secret(ck::CKK_GENERIC_SECRET);
        let new = session.unwrap(&mechanism, aes, &room[..length], &template).unwrap();
        assert_eq!(session.bytes(new, ck::CKA_VALUE).unwrap(), vec![7; 1 << 20]);
    });
}

#[test]
fn private_keys_are_wrapped_as_pkcs_8_that_openssl_reads_and_back() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let kek = session.aes(&[9; 16]);
        let (rsa_public, rsa_private) = session.rsa_pair(2048);
        for (public, key, key_type) in [
            {
                let pair = session.rsa_pair(1024);
                (pair.0, pair.1, ck::CKK_RSA)
            },
            {
                let pair = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P256);
                (pair.0, pair.1, ck::CKK_EC)
            },
            {
                let pair = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P521);
                (pair.0, pair.1, ck::CKK_EC)
            },
            {
                let pair = session.curve_pair(ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, curve::ED25519);
                (pair.0, pair.1, ck::CKK_EC_EDWARDS)
            },
            {
                let pair = session.curve_pair(ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve::X448);
                (pair.0, pair.1, ck::CKK_EC_MONTGOMERY)
            },
        ] {
            let info = session.public_key_info(public);
            let cbc = Mechanism::bytes(ck::CKM_AES_CBC_PAD, [1; 16]);
            let pkcs8 = session.decrypt_with(&cbc, kek, &session.wrap(&cbc, kek, key).unwrap()).unwrap();
            assert_eq!(openssl(&["pkey", "-inform", "DER", "-pubout", "-outform", "DER"], &pkcs8), info);
            // What openssl writes itself.
            let written = openssl(&["pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER"], &pkcs8);
            for pkcs8 in [pkcs8, written] {
                let wrapped = session.encrypt_with(&cbc, kek, &pkcs8).unwrap();
                let new = session.unwrap(&cbc, kek, &wrapped, &private(key_type)).unwrap();
                assert_eq!(session.public_key_info(new), info);
            }
            for (mechanism, there, back) in [
                (Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP), kek, kek),
                (Mechanism::plain(ck::CKM_AES_KEY_WRAP_PKCS7), kek, kek),
                (Mechanism::gcm(&[1; 12], b"", 128), kek, kek),
                (Mechanism::rsa_aes_key_wrap(256), rsa_public, rsa_private),
            ] {
                let wrapped = session.wrap(&mechanism, there, key).unwrap();
                let new = session.unwrap(&mechanism, back, &wrapped, &private(key_type)).unwrap();
                assert_eq!(session.public_key_info(new), info);
            }
            for narrow in [Mechanism::plain(ck::CKM_AES_ECB), Mechanism::bytes(ck::CKM_AES_CBC, [1; 16])] {
                assert_eq!(code(session.wrap(&narrow, kek, key)), ck::CKR_KEY_NOT_WRAPPABLE);
            }
        }
    });
}

#[test]
fn block_modes_fill_up_with_zeros_and_only_those_are_cut_off() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let kek = session.aes(&[9; 16]);
        let cbc = Mechanism::bytes(ck::CKM_AES_CBC, [1; 16]);
        let key = open_secret(&session, ck::CKK_GENERIC_SECRET, &[5; 20]);
        let wrapped = session.wrap(&cbc, kek, key).unwrap();
        assert_eq!(session.decrypt_with(&cbc, kek, &wrapped).unwrap(), [&[5; 20][..], &[0; 12]].concat());
        let of_length = |length| {
            let template = secret(ck::CKK_GENERIC_SECRET).ulong(ck::CKA_VALUE_LEN, length);
            session.unwrap(&cbc, kek, &wrapped, &template)
        };
        assert_eq!(session.bytes(of_length(20).unwrap(), ck::CKA_VALUE).unwrap(), [5; 20]);
        for length in [0, 1, 16, 19, 33, u64::MAX] {
            assert_eq!(code(of_length(length)), ck::CKR_WRAPPED_KEY_INVALID, "{length}");
        }
    });
}

#[test]
fn whatever_is_wrong_inside_has_one_code_and_makes_no_key() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let kek = session.aes(&[9; 16]);
        let (public, private_half) = session.rsa_pair(2048);
        let count = || session.find(&Template::new()).unwrap().len();
        let before = count();
        let cbc = Mechanism::bytes(ck::CKM_AES_CBC_PAD, [1; 16]);
        let seal = |plain: &[u8]| session.encrypt_with(&cbc, kek, plain).unwrap();
        let der = openssl(&["genpkey", "-algorithm", "ed25519", "-outform", "DER"], b"");
        let mut cases = Vec::new();
        // Another type, truncated, extended, of another version; an AES key of no length.
        cases.push(code(session.unwrap(&cbc, kek, &seal(&der), &private(ck::CKK_EC))));
        cases.push(code(session.unwrap(&cbc, kek, &seal(&der), &private(ck::CKK_RSA))));
        cases.push(code(session.unwrap(&cbc, kek, &seal(&der), &private(ck::CKK_EC_MONTGOMERY))));
        for wrong in
            [&der[..der.len() - 1], &[&der[..], &[0]].concat(), &[], &[&[0x30, 0x2e, 2, 1, 9], &der[5..]].concat()]
        {
            cases.push(code(session.unwrap(&cbc, kek, &seal(wrong), &private(ck::CKK_EC_EDWARDS))));
        }
        cases.push(code(session.unwrap(&cbc, kek, &seal(&[1; 17]), &secret(ck::CKK_AES))));
        let of_length = secret(ck::CKK_GENERIC_SECRET).ulong(ck::CKA_VALUE_LEN, 16);
        cases.push(code(session.unwrap(&cbc, kek, &seal(&[1; 17]), &of_length)));
        // Wrong padding, wrong check, wrong tag.
        cases.push(code(session.unwrap(&cbc, kek, &[3; 32], &secret(ck::CKK_AES))));
        for of in [ck::CKM_AES_KEY_WRAP, ck::CKM_AES_KEY_WRAP_KWP, ck::CKM_AES_KEY_WRAP_PKCS7] {
            cases.push(code(session.unwrap(&Mechanism::plain(of), kek, &[3; 24], &secret(ck::CKK_AES))));
        }
        cases.push(code(session.unwrap(&Mechanism::gcm(&[1; 12], b"", 128), kek, &[3; 32], &secret(ck::CKK_AES))));
        let oaep = Mechanism::oaep(ck::CKM_SHA256, ck::CKG_MGF1_SHA256, b"");
        cases.push(code(session.unwrap(&oaep, private_half, &[3; 256], &secret(ck::CKK_AES))));
        let both = Mechanism::rsa_aes_key_wrap(256);
        let key = open_secret(&session, ck::CKK_AES, &[5; 32]);
        let wrapped = session.wrap(&both, public, key).unwrap();
        for at in [0, 255, 256, wrapped.len() - 1] {
            let mut bad = wrapped.clone();
            bad[at] ^= 1;
            cases.push(code(session.unwrap(&both, private_half, &bad, &secret(ck::CKK_AES))));
        }
        assert_eq!(cases, vec![kit::Rv(ck::CKR_WRAPPED_KEY_INVALID); cases.len()]);
        session.destroy(key).unwrap();
        assert_eq!(count(), before);
        for (mechanism, length) in [
            (Mechanism::plain(ck::CKM_AES_KEY_WRAP), 16),
            (Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP), 23),
            (Mechanism::plain(ck::CKM_AES_ECB), 17),
            (Mechanism::bytes(ck::CKM_AES_CBC_PAD, [1; 16]), 15),
            (Mechanism::gcm(&[1; 12], b"", 128), 15),
        ] {
            let short = session.unwrap(&mechanism, kek, &vec![3; length], &secret(ck::CKK_AES));
            assert_eq!(code(short), ck::CKR_WRAPPED_KEY_LEN_RANGE);
        }
        let short = session.unwrap(&oaep, private_half, &[3; 255], &secret(ck::CKK_AES));
        assert_eq!(code(short), ck::CKR_WRAPPED_KEY_LEN_RANGE);
    });
}

#[test]
fn calls_that_cannot_be_have_the_codes_of_the_standard() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let kwp = Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP);
        let (kek, key) = (session.aes(&[9; 16]), open_secret(&session, ck::CKK_AES, &[5; 16]));
        let (public, private_half) = session.rsa_pair(1024);
        let plain = Template::secret_key(ck::CKK_AES, &[8; 16]);
        let unusable = session.create(&plain.clone().flag(ck::CKA_WRAP, false).flag(ck::CKA_UNWRAP, false)).unwrap();
        let other = session.create(&plain.ulongs(ck::CKA_ALLOWED_MECHANISMS, &[ck::CKM_AES_ECB])).unwrap();
        let data = session.create(&Template::new().class(ck::CKO_DATA)).unwrap();
        let oaep = Mechanism::oaep(ck::CKM_SHA256, ck::CKG_MGF1_SHA256, b"");
        let closed = session.aes(&[5; 16]);
        let huge = open_secret(&session, ck::CKK_GENERIC_SECRET, &[5; 200]);
        let odd = open_secret(&session, ck::CKK_GENERIC_SECRET, &[5; 17]);
        let sha = Mechanism::plain(ck::CKM_SHA256);
        for (mechanism, wrapping, wrapped, expected) in [
            (&sha, kek, key, ck::CKR_MECHANISM_INVALID),
            (&kwp, Object(9999), key, ck::CKR_WRAPPING_KEY_HANDLE_INVALID),
            (&kwp, data, key, ck::CKR_WRAPPING_KEY_HANDLE_INVALID),
            (&kwp, kek, Object(9999), ck::CKR_KEY_HANDLE_INVALID),
            (&kwp, kek, data, ck::CKR_KEY_HANDLE_INVALID),
            (&kwp, public, key, ck::CKR_WRAPPING_KEY_TYPE_INCONSISTENT),
            (&oaep, private_half, key, ck::CKR_WRAPPING_KEY_TYPE_INCONSISTENT),
            (&kwp, unusable, key, ck::CKR_KEY_FUNCTION_NOT_PERMITTED),
            (&kwp, other, key, ck::CKR_MECHANISM_INVALID),
            (&Mechanism::bytes(ck::CKM_AES_KEY_WRAP_KWP, [1; 8]), kek, key, ck::CKR_MECHANISM_PARAM_INVALID),
            (&kwp, kek, public, ck::CKR_KEY_NOT_WRAPPABLE),
            (&kwp, kek, closed, ck::CKR_KEY_UNEXTRACTABLE),
            (&oaep, public, huge, ck::CKR_KEY_SIZE_RANGE),
            (&Mechanism::plain(ck::CKM_AES_KEY_WRAP), kek, odd, ck::CKR_KEY_SIZE_RANGE),
        ] {
            assert_eq!(code(session.wrap(mechanism, wrapping, wrapped)), expected);
        }
        let wrapped = session.wrap(&kwp, kek, key).unwrap();
        for (mechanism, unwrapping, template, expected) in [
            (&sha, kek, secret(ck::CKK_AES), ck::CKR_MECHANISM_INVALID),
            (&kwp, Object(9999), secret(ck::CKK_AES), ck::CKR_UNWRAPPING_KEY_HANDLE_INVALID),
            (&kwp, private_half, secret(ck::CKK_AES), ck::CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT),
            (&oaep, public, secret(ck::CKK_AES), ck::CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT),
            (&kwp, unusable, secret(ck::CKK_AES), ck::CKR_KEY_FUNCTION_NOT_PERMITTED),
            (&kwp, other, secret(ck::CKK_AES), ck::CKR_MECHANISM_INVALID),
            (&kwp, kek, Template::new(), ck::CKR_TEMPLATE_INCOMPLETE),
            (&kwp, kek, secret(ck::CKK_AES).bytes(ck::CKA_VALUE, [5; 16]), ck::CKR_ATTRIBUTE_READ_ONLY),
            (&kwp, kek, secret(ck::CKK_AES).flag(ck::CKA_LOCAL, true), ck::CKR_ATTRIBUTE_READ_ONLY),
            (&kwp, kek, Template::new().class(ck::CKO_PUBLIC_KEY).key_type(ck::CKK_RSA), ck::CKR_TEMPLATE_INCONSISTENT),
        ] {
            assert_eq!(code(session.unwrap(mechanism, unwrapping, &wrapped, &template)), expected);
        }
        let mut small = [0u8; 23];
        assert_eq!(session.wrap_into(&kwp, kek, key, &mut small), (Err(kit::Rv(ck::CKR_BUFFER_TOO_SMALL)), 24));
        assert_eq!(small, [0; 23]);
        let read_only = module.open_ro(session.info().unwrap().slotID).unwrap();
        let on_token = read_only.unwrap(&kwp, kek, &wrapped, &secret(ck::CKK_AES).token(true));
        assert_eq!(code(on_token), ck::CKR_SESSION_READ_ONLY);
    });
}

#[test]
fn a_wrapping_key_may_say_which_keys_it_wraps_and_an_unwrapping_key_what_they_become() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let kwp = Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP);
        let plain = Template::secret_key(ck::CKK_AES, &[9; 16]);
        let asks = Template::new().key_type(ck::CKK_AES).label("this");
        let becomes = Template::new().sensitive(true).flag(ck::CKA_ENCRYPT, false).label("new");
        let kek = plain.clone().nested(ck::CKA_WRAP_TEMPLATE, asks).nested(ck::CKA_UNWRAP_TEMPLATE, becomes);
        let kek = session.create(&kek).unwrap();
        let wanted = Template::secret_key(ck::CKK_AES, &[5; 16]).extractable(true);
        let key = session.create(&wanted.clone().label("this")).unwrap();
        let other = session.create(&wanted.clone().label("other")).unwrap();
        assert_eq!(code(session.wrap(&kwp, kek, other)), ck::CKR_KEY_HANDLE_INVALID);
        // One that has no such attribute at all.
        let asks = Template::new().ulongs(ck::CKA_ALLOWED_MECHANISMS, &[ck::CKM_AES_GCM]);
        let choosy = session.create(&plain.clone().nested(ck::CKA_WRAP_TEMPLATE, asks.clone())).unwrap();
        assert_eq!(code(session.wrap(&kwp, choosy, key)), ck::CKR_KEY_HANDLE_INVALID);
        session.wrap(&kwp, choosy, session.create(&wanted.and(&asks)).unwrap()).unwrap();
        let wrapped = session.wrap(&kwp, kek, key).unwrap();
        let template = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES);
        let new = session.unwrap(&kwp, kek, &wrapped, &template).unwrap();
        assert!(session.flag(new, ck::CKA_SENSITIVE).unwrap());
        assert!(!session.flag(new, ck::CKA_ENCRYPT).unwrap());
        assert_eq!(session.bytes(new, ck::CKA_LABEL).unwrap(), b"new");
        session.unwrap(&kwp, kek, &wrapped, &template.clone().label("new")).unwrap();
        for contradicts in [template.clone().label("mine"), template.sensitive(false)] {
            assert_eq!(code(session.unwrap(&kwp, kek, &wrapped, &contradicts)), ck::CKR_TEMPLATE_INCONSISTENT);
        }
    });
}

#[test]
fn a_wrapping_key_may_name_the_one_key_that_it_wraps() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let kwp = Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP);
        for token in [false, true] {
            let wanted = Template::secret_key(ck::CKK_AES, &[5; 16]).extractable(true).token(token);
            let [key, other] = [(); 2].map(|()| session.create(&wanted).unwrap());
            let asks = Template::new().bytes(ck::CKA_UNIQUE_ID, session.bytes(key, ck::CKA_UNIQUE_ID).unwrap());
            let kek = Template::secret_key(ck::CKK_AES, &[9; 16]).nested(ck::CKA_WRAP_TEMPLATE, asks);
            let kek = session.create(&kek).unwrap();
            session.wrap(&kwp, kek, key).unwrap();
            assert_eq!(code(session.wrap(&kwp, kek, other)), ck::CKR_KEY_HANDLE_INVALID);
        }
    });
}

#[test]
fn a_wrapping_key_compares_what_cannot_be_read_too() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let kwp = Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP);
        let asks = Template::new().bytes(ck::CKA_VALUE, [5; 16]).sensitive(true);
        let kek = Template::new().ulong(ck::CKA_VALUE_LEN, 32).nested(ck::CKA_WRAP_TEMPLATE, asks);
        let kek = kek.flag(ck::CKA_WRAP, true).flag(ck::CKA_DECRYPT, false);
        let kek = session.generate_key(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &kek).unwrap();
        let key = |value: u8| {
            let template = Template::secret_key(ck::CKK_AES, &[value; 16]).extractable(true);
            session.create(&template.sensitive(true)).unwrap()
        };
        session.wrap(&kwp, kek, key(5)).unwrap();
        assert_eq!(code(session.wrap(&kwp, kek, key(6))), ck::CKR_KEY_HANDLE_INVALID);
        assert_eq!(
            code(session.wrap(&kwp, kek, open_secret(&session, ck::CKK_AES, &[5; 16]))),
            ck::CKR_KEY_HANDLE_INVALID
        );
    });
}

#[test]
fn a_key_under_raw_rsa_is_the_end_of_a_number() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(1024);
        let raw = Mechanism::plain(ck::CKM_RSA_X_509);
        let value = [0x5a; 32];
        let wrapped = session.wrap(&raw, public, open_secret(&session, ck::CKK_AES, &value)).unwrap();
        let number = session.decrypt_with(&raw, private, &wrapped).unwrap();
        assert_eq!((&number[..96], &number[96..]), (&[0; 96][..], &value[..]));
        let unwrap = |length| {
            let template = secret(ck::CKK_GENERIC_SECRET).ulong(ck::CKA_VALUE_LEN, length);
            session.unwrap(&raw, private, &wrapped, &template)
        };
        assert_eq!(session.bytes(unwrap(32).unwrap(), ck::CKA_VALUE).unwrap(), value);
        assert_eq!(session.bytes(unwrap(33).unwrap(), ck::CKA_VALUE).unwrap()[1..], value);
        // Cut off is nothing but zeros.
        for wrong in [31, 1, 129, u64::MAX] {
            assert_eq!(code(unwrap(wrong)), ck::CKR_WRAPPED_KEY_INVALID, "{wrong}");
        }
        let whole = session.unwrap(&raw, private, &wrapped, &secret(ck::CKK_GENERIC_SECRET)).unwrap();
        assert_eq!(session.bytes(whole, ck::CKA_VALUE).unwrap(), number);
        for wrong in [&wrapped[1..], &[&wrapped[..], &[0]].concat()] {
            let refused = session.unwrap(&raw, private, wrong, &secret(ck::CKK_GENERIC_SECRET));
            assert_eq!(code(refused), ck::CKR_WRAPPED_KEY_LEN_RANGE);
        }
        for long in [vec![1; 129], vec![0xff; 128]] {
            let refused = session.wrap(&raw, public, open_secret(&session, ck::CKK_GENERIC_SECRET, &long));
            assert_eq!(code(refused), ck::CKR_KEY_SIZE_RANGE);
        }
        // Whatever opens it could have been anything: sensitive keys stay out of it.
        let hidden = session.create(&Template::secret_key(ck::CKK_AES, &value).extractable(true).sensitive(true));
        assert_eq!(code(session.wrap(&raw, public, hidden.unwrap())), ck::CKR_KEY_NOT_WRAPPABLE);
    });
}

#[test]
fn a_wrapped_key_may_go_where_its_iv_stands() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (kek, key) = (session.aes(&[9; 16]), open_secret(&session, ck::CKK_GENERIC_SECRET, &[5; 32]));
        for (of, iv_len) in [
            (ck::CKM_AES_CBC, 16),
            (ck::CKM_AES_CBC_PAD, 16),
            (ck::CKM_AES_OFB, 16),
            (ck::CKM_AES_CTS, 16),
            (ck::CKM_AES_KEY_WRAP, 8),
            (ck::CKM_AES_KEY_WRAP_KWP, 4),
        ] {
            let apart = session.wrap(&Mechanism::bytes(of, vec![7; iv_len]), kek, key).unwrap();
            for room in [apart.len(), 100] {
                let mut memory = vec![7; room];
                memory[iv_len..].fill(0);
                let over = session.wrap_over_its_iv(of, (kek, key), iv_len, memory).unwrap();
                assert_eq!(over, apart, "{of:#x}");
            }
        }
    });
}
