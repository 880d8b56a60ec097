//! PINs (PKCS#11 3.2 sections 5.5.7 to 5.5.9 and 5.6.8): setting and changing them, wrong ones, the TPM's lockout.
//! Who may log in when is in logins.rs, a context-specific one in reauthentication.rs.

use kit::{Module, SO_PIN, Template, USER_PIN, ck, code, isolated};
use std::ptr::null_mut;

const USER_FLAGS: ck::CK_FLAGS = ck::CKF_USER_PIN_COUNT_LOW | ck::CKF_USER_PIN_FINAL_TRY | ck::CKF_USER_PIN_LOCKED;
const SO_FLAGS: ck::CK_FLAGS = ck::CKF_SO_PIN_COUNT_LOW | ck::CKF_SO_PIN_FINAL_TRY | ck::CKF_SO_PIN_LOCKED;

/// What the token says about tries left.
fn tries(module: &Module, slot: ck::CK_SLOT_ID) -> ck::CK_FLAGS {
    module.token_info(slot).unwrap().flags & (USER_FLAGS | SO_FLAGS)
}

#[test]
fn a_so_pin_has_4_to_255_bytes() {
    isolated(|env| {
        let module = env.module();
        env.tpm();
        for length in [0, 1, 3, 256, 1000] {
            assert_eq!(code(module.init_token(0, "p".repeat(length), "x")), ck::CKR_PIN_LEN_RANGE, "{length}");
        }
        assert_eq!(module.slots().unwrap(), [0]);
        for (slot, length) in [4, 255].into_iter().enumerate() {
            module.init_token(slot as u64, "p".repeat(length), "x").unwrap();
            let session = module.open_rw(slot as u64).unwrap();
            session.login(ck::CKU_SO, "p".repeat(length)).unwrap();
            module.slots().unwrap();
        }
    });
}

#[test]
fn a_user_pin_has_4_to_255_bytes_of_utf_8() {
    isolated(|env| {
        let module = env.module();
        let session = module.open_rw(env.token(&module, "test")).unwrap();
        session.login(ck::CKU_SO, SO_PIN).unwrap();
        for length in [0, 3, 256] {
            assert_eq!(code(session.init_pin("p".repeat(length))), ck::CKR_PIN_LEN_RANGE, "{length}");
        }
        assert_eq!(code(session.init_pin([b'p', b'p', 0xff, b'p'])), ck::CKR_PIN_INVALID);
        for length in [4, 255] {
            session.init_pin("p".repeat(length)).unwrap();
        }
        session.logout().unwrap();
        let present = "p".repeat(255);
        session.login(ck::CKU_USER, &present).unwrap();
        for length in [0, 3, 256] {
            assert_eq!(code(session.set_pin(&present, "n".repeat(length))), ck::CKR_PIN_LEN_RANGE, "{length}");
        }
        assert_eq!(code(session.set_pin(&present, [0xc3, 0x28, b'p', b'p'])), ck::CKR_PIN_INVALID);
        session.set_pin(&present, "vier").unwrap();
        session.set_pin("vier", "größer als vier").unwrap();
        session.logout().unwrap();
        session.login(ck::CKU_USER, "größer als vier").unwrap();
    });
}

#[test]
fn the_bounds_of_a_pin_are_configured_and_told() {
    isolated(|env| {
        env.configure("[pin]\nmin_length = 6\nmax_length = 12");
        let module = env.module();
        env.tpm();
        let info = module.token_info(0).unwrap();
        assert_eq!((info.ulMinPinLen, info.ulMaxPinLen), (6, 12));
        for wrong in ["12345", "1234567890123"] {
            assert_eq!(code(module.init_token(0, wrong, "x")), ck::CKR_PIN_LEN_RANGE);
        }
        module.init_token(0, "123456", "x").unwrap();
    });
}

#[test]
fn only_the_so_sets_a_first_user_pin_and_may_set_a_new_one_without_touching_objects() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        session.create(&Template::new().class(ck::CKO_DATA).token(true).label("kept").private(true)).unwrap();
        assert_eq!(code(session.init_pin("another")), ck::CKR_USER_NOT_LOGGED_IN);
        session.logout().unwrap();
        assert_eq!(code(session.init_pin("another")), ck::CKR_USER_NOT_LOGGED_IN);
        session.login(ck::CKU_SO, SO_PIN).unwrap();
        session.init_pin("another").unwrap();
        session.logout().unwrap();
        assert_eq!(code(session.login(ck::CKU_USER, USER_PIN)), ck::CKR_PIN_INCORRECT);
        session.login(ck::CKU_USER, "another").unwrap();
        assert_eq!(session.find(&Template::new().label("kept")).unwrap().len(), 1);
    });
}

#[test]
fn whoever_is_logged_in_changes_his_own_pin_and_nobody_the_users() {
    isolated(|env| {
        let module = env.module();
        env.tpm().never_lock();
        let session = module.open_rw(env.token(&module, "test")).unwrap();
        session.set_pin(USER_PIN, "user two").unwrap();
        assert_eq!(code(session.set_pin(USER_PIN, "user three")), ck::CKR_PIN_INCORRECT);
        session.login(ck::CKU_USER, "user two").unwrap();
        assert_eq!(code(session.set_pin("user thre", "user four")), ck::CKR_PIN_INCORRECT);
        session.set_pin("user two", "user three").unwrap();
        session.logout().unwrap();
        session.login(ck::CKU_SO, SO_PIN).unwrap();
        assert_eq!(code(session.set_pin("user three", "so two")), ck::CKR_PIN_INCORRECT);
        session.set_pin(SO_PIN, "so two").unwrap();
        session.logout().unwrap();
        session.login(ck::CKU_USER, "user three").unwrap();
        session.logout().unwrap();
        assert_eq!(code(session.login(ck::CKU_SO, SO_PIN)), ck::CKR_PIN_INCORRECT);
        session.login(ck::CKU_SO, "so two").unwrap();
        session.close().unwrap();
        assert_eq!(code(module.init_token(0, SO_PIN, "anew")), ck::CKR_PIN_INCORRECT);
        module.init_token(0, "so two", "anew").unwrap();
    });
}

#[test]
fn a_pin_is_changed_in_a_read_write_session_only() {
    isolated(|env| {
        let module = env.module();
        let slot = env.token(&module, "test");
        let reader = module.open_ro(slot).unwrap();
        assert_eq!(code(reader.set_pin(USER_PIN, "another")), ck::CKR_SESSION_READ_ONLY);
        reader.login(ck::CKU_USER, USER_PIN).unwrap();
        assert_eq!(code(reader.set_pin(USER_PIN, "another")), ck::CKR_SESSION_READ_ONLY);
        reader.logout().unwrap();
        reader.login(ck::CKU_USER, USER_PIN).unwrap();
    });
}

#[test]
fn a_user_without_a_pin_cannot_log_in_or_change_it() {
    isolated(|env| {
        let module = env.module();
        env.tpm();
        module.init_token(0, SO_PIN, "test").unwrap();
        let session = module.open_rw(0).unwrap();
        assert_eq!(code(session.login(ck::CKU_USER, USER_PIN)), ck::CKR_USER_PIN_NOT_INITIALIZED);
        assert_eq!(code(session.set_pin(USER_PIN, "another")), ck::CKR_USER_PIN_NOT_INITIALIZED);
        assert_eq!(tries(&module, 0), 0);
    });
}

#[test]
fn a_pin_changed_in_one_process_is_in_force_at_the_next_login_in_another() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        env.elsewhere(|other| {
            let session = other.session("test");
            session.set_pin(USER_PIN, "another").unwrap();
        });
        // The login that was there stays.
        session.create(&Template::new().class(ck::CKO_DATA).token(true).private(true)).unwrap();
        session.logout().unwrap();
        assert_eq!(code(session.login(ck::CKU_USER, USER_PIN)), ck::CKR_PIN_INCORRECT);
        session.login(ck::CKU_USER, "another").unwrap();
        env.elsewhere(|other| {
            let session = other.session("test");
            session.login(ck::CKU_SO, SO_PIN).unwrap();
            session.init_pin("third").unwrap();
        });
        session.logout().unwrap();
        assert_eq!(code(session.login(ck::CKU_USER, "another")), ck::CKR_PIN_INCORRECT);
        session.login(ck::CKU_USER, "third").unwrap();
    });
}

#[test]
fn a_wrong_pin_of_any_length_is_incorrect() {
    isolated(|env| {
        let module = env.module();
        env.tpm().never_lock();
        let session = module.open_rw(env.token(&module, "test")).unwrap();
        for wrong in ["", "x", "user-pin-123", "user-pin-12345", SO_PIN, &"x".repeat(255), &"x".repeat(300)] {
            assert_eq!(code(session.login(ck::CKU_USER, wrong)), ck::CKR_PIN_INCORRECT, "{wrong:?}");
        }
        assert_eq!(code(session.login(ck::CKU_USER, b"\xff\xff\xff\xff")), ck::CKR_PIN_INCORRECT);
        assert_eq!(code(session.login(ck::CKU_SO, USER_PIN)), ck::CKR_PIN_INCORRECT);
        assert_eq!(session.info().unwrap().state, ck::CKS_RW_PUBLIC_SESSION);
        session.login(ck::CKU_USER, USER_PIN).unwrap();
    });
}

#[test]
#[allow(unsafe_code)]
fn a_null_pin_is_a_bad_argument_because_there_is_no_other_path() {
    isolated(|env| {
        let module = env.module();
        let slot = env.token(&module, "test");
        let session = module.open_rw(slot).unwrap();
        assert_eq!(module.token_info(slot).unwrap().flags & ck::CKF_PROTECTED_AUTHENTICATION_PATH, 0);
        let (raw, handle, mut label, mut pin) = (module.raw(), session.handle, [b' '; 32], *b"1234");
        // SAFETY: NULL is what is tested; the rest is as the functions want it.
        let login = unsafe {
            [
                raw.C_Login(handle, ck::CKU_USER, null_mut(), 0),
                raw.C_Login(handle, ck::CKU_SO, null_mut(), 4),
                raw.C_SetPIN(handle, null_mut(), 0, pin.as_mut_ptr(), 4),
                raw.C_SetPIN(handle, pin.as_mut_ptr(), 4, null_mut(), 0),
                raw.C_InitToken(1, null_mut(), 0, label.as_mut_ptr()),
                raw.C_InitToken(1, pin.as_mut_ptr(), 4, null_mut()),
            ]
        };
        assert_eq!(login, [ck::CKR_ARGUMENTS_BAD; 6]);
        session.login(ck::CKU_SO, SO_PIN).unwrap();
        // SAFETY: as above.
        assert_eq!(unsafe { raw.C_InitPIN(handle, null_mut(), 0) }, ck::CKR_ARGUMENTS_BAD);
        assert_eq!(tries(&module, slot), 0);
    });
}

#[test]
fn the_flags_tell_how_many_tries_the_tpm_leaves_and_its_lockout_refuses_the_right_pin() {
    isolated(|env| {
        let module = env.module();
        let slot = env.token(&module, "test");
        env.tpm().lock_after(5);
        let session = module.open_rw(slot).unwrap();
        let wrong = || code(session.login(ck::CKU_USER, "wrong"));
        assert_eq!(tries(&module, slot), 0);
        assert_eq!(wrong(), ck::CKR_PIN_INCORRECT);
        assert_eq!(tries(&module, slot), ck::CKF_USER_PIN_COUNT_LOW);
        assert_eq!(wrong(), ck::CKR_PIN_INCORRECT);
        assert_eq!(tries(&module, slot), ck::CKF_USER_PIN_COUNT_LOW);
        // The counter is the machine's: it is low for the SO too.
        assert_eq!(wrong(), ck::CKR_PIN_INCORRECT);
        let low = ck::CKF_USER_PIN_COUNT_LOW | ck::CKF_SO_PIN_COUNT_LOW;
        assert_eq!(tries(&module, slot), low);
        assert_eq!(wrong(), ck::CKR_PIN_INCORRECT);
        assert_eq!(tries(&module, slot), low | ck::CKF_USER_PIN_FINAL_TRY | ck::CKF_SO_PIN_FINAL_TRY);
        assert_eq!(wrong(), ck::CKR_PIN_INCORRECT);
        let locked = low | ck::CKF_USER_PIN_LOCKED | ck::CKF_SO_PIN_LOCKED;
        assert_eq!(tries(&module, slot), locked);
        assert_eq!(wrong(), ck::CKR_PIN_LOCKED);
        assert_eq!(code(session.login(ck::CKU_USER, USER_PIN)), ck::CKR_PIN_LOCKED);
        assert_eq!(code(session.login(ck::CKU_SO, SO_PIN)), ck::CKR_PIN_LOCKED);
        env.log().must_say(&["WARN", "lockout"]);
        env.tpm().unlock();
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        assert_eq!(tries(&module, slot) & USER_FLAGS, 0);
    });
}

#[test]
fn a_right_pin_forgives_the_flag_of_a_wrong_one_but_not_the_tpms_counter() {
    isolated(|env| {
        let module = env.module();
        let slot = env.token(&module, "test");
        env.tpm().lock_after(6);
        let session = module.open_rw(slot).unwrap();
        assert_eq!(code(session.login(ck::CKU_SO, "wrong")), ck::CKR_PIN_INCORRECT);
        assert_eq!(tries(&module, slot), ck::CKF_SO_PIN_COUNT_LOW);
        session.login(ck::CKU_SO, SO_PIN).unwrap();
        assert_eq!(tries(&module, slot), 0);
        session.logout().unwrap();
        for _ in 0..2 {
            assert_eq!(code(session.login(ck::CKU_USER, "wrong")), ck::CKR_PIN_INCORRECT);
        }
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        assert_eq!(tries(&module, slot), ck::CKF_USER_PIN_COUNT_LOW | ck::CKF_SO_PIN_COUNT_LOW);
    });
}

#[test]
fn in_lockout_public_objects_are_open_and_a_login_that_was_there_goes_on() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let data = Template::new().class(ck::CKO_DATA).token(true);
        session.create(&data.clone().label("open").private(false).bytes(ck::CKA_VALUE, b"text")).unwrap();
        session.create(&data.label("hidden").private(true)).unwrap();
        env.tpm().lock_after(2);
        env.elsewhere(|other| {
            let session = other.session("test");
            for _ in 0..2 {
                assert_eq!(code(session.login(ck::CKU_USER, "wrong")), ck::CKR_PIN_INCORRECT);
            }
            assert_eq!(code(session.login(ck::CKU_USER, USER_PIN)), ck::CKR_PIN_LOCKED);
            let found = session.find(&Template::new()).unwrap();
            assert_eq!(found.len(), 1);
            assert_eq!(session.bytes(found[0], ck::CKA_VALUE).unwrap(), b"text");
            session.create(&Template::new().class(ck::CKO_DATA).token(true).private(false)).unwrap();
        });
        assert_eq!(session.find(&Template::new()).unwrap().len(), 3);
        session.create(&Template::new().class(ck::CKO_DATA).token(true).private(true)).unwrap();
        session.logout().unwrap();
        assert_eq!(code(session.login(ck::CKU_USER, USER_PIN)), ck::CKR_PIN_LOCKED);
    });
}

#[test]
fn wrong_pins_for_changing_a_pin_or_erasing_a_token_count_like_any_other() {
    isolated(|env| {
        let module = env.module();
        let slot = env.token(&module, "test");
        env.tpm().lock_after(3);
        let session = module.open_rw(slot).unwrap();
        assert_eq!(code(session.set_pin("wrong", "another")), ck::CKR_PIN_INCORRECT);
        assert_ne!(tries(&module, slot) & ck::CKF_USER_PIN_COUNT_LOW, 0);
        session.close().unwrap();
        assert_eq!(code(module.init_token(slot, "wrong", "anew")), ck::CKR_PIN_INCORRECT);
        assert_ne!(tries(&module, slot) & ck::CKF_SO_PIN_FINAL_TRY, 0);
        assert_eq!(code(module.init_token(slot, "wrong", "anew")), ck::CKR_PIN_INCORRECT);
        assert_eq!(code(module.init_token(slot, SO_PIN, "anew")), ck::CKR_PIN_LOCKED);
        env.tpm().unlock();
        module.init_token(slot, SO_PIN, "anew").unwrap();
    });
}
