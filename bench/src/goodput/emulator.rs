//! The thread that is the path: it carries frames from one TAP to the other.

use super::path::{Direction, Fate, Path};
use crate::pair::Failed;
use basis::{Frame, Instant};
use link::Link;
use link::tuntap::Device;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Frames taken from a TAP at a time.
const BATCH: usize = 64;
/// The longest sleep: how soon the end of a measurement is noticed.
const PATIENCE: Duration = Duration::from_millis(20);
/// EtherType of ARP: its frames are not impaired, since a lost one costs a second and says nothing of TCP.
const ARP: [u8; 2] = [0x08, 0x06];

/// What the path did to frames, and how well.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Carried {
    pub(crate) frames: u64,
    pub(crate) lost: u64,
    /// The queue was full.
    pub(crate) dropped: u64,
    /// How much later than they should 99 of 100 frames left the emulator at most, in microseconds.
    pub(crate) late_microseconds: u32,
}

/// A frame under way.
struct UnderWay {
    arrival: Instant,
    number: u64,
    to: usize,
    frame: Frame,
}

impl PartialEq for UnderWay {
    fn eq(&self, other: &UnderWay) -> bool {
        self.key() == other.key()
    }
}

impl Eq for UnderWay {}

impl PartialOrd for UnderWay {
    fn partial_cmp(&self, other: &UnderWay) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for UnderWay {
    fn cmp(&self, other: &UnderWay) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl UnderWay {
    fn key(&self) -> (Instant, u64) {
        (self.arrival, self.number)
    }
}

/// A path that works until it is stopped.
pub(crate) struct Emulator {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Carried, Failed>>,
}

impl Emulator {
    pub(crate) fn start(path: Path, seed: u64, taps: [Device; 2]) -> Result<Emulator, Failed> {
        let stop = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("path".into()).spawn(move || {
            // The kernel rounds sleeps up to 50 us otherwise.
            nix::sys::prctl::set_timerslack(1).map_err(Failed::refused)?;
            Carrier::new(path, seed, taps).carry(&ends)
        })?;
        Ok(Emulator { stop, thread })
    }

    /// Ends the path, and tells what it did.
    pub(crate) fn stop(self) -> Result<Carried, Failed> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|_| Err(Failed::Refused("the path's thread panicked".into())))
    }
}

struct Carrier {
    begin: std::time::Instant,
    taps: [Device; 2],
    directions: [Direction; 2],
    under_way: BinaryHeap<Reverse<UnderWay>>,
    carried: Carried,
    /// Frames by how late they were, in microseconds.
    lateness: Vec<u32>,
}

impl Carrier {
    fn new(path: Path, seed: u64, taps: [Device; 2]) -> Carrier {
        Carrier {
            begin: std::time::Instant::now(),
            taps,
            directions: [Direction::new(path, seed, 0), Direction::new(path, seed, 1)],
            under_way: BinaryHeap::new(),
            carried: Carried::default(),
            lateness: vec![0; 10_001],
        }
    }

    fn now(&self) -> Instant {
        Instant::from_nanos(self.begin.elapsed().as_nanos() as u64)
    }

    fn carry(mut self, stop: &AtomicBool) -> Result<Carried, Failed> {
        let mut arrived = VecDeque::new();
        while !stop.load(Ordering::Relaxed) {
            let mut more = false;
            for from in [0, 1] {
                more |= self.take(from, &mut arrived)?;
            }
            self.deliver()?;
            if !more {
                self.sleep()?;
            }
        }
        self.carried.late_microseconds = percentile(&self.lateness, 99);
        Ok(self.carried)
    }

    /// Takes frames from a TAP onto the path. Returns whether more may be waiting.
    fn take(&mut self, from: usize, arrived: &mut VecDeque<Frame>) -> Result<bool, Failed> {
        let more = self.taps[from].receive(Instant::ZERO, arrived, BATCH)?;
        let now = self.now();
        for frame in arrived.drain(..) {
            let impaired = frame.first().get(12..14) != Some(&ARP);
            self.carried.frames += 1;
            match self.directions[from].carry(now, frame.len(), impaired) {
                Fate::Arrives(arrival) => {
                    let number = self.carried.frames;
                    self.under_way.push(Reverse(UnderWay { arrival, number, to: 1 - from, frame }));
                }
                Fate::Lost => self.carried.lost += 1,
                Fate::Dropped => self.carried.dropped += 1,
            }
        }
        Ok(more)
    }

    /// Hands over what has arrived.
    fn deliver(&mut self) -> Result<(), Failed> {
        let mut one = VecDeque::new();
        loop {
            let now = self.now();
            let due = self.under_way.peek().is_some_and(|Reverse(first)| first.arrival <= now);
            let Some(Reverse(first)) = due.then(|| self.under_way.pop()).flatten() else { return Ok(()) };
            let late = (now - first.arrival).as_micros() as usize;
            let last = self.lateness.len() - 1;
            self.lateness[late.min(last)] += 1;
            one.push_back(first.frame);
            // A TAP takes every frame: what its end of the kernel has no room for is lost there.
            self.taps[first.to].transmit(now, &mut one)?;
        }
    }

    fn sleep(&self) -> Result<(), Failed> {
        let next = self.under_way.peek().map(|Reverse(first)| first.arrival.saturating_since(self.now()));
        let time = TimeSpec::from_duration(next.unwrap_or(PATIENCE).min(PATIENCE));
        let mut ready = self.taps.each_ref().map(|tap| PollFd::new(tap.as_fd(), PollFlags::POLLIN));
        match ppoll(&mut ready, Some(time), None) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(error) => Err(Failed::refused(error)),
        }
    }
}

/// The least value that so many percent of all do not exceed; `counts` tells how often each value occurs.
fn percentile(counts: &[u32], percent: u64) -> u32 {
    let total: u64 = counts.iter().map(|count| u64::from(*count)).sum();
    let mut seen = 0;
    let found = counts.iter().position(|count| {
        seen += u64::from(*count);
        seen * 100 >= total * percent
    });
    found.unwrap_or(0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_counted_from_below() {
        let mut counts = [0; 11];
        assert_eq!(percentile(&counts, 99), 0);
        (counts[0], counts[3], counts[10]) = (98, 1, 1);
        assert_eq!([50, 98, 99, 100].map(|percent| percentile(&counts, percent)), [0, 0, 3, 10]);
    }

    #[test]
    fn what_arrives_first_is_first_and_at_the_same_time_what_was_sent_first() {
        let frame = |arrival, number| {
            Reverse(UnderWay { arrival: Instant::from_millis(arrival), number, to: 0, frame: Frame::new() })
        };
        let mut heap = BinaryHeap::from([frame(5, 1), frame(3, 3), frame(3, 2), frame(9, 0)]);
        let order: Vec<u64> = std::iter::from_fn(|| heap.pop()).map(|Reverse(first)| first.number).collect();
        assert_eq!(order, [2, 3, 1, 0]);
    }
}
