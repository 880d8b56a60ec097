//! Whether two keys are the same can be seen without reading either. An attacker makes the same key of a guarded one in
//! two ways, of which the second has his guess for a single byte in it, and so finds one byte after the other.

use kit::{Mechanism, Object, Result, Session, Template, ck, code, isolated};

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

#[test]
fn a_guarded_key_is_not_found_by_turning_it() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        assert_eq!(by_turning(&session, base(&session, &open())).unwrap(), SECRET);
        let found = by_turning(&session, base(&session, &guarded()));
        if let Ok(found) = found {
            panic!("the key: {found:02x?}");
        }
        assert_eq!(code(found), ck::CKR_MECHANISM_PARAM_INVALID);
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
