//! RSAES-PKCS1-v1_5 with implicit rejection, and RSAES-OAEP (RFC 8017 section 7).

use crate::encrypt::Way;
use kit::{Judge, Mechanism, Object, Session, Template, ck, isolated};

fn pkcs1() -> Mechanism {
    Mechanism::plain(ck::CKM_RSA_PKCS)
}

static LABEL: [u8; 5] = *b"label";

/// A hash, its mask generation function, and its name in openssl.
const HASHES: [(ck::CK_MECHANISM_TYPE, ck::CK_RSA_PKCS_MGF_TYPE, &str, usize); 4] = [
    (ck::CKM_SHA_1, ck::CKG_MGF1_SHA1, "sha1", 20),
    (ck::CKM_SHA256, ck::CKG_MGF1_SHA256, "sha256", 32),
    (ck::CKM_SHA384, ck::CKG_MGF1_SHA384, "sha384", 48),
    (ck::CKM_SHA512, ck::CKG_MGF1_SHA512, "sha512", 64),
];

/// The public half of a key that openssl has: modulus and exponent out of its SubjectPublicKeyInfo.
fn imported(session: &Session<'_>, public_key_info: &[u8]) -> Object {
    // With a modulus of 2048 bits both numbers have fixed places at the end.
    let (modulus, exponent) = (&public_key_info[public_key_info.len() - 261..][..256], [1, 0, 1]);
    let template = Template::new().class(ck::CKO_PUBLIC_KEY).key_type(ck::CKK_RSA);
    let template = template.bytes(ck::CKA_MODULUS, modulus).bytes(ck::CKA_PUBLIC_EXPONENT, exponent);
    let key = session.create(&template).unwrap();
    assert_eq!(session.public_key_info(key), public_key_info);
    key
}

#[test]
fn openssl_opens_what_we_seal_and_we_open_what_it_seals() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let judge = Judge::new();
        let (public, private) = session.rsa_pair(2048);
        let ours = session.public_key_info(public);
        let foreign = judge.key(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
        let theirs = imported(&session, &foreign.public_key_info);
        let check = |mechanism: Mechanism, options: &[&str], plain: &[u8]| {
            let sealed = judge.encrypts_to(&ours, options, plain);
            assert_eq!(session.decrypt_with(&mechanism, private, &sealed).unwrap(), plain, "{options:?}");
            let sealed = session.encrypt_with(&mechanism, theirs, plain).unwrap();
            assert_eq!(judge.decrypts(&foreign, options, &sealed), plain, "{options:?}");
        };
        check(pkcs1(), &["-pkeyopt", "rsa_padding_mode:pkcs1"], b"a session key");
        for (hash, mgf, name, _) in HASHES {
            let digest = format!("rsa_oaep_md:{name}");
            let oaep = ["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", &digest];
            check(Mechanism::oaep(hash, mgf, b""), &oaep, b"a session key");
            let label = [&oaep[..], &["-pkeyopt", "rsa_oaep_label:6c6162656c"]].concat();
            check(Mechanism::oaep(hash, mgf, b"label"), &label, b"with a label");
            let mixed = [&oaep[..], &["-pkeyopt", "rsa_mgf1_md:sha1"]].concat();
            check(Mechanism::oaep(hash, ck::CKG_MGF1_SHA1, b""), &mixed, b"with SHA-1 in the mask");
        }
    });
}

#[test]
fn data_may_be_as_long_as_the_padding_leaves_room() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(2048);
        let mut all = vec![(pkcs1(), 256 - 11)];
        all.extend(HASHES.map(|(hash, mgf, _, length)| (Mechanism::oaep(hash, mgf, b""), 256 - 2 - 2 * length)));
        for (mechanism, most) in &all {
            for length in [0, 1, *most] {
                let plain = vec![0xff; length];
                let sealed = session.encrypt_with(mechanism, public, &plain).unwrap();
                assert_eq!(sealed.len(), 256);
                assert_eq!(session.decrypt_with(mechanism, private, &sealed).unwrap(), plain);
            }
            let long = session.encrypt_with(mechanism, public, &vec![1; most + 1]);
            assert_eq!(long.unwrap_err(), ck::CKR_DATA_LEN_RANGE);
            for length in [0, 1, 255, 257, 512] {
                let refused = session.decrypt_with(mechanism, private, &vec![0; length]);
                assert_eq!(refused.unwrap_err(), ck::CKR_ENCRYPTED_DATA_LEN_RANGE, "{length}");
            }
        }
        // No room for OAEP with SHA-512 in 1024 bits.
        let (small, _) = session.rsa_pair(1024);
        let refused = session.encrypt_init(&Mechanism::oaep(ck::CKM_SHA512, ck::CKG_MGF1_SHA512, b""), small);
        assert_eq!(refused.unwrap_err(), ck::CKR_KEY_SIZE_RANGE);
    });
}

#[test]
fn wrong_pkcs1_padding_is_not_visible() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(2048);
        let sealed = session.encrypt_with(&pkcs1(), public, b"a session key").unwrap();
        for n in 0..40u8 {
            let mut wrong = sealed.clone();
            wrong[255] ^= n + 1;
            wrong[0] = 0;
            let mut seen = Vec::new();
            for _ in 0..2 {
                session.decrypt_init(&pkcs1(), private).unwrap();
                let mut room = [0; 256];
                let (outcome, written) = session.decrypt_into(&wrong, &mut room);
                outcome.expect("no error tells that the padding was wrong");
                seen.push(room[..written].to_vec());
            }
            assert_eq!(seen[0], seen[1], "the same ciphertext gives the same");
            assert_ne!(seen[0], b"a session key");
        }
        // A ciphertext that is no number below the modulus is no secret.
        let refused = session.decrypt_with(&pkcs1(), private, &[0xff; 256]).unwrap_err();
        assert_eq!(refused, ck::CKR_ENCRYPTED_DATA_INVALID);
    });
}

#[test]
fn whatever_is_wrong_with_oaep_is_one_error() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(2048);
        let oaep = |label: &[u8]| Mechanism::oaep(ck::CKM_SHA256, ck::CKG_MGF1_SHA256, label);
        let sealed = session.encrypt_with(&oaep(b"label"), public, b"a session key").unwrap();
        let mut flipped = sealed.clone();
        flipped[200] ^= 1;
        let pkcs1 = session.encrypt_with(&pkcs1(), public, b"a session key").unwrap();
        let cases = [
            (oaep(b"label"), &flipped[..]),
            (oaep(b"Label"), &sealed),
            (oaep(b""), &sealed),
            (Mechanism::oaep(ck::CKM_SHA_1, ck::CKG_MGF1_SHA256, b"label"), &sealed),
            (Mechanism::oaep(ck::CKM_SHA256, ck::CKG_MGF1_SHA1, b"label"), &sealed),
            (oaep(b"label"), &pkcs1),
            (oaep(b"label"), &[0; 256]),
            (oaep(b"label"), &[0xff; 256]),
        ];
        for (number, (mechanism, sealed)) in cases.iter().enumerate() {
            session.decrypt_init(mechanism, private).unwrap();
            let mut room = [0; 256];
            let (outcome, _) = session.decrypt_into(sealed, &mut room);
            assert_eq!(outcome.unwrap_err(), ck::CKR_ENCRYPTED_DATA_INVALID, "number {number}");
            assert_eq!(room, [0; 256], "number {number}");
        }
        assert_eq!(session.decrypt_with(&oaep(b"label"), private, &sealed).unwrap(), b"a session key");
    });
}

#[test]
fn parameters_of_oaep_are_checked() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(1024);
        let oaep = |hash, mgf| Mechanism::oaep(hash, mgf, b"");
        // hashAlg, mgf, source, pSourceData, ulSourceDataLen
        let raw = |fields: [u64; 5]| Mechanism::structure(ck::CKM_RSA_PKCS_OAEP, fields, vec![]);
        let (sha1, mgf1) = (ck::CKM_SHA_1, ck::CKG_MGF1_SHA1);
        let bad = [
            Mechanism::plain(ck::CKM_RSA_PKCS_OAEP),
            oaep(ck::CKM_MD5, mgf1),
            oaep(ck::CKM_SHA256_RSA_PKCS, mgf1),
            oaep(0xffff, mgf1),
            oaep(sha1, 0),
            oaep(sha1, 0xff),
            raw([sha1, mgf1, 2, 0, 0]),
            raw([sha1, mgf1, 1, 0, 5]),
            raw([sha1, mgf1, 1, 0, u64::MAX]),
            raw([sha1, mgf1, 0, LABEL.as_ptr() as u64, 5]),
            oaep(sha1, mgf1).resized(39),
            oaep(sha1, mgf1).resized(48),
            Mechanism::bytes(ck::CKM_RSA_PKCS, [0]),
        ];
        for (number, mechanism) in bad.iter().enumerate() {
            for (way, key) in [(Way::Encrypt, public), (Way::Decrypt, private)] {
                let refused = way.init(&session, mechanism, key).unwrap_err();
                assert_eq!(refused, ck::CKR_MECHANISM_PARAM_INVALID, "{way:?} number {number}");
            }
        }
        for source in [0, 1] {
            session.encrypt_with(&raw([sha1, mgf1, source, 0, 0]), public, b"no label").unwrap();
        }
    });
}

#[test]
fn rsa_is_single_part_and_needs_no_exact_buffer() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(1024);
        for mechanism in [pkcs1(), Mechanism::oaep(ck::CKM_SHA256, ck::CKG_MGF1_SHA256, b"")] {
            let sealed = session.encrypt_with(&mechanism, public, b"short").unwrap();
            for (way, key, from, length) in
                [(Way::Encrypt, public, &b"short"[..], 128), (Way::Decrypt, private, &sealed, 5)]
            {
                way.init(&session, &mechanism, key).unwrap();
                assert_eq!(way.once_len(&session, from).unwrap(), 128);
                let (outcome, needed) = way.once_into(&session, from, &mut vec![0; length - 1]);
                assert_eq!(outcome.unwrap_err(), ck::CKR_BUFFER_TOO_SMALL);
                assert!((length..=128).contains(&needed));
                let mut exact = vec![0; length];
                let (outcome, written) = way.once_into(&session, from, &mut exact);
                outcome.unwrap();
                assert_eq!(written, length);
                way.init(&session, &mechanism, key).unwrap();
                assert_eq!(way.update(&session, from).unwrap_err(), ck::CKR_FUNCTION_NOT_SUPPORTED);
                assert_eq!(way.once(&session, from).unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED);
            }
        }
    });
}

#[test]
fn what_found_no_room_can_be_followed_by_another_ciphertext() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(1024);
        let kek = session.aes(&[4; 16]);
        for (mechanism, seal, open) in [
            (pkcs1(), public, private),
            (Mechanism::oaep(ck::CKM_SHA256, ck::CKG_MGF1_SHA256, b""), public, private),
            (Mechanism::plain(ck::CKM_AES_KEY_WRAP), kek, kek),
            (Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP), kek, kek),
            (Mechanism::plain(ck::CKM_AES_KEY_WRAP_PKCS7), kek, kek),
        ] {
            let (one, other) = ([1; 24], [2; 16]);
            let sealed = session.encrypt_with(&mechanism, seal, &one).unwrap();
            let another = session.encrypt_with(&mechanism, seal, &other).unwrap();
            session.decrypt_init(&mechanism, open).unwrap();
            assert_eq!(session.decrypt_into(&sealed, &mut [0; 23]).0.unwrap_err(), ck::CKR_BUFFER_TOO_SMALL);
            assert_eq!(session.decrypt(&another).unwrap(), other);
            session.encrypt_init(&mechanism, seal).unwrap();
            assert_eq!(session.encrypt_into(&one, &mut [0; 23]).0.unwrap_err(), ck::CKR_BUFFER_TOO_SMALL);
            let another = session.encrypt(&other).unwrap();
            assert_eq!(session.decrypt_with(&mechanism, open, &another).unwrap(), other);
        }
    });
}

#[test]
fn a_public_key_encrypts_without_a_login() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(1024);
        session.logout().unwrap();
        let sealed = session.encrypt_with(&pkcs1(), public, b"from anybody").unwrap();
        assert_eq!(sealed.len(), 128);
        assert_eq!(session.decrypt_init(&pkcs1(), private).unwrap_err(), ck::CKR_KEY_HANDLE_INVALID);
    });
}
