//! How long calls wait.

use std::time::Duration;

/// How long a call waits for what it wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Patience {
    /// Not at all.
    None,
    /// So long.
    For(Duration),
    /// As long as it takes.
    Endless,
}
