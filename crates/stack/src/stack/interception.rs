//! Interception: packets for addresses that nobody here has are taken in, and answered in their names.

use super::routing::{NoWay, is_host, is_host_v6};
use super::state::Stack;
use super::way::Way;
use crate::config::Medium;
use crate::error::BindError;
use crate::interface::{Interface, InterfaceId};
use core::net::{IpAddr, SocketAddr};
use tcp::{ListenError, ListenerId, SocketOptions};

impl Stack {
    /// Whether an interface takes in what is for anybody: TCP segments and UDP datagrams to every unicast address are then this
    /// host's, as if it had that address, and it answers from there. Echo requests to such addresses wait for who opens
    /// [`Stack::ping_open_any`]; else they stay unanswered, for nobody knows who is there. A packet for a stranger that has no hop left
    /// ends here, as at a router, and its sender is told. What reaches the interface is up to the others: they must take this host for their router, for it
    /// claims no address that it does not have (neither ARP nor neighbour discovery answers for one). At first no interface does.
    /// False if there is no such interface, or if it is the loopback.
    pub fn set_interception(&mut self, interface: InterfaceId, on: bool) -> bool {
        self.revision += 1;
        let entry = self.interfaces.get_mut(interface.index());
        let link = entry.filter(|interface| interface.medium != Medium::Loopback);
        link.map(|interface| interface.intercepts = on).is_some()
    }

    /// Listens on every address and every port, where nobody else does; with [`Stack::set_interception`] on those of strangers too.
    /// A connection's local address is what its caller called.
    ///
    /// # Errors
    /// When another does so, or there is no room.
    pub fn tcp_listen_any(&mut self, backlog: u32, options: SocketOptions) -> Result<ListenerId, BindError> {
        self.tcp.listen(None, 0, backlog, options).map_err(|error| match error {
            ListenError::AddressInUse => BindError::AddressInUse,
            ListenError::TooManyListeners => BindError::TooManySockets,
        })
    }

    /// Whether this host may speak as `address` though it does not have it.
    pub(super) fn speaks_as(&self, address: IpAddr) -> bool {
        self.is_own(address) || is_foreign_host(address) && self.interfaces.iter().any(|one| one.intercepts)
    }

    /// The way to `to` from `source`, which may be anybody's where an interface intercepts.
    pub(super) fn way_as(&self, to: SocketAddr, source: Option<IpAddr>) -> Result<Way, NoWay> {
        let Some(source) = source.filter(|source| !self.is_own(*source)) else {
            return self.way_to_socket(to, source);
        };
        if self.is_own(to.ip()) {
            return Err(NoWay::Source);
        }
        let (interface, next_hop) = self.route(to.ip(), None).ok_or(NoWay::Route)?;
        if !self.interface(interface).is_some_and(|interface| takes(interface, source)) {
            return Err(NoWay::Source);
        }
        Ok(Way { interface, next_hop, source })
    }
}

/// Whether an interface takes in what is for `address`, which is nobody's here.
pub(super) fn takes(interface: &Interface, address: IpAddr) -> bool {
    interface.intercepts && is_foreign_host(address)
}

/// Whether some host can have `address` and be reached by a router.
fn is_foreign_host(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_host(address) && !address.is_loopback() && !address.is_link_local(),
        IpAddr::V6(address) => {
            is_host_v6(address) && !address.is_loopback() && !wire::ipv6::is_link_local(address)
        }
    }
}
