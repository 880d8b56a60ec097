//! `sealhsm swtpm`.

mod common;

use common::Site;
use std::os::unix::fs::PermissionsExt;

#[test]
fn it_starts_once_says_how_to_use_it_and_stops_once() {
    let site = Site::with_tpm();
    let line = format!("export SEALHSM_TPM=swtpm:path={}/sock\n", site.text("tpm"));
    let status = |code| {
        let done = site.run(&["swtpm", "status", "--json", "--dir", "@tpm"]);
        assert_eq!(done.code, code, "{done:?}");
        serde_json::from_str::<serde_json::Value>(&done.out).unwrap()
    };
    let before = status(0);
    assert_eq!(before["running"], true);
    assert_eq!(site.run(&["swtpm", "start", "--dir", "@tpm"]).ok(), line);
    assert_eq!(status(0), before, "the same process");
    assert_eq!(std::fs::metadata(site.path("tpm")).unwrap().permissions().mode() & 0o777, 0o700);

    assert!(site.run(&["swtpm", "stop", "--dir", "@tpm"]).ok().contains("is stopped"));
    assert_eq!(status(1)["running"], false);
    assert!(site.run(&["swtpm", "stop", "--dir", "@tpm"]).ok().contains("No software TPM runs"));
}

#[test]
fn its_state_outlives_it_and_stopping_it_costs_no_try() {
    let site = Site::with_tpm();
    let parent = |site: &Site| site.run(&["tpm", "provision"]).ok();
    let before = parent(&site);
    for _ in 0..3 {
        site.run(&["swtpm", "stop", "--dir", "@tpm"]).ok();
        site.run(&["swtpm", "start", "--dir", "@tpm"]).ok();
    }
    assert_eq!(parent(&site), before);
    assert_eq!(site.run(&["status", "--json"]).json()["tpm"]["wrong_tries"], 0);
}

#[test]
fn it_starts_again_while_the_lockout_authorization_is_refused() {
    let site = Site::with_tpm();
    site.run(&["tpm", "reset-lockout", "--auth-file", "@other"]).failed(1);
    site.run(&["swtpm", "stop", "--dir", "@tpm"]).ok();
    site.run(&["swtpm", "start", "--dir", "@tpm"]).ok();
}

#[test]
fn it_starts_again_after_it_was_killed() {
    let site = Site::with_tpm();
    let pid = std::fs::read_to_string(site.path("tpm/pid")).unwrap();
    assert!(site.program("kill").args(["-KILL", pid.trim()]).status().unwrap().success());
    assert_eq!(site.run(&["swtpm", "status", "--dir", "@tpm"]).code, 1);
    site.run(&["swtpm", "start", "--dir", "@tpm"]).ok();
    site.run(&["status"]).ok();
}

#[test]
fn ten_starts_at_once_start_one() {
    let mut site = Site::new();
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| site.run(&["swtpm", "start", "--dir", "@tpm"]).ok());
        }
    });
    site.start_tpm("tpm");
    site.run(&["status"]).ok();
}

#[test]
fn a_directory_that_others_can_enter_or_that_is_too_deep_is_refused() {
    let site = Site::new();
    std::fs::create_dir(site.path("open")).unwrap();
    std::fs::set_permissions(site.path("open"), PermissionsExt::from_mode(0o755)).unwrap();
    assert!(site.run(&["swtpm", "start", "--dir", "@open"]).failed(1).contains("chmod 700"));
    let deep = site.path(&"d".repeat(100));
    assert!(site.run(&["swtpm", "start", "--dir", deep.to_str().unwrap()]).failed(1).contains("shorter --dir"));
}
