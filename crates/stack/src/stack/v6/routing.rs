//! Where IPv6 packets go and from which address.

use crate::config::Medium;
use crate::interface::{Interface, InterfaceId};
use crate::stack::routing::NoWay;
use crate::stack::state::Stack;
use crate::stack::way::Way;
use core::net::{IpAddr, Ipv6Addr, SocketAddr};
use wire::ipv6::is_link_local;

impl Stack {
    /// The way to `remote`, from `local` if that is wanted, by `zone` if `remote` is valid on one link alone.
    pub(crate) fn way_to_v6(
        &self,
        remote: Ipv6Addr,
        local: Option<IpAddr>,
        zone: Option<InterfaceId>,
    ) -> Result<Way, NoWay> {
        let local = match local.filter(|local| !local.is_unspecified()) {
            Some(IpAddr::V6(local)) if self.is_own(IpAddr::V6(local)) => Some(local),
            None => None,
            Some(_) => return Err(NoWay::Source),
        };
        let next_hop = IpAddr::V6(remote);
        if self.is_own(next_hop) {
            let interface = self.loopback().ok_or(NoWay::Route)?.id;
            return Ok(Way { interface, next_hop, source: IpAddr::V6(local.unwrap_or(remote)) });
        }
        if remote.is_loopback() || remote.is_unspecified() || remote.to_ipv4_mapped().is_some() {
            return Err(NoWay::Route);
        }
        let home = zone.or_else(|| self.home_of(IpAddr::V6(local?)));
        let (interface, next_hop) = if remote.is_multicast() {
            let interface = home.or_else(|| self.first_link_v6()).ok_or(NoWay::Route)?;
            (interface, next_hop)
        } else if is_link_local(remote) {
            // RFC 4007 6: without a zone it is anybody's guess; the first link is as good as any.
            let interface = home.or_else(|| self.first_link_v6()).ok_or(NoWay::Route)?;
            (interface, next_hop)
        } else {
            self.route(next_hop, home).ok_or(NoWay::Route)?
        };
        let source = match local {
            Some(local) if local.is_loopback() => return Err(NoWay::Route),
            Some(local) => local,
            None => self.source_on_v6(interface, remote).ok_or(NoWay::Source)?,
        };
        Ok(Way { interface, next_hop, source: IpAddr::V6(source) })
    }

    /// The way to a socket's peer, whose address may name the zone in which it is valid (RFC 4007 6).
    pub(crate) fn way_to_socket(&self, remote: SocketAddr, local: Option<IpAddr>) -> Result<Way, NoWay> {
        match remote {
            SocketAddr::V4(_) => self.way_to(remote.ip(), local),
            SocketAddr::V6(remote) => {
                let zone = InterfaceId::from_scope(remote.scope_id());
                self.way_to_v6(*remote.ip(), local, zone.filter(|zone| self.is_up(*zone)))
            }
        }
    }

    pub(crate) fn source_on_v6(&self, interface: InterfaceId, destination: Ipv6Addr) -> Option<Ipv6Addr> {
        self.interface(interface)?.v6.source_for(destination)
    }

    fn first_link_v6(&self) -> Option<InterfaceId> {
        let usable = |interface: &&Interface| {
            interface.up
                && interface.medium != Medium::Loopback
                && interface.v6.source_for(Ipv6Addr::UNSPECIFIED).is_some()
        };
        self.interfaces.iter().find(usable).map(|interface| interface.id)
    }

    /// The hop limit of packets whose owner did not choose one: the owner's, or what a router of the link has told.
    pub(crate) fn hop_limit(&self, interface: InterfaceId) -> u8 {
        let told = self.interface(interface).and_then(|interface| interface.v6.hop_limit);
        told.unwrap_or(self.config.time_to_live)
    }

    /// The servers of names that routers have told (RFC 8106).
    pub fn name_servers(&self, now: basis::Instant) -> impl Iterator<Item = (InterfaceId, Ipv6Addr)> + '_ {
        self.interfaces
            .iter()
            .flat_map(move |interface| interface.v6.name_servers(now).map(|server| (interface.id, server)))
    }
}
