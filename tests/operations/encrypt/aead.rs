//! CKM_AES_CCM against the examples of NIST SP 800-38C, CKM_CHACHA20_POLY1305 against RFC 8439, and what both share
//! with GCM: no plaintext before the tag was looked at.

use kit::{Chance, Mechanism, Object, Result, Session, Template, ck, hex, isolated};

/// Appendix C, examples 1 to 3: nonce, bytes of associated data and of plaintext, bytes of the tag, ciphertext and tag.
const CCM: [(&str, u8, u8, u64, &str); 3] = [
    ("10111213141516", 8, 4, 4, "7162015b4dac255d"),
    ("1011121314151617", 16, 16, 6, "d2a1f0e051ea5f62081a7792073d593d1fc64fbfaccd"),
    ("101112131415161718191a1b", 20, 24, 8, "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951"),
];

/// Section 2.8.2.
const SUNSCREEN: &[u8] =
    b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
    sunscreen would be it.";
const SCREENED: &str =
    "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b
     1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
     3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691";

fn chacha20(session: &Session<'_>) -> Object {
    let value: Vec<u8> = (0x80..0xa0).collect();
    session.create(&Template::secret_key(ck::CKK_CHACHA20, &value)).unwrap()
}

/// Both directions, whole and in parts.
#[track_caller]
fn round(session: &Session<'_>, mechanism: &Mechanism, key: Object, plain: &[u8], sealed: &[u8]) {
    assert_eq!(session.encrypt_with(mechanism, key, plain).unwrap(), sealed);
    assert_eq!(session.decrypt_with(mechanism, key, sealed).unwrap(), plain);
    for seed in 0..4 {
        session.encrypt_init(mechanism, key).unwrap();
        let mut written = parts(plain, seed, |part| session.encrypt_update(part));
        written.extend(session.encrypt_final().unwrap());
        assert_eq!(written, sealed);
        session.decrypt_init(mechanism, key).unwrap();
        assert!(parts(sealed, seed, |part| session.decrypt_update(part)).is_empty(), "plaintext before the tag");
        assert_eq!(session.decrypt_final().unwrap(), plain);
    }
}

fn parts(data: &[u8], seed: u64, call: impl Fn(&[u8]) -> Result<Vec<u8>>) -> Vec<u8> {
    Chance::seeded(seed).parts(data, 11).into_iter().flat_map(|part| call(part).unwrap()).collect()
}

#[test]
fn ccm_is_what_its_standard_says() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.aes(&(0x40..0x50).collect::<Vec<u8>>());
        for (nonce, aad, plain, tag, sealed) in CCM {
            let (aad, plain): (Vec<u8>, Vec<u8>) = ((0..aad).collect(), (0x20..0x20 + plain).collect());
            round(&session, &Mechanism::ccm(plain.len(), &hex(nonce), &aad, tag), key, &plain, &hex(sealed));
        }
    });
}

#[test]
fn chacha20_poly1305_is_what_its_standard_says_with_the_nonce_counted_in_bits_or_bytes() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = chacha20(&session);
        let (nonce, aad) = (hex("070000004041424344454647"), hex("50515253c0c1c2c3c4c5c6c7"));
        for told in [12, 96] {
            let mechanism = Mechanism::chacha20_poly1305(&nonce, told, &aad);
            round(&session, &mechanism, key, SUNSCREEN, &hex(SCREENED));
        }
    });
}

#[test]
fn whatever_is_changed_is_found_and_nothing_comes_out() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (aes, chacha, plain) = (session.aes(&[1; 32]), chacha20(&session), [7; 40]);
        for (mechanism, key) in [
            (Mechanism::ccm(40, &[2; 12], b"associated", 16), aes),
            (Mechanism::chacha20_poly1305(&[2; 12], 12, b"associated"), chacha),
        ] {
            let sealed = session.encrypt_with(&mechanism, key, &plain).unwrap();
            for byte in 0..sealed.len() {
                let mut wrong = sealed.clone();
                wrong[byte] ^= 0x10;
                session.decrypt_init(&mechanism, key).unwrap();
                let mut out = [0xee; 56];
                let (outcome, _) = session.decrypt_into(&wrong, &mut out);
                assert_eq!(outcome.unwrap_err(), ck::CKR_ENCRYPTED_DATA_INVALID);
                assert!(out.iter().all(|byte| *byte == 0 || *byte == 0xee));
            }
            let short = session.decrypt_with(&mechanism, key, &sealed[..15]).unwrap_err();
            assert_eq!(short, ck::CKR_ENCRYPTED_DATA_LEN_RANGE);
        }
    });
}

#[test]
fn ccm_takes_as_much_as_was_told() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (key, data) = (session.aes(&[1; 16]), [0; 60]);
        let mechanism = Mechanism::ccm(40, &[2; 12], b"", 16);
        for wrong in [0, 39, 41] {
            let refused = session.encrypt_with(&mechanism, key, &data[..wrong]).unwrap_err();
            assert_eq!(refused, ck::CKR_DATA_LEN_RANGE);
            let refused = session.decrypt_with(&mechanism, key, &data[..wrong + 16]).unwrap_err();
            assert_eq!(refused, ck::CKR_ENCRYPTED_DATA_LEN_RANGE);
        }
        session.encrypt_init(&mechanism, key).unwrap();
        session.encrypt_update(&data[..30]).unwrap();
        assert_eq!(session.encrypt_update(&data[..11]).unwrap_err(), ck::CKR_DATA_LEN_RANGE);
        // Nothing at all is a message too.
        let empty = Mechanism::ccm(0, &[2; 12], b"associated", 16);
        let sealed = session.encrypt_with(&empty, key, b"").unwrap();
        assert_eq!(sealed.len(), 16);
        assert!(session.decrypt_with(&empty, key, &sealed).unwrap().is_empty());
    });
}

#[test]
fn parameters_that_cannot_be_are_refused() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (aes, chacha) = (session.aes(&[1; 16]), chacha20(&session));
        let invalid = ck::CKR_MECHANISM_PARAM_INVALID;
        let ccm = |len, nonce: usize, mac| Mechanism::ccm(len, &[2; 14][..nonce], b"", mac);
        for wrong in [
            ccm(16, 6, 16),
            ccm(16, 14, 16),
            ccm(16, 12, 2),
            ccm(16, 12, 5),
            ccm(16, 12, 18),
            ccm(16, 12, u64::MAX),
            ccm(16, 12, 1 << 61),
            ccm(1 << 16, 13, 16),
            ccm(usize::MAX, 8, 16),
            ccm(16, 12, 16).resized(40),
            Mechanism::plain(ck::CKM_AES_CCM),
        ] {
            assert_eq!(session.encrypt_init(&wrong, aes).unwrap_err(), invalid);
            assert_eq!(session.decrypt_init(&wrong, aes).unwrap_err(), invalid);
        }
        for wrong in [
            Mechanism::chacha20_poly1305(&[2; 12], 0, b""),
            Mechanism::chacha20_poly1305(&[2; 12], 8, b""),
            Mechanism::chacha20_poly1305(&[2; 24], 24, b""),
            Mechanism::chacha20_poly1305(&[2; 12], 64, b""),
            Mechanism::plain(ck::CKM_CHACHA20_POLY1305),
        ] {
            assert_eq!(session.encrypt_init(&wrong, chacha).unwrap_err(), invalid);
        }
        let fitting = Mechanism::chacha20_poly1305(&[2; 12], 12, b"");
        assert_eq!(session.encrypt_init(&fitting, aes).unwrap_err(), ck::CKR_KEY_TYPE_INCONSISTENT);
    });
}
