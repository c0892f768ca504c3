//! What one task may do before others have their turn: tokio's budget, which its own sockets spend as well.
//!
//! A socket can be ready as often as it is polled, while its peer keeps up with the task. Without a budget such a task would keep its
//! thread for itself. On other executors, and where a thread blocks, there is none, and nothing is spent.

use ::tokio::task::coop::{Coop, cooperative, poll_proceed};
use basis::Instant;
use runtime::{Awaited, Host, Until};
use stack::Stack;
use std::io;
use std::task::{Context, Poll, ready};

/// [`Host::poll`] for a task: what is ready costs a part of the budget; without any left, the task has to come again.
#[inline]
pub(crate) fn poll<T>(
    host: &Host,
    awaited: Awaited,
    context: &mut Context<'_>,
    attempt: impl FnOnce(&mut Stack, Instant) -> Poll<io::Result<T>>,
) -> Poll<io::Result<T>> {
    let turn = ready!(poll_proceed(context));
    let result = host.poll(awaited, context, attempt);
    if result.is_ready() {
        turn.made_progress();
    }
    result
}

/// [`Host::until`] for a task, in the same way. Not for a thread that blocks: nobody would call it again.
pub(crate) fn until<T, F>(host: &Host, awaited: Awaited, attempt: F) -> Coop<Until<'_, F>>
where
    F: FnMut(&mut Stack, Instant) -> Poll<io::Result<T>> + Unpin,
{
    cooperative(host.until(awaited, attempt))
}
