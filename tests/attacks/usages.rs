//! Usage flags and CKA_ALLOWED_MECHANISMS: every function of every mechanism asks the key, and no kind of key is
//! forgotten. How keys come by them is in confusion.rs.

use kit::kinds::{PRIVATE, PUBLIC, SECRET, every_kind};
use kit::{Known, Mechanism, Object, Rv, Session, Template, ck, code, isolated, mechanism_name};
use std::fmt::Display;

/// A function that takes a mechanism and a key (and perhaps another one), and the flag that says that there is one.
type Call = (ck::CK_FLAGS, fn(&Session<'_>, &Mechanism, Object, Object) -> Rv);

const CALLS: [Call; 16] = [
    (ck::CKF_ENCRYPT, |s, m, key, _| code(s.encrypt_init(m, key))),
    (ck::CKF_DECRYPT, |s, m, key, _| code(s.decrypt_init(m, key))),
    (ck::CKF_SIGN, |s, m, key, _| code(s.sign_init(m, key))),
    (ck::CKF_VERIFY, |s, m, key, _| code(s.verify_init(m, key))),
    (ck::CKF_VERIFY, |s, m, key, _| code(s.verify_signature_init(m, key, &[0; 32]))),
    (ck::CKF_SIGN_RECOVER, |s, m, key, _| code(s.sign_recover_init(m, key))),
    (ck::CKF_VERIFY_RECOVER, |s, m, key, _| code(s.verify_recover_init(m, key))),
    (ck::CKF_MESSAGE_ENCRYPT, |s, m, key, _| code(s.message_encrypt_init(m, key))),
    (ck::CKF_MESSAGE_DECRYPT, |s, m, key, _| code(s.message_decrypt_init(m, key))),
    (ck::CKF_MESSAGE_SIGN, |s, m, key, _| code(s.message_sign_init(m, key))),
    (ck::CKF_MESSAGE_VERIFY, |s, m, key, _| code(s.message_verify_init(m, key))),
    (ck::CKF_WRAP, |s, m, key, inner| code(s.wrap(m, key, inner))),
    (ck::CKF_UNWRAP, |s, m, key, _| code(s.unwrap(m, key, &[0; 32], &Template::new()))),
    (ck::CKF_DERIVE, |s, m, key, _| code(s.derive(m, key, &Template::new()))),
    (ck::CKF_ENCAPSULATE, |s, m, key, _| code(s.encapsulate(m, key, &Template::new()))),
    (ck::CKF_DECAPSULATE, |s, m, key, _| code(s.decapsulate(m, key, &Template::new(), &[0; 32]))),
];

/// What became of every use of some keys.
#[derive(Default)]
pub struct Uses {
    /// How many keys of the right kind there were, over all functions.
    pub answered: usize,
    /// Functions of mechanisms that no key was of the right kind for.
    without_key: Vec<String>,
}

/// Tries every function of every mechanism with every key: those of the wrong kind say so, and those of the right one
/// say what is expected.
pub fn every_use(
    session: &Session<'_>,
    keys: &[(impl Display, Object)],
    expected: ck::CK_RV,
    but: &[ck::CK_MECHANISM_TYPE],
) -> Uses {
    let inconsistent = [
        ck::CKR_KEY_TYPE_INCONSISTENT,
        ck::CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
        ck::CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,
    ];
    let inner = session.create(&Template::secret_key(ck::CKK_AES, &[1; 16]).extractable(true)).unwrap();
    let mut uses = Uses::default();
    for of in session.module.mechanisms(0).unwrap().into_iter().filter(|of| !but.contains(of)) {
        let name = mechanism_name(of).unwrap();
        let flags = session.module.mechanism_info(0, of).unwrap().flags;
        for (flag, call) in CALLS.iter().filter(|(flag, _)| flags & flag != 0) {
            let mut right = 0;
            for (kind, key) in keys {
                let answer = call(session, &Mechanism::plain(of), *key, inner);
                session.cancel(u64::MAX).unwrap();
                if !inconsistent.contains(&answer.0) {
                    assert_eq!(answer, expected, "{name} {flag:#x} with a {kind}");
                    right += 1;
                }
            }
            if right == 0 {
                uses.without_key.push(format!("{name} {flag:#x}"));
            }
            uses.answered += right;
        }
    }
    uses
}

/// The same of keys among which there is one for every function of every mechanism.
#[track_caller]
fn refused_in_every_use(
    session: &Session<'_>,
    keys: &[(impl Display, Object)],
    expected: ck::CK_RV,
    but: &[ck::CK_MECHANISM_TYPE],
) {
    let uses = every_use(session, keys, expected, but);
    assert_eq!(uses.without_key, [""; 0], "no key is of the right kind");
    assert!(uses.answered >= 1000, "{}", uses.answered);
}

#[test]
fn without_its_usage_flag_no_key_serves_any_mechanism() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let none = |template, usages: &[ck::CK_ATTRIBUTE_TYPE]| {
            usages.iter().fold(template, |template: Template, of| template.flag(*of, false))
        };
        let keys = every_kind(&session, none);
        // What is public of a private key needs no flag.
        let but = [ck::CKM_PUB_KEY_FROM_PRIV_KEY];
        refused_in_every_use(&session, &keys, ck::CKR_KEY_FUNCTION_NOT_PERMITTED, &but);
        // The wrong half is the wrong type before it is anything else.
        let pkcs = Mechanism::plain(ck::CKM_RSA_PKCS);
        let (public, private) = session.rsa_pair(1024);
        let without = |key, of| session.set(key, &Template::new().flag(of, false)).unwrap();
        without(public, ck::CKA_VERIFY);
        without(private, ck::CKA_SIGN);
        assert_eq!(code(session.sign_init(&pkcs, public)), ck::CKR_KEY_TYPE_INCONSISTENT);
        assert_eq!(code(session.verify_init(&pkcs, private)), ck::CKR_KEY_TYPE_INCONSISTENT);
        assert_eq!(code(session.sign_init(&pkcs, Object(0))), ck::CKR_KEY_HANDLE_INVALID);
    });
}

#[test]
fn a_usage_flag_that_is_taken_away_is_gone() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let all = |template, usages: &[ck::CK_ATTRIBUTE_TYPE]| {
            usages.iter().fold(template, |template: Template, of| template.flag(*of, true))
        };
        let keys = every_kind(&session, all);
        for (_, key) in &keys {
            let usages = PUBLIC.iter().chain(&PRIVATE).chain(&SECRET);
            for of in usages.filter(|of| session.flag(*key, **of).is_ok_and(|there| there)) {
                session.set(*key, &Template::new().flag(*of, false)).unwrap();
            }
        }
        let but = [ck::CKM_PUB_KEY_FROM_PRIV_KEY];
        refused_in_every_use(&session, &keys, ck::CKR_KEY_FUNCTION_NOT_PERMITTED, &but);
    });
}

#[test]
fn a_key_and_its_copy_serve_the_mechanisms_that_the_key_names_and_no_others() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let allowed = [ck::CKM_ECDSA_SHA256, ck::CKM_ECDSA_SHA384];
        let known = Known::p256().private.ulongs(ck::CKA_ALLOWED_MECHANISMS, &allowed);
        let key = session.create(&known).unwrap();
        let said = session.bytes(key, ck::CKA_ALLOWED_MECHANISMS).unwrap();
        assert_eq!(said, known.said(ck::CKA_ALLOWED_MECHANISMS).unwrap());
        for key in [key, session.copy(key, &Template::new()).unwrap()] {
            let sign = |of| code(session.sign_with(&Mechanism::plain(of), key, &[1; 32]));
            assert_eq!(allowed.map(sign), [Rv(ck::CKR_OK); 2]);
            assert_eq!(sign(ck::CKM_ECDSA), ck::CKR_MECHANISM_INVALID);
        }
    });
}

#[test]
fn of_every_kind_a_key_serves_no_mechanism_that_it_does_not_name() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let other = |template: Template, usages: &[ck::CK_ATTRIBUTE_TYPE]| {
            let template = template.ulongs(ck::CKA_ALLOWED_MECHANISMS, &[ck::CKM_VENDOR_DEFINED | 7]);
            usages.iter().fold(template, |template, of| template.flag(*of, true))
        };
        let keys = every_kind(&session, other);
        refused_in_every_use(&session, &keys, ck::CKR_MECHANISM_INVALID, &[]);
    });
}
