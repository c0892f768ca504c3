//! Sockets for datagrams on the operating system's side, with the hops that a guest's datagrams have left and with what ICMP says of them.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use socket2::{Domain, SockRef, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::kernel;
use super::notice::{Hop, Notice};

/// Bytes of the longest datagram.
const LONGEST: usize = 65_535;
/// How often another port is asked for, so that it is even or odd as the guest's is (RFC 4787 4.2.2).
const ATTEMPTS: usize = 4;

/// A socket for datagrams, of UDP or of ICMP.
pub(crate) struct Outside {
    socket: UdpSocket,
    v4: bool,
    /// How its datagrams leave at present.
    hop: Mutex<Option<Hop>>,
}

/// What came.
pub(crate) enum Arrival {
    /// A datagram, in the buffer, from there.
    Datagram(SocketAddr),
    /// Word of one that was sent.
    Notice(Notice),
}

impl Outside {
    /// A socket of UDP for all that a guest's endpoint sends to hosts of the family of `to`.
    ///
    /// # Errors
    /// Those of socket(2) and bind(2).
    pub(crate) fn for_endpoint(guest_port: u16, to: IpAddr) -> io::Result<Outside> {
        let place = |port| SocketAddr::new(any(to), port);
        let mut outside = Outside::bound(place(0))?;
        for _ in 0..ATTEMPTS {
            let port = outside.local()?.port();
            if port % 2 == guest_port % 2 {
                break;
            }
            // Its neighbour is nearly always free; else chance decides once more.
            outside = Outside::bound(place(port ^ 1)).or_else(|_| Outside::bound(place(0)))?;
        }
        Ok(outside)
    }

    /// A socket of UDP at a certain place.
    ///
    /// # Errors
    /// Those of socket(2) and bind(2).
    pub(crate) fn bound(at: SocketAddr) -> io::Result<Outside> {
        let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(socket2::Protocol::UDP))?;
        if at.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.bind(&at.into())?;
        Outside::of(socket, at.is_ipv4())
    }

    /// A socket for echo requests to one host, which needs no right but the group's (icmp(7)).
    ///
    /// # Errors
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) where this user's group may not have one.
    pub(crate) fn for_echo(to: IpAddr) -> io::Result<Outside> {
        let (domain, protocol) = match to {
            IpAddr::V4(_) => (Domain::IPV4, socket2::Protocol::ICMPV4),
            IpAddr::V6(_) => (Domain::IPV6, socket2::Protocol::ICMPV6),
        };
        let socket = Socket::new(domain, Type::DGRAM, Some(protocol))?;
        socket.connect(&SocketAddr::new(to, 0).into())?;
        Outside::of(socket, to.is_ipv4())
    }

    fn of(socket: Socket, v4: bool) -> io::Result<Outside> {
        socket.set_nonblocking(true)?;
        kernel::ask_for_notices(&socket, v4)?;
        Ok(Outside { socket: UdpSocket::from_std(socket.into())?, v4, hop: Mutex::default() })
    }

    /// Where it is.
    ///
    /// # Errors
    /// Those of getsockname(2).
    pub(crate) fn local(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Sends a datagram to `to`, or to where the socket is connected.
    ///
    /// # Errors
    /// Those of sendto(2) about this datagram. Of one that is too long for its way (EMSGSIZE) a [notice](Outside::notice) tells more.
    pub(crate) fn send(&self, bytes: &[u8], to: Option<SocketAddr>, hop: Hop) -> io::Result<()> {
        let mut present = self.hop.lock().unwrap_or_else(PoisonError::into_inner);
        let socket = SockRef::from(&self.socket);
        if *present != Some(hop) {
            kernel::leave_by(&self.socket, self.v4, hop)?;
            *present = Some(hop);
        }
        let send = || match to {
            Some(to) => socket.send_to(bytes, &to.into()),
            None => socket.send(bytes),
        };
        match send() {
            // What waits at the socket is told to whoever sends next: it is of an earlier datagram, and this one is sent all the same.
            Err(error) if error.kind() != ErrorKind::WouldBlock && !kernel::is_too_long(&error) => {
                send().map(drop)
            }
            sent => sent.map(drop),
        }
    }

    /// Word of a datagram that was sent, if there is any.
    pub(crate) fn notice(&self) -> Option<Notice> {
        kernel::next(&self.socket).ok()
    }

    /// Waits for a datagram, or for word of one that was sent. `buffer` is empty, and has room only while something is there: a thousand
    /// flows that wait hold no buffers.
    ///
    /// # Errors
    /// Those of recvfrom(2), none of which a datagram is told by.
    pub(crate) async fn receive(&self, buffer: &mut Vec<u8>) -> io::Result<Arrival> {
        loop {
            if let Ok(notice) = self.socket.try_io(Interest::ERROR, || kernel::next(&self.socket)) {
                return Ok(Arrival::Notice(notice));
            }
            buffer.reserve_exact(LONGEST);
            match self.socket.try_recv_buf_from(buffer) {
                Ok((_, from)) => return Ok(Arrival::Datagram(from)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // The notice itself comes next.
                Err(error) if kernel::NOTICES => tracing::trace!(%error, "a datagram failed"),
                Err(error) => return Err(error),
            }
            *buffer = Vec::new();
            self.socket.ready(Interest::READABLE | Interest::ERROR).await?;
        }
    }
}

/// Every address of a family.
fn any(family: IpAddr) -> IpAddr {
    match family {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}
