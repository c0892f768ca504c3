//! When the TCP stream for tasks sends: corks, marks of writes, quick acknowledgments.

use super::tcp_stream::TcpStream;
use std::io;
use tcp::WriteMarks;

impl TcpStream {
    /// Whether small segments are held back until they are full.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn cork(&self) -> io::Result<bool> {
        self.connection.options().map(|options| options.cork)
    }

    /// Holds small segments back until they are full (true), for up to a retransmission time-out, or lets them go (TCP_CORK).
    /// Beyond `tokio::net`.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn set_cork(&self, cork: bool) -> io::Result<()> {
        self.connection.change_options(|options| options.cork = cork)
    }

    /// Whether acknowledgments are not delayed at present.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn quickack(&self) -> io::Result<bool> {
        self.connection.quick_acknowledgments()
    }

    /// Acknowledges at once (true) or with delay, until the connection's own judgment changes it (TCP_QUICKACK).
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn set_quickack(&self, quickack: bool) -> io::Result<()> {
        self.connection.set_quick_acknowledgments(quickack)
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
