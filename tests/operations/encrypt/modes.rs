//! The modes of AES against NIST SP 800-38A, and what lengths and parameters they take.

use crate::encrypt::{IV, KEY, Way, modes};
use kit::{Chance, Judge, Mechanism, ck, hex, isolated};

const PLAIN: &str = "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51
                     30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710";
const KEYS: [&str; 3] = [
    "2b7e151628aed2a6abf7158809cf4f3c",
    "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
    "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
];
/// SP 800-38A F.1: ECB.
const ECB: [&str; 3] = [
    "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf43b1cd7f598ece23881b00e3ed0306887b0c785e27e8ad3f8223207104725dd4",
    "bd334f1d6e45f25ff712a214571fa5cc974104846d0ad3ad7734ecb3ecee4eefef7afd2270e2e60adce0ba2face6444e9a4b41ba738d6c72fb16691603c18e0e",
    "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870b6ed21b99ca6f4f9f153e7b1beafed1d23304b7a39f9f3ff067d8d8f9e24ecc7",
];
/// SP 800-38A F.2: CBC, with the IV 000102…0f.
const CBC: [&str; 3] = [
    "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b273bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
    "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd",
    "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
];
/// SP 800-38A F.5: CTR, from the counter block f0f1…ff.
const CTR: [&str; 3] = [
    "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee",
    "1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e941e36b26bd1ebc670d1bd1d665620abf74f78a7f6d29809585a97daec58c6b050",
    "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c52b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6",
];

#[test]
fn the_vectors_of_sp_800_38a_come_out_in_one_part_and_in_any_number_of_parts() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (iv, counter): (Vec<u8>, Vec<u8>) = ((0..16).collect(), (0xf0..=0xff).collect());
        let tables = [
            (Mechanism::plain(ck::CKM_AES_ECB), ECB),
            (Mechanism::bytes(ck::CKM_AES_CBC, iv), CBC),
            (Mechanism::ctr(128, counter.try_into().unwrap()), CTR),
        ];
        let (plain, mut chance) = (hex(PLAIN), Chance::seeded(38));
        for (mechanism, vectors) in &tables {
            for (key, vector) in KEYS.iter().zip(vectors) {
                let (key, sealed) = (session.aes(&hex(key)), hex(vector));
                assert_eq!(session.encrypt_with(mechanism, key, &plain).unwrap(), sealed);
                assert_eq!(session.decrypt_with(mechanism, key, &sealed).unwrap(), plain);
                for (way, from, to) in [(Way::Encrypt, &plain, &sealed), (Way::Decrypt, &sealed, &plain)] {
                    let parts = chance.parts(from, 33);
                    assert_eq!(&way.in_parts(&session, mechanism, key, &parts).unwrap(), to, "{way:?} {parts:?}");
                }
            }
        }
    });
}

#[test]
fn any_split_gives_what_a_single_part_gives() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (key, mut chance) = (session.aes(&KEY), Chance::seeded(5));
        for mode in modes() {
            for length in [0, 1, 15, 16, 17, 31, 32, 48, 100, 1000, 70_000] {
                let plain = chance.bytes(length / mode.block * mode.block);
                let sealed = session.encrypt_with(&mode.mechanism, key, &plain).unwrap();
                assert_eq!(session.decrypt_with(&mode.mechanism, key, &sealed).unwrap(), plain, "{}", mode.name);
                for longest in [1, 15, 16, 17, 100] {
                    let longest = longest.max(length / 50);
                    let parts = chance.parts(&plain, longest);
                    let joined = Way::Encrypt.in_parts(&session, &mode.mechanism, key, &parts).unwrap();
                    assert!(joined == sealed, "{} of {length} in {longest}", mode.name);
                    let parts = chance.parts(&sealed, longest);
                    let joined = Way::Decrypt.in_parts(&session, &mode.mechanism, key, &parts).unwrap();
                    assert!(joined == plain, "{} of {length} in {longest}", mode.name);
                }
            }
        }
    });
}

#[test]
fn openssl_agrees_about_every_mode_and_key_length() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (judge, mut chance) = (Judge::new(), Chance::seeded(9));
        let iv: String = IV.iter().map(|byte| format!("{byte:02x}")).collect();
        for (bits, digits) in [(128, KEYS[0]), (192, KEYS[1]), (256, KEYS[2])] {
            let key = session.aes(&hex(digits));
            for (name, mechanism, block) in
                [("cbc", Mechanism::bytes(ck::CKM_AES_CBC_PAD, IV), 1), ("ctr", Mechanism::ctr(128, IV), 1)]
            {
                let plain = chance.bytes(777 / block * block);
                let cipher = format!("-aes-{bits}-{name}");
                let theirs = judge.encrypts(&[&cipher, "-K", digits, "-iv", &iv], &plain);
                assert_eq!(session.encrypt_with(&mechanism, key, &plain).unwrap(), theirs, "{cipher}");
                assert_eq!(session.decrypt_with(&mechanism, key, &theirs).unwrap(), plain, "{cipher}");
            }
        }
    });
}

#[test]
fn whole_blocks_are_asked_for_where_the_mode_needs_them() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        for mode in modes().iter().filter(|mode| mode.block == 16) {
            for length in [1, 15, 17, 31] {
                let data = vec![7; length];
                for (way, code) in
                    [(Way::Encrypt, ck::CKR_DATA_LEN_RANGE), (Way::Decrypt, ck::CKR_ENCRYPTED_DATA_LEN_RANGE)]
                {
                    way.init(&session, &mode.mechanism, key).unwrap();
                    assert_eq!(way.once(&session, &data).unwrap_err(), code, "{way:?} {} {length}", mode.name);
                    assert_eq!(way.finish(&session).unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED);
                    let in_parts = way.in_parts(&session, &mode.mechanism, key, &[&data[..1], &data[1..]]);
                    assert_eq!(in_parts.unwrap_err(), code, "{way:?} {} {length}", mode.name);
                    assert_eq!(way.finish(&session).unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED);
                }
            }
        }
    });
}

#[test]
fn a_parameter_of_another_shape_is_refused_and_starts_nothing() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        let bad = [
            Mechanism::bytes(ck::CKM_AES_ECB, IV),
            Mechanism::plain(ck::CKM_AES_CBC),
            Mechanism::bytes(ck::CKM_AES_CBC, &IV[..15]),
            Mechanism::bytes(ck::CKM_AES_CBC_PAD, [IV, IV].concat()),
            Mechanism::plain(ck::CKM_AES_CBC).claiming(16),
            Mechanism::plain(ck::CKM_AES_ECB).claiming(1),
            Mechanism::bytes(ck::CKM_AES_CBC, IV).claiming(u64::MAX),
            Mechanism::plain(ck::CKM_AES_CTR),
            Mechanism::bytes(ck::CKM_AES_CTR, IV),
            Mechanism::ctr(128, IV).resized(16),
            Mechanism::ctr(128, IV).resized(32),
            Mechanism::ctr(0, IV),
            Mechanism::ctr(129, IV),
            Mechanism::ctr(u64::MAX, IV),
        ];
        for (number, mechanism) in bad.iter().enumerate() {
            for way in Way::BOTH {
                let refused = way.init(&session, mechanism, key).unwrap_err();
                assert_eq!(refused, ck::CKR_MECHANISM_PARAM_INVALID, "{way:?} number {number}");
                assert_eq!(way.once(&session, &IV).unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED);
            }
        }
    });
}

#[test]
fn a_counter_never_comes_back_to_where_it_was() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&KEY);
        // The low bits say how many blocks are left: a counter of 8 bits at 0xfe has two.
        let mut block = IV;
        block[15] = 0xfe;
        let mechanism = Mechanism::ctr(8, block);
        let enough = session.encrypt_with(&mechanism, key, &[1; 32]).unwrap();
        // The bits above the counter do not matter, however many there are.
        assert_eq!(session.encrypt_with(&Mechanism::ctr(128, block), key, &[1; 32]).unwrap(), enough);
        for (way, code) in [(Way::Encrypt, ck::CKR_DATA_LEN_RANGE), (Way::Decrypt, ck::CKR_ENCRYPTED_DATA_LEN_RANGE)] {
            way.init(&session, &mechanism, key).unwrap();
            assert_eq!(way.once(&session, &[1; 33]).unwrap_err(), code);
            way.init(&session, &mechanism, key).unwrap();
            way.update(&session, &[1; 32]).unwrap();
            let mut room = [0; 1];
            assert_eq!(way.update_into(&session, &[1], &mut room).0.unwrap_err(), code);
            assert_eq!(room, [0], "nothing was written");
            assert_eq!(way.finish(&session).unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED);
        }
        session.encrypt_init(&Mechanism::ctr(1, [0xff; 16]), key).unwrap();
        assert_eq!(session.encrypt(&[0; 17]).unwrap_err(), ck::CKR_DATA_LEN_RANGE);
        session.encrypt_with(&Mechanism::ctr(1, [0; 16]), key, &[0; 32]).unwrap();
        session.encrypt_with(&Mechanism::ctr(128, [0xff; 16]), key, &[0; 16]).unwrap();
    });
}

#[test]
fn the_lengths_of_keys_are_those_of_aes() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let generate = Mechanism::plain(ck::CKM_AES_KEY_GEN);
        for length in [16, 24, 32] {
            let template = kit::Template::new().ulong(ck::CKA_VALUE_LEN, length);
            let key = session.generate_key(&generate, &template).unwrap();
            for mode in modes() {
                let sealed = session.encrypt_with(&mode.mechanism, key, &IV).unwrap();
                assert_eq!(session.decrypt_with(&mode.mechanism, key, &sealed).unwrap(), IV);
            }
        }
    });
}
