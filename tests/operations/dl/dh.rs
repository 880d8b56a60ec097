//! Agreement, with openssl on the other side.

use crate::dl::{Group, less_one, parameters, value};
use kit::{Judge, Mechanism, Session, Template, ck, code, hex, isolated};

/// The template of a readable secret; as long as the mechanism makes it.
fn open() -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_GENERIC_SECRET).sensitive(false).extractable(true)
}

fn of_length(length: usize) -> Template {
    open().ulong(ck::CKA_VALUE_LEN, length as ck::CK_ULONG)
}

fn plain(public: &[u8]) -> Mechanism {
    Mechanism::bytes(ck::CKM_DH_PKCS_DERIVE, public)
}

fn x9_42(kdf: ck::CK_X9_42_DH_KDF_TYPE, other: &[u8], public: &[u8]) -> Mechanism {
    Mechanism::x9_42_dh1(kdf, other, public)
}

/// A group with a key of openssl in it.
fn foreign(openssl: &Judge, key_type: ck::CK_KEY_TYPE, options: &[&str]) -> (Group, Vec<u8>, kit::judge::Foreign) {
    let key = openssl.key(options);
    let (group, public) = Group::of(key_type, &key.public_key_info);
    (group, public, key)
}

/// RFC 5114 section 2.3.
const RFC_5114: [&str; 4] = ["-algorithm", "DHX", "-pkeyopt", "dh_rfc5114:3"];

fn derive(session: &Session<'_>, mechanism: &Mechanism, key: kit::Object, template: &Template) -> Vec<u8> {
    value(session, session.derive(mechanism, key, template).unwrap())
}

#[test]
fn openssl_and_we_come_to_the_same_secret_in_known_groups_and_in_our_own() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let openssl = Judge::new();
        let ours = parameters(&session, ck::CKM_DH_PKCS_PARAMETER_GEN, 512, 0);
        let ours = Group::at(&session, ck::CKK_DH, ours);
        let their = openssl.key_of(&ours.pem(&openssl));
        let ours = (ours, Group::of(ck::CKK_DH, &their.public_key_info).1, their);
        let named = |name| foreign(&openssl, ck::CKK_DH, &["-algorithm", "DH", "-pkeyopt", name]);
        for (group, their_public, their) in [ours, named("group:ffdhe2048"), named("group:modp_3072")] {
            let (public, private) = group.pair(&session);
            let expected = openssl.agrees(&their, &session.public_key_info(public));
            let whole = derive(&session, &plain(&their_public), private, &open());
            // Padded to the prime, which the command does too.
            assert_eq!(whole, expected);
            assert_eq!(whole.len(), group.p.len());
            // Zeros in front make no difference; what is too much is cut off at the front.
            let padded = [&[0; 9][..], &their_public].concat();
            let part = derive(&session, &plain(&padded), private, &of_length(16));
            assert_eq!(part, whole[whole.len() - 16..]);
            let long = session.derive(&plain(&their_public), private, &of_length(whole.len() + 1));
            assert_eq!(code(long), ck::CKR_KEY_SIZE_RANGE);
        }
        let (group, their_public, their) = foreign(&openssl, ck::CKK_X9_42_DH, &RFC_5114);
        let (public, private) = group.pair(&session);
        let whole = derive(&session, &x9_42(ck::CKD_NULL, b"", &their_public), private, &open());
        assert_eq!(whole, openssl.agrees(&their, &session.public_key_info(public)));
        let part = derive(&session, &x9_42(ck::CKD_NULL, b"", &their_public), private, &of_length(20));
        assert_eq!(part, whole[whole.len() - 20..]);
    });
}

#[test]
fn the_derivations_of_x9_42_are_those_of_openssl() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let openssl = Judge::new();
        let (group, their_public, _) = foreign(&openssl, ck::CKK_X9_42_DH, &RFC_5114);
        let private = group.pair(&session).1;
        let whole = derive(&session, &x9_42(ck::CKD_NULL, b"", &their_public), private, &open());
        let secret: String = whole.iter().map(|byte| format!("{byte:02x}")).collect();
        let secret = format!("hexsecret:{secret}");
        for length in [16, 20, 24, 32] {
            let mechanism = x9_42(ck::CKD_SHA1_KDF_CONCATENATE, b"other", &their_public);
            let expected = openssl.derives("X963KDF", length, &["digest:SHA1", &secret, "info:other"]);
            assert_eq!(derive(&session, &mechanism, private, &of_length(length)), expected, "{length}");
        }
        // OtherInfo of RFC 2631 section 2.1.2, for a key encryption key of CMS: 3DES, AES-128, AES-256.
        for (length, name, oid) in [
            (24, "id-smime-alg-CMS3DESwrap", "060b2a864886f70d0109100306"),
            (16, "id-aes128-wrap", "060960864801650304 0105"),
            (32, "id-aes256-wrap", "060960864801650304012d"),
        ] {
            let algorithm = [hex(&oid.replace(' ', "")), hex("040400000001")].concat();
            let bits = [hex("a2060404"), (length as u32 * 8).to_be_bytes().to_vec()].concat();
            let length_of = |content: &[u8]| content.len() as u8;
            let inner = [&[0x30, length_of(&algorithm)], &algorithm[..], &bits].concat();
            let other = [&[0x30, length_of(&inner)], &inner[..]].concat();
            let mechanism = x9_42(ck::CKD_SHA1_KDF_ASN1, &other, &their_public);
            let algorithm = format!("cekalg:{name}");
            let expected = openssl.derives("X942KDF-ASN1", length, &["digest:SHA1", &secret, &algorithm]);
            assert_eq!(derive(&session, &mechanism, private, &of_length(length)), expected, "{name}");
        }
        // Nothing said, a key of the length of the hash.
        let mechanism = x9_42(ck::CKD_SHA1_KDF_CONCATENATE, b"", &their_public);
        assert_eq!(derive(&session, &mechanism, private, &open()).len(), 20);
    });
}

#[test]
fn a_public_value_that_is_none_gives_no_key() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let openssl = Judge::new();
        let (dh, public, _) = foreign(&openssl, ck::CKK_DH, &["-algorithm", "DH", "-pkeyopt", "group:ffdhe2048"]);
        let (order, order_public, _) = foreign(&openssl, ck::CKK_X9_42_DH, &RFC_5114);
        let (dh_key, order_key) = (dh.pair(&session).1, order.pair(&session).1);
        for group in [&dh, &order] {
            let longer = [&[1], &group.p[..]].concat();
            // 7 and 2 are of no order that the groups have.
            let outside = if group.q.is_none() { 7 } else { 2 };
            for wrong in [&[0][..], &[1], &[0, 0, 1], &less_one(&group.p), &group.p, &longer, &[outside]] {
                let derived = if group.q.is_none() {
                    session.derive(&plain(wrong), dh_key, &open())
                } else {
                    session.derive(&x9_42(ck::CKD_NULL, b"", wrong), order_key, &open())
                };
                assert_eq!(code(derived), ck::CKR_PUBLIC_KEY_INVALID, "{wrong:02x?}");
                let key = group.key(ck::CKO_PUBLIC_KEY, wrong);
                assert_eq!(code(session.create(&key)), ck::CKR_PUBLIC_KEY_INVALID, "{wrong:02x?}");
            }
        }
        let malformed = ck::CKR_MECHANISM_PARAM_INVALID;
        for mechanism in [Mechanism::plain(ck::CKM_DH_PKCS_DERIVE), plain(&public).claiming(0)] {
            assert_eq!(code(session.derive(&mechanism, dh_key, &open())), malformed);
        }
        // An OtherInfo without a counter, with one of three bytes, cut short; one where none belongs.
        let (no_counter, short) =
            (hex("300530030601 2a".replace(' ', "").as_str()), hex("300c300a06012a0403000001a200"));
        for (kdf, other) in [
            (ck::CKD_SHA1_KDF_ASN1, &b""[..]),
            (ck::CKD_SHA1_KDF_ASN1, &no_counter),
            (ck::CKD_SHA1_KDF_ASN1, &short),
            (ck::CKD_NULL, b"x"),
            (ck::CKD_SHA256_KDF, b""),
            (99, b""),
        ] {
            let derived = session.derive(&x9_42(kdf, other, &order_public), order_key, &open());
            assert_eq!(code(derived), malformed, "{kdf}");
        }
        // A key of the other type, and the public half.
        let crossed = session.derive(&plain(&public), order_key, &open());
        assert_eq!(code(crossed), ck::CKR_KEY_TYPE_INCONSISTENT);
        let half = session.derive(&plain(&public), dh.pair(&session).0, &open());
        assert_eq!(code(half), ck::CKR_KEY_TYPE_INCONSISTENT);
    });
}
