//! C_VerifySignatureInit and its kin (PKCS#11 3.2 section 5.16): the signature comes before the data.

use kit::{Chance, Mechanism, Object, Session, Template, ck, curve, isolated};

const DATA: [u8; 32] = *b"thirty-two bytes that are signed";
const NONE: ck::CK_RV = ck::CKR_OPERATION_NOT_INITIALIZED;

/// A mechanism, its keys, and whether it takes data in parts.
struct Signing(Mechanism, (Object, Object), bool);

fn all(session: &Session<'_>) -> Vec<Signing> {
    let rsa = session.rsa_pair(1024);
    let p256 = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P256);
    let ed25519 = session.curve_pair(ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, curve::ED25519);
    let secret = session.secret(&DATA);
    let pss = Mechanism::pss(ck::CKM_SHA256_RSA_PKCS_PSS, ck::CKM_SHA256, ck::CKG_MGF1_SHA256, 32);
    vec![
        Signing(Mechanism::plain(ck::CKM_RSA_PKCS), rsa, false),
        Signing(Mechanism::plain(ck::CKM_SHA256_RSA_PKCS), rsa, true),
        Signing(pss, rsa, true),
        Signing(Mechanism::plain(ck::CKM_ECDSA), p256, false),
        Signing(Mechanism::plain(ck::CKM_ECDSA_SHA256), p256, true),
        Signing(Mechanism::plain(ck::CKM_EDDSA), ed25519, true),
        Signing(Mechanism::plain(ck::CKM_SHA256_HMAC), (secret, secret), true),
        Signing(Mechanism::number(ck::CKM_SHA256_HMAC_GENERAL, 10), (secret, secret), true),
    ]
}

#[test]
fn every_signature_is_verified_whole_and_in_parts_as_by_c_verify() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for Signing(mechanism, (verify, sign), parts) in all(&session) {
            let signature = session.sign_with(&mechanism, sign, &DATA).unwrap();
            let mut wrong = signature.clone();
            wrong[5] ^= 1;
            for (signature, data, expected) in [
                (&signature, &DATA[..], ck::CKR_OK),
                (&wrong, &DATA, ck::CKR_SIGNATURE_INVALID),
                (&signature, &[1; 32], ck::CKR_SIGNATURE_INVALID),
            ] {
                let code = |outcome: kit::Result<()>| outcome.map_or_else(|code| code.0, |()| ck::CKR_OK);
                session.verify_signature_init(&mechanism, verify, signature).unwrap();
                assert_eq!(code(session.verify_signature(data)), expected);
                // It is over either way.
                assert_eq!(session.verify_signature(data).unwrap_err(), NONE);
                if !parts {
                    let unsupported = ck::CKR_FUNCTION_NOT_SUPPORTED;
                    session.verify_signature_init(&mechanism, verify, signature).unwrap();
                    assert_eq!(session.verify_signature_update(data).unwrap_err(), unsupported);
                    session.verify_signature_init(&mechanism, verify, signature).unwrap();
                    assert_eq!(session.verify_signature_final().unwrap_err(), unsupported);
                    assert_eq!(session.verify_signature(data).unwrap_err(), NONE);
                    continue;
                }
                session.verify_signature_init(&mechanism, verify, signature).unwrap();
                for part in Chance::seeded(3).parts(data, 9) {
                    session.verify_signature_update(part).unwrap();
                }
                assert_eq!(session.verify_signature(data).unwrap_err(), ck::CKR_OPERATION_ACTIVE);
                assert_eq!(code(session.verify_signature_final()), expected);
                assert_eq!(session.verify_signature_final().unwrap_err(), NONE);
            }
        }
    });
}

#[test]
fn a_signature_of_a_wrong_length_begins_nothing() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for Signing(mechanism, (verify, sign), _) in all(&session) {
            let signature = session.sign_with(&mechanism, sign, &DATA).unwrap();
            let long = [&signature[..], &[0]].concat();
            for wrong in [&[][..], &signature[1..], &long] {
                let refused = session.verify_signature_init(&mechanism, verify, wrong).unwrap_err();
                assert_eq!(refused, ck::CKR_SIGNATURE_LEN_RANGE);
                assert_eq!(session.verify_signature(&DATA).unwrap_err(), NONE);
            }
        }
    });
}

#[test]
fn it_is_an_operation_of_its_own() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = session.secret(&DATA);
        let hmac = Mechanism::plain(ck::CKM_SHA256_HMAC);
        let mac = session.sign_with(&hmac, key, &DATA).unwrap();
        let init = || session.verify_signature_init(&hmac, key, &mac);
        init().unwrap();
        let active = ck::CKR_OPERATION_ACTIVE;
        assert_eq!(init().unwrap_err(), active);
        assert_eq!(session.verify_init(&hmac, key).unwrap_err(), active);
        assert_eq!(session.digest_init(&Mechanism::plain(ck::CKM_SHA256)).unwrap_err(), active);
        assert_eq!(session.verify(&DATA, &mac).unwrap_err(), NONE);
        assert_eq!(session.verify_update(&DATA).unwrap_err(), NONE);
        session.verify_signature(&DATA).unwrap();
        session.verify_init(&hmac, key).unwrap();
        assert_eq!(init().unwrap_err(), active);
        session.verify(&DATA, &mac).unwrap();
        // NULL, C_SessionCancel.
        for cancel in [&|| session.verify_signature_cancel(), &|| session.cancel(ck::CKF_VERIFY)]
            as [&dyn Fn() -> kit::Result<()>; 2]
        {
            init().unwrap();
            cancel().unwrap();
            assert_eq!(session.verify_signature(&DATA).unwrap_err(), NONE);
            cancel().unwrap();
        }
        // The end of the key's owner.
        let private = Template::secret_key(ck::CKK_GENERIC_SECRET, &DATA).private(true);
        let private = session.create(&private).unwrap();
        session.verify_signature_init(&hmac, private, &mac).unwrap();
        session.logout().unwrap();
        assert_eq!(session.verify_signature(&DATA).unwrap_err(), NONE);
    });
}

#[test]
fn only_a_key_that_may_verify_with_this_mechanism_does() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let hmac = Mechanism::plain(ck::CKM_SHA256_HMAC);
        let template = || Template::secret_key(ck::CKK_GENERIC_SECRET, &DATA);
        let mute = session.create(&template().flag(ck::CKA_VERIFY, false)).unwrap();
        let init = |mechanism: &Mechanism, key| session.verify_signature_init(mechanism, key, &[0; 32]).unwrap_err();
        assert_eq!(init(&hmac, mute), ck::CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_eq!(init(&hmac, session.aes(&[1; 16])), ck::CKR_KEY_TYPE_INCONSISTENT);
        assert_eq!(init(&hmac, Object(u64::MAX)), ck::CKR_KEY_HANDLE_INVALID);
        assert_eq!(init(&Mechanism::plain(ck::CKM_SHA256), mute), ck::CKR_MECHANISM_INVALID);
        assert_eq!(
            init(&hmac, session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P256).0),
            ck::CKR_KEY_TYPE_INCONSISTENT
        );
    });
}
