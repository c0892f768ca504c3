//! What IPv4 lets in, and what it answers (RFC 1122 3.2).

use super::harness::*;
use super::interception::at;
use crate::{Defence, Dropped, ProbeTimes, Probing, StackConfig};
use basis::Frame;
use core::net::Ipv4Addr;
use core::time::Duration;
use wire::arp::Packet;
use wire::ethernet::{self, EtherType, MacAddress};
use wire::icmpv4::Message;
use wire::{ipv4, protocol};

fn address(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

#[test]
fn martians_stay_outside() {
    let mut bench = Bench::acquainted();
    bench.stack.udp_bind("0.0.0.0:7".parse().unwrap()).unwrap();
    let header = from_peer(protocol::UDP);
    for source in
        ["0.0.0.0", "127.0.0.1", "255.255.255.255", "224.0.0.1", "240.0.0.1", "10.7.0.255", "10.7.0.2"]
    {
        let header = ipv4::Header { source: address(source), ..header };
        assert_eq!(bench.packet(header, &udp_bytes(1, 7, b"x")), Err(Dropped::MartianSource), "{source}");
    }
    for (destination, reason) in [
        ("127.0.0.1", Dropped::MartianDestination),
        ("10.7.0.9", Dropped::OtherHost),
        ("8.8.8.8", Dropped::OtherHost),
        ("0.0.0.0", Dropped::OtherHost),
        ("224.0.0.9", Dropped::OtherHost),
    ] {
        let header = ipv4::Header { destination: address(destination), ..header };
        assert_eq!(bench.packet(header, &udp_bytes(1, 7, b"x")), Err(reason), "{destination}");
    }
    assert!(bench.sent().is_empty());
    assert_eq!(bench.stack.counters().dropped.of(Dropped::MartianSource), 7);
    assert_eq!(bench.stack.counters().dropped.total(), 12);
}

#[test]
fn what_was_let_in_is_looked_at_anew_once_an_address_has_changed() {
    let mut bench = Bench::acquainted();
    bench.stack.udp_bind("0.0.0.0:7".parse().unwrap()).unwrap();
    let send = |bench: &mut Bench| {
        let twice = [0, 1].map(|_| bench.packet(from_peer(protocol::UDP), &udp_bytes(1, 7, b"x")));
        assert_eq!(twice[0], twice[1]);
        twice[0]
    };
    assert_eq!(send(&mut bench), Ok(()));
    let (now, id) = (bench.now, bench.id);
    bench.stack.add_address(now, id, PEER.into(), 24, Probing::Skip).unwrap();
    assert_eq!(send(&mut bench), Err(Dropped::MartianSource), "it is ours");
    bench.stack.remove_address(PEER.into()).unwrap();
    assert_eq!(send(&mut bench), Ok(()));
    bench.stack.remove_address(OURS.into()).unwrap();
    assert_eq!(send(&mut bench), Err(Dropped::OtherHost));
}

#[test]
fn whom_a_packet_is_for_follows_what_becomes_of_the_only_address() {
    let mut bench = Bench::bare(StackConfig { defence: Defence::GiveUp, ..StackConfig::default() });
    bench.stack.udp_bind("0.0.0.0:7".parse().unwrap()).unwrap();
    let (now, id) = (bench.now, bench.id);
    let probing = Probing::Probe(ProbeTimes::RFC5227);
    bench.stack.add_address(now, id, OURS.into(), 24, probing).unwrap();
    let send = |bench: &mut Bench, source: Ipv4Addr| {
        let header = ipv4::Header { source, ..from_peer(protocol::UDP) };
        let mut datagram = udp_bytes(1, 7, b"x");
        datagram[6..8].fill(0); // without checksum
        bench.packet(header, &datagram)
    };
    assert_eq!(send(&mut bench, PEER), Err(Dropped::OtherHost), "it is being probed");
    bench.pass(Duration::from_secs(20));
    assert_eq!(send(&mut bench, PEER), Ok(()));
    // From another network, from another host just after, and from whom nobody is.
    assert_eq!(send(&mut bench, address("8.8.8.8")), Ok(()));
    for forged in ["10.7.0.255", "10.7.0.2", "127.0.0.1", "224.0.0.1", "0.0.0.0"] {
        assert_eq!(send(&mut bench, address(forged)), Err(Dropped::MartianSource), "{forged}");
    }
    bench.stack.set_link_state(bench.now, id, false);
    bench.stack.set_link_state(bench.now, id, true);
    assert_eq!(send(&mut bench, PEER), Err(Dropped::OtherHost), "it is being probed again");
    bench.pass(Duration::from_secs(20));
    assert_eq!(send(&mut bench, PEER), Ok(()));
    // A second address, whose broadcast address nobody may speak as, comes and goes.
    let second = address("192.0.2.1");
    bench.stack.add_address(bench.now, id, second.into(), 24, Probing::Skip).unwrap();
    assert_eq!(send(&mut bench, PEER), Ok(()));
    for forged in [second, address("192.0.2.255")] {
        assert_eq!(send(&mut bench, forged), Err(Dropped::MartianSource), "{forged}");
    }
    bench.stack.remove_address(second.into()).unwrap();
    assert_eq!(send(&mut bench, second), Ok(()));
    // Who claims it twice has it.
    for _ in 0..2 {
        bench.arp(Packet::announcement(PEER_HARDWARE, OURS));
    }
    assert_eq!(send(&mut bench, PEER), Err(Dropped::OtherHost), "it is lost");
}

#[test]
fn frames_for_others_and_from_nobody_are_dropped() {
    let mut bench = Bench::new();
    let mut packet = Frame::copy_of(&udp_bytes(1, 7, b"x"));
    from_peer(protocol::UDP).prepend_to(&mut packet);
    let mut send = |destination, source, ether_type| {
        let mut frame = packet.clone();
        ethernet::Header { destination, source, ether_type }.prepend_to(&mut frame);
        bench.frame(frame)
    };
    let group = MacAddress([1, 0, 0x5e, 0, 0, 9]);
    assert_eq!(send(PEER_HARDWARE, PEER_HARDWARE, EtherType::IPV4), Err(Dropped::OtherStation));
    assert_eq!(send(group, PEER_HARDWARE, EtherType::IPV4), Err(Dropped::OtherStation));
    assert_eq!(send(OUR_HARDWARE, group, EtherType::IPV4), Err(Dropped::GroupSender));
    assert_eq!(send(OUR_HARDWARE, OUR_HARDWARE, EtherType::IPV4), Err(Dropped::OwnHardwareAddress));
    assert_eq!(send(OUR_HARDWARE, PEER_HARDWARE, EtherType(0x88cc)), Err(Dropped::UnknownEtherType));
    let all = MacAddress([1, 0, 0x5e, 0, 0, 1]);
    assert_eq!(send(all, PEER_HARDWARE, EtherType::IPV4), Err(Dropped::UnicastInBroadcast));
    let broadcast = MacAddress::BROADCAST;
    assert_eq!(send(broadcast, PEER_HARDWARE, EtherType::IPV4), Err(Dropped::UnicastInBroadcast));
    assert_eq!(
        bench.stack.on_frame(bench.now, crate::InterfaceId::from_number(9), Frame::new()),
        Err(Dropped::NoSuchInterface)
    );
}

#[test]
fn ethernet_padding_is_cut_off() {
    let mut bench = Bench::acquainted();
    let socket = bench.stack.udp_bind("0.0.0.0:7".parse().unwrap()).unwrap();
    let mut bytes = ipv4_frame(from_peer(protocol::UDP), &udp_bytes(1, 7, b"x")).to_vec();
    bytes.resize(60, 0xee);
    bench.frame(Frame::copy_of(&bytes)).unwrap();
    let mut buffer = [0; 9];
    assert_eq!(bench.stack.udp_receive(socket, &mut buffer), Ok((1, 1, (PEER, 1).into())));
    assert_eq!(buffer[0], b'x');
}

#[test]
fn an_unknown_protocol_gets_protocol_unreachable() {
    let mut bench = Bench::acquainted();
    assert_eq!(bench.packet(from_peer(132), b"12345678"), Err(Dropped::UnknownProtocol));
    let sent = bench.sent_packets();
    let (header, bytes) = &sent[0];
    assert_eq!((header.source, header.destination, header.protocol), (OURS, PEER, protocol::ICMPV4));
    let (message, length) = Message::parse(bytes).unwrap();
    assert_eq!(message, Message::DestinationUnreachable { code: 2, next_hop_mtu: 0 });
    assert_eq!(bytes[length..].len(), 28);
    assert_eq!(&bytes[length + 20..], b"12345678");
}

#[test]
fn off_link_packets_go_to_the_gateway_and_without_route_nowhere() {
    let mut bench = Bench::new();
    let socket = bench.stack.udp_bind("0.0.0.0:5000".parse().unwrap()).unwrap();
    let far = "192.0.2.1:7".parse().unwrap();
    assert_eq!(bench.stack.udp_send(bench.now, socket, b"x", Some(far)), Err(crate::SendError::NoRoute));
    bench.stack.add_route("0.0.0.0/0".parse().unwrap(), Some(PEER.into()), bench.id).unwrap();
    bench.stack.udp_send(bench.now, socket, b"x", Some(far)).unwrap();
    assert_eq!(bench.sent_arp()[0].1.target_protocol, PEER);
    bench.stack.remove_route("0.0.0.0/0".parse().unwrap(), Some(PEER.into()), bench.id).unwrap();
    assert_eq!(bench.stack.udp_send(bench.now, socket, b"x", Some(far)), Err(crate::SendError::NoRoute));
}

#[test]
fn the_source_address_is_one_of_the_next_hops_network() {
    let mut bench = Bench::new();
    bench.stack.add_address(bench.now, bench.id, [10, 8, 0, 2].into(), 24, Probing::Skip).unwrap();
    let socket = bench.stack.udp_bind("0.0.0.0:5000".parse().unwrap()).unwrap();
    for (to, from) in [("10.7.0.9:1", "10.7.0.2"), ("10.8.0.9:1", "10.8.0.2")] {
        bench.stack.udp_connect(socket, to.parse().unwrap()).unwrap();
        assert_eq!(bench.stack.udp_local(socket).unwrap().ip(), address(from));
    }
}

#[test]
fn the_output_queue_is_bounded() {
    let mut bench = Bench::acquainted();
    for sequence in 0..300 {
        bench.icmp(Message::EchoRequest { identifier: 1, sequence }, b"x").unwrap();
    }
    assert_eq!(bench.sent().len(), 256);
    assert_eq!(bench.stack.counters().dropped.of(Dropped::OutputQueueFull), 44);
}

#[test]
fn who_has_no_address_may_ask_all_for_one_and_nothing_else() {
    let mut bench = Bench::acquainted();
    let socket = bench.stack.udp_bind(at("0.0.0.0:67")).unwrap();
    let (nobody, all) = (Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST);
    let mut datagram = basis::Frame::copy_of(b"discover");
    wire::udp::Header { source_port: 68, destination_port: 67, length: 0 }.prepend_to(
        &mut datagram,
        nobody.into(),
        all.into(),
    );
    let datagram = datagram.to_vec();
    let broadcast = |bench: &mut Bench, header: ipv4::Header, payload: &[u8]| {
        let mut frame = basis::Frame::copy_of(payload);
        header.prepend_to(&mut frame);
        wire::ethernet::Header {
            destination: wire::ethernet::MacAddress([255; 6]),
            source: PEER_HARDWARE,
            ether_type: wire::ethernet::EtherType::IPV4,
        }
        .prepend_to(&mut frame);
        bench.frame(from_device(&frame))
    };
    let asking = ipv4::Header::new(nobody, all, protocol::UDP);
    broadcast(&mut bench, asking, &datagram).unwrap();
    let received = bench.stack.udp_receive_to(socket, &mut [0; 20]).unwrap();
    assert_eq!((received.from, received.to), (at("0.0.0.0:68"), at("255.255.255.255:67")));
    // The answer goes to all.
    assert!(bench.stack.udp_set_broadcast(socket, true));
    let now = bench.now;
    bench.stack.udp_send(now, socket, b"offer", Some(at("255.255.255.255:68"))).unwrap();
    let sent = bench.sent_packets();
    assert_eq!((sent.len(), sent[0].0.source, sent[0].0.destination), (1, OURS, all));
    for (header, payload) in [
        (ipv4::Header::new(nobody, OURS, protocol::UDP), datagram.as_slice()),
        (ipv4::Header::new(nobody, Ipv4Addr::new(10, 7, 0, 255), protocol::UDP), &datagram),
        (
            ipv4::Header::new(nobody, all, protocol::ICMPV4),
            &icmp_bytes(Message::EchoRequest { identifier: 1, sequence: 1 }, b"x"),
        ),
        (ipv4::Header::new(nobody, all, 99), b"x"),
        (ipv4::Header::new(nobody, all, protocol::IGMP), &[0x11, 0, 0xee, 0xff, 0, 0, 0, 0]),
        (ipv4::Header::new(Ipv4Addr::new(0, 0, 0, 9), all, protocol::UDP), &datagram),
        (ipv4::Header { more_fragments: true, dont_fragment: false, ..asking }, &datagram),
    ] {
        assert_eq!(broadcast(&mut bench, header, payload), Err(Dropped::MartianSource), "{header:?}");
    }
    assert_eq!(bench.sent().len(), 0);
}
