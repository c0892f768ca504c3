//! The way in: Ethernet, ARP, IPv4, and on to TCP, UDP or ICMP. IPv6 goes on in `v6/input.rs`.

use super::state::Stack;
use crate::config::Medium;
use crate::dropped::Dropped;
use crate::interface::{Context, Interface, InterfaceId, is_v6};
use crate::ip::path_mtu::PathMtus;
use crate::neighbour::Contest;
use basis::{Checksum, Ecn, Frame, Instant};
use core::net::IpAddr;
use wire::arp::{Operation, Packet};
use wire::ethernet::{self, EtherType, MacAddress};
use wire::icmpv4::{self, Message};
use wire::ipv4::Header;
use wire::protocol;

impl Stack {
    /// A frame arrived by `interface`.
    ///
    /// # Errors
    /// The reason if the frame was dropped; it is counted as well ([`crate::Counters::dropped`]).
    #[inline]
    pub fn on_frame(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        mut frame: Frame,
    ) -> Result<(), Dropped> {
        self.on_frame_mut(now, interface, &mut frame)
    }

    /// Like [`Stack::on_frame`], but takes the frame where it lies: it is not copied on its way. What is left in it is of no
    /// use; [`Frame::reset`] makes it ready for the next.
    ///
    /// # Errors
    /// As [`Stack::on_frame`].
    pub fn on_frame_mut(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        frame: &mut Frame,
    ) -> Result<(), Dropped> {
        self.counters.link.received_frames += 1;
        self.counters.link.received_bytes += frame.len() as u64;
        let result = self.open_frame(now, interface, frame);
        if let Err(reason) = result {
            self.note_dropped(reason);
        }
        result
    }

    #[cold]
    pub(super) fn note_dropped(&mut self, reason: Dropped) {
        self.counters.dropped.count(reason);
    }

    #[inline(always)]
    fn open_frame(&mut self, now: Instant, id: InterfaceId, frame: &mut Frame) -> Result<(), Dropped> {
        let interface = self.interfaces.get(id.index()).ok_or(Dropped::NoSuchInterface)?;
        if !interface.up {
            return Err(Dropped::InterfaceDown);
        }
        let own = match interface.medium {
            Medium::Ethernet(own) => own,
            medium => return self.open_packet(now, id, medium, frame),
        };
        let bytes = frame.first();
        let header = ethernet::Header::parse(bytes).map_err(Dropped::Malformed)?;
        let for_many = header.destination.to_bits() != own.to_bits();
        if for_many && !is_heard(interface, bytes) {
            return Err(Dropped::OtherStation);
        }
        if !header.source.is_unicast() {
            return Err(Dropped::GroupSender);
        }
        if header.source.to_bits() == own.to_bits() {
            return Err(Dropped::OwnHardwareAddress);
        }
        if header.ether_type == EtherType::IPV4 {
            let packet = bytes.get(ethernet::HEADER_LENGTH..).unwrap_or_default();
            let header = Header::parse(packet, frame.len() - ethernet::HEADER_LENGTH);
            let header = header.map_err(Dropped::Malformed)?;
            return self.on_ipv4(now, id, header, frame, ethernet::HEADER_LENGTH, for_many);
        }
        self.open_other(now, id, own, header.ether_type, frame, for_many)
    }

    /// A frame that carries something else than IPv4.
    #[inline(never)]
    fn open_other(
        &mut self,
        now: Instant,
        id: InterfaceId,
        own: MacAddress,
        ether_type: EtherType,
        frame: &mut Frame,
        for_many: bool,
    ) -> Result<(), Dropped> {
        let station = station(frame, ethernet::HEADER_LENGTH);
        frame.strip(ethernet::HEADER_LENGTH);
        match ether_type {
            EtherType::ARP => self.on_arp(now, id, own, frame),
            EtherType::IPV6 => self.on_ipv6(now, id, frame, for_many, station),
            _ => Err(Dropped::UnknownEtherType),
        }
    }

    /// A frame of a medium without link headers: the packet's version tells what it is.
    #[inline(never)]
    fn open_packet(
        &mut self,
        now: Instant,
        id: InterfaceId,
        medium: Medium,
        frame: &mut Frame,
    ) -> Result<(), Dropped> {
        // It never left this host: what was deferred is as good as complete.
        if medium == Medium::Loopback && frame.checksum == Checksum::Deferred {
            frame.checksum = Checksum::Verified;
        }
        if is_v6(frame) {
            return self.on_ipv6(now, id, frame, false, None);
        }
        let header = Header::parse(frame.first(), frame.len()).map_err(Dropped::Malformed)?;
        self.on_ipv4(now, id, header, frame, 0, false)
    }

    /// RFC 826 "Packet Reception", with the conflicts of RFC 5227.
    #[inline(never)]
    fn on_arp(
        &mut self,
        now: Instant,
        id: InterfaceId,
        own: MacAddress,
        frame: &Frame,
    ) -> Result<(), Dropped> {
        let packet = Packet::parse(frame.first()).map_err(Dropped::Malformed)?;
        match packet.operation {
            Operation::Request => self.counters.arp.received_requests += 1,
            Operation::Reply => self.counters.arp.received_replies += 1,
        }
        let sender = packet.sender_protocol;
        let nobody = sender.is_unspecified();
        if !packet.sender_hardware.is_unicast()
            || packet.sender_hardware == own
            || !nobody && (!super::routing::is_host(sender) || sender.is_loopback())
            || nobody && packet.operation == Operation::Reply
        {
            return Err(Dropped::ArpNonsense);
        }
        let interface = self.interfaces.get_mut(id.index()).ok_or(Dropped::NoSuchInterface)?;
        // The first shard speaks for the host; the others only learn.
        let speaks = self.config.shard.is_first();
        if speaks && let Some(action) = interface.addresses.on_arp(now, &packet, &mut self.timers) {
            self.counters.arp.conflicts += 1;
            self.act(id, action);
            return Ok(());
        }
        if interface.addresses.is_broadcast(sender) || interface.addresses.find(sender).is_some() {
            return Err(Dropped::ArpNonsense);
        }
        let for_us = interface.addresses.is_assigned(packet.target_protocol);
        if !nobody {
            let confirmed = packet.operation == Operation::Reply && for_us && packet.target_hardware == own;
            let create = for_us && packet.operation == Operation::Request;
            let address = IpAddr::V4(sender);
            let hardware = packet.sender_hardware;
            interface.recent.clear();
            match interface.neighbours.contest(now, address, hardware, confirmed, &mut self.timers) {
                Contest::Ask => interface.ask(&mut self.counters, address, None),
                Contest::Wait => {}
                Contest::None => {
                    let waiting = interface.neighbours.learn(
                        now,
                        address,
                        hardware,
                        confirmed,
                        create,
                        &mut self.timers,
                    );
                    let mut context = Context {
                        now,
                        timers: &mut self.timers,
                        counters: &mut self.counters,
                        identification: &mut self.identification,
                    };
                    interface.release(&mut context, waiting, hardware);
                }
            }
        }
        if speaks && for_us && packet.operation == Operation::Request {
            interface.push_arp(&mut self.counters, packet.reply(own), packet.sender_hardware);
        }
        Ok(())
    }

    /// An IPv4 packet with `header` behind a link header of that many bytes.
    #[inline(always)]
    pub(super) fn on_ipv4(
        &mut self,
        now: Instant,
        id: InterfaceId,
        header: Header,
        frame: &mut Frame,
        link_header: usize,
        frame_for_many: bool,
    ) -> Result<(), Dropped> {
        let for_many = match self.admit(id, header.source, header.destination, header.time_to_live) {
            Err(Dropped::NoHopLeft) => {
                return self.end_way(now, id, &{ header }, frame, link_header, frame_for_many);
            }
            admitted => admitted?,
        };
        if frame_for_many && !for_many {
            return Err(Dropped::UnicastInBroadcast);
        }
        self.counters.ip.received += 1;
        if header.protocol == protocol::TCP && !for_many && !header.is_fragment() {
            frame.narrow(link_header + header.header_length, header.payload_length());
            return self.on_tcp(now, id, &header, frame);
        }
        // A copy for who looks at it in memory: for a segment it stays in registers.
        self.on_packet(now, id, &{ header }, frame, link_header, for_many)
    }

    /// A packet for this host that is no whole segment.
    #[inline(never)]
    fn on_packet(
        &mut self,
        now: Instant,
        id: InterfaceId,
        header: &Header,
        frame: &mut Frame,
        link_header: usize,
        for_many: bool,
    ) -> Result<(), Dropped> {
        let station = station(frame, link_header);
        frame.narrow(link_header, header.total_length);
        if header.source.is_unspecified() && (header.protocol != protocol::UDP || header.is_fragment()) {
            return Err(Dropped::MartianSource);
        }
        match header.is_fragment() {
            true => self.on_fragment(now, id, header, frame, for_many, station),
            false => self.on_datagram(now, id, header, frame, for_many, station),
        }
    }

    /// A packet for a stranger whose way ends here, as at a router (RFC 1812 5.3.1): its sender is told.
    #[cold]
    fn end_way(
        &mut self,
        now: Instant,
        id: InterfaceId,
        header: &Header,
        frame: &mut Frame,
        link_header: usize,
        for_many: bool,
    ) -> Result<(), Dropped> {
        frame.narrow(link_header, header.total_length);
        let message = Message::TimeExceeded { code: icmpv4::TIME_TO_LIVE_EXCEEDED };
        self.send_error(now, id, header, frame, for_many, message);
        Err(Dropped::NoHopLeft)
    }

    #[cold]
    fn on_fragment(
        &mut self,
        now: Instant,
        id: InterfaceId,
        header: &Header,
        frame: &Frame,
        for_many: bool,
        station: Option<MacAddress>,
    ) -> Result<(), Dropped> {
        self.counters.ip.received_fragments += 1;
        let whole = self.reassembly.on_fragment(now, id.number(), header, frame, &mut self.timers)?;
        let Some((header, mut whole)) = whole else { return Ok(()) };
        self.counters.ip.reassembled += 1;
        if let Some(handed) = self.hand_over(id, &whole) {
            return handed;
        }
        self.on_datagram(now, id, &header, &mut whole, for_many, station)
    }

    /// A whole datagram for this host; `frame` begins with its header.
    #[inline(never)]
    fn on_datagram(
        &mut self,
        now: Instant,
        id: InterfaceId,
        header: &Header,
        frame: &mut Frame,
        for_many: bool,
        station: Option<MacAddress>,
    ) -> Result<(), Dropped> {
        match header.protocol {
            protocol::TCP if for_many => Err(Dropped::UnexpectedBroadcast),
            protocol::TCP => {
                frame.strip(header.header_length);
                self.on_tcp(now, id, header, frame)
            }
            protocol::UDP => self.on_udp(now, id, header, frame, for_many, station),
            protocol::ICMPV4 => self.on_icmp(now, id, header, frame, for_many, station),
            protocol::IGMP => {
                frame.strip(header.header_length);
                self.on_igmp(now, id, &frame.to_vec())
            }
            _ => {
                let code = icmpv4::PROTOCOL_UNREACHABLE;
                let message = Message::DestinationUnreachable { code, next_hop_mtu: 0 };
                self.send_error(now, id, header, frame, for_many, message);
                Err(Dropped::UnknownProtocol)
            }
        }
    }

    /// A whole segment for this host; `frame` begins with its TCP header.
    #[inline(always)]
    fn on_tcp(
        &mut self,
        now: Instant,
        id: InterfaceId,
        header: &Header,
        frame: &mut Frame,
    ) -> Result<(), Dropped> {
        frame.ecn = Ecn::of_traffic_class(header.traffic_class);
        let (local, remote) = (IpAddr::V4(header.destination), IpAddr::V4(header.source));
        let (interfaces, path_mtus) = (&self.interfaces, &self.path_mtus);
        let path = move || path(interfaces, path_mtus, now, id, remote);
        self.tcp.on_segment(now, path, local, remote, frame).map_err(Dropped::Tcp)
    }

    /// How a connection's packets to `remote` leave by `interface`.
    pub(crate) fn path(&self, now: Instant, id: InterfaceId, remote: IpAddr) -> tcp::Path {
        path(&self.interfaces, &self.path_mtus, now, id, remote)
    }
}

/// [`Stack::path`], borrowing no more than it needs.
#[inline(never)]
pub(super) fn path(
    interfaces: &[Interface],
    path_mtus: &PathMtus,
    now: Instant,
    id: InterfaceId,
    remote: IpAddr,
) -> tcp::Path {
    let mtu = interfaces.get(id.index()).map_or(0, |interface| interface.mtu_to(remote) as u32);
    tcp::Path { lane: id.number(), mtu: path_mtus.mtu(now, remote, mtu), link_mtu: mtu }
}

/// The station that sent a frame whose link header of that many bytes still lies before its packet.
fn station(frame: &Frame, link_header: usize) -> Option<MacAddress> {
    let header = (link_header > 0).then(|| ethernet::Header::parse(frame.first()));
    header?.ok().map(|header| header.source)
}

/// Whether a frame that is not for this station alone is for it as well.
#[inline(never)]
fn is_heard(interface: &Interface, frame: &[u8]) -> bool {
    ethernet::Header::parse(frame)
        .is_ok_and(|header| header.destination.is_broadcast() || interface.groups.hears(header.destination))
}

/// The frame's parts, the one with the header first: a device's frame lies in its body alone.
#[inline]
pub(crate) fn header_first(frame: &Frame) -> [&[u8]; 2] {
    match frame.parts() {
        [[], body] => [body, &[]],
        parts => parts,
    }
}
