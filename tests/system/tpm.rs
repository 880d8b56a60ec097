//! What the module asks of the TPM, seen at its socket: how many commands, which secrets, what stays behind.

use kit::{Env, isolated, number};
use kit::{Exchange, Forked, Module, Object, Proxy, SO_PIN, Session, Swtpm, Template, USER_PIN, ck};

const START_AUTH_SESSION: u32 = 0x176;
const CREATE: u32 = 0x153;
const UNSEAL: u32 = 0x15e;
/// TPM_RH_NULL.
const NOBODY: u32 = 0x4000_0007;

/// Puts a proxy between the configuration and the TPM.
fn proxied(env: &Env) -> Proxy {
    let proxy = Proxy::start(&env.file("proxy"), env.tpm());
    env.configure_for(&proxy.tcti(), "");
    proxy
}

fn sign(session: &Session<'_>, key: Object) {
    assert_eq!(session.ecdsa(key, b"data").unwrap().len(), 64);
}

fn codes(exchanges: &[Exchange]) -> Vec<u32> {
    exchanges.iter().map(Exchange::code).collect()
}

#[test]
fn a_login_is_at_most_eight_tpm_commands_and_everything_after_it_none() {
    isolated(|env| {
        let proxy = proxied(env);
        let module = env.module();
        let session = env.user(&module);
        session.p256("signer").unwrap();
        session.logout().unwrap();
        for anew in [false, true] {
            if anew {
                module.finalize().unwrap();
                module.initialize().unwrap();
            }
            let session = module.session("test");
            // The first use after a start of the TPM's lockout counter is answered with "try again" once.
            proxy.take();
            session.login(ck::CKU_USER, USER_PIN).unwrap();
            let login = proxy.take();
            assert!(login.len() <= 8, "{:x?}", codes(&login));
            assert!(codes(&login).contains(&UNSEAL), "{:x?}", codes(&login));
            let found = session.find(&Template::new().class(ck::CKO_PRIVATE_KEY).label("signer")).unwrap();
            assert_eq!(found.len(), 1);
            for _ in 0..100 {
                sign(&session, found[0]);
            }
            session.logout().unwrap();
            assert_eq!(codes(&proxy.take()), [0u32; 0]);
        }
    });
}

#[test]
fn a_session_without_a_pin_asks_the_tpm_once_and_then_no_more() {
    isolated(|env| {
        let proxy = proxied(env);
        let module = env.module();
        let slot = env.token(&module, "test");
        module.open_rw(slot).unwrap().create(&Template::data("public", false, b"")).unwrap();
        module.finalize().unwrap();
        module.initialize().unwrap();
        proxy.take();
        let slot = module.slot_of("test").unwrap();
        let session = module.open_ro(slot).unwrap();
        session.info().unwrap();
        module.token_info(slot).unwrap();
        assert_eq!(codes(&proxy.take()), [0u32; 0], "listing and opening sessions asks no TPM");
        for first in [true, false] {
            assert_eq!(session.labelled("public").unwrap().len(), 1);
            let asked = codes(&proxy.take());
            assert!(if first { asked.len() <= 8 && asked.contains(&UNSEAL) } else { asked.is_empty() }, "{asked:x?}");
        }
    });
}

#[test]
fn nothing_stays_loaded_in_the_tpm() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        assert_eq!(env.tpm().loaded(), (0, 0), "after C_InitToken, C_InitPIN and C_Login");
        let (_, key) = session.p256("signer").unwrap();
        sign(&session, key);
        assert_eq!(env.tpm().loaded(), (0, 0), "after C_Sign");
        assert_eq!(session.set_pin("wrong", "other-pin").unwrap_err(), ck::CKR_PIN_INCORRECT);
        assert_eq!(env.tpm().loaded(), (0, 0), "after a wrong PIN");
        session.set_pin(USER_PIN, "other-pin").unwrap();
        session.logout().unwrap();
        assert_eq!(env.tpm().loaded(), (0, 0), "after C_SetPIN and C_Logout");
        session.login(ck::CKU_USER, "other-pin").unwrap();
        module.finalize().unwrap();
        assert_eq!(env.tpm().loaded(), (0, 0), "after C_Finalize");
    });
}

#[test]
fn ten_processes_log_in_and_sign_at_the_same_time_with_one_tpm() {
    isolated(|env| {
        let module = env.module();
        env.user(&module).p256("signer").unwrap();
        module.finalize().unwrap();
        let work = || {
            for _ in 0..4 {
                let module = env.module();
                let session = module.session("test");
                session.login(ck::CKU_USER, USER_PIN).unwrap();
                let key = session.find(&Template::new().class(ck::CKO_PRIVATE_KEY).label("signer")).unwrap();
                (0..20).for_each(|_| sign(&session, key[0]));
                module.finalize().unwrap();
            }
        };
        let all: Vec<Forked> = (0..10).map(|_| Forked::start(work)).collect();
        let failed = all.into_iter().map(Forked::wait).filter(|status| !status.success()).count();
        assert_eq!(failed, 0);
        assert_eq!(env.tpm().loaded(), (0, 0));
    });
}

/// A whole life of a token: made, used, PINs changed, keys imported.
fn life(env: &Env, known: &[u8]) {
    let module = env.module();
    let session = env.user(&module);
    session.create(&Template::open_secret("known", known)).unwrap();
    let (_, key) = session.p256("signer").unwrap();
    sign(&session, key);
    session.set_pin(USER_PIN, "second-user-pin").unwrap();
    session.logout().unwrap();
    assert_eq!(session.login(ck::CKU_USER, "wrong-user-pin").unwrap_err(), ck::CKR_PIN_INCORRECT);
    session.login(ck::CKU_USER, "second-user-pin").unwrap();
    assert_eq!(session.labelled("known").unwrap().len(), 1);
    module.finalize().unwrap();
}

#[test]
fn no_pin_and_no_key_crosses_the_bus_in_the_clear() {
    isolated(|env| {
        let proxy = proxied(env);
        let known: Vec<u8> = (0..32).map(|byte| byte ^ 0x5a).collect();
        life(env, &known);
        let bus: Vec<u8> = proxy.take().into_iter().flat_map(|e| [e.command, e.response].concat()).collect();
        assert!(bus.len() > 3000, "only {} bytes were seen", bus.len());
        let pins = [USER_PIN, SO_PIN, "second-user-pin", "wrong-user-pin"].map(str::as_bytes);
        for secret in pins.iter().chain([&&known[..]]) {
            for part in [&secret[..8], &secret[secret.len() - 8..]] {
                assert!(!bus.windows(8).any(|window| window == part), "{secret:02x?} is on the bus");
            }
        }
    });
}

#[test]
fn every_session_is_salted_to_the_parent_and_encrypts_what_is_secret() {
    isolated(|env| {
        let proxy = proxied(env);
        life(env, &[7; 32]);
        let (mut sessions, mut secrets) = (0, 0);
        for exchange in proxy.take() {
            match exchange.code() {
                START_AUTH_SESSION => {
                    sessions += 1;
                    assert_ne!(number(&exchange.command, 10), NOBODY, "a session without a salt");
                }
                // One handle, the length of the authorization area, its first session: handle, nonce, attributes.
                code @ (CREATE | UNSEAL) => {
                    secrets += 1;
                    let attributes = session_attributes(&exchange.command);
                    let wanted = if code == CREATE { DECRYPT } else { ENCRYPT };
                    assert!(attributes.iter().any(|a| a & wanted != 0), "{code:x}: {attributes:x?}");
                }
                _ => {}
            }
        }
        assert!(sessions >= 5 && secrets >= 5, "{sessions} sessions, {secrets} secrets seen");
    });
}

/// TPMA_SESSION: the first parameter of the command is encrypted.
const DECRYPT: u8 = 0x20;
/// TPMA_SESSION: the first parameter of the response is.
const ENCRYPT: u8 = 0x40;

/// TPMA_SESSION of every session of a command with one handle (TPM 2.0 part 1, section 18.9).
fn session_attributes(command: &[u8]) -> Vec<u8> {
    let end = 18 + number(command, 14) as usize;
    let (mut at, mut all) = (18, Vec::new());
    let sized = |at: usize| 2 + usize::from(u16::from_be_bytes([command[at], command[at + 1]]));
    while at < end {
        at += 4;
        at += sized(at);
        all.push(command[at]);
        at += 1;
        at += sized(at);
    }
    all
}

#[test]
fn a_response_altered_on_the_bus_opens_nothing() {
    isolated(|env| {
        let proxy = proxied(env);
        let module = env.module();
        let session = env.user(&module);
        session.create(&Template::data("there", true, b"")).unwrap();
        session.logout().unwrap();
        for at in (10..200).step_by(9) {
            // Beyond the header, whose length would only make the agent wait.
            proxy.alter(move |exchange| {
                if exchange.code() == UNSEAL && exchange.result() == 0 && at < exchange.response.len() {
                    exchange.response[at] ^= 1 << (at % 8);
                }
            });
            proxy.take();
            let outcome = session.login(ck::CKU_USER, USER_PIN);
            let altered = proxy.take().iter().any(|e| e.code() == UNSEAL && e.result() == 0 && e.response.len() > at);
            assert!(altered || outcome.is_ok(), "byte {at}: {outcome:?}");
            if altered {
                assert_eq!(outcome.unwrap_err(), ck::CKR_DEVICE_ERROR, "byte {at}");
            } else {
                session.logout().unwrap();
            }
        }
        proxy.leave_alone();
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        assert_eq!(session.labelled("there").unwrap().len(), 1);
        assert_eq!(env.tpm().loaded(), (0, 0));
    });
}

#[test]
fn a_key_of_another_kind_at_the_parents_handle_is_left_alone_and_not_adopted() {
    isolated(|env| {
        let tpm = env.tpm();
        // Without noDA: in a lockout even what does not count wrong tries would fail under it.
        let attributes = "restricted|decrypt|fixedtpm|fixedparent|sensitivedataorigin|userwithauth";
        tpm.tool("tpm2_createprimary", &["-C", "o", "-G", "ecc", "-a", attributes, "-c", "primary"]);
        tpm.tool("tpm2_evictcontrol", &["-C", "o", "-c", "primary", "0x81000001"]);
        tpm.tool("tpm2_flushcontext", &["-t"]);
        let there = |tpm: &Swtpm| tpm.tool("tpm2_readpublic", &["-c", "0x81000001"]);
        let before = there(tpm);
        let module = env.module();
        let session = env.user(&module);
        let (_, key) = session.p256("signer").unwrap();
        sign(&session, key);
        env.log().must_say(&["WARN", "0x81000001 is not used", "lockout"]);
        let text = std::fs::read_to_string(env.home().join("token.object")).unwrap();
        assert!(text.contains("handle = 0x00000000"), "{text}");
        assert_eq!(there(tpm), before);
        assert_eq!(tpm.loaded(), (0, 0));
    });
}

#[test]
fn a_module_that_was_not_asked_for_a_token_starts_no_agent() {
    isolated(|env| {
        let tcti = Swtpm::tcti(&env.file("tpm"));
        let module = Module::ours();
        module.function_list().unwrap();
        assert!(kit::agents(&tcti).is_empty());
        module.initialize().unwrap();
        module.slots().unwrap();
        assert!(kit::agents(&tcti).is_empty());
        env.token(&module, "test");
        assert_eq!(env.tpm().agents().len(), 1);
        module.finalize().unwrap();
        kit::eventually("the agent ends", || env.tpm().agents().is_empty());
    });
}
