//! What one direction of the path does to a frame: arithmetic, without a clock.

use basis::{Instant, Random};
use std::time::Duration;

const MILLION: u32 = 1_000_000;

/// The properties of a path, the same in both directions.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Path {
    /// Bits a second.
    pub(crate) rate: u64,
    /// Round-trip time of the empty path.
    pub(crate) round_trip: Duration,
    /// Frames lost, in a million.
    pub(crate) loss: u32,
    /// Frames held back by up to half the round-trip time, in a million.
    pub(crate) reordering: u32,
}

impl Path {
    /// Bytes that wait for their turn at most: the product of bandwidth and delay, and no less than 30 frames.
    pub(crate) fn queue(&self) -> u64 {
        const LEAST: u64 = 30 * 1_514;
        let product = u128::from(self.rate) * self.round_trip.as_nanos() / 8_000_000_000;
        u64::try_from(product).unwrap_or(u64::MAX).max(LEAST)
    }
}

/// What becomes of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// It arrives then.
    Arrives(Instant),
    Lost,
    /// The queue was full.
    Dropped,
}

/// One direction.
pub(crate) struct Direction {
    path: Path,
    queue: u64,
    /// Until when the path is busy with what it has taken.
    busy_until: Instant,
    random: Random,
}

impl Direction {
    /// `direction` tells both directions of one seed apart.
    pub(crate) fn new(path: Path, seed: u64, direction: u8) -> Direction {
        let mut bytes = [direction; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Direction { path, queue: path.queue(), busy_until: Instant::ZERO, random: Random::new(bytes) }
    }

    /// A frame of `length` bytes arrives at the path. Without `impaired` it is neither lost nor held back.
    pub(crate) fn carry(&mut self, now: Instant, length: usize, impaired: bool) -> Fate {
        let begin = if self.busy_until > now { self.busy_until } else { now };
        let nanoseconds = |bytes: u64| bytes.saturating_mul(8_000_000_000) / self.path.rate.max(1);
        if (begin - now).as_nanos() as u64 + nanoseconds(length as u64) > nanoseconds(self.queue) {
            return Fate::Dropped;
        }
        self.busy_until = begin + Duration::from_nanos(nanoseconds(length as u64));
        // Each frame costs three numbers whatever becomes of it: the fates of the others stay the same.
        let (loss, late, by) =
            (self.random.below(MILLION), self.random.below(MILLION), self.random.below(MILLION));
        if impaired && loss < self.path.loss {
            return Fate::Lost;
        }
        let mut arrival = self.busy_until + self.path.round_trip / 2;
        if impaired && late < self.path.reordering {
            let most = self.path.round_trip.as_nanos() as u64 / 2;
            arrival += Duration::from_nanos(most / u64::from(MILLION) * u64::from(by));
        }
        Fate::Arrives(arrival)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: Path =
        Path { rate: 8_000_000, round_trip: Duration::from_millis(100), loss: 0, reordering: 0 };

    fn at(milliseconds: u64) -> Fate {
        Fate::Arrives(Instant::from_millis(milliseconds))
    }

    #[test]
    fn frames_leave_one_after_the_other_and_take_half_the_round_trip() {
        let mut direction = Direction::new(PATH, 1, 0);
        // A megabyte a second: 1000 bytes take a millisecond.
        assert_eq!(direction.carry(Instant::from_millis(10), 1_000, true), at(61));
        assert_eq!(direction.carry(Instant::from_millis(10), 2_000, true), at(63));
        assert_eq!(direction.carry(Instant::from_millis(50), 1_000, true), at(101));
    }

    #[test]
    fn the_queue_holds_its_bound_and_not_a_byte_more() {
        assert_eq!(PATH.queue(), 100_000);
        assert_eq!(Path { rate: 1_000, ..PATH }.queue(), 30 * 1_514);
        let mut direction = Direction::new(PATH, 1, 0);
        assert_eq!(direction.carry(Instant::ZERO, 99_000, true), at(149));
        assert_eq!(direction.carry(Instant::ZERO, 1_001, true), Fate::Dropped);
        assert_eq!(direction.carry(Instant::ZERO, 1_000, true), at(150));
        assert_eq!(direction.carry(Instant::ZERO, 1, true), Fate::Dropped);
    }

    #[test]
    fn a_seed_loses_the_same_frames_again_and_about_as_many_as_it_should() {
        let path = Path { loss: 10_000, reordering: 50_000, ..PATH };
        let fates = |seed| {
            let mut direction = Direction::new(path, seed, 0);
            (0..100_000)
                .map(|n| direction.carry(Instant::from_millis(10 * n), 1_000, true))
                .collect::<Vec<_>>()
        };
        let first = fates(7);
        assert_eq!(first, fates(7));
        assert_ne!(first, fates(8));
        let lost = first.iter().filter(|fate| **fate == Fate::Lost).count();
        assert!((900..1_100).contains(&lost), "{lost}");
        let late = |(n, fate): &(usize, &Fate)| match fate {
            Fate::Arrives(when) => (*when - Instant::from_millis(10 * *n as u64)).as_millis() - 51,
            _ => 0,
        };
        let late: Vec<u128> =
            first.iter().enumerate().map(|entry| late(&entry)).filter(|late| *late > 0).collect();
        assert!((4_600..5_100).contains(&late.len()), "{}", late.len());
        assert!(late.iter().all(|late| *late < 50) && late.iter().any(|late| *late > 48));
        let mut direction = Direction::new(Path { loss: MILLION, ..path }, 7, 0);
        assert_eq!(direction.carry(Instant::ZERO, 1_000, false), at(51), "what is not to be impaired is not");
    }
}
