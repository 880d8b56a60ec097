//! C_GetMechanismList and C_GetMechanismInfo (PKCS#11 3.2 sections 5.5.5 and 5.5.6): what is listed works, what is not
//! does not. That the results are right is tested where the mechanisms are, against the standards' vectors.

use kit::{Known, Length, Mechanism, Module, Object, Session, Template, ck, code, isolated, pattern};
use std::collections::HashMap;

/// One key, or pair of keys, of each kind that mechanisms ask for.
struct Keys(HashMap<Kind, (Object, Object)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Rsa,
    Ec,
    Dsa,
    Edwards,
    Aes,
    Generic,
    MlDsa,
    SlhDsa,
    Xts,
    Camellia,
    Aria,
    Seed,
    Des,
    Des3,
    Cast128,
    Idea,
    Blowfish,
    Rc2,
    Rc4,
    ChaCha20,
    Poly1305,
    Otp,
}

/// Secret keys: kind, type, bytes.
const SECRETS: [(Kind, ck::CK_KEY_TYPE, usize); 15] = [
    (Kind::Aes, ck::CKK_AES, 16),
    (Kind::Generic, ck::CKK_GENERIC_SECRET, 64),
    (Kind::Xts, ck::CKK_AES_XTS, 64),
    (Kind::Camellia, ck::CKK_CAMELLIA, 16),
    (Kind::Aria, ck::CKK_ARIA, 16),
    (Kind::Seed, ck::CKK_SEED, 16),
    (Kind::Des, ck::CKK_DES, 8),
    (Kind::Des3, ck::CKK_DES3, 24),
    (Kind::Cast128, ck::CKK_CAST128, 16),
    (Kind::Idea, ck::CKK_IDEA, 16),
    (Kind::Blowfish, ck::CKK_BLOWFISH, 16),
    (Kind::Rc2, ck::CKK_RC2, 16),
    (Kind::Rc4, ck::CKK_RC4, 16),
    (Kind::ChaCha20, ck::CKK_CHACHA20, 32),
    (Kind::Poly1305, ck::CKK_POLY1305, 32),
];

impl Keys {
    /// Session objects. The first of a pair encrypts and verifies, the second decrypts and signs.
    fn make(session: &Session<'_>) -> Keys {
        let pairs = [(Kind::Rsa, Known::rsa()), (Kind::Ec, Known::p256()), (Kind::Edwards, Known::ed25519())];
        let pairs = pairs.map(|(kind, known)| {
            (kind, (session.create(&known.public).unwrap(), session.create(&known.private).unwrap()))
        });
        let secrets = SECRETS.map(|(kind, key_type, length)| {
            let value = Template::secret_key(key_type, &pattern::key(key_type, length));
            let key = session.create(&value).unwrap();
            (kind, (key, key))
        });
        let pq = [
            (Kind::MlDsa, session.pq_pair(ck::CKM_ML_DSA_KEY_PAIR_GEN, ck::CKP_ML_DSA_44)),
            (Kind::SlhDsa, session.pq_pair(ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKP_SLH_DSA_SHA2_128F)),
        ];
        let dsa = session.domain_pair(ck::CKM_DSA_PARAMETER_GEN, ck::CKM_DSA_KEY_PAIR_GEN, 1024);
        let hotp = Template::new().class(ck::CKO_OTP_KEY).key_type(ck::CKK_HOTP).bytes(ck::CKA_VALUE, [5; 20]);
        let hotp = session.create(&hotp).unwrap();
        let single = [(Kind::Dsa, dsa), (Kind::Otp, (hotp, hotp))];
        Keys(pairs.into_iter().chain(secrets).chain(pq).chain(single).collect())
    }

    fn pair(&self, kind: Kind) -> (Object, Object) {
        self.0[&kind]
    }
}

/// A parameter that fits a mechanism.
pub(crate) fn mechanism(of: ck::CK_MECHANISM_TYPE) -> Mechanism {
    const PSS: &[(ck::CK_MECHANISM_TYPE, ck::CK_MECHANISM_TYPE, ck::CK_RSA_PKCS_MGF_TYPE)] = &[
        (ck::CKM_RSA_PKCS_PSS, ck::CKM_SHA256, ck::CKG_MGF1_SHA256),
        (ck::CKM_SHA1_RSA_PKCS_PSS, ck::CKM_SHA_1, ck::CKG_MGF1_SHA1),
        (ck::CKM_SHA224_RSA_PKCS_PSS, ck::CKM_SHA224, ck::CKG_MGF1_SHA224),
        (ck::CKM_SHA256_RSA_PKCS_PSS, ck::CKM_SHA256, ck::CKG_MGF1_SHA256),
        (ck::CKM_SHA384_RSA_PKCS_PSS, ck::CKM_SHA384, ck::CKG_MGF1_SHA384),
        (ck::CKM_SHA512_RSA_PKCS_PSS, ck::CKM_SHA512, ck::CKG_MGF1_SHA512),
        (ck::CKM_SHA3_224_RSA_PKCS_PSS, ck::CKM_SHA3_224, ck::CKG_MGF1_SHA3_224),
        (ck::CKM_SHA3_256_RSA_PKCS_PSS, ck::CKM_SHA3_256, ck::CKG_MGF1_SHA3_256),
        (ck::CKM_SHA3_384_RSA_PKCS_PSS, ck::CKM_SHA3_384, ck::CKG_MGF1_SHA3_384),
        (ck::CKM_SHA3_512_RSA_PKCS_PSS, ck::CKM_SHA3_512, ck::CKG_MGF1_SHA3_512),
    ];
    if let Some((of, hash, mgf)) = PSS.iter().find(|row| row.0 == of) {
        return Mechanism::pss(*of, *hash, *mgf, 16);
    }
    if GENERAL.contains(&of) {
        return Mechanism::bytes(of, 4u64.to_ne_bytes());
    }
    if let Some((_, length)) = IVS.iter().find(|(these, _)| these.contains(&of)) {
        return Mechanism::bytes(of, vec![1; *length]);
    }
    match of {
        ck::CKM_AES_CTR => Mechanism::ctr(64, [1; 16]),
        ck::CKM_AES_GCM => Mechanism::gcm(&[1; 12], b"", 128),
        ck::CKM_AES_CCM => Mechanism::ccm(16, &[1; 12], b"", 16),
        ck::CKM_CHACHA20_POLY1305 => Mechanism::chacha20_poly1305(&[1; 12], 96, b""),
        ck::CKM_RSA_PKCS_OAEP => Mechanism::oaep(ck::CKM_SHA256, ck::CKG_MGF1_SHA256, b""),
        ck::CKM_TLS_MAC | ck::CKM_TLS12_MAC => Mechanism::tls_mac(of, ck::CKM_SHA256, 12, 1),
        ck::CKM_TLS_PRE_MASTER_KEY_GEN => Mechanism::bytes(of, [3, 3]),
        ck::CKM_HASH_ML_DSA | ck::CKM_HASH_SLH_DSA => Mechanism::hash_sign_context(of, 0, b"", ck::CKM_SHA256),
        ck::CKM_HOTP => Mechanism::hotp(&[(ck::CK_OTP_COUNTER, vec![0; 8])]),
        ck::CKM_PBE_SHA1_DES3_EDE_CBC
        | ck::CKM_PBE_SHA1_DES2_EDE_CBC
        | ck::CKM_PBE_SHA1_RC2_128_CBC
        | ck::CKM_PBE_SHA1_RC2_40_CBC
        | ck::CKM_PBE_SHA1_RC4_128
        | ck::CKM_PBE_SHA1_RC4_40
        | ck::CKM_PBE_MD5_DES_CBC
        | ck::CKM_PBA_SHA1_WITH_SHA1_HMAC => Mechanism::pbe(of, b"x", b"salt", 1),
        ck::CKM_PKCS5_PBKD2 => Mechanism::pbkd2(ck::CKP_PKCS5_PBKD2_HMAC_SHA256, b"x", b"salt", 1, Length::Number),
        ck::CKM_CAMELLIA_CTR => Mechanism::ctr(64, [1; 16]).of(of),
        ck::CKM_AES_GMAC => Mechanism::gcm(&[1; 12], b"", 128).of(of),
        ck::CKM_RC2_ECB | ck::CKM_RC2_MAC => Mechanism::number(of, 128),
        ck::CKM_RC2_CBC | ck::CKM_RC2_CBC_PAD => Mechanism::rc2_cbc(of, 128, [1; 8]),
        ck::CKM_RC2_MAC_GENERAL => Mechanism::rc2_mac_general(128, 4),
        ck::CKM_DSA_PROBABILISTIC_PARAMETER_GEN => {
            let nobody = ck::CK_DSA_PARAMETER_GEN_PARAM {
                hash: ck::CKM_SHA_1,
                pSeed: std::ptr::null_mut(),
                ulSeedLen: 0,
                ulIndex: 0,
            };
            Mechanism::structure(of, nobody, Vec::new())
        }
        ck::CKM_CHACHA20 => Mechanism::chacha20(&[1; 4], &[1; 12]),
        ck::CKM_SHA512_T | ck::CKM_SHA512_T_HMAC | ck::CKM_SHA512_T_HMAC_GENERAL => Mechanism::number(of, 256),
        _ => Mechanism::plain(of),
    }
}

/// Those whose parameter is an IV, by its length.
const IVS: &[(&[ck::CK_MECHANISM_TYPE], usize)] = &[
    (
        &[
            ck::CKM_AES_CBC,
            ck::CKM_AES_CBC_PAD,
            ck::CKM_AES_OFB,
            ck::CKM_AES_CFB1,
            ck::CKM_AES_CFB8,
            ck::CKM_AES_CFB64,
            ck::CKM_AES_CFB128,
            ck::CKM_AES_CTS,
            ck::CKM_AES_XTS,
            ck::CKM_CAMELLIA_CBC,
            ck::CKM_CAMELLIA_CBC_PAD,
            ck::CKM_ARIA_CBC,
            ck::CKM_ARIA_CBC_PAD,
            ck::CKM_SEED_CBC,
            ck::CKM_SEED_CBC_PAD,
        ],
        16,
    ),
    (
        &[
            ck::CKM_DES_CBC,
            ck::CKM_DES_CBC_PAD,
            ck::CKM_DES_OFB64,
            ck::CKM_DES_OFB8,
            ck::CKM_DES_CFB64,
            ck::CKM_DES_CFB8,
            ck::CKM_DES3_CBC,
            ck::CKM_DES3_CBC_PAD,
            ck::CKM_CAST128_CBC,
            ck::CKM_CAST128_CBC_PAD,
            ck::CKM_IDEA_CBC,
            ck::CKM_IDEA_CBC_PAD,
            ck::CKM_BLOWFISH_CBC,
            ck::CKM_BLOWFISH_CBC_PAD,
        ],
        8,
    ),
];

/// Those whose parameter is the length of the MAC.
const GENERAL: &[ck::CK_MECHANISM_TYPE] = &[
    ck::CKM_MD5_HMAC_GENERAL,
    ck::CKM_SHA_1_HMAC_GENERAL,
    ck::CKM_SHA224_HMAC_GENERAL,
    ck::CKM_SHA256_HMAC_GENERAL,
    ck::CKM_SHA384_HMAC_GENERAL,
    ck::CKM_SHA512_HMAC_GENERAL,
    ck::CKM_SHA512_224_HMAC_GENERAL,
    ck::CKM_SHA512_256_HMAC_GENERAL,
    ck::CKM_SHA3_224_HMAC_GENERAL,
    ck::CKM_SHA3_256_HMAC_GENERAL,
    ck::CKM_SHA3_384_HMAC_GENERAL,
    ck::CKM_SHA3_512_HMAC_GENERAL,
    ck::CKM_RIPEMD160_HMAC_GENERAL,
    ck::CKM_BLAKE2B_160_HMAC_GENERAL,
    ck::CKM_BLAKE2B_256_HMAC_GENERAL,
    ck::CKM_BLAKE2B_384_HMAC_GENERAL,
    ck::CKM_BLAKE2B_512_HMAC_GENERAL,
    ck::CKM_AES_MAC_GENERAL,
    ck::CKM_AES_CMAC_GENERAL,
    ck::CKM_CAMELLIA_MAC_GENERAL,
    ck::CKM_ARIA_MAC_GENERAL,
    ck::CKM_SEED_MAC_GENERAL,
    ck::CKM_DES_MAC_GENERAL,
    ck::CKM_DES3_MAC_GENERAL,
    ck::CKM_DES3_CMAC_GENERAL,
    ck::CKM_CAST128_MAC_GENERAL,
    ck::CKM_IDEA_MAC_GENERAL,
];

/// Every kind.
fn kinds() -> impl Iterator<Item = Kind> {
    let pairs = [Kind::Rsa, Kind::Ec, Kind::Dsa, Kind::Edwards, Kind::MlDsa, Kind::SlhDsa, Kind::Otp];
    pairs.into_iter().chain(SECRETS.map(|(kind, ..)| kind))
}

/// Begins an operation with the key of each kind. The kinds that it took; every other is of an inconsistent type.
fn kinds_that(begin: impl Fn(Kind) -> kit::Result<()>) -> Vec<Kind> {
    let took = |kind: &Kind| match begin(*kind) {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error, ck::CKR_KEY_TYPE_INCONSISTENT, "{kind:?}");
            false
        }
    };
    kinds().filter(took).collect()
}

#[test]
fn every_flag_that_is_listed_begins_an_operation_with_one_kind_of_key() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let keys = Keys::make(&session);
        let mut operations = 0;
        for of in module.mechanisms(0).unwrap() {
            let flags = module.mechanism_info(0, of).unwrap().flags;
            let mechanism = mechanism(of);
            type Begin = fn(&Session<'_>, &Mechanism, (Object, Object)) -> kit::Result<()>;
            let with_key: [(ck::CK_FLAGS, ck::CK_FLAGS, Begin); 6] = [
                (ck::CKF_ENCRYPT, ck::CKF_ENCRYPT, |s, m, (public, _)| s.encrypt_init(m, public)),
                (ck::CKF_DECRYPT, ck::CKF_DECRYPT, |s, m, (_, private)| s.decrypt_init(m, private)),
                (ck::CKF_SIGN, ck::CKF_SIGN, |s, m, (_, private)| s.sign_init(m, private)),
                (ck::CKF_VERIFY, ck::CKF_VERIFY, |s, m, (public, _)| s.verify_init(m, public)),
                (ck::CKF_SIGN_RECOVER, ck::CKF_SIGN_RECOVER, |s, m, (_, private)| s.sign_recover_init(m, private)),
                (ck::CKF_VERIFY_RECOVER, ck::CKF_VERIFY_RECOVER, |s, m, (public, _)| s.verify_recover_init(m, public)),
            ];
            for (flag, cancel, begin) in with_key {
                let begun = |kind| {
                    let begun = begin(&session, &mechanism, keys.pair(kind));
                    session.cancel(cancel).unwrap();
                    begun
                };
                if flags & flag == 0 {
                    let found = begin(&session, &mechanism, keys.pair(Kind::Aes));
                    assert_eq!(code(found), ck::CKR_MECHANISM_INVALID, "{of:#x} without {flag:#x}");
                    continue;
                }
                let took = kinds_that(begun);
                assert_eq!(took.len(), 1, "{of:#x} {flag:#x}: {took:?}");
                operations += 1;
            }
            let digest = session.digest_init(&mechanism);
            session.cancel(ck::CKF_DIGEST).unwrap();
            let expected = if flags & ck::CKF_DIGEST == 0 { ck::CKR_MECHANISM_INVALID } else { ck::CKR_OK };
            assert_eq!(code(digest), expected, "{of:#x}");
        }
        assert!(operations > 300, "{operations}");
    });
}

/// What makes pairs of domain parameters, and what makes those.
const DOMAINS: [(ck::CK_MECHANISM_TYPE, ck::CK_MECHANISM_TYPE); 3] = [
    (ck::CKM_DH_PKCS_KEY_PAIR_GEN, ck::CKM_DH_PKCS_PARAMETER_GEN),
    (ck::CKM_X9_42_DH_KEY_PAIR_GEN, ck::CKM_X9_42_DH_PARAMETER_GEN),
    (ck::CKM_DSA_KEY_PAIR_GEN, ck::CKM_DSA_PARAMETER_GEN),
];

/// The least that a template of a generation mechanism says: the public half and the private one, or the secret key.
fn least(of: ck::CK_MECHANISM_TYPE) -> (Template, Template) {
    let public = match of {
        ck::CKM_RSA_PKCS_KEY_PAIR_GEN => ck::CKK_RSA,
        ck::CKM_EC_KEY_PAIR_GEN | ck::CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS => ck::CKK_EC,
        ck::CKM_EC_EDWARDS_KEY_PAIR_GEN | ck::CKM_EDDSA => ck::CKK_EC_EDWARDS,
        ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN => ck::CKK_EC_MONTGOMERY,
        ck::CKM_ML_KEM_KEY_PAIR_GEN => ck::CKK_ML_KEM,
        ck::CKM_ML_DSA_KEY_PAIR_GEN => ck::CKK_ML_DSA,
        ck::CKM_SLH_DSA_KEY_PAIR_GEN => ck::CKK_SLH_DSA,
        _ => ck::CKK_VENDOR_DEFINED,
    };
    let public = kit::kinds::least_public(public).unwrap_or_default();
    let secret = match of {
        ck::CKM_AES_KEY_GEN | ck::CKM_GENERIC_SECRET_KEY_GEN | ck::CKM_HKDF_KEY_GEN => {
            Template::new().ulong(ck::CKA_VALUE_LEN, 32)
        }
        ck::CKM_AES_XTS_KEY_GEN | ck::CKM_CAMELLIA_KEY_GEN | ck::CKM_ARIA_KEY_GEN => {
            Template::new().ulong(ck::CKA_VALUE_LEN, 32)
        }
        ck::CKM_CAST128_KEY_GEN | ck::CKM_BLOWFISH_KEY_GEN | ck::CKM_RC2_KEY_GEN | ck::CKM_RC4_KEY_GEN => {
            Template::new().ulong(ck::CKA_VALUE_LEN, 16)
        }
        ck::CKM_PKCS5_PBKD2 => Template::new().ulong(ck::CKA_VALUE_LEN, 32),
        ck::CKM_DH_PKCS_PARAMETER_GEN => Template::new().ulong(ck::CKA_PRIME_BITS, 512),
        ck::CKM_DSA_PARAMETER_GEN | ck::CKM_X9_42_DH_PARAMETER_GEN | ck::CKM_DSA_PROBABILISTIC_PARAMETER_GEN => {
            Template::new().ulong(ck::CKA_PRIME_BITS, 1024)
        }
        _ => Template::new(),
    };
    (public, secret)
}

#[test]
fn every_generation_mechanism_that_is_listed_makes_keys_and_no_other_does() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for of in module.mechanisms(0).unwrap() {
            let flags = module.mechanism_info(0, of).unwrap().flags;
            let (mechanism, (mut public, secret)) = (mechanism(of), least(of));
            if let Some((_, parameters)) = DOMAINS.iter().find(|(pairs, _)| *pairs == of) {
                let made = session.generate_key(&Mechanism::plain(*parameters), &least(*parameters).1).unwrap();
                public = session.domain(made);
            }
            let expected = |flag| if flags & flag == 0 { ck::CKR_MECHANISM_INVALID } else { ck::CKR_OK };
            let one = session.generate_key(&mechanism, &secret);
            assert_eq!(code(one), expected(ck::CKF_GENERATE), "{of:#x}");
            let two = session.generate_key_pair(&mechanism, &public, &Template::new());
            assert_eq!(code(two), expected(ck::CKF_GENERATE_KEY_PAIR), "{of:#x}");
        }
    });
}

#[test]
fn what_is_listed_for_messages_in_parts_begins_one_and_no_other_does() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let keys = Keys::make(&session);
        let mut listed = [0, 0];
        for of in module.mechanisms(0).unwrap() {
            let flags = module.mechanism_info(0, of).unwrap().flags;
            let in_parts = flags & ck::CKF_MULTI_MESSAGE != 0;
            if flags & ck::CKF_MESSAGE_SIGN == 0 {
                // Those that encrypt have tests of their own.
                assert_eq!(in_parts, flags & ck::CKF_MESSAGE_ENCRYPT != 0, "{of:#x}");
                continue;
            }
            let mechanism = mechanism(of);
            let signs = |kind: &Kind| session.message_sign_init(&mechanism, keys.pair(*kind).1).is_ok();
            let (verify, _) = keys.pair(kinds().find(signs).unwrap());
            let expected = if in_parts { ck::CKR_OK } else { ck::CKR_FUNCTION_NOT_SUPPORTED };
            assert_eq!(code(session.sign_message_begin(None)), expected, "{of:#x}");
            session.cancel(ck::CKF_MESSAGE_SIGN).unwrap();
            session.message_verify_init(&mechanism, verify).unwrap();
            assert_eq!(code(session.verify_message_begin()), expected, "{of:#x}");
            session.cancel(ck::CKF_MESSAGE_VERIFY).unwrap();
            listed[usize::from(in_parts)] += 1;
        }
        assert!(listed[0] > 5 && listed[1] > 100, "{listed:?}");
    });
}

#[test]
fn every_mechanism_that_is_listed_for_wrapping_derivation_or_encapsulation_does_that_and_no_other_does() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (nobody, template) = (Object(9999), Template::new());
        let mut listed = [0, 0, 0];
        for of in module.mechanisms(0).unwrap() {
            let flags = module.mechanism_info(0, of).unwrap().flags;
            let expected = |flag, known| if flags & flag == 0 { ck::CKR_MECHANISM_INVALID } else { known };
            let mechanism = mechanism(of);
            let wrapped = code(session.wrap(&mechanism, nobody, nobody));
            assert_eq!(wrapped, expected(ck::CKF_WRAP, ck::CKR_WRAPPING_KEY_HANDLE_INVALID), "{of:#x}");
            let unwrapped = code(session.unwrap(&mechanism, nobody, &[0; 16], &template));
            assert_eq!(unwrapped, expected(ck::CKF_UNWRAP, ck::CKR_UNWRAPPING_KEY_HANDLE_INVALID), "{of:#x}");
            let derived = code(session.derive(&mechanism, nobody, &template));
            assert_eq!(derived, expected(ck::CKF_DERIVE, ck::CKR_KEY_HANDLE_INVALID), "{of:#x}");
            let encapsulated = code(session.encapsulate(&mechanism, nobody, &template));
            assert_eq!(encapsulated, expected(ck::CKF_ENCAPSULATE, ck::CKR_KEY_HANDLE_INVALID), "{of:#x}");
            let decapsulated = code(session.decapsulate(&mechanism, nobody, &template, &[0; 16]));
            assert_eq!(decapsulated, expected(ck::CKF_DECAPSULATE, ck::CKR_UNWRAPPING_KEY_HANDLE_INVALID), "{of:#x}");
            for (number, flag) in [ck::CKF_WRAP, ck::CKF_DERIVE, ck::CKF_ENCAPSULATE].into_iter().enumerate() {
                listed[number] += usize::from(flags & flag != 0);
            }
        }
        assert!(listed[0] >= 50 && listed[1] >= 40 && listed[2] >= 5, "{listed:?}");
    });
}

#[test]
fn a_mechanism_that_nobody_knows_is_invalid_everywhere() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = Keys::make(&session).pair(Kind::Aes).0;
        for of in [ck::CKM_VENDOR_DEFINED | 9, u64::MAX, ck::CKM_SKIPJACK_CBC64] {
            invalid_everywhere(&module, &session, of, key);
            assert!(!module.mechanisms(0).unwrap().contains(&of));
        }
    });
}

/// Every call that takes a mechanism.
fn invalid_everywhere(module: &Module, session: &Session<'_>, of: ck::CK_MECHANISM_TYPE, key: Object) {
    let mechanism = &mechanism(of);
    let (public, secret) = least(of);
    let private = Template::new();
    let refusals = [
        ("C_GetMechanismInfo", code(module.mechanism_info(0, of))),
        ("C_EncryptInit", code(session.encrypt_init(mechanism, key))),
        ("C_DecryptInit", code(session.decrypt_init(mechanism, key))),
        ("C_DigestInit", code(session.digest_init(mechanism))),
        ("C_SignInit", code(session.sign_init(mechanism, key))),
        ("C_SignRecoverInit", code(session.sign_recover_init(mechanism, key))),
        ("C_VerifyInit", code(session.verify_init(mechanism, key))),
        ("C_VerifyRecoverInit", code(session.verify_recover_init(mechanism, key))),
        ("C_VerifySignatureInit", code(session.verify_signature_init(mechanism, key, &[0; 16]))),
        ("C_MessageEncryptInit", code(session.message_encrypt_init(mechanism, key))),
        ("C_MessageDecryptInit", code(session.message_decrypt_init(mechanism, key))),
        ("C_MessageSignInit", code(session.message_sign_init(mechanism, key))),
        ("C_MessageVerifyInit", code(session.message_verify_init(mechanism, key))),
        ("C_GenerateKey", code(session.generate_key(mechanism, &secret))),
        ("C_GenerateKeyPair", code(session.generate_key_pair(mechanism, &public, &private))),
        ("C_WrapKey", code(session.wrap(mechanism, key, key))),
        ("C_UnwrapKey", code(session.unwrap(mechanism, key, &[0; 24], &secret))),
        ("C_WrapKeyAuthenticated", code(session.wrap_authenticated(mechanism, key, key, b""))),
        ("C_UnwrapKeyAuthenticated", code(session.unwrap_authenticated(mechanism, key, &[0; 40], &secret, b""))),
        ("C_DeriveKey", code(session.derive(mechanism, key, &secret))),
        ("C_EncapsulateKey", code(session.encapsulate(mechanism, key, &secret))),
        ("C_DecapsulateKey", code(session.decapsulate(mechanism, key, &secret, &[0; 32]))),
    ];
    for (call, refusal) in refusals {
        assert_eq!(refusal, ck::CKR_MECHANISM_INVALID, "{call}, {of:#x}");
    }
}

#[test]
fn the_list_names_each_mechanism_once_and_says_how_long_it_is() {
    isolated(|env| {
        let module = env.module();
        let mut list = module.mechanisms(0).unwrap();
        let count = list.len();
        list.sort_unstable();
        list.dedup();
        assert_eq!(list.len(), count);
        let mut short = (vec![0; count - 1], (count - 1) as ck::CK_ULONG);
        assert_eq!(mechanism_list(&module, &mut short.0, &mut short.1), ck::CKR_BUFFER_TOO_SMALL);
        assert_eq!((short.1 as usize, short.0[0]), (count, 0));
        let mut long = (vec![0; count + 5], (count + 5) as ck::CK_ULONG);
        assert_eq!(mechanism_list(&module, &mut long.0, &mut long.1), ck::CKR_OK);
        assert_eq!(long.1 as usize, count);
    });
}

#[allow(unsafe_code)]
fn mechanism_list(module: &Module, list: &mut [ck::CK_MECHANISM_TYPE], count: &mut ck::CK_ULONG) -> ck::CK_RV {
    // SAFETY: places for what the count says.
    unsafe { module.raw().C_GetMechanismList(0, list.as_mut_ptr(), count) }
}

#[test]
fn the_sizes_that_are_told_are_those_that_are_made() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let sizes = |of| module.mechanism_info(0, of).map(|info| (info.ulMinKeySize, info.ulMaxKeySize)).unwrap();
        assert_eq!(sizes(ck::CKM_AES_KEY_GEN), (16, 32));
        assert_eq!(sizes(ck::CKM_RSA_PKCS_KEY_PAIR_GEN), (1024, 16384));
        assert_eq!(sizes(ck::CKM_ECDSA), (160, 521));
        assert_eq!(sizes(ck::CKM_EDDSA), (255, 448));
        let aes = |length| {
            let template = Template::new().ulong(ck::CKA_VALUE_LEN, length);
            code(session.generate_key(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &template))
        };
        for length in [16, 24, 32] {
            assert_eq!(aes(length), ck::CKR_OK);
        }
        for length in [0, 8, 15, 20, 33, u64::MAX] {
            assert_eq!(aes(length), ck::CKR_KEY_SIZE_RANGE, "{length}");
        }
        for bits in [0, 512, 1023, 16385, u64::MAX] {
            let public = Template::new().ulong(ck::CKA_MODULUS_BITS, bits);
            let generator = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
            let pair = session.generate_key_pair(&generator, &public, &Template::new());
            assert_eq!(code(pair), ck::CKR_KEY_SIZE_RANGE, "{bits}");
        }
    });
}

#[test]
fn a_denied_mechanism_is_gone_and_refused_everywhere() {
    isolated(|env| {
        env.configure("mechanisms = \"-RSA_PKCS, -SHA256, -AES_KEY_GEN\"");
        let module = env.module();
        let session = env.user(&module);
        let keys = Keys::make(&session);
        let list = module.mechanisms(0).unwrap();
        for (of, kind) in [(ck::CKM_RSA_PKCS, Kind::Rsa), (ck::CKM_SHA256, Kind::Aes), (ck::CKM_AES_KEY_GEN, Kind::Aes)]
        {
            assert!(!list.contains(&of));
            for key in [keys.pair(kind).0, keys.pair(kind).1] {
                invalid_everywhere(&module, &session, of, key);
            }
        }
        // What is built on the same hash stays.
        let hashed = Mechanism::plain(ck::CKM_SHA256_RSA_PKCS);
        session.sign_with(&hashed, keys.pair(Kind::Rsa).1, b"x").unwrap();
    });
}

#[test]
fn one_word_denies_what_is_kept_for_old_data_only() {
    isolated(|env| {
        let module = env.module();
        let all = module.mechanisms(0).unwrap();
        module.finalize().unwrap();
        env.configure("mechanisms = \"-legacy\"");
        module.initialize().unwrap();
        let modern = module.mechanisms(0).unwrap();
        for of in [ck::CKM_MD5, ck::CKM_MD5_HMAC, ck::CKM_MD5_RSA_PKCS, ck::CKM_SHA1_RSA_PKCS, ck::CKM_ECDSA_SHA1] {
            assert!(all.contains(&of) && !modern.contains(&of), "{of:#x}");
            assert_eq!(code(module.mechanism_info(0, of)), ck::CKR_MECHANISM_INVALID);
        }
        for of in [ck::CKM_SHA256, ck::CKM_RSA_PKCS, ck::CKM_ECDSA, ck::CKM_AES_GCM] {
            assert!(modern.contains(&of), "{of:#x}");
        }
        assert!(modern.iter().all(|of| all.contains(of)));
    });
}

#[test]
fn a_list_without_a_minus_allows_only_what_it_names() {
    isolated(|env| {
        env.configure("mechanisms = \"SHA256, CKM_AES_GCM\"");
        let module = env.module();
        let mut list = module.mechanisms(0).unwrap();
        list.sort_unstable();
        assert_eq!(list, [ck::CKM_SHA256, ck::CKM_AES_GCM]);
    });
}
