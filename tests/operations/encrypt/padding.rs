//! CBC with PKCS#7 padding.

use crate::encrypt::{IV, KEY, Way};
use kit::{Judge, Mechanism, ck, isolated};

fn padded() -> Mechanism {
    Mechanism::bytes(ck::CKM_AES_CBC_PAD, IV)
}

#[test]
fn every_length_is_padded_as_openssl_pads_it() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (key, judge) = (session.aes(&KEY), Judge::new());
        let digits = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
        let (key_digits, iv_digits) = (digits(&KEY), digits(&IV));
        for length in 0..=48usize {
            let plain: Vec<u8> = (0..length as u8).collect();
            let sealed = session.encrypt_with(&padded(), key, &plain).unwrap();
            assert_eq!(sealed.len(), length / 16 * 16 + 16);
            let theirs = judge.encrypts(&["-aes-256-cbc", "-K", &key_digits, "-iv", &iv_digits], &plain);
            assert_eq!(sealed, theirs, "{length}");
            assert_eq!(session.decrypt_with(&padded(), key, &sealed).unwrap(), plain);
            let parts: Vec<&[u8]> = plain.chunks(7).collect();
            assert_eq!(Way::Encrypt.in_parts(&session, &padded(), key, &parts).unwrap(), sealed);
            let parts: Vec<&[u8]> = sealed.chunks(7).collect();
            assert_eq!(Way::Decrypt.in_parts(&session, &padded(), key, &parts).unwrap(), plain);
        }
    });
}

#[test]
fn wrong_padding_is_one_error_and_wrong_lengths_are_another() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (key, plain) = (session.aes(&KEY), [7u8; 20]);
        // What the last block ends with, made without padding.
        let unpadded = Mechanism::bytes(ck::CKM_AES_CBC, IV);
        for ending in [&[0u8][..], &[17], &[255], &[1, 2], &[4, 3, 3], &[0; 16]] {
            let mut blocks = [9u8; 32];
            blocks[32 - ending.len()..].copy_from_slice(ending);
            let sealed = session.encrypt_with(&unpadded, key, &blocks).unwrap();
            let mut room = [0u8; 32];
            session.decrypt_init(&padded(), key).unwrap();
            let wrong = session.decrypt_into(&sealed, &mut room).0.unwrap_err();
            assert_eq!(wrong, ck::CKR_ENCRYPTED_DATA_INVALID, "{ending:?}");
            assert_eq!(room, [0; 32], "no plaintext may stay in the buffer");
            assert_eq!(session.decrypt_final().unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED);
            session.decrypt_init(&padded(), key).unwrap();
            session.decrypt_update(&sealed).unwrap();
            assert_eq!(session.decrypt_final().unwrap_err(), ck::CKR_ENCRYPTED_DATA_INVALID);
        }
        let sealed = session.encrypt_with(&padded(), key, &plain).unwrap();
        for length in [0, 1, 15, 17, 31] {
            let cut = &sealed[..length];
            let refused = session.decrypt_with(&padded(), key, cut).unwrap_err();
            assert_eq!(refused, ck::CKR_ENCRYPTED_DATA_LEN_RANGE, "{length}");
            let refused = Way::Decrypt.in_parts(&session, &padded(), key, &[cut]).unwrap_err();
            assert_eq!(refused, ck::CKR_ENCRYPTED_DATA_LEN_RANGE, "{length}");
        }
    });
}

#[test]
fn a_buffer_of_the_true_length_is_enough_to_decrypt() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        for length in [0usize, 1, 15, 16, 17, 40] {
            let plain = vec![3; length];
            let sealed = session.encrypt_with(&padded(), key, &plain).unwrap();
            session.decrypt_init(&padded(), key).unwrap();
            if length > 0 {
                let (short, needed) = session.decrypt_into(&sealed, &mut vec![0; length - 1]);
                assert_eq!(short.unwrap_err(), ck::CKR_BUFFER_TOO_SMALL);
                assert!(needed >= length);
                // The same of the end.
                session.decrypt_cancel().unwrap();
                session.decrypt_init(&padded(), key).unwrap();
                let mut output = session.decrypt_update(&sealed).unwrap();
                let left = length - output.len();
                if left > 0 {
                    let short = session.decrypt_final_into(&mut vec![0; left - 1]).0.unwrap_err();
                    assert_eq!(short, ck::CKR_BUFFER_TOO_SMALL);
                }
                output.extend(session.decrypt_final().unwrap());
                assert_eq!(output, plain);
                session.decrypt_init(&padded(), key).unwrap();
            }
            let mut exact = vec![0; length.max(1)];
            let (enough, written) = session.decrypt_into(&sealed, &mut exact);
            enough.unwrap();
            assert_eq!((written, &exact[..length]), (length, &plain[..]));
            session.decrypt_init(&padded(), key).unwrap();
            let mut output = session.decrypt_update(&sealed).unwrap();
            let mut last = vec![0; (length - output.len()).max(1)];
            let (enough, written) = session.decrypt_final_into(&mut last);
            enough.unwrap();
            output.extend(&last[..written]);
            assert_eq!(output, plain);
        }
    });
}
