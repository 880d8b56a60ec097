//! What makes keys, pairs and domain parameters. A token makes an object of each, with its attributes, and here destroys
//! it again; beside a secret key OpenSSL makes its own key object, see [`Bytes::objects`].

use super::derivation;
use super::pairs::{self, Pair};
use super::parameters::{ITERATIONS, PASSWORD, Parameter, SALT};
use super::{NO, named_bare, ulong};
use crate::cases::{Case, Limit};
use crate::client::{Attribute, Session};
use crate::floor::Run;
use crate::floor::{self, Bytes, Options, Value};
use cryptoki_sys::*;
use std::ffi::CStr;

/// The same in OpenSSL.
#[derive(Clone, Copy)]
enum Beside {
    /// As many random bytes.
    Random(usize),
    /// A key of so many bytes, and nothing or an IV.
    Derived(Bytes, usize, Option<Bytes>),
    /// Domain parameters.
    Parameters(&'static CStr, Options),
}

/// What makes one object.
pub struct Generation {
    name: &'static str,
    pub mechanism: CK_MECHANISM_TYPE,
    /// What the template says, if anything.
    said: Option<(CK_ATTRIBUTE_TYPE, CK_ULONG)>,
    parameter: Parameter,
    beside: Beside,
}

macro_rules! generations {
    ($($name:ident $said:expr, $parameter:ident$(($value:expr))?, $beside:expr;)*) => {
        &[$(Generation {
            name: stringify!($name),
            mechanism: $name,
            said: $said,
            parameter: Parameter::$parameter$(($value))?,
            beside: $beside,
        }),*]
    };
}

const fn bytes(length: CK_ULONG) -> Option<(CK_ATTRIBUTE_TYPE, CK_ULONG)> {
    Some((CKA_VALUE_LEN, length))
}

const fn bits(length: CK_ULONG) -> Option<(CK_ATTRIBUTE_TYPE, CK_ULONG)> {
    Some((CKA_PRIME_BITS, length))
}

/// PKCS #12 (RFC 7292 appendix B.3): 1 for a key, 2 for an IV, 3 for a key of a MAC.
macro_rules! pkcs12 {
    ($id:literal) => {
        Bytes::Kdf(
            c"PKCS12KDF",
            &[
                (c"digest", Value::Text(c"SHA1")),
                (c"pass", Value::Bytes(PASSWORD)),
                (c"salt", Value::Bytes(SALT)),
                (c"iter", Value::Number(ITERATIONS)),
                (c"id", Value::Number($id)),
            ],
        )
    };
}

const KEY: Bytes = pkcs12!(1);
const IV: Option<Bytes> = Some(pkcs12!(2));
const MAC: Bytes = pkcs12!(3);
const PBKDF1: Bytes = Bytes::Kdf(
    c"PBKDF1",
    &[
        (c"digest", Value::Text(c"MD5")),
        (c"pass", Value::Bytes(PASSWORD)),
        (c"salt", Value::Bytes(SALT)),
        (c"iter", Value::Number(ITERATIONS)),
    ],
);
const PBKDF2: Bytes = Bytes::Kdf(
    c"PBKDF2",
    &[
        (c"digest", Value::Text(c"SHA2-256")),
        (c"pass", Value::Bytes(PASSWORD)),
        (c"salt", Value::Bytes(SALT)),
        (c"iter", Value::Number(ITERATIONS)),
    ],
);
/// FIPS 186-4 with an order of 160 bits.
const WITH_ORDER: Beside =
    Beside::Parameters(c"DSA", &[("type", "fips186_4"), ("pbits", "1024"), ("qbits", "160"), ("digest", "SHA1")]);
const SAFE_PRIME: Beside =
    Beside::Parameters(c"DH", &[("type", "generator"), ("pbits", "512"), ("safeprime-generator", "2")]);

use Beside::{Derived, Random};

pub const GENERATIONS: &[Generation] = generations! {
    CKM_GENERIC_SECRET_KEY_GEN bytes(32), None, Random(32);
    CKM_AES_KEY_GEN bytes(32), None, Random(32);
    CKM_AES_XTS_KEY_GEN bytes(64), None, Random(64);
    CKM_CHACHA20_KEY_GEN None, None, Random(32);
    CKM_POLY1305_KEY_GEN None, None, Random(32);
    CKM_CAMELLIA_KEY_GEN bytes(32), None, Random(32);
    CKM_ARIA_KEY_GEN bytes(32), None, Random(32);
    CKM_SEED_KEY_GEN None, None, Random(16);
    CKM_DES_KEY_GEN None, None, Random(8);
    CKM_DES2_KEY_GEN None, None, Random(16);
    CKM_DES3_KEY_GEN None, None, Random(24);
    CKM_CAST128_KEY_GEN bytes(16), None, Random(16);
    CKM_IDEA_KEY_GEN None, None, Random(16);
    CKM_BLOWFISH_KEY_GEN bytes(16), None, Random(16);
    CKM_RC2_KEY_GEN bytes(16), None, Random(16);
    CKM_RC4_KEY_GEN bytes(16), None, Random(16);
    CKM_HOTP_KEY_GEN None, None, Random(20);
    CKM_HKDF_KEY_GEN bytes(32), None, Random(32);
    CKM_SHA_1_KEY_GEN bytes(32), None, Random(32);
    CKM_SHA224_KEY_GEN bytes(32), None, Random(32);
    CKM_SHA256_KEY_GEN bytes(32), None, Random(32);
    CKM_SHA384_KEY_GEN bytes(32), None, Random(32);
    CKM_SHA512_KEY_GEN bytes(32), None, Random(32);
    CKM_SHA512_224_KEY_GEN bytes(32), None, Random(32);
    CKM_SHA512_256_KEY_GEN bytes(32), None, Random(32);
    CKM_SHA512_T_KEY_GEN bytes(32), None, Random(32);
    CKM_SHA3_224_KEY_GEN bytes(32), None, Random(32);
    CKM_SHA3_256_KEY_GEN bytes(32), None, Random(32);
    CKM_SHA3_384_KEY_GEN bytes(32), None, Random(32);
    CKM_SHA3_512_KEY_GEN bytes(32), None, Random(32);
    CKM_BLAKE2B_160_KEY_GEN bytes(32), None, Random(32);
    CKM_BLAKE2B_256_KEY_GEN bytes(32), None, Random(32);
    CKM_BLAKE2B_384_KEY_GEN bytes(32), None, Random(32);
    CKM_BLAKE2B_512_KEY_GEN bytes(32), None, Random(32);
    // Two of the 48 bytes are the version.
    CKM_TLS_PRE_MASTER_KEY_GEN None, Raw(&[3, 3]), Random(46);
    CKM_PKCS5_PBKD2 bytes(32), Pbkd2, Derived(PBKDF2, 32, None);
    CKM_PBE_SHA1_DES3_EDE_CBC None, Pbe, Derived(KEY, 24, IV);
    CKM_PBE_SHA1_DES2_EDE_CBC None, Pbe, Derived(KEY, 16, IV);
    CKM_PBE_SHA1_RC2_128_CBC None, Pbe, Derived(KEY, 16, IV);
    CKM_PBE_SHA1_RC2_40_CBC None, Pbe, Derived(KEY, 5, IV);
    CKM_PBE_SHA1_RC4_128 None, Pbe, Derived(KEY, 16, None);
    CKM_PBE_SHA1_RC4_40 None, Pbe, Derived(KEY, 5, None);
    CKM_PBA_SHA1_WITH_SHA1_HMAC None, Pbe, Derived(MAC, 20, None);
    // Key and IV are the halves of one digest.
    CKM_PBE_MD5_DES_CBC None, Pbe, Derived(PBKDF1, 16, None);
    CKM_DSA_PARAMETER_GEN bits(1024), None, WITH_ORDER;
    CKM_DSA_PROBABILISTIC_PARAMETER_GEN bits(1024), Seed, WITH_ORDER;
    CKM_X9_42_DH_PARAMETER_GEN bits(1024), None, WITH_ORDER;
    CKM_DH_PKCS_PARAMETER_GEN bits(512), None, SAFE_PRIME;
};

/// What makes pairs.
pub const PAIRS: &[(&str, &Pair)] = &[
    ("RSA_PKCS_KEY_PAIR_GEN 2048", pairs::RSA),
    ("DSA_KEY_PAIR_GEN 1024", pairs::DSA),
    ("DH_PKCS_KEY_PAIR_GEN ffdhe2048", pairs::DH),
    ("X9_42_DH_KEY_PAIR_GEN 1024", pairs::X9_42_DH),
    ("EC_KEY_PAIR_GEN P-256", pairs::P256),
    ("EC_KEY_PAIR_GEN P-384", pairs::P384),
    ("EC_KEY_PAIR_GEN P-521", pairs::P521),
    ("EC_KEY_PAIR_GEN_W_EXTRA_BITS P-256", pairs::P256_EXTRA),
    ("EC_EDWARDS_KEY_PAIR_GEN Ed25519", pairs::ED25519),
    ("EC_EDWARDS_KEY_PAIR_GEN Ed448", pairs::ED448),
    ("EDDSA key pair, Ed25519", pairs::ED25519_EDDSA),
    ("EC_MONTGOMERY_KEY_PAIR_GEN X25519", pairs::X25519),
    ("EC_MONTGOMERY_KEY_PAIR_GEN X448", pairs::X448),
    ("ML_KEM_KEY_PAIR_GEN 768", pairs::ML_KEM_768),
    ("ML_DSA_KEY_PAIR_GEN 44", pairs::ML_DSA_44),
    ("SLH_DSA_KEY_PAIR_GEN SHA2-128f", pairs::SLH_DSA_128F),
];

/// Every row.
pub fn cases() -> impl Iterator<Item = Case> {
    let single = GENERATIONS.iter().map(|row| {
        let floor = move || match row.beside {
            Random(length) => Bytes::Random.objects(0, vec![length]),
            Derived(key, length, None) => key.objects(0, vec![length]),
            Derived(key, length, Some(iv)) => Ok(floor::together(vec![key.objects(0, vec![length])?, iv.run(0, 8)?])),
            Beside::Parameters(name, options) => floor::parameters(name, options),
        };
        Case::new(named_bare(row.name), floor, move |s| generation(s, row)).within(Limit::Short)
    });
    let pairs = PAIRS.iter().map(|(name, pair)| {
        let floor = || floor::generation(pair.floor, pair.options);
        Case::new(*name, floor, |s| pair_generation(s, pair)).within(Limit::Short)
    });
    single.chain(pairs)
}

fn generation(session: Session, row: &'static Generation) -> Result<Run, String> {
    let mut mechanism = row.parameter.given(row.mechanism, &session)?.mechanism;
    let template: Vec<Attribute<'static>> =
        [(CKA_TOKEN, &NO[..])].into_iter().chain(row.said.map(|(of, number)| (of, ulong(number)))).collect();
    if let Derived(key, _, _) = row.beside {
        // The parity of DES is nothing that OpenSSL's derivations know.
        let parity = u8::from(row.name.contains("DES"));
        let shown: Vec<Attribute<'_>> = template.iter().chain(derivation::SHOWN).copied().collect();
        let made = session.generate(&mut mechanism, &shown)?;
        derivation::same(&session.bytes(made, CKA_VALUE)?, key.fill(0)?, parity)?;
        session.destroy(made)?;
    }
    Ok(Box::new(move || {
        let made = session.generate(&mut mechanism, &template)?;
        session.destroy(made)
    }))
}

fn pair_generation(session: Session, pair: &'static Pair) -> Result<Run, String> {
    let make = pair.maker(&session)?;
    Ok(Box::new(move || {
        let (public, private) = make(&session)?;
        session.destroy(public)?;
        session.destroy(private)
    }))
}
