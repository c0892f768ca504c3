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
    /// What ends the round trip: a later timestamp that is echoed, or without timestamps a later number than could be sent at
    /// its beginning.
    mark: u32,
}

impl Tuning {
    /// The first round trip ends beyond `mark`.
    pub(super) const fn new(mark: u32) -> Tuning {
        Tuning { copied: 0, before: 0, mark }
    }

    /// Ends the round trip if `reached` lies beyond what was noted at its beginning, and notes `mark` for the next one.
    #[inline]
    pub(super) fn on_data(&mut self, reached: u32, mark: u32) -> Option<RoundTrip> {
        if !Seq(reached).after(Seq(self.mark)) {
            return None;
        }
        let length = mark.wrapping_sub(self.mark);
        self.mark = mark;
        // What doubles is twice as much when a larger window gets to the sender, and four times as much when that is used up.
        let growth = self.copied.saturating_sub(self.before);
        let wanted = growth.saturating_mul(4).saturating_add(self.copied).saturating_mul(2);
        (self.before, self.copied) = (self.copied, 0);
        Some(RoundTrip { wanted, length })
    }
}

/// A round trip that is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RoundTrip {
    /// How large the buffer should be at least.
    pub(super) wanted: u32,
    /// From its mark to the next one's: milliseconds, or without timestamps bytes.
    pub(super) length: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_trip_asks_for_twice_what_was_read_and_more_while_that_grows() {
        let over = |wanted, length| Some(RoundTrip { wanted, length });
        let mut tuning = Tuning::new(u32::MAX);
        assert_eq!(tuning.on_data(u32::MAX, 5), None);
        assert_eq!(tuning.on_data(1, 5), over(0, 6));
        tuning.copied = 10_000;
        assert_eq!(tuning.on_data(5, 9), None);
        assert_eq!(tuning.on_data(6, 9), over(100_000, 4));
        tuning.copied = 10_000;
        assert_eq!(tuning.on_data(10, 12), over(20_000, 3));
        tuning.copied = 12_000;
        assert_eq!(tuning.on_data(13, 14), over(40_000, 2));
        tuning.copied = u32::MAX;
        assert_eq!(tuning.on_data(15, 16), over(u32::MAX, 2));
    }
}
