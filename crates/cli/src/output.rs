//! What a command has to say on standard output.

use std::io::{self, ErrorKind, Write};

use crate::failure::Failure;

/// Prints at once. False if somebody has closed our output: whoever did has seen enough, and that is no failure.
pub(crate) fn print(text: &str) -> Result<bool, Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(unwritten(&error)),
    }
}

/// What it means that standard output takes nothing.
pub(crate) fn unwritten(error: &io::Error) -> Failure {
    Failure::new(format!("cannot write to standard output: {error}"), "see where it leads")
}
