//! What goes to standard output: text, tables, JSON. Labels, and what errors quote, come from whoever may write a token,
//! so nothing in them reaches a terminal as a control sequence.

use crate::failure::Failure;
use comfy_table::{Table, presets};
use serde::Serialize;
use std::io::{self, ErrorKind, Write};

/// Writes text.
pub fn print(text: &str) -> Result<(), Failure> {
    raw(text.as_bytes())
}

/// Writes bytes as they are; a reader that has seen enough (`| head`) is no failure.
pub fn raw(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("standard output: {error}").into()),
        _ => Ok(()),
    }
}

/// Writes text to standard error, where the answer itself is for a program.
pub fn aside(text: &str) -> Result<(), Failure> {
    io::stderr().write_all(text.as_bytes()).map_err(|e| format!("standard error: {e}").into())
}

/// Writes a value as JSON, one line end after it.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|e| format!("JSON: {e}"))?;
    print(&(text + "\n"))
}

/// A table without frames: a line of headings, then the rows. Empty without rows.
pub fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(head).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt() + "\n"
}

/// Lines of "name: value", the values under each other, each line after `indent` spaces.
pub fn fields(indent: usize, fields: &[(&str, String)]) -> String {
    let width = fields.iter().map(|(name, _)| name.len() + 1).max().unwrap_or(0);
    let line = |(name, value): &(&str, String)| format!("{:indent$}{:width$} {value}\n", "", format!("{name}:"));
    fields.iter().map(line).collect()
}

/// Text of others, with everything that a terminal would obey made visible.
pub fn plain(text: &str) -> String {
    text.chars()
        .flat_map(|c| match c.is_control() {
            true => c.escape_default().collect::<Vec<_>>(),
            false => vec![c],
        })
        .collect()
}

/// The same of a text that may have several lines.
pub fn plain_lines(text: &str) -> String {
    text.split('\n').map(plain).collect::<Vec<_>>().join("\n")
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// `yes` or `no`.
pub fn yes(so: bool) -> String {
    if so { "yes".into() } else { "no".into() }
}

/// A word quoted for a shell if it must be.
pub fn shell_word(word: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "/._-:=,+@%".contains(c);
    match !word.is_empty() && word.chars().all(harmless) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_move_the_cursor() {
        assert_eq!(plain("a\u{1b}[2Jé"), "a\\u{1b}[2Jé");
        assert_eq!(plain_lines("a\r\nb\u{1b}\n"), "a\\r\nb\\u{1b}\n");
    }

    #[test]
    fn a_shell_reads_back_the_word_that_was_quoted() {
        assert_eq!(shell_word("swtpm:path=/run/x/sock"), "swtpm:path=/run/x/sock");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
    }

    #[test]
    fn a_table_has_no_frame_and_no_spaces_at_line_ends() {
        let text = table(&["A", "B"], vec![vec!["1".into(), "2".into()]]);
        assert_eq!(text, "A  B\n1  2\n");
    }
}
