//! Our own sockets, as services see them.

use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use netstrata::tokio::{TcpListener, TcpStream};
use netstrata::{Host, SocketOptions};
use services::{Accept, Accepted, Ends, Sockets, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::carried_for::CarriedFor;

/// A listener of our own stack.
pub(crate) struct Listener(pub(crate) TcpListener);

/// The sockets of a host of ours.
#[derive(Clone)]
pub(crate) struct OwnSockets {
    /// The host.
    pub(crate) host: Host,
    /// What its connections have in common.
    pub(crate) options: SocketOptions,
    /// For whom published ports carry calls to it.
    pub(crate) carried_for: Arc<CarriedFor>,
}

impl Sockets for OwnSockets {
    type Listener = Listener;

    fn listen(&self, at: SocketAddr) -> io::Result<Listener> {
        TcpListener::bind_with(&self.host, at, 1, self.options).map(Listener)
    }

    async fn call(&self, from: IpAddr, to: SocketAddr) -> io::Result<Connection> {
        let from = SocketAddr::new(from, 0);
        TcpStream::open(&self.host, Some(from), to, Some(self.options)).await.map(Connection)
    }

    async fn caller(&self, ends: Ends) -> Option<IpAddr> {
        self.carried_for.caller(ends).await
    }
}

/// A connection of our own stack.
pub(crate) struct Connection(pub(crate) TcpStream);

impl Accept for Listener {
    type Stream = Connection;

    async fn accept(&self) -> io::Result<Accepted<Connection>> {
        let (stream, peer) = self.0.accept().await?;
        Ok(Accepted { local: stream.local_addr()?, stream: Connection(stream), peer })
    }
}

impl Stream for Connection {
    fn abort(&mut self) {
        self.0.abort();
    }

    fn ends(&self) -> Option<Ends> {
        Some(Ends { local: self.0.local_addr().ok()?, peer: self.0.peer_addr().ok()? })
    }
}

impl AsyncRead for Connection {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    #[inline]
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
