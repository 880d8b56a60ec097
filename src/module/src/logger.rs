//! Where log lines go: datagrams to /dev/log, or standard error where the configuration or SEALHSM_LOG asks.
//! `openlog` would rename the host's own lines, descriptor 2 may be anything in a host, and RUST_LOG is the host's.
//! Nothing here waits, keeps a descriptor, or takes a lock that a fork could leave locked.

use crate::cancel::Uncancelled;
use log::{Level, LevelFilter, Log, Metadata, Record};
use sealhsm_core::config::{Config, LogTarget, privileged};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

struct Logger {
    to_stderr: AtomicBool,
}

static LOGGER: Logger = Logger { to_stderr: AtomicBool::new(false) };
/// LOG_USER of syslog(3).
const FACILITY: u8 = 1 << 3;

/// Sets level and target; without a configuration (not read yet, or wrong) warnings go to /dev/log.
/// SEALHSM_LOG overrides both, except in a privileged process.
pub fn open(config: Option<&Config>) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Both are private to this module: it has its own copy of `log` and of the standard library.
        let _ = log::set_logger(&LOGGER);
        // The message of a panic may show values; its place is enough to find it.
        std::panic::set_hook(Box::new(|panic| match panic.location() {
            Some(place) => log::error!("internal error at {place}: please report it"),
            None => log::error!("internal error: please report it"),
        }));
    });
    let (level, to_stderr) = match (asked(), config) {
        (Some(level), _) => (level, true),
        (None, Some(config)) => (config.log_level, config.log_target == LogTarget::Stderr),
        (None, None) => (LevelFilter::Warn, false),
    };
    LOGGER.to_stderr.store(to_stderr, Ordering::Relaxed);
    log::set_max_level(level);
}

/// The level that SEALHSM_LOG asks for; a word that is none is ignored.
fn asked() -> Option<LevelFilter> {
    if privileged() {
        return None;
    }
    std::env::var("SEALHSM_LOG").ok()?.parse().ok()
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        // Calls that only calculate do not put a cancellation off, and writing a line is where it would happen.
        let _uncancelled = Uncancelled::begin();
        let message = one_line(&record.args().to_string());
        // A log that cannot be written must not hurt the host.
        let _ = match self.to_stderr.load(Ordering::Relaxed) {
            true => to_stderr(&format!("sealhsm: {}: {message}\n", record.level())),
            false => to_syslog(record.level(), &message),
        };
    }

    fn flush(&self) {}
}

/// A label or a path must not be able to forge a line of its own.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// One write on a duplicate: the lock of `io::stderr` may be held by a thread that a child does not have.
fn to_stderr(line: &str) -> io::Result<()> {
    File::from(io::stderr().as_fd().try_clone_to_owned()?).write_all(line.as_bytes())
}

/// RFC 3164 without the time, which the receiver adds.
fn to_syslog(level: Level, message: &str) -> io::Result<()> {
    let severity = match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    };
    let line = format!("<{}>sealhsm[{}]: {message}", FACILITY | severity, std::process::id());
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.send_to(line.as_bytes(), "/dev/log").map(drop)
}
