//! C_EncryptMessage, C_DecryptMessage, and their forms in parts.

use kit::{Chance, Env, Mechanism, Message, Module, Object, Session, Template, ck, isolated};

const KEY: [u8; 32] = *b"a key of exactly thirty-two byte";
const DATA: [u8; 50] = [0x5c; 50];
const AAD: &[u8] = b"associated";
const NONE: ck::CK_RV = ck::CKR_OPERATION_NOT_INITIALIZED;
const ACTIVE: ck::CK_RV = ck::CKR_OPERATION_ACTIVE;
const END: ck::CK_FLAGS = ck::CKF_END_OF_MESSAGE;

/// A mechanism with its key, its parameter for a message of [`DATA`]'s length, and the same for C_Encrypt.
struct Way {
    of: ck::CK_MECHANISM_TYPE,
    key: Object,
    message: Message,
    single: Mechanism,
    tag: usize,
}

fn all(session: &Session<'_>) -> [Way; 3] {
    let aes = session.aes(&KEY[..16]);
    let chacha = session.create(&Template::secret_key(ck::CKK_CHACHA20, &KEY)).unwrap();
    let nonce = [7; 12];
    [
        Way {
            of: ck::CKM_AES_GCM,
            key: aes,
            message: Message::gcm(&nonce, 96),
            single: Mechanism::gcm(&nonce, AAD, 96),
            tag: 12,
        },
        Way {
            of: ck::CKM_AES_CCM,
            key: aes,
            message: Message::ccm(DATA.len(), &nonce, 64),
            single: Mechanism::ccm(DATA.len(), &nonce, AAD, 8),
            tag: 8,
        },
        Way {
            of: ck::CKM_CHACHA20_POLY1305,
            key: chacha,
            message: Message::chacha20_poly1305(&nonce),
            single: Mechanism::chacha20_poly1305(&nonce, 12, AAD),
            tag: 16,
        },
    ]
}

fn session<'m>(env: &Env, module: &'m Module) -> Session<'m> {
    env.user(module)
}

#[test]
fn a_message_is_what_c_encrypt_makes_with_the_tag_apart() {
    isolated(|env| {
        let module = env.module();
        let session = session(env, &module);
        for Way { of, key, message, single, tag } in all(&session) {
            let whole = session.encrypt_with(&single, key, &DATA).unwrap();
            let mut message = message;
            // With the parameter at Init, and without.
            for mechanism in [Mechanism::plain(of), Mechanism::of_message(of, &mut message.clone())] {
                session.message_encrypt_init(&mechanism, key).unwrap();
                for _ in 0..3 {
                    let sealed = session.encrypt_message(&mut message, AAD, &DATA).unwrap();
                    assert_eq!(sealed, whole[..DATA.len()]);
                    assert_eq!(message.tag, whole[DATA.len()..]);
                    assert_eq!(message.tag.len(), tag);
                }
                session.message_encrypt_final().unwrap();
                assert_eq!(session.encrypt_message(&mut message, AAD, &DATA).unwrap_err(), NONE);
                session.message_decrypt_init(&mechanism, key).unwrap();
                for _ in 0..3 {
                    let plain = session.decrypt_message(&mut message, AAD, &whole[..DATA.len()]).unwrap();
                    assert_eq!(plain, DATA);
                }
                session.message_decrypt_final().unwrap();
            }
        }
    });
}

#[test]
fn a_message_in_parts_is_the_same_message() {
    isolated(|env| {
        let module = env.module();
        let session = session(env, &module);
        for Way { of, key, mut message, single, .. } in all(&session) {
            let whole = session.encrypt_with(&single, key, &DATA).unwrap();
            session.message_encrypt_init(&Mechanism::plain(of), key).unwrap();
            for seed in 0..4 {
                let parts = Chance::seeded(seed).parts(&DATA, 21);
                let (last, first) = parts.split_last().unwrap();
                message.tag.fill(0);
                session.encrypt_message_begin(&mut message, AAD).unwrap();
                let mut sealed: Vec<u8> = first
                    .iter()
                    .flat_map(|part| session.encrypt_message_next(&mut message, part, 0).unwrap())
                    .collect();
                assert!(message.tag.iter().all(|byte| *byte == 0), "no tag before the end");
                sealed.extend(session.encrypt_message_next(&mut message, last, END).unwrap());
                assert_eq!([&sealed[..], &message.tag].concat(), whole);
            }
            session.message_encrypt_final().unwrap();
            session.message_decrypt_init(&Mechanism::plain(of), key).unwrap();
            for seed in 0..4 {
                let parts = Chance::seeded(seed).parts(&whole[..DATA.len()], 21);
                let (last, first) = parts.split_last().unwrap();
                session.decrypt_message_begin(&mut message, AAD).unwrap();
                for part in first {
                    let early = session.decrypt_message_next(&mut message, part, 0).unwrap();
                    assert!(early.is_empty(), "nothing of the plaintext before the tag was looked at");
                }
                assert_eq!(session.decrypt_message_next(&mut message, last, END).unwrap(), DATA);
            }
            session.message_decrypt_final().unwrap();
        }
    });
}

#[test]
fn an_error_ends_the_message_and_not_the_process() {
    isolated(|env| {
        let module = env.module();
        let session = session(env, &module);
        for Way { of, key, mut message, .. } in all(&session) {
            session.message_encrypt_init(&Mechanism::plain(of), key).unwrap();
            let sealed = session.encrypt_message(&mut message, AAD, &DATA).unwrap();
            session.message_encrypt_final().unwrap();
            session.message_decrypt_init(&Mechanism::plain(of), key).unwrap();
            let failed = ck::CKR_AEAD_DECRYPT_FAILED;
            let mut wrong = message.clone();
            wrong.tag[0] ^= 1;
            let mut out = [0xee; DATA.len()];
            let (outcome, _) = session.decrypt_message_into(&mut wrong, AAD, &sealed, &mut out);
            assert_eq!(outcome.unwrap_err(), failed);
            assert!(out.iter().all(|byte| *byte == 0xee || *byte == 0), "no plaintext with a wrong tag");
            assert_eq!(session.decrypt_message(&mut message, b"other", &sealed).unwrap_err(), failed);
            session.decrypt_message_begin(&mut message, AAD).unwrap();
            session.decrypt_message_next(&mut message, &sealed[..20], 0).unwrap();
            assert_eq!(session.decrypt_message_next(&mut wrong, &sealed[20..], END).unwrap_err(), failed);
            assert_eq!(session.decrypt_message_next(&mut message, &sealed[20..], END).unwrap_err(), NONE);
            // A parameter of a wrong length, in the middle of a message.
            session.decrypt_message_begin(&mut message, AAD).unwrap();
            let mut wrong = message.clone();
            wrong.off = -1;
            let invalid = ck::CKR_MECHANISM_PARAM_INVALID;
            assert_eq!(session.decrypt_message_next(&mut wrong, &sealed, END).unwrap_err(), invalid);
            assert_eq!(session.decrypt_message_next(&mut message, &sealed, END).unwrap_err(), NONE);
            // The process is there.
            assert_eq!(session.decrypt_message(&mut message, AAD, &sealed).unwrap(), DATA);
            session.message_decrypt_final().unwrap();
        }
    });
}

#[test]
fn inside_a_message_there_is_no_other() {
    isolated(|env| {
        let module = env.module();
        let session = session(env, &module);
        for Way { of, key, mut message, .. } in all(&session) {
            let plain = Mechanism::plain(of);
            session.message_encrypt_init(&plain, key).unwrap();
            assert_eq!(session.encrypt_message_next(&mut message, &DATA, END).unwrap_err(), NONE);
            assert_eq!(session.message_encrypt_init(&plain, key).unwrap_err(), ACTIVE);
            assert_eq!(session.message_decrypt_init(&plain, key).unwrap_err(), ACTIVE);
            session.encrypt_message_begin(&mut message, AAD).unwrap();
            let part = session.encrypt_message_next(&mut message, &DATA[..20], 0).unwrap();
            assert_eq!(session.encrypt_message(&mut message, AAD, &DATA).unwrap_err(), ACTIVE);
            assert_eq!(session.encrypt_message_begin(&mut message, AAD).unwrap_err(), ACTIVE);
            // It went on undisturbed.
            let rest = session.encrypt_message_next(&mut message, &DATA[20..], END).unwrap();
            let sealed = [part, rest].concat();
            session.message_encrypt_final().unwrap();
            assert_eq!(session.message_encrypt_final().unwrap_err(), NONE);
            session.message_decrypt_init(&plain, key).unwrap();
            assert_eq!(session.decrypt_message(&mut message, AAD, &sealed).unwrap(), DATA);
            // Other functions do not know of it.
            assert_eq!(session.decrypt(&sealed).unwrap_err(), NONE);
            assert_eq!(session.encrypt_message(&mut message, AAD, &DATA).unwrap_err(), NONE);
            session.message_decrypt_final().unwrap();
        }
    });
}

#[test]
fn a_length_query_and_a_short_buffer_change_nothing() {
    isolated(|env| {
        let module = env.module();
        let session = session(env, &module);
        for Way { of, key, message, .. } in all(&session) {
            session.message_encrypt_init(&Mechanism::plain(of), key).unwrap();
            let mut asked = message.clone();
            assert_eq!(session.encrypt_message_len(&mut asked, AAD, &DATA).unwrap(), 50);
            let (outcome, needed) = session.encrypt_message_into(&mut asked, AAD, &DATA, &mut [0; 49]);
            assert_eq!((outcome.unwrap_err().0, needed), (ck::CKR_BUFFER_TOO_SMALL, 50));
            assert_eq!((&asked.nonce, &asked.tag), (&message.nonce, &message.tag));
            session.encrypt_message_begin(&mut asked, AAD).unwrap();
            let (outcome, needed) = session.encrypt_message_next_into(&mut asked, &DATA, &mut [0; 49], END);
            assert_eq!((outcome.unwrap_err().0, needed), (ck::CKR_BUFFER_TOO_SMALL, 50));
            let sealed = session.encrypt_message_next(&mut asked, &DATA, END).unwrap();
            session.message_encrypt_final().unwrap();
            session.message_decrypt_init(&Mechanism::plain(of), key).unwrap();
            session.decrypt_message_begin(&mut asked, AAD).unwrap();
            let (outcome, needed) = session.decrypt_message_next_into(&mut asked, &sealed, &mut [0; 49], END);
            assert_eq!((outcome.unwrap_err().0, needed), (ck::CKR_BUFFER_TOO_SMALL, 50));
            assert_eq!(session.decrypt_message_next(&mut asked, &sealed, END).unwrap(), DATA);
            session.message_decrypt_final().unwrap();
        }
    });
}

#[test]
fn a_process_ends_with_null_with_cancel_and_with_the_login() {
    isolated(|env| {
        let module = env.module();
        let session = session(env, &module);
        for Way { of, key, mut message, .. } in all(&session) {
            let plain = Mechanism::plain(of);
            for cancel in [&|| session.message_encrypt_cancel(), &|| session.cancel(ck::CKF_MESSAGE_ENCRYPT)]
                as [&dyn Fn() -> kit::Result<()>; 2]
            {
                session.message_encrypt_init(&plain, key).unwrap();
                session.cancel(ck::CKF_ENCRYPT | ck::CKF_MESSAGE_DECRYPT).unwrap();
                session.encrypt_message_begin(&mut message, AAD).unwrap();
                cancel().unwrap();
                cancel().unwrap();
                assert_eq!(session.encrypt_message(&mut message, AAD, &DATA).unwrap_err(), NONE);
            }
        }
        let private = session.create(&Template::secret_key(ck::CKK_AES, &KEY).private(true)).unwrap();
        session.message_encrypt_init(&Mechanism::plain(ck::CKM_AES_GCM), private).unwrap();
        session.logout().unwrap();
        assert_eq!(session.encrypt_message(&mut Message::gcm(&[1; 12], 128), AAD, &DATA).unwrap_err(), NONE);
    });
}

#[test]
fn parameters_that_cannot_be_are_refused_at_every_call() {
    isolated(|env| {
        let module = env.module();
        let session = session(env, &module);
        let (key, invalid) = (session.aes(&KEY), ck::CKR_MECHANISM_PARAM_INVALID);
        let changed = |change: fn(&mut Message), mut message: Message| {
            change(&mut message);
            message
        };
        let gcm = || Message::gcm(&[1; 12], 128);
        let ccm = || Message::ccm(50, &[1; 12], 128);
        for (of, mut wrong) in [
            (ck::CKM_AES_GCM, changed(|m| m.off = 8, gcm())),
            (ck::CKM_AES_GCM, changed(|m| m.off = -8, gcm())),
            (ck::CKM_AES_GCM, changed(|m| m.nonce.clear(), gcm())),
            (ck::CKM_AES_GCM, changed(|m| m.nonce = vec![0; 129], gcm())),
            (ck::CKM_AES_GCM, changed(|m| m.tag_bits = 100, gcm())),
            (ck::CKM_AES_GCM, changed(|m| m.tag_bits = u64::MAX, gcm())),
            (ck::CKM_AES_GCM, Message::ccm(50, &[1; 12], 128)),
            (ck::CKM_AES_CCM, changed(|m| m.nonce = vec![0; 6], ccm())),
            (ck::CKM_AES_CCM, changed(|m| m.nonce = vec![0; 14], ccm())),
            (ck::CKM_AES_CCM, changed(|m| m.tag_bits = 40, ccm())),
            (ck::CKM_AES_CCM, Message::ccm(65536, &[1; 13], 128)),
            (ck::CKM_AES_CCM, gcm()),
        ] {
            let given = Mechanism::of_message(of, &mut wrong);
            assert_eq!(session.message_encrypt_init(&given, key).unwrap_err(), invalid, "{wrong:?}");
            session.message_encrypt_init(&Mechanism::plain(of), key).unwrap();
            assert_eq!(session.encrypt_message(&mut wrong, AAD, &DATA).unwrap_err(), invalid, "{wrong:?}");
            assert_eq!(session.encrypt_message_begin(&mut wrong, AAD).unwrap_err(), invalid, "{wrong:?}");
            session.message_encrypt_final().unwrap();
        }
        // A tag that is nowhere to be put.
        session.message_encrypt_init(&Mechanism::plain(ck::CKM_AES_GCM), key).unwrap();
        let mut nowhere = changed(|m| m.tag.clear(), gcm());
        assert_eq!(session.encrypt_message(&mut nowhere, AAD, &DATA).unwrap_err(), invalid);
        // A tag of another length than the one that the message began with.
        for of in [128, 96] {
            session.encrypt_message_begin(&mut Message::gcm(&[1; 12], of), AAD).unwrap();
            let mut other = Message::gcm(&[1; 12], 224 - of);
            assert_eq!(session.encrypt_message_next(&mut other, &DATA, END).unwrap_err(), invalid);
            assert_eq!(session.encrypt_message_next(&mut other, &DATA, END).unwrap_err(), NONE);
        }
        // A nonce that could begin none.
        session.encrypt_message_begin(&mut gcm(), AAD).unwrap();
        let mut without = changed(|m| m.nonce.clear(), gcm());
        assert_eq!(session.encrypt_message_next(&mut without, &DATA, 0).unwrap_err(), invalid);
        assert_eq!(session.encrypt_message_next(&mut gcm(), &DATA, END).unwrap_err(), NONE);
        // Flags that nobody knows end the message.
        session.encrypt_message_begin(&mut gcm(), AAD).unwrap();
        assert_eq!(session.encrypt_message_next(&mut gcm(), &DATA, 2).unwrap_err(), ck::CKR_ARGUMENTS_BAD);
        assert_eq!(session.encrypt_message_next(&mut gcm(), &DATA, END).unwrap_err(), NONE);
    });
}

#[test]
fn ccm_takes_as_much_as_was_told() {
    isolated(|env| {
        let module = env.module();
        let session = session(env, &module);
        let key = session.aes(&KEY);
        session.message_encrypt_init(&Mechanism::plain(ck::CKM_AES_CCM), key).unwrap();
        let mut message = Message::ccm(50, &[1; 12], 128);
        for wrong in [49, 51] {
            let outcome = session.encrypt_message(&mut message, AAD, &[0; 51][..wrong]);
            assert_eq!(outcome.unwrap_err(), ck::CKR_DATA_LEN_RANGE);
            session.encrypt_message_begin(&mut message, AAD).unwrap();
            let outcome = session.encrypt_message_next(&mut message, &[0; 51][..wrong], END);
            assert_eq!(outcome.unwrap_err(), ck::CKR_DATA_LEN_RANGE);
        }
        session.encrypt_message(&mut message, AAD, &DATA).unwrap();
    });
}

#[test]
fn only_a_key_that_may_encrypt_does() {
    isolated(|env| {
        let module = env.module();
        let session = session(env, &module);
        let template = || Template::secret_key(ck::CKK_AES, &KEY);
        let gcm = Mechanism::plain(ck::CKM_AES_GCM);
        let mute = session.create(&template().flag(ck::CKA_ENCRYPT, false)).unwrap();
        let refused = session.message_encrypt_init(&gcm, mute).unwrap_err();
        assert_eq!(refused, ck::CKR_KEY_FUNCTION_NOT_PERMITTED);
        let deaf = session.create(&template().flag(ck::CKA_DECRYPT, false)).unwrap();
        let refused = session.message_decrypt_init(&gcm, deaf).unwrap_err();
        assert_eq!(refused, ck::CKR_KEY_FUNCTION_NOT_PERMITTED);
        let secret = session.secret(&KEY);
        assert_eq!(session.message_encrypt_init(&gcm, secret).unwrap_err(), ck::CKR_KEY_TYPE_INCONSISTENT);
        let cbc = Mechanism::bytes(ck::CKM_AES_CBC, [0; 16]);
        assert_eq!(session.message_encrypt_init(&cbc, mute).unwrap_err(), ck::CKR_MECHANISM_INVALID);
    });
}
