//! Two hosts, a wire each way, and two applications with a script each. Nothing moves by itself: whoever explores chooses what
//! happens next.

use crate::config::HostConfig;
use crate::event::{ConnectionId, ListenerId, Readiness};
use crate::host::Host;
use crate::segment::{FourTuple, Path, Shutdown};
use crate::settings::SocketOptions;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use basis::{Frame, Instant};
use core::fmt::Write;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

const ADDRESSES: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(10, 7, 0, 2)), IpAddr::V4(Ipv4Addr::new(10, 7, 0, 3))];
const PORTS: [u16; 2] = [40_000, 9_528];
const PATH: Path = Path { lane: 0, mtu: 1_500, link_mtu: 1_500 };
/// Neither a packet nor an application is slower than this: TIME-WAIT and FIN-WAIT-2 count on it.
const PATIENCE: Duration = Duration::from_secs(20);

/// What an application does next. It reads whatever there is at any time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    Write(usize),
    /// Says that it writes no more.
    Finish,
    /// Waits until it has read to the end.
    AwaitEnd,
    Close,
}

/// What can happen next. The last four are faults.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Action {
    /// The application of this side takes its next step.
    Act(usize),
    /// The next segment for this side arrives.
    Arrive(usize),
    /// Nothing else can happen before the next timer expires.
    Expire,
    Lose(usize),
    /// The next segment arrives, and once more behind all others.
    Repeat(usize),
    /// The next but one arrives first.
    Overtake(usize),
    /// A timer expires although something is under way.
    Hurry,
}

impl Action {
    pub(super) fn is_fault(self) -> bool {
        matches!(self, Action::Lose(_) | Action::Repeat(_) | Action::Overtake(_) | Action::Hurry)
    }
}

/// How a conversation goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene {
    pub(super) name: &'static str,
    /// Both call each other; else the first calls the second.
    pub(super) both_call: bool,
    pub(super) scripts: [&'static [Step]; 2],
}

#[derive(Clone)]
struct Side {
    host: Host,
    listener: Option<ListenerId>,
    id: Option<ConnectionId>,
    /// Steps taken.
    taken: usize,
    written: usize,
    read: usize,
    ended: bool,
}

#[derive(Clone)]
pub(super) struct World {
    scene: Scene,
    now: Instant,
    sides: [Side; 2],
    /// What is on its way to each side.
    wires: [VecDeque<Frame>; 2],
    pub(super) faults_left: u8,
}

fn byte(side: usize, place: usize) -> u8 {
    (place % 251) as u8 ^ (side as u8) << 7
}

impl World {
    pub(super) fn new(scene: Scene, faults: u8) -> World {
        let now = Instant::from_millis(1_000);
        // A clock on every segment would make all moments different.
        let config = HostConfig { timestamps: false, super_segments: false, ..HostConfig::default() };
        let side = |number: u8| Side {
            host: Host::new(now, config, [number + 1; 32]),
            listener: None,
            id: None,
            taken: 0,
            written: 0,
            read: 0,
            ended: false,
        };
        let mut world = World {
            scene,
            now,
            sides: [side(0), side(1)],
            wires: [VecDeque::new(), VecDeque::new()],
            faults_left: faults,
        };
        for from in 0..if scene.both_call { 2 } else { 1 } {
            let to = 1 - from;
            let tuple = FourTuple {
                local: ADDRESSES[from],
                remote: ADDRESSES[to],
                local_port: PORTS[from],
                remote_port: PORTS[to],
            };
            let called = world.sides[from].host.connect(now, PATH, tuple, SocketOptions::default());
            world.sides[from].id = Some(called.unwrap());
        }
        if !scene.both_call {
            let side = &mut world.sides[1];
            side.listener = Some(side.host.listen(None, PORTS[1], 1, SocketOptions::default()).unwrap());
        }
        world.settle();
        world
    }

    // ---- what can happen ----

    pub(super) fn actions(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        for side in 0..2 {
            actions.extend(self.can_act(side).then_some(Action::Act(side)));
            actions.extend((!self.wires[side].is_empty()).then_some(Action::Arrive(side)));
        }
        let next = self.next_deadline();
        if actions.is_empty() && next.is_some() {
            return [Action::Expire].to_vec();
        }
        if self.faults_left == 0 {
            return actions;
        }
        for side in 0..2 {
            if !self.wires[side].is_empty() {
                actions.extend([Action::Lose(side), Action::Repeat(side)]);
            }
            if self.wires[side].len() > 1 {
                actions.push(Action::Overtake(side));
            }
        }
        if !actions.is_empty() && next.is_some_and(|next| next.saturating_since(self.now) < PATIENCE) {
            actions.push(Action::Hurry);
        }
        actions
    }

    fn can_act(&self, number: usize) -> bool {
        let side = &self.sides[number];
        let Some(step) = self.scene.scripts[number].get(side.taken) else { return false };
        let Some(id) = side.id else { return false };
        let ready = side.host.readiness(id);
        match step {
            Step::Write(_) => ready.contains(Readiness::WRITABLE),
            Step::Finish => ready.contains(Readiness::CONNECTED),
            Step::AwaitEnd => side.ended,
            Step::Close => true,
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.sides.iter().filter_map(|side| side.host.poll_timeout()).min()
    }

    pub(super) fn happen(&mut self, action: Action) {
        self.faults_left -= u8::from(action.is_fault());
        match action {
            Action::Act(side) => self.act(side),
            Action::Arrive(side) => self.arrive(side, 0),
            Action::Overtake(side) => self.arrive(side, 1),
            Action::Lose(side) => drop(self.wires[side].pop_front()),
            Action::Repeat(side) => {
                let again = self.wires[side].front().cloned();
                self.arrive(side, 0);
                // What the arrival itself brought about comes behind it, in the other direction.
                self.wires[side].extend(again);
            }
            Action::Expire | Action::Hurry => {
                self.now = self.now.max(self.next_deadline().unwrap_or(self.now));
                for side in &mut self.sides {
                    side.host.on_timeout(self.now);
                    let next = side.host.poll_timeout();
                    assert!(next.is_none_or(|next| next > self.now), "a timer that is over stays armed");
                }
            }
        }
        self.settle();
    }

    fn arrive(&mut self, to: usize, index: usize) {
        if let Some(mut frame) = self.wires[to].remove(index) {
            let (local, remote) = (ADDRESSES[to], ADDRESSES[1 - to]);
            let _ = self.sides[to].host.on_segment(self.now, || PATH, local, remote, &mut frame);
        }
    }

    fn act(&mut self, number: usize) {
        let (now, step) = (self.now, self.scene.scripts[number][self.sides[number].taken]);
        let side = &mut self.sides[number];
        let id = side.id.unwrap();
        match step {
            Step::Write(length) => {
                let data: Vec<u8> =
                    (side.written..side.written + length).map(|place| byte(number, place)).collect();
                assert_eq!(side.host.write(now, id, &data), Ok(length));
                side.written += length;
            }
            Step::Finish => side.host.shutdown(now, id, Shutdown::Write).unwrap(),
            Step::AwaitEnd => {}
            Step::Close => side.host.close(now, id),
        }
        side.taken += 1;
    }

    /// What happens at once: calls are accepted, whatever arrived is read, whatever is due leaves.
    fn settle(&mut self) {
        for number in 0..2 {
            let side = &mut self.sides[number];
            if let (None, Some(listener)) = (side.id, side.listener) {
                side.id = side.host.accept(listener).ok();
            }
            self.read(number);
            let side = &mut self.sides[number];
            while side.host.poll_event().is_some() {}
            let mut frame = Frame::new();
            while side.host.poll_transmit(self.now, 0, &mut frame).is_some() {
                self.wires[1 - number].push_back(core::mem::take(&mut frame));
            }
            assert!(!side.host.has_transmit(0), "work is due, but nothing comes");
        }
    }

    fn read(&mut self, number: usize) {
        let side = &mut self.sides[number];
        let Some(id) = side.id else { return };
        assert_eq!(side.host.take_failure(id), None, "a failure that nothing explains");
        if side.ended {
            return;
        }
        let mut out = [0; 4_096];
        while let Ok(count) = side.host.read(self.now, id, &mut out) {
            for (offset, read) in out[..count].iter().enumerate() {
                assert_eq!(*read, byte(1 - number, side.read + offset), "a byte out of place");
            }
            side.read += count;
            if count == 0 {
                side.ended = true;
                break;
            }
        }
        let (read, ended) = (self.sides[number].read, self.sides[number].ended);
        let written = self.sides[1 - number].written;
        assert!(read <= written, "bytes that nobody wrote");
        assert!(!ended || read == written, "the end before all bytes");
    }

    // ---- what must hold, and what tells one moment from another ----

    /// Nothing can happen any more: all must be done then, and nothing left.
    pub(super) fn check_end(&self) {
        for (number, side) in self.sides.iter().enumerate() {
            assert_eq!(side.taken, self.scene.scripts[number].len(), "side {number} waits for ever");
            assert_eq!(side.read, self.sides[1 - number].written, "side {number} misses bytes");
            assert!(side.ended, "side {number} has not come to the end");
            assert_eq!(side.host.population(), (0, 0, 0), "connections that never end");
            assert_eq!(side.host.buffered(), 0, "memory that nobody uses");
        }
    }

    /// All that decides what can still happen, with every moment told by its distance from now.
    pub(super) fn describe(&self, text: &mut String) {
        text.clear();
        let mut put = |arguments: core::fmt::Arguments<'_>| text.write_fmt(arguments).unwrap();
        for (side, wire) in self.sides.iter().zip(&self.wires) {
            let host = &side.host;
            put(format_args!("{:?} {} {} {} {}", side.id, side.taken, side.written, side.read, side.ended));
            for (key, connection) in host.connections.iter() {
                put(format_args!("{key:?} {connection:?}"));
            }
            put(format_args!("{:?} {:?} {:?}", host.half_open, host.time_wait, host.poll_timeout()));
            for (key, listener) in host.listeners.iter() {
                put(format_args!("{key:?} {listener:?}"));
            }
            for frame in wire {
                put(format_args!("{:?}", frame.parts()));
            }
        }
        put(format_args!("{}", self.faults_left));
        *text = relative(text, self.now);
    }
}

/// The text with all instants (`1.000000000s`) as distances from `now`.
fn relative(text: &str, now: Instant) -> String {
    const DIGITS: usize = 9;
    let bytes = text.as_bytes();
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for point in text.match_indices('.').map(|(at, _)| at) {
        let fraction = bytes.get(point + 1..point + 1 + DIGITS);
        let all = fraction.is_some_and(|digits| digits.iter().all(u8::is_ascii_digit));
        if !all || bytes.get(point + 1 + DIGITS) != Some(&b's') {
            continue;
        }
        let whole = bytes[done..point].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let number: String = [&text[point - whole..point], &text[point + 1..point + 1 + DIGITS]].concat();
        let distance = number.parse::<i128>().unwrap_or(0) - i128::from(now.as_nanos());
        out.push_str(&text[done..point - whole]);
        write!(out, "{distance}").unwrap();
        done = point + 1 + DIGITS;
    }
    out.push_str(&text[done..]);
    out
}

#[test]
fn moments_are_told_by_their_distance() {
    let text = "a: 1.500000000s, b: never, c: 2.000000001s, d: 1.5s, e: 10.7.0.2";
    let now = Instant::from_nanos(1_000_000_000);
    assert_eq!(relative(text, now), "a: 500000000s, b: never, c: 1000000001s, d: 1.5s, e: 10.7.0.2");
}
