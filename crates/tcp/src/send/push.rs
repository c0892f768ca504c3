//! Which segments carry PSH (RFC 9293 3.9.1.2): the end of what was written, of a record and of a burst. Who sends them again pushes them again.

use super::segmenter::Decision;
use super::sender::Sender;
use super::transmit::Outbound;
use crate::environment::Environment;
use crate::settings::Settings;
use wire::tcp::{Flags, Seq};

/// A largest window of so many full segments is still tiny: what its peer waits for must not depend on the end of a burst.
const TINY_WINDOW: u32 = 10;

impl Sender {
    /// Whether new data from `sequence` to `end` leaves with PSH; `last` tells that nothing waits behind it. What is pushed is remembered.
    #[inline(always)]
    pub(super) fn push(&mut self, sequence: Seq, end: Seq, last: bool) -> bool {
        let ends = last && !self.marks.unfinished() || self.record(sequence, end.since(sequence)).1;
        let pushed = end != sequence && (ends || self.fills_half(sequence, end));
        if pushed && let Some(buffer) = &mut self.buffer {
            buffer.pushes.note(self.flight.oldest, end);
        }
        pushed
    }

    /// Whether what ends at `end` fills more than half of a tiny window since the last push: a peer that waits for a PSH must not wait with
    /// its window nearly full, much as from Linux.
    #[inline]
    fn fills_half(&mut self, sequence: Seq, end: Seq) -> bool {
        let largest = self.window.largest;
        if largest > TINY_WINDOW * u32::from(self.segment_size) {
            return false;
        }
        let begin = self.buffer.as_mut().map_or(sequence, |buffer| buffer.pushes.begin(sequence));
        end.since(begin) > largest / 2
    }

    /// Whether what is sent again from `left` to `right` was pushed when it was sent first.
    pub(super) fn was_pushed(&self, left: Seq, right: Seq) -> bool {
        right != left && self.buffer.as_ref().is_some_and(|buffer| buffer.pushes.within(left, right))
    }

    /// The full segment that has just been laid out ends a burst of several, or does not: then it stays as it is.
    #[cold]
    pub(super) fn push_end_of_burst(
        &mut self,
        outbound: Outbound,
        fin: bool,
        settings: &Settings,
        environment: &Environment<'_>,
    ) -> Outbound {
        if outbound.flags().contains(Flags::PSH) || !self.ends_burst(fin, settings, environment) {
            return outbound;
        }
        let (oldest, end) = (self.flight.oldest, self.flight.next);
        if let Some(buffer) = &mut self.buffer {
            buffer.pushes.note(oldest, end);
        }
        Outbound::new(outbound.sequence(), outbound.flags() | Flags::PSH)
    }

    /// Whether nothing can follow a full segment that itself followed others: who gathers segments on their way need not wait for more. In
    /// the smallest windows every segment is a burst of its own.
    fn ends_burst(&mut self, fin: bool, settings: &Settings, environment: &Environment<'_>) -> bool {
        if self.longest_burst(environment.config.min_burst) <= self.segment_size as u32 {
            return false;
        }
        let outstanding = self.flight.outstanding();
        let unsent = (self.queued() as u32).saturating_sub(outstanding);
        let limits = self.congestion.limits;
        let next = self.decide(unsent, outstanding, fin, settings, environment);
        self.congestion.limits = limits;
        self.recovery.is_quiet()
            && unsent > 0
            && !self.marks.unfinished()
            && !matches!(next, Decision::Send(_))
    }
}
