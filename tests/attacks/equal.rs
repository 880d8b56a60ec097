//! Whether two keys are the same can be seen without reading either. An attacker makes the same key of a guarded one in
//! two ways, of which the second has his guess for a single byte in it, and so finds one byte after the other.

use kit::{Field, Mechanism, Object, Result, Session, Template, ck, code, isolated};

const SECRET: [u8; 16] = *b"0123456789abcdef";

fn secret(key_type: ck::CK_KEY_TYPE) -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(key_type)
}

/// What comes of a guarded key is guarded; of another it need not be.
fn generic(session: &Session<'_>, of: Object) -> Template {
    let extractable = session.flag(of, ck::CKA_EXTRACTABLE).unwrap();
    secret(ck::CKK_GENERIC_SECRET).flag(ck::CKA_DERIVE, true).extractable(extractable)
}

fn guarded() -> Template {
    Template::new().sensitive(true).extractable(false)
}

fn open() -> Template {
    Template::new().sensitive(false).extractable(true)
}

fn base(session: &Session<'_>, more: &Template) -> Object {
    let key = Template::secret_key(ck::CKK_GENERIC_SECRET, &SECRET).flag(ck::CKA_DERIVE, true);
    session.create(&key.and(more)).unwrap()
}

/// The same for the same value.
fn print(session: &Session<'_>, key: Object) -> Vec<u8> {
    let print = session.sign_with(&Mechanism::plain(ck::CKM_SHA256_HMAC), key, b"any").unwrap();
    session.destroy(key).unwrap();
    print
}

fn turned(session: &Session<'_>, key: Object, bytes: usize, length: usize) -> Result<Object> {
    let start = Mechanism::number(ck::CKM_EXTRACT_KEY_FROM_KEY, 8 * bytes as ck::CK_ULONG);
    session.derive(&start, key, &generic(session, key).ulong(ck::CKA_VALUE_LEN, length as ck::CK_ULONG))
}

/// Turned by a byte and then lengthened by one, or lengthened first: the same if it was lengthened by its first byte.
fn by_turning(session: &Session<'_>, key: Object) -> Result<Vec<u8>> {
    let mut found = Vec::new();
    while found.len() < SECRET.len() {
        let from = turned(session, key, found.len(), 16)?;
        let next_first = turned(session, from, 1, 16)?;
        let next = (0..=255u8).find(|guess| {
            let longer = Mechanism::with_data(ck::CKM_CONCATENATE_BASE_AND_DATA, &[*guess]);
            let one = session.derive(&longer, next_first, &generic(session, key)).unwrap();
            let two = session.derive(&longer, from, &generic(session, key)).unwrap();
            let two = turned(session, two, 1, 17).unwrap();
            print(session, one) == print(session, two)
        });
        found.push(next.expect("a byte that fits"));
    }
    Ok(found)
}

/// Turned by whole blocks only, but with bytes of choice before it, so that it is cut where the attacker likes. What is
/// turned and then lengthened is the same as what is lengthened first, if both were by what comes next.
fn by_turning_blocks(session: &Session<'_>, key: Object) -> Result<Vec<u8>> {
    let put = |of, key, data: &[u8]| session.derive(&Mechanism::with_data(of, data), key, &generic(session, key));
    let (before, behind) = (ck::CKM_CONCATENATE_DATA_AND_BASE, ck::CKM_CONCATENATE_BASE_AND_DATA);
    let mut found: Vec<u8> = Vec::new();
    while found.len() < SECRET.len() {
        let padding = vec![0; 15 - found.len()];
        let padded = put(before, key, &padding)?;
        let padded = put(behind, padded, &vec![0; found.len() + 1])?;
        let turned_first = turned(session, padded, 16, 32)?;
        let next = (0..=255u8).find(|guess| {
            let block = [&padding[..], &found, &[*guess]].concat();
            let one = put(behind, turned_first, &block).unwrap();
            let two = turned(session, put(behind, padded, &block).unwrap(), 16, 48).unwrap();
            print(session, one) == print(session, two)
        });
        found.push(next.expect("a byte that fits"));
    }
    Ok(found)
}

#[test]
fn a_guarded_key_is_not_found_by_turning_it() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for way in [by_turning, by_turning_blocks] {
            assert_eq!(way(&session, base(&session, &open())).unwrap(), SECRET);
            let found = way(&session, base(&session, &guarded()));
            if let Ok(found) = found {
                panic!("the key: {found:02x?}");
            }
            assert_eq!(code(found), ck::CKR_MECHANISM_PARAM_INVALID);
        }
        // Pieces of what the token generated are not related either.
        let of = Template::new().ulong(ck::CKA_VALUE_LEN, 48).flag(ck::CKA_DERIVE, true).and(&guarded());
        let key = session.generate_key(&Mechanism::plain(ck::CKM_GENERIC_SECRET_KEY_GEN), &of).unwrap();
        for (bytes, length, expected) in [
            (0, 48, ck::CKR_OK),
            (16, 16, ck::CKR_OK),
            (32, 32, ck::CKR_OK),
            (1, 16, ck::CKR_MECHANISM_PARAM_INVALID),
            (8, 32, ck::CKR_MECHANISM_PARAM_INVALID),
            (40, 48, ck::CKR_MECHANISM_PARAM_INVALID),
        ] {
            assert_eq!(code(turned(&session, key, bytes, length)), expected, "{bytes} {length}");
        }
        let bits = Mechanism::number(ck::CKM_EXTRACT_KEY_FROM_KEY, 129);
        let piece = session.derive(&bits, key, &generic(&session, key).ulong(ck::CKA_VALUE_LEN, 16));
        assert_eq!(code(piece), ck::CKR_MECHANISM_PARAM_INVALID);
    });
}

fn xor(one: &[u8], other: &[u8]) -> Vec<u8> {
    one.iter().zip(other).map(|(one, other)| one ^ other).collect()
}

/// A CMAC whose key is known, over bytes of the attacker's choice, the guarded key, and more such bytes: `told` says what
/// it comes to, or something that is the same for the same MAC. The next byte of the key is the last one of a block.
/// For a guess there are two beginnings that lead to states that differ only where bytes of choice come next.
fn by_cmac(
    session: &Session<'_>,
    cmac_key: &[u8; 16],
    told: impl Fn(&[u8], &[u8]) -> Result<Vec<u8>>,
) -> Result<Vec<u8>> {
    let aes = session.aes(cmac_key);
    let ecb = Mechanism::plain(ck::CKM_AES_ECB);
    let forwards = |block: &[u8]| session.encrypt_with(&ecb, aes, block).unwrap();
    let backwards = |block: &[u8]| session.decrypt_with(&ecb, aes, block).unwrap();
    let mut found = Vec::new();
    while found.len() < SECRET.len() {
        let chosen = found.len() + 1;
        let padding = vec![0; 16 - chosen];
        let wanted = told(&[&[0; 16], &padding[..]].concat(), &vec![0; chosen])?;
        let next = (0..=255u8).find(|guess| {
            let second = [&padding[..], &found, &[*guess]].concat();
            let mut state = forwards(&xor(&forwards(&[0; 16]), &second));
            state[16 - chosen..].iter_mut().for_each(|byte| *byte ^= 1);
            let first = backwards(&xor(&backwards(&state), &second));
            told(&[&first, &padding[..]].concat(), &vec![1; chosen]).unwrap() == wanted
        });
        found.push(next.expect("a byte that fits"));
    }
    Ok(found)
}

const KNOWN: [u8; 16] = [0x77; 16];

fn known(session: &Session<'_>) -> Object {
    let key = Template::secret_key(ck::CKK_AES, &KNOWN).flag(ck::CKA_DERIVE, true);
    session.create(&key.and(&open())).unwrap()
}

/// By SP 800-108 in counter mode.
fn by_counting(session: &Session<'_>, key: Object) -> Result<Vec<u8>> {
    let cmac = known(session);
    by_cmac(session, &KNOWN, |before, behind| {
        let (before, behind) = (Field::Bytes(before.to_vec()), Field::Bytes(behind.to_vec()));
        let fields = [before, Field::Key(key.0), behind, Field::CountingIteration(false, 8)];
        let way = Mechanism::sp800_108(ck::CKM_SP800_108_COUNTER_KDF, ck::CKM_AES_CMAC, &fields, &[], &[]);
        let made = session.derive(&way, cmac, &generic(session, key).ulong(ck::CKA_VALUE_LEN, 16))?;
        Ok(print(session, made))
    })
}

/// By the first version of IKE.
fn by_ike1(session: &Session<'_>, key: Object) -> Result<Vec<u8>> {
    let cmac = known(session);
    by_cmac(session, &KNOWN, |before, behind| {
        let previous = Template::secret_key(ck::CKK_GENERIC_SECRET, before).flag(ck::CKA_DERIVE, true);
        let previous = session.create(&previous.and(&open())).unwrap();
        let way = Mechanism::ike1_prf(ck::CKM_AES_CMAC, previous.0, key.0, (behind, &[]), 0);
        let made = session.derive(&way, cmac, &generic(session, key).ulong(ck::CKA_VALUE_LEN, 16))?;
        Ok(print(session, made))
    })
}

/// A key of IKE on AES that is too long goes through a CMAC itself, under zeros (RFC 4615 section 3).
fn by_long_key(session: &Session<'_>, key: Object) -> Result<Vec<u8>> {
    by_cmac(session, &[0; 16], |before, behind| {
        let before = Mechanism::with_data(ck::CKM_CONCATENATE_DATA_AND_BASE, before);
        let behind = Mechanism::with_data(ck::CKM_CONCATENATE_BASE_AND_DATA, behind);
        let long = session.derive(&before, key, &generic(session, key))?;
        let long = session.derive(&behind, long, &generic(session, key))?;
        let way = Mechanism::ike2_prf_plus(ck::CKM_AES_CMAC, 0, b"seed");
        let made =
            session.derive(&way, long, &secret(ck::CKK_GENERIC_SECRET).ulong(ck::CKA_VALUE_LEN, 16).and(&open()))?;
        session.bytes(made, ck::CKA_VALUE)
    })
}

#[test]
fn a_guarded_key_is_not_found_in_a_block_with_bytes_of_choice() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        type Way = fn(&Session<'_>, Object) -> Result<Vec<u8>>;
        for (way, expected) in [
            (by_counting as Way, ck::CKR_MECHANISM_PARAM_INVALID),
            (by_ike1, ck::CKR_MECHANISM_PARAM_INVALID),
            (by_long_key, ck::CKR_KEY_FUNCTION_NOT_PERMITTED),
        ] {
            assert_eq!(way(&session, base(&session, &open())).unwrap(), SECRET);
            let found = way(&session, base(&session, &guarded()));
            if let Ok(found) = found {
                panic!("the key: {found:02x?}");
            }
            assert_eq!(code(found), expected);
        }
    });
}
