//! Keys and domain parameters by C_GenerateKey, and pairs by C_GenerateKeyPair: with every mechanism, of every type.

use crate::rows::birth::{Birth, Made};
use crate::rows::samples::{ONE_LENGTH, Samples, named, secret_length};
use crate::rows::table::{KINDS, Way, kind};
use kit::kinds::least_public;
use kit::{Length, Mechanism, Session, Template, ck, code, isolated};
use std::collections::BTreeSet;

/// How long a secret key becomes.
#[derive(Clone, Copy, PartialEq)]
enum Bytes {
    /// As long as the template says, which must.
    Said,
    /// The same, but of types that have one length only.
    OfType,
    /// So long unless the template says otherwise.
    Own(u64),
}

/// Mechanism, the types of its keys (the first is what a template gets that names none), and their length.
struct Generator(ck::CK_MECHANISM_TYPE, &'static [ck::CK_KEY_TYPE], Bytes);

use Bytes::{OfType, Own, Said};

const SECRETS: &[Generator] = &[
    Generator(ck::CKM_GENERIC_SECRET_KEY_GEN, GENERIC, Said),
    Generator(ck::CKM_HKDF_KEY_GEN, &[ck::CKK_HKDF], Said),
    Generator(ck::CKM_AES_KEY_GEN, &[ck::CKK_AES], OfType),
    Generator(ck::CKM_AES_XTS_KEY_GEN, &[ck::CKK_AES_XTS], OfType),
    Generator(ck::CKM_CAMELLIA_KEY_GEN, &[ck::CKK_CAMELLIA], OfType),
    Generator(ck::CKM_ARIA_KEY_GEN, &[ck::CKK_ARIA], OfType),
    Generator(ck::CKM_SEED_KEY_GEN, &[ck::CKK_SEED], OfType),
    Generator(ck::CKM_DES_KEY_GEN, &[ck::CKK_DES], OfType),
    Generator(ck::CKM_DES2_KEY_GEN, &[ck::CKK_DES2], OfType),
    Generator(ck::CKM_DES3_KEY_GEN, &[ck::CKK_DES3], OfType),
    Generator(ck::CKM_CHACHA20_KEY_GEN, &[ck::CKK_CHACHA20], OfType),
    Generator(ck::CKM_POLY1305_KEY_GEN, &[ck::CKK_POLY1305], OfType),
    Generator(ck::CKM_RC2_KEY_GEN, &[ck::CKK_RC2], OfType),
    Generator(ck::CKM_RC4_KEY_GEN, &[ck::CKK_RC4], OfType),
    Generator(ck::CKM_CAST128_KEY_GEN, &[ck::CKK_CAST128], OfType),
    Generator(ck::CKM_IDEA_KEY_GEN, &[ck::CKK_IDEA], OfType),
    Generator(ck::CKM_BLOWFISH_KEY_GEN, &[ck::CKK_BLOWFISH], OfType),
    Generator(ck::CKM_SHA_1_KEY_GEN, &[ck::CKK_SHA_1_HMAC], Own(20)),
    Generator(ck::CKM_SHA224_KEY_GEN, &[ck::CKK_SHA224_HMAC], Own(28)),
    Generator(ck::CKM_SHA256_KEY_GEN, &[ck::CKK_SHA256_HMAC], Own(32)),
    Generator(ck::CKM_SHA384_KEY_GEN, &[ck::CKK_SHA384_HMAC], Own(48)),
    Generator(ck::CKM_SHA512_KEY_GEN, &[ck::CKK_SHA512_HMAC], Own(64)),
    Generator(ck::CKM_SHA512_224_KEY_GEN, &[ck::CKK_SHA512_224_HMAC], Own(28)),
    Generator(ck::CKM_SHA512_256_KEY_GEN, &[ck::CKK_SHA512_256_HMAC], Own(32)),
    Generator(ck::CKM_SHA512_T_KEY_GEN, &[ck::CKK_SHA512_T_HMAC], Own(64)),
    Generator(ck::CKM_SHA3_224_KEY_GEN, &[ck::CKK_SHA3_224_HMAC], Own(28)),
    Generator(ck::CKM_SHA3_256_KEY_GEN, &[ck::CKK_SHA3_256_HMAC], Own(32)),
    Generator(ck::CKM_SHA3_384_KEY_GEN, &[ck::CKK_SHA3_384_HMAC], Own(48)),
    Generator(ck::CKM_SHA3_512_KEY_GEN, &[ck::CKK_SHA3_512_HMAC], Own(64)),
    Generator(ck::CKM_BLAKE2B_160_KEY_GEN, &[ck::CKK_BLAKE2B_160_HMAC], Own(20)),
    Generator(ck::CKM_BLAKE2B_256_KEY_GEN, &[ck::CKK_BLAKE2B_256_HMAC], Own(32)),
    Generator(ck::CKM_BLAKE2B_384_KEY_GEN, &[ck::CKK_BLAKE2B_384_HMAC], Own(48)),
    Generator(ck::CKM_BLAKE2B_512_KEY_GEN, &[ck::CKK_BLAKE2B_512_HMAC], Own(64)),
    Generator(ck::CKM_TLS_PRE_MASTER_KEY_GEN, &[ck::CKK_GENERIC_SECRET], Own(48)),
    Generator(ck::CKM_PKCS5_PBKD2, ALL, OfType),
    Generator(ck::CKM_PBE_SHA1_DES3_EDE_CBC, &[ck::CKK_DES3], OfType),
    Generator(ck::CKM_PBE_SHA1_DES2_EDE_CBC, &[ck::CKK_DES2], OfType),
    Generator(ck::CKM_PBE_SHA1_RC2_128_CBC, &[ck::CKK_RC2], Own(16)),
    Generator(ck::CKM_PBE_SHA1_RC2_40_CBC, &[ck::CKK_RC2], Own(5)),
    Generator(ck::CKM_PBE_SHA1_RC4_128, &[ck::CKK_RC4], Own(16)),
    Generator(ck::CKM_PBE_SHA1_RC4_40, &[ck::CKK_RC4], Own(5)),
    Generator(ck::CKM_PBE_MD5_DES_CBC, &[ck::CKK_DES], OfType),
    Generator(ck::CKM_PBA_SHA1_WITH_SHA1_HMAC, &[ck::CKK_GENERIC_SECRET], Own(20)),
];
const OTPS: &[Generator] = &[Generator(ck::CKM_HOTP_KEY_GEN, &[ck::CKK_HOTP], Own(20))];

/// Generic secrets, and keys that are for a MAC and come in any length.
const GENERIC: &[ck::CK_KEY_TYPE] = &[
    ck::CKK_GENERIC_SECRET,
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
/// Every type of secret keys.
const ALL: &[ck::CK_KEY_TYPE] = &{
    let (mut types, mut found, mut row) = ([0; 35], 0, 0);
    while row < KINDS.len() {
        if let (ck::CKO_SECRET_KEY, Some(key_type)) = (KINDS[row].class, KINDS[row].subtype) {
            types[found] = key_type;
            found += 1;
        }
        row += 1;
    }
    assert!(found == types.len());
    types
};
/// What follows from a password.
const KNOWN: &[ck::CK_MECHANISM_TYPE] = &[
    ck::CKM_PKCS5_PBKD2,
    ck::CKM_PBE_SHA1_DES3_EDE_CBC,
    ck::CKM_PBE_SHA1_DES2_EDE_CBC,
    ck::CKM_PBE_SHA1_RC2_128_CBC,
    ck::CKM_PBE_SHA1_RC2_40_CBC,
    ck::CKM_PBE_SHA1_RC4_128,
    ck::CKM_PBE_SHA1_RC4_40,
    ck::CKM_PBE_MD5_DES_CBC,
    ck::CKM_PBA_SHA1_WITH_SHA1_HMAC,
];
/// Mechanism, type, and bits of the prime.
const DOMAINS: &[(ck::CK_MECHANISM_TYPE, ck::CK_KEY_TYPE, ck::CK_ULONG)] = &[
    (ck::CKM_DH_PKCS_PARAMETER_GEN, ck::CKK_DH, 512),
    (ck::CKM_X9_42_DH_PARAMETER_GEN, ck::CKK_X9_42_DH, 1024),
    (ck::CKM_DSA_PARAMETER_GEN, ck::CKK_DSA, 1024),
    (ck::CKM_DSA_PROBABILISTIC_PARAMETER_GEN, ck::CKK_DSA, 1024),
];
const PAIRS: &[(ck::CK_MECHANISM_TYPE, ck::CK_KEY_TYPE)] = &[
    (ck::CKM_RSA_PKCS_KEY_PAIR_GEN, ck::CKK_RSA),
    (ck::CKM_EC_KEY_PAIR_GEN, ck::CKK_EC),
    (ck::CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS, ck::CKK_EC),
    (ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, ck::CKK_EC_EDWARDS),
    // As GnuTLS asks for it.
    (ck::CKM_EDDSA, ck::CKK_EC_EDWARDS),
    (ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, ck::CKK_EC_MONTGOMERY),
    (ck::CKM_ML_KEM_KEY_PAIR_GEN, ck::CKK_ML_KEM),
    (ck::CKM_ML_DSA_KEY_PAIR_GEN, ck::CKK_ML_DSA),
    (ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKK_SLH_DSA),
    (ck::CKM_DH_PKCS_KEY_PAIR_GEN, ck::CKK_DH),
    (ck::CKM_X9_42_DH_KEY_PAIR_GEN, ck::CKK_X9_42_DH),
    (ck::CKM_DSA_KEY_PAIR_GEN, ck::CKK_DSA),
];

fn mechanism(of: ck::CK_MECHANISM_TYPE) -> Mechanism {
    match of {
        ck::CKM_TLS_PRE_MASTER_KEY_GEN => Mechanism::bytes(of, [3, 3]),
        ck::CKM_PKCS5_PBKD2 => Mechanism::pbkd2(ck::CKP_PKCS5_PBKD2_HMAC_SHA256, b"x", b"salt", 1, Length::Number),
        of if KNOWN.contains(&of) => Mechanism::pbe(of, b"x", b"salt", 1),
        ck::CKM_DSA_PROBABILISTIC_PARAMETER_GEN => {
            let (hash, nowhere) = (ck::CKM_SHA_1, std::ptr::null_mut());
            let value = ck::CK_DSA_PARAMETER_GEN_PARAM { hash, pSeed: nowhere, ulSeedLen: 0, ulIndex: 0 };
            Mechanism::structure(of, value, Vec::new())
        }
        of => Mechanism::plain(of),
    }
}

/// What every generated object has in common.
fn birth<'a>(
    session: &'a Session<'a>,
    (class, key_type): (ck::CK_OBJECT_CLASS, ck::CK_KEY_TYPE),
    of: ck::CK_MECHANISM_TYPE,
    least: Template,
) -> Birth<'a> {
    let by = kit::mechanism_name(of).expect("a name");
    let mut birth = Birth::new(session, kind(class, key_type), Way::Generated, by, least);
    birth.past = (true, true);
    birth.repeats = KNOWN.contains(&of);
    let birth = birth.says(ck::CKA_LOCAL, [1]).says(ck::CKA_KEY_GEN_MECHANISM, of.to_ne_bytes());
    birth.makes(move |template| session.generate_key(&mechanism(of), template).map(Made::alone))
}

fn single<'a>(session: &'a Session<'a>, class: ck::CK_OBJECT_CLASS, generator: &Generator) -> Vec<Birth<'a>> {
    let Generator(of, types, length) = generator;
    let of_type = |key_type: &ck::CK_KEY_TYPE| {
        let mut least = Template::new();
        if types[0] != *key_type {
            least = least.key_type(*key_type);
        }
        if *length == Said || *length == OfType && !ONE_LENGTH.contains(key_type) {
            least = least.ulong(ck::CKA_VALUE_LEN, secret_length(*key_type) as ck::CK_ULONG);
        }
        let birth = birth(session, (class, *key_type), *of, least);
        match length {
            Own(length) => birth.says(ck::CKA_VALUE_LEN, length.to_ne_bytes()),
            _ => birth,
        }
    };
    types.iter().map(of_type).collect()
}

#[test]
fn a_generated_secret_key_says_and_its_template_gives_what_the_table_says() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let secrets = SECRETS.iter().flat_map(|generator| single(&session, ck::CKO_SECRET_KEY, generator));
        let otps = OTPS.iter().flat_map(|generator| single(&session, ck::CKO_OTP_KEY, generator));
        let all: Vec<_> = secrets.chain(otps).collect();
        all.iter().for_each(Birth::holds);
        env.report(&format!("{} ways to generate secret keys\n", all.len()));
    });
}

#[test]
fn generated_domain_parameters_say_and_their_template_gives_what_the_table_says() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (of, key_type, bits) in DOMAINS {
            let least = Template::new().ulong(ck::CKA_PRIME_BITS, *bits);
            let mut birth = birth(&session, (ck::CKO_DOMAIN_PARAMETERS, *key_type), *of, least);
            birth.slow = true;
            birth.holds();
        }
    });
}

#[test]
fn both_halves_of_a_generated_pair_say_and_their_templates_give_what_the_table_says() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let samples = Samples::new(&session);
        for (of, key_type) in PAIRS {
            let (session, least) = (&session, least_public(*key_type).unwrap_or_else(|| samples.domain(*key_type)));
            let pair =
                |public: &Template, private: &Template| session.generate_key_pair(&mechanism(*of), public, private);
            let mut public = birth(session, (ck::CKO_PUBLIC_KEY, *key_type), *of, least.clone());
            if *key_type == ck::CKK_RSA {
                public = public.says(ck::CKA_PUBLIC_EXPONENT, [1, 0, 1]);
            }
            let public = public.makes(|template| {
                let (public, private) = pair(template, &Template::new())?;
                Ok(Made { object: public, public: Some(public), like: Some(private) })
            });
            public.holds();
            let private = birth(session, (ck::CKO_PRIVATE_KEY, *key_type), *of, Template::new());
            let private = private.makes(|template| {
                let (public, private) = pair(&least, template)?;
                Ok(Made { object: private, public: Some(public), like: Some(public) })
            });
            private.holds();
        }
        env.report(&format!("{} ways to generate pairs\n", PAIRS.len()));
    });
}

#[test]
fn every_generation_mechanism_is_among_them_and_makes_no_other_kind_of_object() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let listed = |flag| -> BTreeSet<_> {
            let all = module.mechanisms(0).unwrap();
            all.into_iter().filter(|of| module.mechanism_info(0, *of).unwrap().flags & flag != 0).collect()
        };
        let secrets = SECRETS.iter().map(|Generator(of, types, _)| (*of, ck::CKO_SECRET_KEY, types.to_vec()));
        let otps = OTPS.iter().map(|Generator(of, types, _)| (*of, ck::CKO_OTP_KEY, types.to_vec()));
        let domains = DOMAINS.iter().map(|(of, key_type, _)| (*of, ck::CKO_DOMAIN_PARAMETERS, vec![*key_type]));
        let single: Vec<_> = secrets.chain(otps).chain(domains).collect();
        assert_eq!(listed(ck::CKF_GENERATE), single.iter().map(|row| row.0).collect());
        assert_eq!(listed(ck::CKF_GENERATE_KEY_PAIR), PAIRS.iter().map(|row| row.0).collect());
        for kind in KINDS {
            for (of, class, types) in &single {
                if kind.class != *class || !kind.subtype.is_some_and(|key_type| types.contains(&key_type)) {
                    let refused = code(session.generate_key(&mechanism(*of), &named(kind)));
                    assert_eq!(refused, ck::CKR_TEMPLATE_INCONSISTENT, "{of:#x} {:#x} {:x?}", kind.class, kind.subtype);
                }
            }
        }
    });
}
