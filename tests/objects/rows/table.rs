//! Every kind of object and every attribute it has, as PKCS#11 3.2 chapters 4 and 6 have them, with this token's
//! defaults where the standard leaves them to it. Written from the standard, to be compared with what the module does.

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

/// What the template of a function has to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// It must be there.
    Must,
    /// It may be there.
    May,
    /// It may be there if it says what it will be in any case.
    Same,
    /// It must not be there.
    Never,
}

/// How an object comes to be: the columns of [`Row`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// C_CreateObject.
    Created,
    /// C_GenerateKey, C_GenerateKeyPair.
    Generated,
    /// C_UnwrapKey, C_UnwrapKeyAuthenticated.
    Unwrapped,
    /// C_DeriveKey, C_EncapsulateKey, C_DecapsulateKey.
    Derived,
}

/// One attribute: what templates have to do with it in each [`Way`], what it says where they are silent, and who
/// changes it later.
#[derive(Clone, Copy, Debug)]
pub struct Row(pub ck::CK_ATTRIBUTE_TYPE, pub [Given; 4], pub Silent, pub Later);

impl Row {
    pub fn given(&self, way: Way) -> Given {
        self.1[way as usize]
    }
}

/// However the object comes to be.
const MAY: [Given; 4] = [May; 4];
const SAME: [Given; 4] = [Same; 4];
const NEVER: [Given; 4] = [Never; 4];
/// C_CreateObject is told what the object consists of, all others make it.
const TOLD: [Given; 4] = [Must, Never, Never, Never];
const TOLD_OR_NOT: [Given; 4] = [May, Never, Never, Never];
/// Keys of one-time passwords come to be in two ways only.
const NEW: [Given; 4] = [May, May, Never, Never];

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
    Row(ck::CKA_CLASS, [Must, Same, Must, Same], Computed, Nobody),
    Row(ck::CKA_UNIQUE_ID, NEVER, Computed, Nobody),
    Row(ck::CKA_TOKEN, MAY, False, OnCopy),
    Row(ck::CKA_MODIFIABLE, MAY, True, OnCopy),
    Row(ck::CKA_DESTROYABLE, MAY, True, OnCopy),
    Row(ck::CKA_COPYABLE, MAY, True, Down),
    Row(ck::CKA_LABEL, MAY, Empty, Anyone),
];
const OPEN: &[Row] = &[Row(ck::CKA_PRIVATE, MAY, False, CopyUp)];
const CLOSED: &[Row] = &[Row(ck::CKA_PRIVATE, MAY, True, CopyUp)];
const ANY_KEY: &[Row] = &[
    Row(ck::CKA_KEY_TYPE, [Must, Same, Must, May], Computed, Nobody),
    Row(ck::CKA_ID, MAY, Empty, Anyone),
    Row(ck::CKA_START_DATE, MAY, Empty, Anyone),
    Row(ck::CKA_END_DATE, MAY, Empty, Anyone),
    Row(ck::CKA_LOCAL, NEVER, False, Nobody),
    Row(ck::CKA_KEY_GEN_MECHANISM, NEVER, Number(ck::CK_UNAVAILABLE_INFORMATION), Nobody),
    Row(ck::CKA_ALLOWED_MECHANISMS, MAY, Absent, Nobody),
    Row(ck::CKA_OBJECT_VALIDATION_FLAGS, NEVER, Number(0), Nobody),
];

const SIGNING: &[u64] = &[ck::CKK_RSA, ck::CKK_EC, ck::CKK_EC_EDWARDS, ck::CKK_DSA, ck::CKK_ML_DSA, ck::CKK_SLH_DSA];
const ENCAPSULATING: &[u64] =
    &[ck::CKK_RSA, ck::CKK_EC, ck::CKK_EC_MONTGOMERY, ck::CKK_DH, ck::CKK_X9_42_DH, ck::CKK_ML_KEM];
const WRAPPING: &[u64] = &[ck::CKK_RSA, ck::CKK_EC, ck::CKK_EC_MONTGOMERY];
const AGREEING: &[u64] = &[ck::CKK_EC, ck::CKK_EC_MONTGOMERY, ck::CKK_DH, ck::CKK_X9_42_DH];

const ANY_PUBLIC_KEY: &[Row] = &[
    Row(ck::CKA_SUBJECT, MAY, Empty, Anyone),
    Row(ck::CKA_ENCRYPT, MAY, TrueFor(&[ck::CKK_RSA]), Anyone),
    Row(ck::CKA_VERIFY, MAY, TrueFor(SIGNING), Anyone),
    Row(ck::CKA_VERIFY_RECOVER, MAY, TrueFor(&[ck::CKK_RSA]), Anyone),
    Row(ck::CKA_ENCAPSULATE, MAY, TrueFor(ENCAPSULATING), Anyone),
    Row(ck::CKA_WRAP, MAY, TrueFor(WRAPPING), Anyone),
    Row(ck::CKA_DERIVE, MAY, False, Anyone),
    Row(ck::CKA_TRUSTED, MAY, False, So),
    Row(ck::CKA_WRAP_TEMPLATE, MAY, Absent, Nobody),
    Row(ck::CKA_ENCAPSULATE_TEMPLATE, MAY, Absent, Nobody),
    Row(ck::CKA_PUBLIC_KEY_INFO, SAME, Computed, Nobody),
    Row(ck::CKA_PUBLIC_CRC64_VALUE, SAME, Computed, Nobody),
];
const ANY_PRIVATE_KEY: &[Row] = &[
    Row(ck::CKA_SUBJECT, MAY, Empty, Anyone),
    Row(ck::CKA_DECRYPT, MAY, TrueFor(&[ck::CKK_RSA]), Anyone),
    Row(ck::CKA_SIGN, MAY, TrueFor(SIGNING), Anyone),
    Row(ck::CKA_SIGN_RECOVER, MAY, TrueFor(&[ck::CKK_RSA]), Anyone),
    Row(ck::CKA_DECAPSULATE, MAY, TrueFor(ENCAPSULATING), Anyone),
    Row(ck::CKA_UNWRAP, MAY, TrueFor(WRAPPING), Anyone),
    Row(ck::CKA_DERIVE, MAY, TrueFor(AGREEING), Anyone),
    Row(ck::CKA_SENSITIVE, MAY, True, Up),
    Row(ck::CKA_ALWAYS_AUTHENTICATE, MAY, False, Nobody),
    Row(ck::CKA_PUBLIC_KEY_INFO, SAME, Computed, Nobody),
    Row(ck::CKA_PUBLIC_CRC64_VALUE, SAME, Computed, Nobody),
];
const ANY_SECRET_KEY: &[Row] = &[
    Row(ck::CKA_ENCRYPT, MAY, TrueFor(CIPHERS), Anyone),
    Row(ck::CKA_DECRYPT, MAY, TrueFor(CIPHERS), Anyone),
    Row(ck::CKA_SIGN, MAY, TrueFor(MACS), Anyone),
    Row(ck::CKA_VERIFY, MAY, TrueFor(MACS), Anyone),
    Row(ck::CKA_WRAP, MAY, TrueFor(CIPHERS), Anyone),
    Row(ck::CKA_UNWRAP, MAY, TrueFor(CIPHERS), Anyone),
    Row(ck::CKA_DERIVE, MAY, False, Anyone),
    Row(ck::CKA_SENSITIVE, MAY, False, Up),
    Row(ck::CKA_TRUSTED, MAY, False, So),
    Row(ck::CKA_WRAP_TEMPLATE, MAY, Absent, Nobody),
    Row(ck::CKA_CHECK_VALUE, SAME, Computed, ToEmpty),
    Row(ck::CKA_VALUE, TOLD, Computed, Nobody),
];
const LENGTH: &[Row] = &[Row(ck::CKA_VALUE_LEN, [Same, May, Same, May], Computed, Nobody)];
/// Private and secret keys alike.
const GUARDED_KEY: &[Row] = &[
    Row(ck::CKA_EXTRACTABLE, MAY, False, Down),
    Row(ck::CKA_ALWAYS_SENSITIVE, NEVER, False, Nobody),
    Row(ck::CKA_NEVER_EXTRACTABLE, NEVER, False, Nobody),
    Row(ck::CKA_WRAP_WITH_TRUSTED, MAY, False, Up),
    Row(ck::CKA_UNWRAP_TEMPLATE, MAY, Absent, Nobody),
    Row(ck::CKA_DERIVE_TEMPLATE, MAY, Absent, Nobody),
    Row(ck::CKA_DECAPSULATE_TEMPLATE, MAY, Absent, Nobody),
];

const RSA_PUBLIC: &[Row] = &[
    Row(ck::CKA_MODULUS, TOLD, Computed, Nobody),
    Row(ck::CKA_MODULUS_BITS, [Same, Must, Never, Never], Computed, Nobody),
    Row(ck::CKA_PUBLIC_EXPONENT, [Must, May, Never, Never], Computed, Nobody),
];
const RSA_PRIVATE: &[Row] = &[
    Row(ck::CKA_MODULUS, TOLD, Computed, Nobody),
    Row(ck::CKA_PUBLIC_EXPONENT, [May, Same, Never, Never], Computed, Nobody),
    Row(ck::CKA_PRIVATE_EXPONENT, TOLD, Computed, Nobody),
    Row(ck::CKA_PRIME_1, TOLD_OR_NOT, Computed, Nobody),
    Row(ck::CKA_PRIME_2, TOLD_OR_NOT, Computed, Nobody),
    Row(ck::CKA_EXPONENT_1, TOLD_OR_NOT, Computed, Nobody),
    Row(ck::CKA_EXPONENT_2, TOLD_OR_NOT, Computed, Nobody),
    Row(ck::CKA_COEFFICIENT, TOLD_OR_NOT, Computed, Nobody),
];
const CURVE_PUBLIC: &[Row] = &[
    Row(ck::CKA_EC_PARAMS, [Must, Must, Never, Never], Computed, Nobody),
    Row(ck::CKA_EC_POINT, TOLD, Computed, Nobody),
];
const CURVE_PRIVATE: &[Row] = &[
    Row(ck::CKA_EC_PARAMS, [Must, Same, Never, Never], Computed, Nobody),
    Row(ck::CKA_EC_POINT, TOLD_OR_NOT, Computed, Nobody),
    Row(ck::CKA_VALUE, TOLD, Computed, Nobody),
];
const PQ_PUBLIC: &[Row] = &[
    Row(ck::CKA_PARAMETER_SET, [Must, Must, Never, Never], Computed, Nobody),
    Row(ck::CKA_VALUE, TOLD, Computed, Nobody),
];
const SEEDED_PRIVATE: &[Row] = &[
    Row(ck::CKA_PARAMETER_SET, [Must, Same, Never, Never], Computed, Nobody),
    Row(ck::CKA_SEED, TOLD_OR_NOT, Computed, Nobody),
    Row(ck::CKA_VALUE, TOLD_OR_NOT, Computed, Nobody),
];
const SLH_DSA_PRIVATE: &[Row] = &[
    Row(ck::CKA_PARAMETER_SET, [Must, Same, Never, Never], Computed, Nobody),
    Row(ck::CKA_VALUE, TOLD, Computed, Nobody),
];
const FIELD_PUBLIC: &[Row] = &[
    Row(ck::CKA_PRIME, [Must, Must, Never, Never], Computed, Nobody),
    Row(ck::CKA_BASE, [Must, Must, Never, Never], Computed, Nobody),
    Row(ck::CKA_VALUE, TOLD, Computed, Nobody),
];
const FIELD_PRIVATE: &[Row] = &[
    Row(ck::CKA_PRIME, [Must, Same, Never, Never], Computed, Nobody),
    Row(ck::CKA_BASE, [Must, Same, Never, Never], Computed, Nobody),
    Row(ck::CKA_VALUE, TOLD, Computed, Nobody),
];
const ORDER_PUBLIC: &[Row] = &[Row(ck::CKA_SUBPRIME, [Must, Must, Never, Never], Computed, Nobody)];
const ORDER_PRIVATE: &[Row] = &[Row(ck::CKA_SUBPRIME, [Must, Same, Never, Never], Computed, Nobody)];
const DH_PRIVATE: &[Row] = &[Row(ck::CKA_VALUE_BITS, [Never, May, Never, Never], Computed, Nobody)];
const DOMAIN: &[Row] = &[
    Row(ck::CKA_KEY_TYPE, [Must, Same, Never, Never], Computed, Nobody),
    Row(ck::CKA_LOCAL, NEVER, False, Nobody),
    Row(ck::CKA_PRIME, TOLD, Computed, Nobody),
    Row(ck::CKA_BASE, TOLD, Computed, Nobody),
    Row(ck::CKA_PRIME_BITS, [Never, Must, Never, Never], Computed, Nobody),
];
const DOMAIN_ORDER: &[Row] = &[
    Row(ck::CKA_SUBPRIME, TOLD, Computed, Nobody),
    Row(ck::CKA_SUBPRIME_BITS, [Never, May, Never, Never], Computed, Nobody),
];
const OTP: &[Row] = &[
    Row(ck::CKA_OTP_FORMAT, NEW, Number(ck::CK_OTP_FORMAT_DECIMAL), Nobody),
    Row(ck::CKA_OTP_LENGTH, NEW, Number(6), Nobody),
    Row(ck::CKA_OTP_USER_FRIENDLY_MODE, NEW, True, Nobody),
    Row(ck::CKA_OTP_CHALLENGE_REQUIREMENT, NEW, Number(ck::CK_OTP_PARAM_IGNORED), Nobody),
    Row(ck::CKA_OTP_TIME_REQUIREMENT, NEW, Number(ck::CK_OTP_PARAM_IGNORED), Nobody),
    Row(ck::CKA_OTP_COUNTER_REQUIREMENT, NEW, Number(ck::CK_OTP_PARAM_OPTIONAL), Nobody),
    Row(ck::CKA_OTP_PIN_REQUIREMENT, NEW, Number(ck::CK_OTP_PARAM_IGNORED), Nobody),
    Row(ck::CKA_OTP_COUNTER, NEW, Computed, Nobody),
    Row(ck::CKA_OTP_TIME, NEW, Empty, Anyone),
    Row(ck::CKA_OTP_TIME_INTERVAL, NEW, Number(60), Anyone),
    Row(ck::CKA_OTP_USER_IDENTIFIER, NEW, Empty, Anyone),
    Row(ck::CKA_OTP_SERVICE_IDENTIFIER, NEW, Empty, Anyone),
    Row(ck::CKA_OTP_SERVICE_LOGO, NEW, Empty, Anyone),
    Row(ck::CKA_OTP_SERVICE_LOGO_TYPE, NEW, Empty, Anyone),
];

const DATA: &[Row] = &[
    Row(ck::CKA_APPLICATION, [May, Never, Never, May], Empty, Anyone),
    Row(ck::CKA_OBJECT_ID, [May, Never, Never, May], Empty, Anyone),
    Row(ck::CKA_VALUE, TOLD_OR_NOT, Empty, Anyone),
];
const ANY_CERTIFICATE: &[Row] = &[
    Row(ck::CKA_CERTIFICATE_TYPE, TOLD, Computed, Nobody),
    Row(ck::CKA_CERTIFICATE_CATEGORY, TOLD_OR_NOT, Number(ck::CK_CERTIFICATE_CATEGORY_UNSPECIFIED), Nobody),
    Row(ck::CKA_TRUSTED, TOLD_OR_NOT, False, So),
    Row(ck::CKA_CHECK_VALUE, TOLD_OR_NOT, Computed, ToEmpty),
    Row(ck::CKA_START_DATE, TOLD_OR_NOT, Empty, Anyone),
    Row(ck::CKA_END_DATE, TOLD_OR_NOT, Empty, Anyone),
];
/// Computed from a certificate that can be read, else what the template says.
const READ: &[Row] = &[Row(ck::CKA_PUBLIC_KEY_INFO, [Same, Never, Never, Never], Computed, Nobody)];
const STATED: &[Row] = &[Row(ck::CKA_PUBLIC_KEY_INFO, TOLD_OR_NOT, Absent, Nobody)];
const BY_URL: &[Row] = &[
    Row(ck::CKA_SUBJECT, TOLD, Computed, Nobody),
    Row(ck::CKA_VALUE, TOLD_OR_NOT, Empty, Nobody),
    Row(ck::CKA_URL, TOLD_OR_NOT, Empty, Nobody),
    Row(ck::CKA_HASH_OF_SUBJECT_PUBLIC_KEY, TOLD_OR_NOT, Empty, Nobody),
    Row(ck::CKA_HASH_OF_ISSUER_PUBLIC_KEY, TOLD_OR_NOT, Empty, Nobody),
    Row(ck::CKA_NAME_HASH_ALGORITHM, TOLD_OR_NOT, Absent, Nobody),
    Row(ck::CKA_ISSUER, TOLD_OR_NOT, Empty, Anyone),
];
const X_509: &[Row] = &[
    Row(ck::CKA_JAVA_MIDP_SECURITY_DOMAIN, TOLD_OR_NOT, Number(ck::CK_SECURITY_DOMAIN_UNSPECIFIED), Nobody),
    Row(ck::CKA_ID, TOLD_OR_NOT, Empty, Anyone),
    Row(ck::CKA_SERIAL_NUMBER, TOLD_OR_NOT, Empty, Anyone),
];
const ATTRIBUTE_CERTIFICATE: &[Row] = &[
    Row(ck::CKA_OWNER, TOLD, Computed, Nobody),
    Row(ck::CKA_VALUE, TOLD, Computed, Nobody),
    Row(ck::CKA_AC_ISSUER, TOLD_OR_NOT, Empty, Anyone),
    Row(ck::CKA_SERIAL_NUMBER, TOLD_OR_NOT, Empty, Anyone),
    Row(ck::CKA_ATTR_TYPES, TOLD_OR_NOT, Empty, Anyone),
];
const UNKNOWN: Silent = Number(ck::CKT_TRUST_UNKNOWN as u64);
const TRUST: &[Row] = &[
    Row(ck::CKA_ISSUER, TOLD, Computed, Anyone),
    Row(ck::CKA_SERIAL_NUMBER, TOLD, Computed, Anyone),
    Row(ck::CKA_HASH_OF_CERTIFICATE, TOLD_OR_NOT, Empty, Anyone),
    Row(ck::CKA_NAME_HASH_ALGORITHM, TOLD_OR_NOT, Number(ck::CKM_SHA_1), Anyone),
    Row(ck::CKA_TRUST_SERVER_AUTH, TOLD_OR_NOT, UNKNOWN, Anyone),
    Row(ck::CKA_TRUST_CLIENT_AUTH, TOLD_OR_NOT, UNKNOWN, Anyone),
    Row(ck::CKA_TRUST_CODE_SIGNING, TOLD_OR_NOT, UNKNOWN, Anyone),
    Row(ck::CKA_TRUST_EMAIL_PROTECTION, TOLD_OR_NOT, UNKNOWN, Anyone),
    Row(ck::CKA_TRUST_IPSEC_IKE, TOLD_OR_NOT, UNKNOWN, Anyone),
    Row(ck::CKA_TRUST_TIME_STAMPING, TOLD_OR_NOT, UNKNOWN, Anyone),
    Row(ck::CKA_TRUST_OCSP_SIGNING, TOLD_OR_NOT, UNKNOWN, Anyone),
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

const fn typed(class: u64, subtype: u64, sections: &'static [&'static [Row]]) -> Kind {
    Kind { class, subtype: Some(subtype), sections }
}

const fn public(key_type: u64, sections: &'static [&'static [Row]]) -> Kind {
    typed(ck::CKO_PUBLIC_KEY, key_type, sections)
}

const fn private(key_type: u64, sections: &'static [&'static [Row]]) -> Kind {
    typed(ck::CKO_PRIVATE_KEY, key_type, sections)
}

const fn secret(key_type: u64) -> Kind {
    typed(ck::CKO_SECRET_KEY, key_type, &[OBJECT, CLOSED, ANY_KEY, ANY_SECRET_KEY, GUARDED_KEY, LENGTH])
}

/// Of one length only.
const fn des(key_type: u64) -> Kind {
    typed(ck::CKO_SECRET_KEY, key_type, &[OBJECT, CLOSED, ANY_KEY, ANY_SECRET_KEY, GUARDED_KEY])
}

pub const KINDS: &[Kind] = &[
    Kind { class: ck::CKO_DATA, subtype: None, sections: &[OBJECT, CLOSED, DATA] },
    typed(ck::CKO_CERTIFICATE, ck::CKC_X_509, &[OBJECT, OPEN, ANY_CERTIFICATE, READ, BY_URL, X_509]),
    typed(ck::CKO_CERTIFICATE, ck::CKC_WTLS, &[OBJECT, OPEN, ANY_CERTIFICATE, STATED, BY_URL]),
    typed(
        ck::CKO_CERTIFICATE,
        ck::CKC_X_509_ATTR_CERT,
        &[OBJECT, OPEN, ANY_CERTIFICATE, STATED, ATTRIBUTE_CERTIFICATE],
    ),
    Kind { class: ck::CKO_TRUST, subtype: None, sections: &[OBJECT, OPEN, TRUST] },
    public(ck::CKK_RSA, &[OBJECT, OPEN, ANY_KEY, ANY_PUBLIC_KEY, RSA_PUBLIC]),
    public(ck::CKK_EC, &[OBJECT, OPEN, ANY_KEY, ANY_PUBLIC_KEY, CURVE_PUBLIC]),
    public(ck::CKK_EC_EDWARDS, &[OBJECT, OPEN, ANY_KEY, ANY_PUBLIC_KEY, CURVE_PUBLIC]),
    public(ck::CKK_EC_MONTGOMERY, &[OBJECT, OPEN, ANY_KEY, ANY_PUBLIC_KEY, CURVE_PUBLIC]),
    public(ck::CKK_ML_KEM, &[OBJECT, OPEN, ANY_KEY, ANY_PUBLIC_KEY, PQ_PUBLIC]),
    public(ck::CKK_ML_DSA, &[OBJECT, OPEN, ANY_KEY, ANY_PUBLIC_KEY, PQ_PUBLIC]),
    public(ck::CKK_SLH_DSA, &[OBJECT, OPEN, ANY_KEY, ANY_PUBLIC_KEY, PQ_PUBLIC]),
    public(ck::CKK_DH, &[OBJECT, OPEN, ANY_KEY, ANY_PUBLIC_KEY, FIELD_PUBLIC]),
    public(ck::CKK_X9_42_DH, &[OBJECT, OPEN, ANY_KEY, ANY_PUBLIC_KEY, FIELD_PUBLIC, ORDER_PUBLIC]),
    public(ck::CKK_DSA, &[OBJECT, OPEN, ANY_KEY, ANY_PUBLIC_KEY, FIELD_PUBLIC, ORDER_PUBLIC]),
    private(ck::CKK_RSA, &[OBJECT, CLOSED, ANY_KEY, ANY_PRIVATE_KEY, GUARDED_KEY, RSA_PRIVATE]),
    private(ck::CKK_EC, &[OBJECT, CLOSED, ANY_KEY, ANY_PRIVATE_KEY, GUARDED_KEY, CURVE_PRIVATE]),
    private(ck::CKK_EC_EDWARDS, &[OBJECT, CLOSED, ANY_KEY, ANY_PRIVATE_KEY, GUARDED_KEY, CURVE_PRIVATE]),
    private(ck::CKK_EC_MONTGOMERY, &[OBJECT, CLOSED, ANY_KEY, ANY_PRIVATE_KEY, GUARDED_KEY, CURVE_PRIVATE]),
    private(ck::CKK_ML_KEM, &[OBJECT, CLOSED, ANY_KEY, ANY_PRIVATE_KEY, GUARDED_KEY, SEEDED_PRIVATE]),
    private(ck::CKK_ML_DSA, &[OBJECT, CLOSED, ANY_KEY, ANY_PRIVATE_KEY, GUARDED_KEY, SEEDED_PRIVATE]),
    private(ck::CKK_SLH_DSA, &[OBJECT, CLOSED, ANY_KEY, ANY_PRIVATE_KEY, GUARDED_KEY, SLH_DSA_PRIVATE]),
    private(ck::CKK_DH, &[OBJECT, CLOSED, ANY_KEY, ANY_PRIVATE_KEY, GUARDED_KEY, FIELD_PRIVATE, DH_PRIVATE]),
    private(ck::CKK_X9_42_DH, &[OBJECT, CLOSED, ANY_KEY, ANY_PRIVATE_KEY, GUARDED_KEY, FIELD_PRIVATE, ORDER_PRIVATE]),
    private(ck::CKK_DSA, &[OBJECT, CLOSED, ANY_KEY, ANY_PRIVATE_KEY, GUARDED_KEY, FIELD_PRIVATE, ORDER_PRIVATE]),
    typed(ck::CKO_DOMAIN_PARAMETERS, ck::CKK_DH, &[OBJECT, OPEN, DOMAIN]),
    typed(ck::CKO_DOMAIN_PARAMETERS, ck::CKK_X9_42_DH, &[OBJECT, OPEN, DOMAIN, DOMAIN_ORDER]),
    typed(ck::CKO_DOMAIN_PARAMETERS, ck::CKK_DSA, &[OBJECT, OPEN, DOMAIN, DOMAIN_ORDER]),
    typed(ck::CKO_OTP_KEY, ck::CKK_HOTP, &[OBJECT, CLOSED, ANY_KEY, ANY_SECRET_KEY, GUARDED_KEY, LENGTH, OTP]),
    secret(ck::CKK_GENERIC_SECRET),
    secret(ck::CKK_HKDF),
    secret(ck::CKK_AES),
    secret(ck::CKK_AES_XTS),
    secret(ck::CKK_CAMELLIA),
    secret(ck::CKK_ARIA),
    secret(ck::CKK_SEED),
    des(ck::CKK_DES),
    des(ck::CKK_DES2),
    des(ck::CKK_DES3),
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

/// The kind of a key.
pub fn kind(class: ck::CK_OBJECT_CLASS, key_type: ck::CK_KEY_TYPE) -> &'static Kind {
    KINDS.iter().find(|kind| kind.class == class && kind.subtype == Some(key_type)).expect("a kind of object")
}
