//! PINs on a real (software) TPM: who opens a token, who changes whose PIN, what a wrong one does.

mod kit;

use kit::{Machine, SO, USER, pin};
use sealhsm_seal::{self as seal, Error, NewToken, Who};

#[test]
fn a_new_token_opens_with_the_so_pin_and_has_no_user_pin() {
    let machine = Machine::new();
    let token = machine.create(None);
    let key = machine.open(token, Who::So, SO).unwrap();
    assert!(matches!(machine.open(token, Who::User, SO), Err(Error::NoKeyslot)));
    let (listed, unreadable) = seal::list(&machine.settings).unwrap();
    assert!(unreadable.is_empty());
    let [listed] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((listed.uuid, listed.label.as_str(), listed.epoch), (token, "a token", 1));
    assert!(listed.simulated && !listed.user_pin_set && !listed.recovery);
    assert!(machine.objects(token, key.rings()).is_empty());
}

#[test]
fn both_pins_and_the_machine_open_the_same_rings() {
    let machine = Machine::new();
    let token = machine.token();
    let so = machine.open(token, Who::So, SO).unwrap();
    let user = machine.open(token, Who::User, USER).unwrap();
    let ours = seal::open_machine(&machine.settings, &machine.door, token).unwrap();
    assert!(so.rings().public.0.ct_eq(ours.0.as_ref()));
    assert!(user.rings().public.0.ct_eq(ours.0.as_ref()));
    assert!(so.rings().private.unwrap().0.ct_eq(user.rings().private.unwrap().0.as_ref()));
    assert_eq!(so.tag(b"x").unwrap(), user.tag(b"x").unwrap());
}

#[test]
fn a_wrong_pin_is_wrong_and_counted_by_the_tpm() {
    let machine = Machine::new();
    let token = machine.token();
    for (who, wrong) in [(Who::User, SO), (Who::So, USER), (Who::User, "user-pim"), (Who::So, "so-pin ")] {
        assert!(matches!(machine.open(token, who, wrong), Err(Error::WrongPin)), "{who:?} {wrong}");
    }
    assert_eq!(machine.door.status().unwrap().lockout_counter, 4);
    // An empty one cannot be right and is not worth a try.
    assert!(matches!(machine.open(token, Who::User, ""), Err(Error::WrongPin)));
    assert_eq!(machine.door.status().unwrap().lockout_counter, 4);
    machine.open(token, Who::User, USER).unwrap();
}

#[test]
fn in_lockout_the_right_pin_is_refused_and_public_objects_are_still_readable() {
    let machine = Machine::new();
    let token = machine.token();
    machine.door.set_tries(2, 1000, 1000).unwrap();
    for _ in 0..2 {
        assert!(matches!(machine.open(token, Who::User, "nonsense"), Err(Error::WrongPin | Error::Locked)));
    }
    assert!(matches!(machine.open(token, Who::User, USER), Err(Error::Locked)));
    assert!(matches!(machine.open(token, Who::So, SO), Err(Error::Locked)));
    seal::open_machine(&machine.settings, &machine.door, token).unwrap();
}

#[test]
fn the_user_changes_the_own_pin_and_the_so_both() {
    let machine = Machine::new();
    let token = machine.token();
    machine.set_pin(token, Who::User, USER, Who::User, "second").unwrap();
    assert!(matches!(machine.open(token, Who::User, USER), Err(Error::WrongPin)));
    machine.open(token, Who::User, "second").unwrap();
    machine.set_pin(token, Who::So, SO, Who::User, "third").unwrap();
    assert!(matches!(machine.open(token, Who::User, "second"), Err(Error::WrongPin)));
    machine.open(token, Who::User, "third").unwrap();
    machine.set_pin(token, Who::So, SO, Who::So, "new so pin").unwrap();
    assert!(matches!(machine.open(token, Who::So, SO), Err(Error::WrongPin)));
    machine.open(token, Who::So, "new so pin").unwrap();
    machine.open(token, Who::User, "third").unwrap();
}

#[test]
fn a_pin_change_touches_no_object() {
    let machine = Machine::new();
    let token = machine.token();
    let objects = machine.put_objects(token);
    machine.set_pin(token, Who::So, SO, Who::User, "second").unwrap();
    let rings = machine.open(token, Who::User, "second").unwrap().rings();
    assert_eq!(machine.objects(token, rings), objects);
}

#[test]
fn two_pin_changes_at_once_both_count() {
    let machine = Machine::new();
    let token = machine.token();
    std::thread::scope(|scope| {
        scope.spawn(|| machine.set_pin(token, Who::So, SO, Who::User, "second").unwrap());
        scope.spawn(|| machine.set_pin(token, Who::So, SO, Who::So, "new so pin").unwrap());
    });
    machine.open(token, Who::User, "second").unwrap();
    machine.open(token, Who::So, "new so pin").unwrap();
}

#[test]
fn an_empty_pin_cannot_be_set() {
    let machine = Machine::new();
    let token = machine.token();
    assert!(matches!(machine.set_pin(token, Who::So, SO, Who::User, ""), Err(Error::Invalid(_))));
    machine.open(token, Who::User, USER).unwrap();
}

#[test]
fn a_label_longer_than_32_bytes_is_refused_and_nothing_is_left_behind() {
    let machine = Machine::new();
    let label = "x".repeat(33);
    let new = NewToken { label: &label, so_pin: &pin(SO), recovery: None, taken_slots: &[] };
    assert!(matches!(seal::create(&machine.settings, &machine.door, &new), Err(Error::Invalid(_))));
    assert!(!machine.settings.tokendir.exists());
}

#[test]
fn token_object_shows_nothing_secret() {
    let machine = Machine::new();
    let token = machine.token();
    let text = machine.read(token);
    let rings = machine.open(token, Who::User, USER).unwrap().rings();
    let hex = |secret: &[u8]| secret.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let secrets = [USER.into(), SO.into(), hex(USER.as_bytes()), hex(SO.as_bytes())];
    let keys = [hex(rings.public.0.as_ref()), hex(rings.private.unwrap().0.as_ref())];
    for secret in secrets.iter().chain(&keys) {
        assert!(!text.contains(secret.as_str()));
    }
}
