//! Where packets go and from which address.

use super::state::Stack;
use super::way::{LastWay, Way};
use crate::config::Medium;
use crate::error::RouteError;
use crate::interface::{Interface, InterfaceId};
use crate::route::Route;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use ipnet::IpNet;
use wire::ethernet::MacAddress;

/// Why there is no way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoWay {
    Route,
    Source,
}

impl Stack {
    /// Adds a route to `destination` over `interface`: by `gateway`, or directly to hosts on its link.
    ///
    /// # Errors
    /// When the interface is unknown, the gateway unsuitable, the route there already or the table full.
    pub fn add_route(
        &mut self,
        destination: IpNet,
        gateway: Option<IpAddr>,
        interface: InterfaceId,
    ) -> Result<(), RouteError> {
        if self.interfaces.get(interface.index()).is_none() {
            return Err(RouteError::NoSuchInterface);
        }
        if let Some(gateway) = gateway {
            let unicast = match gateway {
                IpAddr::V4(gateway) => is_host(gateway),
                IpAddr::V6(gateway) => !gateway.is_multicast() && !gateway.is_unspecified(),
            };
            if gateway.is_ipv4() != destination.addr().is_ipv4() || !unicast {
                return Err(RouteError::UnsuitableGateway);
            }
        }
        self.routes.add(Route { destination: destination.trunc(), gateway, interface })?;
        self.forget_recent();
        Ok(())
    }

    /// Removes a route.
    ///
    /// # Errors
    /// When there is no such route.
    pub fn remove_route(
        &mut self,
        destination: IpNet,
        gateway: Option<IpAddr>,
        interface: InterfaceId,
    ) -> Result<(), RouteError> {
        self.routes.remove(Route { destination: destination.trunc(), gateway, interface })?;
        self.forget_recent();
        Ok(())
    }

    /// All routes, longest prefix first.
    pub fn routes(&self) -> impl Iterator<Item = Route> + '_ {
        self.routes.iter().copied()
    }

    /// Routes or addresses changed: no interface may go on by what it remembers.
    /// Somebody who knows, such as the link's DHCP server, says that `hardware` has `address` now: whoever was known to have it is
    /// forgotten, and who has it is asked for when there is something to send there. Whether another one was known.
    pub fn forget_neighbour(&mut self, address: IpAddr, hardware: MacAddress) -> bool {
        let mut known = false;
        for interface in &mut self.interfaces {
            known |= interface.neighbours.forget(address, hardware, &mut self.timers);
        }
        if known {
            self.forget_recent();
        }
        known
    }

    pub(crate) fn forget_recent(&mut self) {
        self.revision += 1;
        for interface in &mut self.interfaces {
            interface.recent.clear();
        }
    }

    pub(crate) fn interface(&self, id: InterfaceId) -> Option<&Interface> {
        self.interfaces.get(id.index())
    }

    pub(crate) fn is_up(&self, id: InterfaceId) -> bool {
        self.interface(id).is_some_and(|interface| interface.up)
    }

    pub(crate) fn loopback(&self) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.up && interface.medium == Medium::Loopback)
    }

    /// Whether `address` is this host's: assigned to an interface, or any of 127.0.0.0/8 if there is a loopback interface
    /// (RFC 1122 3.2.1.3 g).
    pub(crate) fn is_own(&self, address: IpAddr) -> bool {
        let address = match address {
            IpAddr::V4(address) => address,
            IpAddr::V6(address) => {
                return self.interfaces.iter().any(|interface| interface.v6.is_assigned(address));
            }
        };
        if address.is_loopback() {
            return self.loopback().is_some();
        }
        self.interfaces.iter().any(|interface| interface.addresses.is_assigned(address))
    }

    /// Whether `address` is a broadcast address of this host's links.
    pub(crate) fn is_broadcast(&self, address: IpAddr) -> bool {
        let IpAddr::V4(address) = address else { return false };
        address.is_broadcast()
            || self.interfaces.iter().any(|interface| interface.addresses.is_broadcast(address))
    }

    /// The way to `remote`, from `local` if that is wanted.
    pub(crate) fn way_to(&self, remote: IpAddr, local: Option<IpAddr>) -> Result<Way, NoWay> {
        let destination = match remote {
            IpAddr::V4(destination) => destination,
            IpAddr::V6(destination) => return self.way_to_v6(destination, local, None),
        };
        let local = local.filter(|local| !local.is_unspecified());
        if let Some(local) = local
            && !self.is_own(local)
        {
            return Err(NoWay::Source);
        }
        if self.is_own(remote) {
            let interface = self.loopback().ok_or(NoWay::Route)?.id;
            return Ok(Way { interface, next_hop: remote, source: local.unwrap_or(remote) });
        }
        if destination.is_loopback() || destination.is_unspecified() {
            return Err(NoWay::Route);
        }
        let home = local.and_then(|local| self.home_of(local));
        let link_wide = destination.is_broadcast() || destination.is_multicast();
        let (interface, next_hop) = match home {
            Some(home) if link_wide => (home, remote),
            _ => self
                .route(remote, home)
                .or_else(|| if link_wide { self.first_link().map(|id| (id, remote)) } else { None })
                .or_else(|| self.nameless_link(destination).map(|id| (id, remote)))
                .ok_or(NoWay::Route)?,
        };
        let next_hop = if link_wide { remote } else { next_hop };
        let source = match local {
            Some(local) if local.is_loopback() => return Err(NoWay::Route),
            Some(local) => local,
            None => self
                .source_on(interface, next_hop)
                .or_else(|| self.nameless_link(destination).map(|_| IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
                .ok_or(NoWay::Source)?,
        };
        Ok(Way { interface, next_hop, source })
    }

    /// The way of a connection to `remote`, if it is that of the last one.
    #[inline]
    pub(super) fn way_again(&self, remote: IpAddr, local: Option<IpAddr>) -> Option<&Way> {
        self.last_way.as_ref()?.leads(self.revision, remote, local)
    }

    /// Remembers the way of a connection for the next.
    pub(super) fn remember_way(&mut self, remote: IpAddr, local: Option<IpAddr>, way: Way) {
        if let IpAddr::V4(remote) = remote {
            self.last_way = Some(LastWay::new(self.revision, remote, local, way));
        }
    }

    /// The best route to `remote`, preferably over the interface that has the source address, so that answers that take the
    /// same way back find it (RFC 1122 3.3.4.2, the strong model).
    pub(crate) fn route(&self, remote: IpAddr, home: Option<InterfaceId>) -> Option<(InterfaceId, IpAddr)> {
        let at_home = home.and_then(|home| self.routes.lookup(remote, |id| id == home && self.is_up(id)));
        let route = at_home.or_else(|| self.routes.lookup(remote, |id| self.is_up(id)))?;
        Some((route.interface, route.gateway.unwrap_or(remote)))
    }

    /// The next hop to `remote` over `interface`, for packets whose interface is settled.
    pub(crate) fn next_hop_over(&self, interface: InterfaceId, remote: IpAddr) -> Option<IpAddr> {
        if let IpAddr::V6(remote) = remote
            && (remote.is_multicast() || wire::ipv6::is_link_local(remote))
        {
            return Some(IpAddr::V6(remote));
        }
        // What this host says to itself needs no route (RFC 1122 3.3.1.1).
        if self.interface(interface)?.medium == Medium::Loopback {
            return Some(remote);
        }
        let route = self.routes.lookup(remote, |id| id == interface)?;
        Some(route.gateway.unwrap_or(remote))
    }

    pub(crate) fn home_of(&self, local: IpAddr) -> Option<InterfaceId> {
        let home = self.interfaces.iter().find(|interface| match local {
            IpAddr::V4(local) => interface.addresses.is_assigned(local),
            IpAddr::V6(local) => interface.v6.is_assigned(local),
        })?;
        (home.up && home.medium != Medium::Loopback).then_some(home.id)
    }

    fn first_link(&self) -> Option<InterfaceId> {
        let usable = |interface: &&Interface| {
            interface.up
                && interface.medium != Medium::Loopback
                && interface.addresses.source_for(Ipv4Addr::UNSPECIFIED).is_some()
        };
        self.interfaces.iter().find(usable).map(|interface| interface.id)
    }

    /// The link by which a host that has no address yet asks everybody on it for one, from no address (RFC 1122 3.2.1.3 a).
    fn nameless_link(&self, destination: Ipv4Addr) -> Option<InterfaceId> {
        if !destination.is_broadcast() || self.first_link().is_some() {
            return None;
        }
        let stations =
            |interface: &&Interface| interface.up && matches!(interface.medium, Medium::Ethernet(_));
        self.interfaces.iter().find(stations).map(|interface| interface.id)
    }

    pub(super) fn source_on(&self, interface: InterfaceId, next_hop: IpAddr) -> Option<IpAddr> {
        let IpAddr::V4(next_hop) = next_hop else { return None };
        self.interface(interface)?.addresses.source_for(next_hop).map(IpAddr::V4)
    }
}

/// Whether a host can have `address` (RFC 1122 3.2.1.3).
pub(crate) fn is_host(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    first != 0 && first < 224
}

/// Whether a host can have `address`: it is no group, and neither unspecified nor mapped.
pub(crate) fn is_host_v6(address: Ipv6Addr) -> bool {
    !address.is_multicast() && !address.is_unspecified() && address.to_ipv4_mapped().is_none()
}
