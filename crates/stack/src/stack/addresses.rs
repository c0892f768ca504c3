//! Interfaces going up and down, and the addresses on them.

use super::routing::is_host;
use super::state::Stack;
use crate::config::{Medium, Probing};
use crate::error::{AddressError, RouteError};
use crate::event::Event;
use crate::interface::address::Action;
use crate::interface::{AddressState, InterfaceId, Owner};
use crate::route::Route;
use basis::{Frame, Instant};
use core::net::IpAddr;
use ipnet::{IpNet, Ipv4Net};
use wire::ethernet::MacAddress;

impl Stack {
    /// The link of an interface came or went. When it goes, what waits to leave by it is dropped and its neighbours are
    /// forgotten. When it comes back, addresses that were probed are probed again: it may be another link (RFC 5227 2.1).
    pub fn set_link_state(&mut self, now: Instant, interface: InterfaceId, up: bool) {
        let Some(entry) = self.interfaces.get_mut(interface.index()) else { return };
        if entry.up == up {
            return;
        }
        entry.up = up;
        if up {
            let again = entry.addresses.begin_again(now, &mut self.timers, &mut self.random);
            for address in again {
                self.tell_address(interface, IpAddr::V4(address), AddressState::Probing);
            }
            self.begin_again_v6(now, interface);
        } else {
            let waiting = entry.clear(&mut self.timers);
            for waiting in waiting {
                self.charge_back(waiting.owner, &waiting.packet);
            }
        }
        self.forget_recent();
    }

    /// Gives `address` to an interface, and adds a route to its network. An IPv6 address is asked for as RFC 4862 5.4 says: once,
    /// with the wait and the announce wait (at most a second) of `probing`.
    ///
    /// # Errors
    /// When the interface is unknown, the address unsuitable or assigned already, or a table full.
    pub fn add_address(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        address: IpAddr,
        prefix_length: u8,
        probing: Probing,
    ) -> Result<(), AddressError> {
        let host = match address {
            IpAddr::V4(host) => host,
            IpAddr::V6(host) => return self.add_address_v6(now, interface, host, prefix_length, probing),
        };
        let network = Ipv4Net::new(host, prefix_length).map_err(|_| AddressError::PrefixTooLong)?;
        let known = self.interfaces.iter().any(|interface| interface.addresses.find(host).is_some());
        let entry = self.interfaces.get_mut(interface.index()).ok_or(AddressError::NoSuchInterface)?;
        let loopback = entry.medium == Medium::Loopback;
        let special = prefix_length < 31 && (host == network.network() || host == network.broadcast());
        if !is_host(host) || special || host.is_loopback() && !loopback {
            return Err(AddressError::NotUnicast);
        }
        if known {
            return Err(AddressError::AlreadyAssigned);
        }
        if entry.addresses.len() >= self.config.max_addresses {
            return Err(AddressError::TooManyAddresses);
        }
        match self.routes.add(on_link(network, interface)) {
            Ok(()) | Err(RouteError::AlreadyThere) => {}
            Err(_) => return Err(AddressError::TooManyRoutes),
        }
        let probing = if entry.hardware().is_some() { probing } else { Probing::Skip };
        let how = (probing, self.config.defence);
        let state = entry.addresses.add(now, network, how, &mut self.timers, &mut self.random);
        self.tell_address(interface, address, state);
        self.forget_recent();
        Ok(())
    }

    /// Takes `address` from its interface, and the route to its network unless another address needs it. Connections that
    /// use it are not told: they end when the peer no longer answers.
    ///
    /// # Errors
    /// When no interface has it.
    pub fn remove_address(&mut self, address: IpAddr) -> Result<(), AddressError> {
        let host = match address {
            IpAddr::V4(host) => host,
            IpAddr::V6(host) => return self.remove_address_v6(host),
        };
        let holder = self.interfaces.iter_mut().find(|interface| interface.addresses.find(host).is_some());
        let holder = holder.ok_or(AddressError::NotAssigned)?;
        let own = holder.addresses.remove(host, &mut self.timers).ok_or(AddressError::NotAssigned)?;
        let network = own.network.trunc();
        if !holder.addresses.iter().any(|other| other.network.trunc() == network) {
            // The owner may have removed it already.
            let _ = self.routes.remove(on_link(own.network, holder.id));
        }
        self.forget_recent();
        Ok(())
    }

    /// Whether `address` may be used; `None` if no interface has it.
    pub fn address_state(&self, address: IpAddr) -> Option<AddressState> {
        self.interfaces.iter().find_map(|interface| match address {
            IpAddr::V4(host) => Some(interface.addresses.find(host)?.state()),
            IpAddr::V6(host) => Some(interface.v6.find(host)?.state()),
        })
    }

    /// Does what an address wants.
    pub(crate) fn act(&mut self, interface: InterfaceId, action: Action) {
        let Some(entry) = self.interfaces.get_mut(interface.index()) else { return };
        match action {
            Action::Probe(address) => entry.tell(&mut self.counters, address, false),
            Action::Announce(address) => entry.tell(&mut self.counters, address, true),
            Action::Assigned(address) => {
                entry.tell(&mut self.counters, address, true);
                self.tell_address(interface, IpAddr::V4(address), AddressState::Assigned);
            }
            Action::Defend(address, station) => {
                entry.tell(&mut self.counters, address, true);
                self.tell_contested(interface, IpAddr::V4(address), station);
            }
            Action::Endure(address, station) => {
                self.tell_contested(interface, IpAddr::V4(address), station);
            }
            Action::Lost(address, to) => {
                self.tell_address(interface, IpAddr::V4(address), AddressState::Conflict(to));
            }
        }
    }

    /// A change of an address; only the latest of each is kept, so that the queue is no longer than the list of addresses.
    pub(crate) fn tell_address(&mut self, interface: InterfaceId, address: IpAddr, state: AddressState) {
        self.revision += 1;
        let old = |event: &Event| matches!(event, Event::Address { address: other, .. } if *other == address);
        self.events.retain(|event| !old(event));
        self.events.push_back(Event::Address { interface, address, state });
    }

    /// A claim to an address; only the latest of each is kept, as of its changes.
    pub(crate) fn tell_contested(&mut self, interface: InterfaceId, address: IpAddr, station: MacAddress) {
        let old =
            |event: &Event| matches!(event, Event::Contested { address: other, .. } if *other == address);
        self.events.retain(|event| !old(event));
        self.events.push_back(Event::Contested { interface, address, station });
    }

    /// A socket's packet has left or was dropped: the socket has room again.
    pub(crate) fn charge_back(&mut self, owner: Owner, packet: &Frame) {
        let cost = Owner::cost(packet);
        match owner {
            Owner::Udp(id) => self.udp.on_sent(id, cost),
            Owner::Ping(id) => self.ping.on_sent(id, cost),
        }
    }
}

fn on_link(network: Ipv4Net, interface: InterfaceId) -> Route {
    Route { destination: IpNet::V4(network.trunc()), gateway: None, interface }
}
