//! CKM_PUB_KEY_FROM_PRIV_KEY (PKCS#11 3.2 section 6.44): the public half of a private key, made anew.

use kit::{Known, Mechanism, Object, Session, Template, ck, code, curve, isolated};

const FROM: ck::CK_MECHANISM_TYPE = ck::CKM_PUB_KEY_FROM_PRIV_KEY;

fn derive(session: &Session<'_>, private: Object, template: &Template) -> kit::Result<Object> {
    session.derive(&Mechanism::plain(FROM), private, template)
}

/// Pairs of every type, and what their public halves are made of.
fn pairs(session: &Session<'_>) -> Vec<((Object, Object), &'static [ck::CK_ATTRIBUTE_TYPE])> {
    const RSA: &[ck::CK_ATTRIBUTE_TYPE] = &[ck::CKA_MODULUS, ck::CKA_PUBLIC_EXPONENT, ck::CKA_MODULUS_BITS];
    const CURVE: &[ck::CK_ATTRIBUTE_TYPE] = &[ck::CKA_EC_PARAMS, ck::CKA_EC_POINT];
    const PQ: &[ck::CK_ATTRIBUTE_TYPE] = &[ck::CKA_PARAMETER_SET, ck::CKA_VALUE];
    const FIELD: &[ck::CK_ATTRIBUTE_TYPE] = &[ck::CKA_PRIME, ck::CKA_BASE, ck::CKA_VALUE, ck::CKA_SUBPRIME];
    let ec = |generator, params| (session.curve_pair(generator, params), CURVE);
    vec![
        (session.rsa_pair(1024), RSA),
        ec(ck::CKM_EC_KEY_PAIR_GEN, curve::P256),
        ec(ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, curve::ED448),
        ec(ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve::X25519),
        (session.pq_pair(ck::CKM_ML_KEM_KEY_PAIR_GEN, ck::CKP_ML_KEM_768), PQ),
        (session.pq_pair(ck::CKM_ML_DSA_KEY_PAIR_GEN, ck::CKP_ML_DSA_65), PQ),
        (session.pq_pair(ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKP_SLH_DSA_SHAKE_128F), PQ),
        (session.domain_pair(ck::CKM_DH_PKCS_PARAMETER_GEN, ck::CKM_DH_PKCS_KEY_PAIR_GEN, 512), &FIELD[..3]),
        (session.domain_pair(ck::CKM_X9_42_DH_PARAMETER_GEN, ck::CKM_X9_42_DH_KEY_PAIR_GEN, 1024), FIELD),
        (session.domain_pair(ck::CKM_DSA_PARAMETER_GEN, ck::CKM_DSA_KEY_PAIR_GEN, 1024), FIELD),
    ]
}

#[test]
fn the_public_half_of_every_type_is_what_it_was() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for ((public, private), values) in pairs(&session) {
            let key = derive(&session, private, &Template::new()).unwrap();
            assert_eq!(session.ulong(key, ck::CKA_CLASS).unwrap(), ck::CKO_PUBLIC_KEY);
            for of in values.iter().chain(&[ck::CKA_KEY_TYPE, ck::CKA_PUBLIC_KEY_INFO, ck::CKA_KEY_GEN_MECHANISM]) {
                assert_eq!(session.bytes(key, *of).unwrap(), session.bytes(public, *of).unwrap(), "{of:#x}");
            }
            for (of, expected) in [
                (ck::CKA_LOCAL, false),
                (ck::CKA_TOKEN, false),
                (ck::CKA_PRIVATE, false),
                (ck::CKA_MODIFIABLE, true),
                (ck::CKA_DESTROYABLE, true),
                (ck::CKA_TRUSTED, false),
            ] {
                assert_eq!(session.flag(key, of).unwrap(), expected, "{of:#x}");
            }
        }
    });
}

#[test]
fn it_verifies_what_the_private_half_signs() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let known = [(Known::rsa(), ck::CKM_SHA256_RSA_PKCS), (Known::p256(), ck::CKM_ECDSA_SHA256)];
        for (known, of) in known.iter().map(|(known, of)| (known, Mechanism::plain(*of))) {
            let private = session.create(&known.private).unwrap();
            let public = derive(&session, private, &Template::new()).unwrap();
            assert_eq!(session.public_key_info(public), known.spki);
            let signature = session.sign_with(&of, private, b"data").unwrap();
            session.verify_with(&of, public, b"data", &signature).unwrap();
        }
    });
}

#[test]
fn usages_follow_the_private_half_unless_the_template_says_otherwise() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let public = Template::new().ulong(ck::CKA_MODULUS_BITS, 1024);
        let mechanisms = [ck::CKM_SHA256_RSA_PKCS, FROM];
        let private = Template::new()
            .id(b"id")
            .bytes(ck::CKA_SUBJECT, b"subject")
            .bytes(ck::CKA_START_DATE, b"20260101")
            .flag(ck::CKA_DECRYPT, false)
            .flag(ck::CKA_UNWRAP, false)
            .flag(ck::CKA_SIGN, true)
            .ulongs(ck::CKA_ALLOWED_MECHANISMS, &mechanisms);
        let of = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
        let (_, private) = session.generate_key_pair(&of, &public, &private).unwrap();
        // It may not derive, and need not.
        assert!(!session.flag(private, ck::CKA_DERIVE).unwrap());
        let key = derive(&session, private, &Template::new()).unwrap();
        for (of, expected) in [
            (ck::CKA_ENCRYPT, false),
            (ck::CKA_WRAP, false),
            (ck::CKA_VERIFY, true),
            (ck::CKA_VERIFY_RECOVER, true),
            (ck::CKA_ENCAPSULATE, true),
            (ck::CKA_DERIVE, false),
        ] {
            assert_eq!(session.flag(key, of).unwrap(), expected, "{of:#x}");
        }
        for of in [ck::CKA_ID, ck::CKA_SUBJECT, ck::CKA_START_DATE, ck::CKA_END_DATE, ck::CKA_ALLOWED_MECHANISMS] {
            assert_eq!(session.bytes(key, of).unwrap(), session.bytes(private, of).unwrap(), "{of:#x}");
        }
        let template = Template::new().id(b"other").label("new").token(true).private(true).flag(ck::CKA_VERIFY, false);
        let key = derive(&session, private, &template).unwrap();
        assert_eq!(session.bytes(key, ck::CKA_ID).unwrap(), b"other");
        assert!(session.flag(key, ck::CKA_TOKEN).unwrap() && session.flag(key, ck::CKA_PRIVATE).unwrap());
        assert!(!session.flag(key, ck::CKA_VERIFY).unwrap());
        assert_eq!(session.find(&Template::new().label("new").class(ck::CKO_PUBLIC_KEY)).unwrap(), [key]);
    });
}

#[test]
fn what_is_no_private_key_or_no_template_of_a_public_one_is_refused() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.curve_pair(ck::CKM_EC_KEY_PAIR_GEN, curve::P256);
        let with = |template: &Template| code(derive(&session, private, template));
        for (template, expected) in [
            (Template::new().class(ck::CKO_PRIVATE_KEY), ck::CKR_TEMPLATE_INCONSISTENT),
            (Template::new().key_type(ck::CKK_RSA), ck::CKR_TEMPLATE_INCONSISTENT),
            (Template::new().sensitive(true), ck::CKR_TEMPLATE_INCONSISTENT),
            (Template::new().bytes(ck::CKA_EC_POINT, [4; 65]), ck::CKR_ATTRIBUTE_READ_ONLY),
            (Template::new().flag(ck::CKA_TRUSTED, true), ck::CKR_ATTRIBUTE_READ_ONLY),
            (Template::new().bytes(ck::CKA_PUBLIC_KEY_INFO, [1; 9]), ck::CKR_ATTRIBUTE_VALUE_INVALID),
        ] {
            assert_eq!(with(&template), expected);
        }
        assert_eq!(with(&Template::new().class(ck::CKO_PUBLIC_KEY).key_type(ck::CKK_EC)), ck::CKR_OK);
        for key in [public, session.aes(&[1; 16])] {
            assert_eq!(code(derive(&session, key, &Template::new())), ck::CKR_KEY_TYPE_INCONSISTENT);
        }
        assert_eq!(code(derive(&session, Object(0), &Template::new())), ck::CKR_KEY_HANDLE_INVALID);
        let parameter = Mechanism::bytes(FROM, [1; 8]);
        let refused = session.derive(&parameter, private, &Template::new());
        assert_eq!(code(refused), ck::CKR_MECHANISM_PARAM_INVALID);
        let reader = module.open_ro(session.info().unwrap().slotID).unwrap();
        let refused = derive(&reader, private, &Template::new().token(true));
        assert_eq!(code(refused), ck::CKR_SESSION_READ_ONLY);
        let only = Known::p256().private.ulongs(ck::CKA_ALLOWED_MECHANISMS, &[ck::CKM_ECDSA]);
        let only = session.create(&only).unwrap();
        assert_eq!(code(derive(&session, only, &Template::new())), ck::CKR_MECHANISM_INVALID);
        let careful = Known::p256().private.flag(ck::CKA_ALWAYS_AUTHENTICATE, true);
        let careful = session.create(&careful).unwrap();
        assert_eq!(code(derive(&session, careful, &Template::new())), ck::CKR_USER_NOT_LOGGED_IN);
    });
}
