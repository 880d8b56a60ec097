//! Chapter "random number generation" (PKCS#11 3.2 section 5.19).

use kit::{Module, Session, ck, fork, isolated};
use std::collections::HashSet;
use std::fs;
use std::ptr::null_mut;

#[test]
fn any_length_is_filled_and_no_two_are_the_same() {
    isolated(|env| {
        let module = env.module();
        let session = module.open_ro(env.token(&module, "test")).unwrap();
        assert_eq!(session.random(0).unwrap(), []);
        // 64 single bytes that are all zero would be a buffer left as it was.
        assert!((0..64).any(|_| session.random(1).unwrap() != [0]));
        let mut seen = HashSet::new();
        for length in [16, 32, 33, 100, 4096] {
            for _ in 0..20 {
                let random = session.random(length).unwrap();
                assert_eq!(random.len(), length);
                assert!(seen.insert(random[..16].to_vec()));
                assert!(seen.insert(random[length - 16..].to_vec()) || length < 32);
            }
        }
    });
}

#[test]
fn a_mebibyte_is_random_from_one_end_to_the_other() {
    isolated(|env| {
        let module = env.module();
        let session = module.open_ro(env.token(&module, "test")).unwrap();
        let (one, other) = (session.random(1 << 20).unwrap(), session.random(1 << 20).unwrap());
        for random in [&one, &other] {
            let blocks: HashSet<&[u8]> = random.chunks(16).collect();
            assert_eq!(blocks.len(), (1 << 20) / 16, "a block came twice");
            let ones: u32 = random.iter().map(|byte| byte.count_ones()).sum();
            // Four million coins: 20 standard deviations of 1448.
            assert!(ones.abs_diff(4 << 20) < 30_000, "{ones} of {} bits are set", 8 << 20);
        }
        assert_ne!(one, other);
    });
}

#[test]
fn a_seed_is_taken_and_never_decides() {
    isolated(|env| {
        let module = env.module();
        let session = module.open_ro(env.token(&module, "test")).unwrap();
        for seed in [&b""[..], b"x", b"the same seed", b"the same seed", &[0; 100_000]] {
            session.seed_random(seed).unwrap();
        }
        let after = |seed: &[u8]| {
            session.seed_random(seed).unwrap();
            session.random(32).unwrap()
        };
        assert_ne!(after(b"the same seed"), after(b"the same seed"));
    });
}

#[test]
#[allow(unsafe_code)]
fn null_and_lengths_that_cannot_be_are_bad_arguments() {
    isolated(|env| {
        let module = env.module();
        let session = module.open_ro(env.token(&module, "test")).unwrap();
        let (raw, handle) = (module.raw(), session.handle);
        let mut byte = 0;
        // SAFETY: NULL, and lengths beyond any memory, which must be refused before anything is read or written.
        let rvs = unsafe {
            [
                raw.C_GenerateRandom(handle, null_mut(), 1),
                raw.C_GenerateRandom(handle, null_mut(), u64::MAX),
                raw.C_GenerateRandom(handle, &raw mut byte, u64::MAX),
                raw.C_GenerateRandom(handle, &raw mut byte, 1 << 63),
                raw.C_SeedRandom(handle, null_mut(), 1),
                raw.C_SeedRandom(handle, &raw mut byte, u64::MAX),
            ]
        };
        assert_eq!(rvs, [ck::CKR_ARGUMENTS_BAD; 6]);
        // SAFETY: NULL with nothing to write.
        assert_eq!(unsafe { raw.C_GenerateRandom(handle, null_mut(), 0) }, ck::CKR_OK);
        let closed = Session { handle: 0, ..session };
        assert_eq!(closed.random(8).unwrap_err(), ck::CKR_SESSION_HANDLE_INVALID);
        assert_eq!(closed.seed_random(b"x").unwrap_err(), ck::CKR_SESSION_HANDLE_INVALID);
    });
}

/// 32 random bytes from a process that has only inherited the module.
fn of_a_child(module: &Module, path: &std::path::Path) -> Vec<u8> {
    assert!(fork(|| {
        assert_eq!(module.info().unwrap_err(), ck::CKR_CRYPTOKI_NOT_INITIALIZED);
        module.initialize().unwrap();
        let session = module.open_ro(module.slot_of("test").unwrap()).unwrap();
        fs::write(path, session.random(32).unwrap()).unwrap();
    }));
    fs::read(path).unwrap()
}

#[test]
fn a_child_has_other_numbers_than_its_parent_and_its_siblings() {
    isolated(|env| {
        let module = env.module();
        let session = module.open_ro(env.token(&module, "test")).unwrap();
        // The generator is at work when the process is copied.
        let mut seen = HashSet::from([session.random(32).unwrap()]);
        for _ in 0..8 {
            assert!(seen.insert(of_a_child(&module, &env.file("random"))));
        }
        assert!(seen.insert(session.random(32).unwrap()));
    });
}
