//! What the token computes of a key, computed here once more: from the standards that define it, with nothing of the
//! module but ciphers and hashes that have vectors of their own.

use crate::rows::birth::Made;
use crate::rows::table::Kind;
use kit::judge::{element, integer, numbers};
use kit::{Mechanism, Object, Session, Template, ck, code};

/// Holds one attribute against what it must be.
pub fn check(session: &Session<'_>, kind: &Kind, made: Made, of: ck::CK_ATTRIBUTE_TYPE, at: &str) {
    let number = |number: u64| number.to_ne_bytes().to_vec();
    let bytes = |of| session.bytes(made.object, of).unwrap_or_else(|error| panic!("{at}: {of:#x}: {error}"));
    // The halves of a pair have everything in common but this.
    let like = |like: &Object| of != ck::CKA_VALUE || session.ulong(*like, ck::CKA_CLASS) == Ok(kind.class);
    let expected = match of {
        ck::CKA_CLASS => number(kind.class),
        ck::CKA_KEY_TYPE | ck::CKA_CERTIFICATE_TYPE => number(kind.subtype.unwrap()),
        ck::CKA_VALUE_LEN => number(bytes(ck::CKA_VALUE).len() as u64),
        ck::CKA_MODULUS_BITS => number(bits(&bytes(ck::CKA_MODULUS))),
        ck::CKA_PRIME_BITS => number(bits(&bytes(ck::CKA_PRIME))),
        ck::CKA_SUBPRIME_BITS => number(bits(&bytes(ck::CKA_SUBPRIME))),
        ck::CKA_VALUE_BITS => number(bits(&bytes(ck::CKA_VALUE))),
        ck::CKA_OTP_COUNTER => vec![0; 8],
        ck::CKA_CHECK_VALUE => check_value(session, kind, &bytes(ck::CKA_VALUE)),
        ck::CKA_PUBLIC_KEY_INFO if kind.class != ck::CKO_CERTIFICATE => {
            public_key_info(session, kind, made.public.expect("a public key"))
        }
        ck::CKA_PUBLIC_CRC64_VALUE => match crc64_of(session, kind, made.public.expect("a public key")) {
            Some(crc) => crc,
            // The standard defines none.
            None => return assert_eq!(code(session.bytes(made.object, of)), ck::CKR_ATTRIBUTE_TYPE_INVALID, "{at}"),
        },
        ck::CKA_UNIQUE_ID => {
            let found = session.find(&Template::new().bytes(of, bytes(of))).unwrap();
            return assert_eq!(found, [made.object], "{at}");
        }
        of => match made.like.filter(like).and_then(|like| session.bytes(like, of).ok()) {
            Some(same) => same,
            None => return assert!(!bytes(of).is_empty(), "{at}"),
        },
    };
    assert_eq!(bytes(of), expected, "{at}");
}

/// How long a number is.
fn bits(number: &[u8]) -> u64 {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros).map_or(0, |first| 8 * (number.len() - zeros) as u64 - u64::from(first.leading_zeros()))
}

/// PKCS#11 3.2 section 4.10.2: the beginning of a block of zeros, encrypted, else of the SHA-1 of the value.
fn check_value(session: &Session<'_>, kind: &Kind, value: &[u8]) -> Vec<u8> {
    let plain = Mechanism::plain;
    let cipher = match kind.subtype.filter(|_| kind.class == ck::CKO_SECRET_KEY) {
        Some(ck::CKK_AES) => Some((plain(ck::CKM_AES_ECB), 16)),
        Some(ck::CKK_CAMELLIA) => Some((plain(ck::CKM_CAMELLIA_ECB), 16)),
        Some(ck::CKK_ARIA) => Some((plain(ck::CKM_ARIA_ECB), 16)),
        Some(ck::CKK_SEED) => Some((plain(ck::CKM_SEED_ECB), 16)),
        Some(ck::CKK_DES) => Some((plain(ck::CKM_DES_ECB), 8)),
        Some(ck::CKK_DES2 | ck::CKK_DES3) => Some((plain(ck::CKM_DES3_ECB), 8)),
        Some(ck::CKK_CAST128) => Some((plain(ck::CKM_CAST128_ECB), 8)),
        Some(ck::CKK_IDEA) => Some((plain(ck::CKM_IDEA_ECB), 8)),
        Some(ck::CKK_RC2) => Some((Mechanism::number(ck::CKM_RC2_ECB, 8 * value.len() as u64), 8)),
        Some(ck::CKK_BLOWFISH) => Some((Mechanism::bytes(ck::CKM_BLOWFISH_CBC, [0; 8]), 8)),
        _ => None,
    };
    let mut check = match cipher {
        Some((cipher, block)) => {
            let key = session.create(&Template::secret_key(kind.subtype.unwrap(), value)).unwrap();
            session.encrypt_with(&cipher, key, &vec![0; block]).unwrap()
        }
        None => session.digest_with(&plain(ck::CKM_SHA_1), value).unwrap(),
    };
    check.truncate(3);
    check
}

const OID: u8 = 6;
const BIT_STRING: u8 = 3;
const OCTET_STRING: u8 = 4;
const SEQUENCE: u8 = 0x30;
const NULL: &[u8] = &[5, 0];

const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const DH_KEY_AGREEMENT: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 3, 1];
const DH_PUBLIC_NUMBER: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3e, 2, 1];
const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];
const ML_KEM_512: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 4, 1];
const ML_DSA_44: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17];
const SLH_DSA_SHA2_128F: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 21];

/// A SubjectPublicKeyInfo: RFC 3279, 5480, 8410, 9881, 9909, 9935. Of the lattices and hashes, the smallest set only.
fn public_key_info(session: &Session<'_>, kind: &Kind, public: Object) -> Vec<u8> {
    let bytes = |of| session.bytes(public, of).unwrap();
    let all = |of: &[ck::CK_ATTRIBUTE_TYPE]| {
        let values: Vec<Vec<u8>> = of.iter().map(|of| bytes(*of)).collect();
        numbers(&values.iter().map(Vec::as_slice).collect::<Vec<_>>())
    };
    let point = || {
        let point = bytes(ck::CKA_EC_POINT);
        assert_eq!((point[0], usize::from(point[1])), (OCTET_STRING, point.len() - 2));
        point[2..].to_vec()
    };
    let oid = |oid| element(OID, oid);
    let value = || bytes(ck::CKA_VALUE);
    let (algorithm, key) = match kind.subtype.unwrap() {
        ck::CKK_RSA => {
            let key = all(&[ck::CKA_MODULUS, ck::CKA_PUBLIC_EXPONENT]);
            ([oid(RSA_ENCRYPTION), NULL.to_vec()].concat(), key)
        }
        ck::CKK_EC => ([oid(EC_PUBLIC_KEY), bytes(ck::CKA_EC_PARAMS)].concat(), point()),
        ck::CKK_EC_EDWARDS | ck::CKK_EC_MONTGOMERY => (bytes(ck::CKA_EC_PARAMS), point()),
        ck::CKK_DH => ([oid(DH_KEY_AGREEMENT), all(&[ck::CKA_PRIME, ck::CKA_BASE])].concat(), integer(&value())),
        ck::CKK_X9_42_DH => {
            let group = all(&[ck::CKA_PRIME, ck::CKA_BASE, ck::CKA_SUBPRIME]);
            ([oid(DH_PUBLIC_NUMBER), group].concat(), integer(&value()))
        }
        ck::CKK_DSA => {
            let group = all(&[ck::CKA_PRIME, ck::CKA_SUBPRIME, ck::CKA_BASE]);
            ([oid(DSA), group].concat(), integer(&value()))
        }
        ck::CKK_ML_KEM => (oid(ML_KEM_512), value()),
        ck::CKK_ML_DSA => (oid(ML_DSA_44), value()),
        ck::CKK_SLH_DSA => (oid(SLH_DSA_SHA2_128F), value()),
        other => panic!("a pair of type {other:#x}"),
    };
    let (algorithm, key) = (element(SEQUENCE, &algorithm), element(BIT_STRING, &[&[0], key.as_slice()].concat()));
    element(SEQUENCE, &[algorithm, key].concat())
}

/// PKCS#11 3.2 section 4.9: the CRC-64 of ECMA-182 of CKA_MODULUS or of the public CKA_VALUE, the highest byte first.
fn crc64_of(session: &Session<'_>, kind: &Kind, public: Object) -> Option<Vec<u8>> {
    let of = match kind.subtype.unwrap() {
        ck::CKK_EC | ck::CKK_EC_EDWARDS | ck::CKK_EC_MONTGOMERY => return None,
        ck::CKK_RSA => ck::CKA_MODULUS,
        _ => ck::CKA_VALUE,
    };
    let bits =
        session.bytes(public, of).unwrap().into_iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1));
    let crc = bits.fold(0u64, |crc, bit| {
        let carry = crc >> 63 ^ u64::from(bit);
        (crc << 1) ^ (carry * 0x42f0_e1eb_a9ea_3693)
    });
    Some(crc.to_be_bytes().to_vec())
}
