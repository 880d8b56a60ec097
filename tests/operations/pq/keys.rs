//! Keys: generated, by seed, by value, by both; read, wrapped and unwrapped.

use crate::pq::{bytes, half, known, number, pair, public_part, sha256};
use kit::{Mechanism, Template, ck, isolated};

/// Key type, generation mechanism, sets that are quick, and whether there are seeds.
const TYPES: [(ck::CK_KEY_TYPE, ck::CK_MECHANISM_TYPE, &[ck::CK_ULONG], Option<usize>); 3] = [
    (ck::CKK_ML_KEM, ck::CKM_ML_KEM_KEY_PAIR_GEN, &[1, 2, 3], Some(64)),
    (ck::CKK_ML_DSA, ck::CKM_ML_DSA_KEY_PAIR_GEN, &[1, 2, 3], Some(32)),
    (ck::CKK_SLH_DSA, ck::CKM_SLH_DSA_KEY_PAIR_GEN, &[3, 4, 7, 8, 11, 12], None),
];

#[test]
fn a_key_comes_out_of_its_seed() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (file, key_type) in [("ml_kem", ck::CKK_ML_KEM), ("ml_dsa", ck::CKK_ML_DSA)] {
            for key in known(file) {
                let (set, seed) = (number(&key, "set"), bytes(&key, "seed"));
                let (public, private) = pair(&session, key_type, set, &Template::new().bytes(ck::CKA_SEED, &seed));
                assert_eq!(sha256(&session.bytes(private, ck::CKA_VALUE).unwrap()), bytes(&key, "private"), "{set}");
                assert_eq!(session.bytes(private, ck::CKA_SEED).unwrap(), seed);
                let value = session.bytes(public, ck::CKA_VALUE).unwrap();
                assert_eq!(sha256(&value), bytes(&key, "public"), "{set}");
                assert_eq!(session.public_key_info(public), session.public_key_info(private));
            }
        }
    });
}

#[test]
fn a_generated_pair_has_its_parameter_set_in_both_halves_and_keeps_its_seed() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (key_type, generator, sets, seed) in TYPES {
            for set in sets {
                let (public, private) = session.pq_pair(generator, *set);
                for key in [public, private] {
                    assert_eq!(session.ulong(key, ck::CKA_KEY_TYPE).unwrap(), key_type);
                    assert_eq!(session.ulong(key, ck::CKA_PARAMETER_SET).unwrap(), *set);
                    assert_eq!(session.ulong(key, ck::CKA_KEY_GEN_MECHANISM).unwrap(), generator);
                    assert!(session.flag(key, ck::CKA_LOCAL).unwrap());
                }
                let info = session.public_key_info(public);
                assert_eq!(session.public_key_info(private), info);
                assert_eq!(session.bytes(public, ck::CKA_VALUE).unwrap(), public_part(&info));
                match seed {
                    Some(length) => assert_eq!(session.bytes(private, ck::CKA_SEED).unwrap().len(), length),
                    None => {
                        let none = session.bytes(private, ck::CKA_SEED).unwrap_err();
                        assert_eq!(none, ck::CKR_ATTRIBUTE_TYPE_INVALID);
                    }
                }
            }
        }
    });
}

#[test]
fn what_a_private_key_is_made_of_is_not_read_when_it_is_sensitive() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let public = Template::new().ulong(ck::CKA_PARAMETER_SET, 1);
        for generator in [ck::CKM_ML_KEM_KEY_PAIR_GEN, ck::CKM_ML_DSA_KEY_PAIR_GEN] {
            let pair = session.generate_key_pair(&Mechanism::plain(generator), &public, &Template::new()).unwrap();
            for of in [ck::CKA_VALUE, ck::CKA_SEED] {
                assert_eq!(session.bytes(pair.1, of).unwrap_err(), ck::CKR_ATTRIBUTE_SENSITIVE);
            }
        }
    });
}

#[test]
fn value_and_seed_may_come_alone_or_together_but_not_against_each_other() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (key_type, generator, sets, seeded) in TYPES {
            let set = sets[0];
            let read = |key, of| session.bytes(key, of).unwrap();
            let (public, private) = session.pq_pair(generator, set);
            let other = session.pq_pair(generator, set).1;
            let (value, wrong) = (read(private, ck::CKA_VALUE), read(other, ck::CKA_VALUE));
            let create = |more: &Template| session.create(&half(ck::CKO_PRIVATE_KEY, key_type, set).and(more));
            let by_value = create(&Template::new().bytes(ck::CKA_VALUE, &value)).unwrap();
            assert_eq!(session.public_key_info(by_value), session.public_key_info(public));
            // The seed cannot be found from the value.
            assert_eq!(session.bytes(by_value, ck::CKA_SEED).unwrap_err(), ck::CKR_ATTRIBUTE_TYPE_INVALID);
            let nothing = create(&Template::new()).unwrap_err();
            assert_eq!(nothing, ck::CKR_TEMPLATE_INCOMPLETE);
            for length in [0, 1, value.len() - 1, value.len() + 1] {
                let resized = value.iter().chain([&0]).copied().take(length).collect::<Vec<_>>();
                let refused = create(&Template::new().bytes(ck::CKA_VALUE, resized)).unwrap_err();
                let expected = if length == 0 { ck::CKR_TEMPLATE_INCOMPLETE } else { ck::CKR_ATTRIBUTE_VALUE_INVALID };
                assert_eq!(refused, expected, "{length}");
            }
            if seeded.is_none() {
                let seed = create(&Template::new().bytes(ck::CKA_VALUE, &value).bytes(ck::CKA_SEED, [1; 48]));
                assert_eq!(seed.unwrap_err(), ck::CKR_TEMPLATE_INCONSISTENT);
                continue;
            }
            let seed = read(private, ck::CKA_SEED);
            let both = Template::new().bytes(ck::CKA_SEED, &seed);
            let key = create(&both.clone().bytes(ck::CKA_VALUE, &value)).unwrap();
            assert_eq!(read(key, ck::CKA_SEED), seed);
            let refused = create(&both.bytes(ck::CKA_VALUE, &wrong)).unwrap_err();
            assert_eq!(refused, ck::CKR_ATTRIBUTE_VALUE_INVALID);
            let refused = create(&Template::new().bytes(ck::CKA_SEED, &seed[1..])).unwrap_err();
            assert_eq!(refused, ck::CKR_ATTRIBUTE_VALUE_INVALID);
        }
    });
}

#[test]
fn what_does_not_fit_together_is_no_private_key() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (key_type, generator, sets, _) in TYPES {
            let set = sets[0];
            let (_, private) = session.pq_pair(generator, set);
            let mut value = session.bytes(private, ck::CKA_VALUE).unwrap();
            // ML-KEM: the hash of the public key. Others: what both halves are made of.
            let at = if key_type == ck::CKK_ML_KEM { value.len() - 33 } else { 0 };
            value[at] ^= 1;
            let key = half(ck::CKO_PRIVATE_KEY, key_type, set).bytes(ck::CKA_VALUE, value);
            assert_eq!(session.create(&key).unwrap_err(), ck::CKR_ATTRIBUTE_VALUE_INVALID, "{key_type:#x}");
        }
    });
}

#[test]
fn public_keys_have_the_length_of_their_set() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (key_type, generator, sets, _) in TYPES {
            let (public, _) = session.pq_pair(generator, sets[0]);
            let value = session.bytes(public, ck::CKA_VALUE).unwrap();
            let key = |set, value: &[u8]| half(ck::CKO_PUBLIC_KEY, key_type, set).bytes(ck::CKA_VALUE, value);
            session.create(&key(sets[0], &value)).unwrap();
            let longer = [&value[..], &[0]].concat();
            for (set, wrong) in [(sets[0], &value[1..]), (sets[0], &longer), (*sets.last().unwrap(), &value)] {
                assert_eq!(session.create(&key(set, wrong)).unwrap_err(), ck::CKR_PUBLIC_KEY_INVALID, "{key_type:#x}");
            }
            let none = half(ck::CKO_PUBLIC_KEY, key_type, sets[0]);
            assert_eq!(session.create(&none).unwrap_err(), ck::CKR_TEMPLATE_INCOMPLETE);
        }
        // Coefficients of ML-KEM lie below 3329.
        let key = half(ck::CKO_PUBLIC_KEY, ck::CKK_ML_KEM, 1).bytes(ck::CKA_VALUE, [0xff; 800]);
        assert_eq!(session.create(&key).unwrap_err(), ck::CKR_PUBLIC_KEY_INVALID);
    });
}

#[test]
fn a_parameter_set_that_nobody_knows_is_not_supported() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (key_type, generator, _, _) in TYPES {
            let last = if key_type == ck::CKK_SLH_DSA { 12 } else { 3 };
            for set in [0, last + 1, u64::MAX] {
                let public = Template::new().ulong(ck::CKA_PARAMETER_SET, set);
                let made = session.generate_key_pair(&Mechanism::plain(generator), &public, &Template::new());
                assert_eq!(made.unwrap_err(), ck::CKR_PARAMETER_SET_NOT_SUPPORTED);
                let key = half(ck::CKO_PUBLIC_KEY, key_type, set).bytes(ck::CKA_VALUE, [1; 32]);
                assert_eq!(session.create(&key).unwrap_err(), ck::CKR_PARAMETER_SET_NOT_SUPPORTED);
            }
            let generate = |public: &Template, private: &Template| {
                session.generate_key_pair(&Mechanism::plain(generator), public, private).map(drop)
            };
            let set = |number| Template::new().ulong(ck::CKA_PARAMETER_SET, number);
            assert_eq!(generate(&Template::new(), &Template::new()).unwrap_err(), ck::CKR_TEMPLATE_INCOMPLETE);
            assert_eq!(generate(&set(3), &set(1)).unwrap_err(), ck::CKR_TEMPLATE_INCONSISTENT);
            generate(&set(3), &set(3)).unwrap();
            let refused = generate(&set(3), &Template::new().bytes(ck::CKA_VALUE, [1; 64])).unwrap_err();
            assert_eq!(refused, ck::CKR_ATTRIBUTE_READ_ONLY);
        }
    });
}

#[test]
fn private_keys_are_wrapped_as_pkcs_8_and_come_back_whole() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (kek, way) = (session.aes(&[9; 32]), Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP));
        for (key_type, generator, sets, _) in TYPES {
            let template = Template::new().class(ck::CKO_PRIVATE_KEY).key_type(key_type).sensitive(false);
            let (public, private) = session.pq_pair(generator, sets[0]);
            let wrapped = session.wrap(&way, kek, private).unwrap();
            let back = session.unwrap(&way, kek, &wrapped, &template).unwrap();
            for of in [ck::CKA_VALUE, ck::CKA_SEED, ck::CKA_PARAMETER_SET] {
                assert_eq!(session.bytes(back, of), session.bytes(private, of), "{of:#x}");
            }
            assert_eq!(session.public_key_info(back), session.public_key_info(public));
            // Of another type, it is no key.
            let other = Template::new().class(ck::CKO_PRIVATE_KEY).key_type(ck::CKK_RSA);
            assert_eq!(session.unwrap(&way, kek, &wrapped, &other).unwrap_err(), ck::CKR_WRAPPED_KEY_INVALID);
        }
    });
}

#[test]
fn pkcs_8_is_taken_with_the_seed_the_value_or_both() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (kek, way) = (session.aes(&[9; 32]), Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP));
        let template = Template::new().class(ck::CKO_PRIVATE_KEY).key_type(ck::CKK_ML_DSA).sensitive(false);
        let (_, private) = session.pq_pair(ck::CKM_ML_DSA_KEY_PAIR_GEN, 1);
        let read = |of| session.bytes(private, of).unwrap();
        let (seed, value) = (read(ck::CKA_SEED), read(ck::CKA_VALUE));
        let element = |tag: u8, parts: &[&[u8]]| {
            let content = parts.concat();
            [&[tag, 0x82, (content.len() >> 8) as u8, content.len() as u8][..], &content].concat()
        };
        let short = |tag: u8, content: &[u8]| [&[tag, content.len() as u8], content].concat();
        // RFC 9881 section 6: [0] seed; value; SEQUENCE of both.
        let seed_only = short(0x80, &seed);
        let value_only = element(4, &[&value]);
        let both = element(0x30, &[&short(4, &seed), &value_only]);
        let oid = short(6, &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17]);
        let unwrap = |inner: &[u8]| {
            let octets = if inner.len() < 128 { short(4, inner) } else { element(4, &[inner]) };
            let body = [&[2, 1, 0][..], &short(0x30, &oid), &octets].concat();
            let info = if body.len() < 128 { short(0x30, &body) } else { element(0x30, &[&body]) };
            let plain = Template::secret_key(ck::CKK_GENERIC_SECRET, &info).extractable(true);
            let wrapped = session.wrap(&way, kek, session.create(&plain).unwrap()).unwrap();
            session.unwrap(&way, kek, &wrapped, &template)
        };
        for inner in [&seed_only, &value_only, &both] {
            let key = unwrap(inner).unwrap();
            assert_eq!(session.bytes(key, ck::CKA_VALUE).unwrap(), value);
            assert_eq!(session.bytes(key, ck::CKA_SEED).is_ok(), inner != &value_only);
        }
        let longer = element(0x30, &[&short(4, &seed), &value_only, &[5, 0]]);
        let swapped = element(0x30, &[&value_only, &short(4, &seed)]);
        for wrong in [&longer[..], &swapped, &seed, &short(0x81, &seed), &short(0x80, &seed[1..]), b""] {
            assert_eq!(unwrap(wrong).unwrap_err(), ck::CKR_WRAPPED_KEY_INVALID);
        }
    });
}

#[test]
fn keys_on_the_token_outlive_the_application() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let on = |label: &str| Template::new().token(true).label(label);
        for (generator, label) in [(ck::CKM_ML_DSA_KEY_PAIR_GEN, "ml"), (ck::CKM_SLH_DSA_KEY_PAIR_GEN, "slh")] {
            let public = on(label).ulong(ck::CKA_PARAMETER_SET, 3);
            session.generate_key_pair(&Mechanism::plain(generator), &public, &on(label)).unwrap();
        }
        module.finalize().unwrap();
        let module = env.module();
        let session = module.open_ro(module.slot_of("test").unwrap()).unwrap();
        session.login(ck::CKU_USER, kit::USER_PIN).unwrap();
        for (of, label) in [(ck::CKM_ML_DSA, "ml"), (ck::CKM_SLH_DSA, "slh")] {
            let one = |class| session.find(&Template::new().class(class).label(label)).unwrap()[0];
            let mechanism = Mechanism::plain(of);
            let signature = session.sign_with(&mechanism, one(ck::CKO_PRIVATE_KEY), b"data").unwrap();
            session.verify_with(&mechanism, one(ck::CKO_PUBLIC_KEY), b"data", &signature).unwrap();
        }
    });
}
