//! One host on several cores: frames, connections and neighbours of shards.

mod neighbours;
mod steering;

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

fn segment(from: u16, to: u16) -> Vec<u8> {
    let mut bytes = [from.to_be_bytes(), to.to_be_bytes()].concat();
    bytes.resize(20, 0);
    bytes[12] = 0x50;
    bytes
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
