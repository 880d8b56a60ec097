//! The differences from SoftHSM 2.6.1 that are meant, each with its reason.

/// Calls that SoftHSM and we answer differently.
#[derive(Debug)]
pub struct Difference {
    /// The script.
    pub chapter: &'static str,
    /// Why.
    pub reason: &'static str,
    /// The name of each call in the script, what SoftHSM says, what we say.
    pub calls: &'static [(&'static str, &'static str, &'static str)],
}

/// All of them, by script.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        chapter: "tokens",
        reason: "the code of version 3.2 for a token that is there and not initialised",
        calls: &[("open on the free slot", "CKR_TOKEN_NOT_RECOGNIZED", "CKR_TOKEN_NOT_INITIALIZED")],
    },
    Difference {
        chapter: "tokens",
        reason: "a PIN to be set is not incorrect, its length is out of range",
        calls: &[
            ("init with a short SO PIN", "CKR_PIN_INCORRECT", "CKR_PIN_LEN_RANGE"),
            ("init with a long SO PIN", "CKR_PIN_INCORRECT", "CKR_PIN_LEN_RANGE"),
        ],
    },
    Difference {
        chapter: "tokens",
        reason: "sessions are really counted",
        calls: &[("open sessions", "18446744073709551615", "0")],
    },
    Difference {
        chapter: "tokens",
        reason: "a token without CKF_CLOCK_ON_TOKEN leaves utcTime blank",
        calls: &[("time", "false", "true")],
    },
    Difference {
        chapter: "tokens",
        reason: "there is no PIN that could be incorrect",
        calls: &[("SetPIN before a PIN is set", "CKR_PIN_INCORRECT", "CKR_USER_PIN_NOT_INITIALIZED")],
    },
    Difference {
        chapter: "tokens",
        reason: "a PIN is CK_UTF8CHAR: another keyboard or terminal could never enter this one again",
        calls: &[("InitPIN, not UTF-8", "CKR_OK", "CKR_PIN_INVALID")],
    },
    Difference {
        chapter: "sessions",
        reason: "a flag that means nothing here is not passed over in silence",
        calls: &[("open with an unknown flag", "CKR_OK", "CKR_ARGUMENTS_BAD")],
    },
    Difference {
        chapter: "sessions",
        reason: "section 5.6.9: CKR_USER_NOT_LOGGED_IN",
        calls: &[("logout when out", "CKR_OK", "CKR_USER_NOT_LOGGED_IN")],
    },
    Difference {
        chapter: "sessions",
        reason: "of two reasons, the one that the caller must remove first",
        calls: &[("SO login over the user", "CKR_SESSION_READ_ONLY_EXISTS", "CKR_USER_ANOTHER_ALREADY_LOGGED_IN")],
    },
    Difference {
        chapter: "objects",
        reason: "an attribute that exists, but not on such an object, contradicts the class",
        calls: &[("create: attribute of another class", "CKR_ATTRIBUTE_TYPE_INVALID", "CKR_TEMPLATE_INCONSISTENT")],
    },
    Difference {
        chapter: "objects",
        reason: "the class is there, its value is wrong",
        calls: &[("create: class of four bytes", "CKR_TEMPLATE_INCOMPLETE", "CKR_ATTRIBUTE_VALUE_INVALID")],
    },
    Difference {
        chapter: "objects",
        reason: "a key that no mechanism could use is refused when it comes",
        calls: &[
            ("create: AES key of 20 bytes", "CKR_OK", "CKR_ATTRIBUTE_VALUE_INVALID"),
            ("create: AES key of no bytes", "CKR_OK", "CKR_ATTRIBUTE_VALUE_INVALID"),
        ],
    },
    Difference {
        chapter: "objects",
        reason: "a template may repeat what the token would compute",
        calls: &[("create: own value length", "CKR_ATTRIBUTE_READ_ONLY", "CKR_OK")],
    },
    Difference {
        chapter: "objects",
        reason: "section 4.1.1: two values for one attribute",
        calls: &[("create: two labels", "CKR_OK", "CKR_TEMPLATE_INCONSISTENT")],
    },
    Difference {
        chapter: "objects",
        reason: "one code for every copy that would loosen what protects a key, as both give for CKA_PRIVATE",
        calls: &[
            ("copy key: not sensitive", "CKR_ATTRIBUTE_READ_ONLY", "CKR_TEMPLATE_INCONSISTENT"),
            ("copy key: extractable", "CKR_ATTRIBUTE_READ_ONLY", "CKR_TEMPLATE_INCONSISTENT"),
        ],
    },
    Difference {
        chapter: "objects",
        reason: "a search must not confirm a guess at a key",
        calls: &[("find: value of a key", "9", "0")],
    },
    Difference {
        chapter: "attributes",
        reason: "usage is by default what the key type can do, not everything",
        calls: &[
            ("public EC: CKA_ENCRYPT", "true", "false"),
            ("public EC: CKA_VERIFY_RECOVER", "true", "false"),
            ("private EC: CKA_DECRYPT", "true", "false"),
            ("private EC: CKA_SIGN_RECOVER", "true", "false"),
            ("made public EC: CKA_ENCRYPT", "true", "false"),
            ("made public EC: CKA_VERIFY_RECOVER", "true", "false"),
            ("made private EC: CKA_DECRYPT", "true", "false"),
            ("made private EC: CKA_SIGN_RECOVER", "true", "false"),
            ("generic: CKA_ENCRYPT", "true", "false"),
            ("generic: CKA_DECRYPT", "true", "false"),
            ("generic: CKA_WRAP", "true", "false"),
            ("generic: CKA_UNWRAP", "true", "false"),
        ],
    },
    Difference {
        chapter: "attributes",
        reason: "GnuTLS, Java and OpenSSL make agreement keys without saying so and expect them to derive",
        calls: &[("private EC: CKA_DERIVE", "false", "true"), ("made private EC: CKA_DERIVE", "false", "true")],
    },
    Difference {
        chapter: "attributes",
        reason: "private keys are sensitive unless the template says otherwise",
        calls: &[
            ("private EC: CKA_SENSITIVE", "false", "true"),
            ("made private EC: CKA_SENSITIVE", "false", "true"),
            ("made private EC: CKA_ALWAYS_SENSITIVE", "false", "true"),
        ],
    },
    Difference {
        chapter: "attributes",
        reason: "pkcs11-provider reads an empty list as \"nothing is allowed\"",
        calls: &[
            ("public EC: CKA_ALLOWED_MECHANISMS", "[]", "CKR_ATTRIBUTE_TYPE_INVALID"),
            ("private EC: CKA_ALLOWED_MECHANISMS", "[]", "CKR_ATTRIBUTE_TYPE_INVALID"),
            ("AES: CKA_ALLOWED_MECHANISMS", "[]", "CKR_ATTRIBUTE_TYPE_INVALID"),
            ("generic: CKA_ALLOWED_MECHANISMS", "[]", "CKR_ATTRIBUTE_TYPE_INVALID"),
            ("made AES: CKA_ALLOWED_MECHANISMS", "[]", "CKR_ATTRIBUTE_TYPE_INVALID"),
            ("made public EC: CKA_ALLOWED_MECHANISMS", "[]", "CKR_ATTRIBUTE_TYPE_INVALID"),
            ("made private EC: CKA_ALLOWED_MECHANISMS", "[]", "CKR_ATTRIBUTE_TYPE_INVALID"),
        ],
    },
    Difference {
        chapter: "attributes",
        reason: "the point of a private key saves a client the search for the public half",
        calls: &[("private EC: has a point", "false", "true"), ("made private EC: has a point", "false", "true")],
    },
    Difference {
        chapter: "attributes",
        reason: "section 4.4.1: may be set to false, as CKA_EXTRACTABLE",
        calls: &[("set copyable", "CKR_ATTRIBUTE_READ_ONLY", "CKR_OK")],
    },
    Difference {
        chapter: "attributes",
        reason: "of several changes with a wrong one none is made",
        calls: &[
            ("its label now", "[110, 101, 119, 101, 114]", "[110, 101, 119]"),
            (
                "several: values",
                "[Some([110, 101, 119, 101, 114]), None, None, Some([1])]",
                "[Some([110, 101, 119]), None, None, Some([1])]",
            ),
        ],
    },
    Difference {
        chapter: "operations",
        reason: "section 5.2: a single-part call does not finish a multi-part operation",
        calls: &[
            ("digest: single after update", "CKR_OK", "CKR_OPERATION_ACTIVE"),
            ("digest: final", "CKR_OPERATION_NOT_INITIALIZED", "CKR_OK"),
        ],
    },
    Difference {
        chapter: "operations",
        reason: "the data are at fault, not the token",
        calls: &[
            ("decrypt bad padding", "CKR_GENERAL_ERROR", "CKR_ENCRYPTED_DATA_INVALID"),
            ("decrypt bad tag", "CKR_GENERAL_ERROR", "CKR_ENCRYPTED_DATA_INVALID"),
            ("encrypt too much", "CKR_GENERAL_ERROR", "CKR_DATA_LEN_RANGE"),
            ("sign 246 bytes", "CKR_GENERAL_ERROR", "CKR_DATA_LEN_RANGE"),
        ],
    },
    Difference {
        chapter: "operations",
        reason: "the parameter of the mechanism is at fault",
        calls: &[
            ("CBC without IV", "CKR_ARGUMENTS_BAD", "CKR_MECHANISM_PARAM_INVALID"),
            ("CBC with a short IV", "CKR_MECHANISM_INVALID", "CKR_MECHANISM_PARAM_INVALID"),
            ("GCM with half a parameter", "CKR_ARGUMENTS_BAD", "CKR_MECHANISM_PARAM_INVALID"),
            ("OAEP by no hash", "CKR_ARGUMENTS_BAD", "CKR_MECHANISM_PARAM_INVALID"),
        ],
    },
    Difference {
        chapter: "operations",
        reason: "a handle that is given for a key",
        calls: &[
            ("encrypt with no key", "CKR_OBJECT_HANDLE_INVALID", "CKR_KEY_HANDLE_INVALID"),
            ("sign with no key", "CKR_OBJECT_HANDLE_INVALID", "CKR_KEY_HANDLE_INVALID"),
        ],
    },
    Difference {
        chapter: "operations",
        reason: "the wrong type is the first thing that is wrong with such a key",
        calls: &[
            ("sign with the public half", "CKR_KEY_FUNCTION_NOT_PERMITTED", "CKR_KEY_TYPE_INCONSISTENT"),
            ("sign with another type", "CKR_OK", "CKR_KEY_TYPE_INCONSISTENT"),
        ],
    },
    Difference {
        chapter: "operations",
        reason: "RFC 2104 takes keys of any length, and TLS and Java use short ones",
        calls: &[("MAC with a short key", "CKR_KEY_SIZE_RANGE", "CKR_OK")],
    },
    Difference {
        chapter: "operations",
        reason: "OpenSSL verifies no signature over nothing, so none is made",
        calls: &[("sign nothing", "CKR_OK", "CKR_DATA_LEN_RANGE")],
    },
    Difference {
        chapter: "operations",
        reason: "the length asked for is at fault",
        calls: &[
            ("generate AES of 20 bytes", "CKR_ATTRIBUTE_VALUE_INVALID", "CKR_KEY_SIZE_RANGE"),
            ("generate RSA of 100 bits", "CKR_GENERAL_ERROR", "CKR_KEY_SIZE_RANGE"),
        ],
    },
    Difference {
        chapter: "operations",
        reason: "the class contradicts the mechanism",
        calls: &[("generate AES as data", "CKR_ATTRIBUTE_VALUE_INVALID", "CKR_TEMPLATE_INCONSISTENT")],
    },
    Difference {
        chapter: "operations",
        reason: "the curve is at fault",
        calls: &[("generate EC on no curve", "CKR_GENERAL_ERROR", "CKR_DOMAIN_PARAMS_INVALID")],
    },
];
