//! PINs and TPMs: wrong, absent, another one, cleared, hung, switched off; and agents.

use kit::{Env, Isolated, Module, SO_PIN, Session, Swtpm, Template, USER_PIN, ck, isolated};
use std::time::{Duration, Instant};

/// A token with a public and a private object, in a new application without a login.
fn prepared<'m>(env: &Env, module: &'m Module) -> Session<'m> {
    let session = env.user(module);
    for private in [false, true] {
        session.create(&Template::data(if private { "private" } else { "public" }, private, b"value")).unwrap();
    }
    super::anew(module, "test")
}

fn works(session: &Session<'_>) {
    session.login(ck::CKU_USER, USER_PIN).unwrap();
    for label in ["public", "private"] {
        assert_eq!(super::value(session, label).unwrap(), b"value");
    }
    session.logout().unwrap();
}

/// Login and a search of token objects, which both need the TPM.
fn refused(session: &Session<'_>, words: &[&str], env: &Env) {
    let calls: [&dyn Fn() -> kit::Result<()>; 3] =
        [&|| session.login(ck::CKU_USER, USER_PIN), &|| session.login(ck::CKU_SO, SO_PIN), &|| {
            session.labelled("public").map(drop)
        }];
    for call in calls {
        let before = env.log();
        assert_eq!(call().unwrap_err(), ck::CKR_DEVICE_ERROR);
        env.since(&before).must_say(words);
    }
    session.info().expect("sessions live on");
}

#[test]
fn a_wrong_pin_is_named_in_the_log_without_being_shown() {
    Isolated::default().variable("SEALHSM_LOG", "trace").run(|env| {
        let module = env.module();
        let session = prepared(env, &module);
        env.tpm().never_lock();
        assert_eq!(session.login(ck::CKU_USER, "wrong-pin-8642").unwrap_err(), ck::CKR_PIN_INCORRECT);
        let uuid = env.home();
        env.log().must_say(&["WARN", super::name(&uuid), "wrong PIN"]);
        assert_eq!(session.login(ck::CKU_SO, "wrong-pin-8642").unwrap_err(), ck::CKR_PIN_INCORRECT);
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        assert_eq!(session.set_pin("wrong-pin-8642", "next-pin-7531").unwrap_err(), ck::CKR_PIN_INCORRECT);
        session.logout().unwrap();
        works(&session);
        let log = env.log().0.concat();
        for secret in ["wrong-pin-8642", "next-pin-7531", USER_PIN, SO_PIN] {
            assert!(!log.contains(secret));
        }
    });
}

#[test]
fn too_many_wrong_pins_lock_the_token_until_the_tpm_forgives() {
    isolated(|env| {
        let module = env.module();
        let session = prepared(env, &module);
        env.tpm().lock_after(4);
        let slot = session.info().unwrap().slotID;
        let flags = || module.token_info(slot).unwrap().flags;
        for _ in 0..3 {
            assert_eq!(session.login(ck::CKU_USER, "wrong").unwrap_err(), ck::CKR_PIN_INCORRECT);
        }
        assert_ne!(flags() & ck::CKF_USER_PIN_COUNT_LOW, 0);
        assert_ne!(flags() & ck::CKF_USER_PIN_FINAL_TRY, 0);
        assert_eq!(flags() & ck::CKF_USER_PIN_LOCKED, 0);
        let last = session.login(ck::CKU_USER, "wrong").unwrap_err();
        assert!(last == ck::CKR_PIN_INCORRECT || last == ck::CKR_PIN_LOCKED, "{last}");
        assert_eq!(session.login(ck::CKU_USER, USER_PIN).unwrap_err(), ck::CKR_PIN_LOCKED);
        assert_eq!(session.login(ck::CKU_SO, SO_PIN).unwrap_err(), ck::CKR_PIN_LOCKED, "the counter is the machine's");
        assert_ne!(flags() & ck::CKF_USER_PIN_LOCKED, 0);
        env.log().must_say(&["WARN", "lockout", "sealhsm status"]);
        // What needs no PIN goes on.
        assert_eq!(super::value(&session, "public").unwrap(), b"value");
        env.tpm().unlock();
        works(&session);
        assert_eq!(flags() & (ck::CKF_USER_PIN_LOCKED | ck::CKF_USER_PIN_COUNT_LOW), 0);
    });
}

#[test]
fn without_a_tpm_the_log_names_the_one_that_was_asked_for() {
    isolated(|env| {
        let module = env.module();
        let session = prepared(env, &module);
        env.tpm().never_lock();
        env.tpm().kill();
        let tcti = Swtpm::tcti(&env.file("tpm"));
        refused(&session, &["ERROR", "no TPM", &tcti, "sealhsm status"], env);
        let session = super::anew(&module, "test");
        refused(&session, &["ERROR", "no TPM", &tcti], env);
        let free = *module.slots().unwrap().last().unwrap();
        assert_eq!(module.init_token(free, SO_PIN, "new").unwrap_err(), ck::CKR_DEVICE_ERROR);
        assert_eq!(module.slots().unwrap().len(), 2);
        env.tpm().restart();
        works(&session);
    });
}

#[test]
fn another_tpm_opens_nothing_and_changes_nothing() {
    isolated(|env| {
        let module = env.module();
        prepared(env, &module);
        let file = env.home().join("token.object");
        let before = std::fs::read(&file).unwrap();
        let other = Swtpm::start(&env.file("other"));
        env.configure_for(&Swtpm::tcti(&env.file("other")), "");
        let home = env.home();
        let words = ["ERROR", super::name(&home), "another TPM", "token recover"];
        // With no storage key in it, and with one of its own.
        for own in [false, true] {
            if own {
                other.tool("tpm2_createprimary", &["-C", "o", "-G", "ecc", "-a", STORAGE, "-c", "primary"]);
                other.tool("tpm2_evictcontrol", &["-C", "o", "-c", "primary", "0x81000001"]);
                other.tool("tpm2_flushcontext", &["-t"]);
            }
            let session = super::anew(&module, "test");
            refused(&session, &words, env);
            session.close().unwrap();
            let slot = module.slot_of("test").unwrap();
            assert_eq!(module.init_token(slot, SO_PIN, "taken").unwrap_err(), ck::CKR_DEVICE_ERROR);
        }
        assert_eq!(std::fs::read(&file).unwrap(), before);
        assert_eq!(other.loaded(), (0, 0));
        env.configure("");
        works(&super::anew(&module, "test"));
    });
}

const STORAGE: &str = "restricted|decrypt|fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda";

#[test]
fn a_cleared_tpm_is_named_as_such_and_the_token_is_not_made_anew_in_silence() {
    isolated(|env| {
        let module = env.module();
        let session = prepared(env, &module);
        let file = env.home().join("token.object");
        let before = std::fs::read(&file).unwrap();
        env.tpm().tool("tpm2_clear", &["-c", "l"]);
        refused(&session, &["ERROR", "this TPM was cleared", "token recover"], env);
        session.close().unwrap();
        let slot = module.slot_of("test").unwrap();
        assert_eq!(module.init_token(slot, SO_PIN, "anew").unwrap_err(), ck::CKR_DEVICE_ERROR);
        assert_eq!(std::fs::read(&file).unwrap(), before);
        // The free slot takes a new one, beside the old.
        let free = *module.slots().unwrap().last().unwrap();
        module.init_token(free, SO_PIN, "second").unwrap();
        let session = module.open_rw(free).unwrap();
        session.login(ck::CKU_SO, SO_PIN).unwrap();
    });
}

#[test]
fn a_hung_tpm_is_a_device_error_within_five_seconds_and_works_again_once_it_moves() {
    isolated(|env| {
        let module = env.module();
        let session = prepared(env, &module);
        works(&session);
        for _ in 0..2 {
            env.tpm().freeze();
            let (before, start) = (env.log(), Instant::now());
            assert_eq!(session.login(ck::CKU_USER, USER_PIN).unwrap_err(), ck::CKR_DEVICE_ERROR);
            assert!(start.elapsed() <= Duration::from_millis(5200), "{:?}", start.elapsed());
            env.since(&before).must_say(&["ERROR", "did not answer in time"]);
            session.info().unwrap();
            env.tpm().thaw();
            works(&session);
        }
        // And C_Finalize waits for nobody.
        env.tpm().freeze();
        std::thread::scope(|scope| {
            scope.spawn(|| session.login(ck::CKU_USER, USER_PIN).unwrap_err());
            std::thread::sleep(Duration::from_millis(300));
            let start = Instant::now();
            module.finalize().unwrap();
            assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        });
        env.tpm().thaw();
        works(&super::anew(&module, "test"));
    });
}

#[test]
fn a_tpm_that_is_switched_off_and_on_disturbs_no_signature_and_no_later_login() {
    isolated(|env| {
        let module = env.module();
        let session = prepared(env, &module);
        env.tpm().never_lock();
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        let (public, private) = session.p256("signer").unwrap();
        session.sign_init(&kit::Mechanism::plain(ck::CKM_ECDSA_SHA256), private).unwrap();
        env.tpm().kill();
        let signature = session.sign(b"data").unwrap();
        session.ecdsa_verify(public, b"data", &signature).unwrap();
        session.create(&Template::data("made without a TPM", true, b"value")).unwrap();
        session.logout().unwrap();
        assert_eq!(session.login(ck::CKU_USER, USER_PIN).unwrap_err(), ck::CKR_DEVICE_ERROR);
        env.log().must_say(&["ERROR", "no TPM"]);
        env.tpm().restart();
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        assert_eq!(super::value(&session, "made without a TPM").unwrap(), b"value");
        session.ecdsa(session.one(ck::CKO_PRIVATE_KEY, "signer"), b"data").unwrap();
        // Off and on between two logins, unnoticed.
        session.logout().unwrap();
        env.tpm().restart();
        works(&session);
    });
}

#[test]
fn an_agent_that_was_killed_is_started_again() {
    isolated(|env| {
        let module = env.module();
        let session = prepared(env, &module);
        works(&session);
        for _ in 0..3 {
            let agents = env.tpm().agents();
            assert_eq!(agents.len(), 1);
            kit::user::kill(agents[0], libc::SIGKILL);
            works(&session);
        }
        assert_eq!(env.tpm().agents().len(), 1);
        assert_eq!(env.tpm().loaded(), (0, 0));
    });
}

#[test]
fn where_there_is_no_agent_the_log_says_where_it_was_looked_for() {
    isolated(|env| {
        let module = env.module();
        prepared(env, &module);
        let configure = |agent: &str| {
            let (tokens, tcti) = (env.tokens(), Swtpm::tcti(&env.file("tpm")));
            env.configure_exactly(&format!("tokendir = {tokens:?}\ntpm = {tcti:?}\nagent = {agent:?}\n"));
        };
        let text = env.file("not-a-program");
        std::fs::write(&text, "text").unwrap();
        for (agent, why) in [
            ("/nonexistent/sealhsm-tpm", "No such file"),
            (text.to_str().unwrap(), "Permission denied"),
            ("/", "not a regular file"),
            ("/bin/true", "the agent ended"),
        ] {
            configure(agent);
            let session = super::anew(&module, "test");
            let start = Instant::now();
            refused(&session, &["ERROR", "no TPM agent", why], env);
            assert!(start.elapsed() < Duration::from_secs(5), "{agent}: {:?}", start.elapsed());
        }
        env.configure("");
        works(&super::anew(&module, "test"));
    });
}
