//! A forked child gives up the lock descriptors it inherited. Alone in its process: it gives up every lock there.

use sealhsm_store::directory::{Directory, abandon};
use std::os::unix::fs::PermissionsExt;

#[test]
fn an_abandoned_lock_is_closed_at_once_and_its_guard_unlocks_nobody_later() {
    let path = std::env::temp_dir().join(format!("sealhsm-abandoned-{}", std::process::id()));
    std::fs::create_dir(&path).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
    let directory = Directory::open(&path, 0o077).unwrap();
    let guard = directory.lock().unwrap();
    abandon();
    assert!(!guard.is_held());
    let another = directory.lock().unwrap();
    drop(guard);
    assert!(another.is_held());
    drop(another);
    std::fs::remove_dir_all(&path).unwrap();
}
