//! Objects that are there without being stored: mechanisms and profiles (PKCS#11 3.2 sections 4.3 and 4.12). No
//! hardware feature is one: the token has no clock and no display.

use kit::{Known, Mechanism, Object, Session, Template, ck, code, isolated};

const PROFILES: [ck::CK_ULONG; 4] =
    [ck::CKP_BASELINE_PROVIDER, ck::CKP_EXTENDED_PROVIDER, ck::CKP_AUTHENTICATION_TOKEN, ck::CKP_HKDF_TLS_TOKEN];

fn class(class: ck::CK_OBJECT_CLASS) -> Template {
    Template::new().class(class)
}

fn profiles(session: &Session<'_>) -> Vec<ck::CK_ULONG> {
    let found = session.find(&class(ck::CKO_PROFILE)).unwrap();
    let mut ids: Vec<_> = found.iter().map(|profile| session.ulong(*profile, ck::CKA_PROFILE_ID).unwrap()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn every_mechanism_is_an_object_for_who_asks_for_mechanisms() {
    isolated(|env| {
        env.configure("mechanisms = \"-RSA_PKCS\"");
        let module = env.module();
        let session = module.open_ro(env.token(&module, "test")).unwrap();
        let found = session.find(&class(ck::CKO_MECHANISM)).unwrap();
        let mut types: Vec<_> =
            found.iter().map(|object| session.ulong(*object, ck::CKA_MECHANISM_TYPE).unwrap()).collect();
        let mut list = module.mechanisms(0).unwrap();
        types.sort_unstable();
        list.sort_unstable();
        assert_eq!(types, list);
        let one = |of| session.find(&Template::new().ulong(ck::CKA_MECHANISM_TYPE, of)).unwrap();
        assert_eq!(one(ck::CKM_SHA256).len(), 1);
        assert_eq!(
            one(ck::CKM_SHA256),
            session.find(&class(ck::CKO_MECHANISM).ulong(ck::CKA_MECHANISM_TYPE, ck::CKM_SHA256)).unwrap()
        );
        assert_eq!(one(ck::CKM_RSA_PKCS), []);
        assert_eq!(session.ulong(one(ck::CKM_SHA256)[0], ck::CKA_CLASS).unwrap(), ck::CKO_MECHANISM);
        assert_eq!(code(session.bytes(one(ck::CKM_SHA256)[0], ck::CKA_LABEL)), ck::CKR_ATTRIBUTE_TYPE_INVALID);
        assert!(session.size(one(ck::CKM_SHA256)[0]).unwrap() > 0);
    });
}

#[test]
fn the_profiles_are_those_that_are_kept() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        assert_eq!(profiles(&session), PROFILES);
        let baseline = Template::new().ulong(ck::CKA_PROFILE_ID, ck::CKP_BASELINE_PROVIDER);
        assert_eq!(session.find(&baseline).unwrap().len(), 1);
        let complete = Template::new().ulong(ck::CKA_PROFILE_ID, ck::CKP_COMPLETE_PROVIDER);
        assert_eq!(session.find(&complete).unwrap(), []);
        // Certificates that can be chosen before a PIN is asked for.
        let certificate = |id: u8| {
            let template = class(ck::CKO_CERTIFICATE).ulong(ck::CKA_CERTIFICATE_TYPE, ck::CKC_X_509).token(true);
            template.bytes(ck::CKA_SUBJECT, b"0").bytes(ck::CKA_VALUE, b"0").id([id])
        };
        let with_certificates = [&PROFILES[..3], &[ck::CKP_PUBLIC_CERTIFICATES_TOKEN], &PROFILES[3..]].concat();
        session.create(&certificate(1)).unwrap();
        assert_eq!(profiles(&session), PROFILES, "no key has its ID");
        session.create(&Known::p256().private.token(true).id([1])).unwrap();
        assert_eq!(profiles(&session), PROFILES, "only a PIN shows the key");
        session.create(&Known::p256().public.token(true).id([1])).unwrap();
        assert_eq!(profiles(&session), with_certificates);
        session.create(&Known::p256().public.token(true)).unwrap();
        let nameless = session.create(&certificate(1).without(ck::CKA_ID)).unwrap();
        assert_eq!(profiles(&session), PROFILES, "no ID is no ID of a key");
        session.destroy(nameless).unwrap();
        let private = session.create(&certificate(1).private(true)).unwrap();
        assert_eq!(profiles(&session), PROFILES, "one is private");
        session.destroy(private).unwrap();
        assert_eq!(profiles(&session), with_certificates);
        module.finalize().unwrap();
        env.configure("mechanisms = \"-HKDF_DERIVE\"");
        module.initialize().unwrap();
        let session = module.open_ro(module.slots().unwrap()[0]).unwrap();
        assert!(!profiles(&session).contains(&ck::CKP_HKDF_TLS_TOKEN));
    });
}

#[test]
fn a_search_for_anything_else_does_not_find_them() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for template in [
            Template::new(),
            Template::new().token(true),
            Template::new().token(false),
            Template::new().private(false),
            Template::new().label(""),
            class(ck::CKO_DATA),
            class(ck::CKO_HW_FEATURE),
            class(ck::CKO_DATA).ulong(ck::CKA_MECHANISM_TYPE, ck::CKM_SHA256),
            class(ck::CKO_MECHANISM).token(true),
            class(ck::CKO_PROFILE).ulong(ck::CKA_MECHANISM_TYPE, ck::CKM_SHA256),
        ] {
            assert_eq!(session.find(&template).unwrap(), [], "{template:?}");
        }
    });
}

#[test]
fn nobody_makes_changes_copies_or_destroys_one() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for built_in in [
            class(ck::CKO_MECHANISM).ulong(ck::CKA_MECHANISM_TYPE, ck::CKM_SHA256),
            class(ck::CKO_PROFILE).ulong(ck::CKA_PROFILE_ID, ck::CKP_BASELINE_PROVIDER),
        ] {
            assert_eq!(code(session.create(&built_in)), ck::CKR_ATTRIBUTE_VALUE_INVALID);
            let object = session.find(&built_in).unwrap()[0];
            let name = Template::new().label("mine");
            assert_eq!(code(session.set(object, &name)), ck::CKR_ACTION_PROHIBITED);
            assert_eq!(code(session.copy(object, &name)), ck::CKR_ACTION_PROHIBITED);
            assert_eq!(code(session.destroy(object)), ck::CKR_ACTION_PROHIBITED);
            assert_eq!(session.find(&built_in).unwrap(), [object]);
            let ecb = Mechanism::plain(ck::CKM_AES_ECB);
            assert_eq!(code(session.encrypt_init(&ecb, object)), ck::CKR_KEY_HANDLE_INVALID);
            assert_eq!(code(session.wrap(&ecb, session.aes(&[1; 16]), object)), ck::CKR_KEY_HANDLE_INVALID);
            // Not a handle of any.
            let none = Object(object.0 | 0x0fff_ffff);
            assert_eq!(code(session.bytes(none, ck::CKA_CLASS)), ck::CKR_OBJECT_HANDLE_INVALID);
            assert_eq!(code(session.destroy(none)), ck::CKR_OBJECT_HANDLE_INVALID);
        }
    });
}
