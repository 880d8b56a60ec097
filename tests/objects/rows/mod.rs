//! Every attribute of every kind of object (PKCS#11 3.2 chapters 4 and 6), row by row: there when nobody gave it,
//! given, refused, in each way in which objects come to be; and here, read and changed later. A row that the module
//! lacks fails, and so does one too many.

mod birth;
mod complete;
mod computed;
mod created;
mod derived;
mod generated;
mod samples;
mod table;
mod unwrapped;

use kit::{Env, Object, SO_PIN, Session, Template, USER_PIN, ck, code, isolated};
use samples::{ONE_VALUE, Samples, another, answer, sample};
use std::collections::BTreeSet;
use table::{KINDS, Kind, Later, Row};

/// Every attribute of the table.
fn all() -> BTreeSet<ck::CK_ATTRIBUTE_TYPE> {
    KINDS.iter().flat_map(Kind::rows).map(|row| row.0).collect()
}

/// What an attribute is called in a failure.
fn at(kind: &Kind, of: ck::CK_ATTRIBUTE_TYPE) -> String {
    format!("attribute {of:#x} of class {:#x}, type {:x?}", kind.class, kind.subtype)
}

/// Runs `body` for every kind, with a session and the least template, whose parts can be read.
fn each(env: &Env, body: impl Fn(&Session<'_>, &Kind, &Template)) {
    let module = env.module();
    let session = env.user(&module);
    let samples = Samples::new(&session);
    for kind in KINDS {
        body(&session, kind, &samples.least(kind));
    }
}

/// The same object with its secret parts readable, where there is such a thing.
fn readable(kind: &Kind, template: &Template) -> Template {
    let guarded = kind.row(ck::CKA_SENSITIVE).is_some();
    if guarded { template.clone().sensitive(false).extractable(true) } else { template.clone() }
}

#[test]
fn what_makes_a_key_is_hidden_unless_the_key_is_open() {
    const PARTS: [ck::CK_ATTRIBUTE_TYPE; 8] = [
        ck::CKA_PRIVATE_EXPONENT,
        ck::CKA_PRIME_1,
        ck::CKA_PRIME_2,
        ck::CKA_EXPONENT_1,
        ck::CKA_EXPONENT_2,
        ck::CKA_COEFFICIENT,
        ck::CKA_SEED,
        ck::CKA_VALUE,
    ];
    isolated(|env| {
        each(env, |session, kind, least| {
            if kind.row(ck::CKA_SENSITIVE).is_none() {
                return;
            }
            for (sensitive, extractable) in [(true, false), (true, true), (false, false)] {
                let key = session.create(&least.clone().sensitive(sensitive).extractable(extractable)).unwrap();
                for row in kind.rows() {
                    let hidden = PARTS.contains(&row.0);
                    let read = code(session.bytes(key, row.0)) == ck::CKR_ATTRIBUTE_SENSITIVE;
                    assert_eq!(read, hidden, "{}", at(kind, row.0));
                }
            }
        })
    });
}

#[test]
fn whatever_can_be_read_of_an_object_finds_it() {
    isolated(|env| {
        each(env, |session, kind, least| {
            for token in [false, true] {
                let object = session.create(&readable(kind, least).token(token).label("one")).unwrap();
                for row in kind.rows() {
                    let Ok(value) = session.bytes(object, row.0) else { continue };
                    let search = Template::new().class(kind.class).bytes(row.0, &value);
                    let found = session.find(&search).unwrap().contains(&object);
                    assert!(found, "{}, on the token: {token}", at(kind, row.0));
                }
                session.destroy(object).unwrap();
            }
        })
    });
}

/// Sets one attribute.
fn set(session: &Session<'_>, object: Object, template: &Template) -> kit::Rv {
    code(session.set(object, template))
}

#[test]
fn what_may_change_later_changes_and_the_rest_stays() {
    isolated(|env| {
        each(env, |session, kind, least| {
            let template = readable(kind, least).flag(ck::CKA_PRIVATE, false);
            for row @ Row(of, _, _, later) in kind.rows() {
                let at = at(kind, of);
                let object = session.create(&template).unwrap();
                let before = session.bytes(object, of).ok();
                let other = match (later, &before) {
                    // Not even a value that could be one; where there is none, any other value is another one.
                    (Later::Nobody, Some(_)) => another(kind, of, before.as_deref()),
                    _ => sample(of, before.as_deref()),
                };
                assert!(ONE_VALUE.contains(&of) || before != answer(&other, of), "{at}");
                let flag = |is| Template::new().flag(of, is);
                let (read_only, ok) = (ck::CKR_ATTRIBUTE_READ_ONLY, ck::CKR_OK);
                match later {
                    Later::Anyone => {
                        assert_eq!(set(session, object, &other), ok, "{at}");
                        assert_eq!(session.bytes(object, of).unwrap(), other.said(of).unwrap(), "{at}");
                    }
                    Later::Up | Later::Down => {
                        let up = matches!(later, Later::Up);
                        let object = session.create(&template.clone().without(of).flag(of, !up)).unwrap();
                        assert_eq!(set(session, object, &flag(up)), ok, "{at}");
                        assert_eq!(set(session, object, &flag(!up)), read_only, "{at}");
                        assert_eq!(session.flag(object, of), Ok(up), "{at}");
                    }
                    Later::ToEmpty => {
                        assert_eq!(set(session, object, &Template::new().bytes(of, b"xyz")), read_only, "{at}");
                        assert_eq!(set(session, object, &Template::new().bytes(of, b"")), ok, "{at}");
                        assert_eq!(session.bytes(object, of).unwrap(), b"", "{at}");
                    }
                    Later::So => assert_eq!(set(session, object, &flag(true)), read_only, "{at}"),
                    Later::OnCopy | Later::CopyUp => {
                        assert_eq!(set(session, object, &other), read_only, "{at}");
                        let copy = session.copy(object, &other).unwrap_or_else(|error| panic!("{at}: {error}"));
                        assert_eq!(session.bytes(copy, of).unwrap(), other.said(of).unwrap(), "{at}");
                        let back = session.copy(copy, &Template::new().bytes(of, before.unwrap()));
                        let expected = if matches!(later, Later::CopyUp) { ck::CKR_TEMPLATE_INCONSISTENT } else { ok };
                        // Of a copy that may not be copied there is none.
                        if of != ck::CKA_COPYABLE {
                            assert_eq!(code(back), expected, "{at}");
                        }
                    }
                    Later::Nobody => {
                        let refused = set(session, object, &other);
                        assert_eq!(refused, read_only, "{at} {row:?}");
                        assert_eq!(session.bytes(object, of).ok(), before, "{at}");
                    }
                }
            }
        })
    });
}

#[test]
fn the_so_alone_trusts() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let trusted = Template::new().flag(ck::CKA_TRUSTED, true);
        let samples = Samples::new(&session);
        let made: Vec<_> = KINDS
            .iter()
            .filter(|kind| kind.row(ck::CKA_TRUSTED).is_some())
            .map(|kind| (kind, session.create(&samples.least(kind).private(false).token(true)).unwrap()))
            .collect();
        session.logout().unwrap();
        session.login(ck::CKU_SO, SO_PIN).unwrap();
        for (kind, object) in &made {
            assert_eq!(set(&session, *object, &trusted), ck::CKR_OK, "{}", at(kind, ck::CKA_TRUSTED));
        }
        session.logout().unwrap();
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        for (kind, object) in made {
            assert_eq!(session.flag(object, ck::CKA_TRUSTED), Ok(true), "{}", at(kind, ck::CKA_TRUSTED));
            assert_eq!(set(&session, object, &trusted), ck::CKR_ATTRIBUTE_READ_ONLY);
        }
    });
}
