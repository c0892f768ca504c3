//! One interface: what waits to leave by it, and how a packet gets its link header.

use super::address::Addresses;
use super::groups::{Groups, station_of};
use super::id::InterfaceId;
use super::owner::Owner;
use super::recent::Recent;
use super::v6;
use crate::config::{InterfaceConfig, Medium, StackConfig};
use crate::counters::Counters;
use crate::dropped::Dropped;
use crate::ip::fragment::fragments;
use crate::ip::identification::Identification;
use crate::ip::v6::fragment::fragments as fragments_v6;
use crate::neighbour::{Cache, Held, Resolution};
use crate::timers::Timers;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use basis::{Frame, HashKey, Instant, TimerId};
use core::net::{IpAddr, Ipv4Addr};
use wire::arp::Packet;
use wire::ethernet::{self, EtherType, MacAddress};
use wire::segmentation::Segments;

/// What sending needs of the rest of the stack.
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    pub(crate) timers: &'a mut Timers,
    pub(crate) counters: &'a mut Counters,
    pub(crate) identification: &'a mut Identification,
}

/// What became of a packet that was to get its link header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sending {
    /// It has it and can leave.
    Ready,
    /// It was taken: it waits for its neighbour, was cut into the queue, or was dropped and counted.
    Taken,
    /// The neighbour does not answer; the packet is still the caller's.
    Unreachable,
}

/// A socket's packet that waits to leave.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) owner: Owner,
    pub(crate) next_hop: IpAddr,
    pub(crate) packet: Frame,
}

/// One interface.
#[derive(Clone, Debug)]
pub(crate) struct Interface {
    pub(crate) id: InterfaceId,
    pub(crate) name: String,
    pub(crate) medium: Medium,
    pub(crate) mtu: usize,
    pub(crate) super_segments: bool,
    pub(crate) up: bool,
    /// Whether packets for anybody's address are taken in.
    pub(crate) intercepts: bool,
    pub(crate) addresses: Addresses,
    pub(crate) neighbours: Cache,
    pub(crate) recent: Recent,
    /// Whole frames: local answers, fragments, and what had waited for a neighbour.
    pub(crate) ready: VecDeque<Frame>,
    most_ready: usize,
    /// Packets of UDP and echo sockets, which bound them.
    pub(crate) waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    most_waiting_bytes: usize,
    /// A super-segment of which the link has not had all packets yet.
    pub(crate) cutting: Option<Segments>,
    /// Whether datagrams have their turn before TCP.
    pub(crate) datagrams_first: bool,
    /// What is known of the link by IPv6.
    pub(crate) v6: Box<v6::Link>,
    /// Which groups are listened to.
    pub(crate) groups: Groups,
    /// The timer of both.
    pub(crate) upkeep: Option<TimerId>,
}

impl Interface {
    pub(crate) fn new(
        id: InterfaceId,
        config: InterfaceConfig,
        stack: &StackConfig,
        key: HashKey,
    ) -> Interface {
        let InterfaceConfig { name, medium, mtu, super_segments } = config;
        let mtu = mtu.clamp(68, wire::ipv4::MAXIMUM_LENGTH);
        Interface {
            id,
            name,
            medium,
            mtu,
            super_segments,
            up: true,
            intercepts: false,
            addresses: Addresses::new(id.number()),
            neighbours: Cache::new(id.number(), stack.neighbours, key),
            recent: Recent::new(),
            ready: VecDeque::new(),
            most_ready: stack.max_output_frames,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            most_waiting_bytes: stack.max_output_bytes,
            cutting: None,
            datagrams_first: false,
            v6: Box::new(v6::Link::new(mtu, key)),
            groups: Groups::new(),
            upkeep: None,
        }
    }

    pub(crate) fn hardware(&self) -> Option<MacAddress> {
        match self.medium {
            Medium::Ethernet(hardware) => Some(hardware),
            Medium::Ip | Medium::Loopback => None,
        }
    }

    /// Bytes of the longest packet to `destination` that the link takes.
    #[inline]
    pub(crate) fn mtu_to(&self, destination: IpAddr) -> usize {
        if destination.is_ipv4() { self.mtu } else { self.v6.mtu }
    }

    /// Bytes before the IP header in this interface's frames.
    #[inline]
    pub(crate) fn link_header(&self) -> usize {
        match self.medium {
            Medium::Ethernet(_) => ethernet::HEADER_LENGTH,
            Medium::Ip | Medium::Loopback => 0,
        }
    }

    /// The short way for a packet that fits: no look-up beyond the recent destinations. False if it did not work.
    #[inline(always)]
    pub(crate) fn send_recent(&self, now: Instant, destination: IpAddr, packet: &mut Frame) -> bool {
        let Medium::Ethernet(own) = self.medium else { return true };
        match self.recent.get(now, destination) {
            Some(hardware) => {
                prepend_ethernet(packet, own, hardware, ether_type(destination));
                true
            }
            None => false,
        }
    }

    /// Gives `packet`, an IP packet to `destination`, the link header for `next_hop`.
    pub(crate) fn send(
        &mut self,
        context: &mut Context<'_>,
        next_hop: IpAddr,
        destination: IpAddr,
        packet: &mut Frame,
    ) -> Sending {
        let Medium::Ethernet(own) = self.medium else { return self.finish(context, None, packet) };
        if let Some(group) = self.group(next_hop) {
            return self.finish(context, Some((own, group)), packet);
        }
        match self.neighbours.resolve(context.now, next_hop, context.timers) {
            Resolution::Known { hardware, until } => {
                self.recent.put(destination, hardware, until);
                self.finish(context, Some((own, hardware)), packet)
            }
            Resolution::Unknown { ask } => {
                match self.neighbours.hold(next_hop, core::mem::take(packet)) {
                    Held::Yes => {}
                    Held::InPlaceOfOlder | Held::No => {
                        context.counters.dropped.count(Dropped::NeighbourQueueFull)
                    }
                }
                if ask {
                    self.ask(context.counters, next_hop, None);
                }
                Sending::Taken
            }
            Resolution::Failed => Sending::Unreachable,
        }
    }

    /// The stations that take packets for a broadcast or multicast address (RFC 1112 6.4).
    fn group(&self, address: IpAddr) -> Option<MacAddress> {
        if address.is_multicast() {
            return Some(station_of(address));
        }
        let IpAddr::V4(address) = address else { return None };
        (address.is_broadcast() || self.addresses.is_broadcast(address)).then_some(MacAddress::BROADCAST)
    }

    /// Cuts a packet that is too long, and prepends the Ethernet header from and to these stations, if there is one.
    fn finish(
        &mut self,
        context: &mut Context<'_>,
        stations: Option<(MacAddress, MacAddress)>,
        packet: &mut Frame,
    ) -> Sending {
        let six = is_v6(packet);
        let ether_type = if six { EtherType::IPV6 } else { EtherType::IPV4 };
        let mtu = if six { self.v6.mtu } else { self.mtu };
        if packet.len() <= mtu || packet.segment_size != 0 {
            if let Some((from, to)) = stations {
                prepend_ethernet(packet, from, to, ether_type);
            }
            return Sending::Ready;
        }
        let Some(pieces) = cut(packet, mtu, context.identification) else {
            context.counters.dropped.count(Dropped::TooLong);
            return Sending::Taken;
        };
        if self.ready.len() >= self.most_ready {
            context.counters.dropped.count(Dropped::OutputQueueFull);
            return Sending::Taken;
        }
        context.counters.ip.fragmented += 1;
        context.counters.ip.sent_fragments += pieces.len() as u64;
        for mut piece in pieces {
            if let Some((from, to)) = stations {
                prepend_ethernet(&mut piece, from, to, ether_type);
            }
            self.ready.push_back(piece);
        }
        Sending::Taken
    }

    /// Queues a whole frame, if there is room.
    pub(crate) fn push_ready(&mut self, counters: &mut Counters, frame: Frame) {
        if self.ready.len() < self.most_ready {
            self.ready.push_back(frame);
        } else {
            counters.dropped.count(Dropped::OutputQueueFull);
        }
    }

    /// Queues a socket's packet; false if all sockets together wait for too much.
    pub(crate) fn push_waiting(&mut self, waiting: Waiting) -> bool {
        if self.waiting_bytes >= self.most_waiting_bytes {
            return false;
        }
        self.waiting_bytes += Owner::cost(&waiting.packet);
        self.waiting.push_back(waiting);
        true
    }

    pub(crate) fn pop_waiting(&mut self) -> Option<Waiting> {
        let waiting = self.waiting.pop_front()?;
        self.waiting_bytes = self.waiting_bytes.saturating_sub(Owner::cost(&waiting.packet));
        Some(waiting)
    }

    /// Asks who has `wanted`: this station if it is known, else all.
    pub(crate) fn ask(&mut self, counters: &mut Counters, wanted: IpAddr, station: Option<MacAddress>) {
        let wanted = match wanted {
            IpAddr::V4(wanted) => wanted,
            IpAddr::V6(wanted) => return self.solicit(counters, wanted, station),
        };
        let Some(own) = self.hardware() else { return };
        let Some(source) = self.addresses.source_for(wanted) else { return };
        self.push_arp(
            counters,
            Packet::request(own, source, wanted),
            station.unwrap_or(MacAddress::BROADCAST),
        );
    }

    /// Probes for `address` or announces it to all.
    pub(crate) fn tell(&mut self, counters: &mut Counters, address: Ipv4Addr, announce: bool) {
        let Some(own) = self.hardware() else { return };
        let packet = match announce {
            true => Packet::announcement(own, address),
            false => Packet::probe(own, address),
        };
        self.push_arp(counters, packet, MacAddress::BROADCAST);
    }

    pub(crate) fn push_arp(&mut self, counters: &mut Counters, packet: Packet, to: MacAddress) {
        let Some(own) = self.hardware() else { return };
        match packet.operation {
            wire::arp::Operation::Request => counters.arp.sent_requests += 1,
            wire::arp::Operation::Reply => counters.arp.sent_replies += 1,
        }
        let mut frame = Frame::new();
        packet.prepend_to(&mut frame);
        prepend_ethernet(&mut frame, own, to, EtherType::ARP);
        self.push_ready(counters, frame);
    }

    /// Sends what had waited for a neighbour that is now known.
    pub(crate) fn release(
        &mut self,
        context: &mut Context<'_>,
        packets: VecDeque<Frame>,
        hardware: MacAddress,
    ) {
        let Some(own) = self.hardware() else { return };
        for mut packet in packets {
            if self.finish(context, Some((own, hardware)), &mut packet) == Sending::Ready {
                self.push_ready(context.counters, packet);
            }
        }
    }

    /// The link is gone: nothing that waits can leave, and nobody known may still be there. Returns what sockets waited for.
    pub(crate) fn clear(&mut self, timers: &mut Timers) -> VecDeque<Waiting> {
        self.neighbours.clear(timers);
        self.recent.clear();
        self.ready.clear();
        self.cutting = None;
        self.waiting_bytes = 0;
        core::mem::take(&mut self.waiting)
    }
}

#[inline]
fn ether_type(destination: IpAddr) -> EtherType {
    if destination.is_ipv4() { EtherType::IPV4 } else { EtherType::IPV6 }
}

/// Whether an IP packet is one of IPv6.
#[inline]
pub(crate) fn is_v6(packet: &Frame) -> bool {
    packet.first().first().is_some_and(|byte| byte >> 4 == 6)
}

/// The fragments of a packet, each of at most `mtu` bytes; `None` if it must not or cannot be cut.
pub(crate) fn cut(packet: &Frame, mtu: usize, identification: &mut Identification) -> Option<Vec<Frame>> {
    if !is_v6(packet) {
        return fragments(packet, mtu);
    }
    let header = wire::ipv6::Header::parse(packet.first(), packet.len()).ok()?;
    fragments_v6(packet, mtu, identification.next_v6(header.source, header.destination))
}

#[inline]
pub(crate) fn prepend_ethernet(
    frame: &mut Frame,
    source: MacAddress,
    destination: MacAddress,
    ether_type: EtherType,
) {
    ethernet::Header { destination, source, ether_type }.prepend_to(frame);
}
