//! Keys that come from outside (PKCS#11 3.2 sections 4.7 to 4.11 and 6): import of every type, what is checked and what
//! the token computes.

use kit::{Known, Mechanism, Object, Session, Template, USER_PIN, ck, code, isolated, openssl};

fn pkcs() -> Mechanism {
    Mechanism::plain(ck::CKM_SHA256_RSA_PKCS)
}

fn secret(kind: ck::CK_KEY_TYPE, value: &[u8]) -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(kind).bytes(ck::CKA_VALUE, value)
}

/// The same template with another value of one attribute.
fn with(template: &Template, of: ck::CK_ATTRIBUTE_TYPE, value: impl AsRef<[u8]>) -> Template {
    template.clone().without(of).bytes(of, value)
}

fn imported(session: &Session<'_>, known: &Known, token: bool) -> (Object, Object) {
    let half = |template: &Template| session.create(&template.clone().token(token)).unwrap();
    (half(&known.public), half(&known.private))
}

#[test]
fn both_halves_of_an_imported_pair_belong_together_whatever_the_type() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (known, mechanism) in [
            (Known::rsa(), pkcs()),
            (Known::p256(), Mechanism::plain(ck::CKM_ECDSA_SHA256)),
            (Known::ed25519(), Mechanism::plain(ck::CKM_EDDSA)),
        ] {
            for token in [false, true] {
                let (public, private) = imported(&session, &known, token);
                let signature = session.sign_with(&mechanism, private, b"message").unwrap();
                session.verify_with(&mechanism, public, b"message", &signature).unwrap();
                let wrong = session.verify_with(&mechanism, public, b"massage", &signature);
                assert_eq!(code(wrong), ck::CKR_SIGNATURE_INVALID);
            }
        }
    });
}

#[test]
fn an_imported_pair_is_used_by_another_process_and_verified_by_plain_openssl() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let known = Known::rsa();
        imported(&session, &known, true);
        let file = |name: &str, bytes: &[u8]| {
            std::fs::write(env.file(name), bytes).unwrap();
            env.file(name).display().to_string()
        };
        let public = file("public.der", &known.spki);
        env.elsewhere(|other| {
            let session = other.open_ro(other.slot_of("test").unwrap()).unwrap();
            session.login(ck::CKU_USER, USER_PIN).unwrap();
            let private = session.find(&Template::new().class(ck::CKO_PRIVATE_KEY)).unwrap()[0];
            let signature = file("signature", &session.sign_with(&pkcs(), private, b"message").unwrap());
            openssl(&["dgst", "-sha256", "-keyform", "DER", "-verify", &public, "-signature", &signature], b"message");
        });
    });
}

#[test]
fn the_public_key_is_computed_for_both_halves_and_a_given_one_must_fit() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for known in [Known::rsa(), Known::p256(), Known::ed25519()] {
            for half in [&known.public, &known.private] {
                let key = session.create(half).unwrap();
                assert_eq!(session.bytes(key, ck::CKA_PUBLIC_KEY_INFO).unwrap(), known.spki);
                session.create(&with(half, ck::CKA_PUBLIC_KEY_INFO, &known.spki)).unwrap();
                let mut other = known.spki.clone();
                *other.last_mut().unwrap() ^= 1;
                let other = session.create(&with(half, ck::CKA_PUBLIC_KEY_INFO, other));
                assert_eq!(code(other), ck::CKR_ATTRIBUTE_VALUE_INVALID);
            }
        }
    });
}

#[test]
fn what_a_template_leaves_out_of_an_rsa_key_is_computed() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let known = Known::rsa();
        let public = session.create(&known.public).unwrap();
        assert_eq!(session.ulong(public, ck::CKA_MODULUS_BITS).unwrap(), 2048);
        let computed = [ck::CKA_PRIME_1, ck::CKA_PRIME_2, ck::CKA_EXPONENT_1, ck::CKA_EXPONENT_2, ck::CKA_COEFFICIENT];
        let readable = known.private.clone().sensitive(false).extractable(true);
        let short = computed.iter().fold(readable.clone(), |short, of| short.without(*of));
        let [whole, short] = [readable, short].map(|template| session.create(&template).unwrap());
        let read = |key, of| session.bytes(key, of).unwrap();
        for of in computed {
            assert_eq!(read(whole, of), known.private.said(of).unwrap(), "{of:#x}");
        }
        // The primes may come in the other order.
        let primes = |key| {
            let mut primes = [read(key, ck::CKA_PRIME_1), read(key, ck::CKA_PRIME_2)];
            primes.sort_unstable();
            primes
        };
        assert_eq!(primes(short), primes(whole));
        let signature = session.sign_with(&pkcs(), short, b"message").unwrap();
        session.verify_with(&pkcs(), public, b"message", &signature).unwrap();
    });
}

#[test]
fn numbers_that_make_no_rsa_key_are_refused() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let known = Known::rsa();
        let refused = |template: &Template| {
            assert_eq!(code(session.create(template)), ck::CKR_ATTRIBUTE_VALUE_INVALID, "{template:?}");
        };
        for of in [ck::CKA_PRIVATE_EXPONENT, ck::CKA_PRIME_1, ck::CKA_EXPONENT_1, ck::CKA_COEFFICIENT] {
            let mut number = known.private.said(of).unwrap().to_vec();
            number[9] ^= 4;
            refused(&with(&known.private, of, number));
        }
        let mut even = known.public.said(ck::CKA_MODULUS).unwrap().to_vec();
        *even.last_mut().unwrap() &= 0xfe;
        refused(&with(&known.public, ck::CKA_MODULUS, even));
        refused(&with(&known.public, ck::CKA_MODULUS, [0xff; 32]));
        refused(&with(&known.public, ck::CKA_PUBLIC_EXPONENT, [1]));
        refused(&with(&known.public, ck::CKA_PUBLIC_EXPONENT, [4]));
        refused(&known.public.clone().ulong(ck::CKA_MODULUS_BITS, 1024));
        session.create(&known.public.ulong(ck::CKA_MODULUS_BITS, 2048)).unwrap();
    });
}

#[test]
fn a_curve_and_a_point_are_taken_in_every_form_and_kept_in_one() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let printable = |name: &str| [&[0x13, name.len() as u8], name.as_bytes()].concat();
        for (known, names) in [
            (Known::p256(), ["prime256v1", "secp256r1"].map(printable)),
            (Known::ed25519(), ["edwards25519", "edwards25519"].map(printable)),
        ] {
            let point = known.public.said(ck::CKA_EC_POINT).unwrap();
            let mut forms = vec![known.public.clone(), with(&known.public, ck::CKA_EC_POINT, &point[2..])];
            forms.extend(names.iter().map(|name| with(&known.public, ck::CKA_EC_PARAMS, name)));
            if point.len() == 67 {
                // y is odd.
                let compressed = [&[0x03], &point[3..35]].concat();
                forms.push(with(&known.public, ck::CKA_EC_POINT, &compressed));
                forms.push(with(&known.public, ck::CKA_EC_POINT, [&[0x04, 33], compressed.as_slice()].concat()));
            }
            for form in forms {
                let key = session.create(&form).unwrap();
                for of in [ck::CKA_EC_POINT, ck::CKA_EC_PARAMS] {
                    assert_eq!(session.bytes(key, of).unwrap(), known.public.said(of).unwrap(), "{form:?}");
                }
            }
        }
    });
}

#[test]
fn curves_and_points_that_are_none_are_refused_each_with_its_code() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let known = Known::p256();
        let point = known.public.said(ck::CKA_EC_POINT).unwrap();
        let mut off = point.to_vec();
        *off.last_mut().unwrap() ^= 1;
        let hybrid = [&[0x04, 65, 0x07], &point[3..]].concat();
        let points = [off.as_slice(), &hybrid, &[0x04, 1, 0], &[0x04, 0], &point[..66], b"nonsense"];
        for wrong in points {
            let found = code(session.create(&with(&known.public, ck::CKA_EC_POINT, wrong)));
            assert_eq!(found, ck::CKR_PUBLIC_KEY_INVALID, "{wrong:02x?}");
        }
        let ed25519 = Known::ed25519();
        let its_curve = ed25519.public.said(ck::CKA_EC_PARAMS).unwrap();
        let unknown = [0x06, 0x03, 0x2a, 0x03, 0x04];
        for (wrong, expected) in [
            (its_curve, ck::CKR_CURVE_NOT_SUPPORTED),
            (&unknown[..], ck::CKR_CURVE_NOT_SUPPORTED),
            (b"\x13\x07unknown", ck::CKR_CURVE_NOT_SUPPORTED),
            // implicitlyCA
            (&[0x05, 0x00], ck::CKR_DOMAIN_PARAMS_INVALID),
            (b"nonsense", ck::CKR_DOMAIN_PARAMS_INVALID),
        ] {
            for half in [&known.public, &known.private] {
                assert_eq!(code(session.create(&with(half, ck::CKA_EC_PARAMS, wrong))), expected, "{wrong:02x?}");
            }
        }
        let p256_curve = known.public.said(ck::CKA_EC_PARAMS).unwrap();
        let crossed = session.create(&with(&ed25519.public, ck::CKA_EC_PARAMS, p256_curve));
        assert_eq!(code(crossed), ck::CKR_CURVE_NOT_SUPPORTED);
    });
}

#[test]
fn a_private_number_is_within_its_curve_and_fits_a_given_point() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let known = Known::p256();
        let order = [&[0xff; 4][..], &[0; 4], &[0xff; 8]].concat();
        let order = [&order[..], b"\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51"].concat();
        for wrong in [&[0; 32][..], &[0], &order, &[0xff; 32], &[1; 33]] {
            let found = code(session.create(&with(&known.private, ck::CKA_VALUE, wrong)));
            assert_eq!(found, ck::CKR_ATTRIBUTE_VALUE_INVALID, "{wrong:02x?}");
        }
        for wrong in [&[1; 31][..], &[1; 33]] {
            let found = code(session.create(&with(&Known::ed25519().private, ck::CKA_VALUE, wrong)));
            assert_eq!(found, ck::CKR_ATTRIBUTE_VALUE_INVALID, "{wrong:02x?}");
        }
        let point = known.public.said(ck::CKA_EC_POINT).unwrap();
        session.create(&with(&known.private, ck::CKA_EC_POINT, point)).unwrap();
        let another = session.create(&with(&with(&known.private, ck::CKA_VALUE, [1]), ck::CKA_EC_POINT, point));
        assert_eq!(code(another), ck::CKR_ATTRIBUTE_VALUE_INVALID);
        // Clients cut leading zeros; they come back.
        let one = with(&known.private, ck::CKA_VALUE, [1]).sensitive(false).extractable(true);
        let one = session.create(&one).unwrap();
        assert_eq!(session.bytes(one, ck::CKA_VALUE).unwrap(), [&[0; 31][..], &[1]].concat());
    });
}

#[test]
fn secret_keys_have_the_length_of_their_type_and_a_check_value() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for length in [16, 24, 32] {
            let value: Vec<u8> = (0..length).collect();
            let key = session.create(&secret(ck::CKK_AES, &value)).unwrap();
            assert_eq!(session.ulong(key, ck::CKA_VALUE_LEN).unwrap(), u64::from(length));
            let ecb = Mechanism::plain(ck::CKM_AES_ECB);
            let zero = session.encrypt_with(&ecb, key, &[0; 16]).unwrap();
            assert_eq!(session.bytes(key, ck::CKA_CHECK_VALUE).unwrap(), zero[..3]);
        }
        for length in [0, 1, 15, 17, 20, 33, 64] {
            let found = code(session.create(&secret(ck::CKK_AES, &vec![1; length])));
            assert_eq!(found, ck::CKR_ATTRIBUTE_VALUE_INVALID, "{length}");
        }
        for value in [&b"x"[..], &[7; 100], &[8; 5000]] {
            for kind in [ck::CKK_GENERIC_SECRET, ck::CKK_SHA256_HMAC] {
                let key = session.create(&secret(kind, value)).unwrap();
                assert_eq!(session.ulong(key, ck::CKA_VALUE_LEN).unwrap(), value.len() as u64);
                let sha1 = openssl(&["dgst", "-sha1", "-binary"], value);
                assert_eq!(session.bytes(key, ck::CKA_CHECK_VALUE).unwrap(), sha1[..3]);
            }
        }
        assert_eq!(code(session.create(&secret(ck::CKK_GENERIC_SECRET, b""))), ck::CKR_ATTRIBUTE_VALUE_INVALID);
    });
}

#[test]
fn a_given_check_value_or_length_must_fit_and_an_empty_check_value_is_none() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let plain = secret(ck::CKK_AES, &[1; 16]);
        let right = session.bytes(session.create(&plain).unwrap(), ck::CKA_CHECK_VALUE).unwrap();
        session.create(&with(&plain, ck::CKA_CHECK_VALUE, &right)).unwrap();
        let with_value = |value: &[u8]| session.create(&with(&plain, ck::CKA_CHECK_VALUE, value));
        assert_eq!(code(with_value(&[right[0] ^ 1, right[1], right[2]])), ck::CKR_ATTRIBUTE_VALUE_INVALID);
        assert_eq!(code(with_value(&right[..2])), ck::CKR_ATTRIBUTE_VALUE_INVALID);
        let none = with_value(b"").unwrap();
        assert_eq!(session.bytes(none, ck::CKA_CHECK_VALUE).unwrap(), b"");
        let key = session.create(&plain).unwrap();
        session.set(key, &Template::new().bytes(ck::CKA_CHECK_VALUE, b"")).unwrap();
        assert_eq!(session.bytes(key, ck::CKA_CHECK_VALUE).unwrap(), b"");
        let back = session.set(key, &Template::new().bytes(ck::CKA_CHECK_VALUE, &right));
        assert_eq!(code(back), ck::CKR_ATTRIBUTE_READ_ONLY);
        session.create(&plain.clone().ulong(ck::CKA_VALUE_LEN, 16)).unwrap();
        assert_eq!(code(session.create(&plain.ulong(ck::CKA_VALUE_LEN, 32))), ck::CKR_ATTRIBUTE_VALUE_INVALID);
    });
}

#[test]
fn the_secret_parts_of_a_key_are_read_only_if_it_is_extractable_and_not_sensitive() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let rsa: &[_] = &[
            ck::CKA_PRIVATE_EXPONENT,
            ck::CKA_PRIME_1,
            ck::CKA_PRIME_2,
            ck::CKA_EXPONENT_1,
            ck::CKA_EXPONENT_2,
            ck::CKA_COEFFICIENT,
        ];
        for (template, parts) in [
            (Known::rsa().private, rsa),
            (Known::p256().private, &[ck::CKA_VALUE]),
            (Known::ed25519().private, &[ck::CKA_VALUE]),
            (secret(ck::CKK_AES, &[1; 16]), &[ck::CKA_VALUE]),
            (secret(ck::CKK_GENERIC_SECRET, &[1; 16]), &[ck::CKA_VALUE]),
        ] {
            for (sensitive, extractable) in [(false, true), (true, true), (false, false), (true, false)] {
                let key = session.create(&template.clone().sensitive(sensitive).extractable(extractable)).unwrap();
                for of in parts {
                    let read = session.bytes(key, *of);
                    if !sensitive && extractable {
                        assert_eq!(read.unwrap(), template.said(*of).unwrap());
                    } else {
                        assert_eq!(code(read), ck::CKR_ATTRIBUTE_SENSITIVE, "{of:#x}");
                    }
                }
                let (result, lengths) = session.attributes(key, parts, 0);
                assert!(result.is_err() && lengths.iter().all(Option::is_none), "a length tells too");
                session.bytes(key, ck::CKA_LABEL).unwrap();
            }
        }
    });
}

#[test]
fn generated_keys_know_that_they_were_generated_and_imported_ones_that_they_were_not() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let generator = Mechanism::plain(ck::CKM_AES_KEY_GEN);
        for (sensitive, extractable) in [(false, true), (true, true), (false, false), (true, false)] {
            let shape = Template::new().sensitive(sensitive).extractable(extractable);
            let made = session.generate_key(&generator, &shape.clone().ulong(ck::CKA_VALUE_LEN, 32)).unwrap();
            let came = session.create(&secret(ck::CKK_AES, &[1; 32]).and(&shape)).unwrap();
            let copy = session.copy(made, &Template::new()).unwrap();
            for (key, local) in [(made, true), (copy, true), (came, false)] {
                let flag = |of| session.flag(key, of).unwrap();
                assert_eq!(flag(ck::CKA_LOCAL), local);
                assert_eq!(flag(ck::CKA_ALWAYS_SENSITIVE), local && sensitive);
                assert_eq!(flag(ck::CKA_NEVER_EXTRACTABLE), local && !extractable);
                let by = if local { ck::CKM_AES_KEY_GEN } else { ck::CK_UNAVAILABLE_INFORMATION };
                assert_eq!(session.ulong(key, ck::CKA_KEY_GEN_MECHANISM).unwrap(), by);
            }
        }
        // What became sensitive later was not always so.
        let shape = Template::new().ulong(ck::CKA_VALUE_LEN, 16).extractable(true);
        let late = session.generate_key(&generator, &shape).unwrap();
        session.set(late, &Template::new().sensitive(true).extractable(false)).unwrap();
        assert!(!session.flag(late, ck::CKA_ALWAYS_SENSITIVE).unwrap());
        assert!(!session.flag(late, ck::CKA_NEVER_EXTRACTABLE).unwrap());
    });
}

#[test]
fn a_pair_is_made_whole_or_not_at_all() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let generator = Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN);
        let public = Known::p256().public.without(ck::CKA_EC_POINT).token(true);
        let wrong = Template::new().token(true).flag(ck::CKA_LOCAL, true);
        assert_eq!(code(session.generate_key_pair(&generator, &public, &wrong)), ck::CKR_ATTRIBUTE_READ_ONLY);
        let wrong = Template::new().token(true).class(ck::CKO_SECRET_KEY);
        assert_eq!(code(session.generate_key_pair(&generator, &public, &wrong)), ck::CKR_TEMPLATE_INCONSISTENT);
        let lacking = public.clone().without(ck::CKA_EC_PARAMS);
        let private = Template::new().token(true);
        assert_eq!(code(session.generate_key_pair(&generator, &lacking, &private)), ck::CKR_TEMPLATE_INCOMPLETE);
        assert_eq!(session.find(&Template::new()).unwrap(), []);
        session.generate_key_pair(&generator, &public, &private).unwrap();
        env.elsewhere(|other| {
            let session = other.open_ro(other.slot_of("test").unwrap()).unwrap();
            session.login(ck::CKU_USER, USER_PIN).unwrap();
            let halves = session.find(&Template::new().key_type(ck::CKK_EC)).unwrap();
            let infos: Vec<_> =
                halves.iter().map(|key| session.bytes(*key, ck::CKA_PUBLIC_KEY_INFO).unwrap()).collect();
            assert_eq!(infos.len(), 2);
            assert_eq!(infos[0], infos[1]);
        });
    });
}
