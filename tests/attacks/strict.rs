//! `strict = true`: one purpose per key, from its birth to its end; what follows from it for every way to make a key,
//! to change one and to wrap one.

use kit::{Env, Known, Mechanism, Module, Object, Result, SO_PIN, Session, Template, USER_PIN, ck, code, isolated};

/// One usage of each purpose, for a secret key.
const USAGES: [ck::CK_ATTRIBUTE_TYPE; 7] =
    [ck::CKA_ENCRYPT, ck::CKA_DECRYPT, ck::CKA_SIGN, ck::CKA_VERIFY, ck::CKA_WRAP, ck::CKA_UNWRAP, ck::CKA_DERIVE];

/// Those that go together.
fn together(a: ck::CK_ATTRIBUTE_TYPE, b: ck::CK_ATTRIBUTE_TYPE) -> bool {
    let pair = |of| USAGES.iter().position(|usage| *usage == of).unwrap() / 2;
    pair(a) == pair(b)
}

fn module(env: &Env) -> Module {
    env.configure("strict = true");
    env.module()
}

fn generate(session: &Session<'_>, more: &Template) -> Result<Object> {
    let template = Template::new().ulong(ck::CKA_VALUE_LEN, 32).and(more);
    session.generate_key(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &template)
}

fn rsa(session: &Session<'_>, public: &Template, private: &Template) -> Result<(Object, Object)> {
    let public = Template::new().ulong(ck::CKA_MODULUS_BITS, 1024).and(public);
    session.generate_key_pair(&Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN), &public, private)
}

fn aes() -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES)
}

fn flags(of: &[ck::CK_ATTRIBUTE_TYPE]) -> Template {
    of.iter().fold(Template::new(), |template, of| template.flag(*of, true))
}

fn kwp() -> Mechanism {
    Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP)
}

#[test]
fn two_purposes_are_refused_however_a_key_is_made() {
    isolated(|env| {
        let module = module(env);
        let session = env.user(&module);
        let kek = generate(&session, &flags(&[ck::CKA_WRAP])).unwrap();
        let base = generate(&session, &flags(&[ck::CKA_DERIVE])).unwrap();
        let key = generate(&session, &Template::new().extractable(true)).unwrap();
        let wrapped = session.wrap(&kwp(), kek, key).unwrap();
        let value = Template::new().bytes(ck::CKA_VALUE, [9; 16]);
        let hash = Mechanism::plain(ck::CKM_SHA256_KEY_DERIVATION);
        let mut conflicts = 0;
        for (at, a) in USAGES.iter().enumerate() {
            for b in &USAGES[at + 1..] {
                let both = flags(&[*a, *b]);
                let made = [
                    generate(&session, &both),
                    session.create(&aes().and(&value).and(&both)),
                    session.unwrap(&kwp(), kek, &wrapped, &aes().and(&both)),
                    session.derive(&hash, base, &aes().ulong(ck::CKA_VALUE_LEN, 32).and(&both)),
                ];
                // A wrapping key is generated; see below.
                let expected = if together(*a, *b) { ck::CKR_OK } else { ck::CKR_TEMPLATE_INCONSISTENT };
                let made = if *b == ck::CKA_UNWRAP && expected == ck::CKR_OK { &made[..1] } else { &made[..] };
                for made in made {
                    assert_eq!(code(*made), expected, "{a:#x} {b:#x}");
                }
                conflicts += usize::from(expected != ck::CKR_OK);
            }
        }
        assert_eq!(conflicts, 18);
        env.log().must_say(&["strict", "encryption and wrapping", "give it one purpose"]);
    });
}

#[test]
fn the_halves_of_a_pair_have_one_purpose_together() {
    isolated(|env| {
        let module = module(env);
        let session = env.user(&module);
        let ways = [(ck::CKA_ENCRYPT, ck::CKA_DECRYPT), (ck::CKA_VERIFY, ck::CKA_SIGN), (ck::CKA_WRAP, ck::CKA_UNWRAP)];
        for (at, (public, private)) in ways.iter().enumerate() {
            for (there, (_, other)) in ways.iter().enumerate() {
                let expected = if at == there { ck::CKR_OK } else { ck::CKR_TEMPLATE_INCONSISTENT };
                assert_eq!(code(rsa(&session, &flags(&[*public]), &flags(&[*other]))), expected);
            }
            // Who says it of one half has said it of both.
            for (one, other) in [(flags(&[*public]), Template::new()), (Template::new(), flags(&[*private]))] {
                let (public_half, private_half) = rsa(&session, &one, &other).unwrap();
                for (of, (there, back)) in ways.iter().enumerate() {
                    assert_eq!(session.flag(public_half, *there).unwrap(), of == at);
                    assert_eq!(session.flag(private_half, *back).unwrap(), of == at);
                }
            }
        }
        // Who says nothing gets a pair that signs.
        let (public, private) = rsa(&session, &Template::new(), &Template::new()).unwrap();
        let signs = Mechanism::plain(ck::CKM_SHA256_RSA_PKCS);
        let signature = session.sign_with(&signs, private, b"x").unwrap();
        session.verify_with(&signs, public, b"x", &signature).unwrap();
        let encrypts = session.encrypt_init(&Mechanism::plain(ck::CKM_RSA_PKCS), public);
        assert_eq!(code(encrypts), ck::CKR_KEY_FUNCTION_NOT_PERMITTED);
    });
}

#[test]
fn a_key_gains_no_usage_once_it_exists() {
    isolated(|env| {
        let module = module(env);
        let session = env.user(&module);
        for token in [false, true] {
            let key = generate(&session, &Template::new().token(token)).unwrap();
            let less = Template::new().flag(ck::CKA_DECRYPT, false);
            session.set(key, &less).unwrap();
            // Not even what it had: what it encrypted before may be a key by now.
            for of in USAGES.into_iter().filter(|of| *of != ck::CKA_ENCRYPT) {
                let more = flags(&[of]);
                assert_eq!(code(session.set(key, &more)), ck::CKR_TEMPLATE_INCONSISTENT, "{of:#x}");
                assert_eq!(code(session.copy(key, &more)), ck::CKR_TEMPLATE_INCONSISTENT, "{of:#x}");
            }
            session.set(key, &Template::new().label("still changes").flag(ck::CKA_ENCRYPT, true)).unwrap();
            let copy = session.copy(key, &Template::new().flag(ck::CKA_ENCRYPT, false)).unwrap();
            assert!(!session.flag(copy, ck::CKA_ENCRYPT).unwrap());
        }
        env.log().must_say(&["strict", "CKA_DECRYPT", "another key"]);
    });
}

#[test]
fn a_wrapping_key_is_made_here_or_trusted() {
    isolated(|env| {
        let module = module(env);
        let session = env.user(&module);
        let wraps = flags(&[ck::CKA_WRAP]);
        let imported = Template::secret_key(ck::CKK_AES, &[9; 32]).and(&wraps);
        for template in [imported.clone(), imported.clone().sensitive(true)] {
            assert_eq!(code(session.create(&template)), ck::CKR_TEMPLATE_INCONSISTENT);
        }
        env.log().must_say(&["strict", "wrapping key", "generate it on this token"]);
        let kek = generate(&session, &wraps).unwrap();
        let key = generate(&session, &Template::new().extractable(true).sensitive(true)).unwrap();
        let wrapped = session.wrap(&kwp(), kek, key).unwrap();
        let again = session.unwrap(&kwp(), kek, &wrapped, &aes().and(&wraps));
        assert_eq!(code(again), ck::CKR_TEMPLATE_INCONSISTENT);
        // It may unwrap what comes from elsewhere.
        let only = flags(&[ck::CKA_UNWRAP]).flag(ck::CKA_WRAP, false);
        session.create(&Template::secret_key(ck::CKK_AES, &[9; 32]).and(&only)).unwrap();
        session.logout().unwrap();
        session.login(ck::CKU_SO, SO_PIN).unwrap();
        let trusted = imported.flag(ck::CKA_TRUSTED, true).private(false);
        let trusted = session.create(&trusted).unwrap();
        session.logout().unwrap();
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        let key = generate(&session, &Template::new().extractable(true).sensitive(true)).unwrap();
        session.wrap(&kwp(), trusted, key).unwrap();
    });
}

#[test]
fn what_is_unwrapped_is_sensitive_and_nothing_opens_in_parts() {
    isolated(|env| {
        let module = module(env);
        let session = env.user(&module);
        // Extractable, so that it wraps nothing sensitive; strict all the same.
        let usual = generate(&session, &flags(&[ck::CKA_WRAP]).extractable(true)).unwrap();
        let key = generate(&session, &Template::new().extractable(true)).unwrap();
        let wrapped = session.wrap(&kwp(), usual, key).unwrap();
        let new = session.unwrap(&kwp(), usual, &wrapped, &aes()).unwrap();
        assert!(session.flag(new, ck::CKA_SENSITIVE).unwrap());
        let open = session.unwrap(&kwp(), usual, &wrapped, &aes().sensitive(false));
        assert_eq!(code(open), ck::CKR_TEMPLATE_INCONSISTENT);
        for weak in [
            Mechanism::plain(ck::CKM_AES_ECB),
            Mechanism::bytes(ck::CKM_AES_CBC, [0; 16]),
            Mechanism::bytes(ck::CKM_AES_CBC_PAD, [0; 16]),
            Mechanism::gcm(&[0; 12], b"", 128),
        ] {
            assert_eq!(code(session.wrap(&weak, usual, key)), ck::CKR_MECHANISM_INVALID);
            assert_eq!(code(session.unwrap(&weak, usual, &[0; 32], &aes())), ck::CKR_MECHANISM_INVALID);
        }
    });
}

#[test]
fn private_and_secret_keys_are_private_objects() {
    isolated(|env| {
        let module = module(env);
        let session = env.user(&module);
        let open = Template::new().private(false);
        assert_eq!(code(generate(&session, &open)), ck::CKR_TEMPLATE_INCONSISTENT);
        assert_eq!(code(rsa(&session, &Template::new(), &open)), ck::CKR_TEMPLATE_INCONSISTENT);
        assert_eq!(code(session.create(&Known::p256().private.and(&open))), ck::CKR_TEMPLATE_INCONSISTENT);
        env.log().must_say(&["strict", "readable without a PIN"]);
        session.create(&Known::p256().public).unwrap();
        session.create(&Template::new().class(ck::CKO_DATA).private(false)).unwrap();
    });
}

#[test]
fn a_key_from_before_works_but_what_is_made_of_it_obeys() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        generate(&session, &Template::new().token(true).label("before")).unwrap();
        module.finalize().unwrap();
        env.configure("strict = true");
        module.initialize().unwrap();
        let session = module.open_rw(module.slots().unwrap()[0]).unwrap();
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        let key = session.find(&Template::new().label("before")).unwrap()[0];
        let ecb = Mechanism::plain(ck::CKM_AES_ECB);
        let sealed = session.encrypt_with(&ecb, key, &[1; 16]).unwrap();
        assert_eq!(session.decrypt_with(&ecb, key, &sealed).unwrap(), [1; 16]);
        assert_eq!(code(session.copy(key, &Template::new())), ck::CKR_TEMPLATE_INCONSISTENT);
        let others = [ck::CKA_SIGN, ck::CKA_VERIFY, ck::CKA_WRAP, ck::CKA_UNWRAP];
        let less = others.iter().fold(Template::new(), |template, of| template.flag(*of, false));
        session.copy(key, &less).unwrap();
        session.set(key, &less).unwrap();
    });
}
