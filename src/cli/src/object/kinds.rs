//! Words for classes, key types, curves and what a key may be used for. A number without a word here is shown as a
//! number.

use cryptoki_sys as ck;
use sealhsm_crypto::curve;

/// Object classes, as `--type` calls them.
pub const CLASSES: &[(u64, &str)] = &[
    (ck::CKO_DATA, "data"),
    (ck::CKO_CERTIFICATE, "cert"),
    (ck::CKO_PUBLIC_KEY, "pubkey"),
    (ck::CKO_PRIVATE_KEY, "privkey"),
    (ck::CKO_SECRET_KEY, "secrkey"),
];

/// Key types.
pub const KEY_TYPES: &[(u64, &str)] = &[
    (ck::CKK_RSA, "RSA"),
    (ck::CKK_DSA, "DSA"),
    (ck::CKK_DH, "DH"),
    (ck::CKK_X9_42_DH, "DH X9.42"),
    (ck::CKK_EC, "EC"),
    (ck::CKK_EC_EDWARDS, "EC"),
    (ck::CKK_EC_MONTGOMERY, "EC"),
    (ck::CKK_AES, "AES"),
    (ck::CKK_AES_XTS, "AES-XTS"),
    (ck::CKK_DES, "DES"),
    (ck::CKK_DES2, "DES2"),
    (ck::CKK_DES3, "DES3"),
    (ck::CKK_GENERIC_SECRET, "generic"),
    (ck::CKK_MD5_HMAC, "HMAC-MD5"),
    (ck::CKK_RIPEMD160_HMAC, "HMAC-RIPEMD-160"),
    (ck::CKK_SHA_1_HMAC, "HMAC-SHA-1"),
    (ck::CKK_SHA224_HMAC, "HMAC-SHA-224"),
    (ck::CKK_SHA256_HMAC, "HMAC-SHA-256"),
    (ck::CKK_SHA384_HMAC, "HMAC-SHA-384"),
    (ck::CKK_SHA512_HMAC, "HMAC-SHA-512"),
    (ck::CKK_SHA512_224_HMAC, "HMAC-SHA-512/224"),
    (ck::CKK_SHA512_256_HMAC, "HMAC-SHA-512/256"),
    (ck::CKK_SHA512_T_HMAC, "HMAC-SHA-512/t"),
    (ck::CKK_SHA3_224_HMAC, "HMAC-SHA3-224"),
    (ck::CKK_SHA3_256_HMAC, "HMAC-SHA3-256"),
    (ck::CKK_SHA3_384_HMAC, "HMAC-SHA3-384"),
    (ck::CKK_SHA3_512_HMAC, "HMAC-SHA3-512"),
    (ck::CKK_BLAKE2B_160_HMAC, "HMAC-BLAKE2b-160"),
    (ck::CKK_BLAKE2B_256_HMAC, "HMAC-BLAKE2b-256"),
    (ck::CKK_BLAKE2B_384_HMAC, "HMAC-BLAKE2b-384"),
    (ck::CKK_BLAKE2B_512_HMAC, "HMAC-BLAKE2b-512"),
    (ck::CKK_HKDF, "HKDF"),
    (ck::CKK_HOTP, "HOTP"),
    (ck::CKK_CHACHA20, "ChaCha20"),
    (ck::CKK_POLY1305, "Poly1305"),
    (ck::CKK_CAMELLIA, "Camellia"),
    (ck::CKK_ARIA, "ARIA"),
    (ck::CKK_SEED, "SEED"),
    (ck::CKK_IDEA, "IDEA"),
    (ck::CKK_CAST128, "CAST-128"),
    (ck::CKK_BLOWFISH, "Blowfish"),
    (ck::CKK_RC2, "RC2"),
    (ck::CKK_RC4, "RC4"),
    (ck::CKK_ML_DSA, "ML-DSA"),
    (ck::CKK_ML_KEM, "ML-KEM"),
    (ck::CKK_SLH_DSA, "SLH-DSA"),
];

/// Curves with short names, by their CKA_EC_PARAMS: an object identifier, or the printable name that Edwards curves may have.
pub const CURVES: &[(&[u8], &str)] = &[
    (&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], "P-256"),
    (&[6, 5, 0x2b, 0x81, 4, 0, 0x22], "P-384"),
    (&[6, 5, 0x2b, 0x81, 4, 0, 0x23], "P-521"),
    (&[6, 5, 0x2b, 0x81, 4, 0, 0x0a], "secp256k1"),
    (&[6, 3, 0x2b, 0x65, 0x70], "Ed25519"),
    (&[6, 3, 0x2b, 0x65, 0x71], "Ed448"),
    (&[6, 3, 0x2b, 0x65, 0x6e], "X25519"),
    (&[6, 3, 0x2b, 0x65, 0x6f], "X448"),
    (b"\x13\x0cedwards25519", "Ed25519"),
    (b"\x13\x0aedwards448", "Ed448"),
    (b"\x13\x0acurve25519", "X25519"),
    (b"\x13\x08curve448", "X448"),
];

/// Parameter sets by key type; the first is number 1 of its CKP_ numbers.
const SETS: &[(u64, &[&str])] = &[
    (ck::CKK_ML_KEM, &["512", "768", "1024"]),
    (ck::CKK_ML_DSA, &["44", "65", "87"]),
    (
        ck::CKK_SLH_DSA,
        &[
            "SHA2-128s",
            "SHAKE-128s",
            "SHA2-128f",
            "SHAKE-128f",
            "SHA2-192s",
            "SHAKE-192s",
            "SHA2-192f",
            "SHAKE-192f",
            "SHA2-256s",
            "SHAKE-256s",
            "SHA2-256f",
            "SHAKE-256f",
        ],
    ),
];

/// What a key may be used for.
pub const USES: &[(u64, &str)] = &[
    (ck::CKA_ENCRYPT, "encrypt"),
    (ck::CKA_DECRYPT, "decrypt"),
    (ck::CKA_SIGN, "sign"),
    (ck::CKA_SIGN_RECOVER, "sign-recover"),
    (ck::CKA_VERIFY, "verify"),
    (ck::CKA_VERIFY_RECOVER, "verify-recover"),
    (ck::CKA_WRAP, "wrap"),
    (ck::CKA_UNWRAP, "unwrap"),
    (ck::CKA_DERIVE, "derive"),
    (ck::CKA_ENCAPSULATE, "encapsulate"),
    (ck::CKA_DECAPSULATE, "decapsulate"),
];

/// What else is worth knowing, when true.
pub const TRAITS: &[(u64, &str)] = &[
    (ck::CKA_PRIVATE, "private"),
    (ck::CKA_SENSITIVE, "sensitive"),
    (ck::CKA_EXTRACTABLE, "extractable"),
    (ck::CKA_TRUSTED, "trusted"),
    (ck::CKA_ALWAYS_AUTHENTICATE, "always-authenticate"),
];

/// The word for a number.
pub fn word(of: u64, words: &[(u64, &str)]) -> String {
    match words.iter().find(|(number, _)| *number == of) {
        Some((_, word)) => (*word).into(),
        None => format!("{of:#x}"),
    }
}

/// The name of a curve.
pub fn curve(parameters: &[u8]) -> Option<&'static str> {
    let short = CURVES.iter().find(|(known, _)| *known == parameters).map(|(_, name)| *name);
    let all = || curve::all().iter().find(|curve| curve.oid == parameters).map(|curve| curve.names[0]);
    short.or_else(all)
}

/// The name of a CKA_PARAMETER_SET.
pub fn parameter_set(key_type: u64, number: u64) -> Option<&'static str> {
    let (_, names) = SETS.iter().find(|(of, _)| *of == key_type)?;
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    names.get(index).copied()
}
