//! Keys taken for what they are not: every class and type in unwrapping and derivation, CKA_ALLOWED_MECHANISMS however
//! a key was made, and what wrong ciphertexts tell. Usage flags are in usages.rs.

use crate::usages::every_use;
use kit::kinds::{Kind, PRIVATE, PUBLIC, SECRET, every_kind};
use kit::{Chance, Known, Mechanism, Object, Session, Template, ck, code, curve, isolated};

/// Key types of the standard, most of which this module has.
const TYPES: [ck::CK_KEY_TYPE; 34] = [
    ck::CKK_RSA,
    ck::CKK_DSA,
    ck::CKK_DH,
    ck::CKK_EC,
    ck::CKK_X9_42_DH,
    ck::CKK_KEA,
    ck::CKK_GENERIC_SECRET,
    ck::CKK_RC2,
    ck::CKK_RC4,
    ck::CKK_DES,
    ck::CKK_DES2,
    ck::CKK_DES3,
    ck::CKK_CAST128,
    ck::CKK_IDEA,
    ck::CKK_AES,
    ck::CKK_BLOWFISH,
    ck::CKK_CAMELLIA,
    ck::CKK_ARIA,
    ck::CKK_SEED,
    ck::CKK_MD5_HMAC,
    ck::CKK_SHA_1_HMAC,
    ck::CKK_SHA256_HMAC,
    ck::CKK_SHA512_HMAC,
    ck::CKK_SHA3_256_HMAC,
    ck::CKK_CHACHA20,
    ck::CKK_POLY1305,
    ck::CKK_AES_XTS,
    ck::CKK_EC_EDWARDS,
    ck::CKK_EC_MONTGOMERY,
    ck::CKK_HKDF,
    ck::CKK_ML_KEM,
    ck::CKK_ML_DSA,
    ck::CKK_SLH_DSA,
    ck::CKK_VENDOR_DEFINED,
];

/// What a key that cannot be made is answered with.
const NO_KEY: [ck::CK_RV; 4] = [
    ck::CKR_TEMPLATE_INCONSISTENT,
    ck::CKR_TEMPLATE_INCOMPLETE,
    ck::CKR_ATTRIBUTE_VALUE_INVALID,
    ck::CKR_WRAPPED_KEY_INVALID,
];

fn kwp() -> Mechanism {
    Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP)
}

/// Private keys of several types, readable.
fn private_keys(session: &Session<'_>) -> [(ck::CK_KEY_TYPE, Object); 4] {
    [
        (ck::CKK_RSA, session.rsa_pair(1024).1),
        (ck::CKK_EC, session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P256).1),
        (ck::CKK_EC_EDWARDS, session.curve_pair(ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, curve::ED25519).1),
        (ck::CKK_EC_MONTGOMERY, session.curve_pair(ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve::X25519).1),
    ]
}

#[test]
fn a_wrapped_key_becomes_no_key_of_another_class_or_type() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let kek = session.aes(&[9; 32]);
        let mut blobs: Vec<_> = private_keys(&session)
            .into_iter()
            .map(|(key_type, key)| (Some(key_type), session.wrap(&kwp(), kek, key).unwrap()))
            .collect();
        for length in [16, 21] {
            let value = Template::secret_key(ck::CKK_GENERIC_SECRET, &vec![length; usize::from(length)]);
            let key = session.create(&value.extractable(true)).unwrap();
            blobs.push((None, session.wrap(&kwp(), kek, key).unwrap()));
        }
        let before = session.find(&Template::new()).unwrap().len();
        let (mut mismatches, mut made) = (0, 0);
        for (blob, (held, wrapped)) in blobs.iter().enumerate() {
            for key_type in TYPES {
                let unwrap = |class| {
                    let template = Template::new().class(class).key_type(key_type);
                    session.unwrap(&kwp(), kek, wrapped, &template)
                };
                // The bytes of a private key are no AES key; 21 bytes are none.
                let secret = unwrap(ck::CKO_SECRET_KEY);
                if key_type == ck::CKK_AES && blob != 4 || [ck::CKK_RSA, ck::CKK_EC, ck::CKK_ML_KEM].contains(&key_type)
                {
                    assert!(NO_KEY.iter().any(|known| code(secret) == *known), "{blob} {key_type:#x} {secret:?}");
                    mismatches += 1;
                }
                let private = unwrap(ck::CKO_PRIVATE_KEY);
                if *held == Some(key_type) {
                    session.destroy(private.unwrap()).unwrap();
                    made += 1;
                } else {
                    assert!(NO_KEY.iter().any(|known| code(private) == *known), "{blob} {key_type:#x} {private:?}");
                    mismatches += 1;
                }
                if let Ok(secret) = secret {
                    session.destroy(secret).unwrap();
                }
                for class in [ck::CKO_PUBLIC_KEY, ck::CKO_DATA, ck::CKO_CERTIFICATE, ck::CKO_MECHANISM] {
                    let other = unwrap(class);
                    assert!(NO_KEY[..3].iter().any(|known| code(other) == *known), "{class} {key_type:#x}");
                    mismatches += 1;
                }
            }
        }
        assert_eq!(session.find(&Template::new()).unwrap().len(), before);
        assert_eq!(made, 4);
        assert!(mismatches >= 1000, "{mismatches}");
    });
}

/// The key types that a mechanism derives from, where it is not any secret key.
fn bases(of: ck::CK_MECHANISM_TYPE) -> Option<&'static [ck::CK_KEY_TYPE]> {
    Some(match of {
        ck::CKM_ECDH1_DERIVE => &[ck::CKK_EC, ck::CKK_EC_MONTGOMERY],
        ck::CKM_ECDH1_COFACTOR_DERIVE => &[ck::CKK_EC],
        ck::CKM_DH_PKCS_DERIVE => &[ck::CKK_DH],
        ck::CKM_X9_42_DH_DERIVE => &[ck::CKK_X9_42_DH],
        ck::CKM_HKDF_DERIVE | ck::CKM_HKDF_DATA => &[ck::CKK_GENERIC_SECRET, ck::CKK_HKDF],
        ck::CKM_AES_ECB_ENCRYPT_DATA | ck::CKM_AES_CBC_ENCRYPT_DATA => &[ck::CKK_AES],
        ck::CKM_CAMELLIA_ECB_ENCRYPT_DATA | ck::CKM_CAMELLIA_CBC_ENCRYPT_DATA => &[ck::CKK_CAMELLIA],
        ck::CKM_ARIA_ECB_ENCRYPT_DATA | ck::CKM_ARIA_CBC_ENCRYPT_DATA => &[ck::CKK_ARIA],
        ck::CKM_SEED_ECB_ENCRYPT_DATA | ck::CKM_SEED_CBC_ENCRYPT_DATA => &[ck::CKK_SEED],
        ck::CKM_DES_ECB_ENCRYPT_DATA | ck::CKM_DES_CBC_ENCRYPT_DATA => &[ck::CKK_DES],
        ck::CKM_DES3_ECB_ENCRYPT_DATA | ck::CKM_DES3_CBC_ENCRYPT_DATA => &[ck::CKK_DES2, ck::CKK_DES3],
        _ => return None,
    })
}

#[test]
fn nothing_is_derived_from_a_key_of_another_class_or_type_nor_into_one() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        // Every one may derive where such a key can.
        let derives = |template: Template, _: &[ck::CK_ATTRIBUTE_TYPE]| template.flag(ck::CKA_DERIVE, true);
        let keys = every_kind(&session, derives);
        let mut mismatches = 0;
        for of in module.mechanisms(0).unwrap() {
            let derives = module.mechanism_info(0, of).unwrap().flags & ck::CKF_DERIVE != 0;
            if !derives || of == ck::CKM_PUB_KEY_FROM_PRIV_KEY {
                continue;
            }
            let secret = |kind: &Kind| [ck::CKO_SECRET_KEY, ck::CKO_OTP_KEY].contains(&kind.class);
            let fits = |kind: &Kind| match bases(of) {
                Some(types) => kind.class != ck::CKO_PUBLIC_KEY && types.contains(&kind.key_type),
                None => secret(kind),
            };
            for (kind, key) in keys.iter().filter(|(kind, _)| !fits(kind)) {
                let derived = session.derive(&Mechanism::plain(of), *key, &Template::new());
                assert_eq!(code(derived), ck::CKR_KEY_TYPE_INCONSISTENT, "{of:#x} with a {kind}");
                mismatches += 1;
            }
        }
        // What is made is a secret key, and of a type that is one.
        let is_generic = |kind: Kind| kind.key_type == ck::CKK_GENERIC_SECRET;
        let generic = keys.iter().find(|(kind, _)| is_generic(*kind)).unwrap().1;
        let hash = Mechanism::plain(ck::CKM_SHA256_KEY_DERIVATION);
        for class in [ck::CKO_PRIVATE_KEY, ck::CKO_PUBLIC_KEY, ck::CKO_DATA, ck::CKO_CERTIFICATE, ck::CKO_PROFILE] {
            for key_type in TYPES {
                let made = session.derive(&hash, generic, &Template::new().class(class).key_type(key_type));
                assert_eq!(code(made), ck::CKR_TEMPLATE_INCONSISTENT, "{class} {key_type:#x}");
                mismatches += 1;
            }
        }
        for key_type in [ck::CKK_RSA, ck::CKK_EC, ck::CKK_EC_EDWARDS, ck::CKK_ML_KEM, ck::CKK_VENDOR_DEFINED] {
            let made = session.derive(&hash, generic, &Template::new().key_type(key_type));
            assert_eq!(code(made), ck::CKR_ATTRIBUTE_VALUE_INVALID, "{key_type:#x}");
            mismatches += 1;
        }
        assert!(mismatches >= 200, "{mismatches}");
    });
}

#[test]
fn a_key_serves_no_mechanism_that_it_does_not_name() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let none = [ck::CKM_VENDOR_DEFINED | 7];
        let list = |template: Template| template.ulongs(ck::CKA_ALLOWED_MECHANISMS, &none);
        let flags = |template: Template, of: &[ck::CK_ATTRIBUTE_TYPE]| {
            of.iter().fold(list(template), |template, of| template.flag(*of, true))
        };
        let aes = Template::new().ulong(ck::CKA_VALUE_LEN, 32);
        let generated = session.generate_key(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &flags(aes, &SECRET)).unwrap();
        let bits = Template::new().ulong(ck::CKA_MODULUS_BITS, 1024);
        let generator = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
        let (public, private) =
            session.generate_key_pair(&generator, &flags(bits, &PUBLIC), &flags(Template::new(), &PRIVATE)).unwrap();
        let created = session.create(&flags(Template::secret_key(ck::CKK_GENERIC_SECRET, &[5; 64]), &SECRET)).unwrap();
        let p256 = session.create(&flags(Known::p256().private, &PRIVATE)).unwrap();
        let kek = session.aes(&[9; 16]);
        let inner = session.create(&Template::secret_key(ck::CKK_AES, &[1; 16]).extractable(true)).unwrap();
        let wrapped = session.wrap(&kwp(), kek, inner).unwrap();
        let template = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES);
        let unwrapped = session.unwrap(&kwp(), kek, &wrapped, &flags(template, &SECRET)).unwrap();
        let base = session.create(&Template::secret_key(ck::CKK_AES, &[2; 16]).flag(ck::CKA_DERIVE, true)).unwrap();
        let hash = Mechanism::plain(ck::CKM_SHA256_KEY_DERIVATION);
        let derived = session.derive(&hash, base, &flags(Template::new().key_type(ck::CKK_AES), &SECRET)).unwrap();
        // It is fixed at the birth.
        let more = Template::new().ulongs(ck::CKA_ALLOWED_MECHANISMS, &[ck::CKM_AES_ECB]);
        assert_eq!(code(session.set(generated, &more)), ck::CKR_ATTRIBUTE_READ_ONLY);
        assert_eq!(code(session.copy(generated, &more)), ck::CKR_ATTRIBUTE_READ_ONLY);
        let keys = [
            ("generated", generated),
            ("RSA public", public),
            ("RSA private", private),
            ("created", created),
            ("EC private", p256),
            ("unwrapped", unwrapped),
            ("derived", derived),
        ];
        let refused = every_use(&session, &keys, ck::CKR_MECHANISM_INVALID, &[]).answered;
        assert!(refused >= 200, "{refused}");
    });
}

/// The beginning of a number that is less than any modulus of so many bytes.
fn ciphertext(chance: &mut Chance, length: usize) -> Vec<u8> {
    let mut bytes = chance.bytes(length);
    bytes[0] = 0;
    bytes
}

#[test]
fn ten_thousand_ciphertexts_under_pkcs_1_tell_nothing() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(1024);
        let pkcs1 = Mechanism::plain(ck::CKM_RSA_PKCS);
        let mut chance = Chance::seeded(46);
        for round in 0..10_000 {
            let sealed = ciphertext(&mut chance, 128);
            let opened = session.decrypt_with(&pkcs1, private, &sealed).unwrap();
            assert!(opened.len() <= 117);
            if round % 20 == 0 {
                assert_eq!(session.decrypt_with(&pkcs1, private, &sealed).unwrap(), opened);
            }
        }
        let template = |key_type| Template::new().class(ck::CKO_SECRET_KEY).key_type(key_type).sensitive(false);
        let (aes, generic) = (template(ck::CKK_AES), template(ck::CKK_GENERIC_SECRET));
        // A valid one of another length is like one that is wrong: a key, and always the same.
        let mut all: Vec<Vec<u8>> = (0..2500).map(|_| ciphertext(&mut chance, 128)).collect();
        all.extend([0, 1, 16, 17, 117].map(|len| session.encrypt_with(&pkcs1, public, &vec![7; len]).unwrap()));
        for sealed in &all {
            let known = [&generic, &aes].map(|template| template.clone().ulong(ck::CKA_VALUE_LEN, 16));
            for template in [&generic, &aes].into_iter().chain(&known) {
                let value = || {
                    let key = session.unwrap(&pkcs1, private, sealed, template).unwrap();
                    let value = session.bytes(key, ck::CKA_VALUE).unwrap();
                    session.destroy(key).unwrap();
                    assert!(!template.has(ck::CKA_VALUE_LEN) || value.len() == 16, "{}", value.len());
                    value
                };
                assert_eq!(value(), value(), "twice the same wrapped key, two keys");
            }
        }
        // Across applications too.
        let sealed = &all[0];
        let length = generic.ulong(ck::CKA_VALUE_LEN, 16);
        let value = |session: &Session<'_>, private| {
            let key = session.unwrap(&pkcs1, private, sealed, &length).unwrap();
            session.bytes(key, ck::CKA_VALUE).unwrap()
        };
        let here = value(&session, private);
        session.copy(private, &Template::new().token(true).label("there")).unwrap();
        env.elsewhere(|other| {
            let session = other.session("test");
            session.login(ck::CKU_USER, kit::USER_PIN).unwrap();
            let private = session.find(&Template::new().label("there")).unwrap()[0];
            assert_eq!(value(&session, private), here);
        });
    });
}

/// Turns bits, replaces blocks, but leaves the length.
fn spoiled(chance: &mut Chance, sealed: &[u8]) -> Vec<u8> {
    loop {
        let mut bytes = sealed.to_vec();
        match chance.up_to(2) {
            0 => bytes[chance.up_to(sealed.len() - 1)] ^= 1 << chance.up_to(7),
            1 => {
                let at = chance.up_to(sealed.len() / 8 - 1) * 8;
                bytes[at..at + 8].copy_from_slice(&chance.bytes(8));
            }
            _ => bytes = chance.bytes(sealed.len()),
        }
        if bytes != sealed {
            return bytes;
        }
    }
}

#[test]
fn thousands_of_spoiled_wrapped_keys_have_one_code() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let kek = session.aes(&[9; 32]);
        let (public, private) = session.rsa_pair(1024);
        let key = session.create(&Template::secret_key(ck::CKK_AES, &[5; 32]).extractable(true)).unwrap();
        let aes = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES);
        let oaep = Mechanism::oaep(ck::CKM_SHA_1, ck::CKG_MGF1_SHA1, b"");
        let mut chance = Chance::seeded(49);
        let mut made = 0;
        for (mechanism, there, back, rounds) in [
            (kwp(), kek, kek, 10_000),
            (Mechanism::plain(ck::CKM_AES_KEY_WRAP), kek, kek, 5_000),
            (Mechanism::plain(ck::CKM_AES_KEY_WRAP_PKCS7), kek, kek, 5_000),
            (Mechanism::gcm(&[1; 12], b"", 128), kek, kek, 5_000),
            (oaep, public, private, 2_000),
        ] {
            let wrapped = session.wrap(&mechanism, there, key).unwrap();
            for _ in 0..rounds {
                let mut bad = spoiled(&mut chance, &wrapped);
                if there == public {
                    bad[0] = 0;
                }
                assert_eq!(code(session.unwrap(&mechanism, back, &bad, &aes)), ck::CKR_WRAPPED_KEY_INVALID);
            }
        }
        // A padding that happens to be right around a length that can be is a key; anything else is the one code.
        let cbc = Mechanism::bytes(ck::CKM_AES_CBC_PAD, [1; 16]);
        let wrapped = session.wrap(&cbc, kek, key).unwrap();
        for _ in 0..10_000 {
            match session.unwrap(&cbc, kek, &spoiled(&mut chance, &wrapped), &aes) {
                Ok(key) => {
                    session.destroy(key).unwrap();
                    made += 1;
                }
                Err(error) => assert_eq!(error, ck::CKR_WRAPPED_KEY_INVALID),
            }
        }
        assert!(made < 10_000 * 3 / 4, "{made}");
    });
}
