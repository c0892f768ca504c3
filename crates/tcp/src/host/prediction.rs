//! Header prediction is a short cut and nothing else: of two hosts to which the same happens, one may take it and one may not.

use super::demux::Place;
use super::tcp_host::{Host, tuple_at};
use crate::config::HostConfig;
use crate::environment::Environment;
use crate::error::Dropped;
use crate::event::ConnectionId;
use crate::segment::{FourTuple, Path, Shutdown};
use crate::settings::{Keepalive, SocketOptions};
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};
use basis::{Frame, Instant};
use core::cell::Cell;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use wire::tcp::Header;

const PATH: Path = Path { lane: 0, mtu: 1_500, link_mtu: 1_500 };
const TUPLE: FourTuple = FourTuple {
    local: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)),
    remote: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)),
    local_port: 40_000,
    remote_port: 7,
};

/// What can happen.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Step {
    Write(u16),
    Read(u16),
    PeerWrites(u16),
    PeerReads(u16),
    /// The next segment arrives, at the twins or at their peer.
    Arrive(bool),
    Lose(bool),
    /// The next segment arrives, and will arrive once more.
    Repeat(bool),
    /// The next segment goes behind all others.
    Delay(bool),
    /// So many microseconds pass.
    Wait(u32),
    Shutdown,
    PeerShutdown,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (1..200_u16).prop_map(Step::Write),
        1 => (1..20_000_u16).prop_map(Step::Write),
        4 => (1..40_000_u16).prop_map(Step::Read),
        16 => (1..200_u16).prop_map(Step::PeerWrites),
        1 => (1..20_000_u16).prop_map(Step::PeerWrites),
        4 => (1..40_000_u16).prop_map(Step::PeerReads),
        40 => any::<bool>().prop_map(Step::Arrive),
        1 => any::<bool>().prop_map(Step::Lose),
        1 => any::<bool>().prop_map(Step::Repeat),
        1 => any::<bool>().prop_map(Step::Delay),
        6 => (1..2_000_u32).prop_map(Step::Wait),
        2 => (1..300_000_u32).prop_map(Step::Wait),
    ]
}

/// Two hosts with the same seed and their peer.
struct World {
    now: Instant,
    /// The first takes the short cut.
    twins: [Host; 2],
    peer: Host,
    id: ConnectionId,
    peer_id: Option<ConnectionId>,
    /// On the way to the twins, and to their peer.
    wires: [VecDeque<Frame>; 2],
    predicted: usize,
}

impl World {
    fn new(config: HostConfig, options: SocketOptions) -> World {
        let now = Instant::from_millis(1_000);
        let mut twins = [Host::new(now, config, [1; 32]), Host::new(now, config, [1; 32])];
        let mut peer = Host::new(now, config, [2; 32]);
        let listener = peer.listen(None, TUPLE.remote_port, 1, SocketOptions::default()).unwrap();
        let [id, _] = [0, 1].map(|twin| twins[twin].connect(now, PATH, TUPLE, options).unwrap());
        let wires = [VecDeque::new(), VecDeque::new()];
        let mut world = World { now, twins, peer, id, peer_id: None, wires, predicted: 0 };
        for _ in 0..3 {
            world.send();
            (0..2).for_each(|to| world.arrive(to));
        }
        world.peer_id = world.peer.accept(listener).ok();
        world
    }

    /// Whatever is due goes onto the wires; the twins send the same.
    fn send(&mut self) {
        loop {
            let mut frames = [Frame::new(), Frame::new()];
            let [sent, same] =
                [0, 1].map(|twin| self.twins[twin].poll_transmit(self.now, 0, &mut frames[twin]).is_some());
            assert_eq!((sent, frames[0].to_vec()), (same, frames[1].to_vec()));
            if !sent {
                break;
            }
            let [frame, _] = frames;
            self.wires[1].push_back(frame);
        }
        let mut frame = Frame::new();
        while self.peer.poll_transmit(self.now, 0, &mut frame).is_some() {
            self.wires[0].push_back(core::mem::take(&mut frame));
        }
    }

    fn arrive(&mut self, to: usize) {
        let Some(mut frame) = self.wires[to].pop_front() else { return };
        frame.checksum = basis::Checksum::Verified;
        if to == 1 {
            let _ = self.peer.on_segment(self.now, || PATH, TUPLE.remote, TUPLE.local, &mut frame);
            return;
        }
        let mut same = frame.clone();
        self.predicted += usize::from(is_predicted(&self.twins[0], self.now, frame.clone()));
        let [first, second] = &mut self.twins;
        let result = first.on_segment(self.now, || PATH, TUPLE.local, TUPLE.remote, &mut frame);
        assert_eq!(result, on_any(second, self.now, &mut same));
    }

    fn happen(&mut self, step: Step) {
        let (now, id) = (self.now, self.id);
        let text = |count: u16| vec![count as u8; usize::from(count)];
        match step {
            Step::Write(count) => {
                let [first, second] = self.twins.each_mut().map(|host| host.write(now, id, &text(count)));
                assert_eq!(first, second);
            }
            Step::Read(most) => {
                let mut bytes = [text(most), text(most)];
                let [first, second] = [0, 1].map(|twin| self.twins[twin].read(now, id, &mut bytes[twin]));
                assert_eq!((first, &bytes[0]), (second, &bytes[1]));
            }
            Step::PeerWrites(count) => {
                let _ = self.peer_id.map(|id| self.peer.write(now, id, &text(count)));
            }
            Step::PeerReads(most) => {
                let _ = self.peer_id.map(|id| self.peer.read(now, id, &mut text(most)));
            }
            Step::Arrive(to_peer) => self.arrive(usize::from(to_peer)),
            Step::Lose(to_peer) => drop(self.wires[usize::from(to_peer)].pop_front()),
            Step::Repeat(to_peer) => {
                let again = self.wires[usize::from(to_peer)].front().cloned();
                self.arrive(usize::from(to_peer));
                self.wires[usize::from(to_peer)].extend(again);
            }
            Step::Delay(to_peer) => {
                let wire = &mut self.wires[usize::from(to_peer)];
                let late = wire.pop_front();
                wire.extend(late);
            }
            Step::Wait(microseconds) => {
                self.now = now + Duration::from_micros(microseconds.into());
                self.twins.iter_mut().for_each(|host| host.on_timeout(self.now));
                self.peer.on_timeout(self.now);
            }
            Step::Shutdown => {
                let [first, second] =
                    self.twins.each_mut().map(|host| host.shutdown(now, id, Shutdown::Write));
                assert_eq!(first, second);
            }
            Step::PeerShutdown => {
                let _ = self.peer_id.map(|id| self.peer.shutdown(now, id, Shutdown::Write));
            }
        }
        self.send();
        if step == Step::Arrive(false) {
            let [first, second] = self.twins.each_ref().map(state);
            assert_eq!(first, second);
        }
        let [first, second] =
            self.twins.each_mut().map(|host| core::iter::from_fn(|| host.poll_event()).collect::<Vec<_>>());
        assert_eq!(first, second);
    }
}

/// All that a segment can change.
fn state(host: &Host) -> String {
    let connections: Vec<_> = host.connections.iter().collect();
    format!(
        "{connections:?} {:?} {:?} {:?} {} {:?}",
        host.lanes,
        host.news,
        host.counters,
        host.memory.held(),
        host.poll_timeout()
    )
}

fn connection_of(host: &Host, frame: &mut Frame) -> Option<(u32, Header)> {
    let (header, length) = Header::parse(frame.first()).ok()?;
    frame.strip(length);
    match host.demux.find(&TUPLE, tuple_at!(host)) {
        Some(Place::Connection(index)) => Some((index, header)),
        _ => None,
    }
}

/// Whether the host takes the short cut for this segment.
fn is_predicted(host: &Host, now: Instant, mut frame: Frame) -> bool {
    let Some((index, header)) = connection_of(host, &mut frame) else { return false };
    let Some(connection) = host.connections.at(index) else { return false };
    let (memory, counters) = (&mut host.memory.clone(), &mut host.counters.clone());
    let (config, behind) = (&host.config, host.behind);
    let mut environment = Environment { now, memory, counters, config, early: &mut 0, behind };
    connection.clone().take_predicted(&header, &mut frame, &mut environment).is_some()
}

/// [`Host::on_segment`] without the short cut.
fn on_any(host: &mut Host, now: Instant, frame: &mut Frame) -> Result<(), Dropped> {
    let mut same = frame.clone();
    let Some((index, header)) = connection_of(host, &mut same) else {
        return host.on_segment(now, || PATH, TUPLE.local, TUPLE.remote, frame);
    };
    host.counters.segments_received += 1;
    let result = host.on_any_segment(now, index, &header, &mut same);
    if let Err(dropped) = result {
        host.counters.count(dropped);
    }
    result
}

#[test]
fn a_segment_that_is_predicted_does_what_it_would_do_anyway() {
    let predicted = Cell::new(0);
    let keepalive = Keepalive { idle: Duration::from_secs(1), interval: Duration::from_secs(1), probes: 3 };
    let hosts = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), 0..4_u8);
    let strategy = (hosts, vec(step(), 100..150), any::<bool>());
    let config = Config { cases: 40, failure_persistence: None, ..Config::default() };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let outcome = TestRunner::new_with_rng(config, random).run(
        &strategy,
        |((timestamps, selective, super_segments, no_delay, asks), steps, closes_first)| {
            let config = HostConfig { timestamps, super_segments, ..HostConfig::default() };
            let config = HostConfig { selective_acknowledgments: selective, ..config };
            let keepalive = (asks == 0).then_some(keepalive);
            let options = SocketOptions { no_delay, keepalive, ..SocketOptions::default() };
            let mut world = World::new(config, options);
            steps.into_iter().for_each(|step| world.happen(step));
            let ends = [Step::Shutdown, Step::PeerShutdown];
            world.happen(ends[usize::from(closes_first)]);
            (0..20).for_each(|n| world.happen(Step::Arrive(n % 2 == 0)));
            world.happen(ends[usize::from(!closes_first)]);
            (0..20).for_each(|n| world.happen(Step::Arrive(n % 2 == 0)));
            predicted.set(predicted.get() + world.predicted);
            Ok(())
        },
    );
    outcome.unwrap();
    assert!(predicted.get() > 200, "{} were", predicted.get());
}
