//! Trust objects, and certificates that are not X.509 (PKCS#11 3.2 sections 4.6 and 4.7); classes that clients store
//! where they can.

use kit::{Template, USER_PIN, ck, code, isolated};

const TRUSTED: ck::CK_ULONG = ck::CKT_TRUSTED as ck::CK_ULONG;
const ANCHOR: ck::CK_ULONG = ck::CKT_TRUST_ANCHOR as ck::CK_ULONG;
const NOT_TRUSTED: ck::CK_ULONG = ck::CKT_NOT_TRUSTED as ck::CK_ULONG;

/// NSS's class for what it trusts, and an attribute of it.
const CKO_NSS_TRUST: ck::CK_OBJECT_CLASS = 0xce53_4353;
const CKA_TRUST_SERVER_AUTH: ck::CK_ATTRIBUTE_TYPE = 0xce53_6358;

fn trust() -> Template {
    let template = Template::new().class(ck::CKO_TRUST).bytes(ck::CKA_ISSUER, b"issuer");
    template.bytes(ck::CKA_SERIAL_NUMBER, [2, 1, 7])
}

#[test]
fn a_trust_object_says_how_far_a_certificate_is_trusted() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let silent = session.create(&trust()).unwrap();
        assert_eq!(session.ulong(silent, ck::CKA_TRUST_SERVER_AUTH).unwrap(), 0);
        assert!(!session.flag(silent, ck::CKA_PRIVATE).unwrap());
        let full =
            trust().token(true).ulong(ck::CKA_TRUST_SERVER_AUTH, ANCHOR).ulong(ck::CKA_TRUST_OCSP_SIGNING, NOT_TRUSTED);
        let full = full.bytes(ck::CKA_HASH_OF_CERTIFICATE, [7; 32]).ulong(ck::CKA_NAME_HASH_ALGORITHM, ck::CKM_SHA256);
        let object = session.create(&full).unwrap();
        session.set(object, &Template::new().ulong(ck::CKA_TRUST_CLIENT_AUTH, TRUSTED)).unwrap();
        env.elsewhere(|other| {
            let session = other.open_ro(other.slot_of("test").unwrap()).unwrap();
            session.login(ck::CKU_USER, USER_PIN).unwrap();
            let found = session.find(&trust()).unwrap();
            assert_eq!(found.len(), 1);
            assert_eq!(session.ulong(found[0], ck::CKA_TRUST_SERVER_AUTH).unwrap(), ANCHOR);
            assert_eq!(session.ulong(found[0], ck::CKA_TRUST_CLIENT_AUTH).unwrap(), TRUSTED);
            assert_eq!(session.bytes(found[0], ck::CKA_HASH_OF_CERTIFICATE).unwrap(), [7; 32]);
        });
    });
}

#[test]
fn trust_names_its_certificate() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let sha256 = |template: Template, length: usize| {
            let hash = template.bytes(ck::CKA_HASH_OF_CERTIFICATE, vec![7; length]);
            hash.ulong(ck::CKA_NAME_HASH_ALGORITHM, ck::CKM_SHA256)
        };
        let trusted = trust().ulong(ck::CKA_TRUST_CODE_SIGNING, TRUSTED);
        for (template, expected) in [
            (trust().without(ck::CKA_ISSUER), ck::CKR_TEMPLATE_INCOMPLETE),
            (trust().without(ck::CKA_SERIAL_NUMBER), ck::CKR_TEMPLATE_INCOMPLETE),
            (trusted.clone(), ck::CKR_TEMPLATE_INCOMPLETE),
            (trust().ulong(ck::CKA_TRUST_SERVER_AUTH, 5), ck::CKR_ATTRIBUTE_VALUE_INVALID),
            (sha256(trusted.clone(), 20), ck::CKR_ATTRIBUTE_VALUE_INVALID),
            (trusted.clone().bytes(ck::CKA_HASH_OF_CERTIFICATE, [7; 32]), ck::CKR_ATTRIBUTE_VALUE_INVALID),
            (sha256(trust(), 32).bytes(ck::CKA_VALUE, b"x"), ck::CKR_TEMPLATE_INCONSISTENT),
        ] {
            assert_eq!(code(session.create(&template)), expected, "{template:?}");
        }
        // SHA-1 unless something else is said.
        session.create(&trusted.clone().bytes(ck::CKA_HASH_OF_CERTIFICATE, [7; 20])).unwrap();
        session.create(&sha256(trusted, 32)).unwrap();
        let object = session.create(&trust()).unwrap();
        let more = Template::new().ulong(ck::CKA_TRUST_SERVER_AUTH, TRUSTED);
        assert_eq!(code(session.set(object, &more)), ck::CKR_TEMPLATE_INCOMPLETE);
        session.set(object, &sha256(more, 32)).unwrap();
    });
}

#[test]
fn attribute_certificates_and_wtls_ones_are_kept_as_they_are() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let of = |kind| Template::new().class(ck::CKO_CERTIFICATE).ulong(ck::CKA_CERTIFICATE_TYPE, kind);
        let attribute = of(ck::CKC_X_509_ATTR_CERT).bytes(ck::CKA_OWNER, b"owner").bytes(ck::CKA_VALUE, b"attributes");
        let wtls = of(ck::CKC_WTLS).bytes(ck::CKA_SUBJECT, b"subject").bytes(ck::CKA_VALUE, b"wtls");
        let hashes = [ck::CKA_HASH_OF_SUBJECT_PUBLIC_KEY, ck::CKA_HASH_OF_ISSUER_PUBLIC_KEY];
        let elsewhere = hashes.iter().fold(wtls.clone().without(ck::CKA_VALUE), |t, of| t.bytes(*of, [1; 20]));
        let elsewhere = elsewhere.bytes(ck::CKA_URL, b"http://example.org");
        for (template, lacking) in [
            (&attribute, &[ck::CKA_OWNER, ck::CKA_VALUE][..]),
            (&wtls, &[ck::CKA_SUBJECT, ck::CKA_VALUE]),
            (&elsewhere, &[ck::CKA_URL, hashes[0], hashes[1]]),
        ] {
            session.create(template).unwrap();
            for of in lacking {
                let template = template.clone().without(*of);
                assert_eq!(code(session.create(&template)), ck::CKR_TEMPLATE_INCOMPLETE, "{of:#x}");
            }
        }
        let object = session.create(&attribute.bytes(ck::CKA_AC_ISSUER, b"before")).unwrap();
        let change = [ck::CKA_AC_ISSUER, ck::CKA_SERIAL_NUMBER, ck::CKA_ATTR_TYPES];
        session.set(object, &change.iter().fold(Template::new(), |t, of| t.bytes(*of, b"after"))).unwrap();
        for of in change {
            assert_eq!(session.bytes(object, of).unwrap(), b"after");
        }
        for of in [ck::CKA_OWNER, ck::CKA_VALUE] {
            let change = session.set(object, &Template::new().bytes(of, b"after"));
            assert_eq!(code(change), ck::CKR_ATTRIBUTE_READ_ONLY);
        }
        assert_eq!(session.bytes(object, ck::CKA_CHECK_VALUE).unwrap().len(), 3);
        assert_eq!(code(session.bytes(object, ck::CKA_PUBLIC_KEY_INFO)), ck::CKR_ATTRIBUTE_TYPE_INVALID);
    });
}

#[test]
fn who_stores_objects_of_a_class_of_its_own_is_told_that_there_is_no_such_class() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        // With a type that nobody knows either: NSS goes on without the object after this code.
        let nss = Template::new().class(CKO_NSS_TRUST).ulong(CKA_TRUST_SERVER_AUTH, 1).token(true);
        assert_eq!(code(session.create(&nss)), ck::CKR_ATTRIBUTE_VALUE_INVALID);
        assert_eq!(session.find(&nss).unwrap(), []);
        assert_eq!(session.find(&Template::new().class(CKO_NSS_TRUST)).unwrap(), []);
        let feature = Template::new().class(ck::CKO_HW_FEATURE).ulong(ck::CKA_HW_FEATURE_TYPE, ck::CKH_CLOCK);
        assert_eq!(code(session.create(&feature)), ck::CKR_ATTRIBUTE_VALUE_INVALID);
        let known = Template::new().class(ck::CKO_DATA).ulong(CKA_TRUST_SERVER_AUTH, 1);
        assert_eq!(code(session.create(&known)), ck::CKR_ATTRIBUTE_TYPE_INVALID);
    });
}
