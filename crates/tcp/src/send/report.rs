//! What a report tells of the sender.

use super::sender::Sender;
use crate::info::{Info, Trust};
use basis::Instant;

impl Sender {
    /// Fills in what a report tells of the sender.
    pub(crate) fn report(&self, info: &mut Info) {
        info.send_buffer = self.limit;
        info.send_queue = self.queued() as u32;
        info.in_flight = self.flight.outstanding();
        info.congestion = Some(self.congestion.algorithm());
        info.congestion_window =
            if self.recovery.is_quiet() { self.congestion.window() } else { self.repair_window() };
        info.slow_start_threshold = self.congestion.slow_start_threshold();
        info.send_window = self.window.size;
        info.largest_send_window = self.window.largest;
        info.segment_size = self.segment_size as u32;
        info.smoothed_rtt = self.rtt.smoothed();
        info.rtt_variation = self.rtt.variation();
        info.retransmission_timeout = self.rtt.timeout();
        info.bytes_sent = self.bytes_sent();
        (info.segments_sent, info.data_segments_sent) = self.segments();
        let (busy, tally) = (self.busy(), self.congestion.tallied());
        (info.busy_time, info.busy_since) = (busy.lasted, busy.since);
        (info.window_limited_time, info.window_limited_since) = (tally.window.lasted, tally.window.since);
        (info.buffer_limited_time, info.buffer_limited_since) = (tally.buffer.lasted, tally.buffer.since);
        info.retransmissions = tally.retransmissions;
        (info.bytes_repeated, info.duplicates_reported) = (tally.repeated, tally.twice);
        (info.total_timeouts, info.timeout_recoveries) = (tally.timeouts, tally.rows);
        (info.timeout_time, info.timeout_since) = (tally.lasted, tally.since);
        info.delivered =
            self.bytes_sent().saturating_sub(u64::from(self.flight.outstanding() - self.selected()));
        info.delivered_marked = self.congestion.marked();
        if let Some(shaping) = self.congestion.shaping() {
            let sample = shaping.delivery.last();
            info.delivery_rate = (sample.rate > 0).then_some(sample.rate);
            info.delivery_rate_starved = sample.starved;
            info.pacing_rate = Some(shaping.pace.rate());
            info.max_pacing_rate = shaping.pace.most();
        }
        info.in_recovery = self.recovery.is_repairing();
        info.selected = self.selected();
        info.lost = self.lost();
        info.repeated = self.buffer.as_ref().map_or(0, |buffer| buffer.board.repeated(self.flight.oldest));
        info.trust = match self.recovery.trust(info.selected + info.lost > 0) {
            Trust::Open | Trust::Disorder if self.congestion.has_answered(self.flight.oldest) => {
                Trust::Reduced
            }
            trust => trust,
        };
        (info.reordering, info.reorderings) = self.recovery.reordering.extent();
        (info.timeouts, info.probes) = (self.expiries, self.probe.unanswered());
        info.shortest_rtt = self.rtt.shortest();
        info.backoff = self.rtt.backoff();
        info.last_sent = (self.last_sent != Instant::ZERO).then_some(self.last_sent);
    }
}
