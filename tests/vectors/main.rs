//! Known answers that standards print, from the files beside this one. Each was computed a second time by another
//! implementation before it was written down; a file names its source. `name = value` lines make a vector, an empty
//! line ends it; a vector says which operation computes its result from the rest.

mod file;

use file::Vector;
use kit::{Chance, Length, Mechanism, Object, Session, Template, ck, code, curve, isolated, mechanism_named};

const FILES: &[(&str, &str)] = &[
    ("camellia", include_str!("camellia.txt")),
    ("cmac", include_str!("cmac.txt")),
    ("digests", include_str!("digests.txt")),
    ("hmac", include_str!("hmac.txt")),
    ("keywrap", include_str!("keywrap.txt")),
    ("legacy", include_str!("legacy.txt")),
    ("pbkdf2", include_str!("pbkdf2.txt")),
    ("rfc3566", include_str!("rfc3566.txt")),
    ("rfc3602", include_str!("rfc3602.txt")),
    ("rfc3962", include_str!("rfc3962.txt")),
    ("rfc5794", include_str!("rfc5794.txt")),
    ("rfc5869", include_str!("rfc5869.txt")),
    ("rfc7539", include_str!("rfc7539.txt")),
    ("rfc8032", include_str!("rfc8032.txt")),
    ("seed", include_str!("seed.txt")),
    ("sp800-38a", include_str!("sp800-38a.txt")),
];

/// The key type of mechanisms whose names begin so; of all others a generic secret.
const KEY_TYPES: &[(&str, ck::CK_KEY_TYPE)] = &[
    ("AES_", ck::CKK_AES),
    ("ARIA_", ck::CKK_ARIA),
    ("BLOWFISH_", ck::CKK_BLOWFISH),
    ("CAMELLIA_", ck::CKK_CAMELLIA),
    ("CAST128_", ck::CKK_CAST128),
    ("CHACHA20", ck::CKK_CHACHA20),
    ("DES3_", ck::CKK_DES3),
    ("DES_", ck::CKK_DES),
    ("IDEA_", ck::CKK_IDEA),
    ("POLY1305", ck::CKK_POLY1305),
    ("RC4", ck::CKK_RC4),
    ("SEED_", ck::CKK_SEED),
];

/// How a result is computed, and checked.
type Check = fn(&Session<'_>, &Vector, ck::CK_MECHANISM_TYPE);

const OPERATIONS: &[(&str, Check)] = &[
    ("encrypt", encrypts),
    ("mac", authenticates),
    ("digest", digests),
    ("sign", signs),
    ("wrap", wraps),
    ("hkdf", derives),
    ("pbkd2", stretches),
];

#[test]
fn the_answers_that_standards_print_come_out() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let slot = session.info().unwrap().slotID;
        let mut report = String::new();
        for (name, text) in FILES {
            let mut run = 0;
            for vector in file::vectors(name, text) {
                let mechanism = mechanism_named(vector.text("mechanism")).expect("a name of the standard");
                assert!(module.mechanism_info(slot, mechanism).is_ok(), "{vector}: not there");
                let check = OPERATIONS.iter().find(|(operation, _)| *operation == vector.text("operation"));
                check.expect("an operation").1(&session, &vector, mechanism);
                run += 1;
            }
            assert!(run > 0, "{name} has no vector");
            report += &format!("{run:5} run: {name}\n");
        }
        env.report(&report);
    });
}

/// The vector's key.
fn key(session: &Session<'_>, vector: &Vector) -> Object {
    let mechanism = vector.text("mechanism");
    let key_type = KEY_TYPES.iter().find(|(start, _)| mechanism.starts_with(start) && !mechanism.contains("HMAC"));
    let key_type = key_type.map_or(ck::CKK_GENERIC_SECRET, |(_, key_type)| *key_type);
    let template = Template::secret_key(key_type, &vector.bytes("key")).flag(ck::CKA_DERIVE, true);
    session.create(&template).unwrap_or_else(|code| panic!("{vector}: the key: {code}"))
}

/// The parameter of a cipher.
fn cipher(vector: &Vector, of: ck::CK_MECHANISM_TYPE) -> Mechanism {
    match of {
        ck::CKM_AES_CTR | ck::CKM_CAMELLIA_CTR => {
            let block = vector.bytes("parameter").try_into().expect("a block");
            Mechanism::ctr(vector.number("counter bits"), block).of(of)
        }
        ck::CKM_CHACHA20 => Mechanism::chacha20(&vector.bytes("counter"), &vector.bytes("nonce")),
        ck::CKM_CHACHA20_POLY1305 => {
            let nonce = vector.bytes("nonce");
            Mechanism::chacha20_poly1305(&nonce, nonce.len() as ck::CK_ULONG, &vector.bytes("aad"))
        }
        _ => Mechanism::bytes(of, vector.bytes("parameter")),
    }
}

/// At once and in parts, both ways.
fn encrypts(session: &Session<'_>, vector: &Vector, of: ck::CK_MECHANISM_TYPE) {
    let (mechanism, key) = (cipher(vector, of), key(session, vector));
    let (data, result) = (vector.bytes("data"), vector.bytes("result"));
    vector.is(&result, session.encrypt_with(&mechanism, key, &data));
    vector.is(&data, session.decrypt_with(&mechanism, key, &result));
    let mut chance = Chance::seeded(data.len() as u64);
    session.encrypt_init(&mechanism, key).unwrap();
    let mut sealed = Vec::new();
    for part in chance.parts(&data, 21) {
        sealed.extend(session.encrypt_update(part).unwrap());
    }
    sealed.extend(session.encrypt_final().unwrap());
    vector.is(&result, Ok(sealed));
    session.decrypt_init(&mechanism, key).unwrap();
    let mut opened = Vec::new();
    for part in chance.parts(&result, 21) {
        opened.extend(session.decrypt_update(part).unwrap());
    }
    opened.extend(session.decrypt_final().unwrap());
    vector.is(&data, Ok(opened));
}

/// At once and in parts; and one bit off is refused.
fn authenticates(session: &Session<'_>, vector: &Vector, of: ck::CK_MECHANISM_TYPE) {
    let key = key(session, vector);
    let mechanism = match vector.get("length") {
        Some(_) => Mechanism::number(of, vector.number("length")),
        None => Mechanism::plain(of),
    };
    let (data, mut result) = (vector.bytes("data"), vector.bytes("result"));
    vector.is(&result, session.sign_with(&mechanism, key, &data));
    session.sign_init(&mechanism, key).unwrap();
    for part in Chance::seeded(3).parts(&data, 21) {
        session.sign_update(part).unwrap();
    }
    vector.is(&result, session.sign_final());
    assert_eq!(session.verify_with(&mechanism, key, &data, &result), Ok(()), "{vector}");
    result[0] ^= 0x80;
    let wrong = code(session.verify_with(&mechanism, key, &data, &result));
    assert_eq!(wrong, ck::CKR_SIGNATURE_INVALID, "{vector}");
}

fn digests(session: &Session<'_>, vector: &Vector, of: ck::CK_MECHANISM_TYPE) {
    let (data, result) = (vector.bytes("data"), vector.bytes("result"));
    vector.is(&result, session.digest_with(&Mechanism::plain(of), &data));
    session.digest_init(&Mechanism::plain(of)).unwrap();
    for part in Chance::seeded(5).parts(&data, 21) {
        session.digest_update(part).unwrap();
    }
    vector.is(&result, session.digest_final());
}

/// Signatures without randomness.
fn signs(session: &Session<'_>, vector: &Vector, of: ck::CK_MECHANISM_TYPE) {
    let params = if vector.text("curve") == "edwards25519" { curve::ED25519 } else { curve::ED448 };
    let half = |class| Template::new().class(class).key_type(ck::CKK_EC_EDWARDS).bytes(ck::CKA_EC_PARAMS, params);
    let private = half(ck::CKO_PRIVATE_KEY).bytes(ck::CKA_VALUE, vector.bytes("private"));
    let private = session.create(&private).unwrap();
    let public = half(ck::CKO_PUBLIC_KEY).bytes(ck::CKA_EC_POINT, vector.bytes("public"));
    let public = session.create(&public).unwrap();
    let mechanism = match vector.get("prehash") {
        Some(_) => Mechanism::eddsa(vector.number("prehash") == 1, &vector.bytes("context")),
        None => Mechanism::plain(of),
    };
    let (data, result) = (vector.bytes("data"), vector.bytes("result"));
    vector.is(&result, session.sign_with(&mechanism, private, &data));
    assert_eq!(session.verify_with(&mechanism, public, &data, &result), Ok(()), "{vector}");
}

/// A secret that can be read.
fn readable() -> Template {
    let key = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_GENERIC_SECRET);
    key.sensitive(false).extractable(true)
}

fn wraps(session: &Session<'_>, vector: &Vector, of: ck::CK_MECHANISM_TYPE) {
    let (mechanism, key) = (Mechanism::plain(of), key(session, vector));
    let (data, result) = (vector.bytes("data"), vector.bytes("result"));
    let inside = session.create(&readable().bytes(ck::CKA_VALUE, &data)).unwrap();
    vector.is(&result, session.wrap(&mechanism, key, inside));
    let unwrapped = session.unwrap(&mechanism, key, &result, &readable());
    vector.is(&data, unwrapped.and_then(|key| session.bytes(key, ck::CKA_VALUE)));
    // The same of data.
    vector.is(&result, session.encrypt_with(&mechanism, key, &data));
    vector.is(&data, session.decrypt_with(&mechanism, key, &result));
}

/// A secret as long as the result.
fn wanted(vector: &Vector) -> Template {
    readable().ulong(ck::CKA_VALUE_LEN, vector.bytes("result").len() as ck::CK_ULONG)
}

fn hash(vector: &Vector) -> ck::CK_MECHANISM_TYPE {
    mechanism_named(vector.text("hash")).expect("a hash")
}

fn derives(session: &Session<'_>, vector: &Vector, of: ck::CK_MECHANISM_TYPE) {
    let (salt, info) = (vector.bytes("salt"), vector.bytes("info"));
    let mechanism = Mechanism::hkdf(of, (true, true), hash(vector), (&salt, 0), &info);
    let derived = session.derive(&mechanism, key(session, vector), &wanted(vector));
    vector.is(&vector.bytes("result"), derived.and_then(|key| session.bytes(key, ck::CKA_VALUE)));
}

fn stretches(session: &Session<'_>, vector: &Vector, of: ck::CK_MECHANISM_TYPE) {
    let prf = match hash(vector) {
        ck::CKM_SHA_1 => ck::CKP_PKCS5_PBKD2_HMAC_SHA1,
        _ => ck::CKP_PKCS5_PBKD2_HMAC_SHA256,
    };
    let (password, salt) = (vector.bytes("password"), vector.bytes("salt"));
    let mechanism = Mechanism::pbkd2(prf, &password, &salt, vector.number("iterations"), Length::Number).of(of);
    let made = session.generate_key(&mechanism, &wanted(vector));
    vector.is(&vector.bytes("result"), made.and_then(|key| session.bytes(key, ck::CKA_VALUE)));
}
