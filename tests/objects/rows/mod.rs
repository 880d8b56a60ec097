//! Every attribute of every kind of object (PKCS#11 3.2 chapters 4 and 6), row by row: there when nobody gave it, given,
//! refused, changed later. A row that the module lacks fails here, and so does one too many.

mod samples;
mod table;

use kit::{Env, Object, SO_PIN, Session, Template, USER_PIN, ck, code, isolated};
use samples::{least, sample};
use std::collections::BTreeSet;
use table::{Given, KINDS, Kind, Later, Row, Silent};

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
    for kind in KINDS {
        body(&session, kind, &least(&session, kind));
    }
    env.report(&format!("{} kinds of objects, {} rows\n", KINDS.len(), KINDS.iter().flat_map(Kind::rows).count()));
}

/// The same object with its secret parts readable, where there is such a thing.
fn readable(kind: &Kind, template: &Template) -> Template {
    let guarded = kind.row(ck::CKA_SENSITIVE).is_some();
    if guarded { template.clone().sensitive(false).extractable(true) } else { template.clone() }
}

fn is_true_for(kind: &Kind, types: &[u64]) -> bool {
    kind.subtype.is_some_and(|of| types.contains(&of))
}

#[test]
fn an_object_says_of_each_attribute_what_the_table_says_and_has_no_other() {
    isolated(|env| {
        each(env, |session, kind, least| {
            let object = session.create(least).unwrap();
            let open = session.create(&readable(kind, least)).unwrap();
            for of in all() {
                let at = at(kind, of);
                let Some(Row(_, _, silent, _)) = kind.row(of) else {
                    assert_eq!(code(session.bytes(object, of)), ck::CKR_ATTRIBUTE_TYPE_INVALID, "{at}");
                    continue;
                };
                if let Some(said) = least.said(of) {
                    assert_eq!(session.bytes(open, of).unwrap(), said, "{at}");
                    continue;
                }
                let expected = match silent {
                    Silent::Absent => {
                        assert_eq!(code(session.bytes(object, of)), ck::CKR_ATTRIBUTE_TYPE_INVALID, "{at}");
                        continue;
                    }
                    Silent::Computed => continue,
                    Silent::False => vec![0],
                    Silent::True => vec![1],
                    Silent::TrueFor(types) => vec![u8::from(is_true_for(kind, types))],
                    Silent::Empty => vec![],
                    Silent::Number(number) => number.to_ne_bytes().to_vec(),
                };
                assert_eq!(session.bytes(object, of).unwrap(), expected, "{at}");
            }
        })
    });
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
fn a_template_gives_what_it_must_or_may_and_nothing_else() {
    isolated(|env| {
        each(env, |session, kind, least| {
            let object = session.create(&readable(kind, least)).unwrap();
            for of in all() {
                let at = at(kind, of);
                let before = session.bytes(object, of).ok();
                let sample = sample(of, before.as_deref());
                let with = |more: &Template| session.create(&least.clone().without(of).and(more));
                let given = kind.row(of).map(|row| row.1);
                match given {
                    None => assert_eq!(code(with(&sample)), ck::CKR_TEMPLATE_INCONSISTENT, "{at}"),
                    Some(Given::Never) => assert_eq!(code(with(&sample)), ck::CKR_ATTRIBUTE_READ_ONLY, "{at}"),
                    Some(Given::Must) => {
                        assert_eq!(code(with(&Template::new())), ck::CKR_TEMPLATE_INCOMPLETE, "{at}");
                    }
                    Some(Given::Same) => {
                        if let Some(same) = &before {
                            with(&Template::new().bytes(of, same)).unwrap();
                        }
                        let other = Template::new().bytes(of, before.map_or(vec![1; 8], |same| vec![1; same.len()]));
                        assert_eq!(code(with(&other)), ck::CKR_ATTRIBUTE_VALUE_INVALID, "{at}");
                    }
                    // Part of the least already.
                    Some(Given::May) if least.said(of).is_some() => {}
                    Some(Given::May) => {
                        let made = with(&sample).unwrap_or_else(|error| panic!("{at}: {error}"));
                        if let Some(said) = sample.said(of) {
                            let read = session.bytes(made, of);
                            assert!(read == Ok(said.to_vec()) || said.is_empty(), "{at}: {read:?}");
                        }
                    }
                }
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
                let other = sample(of, before.as_deref());
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
        let made: Vec<_> = KINDS
            .iter()
            .filter(|kind| kind.row(ck::CKA_TRUSTED).is_some())
            .map(|kind| (kind, session.create(&least(&session, kind).private(false).token(true)).unwrap()))
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
