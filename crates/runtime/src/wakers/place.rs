//! How a waker is kept.

/// The number of one who waits. It tells apart those that have the same waker: futures of one task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ticket(pub(super) u64);

/// How long a waker stays and who else may wait beside it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// One of any number of waiters, each of which takes its waker back by its ticket when it gives up.
    Shared(Ticket),
    /// The place of a `poll_*` function, which cannot tell when its caller gives up: the newest waker replaces the one before.
    Polled,
}
