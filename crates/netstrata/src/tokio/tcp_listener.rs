//! The TCP listener for tasks.

use super::tcp_stream::TcpStream;
use crate::address;
use crate::admission::Request;
use crate::listening::Listening;
use runtime::Host;
use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::task::{Context, Poll};
use tcp::SocketOptions;

/// Connections that may wait to be accepted, and as many half-open ones, unless the caller says otherwise: as `tokio::net` has it.
const BACKLOG: u32 = 1024;

/// A socket that waits for connections, with the methods of `tokio::net::TcpListener`.
pub struct TcpListener {
    listening: Arc<Listening>,
}

impl TcpListener {
    /// Listens at the first of the addresses that can be had, with a backlog of 1024. Port 0 stands for any.
    ///
    /// # Errors
    /// [`AddrInUse`](io::ErrorKind::AddrInUse), [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable).
    pub async fn bind(host: &Host, addresses: impl ToSocketAddrs) -> io::Result<TcpListener> {
        TcpListener::bind_with(host, addresses, BACKLOG, SocketOptions::default())
    }

    /// The same with another backlog and with options that accepted connections have from their first segment on; it does
    /// not wait for anything. Beyond `tokio::net`.
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
            Listening::bind(host, address, backlog, options, true, false)
        })?;
        Ok(TcpListener { listening: Arc::new(listening) })
    }

    /// As [`TcpListener::bind`], but at `[::]` only calls by IPv6 are taken (RFC 3493 5.3: IPV6_V6ONLY), so that another listener may
    /// have `0.0.0.0`. Beyond `tokio::net`.
    ///
    /// # Errors
    /// Those of [`TcpListener::bind`].
    pub fn bind_v6_only(host: &Host, addresses: impl ToSocketAddrs) -> io::Result<TcpListener> {
        let options = SocketOptions::default();
        let listening =
            address::each(addresses, |address| Listening::bind(host, address, BACKLOG, options, true, true))?;
        Ok(TcpListener { listening: Arc::new(listening) })
    }

    /// Listens on every address and every port that no other listener has, on addresses of strangers too where an interface
    /// intercepts ([`Network::intercepts`](crate::Network::intercepts)). Whom a caller meant is the accepted stream's `local_addr`. Beyond `tokio::net`.
    ///
    /// # Errors
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) if another listener does so.
    pub fn bind_any(host: &Host) -> io::Result<TcpListener> {
        TcpListener::bind_any_with(host, BACKLOG, SocketOptions::default())
    }

    /// The same with another backlog, and with options that accepted connections have. Beyond `tokio::net`.
    ///
    /// # Errors
    /// Those of [`TcpListener::bind_any`].
    pub fn bind_any_with(host: &Host, backlog: u32, options: SocketOptions) -> io::Result<TcpListener> {
        let listening = Listening::bind_any(host, backlog, options, true)?;
        Ok(TcpListener { listening: Arc::new(listening) })
    }

    /// Has each call wait for a decision before its SYN is answered (true), from now on: [`TcpListener::request`] gives them. The
    /// backlog bounds how many wait; one that nobody decides on is dropped after about a minute. Beyond `tokio::net`.
    ///
    /// # Errors
    /// None while the listener exists.
    pub fn set_admission(&self, asks: bool) -> io::Result<()> {
        self.listening.set_admission(asks)
    }

    /// Waits for the next call to decide on. Dropped early, it loses none. Beyond `tokio::net`.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected) when the host has been shut down.
    pub async fn request(&self) -> io::Result<Request> {
        self.listening.requested().await
    }

    /// The host that the socket belongs to. Beyond `tokio::net`.
    pub fn host(&self) -> &Host {
        &self.listening.host
    }

    /// Waits for the next connection. Dropped early, it loses none.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected) when the host has been shut down.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (connection, remote) = self.listening.accepted().await?;
        Ok((TcpStream::new(connection), remote))
    }

    /// Polls for the next connection.
    ///
    /// # Errors
    /// Those of [`TcpListener::accept`].
    pub fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        self.listening
            .poll_accept(context)
            .map_ok(|(connection, remote)| (TcpStream::new(connection), remote))
    }

    /// Makes one of a blocking listener.
    ///
    /// # Errors
    /// None.
    pub fn from_std(listener: crate::TcpListener) -> io::Result<TcpListener> {
        let listening = listener.into_shared();
        listening.set_nonblocking(true);
        Ok(TcpListener { listening })
    }

    /// Makes a listener for threads of it, still non-blocking.
    ///
    /// # Errors
    /// None.
    pub fn into_std(self) -> io::Result<crate::TcpListener> {
        Ok(crate::TcpListener::from_shared(self.listening))
    }

    /// The address listened at.
    ///
    /// # Errors
    /// None.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.listening.address())
    }

    /// The time to live that accepted connections have.
    ///
    /// # Errors
    /// None.
    pub fn ttl(&self) -> io::Result<u32> {
        Ok(self.listening.time_to_live())
    }

    /// Sets the time to live that connections accepted from now on have, 1 to 255.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput).
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.listening.set_time_to_live(ttl)
    }
}

impl TryFrom<crate::TcpListener> for TcpListener {
    type Error = io::Error;
    fn try_from(listener: crate::TcpListener) -> io::Result<TcpListener> {
        TcpListener::from_std(listener)
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpListener").field("addr", &self.listening.address()).finish()
    }
}
