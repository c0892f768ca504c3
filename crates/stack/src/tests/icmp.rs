//! Echo, errors sent and errors heard (RFC 792, RFC 1122 3.2.2).

use super::harness::*;
use crate::{Dropped, PingKind, StackConfig, UdpReadiness};
use std::vec::Vec;
use tcp::IcmpError;
use wire::icmpv4::{self, Message};
use wire::{ipv4, protocol};

const PORT_UNREACHABLE: Message =
    Message::DestinationUnreachable { code: icmpv4::PORT_UNREACHABLE, next_hop_mtu: 0 };

/// What we sent, as a router would quote it.
fn quote(packet: &(ipv4::Header, Vec<u8>)) -> Vec<u8> {
    let mut frame = basis::Frame::copy_of(&packet.1[..8]);
    packet.0.prepend_to(&mut frame);
    frame.to_vec()
}

#[test]
fn an_echo_request_of_any_length_gets_its_payload_back() {
    for length in [0, 1, 56, 63, 64, 65, 1472] {
        let mut bench = Bench::acquainted();
        let payload: Vec<u8> = (0..length).map(|n| n as u8).collect();
        bench.icmp(Message::EchoRequest { identifier: 9, sequence: 3 }, &payload).unwrap();
        let sent = bench.sent_packets();
        let (header, bytes) = &sent[0];
        assert_eq!((header.source, header.destination, header.time_to_live), (OURS, PEER, 64));
        assert_eq!(Message::parse(bytes).unwrap().0, Message::EchoReply { identifier: 9, sequence: 3 });
        assert_eq!(bytes[8..], payload);
    }
}

#[test]
fn a_wrong_checksum_or_a_broadcast_gets_nothing() {
    let mut bench = Bench::acquainted();
    let mut bytes = icmp_bytes(Message::EchoRequest { identifier: 9, sequence: 3 }, b"x");
    let header = from_peer(protocol::ICMPV4);
    let broadcast = ipv4::Header { destination: [10, 7, 0, 255].into(), ..header };
    assert_eq!(bench.packet(broadcast, &bytes), Err(Dropped::IcmpIgnored));
    bytes[5] ^= 1;
    assert_eq!(bench.packet(header, &bytes), Err(Dropped::Malformed(wire::Malformed::IcmpChecksum)));
    assert!(bench.sent().is_empty());
}

#[test]
fn a_datagram_to_a_closed_port_gets_port_unreachable() {
    let mut bench = Bench::acquainted();
    assert_eq!(bench.udp(4000, 9, &[7; 1000]), Err(Dropped::UdpNoSocket));
    let sent = bench.sent_packets();
    let (header, bytes) = &sent[0];
    assert_eq!(Message::parse(bytes).unwrap().0, PORT_UNREACHABLE);
    assert_eq!(header.total_length, 576, "as much is quoted as fits");
    let quoted = icmpv4::Quoted::parse(&bytes[8..]).unwrap();
    assert_eq!((quoted.source_port, quoted.destination_port), (4000, 9));
}

#[test]
fn no_error_about_errors_broadcasts_fragments_or_damaged_datagrams() {
    let mut bench = Bench::acquainted();
    let header = from_peer(protocol::UDP);
    let closed = udp_bytes(4000, 9, b"x");
    for destination in [[10, 7, 0, 255], [255; 4]] {
        let header = ipv4::Header { destination: destination.into(), ..header };
        let bytes = udp_bytes_to(destination.into(), 4000, 9, b"x");
        assert_eq!(bench.packet(header, &bytes), Err(Dropped::UdpNoSocket));
    }
    let mut damaged = closed.clone();
    damaged[8] ^= 1;
    assert_eq!(bench.packet(header, &damaged), Err(Dropped::Malformed(wire::Malformed::UdpChecksum)));
    let error = icmp_bytes(PORT_UNREACHABLE, &[0x45; 28]);
    assert!(bench.packet(from_peer(protocol::ICMPV4), &error).is_err());
    // A fragment other than the first, whose time then runs out; the datagram's beginning never came.
    let fragment = ipv4::Header { dont_fragment: false, fragment_offset: 64, ..header };
    bench.packet(fragment, &[0; 64]).unwrap();
    // An ICMP error in fragments, of which only the first comes.
    let icmp = from_peer(protocol::ICMPV4);
    let fragment = ipv4::Header { dont_fragment: false, more_fragments: true, identification: 5, ..icmp };
    bench.packet(fragment, &error[..32]).unwrap();
    bench.pass(seconds(31));
    assert_eq!(bench.stack.counters().dropped.of(Dropped::ReassemblyTimeout), 2);
    assert!(bench.sent().is_empty());
    assert_eq!(bench.stack.counters().icmp.sent_errors, 0);
}

#[test]
fn errors_are_rate_limited() {
    let config = StackConfig { icmp_errors_per_second: 10, icmp_errors_burst: 5, ..StackConfig::default() };
    let mut bench = Bench::acquainted_with(config);
    for _ in 0..20 {
        assert_eq!(bench.udp(4000, 9, b"x"), Err(Dropped::UdpNoSocket));
    }
    // How many exactly is not to be known from outside.
    let sent = bench.sent_packets().len();
    assert!((2..=5).contains(&sent), "{sent}");
    assert_eq!(bench.stack.counters().dropped.of(Dropped::IcmpRateLimit), 20 - sent as u64);
    bench.pass(core::time::Duration::from_millis(200));
    for _ in 0..20 {
        assert_eq!(bench.udp(4000, 9, b"x"), Err(Dropped::UdpNoSocket));
    }
    assert_eq!(bench.sent_packets().len(), 2);
}

#[test]
fn port_unreachable_reaches_a_connected_socket_only() {
    let mut bench = Bench::acquainted();
    let bound = bench.stack.udp_bind("0.0.0.0:5000".parse().unwrap()).unwrap();
    let connected = bench.stack.udp_bind("0.0.0.0:5001".parse().unwrap()).unwrap();
    bench.stack.udp_connect(connected, (PEER, 7).into()).unwrap();
    for socket in [bound, connected] {
        bench.stack.udp_send(bench.now, socket, b"12345678", Some((PEER, 7).into())).unwrap();
    }
    let sent = bench.sent_packets();
    for packet in &sent {
        bench.icmp(PORT_UNREACHABLE, &quote(packet)).unwrap();
    }
    assert!(!bench.stack.udp_readiness(bound).contains(UdpReadiness::FAILED));
    assert_eq!(bench.stack.udp_take_error(connected), Some(IcmpError::PortUnreachable));
    assert_eq!(bench.stack.udp_take_error(connected), None);
    let events = bench.events();
    assert!(matches!(events[..], [crate::Event::Udp(id, ready)]
        if id == connected && ready.contains(UdpReadiness::FAILED)));
}

#[test]
fn errors_about_what_we_never_sent_change_nothing() {
    let mut bench = Bench::acquainted();
    let socket = bench.stack.udp_bind("0.0.0.0:5000".parse().unwrap()).unwrap();
    bench.stack.udp_connect(socket, (PEER, 7).into()).unwrap();
    bench.stack.udp_send(bench.now, socket, b"12345678", None).unwrap();
    let (header, bytes) = bench.sent_packets().remove(0);
    let mut other_port = bytes.clone();
    other_port[3] ^= 1;
    let mut tcp = bytes.clone();
    tcp[0] = 0xff;
    for (header, bytes) in [
        (header, other_port),
        (ipv4::Header { source: [10, 7, 0, 9].into(), ..header }, bytes.clone()),
        (ipv4::Header { destination: [10, 7, 0, 9].into(), ..header }, bytes),
        (ipv4::Header { protocol: protocol::TCP, ..header }, tcp.clone()),
        (ipv4::Header { protocol: 132, ..header }, tcp),
    ] {
        assert_eq!(bench.icmp(PORT_UNREACHABLE, &quote(&(header, bytes))), Err(Dropped::IcmpUnrelated));
    }
    assert_eq!(bench.stack.udp_take_error(socket), None);
    let truncated = bench.icmp(PORT_UNREACHABLE, &[0x45; 27]);
    assert_eq!(truncated, Err(Dropped::Malformed(wire::Malformed::IcmpQuotation)));
    let redirect = Message::Redirect { code: 1, gateway: PEER };
    assert_eq!(bench.icmp(redirect, &[0x45; 28]), Err(Dropped::IcmpIgnored));
}

#[test]
fn fragmentation_needed_makes_later_datagrams_smaller() {
    let mut bench = Bench::acquainted();
    let socket = bench.stack.udp_bind("0.0.0.0:5000".parse().unwrap()).unwrap();
    let send = |bench: &mut Bench| {
        bench.stack.udp_send(bench.now, socket, &[1; 1472], Some((PEER, 7).into())).unwrap();
        bench.sent_packets()
    };
    let sent = send(&mut bench);
    assert_eq!(sent.len(), 1);
    let code = icmpv4::FRAGMENTATION_NEEDED;
    bench.icmp(Message::DestinationUnreachable { code, next_hop_mtu: 1000 }, &quote(&sent[0])).unwrap();
    let lengths: Vec<usize> = send(&mut bench).iter().map(|(header, _)| header.total_length).collect();
    assert_eq!(lengths, [996, 524]);
    bench.pass(seconds(601));
    bench.arp(wire::arp::Packet::request(PEER_HARDWARE, PEER, OURS));
    bench.sent();
    assert_eq!(send(&mut bench).len(), 1, "a path MTU is forgotten in time");
}

#[test]
fn ping_hears_replies_and_failures_of_its_own_requests() {
    let mut bench = Bench::acquainted();
    let ping = bench.stack.ping_open().unwrap();
    bench.stack.ping_send(bench.now, ping, PEER.into(), 7, &[1; 100], Some(3)).unwrap();
    let sent = bench.sent_packets();
    assert_eq!(sent[0].0.time_to_live, 3);
    let (Message::EchoRequest { identifier, sequence: 7 }, _) = Message::parse(&sent[0].1).unwrap() else {
        panic!("no echo request")
    };
    bench.icmp(Message::EchoReply { identifier, sequence: 7 }, &[1; 100]).unwrap();
    bench.icmp(Message::TimeExceeded { code: 0 }, &quote(&sent[0])).unwrap();
    let host = Message::DestinationUnreachable { code: 1, next_hop_mtu: 0 };
    bench.icmp(host, &quote(&sent[0])).unwrap();
    let strange = Message::EchoReply { identifier: identifier ^ 1, sequence: 7 };
    assert_eq!(bench.icmp(strange, b"x"), Err(Dropped::PingUnexpected));
    let reply = bench.stack.ping_receive(ping).unwrap();
    assert_eq!((reply.kind, reply.sequence, reply.bytes, reply.ttl), (PingKind::Reply, 7, 108, 64));
    assert_eq!((reply.payload.as_ref(), reply.at), (&[1; 100][..], bench.now));
    assert_eq!(bench.stack.ping_receive(ping).unwrap().kind, PingKind::TimeExceeded);
    assert_eq!(bench.stack.ping_receive(ping).unwrap().kind, PingKind::Unreachable { code: 1 });
    assert_eq!(bench.stack.ping_receive(ping), None);
    assert_eq!(bench.events(), [crate::Event::Ping(ping)]);
}

#[test]
fn requests_that_wait_to_be_sent_are_bounded_for_each_echo_socket() {
    let mut bench = Bench::acquainted();
    let most = StackConfig::default().ping.send_buffer;
    let (one, other) = (bench.stack.ping_open().unwrap(), bench.stack.ping_open().unwrap());
    let send =
        |bench: &mut Bench, ping| bench.stack.ping_send(bench.now, ping, PEER.into(), 1, &[7; 1000], None);
    let mut waiting = 0;
    while send(&mut bench, one).is_ok() {
        waiting += 1000;
        assert!(waiting < 2 * most);
    }
    assert_eq!(send(&mut bench, one), Err(crate::SendError::WouldBlock));
    // What is charged is the memory that a request takes, so less payload fits than the bound, but most of it.
    assert!(waiting <= most + 1000 && waiting > most / 4, "{waiting}");
    assert_eq!(send(&mut bench, other), Ok(()));
    bench.sent();
    assert_eq!(send(&mut bench, one), Ok(()), "they have left");
}
