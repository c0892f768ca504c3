//! Neighbour discovery as it arrives (RFC 4861 6.1 and 7, RFC 4862 5.4).

use super::input::Arrival;
use crate::dropped::Dropped;
use crate::interface::{Context, InterfaceId};
use crate::neighbour::Advertisement;
use crate::stack::state::Stack;
use core::net::{IpAddr, Ipv6Addr};
use wire::Malformed;
use wire::ethernet::MacAddress;
use wire::ipv6::{ALL_NODES, is_link_local};
use wire::ndp::{self, Message, Options};

const NONSENSE: Dropped = Dropped::Malformed(Malformed::NdpFormat);

impl Stack {
    /// A message came; `bytes` are all of it, and its checksum is right.
    pub(crate) fn on_discovery(&mut self, arrival: Arrival, bytes: &[u8]) -> Result<(), Dropped> {
        // RFC 4861 3.1: with another hop limit it came over a router, from somebody who is not on the link.
        if arrival.header.hop_limit != ndp::HOP_LIMIT {
            return Err(NONSENSE);
        }
        let interface = self.interfaces.get(arrival.interface.index()).ok_or(Dropped::NoSuchInterface)?;
        if interface.hardware().is_none() {
            return Err(Dropped::IcmpIgnored);
        }
        let (message, options) = Message::parse(bytes).map_err(Dropped::Malformed)?;
        let stations = [options.source, options.target];
        if stations.into_iter().flatten().any(|station| !station.is_unicast()) {
            return Err(NONSENSE);
        }
        match message {
            Message::NeighbourSolicitation { target } => self.on_solicitation(arrival, target, &options),
            Message::NeighbourAdvertisement { target, solicited, overriding, .. } => {
                let advertisement = Advertisement { hardware: options.target, solicited, overriding };
                self.on_advertisement(arrival, target, advertisement)
            }
            Message::RouterAdvertisement(router) => {
                if !is_link_local(arrival.header.source) {
                    return Err(NONSENSE);
                }
                self.on_router(arrival, &router, &options)
            }
            Message::RouterSolicitation => self.on_router_solicitation(arrival, &options),
            // Redirects are not followed: whoever is on the link could send one.
            Message::Redirect { .. } => Err(Dropped::IcmpIgnored),
        }
    }

    /// RFC 4861 7.2.3 and 7.2.4, RFC 4862 5.4.3.
    fn on_solicitation(
        &mut self,
        arrival: Arrival,
        target: Ipv6Addr,
        options: &Options,
    ) -> Result<(), Dropped> {
        let Arrival { now, interface: id, header, group, .. } = arrival;
        let nobody = header.source.is_unspecified();
        if nobody && (options.source.is_some() || !group) {
            return Err(NONSENSE);
        }
        self.counters.discovery.received_solicitations += 1;
        let interface = self.interfaces.get_mut(id.index()).ok_or(Dropped::NoSuchInterface)?;
        let Some(hardware) = interface.hardware() else { return Err(Dropped::IcmpIgnored) };
        // RFC 4861 7.2.5: hosts do not use who says that it is no router.
        let router = interface.v6.advertiser.is_some();
        let Some(own) = interface.v6.find_mut(target) else { return Err(Dropped::OtherHost) };
        if !own.is_assigned() {
            // A station that asks for its own use wants the address, too; who asks as a neighbour is not answered yet.
            let rival = if nobody { own.on_rival(MacAddress::UNSPECIFIED, options.nonce) } else { None };
            if let Some(action) = rival {
                self.counters.discovery.conflicts += 1;
                self.act_v6(now, id, target, action);
            }
            return Ok(());
        }
        if let (false, Some(station)) = (nobody, options.source) {
            self.meet(arrival, station);
        }
        // RFC 4861 7.2.4: to who has no address yet, all are told.
        let message =
            Message::NeighbourAdvertisement { target, router, solicited: !nobody, overriding: true };
        let options = Options::to_target(hardware);
        if nobody {
            let Some(interface) = self.interfaces.get_mut(id.index()) else { return Ok(()) };
            interface.push_to_group(&mut self.counters, &message, &options, (target, ALL_NODES));
        } else {
            let mut packet = message.to_frame(&options, target, header.source);
            wire::ipv6::Header {
                hop_limit: ndp::HOP_LIMIT,
                ..wire::ipv6::Header::new(target, header.source, wire::protocol::ICMPV6)
            }
            .prepend_to(&mut packet);
            self.counters.discovery.sent_advertisements += 1;
            self.queue_packet(now, id, IpAddr::V6(header.source), packet);
        }
        Ok(())
    }

    /// RFC 4861 7.2.5, RFC 4862 5.4.4.
    fn on_advertisement(
        &mut self,
        arrival: Arrival,
        target: Ipv6Addr,
        advertisement: Advertisement,
    ) -> Result<(), Dropped> {
        let Arrival { now, interface: id, group, .. } = arrival;
        if group && advertisement.solicited {
            return Err(NONSENSE);
        }
        self.counters.discovery.received_advertisements += 1;
        let defence = self.config.defence;
        let interface = self.interfaces.get_mut(id.index()).ok_or(Dropped::NoSuchInterface)?;
        let own_hardware = interface.hardware();
        if let Some(own) = interface.v6.find_mut(target) {
            if !self.config.shard.is_first() {
                return Err(Dropped::IcmpIgnored);
            }
            let station = advertisement.hardware.unwrap_or_default();
            if Some(station) == own_hardware {
                return Err(Dropped::OwnHardwareAddress);
            }
            if let Some(action) = own.on_claim(now, station, defence) {
                self.counters.discovery.conflicts += 1;
                self.act_v6(now, id, target, action);
            }
            return Ok(());
        }
        let address = IpAddr::V6(target);
        let learnt = interface.neighbours.on_advertisement(now, address, advertisement, &mut self.timers);
        interface.recent.clear();
        if let Some((hardware, waiting)) = learnt {
            let mut context = Context {
                now,
                timers: &mut self.timers,
                counters: &mut self.counters,
                identification: &mut self.identification,
            };
            interface.release(&mut context, waiting, hardware);
        }
        Ok(())
    }

    /// The sender of a packet has told its station: it is remembered, and asked before it is trusted (RFC 4861 7.2.3).
    pub(crate) fn meet(&mut self, arrival: Arrival, station: MacAddress) {
        let address = IpAddr::V6(arrival.header.source);
        let Some(interface) = self.interfaces.get_mut(arrival.interface.index()) else { return };
        let waiting =
            interface.neighbours.learn(arrival.now, address, station, false, true, &mut self.timers);
        interface.recent.clear();
        let mut context = Context {
            now: arrival.now,
            timers: &mut self.timers,
            counters: &mut self.counters,
            identification: &mut self.identification,
        };
        interface.release(&mut context, waiting, station);
    }

    /// Tells all that `address` is ours.
    pub(crate) fn advertise(&mut self, id: InterfaceId, address: Ipv6Addr) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let Some(hardware) = interface.hardware() else { return };
        let message = Message::NeighbourAdvertisement {
            target: address,
            router: interface.v6.advertiser.is_some(),
            solicited: false,
            overriding: true,
        };
        let options = Options::to_target(hardware);
        interface.push_to_group(&mut self.counters, &message, &options, (address, ALL_NODES));
    }

    /// Asks whether anybody has `address` (RFC 4862 5.4.2).
    pub(crate) fn ask_for(&mut self, id: InterfaceId, address: Ipv6Addr) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let nonce = interface.v6.find(address).map(|own| own.nonce);
        let message = Message::NeighbourSolicitation { target: address };
        let options = Options { nonce, ..Options::default() };
        let group = wire::ipv6::solicited_node(address);
        interface.push_to_group(&mut self.counters, &message, &options, (Ipv6Addr::UNSPECIFIED, group));
    }
}
