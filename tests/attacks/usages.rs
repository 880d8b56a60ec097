//! Usage flags and CKA_ALLOWED_MECHANISMS: every function of every mechanism asks the key, and no kind of key is
//! forgotten. How keys come by them is in confusion.rs.

use kit::{Known, Mechanism, Object, Rv, Session, Template, ck, code, curve, isolated, mechanism_name, pattern};

const PUBLIC: [ck::CK_ATTRIBUTE_TYPE; 6] =
    [ck::CKA_ENCRYPT, ck::CKA_VERIFY, ck::CKA_VERIFY_RECOVER, ck::CKA_WRAP, ck::CKA_DERIVE, ck::CKA_ENCAPSULATE];
const PRIVATE: [ck::CK_ATTRIBUTE_TYPE; 6] =
    [ck::CKA_DECRYPT, ck::CKA_SIGN, ck::CKA_SIGN_RECOVER, ck::CKA_UNWRAP, ck::CKA_DERIVE, ck::CKA_DECAPSULATE];
const SECRET: [ck::CK_ATTRIBUTE_TYPE; 7] =
    [ck::CKA_ENCRYPT, ck::CKA_DECRYPT, ck::CKA_SIGN, ck::CKA_VERIFY, ck::CKA_WRAP, ck::CKA_UNWRAP, ck::CKA_DERIVE];

/// Types of secret keys, and how long one may be.
const SECRETS: [(ck::CK_KEY_TYPE, usize); 17] = [
    (ck::CKK_AES, 16),
    (ck::CKK_GENERIC_SECRET, 48),
    (ck::CKK_HKDF, 32),
    (ck::CKK_AES_XTS, 64),
    (ck::CKK_CAMELLIA, 16),
    (ck::CKK_ARIA, 16),
    (ck::CKK_SEED, 16),
    (ck::CKK_DES, 8),
    (ck::CKK_DES3, 24),
    (ck::CKK_CAST128, 16),
    (ck::CKK_IDEA, 16),
    (ck::CKK_BLOWFISH, 16),
    (ck::CKK_RC2, 16),
    (ck::CKK_RC4, 16),
    (ck::CKK_CHACHA20, 32),
    (ck::CKK_POLY1305, 32),
    (ck::CKK_HOTP, 20),
];

/// A key of every kind. `with`: adds to a template whose usage attributes these are.
fn every_kind(
    session: &Session<'_>,
    with: impl Fn(Template, &[ck::CK_ATTRIBUTE_TYPE]) -> Template,
) -> Vec<(String, Object)> {
    let mut keys: Vec<(String, Object)> = Vec::new();
    for (key_type, length) in SECRETS {
        let class = if key_type == ck::CKK_HOTP { ck::CKO_OTP_KEY } else { ck::CKO_SECRET_KEY };
        let value = pattern::key(key_type, length);
        let key = Template::new().class(class).key_type(key_type).bytes(ck::CKA_VALUE, value);
        keys.push((format!("secret key of type {key_type:#x}"), session.create(&with(key, &SECRET)).unwrap()));
    }
    let curve = |params: &[u8]| Template::new().bytes(ck::CKA_EC_PARAMS, params);
    let set = |set| Template::new().ulong(ck::CKA_PARAMETER_SET, set);
    let group = |parameters, bits| {
        let bits = Template::new().ulong(ck::CKA_PRIME_BITS, bits);
        session.domain(session.generate_key(&Mechanism::plain(parameters), &bits).unwrap())
    };
    for (generator, public) in [
        (ck::CKM_RSA_PKCS_KEY_PAIR_GEN, Template::new().ulong(ck::CKA_MODULUS_BITS, 1024)),
        (ck::CKM_EC_KEY_PAIR_GEN, curve(curve::P256)),
        (ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, curve(curve::ED25519)),
        (ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve(curve::X25519)),
        (ck::CKM_ML_KEM_KEY_PAIR_GEN, set(ck::CKP_ML_KEM_512)),
        (ck::CKM_ML_DSA_KEY_PAIR_GEN, set(ck::CKP_ML_DSA_44)),
        (ck::CKM_SLH_DSA_KEY_PAIR_GEN, set(ck::CKP_SLH_DSA_SHA2_128F)),
        (ck::CKM_DH_PKCS_KEY_PAIR_GEN, group(ck::CKM_DH_PKCS_PARAMETER_GEN, 512)),
        (ck::CKM_X9_42_DH_KEY_PAIR_GEN, group(ck::CKM_X9_42_DH_PARAMETER_GEN, 1024)),
        (ck::CKM_DSA_KEY_PAIR_GEN, group(ck::CKM_DSA_PARAMETER_GEN, 1024)),
    ] {
        let (public, private) = (with(public, &PUBLIC), with(Template::new(), &PRIVATE));
        let (public, private) = session.generate_key_pair(&Mechanism::plain(generator), &public, &private).unwrap();
        let name = mechanism_name(generator).unwrap();
        keys.extend([(format!("public key of {name}"), public), (format!("private key of {name}"), private)]);
    }
    keys
}

/// A function that takes a mechanism and a key (and perhaps another one), and the flag that says that there is one.
type Call = (ck::CK_FLAGS, fn(&Session<'_>, &Mechanism, Object, Object) -> Rv);

const CALLS: [Call; 16] = [
    (ck::CKF_ENCRYPT, |s, m, key, _| code(s.encrypt_init(m, key))),
    (ck::CKF_DECRYPT, |s, m, key, _| code(s.decrypt_init(m, key))),
    (ck::CKF_SIGN, |s, m, key, _| code(s.sign_init(m, key))),
    (ck::CKF_VERIFY, |s, m, key, _| code(s.verify_init(m, key))),
    (ck::CKF_VERIFY, |s, m, key, _| code(s.verify_signature_init(m, key, &[0; 32]))),
    (ck::CKF_SIGN_RECOVER, |s, m, key, _| code(s.sign_recover_init(m, key))),
    (ck::CKF_VERIFY_RECOVER, |s, m, key, _| code(s.verify_recover_init(m, key))),
    (ck::CKF_MESSAGE_ENCRYPT, |s, m, key, _| code(s.message_encrypt_init(m, key))),
    (ck::CKF_MESSAGE_DECRYPT, |s, m, key, _| code(s.message_decrypt_init(m, key))),
    (ck::CKF_MESSAGE_SIGN, |s, m, key, _| code(s.message_sign_init(m, key))),
    (ck::CKF_MESSAGE_VERIFY, |s, m, key, _| code(s.message_verify_init(m, key))),
    (ck::CKF_WRAP, |s, m, key, inner| code(s.wrap(m, key, inner))),
    (ck::CKF_UNWRAP, |s, m, key, _| code(s.unwrap(m, key, &[0; 32], &Template::new()))),
    (ck::CKF_DERIVE, |s, m, key, _| code(s.derive(m, key, &Template::new()))),
    (ck::CKF_ENCAPSULATE, |s, m, key, _| code(s.encapsulate(m, key, &Template::new()))),
    (ck::CKF_DECAPSULATE, |s, m, key, _| code(s.decapsulate(m, key, &Template::new(), &[0; 32]))),
];

/// Tries every function of every mechanism with every key: those of the wrong kind say so, there are some of the right
/// one, and those say what is expected. How many said it.
fn every_use(
    session: &Session<'_>,
    keys: &[(String, Object)],
    expected: ck::CK_RV,
    but: &[ck::CK_MECHANISM_TYPE],
) -> usize {
    let inconsistent = [
        ck::CKR_KEY_TYPE_INCONSISTENT,
        ck::CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
        ck::CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,
    ];
    let inner = session.create(&Template::secret_key(ck::CKK_AES, &[1; 16]).extractable(true)).unwrap();
    let mut answered = 0;
    for of in session.module.mechanisms(0).unwrap().into_iter().filter(|of| !but.contains(of)) {
        let name = mechanism_name(of).unwrap();
        let flags = session.module.mechanism_info(0, of).unwrap().flags;
        for (flag, call) in CALLS.iter().filter(|(flag, _)| flags & flag != 0) {
            let mut right = 0;
            for (kind, key) in keys {
                let answer = call(session, &Mechanism::plain(of), *key, inner);
                session.cancel(u64::MAX).unwrap();
                if !inconsistent.contains(&answer.0) {
                    assert_eq!(answer, expected, "{name} {flag:#x} with a {kind}");
                    right += 1;
                }
            }
            assert!(right > 0, "{name} {flag:#x}: no key is of the right kind");
            answered += right;
        }
    }
    answered
}

#[test]
fn without_its_usage_flag_no_key_serves_any_mechanism() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let none = |template, usages: &[ck::CK_ATTRIBUTE_TYPE]| {
            usages.iter().fold(template, |template: Template, of| template.flag(*of, false))
        };
        let keys = every_kind(&session, none);
        // What is public of a private key needs no flag.
        let but = [ck::CKM_PUB_KEY_FROM_PRIV_KEY];
        let refused = every_use(&session, &keys, ck::CKR_KEY_FUNCTION_NOT_PERMITTED, &but);
        assert!(refused >= 1000, "{refused}");
        // The wrong half is the wrong type before it is anything else.
        let pkcs = Mechanism::plain(ck::CKM_RSA_PKCS);
        let rsa = |half| keys.iter().find(|(kind, _)| kind.starts_with(half) && kind.contains(" RSA_")).unwrap().1;
        assert_eq!(code(session.sign_init(&pkcs, rsa("public"))), ck::CKR_KEY_TYPE_INCONSISTENT);
        assert_eq!(code(session.verify_init(&pkcs, rsa("private"))), ck::CKR_KEY_TYPE_INCONSISTENT);
        assert_eq!(code(session.sign_init(&pkcs, Object(0))), ck::CKR_KEY_HANDLE_INVALID);
    });
}

#[test]
fn a_usage_flag_that_is_taken_away_is_gone() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let all = |template, usages: &[ck::CK_ATTRIBUTE_TYPE]| {
            usages.iter().fold(template, |template: Template, of| template.flag(*of, true))
        };
        let keys = every_kind(&session, all);
        for (_, key) in &keys {
            let usages = PUBLIC.iter().chain(&PRIVATE).chain(&SECRET);
            for of in usages.filter(|of| session.flag(*key, **of).is_ok_and(|there| there)) {
                session.set(*key, &Template::new().flag(*of, false)).unwrap();
            }
        }
        let but = [ck::CKM_PUB_KEY_FROM_PRIV_KEY];
        let refused = every_use(&session, &keys, ck::CKR_KEY_FUNCTION_NOT_PERMITTED, &but);
        assert!(refused >= 1000, "{refused}");
    });
}

#[test]
fn a_key_and_its_copy_serve_the_mechanisms_that_the_key_names_and_no_others() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let allowed = [ck::CKM_ECDSA_SHA256, ck::CKM_ECDSA_SHA384];
        let known = Known::p256().private.ulongs(ck::CKA_ALLOWED_MECHANISMS, &allowed);
        let key = session.create(&known).unwrap();
        let said = session.bytes(key, ck::CKA_ALLOWED_MECHANISMS).unwrap();
        assert_eq!(said, known.said(ck::CKA_ALLOWED_MECHANISMS).unwrap());
        for key in [key, session.copy(key, &Template::new()).unwrap()] {
            let sign = |of| code(session.sign_with(&Mechanism::plain(of), key, &[1; 32]));
            assert_eq!(allowed.map(sign), [Rv(ck::CKR_OK); 2]);
            assert_eq!(sign(ck::CKM_ECDSA), ck::CKR_MECHANISM_INVALID);
        }
    });
}

#[test]
fn of_every_kind_a_key_serves_no_mechanism_that_it_does_not_name() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let other = |template: Template, usages: &[ck::CK_ATTRIBUTE_TYPE]| {
            let template = template.ulongs(ck::CKA_ALLOWED_MECHANISMS, &[ck::CKM_VENDOR_DEFINED | 7]);
            usages.iter().fold(template, |template, of| template.flag(*of, true))
        };
        let keys = every_kind(&session, other);
        let refused = every_use(&session, &keys, ck::CKR_MECHANISM_INVALID, &[]);
        assert!(refused >= 1000, "{refused}");
    });
}
