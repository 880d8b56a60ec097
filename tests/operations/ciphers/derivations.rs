//! Keys that are the encryption of data (PKCS#11 3.2 section 6.28): their beginning of the ciphertexts of the table.

use crate::ciphers::{Given, ROWS, block, key};
use kit::pattern::{data as plain, iv, key as key_bytes};
use kit::{Mechanism, Template, ck, code, hex, isolated};

/// Encryption, derivation.
const PAIRS: &[(ck::CK_MECHANISM_TYPE, ck::CK_MECHANISM_TYPE)] = &[
    (ck::CKM_AES_ECB, ck::CKM_AES_ECB_ENCRYPT_DATA),
    (ck::CKM_AES_CBC, ck::CKM_AES_CBC_ENCRYPT_DATA),
    (ck::CKM_CAMELLIA_ECB, ck::CKM_CAMELLIA_ECB_ENCRYPT_DATA),
    (ck::CKM_CAMELLIA_CBC, ck::CKM_CAMELLIA_CBC_ENCRYPT_DATA),
    (ck::CKM_ARIA_ECB, ck::CKM_ARIA_ECB_ENCRYPT_DATA),
    (ck::CKM_ARIA_CBC, ck::CKM_ARIA_CBC_ENCRYPT_DATA),
    (ck::CKM_SEED_ECB, ck::CKM_SEED_ECB_ENCRYPT_DATA),
    (ck::CKM_SEED_CBC, ck::CKM_SEED_CBC_ENCRYPT_DATA),
    (ck::CKM_DES_ECB, ck::CKM_DES_ECB_ENCRYPT_DATA),
    (ck::CKM_DES_CBC, ck::CKM_DES_CBC_ENCRYPT_DATA),
    (ck::CKM_DES3_ECB, ck::CKM_DES3_ECB_ENCRYPT_DATA),
    (ck::CKM_DES3_CBC, ck::CKM_DES3_CBC_ENCRYPT_DATA),
];

fn deriving(of: ck::CK_MECHANISM_TYPE, given: Given, block: usize, data: &[u8]) -> Mechanism {
    match (given, block) {
        (Given::None, _) => Mechanism::with_data(of, data),
        (_, 8) => Mechanism::des_cbc_data(of, iv(), data),
        _ => Mechanism::cbc_data(iv(), data).of(of),
    }
}

fn secret(key_type: ck::CK_KEY_TYPE) -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(key_type).sensitive(false).extractable(true)
}

#[test]
fn a_key_derived_by_encryption_is_the_beginning_of_the_ciphertext() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let mut derived = 0;
        for (of, key_type, key_length, given, length, sealed) in ROWS {
            let Some((_, derivation)) = PAIRS.iter().find(|(encryption, _)| encryption == of) else { continue };
            let base = key(&session, *key_type, &key_bytes(*key_type, *key_length));
            let (block, sealed) = (block(*key_type), hex(sealed));
            let mechanism = deriving(*derivation, *given, block, &plain(*length));
            let whole = session.derive(&mechanism, base, &secret(ck::CKK_GENERIC_SECRET)).unwrap();
            assert_eq!(session.bytes(whole, ck::CKA_VALUE).unwrap(), sealed, "{derivation:#x}");
            let five = secret(ck::CKK_GENERIC_SECRET).ulong(ck::CKA_VALUE_LEN, 5);
            let five = session.derive(&mechanism, base, &five).unwrap();
            assert_eq!(session.bytes(five, ck::CKA_VALUE).unwrap(), sealed[..5]);
            // Of DES: as long as such a key is, and of odd parity.
            let des = session.derive(&mechanism, base, &secret(ck::CKK_DES3)).unwrap();
            let value = session.bytes(des, ck::CKA_VALUE).unwrap();
            assert!(value.iter().all(|byte| byte.count_ones() % 2 == 1));
            assert!(value.len() == 24 && value.iter().zip(&sealed).all(|(parity, bare)| (parity ^ bare) & 0xfe == 0));
            let long = secret(ck::CKK_GENERIC_SECRET).ulong(ck::CKA_VALUE_LEN, *length as u64 + 1);
            assert_eq!(code(session.derive(&mechanism, base, &long)), ck::CKR_KEY_SIZE_RANGE);
            for data in [&[][..], &[1; 7], &[1; 17]] {
                let refused =
                    session.derive(&deriving(*derivation, *given, block, data), base, &secret(ck::CKK_GENERIC_SECRET));
                assert_eq!(code(refused), ck::CKR_MECHANISM_PARAM_INVALID, "{derivation:#x} {}", data.len());
            }
            derived += 1;
        }
        assert_eq!(derived, 26);
    });
}

#[test]
fn data_that_is_shorter_than_a_key_of_the_only_length_makes_none() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let base = key(&session, ck::CKK_DES3, &key_bytes(ck::CKK_DES3, 24));
        let mechanism = Mechanism::with_data(ck::CKM_DES3_ECB_ENCRYPT_DATA, &[1; 16]);
        assert_eq!(code(session.derive(&mechanism, base, &secret(ck::CKK_DES3))), ck::CKR_KEY_SIZE_RANGE);
        assert_eq!(code(session.derive(&mechanism, base, &secret(ck::CKK_DES2))), ck::CKR_OK);
    });
}
