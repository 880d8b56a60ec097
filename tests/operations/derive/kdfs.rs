//! Every function that a parameter of a derivation can name: the CKD_ for what two curve keys agree upon (PKCS#11 3.2
//! section 6.3.17), the hashes of HKDF, the MACs of SP 800-108. Each result is computed a second time out of digests
//! and MACs, which others have judged.

use crate::derive::{agreement, base, open, secret, value};
use kit::Field::{Bytes, CountingIteration};
use kit::{Mechanism, ck, code, curve, isolated};

/// Where the counter stands in what is hashed.
#[derive(Clone, Copy, PartialEq)]
enum Counter {
    /// ANSI X9.63: behind the secret.
    After,
    /// NIST SP 800-56C: before it.
    First,
}

/// CKD_, its hash, and where it has the counter.
const KDFS: [(ck::CK_EC_KDF_TYPE, ck::CK_MECHANISM_TYPE, Counter); 22] = [
    (ck::CKD_SHA1_KDF, ck::CKM_SHA_1, Counter::After),
    (ck::CKD_SHA224_KDF, ck::CKM_SHA224, Counter::After),
    (ck::CKD_SHA256_KDF, ck::CKM_SHA256, Counter::After),
    (ck::CKD_SHA384_KDF, ck::CKM_SHA384, Counter::After),
    (ck::CKD_SHA512_KDF, ck::CKM_SHA512, Counter::After),
    (ck::CKD_SHA3_224_KDF, ck::CKM_SHA3_224, Counter::After),
    (ck::CKD_SHA3_256_KDF, ck::CKM_SHA3_256, Counter::After),
    (ck::CKD_SHA3_384_KDF, ck::CKM_SHA3_384, Counter::After),
    (ck::CKD_SHA3_512_KDF, ck::CKM_SHA3_512, Counter::After),
    (ck::CKD_BLAKE2B_160_KDF, ck::CKM_BLAKE2B_160, Counter::After),
    (ck::CKD_BLAKE2B_256_KDF, ck::CKM_BLAKE2B_256, Counter::After),
    (ck::CKD_BLAKE2B_384_KDF, ck::CKM_BLAKE2B_384, Counter::After),
    (ck::CKD_BLAKE2B_512_KDF, ck::CKM_BLAKE2B_512, Counter::After),
    (ck::CKD_SHA1_KDF_SP800, ck::CKM_SHA_1, Counter::First),
    (ck::CKD_SHA224_KDF_SP800, ck::CKM_SHA224, Counter::First),
    (ck::CKD_SHA256_KDF_SP800, ck::CKM_SHA256, Counter::First),
    (ck::CKD_SHA384_KDF_SP800, ck::CKM_SHA384, Counter::First),
    (ck::CKD_SHA512_KDF_SP800, ck::CKM_SHA512, Counter::First),
    (ck::CKD_SHA3_224_KDF_SP800, ck::CKM_SHA3_224, Counter::First),
    (ck::CKD_SHA3_256_KDF_SP800, ck::CKM_SHA3_256, Counter::First),
    (ck::CKD_SHA3_384_KDF_SP800, ck::CKM_SHA3_384, Counter::First),
    (ck::CKD_SHA3_512_KDF_SP800, ck::CKM_SHA3_512, Counter::First),
];

#[test]
fn every_kdf_hashes_secret_counter_and_shared_data_in_its_order() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let own = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P384).1;
        let peer = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P384).0;
        let peer = session.bytes(peer, ck::CKA_EC_POINT).unwrap();
        let agreed = value(&session, session.derive(&agreement(ck::CKD_NULL, b"", &peer), own, &open()).unwrap());
        for (kdf, hash, order) in KDFS {
            for shared in [&b""[..], b"what both know"] {
                let block = |counter: u8| {
                    let counter = &[0, 0, 0, counter][..];
                    let text = match order {
                        Counter::After => [&agreed[..], counter, shared].concat(),
                        Counter::First => [counter, &agreed, shared].concat(),
                    };
                    session.digest_with(&Mechanism::plain(hash), &text).unwrap()
                };
                let mechanism = agreement(kdf, shared, &peer);
                let (first, second) = (block(1), block(2));
                let long = session.derive(&mechanism, own, &secret(first.len() as u64 + 5)).unwrap();
                assert_eq!(value(&session, long), [&first[..], &second[..5]].concat(), "{kdf:#x}");
                // As long as the hash, if nobody says how long.
                let usual = session.derive(&mechanism, own, &open()).unwrap();
                assert_eq!(value(&session, usual), first, "{kdf:#x}");
            }
        }
        let known = |kdf: &u64| *kdf == ck::CKD_NULL || KDFS.iter().any(|(known, ..)| known == kdf);
        for kdf in (0..64).chain([u64::MAX]).filter(|kdf| !known(kdf)) {
            let refused = session.derive(&agreement(kdf, b"", &peer), own, &secret(16));
            assert_eq!(code(refused), ck::CKR_MECHANISM_PARAM_INVALID, "{kdf:#x}");
        }
        // Without a hash there is nothing that shared data could go into.
        let refused = session.derive(&agreement(ck::CKD_NULL, b"shared", &peer), own, &secret(16));
        assert_eq!(code(refused), ck::CKR_MECHANISM_PARAM_INVALID);
    });
}

/// A hash and its HMAC.
const HASHES: [(ck::CK_MECHANISM_TYPE, ck::CK_MECHANISM_TYPE); 17] = [
    (ck::CKM_MD5, ck::CKM_MD5_HMAC),
    (ck::CKM_SHA_1, ck::CKM_SHA_1_HMAC),
    (ck::CKM_SHA224, ck::CKM_SHA224_HMAC),
    (ck::CKM_SHA256, ck::CKM_SHA256_HMAC),
    (ck::CKM_SHA384, ck::CKM_SHA384_HMAC),
    (ck::CKM_SHA512, ck::CKM_SHA512_HMAC),
    (ck::CKM_SHA512_224, ck::CKM_SHA512_224_HMAC),
    (ck::CKM_SHA512_256, ck::CKM_SHA512_256_HMAC),
    (ck::CKM_SHA3_224, ck::CKM_SHA3_224_HMAC),
    (ck::CKM_SHA3_256, ck::CKM_SHA3_256_HMAC),
    (ck::CKM_SHA3_384, ck::CKM_SHA3_384_HMAC),
    (ck::CKM_SHA3_512, ck::CKM_SHA3_512_HMAC),
    (ck::CKM_RIPEMD160, ck::CKM_RIPEMD160_HMAC),
    (ck::CKM_BLAKE2B_160, ck::CKM_BLAKE2B_160_HMAC),
    (ck::CKM_BLAKE2B_256, ck::CKM_BLAKE2B_256_HMAC),
    (ck::CKM_BLAKE2B_384, ck::CKM_BLAKE2B_384_HMAC),
    (ck::CKM_BLAKE2B_512, ck::CKM_BLAKE2B_512_HMAC),
];
/// The hashes at the front whose HMAC SP 800-108 takes.
const OF_SP800_108: usize = 12;
const KEY: [u8; 40] = [0x3b; 40];

#[test]
fn hkdf_takes_every_hash() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = base(&session, ck::CKK_GENERIC_SECRET, &KEY);
        for (hash, hmac) in HASHES {
            // Keys of BLAKE2b's HMAC have a type of their own.
            let mac = |key: &[u8], data: &[u8]| {
                let key_type = match hmac {
                    ck::CKM_BLAKE2B_160_HMAC => ck::CKK_BLAKE2B_160_HMAC,
                    ck::CKM_BLAKE2B_256_HMAC => ck::CKK_BLAKE2B_256_HMAC,
                    ck::CKM_BLAKE2B_384_HMAC => ck::CKK_BLAKE2B_384_HMAC,
                    ck::CKM_BLAKE2B_512_HMAC => ck::CKK_BLAKE2B_512_HMAC,
                    _ => ck::CKK_GENERIC_SECRET,
                };
                let key = base(&session, key_type, key);
                session.sign_with(&Mechanism::plain(hmac), key, data).unwrap()
            };
            let extracted = mac(b"salt", &KEY);
            let first = mac(&extracted, b"info\x01");
            let second = mac(&extracted, &[&first[..], b"info\x02"].concat());
            let hkdf = Mechanism::hkdf(ck::CKM_HKDF_DERIVE, (true, true), hash, (b"salt", 0), b"info");
            let derived = session.derive(&hkdf, key, &secret(first.len() as u64 + 5)).unwrap();
            assert_eq!(value(&session, derived), [&first[..], &second[..5]].concat(), "{hash:#x}");
        }
    });
}

#[test]
fn sp_800_108_takes_the_hmac_of_every_hash_of_the_sha_families() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = base(&session, ck::CKK_GENERIC_SECRET, &KEY);
        let fields = [CountingIteration(false, 32), Bytes(b"label".to_vec())];
        for (number, (_, hmac)) in HASHES.into_iter().enumerate() {
            let mechanism = Mechanism::sp800_108(ck::CKM_SP800_108_COUNTER_KDF, hmac, &fields, b"", &[]);
            let block = |counter: u8| {
                let data = [&[0, 0, 0, counter][..], b"label"].concat();
                session.sign_with(&Mechanism::plain(hmac), key, &data)
            };
            if number >= OF_SP800_108 {
                let refused = session.derive(&mechanism, key, &secret(16));
                assert_eq!(code(refused), ck::CKR_MECHANISM_PARAM_INVALID, "{hmac:#x}");
                continue;
            }
            let (first, second) = (block(1).unwrap(), block(2).unwrap());
            let derived = session.derive(&mechanism, key, &secret(first.len() as u64 + 5)).unwrap();
            assert_eq!(value(&session, derived), [&first[..], &second[..5]].concat(), "{hmac:#x}");
        }
    });
}
