//! The same calls on SoftHSM2 (Debian's package softhsm2) and on ours: an application that moves from one to the other
//! meets the differences that the table lists and no others.

mod differences;
mod scripts;

use differences::DIFFERENCES;
use kit::{Env, Isolated, Module, Object, Result, SOFTHSM, Session, code};
use std::fmt::Debug;
use std::path::Path;

/// What one module said to a script: the calls in order, each under a name of its own.
pub struct Transcript<'m> {
    module: &'m Module,
    said: Vec<(String, String)>,
}

impl<'m> Transcript<'m> {
    /// Notes what a call returned.
    pub fn call<T>(&mut self, name: impl Into<String>, result: Result<T>) -> Option<T> {
        self.said.push((name.into(), code(result.as_ref().map(drop).map_err(|error| *error)).to_string()));
        result.ok()
    }

    /// Notes what a call returned and what came out.
    pub fn value<T: Debug>(&mut self, name: impl Into<String>, result: Result<T>) {
        self.said.push((name.into(), result.map_or_else(|error| error.to_string(), |value| format!("{value:?}"))));
    }

    /// Notes what a call that makes an object returned. An object that is not there, if it made none.
    pub fn object(&mut self, name: impl Into<String>, result: Result<Object>) -> Object {
        self.call(name, result).unwrap_or(Object(0))
    }

    /// Notes what a call returned in a session of its own on the first slot, which is closed after it.
    pub fn alone<T>(&mut self, name: impl Into<String>, call: impl FnOnce(Session<'_>) -> Result<T>) {
        let session = self.module.open_rw(self.module.slots().unwrap()[0]).unwrap();
        self.call(name, call(session));
        session.close().unwrap();
    }

    /// Notes what a call that opens a session returned. A session that is not there, if it opened none.
    pub fn session(&mut self, name: impl Into<String>, result: Result<Session<'m>>) -> Session<'m> {
        self.call(name, result).unwrap_or(Session { module: self.module, handle: 0 })
    }
}

/// Runs a script on both modules, each with a token directory of its own, and compares.
fn compare(env: &Env, chapter: &str, script: fn(&mut Transcript<'_>)) {
    let theirs = env.file("softhsm");
    std::fs::create_dir(&theirs).unwrap();
    let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", theirs.display());
    std::fs::write(env.file("softhsm2.conf"), text).unwrap();
    env.tpm().never_lock();
    let [theirs, ours] = [Module::at(Path::new(SOFTHSM)), Module::ours()].map(|module| {
        module.initialize().unwrap();
        let mut transcript = Transcript { module: &module, said: Vec::new() };
        script(&mut transcript);
        transcript.said
    });
    let calls = |said: &[(String, String)]| said.iter().map(|(call, _)| call.clone()).collect::<Vec<_>>();
    assert_eq!(calls(&theirs), calls(&ours), "the script depends on what it is told");
    let mut names = calls(&ours);
    names.sort_unstable();
    assert_eq!(names.windows(2).find(|pair| pair[0] == pair[1]), None, "a name stands for one call");
    let found = theirs.iter().zip(&ours).filter(|(theirs, ours)| theirs.1 != ours.1);
    let found: Vec<_> = found.map(|(theirs, ours)| (theirs.0.as_str(), theirs.1.as_str(), ours.1.as_str())).collect();
    let here = DIFFERENCES.iter().filter(|difference| difference.chapter == chapter);
    let listed: Vec<_> = here.flat_map(|difference| difference.calls.iter().copied()).collect();
    let without = |all: &[Answers<'_>], these: &[Answers<'_>]| {
        let rest = all.iter().filter(|one| !these.contains(one));
        rest.map(|(call, theirs, ours)| format!("{call}: SoftHSM {theirs}, ours {ours}\n")).collect::<String>()
    };
    let (new, gone) = (without(&found, &listed), without(&listed, &found));
    assert!(new.is_empty() && gone.is_empty(), "not listed:\n{new}listed, but not found:\n{gone}");
}

/// A call, what SoftHSM says, what we say.
type Answers<'a> = (&'a str, &'a str, &'a str);

macro_rules! chapters {
    ($($test:ident: $script:ident)*) => { $(
        #[test]
        fn $test() {
            let isolated = Isolated::default().variable("SOFTHSM2_CONF", "{dir}/softhsm2.conf");
            isolated.run(|env| compare(env, stringify!($script), scripts::$script::run));
        }
    )* };
}

chapters! {
    tokens_and_pins_differ_only_as_listed: tokens
    sessions_and_logins_differ_only_as_listed: sessions
    objects_and_searches_differ_only_as_listed: objects
    attributes_differ_only_as_listed: attributes
    operations_differ_only_as_listed: operations
}

#[test]
fn every_listed_difference_has_a_chapter_and_a_reason() {
    let chapters = ["tokens", "sessions", "objects", "attributes", "operations"];
    for difference in DIFFERENCES {
        assert!(chapters.contains(&difference.chapter), "{difference:?}");
        assert!(!difference.reason.is_empty() && !difference.calls.is_empty(), "{difference:?}");
    }
}
