//! The future of everything that a task can wait for at a host.

use crate::host::{Host, Waiter};
use crate::wakers::{Awaited, Ticket};
use basis::Instant;
use stack::Stack;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Tries something again whenever what it waits for happens; made by [`Host::until`]. Dropped early, it leaves nothing behind.
#[must_use = "futures do nothing unless polled"]
pub struct Until<'a, F> {
    host: &'a Host,
    awaited: Awaited,
    attempt: F,
    /// From the first wait until the end of it.
    ticket: Option<Ticket>,
}

impl Host {
    /// A future that tries `attempt` again whenever `awaited` happens, until it is ready. Any number may wait for the same.
    pub fn until<T, F>(&self, awaited: Awaited, attempt: F) -> Until<'_, F>
    where
        F: FnMut(&mut Stack, Instant) -> Poll<io::Result<T>> + Unpin,
    {
        Until::new(self, awaited, attempt)
    }
}

impl<'a, F> Until<'a, F> {
    pub(crate) fn new(host: &'a Host, awaited: Awaited, attempt: F) -> Until<'a, F> {
        Until { host, awaited, attempt, ticket: None }
    }
}

impl<T, F> Future for Until<'_, F>
where
    F: FnMut(&mut Stack, Instant) -> Poll<io::Result<T>> + Unpin,
{
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let this = &mut *self;
        let waiter = Waiter::Shared(&mut this.ticket);
        this.host.try_or_register(this.awaited, waiter, context.waker(), &mut this.attempt)
    }
}

impl<F> Drop for Until<'_, F> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.host.remove_waker(self.awaited, ticket);
        }
    }
}

impl<F> fmt::Debug for Until<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Until").field("awaited", &self.awaited).finish_non_exhaustive()
    }
}
