//! Where PINs come from: a file, a descriptor, systemd's credentials, a prompt without echo. Never the command line
//! or the environment, which other processes can read.

use crate::failure::Failure;
use crate::prompt::Terminal;
use sealhsm_secret::Secret;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A PIN by its part in a command: how to ask for it and where else to look.
pub struct Kind {
    what: &'static str,
    credential: &'static str,
    options: &'static str,
    /// The longest one in bytes, where that is not the configuration's business.
    longest: Option<usize>,
}

/// What most of them are.
const PIN: Kind = Kind { what: "PIN", credential: "", options: "", longest: None };

/// The normal user's PIN.
pub const USER: Kind = Kind { what: "user PIN", credential: "sealhsm-pin", options: "--pin-file or --pin-fd", ..PIN };
/// The Security Officer's PIN.
pub const SO: Kind =
    Kind { what: "SO PIN", credential: "sealhsm-so-pin", options: "--so-pin-file or --so-pin-fd", ..PIN };
/// The SO's PIN where it is the only present one asked for.
pub const SO_PRESENT: Kind = Kind { options: USER.options, ..SO };
/// The PIN that replaces another.
pub const NEW: Kind =
    Kind { what: "new PIN", credential: "sealhsm-new-pin", options: "--new-pin-file or --new-pin-fd", ..PIN };
/// The TPM's lockout authorization.
pub const LOCKOUT: Kind = Kind {
    what: "lockout authorization",
    credential: "sealhsm-lockout-auth",
    options: "--auth-file or --auth-fd",
    ..PIN
};
/// What opens a file with a key.
pub const PASSPHRASE: Kind = Kind {
    what: "passphrase",
    credential: "sealhsm-passphrase",
    options: "--passphrase-file or --passphrase-fd",
    longest: Some(sealhsm_crypto::import::MAX_PASSPHRASE),
};

/// What the command line says about one PIN.
#[derive(Debug, Default)]
pub struct Source {
    /// Its first line.
    pub file: Option<PathBuf>,
    /// The next line of this descriptor.
    pub fd: Option<u32>,
}

/// Reads the PINs of one command.
pub struct Pins {
    min: usize,
    max: usize,
    open: HashMap<u32, File>,
}

impl Pins {
    /// New PINs are `min` to `max` bytes long.
    pub fn new(min: usize, max: usize) -> Self {
        Pins { min, max, open: HashMap::new() }
    }

    /// A PIN that exists: asked once.
    pub fn present(&mut self, kind: &Kind, source: &Source) -> Result<Secret, Failure> {
        match self.given(kind, source)? {
            Some(pin) => Ok(pin),
            None => self.ask(kind, &terminal(kind)?, &format!("{}: ", kind.what)),
        }
    }

    /// A new PIN: asked twice, its length checked.
    pub fn fresh(&mut self, kind: &Kind, source: &Source) -> Result<Secret, Failure> {
        match self.given(kind, source)? {
            Some(pin) => self.check(kind, pin),
            None => self.ask_twice(kind, &terminal(kind)?),
        }
    }

    /// A new PIN that may be left out where nobody can be asked.
    pub fn fresh_if_any(&mut self, kind: &Kind, source: &Source) -> Result<Option<Secret>, Failure> {
        match (self.given(kind, source)?, Terminal::open()) {
            (Some(pin), _) => self.check(kind, pin).map(Some),
            (None, Some(terminal)) => self.ask_twice(kind, &terminal).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The PIN if the command line or a credential names it; never asks.
    pub fn given(&mut self, kind: &Kind, source: &Source) -> Result<Option<Secret>, Failure> {
        if let Some(file) = &source.file {
            return read_file(file, self.longest(kind)).map(Some).map_err(|f| f.during(kind.what));
        }
        if let Some(fd) = source.fd {
            return self.read_fd(fd, self.longest(kind)).map(Some).map_err(|f| f.during(kind.what));
        }
        let directory = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from).filter(|d| d.is_absolute());
        match directory.map(|d| d.join(kind.credential)).filter(|file| file.exists()) {
            Some(file) => read_file(&file, self.longest(kind)).map(Some).map_err(|f| f.during(kind.what)),
            None => Ok(None),
        }
    }

    fn ask(&self, kind: &Kind, terminal: &Terminal, question: &str) -> Result<Secret, Failure> {
        let pin = terminal.secret(question, self.longest(kind)).map_err(|e| match e.kind() {
            ErrorKind::Interrupted => Failure::from("cancelled; nothing was changed"),
            _ => Failure::from(format!("{}: {e}", kind.what)),
        })?;
        match pin.is_empty() {
            true => Err(format!("{}: empty; nothing was changed", kind.what).into()),
            false => Ok(pin),
        }
    }

    fn ask_twice(&self, kind: &Kind, terminal: &Terminal) -> Result<Secret, Failure> {
        let question = format!("{} ({} to {} bytes): ", kind.what, self.min, self.max);
        let pin = self.check(kind, self.ask(kind, terminal, &question)?)?;
        let again = self.ask(kind, terminal, &format!("{} again: ", kind.what))?;
        match pin.ct_eq(again.as_ref()) {
            true => Ok(pin),
            false => Err(format!("{}: the two differ; nothing was changed", kind.what).into()),
        }
    }

    fn check(&self, kind: &Kind, pin: Secret) -> Result<Secret, Failure> {
        match (self.min..=self.max).contains(&pin.len()) {
            true => Ok(pin),
            false => Err(format!(
                "{}: it has {} bytes; {} to {} are allowed ([pin] in the configuration)",
                kind.what,
                pin.len(),
                self.min,
                self.max
            )
            .into()),
        }
    }

    fn longest(&self, kind: &Kind) -> usize {
        kind.longest.unwrap_or(self.max)
    }

    /// The next line of a descriptor; several PINs may come one after the other through the same.
    fn read_fd(&mut self, fd: u32, max: usize) -> Result<Secret, Failure> {
        let name = PathBuf::from(format!("/dev/fd/{fd}"));
        let result = match fd {
            // Not by name: after sudo it may be another user's pipe.
            0 => first_line(&mut Stdin, max),
            _ => match self.open.entry(fd) {
                std::collections::hash_map::Entry::Occupied(open) => first_line(open.into_mut(), max),
                std::collections::hash_map::Entry::Vacant(place) => {
                    File::open(&name).and_then(|file| first_line(place.insert(file), max))
                }
            },
        };
        result.map_err(|e| Failure::io(&name, &e))
    }
}

/// Standard input without the library's buffer, which nobody would wipe.
pub struct Stdin;

impl Read for Stdin {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(rustix::stdio::stdin(), into)?)
    }
}

fn terminal(kind: &Kind) -> Result<Terminal, Failure> {
    Terminal::open().ok_or_else(|| {
        Failure::from(format!(
            "no {} and no terminal to ask on; give {}, or the credential {} ($CREDENTIALS_DIRECTORY)",
            kind.what, kind.options, kind.credential
        ))
    })
}

fn read_file(path: &Path, max: usize) -> Result<Secret, Failure> {
    let mut file = File::open(path).map_err(|e| Failure::io(path, &e))?;
    let about = file.metadata().map_err(|e| Failure::io(path, &e))?;
    if about.is_file() && about.mode() & 0o044 != 0 {
        log::warn!("{}: others can read this PIN (mode {:04o}); chmod 600 it", path.display(), about.mode() & 0o7777);
    }
    first_line(&mut file, max).map_err(|e| Failure::io(path, &e))
}

/// Reads up to the line end and not a byte further, so that the next line stays for the next PIN.
fn first_line(input: &mut impl Read, max: usize) -> io::Result<Secret> {
    // Room for a carriage return, and to tell a PIN that is too long from one that is not.
    let mut line = Secret::zeroed(max + 2);
    let mut len = 0;
    while len < line.len() {
        let place = &mut line.as_mut()[len..=len];
        match input.read(place) {
            Ok(0) => break,
            Ok(_) if place[0] == b'\n' => {
                place[0] = 0;
                break;
            }
            Ok(_) => len += 1,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if len > 0 && line.as_ref()[len - 1] == b'\r' {
        len -= 1;
    }
    line.truncate(len);
    match len {
        0 => Err(io::Error::new(ErrorKind::InvalidData, "its first line is empty")),
        len if len > max => Err(io::Error::new(ErrorKind::InvalidData, format!("its first line is over {max} bytes"))),
        _ => Ok(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &[u8]) -> io::Result<Vec<u8>> {
        first_line(&mut &text[..], 6).map(|pin| pin.as_ref().to_vec())
    }

    #[test]
    fn a_pin_is_the_first_line_without_its_end() {
        for text in [&b"1234"[..], b"1234\n", b"1234\r\n", b"1234\nsecond line\n"] {
            assert_eq!(line(text).unwrap(), b"1234");
        }
        assert_eq!(line(b"  12 \n").unwrap(), b"  12 ");
        assert_eq!(line(b"123456\r\n").unwrap(), b"123456");
    }

    #[test]
    fn an_empty_line_and_one_too_long_are_refused() {
        for text in [&b""[..], b"\n1234", b"1234567\n", b"123456789"] {
            assert!(line(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn two_pins_come_through_one_stream_line_by_line() {
        let mut stream = &b"1234\n5678\n"[..];
        assert_eq!(first_line(&mut stream, 8).unwrap().as_ref(), b"1234");
        assert_eq!(first_line(&mut stream, 8).unwrap().as_ref(), b"5678");
    }
}
