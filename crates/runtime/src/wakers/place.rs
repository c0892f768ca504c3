//! How a waker is kept.

/// How long a waker stays and who else may wait beside it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// One of any number of waiters, each of which takes its waker back when it gives up.
    Shared,
    /// The place of a `poll_*` function, which cannot tell when its caller gives up: the newest waker replaces the one before.
    Polled,
}
