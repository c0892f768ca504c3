//! What a TCP stream for tasks is ready for.

use super::ready::{Interest, Ready, either, when_ready};
use super::tcp_stream::TcpStream;
use runtime::Awaited;
use std::io::{self, ErrorKind};
use std::task::{Context, Poll};
use tcp::Readiness;

impl TcpStream {
    /// Waits until the socket is ready for any of `interest`.
    ///
    /// # Errors
    /// [`NotConnected`](ErrorKind::NotConnected) when the host has been shut down.
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        let (connection, id) = (&*self.connection, self.connection.id);
        let read = connection.ready(Awaited::Read(id), Readiness::READABLE | Readiness::READ_CLOSED);
        let write = connection.ready(Awaited::Write(id), Readiness::WRITABLE);
        Ok(Ready::from(either(interest, read, write).await?).of_interest(interest))
    }

    /// Waits until there is something to read: bytes, the end or a failure.
    ///
    /// # Errors
    /// [`NotConnected`](ErrorKind::NotConnected) when the host has been shut down.
    pub async fn readable(&self) -> io::Result<()> {
        let wanted = Readiness::READABLE | Readiness::READ_CLOSED;
        self.connection.ready(Awaited::Read(self.connection.id), wanted).await.map(drop)
    }

    /// Polls for something to read.
    ///
    /// # Errors
    /// Those of [`TcpStream::readable`].
    pub fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wanted = Readiness::READABLE | Readiness::READ_CLOSED;
        self.connection.poll_ready(Awaited::Read(self.connection.id), wanted, context).map_ok(drop)
    }

    /// Waits until there is room to write, or a failure to be told.
    ///
    /// # Errors
    /// [`NotConnected`](ErrorKind::NotConnected) when the host has been shut down.
    pub async fn writable(&self) -> io::Result<()> {
        self.connection.ready(Awaited::Write(self.connection.id), Readiness::WRITABLE).await.map(drop)
    }

    /// Polls for room to write.
    ///
    /// # Errors
    /// Those of [`TcpStream::writable`].
    pub fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection
            .poll_ready(Awaited::Write(self.connection.id), Readiness::WRITABLE, context)
            .map_ok(drop)
    }

    /// Runs `act` if the socket is ready for `interest`.
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock) if it is not, and those of `act`.
    pub fn try_io<R>(&self, interest: Interest, act: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        let readiness = self.host().with(|stack, _| stack.tcp().readiness(self.connection.id));
        if Ready::from(readiness).of_interest(interest).is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        act()
    }

    /// Runs `act` whenever the socket is ready for `interest`, until it returns something other than
    /// [`WouldBlock`](ErrorKind::WouldBlock).
    ///
    /// # Errors
    /// Those of `act`.
    pub async fn async_io<R>(&self, interest: Interest, act: impl FnMut() -> io::Result<R>) -> io::Result<R> {
        when_ready(|| self.ready(interest), act).await
    }
}
