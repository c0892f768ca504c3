//! Looking at a datagram without taking it, and taking one into a growing buffer.

use super::udp_socket::UdpSocket;
use crate::datagrams::Take;
use ::tokio::io::ReadBuf;
use bytes::BufMut;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

/// The largest payload of a UDP datagram over IPv4, in bytes.
const LARGEST: usize = 65_507;

impl UdpSocket {
    /// Waits for a datagram and leaves it in the queue.
    ///
    /// # Errors
    /// Those of [`UdpSocket::recv`].
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.peek_from(buffer).await?.0)
    }

    /// Polls for a datagram and leaves it in the queue.
    ///
    /// # Errors
    /// Those of [`UdpSocket::recv`].
    pub fn poll_peek(&self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_peek_from(context, buffer).map_ok(drop)
    }

    /// Looks at a datagram that is there.
    ///
    /// # Errors
    /// Those of [`UdpSocket::try_recv`].
    pub fn try_peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.try_peek_from(buffer)?.0)
    }

    /// Waits for a datagram, leaves it in the queue and tells its sender.
    ///
    /// # Errors
    /// Those of [`UdpSocket::recv_from`].
    pub async fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.datagrams.received(buffer, Take::Peek).await
    }

    /// Polls for a datagram, leaves it in the queue and tells its sender.
    ///
    /// # Errors
    /// Those of [`UdpSocket::recv_from`].
    pub fn poll_peek_from(
        &self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<SocketAddr>> {
        self.poll_take(context, buffer, Take::Peek)
    }

    /// Looks at a datagram that is there, and tells its sender.
    ///
    /// # Errors
    /// Those of [`UdpSocket::try_recv`].
    pub fn try_peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.datagrams.try_receive(buffer, Take::Peek)
    }

    /// Waits for a datagram, leaves it in the queue and tells only its sender.
    ///
    /// # Errors
    /// Those of [`UdpSocket::recv_from`].
    pub async fn peek_sender(&self) -> io::Result<SocketAddr> {
        Ok(self.peek_from(&mut []).await?.1)
    }

    /// Polls for a datagram, leaves it in the queue and tells only its sender.
    ///
    /// # Errors
    /// Those of [`UdpSocket::recv_from`].
    pub fn poll_peek_sender(&self, context: &mut Context<'_>) -> Poll<io::Result<SocketAddr>> {
        self.datagrams.poll_receive(context, &mut [], Take::Peek).map_ok(|(_, from)| from)
    }

    /// Tells the sender of a datagram that is there.
    ///
    /// # Errors
    /// Those of [`UdpSocket::try_recv`].
    pub fn try_peek_sender(&self) -> io::Result<SocketAddr> {
        Ok(self.try_peek_from(&mut [])?.1)
    }

    /// Takes a datagram that is there into the free room of `buffer`.
    ///
    /// # Errors
    /// Those of [`UdpSocket::try_recv`].
    pub fn try_recv_buf<B: BufMut>(&self, buffer: &mut B) -> io::Result<usize> {
        Ok(self.try_recv_buf_from(buffer)?.0)
    }

    /// Waits for a datagram and takes it into the free room of `buffer`.
    ///
    /// # Errors
    /// Those of [`UdpSocket::recv`].
    pub async fn recv_buf<B: BufMut>(&self, buffer: &mut B) -> io::Result<usize> {
        Ok(self.recv_buf_from(buffer).await?.0)
    }

    /// Takes a datagram that is there into the free room of `buffer`, and tells its sender.
    ///
    /// # Errors
    /// Those of [`UdpSocket::try_recv`].
    pub fn try_recv_buf_from<B: BufMut>(&self, buffer: &mut B) -> io::Result<(usize, SocketAddr)> {
        let mut bytes = vec![0; buffer.chunk_mut().len().min(LARGEST)];
        let (length, from) = self.try_recv_from(&mut bytes)?;
        buffer.put_slice(&bytes[..length]);
        Ok((length, from))
    }

    /// Waits for a datagram, takes it into the free room of `buffer` and tells its sender.
    ///
    /// # Errors
    /// Those of [`UdpSocket::recv_from`].
    pub async fn recv_buf_from<B: BufMut>(&self, buffer: &mut B) -> io::Result<(usize, SocketAddr)> {
        let mut bytes = vec![0; buffer.chunk_mut().len().min(LARGEST)];
        let (length, from) = self.recv_from(&mut bytes).await?;
        buffer.put_slice(&bytes[..length]);
        Ok((length, from))
    }
}
