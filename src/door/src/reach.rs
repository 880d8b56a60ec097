//! How an agent is reached: the systemd socket if it is there and no TPM is named, else one that we spawn; which program
//! file is trusted for that.
#![allow(unsafe_code)]

use crate::{DEADLINE, Error, Settings, process, spawn};
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// A connection to an agent. The error's text says what was tried.
pub fn agent(settings: &Settings, until: Instant) -> Result<OwnedFd, Error> {
    let mut tried = Vec::new();
    if let (None, Some(path)) = (&settings.tpm, &settings.socket) {
        match connect(path, until) {
            Ok(socket) => return Ok(socket),
            Err(error) => tried.push(format!("{}: {error}", path.display())),
        }
    }
    match spawned(settings, &mut tried) {
        Some(socket) => Ok(socket),
        None => {
            let text = tried.join("; ");
            log::error!("no TPM agent: {text}");
            Err(Error::NoAgent(text))
        }
    }
}

fn spawned(settings: &Settings, tried: &mut Vec<String>) -> Option<OwnedFd> {
    if let Some(why) = process::adopts_orphans() {
        tried.push(format!("none is spawned, as {why}: enable sealhsm-tpm.socket, or start this under an init"));
        return None;
    }
    for path in &settings.agents {
        match trusted(path).and_then(|program| spawn::agent(&program, &arguments(settings)?)) {
            Ok(socket) => return Some(socket),
            Err(error) => tried.push(format!("{}: {error}", path.display())),
        }
    }
    None
}

/// The agent ends itself a little before we give up, so that it can still say so.
fn arguments(settings: &Settings) -> io::Result<Vec<CString>> {
    let deadline = settings.deadline.unwrap_or(DEADLINE) * 4 / 5;
    let mut arguments = ["sealhsm-tpm", "--spawned", "--deadline"].map(String::from).to_vec();
    arguments.push(deadline.as_millis().max(1).to_string());
    if let Some(tpm) = &settings.tpm {
        arguments.extend(["--tcti".into(), tpm.clone()]);
    }
    arguments.into_iter().map(|argument| Ok(CString::new(argument)?)).collect()
}

/// Opens the program file to be executed through this descriptor, so that what was checked is what runs. In a privileged
/// process it must belong to root or the effective user and be writable by nobody else.
fn trusted(path: &Path) -> io::Result<OwnedFd> {
    let file = File::options().read(true).custom_flags(libc::O_PATH | libc::O_CLOEXEC).open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    let changeable = changeable_by_others(about.uid(), about.mode(), process::effective_uid());
    if changeable && process::privileged() {
        let why = "in a privileged process it must belong to root or the effective user and be writable by nobody else";
        return Err(io::Error::new(ErrorKind::PermissionDenied, why));
    }
    if changeable {
        log::warn!("{}: others than root and this user can change the TPM agent's program file", path.display());
    }
    Ok(file.into())
}

fn changeable_by_others(owner: u32, mode: u32, us: u32) -> bool {
    mode & 0o022 != 0 || (owner != 0 && owner != us)
}

/// Connects to a Unix socket without blocking beyond `until` (connect(2) waits for ever while the backlog is full).
fn connect(path: &Path, until: Instant) -> io::Result<OwnedFd> {
    let address = address(path.as_os_str())?;
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: makes a descriptor, checked below.
    let fd = unsafe { libc::socket(libc::AF_UNIX, kind, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: fresh and ours alone.
    let socket = above_standard(unsafe { OwnedFd::from_raw_fd(fd) })?;
    loop {
        let length = size_of::<libc::sockaddr_un>() as libc::socklen_t;
        // SAFETY: a live, zero-terminated address of that length.
        if unsafe { libc::connect(socket.as_raw_fd(), (&raw const address).cast(), length) } == 0 {
            return Ok(socket);
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            ErrorKind::Interrupted => {}
            ErrorKind::WouldBlock if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
            _ => return Err(error),
        }
    }
}

fn address(path: &OsStr) -> io::Result<libc::sockaddr_un> {
    // SAFETY: all zeros is a value of this structure.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    if path.len() >= address.sun_path.len() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "the path is too long for a socket"));
    }
    for (to, from) in address.sun_path.iter_mut().zip(path.as_bytes()) {
        *to = *from as libc::c_char;
    }
    Ok(address)
}

/// Moves a descriptor out of 0 to 2: a host that closed its standard streams writes its messages there.
pub fn above_standard(fd: OwnedFd) -> io::Result<OwnedFd> {
    if fd.as_raw_fd() > 2 {
        return Ok(fd);
    }
    // SAFETY: a live descriptor.
    match unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 3) } {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: fresh and ours alone.
        high => Ok(unsafe { OwnedFd::from_raw_fd(high) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_file_is_safe_if_only_root_or_this_user_can_change_it() {
        for (owner, mode, safe) in [
            (0, 0o100755, true),
            (1000, 0o100700, true),
            (1001, 0o100755, false),
            (0, 0o100775, false),
            (0, 0o100757, false),
            (1000, 0o100777, false),
        ] {
            assert_eq!(changeable_by_others(owner, mode, 1000), !safe, "{owner} {mode:o}");
        }
    }

    #[test]
    fn a_socket_path_that_does_not_fit_is_an_error() {
        assert!(address(OsStr::new(&"x".repeat(107))).is_ok());
        assert!(address(OsStr::new(&"x".repeat(108))).is_err());
    }

    #[test]
    fn a_listener_that_never_accepts_does_not_block_beyond_the_deadline() {
        let path = std::env::temp_dir().join(format!("sealhsm-full-{}", std::process::id()));
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        // SAFETY: a live socket; makes its queue as short as can be.
        assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
        let start = Instant::now();
        let kept: Vec<_> = std::iter::repeat_with(|| connect(&path, start + Duration::from_millis(300)))
            .take(10)
            .take_while(Result::is_ok)
            .collect();
        std::fs::remove_file(&path).unwrap();
        assert!(kept.len() < 10);
        assert!((300..5000).contains(&start.elapsed().as_millis()));
    }
}
