//! One host on several cores: frames, connections and neighbours of shards.

use super::harness::*;
use crate::{
    BindError, ConnectError, Dropped, Event, InterfaceId, Medium, ProbeTimes, Probing, Shard, Stack,
    StackConfig, Steering, Target,
};
use alloc::collections::VecDeque;
use basis::{Checksum, Frame, Instant, Seed};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeSet;
use std::vec;
use std::vec::Vec;
use tcp::{ConnectionId, ListenerId, SocketOptions};
use wire::arp::Packet;
use wire::ethernet::{self, MacAddress};
use wire::icmpv4::Message;
use wire::{icmpv6, ipv4, ipv6, ndp, protocol};

const SEED: Seed = [9; 32];

fn steering(count: usize) -> Steering {
    Steering::new(Shard::new(0, count).unwrap(), SEED)
}

fn medium() -> Medium {
    Medium::Ethernet(OUR_HARDWARE)
}

fn target(steering: &Steering, frame: &Frame) -> Target {
    steering.of_frame(medium(), frame.first())
}

/// A host of several shards on the harness's wire.
struct Site {
    shards: Vec<Stack>,
    id: InterfaceId,
    steering: Steering,
}

impl Site {
    fn new(now: Instant, count: usize, seed: Seed, hardware: MacAddress, probing: Probing) -> Site {
        let config = StackConfig { ephemeral_ports: 50_000..=50_999, ..StackConfig::default() };
        let mut shards: Vec<Stack> = (0..count)
            .map(|index| Stack::new(now, config.for_shard(Shard::new(index, count).unwrap()), seed))
            .collect();
        let ids: Vec<_> =
            shards.iter_mut().map(|shard| shard.add_interface(now, ethernet_config(hardware))).collect();
        let address = if hardware == OUR_HARDWARE { OURS } else { PEER };
        shards[0].add_address(now, ids[0], IpAddr::V4(address), 24, probing).unwrap();
        shards[0].add_address(now, ids[0], IpAddr::V6(six(address)), 64, probing).unwrap();
        let steering = Steering::new(shards[0].shard(), seed);
        let mut site = Site { shards, id: ids[0], steering };
        site.share(now);
        site
    }

    /// The others learn what the first knows.
    fn share(&mut self, now: Instant) {
        let [first, others @ ..] = &mut self.shards[..] else { return };
        let surroundings = first.surroundings();
        others.iter_mut().for_each(|shard| shard.adopt(now, &surroundings));
    }

    fn on_frame(&mut self, now: Instant, frame: &Frame) {
        match target(&self.steering, frame) {
            Target::Shard(shard) => drop(self.shards[shard].on_frame(now, self.id, frame.clone())),
            Target::All => {
                for shard in &mut self.shards {
                    let _ = shard.on_frame(now, self.id, frame.clone());
                }
            }
        }
        self.hand_over(now);
    }

    fn hand_over(&mut self, now: Instant) -> usize {
        let mut count = 0;
        while let Some((interface, shard, packet)) = self.shards[0].poll_handover() {
            self.shards[shard].on_handover(now, interface, packet).unwrap();
            count += 1;
        }
        count
    }

    fn sent(&mut self, now: Instant) -> Vec<(usize, Frame)> {
        let mut sent = Vec::new();
        for (index, shard) in self.shards.iter_mut().enumerate() {
            while let Some(mut frame) = shard.poll_transmit(now, self.id) {
                if frame.checksum == Checksum::Deferred {
                    frame.checksum = Checksum::Verified;
                }
                sent.push((index, frame));
            }
        }
        sent
    }

    fn listen(&mut self, port: u16) -> Vec<ListenerId> {
        let local = SocketAddr::new([0, 0, 0, 0, 0, 0, 0, 0].into(), port);
        let listen = |shard: &mut Stack| shard.tcp_listen(local, 64, SocketOptions::default()).unwrap().0;
        self.shards.iter_mut().map(listen).collect()
    }
}

/// Two hosts and a wire that takes a millisecond.
struct World {
    sites: [Site; 2],
    now: Instant,
    on_wire: VecDeque<(Instant, usize, Frame)>,
}

impl World {
    fn new(counts: [usize; 2]) -> World {
        let now = Instant::from_millis(1000);
        let sites = [
            Site::new(now, counts[0], [1; 32], OUR_HARDWARE, Probing::Skip),
            Site::new(now, counts[1], [2; 32], PEER_HARDWARE, Probing::Skip),
        ];
        World { sites, now, on_wire: VecDeque::new() }
    }

    fn until(&mut self, mut done: impl FnMut(&mut World) -> bool) {
        for _ in 0..100_000 {
            if done(self) {
                return;
            }
            for site in 0..2 {
                for (_, frame) in self.sites[site].sent(self.now) {
                    self.on_wire.push_back((self.now + Duration::from_millis(1), 1 - site, frame));
                }
            }
            let arrival = self.on_wire.front().map(|(at, _, _)| *at);
            let stacks = self.sites.iter().flat_map(|site| &site.shards);
            let next =
                stacks.filter_map(Stack::poll_timeout).chain(arrival).min().expect("something happens");
            self.now = self.now.max(next);
            while self.on_wire.front().is_some_and(|(at, _, _)| *at <= self.now) {
                let (_, site, frame) = self.on_wire.pop_front().unwrap();
                self.sites[site].on_frame(self.now, &frame);
            }
            for stack in self.sites.iter_mut().flat_map(|site| &mut site.shards) {
                stack.on_timeout(self.now);
            }
        }
        panic!("not done at {:?}", self.now);
    }
}

#[test]
fn connections_of_all_shards_reach_all_shards_of_the_other_host_and_carry_their_bytes() {
    for six_too in [false, true] {
        let mut world = World::new([2, 3]);
        let listeners: Vec<Vec<ListenerId>> = world.sites.iter_mut().map(|site| site.listen(7)).collect();
        let mut connecting: Vec<(usize, usize, ConnectionId)> = Vec::new();
        for number in 0..32 {
            let site = number % 2;
            let peer = if site == 0 { PEER } else { OURS };
            let peer: IpAddr = if six_too { six(peer).into() } else { peer.into() };
            let count = world.sites[site].shards.len();
            let shard = number / 2 % count;
            let now = world.now;
            let stack = &mut world.sites[site].shards[shard];
            let id = stack.tcp_connect(now, None, (peer, 7).into(), SocketOptions::default()).unwrap();
            let tuple = stack.tcp().tuple(id).unwrap();
            let back = world.sites[site].steering.of_flow(tuple.remote_address(), tuple.local_address());
            assert_eq!(back, shard, "the answers reach who asked");
            connecting.push((site, shard, id));
        }
        let mut accepted: Vec<(usize, usize, ConnectionId)> = Vec::new();
        world.until(|world| {
            for (site, listeners) in listeners.iter().enumerate() {
                for (shard, listener) in listeners.iter().enumerate() {
                    while let Ok(id) = world.sites[site].shards[shard].tcp_mut().accept(*listener) {
                        accepted.push((site, shard, id));
                    }
                }
            }
            accepted.len() == 32
        });
        let used: BTreeSet<_> = accepted.iter().map(|(site, shard, _)| (*site, *shard)).collect();
        assert_eq!(used.len(), 5, "every shard of both hosts was called: {used:?}");
        // Each accepted connection says its peer's port to the peer.
        let mut heard = vec![None; connecting.len()];
        let now = world.now;
        for (site, shard, id) in &accepted {
            let tcp = world.sites[*site].shards[*shard].tcp_mut();
            let port = tcp.tuple(*id).unwrap().remote_port;
            assert_eq!(tcp.write(now, *id, &port.to_be_bytes()), Ok(2));
        }
        world.until(|world| {
            let now = world.now;
            for ((site, shard, id), heard) in connecting.iter().zip(&mut heard) {
                let tcp = world.sites[*site].shards[*shard].tcp_mut();
                let mut bytes = [0; 2];
                if tcp.read(now, *id, &mut bytes) == Ok(2) {
                    *heard = Some(u16::from_be_bytes(bytes));
                    assert_eq!(*heard, Some(tcp.tuple(*id).unwrap().local_port));
                }
            }
            heard.iter().all(Option::is_some)
        });
    }
}

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

fn segment(from: u16, to: u16) -> Vec<u8> {
    let mut bytes = [from.to_be_bytes(), to.to_be_bytes()].concat();
    bytes.resize(20, 0);
    bytes[12] = 0x50;
    bytes
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
    use super::v6::harness::frame_of;
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

#[test]
fn shards_share_out_the_ephemeral_ports_until_each_is_taken() {
    let now = Instant::from_millis(1000);
    let mut site = Site::new(now, 3, SEED, OUR_HARDWARE, Probing::Skip);
    let remote: SocketAddr = (PEER, 80).into();
    let options = SocketOptions::default();
    let mut ports = BTreeSet::new();
    for shard in &mut site.shards {
        loop {
            match shard.tcp_connect(now, None, remote, options) {
                Ok(id) => assert!(ports.insert(shard.tcp().tuple(id).unwrap().local_port)),
                Err(error) => {
                    assert_eq!(error, ConnectError::NoFreePort);
                    break;
                }
            }
        }
    }
    assert_eq!(ports, (50_000..=50_999).collect());
    // What one wants itself has to be asked of the right shard.
    let local: SocketAddr = (OURS, 40_000).into();
    let right = site.steering.of_flow(local, remote);
    for (index, shard) in site.shards.iter_mut().enumerate() {
        let result = shard.tcp_connect(now, Some(local), remote, options).map(|_| index);
        assert_eq!(result, if index == right { Ok(right) } else { Err(ConnectError::OtherShard(right)) });
    }
}

#[test]
fn a_connection_of_the_host_to_itself_stays_within_its_shard() {
    let now = Instant::from_millis(1000);
    for index in 0..2 {
        let config = StackConfig::default().for_shard(Shard::new(index, 2).unwrap());
        let mut stack = Stack::new(now, config, SEED);
        let lo = stack.add_interface(
            now,
            crate::InterfaceConfig {
                name: "lo".into(),
                medium: Medium::Loopback,
                mtu: 65_535,
                super_segments: true,
            },
        );
        stack.add_address(now, lo, Ipv4Addr::LOCALHOST.into(), 8, Probing::Skip).unwrap();
        let options = SocketOptions::default();
        let (listener, at) = stack.tcp_listen("127.0.0.1:0".parse().unwrap(), 4, options).unwrap();
        stack.tcp_connect(now, None, at, options).unwrap();
        let steering = *stack.steering().unwrap();
        let mut frames = 0;
        while let Some(frame) = stack.poll_transmit(now, lo) {
            assert_eq!(steering.of_frame(Medium::Loopback, frame.first()), Target::Shard(index));
            stack.on_frame(now, lo, frame).unwrap();
            frames += 1;
        }
        assert!(frames >= 3 && stack.tcp_mut().accept(listener).is_ok());
    }
}

#[test]
fn the_first_shard_speaks_for_the_host_and_the_others_only_listen() {
    let now = Instant::from_millis(1000);
    let mut site = Site::new(now, 2, SEED, OUR_HARDWARE, Probing::Skip);
    let _ = site.sent(now);
    site.on_frame(now, &arp_frame(Packet::request(PEER_HARDWARE, PEER, OURS)));
    let answers: Vec<usize> = site.sent(now).into_iter().map(|(shard, _)| shard).collect();
    assert_eq!(answers, [0]);
    // Somebody claims the address: one of them defends it.
    let rival = MacAddress([2, 0, 0, 0, 0, 77]);
    site.on_frame(now, &arp_frame(Packet::request(rival, OURS, PEER)));
    let defences: Vec<usize> = site.sent(now).into_iter().map(|(shard, _)| shard).collect();
    assert_eq!(defences, [0]);
    // Nothing ever becomes due at the other for addresses, routers or groups; it may ask for the neighbour that it has learnt.
    for seconds in 1..200 {
        let now = now + Duration::from_secs(seconds);
        site.shards[1].on_timeout(now);
        let spoken = site.shards[1].poll_transmit(now, site.id);
        assert!(spoken.is_none_or(|frame| is_question(&frame)));
    }
}

/// Whether a frame asks for the peer, and nothing else.
fn is_question(frame: &Frame) -> bool {
    open_arp(&frame.to_vec()).is_some_and(|(_, packet)| packet.target_protocol == PEER)
}

#[test]
fn a_neighbour_s_answer_reaches_every_shard_that_asked() {
    let now = Instant::from_millis(1000);
    let mut site = Site::new(now, 3, SEED, OUR_HARDWARE, Probing::Skip);
    let _ = site.sent(now);
    for shard in &mut site.shards {
        shard.tcp_connect(now, None, (PEER, 80).into(), SocketOptions::default()).unwrap();
    }
    let questions = site.sent(now);
    assert_eq!(questions.iter().map(|(shard, _)| *shard).collect::<Vec<_>>(), [0, 1, 2]);
    let answer = Packet::request(OUR_HARDWARE, OURS, PEER).reply(PEER_HARDWARE);
    site.on_frame(now, &arp_frame(answer));
    let segments = site.sent(now);
    assert_eq!(segments.iter().map(|(shard, _)| *shard).collect::<Vec<_>>(), [0, 1, 2]);
    for (shard, frame) in segments {
        assert_eq!(target(&site.steering, &frame), Target::Shard(shard));
    }
}

#[test]
fn an_address_is_used_by_all_shards_once_the_first_has_probed_for_it() {
    let mut now = Instant::from_millis(1000);
    let probing = Probing::Probe(ProbeTimes::RFC5227);
    let mut site = Site::new(now, 2, SEED, OUR_HARDWARE, probing);
    let begin = |site: &mut Site, now| {
        site.shards[1].tcp_connect(now, None, (PEER, 80).into(), SocketOptions::default())
    };
    assert_eq!(begin(&mut site, now), Err(ConnectError::AddressNotAvailable));
    let before = site.shards[0].surroundings_revision();
    while let Some(deadline) = site.shards[0].poll_timeout() {
        now = now.max(deadline);
        site.shards[0].on_timeout(now);
        let mut told = core::iter::from_fn(|| site.shards[0].poll_event());
        if told.any(|event| matches!(event, Event::Address { address: IpAddr::V4(_), .. }))
            && now.as_millis() > 3000
        {
            break;
        }
    }
    assert!(site.shards[0].surroundings_revision() > before);
    let stale = site.shards[1].surroundings();
    site.share(now);
    assert!(begin(&mut site, now).is_ok());
    // What is older changes nothing any more.
    site.shards[1].adopt(now, &stale);
    assert!(begin(&mut site, now).is_ok());
    let listens = |site: &mut Site| {
        site.shards[1].tcp_listen((OURS, 80).into(), 1, SocketOptions::default()).map(|_| ())
    };
    assert_eq!(listens(&mut site), Ok(()));
    // It goes as it came, and with the link what waits goes too.
    site.shards[0].set_link_state(now, site.id, false);
    site.share(now);
    assert!(!site.shards[1].interfaces().next().unwrap().up);
    site.shards[0].remove_address(OURS.into()).unwrap();
    site.share(now);
    let refused = site.shards[1].tcp_listen((OURS, 81).into(), 1, SocketOptions::default());
    assert_eq!(refused.map(|_| ()), Err(BindError::AddressNotAvailable));
}

#[test]
fn a_segment_in_pieces_is_put_together_by_the_first_shard_and_handed_to_its_own() {
    let now = Instant::from_millis(1000);
    for other in [false, true] {
        let mut site = Site::new(now, 2, SEED, OUR_HARDWARE, Probing::Skip);
        let listeners = site.listen(80);
        site.on_frame(now, &arp_frame(Packet::request(PEER_HARDWARE, PEER, OURS)));
        let _ = site.sent(now);
        let shard_of = |port: &u16| site.steering.of_flow((OURS, 80).into(), (PEER, *port).into());
        let port = (1000..2000).find(|port| shard_of(port) == usize::from(other)).unwrap();
        let mut syn = segment(port, 80);
        (syn[12], syn[13], syn[14]) = (0xa0, 0x02, 0x10);
        syn.resize(40, 1);
        let sum = wire::checksum::transport(PEER.into(), OURS.into(), protocol::TCP, [&syn[..], &[]]);
        syn[16..18].copy_from_slice(&sum.to_be_bytes());
        for (from, to) in [(0, 32), (32, 40)] {
            let header = ipv4::Header {
                dont_fragment: false,
                fragment_offset: from as u16,
                more_fragments: to < 40,
                identification: 7,
                ..from_peer(protocol::TCP)
            };
            let frame = ipv4_frame(header, &syn[from..to]);
            assert_eq!(target(&site.steering, &frame), Target::Shard(0));
            site.shards[0].on_frame(now, site.id, frame).unwrap();
        }
        assert_eq!(site.hand_over(now), usize::from(other));
        let answers = site.sent(now);
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0].0, usize::from(other), "the SYN was answered by its shard");
        assert_eq!(listeners.len(), 2);
        let answer = answers[0].1.to_vec();
        assert_eq!(answer[14 + 20 + 13] & 0x12, 0x12, "by a SYN with ACK");
        assert_eq!(ethernet::Header::parse(&answer).unwrap().destination, PEER_HARDWARE);
    }
}

#[test]
fn handovers_are_bounded() {
    let now = Instant::from_millis(1000);
    let mut site = Site::new(now, 2, SEED, OUR_HARDWARE, Probing::Skip);
    let shard_of = |port: &u16| site.steering.of_flow((OURS, 80).into(), (PEER, *port).into());
    let port = (1000..2000).find(|port| shard_of(port) == 1).unwrap();
    for number in 0..65_u16 {
        let mut result = Ok(());
        for (from, to) in [(0, 24), (24, 32)] {
            let mut bytes = segment(port, 80);
            bytes.resize(32, 0);
            let header = ipv4::Header {
                dont_fragment: false,
                fragment_offset: from as u16,
                more_fragments: to < 32,
                identification: number,
                ..from_peer(protocol::TCP)
            };
            result = site.shards[0].on_frame(now, site.id, ipv4_frame(header, &bytes[from..to]));
        }
        assert_eq!(result, if number < 64 { Ok(()) } else { Err(Dropped::HandoverFull) });
    }
    let mut count = 0;
    while let Some((_, shard, _)) = site.shards[0].poll_handover() {
        count += 1;
        assert_eq!(shard, 1);
    }
    assert_eq!(count, 64);
}

#[test]
fn the_bounds_of_a_host_are_shared_out() {
    let config = StackConfig::default();
    let part = config.for_shard(Shard::new(1, 4).unwrap());
    assert_eq!(part.tcp.buffer_memory, config.tcp.buffer_memory / 4);
    assert_eq!(part.tcp.max_connections, config.tcp.max_connections / 4);
    assert_eq!(part.tcp.resets_per_second, config.tcp.resets_per_second / 4);
    let whole = config.for_shard(Shard::WHOLE);
    assert_eq!((whole.tcp.buffer_memory, whole.shard), (config.tcp.buffer_memory, Shard::WHOLE));
}
