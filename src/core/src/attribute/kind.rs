//! The shape of every attribute type that an object here can hold, and its name for the log.

use super::Type;
use cryptoki_sys as ck;

/// What the bytes of an attribute are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// CK_BBOOL, 1 byte, 0 or 1.
    Bool,
    /// CK_ULONG.
    Ulong,
    /// Any byte string.
    Bytes,
    /// UTF-8 text (RFC 2279 string).
    Text,
    /// CK_DATE: 8 digits, or empty.
    Date,
    /// An array of CK_ULONG.
    Ulongs,
    /// An array of CK_ATTRIBUTE.
    Template,
}

macro_rules! kinds {
    ($($kind:ident: $($name:ident)*;)*) => {
        /// The shape of an attribute type; `None` for a type that no object here can hold.
        pub const fn kind(of: Type) -> Option<Kind> {
            match of {
                $($(ck::$name)|* => Some(Kind::$kind),)*
                _ => None,
            }
        }

        /// The CKA_ name, or the number in hexadecimal.
        pub fn name(of: Type) -> std::borrow::Cow<'static, str> {
            match of {
                $($(ck::$name => stringify!($name).into(),)*)*
                _ => format!("CKA_{of:#x}").into(),
            }
        }
    };
}

kinds! {
    Bool: CKA_TOKEN CKA_PRIVATE CKA_TRUSTED CKA_SENSITIVE CKA_ENCRYPT CKA_DECRYPT CKA_WRAP CKA_UNWRAP CKA_SIGN
        CKA_SIGN_RECOVER CKA_VERIFY CKA_VERIFY_RECOVER CKA_DERIVE CKA_EXTRACTABLE CKA_LOCAL CKA_NEVER_EXTRACTABLE
        CKA_ALWAYS_SENSITIVE CKA_MODIFIABLE CKA_COPYABLE CKA_DESTROYABLE CKA_ALWAYS_AUTHENTICATE CKA_WRAP_WITH_TRUSTED
        CKA_ENCAPSULATE CKA_DECAPSULATE CKA_OTP_USER_FRIENDLY_MODE;
    Ulong: CKA_CLASS CKA_KEY_TYPE CKA_CERTIFICATE_TYPE CKA_CERTIFICATE_CATEGORY CKA_JAVA_MIDP_SECURITY_DOMAIN
        CKA_NAME_HASH_ALGORITHM CKA_MODULUS_BITS CKA_PRIME_BITS CKA_SUBPRIME_BITS CKA_VALUE_BITS CKA_VALUE_LEN
        CKA_KEY_GEN_MECHANISM CKA_PARAMETER_SET CKA_OBJECT_VALIDATION_FLAGS CKA_MECHANISM_TYPE CKA_PROFILE_ID
        CKA_TRUST_SERVER_AUTH CKA_TRUST_CLIENT_AUTH CKA_TRUST_CODE_SIGNING CKA_TRUST_EMAIL_PROTECTION
        CKA_TRUST_IPSEC_IKE CKA_TRUST_TIME_STAMPING CKA_TRUST_OCSP_SIGNING CKA_OTP_FORMAT CKA_OTP_LENGTH
        CKA_OTP_TIME_INTERVAL CKA_OTP_CHALLENGE_REQUIREMENT CKA_OTP_TIME_REQUIREMENT CKA_OTP_COUNTER_REQUIREMENT
        CKA_OTP_PIN_REQUIREMENT;
    Text: CKA_LABEL CKA_UNIQUE_ID CKA_APPLICATION CKA_URL CKA_OTP_USER_IDENTIFIER CKA_OTP_SERVICE_IDENTIFIER
        CKA_OTP_SERVICE_LOGO_TYPE;
    Bytes: CKA_VALUE CKA_OBJECT_ID CKA_ISSUER CKA_SERIAL_NUMBER CKA_AC_ISSUER CKA_OWNER CKA_ATTR_TYPES
        CKA_HASH_OF_SUBJECT_PUBLIC_KEY CKA_HASH_OF_ISSUER_PUBLIC_KEY CKA_CHECK_VALUE CKA_SUBJECT CKA_ID CKA_MODULUS
        CKA_PUBLIC_EXPONENT CKA_PRIVATE_EXPONENT CKA_PRIME_1 CKA_PRIME_2 CKA_EXPONENT_1 CKA_EXPONENT_2
        CKA_COEFFICIENT CKA_PUBLIC_KEY_INFO CKA_PRIME CKA_SUBPRIME CKA_BASE CKA_EC_PARAMS CKA_EC_POINT
        CKA_HASH_OF_CERTIFICATE CKA_PUBLIC_CRC64_VALUE CKA_SEED CKA_OTP_COUNTER CKA_OTP_TIME CKA_OTP_SERVICE_LOGO;
    Date: CKA_START_DATE CKA_END_DATE;
    Ulongs: CKA_ALLOWED_MECHANISMS;
    Template: CKA_WRAP_TEMPLATE CKA_UNWRAP_TEMPLATE CKA_DERIVE_TEMPLATE CKA_ENCAPSULATE_TEMPLATE
        CKA_DECAPSULATE_TEMPLATE;
}
