//! Why a script failed.

use std::fmt;

/// The line that failed, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The line, counted from 1; 0 if it is none's fault.
    pub line: u32,
    /// What was expected and what came instead.
    pub message: String,
}

impl Failure {
    pub(crate) fn at(line: u32, message: impl Into<String>) -> Failure {
        Failure { line, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.message)
    }
}

impl std::error::Error for Failure {}
