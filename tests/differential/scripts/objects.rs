//! Objects and searches.

use crate::Transcript;
use kit::{Object, Session, Template, USER_PIN, ck};

fn data(label: &str) -> Template {
    Template::new().class(ck::CKO_DATA).label(label).bytes(ck::CKA_VALUE, label)
}

fn aes() -> Template {
    Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES).bytes(ck::CKA_VALUE, [3; 16])
}

pub fn run(t: &mut Transcript<'_>) {
    let session = super::user(t);
    let reader = t.module.open_ro(0).unwrap();
    let open = t.object("create public", session.create(&data("open").token(true).private(false)));
    let hidden = t.object("create private", session.create(&data("hidden").token(true).private(true)));
    let passing = t.object("create session object", reader.create(&data("passing").private(false)));
    t.call("create in a read-only session", reader.create(&data("x").token(true)));
    t.call("destroy in a read-only session", reader.destroy(open));
    t.call("set in a read-only session", reader.set(open, &Template::new().label("x")));
    templates(t, session);
    copies(t, session, open);
    searches(t, session);
    t.call("size", session.size(open));
    t.call("size of nothing", session.size(Object(0)));
    t.call("destroy session object", session.destroy(passing));
    t.call("destroy again", session.destroy(passing));
    t.call("attributes of the destroyed", session.bytes(passing, ck::CKA_LABEL));
    t.call("set on the destroyed", session.set(passing, &Template::new().label("x")));
    t.call("copy the destroyed", session.copy(passing, &Template::new()));
    let fixed = t.object("create unmodifiable", session.create(&data("fixed").modifiable(false)));
    t.call("set on the unmodifiable", session.set(fixed, &Template::new().label("x")));
    let single = t.object("create uncopyable", session.create(&data("single").flag(ck::CKA_COPYABLE, false)));
    t.call("copy the uncopyable", session.copy(single, &Template::new()));
    let lasting = t.object("create indestructible", session.create(&data("l").flag(ck::CKA_DESTROYABLE, false)));
    t.call("destroy the indestructible", session.destroy(lasting));
    t.call("logout", session.logout());
    t.call("private attributes, public session", session.bytes(hidden, ck::CKA_LABEL));
    t.call("destroy private, public session", session.destroy(hidden));
    t.call("copy private, public session", session.copy(hidden, &Template::new()));
    t.call("create private, public session", session.create(&data("x").private(true)));
    t.call("create public token object, public session", session.create(&data("y").token(true).private(false)));
    t.call("destroy public token object, public session", session.destroy(open));
    t.value("found in a public session", session.find(&Template::new().token(true)).map(|found| found.len()));
    t.call("login", session.login(ck::CKU_USER, USER_PIN));
    t.value("found by the user", session.find(&Template::new().token(true)).map(|found| found.len()));
}

/// Templates of C_CreateObject that are wrong in one way each.
fn templates(t: &mut Transcript<'_>, session: Session<'_>) {
    let wrong = [
        ("no class", Template::new().label("x")),
        ("unknown class", Template::new().class(0x1234)),
        ("unknown attribute", data("x").ulong(ck::CKA_VENDOR_DEFINED | 4, 1)),
        ("attribute of another class", data("x").sensitive(true)),
        ("boolean of no length", data("x").bytes(ck::CKA_TOKEN, [])),
        ("boolean of two bytes", data("x").bytes(ck::CKA_MODIFIABLE, [1, 1])),
        ("class of four bytes", Template::new().bytes(ck::CKA_CLASS, [0; 4])),
        ("date that is none", aes().bytes(ck::CKA_START_DATE, "12")),
        ("key without type", aes().without(ck::CKA_KEY_TYPE)),
        ("key without value", aes().without(ck::CKA_VALUE)),
        ("AES key of 20 bytes", aes().without(ck::CKA_VALUE).bytes(ck::CKA_VALUE, [1; 20])),
        ("AES key of no bytes", aes().without(ck::CKA_VALUE).bytes(ck::CKA_VALUE, [])),
        ("own value length", aes().ulong(ck::CKA_VALUE_LEN, 16)),
        ("wrong check value", aes().bytes(ck::CKA_CHECK_VALUE, [1, 2, 3])),
        ("LOCAL", aes().flag(ck::CKA_LOCAL, true)),
        ("ALWAYS_SENSITIVE", aes().flag(ck::CKA_ALWAYS_SENSITIVE, true)),
        ("KEY_GEN_MECHANISM", aes().ulong(ck::CKA_KEY_GEN_MECHANISM, 1)),
        ("TRUSTED", aes().flag(ck::CKA_TRUSTED, true)),
        ("two labels", data("x").label("y")),
    ];
    for (name, template) in wrong {
        t.call(format!("create: {name}"), session.create(&template));
    }
}

fn copies(t: &mut Transcript<'_>, session: Session<'_>, original: Object) {
    let copy = t.object("copy", session.copy(original, &Template::new().label("copy").token(false)));
    t.value("label of the copy", session.bytes(copy, ck::CKA_LABEL));
    t.value("value of the copy", session.bytes(copy, ck::CKA_VALUE));
    t.call("copy to private", session.copy(original, &Template::new().private(true).token(false)));
    let key = t.object("create key", session.create(&aes().sensitive(true).extractable(false)));
    for (name, template) in [
        ("not sensitive", Template::new().sensitive(false)),
        ("extractable", Template::new().extractable(true)),
        ("public", Template::new().private(false)),
        ("another value", Template::new().bytes(ck::CKA_VALUE, [4; 16])),
        ("another class", Template::new().class(ck::CKO_DATA)),
        ("another type", Template::new().key_type(ck::CKK_GENERIC_SECRET)),
        ("unmodifiable", Template::new().modifiable(false)),
    ] {
        t.call(format!("copy key: {name}"), session.copy(key, &template));
    }
}

fn searches(t: &mut Transcript<'_>, session: Session<'_>) {
    let count = |template: &Template| session.find(template).map(|found| found.len());
    for (name, template) in [
        ("label", Template::new().label("open")),
        ("part of a label", Template::new().label("ope")),
        ("class and label", data("hidden").without(ck::CKA_VALUE)),
        ("value of data", Template::new().bytes(ck::CKA_VALUE, "open")),
        ("value of data, private", Template::new().bytes(ck::CKA_VALUE, "hidden")),
        ("value of a key", aes()),
        ("private", Template::new().private(true).token(true)),
        ("unknown attribute", Template::new().ulong(ck::CKA_VENDOR_DEFINED | 4, 1)),
        ("attribute that few have", Template::new().bytes(ck::CKA_MODULUS, [1])),
        ("nothing", Template::new().label("nothing")),
    ] {
        t.value(format!("find: {name}"), count(&template));
    }
    t.call("find: first", session.find_init(&Template::new()));
    t.call("find: second", session.find_init(&Template::new()));
    t.call("find: final", session.find_final());
    t.call("find: final again", session.find_final());
    t.call("find: without init", session.find_some(1));
}
