//! Two callers behind one bottleneck: after half a minute neither has more than twice as much of it as the other.

#![allow(clippy::unwrap_used, reason = "a test that is set up wrongly is to be stopped")]

use netstrata_sim::network::{HostId, Impairments, Network};
use std::time::Duration;
use tcp::congestion::Algorithm;
use tcp::{ConnectionId, ReadError, SocketOptions, WriteError};

const MS: fn(u64) -> Duration = Duration::from_millis;
/// Bits a second that the bottleneck carries.
const RATE: u64 = 10_000_000;

struct Dumbbell {
    network: Network,
    callers: [HostId; 2],
    called: HostId,
    listener: tcp::ListenerId,
}

/// Two hosts, each with a cable of its own to a router, and a bottleneck behind it with a queue of one round trip of 40 ms.
fn dumbbell(seed: u64) -> Dumbbell {
    let mut network = Network::new(seed);
    network.trace_mut().limit = 0;
    let callers = ["one", "two"].map(|name| network.add_host(name));
    let router = network.add_router("router");
    let called = network.add_host("called");
    let near = Impairments { delay: MS(5), super_segments: false, ..Impairments::NONE };
    let far = Impairments { delay: MS(15), rate: Some(RATE), queue: 50_000, ..near };
    for (n, caller) in callers.into_iter().enumerate() {
        let (own, gate) = (format!("10.{n}.0.1/24"), format!("10.{n}.0.254/24"));
        network.ethernet(near, (caller, &own), (router, &gate));
        network.add_route(caller, "0.0.0.0/0", &format!("10.{n}.0.254"));
    }
    network.ethernet(far, (router, "10.9.0.254/24"), (called, "10.9.0.1/24"));
    network.add_route(called, "0.0.0.0/0", "10.9.0.254");
    let address = "10.9.0.1:80".parse().unwrap();
    let (listener, _) = network.stack(called).tcp_listen(address, 8, SocketOptions::default()).unwrap();
    Dumbbell { network, callers, called, listener }
}

impl Dumbbell {
    /// A caller connects, with a control of its own.
    fn call(&mut self, n: usize, algorithm: Algorithm) -> (ConnectionId, ConnectionId) {
        let now = self.network.now();
        let options = SocketOptions { congestion: Some(algorithm), ..SocketOptions::default() };
        let address = "10.9.0.1:80".parse().unwrap();
        let id = self.network.stack(self.callers[n]).tcp_connect(now, None, address, options).unwrap();
        for _ in 0..100 {
            self.network.run_for(MS(50));
            if let Ok(answered) = self.network.stack(self.called).tcp_mut().accept(self.listener) {
                return (id, answered);
            }
        }
        panic!("nobody has called");
    }

    /// All talk as much as they can for so long. Returns what arrived of each.
    fn talk(&mut self, calls: &[(ConnectionId, ConnectionId)], time: Duration) -> Vec<u64> {
        let end = self.network.now() + time;
        let mut arrived = vec![0; calls.len()];
        let (data, mut out) = (vec![7; 65_536], vec![0; 65_536]);
        while self.network.now() < end {
            let now = self.network.now();
            for (n, (calling, answered)) in calls.iter().enumerate() {
                loop {
                    match self.network.stack(self.callers[n]).tcp_mut().write(now, *calling, &data) {
                        Ok(_) => {}
                        Err(WriteError::WouldBlock) => break,
                        Err(error) => panic!("write: {error}"),
                    }
                }
                loop {
                    match self.network.stack(self.called).tcp_mut().read(now, *answered, &mut out) {
                        Ok(count) => arrived[n] += count as u64,
                        Err(ReadError::WouldBlock) => break,
                        Err(error) => panic!("read: {error}"),
                    }
                }
            }
            self.network.run_for(MS(5));
        }
        arrived
    }
}

/// The second begins when the first has had the bottleneck to itself for three seconds.
fn share(first: Algorithm, second: Algorithm, seed: u64) -> Vec<u64> {
    let mut dumbbell = dumbbell(seed);
    let one = dumbbell.call(0, first);
    dumbbell.talk(&[one], MS(3_000));
    let two = dumbbell.call(1, second);
    let calls = [one, two];
    dumbbell.talk(&calls, MS(30_000));
    dumbbell.talk(&calls, MS(30_000))
}

fn assert_fair(shares: &[u64], what: &str) {
    let (least, most) = (shares[0].min(shares[1]), shares[0].max(shares[1]));
    assert!(most <= 2 * least, "{what}: {shares:?}");
    let used = (least + most) * 8 / 30;
    assert!(used >= RATE * 8 / 10, "{what}: {used} of {RATE} bits a second were used");
}

#[test]
fn two_of_each_control_share_a_bottleneck() {
    for algorithm in Algorithm::ALL {
        for seed in 1..4 {
            assert_fair(&share(algorithm, algorithm, seed), &format!("two of {algorithm}, seed {seed}"));
        }
    }
}

/// RFC 9438 4.3: on a short path CUBIC takes no more than NewReno would leave it.
#[test]
fn cubic_and_new_reno_live_together() {
    for (first, second) in [(Algorithm::Cubic, Algorithm::NewReno), (Algorithm::NewReno, Algorithm::Cubic)] {
        let shares = share(first, second, 5);
        let (least, most) = (shares[0].min(shares[1]), shares[0].max(shares[1]));
        assert!(most <= 4 * least, "{first} {second}: {shares:?}");
    }
}

/// Neither starves beside the other, whoever was first (draft-ietf-ccwg-bbr 5.3.3.5).
#[test]
fn bbr_and_cubic_live_together() {
    for (first, second) in [(Algorithm::Cubic, Algorithm::Bbr), (Algorithm::Bbr, Algorithm::Cubic)] {
        for seed in 1..4 {
            let shares = share(first, second, seed);
            let (least, most) = (shares[0].min(shares[1]), shares[0].max(shares[1]));
            assert!(most <= 6 * least, "{first} {second}: {shares:?}");
        }
    }
}
