//! What C_GetMechanismInfo says besides what a mechanism does (PKCS#11 3.2 section 5.5.6): the least and the largest
//! key, in bits or bytes, and what curves and points there are. The numbers are compared with keys that work and keys
//! that do not, whatever rows they come from.

use crate::mechanisms::mechanism;
use kit::{Mechanism, Module, Object, Session, Template, ck, code, curve, isolated, mechanism_name, pattern};

/// Types of secret keys, and whether their keys may be very long.
const SECRETS: [(ck::CK_KEY_TYPE, bool); 18] = [
    (ck::CKK_AES, false),
    (ck::CKK_AES_XTS, false),
    (ck::CKK_CAMELLIA, false),
    (ck::CKK_ARIA, false),
    (ck::CKK_SEED, false),
    (ck::CKK_DES, false),
    (ck::CKK_DES2, false),
    (ck::CKK_DES3, false),
    (ck::CKK_CAST128, false),
    (ck::CKK_IDEA, false),
    (ck::CKK_BLOWFISH, false),
    (ck::CKK_RC2, false),
    (ck::CKK_RC4, false),
    (ck::CKK_CHACHA20, false),
    (ck::CKK_POLY1305, false),
    (ck::CKK_HKDF, true),
    (ck::CKK_GENERIC_SECRET, true),
    (ck::CKK_HOTP, true),
];
/// The longest secret in bytes.
const LONGEST: usize = 1 << 20;

/// A key that may be used for anything, if there is such a key.
fn key(session: &Session<'_>, key_type: ck::CK_KEY_TYPE, length: usize) -> Option<Object> {
    let class = if key_type == ck::CKK_HOTP { ck::CKO_OTP_KEY } else { ck::CKO_SECRET_KEY };
    let key = Template::new().class(class).key_type(key_type).bytes(ck::CKA_VALUE, pattern::key(key_type, length));
    let key = session.create(&key.sensitive(false).extractable(true).flag(ck::CKA_DERIVE, true));
    if let Err(error) = key {
        assert_eq!(error, ck::CKR_ATTRIBUTE_VALUE_INVALID, "{key_type:#x} of {length}");
    }
    key.ok()
}

/// Keys of every type and of every length that one can have, each beside a length that it cannot have.
fn keys(session: &Session<'_>) -> Vec<(ck::CK_KEY_TYPE, usize, Object)> {
    let all = |(key_type, long): (ck::CK_KEY_TYPE, bool)| {
        let lengths = (0..=65)
            .chain([127, 128, 129, 255, 256, 257])
            .chain([LONGEST, LONGEST + 1].into_iter().filter(move |_| long));
        lengths.filter_map(move |length| Some((key_type, length, key(session, key_type, length)?)))
    };
    SECRETS.into_iter().flat_map(all).collect()
}

/// The sizes that a mechanism tells.
fn told(module: &Module, of: ck::CK_MECHANISM_TYPE) -> (u64, u64) {
    let info = module.mechanism_info(0, of).unwrap();
    (info.ulMinKeySize, info.ulMaxKeySize)
}

/// Bits where the standard has bits for a cipher, else bytes.
fn size(of: ck::CK_MECHANISM_TYPE, bytes: usize) -> u64 {
    let bits = [ck::CKM_RC4, ck::CKM_RC4_KEY_GEN, ck::CKM_RC2_KEY_GEN].contains(&of);
    if bits { 8 * bytes as u64 } else { bytes as u64 }
}

/// C_EncryptInit or C_SignInit.
type Begin = fn(&Session<'_>, &Mechanism, Object) -> kit::Result<()>;

/// Effective bits of RC2, which its parameter says.
fn is_rc2(of: ck::CK_MECHANISM_TYPE) -> bool {
    mechanism_name(of).is_some_and(|name| name.starts_with("RC2_"))
}

#[test]
fn a_mechanism_takes_secret_keys_of_the_sizes_that_it_tells_and_no_others() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let keys = keys(&session);
        let mut checked = 0;
        for of in module.mechanisms(0).unwrap() {
            let flags = module.mechanism_info(0, of).unwrap().flags;
            let (begin, cancel): (Begin, _) = match flags {
                flags if flags & ck::CKF_ENCRYPT != 0 => (|s, m, key| s.encrypt_init(m, key), ck::CKF_ENCRYPT),
                flags if flags & ck::CKF_SIGN != 0 => (|s, m, key| s.sign_init(m, key), ck::CKF_SIGN),
                _ => continue,
            };
            let mechanism = mechanism(of);
            let mut taken = Vec::new();
            for (key_type, length, key) in &keys {
                let begun = code(begin(&session, &mechanism, *key));
                session.cancel(cancel).unwrap();
                match begun.0 {
                    ck::CKR_OK => taken.push(size(of, *length)),
                    refused => assert!(
                        [ck::CKR_KEY_TYPE_INCONSISTENT, ck::CKR_KEY_SIZE_RANGE].contains(&refused),
                        "{of:#x} with {key_type:#x} of {length}: {begun}"
                    ),
                }
            }
            // Pairs are below.
            let (Some(least), Some(most)) = (taken.iter().min(), taken.iter().max()) else { continue };
            if !is_rc2(of) {
                assert_eq!((*least, *most), told(&module, of), "{of:#x}");
                checked += 1;
            }
        }
        assert!(checked > 100, "{checked}");
    });
}

#[test]
fn rc2_works_with_the_effective_bits_that_it_tells_and_no_others() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let long = key(&session, ck::CKK_RC2, 128).unwrap();
        for of in [ck::CKM_RC2_ECB, ck::CKM_RC2_CBC, ck::CKM_RC2_CBC_PAD, ck::CKM_RC2_MAC, ck::CKM_RC2_MAC_GENERAL] {
            let (least, most) = told(&module, of);
            let begin = |bits| {
                let begun = match of {
                    ck::CKM_RC2_ECB => session.encrypt_init(&Mechanism::number(of, bits), long),
                    ck::CKM_RC2_MAC => session.sign_init(&Mechanism::number(of, bits), long),
                    ck::CKM_RC2_MAC_GENERAL => session.sign_init(&Mechanism::rc2_mac_general(bits, 4), long),
                    _ => session.encrypt_init(&Mechanism::rc2_cbc(of, bits, [1; 8]), long),
                };
                session.cancel(ck::CKF_ENCRYPT | ck::CKF_SIGN).unwrap();
                code(begun)
            };
            for (bits, expected) in [
                (least, ck::CKR_OK),
                (most, ck::CKR_OK),
                (least - 1, ck::CKR_MECHANISM_PARAM_INVALID),
                (most + 1, ck::CKR_MECHANISM_PARAM_INVALID),
            ] {
                assert_eq!(begin(bits), expected, "{of:#x} with {bits} bits");
            }
        }
    });
}

#[test]
fn secret_keys_are_made_of_the_sizes_that_are_told_and_of_no_others() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let mut checked = 0;
        for of in module.mechanisms(0).unwrap() {
            let name = mechanism_name(of).unwrap();
            if !name.ends_with("_KEY_GEN") || module.mechanism_info(0, of).unwrap().flags & ck::CKF_GENERATE == 0 {
                continue;
            }
            let (least, most) = told(&module, of);
            // Keys of DES have no length that a template could say, and neither has the first secret of TLS.
            if name.starts_with("DES") || of == ck::CKM_TLS_PRE_MASTER_KEY_GEN {
                continue;
            }
            let unit = size(of, 1);
            let make = |length| {
                let template = Template::new().ulong(ck::CKA_VALUE_LEN, length);
                code(session.generate_key(&mechanism(of), &template))
            };
            for (length, expected) in [
                (least.div_ceil(unit), ck::CKR_OK),
                (most / unit, ck::CKR_OK),
                (least.div_ceil(unit) - 1, ck::CKR_KEY_SIZE_RANGE),
                (most / unit + 1, ck::CKR_KEY_SIZE_RANGE),
            ] {
                assert_eq!(make(length), expected, "{name} of {length}");
            }
            checked += 1;
        }
        assert!(checked > 25, "{checked}");
    });
}

#[test]
fn keys_are_derived_by_hash_from_secrets_of_the_sizes_that_are_told() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let mut checked = 0;
        for of in module.mechanisms(0).unwrap() {
            let name = mechanism_name(of).unwrap();
            if !name.ends_with("_KEY_DERIVATION") && !name.ends_with("_KEY_DERIVE") || name.starts_with("TLS") {
                continue;
            }
            let (least, most) = told(&module, of);
            assert_eq!((least, most), (1, LONGEST as u64), "{name}");
            let derivation =
                if of == ck::CKM_SHA512_T_KEY_DERIVATION { Mechanism::number(of, 256) } else { mechanism(of) };
            for length in [least, most] {
                let base = key(&session, ck::CKK_GENERIC_SECRET, length as usize).unwrap();
                session
                    .derive(&derivation, base, &Template::new().ulong(ck::CKA_VALUE_LEN, 16))
                    .unwrap_or_else(|error| panic!("{name} {length}: {error}"));
            }
            checked += 1;
        }
        assert!(checked > 15, "{checked}");
    });
}

/// The families of pairs whose sizes are bytes of a public key: the beginning of their mechanisms' names, what makes
/// a pair, and the parameter sets with the shortest and the longest key.
const SETS: [(&[&str], ck::CK_MECHANISM_TYPE, [ck::CK_ULONG; 2]); 3] = [
    (&["ML_KEM"], ck::CKM_ML_KEM_KEY_PAIR_GEN, [ck::CKP_ML_KEM_512, ck::CKP_ML_KEM_1024]),
    (&["ML_DSA", "HASH_ML_DSA"], ck::CKM_ML_DSA_KEY_PAIR_GEN, [ck::CKP_ML_DSA_44, ck::CKP_ML_DSA_87]),
    (
        &["SLH_DSA", "HASH_SLH_DSA"],
        ck::CKM_SLH_DSA_KEY_PAIR_GEN,
        [ck::CKP_SLH_DSA_SHA2_128F, ck::CKP_SLH_DSA_SHA2_256F],
    ),
];

#[test]
fn pairs_of_every_parameter_set_have_public_keys_of_the_sizes_that_are_told() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let listed = module.mechanisms(0).unwrap();
        for (names, generator, [shortest, longest]) in SETS {
            let length = |set| session.bytes(session.pq_pair(generator, set).0, ck::CKA_VALUE).unwrap().len() as u64;
            let expected = (length(shortest), length(longest));
            let family = |of: &&ck::CK_MECHANISM_TYPE| {
                names.iter().any(|start| mechanism_name(**of).unwrap().starts_with(start))
            };
            let mut seen = 0;
            for of in listed.iter().filter(family) {
                assert_eq!(told(&module, *of), expected, "{of:#x}");
                seen += 1;
            }
            assert!(seen >= 2, "{generator:#x}");
        }
    });
}

/// CKA_EC_PARAMS of brainpoolP160r1, the smallest curve; P-521 is the largest.
const SMALLEST: [u8; 11] = [6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 1];

#[test]
fn curves_have_the_sizes_and_the_flags_that_are_told() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let common = ck::CKF_EC_F_P | ck::CKF_EC_OID | ck::CKF_EC_CURVENAME;
        let points = ck::CKF_EC_UNCOMPRESS | ck::CKF_EC_COMPRESS;
        let all = common | points | ck::CKF_EC_F_2M | ck::CKF_EC_ECPARAMETERS;
        let mut seen = 0;
        for of in module.mechanisms(0).unwrap() {
            let flags = module.mechanism_info(0, of).unwrap().flags & all;
            let name = mechanism_name(of).unwrap();
            let twisted =
                ["EC_EDWARDS", "EDDSA", "EC_MONTGOMERY", "ECDH_X_"].iter().any(|start| name.starts_with(start));
            let expected = match name {
                _ if twisted => (common, (255, 448)),
                name if name.starts_with("EC") => (common | points, (160, 521)),
                _ => (0, told(&module, of)),
            };
            assert_eq!((flags, told(&module, of)), expected, "{name}");
            seen += usize::from(flags != 0);
        }
        assert!(seen >= 17, "{seen}");
        for params in [&SMALLEST[..], curve::P521] {
            session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, params);
        }
        // By name and by OID; in a field of characteristic two there is none (sect163r2).
        session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, b"\x13\x0fbrainpoolP160r1");
        let binary = Template::new().bytes(ck::CKA_EC_PARAMS, [6, 5, 0x2b, 0x81, 4, 0, 15]);
        let refused = session.generate_key_pair(&Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN), &binary, &Template::new());
        assert_eq!(code(refused), ck::CKR_CURVE_NOT_SUPPORTED);
    });
}
