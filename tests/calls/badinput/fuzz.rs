//! Mechanisms with parameters of noise, many thousands of them, the same in every run.

use crate::badinput::in_good_health;
use kit::{Chance, Mechanism, Object, Result, Session, Template, ck, curve, isolated, pattern};

/// What stands in the place of a length: small, or beyond any memory.
const LENGTHS: [u64; 12] = [0, 1, 12, 16, 32, 128, 129, 255, 256, 4096, 1 << 63, u64::MAX];
/// What stands in the place of a number or flag.
const NUMBERS: [u64; 16] = [
    0,
    1,
    2,
    8,
    20,
    32,
    64,
    96,
    128,
    ck::CKM_SHA_1,
    ck::CKM_SHA256,
    ck::CKM_SHA3_256,
    ck::CKM_RSA_PKCS,
    1 << 32,
    1 << 63,
    u64::MAX,
];

/// A page that pointers of parameters point to: as long as the longest length that is no impossible one.
static PAGE: [u8; 4096] = [0x5a; 4096];

/// Parameters by their structure in C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    None,
    Flat,
    Gcm,
    ShortGcm,
    Oaep,
    Eddsa,
    ChaCha20,
    Context,
    HashContext,
}

/// The structures that a mechanism takes whose fields are pointers.
fn shapes(of: ck::CK_MECHANISM_TYPE) -> &'static [Shape] {
    match of {
        ck::CKM_AES_GCM | ck::CKM_AES_GMAC => &[Shape::Gcm, Shape::ShortGcm],
        ck::CKM_CHACHA20 => &[Shape::ChaCha20],
        ck::CKM_RSA_PKCS_OAEP => &[Shape::Oaep],
        ck::CKM_EDDSA => &[Shape::None, Shape::Eddsa],
        ck::CKM_ML_DSA
        | ck::CKM_SLH_DSA
        | ck::CKM_HASH_ML_DSA_SHA224..=ck::CKM_HASH_ML_DSA_SHAKE256
        | ck::CKM_HASH_SLH_DSA_SHA224..=ck::CKM_HASH_SLH_DSA_SHAKE256 => &[Shape::None, Shape::Context],
        ck::CKM_HASH_ML_DSA | ck::CKM_HASH_SLH_DSA => &[Shape::HashContext],
        _ => &[],
    }
}

/// Bytes of the structures with pointers that a mechanism takes. Noise in one would be a wild pointer, which no module
/// could survive.
fn structures(of: ck::CK_MECHANISM_TYPE) -> &'static [usize] {
    match of {
        ck::CKM_AES_GCM | ck::CKM_AES_GMAC => &[40, 48],
        ck::CKM_AES_CCM => &[48],
        ck::CKM_RSA_PKCS_OAEP | ck::CKM_ECDH1_DERIVE | ck::CKM_ECDH1_COFACTOR_DERIVE => &[40],
        ck::CKM_X9_42_DH_DERIVE => &[40],
        ck::CKM_ECDH_AES_KEY_WRAP | ck::CKM_ECDH_COF_AES_KEY_WRAP | ck::CKM_ECDH_X_AES_KEY_WRAP => &[32],
        ck::CKM_DSA_PROBABILISTIC_PARAMETER_GEN => &[32],
        ck::CKM_EDDSA => &[24],
        ck::CKM_ML_DSA
        | ck::CKM_SLH_DSA
        | ck::CKM_HASH_ML_DSA_SHA224..=ck::CKM_HASH_ML_DSA_SHAKE256
        | ck::CKM_HASH_SLH_DSA_SHA224..=ck::CKM_HASH_SLH_DSA_SHAKE256 => &[24],
        ck::CKM_HASH_ML_DSA | ck::CKM_HASH_SLH_DSA => &[32],
        ck::CKM_CHACHA20
        | ck::CKM_CHACHA20_POLY1305
        | ck::CKM_AES_CBC_ENCRYPT_DATA
        | ck::CKM_CAMELLIA_CBC_ENCRYPT_DATA
        | ck::CKM_ARIA_CBC_ENCRYPT_DATA
        | ck::CKM_SEED_CBC_ENCRYPT_DATA => &[32],
        ck::CKM_DES_CBC_ENCRYPT_DATA | ck::CKM_DES3_CBC_ENCRYPT_DATA => &[24],
        ck::CKM_HKDF_DERIVE | ck::CKM_HKDF_DATA => &[64],
        ck::CKM_SP800_108_FEEDBACK_KDF | ck::CKM_IKE_PRF_DERIVE => &[56],
        ck::CKM_PKCS5_PBKD2 | ck::CKM_IKE1_PRF_DERIVE | ck::CKM_TLS_KDF | ck::CKM_TLS12_KDF => &[72],
        ck::CKM_TLS_KEY_AND_MAC_DERIVE => &[72],
        ck::CKM_TLS12_KEY_AND_MAC_DERIVE | ck::CKM_TLS12_KEY_SAFE_DERIVE => &[80],
        ck::CKM_TLS12_MASTER_KEY_DERIVE | ck::CKM_TLS12_MASTER_KEY_DERIVE_DH | ck::CKM_TLS_PRF => &[48],
        ck::CKM_HOTP => &[16],
        // CK_PBE_PARAMS.
        ck::CKM_PBE_MD5_DES_CBC..=ck::CKM_PBE_SHA1_RC2_40_CBC | ck::CKM_PBA_SHA1_WITH_SHA1_HMAC => &[48],
        ck::CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE | ck::CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH => &[32],
        ck::CKM_SP800_108_COUNTER_KDF
        | ck::CKM_SP800_108_DOUBLE_PIPELINE_KDF
        | ck::CKM_TLS_MASTER_KEY_DERIVE
        | ck::CKM_TLS_MASTER_KEY_DERIVE_DH
        | ck::CKM_IKE2_PRF_PLUS_DERIVE
        | ck::CKM_IKE1_EXTENDED_DERIVE => &[40],
        ck::CKM_RSA_AES_KEY_WRAP
        | ck::CKM_AES_ECB_ENCRYPT_DATA
        | ck::CKM_CAMELLIA_ECB_ENCRYPT_DATA
        | ck::CKM_ARIA_ECB_ENCRYPT_DATA
        | ck::CKM_SEED_ECB_ENCRYPT_DATA
        | ck::CKM_DES_ECB_ENCRYPT_DATA
        | ck::CKM_DES3_ECB_ENCRYPT_DATA
        | ck::CKM_CONCATENATE_BASE_AND_DATA
        | ck::CKM_CONCATENATE_DATA_AND_BASE
        | ck::CKM_XOR_BASE_AND_DATA => &[16],
        _ => &[],
    }
}

/// Noise in the form of what the mechanism takes, of what others take, or of nothing.
fn parameter(chance: &mut Chance, of: ck::CK_MECHANISM_TYPE) -> Mechanism {
    let fitting = shapes(of);
    let shape = match chance.up_to(3) {
        0 => chance.one_of(&[Shape::None, Shape::Flat, Shape::Gcm, Shape::ShortGcm, Shape::Oaep, Shape::Eddsa]),
        _ if fitting.is_empty() => chance.one_of(&[Shape::None, Shape::Flat]),
        _ => chance.one_of(fitting),
    };
    let pointer = if chance.up_to(3) == 0 { 0 } else { PAGE.as_ptr() as u64 };
    let (length, other) = (chance.one_of(&LENGTHS), chance.one_of(&LENGTHS));
    let mut number = || chance.one_of(&NUMBERS);
    let words = match shape {
        Shape::None => vec![],
        Shape::Gcm => vec![pointer, length, number(), pointer, other, number()],
        Shape::ShortGcm => vec![pointer, length, pointer, other, number()],
        Shape::Oaep => vec![number(), number(), number(), pointer, length],
        Shape::Eddsa => vec![number(), length, pointer],
        Shape::ChaCha20 => vec![pointer, number(), pointer, number()],
        Shape::Context => vec![number(), pointer, length],
        Shape::HashContext => vec![number(), pointer, length, number()],
        Shape::Flat => (0..8).map(|_| number()).collect(),
    };
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    if shape != Shape::None && !fitting.contains(&shape) {
        let length = if chance.up_to(3) > 0 { chance.one_of(&[8, 16, 24]) } else { chance.up_to(64) };
        bytes.resize(length, 0xa5);
        if structures(of).contains(&length) {
            bytes.push(0);
        }
    }
    let mechanism = Mechanism::bytes(of, bytes);
    match chance.up_to(11) {
        0 => mechanism.claiming(u64::MAX),
        1 => mechanism.claiming(1 << 63),
        2 => mechanism.claiming(0),
        _ => mechanism,
    }
}

fn keys(session: &Session<'_>) -> Vec<Object> {
    let mut keys = vec![Object(0), session.aes(&[1; 16]), session.aes(&[2; 32]), session.secret(&[3; 20])];
    for (key_type, length) in [(ck::CKK_CHACHA20, 32), (ck::CKK_RC2, 16), (ck::CKK_DES3, 24), (ck::CKK_CAMELLIA, 32)] {
        keys.push(session.create(&Template::secret_key(key_type, &pattern::key(key_type, length))).unwrap());
    }
    for (public, private) in [
        session.rsa_pair(1024),
        session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P256),
        session.curve_pair(ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, curve::ED25519),
        session.curve_pair(ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve::X25519),
        session.pq_pair(ck::CKM_ML_DSA_KEY_PAIR_GEN, ck::CKP_ML_DSA_44),
        session.pq_pair(ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKP_SLH_DSA_SHA2_128F),
    ] {
        keys.extend([public, private]);
    }
    keys
}

fn check<T>(outcome: Result<T>, told: impl Fn() -> String) -> bool {
    let rv = outcome.as_ref().err().map_or(ck::CKR_OK, |code| code.0);
    assert!(in_good_health(rv), "{}: {:?}", told(), kit::Rv(rv));
    outcome.is_ok()
}

#[test]
fn noise_for_a_parameter_is_refused_or_works() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        // Those that begin an operation at all.
        let operations = ck::CKF_ENCRYPT | ck::CKF_DECRYPT | ck::CKF_SIGN | ck::CKF_VERIFY | ck::CKF_DIGEST;
        let mut mechanisms = module.mechanisms(session.info().unwrap().slotID).unwrap();
        mechanisms.retain(|of| module.mechanism_info(0, *of).unwrap().flags & operations != 0);
        let (keys, mut chance) = (keys(&session), Chance::seeded(0x5ea1));
        let mut begun = 0;
        for round in 0..60_000 {
            let of = chance.one_of(&mechanisms);
            let mechanism = parameter(&mut chance, of);
            let key = chance.one_of(&keys);
            let told = || format!("round {round}, mechanism {of:#x}");
            let length = chance.up_to(300);
            let data = chance.bytes(length);
            let outcome = match chance.up_to(4) {
                0 => check(session.encrypt_init(&mechanism, key), told).then(|| session.encrypt(&data).map(drop)),
                1 => check(session.decrypt_init(&mechanism, key), told).then(|| session.decrypt(&data).map(drop)),
                2 => check(session.sign_init(&mechanism, key), told).then(|| session.sign(&data).map(drop)),
                3 => check(session.verify_init(&mechanism, key), told).then(|| session.verify(&data, &data)),
                _ => check(session.digest_init(&mechanism), told).then(|| session.digest(&data).map(drop)),
            };
            if let Some(outcome) = outcome {
                check(outcome, told);
                begun += 1;
            }
            session.cancel(u64::MAX).unwrap();
        }
        assert!(begun > 200, "only {begun} of the parameters were right: the noise is too wild to test much");
    });
}

#[test]
fn noise_for_a_template_is_refused_or_makes_an_object() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let mut chance = Chance::seeded(0x7e3b);
        let mechanisms = [ck::CKM_AES_KEY_GEN, ck::CKM_GENERIC_SECRET_KEY_GEN, ck::CKM_SHA256_KEY_GEN];
        let pairs = [
            (ck::CKM_EC_KEY_PAIR_GEN, curve::P256),
            (ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, curve::ED25519),
            (ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve::X448),
        ];
        let mut objects = [0; 3];
        let types = [
            ck::CKA_CLASS,
            ck::CKA_KEY_TYPE,
            ck::CKA_VALUE,
            ck::CKA_VALUE_LEN,
            ck::CKA_EC_PARAMS,
            ck::CKA_EC_POINT,
            ck::CKA_MODULUS,
            ck::CKA_PUBLIC_EXPONENT,
            ck::CKA_PRIVATE_EXPONENT,
            ck::CKA_ALLOWED_MECHANISMS,
            ck::CKA_START_DATE,
            ck::CKA_LABEL,
            ck::CKA_SENSITIVE,
            ck::CKA_CHECK_VALUE,
            ck::CKA_PUBLIC_KEY_INFO,
        ];
        let numbers = [ck::CKO_SECRET_KEY, ck::CKO_PUBLIC_KEY, ck::CKO_PRIVATE_KEY, ck::CKO_DATA, ck::CKK_AES, 16, 32];
        for round in 0..10_000 {
            let told = || format!("round {round}");
            let (way, (pair, params)) = (chance.up_to(2), chance.one_of(&pairs));
            let right = match way {
                0 => Template::new().ulong(ck::CKA_VALUE_LEN, 16),
                1 => Template::new().bytes(ck::CKA_EC_PARAMS, params),
                _ => Template::secret_key(ck::CKK_AES, &[5; 16]),
            };
            // Noise on what would be right, or nothing but noise.
            let right = if chance.up_to(1) == 0 { right } else { Template::new() };
            let mut noise = |mut template: Template, most| {
                for _ in 0..chance.up_to(most) {
                    let of = chance.one_of(&types);
                    let length = chance.up_to(70);
                    // Given twice it would be refused for that.
                    let rest = if chance.up_to(7) == 0 { template } else { template.without(of) };
                    template = match chance.up_to(4) {
                        0 => rest.bytes(of, chance.bytes(length)),
                        1 => rest.bytes(of, [1]),
                        2 => rest.bytes(of, chance.one_of(&[curve::P256, curve::ED25519, curve::X448])),
                        _ => rest.ulong(of, chance.one_of(&numbers)),
                    };
                }
                template
            };
            let (one, other) = (noise(right, 6), noise(Template::new(), 3));
            let made = match way {
                0 => session.generate_key(&Mechanism::plain(chance.one_of(&mechanisms)), &one),
                1 => session.generate_key_pair(&Mechanism::plain(pair), &one, &other).map(|pair| pair.1),
                _ => session.create(&one),
            };
            if let Ok(object) = made {
                session.destroy(object).unwrap();
                objects[way] += 1;
            }
            check(made, told);
        }
        env.report(&format!("keys, pairs and other objects that noise made: {objects:?}\n"));
        assert!(objects.iter().all(|made| *made > 20), "the noise is too wild to test much: {objects:?}");
    });
}
