//! One stack with its wire in the test's hands, and two stacks with a wire between them.

use crate::{Event, InterfaceConfig, InterfaceId, Medium, Probing, Stack, StackConfig};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use basis::{Checksum, Frame, Instant};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;
use wire::arp::Packet;
use wire::ethernet::{self, EtherType, MacAddress};
use wire::icmpv4::Message;
use wire::{ipv4, protocol, udp};

pub(crate) const OUR_HARDWARE: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);
pub(crate) const PEER_HARDWARE: MacAddress = MacAddress([2, 0, 0, 0, 0, 3]);
pub(crate) const OURS: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 2);
pub(crate) const PEER: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 3);

/// The IPv6 address of the host with this IPv4 address: fd07::2 of 10.7.0.2.
pub(crate) fn six(address: Ipv4Addr) -> Ipv6Addr {
    Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, address.octets()[3].into())
}

pub(crate) fn ethernet_config(hardware: MacAddress) -> InterfaceConfig {
    InterfaceConfig {
        name: "lan".into(),
        medium: Medium::Ethernet(hardware),
        mtu: 1500,
        super_segments: false,
    }
}

/// A stack, its one interface and the present.
pub(crate) struct Bench {
    pub(crate) stack: Stack,
    pub(crate) id: InterfaceId,
    pub(crate) now: Instant,
}

impl Bench {
    /// With 10.7.0.2/24 in use.
    pub(crate) fn new() -> Bench {
        Bench::with(StackConfig::default())
    }

    pub(crate) fn with(config: StackConfig) -> Bench {
        let mut bench = Bench::bare(config);
        bench.stack.add_address(bench.now, bench.id, OURS.into(), 24, Probing::Skip).unwrap();
        while bench.stack.poll_event().is_some() {}
        bench
    }

    /// Without address.
    pub(crate) fn bare(config: StackConfig) -> Bench {
        let now = Instant::from_millis(1000);
        let mut stack = Stack::new(now, config, [7; 32]);
        let id = stack.add_interface(now, ethernet_config(OUR_HARDWARE));
        Bench { stack, id, now }
    }

    /// Knowing the peer's hardware address.
    pub(crate) fn acquainted() -> Bench {
        Bench::acquainted_with(StackConfig::default())
    }

    pub(crate) fn acquainted_with(config: StackConfig) -> Bench {
        let mut bench = Bench::with(config);
        bench.arp(Packet::request(PEER_HARDWARE, PEER, OURS));
        assert_eq!(bench.sent().len(), 1);
        bench
    }

    pub(crate) fn frame(&mut self, frame: Frame) -> Result<(), crate::Dropped> {
        self.stack.on_frame(self.now, self.id, frame)
    }

    pub(crate) fn arp(&mut self, packet: Packet) {
        let _ = self.frame(arp_frame(packet));
    }

    /// An IPv4 packet from the peer to us.
    pub(crate) fn packet(&mut self, header: ipv4::Header, payload: &[u8]) -> Result<(), crate::Dropped> {
        self.frame(ipv4_frame(header, payload))
    }

    pub(crate) fn udp(&mut self, from: u16, to: u16, payload: &[u8]) -> Result<(), crate::Dropped> {
        self.packet(from_peer(protocol::UDP), &udp_bytes(from, to, payload))
    }

    pub(crate) fn icmp(&mut self, message: Message, payload: &[u8]) -> Result<(), crate::Dropped> {
        self.packet(from_peer(protocol::ICMPV4), &icmp_bytes(message, payload))
    }

    /// All that is due now, each frame in one piece; those of IPv4 verified by an independent reader.
    pub(crate) fn sent(&mut self) -> Vec<Vec<u8>> {
        let mut sent = Vec::new();
        while let Some(frame) = self.stack.poll_transmit(self.now, self.id) {
            let bytes = frame.to_vec();
            verify(&bytes);
            sent.push(bytes);
            assert!(sent.len() < 10_000, "it never ends");
        }
        sent
    }

    /// The IPv4 packets that are due now; ARP is left out.
    pub(crate) fn sent_packets(&mut self) -> Vec<(ipv4::Header, Vec<u8>)> {
        self.sent().iter().filter_map(|bytes| open_ipv4(bytes)).collect()
    }

    /// The ARP packets that are due now, with the stations they go to; IPv4 is left out.
    pub(crate) fn sent_arp(&mut self) -> Vec<(MacAddress, Packet)> {
        self.sent().iter().filter_map(|bytes| open_arp(bytes)).collect()
    }

    /// Lets time pass, timer by timer.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self.stack.poll_timeout().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            self.stack.on_timeout(self.now);
        }
        self.now = end;
    }

    pub(crate) fn events(&mut self) -> Vec<Event> {
        core::iter::from_fn(|| self.stack.poll_event()).collect()
    }
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn from_peer(protocol: u8) -> ipv4::Header {
    ipv4::Header::new(PEER, OURS, protocol)
}

pub(crate) fn arp_frame(packet: Packet) -> Frame {
    let mut frame = Frame::new();
    packet.prepend_to(&mut frame);
    let header = ethernet::Header {
        destination: MacAddress::BROADCAST,
        source: packet.sender_hardware,
        ether_type: EtherType::ARP,
    };
    header.prepend_to(&mut frame);
    from_device(&frame)
}

pub(crate) fn ipv4_frame(header: ipv4::Header, payload: &[u8]) -> Frame {
    let mut frame = Frame::copy_of(payload);
    header.prepend_to(&mut frame);
    let header =
        ethernet::Header { destination: OUR_HARDWARE, source: PEER_HARDWARE, ether_type: EtherType::IPV4 };
    header.prepend_to(&mut frame);
    from_device(&frame)
}

/// As a device gives it: in the body alone.
pub(crate) fn from_device(frame: &Frame) -> Frame {
    let bytes = frame.to_vec();
    let memory = bytes.len();
    Frame::from_device(bytes.into(), memory)
}

pub(crate) fn udp_bytes(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    udp_bytes_to(OURS, from, to, payload)
}

pub(crate) fn udp_bytes_to(destination: Ipv4Addr, from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Frame::copy_of(payload);
    let header = udp::Header { source_port: from, destination_port: to, length: 0 };
    header.prepend_to(&mut frame, PEER.into(), destination.into());
    frame.to_vec()
}

pub(crate) fn icmp_bytes(message: Message, payload: &[u8]) -> Vec<u8> {
    let mut frame = Frame::copy_of(payload);
    message.prepend_to(&mut frame);
    frame.to_vec()
}

pub(crate) fn open_ipv4(bytes: &[u8]) -> Option<(ipv4::Header, Vec<u8>)> {
    if ethernet::Header::parse(bytes).unwrap().ether_type != EtherType::IPV4 {
        return None;
    }
    let packet = &bytes[14..];
    let header = ipv4::Header::parse(packet, packet.len()).unwrap();
    Some((header, packet[header.header_length..header.total_length].to_vec()))
}

pub(crate) fn open_arp(bytes: &[u8]) -> Option<(MacAddress, Packet)> {
    let header = ethernet::Header::parse(bytes).unwrap();
    (header.ether_type == EtherType::ARP).then(|| (header.destination, Packet::parse(&bytes[14..]).unwrap()))
}

/// Reads a frame with etherparse, and its checksums.
fn verify(bytes: &[u8]) {
    use etherparse::{NetSlice, SlicedPacket, TransportSlice};
    let sliced = SlicedPacket::from_ethernet(bytes).expect("etherparse reads the frame");
    if let Some(NetSlice::Ipv6(ip)) = &sliced.net {
        return verify_v6(&ip.header().to_header(), &sliced, ip.is_payload_fragmented());
    }
    let Some(NetSlice::Ipv4(ip)) = &sliced.net else { return };
    let header = ip.header().to_header();
    assert_eq!(header.calc_header_checksum(), header.header_checksum, "IPv4 checksum");
    if header.is_fragmenting_payload() {
        return;
    }
    let payload = ip.payload().payload;
    match &sliced.transport {
        Some(TransportSlice::Udp(udp)) => {
            let right = udp.to_header().calc_checksum_ipv4(&header, udp.payload()).unwrap();
            assert_eq!(right, udp.checksum(), "UDP checksum");
        }
        Some(TransportSlice::Tcp(tcp)) => {
            let right = tcp.to_header().calc_checksum_ipv4(&header, tcp.payload()).unwrap();
            assert_eq!(right, tcp.checksum(), "TCP checksum");
        }
        Some(TransportSlice::Icmpv4(_)) => assert_eq!(wire::icmpv4::checksum([payload, &[]]), 0),
        _ => {}
    }
}

fn verify_v6(header: &etherparse::Ipv6Header, sliced: &etherparse::SlicedPacket<'_>, fragment: bool) {
    use etherparse::TransportSlice;
    if fragment {
        return;
    }
    match &sliced.transport {
        Some(TransportSlice::Udp(udp)) => {
            let right = udp.to_header().calc_checksum_ipv6(header, udp.payload()).unwrap();
            assert_eq!(right, udp.checksum(), "UDP checksum");
        }
        Some(TransportSlice::Tcp(tcp)) => {
            let right = tcp.to_header().calc_checksum_ipv6(header, tcp.payload()).unwrap();
            assert_eq!(right, tcp.checksum(), "TCP checksum");
        }
        Some(TransportSlice::Icmpv6(icmp)) => {
            assert!(icmp.is_checksum_valid(header.source, header.destination), "ICMPv6 checksum");
        }
        _ => {}
    }
}

/// Two stacks, 10.7.0.2 and 10.7.0.3, and a wire that takes a millisecond.
pub(crate) struct Pair {
    pub(crate) hosts: [Stack; 2],
    pub(crate) ids: [InterfaceId; 2],
    pub(crate) now: Instant,
    on_wire: VecDeque<(Instant, usize, Frame)>,
    /// Of how many frames one is lost; 0: none.
    pub(crate) lose_one_in: u64,
    sent: u64,
}

impl Pair {
    pub(crate) fn new(config: &StackConfig, super_segments: bool) -> Pair {
        let now = Instant::from_millis(1000);
        let mut hosts = [Stack::new(now, config.clone(), [1; 32]), Stack::new(now, config.clone(), [2; 32])];
        let mut add = |index: usize, hardware, address: Ipv4Addr| {
            let config = InterfaceConfig { super_segments, ..ethernet_config(hardware) };
            let id = hosts[index].add_interface(now, config);
            hosts[index].add_address(now, id, IpAddr::V4(address), 24, Probing::Skip).unwrap();
            let six = IpAddr::V6(six(address));
            hosts[index].add_address(now, id, six, 64, Probing::Skip).unwrap();
            id
        };
        let ids = [add(0, OUR_HARDWARE, OURS), add(1, PEER_HARDWARE, PEER)];
        Pair { hosts, ids, now, on_wire: VecDeque::new(), lose_one_in: 0, sent: 0 }
    }

    /// One round: what is due leaves, what arrives is taken in; else time passes to the next deadline. False: nothing more.
    pub(crate) fn step(&mut self) -> bool {
        for host in 0..2 {
            while let Some(mut frame) = self.hosts[host].poll_transmit(self.now, self.ids[host]) {
                self.sent += 1;
                if frame.checksum == Checksum::Deferred {
                    assert_ne!(frame.segment_size, 0, "only super-segments leave without checksum");
                    // As memory between two hosts does: nothing can have happened to it.
                    frame.checksum = Checksum::Verified;
                }
                if self.lose_one_in == 0 || !self.sent.is_multiple_of(self.lose_one_in) {
                    self.on_wire.push_back((self.now + Duration::from_millis(1), 1 - host, frame));
                }
            }
        }
        let arrival = self.on_wire.front().map(|(at, _, _)| *at);
        let deadlines = self.hosts.iter().filter_map(Stack::poll_timeout);
        let Some(next) = deadlines.chain(arrival).min() else { return false };
        self.now = self.now.max(next);
        while self.on_wire.front().is_some_and(|(at, _, _)| *at <= self.now) {
            let (_, host, frame) = self.on_wire.pop_front().unwrap();
            let _ = self.hosts[host].on_frame(self.now, self.ids[host], frame);
        }
        for host in &mut self.hosts {
            host.on_timeout(self.now);
        }
        true
    }

    /// Steps until `done` says so.
    pub(crate) fn until(&mut self, mut done: impl FnMut(&mut Pair) -> bool) {
        for _ in 0..1_000_000 {
            if done(self) {
                return;
            }
            assert!(self.step(), "nothing happens any more at {:?}", self.now);
        }
        panic!("not done at {:?}", self.now);
    }
}
