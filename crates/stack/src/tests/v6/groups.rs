//! Groups: joining, hearing, telling routers, by both families.

use super::harness::*;
use crate::tests::harness::*;
use crate::{Dropped, GroupError, Probing, StackConfig, UdpId};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use wire::checksum::Sum;
use wire::ethernet::{self, EtherType, MacAddress};
use wire::{igmp, ipv4, ipv6, mld, protocol};

const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 2, 3);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff05, 0, 0, 0, 0, 0, 0, 0x1234);

/// With both addresses in use, and a socket that hears everything for port 7.
fn both() -> (Bench, UdpId) {
    let mut bench = Bench::acquainted();
    bench.stack.enable_ipv6(bench.now, bench.id, Probing::Skip, false).unwrap();
    bench.stack.add_address(bench.now, bench.id, US.into(), 64, Probing::Skip).unwrap();
    bench.pass(seconds(10));
    let _ = bench.sent();
    let socket = bench.stack.udp_bind("[::]:7".parse().unwrap()).unwrap();
    (bench, socket)
}

/// The reports that are due: where they go, and the type and record of each.
fn reports(bench: &mut Bench) -> Vec<(IpAddr, u8, u8)> {
    let told = bench.sent().into_iter().filter_map(|bytes| {
        let header = ethernet::Header::parse(&bytes).unwrap();
        let packet = &bytes[14..];
        if header.ether_type == EtherType::IPV4 {
            let header = ipv4::Header::parse(packet, packet.len()).unwrap();
            let message = &packet[header.header_length..header.total_length];
            assert_eq!((header.protocol, header.time_to_live), (protocol::IGMP, 1));
            assert_eq!(packet[20..24], [148, 4, 0, 0], "routers are to look");
            assert_eq!(Sum::ZERO.add_bytes(message).finish(), 0);
            return Some((header.destination.into(), message[0], message.get(8).copied().unwrap_or(0)));
        }
        let (header, chain, message) = open_v6(&bytes)?;
        assert_eq!((header.hop_limit, header.next_header), (1, protocol::HOP_BY_HOP));
        assert_eq!((chain.protocol, &packet[42..46]), (protocol::ICMPV6, &[5, 2, 0, 0][..]));
        wire::icmpv6::verify(header.source, header.destination, [&message, &[]]).unwrap();
        assert!(ipv6::is_link_local(header.source));
        let record = if message[0] == mld::REPORT_V2 { message[8] } else { 0 };
        Some((header.destination.into(), message[0], record))
    });
    told.collect()
}

fn to_group(bench: &mut Bench, group: Ipv4Addr, payload: &[u8]) -> Result<(), Dropped> {
    let header = ipv4::Header::new(PEER, group, protocol::UDP);
    let mut frame = basis::Frame::copy_of(&udp_bytes_to(group, 1, 7, payload));
    header.prepend_to(&mut frame);
    let [_, b, c, d] = group.octets();
    let destination = MacAddress([1, 0, 0x5e, b & 0x7f, c, d]);
    ethernet::Header { destination, source: PEER_HARDWARE, ether_type: EtherType::IPV4 }
        .prepend_to(&mut frame);
    bench.frame(from_device(&frame))
}

fn to_group_v6(bench: &mut Bench, group: Ipv6Addr, payload: &[u8]) -> Result<(), Dropped> {
    let header = ipv6::Header::new(THEM, group, protocol::UDP);
    bench.packet_v6(&header, &udp_v6_bytes(group, 1, 7, payload))
}

#[test]
fn a_group_is_heard_from_joining_to_leaving_and_routers_are_told_twice() {
    let (mut bench, socket) = both();
    let told = |bench: &mut Bench| {
        let mut all = reports(bench);
        bench.pass(seconds(2));
        all.extend(reports(bench));
        all
    };
    let v3 = |record| (igmp::ALL_V3_ROUTERS.into(), igmp::REPORT_V3, record);
    let v2 = |record| (mld::ALL_V2_ROUTERS.into(), mld::REPORT_V2, record);
    assert_eq!(to_group(&mut bench, GROUP, b"x"), Err(Dropped::OtherStation));
    bench.stack.udp_join(bench.now, socket, GROUP.into(), None).unwrap();
    assert_eq!(told(&mut bench), [v3(4), v3(4)]);
    to_group(&mut bench, GROUP, b"four").unwrap();
    assert_eq!(bench.stack.udp_receive(socket, &mut [0; 9]), Ok((4, 4, (PEER, 1).into())));
    assert_eq!(
        to_group(&mut bench, [239, 129, 2, 3].into(), b"x"),
        Err(Dropped::OtherHost),
        "the same station"
    );
    bench.stack.udp_leave(bench.now, socket, GROUP.into(), None).unwrap();
    assert_eq!(told(&mut bench), [v3(3), v3(3)]);
    assert_eq!(to_group(&mut bench, GROUP, b"x"), Err(Dropped::OtherStation));

    assert_eq!(to_group_v6(&mut bench, GROUP_V6, b"x"), Err(Dropped::OtherStation));
    bench.stack.udp_join(bench.now, socket, GROUP_V6.into(), None).unwrap();
    assert_eq!(told(&mut bench), [v2(4), v2(4)]);
    to_group_v6(&mut bench, GROUP_V6, b"sixteen").unwrap();
    assert_eq!(bench.stack.udp_receive(socket, &mut [0; 9]), Ok((7, 7, (THEM, 1).into())));
    // A socket that goes leaves its groups.
    bench.stack.udp_close(socket);
    bench.stack.on_timeout(bench.now);
    assert_eq!(told(&mut bench), [v2(3), v2(3)]);
    assert_eq!(to_group_v6(&mut bench, GROUP_V6, b"x"), Err(Dropped::OtherStation));
}

#[test]
fn only_a_socket_that_joined_hears_the_group() {
    let (mut bench, socket) = both();
    let other = bench.stack.udp_bind("[::]:8".parse().unwrap()).unwrap();
    bench.stack.udp_join(bench.now, other, GROUP.into(), None).unwrap();
    assert_eq!(to_group(&mut bench, GROUP, b"x"), Err(Dropped::UdpNoSocket));
    bench.stack.udp_join(bench.now, other, GROUP_V6.into(), Some(bench.id)).unwrap();
    assert_eq!(to_group_v6(&mut bench, GROUP_V6, b"x"), Err(Dropped::GroupNotJoined));
    assert!(bench.stack.udp_receive(socket, &mut []).is_err());
}

#[test]
fn queries_are_answered_within_their_time_in_the_queriers_version() {
    let (mut bench, socket) = both();
    bench.stack.udp_join(bench.now, socket, GROUP.into(), None).unwrap();
    bench.pass(seconds(2));
    let _ = bench.sent();
    let query = |bench: &mut Bench, code: u8, length: usize| {
        let mut message = std::vec![0; length];
        message[..2].copy_from_slice(&[igmp::QUERY, code]);
        let checksum = Sum::ZERO.add_bytes(&message).finish();
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
        let mut frame = basis::Frame::copy_of(&message);
        igmp::prepend_header(&mut frame, PEER, igmp::ALL_SYSTEMS);
        let destination = MacAddress([1, 0, 0x5e, 0, 0, 1]);
        ethernet::Header { destination, source: PEER_HARDWARE, ether_type: EtherType::IPV4 }
            .prepend_to(&mut frame);
        bench.frame(from_device(&frame)).unwrap();
        bench.pass(core::time::Duration::from_millis(100 * u64::from(code)));
        reports(bench)
    };
    assert_eq!(query(&mut bench, 50, 12), [(igmp::ALL_V3_ROUTERS.into(), igmp::REPORT_V3, 2)]);
    assert_eq!(query(&mut bench, 50, 8), [(GROUP.into(), igmp::REPORT_V2, 0)]);
    bench.stack.udp_leave(bench.now, socket, GROUP.into(), None).unwrap();
    assert_eq!(reports(&mut bench)[0], (igmp::ALL_ROUTERS.into(), igmp::LEAVE_V2, 0));
}

#[test]
fn a_query_of_mld_is_answered_for_every_group() {
    let (mut bench, socket) = both();
    bench.stack.udp_join(bench.now, socket, GROUP_V6.into(), None).unwrap();
    bench.pass(seconds(2));
    let _ = bench.sent();
    let mut message = [0; 28];
    message[0] = mld::QUERY;
    message[4..6].copy_from_slice(&1000_u16.to_be_bytes());
    let sum = wire::icmpv6::checksum(ROUTER, ipv6::ALL_NODES, [&message, &[]]);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let mut header = ipv6::Header::new(ROUTER, ipv6::ALL_NODES, protocol::ICMPV6);
    assert!(bench.packet_v6(&header, &message).is_err(), "it came over a router");
    header.hop_limit = 1;
    bench.packet_v6(&header, &message).unwrap();
    bench.pass(seconds(1));
    let told = reports(&mut bench);
    // The group, and those in which both of our addresses are asked for.
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|report| *report == (mld::ALL_V2_ROUTERS.into(), mld::REPORT_V2, 2)));
}

#[test]
fn what_a_host_sends_to_a_group_comes_back_unless_it_is_forbidden_and_stays_on_the_link() {
    let (mut bench, socket) = both();
    for (group, six) in [(IpAddr::V4(GROUP), false), (GROUP_V6.into(), true)] {
        bench.stack.udp_join(bench.now, socket, group, None).unwrap();
        let _ = bench.sent();
        bench.stack.udp_send(bench.now, socket, b"echo", Some((group, 7).into())).unwrap();
        let sent = bench.sent();
        let hops = if six { sent[0][14 + 7] } else { sent[0][14 + 8] };
        assert_eq!((sent.len(), hops), (1, 1));
        assert_eq!(bench.stack.udp_receive(socket, &mut [0; 9]).map(|received| received.0), Ok(4));
        assert_eq!(bench.stack.udp_multicast_loop(socket, six), Some(true));
        bench.stack.udp_set_multicast_loop(socket, six, false);
        bench.stack.udp_send(bench.now, socket, b"echo", Some((group, 7).into())).unwrap();
        assert!(bench.stack.udp_receive(socket, &mut [0; 9]).is_err());
    }
    bench.stack.udp_set_multicast_ttl(socket, 5);
    let _ = bench.sent();
    bench.stack.udp_send(bench.now, socket, b"echo", Some((GROUP, 7).into())).unwrap();
    assert_eq!((bench.sent()[0][14 + 8], bench.stack.udp_multicast_ttl(socket)), (5, Some(5)));
}

#[test]
fn what_cannot_be_joined_is_refused_and_groups_are_bounded() {
    let (mut bench, socket) = both();
    let id = bench.id;
    let v4 = bench.stack.udp_bind("0.0.0.0:9".parse().unwrap()).unwrap();
    let mut join = |socket, group: IpAddr| bench.stack.udp_join(bench.now, socket, group, Some(id));
    assert_eq!(join(socket, THEM.into()), Err(GroupError::NotAGroup));
    assert_eq!(join(v4, GROUP_V6.into()), Err(GroupError::NotAGroup));
    assert_eq!(join(socket, GROUP.into()), Ok(()));
    assert_eq!(join(socket, GROUP.into()), Err(GroupError::AlreadyJoined));
    for n in 0..63 {
        assert_eq!(join(socket, [239, 9, 9, n].into()), Ok(()));
    }
    assert_eq!(join(socket, [239, 9, 9, 63].into()), Err(GroupError::TooManyGroups));
    let leave = bench.stack.udp_leave(bench.now, v4, GROUP.into(), Some(id));
    assert_eq!(leave, Err(GroupError::NotJoined));
    let mut bare = Bench::bare(StackConfig::default());
    let socket = bare.stack.udp_bind("[::]:7".parse().unwrap()).unwrap();
    let nowhere = bare.stack.udp_join(bare.now, socket, GROUP.into(), None);
    assert_eq!(nowhere, Err(GroupError::NoSuchInterface));
}
