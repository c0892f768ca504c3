//! The UDP sockets of a host, found by address and port.

use super::id::UdpId;
use super::readiness::UdpReadiness;
use super::socket::{Delivery, EVERY_PORT, Socket, is_same};
use crate::config::UdpConfig;
use crate::dropped::Dropped;
use crate::error::BindError;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use basis::{Frame, HashKey, Slab};
use core::hash::BuildHasher;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use hashbrown::HashMap;
use tcp::IcmpError;

/// Sockets that can share one address and port (SO_REUSEPORT).
pub(crate) const MAX_SHARERS: usize = 64;

/// The sockets. One has an address and port for itself; one bound to every address has the port for itself; unless all of them share.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) config: UdpConfig,
    sockets: Slab<Socket>,
    by_address: HashMap<SocketAddr, UdpId, HashKey>,
    /// All that share one place, where they are more than one.
    sharing: HashMap<SocketAddr, Vec<UdpId>, HashKey>,
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
            sharing: HashMap::with_hasher(key),
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

    pub(crate) fn bind(&mut self, local: SocketAddr, dual: bool, shares: bool) -> Result<UdpId, BindError> {
        if self.is_full() || places(local, dual).any(|place| self.sharers(place).len() >= MAX_SHARERS) {
            return Err(BindError::TooManySockets);
        }
        if !(self.is_free(local, dual) || shares && self.is_shared(local, dual)) {
            return Err(BindError::AddressInUse);
        }
        let mut socket = Socket::new(local, dual);
        socket.shares = shares;
        let id = UdpId(self.sockets.insert(socket).ok_or(BindError::TooManySockets)?);
        for place in places(local, dual) {
            if let Some(first) = self.by_address.get(&place) {
                self.sharing.entry(place).or_insert_with(|| Vec::from([*first])).push(id);
            } else {
                self.by_address.insert(place, id);
            }
            *self.ports.entry((place.is_ipv6(), place.port())).or_insert(0) += 1;
        }
        Ok(id)
    }

    /// Whether all sockets that keep others from `local` would share it. Rare: it walks the sockets.
    fn is_shared(&self, local: SocketAddr, dual: bool) -> bool {
        self.sockets.iter().all(|(_, socket)| {
            let meets = |place: SocketAddr| {
                places(socket.bound, socket.dual).any(|other| {
                    let wide = place.ip().is_unspecified() || other.ip().is_unspecified();
                    place.is_ipv6() == other.is_ipv6()
                        && place.port() == other.port()
                        && (wide || place.ip() == other.ip())
                })
            };
            socket.shares || !places(local, dual).any(meets)
        })
    }

    fn sharers(&self, place: SocketAddr) -> &[UdpId] {
        self.sharing.get(&place).map_or(&[], Vec::as_slice)
    }

    /// Returns the groups that it had joined.
    pub(crate) fn close(&mut self, id: UdpId) -> Vec<(u8, IpAddr)> {
        let Some(socket) = self.sockets.remove(id.0) else { return Vec::new() };
        for place in places(socket.bound, socket.dual) {
            self.leave_place(place, id);
        }
        if socket.untold != UdpReadiness::NONE {
            self.untold.retain(|other| *other != id);
        }
        socket.multicast.groups
    }

    fn leave_place(&mut self, place: SocketAddr, id: UdpId) {
        let left = self.sharing.get_mut(&place).and_then(|sharing| {
            sharing.retain(|other| *other != id);
            sharing.first().copied().map(|first| (first, sharing.len()))
        });
        match left {
            Some((first, count)) => {
                self.by_address.insert(place, first);
                if count < 2 {
                    self.sharing.remove(&place);
                }
            }
            None => {
                self.by_address.remove(&place);
            }
        }
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
        let (place, id) = match broadcast {
            true => (any(destination), *self.by_address.get(&any(destination))?),
            false => self.find_bound(destination)?,
        };
        let id = if self.sharing.is_empty() { id } else { self.choose(place, id, source, destination) };
        self.get(id)?.takes(source, destination.ip()).then_some(id)
    }

    /// The socket that has this address: alone, by having every address of that port, or by having all of them.
    fn find_bound(&self, local: SocketAddr) -> Option<(SocketAddr, UdpId)> {
        let everywhere = any(local);
        let places = [local, everywhere, SocketAddr::new(everywhere.ip(), EVERY_PORT)];
        places.into_iter().find_map(|place| Some((place, *self.by_address.get(&place)?)))
    }

    /// Of those who share a place, the one that is connected to `source`, or one of those that are not connected: always the same for
    /// both addresses and ports, and nobody outside knows which.
    #[cold]
    fn choose(&self, place: SocketAddr, first: UdpId, source: SocketAddr, destination: SocketAddr) -> UdpId {
        let sharing = self.sharers(place);
        let peer = |id: &UdpId| self.get(*id).and_then(|socket| socket.remote);
        if let Some(own) = sharing.iter().find(|id| peer(id).is_some_and(|peer| is_same(peer, source))) {
            return *own;
        }
        let free = sharing.iter().filter(|id| peer(id).is_none()).count() as u64;
        let share = ((self.sharing.hasher().hash_one((source, destination)) >> 32) * free) >> 32;
        sharing.iter().filter(|id| peer(id).is_none()).nth(share as usize).copied().unwrap_or(first)
    }

    /// The socket for a datagram from `source` to the group `destination` that came by the interface with this number: one that has joined there.
    pub(crate) fn find_joined(
        &self,
        source: SocketAddr,
        destination: SocketAddr,
        interface: u8,
    ) -> Option<UdpId> {
        self.find_all_joined(source, destination, interface).next()
    }

    /// All of them, where several share a place.
    pub(crate) fn find_all_joined(
        &self,
        source: SocketAddr,
        destination: SocketAddr,
        interface: u8,
    ) -> impl Iterator<Item = UdpId> {
        let place = [destination, any(destination)];
        let found = place.into_iter().find_map(|place| Some((place, self.by_address.get(&place)?)));
        let (sharing, alone) = match found {
            Some((place, first)) if self.sharers(place).is_empty() => (&[][..], Some(first)),
            Some((place, _)) => (self.sharers(place), None),
            None => (&[][..], None),
        };
        sharing.iter().chain(alone).copied().filter(move |id| {
            self.get(*id).is_some_and(|socket| {
                socket.multicast.groups.contains(&(interface, destination.ip()))
                    && socket.remote.is_none_or(|remote| is_same(remote, source))
            })
        })
    }

    /// Queues a copy of a group's datagram at every other socket that has joined than `first`, who gets it anyway.
    pub(crate) fn share_with_group(
        &mut self,
        first: UdpId,
        delivery: Delivery,
        interface: u8,
        payload: &Frame,
    ) {
        if self.sharing.is_empty() {
            return;
        }
        let joined: Vec<UdpId> = self.find_all_joined(delivery.from, delivery.to, interface).collect();
        for id in joined.into_iter().filter(|id| *id != first) {
            // A full queue is its owner's own.
            let _ = self.deliver(id, delivery, &mut payload.clone());
        }
    }

    /// Queues a datagram's payload at its socket.
    pub(crate) fn deliver(
        &mut self,
        id: UdpId,
        delivery: Delivery,
        payload: &mut Frame,
    ) -> Result<(), Dropped> {
        let most = self.config.receive_buffer;
        let socket = self.get_mut(id).ok_or(Dropped::UdpNoSocket)?;
        if !socket.push(delivery, payload, most) {
            return Err(Dropped::UdpQueueFull);
        }
        self.tell(id, UdpReadiness::READABLE);
        Ok(())
    }

    /// A datagram from `local` to `remote` failed. Only a connected socket is told: another would not know which of its
    /// datagrams it was (RFC 1122 4.1.3.3). False if no socket sent it.
    pub(crate) fn on_error(&mut self, local: SocketAddr, remote: SocketAddr, error: IcmpError) -> bool {
        let Some((place, id)) = self.find_bound(local) else { return false };
        let id = if self.sharing.is_empty() { id } else { self.choose(place, id, remote, local) };
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
