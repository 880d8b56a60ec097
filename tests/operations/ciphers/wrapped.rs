//! Keys under keys of these ciphers.

use crate::ciphers::{Given, ROWS, block, key, mechanism};
use kit::pattern::key as key_bytes;
use kit::{Mechanism, Template, ck, code, isolated};

fn secret(key_type: ck::CK_KEY_TYPE) -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(key_type).sensitive(false).extractable(true)
}

/// Mechanisms without a wrapping of their own.
const STREAMS: [ck::CK_MECHANISM_TYPE; 2] = [ck::CKM_RC4, ck::CKM_CHACHA20];

#[test]
fn a_key_wrapped_by_encryption_is_its_ciphertext_and_comes_back() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let inner = key_bytes(ck::CKK_GENERIC_SECRET, 20);
        let wrapped_key = key(&session, ck::CKK_GENERIC_SECRET, &inner);
        for (of, key_type, key_length, given, ..) in ROWS {
            let outer = key(&session, *key_type, &key_bytes(*key_type, *key_length));
            let mechanism = mechanism(*of, *key_type, *given);
            if STREAMS.contains(of) {
                assert_eq!(code(session.wrap(&mechanism, outer, wrapped_key)), ck::CKR_MECHANISM_INVALID);
                continue;
            }
            let wrapped = session.wrap(&mechanism, outer, wrapped_key).unwrap();
            let plain = session.decrypt_with(&mechanism, outer, &wrapped).unwrap();
            // ECB and CBC fill up with zeros.
            let padded = plain.len() == inner.len().next_multiple_of(block(*key_type)) && plain.starts_with(&inner);
            assert!(plain == inner || padded && plain[inner.len()..].iter().all(|byte| *byte == 0), "{of:#x}");
            let template = secret(ck::CKK_GENERIC_SECRET);
            let template = if plain == inner { template } else { template.ulong(ck::CKA_VALUE_LEN, 20) };
            let back = session.unwrap(&mechanism, outer, &wrapped, &template).unwrap();
            assert_eq!(session.bytes(back, ck::CKA_VALUE).unwrap(), inner, "{of:#x}");
        }
    });
}

#[test]
fn a_key_of_des_is_unwrapped_without_its_length_and_with_the_right_parity_only() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let outer = key(&session, ck::CKK_CAMELLIA, &[1; 16]);
        for (key_type, length) in [(ck::CKK_DES, 8), (ck::CKK_DES2, 16), (ck::CKK_DES3, 24)] {
            let inner = key_bytes(key_type, length);
            for of in [ck::CKM_CAMELLIA_CBC, ck::CKM_CAMELLIA_CBC_PAD] {
                let mechanism = mechanism(of, ck::CKK_CAMELLIA, Given::Iv);
                let wrapped = session.wrap(&mechanism, outer, key(&session, key_type, &inner)).unwrap();
                let back = session.unwrap(&mechanism, outer, &wrapped, &secret(key_type)).unwrap();
                assert_eq!(session.bytes(back, ck::CKA_VALUE).unwrap(), inner, "{of:#x} {length}");
                let mut even = inner.clone();
                even[0] ^= 1;
                let even = key(&session, ck::CKK_GENERIC_SECRET, &even);
                let wrapped = session.wrap(&mechanism, outer, even).unwrap();
                let refused = session.unwrap(&mechanism, outer, &wrapped, &secret(key_type));
                assert_eq!(code(refused), ck::CKR_WRAPPED_KEY_INVALID, "{of:#x} {length}");
            }
        }
    });
}

#[test]
fn a_wrong_parity_under_pkcs1_tells_nothing_about_the_padding() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(2048);
        let pkcs1 = Mechanism::plain(ck::CKM_RSA_PKCS);
        for (key_type, length) in [(ck::CKK_DES3, 24), (ck::CKK_DES, 8), (ck::CKK_SEED, 16), (ck::CKK_AES_XTS, 32)] {
            let inner = key_bytes(key_type, length);
            let right = session.encrypt_with(&pkcs1, public, &inner).unwrap();
            let unwrap =
                |wrapped: &[u8], template: &Template| session.unwrap(&pkcs1, private, wrapped, template).unwrap();
            let template = secret(key_type);
            let back = unwrap(&right, &template);
            assert_eq!(session.bytes(back, ck::CKA_VALUE).unwrap(), inner);
            // No key of DES or XTS, no length of SEED, no padding at all: a random key of the type each time.
            let bad = session.encrypt_with(&pkcs1, public, &vec![6; if length == 16 { 17 } else { length }]).unwrap();
            for wrapped in [&bad, &vec![1; 256]] {
                let value = session.bytes(unwrap(wrapped, &template), ck::CKA_VALUE).unwrap();
                assert!(value != inner && value != vec![6; length]);
            }
        }
    });
}
