//! What OpenSSL says when it fails. Never because of what a user typed: those cases are told apart by the callers.

use openssl::error::ErrorStack;
use std::fmt;

/// OpenSSL's error queue as text.
#[derive(Debug)]
pub struct Error(String);

/// The result of everything here.
pub type Result<T> = std::result::Result<T, Error>;

impl From<ErrorStack> for Error {
    fn from(stack: ErrorStack) -> Self {
        let text = stack.to_string();
        Error(if text.is_empty() { "no reason given".into() } else { text })
    }
}

impl From<&str> for Error {
    fn from(text: &str) -> Self {
        Error(text.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}
