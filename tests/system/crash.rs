//! `kill -9` at random moments: what was acknowledged is there, what was not is there whole or not at all, and the
//! token opens. A child makes changes and acknowledges each over a socket after CKR_OK; the parent kills it and looks.
// A test that fails shows what it has printed: the seed.
#![allow(clippy::print_stdout)]

use kit::{Forked, Isolated, Module, Object, SO_PIN, Session, Template, USER_PIN, ck};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// xorshift64*: repeatable from the seed that is printed.
struct Random(u64);

impl Random {
    fn new() -> Random {
        let chosen = std::env::var("CRASH_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = chosen.unwrap_or_else(|| u64::from(std::process::id()) << 20 | 1);
        println!("seed {seed} (set CRASH_SEED to repeat it)");
        Random(seed)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
    }
}

/// Long enough for two hundred rounds on a busy machine.
fn patient() -> Isolated {
    Isolated::default().longest(Duration::from_secs(600))
}

/// One life: `work` gets a socket to acknowledge on and is killed at a random moment, `most` after its first
/// acknowledgement, or in some lives before it. How much it acknowledged.
fn life(random: &mut Random, most: Duration, work: impl FnOnce(&mut UnixStream)) -> usize {
    let (mut reader, mut writer) = UnixStream::pair().unwrap();
    let child = Forked::start(|| work(&mut writer));
    drop(writer);
    let mut acknowledged = Vec::new();
    let mut moment = Duration::from_micros(random.below(most.as_micros() as u64));
    if random.below(8) > 0 {
        let mut first = [0];
        reader.read_exact(&mut first).expect("the first acknowledgement");
        acknowledged.push(first[0]);
    } else {
        // Somewhere in C_Initialize and C_Login.
        moment += Duration::from_millis(random.below(120));
    }
    std::thread::sleep(moment);
    child.kill();
    reader.read_to_end(&mut acknowledged).unwrap();
    acknowledged.len()
}

fn acknowledge(to: &mut UnixStream) {
    to.write_all(b"+").unwrap();
}

/// A new application in the child, with the user logged in.
fn login(module: &Module) -> Session<'_> {
    module.initialize().unwrap();
    let session = module.session("test");
    session.login(ck::CKU_USER, USER_PIN).unwrap();
    session
}

/// What a round has on the token: label and value of each object.
type State = BTreeSet<(String, Vec<u8>)>;

/// Operations come in fours: create one, create another, rename the first, destroy the second.
fn state_after(operations: usize) -> State {
    let mut state = State::new();
    for group in 0..operations.div_ceil(4) {
        let done = (operations - 4 * group).min(4);
        let first = if done < 3 { format!("{group}") } else { format!("{group} renamed") };
        state.insert((first, value(group, 1)));
        if (2..4).contains(&done) {
            state.insert((format!("{group} second"), value(group, 2)));
        }
    }
    state
}

fn value(group: usize, part: usize) -> Vec<u8> {
    format!("{group}/{part}").repeat(50).into_bytes()
}

fn create_rename_destroy(session: &Session<'_>, round: usize, acknowledgements: &mut UnixStream) {
    let make = |label: String, value: Vec<u8>, private: bool| -> Object {
        let object = Template::data(&label, private, &value).bytes(ck::CKA_APPLICATION, round.to_string());
        session.create(&object).unwrap()
    };
    for group in 0.. {
        let private = group % 2 == 0;
        let first = make(format!("{group}"), value(group, 1), private);
        acknowledge(acknowledgements);
        let second = make(format!("{group} second"), value(group, 2), private);
        acknowledge(acknowledgements);
        session.set(first, &Template::new().label(&format!("{group} renamed"))).unwrap();
        acknowledge(acknowledgements);
        session.destroy(second).unwrap();
        acknowledge(acknowledgements);
    }
}

fn state_of(session: &Session<'_>, round: usize) -> State {
    let found = session.find(&Template::new().bytes(ck::CKA_APPLICATION, round.to_string())).unwrap();
    let read = |object: &Object| {
        let label = String::from_utf8(session.bytes(*object, ck::CKA_LABEL).unwrap()).unwrap();
        (label, session.bytes(*object, ck::CKA_VALUE).unwrap())
    };
    found.iter().map(read).collect()
}

#[test]
fn two_hundred_kills_of_a_create_loop_lose_nothing_and_leave_no_half() {
    patient().run(|env| {
        let (module, mut random) = (env.module(), Random::new());
        let session = env.user(&module);
        let (mut rounds, mut acknowledged) = (Vec::new(), 0);
        for round in 0..200 {
            let done = life(&mut random, Duration::from_millis(25), |socket| {
                create_rename_destroy(&login(&module), round, socket);
            });
            let state = state_of(&session, round);
            let one_more = state == state_after(done + 1);
            assert!(one_more || state == state_after(done), "round {round}, {done} acknowledged: {state:?}");
            rounds.push(done + usize::from(one_more));
            acknowledged += done;
        }
        println!("{acknowledged} acknowledged");
        assert!(acknowledged > 150, "only {acknowledged} acknowledged");
        // Later rounds took nothing from earlier ones, and another application sees the same.
        module.finalize().unwrap();
        let session = login(&module);
        for (round, done) in rounds.iter().enumerate() {
            assert_eq!(state_of(&session, round), state_after(*done), "round {round}");
        }
        // The next writer finishes renames and removes what is proved dead. An envelope that no frame ever listed
        // stays, as it might be ahead of its index in a copy: at most one of each life. Besides objects there are
        // token.object, token.lock and the index.
        session.create(&Template::data("last", true, b"")).unwrap();
        let names = std::fs::read_dir(env.home()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let names: Vec<String> = names.collect();
        assert!(!names.iter().any(|name| name.starts_with('.')), "{names:?}");
        let objects = session.find(&Template::new()).unwrap().len();
        assert!(
            (objects + 3..=objects + 3 + rounds.len()).contains(&names.len()),
            "{objects} objects, {}",
            names.len()
        );
        assert_eq!(env.tpm().loaded(), (0, 0));
    });
}

#[test]
fn two_hundred_kills_of_a_key_pair_loop_lose_no_pair_and_leave_no_half() {
    patient().run(|env| {
        let (module, mut random) = (env.module(), Random::new());
        let session = env.user(&module);
        let mut pairs = 0;
        for round in 0..200 {
            let label = |number: usize| format!("{round}/{number}");
            let done = life(&mut random, Duration::from_millis(25), |socket| {
                let session = login(&module);
                for number in 0.. {
                    session.p256(&label(number)).unwrap();
                    acknowledge(socket);
                }
            });
            // One may have been made and not acknowledged; nothing can follow it.
            for number in 0..done + 2 {
                let found = session.labelled(&label(number)).unwrap().len();
                let allowed: &[usize] = if number < done {
                    &[2]
                } else if number == done {
                    &[0, 2]
                } else {
                    &[0]
                };
                assert!(allowed.contains(&found), "round {round}, {done} acknowledged: {found} halves of {number}");
                if found == 2 {
                    let signature = session.ecdsa(session.one(ck::CKO_PRIVATE_KEY, &label(number)), b"data").unwrap();
                    let public = session.one(ck::CKO_PUBLIC_KEY, &label(number));
                    session.ecdsa_verify(public, b"data", &signature).unwrap();
                    pairs += 1;
                }
            }
        }
        println!("{pairs} pairs");
        assert!(pairs > 150, "only {pairs} pairs");
        module.finalize().unwrap();
        assert_eq!(login(&module).find(&Template::new()).unwrap().len(), 2 * pairs);
    });
}

#[test]
fn thirty_kills_of_a_change_of_pin_leave_exactly_one_that_opens() {
    patient().run(|env| {
        let (module, mut random) = (env.module(), Random::new());
        let session = env.user(&module);
        session.create(&Template::data("there", true, b"value")).unwrap();
        session.logout().unwrap();
        env.tpm().never_lock();
        let pin = |number: usize| if number == 0 { USER_PIN.into() } else { format!("pin number {number}") };
        let mut present = 0;
        for round in 0..30 {
            let done = life(&mut random, Duration::from_millis(250), |socket| {
                module.initialize().unwrap();
                let session = module.session("test");
                for number in present.. {
                    session.set_pin(pin(number), pin(number + 1)).unwrap();
                    acknowledge(socket);
                }
            });
            let opens: Vec<usize> = (present + done.saturating_sub(1)..present + done + 2)
                .filter(|number| match session.login(ck::CKU_USER, pin(*number)) {
                    Ok(()) => {
                        assert_eq!(session.labelled("there").unwrap().len(), 1);
                        session.logout().unwrap();
                        true
                    }
                    Err(refused) => {
                        assert_eq!(refused, ck::CKR_PIN_INCORRECT);
                        false
                    }
                })
                .collect();
            let expected = [present + done, present + done + 1];
            assert!(
                opens.len() == 1 && expected.contains(&opens[0]),
                "round {round}: {opens:?}, not one of {expected:?}"
            );
            present = opens[0];
        }
        println!("{present} changes");
        assert!(present >= 15, "only {present} changes");
        session.login(ck::CKU_SO, SO_PIN).unwrap();
    });
}

/// What a token is: its label, whether there is a user PIN, whether there is an object.
#[derive(Debug, PartialEq, Eq)]
struct Anew {
    label: String,
    pin: bool,
    object: bool,
}

/// Steps come in threes: make it anew, set the user's PIN, create an object.
fn anew_after(step: usize) -> Anew {
    Anew { label: format!("made {}", step / 3), pin: step % 3 >= 1, object: step % 3 == 2 }
}

fn make_anew(module: &Module, from: usize, socket: &mut UnixStream) {
    module.initialize().unwrap();
    let slot = module.slots().unwrap()[0];
    for number in from.. {
        module.init_token(slot, SO_PIN, &format!("made {number}")).unwrap();
        acknowledge(socket);
        let session = module.open_rw(slot).unwrap();
        session.login(ck::CKU_SO, SO_PIN).unwrap();
        session.init_pin(USER_PIN).unwrap();
        acknowledge(socket);
        session.logout().unwrap();
        session.create(&Template::data("there", false, b"value")).unwrap();
        acknowledge(socket);
        session.close().unwrap();
    }
}

fn look(module: &Module) -> Anew {
    module.initialize().unwrap();
    let slots = module.slots().unwrap();
    assert_eq!(slots.len(), 2, "one token, neither none nor two");
    let info = module.token_info(slots[0]).unwrap();
    let session = module.open_rw(slots[0]).unwrap();
    let objects = session.find(&Template::new()).unwrap().len();
    assert!(objects <= 1);
    let pin = info.flags & ck::CKF_USER_PIN_INITIALIZED != 0;
    if pin {
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        session.logout().unwrap();
    }
    session.login(ck::CKU_SO, SO_PIN).unwrap();
    module.finalize().unwrap();
    Anew { label: kit::text(&info.label), pin, object: objects == 1 }
}

#[test]
fn thirty_kills_of_making_a_token_anew_leave_the_old_one_or_the_new_one() {
    patient().run(|env| {
        let (module, mut random) = (env.module(), Random::new());
        env.token(&module, "made 0");
        module.finalize().unwrap();
        // It has a PIN and no object.
        let mut step = 1;
        for round in 0..30 {
            // Every life begins by making it anew, whatever the last one left.
            let first = (step / 3 + 1) * 3;
            let done = life(&mut random, Duration::from_millis(400), |socket| make_anew(&module, first / 3, socket));
            let before = if done == 0 { step } else { first + done - 1 };
            let found = look(&module);
            let now = [before, first + done].into_iter().find(|step| anew_after(*step) == found);
            step = now.unwrap_or_else(|| panic!("round {round}, {done} acknowledged after {step}: {found:?}"));
        }
        println!("{step} steps");
        assert!(step >= 45, "only {step} steps");
    });
}
