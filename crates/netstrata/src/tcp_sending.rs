//! When the blocking TCP stream sends: corks, marks of writes, quick acknowledgments.

use crate::tcp_stream::TcpStream;
use std::io;
use std::time::Duration;
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
    /// Beyond `std::net`.
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

    /// Acknowledges at once (true) or with delay, until the connection's own judgment changes it (TCP_QUICKACK). Beyond
    /// `std::net`.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn set_quickack(&self, quickack: bool) -> io::Result<()> {
        self.connection.set_quick_acknowledgments(quickack)
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

    /// How long FIN-WAIT-2 lasts once this socket is closed; `None` as long as the host says.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn fin_wait_2(&self) -> io::Result<Option<Duration>> {
        self.connection.options().map(|options| options.fin_wait_2)
    }

    /// Sets how long FIN-WAIT-2 lasts once this socket is closed (TCP_LINGER2). Beyond `std::net`.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn set_fin_wait_2(&self, time: Option<Duration>) -> io::Result<()> {
        self.connection.change_options(|options| options.fin_wait_2 = time)
    }
}
