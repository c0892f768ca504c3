//! The blocking TCP stream.

use crate::address;
use crate::connection::Connection;
use crate::error::invalid_input;
use runtime::Host;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use tcp::{Info, SocketOptions, WriteMarks};

/// A TCP connection to another host, with the methods, semantics and errors of [`std::net::TcpStream`].
///
/// Dropping the last clone closes it: what was written is still delivered, in the background, as long as the program runs.
///
/// ```
/// use netstrata::{Host, TcpListener, TcpStream};
/// use std::io::{Read, Write};
/// let host = Host::builder().start()?;
/// let listener = TcpListener::bind(&host, "127.0.0.1:7")?;
/// let mut client = TcpStream::connect(&host, "127.0.0.1:7")?;
/// let (mut server, _) = listener.accept()?;
/// client.write_all(b"hello")?;
/// let mut bytes = [0; 5];
/// server.read_exact(&mut bytes)?;
/// assert_eq!(&bytes, b"hello");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct TcpStream {
    pub(crate) connection: Arc<Connection>,
}

impl TcpStream {
    pub(crate) fn new(connection: Connection) -> TcpStream {
        TcpStream { connection: Arc::new(connection) }
    }

    pub(crate) fn from_shared(connection: Arc<Connection>) -> TcpStream {
        TcpStream { connection }
    }

    pub(crate) fn into_shared(self) -> Arc<Connection> {
        self.connection
    }

    /// Opens a connection, trying each address in turn.
    ///
    /// # Errors
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused), [`TimedOut`](io::ErrorKind::TimedOut),
    /// [`NetworkUnreachable`](io::ErrorKind::NetworkUnreachable), [`HostUnreachable`](io::ErrorKind::HostUnreachable),
    /// [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable), [`InvalidInput`](io::ErrorKind::InvalidInput).
    pub fn connect(host: &Host, addresses: impl ToSocketAddrs) -> io::Result<TcpStream> {
        address::each(addresses, |remote| TcpStream::open(host, None, remote, None, None))
    }

    /// Opens a connection and writes all of `data`, the first bytes of it with the SYN if the peer has given this host a cookie before
    /// (TCP Fast Open, RFC 7413): its answer then comes a round trip earlier. The first connection to a peer asks for the cookie. The
    /// peer may get `data` twice if packets are lost, so it is for requests that bear that. Beyond `std::net`.
    ///
    /// ```
    /// use netstrata::{Host, TcpListener, TcpStream};
    /// use std::io::Read;
    /// let host = Host::builder().start()?;
    /// let listener = TcpListener::bind(&host, "127.0.0.1:80")?;
    /// let client = TcpStream::connect_with_data(&host, "127.0.0.1:80", b"GET / HTTP/1.0\r\n\r\n")?;
    /// let (mut server, _) = listener.accept()?;
    /// let mut request = [0; 18];
    /// server.read_exact(&mut request)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`TcpStream::connect`], and of a write.
    pub fn connect_with_data(
        host: &Host,
        addresses: impl ToSocketAddrs,
        data: &[u8],
    ) -> io::Result<TcpStream> {
        address::each(addresses, |remote| {
            let (connection, taken) = Connection::begin_with_data(host, remote, data, false)?;
            connection.wait_connected(None)?;
            let mut stream = TcpStream::new(connection);
            stream.write_all(data.get(taken..).unwrap_or_default())?;
            Ok(stream)
        })
    }

    /// Opens a connection, for up to `timeout`.
    ///
    /// # Errors
    /// Those of [`TcpStream::connect`], and [`InvalidInput`](io::ErrorKind::InvalidInput) for a time-out of zero.
    pub fn connect_timeout(host: &Host, address: &SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        if timeout.is_zero() {
            return Err(invalid_input("cannot set a 0 duration timeout"));
        }
        TcpStream::open(host, None, *address, None, Some(timeout))
    }

    /// Opens a connection with everything that may be said of it: the local address (port 0: any), the options it has from
    /// the first segment on, and how long to wait. Beyond `std::net`.
    ///
    /// # Errors
    /// Those of [`TcpStream::connect`], and [`AddrInUse`](io::ErrorKind::AddrInUse) for a local address in use.
    pub fn open(
        host: &Host,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        options: Option<SocketOptions>,
        timeout: Option<Duration>,
    ) -> io::Result<TcpStream> {
        let connection = Connection::begin(host, local, remote, options, false)?;
        connection.wait_connected(timeout)?;
        Ok(TcpStream::new(connection))
    }

    /// The host that the socket belongs to. Beyond `std::net`.
    pub fn host(&self) -> &Host {
        &self.connection.host
    }

    /// The peer's address. It is told after the connection's end, too, where Linux would say that there is none.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.connection.remote_address()
    }

    /// This side's address.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.connection.local_address()
    }

    /// Closes one direction or both: [`Shutdown::Write`] sends the FIN once everything written has gone.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.connection.shutdown(how)
    }

    /// Another handle to the same socket.
    ///
    /// # Errors
    /// None.
    pub fn try_clone(&self) -> io::Result<TcpStream> {
        Ok(TcpStream { connection: Arc::clone(&self.connection) })
    }

    /// Sets how long a read waits before it says [`WouldBlock`](io::ErrorKind::WouldBlock); `None` for ever.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for zero.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.connection.read_patience.set(timeout)
    }

    /// Sets how long a write waits before it says [`WouldBlock`](io::ErrorKind::WouldBlock); `None` for ever.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for zero.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.connection.write_patience.set(timeout)
    }

    /// How long a read waits.
    ///
    /// # Errors
    /// None.
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.connection.read_patience.get())
    }

    /// How long a write waits.
    ///
    /// # Errors
    /// None.
    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.connection.write_patience.get())
    }

    /// Reads without taking out what is read.
    ///
    /// # Errors
    /// Those of a read.
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.connection.peek(buffer)
    }

    /// Takes the error that the connection has failed with.
    ///
    /// # Errors
    /// None.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.connection.take_error()
    }

    /// Makes calls return [`WouldBlock`](io::ErrorKind::WouldBlock) instead of waiting, for all clones.
    ///
    /// # Errors
    /// None.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.connection.set_nonblocking(nonblocking);
        Ok(())
    }

    /// The connection's inside: state, queues, round-trip time, windows. Beyond `std::net`.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn info(&self) -> io::Result<Info> {
        self.connection.info()
    }

    /// Writes as [`Write::write`](io::Write::write) does, and says whether more follows (MSG_MORE) and whether a record ends
    /// (MSG_EOR). Beyond `std::net`.
    ///
    /// ```
    /// use netstrata::{Host, TcpListener, TcpStream, WriteMarks};
    /// let host = Host::builder().start()?;
    /// let listener = TcpListener::bind(&host, "127.0.0.1:0")?;
    /// let client = TcpStream::connect(&host, listener.local_addr()?)?;
    /// let more = WriteMarks { more: true, ..WriteMarks::default() };
    /// assert_eq!(client.write_marked(b"head", more)?, 4);
    /// assert_eq!(client.write_marked(b"body", WriteMarks::default())?, 4);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of a write.
    pub fn write_marked(&self, bytes: &[u8], marks: WriteMarks) -> io::Result<usize> {
        self.connection.write_marked(bytes, marks)
    }

    /// Ends the connection with a RST. Beyond `std::net`.
    pub fn abort(&self) {
        self.connection.abort();
    }
}

impl Read for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(buffers)
    }
}

impl Read for &TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.connection.read(buffer)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.connection.read_vectored(buffers)
    }
}

impl Write for TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for &TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.connection.write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        self.connection.write_vectored(buffers)
    }

    /// Does nothing: there is no buffer before the send queue.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
