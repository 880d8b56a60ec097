//! Keys that an attacker composes of a guarded one and bytes that he knows or chooses (CKM_CONCATENATE_*,
//! CKM_XOR_BASE_AND_DATA): old ciphers give their key away when they are keyed with several that are related.

use kit::{Chance, Mechanism, Object, Result, Session, Template, ck, code, isolated};

const SECRET: [u8; 16] = *b"0123456789abcdef";

fn base(session: &Session<'_>, value: &[u8], more: &Template) -> Object {
    session.create(&Template::secret_key(ck::CKK_AES, value).flag(ck::CKA_DERIVE, true).and(more)).unwrap()
}

fn guarded() -> Template {
    Template::new().sensitive(true).extractable(true)
}

fn open() -> Template {
    Template::new().sensitive(false).extractable(true)
}

fn secret(key_type: ck::CK_KEY_TYPE) -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(key_type)
}

fn behind(data: &[u8]) -> Mechanism {
    Mechanism::with_data(ck::CKM_CONCATENATE_DATA_AND_BASE, data)
}

fn before(data: &[u8]) -> Mechanism {
    Mechanism::with_data(ck::CKM_CONCATENATE_BASE_AND_DATA, data)
}

fn with(data: &[u8]) -> Mechanism {
    Mechanism::with_data(ck::CKM_XOR_BASE_AND_DATA, data)
}

/// RC4's key schedule, as far as the known bytes of the key go.
fn scheduled(known: &[u8]) -> ([u8; 256], u8) {
    let mut state: [u8; 256] = std::array::from_fn(|index| index as u8);
    let mut j = 0u8;
    for (i, byte) in known.iter().enumerate() {
        j = j.wrapping_add(state[i]).wrapping_add(*byte);
        state.swap(i, usize::from(j));
    }
    (state, j)
}

/// The attack of Fluhrer, Mantin and Shamir (SAC 2001), which broke WEP: `first_byte` tells the first byte of the key
/// stream under three bytes of the attacker's choice and the key. Each byte of the key after the other gets the votes
/// of those whose schedule is resolved when it is its turn.
fn fluhrer_mantin_shamir(mut first_byte: impl FnMut(&[u8; 3]) -> Result<u8>) -> Result<[u8; 16]> {
    let (mut chance, mut found) = (Chance::seeded(4), Vec::new());
    while found.len() < 16 {
        let (at, mut votes, mut asked) = (3 + found.len(), [0u32; 256], 0);
        // Most of these are resolved.
        let mut weak = (0..=255).map(|last| [at as u8, 255, last]);
        while asked < 320 {
            let chosen = weak.next().unwrap_or_else(|| (chance.number() as u32).to_le_bytes()[..3].try_into().unwrap());
            let (state, j) = scheduled(&[&chosen[..], &found].concat());
            let sum = usize::from(state[1]) + usize::from(state[usize::from(state[1])]);
            if usize::from(state[1]) >= at || sum != at {
                continue;
            }
            let output = first_byte(&chosen)?;
            let place = state.iter().position(|value| *value == output).expect("a permutation") as u8;
            votes[usize::from(place.wrapping_sub(j).wrapping_sub(state[at]))] += 1;
            asked += 1;
        }
        let best = (0..256).max_by_key(|byte| votes[*byte]).expect("256 of them");
        found.push(best as u8);
    }
    Ok(found.try_into().expect("16 bytes"))
}

/// The same on a key of the token.
fn as_wep(session: &Session<'_>, key: Object) -> Result<[u8; 16]> {
    fluhrer_mantin_shamir(|chosen| {
        let rc4 = session.derive(&behind(chosen), key, &secret(ck::CKK_RC4))?;
        let output = session.encrypt_with(&Mechanism::plain(ck::CKM_RC4), rc4, &[0])?;
        session.destroy(rc4)?;
        Ok(output[0])
    })
}

#[test]
fn a_guarded_key_is_not_found_as_one_of_wep() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        // What may be read is found.
        assert_eq!(as_wep(&session, base(&session, &SECRET, &open())).unwrap(), SECRET);
        for more in [guarded(), Template::new().sensitive(true).extractable(false), Template::new().extractable(false)]
        {
            let found = as_wep(&session, base(&session, &SECRET, &more));
            if let Ok(found) = found {
                panic!("the key: {found:02x?}");
            }
            assert_eq!(code(found), ck::CKR_TEMPLATE_INCONSISTENT);
        }
        env.log().must_say(&["CKK_RC4", "related"]);
    });
}

#[test]
fn the_first_third_of_triple_des_is_not_found_alone() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let value: [u8; 24] = std::array::from_fn(|index| 2 * index as u8 + 0x11);
        let mut difference = [0; 24];
        difference[0] = 0x42;
        let (plain, ecb) = ([7; 8], Mechanism::plain(ck::CKM_DES3_ECB));
        // Encrypted, then decrypted under a key that differs in its first third: the others do not matter (Kelsey,
        // Schneier and Wagner, CRYPTO 1996), and 56 bits are found by trial.
        let ask = |key| -> Result<Vec<u8>> {
            let (one, two) = (with(&[0; 24]), with(&difference));
            let one = session.derive(&one, key, &secret(ck::CKK_DES3))?;
            let two = session.derive(&two, key, &secret(ck::CKK_DES3))?;
            session.decrypt_with(&ecb, two, &session.encrypt_with(&ecb, one, &plain)?)
        };
        let third = |mask: u8| {
            let mut third: [u8; 8] = value[..8].try_into().unwrap();
            third[0] ^= mask;
            third.iter_mut().for_each(|byte| *byte ^= u8::from(byte.count_ones() % 2 == 0));
            session.create(&Template::secret_key(ck::CKK_DES, &third)).unwrap()
        };
        let des = Mechanism::plain(ck::CKM_DES_ECB);
        let alone = session.encrypt_with(&des, third(0), &plain).unwrap();
        let alone = session.decrypt_with(&des, third(0x42), &alone).unwrap();
        assert_eq!(ask(base(&session, &value, &open())).unwrap(), alone);
        assert_eq!(code(ask(base(&session, &value, &guarded()))), ck::CKR_TEMPLATE_INCONSISTENT);
    });
}

/// The key between so many bytes of data before it and so many behind it.
fn between(session: &Session<'_>, key: Object, data: (&[u8], &[u8]), template: &Template) -> Result<Object> {
    let generic = secret(ck::CKK_GENERIC_SECRET).flag(ck::CKA_DERIVE, true).extractable(true);
    let first = session.derive(&behind(data.0), key, &generic)?;
    let second = session.derive(&before(data.1), first, template);
    session.destroy(first)?;
    second
}

fn xor(one: &[u8], other: &[u8]) -> Vec<u8> {
    one.iter().zip(other).map(|(one, other)| one ^ other).collect()
}

/// XTS tells when its second half is guessed: two sectors then come out alike. So a key that reaches into that half by
/// one byte tells it, then by two.
fn as_xts(session: &Session<'_>, key: Object) -> Result<Vec<u8>> {
    let (mut found, sectors) = (Vec::new(), [[0; 16], [1; 16]]);
    while found.len() < 16 {
        let (first, second) = (vec![1; found.len() + 1], vec![2; 15 - found.len()]);
        let xts = between(session, key, (&first, &second), &secret(ck::CKK_AES_XTS))?;
        let next = (0..=255u8).find(|guess| {
            let half = [&[*guess], &found[..], &second].concat();
            let half = session.aes(&half);
            let tweaks = session.encrypt_with(&Mechanism::plain(ck::CKM_AES_ECB), half, &sectors.concat()).unwrap();
            let outputs = [0, 1].map(|at| {
                let mechanism = Mechanism::bytes(ck::CKM_AES_XTS, sectors[at]);
                let tweak = &tweaks[16 * at..][..16];
                xor(&session.encrypt_with(&mechanism, xts, tweak).unwrap(), tweak)
            });
            session.destroy(half).unwrap();
            outputs[0] == outputs[1]
        });
        found.insert(0, next.expect("a byte that fits"));
    }
    Ok(found)
}

#[test]
fn a_guarded_key_is_not_found_as_half_of_one_for_xts() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        assert_eq!(as_xts(&session, base(&session, &SECRET, &open())).unwrap(), SECRET);
        let found = as_xts(&session, base(&session, &SECRET, &guarded()));
        if let Ok(found) = found {
            panic!("the key: {found:02x?}");
        }
        assert_eq!(code(found), ck::CKR_TEMPLATE_INCONSISTENT);
    });
}

/// The function of TLS 1.0 adds what it makes of both halves of the secret. What two secrets with the same first half
/// come to differs by what their second halves come to, whatever the first is.
fn as_old_tls(session: &Session<'_>, key: Object) -> Result<Vec<u8>> {
    let mechanism = Mechanism::tls_master(ck::CKM_TLS_MASTER_KEY_DERIVE_DH, None, (&[1; 32], &[2; 32]), false);
    let readable = Template::new().sensitive(false).extractable(true);
    let generic = secret(ck::CKK_GENERIC_SECRET).flag(ck::CKA_DERIVE, true).extractable(true);
    let master = |key| -> Result<Vec<u8>> {
        let master = session.derive(&mechanism, key, &readable)?;
        let value = session.bytes(master, ck::CKA_VALUE)?;
        session.destroy(master)?;
        session.destroy(key)?;
        Ok(value)
    };
    let mut found = Vec::new();
    while found.len() < 16 {
        // All but the bytes that are found or looked for are in the first half.
        let at = 15 - found.len();
        let first = vec![0; 18usize.saturating_sub(2 * at)];
        let second = first.len() + 2 * at - 16;
        let data = [3, 4].map(|byte| vec![byte; second]);
        let told = data.each_ref().map(|data| master(between(session, key, (&first, data), &generic)?));
        let [one, two] = told;
        let wanted = xor(&one?, &two?);
        let next = (0..=255u8).find(|guess| {
            let guessed = data.each_ref().map(|data| {
                let value = [&vec![0; first.len() + at][..], &[*guess], &found, data].concat();
                let template = Template::secret_key(ck::CKK_GENERIC_SECRET, &value).flag(ck::CKA_DERIVE, true);
                master(session.create(&template.and(&readable)).unwrap()).unwrap()
            });
            xor(&guessed[0], &guessed[1]) == wanted
        });
        found.insert(0, next.expect("a byte that fits"));
    }
    Ok(found)
}

#[test]
fn a_guarded_key_is_not_found_as_half_of_a_secret_of_old_tls() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        assert_eq!(as_old_tls(&session, base(&session, &SECRET, &open())).unwrap(), SECRET);
        let found = as_old_tls(&session, base(&session, &SECRET, &guarded()));
        if let Ok(found) = found {
            panic!("the key: {found:02x?}");
        }
        assert_eq!(code(found), ck::CKR_KEY_FUNCTION_NOT_PERMITTED);
        // In any other use of that function.
        let generic = secret(ck::CKK_GENERIC_SECRET).flag(ck::CKA_DERIVE, true).flag(ck::CKA_SIGN, true);
        let composed = between(&session, base(&session, &SECRET, &guarded()), (&[1; 16], &[2; 16]), &generic).unwrap();
        let exporter = |prf| Mechanism::tls_kdf(ck::CKM_TLS_KDF, prf, b"EXPORTER-x", (&[1; 32], &[2; 32]), None);
        let whole = secret(ck::CKK_GENERIC_SECRET).ulong(ck::CKA_VALUE_LEN, 32);
        let refused = ck::CKR_KEY_FUNCTION_NOT_PERMITTED;
        assert_eq!(code(session.derive(&exporter(ck::CKM_TLS_PRF), composed, &whole)), refused);
        let mac = |prf| Mechanism::tls_mac(ck::CKM_TLS_MAC, prf, 12, 1);
        assert_eq!(code(session.sign_init(&mac(ck::CKM_TLS_PRF), composed)), refused);
        // That of TLS 1.2 takes it as one.
        session.derive(&exporter(ck::CKM_SHA256), composed, &whole).unwrap();
        session.sign_with(&mac(ck::CKM_SHA256), composed, b"data").unwrap();
    });
}

#[test]
fn no_old_cipher_is_keyed_with_what_is_composed_of_a_guarded_key() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = base(&session, &SECRET, &guarded());
        let zeros = [0; 16];
        let third = base(&session, &[7; 8].repeat(3), &guarded());
        let other = session.secret(&[1; 8]);
        session.set(other, &Template::new().flag(ck::CKA_DERIVE, true)).unwrap();
        let by = Mechanism::number(ck::CKM_CONCATENATE_BASE_AND_KEY, other.0);
        let cut = || Mechanism::number(ck::CKM_EXTRACT_KEY_FROM_KEY, 0);
        for (mechanism, base, length, of) in [
            (with(&zeros), key, 16, ck::CKK_DES2),
            (before(&[1; 8]), key, 24, ck::CKK_DES3),
            (by, key, 24, ck::CKK_DES3),
            (with(&[0; 24]), third, 24, ck::CKK_DES3),
            (before(&[1; 112]), key, 128, ck::CKK_RC2),
            (before(&[1; 3]), key, 19, ck::CKK_RC4),
            (cut(), key, 16, ck::CKK_RC4),
            (with(&zeros), key, 16, ck::CKK_CAST128),
            (with(&zeros), key, 16, ck::CKK_IDEA),
            (with(&zeros), key, 16, ck::CKK_BLOWFISH),
            (before(&[1; 16]), key, 32, ck::CKK_AES_XTS),
        ] {
            let derived = session.derive(&mechanism, base, &secret(of));
            let lengthened = secret(of).ulong(ck::CKA_VALUE_LEN, length);
            let lengthened = session.derive(&mechanism, base, &lengthened);
            let refused =
                |answer: &Result<Object>| answer.as_ref().is_err_and(|rv| *rv == ck::CKR_TEMPLATE_INCONSISTENT);
            assert!(refused(&derived) || refused(&lengthened), "{of:#x} {derived:?} {lengthened:?}");
        }
        // What is composed first and cut afterwards is no other key.
        let generic = session.derive(&behind(&[1; 3]), key, &secret(ck::CKK_GENERIC_SECRET)).unwrap();
        session.set(generic, &Template::new().flag(ck::CKA_DERIVE, true)).unwrap();
        let rc4 = secret(ck::CKK_RC4).ulong(ck::CKA_VALUE_LEN, 19);
        let extended = Mechanism::ike1_extended(ck::CKM_SHA256_HMAC, 0, &[]);
        for mechanism in [cut(), extended] {
            assert_eq!(code(session.derive(&mechanism, generic, &rc4)), ck::CKR_TEMPLATE_INCONSISTENT);
        }
        // Of those that stand it, and of what can be read, any.
        session.derive(&with(&zeros), key, &secret(ck::CKK_AES)).unwrap();
        session.derive(&before(&[1; 8]), base(&session, &SECRET, &open()), &secret(ck::CKK_DES3)).unwrap();
    });
}

#[test]
fn nor_after_it_was_wrapped_and_unwrapped_as_another() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = base(&session, &SECRET, &guarded());
        let wraps = Template::new().ulong(ck::CKA_VALUE_LEN, 32).flag(ck::CKA_WRAP, true).flag(ck::CKA_UNWRAP, true);
        let wraps = wraps.flag(ck::CKA_DECRYPT, false).extractable(false);
        let kek = session.generate_key(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &wraps).unwrap();
        let kwp = Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP);
        // The keys of WEP by another way.
        let found = fluhrer_mantin_shamir(|chosen| {
            let generic = secret(ck::CKK_GENERIC_SECRET).extractable(true);
            let composed = session.derive(&behind(chosen), key, &generic)?;
            let rc4 = session.unwrap(&kwp, kek, &session.wrap(&kwp, kek, composed)?, &secret(ck::CKK_RC4))?;
            let output = session.encrypt_with(&Mechanism::plain(ck::CKM_RC4), rc4, &[0])?;
            session.destroy(rc4)?;
            session.destroy(composed)?;
            Ok(output[0])
        });
        if let Ok(found) = found {
            panic!("the key: {found:02x?}");
        }
        assert_eq!(code(found), ck::CKR_KEY_NOT_WRAPPABLE);
        env.log().must_say(&["composed"]);
        // Nor a copy.
        let composed = session.derive(&with(&[1; 16]), key, &secret(ck::CKK_AES).extractable(true)).unwrap();
        for composed in [composed, session.copy(composed, &Template::new()).unwrap()] {
            assert_eq!(code(session.wrap(&kwp, kek, composed)), ck::CKR_KEY_NOT_WRAPPABLE);
        }
        // The base itself, and what is derived one way, are.
        let hash = Mechanism::plain(ck::CKM_SHA256_KEY_DERIVATION);
        let derived = session.derive(&hash, key, &secret(ck::CKK_AES).sensitive(true).extractable(true)).unwrap();
        for key in [key, derived] {
            session.wrap(&kwp, kek, key).unwrap();
        }
    });
}
