//! What is wrong, or worth knowing, and what to do about it.

use crate::context::Place;
use crate::failure::Failure;
use crate::output::plain;
use sealhsm_door::{Error, Parent, Status};
use sealhsm_seal::{Listed, Unreadable};
use serde::Serialize;
use std::path::Path;

/// One finding. Field names are those of the JSON.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// What is so.
    pub what: String,
    /// What to do; may be nothing.
    pub next: Option<String>,
}

impl Finding {
    /// As a line of text.
    pub fn line(&self) -> String {
        match &self.next {
            Some(next) => format!("  {}\n    -> {next}\n", self.what),
            None => format!("  {}\n", self.what),
        }
    }
}

/// Findings by weight.
#[derive(Debug, Default)]
pub struct List {
    /// Something does not work.
    pub problems: Vec<Finding>,
    /// It works, and yet.
    pub notes: Vec<Finding>,
}

impl List {
    fn problem(&mut self, what: impl Into<String>, next: &str) {
        self.problems.push(finding(what, next));
    }

    fn note(&mut self, what: impl Into<String>, next: &str) {
        self.notes.push(finding(what, next));
    }

    /// Of the TPM as it answers, and of the parent it offers.
    pub fn of_tpm(&mut self, asked: &Result<Status, Error>, parent: Option<&Result<Parent, Error>>) {
        let status = match asked {
            Ok(status) => status,
            Err(error) => return self.failed(error),
        };
        if let Some(Err(error)) = parent {
            self.failed(error);
        }
        if status.in_lockout {
            let minutes = status.lockout_interval.div_ceil(60);
            self.problem(
                "The TPM is in dictionary-attack lockout: no PIN opens any token.",
                &format!(
                    "Wait (one try is forgiven every {minutes} minutes), or `sealhsm tpm reset-lockout` with the lockout \
                     authorization."
                ),
            );
        } else if status.max_tries.saturating_sub(status.lockout_counter) <= status.max_tries / 4 {
            self.note(
                format!("{} of {} wrong PINs are used up.", status.lockout_counter, status.max_tries),
                "Find out who tries; after the last one no PIN opens any token for a while.",
            );
        }
        if let Some(why) = &status.parent_refused {
            self.note(
                format!("The key at 0x81000001 is not used: {}", plain(why)),
                "Nothing needs to be done; the parent is made at each use, which is slower.",
            );
        } else if status.parent.is_none() {
            self.note(
                "The TPM keeps no parent key; it is made at each use, which is slower.",
                "`sealhsm tpm provision` as root keeps it.",
            );
        }
        if !status.lockout_auth_set && !status.simulated {
            self.note(
                "The lockout authorization is empty: whoever reaches the TPM can reset the count of wrong PINs.",
                "Set one: tpm2_changeauth -c lockout.",
            );
        }
        if status.simulated {
            self.note(
                "This is a software TPM: it protects nothing from whoever can read its files.",
                "For development.",
            );
        }
    }

    fn failed(&mut self, error: &Error) {
        let text = Failure::from(error).to_string();
        match text.split_once("; ") {
            Some((what, next)) => self.problem(what, next),
            None => self.problem(text, ""),
        }
    }

    /// Of the socket that this user may not use, if there is one.
    pub fn of_socket(&mut self, refused: Option<&Path>) {
        if let Some(socket) = refused {
            self.note(
                format!("{} may not be used by this user.", socket.display()),
                "Be in its group (`usermod -aG sealhsm USER`, then log in anew), or ask the TPM device itself.",
            );
        }
    }

    /// Of the tokens, given the parent that this TPM has.
    pub fn of_tokens(&mut self, places: &Result<Vec<Place>, Failure>, parent: Option<&Parent>) {
        let places = match places {
            Ok(places) => places,
            Err(failure) => return self.problem(failure.to_string(), "Check owner and mode of the token directory."),
        };
        for token in places.iter().map(|place| &place.token) {
            let name = format!("{} (serial {})", plain(&token.label), token.serial);
            match parent.map(|present| compare(present, &token.parent)) {
                Some(Fit::Another) => self.problem(
                    format!("Token {name} is sealed to another TPM, or this one was cleared."),
                    match token.recovery {
                        true => "Use its TPM, or `sealhsm token recover` with the recovery key.",
                        false => "Use its TPM; it has no recovery key, so nothing else opens it.",
                    },
                ),
                Some(Fit::Evicted) => self.problem(
                    format!("Token {name} is sealed to a key that this TPM can make, but does not keep any more."),
                    "`sealhsm tpm provision` as root keeps it again.",
                ),
                _ if !token.recovery => self.note(
                    format!("Token {name} has no recovery key: it ends with this TPM."),
                    "`sealhsm recovery keygen`, then `sealhsm token add-recovery-key`.",
                ),
                _ => {}
            }
            if !token.user_pin_set {
                self.note(format!("Token {name} has no user PIN."), "`sealhsm token init-pin` sets one.");
            }
        }
    }

    /// Of what does not open in a token.
    pub fn of_objects(&mut self, token: &Listed, damaged: Vec<Failure>) {
        for failure in damaged {
            let text = failure.to_string();
            let (what, next) = text.split_once("; ").unwrap_or((&text, ""));
            self.problem(
                format!("Token {} (serial {}): {}", plain(&token.label), token.serial, plain(what)),
                &plain(next),
            );
        }
    }

    /// Of what lies in the token directory and is no token.
    pub fn of_directories(&mut self, unreadable: &[Unreadable]) {
        for bad in unreadable {
            self.problem(
                plain(&format!("{}: {}", bad.path.display(), bad.reason)),
                "Restore it from a backup, or `sealhsm token delete --force --uuid` it.",
            );
        }
    }
}

/// Whether a token's pinned key is at hand.
#[derive(Debug, PartialEq)]
enum Fit {
    /// Nothing speaks against it.
    Maybe,
    /// Surely another key.
    Another,
    /// The same key, but it is pinned at a handle where nothing is now.
    Evicted,
}

/// Whether nothing speaks against it that a token opens on a TPM with this parent.
pub fn fits(present: &Parent, place: &Place) -> bool {
    compare(present, &place.token.parent) == Fit::Maybe
}

/// `present`: what the TPM offers, handle 0 if it keeps no usable key. A key that is made at each use cannot be
/// compared with a foreign one that the TPM keeps.
fn compare(present: &Parent, pinned: &Parent) -> Fit {
    match (present.name == pinned.name, pinned.handle) {
        (true, handle) if handle == present.handle || handle == 0 => Fit::Maybe,
        (true, _) => Fit::Evicted,
        (false, 0) if present.handle != 0 => Fit::Maybe,
        (false, _) => Fit::Another,
    }
}

fn finding(what: impl Into<String>, next: &str) -> Finding {
    Finding { what: what.into(), next: (!next.is_empty()).then(|| next.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        Status { max_tries: 32, lockout_interval: 600, lockout_auth_set: true, ..Status::default() }
    }

    #[test]
    fn a_locked_tpm_is_a_problem_and_few_tries_left_are_worth_knowing() {
        let mut list = List::default();
        list.of_tpm(&Ok(Status { in_lockout: true, ..status() }), None);
        assert!(list.problems[0].next.as_ref().unwrap().contains("10 minutes"));
        let mut list = List::default();
        list.of_tpm(&Ok(Status { lockout_counter: 30, ..status() }), None);
        assert!(list.problems.is_empty() && list.notes[0].what.contains("30 of 32"));
    }

    #[test]
    fn no_tpm_is_a_problem_with_a_next_step() {
        let mut list = List::default();
        list.of_tpm(&Err(Error::NoTpm("device:/dev/tpmrm0: no such file".into())), None);
        assert!(list.problems[0].what.contains("/dev/tpmrm0") && list.problems[0].next.is_some());
    }

    #[test]
    fn a_token_of_another_tpm_is_told_from_one_whose_parent_is_no_longer_kept() {
        const SRK: u32 = 0x8100_0001;
        let key = |handle, name: u8| Parent { handle, template: "ecc-p256".into(), name: vec![name] };
        for (present, pinned, fit) in [
            (key(SRK, 1), key(SRK, 1), Fit::Maybe),
            (key(SRK, 1), key(SRK, 2), Fit::Another),
            (key(0, 1), key(SRK, 2), Fit::Another),
            (key(0, 1), key(SRK, 1), Fit::Evicted),
            (key(0, 1), key(0, 2), Fit::Another),
            (key(SRK, 1), key(0, 1), Fit::Maybe),
            (key(SRK, 1), key(0, 2), Fit::Maybe),
        ] {
            assert_eq!(compare(&present, &pinned), fit, "{present:?} {pinned:?}");
        }
    }
}
