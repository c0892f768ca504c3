//! Echo requests and their answers (RFC 792).

use crate::budget;
use crate::error::{self, or_would_block};
use runtime::{Awaited, Host};
use stack::{EchoRequest, PingId, PingReply, Stack};
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::task::Poll;
use std::time::Duration;

/// A socket for ICMP echo, for threads and for tasks.
///
/// ```
/// use netstrata::{Host, PingSocket};
/// use std::time::Duration;
/// let host = Host::builder().start()?;
/// let socket = PingSocket::open(&host)?;
/// socket.send_to([127, 0, 0, 1].into(), 1, b"payload", None)?;
/// let reply = socket.recv_timeout(Duration::from_secs(5))?;
/// assert_eq!(reply.sequence, 1);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct PingSocket {
    host: Host,
    id: PingId,
}

impl PingSocket {
    /// Opens a socket, with an identifier of its own.
    ///
    /// # Errors
    /// [`QuotaExceeded`](io::ErrorKind::QuotaExceeded) when the host has too many.
    pub fn open(host: &Host) -> io::Result<PingSocket> {
        let host = host.shard(0);
        let id = host.with(|stack, _| stack.ping_open()).map_err(error::open)?;
        Ok(PingSocket { host, id })
    }

    /// Opens a socket that also has the echo requests for strangers, where an interface intercepts
    /// ([`Network::intercepts`](crate::Network::intercepts)).
    ///
    /// # Errors
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) if another socket has them; those of [`PingSocket::open`].
    pub fn open_any(host: &Host) -> io::Result<PingSocket> {
        let host = host.shard(0);
        let id = host.with(|stack, _| stack.ping_open_any()).map_err(error::bind)?;
        Ok(PingSocket { host, id })
    }

    /// Waits for an echo request for a stranger.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected) when the host has been shut down.
    pub async fn recv_request(&self) -> io::Result<EchoRequest> {
        let poll = |stack: &mut Stack, _| match stack.ping_receive_foreign(self.id) {
            Some(request) => Poll::Ready(Ok(request)),
            None => Poll::Pending,
        };
        budget::until(&self.host, Awaited::Ping(self.id), poll).await
    }

    /// Answers an echo request in the name of whom it was for.
    ///
    /// # Errors
    /// Those of [`PingSocket::send_to`].
    pub fn answer(&self, request: &EchoRequest, payload: &[u8]) -> io::Result<()> {
        let sent = self.host.with(|stack, _| stack.ping_answer(self.id, request, payload));
        or_would_block(error::poll_send(sent))
    }

    /// Sends an echo request, with a time to live in hops if one is given.
    ///
    /// # Errors
    /// [`NetworkUnreachable`](io::ErrorKind::NetworkUnreachable), [`WouldBlock`](io::ErrorKind::WouldBlock) when too many
    /// wait to be sent.
    pub fn send_to(&self, to: IpAddr, sequence: u16, payload: &[u8], ttl: Option<u8>) -> io::Result<()> {
        let sent = self.host.with(|stack, now| stack.ping_send(now, self.id, to, sequence, payload, ttl));
        or_would_block(error::poll_send(sent))
    }

    fn poll_now(&self, stack: &mut Stack) -> Poll<io::Result<PingReply>> {
        stack.ping_receive(self.id).map_or(Poll::Pending, |reply| Poll::Ready(Ok(reply)))
    }

    /// Waits for an answer, or for a report on a request that failed.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected) when the host has been shut down.
    pub async fn recv(&self) -> io::Result<PingReply> {
        budget::until(&self.host, Awaited::Ping(self.id), |stack, _| self.poll_now(stack)).await
    }

    /// Blocks until there is an answer, for up to `patience`.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there was none in time.
    pub fn recv_timeout(&self, patience: Duration) -> io::Result<PingReply> {
        or_would_block(
            self.host.wait(Awaited::Ping(self.id), Some(patience), |stack, _| self.poll_now(stack)),
        )
    }

    /// Takes an answer that is there.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if none is.
    pub fn try_recv(&self) -> io::Result<PingReply> {
        or_would_block(self.host.attempt(|stack, _| self.poll_now(stack)))
    }
}

impl Drop for PingSocket {
    fn drop(&mut self) {
        let id = self.id;
        self.host.with_waking(&[Awaited::Ping(id)], |stack, _| stack.ping_close(id));
    }
}

impl fmt::Debug for PingSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PingSocket").field("id", &self.id).finish_non_exhaustive()
    }
}
