//! Chapter "dual-function cryptographic functions" (PKCS#11 3.2 section 5.17): both halves see what they would see by
//! themselves, and neither sees anything when the call gives nothing.

use kit::{Chance, Mechanism, Result, Template, USER_PIN, ck, curve, isolated};

const KEY: [u8; 16] = *b"sixteen byte key";
const DATA: [u8; 100] = [0x5c; 100];
const NONE: ck::CK_RV = ck::CKR_OPERATION_NOT_INITIALIZED;

fn cbc() -> Mechanism {
    Mechanism::bytes(ck::CKM_AES_CBC_PAD, [7; 16])
}

fn sha256() -> Mechanism {
    Mechanism::plain(ck::CKM_SHA256)
}

fn hmac() -> Mechanism {
    Mechanism::plain(ck::CKM_SHA256_HMAC)
}

/// Ciphers with padding, without, and with a tag.
fn ciphers() -> [Mechanism; 3] {
    [cbc(), Mechanism::ctr(64, [1; 16]), Mechanism::gcm(&[2; 12], b"aad", 128)]
}

/// One call per part, what all of them wrote together.
fn parts(data: &[u8], call: impl Fn(&[u8]) -> Result<Vec<u8>>) -> Vec<u8> {
    Chance::seeded(5).parts(data, 33).into_iter().flat_map(|part| call(part).unwrap()).collect()
}

#[test]
fn what_is_encrypted_in_passing_is_digested_and_what_is_decrypted_too() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        let digest = session.digest_with(&sha256(), &DATA).unwrap();
        for cipher in ciphers() {
            let sealed = session.encrypt_with(&cipher, key, &DATA).unwrap();
            session.encrypt_init(&cipher, key).unwrap();
            session.digest_init(&sha256()).unwrap();
            let mut written = parts(&DATA, |part| session.digest_encrypt(part));
            written.extend(session.encrypt_final().unwrap());
            assert_eq!(written, sealed);
            assert_eq!(session.digest_final().unwrap(), digest);

            session.digest_init(&sha256()).unwrap();
            session.decrypt_init(&cipher, key).unwrap();
            let mut plain = parts(&sealed, |part| session.decrypt_digest(part));
            // What Final gives is the client's to digest.
            let rest = session.decrypt_final().unwrap();
            session.digest_update(&rest).unwrap();
            plain.extend(rest);
            assert_eq!(plain, DATA);
            assert_eq!(session.digest_final().unwrap(), digest);
        }
    });
}

#[test]
fn what_is_encrypted_in_passing_is_signed_and_what_is_decrypted_is_verified() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (key, secret) = (session.aes(&KEY), session.secret(&KEY));
        let (public, private) = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P256);
        let ecdsa = Mechanism::plain(ck::CKM_ECDSA_SHA256);
        for (mechanism, verify, sign) in [(&hmac(), secret, secret), (&ecdsa, public, private)] {
            for cipher in ciphers() {
                session.encrypt_init(&cipher, key).unwrap();
                session.sign_init(mechanism, sign).unwrap();
                let mut sealed = parts(&DATA, |part| session.sign_encrypt(part));
                sealed.extend(session.encrypt_final().unwrap());
                let signature = session.sign_final().unwrap();
                assert_eq!(session.decrypt_with(&cipher, key, &sealed).unwrap(), DATA);
                session.verify_with(mechanism, verify, &DATA, &signature).unwrap();

                // Either half may be the first.
                session.verify_init(mechanism, verify).unwrap();
                session.decrypt_init(&cipher, key).unwrap();
                session.verify_cancel().unwrap();
                session.verify_init(mechanism, verify).unwrap();
                parts(&sealed, |part| session.decrypt_verify(part));
                let rest = session.decrypt_final().unwrap();
                session.verify_update(&rest).unwrap();
                session.verify_final(&signature).unwrap();
            }
        }
    });
}

#[test]
fn a_call_that_writes_nothing_feeds_neither_half() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        session.encrypt_init(&cbc(), key).unwrap();
        session.digest_init(&sha256()).unwrap();
        for _ in 0..3 {
            assert_eq!(session.digest_encrypt_len(&DATA).unwrap(), 96);
            let (outcome, needed) = session.digest_encrypt_into(&DATA, &mut [0; 95]);
            assert_eq!((outcome.unwrap_err().0, needed), (ck::CKR_BUFFER_TOO_SMALL, 96));
        }
        let mut sealed = session.digest_encrypt(&DATA).unwrap();
        sealed.extend(session.encrypt_final().unwrap());
        assert_eq!(sealed, session.encrypt_with(&cbc(), key, &DATA).unwrap());
        assert_eq!(session.digest_final().unwrap(), session.digest_with(&sha256(), &DATA).unwrap());

        session.decrypt_init(&cbc(), key).unwrap();
        session.digest_init(&sha256()).unwrap();
        assert_eq!(session.decrypt_digest_len(&sealed).unwrap(), 96);
        let (outcome, needed) = session.decrypt_digest_into(&sealed, &mut [0; 90]);
        assert_eq!((outcome.unwrap_err().0, needed), (ck::CKR_BUFFER_TOO_SMALL, 96));
        assert_eq!(session.decrypt_digest(&sealed).unwrap(), DATA[..96]);
        session.decrypt_final().unwrap();
        assert_eq!(session.digest_final().unwrap(), session.digest_with(&sha256(), &DATA[..96]).unwrap());
    });
}

#[test]
fn input_and_output_of_both_halves_may_be_the_same_memory() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (key, ctr) = (session.aes(&KEY), Mechanism::ctr(64, [1; 16]));
        let mut memory = DATA;
        session.encrypt_init(&ctr, key).unwrap();
        session.digest_init(&sha256()).unwrap();
        session.digest_encrypt_within(&mut memory, 0..100, 0..100).0.unwrap();
        session.encrypt_final().unwrap();
        assert_eq!(session.digest_final().unwrap(), session.digest_with(&sha256(), &DATA).unwrap());
        session.decrypt_init(&ctr, key).unwrap();
        session.digest_init(&sha256()).unwrap();
        session.decrypt_digest_within(&mut memory, 0..100, 0..100).0.unwrap();
        session.decrypt_final().unwrap();
        assert_eq!(session.digest_final().unwrap(), session.digest_with(&sha256(), &DATA).unwrap());
        assert_eq!(memory, DATA);
    });
}

#[test]
fn both_halves_must_be_there_and_an_error_ends_both() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let secret = session.secret(&KEY);
        let key = session.aes(&KEY);
        // One half alone, or the halves of another pair.
        session.digest_init(&sha256()).unwrap();
        assert_eq!(session.digest_encrypt(&DATA).unwrap_err(), NONE);
        session.encrypt_init(&cbc(), key).unwrap();
        assert_eq!(session.sign_encrypt(&DATA).unwrap_err(), NONE);
        assert_eq!(session.decrypt_digest(&DATA).unwrap_err(), NONE);
        session.digest_encrypt(&DATA).unwrap();
        session.cancel(ck::CKF_ENCRYPT).unwrap();
        assert_eq!(session.digest_encrypt(&DATA).unwrap_err(), NONE);
        assert_eq!(session.digest_final().unwrap(), session.digest_with(&sha256(), &DATA).unwrap());
        // More than the counter has numbers for.
        session.encrypt_init(&Mechanism::ctr(1, [0xff; 16]), key).unwrap();
        session.sign_init(&hmac(), secret).unwrap();
        assert_eq!(session.sign_encrypt(&DATA).unwrap_err(), ck::CKR_DATA_LEN_RANGE);
        assert_eq!(session.encrypt_final().unwrap_err(), NONE);
        assert_eq!(session.sign_final().unwrap_err(), NONE);
        // A signature that takes its data whole, even when only the length is asked for.
        let (public, private) = session.rsa_pair(1024);
        let whole = Mechanism::plain(ck::CKM_RSA_PKCS);
        for only_the_length in [false, true] {
            session.encrypt_init(&cbc(), key).unwrap();
            session.sign_init(&whole, private).unwrap();
            let refused = match only_the_length {
                true => session.sign_encrypt_len(&DATA).map(drop),
                false => session.sign_encrypt(&DATA).map(drop),
            };
            assert_eq!(refused.unwrap_err(), ck::CKR_FUNCTION_NOT_SUPPORTED);
            assert_eq!(session.encrypt_final().unwrap_err(), NONE);
            assert_eq!(session.sign(&DATA[..32]).unwrap_err(), NONE);
        }
        session.decrypt_init(&cbc(), key).unwrap();
        session.verify_init(&whole, public).unwrap();
        assert_eq!(session.decrypt_verify_len(&DATA).unwrap_err(), ck::CKR_FUNCTION_NOT_SUPPORTED);
        assert_eq!(session.decrypt_final().unwrap_err(), NONE);
        assert_eq!(session.verify(&DATA[..32], &DATA).unwrap_err(), NONE);
        // There is no call for these two.
        session.encrypt_init(&cbc(), key).unwrap();
        assert_eq!(session.verify_init(&hmac(), secret).unwrap_err(), ck::CKR_OPERATION_ACTIVE);
        session.encrypt_cancel().unwrap();
        session.verify_init(&hmac(), secret).unwrap();
        assert_eq!(session.encrypt_init(&cbc(), key).unwrap_err(), ck::CKR_OPERATION_ACTIVE);
        session.verify_cancel().unwrap();
        // The key is no key of that half.
        session.encrypt_init(&cbc(), key).unwrap();
        assert_eq!(session.sign_init(&hmac(), key).unwrap_err(), ck::CKR_KEY_TYPE_INCONSISTENT);
        session.encrypt(&DATA).unwrap();
        // A single-part call is too late.
        session.encrypt_init(&cbc(), key).unwrap();
        session.sign_init(&hmac(), secret).unwrap();
        session.sign_encrypt(&DATA).unwrap();
        assert_eq!(session.encrypt(&DATA).unwrap_err(), ck::CKR_OPERATION_ACTIVE);
        assert_eq!(session.sign(&DATA).unwrap_err(), ck::CKR_OPERATION_ACTIVE);
    });
}

#[test]
fn a_half_that_asks_for_the_pin_gets_nothing_before() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        let public = Template::new().bytes(ck::CKA_EC_PARAMS, curve::P256);
        let careful = Template::new().flag(ck::CKA_ALWAYS_AUTHENTICATE, true);
        let generator = Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN);
        let (public, private) = session.generate_key_pair(&generator, &public, &careful).unwrap();
        let ecdsa = Mechanism::plain(ck::CKM_ECDSA_SHA256);
        let begin = || {
            session.encrypt_init(&cbc(), key).unwrap();
            session.sign_init(&ecdsa, private).unwrap();
        };
        begin();
        assert_eq!(session.sign_encrypt(&DATA).unwrap_err(), ck::CKR_USER_NOT_LOGGED_IN);
        assert_eq!(session.encrypt_final().unwrap_err(), NONE);
        assert_eq!(session.sign_final().unwrap_err(), NONE);
        begin();
        session.login(ck::CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap();
        session.sign_encrypt(&DATA).unwrap();
        session.encrypt_final().unwrap();
        let signature = session.sign_final().unwrap();
        session.verify_with(&ecdsa, public, &DATA, &signature).unwrap();
    });
}
