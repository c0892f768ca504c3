//! The terminal is left as it was found, even if the call ends while a line is being typed.

use std::io::{Write, stdin, stdout};
use std::sync::Mutex;

use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};

static FOUND: Mutex<Option<Termios>> = Mutex::new(None);

/// Remembers how the terminal is set.
pub(crate) fn remember() {
    if let (Ok(mut found), Ok(settings)) = (FOUND.lock(), tcgetattr(stdin())) {
        *found = Some(settings);
    }
}

/// Sets the terminal as it was remembered, if it was.
pub(crate) fn restore() {
    if let Ok(mut found) = FOUND.lock()
        && let Some(settings) = found.take()
    {
        // The terminal may be gone, and then nobody sees how it is set.
        let _ = tcsetattr(stdin(), SetArg::TCSADRAIN, &settings);
        let _ = writeln!(stdout());
    }
}
