//! MACs and digests beside those of SHA: each against what other programs computed, and what lengths, parameters and
//! keys it takes.

mod digests;
mod table;

use kit::pattern::{data as plain, iv, key as key_bytes};
use kit::{Chance, Mechanism, Object, Session, Template, ck, code, hex, isolated};
use table::ROWS;

/// The parameter of a row.
#[derive(Clone, Copy, Debug)]
pub enum Given {
    /// None at all.
    None,
    /// CK_MAC_GENERAL_PARAMS; with SHA-512/t it is t.
    Length(u64),
    /// Effective bits of RC2.
    Bits(u64),
    /// The same, and a length.
    BitsLength(u64, u64),
    /// Bytes of the IV and bits of the tag.
    Gcm(usize, u64),
}

fn mechanism(of: ck::CK_MECHANISM_TYPE, given: Given) -> Mechanism {
    match given {
        Given::None => Mechanism::plain(of),
        Given::Length(number) | Given::Bits(number) => Mechanism::number(of, number),
        Given::BitsLength(bits, length) => Mechanism::rc2_mac_general(bits, length),
        Given::Gcm(iv_length, bits) => Mechanism::gcm(&iv::<16>()[..iv_length], b"", bits).of(of),
    }
}

/// A key that may do everything.
fn key(session: &Session<'_>, key_type: ck::CK_KEY_TYPE, value: &[u8]) -> Object {
    let template = Template::secret_key(key_type, value).extractable(true).flag(ck::CKA_DERIVE, true);
    session.create(&template).unwrap()
}

fn sign_in_parts(session: &Session<'_>, mechanism: &Mechanism, key: Object, parts: &[&[u8]]) -> kit::Result<Vec<u8>> {
    session.sign_init(mechanism, key)?;
    parts.iter().try_for_each(|part| session.sign_update(part))?;
    session.sign_final()
}

#[test]
fn the_macs_of_other_programs_come_out_and_are_verified_in_any_number_of_parts() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let mut chance = Chance::seeded(234);
        for (of, key_type, key_length, given, length, mac) in ROWS {
            let key = key(&session, *key_type, &key_bytes(*key_type, *key_length));
            let mechanism = mechanism(*of, *given);
            let (data, mac) = (plain(*length), hex(mac));
            let about = format!("{of:#x}, a key of {key_length}, {given:?}, {length} bytes");
            // Twice: the second time with an engine that was used before.
            for _ in 0..2 {
                assert_eq!(session.sign_with(&mechanism, key, &data).unwrap(), mac, "{about}");
                session.verify_with(&mechanism, key, &data, &mac).unwrap();
                let longest = 1 + chance.up_to(33);
                let parts = chance.parts(&data, longest);
                assert_eq!(sign_in_parts(&session, &mechanism, key, &parts).unwrap(), mac, "{about} {parts:?}");
                session.verify_init(&mechanism, key).unwrap();
                parts.iter().for_each(|part| session.verify_update(part).unwrap());
                session.verify_final(&mac).unwrap();
            }
            let mut wrong = mac.clone();
            wrong[chance.up_to(mac.len() - 1)] ^= 1 << chance.up_to(7);
            let refused = session.verify_with(&mechanism, key, &data, &wrong);
            assert_eq!(code(refused), ck::CKR_SIGNATURE_INVALID, "{about}");
            let longer = [&mac[..], &[0]].concat();
            for wrong in [&mac[..mac.len() - 1], &longer] {
                let refused = session.verify_with(&mechanism, key, &data, wrong);
                assert_eq!(code(refused), ck::CKR_SIGNATURE_LEN_RANGE, "{about}");
            }
            let other = [&data[..], &[0x80]].concat();
            let refused = session.verify_with(&mechanism, key, &other, &mac);
            assert_eq!(code(refused), ck::CKR_SIGNATURE_INVALID, "{about}");
        }
    });
}

#[test]
fn long_data_in_odd_parts_have_the_mac_of_a_single_part() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let mut chance = Chance::seeded(8);
        let mut seen = Vec::new();
        for (of, key_type, key_length, given, ..) in ROWS {
            if seen.contains(of) {
                continue;
            }
            seen.push(*of);
            let key = key(&session, *key_type, &key_bytes(*key_type, *key_length));
            let mechanism = mechanism(*of, *given);
            for length in [1023, 1024, 1025, 5000] {
                let data = chance.bytes(length);
                let mac = session.sign_with(&mechanism, key, &data).unwrap();
                for longest in [7, 16, 1500] {
                    let parts = chance.parts(&data, longest);
                    let joined = sign_in_parts(&session, &mechanism, key, &parts).unwrap();
                    assert_eq!(joined, mac, "{of:#x} {length} in {longest}");
                }
            }
        }
    });
}

#[test]
fn a_length_that_no_mac_has_and_a_parameter_of_another_shape_are_refused() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (of, key_type, key_length, given, ..) in ROWS {
            let key = key(&session, *key_type, &key_bytes(*key_type, *key_length));
            let mut wrong = vec![
                Mechanism::bytes(*of, [1; 7]),
                Mechanism::plain(*of).claiming(8),
                mechanism(*of, *given).claiming(u64::MAX),
            ];
            match given {
                Given::None => wrong.push(Mechanism::number(*of, 4)),
                Given::Length(_) => wrong.extend([0, 65, 257, u64::MAX].map(|length| Mechanism::number(*of, length))),
                Given::Bits(_) => wrong.extend([0, 1025, u64::MAX].map(|bits| Mechanism::number(*of, bits))),
                Given::BitsLength(..) => {
                    let pairs = [(0, 4), (1025, 4), (64, 0), (64, 9), (64, u64::MAX)];
                    wrong.extend(pairs.map(|(bits, length)| Mechanism::rc2_mac_general(bits, length)));
                }
                Given::Gcm(..) => wrong.extend([
                    Mechanism::gcm(&[1; 12], b"more", 128).of(*of),
                    Mechanism::gcm(&[], b"", 128).of(*of),
                    Mechanism::gcm(&[1; 129], b"", 128).of(*of),
                    Mechanism::gcm(&[1; 12], b"", 24).of(*of),
                    Mechanism::gcm(&[1; 12], b"", 136).of(*of),
                ]),
            }
            if !matches!(given, Given::None) {
                wrong.push(Mechanism::plain(*of));
            }
            for (number, mechanism) in wrong.iter().enumerate() {
                let signed = code(session.sign_init(mechanism, key));
                assert_eq!(signed, ck::CKR_MECHANISM_PARAM_INVALID, "{of:#x} {given:?} number {number}");
                assert_eq!(code(session.verify_init(mechanism, key)), ck::CKR_MECHANISM_PARAM_INVALID);
                assert_eq!(code(session.sign(b"x")), ck::CKR_OPERATION_NOT_INITIALIZED);
            }
        }
    });
}

#[test]
fn a_general_length_is_at_most_that_of_the_whole_mac() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (of, key_type, key_length, most) in [
            (ck::CKM_AES_MAC_GENERAL, ck::CKK_AES, 16, 16),
            (ck::CKM_AES_CMAC_GENERAL, ck::CKK_AES, 32, 16),
            (ck::CKM_DES3_MAC_GENERAL, ck::CKK_DES3, 24, 8),
            (ck::CKM_DES3_CMAC_GENERAL, ck::CKK_DES2, 16, 8),
            (ck::CKM_BLAKE2B_160_HMAC_GENERAL, ck::CKK_BLAKE2B_160_HMAC, 20, 20),
            (ck::CKM_RIPEMD160_HMAC_GENERAL, ck::CKK_RIPEMD160_HMAC, 20, 20),
        ] {
            let key = key(&session, key_type, &key_bytes(key_type, key_length));
            let whole = session.sign_with(&Mechanism::number(of, most), key, b"data").unwrap();
            assert_eq!(whole.len() as u64, most);
            for length in 1..most {
                let mac = session.sign_with(&Mechanism::number(of, length), key, b"data").unwrap();
                assert_eq!(mac, whole[..length as usize]);
            }
            let longer = Mechanism::number(of, most + 1);
            assert_eq!(code(session.sign_init(&longer, key)), ck::CKR_MECHANISM_PARAM_INVALID, "{of:#x}");
        }
    });
}

#[test]
fn xcbc_takes_keys_of_16_bytes_and_every_mac_only_keys_of_its_types() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for length in [24, 32] {
            let long = key(&session, ck::CKK_AES, &vec![1; length]);
            for of in [ck::CKM_AES_XCBC_MAC, ck::CKM_AES_XCBC_MAC_96] {
                assert_eq!(code(session.sign_init(&Mechanism::plain(of), long)), ck::CKR_KEY_SIZE_RANGE);
            }
        }
        let hkdf = session.create(&Template::secret_key(ck::CKK_HKDF, &[1; 16]).flag(ck::CKA_SIGN, true)).unwrap();
        for (of, _, _, given, ..) in ROWS {
            let refused = session.sign_init(&mechanism(*of, *given), hkdf);
            assert_eq!(code(refused), ck::CKR_KEY_TYPE_INCONSISTENT, "{of:#x}");
        }
    });
}

#[test]
fn keys_of_macs_are_as_long_as_the_hash_unless_the_template_says_so() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (of, key_type, length) in [
            (ck::CKM_BLAKE2B_160_KEY_GEN, ck::CKK_BLAKE2B_160_HMAC, 20),
            (ck::CKM_BLAKE2B_256_KEY_GEN, ck::CKK_BLAKE2B_256_HMAC, 32),
            (ck::CKM_BLAKE2B_384_KEY_GEN, ck::CKK_BLAKE2B_384_HMAC, 48),
            (ck::CKM_BLAKE2B_512_KEY_GEN, ck::CKK_BLAKE2B_512_HMAC, 64),
            (ck::CKM_SHA512_T_KEY_GEN, ck::CKK_SHA512_T_HMAC, 64),
        ] {
            let silent = session.generate_key(&Mechanism::plain(of), &Template::new()).unwrap();
            assert_eq!(session.ulong(silent, ck::CKA_VALUE_LEN).unwrap(), length);
            assert_eq!(session.ulong(silent, ck::CKA_KEY_TYPE).unwrap(), key_type);
            assert!(session.flag(silent, ck::CKA_SIGN).unwrap() && session.flag(silent, ck::CKA_VERIFY).unwrap());
            let told = Template::new().ulong(ck::CKA_VALUE_LEN, 7);
            let told = session.generate_key(&Mechanism::plain(of), &told).unwrap();
            assert_eq!(session.ulong(told, ck::CKA_VALUE_LEN).unwrap(), 7);
        }
    });
}
