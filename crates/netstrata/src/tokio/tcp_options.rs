//! The options of the TCP stream for tasks.

use super::tcp_stream::TcpStream;
use std::io;
use std::time::Duration;
use tcp::congestion::Algorithm;
use tcp::{Keepalive, WriteMarks};

impl TcpStream {
    /// Whether Nagle's algorithm is off.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn nodelay(&self) -> io::Result<bool> {
        self.connection.options().map(|options| options.no_delay)
    }

    /// Turns Nagle's algorithm off (true) or on.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.connection.change_options(|options| options.no_delay = nodelay)
    }

    /// The linger time.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        self.connection.options().map(|options| options.linger)
    }

    /// Sets what dropping the socket does with what is unsent: `Some(0)` throws it away and resets the connection, everything
    /// else delivers it in the background. Unlike tokio's, it never makes the drop wait.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.connection.change_options(|options| options.linger = linger)
    }

    /// Has the drop reset the connection and throw away what is unsent.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.set_linger(Some(Duration::ZERO))
    }

    /// The time to live of the packets.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn ttl(&self) -> io::Result<u32> {
        self.connection.options().map(|options| u32::from(options.time_to_live))
    }

    /// Sets the time to live of the packets, 1 to 255.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput), [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.connection.set_time_to_live(ttl)
    }

    /// Sets when a silent peer is asked whether it still lives; `None` never. Beyond `tokio::net`.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn set_keepalive(&self, keepalive: Option<Keepalive>) -> io::Result<()> {
        self.connection.change_options(|options| options.keepalive = keepalive)
    }

    /// Sets how long sent data may stay unacknowledged before the connection times out (RFC 5482). Beyond `tokio::net`.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn set_user_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.connection.change_options(|options| options.user_timeout = timeout)
    }

    /// The congestion control. Beyond `tokio::net`.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn congestion(&self) -> io::Result<Algorithm> {
        self.connection.congestion()
    }

    /// Goes on with another congestion control from the present window. Beyond `tokio::net`.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn set_congestion(&self, algorithm: Algorithm) -> io::Result<()> {
        self.connection.change_options(|options| options.congestion = Some(algorithm))
    }

    /// Writes as [`TcpStream::try_write`] does, and says whether more follows (MSG_MORE) and whether a record ends (MSG_EOR).
    /// Beyond `tokio::net`.
    ///
    /// # Errors
    /// Those of [`TcpStream::try_write`].
    pub fn try_write_marked(&self, bytes: &[u8], marks: WriteMarks) -> io::Result<usize> {
        self.connection.try_write_marked(bytes, marks)
    }
}
