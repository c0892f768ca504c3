//! What every TCP listener of the facade stands on.

use crate::address::seen;
use crate::admission::Request;
use crate::connection::Connection;
use crate::error::{self, or_would_block};
use runtime::{Awaited, Host};
use stack::Stack;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll};
use tcp::{ConnectionId, ListenerId, SocketOptions};

/// Connections that may wait to be accepted, and as many half-open ones, unless the caller says otherwise: as `std::net` has it.
pub(crate) const BACKLOG: u32 = 128;

/// A listening socket. Its clones share it; the last one's drop closes it.
pub(crate) struct Listening {
    pub(crate) host: Host,
    id: ListenerId,
    address: SocketAddr,
    nonblocking: AtomicBool,
    /// The time to live given to connections as they are accepted; 0 for the listener's own.
    time_to_live: AtomicU8,
    default_time_to_live: u8,
}

type Accepted = (ConnectionId, SocketAddr);

impl Listening {
    pub(crate) fn bind(
        host: &Host,
        address: SocketAddr,
        backlog: u32,
        options: SocketOptions,
        nonblocking: bool,
        v6_only: bool,
    ) -> io::Result<Listening> {
        let listen = |stack: &mut Stack| match v6_only {
            true => stack.tcp_listen_v6_only(address, backlog, options),
            false => stack.tcp_listen(address, backlog, options),
        };
        let (id, address) = host.with(|stack, _| listen(stack)).map_err(error::bind)?;
        Ok(Listening {
            host: host.clone(),
            id,
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
        let listen = |stack: &mut Stack, _| stack.tcp_listen_any(backlog, options);
        Ok(Listening {
            host: host.clone(),
            id: host.with(listen).map_err(error::bind)?,
            // Each call's addresses are told as they are, whatever their family.
            address: SocketAddr::from(([0, 0, 0, 0], 0)),
            nonblocking: AtomicBool::new(nonblocking),
            time_to_live: AtomicU8::new(0),
            default_time_to_live: options.time_to_live,
        })
    }

    pub(crate) fn set_admission(&self, asks: bool) -> io::Result<()> {
        let found = self.host.with(|stack, _| stack.tcp_mut().set_admission(self.id, asks));
        if found { Ok(()) } else { Err(error::not_connected()) }
    }

    fn poll_request_of(stack: &mut Stack, id: ListenerId) -> Poll<io::Result<tcp::Request>> {
        error::poll_accept(stack.tcp_mut().poll_request(id))
    }

    fn ask(&self, request: tcp::Request) -> Request {
        Request::new(self.host.clone(), request)
    }

    /// The next call to decide on, as the listener's mode wants it.
    pub(crate) fn request(&self) -> io::Result<Request> {
        let attempt = |stack: &mut Stack, _| Self::poll_request_of(stack, self.id);
        let request = if self.nonblocking.load(Ordering::Relaxed) {
            self.host.attempt(attempt)
        } else {
            self.host.wait(Awaited::Accept(self.id), None, attempt)
        };
        Ok(self.ask(or_would_block(request)?))
    }

    /// The same as a task.
    pub(crate) async fn requested(&self) -> io::Result<Request> {
        let id = self.id;
        let request =
            self.host.until(Awaited::Accept(id), |stack, _| Self::poll_request_of(stack, id)).await?;
        Ok(self.ask(request))
    }

    fn poll_id(stack: &mut Stack, id: ListenerId) -> Poll<io::Result<Accepted>> {
        error::poll_accept(stack.tcp_mut().accept(id)).map_ok(|connection| {
            let remote = stack.tcp().tuple(connection).map(|tuple| tuple.remote_address());
            (connection, remote.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0))))
        })
    }

    /// The connection as a socket. The new one does not inherit the listener's mode, as std has it on Linux.
    fn wrap(&self, accepted: Accepted, nonblocking: bool) -> (Connection, SocketAddr) {
        let by_v6 = self.address.is_ipv6();
        let connection = Connection::new(self.host.clone(), accepted.0, by_v6, nonblocking);
        let time_to_live = self.time_to_live.load(Ordering::Relaxed);
        if time_to_live != 0 {
            // It may have been reset meanwhile; reads will tell.
            let _ = connection.change_options(|options| options.time_to_live = time_to_live);
        }
        (connection, seen(accepted.1, by_v6))
    }

    /// Accepts as the listener's mode wants it.
    pub(crate) fn accept(&self) -> io::Result<(Connection, SocketAddr)> {
        let attempt = |stack: &mut Stack, _| Self::poll_id(stack, self.id);
        let accepted = if self.nonblocking.load(Ordering::Relaxed) {
            self.host.attempt(attempt)
        } else {
            self.host.wait(Awaited::Accept(self.id), None, attempt)
        };
        Ok(self.wrap(or_would_block(accepted)?, false))
    }

    /// Accepts as a task.
    pub(crate) async fn accepted(&self) -> io::Result<(Connection, SocketAddr)> {
        let accepted =
            self.host.until(Awaited::Accept(self.id), |stack, _| Self::poll_id(stack, self.id)).await?;
        Ok(self.wrap(accepted, true))
    }

    pub(crate) fn poll_accept(
        &self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<(Connection, SocketAddr)>> {
        let accepted =
            self.host.poll(Awaited::Accept(self.id), context, |stack, _| Self::poll_id(stack, self.id));
        accepted.map_ok(|accepted| self.wrap(accepted, true))
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
        let id = self.id;
        self.host.with_waking(&[Awaited::Accept(id)], |stack, now| stack.tcp_mut().close_listener(now, id));
    }
}
