//! One line that tells what is going on, where somebody can see it.

use std::io::{IsTerminal, Write, stderr};

/// The line at the bottom of the terminal; nothing if standard error is not one.
pub(crate) struct Progress {
    visible: bool,
    longest: usize,
}

impl Progress {
    pub(crate) fn new() -> Progress {
        Progress { visible: stderr().is_terminal(), longest: 0 }
    }

    /// Replaces the line.
    pub(crate) fn tell(&mut self, text: &str) {
        if self.visible {
            self.longest = self.longest.max(text.chars().count());
            // Nobody needs to know that it cannot be shown.
            let _ = write!(stderr(), "\r{text:<width$}", width = self.longest);
            let _ = stderr().flush();
        }
    }

    /// Removes the line.
    pub(crate) fn clear(&mut self) {
        if self.visible {
            let _ = write!(stderr(), "\r{:width$}\r", "", width = self.longest);
            let _ = stderr().flush();
        }
    }
}
