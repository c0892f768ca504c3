//! The options of the blocking TCP stream.

use crate::tcp_stream::TcpStream;
use std::io;
use std::time::Duration;
use tcp::Keepalive;
use tcp::congestion::Algorithm;

impl TcpStream {
    /// Sets what dropping the socket does: `None` delivers in the background; `Some(0)` throws away what is unsent and resets
    /// the connection; a longer time waits that long for everything to be acknowledged, if the socket blocks.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.connection.change_options(|options| options.linger = linger)
    }

    /// The linger time.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        self.connection.options().map(|options| options.linger)
    }

    /// Turns Nagle's algorithm off (true) or on.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.connection.change_options(|options| options.no_delay = nodelay)
    }

    /// Whether Nagle's algorithm is off.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn nodelay(&self) -> io::Result<bool> {
        self.connection.options().map(|options| options.no_delay)
    }

    /// Sets when a silent peer is asked whether it still lives; `None` never. Beyond `std::net`.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn set_keepalive(&self, keepalive: Option<Keepalive>) -> io::Result<()> {
        self.connection.change_options(|options| options.keepalive = keepalive)
    }

    /// When a silent peer is asked. Beyond `std::net`.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn keepalive(&self) -> io::Result<Option<Keepalive>> {
        self.connection.options().map(|options| options.keepalive)
    }

    /// Sets how long sent data may stay unacknowledged before the connection times out (RFC 5482). Beyond `std::net`.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn set_user_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.connection.change_options(|options| options.user_timeout = timeout)
    }

    /// The congestion control. Beyond `std::net`.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn congestion(&self) -> io::Result<Algorithm> {
        self.connection.congestion()
    }

    /// Goes on with another congestion control from the present window. Beyond `std::net`.
    ///
    /// ```
    /// use netstrata::tcp::congestion::Algorithm;
    /// # fn example(stream: &netstrata::TcpStream) -> std::io::Result<()> {
    /// stream.set_congestion(Algorithm::NewReno)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn set_congestion(&self, algorithm: Algorithm) -> io::Result<()> {
        self.connection.change_options(|options| options.congestion = Some(algorithm))
    }

    /// How long sent data may stay unacknowledged. Beyond `std::net`.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn user_timeout(&self) -> io::Result<Option<Duration>> {
        self.connection.options().map(|options| options.user_timeout)
    }

    /// Sets the time to live of the packets, 1 to 255.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput), [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.connection.set_time_to_live(ttl)
    }

    /// The time to live of the packets.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn ttl(&self) -> io::Result<u32> {
        self.connection.options().map(|options| u32::from(options.time_to_live))
    }
}
