//! RSA signatures without padding, and signatures that carry what they sign (PKCS#11 3.2 sections 5.13.5, 5.13.6,
//! 5.15.5 and 5.15.6).

use crate::sign::rsa::imported;
use kit::{Judge, Mechanism, Object, Session, Template, USER_PIN, ck, code, isolated};

fn pkcs1() -> Mechanism {
    Mechanism::plain(ck::CKM_RSA_PKCS)
}

fn raw() -> Mechanism {
    Mechanism::plain(ck::CKM_RSA_X_509)
}

const NONE: [&str; 2] = ["-pkeyopt", "rsa_padding_mode:none"];

fn sign(session: &Session<'_>, mechanism: &Mechanism, key: Object, data: &[u8]) -> kit::Result<Vec<u8>> {
    session.sign_recover_init(mechanism, key)?;
    session.sign_recover(data)
}

fn recover(session: &Session<'_>, mechanism: &Mechanism, key: Object, signature: &[u8]) -> kit::Result<Vec<u8>> {
    session.verify_recover_init(mechanism, key)?;
    session.verify_recover(signature)
}

#[test]
fn openssl_and_we_recover_what_the_other_signed() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let openssl = Judge::new();
        let (public, private) = session.rsa_pair(2048);
        let info = session.public_key_info(public);
        let foreign = openssl.key(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
        let theirs = imported(&session, &foreign.public_key_info);
        let whole = [vec![0; 200], vec![0x5a; 56]].concat();
        for (mechanism, options, data) in
            [(pkcs1(), &[][..], &b"what is signed"[..]), (pkcs1(), &[], b"x"), (raw(), &NONE, &whole)]
        {
            let signature = sign(&session, &mechanism, private, data).unwrap();
            assert_eq!(openssl.recovers(&info, options, &signature), data);
            assert_eq!(recover(&session, &mechanism, public, &signature).unwrap(), data);
            // It is the signature of C_Sign.
            assert_eq!(session.sign_with(&mechanism, private, data).unwrap(), signature);
            session.verify_with(&mechanism, public, data, &signature).unwrap();
            let signature = match options {
                [] => openssl.signs(&foreign, options, data),
                // The command signs nothing so long; without padding, this is the same.
                _ => openssl.decrypts(&foreign, options, data),
            };
            assert_eq!(recover(&session, &mechanism, theirs, &signature).unwrap(), data);
        }
        // Zeros in front come back, and belong to what is signed.
        let signature = session.sign_with(&raw(), private, &[0x5a; 56]).unwrap();
        assert_eq!(recover(&session, &raw(), public, &signature).unwrap(), whole);
        session.verify_with(&raw(), public, &whole, &signature).unwrap();
        let refused = session.verify_with(&raw(), public, &[0x5a; 55], &signature).unwrap_err();
        assert_eq!(refused, ck::CKR_SIGNATURE_INVALID);
    });
}

#[test]
fn data_and_signatures_that_do_not_fit_are_refused() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(1024);
        let modulus = session.bytes(public, ck::CKA_MODULUS).unwrap();
        for (mechanism, most) in [(pkcs1(), 117), (raw(), 128)] {
            for length in [0, most + 1] {
                let refused = sign(&session, &mechanism, private, &vec![1; length]);
                assert_eq!(code(refused), ck::CKR_DATA_LEN_RANGE);
            }
            let signature = sign(&session, &mechanism, private, &vec![1; most]).unwrap();
            let longer = [&[0], &signature[..]].concat();
            for wrong in [&[][..], &signature[1..], &longer] {
                let refused = recover(&session, &mechanism, public, wrong);
                assert_eq!(code(refused), ck::CKR_SIGNATURE_LEN_RANGE);
            }
            for wrong in [&modulus[..], &[0xff; 128]] {
                let refused = recover(&session, &mechanism, public, wrong);
                assert_eq!(code(refused), ck::CKR_SIGNATURE_INVALID);
            }
        }
        assert_eq!(code(sign(&session, &raw(), private, &modulus)), ck::CKR_DATA_INVALID);
        let noise = recover(&session, &pkcs1(), public, &[7; 128]);
        assert_eq!(code(noise), ck::CKR_SIGNATURE_INVALID);
    });
}

#[test]
fn a_signature_that_is_not_right_is_told_before_a_buffer_that_is_too_short() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(1024);
        let signature = sign(&session, &pkcs1(), private, b"what is signed").unwrap();
        session.verify_recover_init(&pkcs1(), public).unwrap();
        // Neither a query nor a short buffer ends it.
        assert!(session.verify_recover_len(&signature).unwrap() >= 14);
        for room in [0, 13] {
            let (refused, told) = session.verify_recover_into(&signature, &mut vec![0; room]);
            assert_eq!((code(refused), told), (kit::Rv(ck::CKR_BUFFER_TOO_SMALL), 14));
        }
        let mut exact = [0; 14];
        let (done, told) = session.verify_recover_into(&signature, &mut exact);
        done.unwrap();
        assert_eq!((&exact, told), (b"what is signed", 14));
        assert_eq!(code(session.verify_recover(&signature)), ck::CKR_OPERATION_NOT_INITIALIZED);
        session.verify_recover_init(&pkcs1(), public).unwrap();
        let mut wrong = signature.clone();
        wrong[60] ^= 1;
        let (refused, _) = session.verify_recover_into(&wrong, &mut []);
        assert_eq!(code(refused), ck::CKR_SIGNATURE_INVALID);
        assert_eq!(code(session.verify_recover(&signature)), ck::CKR_OPERATION_NOT_INITIALIZED);
        // Input and output may lie in the same memory.
        session.verify_recover_init(&pkcs1(), public).unwrap();
        let mut memory = signature.clone();
        let (done, told) = session.verify_recover_within(&mut memory, 0..128, 0..128);
        done.unwrap();
        assert_eq!(&memory[..told], b"what is signed");
    });
}

#[test]
fn recovering_operations_begin_and_end_like_others() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(1024);
        let signs = |session: &Session<'_>| code(session.sign_recover(b"data"));
        let none = ck::CKR_OPERATION_NOT_INITIALIZED;
        assert_eq!(signs(&session), none);
        session.sign_recover_init(&pkcs1(), private).unwrap();
        for refused in [
            session.sign_recover_init(&pkcs1(), private),
            session.sign_init(&pkcs1(), private),
            session.verify_recover_init(&pkcs1(), public),
            session.encrypt_init(&pkcs1(), public),
            session.digest_init(&Mechanism::plain(ck::CKM_SHA256)),
        ] {
            assert_eq!(code(refused), ck::CKR_OPERATION_ACTIVE);
        }
        assert_eq!(code(session.sign(b"data")), none);
        // NULL cancels, also when nothing runs; and so does C_SessionCancel with its own flag only.
        session.sign_recover_cancel().unwrap();
        session.sign_recover_cancel().unwrap();
        session.verify_recover_cancel().unwrap();
        assert_eq!(signs(&session), none);
        session.sign_recover_init(&pkcs1(), private).unwrap();
        session.cancel(ck::CKF_SIGN | ck::CKF_VERIFY_RECOVER).unwrap();
        assert_eq!(session.sign_recover_len(b"data").unwrap(), 128);
        session.cancel(ck::CKF_SIGN_RECOVER).unwrap();
        assert_eq!(signs(&session), none);
        session.verify_recover_init(&pkcs1(), public).unwrap();
        session.cancel(ck::CKF_VERIFY_RECOVER).unwrap();
        assert_eq!(code(session.verify_recover(&[1; 128])), none);
        let (short, told) = {
            session.sign_recover_init(&pkcs1(), private).unwrap();
            session.sign_recover_into(b"data", &mut [0; 127])
        };
        assert_eq!((code(short), told), (kit::Rv(ck::CKR_BUFFER_TOO_SMALL), 128));
        session.sign_recover(b"data").unwrap();
        assert_eq!(signs(&session), none);
        session.sign_recover_init(&pkcs1(), private).unwrap();
        session.logout().unwrap();
        assert_eq!(signs(&session), none);
    });
}

#[test]
fn keys_must_be_for_recovering() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(1024);
        let (ec, _) = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, kit::P256);
        assert_eq!(code(session.sign_recover_init(&pkcs1(), public)), ck::CKR_KEY_TYPE_INCONSISTENT);
        for key in [private, ec] {
            assert_eq!(code(session.verify_recover_init(&pkcs1(), key)), ck::CKR_KEY_TYPE_INCONSISTENT);
        }
        let hashed = Mechanism::plain(ck::CKM_SHA256_RSA_PKCS);
        assert_eq!(code(session.sign_recover_init(&hashed, private)), ck::CKR_MECHANISM_INVALID);
        assert_eq!(code(session.verify_recover_init(&hashed, public)), ck::CKR_MECHANISM_INVALID);
        let parameter = Mechanism::bytes(ck::CKM_RSA_PKCS, [0; 4]);
        assert_eq!(code(session.sign_recover_init(&parameter, private)), ck::CKR_MECHANISM_PARAM_INVALID);
        session.set(private, &Template::new().flag(ck::CKA_SIGN_RECOVER, false)).unwrap();
        session.set(public, &Template::new().flag(ck::CKA_VERIFY_RECOVER, false)).unwrap();
        assert_eq!(code(session.sign_recover_init(&pkcs1(), private)), ck::CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_eq!(code(session.verify_recover_init(&pkcs1(), public)), ck::CKR_KEY_FUNCTION_NOT_PERMITTED);
        session.sign_init(&pkcs1(), private).unwrap();
        session.verify_init(&pkcs1(), public).unwrap_err();
        session.sign_cancel().unwrap();
        session.verify_init(&pkcs1(), public).unwrap();
    });
}

#[test]
fn a_careful_key_asks_for_the_pin_before_it_signs_so() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let public = Template::new().ulong(ck::CKA_MODULUS_BITS, 1024);
        let private = Template::new().flag(ck::CKA_ALWAYS_AUTHENTICATE, true);
        let of = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
        let (_, private) = session.generate_key_pair(&of, &public, &private).unwrap();
        session.sign_recover_init(&pkcs1(), private).unwrap();
        assert_eq!(session.sign_recover_len(b"data").unwrap(), 128);
        let (refused, _) = session.sign_recover_into(b"data", &mut [0; 128]);
        assert_eq!(code(refused), ck::CKR_USER_NOT_LOGGED_IN);
        session.sign_recover_init(&pkcs1(), private).unwrap();
        session.login(ck::CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap();
        session.sign_recover(b"data").unwrap();
    });
}
