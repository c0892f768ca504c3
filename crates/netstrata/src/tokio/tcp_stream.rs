//! The TCP stream for tasks.

use crate::address;
use crate::connection::Connection;
use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use bytes::BufMut;
use runtime::Host;
use std::fmt;
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::net::{Shutdown, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tcp::{Info, SocketOptions};

/// A TCP connection to another host, with the methods of `tokio::net::TcpStream`.
///
/// Dropping it closes it: what was written is still delivered, in the background, as long as the program runs.
pub struct TcpStream {
    pub(crate) connection: Arc<Connection>,
}

impl TcpStream {
    pub(super) fn new(connection: Connection) -> TcpStream {
        TcpStream { connection: Arc::new(connection) }
    }

    /// Opens a connection, trying each address in turn.
    ///
    /// # Errors
    /// Those of [`crate::TcpStream::connect`].
    pub async fn connect(host: &Host, addresses: impl ToSocketAddrs) -> io::Result<TcpStream> {
        // Collected first: the iterator of a caller's type need not be `Send`.
        let addresses: Vec<SocketAddr> = addresses.to_socket_addrs()?.collect();
        let mut last = None;
        for remote in addresses {
            match TcpStream::open(host, None, remote, None).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(address::none))
    }

    /// Opens a connection and writes all of `data`, the first bytes of it with the SYN if the peer has given this host a cookie before
    /// (TCP Fast Open, RFC 7413); see [`crate::TcpStream::connect_with_data`]. Beyond `tokio::net`.
    ///
    /// # Errors
    /// Those of [`crate::TcpStream::connect`], and of a write.
    pub async fn connect_with_data(
        host: &Host,
        addresses: impl ToSocketAddrs,
        data: &[u8],
    ) -> io::Result<TcpStream> {
        let addresses: Vec<SocketAddr> = addresses.to_socket_addrs()?.collect();
        let mut last = None;
        for remote in addresses {
            match TcpStream::open_with_data(host, remote, data).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(address::none))
    }

    async fn open_with_data(host: &Host, remote: SocketAddr, data: &[u8]) -> io::Result<TcpStream> {
        let (connection, taken) = Connection::begin_with_data(host, remote, data, true)?;
        connection.connected().await?;
        let mut stream = TcpStream::new(connection);
        let mut rest = data.get(taken..).unwrap_or_default();
        while !rest.is_empty() {
            match poll_fn(|context| Pin::new(&mut stream).poll_write(context, rest)).await? {
                0 => return Err(ErrorKind::WriteZero.into()),
                written => rest = rest.get(written..).unwrap_or_default(),
            }
        }
        Ok(stream)
    }

    /// Opens a connection with everything that may be said of it: the local address (port 0: any) and the options it has
    /// from the first segment on. Beyond `tokio::net`.
    ///
    /// # Errors
    /// Those of [`crate::TcpStream::open`].
    pub async fn open(
        host: &Host,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        options: Option<SocketOptions>,
    ) -> io::Result<TcpStream> {
        let connection = Connection::begin(host, local, remote, options, true)?;
        connection.connected().await?;
        Ok(TcpStream::new(connection))
    }

    /// The host that the socket belongs to. Beyond `tokio::net`.
    pub fn host(&self) -> &Host {
        &self.connection.host
    }

    /// Makes one of a blocking stream.
    ///
    /// # Errors
    /// None.
    pub fn from_std(stream: crate::TcpStream) -> io::Result<TcpStream> {
        let connection = stream.into_shared();
        connection.set_nonblocking(true);
        Ok(TcpStream { connection })
    }

    /// Makes a stream for threads of it, still non-blocking.
    ///
    /// # Errors
    /// None.
    pub fn into_std(self) -> io::Result<crate::TcpStream> {
        Ok(crate::TcpStream::from_shared(self.connection))
    }

    /// This side's address.
    ///
    /// # Errors
    /// [`NotConnected`](ErrorKind::NotConnected).
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.connection.local_address()
    }

    /// The peer's address. It is told after the connection's end, too, where Linux would say that there is none.
    ///
    /// # Errors
    /// [`NotConnected`](ErrorKind::NotConnected).
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.connection.remote_address()
    }

    /// Takes the error that the connection has failed with.
    ///
    /// # Errors
    /// None.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.connection.take_error()
    }

    /// Reads without taking out what is read.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.connection.peeked(buffer).await
    }

    /// Polls for something to peek at.
    ///
    /// # Errors
    /// Those of a read.
    pub fn poll_peek(&self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        self.connection.poll_peek(context, buffer.initialize_unfilled()).map_ok(|length| {
            buffer.advance(length);
            length
        })
    }

    /// Reads what is there.
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock) if nothing is, and those of a read.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.connection.try_read(buffer)
    }

    /// Reads what is there into several buffers.
    ///
    /// # Errors
    /// Those of [`TcpStream::try_read`].
    pub fn try_read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.connection.try_read_vectored(buffers)
    }

    /// Reads what is there into the free room of `buffer`, up to 16 KiB at once. It copies once more than
    /// [`TcpStream::try_read`].
    ///
    /// # Errors
    /// Those of [`TcpStream::try_read`].
    pub fn try_read_buf<B: BufMut>(&self, buffer: &mut B) -> io::Result<usize> {
        let mut bytes = [0; 16 * 1024];
        let room = buffer.chunk_mut().len().min(bytes.len());
        let length = self.connection.try_read(&mut bytes[..room])?;
        buffer.put_slice(&bytes[..length]);
        Ok(length)
    }

    /// Writes as much as there is room for.
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock) if there is none, and those of a write.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.connection.try_write(bytes)
    }

    /// Writes as much of several buffers as there is room for.
    ///
    /// # Errors
    /// Those of [`TcpStream::try_write`].
    pub fn try_write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        self.connection.try_write_vectored(buffers)
    }

    /// The connection's inside: state, queues, round-trip time, windows. Beyond `tokio::net`.
    ///
    /// # Errors
    /// [`NotConnected`](ErrorKind::NotConnected).
    pub fn info(&self) -> io::Result<Info> {
        self.connection.info()
    }

    /// Ends the connection with a RST. Beyond `tokio::net`.
    pub fn abort(&self) {
        self.connection.abort();
    }

    /// Another handle to the same socket, for the other half.
    pub(super) fn share(&self) -> TcpStream {
        TcpStream { connection: Arc::clone(&self.connection) }
    }

    pub(super) fn is_same(&self, other: &TcpStream) -> bool {
        Arc::ptr_eq(&self.connection, &other.connection)
    }

    #[inline]
    pub(super) fn read_into(
        &self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        self.connection
            .poll_read(context, buffer.initialize_unfilled())
            .map_ok(|length| buffer.advance(length))
    }

    #[inline]
    pub(super) fn write_from(&self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.connection.poll_write(context, bytes)
    }

    pub(super) fn write_from_many(
        &self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.connection.poll_write_vectored(context, slices)
    }

    /// Sends the FIN after what was written. Doing so twice, or after a failure, is no error: the end is reached either way.
    pub(super) fn close_write(&self) -> io::Result<()> {
        match self.connection.shutdown(Shutdown::Write) {
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
            result => result,
        }
    }
}

impl AsyncRead for TcpStream {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.read_into(context, buffer)
    }
}

impl AsyncWrite for TcpStream {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.write_from(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write_from_many(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Does nothing: there is no buffer before the send queue.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Sends the FIN after what was written; reading goes on.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.close_write())
    }
}

impl TryFrom<crate::TcpStream> for TcpStream {
    type Error = io::Error;
    fn try_from(stream: crate::TcpStream) -> io::Result<TcpStream> {
        TcpStream::from_std(stream)
    }
}

impl AsRef<TcpStream> for TcpStream {
    fn as_ref(&self) -> &TcpStream {
        self
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("TcpStream");
        if let (Ok(local), Ok(peer)) = (self.local_addr(), self.peer_addr()) {
            debug.field("addr", &local).field("peer", &peer);
        }
        debug.finish()
    }
}
