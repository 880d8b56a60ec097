//! Chapter "slot and token management" (PKCS#11 3.2 section 5.5): slots, their numbers, the tokens in them.
//! PINs are in pins.rs, mechanisms in mechanisms.rs.

use kit::{Env, Module, SO_PIN, Session, Swtpm, Template, USER_PIN, ck, code, fork, isolated, program, text};
use std::path::PathBuf;
use std::process::Command;
use std::ptr::null_mut;

/// The slot ID of the token in a slot after C_Finalize: the last 8 digits of its serial number, in 31 bits.
fn home_slot(module: &Module, slot: ck::CK_SLOT_ID) -> ck::CK_SLOT_ID {
    let serial = text(&module.token_info(slot).unwrap().serialNumber);
    u64::from_str_radix(&serial[8..], 16).unwrap() & 0x7fff_ffff
}

fn restart(module: &Module) {
    module.finalize().unwrap();
    module.initialize().unwrap();
}

fn data(label: &str) -> Template {
    Template::new().class(ck::CKO_DATA).label(label).token(true)
}

/// A public and a private token object.
fn two_objects(session: &Session<'_>) {
    session.create(&data("open").private(false)).unwrap();
    session.create(&data("hidden").private(true)).unwrap();
}

#[test]
fn without_tokens_there_is_one_slot_with_an_uninitialised_token() {
    isolated(|env| {
        let module = env.module();
        assert_eq!(module.slots().unwrap(), [0]);
        let slot = module.slot_info(0).unwrap();
        assert_eq!(slot.flags, ck::CKF_TOKEN_PRESENT);
        assert_eq!(text(&slot.manufacturerID), "SealHSM");
        let token = module.token_info(0).unwrap();
        assert_eq!(token.flags & (ck::CKF_TOKEN_INITIALIZED | ck::CKF_USER_PIN_INITIALIZED), 0);
        assert_eq!((text(&token.label).as_str(), text(&token.serialNumber).as_str()), ("", ""));
        assert_eq!(code(module.open_rw(0)), ck::CKR_TOKEN_NOT_INITIALIZED);
    });
}

#[test]
fn a_new_token_stays_in_its_slot_until_c_finalize_and_is_in_the_slot_of_its_serial_number_after() {
    isolated(|env| {
        let module = env.module();
        let slot = env.token(&module, "first");
        assert_eq!(slot, 0);
        assert_eq!(module.slots().unwrap(), [0, 1]);
        module.open_rw(0).unwrap();
        let home = home_slot(&module, 0);
        restart(&module);
        assert_eq!(module.slots().unwrap(), [home, 1]);
        assert_eq!(text(&module.token_info(home).unwrap().label), "first");
        assert_eq!(code(module.token_info(0)), ck::CKR_SLOT_ID_INVALID);
    });
}

#[test]
fn one_free_slot_is_always_last_and_its_number_is_that_of_the_tokens() {
    isolated(|env| {
        let module = env.module();
        let mut homes = Vec::new();
        for count in 0..3 {
            assert_eq!(module.slots().unwrap().last(), Some(&count));
            let slot = env.token(&module, &format!("token {count}"));
            assert_eq!(slot, count);
            homes.push(home_slot(&module, slot));
        }
        assert_eq!(module.slots().unwrap(), [0, 1, 2, 3]);
        restart(&module);
        let mut slots = module.slots().unwrap();
        assert_eq!(slots.pop(), Some(3));
        assert_eq!(module.token_info(3).unwrap().flags & ck::CKF_TOKEN_INITIALIZED, 0);
        homes.sort_unstable();
        slots.sort_unstable();
        assert_eq!(slots, homes);
    });
}

#[test]
fn an_unknown_slot_is_refused_by_every_call_that_names_one() {
    isolated(|env| {
        let module = env.module();
        let codes = [
            code(module.slot_info(7)),
            code(module.token_info(7)),
            code(module.mechanisms(7)),
            code(module.mechanism_info(7, ck::CKM_SHA256)),
            code(module.init_token(7, SO_PIN, "x")),
            code(module.open_rw(7)),
            code(module.close_all(7)),
        ];
        for found in codes {
            assert_eq!(found, ck::CKR_SLOT_ID_INVALID);
        }
    });
}

#[allow(unsafe_code)]
fn slot_list(module: &Module, list: *mut ck::CK_SLOT_ID, count: &mut ck::CK_ULONG) -> ck::CK_RV {
    // SAFETY: NULL or places for what the count says.
    unsafe { module.raw().C_GetSlotList(ck::CK_TRUE, list, count) }
}

#[test]
fn only_the_call_without_a_list_looks_for_new_tokens() {
    isolated(|env| {
        let module = env.module();
        env.elsewhere(|other| {
            env.token(other, "elsewhere");
        });
        let (mut list, mut count) = ([99; 4], 4);
        assert_eq!(slot_list(&module, list.as_mut_ptr(), &mut count), ck::CKR_OK);
        assert_eq!((count, list[0]), (1, 0));
        assert_eq!(slot_list(&module, null_mut(), &mut count), ck::CKR_OK);
        assert_eq!(count, 2);
        count = 1;
        assert_eq!(slot_list(&module, list.as_mut_ptr(), &mut count), ck::CKR_BUFFER_TOO_SMALL);
        assert_eq!((count, list[0]), (2, 0));
        assert_eq!(slot_list(&module, list.as_mut_ptr(), &mut count), ck::CKR_OK);
        assert_eq!(count, 2);
        assert_eq!(home_slot(&module, list[0]), list[0]);
        assert_eq!(text(&module.token_info(list[0]).unwrap().label), "elsewhere");
    });
}

#[test]
fn a_token_made_by_another_process_is_an_event_and_can_be_used_at_once() {
    isolated(|env| {
        let module = env.module();
        env.elsewhere(|other| {
            env.token(other, "elsewhere");
        });
        let slot = module.wait_for_slot_event(ck::CKF_DONT_BLOCK).unwrap();
        assert_eq!(code(module.wait_for_slot_event(ck::CKF_DONT_BLOCK)), ck::CKR_NO_EVENT);
        assert_eq!(text(&module.token_info(slot).unwrap().label), "elsewhere");
        module.open_rw(slot).unwrap().login(ck::CKU_USER, USER_PIN).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| module.wait_for_slot_event(0).unwrap());
            env.elsewhere(|other| {
                env.token(other, "later");
            });
            assert_eq!(module.slot_of("later"), Some(waiting.join().unwrap()));
        });
    });
}

#[test]
fn what_cannot_be_read_is_said_once_and_not_at_every_look_for_an_event() {
    isolated(|env| {
        std::fs::create_dir_all(env.tokens().join("stray")).unwrap();
        let module = env.module();
        let said = || env.log().0.iter().filter(|line| line.contains("stray")).count();
        let at_first = said();
        assert!(at_first > 0);
        for _ in 0..5 {
            assert_eq!(code(module.wait_for_slot_event(ck::CKF_DONT_BLOCK)), ck::CKR_NO_EVENT);
        }
        assert_eq!(said(), at_first);
    });
}

#[test]
fn a_token_made_and_deleted_by_the_command_comes_and_goes() {
    isolated(|env| {
        let module = env.module();
        sealhsm(env, &["token", "init", "--label", "made", "--so-pin-file", &pin(env, SO_PIN), "--no-user-pin"]);
        let slot = module.slot_of("made").unwrap();
        let session = module.open_rw(slot).unwrap();
        assert_eq!(code(session.login(ck::CKU_USER, USER_PIN)), ck::CKR_USER_PIN_NOT_INITIALIZED);
        session.login(ck::CKU_SO, SO_PIN).unwrap();
        session.close().unwrap();
        sealhsm(env, &["token", "delete", "--token", "made", "--force"]);
        assert_eq!(module.slots().unwrap(), [0]);
        assert_eq!(code(module.token_info(slot)), ck::CKR_SLOT_ID_INVALID);
    });
}

fn pin(env: &Env, pin: &str) -> String {
    let path: PathBuf = env.file("pin");
    std::fs::write(&path, pin).unwrap();
    path.display().to_string()
}

fn sealhsm(env: &Env, arguments: &[&str]) {
    env.tpm();
    let run = Command::new(program("sealhsm")).args(arguments).output().unwrap();
    assert!(run.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn an_initialised_token_describes_itself() {
    isolated(|env| {
        let module = env.module();
        env.tpm();
        module.init_token(0, SO_PIN, "ein Wort").unwrap();
        let info = module.token_info(0).unwrap();
        let always =
            ck::CKF_RNG | ck::CKF_LOGIN_REQUIRED | ck::CKF_RESTORE_KEY_NOT_NEEDED | ck::CKF_DUAL_CRYPTO_OPERATIONS;
        assert_eq!(info.flags, always | ck::CKF_TOKEN_INITIALIZED);
        for field in [&info.label[..], &info.manufacturerID, &info.model] {
            assert!(!field.contains(&0) && field.ends_with(b" "), "{field:?}");
        }
        assert_eq!(text(&info.label), "ein Wort");
        assert_eq!(text(&info.model), "SealHSM (swtpm)");
        assert!(info.serialNumber.iter().all(u8::is_ascii_hexdigit), "{:?}", text(&info.serialNumber));
        assert_eq!(info.utcTime, [b' '; 16]);
        assert_eq!((info.ulMinPinLen, info.ulMaxPinLen), (4, 255));
        assert_eq!((info.ulMaxSessionCount, info.ulSessionCount, info.ulRwSessionCount), (0, 0, 0));
        let public = [info.ulTotalPublicMemory, info.ulFreePublicMemory];
        let private = [info.ulTotalPrivateMemory, info.ulFreePrivateMemory];
        assert_eq!([public, private], [[ck::CK_UNAVAILABLE_INFORMATION; 2]; 2]);
        let session = module.open_rw(0).unwrap();
        module.open_ro(0).unwrap().close().unwrap();
        session.login(ck::CKU_SO, SO_PIN).unwrap();
        session.init_pin(USER_PIN).unwrap();
        let info = module.token_info(0).unwrap();
        assert_eq!(info.flags, always | ck::CKF_TOKEN_INITIALIZED | ck::CKF_USER_PIN_INITIALIZED);
        assert_eq!((info.ulSessionCount, info.ulRwSessionCount), (1, 1));
        let uuid = env.home().file_name().unwrap().to_str().unwrap().replace('-', "");
        assert_eq!(text(&info.serialNumber), uuid[16..]);
    });
}

#[test]
fn removable_slots_say_so() {
    isolated(|env| {
        env.configure("removable_slots = true");
        let flags = env.module().slot_info(0).unwrap().flags;
        assert_eq!(flags, ck::CKF_TOKEN_PRESENT | ck::CKF_REMOVABLE_DEVICE);
    });
}

/// 32 bytes of a C_InitToken label: the beginning of `text`, padded.
fn label(text: &str) -> [u8; 32] {
    let mut label = [b' '; 32];
    let length = text.len().min(32);
    label[..length].copy_from_slice(&text.as_bytes()[..length]);
    label
}

#[test]
fn labels_are_up_to_32_bytes_of_any_utf_8_and_come_back_as_they_were() {
    isolated(|env| {
        let module = env.module();
        env.tpm();
        let (full, nearly) = ("ä".repeat(16), format!("{}x", "ä".repeat(15)));
        assert_eq!((full.len(), nearly.len()), (32, 31));
        let labels = [full.as_str(), nearly.as_str(), "", "鍵鍵鍵", "\"quoted\\\" # 'and' = [so]\n on", " leads"];
        for (slot, given) in labels.iter().enumerate() {
            module.init_token_as(slot as u64, SO_PIN, label(given)).unwrap();
            assert_eq!(module.token_info(slot as u64).unwrap().label, label(given));
            module.slots().unwrap();
        }
        restart(&module);
        let mut found: Vec<_> = module.slots().unwrap().iter().map(|s| module.token_info(*s).unwrap().label).collect();
        assert_eq!(found.pop(), Some([b' '; 32]));
        let mut expected: Vec<_> = labels.iter().map(|given| label(given)).collect();
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected);
    });
}

#[test]
fn a_label_that_is_a_string_of_c_ends_at_its_zero() {
    isolated(|env| {
        let module = env.module();
        env.tpm();
        let mut given = [0xff; 32];
        given[..9].copy_from_slice(b"my label\0");
        module.init_token_as(0, SO_PIN, given).unwrap();
        assert_eq!(module.token_info(0).unwrap().label, label("my label"));
    });
}

#[test]
fn a_label_that_is_cut_within_a_character_is_refused() {
    isolated(|env| {
        let module = env.module();
        env.tpm();
        let cut = format!("x{}", "ä".repeat(16));
        assert_eq!(cut.len(), 33);
        assert_eq!(code(module.init_token_as(0, SO_PIN, label(&cut))), ck::CKR_ARGUMENTS_BAD);
        let run = Command::new(program("sealhsm"))
            .args(["token", "init", "--no-user-pin", "--label", &cut, "--so-pin-file", &pin(env, SO_PIN)])
            .output()
            .unwrap();
        assert!(!run.status.success());
        assert_eq!(module.slots().unwrap(), [0]);
    });
}

#[test]
fn two_tokens_may_have_the_same_label() {
    isolated(|env| {
        let module = env.module();
        for slot in 0..2 {
            assert_eq!(env.token(&module, "twin"), slot);
            module.slots().unwrap();
        }
        restart(&module);
        let slots = module.slots().unwrap();
        let [one, two] = [slots[0], slots[1]].map(|slot| module.token_info(slot).unwrap());
        assert_eq!(one.label, two.label);
        assert_ne!(one.serialNumber, two.serialNumber);
    });
}

#[test]
fn making_a_token_anew_with_the_so_pin_erases_its_objects_and_the_user_pin() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        two_objects(&session);
        session.close().unwrap();
        let before = module.token_info(0).unwrap();
        module.init_token(0, SO_PIN, "anew").unwrap();
        let after = module.token_info(0).unwrap();
        assert_eq!(text(&after.label), "anew");
        assert_eq!(after.serialNumber, before.serialNumber);
        assert_eq!(after.flags & ck::CKF_USER_PIN_INITIALIZED, 0);
        assert_eq!(module.slots().unwrap(), [0, 1]);
        let session = module.open_rw(0).unwrap();
        assert_eq!(code(session.login(ck::CKU_USER, USER_PIN)), ck::CKR_USER_PIN_NOT_INITIALIZED);
        session.login(ck::CKU_SO, SO_PIN).unwrap();
        session.init_pin("another").unwrap();
        session.logout().unwrap();
        session.login(ck::CKU_USER, "another").unwrap();
        assert_eq!(session.find(&Template::new()).unwrap(), []);
        two_objects(&session);
        assert_eq!(session.find(&Template::new()).unwrap().len(), 2);
    });
}

#[test]
fn making_a_token_anew_with_a_wrong_so_pin_or_an_open_session_changes_nothing() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        two_objects(&session);
        assert_eq!(code(module.init_token(0, SO_PIN, "anew")), ck::CKR_SESSION_EXISTS);
        session.close().unwrap();
        let reader = module.open_ro(0).unwrap();
        assert_eq!(code(module.init_token(0, SO_PIN, "anew")), ck::CKR_SESSION_EXISTS);
        reader.close().unwrap();
        assert_eq!(code(module.init_token(0, "so-pin-123", "anew")), ck::CKR_PIN_INCORRECT);
        assert_eq!(text(&module.token_info(0).unwrap().label), "test");
        let session = module.open_rw(0).unwrap();
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        assert_eq!(session.find(&Template::new()).unwrap().len(), 2);
    });
}

#[test]
fn a_token_made_anew_by_another_process_is_empty_here_and_asks_for_a_new_login() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        two_objects(&session);
        let reader = module.open_ro(0).unwrap();
        env.elsewhere(|other| {
            let slot = other.slot_of("test").unwrap();
            other.init_token(slot, SO_PIN, "anew").unwrap();
            let session = other.open_rw(slot).unwrap();
            session.create(&data("new").private(false)).unwrap();
        });
        // The login was one to the token that is gone.
        assert_eq!(code(session.create(&data("late").private(true))), ck::CKR_DEVICE_ERROR);
        env.log().must_say(&["WARN", "re-initialised", "logged out"]);
        assert_eq!(session.info().unwrap().state, ck::CKS_RW_PUBLIC_SESSION);
        assert_eq!(code(session.create(&data("late").private(true))), ck::CKR_USER_NOT_LOGGED_IN);
        let found = reader.find(&Template::new()).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(reader.bytes(found[0], ck::CKA_LABEL).unwrap(), b"new");
        module.slots().unwrap();
        assert_eq!(text(&module.token_info(0).unwrap().label), "anew");
        assert_eq!(code(session.login(ck::CKU_USER, USER_PIN)), ck::CKR_USER_PIN_NOT_INITIALIZED);
        reader.close().unwrap();
        session.login(ck::CKU_SO, SO_PIN).unwrap();
        session.init_pin("a-new-user-pin").unwrap();
    });
}

#[test]
fn a_token_made_anew_by_another_process_is_noticed_by_whatever_call_comes_first() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        two_objects(&session);
        let anew = || {
            env.elsewhere(|other| {
                let slot = other.slot_of("test").unwrap();
                other.init_token(slot, SO_PIN, "test").unwrap();
                other.open_rw(slot).unwrap().create(&data("new").private(false)).unwrap();
            });
        };
        let only = || {
            let found = session.find(&Template::new()).unwrap();
            assert_eq!(found.len(), 1);
            found[0]
        };
        // A login of the old one ends with an error.
        anew();
        assert_eq!(code(session.find(&Template::new())), ck::CKR_DEVICE_ERROR);
        assert_eq!(session.info().unwrap().state, ck::CKS_RW_PUBLIC_SESSION);
        let first = only();
        // Without a login there is nothing to end.
        anew();
        let second = only();
        assert_eq!(code(session.bytes(first, ck::CKA_LABEL)), ck::CKR_OBJECT_HANDLE_INVALID);
        // A login is one to the new one.
        anew();
        session.login(ck::CKU_SO, SO_PIN).unwrap();
        assert_eq!(session.bytes(only(), ck::CKA_LABEL).unwrap(), b"new");
        assert_eq!(code(session.bytes(second, ck::CKA_LABEL)), ck::CKR_OBJECT_HANDLE_INVALID);
    });
}

#[test]
fn listing_needs_no_tpm_and_what_needs_one_says_device_error_and_leaves_sessions_alive() {
    isolated(|env| {
        // The TPM ends with the process that started it.
        assert!(fork(|| {
            let module = env.module();
            env.token(&module, "sealed");
        }));
        let module = env.module();
        let slot = module.slot_of("sealed").unwrap();
        let info = module.token_info(slot).unwrap();
        assert_eq!(text(&info.label), "sealed");
        assert_ne!(info.flags & ck::CKF_USER_PIN_INITIALIZED, 0);
        assert!(!module.mechanisms(slot).unwrap().is_empty());
        let session = module.open_rw(slot).unwrap();
        assert_eq!(code(session.login(ck::CKU_USER, USER_PIN)), ck::CKR_DEVICE_ERROR);
        assert_eq!(code(session.find(&Template::new())), ck::CKR_DEVICE_ERROR);
        let here = Template::new().class(ck::CKO_DATA).label("here").private(false);
        session.create(&here).unwrap();
        assert_eq!(session.find(&Template::new().token(false)).unwrap().len(), 1);
        let tpm = Swtpm::start(&env.file("tpm"));
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        assert_eq!(session.find(&Template::new()).unwrap().len(), 1);
        drop(tpm);
    });
}
