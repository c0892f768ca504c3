//! The blocking TCP listener.

use crate::address;
use crate::admission::Request;
use crate::listening::{BACKLOG, Listening};
use crate::tcp_stream::TcpStream;
use runtime::Host;
use std::fmt;
use std::io;
use std::iter::FusedIterator;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use tcp::SocketOptions;

/// A socket that waits for connections, with the methods, semantics and errors of [`std::net::TcpListener`].
///
/// Its example is with [`TcpStream`].
pub struct TcpListener {
    listening: Arc<Listening>,
}

impl TcpListener {
    pub(crate) fn from_shared(listening: Arc<Listening>) -> TcpListener {
        TcpListener { listening }
    }

    pub(crate) fn into_shared(self) -> Arc<Listening> {
        self.listening
    }

    /// Listens at the first of the addresses that can be had, with a backlog of 128. Port 0 stands for any.
    ///
    /// # Errors
    /// [`AddrInUse`](io::ErrorKind::AddrInUse), [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable).
    pub fn bind(host: &Host, addresses: impl ToSocketAddrs) -> io::Result<TcpListener> {
        TcpListener::bind_with_backlog(host, addresses, BACKLOG)
    }

    /// The same with another backlog: so many connections may wait to be accepted, and so many may be half-open. Beyond `std::net`.
    ///
    /// # Errors
    /// Those of [`TcpListener::bind`].
    pub fn bind_with_backlog(
        host: &Host,
        addresses: impl ToSocketAddrs,
        backlog: u32,
    ) -> io::Result<TcpListener> {
        TcpListener::bind_with(host, addresses, backlog, SocketOptions::default())
    }

    /// The same with options that accepted connections have from their first segment on. Beyond `std::net`.
    ///
    /// # Errors
    /// Those of [`TcpListener::bind`].
    pub fn bind_with(
        host: &Host,
        addresses: impl ToSocketAddrs,
        backlog: u32,
        options: SocketOptions,
    ) -> io::Result<TcpListener> {
        let listening = address::each(addresses, |address| {
            Listening::bind(host, address, backlog, options, false, false)
        })?;
        Ok(TcpListener { listening: Arc::new(listening) })
    }

    /// The same, but at `[::]` only calls by IPv6 are taken (RFC 3493 5.3: IPV6_V6ONLY), so that another listener may have
    /// `0.0.0.0`. Beyond `std::net`.
    ///
    /// # Errors
    /// Those of [`TcpListener::bind`].
    pub fn bind_v6_only(host: &Host, addresses: impl ToSocketAddrs) -> io::Result<TcpListener> {
        let options = SocketOptions::default();
        let listening = address::each(addresses, |address| {
            Listening::bind(host, address, BACKLOG, options, false, true)
        })?;
        Ok(TcpListener { listening: Arc::new(listening) })
    }

    /// Listens on every address and every port that no other listener has, on addresses of strangers too where an interface
    /// intercepts ([`Network::intercepts`](crate::Network::intercepts)). Whom a caller meant is the accepted stream's `local_addr`. Beyond `std::net`.
    ///
    /// # Errors
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) if another listener does so.
    pub fn bind_any(host: &Host) -> io::Result<TcpListener> {
        TcpListener::bind_any_with(host, BACKLOG, SocketOptions::default())
    }

    /// The same with another backlog, and with options that accepted connections have. Beyond `std::net`.
    ///
    /// # Errors
    /// Those of [`TcpListener::bind_any`].
    pub fn bind_any_with(host: &Host, backlog: u32, options: SocketOptions) -> io::Result<TcpListener> {
        let listening = Listening::bind_any(host, backlog, options, false)?;
        Ok(TcpListener { listening: Arc::new(listening) })
    }

    /// Has each call wait for a decision before its SYN is answered (true), from now on: [`TcpListener::request`] gives them. The
    /// backlog bounds how many wait; one that nobody decides on is dropped after about a minute. Beyond `std::net`.
    ///
    /// # Errors
    /// None while the listener exists.
    pub fn set_admission(&self, asks: bool) -> io::Result<()> {
        self.listening.set_admission(asks)
    }

    /// Waits for the next call to decide on. Beyond `std::net`.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) on a non-blocking socket.
    pub fn request(&self) -> io::Result<Request> {
        self.listening.request()
    }

    /// The host that the socket belongs to. Beyond `std::net`.
    pub fn host(&self) -> &Host {
        &self.listening.host
    }

    /// The address listened at.
    ///
    /// # Errors
    /// None.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.listening.address())
    }

    /// Another handle to the same socket.
    ///
    /// # Errors
    /// None.
    pub fn try_clone(&self) -> io::Result<TcpListener> {
        Ok(TcpListener { listening: Arc::clone(&self.listening) })
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) on a non-blocking socket.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (connection, remote) = self.listening.accept()?;
        Ok((TcpStream::new(connection), remote))
    }

    /// All connections as they come.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// All connections as they come; the iterator keeps the listener.
    pub fn into_incoming(self) -> IntoIncoming {
        IntoIncoming { listener: self }
    }

    /// Sets the time to live that connections accepted from now on have, 1 to 255.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput).
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.listening.set_time_to_live(ttl)
    }

    /// The time to live that accepted connections have.
    ///
    /// # Errors
    /// None.
    pub fn ttl(&self) -> io::Result<u32> {
        Ok(self.listening.time_to_live())
    }

    /// Takes the listener's error. It has none: what fails is a connection.
    ///
    /// # Errors
    /// None.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        Ok(None)
    }

    /// Makes [`TcpListener::accept`] return [`WouldBlock`](io::ErrorKind::WouldBlock) instead of waiting, for all clones.
    ///
    /// # Errors
    /// None.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.listening.set_nonblocking(nonblocking);
        Ok(())
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpListener").field("addr", &self.listening.address()).finish()
    }
}

/// The connections of a [`TcpListener`]; made by [`TcpListener::incoming`]. It never ends.
#[derive(Debug)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn next(&mut self) -> Option<io::Result<TcpStream>> {
        Some(self.listener.accept().map(|(stream, _)| stream))
    }
}

impl FusedIterator for Incoming<'_> {}

/// The connections of a [`TcpListener`]; made by [`TcpListener::into_incoming`]. It never ends.
#[derive(Debug)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct IntoIncoming {
    listener: TcpListener,
}

impl Iterator for IntoIncoming {
    type Item = io::Result<TcpStream>;

    fn next(&mut self) -> Option<io::Result<TcpStream>> {
        Some(self.listener.accept().map(|(stream, _)| stream))
    }
}

impl FusedIterator for IntoIncoming {}
