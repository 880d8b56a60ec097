//! What holds for every cipher: length queries and short buffers change nothing, buffers may overlap, and when an
//! operation begins, ends and stands beside another.

use crate::encrypt::{IV, KEY, Way, modes};
use kit::{Mechanism, Template, ck, code, isolated};

const PLAIN: [u8; 48] = *b"forty-eight bytes of plaintext, in three blocks.";

#[test]
fn a_length_query_and_a_short_buffer_change_nothing() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        for mode in modes() {
            let sealed = session.encrypt_with(&mode.mechanism, key, &PLAIN).unwrap();
            for (way, from, to) in [(Way::Encrypt, &PLAIN[..], &sealed[..]), (Way::Decrypt, &sealed, &PLAIN)] {
                let told = format!("{way:?} {}", mode.name);
                way.init(&session, &mode.mechanism, key).unwrap();
                for _ in 0..3 {
                    let asked = way.once_len(&session, from).unwrap();
                    assert!((to.len()..=to.len() + 16).contains(&asked), "{told}: {asked}");
                    for room in [0, 1, to.len() - 1] {
                        let mut short = vec![0u8; room.max(1)];
                        let (outcome, needed) = way.once_into(&session, from, &mut short[..room]);
                        assert_eq!(outcome.unwrap_err(), ck::CKR_BUFFER_TOO_SMALL, "{told}");
                        assert!((to.len()..=asked).contains(&needed), "{told}: {needed}");
                        assert!(short.iter().all(|byte| *byte == 0), "{told}: written too early");
                    }
                }
                let mut exact = vec![0; to.len()];
                let (outcome, written) = way.once_into(&session, from, &mut exact);
                outcome.unwrap();
                assert_eq!((written, &exact[..]), (to.len(), to), "{told}");
                assert_eq!(way.once(&session, from).unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED, "{told}");
            }
        }
    });
}

#[test]
fn the_same_holds_for_updates_and_for_the_end() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        for mode in modes() {
            let sealed = session.encrypt_with(&mode.mechanism, key, &PLAIN).unwrap();
            for (way, from, to) in [(Way::Encrypt, &PLAIN[..], &sealed[..]), (Way::Decrypt, &sealed, &PLAIN)] {
                let told = format!("{way:?} {}", mode.name);
                way.init(&session, &mode.mechanism, key).unwrap();
                let mut output: Vec<u8> = Vec::new();
                for part in from.chunks(20) {
                    let (outcome, needed) = way.update_into(&session, part, &mut []);
                    let mut room = vec![0; needed];
                    if let Err(short) = outcome {
                        assert_eq!(short, ck::CKR_BUFFER_TOO_SMALL, "{told}");
                        let (outcome, written) = way.update_into(&session, part, &mut room);
                        outcome.unwrap();
                        output.extend(&room[..written]);
                    }
                    // An output of no bytes fits into no room: then the part is taken.
                }
                let mut nothing = [0; 1];
                let (outcome, needed) = way.finish_into(&session, &mut nothing[..0]);
                if let Err(short) = outcome {
                    assert_eq!(short, ck::CKR_BUFFER_TOO_SMALL, "{told}");
                    let mut room = vec![0; needed];
                    let (outcome, written) = way.finish_into(&session, &mut room);
                    outcome.unwrap();
                    output.extend(&room[..written]);
                }
                assert_eq!(output, to, "{told}");
                assert_eq!(way.finish(&session).unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED, "{told}");
            }
        }
    });
}

#[test]
fn after_a_short_buffer_other_data_is_taken_as_if_nothing_had_been() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        for mode in modes() {
            let sealed = |plain: &[u8]| session.encrypt_with(&mode.mechanism, key, plain).unwrap();
            let (long, short, two) = (sealed(&PLAIN), sealed(&PLAIN[..16]), sealed(&PLAIN[..32]));
            let ways = [
                (Way::Encrypt, [&PLAIN[..], &PLAIN[..16], &PLAIN[..32]], [&short, &two]),
                (Way::Decrypt, [&long, &short, &two], [&PLAIN[..16].to_vec(), &PLAIN[..32].to_vec()]),
            ];
            for (way, [from, less, parts], [to, both]) in ways {
                let told = format!("{way:?} {}", mode.name);
                let too_small =
                    |outcome: kit::Result<()>| assert_eq!(code(outcome), ck::CKR_BUFFER_TOO_SMALL, "{told}");
                way.init(&session, &mode.mechanism, key).unwrap();
                too_small(way.once_into(&session, from, &mut [0; 15]).0);
                assert_eq!(&way.once(&session, less).unwrap(), to, "{told}");

                if way == Way::Decrypt && mode.name == "GCM" {
                    // It takes every part and gives nothing before the end.
                    continue;
                }
                way.init(&session, &mode.mechanism, key).unwrap();
                let mut output = Vec::new();
                for part in parts.chunks(16) {
                    too_small(way.update_into(&session, from, &mut []).0);
                    output.extend(way.update(&session, part).unwrap());
                }
                if way.finish_into(&session, &mut []).0.is_err() {
                    output.extend(way.finish(&session).unwrap());
                }
                assert_eq!(&output, both, "{told}");
            }
        }
    });
}

#[test]
fn input_and_output_may_be_the_same_memory_or_overlap() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        for mode in modes() {
            let sealed = session.encrypt_with(&mode.mechanism, key, &PLAIN).unwrap();
            for (way, from, to) in [(Way::Encrypt, &PLAIN[..], &sealed[..]), (Way::Decrypt, &sealed, &PLAIN)] {
                for (input, output) in [(0, 0), (0, 1), (1, 0), (0, 16), (16, 0), (5, 40), (40, 5)] {
                    let told = format!("{way:?} {} from {input} to {output}", mode.name);
                    let mut memory = vec![0u8; 160];
                    memory[input..input + from.len()].copy_from_slice(from);
                    way.init(&session, &mode.mechanism, key).unwrap();
                    let (input, output) = (input..input + from.len(), output..output + 64);
                    let (outcome, written) = match way {
                        Way::Encrypt => session.encrypt_within(&mut memory, input, output.clone()),
                        Way::Decrypt => session.decrypt_within(&mut memory, input, output.clone()),
                    };
                    outcome.unwrap();
                    assert_eq!(&memory[output.start..output.start + written], to, "{told}");
                }
            }
        }
    });
}

#[test]
fn updates_may_work_in_place() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        for mode in modes() {
            let sealed = session.encrypt_with(&mode.mechanism, key, &PLAIN).unwrap();
            for shift in [0usize, 3, 16] {
                session.encrypt_init(&mode.mechanism, key).unwrap();
                let mut output = Vec::new();
                for part in PLAIN.chunks(20) {
                    let mut memory = vec![0u8; 64];
                    memory[shift..shift + part.len()].copy_from_slice(part);
                    let (outcome, written) =
                        session.encrypt_update_within(&mut memory, shift..shift + part.len(), 0..40);
                    outcome.unwrap();
                    output.extend(&memory[..written]);
                }
                output.extend(session.encrypt_final().unwrap());
                assert_eq!(output, sealed, "{} {shift}", mode.name);
            }
        }
    });
}

#[test]
fn a_second_init_and_a_single_part_after_an_update_find_the_operation_active() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        for mode in modes() {
            let sealed = session.encrypt_with(&mode.mechanism, key, &PLAIN).unwrap();
            for (way, from, to) in [(Way::Encrypt, &PLAIN[..], &sealed[..]), (Way::Decrypt, &sealed, &PLAIN)] {
                way.init(&session, &mode.mechanism, key).unwrap();
                for other in Way::BOTH {
                    let second = other.init(&session, &mode.mechanism, key).unwrap_err();
                    assert_eq!(second, ck::CKR_OPERATION_ACTIVE);
                }
                let (first, rest) = from.split_at(20);
                let mut output = way.update(&session, first).unwrap();
                assert_eq!(way.once(&session, rest).unwrap_err(), ck::CKR_OPERATION_ACTIVE);
                assert_eq!(way.once_len(&session, rest).unwrap_err(), ck::CKR_OPERATION_ACTIVE);
                output.extend(way.update(&session, rest).unwrap());
                output.extend(way.finish(&session).unwrap());
                assert_eq!(output, to, "{way:?} {}: it went on as if nothing had been", mode.name);
            }
        }
    });
}

#[test]
fn without_an_init_there_is_no_operation() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        for way in Way::BOTH {
            for outcome in [
                way.once(&session, &IV).map(drop),
                way.once_len(&session, &IV).map(drop),
                way.update(&session, &IV).map(drop),
                way.finish(&session).map(drop),
            ] {
                assert_eq!(outcome.unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED);
            }
        }
        // One direction is not the other, and one session not another.
        session.encrypt_init(&Mechanism::plain(ck::CKM_AES_ECB), key).unwrap();
        assert_eq!(session.decrypt(&IV).unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED);
        let other = module.open_ro(session.info().unwrap().slotID).unwrap();
        assert_eq!(other.encrypt(&IV).unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED);
        other.encrypt_with(&Mechanism::plain(ck::CKM_AES_ECB), key, &IV).unwrap();
        session.encrypt(&IV).unwrap();
    });
}

#[test]
fn a_null_mechanism_or_c_session_cancel_ends_an_operation() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (key, ecb) = (session.aes(&KEY), Mechanism::plain(ck::CKM_AES_ECB));
        for way in Way::BOTH {
            way.init(&session, &ecb, key).unwrap();
            way.update(&session, &IV).unwrap();
            match way {
                Way::Encrypt => session.encrypt_cancel().unwrap(),
                Way::Decrypt => session.decrypt_cancel().unwrap(),
            }
            assert_eq!(way.finish(&session).unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED);
            way.init(&session, &ecb, key).unwrap();
            session.cancel(ck::CKF_SIGN | ck::CKF_VERIFY | ck::CKF_DIGEST).unwrap();
            way.update(&session, &IV).unwrap();
            session.cancel(ck::CKF_ENCRYPT | ck::CKF_DECRYPT).unwrap();
            assert_eq!(way.finish(&session).unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED);
        }
    });
}

#[test]
fn a_digest_and_a_cipher_run_side_by_side_and_do_not_mix() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (key, sha256) = (session.aes(&KEY), Mechanism::plain(ck::CKM_SHA256));
        let digest = session.digest_with(&sha256, &PLAIN).unwrap();
        for mode in modes() {
            let sealed = session.encrypt_with(&mode.mechanism, key, &PLAIN).unwrap();
            for (way, from, to) in [(Way::Encrypt, &PLAIN[..], &sealed[..]), (Way::Decrypt, &sealed, &PLAIN)] {
                session.digest_init(&sha256).unwrap();
                way.init(&session, &mode.mechanism, key).unwrap();
                let mut output = Vec::new();
                for (part, plain) in from.chunks(32).zip(PLAIN.chunks(24)) {
                    output.extend(way.update(&session, part).unwrap());
                    session.digest_update(plain).unwrap();
                }
                assert_eq!(session.digest_final().unwrap(), digest);
                assert_eq!(way.init(&session, &mode.mechanism, key).unwrap_err(), ck::CKR_OPERATION_ACTIVE);
                output.extend(way.finish(&session).unwrap());
                assert_eq!(output, to, "{way:?} {}", mode.name);
            }
        }
        // Two that no dual function joins.
        let secret = session.secret(&KEY);
        session.sign_init(&Mechanism::plain(ck::CKM_SHA256_HMAC), secret).unwrap();
        session.encrypt_init(&modes()[0].mechanism, key).unwrap();
        assert_eq!(session.digest_init(&sha256).unwrap_err(), ck::CKR_OPERATION_ACTIVE);
        session.cancel(ck::CKF_ENCRYPT).unwrap();
        assert_eq!(session.decrypt_init(&modes()[0].mechanism, key).unwrap_err(), ck::CKR_OPERATION_ACTIVE);
    });
}

#[test]
fn a_key_does_what_its_attributes_and_its_type_allow() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let ecb = Mechanism::plain(ck::CKM_AES_ECB);
        let aes = Template::secret_key(ck::CKK_AES, &KEY);
        let cases = [
            (aes.clone().flag(ck::CKA_ENCRYPT, false), Way::Encrypt, ck::CKR_KEY_FUNCTION_NOT_PERMITTED),
            (aes.clone().flag(ck::CKA_DECRYPT, false), Way::Decrypt, ck::CKR_KEY_FUNCTION_NOT_PERMITTED),
            (
                aes.clone().ulongs(ck::CKA_ALLOWED_MECHANISMS, &[ck::CKM_AES_CBC, ck::CKM_AES_GCM]),
                Way::Encrypt,
                ck::CKR_MECHANISM_INVALID,
            ),
            (Template::secret_key(ck::CKK_GENERIC_SECRET, &KEY), Way::Encrypt, ck::CKR_KEY_TYPE_INCONSISTENT),
            (
                Template::secret_key(ck::CKK_GENERIC_SECRET, &KEY).flag(ck::CKA_DECRYPT, false),
                Way::Decrypt,
                ck::CKR_KEY_TYPE_INCONSISTENT,
            ),
        ];
        for (template, way, code) in cases {
            let key = session.create(&template).unwrap();
            assert_eq!(way.init(&session, &ecb, key).unwrap_err(), code);
            assert_eq!(way.once(&session, &IV).unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED);
        }
        let allowed = session.create(&aes.ulongs(ck::CKA_ALLOWED_MECHANISMS, &[ck::CKM_AES_ECB])).unwrap();
        session.encrypt_with(&ecb, allowed, &IV).unwrap();
        let (public, private) = session.rsa_pair(1024);
        let oaep = Mechanism::oaep(ck::CKM_SHA_1, ck::CKG_MGF1_SHA1, b"");
        assert_eq!(session.encrypt_init(&oaep, private).unwrap_err(), ck::CKR_KEY_TYPE_INCONSISTENT);
        assert_eq!(session.decrypt_init(&oaep, public).unwrap_err(), ck::CKR_KEY_TYPE_INCONSISTENT);
        assert_eq!(session.encrypt_init(&oaep, allowed).unwrap_err(), ck::CKR_KEY_TYPE_INCONSISTENT);
        assert_eq!(
            session.encrypt_init(&Mechanism::plain(ck::CKM_SHA256), public).unwrap_err(),
            ck::CKR_MECHANISM_INVALID
        );
        assert_eq!(session.encrypt_init(&ecb, kit::Object(0)).unwrap_err(), ck::CKR_KEY_HANDLE_INVALID);
    });
}

#[test]
fn a_logout_ends_what_a_private_key_does_and_leaves_the_rest() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let ecb = Mechanism::plain(ck::CKM_AES_ECB);
        let (private, open) = (Template::secret_key(ck::CKK_AES, &KEY), Template::secret_key(ck::CKK_AES, &KEY));
        let (private, open) = (session.create(&private).unwrap(), session.create(&open.private(false)).unwrap());
        let other = module.open_rw(session.info().unwrap().slotID).unwrap();
        session.encrypt_init(&ecb, private).unwrap();
        other.encrypt_init(&ecb, open).unwrap();
        session.logout().unwrap();
        assert_eq!(session.encrypt(&IV).unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED);
        assert_eq!(session.encrypt_init(&ecb, private).unwrap_err(), ck::CKR_KEY_HANDLE_INVALID);
        other.encrypt(&IV).unwrap();
    });
}
