//! X.509 certificates (PKCS#11 3.2 section 4.6.3), made by the `openssl` command and imported as DER.

use kit::{Env, SO_PIN, Session, Template, USER_PIN, ck, code, isolated, openssl};

/// A self-signed certificate and what its parts are.
struct Certificate {
    der: Vec<u8>,
    subject: Vec<u8>,
    spki: Vec<u8>,
}

/// Names of `/CN=a common name` begin so: one RDN, a UTF8String.
const NAME: &[u8] = b"\x30\x18\x31\x16\x30\x14\x06\x03\x55\x04\x03\x0c\x0da common name";

fn certificate(env: &Env) -> Certificate {
    let key = env.file("key.pem").display().to_string();
    let arguments = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "3"];
    let der =
        openssl(&[&arguments[..], &["-subj", "/CN=a common name", "-keyout", &key, "-outform", "DER"]].concat(), b"");
    let spki = openssl(&["pkey", "-in", &key, "-pubout", "-outform", "DER"], b"");
    assert!(der.windows(NAME.len()).any(|part| part == NAME));
    Certificate { der, subject: NAME.to_vec(), spki }
}

impl Certificate {
    fn template(&self) -> Template {
        Template::new()
            .class(ck::CKO_CERTIFICATE)
            .ulong(ck::CKA_CERTIFICATE_TYPE, ck::CKC_X_509)
            .bytes(ck::CKA_SUBJECT, &self.subject)
            .bytes(ck::CKA_VALUE, &self.der)
    }
}

fn label(session: &Session<'_>, object: kit::Object) -> Vec<u8> {
    session.bytes(object, ck::CKA_LABEL).unwrap()
}

#[test]
fn a_certificate_comes_back_byte_for_byte_and_is_public() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let made = certificate(env);
        let full = made
            .template()
            .token(true)
            .label("mine")
            .id([4, 5])
            .bytes(ck::CKA_ISSUER, &made.subject)
            .bytes(ck::CKA_SERIAL_NUMBER, [2, 1, 7]);
        session.create(&full).unwrap();
        env.elsewhere(|other| {
            let session = other.open_ro(other.slot_of("test").unwrap()).unwrap();
            for wanted in [
                Template::new().class(ck::CKO_CERTIFICATE),
                Template::new().bytes(ck::CKA_SUBJECT, &made.subject),
                Template::new().bytes(ck::CKA_ISSUER, &made.subject).bytes(ck::CKA_SERIAL_NUMBER, [2, 1, 7]),
                Template::new().ulong(ck::CKA_CERTIFICATE_TYPE, ck::CKC_X_509).id([4, 5]),
                Template::new().bytes(ck::CKA_VALUE, &made.der),
            ] {
                let found = session.find(&wanted).unwrap();
                assert_eq!(found.len(), 1, "{wanted:?}");
                assert_eq!(session.bytes(found[0], ck::CKA_VALUE).unwrap(), made.der);
                assert_eq!(label(&session, found[0]), b"mine");
            }
        });
    });
}

#[test]
fn what_the_certificate_says_is_computed() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let made = certificate(env);
        let object = session.create(&made.template()).unwrap();
        assert_eq!(session.bytes(object, ck::CKA_PUBLIC_KEY_INFO).unwrap(), made.spki);
        assert_eq!(session.bytes(object, ck::CKA_SUBJECT).unwrap(), made.subject);
        let sha1 = openssl(&["dgst", "-sha1", "-binary"], &made.der);
        assert_eq!(session.bytes(object, ck::CKA_CHECK_VALUE).unwrap(), sha1[..3]);
        let with = |of, value: &[u8]| code(session.create(&made.template().bytes(of, value)));
        assert_eq!(with(ck::CKA_PUBLIC_KEY_INFO, &made.spki), ck::CKR_OK);
        assert_eq!(with(ck::CKA_PUBLIC_KEY_INFO, &made.spki[1..]), ck::CKR_ATTRIBUTE_VALUE_INVALID);
        assert_eq!(with(ck::CKA_CHECK_VALUE, &sha1[..3]), ck::CKR_OK);
        assert_eq!(with(ck::CKA_CHECK_VALUE, b"xyz"), ck::CKR_ATTRIBUTE_VALUE_INVALID);
        let none = session.create(&made.template().bytes(ck::CKA_CHECK_VALUE, [])).unwrap();
        assert_eq!(session.bytes(none, ck::CKA_CHECK_VALUE).unwrap(), b"");
    });
}

#[test]
fn defaults_of_a_certificate() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let object = session.create(&certificate(env).template()).unwrap();
        for (of, value) in [
            (ck::CKA_PRIVATE, false),
            (ck::CKA_TOKEN, false),
            (ck::CKA_MODIFIABLE, true),
            (ck::CKA_COPYABLE, true),
            (ck::CKA_DESTROYABLE, true),
            (ck::CKA_TRUSTED, false),
        ] {
            assert_eq!(session.flag(object, of).unwrap(), value, "{of:#x}");
        }
        for empty in [ck::CKA_LABEL, ck::CKA_ID, ck::CKA_ISSUER, ck::CKA_SERIAL_NUMBER, ck::CKA_URL] {
            assert_eq!(session.bytes(object, empty).unwrap(), b"", "{empty:#x}");
        }
        assert_eq!(session.ulong(object, ck::CKA_CERTIFICATE_CATEGORY).unwrap(), 0);
        assert_eq!(session.ulong(object, ck::CKA_JAVA_MIDP_SECURITY_DOMAIN).unwrap(), 0);
    });
}

#[test]
fn a_certificate_is_there_or_it_is_said_where() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let full = certificate(env).template();
        for required in [ck::CKA_CERTIFICATE_TYPE, ck::CKA_SUBJECT, ck::CKA_VALUE] {
            assert_eq!(code(session.create(&full.clone().without(required))), ck::CKR_TEMPLATE_INCOMPLETE);
        }
        let elsewhere = full
            .clone()
            .without(ck::CKA_VALUE)
            .bytes(ck::CKA_URL, "https://example.org/x.der")
            .bytes(ck::CKA_HASH_OF_SUBJECT_PUBLIC_KEY, [1; 20]);
        assert_eq!(code(session.create(&elsewhere)), ck::CKR_TEMPLATE_INCOMPLETE);
        session.create(&elsewhere.bytes(ck::CKA_HASH_OF_ISSUER_PUBLIC_KEY, [2; 20])).unwrap();
        let openpgp = full.without(ck::CKA_CERTIFICATE_TYPE).ulong(ck::CKA_CERTIFICATE_TYPE, 77);
        assert_eq!(code(session.create(&openpgp)), ck::CKR_ATTRIBUTE_VALUE_INVALID);
    });
}

#[test]
fn a_certificate_is_not_altered_but_its_names_are() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let made = certificate(env);
        let object = session.create(&made.template().token(true)).unwrap();
        for fixed in [
            Template::new().bytes(ck::CKA_VALUE, &made.der),
            Template::new().bytes(ck::CKA_SUBJECT, &made.subject),
            Template::new().ulong(ck::CKA_CERTIFICATE_TYPE, ck::CKC_X_509),
            Template::new().ulong(ck::CKA_CERTIFICATE_CATEGORY, 1),
            Template::new().bytes(ck::CKA_URL, "x"),
            Template::new().flag(ck::CKA_TRUSTED, true),
        ] {
            assert_eq!(code(session.set(object, &fixed)), ck::CKR_ATTRIBUTE_READ_ONLY, "{fixed:?}");
        }
        let names = Template::new()
            .label("new")
            .id([1])
            .bytes(ck::CKA_ISSUER, &made.subject)
            .bytes(ck::CKA_SERIAL_NUMBER, [2, 1, 9]);
        session.set(object, &names).unwrap();
        assert_eq!(label(&session, object), b"new");
    });
}

#[test]
fn a_certificate_that_the_so_trusts_is_fixed() {
    isolated(|env| {
        let module = env.module();
        let session = module.open_rw(env.token(&module, "test")).unwrap();
        session.login(ck::CKU_SO, SO_PIN).unwrap();
        let trusted = certificate(env).template().token(true).flag(ck::CKA_TRUSTED, true);
        let object = session.create(&trusted).unwrap();
        assert_eq!(code(session.set(object, &Template::new().label("x"))), ck::CKR_ATTRIBUTE_READ_ONLY);
        session.logout().unwrap();
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        assert_eq!(code(session.set(object, &Template::new().label("x"))), ck::CKR_ATTRIBUTE_READ_ONLY);
        assert_eq!(code(session.create(&trusted)), ck::CKR_ATTRIBUTE_READ_ONLY);
        assert!(session.flag(object, ck::CKA_TRUSTED).unwrap());
    });
}

#[test]
fn a_certificate_may_be_private() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        session.create(&certificate(env).template().token(true).private(true)).unwrap();
        session.logout().unwrap();
        assert_eq!(session.find(&Template::new()).unwrap(), []);
    });
}
