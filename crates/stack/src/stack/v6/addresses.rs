//! IPv6 on an interface, and the addresses there (RFC 4862).

use super::autoconfiguration::on_link;
use crate::config::{Medium, Probing};
use crate::error::{AddressError, RouteError};
use crate::interface::v6::Setting;
use crate::interface::v6::address::{Action, Origin, OwnAddress};
use crate::interface::{AddressState, InterfaceId};
use crate::stack::routing::is_host_v6;
use crate::stack::state::Stack;
use basis::Instant;
use core::net::{IpAddr, Ipv6Addr};
use core::time::Duration;
use ipnet::Ipv6Net;
use wire::ipv6::{is_link_local, solicited_node};

/// The prefix of every link (RFC 4291 2.5.6).
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0);
/// RFC 4861 10: MAX_RTR_SOLICITATION_DELAY.
const SOLICITATION_DELAY: Duration = Duration::from_secs(1);

impl Stack {
    /// Gives an interface an address that is valid on its link alone, asked for as `probing` says (RFC 4862 5.3). With `routers`,
    /// routers are asked and believed: they give addresses, prefixes and routes (RFC 4862 5.5). Only Ethernet has such links;
    /// elsewhere nothing happens. Asking for it again changes only `routers`.
    ///
    /// # Errors
    /// When the interface is unknown, its MTU is under 1280 bytes (RFC 8200 5), or a table is full.
    pub fn enable_ipv6(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        probing: Probing,
        routers: bool,
    ) -> Result<(), AddressError> {
        let entry = self.interfaces.get_mut(interface.index()).ok_or(AddressError::NoSuchInterface)?;
        let Some(hardware) = entry.hardware() else { return Ok(()) };
        if !entry.v6.is_wide_enough() {
            return Err(AddressError::MtuTooSmall);
        }
        let times = match probing {
            Probing::Skip => None,
            Probing::Probe(times) => Some(times),
        };
        let setting = Setting { times, routers };
        let first = entry.v6.setting.replace(setting).is_none();
        if first {
            let address = entry.v6.opaque(LINK_LOCAL, hardware, 0);
            let own = OwnAddress::new(Ipv6Net::new_assert(address, 64), Origin::LinkLocal, times);
            match self.routes.add(on_link(own.network(), interface)) {
                Ok(()) | Err(RouteError::AlreadyThere) => {}
                Err(_) => return Err(AddressError::TooManyRoutes),
            }
            self.take_address_v6(now, interface, own);
        } else if routers {
            self.solicit_routers(now, interface);
        }
        self.plan_upkeep(interface);
        Ok(())
    }

    pub(crate) fn add_address_v6(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        address: Ipv6Addr,
        prefix_length: u8,
        probing: Probing,
    ) -> Result<(), AddressError> {
        let network = Ipv6Net::new(address, prefix_length).map_err(|_| AddressError::PrefixTooLong)?;
        let known = self.interfaces.iter().any(|interface| interface.v6.find(address).is_some());
        let entry = self.interfaces.get_mut(interface.index()).ok_or(AddressError::NoSuchInterface)?;
        let loopback = entry.medium == Medium::Loopback;
        if !is_host_v6(address) || address.is_loopback() != loopback {
            return Err(AddressError::NotUnicast);
        }
        if known {
            return Err(AddressError::AlreadyAssigned);
        }
        if !entry.v6.is_wide_enough() {
            return Err(AddressError::MtuTooSmall);
        }
        if entry.v6.addresses.len() >= self.config.max_addresses {
            return Err(AddressError::TooManyAddresses);
        }
        match self.routes.add(on_link(network, interface)) {
            Ok(()) | Err(RouteError::AlreadyThere) => {}
            Err(_) => return Err(AddressError::TooManyRoutes),
        }
        let times = match probing {
            Probing::Probe(times) if entry.hardware().is_some() => Some(times),
            _ => None,
        };
        self.take_address_v6(now, interface, OwnAddress::new(network, Origin::Owner, times));
        self.plan_upkeep(interface);
        Ok(())
    }

    /// Begins with an address: listens to the group in which it is asked for, and asks. Without room it is left out.
    pub(crate) fn take_address_v6(&mut self, now: Instant, id: InterfaceId, mut own: OwnAddress) {
        let Some(entry) = self.interfaces.get_mut(id.index()) else { return };
        if entry.v6.addresses.len() >= self.config.max_addresses {
            return;
        }
        own.begin(now, &mut self.random);
        let (address, state) = (own.address, own.state());
        entry.v6.addresses.push(own);
        if entry.hardware().is_some() {
            // Without room for the group the address is still found by who knows the station.
            let _ = entry.groups.join(now, IpAddr::V6(solicited_node(address)));
        }
        self.tell_address(id, IpAddr::V6(address), state);
        self.forget_recent();
        if state == AddressState::Assigned {
            self.on_assigned(now, id, address);
        }
    }

    pub(crate) fn remove_address_v6(&mut self, address: Ipv6Addr) -> Result<(), AddressError> {
        let holder = self.interfaces.iter().find(|interface| interface.v6.find(address).is_some());
        let id = holder.ok_or(AddressError::NotAssigned)?.id;
        self.drop_address_v6(Instant::ZERO, id, address);
        self.plan_upkeep(id);
        Ok(())
    }

    /// Lets go of an address, and of the route to its network unless something else needs it.
    pub(crate) fn drop_address_v6(&mut self, now: Instant, id: InterfaceId, address: Ipv6Addr) {
        let Some(entry) = self.interfaces.get_mut(id.index()) else { return };
        let Some(place) = entry.v6.addresses.iter().position(|own| own.address == address) else { return };
        let own = entry.v6.addresses.remove(place);
        let network = own.network().trunc();
        let needed = own.origin != Origin::Owner
            || entry.v6.has_prefix(network)
            || entry.v6.addresses.iter().any(|other| other.network().trunc() == network);
        if !needed {
            // The owner may have removed it already.
            let _ = self.routes.remove(on_link(network, id));
        }
        self.leave_solicited(now, id, address);
        self.forget_recent();
    }

    /// An address is gone: so is the need to hear who asks for it.
    pub(crate) fn leave_solicited(&mut self, now: Instant, id: InterfaceId, address: Ipv6Addr) {
        if let Some(entry) = self.interfaces.get_mut(id.index())
            && entry.hardware().is_some()
        {
            entry.groups.leave(now, IpAddr::V6(solicited_node(address)));
        }
    }

    /// Does what an address wants.
    pub(crate) fn act_v6(&mut self, now: Instant, id: InterfaceId, address: Ipv6Addr, action: Action) {
        let told = IpAddr::V6(address);
        match action {
            Action::Solicit => self.ask_for(id, address),
            Action::Assigned => {
                self.tell_address(id, told, AddressState::Assigned);
                self.on_assigned(now, id, address);
            }
            Action::Lost(station) => {
                self.tell_address(id, told, AddressState::Conflict(station));
                self.forget_recent();
                self.form_another(now, id, address);
            }
            Action::Defend(station) => {
                self.advertise(id, address);
                self.tell_contested(id, told, station);
            }
            Action::Endure(station) => self.tell_contested(id, told, station),
        }
        self.plan_upkeep(id);
    }

    fn on_assigned(&mut self, now: Instant, id: InterfaceId, address: Ipv6Addr) {
        if is_link_local(address) {
            self.solicit_routers(now, id);
        }
    }

    /// Begins to ask for routers, once there is an address to ask from.
    fn solicit_routers(&mut self, now: Instant, id: InterfaceId) {
        let Some(entry) = self.interfaces.get_mut(id.index()) else { return };
        if let Some(Setting { times, routers: true }) = entry.v6.setting
            && entry.v6.link_local().is_some()
        {
            // The random wait was had before the address was asked for (RFC 4861 6.3.7).
            let within = if times.is_some() { Duration::ZERO } else { SOLICITATION_DELAY };
            entry.v6.solicit(now, within, &mut self.random);
        }
    }

    /// The link came back: perhaps it is another. What was asked for is asked for again, and so are routers.
    pub(crate) fn begin_again_v6(&mut self, now: Instant, id: InterfaceId) {
        let Some(entry) = self.interfaces.get_mut(id.index()) else { return };
        entry.groups.begin_again(now);
        let again = entry.v6.addresses.iter_mut().filter(|own| own.was_asked_for());
        let mut probing = alloc::vec::Vec::new();
        for own in again {
            own.begin(now, &mut self.random);
            probing.push(own.address);
        }
        for address in probing {
            self.tell_address(id, IpAddr::V6(address), AddressState::Probing);
        }
        self.solicit_routers(now, id);
        self.plan_upkeep(id);
    }
}
