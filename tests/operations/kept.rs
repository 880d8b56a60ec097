//! What a key keeps for the next call (keyed contexts, pseudorandom functions, digests) changes nothing in it.

use kit::Field::{Bytes, CountingIteration};
use kit::{Mechanism, Object, Session, Template, ck, code, isolated};

const VALUE: [u8; 32] = [0x5a; 32];

/// An AES key that may do everything and hides nothing.
fn key(session: &Session<'_>) -> Object {
    let template = Template::secret_key(ck::CKK_AES, &VALUE).extractable(true).flag(ck::CKA_DERIVE, true);
    session.create(&template).unwrap()
}

fn open() -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_GENERIC_SECRET).sensitive(false).extractable(true)
}

fn value(session: &Session<'_>, key: Object) -> Vec<u8> {
    session.bytes(key, ck::CKA_VALUE).unwrap()
}

/// Every way to derive for which a key keeps something. CMAC under 32 bytes is one function for SP 800-108, and another
/// for IKE (RFC 4615).
fn derivations() -> Vec<(Mechanism, ck::CK_ULONG)> {
    let fields = |label: &[u8]| [CountingIteration(false, 8), Bytes(label.to_vec())];
    let counter =
        |prf, label: &[u8]| Mechanism::sp800_108(ck::CKM_SP800_108_COUNTER_KDF, prf, &fields(label), b"", &[]);
    vec![
        (counter(ck::CKM_AES_CMAC, b"one"), 32),
        (Mechanism::ike2_prf_plus(ck::CKM_AES_CMAC, 0, b"seed"), 32),
        (counter(ck::CKM_AES_CMAC, b"two"), 48),
        (Mechanism::ike2_prf_plus(ck::CKM_AES_XCBC_MAC, 0, b"seed"), 16),
        (Mechanism::ike2_prf_plus(ck::CKM_AES_CMAC, 0, b"another seed"), 64),
        (Mechanism::with_data(ck::CKM_AES_ECB_ENCRYPT_DATA, &[1; 32]), 32),
        (Mechanism::with_data(ck::CKM_AES_ECB_ENCRYPT_DATA, &[2; 48]), 40),
        (Mechanism::cbc_data([3; 16], &[1; 32]), 32),
        (Mechanism::cbc_data([4; 16], &[1; 32]), 32),
        (Mechanism::plain(ck::CKM_SHA256_KEY_DERIVATION), 32),
        (Mechanism::plain(ck::CKM_SHA512_KEY_DERIVATION), 24),
        (Mechanism::number(ck::CKM_SHA512_T_KEY_DERIVATION, 256), 32),
        (Mechanism::number(ck::CKM_SHA512_T_KEY_DERIVATION, 224), 28),
        (Mechanism::plain(ck::CKM_BLAKE2B_160_KEY_DERIVE), 20),
    ]
}

#[test]
fn a_key_derives_the_same_whatever_it_derived_before() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let derive = |base, (mechanism, length): &(Mechanism, ck::CK_ULONG)| {
            let made = session.derive(mechanism, base, &open().ulong(ck::CKA_VALUE_LEN, *length)).unwrap();
            value(&session, made)
        };
        let all = derivations();
        let alone: Vec<Vec<u8>> = all.iter().map(|of| derive(key(&session), of)).collect();
        for (at, one) in alone.iter().enumerate() {
            assert!(alone[..at].iter().all(|other| other != one), "{at}");
        }
        let kept = key(&session);
        let there = 0..all.len();
        for at in there.clone().chain(there.clone().rev()).chain(there.clone().flat_map(|at| [at, at])) {
            assert_eq!(derive(kept, &all[at]), alone[at], "{at}");
            // What fails in between leaves nothing behind.
            let wrong = Mechanism::with_data(ck::CKM_AES_ECB_ENCRYPT_DATA, &[1; 33]);
            assert_eq!(code(session.derive(&wrong, kept, &open())), ck::CKR_MECHANISM_PARAM_INVALID);
            let long = open().ulong(ck::CKA_VALUE_LEN, 4096);
            assert_ne!(code(session.derive(&Mechanism::plain(ck::CKM_SHA256_KEY_DERIVATION), kept, &long)), ck::CKR_OK);
        }
    });
}

/// Ciphers that wrap, whose contexts C_Encrypt and C_WrapKey share, with one parameter and with another.
fn ciphers() -> Vec<[Mechanism; 2]> {
    vec![
        [Mechanism::plain(ck::CKM_AES_ECB), Mechanism::plain(ck::CKM_AES_ECB)],
        [Mechanism::bytes(ck::CKM_AES_CBC, [1; 16]), Mechanism::bytes(ck::CKM_AES_CBC, [2; 16])],
        [Mechanism::bytes(ck::CKM_AES_CBC_PAD, [1; 16]), Mechanism::bytes(ck::CKM_AES_CBC_PAD, [2; 16])],
        [Mechanism::ctr(64, [1; 16]), Mechanism::ctr(64, [2; 16])],
        [Mechanism::gcm(&[1; 12], b"one", 128), Mechanism::gcm(&[2; 12], b"two", 96)],
        [Mechanism::ccm(32, &[1; 12], b"one", 16), Mechanism::ccm(32, &[2; 12], b"two", 8)],
        [Mechanism::plain(ck::CKM_AES_KEY_WRAP), Mechanism::bytes(ck::CKM_AES_KEY_WRAP, [7; 8])],
    ]
}

#[test]
fn a_key_wraps_and_unwraps_the_same_whatever_it_did_before_and_does_meanwhile() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let other = module.open_rw(session.info().unwrap().slotID).unwrap();
        let inner = session.create(&Template::secret_key(ck::CKK_GENERIC_SECRET, &[9; 32]).extractable(true)).unwrap();
        for pair in ciphers() {
            let alone = pair.each_ref().map(|mechanism| session.wrap(mechanism, key(&session), inner).unwrap());
            let kept = key(&session);
            for round in 0..3 {
                for (mechanism, wrapped) in pair.iter().zip(&alone) {
                    // A message in the middle, in this session and in another.
                    session.encrypt_init(mechanism, kept).unwrap();
                    other.decrypt_init(mechanism, kept).unwrap();
                    assert_eq!(&session.wrap(mechanism, kept, inner).unwrap(), wrapped, "{round}");
                    let back = session.unwrap(mechanism, kept, wrapped, &open()).unwrap();
                    assert_eq!(value(&session, back), [9; 32]);
                    // What does not open leaves nothing behind.
                    let mut wrong = wrapped.clone();
                    wrong.push(0);
                    let _ = session.unwrap(mechanism, kept, &wrong, &open());
                    assert_eq!(&session.encrypt(&[9; 32]).unwrap(), wrapped);
                    assert_eq!(other.decrypt(wrapped).unwrap(), [9; 32]);
                }
            }
        }
    });
}
