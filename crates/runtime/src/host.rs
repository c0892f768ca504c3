//! The handle to a running host.

use crate::state::{Shared, Then, stopped};
use crate::wakers::{Awaited, Place, Ticket};
use crate::{drain, parker::Parker};
use basis::Instant;
use stack::{AddressState, InterfaceId, Stack};
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A running host: a [`Stack`] that a thread drives over its links, or several of them, each with a part of the TCP connections
/// ([`Builder::shards`](crate::Builder::shards)).
///
/// A handle leads to one shard, a socket's to that of the socket; the builder's to the first, where everything is that is not TCP.
///
/// A clone is another handle to the same host; sockets hold one each. When the last is gone, the driver still delivers what
/// was written, for up to [`Host::LINGER`], and ends. It does so in the background: a program that is about to exit calls
/// [`Host::shutdown`] first.
pub struct Host {
    shared: Arc<Shared>,
}

/// Who waits when an attempt is pending.
pub(crate) enum Waiter<'a> {
    /// One of any number, with the ticket that it got when it waited first.
    Shared(&'a mut Option<Ticket>),
    /// The same, a thread, which may drive while it waits.
    Thread(&'a mut Option<Ticket>),
    /// The caller of a `poll_*` function.
    Polled,
}

/// How often a host's drivers did what, since it started.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    /// Rounds of the event loop.
    pub turns: u64,
    /// Times the loop went to sleep.
    pub sleeps: u64,
    /// Times an application's thread ended its sleep.
    pub alarms: u64,
    /// Times an application's thread moved frames itself, because it would have waited for the driver or had just written.
    pub led: u64,
    /// Sockets that somebody waits at now, counting each direction.
    pub waiting: usize,
    /// Frames that came to one shard and were handed to another.
    pub handed_over: u64,
    /// Frames that were lost because too many waited to be handed over.
    pub handovers_lost: u64,
}

impl Host {
    /// How long a host without handles goes on delivering.
    pub const LINGER: Duration = drain::LINGER;

    pub(crate) fn new(shared: Arc<Shared>) -> Host {
        shared.family.handles.fetch_add(1, Ordering::Relaxed);
        Host { shared }
    }

    /// The number of this handle's shard, from 0.
    pub fn shard_number(&self) -> usize {
        self.shared.number
    }

    /// How many shards the host has.
    pub fn shard_count(&self) -> usize {
        self.shared.family.count()
    }

    /// A handle to each shard, in their order. Fewer once the host has ended.
    pub fn shards(&self) -> Vec<Host> {
        if self.shared.family.is_alone() {
            return vec![self.clone()];
        }
        self.shared.shards().map(Host::new).collect()
    }

    /// A handle to the shard of this number: to this one, if there is none or it has ended.
    pub fn shard(&self, number: usize) -> Host {
        if number == self.shared.number {
            return self.clone();
        }
        self.shared.shard(number).map_or_else(|| self.clone(), Host::new)
    }

    /// A handle to the shard whose turn it is to begin a connection.
    pub fn next_shard(&self) -> Host {
        if self.shared.family.is_alone() { self.clone() } else { self.shard(self.shared.family.next()) }
    }

    /// The host's name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The host's interfaces, in the order of their adding; without the loopback.
    pub fn interfaces(&self) -> &[InterfaceId] {
        &self.shared.interfaces
    }

    /// The stack's present.
    pub fn now(&self) -> Instant {
        self.shared.clock.now()
    }

    /// Lets `act` use the stack, or this handle's shard of it, then sees to whatever that made due. The host stands still meanwhile: `act` must be short.
    #[inline]
    pub fn with<R>(&self, act: impl FnOnce(&mut Stack, Instant) -> R) -> R {
        self.shared.act(|core, now| act(&mut core.stack, now))
    }

    /// Like [`Host::with`], then wakes everybody who waits for one of `awaited`: what they wait for has changed by the
    /// application's own doing, as when one thread shuts down the direction that another one reads.
    pub fn with_waking<R>(&self, awaited: &[Awaited], act: impl FnOnce(&mut Stack, Instant) -> R) -> R {
        let mut woken = Vec::new();
        let result = self.shared.act(|core, now| {
            let result = act(&mut core.stack, now);
            for awaited in awaited {
                core.wakers.take(*awaited, &mut woken);
            }
            result
        });
        woken.into_iter().for_each(Waker::wake);
        result
    }

    /// Tries `attempt` once. If it is pending, the task of `context` is woken when `awaited` happens; of several tasks that
    /// poll for the same, the newest.
    ///
    /// # Errors
    /// Those of `attempt`, and [`io::ErrorKind::NotConnected`] when the host has been shut down.
    #[inline]
    pub fn poll<T>(
        &self,
        awaited: Awaited,
        context: &mut Context<'_>,
        attempt: impl FnOnce(&mut Stack, Instant) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        self.try_or_register(awaited, Waiter::Polled, context.waker(), attempt)
    }

    /// Blocks the thread until `attempt` is ready, trying it whenever `awaited` happens. `Poll::Pending` if that took longer
    /// than `patience`.
    pub fn wait<T>(
        &self,
        awaited: Awaited,
        patience: Option<Duration>,
        mut attempt: impl FnMut(&mut Stack, Instant) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        // The clock is read only by those who must wait.
        if let Poll::Ready(result) = self.attempt(&mut attempt) {
            return Poll::Ready(result);
        }
        let deadline = patience.and_then(|patience| std::time::Instant::now().checked_add(patience));
        let mut ticket = None;
        Parker::with(|parker| {
            loop {
                let waiter = Waiter::Thread(&mut ticket);
                let result = self.try_or_register(awaited, waiter, parker.waker(), &mut attempt);
                if result.is_ready() {
                    return result;
                }
                let woken = if awaited.arrives() { self.shared.wait_at_helm(parker, deadline) } else { None };
                if !woken.unwrap_or_else(|| parker.park(deadline)) {
                    if let Some(ticket) = ticket {
                        self.shared.remove_waker(awaited, ticket);
                    }
                    // What came in between the deadline and now counts.
                    return self.attempt(&mut attempt);
                }
            }
        })
    }

    /// Tries `attempt` once, without waiting for anything.
    #[inline]
    pub fn attempt<T>(
        &self,
        attempt: impl FnOnce(&mut Stack, Instant) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        self.shared.act_if(Then::Drive, |core, now| match attempt(&mut core.stack, now) {
            Poll::Pending if core.stopped => (Poll::Ready(Err(stopped())), false),
            Poll::Pending => (Poll::Pending, false),
            result => (result, true),
        })
    }

    /// Tries `attempt`, and registers `waiter` if it is pending; once it is ready, nothing of `waiter` is left.
    #[inline]
    pub(crate) fn try_or_register<T>(
        &self,
        awaited: Awaited,
        waiter: Waiter<'_>,
        waker: &Waker,
        attempt: impl FnOnce(&mut Stack, Instant) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let (mut displaced, mut recalled) = (None, false);
        let result = self.shared.act_if(Then::Wake, |core, now| {
            let (result, acted) = match attempt(&mut core.stack, now) {
                Poll::Pending
                    if (core.stopped || core.severed.is_some())
                        && let Some(error) = core.in_vain(awaited) =>
                {
                    (Poll::Ready(Err(error)), false)
                }
                Poll::Pending => {
                    // Under the same lock as the attempt: nothing happens in between.
                    let place = match waiter {
                        Waiter::Polled => Place::Polled,
                        Waiter::Shared(ticket) => {
                            Place::Shared(*ticket.get_or_insert_with(|| core.wakers.ticket()))
                        }
                        Waiter::Thread(ticket) => {
                            if ticket.is_none() && awaited.arrives() {
                                core.lead.on_wait(now);
                            }
                            if awaited.is_room() {
                                core.lead.forget();
                                recalled = core.lead.recall();
                            }
                            let ticket = *ticket.get_or_insert_with(|| core.wakers.ticket());
                            displaced = core.wakers.add(awaited, Place::Shared(ticket), waker);
                            return (Poll::Pending, false);
                        }
                    };
                    // A task cannot drive: somebody must while it waits.
                    recalled = core.lead.recall();
                    displaced = core.wakers.add(awaited, place, waker);
                    return (Poll::Pending, false);
                }
                ready => (ready, true),
            };
            if let Waiter::Shared(ticket) | Waiter::Thread(ticket) = waiter
                && let Some(ticket) = ticket.take()
            {
                displaced = core.wakers.remove(awaited, ticket);
            }
            (result, acted)
        });
        drop(displaced);
        if recalled {
            self.shared.baton.notify_one();
        }
        result
    }

    pub(crate) fn remove_waker(&self, awaited: Awaited, ticket: Ticket) {
        self.shared.remove_waker(awaited, ticket);
    }

    /// Blocks until every one of `addresses` may be used: until its probing is over (RFC 5227).
    ///
    /// # Errors
    /// [`io::ErrorKind::AddrInUse`] if another station has one of them, [`io::ErrorKind::AddrNotAvailable`] if the host has
    /// not, [`io::ErrorKind::TimedOut`] if it took longer than `patience`.
    pub fn wait_address(&self, addresses: &[IpAddr], patience: Duration) -> io::Result<()> {
        let first = self.shard(0);
        match first.wait(Awaited::Address, Some(patience), |stack, _| addresses_ready(stack, addresses)) {
            Poll::Ready(result) => {
                first.tell_others();
                result
            }
            Poll::Pending => {
                Err(io::Error::new(io::ErrorKind::TimedOut, "probing for the address took too long"))
            }
        }
    }

    /// Like [`Host::wait_address`], for a task; without bound, as a task has timers of its own.
    ///
    /// # Errors
    /// Those of [`Host::wait_address`] but for the time-out.
    pub async fn address_ready(&self, addresses: &[IpAddr]) -> io::Result<()> {
        let first = self.shard(0);
        first.until(Awaited::Address, |stack, _| addresses_ready(stack, addresses)).await?;
        first.tell_others();
        Ok(())
    }

    /// Sees to it that the other shards know what this one, the first, knows: the driver may be just about to tell them.
    fn tell_others(&self) {
        if !self.shared.family.is_alone() {
            let surroundings = self.shared.lock().stack.surroundings();
            self.shared.share(&surroundings);
        }
    }

    /// Waits until no connection has anything left to deliver, for up to `patience`, then stops the host: afterwards sockets
    /// report [`io::ErrorKind::NotConnected`]. Connections that are still open are not closed by this and count as delivered
    /// once all that was written has been acknowledged. Returns whether everything was delivered.
    ///
    /// It blocks: a task calls it by way of its runtime's means for that.
    pub fn shutdown(&self, patience: Duration) -> bool {
        let mut shards: Vec<Arc<Shared>> = self.shared.shards().collect();
        let drained = drain::wait(&shards, patience);
        // The first may have the device of all: it goes last.
        while let Some(shard) = shards.pop() {
            shard.act(|core, _| core.stop = true);
            shard.wait_for_end();
        }
        drained
    }

    /// Waits until no link of the host is left, all having broken for good, and tells why in one line. Connections to others end with the
    /// same error, of the kind [`io::ErrorKind::NetworkDown`], for who waits on them. A host that has been shut down tells that.
    pub async fn severed(&self) -> io::Error {
        let first = self.shard(0);
        let never = |_: &mut Stack, _: Instant| Poll::<io::Result<Infallible>>::Pending;
        match first.until(Awaited::Address, never).await {
            Err(error) => error,
            Ok(never) => match never {},
        }
    }

    /// Whether the host has been stopped.
    pub fn is_stopped(&self) -> bool {
        self.shared.lock().stopped
    }

    /// Why links broke for good, one line each, in their order of failing.
    pub fn link_failures(&self) -> Vec<String> {
        self.shared.shards().flat_map(|shard| shard.lock().link_failures.all()).collect()
    }

    /// What the drivers of all shards did so far.
    pub fn statistics(&self) -> Statistics {
        let (handed_over, handovers_lost) = self.shared.family.handed_over();
        let mut sum = Statistics { handed_over, handovers_lost, ..Statistics::default() };
        for shard in self.shared.shards() {
            sum.waiting += shard.lock().wakers.len();
            sum.turns += shard.turns.load(Ordering::Relaxed);
            sum.sleeps += shard.sleeps.load(Ordering::Relaxed);
            sum.alarms += shard.bell.rings();
            sum.led += shard.led.load(Ordering::Relaxed);
        }
        sum
    }
}

fn addresses_ready(stack: &Stack, addresses: &[IpAddr]) -> Poll<io::Result<()>> {
    let mut result = Poll::Ready(Ok(()));
    for &address in addresses {
        match stack.address_state(address) {
            Some(AddressState::Assigned) => {}
            Some(AddressState::Probing) => result = Poll::Pending,
            Some(AddressState::Conflict(station)) => {
                let message = format!("the address {address} is in use by {station}");
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::AddrInUse, message)));
            }
            Some(AddressState::Expired) | None => {
                let message = format!("the host has no address {address}");
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::AddrNotAvailable, message)));
            }
        }
    }
    result
}

impl Clone for Host {
    #[inline]
    fn clone(&self) -> Host {
        Host::new(Arc::clone(&self.shared))
    }
}

impl Drop for Host {
    #[inline]
    fn drop(&mut self) {
        if self.shared.family.handles.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Asleep, awake or ended: each looks at the number of handles whenever it wakes.
            self.shared.shards().for_each(|shard| shard.wake_driver());
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("name", &self.shared.name).finish_non_exhaustive()
    }
}
