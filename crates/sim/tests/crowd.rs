//! Many connections at once, and peers that vanish or break off: each holds its slot only as long as it may.

#![allow(clippy::unwrap_used, reason = "a test that is set up wrongly is to be stopped")]

use basis::Random;
use netstrata_sim::network::{HostId, Impairments, Network, WireId};
use std::time::Duration;
use tcp::{ConnectionId, Failure, Keepalive, ListenerId, ReadError, Readiness, Shutdown, SocketOptions};

const REMOTE: &str = "10.0.0.2:80";

struct World {
    network: Network,
    wire: WireId,
    client: HostId,
    server: HostId,
    listener: ListenerId,
}

/// A client and a server on a cable; the server listens with this backlog.
fn world(seed: u64, impairments: Impairments, backlog: u32, options: SocketOptions) -> World {
    let mut network = Network::new(seed);
    network.trace_mut().limit = 0;
    let (client, server) = (network.add_host("client"), network.add_host("server"));
    let wire = network.cable(impairments, (client, "10.0.0.1/24"), (server, "10.0.0.2/24"));
    let (listener, _) = network.stack(server).tcp_listen(REMOTE.parse().unwrap(), backlog, options).unwrap();
    World { network, wire, client, server, listener }
}

impl World {
    fn connect(&mut self, options: SocketOptions) -> ConnectionId {
        let now = self.network.now();
        self.network.stack(self.client).tcp_connect(now, None, REMOTE.parse().unwrap(), options).unwrap()
    }

    fn population(&mut self) -> [(usize, usize, usize); 2] {
        [self.client, self.server].map(|host| self.network.stack(host).tcp().population())
    }

    fn accept_all(&mut self, accepted: &mut Vec<ConnectionId>) {
        while let Ok(id) = self.network.stack(self.server).tcp_mut().accept(self.listener) {
            accepted.push(id);
        }
    }
}

fn keepalive() -> SocketOptions {
    let (idle, interval) = (Duration::from_secs(30), Duration::from_secs(5));
    let keepalive = Some(Keepalive { idle, interval, probes: 4 });
    SocketOptions { keepalive, ..SocketOptions::default() }
}

/// One client's call: what it sends, and what has come back.
struct Call {
    id: ConnectionId,
    sent: Vec<u8>,
    back: Vec<u8>,
    asked: bool,
    over: bool,
}

impl Call {
    fn act(&mut self, network: &mut Network, host: HostId) {
        let now = network.now();
        let tcp = network.stack(host).tcp_mut();
        if self.over || !tcp.readiness(self.id).contains(Readiness::CONNECTED) {
            return;
        }
        if !std::mem::replace(&mut self.asked, true) {
            assert_eq!(tcp.write(now, self.id, &self.sent), Ok(self.sent.len()));
            tcp.shutdown(now, self.id, Shutdown::Write).unwrap();
        }
        let mut out = [0; 500];
        loop {
            match tcp.read(now, self.id, &mut out) {
                Ok(0) => {
                    self.over = true;
                    return tcp.close(now, self.id);
                }
                Ok(count) => self.back.extend_from_slice(&out[..count]),
                Err(ReadError::WouldBlock) => return,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Sends back what comes. Returns whether the call is over.
fn echo(network: &mut Network, host: HostId, id: ConnectionId) -> bool {
    let now = network.now();
    let tcp = network.stack(host).tcp_mut();
    let mut out = [0; 700];
    loop {
        match tcp.read(now, id, &mut out) {
            Ok(0) => {
                tcp.close(now, id);
                return true;
            }
            Ok(count) => assert_eq!(tcp.write(now, id, &out[..count]), Ok(count)),
            Err(ReadError::WouldBlock) => return false,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Calls `count` times at once, and lets the server answer all of them.
fn crowd(seed: u64, impairments: Impairments, backlog: u32, count: usize) {
    let mut world = world(seed, impairments, backlog, SocketOptions::default());
    let mut calls: Vec<Call> = (0..count)
        .map(|n| {
            let sent = (0..3_000 + n).map(|byte| (byte * 7 + n) as u8).collect();
            Call {
                id: world.connect(SocketOptions::default()),
                sent,
                back: Vec::new(),
                asked: false,
                over: false,
            }
        })
        .collect();
    let (mut serving, mut end) = (Vec::new(), false);
    let limit = world.network.now() + Duration::from_secs(600);
    while !end {
        assert!(world.network.step(limit), "not all calls were answered");
        world.accept_all(&mut serving);
        serving.retain(|id| !echo(&mut world.network, world.server, *id));
        for call in &mut calls {
            call.act(&mut world.network, world.client);
        }
        end = calls.iter().all(|call| call.over);
    }
    assert!(calls.iter().all(|call| call.back == call.sent));
    world.network.run_for(Duration::from_secs(1_200));
    assert_eq!(world.population(), [(0, 0, 0); 2]);
}

#[test]
fn two_hundred_calls_at_once() {
    crowd(1, Impairments { delay: Duration::from_millis(20), ..Impairments::NONE }, 256, 200);
}

#[test]
fn more_callers_than_the_backlog_are_all_served_in_time() {
    // All SYNs are repeated at the same seven times: each time the backlog's worth is served.
    crowd(2, Impairments { delay: Duration::from_millis(20), ..Impairments::NONE }, 12, 60);
}

#[test]
fn calls_over_a_bad_cable() {
    let bad = Impairments {
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(5),
        loss: 20_000,
        duplication: 20_000,
        reordering: 30_000,
        corruption: 5_000,
        ..Impairments::NONE
    };
    for seed in 0..10 {
        crowd(seed, bad, 32, 50);
    }
}

#[test]
fn a_peer_that_vanishes_is_noticed_by_who_sends_and_by_keepalive() {
    let impairments = Impairments { delay: Duration::from_millis(20), ..Impairments::NONE };
    let mut world = world(3, impairments, 8, keepalive());
    let sender = world.connect(SocketOptions::default());
    let idle = world.connect(keepalive());
    let mut accepted = Vec::new();
    world.network.run_for(Duration::from_secs(1));
    world.accept_all(&mut accepted);
    assert_eq!(accepted.len(), 2);
    world.network.set_up(world.wire, false);
    let now = world.network.now();
    assert_eq!(world.network.stack(world.client).tcp_mut().write(now, sender, b"hello"), Ok(5));
    world.network.run_for(Duration::from_secs(3_600));
    for id in [sender, idle] {
        let failure = world.network.stack(world.client).tcp_mut().take_failure(id);
        assert_eq!(failure, Some(Failure::TimedOut));
        let now = world.network.now();
        world.network.stack(world.client).tcp_mut().close(now, id);
    }
    for id in accepted {
        let now = world.network.now();
        assert_eq!(world.network.stack(world.server).tcp_mut().take_failure(id), Some(Failure::TimedOut));
        world.network.stack(world.server).tcp_mut().close(now, id);
    }
    assert_eq!(world.population(), [(0, 0, 0); 2]);
}

#[test]
fn a_cable_mended_in_time_costs_nobody_his_connection() {
    let impairments = Impairments { delay: Duration::from_millis(20), ..Impairments::NONE };
    let mut world = world(4, impairments, 8, SocketOptions::default());
    let id = world.connect(SocketOptions::default());
    let mut accepted = Vec::new();
    world.network.run_for(Duration::from_secs(1));
    world.accept_all(&mut accepted);
    world.network.set_up(world.wire, false);
    let now = world.network.now();
    assert_eq!(world.network.stack(world.client).tcp_mut().write(now, id, &[7; 50_000]), Ok(50_000));
    world.network.run_for(Duration::from_secs(100));
    world.network.set_up(world.wire, true);
    // The time-out has grown to 100 s or so by now.
    world.network.run_for(Duration::from_secs(130));
    let (now, mut out) = (world.network.now(), vec![0; 60_000]);
    let read = world.network.stack(world.server).tcp_mut().read(now, accepted[0], &mut out);
    assert_eq!(read, Ok(50_000));
}

#[test]
fn connections_broken_off_at_any_time_leave_nothing() {
    let bad = Impairments {
        delay: Duration::from_millis(20),
        loss: 50_000,
        duplication: 20_000,
        reordering: 50_000,
        ..Impairments::NONE
    };
    for seed in 0..30 {
        let mut random = Random::new([seed; 32]);
        let mut world = world(u64::from(seed), bad, 64, keepalive());
        let mut clients: Vec<ConnectionId> = (0..40).map(|_| world.connect(keepalive())).collect();
        let mut accepted = Vec::new();
        while !clients.is_empty() {
            world.network.run_for(Duration::from_millis(u64::from(random.below(60))));
            world.accept_all(&mut accepted);
            let id = clients.swap_remove(random.below(clients.len() as u32) as usize);
            let now = world.network.now();
            let tcp = world.network.stack(world.client).tcp_mut();
            let _ = tcp.write(now, id, &vec![7; random.below(20_000) as usize]);
            if random.below(2) == 0 {
                tcp.abort(now, id);
            } else {
                tcp.close(now, id);
            }
        }
        world.network.run_for(Duration::from_secs(3_600));
        world.accept_all(&mut accepted);
        let now = world.network.now();
        for id in accepted {
            world.network.stack(world.server).tcp_mut().close(now, id);
        }
        world.network.run_for(Duration::from_secs(3_600));
        assert_eq!(world.population(), [(0, 0, 0); 2], "seed {seed}");
    }
}
