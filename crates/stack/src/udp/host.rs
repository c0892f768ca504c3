//! The UDP sockets of a host, found by address and port.

use super::id::UdpId;
use super::readiness::UdpReadiness;
use super::socket::Socket;
use crate::config::UdpConfig;
use crate::dropped::Dropped;
use crate::error::BindError;
use alloc::collections::VecDeque;
use basis::{Frame, HashKey, Slab};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use hashbrown::HashMap;
use tcp::IcmpError;

/// The sockets. One has an address and port for itself; one bound to every address has the port for itself.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) config: UdpConfig,
    sockets: Slab<Socket>,
    by_address: HashMap<SocketAddr, UdpId, HashKey>,
    /// Sockets of each port.
    ports: HashMap<u16, u32, HashKey>,
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

    /// Whether a socket could be bound to `local`.
    pub(crate) fn is_free(&self, local: SocketAddr) -> bool {
        match self.ports.get(&local.port()) {
            None => true,
            Some(_) if local.ip().is_unspecified() => false,
            Some(_) => {
                !self.by_address.contains_key(&local) && !self.by_address.contains_key(&any(local.port()))
            }
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.sockets.len() >= self.config.max_sockets
    }

    pub(crate) fn bind(&mut self, local: SocketAddr) -> Result<UdpId, BindError> {
        if self.is_full() {
            return Err(BindError::TooManySockets);
        }
        if !self.is_free(local) {
            return Err(BindError::AddressInUse);
        }
        let id = UdpId(self.sockets.insert(Socket::new(local)).ok_or(BindError::TooManySockets)?);
        self.by_address.insert(local, id);
        *self.ports.entry(local.port()).or_insert(0) += 1;
        Ok(id)
    }

    pub(crate) fn close(&mut self, id: UdpId) {
        let Some(socket) = self.sockets.remove(id.0) else { return };
        self.by_address.remove(&socket.bound);
        if let Some(count) = self.ports.get_mut(&socket.bound.port()) {
            *count -= 1;
            if *count == 0 {
                self.ports.remove(&socket.bound.port());
            }
        }
        if socket.untold != UdpReadiness::NONE {
            self.untold.retain(|other| *other != id);
        }
    }

    /// The socket for a datagram from `source` to `destination`, which is `broadcast` or one of our addresses.
    pub(crate) fn find(&self, source: SocketAddr, destination: SocketAddr, broadcast: bool) -> Option<UdpId> {
        let exact = if broadcast { None } else { self.by_address.get(&destination) };
        let id = *exact.or_else(|| self.by_address.get(&any(destination.port())))?;
        self.get(id)?.takes(source, destination.ip()).then_some(id)
    }

    /// Queues a datagram's payload at its socket.
    pub(crate) fn deliver(
        &mut self,
        id: UdpId,
        from: SocketAddr,
        payload: &mut Frame,
    ) -> Result<(), Dropped> {
        let most = self.config.receive_buffer;
        let socket = self.get_mut(id).ok_or(Dropped::UdpNoSocket)?;
        if !socket.push(from, payload, most) {
            return Err(Dropped::UdpQueueFull);
        }
        self.tell(id, UdpReadiness::READABLE);
        Ok(())
    }

    /// A datagram from `local` to `remote` failed. Only a connected socket is told: another would not know which of its
    /// datagrams it was (RFC 1122 4.1.3.3). False if no socket sent it.
    pub(crate) fn on_error(&mut self, local: SocketAddr, remote: SocketAddr, error: IcmpError) -> bool {
        let found = self.by_address.get(&local).or_else(|| self.by_address.get(&any(local.port())));
        let Some(id) = found.copied() else { return false };
        let Some(socket) = self.get_mut(id) else { return false };
        match socket.remote {
            None => true,
            Some(peer) if peer == remote && socket.local == local.ip() => {
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

fn any(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)
}

#[cfg(test)]
mod tests;
