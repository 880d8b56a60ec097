//! Signatures of DSA, with openssl on the other side.

use crate::dl::{Group, parameters};
use kit::{Chance, Judge, Mechanism, Object, Session, ck, code, isolated, judge};

/// A mechanism with a hash, the hash's name in openssl.
const HASHED: [(ck::CK_MECHANISM_TYPE, &str); 9] = [
    (ck::CKM_DSA_SHA1, "sha1"),
    (ck::CKM_DSA_SHA224, "sha224"),
    (ck::CKM_DSA_SHA256, "sha256"),
    (ck::CKM_DSA_SHA384, "sha384"),
    (ck::CKM_DSA_SHA512, "sha512"),
    (ck::CKM_DSA_SHA3_224, "sha3-224"),
    (ck::CKM_DSA_SHA3_256, "sha3-256"),
    (ck::CKM_DSA_SHA3_384, "sha3-384"),
    (ck::CKM_DSA_SHA3_512, "sha3-512"),
];

fn group(session: &Session<'_>, bits: ck::CK_ULONG, order: ck::CK_ULONG) -> Group {
    Group::at(session, ck::CKK_DSA, parameters(session, ck::CKM_DSA_PARAMETER_GEN, bits, order))
}

#[test]
fn openssl_and_we_take_each_other_s_signatures() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (openssl, data) = (Judge::new(), b"what is signed");
        for (bits, order) in [(1024, 160), (2048, 256)] {
            let group = group(&session, bits, order);
            let (public, private) = group.pair(&session);
            let info = session.public_key_info(public);
            assert!(openssl.takes(&info));
            let foreign = openssl.key_of(&group.pem(&openssl));
            let theirs = group.key(ck::CKO_PUBLIC_KEY, &Group::of(ck::CKK_DSA, &foreign.public_key_info).1);
            let theirs = session.create(&theirs).unwrap();
            assert_eq!(session.public_key_info(theirs), foreign.public_key_info);
            let length = order as usize / 8;
            for (mechanism, hash) in HASHED {
                let (mechanism, options) = (Mechanism::plain(mechanism), ["-rawin", "-digest", hash]);
                let signature = session.sign_with(&mechanism, private, data).unwrap();
                assert_eq!(signature.len(), 2 * length);
                assert!(openssl.verifies(&info, &options, data, &judge::to_der(&signature)), "{hash}");
                let signature = judge::from_der(&openssl.signs(&foreign, &options, data), length);
                session.verify_with(&mechanism, theirs, data, &signature).unwrap();
                // Over a ready digest; one longer than the order is cut.
                let digest = openssl.digests(&format!("-{hash}"), data);
                let raw = Mechanism::plain(ck::CKM_DSA);
                session.verify_with(&raw, theirs, &digest, &signature).unwrap();
                let signature = session.sign_with(&raw, private, &digest).unwrap();
                session.verify_with(&mechanism, public, data, &signature).unwrap();
            }
        }
    });
}

/// In parts of any length.
fn in_parts(session: &Session<'_>, mechanism: &Mechanism, key: Object, data: &[u8]) -> Vec<u8> {
    session.sign_init(mechanism, key).unwrap();
    Chance::seeded(5).parts(data, 700).iter().for_each(|part| session.sign_update(part).unwrap());
    session.sign_final().unwrap()
}

#[test]
fn data_comes_in_parts_and_wrong_signatures_have_their_codes() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = group(&session, 1024, 160).pair(&session);
        let mechanism = Mechanism::plain(ck::CKM_DSA_SHA256);
        let data = [0x5a; 10_000];
        let signature = in_parts(&session, &mechanism, private, &data);
        session.verify_with(&mechanism, public, &data, &signature).unwrap();
        session.verify_init(&mechanism, public).unwrap();
        Chance::seeded(6).parts(&data, 900).iter().for_each(|part| session.verify_update(part).unwrap());
        session.verify_final(&signature).unwrap();
        for at in [0, 19, 20, 39] {
            let mut wrong = signature.clone();
            wrong[at] ^= 1;
            let verified = session.verify_with(&mechanism, public, &data, &wrong);
            assert_eq!(code(verified), ck::CKR_SIGNATURE_INVALID);
        }
        assert_eq!(code(session.verify_with(&mechanism, public, b"other", &signature)), ck::CKR_SIGNATURE_INVALID);
        for length in [0, 39, 41, 42] {
            let verified = session.verify_with(&mechanism, public, &data, &vec![1; length]);
            assert_eq!(code(verified), ck::CKR_SIGNATURE_LEN_RANGE, "{length}");
        }
        let given = Mechanism::bytes(ck::CKM_DSA_SHA256, [1]);
        assert_eq!(code(session.sign_init(&given, private)), ck::CKR_MECHANISM_PARAM_INVALID);
        assert_eq!(code(session.sign_init(&mechanism, public)), ck::CKR_KEY_TYPE_INCONSISTENT);
        session.sign_init(&Mechanism::plain(ck::CKM_DSA), private).unwrap();
        assert!(session.sign_update(b"x").is_err());
    });
}

/// What CKM_DSA_PROBABILISTIC_PARAMETER_GEN gives out.
fn seeded(seed: &mut [u8], hash: ck::CK_MECHANISM_TYPE) -> Mechanism {
    let value = ck::CK_DSA_PARAMETER_GEN_PARAM {
        hash,
        pSeed: if seed.is_empty() { std::ptr::null_mut() } else { seed.as_mut_ptr() },
        ulSeedLen: seed.len() as ck::CK_ULONG,
        ulIndex: 0,
    };
    Mechanism::structure(ck::CKM_DSA_PROBABILISTIC_PARAMETER_GEN, value, Vec::new())
}

#[test]
fn the_seed_of_domain_parameters_is_given_out_and_leads_to_their_order() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let template = kit::Template::new().ulong(ck::CKA_PRIME_BITS, 1024).ulong(ck::CKA_SUBPRIME_BITS, 160);
        let mut seed = [0; 32];
        let made = session.generate_key(&seeded(&mut seed, ck::CKM_SHA256), &template).unwrap();
        let group = Group::at(&session, ck::CKK_DSA, made);
        // FIPS 186-4 section A.1.1.2, steps 6 and 7.
        let hash = session.digest_with(&Mechanism::plain(ck::CKM_SHA256), &seed).unwrap();
        let mut order = hash[hash.len() - 20..].to_vec();
        order[0] |= 0x80;
        order[19] |= 1;
        assert_eq!(group.q.as_ref().unwrap(), &order);
        assert!(Judge::new().takes(&session.public_key_info(group.pair(&session).0)));
        // Nobody asks for it.
        session.generate_key(&seeded(&mut [], ck::CKM_SHA_1), &template).unwrap();
        let malformed = ck::CKR_MECHANISM_PARAM_INVALID;
        for (room, hash) in [(31, ck::CKM_SHA256), (64, ck::CKM_SHA3_256), (64, ck::CKM_MD5), (64, 99)] {
            let refused = session.generate_key(&seeded(&mut vec![0; room], hash), &template).unwrap_err();
            assert_eq!(refused, malformed, "{hash:#x}");
        }
        let large = kit::Template::new().ulong(ck::CKA_PRIME_BITS, 2048);
        let refused = session.generate_key(&seeded(&mut [0; 64], ck::CKM_SHA_1), &large).unwrap_err();
        assert_eq!(refused, malformed);
        let none = Mechanism::plain(ck::CKM_DSA_PROBABILISTIC_PARAMETER_GEN);
        assert_eq!(session.generate_key(&none, &template).unwrap_err(), malformed);
    });
}
