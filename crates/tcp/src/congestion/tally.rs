//! What was sent again, timed out and was held back, counted from the first time on. A connection that has nothing of it pays nothing.

use crate::spell::Spell;
use basis::Instant;
use core::time::Duration;

/// The sums of one connection; nothing is counted while data flows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tally {
    /// Segments sent again.
    pub(crate) retransmissions: u32,
    /// Bytes of payload sent again.
    pub(crate) repeated: u64,
    /// Segments that the peer says it got twice (RFC 2883).
    pub(crate) twice: u32,
    /// Retransmission time-outs.
    pub(crate) timeouts: u32,
    /// Rows of them without progress between.
    pub(crate) rows: u32,
    /// How long those that have ended lasted, from the first time-out to the next progress.
    pub(crate) lasted: Duration,
    /// When the present one began.
    pub(crate) since: Option<Instant>,
    /// How long the peer's window held back what was to be sent.
    pub(crate) window: Spell,
    /// How long all was sent and the application would have written more.
    pub(crate) buffer: Spell,
    /// How often the sum of bytes sent came round, and that of the time spent.
    pub(crate) turns: (u32, u32),
}

impl Tally {
    pub(crate) fn on_timeout(&mut self, now: Instant) {
        self.timeouts = self.timeouts.saturating_add(1);
        if self.since.is_none() {
            (self.rows, self.since) = (self.rows.saturating_add(1), Some(now));
        }
    }

    /// New data was acknowledged.
    pub(crate) fn on_progress(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            self.lasted += now.saturating_since(since);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_outs_in_a_row_are_one_that_lasts_until_the_next_progress() {
        let (mut tally, at) = (Tally::default(), Instant::from_millis);
        tally.on_progress(at(1));
        for now in [1_000, 3_000] {
            tally.on_timeout(at(now));
        }
        assert_eq!((tally.timeouts, tally.rows, tally.since), (2, 1, Some(at(1_000))));
        tally.on_progress(at(3_500));
        tally.on_timeout(at(9_000));
        tally.on_progress(at(9_100));
        let lasted = Duration::from_millis(2_600);
        assert_eq!(tally, Tally { timeouts: 3, rows: 2, lasted, ..Tally::default() });
    }
}
