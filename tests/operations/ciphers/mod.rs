//! Block and stream ciphers beside AES's common modes: each mechanism against ciphertexts that other programs made,
//! what lengths, parameters and keys it takes, and what is built on it.

mod derivations;
mod judged;
mod keys;
mod refusals;
mod table;
mod wrapped;

use kit::pattern::{data as plain, iv, key as key_bytes};
use kit::{Chance, Mechanism, Object, Session, Template, ck, hex, isolated};
use table::ROWS;

/// The parameter of a row.
#[derive(Clone, Copy, Debug)]
pub enum Given {
    /// None at all.
    None,
    /// The IV of [`iv`], of the cipher's length.
    Iv,
    /// The same as a counter block, 128 bits of it counting.
    Counter,
    /// Effective bits of RC2.
    Bits(u64),
    /// Effective bits and an IV.
    BitsIv(u64),
    /// ChaCha20: how many bytes of [`iv`] are the counter and how many after them the nonce; with 3 the counter is 3,
    /// and the nonce comes after the first 8 bytes.
    Stream(usize, usize),
}

/// Bytes of a block of the cipher that a key type belongs to.
fn block(key_type: ck::CK_KEY_TYPE) -> usize {
    match key_type {
        ck::CKK_AES | ck::CKK_AES_XTS | ck::CKK_CAMELLIA | ck::CKK_ARIA | ck::CKK_SEED => 16,
        _ => 8,
    }
}

fn mechanism(of: ck::CK_MECHANISM_TYPE, key_type: ck::CK_KEY_TYPE, given: Given) -> Mechanism {
    match given {
        Given::None => Mechanism::plain(of),
        Given::Iv => Mechanism::bytes(of, &iv::<16>()[..block(key_type)]),
        Given::Counter => Mechanism::ctr(128, iv()).of(of),
        Given::Bits(bits) => Mechanism::number(of, bits),
        Given::BitsIv(bits) => Mechanism::rc2_cbc(of, bits, iv()),
        Given::Stream(3, nonce) => Mechanism::chacha20(&3u64.to_le_bytes(), &iv::<32>()[8..8 + nonce]),
        Given::Stream(counter, nonce) => Mechanism::chacha20(&iv::<32>()[..counter], &iv::<32>()[counter..][..nonce]),
    }
}

/// A key that may do everything, and be read and wrapped.
fn key(session: &Session<'_>, key_type: ck::CK_KEY_TYPE, value: &[u8]) -> Object {
    let template = Template::secret_key(key_type, value).extractable(true).flag(ck::CKA_DERIVE, true);
    session.create(&template).unwrap()
}

#[test]
fn what_other_programs_encrypted_comes_out_and_back_in_one_part_and_in_any_number_of_parts() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let mut chance = Chance::seeded(127);
        for (of, key_type, key_length, given, length, sealed) in ROWS {
            let key = key(&session, *key_type, &key_bytes(*key_type, *key_length));
            let mechanism = mechanism(*of, *key_type, *given);
            let (plain, sealed) = (plain(*length), hex(sealed));
            let about = format!("{of:#x}, a key of {key_length}, {given:?}, {length} bytes");
            // Twice: the second time with an engine that was used before.
            for _ in 0..2 {
                assert_eq!(session.encrypt_with(&mechanism, key, &plain).unwrap(), sealed, "{about}");
                assert_eq!(session.decrypt_with(&mechanism, key, &sealed).unwrap(), plain, "{about}");
                let longest = 1 + chance.up_to(33);
                session.encrypt_init(&mechanism, key).unwrap();
                let mut whole = Vec::new();
                for part in chance.parts(&plain, longest) {
                    whole.extend(session.encrypt_update(part).unwrap());
                }
                whole.extend(session.encrypt_final().unwrap());
                assert_eq!(whole, sealed, "{about} in parts of {longest}");
                session.decrypt_init(&mechanism, key).unwrap();
                let mut whole = Vec::new();
                for part in chance.parts(&sealed, longest) {
                    whole.extend(session.decrypt_update(part).unwrap());
                }
                whole.extend(session.decrypt_final().unwrap());
                assert_eq!(whole, plain, "{about} in parts of {longest}");
            }
        }
    });
}

#[test]
fn a_buffer_that_holds_the_text_is_enough_and_a_shorter_one_changes_nothing() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (of, key_type, key_length, given, length, sealed) in ROWS.iter().filter(|row| row.4 > 0) {
            let key = key(&session, *key_type, &key_bytes(*key_type, *key_length));
            let mechanism = mechanism(*of, *key_type, *given);
            let (plain, sealed) = (plain(*length), hex(sealed));
            let about = format!("{of:#x}, a key of {key_length}, {given:?}, {length} bytes");
            for in_parts in [false, true] {
                session.decrypt_init(&mechanism, key).unwrap();
                let mut room = vec![0; *length];
                let done = if in_parts { session.decrypt_update(&sealed).unwrap() } else { Vec::new() };
                room[..done.len()].copy_from_slice(&done);
                let open = |room: &mut [u8]| match in_parts {
                    false => session.decrypt_into(&sealed, room),
                    true => session.decrypt_final_into(room),
                };
                for less in (done.len()..*length).rev().take(9) {
                    let short = open(&mut room[done.len()..less]).0.unwrap_err();
                    assert_eq!(short, ck::CKR_BUFFER_TOO_SMALL, "{about}");
                }
                open(&mut room[done.len()..]).0.unwrap();
                assert_eq!(room, plain, "{about}");
            }
            // What did it serves again.
            assert_eq!(session.decrypt_with(&mechanism, key, &sealed).unwrap(), plain, "{about}");
        }
    });
}

#[test]
fn a_counter_of_64_bits_goes_on_after_its_lower_half() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = key(&session, ck::CKK_CHACHA20, &key_bytes(ck::CKK_CHACHA20, 32));
        let mechanism = Mechanism::chacha20(&u64::from(u32::MAX).to_le_bytes(), &iv::<8>());
        // PyCryptodome's ChaCha20 with this nonce, sought to 64 * (2^32 - 1).
        let stream = hex("1134fa39c479d9127e9bbb02a5a0dd2a582fd7d9748a2b4f3d68496d2fb1fc31
             718f2c9796e2769acc1afe668f616824b6207c41e9d7a2227881dc696a6ddf2f
             cd8b4970a890882ae75baf0fd49faf3f61119cc257b0d551cf9f298f979d0c1f
             0414ad074066d651966d03b46461bc9538be94bcc0e803aec83939e23fe48124");
        assert_eq!(session.encrypt_with(&mechanism, key, &[0; 128]).unwrap(), stream);
    });
}

#[test]
fn long_messages_in_odd_parts_are_those_of_a_single_part() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let mut chance = Chance::seeded(4);
        // A row of every mechanism.
        let mut seen = Vec::new();
        for (of, key_type, key_length, given, ..) in ROWS.iter().rev() {
            if seen.contains(of) {
                continue;
            }
            seen.push(*of);
            let key = key(&session, *key_type, &key_bytes(*key_type, *key_length));
            let mechanism = mechanism(*of, *key_type, *given);
            for length in [64, 1008, 20_000] {
                let plain = chance.bytes(length);
                let sealed = session.encrypt_with(&mechanism, key, &plain).unwrap();
                session.encrypt_init(&mechanism, key).unwrap();
                let mut whole = Vec::new();
                for part in chance.parts(&plain, 1 + length / 7) {
                    whole.extend(session.encrypt_update(part).unwrap());
                }
                whole.extend(session.encrypt_final().unwrap());
                assert!(whole == sealed, "{of:#x} of {length}");
                session.decrypt_init(&mechanism, key).unwrap();
                let mut whole = Vec::new();
                for part in chance.parts(&sealed, 1 + length / 7) {
                    whole.extend(session.decrypt_update(part).unwrap());
                }
                whole.extend(session.decrypt_final().unwrap());
                assert!(whole == plain, "{of:#x} of {length}");
            }
        }
    });
}
