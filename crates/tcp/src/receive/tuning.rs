//! How large a receive buffer needs to be: as large as what the application takes out in two round trips, and while that grows as
//! much more as keeps a sender whose window doubles from waiting for this one.

use wire::tcp::Seq;

/// What was read in the present round trip, and in the one before. All sizes are bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tuning {
    /// Read since the round trip began.
    pub(super) copied: u32,
    /// Read in the round trip before.
    before: u32,
    /// What ends the round trip: a later timestamp that is echoed, or by the window a later number than could be sent at its beginning.
    pub(super) mark: u32,
}

impl Tuning {
    /// The first round trip ends beyond `mark`.
    pub(super) const fn new(mark: u32) -> Tuning {
        Tuning { copied: 0, before: 0, mark }
    }

    /// Whether the round trip is over now that `reached` has come.
    #[inline]
    pub(super) fn is_over(&self, reached: u32) -> bool {
        Seq(reached).after(Seq(self.mark))
    }

    /// The next round trip begins, and ends beyond `mark`. Returns what was read in the one that is over, and by how much that is more
    /// than in the one before.
    pub(super) fn turn(&mut self, mark: u32) -> (u32, u32) {
        let growth = self.copied.saturating_sub(self.before);
        (self.before, self.copied, self.mark) = (self.copied, 0, mark);
        (self.before, growth)
    }
}

/// How large a buffer should be of which so much was read in a round trip, and so much more than in the one before: what doubles is
/// twice as much when a larger window gets to the sender, and four times as much when that is used up.
pub(super) fn wanted(read: u32, growth: u32) -> u32 {
    growth.saturating_mul(4).saturating_add(read).saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_trip_asks_for_twice_what_was_read_and_more_while_that_grows() {
        let mut tuning = Tuning::new(u32::MAX);
        let mut turn = |copied, reached, mark| {
            tuning.copied = copied;
            tuning.is_over(reached).then(|| tuning.turn(mark)).map(|(read, growth)| wanted(read, growth))
        };
        assert_eq!(turn(0, u32::MAX, 5), None);
        assert_eq!(turn(0, 1, 5), Some(0));
        assert_eq!(turn(10_000, 5, 9), None);
        assert_eq!(turn(10_000, 6, 9), Some(100_000));
        assert_eq!(turn(10_000, 10, 12), Some(20_000));
        assert_eq!(turn(12_000, 13, 14), Some(40_000));
        assert_eq!(turn(u32::MAX, 15, 16), Some(u32::MAX));
    }
}
