//! A million sequences of calls at random, by nobody, the user and the SO, against the model of the rules.

use super::model::{Blob, Model, Origin, Tracked};
use super::templates::{Chance, birth, change};
use super::{Bench, Said, attributes};
use crate::attribute::Type;
use crate::mechanism::{Mechanism, Parameter, Salt};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_seal::Who;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

const SEED: u64 = 0x5ea1_45a1;
const SEQUENCES: u64 = 1_000_000;
const STRICT_SEQUENCES: u64 = 50_000;
const ZEROS: [u8; 16] = [0; 16];
const OAEP: Parameter<'_> = Parameter::Oaep { hash: ck::CKM_SHA_1, mgf: ck::CKG_MGF1_SHA1, source: 0, label: &[] };

/// Ways to wrap, and most of them to decrypt, with the parameter that is always used.
const WAYS: usize = 13;

fn mechanism(way: usize) -> Mechanism<'static> {
    let ways: [(u64, Parameter<'static>); WAYS] = [
        (ck::CKM_AES_KEY_WRAP, Parameter::None),
        (ck::CKM_AES_KEY_WRAP_KWP, Parameter::None),
        (ck::CKM_AES_KEY_WRAP_PAD, Parameter::None),
        (ck::CKM_AES_KEY_WRAP, Parameter::Bytes(&[0xa6; 8])),
        (ck::CKM_AES_KEY_WRAP_PKCS7, Parameter::None),
        (ck::CKM_AES_ECB, Parameter::None),
        (ck::CKM_AES_CBC, Parameter::Bytes(&ZEROS)),
        (ck::CKM_AES_CBC_PAD, Parameter::Bytes(&ZEROS)),
        (ck::CKM_AES_CTR, Parameter::AesCtr { bits: 128, block: ZEROS }),
        (ck::CKM_AES_GCM, Parameter::Gcm { iv: &[0; 12], aad: &[], tag_bits: 128 }),
        (ck::CKM_RSA_PKCS, Parameter::None),
        (ck::CKM_RSA_PKCS_OAEP, OAEP),
        (
            ck::CKM_RSA_AES_KEY_WRAP,
            Parameter::RsaAesKeyWrap {
                aes_bits: 256,
                hash: ck::CKM_SHA_1,
                mgf: ck::CKG_MGF1_SHA1,
                source: 0,
                label: &[],
            },
        ),
    ];
    let (mechanism, parameter) = ways.into_iter().nth(way).expect("a way");
    Mechanism { mechanism, parameter }
}

/// The one of them that puts one after the other: a key under RSA, and what is wrapped under that key.
const IN_TWO_PARTS: usize = 12;
/// Bytes of the modulus of [`Pairs`].
const MODULUS: usize = 128;

/// RSA pairs, public and private, that sequences take copies of.
struct Pairs(Vec<[u64; 2]>);

impl Pairs {
    fn make(bench: &Bench) -> Pairs {
        bench.become_user(Some(Who::User));
        let wraps = [ck::CKA_DECRYPT, ck::CKA_SIGN, ck::CKA_SIGN_RECOVER, ck::CKA_DECAPSULATE, ck::CKA_DERIVE];
        let wraps = wraps.iter().fold(Said::default(), |said, of| said.flag(*of, false));
        let open = Said::default().flag(ck::CKA_PRIVATE, false);
        let pair = |private: Said| {
            let public = Said::default().ulong(ck::CKA_MODULUS_BITS, 8 * MODULUS as u64);
            let mechanism = Mechanism { mechanism: ck::CKM_RSA_PKCS_KEY_PAIR_GEN, parameter: Parameter::None };
            let pair = bench.app.generate_key_pair(bench.session, &mechanism, &public.template(), &private.template());
            let (public, private) = pair.unwrap();
            [public, private]
        };
        let both = |said: &Said| Said(open.0.iter().chain(&said.0).cloned().collect());
        Pairs(vec![pair(both(&wraps)), pair(open.clone()), pair(open.clone().flag(ck::CKA_EXTRACTABLE, true))])
    }
}

/// How often each call went well, and of those that matter most how often with a guarded key.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    calls: u64,
    made: u64,
    changed: u64,
    copied: u64,
    wrapped: u64,
    wrapped_sensitive: u64,
    unwrapped: u64,
    unwrapped_sensitive: u64,
    derived: u64,
    derived_guarded: u64,
    decrypted: u64,
    digested: u64,
    trusted: u64,
    destroyed: u64,
}

impl Counts {
    fn add(&mut self, more: &Counts) {
        let pairs: [(&mut u64, u64); 14] = [
            (&mut self.calls, more.calls),
            (&mut self.made, more.made),
            (&mut self.changed, more.changed),
            (&mut self.copied, more.copied),
            (&mut self.wrapped, more.wrapped),
            (&mut self.wrapped_sensitive, more.wrapped_sensitive),
            (&mut self.unwrapped, more.unwrapped),
            (&mut self.unwrapped_sensitive, more.unwrapped_sensitive),
            (&mut self.derived, more.derived),
            (&mut self.derived_guarded, more.derived_guarded),
            (&mut self.decrypted, more.decrypted),
            (&mut self.digested, more.digested),
            (&mut self.trusted, more.trusted),
            (&mut self.destroyed, more.destroyed),
        ];
        pairs.into_iter().for_each(|(sum, more)| *sum += more);
    }
}

/// A call that was made, for who has to understand a failure.
type Trail = Vec<(&'static str, u64, u64, Option<Error>)>;

struct Walk<'b> {
    model: Model<'b>,
    pairs: &'b Pairs,
    chance: Chance,
    counts: Counts,
    trail: Trail,
}

impl Walk<'_> {
    fn note(&mut self, call: &'static str, a: u64, b: u64, result: Result<()>) {
        self.counts.calls += 1;
        self.trail.push((call, a, b, result.err()));
    }

    fn any(&mut self) -> Option<Tracked> {
        let objects = &self.model.objects;
        if objects.is_empty() { None } else { Some(objects[self.chance.below(objects.len())].clone()) }
    }

    /// Mostly one that has this attribute.
    fn one_that(&mut self, of: Type) -> Option<Tracked> {
        if !self.chance.one_in(4) {
            let bench = self.model.bench;
            let has = |known: &&Tracked| bench.object(known.handle).is_some_and(|object| attributes(&object).is(of));
            let fit: Vec<&Tracked> = self.model.objects.iter().filter(has).collect();
            if !fit.is_empty() {
                // Often the newest: what was just made is what the next call of an attack is about.
                let at = if self.chance.one_in(3) { fit.len() - 1 } else { self.chance.below(fit.len()) };
                return Some(fit[at].clone());
            }
        }
        self.any()
    }

    fn step(&mut self) {
        match self.chance.below(32) {
            0..2 => self.create(),
            2..5 => self.generate(),
            5..8 => self.set(),
            8..10 => self.copy(),
            10..15 => self.wrap(),
            15..20 => self.unwrap(),
            20..24 => self.derive(),
            24..27 => self.decrypt(),
            27 => self.digest(),
            28 => self.destroy(),
            29 => self.pair(),
            _ => self.log_in(),
        }
    }

    fn secret(&mut self) -> (u64, usize) {
        let key_type = self.chance.of(&[ck::CKK_AES, ck::CKK_AES, ck::CKK_GENERIC_SECRET, ck::CKK_SHA256_HMAC]);
        let length = match key_type {
            ck::CKK_AES => self.chance.of(&[16, 32]),
            _ => self.chance.of(&[10, 16, 24, 32, 65]),
        };
        (key_type, length)
    }

    fn create(&mut self) {
        let (key_type, length) = self.secret();
        let said = birth(&mut self.chance, Said::key(ck::CKO_SECRET_KEY, key_type));
        let said = said.bytes(ck::CKA_VALUE, &self.chance.bytes(length));
        let made = self.model.bench.app.create_object(self.model.bench.session, &said.template());
        self.note("create", made.unwrap_or(0), 0, made.map(drop));
        if let Ok(handle) = made {
            self.counts.made += 1;
            self.model.born(handle, &Origin::Created);
        }
    }

    fn generate(&mut self) {
        let (key_type, length) = self.secret();
        let of = if key_type == ck::CKK_AES { ck::CKM_AES_KEY_GEN } else { ck::CKM_GENERIC_SECRET_KEY_GEN };
        let said = birth(&mut self.chance, Said::key(ck::CKO_SECRET_KEY, key_type));
        let said = said.ulong(ck::CKA_VALUE_LEN, length as u64);
        let mechanism = Mechanism { mechanism: of, parameter: Parameter::None };
        let made = self.model.bench.app.generate_key(self.model.bench.session, &mechanism, &said.template());
        let made = made.map(|made| made.handles[0]);
        self.note("generate", made.unwrap_or(0), 0, made.map(drop));
        if let Ok(handle) = made {
            self.counts.made += 1;
            self.model.born(handle, &Origin::Generated);
        }
    }

    fn set(&mut self) {
        let Some(object) = self.any() else { return };
        let mut said = change(&mut self.chance, Said::default());
        if self.model.who == Some(Who::So) {
            // The SO is careful: trusts no key that may be elsewhere under another name.
            said.0.retain(|(of, _)| *of != ck::CKA_TRUSTED);
            if !object.spread {
                said = Said::default().flag(ck::CKA_TRUSTED, true);
            }
        }
        let done = self.model.bench.app.set_attributes(self.model.bench.session, object.handle, &said.template());
        self.note("set", object.handle, 0, done);
        if done.is_ok() {
            self.counts.changed += 1;
            assert!(object.flags.modifiable, "changed though it is not MODIFIABLE");
            self.model.changed(object.handle);
            self.counts.trusted += u64::from(self.model.who == Some(Who::So) && !object.spread);
        }
    }

    fn copy(&mut self) {
        let Some(object) = self.any() else { return };
        let said = if self.chance.one_in(2) { change(&mut self.chance, Said::default()) } else { Said::default() };
        let made = self.model.bench.app.copy_object(self.model.bench.session, object.handle, &said.template());
        self.note("copy", object.handle, made.unwrap_or(0), made.map(drop));
        if let Ok(handle) = made {
            self.counts.copied += 1;
            assert!(object.flags.copyable, "copied though it is not COPYABLE");
            self.model.born(handle, &Origin::Copied(&object));
            self.model.spread(object.handle);
        }
    }

    /// The copies of a pair, to be wrapped under and unwrapped with.
    fn pair(&mut self) {
        if self.pairs.0.is_empty() {
            return;
        }
        let pair = self.chance.of(&self.pairs.0);
        let said = Said::default();
        for half in pair {
            let made = self.model.bench.app.copy_object(self.model.bench.session, half, &said.template());
            self.note("pair", half, made.unwrap_or(0), made.map(drop));
            let Ok(handle) = made else { continue };
            let object = self.model.bench.object(half).expect("the pair");
            let base = Model::new(self.model.bench).tracking(half, &object);
            self.model.born(handle, &Origin::Copied(&base));
            if base.flags.sensitive {
                self.model.guard_parts(attributes(&object));
            }
        }
    }

    fn wrap(&mut self) {
        let Some(outer) = self.one_that(ck::CKA_WRAP) else { return };
        let Some(inner) = self.one_that(ck::CKA_EXTRACTABLE) else { return };
        let rsa = outer.value.is_empty();
        let way = if rsa { self.chance.of(&[10, 11, 12, 12]) } else { self.chance.below(10) };
        let way = if self.chance.one_in(2) && !rsa { self.chance.below(2) } else { way };
        let mechanism = mechanism(way);
        let mut out = [0; 2048];
        let bench = self.model.bench;
        let done = bench.app.wrap_key(bench.session, &mechanism, outer.handle, inner.handle, Some(&mut out));
        self.note("wrap", outer.handle, inner.handle, done.map(drop));
        if let Ok(length) = done {
            assert!(inner.flags.extractable, "wrapped though it is not EXTRACTABLE");
            assert!(!inner.flags.wrap_with_trusted || outer.flags.trusted, "wrapped under a key that is not TRUSTED");
            self.counts.wrapped += 1;
            self.counts.wrapped_sensitive += u64::from(inner.flags.sensitive);
            self.model.sees(&out[..length]);
            // What is sensitive in it is as guarded as the key was.
            if !inner.flags.sensitive {
                self.model.spread(inner.handle);
            }
            self.model.spread(outer.handle);
            self.model.blobs.push(Blob { bytes: out[..length].to_vec(), way, flags: inner.flags, value: inner.value });
        }
    }

    /// A wrapped key, or a part of one, or one with a bit turned.
    fn blob(&mut self) -> Option<(usize, Vec<u8>, Option<Blob>)> {
        if self.model.blobs.is_empty() {
            return None;
        }
        let at = self.chance.below(self.model.blobs.len());
        let blob = self.model.blobs[at].clone();
        let mut bytes = blob.bytes.clone();
        Some(match self.chance.below(if blob.way == IN_TWO_PARTS { 3 } else { 8 }) {
            0 if bytes.len() > MODULUS => (11, bytes[..MODULUS].to_vec(), None),
            1 | 2 if bytes.len() > MODULUS => (1, bytes[MODULUS..].to_vec(), None),
            3 => {
                let at = self.chance.below(bytes.len());
                bytes[at] ^= 1 << self.chance.below(8);
                (blob.way, bytes, None)
            }
            4 => (self.chance.below(WAYS), bytes, None),
            _ => (blob.way, bytes, Some(blob)),
        })
    }

    fn unwrap(&mut self) {
        let Some(outer) = self.one_that(ck::CKA_UNWRAP) else { return };
        let Some((way, bytes, blob)) = self.blob() else { return };
        let mechanism = mechanism(way);
        let key_type = self.chance.of(&[ck::CKK_AES, ck::CKK_AES, ck::CKK_GENERIC_SECRET]);
        let said = birth(&mut self.chance, Said::key(ck::CKO_SECRET_KEY, key_type));
        let bench = self.model.bench;
        let made = bench.app.unwrap_key(bench.session, &mechanism, outer.handle, &bytes, &said.template());
        self.note("unwrap", outer.handle, made.unwrap_or(0), made.map(drop));
        if let Ok(handle) = made {
            self.counts.unwrapped += 1;
            self.model.born(handle, &Origin::Unwrapped(blob.as_ref()));
            let sensitive = blob.is_some_and(|blob| blob.flags.sensitive);
            self.counts.unwrapped_sensitive += u64::from(sensitive);
        }
    }

    fn decrypt(&mut self) {
        let Some(key) = self.one_that(ck::CKA_DECRYPT) else { return };
        let Some((way, bytes, _)) = self.blob() else { return };
        let mechanism = mechanism(way);
        let bench = self.model.bench;
        let mut out = [0; 2048];
        let encrypts = self.chance.one_in(4);
        let (app, session) = (&bench.app, bench.session);
        let done = if encrypts {
            let begun = app.encrypt_init(session, Some(&mechanism), key.handle);
            begun.and_then(|()| app.encrypt(session, &bytes, Some(&mut out)))
        } else {
            let begun = app.decrypt_init(session, Some(&mechanism), key.handle);
            begun.and_then(|()| app.decrypt(session, &bytes, Some(&mut out)))
        };
        app.session_cancel(session, ck::CKF_ENCRYPT | ck::CKF_DECRYPT).unwrap();
        self.note("decrypt", key.handle, way as u64, done.map(drop));
        if let Ok(length) = done {
            self.counts.decrypted += 1;
            self.model.sees(&out[..length]);
        }
    }

    fn derive(&mut self) {
        let Some(base) = self.one_that(ck::CKA_DERIVE) else { return };
        let Some(further) = self.one_that(ck::CKA_DERIVE) else { return };
        let length = self.chance.of(&[16, 32, base.value.len()]);
        let data = if self.chance.one_in(2) { vec![0; length.max(1)] } else { self.chance.bytes(length.max(1)) };
        let bits = self.chance.below(8 * base.value.len().max(1)) as u64;
        let hkdf = |salt| Parameter::Hkdf { extract: true, expand: true, hash: ck::CKM_SHA256, salt, info: b"model" };
        let (mechanism, parameter, shows, two) = match self.chance.below(13) {
            0 => (ck::CKM_CONCATENATE_BASE_AND_KEY, Parameter::Ulong(further.handle), true, true),
            1 => (ck::CKM_CONCATENATE_BASE_AND_DATA, Parameter::Bytes(&data), true, false),
            2 => (ck::CKM_CONCATENATE_DATA_AND_BASE, Parameter::Bytes(&data), true, false),
            3..6 => (ck::CKM_XOR_BASE_AND_DATA, Parameter::Bytes(&data), true, false),
            6..9 => (ck::CKM_EXTRACT_KEY_FROM_KEY, Parameter::Ulong(bits / 8 * self.chance.of(&[1, 8])), true, false),
            9 => (ck::CKM_SHA256_KEY_DERIVATION, Parameter::None, false, false),
            10 => (ck::CKM_HKDF_DERIVE, hkdf(Salt::Data(&data)), false, false),
            11 => (ck::CKM_HKDF_DERIVE, hkdf(Salt::Key(further.handle)), false, true),
            _ => (ck::CKM_AES_ECB_ENCRYPT_DATA, Parameter::Bytes(&data), false, false),
        };
        let key_type = self.chance.of(&[ck::CKK_AES, ck::CKK_GENERIC_SECRET]);
        let mut said = birth(&mut self.chance, Said::key(ck::CKO_SECRET_KEY, key_type));
        if !self.chance.one_in(3) {
            let length = self.chance.of(&[1, 8, 15, 16, 32, base.value.len()]);
            said = said.ulong(ck::CKA_VALUE_LEN, length as u64);
        }
        let mechanism = Mechanism { mechanism, parameter };
        let bench = self.model.bench;
        let made = bench.app.derive_key(bench.session, &mechanism, base.handle, &said.template());
        let made = made.map(|made| made.handles[0]).map_err(|refusal| refusal.error);
        self.note("derive", base.handle, made.unwrap_or(0), made.map(drop));
        if let Ok(handle) = made {
            self.counts.derived += 1;
            self.counts.derived_guarded += u64::from(shows && (base.flags.sensitive || !base.flags.extractable));
            let bases = if two { vec![base, further] } else { vec![base] };
            let origin = if shows { Origin::Shows(&bases) } else { Origin::OneWay(&bases) };
            self.model.born(handle, &origin);
            bases.iter().for_each(|base| self.model.spread(base.handle));
        }
    }

    fn digest(&mut self) {
        let Some(key) = self.any() else { return };
        let (app, session) = (&self.model.bench.app, self.model.bench.session);
        let mechanism = Mechanism { mechanism: ck::CKM_SHA256, parameter: Parameter::None };
        let mut out = [0; 64];
        app.digest_init(session, Some(&mechanism)).unwrap();
        let done = app.digest_key(session, key.handle);
        self.note("digest", key.handle, 0, done);
        if done.is_ok() {
            let length = app.digest_final(session, Some(&mut out)).unwrap();
            self.counts.digested += 1;
            self.model.sees(&out[..length]);
            if self.model.knows(&key.value) {
                assert!((16..=64).contains(&key.value.len()), "the digest of {} bytes", key.value.len());
            }
        }
        app.session_cancel(session, ck::CKF_DIGEST).unwrap();
    }

    fn destroy(&mut self) {
        let Some(object) = self.any() else { return };
        let done = self.model.bench.app.destroy_object(self.model.bench.session, object.handle);
        self.note("destroy", object.handle, 0, done);
        if done.is_ok() {
            self.counts.destroyed += 1;
            assert!(object.flags.destroyable, "destroyed though it is not DESTROYABLE");
            self.model.forget_the_gone();
        }
    }

    fn log_in(&mut self) {
        let who = self.chance.of(&[Some(Who::User), Some(Who::User), Some(Who::So), None]);
        self.model.bench.become_user(who);
        self.note("login", who.map_or(0, |who| who as u64 + 1), 0, Ok(()));
        self.model.who = who;
        self.model.forget_the_gone();
    }
}

/// One sequence from an empty session.
fn sequence(bench: &Bench, pairs: &Pairs, seed: u64) -> Counts {
    bench.become_user(Some(Who::User));
    let mut model = Model::new(bench);
    model.who = Some(Who::User);
    let mut walk = Walk { model, pairs, chance: Chance::seeded(seed), counts: Counts::default(), trail: Vec::new() };
    let with_pair = walk.chance.one_in(16);
    let steps = 2 + walk.chance.below(if with_pair { 24 } else { 8 });
    let went = catch_unwind(AssertUnwindSafe(|| {
        walk.create();
        walk.generate();
        if with_pair {
            walk.pair();
        }
        (0..steps).for_each(|_| walk.step());
    }));
    if let Err(panic) = went {
        eprintln!("the sequence of seed {seed:#x}:");
        walk.trail.iter().for_each(|call| eprintln!("  {call:x?}"));
        resume_unwind(panic);
    }
    let ours: Vec<u64> = walk.model.objects.iter().map(|known| known.handle).collect();
    bench.token.change_view(|view| ours.iter().for_each(|handle| drop(view.remove(*handle))));
    walk.counts
}

/// So many sequences, on as many threads as there are processors, each with an application of its own.
fn walk(config: &str, count: u64) -> Counts {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    std::thread::scope(|scope| {
        let run = |thread: u64| {
            let bench = Bench::new(config);
            // Strict, no pair is there for everybody.
            let pairs = if config.is_empty() { Pairs::make(&bench) } else { Pairs(Vec::new()) };
            let mut counts = Counts::default();
            for number in (thread..count).step_by(threads as usize) {
                counts.add(&sequence(&bench, &pairs, SEED + number));
            }
            counts
        };
        let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
        let mut all = Counts::default();
        threads.into_iter().for_each(|thread| all.add(&thread.join().unwrap_or_else(|panic| resume_unwind(panic))));
        all
    })
}

/// Past the test harness, which keeps what a test prints that passes.
fn report(text: &str) {
    std::io::stdout().write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_million_sequences_of_calls_loosen_no_rule_and_show_no_guarded_value() {
    let counts = walk("", SEQUENCES);
    report(&format!("{SEQUENCES} sequences: {counts:?}\n"));
    // It did what it is about.
    for (count, least) in [
        (counts.calls, 4 * SEQUENCES),
        (counts.wrapped_sensitive, SEQUENCES / 1000),
        (counts.unwrapped_sensitive, SEQUENCES / 10_000),
        (counts.derived_guarded, SEQUENCES / 1000),
        (counts.decrypted, SEQUENCES / 1000),
        (counts.digested, SEQUENCES / 1000),
        (counts.trusted, SEQUENCES / 10_000),
    ] {
        assert!(count >= least, "{counts:?}");
    }
}

#[test]
fn with_strict_no_sequence_of_calls_gives_a_key_two_purposes() {
    let counts = walk("strict = true", STRICT_SEQUENCES);
    report(&format!("{STRICT_SEQUENCES} sequences, strict: {counts:?}\n"));
    assert!(counts.made > STRICT_SEQUENCES && counts.wrapped > STRICT_SEQUENCES / 1000, "{counts:?}");
}
