//! Loss recovery for peers that do not report selectively: NewReno (RFC 5681 3.2, RFC 6582).

use super::rack::DUPLICATE_THRESHOLD;
use super::recovery::{Episode, Phase};
use super::sender::Sender;
use crate::congestion::Setback;
use crate::environment::Environment;

impl Sender {
    /// One duplicate acknowledgment: a segment has arrived behind a missing one.
    pub(super) fn on_duplicate(&mut self, episode: &mut Episode, environment: &mut Environment<'_>) {
        let segment_size = self.segment_size as u32;
        if episode.phase == Phase::Resend && self.lost() > 0 {
            // What a time-out sends again causes duplicates too; they tell of no loss, and let no new data go.
            return;
        }
        episode.classic.duplicates = episode.classic.duplicates.saturating_add(1);
        if episode.phase == Phase::Repair {
            let inflation = episode.classic.inflation.saturating_add(segment_size);
            episode.classic.inflation = inflation.min(self.flight.outstanding());
            return;
        }
        if episode.classic.duplicates != DUPLICATE_THRESHOLD {
            return;
        }
        // RFC 6582 4.1: after a time-out, duplicates tell of a new loss unless they follow a leap, which tells that what was
        // sent again had arrived before.
        let leapt =
            episode.classic.last_progress > 4 * segment_size || self.congestion.window() <= segment_size;
        if episode.phase == Phase::Resend && leapt {
            return;
        }
        if self.rare.is_some() && self.is_path_probe(self.flight.oldest) {
            self.lose_oldest_probe(environment);
            return;
        }
        // RFC 5681 3.2 step 2: without what limited transmit sent beyond the window.
        let in_flight = self.flight.outstanding().min(self.congestion.window());
        episode.begin(Phase::Repair, self.flight.oldest, self.flight.next);
        self.congestion.on_congestion_event(Setback { in_flight, segment_size });
        episode.classic.inflation = DUPLICATE_THRESHOLD * segment_size;
        self.lose_oldest();
        environment.counters.fast_retransmits += 1;
    }

    /// RFC 6582 3.2 step 3, partial acknowledgment: the next hole is filled, the window deflates. Returns whether the time-out
    /// begins anew, which only the first one brings about.
    pub(super) fn on_partial(&mut self, episode: &mut Episode, acknowledged: u32) -> bool {
        let segment_size = self.segment_size as u32;
        let classic = &mut episode.classic;
        classic.inflation = classic.inflation.saturating_sub(acknowledged);
        if acknowledged >= segment_size {
            classic.inflation = classic.inflation.saturating_add(segment_size);
        }
        episode.forced = true;
        self.lose_oldest();
        !core::mem::replace(&mut episode.classic.partial_seen, true)
    }

    /// The oldest segment is lost.
    fn lose_oldest(&mut self) {
        let (oldest, next) = (self.flight.oldest, self.flight.next);
        if let Some(buffer) = &mut self.buffer {
            buffer.board.lose(oldest, oldest, next.min(oldest + self.segment_size as u32));
        }
    }
}
