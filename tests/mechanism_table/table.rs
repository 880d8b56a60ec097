//! One line for each mechanism, and counts of them.

use kit::{ck, mechanism_name};
use std::fmt::Write;

/// The others, in the order of the columns: their letter in `peers.txt`, their name.
const OTHERS: [(char, &str); 3] = [('S', "SoftHSM"), ('K', "kryoptic"), ('T', "tpm2-pkcs11")];

/// Which of the others have a mechanism.
#[derive(Clone, Copy, Default)]
pub struct Peers([bool; 3]);

impl Peers {
    /// By their letters.
    pub fn of(letters: &str) -> Peers {
        let known = letters.split(' ').all(|letter| OTHERS.iter().any(|(known, _)| letter == known.to_string()));
        assert!(known, "letters of peers.txt: {letters}");
        Peers(OTHERS.map(|(letter, _)| letters.contains(letter)))
    }
}

/// One mechanism of the standard.
pub struct Mechanism {
    name: &'static str,
    peers: Peers,
    ours: Option<Ours>,
}

struct Ours {
    flags: ck::CK_FLAGS,
    sizes: (ck::CK_ULONG, ck::CK_ULONG),
    legacy: bool,
}

/// Flags in words; a word stands for all the flags beside it.
const WORDS: &[(ck::CK_FLAGS, &str)] = &[
    (ck::CKF_ENCRYPT | ck::CKF_DECRYPT, "encrypt"),
    (ck::CKF_MESSAGE_ENCRYPT | ck::CKF_MESSAGE_DECRYPT, "encrypt messages"),
    (ck::CKF_SIGN | ck::CKF_VERIFY, "sign"),
    (ck::CKF_SIGN_RECOVER | ck::CKF_VERIFY_RECOVER, "recover"),
    (ck::CKF_MESSAGE_SIGN | ck::CKF_MESSAGE_VERIFY, "sign messages"),
    (ck::CKF_DIGEST, "digest"),
    (ck::CKF_GENERATE, "generate"),
    (ck::CKF_GENERATE_KEY_PAIR, "generate a pair"),
    (ck::CKF_WRAP | ck::CKF_UNWRAP, "wrap"),
    (ck::CKF_DERIVE, "derive"),
    (ck::CKF_ENCAPSULATE | ck::CKF_DECAPSULATE, "encapsulate"),
];

impl Mechanism {
    /// That we do not have so far.
    pub fn of(number: ck::CK_MECHANISM_TYPE, peers: Peers) -> Mechanism {
        let name = mechanism_name(number).unwrap_or_else(|| panic!("{number:#x} is not of the standard"));
        Mechanism { name, peers, ours: None }
    }

    /// That we have.
    pub fn is_ours(&mut self, info: ck::CK_MECHANISM_INFO, legacy: bool) {
        self.ours = Some(Ours { flags: info.flags, sizes: (info.ulMinKeySize, info.ulMaxKeySize), legacy });
    }

    fn has(&self, flags: ck::CK_FLAGS) -> bool {
        self.ours.as_ref().is_some_and(|ours| ours.flags & flags != 0)
    }

    /// The columns: ours, then the others'.
    fn columns(&self) -> [bool; 4] {
        let [softhsm, kryoptic, tpm2] = self.peers.0;
        [self.ours.is_some(), softhsm, kryoptic, tpm2]
    }

    fn line(&self) -> String {
        let marks = self.columns().map(|has| if has { "yes" } else { "–" }).join(" | ");
        let Some(ours) = &self.ours else { return format!("| {} | | | {marks} |\n", self.name) };
        let words: Vec<_> = WORDS.iter().filter(|(all, _)| ours.flags & all == *all).map(|(_, word)| *word).collect();
        let sizes = match ours.sizes {
            (0, 0) => String::new(),
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least}–{most}"),
        };
        let legacy = if ours.legacy { " †" } else { "" };
        format!("| {}{legacy} | {} | {sizes} | {marks} |\n", self.name, words.join(", "))
    }
}

fn heading(first: &str, rule: &str) -> String {
    let others = OTHERS.map(|(_, name)| name).join(" | ");
    format!("| {first} | SealHSM | {others} |\n|{rule}|\n")
}

/// The document of all mechanisms.
pub fn whole(mechanisms: &[Mechanism]) -> String {
    let mut text = String::from(
        "# Mechanisms\n\n\
         Every mechanism of PKCS#11 3.2 that SealHSM or one of the modules beside it has, in the order of the\n\
         standard's numbers. What SealHSM has is what its C_GetMechanismList and C_GetMechanismInfo say; a test compares\n\
         them with this file, and writes it (`tests/mechanism_table`). What the others have is what their documents say:\n\
         SoftHSM after 2.7.0, kryoptic 1.5.4 with all its features, tpm2-pkcs11 1.10; without mechanisms of their own.\n\n\
         Key sizes are in bits or in bytes, as the standard has them for each mechanism. †: for old data only;\n\
         `mechanisms = \"-legacy\"` in the configuration denies all of these.\n\n",
    );
    text += &heading("mechanism | operations | key size", "---|---|---|---|---|---|---");
    for mechanism in mechanisms {
        text += &mechanism.line();
    }
    text
}

/// The kinds of mechanisms; each counts for the first that fits.
const KINDS: &[(&str, ck::CK_FLAGS)] = &[
    ("keys: generation", ck::CKF_GENERATE | ck::CKF_GENERATE_KEY_PAIR),
    ("digests", ck::CKF_DIGEST),
    ("signatures and MACs", ck::CKF_SIGN),
    ("keys: derivation", ck::CKF_DERIVE),
    ("encryption, wrapping, encapsulation", ck::CKF_ENCRYPT | ck::CKF_WRAP | ck::CKF_ENCAPSULATE),
];

/// The table of counts.
pub fn counts(mechanisms: &[Mechanism]) -> String {
    let mut text = String::from("\n") + &heading("mechanisms", "---|--:|--:|--:|--:");
    let mut line = |name: &str, counted: &dyn Fn(&Mechanism) -> bool| {
        let counts = [0, 1, 2, 3].map(|n| mechanisms.iter().filter(|one| one.columns()[n] && counted(one)).count());
        let counts = counts.map(|count| count.to_string()).join(" | ");
        writeln!(text, "| {name} | {counts} |").expect("a string");
    };
    line("in all", &|_| true);
    for (place, (name, flags)) in KINDS.iter().enumerate() {
        line(name, &|one| one.has(*flags) && !KINDS[..place].iter().any(|(_, earlier)| one.has(*earlier)));
    }
    line("that SealHSM lacks", &|one| one.ours.is_none());
    line("that no other here has", &|one| one.columns().iter().filter(|has| **has).count() == 1);
    text + "\n"
}
