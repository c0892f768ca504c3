//! What every TCP listener of the facade stands on.

use crate::address::seen;
use crate::admission::Request;
use crate::budget;
use crate::connection::Connection;
use crate::error::{self, or_would_block};
use ::tokio::task::coop::cooperative;
use basis::Instant;
use runtime::{Awaited, Host, Until, block_on};
use stack::{BindError, Stack};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tcp::{ConnectionId, ListenerId, SocketOptions};

/// Connections that may wait to be accepted, and as many half-open ones, unless the caller says otherwise: as `std::net` has it.
pub(crate) const BACKLOG: u32 = 128;

/// A listening socket: a listener at each shard of the host. Its clones share it; the last one's drop closes it.
pub(crate) struct Listening {
    pub(crate) host: Host,
    /// By shard.
    places: Vec<Place>,
    /// Calls taken so far: each time another shard is asked first, so that none has to wait for the others.
    turns: AtomicUsize,
    address: SocketAddr,
    nonblocking: AtomicBool,
    /// The time to live given to connections as they are accepted; 0 for the listener's own.
    time_to_live: AtomicU8,
    default_time_to_live: u8,
}

/// The listener of one shard.
struct Place {
    host: Host,
    id: ListenerId,
}

type Accepted = (ConnectionId, SocketAddr);
/// Takes something from the listener of one shard.
type Take<T> = fn(&mut Stack, ListenerId) -> Poll<io::Result<T>>;

/// Listens at every shard, or at none; `listen` gets the address that the first one has chosen. The backlog is shared out.
fn listen_at_all<T: Copy>(
    host: &Host,
    backlog: u32,
    listen: impl Fn(&mut Stack, u32, Option<T>) -> Result<(ListenerId, T), BindError>,
) -> io::Result<(Vec<Place>, T)> {
    let first = host.shard(0);
    let part = backlog.div_ceil(u32::try_from(host.shard_count()).unwrap_or(1));
    let (id, chosen) = first.with(|stack, _| listen(stack, part, None)).map_err(error::bind)?;
    let mut places = vec![Place { host: first, id }];
    if host.shard_count() > 1 {
        for host in host.shards().into_iter().skip(1) {
            match host.with(|stack, _| listen(stack, part, Some(chosen))) {
                Ok((id, _)) => places.push(Place { host, id }),
                Err(error) => {
                    places.iter().for_each(Place::close);
                    return Err(error::bind(error));
                }
            }
        }
    }
    Ok((places, chosen))
}

impl Place {
    /// A future of what this listener has.
    fn until<T>(
        &self,
        take: Take<T>,
    ) -> Until<'_, impl FnMut(&mut Stack, Instant) -> Poll<io::Result<T>> + Unpin> {
        let id = self.id;
        self.host.until(Awaited::Accept(id), move |stack, _| take(stack, id))
    }

    fn close(&self) {
        let id = self.id;
        self.host.with_waking(&[Awaited::Accept(id)], |stack, now| stack.tcp_mut().close_listener(now, id));
    }
}

impl Listening {
    pub(crate) fn bind(
        host: &Host,
        address: SocketAddr,
        backlog: u32,
        options: SocketOptions,
        nonblocking: bool,
        v6_only: bool,
    ) -> io::Result<Listening> {
        let listen = |stack: &mut Stack, backlog, chosen: Option<SocketAddr>| match v6_only {
            true => stack.tcp_listen_v6_only(chosen.unwrap_or(address), backlog, options),
            false => stack.tcp_listen(chosen.unwrap_or(address), backlog, options),
        };
        let (places, address) = listen_at_all(host, backlog, listen)?;
        Ok(Listening {
            host: host.clone(),
            places,
            turns: AtomicUsize::new(0),
            address,
            nonblocking: AtomicBool::new(nonblocking),
            time_to_live: AtomicU8::new(0),
            default_time_to_live: options.time_to_live,
        })
    }

    /// Listens on every address and every port that nobody else has.
    pub(crate) fn bind_any(
        host: &Host,
        backlog: u32,
        options: SocketOptions,
        nonblocking: bool,
    ) -> io::Result<Listening> {
        let listen =
            |stack: &mut Stack, backlog, _: Option<()>| Ok((stack.tcp_listen_any(backlog, options)?, ()));
        let (places, ()) = listen_at_all(host, backlog, listen)?;
        Ok(Listening {
            host: host.clone(),
            places,
            turns: AtomicUsize::new(0),
            // Each call's addresses are told as they are, whatever their family.
            address: SocketAddr::from(([0, 0, 0, 0], 0)),
            nonblocking: AtomicBool::new(nonblocking),
            time_to_live: AtomicU8::new(0),
            default_time_to_live: options.time_to_live,
        })
    }

    pub(crate) fn set_admission(&self, asks: bool) -> io::Result<()> {
        let set = |place: &Place| place.host.with(|stack, _| stack.tcp_mut().set_admission(place.id, asks));
        let found = self.places.iter().fold(true, |found, place| found & set(place));
        if found { Ok(()) } else { Err(error::not_connected()) }
    }

    /// The shards, beginning with the one whose turn it is.
    fn in_turn(&self) -> impl Iterator<Item = &Place> {
        let count = self.places.len();
        let start = if count > 1 { self.turns.fetch_add(1, Ordering::Relaxed) % count } else { 0 };
        let (before, from) = self.places.split_at(start);
        from.iter().chain(before)
    }

    /// What a shard has now, without waiting.
    fn take_now<T>(&self, take: Take<T>) -> Poll<io::Result<(&Host, T)>> {
        for place in self.in_turn() {
            let taken = place.host.attempt(|stack, _| take(stack, place.id));
            if let Poll::Ready(result) = taken {
                return Poll::Ready(result.map(|taken| (&place.host, taken)));
            }
        }
        Poll::Pending
    }

    /// What the first shard that has something has. Dropped early, nothing is lost.
    async fn take<T>(&self, take: Take<T>) -> io::Result<(&Host, T)> {
        if let [place] = &self.places[..] {
            return place.until(take).await.map(|taken| (&place.host, taken));
        }
        // Made here and dropped with the future, by which each takes its waker back.
        let mut waiting: Vec<_> = self.in_turn().map(|place| (place, place.until(take))).collect();
        poll_fn(|context| {
            for (place, until) in &mut waiting {
                if let Poll::Ready(result) = Pin::new(until).poll(context) {
                    return Poll::Ready(result.map(|taken| (&place.host, taken)));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// The same as the listener's mode wants it.
    fn take_by_mode<T>(&self, take: Take<T>) -> io::Result<(&Host, T)> {
        or_would_block(match &self.places[..] {
            _ if self.nonblocking.load(Ordering::Relaxed) => self.take_now(take),
            [place] => {
                let taken =
                    place.host.wait(Awaited::Accept(place.id), None, |stack, _| take(stack, place.id));
                taken.map_ok(|taken| (&place.host, taken))
            }
            _ => Poll::Ready(block_on(self.take(take))),
        })
    }

    fn poll_request_of(stack: &mut Stack, id: ListenerId) -> Poll<io::Result<tcp::Request>> {
        error::poll_accept(stack.tcp_mut().poll_request(id))
    }

    /// The next call to decide on, as the listener's mode wants it.
    pub(crate) fn request(&self) -> io::Result<Request> {
        let (host, request) = self.take_by_mode(Self::poll_request_of)?;
        Ok(Request::new(host.clone(), request))
    }

    /// The same as a task.
    pub(crate) async fn requested(&self) -> io::Result<Request> {
        let (host, request) = cooperative(self.take(Self::poll_request_of)).await?;
        Ok(Request::new(host.clone(), request))
    }

    fn poll_id(stack: &mut Stack, id: ListenerId) -> Poll<io::Result<Accepted>> {
        error::poll_accept(stack.tcp_mut().accept(id)).map_ok(|connection| {
            let remote = stack.tcp().tuple(connection).map(|tuple| tuple.remote_address());
            (connection, remote.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0))))
        })
    }

    /// The connection as a socket. The new one does not inherit the listener's mode, as std has it on Linux.
    fn wrap(&self, (host, accepted): (&Host, Accepted), nonblocking: bool) -> (Connection, SocketAddr) {
        let by_v6 = self.address.is_ipv6();
        let connection = Connection::new(host.clone(), accepted.0, by_v6, nonblocking);
        let time_to_live = self.time_to_live.load(Ordering::Relaxed);
        if time_to_live != 0 {
            // It may have been reset meanwhile; reads will tell.
            let _ = connection.change_options(|options| options.time_to_live = time_to_live);
        }
        (connection, seen(accepted.1, by_v6))
    }

    /// Accepts as the listener's mode wants it.
    pub(crate) fn accept(&self) -> io::Result<(Connection, SocketAddr)> {
        Ok(self.wrap(self.take_by_mode(Self::poll_id)?, false))
    }

    /// Accepts as a task.
    pub(crate) async fn accepted(&self) -> io::Result<(Connection, SocketAddr)> {
        Ok(self.wrap(cooperative(self.take(Self::poll_id)).await?, true))
    }

    pub(crate) fn poll_accept(
        &self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<(Connection, SocketAddr)>> {
        for place in self.in_turn() {
            let id = place.id;
            let accepted =
                budget::poll(&place.host, Awaited::Accept(id), context, |stack, _| Self::poll_id(stack, id));
            if let Poll::Ready(result) = accepted {
                return Poll::Ready(result.map(|accepted| self.wrap((&place.host, accepted), true)));
            }
        }
        Poll::Pending
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn set_nonblocking(&self, nonblocking: bool) {
        self.nonblocking.store(nonblocking, Ordering::Relaxed);
    }

    pub(crate) fn set_time_to_live(&self, ttl: u32) -> io::Result<()> {
        self.time_to_live.store(crate::ttl::from_u32(ttl)?, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn time_to_live(&self) -> u32 {
        match self.time_to_live.load(Ordering::Relaxed) {
            0 => u32::from(self.default_time_to_live),
            time_to_live => u32::from(time_to_live),
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.places.iter().for_each(Place::close);
    }
}
