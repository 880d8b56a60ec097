//! One way in which one kind of object comes to be, and how it is held against its column of the table: what the object
//! says where the template is silent, and what the template must, may and must not say.

use crate::rows::samples::{ONE_VALUE, another, answer, sample};
use crate::rows::table::{Given, Kind, Later, Row, Silent, Way};
use crate::rows::{all, computed};
use kit::{Object, Result, Rv, Session, Template, ck, code};

/// A new object.
#[derive(Clone, Copy)]
pub struct Made {
    pub object: Object,
    /// The public key that belongs to it, if there is one.
    pub public: Option<Object>,
    /// An object with the same values.
    pub like: Option<Object>,
}

impl Made {
    pub fn alone(object: Object) -> Made {
        Made { object, public: None, like: None }
    }
}

type Make<'a> = Box<dyn Fn(&Template) -> Result<Made> + 'a>;

/// A kind of object and a function that makes it.
pub struct Birth<'a> {
    session: &'a Session<'a>,
    kind: &'static Kind,
    way: Way,
    /// The function or its mechanism, for failures.
    by: &'static str,
    /// The least that the template says.
    least: Template,
    /// What the object says by itself where that is not what a created one does.
    says: Vec<(ck::CK_ATTRIBUTE_TYPE, Vec<u8>)>,
    /// Whether it has the same value each time.
    pub repeats: bool,
    /// Whether what it is made of was always sensitive, and never extractable.
    pub past: (bool, bool),
    /// Whether it takes so long to make that few are made.
    pub slow: bool,
    /// The answer to a template that repeats wrongly what the token computes of the value.
    pub wrong: ck::CK_RV,
    make: Make<'a>,
}

impl<'a> Birth<'a> {
    /// With the answers of C_CreateObject. Nothing makes it yet.
    pub fn new(
        session: &'a Session<'a>,
        kind: &'static Kind,
        way: Way,
        by: &'static str,
        least: Template,
    ) -> Birth<'a> {
        Birth {
            session,
            kind,
            way,
            by,
            least,
            says: Vec::new(),
            repeats: true,
            past: (false, false),
            slow: false,
            wrong: ck::CKR_ATTRIBUTE_VALUE_INVALID,
            make: Box::new(|_| panic!("nothing makes it")),
        }
    }

    pub fn makes(mut self, make: impl Fn(&Template) -> Result<Made> + 'a) -> Birth<'a> {
        self.make = Box::new(make);
        self
    }

    pub fn says(mut self, of: ck::CK_ATTRIBUTE_TYPE, value: impl AsRef<[u8]>) -> Birth<'a> {
        self.says.push((of, value.as_ref().to_vec()));
        self
    }

    /// What it is called in a failure.
    fn name(&self) -> String {
        format!("{} of class {:#x}, type {:x?}", self.by, self.kind.class, self.kind.subtype)
    }

    /// The same for an attribute.
    fn at(&self, of: ck::CK_ATTRIBUTE_TYPE) -> String {
        format!("{}: attribute {of:#x}", self.name())
    }

    fn bytes(&self, made: Made, of: ck::CK_ATTRIBUTE_TYPE) -> Result<Vec<u8>> {
        self.session.bytes(made.object, of)
    }

    #[track_caller]
    fn made(&self, template: &Template) -> Made {
        (self.make)(template).unwrap_or_else(|error| panic!("{}: {error} for {template:?}", self.name()))
    }

    /// The object is what the table says and nothing else.
    pub fn holds(&self) {
        let made = self.made(&self.least);
        let guarded = self.kind.row(ck::CKA_SENSITIVE).is_some();
        // With parts that can be read.
        let open = if guarded { self.made(&self.least.clone().sensitive(false).extractable(true)) } else { made };
        for of in all() {
            let at = self.at(of);
            let Some(row) = self.kind.row(of) else {
                assert_eq!(code(self.bytes(made, of)), ck::CKR_ATTRIBUTE_TYPE_INVALID, "{at}");
                continue;
            };
            if let Some(said) = self.least.said(of) {
                assert_eq!(self.bytes(open, of).unwrap(), said, "{at}");
                continue;
            }
            match self.by_itself(row) {
                None => assert_eq!(code(self.bytes(made, of)), ck::CKR_ATTRIBUTE_TYPE_INVALID, "{at}"),
                Some(Expected::Bytes(expected)) => assert_eq!(self.bytes(made, of).unwrap(), expected, "{at}"),
                Some(Expected::Computed) => computed::check(self.session, self.kind, open, of, &at),
            }
        }
        self.takes(open);
        self.remembers();
        self.waives();
    }

    /// What the object says of what the template does not; `None`: it has no such attribute.
    fn by_itself(&self, row: Row) -> Option<Expected> {
        if let Some((_, own)) = self.says.iter().find(|(of, _)| *of == row.0) {
            return Some(Expected::Bytes(own.clone()));
        }
        let is = |of| self.kind.row(of).and_then(|row| self.by_itself(row)) == Some(Expected::flag(true));
        match row.0 {
            ck::CKA_ALWAYS_SENSITIVE => return Some(Expected::flag(self.past.0 && is(ck::CKA_SENSITIVE))),
            ck::CKA_NEVER_EXTRACTABLE => return Some(Expected::flag(self.past.1 && !is(ck::CKA_EXTRACTABLE))),
            _ => {}
        }
        Some(Expected::Bytes(match row.2 {
            Silent::Absent => return None,
            Silent::Computed => return Some(Expected::Computed),
            Silent::False => vec![0],
            Silent::True => vec![1],
            Silent::TrueFor(types) => vec![u8::from(self.kind.subtype.is_some_and(|of| types.contains(&of)))],
            Silent::Empty => vec![],
            Silent::Number(number) => number.to_ne_bytes().to_vec(),
        }))
    }

    /// A template gives what it must or may and nothing else. `open`: an object that says what it is.
    fn takes(&self, open: Made) {
        let mut may = Vec::new();
        for of in all() {
            let at = self.at(of);
            let before = self.bytes(open, of).ok();
            let sample = sample(of, before.as_deref());
            let least = self.least.clone().without(of);
            let with = |more: &Template| code((self.make)(&least.clone().and(more)));
            let Some(row) = self.kind.row(of) else {
                // What is asked of the mechanism alone is no attribute of what it makes.
                if self.least.said(of).is_none() {
                    assert_eq!(with(&sample), ck::CKR_TEMPLATE_INCONSISTENT, "{at}");
                }
                continue;
            };
            match row.given(self.way) {
                Given::Never => assert_eq!(with(&sample), ck::CKR_ATTRIBUTE_READ_ONLY, "{at}"),
                Given::Must => assert_eq!(with(&Template::new()), ck::CKR_TEMPLATE_INCOMPLETE, "{at}"),
                Given::Same => {
                    if let Some(same) = before.as_ref().filter(|_| self.repeats || is_stated(of)) {
                        may.push(Template::new().bytes(of, same));
                    }
                    let wrong = if is_stated(of) { ck::CKR_TEMPLATE_INCONSISTENT } else { self.wrong };
                    assert_eq!(with(&another(self.kind, of, before.as_deref())), wrong, "{at}");
                }
                // Where the function needs it for a key of this type. Without a type there is a key of another.
                Given::May if self.least.said(of).is_some() => {
                    if self.way != Way::Created && of != ck::CKA_KEY_TYPE {
                        assert_eq!(with(&Template::new()), ck::CKR_TEMPLATE_INCOMPLETE, "{at}");
                    }
                }
                Given::May => {
                    assert!(ONE_VALUE.contains(&of) || before != answer(&sample, of), "{at}");
                    may.push(sample);
                }
            }
            if matches!(row.3, Later::So) {
                assert_eq!(with(&Template::new().flag(of, true)), ck::CKR_ATTRIBUTE_READ_ONLY, "{at}");
            }
        }
        if self.slow {
            may = vec![may.iter().fold(Template::new(), |all, one| all.and(one))];
        }
        may.iter().for_each(|may| self.says_what_it_is_told(may));
    }

    fn says_what_it_is_told(&self, told: &Template) {
        let least = all().into_iter().filter(|of| told.has(*of)).fold(self.least.clone(), Template::without);
        let made = self.made(&least.and(told));
        for of in all() {
            if let Some(answer) = answer(told, of) {
                let read = self.bytes(made, of);
                let hidden = read == Err(Rv(ck::CKR_ATTRIBUTE_SENSITIVE));
                assert!(read == Ok(answer) || hidden, "{}: {read:?}", self.at(of));
            }
        }
    }

    /// What a key remembers: whether it was always sensitive and never extractable.
    fn remembers(&self) {
        if self.kind.row(ck::CKA_ALWAYS_SENSITIVE).is_none() {
            return;
        }
        for (sensitive, extractable) in [(false, false), (false, true), (true, false), (true, true)] {
            let made = self.made(&self.least.clone().sensitive(sensitive).extractable(extractable));
            let at = self.at(ck::CKA_ALWAYS_SENSITIVE);
            let flag = |of| self.session.flag(made.object, of).unwrap();
            assert_eq!(flag(ck::CKA_ALWAYS_SENSITIVE), sensitive && self.past.0, "{at}");
            assert_eq!(flag(ck::CKA_NEVER_EXTRACTABLE), !extractable && self.past.1, "{at}");
        }
    }

    /// An empty check value asks that there be none.
    fn waives(&self) {
        if self.kind.row(ck::CKA_CHECK_VALUE).is_some() {
            let made = self.made(&self.least.clone().bytes(ck::CKA_CHECK_VALUE, b""));
            assert_eq!(self.bytes(made, ck::CKA_CHECK_VALUE).unwrap(), b"", "{}", self.at(ck::CKA_CHECK_VALUE));
        }
    }
}

/// Whether another template, the function or its mechanism states this, so that what is said here can contradict them.
fn is_stated(of: ck::CK_ATTRIBUTE_TYPE) -> bool {
    const STATED: [ck::CK_ATTRIBUTE_TYPE; 8] = [
        ck::CKA_CLASS,
        ck::CKA_KEY_TYPE,
        ck::CKA_PUBLIC_EXPONENT,
        ck::CKA_EC_PARAMS,
        ck::CKA_PARAMETER_SET,
        ck::CKA_PRIME,
        ck::CKA_SUBPRIME,
        ck::CKA_BASE,
    ];
    STATED.contains(&of)
}

/// What an object says.
#[derive(PartialEq)]
enum Expected {
    Bytes(Vec<u8>),
    /// See [`computed::check`].
    Computed,
}

impl Expected {
    fn flag(is: bool) -> Expected {
        Expected::Bytes(vec![u8::from(is)])
    }
}
