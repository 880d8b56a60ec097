//! Every kind of object and every attribute it has, as PKCS#11 3.2 chapters 4 and 6 have them, with this token's defaults
//! where the standard leaves them to it. Written from the standard, to be compared with what the module does.

use kit::ck;

/// What an object says of an attribute that its template did not give.
#[derive(Clone, Copy, Debug)]
pub enum Silent {
    /// It has no such attribute.
    Absent,
    /// Something that the token computes.
    Computed,
    /// CK_FALSE.
    False,
    /// CK_TRUE.
    True,
    /// CK_TRUE for keys of these types, else CK_FALSE.
    TrueFor(&'static [u64]),
    /// Nothing, of no length.
    Empty,
    /// A number.
    Number(u64),
}

/// Who changes it later.
#[derive(Clone, Copy, Debug)]
pub enum Later {
    /// C_SetAttributeValue and C_CopyObject.
    Anyone,
    /// C_CopyObject.
    OnCopy,
    /// C_CopyObject, from false to true.
    CopyUp,
    /// Both, from false to true.
    Up,
    /// Both, from true to false.
    Down,
    /// Both, to nothing.
    ToEmpty,
    /// The SO.
    So,
    /// Nobody.
    Nobody,
}

/// What a template of C_CreateObject has to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// It must be there.
    Must,
    /// It may be there.
    May,
    /// It may be there if it says what the token computes.
    Same,
    /// It must not be there.
    Never,
}

/// One attribute.
#[derive(Clone, Copy, Debug)]
pub struct Row(pub ck::CK_ATTRIBUTE_TYPE, pub Given, pub Silent, pub Later);

use Given::{May, Must, Never, Same};
use Later::{Anyone, CopyUp, Down, Nobody, OnCopy, So, ToEmpty, Up};
use Silent::{Absent, Computed, Empty, False, Number, True, TrueFor};

/// A kind of object: class, type within the class, and its attributes.
pub struct Kind {
    pub class: u64,
    pub subtype: Option<u64>,
    sections: &'static [&'static [Row]],
}

impl Kind {
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        self.sections.iter().flat_map(|rows| rows.iter().copied())
    }

    pub fn row(&self, of: ck::CK_ATTRIBUTE_TYPE) -> Option<Row> {
        self.rows().find(|row| row.0 == of)
    }
}

const OBJECT: &[Row] = &[
    Row(ck::CKA_CLASS, Must, Computed, Nobody),
    Row(ck::CKA_UNIQUE_ID, Never, Computed, Nobody),
    Row(ck::CKA_TOKEN, May, False, OnCopy),
    Row(ck::CKA_MODIFIABLE, May, True, OnCopy),
    Row(ck::CKA_DESTROYABLE, May, True, OnCopy),
    Row(ck::CKA_COPYABLE, May, True, Down),
    Row(ck::CKA_LABEL, May, Empty, Anyone),
];
const OPEN: &[Row] = &[Row(ck::CKA_PRIVATE, May, False, CopyUp)];
const CLOSED: &[Row] = &[Row(ck::CKA_PRIVATE, May, True, CopyUp)];
const ANY_KEY: &[Row] = &[
    Row(ck::CKA_KEY_TYPE, Must, Computed, Nobody),
    Row(ck::CKA_ID, May, Empty, Anyone),
    Row(ck::CKA_START_DATE, May, Empty, Anyone),
    Row(ck::CKA_END_DATE, May, Empty, Anyone),
    Row(ck::CKA_LOCAL, Never, False, Nobody),
    Row(ck::CKA_KEY_GEN_MECHANISM, Never, Number(ck::CK_UNAVAILABLE_INFORMATION), Nobody),
    Row(ck::CKA_ALLOWED_MECHANISMS, May, Absent, Nobody),
    Row(ck::CKA_OBJECT_VALIDATION_FLAGS, Never, Number(0), Nobody),
];

const SIGNING: &[u64] = &[ck::CKK_RSA, ck::CKK_EC, ck::CKK_EC_EDWARDS, ck::CKK_DSA, ck::CKK_ML_DSA, ck::CKK_SLH_DSA];
const ENCAPSULATING: &[u64] =
    &[ck::CKK_RSA, ck::CKK_EC, ck::CKK_EC_MONTGOMERY, ck::CKK_DH, ck::CKK_X9_42_DH, ck::CKK_ML_KEM];
const WRAPPING: &[u64] = &[ck::CKK_RSA, ck::CKK_EC, ck::CKK_EC_MONTGOMERY];
const AGREEING: &[u64] = &[ck::CKK_EC, ck::CKK_EC_MONTGOMERY, ck::CKK_DH, ck::CKK_X9_42_DH];

const ANY_PUBLIC_KEY: &[Row] = &[
    Row(ck::CKA_SUBJECT, May, Empty, Anyone),
    Row(ck::CKA_ENCRYPT, May, TrueFor(&[ck::CKK_RSA]), Anyone),
    Row(ck::CKA_VERIFY, May, TrueFor(SIGNING), Anyone),
    Row(ck::CKA_VERIFY_RECOVER, May, TrueFor(&[ck::CKK_RSA]), Anyone),
    Row(ck::CKA_ENCAPSULATE, May, TrueFor(ENCAPSULATING), Anyone),
    Row(ck::CKA_WRAP, May, TrueFor(WRAPPING), Anyone),
    Row(ck::CKA_DERIVE, May, False, Anyone),
    Row(ck::CKA_TRUSTED, May, False, So),
    Row(ck::CKA_WRAP_TEMPLATE, May, Absent, Nobody),
    Row(ck::CKA_ENCAPSULATE_TEMPLATE, May, Absent, Nobody),
    Row(ck::CKA_PUBLIC_KEY_INFO, Same, Computed, Nobody),
    Row(ck::CKA_PUBLIC_CRC64_VALUE, Same, Computed, Nobody),
];
const ANY_PRIVATE_KEY: &[Row] = &[
    Row(ck::CKA_SUBJECT, May, Empty, Anyone),
    Row(ck::CKA_DECRYPT, May, TrueFor(&[ck::CKK_RSA]), Anyone),
    Row(ck::CKA_SIGN, May, TrueFor(SIGNING), Anyone),
    Row(ck::CKA_SIGN_RECOVER, May, TrueFor(&[ck::CKK_RSA]), Anyone),
    Row(ck::CKA_DECAPSULATE, May, TrueFor(ENCAPSULATING), Anyone),
    Row(ck::CKA_UNWRAP, May, TrueFor(WRAPPING), Anyone),
    Row(ck::CKA_DERIVE, May, TrueFor(AGREEING), Anyone),
    Row(ck::CKA_SENSITIVE, May, True, Up),
    Row(ck::CKA_ALWAYS_AUTHENTICATE, May, False, Nobody),
    Row(ck::CKA_PUBLIC_KEY_INFO, Same, Computed, Nobody),
    Row(ck::CKA_PUBLIC_CRC64_VALUE, Same, Computed, Nobody),
];
const ANY_SECRET_KEY: &[Row] = &[
    Row(ck::CKA_ENCRYPT, May, TrueFor(CIPHERS), Anyone),
    Row(ck::CKA_DECRYPT, May, TrueFor(CIPHERS), Anyone),
    Row(ck::CKA_SIGN, May, TrueFor(MACS), Anyone),
    Row(ck::CKA_VERIFY, May, TrueFor(MACS), Anyone),
    Row(ck::CKA_WRAP, May, TrueFor(CIPHERS), Anyone),
    Row(ck::CKA_UNWRAP, May, TrueFor(CIPHERS), Anyone),
    Row(ck::CKA_DERIVE, May, False, Anyone),
    Row(ck::CKA_SENSITIVE, May, False, Up),
    Row(ck::CKA_TRUSTED, May, False, So),
    Row(ck::CKA_WRAP_TEMPLATE, May, Absent, Nobody),
    Row(ck::CKA_CHECK_VALUE, May, Computed, ToEmpty),
    Row(ck::CKA_VALUE, Must, Computed, Nobody),
];
const LENGTH: &[Row] = &[Row(ck::CKA_VALUE_LEN, Same, Computed, Nobody)];
/// Private and secret keys alike.
const GUARDED_KEY: &[Row] = &[
    Row(ck::CKA_EXTRACTABLE, May, False, Down),
    Row(ck::CKA_ALWAYS_SENSITIVE, Never, False, Nobody),
    Row(ck::CKA_NEVER_EXTRACTABLE, Never, False, Nobody),
    Row(ck::CKA_WRAP_WITH_TRUSTED, May, False, Up),
    Row(ck::CKA_UNWRAP_TEMPLATE, May, Absent, Nobody),
    Row(ck::CKA_DERIVE_TEMPLATE, May, Absent, Nobody),
    Row(ck::CKA_DECAPSULATE_TEMPLATE, May, Absent, Nobody),
];

const RSA_PUBLIC: &[Row] = &[
    Row(ck::CKA_MODULUS, Must, Computed, Nobody),
    Row(ck::CKA_MODULUS_BITS, Same, Computed, Nobody),
    Row(ck::CKA_PUBLIC_EXPONENT, Must, Computed, Nobody),
];
const RSA_PRIVATE: &[Row] = &[
    Row(ck::CKA_MODULUS, Must, Computed, Nobody),
    Row(ck::CKA_PUBLIC_EXPONENT, May, Computed, Nobody),
    Row(ck::CKA_PRIVATE_EXPONENT, Must, Computed, Nobody),
    Row(ck::CKA_PRIME_1, May, Computed, Nobody),
    Row(ck::CKA_PRIME_2, May, Computed, Nobody),
    Row(ck::CKA_EXPONENT_1, May, Computed, Nobody),
    Row(ck::CKA_EXPONENT_2, May, Computed, Nobody),
    Row(ck::CKA_COEFFICIENT, May, Computed, Nobody),
];
const CURVE_PUBLIC: &[Row] =
    &[Row(ck::CKA_EC_PARAMS, Must, Computed, Nobody), Row(ck::CKA_EC_POINT, Must, Computed, Nobody)];
const CURVE_PRIVATE: &[Row] = &[
    Row(ck::CKA_EC_PARAMS, Must, Computed, Nobody),
    Row(ck::CKA_EC_POINT, May, Computed, Nobody),
    Row(ck::CKA_VALUE, Must, Computed, Nobody),
];
const PQ_PUBLIC: &[Row] =
    &[Row(ck::CKA_PARAMETER_SET, Must, Computed, Nobody), Row(ck::CKA_VALUE, Must, Computed, Nobody)];
const SEEDED_PRIVATE: &[Row] = &[
    Row(ck::CKA_PARAMETER_SET, Must, Computed, Nobody),
    Row(ck::CKA_SEED, May, Computed, Nobody),
    Row(ck::CKA_VALUE, May, Computed, Nobody),
];
const SLH_DSA_PRIVATE: &[Row] =
    &[Row(ck::CKA_PARAMETER_SET, Must, Computed, Nobody), Row(ck::CKA_VALUE, Must, Computed, Nobody)];
const FIELD_KEY: &[Row] = &[
    Row(ck::CKA_PRIME, Must, Computed, Nobody),
    Row(ck::CKA_BASE, Must, Computed, Nobody),
    Row(ck::CKA_VALUE, Must, Computed, Nobody),
];
const ORDER: &[Row] = &[Row(ck::CKA_SUBPRIME, Must, Computed, Nobody)];
const DH_PRIVATE: &[Row] = &[Row(ck::CKA_VALUE_BITS, Never, Computed, Nobody)];
const DOMAIN: &[Row] = &[
    Row(ck::CKA_KEY_TYPE, Must, Computed, Nobody),
    Row(ck::CKA_LOCAL, Never, False, Nobody),
    Row(ck::CKA_PRIME, Must, Computed, Nobody),
    Row(ck::CKA_BASE, Must, Computed, Nobody),
    Row(ck::CKA_PRIME_BITS, Never, Computed, Nobody),
];
const DOMAIN_ORDER: &[Row] =
    &[Row(ck::CKA_SUBPRIME, Must, Computed, Nobody), Row(ck::CKA_SUBPRIME_BITS, Never, Computed, Nobody)];
const OTP: &[Row] = &[
    Row(ck::CKA_OTP_FORMAT, May, Number(ck::CK_OTP_FORMAT_DECIMAL), Nobody),
    Row(ck::CKA_OTP_LENGTH, May, Number(6), Nobody),
    Row(ck::CKA_OTP_USER_FRIENDLY_MODE, May, True, Nobody),
    Row(ck::CKA_OTP_CHALLENGE_REQUIREMENT, May, Number(ck::CK_OTP_PARAM_IGNORED), Nobody),
    Row(ck::CKA_OTP_TIME_REQUIREMENT, May, Number(ck::CK_OTP_PARAM_IGNORED), Nobody),
    Row(ck::CKA_OTP_COUNTER_REQUIREMENT, May, Number(ck::CK_OTP_PARAM_OPTIONAL), Nobody),
    Row(ck::CKA_OTP_PIN_REQUIREMENT, May, Number(ck::CK_OTP_PARAM_IGNORED), Nobody),
    Row(ck::CKA_OTP_COUNTER, May, Computed, Nobody),
    Row(ck::CKA_OTP_TIME, May, Empty, Anyone),
    Row(ck::CKA_OTP_TIME_INTERVAL, May, Number(60), Anyone),
    Row(ck::CKA_OTP_USER_IDENTIFIER, May, Empty, Anyone),
    Row(ck::CKA_OTP_SERVICE_IDENTIFIER, May, Empty, Anyone),
    Row(ck::CKA_OTP_SERVICE_LOGO, May, Empty, Anyone),
    Row(ck::CKA_OTP_SERVICE_LOGO_TYPE, May, Empty, Anyone),
];

const DATA: &[Row] = &[
    Row(ck::CKA_APPLICATION, May, Empty, Anyone),
    Row(ck::CKA_OBJECT_ID, May, Empty, Anyone),
    Row(ck::CKA_VALUE, May, Empty, Anyone),
];
const ANY_CERTIFICATE: &[Row] = &[
    Row(ck::CKA_CERTIFICATE_TYPE, Must, Computed, Nobody),
    Row(ck::CKA_CERTIFICATE_CATEGORY, May, Number(ck::CK_CERTIFICATE_CATEGORY_UNSPECIFIED), Nobody),
    Row(ck::CKA_TRUSTED, May, False, So),
    Row(ck::CKA_CHECK_VALUE, May, Computed, ToEmpty),
    Row(ck::CKA_START_DATE, May, Empty, Anyone),
    Row(ck::CKA_END_DATE, May, Empty, Anyone),
];
/// Computed from a certificate that can be read, else what the template says.
const READ: &[Row] = &[Row(ck::CKA_PUBLIC_KEY_INFO, Same, Computed, Nobody)];
const TOLD: &[Row] = &[Row(ck::CKA_PUBLIC_KEY_INFO, May, Absent, Nobody)];
const BY_URL: &[Row] = &[
    Row(ck::CKA_SUBJECT, Must, Computed, Nobody),
    Row(ck::CKA_VALUE, May, Empty, Nobody),
    Row(ck::CKA_URL, May, Empty, Nobody),
    Row(ck::CKA_HASH_OF_SUBJECT_PUBLIC_KEY, May, Empty, Nobody),
    Row(ck::CKA_HASH_OF_ISSUER_PUBLIC_KEY, May, Empty, Nobody),
    Row(ck::CKA_NAME_HASH_ALGORITHM, May, Absent, Nobody),
    Row(ck::CKA_ISSUER, May, Empty, Anyone),
];
const X_509: &[Row] = &[
    Row(ck::CKA_JAVA_MIDP_SECURITY_DOMAIN, May, Number(ck::CK_SECURITY_DOMAIN_UNSPECIFIED), Nobody),
    Row(ck::CKA_ID, May, Empty, Anyone),
    Row(ck::CKA_SERIAL_NUMBER, May, Empty, Anyone),
];
const ATTRIBUTE_CERTIFICATE: &[Row] = &[
    Row(ck::CKA_OWNER, Must, Computed, Nobody),
    Row(ck::CKA_VALUE, Must, Computed, Nobody),
    Row(ck::CKA_AC_ISSUER, May, Empty, Anyone),
    Row(ck::CKA_SERIAL_NUMBER, May, Empty, Anyone),
    Row(ck::CKA_ATTR_TYPES, May, Empty, Anyone),
];
const UNKNOWN: Silent = Number(ck::CKT_TRUST_UNKNOWN as u64);
const TRUST: &[Row] = &[
    Row(ck::CKA_ISSUER, Must, Computed, Anyone),
    Row(ck::CKA_SERIAL_NUMBER, Must, Computed, Anyone),
    Row(ck::CKA_HASH_OF_CERTIFICATE, May, Empty, Anyone),
    Row(ck::CKA_NAME_HASH_ALGORITHM, May, Number(ck::CKM_SHA_1), Anyone),
    Row(ck::CKA_TRUST_SERVER_AUTH, May, UNKNOWN, Anyone),
    Row(ck::CKA_TRUST_CLIENT_AUTH, May, UNKNOWN, Anyone),
    Row(ck::CKA_TRUST_CODE_SIGNING, May, UNKNOWN, Anyone),
    Row(ck::CKA_TRUST_EMAIL_PROTECTION, May, UNKNOWN, Anyone),
    Row(ck::CKA_TRUST_IPSEC_IKE, May, UNKNOWN, Anyone),
    Row(ck::CKA_TRUST_TIME_STAMPING, May, UNKNOWN, Anyone),
    Row(ck::CKA_TRUST_OCSP_SIGNING, May, UNKNOWN, Anyone),
];

/// Secret keys that encrypt, and that make MACs; those of other types do neither unless they are told.
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
    ck::CKK_HOTP,
    ck::CKK_MD5_HMAC,
    ck::CKK_SHA_1_HMAC,
    ck::CKK_RIPEMD160_HMAC,
    ck::CKK_SHA224_HMAC,
    ck::CKK_SHA256_HMAC,
    ck::CKK_SHA384_HMAC,
    ck::CKK_SHA512_HMAC,
    ck::CKK_SHA512_224_HMAC,
    ck::CKK_SHA512_256_HMAC,
    ck::CKK_SHA512_T_HMAC,
    ck::CKK_SHA3_224_HMAC,
    ck::CKK_SHA3_256_HMAC,
    ck::CKK_SHA3_384_HMAC,
    ck::CKK_SHA3_512_HMAC,
    ck::CKK_BLAKE2B_160_HMAC,
    ck::CKK_BLAKE2B_256_HMAC,
    ck::CKK_BLAKE2B_384_HMAC,
    ck::CKK_BLAKE2B_512_HMAC,
];

const fn kind(class: u64, subtype: u64, sections: &'static [&'static [Row]]) -> Kind {
    Kind { class, subtype: Some(subtype), sections }
}

const fn public(key_type: u64, sections: &'static [&'static [Row]]) -> Kind {
    kind(ck::CKO_PUBLIC_KEY, key_type, sections)
}

const fn private(key_type: u64, sections: &'static [&'static [Row]]) -> Kind {
    kind(ck::CKO_PRIVATE_KEY, key_type, sections)
}

const fn secret(key_type: u64) -> Kind {
    kind(ck::CKO_SECRET_KEY, key_type, &[OBJECT, CLOSED, ANY_KEY, ANY_SECRET_KEY, GUARDED_KEY, LENGTH])
}

/// Of one length only.
const fn des(key_type: u64) -> Kind {
    kind(ck::CKO_SECRET_KEY, key_type, &[OBJECT, CLOSED, ANY_KEY, ANY_SECRET_KEY, GUARDED_KEY])
}

pub const KINDS: &[Kind] = &[
    Kind { class: ck::CKO_DATA, subtype: None, sections: &[OBJECT, CLOSED, DATA] },
    kind(ck::CKO_CERTIFICATE, ck::CKC_X_509, &[OBJECT, OPEN, ANY_CERTIFICATE, READ, BY_URL, X_509]),
    kind(ck::CKO_CERTIFICATE, ck::CKC_WTLS, &[OBJECT, OPEN, ANY_CERTIFICATE, TOLD, BY_URL]),
    kind(ck::CKO_CERTIFICATE, ck::CKC_X_509_ATTR_CERT, &[OBJECT, OPEN, ANY_CERTIFICATE, TOLD, ATTRIBUTE_CERTIFICATE]),
    Kind { class: ck::CKO_TRUST, subtype: None, sections: &[OBJECT, OPEN, TRUST] },
    public(ck::CKK_RSA, &[OBJECT, OPEN, ANY_KEY, ANY_PUBLIC_KEY, RSA_PUBLIC]),
    public(ck::CKK_EC, &[OBJECT, OPEN, ANY_KEY, ANY_PUBLIC_KEY, CURVE_PUBLIC]),
    public(ck::CKK_EC_EDWARDS, &[OBJECT, OPEN, ANY_KEY, ANY_PUBLIC_KEY, CURVE_PUBLIC]),
    public(ck::CKK_EC_MONTGOMERY, &[OBJECT, OPEN, ANY_KEY, ANY_PUBLIC_KEY, CURVE_PUBLIC]),
    public(ck::CKK_ML_KEM, &[OBJECT, OPEN, ANY_KEY, ANY_PUBLIC_KEY, PQ_PUBLIC]),
    public(ck::CKK_ML_DSA, &[OBJECT, OPEN, ANY_KEY, ANY_PUBLIC_KEY, PQ_PUBLIC]),
    public(ck::CKK_SLH_DSA, &[OBJECT, OPEN, ANY_KEY, ANY_PUBLIC_KEY, PQ_PUBLIC]),
    public(ck::CKK_DH, &[OBJECT, OPEN, ANY_KEY, ANY_PUBLIC_KEY, FIELD_KEY]),
    public(ck::CKK_X9_42_DH, &[OBJECT, OPEN, ANY_KEY, ANY_PUBLIC_KEY, FIELD_KEY, ORDER]),
    public(ck::CKK_DSA, &[OBJECT, OPEN, ANY_KEY, ANY_PUBLIC_KEY, FIELD_KEY, ORDER]),
    private(ck::CKK_RSA, &[OBJECT, CLOSED, ANY_KEY, ANY_PRIVATE_KEY, GUARDED_KEY, RSA_PRIVATE]),
    private(ck::CKK_EC, &[OBJECT, CLOSED, ANY_KEY, ANY_PRIVATE_KEY, GUARDED_KEY, CURVE_PRIVATE]),
    private(ck::CKK_EC_EDWARDS, &[OBJECT, CLOSED, ANY_KEY, ANY_PRIVATE_KEY, GUARDED_KEY, CURVE_PRIVATE]),
    private(ck::CKK_EC_MONTGOMERY, &[OBJECT, CLOSED, ANY_KEY, ANY_PRIVATE_KEY, GUARDED_KEY, CURVE_PRIVATE]),
    private(ck::CKK_ML_KEM, &[OBJECT, CLOSED, ANY_KEY, ANY_PRIVATE_KEY, GUARDED_KEY, SEEDED_PRIVATE]),
    private(ck::CKK_ML_DSA, &[OBJECT, CLOSED, ANY_KEY, ANY_PRIVATE_KEY, GUARDED_KEY, SEEDED_PRIVATE]),
    private(ck::CKK_SLH_DSA, &[OBJECT, CLOSED, ANY_KEY, ANY_PRIVATE_KEY, GUARDED_KEY, SLH_DSA_PRIVATE]),
    private(ck::CKK_DH, &[OBJECT, CLOSED, ANY_KEY, ANY_PRIVATE_KEY, GUARDED_KEY, FIELD_KEY, DH_PRIVATE]),
    private(ck::CKK_X9_42_DH, &[OBJECT, CLOSED, ANY_KEY, ANY_PRIVATE_KEY, GUARDED_KEY, FIELD_KEY, ORDER]),
    private(ck::CKK_DSA, &[OBJECT, CLOSED, ANY_KEY, ANY_PRIVATE_KEY, GUARDED_KEY, FIELD_KEY, ORDER]),
    kind(ck::CKO_DOMAIN_PARAMETERS, ck::CKK_DH, &[OBJECT, OPEN, DOMAIN]),
    kind(ck::CKO_DOMAIN_PARAMETERS, ck::CKK_X9_42_DH, &[OBJECT, OPEN, DOMAIN, DOMAIN_ORDER]),
    kind(ck::CKO_DOMAIN_PARAMETERS, ck::CKK_DSA, &[OBJECT, OPEN, DOMAIN, DOMAIN_ORDER]),
    kind(ck::CKO_OTP_KEY, ck::CKK_HOTP, &[OBJECT, CLOSED, ANY_KEY, ANY_SECRET_KEY, GUARDED_KEY, LENGTH, OTP]),
    des(ck::CKK_DES),
    des(ck::CKK_DES2),
    des(ck::CKK_DES3),
    secret(ck::CKK_GENERIC_SECRET),
    secret(ck::CKK_HKDF),
    secret(ck::CKK_AES),
    secret(ck::CKK_AES_XTS),
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
    secret(ck::CKK_MD5_HMAC),
    secret(ck::CKK_SHA_1_HMAC),
    secret(ck::CKK_RIPEMD160_HMAC),
    secret(ck::CKK_SHA224_HMAC),
    secret(ck::CKK_SHA256_HMAC),
    secret(ck::CKK_SHA384_HMAC),
    secret(ck::CKK_SHA512_HMAC),
    secret(ck::CKK_SHA512_224_HMAC),
    secret(ck::CKK_SHA512_256_HMAC),
    secret(ck::CKK_SHA512_T_HMAC),
    secret(ck::CKK_SHA3_224_HMAC),
    secret(ck::CKK_SHA3_256_HMAC),
    secret(ck::CKK_SHA3_384_HMAC),
    secret(ck::CKK_SHA3_512_HMAC),
    secret(ck::CKK_BLAKE2B_160_HMAC),
    secret(ck::CKK_BLAKE2B_256_HMAC),
    secret(ck::CKK_BLAKE2B_384_HMAC),
    secret(ck::CKK_BLAKE2B_512_HMAC),
];
