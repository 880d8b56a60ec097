//! Keys, IVs and messages of chance, as the `openssl` command encrypts them.

use crate::ciphers::{block, key};
use kit::{Chance, Judge, Mechanism, ck, isolated};

/// How a mode is written for both.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Whole blocks without an IV, and nothing filled up.
    Ecb,
    /// Whole blocks, and nothing filled up.
    Cbc,
    /// Any length after an IV.
    Any,
    /// Any length after a counter block.
    Counter,
}

/// Mechanism, key type, bytes of the key, the cipher's name for the command, mode.
type Case = (ck::CK_MECHANISM_TYPE, ck::CK_KEY_TYPE, usize, &'static str, Mode);

const CASES: &[Case] = &[
    (ck::CKM_AES_OFB, ck::CKK_AES, 24, "aes-192-ofb", Mode::Any),
    (ck::CKM_AES_CFB1, ck::CKK_AES, 16, "aes-128-cfb1", Mode::Any),
    (ck::CKM_AES_CFB8, ck::CKK_AES, 32, "aes-256-cfb8", Mode::Any),
    (ck::CKM_AES_CFB128, ck::CKK_AES, 32, "aes-256-cfb", Mode::Any),
    (ck::CKM_CAMELLIA_ECB, ck::CKK_CAMELLIA, 24, "camellia-192-ecb", Mode::Ecb),
    (ck::CKM_CAMELLIA_CBC, ck::CKK_CAMELLIA, 16, "camellia-128-cbc", Mode::Cbc),
    (ck::CKM_CAMELLIA_CBC_PAD, ck::CKK_CAMELLIA, 32, "camellia-256-cbc", Mode::Any),
    (ck::CKM_CAMELLIA_CTR, ck::CKK_CAMELLIA, 32, "camellia-256-ctr", Mode::Counter),
    (ck::CKM_ARIA_ECB, ck::CKK_ARIA, 16, "aria-128-ecb", Mode::Ecb),
    (ck::CKM_ARIA_CBC, ck::CKK_ARIA, 24, "aria-192-cbc", Mode::Cbc),
    (ck::CKM_ARIA_CBC_PAD, ck::CKK_ARIA, 32, "aria-256-cbc", Mode::Any),
    (ck::CKM_SEED_ECB, ck::CKK_SEED, 16, "seed-ecb", Mode::Ecb),
    (ck::CKM_SEED_CBC_PAD, ck::CKK_SEED, 16, "seed-cbc", Mode::Any),
    (ck::CKM_DES_ECB, ck::CKK_DES, 8, "des-ecb", Mode::Ecb),
    (ck::CKM_DES_CBC, ck::CKK_DES, 8, "des-cbc", Mode::Cbc),
    (ck::CKM_DES_CBC_PAD, ck::CKK_DES, 8, "des-cbc", Mode::Any),
    (ck::CKM_DES_OFB64, ck::CKK_DES, 8, "des-ofb", Mode::Any),
    (ck::CKM_DES_CFB64, ck::CKK_DES, 8, "des-cfb", Mode::Any),
    (ck::CKM_DES_CFB8, ck::CKK_DES, 8, "des-cfb8", Mode::Any),
    (ck::CKM_DES3_ECB, ck::CKK_DES2, 16, "des-ede-ecb", Mode::Ecb),
    (ck::CKM_DES3_CBC_PAD, ck::CKK_DES2, 16, "des-ede-cbc", Mode::Any),
    (ck::CKM_DES3_CBC, ck::CKK_DES3, 24, "des-ede3-cbc", Mode::Cbc),
    (ck::CKM_CAST128_ECB, ck::CKK_CAST128, 16, "cast5-ecb", Mode::Ecb),
    (ck::CKM_CAST128_CBC_PAD, ck::CKK_CAST128, 16, "cast5-cbc", Mode::Any),
    (ck::CKM_BLOWFISH_CBC, ck::CKK_BLOWFISH, 16, "bf-cbc", Mode::Cbc),
    (ck::CKM_BLOWFISH_CBC_PAD, ck::CKK_BLOWFISH, 16, "bf-cbc", Mode::Any),
    (ck::CKM_RC4, ck::CKK_RC4, 16, "rc4", Mode::Ecb),
];

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn openssl_agrees_both_ways() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (judge, mut chance) = (Judge::new(), Chance::seeded(27));
        for (of, key_type, length, name, mode) in CASES {
            let block = block(*key_type);
            let mut value = chance.bytes(*length);
            if [ck::CKK_DES, ck::CKK_DES2, ck::CKK_DES3].contains(key_type) {
                value.iter_mut().for_each(|byte| *byte ^= u8::from(byte.count_ones() % 2 == 0));
            }
            let mut iv = chance.bytes(block);
            if *mode == Mode::Counter {
                // No counter is used up here.
                iv[0] = 0;
            }
            let mechanism = match mode {
                Mode::Ecb => Mechanism::plain(*of),
                Mode::Cbc | Mode::Any => Mechanism::bytes(*of, &iv),
                Mode::Counter => Mechanism::ctr(128, iv.clone().try_into().unwrap()).of(*of),
            };
            let key = key(&session, *key_type, &value);
            let whole = matches!(mode, Mode::Ecb | Mode::Cbc);
            let (cipher, value, iv) = (format!("-{name}"), digits(&value), digits(&iv));
            let mut options = vec!["-provider", "default", "-provider", "legacy", &cipher, "-K", &value];
            if *mode != Mode::Ecb {
                options.extend(["-iv", &iv]);
            }
            if whole {
                options.push("-nopad");
            }
            let length = if whole { 13 * block } else { 200 + chance.up_to(100) };
            let plain = chance.bytes(length);
            let theirs = judge.encrypts(&options, &plain);
            assert_eq!(session.encrypt_with(&mechanism, key, &plain).unwrap(), theirs, "{name}");
            assert_eq!(session.decrypt_with(&mechanism, key, &theirs).unwrap(), plain, "{name}");
            options.push("-d");
            assert_eq!(judge.encrypts(&options, &theirs), plain, "{name}");
        }
    });
}
