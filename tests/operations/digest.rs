//! Chapter "message digesting" (PKCS#11 3.2 section 5.12). Nothing here needs a login but the keys of C_DigestKey.

use kit::{Chance, Env, Judge, Mechanism, Module, Object, Session, Template, ck, hex, isolated};
use std::ptr::null_mut;

/// A digest: its mechanism, its name in openssl, and of what it makes of "abc" (FIPS 180-4, FIPS 202, RFC 1321).
const DIGESTS: [(ck::CK_MECHANISM_TYPE, &str, &str); 12] = [
    (ck::CKM_MD5, "md5", "900150983cd24fb0d6963f7d28e17f72"),
    (ck::CKM_SHA_1, "sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    (ck::CKM_SHA224, "sha224", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
    (ck::CKM_SHA256, "sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
        ck::CKM_SHA384,
        "sha384",
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    ),
    (
        ck::CKM_SHA512,
        "sha512",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a
         2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ),
    (ck::CKM_SHA512_224, "sha512-224", "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa"),
    (ck::CKM_SHA512_256, "sha512-256", "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"),
    (ck::CKM_SHA3_224, "sha3-224", "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf"),
    (ck::CKM_SHA3_256, "sha3-256", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
    (
        ck::CKM_SHA3_384,
        "sha3-384",
        "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25",
    ),
    (
        ck::CKM_SHA3_512,
        "sha3-512",
        "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e
         10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
    ),
];

/// A session on a new token, nobody logged in.
fn public<'m>(env: &Env, module: &'m Module) -> Session<'m> {
    module.open_ro(env.token(module, "test")).unwrap()
}

fn in_parts(session: &Session<'_>, mechanism: &Mechanism, parts: &[&[u8]]) -> Vec<u8> {
    session.digest_init(mechanism).unwrap();
    parts.iter().for_each(|part| session.digest_update(part).unwrap());
    session.digest_final().unwrap()
}

#[test]
fn the_vectors_of_the_standards_come_out() {
    isolated(|env| {
        let module = env.module();
        let session = public(env, &module);
        for (of, name, abc) in DIGESTS {
            let (mechanism, abc) = (Mechanism::plain(of), hex(abc));
            assert_eq!(session.digest_with(&mechanism, b"abc").unwrap(), abc, "{name}");
            for parts in [&[&b"abc"[..]][..], &[b"a", b"b", b"c"], &[b"", b"ab", b"", b"c", b""]] {
                assert_eq!(in_parts(&session, &mechanism, parts), abc, "{name}");
            }
        }
    });
}

#[test]
fn openssl_agrees_at_every_edge_of_a_block_and_any_split_is_the_same() {
    isolated(|env| {
        let module = env.module();
        let session = public(env, &module);
        let (judge, mut chance) = (Judge::new(), Chance::seeded(180));
        for (of, name, _) in DIGESTS {
            let mechanism = Mechanism::plain(of);
            for length in [0, 1, 55, 56, 64, 71, 72, 111, 112, 128, 136, 144, 5000] {
                let data = chance.bytes(length);
                let digest = session.digest_with(&mechanism, &data).unwrap();
                assert_eq!(digest, judge.digests(&format!("-{name}"), &data), "{name} of {length}");
                let parts = chance.parts(&data, (length / 4).max(1));
                assert_eq!(in_parts(&session, &mechanism, &parts), digest, "{name} of {length}");
            }
        }
    });
}

#[test]
#[allow(unsafe_code)]
fn null_with_length_0_is_the_empty_input() {
    isolated(|env| {
        let module = env.module();
        let session = public(env, &module);
        let (raw, handle) = (module.raw(), session.handle);
        for (of, name, _) in DIGESTS {
            let mechanism = Mechanism::plain(of);
            let empty = session.digest_with(&mechanism, b"").unwrap();
            let mut room = [0; 64];
            for part in [false, true] {
                session.digest_init(&mechanism).unwrap();
                let mut length = room.len() as ck::CK_ULONG;
                // SAFETY: NULL with length 0, and a buffer with its length.
                let rvs = unsafe {
                    if part {
                        let update = raw.C_DigestUpdate(handle, null_mut(), 0);
                        [update, raw.C_DigestFinal(handle, room.as_mut_ptr(), &raw mut length)]
                    } else {
                        [ck::CKR_OK, raw.C_Digest(handle, null_mut(), 0, room.as_mut_ptr(), &raw mut length)]
                    }
                };
                assert_eq!(rvs, [ck::CKR_OK; 2], "{name}");
                assert_eq!(&room[..length as usize], empty, "{name}");
            }
            session.digest_init(&mechanism).unwrap();
            assert_eq!(session.digest_final().unwrap(), empty, "{name}: no update at all");
        }
    });
}

#[test]
fn a_length_query_and_a_short_buffer_change_nothing() {
    isolated(|env| {
        let module = env.module();
        let session = public(env, &module);
        for (of, name, abc) in DIGESTS {
            let (mechanism, abc) = (Mechanism::plain(of), hex(abc));
            let mut room = vec![0; abc.len()];
            session.digest_init(&mechanism).unwrap();
            for short in [0, 1, abc.len() - 1] {
                assert_eq!(session.digest_len(b"abc").unwrap(), abc.len());
                let (outcome, needed) = session.digest_into(b"abc", &mut room[..short]);
                assert_eq!((outcome.unwrap_err().0, needed), (ck::CKR_BUFFER_TOO_SMALL, abc.len()), "{name}");
            }
            let (outcome, written) = session.digest_into(b"abc", &mut room);
            outcome.unwrap();
            assert_eq!((written, &room), (abc.len(), &abc), "{name}");
            session.digest_init(&mechanism).unwrap();
            session.digest_update(b"abc").unwrap();
            let (outcome, needed) = session.digest_final_into(&mut room[..1]);
            assert_eq!((outcome.unwrap_err().0, needed), (ck::CKR_BUFFER_TOO_SMALL, abc.len()), "{name}");
            assert_eq!(session.digest_final().unwrap(), abc, "{name}");
        }
    });
}

#[test]
fn input_and_output_may_be_the_same_memory() {
    isolated(|env| {
        let module = env.module();
        let session = public(env, &module);
        for (of, name, abc) in DIGESTS {
            for (from, to) in [(0, 0), (0, 1), (2, 0)] {
                let mut memory = [0; 80];
                memory[from..from + 3].copy_from_slice(b"abc");
                session.digest_init(&Mechanism::plain(of)).unwrap();
                let (outcome, written) = session.digest_within(&mut memory, from..from + 3, to..to + 64);
                outcome.unwrap();
                assert_eq!(memory[to..to + written], hex(abc), "{name}");
            }
        }
    });
}

#[test]
fn an_operation_begins_once_and_ends_with_its_result() {
    isolated(|env| {
        let module = env.module();
        let session = public(env, &module);
        let (sha256, none) = (Mechanism::plain(ck::CKM_SHA256), ck::CKR_OPERATION_NOT_INITIALIZED);
        assert_eq!(session.digest(b"abc").unwrap_err(), none);
        assert_eq!(session.digest_update(b"abc").unwrap_err(), none);
        assert_eq!(session.digest_final().unwrap_err(), none);
        assert_eq!(session.digest_key(Object(1)).unwrap_err(), none);
        session.digest_init(&sha256).unwrap();
        assert_eq!(session.digest_init(&sha256).unwrap_err(), ck::CKR_OPERATION_ACTIVE);
        session.digest_update(b"a").unwrap();
        assert_eq!(session.digest(b"bc").unwrap_err(), ck::CKR_OPERATION_ACTIVE);
        session.digest_update(b"bc").unwrap();
        assert_eq!(session.digest_final().unwrap(), hex(DIGESTS[3].2), "nothing of what was refused went in");
        assert_eq!(session.digest_final().unwrap_err(), none);
        for cancel in [Session::digest_cancel, |session: &Session<'_>| session.cancel(ck::CKF_DIGEST)] {
            session.digest_init(&sha256).unwrap();
            session.digest_update(b"a").unwrap();
            cancel(&session).unwrap();
            assert_eq!(session.digest_final().unwrap_err(), none);
            cancel(&session).unwrap();
        }
        for bad in [sha256.claiming(8), Mechanism::bytes(ck::CKM_SHA256, [0; 8])] {
            assert_eq!(session.digest_init(&bad).unwrap_err(), ck::CKR_MECHANISM_PARAM_INVALID);
        }
        for other in [ck::CKM_AES_ECB, ck::CKM_SHA256_HMAC, ck::CKM_ECDSA, 0xdead_beef, u64::MAX] {
            let refused = session.digest_init(&Mechanism::plain(other)).unwrap_err();
            assert_eq!(refused, ck::CKR_MECHANISM_INVALID);
        }
        assert_eq!(session.digest(b"abc").unwrap_err(), none);
    });
}

#[test]
fn the_value_of_a_secret_key_can_be_digested_and_no_other_key() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(1024);
        let value = b"the value of a key, 32 bytes....";
        let hidden = Template::secret_key(ck::CKK_AES, value).sensitive(true).extractable(false);
        let keys = [session.aes(value), session.secret(value), session.create(&hidden).unwrap()];
        for (of, name, _) in DIGESTS {
            let mechanism = Mechanism::plain(of);
            let whole = session.digest_with(&mechanism, &[&b"before"[..], value, b"after"].concat()).unwrap();
            for key in keys {
                session.digest_init(&mechanism).unwrap();
                session.digest_update(b"before").unwrap();
                session.digest_key(key).unwrap();
                assert_eq!(session.digest(b"").unwrap_err(), ck::CKR_OPERATION_ACTIVE);
                session.digest_update(b"after").unwrap();
                assert_eq!(session.digest_final().unwrap(), whole, "{name}");
            }
        }
        let sha256 = Mechanism::plain(ck::CKM_SHA256);
        for (key, code) in [
            (public, ck::CKR_KEY_INDIGESTIBLE),
            (private, ck::CKR_KEY_INDIGESTIBLE),
            (Object(0), ck::CKR_KEY_HANDLE_INVALID),
            (Object(u64::MAX), ck::CKR_KEY_HANDLE_INVALID),
        ] {
            session.digest_init(&sha256).unwrap();
            assert_eq!(session.digest_key(key).unwrap_err(), code);
            assert_eq!(session.digest_final().unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED, "an error ends it");
        }
    });
}

#[test]
fn a_guarded_key_is_digested_only_where_its_digest_does_not_give_it_away() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let sha256 = Mechanism::plain(ck::CKM_SHA256);
        let digest = |template: &Template| {
            let key = session.create(template).unwrap();
            session.digest_init(&sha256).unwrap();
            let digested = session.digest_key(key);
            session.digest_cancel().unwrap();
            kit::code(digested)
        };
        for (length, expected) in [
            (1, ck::CKR_KEY_SIZE_RANGE),
            (15, ck::CKR_KEY_SIZE_RANGE),
            (16, ck::CKR_OK),
            (64, ck::CKR_OK),
            (65, ck::CKR_KEY_SIZE_RANGE),
        ] {
            let key = Template::secret_key(ck::CKK_GENERIC_SECRET, &vec![7; length]);
            assert_eq!(digest(&key.clone().sensitive(true).extractable(true)), expected, "{length}");
            assert_eq!(digest(&key.clone().extractable(false)), expected, "{length}");
            assert_eq!(digest(&key.extractable(true)), ck::CKR_OK, "{length}");
        }
        // What was digested of a private key is nobody's after the user has gone.
        let key = session.create(&Template::secret_key(ck::CKK_AES, &[7; 16])).unwrap();
        session.digest_init(&sha256).unwrap();
        session.digest_key(key).unwrap();
        session.logout().unwrap();
        assert_eq!(session.digest_final().unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED);
    });
}
