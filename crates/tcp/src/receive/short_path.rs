//! Round trips that are too short for the clock of timestamps, which ticks once a millisecond: between two ticks more may be read than
//! ten round trips bring. They are measured by the window instead: what it did not allow at their beginning ends them.
//!
//! A window that is larger than what the path holds makes them longer: the rest of it waits in queues. So the shortest of them tells how
//! long one is, and what was read in a longer one counts by the share that the shortest is of it. Otherwise each would ask for twice the
//! window again, however little that helps.

/// A round trip of so many milliseconds is measured well enough by timestamps.
pub(super) const LONG: u32 = 4;
/// No round trip counts as shorter, in microseconds: it takes about as long to wake the threads that have to do with it, now and then.
const LEAST: u32 = 100;
/// From so many microseconds on, how threads take turns weighs little.
const TELLING: u32 = 500;
/// So many in a row that took far longer than the shortest, and the path is another one.
const FAREWELL: u8 = 32;

/// The round trips of a connection on such a path. Times are in microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShortPath {
    /// When the present one began. It comes round after 71 minutes, and a round trip that lasted so long would pass for a short one.
    began: u32,
    /// The shortest.
    shortest: u32,
    /// How many in a row took far longer, as timestamps have it.
    long: u8,
    /// Otherwise timestamps measure, for now.
    pub(super) measures: bool,
}

impl ShortPath {
    pub(super) const UNKNOWN: ShortPath =
        ShortPath { began: 0, shortest: u32::MAX, long: 0, measures: false };

    /// A round trip begins, and nothing of the time before counts.
    pub(super) fn begin(&mut self, now: u32) {
        (self.began, self.long, self.measures) = (now, 0, true);
    }

    /// A round trip is over, in which so much was read, and another one begins. It took at most `ticks` milliseconds, as timestamps have it;
    /// 0 without them. Returns what was read in a round trip of this path.
    pub(super) fn turn(&mut self, now: u32, read: u32, ticks: u32) -> u32 {
        let took = now.wrapping_sub(self.began).max(LEAST);
        self.began = now;
        self.shortest = self.shortest.min(took);
        let is_long = ticks >= LONG.saturating_add(self.shortest / 1_000 * 8);
        self.long = if is_long { self.long + 1 } else { 0 };
        self.measures = self.long < FAREWELL;
        (u64::from(read) * u64::from(self.shortest) / u64::from(took)) as u32
    }

    /// Whether none is so short that what more is read in one of them than in the one before is but chance.
    pub(super) fn tells_growth(&self) -> bool {
        self.shortest >= TELLING
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_counts_by_the_share_that_the_shortest_round_trip_is() {
        let mut path = ShortPath::UNKNOWN;
        path.begin(u32::MAX - 99);
        assert_eq!(path.turn(100, 1_000, 0), 1_000);
        assert_eq!(path.turn(500, 1_000, 0), 500);
        assert_eq!(path.turn(650, 1_000, 0), 1_000);
        assert_eq!(path.turn(1_250, u32::MAX, 0), u32::MAX / 4);
        // None counts as shorter than the least, not even one that took no time.
        assert_eq!(path.turn(1_250, 1_000, 0), 1_000);
        assert_eq!(path.turn(1_250 + 2 * LEAST, 1_000, 0), 500);
    }

    #[test]
    fn timestamps_measure_once_many_round_trips_in_a_row_were_long() {
        let (mut path, mut now) = (ShortPath::UNKNOWN, 0);
        path.begin(now);
        let mut turns = |count, ticks| {
            (0..count).fold(true, |_, _| {
                now += 2_500;
                path.turn(now, 0, ticks);
                path.measures
            })
        };
        let far = LONG + 16;
        assert!(turns(FAREWELL - 1, far) && turns(1, far - 1));
        assert!(turns(FAREWELL - 1, far) && !turns(1, far));
        // They may be mistaken: what is known of the path is kept.
        path.begin(now);
        assert!(path.measures && path.shortest == 2_500);
    }
}
