//! A host that takes in what is for anybody, and one that does not.

use super::harness::*;
use super::v6::harness::*;
use crate::{BindError, Dropped, EchoRequest, PingKind, Probing, Received, SendError, StackConfig};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use tcp::{Decision, SocketOptions, State};
use wire::icmpv4::{self, Message};
use wire::{ipv4, ipv6, protocol};

pub(super) const STRANGER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);

pub(super) fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(super) fn to_stranger(protocol: u8) -> ipv4::Header {
    ipv4::Header::new(PEER, STRANGER, protocol)
}

/// The second host is the first one's router, and takes in what is for anybody.
pub(super) fn intercepting() -> Pair {
    let mut pair = Pair::new(&StackConfig::default(), false);
    let id = pair.ids[0];
    for (all, router) in [("0.0.0.0/0", IpAddr::V4(PEER)), ("::/0", IpAddr::V6(six(PEER)))] {
        pair.hosts[0].add_route(all.parse().unwrap(), Some(router), id).unwrap();
    }
    assert!(pair.hosts[1].set_interception(pair.ids[1], true));
    pair
}

#[test]
fn calls_to_every_address_and_port_are_taken_and_tell_whom_they_meant() {
    let mut pair = intercepting();
    let options = SocketOptions::default();
    let listener = pair.hosts[1].tcp_listen_any(8, options).unwrap();
    assert_eq!(pair.hosts[1].tcp_listen_any(8, options), Err(BindError::AddressInUse));
    for to in ["203.0.113.9:443", "10.7.0.3:1", "198.51.100.200:65535", "[2001:db8::77]:22", "[fd07::3]:80"] {
        let now = pair.now;
        let client = pair.hosts[0].tcp_connect(now, None, at(to), options).unwrap();
        let mut server = None;
        pair.until(|pair| {
            server = server.or_else(|| pair.hosts[1].tcp_mut().accept(listener).ok());
            let written = pair.hosts[0].tcp_mut().write(pair.now, client, b"hello").is_ok();
            written && server.is_some()
        });
        let server = server.unwrap();
        assert_eq!(pair.hosts[1].tcp().tuple(server).unwrap().local_address(), at(to));
        let mut bytes = [0; 9];
        pair.until(|pair| pair.hosts[1].tcp_mut().read(pair.now, server, &mut bytes) == Ok(5));
        let now = pair.now;
        pair.hosts[1].tcp_mut().write(now, server, b"welcome").unwrap();
        pair.until(|pair| pair.hosts[0].tcp_mut().read(pair.now, client, &mut bytes) == Ok(7));
    }
}

#[test]
fn exact_listeners_come_before_those_of_a_port_and_those_before_the_one_for_all() {
    let mut pair = intercepting();
    let options = SocketOptions::default();
    let any = pair.hosts[1].tcp_listen_any(8, options).unwrap();
    let port = pair.hosts[1].tcp_listen(at("[::]:80"), 8, options).unwrap().0;
    let exact = pair.hosts[1].tcp_listen(at("10.7.0.3:81"), 8, options).unwrap().0;
    for (to, listener) in [
        ("10.7.0.3:81", exact),
        ("10.7.0.3:80", port),
        ("203.0.113.9:80", port),
        ("[2001:db8::77]:80", port),
        ("203.0.113.9:81", any),
        ("10.7.0.3:82", any),
    ] {
        let now = pair.now;
        pair.hosts[0].tcp_connect(now, None, at(to), options).unwrap();
        pair.until(|pair| [any, port, exact].into_iter().any(|one| pair.hosts[1].tcp().can_accept(one)));
        assert!(pair.hosts[1].tcp_mut().accept(listener).is_ok(), "{to}");
    }
}

#[test]
fn a_call_can_be_decided_on_before_it_is_answered() {
    let mut pair = intercepting();
    let options = SocketOptions::default();
    let listener = pair.hosts[1].tcp_listen_any(8, options).unwrap();
    assert!(pair.hosts[1].tcp_mut().set_admission(listener, true));
    let now = pair.now;
    let good = pair.hosts[0].tcp_connect(now, None, at("203.0.113.9:443"), options).unwrap();
    let bad = pair.hosts[0].tcp_connect(now, None, at("[2001:db8::77]:25"), options).unwrap();
    let mut decided = 0;
    pair.until(|pair| {
        let now = pair.now;
        while let Ok(request) = pair.hosts[1].tcp_mut().poll_request(listener) {
            decided += 1;
            let decision = if request.tuple.local_port == 443 { Decision::Accept } else { Decision::Refuse };
            pair.hosts[1].tcp_mut().decide(now, request.id, decision).unwrap();
        }
        let state = |id| pair.hosts[0].tcp().info(id).unwrap().state;
        (state(good), state(bad)) == (State::Established, State::Closed)
    });
    assert_eq!(decided, 2);
    assert_eq!(pair.hosts[0].tcp_mut().take_failure(bad), Some(tcp::Failure::Refused));
    pair.until(|pair| pair.hosts[1].tcp_mut().accept(listener).is_ok());
}

#[test]
fn datagrams_to_every_address_and_port_are_had_with_their_destination_and_answered_from_there() {
    let mut pair = intercepting();
    let socket = pair.hosts[1].udp_bind_any().unwrap();
    assert_eq!(pair.hosts[1].udp_bind_any(), Err(BindError::AddressInUse));
    let other = pair.hosts[1].udp_bind(at("10.7.0.3:53")).unwrap();
    let client = pair.hosts[0].udp_bind(at("[::]:5000")).unwrap();
    for to in ["203.0.113.9:53", "10.7.0.3:54", "[2001:db8::77]:1"] {
        let now = pair.now;
        pair.hosts[0].udp_send(now, client, b"ask", Some(at(to))).unwrap();
        let mut received = None;
        pair.until(|pair| {
            received = pair.hosts[1].udp_receive_to(socket, &mut [0; 9]).ok();
            received.is_some()
        });
        let Received { copied, length, from, to: meant, .. } = received.unwrap();
        assert_eq!((copied, length, from.port(), meant), (3, 3, 5000, at(to)));
        let now = pair.now;
        assert_eq!(pair.hosts[1].udp_send_from(now, socket, b"told", meant, from), Ok(4));
        let mut answer = None;
        pair.until(|pair| {
            answer = pair.hosts[0].udp_receive(client, &mut [0; 9]).ok();
            answer.is_some()
        });
        assert_eq!(answer, Some((4, 4, at(to))));
    }
    // A socket of its own comes first; one without a port must say from where it sends.
    let now = pair.now;
    pair.hosts[0].udp_send(now, client, b"ask", Some(at("10.7.0.3:53"))).unwrap();
    pair.until(|pair| pair.hosts[1].udp_receive(other, &mut [0; 9]).is_ok());
    let host = &mut pair.hosts[1];
    let nowhere = Err(SendError::AddressNotAvailable);
    let peer = at("10.7.0.2:5000");
    assert_eq!(host.udp_send(now, socket, b"x", Some(peer)), nowhere);
    for from in ["203.0.113.9:0", "127.0.0.1:7", "224.0.0.1:7", "[::]:7"] {
        assert_ne!(host.udp_send_from(now, socket, b"x", at(from), peer), Ok(1), "{from}");
    }
    // A socket of one address sends from nowhere else.
    assert_eq!(host.udp_send_from(now, other, b"x", at("203.0.113.9:53"), peer), nowhere);
    assert_eq!(host.udp_send_from(now, other, b"x", at("10.7.0.3:54"), peer), nowhere);
    assert_eq!(host.udp_send_from(now, other, b"x", at("10.7.0.3:53"), peer), Ok(1));
}

/// Neither the listener nor the socket for all makes a host out of one that does not intercept.
#[test]
fn a_host_that_does_not_intercept_drops_what_is_for_strangers() {
    let mut bench = Bench::acquainted();
    bench.stack.add_address(bench.now, bench.id, US.into(), 64, Probing::Skip).unwrap();
    bench.stack.tcp_listen_any(8, SocketOptions::default()).unwrap();
    let socket = bench.stack.udp_bind_any().unwrap();
    let datagram = udp_bytes_to(STRANGER, 1, 7, b"x");
    assert_eq!(bench.packet(to_stranger(protocol::UDP), &datagram), Err(Dropped::OtherHost));
    let stranger = "2001:db8::77".parse().unwrap();
    let header = ipv6::Header { destination: stranger, ..from_them(protocol::UDP) };
    assert_eq!(bench.packet_v6(&header, &udp_v6_bytes(stranger, 1, 7, b"x")), Err(Dropped::OtherHost));
    assert_eq!(bench.sent().len(), 0);
    let (now, from) = (bench.now, SocketAddr::new(STRANGER.into(), 7));
    let sent = bench.stack.udp_send_from(now, socket, b"x", from, (PEER, 1).into());
    assert_eq!(sent, Err(SendError::AddressNotAvailable));
    // Its own addresses it does take, at every port.
    bench.udp(1, 7, b"x").unwrap();
    assert_eq!(bench.stack.udp_receive_to(socket, &mut [0; 9]).unwrap().to, (OURS, 7).into());
}

#[test]
fn what_is_wrong_with_a_strangers_packet_is_told_in_its_name_and_nobody_knows_whether_it_lives() {
    let mut bench = Bench::acquainted();
    assert!(bench.stack.set_interception(bench.id, true));
    // No socket is there: that is said as the one who was asked.
    let datagram = udp_bytes_to(STRANGER, 1, 7, b"x");
    assert_eq!(bench.packet(to_stranger(protocol::UDP), &datagram), Err(Dropped::UdpNoSocket));
    let sent = bench.sent_packets();
    assert_eq!((sent.len(), sent[0].0.source, sent[0].0.destination), (1, STRANGER, PEER));
    let (message, _) = Message::parse(&sent[0].1).unwrap();
    let code = icmpv4::PORT_UNREACHABLE;
    assert_eq!(message, Message::DestinationUnreachable { code, next_hop_mtu: 0 });
    // Echo requests stay unanswered.
    let echo = icmp_bytes(Message::EchoRequest { identifier: 1, sequence: 1 }, b"x");
    assert_eq!(bench.packet(to_stranger(protocol::ICMPV4), &echo), Err(Dropped::OtherHost));
    // No claim to an address that is not ours.
    bench.arp(wire::arp::Packet::request(PEER_HARDWARE, PEER, STRANGER));
    assert_eq!(bench.sent().len(), 0);
    for nobody in [[127, 0, 0, 9], [169, 254, 1, 1], [224, 0, 0, 9], [255, 255, 255, 254], [0, 0, 0, 9]] {
        let nobody = Ipv4Addr::from(nobody);
        let datagram = udp_bytes_to(nobody, 1, 7, b"x");
        let header = ipv4::Header::new(PEER, nobody, protocol::UDP);
        let dropped = bench.packet(header, &datagram).unwrap_err();
        assert!(matches!(dropped, Dropped::OtherHost | Dropped::MartianDestination), "{nobody}: {dropped:?}");
    }
    assert!(bench.stack.set_interception(bench.id, false));
    let datagram = udp_bytes_to(STRANGER, 1, 7, b"x");
    assert_eq!(bench.packet(to_stranger(protocol::UDP), &datagram), Err(Dropped::OtherHost));
}

#[test]
fn a_smaller_path_mtu_reaches_the_connection_of_a_strangers_address() {
    let mut pair = intercepting();
    let options = SocketOptions::default();
    let listener = pair.hosts[1].tcp_listen_any(8, options).unwrap();
    let now = pair.now;
    let client = pair.hosts[0].tcp_connect(now, None, at("203.0.113.9:443"), options).unwrap();
    let mut server = None;
    pair.until(|pair| {
        server = server.or_else(|| pair.hosts[1].tcp_mut().accept(listener).ok());
        server.is_some()
    });
    let server = server.unwrap();
    let before = pair.hosts[1].tcp().info(server).unwrap().segment_size;
    let now = pair.now;
    pair.hosts[1].tcp_mut().write(now, server, &[7; 1400]).unwrap();
    let frame = pair.hosts[1].poll_transmit(now, pair.ids[1]).unwrap().to_vec();
    let too_big = Message::DestinationUnreachable { code: icmpv4::FRAGMENTATION_NEEDED, next_hop_mtu: 1000 };
    let error = icmp_bytes(too_big, &frame[14..14 + 28]);
    let header = ipv4::Header::new(OURS, STRANGER, protocol::ICMPV4);
    let mut packet = basis::Frame::copy_of(&error);
    header.prepend_to(&mut packet);
    wire::ethernet::Header {
        destination: PEER_HARDWARE,
        source: OUR_HARDWARE,
        ether_type: wire::ethernet::EtherType::IPV4,
    }
    .prepend_to(&mut packet);
    pair.hosts[1].on_frame(now, pair.ids[1], from_device(&packet)).unwrap();
    assert!(pair.hosts[1].tcp().info(server).unwrap().segment_size < before);
    pair.until(|pair| {
        let mut bytes = [0; 2000];
        pair.hosts[0].tcp_mut().read(pair.now, client, &mut bytes).is_ok()
    });
}

#[test]
fn echo_requests_for_strangers_are_answered_in_their_names_by_who_has_them() {
    let mut pair = intercepting();
    let any = pair.hosts[1].ping_open_any().unwrap();
    assert_eq!(pair.hosts[1].ping_open_any(), Err(BindError::AddressInUse));
    let asking = pair.hosts[0].ping_open().unwrap();
    for to in ["203.0.113.9", "2001:db8::77"] {
        let (now, to) = (pair.now, to.parse().unwrap());
        pair.hosts[0].ping_send(now, asking, to, 7, b"who is there", None).unwrap();
        let mut request = None;
        pair.until(|pair| {
            request = pair.hosts[1].ping_receive_foreign(any);
            request.is_some()
        });
        let request = request.unwrap();
        assert_eq!((request.to, request.sequence, &request.payload[..]), (to, 7, &b"who is there"[..]));
        pair.hosts[1].ping_answer(any, &request, &request.payload).unwrap();
        let mut reply = None;
        pair.until(|pair| {
            reply = pair.hosts[0].ping_receive(asking);
            reply.is_some()
        });
        let reply = reply.unwrap();
        assert_eq!((reply.kind, reply.from, &reply.payload[..]), (PingKind::Reply, to, &b"who is there"[..]));
    }
    // Another one may have them once this one is closed, and nobody else's address is answered from.
    pair.hosts[1].ping_close(any);
    let next = pair.hosts[1].ping_open_any().unwrap();
    let nobody = EchoRequest {
        from: PEER.into(),
        to: [127, 0, 0, 9].into(),
        identifier: 1,
        sequence: 1,
        time_to_live: 9,
        dont_fragment: false,
        payload: bytes::Bytes::new(),
    };
    assert_eq!(pair.hosts[1].ping_answer(next, &nobody, b""), Err(SendError::AddressNotAvailable));
}

#[test]
fn echo_requests_for_strangers_that_wait_are_bounded() {
    let mut bench = Bench::acquainted();
    assert!(bench.stack.set_interception(bench.id, true));
    let any = bench.stack.ping_open_any().unwrap();
    let most = StackConfig::default().ping.max_replies;
    let echo = icmp_bytes(Message::EchoRequest { identifier: 1, sequence: 1 }, b"x");
    for _ in 0..most {
        assert_eq!(bench.packet(to_stranger(protocol::ICMPV4), &echo), Ok(()));
    }
    assert_eq!(bench.packet(to_stranger(protocol::ICMPV4), &echo), Err(Dropped::PingQueueFull));
    assert!(bench.stack.ping_receive_foreign(any).is_some());
    assert_eq!(bench.packet(to_stranger(protocol::ICMPV4), &echo), Ok(()));
    // Our own addresses are answered as ever.
    let own = ipv4::Header::new(PEER, OURS, protocol::ICMPV4);
    assert_eq!(bench.packet(own, &echo), Ok(()));
    assert_eq!(bench.sent_packets().len(), 1);
}

#[test]
fn a_datagram_tells_the_hops_that_it_had_left_and_whether_it_might_be_cut() {
    let mut bench = Bench::acquainted();
    assert!(bench.stack.set_interception(bench.id, true));
    let socket = bench.stack.udp_bind_any().unwrap();
    let datagram = udp_bytes_to(STRANGER, 1, 7, b"x");
    for (time_to_live, dont_fragment) in [(2, true), (64, false), (255, true)] {
        let header = ipv4::Header { time_to_live, dont_fragment, ..to_stranger(protocol::UDP) };
        bench.packet(header, &datagram).unwrap();
        let received = bench.stack.udp_receive_to(socket, &mut [0; 9]).unwrap();
        assert_eq!((received.time_to_live, received.dont_fragment), (time_to_live, dont_fragment));
    }
    // What IPv6 has cut might be cut.
    let mut pair = intercepting();
    let socket = pair.hosts[1].udp_bind_any().unwrap();
    let client = pair.hosts[0].udp_bind(at("[::]:5000")).unwrap();
    for (length, whole) in [(1000, true), (3000, false)] {
        let now = pair.now;
        pair.hosts[0].udp_send(now, client, &[7; 3000][..length], Some(at("[2001:db8::77]:1"))).unwrap();
        let mut received = None;
        pair.until(|pair| {
            received = pair.hosts[1].udp_receive_to(socket, &mut [0; 9]).ok();
            received.is_some()
        });
        let received = received.unwrap();
        assert_eq!((received.length, received.dont_fragment), (length, whole));
    }
}
