//! The rules of PKCS#11 3.2 section 4 as rows: which attributes an object of a class and type has, who gives
//! them, what they are when nobody does, and who may change them. Create, generate, unwrap, copy and set all
//! read these rows; no other code knows an attribute's rules.

pub use super::schema::Schema;
use super::{Type, Value};
use cryptoki_sys as ck;

/// Who gives an attribute when an object comes to be in a certain way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The template must have it: CKR_TEMPLATE_INCOMPLETE.
    Required,
    /// The template may have it.
    Optional,
    /// The token sets it: CKR_ATTRIBUTE_READ_ONLY.
    Refused,
    /// The token sets it; a template may repeat it if it says the same.
    Repeated,
}

/// What it is when the template is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// The object then has no such attribute.
    Absent,
    /// CK_FALSE.
    False,
    /// CK_TRUE.
    True,
    /// An empty byte string or date.
    Empty,
    /// A number.
    Number(u64),
    /// CK_TRUE for these key types, else CK_FALSE.
    TrueFor(&'static [u64]),
    /// CK_FALSE, but CK_TRUE for a key that arrives by unwrapping.
    TrueUnwrapped,
}

/// Who may change it once the object exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// C_SetAttributeValue and C_CopyObject, to anything.
    Any,
    /// C_CopyObject only.
    OnCopy,
    /// C_CopyObject only, and only from false to true.
    OnCopyUp,
    /// Both, only from false to true; a true one is not even set to true again.
    Up,
    /// Both, only from true to false.
    Down,
    /// Both, only to the empty value.
    ToEmpty,
    /// The SO, through C_SetAttributeValue.
    So,
    /// Nobody.
    Never,
}

/// One attribute of one kind of object.
#[derive(Debug)]
pub struct Rule {
    /// Which.
    pub attribute: Type,
    /// C_CreateObject.
    pub create: Need,
    /// C_GenerateKey and C_GenerateKeyPair.
    pub generate: Need,
    /// C_UnwrapKey, C_DeriveKey, KEM.
    pub unwrap: Need,
    /// See [`Fallback`].
    pub fallback: Fallback,
    /// See [`Change`].
    pub change: Change,
    /// Not readable when CKA_SENSITIVE or not CKA_EXTRACTABLE; held as a secret.
    pub guarded: bool,
    /// The value that the fallback stands for, unless it is a boolean.
    pub usual: Value,
}

/// `needs`: create, generate, unwrap as `r`equired, `o`ptional, `x` refused, `a` set by the token (may be repeated).
const fn rule(attribute: Type, needs: &[u8; 3], fallback: Fallback, change: Change) -> Rule {
    const fn need(letter: u8) -> Need {
        match letter {
            b'r' => Need::Required,
            b'o' => Need::Optional,
            b'a' => Need::Repeated,
            _ => Need::Refused,
        }
    }
    Rule {
        attribute,
        create: need(needs[0]),
        generate: need(needs[1]),
        unwrap: need(needs[2]),
        usual: match fallback {
            Fallback::Number(n) => Value::Ulong(n),
            _ => Value::Bytes(Vec::new()),
        },
        fallback,
        change,
        guarded: false,
    }
}

/// A part of a key that must not be read when the key is sensitive.
const fn guarded(attribute: Type, needs: &[u8; 3]) -> Rule {
    let mut row = rule(attribute, needs, Absent, Never);
    row.guarded = true;
    row
}

use Change::{Any, Down, Never, OnCopy, OnCopyUp, So, ToEmpty, Up};
use Fallback::{Absent, Empty, False, Number, True, TrueFor, TrueUnwrapped};

const RSA: u64 = ck::CKK_RSA;
const EC: u64 = ck::CKK_EC;
const EDWARDS: u64 = ck::CKK_EC_EDWARDS;
const MONTGOMERY: u64 = ck::CKK_EC_MONTGOMERY;
const DSA: u64 = ck::CKK_DSA;
const DH: u64 = ck::CKK_DH;
const X9_42: u64 = ck::CKK_X9_42_DH;
const ML_KEM: u64 = ck::CKK_ML_KEM;
const ML_DSA: u64 = ck::CKK_ML_DSA;
const SLH_DSA: u64 = ck::CKK_SLH_DSA;

/// Key types that encrypt, that wrap, and that make MACs (secret keys).
const CIPHERS: &[u64] = &[
    ck::CKK_AES,
    ck::CKK_AES_XTS,
    ck::CKK_DES,
    ck::CKK_DES2,
    ck::CKK_DES3,
    ck::CKK_CAMELLIA,
    ck::CKK_ARIA,
    ck::CKK_SEED,
    ck::CKK_CHACHA20,
    ck::CKK_RC2,
    ck::CKK_RC4,
    ck::CKK_CAST128,
    ck::CKK_IDEA,
    ck::CKK_BLOWFISH,
];
const MACS: &[u64] = &[
    ck::CKK_GENERIC_SECRET,
    ck::CKK_AES,
    ck::CKK_DES,
    ck::CKK_DES2,
    ck::CKK_DES3,
    ck::CKK_CAMELLIA,
    ck::CKK_ARIA,
    ck::CKK_SEED,
    ck::CKK_RC2,
    ck::CKK_CAST128,
    ck::CKK_IDEA,
    ck::CKK_POLY1305,
    ck::CKK_MD5_HMAC,
    ck::CKK_SHA_1_HMAC,
    ck::CKK_RIPEMD160_HMAC,
    ck::CKK_SHA224_HMAC,
    ck::CKK_SHA256_HMAC,
    ck::CKK_SHA384_HMAC,
    ck::CKK_SHA512_HMAC,
    ck::CKK_SHA512_224_HMAC,
    ck::CKK_SHA512_256_HMAC,
    ck::CKK_SHA3_224_HMAC,
    ck::CKK_SHA3_256_HMAC,
    ck::CKK_SHA3_384_HMAC,
    ck::CKK_SHA3_512_HMAC,
    ck::CKK_BLAKE2B_160_HMAC,
    ck::CKK_BLAKE2B_256_HMAC,
    ck::CKK_BLAKE2B_384_HMAC,
    ck::CKK_BLAKE2B_512_HMAC,
    ck::CKK_SHA512_T_HMAC,
    ck::CKK_HOTP,
];

const STORAGE: &[Rule] = &[
    rule(ck::CKA_CLASS, b"rar", Absent, Never),
    rule(ck::CKA_UNIQUE_ID, b"xxx", Absent, Never),
    rule(ck::CKA_TOKEN, b"ooo", False, OnCopy),
    rule(ck::CKA_MODIFIABLE, b"ooo", True, OnCopy),
    rule(ck::CKA_DESTROYABLE, b"ooo", True, OnCopy),
    rule(ck::CKA_COPYABLE, b"ooo", True, Down),
    rule(ck::CKA_LABEL, b"ooo", Empty, Any),
];
const PUBLIC_BY_DEFAULT: &[Rule] = &[rule(ck::CKA_PRIVATE, b"ooo", False, OnCopyUp)];
const PRIVATE_BY_DEFAULT: &[Rule] = &[rule(ck::CKA_PRIVATE, b"ooo", True, OnCopyUp)];
const KEY: &[Rule] = &[
    rule(ck::CKA_KEY_TYPE, b"rar", Absent, Never),
    rule(ck::CKA_ID, b"ooo", Empty, Any),
    rule(ck::CKA_START_DATE, b"ooo", Empty, Any),
    rule(ck::CKA_END_DATE, b"ooo", Empty, Any),
    rule(ck::CKA_LOCAL, b"xxx", False, Never),
    rule(ck::CKA_KEY_GEN_MECHANISM, b"xxx", Number(ck::CK_UNAVAILABLE_INFORMATION), Never),
    rule(ck::CKA_ALLOWED_MECHANISMS, b"ooo", Absent, Never),
    rule(ck::CKA_OBJECT_VALIDATION_FLAGS, b"xxx", Number(0), Never),
];
const PUBLIC: &[Rule] = &[
    rule(ck::CKA_SUBJECT, b"ooo", Empty, Any),
    rule(ck::CKA_ENCRYPT, b"ooo", TrueFor(&[RSA]), Any),
    rule(ck::CKA_VERIFY, b"ooo", TrueFor(&[RSA, EC, EDWARDS, DSA, ML_DSA, SLH_DSA]), Any),
    rule(ck::CKA_VERIFY_RECOVER, b"ooo", TrueFor(&[RSA]), Any),
    rule(ck::CKA_ENCAPSULATE, b"ooo", TrueFor(&[RSA, EC, MONTGOMERY, DH, X9_42, ML_KEM]), Any),
    rule(ck::CKA_WRAP, b"ooo", TrueFor(&[RSA, EC, MONTGOMERY]), Any),
    rule(ck::CKA_DERIVE, b"ooo", False, Any),
    rule(ck::CKA_TRUSTED, b"ooo", False, So),
    rule(ck::CKA_WRAP_TEMPLATE, b"ooo", Absent, Never),
    rule(ck::CKA_ENCAPSULATE_TEMPLATE, b"ooo", Absent, Never),
    rule(ck::CKA_PUBLIC_KEY_INFO, b"aaa", Absent, Never),
    rule(ck::CKA_PUBLIC_CRC64_VALUE, b"aaa", Absent, Never),
];
const PRIVATE: &[Rule] = &[
    rule(ck::CKA_SUBJECT, b"ooo", Empty, Any),
    rule(ck::CKA_DECRYPT, b"ooo", TrueFor(&[RSA]), Any),
    rule(ck::CKA_SIGN, b"ooo", TrueFor(&[RSA, EC, EDWARDS, DSA, ML_DSA, SLH_DSA]), Any),
    rule(ck::CKA_SIGN_RECOVER, b"ooo", TrueFor(&[RSA]), Any),
    rule(ck::CKA_DECAPSULATE, b"ooo", TrueFor(&[RSA, EC, MONTGOMERY, DH, X9_42, ML_KEM]), Any),
    rule(ck::CKA_UNWRAP, b"ooo", TrueFor(&[RSA, EC, MONTGOMERY]), Any),
    // GnuTLS, Java and OpenSSL make agreement keys without saying so and expect them to derive.
    rule(ck::CKA_DERIVE, b"ooo", TrueFor(&[EC, MONTGOMERY, DH, X9_42]), Any),
    rule(ck::CKA_SENSITIVE, b"ooo", True, Up),
    rule(ck::CKA_ALWAYS_AUTHENTICATE, b"ooo", False, Never),
    rule(ck::CKA_PUBLIC_KEY_INFO, b"aaa", Absent, Never),
    rule(ck::CKA_PUBLIC_CRC64_VALUE, b"aaa", Absent, Never),
];
const SECRET: &[Rule] = &[
    rule(ck::CKA_ENCRYPT, b"ooo", TrueFor(CIPHERS), Any),
    rule(ck::CKA_DECRYPT, b"ooo", TrueFor(CIPHERS), Any),
    rule(ck::CKA_SIGN, b"ooo", TrueFor(MACS), Any),
    rule(ck::CKA_VERIFY, b"ooo", TrueFor(MACS), Any),
    rule(ck::CKA_WRAP, b"ooo", TrueFor(CIPHERS), Any),
    rule(ck::CKA_UNWRAP, b"ooo", TrueFor(CIPHERS), Any),
    rule(ck::CKA_DERIVE, b"ooo", False, Any),
    rule(ck::CKA_SENSITIVE, b"ooo", False, Up),
    rule(ck::CKA_TRUSTED, b"ooo", False, So),
    rule(ck::CKA_WRAP_TEMPLATE, b"ooo", Absent, Never),
    rule(ck::CKA_CHECK_VALUE, b"ooo", Absent, ToEmpty),
    guarded(ck::CKA_VALUE, b"rxx"),
];
/// For key types whose length is free; the generating or unwrapping mechanism says when it is missing.
const VALUE_LEN: &[Rule] = &[rule(ck::CKA_VALUE_LEN, b"aoo", Absent, Never)];
/// Private and secret keys alike.
const HIDDEN: &[Rule] = &[
    rule(ck::CKA_EXTRACTABLE, b"ooo", TrueUnwrapped, Down),
    rule(ck::CKA_ALWAYS_SENSITIVE, b"xxx", False, Never),
    rule(ck::CKA_NEVER_EXTRACTABLE, b"xxx", False, Never),
    rule(ck::CKA_WRAP_WITH_TRUSTED, b"ooo", False, Up),
    rule(ck::CKA_UNWRAP_TEMPLATE, b"ooo", Absent, Never),
    rule(ck::CKA_DERIVE_TEMPLATE, b"ooo", Absent, Never),
    rule(ck::CKA_DECAPSULATE_TEMPLATE, b"ooo", Absent, Never),
];

const RSA_PUBLIC: &[Rule] = &[
    rule(ck::CKA_MODULUS, b"rxx", Absent, Never),
    rule(ck::CKA_MODULUS_BITS, b"arx", Absent, Never),
    rule(ck::CKA_PUBLIC_EXPONENT, b"rox", Absent, Never),
];
const RSA_PRIVATE: &[Rule] = &[
    rule(ck::CKA_MODULUS, b"rxx", Absent, Never),
    rule(ck::CKA_PUBLIC_EXPONENT, b"oox", Absent, Never),
    guarded(ck::CKA_PRIVATE_EXPONENT, b"rxx"),
    guarded(ck::CKA_PRIME_1, b"oxx"),
    guarded(ck::CKA_PRIME_2, b"oxx"),
    guarded(ck::CKA_EXPONENT_1, b"oxx"),
    guarded(ck::CKA_EXPONENT_2, b"oxx"),
    guarded(ck::CKA_COEFFICIENT, b"oxx"),
];
const EC_PUBLIC: &[Rule] =
    &[rule(ck::CKA_EC_PARAMS, b"rrx", Absent, Never), rule(ck::CKA_EC_POINT, b"rxx", Absent, Never)];
const EC_PRIVATE: &[Rule] = &[
    rule(ck::CKA_EC_PARAMS, b"rox", Absent, Never),
    rule(ck::CKA_EC_POINT, b"oxx", Absent, Never),
    guarded(ck::CKA_VALUE, b"rxx"),
];
const PQ_PUBLIC: &[Rule] =
    &[rule(ck::CKA_PARAMETER_SET, b"rrx", Absent, Never), rule(ck::CKA_VALUE, b"rxx", Absent, Never)];
/// Value, seed, or both.
const SEEDED_PRIVATE: &[Rule] = &[
    rule(ck::CKA_PARAMETER_SET, b"rox", Absent, Never),
    guarded(ck::CKA_SEED, b"oxx"),
    guarded(ck::CKA_VALUE, b"oxx"),
];
const SLH_DSA_PRIVATE: &[Rule] = &[rule(ck::CKA_PARAMETER_SET, b"rox", Absent, Never), guarded(ck::CKA_VALUE, b"rxx")];

/// How the passwords of a key look is fixed with it; of the counter the token alone makes a larger one.
const OTP: &[Rule] = &[
    rule(ck::CKA_OTP_FORMAT, b"oox", Number(ck::CK_OTP_FORMAT_DECIMAL), Never),
    rule(ck::CKA_OTP_LENGTH, b"oox", Number(6), Never),
    rule(ck::CKA_OTP_USER_FRIENDLY_MODE, b"oox", True, Never),
    rule(ck::CKA_OTP_CHALLENGE_REQUIREMENT, b"oox", Number(ck::CK_OTP_PARAM_IGNORED), Never),
    rule(ck::CKA_OTP_TIME_REQUIREMENT, b"oox", Number(ck::CK_OTP_PARAM_IGNORED), Never),
    rule(ck::CKA_OTP_COUNTER_REQUIREMENT, b"oox", Number(ck::CK_OTP_PARAM_OPTIONAL), Never),
    rule(ck::CKA_OTP_PIN_REQUIREMENT, b"oox", Number(ck::CK_OTP_PARAM_IGNORED), Never),
    rule(ck::CKA_OTP_COUNTER, b"oox", Empty, Never),
    rule(ck::CKA_OTP_TIME, b"oox", Empty, Any),
    rule(ck::CKA_OTP_TIME_INTERVAL, b"oox", Number(60), Any),
    rule(ck::CKA_OTP_USER_IDENTIFIER, b"oox", Empty, Any),
    rule(ck::CKA_OTP_SERVICE_IDENTIFIER, b"oox", Empty, Any),
    rule(ck::CKA_OTP_SERVICE_LOGO, b"oox", Empty, Any),
    rule(ck::CKA_OTP_SERVICE_LOGO_TYPE, b"oox", Empty, Any),
];
const DH_PUBLIC: &[Rule] = &[
    rule(ck::CKA_PRIME, b"rrx", Absent, Never),
    rule(ck::CKA_BASE, b"rrx", Absent, Never),
    rule(ck::CKA_VALUE, b"rxx", Absent, Never),
];
const DH_PRIVATE: &[Rule] = &[
    rule(ck::CKA_PRIME, b"rox", Absent, Never),
    rule(ck::CKA_BASE, b"rox", Absent, Never),
    guarded(ck::CKA_VALUE, b"rxx"),
];
const VALUE_BITS: &[Rule] = &[rule(ck::CKA_VALUE_BITS, b"xox", Absent, Never)];
const DH_PARAMETERS: &[Rule] = &[
    rule(ck::CKA_KEY_TYPE, b"rar", Absent, Never),
    rule(ck::CKA_LOCAL, b"xxx", False, Never),
    rule(ck::CKA_PRIME, b"rxx", Absent, Never),
    rule(ck::CKA_BASE, b"rxx", Absent, Never),
    rule(ck::CKA_PRIME_BITS, b"xrx", Absent, Never),
];
/// What DSA and X9.42 have besides: in a public key, in a private one, in domain parameters.
const ORDER_PUBLIC: &[Rule] = &[rule(ck::CKA_SUBPRIME, b"rrx", Absent, Never)];
const ORDER_PRIVATE: &[Rule] = &[rule(ck::CKA_SUBPRIME, b"rox", Absent, Never)];
const ORDER_PARAMETERS: &[Rule] = &[
    rule(ck::CKA_SUBPRIME, b"rxx", Absent, Never),
    // Without it, the usual one for the prime.
    rule(ck::CKA_SUBPRIME_BITS, b"xox", Absent, Never),
];

const DATA: &[Rule] = &[
    rule(ck::CKA_APPLICATION, b"oxo", Empty, Any),
    rule(ck::CKA_OBJECT_ID, b"oxo", Empty, Any),
    rule(ck::CKA_VALUE, b"oxx", Empty, Any),
];
const CERTIFICATE: &[Rule] = &[
    rule(ck::CKA_CERTIFICATE_TYPE, b"rxx", Absent, Never),
    rule(ck::CKA_CERTIFICATE_CATEGORY, b"oxx", Number(ck::CK_CERTIFICATE_CATEGORY_UNSPECIFIED), Never),
    rule(ck::CKA_TRUSTED, b"oxx", False, So),
    rule(ck::CKA_CHECK_VALUE, b"oxx", Absent, ToEmpty),
    rule(ck::CKA_START_DATE, b"oxx", Empty, Any),
    rule(ck::CKA_END_DATE, b"oxx", Empty, Any),
    rule(ck::CKA_PUBLIC_KEY_INFO, b"axx", Absent, Never),
];
const X_509: &[Rule] = &[
    rule(ck::CKA_SUBJECT, b"rxx", Absent, Never),
    rule(ck::CKA_VALUE, b"oxx", Empty, Never),
    rule(ck::CKA_URL, b"oxx", Empty, Never),
    rule(ck::CKA_HASH_OF_SUBJECT_PUBLIC_KEY, b"oxx", Empty, Never),
    rule(ck::CKA_HASH_OF_ISSUER_PUBLIC_KEY, b"oxx", Empty, Never),
    rule(ck::CKA_NAME_HASH_ALGORITHM, b"oxx", Absent, Never),
    rule(ck::CKA_JAVA_MIDP_SECURITY_DOMAIN, b"oxx", Number(ck::CK_SECURITY_DOMAIN_UNSPECIFIED), Never),
    rule(ck::CKA_ID, b"oxx", Empty, Any),
    rule(ck::CKA_ISSUER, b"oxx", Empty, Any),
    rule(ck::CKA_SERIAL_NUMBER, b"oxx", Empty, Any),
];
const ATTRIBUTE_CERTIFICATE: &[Rule] = &[
    rule(ck::CKA_OWNER, b"rxx", Absent, Never),
    rule(ck::CKA_VALUE, b"rxx", Absent, Never),
    rule(ck::CKA_AC_ISSUER, b"oxx", Empty, Any),
    rule(ck::CKA_SERIAL_NUMBER, b"oxx", Empty, Any),
    rule(ck::CKA_ATTR_TYPES, b"oxx", Empty, Any),
];
const WTLS: &[Rule] = &[
    rule(ck::CKA_SUBJECT, b"rxx", Absent, Never),
    rule(ck::CKA_VALUE, b"oxx", Empty, Never),
    rule(ck::CKA_URL, b"oxx", Empty, Never),
    rule(ck::CKA_HASH_OF_SUBJECT_PUBLIC_KEY, b"oxx", Empty, Never),
    rule(ck::CKA_HASH_OF_ISSUER_PUBLIC_KEY, b"oxx", Empty, Never),
    rule(ck::CKA_NAME_HASH_ALGORITHM, b"oxx", Absent, Never),
    rule(ck::CKA_ISSUER, b"oxx", Empty, Any),
];
const UNKNOWN_TRUST: Fallback = Number(ck::CKT_TRUST_UNKNOWN as u64);
const TRUST: &[Rule] = &[
    rule(ck::CKA_ISSUER, b"rxx", Absent, Any),
    rule(ck::CKA_SERIAL_NUMBER, b"rxx", Absent, Any),
    rule(ck::CKA_HASH_OF_CERTIFICATE, b"oxx", Empty, Any),
    rule(ck::CKA_NAME_HASH_ALGORITHM, b"oxx", Number(ck::CKM_SHA_1), Any),
    rule(ck::CKA_TRUST_SERVER_AUTH, b"oxx", UNKNOWN_TRUST, Any),
    rule(ck::CKA_TRUST_CLIENT_AUTH, b"oxx", UNKNOWN_TRUST, Any),
    rule(ck::CKA_TRUST_CODE_SIGNING, b"oxx", UNKNOWN_TRUST, Any),
    rule(ck::CKA_TRUST_EMAIL_PROTECTION, b"oxx", UNKNOWN_TRUST, Any),
    rule(ck::CKA_TRUST_IPSEC_IKE, b"oxx", UNKNOWN_TRUST, Any),
    rule(ck::CKA_TRUST_TIME_STAMPING, b"oxx", UNKNOWN_TRUST, Any),
    rule(ck::CKA_TRUST_OCSP_SIGNING, b"oxx", UNKNOWN_TRUST, Any),
];

const fn untyped(class: u64, sections: &[&'static [Rule]]) -> Schema {
    Schema::new(class, None, sections)
}

const fn schema(class: u64, subtype: u64, sections: &[&'static [Rule]]) -> Schema {
    Schema::new(class, Some(subtype), sections)
}

const fn secret(subtype: u64) -> Schema {
    schema(ck::CKO_SECRET_KEY, subtype, &[STORAGE, PRIVATE_BY_DEFAULT, KEY, SECRET, HIDDEN, VALUE_LEN])
}

/// Keys of DES, whose length goes without saying.
const fn des(subtype: u64) -> Schema {
    schema(ck::CKO_SECRET_KEY, subtype, &[STORAGE, PRIVATE_BY_DEFAULT, KEY, SECRET, HIDDEN])
}

/// Every kind of object there is.
static SCHEMAS: &[Schema] = &[
    untyped(ck::CKO_DATA, &[STORAGE, PRIVATE_BY_DEFAULT, DATA]),
    schema(ck::CKO_CERTIFICATE, ck::CKC_X_509, &[STORAGE, PUBLIC_BY_DEFAULT, CERTIFICATE, X_509]),
    schema(ck::CKO_PUBLIC_KEY, RSA, &[STORAGE, PUBLIC_BY_DEFAULT, KEY, PUBLIC, RSA_PUBLIC]),
    schema(ck::CKO_PUBLIC_KEY, EC, &[STORAGE, PUBLIC_BY_DEFAULT, KEY, PUBLIC, EC_PUBLIC]),
    schema(ck::CKO_PUBLIC_KEY, EDWARDS, &[STORAGE, PUBLIC_BY_DEFAULT, KEY, PUBLIC, EC_PUBLIC]),
    schema(ck::CKO_PUBLIC_KEY, MONTGOMERY, &[STORAGE, PUBLIC_BY_DEFAULT, KEY, PUBLIC, EC_PUBLIC]),
    schema(ck::CKO_PRIVATE_KEY, RSA, &[STORAGE, PRIVATE_BY_DEFAULT, KEY, PRIVATE, HIDDEN, RSA_PRIVATE]),
    schema(ck::CKO_PRIVATE_KEY, EC, &[STORAGE, PRIVATE_BY_DEFAULT, KEY, PRIVATE, HIDDEN, EC_PRIVATE]),
    schema(ck::CKO_PRIVATE_KEY, EDWARDS, &[STORAGE, PRIVATE_BY_DEFAULT, KEY, PRIVATE, HIDDEN, EC_PRIVATE]),
    schema(ck::CKO_PRIVATE_KEY, MONTGOMERY, &[STORAGE, PRIVATE_BY_DEFAULT, KEY, PRIVATE, HIDDEN, EC_PRIVATE]),
    secret(ck::CKK_GENERIC_SECRET),
    secret(ck::CKK_HKDF),
    secret(ck::CKK_AES),
    secret(ck::CKK_MD5_HMAC),
    secret(ck::CKK_SHA_1_HMAC),
    secret(ck::CKK_RIPEMD160_HMAC),
    secret(ck::CKK_SHA224_HMAC),
    secret(ck::CKK_SHA256_HMAC),
    secret(ck::CKK_SHA384_HMAC),
    secret(ck::CKK_SHA512_HMAC),
    secret(ck::CKK_SHA512_224_HMAC),
    secret(ck::CKK_SHA512_256_HMAC),
    secret(ck::CKK_SHA3_224_HMAC),
    secret(ck::CKK_SHA3_256_HMAC),
    secret(ck::CKK_SHA3_384_HMAC),
    secret(ck::CKK_SHA3_512_HMAC),
    secret(ck::CKK_AES_XTS),
    des(ck::CKK_DES),
    des(ck::CKK_DES2),
    des(ck::CKK_DES3),
    secret(ck::CKK_CAMELLIA),
    secret(ck::CKK_ARIA),
    secret(ck::CKK_SEED),
    secret(ck::CKK_CHACHA20),
    secret(ck::CKK_POLY1305),
    secret(ck::CKK_RC2),
    secret(ck::CKK_RC4),
    secret(ck::CKK_CAST128),
    secret(ck::CKK_IDEA),
    secret(ck::CKK_BLOWFISH),
    secret(ck::CKK_SHA512_T_HMAC),
    secret(ck::CKK_BLAKE2B_160_HMAC),
    secret(ck::CKK_BLAKE2B_256_HMAC),
    secret(ck::CKK_BLAKE2B_384_HMAC),
    secret(ck::CKK_BLAKE2B_512_HMAC),
    schema(ck::CKO_PUBLIC_KEY, ML_KEM, &[STORAGE, PUBLIC_BY_DEFAULT, KEY, PUBLIC, PQ_PUBLIC]),
    schema(ck::CKO_PUBLIC_KEY, ML_DSA, &[STORAGE, PUBLIC_BY_DEFAULT, KEY, PUBLIC, PQ_PUBLIC]),
    schema(ck::CKO_PUBLIC_KEY, SLH_DSA, &[STORAGE, PUBLIC_BY_DEFAULT, KEY, PUBLIC, PQ_PUBLIC]),
    schema(ck::CKO_PRIVATE_KEY, ML_KEM, &[STORAGE, PRIVATE_BY_DEFAULT, KEY, PRIVATE, HIDDEN, SEEDED_PRIVATE]),
    schema(ck::CKO_PRIVATE_KEY, ML_DSA, &[STORAGE, PRIVATE_BY_DEFAULT, KEY, PRIVATE, HIDDEN, SEEDED_PRIVATE]),
    schema(ck::CKO_PRIVATE_KEY, SLH_DSA, &[STORAGE, PRIVATE_BY_DEFAULT, KEY, PRIVATE, HIDDEN, SLH_DSA_PRIVATE]),
    schema(
        ck::CKO_CERTIFICATE,
        ck::CKC_X_509_ATTR_CERT,
        &[STORAGE, PUBLIC_BY_DEFAULT, CERTIFICATE, ATTRIBUTE_CERTIFICATE],
    ),
    schema(ck::CKO_CERTIFICATE, ck::CKC_WTLS, &[STORAGE, PUBLIC_BY_DEFAULT, CERTIFICATE, WTLS]),
    untyped(ck::CKO_TRUST, &[STORAGE, PUBLIC_BY_DEFAULT, TRUST]),
    schema(ck::CKO_OTP_KEY, ck::CKK_HOTP, &[STORAGE, PRIVATE_BY_DEFAULT, KEY, SECRET, HIDDEN, VALUE_LEN, OTP]),
    schema(ck::CKO_PUBLIC_KEY, DH, &[STORAGE, PUBLIC_BY_DEFAULT, KEY, PUBLIC, DH_PUBLIC]),
    schema(ck::CKO_PUBLIC_KEY, X9_42, &[STORAGE, PUBLIC_BY_DEFAULT, KEY, PUBLIC, DH_PUBLIC, ORDER_PUBLIC]),
    schema(ck::CKO_PUBLIC_KEY, DSA, &[STORAGE, PUBLIC_BY_DEFAULT, KEY, PUBLIC, DH_PUBLIC, ORDER_PUBLIC]),
    schema(ck::CKO_PRIVATE_KEY, DH, &[STORAGE, PRIVATE_BY_DEFAULT, KEY, PRIVATE, HIDDEN, DH_PRIVATE, VALUE_BITS]),
    schema(ck::CKO_PRIVATE_KEY, X9_42, &[STORAGE, PRIVATE_BY_DEFAULT, KEY, PRIVATE, HIDDEN, DH_PRIVATE, ORDER_PRIVATE]),
    schema(ck::CKO_PRIVATE_KEY, DSA, &[STORAGE, PRIVATE_BY_DEFAULT, KEY, PRIVATE, HIDDEN, DH_PRIVATE, ORDER_PRIVATE]),
    schema(ck::CKO_DOMAIN_PARAMETERS, DH, &[STORAGE, PUBLIC_BY_DEFAULT, DH_PARAMETERS]),
    schema(ck::CKO_DOMAIN_PARAMETERS, X9_42, &[STORAGE, PUBLIC_BY_DEFAULT, DH_PARAMETERS, ORDER_PARAMETERS]),
    schema(ck::CKO_DOMAIN_PARAMETERS, DSA, &[STORAGE, PUBLIC_BY_DEFAULT, DH_PARAMETERS, ORDER_PARAMETERS]),
];

/// Classes and types of the schemas, close together to be looked through.
static KINDS: [(u64, Option<u64>); SCHEMAS.len()] = {
    let mut kinds = [(0, None); SCHEMAS.len()];
    let mut at = 0;
    while at < kinds.len() {
        kinds[at] = (SCHEMAS[at].class, SCHEMAS[at].subtype);
        at += 1;
    }
    kinds
};

/// The schema of a class and type; `None` when no such object can be kept here.
pub fn find(class: u64, subtype: Option<u64>) -> Option<&'static Schema> {
    KINDS.iter().position(|kind| *kind == (class, subtype)).map(|at| &SCHEMAS[at])
}

/// The attribute that holds the type within a class, for classes that have types.
pub fn subtype_attribute(class: u64) -> Option<Type> {
    match class {
        ck::CKO_CERTIFICATE => Some(ck::CKA_CERTIFICATE_TYPE),
        ck::CKO_PUBLIC_KEY | ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY | ck::CKO_OTP_KEY | ck::CKO_DOMAIN_PARAMETERS => {
            Some(ck::CKA_KEY_TYPE)
        }
        _ => None,
    }
}

/// Every schema, for tests and listings.
pub fn all() -> &'static [Schema] {
    SCHEMAS
}
