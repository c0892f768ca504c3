//! Datagrams longer than the link, there and back.

use super::harness::*;
use crate::{Dropped, StackConfig};
use std::vec;
use std::vec::Vec;
use wire::icmpv4::{self, Message};
use wire::{ipv4, protocol};

fn fragment(offset: u16, more: bool, identification: u16) -> ipv4::Header {
    ipv4::Header {
        dont_fragment: false,
        more_fragments: more,
        fragment_offset: offset,
        identification,
        ..from_peer(protocol::UDP)
    }
}

#[test]
fn a_long_datagram_comes_in_pieces_in_any_order() {
    let payload: Vec<u8> = (0..4000_u32).map(|n| (n * 7) as u8).collect();
    let datagram = udp_bytes(1, 7, &payload);
    let pieces = [(0, 1480), (1480, 2960), (2960, 4008)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut bench = Bench::acquainted();
        let socket = bench.stack.udp_bind("0.0.0.0:7".parse().unwrap()).unwrap();
        for index in order {
            let (from, to) = pieces[index];
            bench.packet(fragment(from as u16, to < 4008, 1), &datagram[from..to]).unwrap();
        }
        let mut buffer = vec![0; 5000];
        assert_eq!(bench.stack.udp_receive(socket, &mut buffer), Ok((4000, 4000, (PEER, 1).into())));
        assert_eq!(buffer[..4000], payload);
        assert_eq!(bench.stack.poll_timeout(), None, "nothing waits any more");
    }
}

#[test]
fn the_longest_datagram_crosses_a_link_of_1500_bytes_and_the_answer_comes_back() {
    let mut pair = Pair::new(&StackConfig::default(), false);
    let any = "0.0.0.0:7".parse().unwrap();
    let sockets = [pair.hosts[0].udp_bind(any).unwrap(), pair.hosts[1].udp_bind(any).unwrap()];
    let payload: Vec<u8> = (0..65507_u32).map(|n| (n * 13) as u8).collect();
    pair.hosts[0].udp_send(pair.now, sockets[0], &payload, Some((PEER, 7).into())).unwrap();
    let mut buffer = vec![0; 65507];
    let mut receive = |pair: &mut Pair, host: usize| {
        pair.until(|pair| pair.hosts[host].udp_peek(sockets[host], &mut []).is_ok());
        assert_eq!(pair.hosts[host].udp_receive(sockets[host], &mut buffer).unwrap().0, 65507);
        assert_eq!(buffer, payload);
    };
    receive(&mut pair, 1);
    pair.hosts[1].udp_send(pair.now, sockets[1], &payload, Some((OURS, 7).into())).unwrap();
    receive(&mut pair, 0);
    assert_eq!(pair.hosts[0].counters().ip.sent_fragments, 45);
    assert_eq!(pair.hosts[1].counters().ip.received_fragments, 45);
}

#[test]
fn overlapping_fragments_cost_the_datagram() {
    // One that reaches on, one inside, one that begins alike and one that ends alike.
    for (from, to) in [(24_u16, 56), (8, 16), (0, 24), (8, 32)] {
        let mut bench = Bench::acquainted();
        let socket = bench.stack.udp_bind("0.0.0.0:7".parse().unwrap()).unwrap();
        let datagram = udp_bytes(1, 7, &[5; 56]);
        bench.packet(fragment(0, true, 1), &datagram[..32]).unwrap();
        assert_eq!(bench.packet(fragment(0, true, 1), &datagram[..32]), Err(Dropped::DuplicateFragment));
        let overlap = bench.packet(fragment(from, to < 56, 1), &datagram[from.into()..to]);
        assert_eq!(overlap, Err(Dropped::OverlappingFragment), "{from} to {to}");
        assert_eq!(bench.packet(fragment(32, false, 1), &datagram[32..]), Err(Dropped::OverlappingFragment));
        assert!(bench.stack.udp_receive(socket, &mut []).is_err());
        // Its identification is free again when its time is over. The same twice harms nothing.
        bench.pass(seconds(31));
        bench.packet(fragment(0, true, 1), &datagram[..32]).unwrap();
        assert_eq!(bench.packet(fragment(0, true, 1), &datagram[..32]), Err(Dropped::DuplicateFragment));
        bench.packet(fragment(32, false, 1), &datagram[32..]).unwrap();
        assert!(bench.stack.udp_receive(socket, &mut []).is_ok());
    }
}

#[test]
fn a_datagram_whose_beginning_came_is_reported_when_its_time_is_over() {
    let mut bench = Bench::acquainted();
    bench.packet(fragment(0, true, 1), &udp_bytes(1, 7, &[5; 56])[..32]).unwrap();
    bench.pass(core::time::Duration::from_millis(29_900));
    assert!(bench.sent().is_empty());
    bench.pass(seconds(1));
    let sent = bench.sent_packets();
    let (message, length) = Message::parse(&sent[0].1).unwrap();
    assert_eq!(message, Message::TimeExceeded { code: icmpv4::REASSEMBLY_TIME_EXCEEDED });
    let quoted = icmpv4::Quoted::parse(&sent[0].1[length..]).unwrap();
    assert_eq!((quoted.source_port, quoted.destination_port), (1, 7));
}

#[test]
fn a_long_echo_comes_back_in_pieces() {
    let mut pair = Pair::new(&StackConfig::default(), false);
    let ping = pair.hosts[0].ping_open().unwrap();
    pair.hosts[0].ping_send(pair.now, ping, PEER.into(), 1, &[3; 5000], None).unwrap();
    let mut reply = None;
    pair.until(|pair| {
        reply = pair.hosts[0].ping_receive(ping);
        reply.is_some()
    });
    assert_eq!(reply.unwrap().payload.as_ref(), [3; 5000]);
    assert_eq!(pair.hosts[1].counters().ip.sent_fragments, 4);
}
