//! One-time passwords of a counter (RFC 4226), whose appendix D the first test follows.

use kit::{Mechanism, Object, Session, Template, USER_PIN, ck, code, isolated, otp_info};

const KEY: &[u8] = b"12345678901234567890";
const PASSWORDS: [&str; 10] =
    ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];

fn key(extra: &Template) -> Template {
    let key = Template::new().class(ck::CKO_OTP_KEY).key_type(ck::CKK_HOTP).bytes(ck::CKA_VALUE, KEY);
    key.flag(ck::CKA_SIGN, true).flag(ck::CKA_VERIFY, true).and(extra)
}

fn counter(session: &Session<'_>, key: Object) -> u64 {
    u64::from_be_bytes(session.bytes(key, ck::CKA_OTP_COUNTER).unwrap().try_into().unwrap())
}

fn at(counter: u64) -> (ck::CK_OTP_PARAM_TYPE, Vec<u8>) {
    (ck::CK_OTP_COUNTER, counter.to_be_bytes().to_vec())
}

fn number(of: ck::CK_OTP_PARAM_TYPE, number: ck::CK_ULONG) -> (ck::CK_OTP_PARAM_TYPE, Vec<u8>) {
    (of, number.to_ne_bytes().to_vec())
}

/// The password and the counter that it is for.
fn password(session: &Session<'_>, mechanism: &Mechanism, key: Object) -> kit::Result<(String, u64)> {
    session.sign_init(mechanism, key)?;
    let block = session.sign(b"")?;
    let info = otp_info(&block);
    let find = |of| info.iter().find(|(found, _)| *found == of).unwrap().1.clone();
    let counter = u64::from_be_bytes(find(ck::CK_OTP_COUNTER).try_into().unwrap());
    Ok((String::from_utf8(find(ck::CK_OTP_VALUE)).unwrap(), counter))
}

#[test]
fn passwords_and_their_counters_are_those_of_rfc_4226() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for token in [false, true] {
            let key = session.create(&key(&Template::new().token(token))).unwrap();
            for (count, expected) in (0..).zip(PASSWORDS) {
                assert_eq!(counter(&session, key), count);
                let mechanism = Mechanism::hotp(&[]);
                assert_eq!(password(&session, &mechanism, key).unwrap(), (expected.to_string(), count));
                let verify = Mechanism::hotp(&[at(count)]);
                session.verify_with(&verify, key, b"", expected.as_bytes()).unwrap();
                let other = Mechanism::hotp(&[at(count + 1)]);
                let wrong = session.verify_with(&other, key, b"", expected.as_bytes());
                assert_eq!(code(wrong), ck::CKR_SIGNATURE_INVALID);
            }
            // A later counter that the caller asks for; after it there is no way back.
            let later = Mechanism::hotp(&[at((1 << 32) + 7), number(ck::CK_OTP_OUTPUT_LENGTH, 8)]);
            assert_eq!(password(&session, &later, key).unwrap(), (LATER.to_string(), (1 << 32) + 7));
            assert_eq!(counter(&session, key), (1 << 32) + 8);
            assert_eq!(code(password(&session, &later, key)), ck::CKR_MECHANISM_PARAM_INVALID);
            assert_eq!(code(password(&session, &Mechanism::hotp(&[at(0)]), key)), ck::CKR_MECHANISM_PARAM_INVALID);
            assert_eq!(counter(&session, key), (1 << 32) + 8);
        }
    });
}

/// Of the same key, computed apart: HMAC-SHA-1 by Python's `hmac` at counter 2^32 + 7, cut to eight digits.
const LATER: &str = "44900145";

#[test]
fn a_password_given_out_is_counted_for_every_session_and_process_and_after_a_restart() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let made = session.create(&key(&Template::new().token(true).label("otp"))).unwrap();
        assert_eq!(password(&session, &Mechanism::hotp(&[]), made).unwrap().0, PASSWORDS[0]);
        // A session that may not change objects may still have a password.
        let slot = session.info().unwrap().slotID;
        let serial = module.token_info(slot).unwrap().serialNumber;
        let reading = module.open_ro(slot).unwrap();
        assert_eq!(password(&reading, &Mechanism::hotp(&[]), made).unwrap().0, PASSWORDS[1]);
        env.elsewhere(|module| {
            let session = module.session("test");
            session.login(ck::CKU_USER, USER_PIN).unwrap();
            let key = session.find(&Template::new().label("otp")).unwrap()[0];
            assert_eq!(password(&session, &Mechanism::hotp(&[]), key).unwrap().0, PASSWORDS[2]);
        });
        // What another process has given out is not given out here again.
        assert_eq!(password(&session, &Mechanism::hotp(&[]), made).unwrap().0, PASSWORDS[3]);
        module.finalize().unwrap();
        module.initialize().unwrap();
        let with = |slot: &u64| module.token_info(*slot).unwrap().serialNumber == serial;
        let session = module.open_rw(module.slots().unwrap().into_iter().find(with).unwrap()).unwrap();
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        let found = session.find(&Template::new().label("otp")).unwrap()[0];
        assert_eq!(counter(&session, found), 4);
        assert_eq!(password(&session, &Mechanism::hotp(&[]), found).unwrap().0, PASSWORDS[4]);
    });
}

#[test]
fn without_a_place_for_the_counter_there_is_no_password() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.create(&key(&Template::new().token(true))).unwrap();
        session.sign_init(&Mechanism::hotp(&[]), key).unwrap();
        let mut block = vec![0xee; session.sign_len(b"").unwrap()];
        std::fs::remove_dir_all(env.tokens()).unwrap();
        let (refused, _) = session.sign_into(b"", &mut block);
        assert_ne!(code(refused), ck::CKR_OK);
        assert!(block.iter().all(|byte| *byte == 0xee));
    });
}

#[test]
fn a_changed_or_copied_key_goes_on_where_its_counter_stands() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for token in [false, true] {
            let made = session.create(&key(&Template::new().token(token))).unwrap();
            session.sign_init(&Mechanism::hotp(&[]), made).unwrap();
            let other = module.open_rw(session.info().unwrap().slotID).unwrap();
            assert_eq!(password(&other, &Mechanism::hotp(&[]), made).unwrap().1, 0);
            // An operation that began before another took a password, and before the key changed.
            session.set(made, &Template::new().label("renamed")).unwrap();
            let block = session.sign(b"").unwrap();
            assert_eq!(otp_info(&block)[0].1, PASSWORDS[1].as_bytes());
            for (count, name) in (2..6).zip(["a", "b", "c", "d"]) {
                session.set(made, &Template::new().label(name)).unwrap();
                assert_eq!(counter(&session, made), count);
                assert_eq!(password(&session, &Mechanism::hotp(&[]), made).unwrap().1, count);
                let found =
                    session.find(&Template::new().label(name).bytes(ck::CKA_OTP_COUNTER, (count + 1).to_be_bytes()));
                assert_eq!(found.unwrap(), [made]);
            }
            // A copy has a counter of its own from then on.
            let copy = session.copy(made, &Template::new().token(!token)).unwrap();
            assert_eq!(password(&session, &Mechanism::hotp(&[]), copy).unwrap().1, 6);
            assert_eq!((counter(&session, made), counter(&session, copy)), (6, 7));
            assert_eq!(password(&session, &Mechanism::hotp(&[]), made).unwrap().1, 6);
        }
    });
}

#[test]
fn no_password_goes_out_twice_while_threads_take_them_and_change_the_key() {
    isolated(|env| {
        const EACH: u64 = 100;
        let module = env.module();
        let session = env.user(&module);
        let made = session.create(&key(&Template::new().token(false))).unwrap();
        let slot = session.info().unwrap().slotID;
        let mut taken: Vec<u64> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        let session = module.open_rw(slot).unwrap();
                        let one = |_| password(&session, &Mechanism::hotp(&[]), made).unwrap().1;
                        (0..EACH).map(one).collect::<Vec<_>>()
                    })
                })
                .collect();
            for change in 0..EACH {
                // A long one, so that passwords go out between the look at the key and the change.
                session.set(made, &Template::new().id(vec![change as u8; 1 << 18])).unwrap();
            }
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        taken.sort_unstable();
        assert_eq!(taken, (0..3 * EACH).collect::<Vec<_>>());
        assert_eq!(counter(&session, made), 3 * EACH);
    });
}

#[test]
fn a_length_query_and_a_short_buffer_use_no_password_up() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.create(&key(&Template::new())).unwrap();
        let (hmac, secret) = (Mechanism::plain(ck::CKM_SHA_1_HMAC), session.secret(KEY));
        let mac = session.sign_with(&hmac, secret, b"data").unwrap();
        session.sign_init(&Mechanism::hotp(&[]), key).unwrap();
        let length = session.sign_len(b"").unwrap();
        let mut short = vec![0xee; length - 1];
        let (refused, told) = session.sign_into(b"", &mut short);
        assert_eq!((code(refused), told), (kit::Rv(ck::CKR_BUFFER_TOO_SMALL), length));
        assert!(short.iter().all(|byte| *byte == 0xee));
        assert_eq!(counter(&session, key), 0);
        let mut block = vec![0; length];
        assert_eq!(session.sign_into(b"", &mut block).1, length);
        assert_eq!(otp_info(&block)[0].1, PASSWORDS[0].as_bytes());
        assert_eq!(counter(&session, key), 1);
        // There is nothing to sign, and so nothing to give in parts.
        session.sign_init(&Mechanism::hotp(&[]), key).unwrap();
        assert_eq!(code(session.sign(b"data")), ck::CKR_DATA_LEN_RANGE);
        session.sign_init(&Mechanism::hotp(&[]), key).unwrap();
        assert_eq!(code(session.sign_update(b"")), ck::CKR_FUNCTION_NOT_SUPPORTED);
        assert_eq!(counter(&session, key), 1);
        // What other signatures look like stays.
        assert_eq!(session.sign_with(&hmac, secret, b"data").unwrap(), mac);
    });
}

#[test]
fn a_key_says_how_its_passwords_look_and_what_it_cannot_be_is_refused() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let create = |extra: Template| session.create(&key(&extra));
        let eight = create(Template::new().ulong(ck::CKA_OTP_LENGTH, 8)).unwrap();
        assert_eq!(password(&session, &Mechanism::hotp(&[]), eight).unwrap().0, "84755224");
        let plain = create(Template::new()).unwrap();
        for (of, expected) in [
            (ck::CKA_OTP_FORMAT, ck::CK_OTP_FORMAT_DECIMAL),
            (ck::CKA_OTP_LENGTH, 6),
            (ck::CKA_OTP_COUNTER_REQUIREMENT, ck::CK_OTP_PARAM_OPTIONAL),
            (ck::CKA_OTP_TIME_REQUIREMENT, ck::CK_OTP_PARAM_IGNORED),
            (ck::CKA_OTP_PIN_REQUIREMENT, ck::CK_OTP_PARAM_IGNORED),
            (ck::CKA_OTP_CHALLENGE_REQUIREMENT, ck::CK_OTP_PARAM_IGNORED),
            (ck::CKA_VALUE_LEN, 20),
        ] {
            assert_eq!(session.ulong(plain, of).unwrap(), expected);
        }
        let wrong = Template::new;
        for extra in [
            wrong().ulong(ck::CKA_OTP_LENGTH, 5),
            wrong().ulong(ck::CKA_OTP_LENGTH, 11),
            wrong().ulong(ck::CKA_OTP_FORMAT, ck::CK_OTP_FORMAT_BINARY),
            wrong().ulong(ck::CKA_OTP_TIME_REQUIREMENT, ck::CK_OTP_PARAM_MANDATORY),
            wrong().ulong(ck::CKA_OTP_COUNTER_REQUIREMENT, 3),
            wrong().bytes(ck::CKA_OTP_COUNTER, [0; 7]),
        ] {
            assert_eq!(code(create(extra)), ck::CKR_ATTRIBUTE_VALUE_INVALID);
        }
        let change = Template::new().bytes(ck::CKA_OTP_COUNTER, [0; 8]);
        assert_eq!(code(session.set(plain, &change)), ck::CKR_ATTRIBUTE_READ_ONLY);
        session.set(plain, &Template::new().bytes(ck::CKA_OTP_SERVICE_IDENTIFIER, "here")).unwrap();
        let last = create(Template::new().bytes(ck::CKA_OTP_COUNTER, [0xff; 8])).unwrap();
        assert_eq!(code(password(&session, &Mechanism::hotp(&[]), last)), ck::CKR_FUNCTION_FAILED);
        let guarded = create(Template::new().sensitive(true)).unwrap();
        assert_eq!(code(session.bytes(guarded, ck::CKA_VALUE)), ck::CKR_ATTRIBUTE_SENSITIVE);
        assert_eq!(password(&session, &Mechanism::hotp(&[]), guarded).unwrap().0, PASSWORDS[0]);
    });
}

#[test]
fn parameters_that_hotp_does_not_have_are_refused() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let unfriendly = session.create(&key(&Template::new().flag(ck::CKA_OTP_USER_FRIENDLY_MODE, false))).unwrap();
        let key = session.create(&key(&Template::new())).unwrap();
        let flags = |flags| number(ck::CK_OTP_FLAGS, flags);
        for right in [
            vec![flags(ck::CKF_EXCLUDE_TIME | ck::CKF_EXCLUDE_PIN | ck::CKF_EXCLUDE_CHALLENGE)],
            vec![flags(ck::CKF_USER_FRIENDLY_OTP), number(ck::CK_OTP_OUTPUT_FORMAT, ck::CK_OTP_FORMAT_DECIMAL)],
            vec![(ck::CK_OTP_PIN, b"1234".to_vec()), (ck::CK_OTP_TIME, b"20260101000000".to_vec())],
            vec![number(ck::CK_OTP_OUTPUT_LENGTH, 10)],
        ] {
            password(&session, &Mechanism::hotp(&right), key).unwrap();
        }
        for wrong in [
            vec![flags(ck::CKF_NEXT_OTP)],
            vec![flags(ck::CKF_EXCLUDE_COUNTER)],
            vec![flags(64)],
            vec![(ck::CK_OTP_FLAGS, vec![0; 4])],
            vec![number(ck::CK_OTP_OUTPUT_LENGTH, 5)],
            vec![number(ck::CK_OTP_OUTPUT_LENGTH, u64::MAX)],
            vec![number(ck::CK_OTP_OUTPUT_FORMAT, ck::CK_OTP_FORMAT_HEXADECIMAL)],
            vec![(ck::CK_OTP_COUNTER, vec![0; 9])],
            vec![at(20), at(21)],
            vec![(ck::CK_OTP_VALUE, b"755224".to_vec())],
            vec![(99, vec![])],
        ] {
            let begun = session.sign_init(&Mechanism::hotp(&wrong), key);
            assert_eq!(code(begun), ck::CKR_MECHANISM_PARAM_INVALID, "{wrong:?}");
        }
        let friendly = Mechanism::hotp(&[flags(ck::CKF_USER_FRIENDLY_OTP)]);
        assert_eq!(code(session.sign_init(&friendly, unfriendly)), ck::CKR_MECHANISM_PARAM_INVALID);
        // A counter is needed to verify; NULL where there are parameters, and more of them than there can be.
        let verify = |mechanism: &Mechanism| code(session.verify_init(mechanism, key));
        assert_eq!(verify(&Mechanism::hotp(&[])), ck::CKR_MECHANISM_PARAM_INVALID);
        assert_eq!(verify(&Mechanism::hotp(&[at(0)]).changed(0, 0)), ck::CKR_MECHANISM_PARAM_INVALID);
        assert_eq!(verify(&Mechanism::hotp(&[at(0)]).changed(8, 1 << 60)), ck::CKR_MECHANISM_PARAM_INVALID);
        let short = session.verify_with(&Mechanism::hotp(&[at(0)]), key, b"", b"75522");
        assert_eq!(code(short), ck::CKR_SIGNATURE_LEN_RANGE);
        let generic = session.secret(&[1; 20]);
        assert_eq!(code(session.sign_init(&Mechanism::hotp(&[]), generic)), ck::CKR_KEY_TYPE_INCONSISTENT);
        assert_eq!(code(session.sign_init(&Mechanism::plain(ck::CKM_SHA_1_HMAC), key)), ck::CKR_KEY_TYPE_INCONSISTENT);
    });
}

#[test]
fn generated_keys_are_one_time_password_keys_with_a_counter_of_their_own() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let generator = Mechanism::plain(ck::CKM_HOTP_KEY_GEN);
        let template = Template::new().bytes(ck::CKA_OTP_COUNTER, 5u64.to_be_bytes()).flag(ck::CKA_SIGN, true);
        let key = session.generate_key(&generator, &template).unwrap();
        assert_eq!(session.ulong(key, ck::CKA_CLASS).unwrap(), ck::CKO_OTP_KEY);
        assert_eq!(session.ulong(key, ck::CKA_KEY_TYPE).unwrap(), ck::CKK_HOTP);
        assert_eq!(session.ulong(key, ck::CKA_VALUE_LEN).unwrap(), 20);
        assert_eq!(password(&session, &Mechanism::hotp(&[]), key).unwrap().1, 5);
        let secret = Template::new().class(ck::CKO_SECRET_KEY);
        assert_eq!(code(session.generate_key(&generator, &secret)), ck::CKR_TEMPLATE_INCONSISTENT);
        // It is no secret key: nothing wraps it, derives from it or digests it.
        let aes = session.aes(&[1; 16]);
        assert!(session.wrap(&Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP), aes, key).is_err());
        let hash = Mechanism::plain(ck::CKM_SHA256_KEY_DERIVATION);
        assert_eq!(code(session.derive(&hash, key, &Template::new())), ck::CKR_KEY_TYPE_INCONSISTENT);
        session.digest_init(&Mechanism::plain(ck::CKM_SHA256)).unwrap();
        assert_eq!(code(session.digest_key(key)), ck::CKR_KEY_INDIGESTIBLE);
    });
}
