//! Asking on the terminal: a PIN without echo, byte by byte into the wiped type, and a yes or no.
//! It opens `/dev/tty`, so that standard input and output may be files.

use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use sealhsm_secret::Secret;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};

const INTERRUPT: u8 = 3;
const END: u8 = 4;
const BACKSPACE: u8 = 8;
const DELETE: u8 = 127;
const KILL_LINE: u8 = 21;

/// The terminal of this process.
pub struct Terminal(File);

/// Gives the terminal its old modes back, whatever happens.
struct Quiet<'a> {
    terminal: &'a File,
    before: Termios,
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}

impl<'a> Quiet<'a> {
    /// No echo, no line buffer of the kernel's, and no signal keys, so that an interrupt cannot leave it like this.
    fn new(terminal: &'a File) -> io::Result<Self> {
        let before = termios::tcgetattr(terminal)?;
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN);
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        termios::tcsetattr(terminal, OptionalActions::Flush, &modes)?;
        Ok(Quiet { terminal, before })
    }
}

impl Terminal {
    /// None when this process has no terminal.
    pub fn open() -> Option<Terminal> {
        File::options().read(true).write(true).open("/dev/tty").ok().map(Terminal)
    }

    /// Asks for a line of at most `max` bytes without echo. `Interrupted`: Ctrl-C or the end of input.
    pub fn secret(&self, question: &str, max: usize) -> io::Result<Secret> {
        let quiet = Quiet::new(&self.0)?;
        let mut terminal = &self.0;
        terminal.write_all(question.as_bytes())?;
        let line = read_line(&mut terminal, max);
        drop(quiet);
        terminal.write_all(b"\n")?;
        line
    }

    /// Asks a question that only `yes` answers in the affirmative.
    pub fn agrees(&self, question: &str) -> io::Result<bool> {
        (&self.0).write_all(question.as_bytes())?;
        let mut line = String::new();
        BufReader::new((&self.0).take(256)).read_line(&mut line)?;
        Ok(line.trim() == "yes")
    }
}

/// Reads up to the end of the line with the few editing keys that a blind line needs.
fn read_line(input: &mut impl Read, max: usize) -> io::Result<Secret> {
    let mut line = Secret::zeroed(max);
    let mut len = 0;
    loop {
        let mut byte = Secret::zeroed(1);
        if input.read(byte.as_mut())? == 0 {
            return Err(ErrorKind::Interrupted.into());
        }
        match byte.as_ref()[0] {
            b'\n' | b'\r' => break,
            INTERRUPT | END => return Err(ErrorKind::Interrupted.into()),
            KILL_LINE => len = 0,
            BACKSPACE | DELETE => len = without_last_character(&line.as_ref()[..len]),
            _ if len == max => return Err(io::Error::new(ErrorKind::InvalidInput, "too long")),
            other => {
                line.as_mut()[len] = other;
                len += 1;
            }
        }
    }
    line.truncate(len);
    Ok(line)
}

/// The length without the last UTF-8 character.
fn without_last_character(line: &[u8]) -> usize {
    line.iter().rposition(|b| b & 0b1100_0000 != 0b1000_0000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> io::Result<Vec<u8>> {
        read_line(&mut &keys[..], 8).map(|line| line.as_ref().to_vec())
    }

    #[test]
    fn a_line_ends_at_the_return_key_and_can_be_corrected() {
        assert_eq!(typed(b"1234\rrest").unwrap(), b"1234");
        assert_eq!(typed(b"1235\x7f4\n").unwrap(), b"1234");
        assert_eq!(typed("aé\x7fb\n".as_bytes()).unwrap(), b"ab");
        assert_eq!(typed(b"wrong\x151234\n").unwrap(), b"1234");
    }

    #[test]
    fn an_interrupt_the_end_of_input_and_a_line_too_long_are_no_pin() {
        assert_eq!(typed(b"12\x03").unwrap_err().kind(), ErrorKind::Interrupted);
        assert_eq!(typed(b"12").unwrap_err().kind(), ErrorKind::Interrupted);
        assert_eq!(typed(b"123456789\n").unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
