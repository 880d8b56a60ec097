//! Owners, modes, links, the lock, replacing, and descriptors that the host took away.

use super::*;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use uuid::Uuid;

/// An empty directory (0700) that goes away with its value.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("sealhsm-{}", write::random_uuid().unwrap()));
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
        Scratch(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open(scratch: &Scratch) -> Directory {
    Directory::open(scratch.path(), 0o077).unwrap()
}

#[test]
fn a_directory_must_belong_to_root_or_to_who_uses_it_unless_that_is_root() {
    for (owner, me, fits) in [(0, 0, true), (0, 5, true), (5, 5, true), (5, 0, true), (6, 5, false)] {
        assert_eq!(check_directory(owner, me, 0o40700).is_ok(), fits, "{owner} {me}");
    }
    for (mode, fits) in [(0o700, true), (0o750, true), (0o755, true), (0o770, false), (0o702, false)] {
        assert_eq!(check_directory(5, 5, 0o40000 | mode).is_ok(), fits, "{mode:o}");
    }
}

#[test]
fn a_file_must_belong_to_its_directorys_owner() {
    let scratch = Scratch::new();
    let directory = open(&scratch);
    directory.create("a", b"").unwrap();
    let stat = directory.look("a").unwrap().unwrap();
    assert!(check_file(stat.st_uid, &stat).is_ok());
    assert!(check_file(stat.st_uid + 1, &stat).is_err());
    let shared = std::fs::symlink_metadata(scratch.path()).unwrap();
    assert_eq!(stat.st_uid, shared.uid());
}

#[test]
fn new_files_have_the_mode_that_the_configured_umask_leaves_and_never_more_than_0640() {
    let scratch = Scratch::new();
    for (umask, mode) in [(0o077, 0o600), (0o027, 0o640), (0o000, 0o640)] {
        let directory = Directory::open(scratch.path(), umask).unwrap();
        directory.replace("a", b"").unwrap();
        assert_eq!(std::fs::metadata(scratch.path().join("a")).unwrap().mode() & 0o7777, mode);
        let (name, _) = directory.make_temporary().unwrap();
        let made = std::fs::metadata(scratch.path().join(name)).unwrap().mode() & 0o7777;
        assert_eq!(made, 0o750 & !umask);
    }
}

#[test]
fn a_file_is_read_whole_or_refused_when_it_is_too_long() {
    let scratch = Scratch::new();
    let directory = open(&scratch);
    assert!(directory.read("a", 3).unwrap().is_none());
    directory.replace("a", b"abc").unwrap();
    assert_eq!(directory.read("a", 3).unwrap().unwrap(), b"abc");
    assert!(matches!(directory.read("a", 2), Err(Error::Tampered(_))));
    directory.replace("a", b"d").unwrap();
    assert_eq!(directory.read("a", 3).unwrap().unwrap(), b"d");
    assert_eq!(directory.list().unwrap(), ["a"]);
}

#[test]
fn a_replacement_that_fails_leaves_the_old_file_and_nothing_else() {
    let scratch = Scratch::new();
    let directory = open(&scratch);
    directory.replace("a", b"old").unwrap();
    for fails in [Step::Create, Step::Write, Step::Sync, Step::Rename] {
        let watcher = move |step, _: &str| if step == fails { Err(Errno::NOSPC.into()) } else { Ok(()) };
        assert!(matches!(watch(watcher, || directory.replace("a", b"new")), Err(Error::Full(_))), "{fails:?}");
        assert_eq!(directory.read("a", 9).unwrap().unwrap(), b"old");
        assert_eq!(directory.list().unwrap(), ["a"]);
    }
}

#[test]
fn the_lock_is_held_until_it_is_dropped() {
    let scratch = Scratch::new();
    let (one, two) = (open(&scratch), open(&scratch));
    let lock = one.lock().unwrap();
    assert!(lock.is_held());
    let (got, waits) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| got.send(two.lock().map(drop)).unwrap());
        assert!(waits.recv_timeout(std::time::Duration::from_millis(50)).is_err());
        drop(lock);
        waits.recv().unwrap().unwrap();
    });
    assert_eq!(std::fs::metadata(scratch.path().join(LOCK)).unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn a_token_is_made_under_another_name_and_removed_only_with_files_that_are_its_own() {
    let scratch = Scratch::new();
    let tokens = open(&scratch);
    let (temporary, new) = tokens.make_temporary().unwrap();
    new.create("token.object", b"t").unwrap();
    let name = Uuid::from_u128(1).to_string();
    tokens.publish(&temporary, &name).unwrap();
    assert_eq!(tokens.list().unwrap(), [&name[..]]);
    let token = tokens.sub(&name).unwrap();
    assert!(!token.is_gone());
    for file in ["1.index", "x.object", "x.object.new", "n.keys", "notes"] {
        token.create(file, b"").unwrap();
    }
    drop(token.lock().unwrap());
    assert!(matches!(tokens.remove_token(&name), Err(Error::Tampered(text)) if text.contains("notes")));
    assert_eq!(token.read("token.object", 9).unwrap().unwrap(), b"t");
    token.remove("notes").unwrap();
    // What has a token's name and cannot be removed like its files.
    let directory = scratch.path().join(&name).join("y.object");
    std::fs::create_dir(&directory).unwrap();
    assert!(matches!(tokens.remove_token(&name), Err(Error::Tampered(text)) if text.contains("y.object")));
    assert_eq!(token.list().unwrap().len(), 7);
    std::fs::remove_dir(directory).unwrap();
    tokens.remove_token(&name).unwrap();
    assert!(tokens.list().unwrap().is_empty());
    assert!(token.is_gone());
    assert!(matches!(token.lock(), Err(Error::Gone(_))));
    assert!(matches!(tokens.sub(&name), Err(Error::Gone(_))));
}

#[test]
fn a_token_that_is_published_replaces_none() {
    let scratch = Scratch::new();
    let tokens = open(&scratch);
    let (first, in_first) = tokens.make_temporary().unwrap();
    in_first.create("token.object", b"first").unwrap();
    tokens.publish(&first, "t").unwrap();
    let (second, _) = tokens.make_temporary().unwrap();
    assert!(tokens.publish(&second, "t").is_err());
    assert_eq!(tokens.sub("t").unwrap().read("token.object", 9).unwrap().unwrap(), b"first");
}

#[test]
fn neither_a_token_nor_its_removal_goes_through_a_symbolic_link() {
    let (scratch, elsewhere) = (Scratch::new(), Scratch::new());
    open(&elsewhere).create("token.object", b"").unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), scratch.path().join("t")).unwrap();
    let tokens = open(&scratch);
    assert!(matches!(tokens.sub("t"), Err(Error::Tampered(_))));
    assert!(tokens.remove_token("t").is_err());
    assert_eq!(open(&elsewhere).list().unwrap(), ["token.object"]);
}

#[test]
fn the_directory_of_all_tokens_is_made_when_missing() {
    let scratch = Scratch::new();
    let path = scratch.path().join("a/b");
    assert!(matches!(Directory::open(&path, 0o077), Err(Error::Gone(_))));
    assert!(Directory::open_or_make(&path, 0o077).unwrap().writable());
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o700);
    std::fs::write(scratch.path().join("f"), "").unwrap();
    assert!(Directory::open_or_make(&scratch.path().join("f/g"), 0o077).is_err());
}

#[test]
fn a_descriptor_that_the_host_took_is_opened_again_and_never_closed() {
    let (scratch, host) = (Scratch::new(), Scratch::new());
    let mut directory = open(&scratch);
    directory.replace("a", b"ours").unwrap();
    let file = std::fs::File::create(host.path().join("host")).unwrap();
    let number = Arc::get_mut(directory.kept.get_mut().unwrap()).unwrap().is_taken_by(&file);
    assert_eq!(directory.read("a", 9).unwrap().unwrap(), b"ours");
    drop(directory);
    let still = std::fs::metadata(format!("/proc/self/fd/{number}")).unwrap();
    assert_eq!((still.dev(), still.ino()), (file.metadata().unwrap().dev(), file.metadata().unwrap().ino()));
}
