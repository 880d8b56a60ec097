//! The key schedule of TLS. The expected values come from `openssl kdf TLS1-PRF`.

use super::{base, open, secret, value};
use kit::{Bits, Mechanism, Object, Session, Template, ck, code, hex, isolated};

const SHA256: Option<ck::CK_MECHANISM_TYPE> = Some(ck::CKM_SHA256);
const SHA384: Option<ck::CK_MECHANISM_TYPE> = Some(ck::CKM_SHA384);

fn range(from: u8, to: u8) -> Vec<u8> {
    (from..to).collect()
}

fn client() -> Vec<u8> {
    range(0x20, 0x40)
}

fn server() -> Vec<u8> {
    range(0x40, 0x60)
}

fn session_hash() -> Vec<u8> {
    range(0x80, 0xa0)
}

fn pre_master(session: &Session<'_>) -> Object {
    base(session, ck::CKK_GENERIC_SECRET, &[&[3, 3][..], &range(2, 48)].concat())
}

fn shared(session: &Session<'_>) -> Object {
    base(session, ck::CKK_GENERIC_SECRET, &range(1, 34))
}

fn master(of: ck::CK_MECHANISM_TYPE, hash: Option<ck::CK_MECHANISM_TYPE>, version: bool) -> Mechanism {
    Mechanism::tls_master(of, hash, (&client(), &server()), version)
}

/// A master secret that can be read and used.
fn usable() -> Template {
    open().flag(ck::CKA_DERIVE, true).flag(ck::CKA_SIGN, true).flag(ck::CKA_VERIFY, true)
}

const MASTER_256: &str =
    "25653900f906cb7d2ae4f467de112f69161c0bb66fb7465267203b3f3160203fbf1130973629774aed7ea972bb345b75";
const MASTER_OLD: &str =
    "07510e07cc62fcd3cf595c185338b9c4881935f8cdcf03dde53c221e91568e4d02638610789fc8405f0c9057d6124474";

#[test]
fn master_secrets_agree_with_openssl() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (pre, dh) = (pre_master(&session), shared(&session));
        let plain = |key, mechanism: Mechanism, expected: &str| {
            let derived = session.derive(&mechanism, key, &usable()).unwrap();
            assert_eq!(value(&session, derived), hex(expected));
            (mechanism, derived)
        };
        let with_version = |key, mechanism, expected| {
            let (mechanism, derived) = plain(key, mechanism, expected);
            assert_eq!(mechanism.string(0), [3, 3]);
            derived
        };
        let (rsa, dhe) = (ck::CKM_TLS12_MASTER_KEY_DERIVE, ck::CKM_TLS12_MASTER_KEY_DERIVE_DH);
        let derived = with_version(pre, master(rsa, SHA256, true), MASTER_256);
        let sha384 = "8efac811841980353d914da05a0338fb50a9359120506db8ea44969293ce63d9f49d4bcdc245b10bc59dceb7b0c8173d";
        with_version(pre, master(rsa, SHA384, true), sha384);
        plain(pre, master(rsa, SHA256, false), MASTER_256);
        let of_dh = "abb8b2f6a2b489a1a152b94bbb3d8646267bf3d602dc5a534d9657a1367aafcc012f596c1fa7de8abbcb4557e7903665";
        plain(dh, master(dhe, SHA256, false), of_dh);
        let extended =
            "8e9b6ab0885f21409cc2228f9b90685049069f232b4e9f8fd46b26362b58935df74ba67cb3aefbef11cb2e10d89b6006";
        let extend = |of, version| Mechanism::tls_extended_master(of, ck::CKM_SHA256, &session_hash(), version);
        with_version(pre, extend(ck::CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, true), extended);
        plain(pre, extend(ck::CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH, false), extended);
        with_version(pre, master(ck::CKM_TLS_MASTER_KEY_DERIVE, None, true), MASTER_OLD);
        let old = "6334d6d7dd9c8192994f36b51179e9f0e715f396b6840471282d8b438499cc9b946b6be87ed8fc54a1a88e505362738d";
        plain(dh, master(ck::CKM_TLS_MASTER_KEY_DERIVE_DH, None, false), old);
        // It is for TLS and for nothing else.
        let hash = Mechanism::plain(ck::CKM_SHA256_KEY_DERIVATION);
        assert_eq!(code(session.derive(&hash, derived, &open())), ck::CKR_MECHANISM_INVALID);
        for (key, mechanism, template, expected) in [
            (dh, master(rsa, SHA256, true), usable(), ck::CKR_KEY_SIZE_RANGE),
            (dh, master(dhe, SHA256, true), usable(), ck::CKR_MECHANISM_PARAM_INVALID),
            (pre, master(rsa, Some(ck::CKM_TLS_PRF), true), usable(), ck::CKR_MECHANISM_PARAM_INVALID),
            (pre, master(rsa, Some(ck::CKM_SHA256_HMAC), true), usable(), ck::CKR_MECHANISM_PARAM_INVALID),
            (pre, master(rsa, None, true), usable(), ck::CKR_MECHANISM_PARAM_INVALID),
            (pre, master(rsa, SHA256, true), secret(32), ck::CKR_TEMPLATE_INCONSISTENT),
            (
                pre,
                master(rsa, SHA256, true),
                usable().ulongs(ck::CKA_ALLOWED_MECHANISMS, &[ck::CKM_SHA256_HMAC]),
                ck::CKR_TEMPLATE_INCONSISTENT,
            ),
        ] {
            assert_eq!(code(session.derive(&mechanism, key, &template)), expected);
        }
        let aes = base(&session, ck::CKK_AES, &[7; 16]);
        assert_eq!(code(session.derive(&master(dhe, SHA256, false), aes, &usable())), ck::CKR_KEY_TYPE_INCONSISTENT);
    });
}

#[test]
fn the_version_in_a_guarded_secret_is_told_of_generated_ones_only() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let generator = Mechanism::bytes(ck::CKM_TLS_PRE_MASTER_KEY_GEN, [3, 2]);
        let template = Template::new().sensitive(true).flag(ck::CKA_DERIVE, true);
        let generated = session.generate_key(&generator, &template).unwrap();
        assert_eq!(session.ulong(generated, ck::CKA_VALUE_LEN).unwrap(), 48);
        let mechanism = master(ck::CKM_TLS12_MASTER_KEY_DERIVE, SHA256, true);
        session.derive(&mechanism, generated, &usable()).unwrap();
        assert_eq!(mechanism.string(0), [3, 2]);
        // Whoever could turn and mix it would learn two bytes of each block.
        let turn = Mechanism::number(ck::CKM_EXTRACT_KEY_FROM_KEY, 128);
        let turned = session.derive(&turn, generated, &template.clone().ulong(ck::CKA_VALUE_LEN, 48)).unwrap();
        let given = Template::secret_key(ck::CKK_GENERIC_SECRET, &[3; 48]).flag(ck::CKA_DERIVE, true);
        let given = session.create(&given.sensitive(true)).unwrap();
        for guarded in [turned, given] {
            let mechanism = master(ck::CKM_TLS12_MASTER_KEY_DERIVE, SHA256, true);
            assert_eq!(code(session.derive(&mechanism, guarded, &usable())), ck::CKR_MECHANISM_PARAM_INVALID);
            assert_eq!(mechanism.string(0), [0xee, 0xee]);
            let without = master(ck::CKM_TLS12_MASTER_KEY_DERIVE, SHA256, false);
            session.derive(&without, guarded, &usable()).unwrap();
            // What its template does not say it does not have of the base.
            let silent = [guarded, pre_master(&session)].map(|base| {
                let derived = session.derive(&without, base, &Template::new()).unwrap();
                [ck::CKA_SENSITIVE, ck::CKA_EXTRACTABLE].map(|of| session.flag(derived, of).unwrap())
            });
            assert_eq!(silent[0], silent[1]);
        }
        for wrong in [Mechanism::plain(ck::CKM_TLS_PRE_MASTER_KEY_GEN), generator.resized(3)] {
            assert_eq!(code(session.generate_key(&wrong, &template)), ck::CKR_MECHANISM_PARAM_INVALID);
        }
        let generator = Mechanism::bytes(ck::CKM_TLS_PRE_MASTER_KEY_GEN, [3, 3]);
        let long = Template::new().ulong(ck::CKA_VALUE_LEN, 49);
        assert_eq!(code(session.generate_key(&generator, &long)), ck::CKR_TEMPLATE_INCONSISTENT);
        let first = session.generate_key(&generator, &open()).unwrap();
        let second = session.generate_key(&generator, &open()).unwrap();
        assert_eq!(value(&session, first)[..2], [3, 3]);
        assert_ne!(value(&session, first), value(&session, second));
    });
}

fn aes() -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES)
}

fn keys(of: ck::CK_MECHANISM_TYPE, hash: Option<ck::CK_MECHANISM_TYPE>, bits: Bits) -> Mechanism {
    Mechanism::tls_keys(of, hash, bits, (&client(), &server()))
}

#[test]
fn the_keys_of_a_connection_agree_with_openssl() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let block_256 = "97058475a252dbb5e2da9209bde4d945c309f9e4cddd932c79d04c2bea4314e70dd80e77b97cdcc575b036b17db78b908e\
             0a18c0dd48819fd98cea624dbca3d90d42cc1379426398896aa7aff7f8f49d10b7b2a6a1de61ee0e0221c56d9f6efbdccad0acbedb6a42";
        let block_old = "41f7472df030a9cfe61133051dcaf51338d1cc73ae21794ecf5f8e887cd786c3f11078d11973bb83a51ab8e57bbe383bdc\
             df85d7000f978b5852b60997957df0ad62fe47d635c48fa93d6c47706bb572c1da90e542c8acdf77a08195e84f192ad899edd1dce79106";
        for (of, hash, secret, block) in [
            (ck::CKM_TLS12_KEY_AND_MAC_DERIVE, SHA256, MASTER_256, block_256),
            (ck::CKM_TLS_KEY_AND_MAC_DERIVE, None, MASTER_OLD, block_old),
        ] {
            let (block, base) = (hex(block), base(&session, ck::CKK_GENERIC_SECRET, &hex(secret)));
            let mechanism = keys(of, hash, Bits(160, 128, 128));
            session.derive_through(&mechanism, base, &aes()).unwrap();
            let made = mechanism.tls_handles();
            for (key, part) in made.into_iter().zip([0..20, 20..40, 40..56, 56..72]) {
                assert_eq!(value(&session, key), block[part]);
            }
            assert_eq!(mechanism.string(1)[..16], block[72..88]);
            assert_eq!(mechanism.string(2)[..16], block[88..104]);
            assert_eq!(mechanism.string(1)[16..], [0xee; 16]);
            for mac in &made[..2] {
                assert_eq!(session.ulong(*mac, ck::CKA_KEY_TYPE).unwrap(), ck::CKK_GENERIC_SECRET);
                assert!(session.flag(*mac, ck::CKA_SIGN).unwrap() && session.flag(*mac, ck::CKA_VERIFY).unwrap());
            }
            for key in &made[2..] {
                assert_eq!(session.ulong(*key, ck::CKA_KEY_TYPE).unwrap(), ck::CKK_AES);
                assert!(session.flag(*key, ck::CKA_ENCRYPT).unwrap() && session.flag(*key, ck::CKA_DECRYPT).unwrap());
            }
            // Without MAC keys, and without keys.
            let mechanism = keys(of, hash, Bits(0, 256, 32));
            session.derive_through(&mechanism, base, &aes()).unwrap();
            let made = mechanism.tls_handles();
            assert_eq!(made[..2], [Object(ck::CK_INVALID_HANDLE); 2]);
            assert_eq!(value(&session, made[3]), block[32..64]);
            assert_eq!(mechanism.string(2)[..4], block[68..72]);
            let mechanism = keys(of, hash, Bits(256, 0, 0));
            session.derive_through(&mechanism, base, &aes()).unwrap();
            assert_eq!(mechanism.tls_handles()[2..], [Object(ck::CK_INVALID_HANDLE); 2]);
            assert_eq!(value(&session, mechanism.tls_handles()[1]), block[32..64]);
        }
        // That which never gives an IV needs no place for one.
        let base = base(&session, ck::CKK_GENERIC_SECRET, &hex(MASTER_256));
        let safe = keys(ck::CKM_TLS12_KEY_SAFE_DERIVE, SHA256, Bits(160, 128, 128));
        session.derive_through(&safe, base, &aes()).unwrap();
        assert_eq!(value(&session, safe.tls_handles()[2]), hex(block_256)[40..56]);
        assert_eq!(safe.string(1), [0xee; 32]);
    });
}

#[test]
fn all_keys_of_a_connection_come_to_be_or_none() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let base = base(&session, ck::CKK_GENERIC_SECRET, &hex(MASTER_256));
        let short = super::base(&session, ck::CKK_GENERIC_SECRET, &[1; 47]);
        let count = || session.find(&Template::new()).unwrap().len();
        let before = count();
        let of = ck::CKM_TLS12_KEY_AND_MAC_DERIVE;
        let good = || keys(of, SHA256, Bits(160, 128, 128));
        for (base, mechanism, template, expected) in [
            (base, keys(of, SHA256, Bits(160, 136, 0)), aes(), ck::CKR_KEY_SIZE_RANGE),
            (
                base,
                keys(of, SHA256, Bits(160, 128, 0)),
                aes().ulong(ck::CKA_VALUE_LEN, 32),
                ck::CKR_TEMPLATE_INCONSISTENT,
            ),
            (base, good(), aes().bytes(ck::CKA_VALUE, [1; 16]), ck::CKR_ATTRIBUTE_READ_ONLY),
            (base, keys(of, SHA256, Bits(0, 0, 128)), aes(), ck::CKR_MECHANISM_PARAM_INVALID),
            (base, keys(of, SHA256, Bits(4, 128, 0)), aes(), ck::CKR_MECHANISM_PARAM_INVALID),
            (base, keys(of, SHA256, Bits(u64::MAX, 128, 0)), aes(), ck::CKR_MECHANISM_PARAM_INVALID),
            (base, keys(of, SHA256, Bits(160, 128, 1 << 40)), aes(), ck::CKR_MECHANISM_PARAM_INVALID),
            (base, keys(of, Some(ck::CKM_TLS_PRF), Bits(160, 128, 0)), aes(), ck::CKR_MECHANISM_PARAM_INVALID),
            // bIsExport true and no truth value, pReturnedKeyMaterial NULL.
            (base, good().changed(24, 1), aes(), ck::CKR_MECHANISM_PARAM_INVALID),
            (base, good().changed(24, 2), aes(), ck::CKR_MECHANISM_PARAM_INVALID),
            (base, good().changed(64, 0), aes(), ck::CKR_MECHANISM_PARAM_INVALID),
            (short, good(), aes(), ck::CKR_KEY_SIZE_RANGE),
        ] {
            // A malformed structure has no places of its own; that of the call is then asked for.
            assert_eq!(code(session.derive(&mechanism, base, &template)), expected);
        }
        assert_eq!(count(), before);
    });
}

#[test]
fn a_guarded_secret_gives_no_key_away_as_an_iv_or_as_a_short_key() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let template = Template::secret_key(ck::CKK_GENERIC_SECRET, &hex(MASTER_256)).flag(ck::CKA_DERIVE, true);
        let guarded = session.create(&template.clone().sensitive(true).extractable(true)).unwrap();
        let kept = session.create(&template.extractable(false)).unwrap();
        let derive = |of, base, bits, template: &Template| {
            let mechanism = keys(of, SHA256, bits);
            (session.derive_through(&mechanism, base, template), mechanism)
        };
        let (with_iv, safe) = (ck::CKM_TLS12_KEY_AND_MAC_DERIVE, ck::CKM_TLS12_KEY_SAFE_DERIVE);
        for base in [guarded, kept] {
            for (of, bits) in [
                (with_iv, Bits(160, 128, 128)),
                (with_iv, Bits(0, 128, 32)),
                (safe, Bits(8, 128, 0)),
                (safe, Bits(168, 128, 0)),
                (safe, Bits(0, 8, 0)),
                // Lengths of suites, but of none that has both.
                (safe, Bits(0, 192, 0)),
                (safe, Bits(256, 192, 0)),
                (safe, Bits(384, 128, 0)),
            ] {
                let template = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_GENERIC_SECRET);
                let (refused, mechanism) = derive(of, base, bits, &template);
                assert_eq!(code(refused), ck::CKR_MECHANISM_PARAM_INVALID, "{bits:?}");
                assert_eq!(mechanism.string(1), [0xee; 32]);
            }
            // No older version has suites without a MAC, or with a longer one.
            for (bits, expected) in [
                (Bits(160, 128, 0), ck::CKR_OK),
                (Bits(0, 128, 0), ck::CKR_MECHANISM_PARAM_INVALID),
                (Bits(256, 128, 0), ck::CKR_MECHANISM_PARAM_INVALID),
            ] {
                let old = session.derive_through(&keys(ck::CKM_TLS_KEY_AND_MAC_DERIVE, None, bits), base, &aes());
                assert_eq!(code(old), expected, "{bits:?}");
            }
            let (made, mechanism) = derive(safe, base, Bits(160, 128, 128), &aes());
            made.unwrap();
            for key in mechanism.tls_handles() {
                assert_eq!(code(session.bytes(key, ck::CKA_VALUE)), ck::CKR_ATTRIBUTE_SENSITIVE);
                assert_eq!(session.flag(key, ck::CKA_SENSITIVE).unwrap(), base == guarded);
                assert_eq!(session.flag(key, ck::CKA_EXTRACTABLE).unwrap(), base == guarded);
            }
        }
        let (open, _) = derive(safe, guarded, Bits(160, 128, 0), &aes().sensitive(false));
        assert_eq!(code(open), ck::CKR_TEMPLATE_INCONSISTENT);
        let (open, _) = derive(safe, kept, Bits(160, 128, 0), &aes().extractable(true));
        assert_eq!(code(open), ck::CKR_TEMPLATE_INCONSISTENT);
    });
}

#[test]
fn exporters_agree_with_openssl_and_leave_the_protocols_labels_alone() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (client, server) = (client(), server());
        let (new, old) = (hex(MASTER_256), hex(MASTER_OLD));
        let (new, old) = (base(&session, ck::CKK_GENERIC_SECRET, &new), base(&session, ck::CKK_GENERIC_SECRET, &old));
        let kdf = |of, hash, context| Mechanism::tls_kdf(of, hash, b"EXPORTER-x", (&client, &server), context);
        for (of, hash, context, base, expected) in [
            (
                ck::CKM_TLS_KDF,
                ck::CKM_SHA256,
                None,
                new,
                "7e77f3d34b4d8b7035aeed36806ea5ca0743ca8027d264c80bd0a43087e70da89e93a924a02e7105",
            ),
            (
                ck::CKM_TLS12_KDF,
                ck::CKM_SHA256,
                Some(&b"ctx"[..]),
                new,
                "2aee1dca4385deb719dd39509752d17adb1688b634c1194216804ef02a98b73af3d1627c8c123869",
            ),
            (ck::CKM_TLS_KDF, ck::CKM_SHA256, Some(b""), new, "186823835e176f2a711779dab2762fd3"),
            (
                ck::CKM_TLS_KDF,
                ck::CKM_TLS_PRF,
                None,
                old,
                "da1afabd12619c83f181f75a8b609dbcdf714f427f93cb1470a4541d44fff28bd42eb982162c7f78",
            ),
        ] {
            let expected = hex(expected);
            let derived =
                session.derive(&kdf(of, hash, context), base, &secret(expected.len() as ck::CK_ULONG)).unwrap();
            assert_eq!(value(&session, derived), expected);
        }
        let template = Template::secret_key(ck::CKK_GENERIC_SECRET, &hex(MASTER_256)).flag(ck::CKA_DERIVE, true);
        let guarded = session.create(&template.sensitive(true).extractable(true)).unwrap();
        let exported = kdf(ck::CKM_TLS_KDF, ck::CKM_SHA256, None);
        assert_eq!(code(session.derive(&exported, guarded, &secret(16))), ck::CKR_TEMPLATE_INCONSISTENT);
        let length = Template::new().ulong(ck::CKA_VALUE_LEN, 16);
        let derived = session.derive(&exported, guarded, &length).unwrap();
        assert!(session.flag(derived, ck::CKA_SENSITIVE).unwrap());
        // The label ends where the PRF finds it, not where the caller says.
        let moved = [b" expansion", &server[..]].concat();
        for (label, random) in [(&b"key expansion"[..], &server), (b"key", &moved), (b"", &b"server finished".to_vec())]
        {
            let reserved = Mechanism::tls_kdf(ck::CKM_TLS_KDF, ck::CKM_SHA256, label, (random, &client), None);
            assert_eq!(code(session.derive(&reserved, guarded, &length)), ck::CKR_MECHANISM_PARAM_INVALID);
            session.derive(&reserved, new, &length).unwrap();
            let bare = Mechanism::tls_prf(label, random, 16);
            assert_eq!(code(session.derive_through(&bare, guarded, &length)), ck::CKR_MECHANISM_PARAM_INVALID);
            session.derive_through(&bare, new, &Template::new()).unwrap();
        }
        for (wrong, length) in [
            (kdf(ck::CKM_TLS_KDF, ck::CKM_AES_ECB, None), 16),
            (kdf(ck::CKM_TLS_KDF, ck::CKM_SHA256, Some(&[0; 65536])), 16),
        ] {
            assert_eq!(code(session.derive(&wrong, new, &secret(length))), ck::CKR_MECHANISM_PARAM_INVALID);
        }
        assert_eq!(code(session.derive(&exported, new, &open())), ck::CKR_TEMPLATE_INCOMPLETE);
    });
}

#[test]
fn the_old_function_gives_bytes_into_the_parameter_and_no_key() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let base = shared(&session);
        let count = || session.find(&Template::new()).unwrap().len();
        let before = count();
        let mechanism = Mechanism::tls_prf(b"label", b"seed", 30);
        session.derive_through(&mechanism, base, &Template::new()).unwrap();
        assert_eq!(mechanism.string(0), hex("939dc61a1bb4dc0739b4e0e2a1bf3495290b98ef8a5db938fb40f3c2a0d3"));
        assert_eq!(count(), before);
        // Output NULL, length NULL, no bytes, too many of them.
        for wrong in [
            Mechanism::tls_prf(b"label", b"seed", 30).changed(32, 0),
            Mechanism::tls_prf(b"label", b"seed", 30).changed(40, 0),
            Mechanism::tls_prf(b"label", b"seed", 0),
            Mechanism::tls_prf(b"label", b"seed", (1 << 16) + 1),
            Mechanism::tls_prf(b"label", b"seed", 30).changed(8, u64::MAX),
        ] {
            assert_eq!(code(session.derive_through(&wrong, base, &Template::new())), ck::CKR_MECHANISM_PARAM_INVALID);
        }
        // Where a key is made the handle has to go somewhere.
        let hash = Mechanism::plain(ck::CKM_SHA256_KEY_DERIVATION);
        assert_eq!(code(session.derive_through(&hash, base, &open())), ck::CKR_ARGUMENTS_BAD);
    });
}

#[test]
fn the_mac_of_finished_messages_agrees_with_openssl_in_one_part_and_in_several() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (new, old) = (hex(MASTER_256), hex(MASTER_OLD));
        let (new, old) = (base(&session, ck::CKK_GENERIC_SECRET, &new), base(&session, ck::CKK_GENERIC_SECRET, &old));
        let data = session_hash();
        for (of, hash, length, side, key, expected) in [
            (ck::CKM_TLS_MAC, ck::CKM_SHA256, 12, 1, new, "3763f7f0ac0859adb3ee69d0"),
            (ck::CKM_TLS12_MAC, ck::CKM_SHA256, 20, 2, new, "cc48c120a24c83da1060c2090bf2e45257774091"),
            (ck::CKM_TLS_MAC, ck::CKM_TLS_PRF, 12, 1, old, "d3c0f060cbc7c5a4e65982db"),
            (ck::CKM_TLS12_MAC, ck::CKM_TLS_PRF, 12, 2, old, "d61eb2fdff76cce6f5ff7a80"),
        ] {
            let (mechanism, expected) = (Mechanism::tls_mac(of, hash, length, side), hex(expected));
            assert_eq!(session.sign_with(&mechanism, key, &data).unwrap(), expected);
            session.sign_init(&mechanism, key).unwrap();
            for part in data.chunks(5) {
                session.sign_update(part).unwrap();
            }
            assert_eq!(session.sign_final().unwrap(), expected);
            session.verify_with(&mechanism, key, &data, &expected).unwrap();
            let mut wrong = expected.clone();
            wrong[11] ^= 1;
            assert_eq!(code(session.verify_with(&mechanism, key, &data, &wrong)), ck::CKR_SIGNATURE_INVALID);
            let short = &expected[..11];
            assert_eq!(code(session.verify_with(&mechanism, key, &data, short)), ck::CKR_SIGNATURE_LEN_RANGE);
        }
        for (hash, length, side) in [
            (ck::CKM_SHA256, 11, 1),
            (ck::CKM_SHA256, 257, 1),
            (ck::CKM_SHA256, 12, 0),
            (ck::CKM_SHA256, 12, 3),
            (ck::CKM_TLS_PRF, 13, 1),
            (ck::CKM_SHA256_HMAC, 12, 1),
        ] {
            let mechanism = Mechanism::tls_mac(ck::CKM_TLS_MAC, hash, length, side);
            assert_eq!(code(session.sign_init(&mechanism, new)), ck::CKR_MECHANISM_PARAM_INVALID);
        }
    });
}
