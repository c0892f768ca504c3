//! Which shard a packet is for.

use super::*;

#[test]
fn flows_spread_evenly_and_both_ways_of_one_are_on_one_shard() {
    let steering = steering(4);
    let mut counts = [0_u32; 4];
    for number in 0..8000_u16 {
        let (here, there) = ((OURS, 80).into(), (PEER, 1000 + number).into());
        let shard = steering.of_flow(here, there);
        assert_eq!(shard, steering.of_flow(there, here));
        counts[shard] += 1;
        let (here, there) = ((six(OURS), 80).into(), (six(PEER), 1000 + number).into());
        assert_eq!(steering.of_flow(here, there), steering.of_flow(there, here));
    }
    assert!(counts.iter().all(|count| (1800..2200).contains(count)), "{counts:?}");
    let another = Steering::new(Shard::new(0, 4).unwrap(), [10; 32]);
    let differs = |number: &u16| {
        let (here, there) = ((OURS, 80).into(), (PEER, *number).into());
        another.of_flow(here, there) != steering.of_flow(here, there)
    };
    assert!((1..1000).filter(differs).count() > 500, "nobody foretells the shard without the seed");
}

#[test]
fn segments_and_errors_about_them_are_for_their_shard_and_all_else_for_the_first() {
    let steering = steering(8);
    let mut seen = BTreeSet::new();
    for port in 1000..1100 {
        let flow = steering.of_flow((OURS, 80).into(), (PEER, port).into());
        seen.insert(flow);
        let tcp = |header: ipv4::Header| target(&steering, &ipv4_frame(header, &segment(port, 80)));
        assert_eq!(tcp(from_peer(protocol::TCP)), Target::Shard(flow));
        // Pieces have no ports, but for the first.
        for (fragment_offset, more_fragments) in [(0, true), (8, false)] {
            let header = ipv4::Header {
                dont_fragment: false,
                fragment_offset,
                more_fragments,
                ..from_peer(protocol::TCP)
            };
            assert_eq!(tcp(header), Target::Shard(0));
        }
        let quote = |protocol| {
            let mut quoted = Frame::copy_of(&segment(80, port));
            ipv4::Header::new(OURS, PEER, protocol).prepend_to(&mut quoted);
            let message = Message::DestinationUnreachable { code: 1, next_hop_mtu: 0 };
            ipv4_frame(from_peer(protocol::ICMPV4), &icmp_bytes(message, &quoted.to_vec()))
        };
        assert_eq!(target(&steering, &quote(protocol::TCP)), Target::Shard(flow));
        assert_eq!(target(&steering, &quote(protocol::UDP)), Target::Shard(0));
        let datagram = ipv4_frame(from_peer(protocol::UDP), &udp_bytes(port, 80, b"x"));
        assert_eq!(target(&steering, &datagram), Target::Shard(0));
    }
    assert_eq!(seen.len(), 8);
    let echo = Message::EchoRequest { identifier: 1, sequence: 1 };
    let echo = ipv4_frame(from_peer(protocol::ICMPV4), &icmp_bytes(echo, b"x"));
    assert_eq!(target(&steering, &echo), Target::Shard(0));
    let arp = arp_frame(Packet::request(PEER_HARDWARE, PEER, OURS));
    assert_eq!(target(&steering, &arp), Target::All);
}

#[test]
fn the_same_by_ipv6_behind_extension_headers_too() {
    use super::super::v6::harness::frame_of;
    let steering = steering(8);
    let (us, them) = (six(OURS), six(PEER));
    let header = |protocol| ipv6::Header::new(them, us, protocol);
    for port in 1000..1100 {
        let flow = Target::Shard(steering.of_flow((us, 80).into(), (them, port).into()));
        let bytes = segment(port, 80);
        assert_eq!(target(&steering, &frame_of(&header(protocol::TCP), &bytes)), flow);
        // Destination options: padding only.
        let options = [&[protocol::TCP, 0, 1, 4, 0, 0, 0, 0][..], &bytes].concat();
        assert_eq!(target(&steering, &frame_of(&header(protocol::DESTINATION_OPTIONS), &options)), flow);
        for (more, whole) in [(1, false), (0, true)] {
            let fragment = [&[protocol::TCP, 0, 0, more, 0, 0, 0, 9][..], &bytes].concat();
            let expected = if whole { flow } else { Target::Shard(0) };
            assert_eq!(target(&steering, &frame_of(&header(protocol::FRAGMENT), &fragment)), expected);
        }
        let mut quoted = Frame::copy_of(&segment(80, port));
        ipv6::Header::new(us, them, protocol::TCP).prepend_to(&mut quoted);
        let mut error = Frame::copy_of(&quoted.to_vec());
        icmpv6::Message::PacketTooBig { mtu: 1280 }.prepend_to(&mut error, them, us);
        assert_eq!(target(&steering, &frame_of(&header(protocol::ICMPV6), &error.to_vec())), flow);
    }
    let discovery = |message: ndp::Message| {
        let bytes = message.to_frame(&ndp::Options::to_target(PEER_HARDWARE), them, us).to_vec();
        target(&steering, &frame_of(&header(protocol::ICMPV6), &bytes))
    };
    let answer = ndp::Message::NeighbourAdvertisement {
        target: them,
        router: false,
        solicited: true,
        overriding: true,
    };
    assert_eq!(discovery(answer), Target::All);
    assert_eq!(discovery(ndp::Message::NeighbourSolicitation { target: us }), Target::Shard(0));
}

#[test]
fn no_beginning_of_a_packet_is_more_than_the_first_shard_can_drop() {
    let steering = steering(3);
    let whole = ipv4_frame(from_peer(protocol::TCP), &segment(1000, 80)).to_vec();
    for length in 0..whole.len() {
        let _ = steering.of_frame(medium(), &whole[..length]);
        let _ = steering.of_packet(&whole[..length]);
    }
    assert_eq!(steering.of_frame(medium(), &whole[..35]), Target::Shard(0));
    assert_eq!(steering.of_packet(&[]), Target::Shard(0));
    let mut long = whole;
    long[14] = 0x4f;
    assert_eq!(steering.of_frame(medium(), &long), Target::Shard(0), "its header goes beyond its end");
}

proptest::proptest! {
    #[test]
    fn whatever_comes_is_for_a_shard_that_there_is(mut bytes: Vec<u8>, version in 0..3_usize, ether_type in 0..3_usize) {
        if let Some(place) = bytes.get_mut(12..15) {
            let [high, low] = [[8, 0], [8, 6], [0x86, 0xdd]][ether_type];
            place.copy_from_slice(&[high, low, [0x45, 0x60, 0x4f][version]]);
        }
        let steering = steering(5);
        let exists = |target| matches!(target, Target::All) || matches!(target, Target::Shard(shard) if shard < 5);
        proptest::prop_assert!(exists(steering.of_frame(medium(), &bytes)));
        proptest::prop_assert!(exists(steering.of_packet(bytes.get(14..).unwrap_or_default())));
    }
}
