//! Keys and data by C_DeriveKey, and keys by C_EncapsulateKey and C_DecapsulateKey.

use crate::rows::birth::{Birth, Made};
use crate::rows::samples::{ONE_LENGTH, Samples, named, secret_length};
use crate::rows::table::{KINDS, Kind, Way};
use kit::{Mechanism, Object, Session, Template, ck, code, isolated};

fn secrets() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().filter(|kind| kind.class == ck::CKO_SECRET_KEY)
}

/// A base key that this token made.
fn base(session: &Session<'_>, sensitive: bool, extractable: bool) -> Object {
    let template = Template::new().ulong(ck::CKA_VALUE_LEN, 32).flag(ck::CKA_DERIVE, true);
    let template = template.sensitive(sensitive).extractable(extractable);
    session.generate_key(&Mechanism::plain(ck::CKM_GENERIC_SECRET_KEY_GEN), &template).unwrap()
}

/// Sensitive and extractable.
const EACH: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

fn hkdf(of: ck::CK_MECHANISM_TYPE) -> Mechanism {
    Mechanism::hkdf(of, (true, true), ck::CKM_SHA256, (b"", 0), b"info")
}

/// Type and length of a key, as far as derivation must be told.
fn least(kind: &Kind) -> Template {
    let key_type = kind.subtype.unwrap();
    let template =
        if key_type == ck::CKK_GENERIC_SECRET { Template::new() } else { Template::new().key_type(key_type) };
    if ONE_LENGTH.contains(&key_type) {
        return template;
    }
    template.ulong(ck::CKA_VALUE_LEN, secret_length(key_type) as ck::CK_ULONG)
}

#[test]
fn a_derived_key_says_and_its_template_gives_what_the_table_says() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (sensitive, extractable) in EACH {
            let base = base(&session, sensitive, extractable);
            for kind in secrets() {
                let by = |template: &Template| session.derive(&hkdf(ck::CKM_HKDF_DERIVE), base, template);
                let birth = Birth::new(&session, kind, Way::Derived, "HKDF_DERIVE", least(kind));
                let mut birth = birth.makes(|template| by(template).map(Made::alone));
                birth.past = (sensitive, !extractable);
                birth.holds();
            }
        }
    });
}

/// PKCS#11 3.2 section 6.44.1: one that is guarded guards the whole, and what both always were the whole always was.
#[test]
fn a_key_that_shows_two_others_is_as_guarded_as_both() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for ((s1, e1), (s2, e2)) in EACH.into_iter().flat_map(|one| EACH.map(|other| (one, other))) {
            let (one, other) = (base(&session, s1, e1), base(&session, s2, e2));
            let by = Mechanism::number(ck::CKM_CONCATENATE_BASE_AND_KEY, other.0);
            for (sensitive, extractable) in EACH {
                let made = session.derive(&by, one, &Template::new().sensitive(sensitive).extractable(extractable));
                let at = format!("{s1} {e1} {s2} {e2}: {sensitive} {extractable}");
                if !sensitive && (s1 || s2) || extractable && !(e1 && e2) {
                    assert_eq!(code(made), ck::CKR_TEMPLATE_INCONSISTENT, "{at}");
                    continue;
                }
                let flag = |of| session.flag(made.unwrap(), of).unwrap();
                assert_eq!(flag(ck::CKA_ALWAYS_SENSITIVE), s1 && s2, "{at}");
                assert_eq!(flag(ck::CKA_NEVER_EXTRACTABLE), !e1 && !e2, "{at}");
            }
            let silent = session.derive(&by, one, &Template::new()).unwrap();
            assert_eq!(session.flag(silent, ck::CKA_SENSITIVE), Ok(s1 || s2));
            assert_eq!(session.flag(silent, ck::CKA_EXTRACTABLE), Ok(false));
        }
    });
}

#[test]
fn derived_data_says_and_its_template_gives_what_the_table_says() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let base = base(&session, true, false);
        let length = Template::new().ulong(ck::CKA_VALUE_LEN, 32);
        let open = length.clone().sensitive(false).extractable(true);
        let same = session.derive(&hkdf(ck::CKM_HKDF_DERIVE), base, &open).unwrap();
        let kind = KINDS.iter().find(|kind| kind.class == ck::CKO_DATA).unwrap();
        Birth::new(&session, kind, Way::Derived, "HKDF_DATA", length)
            .says(ck::CKA_VALUE, session.bytes(same, ck::CKA_VALUE).unwrap())
            .makes(|template| session.derive(&hkdf(ck::CKM_HKDF_DATA), base, template).map(Made::alone))
            .holds();
    });
}

#[test]
fn a_public_key_that_is_derived_says_and_its_template_gives_what_the_table_says() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let samples = Samples::new(&session);
        let by = Mechanism::plain(ck::CKM_PUB_KEY_FROM_PRIV_KEY);
        for kind in KINDS.iter().filter(|kind| kind.class == ck::CKO_PUBLIC_KEY) {
            let (public, private) = samples.pair(kind.subtype.unwrap());
            let derive = |template: &Template| session.derive(&by, private, template);
            let mut birth = Birth::new(&session, kind, Way::Derived, "PUB_KEY_FROM_PRIV_KEY", Template::new());
            // They follow the private key.
            for of in [ck::CKA_DERIVE, ck::CKA_KEY_GEN_MECHANISM] {
                birth = birth.says(of, session.bytes(private, of).unwrap());
            }
            let made = |object| Made { object, public: Some(object), like: Some(public) };
            birth.makes(|template| derive(template).map(made)).holds();
            let other = code(derive(&Template::new().key_type(ck::CKK_GOSTR3410)));
            assert_eq!(other, ck::CKR_TEMPLATE_INCONSISTENT);
        }
    });
}

#[test]
fn an_encapsulated_key_says_and_its_template_gives_what_the_table_says() {
    // Not as long as what ML-KEM gives.
    const SHORTER: [ck::CK_KEY_TYPE; 6] =
        [ck::CKK_SEED, ck::CKK_DES, ck::CKK_DES2, ck::CKK_DES3, ck::CKK_CAST128, ck::CKK_IDEA];
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.pq_pair(ck::CKM_ML_KEM_KEY_PAIR_GEN, ck::CKP_ML_KEM_512);
        let by = Mechanism::plain(ck::CKM_ML_KEM);
        let readable = Template::new().extractable(true);
        let (ciphertext, same) = session.encapsulate(&by, public, &readable).unwrap();
        for kind in secrets().filter(|kind| !SHORTER.contains(&kind.subtype.unwrap())) {
            let least = least(kind).without(ck::CKA_VALUE_LEN);
            let birth = |by| {
                let birth = Birth::new(&session, kind, Way::Derived, by, least.clone());
                birth.says(ck::CKA_EXTRACTABLE, [1]).says(ck::CKA_VALUE_LEN, 32u64.to_ne_bytes())
            };
            let encapsulate = |template: &Template| session.encapsulate(&by, public, template);
            let mut encapsulated = birth("C_EncapsulateKey").makes(|it| Ok(Made::alone(encapsulate(it)?.1)));
            encapsulated.repeats = false;
            encapsulated.holds();
            let decapsulate = |template: &Template| session.decapsulate(&by, private, template, &ciphertext);
            let made = |object| Made { object, public: None, like: Some(same) };
            let mut decapsulated = birth("C_DecapsulateKey").makes(|template| decapsulate(template).map(made));
            decapsulated.wrong = ck::CKR_WRAPPED_KEY_INVALID;
            decapsulated.holds();
        }
    });
}

#[test]
fn what_is_derived_or_encapsulated_is_of_no_other_class() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let base = base(&session, false, true);
        let (public, private) = session.pq_pair(ck::CKM_ML_KEM_KEY_PAIR_GEN, ck::CKP_ML_KEM_512);
        let by = Mechanism::plain(ck::CKM_ML_KEM);
        for kind in KINDS {
            for template in [named(kind), Template::new().class(kind.class)] {
                let derived = |of| code(session.derive(&hkdf(of), base, &template));
                let refused = ck::CKR_TEMPLATE_INCONSISTENT;
                if kind.class != ck::CKO_DATA {
                    assert_eq!(derived(ck::CKM_HKDF_DATA), refused, "{template:?}");
                }
                if kind.class != ck::CKO_SECRET_KEY {
                    assert_eq!(derived(ck::CKM_HKDF_DERIVE), refused, "{template:?}");
                    assert_eq!(code(session.encapsulate(&by, public, &template)), refused, "{template:?}");
                    assert_eq!(code(session.decapsulate(&by, private, &template, &[0; 768])), refused, "{template:?}");
                }
            }
        }
    });
}
