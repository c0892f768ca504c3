//! What BBR owes a path: it fills it with a short queue, survives random losses, leaves others their share, and pauses to look.

#![allow(clippy::unwrap_used, reason = "a test that is set up wrongly is to be stopped")]

use netstrata_sim::network::{HostId, Impairments, Network};
use std::time::Duration;
use tcp::congestion::{Algorithm, Stage};
use tcp::{ConnectionId, ReadError, SocketOptions, WriteError};

const MS: fn(u64) -> Duration = Duration::from_millis;
const MEGABIT: u64 = 1_000_000;
/// There and back.
const RTT: u64 = 20;

/// How a path is made: bits a second, bytes of its queue, what is lost of a million.
#[derive(Clone, Copy)]
struct Course {
    rate: u64,
    rtt: u64,
    queue: usize,
    loss: u32,
}

impl Course {
    /// 100 Mbit/s, 20 ms, and a queue of so many bandwidth-delay products.
    fn with_queue(products: f64) -> Course {
        let product = 100.0 * MEGABIT as f64 / 8.0 * RTT as f64 / 1_000.0;
        Course { rate: 100 * MEGABIT, rtt: RTT, queue: (product * products) as usize, loss: 0 }
    }
}

/// One connection, its sender on the left.
struct Ride {
    network: Network,
    hosts: [HostId; 2],
    from: ConnectionId,
    to: ConnectionId,
    arrived: u64,
    /// What is written at most, bytes a second.
    appetite: Option<u64>,
    written: u64,
    began: Duration,
    /// When each state was first seen in a row.
    stages: Vec<(Duration, Stage)>,
    /// Smoothed round trips, looked at each millisecond since this was last cleared: their sum, and how many.
    round_trips: (Duration, u32),
}

impl Ride {
    fn new(course: Course, algorithm: Algorithm, seed: u64) -> Ride {
        let options = SocketOptions { congestion: Some(algorithm), ..SocketOptions::default() };
        let mut network = Network::new(seed);
        network.trace_mut().limit = 0;
        let path = Impairments {
            rate: Some(course.rate),
            queue: course.queue.max(2 * 1514),
            delay: Duration::from_micros(course.rtt * 500),
            loss: course.loss,
            super_segments: false,
            ..Impairments::NONE
        };
        let mut config = stack::StackConfig::default();
        config.tcp.send_buffer.most = 32 << 20;
        config.tcp.receive_buffer.most = 32 << 20;
        let hosts = ["one", "other"].map(|name| network.add_host_with(name, config.clone()));
        network.cable(path, (hosts[0], "10.0.0.1/24"), (hosts[1], "10.0.0.2/24"));
        let address = "10.0.0.2:80".parse().unwrap();
        let (listener, _) = network.stack(hosts[1]).tcp_listen(address, 8, options).unwrap();
        let now = network.now();
        let from = network.stack(hosts[0]).tcp_connect(now, None, address, options).unwrap();
        let to = loop {
            network.run_for(MS(1));
            if let Ok(to) = network.stack(hosts[1]).tcp_mut().accept(listener) {
                break to;
            }
        };
        let began = network.now() - basis::Instant::ZERO;
        Ride {
            network,
            hosts,
            from,
            to,
            arrived: 0,
            appetite: None,
            written: 0,
            began,
            stages: Vec::new(),
            round_trips: (Duration::ZERO, 0),
        }
    }

    fn elapsed(&self) -> Duration {
        (self.network.now() - basis::Instant::ZERO) - self.began
    }

    /// Writes and reads for so long. Returns Mbit/s.
    fn go(&mut self, time: Duration) -> f64 {
        let (end, before) = (self.network.now() + time, self.arrived);
        let (data, mut out) = (vec![7; 1 << 18], vec![0; 1 << 20]);
        let (begin, before_written) = (self.network.now(), self.written);
        while self.network.now() < end {
            let now = self.network.now();
            let allowed = self
                .appetite
                .map_or(u64::MAX, |appetite| (appetite as f64 * (now - begin).as_secs_f64()) as u64);
            loop {
                let most =
                    allowed.saturating_sub(self.written - before_written).min(data.len() as u64) as usize;
                match self.network.stack(self.hosts[0]).tcp_mut().write(now, self.from, &data[..most]) {
                    Ok(0) => break,
                    Ok(count) => self.written += count as u64,
                    Err(WriteError::WouldBlock) => break,
                    Err(error) => panic!("write: {error}"),
                }
            }
            loop {
                match self.network.stack(self.hosts[1]).tcp_mut().read(now, self.to, &mut out) {
                    Ok(count) => self.arrived += count as u64,
                    Err(ReadError::WouldBlock) => break,
                    Err(error) => panic!("read: {error}"),
                }
            }
            self.network.run_for(MS(1));
            self.look();
        }
        (self.arrived - before) as f64 * 8.0 / 1e6 / time.as_secs_f64()
    }

    fn look(&mut self) {
        let host = self.network.stack(self.hosts[0]).tcp();
        let info = host.info(self.from).unwrap();
        self.round_trips = (self.round_trips.0 + info.smoothed_rtt, self.round_trips.1 + 1);
        let stage = host.inspect().find(|one| one.id == Some(self.from)).and_then(|one| one.stage);
        if let Some(stage) = stage
            && self.stages.last().is_none_or(|(_, last)| *last != stage)
        {
            let elapsed = self.elapsed();
            self.stages.push((elapsed, stage));
        }
    }

    fn info(&mut self) -> tcp::Info {
        self.network.stack(self.hosts[0]).tcp().info(self.from).unwrap()
    }

    fn counters(&mut self) -> tcp::Counters {
        *self.network.stack(self.hosts[0]).tcp().counters()
    }

    /// When a state began, each time.
    fn times_of(&self, stage: Stage) -> Vec<Duration> {
        self.stages.iter().filter(|(_, name)| *name == stage).map(|(at, _)| *at).collect()
    }
}

/// Whatever the queue holds, a tenth of the product or four times as much, it is used, and a deep one is not filled.
#[test]
fn it_fills_a_path_with_a_queue_of_any_depth_and_keeps_a_deep_one_short() {
    for (queue, least) in [(0.1, 84.0), (0.25, 90.0), (1.0, 91.0), (4.0, 91.0)] {
        for seed in 1..3 {
            let mut ride = Ride::new(Course::with_queue(queue), Algorithm::Bbr, seed);
            ride.go(MS(1_000));
            ride.round_trips = (Duration::ZERO, 0);
            let rate = ride.go(MS(9_000));
            let what = format!("queue {queue}, seed {seed}");
            assert!(rate > least, "{what}: {rate} Mbit/s");
            let average = ride.round_trips.0 / ride.round_trips.1;
            assert!(average < MS(24), "{what}: round trips of {average:?}");
            assert_eq!(ride.counters().timeouts, 0, "{what}");
        }
    }
    let mut ride = Ride::new(Course::with_queue(4.0), Algorithm::Cubic, 1);
    ride.go(MS(10_000));
    assert!(ride.round_trips.0 / ride.round_trips.1 > MS(40), "another control fills that queue");
}

/// Losses that are not for want of room cost it little more than what is sent again.
#[test]
fn random_losses_cost_it_far_less_than_others() {
    for (loss, least) in [(1_000, 85.0), (10_000, 65.0)] {
        for seed in 1..4 {
            let ride = |algorithm| Ride::new(Course { loss, ..Course::with_queue(1.0) }, algorithm, seed);
            let (mut ours, mut other) = (ride(Algorithm::Bbr), ride(Algorithm::Cubic));
            let (rate, cubic) = (ours.go(MS(10_000)), other.go(MS(10_000)));
            let what = format!("{loss} of a million lost, seed {seed}: {rate} and {cubic} Mbit/s");
            assert!(rate > least && rate > 2.0 * cubic, "{what}");
            assert_eq!(ours.counters().timeouts, 0, "{what}");
        }
    }
}

/// 5.3.1: the window doubles each round from ten segments to 172, the path's, and three rounds more tell that it is full; in those a
/// queue makes round trips twice as long.
#[test]
fn startup_takes_the_rounds_that_it_needs_and_finds_the_bandwidth() {
    let mut ride = Ride::new(Course::with_queue(4.0), Algorithm::Bbr, 1);
    ride.go(MS(600));
    let left = ride.stages[1].0;
    assert_eq!(ride.stages[0].1, Stage::Startup);
    assert!((MS(8 * RTT)..=MS(16 * RTT)).contains(&left), "{:?}", ride.stages);
    let rate = ride.info().pacing_rate.unwrap();
    let path = 100 * MEGABIT / 8 * 1_448 / 1_514;
    assert!((path * 97 / 100..=path * 102 / 100).contains(&rate), "{rate} of {path}");
    assert_eq!(ride.counters().retransmissions, 0);
}

/// 5.3.4: once in five seconds, for a fifth of one.
#[test]
fn it_pauses_every_five_seconds() {
    let mut ride = Ride::new(Course::with_queue(1.0), Algorithm::Bbr, 1);
    ride.go(MS(22_000));
    let pauses = ride.times_of(Stage::ProbeRtt);
    assert_eq!(pauses.len(), 4, "{pauses:?}");
    for pair in pauses.windows(2) {
        let between = pair[1] - pair[0];
        assert!((MS(5_000)..MS(5_400)).contains(&between), "{pauses:?}");
    }
    for at in pauses {
        let end = ride.stages.iter().find(|(time, _)| *time > at).unwrap().0;
        assert!((MS(200)..MS(300)).contains(&(end - at)), "{at:?} to {end:?}");
    }
}

/// 4.1.1.3: what an application writes slowly tells nothing of the path.
#[test]
fn a_slow_application_neither_ends_startup_nor_slows_down_what_comes_after_it() {
    let mut ride = Ride::new(Course::with_queue(1.0), Algorithm::Bbr, 1);
    ride.appetite = Some(500_000);
    ride.go(MS(4_000));
    assert_eq!(ride.stages.len(), 1, "{:?}", ride.stages);
    ride.appetite = None;
    let rate = ride.go(MS(2_000));
    assert!(rate > 80.0, "{rate} Mbit/s after a slow beginning");
    let known = ride.info().pacing_rate.unwrap();
    ride.appetite = Some(500_000);
    ride.go(MS(12_000));
    let after = ride.info().pacing_rate.unwrap();
    assert!((known / 100 * 85..=known / 100 * 130).contains(&after), "{known}, then {after}");
    assert!(ride.info().delivery_rate_starved);
    ride.appetite = None;
    let rate = ride.go(MS(1_000));
    assert!(rate > 80.0, "{rate} Mbit/s after twelve slow seconds");
}

/// 5.4: a silence is no reason to begin anew, and as good as a pause.
#[test]
fn it_goes_on_after_a_silence_where_it_was() {
    let mut ride = Ride::new(Course::with_queue(0.5), Algorithm::Bbr, 1);
    ride.go(MS(3_000));
    ride.appetite = Some(0);
    ride.go(MS(8_000));
    let (seen, repeated) = (ride.stages.len(), ride.counters().retransmissions);
    ride.appetite = None;
    let rate = ride.go(MS(500));
    assert!(rate > 80.0, "{rate} Mbit/s");
    assert!(ride.stages[seen..].iter().all(|(_, stage)| *stage != Stage::ProbeRtt), "{:?}", ride.stages);
    assert!(ride.counters().retransmissions - repeated < 20);
}

/// A path that holds less than a segment: four of them may be under way, at the path's rate.
#[test]
fn a_path_that_holds_less_than_a_segment_is_used_all_the_same() {
    let course = Course { rate: 256_000, queue: 60_000, ..Course::with_queue(1.0) };
    let mut ride = Ride::new(course, Algorithm::Bbr, 1);
    let rate = ride.go(MS(30_000));
    assert!(rate > 0.2, "{rate} Mbit/s");
    assert_eq!(ride.counters().timeouts, 0);
}
