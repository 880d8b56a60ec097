//! What is asked on a terminal, and that nothing typed there is shown. `script(1)` is the terminal.

mod common;

use common::{SEALHSM, Site};
use std::io::{Read, Write};
use std::process::Stdio;

/// Answers each question when it has been asked; gives the exit code and everything the terminal showed.
fn conversation(site: &Site, command: &str, answers: &[(&str, &str)]) -> (i32, String) {
    let mut terminal = site
        .program("script")
        .args(["--quiet", "--return", "--command", &format!("{SEALHSM} {command}"), "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script (bsdutils)");
    let (mut keys, mut screen) = (terminal.stdin.take().unwrap(), terminal.stdout.take().unwrap());
    let (mut shown, mut seen) = (Vec::new(), 0);
    let mut byte = [0];
    for (question, answer) in answers {
        while !String::from_utf8_lossy(&shown[seen..]).contains(question) {
            assert_eq!(screen.read(&mut byte).unwrap(), 1, "{question:?} in {:?}", String::from_utf8_lossy(&shown));
            shown.extend(byte);
        }
        seen = shown.len();
        keys.write_all(answer.as_bytes()).unwrap();
    }
    screen.read_to_end(&mut shown).unwrap();
    (terminal.wait().unwrap().code().unwrap(), String::from_utf8(shown).unwrap())
}

#[test]
fn new_pins_are_asked_twice_and_never_shown() {
    let site = Site::with_tpm();
    let answers = [
        ("SO PIN (4 to 255 bytes): ", "87654321\r"),
        ("SO PIN again: ", "87654321\r"),
        // With letters that no number on the screen has in it.
        ("user PIN (4 to 255 bytes): ", "zq69\r"),
        ("user PIN again: ", "zqx\x7f69\r"),
    ];
    let (code, shown) = conversation(&site, "token init --label typed", &answers);
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("Token typed is made") && !shown.contains("87654321") && !shown.contains("zq69"), "{shown}");
    let (code, shown) = conversation(&site, "object list --login", &[("user PIN: ", "zq69\r")]);
    assert_eq!(code, 0, "{shown}");
}

#[test]
fn two_different_new_pins_change_nothing() {
    let site = Site::with_tpm();
    let answers = [("SO PIN (", "87654321\r"), ("SO PIN again: ", "87654322\r")];
    let (code, shown) = conversation(&site, "token init --label t", &answers);
    assert!(code == 1 && shown.contains("the two differ; nothing was changed"), "{shown}");
    assert_eq!(site.run(&["token", "list"]).ok(), "");
}

#[test]
fn an_interrupt_at_a_prompt_cancels_the_command() {
    let site = Site::with_tpm();
    let (code, shown) = conversation(&site, "token init --label t", &[("SO PIN (", "87\x03")]);
    assert!(code == 1 && shown.contains("cancelled; nothing was changed"), "{shown}");
}

#[test]
fn a_token_is_deleted_only_after_a_yes() {
    let site = Site::with_tpm();
    site.token("t");
    let (code, shown) = conversation(&site, "token delete --token t", &[("Type yes: ", "y\r")]);
    assert!(code == 1 && shown.contains("not confirmed; nothing was deleted"), "{shown}");
    assert!(site.run(&["token", "list"]).ok().contains(" t\n"));
    let (code, shown) = conversation(&site, "token delete --token t", &[("Type yes: ", "yes\r")]);
    assert_eq!(code, 0, "{shown}");
    assert_eq!(site.run(&["token", "list"]).ok(), "");
}
