//! Message-based functions (PKCS#11 3.2 sections 5.9, 5.11, 5.14 and 5.15), and the authenticated wrapping that takes
//! the same parameters.

mod cipher;
mod nonces;
mod sign;
mod wrap;

use kit::{Mechanism, Object, Result, Session, ck, code, isolated};

#[test]
fn what_is_listed_for_messages_begins_a_process_and_no_other_does() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        type Init = fn(&Session<'_>, &Mechanism, Object) -> Result<()>;
        let inits: [(ck::CK_FLAGS, Init); 4] = [
            (ck::CKF_MESSAGE_ENCRYPT, |s, m, key| s.message_encrypt_init(m, key)),
            (ck::CKF_MESSAGE_DECRYPT, |s, m, key| s.message_decrypt_init(m, key)),
            (ck::CKF_MESSAGE_SIGN, |s, m, key| s.message_sign_init(m, key)),
            (ck::CKF_MESSAGE_VERIFY, |s, m, key| s.message_verify_init(m, key)),
        ];
        let mut listed = 0;
        for of in module.mechanisms(0).unwrap() {
            let flags = module.mechanism_info(0, of).unwrap().flags;
            for (flag, init) in inits {
                let outcome = code(init(&session, &Mechanism::plain(of), Object(9999)));
                let known = flags & flag != 0;
                let expected = if known { ck::CKR_KEY_HANDLE_INVALID } else { ck::CKR_MECHANISM_INVALID };
                assert_eq!(outcome, expected, "{of:#x} and {flag:#x}");
                listed += usize::from(known);
            }
        }
        assert!(listed > 60, "{listed}");
        for of in [ck::CKM_AES_GCM, ck::CKM_AES_CCM, ck::CKM_CHACHA20_POLY1305] {
            let flags = module.mechanism_info(0, of).unwrap().flags;
            let all = ck::CKF_MESSAGE_ENCRYPT | ck::CKF_MESSAGE_DECRYPT | ck::CKF_MULTI_MESSAGE;
            assert_eq!(flags & all, all);
        }
        // One message under a nonce or a key, and no more.
        for of in [ck::CKM_AES_GMAC, ck::CKM_POLY1305] {
            assert_eq!(module.mechanism_info(0, of).unwrap().flags & ck::CKF_MESSAGE_SIGN, 0);
        }
    });
}
