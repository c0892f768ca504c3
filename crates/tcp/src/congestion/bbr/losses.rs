//! What losses and congestion marks do to the model, and what undoes it (draft-ietf-ccwg-bbr 5.5.10 and 5.5.11).

use super::super::controller::{LostSegment, Signal};
use super::super::window::Window;
use super::flow::{Bbr, UNBOUNDED};
use super::parts::Undo;
use super::stage::Stage;
use basis::Instant;

/// BBR.LossThresh, in per cent.
const LOSS_THRESHOLD: u64 = 2;
/// BBR.Beta, in per cent.
const BETA: u64 = 70;

impl Bbr {
    /// Whether more than the threshold was lost of what was under way.
    pub(super) fn is_too_much(&self, lost: u64, in_flight: u32) -> bool {
        lost * 100 > u64::from(in_flight) * LOSS_THRESHOLD
    }

    /// IsInflightTooHigh.
    pub(super) fn is_too_high(&self, lost: u64, in_flight: u32, selective: bool) -> bool {
        self.is_too_much(lost, in_flight) || lost > 0 && !selective
    }

    /// NoteLoss.
    fn note_loss(&mut self, window: &Window, delivered: u64) {
        if !self.congested.lost_in_round {
            self.congested.until = delivered;
            self.congested.gaps = 0;
            self.save_state(window);
        }
        self.congested.lost_in_round = true;
    }

    /// HandleLostPacket.
    pub(crate) fn on_lost(&mut self, window: &Window, lost: &LostSegment) {
        self.note_loss(window, lost.delivered);
        let begin = lost.end - lost.bytes;
        self.congested.gaps += u32::from(self.congested.gaps == 0 || begin != self.congested.gap_end);
        self.congested.gap_end = lost.end;
        let Some((sent_in_flight, starved, lost_since)) = lost.sent.filter(|_| self.cycle.probe_sample)
        else {
            return;
        };
        if !self.is_too_high(lost_since, sent_in_flight, lost.selective) {
            return;
        }
        let safe = in_flight_at_loss(lost.bytes, sent_in_flight, lost_since);
        self.on_too_high(window, safe, starved, lost.delivered, lost.now);
    }

    /// HandleInflightTooHigh: `in_flight` bytes under way were the most that was safe.
    fn on_too_high(&mut self, window: &Window, in_flight: u32, starved: bool, delivered: u64, now: Instant) {
        self.cycle.too_high = true;
        self.cycle.probe_sample = false;
        if !starved {
            let least = u64::from(self.target(window)) * BETA / 100;
            self.longterm = in_flight.max(least as u32);
        }
        if self.stage == Stage::Up {
            self.undo.stage = Some(Stage::Up);
            self.start_down(delivered, now);
        }
    }

    /// The peer tells of congestion marks, for the first time in this window. `Deviates:` the draft leaves open what follows from that, but that
    /// something has to (3.8): they count as losses do that are just too many.
    pub(crate) fn on_marked(&mut self, window: &Window, sample: (u32, bool), delivered: u64, now: Instant) {
        self.note_loss(window, delivered);
        if self.cycle.probe_sample {
            self.on_too_high(window, sample.0, sample.1, delivered, now);
        } else if self.stage == Stage::Startup {
            self.leave_startup_by_losses();
            self.enter_drain();
        }
    }

    /// UpdateLatestDeliverySignals.
    pub(super) fn update_latest(&mut self, signal: &Signal) {
        let (sample, congested) = (&signal.sample, &mut self.congested);
        congested.bandwidth = congested.bandwidth.max(sample.rate);
        congested.volume = congested.volume.max(sample.delivered);
        congested.round_ended = sample.prior_delivered.is_some_and(|before| before >= congested.until);
        if congested.round_ended {
            congested.until = signal.delivered;
        }
    }

    /// UpdateCongestionSignals.
    pub(super) fn update_congestion(&mut self, window: &Window, signal: &Signal) {
        self.update_bandwidth(signal);
        if self.congested.round_ended {
            self.end_loss_round(window);
        }
    }

    /// AdaptLowerBoundsFromCongestion: once a round, toward what was delivered in it.
    fn end_loss_round(&mut self, window: &Window) {
        if !self.congested.lost_in_round || self.stage.is_accelerating() {
            return;
        }
        // InitLowerBounds.
        if self.bandwidth.shortterm == u64::MAX {
            self.bandwidth.shortterm = self.bandwidth.most;
        }
        if self.shortterm == UNBOUNDED {
            self.shortterm = window.size;
        }
        // LossLowerBounds.
        let bandwidth = u128::from(self.bandwidth.shortterm) * u128::from(BETA) / 100;
        self.bandwidth.shortterm = self.congested.bandwidth.max(bandwidth as u64);
        let volume = (u64::from(self.shortterm) * BETA / 100).max(self.congested.volume);
        self.shortterm = u32::try_from(volume).unwrap_or(UNBOUNDED - 1);
    }

    /// AdvanceLatestDeliverySignals.
    pub(super) fn advance_latest(&mut self, signal: &Signal) {
        if self.congested.round_ended {
            (self.congested.bandwidth, self.congested.volume) = (signal.sample.rate, signal.sample.delivered);
            // Only now: Startup looks at the losses of the round.
            (self.congested.gaps, self.congested.lost_in_round) = (0, false);
        }
    }

    /// ResetShortTermModel.
    pub(super) fn forget_shortterm(&mut self) {
        (self.bandwidth.shortterm, self.shortterm) = (u64::MAX, UNBOUNDED);
    }

    // ---- recovery ----

    /// OnEnterFastRecovery.
    pub(crate) fn on_recovery(&mut self, window: &Window) {
        self.save_state(window);
        (self.recovering, self.fast_recovery) = (true, true);
    }

    /// OnEnterRTO: `in_flight` bytes are still believed to be under way.
    pub(crate) fn on_timeout(&mut self, window: &mut Window, in_flight: u32, segment_size: u32) {
        self.save_state(window);
        (self.recovering, self.fast_recovery) = (true, false);
        window.size = in_flight.saturating_add(segment_size);
    }

    /// All losses are repaired.
    pub(crate) fn on_recovered(&mut self, window: &mut Window) {
        self.fast_recovery = false;
        if core::mem::take(&mut self.recovering) {
            self.restore_window(window);
        }
    }

    /// HandleSpuriousLossDetection.
    pub(crate) fn on_spurious(&mut self, window: &mut Window, delivered: u64) {
        (self.recovering, self.fast_recovery) = (false, false);
        self.restore_window(window);
        self.congested.lost_in_round = false;
        self.pipe.reset(0);
        self.bandwidth.shortterm = self.bandwidth.shortterm.max(self.undo.bandwidth);
        self.shortterm = self.shortterm.max(self.undo.shortterm);
        self.longterm = self.longterm.max(self.undo.longterm);
        match self.undo.stage.take() {
            Some(Stage::Startup) if self.stage != Stage::Startup => {
                self.pipe.reached = false;
                if self.stage != Stage::ProbeRtt {
                    self.stage = Stage::Startup;
                }
            }
            Some(Stage::Up) if !matches!(self.stage, Stage::Up | Stage::ProbeRtt) => {
                self.start_refill(delivered)
            }
            _ => {}
        }
    }

    /// SaveStateUponLoss.
    fn save_state(&mut self, window: &Window) {
        self.save_window(window);
        self.undo = Undo {
            stage: None,
            bandwidth: self.bandwidth.shortterm,
            shortterm: self.shortterm,
            longterm: self.longterm,
        };
    }

    /// SaveCwnd.
    pub(super) fn save_window(&mut self, window: &Window) {
        self.prior_window = match self.recovering || self.stage == Stage::ProbeRtt {
            false => window.size,
            true => self.prior_window.max(window.size),
        };
    }

    /// RestoreCwnd.
    pub(super) fn restore_window(&mut self, window: &mut Window) {
        window.size = window.size.max(self.prior_window);
    }
}

/// InflightAtLoss: how much was under way when losses crossed the threshold, which may have been inside a burst of `bytes`.
/// With it, `in_flight` bytes were under way, and `lost` bytes were lost since.
fn in_flight_at_loss(bytes: u32, in_flight: u32, lost: u64) -> u32 {
    let before = u64::from(in_flight.saturating_sub(bytes));
    let lost_before = lost.saturating_sub(u64::from(bytes));
    let prefix = (before * LOSS_THRESHOLD).saturating_sub(lost_before * 100) / (100 - LOSS_THRESHOLD);
    u32::try_from(before + prefix).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn losses_cross_the_threshold_inside_a_burst() {
        // Of 100 000 bytes without losses and a burst of 10 000, all lost: 2 % are reached after about 2 041.
        assert_eq!(in_flight_at_loss(10_000, 110_000, 10_000), 102_040);
        assert_eq!(in_flight_at_loss(10_000, 110_000, 15_000), 100_000, "they had crossed it before");
    }

    proptest! {
        /// At the place found, just 2 % are lost, if not more had been before.
        #[test]
        fn the_place_is_where_two_of_a_hundred_are_lost(before in 0..10_000_000u32, burst in 1_000..65_000u32, lost in 0..300_000u64) {
            let at = in_flight_at_loss(burst, before.saturating_add(burst), lost + u64::from(burst));
            prop_assert!(at >= before);
            let lost_there = lost + u64::from(at - before);
            let allowed = u64::from(at) * LOSS_THRESHOLD / 100;
            prop_assert!(at == before || lost_there.abs_diff(allowed) <= 1);
        }
    }
}
