//! Packets in pieces (RFC 8200 4.5).

use super::harness::*;
use crate::Dropped;
use crate::tests::harness::*;
use basis::Frame;
use core::time::Duration;
use std::vec;
use std::vec::Vec;
use wire::icmpv6::{self, Message};
use wire::ipv6::extension::{ERRONEOUS_FIELD, Fragment, INCOMPLETE_FIRST_FRAGMENT};
use wire::protocol;

fn piece(bench: &mut Bench, offset: u16, more: bool, bytes: &[u8]) -> Result<(), Dropped> {
    let mut frame = Frame::copy_of(bytes);
    Fragment { next_header: protocol::UDP, offset, more, identification: 9 }.prepend_to(&mut frame);
    bench.packet_v6(&from_them(protocol::FRAGMENT), &frame.to_vec())
}

fn listening() -> (Bench, crate::UdpId) {
    let mut bench = bench();
    let socket = bench.stack.udp_bind("[::]:7".parse().unwrap()).unwrap();
    (bench, socket)
}

#[test]
fn a_long_datagram_comes_in_pieces_in_any_order_with_duplicates() {
    let payload: Vec<u8> = (0..4000_u32).map(|n| (n * 7) as u8).collect();
    let datagram = udp_v6_bytes(US, 1, 7, &payload);
    let pieces = [(0, 1448), (1448, 2896), (2896, 4008)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let (mut bench, socket) = listening();
        for (at, index) in order.into_iter().enumerate() {
            let (from, to) = pieces[index];
            assert_eq!(piece(&mut bench, from as u16, to < 4008, &datagram[from..to]), Ok(()));
            if at < 2 {
                let again = piece(&mut bench, from as u16, to < 4008, &datagram[from..to]);
                assert_eq!(again, Err(Dropped::DuplicateFragment));
            }
        }
        let mut buffer = vec![0; 5000];
        assert_eq!(bench.stack.udp_receive(socket, &mut buffer), Ok((4000, 4000, (THEM, 1).into())));
        assert_eq!(buffer[..4000], payload);
        assert_eq!(bench.stack.poll_timeout(), None, "nothing waits any more");
    }
}

#[test]
fn a_whole_packet_with_a_fragment_header_is_no_fragment() {
    let (mut bench, socket) = listening();
    // Something else with the same identification waits meanwhile (RFC 6946 4).
    piece(&mut bench, 8, true, &[0; 8]).unwrap();
    assert_eq!(piece(&mut bench, 0, false, &udp_v6_bytes(US, 1, 7, b"whole")), Ok(()));
    assert!(bench.stack.udp_receive(socket, &mut [0; 9]).is_ok());
}

#[test]
fn overlapping_fragments_cost_the_packet_and_all_that_follows_of_it() {
    for (from, to) in [(24, 40), (8, 16)] {
        let (mut bench, socket) = listening();
        let datagram = udp_v6_bytes(US, 1, 7, &[5; 56]);
        piece(&mut bench, 0, true, &datagram[..32]).unwrap();
        let overlap = piece(&mut bench, from as u16, true, &datagram[from..to]);
        assert_eq!(overlap, Err(Dropped::OverlappingFragment));
        assert_eq!(piece(&mut bench, 32, false, &datagram[32..]), Err(Dropped::OverlappingFragment));
        assert!(bench.stack.udp_receive(socket, &mut []).is_err());
        bench.pass(seconds(31));
        assert!(bench.sent().is_empty(), "its sender is told nothing");
    }
}

#[test]
fn a_timeout_is_told_only_if_the_beginning_came() {
    let (mut bench, _) = listening();
    let datagram = udp_v6_bytes(US, 1, 7, &[5; 56]);
    piece(&mut bench, 32, false, &datagram[32..]).unwrap();
    bench.pass(seconds(31));
    assert!(bench.sent().is_empty());
    piece(&mut bench, 0, true, &datagram[..32]).unwrap();
    bench.pass(Duration::from_millis(29_900));
    assert!(bench.sent().is_empty());
    bench.pass(seconds(1));
    let (_, message, quoted) = bench.sent_icmp_v6();
    assert_eq!(message, Message::TimeExceeded { code: icmpv6::REASSEMBLY_TIME_EXCEEDED });
    let quoted = icmpv6::quoted(&quoted).unwrap();
    assert_eq!((quoted.source_port, quoted.destination_port), (1, 7));
}

#[test]
fn impossible_fragments_are_told_with_their_place() {
    let (mut bench, _) = listening();
    let impossible = Err(Dropped::ImpossibleFragment);
    assert_eq!(piece(&mut bench, 0, true, &[5; 33]), impossible);
    assert_eq!(bench.sent_icmp_v6().1, Message::ParameterProblem { code: ERRONEOUS_FIELD, pointer: 4 });
    assert_eq!(piece(&mut bench, 65_528, false, &[5; 8]), impossible);
    assert_eq!(bench.sent_icmp_v6().1, Message::ParameterProblem { code: ERRONEOUS_FIELD, pointer: 42 });
    assert_eq!(piece(&mut bench, 65_520, true, &[5; 8]), Ok(()));
    assert_eq!(piece(&mut bench, 0, true, &[]), impossible);
    // RFC 7112 5: the first fragment must have all headers.
    let _ = bench.sent();
    let mut frame = Frame::copy_of(&[0; 8]);
    Fragment { next_header: protocol::TCP, offset: 0, more: true, identification: 1 }.prepend_to(&mut frame);
    assert_eq!(bench.packet_v6(&from_them(protocol::FRAGMENT), &frame.to_vec()), impossible);
    let incomplete = Message::ParameterProblem { code: INCOMPLETE_FIRST_FRAGMENT, pointer: 0 };
    assert_eq!(bench.sent_icmp_v6().1, incomplete);
}

#[test]
fn fragments_of_fragments_do_not_come_in() {
    let (mut bench, _) = listening();
    let mut inner = Frame::copy_of(&udp_v6_bytes(US, 1, 7, &[5; 8]));
    Fragment { next_header: protocol::UDP, offset: 0, more: true, identification: 2 }.prepend_to(&mut inner);
    let inner = inner.to_vec();
    let mut send = |offset: u16, more: bool, bytes: &[u8]| {
        let mut frame = Frame::copy_of(bytes);
        let next_header = protocol::FRAGMENT;
        Fragment { next_header, offset, more, identification: 3 }.prepend_to(&mut frame);
        bench.packet_v6(&from_them(protocol::FRAGMENT), &frame.to_vec())
    };
    assert_eq!(send(0, true, &inner[..16]), Ok(()));
    assert_eq!(send(16, false, &inner[16..]), Err(Dropped::ImpossibleFragment));
}
