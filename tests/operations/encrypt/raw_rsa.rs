//! RSA without padding (PKCS#11 3.2 section 6.1.9).

use kit::{Judge, Mechanism, ck, isolated};

const NONE: [&str; 2] = ["-pkeyopt", "rsa_padding_mode:none"];

#[test]
fn shorter_data_has_zeros_in_front_and_comes_back_with_them() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(2048);
        let info = session.public_key_info(public);
        let raw = Mechanism::plain(ck::CKM_RSA_X_509);
        for length in [1, 2, 255, 256] {
            let mut data = vec![0x2a; length];
            data[0] = 1;
            let whole = [vec![0; 256 - length], data.clone()].concat();
            let sealed = session.encrypt_with(&raw, public, &data).unwrap();
            assert_eq!(sealed, Judge::new().encrypts_to(&info, &NONE, &whole), "{length}");
            assert_eq!(session.decrypt_with(&raw, private, &sealed).unwrap(), whole);
        }
    });
}

#[test]
fn data_is_a_number_below_the_modulus() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(1024);
        let modulus = session.bytes(public, ck::CKA_MODULUS).unwrap();
        let raw = Mechanism::plain(ck::CKM_RSA_X_509);
        for (data, expected) in [
            (vec![], ck::CKR_DATA_LEN_RANGE),
            (vec![0; 129], ck::CKR_DATA_LEN_RANGE),
            (modulus.clone(), ck::CKR_DATA_INVALID),
            (vec![0xff; 128], ck::CKR_DATA_INVALID),
        ] {
            assert_eq!(session.encrypt_with(&raw, public, &data).unwrap_err(), expected);
            assert_eq!(session.sign_with(&raw, private, &data).unwrap_err(), expected);
        }
        let mut last = modulus.clone();
        last[127] -= 1;
        let sealed = session.encrypt_with(&raw, public, &last).unwrap();
        assert_eq!(session.decrypt_with(&raw, private, &sealed).unwrap(), last);
        for (sealed, expected) in [
            (&[][..], ck::CKR_ENCRYPTED_DATA_LEN_RANGE),
            (&[1; 127], ck::CKR_ENCRYPTED_DATA_LEN_RANGE),
            (&[1; 129], ck::CKR_ENCRYPTED_DATA_LEN_RANGE),
            (&modulus, ck::CKR_ENCRYPTED_DATA_INVALID),
        ] {
            assert_eq!(session.decrypt_with(&raw, private, sealed).unwrap_err(), expected);
        }
        session.encrypt_init(&raw, public).unwrap();
        assert_eq!(session.encrypt_update(b"part").unwrap_err(), ck::CKR_FUNCTION_NOT_SUPPORTED);
        let parameter = Mechanism::bytes(ck::CKM_RSA_X_509, [0; 8]);
        assert_eq!(session.encrypt_init(&parameter, public).unwrap_err(), ck::CKR_MECHANISM_PARAM_INVALID);
    });
}
