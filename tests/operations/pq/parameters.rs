//! Parameters and data of the wrong shape.

use kit::{Mechanism, ck, isolated};

#[test]
fn parameters_are_checked() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (generator, whole, hashed, digest) in [
            (ck::CKM_ML_DSA_KEY_PAIR_GEN, ck::CKM_ML_DSA, ck::CKM_HASH_ML_DSA_SHA512, ck::CKM_HASH_ML_DSA),
            (ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKM_SLH_DSA, ck::CKM_HASH_SLH_DSA_SHA512, ck::CKM_HASH_SLH_DSA),
        ] {
            let (public, private) = session.pq_pair(generator, 3);
            let with = |of, hedge, context: &[u8]| Mechanism::sign_context(of, hedge, context);
            let named = |hash| Mechanism::hash_sign_context(digest, 0, b"", hash);
            let mut bad = vec![
                Mechanism::plain(digest),
                with(digest, 0, b""),
                named(ck::CKM_SHA256).resized(24),
                named(ck::CKM_SHA256).claiming(u64::MAX),
                named(ck::CKM_SHA_1),
                named(ck::CKM_SHA512_256),
                named(u64::MAX),
                Mechanism::hash_sign_context(digest, 3, b"", ck::CKM_SHA256),
                Mechanism::hash_sign_context(digest, 0, &[1; 256], ck::CKM_SHA256),
                Mechanism::structure(digest, [0, 0, 1, ck::CKM_SHA256], vec![]),
            ];
            for of in [whole, hashed] {
                bad.extend([
                    with(of, 3, b""),
                    with(of, u64::MAX, b""),
                    with(of, 0, &[1; 256]),
                    with(of, 0, b"").resized(16),
                    with(of, 0, b"").resized(32),
                    Mechanism::plain(of).claiming(24),
                    // A context of one byte, or of very many, at NULL.
                    Mechanism::structure(of, [0u64, 0, 1], vec![]),
                    Mechanism::structure(of, [0, 0, u64::MAX], vec![]),
                    Mechanism::hash_sign_context(of, 0, b"", ck::CKM_SHA512),
                ]);
            }
            for (number, mechanism) in bad.iter().enumerate() {
                let refused = session.sign_init(mechanism, private).unwrap_err();
                assert_eq!(refused, ck::CKR_MECHANISM_PARAM_INVALID, "number {number}");
                let refused = session.verify_init(mechanism, public).unwrap_err();
                assert_eq!(refused, ck::CKR_MECHANISM_PARAM_INVALID, "number {number}");
            }
        }
    });
}

#[test]
fn a_digest_has_the_length_of_its_hash_and_comes_in_one_part() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.pq_pair(ck::CKM_ML_DSA_KEY_PAIR_GEN, 1);
        for (hash, length) in [
            (ck::CKM_SHA224, 28),
            (ck::CKM_SHA3_512, 64),
            (ck::CKM_SHAKE_128_KEY_DERIVATION, 32),
            (ck::CKM_SHAKE_256_KEY_DERIVATION, 64),
        ] {
            let mechanism = Mechanism::hash_sign_context(ck::CKM_HASH_ML_DSA, 0, b"", hash);
            let signature = session.sign_with(&mechanism, private, &vec![1; length]).unwrap();
            session.verify_with(&mechanism, public, &vec![1; length], &signature).unwrap();
            for wrong in [0, length - 1, length + 1] {
                let refused = session.sign_with(&mechanism, private, &vec![1; wrong]).unwrap_err();
                assert_eq!(refused, ck::CKR_DATA_LEN_RANGE);
                let refused = session.verify_with(&mechanism, public, &vec![1; wrong], &signature).unwrap_err();
                assert_eq!(refused, ck::CKR_DATA_LEN_RANGE);
            }
            session.sign_init(&mechanism, private).unwrap();
            assert_eq!(session.sign_update(b"part").unwrap_err(), ck::CKR_FUNCTION_NOT_SUPPORTED);
        }
    });
}

#[test]
fn keys_of_another_family_or_the_other_half_are_of_an_inconsistent_type() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let kem = session.pq_pair(ck::CKM_ML_KEM_KEY_PAIR_GEN, 1);
        let ml = session.pq_pair(ck::CKM_ML_DSA_KEY_PAIR_GEN, 1);
        let slh = session.pq_pair(ck::CKM_SLH_DSA_KEY_PAIR_GEN, 3);
        for (of, keys) in [
            (ck::CKM_ML_DSA, [kem.1, slh.1, ml.0]),
            (ck::CKM_SLH_DSA, [kem.1, ml.1, slh.0]),
            (ck::CKM_HASH_ML_DSA_SHA256, [kem.1, slh.1, ml.0]),
            (ck::CKM_HASH_SLH_DSA_SHA256, [kem.1, ml.1, slh.0]),
        ] {
            for key in keys {
                let refused = session.sign_init(&Mechanism::plain(of), key).unwrap_err();
                assert_eq!(refused, ck::CKR_KEY_TYPE_INCONSISTENT);
            }
        }
    });
}
