//! What BBR knows of a connection, by concern. The draft's names are beside each field.

use super::filter::{CycleMaximum, RoundMaximum};
use super::stage::{Feedback, Stage};
use basis::Instant;
use core::time::Duration;
use wire::tcp::Seq;

/// Round trips by packets: each ends when something is acknowledged that was sent after its beginning.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rounds {
    /// BBR.round_count.
    pub(super) count: u32,
    /// BBR.round_start: this acknowledgment begins a round.
    pub(super) started: bool,
    /// BBR.next_round_delivered.
    pub(super) until: u64,
}

impl Rounds {
    /// StartRound: a round begins with what is sent from now on.
    pub(super) fn restart(&mut self, delivered: u64) {
        self.until = delivered;
    }
}

/// How fast the path is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bandwidth {
    pub(super) filter: CycleMaximum,
    /// BBR.max_bw.
    pub(super) most: u64,
    /// BBR.bw_shortterm, or [`u64::MAX`].
    pub(super) shortterm: u64,
    /// BBR.bw.
    pub(super) now: u64,
}

impl Default for Bandwidth {
    fn default() -> Bandwidth {
        Bandwidth { filter: CycleMaximum::default(), most: 0, shortterm: u64::MAX, now: 0 }
    }
}

impl Bandwidth {
    /// BoundBWForModel.
    pub(super) fn bound(&mut self) {
        self.now = self.most.min(self.shortterm);
    }

    /// AdvanceMaxBwFilter.
    pub(super) fn advance(&mut self) {
        self.filter.advance();
    }
}

/// How much more than its share arrives at once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Aggregation {
    /// BBR.extra_acked_interval_start.
    pub(super) since: Instant,
    /// BBR.extra_acked_delivered.
    pub(super) delivered: u64,
    pub(super) filter: RoundMaximum,
    /// BBR.extra_acked.
    pub(super) extra: u32,
}

impl Aggregation {
    pub(super) fn begin(&mut self, now: Instant) {
        self.since = now;
    }
}

/// Whether sending faster still brings more.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FullPipe {
    /// BBR.full_bw_reached: it was full once.
    pub(super) reached: bool,
    /// BBR.full_bw_now: it is, since this was last asked.
    pub(super) now: bool,
    /// BBR.full_bw.
    pub(super) bandwidth: u64,
    /// BBR.full_bw_count.
    pub(super) count: u8,
}

impl FullPipe {
    /// ResetFullBW.
    pub(super) fn reset(&mut self, bandwidth: u64) {
        (self.bandwidth, self.count, self.now) = (bandwidth, 0, false);
    }
}

/// Where the cycle stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cycle {
    /// BBR.ack_phase.
    pub(super) feedback: Feedback,
    /// BBR.is_bw_probe_sample: what is acknowledged was sent to probe, and has not been answered by a setback.
    pub(super) probe_sample: bool,
    /// BBR.prev_probe_too_high.
    pub(super) too_high: bool,
    /// BBR.prev_probe_precautionary.
    pub(super) precautionary: bool,
    /// BBR.bw_probe_up_rounds.
    pub(super) up_rounds: u32,
    /// BBR.bw_probe_up_acked.
    pub(super) up_delivered: u64,
    /// BBR.probe_up_acked_per_inc; [`u64::MAX`] while the bound is not raised.
    pub(super) per_segment: u64,
    /// BBR.rounds_since_probe_up.
    pub(super) rounds_since_probe: u32,
    /// BBR.bw_probe_wait.
    pub(super) wait: Duration,
    /// BBR.cycle_stamp.
    pub(super) began: Instant,
    /// BBR.drain_start_round.
    pub(super) drain_began: u32,
}

impl Cycle {
    pub(super) const fn new() -> Cycle {
        Cycle {
            feedback: Feedback::None,
            probe_sample: false,
            too_high: false,
            precautionary: false,
            up_rounds: 0,
            up_delivered: 0,
            per_segment: u64::MAX,
            rounds_since_probe: 0,
            wait: Duration::ZERO,
            began: Instant::ZERO,
            drain_began: 0,
        }
    }
}

/// What is known of the shortest round trip, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct RoundTrip {
    /// BBR.min_rtt.
    pub(super) shortest: Option<u32>,
    /// BBR.min_rtt_stamp.
    pub(super) shortest_at: Instant,
    /// BBR.probe_rtt_min_delay.
    pub(super) recent: u32,
    /// BBR.probe_rtt_min_stamp.
    pub(super) recent_at: Instant,
    /// BBR.probe_rtt_expired.
    pub(super) expired: bool,
    /// BBR.probe_rtt_done_stamp.
    pub(super) done_at: Option<Instant>,
    /// BBR.probe_rtt_round_done.
    pub(super) round_done: bool,
}

impl RoundTrip {
    pub(super) const fn new() -> RoundTrip {
        RoundTrip {
            shortest: None,
            shortest_at: Instant::ZERO,
            recent: u32::MAX,
            recent_at: Instant::ZERO,
            expired: false,
            done_at: None,
            round_done: false,
        }
    }

    /// `smoothed` is zero if no round trip was measured yet.
    pub(super) fn begin(&mut self, smoothed: u32, now: Instant) {
        self.shortest = (smoothed != 0).then_some(smoothed);
        (self.shortest_at, self.recent_at) = (now, now);
    }
}

/// What the path has delivered lately, and whether all of it arrived.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Congested {
    /// BBR.bw_latest: the most of one round.
    pub(super) bandwidth: u64,
    /// BBR.inflight_latest.
    pub(super) volume: u64,
    /// BBR.loss_round_delivered.
    pub(super) until: u64,
    /// BBR.loss_round_start: this acknowledgment ends a round.
    pub(super) round_ended: bool,
    /// BBR.is_loss_in_round.
    pub(super) lost_in_round: bool,
    /// Stretches of numbers lost in this round that do not touch each other, and where the last one ended.
    pub(super) gaps: u32,
    pub(super) gap_end: Seq,
}

impl Congested {
    /// ResetCongestionSignals.
    pub(super) fn reset(&mut self) {
        (self.lost_in_round, self.bandwidth, self.volume) = (false, 0, 0);
    }
}

/// What was before the last loss, should it turn out to have been none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Undo {
    /// BBR.undo_state.
    pub(super) stage: Option<Stage>,
    /// BBR.undo_bw_shortterm.
    pub(super) bandwidth: u64,
    /// BBR.undo_inflight_shortterm.
    pub(super) shortterm: u32,
    /// BBR.undo_inflight_longterm.
    pub(super) longterm: u32,
}
