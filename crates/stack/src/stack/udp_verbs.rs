//! UDP's verbs.

use super::routing::NoWay;
use super::state::Stack;
use super::tcp_verbs::reachable;
use super::v6::scoped;
use crate::dropped::Dropped;
use crate::error::{BindError, ReceiveError, SendError, UdpConnectError};
use crate::interface::{InterfaceId, Owner, Waiting};
use crate::payload::frame_with;
use crate::udp::{EVERY_PORT, Received, UdpId, UdpReadiness};
use basis::Instant;
use core::net::{IpAddr, Ipv6Addr, SocketAddr};
use tcp::IcmpError;
use wire::{ipv4, ipv6, protocol, udp};

/// Bytes of the longest payload: RFC 768 in IPv4, which counts its own header, or in IPv6, which does not.
fn maximum_payload(to: SocketAddr) -> usize {
    match to {
        SocketAddr::V4(_) => ipv4::MAXIMUM_LENGTH - ipv4::HEADER_LENGTH - udp::HEADER_LENGTH,
        SocketAddr::V6(_) => ipv6::MAXIMUM_PAYLOAD - udp::HEADER_LENGTH,
    }
}

/// The address that a socket sends from because it is bound to it; a group sends nothing.
fn source_of(bound: IpAddr) -> Option<IpAddr> {
    (!bound.is_multicast() && !bound.is_unspecified()).then_some(bound)
}

impl Stack {
    /// A socket bound to `local`: to every address of its family if that is unspecified, to a random port if that is 0. A group's
    /// address can be had, too. A socket on `[::]` has every IPv4 address as well (RFC 3493 5.3); see [`Stack::udp_bind_v6_only`].
    ///
    /// # Errors
    /// When the address is not this host's, is taken, or there is no room.
    pub fn udp_bind(&mut self, local: SocketAddr) -> Result<UdpId, BindError> {
        let dual = local.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        self.bind_datagrams(local, dual, false)
    }

    /// As [`Stack::udp_bind`], but other sockets that are bound so may have the same address and port, at most 64 (SO_REUSEPORT). A
    /// datagram goes to the one that is connected to its sender, or to one that is not connected, by a hash of both addresses and ports;
    /// one to a group to all that have joined.
    ///
    /// # Errors
    /// As [`Stack::udp_bind`]; the address is taken, too, if one who has it does not share.
    pub fn udp_bind_shared(&mut self, local: SocketAddr) -> Result<UdpId, BindError> {
        let dual = local.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        self.bind_datagrams(local, dual, true)
    }

    /// As [`Stack::udp_bind`], but a socket on `[::]` has IPv6 addresses alone (RFC 3493 5.3: IPV6_V6ONLY).
    ///
    /// # Errors
    /// As [`Stack::udp_bind`].
    pub fn udp_bind_v6_only(&mut self, local: SocketAddr) -> Result<UdpId, BindError> {
        self.bind_datagrams(local, false, false)
    }

    /// A socket bound to every address and every port that nobody else has, those of strangers too where an interface intercepts
    /// ([`Stack::set_interception`]). It sends by [`Stack::udp_send_from`] alone.
    ///
    /// # Errors
    /// When another does so, or there is no room.
    pub fn udp_bind_any(&mut self) -> Result<UdpId, BindError> {
        self.udp.bind(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), EVERY_PORT), true, false)
    }

    fn bind_datagrams(&mut self, local: SocketAddr, dual: bool, shares: bool) -> Result<UdpId, BindError> {
        let ip = local.ip().to_canonical();
        if !(ip.is_unspecified() || ip.is_multicast() || self.is_own(ip)) {
            return Err(BindError::AddressNotAvailable);
        }
        if self.udp.is_full() {
            return Err(BindError::TooManySockets);
        }
        let port = match local.port() {
            0 => {
                let udp = &self.udp;
                let is_free = |port| udp.is_free(SocketAddr::new(ip, port), dual);
                self.ports.random(&mut self.random, is_free).ok_or(BindError::NoFreePort)?
            }
            port => port,
        };
        self.udp.bind(SocketAddr::new(ip, port), dual, shares)
    }

    /// Connects a socket to `remote`: it sends there, hears only from there, and is told when datagrams fail.
    ///
    /// # Errors
    /// When there is no such socket, no route or no usable address.
    pub fn udp_connect(&mut self, id: UdpId, remote: SocketAddr) -> Result<(), UdpConnectError> {
        let socket = self.udp.get(id).ok_or(UdpConnectError::NoSuchSocket)?;
        let remote = reachable(remote);
        if remote.port() == 0 || !socket.speaks(remote.ip()) {
            return Err(UdpConnectError::InvalidDestination);
        }
        if self.is_broadcast(remote.ip()) && !socket.broadcast {
            return Err(UdpConnectError::BroadcastNotAllowed);
        }
        let way =
            self.way_to_socket(remote, source_of(socket.bound.ip())).map_err(|reason| match reason {
                NoWay::Route => UdpConnectError::NoRoute,
                NoWay::Source => UdpConnectError::AddressNotAvailable,
            })?;
        let socket = self.udp.get_mut(id).ok_or(UdpConnectError::NoSuchSocket)?;
        socket.local = way.source;
        socket.remote = Some(match remote.ip() {
            IpAddr::V6(ip) => scoped(ip, remote.port(), way.interface),
            IpAddr::V4(_) => remote,
        });
        Ok(())
    }

    /// Sends a datagram to `to`, or to where the socket is connected. Returns the payload's length.
    ///
    /// # Errors
    /// When it cannot be sent; [`SendError::WouldBlock`] if as much waits as may: the socket reports when there is room.
    pub fn udp_send(
        &mut self,
        now: Instant,
        id: UdpId,
        payload: &[u8],
        to: Option<SocketAddr>,
    ) -> Result<usize, SendError> {
        self.send_datagram(now, id, payload, None, to)
    }

    /// As [`Stack::udp_send`], but from `from`: an address of this host, and the socket's port. A socket bound to every address and
    /// port ([`Stack::udp_bind_any`]) names any port, and where an interface intercepts any unicast address.
    ///
    /// # Errors
    /// As [`Stack::udp_send`]; [`SendError::AddressNotAvailable`] if the socket cannot send from there.
    pub fn udp_send_from(
        &mut self,
        now: Instant,
        id: UdpId,
        payload: &[u8],
        from: SocketAddr,
        to: SocketAddr,
    ) -> Result<usize, SendError> {
        self.send_datagram(now, id, payload, Some(from), Some(to))
    }

    fn send_datagram(
        &mut self,
        now: Instant,
        id: UdpId,
        payload: &[u8],
        from: Option<SocketAddr>,
        to: Option<SocketAddr>,
    ) -> Result<usize, SendError> {
        let send_buffer = self.udp.config.send_buffer;
        let socket = self.udp.get_mut(id).ok_or(SendError::NoSuchSocket)?;
        if let Some(error) = socket.error.take() {
            return Err(SendError::Failed(error));
        }
        let to = reachable(to.or(socket.remote).ok_or(SendError::NoDestination)?);
        if to.port() == 0 || !socket.speaks(to.ip()) {
            return Err(SendError::InvalidDestination);
        }
        if payload.len() > maximum_payload(to) {
            return Err(SendError::TooLong);
        }
        if socket.unsent >= send_buffer {
            socket.blocked = true;
            return Err(SendError::WouldBlock);
        }
        let local = match from {
            Some(from) => socket.sends_from(from).ok_or(SendError::AddressNotAvailable)?,
            None if socket.bound.port() == EVERY_PORT => return Err(SendError::AddressNotAvailable),
            None => socket.local(),
        };
        let broadcast = socket.broadcast;
        let hops = match to.ip() {
            IpAddr::V4(to) if to.is_multicast() => Some(socket.multicast.time_to_live),
            _ => socket.time_to_live,
        };
        if self.is_broadcast(to.ip()) && !broadcast {
            return Err(SendError::BroadcastNotAllowed);
        }
        self.queue_datagram(now, id, payload, (local, to), hops)?;
        Ok(payload.len())
    }

    fn queue_datagram(
        &mut self,
        _now: Instant,
        id: UdpId,
        payload: &[u8],
        (local, to): (SocketAddr, SocketAddr),
        time_to_live: Option<u8>,
    ) -> Result<(), SendError> {
        let way = self.way_as(to, source_of(local.ip())).map_err(|reason| match reason {
            NoWay::Route => SendError::NoRoute,
            NoWay::Source => SendError::AddressNotAvailable,
        })?;
        let mut packet = frame_with(&mut self.pool, payload);
        udp::Header { source_port: local.port(), destination_port: to.port(), length: 0 }.prepend_to(
            &mut packet,
            way.source,
            to.ip(),
        );
        match (way.source, to.ip()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => ipv4::Header {
                dont_fragment: false,
                identification: self.identification.next(source, destination, protocol::UDP),
                time_to_live: time_to_live.unwrap_or(self.config.time_to_live),
                ..ipv4::Header::new(source, destination, protocol::UDP)
            }
            .prepend_to(&mut packet),
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let ends = (source, destination);
                self.prepend_v6(&mut packet, way.interface, ends, protocol::UDP, time_to_live);
            }
            _ => return Err(SendError::InvalidDestination),
        }
        if to.ip().is_multicast() {
            self.bring_back(id, payload, SocketAddr::new(way.source, local.port()), to, way.interface);
        }
        let cost = Owner::cost(&packet);
        let waiting = Waiting { owner: Owner::Udp(id), next_hop: way.next_hop, packet };
        let interface = self.interfaces.get_mut(way.interface.index()).ok_or(SendError::NoRoute)?;
        if !interface.push_waiting(waiting) {
            // As on a full wire: the datagram is lost, and nobody waits for the others' room.
            self.counters.dropped.count(Dropped::OutputQueueFull);
            return Ok(());
        }
        self.counters.udp.sent += 1;
        if let Some(socket) = self.udp.get_mut(id) {
            socket.unsent += cost;
        }
        Ok(())
    }

    /// Takes the next datagram: copies as much of it as fits into `buffer`, and returns the bytes copied, the bytes it had
    /// and its sender. The rest of a longer datagram is gone.
    ///
    /// # Errors
    /// When nothing has arrived, or an earlier datagram failed.
    pub fn udp_receive(
        &mut self,
        id: UdpId,
        buffer: &mut [u8],
    ) -> Result<(usize, usize, SocketAddr), ReceiveError> {
        self.udp_receive_to(id, buffer).map(|received| (received.copied, received.length, received.from))
    }

    /// As [`Stack::udp_receive`], and tells where the datagram was sent to.
    ///
    /// # Errors
    /// As [`Stack::udp_receive`].
    pub fn udp_receive_to(&mut self, id: UdpId, buffer: &mut [u8]) -> Result<Received, ReceiveError> {
        self.udp.get_mut(id).ok_or(ReceiveError::NoSuchSocket)?.receive(buffer, false)
    }

    /// As [`Stack::udp_receive`], but leaves the datagram where it is.
    ///
    /// # Errors
    /// When nothing has arrived, or an earlier datagram failed.
    pub fn udp_peek(
        &mut self,
        id: UdpId,
        buffer: &mut [u8],
    ) -> Result<(usize, usize, SocketAddr), ReceiveError> {
        self.udp_peek_to(id, buffer).map(|received| (received.copied, received.length, received.from))
    }

    /// As [`Stack::udp_receive_to`], but leaves the datagram where it is.
    ///
    /// # Errors
    /// As [`Stack::udp_receive`].
    pub fn udp_peek_to(&mut self, id: UdpId, buffer: &mut [u8]) -> Result<Received, ReceiveError> {
        self.udp.get_mut(id).ok_or(ReceiveError::NoSuchSocket)?.receive(buffer, true)
    }

    /// Closes a socket. What it has sent still leaves; what has arrived is gone.
    pub fn udp_close(&mut self, id: UdpId) {
        for (interface, group) in self.udp.close(id) {
            self.leave_group(Instant::ZERO, InterfaceId::from_number(interface), group);
        }
    }

    /// The socket's own address: unspecified while it is bound to every address and not connected.
    pub fn udp_local(&self, id: UdpId) -> Option<SocketAddr> {
        Some(self.udp.get(id)?.local())
    }

    /// Where the socket is connected to.
    pub fn udp_remote(&self, id: UdpId) -> Option<SocketAddr> {
        self.udp.get(id)?.remote
    }

    /// What the socket can do at once.
    pub fn udp_readiness(&self, id: UdpId) -> UdpReadiness {
        self.udp.get(id).map_or(UdpReadiness::NONE, |socket| socket.readiness(self.udp.config.send_buffer))
    }

    /// Takes word of a failed datagram of a connected socket (RFC 1122 4.1.3.3).
    pub fn udp_take_error(&mut self, id: UdpId) -> Option<IcmpError> {
        self.udp.get_mut(id)?.error.take()
    }

    /// Allows or forbids sending to broadcast addresses; at first it is forbidden. False if there is no such socket.
    pub fn udp_set_broadcast(&mut self, id: UdpId, allowed: bool) -> bool {
        self.udp.get_mut(id).map(|socket| socket.broadcast = allowed).is_some()
    }

    /// Whether sending to broadcast addresses is allowed.
    pub fn udp_broadcast(&self, id: UdpId) -> Option<bool> {
        Some(self.udp.get(id)?.broadcast)
    }

    /// Sets the time to live of the socket's datagrams, in hops, at least 1. False if there is no such socket.
    pub fn udp_set_ttl(&mut self, id: UdpId, hops: u8) -> bool {
        self.udp.get_mut(id).map(|socket| socket.time_to_live = Some(hops.max(1))).is_some()
    }

    /// The time to live of the socket's datagrams, in hops.
    pub fn udp_ttl(&self, id: UdpId) -> Option<u8> {
        Some(self.udp.get(id)?.time_to_live.unwrap_or(self.config.time_to_live))
    }
}
