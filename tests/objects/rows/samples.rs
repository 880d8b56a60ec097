//! For every kind of object the least that creates it, and for every attribute a value that it may be given.

use crate::rows::table::{Given, KINDS, Kind, Row, Silent, Way};
use kit::{Mechanism, Object, Session, Template, ck, curve, openssl, pattern};
use std::collections::HashMap;

/// Key pairs and domain parameters of every type, made once. The private halves can be read.
pub struct Samples<'a> {
    pub session: &'a Session<'a>,
    pairs: HashMap<ck::CK_KEY_TYPE, (Object, Object)>,
    domains: HashMap<ck::CK_KEY_TYPE, Object>,
}

impl<'a> Samples<'a> {
    pub fn new(session: &'a Session<'a>) -> Samples<'a> {
        let types = |class| KINDS.iter().filter(move |kind| kind.class == class).filter_map(|kind| kind.subtype);
        let domains = types(ck::CKO_DOMAIN_PARAMETERS).map(|of| (of, domain(session, of))).collect();
        let mut samples = Samples { session, pairs: HashMap::new(), domains };
        samples.pairs = types(ck::CKO_PRIVATE_KEY).map(|of| (of, samples.new_pair(of))).collect();
        samples
    }

    /// Public and private.
    pub fn pair(&self, of: ck::CK_KEY_TYPE) -> (Object, Object) {
        self.pairs[&of]
    }

    /// What the public template says of the domain parameters.
    pub fn domain(&self, of: ck::CK_KEY_TYPE) -> Template {
        self.session.domain(self.domains[&of])
    }

    /// The least template of C_CreateObject for a kind: class, type, and what makes it that object.
    pub fn least(&self, kind: &Kind) -> Template {
        let template = Template::new().class(kind.class);
        match (kind.class, kind.subtype) {
            (ck::CKO_TRUST, _) => template.bytes(ck::CKA_ISSUER, b"issuer").bytes(ck::CKA_SERIAL_NUMBER, [2, 1, 7]),
            (ck::CKO_CERTIFICATE, Some(of)) => {
                let template = template.ulong(ck::CKA_CERTIFICATE_TYPE, of);
                match of {
                    ck::CKC_X_509 => template.bytes(ck::CKA_SUBJECT, b"subject").bytes(ck::CKA_VALUE, certificate()),
                    ck::CKC_WTLS => template.bytes(ck::CKA_SUBJECT, b"subject").bytes(ck::CKA_VALUE, b"wtls"),
                    _ => template.bytes(ck::CKA_OWNER, b"owner").bytes(ck::CKA_VALUE, b"attributes"),
                }
            }
            (ck::CKO_OTP_KEY, Some(of)) => template.key_type(of).bytes(ck::CKA_VALUE, [5; 20]),
            (ck::CKO_SECRET_KEY, Some(of)) => {
                template.key_type(of).bytes(ck::CKA_VALUE, pattern::key(of, secret_length(of)))
            }
            (ck::CKO_PUBLIC_KEY, Some(of)) => self.values(kind, self.pair(of).0, template.key_type(of)),
            (ck::CKO_PRIVATE_KEY, Some(of)) => self.values(kind, self.pair(of).1, template.key_type(of)),
            (ck::CKO_DOMAIN_PARAMETERS, Some(of)) => self.values(kind, self.domains[&of], template.key_type(of)),
            _ => template,
        }
    }

    /// A template with the values that a generated object has of what must be given or makes part of its key.
    fn values(&self, kind: &Kind, made: Object, template: Template) -> Template {
        let parts = [
            ck::CKA_PUBLIC_EXPONENT,
            ck::CKA_PRIME_1,
            ck::CKA_PRIME_2,
            ck::CKA_EXPONENT_1,
            ck::CKA_EXPONENT_2,
            ck::CKA_COEFFICIENT,
            ck::CKA_EC_POINT,
            ck::CKA_SEED,
            ck::CKA_VALUE,
        ];
        let must = |row: &Row| row.given(Way::Created) == Given::Must || parts.contains(&row.0);
        let wanted = kind.rows().filter(must).map(|row| row.0);
        let wanted = wanted.filter(|of| ![ck::CKA_CLASS, ck::CKA_KEY_TYPE].contains(of));
        wanted.fold(template, |template, of| template.bytes(of, self.session.bytes(made, of).unwrap()))
    }

    fn new_pair(&self, of: ck::CK_KEY_TYPE) -> (Object, Object) {
        let session = self.session;
        match of {
            ck::CKK_RSA => session.rsa_pair(1024),
            ck::CKK_EC => session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P256),
            ck::CKK_EC_EDWARDS => session.curve_pair(ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, curve::ED25519),
            ck::CKK_EC_MONTGOMERY => session.curve_pair(ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve::X25519),
            ck::CKK_ML_KEM => session.pq_pair(ck::CKM_ML_KEM_KEY_PAIR_GEN, ck::CKP_ML_KEM_512),
            ck::CKK_ML_DSA => session.pq_pair(ck::CKM_ML_DSA_KEY_PAIR_GEN, ck::CKP_ML_DSA_44),
            ck::CKK_SLH_DSA => session.pq_pair(ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKP_SLH_DSA_SHA2_128F),
            of => {
                let mechanism = match of {
                    ck::CKK_DH => ck::CKM_DH_PKCS_KEY_PAIR_GEN,
                    ck::CKK_DSA => ck::CKM_DSA_KEY_PAIR_GEN,
                    _ => ck::CKM_X9_42_DH_KEY_PAIR_GEN,
                };
                let readable = Template::new().sensitive(false).extractable(true);
                session.generate_key_pair(&Mechanism::plain(mechanism), &self.domain(of), &readable).unwrap()
            }
        }
    }
}

/// Bytes of a secret key.
pub fn secret_length(of: ck::CK_KEY_TYPE) -> usize {
    match of {
        ck::CKK_DES => 8,
        ck::CKK_DES3 => 24,
        ck::CKK_CHACHA20 | ck::CKK_POLY1305 => 32,
        ck::CKK_AES_XTS => 64,
        _ => 16,
    }
}

/// Types of secret keys of one length only, which no template needs to say.
pub const ONE_LENGTH: [ck::CK_KEY_TYPE; 7] =
    [ck::CKK_SEED, ck::CKK_DES, ck::CKK_DES2, ck::CKK_DES3, ck::CKK_CHACHA20, ck::CKK_POLY1305, ck::CKK_IDEA];

/// What a template says to name a kind of object.
pub fn named(kind: &Kind) -> Template {
    let of = if kind.class == ck::CKO_CERTIFICATE { ck::CKA_CERTIFICATE_TYPE } else { ck::CKA_KEY_TYPE };
    let template = Template::new().class(kind.class);
    kind.subtype.into_iter().fold(template, |template, subtype| template.ulong(of, subtype))
}

fn domain(session: &Session<'_>, of: ck::CK_KEY_TYPE) -> Object {
    let (mechanism, bits) = match of {
        ck::CKK_DH => (ck::CKM_DH_PKCS_PARAMETER_GEN, 512),
        ck::CKK_DSA => (ck::CKM_DSA_PARAMETER_GEN, 1024),
        _ => (ck::CKM_X9_42_DH_PARAMETER_GEN, 1024),
    };
    session.generate_key(&Mechanism::plain(mechanism), &Template::new().ulong(ck::CKA_PRIME_BITS, bits)).unwrap()
}

fn certificate() -> Vec<u8> {
    let key = openssl(&["genpkey", "-algorithm", "ED25519"], b"");
    openssl(&["req", "-x509", "-key", "/dev/stdin", "-subj", "/CN=a", "-days", "3", "-outform", "DER"], &key)
}

const TEMPLATES: [ck::CK_ATTRIBUTE_TYPE; 5] = [
    ck::CKA_WRAP_TEMPLATE,
    ck::CKA_UNWRAP_TEMPLATE,
    ck::CKA_DERIVE_TEMPLATE,
    ck::CKA_ENCAPSULATE_TEMPLATE,
    ck::CKA_DECAPSULATE_TEMPLATE,
];
/// The label that they ask for.
const INNER: &str = "inner";

/// What an object answers that was made by a template with a [`sample`]: of a template, types and lengths.
pub fn answer(template: &Template, of: ck::CK_ATTRIBUTE_TYPE) -> Option<Vec<u8>> {
    if TEMPLATES.contains(&of) && template.has(of) {
        let entry = [ck::CKA_LABEL, 0, INNER.len() as ck::CK_ULONG];
        return Some(entry.iter().flat_map(|field| field.to_ne_bytes()).collect());
    }
    template.said(of).map(<[u8]>::to_vec)
}

/// What may be given and can say one thing only: only the SO trusts it, the type makes it this kind of object, the
/// checksum is of its value; lengths, of a key of one length and of the order in a field of this length; and what HOTP
/// (PKCS#11 3.2 section 6.53) has no choice in.
pub const ONE_VALUE: [ck::CK_ATTRIBUTE_TYPE; 9] = [
    ck::CKA_TRUSTED,
    ck::CKA_KEY_TYPE,
    ck::CKA_CHECK_VALUE,
    ck::CKA_VALUE_LEN,
    ck::CKA_SUBPRIME_BITS,
    ck::CKA_OTP_FORMAT,
    ck::CKA_OTP_CHALLENGE_REQUIREMENT,
    ck::CKA_OTP_TIME_REQUIREMENT,
    ck::CKA_OTP_PIN_REQUIREMENT,
];

/// A value other than the usual one that a template may give for an attribute, besides what [`Samples::least`] says.
/// `before`: what such an object says when the template is silent.
pub fn sample(of: ck::CK_ATTRIBUTE_TYPE, before: Option<&[u8]>) -> Template {
    let template = Template::new();
    let number = |number| Template::new().ulong(of, number);
    match (of, before) {
        (ck::CKA_TRUSTED, _) => template.flag(of, false),
        (ck::CKA_PUBLIC_EXPONENT, _) => template.bytes(of, [3]),
        (ck::CKA_VALUE_BITS, _) => number(200),
        (ck::CKA_ALLOWED_MECHANISMS, _) => template.ulongs(of, &[ck::CKM_SHA256_HMAC, ck::CKM_AES_CBC]),
        (of, _) if TEMPLATES.contains(&of) => template.nested(of, Template::new().label(INNER)),
        (ck::CKA_START_DATE, _) => template.bytes(of, "20260101"),
        (ck::CKA_END_DATE, _) => template.bytes(of, "20271231"),
        (ck::CKA_OBJECT_ID, _) => template.bytes(of, [6, 3, 0x55, 4, 3]),
        (ck::CKA_OTP_LENGTH, _) => number(8),
        (ck::CKA_OTP_COUNTER, _) => template.bytes(of, [0, 0, 0, 0, 0, 0, 1, 2]),
        (ck::CKA_OTP_TIME, _) => template.bytes(of, "2026010112000000"),
        (ck::CKA_OTP_COUNTER_REQUIREMENT, _) => number(ck::CK_OTP_PARAM_IGNORED),
        (ck::CKA_CERTIFICATE_CATEGORY | ck::CKA_JAVA_MIDP_SECURITY_DOMAIN, _) => number(1),
        (ck::CKA_HASH_OF_SUBJECT_PUBLIC_KEY | ck::CKA_HASH_OF_ISSUER_PUBLIC_KEY | ck::CKA_HASH_OF_CERTIFICATE, _) => {
            template.bytes(of, [7; 20])
        }
        (ck::CKA_NAME_HASH_ALGORITHM, _) => number(ck::CKM_SHA256),
        (ck::CKA_OTP_TIME_INTERVAL, _) => number(30),
        (ck::CKA_ISSUER, _) => template.bytes(of, b"another issuer"),
        (ck::CKA_SERIAL_NUMBER, _) => template.bytes(of, [2, 1, 8]),
        (
            ck::CKA_TRUST_SERVER_AUTH
            | ck::CKA_TRUST_CLIENT_AUTH
            | ck::CKA_TRUST_CODE_SIGNING
            | ck::CKA_TRUST_EMAIL_PROTECTION
            | ck::CKA_TRUST_IPSEC_IKE
            | ck::CKA_TRUST_TIME_STAMPING
            | ck::CKA_TRUST_OCSP_SIGNING,
            _,
        ) => number(ck::CKT_NOT_TRUSTED as u64),
        (_, Some([flag])) => template.flag(of, *flag == 0),
        (_, Some(same @ [_, ..])) => template.bytes(of, same),
        (of, _) if NUMBERS.contains(&of) || silent(of, |silent| matches!(silent, Silent::Number(_))) => number(1),
        (of, _) if silent(of, |silent| matches!(silent, Silent::False | Silent::True | Silent::TrueFor(_))) => {
            template.flag(of, true)
        }
        _ => template.bytes(of, b"anything"),
    }
}

/// A value that contradicts what an object of this kind is, says `before`, or can be.
pub fn another(kind: &Kind, of: ck::CK_ATTRIBUTE_TYPE, before: Option<&[u8]>) -> Template {
    let template = Template::new();
    match (of, kind.subtype) {
        (ck::CKA_CLASS, None) => template.class(ck::CKO_SECRET_KEY),
        (ck::CKA_CLASS, _) => template.class(ck::CKO_DATA),
        (ck::CKA_KEY_TYPE, _) => template.key_type(ck::CKK_GOSTR3410),
        (ck::CKA_EC_PARAMS, Some(ck::CKK_EC)) => template.bytes(of, curve::P384),
        (ck::CKA_EC_PARAMS, Some(ck::CKK_EC_EDWARDS)) => template.bytes(of, curve::ED448),
        (ck::CKA_EC_PARAMS, _) => template.bytes(of, curve::X448),
        (ck::CKA_PARAMETER_SET, _) => template.ulong(of, 2),
        _ => {
            let before = before.unwrap_or_default();
            let byte = if before.first() == Some(&1) { 0 } else { 1 };
            template.bytes(of, vec![byte; if before.is_empty() { 8 } else { before.len() }])
        }
    }
}

/// Numbers that always come with the object.
const NUMBERS: [ck::CK_ATTRIBUTE_TYPE; 9] = [
    ck::CKA_CLASS,
    ck::CKA_KEY_TYPE,
    ck::CKA_CERTIFICATE_TYPE,
    ck::CKA_MODULUS_BITS,
    ck::CKA_PRIME_BITS,
    ck::CKA_SUBPRIME_BITS,
    ck::CKA_VALUE_BITS,
    ck::CKA_VALUE_LEN,
    ck::CKA_PARAMETER_SET,
];

fn silent(of: ck::CK_ATTRIBUTE_TYPE, fits: impl Fn(Silent) -> bool) -> bool {
    KINDS.iter().filter_map(|kind| kind.row(of)).any(|row| fits(row.2))
}
