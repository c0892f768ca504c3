//! The UDP sockets of a host, found by address and port.

use super::id::UdpId;
use super::readiness::UdpReadiness;
use super::socket::{EVERY_PORT, Socket, is_same};
use crate::config::UdpConfig;
use crate::dropped::Dropped;
use crate::error::BindError;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use basis::{Frame, HashKey, Slab};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use hashbrown::HashMap;
use tcp::IcmpError;

/// The sockets. One has an address and port for itself; one bound to every address has the port for itself.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) config: UdpConfig,
    sockets: Slab<Socket>,
    by_address: HashMap<SocketAddr, UdpId, HashKey>,
    /// Sockets of each port, by whether they are on addresses of IPv6.
    ports: HashMap<(bool, u16), u32, HashKey>,
    /// Sockets with readiness that the owner was not told of; each at most once.
    untold: VecDeque<UdpId>,
}

impl Host {
    pub(crate) fn new(config: UdpConfig, key: HashKey) -> Host {
        Host {
            config,
            sockets: Slab::new(),
            by_address: HashMap::with_hasher(key),
            ports: HashMap::with_hasher(key),
            untold: VecDeque::new(),
        }
    }

    pub(crate) fn get(&self, id: UdpId) -> Option<&Socket> {
        self.sockets.get(id.0)
    }

    pub(crate) fn get_mut(&mut self, id: UdpId) -> Option<&mut Socket> {
        self.sockets.get_mut(id.0)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (UdpId, &Socket)> {
        self.sockets.iter().map(|(key, socket)| (UdpId(key), socket))
    }

    /// Whether a socket could be bound to `local`, and to every IPv4 address as well if it is `dual`.
    pub(crate) fn is_free(&self, local: SocketAddr, dual: bool) -> bool {
        places(local, dual).all(|place| match self.ports.get(&(place.is_ipv6(), place.port())) {
            None => true,
            Some(_) if place.ip().is_unspecified() => false,
            Some(_) => !self.by_address.contains_key(&place) && !self.by_address.contains_key(&any(place)),
        })
    }

    pub(crate) fn is_full(&self) -> bool {
        self.sockets.len() >= self.config.max_sockets
    }

    pub(crate) fn bind(&mut self, local: SocketAddr, dual: bool) -> Result<UdpId, BindError> {
        if self.is_full() {
            return Err(BindError::TooManySockets);
        }
        if !self.is_free(local, dual) {
            return Err(BindError::AddressInUse);
        }
        let id = UdpId(self.sockets.insert(Socket::new(local, dual)).ok_or(BindError::TooManySockets)?);
        for place in places(local, dual) {
            self.by_address.insert(place, id);
            *self.ports.entry((place.is_ipv6(), place.port())).or_insert(0) += 1;
        }
        Ok(id)
    }

    /// Returns the groups that it had joined.
    pub(crate) fn close(&mut self, id: UdpId) -> Vec<(u8, IpAddr)> {
        let Some(socket) = self.sockets.remove(id.0) else { return Vec::new() };
        for place in places(socket.bound, socket.dual) {
            self.leave_place(place);
        }
        if socket.untold != UdpReadiness::NONE {
            self.untold.retain(|other| *other != id);
        }
        socket.multicast.groups
    }

    fn leave_place(&mut self, place: SocketAddr) {
        self.by_address.remove(&place);
        let port = (place.is_ipv6(), place.port());
        if let Some(count) = self.ports.get_mut(&port) {
            *count -= 1;
            if *count == 0 {
                self.ports.remove(&port);
            }
        }
    }

    /// The socket for a datagram from `source` to `destination`, which is `broadcast` or one of our addresses.
    pub(crate) fn find(&self, source: SocketAddr, destination: SocketAddr, broadcast: bool) -> Option<UdpId> {
        let bound = |place: SocketAddr| self.by_address.get(&place);
        let id = match broadcast {
            true => *bound(any(destination))?,
            false => self.find_bound(destination)?,
        };
        self.get(id)?.takes(source, destination.ip()).then_some(id)
    }

    /// The socket that has this address: alone, by having every address of that port, or by having all of them.
    fn find_bound(&self, local: SocketAddr) -> Option<UdpId> {
        let everywhere = any(local);
        let places = [local, everywhere, SocketAddr::new(everywhere.ip(), EVERY_PORT)];
        places.into_iter().find_map(|place| self.by_address.get(&place)).copied()
    }

    /// The socket for a datagram from `source` to the group `destination` that came by the interface with this number: one that has joined there.
    pub(crate) fn find_joined(
        &self,
        source: SocketAddr,
        destination: SocketAddr,
        interface: u8,
    ) -> Option<UdpId> {
        let id = *self.by_address.get(&destination).or_else(|| self.by_address.get(&any(destination)))?;
        let socket = self.get(id)?;
        let joined = socket.multicast.groups.contains(&(interface, destination.ip()));
        (joined && socket.remote.is_none_or(|remote| is_same(remote, source))).then_some(id)
    }

    /// Queues a datagram's payload at its socket.
    pub(crate) fn deliver(
        &mut self,
        id: UdpId,
        from: SocketAddr,
        to: SocketAddr,
        payload: &mut Frame,
    ) -> Result<(), Dropped> {
        let most = self.config.receive_buffer;
        let socket = self.get_mut(id).ok_or(Dropped::UdpNoSocket)?;
        if !socket.push(from, to, payload, most) {
            return Err(Dropped::UdpQueueFull);
        }
        self.tell(id, UdpReadiness::READABLE);
        Ok(())
    }

    /// A datagram from `local` to `remote` failed. Only a connected socket is told: another would not know which of its
    /// datagrams it was (RFC 1122 4.1.3.3). False if no socket sent it.
    pub(crate) fn on_error(&mut self, local: SocketAddr, remote: SocketAddr, error: IcmpError) -> bool {
        let Some(id) = self.find_bound(local) else { return false };
        let Some(socket) = self.get_mut(id) else { return false };
        match socket.remote {
            None => true,
            Some(peer) if is_same(peer, remote) && socket.local == local.ip() => {
                // A smaller path MTU is seen to by fragmenting.
                if !matches!(error, IcmpError::PacketTooBig { .. } | IcmpError::TimeExceeded) {
                    socket.error = Some(error);
                    self.tell(id, UdpReadiness::READABLE | UdpReadiness::WRITABLE | UdpReadiness::FAILED);
                }
                true
            }
            Some(_) => false,
        }
    }

    /// A datagram that was charged `cost` has left or was dropped.
    pub(crate) fn on_sent(&mut self, id: UdpId, cost: usize) {
        let send_buffer = self.config.send_buffer;
        let Some(socket) = self.get_mut(id) else { return };
        socket.unsent = socket.unsent.saturating_sub(cost);
        if socket.blocked && socket.unsent <= send_buffer / 2 {
            socket.blocked = false;
            self.tell(id, UdpReadiness::WRITABLE);
        }
    }

    fn tell(&mut self, id: UdpId, readiness: UdpReadiness) {
        let Some(socket) = self.sockets.get_mut(id.0) else { return };
        if socket.untold == UdpReadiness::NONE {
            self.untold.push_back(id);
        }
        socket.untold |= readiness;
    }

    #[inline]
    pub(crate) fn poll_event(&mut self) -> Option<(UdpId, UdpReadiness)> {
        // A socket may have been closed meanwhile.
        while let Some(id) = self.untold.pop_front() {
            if let Some(socket) = self.get_mut(id) {
                return Some((id, core::mem::take(&mut socket.untold)));
            }
        }
        None
    }
}

/// Every address of the family of `address`, with its port.
fn any(address: SocketAddr) -> SocketAddr {
    let ip = match address {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    SocketAddr::new(ip, address.port())
}

/// Where a socket is found: at its address, and if it is `dual` at every IPv4 address too. No zone is part of that.
fn places(local: SocketAddr, dual: bool) -> impl Iterator<Item = SocketAddr> {
    let own = SocketAddr::new(local.ip(), local.port());
    let other = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), local.port());
    [Some(own), dual.then_some(other)].into_iter().flatten()
}

#[cfg(test)]
mod tests;
