//! Parameters, lengths and keys that are not a mechanism's own.

use crate::ciphers::{Given, ROWS, block, key, mechanism};
use kit::pattern::{iv, key as key_bytes};
use kit::{Mechanism, ck, code, isolated};

#[test]
fn a_parameter_of_another_shape_or_a_value_that_makes_no_sense_is_refused() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (of, key_type, key_length, given, ..) in ROWS {
            let key = key(&session, *key_type, &key_bytes(*key_type, *key_length));
            let mut wrong = vec![
                Mechanism::bytes(*of, [1; 7]),
                Mechanism::bytes(*of, [1; 17]),
                Mechanism::plain(*of).claiming(16),
                Mechanism::plain(*of).claiming(u64::MAX),
                mechanism(*of, *key_type, *given).claiming(1 << 63),
            ];
            match given {
                Given::None => {}
                Given::Bits(_) => wrong.extend([0, 1025, u64::MAX].map(|bits| Mechanism::number(*of, bits))),
                Given::BitsIv(_) => wrong.extend([0, 1025, u64::MAX].map(|bits| Mechanism::rc2_cbc(*of, bits, iv()))),
                Given::Counter => wrong.extend([0, 129].map(|bits| Mechanism::ctr(bits, iv()).of(*of))),
                // Counter and nonce of lengths that exist, but not together.
                Given::Stream(..) => wrong.extend([
                    Mechanism::chacha20(&[0; 4], &[0; 8]),
                    Mechanism::chacha20(&[0; 4], &[0; 24]),
                    Mechanism::chacha20(&[0; 8], &[0; 12]),
                    Mechanism::chacha20(&[0; 8], &[0; 16]),
                ]),
                Given::Iv => wrong.push(Mechanism::bytes(*of, &[1; 24][..24 - block(*key_type)])),
            }
            if !matches!(given, Given::None) {
                wrong.push(Mechanism::plain(*of));
            }
            // 8 and 16 are the two lengths of blocks: what is left of 24 is the other one.
            for (number, mechanism) in wrong.iter().enumerate() {
                let there = code(session.encrypt_init(mechanism, key));
                assert_eq!(there, ck::CKR_MECHANISM_PARAM_INVALID, "{of:#x} number {number}");
                assert_eq!(code(session.decrypt_init(mechanism, key)), ck::CKR_MECHANISM_PARAM_INVALID);
                assert_eq!(code(session.encrypt(&[0; 16])), ck::CKR_OPERATION_NOT_INITIALIZED);
            }
        }
    });
}

#[test]
fn a_message_has_a_length_that_the_mode_takes() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (of, key_type, key_length, given, ..) in ROWS {
            let key = key(&session, *key_type, &key_bytes(*key_type, *key_length));
            let block = block(*key_type);
            let sealed_only = [ck::CKM_RC2_CBC_PAD, ck::CKM_DES_CBC_PAD, ck::CKM_DES3_CBC_PAD, ck::CKM_CAST128_CBC_PAD];
            let whole = [
                (ck::CKM_RC2_ECB, ck::CKM_RC2_CBC),
                (ck::CKM_DES_ECB, ck::CKM_DES_CBC),
                (ck::CKM_DES3_ECB, ck::CKM_DES3_CBC),
                (ck::CKM_CAST128_ECB, ck::CKM_CAST128_CBC),
                (ck::CKM_IDEA_ECB, ck::CKM_IDEA_CBC),
                (ck::CKM_SEED_ECB, ck::CKM_SEED_CBC),
                (ck::CKM_ARIA_ECB, ck::CKM_ARIA_CBC),
                (ck::CKM_CAMELLIA_ECB, ck::CKM_CAMELLIA_CBC),
            ];
            let (there, back): (&[usize], &[usize]) = if whole.iter().any(|(ecb, cbc)| of == ecb || of == cbc) {
                (&[1, block - 1, block + 1], &[1, block - 1, block + 1])
            } else if sealed_only.contains(of) {
                (&[], &[0, 1, block - 1, block + 1])
            } else if [ck::CKM_AES_CTS, ck::CKM_AES_XTS].contains(of) {
                (&[0, 1, 15], &[0, 1, 15])
            } else {
                continue;
            };
            let mechanism = mechanism(*of, *key_type, *given);
            for length in there {
                let data = vec![1; *length];
                session.encrypt_init(&mechanism, key).unwrap();
                assert_eq!(code(session.encrypt(&data)), ck::CKR_DATA_LEN_RANGE, "{of:#x} {length}");
                session.encrypt_init(&mechanism, key).unwrap();
                session.encrypt_update(&data).unwrap();
                assert_eq!(code(session.encrypt_final()), ck::CKR_DATA_LEN_RANGE, "{of:#x} {length}");
            }
            for length in back {
                let data = vec![1; *length];
                session.decrypt_init(&mechanism, key).unwrap();
                assert_eq!(code(session.decrypt(&data)), ck::CKR_ENCRYPTED_DATA_LEN_RANGE, "{of:#x} {length}");
                session.decrypt_init(&mechanism, key).unwrap();
                session.decrypt_update(&data).unwrap();
                assert_eq!(code(session.decrypt_final()), ck::CKR_ENCRYPTED_DATA_LEN_RANGE, "{of:#x} {length}");
            }
        }
    });
}

#[test]
fn a_wrong_padding_is_noticed_and_leaves_nothing_behind() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (padded, bare, key_type, length) in [
            (ck::CKM_DES3_CBC_PAD, ck::CKM_DES3_CBC, ck::CKK_DES3, 24),
            (ck::CKM_CAMELLIA_CBC_PAD, ck::CKM_CAMELLIA_CBC, ck::CKK_CAMELLIA, 32),
            (ck::CKM_SEED_CBC_PAD, ck::CKM_SEED_CBC, ck::CKK_SEED, 16),
        ] {
            let key = key(&session, key_type, &key_bytes(key_type, length));
            let block = block(key_type);
            for last in [0, block as u8 + 1, 255] {
                let mut data = vec![7; 2 * block];
                data[2 * block - 1] = last;
                let bare = mechanism(bare, key_type, Given::Iv);
                let sealed = session.encrypt_with(&bare, key, &data).unwrap();
                let mut output = vec![0xee; 2 * block];
                session.decrypt_init(&mechanism(padded, key_type, Given::Iv), key).unwrap();
                let refused = session.decrypt_into(&sealed, &mut output);
                assert_eq!(refused.0.unwrap_err(), ck::CKR_ENCRYPTED_DATA_INVALID, "{padded:#x} {last}");
                assert!(!output.starts_with(&data[..block]));
            }
        }
    });
}

#[test]
fn an_xts_message_is_at_most_16_mib_and_waits_for_its_end() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = key(&session, ck::CKK_AES_XTS, &key_bytes(ck::CKK_AES_XTS, 64));
        let xts = mechanism(ck::CKM_AES_XTS, ck::CKK_AES_XTS, Given::Iv);
        session.encrypt_init(&xts, key).unwrap();
        assert_eq!(code(session.encrypt(&vec![0; (1 << 24) + 1])), ck::CKR_DATA_LEN_RANGE);
        session.encrypt_init(&xts, key).unwrap();
        assert!(session.encrypt_update(&vec![0; 1 << 24]).unwrap().is_empty());
        assert_eq!(session.encrypt_final().unwrap().len(), 1 << 24);
        session.decrypt_init(&xts, key).unwrap();
        assert!(session.decrypt_update(&vec![0; 1 << 24]).unwrap().is_empty());
        assert_eq!(code(session.decrypt_update(&[0])), ck::CKR_ENCRYPTED_DATA_LEN_RANGE);
        assert_eq!(code(session.decrypt_final()), ck::CKR_OPERATION_NOT_INITIALIZED);
    });
}

#[test]
fn a_counter_of_chacha20_never_comes_back_to_where_it_was() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = key(&session, ck::CKK_CHACHA20, &[5; 32]);
        for (last, nonce) in [(&[0xff; 4][..], &[1; 12][..]), (&[0xff; 8], &[1; 8]), (&[0xff; 8], &[1; 24])] {
            let mechanism = Mechanism::chacha20(last, nonce);
            assert_eq!(session.encrypt_with(&mechanism, key, &[0; 64]).unwrap().len(), 64);
            session.encrypt_init(&mechanism, key).unwrap();
            assert_eq!(code(session.encrypt(&[0; 65])), ck::CKR_DATA_LEN_RANGE);
            session.decrypt_init(&mechanism, key).unwrap();
            session.decrypt_update(&[0; 64]).unwrap();
            assert_eq!(code(session.decrypt_update(&[0])), ck::CKR_ENCRYPTED_DATA_LEN_RANGE);
        }
    });
}

#[test]
fn a_key_of_another_type_is_inconsistent() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let aes = key(&session, ck::CKK_AES, &[1; 16]);
        let generic = key(&session, ck::CKK_GENERIC_SECRET, &[1; 16]);
        for (of, key_type, _, given, ..) in ROWS {
            let mechanism = mechanism(*of, *key_type, *given);
            for key in if *key_type == ck::CKK_AES { vec![generic] } else { vec![aes, generic] } {
                assert_eq!(code(session.encrypt_init(&mechanism, key)), ck::CKR_KEY_TYPE_INCONSISTENT, "{of:#x}");
                assert_eq!(code(session.decrypt_init(&mechanism, key)), ck::CKR_KEY_TYPE_INCONSISTENT, "{of:#x}");
            }
        }
    });
}
