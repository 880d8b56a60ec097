//! The known attacks on the API of a token (Clulow 2003; Tookan, CCS 2010: A1 to A5b; Bardou et al. 2012), each as one
//! would carry it out, and what a sensitive key may be wrapped under all the same.

use kit::{Mechanism, Object, Result, SO_PIN, Session, Template, USER_PIN, ck, code, hex, isolated};

/// What is to be stolen: sensitive, but it may be wrapped.
fn treasure(session: &Session<'_>) -> Object {
    session.create(&Template::secret_key(ck::CKK_AES, &[0x5e; 16]).sensitive(true).extractable(true)).unwrap()
}

fn generate(session: &Session<'_>, more: &Template) -> Result<Object> {
    let template = Template::new().ulong(ck::CKA_VALUE_LEN, 32).and(more);
    session.generate_key(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &template)
}

/// A key that is made for wrapping sensitive keys.
fn wrapping_only() -> Template {
    Template::new().flag(ck::CKA_WRAP, true).flag(ck::CKA_UNWRAP, true).flag(ck::CKA_DECRYPT, false).extractable(false)
}

fn rsa(session: &Session<'_>, private: &Template) -> (Object, Object) {
    let public = Template::new().ulong(ck::CKA_MODULUS_BITS, 2048);
    session.generate_key_pair(&Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN), &public, private).unwrap()
}

/// The private half of a pair that is made for wrapping sensitive keys.
fn unwrapping_only() -> Template {
    let usages = [ck::CKA_DECRYPT, ck::CKA_SIGN, ck::CKA_SIGN_RECOVER, ck::CKA_DECAPSULATE, ck::CKA_DERIVE];
    usages.iter().fold(Template::new().flag(ck::CKA_UNWRAP, true), |template, of| template.flag(*of, false))
}

fn kwp() -> Mechanism {
    Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP)
}

fn oaep() -> Mechanism {
    Mechanism::oaep(ck::CKM_SHA256, ck::CKG_MGF1_SHA256, b"")
}

fn aes() -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES)
}

#[test]
fn a1_a_key_that_decrypts_wraps_nothing_sensitive() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let treasure = treasure(&session);
        let usual = generate(&session, &Template::new()).unwrap();
        for mechanism in [kwp(), Mechanism::plain(ck::CKM_AES_ECB), Mechanism::bytes(ck::CKM_AES_CBC_PAD, [0; 16])] {
            assert_eq!(code(session.wrap(&mechanism, usual, treasure)), ck::CKR_KEY_NOT_WRAPPABLE);
        }
        env.log().must_say(&["CKA_WRAP true", "CKA_DECRYPT and CKA_EXTRACTABLE false", "CKA_TRUSTED"]);
        // Nor does it after it has stopped decrypting: what it wrapped could be decrypted by a copy.
        session.set(usual, &Template::new().flag(ck::CKA_DECRYPT, false)).unwrap();
        assert_eq!(code(session.wrap(&kwp(), usual, treasure)), ck::CKR_KEY_NOT_WRAPPABLE);
        let copy = session.copy(usual, &Template::new().flag(ck::CKA_WRAP, true)).unwrap();
        assert_eq!(code(session.wrap(&kwp(), copy, treasure)), ck::CKR_KEY_NOT_WRAPPABLE);
        // Nor one that could itself be carried away, and used elsewhere.
        let leaves = wrapping_only().without(ck::CKA_EXTRACTABLE).extractable(true);
        let leaves = generate(&session, &leaves).unwrap();
        assert_eq!(code(session.wrap(&kwp(), leaves, treasure)), ck::CKR_KEY_NOT_WRAPPABLE);
        // A key that was no wrapping key when it was made.
        let never =
            generate(&session, &Template::new().flag(ck::CKA_WRAP, false).flag(ck::CKA_DECRYPT, false)).unwrap();
        session.set(never, &Template::new().flag(ck::CKA_WRAP, true)).unwrap();
        assert_eq!(code(session.wrap(&kwp(), never, treasure)), ck::CKR_KEY_NOT_WRAPPABLE);
    });
}

#[test]
fn a2_nor_does_a_public_key_whose_other_half_decrypts_or_is_unknown() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let treasure = treasure(&session);
        let usual = rsa(&session, &Template::new()).0;
        let signs = rsa(&session, &Template::new().flag(ck::CKA_DECRYPT, false)).0;
        let readable = rsa(&session, &unwrapping_only().sensitive(false).extractable(true)).0;
        let foreign = session.create(&kit::Known::rsa().public).unwrap();
        for public in [usual, signs, readable, foreign] {
            for mechanism in [oaep(), Mechanism::plain(ck::CKM_RSA_PKCS), Mechanism::rsa_aes_key_wrap(256)] {
                assert_eq!(code(session.wrap(&mechanism, public, treasure)), ck::CKR_KEY_NOT_WRAPPABLE);
            }
        }
        let (public, private) = rsa(&session, &unwrapping_only());
        let whole = Mechanism::rsa_aes_key_wrap(256);
        let wrapped = session.wrap(&whole, public, treasure).unwrap();
        let new = session.unwrap(&whole, private, &wrapped, &aes()).unwrap();
        assert_eq!(code(session.bytes(new, ck::CKA_VALUE)), ck::CKR_ATTRIBUTE_SENSITIVE);
        let told = aes().sensitive(false);
        assert_eq!(code(session.unwrap(&whole, private, &wrapped, &told)), ck::CKR_TEMPLATE_INCONSISTENT);
        for weak in [Mechanism::plain(ck::CKM_RSA_PKCS), oaep()] {
            assert_eq!(code(session.wrap(&weak, public, treasure)), ck::CKR_KEY_NOT_WRAPPABLE);
            assert_eq!(code(session.unwrap(&weak, private, &[1; 256], &aes())), ck::CKR_MECHANISM_INVALID);
        }
        for of in [ck::CKA_DECRYPT, ck::CKA_SIGN, ck::CKA_SIGN_RECOVER, ck::CKA_DECAPSULATE, ck::CKA_DERIVE] {
            let more = Template::new().flag(of, true);
            assert_eq!(code(session.set(private, &more)), ck::CKR_ATTRIBUTE_READ_ONLY);
            assert_eq!(code(session.copy(private, &more)), ck::CKR_TEMPLATE_INCONSISTENT);
        }
    });
}

#[test]
fn the_key_between_an_rsa_key_and_what_it_wraps_is_never_a_key_of_the_token() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let treasure = treasure(&session);
        let (public, private) = rsa(&session, &unwrapping_only());
        let wrapped = session.wrap(&Mechanism::rsa_aes_key_wrap(256), public, treasure).unwrap();
        // The first part is an AES key under OAEP; with it C_Decrypt would open the second.
        let (outer, inner) = wrapped.split_at(256);
        let between = session.unwrap(&oaep(), private, outer, &aes());
        if let Ok(key) = between {
            panic!("the treasure: {:02x?}", session.decrypt_with(&kwp(), key, inner));
        }
        assert_eq!(code(between), ck::CKR_MECHANISM_INVALID);
        env.log().must_say(&["RSA_PKCS_OAEP", "unwraps only by AES_KEY_WRAP", "RSA_AES_KEY_WRAP"]);
    });
}

#[test]
fn a3_and_a4_no_value_that_is_sensitive_or_not_extractable_leaves() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let treasure = treasure(&session);
        let kept = session.aes(&[7; 16]);
        let kek = generate(&session, &wrapping_only()).unwrap();
        for key in [treasure, kept, kek] {
            assert_eq!(code(session.bytes(key, ck::CKA_VALUE)), ck::CKR_ATTRIBUTE_SENSITIVE);
        }
        for key in [kept, kek] {
            assert_eq!(code(session.wrap(&kwp(), kek, key)), ck::CKR_KEY_UNEXTRACTABLE);
        }
    });
}

#[test]
fn a5_sensitive_and_not_extractable_stay_so() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = generate(&session, &Template::new().sensitive(true).flag(ck::CKA_WRAP_WITH_TRUSTED, true)).unwrap();
        for loose in [
            Template::new().sensitive(false),
            Template::new().extractable(true),
            Template::new().flag(ck::CKA_WRAP_WITH_TRUSTED, false),
        ] {
            assert_eq!(code(session.set(key, &loose)), ck::CKR_ATTRIBUTE_READ_ONLY);
            assert_eq!(code(session.copy(key, &loose)), ck::CKR_TEMPLATE_INCONSISTENT);
        }
    });
}

#[test]
fn wrapping_and_unwrapping_makes_nothing_less_sensitive() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let treasure = treasure(&session);
        let kek = generate(&session, &wrapping_only()).unwrap();
        let wrapped = session.wrap(&kwp(), kek, treasure).unwrap();
        let new = session.unwrap(&kwp(), kek, &wrapped, &aes()).unwrap();
        assert_eq!(code(session.bytes(new, ck::CKA_VALUE)), ck::CKR_ATTRIBUTE_SENSITIVE);
        assert_eq!(session.bytes(new, ck::CKA_CHECK_VALUE), session.bytes(treasure, ck::CKA_CHECK_VALUE));
        let open = aes().sensitive(false);
        assert_eq!(code(session.unwrap(&kwp(), kek, &wrapped, &open)), ck::CKR_TEMPLATE_INCONSISTENT);
        // What comes back wraps nothing sensitive itself, whatever it is told it can.
        let again = session.unwrap(&kwp(), kek, &wrapped, &aes().and(&wrapping_only())).unwrap();
        assert_eq!(code(session.wrap(&kwp(), again, treasure)), ck::CKR_KEY_NOT_WRAPPABLE);
    });
}

#[test]
fn what_hides_what_it_makes_is_not_wrapped_because_it_would_come_back_without_that() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let kek = generate(&session, &wrapping_only()).unwrap();
        let base = Template::secret_key(ck::CKK_AES, &[0x5e; 16]).sensitive(true).extractable(true);
        for of in [ck::CKA_DERIVE_TEMPLATE, ck::CKA_UNWRAP_TEMPLATE] {
            for hidden in [Template::new().sensitive(true), Template::new().extractable(false)] {
                let key = session.create(&base.clone().nested(of, hidden)).unwrap();
                assert_eq!(code(session.wrap(&kwp(), kek, key)), ck::CKR_KEY_NOT_WRAPPABLE);
            }
            let key = session.create(&base.clone().nested(of, Template::new().sensitive(false))).unwrap();
            session.wrap(&kwp(), kek, key).unwrap();
        }
        env.log().must_say(&["CKA_DERIVE_TEMPLATE", "unwrapped without the template"]);
        let hides = Template::new().nested(ck::CKA_DECAPSULATE_TEMPLATE, Template::new().sensitive(true));
        let generator = Mechanism::plain(ck::CKM_ML_KEM_KEY_PAIR_GEN);
        let set = Template::new().ulong(ck::CKA_PARAMETER_SET, ck::CKP_ML_KEM_768);
        let private = hides.sensitive(true).extractable(true).flag(ck::CKA_DECAPSULATE, true);
        let (_, private) = session.generate_key_pair(&generator, &set, &private).unwrap();
        assert_eq!(code(session.wrap(&kwp(), kek, private)), ck::CKR_KEY_NOT_WRAPPABLE);
        // What may be read is not hidden by it either.
        let open = Template::secret_key(ck::CKK_AES, &[0x5e; 16]).sensitive(false).extractable(true);
        let open = session.create(&open.nested(ck::CKA_DERIVE_TEMPLATE, Template::new().sensitive(true))).unwrap();
        session.wrap(&kwp(), kek, open).unwrap();
    });
}

#[test]
fn a_key_for_wrapping_never_decrypts_and_opens_nothing_in_parts() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let treasure = treasure(&session);
        let kek = generate(&session, &wrapping_only().flag(ck::CKA_DERIVE, true)).unwrap();
        let decrypts = Template::new().flag(ck::CKA_DECRYPT, true);
        assert_eq!(code(session.set(kek, &decrypts)), ck::CKR_ATTRIBUTE_READ_ONLY);
        assert_eq!(code(session.copy(kek, &decrypts)), ck::CKR_TEMPLATE_INCONSISTENT);
        // Its value in another object, which could.
        let zeros = Mechanism::with_data(ck::CKM_XOR_BASE_AND_DATA, &[0; 32]);
        for same in [zeros, Mechanism::number(ck::CKM_EXTRACT_KEY_FROM_KEY, 0)] {
            let template = aes().ulong(ck::CKA_VALUE_LEN, 32).and(&decrypts);
            assert_eq!(code(session.derive(&same, kek, &template)), ck::CKR_KEY_FUNCTION_NOT_PERMITTED);
        }
        // One way is no harm.
        let hash = Mechanism::plain(ck::CKM_SHA256_KEY_DERIVATION);
        session.derive(&hash, kek, &aes().ulong(ck::CKA_VALUE_LEN, 32).and(&decrypts)).unwrap();
        // Forms that are no more than encryption: their padding would tell the key byte by byte.
        for weak in [
            Mechanism::plain(ck::CKM_AES_ECB),
            Mechanism::bytes(ck::CKM_AES_CBC, [0; 16]),
            Mechanism::bytes(ck::CKM_AES_CBC_PAD, [0; 16]),
            Mechanism::ctr(64, [0; 16]),
            Mechanism::gcm(&[0; 12], b"", 128),
            Mechanism::plain(ck::CKM_AES_KEY_WRAP_PKCS7),
            Mechanism::bytes(ck::CKM_AES_KEY_WRAP, hex("a65959a60000000f")),
            Mechanism::bytes(ck::CKM_AES_KEY_WRAP_KWP, [1; 4]),
        ] {
            assert_eq!(code(session.wrap(&weak, kek, treasure)), ck::CKR_KEY_NOT_WRAPPABLE);
            assert_eq!(code(session.unwrap(&weak, kek, &[0; 32], &aes())), ck::CKR_MECHANISM_INVALID);
        }
        env.log().must_say(&["wrapped only by AES_KEY_WRAP"]);
        for of in [1, 2] {
            let hidden = ck::CKA_VENDOR_DEFINED | 0x5348_0000 | of;
            assert_eq!(code(session.bytes(kek, hidden)), ck::CKR_ATTRIBUTE_TYPE_INVALID);
            assert_eq!(code(generate(&session, &Template::new().flag(hidden, true))), ck::CKR_ATTRIBUTE_TYPE_INVALID);
            let set = session.set(kek, &Template::new().flag(hidden, false));
            assert_eq!(code(set), ck::CKR_ATTRIBUTE_TYPE_INVALID);
        }
    });
}

#[test]
fn what_a_key_was_made_for_is_still_known_after_a_restart() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let slot = session.info().unwrap().slotID;
        let serial = module.token_info(slot).unwrap().serialNumber;
        generate(&session, &wrapping_only().token(true).label("kek")).unwrap();
        generate(&session, &Template::new().token(true).label("usual")).unwrap();
        module.finalize().unwrap();
        module.initialize().unwrap();
        let with = |slot: &u64| module.token_info(*slot).unwrap().serialNumber == serial;
        let slot = module.slots().unwrap().into_iter().find(with).unwrap();
        let session = module.open_rw(slot).unwrap();
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        let treasure = treasure(&session);
        let of = |label| session.find(&Template::new().label(label)).unwrap()[0];
        session.wrap(&kwp(), of("kek"), treasure).unwrap();
        let decrypts = Template::new().flag(ck::CKA_DECRYPT, true);
        assert_eq!(code(session.set(of("kek"), &decrypts)), ck::CKR_ATTRIBUTE_READ_ONLY);
        assert_eq!(code(session.wrap(&kwp(), of("usual"), treasure)), ck::CKR_KEY_NOT_WRAPPABLE);
    });
}

#[test]
fn only_the_so_makes_a_key_trusted_and_a_trusted_one_does_not_decrypt() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let trusted = Template::new().flag(ck::CKA_TRUSTED, true);
        assert_eq!(code(generate(&session, &trusted)), ck::CKR_ATTRIBUTE_READ_ONLY);
        let public = Template::new().private(false).token(true);
        let encrypts = generate(&session, &public.clone().label("decrypts")).unwrap();
        assert_eq!(code(session.set(encrypts, &trusted)), ck::CKR_ATTRIBUTE_READ_ONLY);
        let imported = Template::secret_key(ck::CKK_AES, &[9; 16]).flag(ck::CKA_DECRYPT, false);
        session.create(&imported.clone().and(&public).label("wraps")).unwrap();
        session.create(&imported.extractable(true).and(&public).label("leaves")).unwrap();
        session.create(&kit::Known::rsa().public.and(&public).label("backup")).unwrap();
        session.logout().unwrap();
        session.login(ck::CKU_SO, SO_PIN).unwrap();
        let of = |label| session.find(&Template::new().label(label)).unwrap()[0];
        for label in ["decrypts", "wraps", "leaves", "backup"] {
            session.set(of(label), &trusted).unwrap();
        }
        session.logout().unwrap();
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        let guarded = Template::secret_key(ck::CKK_AES, &[0x5e; 16]).extractable(true);
        let guarded = guarded.sensitive(true).flag(ck::CKA_WRAP_WITH_TRUSTED, true);
        let key = session.create(&guarded).unwrap();
        let usual = generate(&session, &wrapping_only()).unwrap();
        assert_eq!(code(session.wrap(&kwp(), usual, key)), ck::CKR_KEY_NOT_WRAPPABLE);
        for label in ["decrypts", "leaves"] {
            assert_eq!(code(session.wrap(&kwp(), of(label), key)), ck::CKR_KEY_NOT_WRAPPABLE);
        }
        session.wrap(&Mechanism::rsa_aes_key_wrap(256), of("backup"), key).unwrap();
        let wrapped = session.wrap(&kwp(), of("wraps"), key).unwrap();
        let new = session.unwrap(&kwp(), of("wraps"), &wrapped, &aes()).unwrap();
        assert!(session.flag(new, ck::CKA_SENSITIVE).unwrap());
        assert!(session.flag(new, ck::CKA_WRAP_WITH_TRUSTED).unwrap());
        let decrypts = Template::new().flag(ck::CKA_DECRYPT, true);
        assert_eq!(code(session.set(of("wraps"), &decrypts)), ck::CKR_ATTRIBUTE_READ_ONLY);
        assert_eq!(code(session.copy(of("wraps"), &decrypts)), ck::CKR_TEMPLATE_INCONSISTENT);
        // A copy by the user is not trusted.
        let copy = session.copy(of("wraps"), &Template::new()).unwrap();
        assert!(!session.flag(copy, ck::CKA_TRUSTED).unwrap());
        assert_eq!(code(session.wrap(&kwp(), copy, key)), ck::CKR_KEY_NOT_WRAPPABLE);
    });
}

#[test]
fn a_guarded_key_becomes_none_whose_use_tells_it() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let guarded = |length| {
            let key = Template::secret_key(ck::CKK_AES, &vec![0x5e; length]).sensitive(true).extractable(true);
            session.create(&key.flag(ck::CKA_DERIVE, true)).unwrap()
        };
        let kek = generate(&session, &wrapping_only()).unwrap();
        let secret = |key_type| Template::new().class(ck::CKO_SECRET_KEY).key_type(key_type);
        // Two messages under one Poly1305 key give it away.
        let poly1305 = secret(ck::CKK_POLY1305);
        let wrapped = session.wrap(&kwp(), kek, guarded(32)).unwrap();
        assert_eq!(code(session.unwrap(&kwp(), kek, &wrapped, &poly1305)), ck::CKR_TEMPLATE_INCONSISTENT);
        let same = Mechanism::with_data(ck::CKM_XOR_BASE_AND_DATA, &[0; 32]);
        assert_eq!(code(session.derive(&same, guarded(32), &poly1305)), ck::CKR_TEMPLATE_INCONSISTENT);
        // RC2 with 8 effective bits, then 16, and so on, tells a key byte by byte.
        let wrapped = session.wrap(&kwp(), kek, guarded(16)).unwrap();
        let unwrapped = session.unwrap(&kwp(), kek, &wrapped, &secret(ck::CKK_RC2)).unwrap();
        for (bits, expected) in
            [(8, ck::CKR_MECHANISM_PARAM_INVALID), (127, ck::CKR_MECHANISM_PARAM_INVALID), (128, ck::CKR_OK)]
        {
            let ecb = session.encrypt_init(&Mechanism::number(ck::CKM_RC2_ECB, bits), unwrapped);
            let mac = session.sign_init(&Mechanism::number(ck::CKM_RC2_MAC, bits), unwrapped);
            assert_eq!([code(ecb), code(mac)], [kit::Rv(expected); 2], "{bits}");
            session.cancel(ck::CKF_ENCRYPT | ck::CKF_SIGN).unwrap();
        }
        let same = Mechanism::with_data(ck::CKM_XOR_BASE_AND_DATA, &[0; 16]);
        assert_eq!(code(session.derive(&same, guarded(16), &secret(ck::CKK_RC2))), ck::CKR_TEMPLATE_INCONSISTENT);
        let open = session.create(&Template::secret_key(ck::CKK_RC2, &[7; 16]).extractable(true)).unwrap();
        session.encrypt_init(&Mechanism::number(ck::CKM_RC2_ECB, 40), open).unwrap();
    });
}

#[test]
fn a_trusted_pair_does_not_lose_what_asks_for_a_trusted_key() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let public = Template::new().ulong(ck::CKA_MODULUS_BITS, 2048).token(true).private(false);
        let generator = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
        let (public, _) = session.generate_key_pair(&generator, &public, &unwrapping_only()).unwrap();
        session.logout().unwrap();
        session.login(ck::CKU_SO, SO_PIN).unwrap();
        session.set(public, &Template::new().flag(ck::CKA_TRUSTED, true)).unwrap();
        session.logout().unwrap();
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        let guarded = Template::secret_key(ck::CKK_AES, &[0x5e; 16]).extractable(true).sensitive(true);
        let key = session.create(&guarded.flag(ck::CKA_WRAP_WITH_TRUSTED, true)).unwrap();
        // Its private half would make a key of it that any other key wraps.
        let way = Mechanism::rsa_aes_key_wrap(256);
        assert_eq!(code(session.wrap(&way, public, key)), ck::CKR_KEY_NOT_WRAPPABLE);
        env.log().must_say(&["CKA_WRAP_WITH_TRUSTED", "private half is elsewhere"]);
    });
}

#[test]
fn a_key_that_asks_for_the_pin_is_not_copied_through_wrapping() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let kek = generate(&session, &wrapping_only()).unwrap();
        let asking = kit::Known::p256().private.extractable(true).flag(ck::CKA_ALWAYS_AUTHENTICATE, true);
        let asking = session.create(&asking).unwrap();
        assert_eq!(code(session.wrap(&kwp(), kek, asking)), ck::CKR_USER_NOT_LOGGED_IN);
        let copy = session.copy(asking, &Template::new().flag(ck::CKA_ALWAYS_AUTHENTICATE, false));
        assert_eq!(code(copy), ck::CKR_ATTRIBUTE_READ_ONLY);
    });
}

#[test]
fn keys_that_are_not_sensitive_are_wrapped_as_with_any_token() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let kek = generate(&session, &Template::new()).unwrap();
        let key = generate(&session, &Template::new().extractable(true)).unwrap();
        for mechanism in [kwp(), Mechanism::bytes(ck::CKM_AES_CBC_PAD, [0; 16])] {
            let wrapped = session.wrap(&mechanism, kek, key).unwrap();
            let new = session.unwrap(&mechanism, kek, &wrapped, &aes().sensitive(false)).unwrap();
            assert_eq!(session.bytes(new, ck::CKA_VALUE), session.bytes(key, ck::CKA_VALUE));
        }
    });
}
