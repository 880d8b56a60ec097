//! Keys of these ciphers: their lengths, the parity of DES, check values.

use crate::ciphers::{Given, ROWS, key};
use kit::pattern::key as key_bytes;
use kit::{Mechanism, Session, Template, ck, code, hex, isolated};

/// Generation, key type, lengths that are right, lengths that are not.
type Lengths = (ck::CK_MECHANISM_TYPE, ck::CK_KEY_TYPE, &'static [usize], &'static [usize]);

const LENGTHS: &[Lengths] = &[
    (ck::CKM_AES_XTS_KEY_GEN, ck::CKK_AES_XTS, &[32, 64], &[16, 31, 48, 65]),
    (ck::CKM_CAMELLIA_KEY_GEN, ck::CKK_CAMELLIA, &[16, 24, 32], &[8, 15, 33]),
    (ck::CKM_ARIA_KEY_GEN, ck::CKK_ARIA, &[16, 24, 32], &[8, 15, 33]),
    (ck::CKM_SEED_KEY_GEN, ck::CKK_SEED, &[16], &[15, 17, 24, 32]),
    (ck::CKM_CAST128_KEY_GEN, ck::CKK_CAST128, &[1, 5, 16], &[17]),
    (ck::CKM_IDEA_KEY_GEN, ck::CKK_IDEA, &[16], &[8, 15, 17]),
    (ck::CKM_BLOWFISH_KEY_GEN, ck::CKK_BLOWFISH, &[4, 16, 56], &[3, 57]),
    (ck::CKM_RC2_KEY_GEN, ck::CKK_RC2, &[1, 16, 128], &[129]),
    (ck::CKM_RC4_KEY_GEN, ck::CKK_RC4, &[1, 16, 256], &[257]),
    (ck::CKM_CHACHA20_KEY_GEN, ck::CKK_CHACHA20, &[32], &[16, 31, 33]),
    (ck::CKM_POLY1305_KEY_GEN, ck::CKK_POLY1305, &[32], &[16, 31, 33]),
];

/// The three kinds of DES keys: generation, type, bytes.
const DES: [(ck::CK_MECHANISM_TYPE, ck::CK_KEY_TYPE, usize); 3] = [
    (ck::CKM_DES_KEY_GEN, ck::CKK_DES, 8),
    (ck::CKM_DES2_KEY_GEN, ck::CKK_DES2, 16),
    (ck::CKM_DES3_KEY_GEN, ck::CKK_DES3, 24),
];

fn open() -> Template {
    Template::new().extractable(true).sensitive(false)
}

fn create(session: &Session<'_>, key_type: ck::CK_KEY_TYPE, value: &[u8]) -> kit::Rv {
    code(session.create(&Template::secret_key(key_type, value)))
}

#[test]
fn keys_have_the_lengths_of_their_type_however_they_come_to_be() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (of, key_type, right, wrong) in LENGTHS {
            let generated = |length: usize| {
                let template = open().ulong(ck::CKA_VALUE_LEN, length as u64);
                session.generate_key(&Mechanism::plain(*of), &template)
            };
            for length in *right {
                let key = generated(*length).unwrap();
                assert_eq!(session.bytes(key, ck::CKA_VALUE).unwrap().len(), *length, "{of:#x}");
                assert_eq!(session.ulong(key, ck::CKA_VALUE_LEN).unwrap(), *length as u64);
                assert_eq!(session.ulong(key, ck::CKA_KEY_TYPE).unwrap(), *key_type);
                assert_eq!(create(&session, *key_type, &key_bytes(*key_type, *length)), ck::CKR_OK, "{of:#x}");
            }
            for length in [&[0], *wrong].concat() {
                assert_eq!(code(generated(length)), ck::CKR_KEY_SIZE_RANGE, "{of:#x} {length}");
                let created = create(&session, *key_type, &key_bytes(*key_type, length));
                assert_eq!(created, ck::CKR_ATTRIBUTE_VALUE_INVALID, "{of:#x} {length}");
            }
            // A length that goes without saying may be left out.
            let silent = session.generate_key(&Mechanism::plain(*of), &open());
            let expected = if right.len() == 1 { ck::CKR_OK } else { ck::CKR_TEMPLATE_INCOMPLETE };
            assert_eq!(code(silent), expected, "{of:#x}");
        }
    });
}

#[test]
fn keys_of_des_have_odd_parity_and_no_attribute_for_their_length() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (of, key_type, length) in DES {
            let key = session.generate_key(&Mechanism::plain(of), &open()).unwrap();
            let value = session.bytes(key, ck::CKA_VALUE).unwrap();
            assert_eq!(value.len(), length);
            assert!(value.iter().all(|byte| byte.count_ones() % 2 == 1), "{value:x?}");
            assert_eq!(code(session.ulong(key, ck::CKA_VALUE_LEN)), ck::CKR_ATTRIBUTE_TYPE_INVALID);
            let told = open().ulong(ck::CKA_VALUE_LEN, length as u64);
            let generated = session.generate_key(&Mechanism::plain(of), &told);
            assert_eq!(code(generated), ck::CKR_TEMPLATE_INCONSISTENT);
            assert_eq!(create(&session, key_type, &value), ck::CKR_OK);
            let mut even = value.clone();
            even[length - 1] ^= 1;
            assert_eq!(create(&session, key_type, &even), ck::CKR_ATTRIBUTE_VALUE_INVALID);
            assert_eq!(create(&session, key_type, &value[1..]), ck::CKR_ATTRIBUTE_VALUE_INVALID);
        }
    });
}

#[test]
fn an_xts_key_with_equal_halves_is_none() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for length in [32, 64] {
            let mut value = vec![7; length];
            assert_eq!(create(&session, ck::CKK_AES_XTS, &value), ck::CKR_ATTRIBUTE_VALUE_INVALID);
            value[length - 1] ^= 1;
            assert_eq!(create(&session, ck::CKK_AES_XTS, &value), ck::CKR_OK);
        }
    });
}

#[test]
fn the_check_value_of_a_block_ciphers_key_is_zeros_encrypted() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let mut types = Vec::new();
        for (of, key_type, key_length, given, ..) in ROWS {
            let block = crate::ciphers::block(*key_type);
            // CBC of one block of zeros from an IV of zeros is ECB, which one of these ciphers has not.
            let mechanism = match (given, *of) {
                (Given::Iv, ck::CKM_BLOWFISH_CBC) => Mechanism::bytes(*of, [0; 8]),
                (Given::Bits(bits), ck::CKM_RC2_ECB) if *bits == *key_length as u64 * 8 => {
                    Mechanism::number(*of, *bits)
                }
                (Given::None, of) if of != ck::CKM_RC4 => Mechanism::plain(of),
                _ => continue,
            };
            let key = key(&session, *key_type, &key_bytes(*key_type, *key_length));
            let sealed = session.encrypt_with(&mechanism, key, &vec![0; block]).unwrap();
            assert_eq!(session.bytes(key, ck::CKA_CHECK_VALUE).unwrap(), sealed[..3], "{key_type:#x} {key_length}");
            types.push(*key_type);
        }
        types.sort_unstable();
        types.dedup();
        assert_eq!(types.len(), 11);
        // The others have the beginning of SHA-1 of their value: `printf '\x05…' | sha1sum`.
        let key = key(&session, ck::CKK_CHACHA20, &[5; 32]);
        assert_eq!(session.bytes(key, ck::CKA_CHECK_VALUE).unwrap(), hex("0360e8"));
    });
}
