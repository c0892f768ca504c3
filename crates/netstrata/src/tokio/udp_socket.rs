//! The UDP socket for tasks.

use super::ready::{Interest, Ready, either, when_ready};
use crate::address;
use crate::datagrams::{Binding, Datagrams, Take};
use ::tokio::io::ReadBuf;
use runtime::{Awaited, Host};
use stack::{Received, UdpReadiness};
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::task::{Context, Poll};

/// A UDP socket, with the methods of `tokio::net::UdpSocket`. All take `&self`, so that tasks can share it in an [`Arc`].
pub struct UdpSocket {
    pub(crate) datagrams: Arc<Datagrams>,
}

impl UdpSocket {
    /// Binds to the first of the addresses that can be had. Port 0 stands for any.
    ///
    /// # Errors
    /// [`AddrInUse`](ErrorKind::AddrInUse), [`AddrNotAvailable`](ErrorKind::AddrNotAvailable).
    pub async fn bind(host: &Host, addresses: impl ToSocketAddrs) -> io::Result<UdpSocket> {
        let datagrams =
            address::each(addresses, |address| Datagrams::bind(host, address, true, Binding::Usual))?;
        Ok(UdpSocket { datagrams: Arc::new(datagrams) })
    }

    /// As [`UdpSocket::bind`], but a socket at `[::]` has IPv6 addresses alone (RFC 3493 5.3: IPV6_V6ONLY). Beyond `tokio::net`.
    ///
    /// # Errors
    /// Those of [`UdpSocket::bind`].
    pub fn bind_v6_only(host: &Host, addresses: impl ToSocketAddrs) -> io::Result<UdpSocket> {
        let datagrams =
            address::each(addresses, |address| Datagrams::bind(host, address, true, Binding::V6Only))?;
        Ok(UdpSocket { datagrams: Arc::new(datagrams) })
    }

    /// As [`UdpSocket::bind`], but other sockets that are bound so may have the same address and port, at most 64 (SO_REUSEPORT). A datagram
    /// goes to the one that is connected to its sender, or to one of the others, always the same for both addresses and ports; one to a
    /// group to all that have joined. Beyond `tokio::net`.
    ///
    /// # Errors
    /// Those of [`UdpSocket::bind`].
    pub fn bind_shared(host: &Host, addresses: impl ToSocketAddrs) -> io::Result<UdpSocket> {
        let datagrams =
            address::each(addresses, |address| Datagrams::bind(host, address, true, Binding::Shared))?;
        Ok(UdpSocket { datagrams: Arc::new(datagrams) })
    }

    /// Binds to every address and every port that no other socket has, to addresses of strangers too where an interface intercepts
    /// ([`Network::intercepts`](crate::Network::intercepts)). It receives by [`UdpSocket::recv_from_to`] and answers by
    /// [`UdpSocket::send_from_to`]. Beyond `tokio::net`.
    ///
    /// # Errors
    /// [`AddrInUse`](ErrorKind::AddrInUse) if another socket does so.
    pub fn bind_any(host: &Host) -> io::Result<UdpSocket> {
        Ok(UdpSocket { datagrams: Arc::new(Datagrams::bind_any(host, true)?) })
    }

    /// As [`UdpSocket::recv_from`], and tells last whom the datagram was sent to (IP_PKTINFO). Beyond `tokio::net`.
    ///
    /// # Errors
    /// Those of [`UdpSocket::recv_from`].
    pub async fn recv_from_to(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr, SocketAddr)> {
        let received = self.datagrams.received_all(buffer).await?;
        Ok((received.copied, received.from, received.to))
    }

    /// As [`UdpSocket::recv_from_to`], and tells all that is known of the datagram: hops that it could still have gone and whether it
    /// might be cut (IP_RECVTTL), for who carries it on. Beyond `tokio::net`.
    ///
    /// # Errors
    /// Those of [`UdpSocket::recv_from`].
    pub async fn recv_datagram(&self, buffer: &mut [u8]) -> io::Result<Received> {
        self.datagrams.received_all(buffer).await
    }

    /// Sends a datagram to `to` from `from`: an address of this host and the socket's port; on a socket bound by
    /// [`UdpSocket::bind_any`] any port and, where an interface intercepts, any address. Beyond `tokio::net`.
    ///
    /// # Errors
    /// Those of [`UdpSocket::send_to`], and [`AddrNotAvailable`](ErrorKind::AddrNotAvailable) for an address that the socket
    /// cannot send from.
    pub async fn send_from_to(&self, bytes: &[u8], from: SocketAddr, to: SocketAddr) -> io::Result<usize> {
        self.datagrams.sent_from(bytes, from, to).await
    }

    /// The host that the socket belongs to. Beyond `tokio::net`.
    pub fn host(&self) -> &Host {
        &self.datagrams.host
    }

    /// Makes one of a blocking socket.
    ///
    /// # Errors
    /// None.
    pub fn from_std(socket: crate::UdpSocket) -> io::Result<UdpSocket> {
        let datagrams = socket.into_shared();
        datagrams.set_nonblocking(true);
        Ok(UdpSocket { datagrams })
    }

    /// Makes a socket for threads of it, still non-blocking.
    ///
    /// # Errors
    /// None.
    pub fn into_std(self) -> io::Result<crate::UdpSocket> {
        Ok(crate::UdpSocket::from_shared(self.datagrams))
    }

    /// The address bound to.
    ///
    /// # Errors
    /// None while the socket exists.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.datagrams.local_address()
    }

    /// The address connected to.
    ///
    /// # Errors
    /// [`NotConnected`](ErrorKind::NotConnected).
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.datagrams.remote_address()
    }

    /// Sets the address that [`UdpSocket::send`] sends to and the only one received from.
    ///
    /// # Errors
    /// Those of [`crate::UdpSocket::connect`].
    pub async fn connect(&self, addresses: impl ToSocketAddrs) -> io::Result<()> {
        address::each(addresses, |remote| self.datagrams.connect(remote))
    }

    /// Waits until the socket is ready for any of `interest`.
    ///
    /// # Errors
    /// [`NotConnected`](ErrorKind::NotConnected) when the host has been shut down.
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        let receive = self.datagrams.ready(Awaited::Receive, UdpReadiness::READABLE);
        let send = self.datagrams.ready(Awaited::Send, UdpReadiness::WRITABLE);
        Ok(Ready::from(either(interest, receive, send).await?).of_interest(interest))
    }

    /// Waits until there is room for a datagram.
    ///
    /// # Errors
    /// Those of [`UdpSocket::ready`].
    pub async fn writable(&self) -> io::Result<()> {
        self.datagrams.ready(Awaited::Send, UdpReadiness::WRITABLE).await.map(drop)
    }

    /// Polls for room for a datagram.
    ///
    /// # Errors
    /// Those of [`UdpSocket::ready`].
    pub fn poll_send_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.datagrams.poll_ready(Awaited::Send, UdpReadiness::WRITABLE, context).map_ok(drop)
    }

    /// Waits until there is a datagram.
    ///
    /// # Errors
    /// Those of [`UdpSocket::ready`].
    pub async fn readable(&self) -> io::Result<()> {
        self.datagrams.ready(Awaited::Receive, UdpReadiness::READABLE).await.map(drop)
    }

    /// Polls for a datagram.
    ///
    /// # Errors
    /// Those of [`UdpSocket::ready`].
    pub fn poll_recv_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.datagrams.poll_ready(Awaited::Receive, UdpReadiness::READABLE, context).map_ok(drop)
    }

    /// Sends a datagram to the address connected to.
    ///
    /// # Errors
    /// Those of [`crate::UdpSocket::send`].
    pub async fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.datagrams.sent(bytes, None).await
    }

    /// Polls for sending a datagram to the address connected to.
    ///
    /// # Errors
    /// Those of [`UdpSocket::send`].
    pub fn poll_send(&self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.datagrams.poll_send(context, bytes, None)
    }

    /// Sends a datagram to the address connected to, if there is room.
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock), and those of [`UdpSocket::send`].
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.datagrams.try_send(bytes, None)
    }

    /// Sends a datagram to the first of the addresses.
    ///
    /// # Errors
    /// Those of [`crate::UdpSocket::send_to`].
    pub async fn send_to(&self, bytes: &[u8], addresses: impl ToSocketAddrs) -> io::Result<usize> {
        let to = address::first(addresses)?;
        self.datagrams.sent(bytes, Some(to)).await
    }

    /// Polls for sending a datagram.
    ///
    /// # Errors
    /// Those of [`UdpSocket::send_to`].
    pub fn poll_send_to(
        &self,
        context: &mut Context<'_>,
        bytes: &[u8],
        to: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        self.datagrams.poll_send(context, bytes, Some(to))
    }

    /// Sends a datagram, if there is room.
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock), and those of [`UdpSocket::send_to`].
    pub fn try_send_to(&self, bytes: &[u8], to: SocketAddr) -> io::Result<usize> {
        self.datagrams.try_send(bytes, Some(to))
    }

    /// Waits for a datagram: its length, as far as it fits.
    ///
    /// # Errors
    /// Those of [`crate::UdpSocket::recv_from`].
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.recv_from(buffer).await?.0)
    }

    /// Polls for a datagram.
    ///
    /// # Errors
    /// Those of [`UdpSocket::recv`].
    pub fn poll_recv(&self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_recv_from(context, buffer).map_ok(drop)
    }

    /// Takes a datagram that is there.
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock), and those of [`UdpSocket::recv`].
    pub fn try_recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.try_recv_from(buffer)?.0)
    }

    /// Waits for a datagram: its length, as far as it fits, and its sender.
    ///
    /// # Errors
    /// Those of [`crate::UdpSocket::recv_from`].
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.datagrams.received(buffer, Take::Out).await
    }

    /// Polls for a datagram and its sender.
    ///
    /// # Errors
    /// Those of [`UdpSocket::recv_from`].
    pub fn poll_recv_from(
        &self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<SocketAddr>> {
        self.poll_take(context, buffer, Take::Out)
    }

    pub(super) fn poll_take(
        &self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        take: Take,
    ) -> Poll<io::Result<SocketAddr>> {
        self.datagrams.poll_receive(context, buffer.initialize_unfilled(), take).map_ok(|(length, from)| {
            buffer.advance(length);
            from
        })
    }

    /// Takes a datagram that is there, and tells its sender.
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock), and those of [`UdpSocket::recv_from`].
    pub fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.datagrams.try_receive(buffer, Take::Out)
    }

    /// Runs `act` if the socket is ready for `interest`.
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock) if it is not, and those of `act`.
    pub fn try_io<R>(&self, interest: Interest, act: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        if Ready::from(self.datagrams.readiness()).of_interest(interest).is_empty() {
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

    /// Whether sending to broadcast addresses is allowed.
    ///
    /// # Errors
    /// None while the socket exists.
    pub fn broadcast(&self) -> io::Result<bool> {
        self.datagrams.broadcast()
    }

    /// Allows or forbids sending to broadcast addresses.
    ///
    /// # Errors
    /// None while the socket exists.
    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.datagrams.set_broadcast(broadcast)
    }

    /// The time to live of the packets.
    ///
    /// # Errors
    /// None while the socket exists.
    pub fn ttl(&self) -> io::Result<u32> {
        self.datagrams.time_to_live()
    }

    /// Sets the time to live of the packets, 1 to 255.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput).
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.datagrams.set_time_to_live(ttl)
    }

    /// Takes the error that ICMP reported of a datagram sent.
    ///
    /// # Errors
    /// None.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.datagrams.take_error()
    }
}

impl TryFrom<crate::UdpSocket> for UdpSocket {
    type Error = io::Error;
    fn try_from(socket: crate::UdpSocket) -> io::Result<UdpSocket> {
        UdpSocket::from_std(socket)
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("UdpSocket");
        if let Ok(local) = self.local_addr() {
            debug.field("addr", &local);
        }
        debug.finish()
    }
}
