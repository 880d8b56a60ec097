//! HMAC against RFC 4231 and RFC 2202, and its forms that are cut to a length.

use crate::sign::{round, sign_in_parts};
use kit::{Chance, Judge, Mechanism, Template, ck, hex, isolated};

/// A hash: its HMAC, the one of a given length, its own key type, its length.
struct Hash {
    whole: ck::CK_MECHANISM_TYPE,
    general: ck::CK_MECHANISM_TYPE,
    key_type: ck::CK_KEY_TYPE,
    length: usize,
    name: &'static str,
}

macro_rules! hash {
    ($whole:ident, $general:ident, $key_type:ident, $length:literal, $name:literal) => {
        Hash { whole: ck::$whole, general: ck::$general, key_type: ck::$key_type, length: $length, name: $name }
    };
}

const HASHES: [Hash; 11] = [
    hash!(CKM_SHA_1_HMAC, CKM_SHA_1_HMAC_GENERAL, CKK_SHA_1_HMAC, 20, "sha1"),
    hash!(CKM_SHA224_HMAC, CKM_SHA224_HMAC_GENERAL, CKK_SHA224_HMAC, 28, "sha224"),
    hash!(CKM_SHA256_HMAC, CKM_SHA256_HMAC_GENERAL, CKK_SHA256_HMAC, 32, "sha256"),
    hash!(CKM_SHA384_HMAC, CKM_SHA384_HMAC_GENERAL, CKK_SHA384_HMAC, 48, "sha384"),
    hash!(CKM_SHA512_HMAC, CKM_SHA512_HMAC_GENERAL, CKK_SHA512_HMAC, 64, "sha512"),
    hash!(CKM_SHA512_224_HMAC, CKM_SHA512_224_HMAC_GENERAL, CKK_SHA512_224_HMAC, 28, "sha512-224"),
    hash!(CKM_SHA512_256_HMAC, CKM_SHA512_256_HMAC_GENERAL, CKK_SHA512_256_HMAC, 32, "sha512-256"),
    hash!(CKM_SHA3_224_HMAC, CKM_SHA3_224_HMAC_GENERAL, CKK_SHA3_224_HMAC, 28, "sha3-224"),
    hash!(CKM_SHA3_256_HMAC, CKM_SHA3_256_HMAC_GENERAL, CKK_SHA3_256_HMAC, 32, "sha3-256"),
    hash!(CKM_SHA3_384_HMAC, CKM_SHA3_384_HMAC_GENERAL, CKK_SHA3_384_HMAC, 48, "sha3-384"),
    hash!(CKM_SHA3_512_HMAC, CKM_SHA3_512_HMAC_GENERAL, CKK_SHA3_512_HMAC, 64, "sha3-512"),
];

/// RFC 4231, test case 2, and RFC 2202, test case 2 of SHA-1: key "Jefe".
const JEFE: [(usize, &str); 5] = [
    (0, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
    (1, "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"),
    (2, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (3, "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"),
    (
        4,
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
    ),
];

#[test]
fn the_vectors_of_rfc_4231_come_out() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let jefe = session.secret(b"Jefe");
        for (hash, mac) in JEFE {
            let (hash, data) = (&HASHES[hash], b"what do ya want for nothing?");
            let mechanism = Mechanism::plain(hash.whole);
            assert_eq!(round(&session, &mechanism, (jefe, jefe), data), hex(mac), "{}", hash.name);
            for length in 1..=hash.length {
                let general = Mechanism::bytes(hash.general, (length as ck::CK_ULONG).to_ne_bytes());
                let cut = &hex(mac)[..length];
                assert_eq!(session.sign_with(&general, jefe, data).unwrap(), cut);
                session.verify_with(&general, jefe, data, cut).unwrap();
                let whole = session.verify_with(&general, jefe, data, &[cut, b"x"].concat()).unwrap_err();
                assert_eq!(whole, ck::CKR_SIGNATURE_LEN_RANGE);
            }
        }
        // Test case 6: a key longer than a block is hashed first.
        let long = session.secret(&[0xaa; 131]);
        let mac = session.sign_with(
            &Mechanism::plain(ck::CKM_SHA256_HMAC),
            long,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
        );
        assert_eq!(mac.unwrap(), hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"));
    });
}

#[test]
fn openssl_agrees_for_keys_and_data_of_every_size() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (judge, mut chance) = (Judge::new(), Chance::seeded(4231));
        for hash in HASHES {
            for (key, data) in [(1, 1), (20, 1000), (300, 77)] {
                let (key, data) = (chance.bytes(key), chance.bytes(data));
                let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
                let theirs = judge.macs(hash.name, &digits, &data);
                let own = session.create(&Template::secret_key(hash.key_type, &key)).unwrap();
                for key in [session.secret(&key), own] {
                    let mac = round(&session, &Mechanism::plain(hash.whole), (key, key), &data);
                    assert_eq!(mac, theirs, "{}", hash.name);
                }
            }
        }
    });
}

#[test]
fn the_length_of_a_mac_is_checked_and_so_is_the_parameter() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.secret(b"a key");
        for hash in HASHES {
            let general = |length: ck::CK_ULONG| Mechanism::bytes(hash.general, length.to_ne_bytes());
            let bad = [
                general(0),
                general(hash.length as u64 + 1),
                general(u64::MAX),
                general(1).resized(4),
                general(1).resized(16),
                Mechanism::plain(hash.general),
                Mechanism::bytes(hash.whole, 1u64.to_ne_bytes()),
            ];
            for (number, mechanism) in bad.iter().enumerate() {
                for outcome in [session.sign_init(mechanism, key), session.verify_init(mechanism, key)] {
                    assert_eq!(outcome.unwrap_err(), ck::CKR_MECHANISM_PARAM_INVALID, "{} number {number}", hash.name);
                }
            }
            for length in [0, 1, hash.length - 1, hash.length + 1, 1000] {
                let wrong = session.verify_with(&Mechanism::plain(hash.whole), key, b"data", &vec![0; length]);
                assert_eq!(wrong.unwrap_err(), ck::CKR_SIGNATURE_LEN_RANGE, "{} {length}", hash.name);
            }
            let other = &HASHES[usize::from(hash.key_type == ck::CKK_SHA_1_HMAC)];
            let wrong = session.create(&Template::secret_key(other.key_type, b"a key")).unwrap();
            let refused = session.sign_init(&Mechanism::plain(hash.whole), wrong).unwrap_err();
            assert_eq!(refused, ck::CKR_KEY_TYPE_INCONSISTENT, "{}", hash.name);
        }
    });
}

#[test]
fn a_mac_of_nothing_is_a_mac() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (key, mechanism) = (session.secret(b"a key"), Mechanism::plain(ck::CKM_SHA256_HMAC));
        let mac = sign_in_parts(&session, &mechanism, key, &[]).unwrap();
        assert_eq!(round(&session, &mechanism, (key, key), b""), mac);
    });
}
