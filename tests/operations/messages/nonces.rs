//! Nonces that the token makes: written back, never twice, the client's bits in front, and an end.

use kit::{Mechanism, Message, Session, ck, isolated};

const AAD: &[u8] = b"associated";
const DATA: [u8; 20] = [3; 20];

/// Encrypts until there are no more nonces, or `most`; says them, and each message opens under its own.
fn series(session: &Session<'_>, mut message: Message, most: usize) -> Vec<Vec<u8>> {
    let (gcm, key) = (Mechanism::plain(ck::CKM_AES_GCM), session.aes(&[1; 16]));
    let mut messages = Vec::new();
    session.message_encrypt_init(&gcm, key).unwrap();
    while messages.len() < most {
        match session.encrypt_message(&mut message, AAD, &DATA) {
            Ok(sealed) => messages.push((message.clone(), sealed)),
            Err(code) => {
                assert_eq!(code, ck::CKR_DATA_LEN_RANGE);
                break;
            }
        }
    }
    session.message_encrypt_final().unwrap();
    session.message_decrypt_init(&gcm, key).unwrap();
    for (message, sealed) in &mut messages {
        // The generator means nothing here.
        assert_eq!(session.decrypt_message(message, AAD, sealed).unwrap(), DATA);
    }
    session.message_decrypt_final().unwrap();
    messages.into_iter().map(|(message, _)| message.nonce).collect()
}

#[test]
fn a_counter_begins_with_zero_and_ends_when_it_is_used_up() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let fixed = [0x5a; 12];
        let counted = series(&session, Message::gcm(&fixed, 128).generated(ck::CKG_GENERATE_COUNTER, 92), 99);
        assert_eq!(counted.len(), 16);
        for (number, nonce) in counted.iter().enumerate() {
            assert_eq!((&nonce[..11], nonce[11]), (&fixed[..11], 0x50 | number as u8));
        }
        let counted = series(&session, Message::gcm(&fixed, 128).generated(ck::CKG_GENERATE_COUNTER_XOR, 92), 99);
        assert_eq!(counted.len(), 16);
        for (number, nonce) in counted.iter().enumerate() {
            assert_eq!((&nonce[..11], nonce[11]), (&fixed[..11], 0x5a ^ number as u8));
        }
    });
}

#[test]
fn what_the_token_chooses_never_comes_twice() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for generator in [ck::CKG_GENERATE, ck::CKG_GENERATE_RANDOM] {
            for fixed_bits in [0, 32] {
                let message = || Message::gcm(&[0x5a; 12], 128).generated(generator, fixed_bits);
                let mut all = [series(&session, message(), 40), series(&session, message(), 40)].concat();
                assert!(
                    all.iter().all(|nonce| nonce[..fixed_bits as usize / 8] == [0x5a; 12][..fixed_bits as usize / 8])
                );
                all.sort();
                all.dedup();
                assert_eq!(all.len(), 80);
            }
        }
        // So few random ones would repeat soon.
        let few = series(&session, Message::gcm(&[0; 12], 128).generated(ck::CKG_GENERATE_RANDOM, 72), 9);
        assert!(few.is_empty());
    });
}

#[test]
fn the_nonce_is_made_when_a_message_begins_and_for_none_that_is_only_asked_about() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (gcm, key) = (Mechanism::plain(ck::CKM_AES_GCM), session.aes(&[1; 16]));
        session.message_encrypt_init(&gcm, key).unwrap();
        let mut message = Message::gcm(&[9; 12], 128).generated(ck::CKG_GENERATE_COUNTER, 32);
        assert_eq!(session.encrypt_message_len(&mut message, AAD, &DATA).unwrap(), 20);
        assert_eq!(message.nonce, [9; 12]);
        session.encrypt_message_begin(&mut message, AAD).unwrap();
        assert_eq!(message.nonce, [9, 9, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0]);
        let sealed = session.encrypt_message_next(&mut message, &DATA, ck::CKF_END_OF_MESSAGE).unwrap();
        assert_eq!(message.nonce[11], 0);
        let mut next = message.clone();
        session.encrypt_message(&mut next, AAD, &DATA).unwrap();
        assert_eq!(next.nonce[11], 1);
        session.message_encrypt_final().unwrap();
        assert_eq!(
            session
                .decrypt_with(&Mechanism::gcm(&message.nonce, AAD, 128), key, &[sealed, message.tag].concat())
                .unwrap(),
            DATA
        );
    });
}

#[test]
fn generators_that_nobody_knows_or_that_change_are_refused() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (gcm, key) = (Mechanism::plain(ck::CKM_AES_GCM), session.aes(&[1; 16]));
        session.message_encrypt_init(&gcm, key).unwrap();
        let with = |generator, fixed_bits| {
            let mut message = Message::gcm(&[9; 12], 128).generated(generator, fixed_bits);
            session.encrypt_message(&mut message, AAD, &DATA).map(drop)
        };
        let invalid = ck::CKR_MECHANISM_PARAM_INVALID;
        for (generator, fixed_bits) in
            [(5, 0), (u64::MAX, 0), (ck::CKG_GENERATE, 97), (ck::CKG_GENERATE_COUNTER, u64::MAX)]
        {
            assert_eq!(with(generator, fixed_bits).unwrap_err(), invalid);
        }
        with(ck::CKG_GENERATE_COUNTER, 32).unwrap();
        for (generator, fixed_bits) in
            [(ck::CKG_NO_GENERATE, 32), (ck::CKG_GENERATE_COUNTER, 64), (ck::CKG_GENERATE, 32)]
        {
            assert_eq!(with(generator, fixed_bits).unwrap_err(), invalid);
        }
        with(ck::CKG_GENERATE_COUNTER, 32).unwrap();
    });
}
