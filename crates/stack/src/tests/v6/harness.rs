//! A stack with an IPv6 address, and packets from its peer.

use crate::tests::harness::*;
use crate::{Dropped, Probing, StackConfig};
use alloc::vec::Vec;
use basis::Frame;
use core::net::Ipv6Addr;
use wire::ethernet::{self, EtherType, MacAddress};
use wire::icmpv6::Message;
use wire::ipv6::{Header, extension::Chain};
use wire::ndp::{self, Options};
use wire::{protocol, udp};

pub(crate) const US: Ipv6Addr = Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, 2);
pub(crate) const THEM: Ipv6Addr = Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, 3);
/// The peer's address on the link alone.
pub(crate) const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 3);

/// With fd07::2/64 in use, and knowing the peer's station.
pub(crate) fn bench() -> Bench {
    bench_with(StackConfig::default())
}

pub(crate) fn bench_with(config: StackConfig) -> Bench {
    let mut bench = Bench::bare(config);
    bench.stack.add_address(bench.now, bench.id, US.into(), 64, Probing::Skip).unwrap();
    let solicitation = ndp::Message::NeighbourSolicitation { target: US };
    bench.discovery(THEM, US, &solicitation, &Options::from_source(PEER_HARDWARE)).unwrap();
    bench.pass(seconds(2));
    let _ = bench.sent();
    let answer = ndp::Message::NeighbourAdvertisement {
        target: THEM,
        router: false,
        solicited: true,
        overriding: true,
    };
    bench.discovery(THEM, US, &answer, &Options::to_target(PEER_HARDWARE)).unwrap();
    while bench.stack.poll_event().is_some() {}
    bench
}

/// A frame from the peer's station, as a device gives it.
pub(crate) fn frame_of(header: &Header, payload: &[u8]) -> Frame {
    let mut frame = Frame::copy_of(payload);
    header.prepend_to(&mut frame);
    let destination = match header.destination.octets() {
        [0xff, .., a, b, c, d] => MacAddress([0x33, 0x33, a, b, c, d]),
        _ => OUR_HARDWARE,
    };
    ethernet::Header { destination, source: PEER_HARDWARE, ether_type: EtherType::IPV6 }
        .prepend_to(&mut frame);
    from_device(&frame)
}

impl Bench {
    pub(crate) fn packet_v6(&mut self, header: &Header, payload: &[u8]) -> Result<(), Dropped> {
        self.frame(frame_of(header, payload))
    }

    pub(crate) fn discovery(
        &mut self,
        source: Ipv6Addr,
        destination: Ipv6Addr,
        message: &ndp::Message,
        options: &Options,
    ) -> Result<(), Dropped> {
        let bytes = message.to_frame(options, source, destination).to_vec();
        let header = Header { hop_limit: 255, ..Header::new(source, destination, protocol::ICMPV6) };
        self.packet_v6(&header, &bytes)
    }

    pub(crate) fn icmp_v6(&mut self, message: Message, payload: &[u8]) -> Result<(), Dropped> {
        self.packet_v6(&from_them(protocol::ICMPV6), &icmp_v6_bytes(message, payload))
    }

    /// The IPv6 packets that are due now, each with what it carries behind its extension headers.
    pub(crate) fn sent_v6(&mut self) -> Vec<(Header, Chain, Vec<u8>)> {
        self.sent().iter().filter_map(|bytes| open_v6(bytes)).collect()
    }

    /// The one ICMPv6 message that is due now, with its payload.
    pub(crate) fn sent_icmp_v6(&mut self) -> (Header, Message, Vec<u8>) {
        let sent = self.sent_v6();
        assert_eq!(sent.len(), 1, "{sent:?}");
        let (header, chain, payload) = &sent[0];
        assert_eq!(chain.protocol, protocol::ICMPV6);
        let (message, length) = Message::parse(payload).unwrap();
        (*header, message, payload[length..].to_vec())
    }

    /// The messages of neighbour discovery that are due now.
    pub(crate) fn sent_discovery(&mut self) -> Vec<(Header, ndp::Message, Options)> {
        self.sent_v6()
            .into_iter()
            .filter_map(|(header, _, payload)| {
                let (message, options) = ndp::Message::parse(&payload).ok()?;
                assert_eq!(header.hop_limit, 255);
                Some((header, message, options))
            })
            .collect()
    }
}

pub(crate) fn from_them(protocol: u8) -> Header {
    Header::new(THEM, US, protocol)
}

pub(crate) fn udp_v6_bytes(destination: Ipv6Addr, from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Frame::copy_of(payload);
    let header = udp::Header { source_port: from, destination_port: to, length: 0 };
    header.prepend_to(&mut frame, THEM.into(), destination.into());
    frame.to_vec()
}

pub(crate) fn icmp_v6_bytes(message: Message, payload: &[u8]) -> Vec<u8> {
    let mut frame = Frame::copy_of(payload);
    message.prepend_to(&mut frame, THEM, US);
    frame.to_vec()
}

pub(crate) fn open_v6(bytes: &[u8]) -> Option<(Header, Chain, Vec<u8>)> {
    if ethernet::Header::parse(bytes).unwrap().ether_type != EtherType::IPV6 {
        return None;
    }
    let packet = &bytes[14..];
    let header = Header::parse(packet, packet.len()).unwrap();
    let chain = Chain::walk(packet, &header).unwrap();
    Some((header, chain, packet[chain.offset..header.total_length()].to_vec()))
}
