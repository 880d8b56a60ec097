//! Sessions, login and logout.

use crate::Transcript;
use kit::{Mechanism, Object, SO_PIN, Session, Template, USER_PIN, ck};

pub fn run(t: &mut Transcript<'_>) {
    let module = t.module;
    let slot = super::token(module);
    t.call("open without SERIAL", module.open(slot, ck::CKF_RW_SESSION));
    let odd = t.session("open with an unknown flag", module.open(slot, ck::CKF_SERIAL_SESSION | 1 << 20));
    // It may not be there.
    let _ = odd.close();
    let reader = t.session("open read-only", module.open_ro(slot));
    let writer = t.session("open read-write", module.open_rw(slot));
    let states = |t: &mut Transcript<'_>, when: &str| {
        for (kind, session) in [("reader", reader), ("writer", writer)] {
            t.value(format!("{kind}, {when}"), session.info().map(|info| (info.state, info.flags)));
        }
    };
    states(t, "public");
    t.call("SO login with a read-only session", writer.login(ck::CKU_SO, SO_PIN));
    t.call("login as nobody known", writer.login(9, USER_PIN));
    t.call("context-specific login with nothing waiting", writer.login(ck::CKU_CONTEXT_SPECIFIC, USER_PIN));
    t.call("logout when out", writer.logout());
    t.call("user login", reader.login(ck::CKU_USER, USER_PIN));
    states(t, "user");
    t.call("user login again", writer.login(ck::CKU_USER, USER_PIN));
    t.call("user login again, wrong PIN", writer.login(ck::CKU_USER, "wrong"));
    t.call("SO login over the user", writer.login(ck::CKU_SO, SO_PIN));
    t.call("close the reader", reader.close());
    t.call("SO login over the user without readers", writer.login(ck::CKU_SO, SO_PIN));
    t.call("logout", writer.logout());
    t.call("SO login", writer.login(ck::CKU_SO, SO_PIN));
    states(t, "SO");
    t.call("read-only session beside the SO", module.open_ro(slot));
    t.call("SO login again", writer.login(ck::CKU_SO, SO_PIN));
    t.call("user login over the SO", writer.login(ck::CKU_USER, USER_PIN));
    t.call("private object of the SO", writer.create(&Template::new().class(ck::CKO_DATA).private(true)));
    t.call("public object of the SO", writer.create(&Template::new().class(ck::CKO_DATA).private(false)));
    t.call("close the writer", writer.close());
    t.call("close it again", writer.close());
    let session = t.session("open again", module.open_rw(slot));
    t.value("state after the last session closed", session.info().map(|info| info.state));
    t.call("login", session.login(ck::CKU_USER, USER_PIN));
    t.call("close all", module.close_all(slot));
    t.call("close all of an unknown slot", module.close_all(77));
    gone(t, session);
    let session = t.session("open at last", module.open_rw(slot));
    t.value("state after all were closed", session.info().map(|info| info.state));
}

/// Calls in a session that was closed.
fn gone(t: &mut Transcript<'_>, session: Session<'_>) {
    let (key, sha) = (Object(1), Mechanism::plain(ck::CKM_SHA256));
    t.call("closed: info", session.info());
    t.call("closed: login", session.login(ck::CKU_USER, USER_PIN));
    t.call("closed: logout", session.logout());
    t.call("closed: create", session.create(&Template::new().class(ck::CKO_DATA)));
    t.call("closed: destroy", session.destroy(key));
    t.call("closed: attributes", session.bytes(key, ck::CKA_LABEL));
    t.call("closed: find", session.find_init(&Template::new()));
    t.call("closed: digest", session.digest_init(&sha));
    t.call("closed: sign", session.sign_init(&sha, key));
    t.call("closed: random", session.random(8));
}
