//! The files of vectors: `name = value` lines, an empty line after each vector, comments behind `#`.

use kit::{Result, ck, hex};
use std::fmt::{Display, Formatter};

/// One vector.
pub struct Vector {
    place: String,
    lines: Vec<(String, String)>,
}

/// The vectors of a file.
pub fn vectors(file: &str, text: &str) -> Vec<Vector> {
    let mut vectors = Vec::new();
    let mut lines = Vec::new();
    for (number, line) in text.lines().chain([""]).enumerate() {
        if let Some((name, value)) = line.split_once(" =").filter(|_| !line.starts_with('#')) {
            lines.push((name.to_owned(), value.trim().to_owned()));
        } else if !lines.is_empty() && line.is_empty() {
            vectors.push(Vector {
                place: format!("{file}, before line {}", number + 1),
                lines: std::mem::take(&mut lines),
            });
        }
    }
    vectors
}

impl Vector {
    /// What stands behind a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.lines.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The same, where it has to be.
    #[track_caller]
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_else(|| panic!("{self}: no {name}"))
    }

    /// Hexadecimal digits; nothing where the name is not there.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        hex(self.get(name).unwrap_or_default())
    }

    /// A decimal number.
    #[track_caller]
    pub fn number(&self, name: &str) -> ck::CK_ULONG {
        self.text(name).parse().unwrap_or_else(|_| panic!("{self}: {name} is not a number"))
    }

    /// Compares what came out with what should have.
    #[track_caller]
    pub fn is(&self, expected: &[u8], found: Result<Vec<u8>>) {
        assert_eq!(found.as_deref(), Ok(expected), "{self}");
    }
}

impl Display for Vector {
    fn fmt(&self, to: &mut Formatter<'_>) -> std::fmt::Result {
        write!(to, "{} ({})", self.place, self.get("mechanism").unwrap_or("no mechanism"))
    }
}
