//! A host that takes in what is for anybody, and one that does not.

use super::harness::*;
use super::v6::harness::*;
use crate::{BindError, Dropped, EchoRequest, PingKind, Probing, Received, SendError, StackConfig};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use tcp::{Decision, SocketOptions, State};
use wire::icmpv4::{self, Message};
use wire::{ipv4, ipv6, protocol};

const STRANGER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn to_stranger(protocol: u8) -> ipv4::Header {
    ipv4::Header::new(PEER, STRANGER, protocol)
}

/// The second host is the first one's router, and takes in what is for anybody.
fn intercepting() -> Pair {
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
fn who_asked_learns_why_it_does_not_get_there() {
    use crate::{Failed, Unreachable};
    let mut pair = intercepting();
    let options = SocketOptions::default();
    let listener = pair.hosts[1].tcp_listen_any(8, options).unwrap();
    assert!(pair.hosts[1].tcp_mut().set_admission(listener, true));
    for to in ["203.0.113.9:443", "[2001:db8::77]:25"] {
        // A call: before its SYN is answered.
        let now = pair.now;
        let call = pair.hosts[0].tcp_connect(now, None, at(to), options).unwrap();
        pair.until(|pair| {
            let Ok(request) = pair.hosts[1].tcp_mut().poll_request(listener) else { return false };
            let now = pair.now;
            pair.hosts[1].tcp_decide_unreachable(now, &request, Unreachable::Host).unwrap();
            assert!(pair.hosts[1].tcp_decide_unreachable(now, &request, Unreachable::Host).is_err());
            true
        });
        pair.until(|pair| pair.hosts[0].tcp().info(call).unwrap().state == State::Closed);
        assert_eq!(pair.hosts[0].tcp_mut().take_failure(call), Some(tcp::Failure::HostUnreachable));
        // A datagram.
        let socket = pair.hosts[0].udp_bind(at("[::]:0")).unwrap();
        pair.hosts[0].udp_connect(socket, at(to)).unwrap();
        let from = SocketAddr::new(if at(to).is_ipv4() { OURS.into() } else { six(OURS).into() }, 0);
        let from = SocketAddr::new(from.ip(), pair.hosts[0].udp_local(socket).unwrap().port());
        let now = pair.now;
        let failed = Failed::Datagram { from, to: at(to), payload: b"ask" };
        assert!(pair.hosts[1].tell_unreachable(now, failed, Unreachable::Port, None));
        let mut error = None;
        pair.until(|pair| {
            error = pair.hosts[0].udp_take_error(socket);
            error.is_some()
        });
        // An echo request.
        let asking = pair.hosts[0].ping_open().unwrap();
        let any = pair.hosts[1].ping_open_any().unwrap();
        pair.hosts[0].ping_send(now, asking, at(to).ip(), 9, b"x", None).unwrap();
        pair.until(|pair| {
            let Some(request) = pair.hosts[1].ping_receive_foreign(any) else { return false };
            let EchoRequest { from, to, identifier, sequence, .. } = request;
            let failed = Failed::Echo { from, to, identifier, sequence, payload: b"x" };
            let now = pair.now;
            pair.hosts[1].tell_unreachable(now, failed, Unreachable::Prohibited, None)
        });
        let mut reply = None;
        pair.until(|pair| {
            reply = pair.hosts[0].ping_receive(asking);
            reply.is_some()
        });
        let reply = reply.unwrap();
        assert_eq!(reply.sequence, 9);
        assert!(matches!(reply.kind, PingKind::Unreachable { code: 13 | 1 }), "{reply:?}");
        pair.hosts[1].ping_close(any);
    }
}

/// What a router says to the first host of a pair about a datagram and an echo request: read from the wire, whole.
#[test]
fn what_routers_on_the_way_say_is_told_in_their_names_with_what_it_is_about() {
    use crate::{Failed, Unreachable};
    let mut bench = Bench::acquainted();
    assert!(bench.stack.set_interception(bench.id, true));
    let router = Ipv4Addr::new(198, 51, 100, 7);
    let (from, to) = (SocketAddr::new(PEER.into(), 4000), SocketAddr::new(STRANGER.into(), 33434));
    let too_long = Message::DestinationUnreachable { code: icmpv4::FRAGMENTATION_NEEDED, next_hop_mtu: 1400 };
    let late = Message::TimeExceeded { code: icmpv4::TIME_TO_LIVE_EXCEEDED };
    for (why, said) in [(Unreachable::TimeExceeded, late), (Unreachable::TooLong { mtu: 1400 }, too_long)] {
        for (teller, named) in [
            (Some(router.into()), router),
            (None, OURS),
            (Some(Ipv4Addr::BROADCAST.into()), OURS),
            (Some(at("[::1]:0").ip()), OURS),
        ] {
            let now = bench.now;
            let failed = Failed::Datagram { from, to, payload: &[7; 1000] };
            assert!(bench.stack.tell_unreachable(now, failed, why, teller));
            let sent = bench.sent_packets();
            let (header, packet) = &sent[0];
            assert_eq!((header.source, header.destination, packet.len()), (named, PEER, 8 + 548));
            assert_eq!(Message::parse(packet).unwrap().0, said);
            let quoted = ipv4::Header::parse(&packet[8..], 1028).unwrap();
            assert_eq!((quoted.source, quoted.destination, quoted.total_length), (PEER, STRANGER, 1028));
            assert_eq!(packet[28..], udp_bytes_to(STRANGER, 4000, 33434, &[7; 1000])[..528]);
        }
    }
    let now = bench.now;
    let failed =
        Failed::Echo { from: PEER.into(), to: STRANGER.into(), identifier: 1, sequence: 2, payload: b"x" };
    assert!(bench.stack.tell_unreachable(now, failed, Unreachable::TimeExceeded, Some(router.into())));
    let sent = bench.sent_packets();
    let echo = icmp_bytes(Message::EchoRequest { identifier: 1, sequence: 2 }, b"x");
    assert_eq!((sent[0].0.source, &sent[0].1[28..]), (router, &echo[..]));
}

#[test]
fn a_strangers_packet_without_a_hop_left_ends_here_and_its_sender_is_told_by_the_router() {
    let mut pair = intercepting();
    let any = pair.hosts[1].ping_open_any().unwrap();
    let asking = pair.hosts[0].ping_open().unwrap();
    for (to, router) in [("203.0.113.9", IpAddr::V4(PEER)), ("2001:db8::77", six(PEER).into())] {
        let (to, dropped) = (to.parse().unwrap(), pair.hosts[1].counters().dropped.of(Dropped::NoHopLeft));
        let now = pair.now;
        pair.hosts[0].ping_send(now, asking, to, 7, b"who is there", Some(1)).unwrap();
        let mut reply = None;
        pair.until(|pair| {
            reply = pair.hosts[0].ping_receive(asking);
            reply.is_some()
        });
        let reply = reply.unwrap();
        assert_eq!((reply.kind, reply.from, reply.sequence), (PingKind::TimeExceeded, router, 7));
        assert_eq!(pair.hosts[1].ping_receive_foreign(any), None);
        assert_eq!(pair.hosts[1].counters().dropped.of(Dropped::NoHopLeft), dropped + 1);
        // With two there is one left.
        let now = pair.now;
        pair.hosts[0].ping_send(now, asking, to, 8, b"who is there", Some(2)).unwrap();
        let mut request = None;
        pair.until(|pair| {
            request = pair.hosts[1].ping_receive_foreign(any);
            request.is_some()
        });
        let request = request.unwrap();
        assert_eq!((request.time_to_live, request.sequence), (2, 8));
    }
    // Calls, too; but not what is for this host itself, nor an answer to an error.
    let mut bench = Bench::acquainted();
    assert!(bench.stack.set_interception(bench.id, true));
    let hopless = |destination, protocol| ipv4::Header {
        time_to_live: 1,
        ..ipv4::Header::new(PEER, destination, protocol)
    };
    assert_eq!(bench.packet(hopless(STRANGER, protocol::TCP), &[0; 20]), Err(Dropped::NoHopLeft));
    assert_eq!(bench.sent_packets().len(), 1);
    let error = icmp_bytes(Message::TimeExceeded { code: 0 }, &[0; 28]);
    assert_eq!(bench.packet(hopless(STRANGER, protocol::ICMPV4), &error), Err(Dropped::NoHopLeft));
    assert_eq!(bench.sent_packets().len(), 0);
    let echo = icmp_bytes(Message::EchoRequest { identifier: 1, sequence: 1 }, b"x");
    assert_eq!(bench.packet(hopless(OURS, protocol::ICMPV4), &echo), Ok(()));
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
