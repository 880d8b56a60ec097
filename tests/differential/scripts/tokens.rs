//! Slots, tokens, PINs.

use crate::Transcript;
use kit::{SO_PIN, Template, USER_PIN, ck, text};

/// Flags that both are meant to tell.
const FLAGS: ck::CK_FLAGS = ck::CKF_TOKEN_INITIALIZED
    | ck::CKF_USER_PIN_INITIALIZED
    | ck::CKF_LOGIN_REQUIRED
    | ck::CKF_RNG
    | ck::CKF_WRITE_PROTECTED
    | ck::CKF_PROTECTED_AUTHENTICATION_PATH;

pub fn run(t: &mut Transcript<'_>) {
    let module = t.module;
    let flags = |slot| module.token_info(slot).map(|info| format!("{:#x}", info.flags & FLAGS));
    t.value("slots at first", module.slots());
    t.value("slot flags", module.slot_info(0).map(|info| info.flags));
    t.value("flags of the free token", flags(0));
    t.call("info of an unknown slot", module.slot_info(77));
    t.call("token of an unknown slot", module.token_info(77));
    t.call("mechanisms of an unknown slot", module.mechanisms(77));
    t.call("open on an unknown slot", module.open_rw(77));
    t.call("open on the free slot", module.open_rw(0));
    t.call("init in an unknown slot", module.init_token(77, SO_PIN, "x"));
    t.call("init with a short SO PIN", module.init_token(0, "123", "x"));
    t.call("init with a long SO PIN", module.init_token(0, "x".repeat(256), "x"));
    t.call("init", module.init_token(0, SO_PIN, "one"));
    t.value("slots after init", module.slots());
    t.value("flags after init", flags(0));
    t.value("label", module.token_info(0).map(|info| text(&info.label)));
    t.value("PIN lengths", module.token_info(0).map(|info| (info.ulMinPinLen, info.ulMaxPinLen)));
    t.value("public memory", module.token_info(0).map(|info| info.ulTotalPublicMemory));
    t.value("most sessions", module.token_info(0).map(|info| info.ulMaxSessionCount));
    t.value("open sessions", module.token_info(0).map(|info| info.ulSessionCount));
    t.value("time", module.token_info(0).map(|info| text(&info.utcTime).is_empty()));
    t.call("event", module.wait_for_slot_event(ck::CKF_DONT_BLOCK));
    let session = t.session("open", module.open_rw(0));
    t.call("init with an open session", module.init_token(0, SO_PIN, "two"));
    t.call("user login before a PIN is set", session.login(ck::CKU_USER, USER_PIN));
    t.call("SetPIN before a PIN is set", session.set_pin(USER_PIN, "1234"));
    t.call("InitPIN without the SO", session.init_pin(USER_PIN));
    t.call("SO login, wrong PIN", session.login(ck::CKU_SO, "wrong"));
    let failed = |slot| module.token_info(slot).map(|info| info.flags & ck::CKF_SO_PIN_COUNT_LOW != 0);
    t.value("count low after a wrong SO PIN", failed(0));
    t.call("SO login", session.login(ck::CKU_SO, SO_PIN));
    t.value("count low after a right SO PIN", failed(0));
    t.call("InitPIN, short", session.init_pin("123"));
    t.call("InitPIN, long", session.init_pin("x".repeat(256)));
    t.call("InitPIN, not UTF-8", session.init_pin([0xff; 6]));
    t.call("InitPIN", session.init_pin(USER_PIN));
    t.value("flags with both PINs", flags(0));
    t.call("SetPIN of the SO, wrong", session.set_pin("wrong", "so-pin-two"));
    t.call("SetPIN of the SO", session.set_pin(SO_PIN, "so-pin-two"));
    t.call("logout", session.logout());
    t.call("SetPIN in public, wrong", session.set_pin("wrong", "user-pin-two"));
    t.call("SetPIN in public", session.set_pin(USER_PIN, "user-pin-two"));
    t.call("user login, old PIN", session.login(ck::CKU_USER, USER_PIN));
    t.call("user login, empty PIN", session.login(ck::CKU_USER, ""));
    t.call("user login, long PIN", session.login(ck::CKU_USER, "x".repeat(300)));
    t.call("user login", session.login(ck::CKU_USER, "user-pin-two"));
    t.call("SetPIN, short", session.set_pin("user-pin-two", "123"));
    t.call("SetPIN, long", session.set_pin("user-pin-two", "x".repeat(256)));
    t.call("SetPIN of the user", session.set_pin("user-pin-two", USER_PIN));
    let reader = t.session("open read-only", module.open_ro(0));
    t.call("SetPIN, read-only", reader.set_pin(USER_PIN, "user-pin-two"));
    t.call("create", session.create(&Template::new().class(ck::CKO_DATA).token(true)));
    t.call("close all", module.close_all(0));
    t.call("init anew, old SO PIN", module.init_token(0, SO_PIN, "two"));
    t.call("init anew", module.init_token(0, "so-pin-two", "two"));
    t.value("slots after init anew", module.slots());
    t.value("flags after init anew", flags(0));
    t.value("label after init anew", module.token_info(0).map(|info| text(&info.label)));
    let session = t.session("open after init anew", module.open_rw(0));
    t.call("user login after init anew", session.login(ck::CKU_USER, USER_PIN));
    t.value("objects after init anew", session.find(&Template::new()).map(|found| found.len()));
    t.call("finalize", module.finalize());
    t.call("finalize again", module.finalize());
    t.call("initialize", module.initialize());
    t.call("initialize again", module.initialize());
    t.value("slots in the end", module.slots().map(|slots| (slots.len(), slots.contains(&0), slots.last().copied())));
    let home = module.slots().unwrap()[0];
    let serial = |info: ck::CK_TOKEN_INFO| u64::from_str_radix(&text(&info.serialNumber)[8..], 16).unwrap();
    t.value("slot of its serial number", module.token_info(home).map(|info| serial(info) & 0x7fff_ffff == home));
}
