//! Thousands of sequences of calls at random through the module, with objects on the token and in the session, by
//! nobody, the user and the SO: nothing that leaves the module holds 8 bytes of a value that was guarded, and the
//! attributes that guard it stay. Core has the same in process, a million times.

use kit::{Chance, Mechanism, Module, Object, SO_PIN, Session, Template, USER_PIN, ck, isolated};
use std::collections::HashSet;

const SEED: u64 = 0x5ea1;
const SEQUENCES: usize = 4000;
/// A login asks the TPM: so often a sequence has one.
const LOGINS: usize = 200;

/// What is known of an object.
#[derive(Clone)]
struct Known {
    object: Object,
    sensitive: bool,
    extractable: bool,
    value: Vec<u8>,
    spread: bool,
}

#[derive(Default, Debug)]
struct Counts {
    calls: usize,
    made: usize,
    wrapped_sensitive: usize,
    unwrapped: usize,
    derived: usize,
    decrypted: usize,
    searched: usize,
}

struct Walk<'s> {
    session: &'s Session<'s>,
    chance: Chance,
    known: Vec<Known>,
    blobs: Vec<(usize, Vec<u8>)>,
    pieces: HashSet<[u8; 8]>,
    counts: Counts,
}

const FLAGS: [ck::CK_ATTRIBUTE_TYPE; 9] = [
    ck::CKA_SENSITIVE,
    ck::CKA_EXTRACTABLE,
    ck::CKA_WRAP,
    ck::CKA_DECRYPT,
    ck::CKA_DERIVE,
    ck::CKA_WRAP_WITH_TRUSTED,
    ck::CKA_TRUSTED,
    ck::CKA_TOKEN,
    ck::CKA_PRIVATE,
];

fn ways() -> [Mechanism; 6] {
    [
        Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP),
        Mechanism::plain(ck::CKM_AES_KEY_WRAP),
        Mechanism::plain(ck::CKM_AES_ECB),
        Mechanism::bytes(ck::CKM_AES_CBC_PAD, [0; 16]),
        Mechanism::ctr(128, [0; 16]),
        Mechanism::gcm(&[0; 12], b"", 128),
    ]
}

impl Walk<'_> {
    fn template(&mut self) -> Template {
        let guarded = Template::new().sensitive(true).extractable(true).flag(ck::CKA_DERIVE, true);
        let wrapping = Template::new().flag(ck::CKA_WRAP, true).flag(ck::CKA_DECRYPT, false);
        let open = Template::new().extractable(true).flag(ck::CKA_DERIVE, true);
        let intentions = [Template::new(), guarded, wrapping, open];
        let template = intentions[self.chance.up_to(3)].clone();
        if self.chance.up_to(2) == 0 { self.change(template) } else { template }
    }

    fn change(&mut self, template: Template) -> Template {
        let of = self.chance.one_of(&FLAGS);
        template.without(of).flag(of, self.chance.up_to(1) == 1)
    }

    fn any(&mut self) -> Option<Known> {
        if self.known.is_empty() { None } else { Some(self.known[self.chance.up_to(self.known.len() - 1)].clone()) }
    }

    #[track_caller]
    fn sees(&self, output: &[u8]) {
        let known = output.windows(8).any(|window| self.pieces.contains(window));
        assert!(!known, "a guarded value in the output {output:02x?}");
    }

    /// Looks at a new object; `value` where it is known.
    fn born(&mut self, object: Object, value: &[u8], spread: bool) {
        self.counts.made += 1;
        let flag = |of| self.session.flag(object, of).unwrap();
        let (sensitive, extractable) = (flag(ck::CKA_SENSITIVE), flag(ck::CKA_EXTRACTABLE));
        if !spread && (sensitive || !extractable) {
            self.pieces.extend(value.windows(8).map(|window| <[u8; 8]>::try_from(window).unwrap()));
        }
        self.known.push(Known { object, sensitive, extractable, value: value.to_vec(), spread });
        self.read(object);
    }

    fn read(&self, object: Object) {
        if let Ok(value) = self.session.bytes(object, ck::CKA_VALUE) {
            self.sees(&value);
        }
    }

    fn step(&mut self) {
        self.counts.calls += 1;
        match self.chance.up_to(if self.known.len() < 4 { 3 } else { 15 }) {
            0 | 1 => {
                let value = self.chance.bytes(16);
                let template = Template::secret_key(ck::CKK_AES, &value).and(&self.template());
                if let Ok(object) = self.session.create(&template) {
                    self.born(object, &value, false);
                }
            }
            2 | 3 => {
                let template = Template::new().ulong(ck::CKA_VALUE_LEN, 32).and(&self.template());
                if let Ok(object) = self.session.generate_key(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &template) {
                    self.born(object, &[], true);
                }
            }
            4 | 5 => self.set(),
            6 => {
                let Some(from) = self.any() else { return };
                let template = self.change(Template::new());
                if let Ok(object) = self.session.copy(from.object, &template) {
                    self.born(object, &from.value, true);
                    let copy = self.known.last().unwrap();
                    assert!(copy.sensitive >= from.sensitive && copy.extractable <= from.extractable, "a looser copy");
                    self.spread(from.object);
                }
            }
            7..=9 => self.wrap(),
            10 | 11 => self.unwrap(),
            12 => self.decrypt(),
            13 => {
                let Some(key) = self.any() else { return };
                self.session.digest_init(&Mechanism::plain(ck::CKM_SHA256)).unwrap();
                if self.session.digest_key(key.object).is_ok() {
                    self.sees(&self.session.digest_final().unwrap());
                }
                // After an error there is none to end.
                let _ = self.session.digest_cancel();
                // Of what the token made nobody knows the value.
                if !key.value.is_empty() {
                    self.counts.searched += 1;
                    let found = self.session.find(&Template::new().bytes(ck::CKA_VALUE, &key.value)).unwrap();
                    let open = |known: &Known| !known.sensitive && known.extractable;
                    let guarded = self.known.iter().find(|known| !open(known) && found.contains(&known.object));
                    assert!(guarded.is_none(), "found by its value");
                    assert_eq!(found.contains(&key.object), open(&key));
                }
            }
            _ => self.derive(),
        }
    }

    fn set(&mut self) {
        let Some(key) = self.any() else { return };
        let template = self.change(Template::new());
        if self.session.set(key.object, &template).is_ok() {
            let flag = |of| self.session.flag(key.object, of).unwrap();
            let (sensitive, extractable) = (flag(ck::CKA_SENSITIVE), flag(ck::CKA_EXTRACTABLE));
            assert!(sensitive >= key.sensitive && extractable <= key.extractable, "a key got looser");
            let at = self.known.iter().position(|known| known.object == key.object).unwrap();
            (self.known[at].sensitive, self.known[at].extractable) = (sensitive, extractable);
            if !key.spread && (sensitive || !extractable) {
                self.pieces.extend(key.value.windows(8).map(|window| <[u8; 8]>::try_from(window).unwrap()));
            }
            self.read(key.object);
        }
    }

    fn spread(&mut self, object: Object) {
        self.known.iter_mut().filter(|known| known.object == object).for_each(|known| known.spread = true);
    }

    fn wrap(&mut self) {
        let (Some(outer), Some(inner)) = (self.any(), self.any()) else { return };
        let way = self.chance.one_of(&[0, 0, 0, 1, 1, 2, 3, 4, 5]);
        if let Ok(wrapped) = self.session.wrap(&ways()[way], outer.object, inner.object) {
            assert!(inner.extractable, "wrapped though it is not EXTRACTABLE");
            self.sees(&wrapped);
            self.counts.wrapped_sensitive += usize::from(inner.sensitive);
            if !inner.sensitive {
                self.spread(inner.object);
            }
            self.blobs.push((way, wrapped));
        }
    }

    fn blob(&mut self) -> Option<(usize, Vec<u8>)> {
        if self.blobs.is_empty() { None } else { Some(self.blobs[self.chance.up_to(self.blobs.len() - 1)].clone()) }
    }

    fn unwrap(&mut self) {
        let (Some(outer), Some((way, wrapped))) = (self.any(), self.blob()) else { return };
        let template = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_AES).and(&self.template());
        if let Ok(object) = self.session.unwrap(&ways()[way], outer.object, &wrapped, &template) {
            self.counts.unwrapped += 1;
            assert!(!self.session.flag(object, ck::CKA_ALWAYS_SENSITIVE).unwrap());
            assert!(!self.session.flag(object, ck::CKA_NEVER_EXTRACTABLE).unwrap());
            self.born(object, &[], true);
        }
    }

    fn decrypt(&mut self) {
        let (Some(key), Some((way, wrapped))) = (self.any(), self.blob()) else { return };
        if let Ok(plain) = self.session.decrypt_with(&ways()[way], key.object, &wrapped) {
            self.counts.decrypted += 1;
            self.sees(&plain);
        }
        self.session.cancel(ck::CKF_DECRYPT).unwrap();
    }

    fn derive(&mut self) {
        let Some(base) = self.any() else { return };
        let data = if self.chance.up_to(1) == 0 { vec![0; 16] } else { self.chance.bytes(16) };
        let mechanism = match self.chance.up_to(4) {
            0 => Mechanism::with_data(ck::CKM_XOR_BASE_AND_DATA, &data),
            1 => Mechanism::with_data(ck::CKM_CONCATENATE_BASE_AND_DATA, &data),
            2 => Mechanism::number(ck::CKM_EXTRACT_KEY_FROM_KEY, self.chance.up_to(15) as u64 * 8),
            3 => Mechanism::plain(ck::CKM_SHA256_KEY_DERIVATION),
            _ => Mechanism::with_data(ck::CKM_AES_ECB_ENCRYPT_DATA, &data),
        };
        let length = self.chance.one_of(&[1, 8, 16, 32]);
        let template = Template::new().ulong(ck::CKA_VALUE_LEN, length).and(&self.template());
        if let Ok(object) = self.session.derive(&mechanism, base.object, &template) {
            self.counts.derived += 1;
            self.born(object, &[], true);
            self.spread(base.object);
        }
    }
}

fn log_in(session: &Session<'_>, chance: &mut Chance) {
    // Nobody may be in.
    let _ = session.logout();
    match chance.up_to(3) {
        0 => {}
        1 => session.login(ck::CKU_SO, SO_PIN).unwrap(),
        _ => session.login(ck::CKU_USER, USER_PIN).unwrap(),
    }
}

fn sequence(module: &Module, slot: ck::CK_SLOT_ID, number: usize, counts: Counts) -> Counts {
    let session = module.open_rw(slot).unwrap();
    let chance = Chance::seeded(SEED.wrapping_add(number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut walk = Walk { session: &session, chance, known: vec![], blobs: vec![], pieces: HashSet::new(), counts };
    let steps = 5 + walk.chance.up_to(25);
    (0..steps).for_each(|_| walk.step());
    for known in &walk.known {
        // What cannot be seen or destroyed now stays.
        let _ = session.destroy(known.object);
    }
    let counts = walk.counts;
    session.close().unwrap();
    counts
}

#[test]
fn thousands_of_sequences_of_calls_show_no_guarded_value() {
    isolated(|env| {
        let module = env.module();
        let first = env.user(&module);
        let slot = first.info().unwrap().slotID;
        let mut chance = Chance::seeded(SEED);
        let mut counts = Counts::default();
        for number in 0..SEQUENCES {
            if number % LOGINS == LOGINS - 1 {
                log_in(&first, &mut chance);
            }
            let went = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                sequence(&module, slot, number, std::mem::take(&mut counts))
            }));
            counts = went.unwrap_or_else(|panic| {
                eprintln!("sequence {number} of seed {SEED:#x}");
                std::panic::resume_unwind(panic)
            });
        }
        env.report(&format!("{SEQUENCES} sequences: {counts:?}\n"));
        for (count, least) in [
            (counts.calls, 10 * SEQUENCES),
            (counts.made, SEQUENCES),
            (counts.wrapped_sensitive, SEQUENCES / 50),
            (counts.unwrapped, SEQUENCES / 20),
            (counts.derived, SEQUENCES / 4),
            (counts.decrypted, SEQUENCES / 50),
            (counts.searched, SEQUENCES / 20),
        ] {
            assert!(count >= least, "{counts:?}");
        }
    });
}
