//! Two production stacks exchange data over bad cables: every byte arrives, both ends finish, and nothing is left.
//!
//! The applications act on events alone, so a wake-up that gets lost shows as a conversation that never ends.

#![allow(clippy::unwrap_used, reason = "a test that is set up wrongly is to be stopped")]

mod party;

use basis::Instant;
use netstrata_sim::network::{HostId, Impairments, Network};
use party::{Ending, Party};
use proptest::prelude::*;
use stack::StackConfig;
use std::time::Duration;
use tcp::{HostConfig, SocketOptions};

/// Virtual time after which a conversation should have ended under any of the impairments.
const LONG: Duration = Duration::from_secs(4 * 3_600);

/// One conversation.
#[derive(Clone, Debug)]
struct Case {
    seed: u64,
    impairments: Impairments,
    /// Bytes from the caller, and from the called.
    sizes: (usize, usize),
    endings: (Ending, Ending),
    buffers: (Option<u32>, Option<u32>),
    no_delay: bool,
    extensions: bool,
    selective: bool,
    /// Whether the applications pause at random.
    lazy: bool,
}

fn probability(most: u32) -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), 1..=most]
}

prop_compose! {
    fn impairments()(
        rate in prop_oneof![Just(None), (1_000_000..100_000_000u64).prop_map(Some)],
        queue in 20_000..200_000usize,
        delay in 0..80u64,
        jitter in 0..20u64,
        loss in probability(80_000),
        duplication in probability(60_000),
        reordering in probability(150_000),
        detour in 1..60u64,
        corruption in probability(20_000),
        mtu in prop_oneof![Just(1500usize), Just(576), Just(9_000), Just(65_535), 300..2_000usize],
        super_segments: bool,
    ) -> Impairments {
        let ms = Duration::from_millis;
        Impairments {
            rate, queue: queue.max(2 * mtu), delay: ms(delay), jitter: ms(jitter), loss, duplication, reordering,
            detour: ms(detour), corruption, mtu, super_segments,
        }
    }
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![Just(Ending::ShutdownAtOnce), Just(Ending::ShutdownAfterReading), Just(Ending::CloseWhenDone)]
}

prop_compose! {
    fn case()(
        seed: u64,
        impairments in impairments(),
        sizes in (0..200_000usize, 0..200_000usize),
        endings in (ending(), ending()),
        buffers in (prop::option::of(2_048..300_000u32), prop::option::of(2_048..300_000u32)),
        flags: (bool, bool, bool, bool),
    ) -> Case {
        let (no_delay, extensions, selective, lazy) = flags;
        Case { seed, impairments, sizes, endings, buffers, no_delay, extensions, selective, lazy }
    }
}

struct World {
    network: Network,
    parties: [Party; 2],
    hosts: [HostId; 2],
    end: Instant,
}

impl World {
    fn new(case: &Case) -> World {
        let mut network = Network::new(case.seed);
        network.trace_mut().limit = 0;
        let tcp = HostConfig {
            window_scaling: case.extensions,
            timestamps: case.extensions,
            selective_acknowledgments: case.selective,
            ..HostConfig::default()
        };
        let config = StackConfig { tcp, ..StackConfig::default() };
        let hosts = ["a", "b"].map(|name| network.add_host_with(name, config.clone()));
        network.cable(case.impairments, (hosts[0], "10.0.0.1/24"), (hosts[1], "10.0.0.2/24"));
        let options = SocketOptions {
            no_delay: case.no_delay,
            receive_buffer: case.buffers.0,
            send_buffer: case.buffers.1,
            ..SocketOptions::default()
        };
        let there = "10.0.0.2:80".parse().unwrap();
        network.stack(hosts[1]).tcp_listen(there, 1, options).unwrap();
        let now = network.now();
        let id = network.stack(hosts[0]).tcp_connect(now, None, there, options).unwrap();
        let (sizes, endings) = (case.sizes, case.endings);
        let parties = [
            Party::calling(id, sizes.0, sizes.1, endings.0, case.seed, case.lazy),
            Party::called(sizes.1, sizes.0, endings.1, case.seed ^ 1, case.lazy),
        ];
        World { end: now + LONG, network, parties, hosts }
    }

    /// Lets the applications act and time pass until both are done.
    fn run(&mut self) -> Result<(), String> {
        loop {
            let now = self.network.now();
            for (party, host) in self.parties.iter_mut().zip(self.hosts) {
                party.act(now, self.network.stack(host))?;
            }
            if self.parties.iter().all(Party::is_done) {
                return Ok(());
            }
            if now >= self.end {
                return Err(format!("not done after {LONG:?}: {:?}", self.parties));
            }
            let wake = self.parties.iter().filter_map(Party::wake).min().unwrap_or(self.end);
            self.network.step(wake.clamp(now, self.end));
        }
    }

    /// Once both have ended, time clears everything up.
    fn check_nothing_is_left(&mut self) -> Result<(), String> {
        self.network.run_for(Duration::from_secs(1_200));
        for host in self.hosts {
            let stack = self.network.stack(host);
            let (population, undelivered) = (stack.tcp().population(), stack.tcp().undelivered());
            if (population, undelivered) != ((0, 0, 0), 0) {
                let rest: Vec<_> = stack.tcp().connections().collect();
                return Err(format!("left over: {population:?}, {rest:?}"));
            }
        }
        Ok(())
    }
}

fn converse(case: &Case) -> Result<(), String> {
    let mut world = World::new(case);
    world.run()?;
    world.check_nothing_is_left()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_byte_arrives_and_nothing_is_left(case in case()) {
        prop_assert_eq!(converse(&case), Ok(()));
    }
}

fn clean(endings: (Ending, Ending), sizes: (usize, usize)) -> Case {
    Case {
        seed: 1,
        impairments: Impairments { delay: Duration::from_millis(5), ..Impairments::NONE },
        sizes,
        endings,
        buffers: (Some(65_536), Some(65_536)),
        no_delay: false,
        extensions: true,
        selective: true,
        lazy: false,
    }
}

#[test]
fn every_order_of_closing() {
    let endings = [Ending::ShutdownAtOnce, Ending::ShutdownAfterReading, Ending::CloseWhenDone];
    for one in endings {
        for other in endings {
            for sizes in [(0, 0), (1, 0), (0, 1), (50_000, 1), (50_000, 50_000)] {
                let case = clean((one, other), sizes);
                assert_eq!(converse(&case), Ok(()), "{case:?}");
            }
        }
    }
}

#[test]
fn a_clean_cable_sees_no_retransmission() {
    for seed in 0..20 {
        let case =
            Case { seed, ..clean((Ending::ShutdownAtOnce, Ending::ShutdownAtOnce), (1_000_000, 1_000_000)) };
        let mut world = World::new(&case);
        assert_eq!(world.run(), Ok(()));
        for host in world.hosts {
            let counters = *world.network.stack(host).tcp().counters();
            assert_eq!((counters.retransmissions, counters.timeouts), (0, 0), "seed {seed}: {counters:?}");
        }
    }
}

/// One way, 1 MB.
fn bulk(seed: u64, impairments: Impairments) -> Duration {
    let both = (Ending::ShutdownAtOnce, Ending::ShutdownAtOnce);
    let case = Case {
        seed,
        impairments,
        buffers: (Some(256 * 1024), Some(256 * 1024)),
        ..clean(both, (1_000_000, 0))
    };
    let mut world = World::new(&case);
    let begin = world.network.now();
    assert_eq!(world.run(), Ok(()), "{case:?}");
    world.network.now() - begin
}

/// The slowest of many runs over 10 Mbit/s and 20 ms there and back.
fn slowest(impairments: Impairments) -> Duration {
    let path = Impairments { rate: Some(10_000_000), delay: Duration::from_millis(10), ..impairments };
    (0..20).map(|seed| bulk(seed, path)).max().unwrap_or_default()
}

#[test]
fn losses_cost_time_but_nothing_stalls() {
    let (seconds, none) = (Duration::from_secs, Impairments::NONE);
    let clean = slowest(none);
    assert!(clean < Duration::from_millis(900), "a megabyte took {clean:?}");
    let shallow = slowest(Impairments { queue: 20_000, ..none });
    assert!(shallow < seconds(3), "with a short queue {shallow:?}");
    let lossy = slowest(Impairments { loss: 10_000, ..none });
    assert!(lossy < seconds(5), "with 1 % lost {lossy:?}");
    let bad = slowest(Impairments { loss: 50_000, ..none });
    assert!(bad < seconds(20), "with 5 % lost {bad:?}");
    let detour = Duration::from_millis(5);
    let reordered = slowest(Impairments { reordering: 20_000, detour, ..none });
    assert!(reordered < seconds(5), "with 2 % overtaken {reordered:?}");
}

/// What one host saw while it sent `size` bytes over a path of 100 Mbit/s and 20 ms there and back.
struct Outcome {
    elapsed: Duration,
    timeouts: u64,
    retransmissions: u64,
}

fn send(seed: u64, size: usize, impairments: Impairments, selective: bool) -> Outcome {
    let both = (Ending::ShutdownAtOnce, Ending::ShutdownAtOnce);
    let ms = Duration::from_millis;
    let path = Impairments { rate: Some(100_000_000), delay: ms(10), ..impairments };
    let buffers = (Some(1 << 20), Some(1 << 20));
    let case = Case { seed, impairments: path, buffers, selective, ..clean(both, (size, 0)) };
    let mut world = World::new(&case);
    let begin = world.network.now();
    assert_eq!(world.run(), Ok(()), "{case:?}");
    let elapsed = world.network.now() - begin;
    let counters = *world.network.stack(world.hosts[0]).tcp().counters();
    Outcome { elapsed, timeouts: counters.timeouts, retransmissions: counters.retransmissions }
}

/// Megabits a second, time-outs and retransmissions of twenty conversations of 4 MB one way.
fn goodput(impairments: Impairments, selective: bool) -> (f64, u64, u64) {
    let runs: Vec<Outcome> = (0..20).map(|seed| send(seed, 4_000_000, impairments, selective)).collect();
    let seconds: f64 = runs.iter().map(|run| run.elapsed.as_secs_f64()).sum();
    let timeouts = runs.iter().map(|run| run.timeouts).sum();
    let retransmissions = runs.iter().map(|run| run.retransmissions).sum();
    (20.0 * 32.0 / seconds, timeouts, retransmissions)
}

#[test]
fn segments_that_overtake_each_other_cause_no_time_out() {
    for detour in [2, 5, 20] {
        let detour = Duration::from_millis(detour);
        let impairments = Impairments { reordering: 50_000, detour, ..Impairments::NONE };
        let (rate, timeouts, _) = goodput(impairments, true);
        assert_eq!(timeouts, 0, "5 % overtaken, detours of {detour:?}");
        assert!(rate > 20.0, "5 % overtaken, detours of {detour:?}: {rate} Mbit/s");
    }
}

#[test]
fn nor_do_they_without_selective_acknowledgments() {
    for detour in [2, 5, 20] {
        let detour = Duration::from_millis(detour);
        // Nothing is lost: a time-out for many losses of one window would be right (RFC 6582 4).
        let impairments = Impairments { reordering: 50_000, detour, queue: 4_000_000, ..Impairments::NONE };
        let (rate, timeouts, _) = goodput(impairments, false);
        assert_eq!(timeouts, 0, "5 % overtaken, detours of {detour:?}");
        assert!(rate > 40.0, "5 % overtaken, detours of {detour:?}: {rate} Mbit/s");
    }
}

#[test]
fn scattered_losses_cause_no_time_out() {
    for (loss, least) in [(0, 60.0), (1_000, 40.0), (10_000, 8.0)] {
        let impairments = Impairments { loss, ..Impairments::NONE };
        let (rate, timeouts, _) = goodput(impairments, true);
        assert_eq!(timeouts, 0, "{loss} of a million lost");
        assert!(rate > least, "{loss} of a million lost: {rate} Mbit/s");
    }
}
