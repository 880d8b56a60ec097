//! What a key keeps for the next call has nothing of the keys that it made, wrapped or read: a key that is destroyed is
//! nowhere in memory.

use kit::Field::{Bytes, CountingIteration};
use kit::{Mechanism, Object, Session, Template, ck, isolated};
use std::fs::File;
use std::os::unix::fs::FileExt;

const VALUE: [u8; 32] = [0x5a; 32];

/// Values that nobody but the module ever has, here with every bit the other way round.
const CBC: [u8; 16] = [33, 120, 203, 118, 95, 28, 247, 214, 190, 78, 255, 97, 163, 26, 58, 183];
const TWO_BLOCKS: [u8; 32] = [
    69, 141, 255, 76, 122, 114, 245, 8, 79, 233, 12, 143, 169, 231, 188, 3, 210, 191, 204, 151, 47, 163, 145, 133, 226,
    220, 71, 63, 4, 97, 62, 96,
];
const HASH: [u8; 32] = [
    159, 64, 248, 59, 119, 85, 46, 112, 37, 204, 98, 15, 129, 176, 67, 184, 75, 15, 244, 24, 232, 238, 108, 144, 231,
    47, 178, 202, 213, 47, 231, 111,
];
const HMAC: [u8; 32] = [
    209, 246, 91, 197, 101, 26, 71, 51, 102, 101, 171, 70, 223, 184, 49, 194, 120, 225, 133, 180, 97, 89, 76, 211, 116,
    50, 254, 189, 39, 130, 134, 208,
];
const CMAC: [u8; 16] = [0xa9, 0x7a, 0x77, 0xc2, 0xa4, 0x12, 0xe1, 0xb7, 0xcc, 0x90, 0x6a, 0x96, 0x2c, 0x1d, 0x44, 0xde];

/// Bytes of the largest piece of memory that is looked at.
const LARGEST: u64 = 1 << 32;

/// Whether a value stands in the memory of this process, but for the stack: as it is, or as words of a hash function.
fn is_there(inverted: &[u8]) -> bool {
    let memory = File::open("/proc/self/mem").unwrap();
    let words: Vec<u8> = inverted.chunks(4).flat_map(|word| word.iter().rev().copied()).collect();
    let is = |window: &[u8], of: &[u8]| window.iter().zip(of).all(|(here, other)| *here == !*other);
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let ours = |line: &&str| line.contains(" rw") && !line.ends_with("[stack]");
    // On the stack, which is not looked at.
    let mut piece = [0; 4096];
    for line in maps.lines().filter(ours) {
        let (from, to) = line.split_once(' ').and_then(|(range, _)| range.split_once('-')).unwrap();
        let [mut at, to] = [from, to].map(|number| u64::from_str_radix(number, 16).unwrap());
        // Memory of AddressSanitizer's own says of other memory what may be touched, and would take hours to read.
        while at < to && to - at < LARGEST {
            let len = piece.len().min((to - at) as usize);
            if memory.read_exact_at(&mut piece[..len], at).is_err() {
                break;
            }
            let mut windows = piece[..len].windows(inverted.len());
            let first = [!inverted[0], !words[0]];
            if windows.any(|window| first.contains(&window[0]) && (is(window, inverted) || is(window, &words))) {
                return true;
            }
            at += if at + len as u64 == to { len } else { len - inverted.len() } as u64;
        }
    }
    false
}

/// A key that may do everything and hides nothing.
fn key(session: &Session<'_>, key_type: ck::CK_KEY_TYPE) -> Object {
    let template = Template::secret_key(key_type, &VALUE).extractable(true).flag(ck::CKA_DERIVE, true);
    session.create(&template).unwrap()
}

fn open(length: usize) -> Template {
    let open = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_GENERIC_SECRET).extractable(true);
    open.sensitive(false).flag(ck::CKA_DERIVE, true).ulong(ck::CKA_VALUE_LEN, length as ck::CK_ULONG)
}

fn cbc() -> Mechanism {
    Mechanism::cbc_data([3; 16], &[1; 16])
}

#[test]
fn a_derived_key_that_was_destroyed_is_not_left_with_its_base() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let counter = |prf| {
            let fields = [CountingIteration(false, 8), Bytes(b"label".to_vec())];
            Mechanism::sp800_108(ck::CKM_SP800_108_COUNTER_KDF, prf, &fields, b"", &[])
        };
        let cases: [(Mechanism, ck::CK_KEY_TYPE, &[u8]); 4] = [
            (cbc(), ck::CKK_AES, &CBC),
            (Mechanism::plain(ck::CKM_SHA256_KEY_DERIVATION), ck::CKK_GENERIC_SECRET, &HASH),
            (counter(ck::CKM_SHA256_HMAC), ck::CKK_GENERIC_SECRET, &HMAC),
            (counter(ck::CKM_AES_CMAC), ck::CKK_AES, &CMAC),
        ];
        for (at, (mechanism, key_type, value)) in cases.iter().enumerate() {
            let base = key(&session, *key_type);
            let derived = session.derive(mechanism, base, &open(value.len())).unwrap();
            assert!(is_there(value), "{at}");
            session.destroy(derived).unwrap();
            assert!(!is_there(value), "{at}");
        }
    });
}

#[test]
fn a_key_that_was_read_for_another_and_destroyed_is_not_left_with_the_base() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (first, base) = (key(&session, ck::CKK_AES), key(&session, ck::CKK_AES));
        let value = &CBC[..15];
        let seed = session.derive(&cbc(), first, &open(value.len())).unwrap();
        session.derive(&Mechanism::ike2_prf_plus(ck::CKM_AES_CMAC, seed.0, b""), base, &open(16)).unwrap();
        assert!(is_there(value));
        session.destroy(seed).unwrap();
        assert!(!is_there(value));
    });
}

#[test]
fn a_key_that_was_wrapped_and_destroyed_is_not_left_with_the_wrapping_key() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let two_blocks = || Mechanism::cbc_data([4; 16], &[1; 32]);
        let iv = |of| Mechanism::bytes(of, [1; 16]);
        let cases: [(Mechanism, Mechanism, &[u8]); 7] = [
            (iv(ck::CKM_AES_CBC_PAD), cbc(), &CBC[..15]),
            (iv(ck::CKM_AES_CTS), two_blocks(), &TWO_BLOCKS[..31]),
            (iv(ck::CKM_AES_CTS), two_blocks(), &TWO_BLOCKS),
            (iv(ck::CKM_AES_CBC), two_blocks(), &TWO_BLOCKS),
            (Mechanism::gcm(&[1; 12], b"one", 128), two_blocks(), &TWO_BLOCKS[..31]),
            (Mechanism::ccm(31, &[1; 12], b"one", 16), two_blocks(), &TWO_BLOCKS[..31]),
            (Mechanism::plain(ck::CKM_AES_KEY_WRAP), two_blocks(), &TWO_BLOCKS),
        ];
        for (at, (mechanism, made_by, value)) in cases.iter().enumerate() {
            let (base, outer) = (key(&session, ck::CKK_AES), key(&session, ck::CKK_AES));
            let inner = session.derive(made_by, base, &open(value.len())).unwrap();
            let wrapped = session.wrap(mechanism, outer, inner).unwrap();
            assert!(is_there(value), "{at}");
            session.destroy(inner).unwrap();
            assert!(!is_there(value), "{at}");
            let again = session.unwrap(mechanism, outer, &wrapped, &open(value.len())).unwrap();
            assert!(is_there(value), "{at}");
            session.destroy(again).unwrap();
            assert!(!is_there(value), "{at}");
        }
    });
}
