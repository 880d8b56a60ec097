//! Epochs: what C_InitToken on a token ends, and that nothing of an epoch that is over opens anything.

mod kit;

use kit::{Machine, SO, USER, pin, table};
use sealhsm_seal::{self as seal, Error, Who};
use sealhsm_store::Error as StoreError;
use std::fs;

#[test]
fn reinitialising_erases_objects_and_user_pin_and_keeps_uuid_and_so_pin() {
    let machine = Machine::new();
    let token = machine.token();
    machine.put_objects(token);
    machine.reinitialize(token).unwrap();
    let (listed, _) = seal::list(&machine.settings).unwrap();
    assert_eq!((listed[0].uuid, listed[0].epoch, listed[0].label.as_str()), (token, 2, "again"));
    assert!(!listed[0].user_pin_set);
    assert!(matches!(machine.open(token, Who::User, USER), Err(Error::NoKeyslot)));
    let key = machine.open(token, Who::So, SO).unwrap();
    assert!(machine.objects(token, key.rings()).is_empty());
    let mut names: Vec<_> = fs::read_dir(machine.file(token).parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["2.index", "token.lock", "token.object"]);
    // It is a token like any other afterwards.
    machine.set_pin(token, Who::So, SO, Who::User, USER).unwrap();
    let objects = machine.put_objects(token);
    assert_eq!(machine.objects(token, machine.open(token, Who::User, USER).unwrap().rings()), objects);
}

#[test]
fn reinitialising_needs_the_so_pin() {
    let machine = Machine::new();
    let token = machine.token();
    let objects = machine.put_objects(token);
    let before = machine.read(token);
    let refused = seal::reinitialize(&machine.settings, &machine.door, token, &pin(USER), "again", None);
    assert!(matches!(refused, Err(Error::WrongPin)));
    assert_eq!(machine.read(token), before);
    assert_eq!(machine.objects(token, machine.open(token, Who::User, USER).unwrap().rings()), objects);
}

#[test]
fn keys_of_an_epoch_that_is_over_set_no_pin_and_open_no_objects() {
    let machine = Machine::new();
    let token = machine.token();
    let old = machine.open(token, Who::So, SO).unwrap();
    machine.reinitialize(token).unwrap();
    let late = seal::set_pin(&machine.settings, &machine.door, token, &old, Who::User, &pin(USER));
    assert!(matches!(late, Err(Error::Store(StoreError::EpochChanged))), "{late:?}");
    let late = seal::add_recovery(&machine.settings, token, &old, seal::recovery_pair().unwrap().1);
    assert!(matches!(late, Err(Error::Store(StoreError::EpochChanged))), "{late:?}");
    let opened =
        seal::objects(&machine.settings, token, old.rings()).and_then(|store| Ok(store.refresh().map(drop)?));
    assert!(opened.is_err());
}

#[test]
fn an_old_keyslot_in_a_new_file_does_not_revive_an_old_pin() {
    let machine = Machine::new();
    let token = machine.token();
    let old = machine.read(token);
    machine.reinitialize(token).unwrap();
    machine.set_pin(token, Who::So, SO, Who::User, "second").unwrap();
    let new = machine.read(token);
    machine.write(token, &new.replace(table(&new, "keyslot.user"), table(&old, "keyslot.user")));
    let opened = machine.open(token, Who::User, USER);
    assert!(matches!(opened, Err(Error::Store(StoreError::Tampered(_)))));
    machine.write(token, &new.replace(table(&new, "keyslot.machine"), table(&old, "keyslot.machine")));
    let opened = seal::open_machine(&machine.settings, &machine.door, token);
    assert!(matches!(opened, Err(Error::Store(StoreError::Tampered(_)))));
    machine.write(token, &new);
    machine.open(token, Who::User, "second").unwrap();
}

#[test]
fn an_old_keyslot_of_the_same_epoch_fails_the_mac() {
    let machine = Machine::new();
    let token = machine.token();
    let old = machine.read(token);
    machine.set_pin(token, Who::User, USER, Who::User, "second").unwrap();
    let new = machine.read(token);
    machine.write(token, &new.replace(table(&new, "keyslot.user"), table(&old, "keyslot.user")));
    let Err(Error::Store(StoreError::Tampered(text))) = machine.open(token, Who::User, USER) else { panic!() };
    assert!(text.contains("token.object"), "{text}");
}

#[test]
fn what_a_crash_left_of_a_new_epoch_does_not_disturb_the_next() {
    let machine = Machine::new();
    let token = machine.token();
    let home = machine.file(token).parent().unwrap().to_path_buf();
    fs::write(home.join("2.index"), b"half").unwrap();
    machine.open(token, Who::User, USER).unwrap();
    machine.reinitialize(token).unwrap();
    let rings = machine.open(token, Who::So, SO).unwrap().rings();
    assert!(machine.objects(token, rings).is_empty());
}
