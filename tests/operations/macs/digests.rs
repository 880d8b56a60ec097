//! The digests that are younger or older than SHA, and keys that are digests of keys.

use crate::macs::key;
use crate::macs::table::{DERIVED, DIGESTS};
use kit::pattern::{data as plain, key as key_bytes};
use kit::{Chance, Mechanism, Template, ck, code, hex, isolated};

/// SHA-512/t has t for a parameter, the others none.
fn mechanism(of: ck::CK_MECHANISM_TYPE, t: u64) -> Mechanism {
    if t == 0 { Mechanism::plain(of) } else { Mechanism::number(of, t) }
}

#[test]
fn the_digests_of_python_come_out_in_any_number_of_parts() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let mut chance = Chance::seeded(28);
        for (of, t, length, digest) in DIGESTS {
            let (mechanism, data, digest) = (mechanism(*of, *t), plain(*length), hex(digest));
            assert_eq!(session.digest_with(&mechanism, &data).unwrap(), digest, "{of:#x} {length}");
            session.digest_init(&mechanism).unwrap();
            for part in chance.parts(&data, 1 + length / 5) {
                session.digest_update(part).unwrap();
            }
            assert_eq!(session.digest_final().unwrap(), digest, "{of:#x} {length}");
        }
    });
}

#[test]
fn sha512_t_is_known_for_two_lengths_and_takes_no_other() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let wrong = [0, 1, 28, 32, 223, 225, 384, 512, u64::MAX].map(|t| Mechanism::number(ck::CKM_SHA512_T, t));
        for mechanism in wrong.iter().chain(&[Mechanism::plain(ck::CKM_SHA512_T)]) {
            assert_eq!(code(session.digest_init(mechanism)), ck::CKR_MECHANISM_PARAM_INVALID);
        }
        for of in [ck::CKM_BLAKE2B_256, ck::CKM_RIPEMD160] {
            assert_eq!(code(session.digest_init(&Mechanism::number(of, 256))), ck::CKR_MECHANISM_PARAM_INVALID);
        }
    });
}

#[test]
fn a_key_derived_by_hashing_is_the_beginning_of_the_digest() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let base = key(&session, ck::CKK_GENERIC_SECRET, &key_bytes(ck::CKK_GENERIC_SECRET, 40));
        let secret = || {
            Template::new()
                .class(ck::CKO_SECRET_KEY)
                .key_type(ck::CKK_GENERIC_SECRET)
                .sensitive(false)
                .extractable(true)
        };
        for (of, t, digest) in DERIVED {
            let (mechanism, digest) = (mechanism(*of, *t), hex(digest));
            let extendable = [ck::CKM_SHAKE_128_KEY_DERIVATION, ck::CKM_SHAKE_256_KEY_DERIVATION].contains(of);
            for length in [1, 16, digest.len()] {
                let template = secret().ulong(ck::CKA_VALUE_LEN, length as u64);
                let derived = session.derive(&mechanism, base, &template).unwrap();
                assert_eq!(session.bytes(derived, ck::CKA_VALUE).unwrap(), digest[..length], "{of:#x}");
            }
            let longer = secret().ulong(ck::CKA_VALUE_LEN, digest.len() as u64 + 1);
            let longer = code(session.derive(&mechanism, base, &longer));
            let silent = session.derive(&mechanism, base, &secret());
            if extendable {
                assert_eq!((longer.0, code(silent).0), (ck::CKR_OK, ck::CKR_TEMPLATE_INCOMPLETE));
            } else {
                assert_eq!(longer, ck::CKR_KEY_SIZE_RANGE);
                assert_eq!(session.bytes(silent.unwrap(), ck::CKA_VALUE).unwrap(), digest);
            }
            let des = secret().key_type(ck::CKK_DES3).without(ck::CKA_KEY_TYPE).key_type(ck::CKK_DES2);
            let des = session.derive(&mechanism, base, &des).unwrap();
            let value = session.bytes(des, ck::CKA_VALUE).unwrap();
            assert!(value.len() == 16 && value.iter().all(|byte| byte.count_ones() % 2 == 1));
            let wrong = Mechanism::bytes(*of, [1; 3]);
            assert_eq!(code(session.derive(&wrong, base, &secret())), ck::CKR_MECHANISM_PARAM_INVALID);
        }
    });
}
