//! What an interface sends of neighbour discovery (RFC 4861 7).

use super::groups::station_of;
use super::state::{Interface, is_v6, prepend_ethernet};
use crate::counters::Counters;
use basis::Frame;
use core::net::{IpAddr, Ipv6Addr};
use wire::ethernet::{EtherType, MacAddress};
use wire::ipv6::{self, solicited_node};
use wire::ndp::{HOP_LIMIT, Message, Options};
use wire::protocol;

impl Interface {
    /// Asks who has `wanted`: this station if it is known, else whoever listens to the group for such addresses (RFC 4861 7.2.2).
    pub(crate) fn solicit(&mut self, counters: &mut Counters, wanted: Ipv6Addr, station: Option<MacAddress>) {
        let Some(own) = self.hardware() else { return };
        let Some(source) = self.v6.source_for(wanted) else { return };
        let options = Options::from_source(own);
        let message = Message::NeighbourSolicitation { target: wanted };
        match station {
            Some(station) => self.push_discovery(counters, &message, &options, (source, wanted), station),
            None => {
                let group = solicited_node(wanted);
                self.push_to_group(counters, &message, &options, (source, group));
            }
        }
    }

    /// Queues a message to a group.
    pub(crate) fn push_to_group(
        &mut self,
        counters: &mut Counters,
        message: &Message,
        options: &Options,
        (source, group): (Ipv6Addr, Ipv6Addr),
    ) {
        self.push_discovery(counters, message, options, (source, group), station_of(IpAddr::V6(group)));
    }

    /// Queues a message to `station`.
    pub(crate) fn push_discovery(
        &mut self,
        counters: &mut Counters,
        message: &Message,
        options: &Options,
        (source, destination): (Ipv6Addr, Ipv6Addr),
        station: MacAddress,
    ) {
        let Some(own) = self.hardware() else { return };
        match message {
            Message::NeighbourSolicitation { .. } => counters.discovery.sent_solicitations += 1,
            Message::NeighbourAdvertisement { .. } => counters.discovery.sent_advertisements += 1,
            Message::RouterSolicitation => counters.discovery.sent_router_solicitations += 1,
            Message::RouterAdvertisement(_) | Message::Redirect { .. } => {}
        }
        let mut frame = message.to_frame(options, source, destination);
        ipv6::Header { hop_limit: HOP_LIMIT, ..ipv6::Header::new(source, destination, protocol::ICMPV6) }
            .prepend_to(&mut frame);
        prepend_ethernet(&mut frame, own, station, EtherType::IPV6);
        self.push_ready(counters, frame);
    }

    /// Queues an IP packet to `station`.
    pub(crate) fn push_packet(&mut self, counters: &mut Counters, mut packet: Frame, station: MacAddress) {
        let Some(own) = self.hardware() else { return };
        let ether_type = if is_v6(&packet) { EtherType::IPV6 } else { EtherType::IPV4 };
        prepend_ethernet(&mut packet, own, station, ether_type);
        self.push_ready(counters, packet);
    }
}
