use super::*;
use crate::ethernet::{self, EtherType, MacAddress};
use crate::test_support::{frame_of, mutate, mutations};
use crate::{icmpv4, malformed::Malformed, udp};
use crate::{ipv4, protocol};
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use etherparse::{Ipv4Header, TcpHeader};
use proptest::prelude::*;

const HERE: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 1);
const THERE: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 2);

fn network(protocol: u8) -> ipv4::Header {
    ipv4::Header { identification: 0xfffe, traffic_class: 2, ..ipv4::Header::new(HERE, THERE, protocol) }
}

/// A frame of TCP over IPv4, over Ethernet if `link` says so.
fn tcp_frame(header: &tcp::Header, payload: &[u8], segment_size: u16, link: bool) -> Frame {
    let mut frame = frame_of(payload, 0);
    frame.segment_size = segment_size;
    header.prepend_to(&mut frame, IpAddr::V4(HERE), IpAddr::V4(THERE));
    network(protocol::TCP).prepend_to(&mut frame);
    if link {
        let source = MacAddress([2, 0, 0, 0, 0, 1]);
        let header =
            ethernet::Header { destination: MacAddress::BROADCAST, source, ether_type: EtherType::IPV4 };
        header.prepend_to(&mut frame);
    }
    frame
}

fn header(flags: Flags, timestamps: bool) -> tcp::Header {
    let timestamps = timestamps.then_some(tcp::Timestamps { value: 5, echo: 6 });
    tcp::Header {
        source_port: 9528,
        destination_port: 40_000,
        sequence: tcp::Seq(u32::MAX - 2000),
        acknowledgment: tcp::Seq(77),
        flags,
        window: 1000,
        urgent: 0,
        options: tcp::Options { timestamps, ..tcp::Options::NONE },
    }
}

/// The TCP header and payload of a packet; etherparse finds both checksums right.
fn opened(packet: &Frame, link_header: usize) -> (Ipv4Header, TcpHeader, Vec<u8>) {
    let bytes = packet.to_vec();
    let (network, rest) = Ipv4Header::from_slice(&bytes[link_header..]).unwrap();
    assert_eq!(network.header_checksum, network.calc_header_checksum());
    assert_eq!(usize::from(network.total_len), bytes.len() - link_header);
    let (transport, payload) = TcpHeader::from_slice(rest).unwrap();
    assert_eq!(transport.checksum, transport.calc_checksum_ipv4(&network, payload).unwrap());
    assert_eq!((packet.segment_size, packet.checksum), (0, Checksum::Complete));
    (network, transport, payload.to_vec())
}

proptest! {
    #[test]
    fn packets_carry_the_body_in_order_each_with_its_own_checksums(
        body in prop::collection::vec(any::<u8>(), 0..9000),
        segment_size in 1..3000_u16,
        bits: u8,
        timestamps: bool,
        link: bool,
    ) {
        prop_assume!(body.len() / usize::from(segment_size) < 200);
        let (link_header, flags) = (if link { 14 } else { 0 }, Flags(bits).without(Flags::URG));
        let original = header(flags, timestamps);
        let packets = Segments::of(tcp_frame(&original, &body, segment_size, link), link_header);
        let expected = body.len().div_ceil(usize::from(segment_size)).max(1);
        prop_assert_eq!(packets.len(), expected);
        let mut joined = Vec::new();
        let mut count = 0;
        for packet in packets {
            let (network, transport, payload) = opened(&packet, link_header);
            let (first, last) = (count == 0, count + 1 == expected);
            prop_assert!(last || payload.len() == usize::from(segment_size));
            prop_assert_eq!(network.identification, 0xfffe_u16.wrapping_add(count as u16));
            prop_assert_eq!((network.source, network.destination), (HERE.octets(), THERE.octets()));
            prop_assert_eq!((network.ecn.value(), network.dont_fragment), (2, true));
            prop_assert_eq!(tcp::Seq(transport.sequence_number), original.sequence + joined.len() as u32);
            prop_assert_eq!((transport.acknowledgment_number, transport.window_size), (77, 1000));
            prop_assert_eq!((transport.fin, transport.psh), (last && bits & 1 != 0, last && bits & 8 != 0));
            prop_assert_eq!(transport.cwr, first && bits & 0x80 != 0);
            prop_assert_eq!((transport.syn, transport.ack, transport.ece), (bits & 2 != 0, bits & 0x10 != 0, bits & 0x40 != 0));
            prop_assert_eq!(transport.header_len(), if timestamps { 32 } else { 20 });
            prop_assert_eq!(tcp::Options::parse(transport.options.as_slice()), Ok(original.options.clone()));
            joined.extend(payload);
            count += 1;
        }
        prop_assert_eq!(count, expected);
        prop_assert_eq!(joined, body);
    }

    #[test]
    fn a_link_header_is_copied_to_every_packet(body in 1..5000_usize) {
        let frame = tcp_frame(&header(Flags::ACK, true), &vec![3; body], 1448, true);
        let link = frame.first()[..14].to_vec();
        for packet in Segments::of(frame, 14) {
            prop_assert_eq!(&packet.first()[..14], &link);
        }
    }

    #[test]
    fn strange_headers_never_make_it_panic_and_lose_nothing(
        mutations in mutations(), keep in 0..90_usize, in_body: bool, segment_size: u16, link_header in 0..100_usize, deferred: bool,
    ) {
        let mut bytes = tcp_frame(&header(Flags::ACK, true), &[], 0, true).first().to_vec();
        mutate(&mut bytes, &mutations, keep);
        let mut frame = Frame::new();
        if !in_body {
            frame.prepend(bytes.len()).copy_from_slice(&bytes);
            bytes.clear();
        }
        bytes.extend([7; 3000]);
        let length = bytes.len();
        frame.set_body(bytes.into(), length);
        frame.segment_size = segment_size % 2000;
        if deferred {
            frame.checksum = Checksum::Deferred;
        }
        let body = frame.body().clone();
        let packets: Vec<Frame> = Segments::of(frame, link_header % 30).collect();
        let joined: Vec<u8> = packets.iter().flat_map(|packet| packet.body().to_vec()).collect();
        prop_assert_eq!(joined, body.to_vec());
    }
}

#[test]
fn a_finished_frame_comes_out_as_it_is() {
    let frame = tcp_frame(&header(Flags::ACK, true), b"hello", 0, true);
    assert!(is_finished(&frame) && !is_super(&frame));
    let bytes = frame.to_vec();
    let mut packets = Segments::of(frame, 14);
    assert_eq!(packets.len(), 1);
    assert_eq!(packets.next().unwrap().to_vec(), bytes);
    assert!(packets.next().is_none() && packets.next().is_none());
}

#[test]
fn a_deferred_tcp_checksum_is_completed_wherever_the_payload_lies() {
    for split in [0, 5, 13, 64] {
        let mut frame = frame_of(b"thirteen byte", split);
        frame.checksum = Checksum::Deferred;
        header(Flags::ACK, true).prepend_to(&mut frame, IpAddr::V4(HERE), IpAddr::V4(THERE));
        network(protocol::TCP).prepend_to(&mut frame);
        let packets: Vec<Frame> = Segments::of(frame, 0).collect();
        assert_eq!(packets.len(), 1);
        assert_eq!(opened(&packets[0], 0).2, b"thirteen byte");
    }
}

#[test]
fn a_deferred_udp_checksum_is_completed() {
    let mut frame = frame_of(&[8; 100], 3);
    frame.checksum = Checksum::Deferred;
    let (here, there) = (IpAddr::V4(HERE), IpAddr::V4(THERE));
    udp::Header { source_port: 1, destination_port: 2, length: 0 }.prepend_to(&mut frame, here, there);
    network(protocol::UDP).prepend_to(&mut frame);
    assert_eq!(frame.first()[26..28], [0, 0]);
    let mut packet = Segments::of(frame, 0).next().unwrap();
    assert_eq!(packet.checksum, Checksum::Complete);
    assert_ne!(packet.first()[26..28], [0, 0]);
    packet.strip(20);
    assert_eq!(udp::verify(here, there, packet.parts()), Ok(()));
    packet.head_mut()[1] ^= 1;
    assert_eq!(udp::verify(here, there, packet.parts()), Err(Malformed::UdpChecksum));
}

#[test]
fn what_is_not_tcp_or_only_a_fragment_is_not_cut() {
    let mut frame = frame_of(&[8; 3000], 0);
    icmpv4::Message::EchoRequest { identifier: 1, sequence: 1 }.prepend_to(&mut frame);
    network(protocol::ICMPV4).prepend_to(&mut frame);
    frame.segment_size = 1000;
    let bytes = frame.to_vec();
    let packets: Vec<Frame> = Segments::of(frame, 0).collect();
    assert_eq!((packets.len(), packets[0].to_vec()), (1, bytes));

    let mut frame = frame_of(&[8; 3000], 0);
    frame.segment_size = 1000;
    header(Flags::ACK, false).prepend_to(&mut frame, IpAddr::V4(HERE), IpAddr::V4(THERE));
    ipv4::Header { more_fragments: true, ..network(protocol::TCP) }.prepend_to(&mut frame);
    assert_eq!(Segments::of(frame, 0).count(), 1);
}

#[test]
fn packets_longer_than_a_datagram_are_not_made() {
    let frame = tcp_frame(&header(Flags::ACK, false), &vec![1; 70_000], 65_495, false);
    assert_eq!(Segments::of(frame, 0).map(|packet| packet.len()).collect::<Vec<_>>(), [65_535, 4545]);
    let frame = tcp_frame(&header(Flags::ACK, false), &vec![1; 70_000], 65_496, false);
    assert_eq!(Segments::of(frame, 0).count(), 1);
}

#[test]
fn packets_share_the_memory_of_the_body_and_its_charge() {
    let mut frame = tcp_frame(&header(Flags::ACK, false), &[1; 4000], 1000, false);
    let body = frame.take_body();
    let address = body.as_ptr();
    frame.set_body(body, 8000);
    let packets: Vec<Frame> = Segments::of(frame, 0).collect();
    assert_eq!(packets.len(), 4);
    for (index, packet) in packets.iter().enumerate() {
        assert_eq!(packet.body().as_ptr() as usize, address as usize + 1000 * index);
        assert_eq!(packet.memory(), 2000);
    }
}

#[test]
fn a_payload_that_begins_in_the_head_is_not_cut_but_completed() {
    let mut frame = frame_of(&[6; 3000], 10);
    frame.segment_size = 1000;
    header(Flags::ACK, true).prepend_to(&mut frame, IpAddr::V4(HERE), IpAddr::V4(THERE));
    network(protocol::TCP).prepend_to(&mut frame);
    let packets: Vec<Frame> = Segments::of(frame, 0).collect();
    assert_eq!(packets.len(), 1);
    assert_eq!(opened(&packets[0], 0).2, [6; 3000]);
}

#[test]
fn a_header_that_leads_beyond_the_head_is_left_alone() {
    let mut frame = tcp_frame(&header(Flags::ACK, false), &[6; 3000], 1000, false);
    frame.head_mut()[32] = 0x60;
    let bytes = frame.to_vec();
    let packets: Vec<Frame> = Segments::of(frame, 0).collect();
    assert_eq!((packets.len(), packets[0].to_vec()), (1, bytes));
    assert_eq!(packets[0].checksum, Checksum::Deferred);
}

#[test]
fn a_completed_udp_checksum_of_zero_is_sent_as_ones() {
    let (here, there) = (IpAddr::V4(HERE), IpAddr::V4(THERE));
    let completed = |payload: [u8; 2]| {
        let mut frame = frame_of(&payload, 2);
        frame.checksum = Checksum::Deferred;
        udp::Header { source_port: 1, destination_port: 2, length: 0 }.prepend_to(&mut frame, here, there);
        network(protocol::UDP).prepend_to(&mut frame);
        let packet = Segments::of(frame, 0).next().unwrap();
        [packet.first()[26], packet.first()[27]]
    };
    assert_eq!(completed(completed([0, 0])), [0xff, 0xff]);
}

proptest! {
    #[test]
    fn packets_of_ipv6_carry_the_body_in_order_each_with_its_own_checksum(
        body in prop::collection::vec(any::<u8>(), 0..9000),
        segment_size in 1..3000_u16,
        link: bool,
    ) {
        prop_assume!(body.len() / usize::from(segment_size) < 200);
        let (here, there) = ("fd07::1".parse().unwrap(), "fd07::2".parse().unwrap());
        let mut frame = frame_of(&body, 0);
        frame.segment_size = segment_size;
        header(Flags::ACK | Flags::PSH, true).prepend_to(&mut frame, IpAddr::V6(here), IpAddr::V6(there));
        ipv6::Header { hop_limit: 9, ..ipv6::Header::new(here, there, protocol::TCP) }.prepend_to(&mut frame);
        if link {
            ethernet::Header { ether_type: EtherType::IPV6, ..Default::default() }.prepend_to(&mut frame);
        }
        let link_header = if link { 14 } else { 0 };
        let packets: Vec<Frame> = Segments::of(frame, link_header).collect();
        prop_assert_eq!(packets.len(), body.len().div_ceil(usize::from(segment_size)).max(1));
        let mut joined = Vec::new();
        for packet in packets {
            let bytes = packet.to_vec();
            let (network, rest) = etherparse::Ipv6Header::from_slice(&bytes[link_header..]).unwrap();
            prop_assert_eq!(usize::from(network.payload_length), rest.len());
            let (transport, payload) = TcpHeader::from_slice(rest).unwrap();
            prop_assert_eq!(transport.checksum, transport.calc_checksum_ipv6(&network, payload).unwrap());
            prop_assert_eq!(network.hop_limit, 9);
            prop_assert_eq!(transport.sequence_number, (u32::MAX - 2000).wrapping_add(joined.len() as u32));
            joined.extend_from_slice(payload);
        }
        prop_assert_eq!(joined, body);
    }
}
