//! The queues that all who send to strangers share: one station that floods leaves room for the others, however many addresses it has.

use super::harness::*;
use crate::{Dropped, StackConfig};
use alloc::vec::Vec;
use basis::Frame;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use wire::ethernet::{self, EtherType, MacAddress};
use wire::icmpv4::Message;
use wire::{icmpv6, ipv4, ipv6, protocol, udp};

const STRANGER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const STRANGER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

fn station(last: u8) -> MacAddress {
    MacAddress([2, 0, 0, 0, 1, last])
}

fn intercepting() -> Bench {
    let mut bench = Bench::new();
    assert!(bench.stack.set_interception(bench.id, true));
    bench
}

fn address(number: usize) -> [u8; 4] {
    let [.., high, low] = number.to_be_bytes();
    [10, 9, high, low]
}

/// From one of many addresses of a station to a stranger.
fn frame(station: MacAddress, number: usize, protocol: u8, behind: Frame) -> Frame {
    let mut packet = behind;
    ipv4::Header::new(address(number).into(), STRANGER, protocol).prepend_to(&mut packet);
    ethernet::Header { destination: OUR_HARDWARE, source: station, ether_type: EtherType::IPV4 }
        .prepend_to(&mut packet);
    packet
}

fn frame_v6(station: MacAddress, number: usize, protocol: u8, behind: impl Fn(Ipv6Addr) -> Frame) -> Frame {
    let source = Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 9, number as u16);
    let mut packet = behind(source);
    ipv6::Header::new(source, STRANGER_V6, protocol).prepend_to(&mut packet);
    ethernet::Header { destination: OUR_HARDWARE, source: station, ether_type: EtherType::IPV6 }
        .prepend_to(&mut packet);
    packet
}

fn datagram(from: IpAddr, to: IpAddr) -> Frame {
    let mut datagram = Frame::copy_of(&[7; 64]);
    udp::Header { source_port: 5, destination_port: 53, length: 0 }.prepend_to(&mut datagram, from, to);
    datagram
}

/// How many of so many frames are taken in.
fn taken(bench: &mut Bench, count: usize, frame: impl Fn(usize) -> Frame, full: Dropped) -> usize {
    let outcomes: Vec<_> = (0..count).map(|number| bench.frame(frame(number))).collect();
    assert!(
        outcomes.iter().all(|outcome| matches!(outcome, Ok(())) || *outcome == Err(full)),
        "{outcomes:?}"
    );
    outcomes.iter().filter(|outcome| outcome.is_ok()).count()
}

#[test]
fn a_station_that_floods_the_datagrams_for_strangers_from_many_addresses_leaves_room_for_others() {
    let mut bench = intercepting();
    bench.stack.udp_bind_any().unwrap();
    let four = |last| {
        move |number| {
            frame(station(last), number, protocol::UDP, datagram(address(number).into(), STRANGER.into()))
        }
    };
    let six = |last| {
        move |number| {
            frame_v6(station(last), number, protocol::UDP, |source| {
                datagram(source.into(), STRANGER_V6.into())
            })
        }
    };
    let full = Dropped::UdpQueueFull;
    let first = taken(&mut bench, 5000, four(1), full);
    assert!(first > 500 && first < 5000, "{first}");
    // By neither family has it room for one more, nor as the last fragments.
    assert_eq!(taken(&mut bench, 100, six(1), full), 0);
    let header = ipv4::Header::new([10, 9, 9, 9].into(), STRANGER, protocol::UDP);
    let whole = datagram(header.source.into(), STRANGER.into()).to_vec();
    for (offset, more, outcome) in [(0, true, Ok(())), (64, false, Err(full))] {
        let part = if more { &whole[..64] } else { &whole[64..] };
        let mut packet = Frame::copy_of(part);
        ipv4::Header { more_fragments: more, fragment_offset: offset, dont_fragment: false, ..header }
            .prepend_to(&mut packet);
        ethernet::Header { destination: OUR_HARDWARE, source: station(1), ether_type: EtherType::IPV4 }
            .prepend_to(&mut packet);
        assert_eq!(bench.frame(packet), outcome);
    }
    // A second one has two thirds of the rest, a third one of what is left then.
    let second = taken(&mut bench, 5000, six(2), full);
    assert!(second.abs_diff(first / 3) <= 3, "{second}, {first}");
    let third = taken(&mut bench, 5000, four(33), full);
    assert!(third.abs_diff(first / 9) <= 3, "{third}, {first}");
}

#[test]
fn a_station_that_floods_echo_requests_for_strangers_makes_room_for_others() {
    let mut bench = intercepting();
    let any = bench.stack.ping_open_any().unwrap();
    let most = StackConfig::default().ping.max_replies;
    let four = |last: u8| {
        move |number| {
            let message = Message::EchoRequest { identifier: last.into(), sequence: 1 };
            frame(station(last), number, protocol::ICMPV4, Frame::copy_of(&icmp_bytes(message, b"x")))
        }
    };
    let six = |last: u8| {
        move |number| {
            frame_v6(station(last), number, protocol::ICMPV6, |source| {
                let mut message = Frame::copy_of(b"x");
                icmpv6::Message::EchoRequest { identifier: last.into(), sequence: 1 }.prepend_to(
                    &mut message,
                    source,
                    STRANGER_V6,
                );
                message
            })
        }
    };
    let full = Dropped::PingQueueFull;
    assert_eq!(taken(&mut bench, 2 * most, four(1), full), most);
    assert_eq!(taken(&mut bench, 10, six(1), full), 0);
    let lost = bench.stack.counters().dropped.of(full);
    // As many as the first one keeps, which are counted as lost.
    assert_eq!(taken(&mut bench, most, six(2), full), most / 2);
    assert_eq!(bench.stack.counters().dropped.of(full), lost + most as u64);
    assert_eq!(taken(&mut bench, 1, four(3), full), 1);
    let waiting: Vec<_> = core::iter::from_fn(|| bench.stack.ping_receive_foreign(any)).collect();
    let of = |identifier| waiting.iter().filter(|request| request.identifier == identifier).count();
    assert_eq!((of(1) + of(2), of(3)), (most - 1, 1));
}
