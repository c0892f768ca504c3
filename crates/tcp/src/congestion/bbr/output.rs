//! What the model makes of the rate and the window (draft-ietf-ccwg-bbr 5.6).

use super::super::controller::Signal;
use super::super::pace::quantum;
use super::super::window::{MAX_WINDOW, Window};
use super::flow::{Bbr, UNBOUNDED};
use super::stage::Stage;

/// What is left of the bandwidth after BBR.PacingMarginPercent.
const MARGIN: u64 = 99;
/// TCP's factor of the offload budget (5.5.8.1).
const QUANTA: u32 = 3;

impl Bbr {
    /// InitPacingRate. `smoothed` is zero if no round trip was measured yet: then it is taken for a millisecond.
    pub(super) fn begin_pacing(&mut self, smoothed: u32) {
        let smoothed = if smoothed == 0 { 1_000 } else { u64::from(smoothed) };
        let nominal = u64::from(self.initial_window) * 1_000_000 / smoothed;
        self.pacing_rate = (nominal * Stage::Startup.pacing_gain() / 100).max(1);
    }

    /// SetPacingRateWithGain: before the pipe was full once, nothing that the application held back slows the rate down.
    pub(super) fn set_pacing_rate(&mut self, gain: u64) {
        let rate =
            (u128::from(self.bandwidth.now) * u128::from(gain) / 100 * u128::from(MARGIN) / 100) as u64;
        if self.pipe.reached && rate > 0 || rate > self.pacing_rate {
            self.pacing_rate = rate;
        }
    }

    /// BBR.MinPipeCwnd.
    pub(super) fn least_window(&self) -> u32 {
        4 * self.segment_size
    }

    /// QuantizationBudget.
    fn with_quanta(&self, in_flight: u32) -> u32 {
        let budget = QUANTA * quantum(self.pacing_rate, self.segment_size);
        let more = if self.stage == Stage::Up { 2 * self.segment_size } else { 0 };
        in_flight.max(budget).max(self.least_window()).saturating_add(more)
    }

    /// Inflight: `gain` per cent of what the path holds at `bandwidth`, and what bursts need.
    pub(super) fn in_flight(&self, bandwidth: u64, gain: u64) -> u32 {
        self.with_quanta(self.share_of_path(bandwidth, gain))
    }

    /// ProbeRTTCwnd.
    pub(super) fn pause_window(&self) -> u32 {
        let gain = Stage::ProbeRtt.window_gain();
        self.share_of_path(self.bandwidth.now, gain).max(self.least_window())
    }

    /// SetCwnd, with UpdateMaxInflight.
    pub(super) fn set_window(&self, window: &mut Window, signal: &Signal) {
        let share = self.share_of_path(self.bandwidth.now, self.stage.window_gain());
        let most = self.with_quanta(share.saturating_add(self.aggregation.extra));
        let grown = window.size.saturating_add(signal.sample.newly_delivered);
        if self.pipe.reached {
            window.size = grown.min(most);
        } else if window.size < most || signal.delivered < u64::from(self.initial_window) {
            window.size = grown;
        }
        window.size = window.size.max(self.least_window());
        if self.stage == Stage::ProbeRtt {
            window.size = window.size.min(self.pause_window());
        }
        window.size = window.size.min(self.bound()).min(MAX_WINDOW);
    }

    /// BoundCwndForModel.
    fn bound(&self) -> u32 {
        let longterm = match self.stage {
            Stage::Down | Stage::Refill | Stage::Up => self.longterm,
            Stage::Cruise | Stage::ProbeRtt => self.with_headroom(),
            Stage::Startup | Stage::Drain => UNBOUNDED,
        };
        longterm.min(self.shortterm).max(self.least_window())
    }
}
