//! Fast retransmit and fast recovery (RFC 5681 3.2, RFC 6582), limited transmit (RFC 3042).

use super::in_flight::InFlight;
use crate::congestion::{Congestion, Setback};
use wire::tcp::Seq;

/// The third duplicate acknowledgment in a row tells of a loss.
const DUPLICATE_THRESHOLD: u32 = 3;

/// What the sender knows of losses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recovery {
    /// Duplicate acknowledgments in a row.
    duplicates: u32,
    /// An acknowledgment must go beyond this for another loss to be believed. RFC 6582: recover.
    recover: Seq,
    /// Bytes that duplicate acknowledgments tell have left the network (RFC 5681 3.2 step 4).
    inflation: u32,
    active: bool,
    partial_seen: bool,
    /// The oldest segment is to be sent again.
    pub(crate) retransmit: bool,
}

/// What an acknowledgment of new data means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Progress {
    /// No loss is being repaired.
    Normal,
    /// Recovery goes on; the flag tells the first partial acknowledgment, which alone restarts the timer (RFC 6582 3.2).
    Partial { first: bool },
    /// All that was under way when the loss was seen has arrived.
    Recovered,
}

impl Recovery {
    /// `initial` is the number of the SYN.
    pub(crate) fn new(initial: Seq) -> Recovery {
        Recovery {
            duplicates: 0,
            recover: initial,
            inflation: 0,
            active: false,
            partial_seen: false,
            retransmit: false,
        }
    }

    #[inline]
    pub(crate) fn active(&self) -> bool {
        self.active
    }

    /// Bytes beyond the congestion window that may be under way: for segments that have left the network.
    #[inline]
    pub(crate) fn allowance(&self, segment_size: u32) -> u32 {
        // RFC 3042: the first two duplicate acknowledgments each let one new segment go.
        if self.active { self.inflation } else { self.duplicates.min(2) * segment_size }
    }

    /// One duplicate acknowledgment. Returns whether it is the one that starts recovery.
    pub(crate) fn on_duplicate(
        &mut self,
        flight: &InFlight,
        segment_size: u32,
        congestion: &mut Congestion,
    ) -> bool {
        if flight.next != flight.highest {
            // What a time-out repeats causes duplicates too; they tell of no loss, and let no new data go.
            return false;
        }
        self.duplicates = self.duplicates.saturating_add(1);
        if self.active {
            self.inflation = self.inflation.saturating_add(segment_size).min(flight.outstanding());
            return false;
        }
        if self.duplicates != DUPLICATE_THRESHOLD || !flight.oldest.after(self.recover) {
            return false;
        }
        // RFC 5681 3.2 step 2: without what limited transmit sent beyond the window.
        let in_flight = flight.flight().min(congestion.window());
        congestion.on_congestion_event(Setback { in_flight, segment_size });
        self.recover = flight.highest;
        self.inflation = DUPLICATE_THRESHOLD * segment_size;
        (self.active, self.partial_seen, self.retransmit) = (true, false, true);
        true
    }

    /// `acknowledged` bytes of new data were acknowledged; `flight` already knows.
    #[inline]
    pub(crate) fn on_progress(
        &mut self,
        acknowledged: u32,
        flight: &InFlight,
        segment_size: u32,
        congestion: &mut Congestion,
    ) -> Progress {
        self.duplicates = 0;
        if !self.active {
            if flight.oldest.after(self.recover) {
                // It follows, or half the number space later it would seem to lie ahead.
                self.recover = flight.oldest - 1;
            }
            return Progress::Normal;
        }
        if flight.oldest.at_or_after(self.recover) {
            self.end();
            // Everything sent before the loss has arrived, so the next loss is a new one.
            self.recover = flight.oldest - 1;
            congestion.on_recovered(flight.flight(), segment_size);
            return Progress::Recovered;
        }
        // RFC 6582 3.2 step 3, partial acknowledgment: the next hole is sent again, the window deflates.
        self.retransmit = true;
        self.inflation = self.inflation.saturating_sub(acknowledged);
        if acknowledged >= segment_size {
            self.inflation = self.inflation.saturating_add(segment_size);
        }
        Progress::Partial { first: !core::mem::replace(&mut self.partial_seen, true) }
    }

    /// The retransmission timer expired: what was sent so far proves no further loss (RFC 6582 4).
    pub(crate) fn on_timeout(&mut self, highest: Seq) {
        self.end();
        self.recover = highest;
        self.duplicates = 0;
    }

    fn end(&mut self) {
        (self.active, self.inflation, self.retransmit) = (false, 0, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::congestion::Algorithm;
    use basis::Instant;

    #[test]
    fn a_loss_after_three_gibibytes_without_one_is_repaired_by_the_third_duplicate() {
        let (mut congestion, mut flight) = (Congestion::new(Algorithm::NewReno, 1000), InFlight::new(Seq(1)));
        let mut recovery = Recovery::new(Seq(0));
        for _ in 0..3 * 1024 {
            flight.sent(1 << 20, Instant::ZERO);
            flight.acknowledged(flight.highest, Instant::ZERO);
            recovery.on_progress(1 << 20, &flight, 1000, &mut congestion);
        }
        flight.sent(10_000, Instant::ZERO);
        let started = [0; 3].map(|_| recovery.on_duplicate(&flight, 1000, &mut congestion));
        assert_eq!(started, [false, false, true]);
    }
}
