//! What routers tell, and the addresses that come of it (RFC 4861 6.3.4, RFC 4862 5.5, RFC 8106).

use super::input::Arrival;
use crate::dropped::Dropped;
use crate::interface::v6::address::{Lifetime, Origin, OwnAddress};
use crate::interface::v6::link::{renewed, until};
use crate::interface::{AddressState, InterfaceId};
use crate::neighbour::Times;
use crate::route::Route;
use crate::stack::state::Stack;
use basis::Instant;
use core::net::{IpAddr, Ipv6Addr};
use core::time::Duration;
use ipnet::{IpNet, Ipv6Net};
use wire::ipv6::MINIMUM_MTU;
use wire::ndp::{Options, Prefix, Router};

/// How often another identifier is tried when an address is taken (RFC 7217 6: IDGEN_RETRIES).
const ATTEMPTS: u8 = 3;

impl Stack {
    /// A router has advertised itself.
    pub(crate) fn on_router(
        &mut self,
        arrival: Arrival,
        router: &Router,
        options: &Options,
    ) -> Result<(), Dropped> {
        let Arrival { now, interface: id, header, .. } = arrival;
        let interface = self.interfaces.get_mut(id.index()).ok_or(Dropped::NoSuchInterface)?;
        if !interface.v6.setting.is_some_and(|setting| setting.routers) {
            return Err(Dropped::IcmpIgnored);
        }
        self.counters.discovery.received_router_advertisements += 1;
        self.revision += 1;
        interface.v6.stop_soliciting();
        if router.hop_limit != 0 {
            interface.v6.hop_limit = Some(router.hop_limit);
        }
        let milliseconds = |time: u32| Duration::from_millis(u64::from(time));
        interface.neighbours.on_times(Times {
            reachable: milliseconds(router.reachable_time),
            retransmit: milliseconds(router.retransmit_time),
        });
        // RFC 4861 6.3.4: a router cannot make the link wider than it is, nor narrower than IPv6 allows.
        if let Some(mtu) = options.mtu.map(|mtu| mtu as usize)
            && (MINIMUM_MTU..=interface.mtu).contains(&mtu)
        {
            interface.v6.mtu = mtu;
        }
        if let Some(servers) = &options.name_servers {
            for server in &servers.addresses {
                interface.v6.put_name_server(*server, until(now, servers.lifetime));
            }
        }
        if let Some(station) = options.source {
            self.meet(arrival, station);
        }
        self.put_router(now, id, header.source, router.lifetime);
        for prefix in &options.prefixes {
            self.on_prefix(now, id, prefix);
        }
        self.plan_upkeep(id);
        Ok(())
    }

    fn put_router(&mut self, now: Instant, id: InterfaceId, router: Ipv6Addr, lifetime: u16) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        if lifetime == 0 && !interface.v6.is_router(router) {
            return;
        }
        // Lifetime 0 ends at once: the upkeep takes the route away.
        let until = now + Duration::from_secs(u64::from(lifetime));
        if interface.v6.put_router(router, until) {
            // A full table of routes leaves the router unused.
            let _ = self.routes.add(default_route(router, id));
            self.forget_recent();
        }
    }

    /// A prefix of the link (RFC 4861 6.3.4, RFC 4862 5.5.3).
    fn on_prefix(&mut self, now: Instant, id: InterfaceId, prefix: &Prefix) {
        let Ok(network) = Ipv6Net::new(prefix.address, prefix.length) else { return };
        let network = network.trunc();
        if wire::ipv6::is_link_local(network.addr()) || network.addr().is_multicast() {
            return;
        }
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let known = interface.v6.has_prefix(network);
        if prefix.on_link
            && (known || prefix.valid > 0)
            && interface.v6.put_prefix(network, until(now, prefix.valid))
        {
            let _ = self.routes.add(on_link(network, id));
            self.forget_recent();
        }
        if prefix.autonomous && prefix.preferred <= prefix.valid && prefix.length == 64 {
            self.form_address(now, id, network, prefix);
        }
    }

    /// RFC 4862 5.5.3 d and e.
    fn form_address(&mut self, now: Instant, id: InterfaceId, network: Ipv6Net, prefix: &Prefix) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let of_prefix =
            |own: &&mut OwnAddress| own.origin == Origin::Router && network.contains(&own.address);
        if let Some(own) = interface.v6.addresses.iter_mut().find(of_prefix) {
            own.set_lifetime(now, renewed(now, own.lifetime(), prefix.preferred, prefix.valid));
            return;
        }
        let Some(hardware) = interface.hardware() else { return };
        if prefix.valid == 0 {
            return;
        }
        let address = interface.v6.opaque(network.addr(), hardware, 0);
        let lifetime =
            Lifetime { preferred_until: until(now, prefix.preferred), valid_until: until(now, prefix.valid) };
        let times = interface.v6.setting.and_then(|setting| setting.times);
        let mut own = OwnAddress::new(Ipv6Net::new_assert(address, 64), Origin::Router, times);
        own.set_lifetime(now, lifetime);
        self.take_address_v6(now, id, own);
    }

    /// An address that the stack had formed is another station's: another one is tried.
    pub(crate) fn form_another(&mut self, now: Instant, id: InterfaceId, taken: Ipv6Addr) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let Some(hardware) = interface.hardware() else { return };
        let Some(old) = interface.v6.find(taken).cloned() else { return };
        if old.origin == Origin::Owner || old.attempt >= ATTEMPTS {
            return;
        }
        let attempt = old.attempt + 1;
        let address = interface.v6.opaque(taken, hardware, attempt);
        let times = interface.v6.setting.and_then(|setting| setting.times);
        let mut own = OwnAddress::new(Ipv6Net::new_assert(address, 64), old.origin, times);
        own.attempt = attempt;
        own.set_lifetime(now, old.lifetime());
        self.drop_address_v6(now, id, taken);
        self.take_address_v6(now, id, own);
    }

    /// A router does not answer: another one is tried first from now on (RFC 4861 6.3.6).
    pub(crate) fn on_silent_router(&mut self, id: InterfaceId, router: Ipv6Addr) {
        let is_router = self.interface(id).is_some_and(|interface| interface.v6.is_router(router));
        if is_router && self.routes.remove(default_route(router, id)).is_ok() {
            // It had a place a moment ago.
            let _ = self.routes.add(default_route(router, id));
            self.forget_recent();
        }
    }

    /// Takes away what routers told and whose time is over.
    pub(crate) fn expire_v6(&mut self, now: Instant, id: InterfaceId) {
        while let Some(router) = self.link_v6(id).and_then(|link| link.pop_router(now)) {
            let _ = self.routes.remove(default_route(router, id));
            self.forget_recent();
        }
        while let Some(prefix) = self.link_v6(id).and_then(|link| link.pop_prefix(now)) {
            let needed = self.interface(id).is_some_and(|interface| {
                interface
                    .v6
                    .addresses
                    .iter()
                    .any(|own| own.origin == Origin::Owner && own.network().trunc() == prefix)
            });
            if !needed {
                let _ = self.routes.remove(on_link(prefix, id));
                self.forget_recent();
            }
        }
        if let Some(link) = self.link_v6(id) {
            link.forget_name_servers(now);
        }
        while let Some(own) = self.link_v6(id).and_then(|link| link.pop_address(now)) {
            self.leave_solicited(now, id, own.address);
            self.tell_address(id, IpAddr::V6(own.address), AddressState::Expired);
            self.forget_recent();
        }
    }

    fn link_v6(&mut self, id: InterfaceId) -> Option<&mut crate::interface::v6::Link> {
        Some(&mut *self.interfaces.get_mut(id.index())?.v6)
    }
}

/// The route to everywhere by a router.
fn default_route(router: Ipv6Addr, interface: InterfaceId) -> Route {
    Route { destination: IpNet::V6(Ipv6Net::default()), gateway: Some(IpAddr::V6(router)), interface }
}

/// The route to the hosts of a prefix on the link.
pub(crate) fn on_link(network: Ipv6Net, interface: InterfaceId) -> Route {
    Route { destination: IpNet::V6(network.trunc()), gateway: None, interface }
}
