//! The setting `mechanisms`: what is denied is denied also where a parameter names it, and `-legacy` denies short keys.

use kit::{Known, Length, Mechanism, Object, Session, Template, ck, code, isolated};

const P192: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01];
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

fn import(session: &Session<'_>, known: &Known) -> (Object, Object) {
    (session.create(&known.public).unwrap(), session.create(&known.private).unwrap())
}

/// What an Init call returned; nothing is active after.
fn over(session: &Session<'_>, begun: kit::Result<()>) -> kit::Rv {
    session.cancel(u64::MAX).unwrap();
    code(begun)
}

fn generate_rsa(session: &Session<'_>, bits: u64) -> kit::Rv {
    let public = Template::new().ulong(ck::CKA_MODULUS_BITS, bits);
    let generator = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
    code(session.generate_key_pair(&generator, &public, &Template::new()))
}

fn secret() -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_GENERIC_SECRET).ulong(ck::CKA_VALUE_LEN, 16)
}

#[test]
fn one_word_denies_the_generation_and_the_use_of_short_keys() {
    isolated(|env| {
        let short = Known::rsa_of(1024);
        for (text, denied) in [("mechanisms = \"ALL\"", false), ("mechanisms = \"-legacy\"", true)] {
            env.configure(text);
            let module = env.module();
            let session = env.user(&module);
            let expected = |denial| if denied { denial } else { ck::CKR_OK };
            assert_eq!(generate_rsa(&session, 1024), expected(ck::CKR_KEY_SIZE_RANGE));
            assert_eq!(generate_rsa(&session, 2048), ck::CKR_OK);
            let curve = |params: &[u8]| {
                let params = Template::new().bytes(ck::CKA_EC_PARAMS, params);
                let generator = Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN);
                code(session.generate_key_pair(&generator, &params, &Template::new()))
            };
            assert_eq!(curve(&P192), expected(ck::CKR_KEY_SIZE_RANGE));
            assert_eq!(curve(&P256), ck::CKR_OK);
            let parameters = |bits| {
                let bits = Template::new().ulong(ck::CKA_PRIME_BITS, bits);
                code(session.generate_key(&Mechanism::plain(ck::CKM_DH_PKCS_PARAMETER_GEN), &bits))
            };
            assert_eq!(parameters(512), expected(ck::CKR_KEY_SIZE_RANGE));
            assert_eq!(parameters(2048), ck::CKR_OK);
            // It may be kept, copied and read: old data may have to move.
            let (public, private) = import(&session, &short);
            let pkcs1 = Mechanism::plain(ck::CKM_RSA_PKCS);
            let begun = [
                over(&session, session.encrypt_init(&pkcs1, public)),
                over(&session, session.decrypt_init(&pkcs1, private)),
                over(&session, session.sign_init(&pkcs1, private)),
                over(&session, session.verify_init(&pkcs1, public)),
            ];
            assert_eq!(begun, [kit::Rv(expected(ck::CKR_KEY_SIZE_RANGE)); 4]);
            let inner = session.create(&Template::secret_key(ck::CKK_AES, &[1; 16]).extractable(true)).unwrap();
            assert_eq!(code(session.wrap(&pkcs1, public, inner)), expected(ck::CKR_WRAPPING_KEY_SIZE_RANGE));
            let template = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES);
            let unwrapped = code(session.unwrap(&pkcs1, private, &[1; 128], &template.ulong(ck::CKA_VALUE_LEN, 16)));
            assert_eq!(unwrapped, expected(ck::CKR_UNWRAPPING_KEY_SIZE_RANGE));
            let new = Template::new().ulong(ck::CKA_VALUE_LEN, 16);
            assert_eq!(code(session.encapsulate(&pkcs1, public, &new)), expected(ck::CKR_KEY_SIZE_RANGE));
            let opened = code(session.decapsulate(&pkcs1, private, &new, &[1; 128]));
            assert_eq!(opened, expected(ck::CKR_UNWRAPPING_KEY_SIZE_RANGE));
            let half = Template::new().class(ck::CKO_PRIVATE_KEY).key_type(ck::CKK_EC);
            let half = half.bytes(ck::CKA_EC_PARAMS, P192).bytes(ck::CKA_VALUE, [1; 24]);
            let half = session.create(&half).unwrap();
            let point = session.bytes(half, ck::CKA_EC_POINT).unwrap();
            let ecdh = Mechanism::ecdh1(ck::CKM_ECDH1_DERIVE, ck::CKD_NULL, b"", &point);
            assert_eq!(code(session.derive(&ecdh, half, &secret())), expected(ck::CKR_KEY_SIZE_RANGE));
            // What is long enough is none of this.
            let (public, private) = import(&session, &Known::rsa());
            let sealed = session.encrypt_with(&pkcs1, public, b"x").unwrap();
            assert_eq!(session.decrypt_with(&pkcs1, private, &sealed).unwrap(), b"x");
            module.finalize().unwrap();
        }
    });
}

/// Calls that name a hash in their parameter, and what they returned.
fn named(session: &Session<'_>, hash: ck::CK_MECHANISM_TYPE, mgf: ck::CK_RSA_PKCS_MGF_TYPE) -> Vec<kit::Rv> {
    let (public, private) = import(session, &Known::rsa());
    let inner = session.create(&Template::secret_key(ck::CKK_AES, &[1; 16]).extractable(true)).unwrap();
    let (oaep, pss) = (Mechanism::oaep(hash, mgf, b""), Mechanism::pss(ck::CKM_RSA_PKCS_PSS, hash, mgf, 8));
    let new = Template::new().ulong(ck::CKA_VALUE_LEN, 16);
    let made = session.encapsulate(&oaep, public, &new);
    let sealed = made.as_ref().map_or(vec![1; 256], |(sealed, _)| sealed.clone());
    vec![
        over(session, session.encrypt_init(&oaep, public)),
        over(session, session.decrypt_init(&oaep, private)),
        over(session, session.sign_init(&pss, private)),
        over(session, session.verify_init(&pss, public)),
        code(session.wrap(&oaep, public, inner)),
        code(made),
        code(session.decapsulate(&oaep, private, &new, &sealed)),
    ]
}

#[test]
fn a_denied_hash_is_denied_inside_parameters_too() {
    isolated(|env| {
        env.configure("mechanisms = \"-SHA256\"");
        let module = env.module();
        let session = env.user(&module);
        let invalid = kit::Rv(ck::CKR_MECHANISM_PARAM_INVALID);
        assert_eq!(named(&session, ck::CKM_SHA256, ck::CKG_MGF1_SHA384), [invalid; 7]);
        assert_eq!(named(&session, ck::CKM_SHA384, ck::CKG_MGF1_SHA256), [invalid; 7]);
        assert_eq!(named(&session, ck::CKM_SHA384, ck::CKG_MGF1_SHA384), [kit::Rv(ck::CKR_OK); 7]);
        let (public, private) = import(&session, &Known::rsa());
        let inner = session.create(&Template::secret_key(ck::CKK_AES, &[1; 16]).extractable(true)).unwrap();
        let both = Mechanism::rsa_aes_key_wrap(128);
        assert_eq!(code(session.wrap(&both, public, inner)), invalid);
        assert_eq!(code(session.unwrap(&both, private, &[1; 300], &secret())), invalid);
        let base = session.create(&Template::secret_key(ck::CKK_GENERIC_SECRET, &[1; 16]).flag(ck::CKA_DERIVE, true));
        let base = base.unwrap();
        for (hash, expected) in [(ck::CKM_SHA256, ck::CKR_MECHANISM_PARAM_INVALID), (ck::CKM_SHA384, ck::CKR_OK)] {
            let hkdf = Mechanism::hkdf(ck::CKM_HKDF_DERIVE, (true, true), hash, (b"", 0), b"");
            assert_eq!(code(session.derive(&hkdf, base, &secret())), expected, "{hash:#x}");
        }
        let generator = Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN);
        let params = Template::new().bytes(ck::CKA_EC_PARAMS, P256);
        let (peer, own) = session.generate_key_pair(&generator, &params, &Template::new()).unwrap();
        let point = session.bytes(peer, ck::CKA_EC_POINT).unwrap();
        for (kdf, expected) in [
            (ck::CKD_SHA256_KDF, ck::CKR_MECHANISM_PARAM_INVALID),
            (ck::CKD_SHA256_KDF_SP800, ck::CKR_MECHANISM_PARAM_INVALID),
            (ck::CKD_SHA384_KDF, ck::CKR_OK),
            (ck::CKD_BLAKE2B_256_KDF, ck::CKR_OK),
        ] {
            let ecdh = Mechanism::ecdh1(ck::CKM_ECDH1_DERIVE, kdf, b"", &point);
            assert_eq!(code(session.derive(&ecdh, own, &secret())), expected, "{kdf}");
        }
        for (prf, expected) in [
            (ck::CKP_PKCS5_PBKD2_HMAC_SHA256, ck::CKR_MECHANISM_PARAM_INVALID),
            (ck::CKP_PKCS5_PBKD2_HMAC_SHA384, ck::CKR_OK),
        ] {
            let pbkd2 = Mechanism::pbkd2(prf, b"password", b"salt", 1, Length::Number);
            let template = Template::new().key_type(ck::CKK_AES).ulong(ck::CKA_VALUE_LEN, 16);
            assert_eq!(code(session.generate_key(&pbkd2, &template)), expected, "{prf}");
        }
    });
}

#[test]
fn legacy_covers_signatures_over_sha1_and_derivation_with_md5_but_not_oaep_with_sha1() {
    isolated(|env| {
        env.configure("mechanisms = \"-legacy\"");
        let module = env.module();
        let session = env.user(&module);
        let (invalid, fine) = (kit::Rv(ck::CKR_MECHANISM_PARAM_INVALID), kit::Rv(ck::CKR_OK));
        let got = named(&session, ck::CKM_SHA_1, ck::CKG_MGF1_SHA1);
        assert_eq!(got, [fine, fine, invalid, invalid, fine, fine, fine]);
        let base = session.create(&Template::secret_key(ck::CKK_GENERIC_SECRET, &[1; 16]).flag(ck::CKA_DERIVE, true));
        let hkdf = Mechanism::hkdf(ck::CKM_HKDF_DERIVE, (true, true), ck::CKM_MD5, (b"", 0), b"");
        assert_eq!(code(session.derive(&hkdf, base.unwrap(), &secret())), invalid);
    });
}

#[test]
fn a_list_of_what_is_allowed_allows_it_with_every_parameter() {
    isolated(|env| {
        env.configure("mechanisms = \"RSA_PKCS_OAEP\"");
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = import(&session, &Known::rsa());
        let oaep = Mechanism::oaep(ck::CKM_SHA256, ck::CKG_MGF1_SHA256, b"");
        let sealed = session.encrypt_with(&oaep, public, b"x").unwrap();
        assert_eq!(session.decrypt_with(&oaep, private, &sealed).unwrap(), b"x");
    });
}

#[test]
fn legacy_denies_every_cipher_mac_and_digest_of_old_data() {
    isolated(|env| {
        env.configure("mechanisms = \"-legacy\"");
        let module = env.module();
        let modern = module.mechanisms(0).unwrap();
        for of in [
            ck::CKM_DES_ECB,
            ck::CKM_DES2_KEY_GEN,
            ck::CKM_DES3_CBC,
            ck::CKM_DES3_CMAC,
            ck::CKM_DES3_CBC_ENCRYPT_DATA,
            ck::CKM_RC2_CBC,
            ck::CKM_RC2_MAC,
            ck::CKM_RC4,
            ck::CKM_CAST128_CBC,
            ck::CKM_IDEA_CBC,
            ck::CKM_BLOWFISH_CBC,
            ck::CKM_SEED_CBC,
            ck::CKM_SEED_MAC,
            ck::CKM_RIPEMD160,
            ck::CKM_RIPEMD160_HMAC,
            ck::CKM_RIPEMD160_RSA_PKCS,
        ] {
            assert!(!modern.contains(&of), "{of:#x}");
        }
        for of in [ck::CKM_CAMELLIA_CBC, ck::CKM_ARIA_CBC, ck::CKM_CHACHA20, ck::CKM_AES_MAC, ck::CKM_BLAKE2B_256] {
            assert!(modern.contains(&of), "{of:#x}");
        }
    });
}

#[test]
fn a_second_name_of_the_standard_denies_the_same_mechanism() {
    isolated(|env| {
        env.configure("mechanisms = \"-CAST5_CBC, -CKM_SHA3_256_KEY_DERIVE, -ECDSA_KEY_PAIR_GEN\"");
        let module = env.module();
        let list = module.mechanisms(0).unwrap();
        for of in [ck::CKM_CAST128_CBC, ck::CKM_SHA3_256_KEY_DERIVATION, ck::CKM_EC_KEY_PAIR_GEN] {
            assert!(!list.contains(&of), "{of:#x}");
        }
        assert!(list.contains(&ck::CKM_CAST128_ECB));
    });
}
