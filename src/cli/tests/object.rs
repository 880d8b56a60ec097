//! `sealhsm object`, on objects that another client made through the module.

mod common;

use common::{Done, Site, beside};

fn pkcs11_tool(site: &Site, words: &[&str]) {
    let module = beside("libsealhsm.so");
    assert!(module.exists(), "{} is missing; run `cargo build --release` first", module.display());
    let mut tool = site.program("pkcs11-tool");
    tool.arg("--module").arg(module).args(["--login", "--pin", "1234"]).args(words);
    Done::of(tool.output().expect("pkcs11-tool (opensc)")).ok();
}

/// A public certificate, and a private and a public data object.
fn filled() -> Site {
    let site = Site::with_tpm();
    site.token("t");
    let mut openssl = site.program("openssl");
    openssl.args(["req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=x", "-outform", "der", "-keyout"]);
    let (key, certificate) = (site.path("key.pem"), site.text("certificate"));
    Done::of(openssl.arg(key).args(["-out", &certificate]).output().expect("openssl")).ok();
    pkcs11_tool(&site, &["--write-object", &certificate, "--type", "cert", "--id", "0a01", "--label", "web"]);
    let note = site.file("note", "nobody's business");
    pkcs11_tool(&site, &["--write-object", &note, "--type", "data", "--private", "--label", "note"]);
    pkcs11_tool(&site, &["--write-object", &note, "--type", "data", "--label", "web"]);
    site
}

fn labels(site: &Site, words: &[&str]) -> Vec<String> {
    let words = [&["object", "list", "--json"], words].concat();
    let listed = site.run(&words).json();
    let name = |o: &serde_json::Value| format!("{} {}", o["type"].as_str().unwrap(), o["label"].as_str().unwrap());
    let mut labels: Vec<String> = listed.as_array().unwrap().iter().map(name).collect();
    labels.sort();
    labels
}

#[test]
fn without_a_pin_only_public_objects_are_listed_and_with_it_all() {
    let site = filled();
    assert_eq!(labels(&site, &[]), ["cert web", "data web"]);
    assert_eq!(labels(&site, &["--pin-file", "@pin"]), ["cert web", "data note", "data web"]);
}

#[test]
fn a_key_is_listed_with_what_it_is_and_what_it_may_do_never_with_its_value() {
    let site = Site::with_tpm();
    site.token("t");
    pkcs11_tool(&site, &["--keypairgen", "--key-type", "EC:prime256v1", "--id", "0a01", "--label", "pair"]);
    let listed = site.run(&["object", "list", "--json", "--pin-file", "@pin", "--type", "privkey"]).json();
    assert_eq!((&listed[0]["key"], &listed[0]["id"]), (&"EC P-256".into(), &"0a01".into()));
    assert!(listed[0]["uses"].as_array().unwrap().contains(&"sign".into()), "{listed}");
    assert!(listed[0]["traits"].as_array().unwrap().contains(&"sensitive".into()), "{listed}");
    let text = site.run(&["object", "list", "--pin-file", "@pin"]).ok();
    assert!(text.contains("privkey  EC P-256  0a01") && text.contains("pubkey "), "{text}");
}

#[test]
fn objects_are_chosen_by_type_label_and_id() {
    let site = filled();
    assert_eq!(labels(&site, &["--pin-file", "@pin", "--type", "data"]), ["data note", "data web"]);
    assert_eq!(labels(&site, &["--pin-file", "@pin", "--label", "note"]), ["data note"]);
    assert_eq!(labels(&site, &["--pin-file", "@pin", "--id", "0A01"]), ["cert web"]);
    assert_eq!(labels(&site, &["--pin-file", "@pin", "--label", "no such"]), [""; 0]);
}

#[test]
fn several_objects_are_destroyed_only_when_all_are_meant() {
    let site = filled();
    let delete = ["object", "delete", "--pin-file", "@pin", "--label", "web"];
    let err = site.run(&delete).failed(1);
    assert!(err.contains("several objects fit") && err.contains("--all"), "{err}");
    assert_eq!(labels(&site, &["--pin-file", "@pin"]).len(), 3);
    site.run(&[&delete[..], &["--all"]].concat()).ok();
    assert_eq!(labels(&site, &["--pin-file", "@pin"]), ["data note"]);
}

#[test]
fn a_private_object_is_not_found_and_not_destroyed_without_the_pin() {
    let site = filled();
    let err = site.run(&["object", "delete", "--label", "note"]).failed(1);
    assert!(err.contains("--login"), "{err}");
    assert!(!site.run(&["object", "delete", "--label", "note", "--pin-file", "@pin"]).ok().contains("--login"));
    assert_eq!(labels(&site, &["--pin-file", "@pin"]), ["cert web", "data web"]);
    let out = site.run(&["object", "delete", "--label", "web", "--type", "data"]).ok();
    assert!(out.contains("1 object is destroyed") && out.contains("--login"), "{out}");
}

#[test]
fn a_wrong_pin_ends_the_listing_with_cause_and_next_step() {
    let site = filled();
    let err = site.run(&["object", "list", "--pin-file", "@other"]).failed(1);
    assert!(err.lines().last().unwrap().starts_with("sealhsm: wrong PIN; "), "{err}");
}
