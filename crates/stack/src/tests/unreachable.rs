//! What became of packets for strangers, as their senders are told.

use super::harness::*;
use super::interception::{STRANGER, at, intercepting};
use crate::{Dropped, EchoRequest, PingKind};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use tcp::{SocketOptions, State};
use wire::icmpv4::{self, Message};
use wire::{ipv4, protocol};

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
