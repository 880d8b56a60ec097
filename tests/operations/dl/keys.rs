//! Keys and domain parameters as objects: made, imported, wrapped, and refused.

use crate::dl::{Group, less_one, parameters, value};
use kit::{Judge, Mechanism, Template, ck, code, isolated, judge};

/// Key type, what makes pairs and parameters, and openssl's options for a key.
const KINDS: [(ck::CK_KEY_TYPE, &[&str]); 3] = [
    (ck::CKK_DH, &["-algorithm", "DH", "-pkeyopt", "group:ffdhe2048"]),
    (ck::CKK_X9_42_DH, &["-algorithm", "DHX", "-pkeyopt", "dh_rfc5114:2"]),
    (ck::CKK_DSA, &[]),
];

fn foreign(openssl: &Judge, key_type: ck::CK_KEY_TYPE, options: &[&str]) -> judge::Foreign {
    if key_type != ck::CKK_DSA {
        return openssl.key(options);
    }
    let pkeyopt = ["-pkeyopt", "dsa_paramgen_bits:1024", "-pkeyopt", "dsa_paramgen_q_bits:160"];
    // PEM, whatever one asks for.
    openssl.key_of(&openssl.parameters(&[&["genpkey", "-genparam", "-algorithm", "DSA"], &pkeyopt[..]].concat()))
}

#[test]
fn a_foreign_key_is_taken_apart_and_whole_and_wrapped_again() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let openssl = Judge::new();
        let kek = session.aes(&[7; 32]);
        let kwp = Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP);
        for (key_type, options) in KINDS {
            let foreign = foreign(&openssl, key_type, options);
            let (group, public) = Group::of(key_type, &foreign.public_key_info);
            let pkcs8 = openssl.private_key_info(&foreign);
            let secret = judge::integers(&pkcs8).pop().unwrap();
            // In numbers, some with zeros in front.
            let half = session.create(&group.key(ck::CKO_PUBLIC_KEY, &[&[0], &public[..]].concat())).unwrap();
            assert_eq!(value(&session, half), public);
            let given = group.key(ck::CKO_PRIVATE_KEY, &[&[0], &secret[..]].concat());
            let private = session.create(&given.sensitive(false).extractable(true)).unwrap();
            assert_eq!(value(&session, private), secret);
            assert_eq!(session.public_key_info(private), session.public_key_info(half));
            assert_eq!(Group::of(key_type, &session.public_key_info(half)).1, public);
            assert!(openssl.takes(&session.public_key_info(half)));
            // As PKCS #8.
            let wrapped = session.encrypt_with(&kwp, kek, &pkcs8).unwrap();
            let template = Template::new().class(ck::CKO_PRIVATE_KEY).key_type(key_type).sensitive(false);
            let unwrapped = session.unwrap(&kwp, kek, &wrapped, &template).unwrap();
            assert_eq!(value(&session, unwrapped), secret);
            assert_eq!(session.bytes(unwrapped, ck::CKA_PRIME).unwrap(), group.p);
            let plain = session.decrypt_with(&kwp, kek, &session.wrap(&kwp, kek, private).unwrap()).unwrap();
            assert_eq!(judge::integers(&plain).pop().unwrap(), secret);
            // A key of another type, and junk.
            for (other, _) in KINDS.into_iter().filter(|(other, _)| *other != key_type) {
                let template = Template::new().class(ck::CKO_PRIVATE_KEY).key_type(other);
                let refused = session.unwrap(&kwp, kek, &wrapped, &template).unwrap_err();
                assert_eq!(refused, ck::CKR_WRAPPED_KEY_INVALID);
            }
            let wrapped = session.encrypt_with(&kwp, kek, &pkcs8[..pkcs8.len() - 1]).unwrap();
            assert_eq!(code(session.unwrap(&kwp, kek, &wrapped, &template)), ck::CKR_WRAPPED_KEY_INVALID);
        }
    });
}

#[test]
fn domain_parameters_are_made_kept_and_used() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (key_type, of, bits, order, expected) in [
            (ck::CKK_DH, ck::CKM_DH_PKCS_PARAMETER_GEN, 512, 0, 0),
            (ck::CKK_DH, ck::CKM_DH_PKCS_PARAMETER_GEN, 3072, 0, 0),
            (ck::CKK_X9_42_DH, ck::CKM_X9_42_DH_PARAMETER_GEN, 1024, 160, 160),
            (ck::CKK_DSA, ck::CKM_DSA_PARAMETER_GEN, 1024, 0, 160),
        ] {
            let made = parameters(&session, of, bits, order);
            let group = Group::at(&session, key_type, made);
            let imported = group.template().class(ck::CKO_DOMAIN_PARAMETERS).key_type(key_type).token(true);
            let imported = session.create(&imported).unwrap();
            for (object, local) in [(made, true), (imported, false)] {
                assert_eq!(session.ulong(object, ck::CKA_CLASS).unwrap(), ck::CKO_DOMAIN_PARAMETERS);
                assert_eq!(session.ulong(object, ck::CKA_KEY_TYPE).unwrap(), key_type);
                assert_eq!(session.ulong(object, ck::CKA_PRIME_BITS).unwrap(), bits);
                assert_eq!(session.flag(object, ck::CKA_LOCAL).unwrap(), local);
                assert!(!session.flag(object, ck::CKA_PRIVATE).unwrap());
                let order = session.ulong(object, ck::CKA_SUBPRIME_BITS);
                assert_eq!(
                    order,
                    if expected == 0 { Err(kit::Rv(ck::CKR_ATTRIBUTE_TYPE_INVALID)) } else { Ok(expected) }
                );
                let generated = session.ulong(object, ck::CKA_KEY_GEN_MECHANISM).unwrap_err();
                assert_eq!(generated, ck::CKR_ATTRIBUTE_TYPE_INVALID);
                // They are no key.
                let wrapped = session.wrap(&Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP), session.aes(&[1; 16]), object);
                assert_eq!(code(wrapped), ck::CKR_KEY_HANDLE_INVALID);
                let used = session.sign_init(&Mechanism::plain(ck::CKM_DSA_SHA1), object).unwrap_err();
                assert_eq!(used, ck::CKR_KEY_HANDLE_INVALID);
            }
            group.pair(&session);
            let found = session.find(&Template::new().class(ck::CKO_DOMAIN_PARAMETERS).bytes(ck::CKA_PRIME, &group.p));
            assert_eq!(found.unwrap().len(), 2);
        }
    });
}

#[test]
fn sizes_that_are_not_made_have_their_codes() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for (of, bits, order) in [
            (ck::CKM_DH_PKCS_PARAMETER_GEN, 511, 0),
            (ck::CKM_DH_PKCS_PARAMETER_GEN, 8193, 0),
            (ck::CKM_DH_PKCS_PARAMETER_GEN, u64::MAX, 0),
            (ck::CKM_X9_42_DH_PARAMETER_GEN, 512, 160),
            (ck::CKM_X9_42_DH_PARAMETER_GEN, 1024, 256),
            (ck::CKM_DSA_PARAMETER_GEN, 512, 0),
            (ck::CKM_DSA_PARAMETER_GEN, 2048, 160),
            (ck::CKM_DSA_PARAMETER_GEN, 4096, 256),
        ] {
            let template = Template::new().ulong(ck::CKA_PRIME_BITS, bits);
            let template = if order == 0 { template } else { template.ulong(ck::CKA_SUBPRIME_BITS, order) };
            let refused = session.generate_key(&Mechanism::plain(of), &template).unwrap_err();
            assert_eq!(refused, ck::CKR_KEY_SIZE_RANGE, "{of:#x} {bits} {order}");
            let silent = session.generate_key(&Mechanism::plain(of), &Template::new()).unwrap_err();
            assert_eq!(silent, ck::CKR_TEMPLATE_INCOMPLETE);
            let class = template.clone().class(ck::CKO_SECRET_KEY);
            assert_eq!(code(session.generate_key(&Mechanism::plain(of), &class)), ck::CKR_TEMPLATE_INCONSISTENT);
        }
    });
}

#[test]
fn parameters_and_private_values_that_cannot_be_are_refused() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let dsa = Group::at(&session, ck::CKK_DSA, parameters(&session, ck::CKM_DSA_PARAMETER_GEN, 1024, 160));
        let q = dsa.q.clone().unwrap();
        let mut other = q.clone();
        other[10] ^= 1;
        let changed = |change: fn(&mut Group, &[u8]), to: &[u8]| {
            let mut group = dsa.clone();
            change(&mut group, to);
            group
        };
        let wrong = [
            changed(|group, to| group.p = to.to_vec(), &less_one(&dsa.p)),
            changed(|group, to| group.p = to.to_vec(), &dsa.p[..64]),
            changed(|group, to| group.p = to.to_vec(), &[0xff; 2000]),
            changed(|group, to| group.q = Some(to.to_vec()), &other),
            changed(|group, to| group.q = Some(to.to_vec()), &[3]),
            changed(|group, to| group.g = to.to_vec(), &[2]),
            changed(|group, to| group.g = to.to_vec(), &[1]),
            changed(|group, to| group.g = to.to_vec(), &dsa.p),
        ];
        for group in &wrong {
            let refused = ck::CKR_DOMAIN_PARAMS_INVALID;
            let of = Mechanism::plain(ck::CKM_DSA_KEY_PAIR_GEN);
            let pair = session.generate_key_pair(&of, &group.template(), &Template::new());
            assert_eq!(code(pair), refused);
            let kept = group.template().class(ck::CKO_DOMAIN_PARAMETERS).key_type(ck::CKK_DSA);
            assert_eq!(code(session.create(&kept)), refused);
            for class in [ck::CKO_PUBLIC_KEY, ck::CKO_PRIVATE_KEY] {
                assert_eq!(code(session.create(&group.key(class, &[5]))), refused);
            }
        }
        for value in [&[0][..], &q, &[0xff; 20]] {
            let key = dsa.key(ck::CKO_PRIVATE_KEY, value);
            assert_eq!(code(session.create(&key)), ck::CKR_ATTRIBUTE_VALUE_INVALID);
        }
        let key = dsa.key(ck::CKO_PRIVATE_KEY, &[5]).without(ck::CKA_SUBPRIME);
        assert_eq!(code(session.create(&key)), ck::CKR_TEMPLATE_INCOMPLETE);
        let told =
            dsa.template().class(ck::CKO_DOMAIN_PARAMETERS).key_type(ck::CKK_DSA).ulong(ck::CKA_PRIME_BITS, 1024);
        assert_eq!(code(session.create(&told)), ck::CKR_ATTRIBUTE_READ_ONLY);
        let torn = session.generate_key_pair(
            &Mechanism::plain(ck::CKM_DSA_KEY_PAIR_GEN),
            &dsa.template(),
            &Template::new().bytes(ck::CKA_BASE, [2]),
        );
        assert_eq!(code(torn), ck::CKR_TEMPLATE_INCONSISTENT);
    });
}

#[test]
fn a_template_may_say_how_long_a_private_value_is() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let group = parameters(&session, ck::CKM_DH_PKCS_PARAMETER_GEN, 2048, 0);
        let group = Group::at(&session, ck::CKK_DH, group);
        let of = Mechanism::plain(ck::CKM_DH_PKCS_KEY_PAIR_GEN);
        let open = Template::new().sensitive(false).extractable(true);
        for (asked, made) in [(None, 225), (Some(0), 225), (Some(160), 160), (Some(301), 301), (Some(2046), 2046)] {
            let private = asked.iter().fold(open.clone(), |template, bits| template.ulong(ck::CKA_VALUE_BITS, *bits));
            let (_, private) = session.generate_key_pair(&of, &group.template(), &private).unwrap();
            assert_eq!(session.ulong(private, ck::CKA_VALUE_BITS).unwrap(), made);
            let value = value(&session, private);
            assert_eq!(value.len() * 8 - value[0].leading_zeros() as usize, made as usize);
            // An import finds it out.
            let imported = session.create(&group.key(ck::CKO_PRIVATE_KEY, &value)).unwrap();
            assert_eq!(session.ulong(imported, ck::CKA_VALUE_BITS).unwrap(), made);
        }
        for asked in [1, 159, 2047, 2048, u64::MAX] {
            let private = open.clone().ulong(ck::CKA_VALUE_BITS, asked);
            let refused = session.generate_key_pair(&of, &group.template(), &private).unwrap_err();
            assert_eq!(refused, ck::CKR_ATTRIBUTE_VALUE_INVALID, "{asked}");
        }
    });
}
