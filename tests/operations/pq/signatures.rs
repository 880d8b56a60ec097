//! Signatures: the deterministic ones are known; hedged ones differ and are right all the same.

use crate::pq::{bytes, known, number, pair, sha256};
use kit::{Chance, Judge, Mechanism, Object, Session, Template, ck, isolated};
use serde_json::Value;

/// The hash's name in the files, the mechanisms with it, its CKM_ in a parameter.
const HASHES: [(&str, ck::CK_MECHANISM_TYPE, ck::CK_MECHANISM_TYPE, ck::CK_MECHANISM_TYPE); 10] = [
    ("SHA224", ck::CKM_HASH_ML_DSA_SHA224, ck::CKM_HASH_SLH_DSA_SHA224, ck::CKM_SHA224),
    ("SHA256", ck::CKM_HASH_ML_DSA_SHA256, ck::CKM_HASH_SLH_DSA_SHA256, ck::CKM_SHA256),
    ("SHA384", ck::CKM_HASH_ML_DSA_SHA384, ck::CKM_HASH_SLH_DSA_SHA384, ck::CKM_SHA384),
    ("SHA512", ck::CKM_HASH_ML_DSA_SHA512, ck::CKM_HASH_SLH_DSA_SHA512, ck::CKM_SHA512),
    ("SHA3_224", ck::CKM_HASH_ML_DSA_SHA3_224, ck::CKM_HASH_SLH_DSA_SHA3_224, ck::CKM_SHA3_224),
    ("SHA3_256", ck::CKM_HASH_ML_DSA_SHA3_256, ck::CKM_HASH_SLH_DSA_SHA3_256, ck::CKM_SHA3_256),
    ("SHA3_384", ck::CKM_HASH_ML_DSA_SHA3_384, ck::CKM_HASH_SLH_DSA_SHA3_384, ck::CKM_SHA3_384),
    ("SHA3_512", ck::CKM_HASH_ML_DSA_SHA3_512, ck::CKM_HASH_SLH_DSA_SHA3_512, ck::CKM_SHA3_512),
    ("SHAKE128", ck::CKM_HASH_ML_DSA_SHAKE128, ck::CKM_HASH_SLH_DSA_SHAKE128, ck::CKM_SHAKE_128_KEY_DERIVATION),
    ("SHAKE256", ck::CKM_HASH_ML_DSA_SHAKE256, ck::CKM_HASH_SLH_DSA_SHAKE256, ck::CKM_SHAKE_256_KEY_DERIVATION),
];

/// The same data in parts.
fn sign_in_parts(session: &Session<'_>, mechanism: &Mechanism, key: Object, data: &[u8]) -> Vec<u8> {
    session.sign_init(mechanism, key).unwrap();
    for part in Chance::seeded(5).parts(data, 1 + data.len() / 3) {
        session.sign_update(part).unwrap();
    }
    session.sign_final().unwrap()
}

fn verify_in_parts(session: &Session<'_>, mechanism: &Mechanism, key: Object, data: &[u8], signature: &[u8]) {
    session.verify_init(mechanism, key).unwrap();
    for part in Chance::seeded(6).parts(data, 1 + data.len() / 3) {
        session.verify_update(part).unwrap();
    }
    session.verify_final(signature).unwrap();
}

/// One known signature, in one part and, where that is quick, in several; over the message and over its digest.
fn check(session: &Session<'_>, (public, private): (Object, Object), case: &Value, slh: bool, slow: bool) {
    let (message, context) = (bytes(case, "message"), bytes(case, "context"));
    let name = case["hash"].as_str().unwrap();
    let hash = HASHES.iter().find(|hash| hash.0 == name);
    let of = match (hash, slh) {
        (None, false) => ck::CKM_ML_DSA,
        (None, true) => ck::CKM_SLH_DSA,
        (Some(hash), false) => hash.1,
        (Some(hash), true) => hash.2,
    };
    let mechanism = Mechanism::sign_context(of, ck::CKH_DETERMINISTIC_REQUIRED, &context);
    let signature = session.sign_with(&mechanism, private, &message).unwrap();
    assert_eq!(sha256(&signature), bytes(case, "signature"), "{of:#x} {name}");
    session.verify_with(&mechanism, public, &message, &signature).unwrap();
    if !slow {
        assert_eq!(sign_in_parts(session, &mechanism, private, &message), signature);
    }
    verify_in_parts(session, &mechanism, public, &message, &signature);
    let Some((_, _, _, hash)) = hash else { return };
    let digest = match name {
        "SHAKE128" => Judge::new().digests_to("-shake128", 32, &message),
        "SHAKE256" => Judge::new().digests_to("-shake256", 64, &message),
        other => Judge::new().digests(&format!("-{}", other.to_lowercase().replace('_', "-")), &message),
    };
    let of = if slh { ck::CKM_HASH_SLH_DSA } else { ck::CKM_HASH_ML_DSA };
    let mechanism = Mechanism::hash_sign_context(of, ck::CKH_DETERMINISTIC_REQUIRED, &context, *hash);
    session.verify_with(&mechanism, public, &digest, &signature).unwrap();
    if !slh {
        assert_eq!(session.sign_with(&mechanism, private, &digest).unwrap(), signature);
    }
}

#[test]
fn signatures_of_ml_dsa_are_those_of_another_implementation() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for key in known("ml_dsa") {
            let seed = Template::new().bytes(ck::CKA_SEED, bytes(&key, "seed"));
            let pair = pair(&session, ck::CKK_ML_DSA, number(&key, "set"), &seed);
            let cases = key["cases"].as_array().unwrap();
            assert_eq!(cases.len(), 13);
            cases.iter().for_each(|case| check(&session, pair, case, false, false));
        }
    });
}

#[test]
fn signatures_of_slh_dsa_are_those_of_another_implementation() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let keys = known("slh_dsa");
        assert_eq!(keys.len(), 12);
        // The sets that sign slowly are those without an f: of these the pure signatures only.
        for key in keys {
            let set = number(&key, "set");
            let slow = matches!(set, 1 | 2 | 5 | 6 | 9 | 10);
            let value = Template::new().bytes(ck::CKA_VALUE, bytes(&key, "private"));
            let pair = pair(&session, ck::CKK_SLH_DSA, set, &value);
            let most = if slow { 1 } else { usize::MAX };
            key["cases"].as_array().unwrap().iter().take(most).for_each(|case| check(&session, pair, case, true, slow));
        }
    });
}

#[test]
fn signatures_are_hedged_unless_they_must_be_deterministic() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (generator, of, hashed) in [
            (ck::CKM_ML_DSA_KEY_PAIR_GEN, ck::CKM_ML_DSA, ck::CKM_HASH_ML_DSA_SHA256),
            (ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKM_SLH_DSA, ck::CKM_HASH_SLH_DSA_SHA256),
        ] {
            let (public, private) = session.pq_pair(generator, 3);
            for of in [of, hashed] {
                let plain = Mechanism::plain(of);
                let hedge = |hedge| Mechanism::sign_context(of, hedge, b"");
                let twice = |mechanism: &Mechanism| {
                    let [one, two] = [0, 1].map(|_| session.sign_with(mechanism, private, b"data").unwrap());
                    session.verify_with(&plain, public, b"data", &one).unwrap();
                    session.verify_with(&plain, public, b"data", &two).unwrap();
                    one == two
                };
                assert!(!twice(&plain) && !twice(&hedge(ck::CKH_HEDGE_REQUIRED)));
                assert!(!twice(&hedge(ck::CKH_HEDGE_PREFERRED)));
                assert!(twice(&hedge(ck::CKH_DETERMINISTIC_REQUIRED)));
            }
        }
    });
}

#[test]
fn context_hash_and_mechanism_are_part_of_what_is_signed() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.pq_pair(ck::CKM_ML_DSA_KEY_PAIR_GEN, 1);
        let context = |of, context: &[u8]| Mechanism::sign_context(of, ck::CKH_HEDGE_PREFERRED, context);
        let ways = [
            Mechanism::plain(ck::CKM_ML_DSA),
            context(ck::CKM_ML_DSA, b"one"),
            context(ck::CKM_ML_DSA, &[7; 255]),
            Mechanism::plain(ck::CKM_HASH_ML_DSA_SHA256),
            Mechanism::plain(ck::CKM_HASH_ML_DSA_SHA3_256),
            context(ck::CKM_HASH_ML_DSA_SHA256, b"one"),
        ];
        for (number, way) in ways.iter().enumerate() {
            let signature = session.sign_with(way, private, b"data").unwrap();
            for (other, way) in ways.iter().enumerate() {
                let verified = session.verify_with(way, public, b"data", &signature);
                assert_eq!(verified.is_ok(), number == other, "{number} {other}");
            }
        }
    });
}

#[test]
fn neither_other_data_nor_a_changed_signature_is_taken() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (generator, of) in
            [(ck::CKM_ML_DSA_KEY_PAIR_GEN, ck::CKM_ML_DSA), (ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKM_SLH_DSA)]
        {
            let (public, private) = session.pq_pair(generator, 3);
            let plain = Mechanism::plain(of);
            let signature = session.sign_with(&plain, private, b"data").unwrap();
            let verify = |data: &[u8], signature: &[u8]| session.verify_with(&plain, public, data, signature);
            assert_eq!(verify(b"dat4", &signature).unwrap_err(), ck::CKR_SIGNATURE_INVALID);
            let mut chance = Chance::seeded(of);
            for _ in 0..8 {
                let mut wrong = signature.clone();
                wrong[chance.up_to(signature.len() - 1)] ^= 1 << chance.up_to(7);
                assert_eq!(verify(b"data", &wrong).unwrap_err(), ck::CKR_SIGNATURE_INVALID);
            }
            let longer = [&signature[..], &[0]].concat();
            for wrong in [&signature[1..], &longer, b""] {
                assert_eq!(verify(b"data", wrong).unwrap_err(), ck::CKR_SIGNATURE_LEN_RANGE);
            }
        }
    });
}
