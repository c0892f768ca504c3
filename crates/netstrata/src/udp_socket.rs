//! The blocking UDP socket.

use crate::address;
use crate::datagrams::{Binding, Datagrams, Take};
use runtime::Host;
use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

/// A UDP socket, with the methods, semantics and errors of [`std::net::UdpSocket`].
///
/// ```
/// use netstrata::{Host, UdpSocket};
/// let host = Host::builder().start()?;
/// let (here, there) = (UdpSocket::bind(&host, "127.0.0.1:0")?, UdpSocket::bind(&host, "127.0.0.1:0")?);
/// here.send_to(b"hello", there.local_addr()?)?;
/// let mut bytes = [0; 16];
/// let (length, from) = there.recv_from(&mut bytes)?;
/// assert_eq!((&bytes[..length], from), (&b"hello"[..], here.local_addr()?));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct UdpSocket {
    pub(crate) datagrams: Arc<Datagrams>,
}

impl UdpSocket {
    pub(crate) fn from_shared(datagrams: Arc<Datagrams>) -> UdpSocket {
        UdpSocket { datagrams }
    }

    pub(crate) fn into_shared(self) -> Arc<Datagrams> {
        self.datagrams
    }

    /// Binds to the first of the addresses that can be had. Port 0 stands for any.
    ///
    /// # Errors
    /// [`AddrInUse`](io::ErrorKind::AddrInUse), [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable).
    pub fn bind(host: &Host, addresses: impl ToSocketAddrs) -> io::Result<UdpSocket> {
        let datagrams =
            address::each(addresses, |address| Datagrams::bind(host, address, false, Binding::Usual))?;
        Ok(UdpSocket { datagrams: Arc::new(datagrams) })
    }

    /// The same, but a socket at `[::]` has IPv6 addresses alone (RFC 3493 5.3: IPV6_V6ONLY). Beyond `std::net`.
    ///
    /// # Errors
    /// Those of [`UdpSocket::bind`].
    pub fn bind_v6_only(host: &Host, addresses: impl ToSocketAddrs) -> io::Result<UdpSocket> {
        let datagrams =
            address::each(addresses, |address| Datagrams::bind(host, address, false, Binding::V6Only))?;
        Ok(UdpSocket { datagrams: Arc::new(datagrams) })
    }

    /// As [`UdpSocket::bind`], but other sockets that are bound so may have the same address and port, at most 64 (SO_REUSEPORT). A datagram
    /// goes to the one that is connected to its sender, or to one of the others, always the same for both addresses and ports; one to a
    /// group to all that have joined. Beyond `std::net`.
    ///
    /// # Errors
    /// Those of [`UdpSocket::bind`].
    pub fn bind_shared(host: &Host, addresses: impl ToSocketAddrs) -> io::Result<UdpSocket> {
        let datagrams =
            address::each(addresses, |address| Datagrams::bind(host, address, false, Binding::Shared))?;
        Ok(UdpSocket { datagrams: Arc::new(datagrams) })
    }

    /// Binds to every address and every port that no other socket has, to addresses of strangers too where an interface intercepts
    /// ([`Network::intercepts`](crate::Network::intercepts)). It receives by [`UdpSocket::recv_from_to`] and answers by
    /// [`UdpSocket::send_from_to`]. Beyond `std::net`.
    ///
    /// # Errors
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) if another socket does so.
    pub fn bind_any(host: &Host) -> io::Result<UdpSocket> {
        Ok(UdpSocket { datagrams: Arc::new(Datagrams::bind_any(host, false)?) })
    }

    /// As [`UdpSocket::recv_from`], and tells last whom the datagram was sent to (IP_PKTINFO). Beyond `std::net`.
    ///
    /// # Errors
    /// Those of [`UdpSocket::recv_from`].
    pub fn recv_from_to(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr, SocketAddr)> {
        let received = self.datagrams.receive_all(buffer)?;
        Ok((received.copied, received.from, received.to))
    }

    /// Sends a datagram to `to` from `from`: an address of this host and the socket's port; on a socket bound by
    /// [`UdpSocket::bind_any`] any port and, where an interface intercepts, any address. Beyond `std::net`.
    ///
    /// # Errors
    /// Those of [`UdpSocket::send_to`], and [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable) for an address that the socket
    /// cannot send from.
    pub fn send_from_to(&self, bytes: &[u8], from: SocketAddr, to: SocketAddr) -> io::Result<usize> {
        self.datagrams.send_from(bytes, from, to)
    }

    /// The host that the socket belongs to. Beyond `std::net`.
    pub fn host(&self) -> &Host {
        &self.datagrams.host
    }

    /// Waits for a datagram: its length, as far as it fits, and its sender.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) on a non-blocking socket or after the read time-out; on a connected socket what
    /// ICMP reported, as [`ConnectionRefused`](io::ErrorKind::ConnectionRefused).
    pub fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.datagrams.receive(buffer, Take::Out)
    }

    /// Like [`UdpSocket::recv_from`], leaving the datagram in the queue.
    ///
    /// # Errors
    /// Those of [`UdpSocket::recv_from`].
    pub fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.datagrams.receive(buffer, Take::Peek)
    }

    /// Sends a datagram to the first of the addresses.
    ///
    /// # Errors
    /// [`NetworkUnreachable`](io::ErrorKind::NetworkUnreachable), [`PermissionDenied`](io::ErrorKind::PermissionDenied) for
    /// broadcast without leave, [`WouldBlock`](io::ErrorKind::WouldBlock) on a non-blocking socket.
    pub fn send_to(&self, bytes: &[u8], addresses: impl ToSocketAddrs) -> io::Result<usize> {
        self.datagrams.send(bytes, Some(address::first(addresses)?))
    }

    /// The address connected to.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.datagrams.remote_address()
    }

    /// The address bound to.
    ///
    /// # Errors
    /// None while the socket exists.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.datagrams.local_address()
    }

    /// Another handle to the same socket.
    ///
    /// # Errors
    /// None.
    pub fn try_clone(&self) -> io::Result<UdpSocket> {
        Ok(UdpSocket { datagrams: Arc::clone(&self.datagrams) })
    }

    /// Sets how long a receive waits before it says [`WouldBlock`](io::ErrorKind::WouldBlock); `None` for ever.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for zero.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.datagrams.read_patience.set(timeout)
    }

    /// Sets how long a send waits before it says [`WouldBlock`](io::ErrorKind::WouldBlock); `None` for ever.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for zero.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.datagrams.write_patience.set(timeout)
    }

    /// How long a receive waits.
    ///
    /// # Errors
    /// None.
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.datagrams.read_patience.get())
    }

    /// How long a send waits.
    ///
    /// # Errors
    /// None.
    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.datagrams.write_patience.get())
    }

    /// Allows or forbids sending to broadcast addresses.
    ///
    /// # Errors
    /// None while the socket exists.
    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.datagrams.set_broadcast(broadcast)
    }

    /// Whether sending to broadcast addresses is allowed.
    ///
    /// # Errors
    /// None while the socket exists.
    pub fn broadcast(&self) -> io::Result<bool> {
        self.datagrams.broadcast()
    }

    /// Sets the time to live of the packets, 1 to 255.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput).
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.datagrams.set_time_to_live(ttl)
    }

    /// The time to live of the packets.
    ///
    /// # Errors
    /// None while the socket exists.
    pub fn ttl(&self) -> io::Result<u32> {
        self.datagrams.time_to_live()
    }

    /// Takes the error that ICMP reported of a datagram sent.
    ///
    /// # Errors
    /// None.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.datagrams.take_error()
    }

    /// Sets the address that [`UdpSocket::send`] sends to and the only one received from.
    ///
    /// # Errors
    /// [`NetworkUnreachable`](io::ErrorKind::NetworkUnreachable), [`InvalidInput`](io::ErrorKind::InvalidInput).
    pub fn connect(&self, addresses: impl ToSocketAddrs) -> io::Result<()> {
        address::each(addresses, |remote| self.datagrams.connect(remote))
    }

    /// Sends a datagram to the address connected to.
    ///
    /// # Errors
    /// Those of [`UdpSocket::send_to`], and what ICMP reported of an earlier one.
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.datagrams.send(bytes, None)
    }

    /// Waits for a datagram.
    ///
    /// # Errors
    /// Those of [`UdpSocket::recv_from`].
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.recv_from(buffer)?.0)
    }

    /// Like [`UdpSocket::recv`], leaving the datagram in the queue.
    ///
    /// # Errors
    /// Those of [`UdpSocket::recv_from`].
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.peek_from(buffer)?.0)
    }

    /// Makes calls return [`WouldBlock`](io::ErrorKind::WouldBlock) instead of waiting, for all clones.
    ///
    /// # Errors
    /// None.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.datagrams.set_nonblocking(nonblocking);
        Ok(())
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
