//! What holds for every signature: length queries and short buffers change nothing, when an operation begins and ends,
//! who may use which key.

use kit::{Mechanism, Object, Session, Template, ck, curve, isolated};

const DATA: [u8; 32] = *b"thirty-two bytes that are signed";

/// A mechanism and keys for it.
struct Signing {
    name: &'static str,
    mechanism: Mechanism,
    verify: Object,
    sign: Object,
    length: usize,
    /// Takes data in parts.
    parts: bool,
}

/// One of every family.
fn all(session: &Session<'_>) -> Vec<Signing> {
    let rsa = session.rsa_pair(1024);
    let p256 = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P256);
    let ed25519 = session.curve_pair(ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, curve::ED25519);
    let secret = session.secret(&DATA);
    let plain = |name, of, (verify, sign), length, parts| Signing {
        name,
        mechanism: Mechanism::plain(of),
        verify,
        sign,
        length,
        parts,
    };
    let pss = |of| Mechanism::pss(of, ck::CKM_SHA256, ck::CKG_MGF1_SHA256, 32);
    vec![
        plain("RSA_PKCS", ck::CKM_RSA_PKCS, rsa, 128, false),
        plain("SHA256_RSA_PKCS", ck::CKM_SHA256_RSA_PKCS, rsa, 128, true),
        Signing { mechanism: pss(ck::CKM_RSA_PKCS_PSS), ..plain("RSA_PKCS_PSS", 0, rsa, 128, false) },
        Signing { mechanism: pss(ck::CKM_SHA256_RSA_PKCS_PSS), ..plain("SHA256_RSA_PKCS_PSS", 0, rsa, 128, true) },
        plain("ECDSA", ck::CKM_ECDSA, p256, 64, false),
        plain("ECDSA_SHA256", ck::CKM_ECDSA_SHA256, p256, 64, true),
        plain("EDDSA", ck::CKM_EDDSA, ed25519, 64, true),
        plain("SHA256_HMAC", ck::CKM_SHA256_HMAC, (secret, secret), 32, true),
    ]
}

#[test]
fn a_length_query_and_a_short_buffer_change_nothing() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for of in all(&session) {
            session.sign_init(&of.mechanism, of.sign).unwrap();
            let mut room = vec![0u8; of.length];
            for _ in 0..3 {
                assert_eq!(session.sign_len(&DATA).unwrap(), of.length, "{}", of.name);
                for short in [0, 1, of.length - 1] {
                    let (outcome, needed) = session.sign_into(&DATA, &mut room[..short]);
                    assert_eq!((outcome.unwrap_err().0, needed), (ck::CKR_BUFFER_TOO_SMALL, of.length), "{}", of.name);
                    assert!(room.iter().all(|byte| *byte == 0), "{}: written too early", of.name);
                }
            }
            let (outcome, written) = session.sign_into(&DATA, &mut room);
            outcome.unwrap();
            assert_eq!(written, of.length, "{}", of.name);
            session.verify_with(&of.mechanism, of.verify, &DATA, &room).unwrap();
            assert_eq!(session.sign_len(&DATA).unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED);
            if of.parts {
                session.sign_init(&of.mechanism, of.sign).unwrap();
                session.sign_update(&DATA).unwrap();
                let (outcome, needed) = session.sign_final_into(&mut room[..of.length - 1]);
                assert_eq!((outcome.unwrap_err().0, needed), (ck::CKR_BUFFER_TOO_SMALL, of.length));
                // Asks for the length, then signs.
                let signature = session.sign_final().unwrap();
                session.verify_with(&of.mechanism, of.verify, &DATA, &signature).unwrap();
            }
        }
    });
}

#[test]
fn signature_and_data_may_lie_in_the_same_memory() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for of in all(&session) {
            for (from, to) in [(0, 0), (0, 8), (8, 0)] {
                let mut memory = vec![0u8; 200];
                memory[from..from + 32].copy_from_slice(&DATA);
                session.sign_init(&of.mechanism, of.sign).unwrap();
                let (outcome, written) = session.sign_within(&mut memory, from..from + 32, to..to + of.length);
                outcome.unwrap();
                session.verify_with(&of.mechanism, of.verify, &DATA, &memory[to..to + written]).unwrap();
            }
        }
    });
}

#[test]
fn operations_begin_once_and_end_with_their_result() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (active, none) = (ck::CKR_OPERATION_ACTIVE, ck::CKR_OPERATION_NOT_INITIALIZED);
        for of in all(&session) {
            let init = || session.sign_init(&of.mechanism, of.sign);
            let init_verify = || session.verify_init(&of.mechanism, of.verify);
            init().unwrap();
            assert_eq!(init().unwrap_err(), active);
            assert_eq!(init_verify().unwrap_err(), active, "{}", of.name);
            let signature = session.sign(&DATA).unwrap();
            assert_eq!(session.sign_final().unwrap_err(), none);
            init_verify().unwrap();
            assert_eq!(init_verify().unwrap_err(), active);
            session.verify(&DATA, &signature).unwrap();
            assert_eq!(session.verify(&DATA, &signature).unwrap_err(), none);
            // Every result of C_Verify ends it.
            for wrong in [&signature[1..], &vec![1; of.length]] {
                init_verify().unwrap();
                session.verify(&DATA, wrong).unwrap_err();
                assert_eq!(session.verify(&DATA, &signature).unwrap_err(), none, "{}", of.name);
            }
            init().unwrap();
            if of.parts {
                session.sign_update(&DATA[..16]).unwrap();
                assert_eq!(session.sign(&DATA[16..]).unwrap_err(), active);
                session.sign_update(&DATA[16..]).unwrap();
                let joined = session.sign_final().unwrap();
                init_verify().unwrap();
                session.verify_update(&DATA[..1]).unwrap();
                assert_eq!(session.verify(&DATA[1..], &joined).unwrap_err(), active);
                session.verify_update(&DATA[1..]).unwrap();
                session.verify_final(&joined).unwrap();
                assert_eq!(session.verify_final(&joined).unwrap_err(), none);
            } else {
                assert_eq!(session.sign_update(&DATA).unwrap_err(), ck::CKR_FUNCTION_NOT_SUPPORTED, "{}", of.name);
                assert_eq!(session.sign(&DATA).unwrap_err(), none);
                init_verify().unwrap();
                assert_eq!(session.verify_update(&DATA).unwrap_err(), ck::CKR_FUNCTION_NOT_SUPPORTED);
                assert_eq!(session.verify(&DATA, &signature).unwrap_err(), none);
            }
        }
    });
}

#[test]
fn a_null_mechanism_or_c_session_cancel_ends_an_operation() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let none = ck::CKR_OPERATION_NOT_INITIALIZED;
        for of in all(&session) {
            let signature = session.sign_with(&of.mechanism, of.sign, &DATA).unwrap();
            for cancel in [Session::sign_cancel, |session: &Session<'_>| session.cancel(ck::CKF_SIGN)] {
                session.sign_init(&of.mechanism, of.sign).unwrap();
                cancel(&session).unwrap();
                assert_eq!(session.sign(&DATA).unwrap_err(), none, "{}", of.name);
            }
            for cancel in [Session::verify_cancel, |session: &Session<'_>| session.cancel(ck::CKF_VERIFY)] {
                session.verify_init(&of.mechanism, of.verify).unwrap();
                cancel(&session).unwrap();
                assert_eq!(session.verify(&DATA, &signature).unwrap_err(), none, "{}", of.name);
            }
        }
    });
}

#[test]
fn wrong_lengths_and_wrong_values_have_their_codes() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for of in all(&session) {
            let signature = session.sign_with(&of.mechanism, of.sign, &DATA).unwrap();
            for length in [0, 1, of.length - 1, of.length + 1, 2 * of.length] {
                let wrong = session.verify_with(&of.mechanism, of.verify, &DATA, &vec![1; length]).unwrap_err();
                assert_eq!(wrong, ck::CKR_SIGNATURE_LEN_RANGE, "{} {length}", of.name);
            }
            for bit in [0, 8 * of.length - 1] {
                let mut wrong = signature.clone();
                wrong[bit / 8] ^= 1 << (bit % 8);
                let wrong = session.verify_with(&of.mechanism, of.verify, &DATA, &wrong).unwrap_err();
                assert_eq!(wrong, ck::CKR_SIGNATURE_INVALID, "{} bit {bit}", of.name);
            }
        }
    });
}

#[test]
fn a_key_does_what_its_attributes_allow() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for of in all(&session) {
            let refuse = |usage| Template::new().flag(usage, false);
            let dumb = session.copy(of.sign, &refuse(ck::CKA_SIGN)).unwrap();
            let code = session.sign_init(&of.mechanism, dumb).unwrap_err();
            assert_eq!(code, ck::CKR_KEY_FUNCTION_NOT_PERMITTED, "{}", of.name);
            let dumb = session.copy(of.verify, &refuse(ck::CKA_VERIFY)).unwrap();
            let code = session.verify_init(&of.mechanism, dumb).unwrap_err();
            assert_eq!(code, ck::CKR_KEY_FUNCTION_NOT_PERMITTED, "{}", of.name);
            let aes = session.aes(&DATA);
            for outcome in [session.sign_init(&of.mechanism, aes), session.verify_init(&of.mechanism, aes)] {
                assert_eq!(outcome.unwrap_err(), ck::CKR_KEY_TYPE_INCONSISTENT, "{}", of.name);
            }
            if of.sign != of.verify {
                let halves = [session.sign_init(&of.mechanism, of.verify), session.verify_init(&of.mechanism, of.sign)];
                assert!(halves.iter().all(|code| code.unwrap_err() == ck::CKR_KEY_TYPE_INCONSISTENT), "{}", of.name);
            }
            for handle in [Object(0), Object(u64::MAX)] {
                let code = session.sign_init(&of.mechanism, handle).unwrap_err();
                assert_eq!(code, ck::CKR_KEY_HANDLE_INVALID);
            }
            assert_eq!(session.sign(&DATA).unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED);
        }
        let sha256 = Mechanism::plain(ck::CKM_SHA256);
        let secret = session.secret(&DATA);
        assert_eq!(session.sign_init(&sha256, secret).unwrap_err(), ck::CKR_MECHANISM_INVALID);
        assert_eq!(session.sign_init(&Mechanism::plain(0xdead_beef), secret).unwrap_err(), ck::CKR_MECHANISM_INVALID);
    });
}

#[test]
fn allowed_mechanisms_are_all_that_a_key_does() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let allowed = [ck::CKM_ECDSA_SHA256, ck::CKM_ECDSA_SHA384];
        let list = Template::new().ulongs(ck::CKA_ALLOWED_MECHANISMS, &allowed);
        let public = Template::new().bytes(ck::CKA_EC_PARAMS, curve::P256).and(&list);
        let generate = Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN);
        let (public, private) = session.generate_key_pair(&generate, &public, &list).unwrap();
        for of in allowed {
            let signature = session.sign_with(&Mechanism::plain(of), private, &DATA).unwrap();
            session.verify_with(&Mechanism::plain(of), public, &DATA, &signature).unwrap();
        }
        for of in [ck::CKM_ECDSA, ck::CKM_ECDSA_SHA1, ck::CKM_ECDSA_SHA512] {
            assert_eq!(session.sign_init(&Mechanism::plain(of), private).unwrap_err(), ck::CKR_MECHANISM_INVALID);
            assert_eq!(session.verify_init(&Mechanism::plain(of), public).unwrap_err(), ck::CKR_MECHANISM_INVALID);
        }
    });
}

#[test]
fn without_a_login_public_keys_verify_and_private_keys_are_not_there() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let all: Vec<_> = all(&session).into_iter().filter(|of| of.sign != of.verify).collect();
        let signatures: Vec<_> =
            all.iter().map(|of| session.sign_with(&of.mechanism, of.sign, &DATA).unwrap()).collect();
        session.sign_init(&all[0].mechanism, all[0].sign).unwrap();
        session.logout().unwrap();
        assert_eq!(session.sign(&DATA).unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED, "its key's owner is gone");
        for (of, signature) in all.iter().zip(&signatures) {
            session.verify_with(&of.mechanism, of.verify, &DATA, signature).unwrap();
            let gone = session.sign_init(&of.mechanism, of.sign).unwrap_err();
            assert_eq!(gone, ck::CKR_KEY_HANDLE_INVALID, "{}", of.name);
        }
        session.login(ck::CKU_USER, kit::USER_PIN).unwrap();
        let gone = session.sign_init(&all[0].mechanism, all[0].sign).unwrap_err();
        assert_eq!(gone, ck::CKR_KEY_HANDLE_INVALID, "a private session object ends with the login");
    });
}
