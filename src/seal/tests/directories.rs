//! The token directory: what is listed, what is not and why, and what is made and removed.

mod kit;

use kit::{Machine, SO, USER, pin};
use sealhsm_seal::{self as seal, Error, NewToken, Settings, Who};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use uuid::Uuid;

fn reason(settings: &Settings, name: &str) -> String {
    let (_, unreadable) = seal::list(settings).unwrap();
    let found = unreadable.into_iter().find(|bad| bad.path == settings.tokendir.join(name));
    found.expect(name).reason
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn bare() -> (tempfile::TempDir, Settings) {
    let dir = tempfile::tempdir().unwrap();
    let tokendir = dir.path().join("tokens");
    (dir, Settings { tokendir, umask: 0o077, argon2: seal::Argon2::DEFAULT })
}

#[test]
fn a_missing_token_directory_is_no_tokens() {
    let (_dir, settings) = bare();
    let (listed, unreadable) = seal::list(&settings).unwrap();
    assert!(listed.is_empty() && unreadable.is_empty());
    assert!(!settings.tokendir.exists());
}

#[test]
fn a_token_directory_that_is_none_is_an_error() {
    let (_dir, settings) = bare();
    fs::write(&settings.tokendir, "a file").unwrap();
    assert!(matches!(seal::list(&settings), Err(Error::Store(_))));
}

#[test]
fn whatever_is_no_token_is_named_with_a_reason_and_hidden_names_are_ignored() {
    let machine = Machine::new();
    let token = machine.token();
    let dir = &machine.settings.tokendir;
    let name = |n: u128| Uuid::from_u128(n).to_string();
    for hidden in [".tmp-x", ".deleted-y"] {
        fs::create_dir(dir.join(hidden)).unwrap();
    }
    fs::write(dir.join("README"), "a file").unwrap();
    fs::create_dir(dir.join("backup")).unwrap();
    fs::create_dir(dir.join(name(1))).unwrap();
    symlink(dir.join(token.to_string()), dir.join(name(2))).unwrap();
    fs::create_dir(dir.join(name(3))).unwrap();
    let later = machine.read(token).replace("version = 1", "version = 2");
    fs::write(dir.join(name(3)).join("token.object"), later).unwrap();
    fs::create_dir(dir.join(name(4))).unwrap();
    fs::write(dir.join(name(4)).join("token.object"), machine.read(token)).unwrap();
    fs::create_dir(dir.join(name(5))).unwrap();
    symlink(machine.file(token), dir.join(name(5)).join("token.object")).unwrap();
    fs::create_dir(dir.join(name(6))).unwrap();
    fs::write(dir.join(name(6)).join("token.object"), [0xff; 100]).unwrap();
    fs::create_dir(dir.join(name(7))).unwrap();
    fs::write(dir.join(name(7)).join("token.object"), "a = 1\n".repeat(20_000)).unwrap();

    let (listed, unreadable) = seal::list(&machine.settings).unwrap();
    assert_eq!(listed.iter().map(|l| l.uuid).collect::<Vec<_>>(), [token]);
    assert_eq!(unreadable.len(), 8, "{unreadable:?}");
    assert!(reason(&machine.settings, "backup").contains("UUID"));
    assert!(reason(&machine.settings, &name(3)).contains("version 2"));
    for bad in &unreadable {
        assert!(!bad.reason.is_empty() && !bad.reason.contains("{ "), "{bad:?}");
    }
}

#[test]
fn new_directories_and_files_are_their_owners_only_unless_the_umask_allows_more() {
    for (umask, directory, file) in [(0o077, 0o700, 0o600), (0o027, 0o750, 0o640)] {
        let mut machine = Machine::new();
        machine.settings.umask = umask;
        machine.settings.tokendir.push("below/it");
        let token = machine.token();
        for made in machine.settings.tokendir.ancestors().take(3) {
            assert_eq!(mode(made), directory, "{}", made.display());
        }
        assert_eq!(mode(machine.file(token).parent().unwrap()), directory);
        assert_eq!(mode(&machine.file(token)), file);
    }
}

#[test]
fn nothing_is_left_of_a_token_that_could_not_be_made() {
    let machine = Machine::new();
    machine.token();
    let before = fs::read_dir(&machine.settings.tokendir).unwrap().count();
    let new = NewToken { label: "no PIN", so_pin: &pin(""), recovery: None, taken_slots: &[] };
    assert!(matches!(seal::create(&machine.settings, &machine.door, &new), Err(Error::Invalid(_))));
    assert_eq!(fs::read_dir(&machine.settings.tokendir).unwrap().count(), before);
}

#[test]
fn a_deleted_token_is_gone_and_its_neighbour_is_not() {
    let machine = Machine::new();
    let (token, other) = (machine.token(), machine.token());
    machine.put_objects(token);
    seal::delete(&machine.settings, token).unwrap();
    assert_eq!(fs::read_dir(&machine.settings.tokendir).unwrap().count(), 1);
    assert!(matches!(machine.open(token, Who::User, USER), Err(Error::Store(sealhsm_store::Error::Gone(_)))));
    assert!(seal::delete(&machine.settings, token).is_err());
    machine.open(other, Who::So, SO).unwrap();
}

#[test]
fn a_damaged_token_can_be_deleted() {
    let machine = Machine::new();
    let token = machine.token();
    machine.write(token, "nonsense");
    assert!(seal::list(&machine.settings).unwrap().0.is_empty());
    seal::delete(&machine.settings, token).unwrap();
    assert_eq!(fs::read_dir(&machine.settings.tokendir).unwrap().count(), 0);
}

#[test]
fn deleting_follows_no_link() {
    let machine = Machine::new();
    let token = machine.token();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("precious"), "x").unwrap();
    let home = machine.file(token).parent().unwrap().to_path_buf();
    symlink(outside.path(), home.join("link")).unwrap();
    let _ = seal::delete(&machine.settings, token);
    assert!(outside.path().join("precious").exists());
    let name = Uuid::from_u128(1).to_string();
    symlink(outside.path(), machine.settings.tokendir.join(&name)).unwrap();
    let _ = seal::delete(&machine.settings, Uuid::from_u128(1));
    assert!(outside.path().join("precious").exists());
}

#[test]
fn a_token_that_may_not_be_written_still_opens() {
    let machine = Machine::new();
    let token = machine.token();
    let home = machine.file(token).parent().unwrap().to_path_buf();
    let before = machine.read(token);
    fs::set_permissions(&home, Permissions::from_mode(0o500)).unwrap();
    machine.open(token, Who::User, USER).unwrap();
    seal::open_machine(&machine.settings, &machine.door, token).unwrap();
    fs::set_permissions(&home, Permissions::from_mode(0o700)).unwrap();
    assert_eq!(machine.read(token), before);
}

#[test]
fn a_serial_is_the_end_of_the_uuid_and_slots_do_not_collide() {
    let machine = Machine::new();
    let (a, b) = (machine.create(None), machine.create(None));
    let (listed, _) = seal::list(&machine.settings).unwrap();
    assert_eq!(listed.len(), 2);
    for token in &listed {
        assert!(token.uuid.simple().to_string().ends_with(&token.serial));
        assert_eq!(token.serial.len(), 16);
    }
    assert_ne!(a.as_bytes()[12..], b.as_bytes()[12..]);
}
