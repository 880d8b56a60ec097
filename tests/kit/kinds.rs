//! A key of every kind that there is, for tests that let each of them into every function.

use crate::keys::curve;
use crate::mechanism::Mechanism;
use crate::object::Object;
use crate::pattern;
use crate::session::Session;
use crate::template::Template;
use cryptoki_sys as ck;
use std::fmt::{Display, Formatter};

/// Usage attributes of public keys.
pub const PUBLIC: [ck::CK_ATTRIBUTE_TYPE; 6] =
    [ck::CKA_ENCRYPT, ck::CKA_VERIFY, ck::CKA_VERIFY_RECOVER, ck::CKA_WRAP, ck::CKA_DERIVE, ck::CKA_ENCAPSULATE];
/// Usage attributes of private keys.
pub const PRIVATE: [ck::CK_ATTRIBUTE_TYPE; 6] =
    [ck::CKA_DECRYPT, ck::CKA_SIGN, ck::CKA_SIGN_RECOVER, ck::CKA_UNWRAP, ck::CKA_DERIVE, ck::CKA_DECAPSULATE];
/// Usage attributes of secret keys.
pub const SECRET: [ck::CK_ATTRIBUTE_TYPE; 7] =
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

/// What makes pairs, and of which type.
const PAIRS: [(ck::CK_MECHANISM_TYPE, ck::CK_KEY_TYPE); 10] = [
    (ck::CKM_RSA_PKCS_KEY_PAIR_GEN, ck::CKK_RSA),
    (ck::CKM_EC_KEY_PAIR_GEN, ck::CKK_EC),
    (ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, ck::CKK_EC_EDWARDS),
    (ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, ck::CKK_EC_MONTGOMERY),
    (ck::CKM_ML_KEM_KEY_PAIR_GEN, ck::CKK_ML_KEM),
    (ck::CKM_ML_DSA_KEY_PAIR_GEN, ck::CKK_ML_DSA),
    (ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKK_SLH_DSA),
    (ck::CKM_DH_PKCS_KEY_PAIR_GEN, ck::CKK_DH),
    (ck::CKM_X9_42_DH_KEY_PAIR_GEN, ck::CKK_X9_42_DH),
    (ck::CKM_DSA_KEY_PAIR_GEN, ck::CKK_DSA),
];

/// A kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// CKA_CLASS
    pub class: ck::CK_OBJECT_CLASS,
    /// CKA_KEY_TYPE
    pub key_type: ck::CK_KEY_TYPE,
}

impl Display for Kind {
    fn fmt(&self, to: &mut Formatter<'_>) -> std::fmt::Result {
        let class = match self.class {
            ck::CKO_PUBLIC_KEY => "public",
            ck::CKO_PRIVATE_KEY => "private",
            _ => "secret",
        };
        write!(to, "{class} key of type {:#x}", self.key_type)
    }
}

/// The least that the template of a public key says in the generation of a pair; nothing for a type that needs domain
/// parameters.
pub fn least_public(key_type: ck::CK_KEY_TYPE) -> Option<Template> {
    let template = Template::new();
    Some(match key_type {
        ck::CKK_RSA => template.ulong(ck::CKA_MODULUS_BITS, 1024),
        ck::CKK_EC => template.bytes(ck::CKA_EC_PARAMS, curve::P256),
        ck::CKK_EC_EDWARDS => template.bytes(ck::CKA_EC_PARAMS, curve::ED25519),
        ck::CKK_EC_MONTGOMERY => template.bytes(ck::CKA_EC_PARAMS, curve::X25519),
        ck::CKK_ML_KEM => template.ulong(ck::CKA_PARAMETER_SET, ck::CKP_ML_KEM_512),
        ck::CKK_ML_DSA => template.ulong(ck::CKA_PARAMETER_SET, ck::CKP_ML_DSA_44),
        ck::CKK_SLH_DSA => template.ulong(ck::CKA_PARAMETER_SET, ck::CKP_SLH_DSA_SHA2_128F),
        _ => return None,
    })
}

/// Domain parameters made just now, as the template of a public key has them.
fn domain(session: &Session<'_>, key_type: ck::CK_KEY_TYPE) -> Template {
    let (generator, bits) = match key_type {
        ck::CKK_DH => (ck::CKM_DH_PKCS_PARAMETER_GEN, 512),
        ck::CKK_X9_42_DH => (ck::CKM_X9_42_DH_PARAMETER_GEN, 1024),
        _ => (ck::CKM_DSA_PARAMETER_GEN, 1024),
    };
    let bits = Template::new().ulong(ck::CKA_PRIME_BITS, bits);
    session.domain(session.generate_key(&Mechanism::plain(generator), &bits).expect("domain parameters"))
}

/// A key of every kind. `with`: adds to a template whose usage attributes these are.
#[track_caller]
pub fn every_kind(
    session: &Session<'_>,
    with: impl Fn(Template, &[ck::CK_ATTRIBUTE_TYPE]) -> Template,
) -> Vec<(Kind, Object)> {
    let mut keys = Vec::new();
    for (key_type, length) in SECRETS {
        let class = if key_type == ck::CKK_HOTP { ck::CKO_OTP_KEY } else { ck::CKO_SECRET_KEY };
        let (kind, value) = (Kind { class, key_type }, pattern::key(key_type, length));
        let key = Template::new().class(class).key_type(key_type).bytes(ck::CKA_VALUE, value);
        let key = session.create(&with(key, &SECRET)).unwrap_or_else(|refused| panic!("a {kind}: {refused}"));
        keys.push((kind, key));
    }
    for (generator, key_type) in PAIRS {
        let public = least_public(key_type).unwrap_or_else(|| domain(session, key_type));
        let (public, private) = (with(public, &PUBLIC), with(Template::new(), &PRIVATE));
        let pair = session.generate_key_pair(&Mechanism::plain(generator), &public, &private);
        let (public, private) = pair.unwrap_or_else(|refused| panic!("a pair of type {key_type:#x}: {refused}"));
        let kind = |class| Kind { class, key_type };
        keys.extend([(kind(ck::CKO_PUBLIC_KEY), public), (kind(ck::CKO_PRIVATE_KEY), private)]);
    }
    keys
}
