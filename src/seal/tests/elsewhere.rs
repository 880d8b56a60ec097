//! A token on another TPM, and the way back: recovery.

mod kit;

use kit::{Machine, SO, USER, copy, pin, table};
use sealhsm_door as door;
use sealhsm_seal::{self as seal, Error, Who};
use sealhsm_secret::Secret;
use sealhsm_store::Error as StoreError;
use std::fs;

fn other_tpm<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Tpm(door::Error::WrongParent { .. } | door::Error::NotOurs)))
}

fn recover(on: &Machine, token: uuid::Uuid, private: &Secret, user: Option<&str>) -> Result<(), Error> {
    let user = user.map(pin);
    seal::recover(&on.settings, &on.door, token, private, &pin("new so pin"), user.as_ref())
}

#[test]
fn another_tpm_opens_nothing() {
    let (ours, theirs) = (Machine::new(), Machine::new());
    let token = ours.token();
    theirs.token();
    copy(&ours, token, &theirs);
    assert!(other_tpm(&theirs.open(token, Who::User, USER)));
    assert!(other_tpm(&theirs.open(token, Who::So, SO)));
    assert!(other_tpm(&seal::open_machine(&theirs.settings, &theirs.door, token)));
    assert!(other_tpm(&theirs.reinitialize(token)));
    ours.open(token, Who::User, USER).unwrap();
}

#[test]
fn the_recovery_key_moves_a_token_to_another_tpm_with_its_objects() {
    let (ours, theirs) = (Machine::new(), Machine::new());
    let (private, public) = seal::recovery_pair().unwrap();
    let token = ours.create(Some(public));
    ours.set_pin(token, Who::So, SO, Who::User, USER).unwrap();
    let objects = ours.put_objects(token);
    fs::create_dir(&theirs.settings.tokendir).unwrap();
    copy(&ours, token, &theirs);
    recover(&theirs, token, &private, Some("new user pin")).unwrap();
    let user = theirs.open(token, Who::User, "new user pin").unwrap();
    theirs.open(token, Who::So, "new so pin").unwrap();
    seal::open_machine(&theirs.settings, &theirs.door, token).unwrap();
    assert_eq!(theirs.objects(token, user.rings()), objects);
    assert!(matches!(theirs.open(token, Who::User, USER), Err(Error::WrongPin)));
    let (listed, _) = seal::list(&theirs.settings).unwrap();
    assert!(listed[0].recovery && listed[0].epoch == 1 && listed[0].label == "a token");
    // And once more: the recovery keyslot moved along.
    recover(&theirs, token, &private, None).unwrap();
    assert!(matches!(theirs.open(token, Who::User, "new user pin"), Err(Error::NoKeyslot)));
    let rings = theirs.open(token, Who::So, "new so pin").unwrap().rings();
    assert_eq!(theirs.objects(token, rings), objects);
}

#[test]
fn only_root_s_first_token_changes_the_tpm_and_recovery_never_does() {
    let (ours, theirs) = (Machine::new(), Machine::new());
    let (private, public) = seal::recovery_pair().unwrap();
    let token = ours.create(Some(public));
    let persistent = ours.door.status().unwrap().parent;
    assert_eq!(persistent.is_some(), door::effective_uid() == 0);
    let pinned = seal::list(&ours.settings).unwrap().0.remove(0).parent;
    assert_eq!(pinned, persistent.unwrap_or(ours.door.parent().unwrap()));
    fs::create_dir(&theirs.settings.tokendir).unwrap();
    copy(&ours, token, &theirs);
    recover(&theirs, token, &private, Some(USER)).unwrap();
    assert_eq!(theirs.door.status().unwrap().parent, None);
    let pinned = seal::list(&theirs.settings).unwrap().0.remove(0).parent;
    assert_eq!((pinned.handle, pinned.name), (0, theirs.door.parent().unwrap().name));
    theirs.open(token, Who::User, USER).unwrap();
    // A storage key that is persisted later does not part the token from its transient one.
    theirs.door.provision().unwrap();
    theirs.open(token, Who::User, USER).unwrap();
    seal::open_machine(&theirs.settings, &theirs.door, token).unwrap();
}

#[test]
fn a_new_epoch_is_recoverable_with_the_same_key() {
    let machine = Machine::new();
    let (private, public) = seal::recovery_pair().unwrap();
    let token = machine.create(Some(public));
    machine.reinitialize(token).unwrap();
    recover(&machine, token, &private, None).unwrap();
    machine.open(token, Who::So, "new so pin").unwrap();
}

#[test]
fn a_token_made_anew_with_another_recovery_key_opens_with_that_one_only() {
    let machine = Machine::new();
    let (former, public) = seal::recovery_pair().unwrap();
    let token = machine.create(Some(public));
    let (private, public) = seal::recovery_pair().unwrap();
    seal::reinitialize(&machine.settings, &machine.door, token, &pin(SO), "again", Some(public)).unwrap();
    assert!(matches!(recover(&machine, token, &former, None), Err(Error::Invalid(_))));
    recover(&machine, token, &private, None).unwrap();
}

#[test]
fn a_recovery_key_can_be_added_later_and_not_exchanged() {
    let machine = Machine::new();
    let token = machine.token();
    let (private, public) = seal::recovery_pair().unwrap();
    assert!(matches!(recover(&machine, token, &private, None), Err(Error::NoKeyslot)));
    let key = machine.open(token, Who::So, SO).unwrap();
    seal::add_recovery(&machine.settings, token, &key, public).unwrap();
    seal::add_recovery(&machine.settings, token, &key, public).unwrap();
    let (stranger, other) = seal::recovery_pair().unwrap();
    assert!(matches!(seal::add_recovery(&machine.settings, token, &key, other), Err(Error::Invalid(_))));
    machine.open(token, Who::User, USER).unwrap();
    assert!(matches!(recover(&machine, token, &stranger, None), Err(Error::Invalid(_))));
    recover(&machine, token, &private, None).unwrap();
}

#[test]
fn recovery_refuses_a_file_that_was_altered() {
    let machine = Machine::new();
    let (private, public) = seal::recovery_pair().unwrap();
    let token = machine.create(Some(public));
    let text = machine.read(token);
    machine.write(token, &text.replace("label = \"a token\"", "label = \"a taken\""));
    let refused = recover(&machine, token, &private, None);
    assert!(matches!(refused, Err(Error::Store(StoreError::Tampered(_)))));
    machine.write(token, &text);
    recover(&machine, token, &private, None).unwrap();
}

#[test]
fn keyslots_swapped_between_tokens_of_one_machine_open_nothing() {
    let machine = Machine::new();
    let (token, other) = (machine.token(), machine.token());
    let (text, others) = (machine.read(token), machine.read(other));
    for head in ["keyslot.user", "keyslot.so", "keyslot.machine"] {
        machine.write(token, &text.replace(table(&text, head), table(&others, head)));
        let refused = match head {
            "keyslot.user" => machine.open(token, Who::User, USER).map(drop),
            "keyslot.so" => machine.open(token, Who::So, SO).map(drop),
            _ => seal::open_machine(&machine.settings, &machine.door, token).map(drop),
        };
        assert!(matches!(refused, Err(Error::Store(StoreError::Tampered(_)))), "{head}: {refused:?}");
    }
    // A whole file of another token is not this one.
    machine.write(token, &others);
    assert!(machine.open(token, Who::User, USER).is_err());
    machine.write(token, &text);
    machine.open(token, Who::User, USER).unwrap();
}

#[test]
fn a_keyslot_moved_to_the_other_role_opens_nothing() {
    let machine = Machine::new();
    let token = machine.token();
    let text = machine.read(token);
    let moved = table(&text, "keyslot.so").replace("keyslot.so", "keyslot.user");
    machine.write(token, &text.replace(table(&text, "keyslot.user"), &moved));
    let refused = machine.open(token, Who::User, SO);
    assert!(matches!(refused, Err(Error::Store(StoreError::Tampered(_)))));
}
