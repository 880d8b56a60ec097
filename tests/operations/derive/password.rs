//! Keys made of passwords. The expected values come from Python's `hashlib.pbkdf2_hmac`, from
//! `openssl kdf PKCS12KDF`, and for PBKDF1 from Python's MD5.

use super::{aes_of, open, secret, value};
use kit::{Length, Mechanism, Template, ck, code, hex, isolated};

const PASSWORD: &[u8] = "pässword".as_bytes();
const SALT: &[u8] = b"salt of some bytes";

fn pbkd2(prf: ck::CK_PKCS5_PBKD2_PSEUDO_RANDOM_FUNCTION_TYPE) -> Mechanism {
    Mechanism::pbkd2(prf, PASSWORD, SALT, 1000, Length::Number)
}

#[test]
fn pbkdf2_agrees_with_python_in_both_structures() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (prf, expected) in [
            (
                ck::CKP_PKCS5_PBKD2_HMAC_SHA1,
                "78e2a55fa846412ff79238e8e55a54c4cb2df999e3ec828d70834ab3e7f3674ef888bd44dc324012",
            ),
            (
                ck::CKP_PKCS5_PBKD2_HMAC_SHA224,
                "a3703cb67e4f8d518d34a1c379537ca2944095e5743af11fb61ce80efa4802fe41ee03e526fe226a",
            ),
            (
                ck::CKP_PKCS5_PBKD2_HMAC_SHA256,
                "11a410b332c5192041394ba039d73f3bfe2c5847d72edad1972158f5f4c5ab970a7b843302732b49",
            ),
            (
                ck::CKP_PKCS5_PBKD2_HMAC_SHA384,
                "c84462e8259e3d3ebcb050a87fef25be16bf2ee9cbece7bd7cb511cc8738b0753fee59e6a06e4c98",
            ),
            (
                ck::CKP_PKCS5_PBKD2_HMAC_SHA512,
                "e5f55da9f2aa6e8ee8dd27dda5f3b56895254d0339f70c64dd01964337ea1bc3a124eafa70e2d0e9",
            ),
            (
                ck::CKP_PKCS5_PBKD2_HMAC_SHA512_224,
                "e43d063228b0720d473c72345fa8f26adda448dfe807dd34810228e21a8ea6f64628fe5fa69139a6",
            ),
            (
                ck::CKP_PKCS5_PBKD2_HMAC_SHA512_256,
                "6a5c008c6ea4bacebccfcddfa472f6e02cdb2930fbeebf312ef8298b31d0424ff69b4575314482c4",
            ),
        ] {
            for length in [Length::Number, Length::Address] {
                let mechanism = Mechanism::pbkd2(prf, PASSWORD, SALT, 1000, length);
                let key = session.generate_key(&mechanism, &secret(40)).unwrap();
                assert_eq!(value(&session, key), hex(expected), "{prf} {length:?}");
            }
        }
        let nothing = Mechanism::pbkd2(ck::CKP_PKCS5_PBKD2_HMAC_SHA256, b"", b"", 1, Length::Number);
        let key = session.generate_key(&nothing, &secret(32)).unwrap();
        assert_eq!(value(&session, key), hex("f7ce0b653d2d72a4108cf5abe912ffdd777616dbbb27a70e8204f3ae2d0f6fad"));
        let aes = session.generate_key(&pbkd2(ck::CKP_PKCS5_PBKD2_HMAC_SHA256), &aes_of(32)).unwrap();
        assert_eq!(session.ulong(aes, ck::CKA_KEY_GEN_MECHANISM).unwrap(), ck::CKM_PKCS5_PBKD2);
    });
}

#[test]
fn what_no_password_based_key_can_be_is_refused() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let sha256 = || pbkd2(ck::CKP_PKCS5_PBKD2_HMAC_SHA256);
        let generate = |mechanism: &Mechanism, template: &Template| code(session.generate_key(mechanism, template));
        for wrong in [
            pbkd2(0),
            pbkd2(ck::CKP_PKCS5_PBKD2_HMAC_GOSTR3411),
            pbkd2(9),
            Mechanism::pbkd2(ck::CKP_PKCS5_PBKD2_HMAC_SHA256, PASSWORD, SALT, 0, Length::Number),
            Mechanism::pbkd2(ck::CKP_PKCS5_PBKD2_HMAC_SHA256, PASSWORD, SALT, 1 << 32, Length::Number),
            sha256().resized(71),
            // saltSource, pSaltSourceData, ulSaltSourceDataLen, ulPrfDataLen, pPassword, ulPasswordLen.
            sha256().changed(0, 2),
            sha256().changed(8, 0),
            sha256().changed(16, u64::MAX),
            sha256().changed(48, 1),
            sha256().changed(56, 0),
            sha256().changed(64, u64::MAX),
            sha256().changed(64, 1 << 63),
            sha256().changed(64, 1 << 47),
            sha256().changed(64, 0x1_0001),
        ] {
            assert_eq!(generate(&wrong, &secret(16)), ck::CKR_MECHANISM_PARAM_INVALID);
        }
        assert_eq!(generate(&sha256(), &open()), ck::CKR_TEMPLATE_INCOMPLETE);
        assert_eq!(generate(&sha256(), &aes_of(17)), ck::CKR_KEY_SIZE_RANGE);
        assert_eq!(generate(&sha256(), &secret(1 << 21)), ck::CKR_KEY_SIZE_RANGE);
    });
}

#[test]
fn a_key_made_of_a_password_wraps_no_sensitive_key() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        // Of a generated key this template makes one that does.
        let wrapping = aes_of(32).flag(ck::CKA_WRAP, true).flag(ck::CKA_DECRYPT, false).extractable(false);
        let random = session.generate_key(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &wrapping).unwrap();
        let known = session.generate_key(&pbkd2(ck::CKP_PKCS5_PBKD2_HMAC_SHA256), &wrapping).unwrap();
        let guarded = Template::secret_key(ck::CKK_AES, &[7; 16]).sensitive(true).extractable(true);
        let guarded = session.create(&guarded).unwrap();
        let kwp = Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP);
        session.wrap(&kwp, random, guarded).unwrap();
        assert_eq!(code(session.wrap(&kwp, known, guarded)), ck::CKR_KEY_NOT_WRAPPABLE);
    });
}

/// The password as PKCS #12 has it: two bytes a character, with a NUL at the end.
fn wide() -> Vec<u8> {
    "pässword\0".encode_utf16().flat_map(u16::to_be_bytes).collect()
}

#[test]
fn the_old_ways_agree_with_openssl_and_python_and_give_the_iv() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let readable = || Template::new().sensitive(false).extractable(true);
        let wide = wide();
        let none = "eeeeeeeeeeeeeeee";
        for (of, password, key_type, expected, iv) in [
            (
                ck::CKM_PBE_SHA1_DES3_EDE_CBC,
                &wide[..],
                ck::CKK_DES3,
                "297970ad049bd6b386610bc89d9875164c51c7ad01624f43",
                "e81a926967a4c44b",
            ),
            (
                ck::CKM_PBE_SHA1_DES2_EDE_CBC,
                &wide,
                ck::CKK_DES2,
                "297970ad049bd6b386610bc89d987516",
                "e81a926967a4c44b",
            ),
            (ck::CKM_PBE_SHA1_RC2_128_CBC, &wide, ck::CKK_RC2, "287971ac049ad6b387610bc99d997516", "e81a926967a4c44b"),
            (ck::CKM_PBE_SHA1_RC2_40_CBC, &wide, ck::CKK_RC2, "287971ac04", "e81a926967a4c44b"),
            (ck::CKM_PBE_SHA1_RC4_128, &wide, ck::CKK_RC4, "287971ac049ad6b387610bc99d997516", none),
            (ck::CKM_PBE_SHA1_RC4_40, &wide, ck::CKK_RC4, "287971ac04", none),
            (
                ck::CKM_PBA_SHA1_WITH_SHA1_HMAC,
                &wide,
                ck::CKK_GENERIC_SECRET,
                "2e72687cdf3171ec0954aab42862012f07c5b00c",
                none,
            ),
            (ck::CKM_PBE_MD5_DES_CBC, PASSWORD, ck::CKK_DES, "fe3bbc1002910810", "14bb41a4e4a01a52"),
            // The bytes of the password are taken as they are.
            (
                ck::CKM_PBE_SHA1_DES3_EDE_CBC,
                PASSWORD,
                ck::CKK_DES3,
                "80bc73b65b8ad92c20679d29feb93d981f239eb0370258c4",
                "8fde26dcb87d2e0a",
            ),
        ] {
            let mechanism = Mechanism::pbe(of, password, b"saltsalt", 1000);
            let key = session.generate_key(&mechanism, &readable()).unwrap();
            assert_eq!(value(&session, key), hex(expected), "{of:#x}");
            assert_eq!(mechanism.string(0), hex(iv), "{of:#x}");
            assert_eq!(session.ulong(key, ck::CKA_KEY_TYPE).unwrap(), key_type);
            for wrong in [
                Mechanism::pbe(of, password, b"saltsalt", 0),
                Mechanism::pbe(of, password, b"saltsalt", 1 << 31),
                Mechanism::pbe(of, password, b"saltsalt", 1000).resized(47),
                // pPassword, ulPasswordLen, ulSaltLen.
                Mechanism::pbe(of, password, b"saltsalt", 1000).changed(8, 0),
                Mechanism::pbe(of, password, b"saltsalt", 1000).changed(16, u64::MAX),
                Mechanism::pbe(of, password, b"saltsalt", 1000).changed(32, 1 << 63),
            ] {
                let refused = session.generate_key(&wrong, &readable());
                assert_eq!(code(refused), ck::CKR_MECHANISM_PARAM_INVALID);
                assert_eq!(wrong.string(0), [0xee; 8]);
            }
            // Where there is an IV it needs a place; where there is none the field is nobody's.
            let nowhere = Mechanism::pbe(of, password, b"saltsalt", 1000).changed(0, 0);
            let expected = if iv == none { ck::CKR_OK } else { ck::CKR_MECHANISM_PARAM_INVALID };
            assert_eq!(code(session.generate_key(&nowhere, &readable())), expected);
            let other = readable().key_type(ck::CKK_AES);
            assert_eq!(code(session.generate_key(&mechanism, &other)), ck::CKR_TEMPLATE_INCONSISTENT);
        }
        let long = readable().ulong(ck::CKA_VALUE_LEN, 16);
        let short = Mechanism::pbe(ck::CKM_PBE_SHA1_RC4_40, b"x", b"salt", 1);
        assert_eq!(code(session.generate_key(&short, &long)), ck::CKR_TEMPLATE_INCONSISTENT);
    });
}
