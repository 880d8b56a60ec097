//! Attributes: what they are by default, who reads and who changes them.

use crate::Transcript;
use kit::{Known, Mechanism, Object, Session, Template, ck};

macro_rules! named {
    ($($name:ident)*) => { &[$((stringify!($name), ck::$name)),*] };
}

const FLAGS: &[(&str, ck::CK_ATTRIBUTE_TYPE)] = named! {
    CKA_TOKEN CKA_PRIVATE CKA_MODIFIABLE CKA_COPYABLE CKA_DESTROYABLE CKA_TRUSTED CKA_SENSITIVE CKA_EXTRACTABLE
    CKA_ALWAYS_SENSITIVE CKA_NEVER_EXTRACTABLE CKA_LOCAL CKA_ENCRYPT CKA_DECRYPT CKA_SIGN CKA_SIGN_RECOVER CKA_VERIFY
    CKA_VERIFY_RECOVER CKA_WRAP CKA_UNWRAP CKA_DERIVE CKA_WRAP_WITH_TRUSTED CKA_ALWAYS_AUTHENTICATE
};
const VALUES: &[(&str, ck::CK_ATTRIBUTE_TYPE)] = named! {
    CKA_CLASS CKA_LABEL CKA_ID CKA_KEY_TYPE CKA_START_DATE CKA_END_DATE CKA_KEY_GEN_MECHANISM CKA_SUBJECT CKA_VALUE
    CKA_VALUE_LEN CKA_CHECK_VALUE CKA_MODULUS_BITS CKA_PUBLIC_EXPONENT CKA_EC_PARAMS CKA_APPLICATION
    CKA_OBJECT_ID CKA_ALLOWED_MECHANISMS CKA_ISSUER CKA_SERIAL_NUMBER CKA_CERTIFICATE_CATEGORY
};

pub fn run(t: &mut Transcript<'_>) {
    let session = super::user(t);
    let secret =
        |kind, value: &[u8]| Template::new().class(ck::CKO_SECRET_KEY).key_type(kind).bytes(ck::CKA_VALUE, value);
    let certificate = Template::new()
        .class(ck::CKO_CERTIFICATE)
        .ulong(ck::CKA_CERTIFICATE_TYPE, ck::CKC_X_509)
        .bytes(ck::CKA_SUBJECT, "subject")
        .bytes(ck::CKA_VALUE, "no DER");
    let p256 = Known::p256();
    let mut objects = Vec::new();
    for (name, template) in [
        ("data", Template::new().class(ck::CKO_DATA)),
        ("certificate", certificate),
        ("public EC", p256.public.clone()),
        ("private EC", p256.private),
        ("AES", secret(ck::CKK_AES, &[1; 32])),
        ("generic", secret(ck::CKK_GENERIC_SECRET, b"a secret")),
    ] {
        objects.push((name, t.object(format!("create {name}"), session.create(&template))));
    }
    let generator = Mechanism::plain(ck::CKM_AES_KEY_GEN);
    let made = session.generate_key(&generator, &Template::new().ulong(ck::CKA_VALUE_LEN, 16));
    objects.push(("made AES", t.object("generate AES", made)));
    let generator = Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN);
    let curve = p256.public.without(ck::CKA_EC_POINT);
    let pair = t.call("generate EC", session.generate_key_pair(&generator, &curve, &Template::new()));
    let (public, private) = pair.unwrap_or((Object(0), Object(0)));
    objects.extend([("made public EC", public), ("made private EC", private)]);
    for (name, object) in objects {
        defaults(t, session, name, object);
    }
    changes(t, session);
}

fn defaults(t: &mut Transcript<'_>, session: Session<'_>, name: &str, object: Object) {
    for (attribute, of) in FLAGS {
        t.value(format!("{name}: {attribute}"), session.flag(object, *of));
    }
    for (attribute, of) in VALUES {
        let random = name.starts_with("made") && *of == ck::CKA_CHECK_VALUE;
        let read = session.bytes(object, *of);
        // What was drawn at random is not compared, only how long it is.
        t.value(format!("{name}: {attribute}"), read.map(|value| if random { vec![value.len() as u8] } else { value }));
    }
    let point = session.bytes(object, ck::CKA_EC_POINT);
    t.value(format!("{name}: has a point"), Ok(point.is_ok()));
    if name == "public EC" {
        t.value("its point", point);
    }
}

fn changes(t: &mut Transcript<'_>, session: Session<'_>) {
    let aes = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES).bytes(ck::CKA_VALUE, [1; 16]);
    let key = t.object("a key", session.create(&aes.extractable(true)));
    t.value("its value", session.bytes(key, ck::CKA_VALUE));
    for (name, change) in [
        ("label", Template::new().label("new")),
        ("ID", Template::new().id([1])),
        ("start date", Template::new().bytes(ck::CKA_START_DATE, "20260101")),
        ("usage", Template::new().flag(ck::CKA_SIGN, false)),
        ("derive", Template::new().flag(ck::CKA_DERIVE, true)),
        ("class", Template::new().class(ck::CKO_SECRET_KEY)),
        ("type", Template::new().key_type(ck::CKK_AES)),
        ("value", Template::new().bytes(ck::CKA_VALUE, [2; 16])),
        ("length", Template::new().ulong(ck::CKA_VALUE_LEN, 16)),
        ("token", Template::new().token(true)),
        ("private", Template::new().private(false)),
        ("modifiable", Template::new().modifiable(false)),
        ("copyable", Template::new().flag(ck::CKA_COPYABLE, false)),
        ("local", Template::new().flag(ck::CKA_LOCAL, true)),
        ("trusted", Template::new().flag(ck::CKA_TRUSTED, true)),
        ("allowed mechanisms", Template::new().ulongs(ck::CKA_ALLOWED_MECHANISMS, &[ck::CKM_AES_CBC])),
        ("of another class", Template::new().bytes(ck::CKA_MODULUS, [1])),
        ("unknown", Template::new().ulong(ck::CKA_VENDOR_DEFINED | 4, 1)),
        ("sensitive", Template::new().sensitive(true)),
        ("sensitive again", Template::new().sensitive(true)),
        ("not sensitive", Template::new().sensitive(false)),
        ("not extractable", Template::new().extractable(false)),
        ("not extractable again", Template::new().extractable(false)),
        ("extractable", Template::new().extractable(true)),
        ("one of two wrong", Template::new().label("newer").flag(ck::CKA_LOCAL, true)),
    ] {
        t.call(format!("set {name}"), session.set(key, &change));
    }
    t.value("its label now", session.bytes(key, ck::CKA_LABEL));
    t.value("its value now", session.bytes(key, ck::CKA_VALUE));
    let several = [ck::CKA_LABEL, ck::CKA_VALUE, ck::CKA_MODULUS, ck::CKA_ID];
    let (result, values) = session.attributes(key, &several, 8);
    t.call("several: code", result);
    t.value("several: values", Ok(values));
    let (result, values) = session.attributes(key, &[ck::CKA_KEY_TYPE, ck::CKA_ID], 4);
    t.call("no room: code", result);
    t.value("no room: values", Ok(values));
}
