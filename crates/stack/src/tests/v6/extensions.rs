//! Extension headers, and the errors that they bring.

use super::harness::*;
use crate::Dropped;
use crate::tests::harness::*;
use basis::Frame;
use core::net::Ipv6Addr;
use std::vec::Vec;
use wire::ethernet::{self, EtherType, MacAddress};
use wire::icmpv6::{self, Message};
use wire::ipv6::extension::{ERRONEOUS_FIELD, UNKNOWN_NEXT_HEADER, UNKNOWN_OPTION};
use wire::ipv6::{ALL_NODES, Header};
use wire::protocol;

/// Destination options with one of `kind`, and a datagram to `to` behind them.
fn with_option(kind: u8, to: Ipv6Addr) -> (Header, Vec<u8>) {
    let mut payload = std::vec![protocol::UDP, 0, kind, 4, 0, 0, 0, 0];
    payload.extend(udp_v6_bytes(to, 1, 7, b"x"));
    (Header::new(THEM, to, protocol::DESTINATION_OPTIONS), payload)
}

#[test]
fn a_packet_for_one_host_in_a_frame_for_many_is_dropped() {
    let mut bench = bench();
    let header = Header::new(THEM, US, 253);
    for many in [MacAddress::BROADCAST, MacAddress([0x33, 0x33, 0, 0, 0, 1])] {
        let mut frame = Frame::copy_of(b"x");
        header.prepend_to(&mut frame);
        ethernet::Header { destination: many, source: PEER_HARDWARE, ether_type: EtherType::IPV6 }
            .prepend_to(&mut frame);
        assert_eq!(bench.frame(from_device(&frame)), Err(Dropped::UnicastInBroadcast));
    }
    assert!(bench.sent().is_empty());
    assert!(bench.packet_v6(&header, b"x").is_err());
    assert!(!bench.sent().is_empty(), "to one it is answered");
}

/// RFC 4443 2.4 (e.1).
#[test]
fn an_error_is_not_answered_by_another_behind_whatever_header() {
    let mut bench = bench();
    let unknown_option = [0x9e, 4, 0, 0, 0, 0];
    let used_up = [1, 0, 0, 0, 0, 0];
    for (refused, rest) in [
        (protocol::DESTINATION_OPTIONS, unknown_option),
        (protocol::ROUTING, [1, 3, 0, 0, 0, 0]),
        (protocol::HOP_BY_HOP, unknown_option),
    ] {
        for (kind, answers) in [(1, 0), (200, 1)] {
            let mut payload = std::vec![refused, 0];
            payload.extend(used_up);
            payload.extend([protocol::ICMPV6, 0]);
            payload.extend(rest);
            payload.extend([kind, 0, 0, 0, 0, 0, 0, 0]);
            let header = Header::new(THEM, US, protocol::ROUTING);
            assert_eq!(bench.packet_v6(&header, &payload), Err(Dropped::ExtensionRefused));
            assert_eq!(bench.sent().len(), answers, "{refused} {kind}");
        }
    }
}

#[test]
fn an_unknown_option_is_skipped_or_costs_the_packet_as_its_bits_say() {
    let mut bench = bench();
    let socket = bench.stack.udp_bind("[::]:7".parse().unwrap()).unwrap();
    let (header, payload) = with_option(0x1e, US);
    assert_eq!(bench.packet_v6(&header, &payload), Ok(()));
    assert!(bench.stack.udp_receive(socket, &mut [0; 9]).is_ok());

    let refused = Err(Dropped::ExtensionRefused);
    let (header, payload) = with_option(0x5e, US);
    assert_eq!(bench.packet_v6(&header, &payload), refused);
    assert!(bench.sent().is_empty());
    for kind in [0x9e, 0xde] {
        let (header, payload) = with_option(kind, US);
        assert_eq!(bench.packet_v6(&header, &payload), refused);
        let (back, message, quoted) = bench.sent_icmp_v6();
        assert_eq!(message, Message::ParameterProblem { code: UNKNOWN_OPTION, pointer: 42 });
        assert_eq!((back.source, back.destination), (US, THEM));
        assert_eq!(quoted[40..], payload);
    }
}

#[test]
fn the_sender_to_a_group_is_told_only_if_the_option_wants_it() {
    let mut bench = bench();
    let (header, payload) = with_option(0xde, ALL_NODES);
    assert_eq!(bench.packet_v6(&header, &payload), Err(Dropped::ExtensionRefused));
    assert!(bench.sent().is_empty());
    let (header, payload) = with_option(0x9e, ALL_NODES);
    assert_eq!(bench.packet_v6(&header, &payload), Err(Dropped::ExtensionRefused));
    let (back, message, _) = bench.sent_icmp_v6();
    assert_eq!((back.source, back.destination), (US, THEM));
    assert_eq!(message, Message::ParameterProblem { code: UNKNOWN_OPTION, pointer: 42 });
}

#[test]
fn an_unknown_protocol_or_routing_type_is_told_with_its_place() {
    let mut bench = bench();
    assert_eq!(bench.packet_v6(&from_them(253), &[0; 8]), Err(Dropped::UnknownProtocol));
    assert_eq!(bench.sent_icmp_v6().1, Message::ParameterProblem { code: UNKNOWN_NEXT_HEADER, pointer: 6 });
    let options = [253, 0, 1, 4, 0, 0, 0, 0];
    let header = from_them(protocol::DESTINATION_OPTIONS);
    assert_eq!(bench.packet_v6(&header, &options), Err(Dropped::UnknownProtocol));
    assert_eq!(bench.sent_icmp_v6().1, Message::ParameterProblem { code: UNKNOWN_NEXT_HEADER, pointer: 40 });
    let routing = [protocol::UDP, 0, 0, 1, 0, 0, 0, 0];
    let header = from_them(protocol::ROUTING);
    assert_eq!(bench.packet_v6(&header, &routing), Err(Dropped::ExtensionRefused));
    assert_eq!(bench.sent_icmp_v6().1, Message::ParameterProblem { code: ERRONEOUS_FIELD, pointer: 42 });
    assert_eq!(bench.packet_v6(&from_them(protocol::NO_NEXT_HEADER), &[]), Err(Dropped::NothingFollows));
    assert!(bench.sent().is_empty());
}

#[test]
fn no_error_is_sent_about_an_error_nor_to_nobody_and_never_too_many() {
    let mut bench = bench();
    // An error whose options nobody knows.
    let mut payload = std::vec![protocol::ICMPV6, 0, 0x1e, 4, 0, 0, 0, 0];
    payload.extend(icmp_v6_bytes(Message::DestinationUnreachable { code: 3 }, &[0; 8]));
    let header = from_them(protocol::DESTINATION_OPTIONS);
    assert!(bench.packet_v6(&header, &payload).is_err());
    assert!(bench.packet_v6(&Header::new(Ipv6Addr::UNSPECIFIED, US, 253), &[0; 8]).is_err());
    assert!(bench.sent().is_empty());
    for _ in 0..200 {
        let _ = bench.packet_v6(&from_them(253), &[0; 8]);
    }
    // The burst that the configuration allows, or up to a half less.
    let sent = bench.sent().len();
    assert!((25..=50).contains(&sent), "{sent}");
    assert_eq!(bench.stack.counters().dropped.of(Dropped::IcmpRateLimit), 200 - sent as u64);
}

#[test]
fn an_error_quotes_as_much_as_fits_into_1280_bytes() {
    let mut bench = bench();
    let long = udp_v6_bytes(US, 1, 9, &[7; 1400]);
    assert_eq!(bench.packet_v6(&from_them(protocol::UDP), &long), Err(Dropped::UdpNoSocket));
    let (header, message, quoted) = bench.sent_icmp_v6();
    assert_eq!(message, Message::DestinationUnreachable { code: icmpv6::PORT_UNREACHABLE });
    assert_eq!((header.total_length(), quoted.len()), (1280, 1232));
}

#[test]
fn addresses_that_nobody_may_have_do_not_come_in() {
    let mut bench = bench();
    let datagram = udp_v6_bytes(US, 1, 7, b"x");
    for (source, destination, reason) in [
        ("ff02::1", "fd07::2", Dropped::MartianSource),
        ("::1", "fd07::2", Dropped::MartianSource),
        ("::ffff:10.0.0.1", "fd07::2", Dropped::MartianSource),
        ("fd07::2", "fd07::2", Dropped::MartianSource),
        ("::", "fd07::2", Dropped::MartianSource),
        ("fd07::3", "::1", Dropped::MartianDestination),
        ("fd07::3", "fd07::9", Dropped::OtherHost),
        ("fd07::3", "ff02::9", Dropped::OtherStation),
        ("fd07::3", "ff01::1", Dropped::MartianDestination),
    ] {
        let header = Header::new(source.parse().unwrap(), destination.parse().unwrap(), protocol::UDP);
        assert_eq!(bench.packet_v6(&header, &datagram), Err(reason), "{source} > {destination}");
    }
    assert!(bench.sent().is_empty());
}
