//! The two directions of a TCP stream apart, owned: for two tasks.

use super::ready::{Interest, Ready};
use super::tcp_stream::TcpStream;
use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use bytes::BufMut;
use std::error::Error;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

impl TcpStream {
    /// Both directions apart, for two tasks. Dropping the half that writes sends the FIN.
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        let stream = self.share();
        (OwnedReadHalf { stream: self }, OwnedWriteHalf { stream, shutdown_on_drop: true })
    }
}

/// The direction that reads; made by [`TcpStream::into_split`].
#[derive(Debug)]
pub struct OwnedReadHalf {
    stream: TcpStream,
}

/// The direction that writes; made by [`TcpStream::into_split`]. Its drop sends the FIN.
#[derive(Debug)]
pub struct OwnedWriteHalf {
    stream: TcpStream,
    shutdown_on_drop: bool,
}

/// The two halves belong to different streams; here they are again.
#[derive(Debug)]
pub struct ReuniteError(pub OwnedReadHalf, pub OwnedWriteHalf);

impl fmt::Display for ReuniteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tried to reunite halves that are not from the same socket")
    }
}

impl Error for ReuniteError {}

impl OwnedReadHalf {
    /// Waits until the stream is ready for any of `interest`.
    ///
    /// # Errors
    /// Those of [`TcpStream::ready`].
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        self.stream.ready(interest).await
    }

    /// Waits until there is something to read.
    ///
    /// # Errors
    /// Those of [`TcpStream::readable`].
    pub async fn readable(&self) -> io::Result<()> {
        self.stream.readable().await
    }

    /// Reads what is there.
    ///
    /// # Errors
    /// Those of [`TcpStream::try_read`].
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.try_read(buffer)
    }

    /// Reads what is there into several buffers.
    ///
    /// # Errors
    /// Those of [`TcpStream::try_read`].
    pub fn try_read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.stream.try_read_vectored(buffers)
    }

    /// Reads what is there into the free room of `buffer`.
    ///
    /// # Errors
    /// Those of [`TcpStream::try_read`].
    pub fn try_read_buf<B: BufMut>(&self, buffer: &mut B) -> io::Result<usize> {
        self.stream.try_read_buf(buffer)
    }

    /// Reads without taking out what is read.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn peek(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.peek(buffer).await
    }

    /// Polls for something to peek at.
    ///
    /// # Errors
    /// Those of a read.
    pub fn poll_peek(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        self.stream.poll_peek(context, buffer)
    }

    /// The peer's address.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }

    /// This side's address.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.stream.local_addr()
    }

    /// Puts both halves together again.
    ///
    /// # Errors
    /// [`ReuniteError`] if they belong to different streams.
    pub fn reunite(self, other: OwnedWriteHalf) -> Result<TcpStream, ReuniteError> {
        if !self.stream.is_same(&other.stream) {
            return Err(ReuniteError(self, other));
        }
        other.forget();
        Ok(self.stream)
    }
}

impl OwnedWriteHalf {
    /// Waits until the stream is ready for any of `interest`.
    ///
    /// # Errors
    /// Those of [`TcpStream::ready`].
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        self.stream.ready(interest).await
    }

    /// Waits until there is room to write.
    ///
    /// # Errors
    /// Those of [`TcpStream::writable`].
    pub async fn writable(&self) -> io::Result<()> {
        self.stream.writable().await
    }

    /// Writes as much as there is room for.
    ///
    /// # Errors
    /// Those of [`TcpStream::try_write`].
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.try_write(bytes)
    }

    /// Writes as much of several buffers as there is room for.
    ///
    /// # Errors
    /// Those of [`TcpStream::try_write`].
    pub fn try_write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        self.stream.try_write_vectored(buffers)
    }

    /// The peer's address.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }

    /// This side's address.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.stream.local_addr()
    }

    /// Puts both halves together again.
    ///
    /// # Errors
    /// [`ReuniteError`] if they belong to different streams.
    pub fn reunite(self, other: OwnedReadHalf) -> Result<TcpStream, ReuniteError> {
        other.reunite(self)
    }

    /// Drops the half without sending the FIN.
    pub fn forget(mut self) {
        self.shutdown_on_drop = false;
    }
}

impl AsyncRead for OwnedReadHalf {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream.read_into(context, buffer)
    }
}

impl AsyncWrite for OwnedWriteHalf {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream.write_from(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream.write_from_many(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Sends the FIN after what was written.
    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = self.stream.close_write();
        if result.is_ok() {
            self.shutdown_on_drop = false;
        }
        Poll::Ready(result)
    }
}

impl AsRef<TcpStream> for OwnedReadHalf {
    fn as_ref(&self) -> &TcpStream {
        &self.stream
    }
}

impl AsRef<TcpStream> for OwnedWriteHalf {
    fn as_ref(&self) -> &TcpStream {
        &self.stream
    }
}

impl Drop for OwnedWriteHalf {
    fn drop(&mut self) {
        if self.shutdown_on_drop {
            // A connection that has failed has nobody to tell.
            let _ = self.stream.close_write();
        }
    }
}
