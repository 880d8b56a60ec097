//! CKA_ALWAYS_AUTHENTICATE and C_Login with CKU_CONTEXT_SPECIFIC (PKCS#11 3.2 sections 4.9.1 and 5.6.8).

use kit::{Env, Known, Mechanism, Module, Object, Session, Template, USER_PIN, ck, code, curve, isolated};

/// A session of the user and a P-256 key that asks for a PIN before every use.
fn with_key<'m>(env: &Env, module: &'m Module) -> (Session<'m>, Object) {
    let session = env.user(module);
    let asking = Known::p256().private.flag(ck::CKA_ALWAYS_AUTHENTICATE, true);
    let key = session.create(&asking).unwrap();
    (session, key)
}

fn ecdsa() -> Mechanism {
    Mechanism::plain(ck::CKM_ECDSA)
}

const DIGEST: [u8; 32] = [7; 32];

#[test]
fn every_operation_needs_its_own_login() {
    isolated(|env| {
        let module = env.module();
        let (session, key) = with_key(env, &module);
        for _ in 0..2 {
            session.sign_init(&ecdsa(), key).unwrap();
            session.login(ck::CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap();
            assert_eq!(session.sign(&DIGEST).unwrap().len(), 64);
            session.sign_init(&ecdsa(), key).unwrap();
            assert_eq!(session.sign_into(&DIGEST, &mut [0; 64]).0.unwrap_err(), ck::CKR_USER_NOT_LOGGED_IN);
            // That call was its end.
            assert_eq!(code(session.sign(&DIGEST)), ck::CKR_OPERATION_NOT_INITIALIZED);
        }
        assert_eq!(session.info().unwrap().state, ck::CKS_RW_USER_FUNCTIONS);
    });
}

#[test]
fn multi_part_signatures_and_decryption_need_it_too() {
    isolated(|env| {
        let module = env.module();
        let (session, key) = with_key(env, &module);
        let hashed = Mechanism::plain(ck::CKM_ECDSA_SHA256);
        session.sign_init(&hashed, key).unwrap();
        assert_eq!(code(session.sign_update(b"part")), ck::CKR_USER_NOT_LOGGED_IN);
        session.sign_init(&hashed, key).unwrap();
        session.login(ck::CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap();
        session.sign_update(b"part").unwrap();
        session.sign_update(b"part").unwrap();
        assert_eq!(session.sign_final().unwrap().len(), 64);
        let rsa = Known::rsa();
        let public = session.create(&rsa.public).unwrap();
        let private = session.create(&rsa.private.flag(ck::CKA_ALWAYS_AUTHENTICATE, true)).unwrap();
        let pkcs = Mechanism::plain(ck::CKM_RSA_PKCS);
        let secret = session.encrypt_with(&pkcs, public, b"secret").unwrap();
        session.decrypt_init(&pkcs, private).unwrap();
        assert_eq!(session.decrypt_into(&secret, &mut [0; 256]).0.unwrap_err(), ck::CKR_USER_NOT_LOGGED_IN);
        session.decrypt_init(&pkcs, private).unwrap();
        session.login(ck::CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap();
        assert_eq!(session.decrypt(&secret).unwrap(), b"secret");
    });
}

#[test]
fn a_length_query_needs_no_login() {
    isolated(|env| {
        let module = env.module();
        let (session, key) = with_key(env, &module);
        session.sign_init(&ecdsa(), key).unwrap();
        assert_eq!(length_of_signature(&session), (ck::CKR_OK, 64));
        session.login(ck::CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap();
        assert_eq!(length_of_signature(&session), (ck::CKR_OK, 64));
        session.sign(&DIGEST).unwrap();
    });
}

#[allow(unsafe_code)]
fn length_of_signature(session: &Session<'_>) -> (ck::CK_RV, ck::CK_ULONG) {
    let (mut digest, mut length) = (DIGEST, 0);
    // SAFETY: data with its length, no place for a signature, and one for its length.
    let rv = unsafe {
        session.module.raw().C_Sign(session.handle, digest.as_mut_ptr(), 32, std::ptr::null_mut(), &raw mut length)
    };
    (rv, length)
}

#[test]
fn it_belongs_to_an_operation_that_waits_for_it() {
    isolated(|env| {
        let module = env.module();
        let (session, key) = with_key(env, &module);
        let again = || code(session.login(ck::CKU_CONTEXT_SPECIFIC, USER_PIN));
        assert_eq!(again(), ck::CKR_OPERATION_NOT_INITIALIZED);
        let other = session.create(&Known::p256().private).unwrap();
        session.sign_init(&ecdsa(), other).unwrap();
        assert_eq!(again(), ck::CKR_OPERATION_NOT_INITIALIZED);
        session.sign(&DIGEST).unwrap();
        session.sign_init(&ecdsa(), key).unwrap();
        assert_eq!(again(), ck::CKR_OK);
        assert_eq!(again(), ck::CKR_OPERATION_NOT_INITIALIZED);
        session.sign_cancel().unwrap();
        session.sign_init(&ecdsa(), key).unwrap();
        assert_eq!(session.sign_into(&DIGEST, &mut [0; 64]).0.unwrap_err(), ck::CKR_USER_NOT_LOGGED_IN);
        // Another session's operation is not this one's.
        let second = module.open_rw(0).unwrap();
        second.sign_init(&ecdsa(), key).unwrap();
        assert_eq!(again(), ck::CKR_OPERATION_NOT_INITIALIZED);
        second.login(ck::CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap();
        second.sign(&DIGEST).unwrap();
    });
}

#[test]
fn a_right_pin_asks_no_tpm_and_a_wrong_one_is_counted_by_it() {
    isolated(|env| {
        let module = env.module();
        let (session, key) = with_key(env, &module);
        env.tpm().lock_after(3);
        let wrong = || code(session.login(ck::CKU_CONTEXT_SPECIFIC, "wrong"));
        // It is not counted where no operation waits for it.
        session.digest_init(&Mechanism::plain(ck::CKM_SHA256)).unwrap();
        assert_eq!(wrong(), ck::CKR_OPERATION_NOT_INITIALIZED);
        session.digest_cancel().unwrap();
        session.sign_init(&ecdsa(), key).unwrap();
        env.tpm().freeze();
        session.login(ck::CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap();
        session.sign(&DIGEST).unwrap();
        env.tpm().thaw();
        session.sign_init(&ecdsa(), key).unwrap();
        assert_eq!(wrong(), ck::CKR_PIN_INCORRECT);
        assert_eq!(wrong(), ck::CKR_PIN_INCORRECT);
        assert_ne!(module.token_info(0).unwrap().flags & ck::CKF_USER_PIN_FINAL_TRY, 0);
        // A failed login ends nothing.
        session.login(ck::CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap();
        session.sign(&DIGEST).unwrap();
    });
}

#[test]
fn a_lockout_met_by_it_logs_out() {
    isolated(|env| {
        let module = env.module();
        let (session, key) = with_key(env, &module);
        env.tpm().lock_after(1);
        session.sign_init(&ecdsa(), key).unwrap();
        assert_eq!(code(session.login(ck::CKU_CONTEXT_SPECIFIC, "wrong")), ck::CKR_PIN_INCORRECT);
        assert_eq!(code(session.login(ck::CKU_CONTEXT_SPECIFIC, "wrong")), ck::CKR_PIN_LOCKED);
        assert_eq!(session.info().unwrap().state, ck::CKS_RW_PUBLIC_SESSION);
        assert_eq!(code(session.sign(&DIGEST)), ck::CKR_OPERATION_NOT_INITIALIZED);
        assert_eq!(code(session.sign_init(&ecdsa(), key)), ck::CKR_KEY_HANDLE_INVALID);
    });
}

#[test]
fn a_pin_changed_here_is_the_one_it_wants() {
    isolated(|env| {
        let module = env.module();
        let (session, key) = with_key(env, &module);
        session.set_pin(USER_PIN, "another").unwrap();
        session.sign_init(&ecdsa(), key).unwrap();
        assert_eq!(code(session.login(ck::CKU_CONTEXT_SPECIFIC, USER_PIN)), ck::CKR_PIN_INCORRECT);
        session.login(ck::CKU_CONTEXT_SPECIFIC, "another").unwrap();
        session.sign(&DIGEST).unwrap();
    });
}

#[test]
fn only_a_private_object_can_ask_for_it() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let open = Known::p256().private.flag(ck::CKA_ALWAYS_AUTHENTICATE, true).private(false);
        assert_eq!(code(session.create(&open)), ck::CKR_TEMPLATE_INCONSISTENT);
        let key = session.create(&Known::p256().private).unwrap();
        let asks = Template::new().flag(ck::CKA_ALWAYS_AUTHENTICATE, true);
        assert_eq!(code(session.set(key, &asks)), ck::CKR_ATTRIBUTE_READ_ONLY);
    });
}

#[test]
fn calls_without_an_operation_that_could_wait_for_it_are_refused() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let careful = Template::new().flag(ck::CKA_ALWAYS_AUTHENTICATE, true);
        let bits = Template::new().ulong(ck::CKA_MODULUS_BITS, 1024);
        let generator = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
        let (public, private) = session.generate_key_pair(&generator, &bits, &careful).unwrap();
        let inner = session.create(&Template::secret_key(ck::CKK_AES, &[5; 16]).extractable(true)).unwrap();
        let oaep = Mechanism::oaep(ck::CKM_SHA256, ck::CKG_MGF1_SHA256, b"");
        let wrapped = session.wrap(&oaep, public, inner).unwrap();
        let params = Template::new().bytes(ck::CKA_EC_PARAMS, curve::P256);
        let generator = Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN);
        let (peer, agreeing) = session.generate_key_pair(&generator, &params, &careful).unwrap();
        let point = session.bytes(peer, ck::CKA_EC_POINT).unwrap();
        let before = session.find(&Template::new()).unwrap();
        let template = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES);
        for _ in 0..2 {
            let unwrapped = session.unwrap(&oaep, private, &wrapped, &template);
            assert_eq!(code(unwrapped), ck::CKR_USER_NOT_LOGGED_IN);
            let ecdh = Mechanism::ecdh1(ck::CKM_ECDH1_DERIVE, ck::CKD_SHA256_KDF, b"", &point);
            let derived = session.derive(&ecdh, agreeing, &template.clone().ulong(ck::CKA_VALUE_LEN, 16));
            assert_eq!(code(derived), ck::CKR_USER_NOT_LOGGED_IN);
            let login = session.login(ck::CKU_CONTEXT_SPECIFIC, USER_PIN);
            assert_eq!(code(login), ck::CKR_OPERATION_NOT_INITIALIZED);
        }
        assert_eq!(session.find(&Template::new()).unwrap(), before);
    });
}
