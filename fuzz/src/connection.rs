//! Two hosts of ours, and between them a wire and applications that do what the fuzzer's bytes say: losses, repetitions,
//! reordering, time, and every verb. What one writes is what the other reads, memory stays in its bounds, and all of it ends.

mod applications;
mod cable;
mod world;

use crate::input::Input;
use cable::MOST_FLIGHTS;
use core::time::Duration;
use tcp::Shutdown;
use world::World;

/// Steps after which whatever is left over must have ended.
const MOST_STEPS: usize = 20_000;

/// Plays what the bytes say, and then lets everything come to its end.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut world = World::new(&mut input);
    while !input.is_empty() {
        world.step(&mut input);
        world.check();
    }
    world.deliver_all();
    world.end();
}

impl World {
    fn step(&mut self, input: &mut Input<'_>) {
        let code = input.byte();
        let at = usize::from(code >> 7);
        match code & 31 {
            0..=4 => self.transmit(at, 1 + input.below(8)),
            5..=9 => self.deliver(at, usize::from(input.byte() & 3), false),
            10 => self.deliver(at, input.below(MOST_FLIGHTS), false),
            11 => self.deliver(at, input.below(MOST_FLIGHTS), true),
            12 => self.lose(at, input.below(MOST_FLIGHTS)),
            13 => self.wires[at].iter_mut().for_each(|frame| frame.ecn = mark(frame.ecn)),
            14..=16 => self.write(at, input.word(), input.byte()),
            17..=19 => self.read(at, usize::from(input.word() % 20_000)),
            20 => self.pass(Duration::from_millis(u64::from(input.byte()))),
            21 => self.pass(Duration::from_millis(u64::from(input.word()) * 8)),
            22..=23 => drop(self.next_deadline()),
            24 => self.shutdown(at, Shutdown::Write),
            25 => self.rare(at, input),
            26 => self.accept(at),
            27 => self.set(at, input),
            _ => self.exchange(),
        }
    }

    /// What ends things is rare, or nothing would ever be under way.
    fn rare(&mut self, at: usize, input: &mut Input<'_>) {
        match input.byte() {
            0..=40 => self.shutdown(at, Shutdown::Read),
            41..=80 => self.close(at),
            81..=90 => self.abort(at),
            91..=130 => self.icmp(at, input),
            131..=150 => self.wires[at].clear(),
            _ => return,
        }
        self.hardship = true;
    }

    /// All that is due leaves and arrives, once each way.
    fn exchange(&mut self) {
        self.waited = Duration::ZERO;
        for at in 0..2 {
            self.transmit(at, MOST_FLIGHTS);
        }
        for at in 0..2 {
            while !self.wires[at].is_empty() {
                self.deliver(at, 0, false);
            }
            self.accept(at);
        }
    }

    // ---- what must hold ----

    fn check(&self) {
        for side in &self.sides {
            // Both buffers at their largest, what a last segment may go beyond, and each connection's own share.
            assert!(side.host.buffered() <= self.bound + (256 << 10), "{} bytes held", side.host.buffered());
            let (connections, half_open, time_wait) = side.host.population();
            assert!(connections + half_open + time_wait <= 2);
        }
    }

    /// From here on nothing is lost, both say what they have to say and read until the end.
    fn deliver_all(&mut self) {
        for _ in 0..MOST_STEPS {
            for at in 0..2 {
                self.accept(at);
                if !self.sides[at].finished {
                    self.shutdown(at, Shutdown::Write);
                }
                while self.sides[at].id.is_some() && !self.sides[at].closed {
                    let before = self.sides[at].read;
                    self.read(at, 4_096);
                    if self.sides[at].read == before {
                        break;
                    }
                }
            }
            if self.is_quiet() && (self.all_is_said() || !self.next_deadline()) {
                break;
            }
            self.now += Duration::from_millis(1);
            self.expire();
            self.exchange();
            self.check();
        }
        if self.is_peaceful() {
            for at in 0..2 {
                let (side, peer) = (&self.sides[at], &self.sides[1 - at]);
                assert!(side.id.is_some(), "side {at} never connected");
                assert!(
                    side.deaf || side.read == peer.written,
                    "side {at} read {} of {}",
                    side.read,
                    peer.written
                );
                assert!(side.deaf || side.ended, "side {at} never came to the end");
            }
        }
    }

    fn is_quiet(&mut self) -> bool {
        self.wires.iter().all(Vec::is_empty) && self.sides.iter().all(|side| !side.host.has_transmit(0))
    }

    fn all_is_said(&self) -> bool {
        self.sides.iter().all(|side| side.ended || side.failure.is_some() || side.closed)
    }

    /// Nobody failed and nobody was rude. Without hardship nobody has a reason to.
    fn is_peaceful(&mut self) -> bool {
        for side in &mut self.sides {
            if let Some(id) = side.id.filter(|_| !side.closed) {
                side.failure = side.failure.or(side.host.take_failure(id));
            }
        }
        let failed = self.sides.iter().any(|side| side.failure.is_some());
        let rude = self.sides.iter().any(|side| side.rude);
        assert!(!failed || rude || self.hardship, "a failure without cause: {:?}", self.sides[0].failure);
        // A listener's side that never learnt of the connection is not at peace.
        !failed && !rude && self.sides.iter().all(|side| side.id.is_some())
    }

    /// Both let go. Nothing is left after a while: no connection, no timer, no memory.
    fn end(&mut self) {
        for at in 0..2 {
            self.close(at);
            let side = &mut self.sides[at];
            if let Some(listener) = side.listener.take() {
                side.host.close_listener(self.now, listener);
            }
        }
        for _ in 0..MOST_STEPS {
            self.exchange();
            if self.is_quiet() && !self.next_deadline() {
                break;
            }
        }
        for side in &self.sides {
            assert_eq!(side.host.population(), (0, 0, 0), "connections that never end");
            assert_eq!(side.host.poll_timeout(), None, "a timer that nobody waits for");
            assert_eq!(side.host.buffered(), 0, "memory that nobody uses");
        }
    }
}

fn mark(ecn: basis::Ecn) -> basis::Ecn {
    if ecn == basis::Ecn::NotCapable { ecn } else { basis::Ecn::Experienced }
}
