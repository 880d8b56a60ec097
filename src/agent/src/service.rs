//! The agent as a service on a socket that systemd listens on: a process per connection, and limits per user, so that
//! nobody in the group can use up the TPM's tries or the service's processes.

use crate::os;
use crate::serve::{self, Peer};
use crate::tpm::Tpm;
use sealhsm_secret::Secret;
use sealhsm_wire::{Failure, FailureKind, Status};
use std::fs::File;
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Users remembered; beyond that the oldest entry is taken over.
const USERS: usize = 64;
/// Wrong PINs that one user may enter, if the TPM allows twice as many.
const TRIES: u32 = 5;
/// No wrong PIN is forgiven sooner, in seconds.
const FORGIVEN: u32 = 60;
/// Connections that one user may have.
const CONNECTIONS: usize = 128;

/// Wrong PINs per user, in memory that the connection processes share. They are forgiven as the TPM forgives them, one
/// by one, so that what a user adds to the TPM's counter never exceeds the user's tries.
pub struct Failures {
    rows: [Row; USERS],
    tries: AtomicU32,
    interval: AtomicU32,
    /// The TPM's own counter, and when it was read, in seconds; 0: not yet.
    counter: AtomicU32,
    read: AtomicU32,
}

struct Row {
    /// User ID + 1; 0: free.
    user: AtomicU32,
    /// When the oldest wrong PIN was entered, in seconds.
    since: AtomicU32,
    count: AtomicU32,
    /// 1: a try began and has not ended. Its process may have met its deadline, after the TPM counted.
    open: AtomicU32,
}

impl Failures {
    fn row(&self, uid: u32) -> usize {
        let key = uid.wrapping_add(1);
        let claim = |row: &Row| row.user.compare_exchange(0, key, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        let oldest = || (0..USERS).min_by_key(|at| self.rows[*at].since.load(Ordering::Relaxed)).unwrap_or(0);
        let known = self.rows.iter().position(|row| row.user.load(Ordering::Relaxed) == key);
        known.or_else(|| self.rows.iter().position(claim)).unwrap_or_else(|| {
            let at = oldest();
            self.rows[at].user.store(key, Ordering::Relaxed);
            self.rows[at].count.store(0, Ordering::Relaxed);
            self.rows[at].open.store(0, Ordering::Relaxed);
            at
        })
    }

    /// Whether a user may try a PIN now, or in how many seconds.
    fn may_try(&self, uid: u32, now: u32) -> Result<(), u32> {
        let row = &self.rows[self.row(uid)];
        let (tries, interval) =
            (self.tries.load(Ordering::Relaxed), self.interval.load(Ordering::Relaxed).max(FORGIVEN));
        let (count, since) = (row.count.load(Ordering::Relaxed), row.since.load(Ordering::Relaxed));
        let forgiven = (now.saturating_sub(since) / interval).min(count);
        row.count.store(count - forgiven, Ordering::Relaxed);
        row.since.store(since.saturating_add(forgiven.saturating_mul(interval)), Ordering::Relaxed);
        if count - forgiven < tries.max(1) {
            return Ok(());
        }
        Err(row.since.load(Ordering::Relaxed).saturating_add(interval).saturating_sub(now))
    }

    fn wrong(&self, uid: u32, now: u32) {
        let row = &self.rows[self.row(uid)];
        if row.count.fetch_add(1, Ordering::Relaxed) == 0 {
            row.since.store(now, Ordering::Relaxed);
        }
    }

    /// Takes over the TPM's own limits and counter.
    fn learn(&self, status: &Status, now: u32) {
        self.tries.store((status.max_tries / 2).clamp(1, TRIES), Ordering::Relaxed);
        self.interval.store(status.lockout_interval, Ordering::Relaxed);
        self.counter.store(status.lockout_counter, Ordering::Relaxed);
        self.read.store(now.max(1), Ordering::Relaxed);
    }

    /// Whether a try that did not end must be looked into, or no counter is known to compare with.
    fn must_look(&self, row: usize) -> bool {
        self.rows[row].open.load(Ordering::Relaxed) != 0 || self.read.load(Ordering::Relaxed) == 0
    }

    /// A try that did not end was a wrong one if the TPM has counted one. A TPM that hung has not.
    fn look(&self, row: usize, uid: u32, status: &Status, now: u32) {
        let passed = now.saturating_sub(self.read.load(Ordering::Relaxed));
        let forgiven = passed.checked_div(self.interval.load(Ordering::Relaxed)).unwrap_or(0);
        let counted = status.lockout_counter > self.counter.load(Ordering::Relaxed).saturating_sub(forgiven);
        if self.rows[row].open.swap(0, Ordering::Relaxed) != 0 && counted {
            log::warn!("wrong PIN from user {uid}, which took too long");
            self.wrong(uid, now);
        }
        self.learn(status, now);
    }
}

/// Runs one try of a PIN. A user's tries run one after the other (a byte of `turns` is locked), so that many connections
/// get no more of them than one.
fn try_pin(
    failures: &Failures,
    turns: &File,
    uid: u32,
    tpm: &Tpm,
    attempt: &dyn Fn() -> Result<Secret, Failure>,
) -> Result<Secret, Failure> {
    let refused = |text| Failure { kind: FailureKind::Refused, code: 0, text, found: Vec::new() };
    let row = failures.row(uid);
    os::lock_byte(turns, row, true).map_err(|e| refused(format!("no turn for a PIN: {e}")))?;
    let looked = match failures.must_look(row) {
        true => tpm.status().map(|status| failures.look(row, uid, &status, now())),
        false => Ok(()),
    };
    let outcome = looked.and_then(|()| match failures.may_try(uid, now()) {
        Ok(()) => {
            failures.rows[row].open.store(1, Ordering::Relaxed);
            attempt()
        }
        Err(seconds) => Err(refused(format!("too many wrong PINs from user {uid}; one more in {seconds} s"))),
    });
    let wrong = matches!(&outcome, Err(failure) if failure.kind == FailureKind::WrongAuth);
    if wrong {
        log::warn!("wrong PIN from user {uid}");
        failures.wrong(uid, now());
    }
    failures.rows[row].open.store(0, Ordering::Relaxed);
    if let (true, Ok(status)) = (wrong, tpm.status()) {
        failures.learn(&status, now());
    }
    // It also ends with this process.
    let _ = os::lock_byte(turns, row, false);
    outcome
}

/// Accepts until the socket fails.
pub fn run(listener: &UnixListener, tpm: &Tpm, deadline: u32) -> io::Result<()> {
    let failures: &'static Failures = os::shared()?;
    failures.tries.store(TRIES, Ordering::Relaxed);
    let turns = os::lock_file()?;
    let mut connections: Vec<(i32, u32)> = Vec::new();
    loop {
        let (stream, _) = listener.accept()?;
        while let Some(child) = os::reap() {
            connections.retain(|(process, _)| *process != child);
        }
        let Some(uid) = admit(&stream, &connections) else { continue };
        match os::fork() {
            Ok(None) => {
                os::lock_memory();
                let tpm = tpm.clone();
                let peer = Peer {
                    privileged: uid == 0,
                    try_pin: Box::new({
                        let tpm = tpm.clone();
                        move |attempt| try_pin(failures, &turns, uid, &tpm, attempt)
                    }),
                };
                return serve::connection(stream, &tpm, &peer, deadline);
            }
            Ok(Some(child)) => connections.push((child, uid)),
            Err(error) => {
                log::error!("no process for another connection: {error}");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

/// The user of a connection, if it may have another one.
fn admit(stream: &UnixStream, connections: &[(i32, u32)]) -> Option<u32> {
    let uid = os::peer_uid(stream).map_err(|e| log::warn!("a connection without peer credentials: {e}")).ok()?;
    let many = connections.iter().filter(|(_, user)| *user == uid).count() >= CONNECTIONS;
    if many {
        log::warn!("user {uid} has {CONNECTIONS} connections; another is refused");
    }
    (!many).then_some(uid)
}

fn now() -> u32 {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> Failures {
        let zero = || AtomicU32::new(0);
        let row = |_| Row { user: zero(), since: zero(), count: zero(), open: zero() };
        let tries = AtomicU32::new(TRIES);
        let rows = std::array::from_fn(row);
        let failures = Failures { rows, tries, interval: zero(), counter: zero(), read: zero() };
        failures.learn(&Status { max_tries: 32, lockout_interval: 600, ..Status::default() }, 50);
        failures
    }

    #[test]
    fn a_user_is_stopped_after_five_wrong_pins_and_others_are_not() {
        let failures = none();
        for _ in 0..TRIES {
            assert_eq!(failures.may_try(1000, 50), Ok(()));
            failures.wrong(1000, 50);
        }
        assert_eq!(failures.may_try(1000, 51), Err(599));
        assert_eq!(failures.may_try(1001, 51), Ok(()));
    }

    #[test]
    fn wrong_pins_are_forgiven_one_by_one_as_the_tpm_does() {
        let failures = none();
        for _ in 0..TRIES {
            failures.wrong(1000, 50);
        }
        assert_eq!(failures.may_try(1000, 649), Err(1));
        assert_eq!(failures.may_try(1000, 650), Ok(()));
        failures.wrong(1000, 650);
        assert_eq!(failures.may_try(1000, 651), Err(599));
        assert_eq!(failures.may_try(1000, 1_000_000), Ok(()));
    }

    #[test]
    fn a_user_gets_half_of_the_tries_of_a_tpm_that_has_few() {
        let failures = none();
        failures.learn(&Status { max_tries: 3, lockout_interval: 1000, ..Status::default() }, 50);
        failures.wrong(1000, 50);
        assert_eq!(failures.may_try(1000, 50), Err(1000));
    }

    #[test]
    fn a_try_that_did_not_end_is_wrong_if_the_tpm_counted_it() {
        let failures = none();
        let row = failures.row(1000);
        let look = |counter, now| {
            failures.rows[row].open.store(1, Ordering::Relaxed);
            let before = failures.rows[row].count.load(Ordering::Relaxed);
            let limits = Status { max_tries: 32, lockout_interval: 600, ..Status::default() };
            failures.look(row, 1000, &Status { lockout_counter: counter, ..limits }, now);
            assert!(!failures.must_look(row));
            failures.rows[row].count.load(Ordering::Relaxed) - before
        };
        assert_eq!([look(0, 50), look(1, 51), look(1, 52), look(2, 53)], [0, 1, 0, 1]);
        // One was forgiven meanwhile, and one more counted.
        assert_eq!([look(1, 653), look(1, 1253)], [0, 1]);
    }

    #[test]
    fn more_users_than_rows_push_out_the_oldest() {
        let failures = none();
        for uid in 0..200 {
            assert_eq!(failures.may_try(uid, uid), Ok(()));
            failures.wrong(uid, uid + 100);
        }
    }
}
