//! AES-GCM against the vectors of its specification (McGrew and Viega, test cases 4 to 6, 10 to 12, 16 to 18), and
//! what an authenticated cipher must never do.

use crate::encrypt::{KEY, Way};
use kit::{Chance, Mechanism, Session, ck, hex, isolated};

const KEY_192: &str = "feffe9928665731c6d6a8f9467308308feffe9928665731c";
const PLAIN: &str = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
                     1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
const AAD: &str = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
/// Of 12, 8 and 60 bytes.
const IVS: [&str; 3] = [
    "cafebabefacedbaddecaf888",
    "cafebabefacedbad",
    "9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2a318a728
     c3c0c95156809539fcf0e2429a6b525416aedbf5a0de6a57a637b39b",
];
/// Ciphertext and tag for keys of 128, 192 and 256 bits, each with the three IVs.
const SEALED: [[&str; 3]; 3] = [
    [
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091
         5bc94fbc3221a5db94fae95ae7121a47",
        "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c742373806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f4598
         3612d2e79e3b0785561be14aaca2fccb",
        "8ce24998625615b603a033aca13fb894be9112a5c3a211a8ba262a3cca7e2ca701e4a9a4fba43c90ccdcb281d48c7c6fd62875d2aca417034c34aee5
         619cc5aefffe0bfa462af43c1699d050",
    ],
    [
        "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda2710
         2519498e80f1478f37ba55bd6d27618c",
        "0f10f599ae14a154ed24b36e25324db8c566632ef2bbb34f8347280fc4507057fddc29df9a471f75c66541d4d4dad1c9e93a19a58e8b473fa0f062f7
         65dcc57fcf623a24094fcca40d3533f8",
        "d27e88681ce3243c4830165a8fdcf9ff1de9a1d8e6b447ef6ef7b79828666e4581e79012af34ddd9e2f037589b292db3e67c036745fa22e7e9b7373b
         dcf566ff291c25bbb8568fc3d376a6d9",
    ],
    [
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662
         76fc6ece0f4e1768cddf8853bb2d551b",
        "c3762df1ca787d32ae47c13bf19844cbaf1ae14d0b976afac52ff7d79bba9de0feb582d33934a4f0954cc2363bc73f7862ac430e64abe499f47c9b1f
         3a337dbf46a792c45e454913fe2ea8f2",
        "5a8def2f0c9e53f1f75d7853659e2a20eeb2b22aafde6419a058ab4f6f746bf40fc0c3b780f244452da3ebf1c5d82cdea2418997200ef82e44ae7e3f
         a44a8266ee1c8eb0c8b5d4cf5ae9f19a",
    ],
];

#[test]
fn the_vectors_of_the_specification_come_out_in_one_part_and_in_several() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let keys = [KEY_192[..32].to_string(), KEY_192.to_string(), KEY_192[..32].repeat(2)];
        let (plain, aad, mut chance) = (hex(PLAIN), hex(AAD), Chance::seeded(4));
        for (key, sealed) in keys.iter().zip(SEALED) {
            let key = session.aes(&hex(key));
            for (iv, sealed) in IVS.iter().zip(sealed) {
                let (mechanism, sealed) = (Mechanism::gcm(&hex(iv), &aad, 128), hex(sealed));
                assert_eq!(session.encrypt_with(&mechanism, key, &plain).unwrap(), sealed);
                assert_eq!(session.decrypt_with(&mechanism, key, &sealed).unwrap(), plain);
                for (way, from, to) in [(Way::Encrypt, &plain, &sealed), (Way::Decrypt, &sealed, &plain)] {
                    let parts = chance.parts(from, 20);
                    assert_eq!(&way.in_parts(&session, &mechanism, key, &parts).unwrap(), to);
                }
                // A shorter tag is the longer one cut.
                for bits in [32u64, 64, 96, 104, 112, 120] {
                    let short = Mechanism::gcm(&hex(iv), &aad, bits);
                    let cut = &sealed[..plain.len() + bits as usize / 8];
                    assert_eq!(session.encrypt_with(&short, key, &plain).unwrap(), cut);
                    assert_eq!(session.decrypt_with(&short, key, cut).unwrap(), plain);
                }
            }
        }
    });
}

#[test]
fn ivs_of_1_to_128_bytes_are_taken_and_each_is_another() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        let mut seen = std::collections::HashSet::new();
        for length in 1..=128 {
            let mechanism = Mechanism::gcm(&vec![7; length], b"", 128);
            let sealed = session.encrypt_with(&mechanism, key, b"plaintext").unwrap();
            assert_eq!(session.decrypt_with(&mechanism, key, &sealed).unwrap(), b"plaintext");
            assert!(seen.insert(sealed), "an IV of {length} bytes");
        }
        for length in [0, 129, 256] {
            let refused = session.encrypt_init(&Mechanism::gcm(&vec![7; length], b"", 128), key);
            assert_eq!(refused.unwrap_err(), ck::CKR_MECHANISM_PARAM_INVALID, "an IV of {length} bytes");
        }
    });
}

#[test]
fn only_the_lengths_of_tags_that_the_standard_lists_are_taken() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        for bits in [0, 8, 16, 31, 33, 40, 48, 56, 72, 80, 88, 95, 97, 127, 129, 136, 256, 1 << 32, u64::MAX] {
            for way in Way::BOTH {
                let refused = way.init(&session, &Mechanism::gcm(&[1; 12], b"", bits), key).unwrap_err();
                assert_eq!(refused, ck::CKR_MECHANISM_PARAM_INVALID, "{bits} bits");
            }
        }
    });
}

#[test]
fn associated_data_of_any_length_is_authenticated() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        for length in [0usize, 1, 15, 16, 17, 100, 5000] {
            let mut aad = vec![5; length];
            let mechanism = Mechanism::gcm(&[1; 12], &aad, 128);
            for plain in [&b""[..], b"plaintext"] {
                let sealed = session.encrypt_with(&mechanism, key, plain).unwrap();
                assert_eq!(sealed.len(), plain.len() + 16);
                assert_eq!(session.decrypt_with(&mechanism, key, &sealed).unwrap(), plain);
                for other in [[&aad[..], b"x"].concat(), aad.iter().skip(1).copied().collect()] {
                    let refused = session.decrypt_with(&Mechanism::gcm(&[1; 12], &other, 128), key, &sealed);
                    assert_eq!(refused.is_ok(), other == aad, "{length}");
                }
            }
            if let Some(last) = aad.last_mut() {
                *last ^= 1;
                let sealed = session.encrypt_with(&mechanism, key, b"").unwrap();
                let refused = session.decrypt_with(&Mechanism::gcm(&[1; 12], &aad, 128), key, &sealed);
                assert_eq!(refused.unwrap_err(), ck::CKR_ENCRYPTED_DATA_INVALID);
            }
        }
    });
}

#[test]
fn the_forty_byte_parameter_of_old_headers_is_taken_and_no_other_length_is() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        let long = Mechanism::gcm(&[1; 12], b"aad", 96);
        let sealed = session.encrypt_with(&long, key, b"plaintext").unwrap();
        let (iv, aad) = (vec![1u8; 12], b"aad".to_vec());
        // pIv, ulIvLen, pAAD, ulAADLen, ulTagBits
        let fields = [iv.as_ptr() as u64, 12, aad.as_ptr() as u64, 3, 96];
        let short = Mechanism::structure(ck::CKM_AES_GCM, fields, vec![iv, aad]);
        assert_eq!(session.encrypt_with(&short, key, b"plaintext").unwrap(), sealed);
        assert_eq!(session.decrypt_with(&short, key, &sealed).unwrap(), b"plaintext");
        for length in [0, 8, 39, 41, 47, 49, 56, 96, u64::MAX] {
            let refused = session.encrypt_init(&Mechanism::gcm(&[1; 12], b"aad", 96).claiming(length), key);
            assert_eq!(refused.unwrap_err(), ck::CKR_MECHANISM_PARAM_INVALID, "{length} bytes");
        }
    });
}

#[test]
fn a_null_iv_or_aad_with_a_length_is_refused() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        let iv = vec![1u8; 12];
        let at = iv.as_ptr() as u64;
        for (iv_at, iv_length, aad_length) in
            [(0, 12, 0), (0, u64::MAX, 0), (at, 12, 1), (at, 12, u64::MAX), (at, 1 << 63, 0)]
        {
            let fields = [iv_at, iv_length, 96, 0, aad_length, 128];
            let mechanism = Mechanism::structure(ck::CKM_AES_GCM, fields, vec![]);
            for way in Way::BOTH {
                let refused = way.init(&session, &mechanism, key).unwrap_err();
                assert_eq!(refused, ck::CKR_MECHANISM_PARAM_INVALID, "{fields:?}");
            }
        }
        let fields = [at, 12, 96, 0, 0, 128];
        session.encrypt_with(&Mechanism::structure(ck::CKM_AES_GCM, fields, vec![iv]), key, b"data").unwrap();
    });
}

/// Decrypts into a buffer of zeros, which must be zeros after it was refused.
#[track_caller]
fn refused(session: &Session<'_>, mechanism: &Mechanism, key: kit::Object, sealed: &[u8], why: &str) {
    let mut room = vec![0u8; sealed.len()];
    session.decrypt_init(mechanism, key).unwrap();
    let (outcome, _) = session.decrypt_into(sealed, &mut room);
    assert_eq!(outcome.unwrap_err(), ck::CKR_ENCRYPTED_DATA_INVALID, "{why}");
    assert!(room.iter().all(|byte| *byte == 0), "{why}: plaintext in the buffer");
    assert_eq!(session.decrypt(sealed).unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED, "{why}");
}

#[test]
fn one_bit_flipped_anywhere_gives_nothing() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        let (iv, aad) = ([9u8; 12], *b"associated data");
        let mechanism = Mechanism::gcm(&iv, &aad, 128);
        let plain = [0xa5u8; 45];
        let sealed = session.encrypt_with(&mechanism, key, &plain).unwrap();
        let flip = |bytes: &[u8], bit: usize| {
            let mut flipped = bytes.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            flipped
        };
        for bit in 0..sealed.len() * 8 {
            refused(&session, &mechanism, key, &flip(&sealed, bit), &format!("bit {bit} of the ciphertext"));
        }
        for bit in 0..iv.len() * 8 {
            let other = Mechanism::gcm(&flip(&iv, bit), &aad, 128);
            refused(&session, &other, key, &sealed, &format!("bit {bit} of the IV"));
        }
        for bit in 0..aad.len() * 8 {
            let other = Mechanism::gcm(&iv, &flip(&aad, bit), 128);
            refused(&session, &other, key, &sealed, &format!("bit {bit} of the associated data"));
        }
        refused(&session, &mechanism, session.aes(&[1; 32]), &sealed, "another key");
        refused(&session, &mechanism, key, &sealed[1..], "the first byte cut");
        refused(&session, &mechanism, key, &sealed[..sealed.len() - 1], "the last byte cut");
        for length in [0, 1, 15] {
            let short = session.decrypt_with(&mechanism, key, &sealed[..length]).unwrap_err();
            assert_eq!(short, ck::CKR_ENCRYPTED_DATA_LEN_RANGE, "no room for a tag");
        }
        assert_eq!(session.decrypt_with(&mechanism, key, &sealed).unwrap(), plain);
    });
}

#[test]
fn in_parts_nothing_comes_out_before_the_tag_was_checked() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        let mechanism = Mechanism::gcm(&[9; 12], b"associated data", 128);
        let plain: Vec<u8> = (0..200).map(|n| n as u8 | 1).collect();
        let sealed = session.encrypt_with(&mechanism, key, &plain).unwrap();
        for wrong in [false, true] {
            let mut sent = sealed.clone();
            sent[100] ^= u8::from(wrong);
            session.decrypt_init(&mechanism, key).unwrap();
            let mut room = vec![0u8; 300];
            for part in sent.chunks(48) {
                let (outcome, written) = session.decrypt_update_into(part, &mut room);
                outcome.unwrap();
                assert_eq!((written, room.iter().all(|byte| *byte == 0)), (0, true));
            }
            let (outcome, written) = session.decrypt_final_into(&mut room);
            if wrong {
                assert_eq!(outcome.unwrap_err(), ck::CKR_ENCRYPTED_DATA_INVALID);
                assert!(room.iter().all(|byte| *byte == 0));
            } else {
                outcome.unwrap();
                assert_eq!(&room[..written], &plain);
            }
            assert_eq!(session.decrypt_final().unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED);
        }
        let short = Way::Decrypt.in_parts(&session, &mechanism, key, &[&sealed[..15]]);
        assert_eq!(short.unwrap_err(), ck::CKR_ENCRYPTED_DATA_LEN_RANGE);
    });
}
