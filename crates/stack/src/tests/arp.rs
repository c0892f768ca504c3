//! Neighbours: asking, answering, learning, waiting, giving up (RFC 826, RFC 1122 2.3.2).

use super::harness::*;
use crate::{Dropped, NeighbourConfig, NeighbourState, ReceiveError, SendError, StackConfig, UdpReadiness};
use core::net::Ipv4Addr;
use std::vec::Vec;
use tcp::IcmpError;
use wire::arp::{Operation, Packet};
use wire::ethernet::MacAddress;

const OTHER_HARDWARE: MacAddress = MacAddress([2, 0, 0, 0, 0, 9]);

fn state(bench: &Bench) -> Option<(NeighbourState, Option<MacAddress>)> {
    bench.stack.neighbours().next().map(|neighbour| (neighbour.state, neighbour.hardware))
}

#[test]
fn a_request_for_our_address_is_answered_and_its_sender_remembered() {
    let mut bench = Bench::new();
    bench.arp(Packet::request(PEER_HARDWARE, PEER, OURS));
    let sent = bench.sent_arp();
    assert_eq!(sent.len(), 1);
    let (to, reply) = sent[0];
    assert_eq!((to, reply.operation), (PEER_HARDWARE, Operation::Reply));
    assert_eq!((reply.sender_hardware, reply.sender_protocol), (OUR_HARDWARE, OURS));
    assert_eq!((reply.target_hardware, reply.target_protocol), (PEER_HARDWARE, PEER));
    assert_eq!(state(&bench), Some((NeighbourState::Stale, Some(PEER_HARDWARE))));
}

#[test]
fn requests_for_others_are_neither_answered_nor_remembered() {
    let mut bench = Bench::new();
    bench.arp(Packet::request(PEER_HARDWARE, PEER, Ipv4Addr::new(10, 7, 0, 77)));
    bench.arp(Packet::announcement(PEER_HARDWARE, PEER));
    assert!(bench.sent().is_empty());
    assert_eq!(state(&bench), None);
}

#[test]
fn an_announcement_has_all_asked_if_the_neighbour_is_known_and_is_nothing_otherwise() {
    let mut bench = Bench::new();
    bench.arp(Packet::announcement(OTHER_HARDWARE, PEER));
    assert_eq!((state(&bench), bench.sent_arp()), (None, Vec::new()));
    let mut bench = Bench::acquainted();
    bench.arp(Packet::announcement(OTHER_HARDWARE, PEER));
    assert_eq!(bench.sent_arp(), [(MacAddress::BROADCAST, Packet::request(OUR_HARDWARE, OURS, PEER))]);
    assert_eq!(state(&bench), Some((NeighbourState::Probe, Some(PEER_HARDWARE))));
}

#[test]
fn an_address_that_somebody_else_got_is_asked_for_again() {
    let mut bench = Bench::acquainted();
    assert!(!bench.stack.forget_neighbour(PEER.into(), PEER_HARDWARE));
    assert!(!bench.stack.forget_neighbour(OURS.into(), OTHER_HARDWARE));
    assert!(state(&bench).is_some());
    bench.arp(Packet::request(OTHER_HARDWARE, PEER, OURS));
    bench.sent_arp();
    assert_eq!(state(&bench).and_then(|(_, hardware)| hardware), Some(PEER_HARDWARE));
    assert!(bench.stack.forget_neighbour(PEER.into(), OTHER_HARDWARE));
    assert_eq!(state(&bench), None);
    bench.arp(Packet::request(OTHER_HARDWARE, PEER, OURS));
    assert_eq!(bench.sent_arp()[0].0, OTHER_HARDWARE);
    assert_eq!(state(&bench), Some((NeighbourState::Stale, Some(OTHER_HARDWARE))));
}

#[test]
fn a_probe_is_answered_but_teaches_nothing() {
    let mut bench = Bench::new();
    bench.arp(Packet::probe(PEER_HARDWARE, OURS));
    assert_eq!(bench.sent_arp().len(), 1);
    assert_eq!(state(&bench), None);
}

#[test]
fn nonsense_is_dropped() {
    let mut bench = Bench::new();
    let reply = Packet::request(OUR_HARDWARE, OURS, PEER).reply(PEER_HARDWARE);
    for packet in [
        Packet { sender_hardware: MacAddress([3, 0, 0, 0, 0, 1]), ..reply },
        Packet { sender_protocol: Ipv4Addr::BROADCAST, ..reply },
        Packet { sender_protocol: Ipv4Addr::new(10, 7, 0, 255), ..reply },
        Packet { sender_protocol: Ipv4Addr::new(224, 0, 0, 1), ..reply },
        Packet { sender_protocol: Ipv4Addr::LOCALHOST, ..reply },
        Packet { sender_protocol: Ipv4Addr::UNSPECIFIED, ..reply },
    ] {
        assert!(bench.frame(arp_frame(packet)).is_err(), "{packet:?}");
        assert_eq!(state(&bench), None);
    }
}

#[test]
fn packets_wait_for_the_answer_and_leave_in_order() {
    let mut bench = Bench::new();
    let socket = bench.stack.udp_bind("0.0.0.0:5000".parse().unwrap()).unwrap();
    for n in 0..3_u8 {
        bench.stack.udp_send(bench.now, socket, &[n], Some((PEER, 7).into())).unwrap();
    }
    let sent = bench.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(open_arp(&sent[0]), Some((MacAddress::BROADCAST, Packet::request(OUR_HARDWARE, OURS, PEER))));
    bench.arp(Packet::request(OUR_HARDWARE, OURS, PEER).reply(PEER_HARDWARE));
    let payloads: Vec<u8> = bench.sent_packets().iter().map(|(_, bytes)| bytes[8]).collect();
    assert_eq!(payloads, [0, 1, 2]);
    assert_eq!(state(&bench), Some((NeighbourState::Reachable, Some(PEER_HARDWARE))));
    bench.stack.udp_send(bench.now, socket, b"more", Some((PEER, 7).into())).unwrap();
    assert_eq!(bench.sent_packets().len(), 1);
}

#[test]
fn the_queue_for_one_neighbour_is_bounded_and_the_oldest_go() {
    let mut bench = Bench::new();
    let socket = bench.stack.udp_bind("0.0.0.0:5000".parse().unwrap()).unwrap();
    for n in 0..20_u8 {
        bench.stack.udp_send(bench.now, socket, &[n], Some((PEER, 7).into())).unwrap();
    }
    assert_eq!(bench.sent_arp().len(), 1);
    assert_eq!(bench.stack.counters().dropped.of(Dropped::NeighbourQueueFull), 4);
    bench.arp(Packet::request(OUR_HARDWARE, OURS, PEER).reply(PEER_HARDWARE));
    let payloads: Vec<u8> = bench.sent_packets().iter().map(|(_, bytes)| bytes[8]).collect();
    assert_eq!(payloads, (4..20).collect::<Vec<u8>>());
}

#[test]
fn a_silent_neighbour_is_asked_three_times_a_second_apart_and_its_packets_fail() {
    let mut bench = Bench::new();
    let socket = bench.stack.udp_bind("0.0.0.0:5000".parse().unwrap()).unwrap();
    bench.stack.udp_connect(socket, (PEER, 7).into()).unwrap();
    let ping = bench.stack.ping_open().unwrap();
    bench.stack.udp_send(bench.now, socket, b"x", None).unwrap();
    bench.stack.ping_send(bench.now, ping, PEER.into(), 5, b"x", None).unwrap();
    assert_eq!(bench.sent_arp().len(), 1);
    for _ in 0..2 {
        bench.pass(core::time::Duration::from_millis(900));
        assert_eq!(bench.sent().len(), 0);
        bench.pass(core::time::Duration::from_millis(110));
        assert_eq!(bench.sent_arp().len(), 1);
    }
    bench.pass(seconds(1));
    assert_eq!(bench.sent().len(), 0);
    assert_eq!(bench.stack.counters().dropped.of(Dropped::NeighbourUnreachable), 2);
    assert!(bench.stack.udp_readiness(socket).contains(UdpReadiness::FAILED));
    assert_eq!(
        bench.stack.udp_receive(socket, &mut [0; 9]),
        Err(ReceiveError::Failed(IcmpError::HostUnreachable))
    );
    let reply = bench.stack.ping_receive(ping).unwrap();
    assert_eq!((reply.sequence, reply.kind), (5, crate::PingKind::Unreachable { code: 1 }));
    // A moment later it is not asked again, but the sender hears at once.
    bench.stack.udp_send(bench.now, socket, b"x", None).unwrap();
    assert!(bench.sent().is_empty());
    assert_eq!(
        bench.stack.udp_send(bench.now, socket, b"x", None),
        Err(SendError::Failed(IcmpError::HostUnreachable))
    );
    bench.pass(seconds(1));
    bench.stack.udp_send(bench.now, socket, b"x", None).unwrap();
    assert_eq!(bench.sent_arp().len(), 1);
}

#[test]
fn a_stale_neighbour_is_used_and_then_asked_itself() {
    let mut bench = Bench::acquainted();
    let socket = bench.stack.udp_bind("0.0.0.0:5000".parse().unwrap()).unwrap();
    let send = |bench: &mut Bench| {
        bench.stack.udp_send(bench.now, socket, b"x", Some((PEER, 7).into())).unwrap();
        bench.sent()
    };
    assert!(open_ipv4(&send(&mut bench)[0]).is_some());
    assert_eq!(state(&bench).unwrap().0, NeighbourState::Delay);
    bench.pass(seconds(5) + core::time::Duration::from_millis(2));
    let asked = bench.sent_arp();
    assert_eq!(asked, [(PEER_HARDWARE, Packet::request(OUR_HARDWARE, OURS, PEER))]);
    bench.arp(asked[0].1.reply(PEER_HARDWARE));
    assert_eq!(state(&bench).unwrap().0, NeighbourState::Reachable);
    // 30 s later it is in doubt again, once it is used; until then no timer runs.
    assert_eq!(bench.stack.poll_timeout(), None);
    bench.pass(seconds(31));
    assert_eq!(send(&mut bench).len(), 1);
    assert_eq!(state(&bench).unwrap().0, NeighbourState::Delay);
    // Nobody answers: it is given up, and the next packet has to wait.
    bench.pass(seconds(20));
    assert_eq!(bench.sent_arp().len(), 3);
    assert_eq!(state(&bench).unwrap().0, NeighbourState::Failed);
    assert!(open_arp(&send(&mut bench)[0]).is_some());
}

#[test]
fn a_neighbour_that_moves_is_found_by_the_next_packet() {
    let mut bench = Bench::acquainted();
    let socket = bench.stack.udp_bind("0.0.0.0:5000".parse().unwrap()).unwrap();
    for hardware in [PEER_HARDWARE, OTHER_HARDWARE] {
        bench.arp(Packet::announcement(hardware, PEER));
        // The first was in use, if not confirmed: all are asked.
        for (_, question) in bench.sent_arp() {
            bench.arp(question.reply(hardware));
        }
        assert_eq!(goes_to(&mut bench, socket), hardware);
    }
}

/// A bench whose peer has answered it, with a socket to send to the peer by.
fn trusting() -> (Bench, crate::UdpId) {
    let mut bench = Bench::new();
    let socket = bench.stack.udp_bind("0.0.0.0:5000".parse().unwrap()).unwrap();
    bench.stack.udp_send(bench.now, socket, b"x", Some((PEER, 7).into())).unwrap();
    let asked = bench.sent_arp();
    bench.arp(asked[0].1.reply(PEER_HARDWARE));
    assert_eq!(state(&bench), Some((NeighbourState::Reachable, Some(PEER_HARDWARE))));
    bench.sent();
    (bench, socket)
}

fn goes_to(bench: &mut Bench, socket: crate::UdpId) -> MacAddress {
    bench.stack.udp_send(bench.now, socket, b"x", Some((PEER, 7).into())).unwrap();
    let sent = bench.sent();
    wire::ethernet::Header::parse(sent.last().unwrap()).unwrap().destination
}

#[test]
fn a_claim_leads_no_packet_away_from_whom_is_trusted_but_all_are_asked() {
    let (mut bench, socket) = trusting();
    let asked = (MacAddress::BROADCAST, Packet::request(OUR_HARDWARE, OURS, PEER));
    let unasked = Packet::request(OUR_HARDWARE, OURS, PEER).reply(OTHER_HARDWARE);
    for claim in
        [Packet::announcement(OTHER_HARDWARE, PEER), Packet::request(OTHER_HARDWARE, PEER, OURS), unasked]
    {
        bench.arp(claim);
        let sent = bench.sent_arp();
        assert!(sent.contains(&asked), "{claim:?}: {sent:?}");
        assert_eq!(goes_to(&mut bench, socket), PEER_HARDWARE);
        // Whom we trust answers, and everything is as before.
        bench.arp(asked.1.reply(PEER_HARDWARE));
        assert_eq!(state(&bench), Some((NeighbourState::Reachable, Some(PEER_HARDWARE))));
        bench.pass(seconds(1));
    }
}

#[test]
fn who_has_moved_answers_and_is_believed() {
    let (mut bench, socket) = trusting();
    bench.arp(Packet::announcement(OTHER_HARDWARE, PEER));
    let asked = bench.sent_arp();
    bench.arp(asked[0].1.reply(OTHER_HARDWARE));
    assert_eq!(state(&bench), Some((NeighbourState::Reachable, Some(OTHER_HARDWARE))));
    assert_eq!(goes_to(&mut bench, socket), OTHER_HARDWARE);
}

#[test]
fn who_has_moved_is_found_though_nobody_answers_the_first_question() {
    let (mut bench, socket) = trusting();
    bench.arp(Packet::announcement(OTHER_HARDWARE, PEER));
    assert_eq!(bench.sent_arp().len(), 1);
    // All are asked twice more, and then the old station is given up.
    bench.pass(seconds(4));
    assert_eq!(bench.sent_arp().iter().map(|(to, _)| *to).collect::<Vec<_>>(), [MacAddress::BROADCAST; 2]);
    assert_eq!(state(&bench).unwrap().0, NeighbourState::Failed);
    bench.arp(Packet::announcement(OTHER_HARDWARE, PEER));
    assert_eq!(goes_to(&mut bench, socket), OTHER_HARDWARE);
}

#[test]
fn a_forged_answer_does_not_outlive_the_owners_defence() {
    let (mut bench, socket) = trusting();
    bench.arp(Packet::announcement(OTHER_HARDWARE, PEER));
    let question = bench.sent_arp()[0].1;
    bench.arp(question.reply(OTHER_HARDWARE));
    assert_eq!(goes_to(&mut bench, socket), OTHER_HARDWARE);
    // It comes before a second is over, so all are asked when it is.
    bench.arp(Packet::announcement(PEER_HARDWARE, PEER));
    bench.pass(seconds(1) + core::time::Duration::from_millis(2));
    assert_eq!(bench.sent_arp(), [(MacAddress::BROADCAST, question)]);
    bench.arp(question.reply(PEER_HARDWARE));
    assert_eq!(goes_to(&mut bench, socket), PEER_HARDWARE);
}

#[test]
fn a_flood_of_claims_asks_once_in_a_second_and_leads_nothing_away() {
    let (mut bench, socket) = trusting();
    let mut questions = 0;
    for n in 0..1000_u16 {
        let [high, low] = n.to_be_bytes();
        bench.arp(Packet::announcement(MacAddress([2, 0, 0, 1, high, low]), PEER));
        for (_, question) in bench.sent_arp() {
            questions += 1;
            bench.arp(question.reply(PEER_HARDWARE));
        }
        assert_eq!(goes_to(&mut bench, socket), PEER_HARDWARE, "after {n}");
        bench.pass(core::time::Duration::from_millis(10));
    }
    // Ten seconds of claims: each second one question to all, and one to whom we trust when a claim came too soon.
    assert!((10..=21).contains(&questions), "{questions}");
    assert!(bench.stack.poll_timeout().is_some(), "the last claim is still to be looked into");
}

#[test]
fn the_cache_is_bounded_and_spares_whom_it_trusts() {
    let neighbours = NeighbourConfig { max_entries: 8, ..NeighbourConfig::default() };
    let mut bench = Bench::acquainted_with(StackConfig { neighbours, ..StackConfig::default() });
    bench.arp(Packet::request(OUR_HARDWARE, OURS, PEER).reply(PEER_HARDWARE));
    for n in 0..100_u8 {
        let hardware = MacAddress([2, 0, 0, 0, 1, n]);
        bench.arp(Packet::request(hardware, Ipv4Addr::new(10, 7, 0, 100 + n), OURS));
        assert!(bench.stack.neighbours().count() <= 8);
    }
    assert!(bench.stack.neighbours().any(|neighbour| neighbour.address == core::net::IpAddr::V4(PEER)));
}

#[test]
fn broadcast_and_multicast_need_no_neighbour() {
    let mut bench = Bench::new();
    let socket = bench.stack.udp_bind("0.0.0.0:5000".parse().unwrap()).unwrap();
    assert!(bench.stack.udp_set_broadcast(socket, true));
    for (to, hardware) in [
        ("255.255.255.255:7", MacAddress::BROADCAST),
        ("10.7.0.255:7", MacAddress::BROADCAST),
        ("239.129.2.3:7", MacAddress([1, 0, 0x5e, 1, 2, 3])),
    ] {
        bench.stack.udp_send(bench.now, socket, b"x", Some(to.parse().unwrap())).unwrap();
        let sent = bench.sent();
        assert_eq!(sent.len(), 1);
        assert_eq!(wire::ethernet::Header::parse(&sent[0]).unwrap().destination, hardware);
        let (header, _) = open_ipv4(&sent[0]).unwrap();
        assert_eq!(header.time_to_live, if header.destination.is_multicast() { 1 } else { 64 });
    }
}
