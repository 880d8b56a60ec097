//! The agent as a service on a socket that systemd listens on: a process per connection, and a limit of wrong PINs per
//! user, so that nobody in the group can use up the TPM's tries.

use crate::os;
use crate::serve::{self, Peer};
use crate::tpm::Tpm;
use std::io;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Users remembered; beyond that the oldest entry is taken over.
const USERS: usize = 64;
/// Wrong PINs that one user may enter within a window.
const TRIES: u32 = 5;
/// The window in seconds.
const WINDOW: u32 = 60;

/// Wrong PINs per user, in memory that the connection processes share.
pub struct Failures {
    rows: [Row; USERS],
}

struct Row {
    /// User ID + 1; 0: free.
    user: AtomicU32,
    since: AtomicU32,
    count: AtomicU32,
}

impl Failures {
    fn row(&self, uid: u32) -> &Row {
        let key = uid.wrapping_add(1);
        let claim = |row: &&Row| row.user.compare_exchange(0, key, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        let oldest = || self.rows.iter().min_by_key(|row| row.since.load(Ordering::Relaxed));
        self.rows
            .iter()
            .find(|row| row.user.load(Ordering::Relaxed) == key)
            .or_else(|| self.rows.iter().find(claim))
            .or_else(|| {
                oldest().inspect(|row| {
                    row.user.store(key, Ordering::Relaxed);
                    row.count.store(0, Ordering::Relaxed);
                })
            })
            .unwrap_or(&self.rows[0])
    }

    fn may_try(&self, uid: u32, now: u32) -> bool {
        let row = self.row(uid);
        if now.wrapping_sub(row.since.load(Ordering::Relaxed)) >= WINDOW {
            row.count.store(0, Ordering::Relaxed);
        }
        row.count.load(Ordering::Relaxed) < TRIES
    }

    fn wrong(&self, uid: u32, now: u32) {
        let row = self.row(uid);
        if row.count.fetch_add(1, Ordering::Relaxed) == 0 {
            row.since.store(now, Ordering::Relaxed);
        }
    }
}

/// Accepts until the socket fails.
pub fn run(listener: &UnixListener, tpm: &Tpm) -> io::Result<()> {
    let failures: &'static Failures = os::shared()?;
    loop {
        let (stream, _) = listener.accept()?;
        os::reap();
        let uid = match os::peer_uid(&stream) {
            Ok(uid) => uid,
            Err(error) => {
                log::warn!("a connection without peer credentials: {error}");
                continue;
            }
        };
        if os::fork()? {
            let peer = Peer {
                privileged: uid == 0,
                may_try: Box::new(move || failures.may_try(uid, now())),
                wrong: Box::new(move || {
                    log::warn!("wrong PIN from user {uid}");
                    failures.wrong(uid, now());
                }),
            };
            return serve::connection(stream, tpm, &peer);
        }
    }
}

fn now() -> u32 {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    (seconds & 0xffff_ffff) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> Failures {
        Failures {
            rows: std::array::from_fn(|_| Row {
                user: AtomicU32::new(0),
                since: AtomicU32::new(0),
                count: AtomicU32::new(0),
            }),
        }
    }

    #[test]
    fn a_user_is_stopped_after_five_wrong_pins_and_others_are_not() {
        let failures = none();
        for _ in 0..TRIES {
            assert!(failures.may_try(1000, 50));
            failures.wrong(1000, 50);
        }
        assert!(!failures.may_try(1000, 50 + WINDOW - 1));
        assert!(failures.may_try(1001, 51));
        assert!(failures.may_try(1000, 50 + WINDOW));
    }

    #[test]
    fn more_users_than_rows_push_out_the_oldest() {
        let failures = none();
        for uid in 0..200 {
            assert!(failures.may_try(uid, uid));
            failures.wrong(uid, uid + 100);
        }
    }
}
